package storetest

import (
	"context"
	"encoding/json"
	"strings"
	"sync"
	"testing"
	"time"

	"tandem"
)

// Audience holds what it is told of commits against the store: what the live deltas come to is what a snapshot holds.
type Audience struct {
	store Store
	now   func() time.Time

	mu    sync.Mutex
	seq   map[tandem.UserID]tandem.Seq
	rows  map[tandem.UserID]map[string]string
	holes []tandem.Delta
}

// NewAudience makes an audience of a store whose clock is now. The store tells Hear of every commit.
func NewAudience(s Store, now func() time.Time) *Audience {
	return &Audience{store: s, now: now, seq: map[tandem.UserID]tandem.Seq{}, rows: map[tandem.UserID]map[string]string{}}
}

// Hear is told of a commit.
func (a *Audience) Hear(d tandem.Delta) {
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

// Check compares everyone's rows.
func (a *Audience) Check(t *testing.T) {
	t.Helper()
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, d := range a.holes {
		t.Errorf("%s was told %d..%d with %d changes out of order", d.User, d.From, d.To, len(d.Changes))
	}
	for user, seq := range a.seq {
		snap, err := a.store.Snapshot(context.WithoutCancel(t.Context()), user) // the test is over
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

func (a *Audience) compare(t *testing.T, user tandem.UserID, snap tandem.Snapshot) {
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
		old := strings.HasPrefix(key, "msg/") && len(snap.Rows[tandem.KindMsg]) >= tandem.SnapshotMessages ||
			strings.HasPrefix(key, "conv/") && len(snap.Rows[tandem.KindConv]) == tandem.SnapshotConversations ||
			strings.HasPrefix(key, "task/") && a.doneLongAgo(row)
		if !old {
			t.Errorf("%s still believes in %s: %s", user, key, row)
		}
	}
}

func (a *Audience) doneLongAgo(row string) bool {
	var task tandem.TaskRow
	if err := json.Unmarshal([]byte(row), &task); err != nil || task.CompletedAt == nil {
		return false
	}
	return !time.Time(*task.CompletedAt).After(a.now().Add(-tandem.SnapshotCompleted))
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
		return tandem.SettingsRowID
	case ids.UID != "":
		return ids.UID
	default:
		return strings.Trim(string(ids.ID), `"`)
	}
}
