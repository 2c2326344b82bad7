package telemetry

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/grafana/loki-client-go/loki"
	"github.com/grafana/loki-client-go/pkg/backoff"
	"github.com/grafana/loki-client-go/pkg/urlutil"
	"github.com/grafana/loki/pkg/push"
	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/config"
	"github.com/prometheus/common/model"
)

// Bounds of the way to Loki.
const (
	lokiRing    = 4096            // lines that wait; the oldest goes
	lokiLine    = 64 << 10        // bytes of a line; Loki refuses more than 256 KiB
	lokiWedged  = 5 * time.Second // after which a client that takes no line is abandoned
	lokiPause   = 10 * time.Second
	lokiClients = 4 // abandoned ones that have not ended yet; at that number lines are dropped until one ends
	lokiStop    = 3 * time.Second
	lokiTimeout = 2 * time.Second
	lokiTries   = 2
	lokiBatch   = 512 << 10
	lokiWait    = 500 * time.Millisecond
)

// LokiOptions say where lines go and under which labels.
type LokiOptions struct {
	URL       string // of Loki's push endpoint
	Env       string
	Component string
	// Dropped counts lines that did not reach the client; nil: nobody counts. Those that the client took and Loki refused are counted
	// when that is known.
	Dropped func(n int)
	// Wedged is how long a client may take for a line; zero: 5 seconds.
	Wedged time.Duration
}

// Loki takes lines for Loki without ever waiting for it. Its client blocks while it repeats a batch, so that it runs apart: lines wait in a
// ring, one goroutine hands them over, and a client that does not take its line in time is left to itself.
type Loki struct {
	o     LokiOptions
	batch loki.Config

	mu    sync.Mutex
	ring  [lokiRing][]byte
	first int
	count int
	ended bool
	books sync.Mutex // of refused; several clients end at once
	// refused is what all clients of this address had given up, when last looked.
	refused float64

	more  chan struct{} // there are lines
	slots chan struct{} // one for each client that has not ended
}

// NewLoki makes the way to Loki; Run walks it.
func NewLoki(o LokiOptions) (*Loki, error) {
	u, err := url.Parse(o.URL)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return nil, errors.New("that is not an http or https address")
	}
	if u.Path == "" || u.Path == "/" {
		u.Path = "/loki/api/v1/push"
	}
	if o.Dropped == nil {
		o.Dropped = func(int) {}
	}
	if o.Wedged == 0 {
		o.Wedged = lokiWedged
	}
	return &Loki{
		o: o, more: make(chan struct{}, 1), refused: givenUp(u.Host), slots: make(chan struct{}, lokiClients),
		batch: loki.Config{
			URL: urlutil.URLValue{URL: u}, BatchWait: lokiWait, BatchSize: lokiBatch, Timeout: lokiTimeout, Client: config.DefaultHTTPClientConfig,
			BackoffConfig: backoff.BackoffConfig{MinBackoff: 200 * time.Millisecond, MaxBackoff: time.Second, MaxRetries: lokiTries},
		},
	}, nil
}

// Write takes one line. It never blocks and never fails.
func (l *Loki) Write(line []byte) (int, error) {
	kept := bytes.Clone(bytes.TrimSuffix(line[:min(len(line), lokiLine)], []byte{'\n'}))
	l.mu.Lock()
	lost := l.ended || l.count == lokiRing
	if !l.ended {
		if l.count == lokiRing {
			l.first, l.count = (l.first+1)%lokiRing, l.count-1
		}
		l.ring[(l.first+l.count)%lokiRing] = kept
		l.count++
	}
	l.mu.Unlock()
	if lost {
		l.o.Dropped(1)
	}
	select {
	case l.more <- struct{}{}:
	default:
	}
	return len(line), nil
}

// take gives the line that waited longest.
func (l *Loki) take() ([]byte, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.count == 0 {
		return nil, false
	}
	line := l.ring[l.first]
	l.ring[l.first] = nil
	l.first, l.count = (l.first+1)%lokiRing, l.count-1
	return line, true
}

// end takes no more lines and counts those that are left.
func (l *Loki) end() {
	l.mu.Lock()
	left := l.count
	l.ended, l.count = true, 0
	clear(l.ring[:])
	l.mu.Unlock()
	l.o.Dropped(left)
}

// Run hands lines over until ctx ends, and then for at most 3 seconds what still waits.
func (l *Loki) Run(ctx context.Context) error {
	outer, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	defer context.AfterFunc(ctx, func() { time.AfterFunc(lokiStop, stop) })()
	defer l.end()
	for {
		c, err := l.open()
		if err == nil {
			wedged := l.feed(ctx, outer, c)
			c.leave()
			if !wedged {
				c.wait(outer)
			}
		}
		if ctx.Err() != nil {
			return nil
		}
		rest(ctx)
	}
}

// rest lets some time pass, for what does not take lines to recover.
func rest(ctx context.Context) {
	t := time.NewTimer(lokiPause)
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-t.C:
	}
}

// feed hands lines to a client until it does not take one, or until ctx has ended and no line waits.
func (l *Loki) feed(ctx, outer context.Context, c *lokiClient) (wedged bool) {
	patience := time.NewTimer(l.o.Wedged)
	defer patience.Stop()
	for {
		line, ok := l.take()
		if !ok {
			if ctx.Err() != nil {
				return false
			}
			select {
			case <-ctx.Done():
			case <-l.more:
			}
			continue
		}
		patience.Reset(l.o.Wedged)
		select {
		case c.lines <- line:
		case <-patience.C:
			l.o.Dropped(1)
			return true
		case <-outer.Done():
			l.o.Dropped(1)
			return true
		}
	}
}

// lokiClient is one client with the goroutine that may hang in it.
type lokiClient struct {
	lines chan []byte
	gone  chan struct{} // closed when it has ended
}

// open makes a client, unless too many have not ended yet.
func (l *Loki) open() (*lokiClient, error) {
	select {
	case l.slots <- struct{}{}:
	default:
		return nil, errors.New("too many clients of loki hang")
	}
	refused := &outcome{}
	client, err := loki.NewWithLogger(l.batch, refused)
	if err != nil {
		<-l.slots
		return nil, fmt.Errorf("make a client of loki: %w", err)
	}
	c := &lokiClient{lines: make(chan []byte), gone: make(chan struct{})}
	go func() {
		defer func() { <-l.slots }()
		defer close(c.gone)
		for line := range c.lines {
			labels, at, meta := l.describe(line)
			_ = client.HandleWithMetadata(labels, at, string(line), meta) // it always gives nil
			if refused.Swap(false) {
				l.account()
			}
		}
		client.Stop() // after the last line: a line that comes behind it would wait for ever
		l.account()
	}()
	return c, nil
}

// leave hands over no more lines. The client ends by itself, after its last batch or its last try.
func (c *lokiClient) leave() { close(c.lines) }

func (c *lokiClient) wait(ctx context.Context) {
	select {
	case <-c.gone:
	case <-ctx.Done():
	}
}

// describe reads from a line what Loki keeps beside it.
func (l *Loki) describe(line []byte) (model.LabelSet, time.Time, push.LabelsAdapter) {
	var f struct {
		Time  time.Time `json:"time"`
		Level string    `json:"level"`
		Trace string    `json:"trace_id"`
		Event string    `json:"event_id"`
		Turn  string    `json:"turn_id"`
		User  string    `json:"user_hash"`
	}
	if json.Unmarshal(line, &f) != nil || f.Time.IsZero() { // a line that was cut off
		f.Time = time.Now()
	}
	var meta push.LabelsAdapter
	for _, m := range []push.LabelAdapter{{Name: keyTrace, Value: f.Trace}, {Name: "event_id", Value: f.Event}, {Name: "turn_id", Value: f.Turn}, {Name: keyHash, Value: f.User}} {
		if m.Value != "" {
			meta = append(meta, m)
		}
	}
	return model.LabelSet{
		"app": "tandem", "env": model.LabelValue(l.o.Env), "component": model.LabelValue(l.o.Component), "level": model.LabelValue(levelOf(f.Level)),
	}, f.Time, meta
}

// levelOf keeps the label to a closed set.
func levelOf(level string) string {
	switch level {
	case "DEBUG":
		return "debug"
	case "INFO":
		return "info"
	case "WARN":
		return "warn"
	default:
		return "error"
	}
}

// outcome hears that the client gave up a batch.
type outcome struct{ atomic.Bool }

// Log takes a line of the client.
func (o *outcome) Log(pairs ...any) error {
	for i := 0; i+1 < len(pairs); i += 2 {
		if pairs[i] == "msg" && pairs[i+1] == "final error sending batch" {
			o.Store(true)
		}
	}
	return nil
}

// account counts the lines of batches that were given up. The client tells how many only in a series of its own, in the default registry.
func (l *Loki) account() {
	l.books.Lock()
	defer l.books.Unlock()
	if total := givenUp(l.batch.URL.Host); total > l.refused {
		l.o.Dropped(int(total - l.refused))
		l.refused = total
	}
}

// givenUp reads how many lines all clients of an address gave up.
func givenUp(host string) (total float64) {
	families, err := prometheus.DefaultGatherer.Gather()
	if err != nil {
		return 0
	}
	for _, f := range families {
		if f.GetName() != "promtail_dropped_entries_total" {
			continue
		}
		for _, m := range f.GetMetric() {
			if slices.ContainsFunc(m.GetLabel(), func(p *dto.LabelPair) bool { return p.GetValue() == host }) {
				total = m.GetCounter().GetValue()
			}
		}
	}
	return total
}
