package relay_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"tandem"
	"tandem/server/sqlite"
	"tandem/workers/relay"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var quiet = slog.New(slog.DiscardHandler)

// outbox is a list in memory with several partitions. Like a database, it lets one process at a time forward a list.
type outbox struct {
	mu      sync.Mutex
	lists   [][]tandem.Outgoing
	busy    []sync.Mutex
	forward func() // runs in every Forward, before it publishes
}

func newOutbox(partitions int) *outbox {
	return &outbox{lists: make([][]tandem.Outgoing, partitions), busy: make([]sync.Mutex, partitions), forward: func() {}}
}

func (o *outbox) add(partition int, entries ...tandem.Outgoing) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.lists[partition] = append(o.lists[partition], entries...)
}

func (o *outbox) Partitions() int { return len(o.lists) }

func (o *outbox) Forward(
	ctx context.Context, partition, limit int, publish func(context.Context, []tandem.Outgoing) ([]int64, error),
) (int, error) {
	if !o.busy[partition].TryLock() {
		return 0, nil
	}
	defer o.busy[partition].Unlock()
	o.mu.Lock()
	entries := slices.Clone(o.lists[partition][:min(limit, len(o.lists[partition]))])
	o.mu.Unlock()
	if len(entries) == 0 {
		return 0, nil
	}
	o.forward()
	done, err := publish(ctx, entries)
	o.mu.Lock()
	defer o.mu.Unlock()
	o.lists[partition] = slices.DeleteFunc(o.lists[partition], func(e tandem.Outgoing) bool { return slices.Contains(done, e.ID) })
	return len(entries), err
}

func (o *outbox) Backlog(context.Context) (tandem.Backlog, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	b := tandem.Backlog{Oldest: time.Now().Add(-time.Minute)}
	for _, l := range o.lists {
		b.Pending += len(l)
	}
	return b, nil
}

// bus records what was published.
type bus struct {
	mu     sync.Mutex
	events []tandem.Outgoing
	fail   func(tandem.Outgoing) error
}

func (b *bus) Publish(_ context.Context, events []tandem.Outgoing) (done []int64, err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, e := range events {
		if b.fail != nil {
			if err = b.fail(e); err != nil {
				return done, err
			}
		}
		b.events = append(b.events, e)
		done = append(done, e.ID)
	}
	return done, nil
}

func (b *bus) published() []tandem.Outgoing {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Clone(b.events)
}

func entry(id int64, user tandem.UserID, seq tandem.Seq) tandem.Outgoing {
	return tandem.Outgoing{ID: id, User: user, Seq: seq, Topic: tandem.TopicTaskEvents}
}

func TestRelay_PingsEachUserWithTheHighestNumberThatLeft(t *testing.T) {
	o, b := newOutbox(1), &bus{fail: func(e tandem.Outgoing) error {
		if e.ID == 5 {
			return errors.New("full")
		}
		return nil
	}}
	reason := entry(3, "carol", 9)
	reason.Topic = ""
	o.add(0, entry(1, "ann", 1), entry(2, "ann", 2), reason, entry(4, "bob", 7), entry(5, "bob", 8))
	r := relay.New(o, b, quiet)
	heads := map[tandem.UserID]tandem.Seq{}
	r.Ping = func(_ context.Context, user tandem.UserID, head tandem.Seq) { heads[user] = head }
	if err := r.Drain(t.Context()); err == nil {
		t.Fatal("the failure is hidden")
	}
	if len(heads) != 3 || heads["ann"] != 2 || heads["bob"] != 7 || heads["carol"] != 9 {
		t.Errorf("pinged %v", heads)
	}
	if len(b.events) != 3 {
		t.Errorf("published %d events; an entry without topic is none", len(b.events))
	}
	if left := o.lists[0]; len(left) != 1 || left[0].ID != 5 {
		t.Errorf("left %v", left)
	}
}

func TestRun_AListThatFailsHoldsUpNoOther(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newOutbox(2)
		var down atomic.Bool
		down.Store(true)
		b := &bus{fail: func(e tandem.Outgoing) error {
			if e.User == "ann" && down.Load() {
				return errors.New("away")
			}
			return nil
		}}
		r := relay.New(o, b, quiet)
		var failed atomic.Int64
		r.Metrics.Failed = func() { failed.Add(1) }
		left := make(chan time.Time, 16)
		r.Metrics.Published = func(tandem.Topic) { left <- time.Now() }
		backlog := make(chan string, 10)
		r.Metrics.Backlog = func(pending int, oldest time.Duration) { backlog <- fmt.Sprint(pending, oldest) }
		ctx, cancel := context.WithCancel(t.Context())
		var run sync.WaitGroup
		run.Go(func() { _ = r.Run(ctx) })
		synctest.Wait()
		o.add(0, entry(1, "ann", 1))
		o.add(1, entry(2, "bob", 1))
		r.Kick()
		synctest.Wait()
		if got := b.published(); len(got) != 1 || got[0].User != "bob" || failed.Load() != 1 {
			t.Fatalf("published %v with %d failures", got, failed.Load())
		}
		down.Store(false)
		up := <-left // of the list that did not fail
		for range 100 {
			r.Kick() // kicks do not hurry a list that rests after a failure
		}
		synctest.Wait()
		if len(b.published()) != 1 {
			t.Fatal("a list that failed was tried again at once")
		}
		if rested := (<-left).Sub(up); rested <= 0 || rested > 5*time.Second {
			t.Errorf("a list that failed rested for %s", rested)
		}
		synctest.Wait()
		if got, size := b.published(), <-backlog; len(got) != 2 || size != "0 1m0s" {
			t.Fatalf("published %v, backlog %s", got, size)
		}
		cancel()
		run.Wait()
	})
}

func TestRun_AListIsLookedAtWithoutAKick(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o, b := newOutbox(8), &bus{}
		r := relay.New(o, b, quiet)
		r.Idle = 80 * time.Millisecond
		left := make(chan time.Time, 16)
		r.Metrics.Published = func(tandem.Topic) { left <- time.Now() }
		ctx, cancel := context.WithCancel(t.Context())
		var run sync.WaitGroup
		run.Go(func() { _ = r.Run(ctx) })
		synctest.Wait()
		added := time.Now()
		for p := range 8 {
			o.add(p, entry(int64(p), "ann", 1))
		}
		for range 8 {
			if waited := (<-left).Sub(added); waited > r.Idle {
				t.Errorf("a list was not looked at for %s", waited)
			}
		}
		cancel()
		run.Wait()
	})
}

// TestRun_ManyRelaysOverOneOutbox writes while four relays publish and now and then fail: everything arrives, in the order of each
// person.
func TestRun_ManyRelaysOverOneOutbox(t *testing.T) {
	db, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "tandem.db"), sqlite.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	tries := 0
	all := make(chan struct{})
	const writes = 60
	b := &bus{}
	b.fail = func(tandem.Outgoing) error {
		if tries++; tries%7 == 0 {
			return errors.New("not now")
		}
		if len(b.events) == 2*writes-1 { // this is the last one
			close(all)
		}
		return nil
	}
	ctx, cancel := context.WithCancel(t.Context())
	var run sync.WaitGroup
	relays := make([]*relay.Relay, 4)
	for i := range relays {
		relays[i] = relay.New(db, b, quiet)
		relays[i].Idle = 10 * time.Millisecond
		run.Go(func() { _ = relays[i].Run(ctx) })
	}
	for n := range writes {
		user := tandem.UserID(fmt.Sprintf("u%d", n%3))
		if _, err := db.Edit(t.Context(), user, tandem.Edit{Decide: func(sc tandem.Scene) (tandem.Plan, error) {
			task, _, err := tandem.NewTask(sc, tandem.Draft{Title: "Task"})
			return tandem.Plan{Tasks: []tandem.Task{task}}, err
		}}); err != nil {
			t.Fatal(err)
		}
		relays[n%4].Kick()
	}
	select {
	case <-all:
	case <-time.After(30 * time.Second):
		t.Error("not everything was published")
	}
	cancel()
	run.Wait()
	last := map[tandem.UserID]int64{}
	for _, e := range b.events {
		if e.ID <= last[e.User] {
			t.Errorf("entry %d of %s comes behind entry %d", e.ID, e.User, last[e.User])
		}
		last[e.User] = e.ID
	}
}
