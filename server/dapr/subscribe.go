package dapr

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"strings"
	"sync"
	"time"

	pb "github.com/dapr/dapr/pkg/proto/runtime/v1"

	"tandem"
)

// MaxAttempts is how often a consumer is given an event that it fails at, while everything around it works.
const MaxAttempts = 6

// countTimeout bounds counting a failure; it is beside the deadline that the handler may have used up.
const countTimeout = 2 * time.Second

// errInfrastructure marks what says nothing about the event.
var errInfrastructure = errors.New("infrastructure")

// Handler takes one event. An error asks for another delivery; an invalid or forbidden one says that the event can never be taken.
type Handler func(context.Context, tandem.Event) error

// Subscription is one consumer of a topic. Consumers of one topic in one app are given an event together, and again together while one of
// them fails.
type Subscription struct {
	Topic    tandem.Topic
	Consumer string
	Handle   Handler
}

// OnTopicEvent takes a message. The sidecar passes its bytes on as they are: it does not have to understand what it may have to set
// aside.
func (c *Callback) OnTopicEvent(ctx context.Context, r *pb.TopicEventRequest) (*pb.TopicEventResponse, error) {
	ctx, cancel := context.WithTimeout(ctx, topicDeadline)
	defer cancel()
	var err error
	if topic, dead := strings.CutSuffix(r.GetTopic(), dlqSuffix); dead {
		err = c.letter(ctx, tandem.Topic(topic), r.GetData())
	} else {
		err = c.event(ctx, r)
	}
	if err == nil {
		return &pb.TopicEventResponse{Status: pb.TopicEventResponse_SUCCESS}, nil
	}
	c.o.Log.WarnContext(ctx, "event will come again", "topic", r.GetTopic(), "err", err)
	if c.transient(err) {
		<-ctx.Done() // let the health stop deliveries first
	}
	return &pb.TopicEventResponse{Status: pb.TopicEventResponse_RETRY}, nil
}

// letter takes a dead letter.
func (c *Callback) letter(ctx context.Context, topic tandem.Topic, raw []byte) error {
	if c.o.OnLetter == nil {
		return fmt.Errorf("%w: the dead letters of %s have no consumer here", errInfrastructure, topic)
	}
	if err := c.o.OnLetter(ctx, readLetter(topic, raw)); err != nil {
		return fmt.Errorf("%w: keep a dead letter of %s: %w", errInfrastructure, topic, err)
	}
	return nil
}

// event gives a message to every consumer of its topic. nil: each has taken it, or it rests in the dead letters.
func (c *Callback) event(ctx context.Context, r *pb.TopicEventRequest) error {
	consumers := c.topics[r.GetTopic()]
	if len(consumers) == 0 { // a file subscribes what no one here takes: keep it on the topic, where it is seen
		return fmt.Errorf("%w: topic %s has no consumer here", errInfrastructure, r.GetTopic())
	}
	e, bad := decode(tandem.Topic(r.GetTopic()), r.GetData())
	errs := make([]error, len(consumers))
	var wg sync.WaitGroup
	for i, s := range consumers {
		wg.Go(func() {
			err := bad
			if bad == nil {
				err = safely(ctx, s.Handle, e)
			}
			errs[i] = c.settle(ctx, r, s, e, err)
		})
	}
	wg.Wait()
	return errors.Join(errs...)
}

// settle decides what follows from the outcome of one consumer. nil: the event is done with.
func (c *Callback) settle(ctx context.Context, r *pb.TopicEventRequest, s Subscription, e tandem.Event, err error) error {
	switch {
	case err == nil:
		if c.o.Metrics.Delivered != nil {
			c.o.Metrics.Delivered(s.Topic, s.Consumer, c.o.Now().Sub(time.Time(e.Timestamp)))
		}
		return nil
	case errors.Is(err, tandem.ErrInvalid), errors.Is(err, tandem.ErrForbidden):
		return c.setAside(ctx, r, s, err)
	case c.transient(err):
		return err
	}
	counted, cancel := context.WithTimeout(context.WithoutCancel(ctx), countTimeout)
	defer cancel()
	failures, countErr := c.o.CountFailure(counted, s.Consumer, e.EventID)
	switch {
	case countErr != nil:
		return fmt.Errorf("%w: count a failure of %s: %w, after: %w", errInfrastructure, s.Consumer, countErr, err)
	case failures < MaxAttempts:
		return fmt.Errorf("%s failed %d times at %s: %w", s.Consumer, failures, e.EventID, err)
	}
	return c.setAside(counted, r, s, err)
}

func (c *Callback) setAside(ctx context.Context, r *pb.TopicEventRequest, s Subscription, reason error) error {
	c.o.Log.ErrorContext(ctx, "event set aside", "topic", s.Topic, "consumer", s.Consumer, "err", reason)
	if err := c.o.SetAside(ctx, r.GetPubsubName(), s.Topic, s.Consumer, r.GetData(), reason.Error()); err != nil {
		return fmt.Errorf("%w: %w", errInfrastructure, err)
	}
	return nil
}

// safely turns a handler's panic into an error: one event must not end the process.
func safely(ctx context.Context, h Handler, e tandem.Event) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("handler panic: %v\n%s", p, debug.Stack())
		}
	}()
	return h(ctx, e)
}
