package agent

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"time"

	"tandem"
)

// run is one process's work on a turn.
type run struct {
	*Service
	live     *live
	turn     tandem.Turn // as it was when the work began
	request  request
	resumed  bool
	settings tandem.Settings
	zone     *time.Location
	zoneName string
	now      time.Time
	tools    Tools
	past     recollection
	policy   policy
	model    Model
	excuse   string // why Fallback answers in place of Primary

	round      int // of the model, counted from 1 as each begins
	unreadable int
	retried    bool
	usage      tandem.Usage
	results    map[string]json.RawMessage // uncut, by call id
	attempt    *attempt                   // the write that runs now
	held       []held                     // writes that wait for a yes
	asked      *tandem.Approval           // with which the turn ends
}

// ending is how a turn's work came out.
type ending struct {
	status tandem.TurnStatus
	reason string // for the person, when the work did not come to its end
}

const interrupted = "I was interrupted and could not finish this."

// maxAttempts is how many processes may try a turn before it is given up as lost.
const maxAttempts = 4

// perform works on a turn until it has ended or moved away.
func (s *Service) perform(ctx context.Context, l *live) {
	s.Metrics.Running(1)
	defer s.Metrics.Running(-1)
	ctx, ended := tandem.Begin(l.trace.In(ctx), tandem.Step{Name: "turn", Attrs: []slog.Attr{
		slog.String("turn_id", l.key.id), slog.String("user_id", string(l.key.user)), slog.Int64("attempt", l.row().Attempt),
	}})
	defer func() { ended(nil) }()
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	l.begin(stop)
	defer s.listenFor(ctx, l)()
	var keeping sync.WaitGroup
	keep, rest := context.WithCancel(ctx)
	keeping.Go(func() { s.keep(keep, l) })

	r := &run{Service: s, live: l, turn: l.row(), results: map[string]json.RawMessage{}}
	r.request, r.resumed = requestOf(r.turn), r.turn.Attempt > 1 || r.turn.N > 0
	end := r.work(ctx)
	rest()
	keeping.Wait()
	if errors.Is(context.Cause(ctx), errAbandoned) {
		l.abandon()
		return
	}
	r.conclude(context.WithoutCancel(ctx), end)
}

// listenFor stops the turn when another process is asked to.
func (s *Service) listenFor(ctx context.Context, l *live) (leave func()) {
	if s.Join == nil {
		return func() {}
	}
	leave, err := s.Join(ctx, l.key.user, func(sig tandem.Signal) {
		if sig.Control == tandem.ControlCancel && sig.TurnID == l.key.id {
			l.stop(errCancelled)
		}
	})
	if err != nil {
		s.Log.WarnContext(ctx, "channel not joined", "user_id", l.key.user, "turn_id", l.key.id, "err", err)
		return func() {}
	}
	return leave
}

// keep saves the partial reply and renews the lease while the turn is worked on.
func (s *Service) keep(ctx context.Context, l *live) {
	tick := time.NewTicker(s.Limits.Save)
	defer tick.Stop()
	saved, at := l.row().N, s.Now()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		l.flush()
		n := l.row().N
		if n == saved && s.Now().Sub(at) < tandem.TurnLease/3 {
			continue
		}
		if err := s.save(ctx, l); err == nil {
			saved, at = n, s.Now()
		}
	}
}

// save stores the turn as it is. A turn that another process has taken is stopped here, and so is one that the person
// cancelled.
func (s *Service) save(ctx context.Context, l *live) error {
	l.saving.Lock()
	defer l.saving.Unlock()
	cancel, err := s.Store.SaveTurn(context.WithoutCancel(ctx), l.row())
	switch {
	case errors.Is(err, tandem.ErrConflict):
		l.stop(errAbandoned)
		return err
	case err != nil:
		s.Log.WarnContext(ctx, "turn not saved", "user_id", l.key.user, "turn_id", l.key.id, "err", err)
		return fmt.Errorf("save turn %s: %w", l.key.id, err)
	case cancel:
		l.stop(errCancelled)
	}
	return nil
}

// work leads the turn to its end. It never panics.
func (r *run) work(outer context.Context) (end ending) {
	defer func() {
		if p := recover(); p != nil {
			end = r.broken(outer, fmt.Errorf("panic: %v\n%s", p, debug.Stack()))
		}
	}()
	ctx, stop := context.WithTimeoutCause(outer, r.Limits.Turn-r.Now().Sub(r.turn.StartedAt), errDeadline)
	defer stop()
	r.choose(ctx)
	r.live.start(r.resumed)
	if r.resumed && (ctx.Err() != nil || r.turn.Attempt > maxAttempts) {
		return ending{tandem.TurnLost, interrupted}
	}
	defer r.release()
	if err := r.prepare(ctx); err != nil {
		return r.stopped(ctx, err)
	}
	end, done := r.begin(ctx)
	for !done {
		end, done = r.next(ctx, outer)
	}
	return end
}

// choose takes the model that answers.
func (r *run) choose(ctx context.Context) {
	r.model = r.Fallback
	switch primary := r.primary(); {
	case primary == nil:
	case r.overspent(ctx):
		r.Metrics.ModelError("budget")
		r.excuse = excuseBudget
	case !r.circuit.allow(r.Now()):
		r.Metrics.ModelError("open")
		r.excuse = excuseDown
	default:
		r.model = primary
	}
	r.setEngine()
}

// overspent reports that the person's budget of the day is used up. One that cannot be read counts as unspent.
func (r *run) overspent(ctx context.Context) bool {
	spent, err := r.Store.Spent(ctx, r.turn.UserID, r.Now())
	if err != nil {
		r.Log.WarnContext(ctx, "budget not read", "user_id", r.turn.UserID, "turn_id", r.turn.ID, "err", err)
	}
	return spent >= r.Limits.DayTokens
}

// How an answer begins that Fallback gives in place of Primary.
const (
	excuseDown   = "The language model cannot be reached right now, so the built-in planner answers."
	excuseSlow   = "The language model takes too long right now, so the built-in planner answers."
	excuseBudget = "Today's budget for the language model is used up, so the built-in planner answers."
)

// excuseSelf says once why Fallback answers.
func (r *run) excuseSelf() {
	if r.excuse == "" || strings.Contains(r.live.row().Reply, r.excuse) {
		return
	}
	r.live.paragraph()
	r.live.write(r.excuse)
	r.live.flush()
}

func (r *run) setEngine() {
	r.policy.planned = r.model == r.Fallback
	r.live.edit(func(t *tandem.Turn) { t.Engine = r.model.Engine() })
}

// prepare reads what the turn needs to know.
func (r *run) prepare(ctx context.Context) (err error) {
	if r.settings, err = r.Store.Settings(ctx, r.turn.UserID); err != nil {
		return fmt.Errorf("read settings: %w", err)
	}
	if !r.live.fresh {
		if r.past, err = r.recollect(ctx, r.turn, r.policy.planned); err != nil {
			return err
		}
	}
	r.now, r.zone, r.zoneName = r.turn.StartedAt, r.settings.Zone(), r.turn.Zone
	if zone, err := tandem.LoadZone(r.turn.Zone); err == nil {
		r.zone = zone
	}
	r.policy.words, r.policy.always, r.policy.pending = r.turn.Text, r.settings.Autonomy == "always", -1
	r.policy.hints = Hints{Now: r.now, Focus: r.past.focus, Shown: r.past.shown}
	r.policy.tainted = len(r.past.earlier.Done) > 0 || slices.ContainsFunc(r.past.messages, func(m Message) bool { return m.Role == RoleTool })
	return r.bind(ctx)
}

// bind ties the tools to this turn.
func (r *run) bind(ctx context.Context) error {
	b := Binding{
		User: r.turn.UserID, Turn: r.turn.ID, Conversation: r.turn.Conversation, MessageID: r.turn.MessageID, Words: r.policy.words,
		Now: r.now, Zone: r.zoneName, Settings: r.settings, Scopes: r.request.Scopes, Guard: r.guard,
	}
	if r.policy.planned {
		b.Words = "" // its dates are the grammar's own reading of them
	}
	t, err := r.Tools(ctx, b)
	if err != nil {
		return fmt.Errorf("bind tools: %w", err)
	}
	r.release()
	r.tools = t
	return nil
}

func (r *run) release() {
	if r.tools == nil {
		return
	}
	if err := r.tools.Close(); err != nil {
		r.Log.Warn("tools not closed", "turn_id", r.turn.ID, "err", err)
	}
}

// begin does what comes before the model: it goes on with recorded calls, and takes an answer to a question.
func (r *run) begin(ctx context.Context) (ending, bool) {
	for _, c := range r.turn.Calls {
		r.round = max(r.round, recordOf(c).Round)
	}
	if len(r.turn.Calls) > 0 {
		r.live.withdraw(recordOf(r.turn.Calls[len(r.turn.Calls)-1]).At)
		if id := recordOf(r.turn.Calls[0]).Approval; id != "" {
			return r.goOn(ctx, id)
		}
		return r.carryOut(ctx, 0)
	}
	r.live.withdraw(0)
	return r.settle(ctx)
}

// conclude stores the reply and tells the end.
func (r *run) conclude(ctx context.Context, end ending) {
	r.close(end)
	row := r.live.row()
	row.Status = end.status
	reply := tandem.Message{
		ID: r.NewID(), UserID: row.UserID, Conversation: row.Conversation, TurnID: row.ID, Role: tandem.RoleAssistant,
		Text: row.Reply, ToolCalls: shownCalls(row.Calls), Engine: row.Engine, Status: string(end.status), CreatedAt: r.Now(),
	}
	var answer Answer
	stored, msg, err := r.store(ctx, row, reply, func(seq tandem.Seq, m tandem.Message) (json.RawMessage, error) {
		answer = r.answerOf(row, m, seq)
		return json.Marshal(answer)
	})
	if err != nil {
		// The lease ends by itself, and whoever takes the turn then finds all calls recorded.
		r.Log.ErrorContext(ctx, "turn not ended", "user_id", row.UserID, "turn_id", row.ID, "err", err)
		r.live.abandon()
		return
	}
	r.Metrics.Ended(end.status, row.Engine, r.Now().Sub(row.StartedAt))
	usage := r.usage
	r.live.finish(tandem.TurnEnd{Status: end.status, MsgID: msg.ID, Seq: stored.Seq, Usage: &usage, Engine: row.Engine}, answer)
}

// How often the end of a turn is tried to be stored; the pauses grow from endPause.
const (
	endTries = 5
	endPause = 100 * time.Millisecond
)

func (r *run) store(ctx context.Context, t tandem.Turn, m tandem.Message,
	respond func(tandem.Seq, tandem.Message) (json.RawMessage, error),
) (stored tandem.Turn, msg tandem.Message, err error) {
	for try := range endTries {
		if stored, msg, err = r.Store.EndTurn(ctx, t, m, respond); err == nil || errors.Is(err, tandem.ErrConflict) {
			return stored, msg, err
		}
		pauseFor(ctx, endPause<<try)
	}
	return stored, msg, fmt.Errorf("end turn %s: %w", t.ID, err)
}

func (r *run) answerOf(t tandem.Turn, m tandem.Message, seq tandem.Seq) Answer {
	a := Answer{
		ConversationID: t.Conversation, Response: m.Text, ToolCalls: m.ToolCalls, TurnID: t.ID, MessageID: m.ID, Seq: seq, Engine: t.Engine,
	}
	if r.asked != nil {
		row := r.asked.Row()
		a.PendingApproval = &row
	}
	return a
}

// shownCalls gives the calls as everybody may see them: only the product's tools, without what is for the model.
func shownCalls(calls []tandem.ToolCall) []tandem.ToolCall {
	out := []tandem.ToolCall{}
	for _, c := range calls {
		if known(c.Tool) {
			c.Raw = nil
			out = append(out, c)
		}
	}
	return out
}

// close says in the reply how the turn ended, as far as the text itself does not.
func (r *run) close(end ending) {
	begun := slices.ContainsFunc(r.live.row().Calls, func(c tandem.ToolCall) bool { return open(c) && c.Status != phaseWaiting && writes(c.Tool) })
	r.dropUnrun()
	r.live.withdraw(r.live.length()) // what only formed will never be
	row := r.live.row()
	text := strings.TrimSpace(strings.TrimPrefix(row.Reply, r.excuse))
	var closing string
	switch {
	case end.status == tandem.TurnLost && r.resumed && begun: // by a process that died before it could say how that came out
		closing = strings.TrimSuffix(end.reason+" "+r.done(), nothing) + doubtful
	case end.reason != "":
		closing = end.reason + " " + r.done()
	case text == "":
		closing = r.done()
	case end.status == tandem.TurnDone && !r.policy.planned && !slices.ContainsFunc(row.Calls, wrote) && claims(text):
		closing = nothing
	}
	if closing != "" {
		r.say(closing)
	}
}

// The closing lines of a turn that changed nothing, and of one that may have done more than it can tell.
const (
	nothing  = "Nothing was changed."
	doubtful = "A change had begun and may have been made; please look."
)

// done tells what the turn did, in the words of the tools.
func (r *run) done() string {
	var done []string
	for _, c := range r.live.row().Calls {
		if wrote(c) {
			done = append(done, resultOf(c.Result).Message)
		}
	}
	switch n := len(done); {
	case n == 0:
		return nothing
	case n > 5:
		return "Done: " + strings.Join(done[:5], " ") + fmt.Sprintf(" And %d more.", n-5)
	default:
		return "Done: " + strings.Join(done, " ")
	}
}

// dropUnrun marks the calls that never ran.
func (r *run) dropUnrun() {
	for i, c := range r.live.row().Calls {
		if c.Status == phaseQueued || c.Status == phaseRunning {
			r.report(i, phaseError, failureResult(tandem.CodeLimited, "Not run: the turn had ended."))
		}
	}
}

// stopped makes an ending of why the work cannot go on.
func (r *run) stopped(ctx context.Context, err error) ending {
	switch cause := context.Cause(ctx); {
	case errors.Is(cause, errCancelled):
		return ending{tandem.TurnCancelled, "Stopped."}
	case errors.Is(cause, errDeadline):
		return ending{tandem.TurnLimit, fmt.Sprintf("I stopped: this took longer than %d seconds.", int(r.Limits.Turn.Seconds()))}
	case ctx.Err() != nil:
		return ending{tandem.TurnLost, interrupted}
	default:
		return r.broken(ctx, err)
	}
}

// broken reports an error of ours under an id.
func (r *run) broken(ctx context.Context, err error) ending {
	id := r.NewID()
	r.Log.ErrorContext(ctx, "turn failed", "user_id", r.turn.UserID, "turn_id", r.turn.ID, "error_id", id, "err", err)
	return ending{tandem.TurnFailed, "Something went wrong on our side (" + id + ")."}
}
