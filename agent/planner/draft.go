package planner

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"tandem"
	"tandem/agent/phrase"
)

// draft reads one new task.
func (p *planning) draft(text string, remind bool) addArgs {
	text, notes := p.splitNotes(text)
	source := text
	if remind && english.remind.start(p.lex(text)) == 0 {
		source = p.say("remind me to %s", text)
	}
	r := phrase.Parse(source, p.now, p.zone, p.options)
	d := addArgs{
		Title: titleOf(r.Title), Description: notes, Priority: r.Priority, Tags: r.Tags, Reminders: reminders(r),
		past: r.Past && !p.earlierToday(r.Due), unsettled: r.Ambiguous,
	}
	if r.Due != nil {
		d.Due = dueText(*r.Due)
	}
	if r.Recurrence != nil {
		d.Recurrence = r.Recurrence.Rule
		if r.Recurrence.From == phrase.FromCompletion {
			d.RepeatFrom = r.Recurrence.From
		}
	}
	return d.fit()
}

// earlierToday reports a clock time of today. One that has passed stays as said: the task is overdue.
func (p *planning) earlierToday(w *phrase.When) bool {
	return w != nil && !w.Instant && w.Date == p.date(0)
}

// reminders writes the reminders that the words ask for.
func reminders(r phrase.Result) []string {
	var out []string
	for _, one := range r.Reminders {
		if one.At != nil {
			out = append(out, dueText(*one.At))
			continue
		}
		out = append(out, tandem.FormatDuration(one.Before))
	}
	return out
}

// splitNotes cuts off "with the note …".
func (p *planning) splitNotes(text string) (rest, notes string) {
	toks := p.lex(text)
	for i := 1; i < len(toks); i++ {
		end := english.notes.at(toks, i)
		if end == 0 || end >= len(toks) {
			continue
		}
		tail := toks[end:]
		if len(tail) == 1 && tail[0].kind == quoteToken {
			return source(text, toks[:i]), tail[0].word
		}
		return source(text, toks[:i]), source(text, tail)
	}
	return text, ""
}

// fit moves what a title cannot hold into the notes.
func (d addArgs) fit() addArgs {
	if utf8.RuneCountInString(d.Title) <= tandem.MaxTitle {
		return d
	}
	whole := []rune(d.Title)
	d.Description = strings.TrimSpace(string(whole[:min(len(whole), tandem.MaxDescription)]))
	cut := string(whole[:tandem.MaxTitle-1])
	if at := strings.LastIndexByte(cut, ' '); at > 0 {
		cut = cut[:at]
	}
	d.Title = cut + "…"
	return d
}

// titleOf makes a title of what is left of the words: without what joined it to the rest, and with a capital letter. What was
// quoted is left as it is.
func titleOf(text string) string {
	text = strings.TrimSpace(text)
	if q := phrase.Quoted(text); len(q) == 1 && q[0].Start == 0 && q[0].End == units(text) {
		return strings.TrimSpace(q[0].Text)
	}
	text = strings.TrimRight(strings.TrimLeft(text, " ,;:.-–—"), " ,;:.-–—")
	for {
		rest := trimFrame(text)
		if rest == text || rest == "" {
			break
		}
		text = rest
	}
	r, size := utf8.DecodeRuneInString(text)
	if r == utf8.RuneError {
		return text
	}
	return string(unicode.ToUpper(r)) + text[size:]
}

// trimFrame drops a leading "to", and a copula that lost its date.
func trimFrame(text string) string {
	lower := strings.ToLower(text)
	for _, lead := range []string{"to ", "that ", "about ", "of ", "a ", "an "} {
		if strings.HasPrefix(lower, lead) {
			return strings.TrimSpace(text[len(lead):])
		}
	}
	for _, end := range []string{" is", " are", " is due", " please", " for me", " to", " also"} {
		if strings.HasSuffix(lower, end) {
			return strings.TrimSpace(text[:len(text)-len(end)])
		}
	}
	return text
}

// offer asks whether something is meant as a task.
func (p *planning) offer(c clause) *question {
	toks := c.toks
	if n := english.need.start(toks); n > 0 && n < len(toks) {
		toks = toks[n:]
	}
	d := p.draft(source(c.text, toks), false)
	if !settled(d) {
		q := ask("What shall I add?")
		q.weak = true
		return q
	}
	return confirmAdd(d, true)
}

// confirmAdd asks before a task is added.
func confirmAdd(d addArgs, weak bool) *question {
	q := ask("Add %s%s as a task?", quote(d.Title), d.sayDraftDue)
	if d.past {
		q.text = "That day has passed. " + q.text
	}
	d.OnDuplicate = "ask"
	q.tool, q.args, q.weak = addTask, d, weak
	return q
}
