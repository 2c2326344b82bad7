package crash

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"

	"tandem"
	"tandem/sync/client"
	"tandem/sync/wire"
)

// Options say who uses what.
type Options struct {
	Doors []string // addresses of the servers; a person has a device at each, and one more
	Token func(tandem.UserID) (string, error)
	Seed  uint64
	Mail  *PostOffice // takes the mails of the first person
}

// Crowd is a number of people who use the product at once, whatever happens to it.
type Crowd struct {
	o       Options
	tb      testing.TB
	over    chan struct{} // closed when the crowd is to end
	end     func()
	actors  sync.WaitGroup
	people  []*person
	talkers []*talker
}

// heavy is a person whose snapshot has several parts.
const heavy tandem.UserID = "max"

// Gather opens the devices and begins. The product need not be up.
func Gather(tb testing.TB, o Options) *Crowd {
	tb.Helper()
	tb.Logf("seed %d", o.Seed)
	c := &Crowd{o: o, tb: tb, over: make(chan struct{})}
	c.end = sync.OnceFunc(func() { close(c.over) })
	tb.Cleanup(func() {
		c.end()
		c.actors.Wait()
	})
	for i, user := range []tandem.UserID{"ann", "bob", "cid"} {
		p := &person{user: user, mailed: i == 0 && o.Mail != nil, tasks: map[string]*promise{}}
		c.people = append(c.people, p)
		for j := range len(o.Doors) + 1 {
			d := c.open(tb.Context(), o.Doors[j%len(o.Doors)], user)
			p.devices = append(p.devices, d)
			luck := c.dice(10*i + j)
			c.actors.Go(func() { c.write(p, d, fmt.Sprintf("%s-%d", user, j), luck) })
		}
	}
	for i, door := range o.Doors {
		for j := range 4 { // one whose turn's server died waits for the lease of the turn
			t := &talker{name: fmt.Sprintf("tom-%d-%d", i, j), door: door, said: map[string]said{}}
			c.talkers = append(c.talkers, t)
			luck := c.dice(100 + 10*i + j)
			c.actors.Go(func() { c.talk(t, luck) })
		}
	}
	c.actors.Go(c.visit)
	return c
}

// dice gives a generator for one actor, so that actors do not disturb each other's luck.
func (c *Crowd) dice(actor int) *rand.Rand { return rand.New(rand.NewPCG(c.o.Seed, uint64(actor))) }

// device is a client that remembers which notices it was ever shown.
type device struct {
	*client.Client
	mu    sync.Mutex
	shown map[string]map[string]bool // ids of notices, by task
}

// open connects a device that comes back after each loss and ends with the test.
func (c *Crowd) open(ctx context.Context, door string, user tandem.UserID) *device {
	d, end := c.connect(ctx, door, user)
	c.tb.Cleanup(end)
	return d
}

// connect connects a device until end is called, whatever becomes of ctx.
func (c *Crowd) connect(ctx context.Context, door string, user tandem.UserID) (d *device, end func()) {
	d = &device{shown: map[string]map[string]bool{}}
	d.Client = client.New(client.Options{
		Server: door, User: user, Backoff: 10 * time.Millisecond, MaxBackoff: 100 * time.Millisecond, OnFrame: d.frame,
		Token: func(context.Context, bool) (string, error) { return c.o.Token(user) },
		OnLink: func(l client.Link) {
			if errors.Is(l.Err, client.ErrBroken) {
				c.tb.Errorf("a device of %s: %v", user, l.Err)
			}
		},
	})
	ctx, stop := context.WithCancel(context.WithoutCancel(ctx))
	ended := make(chan error, 1)
	go func() { ended <- d.Run(ctx) }()
	return d, func() {
		stop()
		if err := <-ended; err != nil {
			c.tb.Errorf("a device of %s: %v", user, err)
		}
	}
}

// frame notes the notices that a device is told of.
func (d *device) frame(f wire.ServerFrame) {
	var rows []json.RawMessage
	switch f := f.(type) {
	case wire.Snap:
		rows = f.Rows[tandem.KindNotice]
	case wire.Delta:
		for _, c := range f.Changes {
			if c.Kind == tandem.KindNotice && c.Row != nil {
				rows = append(rows, c.Row)
			}
		}
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, raw := range rows {
		var n tandem.NoticeRow
		if json.Unmarshal(raw, &n) != nil {
			continue // the comparison with the database finds it
		}
		if d.shown[n.TaskID] == nil {
			d.shown[n.TaskID] = map[string]bool{}
		}
		d.shown[n.TaskID][n.ID] = true
	}
}

func (d *device) showed(task string) int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return len(d.shown[task])
}

// rest waits; false: the crowd is to end.
func (c *Crowd) rest(d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-c.over:
		return false
	case <-timer.C:
		return true
	}
}

// person edits from several devices.
type person struct {
	user    tandem.UserID
	mailed  bool
	devices []*device

	mu    sync.Mutex
	tasks map[string]*promise // what the server has acknowledged, by title
}

// promise is what an acknowledged task must be in the end.
type promise struct {
	uid       string
	urgent    bool      // its priority was changed
	recurring bool      // it was completed and has a successor
	remind    time.Time // it has a reminder; zero: none
	cancelled bool      // which was completed before its time
}

// kinds of things that a person does.
const (
	plain = iota
	changed
	repeated
	reminded
	unreminded
	kinds
)

// write lets a device add tasks and do something with them until the crowd ends.
func (c *Crowd) write(p *person, d *device, name string, luck *rand.Rand) {
	if p.mailed {
		c.address(p, d)
	}
	for n := 0; c.rest(time.Duration(20+luck.IntN(60)) * time.Millisecond); n++ {
		title := fmt.Sprintf("%s %d", name, n)
		if made := c.once(p, d, title, luck.IntN(kinds)); made != nil {
			p.mu.Lock()
			p.tasks[title] = made
			p.mu.Unlock()
		}
		if luck.IntN(5) == 0 {
			c.again(p, d, title)
		}
	}
}

// address has the person's reminders mailed.
func (c *Crowd) address(p *person, d *device) {
	patch := map[string]any{"channels": map[string]any{"email": map[string]any{"address": string(p.user) + "@example.com"}}}
	if _, err := d.Set(c.tb.Context(), patch); err != nil {
		c.tb.Errorf("%s: set the address: %v", p.user, err)
	}
}

// soon is how far ahead reminders are set.
const soon = 2500 * time.Millisecond

// once makes one task, and gives what must have become of it; nil: the server refused.
func (c *Crowd) once(p *person, d *device, title string, kind int) *promise {
	made := &promise{}
	args := map[string]any{"title": title, "op_id": opOf(title)}
	switch kind {
	case repeated:
		args["due"], args["recurrence"], made.recurring = "2031-05-05", "FREQ=DAILY", true
	case reminded, unreminded:
		made.remind = time.Now().Add(soon).UTC().Truncate(time.Millisecond)
		args["reminders"] = []string{made.remind.Format("2006-01-02T15:04:05.000Z")}
	}
	answer, ok := c.call(p, d, "add_task", args)
	if !ok {
		return nil
	}
	made.uid = answer.UID
	switch kind {
	case changed:
		_, made.urgent = c.call(p, d, "update_task", map[string]any{"task_id": made.uid, "priority": "urgent", "op_id": opOf(title + " changed")})
	case repeated:
		c.call(p, d, "complete_task", map[string]any{"task_id": made.uid, "op_id": opOf(title + " done")})
	case unreminded:
		c.call(p, d, "complete_task", map[string]any{"task_id": made.uid, "op_id": opOf(title + " done")})
		if made.cancelled = time.Now().Before(made.remind.Add(-time.Second / 10)); !made.cancelled {
			return nil // it may have fired before
		}
	}
	return made
}

func opOf(name string) string { return "op of " + name }

// result is what a call answers, as far as it is looked at.
type result struct {
	UID string     `json:"uid"`
	Seq tandem.Seq `json:"seq"`
}

// call makes a call that is repeated until it is answered. false: a time in it has passed meanwhile.
func (c *Crowd) call(p *person, d *device, tool string, args map[string]any) (result, bool) {
	// A call is not given up when the crowd ends: what came of it would be unknown.
	answer, err := d.Mutate(c.tb.Context(), tool, args)
	if refused, is := errors.AsType[*client.Error](err); is && args["reminders"] != nil && strings.Contains(refused.Msg, "past") {
		return result{}, false
	}
	if err != nil {
		c.tb.Errorf("%s: %s %v: %v", p.user, tool, args, err)
		return result{}, false
	}
	var r result
	if err := json.Unmarshal(answer.Result, &r); err != nil {
		c.tb.Errorf("%s: %s answered %s", p.user, tool, answer.Result)
	}
	return r, true
}

// again repeats an acknowledged call as another mutation: its op id gives the first answer.
func (c *Crowd) again(p *person, d *device, title string) {
	p.mu.Lock()
	made := p.tasks[title]
	p.mu.Unlock()
	if made == nil || made.recurring || !made.remind.IsZero() {
		return
	}
	r, ok := c.call(p, d, "add_task", map[string]any{"title": title, "op_id": opOf(title)})
	if ok && r.UID != made.uid {
		c.tb.Errorf("%s: %q was added as %s; its op id repeated gives %s", p.user, title, made.uid, r.UID)
	}
}

// passer is a person without a device that stays: each visit opens the room, and closes it.
const passer tandem.UserID = "pip"

// visit lets new devices load lists, a large one among them, again and again.
func (c *Crowd) visit() {
	ctx := c.tb.Context()
	d := c.open(ctx, c.o.Doors[0], heavy)
	p := &person{user: heavy}
	for i := range 4 {
		var items []map[string]any
		for j := range 12 {
			items = append(items, map[string]any{"title": fmt.Sprintf("Volume %d.%d", i, j), "description": strings.Repeat("long ", 400)})
		}
		if _, ok := c.call(p, d, "add_task", map[string]any{"items": items, "op_id": opOf(fmt.Sprint("volume ", i))}); !ok {
			return
		}
	}
	want := d.Replica().Seq
	for n := 0; c.rest(100 * time.Millisecond); n++ {
		guest, end := c.connect(ctx, c.o.Doors[n%len(c.o.Doors)], heavy)
		err := guest.AwaitSeq(ctx, want)
		if rows := len(guest.Replica().Rows[tandem.KindTask]); err != nil || rows != 48 {
			c.tb.Errorf("a new device loads %d of 48 tasks: %v", rows, err)
		}
		end()
		passing, end := c.connect(ctx, c.o.Doors[n%len(c.o.Doors)], passer)
		if err := passing.Await(ctx, loaded); err != nil {
			c.tb.Errorf("a passing device loads nothing: %v", err)
		}
		end()
	}
}

// loaded reports that a new device has its first rows.
func loaded(r *client.Replica) bool { return r.CaughtUp() && r.Epoch != "" }
