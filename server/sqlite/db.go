package sqlite

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"time"

	"tandem"
)

// Options of a DB; every field may be left out.
type Options struct {
	Now   func() time.Time // nil: time.Now
	NewID func() string    // makes UUIDv7; nil: tandem.NewID
	Log   *slog.Logger     // nil: no log
}

// DB is an open store. It is safe for concurrent use.
type DB struct {
	// OnCommit is told of every write that took a number, after it is safe. It is set before the first write, must not write
	// itself, and should be quick: the next write is told only when it returns.
	OnCommit func(tandem.Delta)

	path  string
	now   func() time.Time
	newID func() string
	log   *slog.Logger
	epoch string
	lock  *os.File

	writer  chan *conn // holds the one writing connection while nobody writes
	readers chan *conn
	dialled [2]int // connections that were made: to write, to read
	closed  chan struct{}
	told    delivery

	manyTasks int64 // see the constant
	found     findings

	forwarding sync.Mutex // held while the outbox is forwarded
}

// errClosed is what every method of a closed store gives.
var errClosed = errors.New("the store is closed")

// readConns bounds the statements that read at a time; more wait for one of them.
const readConns = 4

// Open opens the store in the file at path, and makes it where there is none. Another process that has it open is an error that
// says so. An existing file of an older schema is copied to path.before-NNNN, then brought up to date.
func Open(ctx context.Context, path string, o Options) (*DB, error) {
	db := &DB{
		path: path, now: o.Now, newID: o.NewID, log: o.Log,
		writer: make(chan *conn, 1), readers: make(chan *conn, readConns), closed: make(chan struct{}),
		manyTasks: manyTasks,
	}
	if db.now == nil {
		db.now = time.Now
	}
	if db.newID == nil {
		db.newID = tandem.NewID
	}
	if db.log == nil {
		db.log = slog.New(slog.DiscardHandler)
	}
	if err := db.open(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("open store %s: %w", path, err), db.Close())
	}
	return db, nil
}

func (db *DB) open(ctx context.Context) (err error) {
	if err := os.MkdirAll(filepath.Dir(db.path), 0o700); err != nil {
		return err
	}
	if db.lock, err = lockFile(db.path + ".lock"); err != nil {
		return err
	}
	if err := touchFile(db.path); err != nil {
		return err
	}
	writer, err := dial(ctx, db.path, false)
	if err != nil {
		return err
	}
	db.writer <- writer
	db.dialled[0]++
	if err := db.migrate(ctx, writer); err != nil {
		return err
	}
	if db.epoch, err = takeEpoch(ctx, writer, db.path+".epoch", db.newID); err != nil {
		return err
	}
	// The file is ours alone, so whoever held a lease on a running turn or an event is gone, and with it the timers.
	for _, statement := range []string{`update turns set lease_until = 0 where status = 'running' and lease_until > 0`, freeKeys, forgetTimers} {
		if _, err := writer.exec(ctx, statement); err != nil {
			return err
		}
	}
	for range readConns {
		reader, err := dial(ctx, db.path, true)
		if err != nil {
			return err
		}
		db.readers <- reader
		db.dialled[1]++
	}
	return nil
}

// touchFile makes the file before SQLite does, which would let others read it. The log beside it is made with the same rights.
func touchFile(path string) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return err
	}
	return f.Close()
}

// Close waits for the work that is going on, lets no more begin, and gives up the lock on the file. It is called once.
func (db *DB) Close() error {
	close(db.closed)
	var errs []error
	for i, pool := range []chan *conn{db.writer, db.readers} {
		for range db.dialled[i] {
			errs = append(errs, (<-pool).close())
		}
	}
	if db.lock != nil {
		errs = append(errs, db.lock.Close())
	}
	return errors.Join(errs...)
}

// Epoch names this history of the data. It changes when an older state was put in the file's place.
func (db *DB) Epoch(context.Context) string { return db.epoch }

// Ping reports whether the store answers.
func (db *DB) Ping(ctx context.Context) error {
	return db.read(ctx, func(context.Context, *conn) error { return nil })
}

// Schema gives the version of the schema, with an error where it is not the current one.
func (db *DB) Schema(ctx context.Context) (version int, err error) {
	err = db.read(ctx, func(ctx context.Context, c *conn) error {
		if version, err = schemaVersion(ctx, c); err == nil && version != len(migrations) {
			err = fmt.Errorf("the schema is version %d, want %d", version, len(migrations))
		}
		return err
	})
	return version, err
}

// Check reports whether the file is sound: its schema is the current one and its pages are in order.
func (db *DB) Check(ctx context.Context) error {
	if _, err := db.Schema(ctx); err != nil {
		return err
	}
	return db.read(ctx, func(ctx context.Context, c *conn) error {
		return c.sound(ctx)
	})
}

// Backup writes a copy of the store as it is now to a new file, while work goes on. The copy has another epoch.
func (db *DB) Backup(ctx context.Context, path string) error {
	c, err := dial(ctx, db.path, false) // one of its own: a copy may take long, and wants no transaction around it
	if err == nil {
		err = errors.Join(c.copyTo(ctx, path), c.close())
	}
	if err == nil {
		err = forgetEpoch(ctx, path)
	}
	if err != nil {
		return fmt.Errorf("back up to %s: %w", path, err)
	}
	return nil
}

// read runs f on one consistent state of the store.
func (db *DB) read(ctx context.Context, f func(context.Context, *conn) error) error {
	c, err := db.take(ctx, db.readers)
	if err != nil {
		return err
	}
	defer func() { db.readers <- c }()
	return c.transact(ctx, "begin", f)
}

// note runs f alone, all or nothing, for what matters only together with a later write: the commit is not waited for on the
// disk. The log of the file is written in order, so a later write that is safe makes this one safe as well.
func (db *DB) note(ctx context.Context, f func(context.Context, *conn) error) error {
	c, err := db.take(ctx, db.writer)
	if err != nil {
		return err
	}
	defer func() { db.writer <- c }()
	ctx = context.WithoutCancel(ctx)
	if _, err := c.exec(ctx, `pragma synchronous = normal`); err != nil {
		return err
	}
	err = c.transact(ctx, "begin immediate", f)
	_, ferr := c.exec(ctx, `pragma synchronous = full`)
	return errors.Join(err, ferr)
}

// view is read for what f gives, where that is so little that it is done before it could be cut short: to watch a context costs a
// statement two goroutines, half of what the look-up of a row takes.
func view[T any](ctx context.Context, db *DB, f func(context.Context, *conn) (T, error)) (v T, err error) {
	err = db.read(ctx, func(ctx context.Context, c *conn) error {
		v, err = f(context.WithoutCancel(ctx), c)
		return err
	})
	return v, err
}

// write runs f alone, all or nothing. It waits for its turn as long as ctx allows; once it runs, it goes to its end. What is to be
// done after COMMIT, before the next write begins, is given as committed.
func (db *DB) write(ctx context.Context, f func(context.Context, *conn) error, committed ...func()) error {
	c, err := db.take(ctx, db.writer)
	if err != nil {
		return err
	}
	defer func() { db.writer <- c }()
	if err := c.transact(context.WithoutCancel(ctx), "begin immediate", f); err != nil {
		return err
	}
	for _, done := range committed {
		done()
	}
	return nil
}

// take waits for a connection. It gives none where the store is closed or ctx has ended, even if one is free.
func (db *DB) take(ctx context.Context, pool chan *conn) (*conn, error) {
	select {
	case <-db.closed:
		return nil, errClosed
	case <-ctx.Done():
		return nil, fmt.Errorf("wait for the store: %w", context.Cause(ctx))
	default:
	}
	select {
	case c := <-pool:
		return c, nil
	case <-db.closed:
		return nil, errClosed
	case <-ctx.Done():
		return nil, fmt.Errorf("wait for the store: %w", context.Cause(ctx))
	}
}

// delivery tells of commits in their order. The queue is as long as there are writers that committed and were not told of yet.
type delivery struct {
	mu    sync.Mutex // guards queue; never held while telling
	queue []tandem.Delta
	tell  sync.Mutex // held while telling
}

// add queues a delta; it is called under the write lock, so the queue is in the order of commits.
func (d *delivery) add(delta tandem.Delta) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.queue = append(d.queue, delta)
}

// drain tells what is queued. When it returns, everything queued before the call has been told.
func (d *delivery) drain(to func(tandem.Delta)) {
	d.tell.Lock()
	defer d.tell.Unlock()
	d.mu.Lock()
	queue := d.queue
	d.queue = nil
	d.mu.Unlock()
	for _, delta := range queue {
		to(delta)
	}
}
