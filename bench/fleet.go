package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"
)

// fleet is a subject in a process of its own, and the devices on it.
type fleet struct {
	name    string
	address string
	devices []*device
	times   times
	users   int
	stop    func()
}

// startFleet starts the process of a subject; stop ends it and waits for it.
func startFleet(ctx context.Context, name, redis string, users int) (*fleet, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("find this program: %w", err)
	}
	cmd := exec.CommandContext(ctx, self, "-serve", name, "-redis", redis, "-users", strconv.Itoa(users))
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, fmt.Errorf("make a pipe: %w", err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, fmt.Errorf("make a pipe: %w", err)
	}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("start %s: %w", name, err)
	}
	f := &fleet{name: name, users: users}
	f.stop = func() {
		for _, d := range f.devices {
			_ = d.conn.Close()
		}
		_ = in.Close() // ends the process
		_ = cmd.Wait() // how it ends does not matter any more
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		f.stop()
		return nil, fmt.Errorf("%s does not start: %w", name, err)
	}
	f.address = strings.TrimSpace(line)
	return f, nil
}

// connect opens so many devices, of the users in turn.
func (f *fleet) connect(ctx context.Context, n, users int) error {
	var g errgroup.Group
	g.SetLimit(64)
	devices := make([]*device, n)
	for i := range n {
		g.Go(func() (err error) {
			devices[i], err = dial(ctx, f.name, f.address, userName(i%users), &f.times)
			return err
		})
	}
	err := g.Wait()
	for _, d := range devices {
		if d == nil {
			continue
		}
		f.devices = append(f.devices, d)
		go func() {
			if err := d.run(); err != nil {
				fmt.Fprintln(os.Stderr, "a device:", err) // what it misses is counted
			}
		}()
	}
	return err
}

// result is what one stretch of publishing came to.
type result struct {
	delivered, missing int64
	cpu                time.Duration
	p50, p99           time.Duration
	reached            float64 // part of the rate that was wanted
}

// publish has edits published, waits until every device has them all, and tells what that took.
func (f *fleet) publish(ctx context.Context, rate float64, span time.Duration) (result, error) {
	f.times.take()
	var before, after usage
	had := f.seen()
	if err := f.ask(ctx, "usage", nil, &before); err != nil {
		return result{}, err
	}
	var s stretch
	query := url.Values{"rate": {strconv.FormatFloat(rate, 'f', -1, 64)}, "for": {span.String()}}
	if err := f.ask(ctx, "publish", query, &s); err != nil {
		return result{}, err
	}
	wanted := had + s.Published*int64(len(f.devices))/int64(f.users)
	f.await(ctx, wanted)
	if err := f.ask(ctx, "usage", nil, &after); err != nil {
		return result{}, err
	}
	r := result{delivered: f.seen() - had, missing: wanted - f.seen(), cpu: after.CPU - before.CPU}
	r.reached = float64(s.Published) / (rate * span.Seconds())
	if all := f.times.take(); len(all) > 0 {
		slices.Sort(all)
		r.p50, r.p99 = all[len(all)/2], all[len(all)*99/100]
	}
	return r, ctx.Err()
}

func (f *fleet) seen() (n int64) {
	for _, d := range f.devices {
		n += d.seen.Load()
	}
	return n
}

// await waits until the devices have seen so many edits, or nothing more comes for a while.
func (f *fleet) await(ctx context.Context, wanted int64) {
	ctx, cancel := context.WithTimeout(ctx, settle)
	defer cancel()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	last, at := int64(-1), time.Now()
	for n := f.seen(); n < wanted; n = f.seen() {
		if n != last {
			last, at = n, time.Now()
		}
		if time.Since(at) > 3*time.Second {
			return
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}

// ask has the process do something and reads its answer.
func (f *fleet) ask(ctx context.Context, what string, query url.Values, v any) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+f.address+"/"+what+"?"+query.Encode(), nil)
	if err != nil {
		return fmt.Errorf("ask for %s: %w", what, err)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return fmt.Errorf("ask for %s: %w", what, err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode != http.StatusOK {
		return fmt.Errorf("%s is answered with %s: %s", what, res.Status, body)
	}
	return json.Unmarshal(body, v)
}

// startRedis starts a Redis server that keeps nothing; it ends with ctx, and wait waits for that.
func startRedis(ctx context.Context) (address string, wait func(), err error) {
	ln, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", nil, fmt.Errorf("find a port: %w", err)
	}
	address = ln.Addr().String()
	_, port, _ := net.SplitHostPort(address) // it is one
	if err := ln.Close(); err != nil {
		return "", nil, fmt.Errorf("find a port: %w", err)
	}
	cmd := exec.CommandContext(ctx, "redis-server", "--port", port, "--bind", "127.0.0.1", "--save", "", "--appendonly", "no")
	if err := cmd.Start(); err != nil {
		return "", nil, fmt.Errorf("start redis-server (or name one with -redis): %w", err)
	}
	wait = func() { _ = cmd.Wait() }
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for range 500 {
		if conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", address); err == nil {
			return address, wait, conn.Close()
		}
		<-tick.C
	}
	_ = cmd.Process.Kill()
	wait()
	return "", nil, fmt.Errorf("redis-server does not listen on %s", address)
}
