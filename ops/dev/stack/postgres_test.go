package stack_test

import (
	"os"
	"testing"

	"github.com/jackc/pgx/v5"

	"tandem/ops/dev/stack"
)

func TestMain(m *testing.M) { os.Exit(stack.Tests{M: m}.Run()) }

func query(t *testing.T, dsn, sql string) string {
	t.Helper()
	cfg, err := pgx.ParseConfig(dsn)
	if err != nil {
		t.Fatal(err)
	}
	cfg.DefaultQueryExecMode = pgx.QueryExecModeExec // the pooler keeps no prepared statements
	conn, err := pgx.ConnectConfig(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context())
	var out string
	if err := conn.QueryRow(t.Context(), sql).Scan(&out); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
	return out
}

func TestPostgres_KeepsItsDataAndPortOverAStopAndACrash(t *testing.T) {
	t.Parallel()
	pg := stack.Postgres(t)
	db := pg.Database(t)
	pg.Exec(t, db, "CREATE TABLE kept AS SELECT 'yes' AS x; CREATE ROLE app LOGIN; GRANT SELECT ON kept TO app")
	for name, end := range map[string]func(){"Stop": pg.Stop, "Kill": pg.Kill} {
		before := pg.PID()
		end()
		if pg.Running() {
			t.Fatalf("it runs after %s", name)
		}
		pg.Start()
		if got := query(t, pg.DSN("app", db), "SELECT x FROM kept"); got != "yes" || pg.PID() == before {
			t.Errorf("after %s: the row reads %q in process %d, want yes in another than %d", name, got, pg.PID(), before)
		}
	}
}

func TestPostgres_SettingsWin(t *testing.T) {
	t.Parallel()
	pg := stack.Postgres(t, "fsync=on", "max_connections=33")
	for setting, want := range map[string]string{"fsync": "on", "max_connections": "33", "synchronous_commit": "on", "listen_addresses": "127.0.0.1"} {
		if got := query(t, pg.DSN("", ""), "SELECT current_setting('"+setting+"')"); got != want {
			t.Errorf("%s is %s, want %s", setting, got, want)
		}
	}
}

func TestPgBouncer_PoolsByTransactionForRolesMadeLater(t *testing.T) {
	t.Parallel()
	pg := stack.SharedPostgres(t)
	b := stack.PgBouncer(t, pg, "default_pool_size = 1")
	db := pg.Database(t)
	pg.Exec(t, "", "CREATE ROLE later LOGIN")
	idle, err := pgx.Connect(t.Context(), b.DSN("later", db))
	if err != nil {
		t.Fatal(err)
	}
	defer idle.Close(t.Context())
	if _, err := idle.Exec(t.Context(), "SELECT 1"); err != nil {
		t.Fatal(err)
	}
	if got := query(t, b.DSN("later", db), "SELECT current_user || '@' || current_database()"); got != "later@"+db {
		t.Errorf("beside an idle client on the only connection I am %s, want later@%s", got, db)
	}
	b.Stop()
	b.Start()
	if got := query(t, b.DSN("", db), "SELECT current_user::text"); got != "postgres" {
		t.Errorf("after a restart I am %s, want postgres", got)
	}
}
