package sqlite

import (
	"path/filepath"
	"testing"
	"time"
)

// open makes a store that is closed with the test.
func open(t testing.TB, now func() time.Time) *DB {
	t.Helper()
	db, err := Open(t.Context(), filepath.Join(t.TempDir(), "tandem.db"), Options{Now: now})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	return db
}

func TestOpen_SecondProcessIsRefused(t *testing.T) {
	db := open(t, nil)
	if other, err := Open(t.Context(), db.path, Options{}); err == nil {
		t.Fatal("a second opening of the same file succeeded", other.Close())
	}
}

func TestEpoch_SurvivesRestartsAndChangesWithARestore(t *testing.T) {
	path := filepath.Join(t.TempDir(), "tandem.db")
	epoch := func(path string) string {
		t.Helper()
		db, err := Open(t.Context(), path, Options{})
		if err != nil {
			t.Fatal(err)
		}
		defer db.Close()
		copied := filepath.Join(t.TempDir(), "copy.db")
		if err := db.Backup(t.Context(), copied); err != nil {
			t.Fatal(err)
		}
		return db.Epoch(t.Context())
	}
	first := epoch(path)
	if again := epoch(path); again != first {
		t.Fatalf("a restart changed the epoch from %s to %s", first, again)
	}
}
