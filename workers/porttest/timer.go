package porttest

import (
	"context"
	"encoding/json"
	"sync"
	"testing"
	"time"
)

// Timer is what the suite examines.
type Timer interface {
	At(ctx context.Context, name string, at time.Time, payload json.RawMessage) error
	Cancel(ctx context.Context, name string) error
}

// fired records alarms.
type fired struct {
	mu   sync.Mutex
	seen []string
	at   map[string]time.Time
	news chan struct{}
}

func (f *fired) record(_ context.Context, name string, payload json.RawMessage) error {
	f.mu.Lock()
	f.seen = append(f.seen, name+string(payload))
	f.at[name] = time.Now()
	f.mu.Unlock()
	f.news <- struct{}{}
	return nil
}

func (f *fired) wait(t *testing.T) {
	t.Helper()
	select {
	case <-f.news:
	case <-time.After(limit):
		t.Fatalf("no alarm within %s", limit)
	}
}

func (f *fired) all() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return append([]string(nil), f.seen...)
}

// RunTimer examines a timer; start makes a running one that reports to fire.
func RunTimer(t *testing.T, start func(t *testing.T, fire func(ctx context.Context, name string, payload json.RawMessage) error) Timer) {
	t.Helper()
	begin := func(t *testing.T) (*fired, Timer) {
		t.Helper()
		f := &fired{at: map[string]time.Time{}, news: make(chan struct{}, 100)}
		return f, start(t, f.record)
	}
	set := func(t *testing.T, timer Timer, name string, at time.Time, payload string) {
		t.Helper()
		if err := timer.At(t.Context(), name, at, json.RawMessage(payload)); err != nil {
			t.Fatalf("set %s: %v", name, err)
		}
	}
	t.Run("fires at its time, not before", func(t *testing.T) {
		f, timer := begin(t)
		at := time.Now().Add(80 * time.Millisecond)
		set(t, timer, "a", at, `1`)
		f.wait(t)
		if got := f.at["a"]; got.Before(at) {
			t.Fatalf("fired %s early", at.Sub(got))
		}
	})
	t.Run("the past fires at once", func(t *testing.T) {
		f, timer := begin(t)
		set(t, timer, "a", time.Now().Add(-time.Hour), `1`)
		f.wait(t)
	})
	t.Run("an earlier alarm overtakes", func(t *testing.T) {
		f, timer := begin(t)
		set(t, timer, "late", time.Now().Add(150*time.Millisecond), `2`)
		set(t, timer, "soon", time.Now().Add(30*time.Millisecond), `1`)
		f.wait(t)
		f.wait(t)
		if got := f.all(); got[0] != "soon1" || got[1] != "late2" {
			t.Fatalf("fired as %v", got)
		}
	})
	t.Run("set again is moved, cancelled is silent", func(t *testing.T) {
		f, timer := begin(t)
		set(t, timer, "moved", time.Now().Add(20*time.Millisecond), `1`)
		set(t, timer, "moved", time.Now().Add(60*time.Millisecond), `2`)
		set(t, timer, "gone", time.Now().Add(40*time.Millisecond), `1`)
		if err := timer.Cancel(t.Context(), "gone"); err != nil {
			t.Fatal(err)
		}
		if err := timer.Cancel(t.Context(), "never set"); err != nil {
			t.Fatalf("cancelling what is not there: %v", err)
		}
		set(t, timer, "last", time.Now().Add(120*time.Millisecond), `1`)
		f.wait(t)
		f.wait(t)
		if got := f.all(); len(got) != 2 || got[0] != "moved2" || got[1] != "last1" {
			t.Fatalf("fired as %v, want the moved one once and the cancelled one not at all", got)
		}
	})
}
