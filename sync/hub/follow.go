package hub

import (
	"context"
	"errors"
	"time"

	"tandem"
	"tandem/sync/wire"
)

// turnEvent takes one event of a turn and tells members what joins on.
func (r *room) turnEvent(e tandem.TurnEvent) {
	t := r.follow(e.Turn)
	t.seen = r.hub.o.Now()
	fresh := t.take(e)
	for _, e := range fresh {
		frame := wire.EncodeTurn(e)
		for m := range r.members {
			m.offerTurn(t, frame)
		}
		if e.Ev == tandem.TurnEvStart || e.Ev == tandem.TurnEvDone {
			r.presenceChanged()
		}
	}
	if !t.known {
		r.wakeAll()
	}
}

// follow gives the turn's record; the oldest ended one makes room for a new one.
func (r *room) follow(id string) *turn {
	if t := r.turns[id]; t != nil {
		return t
	}
	if len(r.turns) >= maxTurns {
		var oldest *turn
		for _, t := range r.turns {
			if oldest == nil || t.done != nil && oldest.done == nil || (t.done != nil) == (oldest.done != nil) && t.seen.Before(oldest.seen) {
				oldest = t
			}
		}
		delete(r.turns, oldest.id)
	}
	t := &turn{id: id}
	r.turns[id] = t
	return t
}

// askTurnsAt tells when the state of a turn has to be asked for; zero: of none.
func (r *room) askTurnsAt() (at time.Time) {
	for _, t := range r.turns {
		if ask := t.asked.Add(turnRetry); !t.known && (at.IsZero() || ask.Before(at)) {
			at = ask
		}
	}
	return at
}

// lostTurns lists the turns whose state has to be asked for now.
func (r *room) lostTurns() (ids []string) {
	now := r.hub.o.Now()
	for id, t := range r.turns {
		if !t.known && now.Sub(t.asked) >= turnRetry {
			t.asked = now
			ids = append(ids, id)
		}
	}
	return ids
}

// findTurns asks for the states that signals did not bring. The caller holds lock.
func (r *room) findTurns(ctx context.Context) error {
	r.mu.Lock()
	ids := r.lostTurns()
	r.mu.Unlock()
	if len(ids) == 0 {
		return nil
	}
	states, err := r.running(ctx)
	if err != nil {
		return err
	}
	for _, id := range ids {
		if state, ok := states[id]; ok {
			r.learn(id, &turn{}, &state)
			continue
		}
		t, err := r.storedTurn(ctx, id)
		if err != nil {
			return err
		}
		r.learn(id, t, nil)
	}
	return nil
}

func (r *room) running(ctx context.Context) (map[string]tandem.TurnEvent, error) {
	out := map[string]tandem.TurnEvent{}
	if r.hub.o.Turns == nil {
		return out, nil
	}
	states, err := r.hub.o.Turns.Running(ctx, r.user)
	for _, s := range states {
		out[s.Turn] = s
	}
	return out, err
}

// storedTurn gives the turn as its row tells it; nil when there is none.
func (r *room) storedTurn(ctx context.Context, id string) (*turn, error) {
	if r.hub.o.Turns == nil {
		return nil, nil
	}
	row, err := r.hub.o.Turns.Turn(ctx, r.user, id)
	if errors.Is(err, tandem.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return stored(row), nil
}

// doubtTurns has the states of running turns asked for: events of theirs may not have come.
func (r *room) doubtTurns() {
	for _, t := range r.turns {
		if t.done == nil {
			t.known = false
			r.wakeAll()
		}
	}
}

// learn puts what was found in the place of what is missing. Members get the state when it is news to them.
func (r *room) learn(id string, found *turn, state *tandem.TurnEvent) {
	r.mu.Lock()
	defer r.mu.Unlock()
	t := r.turns[id]
	switch {
	case t == nil || t.known: // settled meanwhile
		return
	case found == nil:
		delete(r.turns, id)
		return
	case state != nil && state.N < t.n && r.hub.o.Now().Sub(t.seen) < tandem.TurnLease:
		t.known = len(t.ahead) == 0 // it is saved now and then, so what was told may be newer; its process lives
		return
	}
	had := t.n
	if state != nil {
		t.reset(*state)
	} else {
		t.reset(found.state())
		t.n, t.done = found.n, found.done
	}
	if t.done != nil {
		t.ahead = nil
	}
	_ = t.resume()
	if t.n == had && t.done == nil {
		return
	}
	for m := range r.members {
		m.owe(t)
	}
	r.presenceChanged()
}
