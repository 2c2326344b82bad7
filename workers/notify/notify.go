// Package notify tells a person that a reminder is due: as a notice on every device, and through each channel that the
// person has switched on.
package notify

import (
	"context"
	"errors"
	"fmt"
	"time"

	"tandem"
)

// Consumer names this worker in inboxes and idempotency keys.
const Consumer = "notifications"

// Store keeps notices.
type Store interface {
	// AddNotice stores a notice once per reminder generation and event, while its task is open; false: there already, or not
	// wanted any more. A task that the user does not have is not found.
	AddNotice(ctx context.Context, in tandem.Inbox, n tandem.Notice) (bool, error)
}

// Worker consumes the topic reminders.
type Worker struct {
	Store Store
	// Shown counts notices; nil is not called.
	Shown func()
}

// Handle takes one event.
func (w *Worker) Handle(ctx context.Context, e tandem.Event) error {
	r, task := e.Payload.Reminder, e.Payload.Task
	if e.EventType != tandem.EventReminderDue || r == nil || task == nil {
		return nil
	}
	added, err := w.Store.AddNotice(ctx, tandem.Inbox{Consumer: Consumer, EventID: e.EventID}, tandem.Notice{
		ID: e.EventID, UserID: e.UserID, ReminderID: r.ReminderID, Generation: r.Generation, TaskUID: e.TaskID,
		Number: task.TaskID, Title: task.Title, Due: task.Due, FiredAt: time.Time(e.Timestamp),
	})
	if errors.Is(err, tandem.ErrNotFound) {
		return e.Foreign(time.Now())
	}
	if err != nil {
		return fmt.Errorf("add notice of reminder %s: %w", r.ReminderID, err)
	}
	if added && w.Shown != nil {
		w.Shown()
	}
	return nil
}
