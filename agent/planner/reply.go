package planner

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"tandem"
)

// The sentences that need no data.
const (
	replyHelp = "I keep your task list. You can say: \"add milk and eggs\", \"remind me to call mom tomorrow at 5\", \"what's due today\", " +
		"\"complete 3\", \"move the dentist to Friday\", \"delete the meeting task\" or \"undo\"."
	replyHello          = "Hello. Tell me what to put on your list, or ask what is on it."
	replyWelcome        = "You are welcome."
	replyBye            = "Goodbye."
	replyFine           = "All is well, thank you. Your list is in good hands."
	replyAgain          = "There is nothing to repeat. Tell me what you want to do with your list."
	replyDoubt          = "That is fine. Tell me when you have decided."
	replyNothingPending = "There is nothing waiting for an answer."
	replyUndoHint       = "Say \"undo\" and I take the last change back."
	replyLeft           = "Very well, I leave everything as it is."
	replyRefuse         = "I can only help with your task list."
	replyRest           = "The rest I cannot do: I only keep your task list."
)

// maxShown is how many tasks a reply lists.
const maxShown = 20

// maxNamed is how many tasks a reply names in a sentence.
const maxNamed = 5

// receipt is a call with what came of it.
type receipt struct {
	call
	result result
}

// reply tells what was done, shows lists, and adds what was said.
func (p *planning) reply(all []receipt, lists []shownList, says []string) string {
	var parts []string
	for _, d := range all {
		parts = append(parts, p.sayDone(d))
	}
	for _, l := range lists {
		parts = append(parts, p.sayList(l))
	}
	for _, one := range says {
		parts = append(parts, p.say(one))
	}
	if text := strings.TrimSpace(strings.Join(parts, "\n")); text != "" {
		return text
	}
	return p.say(replyHelp)
}

// sayDone tells one result.
func (p *planning) sayDone(d receipt) string {
	r := d.result
	switch {
	case r.Error == string(tandem.CodeNotFound):
		return r.Message + " " + p.say("Which task do you mean?")
	case r.Error == string(tandem.CodeNeedsApproval):
		return p.say("This waits for your yes.")
	case r.Error != "" || !r.Success:
		if r.Message == "" {
			return p.say("That did not work; nothing was changed by it.")
		}
		return r.Message
	}
	parts := []string{p.sayWritten(d)}
	for _, w := range r.Warnings {
		if !strings.Contains(parts[0], w) {
			parts = append(parts, w)
		}
	}
	return strings.Join(parts, " ")
}

// sayWritten tells what a write did, with absolute dates.
func (p *planning) sayWritten(d receipt) string {
	rows := d.result.rows()
	switch {
	case len(rows) == 0:
		return p.say(d.result.Message)
	case d.tool == addTask && d.result.Status == "created" && len(rows) == 1:
		return p.say("Added %s.", p.sayTask(rows[0]))
	case d.tool == addTask && d.result.Status == "reused" && len(rows) == 1:
		return p.say("%s is on your list already.", p.sayTask(rows[0]))
	case d.tool == addTask && d.result.Status == "created":
		return p.say("Added %s.", p.sayTasks(rows))
	case d.tool == updateTask && d.result.Status == "updated" && len(rows) == 1:
		return p.say("Changed %s.", p.sayTask(rows[0]))
	case d.tool == updateTask && d.result.Status == "updated":
		return p.say("Changed %d tasks: %s.", len(rows), p.sayTasks(rows))
	}
	return p.sayOutcome(d, rows)
}

// sayTask names a task with all that is set.
func (p *planning) sayTask(row tandem.TaskRow) string {
	text := quote(row.Title)
	if row.TaskID > 0 {
		text += fmt.Sprintf(" (%d)", row.TaskID)
	}
	if row.Due != nil {
		text += p.say(" for %s", p.sayDue(*row.Due))
	}
	return text + p.sayMarks(row)
}

// sayMarks tells priority, tags, repetition and reminders.
func (p *planning) sayMarks(row tandem.TaskRow) string {
	var marks []string
	if row.Priority != "" && row.Priority != tandem.PriorityMedium {
		marks = append(marks, p.say("%s priority", term(row.Priority)))
	}
	for _, tag := range row.Tags {
		marks = append(marks, "#"+tag)
	}
	if row.Recurrence != nil {
		if rule, err := tandem.ParseRule(*row.Recurrence); err == nil && !rule.IsZero() {
			marks = append(marks, p.sayRule(rule, *row.Recurrence))
		}
	}
	for _, r := range row.Reminders {
		if r.State == tandem.ReminderScheduled {
			at := time.Time(r.At).In(p.zone)
			marks = append(marks, p.say("reminder %s", p.sayDate(at)+", "+at.Format("15:04")))
		}
	}
	if len(marks) == 0 {
		return ""
	}
	return ", " + strings.Join(marks, ", ")
}

// sayTasks names several tasks in a sentence.
func (p *planning) sayTasks(rows []tandem.TaskRow) string {
	var names []string
	for i, row := range rows {
		if i == maxNamed {
			names = append(names, p.say("%d more", len(rows)-i))
			break
		}
		names = append(names, p.sayTask(row))
	}
	return p.enumerate(names, "and")
}

// sayDue writes a wall clock with its weekday: "Sat 21 Nov 2026, 09:00".
func (p *planning) sayDue(d tandem.Due) string {
	date, err := time.Parse(time.DateOnly, d.Date)
	if err != nil {
		return d.Date
	}
	text := p.sayDate(date)
	if d.Time != "" {
		text += ", " + d.Time
	}
	if d.TimeZone != "" && d.TimeZone != p.zone.String() {
		text += " (" + d.TimeZone + ")"
	}
	return text
}

// sayList shows a list.
func (p *planning) sayList(l shownList) string {
	rows, total := l.found.rows(), max(l.found.Total, len(l.found.rows()))
	if l.f.status == "completed" && l.f.timed() {
		rows = slices.DeleteFunc(slices.Clone(rows), func(r tandem.TaskRow) bool { return !p.finished(l.f, r) })
		total = len(rows)
	}
	if l.f.part != (stretch{}) && total == len(rows) {
		rows = slices.DeleteFunc(slices.Clone(rows), func(r tandem.TaskRow) bool { return !p.fits(l.f, r) })
		total = len(rows)
	}
	noun := l.noun()
	if total == 1 {
		noun = strings.TrimSuffix(noun, "s")
	}
	what := p.say(noun) + p.sayNarrowed(l.listing)
	switch {
	case !l.found.Success && l.found.Message != "":
		return l.found.Message
	case total == 0 && len(l.args.IDs) > 0:
		return p.say("There is no task %d.", l.args.IDs[0])
	case total == 0:
		return p.say("You have no "+noun+"%s.", p.sayNarrowed(l.listing))
	case l.count:
		return p.say("You have %d %s.", total, what)
	}
	head := p.say("You have %d %s:", total, what)
	switch {
	case l.found.Fuzzy:
		head = p.say("Nothing on your list is called %s. The nearest:", quote(l.about))
	case l.next:
		head = p.say("Next:")
	}
	var b strings.Builder
	b.WriteString(head)
	for i, row := range rows {
		if i == maxShown {
			break
		}
		b.WriteString("\n" + p.sayLine(row))
	}
	if more := total - min(len(rows), maxShown); more > 0 && !l.next {
		b.WriteString("\n" + p.say("and %d more", more))
	}
	return b.String()
}

// finished reports whether a task was completed on one of the days that the words name.
func (p *planning) finished(f filter, row tandem.TaskRow) bool {
	if row.CompletedAt == nil {
		return false
	}
	date := time.Time(*row.CompletedAt).In(p.zone).Format(time.DateOnly)
	return (f.from == "" || date >= f.from) && (f.to == "" || date <= f.to)
}

// sayLine writes one line of a list.
func (p *planning) sayLine(row tandem.TaskRow) string {
	text := fmt.Sprintf("%d: %s", row.TaskID, row.Title)
	if row.Due != nil {
		text += ", " + p.sayDue(*row.Due)
	}
	text += p.sayMarks(row)
	if row.Completed {
		text += ", " + p.say("done")
	}
	return text
}

// noun names the tasks that a listing is about, in the plural: "overdue tasks".
func (l *listing) noun() string {
	switch {
	case l.f.overdue:
		return "overdue tasks"
	case l.f.status == "all":
		return "tasks"
	}
	return l.f.status + " tasks"
}

// sayNarrowed tells what narrows a listing.
func (p *planning) sayNarrowed(l *listing) string {
	text := p.sayFilter(l.f)
	if l.about != "" {
		text += p.say(" about %s", quote(l.about))
	}
	return text
}

// sayFilter tells what narrows a list.
func (p *planning) sayFilter(f filter) string {
	text := ""
	switch {
	case f.undated:
		text += p.say(" without a due date")
	case f.from != "" && f.from == f.to:
		text += p.say(" for %s", p.sayDue(tandem.Due{Date: f.from}))
	case f.from != "" && f.to != "":
		text += p.say(" from %s to %s", p.sayDue(tandem.Due{Date: f.from}), p.sayDue(tandem.Due{Date: f.to}))
	case f.from != "":
		text += p.say(" from %s", p.sayDue(tandem.Due{Date: f.from}))
	case f.to != "":
		text += p.say(" until %s", p.sayDue(tandem.Due{Date: f.to}))
	}
	if f.priority != "" {
		text += p.say(" with %s priority", term(f.priority))
	}
	if len(f.tags) > 0 {
		text += p.say(" tagged %s", "#"+strings.Join(f.tags, ", #"))
	}
	return text
}

func (p *planning) sayCandidate(c tandem.Candidate) string {
	text := quote(c.Title)
	if c.Number > 0 {
		text += fmt.Sprintf(" (%d", c.Number)
		if c.Due != nil {
			text += ", " + p.sayDue(*c.Due)
		}
		text += ")"
	}
	return text
}

// sayDraftDue tells the date of a task that is only proposed.
func (d addArgs) sayDraftDue(p *planning) string {
	if date, clock, _ := strings.Cut(d.Due, "T"); date != "" {
		return p.say(" for %s", p.sayDue(tandem.Due{Date: date, Time: clock}))
	}
	return ""
}

// twinQuestion asks whether another task of the same name is wanted.
func twinQuestion(all []receipt) *question {
	for _, d := range all {
		if d.tool != addTask || d.result.Error != string(tandem.CodeAmbiguous) {
			continue
		}
		args := d.args
		switch a := args.(type) {
		case addArgs:
			a.OnDuplicate = "create"
			args = a
		case addManyArgs:
			a.OnDuplicate = "create"
			args = a
		}
		q := ask("There is already such a task. Add another one?")
		if c := d.result.Details.Candidates; len(c) > 0 {
			q = ask("There is already an open task %s (%d). Add another one?", quote(c[0].Title), c[0].Number)
		}
		q.tool, q.args = addTask, args
		return q
	}
	return nil
}

// quote puts words between quotation marks.
func quote(s string) string { return "\"" + clip(s, maxQuoted) + "\"" }

// maxQuoted bounds how much of a title or of the person's words a sentence repeats, in characters.
const maxQuoted = 80

func clip(s string, n int) string {
	r := []rune(s)
	if len(r) <= n {
		return s
	}
	return strings.TrimSpace(string(r[:n-1])) + "…"
}

// enumerate writes "a", "a or b", "a, b or c".
func (p *planning) enumerate(words []string, last string) string {
	n := len(words)
	if n < 2 {
		return strings.Join(words, "")
	}
	return strings.Join(words[:n-1], ", ") + " " + p.say(last) + " " + words[n-1]
}
