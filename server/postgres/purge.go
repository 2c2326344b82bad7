package postgres

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
// point, and run in several processes at once.
func (db *DB) Purge(ctx context.Context, now time.Time) (map[string]int64, error) {
	gone := map[string]int64{}
	for kind, rule := range expiries(now) {
		n, err := db.purgeKind(ctx, kind, rule)
		if gone[kind] += n; err != nil {
			return gone, fmt.Errorf("purge %s: %w", kind, err)
		}
	}
	for kind, e := range ownerless(now) {
		n, err := db.purgeRows(ctx, everyone, e)
		if gone[kind] += n; err != nil {
			return gone, fmt.Errorf("purge %s: %w", kind, err)
		}
	}
	n, err := db.purgeLog(ctx, now)
	if gone["changes"] += n; err != nil {
		return gone, fmt.Errorf("purge changes: %w", err)
	}
	maps.DeleteFunc(gone, func(_ string, n int64) bool { return n == 0 })
	return gone, nil
}

// expiry deletes up to a batch of rows that are older than a moment.
type expiry struct {
	before    time.Time
	statement string // of one user; empty: purge
	purge     func(ctx context.Context, w *write, before time.Time) (int64, error)
}

// expiries are the rules for people's rows.
func expiries(now time.Time) map[string]expiry {
	return map[string]expiry{
		"tasks":   {before: now.Add(-tandem.KeepTrash), purge: purgeTrash},
		"notices": {before: now.Add(-tandem.KeepNotices), purge: purgeNotices},
		"versions": {before: now.Add(-tandem.KeepVersions), statement: `
			delete from versions where user_id = $1 and (task, version) in (
				select task, version from versions where user_id = $1 and until <= $2 limit $3)`},
		"operations": {before: now.Add(-tandem.KeepResults), statement: `
			delete from operations where user_id = $1 and op_id in (select op_id from operations where user_id = $1 and at <= $2 limit $3)`},
		"mids": {before: now.Add(-tandem.KeepResults), statement: `
			delete from mids where user_id = $1 and (client, mid) in (select client, mid from mids where user_id = $1 and at <= $2 limit $3)`},
		"clients": {before: now.Add(-tandem.KeepClients), statement: `
			delete from clients where user_id = $1 and client in (select client from clients where user_id = $1 and at <= $2 limit $3)`},
		"turns": {before: now.Add(-tandem.KeepResults), statement: `
			delete from turns where user_id = $1 and id in (select id from turns where user_id = $1 and ended_at <= $2 limit $3)`},
		"approvals": {before: now.Add(-tandem.KeepResults), statement: `
			delete from approvals where user_id = $1 and id in (
				select id from approvals where user_id = $1 and not open and expires_at <= $2 limit $3)`},
		"inbox": {before: now.Add(-tandem.KeepInbox), statement: `
			delete from inbox where user_id = $1 and (consumer, event_id) in (
				select consumer, event_id from inbox where user_id = $1 and at <= $2 limit $3)`},
		"audit": {before: now.Add(-tandem.KeepAudit), statement: `
			delete from audit where user_id = $1 and id in (select id from audit where user_id = $1 and at <= $2 limit $3)`},
		"dead_letters": {before: now.Add(-tandem.KeepDeadLetters), statement: `
			delete from dead_letters where user_id = $1 and id in (select id from dead_letters where user_id = $1 and at <= $2 limit $3)`},
	}
}

// ownerless are the rules for what belongs to nobody.
func ownerless(now time.Time) map[string]expiry {
	return map[string]expiry{
		"keys": {before: now, statement: `
			delete from keys where $1::text = '' and key in (select key from keys where expires <= $2 limit $3)`},
		"failures": {before: now.Add(-tandem.KeepInbox), statement: `
			delete from failures where $1::text = '' and (consumer, event_id) in (
				select consumer, event_id from failures where at <= $2 limit $3)`},
	}
}

// ownersAtOnce bounds how many rows one look for owners meets.
const ownersAtOnce = 10_000

// purgeKind goes through the people who have rows of a kind that are too old, until there are none.
func (db *DB) purgeKind(ctx context.Context, kind string, e expiry) (total int64, err error) {
	for {
		users, err := view(ctx, db, everyone, func(ctx context.Context, c *conn) ([]tandem.UserID, error) {
			return list(ctx, c, single[tandem.UserID], `select user_id from owners_of($1, $2, $3)`, kind, e.before, ownersAtOnce)
		})
		if err != nil || len(users) == 0 {
			return total, err
		}
		before := total
		for _, user := range users {
			n, err := db.purgeRows(ctx, user, e)
			if total += n; err != nil {
				return total, err
			}
		}
		if total == before {
			return total, nil // another process was faster
		}
	}
}

// purgeRows removes one person's rows, a batch at a time.
func (db *DB) purgeRows(ctx context.Context, user tandem.UserID, e expiry) (total int64, err error) {
	for n := int64(purgeBatch); n >= purgeBatch; total += n {
		if e.purge != nil {
			err = db.update(ctx, user, tandem.Cause{Actor: tandem.ActorReminder}, func(ctx context.Context, w *write) (err error) {
				n, err = e.purge(ctx, w, e.before)
				return err
			})
		} else {
			err = db.write(ctx, user, func(ctx context.Context, c *conn) (err error) {
				n, err = c.exec(ctx, e.statement, user, e.before, purgeBatch)
				return err
			})
		}
		if err != nil {
			return total, err
		}
	}
	return total, nil
}

// purgeTrash removes tasks that were deleted long ago, with all that was theirs. Devices dropped them then.
func purgeTrash(ctx context.Context, w *write, before time.Time) (int64, error) {
	tasks, err := list(ctx, w.conn, decodeTask, selectTasks+`and t.status = 2 and t.ended_at <= $2 limit $3`, w.User, before, purgeBatch)
	if len(tasks) == 0 || err != nil {
		return 0, err
	}
	numbers := make([]int64, len(tasks))
	for i, t := range tasks {
		numbers[i] = t.Number
		w.indexTask(t.Number, &t, nil)
	}
	for _, statement := range []string{
		`delete from versions where user_id = $1 and task = any ($2::bigint[])`,
		deleteTags,
		`delete from reminders where user_id = $1 and task = any ($2::bigint[])`,
		`delete from tasks where user_id = $1 and number = any ($2::bigint[])`,
	} {
		w.later(nil, statement, w.User, numbers)
	}
	w.Account.Tasks[store.Deleted] -= int64(len(tasks))
	return int64(len(tasks)), nil
}

// purgeNotices dismisses what nobody dismissed, and forgets it.
func purgeNotices(ctx context.Context, w *write, before time.Time) (int64, error) {
	gone, err := list(ctx, w.conn, scanPurged, `
		delete from notices where user_id = $1 and id in (select id from notices where user_id = $1 and fired_at <= $2 limit $3)
		returning id, shown`, w.User, before, purgeBatch)
	for _, n := range gone {
		if n.shown {
			w.Gone(tandem.KindNotice, n.id)
		}
	}
	return int64(len(gone)), err
}

// purged is a notice that is no more.
type purged struct {
	id    string
	shown bool
}

func scanPurged(r row) (p purged, err error) {
	err = r.Scan(&p.id, &p.shown)
	return p, err
}

// purgeLog raises the floor of long logs.
func (db *DB) purgeLog(ctx context.Context, now time.Time) (total int64, err error) {
	users, err := view(ctx, db, everyone, func(ctx context.Context, c *conn) ([]tandem.UserID, error) {
		return list(ctx, c, single[tandem.UserID], `select user_id from long_logs($1)`, tandem.KeepLogNumbers)
	})
	if err != nil {
		return 0, err
	}
	for _, user := range users {
		n := int64(0)
		err := db.update(ctx, user, tandem.Cause{}, func(ctx context.Context, w *write) (err error) {
			n, err = w.raiseFloor(ctx, now)
			return err
		})
		if total += n; err != nil {
			return total, err
		}
	}
	return total, nil
}

func (w *write) raiseFloor(ctx context.Context, now time.Time) (int64, error) {
	floor := w.Account.Seq - tandem.KeepLogNumbers
	var fresh *tandem.Seq
	if _, err := w.one(ctx, into(&fresh), `
		select min(seq) from changes where user_id = $1 and seq <= $2 and at > $3`, w.User, floor, now.Add(-tandem.KeepLog)); err != nil {
		return 0, err
	}
	if fresh != nil {
		floor = *fresh - 1
	}
	w.later(nil, `update users set floor = greatest(floor, $2) where user_id = $1`, w.User, floor)
	return w.exec(ctx, `delete from changes where user_id = $1 and seq <= $2`, w.User, floor)
}
