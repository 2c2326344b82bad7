package session

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"sync"
	"time"

	"tandem"
	"tandem/sync/wire"
)

// retryGap is when a mutation may come again that only followed one refused for now.
const retryGap = 100 * time.Millisecond

const toolList = "list_tasks"

// maxKept bounds the result of a read that is kept under its mid. A larger one is read again for the same mid: it changed
// nothing, and lists would fill the table.
const maxKept = tandem.MaxKeptResult

// mutate carries out the next mutation of the client, gives the first result of an older one again, and refuses a later
// one. It gives ok or the code of the refusal.
func (c *session) mutate(ctx context.Context, f wire.Mutate) string {
	if !c.isNext(ctx, f.Mid) {
		return c.notNext(ctx, f.Mid, &f)
	}
	result, err := c.call(ctx, f, f.Mid)
	if err != nil {
		n := c.nack(ctx, err)
		if n.Code == wire.CodeConflict {
			n.Row = c.rowOf(ctx, f)
		}
		return c.settleRefusal(ctx, f.Mid, n)
	}
	if err := c.settle(ctx, f, result); err != nil {
		return c.settleRefusal(ctx, f.Mid, c.nack(ctx, err))
	}
	return c.reply(frameOf(f.Mid, tandem.Outcome{Result: result}))
}

func (c *session) call(ctx context.Context, f wire.Mutate, mid int64) (json.RawMessage, error) {
	p := c.principal()
	return c.o.Tools.Call(ctx, Caller{
		User: p.User, Client: c.client, Mid: mid, Program: p.Program, TokenID: p.TokenID, Scopes: p.Scopes, IfVersion: f.IfVer,
	}, f.Tool, f.Args)
}

// settle makes sure that the mid of a success is used up. A write has done so itself, in its own transaction.
func (c *session) settle(ctx context.Context, f wire.Mutate, result json.RawMessage) error {
	user := c.principal().User
	if f.Tool != toolList {
		last, err := c.o.Mids.LastMid(ctx, user, c.client)
		if err != nil {
			return err
		}
		if last >= f.Mid {
			c.last.Store(f.Mid)
			return nil
		}
	}
	kept := result
	if f.Tool == toolList && len(kept) > maxKept {
		kept = nil
	}
	if err := c.o.Mids.UseMid(ctx, user, c.client, f.Mid, kept); err != nil {
		return err
	}
	c.last.Store(f.Mid)
	return nil
}

// settleRefusal uses up the mid of a final refusal, and answers.
func (c *session) settleRefusal(ctx context.Context, mid int64, n wire.Nack) string {
	n.Mid = mid
	if n.Code.Final() {
		if err := c.o.Mids.UseMid(ctx, c.principal().User, c.client, mid, keptRefusal(n)); err != nil {
			n = c.nack(ctx, err)
			n.Mid = mid
		} else {
			c.last.Store(mid)
		}
	}
	if !n.Code.Final() && n.Code != wire.CodeMidGap {
		c.postpone(n)
		return string(n.Code)
	}
	return c.reply(n)
}

// isNext reports whether the mid is the next one. Another connection of this client may have moved on.
func (c *session) isNext(ctx context.Context, mid int64) bool {
	if mid == c.last.Load()+1 {
		return true
	}
	if last, err := c.o.Mids.LastMid(ctx, c.principal().User, c.client); err == nil {
		c.last.Store(last)
	}
	return mid == c.last.Load()+1
}

// notNext answers a mid that is not the next one: with its first result, or as a gap. The result of a large read was not
// kept, so f, if it is one, is read again.
func (c *session) notNext(ctx context.Context, mid int64, f *wire.Mutate) string {
	if last := c.last.Load(); mid > last+1 {
		return c.gap(mid, last)
	}
	outcome, found, err := c.o.Mids.MidOutcome(ctx, c.principal().User, c.client, mid)
	if err == nil && found && outcome.Result == nil && f != nil && f.Tool == toolList {
		outcome.Seq = 0 // what is read now is of now
		outcome.Result, err = c.call(ctx, *f, 0)
	}
	if err != nil {
		n := c.nack(ctx, err)
		n.Mid = mid
		return c.reply(n)
	}
	return c.reply(frameOf(mid, outcome))
}

// gap refuses a mid that leaps ahead: for now, when the next one was refused for now and will come again.
func (c *session) gap(mid, last int64) string {
	if c.later.has(last + 1) {
		n := wire.Nack{Mid: mid, Code: wire.CodeRate, Msg: "An earlier change waits.", RetryMS: retryGap.Milliseconds()}
		c.postpone(n)
		return string(n.Code)
	}
	return c.reply(wire.Nack{Mid: mid, Code: wire.CodeMidGap, Msg: fmt.Sprintf("The next mid of this client is %d.", last+1)})
}

// answer makes the frame again that answered a mid.
func (c *session) answer(ctx context.Context, mid int64) (wire.ServerFrame, error) {
	outcome, _, err := c.o.Mids.MidOutcome(ctx, c.principal().User, c.client, mid)
	if err != nil {
		return nil, err
	}
	return frameOf(mid, outcome), nil
}

// reply queues an answer, and gives ok or the code of the refusal.
func (c *session) reply(f wire.ServerFrame) string {
	switch f := f.(type) {
	case wire.Ack:
		tandem.FaultPoint("session.before_ack_enqueue")
		c.member.Ack(f)
	case wire.Nack:
		c.member.Nack(f)
		return string(f.Code)
	}
	return "ok"
}

// kept is how a refusal is stored in the place of a result. No tool's result has a nack.
type kept struct {
	Nack *wire.Nack `json:"nack,omitempty"`
	Seq  tandem.Seq `json:"seq,omitempty"` // of a result
}

func keptRefusal(n wire.Nack) json.RawMessage {
	b, err := json.Marshal(kept{Nack: &n})
	if err != nil {
		panic(err) // our own types always encode
	}
	return b
}

// frameOf makes the answer of a stored outcome.
func frameOf(mid int64, outcome tandem.Outcome) wire.ServerFrame {
	var k kept
	if outcome.Result == nil || json.Unmarshal(outcome.Result, &k) != nil {
		return wire.Nack{Mid: mid, Code: wire.CodeLost, Msg: "What came of this is not known any more."}
	}
	if k.Nack != nil {
		k.Nack.Mid = mid
		return *k.Nack
	}
	return wire.Ack{Mid: mid, Seq: cmp.Or(k.Seq, outcome.Seq), Result: outcome.Result}
}

// rowOf gives the task that a conflict is about as it is now, where the call names one.
func (c *session) rowOf(ctx context.Context, f wire.Mutate) json.RawMessage {
	var args struct {
		ID json.RawMessage `json:"task_id"`
	}
	if json.Unmarshal(f.Args, &args) != nil || args.ID == nil {
		return nil
	}
	ask, err := json.Marshal(map[string]any{"ids": []json.RawMessage{args.ID}, "limit": 1})
	if err != nil {
		return nil
	}
	f.Tool, f.Args, f.IfVer = toolList, ask, 0
	result, err := c.call(ctx, f, 0)
	if err != nil {
		return nil // the refusal stands without the row
	}
	var page struct {
		Tasks []json.RawMessage `json:"tasks"`
	}
	if json.Unmarshal(result, &page) != nil || len(page.Tasks) != 1 {
		return nil
	}
	return page.Tasks[0]
}

// maxLater bounds what is remembered of mutations refused for now; those beyond it are gaps.
const maxLater = 1024

// later holds the mids that were refused for now. What follows them on the wire is no gap: the client does not know yet.
type later struct {
	mu   sync.Mutex
	mids map[int64]struct{}
}

func (l *later) add(mid, settled int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.mids == nil {
		l.mids = map[int64]struct{}{}
	}
	maps.DeleteFunc(l.mids, func(m int64, _ struct{}) bool { return m <= settled })
	if len(l.mids) < maxLater {
		l.mids[mid] = struct{}{}
	}
}

func (l *later) has(mid int64) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	_, ok := l.mids[mid]
	return ok
}
