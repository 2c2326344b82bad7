package hub

import (
	"context"
	"encoding/json"
	"slices"
	"sync"
	"time"

	"tandem"
	"tandem/sync/wire"
)

// Bounds of one opening and of one read for a room.
const (
	openTimeout = 10 * time.Second
	turnRetry   = 250 * time.Millisecond
	turnIdle    = 30 * time.Second
	turnQuiet   = time.Second // after which a turn's state is asked for before it is told
)

// room is what this process knows of one user with connections.
type room struct {
	hub    *Hub
	user   tandem.UserID
	refs   int           // guarded by the shard
	opened chan struct{} // closed when open has ended
	err    error         // of open
	epoch  string        // set by open
	fill   chan struct{} // holds a token while someone reads for the room

	mu      sync.Mutex
	serving bool       // the head is known
	seq     tandem.Seq // members were told everything up to here, or can catch up to it
	floor   tandem.Seq
	heard   tandem.Seq // the highest number heard of; above seq: a gap
	tail    tail
	frame   caught
	live    int // rows of a snapshot, when last asked; 0: not asked yet
	snap    *flight
	members map[*Member]struct{}
	turns   map[string]*turn
	leave   func() // nil: the channel is not joined
	joining bool
	closed  bool
	over    bool // another room has taken its place

	elsewhere map[string]time.Time // devices on other processes
}

// caught is the last catch-up frame, for members that come back together.
type caught struct {
	from, to tandem.Seq
	data     []byte
}

// flight is a snapshot being read, for all who need one now.
type flight struct {
	done chan struct{}
	snap tandem.Snapshot
	err  error
}

func newRoom(h *Hub, user tandem.UserID) *room {
	return &room{
		hub: h, user: user, opened: make(chan struct{}), fill: make(chan struct{}, 1),
		members: map[*Member]struct{}{}, turns: map[string]*turn{},
	}
}

// open joins the channel first and reads the head after that, so that no write falls in between. Without a channel the room
// lives by checks. It does not depend on the one connection that happened to come first.
func (r *room) open(ctx context.Context) {
	defer close(r.opened)
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), openTimeout)
	defer cancel()
	r.join(ctx)
	tandem.FaultPoint("hub.after_join_before_head")
	r.epoch = r.hub.o.Store.Epoch(ctx)
	head, err := r.hub.o.Store.Head(ctx, r.user)
	if err != nil {
		r.err = err
		return
	}
	r.mu.Lock()
	r.serving, r.seq, r.floor, r.heard = true, head.Seq, head.Floor, max(r.heard, head.Seq)
	r.mu.Unlock()
	if r.hub.o.Turns == nil {
		return
	}
	running, err := r.hub.o.Turns.Running(ctx, r.user)
	if err != nil {
		r.hub.o.Log.WarnContext(ctx, "list running turns", "user_id", r.user, "err", err)
	}
	for _, state := range running {
		r.signal(tandem.Signal{User: r.user, Turn: &state})
	}
}

// join joins the user's channel unless that is done.
func (r *room) join(ctx context.Context) {
	r.mu.Lock()
	skip := r.leave != nil || r.joining || r.closed
	r.joining = r.joining || !skip
	r.mu.Unlock()
	if skip {
		return
	}
	leave, err := r.hub.o.Channel.Join(ctx, r.user, r.signal)
	if err != nil {
		r.hub.o.Log.WarnContext(ctx, "join channel", "user_id", r.user, "err", err)
		r.hub.ChannelState(false)
	}
	r.mu.Lock()
	r.joining = false
	if !r.closed {
		r.leave, leave = leave, nil
	}
	r.mu.Unlock()
	if leave != nil {
		leave()
	}
}

func (r *room) close() {
	r.mu.Lock()
	leave := r.leave
	r.leave, r.closed = nil, true
	r.mu.Unlock()
	if leave != nil {
		leave() // outside the lock: it waits for deliveries, and they take it
	}
}

// signal takes a message of the channel. It may come from any goroutine and does no I/O.
func (r *room) signal(s tandem.Signal) {
	if s.User != r.user {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	switch {
	case s.Delta != nil:
		r.delta(*s.Delta)
	case s.Turn != nil:
		r.turnEvent(*s.Turn)
	case s.Lost:
		r.doubtTurns()
		r.hub.look(r)
		r.hub.stir(r.user)
	case s.Control == tandem.ControlPeople:
		r.hub.stir(r.user)
	case s.Control == tandem.ControlRevoke:
		for m := range r.members {
			m.end(End{Close: wire.CloseRevoked})
		}
	default:
		r.hear(s.Head, "head")
	}
}

func (r *room) delta(d tandem.Delta) {
	if !r.serving || d.From > r.seq+1 {
		r.hear(d.To, "signal")
		return
	}
	r.advance(d)
}

// hear notes that the log goes up to seq; whoever calls Next first fills the gap.
func (r *room) hear(seq tandem.Seq, src string) {
	if seq <= r.seq || seq <= r.heard {
		return
	}
	r.heard = seq
	if r.serving {
		r.hub.o.Metrics.Gap(src)
		r.wakeAll()
	}
}

// advance tells everyone the next stretch of the log.
func (r *room) advance(d tandem.Delta) {
	if d.To <= r.seq {
		return
	}
	d.From = r.seq + 1 // what lies before is known to all; its rows only repeat
	now := r.hub.o.Now()
	r.seq, r.heard = d.To, max(r.heard, d.To)
	r.tail.push(d, now)
	tandem.FaultPoint("hub.after_apply_before_push")
	frame := wire.EncodeDelta(d)
	for m := range r.members {
		m.offer(d, frame, now)
	}
	r.dropTokens(d)
}

// dropTokens ends the connections of access tokens that a change of the settings revoked.
func (r *room) dropTokens(d tandem.Delta) {
	i := slices.IndexFunc(d.Changes, func(c tandem.Change) bool { return c.Kind == tandem.KindSettings && c.Row != nil })
	if i < 0 {
		return
	}
	var row struct {
		Tokens []tokenID `json:"tokens"`
	}
	if err := json.Unmarshal(d.Changes[i].Row, &row); err != nil {
		r.hub.o.Log.Error("read settings row", "user_id", r.user, "err", err)
		return
	}
	for m := range r.members {
		if m.token != "" && !slices.Contains(row.Tokens, tokenID{m.token}) {
			m.end(End{Close: wire.CloseRevoked})
		}
	}
}

type tokenID struct {
	ID string `json:"id"`
}

func (r *room) wakeAll() {
	for m := range r.members {
		m.wakeUp()
	}
}

// stale reports that the room's numbers are of another history.
func (r *room) stale(epoch string) bool {
	select {
	case <-r.opened:
		return r.err == nil && r.epoch != epoch
	default:
		return false
	}
}

// restart sends everyone away; they come back to a fresh room.
func (r *room) restart() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.over = true
	for m := range r.members {
		m.end(restarted)
	}
}

// restarted is the end of connections whose room is over, or whose place in the log is gone.
var restarted = End{Close: wire.CloseRestart, Bye: &wire.Bye{Code: wire.ByeRotate}}

// tidy takes the head of a check, and forgets what no device will ask for any more.
func (r *room) tidy(head tandem.Seq) {
	now := r.hub.o.Now()
	r.mu.Lock()
	defer r.mu.Unlock()
	r.hear(head, "check")
	r.live, r.frame = 0, caught{}
	r.tail.forget(now.Add(-r.hub.o.Check))
	for id, t := range r.turns {
		switch idle := now.Sub(t.seen) > turnIdle; {
		case idle && t.done != nil:
			delete(r.turns, id)
		case idle && t.known:
			t.known = false // its end may have been lost
			r.wakeAll()
		}
	}
}

// lock reserves the room's reads for the caller until unlock.
func (r *room) lock(ctx context.Context) error {
	select {
	case r.fill <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (r *room) unlock() { <-r.fill }

// fillGap reads what signals did not bring. The caller holds lock.
func (r *room) fillGap(ctx context.Context) error {
	r.mu.Lock()
	from, gap := r.seq, r.heard > r.seq
	r.mu.Unlock()
	if !gap {
		return nil
	}
	d, ok, err := r.read(ctx, from)
	if err != nil {
		return err
	}
	if !ok {
		r.hub.forget(r)
		r.restart()
		return errOver
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.advance(d)
	r.heard = r.seq // the log is the truth, whatever was heard
	return nil
}

func (r *room) read(ctx context.Context, from tandem.Seq) (tandem.Delta, bool, error) {
	d, ok, err := r.hub.o.Store.Log(ctx, r.user, from)
	if err == nil {
		r.hub.o.Metrics.Filled(len(d.Changes))
	}
	return d, ok, err
}

// since gives all changes behind from, remembered or read; false when the log does not reach back. The caller holds lock.
func (r *room) since(ctx context.Context, from tandem.Seq) (tandem.Delta, bool, error) {
	r.mu.Lock()
	d, ok := r.tail.since(from)
	r.mu.Unlock()
	if ok {
		return d, true, nil
	}
	d, ok, err := r.read(ctx, from)
	if err != nil || !ok {
		return d, false, err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.advance(d)
	if d.To == r.seq {
		r.tail.replace(d, r.hub.o.Now())
	}
	return d, true, nil
}

// frameOf encodes a catch-up delta once for all who need the same.
func (r *room) frameOf(d tandem.Delta) []byte {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.frame.data == nil || r.frame.from != d.From || r.frame.to != d.To {
		r.frame = caught{d.From, d.To, wire.EncodeDelta(d)}
	}
	return r.frame.data
}

// snapshot reads the snapshot, once for all who wait for it together.
func (r *room) snapshot(ctx context.Context) (tandem.Snapshot, error) {
	r.mu.Lock()
	f := r.snap
	if f == nil {
		f = &flight{done: make(chan struct{})}
		r.snap = f
		r.mu.Unlock()
		r.fly(ctx, f)
	} else {
		r.mu.Unlock()
	}
	select {
	case <-f.done:
		return f.snap, f.err
	case <-ctx.Done():
		return tandem.Snapshot{}, ctx.Err()
	}
}

// fly reads for everyone who waits, so the end of the caller's connection does not end it.
func (r *room) fly(ctx context.Context, f *flight) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), openTimeout)
	defer cancel()
	f.snap, f.err = r.hub.o.Store.Snapshot(ctx, r.user)
	r.mu.Lock()
	r.snap = nil
	r.mu.Unlock()
	close(f.done)
}
