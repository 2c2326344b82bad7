package postgres

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"hash/fnv"
	"log/slog"
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
	store.Write
	before store.Account   // at the beginning
	plain  tandem.Settings // as they are in this transaction
	events []tandem.Event
	known  map[string]*tandem.Task // tasks as they are in this transaction, by uid; nil: there is none
	index  index
	undone bool // store.ErrUndo ended it
}

// update runs one write of a user. What change logs takes the user's next number; a write that logs nothing takes none. change may
// run more than once, each time on a fresh write.
func (db *DB) update(ctx context.Context, user tandem.UserID, cause tandem.Cause, change func(context.Context, *write) error) (err error) {
	ctx, end := tandem.Begin(ctx, tandem.Step{Name: "transaction", Attrs: []slog.Attr{slog.String("user_id", string(user))}})
	defer func() { end(err) }()
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
		w = &write{conn: c, Write: store.Write{User: user, Cause: cause.Traced(ctx), NewID: db.newID}, known: map[string]*tandem.Task{}}
		if err := w.open(ctx, db.clock); err != nil {
			return err
		}
		if err := change(ctx, w); err != nil {
			w.undone = errors.Is(err, store.ErrUndo)
			return err
		}
		if err := w.finish(ctx); err != nil {
			return err
		}
		tandem.FaultPoint("tx.before_commit")
		return nil
	})
	if err == nil && len(w.Changes) > 0 && !w.undone && db.OnCommit != nil {
		tandem.FaultPoint("tx.after_commit_before_publish")
		db.OnCommit(w.Delta())
		tandem.FaultPoint("tx.after_commit_before_ack")
	}
	return err
}

// lockAccount makes the write the only one of its user until it ends.
const lockAccount = `
	select seq, floor, numbers, conversations, pending, completed, deleted, settings from users where user_id = $1 for no key update`

// open locks the user's row and makes it at the first write.
func (w *write) open(ctx context.Context, clock func() time.Time) error {
	var settings []byte
	dest := append(w.Account.Fields(), &settings)
	found, err := w.one(ctx, dest, lockAccount, w.User)
	w.Now = clock() // not before it is our turn: times of writes are in the order of their numbers
	if err != nil {
		return err
	}
	if !found {
		w.later(nil, `insert into users (user_id, created_at) values ($1, $2) on conflict (user_id) do nothing`, w.User, w.Now)
		if _, err := w.one(ctx, dest, lockAccount, w.User); err != nil {
			return err
		}
	}
	w.before = w.Account
	w.plain, err = store.DecodeSettings(settings)
	return err
}

// finish queues what the write leaves behind: its place in the log is the last statement before COMMIT.
func (w *write) finish(ctx context.Context) error {
	if err := w.saveIndex(ctx); err != nil {
		return err
	}
	if len(w.Changes) > 0 {
		return w.log()
	}
	if a := w.Account; a != w.before {
		w.later(nil, `
			update users set numbers = $2, conversations = $3, pending = $4, completed = $5, deleted = $6 where user_id = $1`,
			w.User, a.Numbers, a.Conversations, a.Tasks[store.Pending], a.Tasks[store.Completed], a.Tasks[store.Deleted])
	}
	return nil
}

// log takes the number: the user's row, the change log and the outbox in one statement.
func (w *write) log() error {
	topics, events, err := w.outgoing()
	if err != nil {
		return err
	}
	kinds, ids, versions := make([]string, len(w.Changes)), make([]string, len(w.Changes)), make([]int64, len(w.Changes))
	for i, ch := range w.Changes {
		kinds[i], ids[i], versions[i] = string(ch.Kind), ch.ID, ch.Version
	}
	a, c := w.Account, w.Cause
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
		w.User, w.Seq(), a.Numbers, a.Conversations, a.Tasks[store.Pending], a.Tasks[store.Completed], a.Tasks[store.Deleted],
		string(c.Actor), c.TurnID, c.Client, c.Mid, w.Now, kinds, ids, versions, listOf(w.User), topics, events)
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
