package store

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"tandem"
)

// Write is one transaction of one user while it is put together. What it logs takes the user's next number; one that logs nothing
// takes none.
type Write struct {
	User    tandem.UserID
	Cause   tandem.Cause
	Now     time.Time
	Account Account
	Changes []tandem.Change
	NewID   func() string
}

// Update runs one write of a user, all or nothing. A store whose transactions may lose a race runs change again, on a fresh write.
type Update[W any] func(ctx context.Context, user tandem.UserID, cause tandem.Cause, change func(context.Context, W) error) error

// ErrUndo ends a transaction that is not to be kept, without being an error.
var ErrUndo = errors.New("not to be kept")

// Base gives what every store's write has.
func (w *Write) Base() *Write { return w }

// Seq is the number that this write takes if it logs a change.
func (w *Write) Seq() tandem.Seq { return w.Account.Seq + 1 }

// Head is the user's last number behind this write.
func (w *Write) Head() tandem.Seq {
	if len(w.Changes) > 0 {
		return w.Seq()
	}
	return w.Account.Seq
}

// Delta is what the user's devices are told after the commit.
func (w *Write) Delta() tandem.Delta {
	return tandem.Delta{User: w.User, From: w.Seq(), To: w.Seq(), Changes: w.Changes, TraceID: w.Cause.TraceID}
}

// Put logs that a row is new or changed.
func (w *Write) Put(kind tandem.Kind, id string, version int64, row any) error {
	data, err := encode(row)
	if err == nil {
		w.change(kind, id, version, data)
	}
	return err
}

// PutOnce is Put for a row of which only the last state in this write is logged.
func (w *Write) PutOnce(kind tandem.Kind, id string, row any) error {
	w.Changes = slices.DeleteFunc(w.Changes, func(ch tandem.Change) bool { return ch.Kind == kind && ch.ID == id })
	return w.Put(kind, id, int64(w.Seq()), row)
}

// Again moves the row to the end of what this write logged; false when it logged none of it.
func (w *Write) Again(kind tandem.Kind, id string) bool {
	i := slices.IndexFunc(w.Changes, func(ch tandem.Change) bool { return ch.Kind == kind && ch.ID == id })
	if i < 0 {
		return false
	}
	ch := w.Changes[i]
	w.Changes = append(slices.Delete(w.Changes, i, i+1), ch)
	return true
}

// Gone logs that rows are none any more for clients.
func (w *Write) Gone(kind tandem.Kind, ids ...string) {
	for _, id := range ids {
		w.change(kind, id, int64(w.Seq()), nil)
	}
}

func (w *Write) change(kind tandem.Kind, id string, version int64, row json.RawMessage) {
	w.Changes = append(w.Changes, tandem.Change{
		Kind: kind, ID: id, Version: version, Row: row, Actor: w.Cause.Actor, TurnID: w.Cause.TurnID, Client: w.Cause.Client, Mid: w.Cause.Mid,
	})
}

// LogTask counts the task by its status and logs its new state.
func (w *Write) LogTask(before *tandem.Task, after tandem.Task) error {
	if before != nil {
		w.Account.Tasks[StatusOf(*before)]--
	}
	w.Account.Tasks[StatusOf(after)]++
	if after.DeletedAt != nil {
		w.change(tandem.KindTask, after.UID, after.Version, nil)
		return nil
	}
	return w.Put(tandem.KindTask, after.UID, after.Version, after.RowJSON())
}

// encode writes a row as JSON, unless it is.
func encode(row any) (json.RawMessage, error) {
	if data, ok := row.(json.RawMessage); ok {
		return data, nil
	}
	data, err := json.Marshal(row)
	if err != nil {
		return nil, fmt.Errorf("encode row: %w", err)
	}
	return data, nil
}

// Text gives JSON to a database as text; nil stays null.
func Text(doc json.RawMessage) any {
	if doc == nil {
		return nil
	}
	return string(doc)
}

// Some makes an empty list of none, so that its JSON is one as well.
func Some[T any](v []T) []T {
	if v == nil {
		return []T{}
	}
	return v
}
