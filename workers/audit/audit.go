// Package audit keeps the trail: every event of task-events and reminders, once, as it was published. The trail is a
// projection and can be replayed.
package audit

import (
	"context"
	"fmt"

	"tandem"
)

// Consumer names this worker in idempotency keys.
const Consumer = "audit"

// Trail is the append-only store of events.
type Trail interface {
	// AppendAudit adds an event unless one with its id is there.
	AppendAudit(ctx context.Context, topic tandem.Topic, e tandem.Event) (added bool, err error)
}

// Worker appends what it consumes.
type Worker struct {
	Trail Trail
}

// Handle takes one event.
func (w *Worker) Handle(ctx context.Context, e tandem.Event) error {
	if _, err := w.Trail.AppendAudit(ctx, e.Topic(), e); err != nil {
		return fmt.Errorf("append %s to the audit trail: %w", e.EventID, err)
	}
	return nil
}
