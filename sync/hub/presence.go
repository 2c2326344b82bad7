package hub

import (
	"context"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"tandem"
	"tandem/sync/wire"
)

// people notes whose devices here have to be compared with those of other processes.
type people struct {
	wake chan struct{}

	mu    sync.Mutex
	users map[tandem.UserID]struct{}
}

// stir has the user's devices compared soon. It may be called under the lock of a room.
func (h *Hub) stir(user tandem.UserID) {
	if h.o.Presence == nil {
		return
	}
	h.people.mu.Lock()
	h.people.users[user] = struct{}{}
	h.people.mu.Unlock()
	select {
	case h.people.wake <- struct{}{}:
	default:
	}
}

func (h *Hub) stirred() []tandem.UserID {
	h.people.mu.Lock()
	defer h.people.mu.Unlock()
	users := slices.Collect(maps.Keys(h.people.users))
	clear(h.people.users)
	return users
}

// meet compares devices with other processes until ctx ends: of everybody now and then, and of those who were stirred at once.
func (h *Hub) meet(ctx context.Context) {
	timer := time.NewTimer(h.interval())
	defer timer.Stop()
	for ctx.Err() == nil {
		var users []tandem.UserID
		select {
		case <-ctx.Done():
			return
		case <-h.people.wake:
			users = h.stirred()
		case <-timer.C:
			for _, r := range h.rooms() {
				users = append(users, r.user)
			}
			timer.Reset(h.interval())
		}
		for batch := range slices.Chunk(users, headsBatch) {
			if err := h.exchange(ctx, batch); err != nil && ctx.Err() == nil {
				h.o.Log.WarnContext(ctx, "compare devices", "err", err)
				timer.Reset(h.o.CheckDown) // all of them: who left meanwhile is forgotten there in time
				break
			}
		}
	}
}

func (h *Hub) exchange(ctx context.Context, users []tandem.UserID) error {
	ctx, cancel := context.WithTimeout(ctx, openTimeout)
	defer cancel()
	here := make(map[tandem.UserID]map[string]time.Time, len(users))
	for _, u := range users {
		here[u] = nil
		if r := h.find(u); r != nil {
			here[u] = r.devices()
		}
	}
	elsewhere, err := h.o.Presence.Exchange(ctx, here)
	if err != nil {
		return err
	}
	for _, u := range users {
		if r := h.find(u); r != nil {
			r.learnDevices(elsewhere[u])
		}
	}
	return nil
}

// devices lists the devices here, each since its first connection.
func (r *room) devices() map[string]time.Time {
	r.mu.Lock()
	defer r.mu.Unlock()
	out := make(map[string]time.Time, len(r.members))
	for m := range r.members {
		if since, twice := out[m.client]; !twice || m.since.Before(since) {
			out[m.client] = m.since
		}
	}
	return out
}

func (r *room) learnDevices(elsewhere map[string]time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !maps.EqualFunc(r.elsewhere, elsewhere, time.Time.Equal) {
		r.elsewhere = elsewhere
		r.presenceChanged()
	}
}

func (r *room) presenceChanged() {
	for m := range r.members {
		m.presence = true
		m.wakeUp()
	}
}

// whoIsThere gives the presence frame of now.
func (r *room) whoIsThere() wire.Presence {
	p := wire.Presence{Devices: []wire.Device{}, Agent: wire.Agent{Turns: []string{}}}
	seen := map[string]bool{}
	add := func(client string, since time.Time) {
		if !seen[client] {
			seen[client] = true
			p.Devices = append(p.Devices, wire.Device{Client: client, Since: tandem.Stamp(since)})
		}
	}
	for m := range r.members {
		add(m.client, m.since)
	}
	for client, since := range r.elsewhere {
		add(client, since)
	}
	for id, t := range r.turns {
		if t.done == nil {
			p.Agent.Turns = append(p.Agent.Turns, id)
		}
	}
	slices.SortFunc(p.Devices, func(a, b wire.Device) int { return strings.Compare(a.Client, b.Client) })
	slices.Sort(p.Agent.Turns)
	return p
}
