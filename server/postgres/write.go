package postgres

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"hash/fnv"
	"time"

	"tandem"
	"tandem/server/store"
)

// readAccount gives the row of a user; false for one who never wrote.
func readAccount(ctx context.Context, c *conn, user tandem.UserID) (a store.Account, found bool, err error) {
	found, err = c.one(ctx, a.Fields(), `
		select seq, floor, numbers, conversations, pending, completed, deleted from users where user_id = $1`, user)
	return a, found, err
}

// write is one transaction of one user while it is put together.
type write struct {
	*conn
	db      *DB
	user    tandem.UserID
	cause   tandem.Cause
	now     time.Time
	account store.Account
	before  store.Account   // at the beginning
	plain   tandem.Settings // as they were when the write began
	changes []tandem.Change
	events  []tandem.Event
	known   map[string]*tandem.Task // tasks as they are in this transaction, by uid; nil: there is none
	index   index
	undone  bool // errUndo ended it
}

// update runs one write of a user. What change logs takes the user's next number; a write that logs nothing takes none. change may
// run more than once, each time on a fresh write.
func (db *DB) update(ctx context.Context, user tandem.UserID, cause tandem.Cause, change func(context.Context, *write) error) error {
	if !user.Valid() {
		return tandem.Invalid("user_id", string(user), "That is not a user id.")
	}
	leave, err := db.turns.enter(ctx, user)
	if err != nil {
		return err
	}
	defer leave()
	var w *write
	err = db.write(ctx, user, func(ctx context.Context, c *conn) error {
		w = &write{conn: c, db: db, user: user, cause: cause, known: map[string]*tandem.Task{}}
		if err := w.open(ctx); err != nil {
			return err
		}
		if err := change(ctx, w); err != nil {
			w.undone = errors.Is(err, errUndo)
			return err
		}
		if err := w.finish(ctx); err != nil {
			return err
		}
		tandem.FaultPoint("tx.before_commit")
		return nil
	})
	if err == nil && len(w.changes) > 0 && !w.undone && db.OnCommit != nil {
		tandem.FaultPoint("tx.after_commit_before_publish")
		db.OnCommit(w.delta())
		tandem.FaultPoint("tx.after_commit_before_ack")
	}
	return err
}

// seq is the number that this write takes if it logs a change.
func (w *write) seq() tandem.Seq { return w.account.Seq + 1 }

func (w *write) delta() tandem.Delta {
	return tandem.Delta{User: w.user, From: w.seq(), To: w.seq(), Changes: w.changes}
}

// lockAccount makes the write the only one of its user until it ends.
const lockAccount = `
	select seq, floor, numbers, conversations, pending, completed, deleted, settings from users where user_id = $1 for no key update`

// open locks the user's row and makes it at the first write.
func (w *write) open(ctx context.Context) error {
	var settings *string
	dest := append(w.account.Fields(), &settings)
	found, err := w.one(ctx, dest, lockAccount, w.user)
	w.now = w.db.clock() // not before it is our turn: times of writes are in the order of their numbers
	if err != nil {
		return err
	}
	if !found {
		w.later(nil, `insert into users (user_id, created_at) values ($1, $2) on conflict (user_id) do nothing`, w.user, w.now)
		if _, err := w.one(ctx, dest, lockAccount, w.user); err != nil {
			return err
		}
	}
	w.before = w.account
	w.plain, err = decodeSettings(settings)
	return err
}

// put logs that a row is new or changed.
func (w *write) put(kind tandem.Kind, id string, version int64, row any) error {
	data, err := encode(row)
	if err == nil {
		w.change(kind, id, version, data)
	}
	return err
}

// encode writes a row as JSON, unless it is.
func encode(row any) (json.RawMessage, error) {
	if data, ok := row.(json.RawMessage); ok {
		return data, nil
	}
	data, err := json.Marshal(row)
	if err != nil {
		return nil, fmt.Errorf("encode row: %w", err)
	}
	return data, nil
}

// gone logs that a row is none any more for clients.
func (w *write) gone(kind tandem.Kind, id string, version int64) { w.change(kind, id, version, nil) }

func (w *write) change(kind tandem.Kind, id string, version int64, row json.RawMessage) {
	w.changes = append(w.changes, tandem.Change{
		Kind: kind, ID: id, Version: version, Row: row, Actor: w.cause.Actor, TurnID: w.cause.TurnID, Client: w.cause.Client, Mid: w.cause.Mid,
	})
}

// finish queues what the write leaves behind: its place in the log is the last statement before COMMIT.
func (w *write) finish(ctx context.Context) error {
	if err := w.saveIndex(ctx); err != nil {
		return err
	}
	if len(w.changes) > 0 {
		return w.log()
	}
	if a := w.account; a != w.before {
		w.later(nil, `
			update users set numbers = $2, conversations = $3, pending = $4, completed = $5, deleted = $6 where user_id = $1`,
			w.user, a.Numbers, a.Conversations, a.Tasks[store.Pending], a.Tasks[store.Completed], a.Tasks[store.Deleted])
	}
	return nil
}

// log takes the number: the user's row, the change log and the outbox in one statement.
func (w *write) log() error {
	topics, events, err := w.outgoing()
	if err != nil {
		return err
	}
	kinds, ids, versions := make([]string, len(w.changes)), make([]string, len(w.changes)), make([]int64, len(w.changes))
	for i, ch := range w.changes {
		kinds[i], ids[i], versions[i] = string(ch.Kind), ch.ID, ch.Version
	}
	a, c := w.account, w.cause
	w.later(nil, `
		with counter as (
			update users set seq = $2, numbers = $3, conversations = $4, pending = $5, completed = $6, deleted = $7 where user_id = $1
		), log as (
			insert into changes (user_id, seq, n, kind, id, version, actor, turn_id, client, mid, at)
			select $1, $2, l.n - 1, l.kind, l.id, l.version, $8::text, $9::text, $10::text, $11::bigint, $12::timestamptz
			from unnest($13::text[], $14::text[], $15::bigint[]) with ordinality as l (kind, id, version, n)
		)
		insert into outbox (partition, user_id, seq, topic, event, at)
		select $16::smallint, $1, $2, o.topic, o.event, $12::timestamptz
		from unnest($17::text[], $18::text[]) with ordinality as o (topic, event, n) order by o.n`,
		w.user, w.seq(), a.Numbers, a.Conversations, a.Tasks[store.Pending], a.Tasks[store.Completed], a.Tasks[store.Deleted],
		string(c.Actor), c.TurnID, c.Client, c.Mid, w.now, kinds, ids, versions, listOf(w.user), topics, events)
	return nil
}

// outgoing lists what the world is told. A write that tells nothing still leaves an entry: the relay pings the user's devices for
// each, in case they missed the news of the commit.
func (w *write) outgoing() (topics, events []string, err error) {
	for _, e := range w.events {
		data, err := json.Marshal(e)
		if err != nil {
			return nil, nil, fmt.Errorf("encode event: %w", err)
		}
		topics, events = append(topics, string(e.Topic())), append(events, string(data))
	}
	if len(topics) == 0 {
		return []string{""}, []string{""}, nil
	}
	return topics, events, nil
}

// lists is how many lists the outbox has.
const lists = 8

// listOf tells on which list of the outbox the entries of a user are.
func listOf(user tandem.UserID) int16 {
	h := fnv.New32a()
	_, _ = h.Write([]byte(user)) // a hash takes everything
	return int16(h.Sum32() % lists)
}
