package inproc_test

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"tandem"
	"tandem/server/inproc"
	"tandem/workers/porttest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func startBus(faults func() *inproc.Faults) func(*testing.T, *porttest.Dead, []porttest.Subscription) porttest.Bus {
	return func(t *testing.T, dead *porttest.Dead, subs []porttest.Subscription) porttest.Bus {
		t.Helper()
		bus := inproc.NewBus(dead.Add)
		bus.Faults = faults()
		for _, s := range subs {
			bus.Subscribe(s.Topic, s.Group, inproc.Handler(s.Handler))
		}
		return bus
	}
}

func TestBus(t *testing.T) {
	porttest.RunBus(t, startBus(func() *inproc.Faults { return nil }))
}

func TestBus_WithRepeats(t *testing.T) {
	porttest.RunBus(t, startBus(func() *inproc.Faults { return inproc.NewFaults(7, 0, 0.5, 0) }))
}

func TestTimer(t *testing.T) {
	porttest.RunTimer(t, func(t *testing.T, fire func(context.Context, string, json.RawMessage) error) porttest.Timer {
		t.Helper()
		timer := inproc.NewTimer(fire)
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- timer.Run(ctx) }()
		t.Cleanup(func() {
			cancel()
			if err := <-done; err != nil {
				t.Errorf("Run: %v", err)
			}
		})
		return timer
	})
}

func TestBus_PanickingHandlerIsSetAside(t *testing.T) {
	dead := &porttest.Dead{}
	bus := inproc.NewBus(dead.Add)
	bus.Wait = func(context.Context, int) error { return nil }
	bus.Subscribe(tandem.TopicTaskEvents, "a", func(context.Context, tandem.Event) error { panic("boom") })
	if done, err := bus.Publish(t.Context(), outgoing(porttest.Event(t, "ann", 1))); err != nil || len(done) != 1 {
		t.Fatalf("published %v: %v", done, err)
	}
	if got := dead.Letters(); len(got) != 1 {
		t.Fatalf("%d dead letters, want the event", len(got))
	}
}

func TestBus_PublishFailsWhenTheEventCannotBeSetAside(t *testing.T) {
	bus := inproc.NewBus(func(ctx context.Context, _ tandem.Topic, _ string, _ json.RawMessage, _ string) error {
		return context.Canceled
	})
	if done, err := bus.Publish(t.Context(), outgoing(json.RawMessage(`{`))); err == nil || len(done) != 0 {
		t.Fatalf("the publisher would take off %v, which rests nowhere", done)
	}
}

func outgoing(events ...json.RawMessage) []tandem.Outgoing {
	var out []tandem.Outgoing
	for i, e := range events {
		out = append(out, tandem.Outgoing{ID: int64(i + 1), Topic: tandem.TopicTaskEvents, User: "ann", Event: e})
	}
	return out
}

func TestBus_AnEventThatFailsHoldsBackItsUserAlone(t *testing.T) {
	bus := inproc.NewBus(func(context.Context, tandem.Topic, string, json.RawMessage, string) error { return errors.New("full") })
	bus.Wait = func(context.Context, int) error { return nil }
	bus.Subscribe(tandem.TopicTaskEvents, "a", func(_ context.Context, e tandem.Event) error {
		if e.Payload.Seq == 2 {
			return errors.New("too much")
		}
		return nil
	})
	events := outgoing(porttest.Event(t, "ann", 1), porttest.Event(t, "ann", 2), porttest.Event(t, "ann", 3), porttest.Event(t, "bob", 4))
	events[3].User = "bob"
	done, err := bus.Publish(t.Context(), events)
	if err == nil || !slices.Equal(done, []int64{1, 4}) {
		t.Fatalf("published %v, err %v", done, err)
	}
}

func TestTimer_AnAlarmThatNobodyTookRingsAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var rung []time.Time
		done := make(chan struct{})
		timer := inproc.NewTimer(func(context.Context, string, json.RawMessage) error {
			if rung = append(rung, time.Now()); len(rung) == 1 {
				return errors.New("the store is away")
			}
			close(done)
			return nil
		})
		ctx, cancel := context.WithCancel(t.Context())
		var run sync.WaitGroup
		run.Go(func() { _ = timer.Run(ctx) })
		if err := timer.At(t.Context(), "a", time.Now().Add(time.Minute), nil); err != nil {
			t.Fatal(err)
		}
		<-done
		if after := rung[1].Sub(rung[0]); after != inproc.Again {
			t.Errorf("rang again after %s", after)
		}
		cancel()
		run.Wait()
	})
}

func TestChannels_OnlyTheUsersMembers(t *testing.T) {
	var c inproc.Channels
	got := map[string]int{}
	join := func(name string, user tandem.UserID) func() {
		leave, err := c.Join(t.Context(), user, func(tandem.Signal) { got[name]++ })
		if err != nil {
			t.Fatal(err)
		}
		return leave
	}
	join("ann 1", "ann")
	leave := join("ann 2", "ann")
	join("bob", "bob")
	for range 2 {
		if err := c.Publish(t.Context(), tandem.Signal{User: "ann", Head: 1}); err != nil {
			t.Fatal(err)
		}
		leave()
	}
	if got["ann 1"] != 2 || got["ann 2"] != 1 || got["bob"] != 0 {
		t.Fatalf("deliveries %v", got)
	}
}

func TestFaults_RepeatTheSameDice(t *testing.T) {
	run := func() (seqs []tandem.Seq) {
		c := inproc.Channels{Faults: inproc.NewFaults(42, 0.2, 0.2, 0.2)}
		leave, err := c.Join(t.Context(), "ann", func(s tandem.Signal) { seqs = append(seqs, s.Head) })
		if err != nil {
			t.Fatal(err)
		}
		defer leave()
		for n := range 200 {
			if err := c.Publish(t.Context(), tandem.Signal{User: "ann", Head: tandem.Seq(n)}); err != nil {
				t.Fatal(err)
			}
		}
		return seqs
	}
	a, b := run(), run()
	if len(a) == 0 || len(a) != len(b) {
		t.Fatalf("%d and %d deliveries from one seed", len(a), len(b))
	}
	for i := range a {
		if a[i] != b[i] {
			t.Fatalf("delivery %d differs: %d and %d", i, a[i], b[i])
		}
	}
}
