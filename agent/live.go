package agent

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"sync"
	"time"

	"tandem"
)

// live is a turn that this process works on: the row as it will be saved, and those who watch it.
type live struct {
	key     turnKey
	now     func() time.Time
	publish func(tandem.Signal)
	done    chan struct{} // closed when the turn has ended here
	fresh   bool          // the conversation begins with this turn: nothing was said or asked before
	trace   tandem.Trace  // that the work belongs to
	saving  sync.Mutex    // held while the row is written, so that an older one never follows a newer one

	mu       sync.Mutex
	turn     tandem.Turn
	untold   string // the end of turn.Reply that no text event has told yet
	tools    []tandem.TurnTool
	approval *tandem.Approval
	end      *tandem.TurnEnd // once the turn has ended for good
	endedAt  time.Time
	answer   Answer
	err      error // why there is no answer
	watchers map[*watcher]struct{}
	opening  *watcher // gathers events until the first one comes to watch
	cancel   context.CancelCauseFunc
	halted   error // a stop that came before the work began
}

func newLive(t tandem.Turn, now func() time.Time, publish func(tandem.Signal)) *live {
	w := newWatcher()
	return &live{
		key: turnKey{t.UserID, t.ID}, now: now, publish: publish, done: make(chan struct{}), turn: t, trace: tandem.Trace{ID: t.TraceID},
		opening: w, watchers: map[*watcher]struct{}{w: {}},
	}
}

// ended tells when the turn ended here.
func (l *live) ended() (time.Time, bool) {
	select {
	case <-l.done:
		l.mu.Lock()
		defer l.mu.Unlock()
		return l.endedAt, true
	default:
		return time.Time{}, false
	}
}

// begin gives the work a way to be stopped.
func (l *live) begin(cancel context.CancelCauseFunc) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.cancel = cancel; l.halted != nil {
		cancel(l.halted)
	}
}

func (l *live) stop(why error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.halted == nil {
		l.halted = why
	}
	if l.cancel != nil {
		l.cancel(why)
	}
}

// abandon ends the turn here without ending it: its watchers look for it elsewhere.
func (l *live) abandon() {
	l.stop(errAbandoned)
	l.close(Answer{}, errAbandoned)
}

// close lets go of all who wait for the turn. Only the first call counts.
func (l *live) close(a Answer, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	select {
	case <-l.done:
		return
	default:
	}
	l.answer, l.err, l.endedAt = a, err, l.now()
	close(l.done)
}

// row copies the turn as it is to be saved.
func (l *live) row() tandem.Turn {
	l.mu.Lock()
	defer l.mu.Unlock()
	t := l.turn
	t.Calls = slices.Clone(t.Calls)
	return t
}

// length is that of the reply so far.
func (l *live) length() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.turn.Reply)
}

// edit changes the turn's row without telling anybody.
func (l *live) edit(f func(*tandem.Turn)) {
	l.mu.Lock()
	defer l.mu.Unlock()
	f(&l.turn)
}

// skipped is how far the numbers of events jump when another process goes on: further than a process can have come between
// two saves.
const skipped = 10_000

// start tells that the work begins, or begins again in another process.
func (l *live) start(resumed bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if resumed {
		l.turn.N += skipped
		l.tools = shownTools(l.turn.Calls)
		l.emit(l.state())
		return
	}
	l.emit(tandem.TurnEvent{Ev: tandem.TurnEvStart, Engine: l.turn.Engine})
}

// write adds text to the reply; flush tells it.
func (l *live) write(text string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.turn.Reply += text
	l.untold += text
}

// paragraph parts what is written next from the text before.
func (l *live) paragraph() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.turn.Reply == "" || strings.HasSuffix(l.turn.Reply, "\n\n") {
		return
	}
	l.turn.Reply += "\n\n"
	l.untold += "\n\n"
}

func (l *live) flush() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.tell()
}

// say writes text and tells it at once.
func (l *live) say(text string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.turn.Reply += text
	l.untold += text
	l.tell()
}

func (l *live) tell() {
	if l.untold == "" {
		return
	}
	text := l.untold
	l.untold = ""
	l.emit(tandem.TurnEvent{Ev: tandem.TurnEvText, D: text})
}

// withdraw takes back all text beyond the first n bytes and the calls that only formed.
func (l *live) withdraw(n int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	forming := slices.ContainsFunc(l.tools, isForming)
	if n >= len(l.turn.Reply) && !forming {
		return
	}
	l.turn.Reply, l.untold = l.turn.Reply[:min(n, len(l.turn.Reply))], ""
	l.tools = slices.DeleteFunc(l.tools, isForming)
	l.emit(l.state())
}

func isForming(t tandem.TurnTool) bool { return t.Phase == phaseForming }

// tool tells a call's new phase.
func (l *live) tool(t tandem.TurnTool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.tell()
	if i := slices.IndexFunc(l.tools, func(o tandem.TurnTool) bool { return o.ID == t.ID }); i >= 0 {
		l.tools[i] = t
	} else {
		l.tools = append(l.tools, t)
	}
	l.emit(tandem.TurnEvent{Ev: tandem.TurnEvTool, Tool: &t})
}

// ask tells a question that waits for the person.
func (l *live) ask(a tandem.Approval) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.tell()
	l.approval = &a
	l.emit(tandem.TurnEvent{Ev: tandem.TurnEvApproval, Approval: &a})
}

// finish tells the end and lets go of all who wait.
func (l *live) finish(end tandem.TurnEnd, a Answer) {
	l.mu.Lock()
	l.tell()
	l.end, l.turn.Status = &end, end.Status
	l.emit(tandem.TurnEvent{Ev: tandem.TurnEvDone, End: &end})
	l.mu.Unlock()
	l.close(a, nil)
}

// emit numbers an event and hands it to all. Called with mu held, so that the order of the numbers is the order of delivery.
func (l *live) emit(ev tandem.TurnEvent) {
	l.turn.N++
	ev.Turn, ev.Conv, ev.N = l.turn.ID, l.turn.Conversation, l.turn.N
	if ev.Engine == "" {
		ev.Engine = l.turn.Engine
	}
	for w := range l.watchers {
		w.push(ev)
	}
	l.publish(tandem.Signal{User: l.turn.UserID, Turn: &ev})
}

// state is all there is so far. Called with mu held.
func (l *live) state() tandem.TurnEvent {
	return stateOf(l.turn, slices.Clone(l.tools), l.approval)
}

func stateOf(t tandem.Turn, tools []tandem.TurnTool, a *tandem.Approval) tandem.TurnEvent {
	return tandem.TurnEvent{
		Turn: t.ID, Conv: t.Conversation, N: t.N, Ev: tandem.TurnEvState, Engine: t.Engine, Text: t.Reply, Tools: tools,
		Status: t.Status, Approval: a,
	}
}

// snapshot gives the state of a turn that is asked for from outside.
func (l *live) snapshot() tandem.TurnEvent {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.tell()
	return l.state()
}

// The phases of a call that are no status of a stored call.
const (
	phaseForming = "forming"
	phaseQueued  = "queued"
	phaseWaiting = "waiting"
	phaseRunning = "running"
	phaseOK      = "ok"
	phaseError   = "error"
)

// shownTool gives a stored call as devices see it.
func shownTool(c tandem.ToolCall) tandem.TurnTool {
	t := tandem.TurnTool{ID: c.ID, Name: c.Tool, Phase: c.Status, Args: c.Arguments, Seq: c.Seq, OpID: c.OpID, Result: c.Result}
	if c.Status == phaseError {
		t.Err = failureOf(c.Result).Error
	}
	return t
}

// shownTools leaves out what is no tool of the product.
func shownTools(calls []tandem.ToolCall) []tandem.TurnTool {
	out := []tandem.TurnTool{}
	for _, c := range calls {
		if known(c.Tool) {
			out = append(out, shownTool(c))
		}
	}
	return out
}

// failure is a tool's structured error, as far as the loop looks at it.
type failure struct {
	Error   string `json:"error"`
	Message string `json:"message"`
	Details struct {
		RetryMS int64 `json:"retry_ms"`
	} `json:"details"`
}

func failureOf(result json.RawMessage) (f failure) {
	_ = json.Unmarshal(result, &f) // what is no such object has no error code
	return f
}
