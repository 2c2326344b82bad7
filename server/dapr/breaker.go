package dapr

import (
	"errors"
	"sync"
	"time"
)

// errOpen reports that a peer failed often and is not asked for a while.
var errOpen = errors.New("not asked: the last calls failed")

// breaker spares callers a peer that does not answer: after limit failures in a row it is open for pause. When the pause is over
// one caller may try, and the others wait for its outcome.
type breaker struct {
	limit int
	pause time.Duration
	now   func() time.Time

	mu       sync.Mutex
	failures int
	until    time.Time
}

// allow tells whether the peer may be asked now.
func (b *breaker) allow() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.failures < b.limit {
		return true
	}
	now := b.now()
	if now.Before(b.until) {
		return false
	}
	b.until = now.Add(b.pause)
	return true
}

// report takes the outcome of a call.
func (b *breaker) report(ok bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if ok {
		b.failures = 0
		return
	}
	if b.failures++; b.failures >= b.limit {
		b.until = b.now().Add(b.pause)
	}
}
