package sqlite

import (
	"context"
	"database/sql"
	"encoding/json"
	"time"

	"tandem"
	"tandem/server/store"
)

// AddApproval stores a question and shows it on every device. It expires after tandem.ApprovalTTL unless it says otherwise.
func (db *DB) AddApproval(ctx context.Context, user tandem.UserID, cause tandem.Cause, a tandem.Approval) error {
	return store.AddApproval(ctx, user, cause, a, db.update)
}

// InsertApproval adds a question.
func (w *write) InsertApproval(ctx context.Context, a tandem.Approval, items string) error {
	_, err := w.exec(ctx, `
		insert into approvals (user_id, id, kind, tool, summary, items, more, args, hash, conversation, turn_id, caller, run_state, created_at, expires_at)
		values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
		w.User, a.ID, a.Kind, a.Tool, a.Summary, items, a.More, string(a.Args), a.Hash, a.Conversation, a.TurnID, a.Caller,
		string(a.RunState), milli(a.CreatedAt), milli(a.ExpiresAt))
	return uniqueAs(err, "approval", "There is already an approval with this id.")
}

// Approval gives a question, decided or not; not_found for an unknown one.
func (db *DB) Approval(ctx context.Context, user tandem.UserID, id string) (a tandem.Approval, err error) {
	err = db.read(ctx, func(ctx context.Context, c *conn) error {
		a, err = approval(ctx, c, user, id)
		return err
	})
	return a, err
}

func approval(ctx context.Context, c *conn, user tandem.UserID, id string) (tandem.Approval, error) {
	found, err := approvals(ctx, c, `user_id = ? and id = ?`, user, id)
	if err == nil && len(found) == 0 {
		err = tandem.NotFound("approval_id", id, "approval")
	}
	if err != nil {
		return tandem.Approval{}, err
	}
	return found[0], nil
}

// PendingApprovals gives the questions of a conversation (0: of all) that wait for an answer, newest first.
func (db *DB) PendingApprovals(ctx context.Context, user tandem.UserID, conv int64) ([]tandem.Approval, error) {
	return view(ctx, db, func(ctx context.Context, c *conn) ([]tandem.Approval, error) {
		return approvals(ctx, c, `user_id = ?1 and open = 1 and expires_at > ?2 and (?3 = 0 or conversation = ?3)
			order by created_at desc, id desc`, user, milli(db.clock()), conv)
	})
}

// GrantedApproval gives the newest yes to a call of this tool and hash that was not used yet and has not expired.
func (db *DB) GrantedApproval(ctx context.Context, user tandem.UserID, tool, hash string) (a tandem.Approval, found bool, err error) {
	err = db.read(ctx, func(ctx context.Context, c *conn) error {
		granted, err := approvals(ctx, c, `user_id = ? and tool = ? and hash = ? and decision = 'yes' and expires_at > ?
			order by created_at desc, id desc limit 1`, user, tool, hash, milli(db.clock()))
		if found = len(granted) > 0; found {
			a = granted[0]
		}
		return err
	})
	return a, found, err
}

// DecideApproval answers a question, once: it leaves every device. conflict when it is decided or has expired.
func (db *DB) DecideApproval(ctx context.Context, user tandem.UserID, cause tandem.Cause, id string, yes bool, by string) (tandem.Approval, error) {
	return store.DecideApproval(ctx, user, cause, id, yes, by, db.update)
}

// Approval gives a question; not_found for an unknown one.
func (w *write) Approval(ctx context.Context, id string) (tandem.Approval, error) {
	return approval(ctx, w.conn, w.User, id)
}

// CloseApproval keeps the answer to a question.
func (w *write) CloseApproval(ctx context.Context, a tandem.Approval) error {
	_, err := w.exec(ctx, `update approvals set decision = ?, decided_at = ?, decided_by = ?, open = 0 where user_id = ? and id = ?`,
		a.Decision, milliPtr(a.DecidedAt), a.DecidedBy, w.User, a.ID)
	return err
}

// SpendApproval marks a yes as used.
func (w *write) SpendApproval(ctx context.Context, id string) error {
	_, err := w.exec(ctx, `update approvals set decision = 'used' where user_id = ? and id = ?`, w.User, id)
	return err
}

// ExpireApprovals takes questions that nobody answered in time off every device, and gives their number.
func (db *DB) ExpireApprovals(ctx context.Context, now time.Time, limit int) (int, error) {
	due, err := view(ctx, db, func(ctx context.Context, c *conn) ([]store.Owned, error) {
		return list(ctx, c, scanOwned, `
			select user_id, id from approvals where open = 1 and expires_at <= ? order by expires_at limit ?`, milli(now), limit)
	})
	if err != nil {
		return 0, err
	}
	return store.ExpireApprovals(ctx, due, db.update)
}

// ExpireApproval closes a question without an answer.
func (w *write) ExpireApproval(ctx context.Context, id string) (bool, error) {
	n, err := w.exec(ctx, `update approvals set open = 0 where user_id = ? and id = ? and open = 1`, w.User, id)
	return n > 0, err
}

func scanOwned(r row) (o store.Owned, err error) {
	err = r.Scan(&o.User, &o.ID)
	return o, err
}

// approvals reads questions; where is one of a few constant conditions.
func approvals(ctx context.Context, c *conn, where string, args ...any) ([]tandem.Approval, error) {
	return list(ctx, c, scanApproval, `
		select id, user_id, kind, tool, summary, items, more, args, hash, conversation, turn_id, caller, run_state, created_at, expires_at,
			decided_at, decided_by, decision
		from approvals where `+where, args...)
}

func scanApproval(r row) (a tandem.Approval, err error) {
	var items, args, state []byte
	var made, expires int64
	var decided sql.NullInt64
	if err := r.Scan(&a.ID, &a.UserID, &a.Kind, &a.Tool, &a.Summary, &items, &a.More, &args, &a.Hash, &a.Conversation, &a.TurnID, &a.Caller,
		&state, &made, &expires, &decided, &a.DecidedBy, &a.Decision); err != nil {
		return a, err
	}
	a.CreatedAt, a.ExpiresAt, a.DecidedAt = instant(made), instant(expires), instantPtr(decided)
	if len(args) > 0 {
		a.Args = args
	}
	if len(state) > 0 {
		a.RunState = state
	}
	err = json.Unmarshal(items, &a.Items)
	return a, err
}
