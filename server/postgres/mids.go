package postgres

import (
	"context"
	"encoding/json"

	"tandem"
	"tandem/server/store"
)

// LastMid gives the number of the last mutation of a socket client that is settled; 0 for an unknown client.
func (db *DB) LastMid(ctx context.Context, user tandem.UserID, client string) (int64, error) {
	return view(ctx, db, user, func(ctx context.Context, c *conn) (int64, error) { return lastMid(ctx, c, user, client) })
}

func lastMid(ctx context.Context, c *conn, user tandem.UserID, client string) (last int64, err error) {
	_, err = c.one(ctx, into(&last), `select last_mid from clients where user_id = $1 and client = $2`, user, client)
	return last, err
}

// MidOutcome gives what a mutation came to: the result of an Edit or Set with its number, or what UseMid stored with the head of
// that time. False while it is not settled, or when it is forgotten.
func (db *DB) MidOutcome(ctx context.Context, user tandem.UserID, client string, mid int64) (out tandem.Outcome, found bool, err error) {
	err = db.read(ctx, user, func(ctx context.Context, c *conn) error {
		out.Seq, out.Result, found, err = midOutcome(ctx, c, user, client, mid)
		return err
	})
	out.Replayed = found
	return out, found, err
}

func midOutcome(ctx context.Context, c *conn, user tandem.UserID, client string, mid int64) (seq tandem.Seq, outcome json.RawMessage, found bool, err error) {
	var doc []byte
	found, err = c.one(ctx, into(&seq, &doc), `select seq, result from mids where user_id = $1 and client = $2 and mid = $3`, user, client, mid)
	return seq, doc, found, err
}

// UseMid settles a mutation that the store had no part in, such as a final refusal. One that is settled stays as it is; one that
// leaps ahead is a conflict.
func (db *DB) UseMid(ctx context.Context, user tandem.UserID, client string, mid int64, outcome json.RawMessage) error {
	return store.UseMid(ctx, user, client, mid, outcome, db.update)
}

// LastMid gives the number of the client's last mutation that is settled.
func (w *write) LastMid(ctx context.Context, client string) (int64, error) {
	return lastMid(ctx, w.conn, w.User, client)
}

// MidOutcome gives what a mutation of the client came to.
func (w *write) MidOutcome(ctx context.Context, client string, mid int64) (tandem.Seq, json.RawMessage, bool, error) {
	return midOutcome(ctx, w.conn, w.User, client, mid)
}

// SaveMid settles a mutation.
func (w *write) SaveMid(_ context.Context, client string, mid int64, seq tandem.Seq, result json.RawMessage) error {
	w.later(nil, `
		insert into clients (user_id, client, last_mid, at) values ($1, $2, $3, $4)
		on conflict (user_id, client) do update set last_mid = excluded.last_mid, at = excluded.at`, w.User, client, mid, w.Now)
	w.later(nil, `insert into mids (user_id, client, mid, seq, result, at) values ($1, $2, $3, $4, $5, $6)`,
		w.User, client, mid, seq, store.Text(result), w.Now)
	return nil
}

// InInbox reports whether the consumer had its effect for the event.
func (w *write) InInbox(ctx context.Context, in tandem.Inbox) (bool, error) {
	var one int
	return w.one(ctx, into(&one), `select 1 from inbox where user_id = $1 and consumer = $2 and event_id = $3`, w.User, in.Consumer, in.EventID)
}

// PutInbox keeps that it had.
func (w *write) PutInbox(_ context.Context, in tandem.Inbox) error {
	w.later(nil, `insert into inbox (user_id, consumer, event_id, at) values ($1, $2, $3, $4)`, w.User, in.Consumer, in.EventID, w.Now)
	return nil
}
