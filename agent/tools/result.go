package tools

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"tandem"
)

// The statuses of write results.
const (
	statusCreated   = "created"
	statusReused    = "reused"
	statusUpdated   = "updated"
	statusUnchanged = "unchanged"
	statusCompleted = "completed"
	statusReopened  = "reopened"
	statusSkipped   = "skipped"
	statusDeleted   = "deleted"
	statusRestored  = "restored"
	statusSnoozed   = "snoozed"
	statusUndone    = "undone"
)

// written is the result of a write: the keys of both readings of the contract.
type written struct {
	Success     bool                 `json:"success"`
	Status      string               `json:"status"`
	TaskID      int64                `json:"task_id,omitempty"`
	UID         string               `json:"uid,omitempty"`
	Title       string               `json:"title,omitempty"`
	Message     string               `json:"message"`
	Seq         tandem.Seq           `json:"seq,omitempty"`
	OpID        string               `json:"op_id,omitempty"`
	Version     int64                `json:"version,omitempty"`
	Task        *tandem.TaskRow      `json:"task,omitempty"`
	Tasks       []tandem.TaskRow     `json:"tasks,omitempty"`
	Before      map[string]any       `json:"before,omitempty"`
	After       map[string]any       `json:"after,omitempty"`
	Warnings    []string             `json:"warnings,omitempty"`
	Interpreted *interpreted         `json:"interpreted,omitempty"`
	DryRun      bool                 `json:"dry_run,omitempty"`
	Changes     []tandem.FieldChange `json:"changes,omitzero"`
}

// interpreted tells how words were understood.
type interpreted struct {
	Due          *tandem.Due  `json:"due,omitempty"`
	Recurrence   string       `json:"recurrence,omitempty"`
	Snooze       string       `json:"snooze,omitempty"`
	Alternatives []tandem.Due `json:"alternatives,omitempty"`

	until   tandem.Due // Snooze on the clock of the person
	repeats bool       // a repetition was read
}

func (i *interpreted) due(r reading) {
	i.Due, i.Alternatives = &r.due, r.alternatives
}

// render writes the result of a committed or simulated operation. The store keeps it for the op_id.
func (op *operation) render(out tandem.Outcome) (json.RawMessage, error) {
	subjects := op.subjects(out)
	w := written{
		Success: true, Status: op.last.status, Seq: out.Seq, OpID: out.OpID, Warnings: out.Warnings, DryRun: out.DryRun,
		Interpreted: op.read.of(subjects),
	}
	if len(out.Changes) == 0 && slices.Contains([]string{statusUpdated, statusUndone}, w.Status) {
		w.Status = statusUnchanged
	}
	if len(subjects) > 0 {
		row := subjects[0].Row()
		w.TaskID, w.UID, w.Title, w.Version, w.Task = row.TaskID, row.UID, row.Title, row.Version, &row
	}
	if len(subjects) > 1 || op.args.has("ids") || op.args.has("items") {
		w.Tasks = make([]tandem.TaskRow, len(subjects))
		for i, t := range subjects {
			w.Tasks[i] = t.Row()
		}
	}
	if len(subjects) == 1 {
		w.Before, w.After = fieldsOf(out, w.UID)
	}
	if out.DryRun {
		w.Seq, w.OpID, w.Changes = 0, "", []tandem.FieldChange{}
		for _, c := range out.Changes {
			w.Changes = append(w.Changes, c.FieldChanges()...)
		}
	}
	w.Message = say(w, subjects, out)
	return json.Marshal(w)
}

// of leaves out what was read for nothing, and adds the rule as the task has it now.
func (i *interpreted) of(subjects []tandem.Task) *interpreted {
	if i == nil || len(subjects) != 1 {
		return nil
	}
	shown := *i
	if due := subjects[0].Due; i.Due != nil && due != nil {
		shown.Due = due // of a move too, which keeps what the words leave open
	}
	if rule := subjects[0].Rule(); !rule.IsZero() && i.repeats {
		shown.Recurrence = rule.String()
	}
	if shown.Due == nil && shown.Recurrence == "" && shown.Snooze == "" {
		return nil
	}
	return &shown
}

// subjects gives the tasks that the answer is about, as they are now.
func (op *operation) subjects(out tandem.Outcome) []tandem.Task {
	now := map[string]tandem.Task{}
	var order []string
	add := func(t tandem.Task) {
		if _, known := now[t.UID]; !known {
			order = append(order, t.UID)
		}
		now[t.UID] = t
	}
	for _, t := range op.was {
		add(t)
	}
	for _, t := range out.Reused {
		add(t)
	}
	for _, c := range out.Changes {
		add(*c.After)
	}
	if len(op.last.subjects) > 0 {
		order = op.last.subjects
	}
	var tasks []tandem.Task
	for _, uid := range order {
		if t, ok := now[uid]; ok {
			tasks = append(tasks, t)
		}
	}
	return tasks
}

// fieldsOf tells what changed in one task that was there before.
func fieldsOf(out tandem.Outcome, uid string) (before, after map[string]any) {
	for _, c := range out.Changes {
		if c.After.UID != uid || c.Before == nil {
			continue
		}
		before, after = map[string]any{}, map[string]any{}
		for _, f := range c.FieldChanges() {
			before[f.Field], after[f.Field] = f.Before, f.After
		}
	}
	return before, after
}

// summary is a write in the earlier reading.
type summary struct {
	TaskID   int64    `json:"task_id,omitempty"`
	UID      string   `json:"uid,omitempty"`
	Status   string   `json:"status"`
	Title    string   `json:"title,omitempty"`
	Message  string   `json:"message"`
	Warnings []string `json:"warnings,omitempty"`
}

// resultOf reads a stored result, so that the first answer and every repeated one are the same.
func resultOf(out tandem.Outcome) (Result, error) {
	var w struct {
		summary
		OpID string     `json:"op_id"`
		Seq  tandem.Seq `json:"seq"`
	}
	if err := json.Unmarshal(out.Result, &w); err != nil {
		return Result{}, fmt.Errorf("read the stored result: %w", err)
	}
	text, err := json.Marshal(w.summary)
	return Result{
		Structured: out.Result, Text: string(text), Seq: w.Seq, OpID: w.OpID, Wrote: out.Wrote(), Replayed: out.Replayed,
	}, err
}

// verbs begin the message of each status.
var verbs = map[string]string{
	statusCreated: "Added", statusReused: "Kept", statusUpdated: "Changed", statusUnchanged: "Nothing changed in", statusCompleted: "Completed",
	statusReopened: "Reopened", statusSkipped: "Skipped", statusDeleted: "Deleted", statusRestored: "Restored", statusSnoozed: "Snoozed",
	statusUndone: "Took back the change of",
}

// say tells a person what happened, with absolute dates.
func say(w written, subjects []tandem.Task, out tandem.Outcome) string {
	var b strings.Builder
	if w.DryRun {
		b.WriteString("This would happen: ")
	}
	b.WriteString(verbs[w.Status] + " ")
	switch n := len(subjects); n {
	case 0:
		return strings.TrimSpace("Nothing changed. " + strings.Join(w.Warnings, " "))
	case 1:
		b.WriteString(sayTask(subjects[0], w))
	default:
		said := make([]string, min(n, maxSaid))
		for i := range said {
			said[i] = sayTask(subjects[i], w)
		}
		fmt.Fprintf(&b, "%d tasks: %s", n, strings.Join(said, "; "))
		if n > maxSaid {
			fmt.Fprintf(&b, "; and %d more", n-maxSaid)
		}
	}
	b.WriteString(".")
	if next := nextOf(out, subjects); next != nil {
		fmt.Fprintf(&b, " Next: %s.", sayDue(*next))
	}
	for _, warning := range w.Warnings {
		b.WriteString(" " + warning)
	}
	return b.String()
}

// maxSaid is how many tasks a message names.
const maxSaid = 5

func sayTask(t tandem.Task, w written) string {
	text := fmt.Sprintf("%s (%d)", quoted(t.Title), t.Number)
	if w.Status == statusSnoozed && w.Interpreted != nil {
		return text + " until " + sayDue(w.Interpreted.until)
	}
	if t.Due != nil && t.Open() {
		text += ", due " + sayDue(*t.Due)
	}
	if rule := t.Rule(); !rule.IsZero() && t.Open() {
		text += ", repeats " + rule.Describe()
	}
	return text
}

// nextOf gives the due date of an occurrence that the call itself made.
func nextOf(out tandem.Outcome, subjects []tandem.Task) *tandem.Due {
	for _, c := range out.Changes {
		t := c.After
		if t.Open() && t.Series != nil && t.Due != nil && !slices.ContainsFunc(subjects, func(s tandem.Task) bool { return s.UID == t.UID }) {
			return t.Due
		}
	}
	return nil
}

// sayDue writes a wall clock with its weekday.
func sayDue(d tandem.Due) string {
	date, err := time.Parse(time.DateOnly, d.Date)
	if err != nil {
		return cmp.Or(d.Date, "some day")
	}
	text := date.Format("Monday, 2 January 2006")
	if d.Time != "" {
		text += " at " + d.Time
	}
	if d.TimeZone != "" {
		text += " (" + d.TimeZone + ")"
	}
	return text
}

// refusal is an error as a client of the protocol gets it.
type refusal struct {
	Success bool           `json:"success"`
	Error   tandem.Code    `json:"error"`
	Message string         `json:"message"`
	Details tandem.Details `json:"details"`
}

func errorResult(err error) json.RawMessage {
	e := tandem.AsError(err)
	b, err := json.Marshal(refusal{Error: e.Code, Message: e.Message, Details: e.Details})
	if err != nil {
		panic(err) // values in details come from decoded JSON or from our own types
	}
	return b
}
