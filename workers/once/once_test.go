package once_test

import (
	"context"
	"errors"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"tandem"
	"tandem/server/sqlite"
	"tandem/workers/once"
)

func open(t *testing.T) *sqlite.DB {
	t.Helper()
	db, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "tandem.db"), sqlite.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	return db
}

var event = tandem.Event{EventID: "event-1", EventType: tandem.EventReminderDue, UserID: "ann"}

func TestGuard_EightConsumersOneEffect(t *testing.T) {
	db := open(t)
	var effects atomic.Int64
	handler := func(context.Context, tandem.Event) error { effects.Add(1); return nil }
	var all sync.WaitGroup
	for i := range 8 {
		guarded := once.Guard(db, "notifications", string(rune('a'+i)), handler)
		all.Go(func() {
			for {
				err := guarded(t.Context(), event)
				if err == nil {
					return
				}
				if !errors.Is(err, once.ErrHeld) {
					t.Error(err)
					return
				}
			}
		})
	}
	all.Wait()
	if n := effects.Load(); n != 1 {
		t.Fatalf("%d effects of one event", n)
	}
}

func TestGuard_AFailedHandlerMayTryAgain(t *testing.T) {
	db := open(t)
	tries := 0
	guarded := once.Guard(db, "notifications", "one", func(context.Context, tandem.Event) error {
		tries++
		if tries == 1 {
			return errors.New("not yet")
		}
		return nil
	})
	if err := guarded(t.Context(), event); err == nil {
		t.Fatal("the failure is hidden")
	}
	for range 2 {
		if err := guarded(t.Context(), event); err != nil {
			t.Fatal(err)
		}
	}
	if tries != 2 {
		t.Fatalf("%d tries, want the failed one and one more", tries)
	}
}

// broken is a key store that is out of reach.
type broken struct{}

func (broken) Claim(context.Context, string, string, time.Duration) (tandem.KeyState, error) {
	return "", errors.New("out of reach")
}

func (broken) Done(context.Context, string, string, time.Duration) error {
	return errors.New("out of reach")
}

func TestGuard_WithoutKeysTheWorkIsDoneAllTheSame(t *testing.T) {
	done := false
	guarded := once.Guard(broken{}, "notifications", "one", func(context.Context, tandem.Event) error { done = true; return nil })
	if err := guarded(t.Context(), event); err != nil || !done {
		t.Fatalf("done %v, err %v", done, err)
	}
}
