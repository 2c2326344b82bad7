package session

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/coder/websocket"
	"golang.org/x/time/rate"

	"tandem"
	"tandem/sync/hub"
	"tandem/sync/wire"
)

// Timing holds every duration of a connection. Zero fields take the default in brackets.
type Timing struct {
	Hello     time.Duration // until hello is due [10 s]
	Write     time.Duration // a write may block [10 s]
	Heartbeat time.Duration // between heartbeats; the first one comes at random within it [25 s]
	Alive     time.Duration // an unanswered ping proves the connection dead after [2 min]
	Warn      time.Duration // before its expiry the token is asked for [60 s]
	Grace     time.Duration // after its expiry the connection ends [25 s]
	MinAge    time.Duration // a connection lives at least [1 h]
	MaxAge    time.Duration // and at most [4 h]
	Drain     time.Duration // over which a drain is spread at most [20 s]
	Close     time.Duration // to wait for the other side's close frame [2 s]
	Call      time.Duration // that one request of a client may take [30 s]
}

func (t Timing) filled() Timing {
	for _, f := range []struct {
		field *time.Duration
		value time.Duration
	}{
		{&t.Hello, 10 * time.Second},
		{&t.Write, 10 * time.Second},
		{&t.Heartbeat, 25 * time.Second},
		{&t.Alive, 2 * time.Minute},
		{&t.Warn, time.Minute},
		{&t.Grace, 25 * time.Second},
		{&t.MinAge, time.Hour},
		{&t.MaxAge, 4 * time.Hour},
		{&t.Drain, 20 * time.Second},
		{&t.Close, 2 * time.Second},
		{&t.Call, 30 * time.Second},
	} {
		if *f.field == 0 {
			*f.field = f.value
		}
	}
	return t
}

// Limits of one process and user, messages a second and at once, and how much beyond that is refused before the connection
// ends. Zero fields take the default in brackets.
type Limits struct {
	Sockets int // of a user [16]
	Rate    int // [20]
	Burst   int // [40]
	Strikes int // [200]
	Opening int // new connections a second; five times as many at once [500]
}

func (l Limits) filled() Limits {
	for _, f := range []struct {
		field *int
		value int
	}{{&l.Sockets, 16}, {&l.Rate, 20}, {&l.Burst, 40}, {&l.Strikes, 200}, {&l.Opening, 500}} {
		if *f.field == 0 {
			*f.field = f.value
		}
	}
	return l
}

// Options configure a Server. The ports are needed, except for Seats.
type Options struct {
	Hub       *hub.Hub
	Tools     Tools
	Mids      Mids
	Settings  Settings
	History   History
	Assistant Assistant
	Seats     Seats // nil: there is no other process
	Parse     Parser
	Verify    Verifier
	PublicURL string // in front of the calendar feed's path; empty: the path alone is told
	// WebhookKey gives the key that signs the calls to a person's webhook, for the person to be told; nil: calls are not made.
	WebhookKey func(tandem.UserID) string
	PushKey    string // public key of web push, for browsers to subscribe with; empty: there is no web push
	Timing     Timing
	Limits     Limits
	Metrics    Metrics
	Log        *slog.Logger     // default: none
	Now        func() time.Time // default: time.Now
	NewID      func() string    // default: tandem.NewID
}

// Server serves connections.
type Server struct {
	o     Options
	admit *rate.Limiter

	mu       sync.Mutex
	users    map[tandem.UserID]int
	sessions map[*session]struct{}
	draining bool
	group    sync.WaitGroup
}

// New makes a server; it starts nothing.
func New(o Options) *Server {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.NewID == nil {
		o.NewID = tandem.NewID
	}
	o.Timing, o.Limits, o.Metrics = o.Timing.filled(), o.Limits.filled(), o.Metrics.filled()
	return &Server{
		o: o, admit: rate.NewLimiter(rate.Limit(o.Limits.Opening), 5*o.Limits.Opening),
		users: map[tandem.UserID]int{}, sessions: map[*session]struct{}{},
	}
}

// Serve upgrades the request and lives the connection until it has ended. The caller has verified the token against the
// path, and the Origin.
func (s *Server) Serve(w http.ResponseWriter, r *http.Request, p Principal) {
	if !p.may(tandem.ScopeRead) {
		refuse(w, http.StatusForbidden, "forbidden", "This token does not hold the scope tasks:read.")
		return
	}
	if !s.admit.Allow() {
		s.o.Metrics.Limited(LimitAdmission)
		w.Header().Set("Retry-After", "1")
		refuse(w, http.StatusServiceUnavailable, "overload", "Too many connections are being opened.")
		return
	}
	c, within, ok := s.enter(p)
	if !ok {
		w.Header().Set("Retry-After", "1")
		refuse(w, http.StatusServiceUnavailable, "overload", "This server is shutting down.")
		return
	}
	defer s.exit(c)
	if within && s.o.Seats != nil {
		var free func()
		free, within = s.o.Seats.Take(r.Context(), p.User, s.o.Limits.Sockets)
		defer free()
	}
	conn, ws, err := c.accept(w, r)
	if err != nil {
		return // the answer is written, and whose fault it is stands in it
	}
	c.use(conn, ws)
	s.o.Metrics.Connections(1)
	defer s.o.Metrics.Connections(-1)
	if !within {
		s.o.Metrics.Limited(LimitSockets)
		s.o.Metrics.Closed(int(c.close(wire.CloseTooMany)))
		return
	}
	s.o.Metrics.Closed(int(c.run(r.Context())))
}

// enter registers a connection; within tells whether the user may have one more, ok whether the server takes any.
func (s *Server) enter(p Principal) (c *session, within, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.draining {
		return nil, false, false
	}
	c = newSession(s, p)
	s.users[p.User]++
	s.sessions[c] = struct{}{}
	s.group.Add(1)
	return c, s.users[p.User] <= s.o.Limits.Sockets, true
}

func (s *Server) exit(c *session) {
	s.mu.Lock()
	defer s.mu.Unlock()
	user := c.principal().User
	if s.users[user]--; s.users[user] == 0 {
		delete(s.users, user)
	}
	delete(s.sessions, c)
	s.group.Done()
}

// drainStep is how far apart two goodbyes are, unless there are so many that Timing.Drain would not do.
const drainStep = 20 * time.Millisecond

// Drain takes no new connections, ends the open ones one after the other, and waits until the last has ended or ctx does.
func (s *Server) Drain(ctx context.Context) error {
	open := s.stop()
	step := min(drainStep, s.o.Timing.Drain/time.Duration(max(len(open), 1)))
	ticker := time.NewTicker(max(step, 1))
	defer ticker.Stop()
	for _, c := range open {
		bye := wire.Bye{Code: wire.ByeDrain, RetryMS: 500 + rand.Int64N(1500)}
		c.finish(hub.End{Close: wire.CloseRestart, Bye: &bye})
		tandem.FaultPoint("drain.mid")
		select {
		case <-ticker.C:
		case <-ctx.Done():
		}
	}
	return s.wait(ctx)
}

// stop refuses new connections and lists the open ones.
func (s *Server) stop() []*session {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.draining = true
	open := make([]*session, 0, len(s.sessions))
	for c := range s.sessions {
		open = append(open, c)
	}
	return open
}

func (s *Server) wait(ctx context.Context) error {
	done := make(chan struct{})
	go func() {
		s.group.Wait()
		close(done)
	}()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
	}
	for _, c := range s.stop() {
		c.drop()
	}
	<-done
	return fmt.Errorf("drain connections: %w", ctx.Err())
}

// accept upgrades and captures the connection beneath, whose deadlines bound reads and writes: a deadline in a context
// costs allocations for each frame and ends the connection where the context does.
func (c *session) accept(w http.ResponseWriter, r *http.Request) (net.Conn, *websocket.Conn, error) {
	capture := &captured{ResponseWriter: w}
	ws, err := websocket.Accept(capture, r, &websocket.AcceptOptions{
		Subprotocols:       []string{wire.Subprotocol},
		InsecureSkipVerify: true, // the caller has checked the Origin, more strictly than this option would
		CompressionMode:    websocket.CompressionDisabled,
		OnPingReceived:     c.pinged,
	})
	if err != nil {
		return nil, nil, err
	}
	ws.SetReadLimit(wire.MaxFrame)
	return capture.conn, ws, nil
}

// captured keeps the connection that an upgrade takes over.
type captured struct {
	http.ResponseWriter
	conn net.Conn
}

// Unwrap lets http.ResponseController reach what is beneath.
func (c *captured) Unwrap() http.ResponseWriter { return c.ResponseWriter }
