package redis

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"sync"
	"time"

	"tandem"
)

// Timing of what processes note about themselves. A process that was not heard of for muteAfter has no say in how many connections a
// user may have: it has crashed, and its devices are about to come here. For goneAfter, and its devices are not shown.
const (
	beatEvery = time.Second
	muteAfter = 3 * time.Second
	goneAfter = 10 * time.Second
	noteEvery = 30 * time.Second
	noteKept  = 2 * time.Minute // what was noted is believed; longer than any pause between two comparisons
	beatKept  = 5 * time.Minute
	noteBatch = 500
	// secondLook is when a connection that is one too many is counted again: the one that it replaces may have ended a moment ago,
	// in another process.
	secondLook = 200 * time.Millisecond
)

// Replicas tells the processes of one product about each other: which devices and how many connections of a user each has.
type Replicas struct {
	client *Client
	place  string
	wake   chan struct{}

	mu    sync.Mutex
	seats map[tandem.UserID]int      // connections here
	loose map[tandem.UserID]struct{} // whose number is to be noted
	mute  map[string]bool            // processes not heard of for muteAfter; true: for goneAfter
}

// NewReplicas makes the view of this process. It needs Run. Where place, such as a host and a port, can be that of one process at a time, the
// process there before is known to have ended; empty: it is found out by its silence.
func NewReplicas(c *Client, place string) *Replicas {
	return &Replicas{
		client: c, place: place, wake: make(chan struct{}, 1),
		seats: map[tandem.UserID]int{}, loose: map[tandem.UserID]struct{}{}, mute: map[string]bool{},
	}
}

// Run tells the others that this process lives, until ctx ends, and returns nil then. Keep it running until the last connection is
// drained.
func (r *Replicas) Run(ctx context.Context) error {
	beat, note := time.NewTicker(beatEvery), time.NewTicker(noteEvery)
	defer beat.Stop()
	defer note.Stop()
	r.beat(ctx)
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-beat.C:
			r.beat(ctx)
		case <-note.C:
			r.noteAll()
		case <-r.wake:
		}
		r.note(ctx)
	}
}

// beat notes that this process lives, and learns who has not done so lately. Without an answer nothing new is known.
func (r *Replicas) beat(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, slowTimeout)
	defer cancel()
	late, err := beatScript.Run(ctx, r.client.rdb, []string{prefix + "replicas", prefix + "places"},
		r.client.origin, beatKept.Milliseconds(), muteAfter.Milliseconds(), r.place, goneAfter.Milliseconds()).StringSlice()
	if err != nil {
		return
	}
	mute := map[string]bool{}
	for pair := range slices.Chunk(late, 2) {
		age, err := strconv.ParseInt(pair[len(pair)-1], 10, 64)
		mute[pair[0]] = err == nil && age >= goneAfter.Milliseconds()
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.mute = mute
}

func (r *Replicas) gone(origin string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.mute[origin]
}

// Exchange notes which devices of each user are connected here, and since when; none: nobody is. It gives those that other processes
// noted. Where the devices here have changed, the other processes get tandem.ControlPeople on the user's channel.
func (r *Replicas) Exchange(
	ctx context.Context, here map[tandem.UserID]map[string]time.Time,
) (elsewhere map[tandem.UserID]map[string]time.Time, err error) {
	users, calls := slices.Collect(maps.Keys(here)), make([]call, 0, len(here))
	for _, user := range users {
		one, err := r.client.devices(user, here[user])
		if err != nil {
			return nil, err
		}
		calls = append(calls, one)
	}
	cmds, err := r.client.many(ctx, peopleScript, calls)
	if err != nil {
		return nil, fmt.Errorf("exchange devices: %w", err)
	}
	elsewhere = make(map[tandem.UserID]map[string]time.Time, len(users))
	for i, user := range users {
		noted, err := cmds[i].StringSlice()
		if err != nil {
			return nil, fmt.Errorf("exchange devices: %w", err)
		}
		elsewhere[user] = r.join(noted)
	}
	return elsewhere, nil
}

// devices makes the call that notes a user's devices, each with its time in ms.
func (c *Client) devices(user tandem.UserID, here map[string]time.Time) (call, error) {
	text, since := "", make(map[string]int64, len(here))
	for client, at := range here {
		since[client] = at.UnixMilli()
	}
	if len(since) > 0 {
		data, err := json.Marshal(since)
		if err != nil {
			return call{}, fmt.Errorf("encode devices: %w", err)
		}
		text = string(data)
	}
	m, name := c.encode(tandem.Signal{User: user, Control: tandem.ControlPeople}), string(user)
	return call{prefix + "people:" + name, []any{c.origin, text, noteKept.Milliseconds(), channelPrefix + name, m.payload}}, nil
}

// join reads pairs of a process and its devices. A device on two of them is there since the first.
func (r *Replicas) join(noted []string) map[string]time.Time {
	var out map[string]time.Time
	for pair := range slices.Chunk(noted, 2) {
		var since map[string]int64
		if r.gone(pair[0]) || json.Unmarshal([]byte(pair[len(pair)-1]), &since) != nil {
			continue
		}
		for client, ms := range since {
			at, have := time.UnixMilli(ms), out[client]
			if out == nil {
				out = map[string]time.Time{}
			}
			if have.IsZero() || at.Before(have) {
				out[client] = at
			}
		}
	}
	return out
}

// Take takes a seat for one more connection of the user, unless there are limit of them in all processes; free gives it back. Without
// an answer from Redis, the connections of this process alone are counted.
func (r *Replicas) Take(ctx context.Context, user tandem.UserID, limit int) (free func(), ok bool) {
	r.mu.Lock()
	r.seats[user]++
	n := r.seats[user]
	one := r.seat(user, n, limit)
	r.mu.Unlock()
	free = sync.OnceFunc(func() { r.free(user) })
	if n > limit {
		free()
		return func() {}, false
	}
	noted, err := r.client.number(ctx, seatsScript, one)
	if err == nil && noted == 0 && wait(ctx, secondLook) {
		r.mu.Lock()
		one = r.seat(user, n, limit) // others may be known to have ended
		r.mu.Unlock()
		noted, err = r.client.number(ctx, seatsScript, one)
	}
	if err == nil && noted == 0 {
		free()
		return func() {}, false
	}
	r.settle(user, n)
	return free, true
}

// settle has the number noted again where another one was noted meanwhile: the last one to arrive may be the older one.
func (r *Replicas) settle(user tandem.UserID, noted int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.seats[user] != noted {
		r.loosen(user)
	}
}

func (r *Replicas) loosen(user tandem.UserID) {
	r.loose[user] = struct{}{}
	select {
	case r.wake <- struct{}{}:
	default:
	}
}

func (r *Replicas) free(user tandem.UserID) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.seats[user]--; r.seats[user] == 0 {
		delete(r.seats, user)
	}
	r.loosen(user)
}

// exactly is a limit for what is so already.
const exactly = -1

// seat makes the call that notes a number of connections. The caller holds mu.
func (r *Replicas) seat(user tandem.UserID, n, limit int) call {
	args := []any{r.client.origin, n, limit, noteKept.Milliseconds()}
	for origin := range r.mute {
		args = append(args, origin)
	}
	return call{prefix + "seats:" + string(user), args}
}

// noteAll has every number noted again: Redis may have lost them, and forgets what is not repeated.
func (r *Replicas) noteAll() {
	r.mu.Lock()
	defer r.mu.Unlock()
	for user := range r.seats {
		r.loose[user] = struct{}{}
	}
}

// note notes the numbers that have changed. What fails is tried again with the next beat.
func (r *Replicas) note(ctx context.Context) {
	r.mu.Lock()
	users := slices.Collect(maps.Keys(r.loose))
	clear(r.loose)
	r.mu.Unlock()
	for batch := range slices.Chunk(users, noteBatch) {
		if err := r.noteBatch(ctx, batch); err != nil {
			r.mu.Lock()
			for _, user := range batch {
				if r.seats[user] > 0 || len(r.loose) < maxHeads {
					r.loose[user] = struct{}{}
				}
			}
			r.mu.Unlock()
		}
	}
}

func (r *Replicas) noteBatch(ctx context.Context, users []tandem.UserID) error {
	ctx, cancel := context.WithTimeout(ctx, slowTimeout)
	defer cancel()
	calls, noted := make([]call, 0, len(users)), make([]int, 0, len(users))
	r.mu.Lock()
	for _, user := range users {
		noted = append(noted, r.seats[user])
		calls = append(calls, r.seat(user, r.seats[user], exactly))
	}
	r.mu.Unlock()
	_, err := r.client.many(ctx, seatsScript, calls)
	if err != nil {
		return err
	}
	for i, user := range users {
		r.settle(user, noted[i])
	}
	return nil
}
