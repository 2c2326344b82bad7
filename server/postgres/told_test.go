package postgres

import (
	"context"
	"encoding/json"
	"strings"
	"sync"
	"testing"
	"time"

	"tandem"
)

// audience holds what it is told of commits against the store: what the live deltas come to is what a snapshot holds.
type audience struct {
	db  *DB
	now func() time.Time

	mu    sync.Mutex
	seq   map[tandem.UserID]tandem.Seq
	rows  map[tandem.UserID]map[string]string
	holes []tandem.Delta
}

// listen makes everything that the store tells be remembered.
func listen(db *DB, now func() time.Time) *audience {
	a := &audience{db: db, now: now, seq: map[tandem.UserID]tandem.Seq{}, rows: map[tandem.UserID]map[string]string{}}
	db.OnCommit = a.hear
	return a
}

func (a *audience) hear(d tandem.Delta) {
	a.mu.Lock()
	defer a.mu.Unlock()
	switch {
	case d.From == 1 && d.To == 1: // also the first write after the user was erased
		a.rows[d.User] = map[string]string{}
	case d.From != a.seq[d.User]+1 || d.To != d.From || len(d.Changes) == 0:
		a.holes = append(a.holes, d)
	}
	a.seq[d.User] = d.To
	for _, ch := range d.Changes {
		key := string(ch.Kind) + "/" + ch.ID
		if ch.Row == nil {
			delete(a.rows[d.User], key)
		} else {
			a.rows[d.User][key] = string(ch.Row)
		}
	}
}

// check compares everyone's rows.
func (a *audience) check(t *testing.T) {
	t.Helper()
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, d := range a.holes {
		t.Errorf("%s was told %d..%d with %d changes out of order", d.User, d.From, d.To, len(d.Changes))
	}
	for user, seq := range a.seq {
		snap, err := a.db.Snapshot(context.WithoutCancel(t.Context()), user) // the test is over
		if err != nil {
			t.Fatal(err)
		}
		if snap.Seq == 0 {
			continue // erased
		}
		if snap.Seq != seq {
			t.Errorf("%s was told up to %d of %d", user, seq, snap.Seq)
		}
		a.compare(t, user, snap)
	}
}

func (a *audience) compare(t *testing.T, user tandem.UserID, snap tandem.Snapshot) {
	t.Helper()
	told := a.rows[user]
	for kind, rows := range snap.Rows {
		for _, row := range rows {
			key := string(kind) + "/" + rowID(t, kind, row)
			if got, ok := told[key]; got != string(row) && (ok || kind != tandem.KindSettings) {
				t.Errorf("%s was told that %s is\n%s\nbut it is\n%s", user, key, got, row)
			}
			delete(told, key)
		}
	}
	for key, row := range told { // what a snapshot leaves out, a device may keep
		old := strings.HasPrefix(key, "msg/") && len(snap.Rows[tandem.KindMsg]) >= snapshotMessages ||
			strings.HasPrefix(key, "conv/") && len(snap.Rows[tandem.KindConv]) == snapshotConversations ||
			strings.HasPrefix(key, "task/") && a.doneLongAgo(row)
		if !old {
			t.Errorf("%s still believes in %s: %s", user, key, row)
		}
	}
}

func (a *audience) doneLongAgo(row string) bool {
	var task tandem.TaskRow
	if err := json.Unmarshal([]byte(row), &task); err != nil || task.CompletedAt == nil {
		return false
	}
	return !time.Time(*task.CompletedAt).After(a.now().Add(-snapshotCompleted))
}

func rowID(t *testing.T, kind tandem.Kind, row json.RawMessage) string {
	t.Helper()
	var ids struct {
		UID string          `json:"uid"`
		ID  json.RawMessage `json:"id"`
	}
	if err := json.Unmarshal(row, &ids); err != nil {
		t.Fatal(err)
	}
	switch {
	case kind == tandem.KindSettings:
		return settingsID
	case ids.UID != "":
		return ids.UID
	default:
		return strings.Trim(string(ids.ID), `"`)
	}
}
