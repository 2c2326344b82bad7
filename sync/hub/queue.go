package hub

import (
	"context"
	"errors"
	"slices"
	"time"

	"tandem"
	"tandem/sync/wire"
)

// Next waits for the next frame and gives it; nil, nil at the time until. It reads the log when something is missing. The
// error is ErrEnded or the context's.
func (m *Member) Next(ctx context.Context, until time.Time) ([]byte, error) {
	for {
		frame, todo := m.pop()
		switch {
		case frame != nil:
			return frame, nil
		case todo.ended:
			return nil, ErrEnded
		case ctx.Err() != nil:
			return nil, ctx.Err()
		case todo.work:
			m.work(ctx)
			continue
		}
		at := until
		if !todo.again.IsZero() && todo.again.Before(until) {
			at = todo.again
		}
		if !m.wait(ctx, at) && at.Equal(until) {
			return nil, ctx.Err()
		}
	}
}

// todo is what Next is to do where there is no frame.
type todo struct {
	ended bool
	work  bool      // reading would bring frames
	again time.Time // when reading is worth a try; zero: when something happens
}

// wait waits for a wake-up; false when the time came or ctx ended first.
func (m *Member) wait(ctx context.Context, until time.Time) bool {
	timer := time.NewTimer(until.Sub(m.room.hub.o.Now()))
	defer timer.Stop()
	select {
	case <-m.wake:
		return true
	case <-timer.C:
		return false
	case <-ctx.Done():
		return false
	}
}

// pop gives the next frame to be written, or what is to be done instead.
func (m *Member) pop() ([]byte, todo) {
	m.room.mu.Lock()
	defer m.room.mu.Unlock()
	if len(m.control) > 0 {
		frame := m.control[0]
		m.control = m.control[1:]
		return frame, todo{}
	}
	if m.staged != nil {
		if frame, more := m.staged(); more {
			return frame, todo{}
		}
		m.unstage()
		m.staged, m.unstage = nil, nil
	}
	if len(m.queue) == 0 {
		m.refill()
	}
	if len(m.queue) > 0 {
		return m.shift(), todo{}
	}
	if m.ending != nil {
		return nil, todo{ended: true}
	}
	work, again := m.missing()
	if work {
		return nil, todo{work: true}
	}
	return m.quiet(), todo{again: again}
}

func (m *Member) shift() []byte {
	it := m.queue[0]
	m.queue = m.queue[1:]
	m.count(-len(it.data))
	if it.from > 0 {
		m.room.hub.o.Metrics.Delivered(m.room.hub.o.Now().Sub(it.at))
	}
	return it.data
}

// missing tells whether something has to be read now, or else when.
func (m *Member) missing() (now bool, at time.Time) {
	r, clock := m.room, m.room.hub.o.Now()
	if m.cursor < r.seq || r.heard > r.seq || len(m.owed) > 0 {
		return !clock.Before(m.retry), m.retry
	}
	at = r.askTurnsAt()
	return !at.IsZero() && !clock.Before(at) && !clock.Before(m.retry), at
}

// refill queues the state of a turn whose events were dropped. One that is being asked for has its turn when it is known.
func (m *Member) refill() {
	i := slices.IndexFunc(m.lost, func(t *turn) bool { return t.known })
	if i < 0 {
		return
	}
	t := m.lost[i]
	m.lost = slices.Delete(m.lost, i, i+1)
	m.push(item{data: wire.EncodeTurn(t.state()), turn: t})
	if t.done != nil {
		m.push(item{data: wire.EncodeTurn(*t.done), turn: t})
	}
}

// quiet gives what is said when nothing else is to be said.
func (m *Member) quiet() []byte {
	switch {
	case m.presence:
		m.presence = false
		return wire.Encode(m.room.whoIsThere())
	case m.beat:
		m.beat = false
		return wire.Encode(wire.Heartbeat{Seq: m.cursor})
	default:
		return nil
	}
}

// work reads what is missing: the gap of the room, the member's own difference, lost turns, dropped answers.
func (m *Member) work(ctx context.Context) {
	err := m.catchUp(ctx)
	if err == nil {
		err = m.answerOwed(ctx)
	}
	if err == nil || errors.Is(err, errOver) || ctx.Err() != nil {
		return
	}
	r := m.room
	r.hub.o.Log.WarnContext(ctx, "catch up", "user_id", r.user, "err", err)
	r.mu.Lock()
	defer r.mu.Unlock()
	m.retry = r.hub.o.Now().Add(retryRead)
}

func (m *Member) catchUp(ctx context.Context) error {
	r := m.room
	if err := r.lock(ctx); err != nil {
		return err
	}
	defer r.unlock()
	if err := r.fillGap(ctx); err != nil {
		return err
	}
	r.mu.Lock()
	from, behind := m.cursor, m.cursor < r.seq
	r.mu.Unlock()
	if behind {
		if err := m.squashed(ctx, from); err != nil {
			return err
		}
	}
	return r.findTurns(ctx)
}

// squashed stages one delta with everything behind from.
func (m *Member) squashed(ctx context.Context, from tandem.Seq) error {
	r := m.room
	d, ok, err := r.since(ctx, from)
	if err != nil {
		return err
	}
	if !ok {
		m.End(restarted)
		return nil
	}
	frame := r.frameOf(d)
	r.mu.Lock()
	defer r.mu.Unlock()
	if m.cursor != from || d.To <= from {
		return nil
	}
	m.cursor = d.To
	m.stage(frame)
	m.flush()
	return nil
}

// stage puts one frame in front of the queue.
func (m *Member) stage(frame []byte) {
	m.staged, m.unstage = func() ([]byte, bool) {
		f := frame
		frame = nil
		return f, f != nil
	}, func() {}
}

// answerOwed makes dropped answers again, one at a time so that the queue can take them.
func (m *Member) answerOwed(ctx context.Context) error {
	r := m.room
	r.mu.Lock()
	var mid int64
	if len(m.owed) > 0 {
		mid = m.owed[0]
	}
	r.mu.Unlock()
	if mid == 0 {
		return nil
	}
	frame, err := m.answer(ctx, mid)
	if err != nil {
		return err
	}
	r.mu.Lock()
	m.owed = m.owed[1:]
	r.mu.Unlock()
	switch f := frame.(type) {
	case wire.Ack:
		m.Ack(f)
	case wire.Nack:
		m.Nack(f)
	}
	return nil
}

// offer queues the room's next delta, unless the member is behind and gets it squashed later, or knows it.
func (m *Member) offer(d tandem.Delta, frame []byte, now time.Time) {
	if m.cursor == d.From-1 {
		m.cursor = d.To
		m.push(item{data: frame, from: d.From, at: now})
		m.flush()
	}
	m.wakeUp()
}

// offerTurn queues an event of a turn, unless the member gets its state first.
func (m *Member) offerTurn(t *turn, frame []byte) {
	if !slices.Contains(m.lost, t) {
		m.push(item{data: frame, turn: t})
	}
	m.wakeUp()
}

// owe has the member get the turn's state before any further event of it.
func (m *Member) owe(t *turn) {
	m.queue = slices.DeleteFunc(m.queue, func(it item) bool {
		if it.turn == t {
			m.count(-len(it.data))
		}
		return it.turn == t
	})
	if !slices.Contains(m.lost, t) {
		m.lost = append(m.lost, t)
	}
	m.wakeUp()
}

// flush queues the acks whose deltas are queued.
func (m *Member) flush() {
	for len(m.waiting) > 0 && m.waiting[0].Seq <= m.cursor {
		a := m.waiting[0]
		m.waiting = m.waiting[1:]
		if a.Seq == 0 {
			a.Seq = m.cursor
		}
		m.push(item{data: wire.Encode(a), mid: a.Mid})
	}
}

func (m *Member) push(it item) {
	m.queue = append(m.queue, it)
	m.count(len(it.data))
	if len(m.queue) > maxQueue || m.bytes > maxQueueBytes && len(m.queue) > 1 {
		m.conflate(true)
	}
}

// conflate throws the queue away and notes how to make up for it.
func (m *Member) conflate(slow bool) {
	for _, it := range m.queue {
		switch {
		case it.from > 0:
			m.cursor = min(m.cursor, it.from-1)
		case it.mid > 0:
			m.forgive(it.mid)
		case it.turn != nil && !slices.Contains(m.lost, it.turn):
			m.lost = append(m.lost, it.turn)
		}
	}
	m.drop()
	if slow {
		m.room.hub.o.Metrics.Conflated()
	}
}

func (m *Member) drop() {
	m.count(-m.bytes)
	m.queue = nil
}

// forgive notes an answer to be made again.
func (m *Member) forgive(mid int64) {
	if slices.Contains(m.owed, mid) {
		return
	}
	if len(m.owed) >= maxOwed {
		m.end(End{Close: wire.CloseSlow})
		return
	}
	m.owed = append(m.owed, mid)
}

func (m *Member) count(n int) {
	m.bytes += n
	m.room.hub.o.Metrics.Queued(n)
}
