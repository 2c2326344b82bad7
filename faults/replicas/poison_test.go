package replicas

import (
	"fmt"
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"tandem"
	"tandem/ops/dev/product"
	"tandem/sync/client"
)

// poisons are messages that no consumer may take, made of a good event, with a word of the reason for which they are set aside.
func poisons(t *testing.T, good []byte) map[string]poison {
	t.Helper()
	edit := func(f func(ce, data map[string]any)) []byte { return edited(t, fresh(t, good), f) }
	return map[string]poison{
		"an unknown type":   {edit(func(ce, data map[string]any) { ce["type"], data["event_type"] = "task.exploded", "task.exploded" }), "task.exploded"},
		"another's task":    {edit(func(_, data map[string]any) { data["user_id"] = "mallory" }), "no such task"},
		"a key too few":     {edit(func(_, data map[string]any) { delete(data, "timestamp") }), "timestamp"},
		"a key too many":    {edit(func(_, data map[string]any) { data["admin"] = true }), "admin"},
		"one mebibyte":      {edit(func(ce, _ map[string]any) { ce["pad"] = strings.Repeat("x", 1<<20-8192) }), "exceeds"},
		"invalid UTF-8":     {[]byte("{\"specversion\":\"1.0\",\"id\":\"\xff\"}"), "UTF-8"},
		"no JSON":           {[]byte("hello"), "not one CloudEvent"},
		"a batch of events": {[]byte("[" + string(good) + "]"), "not one CloudEvent"},
	}
}

type poison struct {
	raw  []byte
	word string
}

// fresh gives an event with an id that nobody has seen.
func fresh(t *testing.T, raw []byte) []byte {
	t.Helper()
	return aged(t, raw, 0)
}

// poisoned puts bad messages between good ones.
func poisoned(t *testing.T, p *product.Product, s store) {
	t.Helper()
	s.addDone(t, "pia", "before")
	s.add(t, "mallory", tandem.Draft{Title: "hers"}) // an event of somebody unknown is one of somebody erased
	at := time.Now().Add(time.Second)
	s.add(t, "pia", tandem.Draft{Title: "due", Reminders: []tandem.ReminderSpec{{At: &at}}})
	good := map[string][]byte{}
	for _, r := range published(t, p, 2, func(e tandem.Event) bool {
		return e.UserID == "pia" && (e.EventType == tandem.EventTaskCompleted || e.EventType == tandem.EventReminderDue)
	}) {
		good[r.Topic] = r.Value
	}
	quiet := func() bool { return count(t, p, `select count(*) from outbox`) == 0 && lag(t, p) == 0 }
	eventually(t, takenWithin, "everything before", quiet)
	before := state(t, p)
	want := map[string]int{}
	for topic, consumers := range map[string][]string{
		"task-events": {"recurrence", "reminders", "audit"}, "reminders": {"notifications", "audit"},
	} {
		for name, bad := range poisons(t, good[topic]) {
			produce(t, p, &kgo.Record{Topic: topic, Partition: 5, Value: bad.raw})
			for _, c := range consumers {
				if name != "another's task" || c != "reminders" { // which completions do not concern
					want[fmt.Sprintf("%s %s %s", topic, c, bad.word)]++
				}
			}
		}
		produce(t, p, &kgo.Record{Topic: topic + "-dlq", Value: []byte("\x00 no letter of " + topic)})
		want[topic+"  undecodable"]++
		produce(t, p, &kgo.Record{Topic: topic, Partition: 5, Value: good[topic]}, &kgo.Record{Topic: topic, Partition: 5, Value: fresh(t, good[topic])})
	}
	eventually(t, takenWithin, "a letter for each", func() bool { return len(missing(t, p, want)) == 0 })
	eventually(t, takenWithin, "what is behind", quiet)
	if n, all := count(t, p, `select count(*) from dead_letters`), total(want); n != all {
		t.Errorf("%d letters, want %d", n, all)
	}
	if after := state(t, p); !maps.Equal(before, after) {
		t.Errorf("the garbage changed something: %v became %v", before, after)
	}
	if n := count(t, p, `select count(*) from audit where user_id = 'mallory'`); n != 1 {
		t.Errorf("the trail of another person tells of %d events, want her own alone", n)
	}
	s.addDone(t, "pia", "behind")
	eventually(t, takenWithin, "a completion behind all that has its successor", func() bool {
		return count(t, p, `select count(*) from tasks where user_id = 'pia' and title = 'behind'`) == 2
	})
}

// state counts what events may change.
func state(t *testing.T, p *product.Product) map[string]int {
	t.Helper()
	out := map[string]int{}
	for _, table := range []string{"users", "tasks", "versions", "changes", "notices", "reminders", "outbox"} {
		out[table] = count(t, p, `select count(*) from `+table)
	}
	return out
}

// missing gives what is wanted and not in the dead letters: topic, consumer and a word of the reason.
func missing(t *testing.T, p *product.Product, want map[string]int) (out []string) {
	t.Helper()
	for key, n := range want {
		parts := strings.SplitN(key, " ", 3)
		got := count(t, p, `select count(*) from dead_letters where topic = $1 and consumer = $2 and position($3 in reason) > 0`, parts[0], parts[1], parts[2])
		if got != n {
			out = append(out, fmt.Sprintf("%s: %d of %d", key, got, n))
		}
	}
	return out
}

func total(m map[string]int) (n int) {
	for _, v := range m {
		n += v
	}
	return n
}

// repaired lets a consumer fail at an event, as a bug would, and replays the event after the repair.
func repaired(t *testing.T, p *product.Product, s store) {
	t.Helper()
	p.PG.Exec(t, p.Database, `alter table notices add constraint a_bug check (title <> 'unlucky')`)
	d := device(t, p, p.Serve[0], "rae")
	at := time.Now().Add(time.Second)
	for _, title := range []string{"unlucky", "lucky"} {
		s.add(t, "rae", tandem.Draft{Title: title, Reminders: []tandem.ReminderSpec{{At: &at}}})
	}
	list := func() string {
		out, err := operator(t, p, "replay", "--dead", "--dry-run", "--user", "rae")
		if err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		return out
	}
	eventually(t, takenWithin, "the letter", func() bool {
		return count(t, p, `select count(*) from dead_letters where user_id = 'rae' and consumer = 'notifications'`) == 1
	})
	if out := list(); !strings.Contains(out, "a_bug") || strings.Count(out, "\n") != 1 {
		t.Errorf("the list says %q", out)
	}
	within(t, takenWithin, "the notice behind", d, noticed(t, "lucky"))
	p.PG.Exec(t, p.Database, `alter table notices drop constraint a_bug`)
	stay := count(t, p, `select count(*) from dead_letters`) - 1
	if out, err := operator(t, p, "replay", "--dead", "--user", "rae"); err != nil || !strings.Contains(out, "1 events published again") {
		t.Fatalf("%v: %s", err, out)
	}
	within(t, takenWithin, "the notice after the repair", d, noticed(t, "unlucky"))
	if out := list(); out != "" {
		t.Errorf("the list still says %q", out)
	}
	if n := count(t, p, `select count(*) from dead_letters`); n != stay {
		t.Errorf("%d letters stay, want %d", n, stay)
	}
	eventually(t, takenWithin, "every group has read to the end", func() bool { return lag(t, p) == 0 })
	if n := count(t, p, `select count(*) from notices where user_id = 'rae'`); n != 2 {
		t.Errorf("%d notices, want 2", n)
	}
}

// noticed tells whether a device shows a notice of that title.
func noticed(t *testing.T, title string) func(*client.Replica) bool {
	t.Helper()
	return func(r *client.Replica) bool {
		for _, n := range noticesOf(t, r) {
			if n.Title == title {
				return true
			}
		}
		return false
	}
}
