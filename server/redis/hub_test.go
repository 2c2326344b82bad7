package redis

import (
	"context"
	"encoding/json"
	"fmt"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"tandem"
	"tandem/agent/tools"
	"tandem/ops/dev/stack"
	"tandem/server/sqlite"
	"tandem/sync/client"
	"tandem/sync/hub"
	"tandem/sync/wire"
)

// world is several processes on one database and one Redis.
type world struct {
	t     *testing.T
	redis *stack.Cache
	db    *sqlite.DB
	box   *tools.Toolbox
	sides []*side

	mu     sync.Mutex
	writer *side // whose commit comes next
}

// side is one of the processes.
type side struct {
	*process
	hub      *hub.Hub
	replicas *Replicas
}

func newWorld(t *testing.T, sides int) *world {
	t.Helper()
	w := &world{t: t, redis: stack.Redis(t)}
	var err error
	if w.db, err = sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "tandem.db"), sqlite.Options{}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := w.db.Close(); err != nil {
			t.Error(err)
		}
	})
	w.box = tools.New(tools.Options{Store: w.db})
	w.db.OnCommit = func(d tandem.Delta) {
		w.mu.Lock()
		defer w.mu.Unlock()
		if err := w.writer.Publish(context.Background(), tandem.Signal{User: d.User, Delta: &d}); err != nil {
			t.Error(err)
		}
	}
	for range sides {
		w.sides = append(w.sides, w.newSide())
	}
	return w
}

func (w *world) newSide() *side {
	w.t.Helper()
	s := &side{}
	c := open(w.t, w.redis, Metrics{})
	s.process = &process{client: c, Channels: NewChannels(c), up: make(chan bool, 100)}
	s.replicas = NewReplicas(c, "")
	s.hub = hub.New(hub.Options{Channel: s.Channels, Store: w.db, Presence: s.replicas})
	s.State = func(up bool) {
		s.hub.ChannelState(up)
		s.up <- up
	}
	running(w.t, s.replicas.Run)
	running(w.t, s.hub.Run)
	running(w.t, s.Run)
	s.turns(w.t, true)
	return s
}

// edit adds a task on one side and gives the number of the write.
func (w *world) edit(s *side, user tandem.UserID) tandem.Seq {
	w.t.Helper()
	w.mu.Lock()
	w.writer = s
	w.mu.Unlock()
	res, err := w.box.Call(w.t.Context(), tools.Caller{User: user, Kind: tools.Person, Cause: tandem.Cause{Actor: tandem.ActorUser}},
		tools.AddTask, json.RawMessage(`{"title":"Water the plants"}`))
	if err != nil {
		w.t.Fatal(err)
	}
	return res.Seq
}

// device is a connection that reads all it is told.
type device struct {
	t      *testing.T
	member *hub.Member

	mu       sync.Mutex
	replica  *client.Replica
	presence wire.Presence
	news     chan struct{}
}

func (w *world) device(s *side, user tandem.UserID, name string) *device {
	w.t.Helper()
	m, err := s.hub.Join(w.t.Context(), user, hub.Resume{Client: name})
	if err != nil {
		w.t.Fatal(err)
	}
	d := &device{t: w.t, member: m, replica: client.NewReplica(), news: make(chan struct{}, 1)}
	if err := d.replica.Ready(wire.Ready{Epoch: m.Epoch, Seq: m.Seq, Mode: m.Mode}); err != nil {
		w.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(w.t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			frame, err := m.Next(ctx, time.Now().Add(time.Hour))
			if err != nil {
				return
			}
			d.apply(frame)
		}
	}()
	w.t.Cleanup(func() {
		cancel()
		<-done
		m.Leave()
	})
	return d
}

func (d *device) apply(frame []byte) {
	f, err := wire.DecodeServer(frame)
	if err != nil {
		d.t.Error(err)
		return
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	switch f := f.(type) {
	case wire.Snap:
		err = d.replica.Snap(f)
	case wire.Delta:
		err = d.replica.Delta(f)
	case wire.Presence:
		d.presence = f
	}
	if err != nil {
		d.t.Error(err)
	}
	select {
	case d.news <- struct{}{}:
	default:
	}
}

// until waits for a state of the device, and tells how long that took.
func (d *device) until(what string, ok func() bool) time.Duration {
	d.t.Helper()
	began := time.Now()
	timeout := time.After(patience)
	for {
		d.mu.Lock()
		done := ok()
		d.mu.Unlock()
		if done {
			return time.Since(began)
		}
		select {
		case <-d.news:
		case <-timeout:
			d.t.Fatalf("%s did not happen within %v", what, patience)
		}
	}
}

func (d *device) at(seq tandem.Seq) time.Duration {
	d.t.Helper()
	return d.until(fmt.Sprint("number ", seq), func() bool { return d.replica.Seq >= seq })
}

func (d *device) sees(names ...string) {
	d.t.Helper()
	d.until(fmt.Sprint("the presence of ", names), func() bool {
		var got []string
		for _, dev := range d.presence.Devices {
			got = append(got, dev.Client)
		}
		return slices.Equal(got, names)
	})
}

func TestHubs_EditsOfOneReachTheOther(t *testing.T) {
	w := newWorld(t, 2)
	a, b := w.device(w.sides[0], "ann", "a"), w.device(w.sides[1], "ann", "b")
	bob := w.device(w.sides[1], "bob", "c")
	var last tandem.Seq
	for n := range 20 {
		last = w.edit(w.sides[n%2], "ann")
	}
	for _, d := range []*device{a, b} {
		if took := d.at(last); took > 2*time.Second {
			t.Errorf("an edit took %v", took)
		}
	}
	bob.mu.Lock()
	defer bob.mu.Unlock()
	if bob.replica.Seq != 0 {
		t.Errorf("bob is at %d, but nothing of his has changed", bob.replica.Seq)
	}
}

func TestHubs_LiveOverAnOutage(t *testing.T) {
	w := newWorld(t, 2)
	one, two := w.sides[0], w.sides[1]
	a, b := w.device(one, "ann", "a"), w.device(two, "ann", "b")
	b.at(w.edit(one, "ann"))
	w.redis.Kill()
	one.turns(t, false)
	two.turns(t, false)
	late := w.device(one, "ann", "c") // comes while Redis is away
	seq := w.edit(one, "ann")
	for name, d := range map[string]*device{"a device of the same process": a, "one that came meanwhile": late} {
		if took := d.at(seq); took > time.Second {
			t.Errorf("without Redis, an edit took %v to %s", took, name)
		}
	}
	if took := b.at(seq); took > 3*time.Second {
		t.Errorf("without Redis, an edit took %v to another process", took)
	}
	seq = w.edit(two, "ann")
	w.redis.Start()
	if took := a.at(seq); took > time.Second {
		t.Errorf("after Redis was back, an edit made without it took %v", took)
	}
	one.turns(t, true)
	two.turns(t, true)
	began := time.Now()
	late.at(w.edit(two, "ann"))
	if took := time.Since(began); took > time.Second {
		t.Errorf("after the outage, an edit took %v to another process", took)
	}
}

func TestHubs_TellWhoIsThereOnEveryProcess(t *testing.T) {
	w := newWorld(t, 3)
	a, b := w.device(w.sides[0], "ann", "a"), w.device(w.sides[1], "ann", "b")
	w.device(w.sides[2], "bob", "bob")
	a.sees("a", "b")
	b.sees("a", "b")
	same := w.device(w.sides[2], "ann", "b") // one device, two connections
	c := w.device(w.sides[2], "ann", "c")
	for _, d := range []*device{a, b, c} {
		d.sees("a", "b", "c")
	}
	same.member.Leave()
	a.member.Leave()
	b.sees("b", "c")
	c.sees("b", "c")
	b.member.Leave()
	c.sees("c")
}
