package agent

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"tandem"
)

// maxReads is how many reads run at once.
const maxReads = 4

// callTime bounds one call. A write is never cut off by a cancel: it ends within this time, and the turn knows how.
const callTime = 15 * time.Second

// attempt is the write that runs now, as its guard sees it.
type attempt struct {
	tool    string
	args    arguments
	granted *grant  // the person said yes to it
	effect  *Effect // what it was about to commit
	why     string  // it has to wait; empty: it may go
}

// guard decides inside the transaction of a write. The store may ask twice; the last answer counts.
func (r *run) guard(e Effect) *tandem.Error {
	a := r.attempt
	if a == nil {
		return nil
	}
	a.effect = &e
	if a.granted != nil && a.granted.covers(e) {
		a.why = ""
		return nil
	}
	if a.why = r.policy.judge(e, a.args); a.why == "" && a.granted != nil {
		a.why = "it is not what was asked"
	}
	if a.why == "" {
		return nil
	}
	return &tandem.Error{Code: tandem.CodeNeedsApproval, Message: "This waits for the person's yes."}
}

// take records the calls of a round and carries them out.
func (r *run) take(ctx context.Context, calls []Call) (ending, bool) {
	first := len(r.live.row().Calls)
	over := r.recordAll(calls)
	if err := r.save(ctx, r.live); err != nil {
		return r.stopped(ctx, err), true
	}
	if end, done := r.carryOut(ctx, first); done {
		return end, true
	}
	switch {
	case over != "":
		return ending{tandem.TurnLimit, "I stopped: " + over + "."}, true
	case r.unreadable > r.Limits.Unreadable:
		return ending{tandem.TurnFailed, "I could not work out how to do that."}, true
	}
	return ending{}, false
}

// recordAll writes calls down before any of them runs; it stops at a budget and says at which.
func (r *run) recordAll(calls []Call) (over string) {
	at := r.live.length()
	for i, c := range calls {
		row := r.live.row()
		switch {
		case len(row.Calls) >= r.Limits.Calls:
			return fmt.Sprintf("this took more than %d calls", r.Limits.Calls)
		case writes(c.Tool) && known(c.Tool) && countWrites(row.Calls) >= r.Limits.Writes:
			return fmt.Sprintf("this took more than %d changes", r.Limits.Writes)
		}
		r.append(c, record{Round: r.round, At: at, Raw: c.Raw}, i)
	}
	return ""
}

func countWrites(calls []tandem.ToolCall) int {
	n := 0
	for _, c := range calls {
		if writes(c.Tool) && known(c.Tool) {
			n++
		}
	}
	return n
}

// append adds one call to the turn, ready to run, or refused when it cannot be read.
func (r *run) append(c Call, rec record, index int) {
	row := r.live.row()
	if c.ID != "" && !slices.ContainsFunc(row.Calls, func(o tandem.ToolCall) bool { return recordOf(o).ID == c.ID }) {
		rec.ID = c.ID
	}
	call := tandem.ToolCall{
		ID: callID(r.turn.ID, rec.Round, index), Tool: c.Tool, Arguments: json.RawMessage("{}"), Result: json.RawMessage("null"),
		Status: phaseQueued, Raw: encode(rec),
	}
	args, err := readArguments(c.Arguments)
	refusal := ""
	switch {
	case !known(c.Tool):
		refusal = fmt.Sprintf("There is no tool %q.", clip(Neutral(c.Tool), 40))
	case err != nil:
		refusal = "The arguments must be one JSON object."
	default:
		// Only the program names operations and approvals.
		delete(args, "op_id")
		delete(args, "approval_id")
		call.Arguments = args.raw()
	}
	if refusal != "" {
		r.unreadable++
		call.Status, call.Result = phaseError, failureResult(tandem.CodeInvalid, refusal)
	} else if writes(c.Tool) {
		call.OpID = opID(r.turn.MessageID, c.Tool, call.Arguments, twins(row.Calls, c.Tool, call.Arguments))
	}
	r.live.edit(func(t *tandem.Turn) { t.Calls = append(slices.Clone(t.Calls), call) })
	if known(c.Tool) {
		r.live.tool(shownTool(call))
	}
}

// twins counts the earlier calls that are the same.
func twins(calls []tandem.ToolCall, tool string, args json.RawMessage) int {
	n := 0
	for _, c := range calls {
		if c.Tool == tool && string(canonical(c.Arguments)) == string(canonical(args)) {
			n++
		}
	}
	return n
}

func failureResult(code tandem.Code, message string) json.RawMessage {
	return encode(map[string]any{"success": false, "error": code, "message": message})
}

// carryOut runs the calls from the given one on that have no result yet: reads together, writes one after the other.
func (r *run) carryOut(ctx context.Context, from int) (ending, bool) {
	calls := r.live.row().Calls
	for i := from; i < len(calls); i++ {
		if ctx.Err() != nil {
			return r.stopped(ctx, ctx.Err()), true
		}
		if !open(calls[i]) {
			continue
		}
		if writes(calls[i].Tool) {
			r.write(ctx, i, nil)
		} else {
			end := i + 1
			for end < len(calls) && !writes(calls[end].Tool) {
				end++
			}
			r.readAll(ctx, i, end)
			i = end - 1
		}
		if r.policy.planned && !slices.ContainsFunc(calls[i+1:], open) {
			break // the planner answers at once, and the end stores this too
		}
		if err := r.save(ctx, r.live); err != nil {
			return r.stopped(ctx, err), true
		}
	}
	r.learn()
	return r.pause(ctx)
}

func open(c tandem.ToolCall) bool {
	return c.Status == phaseQueued || c.Status == phaseRunning || c.Status == phaseWaiting
}

func (r *run) readAll(ctx context.Context, from, to int) {
	var g errgroup.Group
	g.SetLimit(maxReads)
	for i := from; i < to; i++ {
		c := r.live.row().Calls[i]
		if !open(c) {
			continue
		}
		r.report(i, phaseRunning, nil)
		g.Go(func() error {
			r.invoke(ctx, i, c.Tool, c.Arguments)
			return nil
		})
	}
	_ = g.Wait() // what failed is the result of its call
}

// write runs one write under its op id. granted is the person's yes to it.
func (r *run) write(ctx context.Context, i int, granted *grant) {
	c := r.live.row().Calls[i]
	args, err := readArguments(c.Arguments)
	if err != nil {
		r.report(i, phaseError, failureResult(tandem.CodeInvalid, "The arguments must be one JSON object."))
		return
	}
	r.scout(ctx, c.Tool, args)
	r.attempt = &attempt{tool: c.Tool, args: args, granted: granted}
	r.report(i, phaseRunning, nil)
	full := args.with("op_id", c.OpID)
	if c.Tool == addTask && !args.has("on_duplicate") {
		full["on_duplicate"] = json.RawMessage(`"ask"`) // a model that lost count is asked before it adds a task twice
	}
	ok := r.invoke(context.WithoutCancel(ctx), i, c.Tool, full.raw())
	tandem.FaultPoint("agent.after_tool_before_persist")
	a := r.attempt
	r.attempt = nil
	switch {
	case ok && a.effect != nil && !args.flag("dry_run"):
		r.policy.note(*a.effect)
	case !ok && a.why != "":
		r.report(i, phaseWaiting, failureResult(tandem.CodeNeedsApproval, "This waits for the person's yes."))
		r.held = append(r.held, held{index: i, attempt: *a})
	}
}

// invoke makes one call and keeps what came of it.
func (r *run) invoke(ctx context.Context, i int, tool string, args json.RawMessage) (ok bool) {
	ctx, stop := context.WithTimeout(ctx, callTime)
	defer stop()
	raw, failed, err := r.tools.Call(ctx, tool, args)
	switch {
	case err != nil:
		r.Log.WarnContext(ctx, "tool not reached", "tool", tool, "user_id", r.turn.UserID, "turn_id", r.turn.ID, "err", err)
		r.report(i, phaseError, failureResult(tandem.CodeInternal, "The tool could not be reached."))
	case failed && r.attempt != nil && r.attempt.why != "": // it waits for a yes, and is told as that
	case failed:
		r.report(i, phaseError, raw)
	default:
		r.report(i, phaseOK, raw)
	}
	return err == nil && !failed
}

// report gives a call its new status and tells it.
func (r *run) report(i int, status string, raw json.RawMessage) {
	var c tandem.ToolCall
	r.live.edit(func(t *tandem.Turn) {
		t.Calls = slices.Clone(t.Calls)
		t.Calls[i].Status = status
		if raw != nil {
			t.Calls[i].Result = keep(raw)
			t.Calls[i].Seq = resultOf(raw).Seq
			r.results[t.Calls[i].ID] = raw
		}
		c = t.Calls[i]
	})
	if known(c.Tool) {
		r.live.tool(shownTool(c))
	}
}

// learn takes in that from now on task text may speak through the model. Through the planner none does.
func (r *run) learn() {
	r.policy.tainted = r.policy.tainted || !r.policy.planned && slices.ContainsFunc(r.live.row().Calls, func(c tandem.ToolCall) bool { return len(resultOf(r.full(c)).rows()) > 0 })
}
