// Package once keeps a consumer from doing work twice for one event. It is a fast path: the guarantee is a unique constraint
// in the transaction of the effect, so losing every key is harmless.
package once

import (
	"context"
	"time"

	"tandem"
)

// TTL is how long a key is remembered: longer than a topic keeps its events.
const TTL = 7 * 24 * time.Hour

// Lease is how long a claim holds while its work goes on; a consumer that dies frees it after this. It is twice what a handler may
// take.
const Lease = 10 * time.Second

// How long a consumer waits for another one that is at work on its event, and how often it looks.
const (
	patience = 3 * time.Second
	lookEach = 100 * time.Millisecond
)

// ErrHeld reports that another consumer is at work on the event: ask again later.
var ErrHeld = tandem.Limited("event", patience.Milliseconds(), "another consumer holds the event")

// Keys is the store of idempotency keys.
type Keys interface {
	// Claim takes the key for owner. done: the work was done before; held: another owner's claim is alive.
	Claim(ctx context.Context, key, owner string, lease time.Duration) (tandem.KeyState, error)
	// Done remembers for ttl that the work of a claimed key was done.
	Done(ctx context.Context, key, owner string, ttl time.Duration) error
}

// Handler takes one event.
type Handler func(context.Context, tandem.Event) error

// Guard keeps the handlers of one consumer from doing work twice.
type Guard struct {
	Keys     Keys
	Consumer string
	Owner    string // of the claims: this process
	// Wants tells the events that the consumer does something about; the others cost no key. nil: all of them.
	Wants func(tandem.Event) bool
	// FailedOpen counts events that were handled without a key; nil is not called.
	FailedOpen func()
}

// Wrap gives a handler that takes an event whose key is done without work. With keys out of reach h runs all the same.
func (g Guard) Wrap(h Handler) Handler {
	return func(ctx context.Context, e tandem.Event) error {
		if g.Wants != nil && !g.Wants(e) {
			return h(ctx, e)
		}
		key := tandem.ProcessedKey(g.Consumer, e.EventID)
		state, err := g.claim(ctx, key)
		switch {
		case err != nil:
			g.open()
			return h(ctx, e)
		case state == tandem.KeyDone:
			return nil
		case state == tandem.KeyHeld:
			return ErrHeld
		}
		if err := h(ctx, e); err != nil {
			return err
		}
		tandem.FaultPoint("consumer.after_effect_before_ack")
		if err := g.Keys.Done(ctx, key, g.Owner, TTL); err != nil {
			g.open() // the event may come again: its effect is unique
		}
		tandem.FaultPoint("consumer.after_state_save")
		return nil
	}
}

// claim takes the key, and waits for another owner to be done with it.
func (g Guard) claim(ctx context.Context, key string) (tandem.KeyState, error) {
	look := time.NewTicker(lookEach)
	defer look.Stop()
	for range patience / lookEach {
		state, err := g.Keys.Claim(ctx, key, g.Owner, Lease)
		if err != nil || state != tandem.KeyHeld {
			return state, err
		}
		select {
		case <-ctx.Done():
			return tandem.KeyHeld, nil
		case <-look.C:
		}
	}
	return tandem.KeyHeld, nil
}

func (g Guard) open() {
	if g.FailedOpen != nil {
		g.FailedOpen()
	}
}
