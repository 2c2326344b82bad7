package store

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"tandem"
)

// Notices writes what is shown of reminders that fired.
type Notices interface {
	Base() *Write
	Inbox
	// TaskByUID gives the present state of a task; nil for none.
	TaskByUID(ctx context.Context, uid string) (*tandem.Task, error)
	// Settings gives the user's, with what has tables of its own.
	Settings(ctx context.Context) (tandem.Settings, error)
	// InsertNotice adds a notice; false where there was one of that generation. due is its due date, or null.
	InsertNotice(ctx context.Context, n tandem.Notice, due any) (bool, error)
	// PlanDeliveries keeps on which roads else the notice is to go.
	PlanDeliveries(ctx context.Context, planned []tandem.PlannedDelivery) error
}

// AddNotice shows that a reminder fired, once per generation and event, and only while its task is open. False: it was there, or
// nobody wants it any more. A task that the user does not have is not found. With the notice its deliveries are planned.
func AddNotice[W Notices](ctx context.Context, in tandem.Inbox, n tandem.Notice, update Update[W]) (added bool, err error) {
	err = update(ctx, n.UserID, tandem.Cause{Actor: tandem.ActorReminder}, func(ctx context.Context, w W) error {
		added = false
		if seen, err := w.InInbox(ctx, in); seen || err != nil {
			return err
		}
		if err := w.PutInbox(ctx, in); err != nil {
			return err
		}
		t, err := w.TaskByUID(ctx, n.TaskUID)
		switch {
		case err != nil:
			return err
		case t == nil:
			return tandem.NotFound("task_id", n.TaskUID, "task")
		case !t.Open():
			return nil
		}
		added, err = addNotice(ctx, w, n)
		return err
	})
	return added && err == nil, err
}

func addNotice(ctx context.Context, w Notices, n tandem.Notice) (bool, error) {
	settings, err := w.Settings(ctx)
	if err != nil {
		return false, err
	}
	b := w.Base()
	_, n.Silent = settings.QuietUntil(b.Now)
	n.FiredAt = n.FiredAt.UTC().Truncate(time.Millisecond)
	var due any
	if n.Due != nil {
		doc, err := json.Marshal(n.Due)
		if err != nil {
			return false, fmt.Errorf("encode due date: %w", err)
		}
		due = string(doc)
	}
	if added, err := w.InsertNotice(ctx, n, due); !added || err != nil {
		return false, err
	}
	if err := b.Put(tandem.KindNotice, n.ID, int64(b.Seq()), n.Row()); err != nil {
		return false, err
	}
	return true, w.PlanDeliveries(ctx, tandem.PlanDeliveries(settings, n, b.Now))
}
