package client

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"

	"tandem"
	"tandem/sync/wire"
)

// ErrBroken is wrapped by every violation of the protocol's invariants that a replica notices.
var ErrBroken = errors.New("the stream of changes is broken")

// Replica holds the confirmed rows of a person. It does no I/O and knows no clock.
type Replica struct {
	Epoch string
	Seq   tandem.Seq
	Rows  map[tandem.Kind]map[string]json.RawMessage // by the id of changes

	mode   wire.Mode // of the connection; empty before ready
	coming string    // the epoch of the snapshot that is staged
	staged map[tandem.Kind]map[string]json.RawMessage
	part   int
	fresh  bool // the next delta is the first one behind a snapshot
}

// NewReplica makes one that holds nothing.
func NewReplica() *Replica {
	return &Replica{Rows: map[tandem.Kind]map[string]json.RawMessage{}}
}

// Disconnected forgets what was staged on a connection that is gone.
func (r *Replica) Disconnected() {
	r.mode, r.staged, r.part = "", nil, 0
}

// Ready takes the answer to hello.
func (r *Replica) Ready(f wire.Ready) error {
	switch {
	case r.mode != "":
		return fmt.Errorf("%w: ready came twice", ErrBroken)
	case f.Mode != wire.ModeSnapshot && (f.Epoch != r.Epoch || f.Seq < r.Seq):
		return fmt.Errorf("%w: %s at %s/%d for a client at %s/%d", ErrBroken, f.Mode, f.Epoch, f.Seq, r.Epoch, r.Seq)
	case f.Mode == wire.ModeLive && f.Seq != r.Seq:
		return fmt.Errorf("%w: live at %d for a client at %d", ErrBroken, f.Seq, r.Seq)
	}
	r.mode, r.fresh = f.Mode, false
	if f.Mode == wire.ModeSnapshot {
		r.coming, r.staged = f.Epoch, map[tandem.Kind]map[string]json.RawMessage{}
	}
	return nil
}

// Snap stages a part of a snapshot, and takes all parts over at the last one.
func (r *Replica) Snap(f wire.Snap) error {
	if r.staged == nil || f.I != r.part {
		return fmt.Errorf("%w: part %d of a snapshot is not the next one", ErrBroken, f.I)
	}
	r.part++
	for kind, rows := range f.Rows {
		if r.staged[kind] == nil {
			r.staged[kind] = map[string]json.RawMessage{}
		}
		for _, row := range rows {
			id, err := idOf(kind, row)
			if err != nil {
				return err
			}
			r.staged[kind][id] = row
		}
	}
	if f.Last {
		r.Rows, r.Epoch, r.Seq = r.staged, r.coming, f.Seq
		r.staged, r.part, r.fresh = nil, 0, true
	}
	return nil
}

// idOf gives the id under which changes name a row.
func idOf(kind tandem.Kind, row json.RawMessage) (string, error) {
	if kind == tandem.KindSettings {
		return string(tandem.KindSettings), nil
	}
	var ids struct {
		UID string          `json:"uid"`
		ID  json.RawMessage `json:"id"`
	}
	if err := json.Unmarshal(row, &ids); err != nil {
		return "", fmt.Errorf("%w: a %s row: %w", ErrBroken, kind, err)
	}
	if ids.UID != "" {
		return ids.UID, nil
	}
	return wire.ID(ids.ID).String(), nil
}

// Delta applies a stretch of the log; one that is known changes nothing.
func (r *Replica) Delta(f wire.Delta) error {
	switch {
	case r.mode == "" || r.staged != nil:
		return fmt.Errorf("%w: a delta before everything it builds on", ErrBroken)
	case f.From > r.Seq+1, f.From < 1, f.To < f.From:
		return fmt.Errorf("%w: changes %d to %d for a client at %d", ErrBroken, f.From, f.To, r.Seq)
	case r.fresh && f.From != r.Seq+1:
		return fmt.Errorf("%w: the first changes behind a snapshot at %d begin with %d", ErrBroken, r.Seq, f.From)
	}
	if f.To <= r.Seq {
		return nil
	}
	for _, c := range f.Changes {
		rows := r.Rows[c.Kind]
		if rows == nil {
			rows = map[string]json.RawMessage{}
			r.Rows[c.Kind] = rows
		}
		if c.Op == wire.OpDel {
			delete(rows, c.ID)
		} else {
			rows[c.ID] = c.Row
		}
	}
	r.Seq, r.fresh = f.To, false
	return nil
}

// Ack checks that an answer did not overtake its change.
func (r *Replica) Ack(f wire.Ack) error {
	if f.Seq > r.Seq {
		return fmt.Errorf("%w: the answer to %d at %d overtook its change; the client is at %d", ErrBroken, f.Mid, f.Seq, r.Seq)
	}
	return nil
}

// CaughtUp reports whether the replica holds everything up to its Seq.
func (r *Replica) CaughtUp() bool { return r.mode != "" && r.staged == nil }

// Clone copies the replica; rows are shared, as nobody changes them.
func (r *Replica) Clone() *Replica {
	out := *r
	out.staged = nil
	out.Rows = make(map[tandem.Kind]map[string]json.RawMessage, len(r.Rows))
	for kind, rows := range r.Rows {
		out.Rows[kind] = maps.Clone(rows)
	}
	return &out
}
