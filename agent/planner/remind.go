package planner

import (
	"errors"
	"slices"
	"strings"

	"tandem"
	"tandem/agent/phrase"
)

// remind adds a task with a reminder: "remind me to call mom tomorrow".
func (p *planning) remind(c clause) (*step, error) {
	toks := c.toks
	switch {
	case english.recall.start(toks) > 0:
		return nil, nil
	case ofAlarm(toks):
		return nil, ask("I have no alarms. Which task shall I change?")
	case english.alarm.start(toks) > 0 && !english.remindNoun(toks):
		return p.wake(c, toks)
	case english.asksForNewList(toks) && !english.remindNoun(toks):
		return nil, ask("There is one list, and tags to group it. What shall I add?")
	}
	n := english.remind.start(toks)
	if n == 0 {
		return p.inform(c)
	}
	content := withoutTrailing(toks[n:])
	for _, read := range []func(*planning, clause, []token) (*step, error){(*planning).remindBefore, (*planning).remindOf} {
		if s, err := read(p, c, content); s != nil || err != nil {
			return s, err
		}
	}
	before, behind := modifiers(toks[:n])
	if len(content) == 0 && len(before) == 0 {
		return nil, ask("What shall I remind you of?")
	}
	if at := toks[n-1]; at.is("for", "on", "at", "every") && len(content) > 0 {
		lead := at.word
		if lead == "for" && content[0].kind == numberToken {
			lead = "at"
		}
		if d := p.draft(lead+" "+source(c.text, content), true); d.Due != "" && settled(d) {
			text := lead + " " + source(c.text, content)
			return p.newTasks(clause{text: text}, p.lex(text), true, false)
		}
	}
	if len(before)+len(behind) == 0 {
		return p.newTasks(c, content, true, false)
	}
	text := strings.TrimSpace(source(c.text, before) + " " + source(c.text, content) + " " + source(c.text, behind))
	return p.newTasks(clause{text: text}, p.lex(text), true, false)
}

// ofAlarm reports a request about an alarm, which "change the smoke alarm batteries" is not.
func ofAlarm(toks []token) bool {
	n := english.alarmOff.start(toks)
	return n > 0 && (n == len(toks) || !toks[n-1].is("alarm", "alarms") || toks[n].kind != wordToken ||
		toks[n].is("to", "for", "at", "on", "from", "in", "off", "clock", "please", "time", "set", "now", "every", "tomorrow", "tonight", "and"))
}

// modifiers gives the words before "reminder" that belong to the task: what it is about, and how often.
func modifiers(toks []token) (before, behind []token) {
	end := slices.IndexFunc(toks, func(t token) bool { return t.is("reminder", "reminders", "notification", "notifications") })
	start := slices.IndexFunc(toks, func(t token) bool { return t.in(english.determiners) }) + 1
	if end < 0 || toks[0].is("remind", "i", "id") {
		return nil, nil
	}
	for i := max(start, 1); i < end; i++ {
		switch {
		case toks[i].in(english.frequencies):
			behind = append(behind, toks[i])
		case !toks[i].is("new", "quick", "another", "me", "us", "up", "simple", "calendar", "friendly", "repeating", "recurring"):
			before = append(before, toks[i])
		}
	}
	return before, behind
}

// inform takes "let me know when": with a date it is a reminder; what happens elsewhere is out of sight.
func (p *planning) inform(c clause) (*step, error) {
	n := english.inform.start(c.toks)
	if n == 0 || n >= len(c.toks) {
		return p.lateRemind(c)
	}
	d := p.draft(source(c.text, c.toks[n-1:]), true)
	if d.Due == "" || !settled(d) || c.toks[0].is("tell", "inform", "warn") && !slices.ContainsFunc(c.toks, func(t token) bool { return t.is("to") }) {
		return nil, nil
	}
	return p.newTasks(c, c.toks[n:], true, false)
}

// remindNoun tells a reminder from an alarm.
func (l *lexicon) remindNoun(toks []token) bool {
	return slices.ContainsFunc(toks, func(t token) bool { return t.is("reminder", "reminders", "remind", "task", "todo") })
}

// lateRemind reads a reminder that stands at the end: "I want to do laundry at 8 pm, create a reminder".
func (p *planning) lateRemind(c clause) (*step, error) {
	for i := 1; i < len(c.toks); i++ {
		end := english.lateRemind.at(c.toks, i)
		if end == 0 || !onlyMarks(c.toks[end:]) || english.question.start(c.toks) > 0 {
			continue
		}
		head := c.toks[:i]
		for _, ps := range []patterns{english.need, english.wants} {
			if n := ps.start(head); n > 0 && n < len(head) {
				head = head[n:]
			}
		}
		return p.newTasks(c, dropTo(head), true, false)
	}
	return nil, nil
}

// remindBefore gives an existing task a reminder: "remind me 30 minutes before the team meeting".
func (p *planning) remindBefore(c clause, toks []token) (*step, error) {
	i := slices.IndexFunc(toks, func(t token) bool { return t.is("before") })
	if i < 1 {
		return nil, nil
	}
	lead, ok := phrase.ParseDurationWith(source(c.text, toks[:i]), p.options)
	r, named := p.refer(c.text, toks[i+1:])
	if !ok || !named {
		return nil, nil
	}
	s, err := p.applyTo(r, changing(changeArgs{Reminders: []string{tandem.FormatDuration(lead)}}, "remind you of"))
	return unlessUnknown(s, err)
}

// unlessUnknown leaves a clause to other rules when no task is like its words: they may name a new one.
func unlessUnknown(s *step, err error) (*step, error) {
	if unknown(err) {
		return nil, nil
	}
	return s, err
}

// unknown reports a question that came up because no task is like the words.
func unknown(err error) bool {
	q, ok := errors.AsType[*question](err)
	return ok && len(q.candidates) == 0
}

// remindOf gives a numbered task a reminder: "remind me of task 3 at 5 pm", "set a reminder for task 3, 1 hour before".
func (p *planning) remindOf(c clause, toks []token) (*step, error) {
	toks = dropTo(toks)
	end := 0
	for end < len(toks) && toks[end].is("for", "on", "task", "number", "#", "about", "the") {
		end++
	}
	if end >= len(toks) || toks[end].kind != mentionToken && (toks[end].kind != numberToken || end == 0 || !toks[end-1].is("task", "number")) {
		return nil, nil
	}
	rest := trimMarks(toks[end+1:])
	v := func(at string) verb { return changing(changeArgs{Reminders: []string{at}}, "remind you of") }
	if n := len(rest); n > 1 && rest[n-1].is("before", "ahead", "earlier") {
		if lead, ok := phrase.ParseDurationWith(source(c.text, rest[:n-1]), p.options); ok {
			return p.apply(c, toks[:end+1], v(tandem.FormatDuration(lead)))
		}
	}
	w, _, ok := phrase.ParseDue(source(c.text, rest), p.now, p.zone, p.options)
	if !ok {
		return nil, ask("When shall I remind you?")
	}
	return p.apply(c, toks[:end+1], v(dueText(w)))
}

// wake turns an alarm, which there is none of, into a question about a task with a reminder.
func (p *planning) wake(c clause, toks []token) (*step, error) {
	title := "Alarm"
	if toks[0].is("wake", "get") || slices.ContainsFunc(toks, func(t token) bool { return t.is("wake") }) {
		title = "Wake up"
	}
	d := p.draft(source(c.text, toks), true)
	if d.Due == "" {
		return nil, ask("I have no alarms, but I can remind you of a task. When shall I?")
	}
	d.Title = title
	return nil, confirmAdd(d, false)
}
