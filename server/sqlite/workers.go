package sqlite

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"tandem"
	"tandem/server/store"
)

// CountFailure counts one more failure of a consumer with an event, and gives how many there were.
func (db *DB) CountFailure(ctx context.Context, consumer, eventID string) (failures int, err error) {
	err = db.note(ctx, func(ctx context.Context, c *conn) error {
		_, err := c.one(ctx, into(&failures), `
			insert into failures (consumer, event_id, count, at) values (?, ?, 1, ?)
			on conflict (consumer, event_id) do update set count = count + 1, at = excluded.at returning count`,
			consumer, eventID, milli(db.clock()))
		return err
	})
	return failures, err
}

// AddNotice shows that a reminder fired, once per generation and event, and only while its task is open. False: it was there, or
// nobody wants it any more. A task that the user does not have is not found. With the notice its deliveries are planned.
func (db *DB) AddNotice(ctx context.Context, in tandem.Inbox, n tandem.Notice) (bool, error) {
	return store.AddNotice(ctx, in, n, db.update)
}

// InsertNotice adds a notice, once a generation.
func (w *write) InsertNotice(ctx context.Context, n tandem.Notice, due any) (bool, error) {
	rows, err := w.exec(ctx, `
		insert or ignore into notices (user_id, id, reminder_id, generation, task, number, title, due, fired_at, silent)
		values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
		w.User, n.ID, n.ReminderID, n.Generation, n.TaskUID, n.Number, n.Title, due, milli(n.FiredAt), n.Silent)
	return rows > 0, err
}

func scanNotice(r row) (n tandem.Notice, err error) {
	var due sql.NullString
	var fired int64
	if err := r.Scan(&n.ID, &n.UserID, &n.ReminderID, &n.Generation, &n.TaskUID, &n.Number, &n.Title, &due, &fired, &n.Silent); err != nil {
		return n, err
	}
	n.FiredAt = instant(fired)
	if due.Valid {
		err = json.Unmarshal([]byte(due.String), &n.Due)
	}
	return n, err
}

// Dismiss takes notices off every device; unknown and dismissed ones are left alone.
func (w *write) Dismiss(ctx context.Context, ids []string) error {
	for _, id := range ids {
		n, err := w.exec(ctx, `update notices set shown = 0 where user_id = ? and id = ? and shown = 1`, w.User, id)
		if err != nil {
			return err
		}
		if n > 0 {
			w.Gone(tandem.KindNotice, id)
		}
	}
	return nil
}

// DismissOf dismisses the notices of tasks.
func (w *write) DismissOf(ctx context.Context, uids []string) error {
	for _, uid := range uids {
		ids, err := list(ctx, w.conn, single[string], `select id from notices where user_id = ? and task = ? and shown = 1`, w.User, uid)
		if err != nil {
			return err
		}
		slices.Sort(ids)
		if err := w.Dismiss(ctx, ids); err != nil {
			return err
		}
	}
	return nil
}

// AppendAudit adds an event to the trail unless one with its id is there, or its user has been erased since.
func (db *DB) AppendAudit(ctx context.Context, topic tandem.Topic, e tandem.Event) (added bool, err error) {
	doc, err := json.Marshal(e)
	if err != nil {
		return false, fmt.Errorf("encode event: %w", err)
	}
	err = db.note(ctx, func(ctx context.Context, c *conn) error {
		n, err := c.exec(ctx, `
			insert or ignore into audit (user_id, event_id, topic, at, event) select user_id, ?, ?, ?, ? from users where user_id = ?`,
			e.EventID, topic, milli(time.Time(e.Timestamp)), string(doc), e.UserID)
		added = n > 0
		return err
	})
	return added && err == nil, err
}

// Audit gives entries of the trail in the order in which they were added.
func (db *DB) Audit(ctx context.Context, f tandem.AuditFilter) ([]tandem.AuditEntry, error) {
	from, to := int64(0), int64(1<<62)
	if !f.From.IsZero() {
		from = milli(f.From)
	}
	if !f.To.IsZero() {
		to = milli(f.To)
	}
	query := `
		select id, topic, user_id, at, event from audit
		where id > ?1 and at between ?2 and ?3 and (?4 = '' or topic = ?4) order by id limit ?6`
	if f.User != "" {
		query = `
		select id, topic, user_id, at, event from audit
		where user_id = ?5 and id > ?1 and at between ?2 and ?3 and (?4 = '' or topic = ?4) order by id limit ?6`
	}
	return view(ctx, db, func(ctx context.Context, c *conn) ([]tandem.AuditEntry, error) {
		return list(ctx, c, scanAudit, query, f.After, from, to, f.Topic, f.User, f.Limit)
	})
}

func scanAudit(r row) (a tandem.AuditEntry, err error) {
	var at int64
	var event []byte
	err = r.Scan(&a.ID, &a.Topic, &a.User, &at, &event)
	a.At, a.Event = instant(at), event
	return a, err
}

// AddDeadLetter sets aside an event that a consumer cannot take. One of somebody who has been erased since is not added.
func (db *DB) AddDeadLetter(ctx context.Context, topic tandem.Topic, consumer string, event json.RawMessage, reason string) error {
	var owner struct {
		User tandem.UserID `json:"user_id"`
	}
	_ = json.Unmarshal(event, &owner) // poison may be anything; then it belongs to nobody
	if !owner.User.Valid() {
		owner.User = ""
	}
	return db.write(ctx, func(ctx context.Context, c *conn) error {
		_, err := c.exec(ctx, `
			insert into dead_letters (user_id, topic, consumer, reason, at, event) select ?1, ?2, ?3, ?4, ?5, ?6
			where ?1 = '' or exists (select 1 from users where user_id = ?1)`,
			owner.User, topic, consumer, reason, milli(db.clock()), []byte(event))
		return err
	})
}

// DeadLetters gives what was set aside behind the entry after, in the order in which it was.
func (db *DB) DeadLetters(ctx context.Context, after int64, limit int) ([]tandem.DeadLetter, error) {
	return view(ctx, db, func(ctx context.Context, c *conn) ([]tandem.DeadLetter, error) {
		return list(ctx, c, scanLetter, `
			select id, topic, consumer, reason, at, event from dead_letters where id > ? order by id limit ?`, after, limit)
	})
}

func scanLetter(r row) (l tandem.DeadLetter, err error) {
	var at int64
	err = r.Scan(&l.ID, &l.Topic, &l.Consumer, &l.Reason, &at, &l.Event)
	l.At = instant(at)
	return l, err
}

// Claim takes an idempotency key for owner until the lease ends. held: another owner's claim is alive.
func (db *DB) Claim(ctx context.Context, key, owner string, lease time.Duration) (state tandem.KeyState, err error) {
	now := db.clock()
	err = db.note(ctx, func(ctx context.Context, c *conn) error {
		n, err := c.exec(ctx, `
			insert into keys (key, owner, done, expires) values (?1, ?2, 0, ?3)
			on conflict (key) do update set owner = excluded.owner, done = 0, expires = excluded.expires
			where keys.expires <= ?4 or keys.done = 0 and keys.owner = ?2`, key, owner, milli(now.Add(lease)), milli(now))
		if state = tandem.KeyClaimed; n > 0 || err != nil {
			return err
		}
		done := false
		_, err = c.one(ctx, into(&done), `select done from keys where key = ?`, key)
		if state = tandem.KeyHeld; done {
			state = tandem.KeyDone
		}
		return err
	})
	return state, err
}

// freeKeys ends the claims of a process that died at its work.
const freeKeys = `delete from keys where done = 0`

// Done remembers for ttl that the work of a key was done.
func (db *DB) Done(ctx context.Context, key, owner string, ttl time.Duration) error {
	return db.note(ctx, func(ctx context.Context, c *conn) error {
		_, err := c.exec(ctx, `
			insert into keys (key, owner, done, expires) values (?, ?, 1, ?)
			on conflict (key) do update set owner = excluded.owner, done = 1, expires = excluded.expires`,
			key, owner, milli(db.clock().Add(ttl)))
		return err
	})
}
