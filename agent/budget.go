package agent

import (
	"sync"
	"time"

	"tandem"
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

// maxLedger bounds the users of one day that are counted; beyond that the rest of the day is not.
const maxLedger = 100_000

// ledger counts the tokens of each user and day, in UTC. A restart forgets them.
type ledger struct {
	limit int64

	mu    sync.Mutex
	day   string
	spent map[tandem.UserID]int64
}

// wait tells how long the user has to wait for a new budget; 0: there is some left.
func (l *ledger) wait(user tandem.UserID, now time.Time) time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.turnPage(now)
	if l.spent[user] < l.limit {
		return 0
	}
	return now.UTC().Truncate(24 * time.Hour).Add(24 * time.Hour).Sub(now)
}

func (l *ledger) add(user tandem.UserID, n int64, now time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.turnPage(now)
	if _, ok := l.spent[user]; ok || len(l.spent) < maxLedger {
		l.spent[user] += n
	}
}

func (l *ledger) turnPage(now time.Time) {
	if day := now.UTC().Format(time.DateOnly); day != l.day {
		l.day, l.spent = day, map[tandem.UserID]int64{}
	}
}
