package sqlite

import (
	"context"
	"database/sql"
	"encoding/json"
	"time"

	"tandem"
	"tandem/server/store"
)

// StartTurn stores the person's words and a running turn, in one write; its lease belongs to s.Owner. The same id with the same
// hash gives the turn that is there, and true; with another hash conflict. not_found for an unknown conversation, limited (busy)
// while a turn runs there or as many as may run for the user.
func (db *DB) StartTurn(ctx context.Context, user tandem.UserID, s tandem.TurnStart) (t tandem.Turn, replayed bool, err error) {
	return store.StartTurn(ctx, user, s, db.update)
}

// Turn gives a turn; false for an unknown one.
func (w *write) Turn(ctx context.Context, id string) (t tandem.Turn, found bool, err error) {
	all, err := turns(ctx, w.conn, `user_id = ? and id = ?`, w.User, id)
	if found = len(all) > 0; found {
		t = all[0]
	}
	return t, found, err
}

// Running counts the turns that run in a conversation, and all that do.
func (w *write) Running(ctx context.Context, conv int64) (here, all int, err error) {
	_, err = w.one(ctx, into(&all, &here), `
		select count(*), coalesce(sum(conversation = ?2), 0) from turns where user_id = ?1 and status = 'running'`, w.User, conv)
	return here, all, err
}

// InsertTurn adds a turn that begins.
func (w *write) InsertTurn(ctx context.Context, t tandem.Turn) error {
	_, err := w.exec(ctx, `
		insert into turns (user_id, id, conversation, message_id, text, zone, hash, status, engine, reply, calls, n, lease_owner,
			lease_until, attempt, started_at, seq, trace_id)
		values (?, ?, ?, ?, ?, ?, ?, ?, '', '', '[]', 0, ?, ?, ?, ?, 0, ?)`,
		w.User, t.ID, t.Conversation, t.MessageID, t.Text, t.Zone, t.Hash, t.Status, t.LeaseOwner, milli(t.LeaseUntil), t.Attempt, milli(t.StartedAt), t.TraceID)
	return err
}

// SaveTurn stores Reply, Calls, N and Engine of a running turn and extends its lease. It reports whether the person asked to stop.
// conflict: the turn has ended, or its lease went to another owner.
func (db *DB) SaveTurn(ctx context.Context, t tandem.Turn) (cancel bool, err error) {
	calls, err := store.EncodeCalls(t)
	if err != nil {
		return false, err
	}
	err = db.note(ctx, func(ctx context.Context, c *conn) error {
		found, err := c.one(ctx, into(&cancel), `
			update turns set reply = ?, calls = ?, n = ?, engine = ?, lease_until = ?
			where user_id = ? and id = ? and status = 'running' and lease_owner = ? and attempt = ? returning cancel`,
			t.Reply, calls, t.N, t.Engine, milli(db.clock().Add(tandem.TurnLease)), t.UserID, t.ID, t.LeaseOwner, t.Attempt)
		return store.LostIf(!found, err)
	})
	return cancel, err
}

// EndTurn stores the assistant's message and the end of the turn in one write. respond, given the number of the write and the
// stored message, renders the answer that repeats get. It is fenced as SaveTurn is.
func (db *DB) EndTurn(
	ctx context.Context, t tandem.Turn, reply tandem.Message, respond func(tandem.Seq, tandem.Message) (json.RawMessage, error),
) (tandem.Turn, tandem.Message, error) {
	return store.EndTurn(ctx, t, reply, respond, db.update)
}

// HoldsTurn reports that the turn runs, and its lease is that of this attempt.
func (w *write) HoldsTurn(ctx context.Context, t tandem.Turn) (bool, error) {
	var one int
	return w.one(ctx, into(&one), `
		select 1 from turns where user_id = ? and id = ? and status = 'running' and lease_owner = ? and attempt = ?`,
		w.User, t.ID, t.LeaseOwner, t.Attempt)
}

// FinishTurn keeps the end of a turn.
func (w *write) FinishTurn(ctx context.Context, t tandem.Turn, calls string) error {
	_, err := w.exec(ctx, `
		update turns set status = ?, reply = ?, calls = ?, n = ?, engine = ?, ended_at = ?, response = ?, seq = ? where user_id = ? and id = ?`,
		t.Status, t.Reply, calls, t.N, t.Engine, milliPtr(t.EndedAt), store.Text(t.Response), t.Seq, w.User, t.ID)
	return err
}

// Turn gives a turn; not_found for an unknown one.
func (db *DB) Turn(ctx context.Context, user tandem.UserID, id string) (tandem.Turn, error) {
	found, err := view(ctx, db, func(ctx context.Context, c *conn) ([]tandem.Turn, error) {
		return turns(ctx, c, `user_id = ? and id = ?`, user, id)
	})
	if err == nil && len(found) == 0 {
		err = tandem.NotFound("turn_id", id, "turn")
	}
	if err != nil {
		return tandem.Turn{}, err
	}
	return found[0], nil
}

// RunningTurns gives a user's turns that have not ended, the oldest first.
func (db *DB) RunningTurns(ctx context.Context, user tandem.UserID) ([]tandem.Turn, error) {
	return view(ctx, db, func(ctx context.Context, c *conn) ([]tandem.Turn, error) {
		return turns(ctx, c, `user_id = ? and status = 'running' order by started_at, id`, user)
	})
}

// RequestCancel asks the owner of a running turn to stop; one that has ended is left alone. not_found for an unknown turn.
func (db *DB) RequestCancel(ctx context.Context, user tandem.UserID, id string) error {
	return db.write(ctx, func(ctx context.Context, c *conn) error {
		n, err := c.exec(ctx, `update turns set cancel = 1 where user_id = ? and id = ?`, user, id)
		if err == nil && n == 0 {
			return tandem.NotFound("turn_id", id, "turn")
		}
		return err
	})
}

// TakeTurns gives owner the running turns whose lease ended before now, with the next Attempt: writes of the owner before are
// refused from then on.
func (db *DB) TakeTurns(ctx context.Context, owner string, now time.Time, limit int) (out []tandem.Turn, err error) {
	err = db.write(ctx, func(ctx context.Context, c *conn) error {
		out, err = turns(ctx, c, `status = 'running' and lease_until < ? order by lease_until limit ?`, milli(now), limit)
		for i := range out {
			t := &out[i]
			t.LeaseOwner, t.LeaseUntil, t.Attempt = owner, now.Add(tandem.TurnLease).UTC().Truncate(time.Millisecond), t.Attempt+1
			if _, err := c.exec(ctx, `update turns set lease_owner = ?, lease_until = ?, attempt = ? where user_id = ? and id = ?`,
				owner, milli(t.LeaseUntil), t.Attempt, t.UserID, t.ID); err != nil {
				return err
			}
		}
		return err
	})
	return out, err
}

// turns reads turns; where is one of a few constant conditions.
func turns(ctx context.Context, c *conn, where string, args ...any) ([]tandem.Turn, error) {
	return list(ctx, c, scanTurn, `
		select id, user_id, conversation, message_id, text, zone, hash, status, engine, reply, calls, n, lease_owner, lease_until, attempt,
			started_at, ended_at, response, seq, trace_id
		from turns where `+where, args...)
}

func scanTurn(r row) (t tandem.Turn, err error) {
	var calls, response []byte
	var lease, started int64
	var ended sql.NullInt64
	if err := r.Scan(&t.ID, &t.UserID, &t.Conversation, &t.MessageID, &t.Text, &t.Zone, &t.Hash, &t.Status, &t.Engine, &t.Reply, &calls,
		&t.N, &t.LeaseOwner, &lease, &t.Attempt, &started, &ended, &response, &t.Seq, &t.TraceID); err != nil {
		return t, err
	}
	t.LeaseUntil, t.StartedAt, t.EndedAt, t.Response = instant(lease), instant(started), instantPtr(ended), response
	err = json.Unmarshal(calls, &t.Calls)
	return t, err
}
