// Package recur makes the next occurrence of a completed recurring task.
package recur

import (
	"context"
	"errors"
	"fmt"
	"time"

	"tandem"
)

// Consumer names this worker in inboxes and idempotency keys.
const Consumer = "recurrence"

// Store is the write path.
type Store interface {
	Edit(ctx context.Context, user tandem.UserID, e tandem.Edit) (tandem.Outcome, error)
}

// Worker consumes task-events. The successor is unique in the database, so any number of workers may see an event any
// number of times.
type Worker struct {
	Store Store
	// Made is told of each successor and how long after the completion it came; nil is not called.
	Made func(delay time.Duration)
}

// Wants tells the events that Handle does something about.
func Wants(e tandem.Event) bool { return e.EventType == tandem.EventTaskCompleted }

// Handle takes one event. Everything but a completion is not its business. An event of a task that its user does not have is
// invalid.
func (w *Worker) Handle(ctx context.Context, e tandem.Event) error {
	if !Wants(e) {
		return nil
	}
	refs := []tandem.TaskRef{{UID: e.TaskID}}
	out, err := w.Store.Edit(ctx, e.UserID, tandem.Edit{
		Cause: tandem.Cause{Actor: tandem.ActorRecurrence, TraceID: e.Payload.TraceID},
		Tool:  "recurrence",
		Refs:  refs,
		Inbox: &tandem.Inbox{Consumer: Consumer, EventID: e.EventID},
		Decide: func(sc tandem.Scene) (tandem.Plan, error) {
			if sc.Tasks[0] == nil {
				return tandem.Plan{}, tandem.NotFound("task_id", e.TaskID, "task")
			}
			if next, ok := tandem.Succeed(sc, *sc.Tasks[0]); ok {
				return tandem.Plan{Tasks: []tandem.Task{next}}, nil
			}
			return tandem.Plan{}, nil
		},
	})
	switch {
	case errors.Is(err, tandem.ErrConflict):
		return nil // another worker made it first
	case errors.Is(err, tandem.ErrNotFound):
		return e.Foreign(time.Now())
	case err != nil:
		return fmt.Errorf("make successor of %s: %w", e.TaskID, err)
	}
	if !out.Wrote() {
		return nil
	}
	tandem.FaultPoint("recur.after_insert")
	if w.Made != nil {
		w.Made(time.Since(time.Time(e.Timestamp)))
	}
	return nil
}
