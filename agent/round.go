package agent

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"time"

	"tandem"
)

// heard is what a model said in one round.
type heard struct {
	calls    []Call
	question *Question
	forming  map[string]Call // told when they grow; by the model's id
	order    []string        // of the calls that form, by the model's id
	began    time.Time
	begun    bool // anything came
	spoke    bool // text came
	prose    prose
	bytes    int
	usage    tandem.Usage
}

// Bounds of what a model may say in one turn, and in one call.
const (
	maxReply     = 32 << 10
	maxArguments = 64 << 10
)

// Why listening to a model ends early.
var (
	errSilent  = errors.New("the model fell silent")
	errEndless = errors.New("the model does not come to an end")
)

// next is one round: the model speaks, and what it calls is carried out. outer outlives the turn's deadline.
func (r *run) next(ctx, outer context.Context) (ending, bool) {
	switch {
	case r.round >= r.Limits.Rounds:
		return r.limit("this took more than %d rounds", r.Limits.Rounds), true
	case r.usage.Input+r.usage.Output > r.Limits.TurnTokens:
		return r.limit("this took more than %d tokens", int(r.Limits.TurnTokens)), true
	}
	r.round++
	r.excuseSelf()
	at := r.live.length()
	h, err := r.listen(ctx, r.ask())
	if err != nil {
		return r.unheard(ctx, outer, at, err)
	}
	if r.model != r.Fallback {
		r.circuit.report(true, r.Now())
	}
	switch {
	case h.question != nil:
		return r.question(ctx, *h.question), true
	case len(h.calls) == 0:
		return ending{status: tandem.TurnDone}, true
	}
	return r.take(ctx, h.calls)
}

func (r *run) limit(format string, n int) ending {
	return ending{tandem.TurnLimit, "I stopped: " + fmt.Sprintf(format, n) + "."}
}

// ask makes the request of a round. History goes first when there is too much.
func (r *run) ask() Request {
	own := append([]Message{{Role: RoleUser, Text: r.turn.Text}}, r.retrace()...)
	past := r.past.messages
	room := r.Limits.TurnTokens/4 - tokensOf(own)
	for len(past) > 0 && tokensOf(past) > room {
		past = past[1:]
		for len(past) > 0 && past[0].Role != RoleUser {
			past = past[1:]
		}
	}
	return Request{
		User: r.turn.UserID, Now: r.now, Zone: r.zone, Settings: r.settings, System: system, Messages: slices.Concat(past, own),
		Tools: r.tools.List(), Focus: r.past.focus, Shown: r.past.shown, Earlier: r.past.earlier,
	}
}

// tokensOf estimates what messages cost.
func tokensOf(messages []Message) int64 {
	n := 0
	for _, m := range messages {
		n += len(m.Text) + len(m.Result)
		for _, c := range m.Calls {
			n += len(c.Arguments)
		}
	}
	return int64(n / 4)
}

// ahead is how many pieces a model may speak before the first is heard: what is there at once needs no handing over one by one.
const ahead = 16

type piece struct {
	event Event
	err   error
}

// listen asks the model and passes on what it says while it says it.
func (r *run) listen(ctx context.Context, req Request) (h heard, err error) {
	ctx, hangUp := context.WithCancel(ctx)
	pieces := make(chan piece, ahead)
	var speaking sync.WaitGroup
	defer speaking.Wait()
	defer hangUp()
	speaking.Go(func() {
		defer close(pieces)
		r.speak(ctx, req, pieces)
	})
	h = heard{forming: map[string]Call{}, began: r.Now()}
	defer func() { r.charge(context.WithoutCancel(ctx), req, h) }()
	return h, r.follow(ctx, pieces, &h)
}

// speak lets the model speak into pieces. A model that panics has failed like any other.
func (r *run) speak(ctx context.Context, req Request, pieces chan<- piece) {
	say := func(p piece) bool {
		select {
		case pieces <- p:
			return true
		case <-ctx.Done():
			return false
		}
	}
	defer func() {
		if p := recover(); p != nil {
			say(piece{err: fmt.Errorf("panic: %v\n%s", p, debug.Stack())})
		}
	}()
	for ev, err := range r.model.Stream(ctx, req) {
		if !say(piece{ev, err}) {
			return
		}
	}
}

// follow takes the pieces as they come, tells text and forming calls every Limits.Flush, and loses patience with silence.
func (r *run) follow(ctx context.Context, pieces <-chan piece, h *heard) error {
	patience := time.NewTimer(r.Limits.FirstToken)
	defer patience.Stop()
	var flush <-chan time.Time
	for {
		select {
		case p, open := <-pieces:
			if !open {
				r.tell(h, h.prose.rest())
				r.live.flush()
				return context.Cause(ctx)
			}
			patience.Reset(r.Limits.Stall)
			if err := r.hear(h, p); err != nil {
				return err
			}
			tandem.FaultPoint("agent.mid_stream")
			if flush == nil {
				flush = time.After(r.Limits.Flush)
			}
		case <-flush:
			flush = nil
			r.live.flush()
			r.showForming(h)
		case <-patience.C:
			return errSilent
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// hear takes one piece of what the model says.
func (r *run) hear(h *heard, p piece) error {
	if p.err != nil {
		return p.err
	}
	if !h.begun {
		h.begun = true
		r.Metrics.FirstToken(r.model.Engine(), r.Now().Sub(h.began))
	}
	switch ev := p.event; {
	case ev.Text != "":
		return r.hearText(h, ev.Text)
	case ev.Forming != nil:
		return h.hearForming(*ev.Forming)
	case ev.Call != nil:
		h.bytes += len(ev.Call.Arguments)
		if len(h.calls) > r.Limits.Calls || len(ev.Call.Arguments) > maxArguments {
			return errEndless
		}
		h.calls = append(h.calls, *ev.Call)
	case ev.Question != nil:
		h.question = ev.Question
	case ev.Usage != nil:
		h.usage.Input += ev.Usage.Input
		h.usage.Output += ev.Usage.Output
	}
	return nil
}

func (r *run) hearText(h *heard, text string) error {
	if r.live.length()+len(text) > maxReply {
		return errEndless
	}
	h.bytes += len(text)
	if r.model.Engine() != enginePlanner {
		text = h.prose.pass(text)
	}
	r.tell(h, text)
	return nil
}

// tell adds text to the reply.
func (r *run) tell(h *heard, text string) {
	if text == "" {
		return
	}
	if !h.spoke {
		h.spoke = true
		r.live.paragraph()
	}
	r.live.write(text)
}

func (h *heard) hearForming(c Call) error {
	if len(c.Arguments) > maxArguments {
		return errEndless
	}
	if !slices.Contains(h.order, c.ID) {
		h.order = append(h.order, c.ID)
	}
	h.forming[c.ID] = c
	return nil
}

// showForming lets devices draw the calls that are still being written.
func (r *run) showForming(h *heard) {
	for i, id := range h.order {
		c, ok := h.forming[id]
		if !ok || !known(c.Tool) {
			continue
		}
		delete(h.forming, id) // until it grows again
		if args, ok := completed(c.Arguments); ok {
			r.live.tool(tandem.TurnTool{ID: callID(r.turn.ID, r.round, i), Name: c.Tool, Phase: phaseForming, Args: args})
		}
	}
}

// charge books the tokens of a round. A provider that does not tell them is charged by the size of what was said.
func (r *run) charge(ctx context.Context, req Request, h heard) {
	if r.model.Engine() == enginePlanner {
		return
	}
	usage := h.usage
	if usage.Input == 0 && usage.Output == 0 {
		usage = tandem.Usage{Input: tokensOf(req.Messages), Output: int64(h.bytes / 4)}
	}
	r.usage.Input += usage.Input
	r.usage.Output += usage.Output
	r.Metrics.Tokens("input", usage.Input)
	r.Metrics.Tokens("output", usage.Output)
	if err := r.Store.Spend(ctx, r.turn.UserID, r.Now(), usage.Input+usage.Output); err != nil {
		r.Log.WarnContext(ctx, "tokens not counted", "user_id", r.turn.UserID, "turn_id", r.turn.ID, "err", err)
	}
}

// enginePlanner is the engine that costs nothing.
const enginePlanner = "planner"

// unheard decides what follows a round that the model did not bring to its end. at is how long the reply was before it.
func (r *run) unheard(ctx, outer context.Context, at int, err error) (ending, bool) {
	late := errors.Is(context.Cause(ctx), errDeadline)
	if ctx.Err() != nil && !late {
		return r.stopped(ctx, err), true
	}
	r.Metrics.ModelError(reasonOf(err, late))
	r.Log.WarnContext(ctx, "model failed", "user_id", r.turn.UserID, "turn_id", r.turn.ID, "engine", r.model.Engine(), "err", err)
	untouched := len(r.live.row().Calls) == 0
	switch {
	case errors.Is(err, errEndless):
		return ending{tandem.TurnLimit, "I stopped: the answer did not come to an end."}, true
	case r.model == r.Fallback || late && !untouched:
		return r.stopped(ctx, err), true
	case untouched:
		r.circuit.report(false, r.Now())
		r.live.withdraw(at)
		r.excuse = excuseDown
		if late || errors.Is(err, errSilent) {
			r.excuse = excuseSlow
		}
		return r.fallBack(outer)
	case !r.retried:
		r.retried = true
		r.round--
		r.live.withdraw(at)
		return ending{}, false
	}
	r.circuit.report(false, r.Now())
	return ending{tandem.TurnFailed, "I could not finish this: the language model did not answer."}, true
}

// fallbackTime is what the fallback gets when the turn's own time is over.
const fallbackTime = 10 * time.Second

// fallBack lets the planner answer instead. It runs in the time that it needs, not in what the model has left of the turn.
func (r *run) fallBack(outer context.Context) (ending, bool) {
	ctx, stop := context.WithTimeoutCause(outer, fallbackTime, errDeadline)
	defer stop()
	r.model, r.round = r.Fallback, 0
	r.setEngine()
	if err := r.bind(ctx); err != nil {
		return r.stopped(ctx, err), true
	}
	end, done := ending{}, false
	for !done {
		end, done = r.next(ctx, outer)
	}
	return end, true
}

func reasonOf(err error, late bool) string {
	switch {
	case late:
		return "timeout"
	case errors.Is(err, errSilent):
		return "stall"
	case errors.Is(err, errEndless):
		return "endless"
	default:
		return "http"
	}
}

// completed closes JSON that is still being written, so far as it holds whole members of an object.
func completed(partial json.RawMessage) (json.RawMessage, bool) {
	var closers []byte
	inString, escaped := false, false
	for _, b := range partial {
		switch {
		case escaped:
			escaped = false
		case inString && b == '\\':
			escaped = true
		case b == '"':
			inString = !inString
		case inString:
		case b == '{':
			closers = append(closers, '}')
		case b == '[':
			closers = append(closers, ']')
		case (b == '}' || b == ']') && len(closers) > 0:
			closers = closers[:len(closers)-1]
		}
	}
	text := string(partial)
	if escaped {
		text = text[:len(text)-1]
	}
	if inString {
		text += `"`
	}
	slices.Reverse(closers)
	for _, end := range []string{"", "null", ":null"} {
		if out := strings.TrimRight(strings.TrimSpace(text)+end, ", ") + string(closers); json.Valid([]byte(out)) && strings.HasPrefix(out, "{") {
			return json.RawMessage(out), true
		}
	}
	return nil, false
}
