package phrase

import (
	"slices"
	"strings"
)

// appliedConf is the least surety of a reading that is applied.
const appliedConf = 0.7

// result makes the answer of marks and expressions.
func (p *parser) result(m marks, all []expr) Result {
	c := p.combine(all, &m)
	r := Result{Priority: m.priority, Tags: m.tags, Remind: m.remind}
	pieces := m.pieces
	if c.found {
		if p.apply(&r, &c.expr) {
			pieces = append(pieces, p.kinds(&r, c.pieces)...)
		}
	}
	if r.Due != nil {
		pieces = p.reminders(&r, &m, c.reminder, pieces)
	}
	if r.Due == nil && r.Recurrence == nil {
		r.Ambiguous = p.reason
	}
	slices.SortFunc(pieces, func(a, b piece) int { return a.from - b.from })
	r.Spans = p.spans(pieces, c.conf())
	r.Title = p.title(pieces)
	if m.remind && m.remindAt == 0 {
		r.Title = p.lang.plainInfinitive(p.withoutJoint(r.Title))
	}
	return r
}

// apply settles the merged expression into r.
func (p *parser) apply(r *Result, e *expr) bool {
	if e.conf() < appliedConf {
		return false
	}
	if e.repeats() {
		if rec, first, ok := p.recurrence(e); ok {
			r.Recurrence, r.Due = &rec, &first
			return true
		}
		return false
	}
	d, ok := p.due(e)
	if !ok {
		return false
	}
	r.Due, r.Alternatives, r.Past = &d.when, d.alternatives, d.past
	return true
}

// kinds gives the start of a rule its kind.
func (p *parser) kinds(r *Result, pieces []piece) []piece {
	for i := range pieces {
		if pieces[i].kind == kindStart {
			pieces[i].kind = KindDue
			if r.Recurrence != nil {
				pieces[i].kind = KindRecurrence
			}
		}
	}
	return pieces
}

// reminders adds the reminders that the words ask for; pieces grow by theirs.
func (p *parser) reminders(r *Result, m *marks, at *expr, pieces []piece) []piece {
	for i, d := range m.before {
		r.Reminders = append(r.Reminders, Reminder{Before: d})
		pieces = append(pieces, m.lead[i])
	}
	if at != nil {
		if w, ok := p.reminderAt(r.Due, at); ok {
			r.Reminders = append(r.Reminders, Reminder{At: &w})
			for _, x := range at.pieces {
				x.kind = KindReminder
				pieces = append(pieces, x)
			}
		}
	}
	if m.remind && len(r.Reminders) == 0 {
		r.Reminders = []Reminder{{}}
	}
	return pieces
}

// reminderAt settles the time behind "remind me": without a day of its own it is on the day of the due date.
func (p *parser) reminderAt(on *When, e *expr) (When, bool) {
	if e.repeats() {
		return When{}, false
	}
	d, ok := p.due(e)
	if _, dated := e.day(); !dated && ok {
		d.when.Date = on.Date
	}
	return d.when, ok
}

// spans makes the spans of pieces; neighbours of one kind become one.
func (p *parser) spans(pieces []piece, conf float64) []Span {
	spans := make([]Span, 0, len(pieces))
	for i := 0; i < len(pieces); {
		j := i + 1
		for j < len(pieces) && pieces[j].kind == pieces[i].kind && pieces[j].lead == pieces[j-1].to && pieces[i].kind != KindTag {
			j++
		}
		from, to := p.toks[pieces[i].from].from, p.toks[pieces[j-1].to-1].to
		s := Span{Start: p.units.utf16(from), End: p.units.utf16(to), Kind: pieces[i].kind, Text: p.text[from:to], Conf: 0.95}
		if s.Kind == KindDue || s.Kind == KindRecurrence {
			s.Conf = conf
		}
		spans = append(spans, s)
		i = j
	}
	return spans
}

// title is the text without its pieces and the words that introduce them.
func (p *parser) title(pieces []piece) string {
	var b strings.Builder
	at := 0
	for _, x := range pieces {
		from, to := p.toks[x.lead].from, p.toks[x.to-1].to
		if p.mark(x.lead, "(") && p.mark(x.to, ")") {
			to = p.toks[x.to].to
		}
		if from > at {
			b.WriteString(p.text[at:from])
		}
		b.WriteByte(' ')
		at = max(at, to)
	}
	b.WriteString(p.text[at:])
	return tidy(b.String())
}

// withoutJoint drops the "to" that is left of "remind me at 5pm to call Bob".
func (p *parser) withoutJoint(title string) string {
	first, rest, _ := strings.Cut(title, " ")
	if w, ok := p.lang.words[strings.ToLower(strings.TrimRight(first, ","))]; ok && w.as&joinsReminder != 0 && rest != "" {
		if article, noun, ok := strings.Cut(rest, " "); ok && p.lang.infinitive != "" && w.any(isOn) && p.lang.articles[article] {
			return noun // "an den Kuchen"
		}
		return rest
	}
	return title
}

// tidy repairs the spaces and punctuation around what was taken out.
func tidy(s string) string {
	s = strings.Join(strings.Fields(s), " ")
	for _, r := range [...][2]string{{"( )", ""}, {"()", ""}, {" ,", ","}, {" ;", ";"}, {" .", "."}, {" :", ":"}, {" !", "!"}, {" ?", "?"}, {" )", ")"}, {",,", ","}, {",.", "."}} {
		s = strings.ReplaceAll(s, r[0], r[1])
	}
	s = strings.TrimLeft(s, " ,;:.-–—)!?")
	s = strings.TrimRight(s, " ,;:-–—(")
	return strings.Join(strings.Fields(s), " ")
}
