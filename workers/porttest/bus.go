// Package porttest examines implementations of the workers' ports: the topic bus and the timer. Each implementation runs the
// same suite; a fault switch, where it has one, is turned on by its own test.
package porttest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"tandem"
)

// Handler takes one event.
type Handler func(context.Context, tandem.Event) error

// Bus is what the suite examines.
type Bus interface {
	Publish(ctx context.Context, events []tandem.Outgoing) (done []int64, err error)
}

// Subscription is one group of one topic.
type Subscription struct {
	Topic   tandem.Topic
	Group   string
	Handler Handler
}

// Dead records what was set aside.
type Dead struct {
	mu   sync.Mutex
	seen []Letter
}

// Letter is one event that no one could take.
type Letter struct {
	Topic  tandem.Topic
	Group  string
	Event  string
	Reason string
}

// Add records a letter; implementations under test call it.
func (d *Dead) Add(_ context.Context, topic tandem.Topic, group string, event json.RawMessage, reason string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.seen = append(d.seen, Letter{topic, group, string(event), reason})
	return nil
}

// Letters gives what was set aside so far.
func (d *Dead) Letters() []Letter {
	d.mu.Lock()
	defer d.mu.Unlock()
	return append([]Letter(nil), d.seen...)
}

// limit is how long the suite waits for a delivery.
const limit = 30 * time.Second

// RunBus examines a bus; start makes a fresh one with the given subscriptions.
func RunBus(t *testing.T, start func(t *testing.T, dead *Dead, subs []Subscription) Bus) {
	t.Helper()
	t.Run("every group sees every event", func(t *testing.T) { everyGroup(t, start) })
	t.Run("events of a user keep their order", func(t *testing.T) { ordered(t, start) })
	t.Run("a failed delivery is repeated", func(t *testing.T) { redelivered(t, start) })
	t.Run("what cannot be taken is set aside and blocks nothing", func(t *testing.T) { setAside(t, start) })
	t.Run("poison is set aside with its reason", func(t *testing.T) { poison(t, start) })
}

// Event makes a valid event of the topic.
func Event(tb testing.TB, user tandem.UserID, n int) json.RawMessage {
	tb.Helper()
	data, err := json.Marshal(tandem.Event{
		EventID: tandem.NewID(), EventType: tandem.EventTaskUpdated, UserID: user, Timestamp: tandem.Stamp(time.Now()),
		TaskID: tandem.NewID(), Payload: tandem.Payload{Seq: tandem.Seq(n), Actor: tandem.ActorUser},
	})
	if err != nil {
		tb.Fatal(err)
	}
	return data
}

// inbox collects the numbers of events as they arrive.
type inbox struct {
	mu   sync.Mutex
	got  map[tandem.UserID][]tandem.Seq
	news chan struct{}
}

func newInbox() *inbox {
	return &inbox{got: map[tandem.UserID][]tandem.Seq{}, news: make(chan struct{}, 1)}
}

func (in *inbox) take(_ context.Context, e tandem.Event) error {
	in.mu.Lock()
	in.got[e.UserID] = append(in.got[e.UserID], e.Payload.Seq)
	in.mu.Unlock()
	select {
	case in.news <- struct{}{}:
	default:
	}
	return nil
}

func (in *inbox) of(user tandem.UserID) []tandem.Seq {
	in.mu.Lock()
	defer in.mu.Unlock()
	return append([]tandem.Seq(nil), in.got[user]...)
}

// until waits for a state of the inbox.
func (in *inbox) until(t *testing.T, what string, ok func() bool) {
	t.Helper()
	timeout := time.After(limit)
	for !ok() {
		select {
		case <-in.news:
		case <-timeout:
			t.Fatalf("%s did not happen within %s", what, limit)
		}
	}
}

// publish publishes one event of ann.
func publish(t *testing.T, bus Bus, n int) {
	t.Helper()
	publishAll(t, bus, outgoing("ann", Event(t, "ann", n)))
}

// outgoing gives events of a user as the outbox does.
func outgoing(user tandem.UserID, events ...json.RawMessage) []tandem.Outgoing {
	out := make([]tandem.Outgoing, len(events))
	for i, e := range events {
		out[i] = tandem.Outgoing{ID: int64(i + 1), Topic: tandem.TopicTaskEvents, User: user, Event: e}
	}
	return out
}

// publishAll publishes until all of it is done, as the relay does.
func publishAll(t *testing.T, bus Bus, events []tandem.Outgoing) {
	t.Helper()
	for deadline := time.Now().Add(limit); ; {
		done, err := bus.Publish(t.Context(), events)
		for _, id := range done {
			events = slices.DeleteFunc(events, func(e tandem.Outgoing) bool { return e.ID == id })
		}
		if len(events) == 0 {
			return
		}
		if err == nil {
			t.Fatalf("%d events are neither done nor an error", len(events))
		}
		if time.Now().After(deadline) {
			t.Fatalf("%d events cannot be published: %v", len(events), err)
		}
	}
}

func everyGroup(t *testing.T, start func(*testing.T, *Dead, []Subscription) Bus) {
	t.Helper()
	a, b, other := newInbox(), newInbox(), newInbox()
	bus := start(t, &Dead{}, []Subscription{
		{tandem.TopicTaskEvents, "a", a.take}, {tandem.TopicTaskEvents, "b", b.take}, {tandem.TopicReminders, "a", other.take},
	})
	publish(t, bus, 1)
	for _, in := range []*inbox{a, b} {
		in.until(t, "the delivery to each group", func() bool { return len(in.of("ann")) > 0 })
	}
	if got := other.of("ann"); len(got) != 0 {
		t.Fatalf("a subscriber of another topic got %v", got)
	}
}

func ordered(t *testing.T, start func(*testing.T, *Dead, []Subscription) Bus) {
	t.Helper()
	const events = 50
	in := newInbox()
	bus := start(t, &Dead{}, []Subscription{{tandem.TopicTaskEvents, "a", in.take}})
	var all []tandem.Outgoing
	for n := range events {
		all = append(all, outgoing("ann", Event(t, "ann", n+1))...)
		all = append(all, outgoing("bob", Event(t, "bob", n+1))...)
	}
	for i := range all {
		all[i].ID = int64(100 + i)
	}
	publishAll(t, bus, all[:len(all)/2])
	publishAll(t, bus, all[len(all)/2:])
	for _, user := range []tandem.UserID{"ann", "bob"} {
		in.until(t, "all events of "+string(user), func() bool { return len(distinct(in.of(user))) == events })
		for i, seq := range distinct(in.of(user)) {
			if seq != tandem.Seq(i+1) {
				t.Fatalf("events of %s arrive as %v: number %d is out of order", user, in.of(user), seq)
			}
		}
	}
}

// distinct drops repeats and keeps the order of first arrival.
func distinct(seqs []tandem.Seq) []tandem.Seq {
	seen := map[tandem.Seq]bool{}
	var out []tandem.Seq
	for _, s := range seqs {
		if !seen[s] {
			seen[s] = true
			out = append(out, s)
		}
	}
	return out
}

func redelivered(t *testing.T, start func(*testing.T, *Dead, []Subscription) Bus) {
	t.Helper()
	in := newInbox()
	var mu sync.Mutex
	failures := 2
	bus := start(t, &Dead{}, []Subscription{{tandem.TopicTaskEvents, "a", func(ctx context.Context, e tandem.Event) error {
		mu.Lock()
		defer mu.Unlock()
		if failures > 0 {
			failures--
			return errors.New("not yet")
		}
		return in.take(ctx, e)
	}}})
	publish(t, bus, 1)
	in.until(t, "the delivery after two failures", func() bool { return len(in.of("ann")) > 0 })
}

func setAside(t *testing.T, start func(*testing.T, *Dead, []Subscription) Bus) {
	t.Helper()
	in, dead := newInbox(), &Dead{}
	bus := start(t, dead, []Subscription{{tandem.TopicTaskEvents, "a", func(ctx context.Context, e tandem.Event) error {
		if e.Payload.Seq == 1 {
			return fmt.Errorf("number %d is too much", e.Payload.Seq)
		}
		return in.take(ctx, e)
	}}})
	publish(t, bus, 1)
	publish(t, bus, 2)
	in.until(t, "the event behind", func() bool { return len(in.of("ann")) > 0 })
	letters := dead.Letters()
	if len(letters) == 0 || letters[0].Group != "a" || letters[0].Reason == "" {
		t.Fatalf("dead letters %+v, want the first event with its group and reason", letters)
	}
}

func poison(t *testing.T, start func(*testing.T, *Dead, []Subscription) Bus) {
	t.Helper()
	in, dead := newInbox(), &Dead{}
	bus := start(t, dead, []Subscription{{tandem.TopicTaskEvents, "a", in.take}})
	garbage := []string{`{`, `[]`, `{"event_type":"task.created"}`, `{"event_id":"x","event_type":"task.exploded","user_id":"ann"}`}
	for _, g := range garbage {
		done, err := bus.Publish(t.Context(), outgoing("ann", json.RawMessage(g)))
		if err != nil || len(done) != 1 {
			t.Fatalf("publish %s: %v; poison is set aside, not refused for ever", g, err)
		}
	}
	publish(t, bus, 1)
	in.until(t, "the good event behind", func() bool { return len(in.of("ann")) > 0 })
	if letters := dead.Letters(); len(letters) < len(garbage) {
		t.Fatalf("%d dead letters for %d poison events", len(letters), len(garbage))
	}
}
