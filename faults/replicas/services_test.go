package replicas

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tandem"
	"tandem/ops/dev/product"
	"tandem/sync/client"
	"tandem/sync/wire"
)

// Bounds of a recovery.
const (
	aliveWithin   = 30 * time.Second // an edit is taken and seen again
	drainedWithin = 30 * time.Second // every event has left
	kept          = 60 * time.Second // a reminder that fell due meanwhile is shown
)

// person is somebody who works on two devices, with what they were told by the server.
type person struct {
	user    tandem.UserID
	devices []*client.Client

	mu        sync.Mutex
	added     map[string]bool                 // titles that were acknowledged
	completed map[string]bool                 // of them recurring, and completed
	promised  map[string]time.Time            // of them with a reminder that stands
	cancelled map[string]bool                 // of them with a reminder that was cancelled before its time
	shown     map[string]map[string]time.Time // titles of notices, with the id of each and when a device showed it first
}

// newPerson connects a device to each server.
func newPerson(t *testing.T, p *product.Product, user tandem.UserID) *person {
	t.Helper()
	o := &person{
		user: user, added: map[string]bool{}, completed: map[string]bool{}, promised: map[string]time.Time{}, cancelled: map[string]bool{},
		shown: map[string]map[string]time.Time{},
	}
	for _, a := range p.Serve {
		o.devices = append(o.devices, deviceOn(t, p, a, user, o.see))
	}
	return o
}

// see notes the notices that a frame brings to a device.
func (o *person) see(f wire.ServerFrame) {
	d, ok := f.(wire.Delta)
	if !ok {
		return
	}
	for _, c := range d.Changes {
		var n tandem.NoticeRow
		if c.Kind != tandem.KindNotice || len(c.Row) == 0 || json.Unmarshal(c.Row, &n) != nil {
			continue
		}
		o.saw(n)
	}
}

func (o *person) saw(n tandem.NoticeRow) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.shown[n.Title] == nil {
		o.shown[n.Title] = map[string]time.Time{}
	}
	if _, known := o.shown[n.Title][n.ID]; !known {
		o.shown[n.Title][n.ID] = time.Now()
	}
}

// work adds, completes, and asks to be reminded, until it is enough. What was begun is brought to its end, unless ctx ends.
func (o *person) work(ctx context.Context, t *testing.T, enough <-chan struct{}, d *client.Client, name string) {
	t.Helper()
	for n := 0; ctx.Err() == nil; n++ {
		select {
		case <-enough:
			return
		default:
		}
		title := fmt.Sprintf("%s %d", name, n)
		switch n % 4 {
		case 0:
			o.repeat(ctx, t, d, title)
		case 1:
			o.remind(ctx, t, d, title, time.Duration(2+n%9)*time.Second, false)
		case 2:
			o.remind(ctx, t, d, title, time.Duration(4+n%12)*time.Second, n%3 == 0)
		default:
			o.add(ctx, t, d, title, nil)
		}
		pause(ctx, 150*time.Millisecond)
	}
}

// add gives the uid of a new task; false: it was refused.
func (o *person) add(ctx context.Context, t *testing.T, d *client.Client, title string, more map[string]any) (uid string, ok bool) {
	t.Helper()
	args := map[string]any{"title": title}
	maps.Copy(args, more)
	if uid, ok = o.call(ctx, t, d, "add_task", args); ok {
		o.mu.Lock()
		defer o.mu.Unlock()
		o.added[title] = true
	}
	return uid, ok
}

// repeat completes the first occurrence of a series.
func (o *person) repeat(ctx context.Context, t *testing.T, d *client.Client, title string) {
	t.Helper()
	uid, ok := o.add(ctx, t, d, title, map[string]any{"due": "2031-05-05", "recurrence": "FREQ=DAILY"})
	if !ok {
		return
	}
	if _, ok := o.call(ctx, t, d, "complete_task", map[string]any{"task_id": uid}); ok {
		o.mu.Lock()
		defer o.mu.Unlock()
		o.completed[title] = true
	}
}

// remind asks for a reminder, and perhaps takes it back.
func (o *person) remind(ctx context.Context, t *testing.T, d *client.Client, title string, in time.Duration, cancel bool) {
	t.Helper()
	at := time.Now().Add(in).UTC().Truncate(time.Millisecond)
	uid, ok := o.add(ctx, t, d, title, map[string]any{"reminders": []string{at.Format("2006-01-02T15:04:05.000Z")}})
	if !ok {
		return
	}
	kept := true
	if cancel {
		_, done := o.call(ctx, t, d, "complete_task", map[string]any{"task_id": uid})
		kept = !done
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	switch {
	case kept:
		o.promised[title] = at
	case time.Now().Before(at): // later, either is right
		o.cancelled[title] = true
	}
}

// call is over when the server has said yes or no, over whatever outage.
func (o *person) call(ctx context.Context, t *testing.T, d *client.Client, tool string, args map[string]any) (uid string, ok bool) {
	t.Helper()
	answer, err := d.Mutate(ctx, tool, args)
	if err != nil {
		if refused, is := errors.AsType[*client.Error](err); ctx.Err() == nil && (!is || refused.Code != "invalid") { // a reminder whose time passed in an outage
			t.Errorf("%s of %s: %s %v: %v", o.user, d.ID(), tool, args, err)
		}
		return "", false
	}
	var result struct {
		UID string `json:"uid"`
	}
	if err := json.Unmarshal(answer.Result, &result); err != nil {
		t.Errorf("%s answered %s", tool, answer.Result)
	}
	return result.UID, true
}

// TestServices takes the services away, one after another, while two people work on four devices.
func TestServices(t *testing.T) {
	model, env := newHangingModel(t)
	p := deploy(t, product.Options{Serve: 2, Durable: true, Env: env})
	people := []*person{newPerson(t, p, "ann"), newPerson(t, p, "bob")}
	ctx, giveUp := context.WithCancel(t.Context())
	enough := make(chan struct{})
	var working sync.WaitGroup
	defer working.Wait()
	defer giveUp()
	for _, o := range people {
		for i, d := range o.devices {
			working.Go(func() { o.work(ctx, t, enough, d, fmt.Sprintf("%s-%d", o.user, i)) })
		}
	}
	for _, f := range outages(p) {
		if !t.Run(f.name, func(t *testing.T) { endure(t, f, people[0]) }) {
			return
		}
	}
	if !t.Run("a server killed at work", func(t *testing.T) { takeover(t, p, model) }) {
		return
	}
	close(enough)
	working.Wait()
	healed := time.Now()
	for _, o := range people {
		o.examine(t, p, healed)
	}
	examineDatabase(t, p)
}

// endure has an outage happen and waits until the product is alive again.
func endure(t *testing.T, f outage, o *person) {
	t.Helper()
	if err := f.act(t.Context()); err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	alive(t, o, f.name)
	t.Logf("figure: %s: an edit crosses again after %s", f.name, time.Since(began).Round(time.Millisecond))
}

type outage struct {
	name string
	act  func(context.Context) error
}

// outages are what happens to the services of a deployment.
func outages(p *product.Product) []outage {
	return []outage{
		{"Postgres stopped at once", func(ctx context.Context) error {
			p.PG.Signal(syscall.SIGQUIT)
			for p.PG.Running() && ctx.Err() == nil {
				pause(ctx, 20*time.Millisecond)
			}
			return start(ctx, p.PG.Start)
		}},
		{"Postgres killed, away for 7 s", func(ctx context.Context) error { // deliveries stop after 5 s
			p.PG.Kill()
			pause(ctx, 7*time.Second)
			return start(ctx, p.PG.Start)
		}},
		{"Redis flushed", func(ctx context.Context) error { return p.Redis.Do(ctx, "FLUSHALL") }},
		{"Redis killed, away for 3 s", func(ctx context.Context) error {
			p.Redis.Kill()
			pause(ctx, 3*time.Second)
			return start(ctx, p.Redis.Start)
		}},
		{"sidecars killed", func(ctx context.Context) error {
			for _, a := range p.All() {
				a.Sidecar.Kill()
				a.Sidecar.Start()
			}
			return ctx.Err()
		}},
		{"the scheduler killed, Kafka away for 10 s", func(ctx context.Context) error {
			p.Scheduler.Kill()
			p.Kafka.Kill()
			pause(ctx, 10*time.Second)
			return start(ctx, p.Kafka.Start, p.Scheduler.Start)
		}},
		{"the scheduler's data wiped", func(ctx context.Context) error { return start(ctx, p.Scheduler.Wipe) }},
	}
}

// start starts services at once and waits until they answer.
func start(ctx context.Context, services ...func()) error {
	var all sync.WaitGroup
	for _, s := range services {
		all.Go(s)
	}
	all.Wait()
	return ctx.Err()
}

// alive waits until an edit on one server reaches the device on the other.
func alive(t *testing.T, o *person, after string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), aliveWithin)
	defer cancel()
	title := "after: " + after
	if _, err := o.devices[0].Mutate(ctx, "add_task", map[string]any{"title": title}); err != nil {
		t.Fatalf("no edit is taken: %v", err)
	}
	o.mu.Lock()
	o.added[title] = true
	o.mu.Unlock()
	within(t, aliveWithin, "the other server tells of the edit", o.devices[1], titled(t, title))
}

// examine compares what a person was told with what the devices show, and these with the database.
func (o *person) examine(t *testing.T, p *product.Product, healed time.Time) {
	t.Helper()
	o.awaitNotices(t, healed)
	for title := range o.cancelled {
		if len(o.shown[title]) > 0 {
			t.Errorf("%s: %q was cancelled before its time and shown", o.user, title)
		}
	}
	fresh := device(t, p, p.Serve[0], o.user)
	within(t, drainedWithin, "every successor", fresh, func(r *client.Replica) bool { return r.CaughtUp() && o.succeeded(t, r) })
	want := fresh.Replica()
	rows := map[string]int{}
	for _, row := range tasks(t, want) {
		rows[row.Title]++
	}
	for title := range o.added {
		most := 1
		if o.completed[title] {
			most = 2 // and its successor
		}
		if n := rows[title]; n < 1 || n > most {
			t.Errorf("%s: %q is there %d times", o.user, title, n)
		}
	}
	for _, d := range o.devices {
		ctx, cancel := context.WithTimeout(t.Context(), drainedWithin)
		defer cancel()
		if err := d.AwaitSeq(ctx, want.Seq); err != nil {
			t.Errorf("%s: a device does not reach %d: %v", o.user, want.Seq, err)
		} else if diff := cmp.Diff(want.Rows, d.Replica().Rows); diff != "" {
			t.Errorf("%s: a device differs from the database (-database +device):\n%.2000s", o.user, diff)
		}
	}
	t.Logf("%s: %d acknowledged, %d recurring completions, %d reminders, %d cancelled", o.user, len(o.added), len(o.completed), len(o.promised), len(o.cancelled))
}

// awaitNotices holds every reminder that stands to one notice on each device, in time.
func (o *person) awaitNotices(t *testing.T, healed time.Time) {
	t.Helper()
	last := healed
	for _, at := range o.promised {
		if at.After(last) {
			last = at
		}
	}
	for _, d := range o.devices {
		within(t, time.Until(last.Add(kept)), "every notice of "+string(o.user), d, func(r *client.Replica) bool {
			there := map[string]bool{}
			for _, n := range noticesOf(t, r) {
				there[n.Title] = true
				o.saw(n)
			}
			for title := range o.promised {
				if !there[title] {
					return false
				}
			}
			return true
		})
	}
	var late []time.Duration
	for title, at := range o.promised {
		if n := len(o.shown[title]); n != 1 {
			t.Errorf("%s: %q was shown by %d notices", o.user, title, n)
		}
		for _, seen := range o.shown[title] {
			late = append(late, seen.Sub(at))
			if after := seen.Sub(at); after > kept && seen.Sub(healed) > kept {
				t.Errorf("%s: %q was shown %s after its time", o.user, title, after)
			} else if after < 0 {
				t.Errorf("%s: %q was shown %s before its time", o.user, title, -after)
			}
		}
	}
	t.Logf("figure: %s: reminders amid outages shown after: median %s, p90 %s, last %s; bar 60 s", o.user, quantile(late, .5), quantile(late, .9), quantile(late, 1))
}

// succeeded tells whether each completed occurrence has its successor; two are an error at once.
func (o *person) succeeded(t *testing.T, r *client.Replica) bool {
	t.Helper()
	open := map[string]int{}
	for _, row := range tasks(t, r) {
		if row.Status == tandem.StatusPending {
			open[row.Title]++
		}
	}
	for title := range o.completed {
		if open[title] > 1 {
			t.Fatalf("%s: %q has %d open occurrences", o.user, title, open[title])
		}
		if open[title] == 0 {
			return false
		}
	}
	return true
}

// examineDatabase holds that everything left, that nothing healthy was set aside, and that nothing happened twice.
func examineDatabase(t *testing.T, p *product.Product) {
	t.Helper()
	eventually(t, drainedWithin, "the outbox is empty", func() bool { return count(t, p, `select count(*) from outbox`) == 0 })
	eventually(t, drainedWithin, "the trail holds the creation of every task", func() bool {
		return count(t, p, `
			select count(*) from tasks k where not exists (
				select from audit a where a.user_id = k.user_id and a.event::json->>'event_type' = 'task.created' and a.event::json->>'task_id' = k.uid)`) == 0
	})
	for what, query := range map[string]string{
		"healthy events were set aside":         `select count(*) from dead_letters`,
		"reminders were shown twice":            `select count(*) from (select from notices group by user_id, reminder_id having count(*) > 1) n`,
		"reminders are overdue":                 `select count(*) from reminders where due_at < now() - interval '60 seconds'`,
		"creations are in the trail twice":      `select count(*) from (select from audit where event::json->>'event_type' = 'task.created' group by user_id, event::json->>'task_id' having count(*) > 1) n`,
		"numbers are missing in a person's log": `select count(*) from (select user_id, max(seq) - min(seq) + 1 as span, count(distinct seq) as n from changes group by user_id) c where span <> n`,
	} {
		if n := count(t, p, query); n != 0 {
			t.Errorf("%s: %d", what, n)
		}
	}
}
