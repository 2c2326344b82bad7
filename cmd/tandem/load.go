package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"tandem"
	"tandem/sync/client"
	"tandem/sync/wire"
)

// loadPlan is what the load generator does.
type loadPlan struct {
	users, devices int
	rate           float64 // edits a second, over all users
	duration       time.Duration
	chat           bool // each tenth edit is a chat turn
}

// Bounds of a load: it is for one machine and stops by itself.
const (
	maxLoadDevices  = 20_000
	maxLoadDuration = 10 * time.Minute
)

func runLoad(ctx context.Context, std stdio, args []string) error {
	var p loadPlan
	c, _, err := dataCommand(std, "load", args, func(fs *flag.FlagSet) {
		fs.IntVar(&p.users, "users", 10, "how many users")
		fs.IntVar(&p.devices, "devices", 2, "devices of each user")
		fs.Float64Var(&p.rate, "rate", 50, "edits a second, over all users")
		fs.DurationVar(&p.duration, "duration", 10*time.Second, "how long")
		fs.BoolVar(&p.chat, "chat", false, "make each tenth edit a chat turn")
	})
	if err != nil {
		return err
	}
	if p.users < 1 || p.devices < 1 || p.users*p.devices > maxLoadDevices || p.rate <= 0 || p.duration <= 0 || p.duration > maxLoadDuration {
		return fmt.Errorf("load takes up to %d devices, a rate above 0 and at most %s", maxLoadDevices, maxLoadDuration)
	}
	return withServer(ctx, c, std, func(ctx context.Context, r remote) error {
		l := loadRun{plan: p, server: r, sent: map[string]time.Time{}, last: make([]tandem.Seq, p.users)}
		return l.run(ctx, std.out)
	})
}

// loadRun is a load on its way.
type loadRun struct {
	plan   loadPlan
	server remote

	acked, failed, delivered atomic.Int64

	mu    sync.Mutex
	sent  map[string]time.Time // by title of the edit
	last  []tandem.Seq         // acknowledged to each user
	acks  []time.Duration
	reach []time.Duration // from sending an edit to another device's replica
}

func (l *loadRun) run(ctx context.Context, out io.Writer) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	var running errgroup.Group
	devices, err := l.connect(ctx, &running)
	if err != nil {
		return errors.Join(err, running.Wait())
	}
	began := time.Now()
	l.edit(ctx, devices)
	took := time.Since(began)
	if err := l.settle(ctx, devices); err != nil {
		return err
	}
	stop()
	if err := running.Wait(); err != nil {
		return err
	}
	return json.NewEncoder(out).Encode(l.report(took))
}

// connect brings every device up and waits until all are live.
func (l *loadRun) connect(ctx context.Context, running *errgroup.Group) ([][]*client.Client, error) {
	devices := make([][]*client.Client, l.plan.users)
	for u := range devices {
		user := tandem.UserID(fmt.Sprintf("load-%d", u))
		for range l.plan.devices {
			d := client.New(client.Options{
				Server: l.server.URL, User: user, OnFrame: l.frame,
				Token: func(ctx context.Context, _ bool) (string, error) {
					return ask[string](ctx, l.server, "sign", signArgs{User: string(user)})
				},
			})
			devices[u] = append(devices[u], d)
			running.Go(func() error { return d.Run(ctx) })
		}
	}
	for _, of := range devices {
		for _, d := range of {
			if err := d.Await(ctx, (*client.Replica).CaughtUp); err != nil {
				return nil, fmt.Errorf("connect the devices: %w", err)
			}
		}
	}
	return devices, nil
}

// edit makes edits at the planned rate, by the first device of one user after the other.
func (l *loadRun) edit(ctx context.Context, devices [][]*client.Client) {
	ctx, stop := context.WithTimeout(ctx, l.plan.duration)
	defer stop()
	tick := time.NewTicker(time.Duration(float64(time.Second) / l.plan.rate))
	defer tick.Stop()
	var g errgroup.Group
	g.SetLimit(256) // edits without an answer; beyond it the generator waits
	for n := 0; ; n++ {
		select {
		case <-ctx.Done():
			_ = g.Wait() // failures are counted
			return
		case <-tick.C:
		}
		u, title := n%len(devices), fmt.Sprintf("edit %d", n)
		g.Go(func() error {
			l.one(context.WithoutCancel(ctx), devices[u][0], u, title, l.plan.chat && n%10 == 9)
			return nil
		})
	}
}

// settle waits until the last acknowledged edit of each user has reached every device.
func (l *loadRun) settle(ctx context.Context, devices [][]*client.Client) error {
	ctx, stop := context.WithTimeout(ctx, 10*time.Second)
	defer stop()
	for u, of := range devices {
		for _, d := range of {
			if err := d.AwaitSeq(ctx, l.last[u]); err != nil {
				return fmt.Errorf("a device of user %d does not reach change %d: %w", u, l.last[u], err)
			}
		}
	}
	return nil
}

func (l *loadRun) one(ctx context.Context, d *client.Client, user int, title string, chat bool) {
	ctx, stop := context.WithTimeout(ctx, 30*time.Second)
	defer stop()
	began := time.Now()
	l.mu.Lock()
	l.sent[title] = began
	l.mu.Unlock()
	var answer client.Answer
	var err error
	if chat {
		err = d.Send(ctx, wire.Chat{Turn: tandem.NewID(), Text: "Add a task to " + title})
	} else {
		answer, err = d.Mutate(ctx, "add_task", map[string]any{"title": title})
	}
	if err != nil {
		l.failed.Add(1)
		return
	}
	l.acked.Add(1)
	l.mu.Lock()
	l.acks = append(l.acks, time.Since(began))
	l.last[user] = max(l.last[user], answer.Seq)
	l.mu.Unlock()
}

// frame notes when an edit reaches a device.
func (l *loadRun) frame(f wire.ServerFrame) {
	d, ok := f.(wire.Delta)
	if !ok {
		return
	}
	now := time.Now()
	for _, c := range d.Changes {
		var row struct {
			Title string `json:"title"`
		}
		if c.Kind != tandem.KindTask || json.Unmarshal(c.Row, &row) != nil {
			continue
		}
		l.delivered.Add(1)
		l.mu.Lock()
		if at, ok := l.sent[row.Title]; ok {
			l.reach = append(l.reach, now.Sub(at))
		}
		l.mu.Unlock()
	}
}

// loadReport is the one line that a load prints; times are milliseconds.
type loadReport struct {
	Users     int         `json:"users"`
	Devices   int         `json:"devices"`
	Seconds   float64     `json:"seconds"`
	Edits     int64       `json:"edits"`
	Failed    int64       `json:"failed"`
	Delivered int64       `json:"delivered"`
	AckMS     percentiles `json:"ack_ms"`
	ReachMS   percentiles `json:"reach_ms"`
	CPUs      int         `json:"cpus"`
}

type percentiles struct {
	P50 float64 `json:"p50"`
	P95 float64 `json:"p95"`
	P99 float64 `json:"p99"`
}

func (l *loadRun) report(took time.Duration) loadReport {
	l.mu.Lock()
	defer l.mu.Unlock()
	return loadReport{
		Users: l.plan.users, Devices: l.plan.users * l.plan.devices, Seconds: took.Seconds(), Edits: l.acked.Load(), Failed: l.failed.Load(),
		Delivered: l.delivered.Load(), AckMS: percentilesOf(l.acks), ReachMS: percentilesOf(l.reach), CPUs: runtime.NumCPU(),
	}
}

func percentilesOf(d []time.Duration) percentiles {
	if len(d) == 0 {
		return percentiles{}
	}
	slices.Sort(d)
	at := func(q float64) float64 {
		return float64(d[min(int(q*float64(len(d))), len(d)-1)]) / float64(time.Millisecond)
	}
	return percentiles{at(0.50), at(0.95), at(0.99)}
}
