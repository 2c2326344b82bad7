package client

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"tandem"
	"tandem/sync/wire"
)

// Bounds of the line of mutations.
const (
	window      = 8 // without an answer
	maxPending  = 10_000
	maxInternal = 5 // tries of a mutation that the server fails at
)

// Answer is what came of a mutation.
type Answer struct {
	Seq    tandem.Seq
	Result json.RawMessage
}

// Error is a final refusal.
type Error struct {
	wire.Nack
}

func (e *Error) Error() string { return string(e.Code) + ": " + e.Msg }

// What a client itself refuses.
var (
	ErrOffline = errors.New("not connected")
	ErrFull    = errors.New("too many changes wait to be sent")
)

// pending is a mutation without a final answer.
type pending struct {
	mid   int64
	make  func(mid int64) wire.ClientFrame
	sent  bool // on this connection
	ever  bool
	tries int
	done  chan struct{}
	ans   Answer
	err   error
}

// line keeps mutations in order. It is guarded by the client's mutex.
type line struct {
	items []*pending
	last  int64     // the mid given last
	pause time.Time // nothing is sent before
	armed bool      // a timer pumps after the pause
}

func (l *line) add(frame func(mid int64) wire.ClientFrame) (*pending, error) {
	if len(l.items) >= maxPending {
		return nil, ErrFull
	}
	l.last++
	p := &pending{mid: l.last, make: frame, done: make(chan struct{})}
	l.items = append(l.items, p)
	return p, nil
}

// reconnected numbers the line by what the server has settled. What was sent and is settled keeps its mid, and gets its
// first result; everything else follows on, also where the server forgot some.
func (l *line) reconnected(settled int64) {
	l.last, l.pause = settled, time.Time{}
	for _, p := range l.items {
		if p.sent = false; !p.ever || p.mid > settled {
			l.last++
			p.mid = l.last
		}
	}
}

func (l *line) disconnected() {
	for _, p := range l.items {
		p.sent = false
	}
}

func (l *line) answered(mid int64, a Answer, err error) {
	i := slices.IndexFunc(l.items, func(p *pending) bool { return p.mid == mid })
	if i < 0 {
		return // a repeated answer
	}
	p := l.items[i]
	l.items = slices.Delete(l.items, i, i+1)
	p.ans, p.err = a, err
	close(p.done)
}

// postponed has a mutation that the server could not take now, and those behind it, sent again.
func (l *line) postponed(n wire.Nack) error {
	i := slices.IndexFunc(l.items, func(p *pending) bool { return p.mid == n.Mid })
	if i < 0 {
		return nil
	}
	if n.Code == wire.CodeMidGap && i == 0 {
		return fmt.Errorf("%w: the server expects another mutation than %d", ErrBroken, n.Mid)
	}
	if p := l.items[i]; n.Code == wire.CodeInternal {
		if p.tries++; p.tries >= maxInternal {
			l.answered(n.Mid, Answer{}, &Error{n})
			l.reconnected(n.Mid - 1) // its mid is free again
			i = 0
		}
	}
	for _, p := range l.items[min(i, len(l.items)):] {
		p.sent = false
	}
	l.pause = time.Now().Add(time.Duration(n.RetryMS) * time.Millisecond)
	return nil
}

// ready gives the mutations to be sent now, or how long to wait.
func (l *line) ready() (frames []wire.ClientFrame, wait time.Duration) {
	if wait := time.Until(l.pause); wait > 0 {
		return nil, wait
	}
	for i, p := range l.items {
		if i >= window {
			break
		}
		if !p.sent {
			p.sent, p.ever = true, true
			frames = append(frames, p.make(p.mid))
		}
	}
	return frames, 0
}

// pump sends what may be sent.
func (c *Client) pump(ctx context.Context) error {
	c.sending.Lock()
	defer c.sending.Unlock()
	c.mu.Lock()
	ws := c.ws
	var frames []wire.ClientFrame
	var wait time.Duration
	if ws != nil {
		frames, wait = c.line.ready()
	}
	arm := wait > 0 && !c.line.armed
	c.line.armed = c.line.armed || arm
	c.mu.Unlock()
	if arm {
		time.AfterFunc(wait, func() { c.resume(ctx) })
	}
	for _, f := range frames {
		if err := write(ctx, ws, f); err != nil {
			return err
		}
	}
	return nil
}

// resume goes on after a pause.
func (c *Client) resume(ctx context.Context) {
	c.mu.Lock()
	c.line.armed = false
	c.mu.Unlock()
	_ = c.pump(ctx) // a write that fails ends the connection, and the next one sends everything again
}

// Mutate calls a tool with args, which encode to an object, and waits for the final answer, over as many connections as it
// takes. Where ctx ends first the mutation stays in the line. A refusal is a *Error.
func (c *Client) Mutate(ctx context.Context, tool string, args any) (Answer, error) {
	raw, err := withOpID(args)
	if err != nil {
		return Answer{}, err
	}
	return c.enqueue(ctx, func(mid int64) wire.ClientFrame { return wire.Mutate{Mid: mid, Tool: tool, Args: raw} })
}

// withOpID names the operation, unless the caller did.
func withOpID(args any) (json.RawMessage, error) {
	raw, err := json.Marshal(args)
	if err != nil {
		return nil, fmt.Errorf("encode arguments: %w", err)
	}
	var members map[string]json.RawMessage
	if err := json.Unmarshal(raw, &members); err != nil || members == nil {
		return nil, errors.New("arguments are an object")
	}
	if _, named := members["op_id"]; named {
		return raw, nil
	}
	members["op_id"], _ = json.Marshal(tandem.NewID()) // a text always encodes
	return json.Marshal(members)
}

// Set changes settings; see Mutate.
func (c *Client) Set(ctx context.Context, patch any) (Answer, error) {
	raw, err := json.Marshal(patch)
	if err != nil {
		return Answer{}, fmt.Errorf("encode patch: %w", err)
	}
	return c.enqueue(ctx, func(mid int64) wire.ClientFrame { return wire.Set{Mid: mid, Patch: raw} })
}

func (c *Client) enqueue(ctx context.Context, frame func(int64) wire.ClientFrame) (Answer, error) {
	c.mu.Lock()
	p, err := c.line.add(frame)
	c.mu.Unlock()
	if err != nil {
		return Answer{}, err
	}
	if err := c.pump(ctx); err != nil {
		c.o.Log.DebugContext(ctx, "send mutation", "err", err) // it goes out on the next connection
	}
	select {
	case <-p.done:
		return p.ans, p.err
	case <-ctx.Done():
		return Answer{}, ctx.Err()
	}
}

// Pending counts the mutations without a final answer.
func (c *Client) Pending() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.line.items)
}

// Send sends a frame that is not kept: chat, cancel, approve. Its consequences come as frames. ErrOffline when there is no
// connection.
func (c *Client) Send(ctx context.Context, f wire.ClientFrame) error {
	c.mu.Lock()
	ws := c.ws
	c.mu.Unlock()
	if ws == nil {
		return ErrOffline
	}
	return write(ctx, ws, f)
}

// Parse asks what words mean, in a zone.
func (c *Client) Parse(ctx context.Context, text, zone string) (wire.Parsed, error) {
	f, err := c.question(ctx, func(id wire.ID) wire.ClientFrame { return wire.Parse{ID: id, Text: text, TZ: zone} })
	parsed, _ := f.(wire.Parsed)
	return parsed, err
}

// History asks for the messages of a conversation before one of them; before may be empty.
func (c *Client) History(ctx context.Context, conv int64, before string) (wire.HistoryRows, error) {
	f, err := c.question(ctx, func(id wire.ID) wire.ClientFrame { return wire.History{ID: id, Conv: conv, Before: before} })
	rows, _ := f.(wire.HistoryRows)
	return rows, err
}

// question sends a question and waits for its answer.
func (c *Client) question(ctx context.Context, frame func(wire.ID) wire.ClientFrame) (wire.ServerFrame, error) {
	c.mu.Lock()
	c.questions++
	id := fmt.Sprint(c.questions)
	answer := make(chan wire.ServerFrame, 1)
	c.asked[id] = answer
	c.mu.Unlock()
	defer func() {
		c.mu.Lock()
		delete(c.asked, id)
		c.mu.Unlock()
	}()
	if err := c.Send(ctx, frame(wire.ID(id))); err != nil {
		return nil, err
	}
	select {
	case f := <-answer:
		if e, ok := f.(wire.Err); ok {
			return nil, &Error{wire.Nack{Code: e.Code, Msg: e.Msg, RetryMS: e.RetryMS}}
		}
		return f, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// reply hands the answer to whoever asked.
func (c *Client) reply(id string, f wire.ServerFrame) {
	if answer := c.asked[id]; answer != nil {
		select {
		case answer <- f:
		default:
		}
	}
}
