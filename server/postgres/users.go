package postgres

import (
	"context"
	"fmt"

	"tandem"
)

// usersPage is how many names are read at a time.
const usersPage = 1000

// Users lists everyone who has data here, in the order of their names.
func (db *DB) Users(ctx context.Context) ([]tandem.UserID, error) {
	all := []tandem.UserID{}
	for after := tandem.UserID(""); ; after = all[len(all)-1] {
		page, err := view(ctx, db, everyone, func(ctx context.Context, c *conn) ([]tandem.UserID, error) {
			return list(ctx, c, single[tandem.UserID], `select user_id from users_after($1, $2)`, after, usersPage)
		})
		if err != nil {
			return nil, err
		}
		if all = append(all, page...); len(page) < usersPage {
			return all, nil
		}
	}
}

// DeleteUser erases a user: every row, word, event and audit text. An unknown user is erased already. What is on the disk is
// overwritten when the database clears dead rows. Tokens that were issued before are for the caller to refuse.
func (db *DB) DeleteUser(ctx context.Context, user tandem.UserID) error {
	err := db.write(ctx, user, func(ctx context.Context, c *conn) error {
		c.later(nil, `select from users where user_id = $1 for update`, user) // nobody writes meanwhile
		for _, statement := range erasure {
			c.later(nil, statement, user)
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("erase user: %w", err)
	}
	return nil
}

// erasure removes a user's rows, children first.
var erasure = []string{
	`delete from facets where user_id = $1`,
	`delete from words where user_id = $1`,
	`delete from task_tags where user_id = $1`,
	`delete from versions where user_id = $1`,
	`delete from reminders where user_id = $1`,
	`delete from tasks where user_id = $1`,
	`delete from changes where user_id = $1`,
	`delete from outbox where user_id = $1`,
	`delete from operations where user_id = $1`,
	`delete from mids where user_id = $1`,
	`delete from clients where user_id = $1`,
	`delete from inbox where user_id = $1`,
	`delete from messages where user_id = $1`,
	`delete from turns where user_id = $1`,
	`delete from approvals where user_id = $1`,
	`delete from conversations where user_id = $1`,
	`delete from notices where user_id = $1`,
	`delete from tokens where user_id = $1`,
	`delete from devices where user_id = $1`,
	`delete from feeds where user_id = $1`,
	`delete from pushes where user_id = $1`,
	`delete from audit where user_id = $1`,
	`delete from dead_letters where user_id = $1`,
	`delete from spending where user_id = $1`,
	`delete from users where user_id = $1`,
}
