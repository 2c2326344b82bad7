package client

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net"
	"sync"
	"time"

	"github.com/coder/websocket"

	"tandem"
	"tandem/sync/wire"
)

// life is what became of one connection.
type life struct {
	healthy bool          // it was ready
	retry   time.Duration // as the server asked; 0: it did not
}

// connection lives one connection to its end and says why it ended.
func (c *Client) connection(ctx context.Context, fresh bool) (l life, err error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	ws, err := c.dial(ctx, fresh)
	if err != nil {
		return l, err
	}
	defer func() { _ = ws.CloseNow() }() // what there was to say is said
	stop := context.AfterFunc(ctx, func() { _ = ws.Close(websocket.StatusNormalClosure, "") })
	defer stop()
	if err := write(ctx, ws, c.hello()); err != nil {
		return l, err
	}
	defer func() { c.lost(errors.Is(err, ErrBroken)) }()
	watch := newWatch(c.o.Silence, func() { _ = write(ctx, ws, wire.Sync{Seq: c.seq()}) }, func() { _ = ws.CloseNow() })
	defer watch.stop()
	for {
		data, err := read(ctx, ws)
		if err != nil {
			return l, err
		}
		watch.heard()
		f, err := wire.DecodeServer(data)
		if err != nil {
			return l, err
		}
		if err := c.frame(ctx, ws, f, &l, watch); err != nil {
			return l, err
		}
	}
}

func read(ctx context.Context, ws *websocket.Conn) ([]byte, error) {
	_, data, err := ws.Read(context.WithoutCancel(ctx)) // the end of ctx closes the connection, with a word
	if err == nil {
		return data, nil
	}
	if code := websocket.CloseStatus(err); code != -1 {
		return nil, &Closed{wire.Close(code)}
	}
	return nil, fmt.Errorf("read: %w", err)
}

func (c *Client) hello() wire.Hello {
	c.mu.Lock()
	defer c.mu.Unlock()
	h := wire.Hello{Client: c.o.Client, Ver: wire.Version, Caps: []string{}, Turns: maps.Clone(c.turns)}
	if c.replica.Epoch != "" {
		seq := c.replica.Seq
		h.Epoch, h.Seq = c.replica.Epoch, &seq
	}
	return h
}

// frame takes one frame of the server.
func (c *Client) frame(ctx context.Context, ws *websocket.Conn, f wire.ServerFrame, l *life, w *watch) error {
	if f == nil {
		return nil
	}
	if err := c.apply(ws, f); err != nil {
		return err
	}
	switch f := f.(type) {
	case wire.Ready:
		l.healthy = true
		w.every(2 * time.Duration(f.HB) * time.Millisecond)
		c.o.OnLink(Link{Live: true})
	case wire.Bye:
		l.retry = max(time.Duration(f.RetryMS)*time.Millisecond, 1)
	case wire.AuthNotice:
		if f.In > 0 {
			if err := c.renew(ctx, ws); err != nil {
				c.o.Log.WarnContext(ctx, "renew token", "err", err)
			}
		}
	case wire.Heartbeat:
		if f.Seq > c.seq() {
			if err := write(ctx, ws, wire.Sync{Seq: c.seq()}); err != nil {
				return err
			}
		}
	}
	c.o.OnFrame(f)
	return c.pump(ctx)
}

// apply brings the replica, the line of mutations and the turns up to date.
func (c *Client) apply(ws *websocket.Conn, f wire.ServerFrame) (err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch f := f.(type) {
	case wire.Ready:
		if err = c.replica.Ready(f); err == nil {
			c.ws = ws
			c.line.reconnected(f.LastMid)
		}
	case wire.Snap:
		err = c.replica.Snap(f)
	case wire.Delta:
		err = c.replica.Delta(f)
	case wire.Ack:
		if err = c.replica.Ack(f); err == nil {
			c.line.answered(f.Mid, Answer{Seq: f.Seq, Result: f.Result}, nil)
		}
	case wire.Nack:
		err = c.refused(f)
	case wire.Turn:
		err = c.turn(f.TurnEvent)
	case wire.Parsed:
		c.reply(f.ID.String(), f)
	case wire.HistoryRows:
		c.reply(f.ID.String(), f)
	case wire.Err:
		c.reply(f.Ref, f)
	}
	close(c.changed)
	c.changed = make(chan struct{})
	return err
}

// turn checks that a turn's events are contiguous, except after a state.
func (c *Client) turn(e tandem.TurnEvent) error {
	last, known := c.turns[e.Turn]
	if e.Ev != tandem.TurnEvState && (known && e.N != last+1 || !known && e.Ev != tandem.TurnEvStart) {
		return fmt.Errorf("%w: event %d (%s) of a turn at %d", ErrBroken, e.N, e.Ev, last)
	}
	c.turns[e.Turn] = e.N
	if e.Ev == tandem.TurnEvDone {
		delete(c.turns, e.Turn)
	}
	return nil
}

func (c *Client) refused(f wire.Nack) error {
	if f.Mid == 0 {
		return nil // of a turn: for OnFrame
	}
	if f.Code.Final() {
		c.line.answered(f.Mid, Answer{}, &Error{f})
		return nil
	}
	return c.line.postponed(f)
}

func (c *Client) seq() tandem.Seq {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.replica.Seq
}

// lost notes that the connection is gone. After a broken stream everything is asked for again.
func (c *Client) lost(broken bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.ws = nil
	if broken {
		c.replica.Epoch = ""
		clear(c.turns)
	}
	c.replica.Disconnected()
	c.line.disconnected()
}

func (c *Client) renew(ctx context.Context, ws *websocket.Conn) error {
	token, err := c.o.Token(ctx, true)
	if err != nil {
		return err
	}
	return write(ctx, ws, wire.Auth{Token: token})
}

// writeTimeout bounds one write; the connection is of no use after that.
const writeTimeout = 10 * time.Second

func write(ctx context.Context, ws *websocket.Conn, f wire.ClientFrame) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), writeTimeout)
	defer cancel()
	err := ws.Write(ctx, websocket.MessageText, wire.EncodeClient(f))
	if errors.Is(err, net.ErrClosed) {
		return nil // the reader tells why
	}
	return err
}

// watch notices a server that has gone silent: it asks, and gives up when no answer comes.
type watch struct {
	silence time.Duration
	ask     func()
	giveUp  func()

	mu    sync.Mutex
	calm  time.Duration // how long silence means nothing
	asked bool
	timer *time.Timer
}

// firstCalm is how long the answer to hello may take.
const firstCalm = 30 * time.Second

func newWatch(silence time.Duration, ask, giveUp func()) *watch {
	w := &watch{silence: silence, ask: ask, giveUp: giveUp, calm: firstCalm}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.timer = time.AfterFunc(w.calm, w.silent)
	return w
}

// every tells how long the server is silent at most when all is well.
func (w *watch) every(calm time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.calm = calm
	w.timer.Reset(calm)
}

func (w *watch) heard() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.asked = false
	w.timer.Reset(w.calm)
}

func (w *watch) silent() {
	w.mu.Lock()
	again := w.asked
	w.asked = true
	if !again {
		w.timer.Reset(w.silence)
	}
	w.mu.Unlock()
	if again {
		w.giveUp()
	} else {
		w.ask()
	}
}

func (w *watch) stop() { w.timer.Stop() }
