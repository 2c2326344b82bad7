package redis

import (
	"context"
	"hash/maphash"
	"sync"
	"time"

	"tandem"
)

// joinTimeout is how long a subscription may take. A connection that takes longer is of no use.
const joinTimeout = 3 * time.Second

// Channels carries signals between the processes that serve a user. It needs Run; without it, signals reach the members here.
type Channels struct {
	// State, set before Run, is told when Redis comes within reach and when it is lost; nil: nobody is.
	State func(up bool)

	client *Client
	out    *outbox
	lanes  [lanes]*lane
	seed   maphash.Seed

	mu    sync.RWMutex
	users map[tandem.UserID]*channel
	line  *line                      // nil: not connected
	stale map[tandem.UserID]struct{} // whose subscription is to be looked at
}

// channel is one user's. Its members are guarded by its own mutex, the rest by that of Channels.
type channel struct {
	mu      sync.RWMutex
	members map[*member]struct{}

	refs        int
	subscribed  bool          // by the last command that was sent for it
	unconfirmed int           // commands of this line
	holds       chan struct{} // closed when the subscription holds
	owed        bool          // a loss is to be told when the subscription holds
}

type member struct {
	deliver func(tandem.Signal)
}

// NewChannels makes the channels of this process.
func NewChannels(c *Client) *Channels {
	ch := &Channels{
		client: c, out: newOutbox(c.metrics.Missed), seed: maphash.MakeSeed(),
		users: map[tandem.UserID]*channel{}, stale: map[tandem.UserID]struct{}{},
	}
	for i := range ch.lanes {
		ch.lanes[i] = newLane(c.metrics.Missed)
	}
	return ch
}

// Join adds a member; deliver is called from publishers' goroutines and those of Run and must not block. The membership holds when
// Join returns, and ends when leave returns. While Redis is out of reach it holds for the signals of this process alone; a signal with
// Lost set tells when it holds for all. The error is that of ctx.
func (c *Channels) Join(ctx context.Context, user tandem.UserID, deliver func(tandem.Signal)) (leave func(), err error) {
	m := &member{deliver}
	ch, l, holds := c.enter(user, m)
	leave = sync.OnceFunc(func() { c.leave(user, ch, m) })
	if l == nil {
		return leave, nil
	}
	timer := time.NewTimer(joinTimeout)
	defer timer.Stop()
	select {
	case <-holds:
	case <-l.done:
	case <-timer.C:
		l.cut(errSlow)
	case <-ctx.Done():
		leave()
		return nil, ctx.Err()
	}
	return leave, nil
}

// enter registers a member; l is the line on which its subscription is to be waited for, nil where that is not to be done.
func (c *Channels) enter(user tandem.UserID, m *member) (ch *channel, l *line, holds <-chan struct{}) {
	c.mu.Lock()
	defer c.mu.Unlock()
	ch = c.users[user]
	if ch == nil {
		ch = &channel{members: map[*member]struct{}{}, holds: make(chan struct{})}
		c.users[user] = ch
	}
	ch.refs++
	ch.mu.Lock()
	ch.members[m] = struct{}{}
	ch.mu.Unlock()
	if c.line == nil || !c.line.proven {
		ch.owed = true
	} else {
		l = c.line
	}
	c.look(user)
	return ch, l, ch.holds
}

func (c *Channels) leave(user tandem.UserID, ch *channel, m *member) {
	ch.mu.Lock() // waits for deliveries
	delete(ch.members, m)
	ch.mu.Unlock()
	c.mu.Lock()
	defer c.mu.Unlock()
	if ch.refs--; ch.refs == 0 {
		c.look(user)
	}
}

// look has the line bring the user's subscription in order.
func (c *Channels) look(user tandem.UserID) {
	if c.line == nil {
		if c.users[user].refs == 0 {
			delete(c.users, user)
		}
		return
	}
	c.stale[user] = struct{}{}
	select {
	case c.line.wake <- struct{}{}:
	default:
	}
}

// Publish tells the signal to the members of this process and has it sent to the others; it does not wait for that, and does not fail.
func (c *Channels) Publish(_ context.Context, s tandem.Signal) error {
	c.deliver(s)
	c.out.add(c.client.encode(s))
	return nil
}

// Flush waits until Redis has taken what was published so far, for a process that is about to end. It needs Run. The error is that of
// ctx.
func (c *Channels) Flush(ctx context.Context) error {
	select {
	case <-c.out.emptied():
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (c *Channels) deliver(s tandem.Signal) {
	c.mu.RLock()
	ch := c.users[s.User]
	c.mu.RUnlock()
	if ch == nil {
		return
	}
	ch.mu.RLock()
	defer ch.mu.RUnlock()
	for m := range ch.members {
		m.deliver(s)
	}
}

func (c *Channels) lane(user tandem.UserID) *lane {
	return c.lanes[maphash.String(c.seed, string(user))%lanes]
}

// Run keeps the connection to Redis until ctx ends, and returns nil then. Keep it running until the last connection is drained.
func (c *Channels) Run(ctx context.Context) error {
	var group sync.WaitGroup
	for _, l := range c.lanes {
		group.Go(func() { l.run(ctx, c.deliver) })
	}
	group.Go(func() { c.send(ctx) })
	c.connect(ctx)
	group.Wait()
	return nil
}
