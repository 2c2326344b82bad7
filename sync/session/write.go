package session

import (
	"context"
	"errors"
	"os"
	"time"

	"tandem/sync/hub"
	"tandem/sync/wire"
)

// clocks are the times at which the writer does something by itself. Zero: never.
type clocks struct {
	beat   time.Time // the next heartbeat
	warn   time.Time // asking for a new token
	expire time.Time // the end of the token's grace
	retire time.Time // the end of the connection's life
}

func (c *session) startClocks() clocks {
	now, t := c.o.Now(), c.o.Timing
	k := clocks{beat: now.Add(jitter(0, t.Heartbeat)), retire: now.Add(jitter(t.MinAge, t.MaxAge))}
	c.setToken(&k)
	return k
}

// setToken sets the clocks of the token that is in force.
func (c *session) setToken(k *clocks) {
	k.warn, k.expire = time.Time{}, time.Time{}
	if exp := c.principal().Expires; !exp.IsZero() {
		k.warn, k.expire = exp.Add(-c.o.Timing.Warn), exp.Add(c.o.Timing.Grace)
	}
}

// next is when the first clock strikes.
func (k *clocks) next() time.Time {
	at := k.beat
	for _, t := range []time.Time{k.warn, k.expire, k.retire} {
		if !t.IsZero() && t.Before(at) {
			at = t
		}
	}
	return at
}

// write writes what the member has to say until it ends, and gives the code it closed with; 0 when the reader is to close.
func (c *session) write(ctx context.Context) wire.Close {
	k := c.startClocks()
	for {
		if !c.o.Now().Before(k.next()) {
			c.strikeClocks(ctx, &k)
		}
		frame, err := c.member.Next(ctx, k.next())
		select {
		case <-c.renewed:
			c.setToken(&k)
		default:
		}
		switch {
		case errors.Is(err, hub.ErrEnded):
			return c.goodbye()
		case err != nil:
			return 0
		case frame == nil:
			continue
		}
		if err := c.send(frame); err != nil {
			return c.stuck(err)
		}
	}
}

// stuck ends a connection that takes no more. Nothing can be said on it: half a frame may have been written.
func (c *session) stuck(err error) wire.Close {
	if errors.Is(err, os.ErrDeadlineExceeded) {
		c.drop()
		return wire.CloseSlow
	}
	c.deadline(c.conn.SetReadDeadline, c.o.Timing.Close)
	return 0
}

// goodbye says why and closes.
func (c *session) goodbye() wire.Close {
	end := c.member.Ended()
	if end.Bye != nil && c.send(wire.Encode(*end.Bye)) != nil {
		c.drop()
		return end.Close
	}
	return c.close(end.Close)
}

// strikeClocks does what is due.
func (c *session) strikeClocks(ctx context.Context, k *clocks) {
	now := c.o.Now()
	due := func(t time.Time) bool { return !t.IsZero() && !now.Before(t) }
	if due(k.beat) {
		k.beat = now.Add(c.o.Timing.Heartbeat)
		c.member.Heartbeat()
		c.ping(ctx)
	}
	switch {
	case due(k.retire):
		k.retire = time.Time{}
		bye := wire.Bye{Code: wire.ByeRotate, RetryMS: jitter(0, time.Second).Milliseconds()}
		c.member.End(hub.End{Close: wire.CloseRestart, Bye: &bye})
	case due(k.expire):
		k.expire = time.Time{}
		c.member.End(hub.End{Close: wire.CloseToken})
	case due(k.warn):
		k.warn = time.Time{}
		left := c.principal().Expires.Sub(now)
		c.member.Control(wire.AuthNotice{In: max(int64(left/time.Second), 1)})
	}
}

// ping asks whether the other side is still there, unless a ping is still unanswered. A connection whose peer vanished
// without a word would otherwise hold its place for a quarter of an hour.
func (c *session) ping(ctx context.Context) {
	if !c.pinging.TryLock() {
		return
	}
	c.pings.Go(func() {
		defer c.pinging.Unlock()
		ctx, cancel := context.WithTimeout(ctx, c.o.Timing.Alive)
		defer cancel()
		if err := c.ws.Ping(ctx); errors.Is(err, context.DeadlineExceeded) {
			c.drop()
		}
	})
}
