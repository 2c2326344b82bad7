package hub

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"tandem"
	"tandem/sync/client"
	"tandem/sync/wire"
)

const ann = tandem.UserID("ann")

// device is a member with the replica that its frames build.
type device struct {
	t       *testing.T
	m       *Member
	replica *client.Replica
	turns   map[string]int64
	texts   map[string]string
	done    map[string]bool
	acks    []wire.Ack
	nacks   []wire.Nack
	deltas  int
	beats   []tandem.Seq
}

func join(t *testing.T, h *Hub, res Resume) *device {
	t.Helper()
	return rejoin(t, h, res, client.NewReplica())
}

func rejoin(t *testing.T, h *Hub, res Resume, r *client.Replica) *device {
	t.Helper()
	if res.Client == "" {
		res.Client = tandem.NewID()
	}
	m, err := h.Join(t.Context(), ann, res)
	if err != nil {
		t.Fatal(err)
	}
	d := &device{t: t, m: m, replica: r, turns: map[string]int64{}, texts: map[string]string{}, done: map[string]bool{}}
	if err := r.Ready(wire.Ready{Epoch: m.Epoch, Seq: m.Seq, Mode: m.Mode}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(m.Leave)
	return d
}

// drain applies every frame that is there, and gives the error of Next. It waits for nothing.
func (d *device) drain() error {
	for {
		frame, err := d.m.Next(d.t.Context(), d.m.room.hub.o.Now())
		if frame == nil {
			return err
		}
		d.apply(frame)
	}
}

func (d *device) apply(frame []byte) {
	d.t.Helper()
	f, err := wire.DecodeServer(frame)
	if err != nil {
		d.t.Fatal(err)
	}
	switch f := f.(type) {
	case wire.Snap:
		err = d.replica.Snap(f)
	case wire.Delta:
		d.deltas++
		err = d.replica.Delta(f)
	case wire.Ack:
		d.acks = append(d.acks, f)
		err = d.replica.Ack(f)
	case wire.Nack:
		d.nacks = append(d.nacks, f)
	case wire.Heartbeat:
		d.beats = append(d.beats, f.Seq)
	case wire.Turn:
		d.turn(f.TurnEvent)
	}
	if err != nil {
		d.t.Fatal(err)
	}
}

func (d *device) turn(e tandem.TurnEvent) { // R5
	d.t.Helper()
	last, known := d.turns[e.Turn]
	if e.Ev != tandem.TurnEvState && (known && e.N != last+1 || !known && e.Ev != tandem.TurnEvStart) {
		d.t.Fatalf("event %d (%s) came after %d", e.N, e.Ev, last)
	}
	d.turns[e.Turn] = e.N
	if e.Ev == tandem.TurnEvState { // replaces all, also an end that the sender has not heard of
		d.texts[e.Turn], d.done[e.Turn] = e.Text, false
	}
	d.texts[e.Turn] += e.D
	d.done[e.Turn] = d.done[e.Turn] || e.Ev == tandem.TurnEvDone
}

// agrees compares what the device holds with the log.
func (d *device) agrees(m *memory) {
	d.t.Helper()
	want, err := m.Snapshot(d.t.Context(), ann)
	if err != nil {
		d.t.Fatal(err)
	}
	if d.replica.Seq != want.Seq || len(d.replica.Rows[tandem.KindTask]) != len(want.Rows[tandem.KindTask]) {
		d.t.Fatalf("the device is at %d with %d rows, the log at %d with %d",
			d.replica.Seq, len(d.replica.Rows[tandem.KindTask]), want.Seq, len(want.Rows[tandem.KindTask]))
	}
	for _, row := range want.Rows[tandem.KindTask] {
		var r struct{ UID string }
		if err := json.Unmarshal(row, &r); err != nil {
			d.t.Fatal(err)
		}
		if got := d.replica.Rows[tandem.KindTask][r.UID]; string(got) != string(row) {
			d.t.Fatalf("%s is %s, want %s", r.UID, got, row)
		}
	}
}

func start(t *testing.T, m *memory, l *line, change ...func(*Options)) *Hub {
	t.Helper()
	o := Options{Channel: l, Store: m, Turns: m}
	for _, f := range change {
		f(&o)
	}
	return New(o)
}

func publish(t *testing.T, h *Hub, s tandem.Signal) {
	t.Helper()
	s.User = ann
	if err := h.Publish(t.Context(), s); err != nil {
		t.Fatal(err)
	}
}

func TestRoom_JoinsTheChannelBeforeItReadsTheHead(t *testing.T) {
	m, l := newMemory(), newLine()
	h := start(t, m, l)
	m.put(ann, uid(1), 1)
	lateStore := &lateWrite{memory: m}
	h.o.Store = lateStore
	lateStore.before = func() {
		d := m.put(ann, uid(2), 1) // commits between the join and the read of the head
		publish(t, h, tandem.Signal{Delta: &d})
	}
	d := join(t, h, Resume{})
	if err := d.drain(); err != nil {
		t.Fatal(err)
	}
	d.agrees(m)
	if l.events[0] != "join" {
		t.Errorf("the channel saw %v, want join first", l.events)
	}
	d.m.Leave()
	if got := l.events[len(l.events)-1]; got != "leave" {
		t.Errorf("after the last member left the channel saw %s, want leave", got)
	}
}

// lateWrite has something happen right before the head is read.
type lateWrite struct {
	*memory
	before func()
}

func (s *lateWrite) Head(ctx context.Context, user tandem.UserID) (tandem.Head, error) {
	if s.before != nil {
		s.before()
		s.before = nil
	}
	return s.memory.Head(ctx, user)
}

func TestR1_NumbersAreContiguousOverABadChannel(t *testing.T) {
	m, l := newMemory(), newLine()
	h := start(t, m, l)
	devices := []*device{join(t, h, Resume{}), join(t, h, Resume{}), join(t, h, Resume{})}
	first, lost, third := m.put(ann, uid(1), 1), m.put(ann, uid(2), 1), m.put(ann, uid(1), 2)
	publish(t, h, tandem.Signal{Delta: &first})
	publish(t, h, tandem.Signal{Delta: &first})
	publish(t, h, tandem.Signal{Delta: &third})
	publish(t, h, tandem.Signal{Delta: &lost})
	for _, d := range devices {
		if err := d.drain(); err != nil {
			t.Fatal(err)
		}
		d.agrees(m)
	}
	if n := m.count("log"); n > 1 {
		t.Errorf("a gap of three devices took %d reads of the log", n)
	}
}

func TestRoom_HearsOfAHead(t *testing.T) {
	m, l := newMemory(), newLine()
	h := start(t, m, l)
	d := join(t, h, Resume{})
	m.put(ann, uid(1), 1)
	publish(t, h, tandem.Signal{Head: 1})
	if err := d.drain(); err != nil {
		t.Fatal(err)
	}
	d.agrees(m)
}

func TestRun_ComparesHeads(t *testing.T) {
	for name, tc := range map[string]struct {
		down bool
		wait time.Duration
	}{
		"the channel works": {false, 36 * time.Second},
		"it is down":        {true, 2 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				m, l := newMemory(), newLine()
				h := start(t, m, l)
				ctx, cancel := context.WithCancel(t.Context())
				done := make(chan error)
				go func() { done <- h.Run(ctx) }()
				d := join(t, h, Resume{})
				if tc.down {
					h.ChannelState(false)
				}
				synctest.Wait()
				m.put(ann, uid(1), 1) // no signal tells of it
				<-time.After(tc.wait + time.Millisecond)
				synctest.Wait()
				if err := d.drain(); err != nil {
					t.Fatal(err)
				}
				d.agrees(m)
				d.m.Leave()
				cancel()
				if err := <-done; err != nil {
					t.Fatal(err)
				}
			})
		})
	}
}

func TestRoom_WorksWithoutAChannelAndJoinsItLater(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, l := newMemory(), newLine()
		l.down = errDown
		h := start(t, m, l)
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error)
		go func() { done <- h.Run(ctx) }()
		d := join(t, h, Resume{})
		delta := m.put(ann, uid(1), 1)
		if err := h.Publish(ctx, tandem.Signal{User: ann, Delta: &delta}); !errors.Is(err, errDown) {
			t.Errorf("publishing on a dead channel gave %v", err)
		}
		if err := d.drain(); err != nil {
			t.Fatal(err)
		}
		d.agrees(m) // our own members are told nevertheless
		l.mu.Lock()
		l.down = nil
		l.mu.Unlock()
		h.ChannelState(true)
		synctest.Wait()
		delta = m.put(ann, uid(2), 1)
		publish(t, h, tandem.Signal{Delta: &delta})
		if n := m.count("log"); n != 0 {
			t.Errorf("the log was read %d times, want never", n)
		}
		if err := d.drain(); err != nil {
			t.Fatal(err)
		}
		d.agrees(m)
		d.m.Leave()
		cancel()
		if err := <-done; err != nil {
			t.Fatal(err)
		}
	})
}

func TestRoom_OfAnotherHistoryIsLeft(t *testing.T) {
	m, l := newMemory(), newLine()
	h := start(t, m, l)
	m.put(ann, uid(1), 1)
	old := join(t, h, Resume{})
	m.mu.Lock()
	m.epoch, m.logs[ann] = "e2", nil
	m.mu.Unlock()
	fresh := join(t, h, Resume{Epoch: "e1", Seq: &old.m.Seq})
	if fresh.m.Epoch != "e2" || fresh.m.Why != wire.WhyEpoch || fresh.m.Seq != 0 {
		t.Errorf("after a restore a device is welcomed with %+v", fresh.m.Welcome)
	}
	if err := old.drain(); !errors.Is(err, ErrEnded) || old.m.Ended().Close != wire.CloseRestart {
		t.Errorf("the old connection: %v, %+v, want its end with 1012", err, old.m.Ended())
	}
}

func TestRoom_FailingToOpenIsTriedAgain(t *testing.T) {
	m, l := newMemory(), newLine()
	h := start(t, m, l)
	m.broken = errDown
	if _, err := h.Join(t.Context(), ann, Resume{}); !errors.Is(err, errDown) {
		t.Fatalf("joining over a broken store gave %v", err)
	}
	m.broken = nil
	join(t, h, Resume{})
	if joins, leaves := count(l.events, "join"), count(l.events, "leave"); joins != 2 || leaves != 1 {
		t.Errorf("the channel was joined %d times and left %d times, want 2 and 1", joins, leaves)
	}
}

func count(list []string, s string) (n int) {
	for _, v := range list {
		if v == s {
			n++
		}
	}
	return n
}

func TestMember_ReadFailuresHeal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, l := newMemory(), newLine()
		h := start(t, m, l)
		d := join(t, h, Resume{})
		if err := d.drain(); err != nil {
			t.Fatal(err)
		}
		m.mu.Lock()
		m.broken = errDown
		m.mu.Unlock()
		m.put(ann, uid(1), 1)
		publish(t, h, tandem.Signal{Head: 1})
		d.m.Heartbeat()
		if err := d.drain(); err != nil {
			t.Fatal(err)
		}
		if len(d.beats) != 1 || d.beats[0] != 0 {
			t.Errorf("heartbeats during an outage are %v, want one of what is known", d.beats)
		}
		m.mu.Lock()
		m.broken = nil
		m.mu.Unlock()
		frame, err := d.m.Next(t.Context(), time.Now().Add(time.Minute))
		if err != nil {
			t.Fatal(err)
		}
		d.apply(frame)
		d.agrees(m)
		d.m.Leave()
	})
}

func TestMember_SlowDeviceIsConflated(t *testing.T) { // G8
	m, l := newMemory(), newLine()
	conflated := 0
	var d *device
	h := start(t, m, l, func(o *Options) { o.Metrics.Conflated = func() { conflated++ } })
	answer := func(_ context.Context, mid int64) (wire.ServerFrame, error) {
		if mid%2 == 0 {
			return wire.Nack{Mid: mid, Code: wire.CodeInvalid, Msg: "again"}, nil
		}
		return wire.Ack{Mid: mid, Seq: 10, Result: json.RawMessage(`{"again":true}`)}, nil
	}
	d = join(t, h, Resume{Answer: answer})
	if err := d.drain(); err != nil {
		t.Fatal(err)
	}
	begin := d.deltas
	publish(t, h, tandem.Signal{Turn: &tandem.TurnEvent{Turn: "t1", Conv: 1, N: 1, Ev: tandem.TurnEvStart}})
	d.m.Ack(wire.Ack{Mid: 1, Seq: 0, Result: json.RawMessage(`{}`)})
	d.m.Nack(wire.Nack{Mid: 2, Code: wire.CodeInvalid})
	for i := range 1000 {
		delta := m.put(ann, uid(i%7), i)
		publish(t, h, tandem.Signal{Delta: &delta})
		publish(t, h, tandem.Signal{Turn: &tandem.TurnEvent{Turn: "t1", Conv: 1, N: int64(i + 2), Ev: tandem.TurnEvText, D: "x"}})
		h.find(ann).mu.Lock()
		if len(d.m.queue) > maxQueue || d.m.bytes > maxQueueBytes {
			t.Fatalf("the queue holds %d frames of %d bytes", len(d.m.queue), d.m.bytes)
		}
		h.find(ann).mu.Unlock()
	}
	if conflated == 0 {
		t.Fatal("nothing was conflated")
	}
	if err := d.drain(); err != nil {
		t.Fatal(err)
	}
	d.agrees(m)
	if n := d.deltas - begin; n > maxQueue+1 {
		t.Errorf("a slow device got %d deltas", n)
	}
	if len(d.acks) != 1 || d.acks[0].Mid != 1 || len(d.nacks) != 1 || d.nacks[0].Mid != 2 {
		t.Errorf("answers are %+v and %+v, want both made again", d.acks, d.nacks)
	}
	if d.turns["t1"] != 1001 || d.texts["t1"] != strings.Repeat("x", 1000) {
		t.Errorf("the turn is at %d with %d letters, want 1001 with 1000", d.turns["t1"], len(d.texts["t1"]))
	}
}

func TestMember_OneLargeChangeIsConflatedToo(t *testing.T) {
	m, l := newMemory(), newLine()
	h := start(t, m, l)
	d := join(t, h, Resume{})
	row := json.RawMessage(`{"uid":"big","text":"` + strings.Repeat("x", maxQueueBytes) + `"}`)
	for i := range 3 {
		delta := m.write(ann, tandem.Change{Kind: tandem.KindTask, ID: "big", Version: int64(i), Row: row})
		publish(t, h, tandem.Signal{Delta: &delta})
	}
	if err := d.drain(); err != nil {
		t.Fatal(err)
	}
	d.agrees(m)
}

func TestR4_AckWaitsForItsDelta(t *testing.T) {
	m, l := newMemory(), newLine()
	h := start(t, m, l)
	d := join(t, h, Resume{})
	m.put(ann, uid(1), 1) // its signal is lost
	d.m.Ack(wire.Ack{Mid: 1, Seq: 1, Result: json.RawMessage(`{}`)})
	if err := d.drain(); err != nil {
		t.Fatal(err)
	}
	d.agrees(m)
	if len(d.acks) != 1 {
		t.Errorf("acks are %+v", d.acks)
	}
}

func TestMember_FloodOfControlFramesEndsIt(t *testing.T) {
	m, l := newMemory(), newLine()
	d := join(t, start(t, m, l), Resume{})
	for range maxControl + 1 {
		d.m.Control(wire.Err{Code: wire.CodeBadFrame})
	}
	if err := d.drain(); !errors.Is(err, ErrEnded) || d.m.Ended().Close != wire.CloseSlow {
		t.Errorf("the member: %v, %+v, want its end with 4408", err, d.m.Ended())
	}
}

func TestR3_DeltasBeginRightBehindTheSnapshot(t *testing.T) {
	m, l := newMemory(), newLine()
	h := start(t, m, l)
	for i := range 50 {
		m.put(ann, uid(i), i)
	}
	d := join(t, h, Resume{})
	for i := range 600 { // while the snapshot has not left yet
		delta := m.put(ann, uid(i%50), 100+i)
		publish(t, h, tandem.Signal{Delta: &delta})
	}
	if err := d.drain(); err != nil {
		t.Fatal(err)
	}
	d.agrees(m)
}

func TestMember_SnapshotIsReadOnceForAllWhoWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, l := newMemory(), newLine()
		gate := make(chan struct{})
		h := start(t, m, l)
		h.o.Store = &slowSnapshot{memory: m, gate: gate}
		done := make(chan *Member)
		for range 5 {
			go func() {
				member, err := h.Join(t.Context(), ann, Resume{Client: tandem.NewID()})
				if err != nil {
					t.Error(err)
				}
				done <- member
			}()
		}
		synctest.Wait() // all five wait for the one that reads
		close(gate)
		for range 5 {
			(<-done).Leave()
		}
		if n := m.count("snapshot"); n != 1 {
			t.Errorf("5 devices took %d snapshots", n)
		}
	})
}

type slowSnapshot struct {
	*memory
	gate chan struct{}
}

func (s *slowSnapshot) Snapshot(ctx context.Context, user tandem.UserID) (tandem.Snapshot, error) {
	<-s.gate
	return s.memory.Snapshot(ctx, user)
}

func TestMember_ResyncTellsAgain(t *testing.T) {
	m, l := newMemory(), newLine()
	h := start(t, m, l)
	m.put(ann, uid(1), 1)
	d := join(t, h, Resume{})
	for i := range 5 {
		delta := m.put(ann, uid(i), i+2)
		publish(t, h, tandem.Signal{Delta: &delta})
	}
	for { // the frames get lost on the way
		if frame, err := d.m.Next(t.Context(), time.Now()); frame == nil {
			if err != nil {
				t.Fatal(err)
			}
			break
		} else if strings.HasPrefix(string(frame), `{"t":"snap"`) {
			d.apply(frame)
		}
	}
	if err := d.m.Resync(t.Context(), d.replica.Seq); err != nil {
		t.Fatal(err)
	}
	if err := d.drain(); err != nil {
		t.Fatal(err)
	}
	d.agrees(m)
	if !slices.Equal(d.beats, []tandem.Seq{6}) {
		t.Errorf("heartbeats are %v, want the proof of the head 6", d.beats)
	}
}

// A start that came again, late and behind a gap, once began the turn anew.
func TestTurn_LateStartIsARepetition(t *testing.T) {
	m, l := newMemory(), newLine()
	h := start(t, m, l)
	d := join(t, h, Resume{})
	begin := tandem.TurnEvent{Turn: "t1", N: 1, Ev: tandem.TurnEvStart}
	m.turns["t1"] = tandem.Turn{ID: "t1", UserID: ann, Status: tandem.TurnRunning, N: 3, Reply: "ab"}
	publish(t, h, tandem.Signal{Turn: &begin})
	publish(t, h, tandem.Signal{Turn: &tandem.TurnEvent{Turn: "t1", N: 3, Ev: tandem.TurnEvText, D: "b"}})
	publish(t, h, tandem.Signal{Turn: &begin})
	if err := d.drain(); err != nil {
		t.Fatal(err)
	}
	if d.texts["t1"] != "ab" {
		t.Errorf("the device reads %q, want ab", d.texts["t1"])
	}
}

func TestPresence_TellsWhoIsThere(t *testing.T) {
	m, l := newMemory(), newLine()
	h := start(t, m, l)
	a, b := join(t, h, Resume{Client: "a"}), join(t, h, Resume{Client: "b"})
	publish(t, h, tandem.Signal{Turn: &tandem.TurnEvent{Turn: "t1", N: 1, Ev: tandem.TurnEvStart}})
	if got := presence(t, a); len(got.Devices) != 2 || got.Devices[0].Client != "a" || len(got.Agent.Turns) != 1 {
		t.Errorf("presence is %+v, want a, b and the assistant", got)
	}
	b.m.Leave()
	publish(t, h, tandem.Signal{Turn: &tandem.TurnEvent{Turn: "t1", N: 2, Ev: tandem.TurnEvDone, End: &tandem.TurnEnd{}}})
	if got := presence(t, a); len(got.Devices) != 1 || len(got.Agent.Turns) != 0 {
		t.Errorf("presence is %+v, want a alone", got)
	}
}

func presence(t *testing.T, d *device) (last wire.Presence) {
	t.Helper()
	for {
		frame, err := d.m.Next(t.Context(), time.Now())
		if err != nil {
			t.Fatal(err)
		}
		if frame == nil {
			return last
		}
		if f, err := wire.DecodeServer(frame); err != nil {
			t.Fatal(err)
		} else if p, ok := f.(wire.Presence); ok {
			last = p
		}
	}
}
