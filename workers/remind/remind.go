// Package remind keeps the promises of reminders. The row is the truth, a timer gives precision, and a sweep every
// SweepEvery is the guarantee.
package remind

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"time"

	"tandem"
)

// Consumer names this worker in idempotency keys.
const Consumer = "reminders"

// Bounds of the loop.
const (
	SweepEvery = 10 * time.Second
	// Horizon is how far ahead timers are set; later reminders get theirs from a later sweep.
	Horizon = 3 * SweepEvery
	batch   = 500
)

// Store holds the promises.
type Store interface {
	Edit(ctx context.Context, user tandem.UserID, e tandem.Edit) (tandem.Outcome, error)
	// DueReminders gives scheduled reminders with a time up to until, the earliest first.
	DueReminders(ctx context.Context, until time.Time, limit int) ([]tandem.DuePromise, error)
}

// Timer calls back at a time. A name set again is moved.
type Timer interface {
	At(ctx context.Context, name string, at time.Time, payload json.RawMessage) error
	Cancel(ctx context.Context, name string) error
}

// Metrics counts; nil fields are not called.
type Metrics struct {
	Fired   func(late time.Duration)
	Rescued func() // fired by the sweep, after its timer should have
}

// Worker schedules and fires reminders.
type Worker struct {
	Store   Store
	Timer   Timer
	Now     func() time.Time
	Log     *slog.Logger
	Metrics Metrics
}

// Handle takes an event of task-events: a promise that is near gets its timer at once, a cancelled one loses it.
func (w *Worker) Handle(ctx context.Context, e tandem.Event) error {
	r := e.Payload.Reminder
	if r == nil {
		return nil
	}
	p := tandem.DuePromise{User: e.UserID, TaskUID: e.TaskID, ReminderID: r.ReminderID, Generation: r.Generation, At: time.Time(r.At)}
	switch {
	case e.EventType == tandem.EventReminderScheduled && p.At.Before(w.Now().Add(Horizon)):
		return w.set(ctx, p)
	case e.EventType == tandem.EventReminderCancelled:
		return w.Timer.Cancel(ctx, p.JobName())
	default:
		return nil
	}
}

func (w *Worker) set(ctx context.Context, p tandem.DuePromise) error {
	payload, err := json.Marshal(p)
	if err != nil {
		return fmt.Errorf("encode promise: %w", err)
	}
	if err := w.Timer.At(ctx, p.JobName(), p.At, payload); err != nil {
		return fmt.Errorf("set timer of reminder %s: %w", p.ReminderID, err)
	}
	return nil
}

// OnTimer takes the call of a timer. A failed claim is left to the sweep.
func (w *Worker) OnTimer(ctx context.Context, _ string, payload json.RawMessage) {
	var p tandem.DuePromise
	if err := json.Unmarshal(payload, &p); err != nil {
		w.Log.ErrorContext(ctx, "timer payload unreadable", "err", err)
		return
	}
	if err := w.fire(ctx, p); err != nil && ctx.Err() == nil {
		w.Log.WarnContext(ctx, "reminder left to the sweep", "err", err, "user_id", p.User)
	}
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

// Sweep fires what is overdue and sets timers for what comes within Horizon.
func (w *Worker) Sweep(ctx context.Context) error {
	for {
		now := w.Now()
		promises, err := w.Store.DueReminders(ctx, now.Add(Horizon), batch)
		if err != nil {
			return fmt.Errorf("read due reminders: %w", err)
		}
		overdue := 0
		for _, p := range promises {
			if p.At.After(now) {
				err = w.set(ctx, p)
			} else {
				overdue++
				err = w.fire(ctx, p)
				if err == nil && w.Metrics.Rescued != nil {
					w.Metrics.Rescued()
				}
			}
			if err != nil {
				return err
			}
		}
		if len(promises) < batch || overdue == 0 {
			return nil
		}
	}
}

// fire claims the reminder in the transaction that also writes its event; a promise that changed meanwhile is left alone.
func (w *Worker) fire(ctx context.Context, p tandem.DuePromise) error {
	out, err := w.Store.Edit(ctx, p.User, tandem.Edit{
		Cause: tandem.Cause{Actor: tandem.ActorReminder},
		Tool:  "reminder",
		Refs:  []tandem.TaskRef{{UID: p.TaskUID}},
		Decide: func(sc tandem.Scene) (tandem.Plan, error) {
			if sc.Tasks[0] == nil {
				return tandem.Plan{}, nil
			}
			if t, ok := tandem.Fire(sc, *sc.Tasks[0], p.ReminderID, p.Generation); ok {
				return tandem.Plan{Tasks: []tandem.Task{t}}, nil
			}
			return tandem.Plan{}, nil
		},
	})
	if err != nil {
		return fmt.Errorf("fire reminder %s: %w", p.ReminderID, err)
	}
	if out.Wrote() && w.Metrics.Fired != nil {
		w.Metrics.Fired(w.Now().Sub(p.At))
	}
	return nil
}
