package dapr_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"tandem"
	"tandem/server/dapr"
	"tandem/workers/porttest"
)

// mailbox collects what arrives, by key.
type mailbox[V any] struct {
	mu  sync.Mutex
	got map[string]V
	n   int
}

func (m *mailbox[V]) put(key string, v V) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.got == nil {
		m.got = map[string]V{}
	}
	m.got[key] = v
	m.n++
}

func (m *mailbox[V]) all() map[string]V {
	m.mu.Lock()
	defer m.mu.Unlock()
	return maps.Clone(m.got)
}

// cloudEvent wraps an event as the product does, edited by f.
func cloudEvent(t *testing.T, user tandem.UserID, f func(ce, data map[string]any)) []byte {
	t.Helper()
	var data map[string]any
	if err := json.Unmarshal(porttest.Event(t, user, 1), &data); err != nil {
		t.Fatal(err)
	}
	ce := map[string]any{
		"specversion": "1.0", "id": data["event_id"], "source": "tandem", "type": data["event_type"], "datacontenttype": "application/json", "data": data,
	}
	if f != nil {
		f(ce, data)
	}
	raw, err := json.Marshal(ce)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

// poisons are raw messages that no handler may see, with a word of the reason for which they are set aside.
func poisons(t *testing.T) map[string]struct {
	raw  []byte
	word string
} {
	t.Helper()
	type row = struct {
		raw  []byte
		word string
	}
	edit := func(f func(ce, data map[string]any)) []byte { return cloudEvent(t, "ann", f) }
	return map[string]row{
		"unknown type":    {edit(func(ce, data map[string]any) { ce["type"], data["event_type"] = "task.exploded", "task.exploded" }), "task.exploded"},
		"not the owner":   {edit(func(_, data map[string]any) { data["user_id"] = "mallory" }), "another user's task"},
		"missing field":   {edit(func(_, data map[string]any) { delete(data, "timestamp") }), "timestamp"},
		"extra field":     {edit(func(_, data map[string]any) { data["admin"] = true }), "admin"},
		"another id":      {edit(func(ce, _ map[string]any) { ce["id"] = "0" }), "event_id"},
		"1 MiB":           {edit(func(ce, _ map[string]any) { ce["pad"] = strings.Repeat("x", 1<<20-4096) }), "exceeds"},
		"invalid UTF-8":   {[]byte("{\"specversion\":\"1.0\",\"id\":\"\xff\"}"), "UTF-8"},
		"not JSON":        {[]byte("hello"), "not one CloudEvent"},
		"a batch":         {[]byte("[" + string(cloudEvent(t, "ann", nil)) + "]"), "not one CloudEvent"},
		"broken base64":   {[]byte(`{"specversion":"1.0","id":"x","source":"s","type":"t","data_base64":"!!"}`), "not one CloudEvent"},
		"text of no text": {[]byte(`{"specversion":"1.0","id":"x","source":"s","type":"t","datacontenttype":"text/plain","data":{"a":1}}`), "unknown event type"},
		"nothing":         {nil, "not one CloudEvent"},
	}
}

func (w *world) produce(topic string, raw ...[]byte) {
	w.t.Helper()
	p := w.producer()
	for _, value := range raw {
		if err := p.ProduceSync(w.t.Context(), &kgo.Record{Topic: topic, Key: []byte("ann"), Value: value}).FirstErr(); err != nil {
			w.t.Fatal(err)
		}
	}
}

func TestPoison_RestsInTheDeadLettersWithItsReason(t *testing.T) {
	w := newWorld(t).withKafka()
	var letters mailbox[dapr.Letter]
	var good mailbox[tandem.Event]
	w.app(dapr.AppAudit, dapr.CallbackOptions{
		Subscriptions: []dapr.Subscription{{Topic: tandem.TopicTaskEvents, Consumer: "audit", Handle: ignore}},
		OnLetter:      func(_ context.Context, l dapr.Letter) error { letters.put(l.Consumer+l.Key, l); return nil },
	})
	w.app(dapr.AppRecurrence, dapr.CallbackOptions{
		CountFailure: never,
		Subscriptions: []dapr.Subscription{{Topic: tandem.TopicTaskEvents, Consumer: "recurrence", Handle: func(_ context.Context, e tandem.Event) error {
			if e.UserID == "mallory" {
				return tandem.Forbidden("user_id", "another user's task")
			}
			good.put(e.EventID, e)
			return nil
		}}},
	})
	old := cloudEvent(t, "ann", func(_, data map[string]any) {
		data["timestamp"] = time.Now().Add(-7 * 24 * time.Hour).UTC().Format(time.RFC3339)
	})
	once := cloudEvent(t, "ann", nil)
	reasons := map[string]string{}
	for name, p := range poisons(t) {
		w.produce("task-events", p.raw)
		reasons[name] = p.word
	}
	w.produce("task-events", once, once, old) // no poison
	eventually(t, "the good events behind", func() bool { return len(good.all()) == 2 })
	mine := func() []dapr.Letter {
		return slices.DeleteFunc(slices.Collect(maps.Values(letters.all())), func(l dapr.Letter) bool { return l.Consumer != "recurrence" })
	}
	eventually(t, "one letter for each poison", func() bool { return len(mine()) == len(reasons) })
	for name, word := range reasons {
		if !slices.ContainsFunc(mine(), func(l dapr.Letter) bool { return strings.Contains(l.Reason, word) }) {
			t.Errorf("%s: no letter says %q", name, word)
		}
	}
	w.produce("task-events-dlq", []byte("\x00garbage"))
	eventually(t, "what the sidecar set aside itself", func() bool {
		return slices.ContainsFunc(slices.Collect(maps.Values(letters.all())), func(l dapr.Letter) bool { return bytes.Equal(l.Event, []byte("\x00garbage")) })
	})
}

func TestDeadLetter_PublishedAgainIsTaken(t *testing.T) {
	w := newWorld(t).withKafka()
	var letters mailbox[dapr.Letter]
	var taken mailbox[tandem.Event]
	var mu sync.Mutex
	broken := true
	w.app(dapr.AppAudit, dapr.CallbackOptions{
		Subscriptions: []dapr.Subscription{{Topic: tandem.TopicTaskEvents, Consumer: "audit", Handle: ignore}},
		OnLetter:      func(_ context.Context, l dapr.Letter) error { letters.put(l.EventID, l); return nil },
	})
	w.app(dapr.AppRecurrence, dapr.CallbackOptions{
		CountFailure: func(context.Context, string, string) (int, error) { return dapr.MaxAttempts, nil },
		Subscriptions: []dapr.Subscription{{Topic: tandem.TopicTaskEvents, Consumer: "recurrence", Handle: func(_ context.Context, e tandem.Event) error {
			mu.Lock()
			defer mu.Unlock()
			if broken {
				return errors.New("a bug")
			}
			taken.put(e.EventID, e)
			return nil
		}}},
	})
	relay := w.app(dapr.AppRelay, dapr.CallbackOptions{})
	event := porttest.Event(t, "ann", 7)
	send := func(data []byte) {
		done, err := relay.client.Publish(t.Context(), []tandem.Outgoing{{ID: 1, Topic: tandem.TopicTaskEvents, User: "ann", Event: data}})
		if err != nil || len(done) != 1 {
			t.Fatalf("publish: %v, %v", done, err)
		}
	}
	send(event)
	eventually(t, "the letter", func() bool { return len(letters.all()) == 1 })
	mu.Lock()
	broken = false
	mu.Unlock()
	for id, l := range letters.all() {
		if l.Reason != "a bug" || l.Consumer != "recurrence" {
			t.Errorf("letter %+v", l)
		}
		send(l.Event)
		eventually(t, "the event, after the repair", func() bool { _, ok := taken.all()[id]; return ok })
	}
}

func TestSidecar_RefusesWhatTheTableDoesNotGrant(t *testing.T) {
	w := newWorld(t).withKafka()
	s := w.app(dapr.AppRecurrence, dapr.CallbackOptions{Subscriptions: []dapr.Subscription{{Topic: tandem.TopicTaskEvents, Consumer: "recurrence", Handle: ignore}}})
	event := []tandem.Outgoing{{ID: 1, Topic: tandem.TopicTaskEvents, User: "ann", Event: porttest.Event(t, "ann", 1)}}
	if done, err := s.client.Publish(t.Context(), event); err == nil || len(done) != 0 {
		t.Errorf("a consumer published to a topic: %v", done)
	}
	if err := s.client.SetAside(t.Context(), dapr.PubSub, tandem.TopicReminders, "recurrence", []byte("x"), "no"); err == nil {
		t.Error("a consumer set aside an event of a topic that it does not take")
	}
	if err := s.client.At(t.Context(), "x", time.Now().Add(time.Hour), json.RawMessage(`1`)); err == nil {
		t.Error("a consumer that is not the reminders' set a timer")
	}
	if _, err := s.client.Secret(t.Context(), dapr.SecretSMTP); err == nil {
		t.Error("a consumer that sends no mail read the mail server's password")
	}
	if _, ok := s.client.Cache().Get(t.Context(), "x"); ok {
		t.Error("a consumer read the cache")
	}
}
