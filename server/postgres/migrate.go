package postgres

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"io/fs"

	"github.com/jackc/pgx/v5"

	"tandem"
)

//go:embed migrations/*.sql
var migrationFiles embed.FS

// rolesFile makes the roles; it runs before every migration and changes nothing where they are right.
const rolesFile = "migrations/roles.sql"

// migrations are the statements that lead from each version of the schema to the next, in order.
var migrations = readMigrations()

func readMigrations() []string {
	names, err := fs.Glob(migrationFiles, "migrations/0*.sql")
	if err != nil {
		panic(err)
	}
	out := make([]string, len(names))
	for i, name := range names {
		out[i] = readMigration(name)
	}
	return out
}

func readMigration(name string) string {
	text, err := migrationFiles.ReadFile(name)
	if err != nil {
		panic(err)
	}
	return string(text)
}

// migrationLock is the advisory lock of whoever migrates.
const migrationLock = 0x7461_6e64_656d // "tandem"

// Migrate brings the schema of the database up to date, forward only, and gives its version. Of several that try at once one
// works and the others wait. The DSN must lead to Postgres itself, not to a pooler, as the owner of the database or as
// tandem_migrator; no superuser is needed, CREATEROLE only the first time.
func Migrate(ctx context.Context, dsn string) (version int, err error) {
	err = direct(ctx, dsn, func(c *pgx.Conn) error {
		for done := false; !done && err == nil; {
			version, done, err = step(ctx, c)
		}
		return err
	})
	if err != nil {
		return version, fmt.Errorf("migrate: %w", err)
	}
	return version, nil
}

// RenewEpoch makes every client load its picture anew. It belongs behind the restore of a backup that Epoch cannot notice.
func RenewEpoch(ctx context.Context, dsn string) error {
	err := direct(ctx, dsn, func(c *pgx.Conn) error {
		return locked(ctx, c, func(tx pgx.Tx) error {
			_, err := tx.Exec(ctx, `update meta set value = $1 where key = 'salt'`, tandem.NewID())
			return err
		})
	})
	if err != nil {
		return fmt.Errorf("renew epoch: %w", err)
	}
	return nil
}

// direct runs f on a connection of its own.
func direct(ctx context.Context, dsn string, f func(*pgx.Conn) error) error {
	config, err := pgx.ParseConfig(dsn)
	if err != nil {
		return err
	}
	config.OnNotice = nil
	c, err := pgx.ConnectConfig(ctx, config)
	if err != nil {
		return err
	}
	return errors.Join(f(c), c.Close(context.WithoutCancel(ctx)))
}

// locked runs f in a transaction as the owner of the schema, alone.
func locked(ctx context.Context, c *pgx.Conn, f func(pgx.Tx) error) error {
	return pgx.BeginFunc(ctx, c, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, `select pg_advisory_xact_lock($1)`, migrationLock); err != nil {
			return err
		}
		if err := script(ctx, c, readMigration(rolesFile)); err != nil {
			return fmt.Errorf("make roles: %w", err)
		}
		if _, err := tx.Exec(ctx, `set local role tandem_owner`); err != nil {
			return err
		}
		return f(tx)
	})
}

// step runs the next migration, all or nothing. Done: there is none.
func step(ctx context.Context, c *pgx.Conn) (version int, done bool, err error) {
	err = locked(ctx, c, func(tx pgx.Tx) error {
		if version, err = presentVersion(ctx, tx); err != nil || version >= len(migrations) {
			done = err == nil
			return err
		}
		if err := script(ctx, c, migrations[version]); err != nil {
			return fmt.Errorf("to schema %d: %w", version+1, err)
		}
		tandem.FaultPoint("migrate.mid")
		version++
		return saveVersion(ctx, tx, version)
	})
	return version, done, err
}

// presentVersion gives 0 for an empty database.
func presentVersion(ctx context.Context, tx pgx.Tx) (version int, err error) {
	var there bool
	if err := tx.QueryRow(ctx, `select to_regclass('public.meta') is not null`).Scan(&there); err != nil || !there {
		return 0, err
	}
	err = tx.QueryRow(ctx, `select value::int from meta where key = 'schema'`).Scan(&version)
	if version > len(migrations) && err == nil {
		err = fmt.Errorf("the database was migrated by a newer program (schema %d, this one knows %d)", version, len(migrations))
	}
	return version, err
}

func saveVersion(ctx context.Context, tx pgx.Tx, version int) error {
	if version == 1 {
		if _, err := tx.Exec(ctx, `insert into meta (key, value) values ('salt', $1)`, tandem.NewID()); err != nil {
			return err
		}
	}
	_, err := tx.Exec(ctx, `
		insert into meta (key, value) values ('schema', $1::int::text) on conflict (key) do update set value = excluded.value`, version)
	return err
}

// script runs a text of several statements.
func script(ctx context.Context, c *pgx.Conn, text string) error {
	_, err := c.PgConn().Exec(ctx, text).ReadAll()
	return err
}
