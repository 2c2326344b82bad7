package session

import (
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"time"
	"unicode/utf8"

	"github.com/coder/websocket"
	"golang.org/x/time/rate"

	"tandem"
	"tandem/sync/hub"
	"tandem/sync/wire"
)

// lineLength is how many frames may wait for the worker.
const lineLength = 64

// lost is what a connection that ended without a close frame is counted as.
const lost wire.Close = 1006

// session is one connection.
type session struct {
	*Server
	conn    net.Conn
	ws      *websocket.Conn
	client  string
	member  *hub.Member
	line    chan job
	last    atomic.Int64 // settled mid; moved on by the worker alone
	later   later
	renewed chan struct{} // tells the writer that the token is another
	allow   *rate.Limiter
	strikes *rate.Limiter
	pinging sync.Mutex // held while a ping is unanswered
	pings   sync.WaitGroup

	mu  sync.Mutex
	p   Principal
	end *hub.End // asked for before there was a member
}

// job is a frame that waits for the worker.
type job struct {
	frame wire.ClientFrame
	read  time.Time
}

func newSession(s *Server, p Principal) *session {
	return &session{
		Server: s, p: p, line: make(chan job, lineLength), renewed: make(chan struct{}, 1),
		allow:   rate.NewLimiter(rate.Limit(s.o.Limits.Rate), s.o.Limits.Burst),
		strikes: rate.NewLimiter(rate.Limit(s.o.Limits.Rate)/2, s.o.Limits.Strikes),
	}
}

func (c *session) principal() Principal {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.p
}

// run lives the connection and gives the code it ended with.
func (c *session) run(ctx context.Context) wire.Close {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	if code, ok := c.greet(ctx); !ok {
		return c.close(code)
	}
	defer c.member.Leave()
	var group sync.WaitGroup
	var written wire.Close
	group.Go(func() {
		defer cancel()
		written = c.write(ctx)
	})
	group.Go(func() { c.work(ctx) })
	code := c.read(ctx)
	if code != 0 {
		cancel()
	}
	group.Wait()
	c.pings.Wait()
	switch {
	case written != 0:
		return written
	case code == 0:
		code = lost
	}
	return c.close(code)
}

// greet waits for hello, takes the connection into its room and answers ready. Where it fails, it gives the code to close
// with.
func (c *session) greet(ctx context.Context) (wire.Close, bool) {
	deadline := c.o.Now().Add(c.o.Timing.Hello)
	c.deadline(c.conn.SetReadDeadline, c.o.Timing.Hello)
	hello, code := c.hello(deadline)
	if early := c.early(); early != 0 {
		code = early
	}
	if code != 0 {
		return code, false
	}
	c.deadline(c.conn.SetReadDeadline, 0)
	if hello.Ver != wire.Version {
		return wire.CloseVersion, false
	}
	c.client = hello.Client
	ready, err := c.join(ctx, hello)
	switch {
	case errors.Is(err, tandem.ErrForbidden):
		return wire.CloseRevoked, false
	case err != nil:
		c.o.Log.ErrorContext(ctx, "open connection", "user_id", c.principal().User, "err", err)
		return wire.CloseOverload, false
	}
	if c.send(wire.Encode(ready)) != nil {
		c.member.Leave()
		return lost, false
	}
	return 0, true
}

// hello reads up to the hello frame; kinds of frames that are not known may precede it.
func (c *session) hello(deadline time.Time) (wire.Hello, wire.Close) {
	for {
		frame, end := c.next()
		switch f := frame.(type) {
		case wire.Hello:
			return f, 0
		case nil:
		default:
			return wire.Hello{}, wire.CloseProtocol
		}
		if bad, ok := errors.AsType[*wire.FrameError](end.err); ok {
			_ = c.send(wire.Encode(wire.Err{Code: bad.Code, Msg: bad.Msg, Ref: bad.Ref})) // the close tells as much
			return wire.Hello{}, wire.CloseProtocol
		}
		switch {
		case end.err == nil:
		case errors.Is(end.err, os.ErrDeadlineExceeded), !c.o.Now().Before(deadline):
			return wire.Hello{}, wire.CloseSlow
		default:
			return wire.Hello{}, end.close
		}
	}
}

// join enters the room, so that nothing is missed from here on, and says where the client stands.
func (c *session) join(ctx context.Context, hello wire.Hello) (wire.Ready, error) {
	ctx, cancel := context.WithTimeout(ctx, c.o.Timing.Call)
	defer cancel()
	p := c.principal()
	token := p.accessToken()
	member, err := c.o.Hub.Join(ctx, p.User, hub.Resume{
		Client: hello.Client, Token: token, Epoch: hello.Epoch, Seq: hello.Seq, Turns: hello.Turns, Answer: c.answer,
	})
	if err != nil {
		return wire.Ready{}, err
	}
	if err := c.enrol(ctx, member, token); err != nil {
		member.Leave()
		return wire.Ready{}, err
	}
	return wire.Ready{
		Epoch: member.Epoch, Seq: member.Seq, Mode: member.Mode, Why: member.Why, LastMid: c.last.Load(), Exp: stamp(p.Expires),
		HB:     c.o.Timing.Heartbeat.Milliseconds(),
		Limits: c.limits(), Turns: member.Turns, Now: tandem.Stamp(c.o.Now()), PushKey: c.o.PushKey,
	}, nil
}

// enrol makes member the session's. A token that was revoked between its verification and now is refused: the room only
// tells of later ones.
func (c *session) enrol(ctx context.Context, member *hub.Member, token string) error {
	user := c.principal().User
	last, err := c.o.Mids.LastMid(ctx, user, c.client)
	if err != nil {
		return err
	}
	c.last.Store(last)
	if err := c.stands(ctx, token); err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.member = member
	if c.end != nil {
		member.End(*c.end)
	}
	return nil
}

// stands refuses an access token that was revoked; empty: there is none.
func (c *session) stands(ctx context.Context, token string) error {
	if token == "" {
		return nil
	}
	s, err := c.o.Settings.Settings(ctx, c.principal().User)
	if err != nil {
		return err
	}
	if !slices.ContainsFunc(s.Tokens, func(t tandem.TokenInfo) bool { return t.ID == token }) {
		return tandem.Forbidden("token", "This token was revoked.")
	}
	return nil
}

func (c *session) limits() wire.Limits {
	return wire.Limits{
		Frame: wire.MaxFrame, Rate: c.o.Limits.Rate, Burst: c.o.Limits.Burst, Message: tandem.MaxMessage, Bulk: tandem.MaxBulk,
		InOrder: lineLength,
	}
}

func stamp(t time.Time) *tandem.Stamp {
	if t.IsZero() {
		return nil
	}
	s := tandem.Stamp(t)
	return &s
}

// use makes the upgraded connection the session's.
func (c *session) use(conn net.Conn, ws *websocket.Conn) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.conn, c.ws = conn, ws
}

// finish asks for the end of the connection, whatever it is doing.
func (c *session) finish(end hub.End) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.member != nil {
		c.member.End(end)
		return
	}
	if c.end == nil {
		c.end = &end
	}
	if c.conn != nil {
		_ = c.conn.SetReadDeadline(time.Unix(1, 0)) // wakes the wait for hello
	}
}

// early gives the code of an end that was asked for before there was a member.
func (c *session) early() wire.Close {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.end == nil || c.member != nil {
		return 0
	}
	return c.end.Close
}

// ending is what a frame could not be read for, and the code to close with.
type ending struct {
	err   error
	close wire.Close
}

// What a client does that no client of this protocol does.
var (
	errBinary = errors.New("a binary message")
	errText   = errors.New("a message that is not UTF-8")
)

// next reads one frame; nil for a kind that is not known. A *wire.FrameError does not end the connection.
func (c *session) next() (wire.ClientFrame, ending) {
	// A context that can end would end the connection with it.
	kind, data, err := c.ws.Read(context.Background())
	switch {
	case err != nil:
		return nil, ending{err, closeOf(err)}
	case kind != websocket.MessageText:
		return nil, ending{errBinary, wire.CloseProtocol}
	case !utf8.Valid(data):
		return nil, ending{errText, wire.CloseProtocol}
	}
	frame, err := wire.DecodeClient(data)
	return frame, ending{err: err}
}

// closeOf tells how a failed read ends the connection.
func closeOf(err error) wire.Close {
	_, network := errors.AsType[net.Error](err)
	switch {
	case errors.Is(err, websocket.ErrMessageTooBig):
		return wire.CloseTooBig
	case websocket.CloseStatus(err) != -1:
		return wire.CloseNormal
	case network, errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, net.ErrClosed):
		return lost
	default:
		return wire.CloseProtocol
	}
}

// send writes one frame. A write that blocks too long fails, and the connection is of no use after that.
func (c *session) send(frame []byte) error {
	c.deadline(c.conn.SetWriteDeadline, c.o.Timing.Write)
	// The deadline beneath bounds it: a context that ends would close the connection, and costs allocations a frame.
	return c.ws.Write(context.Background(), websocket.MessageText, frame)
}

// deadline sets a deadline of the connection beneath; 0: none. It fails only on a closed connection, which the next read or
// write tells.
func (c *session) deadline(set func(time.Time) error, d time.Duration) {
	var at time.Time
	if d > 0 {
		at = time.Now().Add(d)
	}
	_ = set(at)
}

// close says goodbye with a code, waits a moment for the other side's, and gives the code.
func (c *session) close(code wire.Close) wire.Close {
	if code == lost {
		c.drop()
		return code
	}
	c.deadline(c.conn.SetDeadline, c.o.Timing.Close)
	_ = c.ws.Close(websocket.StatusCode(code), "")
	return code
}

// drop ends the connection without a word.
func (c *session) drop() {
	c.mu.Lock()
	conn, ws := c.conn, c.ws
	c.mu.Unlock()
	if conn != nil {
		_ = conn.Close()
		_ = ws.CloseNow()
	}
}

// jitter gives a random duration between low and high.
func jitter(low, high time.Duration) time.Duration {
	return low + rand.N(max(high-low, 1))
}
