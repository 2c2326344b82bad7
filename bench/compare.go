package main

import (
	"context"
	"fmt"
	"io"
	"net/url"
	"os"
	"slices"
	"strconv"
	"time"
)

// plan is what a comparison does.
type plan struct {
	subjects       []string
	redis          string
	users, devices int
	rounds         int
	rates          []float64 // frames a second
	span           time.Duration
	idle           int
	saturate       bool
}

// Bounds of a comparison.
const (
	maxSockets = 18_000                // a socket needs a port of this machine
	tooLate    = 50 * time.Millisecond // of the p99 of a server that is saturated
	settle     = 20 * time.Second      // for the last edits to arrive
	maxRate    = 2_000_000
)

// compare runs every subject in turn, as often as there are rounds, and prints the medians.
func compare(ctx context.Context, p plan, out io.Writer) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	if p.redis == "" {
		address, wait, err := startRedis(ctx)
		if err != nil {
			return err
		}
		defer wait()
		defer stop()
		p.redis = address
	}
	t := table{plan: p, cells: map[string]map[string][]float64{}}
	for round := range p.rounds {
		order := slices.Clone(p.subjects)
		if round%2 == 1 {
			slices.Reverse(order) // so that none is always the first
		}
		for _, name := range order {
			if err := p.round(ctx, name, &t); err != nil {
				return fmt.Errorf("%s: %w", name, err)
			}
			fmt.Fprintf(os.Stderr, "round %d of %d: %s done\n", round+1, p.rounds, name)
		}
	}
	t.print(out)
	return nil
}

// round measures one subject once.
func (p plan) round(ctx context.Context, name string, t *table) error {
	if err := p.busy(ctx, name, t); err != nil || p.idle == 0 {
		return err
	}
	bytes, err := p.resident(ctx, name)
	if err == nil {
		t.add(name, "bytes of an idle socket", bytes)
	}
	return err
}

// busy publishes at each rate, and then at higher ones until edits come too late.
func (p plan) busy(ctx context.Context, name string, t *table) error {
	f, err := startFleet(ctx, name, p.redis, p.users)
	if err != nil {
		return err
	}
	defer f.stop()
	if err := f.connect(ctx, p.users*p.devices, p.users); err != nil {
		return err
	}
	if _, err := f.publish(ctx, p.rates[0]/float64(p.devices), p.span/4); err != nil { // for caches and pools to fill
		return err
	}
	for _, rate := range p.rates {
		r, err := f.publish(ctx, rate/float64(p.devices), p.span)
		if err != nil {
			return err
		}
		at := " at " + strconv.Itoa(int(rate)) + "/s"
		t.add(name, "us of CPU per frame"+at, float64(r.cpu.Nanoseconds())/1e3/float64(max(r.delivered, 1)))
		t.add(name, "p50 ms"+at, ms(r.p50))
		t.add(name, "p99 ms"+at, ms(r.p99))
		t.add(name, "part of the rate reached"+at, r.reached)
		t.add(name, "frames missing"+at, float64(r.missing))
	}
	if !p.saturate {
		return nil
	}
	best, err := p.saturation(ctx, f)
	if err == nil {
		t.add(name, "frames/s at saturation", best)
	}
	return err
}

// saturation gives the highest rate at which p99 stays within tooLate and nothing is missing.
func (p plan) saturation(ctx context.Context, f *fleet) (best float64, err error) {
	for rate := p.rates[0]; rate < maxRate; rate *= 1.25 {
		held := false
		for try := 0; try < 2 && !held; try++ { // a pause of the machine is no saturation
			r, err := f.publish(ctx, rate/float64(p.devices), p.span/2)
			if err != nil {
				return 0, err
			}
			held = r.p99 <= tooLate && r.missing == 0 && r.reached > 0.95
		}
		if !held {
			break
		}
		best = rate
	}
	return best, nil
}

// resident gives the memory that an idle socket adds to a fresh process.
func (p plan) resident(ctx context.Context, name string) (float64, error) {
	users := max(p.idle/p.devices, 1)
	f, err := startFleet(ctx, name, p.redis, users)
	if err != nil {
		return 0, err
	}
	defer f.stop()
	if err := f.connect(ctx, p.devices, 1); err != nil { // what the first sockets bring is no memory of a socket
		return 0, err
	}
	var before, after usage
	if err := f.ask(ctx, "usage", url.Values{"tidy": {"1"}}, &before); err != nil {
		return 0, err
	}
	if err := f.connect(ctx, p.idle, users); err != nil {
		return 0, err
	}
	if err := f.ask(ctx, "usage", url.Values{"tidy": {"1"}}, &after); err != nil {
		return 0, err
	}
	return float64(after.RSS-before.RSS) / float64(p.idle), nil
}

func ms(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
