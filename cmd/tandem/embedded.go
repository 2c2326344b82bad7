package main

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"slices"
	"time"

	"tandem"
	"tandem/server/inproc"
	"tandem/server/sqlite"
	"tandem/workers/audit"
	"tandem/workers/notify"
	"tandem/workers/once"
	"tandem/workers/recur"
	"tandem/workers/relay"
	"tandem/workers/remind"
)

// embedded is the whole product in one process.
type embedded struct {
	core
	db       *sqlite.DB
	bus      *inproc.Bus
	timer    *inproc.Timer
	relay    *relay.Relay
	reminder *remind.Worker
}

func newEmbedded(ctx context.Context, c config, logTo io.Writer) (*embedded, error) {
	e := &embedded{core: core{base: newBase(c, "embedded", logTo), alone: true}}
	var err error
	if e.db, err = sqlite.Open(ctx, databaseFile(c.DataDir), sqlite.Options{Log: e.log}); err != nil {
		return nil, err
	}
	e.store, e.channels = e.db, &inproc.Channels{}
	e.buildWorkers() //nolint:contextcheck // a commit's news belongs to no request
	if err := e.build(ctx); err != nil {
		return nil, errors.Join(err, e.db.Close())
	}
	return e, nil
}

// subscription is one row of the table that says who consumes what.
type subscription struct {
	topic   tandem.Topic
	group   string
	handler inproc.Handler
}

func (e *embedded) subscriptions() []subscription {
	r := &recur.Worker{Store: e.db, Made: e.metrics.Recurred}
	n := &notify.Worker{Store: e.db}
	a := &audit.Worker{Trail: e.db}
	guard := once.Guard{Keys: e.db, Consumer: notify.Consumer, Owner: e.owner, FailedOpen: e.metrics.FailedOpen}
	return []subscription{
		{tandem.TopicTaskEvents, recur.Consumer, r.Handle},
		{tandem.TopicTaskEvents, remind.Consumer, e.reminder.Handle},
		{tandem.TopicTaskEvents, audit.Consumer, a.Handle},
		{tandem.TopicReminders, notify.Consumer, inproc.Handler(guard.Wrap(n.Handle))},
		{tandem.TopicReminders, audit.Consumer, a.Handle},
	}
}

func (e *embedded) buildWorkers() {
	e.reminder = &remind.Worker{Store: e.db, Now: time.Now, Log: e.log, Metrics: remindMetrics(e.metrics)}
	e.timer = inproc.NewTimer(e.reminder.OnTimer)
	e.reminder.Timer = e.timer
	e.bus = inproc.NewBus(e.setAside)
	for _, s := range e.subscriptions() {
		e.bus.Subscribe(s.topic, s.group, aged(e.metrics, s))
	}
	e.resend = func(ctx context.Context, x tandem.AuditEntry) error {
		_, err := e.bus.Publish(ctx, []tandem.Outgoing{{Topic: x.Topic, User: x.User, Event: x.Event}})
		return err
	}
	e.relay = relay.New(e.db, e.bus, e.log)
	e.relay.Metrics = relayMetrics(e.metrics)
	e.db.OnCommit = func(d tandem.Delta) {
		// News of a commit belongs to no request. The channel takes it without failing; whoever misses it reads the log.
		_ = e.channels.Publish(context.Background(), tandem.Signal{User: d.User, Delta: &d})
		if slices.ContainsFunc(d.Changes, func(ch tandem.Change) bool { return ch.Kind == tandem.KindTask }) { // the rest has no events
			e.relay.Kick()
		}
	}
}

// setAside keeps an event that no one could take.
func (e *embedded) setAside(ctx context.Context, topic tandem.Topic, group string, event json.RawMessage, reason string) error {
	e.metrics.DeadLetter(string(topic), group)
	e.log.ErrorContext(ctx, "event set aside", "topic", topic, "consumer", group, "reason", reason)
	return e.db.AddDeadLetter(ctx, topic, group, event, reason)
}

// tasks are the loops of the process.
func (e *embedded) tasks() []task {
	return append(e.core.tasks(),
		task{"relay", e.relay.Run}, task{"timer", e.timer.Run}, task{"reminders", e.reminder.Run}, task{"purge", e.purge})
}
