package postgres

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"
	"github.com/jackc/pgx/v5/pgxpool"

	"tandem"
)

// Options of a DB; every field may be left out.
type Options struct {
	Now     func() time.Time // nil: time.Now
	NewID   func() string    // makes UUIDv7; nil: tandem.NewID
	Log     *slog.Logger     // nil: no log
	Trace   pgx.QueryTracer  // nil: none
	Metrics Metrics
}

// DB is an open store. It is safe for concurrent use.
type DB struct {
	// OnCommit is told of every write that took a number, after it is safe. It is set before the first write and must not write
	// for the same user; that user's next write waits for it.
	OnCommit func(tandem.Delta)

	pool  *pgxpool.Pool
	now   func() time.Time
	newID func() string
	log   *slog.Logger
	turns turnstile
	epoch epoch
}

// defaultConns bounds the connections of a process where the DSN says nothing (pool_max_conns). A transaction holds one for a
// few round trips.
const defaultConns = 16

// Open connects to the database of the DSN, which may be that of a transaction-mode pooler. Poolers that do not keep prepared
// statements (PgBouncer before 1.21) want default_query_exec_mode=exec in it. A role that could see more than the rows of the person at
// hand is refused, and so is a database that is not migrated.
func Open(ctx context.Context, dsn string, o Options) (*DB, error) {
	config, err := pgxpool.ParseConfig(dsn)
	if err != nil {
		return nil, fmt.Errorf("open store: %w", err)
	}
	if !strings.Contains(dsn, "pool_max_conns") {
		config.MaxConns = defaultConns
	}
	config.ConnConfig.Tracer = traced(o)
	config.AfterConnect = prepareConn
	db := &DB{now: o.Now, newID: o.NewID, log: o.Log}
	if db.now == nil {
		db.now = time.Now
	}
	if db.newID == nil {
		db.newID = tandem.NewID
	}
	if db.log == nil {
		db.log = slog.New(slog.DiscardHandler)
	}
	if db.pool, err = pgxpool.NewWithConfig(ctx, config); err != nil {
		return nil, fmt.Errorf("open store: %w", err)
	}
	if err := db.check(ctx); err != nil {
		db.pool.Close()
		return nil, fmt.Errorf("open store: %w", err)
	}
	return db, nil
}

// prepareConn makes a new connection give instants in UTC.
func prepareConn(_ context.Context, c *pgx.Conn) error {
	c.TypeMap().RegisterType(&pgtype.Type{
		Name: "timestamptz", OID: pgtype.TimestamptzOID, Codec: &pgtype.TimestamptzCodec{ScanLocation: time.UTC},
	})
	return nil
}

// check looks at who we are, at the schema and at the promise of COMMIT, and reads the epoch.
func (db *DB) check(ctx context.Context) error {
	if err := db.checkRole(ctx); err != nil {
		return err
	}
	if _, err := db.Schema(ctx); err != nil {
		return err
	}
	return db.epoch.read(ctx, db)
}

func (db *DB) checkRole(ctx context.Context) error {
	var name, commit string
	var super, bypass, owner bool
	err := db.pool.QueryRow(ctx, `
		select current_user, rolsuper, rolbypassrls, current_setting('synchronous_commit'),
			exists (select from pg_roles o where o.rolname in ('tandem_owner', 'tandem_sweep') and pg_has_role(current_user, o.oid, 'member'))
		from pg_roles where rolname = current_user`).Scan(&name, &super, &bypass, &commit, &owner)
	switch {
	case err != nil:
		return verdict(err)
	case super:
		return fmt.Errorf("the role %s is a superuser, whom no row is hidden from; use tandem_app or tandem_worker", name)
	case bypass:
		return fmt.Errorf("the role %s bypasses row-level security; use tandem_app or tandem_worker", name)
	case owner:
		return fmt.Errorf("the role %s is a member of the owner of the tables; use tandem_app or tandem_worker", name)
	case commit == "off":
		return errors.New("synchronous_commit is off: what was acknowledged could be lost; turn it on for this database or role")
	}
	return nil
}

// Close waits for the work that is going on and closes the connections. It is called once.
func (db *DB) Close() error {
	db.pool.Close()
	return nil
}

// Ping reports whether the store answers and its schema is one that this program can work on.
func (db *DB) Ping(ctx context.Context) error {
	_, err := db.Schema(ctx)
	return err
}

// Schema gives the version of the schema, with an error where it is older than this program. A newer one is fine: migrations
// only add, so that both programs work during an upgrade.
func (db *DB) Schema(ctx context.Context) (version int, err error) {
	err = db.pool.QueryRow(ctx, `select value::int from meta where key = 'schema'`).Scan(&version)
	switch {
	case undefinedTable(err):
		return 0, errors.New("the database is empty: run tandem migrate")
	case err != nil:
		return 0, verdict(fmt.Errorf("read schema version: %w", err))
	case version < len(migrations):
		return version, fmt.Errorf("the schema is version %d, want %d: run tandem migrate", version, len(migrations))
	}
	return version, nil
}

// clock gives now as the store keeps it.
func (db *DB) clock() time.Time { return db.now().UTC().Truncate(time.Millisecond) }
