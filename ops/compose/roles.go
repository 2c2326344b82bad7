package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/jackc/pgx/v5"
)

// makeRoles makes the roles that sign in, and gives them their passwords. The migrations make the rest as tandem_migrator, which owns the
// database and is no superuser; the cache of the sidecars has a schema of its own.
func makeRoles(ctx context.Context, dir string, out io.Writer) error {
	dsn, err := os.ReadFile(filepath.Join(dir, "roles", "superuser"))
	if err != nil {
		return err
	}
	conn, err := pgx.Connect(ctx, string(dsn))
	if err != nil {
		return err
	}
	defer conn.Close(context.WithoutCancel(ctx))
	for _, role := range roles {
		if err := makeRole(ctx, conn, filepath.Join(dir, "roles", role), role); err != nil {
			return fmt.Errorf("role %s: %w", role, err)
		}
	}
	for _, sql := range []string{
		`alter role tandem_migrator createrole`,
		`alter database ` + database + ` owner to tandem_migrator`,
		`create schema if not exists cache authorization tandem_cache`,
		`alter role tandem_cache set search_path = cache`,
	} {
		if _, err := conn.Exec(ctx, sql); err != nil {
			return fmt.Errorf("%s: %w", sql, err)
		}
	}
	fmt.Fprintf(out, "%d roles are there\n", len(roles))
	return nil
}

func makeRole(ctx context.Context, conn *pgx.Conn, passwordFile, role string) error {
	password, err := os.ReadFile(passwordFile)
	if err != nil {
		return err
	}
	var there bool
	if err := conn.QueryRow(ctx, `select exists (select from pg_roles where rolname = $1)`, role).Scan(&there); err != nil {
		return err
	}
	verb := "create"
	if there {
		verb = "alter"
	}
	// A statement about roles takes no parameters. The name is a constant.
	_, err = conn.Exec(ctx, verb+` role `+role+` login password '`+strings.ReplaceAll(string(password), "'", "''")+`'`)
	return err
}
