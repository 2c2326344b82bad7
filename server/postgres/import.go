package postgres

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"tandem"
	"tandem/server/store"
)

// Import reads rows as Export gave them, as store.Import says.
func (db *DB) Import(ctx context.Context, user tandem.UserID, next func() (kind string, row json.RawMessage, err error)) (int, error) {
	return store.Import(ctx, user, next, db.newID, db.update)
}

// Taken reports that there is a task with a number.
func (w *write) Taken(ctx context.Context, number int64) (bool, error) {
	tasks, err := tasksByNumber(ctx, w.conn, w.User, []int64{number})
	return len(tasks) > 0, err
}

// ImportVersion adds an outdated state of a task.
func (w *write) ImportVersion(ctx context.Context, t tandem.Task, saved, until time.Time) (bool, error) {
	doc, err := json.Marshal(t)
	if err != nil {
		return false, fmt.Errorf("encode task: %w", err)
	}
	n, err := w.exec(ctx, `
		insert into versions (user_id, task, version, seq, op_id, turn_id, saved_at, until, doc) values ($1, $2, $3, $4, $5, '', $6, $7, $8)
		on conflict do nothing`, w.User, t.Number, t.Version, w.Seq(), w.Cause.OpID, saved, until, string(doc))
	return n > 0, err
}

// SameConversation finds a conversation by its beginning.
func (w *write) SameConversation(ctx context.Context, c tandem.Conversation) (number int64, found bool, err error) {
	found, err = w.one(ctx, into(&number), `select number from conversations where user_id = $1 and created_at = $2 and title = $3`,
		w.User, c.CreatedAt, c.Title)
	return number, found, err
}

// HasMessage reports that there is a message with an id.
func (w *write) HasMessage(ctx context.Context, id string) (bool, error) {
	var one int
	return w.one(ctx, into(&one), `select 1 from messages where user_id = $1 and id = $2`, w.User, id)
}

// ImportEvent adds an event to the trail.
func (w *write) ImportEvent(ctx context.Context, topic tandem.Topic, e tandem.Event, doc json.RawMessage) (bool, error) {
	n, err := w.exec(ctx, `insert into audit (user_id, event_id, topic, at, event) values ($1, $2, $3, $4, $5)
		on conflict do nothing`, w.User, e.EventID, topic, time.Time(e.Timestamp), string(doc))
	return n > 0, err
}
