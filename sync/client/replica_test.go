package client

import (
	"encoding/json"
	"errors"
	"testing"

	"tandem"
	"tandem/sync/wire"
)

func put(id, value string) wire.Change {
	return wire.Change{Kind: tandem.KindTask, ID: id, Op: wire.OpPut, Row: json.RawMessage(`{"uid":"` + id + `","v":"` + value + `"}`)}
}

// at gives a replica that was told a snapshot at 5 with one task.
func at5(t *testing.T) *Replica {
	t.Helper()
	r := NewReplica()
	if err := errors.Join(
		r.Ready(wire.Ready{Epoch: "e1", Seq: 5, Mode: wire.ModeSnapshot}),
		r.Snap(wire.Snap{Seq: 5, Rows: map[tandem.Kind][]json.RawMessage{tandem.KindTask: {json.RawMessage(`{"uid":"a","v":"1"}`)}}}),
		r.Snap(wire.Snap{Seq: 5, I: 1, Last: true, Rows: map[tandem.Kind][]json.RawMessage{
			tandem.KindSettings: {json.RawMessage(`{"time_zone":"UTC"}`)}, tandem.KindConv: {json.RawMessage(`{"id":7}`)},
		}}),
	); err != nil {
		t.Fatal(err)
	}
	return r
}

func TestReplica_Rows(t *testing.T) {
	r := at5(t)
	if r.Seq != 5 || r.Epoch != "e1" || r.Rows[tandem.KindConv]["7"] == nil || r.Rows[tandem.KindSettings]["settings"] == nil {
		t.Fatalf("the snapshot is %+v", r)
	}
	before := r.Clone()
	if err := errors.Join(
		r.Delta(wire.Delta{From: 6, To: 6, Changes: []wire.Change{put("a", "2"), put("b", "1")}}),
		r.Delta(wire.Delta{From: 5, To: 6, Changes: []wire.Change{put("a", "0")}}), // known: dropped
		r.Delta(wire.Delta{From: 6, To: 8, Changes: []wire.Change{{Kind: tandem.KindTask, ID: "b", Op: wire.OpDel}}}),
	); err != nil {
		t.Fatal(err)
	}
	tasks := r.Rows[tandem.KindTask]
	if r.Seq != 8 || len(tasks) != 1 || string(tasks["a"]) != `{"uid":"a","v":"2"}` {
		t.Errorf("at %d it holds %s", r.Seq, tasks)
	}
	if string(before.Rows[tandem.KindTask]["a"]) != `{"uid":"a","v":"1"}` || before.Seq != 5 {
		t.Error("a copy changed with what it was copied from")
	}
}

func TestReplica_RefusesBrokenStreams(t *testing.T) {
	for name, step := range map[string]func(*Replica) error{
		"a hole":                       func(r *Replica) error { return r.Delta(wire.Delta{From: 7, To: 7}) },
		"backwards":                    func(r *Replica) error { return r.Delta(wire.Delta{From: 6, To: 5}) },
		"an overlap with the snapshot": func(r *Replica) error { return r.Delta(wire.Delta{From: 5, To: 6}) },
		"a part without a snapshot":    func(r *Replica) error { return r.Snap(wire.Snap{Seq: 5, Last: true}) },
		"an early ack":                 func(r *Replica) error { return r.Ack(wire.Ack{Mid: 1, Seq: 6}) },
		"a second ready":               func(r *Replica) error { return r.Ready(wire.Ready{Epoch: "e1", Seq: 5, Mode: wire.ModeLive}) },
		"a delta before ready": func(r *Replica) error {
			r.Disconnected()
			return r.Delta(wire.Delta{From: 6, To: 6})
		},
		"live in another epoch": func(r *Replica) error {
			r.Disconnected()
			return r.Ready(wire.Ready{Epoch: "e2", Seq: 5, Mode: wire.ModeLive})
		},
		"live at another number": func(r *Replica) error {
			r.Disconnected()
			return r.Ready(wire.Ready{Epoch: "e1", Seq: 6, Mode: wire.ModeLive})
		},
		"delta from behind": func(r *Replica) error {
			r.Disconnected()
			return r.Ready(wire.Ready{Epoch: "e1", Seq: 4, Mode: wire.ModeDelta})
		},
		"a delta inside a snapshot": func(r *Replica) error {
			r.Disconnected()
			_ = r.Ready(wire.Ready{Epoch: "e1", Seq: 9, Mode: wire.ModeSnapshot})
			return r.Delta(wire.Delta{From: 6, To: 6})
		},
		"a row without an id": func(r *Replica) error {
			r.Disconnected()
			_ = r.Ready(wire.Ready{Epoch: "e1", Seq: 9, Mode: wire.ModeSnapshot})
			return r.Snap(wire.Snap{Seq: 9, Rows: map[tandem.Kind][]json.RawMessage{tandem.KindTask: {json.RawMessage(`[]`)}}})
		},
	} {
		if err := step(at5(t)); !errors.Is(err, ErrBroken) {
			t.Errorf("%s: %v, want a broken stream", name, err)
		}
	}
}
