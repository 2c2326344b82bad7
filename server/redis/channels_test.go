package redis

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"go.uber.org/goleak"

	"tandem"
	"tandem/ops/dev/stack"
	"tandem/sync/hub"
	"tandem/sync/hub/hubtest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(stack.Tests{M: m}) }

// patience bounds every wait of a test.
const patience = 20 * time.Second

// process is one of several that share a Redis.
type process struct {
	*Channels
	client  *Client
	up      chan bool // what State was told
	resubs  chan struct{}
	missing chan struct{}
}

// newProcess runs channels until the test ends; they are within reach when it returns.
func newProcess(tb testing.TB, r *stack.Cache) *process {
	tb.Helper()
	p := &process{up: make(chan bool, 100), resubs: make(chan struct{}, 100), missing: make(chan struct{}, 1)}
	p.client = open(tb, r, Metrics{
		Resubscribed: func() { p.resubs <- struct{}{} },
		Missed: func() {
			select {
			case p.missing <- struct{}{}:
			default:
			}
		},
	})
	p.Channels = NewChannels(p.client)
	p.State = func(up bool) { p.up <- up }
	running(tb, p.Run)
	p.turns(tb, true)
	return p
}

func open(tb testing.TB, r *stack.Cache, m Metrics) *Client {
	tb.Helper()
	c, err := Open("redis://"+r.Addr, Options{Metrics: m})
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := c.Close(); err != nil {
			tb.Error(err)
		}
	})
	return c
}

// running runs a loop until the test ends.
func running(tb testing.TB, run func(context.Context) error) {
	tb.Helper()
	ctx, cancel := context.WithCancel(tb.Context())
	done := make(chan error, 1)
	go func() { done <- run(ctx) }()
	tb.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			tb.Error(err)
		}
	})
}

// turns waits until the channels are told up or down.
func (p *process) turns(tb testing.TB, up bool) {
	tb.Helper()
	timeout := time.After(patience)
	for {
		select {
		case got := <-p.up:
			if got == up {
				return
			}
		case <-timeout:
			tb.Fatalf("the channels did not turn %v", up)
		}
	}
}

func TestChannels(t *testing.T) {
	for _, n := range []int{1, 3} {
		t.Run(fmt.Sprint(n, " processes"), func(t *testing.T) {
			hubtest.RunChannel(t, n, func(t *testing.T, n int) (out []hub.Channel) {
				t.Helper()
				r := stack.SharedRedis(t)
				for range n {
					out = append(out, newProcess(t, r))
				}
				return out
			})
		})
	}
}

func lost(s tandem.Signal) bool { return s.Lost }

// outages are the ways to lose the connection, each of which Redis comes back from.
var outages = map[string]func(t *testing.T, r *stack.Cache, p *process){
	"restart": func(_ *testing.T, r *stack.Cache, _ *process) {
		r.Stop()
		r.Start()
	},
	"crash": func(_ *testing.T, r *stack.Cache, _ *process) {
		r.Kill()
		r.Start()
	},
	"killed clients": func(t *testing.T, _ *stack.Cache, p *process) {
		t.Helper()
		if err := p.client.rdb.ClientKillByFilter(t.Context(), "TYPE", "pubsub").Err(); err != nil {
			t.Error(err)
		}
	},
}

func TestChannels_TellALossAndGoOnAfterAnOutage(t *testing.T) {
	for name, outage := range outages {
		t.Run(name, func(t *testing.T) {
			r := stack.Redis(t)
			a, b, c := newProcess(t, r), newProcess(t, r), newProcess(t, r)
			in, _ := hubtest.Join(t, b, "ann")
			other, _ := hubtest.Join(t, c, "bob")
			outage(t, r, a)
			in.Until(t, "news of the loss", lost)
			other.Until(t, "news of the loss", lost)
			for _, p := range []*process{a, b, c} {
				p.turns(t, false)
				p.turns(t, true)
				<-p.resubs
			}
			hubtest.Publish(t, a, tandem.Signal{User: "ann", Head: 2})
			in.UntilHead(t, 2)
		})
	}
}

func TestChannels_FlushLosesNothing(t *testing.T) {
	r := stack.Redis(t)
	a, b := newProcess(t, r), newProcess(t, r)
	in, _ := hubtest.Join(t, b, "ann")
	if err := a.client.rdb.FlushAll(t.Context()).Err(); err != nil {
		t.Fatal(err)
	}
	hubtest.Publish(t, a, tandem.Signal{User: "ann", Head: 1})
	in.UntilHead(t, 1)
}

func TestChannels_DuringAnOutageTheOwnMembersAreToldAndTheOthersAfterwards(t *testing.T) {
	r := stack.Redis(t)
	a, b := newProcess(t, r), newProcess(t, r)
	own, _ := hubtest.Join(t, a, "ann")
	far, _ := hubtest.Join(t, b, "ann")
	r.Kill()
	a.turns(t, false)
	b.turns(t, false)
	for n := range tandem.Seq(10) {
		d := tandem.Delta{User: "ann", From: n + 1, To: n + 1}
		hubtest.Publish(t, a, tandem.Signal{User: "ann", Delta: &d})
	}
	hubtest.Publish(t, a, tandem.Signal{User: "ann", Control: tandem.ControlRevoke})
	if got := own.Signals(); len(got) != 11 || got[9].Delta.To != 10 {
		t.Errorf("without Redis the own member got %v", got)
	}
	late, _ := hubtest.Join(t, a, "bob") // without Redis
	hubtest.Publish(t, a, tandem.Signal{User: "bob", Head: 5})
	late.UntilHead(t, 5)
	r.Start()
	far.Until(t, "the head or news of a loss", func(s tandem.Signal) bool { return s.Lost || s.Head == 10 })
	far.Until(t, "the control", func(s tandem.Signal) bool { return s.Control == tandem.ControlRevoke })
	late.Until(t, "the news that the membership holds for all", lost)
	hubtest.Publish(t, b, tandem.Signal{User: "bob", Head: 6})
	late.UntilHead(t, 6)
}

func TestChannels_OneThatBlocksIsToldOfItsLoss(t *testing.T) {
	r := stack.SharedRedis(t)
	a, b := newProcess(t, r), newProcess(t, r)
	gate, blocked := make(chan struct{}), make(chan struct{})
	in := hubtest.NewInbox()
	var once sync.Once
	leave, err := b.Join(t.Context(), "slow", func(s tandem.Signal) {
		once.Do(func() { close(blocked) })
		<-gate
		in.Deliver(s)
	})
	if err != nil {
		t.Fatal(err)
	}
	defer leave()
	hubtest.Publish(t, a, tandem.Signal{User: "slow", Head: 1})
	<-blocked
	quick := elsewhere(b.Channels, "slow")
	other, _ := hubtest.Join(t, b, quick)
	for n := range tandem.Seq(4 * maxLane) {
		hubtest.Publish(t, a, tandem.Signal{User: "slow", Head: n + 2})
		if n%maxLane == 0 {
			hubtest.Publish(t, a, tandem.Signal{User: quick, Head: n + 1})
			other.UntilHead(t, n+1) // in another lane all goes on
		}
	}
	<-b.missing
	close(gate)
	in.Until(t, "news of the loss", lost)
	if got := in.Signals(); len(got) > 2*maxLane+1 {
		t.Errorf("%d signals were kept for a member that blocks", len(got))
	}
}

// elsewhere names a user of another lane.
func elsewhere(c *Channels, user tandem.UserID) tandem.UserID {
	for i := 0; ; i++ {
		if u := tandem.UserID(fmt.Sprint("user ", i)); c.lane(u) != c.lane(user) {
			return u
		}
	}
}

func TestChannels_AMessageOfALaterVersionIsALoss(t *testing.T) {
	r := stack.SharedRedis(t)
	p := newProcess(t, r)
	in, _ := hubtest.Join(t, p, "later")
	for _, payload := range []string{"2" + "0123456789abcdef" + `{"head":1}`, "", "1", "1" + "0123456789abcdef" + `{"head":`} {
		before := len(in.Signals())
		if err := p.client.rdb.Publish(t.Context(), channelPrefix+"later", payload).Err(); err != nil {
			t.Fatal(err)
		}
		in.Until(t, "news of the loss", func(tandem.Signal) bool { return len(in.Signals()) > before })
	}
	if got := in.Signals(); slices.ContainsFunc(got, func(s tandem.Signal) bool { return !s.Lost }) {
		t.Errorf("got %v, want losses alone", got)
	}
}

func TestChannels_UsersWhoLeftAreForgotten(t *testing.T) {
	p := newProcess(t, stack.SharedRedis(t))
	for n := range 100 {
		_, leave := hubtest.Join(t, p, tandem.UserID(fmt.Sprint(n)))
		leave()
	}
	deadline := time.After(patience)
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for p.remembered() > 0 {
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("%d channels of users who left are remembered", p.remembered())
		}
	}
}

func (c *Channels) remembered() int {
	c.mu.RLock()
	defer c.mu.RUnlock()
	return len(c.users)
}

func TestOpen_SaysNothingOfThePassword(t *testing.T) {
	if _, err := Open("redis://:secret@host:6379/not-a-number", Options{}); err == nil || err.Error() != "a Redis address looks like redis://host:6379/0" {
		t.Errorf("got %v", err)
	}
}

// A server that is there and does not answer is worse than none: nobody is told of an end.
func TestChannels_AFrozenRedisHoldsNobodyUp(t *testing.T) {
	r := stack.Redis(t)
	a, b := newProcess(t, r), newProcess(t, r)
	own, _ := hubtest.Join(t, a, "ann")
	far, _ := hubtest.Join(t, b, "ann")
	r.Signal(syscall.SIGSTOP)
	defer r.Signal(syscall.SIGCONT)
	began := time.Now()
	for n := range tandem.Seq(2 * maxWaiting) { // more than can wait
		hubtest.Publish(t, a, tandem.Signal{User: "ann", Head: n + 1})
	}
	if took := time.Since(began); took > time.Second {
		t.Errorf("publishing took %v", took)
	}
	own.UntilHead(t, 2*maxWaiting)
	a.turns(t, false)
	r.Signal(syscall.SIGCONT)
	a.turns(t, true)
	far.UntilHead(t, 2*maxWaiting)
}

// BenchmarkChannels_Delta measures the way of an edit from one process to a member in another.
func BenchmarkChannels_Delta(b *testing.B) {
	r := stack.SharedRedis(b)
	from, to := newProcess(b, r), newProcess(b, r)
	arrived := make(chan struct{}, 1)
	leave, err := to.Join(b.Context(), "bench", func(tandem.Signal) { arrived <- struct{}{} })
	if err != nil {
		b.Fatal(err)
	}
	defer leave()
	row := json.RawMessage(`{"title":"` + strings.Repeat("x", 600) + `"}`)
	d := tandem.Delta{User: "bench", From: 1, To: 1, Changes: []tandem.Change{{Kind: tandem.KindTask, ID: "x", Version: 1, Row: row}}}
	b.ReportAllocs()
	for b.Loop() {
		if err := from.Publish(b.Context(), tandem.Signal{User: "bench", Delta: &d}); err != nil {
			b.Fatal(err)
		}
		<-arrived
	}
}

func FuzzDecode(f *testing.F) {
	c := &Client{origin: "0123456789abcdef"}
	row := json.RawMessage(`{"title":"<é>"}`)
	for _, s := range []tandem.Signal{
		{User: "ann", Head: 7},
		{User: "ann", Control: tandem.ControlCancel, TurnID: "t"},
		{User: "ann", Delta: &tandem.Delta{User: "ann", From: 1, To: 2, Changes: []tandem.Change{{Kind: tandem.KindTask, ID: "x", Version: 3, Row: row}}}},
		{User: "ann", Turn: &tandem.TurnEvent{Turn: "t", N: 2, Ev: tandem.TurnEvText, D: "\u2028"}},
	} {
		f.Add(c.encode(s).payload)
	}
	f.Add("")
	f.Add("2")
	f.Fuzz(func(t *testing.T, payload string) {
		s := decode("ann", payload)
		if s.User != "ann" || s.Delta != nil && s.Delta.User != "ann" {
			t.Fatalf("a message on the channel of ann became a signal of %q", s.User)
		}
		if s.Lost {
			return
		}
		if again := decode("ann", c.encode(s).payload); !cmp.Equal(s, again, cmpopts.EquateEmpty()) && !large(s) {
			t.Fatalf("%+v became %+v", s, again)
		}
	})
}

func large(s tandem.Signal) bool { return s.Delta != nil && sizeOf(*s.Delta) > maxPayload }

// A command that publishes and ends at once has nobody else to tell what it did.
func TestChannels_FlushWaitsForRedis(t *testing.T) {
	r := stack.Redis(t)
	b := newProcess(t, r)
	in, _ := hubtest.Join(t, b, "ann")
	for n := range tandem.Seq(5) {
		c := NewChannels(open(t, r, Metrics{}))
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- c.Run(ctx) }()
		hubtest.Publish(t, c, tandem.Signal{User: "ann", Control: tandem.ControlCancel, TurnID: fmt.Sprint(n)})
		if err := c.Flush(t.Context()); err != nil {
			t.Fatal(err)
		}
		cancel()
		if err := <-done; err != nil {
			t.Fatal(err)
		}
		in.Until(t, "the control", func(s tandem.Signal) bool { return s.TurnID == fmt.Sprint(n) })
	}
	r.Kill()
	b.turns(t, false)
	hubtest.Publish(t, b, tandem.Signal{User: "ann", Control: tandem.ControlRevoke})
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	if err := b.Flush(ctx); err == nil {
		t.Error("a flush succeeded without Redis")
	}
}
