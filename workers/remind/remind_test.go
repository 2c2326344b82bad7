package remind_test

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"tandem"
	"tandem/server/sqlite"
	"tandem/workers/remind"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// timer is a timer service that keeps what it was told, and may be away.
type timer struct {
	mu   sync.Mutex
	set  map[string]json.RawMessage
	away bool
}

var errAway = errors.New("the timer service is away")

func (tm *timer) At(_ context.Context, name string, _ time.Time, payload json.RawMessage) error {
	tm.mu.Lock()
	defer tm.mu.Unlock()
	if tm.away {
		return errAway
	}
	tm.set[name] = payload
	return nil
}

func (tm *timer) Cancel(_ context.Context, name string) error {
	tm.mu.Lock()
	defer tm.mu.Unlock()
	if tm.away {
		return errAway
	}
	delete(tm.set, name)
	return nil
}

// world is a worker over a real store, at a time that is moved by hand.
type world struct {
	*testing.T
	db     *sqlite.DB
	timer  *timer
	now    time.Time
	worker *remind.Worker

	fired, rescued, overdue int
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{T: t, timer: &timer{set: map[string]json.RawMessage{}}, now: time.Date(2031, 5, 1, 10, 0, 0, 0, time.UTC)}
	clock := func() time.Time { return w.now }
	db, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "tandem.db"), sqlite.Options{Now: clock})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	var mu sync.Mutex
	count := func(n *int) {
		mu.Lock()
		defer mu.Unlock()
		*n++
	}
	w.db, w.worker = db, &remind.Worker{
		Store: db, Timer: w.timer, Now: clock, Log: slog.New(slog.DiscardHandler), Horizon: 48 * time.Hour,
		Metrics: remind.Metrics{
			Fired: func(time.Duration) { count(&w.fired) }, Rescued: func() { count(&w.rescued) }, Overdue: func(n int) { w.overdue = n },
		},
	}
	return w
}

// remind makes a task with a reminder and gives the events of that.
func (w *world) remind(in time.Duration) tandem.DuePromise {
	w.Helper()
	at := w.now.Add(in)
	out, err := w.db.Edit(w.Context(), "ann", tandem.Edit{Decide: func(sc tandem.Scene) (tandem.Plan, error) {
		task, _, err := tandem.NewTask(sc, tandem.Draft{Title: "Task", Reminders: []tandem.ReminderSpec{{At: &at}}})
		return tandem.Plan{Tasks: []tandem.Task{task}}, err
	}})
	if err != nil {
		w.Fatal(err)
	}
	after := out.Changes[0].After
	return tandem.DuePromise{User: "ann", TaskUID: after.UID, ReminderID: after.Reminders[0].ID, Generation: 1, At: at}
}

// consume hands the worker what waits in the outbox.
func (w *world) consume() {
	w.Helper()
	_, err := w.db.Forward(w.Context(), 0, 10_000, func(ctx context.Context, entries []tandem.Outgoing) (done []int64, err error) {
		for _, o := range entries {
			e, err := tandem.DecodeEvent(o.Topic, o.Event)
			if err == nil && o.Topic == tandem.TopicTaskEvents {
				err = w.worker.Handle(ctx, e)
			}
			if err != nil {
				return done, err
			}
			done = append(done, o.ID)
		}
		return done, nil
	})
	if err != nil {
		w.Fatal(err)
	}
}

func (w *world) sweep() {
	w.Helper()
	if err := w.worker.Sweep(w.Context()); err != nil {
		w.Fatal(err)
	}
}

// ring lets every timer call that is set.
func (w *world) ring() {
	w.Helper()
	for name, payload := range w.timer.set {
		if err := w.worker.OnTimer(w.Context(), name, payload); err != nil {
			w.Fatal(err)
		}
	}
}

func (w *world) untimed() int {
	w.Helper()
	list, err := w.db.UntimedReminders(w.Context(), w.now.Add(1000*time.Hour), 1000)
	if err != nil {
		w.Fatal(err)
	}
	return len(list)
}

func (w *world) is(what string, got, want int) {
	w.Helper()
	if got != want {
		w.Fatalf("%s: %d, want %d", what, got, want)
	}
}

func TestHandle_SetsWhatIsNearAndTheSweepTheRest(t *testing.T) {
	w := newWorld(t)
	near, far := w.remind(47*time.Hour), w.remind(49*time.Hour)
	w.consume()
	if _, ok := w.timer.set[near.JobName()]; !ok || len(w.timer.set) != 1 {
		t.Fatalf("timers %v", w.timer.set)
	}
	w.is("without timer", w.untimed(), 1)
	w.now = w.now.Add(2 * time.Hour)
	w.sweep()
	if _, ok := w.timer.set[far.JobName()]; !ok {
		t.Fatal("the sweep set no timer for what came within the horizon")
	}
	w.is("without timer", w.untimed(), 0)
	w.now = w.now.Add(45 * time.Hour)
	w.ring()
	w.is("fired", w.fired, 1)
	w.sweep()
	w.is("rescued", w.rescued, 0)
}

func TestHandle_OlderTimersAreDropped(t *testing.T) {
	w := newWorld(t)
	p := w.remind(time.Hour)
	w.consume()
	if _, err := w.db.Edit(t.Context(), "ann", tandem.Edit{Refs: []tandem.TaskRef{{UID: p.TaskUID}}, Decide: func(sc tandem.Scene) (tandem.Plan, error) {
		return tandem.Plan{Tasks: []tandem.Task{tandem.Complete(sc, *sc.Tasks[0], sc.Now)}}, nil
	}}); err != nil {
		t.Fatal(err)
	}
	w.consume()
	w.is("timers", len(w.timer.set), 0)
}

func TestHandle_ATimerServiceThatIsAwayHoldsUpNothing(t *testing.T) {
	w := newWorld(t)
	w.timer.away = true
	w.remind(time.Hour)
	w.remind(2 * time.Hour)
	w.consume()
	w.is("without timer", w.untimed(), 2)
	if err := w.worker.Sweep(t.Context()); !errors.Is(err, errAway) {
		t.Fatalf("the sweep says %v", err)
	}
	w.timer.away = false
	w.sweep()
	w.is("timers", len(w.timer.set), 2)
	w.is("without timer", w.untimed(), 0)
}

func TestSweep_WithoutAnyTimerEveryPromiseIsKept(t *testing.T) {
	w := newWorld(t)
	w.timer.away = true
	for range 30 {
		w.remind(time.Minute)
	}
	w.now = w.now.Add(time.Minute + remind.Grace)
	if err := w.worker.Sweep(t.Context()); err != nil {
		t.Fatal(err) // nothing is left that would need a timer
	}
	w.is("fired", w.fired, 30)
	w.is("rescued", w.rescued, 30)
	w.is("overdue", w.overdue, 0)
}

func TestSweep_ATimerThatDidNotCallMakesAllUntimedOnce(t *testing.T) {
	w := newWorld(t)
	first, second, third := w.remind(time.Minute), w.remind(3*time.Minute), w.remind(time.Hour)
	w.consume()
	lose := func() { clear(w.timer.set) }
	lose()
	w.now = first.At.Add(remind.Grace)
	w.sweep()
	w.is("rescued", w.rescued, 1)
	if len(w.timer.set) != 2 {
		t.Fatalf("timers after the service lost its data: %v", w.timer.set)
	}
	lose()
	w.now = second.At.Add(remind.Grace)
	w.sweep()
	w.is("rescued", w.rescued, 2)
	w.is("timers within five minutes of the last time", len(w.timer.set), 0)
	fourth := w.remind(3 * time.Minute)
	w.consume()
	lose()
	w.now = fourth.At.Add(remind.Grace)
	w.sweep()
	w.is("rescued", w.rescued, 3)
	if _, ok := w.timer.set[third.JobName()]; !ok {
		t.Fatal("the timer of an hour was not set anew after five minutes")
	}
}

func TestSweep_AReminderIsLeftToItsTimerFirst(t *testing.T) {
	w := newWorld(t)
	p := w.remind(time.Minute)
	w.now = p.At.Add(remind.Grace - time.Millisecond)
	w.sweep()
	w.is("rescued", w.rescued, 0)
	w.is("timers", len(w.timer.set), 1)
	w.ring()
	w.is("fired", w.fired, 1)
}

// early is a store whose clock is behind the timer's at first.
type early struct {
	*sqlite.DB
	before func()
}

func (s early) Edit(ctx context.Context, user tandem.UserID, e tandem.Edit) (tandem.Outcome, error) {
	s.before()
	return s.DB.Edit(ctx, user, e)
}

func TestOnTimer_WaitsForAStoreWhoseClockIsBehind(t *testing.T) {
	w := newWorld(t)
	p := w.remind(time.Minute)
	w.consume()
	var asked []time.Duration
	w.worker.Store = early{w.db, func() {
		asked = append(asked, w.now.Sub(p.At))
		if len(asked) == 2 {
			w.now = p.At
		}
	}}
	w.now = p.At.Add(-60 * time.Millisecond) // farther than the tolerance
	w.ring()
	w.is("fired", w.fired, 1)
	if !slices.Equal(asked, []time.Duration{-60 * time.Millisecond, -60 * time.Millisecond}) {
		t.Fatalf("asked the store %v from the due time", asked)
	}
}

func TestOnTimer_OnlyAStoreThatIsAwayIsAnError(t *testing.T) {
	w := newWorld(t)
	p := w.remind(time.Minute)
	w.consume()
	w.now = p.At
	payload := w.timer.set[p.JobName()]
	for _, bad := range []string{`{`, `{}`, `{"user_id":"a b"}`, `{"user_id":"ann","task_id":"` + tandem.NewID() + `"}`} {
		if err := w.worker.OnTimer(t.Context(), "reminder", json.RawMessage(bad)); err != nil {
			t.Errorf("%s: %v; it would be asked again for ever", bad, err)
		}
	}
	for range 2 {
		if err := w.worker.OnTimer(t.Context(), p.JobName(), payload); err != nil {
			t.Fatal(err)
		}
	}
	w.is("fired", w.fired, 1)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := w.worker.OnTimer(ctx, p.JobName(), payload); err == nil {
		t.Fatal("a store that cannot be reached is hidden")
	}
}
