package tools

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"tandem"
)

// maxQuestions is how many questions may wait for a person at a time: more would hide the one that matters.
const maxQuestions = 20

// maxUnasked is how many tasks a program may change in one call without a yes.
const maxUnasked = 3

// grant is a person's yes, bound to the hash of what it was given for.
type grant struct {
	id   string
	hash string
}

// question interrupts an edit: a person must say yes first. It leaves this package only as needs_approval.
type question struct {
	summary string
	hash    string
	items   []tandem.ApprovalItem
	more    int
}

func (q *question) Error() string { return "a person must say yes: " + q.summary }

// Unwrap lets a store see that the refusal is no accident and not to be remembered.
func (q *question) Unwrap() error { return tandem.ErrNeedsApproval }

// question binds what the decision asks to the tool, the effect and the versions of the tasks. The words that named the tasks
// do not count, nor does the name of the operation.
func (op *operation) question(d decision, found []tandem.Task) *question {
	targets := make([]string, len(found))
	for i, t := range found {
		targets[i] = fmt.Sprintf("%s@%d", t.UID, t.Version)
	}
	slices.Sort(targets)
	q := &question{summary: d.asks}
	q.hash = digest(op.tool, op.args.canonical("task_id", "ids", "op_id", "dry_run", "user_id", "approval_id"), targets)
	for i, t := range found {
		if i == tandem.MaxApprovalItems {
			q.more = len(found) - i
			break
		}
		q.items = append(q.items, tandem.ApprovalItem{TaskID: t.Number, UID: t.UID, Title: t.Title, Due: t.Due})
	}
	return q
}

// grant finds the yes for a question: the approval that the call names, or one that was given for the same call. Without one
// it puts the question to the person and gives needs_approval.
func (tb *Toolbox) grant(ctx context.Context, op *operation, q *question) (grant, error) {
	if op.approvalID != "" {
		a, err := tb.Store.Approval(ctx, op.User, op.approvalID)
		switch {
		case err != nil:
			return grant{}, err
		case a.Decision == tandem.DecisionNo:
			return grant{}, tandem.Forbidden("approval_id", "That was declined; do not try it again.")
		case a.Tool == op.tool && a.Hash == q.hash && a.Decision == tandem.DecisionYes:
			return grant{id: a.ID, hash: q.hash}, nil
		}
		return grant{}, tb.ask(ctx, op, q)
	}
	a, ok, err := tb.Store.GrantedApproval(ctx, op.User, op.tool, q.hash)
	if err != nil {
		return grant{}, err
	}
	if ok {
		return grant{id: a.ID, hash: q.hash}, nil
	}
	return grant{}, tb.ask(ctx, op, q)
}

// ask puts a question to the person, once, and gives the refusal that carries it.
func (tb *Toolbox) ask(ctx context.Context, op *operation, q *question) error {
	pending, err := tb.Store.PendingApprovals(ctx, op.User, 0)
	if err != nil {
		return err
	}
	for _, a := range pending {
		if a.Tool == op.tool && a.Hash == q.hash {
			return needsApproval(a)
		}
	}
	now := tb.Now().UTC()
	if len(pending) >= maxQuestions {
		wait := pending[len(pending)-1].ExpiresAt.Sub(now)
		return tandem.Limited("approvals", wait.Milliseconds(), "%d questions wait for an answer already.", len(pending))
	}
	a := tandem.Approval{
		ID: tb.NewID(), UserID: op.User, Kind: tandem.ApprovalConfirm, Tool: op.tool, Summary: q.summary, Items: q.items, More: q.more,
		Args: op.args.canonical("op_id", "dry_run", "user_id", "approval_id"), Hash: q.hash, Caller: op.Cause.Caller,
		CreatedAt: now, ExpiresAt: now.Add(tandem.ApprovalTTL),
	}
	if err := tb.Store.AddApproval(ctx, op.User, op.Cause, a); err != nil {
		return err
	}
	return needsApproval(a)
}

func needsApproval(a tandem.Approval) *tandem.Error {
	return &tandem.Error{
		Code:    tandem.CodeNeedsApproval,
		Message: a.Summary + " This waits for the person's yes on one of their devices; then make the same call again.",
		Details: tandem.Details{Approval: &a},
	}
}

// summaryOf tells in a question what would happen to which tasks.
func summaryOf(verb string, tasks []tandem.Task) string {
	if len(tasks) == 1 {
		return fmt.Sprintf("%s %s?", verb, quoted(tasks[0].Title))
	}
	titles := make([]string, 0, 3)
	for _, t := range tasks {
		if len(titles) == 3 {
			titles = append(titles, "…")
			break
		}
		titles = append(titles, quoted(t.Title))
	}
	return fmt.Sprintf("%s %d tasks: %s?", verb, len(tasks), strings.Join(titles, ", "))
}
