package sqlite

import (
	"path/filepath"
	"testing"
	"time"

	"tandem"
)

// TestOpen_FreesTheEventsOfAProcessThatDied takes an event that another process had claimed and not done, and none that it had done.
func TestOpen_FreesTheEventsOfAProcessThatDied(t *testing.T) {
	path := filepath.Join(t.TempDir(), "tandem.db")
	claim := func(db *DB, key, owner string) tandem.KeyState {
		t.Helper()
		state, err := db.Claim(t.Context(), key, owner, time.Hour)
		if err != nil {
			t.Fatal(err)
		}
		return state
	}
	visitStore(t, path, func(db *DB) {
		claim(db, "begun", "one")
		claim(db, "done", "one")
		if err := db.Done(t.Context(), "done", "one", time.Hour); err != nil {
			t.Fatal(err)
		}
		if got := claim(db, "begun", "two"); got != tandem.KeyHeld {
			t.Fatalf("while its owner lives, a claim is %q", got)
		}
	})
	visitStore(t, path, func(db *DB) {
		if got := claim(db, "begun", "two"); got != tandem.KeyClaimed {
			t.Errorf("the claim of a process that died is %q", got)
		}
		if got := claim(db, "done", "two"); got != tandem.KeyDone {
			t.Errorf("work that was done is %q", got)
		}
	})
}
