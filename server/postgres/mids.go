package postgres

import (
	"context"
	"encoding/json"

	"tandem"
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
	return db.update(ctx, user, tandem.Cause{Client: client, Mid: mid}, func(ctx context.Context, w *write) error {
		var out tandem.Outcome
		done, err := w.replayMid(ctx, &out)
		if done || err != nil {
			return err
		}
		w.saveMid(w.account.Seq, outcome)
		return nil
	})
}

// useDryMid settles the mid of a dry run, whose own transaction is rolled back.
func (db *DB) useDryMid(ctx context.Context, user tandem.UserID, cause tandem.Cause, out tandem.Outcome) error {
	if cause.Client == "" || out.Replayed {
		return nil
	}
	return db.UseMid(ctx, user, cause.Client, cause.Mid, out.Result)
}

// replayMid checks the mid of the write. True: it was settled before, and out is its outcome.
func (w *write) replayMid(ctx context.Context, out *tandem.Outcome) (bool, error) {
	client, mid := w.cause.Client, w.cause.Mid
	if client == "" || mid == 0 {
		return false, nil
	}
	last, err := lastMid(ctx, w.conn, w.user, client)
	switch {
	case err != nil:
		return false, err
	case mid > last+1 || mid < 0:
		return false, tandem.Conflict("mid", "The next mid of this client is %d.", last+1)
	case mid > last:
		return false, nil
	}
	seq, result, _, err := midOutcome(ctx, w.conn, w.user, client, mid)
	out.Replayed, out.Seq, out.Result = true, max(seq, 0), result
	return true, err
}

// saveMid settles the mid of the write.
func (w *write) saveMid(seq tandem.Seq, result json.RawMessage) {
	client, mid := w.cause.Client, w.cause.Mid
	if client == "" || mid == 0 {
		return
	}
	w.later(nil, `
		insert into clients (user_id, client, last_mid, at) values ($1, $2, $3, $4)
		on conflict (user_id, client) do update set last_mid = excluded.last_mid, at = excluded.at`, w.user, client, mid, w.now)
	w.later(nil, `insert into mids (user_id, client, mid, seq, result, at) values ($1, $2, $3, $4, $5, $6)`,
		w.user, client, mid, seq, text(result), w.now)
}

// inInbox reports whether the consumer had its effect for the event.
func (w *write) inInbox(ctx context.Context, in tandem.Inbox) (bool, error) {
	var one int
	return w.one(ctx, into(&one), `select 1 from inbox where user_id = $1 and consumer = $2 and event_id = $3`, w.user, in.Consumer, in.EventID)
}

func (w *write) putInbox(in tandem.Inbox) {
	w.later(nil, `insert into inbox (user_id, consumer, event_id, at) values ($1, $2, $3, $4)`, w.user, in.Consumer, in.EventID, w.now)
}
