package session_test

import (
	"encoding/json"
	"strings"
	"testing"

	"tandem"
	"tandem/server/inproc"
	"tandem/sync/client"
	"tandem/sync/session"
	"tandem/sync/wire"
)

func (r *raw) turn(ev tandem.TurnEv) wire.Turn {
	r.t.Helper()
	for {
		if f := expect[wire.Turn](r); f.Ev == ev {
			return f
		}
	}
}

func TestTurn_StreamsToEveryDevice(t *testing.T) {
	w := newWorld(t)
	a, _ := w.greet(session.Principal{User: "ann"}, hello())
	b, _ := w.greet(session.Principal{User: "ann"}, hello())
	turn := tandem.NewID()
	a.send(wire.Chat{Turn: turn, Text: "hello"})
	a.turn(tandem.TurnEvStart)
	w.assistant.says("ann", turn, "Good ")
	w.assistant.says("ann", turn, "morning")
	w.assistant.end("ann", turn, tandem.TurnDone)
	for _, r := range []*raw{a, b} {
		if f := r.turn(tandem.TurnEvDone); f.N != 4 || f.End == nil || f.End.Status != tandem.TurnDone {
			t.Errorf("the end is %+v, want event 4 with its status", f)
		}
	}
}

func TestR5_LateDeviceGetsStateThenLiveEvents(t *testing.T) {
	w := newWorld(t)
	turn := tandem.NewID()
	w.assistant.tell("ann", turn, tandem.TurnEvent{Ev: tandem.TurnEvStart, Engine: "planner"})
	w.assistant.says("ann", turn, "Good ")
	w.assistant.says("ann", turn, "mor")
	r, ready := w.greet(session.Principal{User: "ann"}, hello())
	if len(ready.Turns) != 1 || ready.Turns[0].Turn != turn || ready.Turns[0].N != 3 {
		t.Fatalf("ready tells of %+v, want the running turn at 3", ready.Turns)
	}
	if f := expect[wire.Turn](r); f.Ev != tandem.TurnEvState || f.N != 3 || f.Text != "Good mor" {
		t.Fatalf("a late device got %+v, want the state at 3", f)
	}
	w.assistant.says("ann", turn, "ning")
	if f := expect[wire.Turn](r); f.Ev != tandem.TurnEvText || f.N != 4 || f.D != "ning" {
		t.Errorf("after the state came %+v, want event 4", f)
	}
}

func TestTurn_DeviceThatKnowsItGetsNoState(t *testing.T) {
	w := newWorld(t)
	turn := tandem.NewID()
	w.assistant.tell("ann", turn, tandem.TurnEvent{Ev: tandem.TurnEvStart})
	w.assistant.says("ann", turn, "Good ")
	h := hello()
	h.Turns = map[string]int64{turn: 2}
	r, _ := w.greet(session.Principal{User: "ann"}, h)
	w.assistant.says("ann", turn, "morning")
	if f := expect[wire.Turn](r); f.Ev != tandem.TurnEvText || f.N != 3 {
		t.Errorf("a device at 2 got %+v, want event 3", f)
	}
}

func TestTurn_EndedWhileAway(t *testing.T) {
	w := newWorld(t)
	turn := tandem.NewID()
	w.assistant.tell("ann", turn, tandem.TurnEvent{Ev: tandem.TurnEvStart})
	w.assistant.says("ann", turn, "Good morning")
	w.assistant.end("ann", turn, tandem.TurnDone)
	h := hello()
	h.Turns = map[string]int64{turn: 1}
	r, ready := w.greet(session.Principal{User: "ann"}, h)
	if len(ready.Turns) != 0 {
		t.Errorf("ready tells of running turns %+v", ready.Turns)
	}
	state, done := expect[wire.Turn](r), expect[wire.Turn](r)
	if state.Ev != tandem.TurnEvState || state.Text != "Good morning" || done.Ev != tandem.TurnEvDone || done.N != state.N+1 {
		t.Errorf("a device that missed the end got %+v and %+v, want the state and the end", state, done)
	}
}

func TestTurn_RepeatedChatTellsWhatCameOfIt(t *testing.T) {
	w := newWorld(t)
	r, _ := w.greet(session.Principal{User: "ann"}, hello())
	turn := tandem.NewID()
	r.send(wire.Chat{Turn: turn, Text: "hello"})
	r.turn(tandem.TurnEvStart)
	w.assistant.says("ann", turn, "Hi")
	w.assistant.end("ann", turn, tandem.TurnDone)
	r.turn(tandem.TurnEvDone)
	r.send(wire.Chat{Turn: turn, Text: "hello"})
	if f := expect[wire.Turn](r); f.Ev != tandem.TurnEvState || f.Text != "Hi" {
		t.Errorf("the same turn again gave %+v, want its state", f)
	}
	r.turn(tandem.TurnEvDone)
}

func TestTurn_LostAndReorderedSignalsHeal(t *testing.T) {
	for seed := range uint64(20) {
		w := newWorld(t, faults(inproc.NewFaults(seed, 0.2, 0.2, 0.2)))
		got := make(chan wire.Turn, 400)
		c := w.device("ann", func(o *client.Options) {
			o.OnFrame = func(f wire.ServerFrame) {
				if f, ok := f.(wire.Turn); ok {
					got <- f
				}
			}
		})
		w.agrees("ann", c)
		turn := tandem.NewID()
		w.assistant.tell("ann", turn, tandem.TurnEvent{Ev: tandem.TurnEvStart})
		words := strings.Fields(strings.Repeat("and so on ", 20))
		for _, word := range words {
			w.assistant.says("ann", turn, word+" ")
		}
		w.assistant.end("ann", turn, tandem.TurnDone)
		w.channels.Faults = nil
		w.assistant.end("ann", turn, tandem.TurnDone) // whatever was lost, something says that there is more
		text := ""
		for f := range got {
			if f.Ev == tandem.TurnEvState {
				text = f.Text
			}
			if text += f.D; f.Ev == tandem.TurnEvDone {
				break
			}
		}
		if want := strings.Join(words, " ") + " "; text != want {
			t.Fatalf("seed %d: the device read %q, want %q", seed, text, want)
		}
	}
}

func TestTurn_Refusals(t *testing.T) {
	w := newWorld(t)
	r, _ := w.greet(session.Principal{User: "ann"}, hello())
	for code, err := range map[wire.Code]error{
		wire.CodeBusy:     tandem.Limited("busy", 0, "A turn is running."),
		wire.CodeRate:     tandem.Limited("turns", 3000, "Too many turns."),
		wire.CodeNotFound: tandem.NotFound("conversation_id", 7, "conversation"),
		wire.CodeInvalid:  tandem.Invalid("message", 0, "A message has 1 to 4000 characters."),
		wire.CodeConflict: tandem.Conflict("turn_id", "This turn had other words."),
	} {
		w.assistant.mu.Lock()
		w.assistant.replies = func(tandem.UserID, session.ChatRequest) error { return err }
		w.assistant.mu.Unlock()
		turn := tandem.NewID()
		r.send(wire.Chat{Turn: turn, Text: "hello"})
		if n := expect[wire.Nack](r); n.Code != code || n.Turn != turn || n.Mid != 0 {
			t.Errorf("%v got %+v, want %s of the turn", err, n, code)
		}
	}
	r.send(wire.Cancel{Turn: "unknown"})
	if e := expect[wire.Err](r); e.Code != wire.CodeNotFound || e.Ref != "unknown" {
		t.Errorf("cancel of an unknown turn got %+v", e)
	}
	r.send(wire.Approve{Approval: "unknown", OK: true})
	if e := expect[wire.Err](r); e.Code != wire.CodeNotFound || e.Ref != "unknown" {
		t.Errorf("an answer to an unknown question got %+v", e)
	}
}

func TestTurn_CancelFromAnotherDevice(t *testing.T) {
	w := newWorld(t)
	a, _ := w.greet(session.Principal{User: "ann"}, hello())
	b, _ := w.greet(session.Principal{User: "ann"}, hello())
	turn := tandem.NewID()
	a.send(wire.Chat{Turn: turn, Text: "hello"})
	b.turn(tandem.TurnEvStart)
	b.send(wire.Cancel{Turn: turn})
	if f := a.turn(tandem.TurnEvDone); f.End.Status != tandem.TurnCancelled {
		t.Errorf("the turn ended as %s, want cancelled", f.End.Status)
	}
}

func TestQuestions(t *testing.T) {
	w := newWorld(t)
	r, _ := w.greet(session.Principal{User: "ann"}, hello())
	r.send(wire.Parse{ID: wire.ID("7"), Text: "milk tomorrow", TZ: "Asia/Karachi"})
	if p := expect[wire.Parsed](r); p.ID.String() != "7" || len(p.Spans) != 1 || p.Due == nil {
		t.Errorf("parsed is %+v", p)
	}
	r.send(wire.Parse{ID: wire.ID(`"x"`), Text: "milk", TZ: "Nowhere"})
	if e := expect[wire.Err](r); e.Code != wire.CodeInvalid || e.Ref != "x" {
		t.Errorf("a zone that is none got %+v", e)
	}
	r.send(wire.History{ID: wire.ID("8"), Conv: 12})
	if e := expect[wire.Err](r); e.Code != wire.CodeNotFound || e.Ref != "8" {
		t.Errorf("history of an unknown conversation got %+v", e)
	}
	started, _, err := w.db.StartTurn(t.Context(), "ann", tandem.TurnStart{ID: tandem.NewID(), Text: "hi", Owner: "me", Hash: "h"})
	if err != nil {
		t.Fatal(err)
	}
	r.send(wire.History{ID: wire.ID("9"), Conv: started.Conversation})
	if h := expect[wire.HistoryRows](r); h.ID.String() != "9" || len(h.Rows) != 1 || h.Rows[0].Text != "hi" || h.More {
		t.Errorf("history is %+v", h)
	}
	r.send(wire.Approve{Approval: "a1", OK: true, Args: json.RawMessage(`{"task_id":1}`)})
	r.send(wire.Sync{Seq: 0}) // answered at once, so it may overtake
	expect[wire.Heartbeat](r)
}
