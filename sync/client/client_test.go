package client

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/coder/websocket"
	"go.uber.org/goleak"

	"tandem"
	"tandem/sync/wire"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const patience = 20 * time.Second

// server is the other side in the test's own hands: serve lives each connection, numbered from 1.
type server struct {
	t     *testing.T
	http  *httptest.Server
	conns atomic.Int64
	token atomic.Value // of the last connection
}

func newServer(t *testing.T, serve func(n int64, c *conn)) *server {
	t.Helper()
	s := &server{t: t}
	s.http = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.token.Store(r.Header.Get("Authorization"))
		n := s.conns.Add(1)
		if r.Header.Get("Authorization") == "Bearer refused" {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		ws, err := websocket.Accept(w, r, &websocket.AcceptOptions{Subprotocols: []string{wire.Subprotocol}})
		if err != nil {
			t.Error(err)
			return
		}
		serve(n, &conn{t: t, ws: ws})
		_ = ws.CloseNow()
	}))
	t.Cleanup(func() {
		s.http.Close()
		http.DefaultClient.CloseIdleConnections()
	})
	return s
}

// conn is one connection of the server.
type conn struct {
	t  *testing.T
	ws *websocket.Conn
}

// read gives the next frame of the client; nil when the connection has ended.
func (c *conn) read() wire.ClientFrame {
	_, data, err := c.ws.Read(context.WithoutCancel(c.t.Context()))
	if err != nil {
		return nil
	}
	f, err := wire.DecodeClient(data)
	if err != nil {
		c.t.Errorf("the client sent %s: %v", data, err)
	}
	return f
}

func (c *conn) send(frames ...wire.ServerFrame) {
	for _, f := range frames {
		_ = c.ws.Write(context.WithoutCancel(c.t.Context()), websocket.MessageText, wire.Encode(f)) // it may be gone already
	}
}

func (c *conn) close(code wire.Close) { _ = c.ws.Close(websocket.StatusCode(code), "") }

// welcome answers hello with a small snapshot, or live where the client holds it.
func (c *conn) welcome(lastMid int64) wire.Hello {
	h, _ := c.read().(wire.Hello)
	ready := wire.Ready{Epoch: "e1", Seq: 1, Mode: wire.ModeSnapshot, Why: wire.WhyNew, LastMid: lastMid, HB: 60_000}
	if h.Seq != nil {
		ready.Mode, ready.Why, ready.Seq = wire.ModeLive, "", *h.Seq
		c.send(ready)
		return h
	}
	c.send(ready, wire.Snap{Seq: 1, Last: true, Rows: map[tandem.Kind][]json.RawMessage{tandem.KindTask: {json.RawMessage(`{"uid":"a"}`)}}})
	return h
}

// rest reads until the connection ends.
func (c *conn) rest() {
	for c.read() != nil {
		continue
	}
}

// run runs a client until the test ends; the channel gives what Run gave.
func run(t *testing.T, s *server, change ...func(*Options)) (*Client, <-chan error) {
	t.Helper()
	o := Options{
		Server: s.http.URL, User: "ann", Backoff: time.Millisecond, MaxBackoff: 5 * time.Millisecond,
		Token: func(context.Context, bool) (string, error) { return "good", nil },
	}
	for _, f := range change {
		f(&o)
	}
	c := New(o)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	done := make(chan struct{})
	go func() {
		defer close(done)
		ended <- c.Run(ctx)
	}()
	t.Cleanup(func() {
		cancel()
		<-done
	})
	return c, ended
}

func within(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	t.Cleanup(cancel)
	return ctx
}

func TestClient_ResumesWhereItStands(t *testing.T) {
	hellos := make(chan wire.Hello, 2)
	s := newServer(t, func(n int64, c *conn) {
		hellos <- c.welcome(0)
		if n == 1 {
			c.send(wire.Delta{From: 2, To: 4, Changes: []wire.Change{{Kind: tandem.KindTask, ID: "a", Op: wire.OpDel}}})
			c.send(wire.Turn{TurnEvent: tandem.TurnEvent{Turn: "t1", N: 1, Ev: tandem.TurnEvStart}})
			c.close(wire.CloseRestart)
			return
		}
		c.rest()
	})
	c, _ := run(t, s)
	if err := c.Await(within(t), func(r *Replica) bool { return r.CaughtUp() && s.conns.Load() == 2 }); err != nil {
		t.Fatal(err)
	}
	first, h := <-hellos, <-hellos
	if h.Epoch != "e1" || h.Seq == nil || *h.Seq != 4 || h.Turns["t1"] != 1 || h.Client != first.Client {
		t.Errorf("it came back with %+v", h)
	}
	if n := len(c.Replica().Rows[tandem.KindTask]); n != 0 {
		t.Errorf("it holds %d tasks, want none", n)
	}
}

func TestClient_HalfASnapshotLeavesNothing(t *testing.T) {
	again := make(chan wire.Hello, 1)
	s := newServer(t, func(n int64, c *conn) {
		if n == 1 {
			c.read()
			c.send(wire.Ready{Epoch: "e1", Seq: 9, Mode: wire.ModeSnapshot, HB: 60_000}, wire.Snap{Seq: 9, Rows: map[tandem.Kind][]json.RawMessage{
				tandem.KindTask: {json.RawMessage(`{"uid":"x"}`)},
			}})
			return
		}
		again <- c.welcome(0)
		c.rest()
	})
	c, _ := run(t, s)
	if err := c.AwaitSeq(within(t), 1); err != nil {
		t.Fatal(err)
	}
	if h := <-again; h.Epoch != "" || h.Seq != nil {
		t.Errorf("after half a snapshot it came back with %+v", h)
	}
	if rows := c.Replica().Rows[tandem.KindTask]; len(rows) != 1 || rows["a"] == nil {
		t.Errorf("it holds %v", rows)
	}
}

func TestClient_ABrokenStreamIsLeft(t *testing.T) {
	for name, bad := range map[string][]wire.ServerFrame{
		"a hole":                  {wire.Delta{From: 3, To: 3}},
		"an ack before its delta": {wire.Ack{Mid: 1, Seq: 2}},
		"ready twice":             {wire.Ready{Epoch: "e1", Seq: 1, Mode: wire.ModeLive}},
		"a part too many":         {wire.Snap{Seq: 1, I: 1, Last: true}},
		"a turn from the middle":  {wire.Turn{TurnEvent: tandem.TurnEvent{Turn: "t", N: 2, Ev: tandem.TurnEvText}}},
		"a hole in a turn": {
			wire.Turn{TurnEvent: tandem.TurnEvent{Turn: "t", N: 1, Ev: tandem.TurnEvStart}},
			wire.Turn{TurnEvent: tandem.TurnEvent{Turn: "t", N: 3, Ev: tandem.TurnEvText}},
		},
	} {
		t.Run(name, func(t *testing.T) {
			hello := make(chan wire.Hello, 2)
			s := newServer(t, func(n int64, c *conn) {
				hello <- c.welcome(0)
				if n == 1 {
					c.send(bad...)
				}
				c.rest()
			})
			run(t, s)
			<-hello
			if h := <-hello; h.Seq != nil || len(h.Turns) != 0 {
				t.Errorf("after a broken stream it came back with %+v, want to be told everything", h)
			}
		})
	}
}

func TestClient_EndsAtTerminalCodes(t *testing.T) {
	for _, code := range wire.Closes {
		if !code.Terminal() {
			continue
		}
		s := newServer(t, func(_ int64, c *conn) {
			c.welcome(0)
			c.close(code)
		})
		_, ended := run(t, s)
		closed, ok := errors.AsType[*Closed](<-ended)
		if !ok || closed.Code != code || s.conns.Load() != 1 {
			t.Errorf("after %d it ended with %v and %d connections", code, closed, s.conns.Load())
		}
	}
}

func TestClient_AsksForAFreshTokenWhereOneHelps(t *testing.T) {
	var fresh atomic.Int64
	s := newServer(t, func(n int64, c *conn) {
		if c.welcome(0); n < 3 {
			c.close(wire.CloseToken)
		}
		c.rest()
	})
	c, _ := run(t, s, func(o *Options) {
		o.Token = func(_ context.Context, again bool) (string, error) {
			if again {
				fresh.Add(1)
			}
			return "good", nil
		}
	})
	if err := c.Await(within(t), func(r *Replica) bool { return r.CaughtUp() && s.conns.Load() == 3 }); err != nil {
		t.Fatal(err)
	}
	if fresh.Load() != 2 {
		t.Errorf("after two expiries a fresh token was asked for %d times", fresh.Load())
	}
}

func TestClient_RefusedTwiceIsRefused(t *testing.T) {
	s := newServer(t, func(int64, *conn) {})
	_, ended := run(t, s, func(o *Options) {
		o.Token = func(context.Context, bool) (string, error) { return "refused", nil }
	})
	refused, ok := errors.AsType[*Refused](<-ended)
	if !ok || refused.Status != http.StatusUnauthorized || s.conns.Load() != 2 {
		t.Errorf("it ended with %v after %d tries, want 401 after 2", refused, s.conns.Load())
	}
}

func TestClient_RenewsItsTokenInBand(t *testing.T) {
	got := make(chan wire.Auth, 1)
	s := newServer(t, func(_ int64, c *conn) {
		c.welcome(0)
		c.send(wire.AuthNotice{In: 60})
		if a, ok := c.read().(wire.Auth); ok {
			got <- a
		}
		c.rest()
	})
	run(t, s, func(o *Options) {
		o.Token = func(_ context.Context, fresh bool) (string, error) {
			if fresh {
				return "fresh", nil
			}
			return "good", nil
		}
	})
	if a := <-got; a.Token != "fresh" {
		t.Errorf("it renewed with %q", a.Token)
	}
}

func TestClient_WaitsAsLongAsItIsAsked(t *testing.T) {
	s := newServer(t, func(n int64, c *conn) {
		c.welcome(0)
		if n == 1 {
			c.send(wire.Bye{Code: wire.ByeDrain, RetryMS: 77})
			c.close(wire.CloseRestart)
		}
		c.rest()
	})
	links := make(chan Link, 10)
	run(t, s, func(o *Options) { o.OnLink = func(l Link) { links <- l } })
	if l := <-links; !l.Live {
		t.Errorf("the first link is %+v", l)
	}
	if l := <-links; l.Live || l.Retry != 77*time.Millisecond {
		t.Errorf("after bye with retry_ms 77 the link is %+v", l)
	}
	if l := <-links; !l.Live {
		t.Errorf("the last link is %+v", l)
	}
}

func TestClient_LeavesASilentServer(t *testing.T) {
	asked, back := make(chan struct{}, 10), make(chan struct{}, 10)
	s := newServer(t, func(n int64, c *conn) {
		c.read()
		c.send(wire.Ready{Epoch: "e1", Seq: 0, Mode: wire.ModeSnapshot, HB: 10}, wire.Snap{Last: true, Rows: map[tandem.Kind][]json.RawMessage{}})
		if _, ok := c.read().(wire.Sync); ok && n == 1 {
			asked <- struct{}{}
		}
		if n > 1 {
			back <- struct{}{}
		}
		c.rest()
	})
	run(t, s, func(o *Options) { o.Silence = 20 * time.Millisecond })
	<-asked
	select {
	case <-back:
	case <-within(t).Done():
		t.Fatal("it stays with a server that says nothing")
	}
}

func TestMutate_IsSentAgainUntilItIsAnswered(t *testing.T) {
	seen := make(chan wire.Mutate, 10)
	s := newServer(t, func(n int64, c *conn) {
		c.welcome(0)
		m, ok := c.read().(wire.Mutate)
		if !ok {
			return
		}
		seen <- m
		if n == 1 {
			return // the answer is lost
		}
		c.send(wire.Ack{Mid: m.Mid, Seq: 1, Result: json.RawMessage(`{"ok":true}`)})
		c.rest()
	})
	c, _ := run(t, s)
	a, err := c.Mutate(within(t), "add_task", map[string]any{"title": "Milk"})
	if err != nil || string(a.Result) != `{"ok":true}` || a.Seq != 1 || c.Pending() != 0 {
		t.Fatalf("got %+v, %v, with %d pending", a, err, c.Pending())
	}
	first, second := <-seen, <-seen
	if first.Mid != second.Mid || string(first.Args) != string(second.Args) {
		t.Errorf("it was sent as %s, then as %s", first.Args, second.Args)
	}
	var args struct {
		OpID string `json:"op_id"`
	}
	if err := json.Unmarshal(first.Args, &args); err != nil || args.OpID == "" {
		t.Errorf("args %s name no operation", first.Args)
	}
}

func TestMutate_FinalRefusalIsAnError(t *testing.T) {
	s := newServer(t, func(_ int64, c *conn) {
		c.welcome(0)
		c.read()
		c.send(wire.Nack{Mid: 1, Code: wire.CodeInvalid, Msg: "A task needs a title."})
		c.rest()
	})
	c, _ := run(t, s)
	_, err := c.Mutate(within(t), "add_task", struct{}{})
	if e, ok := errors.AsType[*Error](err); !ok || e.Code != wire.CodeInvalid {
		t.Errorf("got %v, want invalid", err)
	}
}

func TestMutate_PostponedOnesComeAgainInOrder(t *testing.T) {
	var mu sync.Mutex
	var order []int64 // a repetition may still come when all are answered
	s := newServer(t, func(_ int64, c *conn) {
		c.welcome(0)
		refused, next := false, int64(1)
		for {
			m, ok := c.read().(wire.Mutate)
			switch {
			case !ok:
				return
			case m.Mid == 2 && !refused:
				refused = true
				c.send(wire.Nack{Mid: 2, Code: wire.CodeRate, RetryMS: 5})
			case m.Mid > next:
				c.send(wire.Nack{Mid: m.Mid, Code: wire.CodeMidGap})
			default:
				next = max(next, m.Mid+1)
				mu.Lock()
				order = append(order, m.Mid)
				mu.Unlock()
				c.send(wire.Ack{Mid: m.Mid, Seq: 1, Result: json.RawMessage(`{}`)})
			}
		}
	})
	c, _ := run(t, s)
	var group sync.WaitGroup
	for range 20 {
		group.Go(func() {
			if _, err := c.Mutate(within(t), "list_tasks", struct{}{}); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	mu.Lock()
	defer mu.Unlock()
	done := map[int64]bool{}
	for _, mid := range order {
		if mid > 1 && !done[mid-1] {
			t.Errorf("%d was carried out before %d", mid, mid-1)
		}
		done[mid] = true
	}
	if len(done) != 20 {
		t.Errorf("%d of 20 were carried out", len(done))
	}
}

func TestMutate_AtMostEightAreUnderWay(t *testing.T) {
	most := make(chan int, 1)
	s := newServer(t, func(_ int64, c *conn) {
		c.welcome(0)
		count := 0
		for range window {
			if _, ok := c.read().(wire.Mutate); ok {
				count++
			}
		}
		c.send(wire.Heartbeat{Seq: 99}) // asks for a sync: whatever else is under way comes before it
		if _, ok := c.read().(wire.Sync); !ok {
			count++
		}
		most <- count
		for mid := range int64(window) {
			c.send(wire.Ack{Mid: mid + 1, Seq: 1, Result: json.RawMessage(`{}`)})
		}
		for m, ok := c.read().(wire.Mutate); ok; m, ok = c.read().(wire.Mutate) {
			c.send(wire.Ack{Mid: m.Mid, Seq: 1, Result: json.RawMessage(`{}`)})
		}
	})
	c, _ := run(t, s)
	if err := c.AwaitSeq(within(t), 1); err != nil {
		t.Fatal(err)
	}
	ctx := within(t)
	var group sync.WaitGroup
	for range 30 {
		group.Go(func() {
			if _, err := c.Mutate(ctx, "list_tasks", struct{}{}); err != nil {
				t.Error(err)
			}
		})
	}
	if got := <-most; got != window {
		t.Errorf("%d mutations were under way, want %d", got, window)
	}
	group.Wait()
}

func TestMutate_OurServersFailureIsGivenUp(t *testing.T) {
	var tries atomic.Int64
	s := newServer(t, func(_ int64, c *conn) {
		c.welcome(0)
		for {
			m, ok := c.read().(wire.Mutate)
			if !ok {
				return
			}
			if m.Tool == "add_task" {
				tries.Add(1)
				c.send(wire.Nack{Mid: m.Mid, Code: wire.CodeInternal, RetryMS: 1})
				continue
			}
			c.send(wire.Ack{Mid: m.Mid, Seq: 1, Result: json.RawMessage(`{}`)})
		}
	})
	c, _ := run(t, s)
	if _, err := c.Mutate(within(t), "add_task", struct{}{}); err == nil || tries.Load() != maxInternal {
		t.Errorf("got %v after %d tries, want an error after %d", err, tries.Load(), maxInternal)
	}
	if _, err := c.Mutate(within(t), "list_tasks", struct{}{}); err != nil {
		t.Errorf("the next one: %v", err)
	}
}

func TestLine_Renumbers(t *testing.T) {
	for name, tc := range map[string]struct {
		ever    []bool // of three mutations with mids 4, 5, 6
		settled int64
		want    []int64
	}{
		"nothing settled meanwhile": {[]bool{true, true, false}, 3, []int64{4, 5, 6}},
		"the answer was lost":       {[]bool{true, true, false}, 4, []int64{4, 5, 6}},
		"the server forgot some":    {[]bool{true, false, false}, 1, []int64{2, 3, 4}},
		"another used the numbers":  {[]bool{false, false, false}, 9, []int64{10, 11, 12}},
	} {
		l := line{last: 6}
		for i, ever := range tc.ever {
			l.items = append(l.items, &pending{mid: int64(4 + i), ever: ever, sent: ever})
		}
		l.reconnected(tc.settled)
		var got []int64
		for _, p := range l.items {
			got = append(got, p.mid)
			if p.sent {
				t.Errorf("%s: %d counts as sent on a new connection", name, p.mid)
			}
		}
		if !slices.Equal(got, tc.want) || l.last != max(tc.want[2], tc.settled) {
			t.Errorf("%s: the mids are %v up to %d, want %v", name, got, l.last, tc.want)
		}
	}
}

func TestBackoff_IsBoundedAndSpread(t *testing.T) {
	c := New(Options{})
	for attempt := range 80 {
		limit := min(30*time.Second, 500*time.Millisecond<<min(attempt, 10))
		for range 20 {
			if d := c.backoff(attempt); d < 0 || d > limit {
				t.Fatalf("the wait after %d tries is %v, want at most %v", attempt, d, limit)
			}
		}
	}
}

func TestQuestions(t *testing.T) {
	s := newServer(t, func(_ int64, c *conn) {
		c.welcome(0)
		for {
			switch f := c.read().(type) {
			case nil:
				return
			case wire.Parse:
				c.send(wire.Parsed{ID: f.ID, Title: f.Text})
			case wire.History:
				c.send(wire.Err{Code: wire.CodeNotFound, Ref: f.ID.String()})
			}
		}
	})
	c, _ := run(t, s)
	if _, err := New(Options{}).Parse(t.Context(), "x", "UTC"); !errors.Is(err, ErrOffline) {
		t.Errorf("without a connection: %v", err)
	}
	if err := c.AwaitSeq(within(t), 1); err != nil {
		t.Fatal(err)
	}
	if p, err := c.Parse(within(t), "milk", "UTC"); err != nil || p.Title != "milk" {
		t.Errorf("parsed is %+v, %v", p, err)
	}
	if _, err := c.History(within(t), 1, ""); err == nil {
		t.Error("the history of nothing is no error")
	}
}
