package postgres

import (
	"context"
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
func (w *write) InsertApproval(_ context.Context, a tandem.Approval, items string) error {
	w.later(uniqueAs("approval", "There is already an approval with this id."), `
		insert into approvals (user_id, id, kind, tool, summary, items, more, args, hash, conversation, turn_id, caller, run_state, created_at, expires_at)
		values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)`,
		w.User, a.ID, a.Kind, a.Tool, a.Summary, items, a.More, string(a.Args), a.Hash, a.Conversation, a.TurnID, a.Caller,
		string(a.RunState), a.CreatedAt, a.ExpiresAt)
	return nil
}

// Approval gives a question, decided or not; not_found for an unknown one.
func (db *DB) Approval(ctx context.Context, user tandem.UserID, id string) (a tandem.Approval, err error) {
	err = db.read(ctx, user, func(ctx context.Context, c *conn) error {
		a, err = approval(ctx, c, user, id)
		return err
	})
	return a, err
}

func approval(ctx context.Context, c *conn, user tandem.UserID, id string) (tandem.Approval, error) {
	found, err := approvals(ctx, c, `user_id = $1 and id = $2`, user, id)
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
	return view(ctx, db, user, func(ctx context.Context, c *conn) ([]tandem.Approval, error) {
		return approvals(ctx, c, `user_id = $1 and open and expires_at > $2 and ($3::bigint = 0 or conversation = $3)
			order by created_at desc, id desc`, user, db.clock(), conv)
	})
}

// GrantedApproval gives the newest yes to a call of this tool and hash that was not used yet and has not expired.
func (db *DB) GrantedApproval(ctx context.Context, user tandem.UserID, tool, hash string) (a tandem.Approval, found bool, err error) {
	err = db.read(ctx, user, func(ctx context.Context, c *conn) error {
		granted, err := approvals(ctx, c, `user_id = $1 and tool = $2 and hash = $3 and decision = 'yes' and expires_at > $4
			order by created_at desc, id desc limit 1`, user, tool, hash, db.clock())
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
func (w *write) CloseApproval(_ context.Context, a tandem.Approval) error {
	w.later(nil, `update approvals set decision = $3, decided_at = $4, decided_by = $5, open = false where user_id = $1 and id = $2`,
		w.User, a.ID, a.Decision, a.DecidedAt, a.DecidedBy)
	return nil
}

// SpendApproval marks a yes as used.
func (w *write) SpendApproval(_ context.Context, id string) error {
	w.later(nil, `update approvals set decision = 'used' where user_id = $1 and id = $2`, w.User, id)
	return nil
}

// ExpireApprovals takes questions that nobody answered in time off every device, and gives their number.
func (db *DB) ExpireApprovals(ctx context.Context, now time.Time, limit int) (int, error) {
	due, err := view(ctx, db, everyone, func(ctx context.Context, c *conn) ([]store.Owned, error) {
		return list(ctx, c, scanOwned, `select user_id, id from expired_approvals($1, $2)`, now, limit)
	})
	if err != nil {
		return 0, err
	}
	return store.ExpireApprovals(ctx, due, db.update)
}

// ExpireApproval closes a question without an answer.
func (w *write) ExpireApproval(ctx context.Context, id string) (bool, error) {
	n, err := w.exec(ctx, `update approvals set open = false where user_id = $1 and id = $2 and open`, w.User, id)
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
	if err := r.Scan(&a.ID, &a.UserID, &a.Kind, &a.Tool, &a.Summary, &items, &a.More, &args, &a.Hash, &a.Conversation, &a.TurnID, &a.Caller,
		&state, &a.CreatedAt, &a.ExpiresAt, &a.DecidedAt, &a.DecidedBy, &a.Decision); err != nil {
		return a, err
	}
	if len(args) > 0 {
		a.Args = args
	}
	if len(state) > 0 {
		a.RunState = state
	}
	err = json.Unmarshal(items, &a.Items)
	return a, err
}
