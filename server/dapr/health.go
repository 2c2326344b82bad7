package dapr

import (
	"context"
	"errors"
	"sync"
	"time"
)

// Bounds of the health that the sidecar is told.
const (
	// storePatience is how long the store may fail before deliveries stop; a shorter outage is bridged by retries.
	storePatience = 5 * time.Second
	// recoveryPause is how long the sidecar still hears "unhealthy" after the store is back, or after a process took the place of one
	// that died. It is longer than the largest pause between two retries of a delivery: told earlier, a sidecar of 1.16.0 stopped
	// consuming for good in 6 of 26 runs, probably because its late unsubscription takes the new subscription away.
	recoveryPause = 8 * time.Second
	pingEvery     = time.Second
	pingTimeout   = 2 * time.Second
)

// What the sidecar is told.
var (
	errStarting   = errors.New("starting")
	errDraining   = errors.New("draining")
	errStoreDown  = errors.New("the store fails")
	errRecovering = errors.New("deliveries under way end first")
)

// Health decides whether the sidecar may deliver. While it may not, events wait on their topics and timers are kept. The zero value
// is not ready yet. It is another answer than the readiness that people's requests depend on: a draining process serves people
// no more and still takes events.
type Health struct {
	Now func() time.Time // nil: time.Now

	mu        sync.Mutex
	ready     bool
	draining  bool
	failed    time.Time // since when the store fails; zero: it does not
	recovered time.Time // since when deliveries may begin again after they had stopped
}

// Ready tells that the process takes events.
func (h *Health) Ready() { h.set(func() { h.ready = true }) }

// Succeed tells that the sidecar may still repeat deliveries to a process that died before this one. They are taken; new ones wait.
func (h *Health) Succeed() { h.set(func() { h.recovered = h.now() }) }

// Drain tells that the process takes no more events. There is no way back.
func (h *Health) Drain() { h.set(func() { h.draining = true }) }

func (h *Health) set(f func()) {
	h.mu.Lock()
	defer h.mu.Unlock()
	f()
}

// Store takes the outcome of asking the store.
func (h *Health) Store(err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	now := h.now()
	switch {
	case err != nil && h.failed.IsZero():
		h.failed = now
		if h.recovering(now) { // it was not back for good: do not let deliveries start in between
			h.failed = now.Add(-storePatience)
		}
	case err == nil && !h.failed.IsZero():
		if now.Sub(h.failed) >= storePatience {
			h.recovered = now
		}
		h.failed = time.Time{}
	}
}

// Check gives nil when the sidecar may deliver, else the reason why not.
func (h *Health) Check() error {
	h.mu.Lock()
	defer h.mu.Unlock()
	now := h.now()
	switch {
	case !h.ready:
		return errStarting
	case h.draining:
		return errDraining
	case !h.failed.IsZero() && now.Sub(h.failed) >= storePatience:
		return errStoreDown
	case h.recovering(now):
		return errRecovering
	}
	return nil
}

func (h *Health) recovering(now time.Time) bool {
	return !h.recovered.IsZero() && now.Sub(h.recovered) < recoveryPause
}

// StoreDown tells whether the store failed when it was last asked.
func (h *Health) StoreDown() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return !h.failed.IsZero()
}

// Watch asks the store every second until ctx ends.
func (h *Health) Watch(ctx context.Context, ping func(context.Context) error) error {
	tick := time.NewTicker(pingEvery)
	defer tick.Stop()
	for {
		h.ask(ctx, ping)
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

func (h *Health) ask(ctx context.Context, ping func(context.Context) error) {
	asked, cancel := context.WithTimeout(ctx, pingTimeout)
	defer cancel()
	err := ping(asked)
	if ctx.Err() == nil {
		h.Store(err)
	}
}

func (h *Health) now() time.Time {
	if h.Now == nil {
		return time.Now()
	}
	return h.Now()
}
