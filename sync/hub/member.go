package hub

import (
	"context"
	"errors"
	"iter"
	"slices"
	"strings"
	"time"

	"tandem"
	"tandem/sync/wire"
)

// Bounds of a member's queues. Beyond them the queue of deltas, acks and turns is conflated; a member whose control frames
// do not fit, or that is owed too many answers, is sent away as slow. Control frames have room for all the refusals that a
// flood gets before it is ended for what it is.
const (
	maxQueue      = 256
	maxQueueBytes = 256 << 10
	maxControl    = 256
	maxOwed       = 1024
)

const (
	retryRead   = 250 * time.Millisecond // between a failed read and the next one
	resyncEvery = time.Second            // a client can have the log read again for itself
)

// Answer makes the frame again that answered a mutation: an ack or a nack.
type Answer func(ctx context.Context, mid int64) (wire.ServerFrame, error)

// Resume is what a client tells of itself.
type Resume struct {
	Client string
	Token  string // id of its access token, if it is a program
	Epoch  string
	Seq    *tandem.Seq      // nil: it holds nothing
	Turns  map[string]int64 // running turns that it knows, with their last n
	Answer Answer
}

// Welcome is what a member is told at first.
type Welcome struct {
	Epoch string
	Seq   tandem.Seq // the head
	Mode  wire.Mode
	Why   wire.Why
	Turns []wire.Running
}

// Member is one connection in its room. Next is for one goroutine; everything else may be called from any.
type Member struct {
	Welcome
	room   *room
	client string
	token  string
	answer Answer
	since  time.Time
	wake   chan struct{}

	// guarded by room.mu
	cursor   tandem.Seq // everything up to here was sent or stands in the queue
	control  [][]byte
	staged   func() ([]byte, bool) // catch-up frames, in front of the queue
	unstage  func()
	queue    []item
	bytes    int
	waiting  []wire.Ack // for their deltas
	owed     []int64    // mids whose answers were dropped
	lost     []*turn    // whose events were dropped
	presence bool
	beat     bool
	retry    time.Time // of a failed read
	resynced time.Time
	ending   *End
	left     bool
}

// item is a frame in the queue with what it takes to do without it.
type item struct {
	data []byte
	from tandem.Seq // of a delta; 0: none
	at   time.Time  // when the delta arrived
	mid  int64      // of an answer
	turn *turn
}

// ErrEnded is what Next gives when the connection is to be ended; see Member.Ended.
var ErrEnded = errors.New("the connection is ended")

// errOver is what a join meets in a room that another one has taken the place of.
var errOver = errors.New("the room is over")

// Join brings a connection into its user's room and decides how it catches up. The member is told nothing before the first
// Next. Each member is to Leave.
func (h *Hub) Join(ctx context.Context, user tandem.UserID, res Resume) (*Member, error) {
	m, err := h.join(ctx, user, res)
	if errors.Is(err, errOver) {
		m, err = h.join(ctx, user, res)
	}
	if err != nil {
		return nil, err
	}
	h.o.Metrics.Resumed(string(m.Mode), string(m.Why))
	return m, nil
}

func (h *Hub) join(ctx context.Context, user tandem.UserID, res Resume) (*Member, error) {
	r, err := h.enter(ctx, user)
	if err != nil {
		return nil, err
	}
	if r.stale(h.o.Store.Epoch(ctx)) {
		h.forget(r)
		r.restart()
		h.exit(r)
		return nil, errOver
	}
	m := &Member{
		room: r, client: res.Client, token: res.Token, answer: res.Answer, since: h.o.Now(), wake: make(chan struct{}, 1),
	}
	m.Epoch = r.epoch
	if err := m.catchUpAtFirst(ctx, res); err != nil {
		m.Leave()
		return nil, err
	}
	if err := m.enterTurns(ctx, res.Turns); err != nil {
		m.Leave()
		return nil, err
	}
	return m, nil
}

// Leave takes the member out of its room. It is idempotent.
func (m *Member) Leave() {
	r := m.room
	r.mu.Lock()
	again := m.left
	m.left = true
	delete(r.members, m)
	m.drop()
	if m.unstage != nil {
		m.unstage()
		m.staged, m.unstage = nil, nil
	}
	r.presenceChanged()
	r.mu.Unlock()
	if !again {
		r.hub.stir(r.user)
		r.hub.exit(r)
	}
}

// catchUpAtFirst decides between live, one squashed delta and a snapshot, and takes the member in.
func (m *Member) catchUpAtFirst(ctx context.Context, res Resume) error {
	r := m.room
	why := wire.Why("")
	switch {
	case res.Seq == nil || res.Epoch == "":
		why = wire.WhyNew
	case res.Epoch != r.epoch:
		why = wire.WhyEpoch
	default:
		var err error
		if why, err = m.difference(ctx, *res.Seq); err != nil {
			return err
		}
	}
	if why == "" {
		return nil
	}
	m.Mode, m.Why = wire.ModeSnapshot, why
	s, err := r.snapshot(ctx)
	if err != nil {
		return err
	}
	m.staged, m.unstage = iter.Pull(wire.EncodeSnapshot(s))
	m.Seq, m.cursor = s.Seq, s.Seq
	r.take(m)
	return nil
}

// difference takes the member in without a snapshot, or says why that cannot be.
func (m *Member) difference(ctx context.Context, from tandem.Seq) (wire.Why, error) {
	r := m.room
	if err := r.lock(ctx); err != nil {
		return "", err
	}
	defer r.unlock()
	if err := r.meet(ctx, from); err != nil {
		return "", err
	}
	r.mu.Lock()
	head, floor := r.seq, r.floor
	r.mu.Unlock()
	m.Mode, m.Seq, m.cursor = wire.ModeLive, from, from
	switch {
	case from > head:
		return wire.WhyAhead, nil
	case from < floor:
		return wire.WhyExpired, nil
	case from == head:
		r.take(m)
		return "", nil
	}
	d, why, err := r.affordable(ctx, from)
	if why != "" || err != nil {
		return why, err
	}
	m.Mode, m.Seq, m.cursor = wire.ModeDelta, d.To, d.To
	m.stage(r.frameOf(d))
	r.take(m)
	return "", nil
}

// meet makes sure that the room is not behind a client that was told more by another process. The caller holds lock.
func (r *room) meet(ctx context.Context, seq tandem.Seq) error {
	r.mu.Lock()
	ahead := seq > r.seq
	r.mu.Unlock()
	if ahead {
		head, err := r.hub.o.Store.Head(ctx, r.user)
		if err != nil {
			return err
		}
		r.mu.Lock()
		r.hear(head.Seq, "head")
		r.mu.Unlock()
	}
	return r.fillGap(ctx)
}

// affordable gives the difference, unless it is dearer than half of the live rows or the log does not reach back. The
// caller holds lock.
func (r *room) affordable(ctx context.Context, from tandem.Seq) (tandem.Delta, wire.Why, error) {
	r.mu.Lock()
	d, known := r.tail.since(from)
	live := r.live
	r.mu.Unlock()
	changes := len(d.Changes)
	if !known || live == 0 {
		var err error
		if changes, live, err = r.hub.o.Store.Cost(ctx, r.user, from); err != nil {
			return d, "", err
		}
		r.mu.Lock()
		r.live = live
		r.mu.Unlock()
	}
	if 2*changes > live {
		return d, wire.WhyCheaper, nil
	}
	d, ok, err := r.since(ctx, from)
	if err == nil && !ok {
		return d, wire.WhyExpired, nil
	}
	return d, "", err
}

// take makes m a member. A room that moved on meanwhile is caught up with by Next.
func (r *room) take(m *Member) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.members[m] = struct{}{}
	if r.over {
		m.end(restarted)
	}
	r.hear(m.cursor, "head")
	r.presenceChanged()
	r.hub.stir(r.user)
}

// enterTurns tells the member of the turns that run, and of those that ended while it was away.
func (m *Member) enterTurns(ctx context.Context, has map[string]int64) error {
	r := m.room
	var gone []string
	r.mu.Lock()
	m.Turns = []wire.Running{}
	for id, t := range r.turns {
		if t.done == nil && r.hub.o.Now().Sub(t.seen) > turnQuiet {
			t.known = false // it may have ended unheard; better ask before telling
		}
		n, holds := has[id]
		if t.done == nil {
			m.Turns = append(m.Turns, wire.Running{Turn: id, Conv: t.conv, N: t.n})
		}
		if t.done == nil && (!holds || n != t.n) || t.done != nil && holds {
			m.owe(t)
		}
	}
	for id := range has {
		if r.turns[id] == nil {
			gone = append(gone, id)
		}
	}
	r.mu.Unlock()
	slices.SortFunc(m.Turns, func(a, b wire.Running) int { return strings.Compare(a.Turn, b.Turn) })
	for _, id := range gone {
		if err := m.TellTurn(ctx, id); err != nil {
			return err
		}
	}
	return nil
}

// TellTurn sends the member the state of a turn, and its end if it has ended; nothing for a turn that does not exist.
func (m *Member) TellTurn(ctx context.Context, id string) error {
	r := m.room
	r.mu.Lock()
	t := r.turns[id]
	r.mu.Unlock()
	if t == nil {
		var err error
		if t, err = r.storedTurn(ctx, id); t == nil || err != nil {
			return err
		}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	m.owe(t)
	return nil
}

// Seen gives the number up to which the member was told.
func (m *Member) Seen() tandem.Seq {
	m.room.mu.Lock()
	defer m.room.mu.Unlock()
	return m.cursor
}

// Control queues a frame that keeps no order with deltas and overtakes them.
func (m *Member) Control(f wire.ServerFrame) {
	data := wire.Encode(f)
	m.room.mu.Lock()
	defer m.room.mu.Unlock()
	size := 0
	for _, c := range m.control {
		size += len(c)
	}
	if len(m.control) >= maxControl || size > maxQueueBytes {
		m.end(End{Close: wire.CloseSlow})
		return
	}
	m.control = append(m.control, data)
	m.wakeUp()
}

// Ack queues the answer to a mutation behind everything up to its number. Number 0: behind what was told so far.
func (m *Member) Ack(a wire.Ack) {
	r := m.room
	r.mu.Lock()
	defer r.mu.Unlock()
	r.hear(a.Seq, "ack")
	m.waiting = append(m.waiting, a)
	m.flush()
	if len(m.waiting) > maxQueue {
		m.forgive(m.waiting[0].Mid)
		m.waiting = m.waiting[1:]
	}
	m.wakeUp()
}

// Nack queues the refusal of a mutation. One that can be made again from what is stored may be dropped and made again.
func (m *Member) Nack(n wire.Nack) {
	if n.Mid == 0 || !n.Code.Final() {
		m.Control(n)
		return
	}
	m.room.mu.Lock()
	defer m.room.mu.Unlock()
	m.push(item{data: wire.Encode(n), mid: n.Mid})
	m.wakeUp()
}

// Renew has the member's connection depend on another access token; empty: on none.
func (m *Member) Renew(token string) {
	m.room.mu.Lock()
	defer m.room.mu.Unlock()
	m.token = token
}

// Heartbeat sends the head once everything before it is sent.
func (m *Member) Heartbeat() {
	m.room.mu.Lock()
	defer m.room.mu.Unlock()
	m.beat = true
	m.wakeUp()
}

// Resync takes a client at its word that it is at seq: everything behind it is told again. The head is read from the
// database and a heartbeat follows, as the proof that nothing is missing.
func (m *Member) Resync(ctx context.Context, seq tandem.Seq) error {
	r := m.room
	head, err := r.hub.o.Store.Head(ctx, r.user)
	if err != nil {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.hear(head.Seq, "head")
	if now := r.hub.o.Now(); seq < m.cursor && m.staged == nil && now.Sub(m.resynced) >= resyncEvery {
		m.resynced = now
		m.conflate(false)
		m.cursor = min(seq, m.cursor)
	}
	m.beat = true
	m.wakeUp()
	return nil
}

// End asks for the end of the connection: Next gives what is queued and then ErrEnded. The first reason stays.
func (m *Member) End(e End) {
	m.room.mu.Lock()
	defer m.room.mu.Unlock()
	m.end(e)
}

func (m *Member) end(e End) {
	if m.ending == nil {
		m.ending = &e
		m.wakeUp()
	}
}

// Ended gives why Next gave ErrEnded.
func (m *Member) Ended() End {
	m.room.mu.Lock()
	defer m.room.mu.Unlock()
	if m.ending == nil {
		return End{Close: wire.CloseNormal}
	}
	return *m.ending
}

func (m *Member) wakeUp() {
	select {
	case m.wake <- struct{}{}:
	default:
	}
}
