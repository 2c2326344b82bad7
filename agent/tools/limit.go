package tools

import (
	"context"
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

// Shared counts calls in all processes together.
type Shared interface {
	// Bucket takes one token of a bucket that gains perSecond and holds burst, or tells how long it takes until there is one. An
	// error means that it cannot count now, and each process counts for itself.
	Bucket(ctx context.Context, name string, perSecond float64, burst int) (wait time.Duration, err error)
}

// limiter counts calls by user. A user who is forgotten because there are too many starts with a full bucket again, so the
// bound costs accuracy, never memory.
type limiter struct {
	limits Limits
	shared Shared // nil: none
	now    func() time.Time

	mu    sync.Mutex
	users map[tandem.UserID]*buckets
}

type buckets struct {
	reads, writes *rate.Limiter
	used          time.Time
}

func newLimiter(l Limits, shared Shared, now func() time.Time) *limiter {
	for _, v := range []struct {
		field    *int
		standard int
	}{{&l.Reads, defaultReads}, {&l.Writes, defaultWrites}, {&l.WriteBurst, defaultWriteBurst}, {&l.Users, defaultUsers}} {
		if *v.field <= 0 {
			*v.field = v.standard
		}
	}
	return &limiter{limits: l, shared: shared, now: now, users: map[tandem.UserID]*buckets{}}
}

// take counts one call, or says when the next one is possible.
func (l *limiter) take(ctx context.Context, user tandem.UserID, read bool) error {
	name, perMinute, burst := "writes", l.limits.Writes, l.limits.WriteBurst
	if read {
		name, perMinute, burst = "reads", l.limits.Reads, l.limits.Reads
	}
	wait, err := time.Duration(0), error(nil)
	if l.shared != nil {
		wait, err = l.shared.Bucket(ctx, name+":"+string(user), float64(perMinute)/60, burst)
	}
	if l.shared == nil || err != nil {
		wait = l.takeHere(user, read)
	}
	if wait == 0 {
		return nil
	}
	retry := int64(math.Ceil(wait.Seconds() * 1000))
	return tandem.Limited(name, retry, "That is too fast: %d %s a minute are possible.", perMinute, name)
}

// takeHere counts one call of this process, or says how long it takes until one is possible.
func (l *limiter) takeHere(user tandem.UserID, read bool) time.Duration {
	b, now := l.bucket(user)
	one := b.writes
	if read {
		one = b.reads
	}
	r := one.ReserveN(now, 1)
	wait := r.DelayFrom(now)
	if wait > 0 {
		r.CancelAt(now)
	}
	return wait
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
