package store

import (
	"context"
	"encoding/json"
	"fmt"

	"tandem"
)

// Approvals writes the questions that wait for a person.
type Approvals interface {
	Base() *Write
	// Approval gives a question; not_found for an unknown one.
	Approval(ctx context.Context, id string) (tandem.Approval, error)
	// InsertApproval adds a question; conflict where its id is taken.
	InsertApproval(ctx context.Context, a tandem.Approval, items string) error
	// CloseApproval keeps the answer to a question.
	CloseApproval(ctx context.Context, a tandem.Approval) error
	// ExpireApproval closes a question without an answer; false when it was closed already.
	ExpireApproval(ctx context.Context, id string) (bool, error)
}

// Owned names a row of some user, for sweeps over all of them.
type Owned struct {
	User tandem.UserID
	ID   string
}

// AddApproval stores a question and shows it on every device. It expires after tandem.ApprovalTTL unless it says otherwise.
func AddApproval[W Approvals](ctx context.Context, user tandem.UserID, cause tandem.Cause, a tandem.Approval, update Update[W]) error {
	return update(ctx, user, cause, func(ctx context.Context, w W) error {
		b, q := w.Base(), a
		q.UserID = user
		if q.CreatedAt.IsZero() {
			q.CreatedAt = b.Now
		}
		if q.ExpiresAt.IsZero() {
			q.ExpiresAt = q.CreatedAt.Add(tandem.ApprovalTTL)
		}
		items, err := json.Marshal(Some(q.Items))
		if err != nil {
			return fmt.Errorf("encode items: %w", err)
		}
		if err := w.InsertApproval(ctx, q, string(items)); err != nil {
			return err
		}
		return b.Put(tandem.KindApproval, q.ID, int64(b.Seq()), q.Row())
	})
}

// DecideApproval answers a question, once: it leaves every device. conflict when it is decided or has expired.
func DecideApproval[W Approvals](
	ctx context.Context, user tandem.UserID, cause tandem.Cause, id string, yes bool, by string, update Update[W],
) (a tandem.Approval, err error) {
	err = update(ctx, user, cause, func(ctx context.Context, w W) error {
		if a, err = w.Approval(ctx, id); err != nil {
			return err
		}
		b := w.Base()
		if a, err = a.Decide(yes, by, b.Now); err != nil {
			return err
		}
		b.Gone(tandem.KindApproval, id)
		return w.CloseApproval(ctx, a)
	})
	return a, err
}

// ExpireApprovals takes questions that nobody answered in time off every device, and gives their number.
func ExpireApprovals[W Approvals](ctx context.Context, due []Owned, update Update[W]) (count int, err error) {
	for _, o := range due {
		expired := false
		err := update(ctx, o.User, tandem.Cause{}, func(ctx context.Context, w W) (err error) {
			if expired, err = w.ExpireApproval(ctx, o.ID); expired {
				w.Base().Gone(tandem.KindApproval, o.ID)
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
