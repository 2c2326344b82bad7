package tools

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"time"

	"tandem"
)

// operation is one write: what it looks at, how it decides, and what it is called.
type operation struct {
	call
	refs  []tandem.TaskRef
	field string // the argument that named refs
	twins []string
	undo  string
	read  *interpreted // how the words were understood
	// decide gives the plan for the scene. It may run twice and keeps nothing.
	decide func(sc tandem.Scene, named []tandem.Task) (decision, error)

	ifVersion  int64
	approvalID string
	unsaid     []string

	last decision      // of the newest run of decide
	was  []tandem.Task // what refs named in that run
}

// decision is a plan with what must be said about it.
type decision struct {
	tandem.Plan
	status string
	// subjects are the UIDs of the tasks that the answer is about, in order; empty: all that were changed.
	subjects []string
	// asks describes what a program needs a yes for; empty: nothing.
	asks string
}

// maxOpID bounds an op_id, in bytes.
const maxOpID = 128

// operation reads what all writes share.
func (c call) operation() (*operation, error) {
	op := &operation{call: c}
	op.refs, op.field = c.args.refs()
	op.ifVersion = c.IfVersion
	if id := c.args.text("op_id"); id != nil {
		if *id == "" || len(*id) > maxOpID {
			c.args.fail(tandem.Invalid("op_id", *id, "An op_id has 1 to %d characters.", maxOpID))
		}
		op.Cause.OpID = *id
	}
	op.approvalID = c.args.phrase("approval_id")
	c.args.flag("dry_run")
	return op, c.args.err
}

// needTasks refuses a call that names no task.
func (op *operation) needTasks() error {
	if len(op.refs) > 0 {
		return nil
	}
	return tandem.Invalid(op.field, nil, "Name the task: task_id, or ids for several.")
}

// run commits the operation, asking a person first where a program must.
func (tb *Toolbox) run(ctx context.Context, op *operation) (Result, error) {
	out, err := tb.Store.Edit(ctx, op.User, op.edit(grant{}))
	if asked, ok := errors.AsType[*question](err); ok {
		g, refused := tb.grant(ctx, op, asked)
		if refused != nil {
			return Result{}, refused
		}
		out, err = tb.Store.Edit(ctx, op.User, op.edit(g))
	}
	if asked, ok := errors.AsType[*question](err); ok {
		// The tasks changed between the question and its answer, so the answer is to another question.
		return Result{}, tb.ask(ctx, op, asked)
	}
	if err != nil {
		return Result{}, err
	}
	return resultOf(out)
}

// edit gives the store the operation.
func (op *operation) edit(g grant) tandem.Edit {
	return tandem.Edit{
		Cause: op.Cause, Tool: op.tool, Hash: digest(op.tool, op.args.canonical("op_id", "dry_run", "user_id", "approval_id")),
		Refs: op.refs, Twins: op.twins, Undo: op.undo, ApprovalID: g.id, ApprovalHash: g.hash, DryRun: op.args.flag("dry_run"),
		Decide: func(sc tandem.Scene) (tandem.Plan, error) { return op.plan(sc, g) },
		Result: op.render,
	}
}

// plan decides in the store's transaction, and holds the decision to the caller's rights.
func (op *operation) plan(sc tandem.Scene, g grant) (tandem.Plan, error) {
	found, err := op.find(sc)
	if err != nil {
		return tandem.Plan{}, err
	}
	d, err := op.decide(sc, found)
	if err != nil {
		return tandem.Plan{}, err
	}
	op.last, op.was = d, found
	if op.args.flag("dry_run") {
		return d.Plan, nil
	}
	return d.Plan, op.permit(sc, d, found, g)
}

// find gives the tasks that the call names, each once. Trashed ones are there for restore and for a repeated delete.
func (op *operation) find(sc tandem.Scene) ([]tandem.Task, error) {
	var out []tandem.Task
	for i, t := range sc.Tasks {
		if t == nil {
			return nil, tandem.NotFound(op.field, op.refs[i].Value(), "task")
		}
		if !slices.ContainsFunc(out, func(o tandem.Task) bool { return o.UID == t.UID }) {
			out = append(out, *t)
		}
	}
	if op.ifVersion > 0 && len(out) == 1 && out[0].Version != op.ifVersion {
		e := tandem.Conflict("if_version", "%q was changed meanwhile; it has version %d now.", out[0].Title, out[0].Version)
		e.Details.Value = out[0].Version
		return nil, e
	}
	return out, nil
}

// live refuses tasks that are in the trash, as if they were not there.
func (op *operation) live(found []tandem.Task) error {
	for _, t := range found {
		if t.DeletedAt != nil {
			return tandem.NotFound(op.field, op.nameOf(t).Value(), "task")
		}
	}
	return nil
}

// nameOf gives the reference by which the call named t.
func (op *operation) nameOf(t tandem.Task) tandem.TaskRef {
	for _, r := range op.refs {
		if r.UID == t.UID || r.UID == "" && r.Number == t.Number {
			return r
		}
	}
	return tandem.TaskRef{UID: t.UID}
}

// permit asks the policy of an assistant, or a person on behalf of a program.
func (op *operation) permit(sc tandem.Scene, d decision, found []tandem.Task, g grant) error {
	if op.Policy != nil {
		if e := op.Policy(Effect{Tool: op.tool, Changes: changes(sc, d.Tasks, found), Unsaid: op.unsaid}); e != nil {
			return e
		}
		return nil
	}
	if op.Kind == Person || d.asks == "" {
		return nil
	}
	q := op.question(d, found)
	if g.id != "" && g.hash == q.hash {
		return nil
	}
	return q
}

// changes pairs each planned task with its state in the scene.
func changes(sc tandem.Scene, planned, found []tandem.Task) []tandem.TaskChange {
	before := map[string]*tandem.Task{}
	for _, series := range sc.Series {
		for _, t := range series {
			before[t.UID] = &t
		}
	}
	maps.Copy(before, sc.Past)
	for _, t := range found {
		before[t.UID] = &t
	}
	out := make([]tandem.TaskChange, 0, len(planned))
	for _, t := range planned {
		if was := before[t.UID]; was == nil || len(tandem.ChangedFields(was, &t)) > 0 {
			out = append(out, tandem.TaskChange{Before: was, After: &t})
		}
	}
	return out
}

// changed counts the named tasks that the plan would alter.
func changed(plan tandem.Plan, found []tandem.Task) int {
	n := 0
	for _, was := range found {
		if slices.ContainsFunc(plan.Tasks, func(t tandem.Task) bool { return t.UID == was.UID && len(tandem.ChangedFields(&was, &t)) > 0 }) {
			n++
		}
	}
	return n
}

// digest hashes parts that cannot run into one another.
func digest(parts ...any) string {
	b, err := json.Marshal(parts)
	if err != nil {
		panic(err) // strings and checked JSON
	}
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

// within reports that t is not later than the clock allows: a device may run a little ahead.
func within(t, now time.Time) bool { return !t.After(now.Add(time.Minute)) }
