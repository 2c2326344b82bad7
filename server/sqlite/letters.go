package sqlite

import (
	"context"

	"tandem"
)

// DropDeadLetter takes a letter off the list; one that is not there is no error.
func (db *DB) DropDeadLetter(ctx context.Context, id int64) error {
	return db.write(ctx, func(ctx context.Context, c *conn) error {
		_, err := c.exec(ctx, `delete from dead_letters where id = ?`, id)
		return err
	})
}

// HasTask tells whether the user has this task, be it in the trash.
func (db *DB) HasTask(ctx context.Context, user tandem.UserID, uid string) (bool, error) {
	return view(ctx, db, func(ctx context.Context, c *conn) (bool, error) {
		n := 0
		return c.one(ctx, into(&n), `select 1 from tasks where user_id = ? and uid = ?`, user, uid)
	})
}
