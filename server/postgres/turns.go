package postgres

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"tandem"
)

// StartTurn stores the person's words and a running turn, in one write; its lease belongs to s.Owner. The same id with the same
// hash gives the turn that is there, and true; with another hash conflict. not_found for an unknown conversation, limited (busy)
// while a turn runs there or as many as may run for the user.
func (db *DB) StartTurn(ctx context.Context, user tandem.UserID, s tandem.TurnStart) (t tandem.Turn, replayed bool, err error) {
	cause := s.Cause
	cause.TurnID = s.ID
	err = db.update(ctx, user, cause, func(ctx context.Context, w *write) error {
		found, err := turns(ctx, w.conn, `user_id = $1 and id = $2`, user, s.ID)
		if err != nil {
			return err
		}
		if replayed = false; len(found) > 0 {
			t, replayed = found[0], true
			if t.Hash != s.Hash {
				return tandem.Conflict("turn_id", "This turn_id was used for another message.")
			}
			return nil
		}
		t, err = w.startTurn(ctx, s)
		return err
	})
	return t, replayed, err
}

func (w *write) startTurn(ctx context.Context, s tandem.TurnStart) (t tandem.Turn, err error) {
	t = tandem.Turn{
		ID: s.ID, UserID: w.user, Conversation: s.Conversation, Text: s.Text, Zone: s.Zone, Hash: s.Hash, Status: tandem.TurnRunning,
		LeaseOwner: s.Owner, LeaseUntil: w.now.Add(tandem.TurnLease), Attempt: 1, StartedAt: w.now,
	}
	if s.Conversation != 0 {
		if _, err := conversation(ctx, w.conn, w.user, s.Conversation); err != nil {
			return t, err
		}
	}
	if err := w.mayRun(ctx, s.Conversation); err != nil {
		return t, err
	}
	if s.Conversation == 0 {
		if t.Conversation, err = w.newConversation(s.Title); err != nil {
			return t, err
		}
	}
	if t.MessageID, err = w.question(ctx, t, s.Again); err != nil {
		return t, err
	}
	w.later(nil, `
		insert into turns (user_id, id, conversation, message_id, text, zone, hash, status, engine, reply, calls, n, lease_owner,
			lease_until, attempt, started_at, seq)
		values ($1, $2, $3, $4, $5, $6, $7, $8, '', '', '[]', 0, $9, $10, $11, $12, 0)`,
		w.user, t.ID, t.Conversation, t.MessageID, t.Text, t.Zone, t.Hash, t.Status, t.LeaseOwner, t.LeaseUntil, t.Attempt, t.StartedAt)
	return t, nil
}

// question gives the id of the message that the turn answers: a new one, or the named one, behind which all goes.
func (w *write) question(ctx context.Context, t tandem.Turn, again string) (string, error) {
	if again != "" {
		return again, w.forgetAfter(ctx, t.Conversation, again)
	}
	m, err := w.addMessage(ctx, tandem.Message{Conversation: t.Conversation, TurnID: t.ID, Role: tandem.RoleUser, Text: t.Text})
	return m.ID, err
}

// busyFor is when a person whose turns are all running may ask again.
const busyFor = time.Second

func (w *write) mayRun(ctx context.Context, conv int64) error {
	running, here := 0, 0
	if _, err := w.one(ctx, into(&running, &here), `
		select count(*), count(*) filter (where conversation = $2) from turns where user_id = $1 and status = 'running'`, w.user, conv); err != nil {
		return err
	}
	switch {
	case here > 0:
		return tandem.Limited("busy", busyFor.Milliseconds(), "The assistant is still at work in this conversation.")
	case running >= tandem.MaxRunningTurns:
		return tandem.Limited("busy", busyFor.Milliseconds(), "The assistant is at work in %d conversations already.", running)
	}
	return nil
}

// SaveTurn stores Reply, Calls, N and Engine of a running turn and extends its lease. It reports whether the person asked to stop.
// conflict: the turn has ended, or its lease went to another owner.
func (db *DB) SaveTurn(ctx context.Context, t tandem.Turn) (cancel bool, err error) {
	calls, err := json.Marshal(some(t.Calls))
	if err != nil {
		return false, fmt.Errorf("encode tool calls: %w", err)
	}
	err = db.write(ctx, t.UserID, func(ctx context.Context, c *conn) error {
		c.later(nil, `set local synchronous_commit = off`) // it matters only together with the end of the turn, which waits for the disk
		found, err := c.one(ctx, into(&cancel), `
			update turns set reply = $5, calls = $6, n = $7, engine = $8, lease_until = $9
			where user_id = $1 and id = $2 and status = 'running' and lease_owner = $3 and attempt = $4 returning cancel`,
			t.UserID, t.ID, t.LeaseOwner, t.Attempt, t.Reply, string(calls), t.N, t.Engine, db.clock().Add(tandem.TurnLease))
		return lostIf(!found, err)
	})
	return cancel, err
}

func lostIf(lost bool, err error) error {
	if err == nil && lost {
		return tandem.Conflict("turn_id", "This turn has ended, or goes on elsewhere.")
	}
	return err
}

// EndTurn stores the assistant's message and the end of the turn in one write. respond, given the number of the write and the
// stored message, renders the answer that repeats get. It is fenced as SaveTurn is.
func (db *DB) EndTurn(
	ctx context.Context, t tandem.Turn, reply tandem.Message, respond func(tandem.Seq, tandem.Message) (json.RawMessage, error),
) (tandem.Turn, tandem.Message, error) {
	cause := tandem.Cause{Actor: tandem.ActorAgent, TurnID: t.ID, Conversation: t.Conversation}
	err := db.update(ctx, t.UserID, cause, func(ctx context.Context, w *write) (err error) {
		var one int
		held, err := w.one(ctx, into(&one), `
			select 1 from turns where user_id = $1 and id = $2 and status = 'running' and lease_owner = $3 and attempt = $4`,
			t.UserID, t.ID, t.LeaseOwner, t.Attempt)
		if err := lostIf(!held, err); err != nil {
			return err
		}
		reply.Conversation, reply.TurnID, reply.Role, reply.Status = t.Conversation, t.ID, tandem.RoleAssistant, string(t.Status)
		if reply, err = w.addMessage(ctx, reply); err != nil {
			return err
		}
		t.Seq, t.EndedAt = w.seq(), &w.now
		if respond != nil {
			if t.Response, err = respond(t.Seq, reply); err != nil {
				return fmt.Errorf("render response: %w", err)
			}
		}
		return w.endTurn(t)
	})
	return t, reply, err
}

func (w *write) endTurn(t tandem.Turn) error {
	calls, err := json.Marshal(some(t.Calls))
	if err != nil {
		return fmt.Errorf("encode tool calls: %w", err)
	}
	w.later(nil, `
		update turns set status = $3, reply = $4, calls = $5, n = $6, engine = $7, ended_at = $8, response = $9, seq = $10 where user_id = $1 and id = $2`,
		w.user, t.ID, t.Status, t.Reply, string(calls), t.N, t.Engine, t.EndedAt, text(t.Response), t.Seq)
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
	late, err := view(ctx, db, everyone, func(ctx context.Context, c *conn) ([]owned, error) {
		return list(ctx, c, scanOwned, `select user_id, id from late_turns($1, $2)`, now, limit)
	})
	if err != nil {
		return nil, err
	}
	var out []tandem.Turn
	for _, l := range late {
		var taken []tandem.Turn
		err := db.write(ctx, l.user, func(ctx context.Context, c *conn) (err error) {
			taken, err = list(ctx, c, scanTurn, `
				update turns set lease_owner = $3, lease_until = $4, attempt = attempt + 1
				where user_id = $1 and id = $2 and status = 'running' and lease_until < $5
				returning `+turnColumns, l.user, l.id, owner, now.Add(tandem.TurnLease).Truncate(time.Millisecond), now)
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
	started_at, ended_at, response, seq`

// turns reads turns; where is one of a few constant conditions.
func turns(ctx context.Context, c *conn, where string, args ...any) ([]tandem.Turn, error) {
	return list(ctx, c, scanTurn, `select `+turnColumns+` from turns where `+where, args...)
}

func scanTurn(r row) (t tandem.Turn, err error) {
	var calls, response []byte
	if err := r.Scan(&t.ID, &t.UserID, &t.Conversation, &t.MessageID, &t.Text, &t.Zone, &t.Hash, &t.Status, &t.Engine, &t.Reply, &calls,
		&t.N, &t.LeaseOwner, &t.LeaseUntil, &t.Attempt, &t.StartedAt, &t.EndedAt, &response, &t.Seq); err != nil {
		return t, err
	}
	t.Response = response
	err = json.Unmarshal(calls, &t.Calls)
	return t, err
}
