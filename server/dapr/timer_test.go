package dapr_test

import (
	"context"
	"encoding/json"
	"sync/atomic"
	"testing"
	"time"

	"tandem/ops/dev/stack"
	"tandem/server/dapr"
	"tandem/workers/porttest"
)

func TestTimer(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.scheduler = stack.StartScheduler(t, nil)
	var fire atomic.Pointer[func(context.Context, string, json.RawMessage) error]
	s := w.app(dapr.AppReminders, dapr.CallbackOptions{OnTimer: func(ctx context.Context, name string, payload json.RawMessage) error {
		return (*fire.Load())(ctx, name, payload)
	}})
	s.AwaitApp(t, 0)
	porttest.RunTimer(t, func(t *testing.T, f func(context.Context, string, json.RawMessage) error) porttest.Timer {
		t.Helper()
		fire.Store(&f)
		return s.client
	})
}

func TestTimer_IsCalledAgainWhenItsWorkFailed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.scheduler = stack.StartScheduler(t, nil)
	var calls atomic.Int32
	done := make(chan time.Time, 1)
	s := w.app(dapr.AppReminders, dapr.CallbackOptions{OnTimer: func(ctx context.Context, _ string, _ json.RawMessage) error {
		if calls.Add(1) == 1 {
			return context.DeadlineExceeded
		}
		done <- time.Now()
		return nil
	}})
	s.AwaitApp(t, 0)
	if err := s.client.At(t.Context(), "again", time.Now(), json.RawMessage(`{}`)); err != nil {
		t.Fatal(err)
	}
	select {
	case <-done:
	case <-time.After(patience):
		t.Fatalf("the timer was called %d times", calls.Load())
	}
}

func TestTimer_DueWithoutASidecarFiresWhenItIsBack(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.scheduler = stack.StartScheduler(t, nil)
	fired := make(chan string, 8)
	s := w.app(dapr.AppReminders, dapr.CallbackOptions{OnTimer: func(_ context.Context, name string, _ json.RawMessage) error {
		fired <- name
		return nil
	}})
	s.AwaitApp(t, 0)
	due := time.Now().Add(2 * time.Second)
	if err := s.client.At(t.Context(), "staged", due, json.RawMessage(`{}`)); err != nil {
		t.Fatal(err)
	}
	s.Kill() // nobody is there when it is due
	<-time.After(time.Until(due) + 200*time.Millisecond)
	s.Start()
	select {
	case name := <-fired:
		if name != "staged" || time.Now().Before(due) {
			t.Errorf("%s fired %s before its time", name, time.Until(due))
		}
	case <-time.After(patience):
		t.Fatal("a timer that was due without an app is lost")
	}
}
