package main

import (
	"context"
	"errors"
	"io"
	"slices"

	"tandem"
	"tandem/server/inproc"
	"tandem/server/sqlite"
	"tandem/workers/notify"
	"tandem/workers/relay"
)

// embedded is the whole product in one process.
type embedded struct {
	core
	db    *sqlite.DB
	bus   *inproc.Bus
	timer *inproc.Timer
	relay *relay.Relay
	crew  *crew
}

func newEmbedded(ctx context.Context, c config, logTo io.Writer) (*embedded, error) {
	c, err := c.withOwnKeys()
	if err != nil {
		return nil, err
	}
	b, err := newBase(ctx, c, "embedded", logTo)
	if err != nil {
		return nil, err
	}
	e := &embedded{core: core{base: b, alone: true}}
	if e.db, err = sqlite.Open(ctx, databaseFile(c.DataDir), sqlite.Options{Log: e.log}); err != nil {
		return nil, err
	}
	e.store, e.channels = e.db, &inproc.Channels{}
	if err = e.buildWorkers(); err == nil { //nolint:contextcheck // a commit's news belongs to no request
		err = e.build(ctx)
	}
	if err != nil {
		return nil, errors.Join(err, e.db.Close())
	}
	return e, nil
}

func (e *embedded) buildWorkers() error {
	var err error
	if e.crew, err = newCrew(&e.base, e.db, e.db, notify.Consumer); err != nil {
		return err
	}
	e.timer = inproc.NewTimer(e.crew.reminder.OnTimer)
	e.crew.reminder.Timer = e.timer
	e.bus = inproc.NewBus(e.crew.setAside)
	for _, d := range e.crew.duties() {
		e.bus.Subscribe(d.topic, d.consumer, inproc.Handler(d.handle))
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
	return nil
}

// tasks are the loops of the process.
func (e *embedded) tasks() []task {
	return append(e.core.tasks(),
		task{"relay", e.relay.Run}, task{"timer", e.timer.Run}, task{"reminders", e.crew.reminder.Run},
		task{"courier", e.crew.courier.Run}, task{"purge", e.purge})
}
