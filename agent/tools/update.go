package tools

import (
	"cmp"
	"context"
	"slices"
	"time"

	"tandem"
)

// fieldChanges are the arguments of update_task that change fields.
var fieldChanges = []string{
	"title", "description", "priority", "tags", "tags_add", "tags_remove", "due", "due_date", "move_due", "recurrence", "recurrence_pattern",
	"repeat_from", "reminders", "reminder_time", "clear",
}

// update runs update_task: fields, a move, a snooze, a restore, or an undo.
func (tb *Toolbox) update(ctx context.Context, c call) (Result, error) {
	op, err := c.operation()
	if err != nil {
		return Result{}, err
	}
	if v := c.args.number("if_version", 1, 1<<53, 0); v > 0 {
		op.ifVersion = v
	}
	restore := c.args.flag("restore")
	switch {
	case c.args.err != nil:
		return Result{}, c.args.err
	case c.args.has("undo"):
		err = c.undo(op)
	case restore:
		err = c.restore(op)
	default:
		err = c.amend(op)
	}
	if err != nil {
		return Result{}, err
	}
	return tb.run(ctx, op)
}

// alone refuses further changes beside one that stands alone.
func (c call) alone(name string, others ...string) error {
	others = append(slices.Concat(fieldChanges, others), "snooze", "time_zone")
	if field, both := c.args.hasAny(others...); both {
		return tandem.Invalid(field, shownJSON(c.args.raw[field]), "%s stands alone; make the other changes in a call of their own.", name)
	}
	return nil
}

// undo takes back an operation, a turn, or the newest operation of this caller. It needs no yes: it can be undone itself.
func (c call) undo(op *operation) error {
	op.undo = c.args.phrase("undo")
	if c.args.err == nil && len(op.undo) > maxOpID {
		c.args.fail(tandem.Invalid("undo", op.undo, "An op_id has 1 to %d characters.", maxOpID))
	}
	if c.args.err != nil {
		return c.args.err
	}
	if err := c.alone("undo", "task_id", "ids", "restore", "if_version"); err != nil {
		return err
	}
	op.decide = func(sc tandem.Scene, _ []tandem.Task) (decision, error) {
		d := decision{status: statusUndone}
		d.Tasks, d.Warnings = tandem.Revert(sc)
		return d, nil
	}
	return nil
}

func (c call) restore(op *operation) error {
	if err := c.alone("restore"); err != nil {
		return err
	}
	if err := op.needTasks(); err != nil {
		return err
	}
	op.decide = func(sc tandem.Scene, found []tandem.Task) (decision, error) {
		d := decision{status: statusRestored}
		for _, t := range found {
			d.subjects = append(d.subjects, t.UID)
			if back, ok := tandem.Restore(sc, t); ok {
				d.Tasks = append(d.Tasks, back)
			}
		}
		if changed(d.Plan, found) > maxUnasked {
			d.asks = summaryOf("Restore", found)
		}
		return d, nil
	}
	return nil
}

// amendment is what a call changes in each of its tasks.
type amendment struct {
	patch  tandem.Patch
	repeat *repetition
	move   *shift
	snooze *time.Time
}

func (c call) amend(op *operation) error {
	if _, some := c.args.hasAny(append([]string{"snooze"}, fieldChanges...)...); !some {
		if err := op.needTasks(); err != nil {
			return err
		}
		return tandem.Invalid("arguments", nil, "Name at least one change.")
	}
	clk, err := c.clock()
	if err != nil {
		return err
	}
	m, read, err := c.amendment(clk)
	if err != nil {
		return err
	}
	if err := op.needTasks(); err != nil {
		return err
	}
	op.read, op.unsaid = read, c.Words.unsaid(clk, c.args, "due", "due_date", "move_due", "snooze")
	if c.args.err != nil {
		return c.args.err
	}
	op.decide = func(sc tandem.Scene, found []tandem.Task) (decision, error) {
		if err := op.live(found); err != nil {
			return decision{}, err
		}
		return m.all(sc, found)
	}
	return nil
}

// amendment reads the changes.
func (c call) amendment(clk clock) (amendment, *interpreted, error) {
	a, read := c.args, &interpreted{}
	m := amendment{patch: tandem.Patch{Title: a.text("title"), Description: a.text("description")}}
	if p := choice(a, "priority", tandem.Priorities); p != "" {
		m.patch.Priority = &p
	}
	if tags := a.texts("tags", maxTagList); tags != nil {
		m.patch.Tags = &tags
	}
	m.patch.TagsAdd, m.patch.TagsRemove = a.texts("tags_add", maxTagList), a.texts("tags_remove", maxTagList)
	m.patch.Clear = a.texts("clear", len(tandem.Clearable))
	if from := choice(a, "repeat_from", tandem.RepeatFroms); from != "" {
		m.patch.RepeatFrom = &from
	}
	m.patch.Due, m.repeat = a.schedule(clk, read)
	if _, given := a.hasAny("reminders", "reminder_time"); given {
		specs := a.reminders(clk)
		m.patch.Reminders = &specs
	}
	m.readMoves(a, clk, read)
	m.emptying(a)
	m.contradictions(a)
	return m, read, a.err
}

// readMoves reads move_due and snooze.
func (m *amendment) readMoves(a *arguments, clk clock, read *interpreted) {
	if text := a.phrase("move_due"); text != "" && a.err == nil {
		move, err := clk.move(text)
		if err != nil {
			a.fail(err)
			return
		}
		if m.move = &move; move.to != nil {
			read.due(*move.to)
		}
	}
	if text := a.phrase("snooze"); text != "" && a.err == nil {
		until, err := clk.snooze(text)
		if err != nil {
			a.fail(err)
			return
		}
		m.snooze, read.Snooze = &until, tandem.Stamp(until).String()
		read.until = tandem.DueAt(until.In(clk.zone), clk.named)
	}
}

// emptying refuses values that would empty a field: only clear does.
func (m *amendment) emptying(a *arguments) {
	if d := m.patch.Description; d != nil && *d == "" {
		a.fail(tandem.Invalid("description", "", "description cannot be empty; name it in clear to empty it."))
	}
	if t := m.patch.Tags; t != nil && len(*t) == 0 {
		a.fail(tandem.Invalid("tags", "[]", "tags cannot be empty; name them in clear to remove all."))
	}
	if r := m.patch.Reminders; r != nil && len(*r) == 0 {
		a.fail(tandem.Invalid("reminders", "[]", "reminders cannot be empty; name them in clear to remove all."))
	}
}

// contradictions refuses a field that is set and emptied, or set in two ways.
func (m *amendment) contradictions(a *arguments) {
	if m.patch.Due != nil && m.move != nil {
		a.fail(tandem.Invalid("move_due", nil, "due and move_due exclude each other."))
	}
	set := map[string]bool{
		"description": m.patch.Description != nil, "priority": m.patch.Priority != nil, "tags": m.patch.Tags != nil || m.patch.TagsAdd != nil,
		"due": m.patch.Due != nil || m.move != nil, "recurrence": m.repeat != nil || m.patch.RepeatFrom != nil, "reminders": m.patch.Reminders != nil,
	}
	for _, name := range m.patch.Clear {
		if set[name] {
			a.fail(tandem.Invalid("clear", name, "%s is set and cleared in one call.", name))
		}
	}
}

// all applies the amendment to each task.
func (m amendment) all(sc tandem.Scene, found []tandem.Task) (decision, error) {
	d := decision{status: statusUpdated}
	if m.snooze != nil {
		d.status = statusSnoozed
	}
	for _, t := range found {
		d.subjects = append(d.subjects, t.UID)
		next, warnings, err := m.apply(sc, t)
		if err != nil {
			return d, err
		}
		if m.snooze != nil {
			d.Dismiss = append(d.Dismiss, t.UID)
		}
		d.Tasks = append(d.Tasks, next)
		d.Warnings = append(d.Warnings, warnings...)
	}
	if changed(d.Plan, found) > maxUnasked {
		d.asks = summaryOf("Change", found)
	}
	return d, nil
}

func (m amendment) apply(sc tandem.Scene, t tandem.Task) (tandem.Task, []string, error) {
	p, err := m.patchOf(t)
	if err != nil {
		return t, nil, err
	}
	if m.move != nil {
		move := m.move.moved(t)
		p.Move = &move
	}
	next, warnings, err := tandem.Amend(sc, t, p)
	if err != nil {
		return t, nil, err
	}
	if m.snooze != nil {
		if next, err = tandem.Snooze(sc, next, *m.snooze); err != nil {
			return t, nil, err
		}
	}
	if p.Due != nil || p.Move != nil {
		warnings = append(warnings, overdue(sc, next)...)
	}
	return next, warnings, nil
}

// patchOf completes the patch for one task: a pattern becomes the rule for its due date, and words of a repetition move a due
// date that does not fit them.
func (m amendment) patchOf(t tandem.Task) (tandem.Patch, error) {
	p := m.patch
	if m.repeat == nil {
		return p, nil
	}
	rule, err := m.repeat.ruleFor(cmp.Or(p.Due, t.Due))
	if err != nil {
		return p, err
	}
	p.Rule = &rule
	if p.RepeatFrom == nil && m.repeat.from != "" {
		p.RepeatFrom = &m.repeat.from
	}
	if first := m.repeat.first; p.Due == nil && first != nil && !fits(rule, t.Due, *first) {
		moved := *first
		if t.Due != nil && moved.WholeDay() {
			moved.Time, moved.TimeZone = t.Due.Time, cmp.Or(moved.TimeZone, t.Due.TimeZone)
		}
		p.Due = &moved
	}
	return p, nil
}

// fits reports whether a due date is an occurrence of the rule, at the time of day that the words name, if any.
func fits(rule tandem.Rule, due *tandem.Due, first tandem.Due) bool {
	if due == nil || !first.WholeDay() && first.Time != due.Time {
		return false
	}
	found, ok := rule.First(*due)
	return ok && found.Date == due.Date
}
