package session_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/coder/websocket"
	"go.uber.org/goleak"

	"tandem"
	"tandem/agent/tools"
	"tandem/server/inproc"
	"tandem/server/sqlite"
	"tandem/sync/client"
	"tandem/sync/hub"
	"tandem/sync/session"
	"tandem/sync/wire"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// patience bounds every wait of a test.
const patience = 20 * time.Second

// world is a server on the real store, with real tools, and channels that can be made unreliable.
type world struct {
	t         testing.TB
	db        *sqlite.DB
	channels  *inproc.Channels
	hub       *hub.Hub
	sessions  *session.Server
	assistant *assistant
	http      *httptest.Server
	net       *network
	counts    *counts

	mu         sync.Mutex
	principals map[string]session.Principal // by token
}

// counts is what the hub told its metrics.
type counts struct {
	mu        sync.Mutex
	resumed   map[string]int
	gaps      map[string]int
	closed    chan int // the codes of the first connections that ended
	fills     int
	conflated int
}

// network is a listener whose connections can be cut.
type network struct {
	net.Listener

	mu    sync.Mutex
	conns map[net.Conn]struct{}
	life  func() int // of the next connection, in writes; nil: it breaks only when it is cut
}

// breakAfter makes every further connection break in the middle of a write, after as many whole ones as life tells. Nil ends that.
func (n *network) breakAfter(life func() int) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.life = life
}

// frail is a connection that breaks.
type frail struct {
	net.Conn

	left int // whole writes; the server writes one at a time
}

func (f *frail) Write(p []byte) (int, error) {
	if f.left--; f.left >= 0 {
		return f.Conn.Write(p)
	}
	_, _ = f.Conn.Write(p[:len(p)/2])
	_ = f.Close()
	return 0, net.ErrClosed
}

func (n *network) Accept() (net.Conn, error) {
	c, err := n.Listener.Accept()
	if err != nil {
		return nil, err
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.life != nil {
		c = &frail{Conn: c, left: n.life()}
	}
	n.conns[c] = struct{}{}
	return c, nil
}

// cut ends every connection without a word.
func (n *network) cut() {
	n.mu.Lock()
	defer n.mu.Unlock()
	for c := range n.conns {
		_ = c.Close()
	}
	clear(n.conns)
}

type option func(*world, *hub.Options, *session.Options)

func timing(t session.Timing) option {
	return func(_ *world, _ *hub.Options, o *session.Options) { o.Timing = t }
}

func limits(l session.Limits) option {
	return func(_ *world, _ *hub.Options, o *session.Options) { o.Limits = l }
}

func faults(f *inproc.Faults) option {
	return func(w *world, _ *hub.Options, _ *session.Options) { w.channels.Faults = f }
}

func checks(every time.Duration) option {
	return func(_ *world, o *hub.Options, _ *session.Options) { o.Check = every }
}

func newWorld(tb testing.TB, options ...option) *world {
	tb.Helper()
	w := &world{
		t: tb, channels: &inproc.Channels{}, principals: map[string]session.Principal{},
		counts: &counts{resumed: map[string]int{}, gaps: map[string]int{}, closed: make(chan int, 1000)},
	}
	db, err := sqlite.Open(tb.Context(), filepath.Join(tb.TempDir(), "tandem.db"), sqlite.Options{})
	if err != nil {
		tb.Fatal(err)
	}
	w.db = db
	w.assistant = &assistant{world: w, turns: map[string]tandem.Turn{}, tools: map[string][]tandem.TurnTool{}}
	ho := hub.Options{Channel: w.channels, Store: db, Turns: w.assistant, Metrics: w.metrics()}
	toolbox := tools.New(tools.Options{Store: db, Limits: tools.Limits{Reads: 1e6, Writes: 1e6, WriteBurst: 1e6}})
	so := session.Options{
		Tools: toolPort{toolbox}, Mids: db, Settings: db, History: db, Assistant: w.assistant, Parse: parse, Verify: w.verify,
		PublicURL: "https://tandem.example",
		Metrics: session.Metrics{Closed: func(code int) {
			select {
			case w.counts.closed <- code:
			default:
			}
		}},
	}
	for _, o := range options {
		o(w, &ho, &so)
	}
	w.hub = hub.New(ho)
	so.Hub = w.hub
	w.sessions = session.New(so)
	db.OnCommit = func(d tandem.Delta) {
		if err := w.hub.Publish(context.Background(), tandem.Signal{User: d.User, Delta: &d}); err != nil {
			tb.Error(err)
		}
	}
	w.http = httptest.NewUnstartedServer(http.HandlerFunc(w.serve))
	w.net = &network{Listener: w.http.Listener, conns: map[net.Conn]struct{}{}}
	w.http.Listener = w.net
	w.http.Start()
	w.run()
	return w
}

// run runs the hub until the test ends, and then takes everything down in order.
func (w *world) run() {
	ctx, cancel := context.WithCancel(w.t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		if err := w.hub.Run(ctx); err != nil {
			w.t.Error(err)
		}
	}()
	w.t.Cleanup(func() {
		ctx, stop := context.WithTimeout(context.Background(), patience)
		defer stop()
		if err := w.sessions.Drain(ctx); err != nil {
			w.t.Error(err)
		}
		w.http.Close()
		w.http.Client().CloseIdleConnections()
		http.DefaultClient.CloseIdleConnections()
		cancel()
		<-done
		if err := w.db.Close(); err != nil {
			w.t.Error(err)
		}
	})
}

func (w *world) metrics() hub.Metrics {
	c := w.counts
	return hub.Metrics{
		Gap:       func(src string) { c.mu.Lock(); c.gaps[src]++; c.mu.Unlock() },
		Filled:    func(int) { c.mu.Lock(); c.fills++; c.mu.Unlock() },
		Conflated: func() { c.mu.Lock(); c.conflated++; c.mu.Unlock() },
		Resumed:   func(mode, why string) { c.mu.Lock(); c.resumed[strings.TrimSpace(mode+" "+why)]++; c.mu.Unlock() },
	}
}

func (w *world) serve(rw http.ResponseWriter, r *http.Request) {
	p, err := w.verify(r.Context(), strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer "))
	if err != nil {
		http.Error(rw, "", http.StatusUnauthorized)
		return
	}
	w.sessions.Serve(rw, r, p)
}

func (w *world) verify(_ context.Context, token string) (session.Principal, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	p, ok := w.principals[token]
	if !ok {
		return p, tandem.Forbidden("token", "no such token")
	}
	return p, nil
}

// token makes a credential of p.
func (w *world) token(p session.Principal) string {
	w.mu.Lock()
	defer w.mu.Unlock()
	token := fmt.Sprintf("token-%d", len(w.principals))
	w.principals[token] = p
	return token
}

// program makes an access token in the store and gives its principal; nil scopes are all.
func (w *world) program(user tandem.UserID, id string, scopes []string) session.Principal {
	w.t.Helper()
	if scopes == nil {
		scopes = []string{"tasks:read", "tasks:write", "tasks:delete"}
	}
	info := tandem.TokenInfo{ID: id, Name: "script", Scopes: scopes, CreatedAt: tandem.Stamp(time.Now())}
	_, err := w.db.Set(w.t.Context(), user, tandem.SetEdit{
		Cause: tandem.Cause{Actor: tandem.ActorUser}, AddToken: &tandem.NewToken{Info: info, Hash: "hash of " + id},
	})
	if err != nil {
		w.t.Fatal(err)
	}
	return session.Principal{User: user, Program: true, TokenID: id, Scopes: scopes}
}

func (w *world) snapshot(user tandem.UserID) tandem.Snapshot {
	w.t.Helper()
	s, err := w.db.Snapshot(w.t.Context(), user)
	if err != nil {
		w.t.Fatal(err)
	}
	return s
}

// edit changes the list behind the sockets' backs.
func (w *world) edit(user tandem.UserID, tool string, args any) json.RawMessage {
	w.t.Helper()
	raw, err := json.Marshal(args)
	if err != nil {
		w.t.Fatal(err)
	}
	result, err := w.sessionsTools().Call(w.t.Context(), session.Caller{User: user}, tool, raw)
	if err != nil {
		w.t.Fatalf("%s %s: %v", tool, raw, err)
	}
	return result
}

func (w *world) sessionsTools() session.Tools {
	return toolPort{tools.New(tools.Options{Store: w.db, Limits: tools.Limits{Reads: 1e6, Writes: 1e6, WriteBurst: 1e6}})}
}

// toolPort puts the toolbox behind the session's port, as the program does.
type toolPort struct{ *tools.Toolbox }

func (p toolPort) Call(ctx context.Context, c session.Caller, tool string, args json.RawMessage) (json.RawMessage, error) {
	kind := tools.Person
	if c.Program {
		kind = tools.Program
	}
	res, err := p.Toolbox.Call(ctx, tools.Caller{
		User: c.User, Kind: kind, Scopes: c.Scopes, IfVersion: c.IfVersion,
		Cause: tandem.Cause{Actor: tandem.ActorUser, Caller: c.Client, Client: c.Client, Mid: c.Mid},
	}, tool, args)
	return res.Structured, err
}

// parse reads one word: tomorrow.
func parse(_ tandem.Settings, text string, zone *time.Location, now time.Time) wire.Parsed {
	p := wire.Parsed{Title: text}
	if at := strings.Index(text, "tomorrow"); at >= 0 {
		p.Spans = []wire.Span{{S: at, E: at + len("tomorrow"), K: "due", V: "tomorrow", Conf: 1}}
		p.Due = &wire.ParsedDue{Date: now.In(zone).AddDate(0, 0, 1).Format(time.DateOnly)}
	}
	return p
}

// raw is a socket in the test's own hands.
type raw struct {
	t  testing.TB
	ws *websocket.Conn
}

// dial opens a socket without a word.
func (w *world) dial(p session.Principal) *raw {
	w.t.Helper()
	ws, resp, err := websocket.Dial(w.t.Context(), w.http.URL+"/api/x/ws", &websocket.DialOptions{
		HTTPHeader: http.Header{"Authorization": {"Bearer " + w.token(p)}}, Subprotocols: []string{wire.Subprotocol},
	})
	if err != nil {
		w.t.Fatalf("dial: %v (%v)", err, resp)
	}
	ws.SetReadLimit(1 << 26)
	w.t.Cleanup(func() { _ = ws.CloseNow() })
	return &raw{w.t, ws}
}

// greet opens a socket and reads it up to where it is live.
func (w *world) greet(p session.Principal, h wire.Hello) (*raw, wire.Ready) {
	w.t.Helper()
	r := w.dial(p)
	r.send(h)
	ready := expect[wire.Ready](r)
	if ready.Mode == wire.ModeSnapshot {
		for !expect[wire.Snap](r).Last {
			continue
		}
	}
	return r, ready
}

func hello() wire.Hello { return wire.Hello{Client: tandem.NewID(), Ver: 1, Caps: []string{}} }

func (r *raw) send(f wire.ClientFrame) { r.text(string(wire.EncodeClient(f))) }

func (r *raw) text(s string) {
	r.t.Helper()
	if err := r.ws.Write(r.t.Context(), websocket.MessageText, []byte(s)); err != nil {
		r.t.Fatalf("write: %v", err)
	}
}

// next reads the next frame; the error is that of the closed connection.
func (r *raw) next() (wire.ServerFrame, error) {
	r.t.Helper()
	ctx, cancel := context.WithTimeout(r.t.Context(), patience)
	defer cancel()
	_, data, err := r.ws.Read(ctx)
	if err != nil {
		return nil, err
	}
	f, err := wire.DecodeServer(data)
	if err != nil {
		r.t.Fatal(err)
	}
	return f, nil
}

// expect reads up to the next frame of kind F.
func expect[F wire.ServerFrame](r *raw) F {
	r.t.Helper()
	for {
		f, err := r.next()
		if err != nil {
			var want F
			r.t.Fatalf("waiting for %T: %v", want, err)
		}
		if f, ok := f.(F); ok {
			return f
		}
	}
}

// closes reads up to the end and gives its code.
func (r *raw) closes() wire.Close {
	r.t.Helper()
	for {
		if _, err := r.next(); err != nil {
			return wire.Close(websocket.CloseStatus(err))
		}
	}
}

// device connects a client that stays until the test ends.
func (w *world) device(user tandem.UserID, change ...func(*client.Options)) *client.Client {
	w.t.Helper()
	c, _ := w.connect(w.t.Context(), user, change...)
	return c
}

// connect runs a client until ctx ends or stop is called.
func (w *world) connect(ctx context.Context, user tandem.UserID, change ...func(*client.Options)) (c *client.Client, stop func()) {
	w.t.Helper()
	token := w.token(session.Principal{User: user})
	o := client.Options{
		Server: w.http.URL, User: user, Backoff: time.Millisecond, MaxBackoff: 20 * time.Millisecond,
		Token: func(context.Context, bool) (string, error) { return token, nil },
	}
	for _, f := range change {
		f(&o)
	}
	c = client.New(o)
	ctx, cancel := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		if err := c.Run(ctx); err != nil {
			w.t.Errorf("device of %s: %v", user, err)
		}
	}()
	stop = func() {
		cancel()
		<-done
	}
	w.t.Cleanup(stop)
	return c, stop
}

func (w *world) within() (context.Context, context.CancelFunc) {
	return context.WithTimeout(w.t.Context(), patience)
}

// mutate runs a mutation that is to succeed.
func (w *world) mutate(c *client.Client, tool string, args any) client.Answer {
	w.t.Helper()
	ctx, cancel := w.within()
	defer cancel()
	a, err := c.Mutate(ctx, tool, args)
	if err != nil {
		w.t.Fatalf("%s %v: %v", tool, args, err)
	}
	return a
}

// agrees waits until the client holds exactly what the database holds.
func (w *world) agrees(user tandem.UserID, c *client.Client) {
	w.t.Helper()
	want := w.snapshot(user)
	ctx, cancel := w.within()
	defer cancel()
	if err := c.AwaitSeq(ctx, want.Seq); err != nil {
		w.t.Fatalf("a device of %s is at %d, the database at %d: %v", user, c.Replica().Seq, want.Seq, err)
	}
	if diff := difference(c.Replica(), want); diff != "" {
		w.t.Fatalf("a device of %s differs from the database at %d: %s", user, want.Seq, diff)
	}
}

// difference compares what a client holds with a snapshot. What a client keeps beyond it, it may keep.
func difference(r *client.Replica, want tandem.Snapshot) string {
	other := client.NewReplica()
	_ = other.Ready(wire.Ready{Mode: wire.ModeSnapshot})
	if err := other.Snap(wire.Snap{Seq: want.Seq, Last: true, Rows: want.Rows}); err != nil {
		return err.Error()
	}
	for kind, rows := range other.Rows {
		for id, row := range rows {
			if got := r.Rows[kind][id]; string(got) != string(row) {
				return fmt.Sprintf("%s %s is\n%s, want\n%s", kind, id, got, row)
			}
		}
	}
	for kind, rows := range r.Rows {
		for id, row := range rows {
			if other.Rows[kind][id] == nil && !isGone(row) {
				return fmt.Sprintf("%s %s should not be there: %s", kind, id, row)
			}
		}
	}
	return ""
}

func isGone(row json.RawMessage) bool {
	var r struct {
		DeletedAt *string `json:"deleted_at"`
	}
	return json.Unmarshal(row, &r) == nil && r.DeletedAt != nil
}
