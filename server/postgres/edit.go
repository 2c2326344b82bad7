package postgres

import (
	"context"

	"tandem"
	"tandem/server/store"
)

// Edit runs one operation on a user's tasks, all or nothing, as store.Edit says. It may be run again when it loses a race.
func (db *DB) Edit(ctx context.Context, user tandem.UserID, e tandem.Edit) (tandem.Outcome, error) {
	return store.Edit(ctx, user, e, db.newID, db.log, db.update)
}

// Operation reads what is known under an id.
func (w *write) Operation(ctx context.Context, id string) (o store.Operation, found bool, err error) {
	var result []byte
	found, err = w.one(ctx, into(&o.Hash, &o.Seq, &result, &o.Refusal), `
		select hash, seq, result, refusal from operations where user_id = $1 and op_id = $2`, w.User, id)
	o.ID, o.Result = id, result
	return o, found, err
}

// SaveOperation keeps an edit that ran.
func (w *write) SaveOperation(_ context.Context, o store.Operation) error {
	w.later(nil, `
		insert into operations (user_id, op_id, hash, seq, tasks, turn_id, conversation, caller, result, at)
		values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)`,
		w.User, o.ID, o.Hash, o.Seq, o.Tasks, w.Cause.TurnID, w.Cause.Conversation, w.Cause.Caller, store.Text(o.Result), w.Now)
	return nil
}

// SaveRefusal keeps an edit that was refused.
func (w *write) SaveRefusal(_ context.Context, o store.Operation) error {
	w.later(nil, `
		insert into operations (user_id, op_id, hash, seq, tasks, turn_id, conversation, caller, refusal, at)
		values ($1, $2, $3, 0, 0, '', 0, '', $4, $5) on conflict do nothing`, w.User, o.ID, o.Hash, string(o.Refusal), w.Now)
	return nil
}

// Check runs what is queued.
func (w *write) Check(ctx context.Context) error { return w.flush(ctx) }
