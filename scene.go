package tandem

import (
	"encoding/json"
	"maps"
	"slices"
	"time"
)

// TaskRef names a task by its small number or its UID.
type TaskRef struct {
	Number int64
	UID    string
}

// Value gives the reference as the caller wrote it, for errors.
func (r TaskRef) Value() any {
	if r.UID != "" {
		return r.UID
	}
	return r.Number
}

// Cause says who changes something and why; it is stamped on everything that one operation writes.
type Cause struct {
	Actor        Actor  `json:"actor"`
	OpID         string `json:"op_id"`
	TurnID       string `json:"turn_id,omitempty"`
	Conversation int64  `json:"conversation,omitempty"`
	MessageID    string `json:"message_id,omitempty"`
	Caller       string `json:"caller,omitempty"` // the scope of undo "last": a device, a program, a conversation
	Client       string `json:"client,omitempty"` // of a socket mutation
	Mid          int64  `json:"mid,omitempty"`
	TraceID      string `json:"trace_id,omitempty"`
}

// Edit is one operation on a user's tasks. The store loads the Scene that Refs, Twins, Undo and Floating describe, calls
// Decide, and commits its Plan with the next seq, or nothing at all. Decide may run twice (a retried transaction).
type Edit struct {
	Cause Cause
	Tool  string
	// Hash binds Cause.OpID to the arguments: the same id with another hash is a conflict, with the same hash the first
	// result again. Empty Cause.OpID: the store makes one.
	Hash string
	Refs []TaskRef
	// Twins are folded titles; Scene.Twins holds the open tasks that have them.
	Twins []string
	// Undo names what to take back: "last", a turn id or an op id.
	Undo string
	// Floating loads every open task whose due date has no zone of its own.
	Floating bool
	// ApprovalID is consumed in the same transaction; it must be granted, unexpired and bound to Tool and ApprovalHash.
	ApprovalID   string
	ApprovalHash string
	// Inbox makes the effect happen once for an event: a consumer and the id of the event it handles.
	Inbox  *Inbox
	DryRun bool
	Decide func(Scene) (Plan, error)
	// Result renders what is stored for OpID and returned; nil stores nothing readable.
	Result func(Outcome) (json.RawMessage, error)
}

// Inbox identifies one event at one consumer.
type Inbox struct {
	Consumer string
	EventID  string
}

// Scene is all that a decision may look at.
type Scene struct {
	Now      time.Time // UTC, milliseconds
	User     UserID
	Settings Settings
	// Tasks has one entry for each Edit.Refs, nil where there is none; deleted tasks are included.
	Tasks []*Task
	refs  []TaskRef
	Twins map[string][]Task // by folded title
	// Series holds, by series id, the tasks that are open or whose predecessor is among Tasks or Undo.
	Series map[string][]Task
	Undo   []TaskChange     // what the named operation or turn wrote, newest first
	Past   map[string]*Task // current state, by UID, of the tasks in Undo
	Float  []Task           // with Edit.Floating
	NewID  func() string    // UUIDv7
}

// WithRefs records what Tasks answers to, for the errors of Find.
func (sc Scene) WithRefs(refs []TaskRef) Scene {
	sc.refs = refs
	return sc
}

// Find gives the i-th named task; not_found where there is none.
func (sc Scene) Find(i int) (Task, error) {
	if t := sc.Tasks[i]; t != nil {
		return *t, nil
	}
	field := "task_id"
	if len(sc.refs) > 1 {
		field = "ids"
	}
	return Task{}, NotFound(field, sc.refs[i].Value(), "task")
}

func (sc Scene) remindAt(due Due, before time.Duration) time.Time {
	return due.RemindAt(sc.Settings.Zone(), before, sc.Settings.Words.AllDay)
}

// Plan is what a decision wants: the new state of each task it changes (Number 0: a new one), and what to say about it.
type Plan struct {
	Tasks    []Task
	Settings *Settings
	Warnings []string
	// Dismiss lists the UIDs of tasks whose notices go away.
	Dismiss []string
	// Reused names tasks that answer the call without being changed.
	Reused []Task
}

// TaskChange is one task before and after an operation; nil Before: created.
type TaskChange struct {
	Before *Task `json:"before"`
	After  *Task `json:"after"`
}

// Outcome is what an Edit came to.
type Outcome struct {
	Seq      Seq // the write's number; the head when nothing was written
	OpID     string
	Changes  []TaskChange
	Reused   []Task
	Warnings []string
	Result   json.RawMessage
	// Replayed: the operation had run before; Result is the first one's and Changes is empty.
	Replayed bool
	DryRun   bool
}

// Wrote reports whether the operation changed anything.
func (o Outcome) Wrote() bool { return len(o.Changes) > 0 && !o.DryRun }

// Seal completes a planned task against its state before: derived fields, version, update time and the origin of each
// changed field. It reports false when nothing differs. The store calls it for every task of a Plan, with the seq of the
// write (0 where it is not known yet).
func Seal(sc Scene, cause Cause, before *Task, after *Task, seq Seq) bool {
	derive(sc, after)
	fields := ChangedFields(before, after)
	if len(fields) == 0 {
		return false
	}
	after.UserID = sc.User
	after.UpdatedAt = sc.Now
	after.Version = 1
	if before != nil {
		after.Version = before.Version + 1
	}
	origins := make(map[string]Origin, len(after.Origins)+len(fields))
	maps.Copy(origins, after.Origins)
	for _, f := range fields {
		origins[f] = Origin{Actor: cause.Actor, OpID: cause.OpID, TurnID: cause.TurnID, MessageID: cause.MessageID, Seq: seq, At: sc.Now}
	}
	after.Origins = origins
	return true
}

// derive fills the fields that follow from others.
func derive(sc Scene, t *Task) {
	t.DueAt, t.NextDue = nil, nil
	if t.Due == nil {
		return
	}
	at := t.Due.At(sc.Settings.Zone())
	t.DueAt = &at
	if t.Recurring() && t.Open() {
		if next, ok := upcoming(sc, *t); ok {
			at := next.At(sc.Settings.Zone())
			t.NextDue = &at
		}
	}
}

// upcoming is the occurrence that would follow t if it were done on time.
func upcoming(sc Scene, t Task) (Due, bool) {
	rule := t.Rule()
	if t.Series.From == FromCompletion {
		return rule.AfterCompletion(t.Series.Anchor, t.Due.At(sc.Settings.Zone()), sc.Settings.Zone())
	}
	return rule.Next(t.Series.Anchor, t.scheduled())
}

// Upcoming gives up to n due dates that would follow an open occurrence if each were done on time; none for a plain task.
func (t Task) Upcoming(user *time.Location, n int) []Due {
	if !t.Recurring() || !t.Open() || t.Due == nil {
		return nil
	}
	rule := t.Rule()
	if t.Series.From == FromSchedule {
		return rule.Upcoming(t.Series.Anchor, t.scheduled(), n)
	}
	var out []Due
	done := t.Due.At(user)
	for len(out) < n {
		due, more := rule.AfterCompletion(t.Series.Anchor, done, user)
		if !more {
			break
		}
		out, done = append(out, due), due.At(user)
		if rule, more = rule.CountDown(); !more {
			break
		}
	}
	return out
}

// scheduled is the wall clock at which the rule placed this occurrence.
func (t Task) scheduled() Due {
	if d, ok := dueOfKey(t.Series.Key, t.Series.Anchor.TimeZone); ok {
		return d
	}
	return *t.Due
}

// fieldsOf lists what Seal, dry runs and undo compare, in the order in which changes are told.
var fieldsOf = []struct {
	name string
	get  func(Task) any
	set  func(dst *Task, src Task)
}{
	{"title", func(t Task) any { return t.Title }, func(d *Task, s Task) { d.Title = s.Title }},
	{"description", func(t Task) any { return t.Description }, func(d *Task, s Task) { d.Description = s.Description }},
	{"priority", func(t Task) any { return t.Priority }, func(d *Task, s Task) { d.Priority = s.Priority }},
	{"tags", func(t Task) any { return tagsOf(t) }, func(d *Task, s Task) { d.Tags = slices.Clone(s.Tags) }},
	{"due", func(t Task) any { return t.Due }, func(d *Task, s Task) { d.Due = clonePtr(s.Due) }},
	{"recurrence", func(t Task) any { return ruleOf(t) }, func(d *Task, s Task) { d.Series = clonePtr(s.Series) }},
	{"reminders", func(t Task) any { return t.Row().Reminders }, func(d *Task, s Task) { d.Reminders = slices.Clone(s.Reminders) }},
	{"completed", func(t Task) any { return stampPtr(t.CompletedAt) }, func(d *Task, s Task) {
		d.CompletedAt, d.Skipped = clonePtr(s.CompletedAt), s.Skipped
	}},
	{"deleted", func(t Task) any { return stampPtr(t.DeletedAt) }, func(d *Task, s Task) { d.DeletedAt = clonePtr(s.DeletedAt) }},
}

func tagsOf(t Task) []string {
	if t.Tags == nil {
		return []string{}
	}
	return t.Tags
}

func ruleOf(t Task) any {
	if t.Series == nil {
		return nil
	}
	return *t.Series
}

// ChangedFields names the fields in which two states of a task differ; before may be nil.
func ChangedFields(before, after *Task) []string {
	var out []string
	for _, f := range fieldsOf {
		var was any
		if before != nil {
			was = f.get(*before)
		} else {
			was = f.get(Task{})
		}
		if string(mustJSON(was)) != string(mustJSON(f.get(*after))) {
			out = append(out, f.name)
		}
	}
	if before != nil && len(out) == 0 && derivedDiffers(*before, *after) {
		out = append(out, "due_date")
	}
	return out
}

// derivedDiffers tells of a floating task whose user moved to another zone.
func derivedDiffers(a, b Task) bool {
	return string(mustJSON([]*Stamp{stampPtr(a.DueAt), stampPtr(a.NextDue)})) != string(mustJSON([]*Stamp{stampPtr(b.DueAt), stampPtr(b.NextDue)}))
}

// FieldChange is one line of a dry run.
type FieldChange struct {
	TaskID int64  `json:"task_id"`
	Field  string `json:"field"`
	Before any    `json:"before"`
	After  any    `json:"after"`
}

// FieldChanges tells a change field by field.
func (c TaskChange) FieldChanges() []FieldChange {
	var out []FieldChange
	names := ChangedFields(c.Before, c.After)
	for _, f := range fieldsOf {
		if !slices.Contains(names, f.name) {
			continue
		}
		line := FieldChange{TaskID: c.After.Number, Field: f.name, After: shownField(f.name, c.After)}
		if c.Before != nil {
			line.Before = shownField(f.name, c.Before)
		}
		out = append(out, line)
	}
	return out
}

// shownField gives a field as the contract shows it.
func shownField(name string, t *Task) any {
	row := t.Row()
	switch name {
	case "title":
		return row.Title
	case "description":
		return row.Description
	case "priority":
		return row.Priority
	case "tags":
		return row.Tags
	case "due":
		return row.Due
	case "recurrence":
		return row.Recurrence
	case "reminders":
		return row.Reminders
	case "completed":
		return row.Completed
	default:
		return t.DeletedAt != nil
	}
}
