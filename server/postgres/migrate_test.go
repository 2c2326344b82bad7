package postgres

import (
	"strings"
	"sync"
	"testing"

	"tandem/ops/dev/stack"
)

// TestMigrate_ByAnOwnerWhoIsNoSuperuser sets the store up as on a managed Postgres: the owner of the database may make roles and
// nothing else; and then once more by many at once, as tandem_migrator.
func TestMigrate_ByAnOwnerWhoIsNoSuperuser(t *testing.T) {
	pg := stack.Postgres(t)
	superuser(t, pg, "", `create role landlord login createrole`, `create database managed owner landlord`)
	if version, err := Migrate(t.Context(), pg.DSN("landlord", "managed")); err != nil || version != len(migrations) {
		t.Fatalf("version %d, %v", version, err)
	}
	db := openAt(t, pg.DSN("tandem_app", "managed"), Options{})
	mustAdd(t, db, "One")
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			if version, err := Migrate(t.Context(), pg.DSN("tandem_migrator", "managed")); err != nil || version != len(migrations) {
				t.Errorf("again: version %d, %v", version, err)
			}
		})
	}
	wg.Wait()
	superuser(t, pg, "", `create database second owner landlord`)
	for range 4 { // of a cluster that has the roles
		wg.Go(func() {
			if _, err := Migrate(t.Context(), pg.DSN("landlord", "second")); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if d := titles(t, db); len(d) != 1 {
		t.Fatalf("tasks %v", d)
	}
}

func TestMigrate_LeavesAHalfDoneMigrationUndone(t *testing.T) {
	pg, name := emptyDatabase(t)
	whole := migrations
	t.Cleanup(func() { migrations = whole })
	migrations = []string{whole[0], "create table extra (x int); select 1/0"}
	if version, err := Migrate(t.Context(), pg.DSN("", name)); err == nil || version != 1 {
		t.Fatalf("version %d, %v", version, err)
	}
	if left := rowsOfText(t, pg.DSN("", name), `select relname from pg_class where relname = 'extra'`); len(left) > 0 {
		t.Fatal("half of a migration is left")
	}
	if _, err := Open(t.Context(), pg.DSN("tandem_app", name), Options{}); err == nil || !strings.Contains(err.Error(), "run tandem migrate") {
		t.Fatalf("opened a database of an older schema: %v", err)
	}
	migrations = whole
	if version, err := Migrate(t.Context(), pg.DSN("", name)); err != nil || version != len(whole) {
		t.Fatalf("repeated: version %d, %v", version, err)
	}
}

func TestOpen_WantsAMigratedDatabase(t *testing.T) {
	database(t) // the roles are there
	pg, name := emptyDatabase(t)
	if _, err := Open(t.Context(), pg.DSN("tandem_app", name), Options{}); err == nil || !strings.Contains(err.Error(), "run tandem migrate") {
		t.Fatalf("opened an empty database: %v", err)
	}
}

func TestMigrate_RefusesTheDatabaseOfANewerProgramWhichStillWorks(t *testing.T) {
	pg, name := emptyDatabase(t)
	if _, err := Migrate(t.Context(), pg.DSN("", name)); err != nil {
		t.Fatal(err)
	}
	superuser(t, pg, name, `update meta set value = '99' where key = 'schema'`)
	if _, err := Migrate(t.Context(), pg.DSN("", name)); err == nil || !strings.Contains(err.Error(), "newer program") {
		t.Fatalf("migrated back: %v", err)
	}
	db := openAt(t, pg.DSN("tandem_app", name), Options{})
	if version, err := db.Schema(t.Context()); version != 99 || err != nil {
		t.Fatalf("version %d, %v", version, err)
	}
	mustAdd(t, db, "One")
}

func TestEpoch_IsThatOfOneHistory(t *testing.T) {
	pg, name := database(t)
	epoch := func(name string) string {
		t.Helper()
		db, err := Open(t.Context(), pg.DSN("tandem_app", name), Options{})
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = db.Close() }()
		return db.Epoch(t.Context())
	}
	first := epoch(name)
	if again := epoch(name); first == "" || first != again {
		t.Fatalf("two processes see %q and %q", first, again)
	}
	superuser(t, pg, "", `create database copied template `+name)
	t.Cleanup(func() { superuserAfter(t, pg, "", `drop database copied with (force)`) })
	if copied := epoch("copied"); copied == first {
		t.Error("a copy has the same epoch")
	}
	if err := RenewEpoch(t.Context(), pg.DSN("tandem_migrator", name)); err != nil {
		t.Fatal(err)
	}
	renewed := epoch(name)
	if renewed == first {
		t.Error("the epoch was not renewed")
	}
	superuser(t, pg, name, // what a restore of a dump over the old tables does
		`create table public.restored as table meta`, `alter table meta rename to old`, `alter table public.restored rename to meta`,
		`grant select on meta to tandem_app`)
	restored := epoch(name)
	superuser(t, pg, name, `drop table meta`, `alter table old rename to meta`)
	if restored == renewed {
		t.Error("restored tables have the same epoch")
	}
}

func TestEpoch_DoesWithoutWhatAManagedPostgresHides(t *testing.T) {
	pg, name := database(t)
	superuser(t, pg, name, `revoke execute on function pg_control_system() from public`)
	t.Cleanup(func() { superuserAfter(t, pg, name, `grant execute on function pg_control_system() to public`) })
	db := openAt(t, pg.DSN("tandem_app", name), Options{})
	if db.Epoch(t.Context()) == "" {
		t.Fatal("no epoch")
	}
}

// emptyDatabase makes a database without any migration.
func emptyDatabase(t *testing.T) (*stack.PG, string) {
	t.Helper()
	pg := stackOf(t)
	return pg, pg.Database(t)
}
