package redis

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"

	goredis "github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"
)

// Bounds of waiting for Redis: to be connected, for an answer in the background, and for one that somebody waits for. After one of the
// last kind that did not come, nobody waits for a while.
const (
	dialTimeout = 2 * time.Second
	slowTimeout = 3 * time.Second
	askTimeout  = 250 * time.Millisecond
	askPause    = time.Second
)

// prefix is in front of the keys. Channels of users are named by channelPrefix alone.
const prefix = "tandem:"

// Options configure a Client. Zero fields take the default.
type Options struct {
	Log     *slog.Logger // default: none
	Metrics Metrics
}

// Metrics are told what happens; nil fields are not called.
type Metrics struct {
	// Resubscribed: the subscriptions were made again after they had been lost.
	Resubscribed func()
	// Missed: a signal was not carried to other processes or did not fit here; the log makes up for it.
	Missed func()
}

// Client is a pool of connections to one Redis server.
type Client struct {
	rdb     *goredis.Client
	log     *slog.Logger
	metrics Metrics
	origin  string       // names this process in messages and keys
	away    atomic.Int64 // nobody waits for an answer until this time
}

// Open reads an address such as redis://user:password@host:6379/0, or rediss:// for TLS. It connects when something is asked.
func Open(url string, o Options) (*Client, error) {
	opt, err := goredis.ParseURL(url)
	if err != nil {
		return nil, errors.New("a Redis address looks like redis://host:6379/0") // the cause may repeat the password
	}
	// A command that is sent again counts twice, and every user of the pool has its own way to go on without an answer.
	opt.MaxRetries, opt.DialerRetries = -1, 1
	opt.DialTimeout, opt.ReadTimeout, opt.WriteTimeout = dialTimeout, slowTimeout, slowTimeout
	opt.ContextTimeoutEnabled, opt.DisableIdentity, opt.Protocol = true, true, 2
	opt.MaintNotificationsConfig = &maintnotifications.Config{Mode: maintnotifications.ModeDisabled}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Metrics.Resubscribed == nil {
		o.Metrics.Resubscribed = func() {}
	}
	if o.Metrics.Missed == nil {
		o.Metrics.Missed = func() {}
	}
	goredis.SetLogger(library{o.Log})
	return &Client{rdb: goredis.NewClient(opt), log: o.Log, metrics: o.Metrics, origin: rand.Text()[:originLength]}, nil
}

// Close ends the connections.
func (c *Client) Close() error { return c.rdb.Close() }

// Ping tells whether Redis answers.
func (c *Client) Ping(ctx context.Context) error {
	if err := c.rdb.Ping(ctx).Err(); err != nil {
		return fmt.Errorf("ask Redis: %w", err)
	}
	return nil
}

// errAway is the answer while an outage is fresh.
var errAway = errors.New("redis did not answer a moment ago")

// ask does what a request waits for: quickly or not at all.
func (c *Client) ask(ctx context.Context, f func(context.Context) error) error {
	if time.Now().UnixNano() < c.away.Load() {
		return errAway
	}
	short, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	err := f(short)
	if err != nil && ctx.Err() == nil {
		c.away.Store(time.Now().Add(askPause).UnixNano())
	}
	return err
}

// library takes the client library's own log, which repeats what callers are told.
type library struct{ log *slog.Logger }

// Printf logs a line.
func (l library) Printf(ctx context.Context, format string, v ...any) {
	l.log.DebugContext(ctx, "redis client said", "reason", fmt.Sprintf(format, v...))
}
