// Package once keeps a consumer from doing work twice for one event. It is a fast path: the guarantee is a unique constraint
// in the transaction of the effect, so losing every key is harmless.
package once

import (
	"context"
	"errors"
	"fmt"
	"time"

	"tandem"
)

// TTL is how long a key is remembered: longer than a topic keeps its events.
const TTL = 7 * 24 * time.Hour

// Lease is how long a claim holds while its work goes on; a consumer that dies frees it after this.
const Lease = 30 * time.Second

// ErrHeld reports that another consumer is at work on the event: ask again later.
var ErrHeld = errors.New("another consumer holds the event")

// Keys is the store of idempotency keys.
type Keys interface {
	// Claim takes the key for owner. done: the work was done before; held: another owner's claim is alive.
	Claim(ctx context.Context, key, owner string, lease time.Duration) (tandem.KeyState, error)
	// Done remembers for ttl that the work of a claimed key was done.
	Done(ctx context.Context, key, owner string, ttl time.Duration) error
}

// Handler takes one event.
type Handler func(context.Context, tandem.Event) error

// Guard wraps a handler: an event whose key is done is taken without work. With keys out of reach the handler runs all the
// same.
func Guard(keys Keys, consumer, owner string, h Handler) Handler {
	return func(ctx context.Context, e tandem.Event) error {
		key := tandem.ProcessedKey(consumer, e.EventID)
		switch state, err := keys.Claim(ctx, key, owner, Lease); {
		case err != nil:
			return h(ctx, e)
		case state == tandem.KeyDone:
			return nil
		case state == tandem.KeyHeld:
			return ErrHeld
		}
		if err := h(ctx, e); err != nil {
			return err
		}
		if err := keys.Done(ctx, key, owner, TTL); err != nil {
			return fmt.Errorf("remember %s: %w", key, err)
		}
		return nil
	}
}
