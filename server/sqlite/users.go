package sqlite

import (
	"context"
	"errors"
	"fmt"

	"tandem"
)

// Users lists everyone who has data here, in the order of their names.
func (db *DB) Users(ctx context.Context) ([]tandem.UserID, error) {
	return db.owners(ctx, `select user_id from users order by user_id`)
}

// DeleteUser erases a user: every row, word, event and audit text, from the file and from the copies made before migrations. An
// unknown user is erased already. Tokens that were issued before are for the caller to refuse.
func (db *DB) DeleteUser(ctx context.Context, user tandem.UserID) error {
	err := db.write(ctx, func(ctx context.Context, c *conn) error {
		if err := c.eraseWords(ctx, user); err != nil {
			return err
		}
		for _, statement := range erasure {
			if _, err := c.exec(ctx, statement, user); err != nil {
				return err
			}
		}
		return nil
	})
	if err == nil {
		err = db.scrub(ctx)
	}
	db.found.forget() // no search goes on that began before the erasure
	if err == nil {
		err = db.dropCopies()
	}
	if err != nil {
		return fmt.Errorf("erase user: %w", err)
	}
	return nil
}

// erasure removes a user's rows, children first.
var erasure = []string{
	`delete from facets where user_id = ?`,
	`delete from task_tags where user_id = ?`,
	`delete from versions where user_id = ?`,
	`delete from reminders where user_id = ?`,
	`delete from tasks where user_id = ?`,
	`delete from changes where user_id = ?`,
	`delete from outbox where user_id = ?`,
	`delete from operations where user_id = ?`,
	`delete from mids where user_id = ?`,
	`delete from clients where user_id = ?`,
	`delete from inbox where user_id = ?`,
	`delete from messages where user_id = ?`,
	`delete from turns where user_id = ?`,
	`delete from approvals where user_id = ?`,
	`delete from conversations where user_id = ?`,
	`delete from deliveries where user_id = ?`,
	`delete from notices where user_id = ?`,
	`delete from tokens where user_id = ?`,
	`delete from devices where user_id = ?`,
	`delete from feeds where user_id = ?`,
	`delete from pushes where user_id = ?`,
	`delete from audit where user_id = ?`,
	`delete from dead_letters where user_id = ?`,
	`delete from spending where user_id = ?`,
	`delete from users where user_id = ?`,
}

// eraseWords takes a user's tasks out of the index and rewrites it, so that no posting list still holds them.
func (c *conn) eraseWords(ctx context.Context, user tandem.UserID) error {
	a, found, err := readAccount(ctx, c, user)
	if !found || err != nil {
		return err
	}
	if _, err := c.exec(ctx, `delete from words where rowid between ? and ?`, taskID(a.ordinal, 0)<<1, taskID(a.ordinal+1, 0)<<1-1); err != nil {
		return err
	}
	_, err = c.exec(ctx, `insert into words (words) values ('optimize')`)
	return err
}

// scrub empties the write-ahead log, which still holds pages as they were. It waits for readers to be done.
func (db *DB) scrub(ctx context.Context) error {
	c, err := db.take(ctx, db.writer)
	if err != nil {
		return err
	}
	defer func() { db.writer <- c }()
	var busy bool
	var pages, copied int
	if _, err := c.one(ctx, into(&busy, &pages, &copied), `pragma wal_checkpoint(truncate)`); err != nil {
		return err
	}
	if busy {
		return errors.New("the write-ahead log is still being read")
	}
	return nil
}
