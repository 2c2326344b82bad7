package store

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"slices"

	"tandem"
)

// EditTx is the transaction of an edit.
type EditTx interface {
	Mids
	Operations
	Inbox
	Tasks
	Plain
	SceneTx
	// Approval gives a question; not_found for an unknown one.
	Approval(ctx context.Context, id string) (tandem.Approval, error)
	// SpendApproval marks a yes as used.
	SpendApproval(ctx context.Context, id string) error
	// DismissOf takes the notices of tasks off every device.
	DismissOf(ctx context.Context, uids []string) error
	// Check lets the constraints have their say about what was written so far.
	Check(ctx context.Context) error
}

// Operations keeps how edits ended, by their ids.
type Operations interface {
	// Operation gives what is known under an id.
	Operation(ctx context.Context, id string) (o Operation, found bool, err error)
	// SaveOperation keeps an edit that ran, with what it was for.
	SaveOperation(ctx context.Context, o Operation) error
	// SaveRefusal keeps one that was refused, unless its id is taken.
	SaveRefusal(ctx context.Context, o Operation) error
}

// Operation is how an edit ended.
type Operation struct {
	ID      string
	Hash    string
	Seq     tandem.Seq // 0: nothing was written
	Tasks   int        // that were written
	Result  json.RawMessage
	Refusal []byte // nil: it was not refused
}

// Inbox keeps which events had their effect at a consumer.
type Inbox interface {
	InInbox(ctx context.Context, in tandem.Inbox) (bool, error)
	PutInbox(ctx context.Context, in tandem.Inbox) error
}

// Tasks writes tasks.
type Tasks interface {
	Base() *Write
	// TaskBefore gives the present state of a task that a plan names; nil for none. Where the plan makes it anew the store may
	// leave it to a constraint whether its uid is free.
	TaskBefore(ctx context.Context, t tandem.Task) (*tandem.Task, error)
	// SaveTask writes the new state of a task with everything that follows from it, and logs the change.
	SaveTask(ctx context.Context, before *tandem.Task, after tandem.Task) error
}

// Edit runs one operation on a user's tasks, all or nothing: replay of what ran before, the decision on a fresh scene, and its plan
// with everything that follows from it. Errors of the decision come back as they are, a panic of it as internal.
func Edit[W EditTx](
	ctx context.Context, user tandem.UserID, e tandem.Edit, newID func() string, log *slog.Logger, update Update[W],
) (tandem.Outcome, error) {
	given := e.Cause.OpID != ""
	if !given {
		e.Cause.OpID = newID()
	}
	r := operation{edit: e, given: given}
	err := update(ctx, user, e.Cause, func(ctx context.Context, w W) error { return r.run(ctx, w) })
	if err != nil {
		if doc := r.refused(err); doc != nil && user.Valid() {
			refused := Operation{ID: e.Cause.OpID, Hash: e.Hash, Refusal: doc}
			err := update(ctx, user, e.Cause, func(ctx context.Context, w W) error { return w.SaveRefusal(ctx, refused) })
			if err != nil {
				log.WarnContext(ctx, "refusal not remembered", "err", err, "user_id", user)
			}
		}
		return tandem.Outcome{}, err
	}
	if e.DryRun && e.Cause.Client != "" && !r.out.Replayed { // its own transaction was rolled back
		return r.out, UseMid(ctx, user, e.Cause.Client, e.Cause.Mid, r.out.Result, update)
	}
	return r.out, nil
}

// operation is an edit while it runs.
type operation struct {
	edit  tandem.Edit
	given bool // the id is the caller's, so it binds
	out   tandem.Outcome
}

func (r *operation) run(ctx context.Context, w EditTx) error {
	e := r.edit
	r.out = tandem.Outcome{OpID: e.Cause.OpID, DryRun: e.DryRun}
	done, err := r.replayed(ctx, w)
	if done || err != nil {
		return err
	}
	sc, err := scene(ctx, w, e)
	if err != nil {
		return err
	}
	plan, err := decide(e.Decide, sc)
	if err != nil {
		return err
	}
	if e.ApprovalID != "" {
		if err := useApproval(ctx, w, e); err != nil {
			return err
		}
	}
	if err := r.apply(ctx, w, sc, plan); err != nil {
		return err
	}
	if !e.DryRun {
		r.out.Seq = w.Base().Head()
	}
	if e.Result != nil {
		if r.out.Result, err = e.Result(r.out); err != nil {
			return fmt.Errorf("render result: %w", err)
		}
	}
	if e.DryRun {
		if err := w.Check(ctx); err != nil {
			return err
		}
		return ErrUndo
	}
	return r.record(ctx, w)
}

// replayed looks for the answer of an earlier run: by mid, by op id, by inbox.
func (r *operation) replayed(ctx context.Context, w EditTx) (bool, error) {
	e := r.edit
	if done, err := replayMid(ctx, w, &r.out); done || err != nil {
		return done, err
	}
	if r.given && !e.DryRun {
		if done, err := r.replayOp(ctx, w); done || err != nil {
			return done, err
		}
	}
	if e.Inbox == nil {
		return false, nil
	}
	seen, err := w.InInbox(ctx, *e.Inbox)
	if seen {
		r.out.Replayed, r.out.Seq = true, w.Base().Account.Seq
	}
	return seen, err
}

// replayOp answers from what is kept of the operation. The mid of a repetition gets the same answer.
func (r *operation) replayOp(ctx context.Context, w EditTx) (bool, error) {
	o, found, err := w.Operation(ctx, r.edit.Cause.OpID)
	switch {
	case !found || err != nil:
		return false, err
	case o.Hash != r.edit.Hash:
		return false, tandem.Conflict("op_id", "This op_id was used for another call.")
	case o.Refusal != nil:
		return false, decodeRefusal(o.Refusal)
	}
	if o.Seq == 0 {
		o.Seq = w.Base().Account.Seq
	}
	r.out.Replayed, r.out.Seq, r.out.Result = true, o.Seq, o.Result
	return true, saveMid(ctx, w, o.Seq, o.Result)
}

// decide runs the rule; it must not take the store down.
func decide(rule func(tandem.Scene) (tandem.Plan, error), sc tandem.Scene) (plan tandem.Plan, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("decision panicked: %v\n%s", p, debug.Stack())
		}
	}()
	return rule(sc)
}

// useApproval spends a yes on the call that it was given for.
func useApproval(ctx context.Context, w EditTx, e tandem.Edit) error {
	a, err := w.Approval(ctx, e.ApprovalID)
	if err == nil {
		err = a.MayUse(e.Tool, e.ApprovalHash, w.Base().Now)
	}
	if err != nil {
		return err
	}
	return w.SpendApproval(ctx, a.ID)
}

// apply writes the plan. Tasks that the plan leaves as they were are dropped.
func (r *operation) apply(ctx context.Context, w EditTx, sc tandem.Scene, plan tandem.Plan) error {
	r.out.Reused, r.out.Warnings = plan.Reused, plan.Warnings
	for _, t := range lastOfEach(plan.Tasks) {
		change, err := applyTask(ctx, w, sc, t)
		if err != nil {
			return err
		}
		if change != nil {
			r.out.Changes = append(r.out.Changes, *change)
		}
	}
	if plan.Settings != nil {
		if err := saveSettings(ctx, w, *plan.Settings); err != nil {
			return err
		}
	}
	return w.DismissOf(ctx, plan.Dismiss)
}

// lastOfEach keeps the last state of a task that a plan names twice, where it was named first.
func lastOfEach(tasks []tandem.Task) []tandem.Task {
	var out []tandem.Task
	for _, t := range tasks {
		if i := slices.IndexFunc(out, func(o tandem.Task) bool { return o.UID == t.UID }); i >= 0 {
			out[i] = t
		} else {
			out = append(out, t)
		}
	}
	return out
}

// applyTask writes one task of a plan; nil when nothing about it is new.
func applyTask(ctx context.Context, w Tasks, sc tandem.Scene, t tandem.Task) (*tandem.TaskChange, error) {
	before, err := w.TaskBefore(ctx, t)
	switch {
	case err != nil:
		return nil, err
	case before != nil && t.Number == 0:
		return nil, tandem.Conflict("uid", "There is already a task with this uid.")
	case before == nil && t.Number != 0:
		return nil, fmt.Errorf("the plan changes task %s, which does not exist", t.UID)
	}
	b, after := w.Base(), t.Clone()
	if before == nil {
		after.Number = b.Account.Numbers + 1
	}
	if !tandem.Seal(sc, b.Cause, before, &after, b.Seq()) {
		return nil, nil
	}
	if before == nil {
		b.Account.Numbers++
	}
	if err := w.SaveTask(ctx, before, after); err != nil {
		return nil, err
	}
	return &tandem.TaskChange{Before: before, After: &after}, nil
}

// record keeps what a repetition will be answered: by op id, by mid, by inbox.
func (r *operation) record(ctx context.Context, w EditTx) error {
	e := r.edit
	if e.Inbox != nil {
		if err := w.PutInbox(ctx, *e.Inbox); err != nil {
			return err
		}
	}
	if err := saveMid(ctx, w, r.out.Seq, r.out.Result); err != nil {
		return err
	}
	if !r.given && len(r.out.Changes) == 0 {
		return nil
	}
	o := Operation{ID: e.Cause.OpID, Hash: e.Hash, Tasks: len(r.out.Changes), Result: r.out.Result}
	if b := w.Base(); len(b.Changes) > 0 {
		o.Seq = b.Seq()
	}
	return w.SaveOperation(ctx, o)
}

// refused gives what is remembered of a final refusal of an operation that the caller named: only what would be refused again,
// never a call that waits, was too early, or collided.
func (r *operation) refused(err error) []byte {
	e, ok := errors.AsType[*tandem.Error](err)
	if !ok || !r.given || r.edit.DryRun || !final(e.Code) {
		return nil
	}
	doc, err := json.Marshal(refusal{e.Code, e.Message, e.Details})
	if err != nil {
		return nil
	}
	return doc
}

func final(c tandem.Code) bool {
	return c == tandem.CodeInvalid || c == tandem.CodeNotFound || c == tandem.CodeAmbiguous || c == tandem.CodeForbidden
}

// refusal is a stored error.
type refusal struct {
	Code    tandem.Code    `json:"code"`
	Message string         `json:"message"`
	Details tandem.Details `json:"details"`
}

func decodeRefusal(doc []byte) error {
	var r refusal
	if err := json.Unmarshal(doc, &r); err != nil {
		return fmt.Errorf("decode refusal: %w", err)
	}
	return &tandem.Error{Code: r.Code, Message: r.Message, Details: r.Details}
}
