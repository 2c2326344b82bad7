package tandem

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// Draft is a task to be made; phrases are resolved already.
type Draft struct {
	UID         string // proposed by the caller; empty: made here
	Title       string
	Description string
	Priority    Priority // empty: medium
	Tags        []string
	Due         *Due
	Rule        Rule
	RepeatFrom  RepeatFrom // empty: schedule
	Reminders   []ReminderSpec
}

// NewTask makes the task that d describes, or says which field is wrong. Warnings tell what was left out.
func NewTask(sc Scene, d Draft) (t Task, warnings []string, err error) {
	t = Task{UID: d.UID, Priority: PriorityMedium, CreatedAt: sc.Now}
	if t.UID == "" {
		t.UID = sc.NewID()
	}
	if t.Title, err = CleanTitle(d.Title); err != nil {
		return t, nil, err
	}
	if t.Description, err = CleanDescription(d.Description); err != nil {
		return t, nil, err
	}
	if t.Tags, err = CleanTags("tags", d.Tags); err != nil {
		return t, nil, err
	}
	if d.Priority != "" {
		t.Priority = d.Priority
	}
	if t.Due = clonePtr(d.Due); t.Due != nil {
		if err = t.Due.Validate(); err != nil {
			return t, nil, err
		}
	}
	if err = startSeries(sc, &t, d.Rule, d.RepeatFrom); err != nil {
		return t, nil, err
	}
	warnings, err = buildReminders(sc, &t, d.Reminders)
	return t, warnings, err
}

// startSeries makes t the first occurrence of a rule; a task without a due date gets the rule's first one from today on.
func startSeries(sc Scene, t *Task, rule Rule, from RepeatFrom) error {
	if rule.IsZero() {
		return nil
	}
	if from == "" {
		from = FromSchedule
	}
	start := DueAt(sc.Now, sc.Settings.TimeZone).floatingDay()
	if t.Due != nil {
		start = *t.Due
	}
	first, ok := rule.First(start)
	if !ok {
		return Invalid("recurrence", rule.String(), "This rule has no occurrence from %s on.", start.Date)
	}
	if t.Due == nil {
		t.Due = &first
	}
	t.Series = &Series{ID: sc.NewID(), Rule: rule.String(), From: from, Anchor: *t.Due, Key: keyOf(*t.Due)}
	return nil
}

// floatingDay is d as a whole day without a zone.
func (d Due) floatingDay() Due { return Due{Date: d.Date} }

// keyOf writes the wall clock of an occurrence as its key.
func keyOf(d Due) string {
	if d.Time == "" {
		return d.Date
	}
	return d.Date + "T" + d.Time
}

// dueOfKey reads a key back; what follows an @ only makes it unique.
func dueOfKey(key, zone string) (Due, bool) {
	key, _, _ = strings.Cut(key, "@")
	date, clock, _ := strings.Cut(key, "T")
	d := Due{Date: date, Time: clock, TimeZone: zone}
	return d, d.Validate() == nil
}

// Patch changes some fields of a task; nil means untouched.
type Patch struct {
	Title       *string
	Description *string
	Priority    *Priority
	Tags        *[]string
	TagsAdd     []string
	TagsRemove  []string
	Due         *Due // also the new start of its series
	Rule        *Rule
	RepeatFrom  *RepeatFrom
	Reminders   *[]ReminderSpec
	Move        *Move // moves this occurrence alone
	Clear       []string
}

// Clearable lists the fields that Patch.Clear may name.
var Clearable = []string{"description", "priority", "tags", "due", "recurrence", "reminders"}

// Move is a new date or time, or a shift, for one occurrence; what it does not name stays.
type Move struct {
	Date     string
	Time     string
	WholeDay bool // drops the time
	TimeZone string
	Days     int           // shift in wall-clock days
	By       time.Duration // shift of the clock
}

// Amend applies a patch. Absent fields keep their value; emptying is only done by Clear.
func Amend(sc Scene, t Task, p Patch) (_ Task, warnings []string, err error) {
	t = t.Clone()
	if err := amendText(&t, p); err != nil {
		return t, nil, err
	}
	dueBefore := clonePtr(t.Due)
	cleared, err := clearFields(&t, p.Clear)
	if err != nil {
		return t, nil, err
	}
	warnings = append(warnings, cleared...)
	if err := amendSchedule(sc, &t, p); err != nil {
		return t, nil, err
	}
	if p.Reminders != nil {
		more, err := buildReminders(sc, &t, *p.Reminders)
		return t, append(warnings, more...), err
	}
	if !sameDue(dueBefore, t.Due) {
		warnings = append(warnings, moveReminders(sc, &t)...)
	}
	return t, warnings, nil
}

func amendText(t *Task, p Patch) (err error) {
	if p.Title != nil {
		if t.Title, err = CleanTitle(*p.Title); err != nil {
			return err
		}
	}
	if p.Description != nil {
		if t.Description, err = CleanDescription(*p.Description); err != nil {
			return err
		}
	}
	if p.Priority != nil {
		t.Priority = *p.Priority
	}
	if p.Tags != nil {
		if t.Tags, err = CleanTags("tags", *p.Tags); err != nil {
			return err
		}
	}
	gone, err := CleanTags("tags_remove", p.TagsRemove)
	if err != nil {
		return err
	}
	t.Tags = slices.DeleteFunc(t.Tags, func(tag string) bool {
		return slices.ContainsFunc(gone, func(g string) bool { return Fold(g) == Fold(tag) })
	})
	if len(p.TagsAdd) > 0 {
		t.Tags, err = CleanTags("tags_add", append(slices.Clone(t.Tags), p.TagsAdd...))
	}
	return err
}

func clearFields(t *Task, fields []string) (warnings []string, err error) {
	for _, f := range fields {
		switch f {
		case "description":
			t.Description = ""
		case "priority":
			t.Priority = PriorityMedium
		case "tags":
			t.Tags = nil
		case "due":
			if t.Recurring() && !slices.Contains(fields, "recurrence") {
				warnings = append(warnings, "Without a due date the task does not repeat any more.")
			}
			t.Due, t.Series = nil, nil
		case "recurrence":
			t.Series = nil
		case "reminders":
			t.Reminders = nil
		default:
			return nil, NotOneOf("clear", f, Clearable)
		}
	}
	return warnings, nil
}

// amendSchedule sets due date and rule. A new due date or rule starts the series anew from there; a move leaves it alone.
func amendSchedule(sc Scene, t *Task, p Patch) error {
	rule, from := t.Rule(), RepeatFrom("")
	if t.Series != nil {
		from = t.Series.From
	}
	if p.Due != nil {
		if err := p.Due.Validate(); err != nil {
			return err
		}
		t.Due = clonePtr(p.Due)
	}
	if p.Rule != nil {
		rule = *p.Rule
	}
	if p.RepeatFrom != nil {
		from = *p.RepeatFrom
	}
	changed := p.Due != nil && !rule.IsZero() || p.Rule != nil || p.RepeatFrom != nil && !rule.IsZero()
	if changed && rule.IsZero() {
		t.Series = nil
	} else if changed && !sameSeries(t, rule, from) {
		if err := startSeries(sc, t, rule, from); err != nil {
			return err
		}
	}
	if p.Move != nil {
		return p.Move.apply(sc, t)
	}
	return nil
}

// sameSeries reports that nothing about the series is new.
func sameSeries(t *Task, rule Rule, from RepeatFrom) bool {
	return t.Series != nil && t.Due != nil && t.Series.Rule == rule.String() && t.Series.From == from && t.Series.Anchor == *t.Due
}

func (m Move) apply(sc Scene, t *Task) error {
	due := DueAt(sc.Now, sc.Settings.TimeZone).floatingDay()
	if t.Due != nil {
		due = *t.Due
	}
	if m.Date != "" {
		due.Date = m.Date
	}
	if m.Time != "" {
		due.Time = m.Time
	}
	if m.TimeZone != "" {
		due.TimeZone = m.TimeZone
	}
	if m.WholeDay {
		due.Time = ""
	}
	due = due.ShiftDays(m.Days)
	if m.By != 0 {
		if due.WholeDay() {
			due.Time = sc.Settings.Words.AllDay
		}
		due = due.Shift(m.By)
	}
	if err := due.Validate(); err != nil {
		return err
	}
	t.Due = &due
	return nil
}

func sameDue(a, b *Due) bool {
	return a == nil && b == nil || a != nil && b != nil && *a == *b
}

// Twin finds an open task with the same title that a draft would repeat: one made within the last two minutes with the
// same due date (a call sent twice), or an older open one.
func Twin(sc Scene, title string, due *Due) (twin *Task, recent bool) {
	for _, t := range sc.Twins[Fold(title)] {
		if sameDue(t.Due, due) && sc.Now.Sub(t.CreatedAt) < 2*time.Minute {
			return &t, true
		}
		if twin == nil {
			twin = &t
		}
	}
	return twin, false
}

// TwinWarning tells that an open task with this title exists.
func TwinWarning(t Task) string {
	return fmt.Sprintf("There is already an open task %q (%d).", t.Title, t.Number)
}
