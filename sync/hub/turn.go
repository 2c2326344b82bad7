package hub

import (
	"encoding/json"
	"slices"
	"strings"
	"time"

	"tandem"
)

// Bounds of what a room keeps about turns.
const (
	maxTurns = 64 // a user has three running ones; the rest has ended a moment ago
	maxAhead = 256
)

// turn follows one turn of the assistant by its events.
type turn struct {
	id     string
	conv   int64
	known  bool // everything up to n is in here; otherwise the state has to be asked for
	n      int64
	engine string
	status tandem.TurnStatus
	text   strings.Builder
	tools  []tandem.TurnTool
	asks   *tandem.Approval
	done   *tandem.TurnEvent
	ahead  []tandem.TurnEvent // behind a gap, by n
	seen   time.Time          // of the last event
	asked  time.Time          // when the state was last asked for
}

// take takes the next event and tells which events members can be given now: those that join on to what is known. None
// means that the event is a repetition, or that it lies behind a gap.
func (t *turn) take(e tandem.TurnEvent) []tandem.TurnEvent {
	switch {
	case e.Ev == tandem.TurnEvState, e.Ev == tandem.TurnEvStart && !t.known && t.n == 0:
		t.reset(e)
	case t.known && e.N <= t.n:
		return nil
	case t.known && e.N == t.n+1:
		t.apply(e)
	default:
		t.known = false
		t.hold(e)
		return nil
	}
	return append([]tandem.TurnEvent{e}, t.resume()...)
}

// hold keeps an event for after the gap.
func (t *turn) hold(e tandem.TurnEvent) {
	i, twice := slices.BinarySearchFunc(t.ahead, e.N, func(a tandem.TurnEvent, n int64) int { return int(a.N - n) })
	if !twice && len(t.ahead) < maxAhead {
		t.ahead = slices.Insert(t.ahead, i, e)
	}
}

// resume applies what was held and joins on now.
func (t *turn) resume() (fresh []tandem.TurnEvent) {
	for len(t.ahead) > 0 && t.ahead[0].N <= t.n+1 {
		if e := t.ahead[0]; e.N == t.n+1 {
			t.apply(e)
			fresh = append(fresh, e)
		}
		t.ahead = t.ahead[1:]
	}
	t.known = len(t.ahead) == 0
	return fresh
}

// reset makes e, a state or a start, all that is known.
func (t *turn) reset(e tandem.TurnEvent) {
	t.known, t.n, t.conv, t.engine, t.status = true, e.N, e.Conv, e.Engine, e.Status
	t.tools, t.asks, t.done = slices.Clone(e.Tools), e.Approval, nil
	t.text.Reset()
	t.text.WriteString(e.Text)
	if t.status == "" {
		t.status = tandem.TurnRunning
	}
}

func (t *turn) apply(e tandem.TurnEvent) {
	t.n = e.N
	t.asks = e.Approval
	if e.Engine != "" {
		t.engine = e.Engine
	}
	t.text.WriteString(e.D)
	if e.Tool != nil {
		t.applyTool(*e.Tool)
	}
	if e.Ev == tandem.TurnEvDone {
		t.done = &e
		if e.End != nil {
			t.status = e.End.Status
		}
	}
}

func (t *turn) applyTool(tool tandem.TurnTool) {
	i := slices.IndexFunc(t.tools, func(have tandem.TurnTool) bool { return have.ID == tool.ID })
	if i < 0 {
		t.tools = append(t.tools, tool)
		return
	}
	if tool.Args == nil {
		tool.Args = t.tools[i].Args
	}
	t.tools[i] = tool
}

// state is all there is so far. For a turn that has ended it stands right before the end.
func (t *turn) state() tandem.TurnEvent {
	e := tandem.TurnEvent{
		Turn: t.id, Conv: t.conv, N: t.n, Ev: tandem.TurnEvState, Engine: t.engine, Text: t.text.String(),
		Tools: slices.Clone(t.tools), Status: t.status, Approval: t.asks,
	}
	if t.done != nil {
		e.N = t.done.N - 1
	}
	return e
}

// stored makes a turn of its row: what a member is told that missed it.
func stored(row tandem.Turn) *turn {
	t := &turn{id: row.ID}
	state := tandem.TurnEvent{
		Turn: row.ID, Conv: row.Conversation, N: row.N, Ev: tandem.TurnEvState, Engine: row.Engine, Text: row.Reply, Status: row.Status,
	}
	for _, c := range row.Calls {
		state.Tools = append(state.Tools, tandem.TurnTool{
			ID: c.ID, Name: c.Tool, Phase: c.Status, Args: c.Arguments, Seq: c.Seq, OpID: c.OpID, Result: c.Result,
		})
	}
	t.reset(state)
	if row.Status != tandem.TurnRunning {
		end := tandem.TurnEnd{Status: row.Status, Seq: row.Seq, Engine: row.Engine}
		var answer struct {
			MessageID string `json:"message_id"`
		}
		if json.Unmarshal(row.Response, &answer) == nil {
			end.MsgID = answer.MessageID
		}
		t.apply(tandem.TurnEvent{Turn: row.ID, Conv: row.Conversation, N: row.N + 1, Ev: tandem.TurnEvDone, End: &end})
	}
	return t
}
