package agent

import (
	"sync"
	"time"
)

// The circuit opens after breakAfter failures in a row and lets one turn probe the model every breakFor.
const (
	breakAfter = 3
	breakFor   = 30 * time.Second
)

// breaker keeps turns from waiting for a model that is down. The zero value is closed.
type breaker struct {
	mu       sync.Mutex
	failures int
	until    time.Time
}

// allow reports whether the model may be asked now. In an open circuit the one that is allowed is the probe.
func (b *breaker) allow(now time.Time) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.failures < breakAfter {
		return true
	}
	if now.Before(b.until) {
		return false
	}
	b.until = now.Add(breakFor)
	return true
}

func (b *breaker) report(ok bool, now time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if ok {
		b.failures = 0
		return
	}
	if b.failures++; b.failures >= breakAfter {
		b.until = now.Add(breakFor)
	}
}
