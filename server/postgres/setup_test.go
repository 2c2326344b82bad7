package postgres

import (
	"context"
	"fmt"
	"os"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"tandem"
	"tandem/ops/dev/stack"
)

// template is a migrated database that every test's own is copied from: a tenth of the time of a migration.
var template struct {
	once sync.Once
	name string
	made atomic.Int64
}

// database makes a migrated database on the shared cluster and gives its name.
func database(tb testing.TB) (*stack.PG, string) {
	tb.Helper()
	pg := stack.SharedPostgres(tb)
	template.once.Do(func() {
		name := fmt.Sprintf("template_%d", os.Getpid())
		pg.Exec(tb, "", "create database "+name)
		if _, err := Migrate(tb.Context(), pg.DSN("", name)); err != nil {
			tb.Errorf("migrate: %v", err)
			return
		}
		template.name = name
	})
	if template.name == "" {
		tb.Fatal("there is no migrated database")
	}
	name := fmt.Sprintf("store_%d_%d", os.Getpid(), template.made.Add(1))
	pg.Exec(tb, "", "create database "+name+" template "+template.name)
	return pg, name
}

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

// background is for what outlives the test.
func background(tb testing.TB) context.Context { return context.WithoutCancel(tb.Context()) }

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
