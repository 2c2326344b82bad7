package session

import (
	"context"
	"errors"
	"time"

	"tandem"
	"tandem/sync/hub"
	"tandem/sync/wire"
)

// read takes frames until the connection ends, and gives the code to close with; 0 when the member was asked to end and the
// writer will close.
func (c *session) read(ctx context.Context) wire.Close {
	row := 0 // frames refused in a row
	for {
		frame, end := c.next()
		bad, refused := errors.AsType[*wire.FrameError](end.err)
		switch {
		case end.err != nil && !refused && end.close == wire.CloseProtocol:
			c.member.End(hub.End{Close: wire.CloseProtocol})
			return 0
		case end.err != nil && !refused:
			return end.close
		case !c.allow.Allow():
			if row++; !c.strike(frame, row) {
				return 0
			}
			continue
		case refused:
			c.member.Control(wire.Err{Code: bad.Code, Msg: bad.Msg, Ref: bad.Ref})
		case frame != nil:
			c.take(ctx, frame)
		}
		row = 0
	}
}

// strike refuses a frame beyond the rate, the row-th one in a row; false ends the connection of a client that goes on
// regardless. Frames that were sent at once are asked to come again one after the other.
func (c *session) strike(frame wire.ClientFrame, row int) bool {
	c.o.Metrics.Limited(LimitMessages)
	if !c.strikes.Allow() {
		bye := wire.Bye{Code: wire.ByeLimit, RetryMS: jitter(5*time.Second, 10*time.Second).Milliseconds()}
		c.member.End(hub.End{Close: wire.CloseOverload, Bye: &bye})
		return false
	}
	wait := time.Duration(row) * time.Second / time.Duration(c.o.Limits.Rate)
	c.refuse(frame, wire.CodeRate, "Too many messages at once.", wait)
	return true
}

// refuse answers a frame that is not carried out now. It uses up nothing.
func (c *session) refuse(frame wire.ClientFrame, code wire.Code, msg string, retry time.Duration) {
	wait := retry.Milliseconds()
	switch f := frame.(type) {
	case wire.Mutate:
		c.postpone(wire.Nack{Mid: f.Mid, Code: code, Msg: msg, RetryMS: wait})
	case wire.Set:
		c.postpone(wire.Nack{Mid: f.Mid, Code: code, Msg: msg, RetryMS: wait})
	case wire.Chat:
		c.member.Nack(wire.Nack{Turn: f.Turn, Code: code, Msg: msg, RetryMS: wait})
	default:
		c.member.Control(wire.Err{Code: code, Msg: msg, Ref: refOf(frame), RetryMS: wait})
	}
}

// postpone refuses a mutation for now. The reader and the worker do.
func (c *session) postpone(n wire.Nack) {
	c.later.add(n.Mid, c.last.Load())
	c.member.Nack(n)
}

// refOf names what a frame without mid and turn is about.
func refOf(frame wire.ClientFrame) string {
	switch f := frame.(type) {
	case wire.Cancel:
		return f.Turn
	case wire.Approve:
		return f.Approval
	case wire.Parse:
		return f.ID.String()
	case wire.History:
		return f.ID.String()
	default:
		return ""
	}
}

// take answers what cannot wait and gives the rest to the worker.
func (c *session) take(ctx context.Context, frame wire.ClientFrame) {
	switch f := frame.(type) {
	case wire.Hello:
		c.member.Control(wire.Err{Code: wire.CodeBadFrame, Msg: "hello is said once"})
	case wire.Sync:
		c.within(ctx, func(ctx context.Context) { c.resync(ctx, f) })
	case wire.Cancel:
		c.within(ctx, func(ctx context.Context) { c.cancel(ctx, f) })
	case wire.Auth:
		c.within(ctx, func(ctx context.Context) { c.renew(ctx, f) })
	default:
		select {
		case c.line <- job{frame, c.o.Now()}:
		default:
			c.o.Metrics.Limited(LimitLine)
			c.refuse(frame, wire.CodeBusy, "Too much is waiting on this connection.", time.Second)
		}
	}
}

func (c *session) within(ctx context.Context, f func(context.Context)) {
	ctx, cancel := context.WithTimeout(ctx, c.o.Timing.Call)
	defer cancel()
	f(ctx)
}

func (c *session) resync(ctx context.Context, f wire.Sync) {
	if err := c.member.Resync(ctx, f.Seq); err != nil {
		c.fail(ctx, f, err)
	}
}

func (c *session) cancel(ctx context.Context, f wire.Cancel) {
	if err := c.o.Assistant.Cancel(ctx, c.principal().User, f.Turn); err != nil {
		c.fail(ctx, f, err)
	}
}

// renew takes another token for the connection. It is to be of the same person, issuer and kind, and good for reading.
func (c *session) renew(ctx context.Context, f wire.Auth) {
	next, err := c.o.Verify(ctx, f.Token)
	if err != nil {
		c.o.Log.DebugContext(ctx, "renew token", "user_id", c.principal().User, "err", err)
		c.member.Control(wire.Err{Code: wire.CodeForbidden, Msg: "This token is not accepted.", Ref: "auth"})
		return
	}
	c.mu.Lock()
	same := next.User == c.p.User && next.Issuer == c.p.Issuer && next.Program == c.p.Program && next.may(tandem.ScopeRead)
	if same {
		c.p = next
		c.member.Renew(next.accessToken())
	}
	c.mu.Unlock()
	// What is revoked from here on the room hears of.
	if !same || errors.Is(c.stands(ctx, next.accessToken()), tandem.ErrForbidden) {
		c.member.End(hub.End{Close: wire.CloseRevoked})
		return
	}
	select {
	case c.renewed <- struct{}{}:
	default:
	}
	c.member.Control(wire.AuthNotice{Exp: stamp(next.Expires)})
}

// pinged answers pings within the rate of messages.
func (c *session) pinged(context.Context, []byte) bool { return c.allow.Allow() }
