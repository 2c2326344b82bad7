package main

import (
	"context"
	"encoding/json"
	"slices"
	"time"

	"tandem"
	"tandem/workers/audit"
	"tandem/workers/notify"
	"tandem/workers/once"
	"tandem/workers/recur"
	"tandem/workers/relay"
	"tandem/workers/remind"
)

// workStore is what the workers need of a database; both databases have it.
type workStore interface {
	relay.Outbox
	remind.Store
	notify.Store
	notify.Deliveries
	audit.Trail
	once.Keys
	AddDeadLetter(ctx context.Context, topic tandem.Topic, consumer string, event json.RawMessage, reason string) error
	CountFailure(ctx context.Context, consumer, eventID string) (failures int, err error)
}

// crew does what follows from a committed change.
type crew struct {
	*base
	work     workStore
	keys     once.Keys
	guarded  []string // the consumers that ask keys before they work
	reminder *remind.Worker
	courier  *notify.Courier
}

func newCrew(b *base, work workStore, keys once.Keys, guarded ...string) (*crew, error) {
	w := &crew{
		base: b, work: work, keys: keys, guarded: guarded,
		reminder: &remind.Worker{Store: work, Now: time.Now, Log: b.log, Metrics: remindMetrics(b.metrics)},
		courier:  notify.NewCourier(work, b.log),
	}
	w.courier.Attempted = func(m tandem.Medium, outcome string) { b.metrics.Delivery(string(m), outcome) }
	ways, err := channels(b.cfg)
	w.courier.Use(ways)
	return w, err
}

// duty is one row of the table that says who consumes what: a worker, and what its consumer does with the events of a topic.
type duty struct {
	worker   string // as `tandem worker` names it
	topic    tandem.Topic
	consumer string
	wants    func(tandem.Event) bool // nil: every event
	handle   once.Handler
}

// duties is the table.
func (w *crew) duties() []duty {
	r := &recur.Worker{Store: w.work, Made: w.metrics.Recurred}
	n := &notify.Worker{Store: w.work, Shown: w.courier.Kick}
	a := &audit.Worker{Trail: w.work}
	table := []duty{
		{"recurrence", tandem.TopicTaskEvents, recur.Consumer, recur.Wants, r.Handle},
		{"reminders", tandem.TopicTaskEvents, remind.Consumer, remind.Wants, w.reminder.Handle},
		{"notifications", tandem.TopicReminders, notify.Consumer, nil, n.Handle},
		{"audit", tandem.TopicTaskEvents, audit.Consumer, nil, a.Handle},
		{"audit", tandem.TopicReminders, audit.Consumer, nil, a.Handle},
	}
	for i, d := range table {
		table[i].handle = consumed(d.consumer, d.wants, w.aged(d.consumer, w.guard(d)))
	}
	return table
}

// guard lets a guarded consumer work once for each event.
func (w *crew) guard(d duty) once.Handler {
	if !slices.Contains(w.guarded, d.consumer) {
		return d.handle
	}
	return once.Guard{Keys: w.keys, Consumer: d.consumer, Owner: w.owner, Wants: d.wants, FailedOpen: w.metrics.FailedOpen}.Wrap(d.handle)
}

// aged notes how old the events of a consumer are when they are taken.
func (w *crew) aged(consumer string, h once.Handler) once.Handler {
	return func(ctx context.Context, e tandem.Event) error {
		w.metrics.EventTaken(consumer, time.Since(time.Time(e.Timestamp)))
		return h(ctx, e)
	}
}

// setAside keeps an event that no one could take.
func (w *crew) setAside(ctx context.Context, topic tandem.Topic, consumer string, event json.RawMessage, reason string) error {
	w.metrics.DeadLetter(string(topic), consumer)
	w.log.ErrorContext(ctx, "event set aside", "topic", topic, "consumer", consumer, "reason", reason)
	return w.work.AddDeadLetter(ctx, topic, consumer, event, reason)
}
