package sqlite

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"time"

	"modernc.org/sqlite"
	sqlitelib "modernc.org/sqlite/lib"

	"tandem"
)

// As in the builds of SQLite that systems ship, a commit waits for the data and the size of the log, not for the time on its file,
// which a journaling file system writes to yet another place. Where there is no such call SQLite syncs as before.
func init() { _, _ = sqlite.Fdatasync(true) }

// conn is one connection with its prepared statements. It serves one goroutine at a time.
type conn struct {
	db    *sql.DB
	sql   *sql.Conn
	stmts map[string]statement
}

// maxStatements bounds the prepared statements of a connection. There are about two hundred texts; the bound is against a text
// that is not constant.
const maxStatements = 1000

// pragmas of every connection. FULL: a commit is on the disk before it is acknowledged. secure_delete: freed pages are
// overwritten. memory: no file outside of the data folder.
var pragmas = []string{
	"busy_timeout(5000)", "journal_mode(wal)", "synchronous(full)", "foreign_keys(on)", "secure_delete(on)", "temp_store(memory)",
	"cache_size(-16384)", "trusted_schema(off)", "journal_size_limit(67108864)",
}

// dial opens one connection to the file.
func dial(ctx context.Context, path string, readOnly bool) (*conn, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, err
	}
	query := url.Values{"_pragma": pragmas}
	if readOnly {
		query["_pragma"] = append(query["_pragma"][:len(pragmas):len(pragmas)], "query_only(on)")
	}
	name := (&url.URL{Scheme: "file", Path: filepath.ToSlash(path), RawQuery: query.Encode()}).String()
	db, err := sql.Open("sqlite", name)
	if err != nil {
		return nil, err
	}
	c, err := db.Conn(ctx)
	if err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return &conn{db: db, sql: c, stmts: map[string]statement{}}, nil
}

func (c *conn) close() error {
	errs := make([]error, 0, len(c.stmts)+2)
	for _, s := range c.stmts {
		errs = append(errs, s.Close())
	}
	return errors.Join(append(errs, c.sql.Close(), c.db.Close())...)
}

// transact runs f between BEGIN and COMMIT, or takes everything back. Only f is cut short when ctx ends: of a BEGIN that was,
// nobody would know whether it took effect.
func (c *conn) transact(ctx context.Context, begin string, f func(context.Context, *conn) error) error {
	whole := context.WithoutCancel(ctx)
	if _, err := c.exec(whole, begin); err != nil {
		return fmt.Errorf("begin: %w", err)
	}
	done := false
	defer func() {
		if !done { // an error, or a panic on its way through
			c.rollback(whole)
		}
	}()
	if err := f(ctx, c); err != nil {
		return err
	}
	if _, err := c.exec(whole, "commit"); err != nil {
		return fmt.Errorf("commit: %w", err)
	}
	done = true
	return nil
}

// rollback takes the transaction back. The interrupt of a statement that was cut short may arrive late and hit the rollback
// instead, which is then run again. SQLite may also have rolled back by itself, which makes this one fail.
func (c *conn) rollback(ctx context.Context) {
	for range 10 {
		_, err := c.exec(ctx, "rollback")
		if e, ok := errors.AsType[*sqlite.Error](err); !ok || e.Code() != sqlitelib.SQLITE_INTERRUPT {
			return
		}
	}
}

// statement is prepared once and lives as long as its connection.
type statement struct{ *sql.Stmt }

func (c *conn) prepare(ctx context.Context, query string) (statement, error) {
	if s, ok := c.stmts[query]; ok {
		return s, nil
	}
	if len(c.stmts) >= maxStatements {
		return statement{}, errors.New("too many different statements")
	}
	s, err := c.sql.PrepareContext(ctx, query)
	if err != nil {
		return statement{}, fmt.Errorf("prepare %.60q: %w", query, err)
	}
	c.stmts[query] = statement{s}
	return c.stmts[query], nil
}

// exec runs a statement and gives the number of rows that it changed.
func (c *conn) exec(ctx context.Context, query string, args ...any) (int64, error) {
	s, err := c.prepare(ctx, query)
	if err != nil {
		return 0, err
	}
	res, err := s.ExecContext(ctx, args...)
	if err != nil {
		return 0, fmt.Errorf("run %.60q: %w", query, err)
	}
	return res.RowsAffected()
}

// one reads the first row into dest; false when there is none.
func (c *conn) one(ctx context.Context, dest []any, query string, args ...any) (bool, error) {
	s, err := c.prepare(ctx, query)
	if err != nil {
		return false, err
	}
	switch err := s.QueryRowContext(ctx, args...).Scan(dest...); {
	case errors.Is(err, sql.ErrNoRows):
		return false, nil
	case err != nil:
		return false, fmt.Errorf("read %.60q: %w", query, err)
	}
	return true, nil
}

// row is what a scan function reads from.
type row interface{ Scan(dest ...any) error }

// list reads all rows.
func list[T any](ctx context.Context, c *conn, scan func(row) (T, error), query string, args ...any) (out []T, err error) {
	s, err := c.prepare(ctx, query)
	if err != nil {
		return nil, err
	}
	rows, err := s.QueryContext(ctx, args...)
	if err != nil {
		return nil, fmt.Errorf("read %.60q: %w", query, err)
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		v, err := scan(rows)
		if err != nil {
			return nil, fmt.Errorf("read %.60q: %w", query, err)
		}
		out = append(out, v)
	}
	return out, rows.Err()
}

// jsonList writes an argument for json_each.
func jsonList[T any](values []T) (string, error) {
	data, err := json.Marshal(values)
	if err != nil {
		return "", fmt.Errorf("encode list: %w", err)
	}
	return string(data), nil
}

// single scans a row of one column.
func single[T any](r row) (v T, err error) {
	err = r.Scan(&v)
	return v, err
}

// copyTo writes the whole database to a new file, which nobody else may read, and onto the disk. There may be no file yet.
func (c *conn) copyTo(ctx context.Context, path string) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o600)
	if err != nil {
		return err
	}
	_, err = c.sql.ExecContext(ctx, "vacuum into ?", path) // it fills an empty file
	return errors.Join(err, f.Sync(), f.Close())
}

// into lists the destinations of a row.
func into(dest ...any) []any { return dest }

// unique reports that err is the breach of a unique constraint.
func unique(err error) bool {
	e, ok := errors.AsType[*sqlite.Error](err)
	return ok && (e.Code() == sqlitelib.SQLITE_CONSTRAINT_UNIQUE || e.Code() == sqlitelib.SQLITE_CONSTRAINT_PRIMARYKEY)
}

// uniqueAs explains the breach of a unique constraint as a conflict.
func uniqueAs(err error, field, message string) error {
	if unique(err) {
		return tandem.Conflict(field, "%s", message).Because(err)
	}
	return err
}

// milli writes an instant as the store keeps it.
func milli(t time.Time) int64 { return t.UnixMilli() }

func milliPtr(t *time.Time) any {
	if t == nil {
		return nil
	}
	return t.UnixMilli()
}

func instant(ms int64) time.Time { return time.UnixMilli(ms).UTC() }

func instantPtr(ms sql.NullInt64) *time.Time {
	if !ms.Valid {
		return nil
	}
	t := instant(ms.Int64)
	return &t
}

func stampPtr(ms sql.NullInt64) *tandem.Stamp {
	if !ms.Valid {
		return nil
	}
	s := tandem.Stamp(instant(ms.Int64))
	return &s
}

// orNull keeps an empty text out of unique constraints.
func orNull(s string) any {
	if s == "" {
		return nil
	}
	return s
}

// clock gives now as the store keeps it.
func (db *DB) clock() time.Time { return db.now().UTC().Truncate(time.Millisecond) }
