// Package audit keeps the trail: every event of task-events and reminders, once, as it was published. The trail is a
// projection and can be replayed.
package audit

import (
	"context"
	"fmt"
	"time"

	"tandem"
)

// Consumer names this worker in idempotency keys.
const Consumer = "audit"

// Trail is the append-only store of events.
type Trail interface {
	// AppendAudit adds an event unless one with its id is there.
	AppendAudit(ctx context.Context, topic tandem.Topic, e tandem.Event) (added bool, err error)
	// HasTask tells whether the user has this task, be it in the trash.
	HasTask(ctx context.Context, user tandem.UserID, uid string) (bool, error)
}

// Worker appends what it consumes.
type Worker struct {
	Trail Trail
}

// Handle takes one event. An event of a task that its user does not have is invalid: nobody's trail tells of another's task.
func (w *Worker) Handle(ctx context.Context, e tandem.Event) error {
	switch has, err := w.Trail.HasTask(ctx, e.UserID, e.TaskID); {
	case err != nil:
		return fmt.Errorf("look for the task of %s: %w", e.EventID, err)
	case !has:
		return e.Foreign(time.Now())
	}
	if _, err := w.Trail.AppendAudit(ctx, e.Topic(), e); err != nil {
		return fmt.Errorf("append %s to the audit trail: %w", e.EventID, err)
	}
	return nil
}
