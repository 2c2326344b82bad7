package dapr

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"time"

	"github.com/dapr/go-sdk/client"

	"tandem"
)

// Bounds of asking for a key.
const (
	keyFailures = 5 // in a row, after which no key is asked for
	keyPause    = 10 * time.Second
	keyTTL      = 7 * 24 * time.Hour // of a claim whose work never ended; longer than a topic keeps its events
)

// absent is the etag of a key that is not there.
const absent = "0"

// Keys are the idempotency keys in the state store. They are a fast path: when the store fails, forgets or lies, the unique constraint in
// the transaction of the effect stops the second one. The claim of an owner that died ends with its lease.
type Keys struct {
	client *Client
	gate   *breaker
}

// Keys gives the idempotency keys of this client's sidecar.
func (c *Client) Keys() *Keys {
	return &Keys{client: c, gate: &breaker{limit: keyFailures, pause: keyPause, now: c.o.Now}}
}

// claim is the value of a key.
type claim struct {
	State string    `json:"s"`
	Owner string    `json:"owner,omitempty"`
	Until time.Time `json:"lease_until"`
}

const (
	stateClaimed = "claimed"
	stateDone    = "done"
)

// Claim takes the key for owner, or tells that its work was done or that another owner's claim is alive. An error means that the store could
// not tell: the caller works all the same.
func (k *Keys) Claim(ctx context.Context, key, owner string, lease time.Duration) (tandem.KeyState, error) {
	if !k.gate.allow() {
		return "", errOpen
	}
	state, err := k.attempt(ctx, key, owner, lease)
	if ctx.Err() == nil {
		k.gate.report(err == nil)
	}
	return state, err
}

// attempt takes the key as a new one, which most are, and looks at it only where that is refused. A refusal tells nothing by itself, as a lost
// race and a store that is down answer the same: what counts is what is read afterwards.
func (k *Keys) attempt(ctx context.Context, key, owner string, lease time.Duration) (tandem.KeyState, error) {
	ctx, cancel := context.WithTimeout(ctx, stateTimeout)
	defer cancel()
	mine := claim{State: stateClaimed, Owner: owner, Until: k.client.o.Now().Add(lease)}
	for etag := absent; ; {
		if k.write(ctx, key, mine, etag, keyTTL) == nil {
			return tandem.KeyClaimed, nil
		}
		seen, found, err := k.read(ctx, key)
		if err != nil {
			return "", err
		}
		if state := k.judge(seen, owner); state != "" {
			return state, nil
		}
		if found == etag {
			return "", fmt.Errorf("the state store refused key %s, and nobody has it", key)
		}
		etag = found
	}
}

// judge tells what a value means to owner; empty: the key is free.
func (k *Keys) judge(c claim, owner string) tandem.KeyState {
	switch {
	case c.State == stateDone:
		return tandem.KeyDone
	case c.State == stateClaimed && c.Owner == owner && k.client.o.Now().Before(c.Until):
		return tandem.KeyClaimed
	case c.State == stateClaimed && k.client.o.Now().Before(c.Until):
		return tandem.KeyHeld
	}
	return ""
}

// Done remembers for ttl that the work of a claimed key was done. It is best effort: what is not remembered is asked again, and the
// unique constraint answers.
func (k *Keys) Done(ctx context.Context, key, owner string, ttl time.Duration) error {
	if !k.gate.allow() {
		return nil
	}
	seen, etag, err := k.read(ctx, key)
	k.gate.report(err == nil)
	if err != nil || seen.State == stateDone || seen.Owner != "" && seen.Owner != owner {
		return nil //nolint:nilerr // see above
	}
	_ = k.write(ctx, key, claim{State: stateDone}, etag, ttl)
	return nil
}

func (k *Keys) read(ctx context.Context, key string) (claim, string, error) {
	ctx, cancel := context.WithTimeout(ctx, stateTimeout)
	defer cancel()
	item, err := k.client.sdk.GetStateWithConsistency(ctx, KeyStore, key, nil, client.StateConsistencyStrong)
	if err != nil {
		return claim{}, "", fmt.Errorf("read key %s: %w", key, err)
	}
	if len(item.Value) == 0 {
		return claim{}, absent, nil
	}
	var c claim
	if json.Unmarshal(item.Value, &c) != nil { // not ours: free to take
		return claim{}, item.Etag, nil
	}
	return c, item.Etag, nil
}

func (k *Keys) write(ctx context.Context, key string, c claim, etag string, ttl time.Duration) error {
	value, err := json.Marshal(c)
	if err != nil {
		return fmt.Errorf("encode the claim of %s: %w", key, err)
	}
	ctx, cancel := context.WithTimeout(ctx, stateTimeout)
	defer cancel()
	// Both options at once: either alone resets the other.
	return k.client.sdk.SaveStateWithETag(ctx, KeyStore, key, value, etag, ttlOf(ttl),
		client.WithConcurrency(client.StateConcurrencyFirstWrite), client.WithConsistency(client.StateConsistencyStrong))
}

// ttlOf is the metadata of a lifetime, at least a second.
func ttlOf(ttl time.Duration) map[string]string {
	return map[string]string{"ttlInSeconds": strconv.FormatInt(max(int64(ttl/time.Second), 1), 10)}
}
