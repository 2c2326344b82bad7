package inproc

import (
	"context"
	"sync"

	"tandem"
)

// Channels carries signals to whoever joined the user's channel. The zero value is ready.
type Channels struct {
	Faults *Faults // nil: none

	mu      sync.RWMutex
	members map[tandem.UserID]map[*member]struct{}
}

type member struct {
	deliver func(tandem.Signal)
}

// Join adds a member; deliver is called from publishers' goroutines and must not block. The membership holds when Join
// returns, and ends when leave returns.
func (c *Channels) Join(_ context.Context, user tandem.UserID, deliver func(tandem.Signal)) (leave func(), err error) {
	m := &member{deliver: deliver}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.members == nil {
		c.members = map[tandem.UserID]map[*member]struct{}{}
	}
	if c.members[user] == nil {
		c.members[user] = map[*member]struct{}{}
	}
	c.members[user][m] = struct{}{}
	return func() { c.leave(user, m) }, nil
}

func (c *Channels) leave(user tandem.UserID, m *member) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.members[user], m)
	if len(c.members[user]) == 0 {
		delete(c.members, user)
	}
}

// Publish hands the signal to every member of its user's channel.
func (c *Channels) Publish(_ context.Context, s tandem.Signal) error {
	c.Faults.pass(s, c.deliver)
	return nil
}

func (c *Channels) deliver(s tandem.Signal) {
	c.mu.RLock()
	defer c.mu.RUnlock()
	for m := range c.members[s.User] {
		m.deliver(s)
	}
}
