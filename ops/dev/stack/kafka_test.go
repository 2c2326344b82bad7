package stack_test

import (
	"slices"
	"testing"

	"github.com/twmb/franz-go/pkg/kgo"

	"tandem"
	"tandem/ops/dev/stack"
)

// produce writes an event and reads the topic from its start until n have come.
func produce(t *testing.T, bus *stack.Bus, topic, value string, n int) []string {
	t.Helper()
	client, err := kgo.NewClient(kgo.SeedBrokers(bus.Seeds()...), kgo.ConsumeTopics(topic), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	record := &kgo.Record{Topic: topic, Key: []byte("ann"), Value: []byte(value)}
	if err := client.ProduceSync(t.Context(), record).FirstErr(); err != nil {
		t.Fatal(err)
	}
	var got []string
	for len(got) < n {
		fetches := client.PollFetches(t.Context())
		if err := fetches.Err0(); err != nil {
			t.Fatalf("after %q: %v", got, err)
		}
		fetches.EachRecord(func(r *kgo.Record) { got = append(got, string(r.Value)) })
	}
	return got
}

func TestKafka_KeepsItsEventsOverAStopAndACrash(t *testing.T) {
	t.Parallel()
	bus := stack.Kafka(t)
	topic := string(tandem.TopicTaskEvents)
	produce(t, bus, topic, "first", 1)
	bus.Stop()
	bus.Start()
	produce(t, bus, topic, "second", 2)
	bus.Kill()
	bus.Start()
	if got := produce(t, bus, topic, "third", 3); !slices.Equal(got, []string{"first", "second", "third"}) {
		t.Errorf("the topic holds %q, want first, second, third", got)
	}
}

func TestKafka_HasTheTopicsOfTheProductAndNoOthers(t *testing.T) {
	t.Parallel()
	bus := stack.SharedKafka(t)
	for _, topic := range tandem.Topics {
		produce(t, bus, string(topic)+stack.DeadLetter, "x", 1)
	}
	client, err := kgo.NewClient(kgo.SeedBrokers(bus.Seeds()...), kgo.UnknownTopicRetries(0))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	if err := client.ProduceSync(t.Context(), &kgo.Record{Topic: "typo", Value: []byte("x")}).FirstErr(); err == nil {
		t.Error("an unknown topic took an event")
	}
	bus.Create(t, "other", 2)
	produce(t, bus, "other", "y", 1)
}

func TestKafkaCluster_LosesNoEventWithABroker(t *testing.T) {
	t.Parallel()
	bus := stack.KafkaCluster(t, 3)
	topic := string(tandem.TopicReminders)
	produce(t, bus, topic, "first", 1)
	bus.Brokers[0].Kill()
	if got := produce(t, bus, topic, "second", 2); !slices.Equal(got, []string{"first", "second"}) {
		t.Errorf("the topic holds %q, want first, second", got)
	}
}
