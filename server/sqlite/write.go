package sqlite

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"tandem"
	"tandem/server/store"
)

// account is a user's row. The ordinal stands above the numbers of their tasks.
type account struct {
	store.Account
	ordinal int64
}

// readAccount gives the row of a user; false for one who never wrote.
func readAccount(ctx context.Context, c *conn, user tandem.UserID) (a account, found bool, err error) {
	found, err = c.one(ctx, append(a.Fields(), &a.ordinal),
		`select seq, floor, numbers, conversations, pending, completed, deleted, ordinal from users where user_id = ?`, user)
	return a, found, err
}

// write is one transaction of one user while it is put together.
type write struct {
	*conn
	db      *DB
	user    tandem.UserID
	cause   tandem.Cause
	now     time.Time
	account account
	changes []tandem.Change
	facets  map[int64][]byte // chunks that are to be written, by id
}

// errUndo ends a write that is not to be kept, without being an error.
var errUndo = errors.New("not to be kept")

// update runs one write of a user. What change logs takes the user's next number; a write that logs nothing takes none.
func (db *DB) update(ctx context.Context, user tandem.UserID, cause tandem.Cause, change func(context.Context, *write) error) error {
	w := &write{db: db, user: user, cause: cause}
	err := db.write(ctx, func(ctx context.Context, c *conn) error {
		w.conn, w.now = c, db.clock() // not before it is our turn: times of writes are in the order of their numbers
		if err := w.open(ctx); err != nil {
			return err
		}
		if err := change(ctx, w); err != nil {
			return err
		}
		if err := w.finish(ctx); err != nil {
			return err
		}
		tandem.FaultPoint("tx.before_commit")
		return nil
	}, func() {
		if len(w.changes) > 0 && db.OnCommit != nil {
			db.told.add(w.delta())
		}
	})
	if errors.Is(err, errUndo) {
		return nil
	}
	if err == nil && len(w.changes) > 0 && db.OnCommit != nil {
		tandem.FaultPoint("tx.after_commit_before_publish")
		db.told.drain(db.OnCommit)
		tandem.FaultPoint("tx.after_commit_before_ack")
	}
	return err
}

// seq is the number that this write takes if it logs a change.
func (w *write) seq() tandem.Seq { return w.account.Seq + 1 }

func (w *write) delta() tandem.Delta {
	return tandem.Delta{User: w.user, From: w.seq(), To: w.seq(), Changes: w.changes}
}

// open reads the user's row and makes it at the first write.
func (w *write) open(ctx context.Context) (err error) {
	found := false
	if w.account, found, err = readAccount(ctx, w.conn, w.user); found || err != nil {
		return err
	}
	if !w.user.Valid() {
		return tandem.Invalid("user_id", string(w.user), "That is not a user id.")
	}
	if _, err := w.exec(ctx, `insert into users (user_id, created_at) values (?, ?)`, w.user, milli(w.now)); err != nil {
		return err
	}
	w.account, _, err = readAccount(ctx, w.conn, w.user)
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

// finish writes the log, the facets and the user's row.
func (w *write) finish(ctx context.Context) error {
	if err := w.saveFacets(ctx); err != nil {
		return err
	}
	seq := w.account.Seq
	if len(w.changes) > 0 {
		seq++
	}
	for n, ch := range w.changes {
		if _, err := w.exec(ctx, `
			insert into changes (user_id, seq, n, kind, id, version, actor, turn_id, client, mid, at)
			values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
			w.user, seq, n, ch.Kind, ch.ID, ch.Version, ch.Actor, ch.TurnID, ch.Client, ch.Mid, milli(w.now)); err != nil {
			return err
		}
	}
	a := w.account
	_, err := w.exec(ctx, `
		update users set seq = ?, numbers = ?, conversations = ?, pending = ?, completed = ?, deleted = ? where user_id = ?`,
		seq, a.Numbers, a.Conversations, a.Tasks[store.Pending], a.Tasks[store.Completed], a.Tasks[store.Deleted], w.user)
	return err
}
