package sqlite

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"tandem"
)

//go:embed migrations/*.sql
var migrationFiles embed.FS

// migrations are the statements that lead from each version of the schema to the next, in order.
var migrations = readMigrations()

func readMigrations() []string {
	names, err := fs.Glob(migrationFiles, "migrations/*.sql")
	if err != nil {
		panic(err)
	}
	out := make([]string, len(names))
	for i, name := range names {
		text, err := migrationFiles.ReadFile(name)
		if err != nil {
			panic(err)
		}
		out[i] = string(text)
	}
	return out
}

func schemaVersion(ctx context.Context, c *conn) (version int, err error) {
	_, err = c.one(ctx, into(&version), `pragma user_version`)
	return version, err
}

// migrate brings the schema up to date, after a copy was made of what is there.
func (db *DB) migrate(ctx context.Context, c *conn) error {
	version, err := schemaVersion(ctx, c)
	switch {
	case err != nil:
		return err
	case version > len(migrations):
		return fmt.Errorf("the file was written by a newer program (schema %d, this one knows %d)", version, len(migrations))
	case version > 0 && version < len(migrations):
		if err := db.copyBefore(ctx, c, version+1); err != nil {
			return err
		}
	}
	for ; version < len(migrations); version++ {
		if err := c.step(ctx, version); err != nil {
			return fmt.Errorf("migrate to schema %d: %w", version+1, err)
		}
	}
	return nil
}

// step runs one migration, all or nothing.
func (c *conn) step(ctx context.Context, version int) error {
	return c.transact(ctx, "begin immediate", func(ctx context.Context, c *conn) error {
		if _, err := c.sql.ExecContext(ctx, migrations[version]); err != nil {
			return err
		}
		tandem.FaultPoint("migrate.mid")
		if version == 0 {
			if _, err := c.exec(ctx, `insert into meta (key, value) values ('identity', lower(hex(randomblob(16))))`); err != nil {
				return err
			}
		}
		_, err := c.sql.ExecContext(ctx, fmt.Sprintf("pragma user_version = %d", version+1))
		return err
	})
}

// copyBefore keeps the file as it was before a migration. A copy left by an attempt that failed is replaced.
func (db *DB) copyBefore(ctx context.Context, c *conn, version int) error {
	path := fmt.Sprintf("%s.before-%04d", db.path, version)
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := c.copyTo(ctx, path); err != nil {
		return fmt.Errorf("copy to %s: %w", path, err)
	}
	return nil
}

// dropCopies removes the copies that were made before migrations.
func (db *DB) dropCopies() error {
	paths, err := filepath.Glob(db.path + ".before-*")
	for _, path := range paths {
		err = errors.Join(err, os.Remove(path))
	}
	return err
}
