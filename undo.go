package tandem

import (
	"fmt"
	"slices"
)

// Revert takes back what sc.Undo wrote, field by field: a field goes back only while it still holds what was written; the
// rest is named in the warnings. A created task goes to the trash; a reopened one takes its untouched successor with it.
func Revert(sc Scene) (tasks []Task, warnings []string) {
	state := map[string]*Task{}
	var order []string
	for _, c := range sc.Undo {
		uid := c.After.UID
		if state[uid] == nil {
			now, ok := sc.Past[uid]
			if !ok {
				warnings = append(warnings, fmt.Sprintf("%q is gone for good.", c.After.Title))
				continue
			}
			state[uid] = new(now.Clone())
			order = append(order, uid)
		}
		warnings = append(warnings, revertOne(sc, state[uid], c)...)
	}
	for _, uid := range order {
		t := *state[uid]
		tasks = append(tasks, t)
		if was := sc.Past[uid]; was.CompletedAt != nil && t.CompletedAt == nil {
			for _, next := range withdraw(sc, t) {
				if !slices.Contains(order, next.UID) {
					tasks = append(tasks, next)
				}
			}
		}
	}
	return tasks, warnings
}

// revertOne applies the opposite of c to t.
func revertOne(sc Scene, t *Task, c TaskChange) (warnings []string) {
	if c.Before == nil {
		return unmake(sc, t)
	}
	changed := ChangedFields(c.Before, c.After)
	for _, f := range fieldsOf {
		if !slices.Contains(changed, f.name) || f.name == "reminders" {
			continue
		}
		if string(mustJSON(f.get(*t))) != string(mustJSON(f.get(*c.After))) {
			warnings = append(warnings, fmt.Sprintf("The %s of %q was changed since and stays as it is.", f.name, t.Title))
			continue
		}
		f.set(t, *c.Before)
	}
	revertReminders(sc, t, c)
	return warnings
}

// unmake takes back that t was made. The next occurrence, which the operation made along with its effect, goes as it does when
// its predecessor is reopened: only untouched, and to come back when that is done again.
func unmake(sc Scene, t *Task) (warnings []string) {
	if t.DeletedAt != nil {
		return nil
	}
	if t.Series != nil && t.Series.Predecessor != "" {
		if !untouched(*t) {
			return []string{fmt.Sprintf("%q was changed since and stays as it is.", t.Title)}
		}
		t.Series.Withdrawn = true
	}
	t.DeletedAt = &sc.Now
	silence(t)
	return nil
}

// revertReminders brings back the reminders of before as promises of today: what has passed stays silent, and a done or
// deleted task has none.
func revertReminders(sc Scene, t *Task, c TaskChange) {
	if string(mustJSON(specsOf(c.After.Reminders))) == string(mustJSON(specsOf(t.Reminders))) {
		gen := map[string]int64{}
		for _, r := range t.Reminders {
			gen[r.ID] = r.Generation
		}
		t.Reminders = slices.Clone(c.Before.Reminders)
		for i, r := range t.Reminders {
			t.Reminders[i].Generation = max(r.Generation, gen[r.ID]) + 1
			if r.State == ReminderScheduled && !r.At.After(sc.Now) {
				t.Reminders[i].State = ReminderCancelled
			}
		}
	}
	if t.Open() {
		wake(sc, t)
	} else {
		silence(t)
	}
}
