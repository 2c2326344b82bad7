package postgres

import (
	"context"

	"tandem"
)

// DropDeadLetter takes a letter off the list; one that is not there is no error. Only tandem_worker can.
func (db *DB) DropDeadLetter(ctx context.Context, id int64) error {
	return db.write(ctx, everyone, func(_ context.Context, c *conn) error {
		c.later(nil, `delete from dead_letters where id = $1`, id)
		return nil
	})
}

// HasTask tells whether the user has this task, be it in the trash.
func (db *DB) HasTask(ctx context.Context, user tandem.UserID, uid string) (bool, error) {
	return view(ctx, db, user, func(ctx context.Context, c *conn) (bool, error) {
		n := 0
		return c.one(ctx, into(&n), `select 1 from tasks where user_id = $1 and uid = $2`, user, uid)
	})
}
