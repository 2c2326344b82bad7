package client

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/coder/websocket"

	"tandem"
	"tandem/sync/wire"
)

// Options configure a Client. Server, User and Token are needed.
type Options struct {
	Server string // http or https address of the server
	User   tandem.UserID
	// Token gives a token; fresh asks for another one than before, if there is one.
	Token  func(ctx context.Context, fresh bool) (string, error)
	Client string // UUID of the install; default: a new one
	// OnFrame is told each frame after it was applied; OnLink each change of the connection.
	OnFrame func(wire.ServerFrame)
	OnLink  func(Link)
	HTTP    *http.Client // default: http.DefaultClient
	Log     *slog.Logger // default: none
	// Backoff is the first step of the full-jitter backoff, MaxBackoff its largest.
	Backoff    time.Duration // 500 ms
	MaxBackoff time.Duration // 30 s
	Silence    time.Duration // how long a server that was asked may say nothing; 5 s
}

// Link is how the connection stands.
type Link struct {
	Live  bool
	Retry time.Duration // until the next try
	Err   error         // why it is not live
}

// Closed is a close code of the server.
type Closed struct {
	Code wire.Close
}

func (e *Closed) Error() string { return fmt.Sprintf("the server closed the connection (%d)", e.Code) }

// Refused is an answer to the upgrade other than 101.
type Refused struct {
	Status int
}

func (e *Refused) Error() string {
	return fmt.Sprintf("the server refused the connection (%d)", e.Status)
}

// Client is one device of a person.
type Client struct {
	o Options

	mu      sync.Mutex
	changed chan struct{} // closed and replaced at each frame
	replica *Replica
	ws      *websocket.Conn // nil: not live
	turns   map[string]int64
	line    line
	asked   map[string]chan wire.ServerFrame // questions by id

	questions int64
	sending   sync.Mutex // keeps mutations in order on the wire
}

// New makes a client; Run connects it.
func New(o Options) *Client {
	if o.Client == "" {
		o.Client = tandem.NewID()
	}
	if o.HTTP == nil {
		o.HTTP = http.DefaultClient
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.OnFrame == nil {
		o.OnFrame = func(wire.ServerFrame) {}
	}
	if o.OnLink == nil {
		o.OnLink = func(Link) {}
	}
	if o.Backoff == 0 {
		o.Backoff = 500 * time.Millisecond
	}
	if o.MaxBackoff == 0 {
		o.MaxBackoff = 30 * time.Second
	}
	if o.Silence == 0 {
		o.Silence = 5 * time.Second
	}
	return &Client{
		o: o, replica: NewReplica(), changed: make(chan struct{}), turns: map[string]int64{}, asked: map[string]chan wire.ServerFrame{},
	}
}

// ID gives the client's UUID.
func (c *Client) ID() string { return c.o.Client }

// Run keeps the client connected until ctx ends (nil) or the server says that coming back is pointless: *Closed with a
// terminal code, or *Refused when a fresh token did not help.
func (c *Client) Run(ctx context.Context) error {
	var v visits
	for ctx.Err() == nil {
		l, err := c.connection(ctx, v.fresh)
		if terminal := v.ended(l, err); terminal != nil && ctx.Err() == nil {
			return terminal
		}
		if ctx.Err() == nil {
			wait := cmp.Or(l.retry, c.backoff(max(v.failed-1, 0)))
			c.o.OnLink(Link{Retry: wait, Err: err})
			sleep(ctx, wait)
		}
	}
	return nil
}

// visits is what a client remembers of its former connections.
type visits struct {
	failed  int  // in a row
	refused int  // in a row, for its token
	fresh   bool // another token may help
}

// ended takes the end of a connection, and gives its error where coming back is pointless.
func (v *visits) ended(l life, err error) (terminal error) {
	v.failed++
	v.fresh = false
	if l.healthy {
		v.failed, v.refused = 0, 0
	}
	if closed, ok := errors.AsType[*Closed](err); ok {
		v.fresh = closed.Code == wire.CloseToken
		if closed.Code.Terminal() {
			return err
		}
	}
	if r, ok := errors.AsType[*Refused](err); ok && r.Status < http.StatusTooManyRequests {
		v.fresh = true
		if v.refused++; v.refused > 1 {
			return err
		}
	}
	return nil
}

// backoff is full jitter: a crowd that was cut off together must not come back together.
func (c *Client) backoff(attempt int) time.Duration {
	return rand.N(min(c.o.MaxBackoff, c.o.Backoff<<min(attempt, 20)) + 1)
}

// sleep waits for d, or until ctx ends.
func sleep(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

func (c *Client) dial(ctx context.Context, fresh bool) (*websocket.Conn, error) {
	token, err := c.o.Token(ctx, fresh)
	if err != nil {
		return nil, fmt.Errorf("get a token: %w", err)
	}
	address := strings.TrimSuffix(c.o.Server, "/") + "/api/" + url.PathEscape(string(c.o.User)) + "/ws"
	ws, resp, err := websocket.Dial(ctx, address, &websocket.DialOptions{ //nolint:bodyclose // the library has closed it
		HTTPClient: c.o.HTTP, HTTPHeader: http.Header{"Authorization": {"Bearer " + token}}, Subprotocols: []string{wire.Subprotocol},
	})
	if err != nil {
		if resp != nil && resp.StatusCode != http.StatusSwitchingProtocols {
			return nil, &Refused{resp.StatusCode}
		}
		return nil, fmt.Errorf("connect: %w", err)
	}
	ws.SetReadLimit(maxServerFrame)
	return ws, nil
}

// maxServerFrame bounds what a server may send at once: a squashed delta is at most half of a person's rows.
const maxServerFrame = 256 << 20

// Replica gives a copy of the confirmed rows.
func (c *Client) Replica() *Replica {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.replica.Clone()
}

// Await waits until the replica satisfies ok, which must not keep it.
func (c *Client) Await(ctx context.Context, ok func(*Replica) bool) error {
	for {
		c.mu.Lock()
		done, changed := ok(c.replica), c.changed
		c.mu.Unlock()
		if done {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// AwaitSeq waits until the replica holds everything up to seq.
func (c *Client) AwaitSeq(ctx context.Context, seq tandem.Seq) error {
	return c.Await(ctx, func(r *Replica) bool { return r.CaughtUp() && r.Seq >= seq })
}
