// Package remind keeps the promises of reminders. The row is the truth, a timer gives precision, and a sweep every
// SweepEvery is the guarantee. Any number of workers may run: a promise is claimed in the transaction that keeps it.
package remind

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"tandem"
)

// Consumer names this worker in idempotency keys.
const Consumer = "reminders"

// Bounds of the worker.
const (
	SweepEvery     = 10 * time.Second
	DefaultHorizon = 3 * SweepEvery
	// Grace is how long past its time a reminder is left to its timer before the sweep fires it.
	Grace = 2 * time.Second
	// ForgetEvery bounds how often all timers are taken for lost.
	ForgetEvery = 5 * time.Minute

	batch     = 500
	hands     = 8               // promises that a sweep fires at a time
	maxEarly  = 5 * time.Second // how far a timer's clock may run ahead and be waited for
	maxRounds = 100             // batches of one sweep, so that one that gets nowhere ends
)

// Store holds the promises.
type Store interface {
	Edit(ctx context.Context, user tandem.UserID, e tandem.Edit) (tandem.Outcome, error)
	// DueReminders gives scheduled reminders with a time up to until, the earliest first.
	DueReminders(ctx context.Context, until time.Time, limit int) ([]tandem.DuePromise, error)
	// UntimedReminders gives those of them for whose generation no timer is set.
	UntimedReminders(ctx context.Context, until time.Time, limit int) ([]tandem.DuePromise, error)
	// TimersSet notes that the timers of just these generations are set.
	TimersSet(ctx context.Context, promises []tandem.DuePromise) error
	// ForgetTimers notes that the timer service lost its data: no timer is set any more.
	ForgetTimers(ctx context.Context) error
	// HasTask tells whether the user has this task, be it in the trash.
	HasTask(ctx context.Context, user tandem.UserID, uid string) (bool, error)
	// OverdueReminders counts scheduled reminders with a time up to before.
	OverdueReminders(ctx context.Context, before time.Time) (int, error)
}

// Timer calls back at a time. A name set again is moved. It is a hint: what it fails to do, the sweep does.
type Timer interface {
	At(ctx context.Context, name string, at time.Time, payload json.RawMessage) error
	Cancel(ctx context.Context, name string) error
}

// Metrics counts; nil fields are not called.
type Metrics struct {
	Fired   func(late time.Duration)
	Rescued func()            // fired by the sweep, after its timer should have
	Overdue func(overdue int) // what a sweep left
}

// Worker schedules and fires reminders.
type Worker struct {
	Store   Store
	Timer   Timer
	Now     func() time.Time
	Log     *slog.Logger
	Metrics Metrics
	// Horizon is how far ahead timers are set; later reminders get theirs from a later sweep. Zero: DefaultHorizon.
	Horizon time.Duration

	forgot  atomic.Int64 // when all timers were last taken for lost, as Unix nanoseconds
	restTil atomic.Int64 // until when events set no timers, after one could not be set
}

func (w *Worker) horizon() time.Duration {
	if w.Horizon == 0 {
		return DefaultHorizon
	}
	return w.Horizon
}

// Wants tells the events that Handle does something about.
func Wants(e tandem.Event) bool { return e.Payload.Reminder != nil }

// Handle takes an event of task-events: a promise that is near gets its timer at once, a cancelled one loses it. What cannot be
// done now, the sweep does; but an event of a task that its user does not have is invalid.
func (w *Worker) Handle(ctx context.Context, e tandem.Event) error {
	r := e.Payload.Reminder
	if !Wants(e) || w.Now().UnixNano() < w.restTil.Load() {
		return nil
	}
	if has, err := w.Store.HasTask(ctx, e.UserID, e.TaskID); err == nil && !has {
		return e.Foreign(w.Now())
	}
	p := tandem.DuePromise{User: e.UserID, TaskUID: e.TaskID, ReminderID: r.ReminderID, Generation: r.Generation, At: time.Time(r.At), TraceID: e.Payload.TraceID}
	var err error
	switch e.EventType { //nolint:exhaustive // the others carry no reminder
	case tandem.EventReminderScheduled:
		if p.At.Before(w.Now().Add(w.horizon())) {
			err = w.setAll(ctx, []tandem.DuePromise{p})
		}
		err = errors.Join(err, w.cancel(ctx, p, p.Generation-1))
	case tandem.EventReminderCancelled:
		err = w.cancel(ctx, p, p.Generation, p.Generation-1) // a cancellation may be a generation of its own
	}
	if err != nil && ctx.Err() == nil {
		w.restTil.Store(w.Now().Add(SweepEvery).UnixNano())
		w.Log.WarnContext(ctx, "timer left to the sweep", "err", err, "user_id", e.UserID)
	}
	return nil
}

// cancel drops the timers of older generations: they would find nothing to do.
func (w *Worker) cancel(ctx context.Context, p tandem.DuePromise, generations ...int64) error {
	for _, p.Generation = range generations {
		if p.Generation < 1 {
			continue
		}
		if err := w.Timer.Cancel(ctx, p.JobName()); err != nil {
			return fmt.Errorf("cancel timer of reminder %s: %w", p.ReminderID, err)
		}
	}
	return nil
}

// setAll sets timers and notes those that were set, up to the first that could not be.
func (w *Worker) setAll(ctx context.Context, promises []tandem.DuePromise) error {
	set := 0
	var err error
	for _, p := range promises {
		if err = w.set(ctx, p); err != nil {
			break
		}
		set++
	}
	if set > 0 {
		err = errors.Join(err, w.Store.TimersSet(ctx, promises[:set]))
	}
	return err
}

func (w *Worker) set(ctx context.Context, p tandem.DuePromise) error {
	payload, err := json.Marshal(p)
	if err != nil {
		return fmt.Errorf("encode promise: %w", err)
	}
	if err := w.Timer.At(ctx, p.JobName(), p.At, payload); err != nil {
		return fmt.Errorf("set timer of reminder %s: %w", p.ReminderID, err)
	}
	tandem.FaultPoint("reminder.after_schedule_job")
	return nil
}

// OnTimer takes the call of a timer. An error asks for another call: the store could not be reached. A promise that has changed or
// was kept already is no error.
func (w *Worker) OnTimer(ctx context.Context, name string, payload json.RawMessage) error {
	var p tandem.DuePromise
	if err := json.Unmarshal(payload, &p); err != nil {
		w.Log.ErrorContext(ctx, "timer payload unreadable", "err", fmt.Errorf("%s: %w", name, err))
		return nil
	}
	_, early, err := w.fire(ctx, p)
	if err == nil && early > 0 && early <= maxEarly { // the timer's clock is ahead of the store's
		if err := sleep(ctx, early); err != nil {
			return err
		}
		_, _, err = w.fire(ctx, p)
	}
	if e := tandem.AsError(err); err != nil && e.Code != tandem.CodeInternal && e.Code != tandem.CodeLimited {
		w.Log.WarnContext(ctx, "reminder refused", "err", err, "user_id", p.User)
		return nil
	}
	return err
}

// Run sweeps until ctx ends: first at once, so that a restart catches up.
func (w *Worker) Run(ctx context.Context) error {
	tick := time.NewTicker(SweepEvery)
	defer tick.Stop()
	for {
		if err := w.Sweep(ctx); err != nil && ctx.Err() == nil {
			w.Log.WarnContext(ctx, "reminder sweep failed", "err", err)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

// Sweep fires what is overdue, sets the timers that are missing up to the horizon, and counts what is overdue still.
func (w *Worker) Sweep(ctx context.Context) error {
	err := w.rescue(ctx)
	if terr := w.setMissing(ctx); terr != nil {
		err = errors.Join(err, terr)
	}
	if w.Metrics.Overdue != nil {
		n, cerr := w.Store.OverdueReminders(ctx, w.Now().Add(-Grace))
		if err = errors.Join(err, cerr); cerr == nil {
			w.Metrics.Overdue(n)
		}
	}
	return err
}

// rescue fires what its timer should have fired. One promise that cannot be kept now does not hold up others.
func (w *Worker) rescue(ctx context.Context) error {
	for range maxRounds {
		overdue, err := w.Store.DueReminders(ctx, w.Now().Add(-Grace), batch)
		if err != nil {
			return fmt.Errorf("read due reminders: %w", err)
		}
		kept, lost, err := w.fireAll(ctx, overdue)
		if lost {
			err = errors.Join(err, w.forget(ctx))
		}
		if err != nil || len(overdue) < batch || kept == 0 {
			return err
		}
	}
	return nil
}

// fireAll fires promises, a few at a time. lost: a promise was kept whose timer had been set.
func (w *Worker) fireAll(ctx context.Context, promises []tandem.DuePromise) (kept int, lost bool, err error) {
	var mu sync.Mutex // guards the results
	var all sync.WaitGroup
	free := make(chan struct{}, hands)
	for _, p := range promises {
		free <- struct{}{}
		all.Go(func() {
			defer func() { <-free }()
			wrote, _, ferr := w.fire(ctx, p)
			mu.Lock()
			defer mu.Unlock()
			if ferr != nil {
				err = ferr // one of them is enough to tell
			}
			if wrote {
				kept++
				lost = lost || p.Timed
				if w.Metrics.Rescued != nil {
					w.Metrics.Rescued()
				}
			}
		})
	}
	all.Wait()
	return kept, lost, err
}

// forget takes all timers for lost: the service that held them did not call. It may have been late only, so that this is done
// rarely; setting a timer twice is harmless.
func (w *Worker) forget(ctx context.Context) error {
	now, last := w.Now(), w.forgot.Load()
	if last != 0 && now.Sub(time.Unix(0, last)) < ForgetEvery || !w.forgot.CompareAndSwap(last, now.UnixNano()) {
		return nil
	}
	w.Log.WarnContext(ctx, "a timer did not call; all are set anew")
	if err := w.Store.ForgetTimers(ctx); err != nil {
		w.forgot.Store(last)
		return fmt.Errorf("forget timers: %w", err)
	}
	return nil
}

// setMissing sets the timers that are not set, up to the horizon.
func (w *Worker) setMissing(ctx context.Context) error {
	for range maxRounds {
		promises, err := w.Store.UntimedReminders(ctx, w.Now().Add(w.horizon()), batch)
		if err != nil {
			return fmt.Errorf("read reminders without timer: %w", err)
		}
		if err := w.setAll(ctx, promises); err != nil || len(promises) < batch {
			return err
		}
	}
	return nil
}

// fire claims the reminder in the transaction that also writes its event; a promise that changed meanwhile is left alone. early is
// how long the store's clock has to go until the promise may be kept.
func (w *Worker) fire(ctx context.Context, p tandem.DuePromise) (wrote bool, early time.Duration, err error) {
	ctx, end := tandem.Begin(ctx, tandem.Step{
		Name: "reminder", Kind: tandem.StepConsume, New: true, Follows: p.TraceID,
		Attrs: []slog.Attr{slog.String("user_id", string(p.User)), slog.String("job", p.JobName())},
	})
	defer func() { end(err) }()
	out, err := w.Store.Edit(ctx, p.User, tandem.Edit{
		Cause: tandem.Cause{Actor: tandem.ActorReminder, TraceID: p.TraceID},
		Tool:  "reminder",
		Refs:  []tandem.TaskRef{{UID: p.TaskUID}},
		Decide: func(sc tandem.Scene) (tandem.Plan, error) {
			if sc.Tasks[0] == nil {
				return tandem.Plan{}, nil
			}
			if t, ok := tandem.Fire(sc, *sc.Tasks[0], p.ReminderID, p.Generation); ok {
				return tandem.Plan{Tasks: []tandem.Task{t}}, nil
			}
			early = max(0, p.At.Sub(sc.Now))
			return tandem.Plan{}, nil
		},
	})
	if err != nil {
		return false, 0, fmt.Errorf("fire reminder %s: %w", p.ReminderID, err)
	}
	if !out.Wrote() {
		return false, early, nil
	}
	tandem.FaultPoint("reminder.after_claim_before_publish")
	if w.Metrics.Fired != nil {
		w.Metrics.Fired(w.Now().Sub(p.At))
	}
	return true, early, nil
}

func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}
