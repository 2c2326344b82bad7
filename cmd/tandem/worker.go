package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"tandem"
	"tandem/server/dapr"
	"tandem/workers/audit"
	"tandem/workers/notify"
	"tandem/workers/recur"
	"tandem/workers/relay"
	"tandem/workers/remind"
)

// jobHorizon is how far ahead reminders are given to the scheduler, which keeps them all in memory.
const jobHorizon = 48 * time.Hour

// relayRest is how long a list of the outbox rests: other processes write it, and their kicks do not come here.
const relayRest = 75 * time.Millisecond

// workers are the names that `tandem worker` takes, each with its app.
var workers = []struct{ name, app string }{
	{"relay", dapr.AppRelay},
	{"recurrence", dapr.AppRecurrence},
	{"reminders", dapr.AppReminders},
	{"notifications", dapr.AppNotifications},
	{"audit", dapr.AppAudit},
	{"all", dapr.AppWorker},
}

func runWorker(ctx context.Context, std stdio, args []string) error {
	c, words, err := dataCommand(std, "worker", args, nil)
	if err != nil {
		return err
	}
	names := []string{}
	for _, w := range workers {
		names = append(names, w.name)
		if len(words) == 1 && words[0] == w.name {
			return startWorker(ctx, c, std, w.name, w.app)
		}
	}
	return usage(std, "worker "+strings.Join(names, "|"))
}

func startWorker(ctx context.Context, c config, std stdio, name, app string) error {
	if c.OpsAddr == "" {
		c.OpsAddr = c.Addr
	}
	s, err := openStation(ctx, c, app, std.err)
	if err != nil {
		return err
	}
	s.owner = c.place()
	w, err := newCrew(&s.base, s.db, s.sidecar.Keys(), recur.Consumer, remind.Consumer, notify.Consumer, audit.Consumer)
	if err != nil {
		return errors.Join(err, s.close())
	}
	w.reminder.Timer, w.reminder.Horizon = s.sidecar, jobHorizon
	duties := w.duties()
	if name != "all" {
		duties = of(duties, name)
	}
	var callback *dapr.Callback
	if len(duties) > 0 {
		if s.sidecar.Outlived(ctx) {
			s.health.Succeed()
		}
		callback = s.callback(duties, func(o *dapr.CallbackOptions) {
			if s.app.Dead {
				o.OnLetter = w.bury
			}
			if does(name, "reminders") {
				o.OnTimer = w.reminder.OnTimer
			}
		})
	}
	s.log.InfoContext(ctx, "working", "app", app, "addr", c.OpsAddr)
	return s.run(ctx, callback, s.loops(w, name))
}

// does tells whether the worker of this name does that work.
func does(name, work string) bool { return name == work || name == "all" }

// loops are what a worker does besides taking events.
func (s *station) loops(w *crew, name string) []task {
	tasks := []task{{"wait", func(ctx context.Context) error { <-ctx.Done(); return nil }}}
	if does(name, "relay") {
		r := relay.New(s.db, s.sidecar, s.log)
		r.Metrics, r.Idle = relayMetrics(s.metrics), relayRest
		r.Ping = func(ctx context.Context, user tandem.UserID, head tandem.Seq) {
			_ = s.channels.Publish(ctx, tandem.Signal{User: user, Head: head}) // a hint
		}
		tasks = append(tasks, task{"relay", r.Run})
	}
	if does(name, "notifications") {
		tasks = append(append(tasks, task{"courier", w.courier.Run}), s.secretTasks(w.refit)...)
	}
	if does(name, "reminders") {
		tasks = append(tasks, task{"reminders", w.reminder.Run}, task{"purge", s.purge})
	}
	return tasks
}

// bury keeps a dead letter where operators find it.
func (w *crew) bury(ctx context.Context, l dapr.Letter) error {
	if err := w.work.AddDeadLetter(ctx, l.Topic, l.Consumer, l.Event, l.Reason); err != nil {
		return fmt.Errorf("keep dead letter %s: %w", l.EventID, err)
	}
	w.metrics.DeadLetter(string(l.Topic), l.Consumer)
	return nil
}
