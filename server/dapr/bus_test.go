package dapr_test

import (
	"context"
	"sync"
	"testing"

	"tandem"
	"tandem/server/dapr"
	"tandem/workers/porttest"
)

// apps plays the suite's groups: each is an app of the product with the same subscriptions.
var apps = map[string]string{"a": dapr.AppAudit, "b": dapr.AppRecurrence}

func TestBus(t *testing.T) {
	porttest.RunBus(t, func(t *testing.T, dead *porttest.Dead, subs []porttest.Subscription) porttest.Bus {
		t.Helper()
		w := newWorld(t).withKafka()
		aside := func(s **side, group string) func(context.Context, string, tandem.Topic, string, []byte, string) error {
			return func(ctx context.Context, pubsub string, topic tandem.Topic, consumer string, raw []byte, reason string) error {
				if err := (*s).client.SetAside(ctx, pubsub, topic, consumer, raw, reason); err != nil {
					return err
				}
				return dead.Add(ctx, topic, group, raw, reason)
			}
		}
		for group, app := range apps {
			o := dapr.CallbackOptions{CountFailure: counter(), OnLetter: func(context.Context, dapr.Letter) error { return nil }}
			for _, sub := range subs {
				if sub.Group == group {
					o.Subscriptions = append(o.Subscriptions, dapr.Subscription{Topic: sub.Topic, Consumer: group, Handle: dapr.Handler(sub.Handler)})
				}
			}
			if len(o.Subscriptions) == 0 {
				continue
			}
			var s *side
			o.SetAside = aside(&s, group)
			s = w.app(app, o)
		}
		relay := w.app(dapr.AppRelay, dapr.CallbackOptions{Metrics: dapr.Metrics{DeadLetter: func(topic tandem.Topic, consumer string) {
			_ = dead.Add(t.Context(), topic, consumer, nil, "refused by the publisher")
		}}})
		return relay.client
	})
}

// counter counts failures in memory.
func counter() func(context.Context, string, string) (int, error) {
	var mu sync.Mutex
	counts := map[string]int{}
	return func(_ context.Context, consumer, event string) (int, error) {
		mu.Lock()
		defer mu.Unlock()
		counts[consumer+event]++
		return counts[consumer+event], nil
	}
}
