package sqlite

import (
	"context"
	"time"

	"tandem"
)

// DueReminders gives scheduled reminders of all users with a time up to until, the earliest first.
func (db *DB) DueReminders(ctx context.Context, until time.Time, limit int) ([]tandem.DuePromise, error) {
	return db.promises(ctx, `
		select r.user_id, t.uid, r.reminder_id, r.generation, r.due_at, r.timed, r.trace_id
		from (select user_id, task, reminder_id, generation, due_at, timed, trace_id from reminders where due_at <= ? order by due_at limit ?) r
		join tasks t on t.id = r.task and t.user_id = r.user_id order by r.due_at`, until, limit)
}

// UntimedReminders gives those scheduled reminders with a time up to until, the earliest first, for which no timer is set.
func (db *DB) UntimedReminders(ctx context.Context, until time.Time, limit int) ([]tandem.DuePromise, error) {
	return db.promises(ctx, `
		select r.user_id, t.uid, r.reminder_id, r.generation, r.due_at, r.timed, r.trace_id
		from (select user_id, task, reminder_id, generation, due_at, timed, trace_id from reminders where timed = 0 and due_at <= ? order by due_at limit ?) r
		join tasks t on t.id = r.task and t.user_id = r.user_id order by r.due_at`, until, limit)
}

func (db *DB) promises(ctx context.Context, query string, until time.Time, limit int) ([]tandem.DuePromise, error) {
	return view(ctx, db, func(ctx context.Context, c *conn) ([]tandem.DuePromise, error) {
		return list(ctx, c, scanPromise, query, milli(until), limit)
	})
}

func scanPromise(r row) (p tandem.DuePromise, err error) {
	var at int64
	if err := r.Scan(&p.User, &p.TaskUID, &p.ReminderID, &p.Generation, &at, &p.Timed, &p.TraceID); err != nil {
		return p, err
	}
	p.At = instant(at)
	return p, nil
}

// TimersSet notes that the timers of just these generations are set.
func (db *DB) TimersSet(ctx context.Context, promises []tandem.DuePromise) error {
	return db.note(ctx, func(ctx context.Context, c *conn) error {
		for _, p := range promises {
			if _, err := c.exec(ctx, `update reminders set timed = 1 where user_id = ? and reminder_id = ? and generation = ?`,
				p.User, p.ReminderID, p.Generation); err != nil {
				return err
			}
		}
		return nil
	})
}

// ForgetTimers notes that no timer is set any more.
func (db *DB) ForgetTimers(ctx context.Context) error {
	return db.write(ctx, func(ctx context.Context, c *conn) error {
		_, err := c.exec(ctx, forgetTimers)
		return err
	})
}

const forgetTimers = `update reminders set timed = 0 where timed = 1`

// OverdueReminders counts scheduled reminders with a time up to before.
func (db *DB) OverdueReminders(ctx context.Context, before time.Time) (n int, err error) {
	err = db.read(ctx, func(ctx context.Context, c *conn) error {
		_, err := c.one(ctx, into(&n), `select count(*) from reminders where due_at <= ?`, milli(before))
		return err
	})
	return n, err
}
