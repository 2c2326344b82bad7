package hub

import (
	"context"
	"hash/maphash"
	"log/slog"
	"maps"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"tandem"
	"tandem/sync/wire"
)

// Options configure a Hub. Channel and Store are needed; other zero fields take the default.
type Options struct {
	Channel  Channel
	Store    Store
	Turns    Turns    // nil: there are no turns
	Presence Presence // nil: there is no other process
	Metrics  Metrics
	Log      *slog.Logger // default: none
	Now      func() time.Time
	// Check is how often heads are compared, give or take a fifth; CheckDown while the channel is down.
	Check     time.Duration // 30 s
	CheckDown time.Duration // 2 s
}

// Hub holds the rooms of all users that are connected to this process.
type Hub struct {
	o      Options
	shards [64]shard
	seed   maphash.Seed
	down   atomic.Bool
	wake   chan struct{} // asks Run for a check at once
	people people

	mu   sync.Mutex
	all  bool               // all rooms are to be checked
	lost map[*room]struct{} // these are
}

type shard struct {
	mu    sync.Mutex
	rooms map[tandem.UserID]*room
}

// New makes a hub without rooms. It works without Run, except that lost signals are then noticed late.
func New(o Options) *Hub {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Check == 0 {
		o.Check = 30 * time.Second
	}
	if o.CheckDown == 0 {
		o.CheckDown = 2 * time.Second
	}
	o.Metrics = o.Metrics.filled()
	h := &Hub{
		o: o, seed: maphash.MakeSeed(), wake: make(chan struct{}, 1), lost: map[*room]struct{}{},
		people: people{wake: make(chan struct{}, 1), users: map[tandem.UserID]struct{}{}},
	}
	for i := range h.shards {
		h.shards[i].rooms = map[tandem.UserID]*room{}
	}
	return h
}

// Publish sends a signal to every process that serves the user. Where the channel refuses it, the members here get it
// nevertheless and the error is returned; the others find out by their next check.
func (h *Hub) Publish(ctx context.Context, s tandem.Signal) error {
	err := h.o.Channel.Publish(ctx, s)
	if err != nil {
		h.ChannelState(false)
		if r := h.find(s.User); r != nil {
			r.signal(s)
		}
	}
	return err
}

// ChannelState is told by the channel's adapter that it lost its connection, or has it again and may have missed signals.
// Heads are then compared at once.
func (h *Hub) ChannelState(up bool) {
	h.down.Store(!up)
	h.mu.Lock()
	h.all = true
	h.mu.Unlock()
	h.poke()
}

// look has the head of one room compared soon. It may be called under the room's lock.
func (h *Hub) look(r *room) {
	h.mu.Lock()
	h.lost[r] = struct{}{}
	h.mu.Unlock()
	h.poke()
}

func (h *Hub) poke() {
	select {
	case h.wake <- struct{}{}:
	default:
	}
}

// asked gives the rooms that are to be checked at once, and whether these are all.
func (h *Hub) asked() (rooms []*room, all bool) {
	h.mu.Lock()
	all, rooms = h.all, slices.Collect(maps.Keys(h.lost))
	h.all = false
	clear(h.lost)
	h.mu.Unlock()
	if all {
		return h.rooms(), true
	}
	return rooms, false
}

// Restart ends every connection with 1012: what rooms know belongs to a database that is about to be replaced.
func (h *Hub) Restart() {
	for _, r := range h.rooms() {
		h.forget(r)
		r.restart()
	}
}

// Run compares heads, and devices with other processes, until ctx ends, and returns nil then.
func (h *Hub) Run(ctx context.Context) error {
	var group sync.WaitGroup
	if h.o.Presence != nil {
		group.Go(func() { h.meet(ctx) })
	}
	h.compare(ctx)
	group.Wait()
	return nil
}

func (h *Hub) compare(ctx context.Context) {
	timer := time.NewTimer(h.interval())
	defer timer.Stop()
	for {
		var rooms []*room
		all := true
		select {
		case <-ctx.Done():
			return
		case <-h.wake:
			rooms, all = h.asked()
		case <-timer.C:
			rooms = h.rooms()
		}
		switch answered := h.check(ctx, rooms); {
		case !answered:
			timer.Reset(h.o.CheckDown)
		case all:
			timer.Reset(h.interval())
		}
	}
}

func (h *Hub) interval() time.Duration {
	if h.down.Load() {
		return h.o.CheckDown
	}
	return h.o.Check*4/5 + rand.N(h.o.Check*2/5+1)
}

// headsBatch bounds one query of heads.
const headsBatch = 1000

// check compares the heads of rooms with the database, joins channels that could not be joined, and tidies rooms. It is false when
// the database did not answer.
func (h *Hub) check(ctx context.Context, rooms []*room) bool {
	ctx, cancel := context.WithTimeout(ctx, openTimeout)
	defer cancel()
	epoch, answered := h.o.Store.Epoch(ctx), true
	for batch := range slices.Chunk(rooms, headsBatch) {
		users := make([]tandem.UserID, 0, len(batch))
		for _, r := range batch {
			users = append(users, r.user)
		}
		heads, err := h.o.Store.Heads(ctx, users)
		if err != nil {
			h.o.Log.WarnContext(ctx, "compare heads", "err", err)
			answered = false
		}
		for _, r := range batch {
			if r.stale(epoch) {
				h.forget(r)
				r.restart()
				continue
			}
			r.tidy(heads[r.user])
			r.join(ctx)
		}
	}
	return answered
}

func (h *Hub) shard(user tandem.UserID) *shard {
	return &h.shards[maphash.String(h.seed, string(user))%uint64(len(h.shards))]
}

func (h *Hub) find(user tandem.UserID) *room {
	sh := h.shard(user)
	sh.mu.Lock()
	defer sh.mu.Unlock()
	return sh.rooms[user]
}

func (h *Hub) rooms() []*room {
	var out []*room
	for i := range h.shards {
		sh := &h.shards[i]
		sh.mu.Lock()
		for _, r := range sh.rooms {
			out = append(out, r)
		}
		sh.mu.Unlock()
	}
	return out
}

// enter gives the user's open room, opened by the first who comes; each entry needs one exit.
func (h *Hub) enter(ctx context.Context, user tandem.UserID) (*room, error) {
	sh := h.shard(user)
	sh.mu.Lock()
	r, found := sh.rooms[user]
	if !found {
		r = newRoom(h, user)
		sh.rooms[user] = r
	}
	r.refs++
	sh.mu.Unlock()
	if !found {
		r.open(ctx)
	}
	select {
	case <-r.opened:
	case <-ctx.Done():
		h.exit(r)
		return nil, ctx.Err()
	}
	if r.err != nil {
		h.forget(r)
		h.exit(r)
		return nil, r.err
	}
	return r, nil
}

// exit gives one entry back; the last one closes the room.
func (h *Hub) exit(r *room) {
	sh := h.shard(r.user)
	sh.mu.Lock()
	r.refs--
	last := r.refs == 0
	if last && sh.rooms[r.user] == r {
		delete(sh.rooms, r.user)
	}
	sh.mu.Unlock()
	if last {
		r.close()
	}
}

// forget makes the next entry open a fresh room.
func (h *Hub) forget(r *room) {
	sh := h.shard(r.user)
	sh.mu.Lock()
	defer sh.mu.Unlock()
	if sh.rooms[r.user] == r {
		delete(sh.rooms, r.user)
	}
}

// End is why a connection is to be ended.
type End struct {
	Close wire.Close
	Bye   *wire.Bye
}
