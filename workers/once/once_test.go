package once_test

import (
	"context"
	"errors"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
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
		guarded := once.Guard{Keys: db, Consumer: "notifications", Owner: string(rune('a' + i))}.Wrap(handler)
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

func TestGuard_AnEventThatNobodyWantsCostsNoKey(t *testing.T) {
	db := open(t)
	guard := once.Guard{Keys: db, Consumer: "notifications", Owner: "a", Wants: func(tandem.Event) bool { return false }}
	if err := guard.Wrap(func(context.Context, tandem.Event) error { return nil })(t.Context(), event); err != nil {
		t.Fatal(err)
	}
	if state, err := db.Claim(t.Context(), tandem.ProcessedKey("notifications", event.EventID), "b", once.Lease); err != nil || state != tandem.KeyClaimed {
		t.Errorf("%q, %v: the key was taken", state, err)
	}
}

func TestGuard_AFailedHandlerMayTryAgain(t *testing.T) {
	db := open(t)
	tries := 0
	guarded := once.Guard{Keys: db, Consumer: "notifications", Owner: "one"}.Wrap(func(context.Context, tandem.Event) error {
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
	done, opened := false, 0
	guard := once.Guard{Keys: broken{}, Consumer: "notifications", Owner: "one", FailedOpen: func() { opened++ }}
	guarded := guard.Wrap(func(context.Context, tandem.Event) error { done = true; return nil })
	if err := guarded(t.Context(), event); err != nil || !done || opened != 1 {
		t.Fatalf("done %v, err %v, counted %d times", done, err, opened)
	}
}

// held is a key store in which another consumer is at work until it is done.
type held struct{ looks int }

func (h *held) Claim(context.Context, string, string, time.Duration) (tandem.KeyState, error) {
	if h.looks--; h.looks > 0 {
		return tandem.KeyHeld, nil
	}
	return tandem.KeyDone, nil
}

func (*held) Done(context.Context, string, string, time.Duration) error { return nil }

func TestGuard_WaitsForTheOneAtWork(t *testing.T) {
	for looks, want := range map[int]error{5: nil, 1000: once.ErrHeld} {
		synctest.Test(t, func(t *testing.T) {
			guard := once.Guard{Keys: &held{looks}, Consumer: "notifications", Owner: "one"}
			err := guard.Wrap(func(context.Context, tandem.Event) error { t.Error("the work is done twice"); return nil })(t.Context(), event)
			if !errors.Is(err, want) {
				t.Errorf("after %d looks: %v, want %v", looks, err, want)
			}
		})
	}
}
