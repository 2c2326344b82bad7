package replicas

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"tandem"
	"tandem/ops/dev/product"
	"tandem/server/dapr"
	"tandem/server/postgres"
)

// takenWithin bounds how long a few thousand events may take on a busy machine.
const takenWithin = 60 * time.Second

// TestConsumers holds that two processes of each consumer do everything once.
func TestConsumers(t *testing.T) {
	p := deploy(t, product.Options{Workers: []string{
		"relay", "recurrence", "recurrence", "reminders", "reminders", "notifications", "notifications", "audit", "audit",
	}})
	s := openStore(t, p)
	t.Run("a thousand events", func(t *testing.T) { thousandEvents(t, p, s) })
	t.Run("eight times at once", func(t *testing.T) { eightTimes(t, p, s) })
	t.Run("poison", func(t *testing.T) { poisoned(t, p, s) })
	t.Run("a repair", func(t *testing.T) { repaired(t, p, s) })
	t.Run("a thousand reminders", func(t *testing.T) { thousandReminders(t, p, s) })
}

// store writes as a process would that tells nobody: all that follows came by the outbox.
type store struct{ *postgres.DB }

func openStore(t *testing.T, p *product.Product) store {
	t.Helper()
	db, err := postgres.Open(t.Context(), p.PG.DSN("tandem_app", p.Database), postgres.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	return store{db}
}

// add makes a task.
func (s store) add(t *testing.T, user tandem.UserID, d tandem.Draft) tandem.Task {
	t.Helper()
	out, err := s.Edit(t.Context(), user, tandem.Edit{
		Cause: tandem.Cause{Actor: tandem.ActorUser}, Tool: "add_task",
		Decide: func(sc tandem.Scene) (tandem.Plan, error) {
			task, _, err := tandem.NewTask(sc, d)
			return tandem.Plan{Tasks: []tandem.Task{task}}, err
		},
	})
	if err != nil {
		t.Errorf("add %q: %v", d.Title, err)
		return tandem.Task{}
	}
	return *out.Changes[0].After
}

// addDone makes a recurring task and completes it.
func (s store) addDone(t *testing.T, user tandem.UserID, title string) {
	t.Helper()
	rule, err := tandem.ParseRule("FREQ=DAILY")
	if err != nil {
		t.Errorf("rule: %v", err)
	}
	task := s.add(t, user, tandem.Draft{Title: title, Due: &tandem.Due{Date: "2031-05-05"}, Rule: rule})
	_, err = s.Edit(t.Context(), user, tandem.Edit{
		Cause: tandem.Cause{Actor: tandem.ActorUser}, Tool: "complete_task", Refs: []tandem.TaskRef{{UID: task.UID}},
		Decide: func(sc tandem.Scene) (tandem.Plan, error) {
			return tandem.Plan{Tasks: []tandem.Task{tandem.Complete(sc, *sc.Tasks[0], sc.Now)}}, nil
		},
	})
	if err != nil {
		t.Errorf("complete %q: %v", title, err)
	}
}

// each calls f with 0 to n-1, a few at a time.
func each(n int, f func(i int)) {
	var wg sync.WaitGroup
	for hand := range 8 {
		wg.Go(func() {
			for i := hand; i < n; i += 8 {
				f(i)
			}
		})
	}
	wg.Wait()
}

// thousandEvents completes occurrences: each has one successor, and the trail has each event.
func thousandEvents(t *testing.T, p *product.Product, s store) {
	t.Helper()
	const series = 340 // three events each: made, completed, and its successor made
	began := time.Now()
	each(series, func(i int) { s.addDone(t, tandem.UserID(fmt.Sprintf("many-%d", i%20)), fmt.Sprintf("many %d", i)) })
	written := time.Now()
	made := func() int { return count(t, p, `select count(*) from tasks where title like 'many %' and status = 0`) }
	kept := func() int {
		return count(t, p, `select count(*) from audit where user_id like 'many-%' and topic = 'task-events'`)
	}
	eventually(t, takenWithin, "every successor and event", func() bool { return made() >= series && kept() >= 3*series })
	t.Logf("figure: %d events: written in %s, their effects there %s later", 3*series, written.Sub(began).Round(time.Millisecond), time.Since(written).Round(time.Millisecond))
	eventually(t, takenWithin, "the outbox is empty", func() bool { return count(t, p, `select count(*) from outbox`) == 0 })
	if n, m := made(), kept(); n != series || m != 3*series {
		t.Errorf("%d successors of %d, %d events of %d in the trail", n, series, m, 3*series)
	}
	if n := count(t, p, `select count(*) from tasks where title like 'many %'`); n != 2*series {
		t.Errorf("%d tasks, want %d", n, 2*series)
	}
	for id, consumer := range map[string]string{dapr.AppRecurrence: "recurrence", dapr.AppReminders: "reminders", dapr.AppAudit: "audit"} {
		for i, a := range appsOf(p, id) {
			if n := taken(t, a, consumer); n == 0 {
				t.Errorf("process %d of %s took no event", i+1, id)
			}
		}
	}
}

func appsOf(p *product.Product, id string) []*product.App {
	return slices.DeleteFunc(p.All(), func(a *product.App) bool { return a.ID != id })
}

// taken reads how many events a process says that its consumer took.
func taken(t *testing.T, a *product.App, consumer string) (n float64) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, a.Ops+"/metrics", nil)
	if err != nil {
		t.Fatal(err)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(body)) {
		if strings.HasPrefix(line, `tandem_event_age_seconds_count{consumer="`+consumer+`"`) {
			if _, err := fmt.Sscan(line[strings.LastIndexByte(line, ' '):], &n); err != nil {
				t.Fatalf("%s: %v", line, err)
			}
		}
	}
	return n
}

// eightTimes has each event arrive eight times at once, on different partitions, and once more as an old one under another id, while no
// idempotency key lasts.
func eightTimes(t *testing.T, p *product.Product, s store) {
	t.Helper()
	const people = 40
	silent := append(appsOf(p, dapr.AppRecurrence), appsOf(p, dapr.AppNotifications)...)
	for _, a := range silent {
		a.Sidecar.Stop()
	}
	at := time.Now().Add(3 * time.Second)
	each(people, func(i int) {
		user := tandem.UserID(fmt.Sprintf("eight-%d", i))
		s.addDone(t, user, "eight done")
		s.add(t, user, tandem.Draft{Title: "eight due", Reminders: []tandem.ReminderSpec{{At: &at}}})
	})
	events := published(t, p, 2*people, func(e tandem.Event) bool {
		return strings.HasPrefix(string(e.UserID), "eight-") && (e.EventType == tandem.EventTaskCompleted || e.EventType == tandem.EventReminderDue)
	})
	var copies []*kgo.Record
	for _, r := range events {
		for step := range int32(7) {
			copies = append(copies, &kgo.Record{Topic: r.Topic, Partition: (r.Partition + 1 + step) % 12, Key: r.Key, Value: r.Value})
		}
		copies = append(copies, &kgo.Record{Topic: r.Topic, Partition: rand.Int32N(12), Key: r.Key, Value: aged(t, r.Value, 7*24*time.Hour)})
	}
	rand.Shuffle(len(copies), func(i, j int) { copies[i], copies[j] = copies[j], copies[i] })
	produce(t, p, copies...)
	for _, a := range silent {
		a.Sidecar.Start()
	}
	eventually(t, takenWithin, "every group has read to the end", func() bool {
		if err := p.Redis.Do(t.Context(), "FLUSHALL"); err != nil { // again and again: no key lasts
			t.Error(err)
		}
		return lag(t, p) == 0
	})
	for what, got := range map[string]int{
		"successors": count(t, p, `select count(*) from tasks where title = 'eight done' and status = 0`),
		"notices":    count(t, p, `select count(*) from notices where title = 'eight due'`),
		"tasks":      count(t, p, `select count(*) from tasks where title = 'eight done'`) - people,
	} {
		if got != people {
			t.Errorf("%d %s, want %d", got, what, people)
		}
	}
	if n := count(t, p, `select count(*) from dead_letters`); n != 0 {
		t.Errorf("%d events were set aside", n)
	}
}

// wave is reminders that fall due within one second, each in a millisecond of its own.
type wave struct {
	name string
	many int
	from time.Time
}

func (w wave) due(i int) time.Time {
	return w.from.Add(time.Duration(i) * time.Second / time.Duration(w.many))
}

// thousandReminders has a hundred reminders fall due in one second, and a thousand in another.
func thousandReminders(t *testing.T, p *product.Product, s store) {
	t.Helper()
	start := time.Now().Add(20 * time.Second).UTC().Truncate(time.Second)
	small, large := wave{"ripple", 100, start}, wave{"burst", 1000, start.Add(3 * time.Second)}
	all := small.many + large.many
	each(all, func(i int) {
		w, n := large, i-small.many
		if i < small.many {
			w, n = small, i
		}
		at := w.due(n)
		s.add(t, tandem.UserID(fmt.Sprintf("wave-%d", n%100)), tandem.Draft{Title: fmt.Sprintf("%s %d", w.name, n), Reminders: []tandem.ReminderSpec{{At: &at}}})
	})
	set := func() int { return count(t, p, `select count(*) from reminders where user_id like 'wave-%' and timed`) }
	for set() < all && time.Now().Before(start) {
		pause(t.Context(), 50*time.Millisecond)
	}
	t.Logf("%d timers of %d were set %s before", set(), all, time.Until(start).Round(time.Millisecond)) // the sweep fires the others
	pause(t.Context(), time.Until(large.from.Add(time.Second)))
	eventually(t, kept, "every notice", func() bool { return count(t, p, `select count(*) from notices where user_id like 'wave-%'`) >= all })
	shown := time.Since(large.due(large.many - 1))
	for _, w := range []wave{small, large} {
		late := w.lateness(t, p)
		t.Logf("figure: %d reminders in one second fired after: median %s, p99 %s, last %s; bar p99 50 ms",
			w.many, quantile(late, .5), quantile(late, .99), quantile(late, 1))
		if len(late) != w.many {
			t.Errorf("%d notices, want %d", len(late), w.many)
		}
		if worst := quantile(late, 1); worst > kept {
			t.Errorf("a reminder fired %s late", worst)
		}
	}
	t.Logf("figure: the last notice of %d was there after %s", all, shown.Round(time.Millisecond))
}

// lateness tells how long after its time each reminder fired.
func (w wave) lateness(t *testing.T, p *product.Product) (late []time.Duration) {
	t.Helper()
	db, err := pgx.Connect(t.Context(), p.PG.DSN("postgres", p.Database))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close(context.WithoutCancel(t.Context()))
	rows, err := db.Query(t.Context(), `select title, fired_at from notices where title like $1`, w.name+" %")
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	seen := map[int]bool{}
	for rows.Next() {
		var title string
		var fired time.Time
		i := 0
		if err := rows.Scan(&title, &fired); err != nil {
			t.Fatal(err)
		}
		if _, err := fmt.Sscanf(title, w.name+" %d", &i); err != nil || seen[i] {
			t.Errorf("%q was shown twice, or is none of ours: %v", title, err)
		}
		seen[i] = true
		after := fired.Sub(w.due(i))
		if after < -50*time.Millisecond {
			t.Errorf("%q fired %s before its time", title, -after)
		}
		late = append(late, after)
	}
	return late
}

// published waits for n events on the topics that are wanted, as they are on the broker.
func published(t *testing.T, p *product.Product, n int, want func(tandem.Event) bool) []*kgo.Record {
	t.Helper()
	reader, err := kgo.NewClient(kgo.SeedBrokers(p.Kafka.Seeds()...), kgo.ConsumeTopics(string(tandem.TopicTaskEvents), string(tandem.TopicReminders)),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
	if err != nil {
		t.Fatal(err)
	}
	defer reader.Close()
	ctx, cancel := context.WithTimeout(t.Context(), takenWithin)
	defer cancel()
	var out []*kgo.Record
	for len(out) < n {
		fetched := reader.PollFetches(ctx)
		if ctx.Err() != nil {
			t.Fatalf("%d events of %d were published", len(out), n)
		}
		fetched.EachRecord(func(r *kgo.Record) {
			var ce struct {
				Data tandem.Event `json:"data"`
			}
			if json.Unmarshal(r.Value, &ce) == nil && want(ce.Data) {
				out = append(out, r)
			}
		})
	}
	return out
}

// aged gives the event as if it had happened that long ago, under another id.
func aged(t *testing.T, raw []byte, by time.Duration) []byte {
	t.Helper()
	return edited(t, raw, func(ce, data map[string]any) {
		ce["id"] = tandem.NewID()
		data["event_id"] = ce["id"]
		data["timestamp"] = time.Now().Add(-by).UTC().Format(time.RFC3339)
	})
}

// edited gives a CloudEvent with a change in it.
func edited(t *testing.T, raw []byte, f func(ce, data map[string]any)) []byte {
	t.Helper()
	var ce map[string]any
	if err := json.Unmarshal(raw, &ce); err != nil {
		t.Fatal(err)
	}
	f(ce, ce["data"].(map[string]any))
	out, err := json.Marshal(ce)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// produce puts records on the broker, past every check of the product. Each names its partition.
func produce(t *testing.T, p *product.Product, records ...*kgo.Record) {
	t.Helper()
	c, err := kgo.NewClient(kgo.SeedBrokers(p.Kafka.Seeds()...), kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.ProducerBatchMaxBytes(1<<20))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if err := c.ProduceSync(t.Context(), records...).FirstErr(); err != nil {
		t.Fatal(err)
	}
}

// lag counts the messages that a group of the product has not done with; -1: it cannot be told now.
func lag(t *testing.T, p *product.Product) (n int64) {
	t.Helper()
	c, err := kgo.NewClient(kgo.SeedBrokers(p.Kafka.Seeds()...))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	groups := []string{dapr.AppRecurrence, dapr.AppReminders, dapr.AppNotifications, dapr.AppAudit}
	lags, err := kadm.NewClient(c).Lag(t.Context(), groups...)
	if err != nil || lags.Error() != nil {
		return -1
	}
	for _, l := range lags {
		n += l.Lag.Total()
	}
	return n
}
