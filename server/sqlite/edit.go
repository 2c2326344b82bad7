package sqlite

import (
	"context"

	"tandem"
	"tandem/server/store"
)

// Edit runs one operation on a user's tasks, all or nothing, as store.Edit says.
func (db *DB) Edit(ctx context.Context, user tandem.UserID, e tandem.Edit) (tandem.Outcome, error) {
	return store.Edit(ctx, user, e, db.newID, db.log, db.update)
}

// Operation reads what is known under an id.
func (w *write) Operation(ctx context.Context, id string) (o store.Operation, found bool, err error) {
	var result []byte
	found, err = w.one(ctx, into(&o.Hash, &o.Seq, &result, &o.Refusal), `
		select hash, seq, result, refusal from operations where user_id = ? and op_id = ?`, w.User, id)
	o.ID, o.Result = id, result
	return o, found, err
}

// SaveOperation keeps an edit that ran.
func (w *write) SaveOperation(ctx context.Context, o store.Operation) error {
	_, err := w.exec(ctx, `
		insert into operations (user_id, op_id, hash, seq, tasks, turn_id, conversation, caller, result, at)
		values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
		w.User, o.ID, o.Hash, o.Seq, o.Tasks, w.Cause.TurnID, w.Cause.Conversation, w.Cause.Caller, store.Text(o.Result), milli(w.Now))
	return err
}

// SaveRefusal keeps an edit that was refused.
func (w *write) SaveRefusal(ctx context.Context, o store.Operation) error {
	_, err := w.exec(ctx, `
		insert or ignore into operations (user_id, op_id, hash, seq, tasks, turn_id, conversation, caller, refusal, at)
		values (?, ?, ?, 0, 0, '', 0, '', ?, ?)`, w.User, o.ID, o.Hash, string(o.Refusal), milli(w.Now))
	return err
}

// Check has nothing to do: each statement was checked as it ran.
func (w *write) Check(context.Context) error { return nil }
