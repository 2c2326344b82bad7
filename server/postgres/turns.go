package postgres

import (
	"context"
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
	all, err := turns(ctx, w.conn, `user_id = $1 and id = $2`, w.User, id)
	if found = len(all) > 0; found {
		t = all[0]
	}
	return t, found, err
}

// Running counts the turns that run in a conversation, and all that do.
func (w *write) Running(ctx context.Context, conv int64) (here, all int, err error) {
	_, err = w.one(ctx, into(&all, &here), `
		select count(*), count(*) filter (where conversation = $2) from turns where user_id = $1 and status = 'running'`, w.User, conv)
	return here, all, err
}

// InsertTurn adds a turn that begins.
func (w *write) InsertTurn(_ context.Context, t tandem.Turn) error {
	w.later(nil, `
		insert into turns (user_id, id, conversation, message_id, text, zone, hash, status, engine, reply, calls, n, lease_owner,
			lease_until, attempt, started_at, seq, trace_id)
		values ($1, $2, $3, $4, $5, $6, $7, $8, '', '', '[]', 0, $9, $10, $11, $12, 0, $13)`,
		w.User, t.ID, t.Conversation, t.MessageID, t.Text, t.Zone, t.Hash, t.Status, t.LeaseOwner, t.LeaseUntil, t.Attempt, t.StartedAt, t.TraceID)
	return nil
}

// SaveTurn stores Reply, Calls, N and Engine of a running turn and extends its lease. It reports whether the person asked to stop.
// conflict: the turn has ended, or its lease went to another owner.
func (db *DB) SaveTurn(ctx context.Context, t tandem.Turn) (cancel bool, err error) {
	calls, err := store.EncodeCalls(t)
	if err != nil {
		return false, err
	}
	err = db.write(ctx, t.UserID, func(ctx context.Context, c *conn) error {
		c.later(nil, `set local synchronous_commit = off`) // it matters only together with the end of the turn, which waits for the disk
		found, err := c.one(ctx, into(&cancel), `
			update turns set reply = $5, calls = $6, n = $7, engine = $8, lease_until = $9
			where user_id = $1 and id = $2 and status = 'running' and lease_owner = $3 and attempt = $4 returning cancel`,
			t.UserID, t.ID, t.LeaseOwner, t.Attempt, t.Reply, calls, t.N, t.Engine, db.clock().Add(tandem.TurnLease))
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
		select 1 from turns where user_id = $1 and id = $2 and status = 'running' and lease_owner = $3 and attempt = $4`,
		w.User, t.ID, t.LeaseOwner, t.Attempt)
}

// FinishTurn keeps the end of a turn.
func (w *write) FinishTurn(_ context.Context, t tandem.Turn, calls string) error {
	w.later(nil, `
		update turns set status = $3, reply = $4, calls = $5, n = $6, engine = $7, ended_at = $8, response = $9, seq = $10 where user_id = $1 and id = $2`,
		w.User, t.ID, t.Status, t.Reply, calls, t.N, t.Engine, t.EndedAt, store.Text(t.Response), t.Seq)
	return nil
}

// Turn gives a turn; not_found for an unknown one.
func (db *DB) Turn(ctx context.Context, user tandem.UserID, id string) (tandem.Turn, error) {
	found, err := view(ctx, db, user, func(ctx context.Context, c *conn) ([]tandem.Turn, error) {
		return turns(ctx, c, `user_id = $1 and id = $2`, user, id)
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
	return view(ctx, db, user, func(ctx context.Context, c *conn) ([]tandem.Turn, error) {
		return turns(ctx, c, `user_id = $1 and status = 'running' order by started_at, id`, user)
	})
}

// RequestCancel asks the owner of a running turn to stop; one that has ended is left alone. not_found for an unknown turn.
func (db *DB) RequestCancel(ctx context.Context, user tandem.UserID, id string) error {
	return db.write(ctx, user, func(ctx context.Context, c *conn) error {
		n, err := c.exec(ctx, `update turns set cancel = true where user_id = $1 and id = $2`, user, id)
		if err == nil && n == 0 {
			return tandem.NotFound("turn_id", id, "turn")
		}
		return err
	})
}

// TakeTurns gives owner the running turns whose lease ended before now, with the next Attempt: writes of the owner before are
// refused from then on.
func (db *DB) TakeTurns(ctx context.Context, owner string, now time.Time, limit int) ([]tandem.Turn, error) {
	late, err := view(ctx, db, everyone, func(ctx context.Context, c *conn) ([]store.Owned, error) {
		return list(ctx, c, scanOwned, `select user_id, id from late_turns($1, $2)`, now, limit)
	})
	if err != nil {
		return nil, err
	}
	var out []tandem.Turn
	for _, l := range late {
		var taken []tandem.Turn
		err := db.write(ctx, l.User, func(ctx context.Context, c *conn) (err error) {
			taken, err = list(ctx, c, scanTurn, `
				update turns set lease_owner = $3, lease_until = $4, attempt = attempt + 1
				where user_id = $1 and id = $2 and status = 'running' and lease_until < $5
				returning `+turnColumns, l.User, l.ID, owner, now.Add(tandem.TurnLease).Truncate(time.Millisecond), now)
			return err
		})
		if err != nil {
			return out, err
		}
		out = append(out, taken...)
	}
	return out, nil
}

const turnColumns = `id, user_id, conversation, message_id, text, zone, hash, status, engine, reply, calls, n, lease_owner, lease_until, attempt,
	started_at, ended_at, response, seq, trace_id`

// turns reads turns; where is one of a few constant conditions.
func turns(ctx context.Context, c *conn, where string, args ...any) ([]tandem.Turn, error) {
	return list(ctx, c, scanTurn, `select `+turnColumns+` from turns where `+where, args...)
}

func scanTurn(r row) (t tandem.Turn, err error) {
	var calls, response []byte
	if err := r.Scan(&t.ID, &t.UserID, &t.Conversation, &t.MessageID, &t.Text, &t.Zone, &t.Hash, &t.Status, &t.Engine, &t.Reply, &calls,
		&t.N, &t.LeaseOwner, &t.LeaseUntil, &t.Attempt, &t.StartedAt, &t.EndedAt, &response, &t.Seq, &t.TraceID); err != nil {
		return t, err
	}
	t.Response = response
	err = json.Unmarshal(calls, &t.Calls)
	return t, err
}
