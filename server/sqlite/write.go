package sqlite

import (
	"context"
	"errors"
	"log/slog"

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
	store.Write
	ordinal int64
	facets  map[int64][]byte // chunks that are to be written, by id
}

// update runs one write of a user. What change logs takes the user's next number; a write that logs nothing takes none.
func (db *DB) update(ctx context.Context, user tandem.UserID, cause tandem.Cause, change func(context.Context, *write) error) (err error) {
	ctx, end := tandem.Begin(ctx, tandem.Step{Name: "transaction", Attrs: []slog.Attr{slog.String("user_id", string(user))}})
	defer func() { end(err) }()
	w := &write{Write: store.Write{User: user, Cause: cause.Traced(ctx), NewID: db.newID}}
	err = db.write(ctx, func(ctx context.Context, c *conn) error {
		w.conn, w.Now = c, db.clock() // not before it is our turn: times of writes are in the order of their numbers
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
		if len(w.Changes) > 0 && db.OnCommit != nil {
			db.told.add(w.Delta())
		}
	})
	if errors.Is(err, store.ErrUndo) {
		return nil
	}
	if err == nil && len(w.Changes) > 0 && db.OnCommit != nil {
		tandem.FaultPoint("tx.after_commit_before_publish")
		db.told.drain(db.OnCommit)
		tandem.FaultPoint("tx.after_commit_before_ack")
	}
	return err
}

// open reads the user's row and makes it at the first write.
func (w *write) open(ctx context.Context) error {
	a, found, err := readAccount(ctx, w.conn, w.User)
	if err != nil {
		return err
	}
	if !found {
		if !w.User.Valid() {
			return tandem.Invalid("user_id", string(w.User), "That is not a user id.")
		}
		if _, err := w.exec(ctx, `insert into users (user_id, created_at) values (?, ?)`, w.User, milli(w.Now)); err != nil {
			return err
		}
		if a, _, err = readAccount(ctx, w.conn, w.User); err != nil {
			return err
		}
	}
	w.Account, w.ordinal = a.Account, a.ordinal
	return nil
}

// finish writes the log, the facets and the user's row.
func (w *write) finish(ctx context.Context) error {
	if err := w.saveFacets(ctx); err != nil {
		return err
	}
	seq := w.Head()
	for n, ch := range w.Changes {
		if _, err := w.exec(ctx, `
			insert into changes (user_id, seq, n, kind, id, version, actor, turn_id, client, mid, at)
			values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
			w.User, seq, n, ch.Kind, ch.ID, ch.Version, ch.Actor, ch.TurnID, ch.Client, ch.Mid, milli(w.Now)); err != nil {
			return err
		}
	}
	a := w.Account
	_, err := w.exec(ctx, `
		update users set seq = ?, numbers = ?, conversations = ?, pending = ?, completed = ?, deleted = ? where user_id = ?`,
		seq, a.Numbers, a.Conversations, a.Tasks[store.Pending], a.Tasks[store.Completed], a.Tasks[store.Deleted], w.User)
	return err
}
