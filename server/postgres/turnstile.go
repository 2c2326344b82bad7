package postgres

import (
	"context"
	"fmt"
	"sync"

	"tandem"
)

// turnstile lets one write of a user through at a time. The database would make them wait as well, but with a connection of the
// pool in the hand; and behind it the news of commits leave in their order.
type turnstile struct {
	mu    sync.Mutex
	gates map[tandem.UserID]*gate
}

// gate is there as long as somebody passes it or waits at it.
type gate struct {
	free  chan struct{} // holds one token while nobody passes
	users int           // guarded by turnstile.mu
}

// enter waits for the user's turn, as long as ctx allows. leave is called after the write.
func (t *turnstile) enter(ctx context.Context, user tandem.UserID) (leave func(), err error) {
	t.mu.Lock()
	g := t.gates[user]
	if g == nil {
		if t.gates == nil {
			t.gates = map[tandem.UserID]*gate{}
		}
		g = &gate{free: make(chan struct{}, 1)}
		g.free <- struct{}{}
		t.gates[user] = g
	}
	g.users++
	t.mu.Unlock()
	select {
	case <-g.free:
		return func() {
			g.free <- struct{}{}
			t.forget(user, g)
		}, nil
	case <-ctx.Done():
		t.forget(user, g)
		return nil, fmt.Errorf("wait for the store: %w", context.Cause(ctx))
	}
}

func (t *turnstile) forget(user tandem.UserID, g *gate) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if g.users--; g.users == 0 {
		delete(t.gates, user)
	}
}
