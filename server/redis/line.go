package redis

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"tandem"
)

// Timing of a line: a probe is sent so often, and is to arrive within so long; what was kept is told twice; between two attempts to connect there is a pause that
// doubles up to a bound well under what people notice as an outage.
const (
	probeEvery  = 10 * time.Second
	probeWithin = 5 * time.Second
	repeatAfter = 2 * time.Second
	pauseFirst  = 20 * time.Millisecond
	pauseMost   = 500 * time.Millisecond
	maxNames    = 1000 // in one command
)

var (
	errSlow  = errors.New("a subscription was not confirmed in time")
	errProbe = errors.New("a probe did not arrive")
	errTwice = errors.New("a line is one connection")
)

// line is one connection on which all users of this process are subscribed. The first error ends it: a connection that is repaired
// behind our back does not tell what it lost.
type line struct {
	ps     *goredis.PubSub
	cut    context.CancelCauseFunc
	done   <-chan struct{}
	wake   chan struct{} // there are subscriptions to look at
	probe  string        // the channel of probes
	echo   chan string
	proven bool // guarded by Channels.mu
}

// connect keeps a line until ctx ends.
func (c *Channels) connect(ctx context.Context) {
	pause, told, before := pauseFirst, true, false
	for ctx.Err() == nil {
		proven, err := c.serve(ctx, func() {
			if before {
				c.client.metrics.Resubscribed()
			}
			before, told = true, true
			c.tell(true)
		})
		if ctx.Err() != nil {
			break
		}
		if told {
			c.client.log.WarnContext(ctx, "redis is out of reach", "err", err)
			c.tell(false)
			told = false
		}
		if proven {
			pause = pauseFirst
		}
		if !wait(ctx, pause/2+rand.N(pause/2+1)) {
			break
		}
		pause = min(2*pause, pauseMost)
	}
}

func (c *Channels) tell(up bool) {
	if c.State != nil {
		c.State(up)
	}
}

func wait(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}

// serve lives one line. up is called when it carries signals; proven tells whether that was so.
func (c *Channels) serve(ctx context.Context, up func()) (proven bool, err error) {
	ctx, cut := context.WithCancelCause(ctx)
	defer cut(nil)
	dialled := &once{dial: goredis.NewDialer(c.client.rdb.Options())}
	opt := *c.client.rdb.Options()
	opt.Dialer = dialled.connect
	rdb := goredis.NewClient(&opt)
	defer rdb.Close()
	stop := context.AfterFunc(ctx, dialled.close)
	defer stop()

	l := &line{
		ps: rdb.Subscribe(ctx), cut: cut, done: ctx.Done(), wake: make(chan struct{}, 1),
		probe: prefix + "probe:" + c.client.origin, echo: make(chan string, 1),
	}
	defer l.ps.Close()
	names := c.begin(l)
	defer c.end(l)
	if err := l.subscribe(ctx, append(names, l.probe)); err != nil {
		return false, err
	}
	var group sync.WaitGroup
	defer group.Wait()
	group.Go(func() { l.until(c.prove(ctx, l, up)) })
	group.Go(func() { l.until(c.keepNames(ctx, l)) })
	l.until(c.receive(ctx, l))
	c.mu.RLock()
	proven = l.proven
	c.mu.RUnlock()
	return proven, context.Cause(ctx)
}

// until ends the line for the reason that one of its goroutines gives.
func (l *line) until(err error) { l.cut(err) }

// cut ends the line there is.
func (c *Channels) cut(err error) {
	c.mu.RLock()
	l := c.line
	c.mu.RUnlock()
	if l != nil {
		l.cut(err)
	}
}

// begin makes l the line and lists all channels. Their members are owed news of a loss.
func (c *Channels) begin(l *line) (names []string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.line = l
	clear(c.stale)
	for user, ch := range c.users {
		if ch.refs == 0 {
			delete(c.users, user)
			continue
		}
		ch.subscribed, ch.unconfirmed, ch.owed, ch.holds = true, 1, true, make(chan struct{})
		names = append(names, channelPrefix+string(user))
	}
	return names
}

func (c *Channels) end(l *line) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.line, l.proven = nil, false
	c.out.shut(nil)
}

// subscribe sends for names without waiting for confirmation.
func (l *line) subscribe(ctx context.Context, names []string) error {
	for len(names) > 0 {
		n := min(len(names), maxNames)
		if err := l.ps.Subscribe(ctx, names[:n]...); err != nil {
			return fmt.Errorf("subscribe: %w", err)
		}
		names = names[n:]
	}
	return nil
}

// keepNames subscribes who came and unsubscribes who left, until ctx ends.
func (c *Channels) keepNames(ctx context.Context, l *line) error {
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-l.wake:
		}
		come, gone := c.changes()
		if err := l.subscribe(ctx, come); err != nil {
			return err
		}
		for len(gone) > 0 {
			n := min(len(gone), maxNames)
			if err := l.ps.Unsubscribe(ctx, gone[:n]...); err != nil {
				return fmt.Errorf("unsubscribe: %w", err)
			}
			gone = gone[n:]
		}
	}
}

// changes lists what to subscribe and to unsubscribe, and takes both as sent.
func (c *Channels) changes() (come, gone []string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for user := range c.stale {
		ch := c.users[user]
		if ch == nil || (ch.refs > 0) == ch.subscribed {
			continue
		}
		ch.subscribed = ch.refs > 0
		ch.unconfirmed++
		if ch.subscribed {
			come = append(come, channelPrefix+string(user))
		} else {
			gone = append(gone, channelPrefix+string(user))
			ch.holds = make(chan struct{})
		}
	}
	clear(c.stale)
	return come, gone
}

// confirm takes the answer to the oldest command of a channel.
func (c *Channels) confirm(name string) {
	user, ok := userOf(name)
	if !ok {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	ch := c.users[user]
	if ch == nil {
		return
	}
	if ch.unconfirmed--; ch.unconfirmed > 0 {
		return
	}
	switch {
	case ch.subscribed:
		close(ch.holds)
		if ch.owed {
			ch.owed = false
			c.lane(user).lose(user)
		}
	case ch.refs == 0:
		delete(c.users, user)
	}
}

func userOf(name string) (tandem.UserID, bool) {
	user, ok := strings.CutPrefix(name, channelPrefix)
	return tandem.UserID(user), ok
}

// receive reads until the connection fails.
func (c *Channels) receive(ctx context.Context, l *line) error {
	for {
		got, err := l.ps.Receive(ctx)
		if err != nil {
			return fmt.Errorf("receive: %w", err)
		}
		switch got := got.(type) {
		case *goredis.Subscription:
			c.confirm(got.Channel)
		case *goredis.Message:
			c.arrive(l, got.Channel, got.Payload)
		}
	}
}

func (c *Channels) arrive(l *line, name, payload string) {
	user, ok := userOf(name)
	switch {
	case ok && !sentBy(c.client.origin, payload):
		c.lane(user).push(user, payload)
	case name == l.probe:
		select {
		case l.echo <- payload:
		default:
		}
	}
}

// prove sends a probe on the way of every signal, now and again. The first one that arrives proves that all subscriptions made before
// it hold, and opens the outbox.
func (c *Channels) prove(ctx context.Context, l *line, up func()) error {
	if err := c.probe(ctx, l); err != nil {
		return err
	}
	c.mu.Lock()
	l.proven = true
	c.mu.Unlock()
	c.out.reopen()
	up()
	if !wait(ctx, repeatAfter) {
		return ctx.Err()
	}
	c.out.repeat()
	for wait(ctx, probeEvery) {
		if err := c.probe(ctx, l); err != nil {
			return err
		}
	}
	return ctx.Err()
}

var probes atomic.Int64

func (c *Channels) probe(ctx context.Context, l *line) error {
	ctx, cancel := context.WithTimeoutCause(ctx, probeWithin, errProbe)
	defer cancel()
	text := fmt.Sprint(probes.Add(1))
	if err := c.client.rdb.Publish(ctx, l.probe, text).Err(); err != nil {
		return fmt.Errorf("publish a probe: %w", err)
	}
	for {
		select {
		case got := <-l.echo:
			if got == text {
				return nil
			}
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// once dials one connection and no second one, and closes it from outside.
type once struct {
	dial func(ctx context.Context, network, addr string) (net.Conn, error)

	mu   sync.Mutex
	used bool
	over bool
	conn net.Conn
}

func (o *once) connect(ctx context.Context, network, addr string) (net.Conn, error) {
	o.mu.Lock()
	again := o.used || o.over
	o.used = true
	o.mu.Unlock()
	if again {
		return nil, errTwice
	}
	conn, err := o.dial(ctx, network, addr)
	if err != nil {
		return nil, err
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.conn = conn; o.over {
		return nil, errors.Join(errTwice, conn.Close())
	}
	return conn, nil
}

func (o *once) close() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.over = true
	if o.conn != nil {
		_ = o.conn.Close()
	}
}
