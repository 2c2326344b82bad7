package stack

import (
	"context"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"sync/atomic"
	"syscall"

	"github.com/jackc/pgx/v5"
)

// PG is a PostgreSQL cluster of its own. Every role signs in without a password; postgres is the superuser. Its default collation is ICU's
// en-US, as strange to byte order as a production database may be.
type PG struct {
	*Process
	Port int
	made atomic.Int64
}

var sharedPostgres shared[*PG]

// SharedPostgres is the cluster that all tests of this binary share; each takes a Database of it.
func SharedPostgres(t T) *PG {
	t.Helper()
	Require(t, "postgres")
	return sharedPostgres.get(t, func(t T) (*PG, error) { return newPostgres(t) })
}

// Postgres starts a cluster with fsync off. Settings are lines of postgresql.conf ("fsync=on", "max_connections=20"); the last one wins.
func Postgres(t T, settings ...string) *PG {
	t.Helper()
	Require(t, "postgres")
	pg, err := newPostgres(t, settings...)
	if err != nil {
		t.Fatalf("%v", err)
	}
	return pg
}

func newPostgres(t T, settings ...string) (*PG, error) {
	as, err := unprivileged("postgres", "nobody")
	if err != nil {
		return nil, err
	}
	dir, err := folder(t, "postgres", as)
	if err != nil {
		return nil, err
	}
	port, err := ports(t, 1)
	if err != nil {
		return nil, err
	}
	data := filepath.Join(dir, "data")
	if err := initCluster(dir, data, as); err != nil {
		return nil, err
	}
	server, err := postgresProgram("postgres")
	if err != nil {
		return nil, err
	}
	pg := &PG{Port: port[0]}
	pg.Process, err = launch(t, spec{
		name: "postgres", path: server, dir: dir, user: as, args: serverArgs(dir, data, pg.Port, settings), ready: pg.ping,
		stop: syscall.SIGINT, orphan: syscall.SIGQUIT,
	})
	return pg, err
}

func initCluster(dir, data string, as *syscall.Credential) error {
	initdb, err := postgresProgram("initdb")
	if err != nil {
		return err
	}
	cmd := &exec.Cmd{
		Path: initdb, Dir: dir, SysProcAttr: attributes(as, syscall.SIGKILL),
		Args: []string{
			initdb, "-D", data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C",
			"--locale-provider=icu", "--icu-locale=en-US", "--no-sync",
		},
	}
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("initdb: %w\n%s", err, out)
	}
	return nil
}

func serverArgs(dir, data string, port int, settings []string) []string {
	args := []string{"-D", data}
	for _, s := range append([]string{
		"listen_addresses=127.0.0.1", "port=" + strconv.Itoa(port), "unix_socket_directories=" + dir,
		"fsync=off", "full_page_writes=off", "shared_buffers=64MB", "max_connections=200", "log_line_prefix=%m [%p] %u@%d ",
	}, settings...) {
		args = append(args, "-c", s)
	}
	return args
}

// unprivileged finds the first of the users: some servers refuse to run as root. For any other person it is nil.
func unprivileged(names ...string) (*syscall.Credential, error) {
	if os.Geteuid() != 0 {
		return nil, nil
	}
	for _, name := range names {
		u, err := user.Lookup(name)
		if err != nil {
			continue
		}
		uid, err := strconv.ParseUint(u.Uid, 10, 32)
		if err != nil {
			return nil, err
		}
		gid, err := strconv.ParseUint(u.Gid, 10, 32)
		if err != nil {
			return nil, err
		}
		return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}, nil
	}
	return nil, fmt.Errorf("this server does not run as root, and there is none of the users %v", names)
}

func (pg *PG) ping(ctx context.Context) error {
	conn, err := pgx.Connect(ctx, pg.DSN("", ""))
	if err != nil {
		return err
	}
	return conn.Close(ctx)
}

// DSN is the address of a database for a role; empty ones are postgres.
func (pg *PG) DSN(role, db string) string { return dsn(pg.Port, role, db) }

func dsn(port int, role, db string) string {
	if role == "" {
		role = "postgres"
	}
	if db == "" {
		db = "postgres"
	}
	u := url.URL{Scheme: "postgres", User: url.User(role), Host: loopback(port), Path: "/" + db, RawQuery: "sslmode=disable"}
	return u.String()
}

// Database makes an empty database that is dropped when t ends, and gives its name.
func (pg *PG) Database(t T) string {
	t.Helper()
	name := fmt.Sprintf("test_%d_%d", os.Getpid(), pg.made.Add(1))
	pg.Exec(t, "", "CREATE DATABASE "+name)
	t.Cleanup(func() {
		if pg.Running() {
			pg.drop(t, name)
		}
	})
	return name
}

func (pg *PG) drop(t T, name string) {
	// The test's context has ended by now.
	if err := pg.exec(context.WithoutCancel(t.Context()), "", "DROP DATABASE IF EXISTS "+name+" WITH (FORCE)"); err != nil {
		t.Errorf("drop the database %s: %v", name, err)
	}
}

// Exec runs statements as the superuser.
func (pg *PG) Exec(t T, db, sql string) {
	t.Helper()
	if err := pg.exec(t.Context(), db, sql); err != nil {
		t.Fatalf("in the database %s: %v", db, err)
	}
}

func (pg *PG) exec(ctx context.Context, db, sql string) error {
	conn, err := pgx.Connect(ctx, pg.DSN("", db))
	if err != nil {
		return err
	}
	defer conn.Close(ctx)
	_, err = conn.Exec(ctx, sql)
	return err
}
