package hub

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"maps"
	"math/rand/v2"
	"testing"
	"time"

	"tandem"
	"tandem/sync/client"
	"tandem/sync/wire"
)

var seeds = flag.Int("seeds", 40, "how many scripts TestFuzz plays")

// TestFuzz plays seeded scripts on one person's devices over a channel that loses, repeats and reorders, a store that fails
// now and then, and devices that vanish, lag and come back. In the end every device equals the log, has every answer, and
// has read every turn to its end.
func TestFuzz(t *testing.T) {
	for seed := range uint64(*seeds) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) { newScript(t, seed).play(300) })
	}
}

// script is one run. It has one thread, so a seed always tells the same story.
type script struct {
	t       *testing.T
	dice    *rand.Rand
	m       *memory
	l       *line
	h       *Hub
	devices []*actor
	turns   map[string]string // text of each turn
	held    []tandem.Signal
	values  int
}

// actor is a device over several connections.
type actor struct {
	*device
	id    string
	mids  map[int64]tandem.Seq // settled mutations
	acked map[int64]bool
}

func newScript(t *testing.T, seed uint64) *script {
	t.Helper()
	s := &script{t: t, dice: rand.New(rand.NewPCG(seed, 7)), m: newMemory(), l: newLine(), turns: map[string]string{}}
	s.h = start(t, s.m, s.l)
	for range 1 + s.dice.IntN(4) {
		a := &actor{id: tandem.NewID(), mids: map[int64]tandem.Seq{}, acked: map[int64]bool{}}
		s.connect(a)
		s.devices = append(s.devices, a)
	}
	return s
}

func (s *script) play(steps int) {
	steered := []func(){s.edit, s.edit, s.edit, s.mutate, s.mutate, s.read, s.read, s.reconnect, s.talk, s.talk, s.talk, s.burst, s.mishap}
	for range steps {
		steered[s.dice.IntN(len(steered))]()
	}
	s.heal()
}

func (s *script) any() *actor { return s.devices[s.dice.IntN(len(s.devices))] }

// tell carries a signal as badly as a channel can.
func (s *script) tell(sig tandem.Signal) {
	sig.User = ann
	switch s.dice.IntN(10) {
	case 0:
		return
	case 1:
		s.held = append(s.held, sig)
		return
	case 2:
		s.publish(sig)
	}
	s.publish(sig)
	for _, late := range s.held {
		s.publish(late)
	}
	s.held = nil
}

func (s *script) publish(sig tandem.Signal) {
	if err := s.h.Publish(s.t.Context(), sig); err != nil && !errors.Is(err, errDown) {
		s.t.Fatal(err)
	}
}

func (s *script) edit() {
	s.values++
	id := uid(s.dice.IntN(12))
	if s.dice.IntN(8) == 0 {
		d := s.m.write(ann, tandem.Change{Kind: tandem.KindTask, ID: id, Version: int64(s.values)})
		s.tell(tandem.Signal{Delta: &d})
		return
	}
	d := s.m.put(ann, id, s.values)
	s.tell(tandem.Signal{Delta: &d})
}

// mutate is an edit that a device waits for the answer of.
func (s *script) mutate() {
	a := s.any()
	s.values++
	mid := int64(len(a.mids) + 1)
	d := s.m.put(ann, uid(s.dice.IntN(12)), s.values)
	a.mids[mid] = d.To
	s.tell(tandem.Signal{Delta: &d})
	a.m.Ack(wire.Ack{Mid: mid, Seq: d.To, Result: json.RawMessage(`{}`)})
}

func (s *script) burst() {
	for range 1 + s.dice.IntN(400) {
		s.edit()
	}
}

func (s *script) read() {
	a := s.any()
	for range s.dice.IntN(20) {
		frame, err := a.m.Next(s.t.Context(), s.h.o.Now())
		if errors.Is(err, ErrEnded) {
			s.connect(a)
		}
		if frame == nil {
			return
		}
		a.apply(frame)
	}
}

func (s *script) reconnect() { s.connect(s.any()) }

// connect drops the device's connection, with whatever was under way, and makes a new one.
func (s *script) connect(a *actor) {
	broken := s.m.broken
	s.m.broken = nil
	defer func() { s.m.broken = broken }()
	res := Resume{Client: a.id, Answer: func(_ context.Context, mid int64) (wire.ServerFrame, error) {
		return wire.Ack{Mid: mid, Seq: a.mids[mid], Result: json.RawMessage(`{}`)}, nil
	}}
	replica, turns, texts, done := client.NewReplica(), map[string]int64{}, map[string]string{}, map[string]bool{}
	if a.device != nil {
		s.keep(a)
		a.m.Leave()
		replica, turns, texts, done = a.replica, a.turns, a.texts, a.done
		replica.Disconnected()
		seq := replica.Seq
		res.Epoch, res.Seq, res.Turns = replica.Epoch, &seq, map[string]int64{}
		for id, n := range turns {
			if !done[id] {
				res.Turns[id] = n
			}
		}
	}
	a.device = rejoin(s.t, s.h, res, replica)
	maps.Copy(a.turns, turns)
	maps.Copy(a.texts, texts)
	maps.Copy(a.done, done)
	for mid := range a.mids { // sent again, answered again
		if !a.acked[mid] {
			a.m.Ack(wire.Ack{Mid: mid, Seq: a.mids[mid], Result: json.RawMessage(`{}`)})
		}
	}
}

func (s *script) keep(a *actor) {
	for _, ack := range a.acks {
		a.acked[ack.Mid] = true
	}
}

// talk makes the next event of some turn.
func (s *script) talk() {
	id := fmt.Sprintf("turn-%d", s.dice.IntN(4)+len(s.turns)/8)
	row, known := s.m.turns[id]
	if !known {
		row = tandem.Turn{ID: id, UserID: ann, Conversation: 1, Status: tandem.TurnRunning}
	}
	if row.Status != tandem.TurnRunning {
		return
	}
	e := tandem.TurnEvent{Turn: id, Conv: 1, N: row.N + 1, Ev: tandem.TurnEvText, D: fmt.Sprintf("%d ", row.N)}
	switch {
	case !known:
		e.Ev, e.D = tandem.TurnEvStart, ""
	case s.dice.IntN(12) == 0:
		e.Ev, e.D, e.End = tandem.TurnEvDone, "", &tandem.TurnEnd{Status: tandem.TurnDone}
		row.Status = tandem.TurnDone
		s.m.turns[id] = row
		s.tell(tandem.Signal{Turn: &e})
		return
	}
	row.N, row.Reply = e.N, row.Reply+e.D
	s.turns[id] = row.Reply
	s.m.turns[id] = row
	s.tell(tandem.Signal{Turn: &e})
}

func (s *script) mishap() {
	switch s.dice.IntN(5) {
	case 0:
		s.m.broken = errDown
	case 1:
		s.l.down = errDown
	case 2:
		if head := tandem.Seq(len(s.m.logs[ann])); head > 50 {
			s.m.floor = head - 50
		}
	default:
		s.m.broken, s.l.down = nil, nil
	}
}

// heal ends all mishaps, has heads compared, and lets every device read to the end.
func (s *script) heal() {
	s.m.broken, s.l.down = nil, nil
	for _, late := range s.held {
		s.publish(late)
	}
	for id, row := range s.m.turns {
		if row.Status == tandem.TurnRunning {
			row.Status = tandem.TurnDone
			s.m.turns[id] = row
		}
	}
	for _, a := range s.devices {
		s.later(a.m)
	}
	s.h.check(s.t.Context(), s.h.rooms())
	for _, a := range s.devices {
		for errors.Is(a.drain(), ErrEnded) {
			s.connect(a)
		}
		s.keep(a)
		a.agrees(s.m)
		for mid := range a.mids {
			if !a.acked[mid] {
				s.t.Errorf("mutation %d was never answered", mid)
			}
		}
		for id := range a.turns {
			if a.texts[id] != s.turns[id] || !a.done[id] {
				s.t.Errorf("%s reads %q (done: %t), want %q", id, a.texts[id], a.done[id], s.turns[id])
			}
		}
	}
}

// later lets the pauses of a member and its room be over, and its turns be idle.
func (s *script) later(m *Member) {
	r := m.room
	r.mu.Lock()
	defer r.mu.Unlock()
	m.retry = m.since
	for _, t := range r.turns {
		t.asked = time.Time{}
		if t.done == nil {
			t.seen = t.seen.Add(-turnIdle - 1)
		}
	}
}
