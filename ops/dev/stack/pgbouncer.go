package stack

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/jackc/pgx/v5"
)

// Bouncer is a PgBouncer in transaction mode before a cluster.
type Bouncer struct {
	*Process
	Port int
}

// PgBouncer starts a pooler before pg. It knows every role and database of the cluster, also later ones. Settings are lines of the section [pgbouncer].
func PgBouncer(t T, pg *PG, settings ...string) *Bouncer {
	t.Helper()
	Require(t, "pgbouncer")
	b, err := newBouncer(t, pg, settings)
	if err != nil {
		t.Fatalf("%v", err)
	}
	return b
}

func newBouncer(t T, pg *PG, settings []string) (*Bouncer, error) {
	as, err := unprivileged("postgres", "nobody")
	if err != nil {
		return nil, err
	}
	dir, err := folder(t, "pgbouncer", as)
	if err != nil {
		return nil, err
	}
	port, err := ports(t, 1)
	if err != nil {
		return nil, err
	}
	path, err := program("pgbouncer")
	if err != nil {
		return nil, err
	}
	b := &Bouncer{Port: port[0]}
	if err := writeBouncerFiles(dir, b.Port, pg.Port, settings); err != nil {
		return nil, err
	}
	b.Process, err = launch(t, spec{
		name: "pgbouncer", path: path, args: []string{filepath.Join(dir, "pgbouncer.ini")}, dir: dir, user: as, ready: b.ping, stop: syscall.SIGINT,
	})
	return b, err
}

func writeBouncerFiles(dir string, port, server int, settings []string) error {
	users := filepath.Join(dir, "users.txt")
	lines := append([]string{
		"[databases]",
		fmt.Sprintf("* = host=127.0.0.1 port=%d auth_user=postgres", server),
		"[pgbouncer]", "listen_addr = 127.0.0.1", fmt.Sprintf("listen_port = %d", port), "unix_socket_dir =",
		"pool_mode = transaction", "max_client_conn = 1000", "default_pool_size = 20",
		"auth_type = trust", "auth_file = " + users, "auth_query = SELECT usename, coalesce(passwd, '') FROM pg_shadow WHERE usename = $1",
	}, settings...)
	if err := os.WriteFile(users, []byte("\"postgres\" \"\"\n"), 0o644); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, "pgbouncer.ini"), []byte(strings.Join(lines, "\n")+"\n"), 0o644)
}

// DSN is the address of a database for a role, through the pooler; empty ones are postgres.
func (b *Bouncer) DSN(role, db string) string { return dsn(b.Port, role, db) }

func (b *Bouncer) ping(ctx context.Context) error {
	conn, err := pgx.Connect(ctx, b.DSN("", ""))
	if err != nil {
		return err
	}
	return conn.Close(ctx)
}
