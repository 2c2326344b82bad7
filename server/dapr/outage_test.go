package dapr_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"tandem"
	"tandem/ops/dev/stack"
	"tandem/server/dapr"
	"tandem/workers/porttest"
)

// batch makes n events of each user, the users in turn.
func batch(t *testing.T, n int, users ...tandem.UserID) []tandem.Outgoing {
	t.Helper()
	var out []tandem.Outgoing
	for i := range n {
		for _, user := range users {
			out = append(out, tandem.Outgoing{ID: int64(len(out) + 1), Topic: tandem.TopicTaskEvents, User: user, Event: porttest.Event(t, user, i+1)})
		}
	}
	return out
}

// publishAll publishes until all is done, as the relay does.
func publishAll(t *testing.T, c *dapr.Client, events []tandem.Outgoing) {
	t.Helper()
	eventually(t, "everything is published", func() bool {
		done, err := c.Publish(t.Context(), events)
		events = slices.DeleteFunc(events, func(e tandem.Outgoing) bool { return slices.Contains(done, e.ID) })
		if err == nil && len(events) > 0 {
			t.Fatalf("%d events are neither done nor an error", len(events))
		}
		return len(events) == 0
	})
}

// seen collects the numbers of each user's events in the order of their arrival.
type seen struct {
	mu  sync.Mutex
	got map[tandem.UserID][]tandem.Seq
	n   int
}

func (s *seen) take(e tandem.Event) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.got == nil {
		s.got = map[tandem.UserID][]tandem.Seq{}
	}
	s.n++
	if list := s.got[e.UserID]; !slices.Contains(list, e.Payload.Seq) {
		s.got[e.UserID] = append(list, e.Payload.Seq)
	}
}

func (s *seen) distinct() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := 0
	for _, list := range s.got {
		n += len(list)
	}
	return n
}

func (s *seen) checkOrder(t *testing.T) {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	for user, list := range s.got {
		if !slices.IsSorted(list) {
			t.Errorf("events of %s arrived as %v", user, list)
		}
	}
}

func TestOutage_OfTheStoreLosesNothingAndSetsNothingAside(t *testing.T) {
	t.Parallel()
	w := newWorld(t).on(stack.Kafka(t))
	var down atomic.Bool
	var got seen
	var aside atomic.Int32
	store := func(context.Context) error {
		if down.Load() {
			return errors.New("the database is down")
		}
		return nil
	}
	s := w.app(dapr.AppRecurrence, dapr.CallbackOptions{
		SetAside:     func(context.Context, string, tandem.Topic, string, []byte, string) error { aside.Add(1); return nil },
		CountFailure: func(ctx context.Context, _, _ string) (int, error) { return dapr.MaxAttempts, store(ctx) },
		Subscriptions: []dapr.Subscription{{Topic: tandem.TopicTaskEvents, Consumer: "recurrence", Handle: func(ctx context.Context, e tandem.Event) error {
			if err := store(ctx); err != nil {
				return err
			}
			got.take(e)
			return nil
		}}},
	})
	watched := make(chan error, 1)
	go func() { watched <- s.health.Watch(t.Context(), store) }()
	relay := w.app(dapr.AppRelay, dapr.CallbackOptions{})
	users := []tandem.UserID{"ann", "bob", "cyd", "dan"}
	publishAll(t, relay.client, batch(t, 5, users...))
	eventually(t, "the events before the outage", func() bool { return got.distinct() == 20 })
	down.Store(true)
	later := batch(t, 30, users...)[20:]
	publishAll(t, relay.client, later)
	eventually(t, "deliveries stop", func() bool { return s.health.Check() != nil })
	<-time.After(4 * time.Second)
	down.Store(false)
	eventually(t, "every event after the outage", func() bool { return got.distinct() == 120 })
	got.checkOrder(t)
	if aside.Load() != 0 {
		t.Errorf("%d healthy events were set aside", aside.Load())
	}
}

func TestOutage_OfTheBrokerAndOfTheSidecars(t *testing.T) {
	t.Parallel()
	w := newWorld(t).on(stack.Kafka(t))
	var got seen
	s := w.app(dapr.AppRecurrence, dapr.CallbackOptions{
		CountFailure: never,
		Subscriptions: []dapr.Subscription{{Topic: tandem.TopicTaskEvents, Consumer: "recurrence", Handle: func(_ context.Context, e tandem.Event) error {
			got.take(e)
			return nil
		}}},
	})
	relay := w.app(dapr.AppRelay, dapr.CallbackOptions{})
	all := batch(t, 30, "ann", "bob")
	publishAll(t, relay.client, all[:20])
	w.kafka.Kill()
	if done, err := relay.client.Publish(t.Context(), all[20:24]); err == nil || len(done) > 0 {
		t.Errorf("published %v to a broker that is not there", done)
	}
	w.kafka.Start()
	publishAll(t, relay.client, all[20:40])
	s.Kill()
	relay.Kill()
	if done, err := relay.client.Publish(t.Context(), all[40:]); err == nil || len(done) > 0 {
		t.Errorf("published %v without a sidecar", done)
	}
	relay.Start()
	s.Start()
	publishAll(t, relay.client, all[40:])
	eventually(t, "every event", func() bool { return got.distinct() == 60 })
	got.checkOrder(t)
}

func TestReplicas_ShareATopicAndOneDiesAtWork(t *testing.T) {
	t.Parallel()
	w := newWorld(t).on(stack.Kafka(t))
	var got seen
	release := make(chan struct{})
	var first sync.Once
	dead := make(chan string, 1)
	replica := func(name string) *side {
		return w.app(dapr.AppRecurrence, dapr.CallbackOptions{
			CountFailure: never,
			Subscriptions: []dapr.Subscription{{Topic: tandem.TopicTaskEvents, Consumer: "recurrence", Handle: func(_ context.Context, e tandem.Event) error {
				first.Do(func() {
					dead <- name
					<-release
				})
				got.take(e)
				return nil
			}}},
		})
	}
	replicas := map[string]*side{"1": replica("1"), "2": replica("2")}
	relay := w.app(dapr.AppRelay, dapr.CallbackOptions{})
	var users []tandem.UserID
	for i := range 24 {
		users = append(users, tandem.UserID(fmt.Sprint("user-", i)))
	}
	publishAll(t, relay.client, batch(t, 5, users...))
	replicas[<-dead].Kill() // its partitions move after the broker's session of ten seconds
	close(release)
	eventually(t, "every event, by the other replica too", func() bool { return got.distinct() == 120 })
	got.checkOrder(t)
}

func TestPublish_WritesCloudEventsKeyedByUser(t *testing.T) {
	w := newWorld(t).withKafka()
	relay := w.app(dapr.AppRelay, dapr.CallbackOptions{})
	events := batch(t, 3, "ann", "bob")
	events = append(events, tandem.Outgoing{ID: 99, User: "ann"}) // only news
	publishAll(t, relay.client, slices.Clone(events))
	reader, err := kgo.NewClient(kgo.SeedBrokers(w.kafka.Seeds()...), kgo.ConsumeTopics("task-events"), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
	if err != nil {
		t.Fatal(err)
	}
	defer reader.Close()
	partitions := map[string]int32{}
	for n := 0; n < 6; {
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		fetches := reader.PollFetches(ctx)
		cancel()
		if err := fetches.Err(); err != nil {
			t.Fatal(err)
		}
		fetches.EachRecord(func(r *kgo.Record) {
			n++
			user := string(r.Key)
			if p, ok := partitions[user]; ok && p != r.Partition {
				t.Errorf("events of %s are on partitions %d and %d", user, p, r.Partition)
			}
			partitions[user] = r.Partition
			var ce struct {
				SpecVersion string `json:"specversion"`
				ID, Type    string
				User        string       `json:"userid"`
				Data        tandem.Event `json:"data"`
			}
			if err := json.Unmarshal(r.Value, &ce); err != nil {
				t.Fatalf("%s: %v", r.Value, err)
			}
			if ce.SpecVersion != "1.0" || ce.ID != ce.Data.EventID || ce.Type != string(ce.Data.EventType) || ce.User != user || string(ce.Data.UserID) != user {
				t.Errorf("key %s: %s", user, r.Value)
			}
			if strings.Contains(string(r.Value), "data_base64") {
				t.Errorf("the data is no JSON: %s", r.Value)
			}
		})
	}
	if len(partitions) != 2 {
		t.Errorf("keys %v, want each user", partitions)
	}
}
