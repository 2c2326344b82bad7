package sqlite

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
	t, err := taskByNumber(ctx, w.conn, w.User, account{w.Account, w.ordinal}, number)
	return t != nil, err
}

// ImportVersion adds an outdated state of a task.
func (w *write) ImportVersion(ctx context.Context, t tandem.Task, saved, until time.Time) (bool, error) {
	doc, err := json.Marshal(t)
	if err != nil {
		return false, fmt.Errorf("encode task: %w", err)
	}
	n, err := w.exec(ctx, `
		insert or ignore into versions (user_id, task, version, seq, op_id, turn_id, saved_at, until, doc) values (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
		w.User, taskID(w.ordinal, t.Number), t.Version, w.Seq(), w.Cause.OpID, "", milli(saved), milli(until), string(doc))
	return n > 0, err
}

// SameConversation finds a conversation by its beginning.
func (w *write) SameConversation(ctx context.Context, c tandem.Conversation) (number int64, found bool, err error) {
	found, err = w.one(ctx, into(&number), `select number from conversations where user_id = ? and created_at = ? and title = ?`,
		w.User, milli(c.CreatedAt), c.Title)
	return number, found, err
}

// HasMessage reports that there is a message with an id.
func (w *write) HasMessage(ctx context.Context, id string) (bool, error) {
	var one int
	return w.one(ctx, into(&one), `select 1 from messages where user_id = ? and id = ?`, w.User, id)
}

// ImportEvent adds an event to the trail.
func (w *write) ImportEvent(ctx context.Context, topic tandem.Topic, e tandem.Event, doc json.RawMessage) (bool, error) {
	n, err := w.exec(ctx, `insert or ignore into audit (user_id, event_id, topic, at, event) values (?, ?, ?, ?, ?)`,
		w.User, e.EventID, topic, milli(time.Time(e.Timestamp)), string(doc))
	return n > 0, err
}
