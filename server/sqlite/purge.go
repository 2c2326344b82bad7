package sqlite

import (
	"context"
	"fmt"
	"maps"
	"time"

	"tandem"
	"tandem/server/store"
)

// purgeBatch bounds what one transaction of a purge deletes, so that people's writes get in between.
const purgeBatch = 500

// Purge removes what has outlived its time and tells how many rows of each kind went. It may be stopped and repeated at any
// point.
func (db *DB) Purge(ctx context.Context, now time.Time) (map[string]int64, error) {
	gone := map[string]int64{}
	for kind, rule := range expiries(now) {
		n, err := db.purgeRows(ctx, rule)
		if gone[kind] += n; err != nil {
			return gone, fmt.Errorf("purge %s: %w", kind, err)
		}
	}
	for kind, purge := range map[string]func(context.Context, time.Time) (int64, error){
		"tasks": db.purgeTrash, "notices": db.purgeNotices, "changes": db.purgeLog,
	} {
		n, err := purge(ctx, now)
		if gone[kind] += n; err != nil {
			return gone, fmt.Errorf("purge %s: %w", kind, err)
		}
	}
	maps.DeleteFunc(gone, func(_ string, n int64) bool { return n == 0 })
	return gone, nil
}

// expiry deletes up to a batch of rows that are older than a moment.
type expiry struct {
	statement string
	before    time.Time
}

func expiries(now time.Time) map[string]expiry {
	return map[string]expiry{
		"versions": {`delete from versions where id in (select id from versions where until <= ? limit ?)`, now.Add(-tandem.KeepVersions)},
		"operations": {`delete from operations where (user_id, op_id) in
			(select user_id, op_id from operations where at <= ? limit ?)`, now.Add(-tandem.KeepResults)},
		"mids": {`delete from mids where (user_id, client, mid) in
			(select user_id, client, mid from mids where at <= ? limit ?)`, now.Add(-tandem.KeepResults)},
		"clients": {`delete from clients where (user_id, client) in
			(select user_id, client from clients where at <= ? limit ?)`, now.Add(-tandem.KeepClients)},
		"turns": {`delete from turns where (user_id, id) in
			(select user_id, id from turns where ended_at <= ? limit ?)`, now.Add(-tandem.KeepResults)},
		"approvals": {`delete from approvals where (user_id, id) in
			(select user_id, id from approvals where expires_at <= ? and open = 0 limit ?)`, now.Add(-tandem.KeepResults)},
		"inbox": {`delete from inbox where (user_id, consumer, event_id) in
			(select user_id, consumer, event_id from inbox where at <= ? limit ?)`, now.Add(-tandem.KeepInbox)},
		"failures": {`delete from failures where (consumer, event_id) in
			(select consumer, event_id from failures where at <= ? limit ?)`, now.Add(-tandem.KeepInbox)},
		"keys":         {`delete from keys where key in (select key from keys where expires <= ? limit ?)`, now},
		"audit":        {`delete from audit where id in (select id from audit where at <= ? limit ?)`, now.Add(-tandem.KeepAudit)},
		"dead_letters": {`delete from dead_letters where id in (select id from dead_letters where at <= ? limit ?)`, now.Add(-tandem.KeepDeadLetters)},
	}
}

func (db *DB) purgeRows(ctx context.Context, e expiry) (total int64, err error) {
	for n := int64(purgeBatch); n == purgeBatch; total += n {
		err = db.write(ctx, func(ctx context.Context, c *conn) error {
			n, err = c.exec(ctx, e.statement, milli(e.before), purgeBatch)
			return err
		})
		if err != nil {
			return total, err
		}
	}
	return total, nil
}

// purgeTrash removes tasks that were deleted long ago, with all that was theirs. Devices dropped them then.
func (db *DB) purgeTrash(ctx context.Context, now time.Time) (total int64, err error) {
	cutoff := milli(now.Add(-tandem.KeepTrash))
	users, err := db.owners(ctx, `select distinct user_id from tasks indexed by tasks_trashed where status = 2 and ended_at <= ?`, cutoff)
	if err != nil {
		return 0, err
	}
	for _, user := range users {
		for n := purgeBatch; n == purgeBatch; total += int64(n) {
			err := db.update(ctx, user, tandem.Cause{}, func(ctx context.Context, w *write) error {
				ids, err := list(ctx, w.conn, single[int64], `
					select id from tasks where user_id = ? and status = 2 and ended_at <= ? limit ?`, user, cutoff, purgeBatch)
				if err != nil {
					return err
				}
				n = len(ids)
				return w.purgeTasks(ctx, ids)
			})
			if err != nil {
				return total, err
			}
		}
	}
	return total, nil
}

func (w *write) purgeTasks(ctx context.Context, ids []int64) error {
	for _, id := range ids {
		if _, err := w.exec(ctx, `delete from words where rowid between ? and ?`, id<<1, id<<1|1); err != nil {
			return err
		}
		for _, statement := range []string{
			`delete from versions where user_id = ? and task = ?`,
			`delete from task_tags where user_id = ? and id = ?`,
			`delete from reminders where user_id = ? and task = ?`,
			`delete from tasks where user_id = ? and id = ?`,
		} {
			if _, err := w.exec(ctx, statement, w.User, id); err != nil {
				return err
			}
		}
		w.Account.Tasks[store.Deleted]--
		if err := w.setFacet(ctx, id, 0); err != nil {
			return err
		}
	}
	return nil
}

// purgeNotices dismisses what nobody dismissed, and forgets it.
func (db *DB) purgeNotices(ctx context.Context, now time.Time) (total int64, err error) {
	cutoff := milli(now.Add(-tandem.KeepNotices))
	users, err := db.owners(ctx, `select distinct user_id from notices indexed by notices_by_age where fired_at <= ?`, cutoff)
	if err != nil {
		return 0, err
	}
	for _, user := range users {
		err := db.update(ctx, user, tandem.Cause{Actor: tandem.ActorReminder}, func(ctx context.Context, w *write) error {
			ids, err := list(ctx, w.conn, single[string], `
				select id from notices where user_id = ? and shown = 1 and fired_at <= ? order by fired_at, id`, user, cutoff)
			if err != nil {
				return err
			}
			if err := w.Dismiss(ctx, ids); err != nil {
				return err
			}
			n, err := w.exec(ctx, `delete from notices where user_id = ? and shown = 0 and fired_at <= ?`, user, cutoff)
			total += n
			return err
		})
		if err != nil {
			return total, err
		}
	}
	return total, nil
}

// purgeLog raises the floor of long logs.
func (db *DB) purgeLog(ctx context.Context, now time.Time) (total int64, err error) {
	users, err := db.owners(ctx, `select user_id from users where seq - floor > ?`, tandem.KeepLogNumbers)
	if err != nil {
		return 0, err
	}
	for _, user := range users {
		err := db.update(ctx, user, tandem.Cause{}, func(ctx context.Context, w *write) error {
			floor := w.Account.Seq - tandem.KeepLogNumbers
			var fresh *tandem.Seq
			if _, err := w.one(ctx, into(&fresh), `
				select min(seq) from changes where user_id = ? and seq <= ? and at > ?`, user, floor, milli(now.Add(-tandem.KeepLog))); err != nil {
				return err
			}
			if fresh != nil {
				floor = *fresh - 1
			}
			n, err := w.exec(ctx, `delete from changes where user_id = ? and seq <= ?`, user, floor)
			if err != nil {
				return err
			}
			total += n
			_, err = w.exec(ctx, `update users set floor = max(floor, ?) where user_id = ?`, floor, user)
			return err
		})
		if err != nil {
			return total, err
		}
	}
	return total, nil
}

func (db *DB) owners(ctx context.Context, query string, args ...any) ([]tandem.UserID, error) {
	return view(ctx, db, func(ctx context.Context, c *conn) ([]tandem.UserID, error) {
		return list(ctx, c, single[tandem.UserID], query, args...)
	})
}
