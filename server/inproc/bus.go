package inproc

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"time"

	"tandem"
)

// Handler takes one event of a subscription. An error asks for another delivery.
type Handler func(context.Context, tandem.Event) error

// DeadLetter is called for an event that a group could not take.
type DeadLetter func(ctx context.Context, topic tandem.Topic, group string, event json.RawMessage, reason string) error

// MaxAttempts bounds how often one group is given one event before the event is set aside.
const MaxAttempts = 5

// Bus delivers events of topics to groups, within the process.
type Bus struct {
	dead   DeadLetter
	Faults *Faults // nil: none
	// Wait pauses between attempts; the default doubles from 20 ms.
	Wait func(ctx context.Context, attempt int) error

	mu     sync.RWMutex
	groups map[tandem.Topic]map[string]Handler
}

// NewBus makes a bus that sets aside what no one can take by calling dead.
func NewBus(dead DeadLetter) *Bus {
	return &Bus{dead: dead, Wait: backoff, groups: map[tandem.Topic]map[string]Handler{}}
}

// Subscribe makes h the handler of group on topic. Subscriptions are made before the first Publish.
func (b *Bus) Subscribe(topic tandem.Topic, group string, h Handler) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.groups[topic] == nil {
		b.groups[topic] = map[string]Handler{}
	}
	b.groups[topic][group] = h
}

// Publish delivers events to every group of their topics, one after the other. done lists those that each group has taken or
// that rest in the dead letters; beside an error, the others must be published again. An event that failed holds back the later
// ones of its user.
func (b *Bus) Publish(ctx context.Context, events []tandem.Outgoing) (done []int64, err error) {
	blocked := map[tandem.UserID]bool{}
	var errs []error
	for _, e := range events {
		if blocked[e.User] {
			continue
		}
		if err := b.publish(ctx, e.Topic, e.Event); err != nil {
			blocked[e.User] = true
			errs = append(errs, fmt.Errorf("publish to %s: %w", e.Topic, err))
			continue
		}
		done = append(done, e.ID)
	}
	return done, errors.Join(errs...)
}

func (b *Bus) publish(ctx context.Context, topic tandem.Topic, data json.RawMessage) error {
	e, err := tandem.DecodeEvent(topic, data)
	if err != nil {
		return b.dead(ctx, topic, "", data, err.Error())
	}
	b.mu.RLock()
	groups := b.groups[topic]
	b.mu.RUnlock()
	var errs []error
	for group, h := range groups {
		for range b.Faults.repeats() {
			errs = append(errs, b.deliver(ctx, topic, group, h, e, data))
		}
	}
	return errors.Join(errs...)
}

func (b *Bus) deliver(ctx context.Context, topic tandem.Topic, group string, h Handler, e tandem.Event, data json.RawMessage) error {
	var err error
	for attempt := range MaxAttempts {
		if err = safely(ctx, h, e); err == nil {
			tandem.FaultPoint("consumer.after_effect_before_ack")
			return nil
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if errors.Is(err, tandem.ErrInvalid) || attempt == MaxAttempts-1 {
			break
		}
		if werr := b.Wait(ctx, attempt); werr != nil {
			return werr
		}
	}
	return b.dead(ctx, topic, group, data, err.Error())
}

// safely turns a handler's panic into an error: one event must not end the process.
func safely(ctx context.Context, h Handler, e tandem.Event) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("handler panic: %v", p)
		}
	}()
	return h(ctx, e)
}

func backoff(ctx context.Context, attempt int) error {
	t := time.NewTimer(20 * time.Millisecond << attempt)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}
