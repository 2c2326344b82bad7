package postgres

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"tandem"
	"tandem/ops/dev/stack"
)

func TestMain(m *testing.M) { os.Exit(stack.Tests{M: m}.Run()) }

// databases are migrated ones that tests borrow one after the other: emptying one is quicker than making one.
var databases struct {
	mu   sync.Mutex
	made int
	free []string
}

// database lends a migrated, empty database on the shared cluster, and gives its name.
func database(tb testing.TB) (*stack.PG, string) {
	tb.Helper()
	pg := stack.SharedPostgres(tb)
	databases.mu.Lock()
	defer databases.mu.Unlock()
	if n := len(databases.free); n > 0 {
		name := databases.free[n-1]
		databases.free = databases.free[:n-1]
		giveBack(tb, pg, name)
		return pg, name
	}
	databases.made++
	name := fmt.Sprintf("store_%d_%d", os.Getpid(), databases.made)
	pg.Exec(tb, "", "create database "+name)
	if _, err := Migrate(tb.Context(), pg.DSN("", name)); err != nil {
		tb.Fatalf("migrate: %v", err)
	}
	giveBack(tb, pg, name)
	return pg, name
}

// giveBack empties a database when the test ends; where that fails it is not used again.
func giveBack(tb testing.TB, pg *stack.PG, name string) {
	tb.Helper()
	tb.Cleanup(func() {
		c, err := pgx.Connect(background(tb), pg.DSN("", name))
		if err != nil {
			return // the test stopped the cluster
		}
		_, err = c.Exec(background(tb), emptyTables)
		if cerr := c.Close(background(tb)); err != nil || cerr != nil {
			tb.Errorf("empty %s: %v", name, errors.Join(err, cerr))
			return
		}
		databases.mu.Lock()
		defer databases.mu.Unlock()
		databases.free = append(databases.free, name)
	})
}

// emptyTables deletes every row but what a migration wrote, children first.
const emptyTables = `
	do $$
	declare
		name text;
	begin
		set local session_replication_role = replica; -- no foreign keys
		for name in select relname from pg_class where relkind = 'r' and relnamespace = 'public'::regnamespace and relname <> 'meta' loop
			execute format('delete from public.%I', name);
		end loop;
	end $$`

// open makes a store in a database of its own, as the role of the workers: it may do all that any role may.
func open(tb testing.TB, now func() time.Time) *DB {
	tb.Helper()
	return openWith(tb, Options{Now: now})
}

func openWith(tb testing.TB, o Options) *DB {
	tb.Helper()
	pg, name := database(tb)
	db := openAt(tb, pg.DSN("tandem_worker", name)+"&pool_max_conns=8", o)
	return db
}

// openAt opens a store that is closed with the test.
func openAt(tb testing.TB, dsn string, o Options) *DB {
	tb.Helper()
	db, err := Open(tb.Context(), dsn, o)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := db.Close(); err != nil {
			tb.Errorf("close: %v", err)
		}
	})
	return db
}

// superuser runs statements that no role of the program may.
func superuser(tb testing.TB, pg *stack.PG, name string, statements ...string) {
	tb.Helper()
	for _, s := range statements {
		pg.Exec(tb, name, s)
	}
}

// superuserAfter is superuser for a test that has ended.
func superuserAfter(tb testing.TB, pg *stack.PG, name, statement string) {
	tb.Helper()
	c, err := pgx.Connect(background(tb), pg.DSN("", name))
	if err == nil {
		_, err = c.Exec(background(tb), statement)
		err = errors.Join(err, c.Close(background(tb)))
	}
	if err != nil {
		tb.Error(err)
	}
}

// background is for what outlives the test.
func background(tb testing.TB) context.Context {
	tb.Helper()
	return context.WithoutCancel(tb.Context())
}

// stackOf is the cluster that stores of tests are in.
func stackOf(tb testing.TB) *stack.PG {
	tb.Helper()
	return stack.SharedPostgres(tb)
}

// add makes a task of ann's.
func add(ctx context.Context, db *DB, title string) (tandem.Outcome, error) {
	return db.Edit(ctx, "ann", tandem.Edit{Cause: tandem.Cause{Actor: tandem.ActorUser}, Decide: func(sc tandem.Scene) (tandem.Plan, error) {
		t, _, err := tandem.NewTask(sc, tandem.Draft{Title: title, Description: "about " + title, Tags: []string{"tag"}})
		return tandem.Plan{Tasks: []tandem.Task{t}}, err
	}})
}

func mustAdd(tb testing.TB, db *DB, title string) tandem.Outcome {
	tb.Helper()
	out, err := add(tb.Context(), db, title)
	if err != nil {
		tb.Fatal(err)
	}
	return out
}
