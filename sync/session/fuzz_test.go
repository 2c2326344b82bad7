package session_test

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"tandem"
	"tandem/server/inproc"
	"tandem/sync/client"
	"tandem/sync/session"
)

var seeds = flag.Int("seeds", 3, "how many scripts TestFuzz plays")

// TestFuzz plays seeded scripts of several people with several devices each, over real sockets and the real store: edits,
// connections that break in the middle of a frame, devices that are switched off and on, signals that are lost, repeated and reordered. In the end every device
// equals the database, every mutation that was acked is there once, and every one that was refused is not.
func TestFuzz(t *testing.T) {
	for seed := range uint64(*seeds) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			playCrowd(t, seed)
		})
	}
}

func playCrowd(t *testing.T, seed uint64) {
	t.Helper()
	dice := rand.New(rand.NewPCG(seed, 11))
	noise := inproc.NewFaults(seed, 0.1, 0.1, 0.1)
	w := newWorld(t, faults(noise), checks(30*time.Millisecond), limits(session.Limits{Rate: 1e6, Burst: 1e6, Sockets: 1e6}))
	weather := rand.New(rand.NewPCG(seed, 12))
	w.net.breakAfter(func() int { return 2 + weather.IntN(60) })
	crowd := &crowd{w: w}
	var group sync.WaitGroup
	for u := range 1 + dice.IntN(3) {
		user := tandem.UserID(fmt.Sprintf("user-%d", u))
		for range 1 + dice.IntN(4) {
			p := &person{crowd: crowd, user: user, dice: rand.New(rand.NewPCG(seed, dice.Uint64()))}
			p.start()
			crowd.people = append(crowd.people, p)
			group.Go(func() { p.play(30) })
		}
	}
	group.Wait()
	w.net.breakAfter(nil)
	crowd.check()
}

type crowd struct {
	w      *world
	people []*person
}

// person acts on one device.
type person struct {
	crowd *crowd
	user  tandem.UserID
	dice  *rand.Rand
	c     *client.Client
	off   func()
	added map[string]bool // titles: whether the addition was acked
}

func (p *person) start() {
	p.added = map[string]bool{}
	token := p.crowd.w.token(session.Principal{User: p.user})
	p.c = client.New(client.Options{
		Server: p.crowd.w.http.URL, User: p.user, Backoff: time.Millisecond, MaxBackoff: 20 * time.Millisecond,
		Token: func(context.Context, bool) (string, error) { return token, nil },
	})
	p.on()
	p.crowd.w.t.Cleanup(func() { p.off() })
}

func (p *person) on() {
	ctx, cancel := context.WithCancel(p.crowd.w.t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		if err := p.c.Run(ctx); err != nil {
			p.crowd.w.t.Errorf("device of %s: %v", p.user, err)
		}
	}()
	p.off = func() {
		cancel()
		<-done
	}
}

func (p *person) play(steps int) {
	for range steps {
		p.step()
	}
}

func (p *person) step() {
	switch p.dice.IntN(10) {
	case 0:
		p.off()
		p.on()
	case 1, 2, 3:
		title := fmt.Sprintf("%s %s", p.c.ID(), tandem.NewID())
		p.added[title] = p.do("add_task", map[string]any{"title": title})
	case 4:
		p.do("add_task", map[string]any{"title": ""}) // refused
	case 5, 6:
		p.do("update_task", map[string]any{"task_id": p.some(), "priority": "high", "tags": []string{fmt.Sprint(p.dice.IntN(5))}})
	case 7:
		p.do("complete_task", map[string]any{"task_id": p.some()})
	case 8:
		p.do("delete_task", map[string]any{"task_id": p.some()})
	case 9:
		ctx, cancel := p.crowd.w.within()
		defer cancel()
		zone := []string{"Europe/Berlin", "Asia/Karachi", "UTC"}[p.dice.IntN(3)]
		if _, err := p.c.Set(ctx, map[string]any{"time_zone": zone}); err != nil {
			p.crowd.w.t.Errorf("set time_zone: %v", err)
		}
	}
}

func (p *person) some() int { return 1 + p.dice.IntN(30) }

// do reports whether the mutation was acked. Anything but a refusal by the tool is an error of the test.
func (p *person) do(tool string, args map[string]any) bool {
	ctx, cancel := p.crowd.w.within()
	defer cancel()
	_, err := p.c.Mutate(ctx, tool, args)
	if _, refused := errors.AsType[*client.Error](err); err != nil && !refused {
		p.crowd.w.t.Errorf("%s %v on a device of %s: %v", tool, args, p.user, err)
	}
	return err == nil
}

func (c *crowd) check() {
	for _, p := range c.people {
		c.w.agrees(p.user, p.c)
	}
	for _, p := range c.people {
		titles := map[string]int{}
		for _, row := range p.c.Replica().Rows[tandem.KindTask] {
			var task tandem.TaskRow
			if err := json.Unmarshal(row, &task); err != nil {
				c.w.t.Fatal(err)
			}
			titles[task.Title]++
		}
		for title, acked := range p.added {
			if n := titles[title]; n > 1 || !acked && n > 0 {
				c.w.t.Errorf("%q is there %d times; acked: %t", title, n, acked)
			}
		}
	}
}
