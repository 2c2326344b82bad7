package tandem

import (
	"math"
	"time"
)

// Complete marks t as done at the given instant. Completing what is done changes nothing. Its next occurrence is made by
// Succeed once the completion is known.
func Complete(sc Scene, t Task, at time.Time) Task {
	if t.CompletedAt != nil {
		return t
	}
	t = t.Clone()
	at = at.UTC().Truncate(time.Millisecond)
	t.CompletedAt, t.Skipped = &at, false
	silence(&t)
	return t
}

// StopSeries completes t and ends its rule.
func StopSeries(sc Scene, t Task, at time.Time) (Task, error) {
	if !t.Recurring() {
		return t, Invalid("stop_series", true, "%q does not repeat.", t.Title)
	}
	t = Complete(sc, t, at).Clone()
	t.Series.Rule = ""
	return t, nil
}

// Skip closes this occurrence as skipped and gives the next one.
func Skip(sc Scene, t Task) ([]Task, error) {
	if !t.Recurring() {
		return nil, Invalid("skip_occurrence", true, "%q does not repeat, so there is no occurrence to skip.", t.Title)
	}
	if t.CompletedAt != nil {
		return nil, nil
	}
	t = Complete(sc, t, sc.Now).Clone()
	t.Skipped = true
	if next, ok := successor(sc, t, sc.Now); ok {
		return []Task{t, next}, nil
	}
	return []Task{t}, nil
}

// Reopen takes a completion back, and with it the next occurrence as long as nobody touched that.
func Reopen(sc Scene, t Task) []Task {
	if t.CompletedAt == nil {
		return nil
	}
	t = t.Clone()
	t.CompletedAt, t.Skipped = nil, false
	wake(sc, &t)
	return append([]Task{t}, withdraw(sc, t)...)
}

// withdraw removes the untouched successor of a reopened task.
func withdraw(sc Scene, t Task) []Task {
	next, ok := sc.successorOf(t)
	if !ok || !next.Open() || !untouched(next) {
		return nil
	}
	next = next.Clone()
	next.DeletedAt, next.Series.Withdrawn = &sc.Now, true
	silence(&next)
	return []Task{next}
}

// untouched reports that nobody wrote to t since it was made or brought back, but the recurrence itself and its reminders.
func untouched(t Task) bool {
	made := Seq(math.MaxInt64)
	for _, o := range t.Origins {
		made = min(made, o.Seq)
	}
	back := t.Origins["deleted"].Seq
	for _, o := range t.Origins {
		if o.Seq != made && o.Seq != back && o.Actor != ActorRecurrence && o.Actor != ActorReminder {
			return false
		}
	}
	return true
}

func (sc Scene) successorOf(t Task) (Task, bool) {
	if t.Series == nil {
		return Task{}, false
	}
	for _, s := range sc.Series[t.Series.ID] {
		if s.Series != nil && s.Series.Predecessor == t.UID {
			return s, true
		}
	}
	return Task{}, false
}

func (sc Scene) openInSeries(t Task) bool {
	for _, s := range sc.Series[t.Series.ID] {
		if s.Open() && s.UID != t.UID {
			return true
		}
	}
	return false
}

// Succeed gives the next occurrence of a completed one: a new task, or the withdrawn one back. Nothing when t is not (or no
// longer) a completed occurrence of a rule, when the series has an open occurrence, or when the rule has ended.
func Succeed(sc Scene, t Task) (Task, bool) {
	if !t.Recurring() || t.CompletedAt == nil || t.Skipped || t.DeletedAt != nil || sc.openInSeries(t) {
		return Task{}, false
	}
	return successor(sc, t, *t.CompletedAt)
}

func successor(sc Scene, t Task, at time.Time) (Task, bool) {
	if old, ok := sc.successorOf(t); ok {
		if old.DeletedAt == nil || !old.Series.Withdrawn {
			return Task{}, false
		}
		return revive(sc, old), true
	}
	due, rule, ok := following(sc, t, at)
	if !ok {
		return Task{}, false
	}
	next := Task{
		UID: sc.NewID(), Title: t.Title, Description: t.Description, Priority: t.Priority, Tags: t.Clone().Tags,
		Due: &due, CreatedAt: sc.Now,
		Series: &Series{ID: t.Series.ID, Rule: rule.String(), From: t.Series.From, Anchor: t.Series.Anchor, Key: keyOf(due), Predecessor: t.UID},
	}
	if next.Series.From == FromCompletion {
		next.Series.Key += "@" + t.UID // two completions on one day may lead to the same date
	}
	// Relative specs cannot be refused: a due date is there, and what has passed is only left out.
	_, _ = buildReminders(sc, &next, specsOf(t.Reminders))
	return next, true
}

// following is the occurrence after t, counted as its series counts, with the rule that is left for it.
func following(sc Scene, t Task, at time.Time) (Due, Rule, bool) {
	rule := t.Rule()
	if t.Series.From == FromSchedule {
		due, ok := rule.NextOpen(t.Series.Anchor, t.scheduled(), at, sc.Settings.Zone())
		return due, rule, ok
	}
	due, ok := rule.AfterCompletion(t.Series.Anchor, at, sc.Settings.Zone())
	if !ok {
		return due, rule, false
	}
	rule, ok = rule.CountDown()
	return due, rule, ok
}

func revive(sc Scene, t Task) Task {
	t = t.Clone()
	t.DeletedAt, t.Series.Withdrawn = nil, false
	wake(sc, &t)
	return t
}

// Delete puts t in the trash. The series of a recurring task goes on with its next occurrence, unless whole says to end it.
func Delete(sc Scene, t Task, whole bool) []Task {
	if t.DeletedAt != nil {
		return nil
	}
	gone := t.Clone()
	gone.DeletedAt = &sc.Now
	silence(&gone)
	out := []Task{gone}
	switch {
	case !t.Recurring() || !t.Open():
	case whole:
		out = append(out, deleteRest(sc, t)...)
	case !sc.openInSeries(t):
		if next, ok := successor(sc, t, sc.Now); ok {
			out = append(out, next)
		}
	}
	return out
}

func deleteRest(sc Scene, t Task) []Task {
	var out []Task
	for _, s := range sc.Series[t.Series.ID] {
		if s.Open() && s.UID != t.UID {
			s = s.Clone()
			s.DeletedAt = &sc.Now
			silence(&s)
			out = append(out, s)
		}
	}
	return out
}

// Restore takes t out of the trash. Where its series went on without it, it comes back as a plain task.
func Restore(sc Scene, t Task) (Task, bool) {
	if t.DeletedAt == nil {
		return t, false
	}
	t = t.Clone()
	t.DeletedAt = nil
	if t.Series != nil {
		t.Series.Withdrawn = false
		if sc.openInSeries(t) {
			t.Series = nil
		}
	}
	if t.Open() {
		wake(sc, &t)
	}
	return t, true
}
