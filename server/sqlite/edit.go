package sqlite

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"runtime/debug"
	"slices"

	"tandem"
)

// Edit runs one operation on a user's tasks, all or nothing: replay of what ran before, the decision on a fresh scene, and its plan
// with everything that follows from it. Errors of the decision come back as they are, a panic of it as internal.
func (db *DB) Edit(ctx context.Context, user tandem.UserID, e tandem.Edit) (tandem.Outcome, error) {
	given := e.Cause.OpID != ""
	if !given {
		e.Cause.OpID = db.newID()
	}
	r := operation{edit: e, given: given}
	err := db.update(ctx, user, e.Cause, r.run)
	if err != nil {
		return tandem.Outcome{}, db.refuse(ctx, user, r, err)
	}
	if e.DryRun {
		return r.out, db.useDryMid(ctx, user, e.Cause, r.out)
	}
	return r.out, nil
}

// operation is an edit while it runs.
type operation struct {
	edit  tandem.Edit
	given bool // the id is the caller's, so it binds
	out   tandem.Outcome
}

func (r *operation) run(ctx context.Context, w *write) error {
	e := r.edit
	r.out = tandem.Outcome{OpID: e.Cause.OpID, DryRun: e.DryRun}
	done, err := r.replayed(ctx, w)
	if done || err != nil {
		return err
	}
	sc, err := w.loadScene(ctx, e)
	if err != nil {
		return err
	}
	plan, err := decide(e.Decide, sc)
	if err != nil {
		return err
	}
	if e.ApprovalID != "" {
		if err := w.useApproval(ctx, e.ApprovalID, e.Tool, e.ApprovalHash); err != nil {
			return err
		}
	}
	if err := r.apply(ctx, w, sc, plan); err != nil {
		return err
	}
	if !e.DryRun {
		r.out.Seq = w.account.Seq
		if len(w.changes) > 0 {
			r.out.Seq = w.seq()
		}
	}
	if e.Result != nil {
		if r.out.Result, err = e.Result(r.out); err != nil {
			return fmt.Errorf("render result: %w", err)
		}
	}
	if e.DryRun {
		return errUndo
	}
	return r.record(ctx, w)
}

// replayed looks for the answer of an earlier run: by mid, by op id, by inbox.
func (r *operation) replayed(ctx context.Context, w *write) (bool, error) {
	e := r.edit
	if done, err := w.replayMid(ctx, &r.out); done || err != nil {
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
	seen, err := w.inInbox(ctx, *e.Inbox)
	if seen {
		r.out.Replayed, r.out.Seq = true, w.account.Seq
	}
	return seen, err
}

// replayOp answers from the operation's row. The mid of a repetition gets the same answer.
func (r *operation) replayOp(ctx context.Context, w *write) (bool, error) {
	var hash string
	var seq tandem.Seq
	var result, refusal []byte
	found, err := w.one(ctx, into(&hash, &seq, &result, &refusal), `
		select hash, seq, result, refusal from operations where user_id = ? and op_id = ?`, w.user, r.edit.Cause.OpID)
	switch {
	case !found || err != nil:
		return false, err
	case hash != r.edit.Hash:
		return false, tandem.Conflict("op_id", "This op_id was used for another call.")
	case refusal != nil:
		return false, decodeRefusal(refusal)
	}
	if seq == 0 {
		seq = w.account.Seq
	}
	r.out.Replayed, r.out.Seq, r.out.Result = true, seq, result
	return true, w.saveMid(ctx, seq, result)
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

// apply writes the plan. Tasks that the plan leaves as they were are dropped.
func (r *operation) apply(ctx context.Context, w *write, sc tandem.Scene, plan tandem.Plan) error {
	r.out.Reused, r.out.Warnings = plan.Reused, plan.Warnings
	for _, t := range lastOfEach(plan.Tasks) {
		change, err := w.applyTask(ctx, sc, t)
		if err != nil {
			return err
		}
		if change != nil {
			r.out.Changes = append(r.out.Changes, *change)
		}
	}
	if plan.Settings != nil {
		if err := w.saveSettings(ctx, *plan.Settings); err != nil {
			return err
		}
	}
	return w.dismissOf(ctx, plan.Dismiss)
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
func (w *write) applyTask(ctx context.Context, sc tandem.Scene, t tandem.Task) (*tandem.TaskChange, error) {
	before, err := taskByUID(ctx, w.conn, w.user, t.UID)
	switch {
	case err != nil:
		return nil, err
	case before != nil && t.Number == 0:
		return nil, tandem.Conflict("uid", "There is already a task with this uid.")
	case before == nil && t.Number != 0:
		return nil, fmt.Errorf("the plan changes task %s, which does not exist", t.UID)
	}
	after := t.Clone()
	if before == nil {
		after.Number = w.account.Numbers + 1
	}
	if !tandem.Seal(sc, w.cause, before, &after, w.seq()) {
		return nil, nil
	}
	if before == nil {
		w.account.Numbers++
	}
	if err := w.saveTask(ctx, before, after); err != nil {
		return nil, err
	}
	return &tandem.TaskChange{Before: before, After: &after}, nil
}

// record keeps what a repetition will be answered: by op id, by mid, by inbox.
func (r *operation) record(ctx context.Context, w *write) error {
	e := r.edit
	if e.Inbox != nil {
		if err := w.putInbox(ctx, *e.Inbox); err != nil {
			return err
		}
	}
	if err := w.saveMid(ctx, r.out.Seq, r.out.Result); err != nil {
		return err
	}
	if !r.given && len(r.out.Changes) == 0 {
		return nil
	}
	seq := tandem.Seq(0)
	if len(w.changes) > 0 {
		seq = w.seq()
	}
	_, err := w.exec(ctx, `
		insert into operations (user_id, op_id, hash, seq, tasks, turn_id, conversation, caller, result, at)
		values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
		w.user, e.Cause.OpID, e.Hash, seq, len(r.out.Changes), e.Cause.TurnID, e.Cause.Conversation, e.Cause.Caller,
		text(r.out.Result), milli(w.now))
	return err
}

// refuse remembers a final refusal of an operation that the caller named, and gives err back. Only what would be refused again
// is kept: never a call that waits, was too early, or collided.
func (db *DB) refuse(ctx context.Context, user tandem.UserID, r operation, err error) error {
	e, ok := errors.AsType[*tandem.Error](err)
	if !ok || !r.given || r.edit.DryRun || !final(e.Code) {
		return err
	}
	doc, encodeErr := json.Marshal(refusal{e.Code, e.Message, e.Details})
	if encodeErr != nil {
		return err
	}
	saveErr := db.update(ctx, user, r.edit.Cause, func(ctx context.Context, w *write) error {
		_, err := w.exec(ctx, `
			insert or ignore into operations (user_id, op_id, hash, seq, tasks, turn_id, conversation, caller, refusal, at)
			values (?, ?, ?, 0, 0, '', 0, '', ?, ?)`, w.user, r.edit.Cause.OpID, r.edit.Hash, string(doc), milli(w.now))
		return err
	})
	if saveErr != nil {
		db.log.WarnContext(ctx, "refusal not remembered", "err", saveErr, "user_id", user)
	}
	return err
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

// text gives JSON to the database as text; nil stays null.
func text(doc json.RawMessage) any {
	if doc == nil {
		return nil
	}
	return string(doc)
}
