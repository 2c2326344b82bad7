package sqlite

import (
	"context"
	"testing"

	"tandem"
	"tandem/server/store"
)

func TestFinder_OnlyAReaderOfTheSameStateHelps(t *testing.T) {
	db := open(t, nil)
	mustAdd(t, db, "One")
	now := func() account {
		a, err := view(t.Context(), db, func(ctx context.Context, c *conn) (account, error) {
			a, _, err := readAccount(ctx, c, "ann")
			return a, err
		})
		if err != nil {
			t.Fatal(err)
		}
		return a
	}
	f := &finder{db: db, user: "ann", account: now()}
	helps := func() (helped bool) {
		f.assist(t.Context(), func(by *finder) {
			helped = true
			set, err := by.hits(t.Context(), tandem.Term{"one"})
			if err != nil || !set.Has(2*1) {
				t.Errorf("the helper finds %v, %v; want the title of task 1", set, err)
			}
		})
		return helped
	}
	if !helps() {
		t.Error("a free reader that sees the same state does not help")
	}
	mustAdd(t, db, "Two")
	if helps() {
		t.Error("a reader helps that sees a later write than the search")
	}
	if f.account = now(); !helps() {
		t.Error("a free reader does not help with the later state")
	}
	for range readConns {
		c := <-db.readers
		defer func() { db.readers <- c }()
	}
	if helps() {
		t.Error("helped although no reader is free")
	}
}

func TestFindings_HoldUntilTheNextWriteAndNoLongerThanTheirUser(t *testing.T) {
	db := open(t, nil)
	db.manyTasks = 0
	count := func() int {
		page, err := db.List(t.Context(), "ann", tandem.Query{Search: tandem.ParseSearch("milk")})
		if err != nil {
			t.Fatal(err)
		}
		return page.Total
	}
	for want := range 3 {
		for range 2 {
			if got := count(); got != want {
				t.Errorf("found %d tasks, want %d", got, want)
			}
		}
		mustAdd(t, db, "Buy milk")
	}
	if len(db.found.of) == 0 {
		t.Error("nothing is remembered")
	}
	for i := range 2 * maxFindings {
		db.found.put(account{}, string(rune('a'+i)), &store.Bitset{})
	}
	if len(db.found.of) != maxFindings || len(db.found.order) != maxFindings {
		t.Errorf("%d are remembered, %d in order; want %d", len(db.found.of), len(db.found.order), maxFindings)
	}
	if err := db.DeleteUser(t.Context(), "ann"); err != nil || db.found.of != nil {
		t.Errorf("after the erasure %v: %d are remembered", err, len(db.found.of))
	}
}
