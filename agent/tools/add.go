package tools

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"tandem"
)

// duplicates says what happens where an open task has the title already.
type duplicates string

const (
	createTwin duplicates = "create" // with a warning
	reuseTwin  duplicates = "reuse"
	askTwin    duplicates = "ask" // reuse what is two minutes old, else ambiguous
)

// add runs add_task: one task, or all of items.
func (tb *Toolbox) add(ctx context.Context, c call) (Result, error) {
	op, err := c.operation()
	if err != nil {
		return Result{}, err
	}
	drafts, err := c.drafts(op)
	if err != nil {
		return Result{}, err
	}
	for _, d := range drafts {
		op.twins = append(op.twins, tandem.Fold(d.Title))
	}
	policy := choice(c.args, "on_duplicate", []duplicates{createTwin, reuseTwin, askTwin})
	if policy == "" && c.Kind == Agent {
		policy = askTwin
	}
	if c.args.err != nil {
		return Result{}, c.args.err
	}
	op.decide = func(sc tandem.Scene, _ []tandem.Task) (decision, error) { return addAll(sc, drafts, policy) }
	return tb.run(ctx, op)
}

// draft is a task to be made, with where it stands in the call.
type draft struct {
	tandem.Draft
	repeat *repetition
	prefix string // of its fields in errors
}

// drafts reads the tasks of the call.
func (c call) drafts(op *operation) ([]draft, error) {
	clk, err := c.clock()
	if err != nil {
		return nil, err
	}
	if !c.args.has("items") {
		if !c.args.has("title") {
			return nil, tandem.Invalid("title", nil, "A task needs a title.")
		}
		d, read, err := c.args.draft(clk)
		op.read, op.unsaid = read, c.Words.unsaid(clk, c.args, "due", "due_date")
		return []draft{d}, cmp.Or(err, c.args.err)
	}
	if field, both := c.args.hasAny(specs[AddTask].items...); both && field != "time_zone" {
		return nil, tandem.Invalid(field, nil, "With items, each item has its own %s.", field)
	}
	return c.items(op, clk)
}

func (c call) items(op *operation, clk clock) ([]draft, error) {
	list := c.args.list("items", tandem.MaxBulk)
	if c.args.err == nil && len(list) == 0 {
		c.args.fail(tandem.Invalid("items", 0, "items needs at least one task."))
	}
	var out []draft
	for i, raw := range list {
		a, err := itemArguments(fmt.Sprintf("items[%d]", i), raw)
		if err != nil {
			return nil, err
		}
		own := clk
		if zone := a.phrase("time_zone"); zone != "" {
			if own, err = newClock(c.now, c.settings, zone, c.Zone); err != nil {
				return nil, named(err, a.field("time_zone"), zone)
			}
		}
		d, _, err := a.draft(own)
		if err != nil {
			return nil, err
		}
		op.unsaid = append(op.unsaid, c.Words.unsaid(own, a, "due", "due_date")...)
		if a.err != nil {
			return nil, a.err
		}
		out = append(out, d)
	}
	return out, c.args.err
}

// draft reads the fields of one new task.
func (a *arguments) draft(clk clock) (draft, *interpreted, error) {
	d := draft{prefix: a.prefix}
	if s := a.text("title"); s != nil {
		title, err := tandem.CleanTitle(*s)
		if err != nil {
			a.fail(named(err, a.field("title"), clip(*s)))
		}
		d.Title = title
	}
	if s := a.text("description"); s != nil {
		d.Description = *s
	}
	d.UID = strings.ToLower(a.phrase("uid"))
	if d.UID != "" && !uuidForm.MatchString(d.UID) {
		a.fail(tandem.Invalid(a.field("uid"), d.UID, "A uid is a UUID."))
	}
	d.Priority = choice(a, "priority", tandem.Priorities)
	d.Tags = a.texts("tags", maxTagList)
	d.RepeatFrom = choice(a, "repeat_from", tandem.RepeatFroms)
	var read interpreted
	d.Due, d.repeat = a.schedule(clk, &read)
	if d.repeat != nil {
		d.RepeatFrom = cmp.Or(d.RepeatFrom, d.repeat.from)
		d.Due = cmp.Or(d.Due, d.repeat.first)
	}
	d.Reminders = a.reminders(clk)
	return d, &read, a.err
}

// maxTagList bounds a list of tags before repeats are dropped.
const maxTagList = 5 * tandem.MaxTags

// schedule reads due and recurrence. A phrase for the due date may hold the repetition too.
func (a *arguments) schedule(clk clock, read *interpreted) (*tandem.Due, *repetition) {
	dueText, dueField := a.alias("due", "due_date")
	repeatText, repeatField := a.recurrence()
	if a.err != nil {
		return nil, nil
	}
	var due *tandem.Due
	var repeat *repetition
	if dueText != "" {
		r, err := clk.due(a.field(dueField), dueText, repeatText == "")
		if err != nil {
			a.fail(err)
			return nil, nil
		}
		due, repeat = &r.due, r.repeat
		read.due(r)
	}
	if repeatText != "" {
		rep, err := clk.repetition(a.field(repeatField), repeatText)
		if err != nil {
			a.fail(err)
			return nil, nil
		}
		repeat = &rep
	}
	read.repeats = repeat != nil
	return due, repeat
}

// recurrence reads the repetition under either name; the alias is a closed set. The same said in two ways is no contradiction.
func (a *arguments) recurrence() (text, field string) {
	pattern := choice(a, "recurrence_pattern", patterns)
	text = a.phrase("recurrence")
	switch {
	case pattern == "":
		return text, "recurrence"
	case text != "" && !strings.EqualFold(text, pattern) && !strings.EqualFold(text, "FREQ="+pattern):
		a.fail(tandem.Invalid(a.field("recurrence_pattern"), pattern, "recurrence and recurrence_pattern name the same thing; give one of them."))
	}
	if text != "" {
		return text, "recurrence"
	}
	return pattern, "recurrence_pattern"
}

// reminders reads the list, or its alias for one.
func (a *arguments) reminders(clk clock) []tandem.ReminderSpec {
	texts, field := a.texts("reminders", tandem.MaxReminders), "reminders"
	if one := a.phrase("reminder_time"); one != "" {
		if len(texts) > 0 && !slices.Equal(texts, []string{one}) {
			a.fail(tandem.Invalid(a.field("reminder_time"), one, "reminders and reminder_time name the same thing; give one of them."))
		}
		texts, field = []string{one}, "reminder_time"
	}
	if a.err != nil {
		return nil
	}
	var out []tandem.ReminderSpec
	for _, text := range texts {
		spec, err := clk.reminder(a.field(field), strings.TrimSpace(text))
		if err != nil {
			a.fail(err)
			return nil
		}
		out = append(out, spec)
	}
	return out
}

// addAll makes the tasks, or says which one cannot be made.
func addAll(sc tandem.Scene, drafts []draft, policy duplicates) (decision, error) {
	d := decision{status: statusReused}
	for _, want := range drafts {
		twin, recent := tandem.Twin(sc, want.Title, want.Due)
		if twin != nil && (policy == reuseTwin || policy == askTwin && recent) {
			d.Reused = append(d.Reused, *twin)
			d.subjects = append(d.subjects, twin.UID)
			continue
		}
		if twin != nil && policy == askTwin {
			return d, twinQuestion(want, *twin)
		}
		if twin != nil {
			d.Warnings = append(d.Warnings, tandem.TwinWarning(*twin))
		}
		t, warnings, err := want.task(sc)
		if err != nil {
			return d, prefixed(err, want.prefix)
		}
		d.status = statusCreated
		d.Tasks = append(d.Tasks, t)
		d.subjects = append(d.subjects, t.UID)
		d.Warnings = append(append(d.Warnings, warnings...), overdue(sc, t)...)
	}
	return d, nil
}

func twinQuestion(want draft, twin tandem.Task) error {
	return &tandem.Error{
		Code:    tandem.CodeAmbiguous,
		Message: fmt.Sprintf("There is an open task %s (%d) already. Is another one wanted?", quoted(twin.Title), twin.Number),
		Details: tandem.Details{
			Field: want.prefix + "on_duplicate", Value: askTwin, Allowed: []string{string(createTwin), string(reuseTwin)},
			Candidates: []tandem.Candidate{twin.Candidate()},
		},
	}
}

func (want draft) task(sc tandem.Scene) (tandem.Task, []string, error) {
	if want.repeat != nil {
		rule, err := want.repeat.ruleFor(want.Due)
		if err != nil {
			return tandem.Task{}, nil, err
		}
		want.Rule = rule
	} else if want.RepeatFrom != "" {
		return tandem.Task{}, nil, tandem.Invalid("repeat_from", want.RepeatFrom, "repeat_from needs a recurrence.")
	}
	return tandem.NewTask(sc, want.Draft)
}

// overdue warns of a due date that has passed already.
func overdue(sc tandem.Scene, t tandem.Task) []string {
	if t.Due == nil || !t.Open() || t.Due.At(sc.Settings.Zone()).After(sc.Now) {
		return nil
	}
	return []string{fmt.Sprintf("%s is overdue already: it was due %s.", quoted(t.Title), sayDue(*t.Due))}
}

// prefixed puts the place of an item before the field of its error.
func prefixed(err error, prefix string) error {
	if prefix == "" {
		return err
	}
	e := *tandem.AsError(err)
	e.Details.Field = prefix + e.Details.Field
	return &e
}
