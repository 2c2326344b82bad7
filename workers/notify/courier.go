package notify

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"tandem"
)

// Bounds of the courier.
const (
	MaxAttempts = 8 // with the pauses between them, about two hours
	lookEvery   = time.Second
	lease       = 30 * time.Second // longer than an attempt may take; what a courier that died held is sent within a minute
	attemptTime = 20 * time.Second // a mail server may be slow
	batch       = 100
	hands       = 16 // deliveries on their way at a time
	pauseFirst  = 5 * time.Second
	pauseMost   = time.Hour
)

// Outcomes are how attempts end, as Metrics.Attempted tells.
var Outcomes = []string{outcomeSent, outcomeLater, outcomeFailed, outcomeGone}

const (
	outcomeSent   = "sent"
	outcomeLater  = "later"  // it is tried again
	outcomeFailed = "failed" // it is not
	outcomeGone   = "gone"   // the address is no more, and was given up
)

// Deliveries is the store of what is to be sent.
type Deliveries interface {
	// DueDeliveries gives deliveries of all users that may be tried at until, those that wait longest first.
	DueDeliveries(ctx context.Context, until time.Time, limit int) ([]tandem.DeliveryRef, error)
	// ClaimDelivery takes one for an attempt, which no other claim repeats before the lease ends. False: it is not to be sent, or
	// not now.
	ClaimDelivery(ctx context.Context, ref tandem.DeliveryRef, lease time.Duration) (tandem.Delivery, bool, error)
	// SettleDelivery says how an attempt ended; waiting: it is to be tried again from next on.
	SettleDelivery(ctx context.Context, d tandem.Delivery, state tandem.DeliveryState, next time.Time) error
	// Set changes a person's settings.
	Set(ctx context.Context, user tandem.UserID, e tandem.SetEdit) (tandem.Outcome, error)
}

// Channel makes one attempt to send a notice. An error may be a *tandem.DeliveryError, which says what another attempt is worth.
type Channel interface {
	Send(ctx context.Context, n tandem.Notice, to tandem.Target) error
}

// Courier sends notices to the addresses of their persons, at least once. A delivery is a row that is claimed, so any number of
// couriers may run, and one that dies leaves its deliveries to others.
type Courier struct {
	Store Deliveries
	Now   func() time.Time
	Log   *slog.Logger
	// Attempted counts attempts; nil is not called.
	Attempted func(medium tandem.Medium, outcome string)

	channels atomic.Pointer[map[tandem.Medium]Channel]
	kick     chan struct{}
}

// NewCourier makes a courier over a store. It has no channels yet.
func NewCourier(store Deliveries, log *slog.Logger) *Courier {
	c := &Courier{Store: store, Now: time.Now, Log: log, kick: make(chan struct{}, 1)}
	c.Use(nil)
	return c
}

// Use makes these the channels from the next attempt on; their secrets may have changed. A medium without one is not sent by.
func (c *Courier) Use(channels map[tandem.Medium]Channel) { c.channels.Store(&channels) }

// Kick tells that there is something new. It never blocks; kicks may be merged.
func (c *Courier) Kick() {
	select {
	case c.kick <- struct{}{}:
	default:
	}
}

// Run sends until ctx ends. An attempt that is under way then is brought to its end.
func (c *Courier) Run(ctx context.Context) error {
	look := time.NewTicker(lookEvery)
	defer look.Stop()
	for {
		if err := c.Round(ctx); err != nil && ctx.Err() == nil {
			c.Log.WarnContext(ctx, "deliveries not sent", "err", err)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-c.kick:
		case <-look.C:
		}
	}
}

// Round makes an attempt at everything that is due.
func (c *Courier) Round(ctx context.Context) error {
	for {
		refs, err := c.Store.DueDeliveries(ctx, c.Now(), batch)
		if err != nil {
			return fmt.Errorf("read due deliveries: %w", err)
		}
		if err := c.all(ctx, refs); err != nil || len(refs) < batch {
			return err
		}
	}
}

// all makes one attempt at each, a few at a time. The error is that of the store: the fate of a delivery is none.
func (c *Courier) all(ctx context.Context, refs []tandem.DeliveryRef) error {
	var wait sync.WaitGroup
	errs := make([]error, len(refs))
	free := make(chan struct{}, hands)
	for i, ref := range refs {
		free <- struct{}{}
		if ctx.Err() != nil {
			break
		}
		wait.Go(func() {
			defer func() { <-free }()
			errs[i] = c.attempt(ctx, ref)
		})
	}
	wait.Wait()
	return errors.Join(errs...)
}

func (c *Courier) attempt(ctx context.Context, ref tandem.DeliveryRef) error {
	d, ok, err := c.Store.ClaimDelivery(ctx, ref, lease)
	if err != nil {
		return fmt.Errorf("claim delivery of %s: %w", ref.EventID, err)
	}
	if !ok {
		return nil
	}
	whole := context.WithoutCancel(ctx) // what was sent is to be settled
	outcome, state, next := c.send(whole, d)
	tandem.FaultPoint("notify.after_send_before_mark")
	if outcome == outcomeGone {
		if err := c.giveUp(whole, d); err != nil {
			return err // the lease ends, and another attempt finds the same
		}
	}
	if err := c.Store.SettleDelivery(whole, d, state, next); err != nil {
		return fmt.Errorf("settle delivery of %s: %w", d.EventID, err)
	}
	if c.Attempted != nil {
		c.Attempted(d.Medium, outcome)
	}
	return nil
}

// send makes the attempt and judges how it went.
func (c *Courier) send(ctx context.Context, d tandem.Delivery) (outcome string, state tandem.DeliveryState, next time.Time) {
	channel, ok := (*c.channels.Load())[d.Medium]
	if !ok {
		return outcomeFailed, tandem.DeliveryFailed, c.Now()
	}
	sending, cancel := context.WithTimeout(ctx, attemptTime)
	defer cancel()
	err := channel.Send(sending, d.Notice, d.To)
	if err == nil {
		return outcomeSent, tandem.DeliverySent, c.Now()
	}
	var failed tandem.DeliveryError
	if e, ok := errors.AsType[*tandem.DeliveryError](err); ok {
		failed = *e
	}
	outcome, state = outcomeLater, tandem.DeliveryWaiting
	switch {
	case failed.Gone:
		outcome, state = outcomeGone, tandem.DeliveryFailed
	case failed.Final || d.Attempt >= MaxAttempts:
		outcome, state = outcomeFailed, tandem.DeliveryFailed
	}
	level := slog.LevelDebug
	if state == tandem.DeliveryFailed {
		level = slog.LevelInfo
	}
	c.Log.Log(ctx, level, "delivery failed", "err", fmt.Errorf("%s: %w", d.Medium, err), "user_id", d.User, "event_id", d.EventID, "attempt", d.Attempt)
	return outcome, state, c.Now().Add(pause(d.Attempt, failed.After))
}

// pause triples with each attempt, with half of it at random, and is as long as the receiver asks for, but for an hour at most.
func pause(attempt int, asked time.Duration) time.Duration {
	d := pauseFirst
	for range min(attempt-1, 10) {
		d *= 3
	}
	d = min(d, pauseMost)
	return max(d/2+rand.N(d/2), min(asked, pauseMost))
}

// giveUp takes an address that is no more out of its person's settings, where it would fail for ever.
func (c *Courier) giveUp(ctx context.Context, d tandem.Delivery) error {
	e := tandem.SetEdit{Cause: tandem.Cause{Actor: tandem.ActorReminder}}
	switch d.Medium {
	case tandem.MediumPush:
		e.RemovePush = d.Target
	case tandem.MediumWebhook:
		e.Decide = func(s tandem.Settings) (tandem.Settings, error) {
			if w := s.Channels.Webhook; w != nil && w.URL == d.To.URL {
				s.Channels.Webhook = &tandem.Channel{URL: w.URL}
			}
			return s, nil
		}
	case tandem.MediumEmail:
		return nil
	}
	if _, err := c.Store.Set(ctx, d.User, e); err != nil && !errors.Is(err, tandem.ErrNotFound) {
		return fmt.Errorf("give up the address of %s: %w", d.EventID, err)
	}
	return nil
}
