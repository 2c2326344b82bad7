package tools

import (
	"math"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"tandem"
)

// Limits are per user. Zero fields mean the defaults.
type Limits struct {
	Reads      int // a minute, default 200
	Writes     int // a minute, default 100
	WriteBurst int // at once, default 300: what an offline queue may drain
	Users      int // remembered, default 10,000
}

const (
	defaultReads      = 200
	defaultWrites     = 100
	defaultWriteBurst = 300
	defaultUsers      = 10_000
)

// limiter counts calls by user. A user who is forgotten because there are too many starts with a full bucket again, so the
// bound costs accuracy, never memory.
type limiter struct {
	limits Limits
	now    func() time.Time

	mu    sync.Mutex
	users map[tandem.UserID]*buckets
}

type buckets struct {
	reads, writes *rate.Limiter
	used          time.Time
}

func newLimiter(l Limits, now func() time.Time) *limiter {
	for _, v := range []struct {
		field    *int
		standard int
	}{{&l.Reads, defaultReads}, {&l.Writes, defaultWrites}, {&l.WriteBurst, defaultWriteBurst}, {&l.Users, defaultUsers}} {
		if *v.field <= 0 {
			*v.field = v.standard
		}
	}
	return &limiter{limits: l, now: now, users: map[tandem.UserID]*buckets{}}
}

// take counts one call, or says when the next one is possible.
func (l *limiter) take(user tandem.UserID, read bool) error {
	b, now := l.bucket(user)
	one, name, perMinute := b.writes, "writes", l.limits.Writes
	if read {
		one, name, perMinute = b.reads, "reads", l.limits.Reads
	}
	r := one.ReserveN(now, 1)
	wait := r.DelayFrom(now)
	if wait == 0 {
		return nil
	}
	r.CancelAt(now)
	retry := int64(math.Ceil(wait.Seconds() * 1000))
	return tandem.Limited(name, retry, "That is too fast: %d %s a minute are possible.", perMinute, name)
}

func (l *limiter) bucket(user tandem.UserID) (*buckets, time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.now()
	b := l.users[user]
	if b == nil {
		if len(l.users) >= l.limits.Users {
			l.forget(now)
		}
		b = &buckets{
			reads:  rate.NewLimiter(rate.Limit(float64(l.limits.Reads)/60), l.limits.Reads),
			writes: rate.NewLimiter(rate.Limit(float64(l.limits.Writes)/60), l.limits.WriteBurst),
		}
		l.users[user] = b
	}
	b.used = now
	return b, now
}

// forget drops whoever has a full bucket again, and, where these are few, anybody at all until a tenth of the room is free.
func (l *limiter) forget(now time.Time) {
	full := time.Duration(float64(l.limits.WriteBurst)/float64(l.limits.Writes)*60) * time.Second
	for user, b := range l.users {
		if now.Sub(b.used) > full {
			delete(l.users, user)
		}
	}
	for user := range l.users {
		if len(l.users) <= l.limits.Users*9/10 {
			return
		}
		delete(l.users, user)
	}
}
