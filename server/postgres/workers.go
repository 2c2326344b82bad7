package postgres

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"tandem"
	"tandem/server/store"
)

// Partitions tells how many lists the outbox has; all entries of a user are on one of them.
func (db *DB) Partitions() int { return lists }

// relayLock is the class of the advisory locks of those who forward a list.
const relayLock = 0x7265_6c79 // "rely"

// Forward hands the oldest entries of a list, at most limit in the order of writing, to publish, and takes off those that it
// reports as done, even beside an error. While another process forwards that list it does nothing. n is how many entries publish
// was given. publish runs within a transaction, so it must end within ten seconds. Only tandem_worker sees the entries.
//
// That they are taken off is not waited for on the disk: after a crash some are published again.
func (db *DB) Forward(
	ctx context.Context, partition, limit int, publish func(context.Context, []tandem.Outgoing) (done []int64, err error),
) (n int, err error) {
	var failed error
	err = db.asUser(ctx, everyone, beginWrite, func(ctx context.Context, c *conn) error {
		c.later(nil, `select set_config('synchronous_commit', 'off', true)`)
		free := false
		if _, err := c.one(ctx, into(&free), `select pg_try_advisory_xact_lock($1::integer, $2::integer)`, relayLock, partition); err != nil {
			return err
		}
		if !free {
			return store.ErrUndo
		}
		entries, err := list(ctx, c, scanOutgoing, `
			select id, seq, topic, user_id, event from outbox where partition = $1 order by id limit $2`, partition, limit)
		if err != nil {
			return err
		}
		if n = len(entries); n == 0 {
			return store.ErrUndo
		}
		done, err := publish(ctx, entries)
		if failed = err; len(done) == 0 {
			return store.ErrUndo
		}
		c.later(nil, `delete from outbox where partition = $1 and id = any ($2::bigint[])`, partition, done)
		return nil
	})
	return n, errors.Join(failed, verdict(err))
}

func scanOutgoing(r row) (o tandem.Outgoing, err error) {
	var event []byte
	err = r.Scan(&o.ID, &o.Seq, &o.Topic, &o.User, &event)
	o.Event = event
	return o, err
}

// Backlog tells what waits on all lists.
func (db *DB) Backlog(ctx context.Context) (b tandem.Backlog, err error) {
	var oldest *time.Time
	err = db.read(ctx, everyone, func(ctx context.Context, c *conn) error {
		_, err := c.one(ctx, into(&b.Pending, &oldest), `
			select (select count(*) from (select from outbox limit $1) as o),
				(select min(first.at) from generate_series(0, 7) as p
					cross join lateral (select at from outbox where partition = p order by id limit 1) as first)`, tandem.MaxBacklog)
		return err
	})
	if oldest != nil {
		b.Oldest = *oldest
	}
	return b, err
}

// DueReminders gives scheduled reminders of all users with a time up to until, the earliest first.
func (db *DB) DueReminders(ctx context.Context, until time.Time, limit int) ([]tandem.DuePromise, error) {
	return db.promises(ctx, `select user_id, task_uid, reminder_id, generation, due_at, timed, trace_id from due_reminders($1, $2)`, until, limit)
}

// UntimedReminders gives those scheduled reminders with a time up to until, the earliest first, for which no timer is set.
func (db *DB) UntimedReminders(ctx context.Context, until time.Time, limit int) ([]tandem.DuePromise, error) {
	return db.promises(ctx, `select user_id, task_uid, reminder_id, generation, due_at, timed, trace_id from untimed_reminders($1, $2)`, until, limit)
}

func (db *DB) promises(ctx context.Context, query string, args ...any) ([]tandem.DuePromise, error) {
	return view(ctx, db, everyone, func(ctx context.Context, c *conn) ([]tandem.DuePromise, error) {
		return list(ctx, c, scanPromise, query, args...)
	})
}

func scanPromise(r row) (p tandem.DuePromise, err error) {
	err = r.Scan(&p.User, &p.TaskUID, &p.ReminderID, &p.Generation, &p.At, &p.Timed, &p.TraceID)
	return p, err
}

// TimersSet notes that the timers of just these generations are set.
func (db *DB) TimersSet(ctx context.Context, promises []tandem.DuePromise) error {
	if len(promises) == 0 {
		return nil
	}
	users, ids, generations := make([]string, len(promises)), make([]string, len(promises)), make([]int64, len(promises))
	for i, p := range promises {
		users[i], ids[i], generations[i] = string(p.User), p.ReminderID, p.Generation
	}
	return db.write(ctx, everyone, func(_ context.Context, c *conn) error {
		c.later(nil, `select timers_set($1::text[], $2::text[], $3::bigint[])`, users, ids, generations)
		return nil
	})
}

// forgetBatch bounds how many timers one transaction forgets, so that people's writes get in between.
const forgetBatch = 5000

// ForgetTimers notes that no timer is set any more.
func (db *DB) ForgetTimers(ctx context.Context) error {
	for n := int64(forgetBatch); n == forgetBatch; {
		err := db.write(ctx, everyone, func(ctx context.Context, c *conn) error {
			_, err := c.one(ctx, into(&n), `select timers_forget($1)`, forgetBatch)
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// OverdueReminders counts scheduled reminders with a time up to before.
func (db *DB) OverdueReminders(ctx context.Context, before time.Time) (n int, err error) {
	err = db.read(ctx, everyone, func(ctx context.Context, c *conn) error {
		_, err := c.one(ctx, into(&n), `select overdue_reminders($1)`, before)
		return err
	})
	return n, err
}

// CountFailure counts one more failure of a consumer with an event, and gives how many there were.
func (db *DB) CountFailure(ctx context.Context, consumer, eventID string) (failures int, err error) {
	err = db.write(ctx, everyone, func(ctx context.Context, c *conn) error {
		_, err := c.one(ctx, into(&failures), `
			insert into failures as f (consumer, event_id, count, at) values ($1, $2, 1, $3)
			on conflict (consumer, event_id) do update set count = f.count + 1, at = excluded.at returning count`,
			consumer, eventID, db.clock())
		return err
	})
	return failures, err
}

// AddNotice shows that a reminder fired, once per generation and event, and only while its task is open. False: it was there, or
// nobody wants it any more. A task that the user does not have is not found.
func (db *DB) AddNotice(ctx context.Context, in tandem.Inbox, n tandem.Notice) (bool, error) {
	return store.AddNotice(ctx, in, n, db.update)
}

// InsertNotice adds a notice, once a generation.
func (w *write) InsertNotice(ctx context.Context, n tandem.Notice, due any) (bool, error) {
	rows, err := w.exec(ctx, `
		insert into notices (user_id, id, reminder_id, generation, task, number, title, due, fired_at, silent)
		values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) on conflict do nothing`,
		w.User, n.ID, n.ReminderID, n.Generation, n.TaskUID, n.Number, n.Title, due, n.FiredAt, n.Silent)
	return rows > 0, err
}

func scanNotice(r row) (n tandem.Notice, err error) {
	var due *string
	if err := r.Scan(&n.ID, &n.UserID, &n.ReminderID, &n.Generation, &n.TaskUID, &n.Number, &n.Title, &due, &n.FiredAt, &n.Silent); err != nil {
		return n, err
	}
	if due != nil {
		err = json.Unmarshal([]byte(*due), &n.Due)
	}
	return n, err
}

// Dismiss takes notices off every device; unknown and dismissed ones are left alone.
func (w *write) Dismiss(ctx context.Context, ids []string) error {
	if len(ids) == 0 {
		return nil
	}
	return w.dismissed(ctx, `update notices set shown = false where user_id = $1 and id = any ($2::text[]) and shown returning id`, ids)
}

// DismissOf dismisses the notices of tasks.
func (w *write) DismissOf(ctx context.Context, uids []string) error {
	if len(uids) == 0 {
		return nil
	}
	return w.dismissed(ctx, `update notices set shown = false where user_id = $1 and task = any ($2::text[]) and shown returning id`, uids)
}

func (w *write) dismissed(ctx context.Context, query string, arg []string) error {
	ids, err := list(ctx, w.conn, single[string], query, w.User, arg)
	w.Gone(tandem.KindNotice, ids...)
	return err
}

// AppendAudit adds an event to the trail unless one with its id is there, or its user has been erased since.
func (db *DB) AppendAudit(ctx context.Context, topic tandem.Topic, e tandem.Event) (added bool, err error) {
	doc, err := json.Marshal(e)
	if err != nil {
		return false, fmt.Errorf("encode event: %w", err)
	}
	err = db.write(ctx, e.UserID, func(ctx context.Context, c *conn) error {
		n, err := c.exec(ctx, `
			insert into audit (user_id, event_id, topic, at, event)
			select user_id, $2, $3, $4, $5 from users where user_id = $1 on conflict (user_id, event_id) do nothing`,
			e.UserID, e.EventID, topic, time.Time(e.Timestamp), string(doc))
		added = n > 0
		return err
	})
	return added && err == nil, err
}

// Audit gives entries of the trail in the order in which they were added. Without a user in the filter only tandem_worker sees any.
func (db *DB) Audit(ctx context.Context, f tandem.AuditFilter) ([]tandem.AuditEntry, error) {
	query, args := `
		select id, topic, user_id, at, event from audit
		where id > $1 and ($2::timestamptz is null or at >= $2) and ($3::timestamptz is null or at <= $3) and ($4::text = '' or topic = $4)`,
		[]any{f.After, orNever(f.From), orNever(f.To), string(f.Topic)}
	if f.User != "" {
		query, args = query+` and user_id = $6`, append(args, f.Limit, f.User)
	} else {
		args = append(args, f.Limit)
	}
	return view(ctx, db, f.User, func(ctx context.Context, c *conn) ([]tandem.AuditEntry, error) {
		return list(ctx, c, scanAudit, query+` order by id limit $5`, args...)
	})
}

// orNever gives null for no instant.
func orNever(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

func scanAudit(r row) (a tandem.AuditEntry, err error) {
	var event []byte
	err = r.Scan(&a.ID, &a.Topic, &a.User, &a.At, &event)
	a.Event = event
	return a, err
}

// AddDeadLetter sets aside an event that a consumer cannot take. Not added are one that rests there already, because the
// letter came twice, and one of somebody who has been erased since.
func (db *DB) AddDeadLetter(ctx context.Context, topic tandem.Topic, consumer string, event json.RawMessage, reason string) error {
	var owner struct {
		User tandem.UserID `json:"user_id"`
	}
	_ = json.Unmarshal(event, &owner) // poison may be anything; then it belongs to nobody
	if !owner.User.Valid() {
		owner.User = everyone
	}
	return db.write(ctx, owner.User, func(_ context.Context, c *conn) error {
		c.later(nil, `
			insert into dead_letters (user_id, topic, consumer, reason, at, event)
			select $1::text, $2::text, $3::text, $4::text, $5::timestamptz, $6::bytea
			where ($1 = '' or exists (select from users where user_id = $1)) and not exists (
				select from dead_letters where user_id = $1 and topic = $2 and consumer = $3 and event = $6)`,
			owner.User, topic, consumer, reason, db.clock(), []byte(event))
		return nil
	})
}

// DeadLetters gives what was set aside behind the entry after, in the order in which it was. Only tandem_worker sees any.
func (db *DB) DeadLetters(ctx context.Context, after int64, limit int) ([]tandem.DeadLetter, error) {
	return view(ctx, db, everyone, func(ctx context.Context, c *conn) ([]tandem.DeadLetter, error) {
		return list(ctx, c, scanLetter, `
			select id, topic, consumer, reason, at, event from dead_letters where id > $1 order by id limit $2`, after, limit)
	})
}

func scanLetter(r row) (l tandem.DeadLetter, err error) {
	err = r.Scan(&l.ID, &l.Topic, &l.Consumer, &l.Reason, &l.At, &l.Event)
	return l, err
}

// Claim takes an idempotency key for owner until the lease ends. held: another owner's claim is alive.
func (db *DB) Claim(ctx context.Context, key, owner string, lease time.Duration) (state tandem.KeyState, err error) {
	now := db.clock()
	err = db.write(ctx, everyone, func(ctx context.Context, c *conn) error {
		n, err := c.exec(ctx, `
			insert into keys as k (key, owner, done, expires) values ($1, $2, false, $3)
			on conflict (key) do update set owner = excluded.owner, done = false, expires = excluded.expires
			where k.expires <= $4 or not k.done and k.owner = $2`, key, owner, now.Add(lease), now)
		if state = tandem.KeyClaimed; n > 0 || err != nil {
			return err
		}
		done := false
		_, err = c.one(ctx, into(&done), `select done from keys where key = $1`, key)
		if state = tandem.KeyHeld; done {
			state = tandem.KeyDone
		}
		return err
	})
	return state, err
}

// Done remembers for ttl that the work of a key was done.
func (db *DB) Done(ctx context.Context, key, owner string, ttl time.Duration) error {
	return db.write(ctx, everyone, func(_ context.Context, c *conn) error {
		c.later(nil, `
			insert into keys (key, owner, done, expires) values ($1, $2, true, $3)
			on conflict (key) do update set owner = excluded.owner, done = true, expires = excluded.expires`,
			key, owner, db.clock().Add(ttl))
		return nil
	})
}
