package postgres

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"tandem"
	"tandem/server/store"
)

// Bounds of a transaction.
const (
	waitForConn  = 5 * time.Second  // a connection of the pool
	writeTime    = 20 * time.Second // a write that has begun, whatever its caller does
	maxAttempts  = 4                // runs of a transaction that lost a race
	firstBackoff = 5 * time.Millisecond
)

// read runs f on one consistent state of the store, as the user.
func (db *DB) read(ctx context.Context, user tandem.UserID, f func(context.Context, *conn) error) error {
	return db.repeat(ctx, func() error {
		return db.asUser(ctx, user, beginRead, f)
	})
}

// view is read for what f gives.
func view[T any](ctx context.Context, db *DB, user tandem.UserID, f func(context.Context, *conn) (T, error)) (v T, err error) {
	err = db.read(ctx, user, func(ctx context.Context, c *conn) error {
		v, err = f(ctx, c)
		return err
	})
	return v, err
}

// write runs f as the user, all or nothing. Once it runs, it goes to its end though its caller leaves. f may run more than once.
func (db *DB) write(ctx context.Context, user tandem.UserID, f func(context.Context, *conn) error) error {
	whole, cancel := context.WithTimeout(context.WithoutCancel(ctx), writeTime)
	defer cancel()
	return db.repeat(ctx, func() error {
		return db.asUser(whole, user, beginWrite, f)
	})
}

// everyone is nobody: a transaction in this name sees no person's rows but for the policies of its role.
const everyone tandem.UserID = ""

// asUser is the only way to a connection. It runs f in a transaction that sees the rows of user.
func (db *DB) asUser(ctx context.Context, user tandem.UserID, how string, f func(context.Context, *conn) error) error {
	acquire, cancel := context.WithTimeout(ctx, waitForConn)
	defer cancel()
	sql, err := db.pool.Acquire(acquire)
	if err != nil {
		return fmt.Errorf("wait for the store: %w", err)
	}
	defer sql.Release()
	c := &conn{sql: sql}
	done := false
	defer func() {
		if !done { // an error, or a panic on its way through
			undo, cancel := context.WithTimeout(context.WithoutCancel(ctx), waitForConn)
			defer cancel()
			c.rollback(undo)
		}
	}()
	c.begin(how, user)
	switch err := f(ctx, c); {
	case errors.Is(err, store.ErrUndo):
		return nil
	case err != nil:
		return err
	}
	c.later(nil, `commit`)
	if err := c.flush(ctx); err != nil {
		if how == beginRead {
			return err
		}
		return &commitError{err}
	}
	done = true
	return nil
}

// commitError is the end of a transaction whose COMMIT was on its way.
type commitError struct{ cause error }

func (e *commitError) Error() string { return "commit: " + e.cause.Error() }

func (e *commitError) Unwrap() error { return e.cause }

// repeat runs a transaction until it does not lose a race any more, a few times at most, and says what its error means.
func (db *DB) repeat(ctx context.Context, run func() error) error {
	pause := firstBackoff
	for attempt := 1; ; attempt++ {
		err := run()
		if err == nil || attempt == maxAttempts || !again(err) {
			return verdict(err)
		}
		db.log.DebugContext(ctx, "transaction is run again", "attempt", attempt, "err", err)
		select {
		case <-ctx.Done():
			return verdict(err)
		case <-time.After(pause + rand.N(pause)):
		}
		pause *= 4
	}
}

// again reports that the transaction had surely no effect and may have one when it is run anew.
func again(err error) bool {
	if _, ok := errors.AsType[*tandem.Error](err); ok {
		return false
	}
	switch state := sqlState(err); state {
	case codeSerialization, codeDeadlock, codeStalePlan, codeNoStatement, codeUnique:
		return true
	case "":
		return cutOff(err) && !unknown(err)
	default:
		return shuttingDown(state) && !unknown(err)
	}
}

// unknown reports that nobody can tell whether a COMMIT took effect: it was sent, and no answer to it came from the database itself.
func unknown(err error) bool {
	if _, ok := errors.AsType[*commitError](err); !ok {
		return false
	}
	state := sqlState(err)
	return state == "" || shuttingDown(state)
}

// shuttingDown reports the states in which a server or a pooler gives up a connection.
func shuttingDown(state string) bool {
	return strings.HasPrefix(state, "08") || strings.HasPrefix(state, "57P") || strings.HasPrefix(state, "53")
}

// cutOff reports that the connection failed, or could not be made.
func cutOff(err error) bool {
	if _, ok := errors.AsType[*pgconn.ConnectError](err); ok {
		return true
	}
	if _, ok := errors.AsType[*net.OpError](err); ok {
		return true
	}
	return pgconn.SafeToRetry(err) || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, net.ErrClosed) ||
		errors.Is(err, pgconn.ErrConnClosed)
}

// verdict turns what the database said into what the caller is told. An error of ours stays what it is.
func verdict(err error) error {
	if err == nil {
		return nil
	}
	if _, ok := errors.AsType[*tandem.Error](err); ok {
		return err
	}
	switch state := sqlState(err); {
	case state == "" && (unknown(err) || cutOff(err) || errors.Is(err, context.DeadlineExceeded)):
		return tandem.Unavailable(err)
	case shuttingDown(state), state == codeLockTimeout, state == codeCancelled, state == codeIdleInTx:
		return tandem.Unavailable(err)
	}
	return err
}
