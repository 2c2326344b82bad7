// Package relay moves committed events from the outbox to the bus, in order per user.
package relay

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"sync"
	"time"

	"tandem"
)

// Outbox is the store's lists of events that were committed and not published yet.
type Outbox interface {
	// Partitions tells how many lists the outbox has; all entries of a user are on one of them.
	Partitions() int
	// Forward hands the oldest entries of a list, at most limit in the order of writing, to publish, and takes off those that it
	// reports as done, even beside an error. While another process forwards that list it does nothing. n is how many entries publish
	// was given.
	Forward(ctx context.Context, partition, limit int, publish func(context.Context, []tandem.Outgoing) (done []int64, err error)) (n int, err error)
	// Backlog tells what waits on all lists.
	Backlog(ctx context.Context) (tandem.Backlog, error)
}

// Publisher puts events on their topics, in order per user: an event that cannot be published holds back the later ones of its
// user and of no one else. done lists the ids of those that are safe there, also beside an error.
type Publisher interface {
	Publish(ctx context.Context, events []tandem.Outgoing) (done []int64, err error)
}

// Metrics counts the relay's work; nil fields are not called.
type Metrics struct {
	Published func(topic tandem.Topic)
	Failed    func()
	Backlog   func(pending int, oldest time.Duration)
}

// Bounds of the loops.
const (
	batch       = 100
	deadline    = 10 * time.Second // of one publication: the outbox may hold a transaction open for it
	idle        = time.Second      // a lost Kick costs at most this
	gaugesEvery = 5 * time.Second
	backoffLo   = 50 * time.Millisecond
	backoffHi   = 5 * time.Second
)

// Relay publishes what the outbox holds. An event is taken off after it was published, so a crash in between publishes it
// again: consumers are idempotent. Any number of relays may run.
type Relay struct {
	Metrics Metrics
	// Idle is how long a list rests before it is looked at without a Kick; zero: a second. Where writers are other processes, whose
	// kicks do not come here, it bounds how late an event leaves.
	Idle time.Duration
	// Ping is told of the highest number of each user that left the outbox, so that whoever missed the news of it hears now. It must
	// not block. Nil: nobody is told.
	Ping func(ctx context.Context, user tandem.UserID, head tandem.Seq)

	outbox Outbox
	bus    Publisher
	log    *slog.Logger
	kicks  []chan struct{} // one for each list
}

// New makes a relay.
func New(outbox Outbox, bus Publisher, log *slog.Logger) *Relay {
	r := &Relay{outbox: outbox, bus: bus, log: log, kicks: make([]chan struct{}, outbox.Partitions())}
	for i := range r.kicks {
		r.kicks[i] = make(chan struct{}, 1)
	}
	return r
}

// Kick tells that something was committed. It never blocks; kicks may be merged: the outbox, not the kick, is the truth.
func (r *Relay) Kick() {
	for _, kick := range r.kicks {
		select {
		case kick <- struct{}{}:
		default:
		}
	}
}

// Run publishes until ctx ends.
func (r *Relay) Run(ctx context.Context) error {
	var loops sync.WaitGroup
	for partition := range r.kicks {
		loops.Go(func() { r.follow(ctx, partition) })
	}
	loops.Go(func() { r.gauge(ctx) })
	loops.Wait()
	return nil
}

// follow publishes one list until ctx ends.
func (r *Relay) follow(ctx context.Context, partition int) {
	wait := time.NewTimer(0)
	defer wait.Stop()
	failures := 0
	for {
		select {
		case <-ctx.Done():
			return
		case <-r.kicks[partition]:
		case <-wait.C:
		}
		next := r.rest()
		if err := r.drain(ctx, partition); err != nil && ctx.Err() == nil {
			failures++
			next = pause(failures)
			count(r.Metrics.Failed)
			r.log.WarnContext(ctx, "outbox not drained", "err", err, "partition", partition, "retry_ms", next.Milliseconds())
			if !sleep(ctx, next) { // kicks do not cut it short
				return
			}
		} else {
			failures = 0
		}
		wait.Reset(next)
	}
}

// rest is the time without a kick, a quarter of it at random: many relays do not look at once.
func (r *Relay) rest() time.Duration {
	d := r.Idle
	if d == 0 {
		d = idle
	}
	return d - rand.N(d/4+1)
}

// Drain publishes everything that is in the outbox.
func (r *Relay) Drain(ctx context.Context) error {
	for partition := range r.kicks {
		if err := r.drain(ctx, partition); err != nil {
			return err
		}
	}
	return nil
}

func (r *Relay) drain(ctx context.Context, partition int) error {
	for {
		heads := map[tandem.UserID]tandem.Seq{}
		n, err := r.outbox.Forward(ctx, partition, batch, func(ctx context.Context, entries []tandem.Outgoing) ([]int64, error) {
			return r.publish(ctx, entries, heads)
		})
		if r.Ping != nil {
			for user, head := range heads {
				r.Ping(ctx, user, head)
			}
		}
		if err != nil {
			return fmt.Errorf("forward list %d: %w", partition, err)
		}
		if n < batch {
			return nil
		}
	}
}

// steps notes that events are being published, each for the trace that wrote it.
func steps(ctx context.Context, events []tandem.Outgoing) (ended func(error)) {
	ends := make([]func(error), 0, len(events))
	for _, e := range events {
		_, end := tandem.Begin(ctx, tandem.Step{
			Name: "publish", Kind: tandem.StepPublish, New: true, Follows: e.TraceID(),
			Attrs: []slog.Attr{slog.String("topic", string(e.Topic)), slog.String("user_id", string(e.User))},
		})
		ends = append(ends, end)
	}
	return func(err error) {
		for _, end := range ends {
			end(err)
		}
	}
}

// publish puts the events among entries on their topics. The others were done with being written. heads becomes what is done,
// by user.
func (r *Relay) publish(ctx context.Context, entries []tandem.Outgoing, heads map[tandem.UserID]tandem.Seq) (done []int64, err error) {
	tandem.FaultPoint("outbox.after_read")
	ctx, cancel := context.WithTimeout(ctx, deadline)
	defer cancel()
	byID := make(map[int64]tandem.Outgoing, len(entries))
	events := make([]tandem.Outgoing, 0, len(entries))
	for _, e := range entries {
		byID[e.ID] = e
		if e.Topic == "" {
			done = append(done, e.ID)
		} else {
			events = append(events, e)
		}
	}
	if len(events) > 0 {
		var published []int64
		ended := steps(ctx, events)
		published, err = r.bus.Publish(ctx, events)
		ended(err)
		done = append(done, published...)
		tandem.FaultPoint("outbox.after_publish_before_mark")
	}
	for _, id := range done {
		e := byID[id]
		heads[e.User] = max(heads[e.User], e.Seq)
		if e.Topic != "" && r.Metrics.Published != nil {
			r.Metrics.Published(e.Topic)
		}
	}
	return done, err
}

// gauge tells what waits, until ctx ends.
func (r *Relay) gauge(ctx context.Context) {
	if r.Metrics.Backlog == nil {
		return
	}
	for {
		if b, err := r.outbox.Backlog(ctx); err == nil {
			age := time.Duration(0)
			if !b.Oldest.IsZero() {
				age = time.Since(b.Oldest)
			}
			r.Metrics.Backlog(b.Pending, age)
		} else if ctx.Err() == nil {
			r.log.WarnContext(ctx, "outbox not counted", "err", err)
		}
		if !sleep(ctx, gaugesEvery) {
			return
		}
	}
}

// sleep waits; false: ctx ended before.
func sleep(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-t.C:
		return true
	}
}

func count(f func()) {
	if f != nil {
		f()
	}
}

// pause doubles with each failure in a row, with half of it at random.
func pause(failures int) time.Duration {
	d := min(backoffLo<<min(failures, 10), backoffHi)
	return d/2 + rand.N(d/2)
}
