package rest

import (
	"context"
	"net/http"
	"net/netip"
	"slices"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"tandem"
)

// Limits bound what clients may do. Zero fields take the default.
type Limits struct {
	Requests Bucket // of one address, before anything else is looked at
	Upgrades Bucket // to the socket, of one address
	Opening  int64  // upgrades in progress, of all
	Turns    int    // of one user in turnWindow
}

// Shared counts uses in all processes together: it takes one use, or tells how long it takes until there is one. An error means that
// it cannot count now, and each process counts for itself.
type Shared interface {
	// Bucket is a token bucket that gains perSecond and holds burst.
	Bucket(ctx context.Context, name string, perSecond float64, burst int) (wait time.Duration, err error)
	// Window allows so many uses in any stretch of the length. One that it holds already, by its id, is free.
	Window(ctx context.Context, name, id string, uses int, length time.Duration) (wait time.Duration, err error)
}

// Bucket is a token bucket: so many a second, and so many at once.
type Bucket struct {
	PerSecond float64
	Burst     int
}

const turnWindow = time.Minute

func (l *Limits) fillIn() {
	// Whole offices share an address, and so do the devices of a load test: the buckets stop a flood, not a crowd.
	if l.Requests == (Bucket{}) {
		l.Requests = Bucket{500, 4000}
	}
	if l.Upgrades == (Bucket{}) {
		l.Upgrades = Bucket{100, 1000}
	}
	if l.Opening == 0 {
		l.Opening = 512
	}
	if l.Turns == 0 {
		l.Turns = 20
	}
}

// The limits of this package, as the metric names them.
const (
	limitRequests = "requests"
	limitUpgrades = "upgrades"
	limitOpening  = "upgrades_open"
	limitTurns    = "turns"
	limitBody     = "body"
	limitDepth    = "depth"
	limitMessage  = "message"
)

// LimitNames lists the limits that Metrics.Limited counts.
var LimitNames = []string{limitRequests, limitUpgrades, limitOpening, limitTurns, limitBody, limitDepth, limitMessage}

// maxKeys bounds the memory of a limiter. Beyond it newcomers share one bucket.
const maxKeys = 1 << 16

// takeUpgrade spends one of the upgrades of the client's address. Plain requests are counted by each process for itself: a flood is
// to be refused without asking anybody.
func (s *Server) takeUpgrade(r *http.Request) bool {
	addr := network(s.client(r))
	if s.Shared != nil {
		b := s.Limits.Upgrades
		if wait, err := s.Shared.Bucket(r.Context(), "upgrades:"+addr.String(), b.PerSecond, b.Burst); err == nil {
			return wait == 0
		}
	}
	return s.upgrades.take(addr)
}

// takeTurn spends one of the user's turns, or says how long the user has to wait.
func (s *Server) takeTurn(ctx context.Context, user tandem.UserID, id string) (wait time.Duration, ok bool) {
	if s.Shared != nil {
		if wait, err := s.Shared.Window(ctx, "turns:"+string(user), id, s.Limits.Turns, turnWindow); err == nil {
			return wait, wait == 0
		}
	}
	return s.turns.take(user, id)
}

// addresses holds a token bucket for each client address.
type addresses struct {
	bucket Bucket
	now    func() time.Time

	mu     sync.Mutex
	byAddr map[netip.Addr]*rate.Limiter
	rest   *rate.Limiter
}

func newAddresses(b Bucket, now func() time.Time) *addresses {
	a := &addresses{bucket: b, now: now, byAddr: map[netip.Addr]*rate.Limiter{}}
	a.rest = a.limiter()
	return a
}

func (a *addresses) limiter() *rate.Limiter {
	return rate.NewLimiter(rate.Limit(a.bucket.PerSecond), a.bucket.Burst)
}

// take spends one token of the address.
func (a *addresses) take(addr netip.Addr) bool {
	now := a.now()
	a.mu.Lock()
	defer a.mu.Unlock()
	addr = network(addr)
	l := a.byAddr[addr]
	if l == nil {
		if len(a.byAddr) >= maxKeys {
			a.sweep(now)
		}
		if len(a.byAddr) >= maxKeys {
			return a.rest.AllowN(now, 1)
		}
		l = a.limiter()
		a.byAddr[addr] = l
	}
	return l.AllowN(now, 1)
}

// sweep forgets full buckets: a new one is the same.
func (a *addresses) sweep(now time.Time) {
	for addr, l := range a.byAddr {
		if l.TokensAt(now) >= float64(a.bucket.Burst) {
			delete(a.byAddr, addr)
		}
	}
}

// network is what one client can hold of addresses: one of IPv4, 2^64 of IPv6.
func network(addr netip.Addr) netip.Addr {
	addr = addr.Unmap()
	if addr.Is6() {
		if p, err := addr.Prefix(64); err == nil {
			return p.Addr()
		}
	}
	return addr
}

// budget allows each user so many uses in any stretch of the window. A token bucket would allow twice as many.
type budget struct {
	uses   int
	window time.Duration
	now    func() time.Time

	mu     sync.Mutex
	byUser map[tandem.UserID][]use // oldest first, at most uses
}

type use struct {
	id string
	at time.Time
}

func newBudget(uses int, window time.Duration, now func() time.Time) *budget {
	return &budget{uses: uses, window: window, now: now, byUser: map[tandem.UserID][]use{}}
}

// take spends one use, or says how long the user has to wait. One that was spent within the window is free.
func (b *budget) take(user tandem.UserID, id string) (wait time.Duration, ok bool) {
	now := b.now()
	b.mu.Lock()
	defer b.mu.Unlock()
	used := b.byUser[user]
	for len(used) > 0 && now.Sub(used[0].at) >= b.window {
		used = used[1:]
	}
	if slices.ContainsFunc(used, func(u use) bool { return u.id == id }) {
		return 0, true
	}
	if len(used) >= b.uses {
		return b.window - now.Sub(used[0].at), false
	}
	if used == nil && len(b.byUser) >= maxKeys {
		b.sweep(now)
	}
	b.byUser[user] = append(used, use{id, now})
	return 0, true
}

// sweep forgets users whose uses are all past the window, and when that frees nothing, all of them.
func (b *budget) sweep(now time.Time) {
	for user, used := range b.byUser {
		if now.Sub(used[len(used)-1].at) >= b.window {
			delete(b.byUser, user)
		}
	}
	if len(b.byUser) >= maxKeys {
		clear(b.byUser)
	}
}
