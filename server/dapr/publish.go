package dapr

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync"

	pb "github.com/dapr/dapr/pkg/proto/runtime/v1"
	"github.com/dapr/go-sdk/client"

	"tandem"
)

// relayConsumer is who sets an event aside that must not be published at all.
const relayConsumer = "relay"

// Publish puts events on their topics, in order per user and topic, with the user as the key. done lists those that are safe on the broker,
// also beside an error. Behind an event of a user that failed, later ones of that user and topic are not reported as done, even when the
// broker has them: published again they come behind it. What is no event of its topic goes to the topic's dead letters and is
// done.
func (c *Client) Publish(ctx context.Context, events []tandem.Outgoing) (done []int64, err error) {
	var wg sync.WaitGroup
	var mu sync.Mutex
	var errs []error
	for topic, list := range byTopic(events) {
		wg.Go(func() {
			ids, err := c.publishTopic(ctx, topic, list)
			mu.Lock()
			defer mu.Unlock()
			done, errs = append(done, ids...), append(errs, err)
		})
	}
	wg.Wait()
	return done, errors.Join(errs...)
}

func byTopic(events []tandem.Outgoing) map[tandem.Topic][]tandem.Outgoing {
	out := map[tandem.Topic][]tandem.Outgoing{}
	for _, e := range events {
		out[e.Topic] = append(out[e.Topic], e)
	}
	return out
}

func (c *Client) publishTopic(ctx context.Context, topic tandem.Topic, events []tandem.Outgoing) (done []int64, err error) {
	if topic == "" { // no event, only news of the user
		return ids(events), nil
	}
	ctx, cancel := context.WithTimeout(ctx, publishTimeout)
	defer cancel()
	req := &pb.BulkPublishRequest{PubsubName: PubSub, Topic: string(topic)}
	failed := map[tandem.UserID]bool{}
	var sent []tandem.Outgoing
	for _, e := range events {
		ce, bad := encode(topic, e.Event)
		switch {
		case failed[e.User]:
		case bad != nil:
			if aside := c.SetAside(ctx, PubSub, topic, relayConsumer, e.Event, bad.Error()); aside != nil {
				failed[e.User], err = true, aside
				continue
			}
			done = append(done, e.ID)
		default:
			sent = append(sent, e)
			req.Entries = append(req.Entries, &pb.BulkPublishRequestEntry{
				EntryId: strconv.FormatInt(e.ID, 10), Event: ce, ContentType: ContentType,
				// Only here: a key of the request as a whole would replace it.
				Metadata: map[string]string{"partitionKey": string(e.User)},
			})
		}
	}
	safe, sendErr := c.send(ctx, req, sent)
	return append(done, safe...), errors.Join(err, sendErr)
}

// send publishes the entries of req, which are those of sent. After a failure it sends the first event of each user by itself: a producer that
// does not know the leader of a partition yet refuses one event and takes those behind it.
func (c *Client) send(ctx context.Context, req *pb.BulkPublishRequest, sent []tandem.Outgoing) (done []int64, err error) {
	if len(sent) == 0 {
		return nil, nil
	}
	topic := tandem.Topic(req.GetTopic())
	defer func() { c.shaky.set(topic, err != nil) }()
	if !c.shaky.is(topic) {
		return c.publishBulk(ctx, req, sent)
	}
	first, rest := &pb.BulkPublishRequest{PubsubName: req.GetPubsubName(), Topic: req.GetTopic()}, &pb.BulkPublishRequest{PubsubName: req.GetPubsubName(), Topic: req.GetTopic()}
	var heads, others []tandem.Outgoing
	known := map[tandem.UserID]bool{}
	for i, e := range sent {
		if known[e.User] {
			rest.Entries, others = append(rest.Entries, req.GetEntries()[i]), append(others, e)
			continue
		}
		known[e.User] = true
		first.Entries, heads = append(first.Entries, req.GetEntries()[i]), append(heads, e)
	}
	done, err = c.publishBulk(ctx, first, heads)
	if err != nil || len(others) == 0 {
		return done, err
	}
	safe, err := c.publishBulk(ctx, rest, others)
	return append(done, safe...), err
}

// topicSet is a set of topics.
type topicSet struct {
	mu  sync.Mutex
	has map[tandem.Topic]bool
}

func (s *topicSet) is(topic tandem.Topic) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.has[topic]
}

func (s *topicSet) set(topic tandem.Topic, has bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.has == nil {
		s.has = map[tandem.Topic]bool{}
	}
	s.has[topic] = has
}

func (c *Client) publishBulk(ctx context.Context, req *pb.BulkPublishRequest, sent []tandem.Outgoing) (done []int64, err error) {
	res, err := c.sdk.GrpcClient().BulkPublishEventAlpha1(ctx, req)
	if err != nil {
		return nil, fmt.Errorf("publish %d events to %s: %w", len(sent), req.GetTopic(), err)
	}
	failures := res.GetFailedEntries()
	if len(failures) == 0 {
		return ids(sent), nil
	}
	bad := map[string]bool{}
	for _, f := range failures {
		bad[f.GetEntryId()] = true
	}
	err = fmt.Errorf("publish to %s: %d of %d events failed: %s", req.GetTopic(), len(failures), len(sent), failures[0].GetError()) //nolint:err113 // the broker's text
	return safeOf(sent, bad), err
}

// safeOf lists the events before the first failure of their user.
func safeOf(sent []tandem.Outgoing, bad map[string]bool) (done []int64) {
	failed := map[tandem.UserID]bool{}
	for _, e := range sent {
		failed[e.User] = failed[e.User] || bad[strconv.FormatInt(e.ID, 10)]
		if !failed[e.User] {
			done = append(done, e.ID)
		}
	}
	return done
}

func ids(events []tandem.Outgoing) []int64 {
	out := make([]int64, len(events))
	for i, e := range events {
		out[i] = e.ID
	}
	return out
}

// SetAside publishes a message to the dead letters of topic, with who could not take it and why.
func (c *Client) SetAside(ctx context.Context, pubsub string, topic tandem.Topic, consumer string, raw []byte, reason string) error {
	body, err := deadLetter(raw, consumer, reason)
	if err != nil {
		return fmt.Errorf("encode a dead letter of %s: %w", topic, err)
	}
	ctx, cancel := context.WithTimeout(ctx, publishTimeout)
	defer cancel()
	err = c.sdk.PublishEvent(ctx, pubsub, DeadLetters(topic), body,
		client.PublishEventWithMetadata(map[string]string{"rawPayload": "true"}), // as it is: no second envelope
		client.PublishEventWithContentType(ContentType))
	if err != nil {
		return fmt.Errorf("set an event of %s aside: %w", topic, err)
	}
	if c.o.Metrics.DeadLetter != nil {
		c.o.Metrics.DeadLetter(topic, consumer)
	}
	return nil
}
