package postgres

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"tandem"
)

// conn is one transaction of one person. It serves one goroutine.
//
// Statements whose result nobody waits for are queued and travel with the next one that somebody does. So a transaction begins
// with its first read, and a write ends in one round trip: what it writes, its place in the log, and COMMIT.
type conn struct {
	sql   *pgxpool.Conn
	queue []queued
}

// queued is a statement that waits for its journey.
type queued struct {
	query   string
	args    []any
	explain func(error) error // what a breach of a constraint means; may be nil
}

func (q queued) failed(err error) error {
	if q.explain != nil {
		if explained := q.explain(err); explained != nil {
			return explained
		}
	}
	return fmt.Errorf("run %.60q: %w", q.query, err)
}

// later queues a statement. explain gives the error to answer with where the statement breaks a constraint; nil for another
// error.
func (c *conn) later(explain func(error) error, query string, args ...any) {
	c.queue = append(c.queue, queued{query, args, explain})
}

// exec runs a statement and gives the number of rows that it changed.
func (c *conn) exec(ctx context.Context, query string, args ...any) (n int64, err error) {
	err = c.send(ctx, queued{query: query, args: args}, func(rows pgx.Rows) error {
		rows.Close()
		n = rows.CommandTag().RowsAffected()
		return rows.Err()
	})
	return n, err
}

// one reads the first row into dest; false when there is none.
func (c *conn) one(ctx context.Context, dest []any, query string, args ...any) (found bool, err error) {
	err = c.send(ctx, queued{query: query, args: args}, func(rows pgx.Rows) error {
		defer rows.Close()
		if found = rows.Next(); !found {
			return rows.Err()
		}
		return rows.Scan(dest...)
	})
	return found && err == nil, err
}

// row is what a scan function reads from.
type row interface{ Scan(dest ...any) error }

// list reads all rows.
func list[T any](ctx context.Context, c *conn, scan func(row) (T, error), query string, args ...any) (out []T, err error) {
	err = c.send(ctx, queued{query: query, args: args}, func(rows pgx.Rows) error {
		defer rows.Close()
		for rows.Next() {
			v, err := scan(rows)
			if err != nil {
				return err
			}
			out = append(out, v)
		}
		return rows.Err()
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// single scans a row of one column.
func single[T any](r row) (v T, err error) {
	err = r.Scan(&v)
	return v, err
}

// into lists the destinations of a row.
func into(dest ...any) []any { return dest }

// send runs what is queued and then last, whose rows read gets.
func (c *conn) send(ctx context.Context, last queued, read func(pgx.Rows) error) error {
	return c.journey(ctx, append(c.queue, last), read)
}

// flush runs what is queued.
func (c *conn) flush(ctx context.Context) error {
	if len(c.queue) == 0 {
		return nil
	}
	return c.journey(ctx, c.queue, func(rows pgx.Rows) error {
		rows.Close()
		return rows.Err()
	})
}

// journey is one round trip.
func (c *conn) journey(ctx context.Context, all []queued, read func(pgx.Rows) error) (err error) {
	c.queue = nil
	var batch pgx.Batch
	for _, q := range all {
		batch.Queue(q.query, storable(q.args)...)
	}
	results := c.sql.SendBatch(ctx, &batch)
	defer func() {
		if cerr := results.Close(); err == nil && cerr != nil {
			err = all[len(all)-1].failed(cerr)
		}
	}()
	last := len(all) - 1
	for _, q := range all[:last] {
		if _, err := results.Exec(); err != nil {
			return q.failed(err)
		}
	}
	rows, err := results.Query()
	if err == nil {
		err = read(rows)
	}
	if err != nil {
		return all[last].failed(err)
	}
	return nil
}

// storable makes texts what Postgres takes: whole characters, and none of them NUL. Search for such a text finds what became of it.
func storable(args []any) []any {
	for i, arg := range args {
		switch v := arg.(type) {
		case string:
			args[i] = wellFormed(v)
		case []string:
			for j, s := range v {
				if s != wellFormed(s) {
					v = slices.Clone(v)
					v[j] = wellFormed(s)
				}
			}
			args[i] = v
		}
	}
	return args
}

func wellFormed(s string) string {
	return strings.ReplaceAll(strings.ToValidUTF8(s, "\ufffd"), "\x00", "\ufffd")
}

// Settings of every transaction. A process that is cut off must not hold its person's row, and nobody waits for a lock for longer
// than a request is worth; the relay publishes within its transaction, for at most ten seconds.
const beginSettings = `
	select set_config('app.user_id', $1, true), set_config('idle_in_transaction_session_timeout', '15000', true),
		set_config('lock_timeout', '5000', true), set_config('statement_timeout', '15000', true)`

// How transactions begin. Readers see one state of the store. A write reads what is committed behind its lock.
const (
	beginRead  = `begin isolation level repeatable read read only`
	beginWrite = `begin isolation level read committed`
)

// begin queues the start of a transaction of user.
func (c *conn) begin(how string, user tandem.UserID) {
	c.later(nil, how)
	c.later(nil, beginSettings, string(user))
}

// rollback takes the transaction back. Where that fails the connection is thrown away.
func (c *conn) rollback(ctx context.Context) {
	c.queue = nil
	if c.sql.Conn().PgConn().TxStatus() == 'I' {
		return
	}
	if _, err := c.sql.Exec(ctx, `rollback`); err != nil {
		_ = c.sql.Conn().Close(ctx)
	}
}

// Classes of SQLSTATE.
const (
	codeUnique        = "23505"
	codeSerialization = "40001"
	codeDeadlock      = "40P01"
	codeStalePlan     = "0A000" // "cached plan must not change result type", after a migration
	codeNoStatement   = "26000" // a pooler that does not keep prepared statements
	codeNoTable       = "42P01"
	codeLockTimeout   = "55P03"
	codeCancelled     = "57014" // by statement_timeout
	codeIdleInTx      = "25P03" // by idle_in_transaction_session_timeout
)

func sqlState(err error) string {
	if e, ok := errors.AsType[*pgconn.PgError](err); ok {
		return e.Code
	}
	return ""
}

// unique reports that err is the breach of a unique constraint.
func unique(err error) bool { return sqlState(err) == codeUnique }

// breaks reports that err is the breach of the named constraint.
func breaks(err error, constraint string) bool {
	e, ok := errors.AsType[*pgconn.PgError](err)
	return ok && e.Code == codeUnique && e.ConstraintName == constraint
}

func undefinedTable(err error) bool { return sqlState(err) == codeNoTable }

// orNull keeps an empty text out of unique constraints.
func orNull(s string) any {
	if s == "" {
		return nil
	}
	return s
}

func stampPtr(t *time.Time) *tandem.Stamp {
	if t == nil {
		return nil
	}
	s := tandem.Stamp(*t)
	return &s
}
