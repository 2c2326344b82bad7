package postgres

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"tandem"
)

// AddApproval stores a question and shows it on every device. It expires after tandem.ApprovalTTL unless it says otherwise.
func (db *DB) AddApproval(ctx context.Context, user tandem.UserID, cause tandem.Cause, a tandem.Approval) error {
	return db.update(ctx, user, cause, func(_ context.Context, w *write) error {
		a.UserID = user
		if a.CreatedAt.IsZero() {
			a.CreatedAt = w.now
		}
		if a.ExpiresAt.IsZero() {
			a.ExpiresAt = a.CreatedAt.Add(tandem.ApprovalTTL)
		}
		return w.addApproval(a)
	})
}

func (w *write) addApproval(a tandem.Approval) error {
	items, err := json.Marshal(some(a.Items))
	if err != nil {
		return fmt.Errorf("encode items: %w", err)
	}
	w.later(uniqueAs("approval", "There is already an approval with this id."), `
		insert into approvals (user_id, id, kind, tool, summary, items, more, args, hash, conversation, turn_id, caller, run_state, created_at, expires_at)
		values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)`,
		w.user, a.ID, a.Kind, a.Tool, a.Summary, string(items), a.More, string(a.Args), a.Hash, a.Conversation, a.TurnID, a.Caller,
		string(a.RunState), a.CreatedAt, a.ExpiresAt)
	return w.put(tandem.KindApproval, a.ID, int64(w.seq()), a.Row())
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
func (db *DB) DecideApproval(ctx context.Context, user tandem.UserID, cause tandem.Cause, id string, yes bool, by string) (a tandem.Approval, err error) {
	err = db.update(ctx, user, cause, func(ctx context.Context, w *write) error {
		if a, err = approval(ctx, w.conn, user, id); err != nil {
			return err
		}
		switch {
		case a.Decision != "":
			return tandem.Conflict("approval", "This was answered already.")
		case !a.ExpiresAt.After(w.now):
			return tandem.Conflict("approval", "This question has expired.")
		}
		a.Decision, a.DecidedAt, a.DecidedBy = tandem.DecisionNo, &w.now, by
		if yes {
			a.Decision = tandem.DecisionYes
		}
		w.gone(tandem.KindApproval, id, int64(w.seq()))
		w.later(nil, `update approvals set decision = $3, decided_at = $4, decided_by = $5, open = false where user_id = $1 and id = $2`,
			user, id, a.Decision, w.now, by)
		return nil
	})
	return a, err
}

// useApproval spends a yes on the call that it was given for.
func (w *write) useApproval(ctx context.Context, id, tool, hash string) error {
	a, err := approval(ctx, w.conn, w.user, id)
	switch {
	case err != nil:
		return err
	case a.Tool != tool || a.Hash != hash:
		return tandem.Conflict("approval_id", "This approval was given for another call.")
	case a.Decision == "" && a.ExpiresAt.After(w.now):
		e := &tandem.Error{Code: tandem.CodeNeedsApproval, Message: "This still waits for a yes."}
		e.Details.Field, e.Details.Approval = "approval_id", &a
		return e
	case a.Decision == tandem.DecisionUsed:
		return tandem.Conflict("approval_id", "This approval was used already.")
	case a.Decision == tandem.DecisionNo:
		return tandem.Conflict("approval_id", "The person declined this.")
	case !a.ExpiresAt.After(w.now):
		return tandem.Conflict("approval_id", "This approval has expired.")
	}
	w.later(nil, `update approvals set decision = 'used' where user_id = $1 and id = $2`, w.user, id)
	return nil
}

// ExpireApprovals takes questions that nobody answered in time off every device, and gives their number.
func (db *DB) ExpireApprovals(ctx context.Context, now time.Time, limit int) (int, error) {
	due, err := view(ctx, db, everyone, func(ctx context.Context, c *conn) ([]owned, error) {
		return list(ctx, c, scanOwned, `select user_id, id from expired_approvals($1, $2)`, now, limit)
	})
	if err != nil {
		return 0, err
	}
	count := 0
	for _, o := range due {
		expired := false
		err := db.update(ctx, o.user, tandem.Cause{}, func(ctx context.Context, w *write) error {
			n, err := w.exec(ctx, `update approvals set open = false where user_id = $1 and id = $2 and open`, o.user, o.id)
			if expired = n > 0; expired {
				w.gone(tandem.KindApproval, o.id, int64(w.seq()))
			}
			return err
		})
		if err != nil {
			return count, err
		}
		if expired {
			count++
		}
	}
	return count, nil
}

// owned names a row of some user, for sweeps over all of them.
type owned struct {
	user tandem.UserID
	id   string
}

func scanOwned(r row) (o owned, err error) {
	err = r.Scan(&o.user, &o.id)
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
