package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"tandem"
	"tandem/server/dapr"
	"tandem/server/postgres"
	"tandem/server/redis"
	"tandem/server/rest"
)

// replica is one process of the distributed mode. Any number of each kind may run.
type replica struct {
	base
	db       *postgres.DB
	redis    *redis.Client
	channels *redis.Channels
}

// openReplica opens what every process of the distributed mode works on.
func openReplica(ctx context.Context, c config, mode string, logTo io.Writer) (*replica, error) {
	if c.DatabaseURL == "" {
		return nil, errors.New("TANDEM_DATABASE_URL is not set: the distributed mode keeps its data in Postgres; `tandem up` needs none")
	}
	if c.RedisURL == "" {
		return nil, errors.New("TANDEM_REDIS_URL is not set: the processes of the distributed mode hear of each other by Redis; `tandem up` needs none")
	}
	b, err := newBase(ctx, c, mode, logTo)
	if err != nil {
		return nil, err
	}
	r := &replica{base: b}
	r.redis, err = redis.Open(c.RedisURL, redis.Options{Log: r.log, Metrics: redisMetrics(r.metrics)})
	if err != nil {
		return nil, fmt.Errorf("TANDEM_REDIS_URL: %w", err)
	}
	if r.db, err = postgres.Open(ctx, c.DatabaseURL, postgres.Options{Log: r.log, Metrics: databaseMetrics(r.metrics)}); err != nil {
		return nil, errors.Join(fmt.Errorf("TANDEM_DATABASE_URL: %w", err), r.redis.Close())
	}
	r.metrics.Pool(r.db.Pool)
	r.channels = redis.NewChannels(r.redis)
	r.store, r.base.channels = r.db, r.channels
	r.resend = func(ctx context.Context, x tandem.AuditEntry) error {
		return r.db.Resend(ctx, tandem.Outgoing{Topic: x.Topic, User: x.User, Event: x.Event})
	}
	r.db.OnCommit = func(d tandem.Delta) { //nolint:contextcheck // a commit's news belongs to no request
		// News of a commit belongs to no request. The channel takes it without failing; whoever misses it reads the log.
		_ = r.channels.Publish(context.Background(), tandem.Signal{User: d.User, Delta: &d})
	}
	return r, nil
}

func (r *replica) close() error { return errors.Join(r.redis.Close(), r.db.Close()) }

// station is a replica behind its sidecar.
type station struct {
	*replica
	app     dapr.App
	sidecar *dapr.Client
	health  *dapr.Health
	probes  *rest.Probes
	beside  []task // more that begins before the work and ends after it
}

// openStation opens a replica that is the app of that name.
func openStation(ctx context.Context, c config, app string, logTo io.Writer) (*station, error) {
	row, ok := dapr.AppByID(app)
	if !ok {
		return nil, fmt.Errorf("there is no app %q", app)
	}
	r, err := openReplica(ctx, c, app, logTo)
	if err != nil {
		return nil, err
	}
	s := &station{replica: r, app: row, health: &dapr.Health{}}
	s.sidecar, err = dial(c, r.base)
	if err != nil {
		return nil, errors.Join(err, r.close())
	}
	s.probes = &rest.Probes{Ready: s.ready, Scrape: r.metrics.Handler(), Log: r.log}
	return s, nil
}

func dial(c config, b base) (*dapr.Client, error) {
	return dapr.Dial(dapr.Options{
		GRPC: net.JoinHostPort("127.0.0.1", c.Sidecar.GRPCPort), HTTP: net.JoinHostPort("127.0.0.1", c.Sidecar.HTTPPort),
		Token: c.Sidecar.Token, Log: b.log, Metrics: sidecarMetrics(b.metrics),
	})
}

// ready fails while the process cannot do its work.
func (s *station) ready(ctx context.Context) error {
	return errors.Join(s.db.Ping(ctx), s.sidecar.Ready(ctx))
}

// callback makes the server that the sidecar calls.
func (s *station) callback(duties []duty, more func(*dapr.CallbackOptions)) *dapr.Callback {
	o := dapr.CallbackOptions{
		Token: s.cfg.Sidecar.AppToken, ShowsNoToken: s.sidecar.ShowsNoToken, SetAside: s.sidecar.SetAside, CountFailure: s.db.CountFailure,
		Health: s.health, Log: s.log, Metrics: sidecarMetrics(s.metrics), Trace: s.tracer(),
	}
	for _, d := range duties {
		o.Subscriptions = append(o.Subscriptions, dapr.Subscription{Topic: d.topic, Consumer: d.consumer, Handle: dapr.Handler(d.handle)})
	}
	if more != nil {
		more(&o)
	}
	return dapr.NewCallback(o)
}

// run does the tasks until ctx ends and they have drained. What the sidecar and the operator see outlives them: a process that
// drains still takes what was delivered, and says that it drains.
func (s *station) run(ctx context.Context, callback *dapr.Callback, tasks []task) error {
	return s.while(ctx, func(ctx context.Context) error { return s.work(ctx, callback, tasks) })
}

func (s *station) work(ctx context.Context, callback *dapr.Callback, tasks []task) error {
	outer, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	g, outer := errgroup.WithContext(outer)
	for _, t := range s.surroundings(callback) {
		g.Go(func() error {
			if err := t.run(outer); err != nil && outer.Err() == nil {
				return fmt.Errorf("%s: %w", t.name, err)
			}
			return nil
		})
	}
	g.Go(func() error {
		inner, cancel := context.WithCancel(ctx)
		defer cancel()
		defer context.AfterFunc(outer, cancel)()
		defer stop()
		s.health.Ready()
		err := runAll(inner, tasks)
		tandem.FaultPoint("drain.mid")
		s.health.Drain()
		return err
	})
	return errors.Join(g.Wait(), s.sidecar.Close(), s.close())
}

// surroundings are the loops that begin before the work and end after it.
func (s *station) surroundings(callback *dapr.Callback) []task {
	tasks := append([]task{
		{"signals", s.channels.Run},
		{"health", func(ctx context.Context) error { return s.health.Watch(ctx, s.db.Ping) }},
	}, s.beside...)
	if callback != nil {
		tasks = append(tasks, task{"callbacks", func(ctx context.Context) error {
			ln, err := (&net.ListenConfig{}).Listen(ctx, "tcp", s.cfg.AppAddr)
			if err != nil {
				return fmt.Errorf("listen on TANDEM_APP_ADDR: %w", err)
			}
			return callback.Serve(ctx, ln)
		}})
	}
	if s.cfg.OpsAddr != "" {
		tasks = append(tasks, probesTask(s.base, s.probes))
	}
	return tasks
}

// probesTask answers operators on an address of their own.
func probesTask(b base, probes *rest.Probes) task {
	return task{"probes", func(ctx context.Context) error {
		ln, err := (&net.ListenConfig{}).Listen(ctx, "tcp", b.cfg.OpsAddr)
		if err != nil {
			return fmt.Errorf("listen on TANDEM_OPS_ADDR: %w", err)
		}
		return rest.Serve(ctx, ln, probes, b.log, probes.Drain)
	}}
}

// of gives the rows of one worker.
func of(table []duty, worker string) []duty {
	return slices.DeleteFunc(slices.Clone(table), func(d duty) bool { return d.worker != worker })
}

// flushTime bounds how long a command waits for Redis to take what it told.
const flushTime = 5 * time.Second

// onDatabase runs f on the database itself; other processes are told by Redis what concerns them.
func onDatabase(ctx context.Context, c config, std stdio, f func(context.Context, doer) error) error {
	c.LokiURL, c.OTLPURL = "", "" // a command has ended before they would hear of it
	r, err := openReplica(ctx, c, "operator", std.err)
	if err != nil {
		return err
	}
	signals, stop := context.WithCancel(context.WithoutCancel(ctx))
	told := make(chan error, 1)
	go func() { told <- r.channels.Run(signals) }()
	err = f(ctx, direct(r.verbs()))
	flushed, cancel := context.WithTimeout(signals, flushTime)
	err = errors.Join(err, r.channels.Flush(flushed))
	cancel()
	stop()
	return errors.Join(err, <-told, r.close())
}

// place names where a process of the distributed mode runs, which is that of one at a time: the one that follows another that died there goes
// on with what that one held.
func (c config) place() string {
	host, err := os.Hostname()
	if err != nil {
		return tandem.NewID()
	}
	return host + " " + c.AppAddr
}
