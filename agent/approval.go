package agent

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"tandem"
)

// stateVersion stamps what is kept with a question. State of another version is not understood, and so not acted upon.
const stateVersion = 1

// askedState is what is needed to go on after a yes, by any process.
type askedState struct {
	Version int       `json:"version"`
	Now     time.Time `json:"now"` // in which the words were read
	Zone    string    `json:"zone"`
	Words   string    `json:"words"`
	// Bound holds the versions of the tasks that the call resolved to. Without it the call was not tried before the question.
	Bound map[string]int64 `json:"bound,omitempty"`
	Rest  []heldCall       `json:"rest,omitempty"` // calls that wait behind this one
}

type heldCall struct {
	Tool string          `json:"tool"`
	Args json.RawMessage `json:"args"`
}

// held is a call of this turn that waits for a yes.
type held struct {
	index   int
	attempt attempt
}

// grant is a person's yes, as far as it reaches.
type grant struct {
	bound  map[string]int64 // tasks and versions; nil: see only
	only   int64            // the number of the one task that was chosen
	choice bool
	wider  bool // the answer asks for more than the question did
}

// covers reports that an effect is what the person said yes to, and no more: the same tasks, unchanged since.
func (g *grant) covers(e Effect) bool {
	if g.wider {
		return false
	}
	for _, c := range e.Changes {
		if c.Before == nil {
			continue
		}
		if g.choice && c.Before.Number != g.only {
			return false
		}
		if version, ok := g.bound[c.Before.UID]; g.bound != nil && (!ok || version != c.Before.Version) {
			return false
		}
	}
	return !g.choice || len(touchedBy(e)) == 1 && !touchedBy(e)[0].Recurring()
}

// pause ends the turn with a question when calls wait for a yes. The first is asked; the others are kept behind it.
func (r *run) pause(ctx context.Context) (ending, bool) {
	if len(r.held) == 0 {
		return ending{}, false
	}
	first := r.held[0]
	state := r.state()
	if first.attempt.effect != nil {
		state.Bound = versionsOf(*first.attempt.effect)
	}
	calls := r.live.row().Calls
	for _, h := range r.held[1:] {
		state.Rest = append(state.Rest, heldCall{calls[h.index].Tool, calls[h.index].Arguments})
	}
	args := calls[first.index].Arguments
	a := tandem.Approval{
		Kind: tandem.ApprovalConfirm, Tool: first.attempt.tool, Args: args, Hash: bindingHash(first.attempt.tool, args, state.Bound),
		RunState: encode(state),
	}
	a.Items, a.More = itemsOf(first.attempt.effect)
	a.Summary = summarize(first.attempt, a)
	a, err := r.putQuestion(ctx, a)
	if err != nil {
		return r.stopped(ctx, err), true
	}
	for _, h := range r.held {
		r.report(h.index, phaseWaiting, encode(map[string]any{
			"success": false, "error": tandem.CodeNeedsApproval, "message": a.Summary, "details": map[string]any{"approval": a},
		}))
	}
	r.say(a.Summary + listed(a) + "\nReply yes to go ahead, or no to leave everything as it is.")
	return ending{status: tandem.TurnDone}, true
}

func (r *run) state() askedState {
	return askedState{Version: stateVersion, Now: r.now, Zone: r.zoneName, Words: r.policy.words}
}

// question ends the turn with what the model wants to know.
func (r *run) question(ctx context.Context, q Question) ending {
	a := tandem.Approval{
		Kind: tandem.ApprovalChoice, Tool: q.Tool, Args: q.Args, Summary: q.Text, Hash: bindingHash(q.Tool, q.Args, nil), RunState: encode(r.state()),
	}
	if len(q.Candidates) == 0 {
		a.Kind = tandem.ApprovalConfirm
	}
	if len(a.Args) == 0 {
		a.Args = json.RawMessage("{}")
	}
	for i, c := range q.Candidates {
		if i == tandem.MaxApprovalItems {
			a.More = len(q.Candidates) - i
			break
		}
		a.Items = append(a.Items, tandem.ApprovalItem{TaskID: c.Number, UID: c.UID, Title: c.Title, Due: c.Due})
	}
	if !known(q.Tool) {
		r.say(q.Text) // nothing can come of the answer but another turn
		return ending{status: tandem.TurnDone}
	}
	a, err := r.putQuestion(ctx, a)
	if err != nil {
		return r.stopped(ctx, err)
	}
	r.say(a.Summary + listed(a))
	return ending{status: tandem.TurnDone}
}

// putQuestion stores a question and tells it; one that this turn put before, in another process, is kept.
func (r *run) putQuestion(ctx context.Context, a tandem.Approval) (tandem.Approval, error) {
	pending, err := r.Store.PendingApprovals(ctx, r.turn.UserID, r.turn.Conversation)
	if err != nil {
		return a, fmt.Errorf("read pending approvals: %w", err)
	}
	now := r.Now().UTC().Truncate(time.Millisecond)
	a.ID, a.UserID, a.Conversation, a.TurnID = r.NewID(), r.turn.UserID, r.turn.Conversation, r.turn.ID
	a.CreatedAt, a.ExpiresAt = now, now.Add(tandem.ApprovalTTL)
	if i := slices.IndexFunc(pending, func(p tandem.Approval) bool { return p.TurnID == a.TurnID && p.Hash == a.Hash }); i >= 0 {
		a = pending[i]
	} else if err := r.Store.AddApproval(ctx, r.turn.UserID, r.cause(), a); err != nil {
		return a, fmt.Errorf("put the question: %w", err)
	}
	r.Metrics.Approval("asked")
	r.asked = &a
	r.live.ask(a)
	return a, nil
}

func (r *run) cause() tandem.Cause {
	return tandem.Cause{Actor: tandem.ActorAgent, TurnID: r.turn.ID, Conversation: r.turn.Conversation, MessageID: r.turn.MessageID}
}

// say adds a paragraph to the reply.
func (r *run) say(text string) {
	r.live.paragraph()
	r.live.say(text)
}

// itemsOf shows what a call would touch.
func itemsOf(e *Effect) (items []tandem.ApprovalItem, more int) {
	items = []tandem.ApprovalItem{}
	if e == nil {
		return items, 0
	}
	for _, c := range e.Changes {
		t := c.Before
		if t == nil {
			if e.Tool != addTask {
				continue // follows from the others
			}
			t = c.After
		}
		if len(items) == tandem.MaxApprovalItems {
			more++
			continue
		}
		items = append(items, tandem.ApprovalItem{TaskID: t.Number, UID: t.UID, Title: t.Title, Due: t.Due})
	}
	return items, more
}

// summarize asks in one sentence for the yes to a call.
func summarize(at attempt, a tandem.Approval) string {
	n := len(a.Items) + a.More
	what := fmt.Sprintf("%d tasks", n)
	if n == 1 {
		what = fmt.Sprintf("%q", a.Items[0].Title)
	}
	switch args := at.args; {
	case at.tool == deleteTask && args.text("scope") == "series":
		return "Delete the whole series of " + what + "?"
	case at.tool == deleteTask:
		return "Delete " + what + "?"
	case at.tool == completeTask && args.flag("undo"):
		return "Reopen " + what + "?"
	case at.tool == completeTask && args.flag("stop_series"):
		return "Complete " + what + " and stop its repetition?"
	case at.tool == completeTask && args.flag("skip_occurrence"):
		return "Skip this occurrence of " + what + "?"
	case at.tool == completeTask:
		return "Complete " + what + "?"
	case at.tool == addTask && at.effect != nil && len(at.effect.Unsaid) > 0:
		return "Add " + what + datesOf(at.effect) + "?"
	case at.tool == addTask:
		return "Add " + what + "?"
	case args.has("undo"):
		return "Take back the earlier change of " + what + "?"
	default:
		return "Change " + what + changesIn(at.effect) + "?"
	}
}

func datesOf(e *Effect) string {
	for _, c := range e.Changes {
		if c.After != nil && c.After.Due != nil {
			return ", due " + sayDue(*c.After.Due)
		}
	}
	return ""
}

// changesIn names the fields that a call would change, and the new due date where it is one for all.
func changesIn(e *Effect) string {
	if e == nil || len(e.Changes) == 0 {
		return ""
	}
	var fields []string
	var due *tandem.Due
	for i, c := range e.Changes {
		for _, f := range tandem.ChangedFields(c.Before, c.After) {
			if f != "due_date" && !slices.Contains(fields, f) {
				fields = append(fields, f)
			}
		}
		if i == 0 {
			due = c.After.Due
		} else if due != nil && (c.After.Due == nil || *due != *c.After.Due) {
			due = nil
		}
	}
	if len(fields) == 1 && fields[0] == "due" && due != nil {
		return " to " + sayDue(*due)
	}
	if len(fields) == 0 {
		return ""
	}
	return " (" + strings.Join(fields, ", ") + ")"
}

func sayDue(d tandem.Due) string {
	day, err := time.Parse(time.DateOnly, d.Date)
	if err != nil {
		return d.Date
	}
	if d.Time == "" {
		return day.Format("Monday, 2 January 2006")
	}
	return day.Format("Monday, 2 January 2006") + " at " + d.Time
}

// listed writes the tasks of a question as lines, unless the question names them already.
func listed(a tandem.Approval) string {
	if len(a.Items) == 0 || strings.Contains(a.Summary, a.Items[0].Title) {
		return ""
	}
	var b strings.Builder
	for _, it := range a.Items {
		b.WriteString("\n- ")
		if it.TaskID > 0 {
			fmt.Fprintf(&b, "%d ", it.TaskID)
		}
		b.WriteString(it.Title)
		if it.Due != nil {
			b.WriteString(" (" + sayDue(*it.Due) + ")")
		}
	}
	if a.More > 0 {
		fmt.Fprintf(&b, "\n- and %d more", a.More)
	}
	return b.String()
}

// settle takes a turn that answers a question: by a button, or by words that answer the newest question of this conversation.
func (r *run) settle(ctx context.Context) (ending, bool) {
	if id := r.request.Approval; id != "" {
		a, err := r.Store.Approval(ctx, r.turn.UserID, id)
		if err != nil {
			return r.stopped(ctx, err), true
		}
		return r.answer(ctx, a, reply{ok: r.request.OK, args: r.request.Args, by: r.request.By})
	}
	if r.live.fresh {
		return ending{}, false
	}
	pending, err := r.Store.PendingApprovals(ctx, r.turn.UserID, r.turn.Conversation)
	if err != nil {
		return r.stopped(ctx, err), true
	}
	if len(pending) == 0 || r.past.asked != "" && r.past.asked != pending[0].TurnID {
		return ending{}, false
	}
	answer, ok := interpret(pending[0], r.turn.Text)
	switch {
	case !ok:
		return ending{}, false
	case r.request.Program:
		r.say("That question waits for an answer on one of the person's own devices. " + nothing)
		return ending{status: tandem.TurnDone}, true
	}
	return r.answer(ctx, pending[0], answer)
}

// reply is an answer to a question.
type reply struct {
	ok   bool
	args json.RawMessage // what is edited of the prepared call
	by   string
}

// interpret reads words as the answer to a question.
func interpret(a tandem.Approval, text string) (reply, bool) {
	yes, ok := yesOrNo(text)
	if a.Kind == tandem.ApprovalConfirm || ok && !yes {
		return reply{ok: yes, by: "words"}, ok
	}
	if it, ok := choose(text, a.Items); ok {
		return reply{ok: true, args: encode(map[string]any{"task_id": it.TaskID}), by: "words"}, true
	}
	if !allOfThem(text) {
		return reply{}, false
	}
	ids := make([]int64, len(a.Items))
	for i, it := range a.Items {
		ids[i] = it.TaskID
	}
	return reply{ok: true, args: encode(map[string]any{"ids": ids}), by: "words"}, true
}

// answer settles a question and, after a yes, does what was asked.
func (r *run) answer(ctx context.Context, a tandem.Approval, ans reply) (ending, bool) {
	if !ans.ok {
		return r.decline(ctx, a, ans)
	}
	args, _, err := narrow(a, ans.args)
	if err != nil {
		r.say(tandem.AsError(err).Message)
		return ending{status: tandem.TurnDone}, true
	}
	r.round++
	r.append(Call{Tool: a.Tool, Arguments: args}, record{Round: r.round, Approval: a.ID}, 0)
	if err := r.save(ctx, r.live); err != nil {
		return r.stopped(ctx, err), true
	}
	return r.goOn(ctx, a.ID)
}

// declined is what the model learns of a no.
const declined = "User declined; do not retry."

func (r *run) decline(ctx context.Context, a tandem.Approval, ans reply) (ending, bool) {
	if err := r.decide(ctx, a, false, ans.by); err != nil {
		return r.undecided(ctx, err), true
	}
	r.append(Call{Tool: a.Tool, Arguments: a.Args}, record{Round: r.round + 1, Approval: a.ID}, 0)
	r.report(0, phaseError, failureResult(tandem.CodeForbidden, declined))
	r.say("OK, I left everything as it is. " + nothing)
	return ending{status: tandem.TurnDone}, true
}

// decide settles a question for this turn; that this turn has settled it before is fine.
func (r *run) decide(ctx context.Context, a tandem.Approval, yes bool, by string) error {
	want := tandem.DecisionNo
	if yes {
		want = tandem.DecisionYes
	}
	mark := by + " in turn " + r.turn.ID
	if a.Decision == want && a.DecidedBy == mark {
		return nil
	}
	_, err := r.Store.DecideApproval(ctx, r.turn.UserID, r.cause(), a.ID, yes, mark)
	if err == nil {
		r.Metrics.Approval(string(want))
	}
	return err
}

func (r *run) undecided(ctx context.Context, err error) ending {
	if !errors.Is(err, tandem.ErrConflict) && !errors.Is(err, tandem.ErrNotFound) {
		return r.stopped(ctx, err)
	}
	r.dropUnrun()
	r.say("That question was answered before, or its time is over. " + nothing)
	return ending{status: tandem.TurnDone}
}

// goOn does what was said yes to: the recorded first call of this turn, and the calls that waited behind it. A process that
// took the turn over comes here too.
func (r *run) goOn(ctx context.Context, id string) (ending, bool) {
	a, err := r.Store.Approval(ctx, r.turn.UserID, id)
	if err != nil {
		return r.undecided(ctx, err), true
	}
	by := "words"
	if r.request.By != "" {
		by = r.request.By
	}
	if err := r.decide(ctx, a, true, by); err != nil {
		return r.undecided(ctx, err), true
	}
	var state askedState
	if err := json.Unmarshal(a.RunState, &state); err != nil || state.Version != stateVersion {
		r.dropUnrun()
		r.say("I no longer know what that question was about; please ask again. " + nothing)
		return ending{status: tandem.TurnDone}, true
	}
	if err := r.goBack(ctx, state); err != nil {
		return r.stopped(ctx, err), true
	}
	if first := r.live.row().Calls[0]; open(first) {
		r.write(ctx, 0, r.grantFor(a, state, first))
	}
	if len(r.live.row().Calls) == 1 {
		for i, c := range state.Rest {
			r.append(Call{Tool: c.Tool, Arguments: c.Args}, record{Round: r.round}, i+1)
		}
	}
	if err := r.save(ctx, r.live); err != nil {
		return r.stopped(ctx, err), true
	}
	end, done := r.carryOut(ctx, 1)
	if done || r.model != r.Fallback {
		return end, done
	}
	r.say(r.outcome())
	return ending{status: tandem.TurnDone}, true
}

// goBack puts the turn back to where the question was asked: its words, its clock, its zone.
func (r *run) goBack(ctx context.Context, state askedState) error {
	r.policy.words, r.now, r.zoneName = state.Words, state.Now, state.Zone
	if zone, err := tandem.LoadZone(state.Zone); err == nil {
		r.zone = zone
	}
	return r.bind(ctx)
}

func (r *run) grantFor(a tandem.Approval, state askedState, c tandem.ToolCall) *grant {
	args, err := readArguments(c.Arguments)
	if err != nil {
		return &grant{wider: true}
	}
	_, wider, err := narrow(a, args.raw())
	g := &grant{bound: state.Bound, choice: a.Kind == tandem.ApprovalChoice, wider: err != nil || wider}
	for _, it := range a.Items {
		if g.choice && sameTask(args["task_id"], it) {
			g.only = it.TaskID
		}
	}
	return g
}

// outcome tells what the calls of this turn came to, in the words of the tools.
func (r *run) outcome() string {
	var lines []string
	for _, c := range r.live.row().Calls {
		switch {
		case wrote(c):
			lines = append(lines, resultOf(c.Result).Message)
		case c.Status == phaseError:
			lines = append(lines, failureOf(c.Result).Message)
		}
	}
	if len(lines) == 0 {
		return nothing
	}
	return strings.Join(lines, "\n")
}

// narrow applies an edit to a prepared call. It may name fewer of its tasks, choose one of the offered ones, or give another
// date; wider reports anything more, which is a question of its own. A choice needs one of the offered tasks.
func narrow(a tandem.Approval, edit json.RawMessage) (args json.RawMessage, wider bool, err error) {
	base, err := readArguments(a.Args)
	if err != nil {
		return nil, false, tandem.Conflict("approval", "That question cannot be answered any more.").Because(err)
	}
	e, err := readArguments(edit)
	if err != nil {
		return nil, false, tandem.Invalid("args", nil, "args must be a JSON object.").Because(err)
	}
	delete(e, "op_id")
	if a.Kind == tandem.ApprovalChoice && !offers(a, e) {
		return nil, false, tandem.Invalid("args", nil, "Choose one of the offered tasks by its task_id.")
	}
	for name, value := range e {
		switch {
		case string(canonical(base[name])) == string(canonical(value)):
		case name == "task_id" && a.Kind == tandem.ApprovalChoice:
		case name == "task_id" && base.has("ids") && within(base["ids"], encode([]json.RawMessage{value})):
			delete(base, "ids")
		case name == "ids" && within(base["ids"], value):
		case base.has(name) && slices.Contains([]string{"due", "due_date", "move_due", "snooze"}, name):
		default:
			wider = true
		}
		base[name] = value
	}
	return base.raw(), wider, nil
}

// offers reports that an edit chooses one of the offered tasks, or several of them by ids.
func offers(a tandem.Approval, edit arguments) bool {
	if edit.has("task_id") {
		return slices.ContainsFunc(a.Items, func(it tandem.ApprovalItem) bool { return sameTask(edit["task_id"], it) })
	}
	all := make([]any, 0, 2*len(a.Items))
	for _, it := range a.Items {
		all = append(all, it.TaskID, it.UID)
	}
	return within(encode(all), edit["ids"])
}

// within reports that all of some tasks are among others, both lists of numbers or UIDs as written.
func within(all, some json.RawMessage) bool {
	var a, s []json.RawMessage
	if json.Unmarshal(all, &a) != nil || json.Unmarshal(some, &s) != nil || len(s) == 0 {
		return false
	}
	return !slices.ContainsFunc(s, func(v json.RawMessage) bool {
		return !slices.ContainsFunc(a, func(o json.RawMessage) bool { return plain(o) == plain(v) })
	})
}

// plain writes a task reference without quotes: 5 and "5" are the same task.
func plain(ref json.RawMessage) string { return strings.Trim(strings.TrimSpace(string(ref)), `"`) }

func sameTask(ref json.RawMessage, it tandem.ApprovalItem) bool {
	return plain(ref) != "" && (plain(ref) == fmt.Sprint(it.TaskID) || plain(ref) == it.UID)
}

// maxBusy is how long an answer waits for the turn that asked to end.
const maxBusy = 5 * time.Second

// Approve answers a question from a device: by names it. A yes to a question of the assistant is done in a turn of its own in
// the same conversation; a program learns of the yes when it calls again. args may narrow what was asked, or hold the
// task_id of a choice; invalid when they do not fit. A question is answered once: afterwards, and when its time is over,
// conflict.
func (s *Service) Approve(ctx context.Context, user tandem.UserID, id string, ok bool, args json.RawMessage, by string) error {
	a, err := s.Store.Approval(ctx, user, id)
	if err != nil {
		return err
	}
	if err := s.answerable(a); err != nil {
		return err
	}
	if a.Conversation == 0 {
		return s.approveProgram(ctx, user, a, ok, args, by)
	}
	if ok {
		if _, _, err := narrow(a, args); err != nil {
			return err
		}
	}
	if l := s.find(user, a.TurnID); l != nil {
		wait, stop := context.WithTimeout(ctx, maxBusy)
		defer stop()
		if _, err := l.wait(wait); err != nil && wait.Err() != nil {
			return tandem.Limited("busy", 1000, "The assistant is still at work; please answer again in a moment.")
		}
	}
	_, err = s.start(ctx, user, Ask{Conversation: a.Conversation, Text: wordsOf(a, ok, args), Cause: tandem.Cause{Caller: by}},
		request{Approval: id, OK: ok, Args: args, By: by})
	if errors.Is(err, tandem.ErrLimited) {
		if now, again := s.Store.Approval(ctx, user, id); again == nil && s.answerable(now) != nil {
			return s.answerable(now)
		}
	}
	return err
}

func (s *Service) answerable(a tandem.Approval) error {
	switch {
	case a.Decision != "":
		return tandem.Conflict("approval", "That question was answered before.")
	case !s.Now().Before(a.ExpiresAt):
		return tandem.Conflict("approval", "The time for that question is over.")
	}
	return nil
}

func (s *Service) approveProgram(ctx context.Context, user tandem.UserID, a tandem.Approval, ok bool, args json.RawMessage, by string) error {
	if edit, err := readArguments(args); err != nil || len(edit) > 0 {
		return tandem.Invalid("args", nil, "The call of a program can be approved or declined, not edited.")
	}
	a, err := s.Store.DecideApproval(ctx, user, tandem.Cause{Actor: tandem.ActorUser, Caller: by}, a.ID, ok, by)
	if err == nil {
		s.Metrics.Approval(string(a.Decision))
	}
	return err
}

// wordsOf puts an answer given by a button into words for the conversation.
func wordsOf(a tandem.Approval, ok bool, args json.RawMessage) string {
	if !ok {
		return "No"
	}
	if a.Kind == tandem.ApprovalChoice {
		edit, err := readArguments(args)
		i := slices.IndexFunc(a.Items, func(it tandem.ApprovalItem) bool { return err == nil && sameTask(edit["task_id"], it) })
		if i >= 0 {
			return a.Items[i].Title
		}
	}
	return "Yes"
}
