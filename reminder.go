package tandem

import (
	"fmt"
	"slices"
	"time"
)

// ReminderState is where a reminder is in its life.
type ReminderState string

// The states. A cancelled reminder becomes scheduled again when its task is reopened or restored in time.
const (
	ReminderScheduled ReminderState = "scheduled"
	ReminderFired     ReminderState = "fired"
	ReminderCancelled ReminderState = "cancelled"
)

// Reminder is one promise to speak up about a task. The row is the truth; any timer is a hint. Generation grows whenever
// the promise changes, so that a late timer of an older promise finds nothing to do.
type Reminder struct {
	ID         string         `json:"id"`
	Before     *time.Duration `json:"before,omitempty"` // ahead of the due date; nil: absolute
	At         time.Time      `json:"at"`
	State      ReminderState  `json:"state"`
	Generation int64          `json:"generation"`
}

// ReminderRow is a reminder as the contract shows it.
type ReminderRow struct {
	ReminderID string        `json:"reminder_id"`
	Before     string        `json:"before,omitempty"`
	At         Stamp         `json:"at"`
	State      ReminderState `json:"state"`
}

// Row gives the contract's view of r.
func (r Reminder) Row() ReminderRow {
	row := ReminderRow{ReminderID: r.ID, At: Stamp(r.At), State: r.State}
	if r.Before != nil {
		row.Before = FormatDuration(*r.Before)
	}
	return row
}

// ReminderSpec asks for a reminder: Before the due date, or At an instant.
type ReminderSpec struct {
	Before *time.Duration
	At     *time.Time
}

// FormatDuration writes a duration in the largest unit of which it is a multiple: "2w", "1d", "1h", "30m", "10s".
func FormatDuration(d time.Duration) string {
	for _, u := range []struct {
		size time.Duration
		name string
	}{{7 * 24 * time.Hour, "w"}, {24 * time.Hour, "d"}, {time.Hour, "h"}} {
		if d >= u.size && d%u.size == 0 {
			return fmt.Sprintf("%d%s", d/u.size, u.name)
		}
	}
	if d%time.Minute != 0 {
		return fmt.Sprintf("%ds", d/time.Second)
	}
	return fmt.Sprintf("%dm", d/time.Minute)
}

// buildReminders turns specs into reminders of t. A relative one that is past already is dropped with a warning; an
// absolute one is refused with the next valid time named.
func buildReminders(sc Scene, t *Task, specs []ReminderSpec) (warnings []string, err error) {
	t.Reminders = nil
	for _, spec := range specs {
		r := Reminder{ID: sc.NewID(), Before: spec.Before, State: ReminderScheduled, Generation: 1}
		switch {
		case spec.At != nil:
			if !spec.At.After(sc.Now) {
				next := sc.Now.Add(time.Minute).Truncate(time.Minute)
				return nil, Invalid("reminders", Stamp(*spec.At).String(), "That reminder would be in the past; the next possible time is %s.",
					next.In(sc.Settings.Zone()).Format("2006-01-02 15:04"))
			}
			r.At = spec.At.UTC().Truncate(time.Millisecond)
		case t.Due == nil:
			return nil, Invalid("reminders", FormatDuration(*spec.Before), "A reminder before the due date needs a due date.")
		default:
			r.At = sc.remindAt(*t.Due, *spec.Before)
		}
		if !r.At.After(sc.Now) {
			warnings = append(warnings, pastReminder(r))
			continue
		}
		if !slices.ContainsFunc(t.Reminders, func(o Reminder) bool { return o.At.Equal(r.At) }) {
			t.Reminders = append(t.Reminders, r)
		}
	}
	if len(t.Reminders) > MaxReminders {
		return nil, Invalid("reminders", len(t.Reminders), "A task has at most %d reminders.", MaxReminders)
	}
	return warnings, nil
}

// moveReminders follows a due date that moved: relative reminders are computed anew, absolute ones stay.
func moveReminders(sc Scene, t *Task) (warnings []string) {
	kept := t.Reminders[:0:0]
	for _, r := range t.Reminders {
		if r.Before == nil {
			kept = append(kept, r)
			continue
		}
		if t.Due == nil {
			warnings = append(warnings, fmt.Sprintf("The reminder %s before is gone with the due date.", FormatDuration(*r.Before)))
			continue
		}
		at := sc.remindAt(*t.Due, *r.Before)
		if at.Equal(r.At) {
			kept = append(kept, r)
			continue
		}
		r.At, r.State, r.Generation = at, ReminderScheduled, r.Generation+1
		if !at.After(sc.Now) {
			warnings = append(warnings, pastReminder(r))
			continue
		}
		kept = append(kept, r)
	}
	t.Reminders = kept
	return warnings
}

// Follow brings a floating task into the zone of sc.Settings: its relative reminders move with its due date. A promise whose new
// time has passed is due at once, one that was kept stays kept.
func Follow(sc Scene, t Task) Task {
	t = t.Clone()
	if t.Due == nil || t.Due.TimeZone != "" {
		return t
	}
	for i, r := range t.Reminders {
		if r.Before == nil || r.State == ReminderFired {
			continue
		}
		if at := sc.remindAt(*t.Due, *r.Before); !at.Equal(r.At) {
			t.Reminders[i].At, t.Reminders[i].Generation = at, r.Generation+1
		}
	}
	return t
}

// silence cancels what has not fired: the task is done or gone.
func silence(t *Task) {
	for i, r := range t.Reminders {
		if r.State == ReminderScheduled {
			t.Reminders[i].State, t.Reminders[i].Generation = ReminderCancelled, r.Generation+1
		}
	}
}

// wake schedules cancelled reminders again where their time is still ahead.
func wake(sc Scene, t *Task) {
	for i, r := range t.Reminders {
		if r.State == ReminderCancelled && r.At.After(sc.Now) {
			t.Reminders[i].State, t.Reminders[i].Generation = ReminderScheduled, r.Generation+1
		}
	}
}

// fireTolerance is how far a timer's clock may run ahead of the store's.
const fireTolerance = 50 * time.Millisecond

// Fire is the claim on a due reminder: the task with that reminder marked as fired, or false when the promise has changed,
// is not due yet, or was kept already.
func Fire(sc Scene, t Task, reminderID string, generation int64) (Task, bool) {
	i := slices.IndexFunc(t.Reminders, func(r Reminder) bool { return r.ID == reminderID })
	if i < 0 || !t.Open() {
		return t, false
	}
	r := t.Reminders[i]
	if r.State != ReminderScheduled || r.Generation != generation || r.At.After(sc.Now.Add(fireTolerance)) {
		return t, false
	}
	t = t.Clone()
	t.Reminders[i].State = ReminderFired
	return t, true
}

// Snooze sets one more reminder at the given time.
func Snooze(sc Scene, t Task, at time.Time) (Task, error) {
	if !t.Open() {
		return t, Invalid("snooze", nil, "%q is not open, so there is nothing to be reminded of.", t.Title)
	}
	if !at.After(sc.Now) {
		return t, Invalid("snooze", Stamp(at).String(), "A snooze must end in the future.")
	}
	t = t.Clone()
	at = at.UTC().Truncate(time.Millisecond)
	if slices.ContainsFunc(t.Reminders, func(r Reminder) bool { return r.State == ReminderScheduled && r.At.Equal(at) }) {
		return t, nil
	}
	if len(t.Reminders) >= MaxReminders {
		t.Reminders = slices.DeleteFunc(t.Reminders, func(r Reminder) bool { return r.State == ReminderFired })
	}
	if len(t.Reminders) >= MaxReminders {
		return t, Invalid("snooze", nil, "A task has at most %d reminders.", MaxReminders)
	}
	t.Reminders = append(t.Reminders, Reminder{ID: sc.NewID(), At: at, State: ReminderScheduled, Generation: 1})
	return t, nil
}

func pastReminder(r Reminder) string {
	when := FormatDuration(*r.Before) + " before"
	if *r.Before == 0 {
		when = "at the due time"
	}
	return fmt.Sprintf("The reminder %s was left out: that time has passed.", when)
}

// specsOf gives the reminders of a task as specs, for the next occurrence: only relative ones travel.
func specsOf(rs []Reminder) []ReminderSpec {
	var out []ReminderSpec
	for _, r := range rs {
		if r.Before != nil {
			out = append(out, ReminderSpec{Before: r.Before})
		}
	}
	return out
}
