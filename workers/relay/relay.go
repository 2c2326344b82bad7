// Package relay moves committed events from the outbox to the bus, in order per user.
package relay

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"time"

	"tandem"
)

// Outbox is the store's list of events that were committed and not published yet.
type Outbox interface {
	// Outbox gives the oldest unpublished events, in the order in which they were written.
	Outbox(ctx context.Context, limit int) ([]tandem.Outgoing, error)
	// MarkPublished takes events off the list.
	MarkPublished(ctx context.Context, ids []int64) error
}

// Publisher puts an event on a topic. It returns nil only when the event is safe there.
type Publisher interface {
	Publish(ctx context.Context, topic tandem.Topic, user tandem.UserID, event json.RawMessage) error
}

// Metrics counts the relay's work; nil fields are not called.
type Metrics struct {
	Published func(topic tandem.Topic)
	Failed    func()
}

// Bounds of the loop.
const (
	batch     = 256
	idle      = time.Second // a lost Kick costs at most this
	backoffLo = 50 * time.Millisecond
	backoffHi = 5 * time.Second
)

// Relay publishes what the outbox holds. An event is marked after it was published, so a crash in between publishes it
// again: consumers are idempotent.
type Relay struct {
	outbox  Outbox
	bus     Publisher
	log     *slog.Logger
	Metrics Metrics
	kick    chan struct{}
}

// New makes a relay.
func New(outbox Outbox, bus Publisher, log *slog.Logger) *Relay {
	return &Relay{outbox: outbox, bus: bus, log: log, kick: make(chan struct{}, 1)}
}

// Kick tells that something was committed. It never blocks; kicks may be merged: the outbox, not the kick, is the truth.
func (r *Relay) Kick() {
	select {
	case r.kick <- struct{}{}:
	default:
	}
}

// Run publishes until ctx ends.
func (r *Relay) Run(ctx context.Context) error {
	wait := time.NewTimer(0)
	defer wait.Stop()
	failures := 0
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-r.kick:
		case <-wait.C:
		}
		next := idle
		if err := r.Drain(ctx); err != nil && ctx.Err() == nil {
			failures++
			next = pause(failures)
			r.count(r.Metrics.Failed)
			r.log.WarnContext(ctx, "outbox not drained", "err", err, "retry_ms", next.Milliseconds())
		} else {
			failures = 0
		}
		wait.Reset(next)
	}
}

// Drain publishes everything that is in the outbox. A user whose event cannot be published waits with all later ones;
// others go on.
func (r *Relay) Drain(ctx context.Context) error {
	for {
		events, err := r.outbox.Outbox(ctx, batch)
		if err != nil {
			return fmt.Errorf("read outbox: %w", err)
		}
		done, err := r.publish(ctx, events)
		if len(done) > 0 {
			if err := r.outbox.MarkPublished(context.WithoutCancel(ctx), done); err != nil {
				return fmt.Errorf("mark published: %w", err)
			}
		}
		if err != nil || len(events) < batch {
			return err
		}
	}
}

func (r *Relay) publish(ctx context.Context, events []tandem.Outgoing) (done []int64, first error) {
	blocked := map[tandem.UserID]bool{}
	for _, e := range events {
		if blocked[e.User] {
			continue
		}
		if err := r.bus.Publish(ctx, e.Topic, e.User, e.Event); err != nil {
			blocked[e.User] = true
			if first == nil {
				first = fmt.Errorf("publish to %s: %w", e.Topic, err)
			}
			continue
		}
		done = append(done, e.ID)
		if r.Metrics.Published != nil {
			r.Metrics.Published(e.Topic)
		}
	}
	return done, first
}

func (r *Relay) count(f func()) {
	if f != nil {
		f()
	}
}

// pause doubles with each failure in a row, with half of it at random.
func pause(failures int) time.Duration {
	d := min(backoffLo<<min(failures, 10), backoffHi)
	return d/2 + rand.N(d/2)
}
