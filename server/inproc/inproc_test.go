package inproc_test

import (
	"context"
	"encoding/json"
	"testing"

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
	porttest.RunTimer(t, func(t *testing.T, fire func(context.Context, string, json.RawMessage)) porttest.Timer {
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
	if err := bus.Publish(t.Context(), tandem.TopicTaskEvents, "ann", porttest.Event(t, "ann", 1)); err != nil {
		t.Fatalf("publish: %v", err)
	}
	if got := dead.Letters(); len(got) != 1 {
		t.Fatalf("%d dead letters, want the event", len(got))
	}
}

func TestBus_PublishFailsWhenTheEventCannotBeSetAside(t *testing.T) {
	bus := inproc.NewBus(func(ctx context.Context, _ tandem.Topic, _ string, _ json.RawMessage, _ string) error {
		return context.Canceled
	})
	if err := bus.Publish(t.Context(), tandem.TopicTaskEvents, "ann", json.RawMessage(`{`)); err == nil {
		t.Fatal("the publisher would mark an event that rests nowhere")
	}
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
