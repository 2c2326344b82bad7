package tandem

import (
	"encoding/json"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"
)

// UserID is the subject of a verified token. It is always an explicit argument and never data of a request.
type UserID string

var userIDForm = regexp.MustCompile(`^[A-Za-z0-9_.:@|~-]{1,128}$`)

// Valid reports whether u has the contract's form.
func (u UserID) Valid() bool {
	return userIDForm.MatchString(string(u)) && u != "." && u != ".."
}

// Seq numbers the committed writes of one user, contiguously from 1.
type Seq int64

// Actor says what kind of hand made a change.
type Actor string

// The actors.
const (
	ActorUser       Actor = "user"
	ActorAgent      Actor = "agent"
	ActorRecurrence Actor = "recurrence"
	ActorReminder   Actor = "reminder"
	ActorImport     Actor = "import"
)

// Priority of a task.
type Priority string

// Priorities lists all priorities, from the least to the most pressing.
var Priorities = []Priority{PriorityLow, PriorityMedium, PriorityHigh, PriorityUrgent}

// The priorities.
const (
	PriorityLow    Priority = "low"
	PriorityMedium Priority = "medium"
	PriorityHigh   Priority = "high"
	PriorityUrgent Priority = "urgent"
)

// Rank orders priorities: low is 0, urgent is 3.
func (p Priority) Rank() int { return slices.Index(Priorities, p) }

// Status of a task as the contract shows it.
type Status string

// The statuses.
const (
	StatusPending   Status = "pending"
	StatusCompleted Status = "completed"
	StatusDeleted   Status = "deleted"
)

// Rank orders statuses: what is open, what is done, the trash.
func (s Status) Rank() int {
	return slices.Index([]Status{StatusPending, StatusCompleted, StatusDeleted}, s)
}

// RepeatFrom says from where a rule counts the next occurrence.
type RepeatFrom string

// RepeatFroms lists both ways to count.
var RepeatFroms = []RepeatFrom{FromSchedule, FromCompletion}

// The two ways to count.
const (
	FromSchedule   RepeatFrom = "schedule"
	FromCompletion RepeatFrom = "completion"
)

// Series ties the occurrences of a recurring task together. The rule lives on the open occurrence; the ones behind it keep
// what they had.
type Series struct {
	ID     string     `json:"id"`
	Rule   string     `json:"rule,omitempty"` // canonical, see Rule.String; empty once the series was stopped
	From   RepeatFrom `json:"from"`
	Anchor Due        `json:"anchor"` // DTSTART: COUNT and INTERVAL count from here
	// Key is the scheduled wall clock of this occurrence, unique in its series. Moving the due date does not move it.
	Key         string `json:"key"`
	Predecessor string `json:"predecessor,omitempty"` // UID of the occurrence whose end made this one
	// Withdrawn: removed because its predecessor was reopened; comes back when that is completed again.
	Withdrawn bool `json:"withdrawn,omitempty"`
}

// Origin says who last set a field, and by which operation.
type Origin struct {
	Actor     Actor     `json:"actor"`
	OpID      string    `json:"op_id"`
	TurnID    string    `json:"turn_id,omitempty"`
	MessageID string    `json:"message_id,omitempty"` // the words that caused it
	Seq       Seq       `json:"seq"`
	At        time.Time `json:"at"`
}

// Task is one entry of a person's list. Fields marked derived follow from the others and the user's zone.
type Task struct {
	UID         string            `json:"uid"`
	UserID      UserID            `json:"user_id"`
	Number      int64             `json:"number"` // small, per user, never reused; 0 until the store gives one
	Title       string            `json:"title"`
	Description string            `json:"description,omitempty"`
	Priority    Priority          `json:"priority"`
	Tags        []string          `json:"tags,omitempty"`
	Due         *Due              `json:"due,omitempty"`
	DueAt       *time.Time        `json:"due_at,omitempty"`   // derived: Due as an instant
	NextDue     *time.Time        `json:"next_due,omitempty"` // derived: the occurrence after this one
	Series      *Series           `json:"series,omitempty"`
	Reminders   []Reminder        `json:"reminders,omitempty"`
	CreatedAt   time.Time         `json:"created_at"`
	UpdatedAt   time.Time         `json:"updated_at"`
	CompletedAt *time.Time        `json:"completed_at,omitempty"`
	Skipped     bool              `json:"skipped,omitempty"` // completed by skipping the occurrence
	DeletedAt   *time.Time        `json:"deleted_at,omitempty"`
	Version     int64             `json:"version"`
	Origins     map[string]Origin `json:"origins,omitempty"` // by field name
}

// Status tells where the task is in its life.
func (t Task) Status() Status {
	switch {
	case t.DeletedAt != nil:
		return StatusDeleted
	case t.CompletedAt != nil:
		return StatusCompleted
	default:
		return StatusPending
	}
}

// Open reports whether the task is still to be done.
func (t Task) Open() bool { return t.Status() == StatusPending }

// Recurring reports whether the task has a rule in force.
func (t Task) Recurring() bool { return t.Series != nil && t.Series.Rule != "" }

// Rule gives the rule in force; the zero Rule for a plain task.
func (t Task) Rule() Rule {
	if !t.Recurring() {
		return Rule{}
	}
	r, err := ParseRule(t.Series.Rule)
	if err != nil {
		return Rule{} // a stored rule was parsed before it was stored
	}
	return r
}

// Clone copies the task so that changing the copy leaves t alone.
func (t Task) Clone() Task {
	c := t
	c.Tags = slices.Clone(t.Tags)
	c.Reminders = slices.Clone(t.Reminders)
	c.Due = clonePtr(t.Due)
	c.DueAt = clonePtr(t.DueAt)
	c.NextDue = clonePtr(t.NextDue)
	c.Series = clonePtr(t.Series)
	c.CompletedAt = clonePtr(t.CompletedAt)
	c.DeletedAt = clonePtr(t.DeletedAt)
	c.Origins = make(map[string]Origin, len(t.Origins))
	maps.Copy(c.Origins, t.Origins)
	return c
}

// Candidate names the task in a question.
func (t Task) Candidate() Candidate {
	return Candidate{Number: t.Number, UID: t.UID, Title: t.Title, Due: t.Due}
}

func clonePtr[T any](p *T) *T {
	if p == nil {
		return nil
	}
	v := *p
	return &v
}

// TaskRow is a task as every surface shows it: tool results, list rows, event payloads, socket rows.
type TaskRow struct {
	TaskID            int64             `json:"task_id"`
	ID                int64             `json:"id"`
	UID               string            `json:"uid"`
	UserID            UserID            `json:"user_id"`
	Title             string            `json:"title"`
	Description       string            `json:"description"`
	Status            Status            `json:"status"`
	Completed         bool              `json:"completed"`
	Skipped           bool              `json:"skipped,omitempty"`
	Priority          Priority          `json:"priority"`
	Tags              []string          `json:"tags"`
	Due               *Due              `json:"due"`
	DueDate           *Stamp            `json:"due_date"`
	Recurrence        *string           `json:"recurrence"`
	RecurrencePattern string            `json:"recurrence_pattern"`
	RepeatFrom        *RepeatFrom       `json:"repeat_from"`
	NextDue           *Stamp            `json:"next_due"`
	SeriesID          *string           `json:"series_id"`
	Reminders         []ReminderRow     `json:"reminders"`
	CreatedAt         Stamp             `json:"created_at"`
	UpdatedAt         Stamp             `json:"updated_at"`
	CompletedAt       *Stamp            `json:"completed_at"`
	DeletedAt         *Stamp            `json:"deleted_at"`
	Version           int64             `json:"version"`
	Provenance        map[string]Origin `json:"provenance,omitempty"`
	Occurrences       []Stamp           `json:"occurrences,omitempty"`
	Fuzzy             bool              `json:"fuzzy,omitempty"`
}

// Row gives the contract's view of t.
func (t Task) Row() TaskRow {
	row := TaskRow{
		TaskID: t.Number, ID: t.Number, UID: t.UID, UserID: t.UserID, Title: t.Title, Description: t.Description,
		Status: t.Status(), Completed: t.CompletedAt != nil, Skipped: t.Skipped, Priority: t.Priority,
		Tags: slices.Clone(t.Tags), Due: t.Due, DueDate: stampPtr(t.DueAt), RecurrencePattern: "none", NextDue: stampPtr(t.NextDue),
		Reminders: make([]ReminderRow, len(t.Reminders)), CreatedAt: Stamp(t.CreatedAt), UpdatedAt: Stamp(t.UpdatedAt),
		CompletedAt: stampPtr(t.CompletedAt), DeletedAt: stampPtr(t.DeletedAt), Version: t.Version,
	}
	if row.Tags == nil {
		row.Tags = []string{}
	}
	for i, r := range t.Reminders {
		row.Reminders[i] = r.Row()
	}
	if t.Series != nil {
		row.SeriesID, row.RepeatFrom = &t.Series.ID, &t.Series.From
	}
	if t.Recurring() {
		rule := t.Series.Rule
		row.Recurrence, row.RecurrencePattern = &rule, t.Rule().Pattern(t.Series.Anchor)
	}
	return row
}

// RowJSON encodes Row with the provenance of each field: the form that travels on the socket and rests in the log.
func (t Task) RowJSON() json.RawMessage {
	row := t.Row()
	row.Provenance = t.Origins
	return mustJSON(row)
}

// Stamp is an instant as the contract writes it: RFC 3339 in UTC, milliseconds only where there are some.
type Stamp time.Time

func (s Stamp) String() string {
	t := time.Time(s).UTC().Truncate(time.Millisecond)
	if t.Nanosecond() == 0 {
		return t.Format("2006-01-02T15:04:05Z")
	}
	return t.Format("2006-01-02T15:04:05.000Z")
}

// MarshalJSON writes the contract's form.
func (s Stamp) MarshalJSON() ([]byte, error) { return []byte(`"` + s.String() + `"`), nil }

// UnmarshalJSON reads any RFC 3339 instant.
func (s *Stamp) UnmarshalJSON(b []byte) error {
	t, err := time.Parse(time.RFC3339Nano, strings.Trim(string(b), `"`))
	if err != nil {
		return Invalid("timestamp", string(b), "a timestamp must be RFC 3339")
	}
	*s = Stamp(t.UTC())
	return nil
}

func stampPtr(t *time.Time) *Stamp {
	if t == nil {
		return nil
	}
	s := Stamp(*t)
	return &s
}

// mustJSON encodes a value of our own types, which cannot fail.
func mustJSON(v any) json.RawMessage {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return b
}

// MaxImportedNumber keeps a number of a file from using up the numbers of the tasks to come.
const MaxImportedNumber = 1 << 24

// CheckImported holds a task of a file to the rules that a call is held to.
func CheckImported(t *Task) (err error) {
	uid, ok := ParseUID(t.UID)
	if !ok {
		return Invalid("uid", t.UID, "A task needs a UUID.")
	}
	t.UID, t.Version = uid, max(t.Version, 1)
	if t.Title, err = CleanTitle(t.Title); err != nil {
		return err
	}
	if t.Description, err = CleanDescription(t.Description); err != nil {
		return err
	}
	if t.Tags, err = CleanTags("tags", t.Tags); err != nil {
		return err
	}
	if t.Priority.Rank() < 0 {
		return NotOneOf("priority", string(t.Priority), Priorities)
	}
	if len(t.Reminders) > MaxReminders {
		return Invalid("reminders", len(t.Reminders), "A task has at most %d reminders.", MaxReminders)
	}
	if t.Due != nil {
		if err := t.Due.Validate(); err != nil {
			return err
		}
	}
	if t.Series == nil || t.Series.Rule == "" {
		return nil
	}
	_, err = ParseRule(t.Series.Rule)
	return err
}
