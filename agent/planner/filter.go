package planner

import (
	"slices"
	"strings"
	"time"
	"unicode/utf16"

	"tandem"
	"tandem/agent/phrase"
)

// filter is what words say about tasks besides their names.
type filter struct {
	status   string // pending, completed, deleted or all; empty: not said
	overdue  bool
	undated  bool
	priority string
	tags     []string
	named    string // a stretch that list_tasks knows by name
	from, to string // dates, inclusive
	clock    string // HH:MM
	part     stretch
}

// stretch is a range of clock times, the end excluded.
type stretch struct{ from, to string }

// partStretches are the clock times that a part of the day holds.
var partStretches = map[string]stretch{
	"morning": {"00:00", "12:00"}, "mornings": {"00:00", "12:00"}, "afternoon": {"12:00", "18:00"}, "afternoons": {"12:00", "18:00"},
	"evening": {"17:00", "24:00"}, "evenings": {"17:00", "24:00"}, "night": {"18:00", "24:00"}, "nights": {"18:00", "24:00"},
	"tonight": {"17:00", "24:00"},
}

// empty reports that nothing narrows the tasks; a status alone does not.
func (f filter) empty() bool {
	return !f.overdue && !f.undated && f.priority == "" && len(f.tags) == 0 && !f.timed()
}

// timed reports that words about time narrow the tasks.
func (f filter) timed() bool {
	return f.named != "" || f.from != "" || f.to != "" || f.clock != "" || f.part != (stretch{})
}

// args gives what list_tasks can filter by itself.
func (f filter) args() listArgs {
	a := listArgs{Status: f.status, Priority: f.priority, Tags: f.tags, Due: f.named}
	switch {
	case f.overdue:
		a.Due = "overdue"
	case f.undated:
		a.Due = "none"
	case f.named == "":
		a.DueFrom, a.DueTo = f.from, f.to
	}
	return a
}

// fits reports whether a listed task is one of those that the words mean.
func (p *planning) fits(f filter, row tandem.TaskRow) bool {
	date, clock := p.local(row)
	switch {
	case f.overdue && (row.DueDate == nil || !time.Time(*row.DueDate).Before(p.now) || row.Completed):
		return false
	case f.undated && date != "":
		return false
	case f.priority != "" && string(row.Priority) != f.priority:
		return false
	case f.from != "" && (date == "" || date < f.from), f.to != "" && (date == "" || date > f.to):
		return false
	case f.clock != "" && clock != f.clock:
		return false
	case f.part != (stretch{}) && (clock == "" || clock < f.part.from || clock >= f.part.to):
		return false
	}
	return !slices.ContainsFunc(f.tags, func(tag string) bool {
		return !slices.ContainsFunc(row.Tags, func(t string) bool { return tandem.Fold(t) == tandem.Fold(tag) })
	})
}

// local gives date and time of a due task on the clock of the reader.
func (p *planning) local(row tandem.TaskRow) (date, clock string) {
	if row.Due == nil {
		return "", ""
	}
	if row.Due.TimeZone == "" || row.Due.Time == "" || row.DueDate == nil {
		return row.Due.Date, row.Due.Time
	}
	at := time.Time(*row.DueDate).In(p.zone)
	return at.Format(time.DateOnly), at.Format("15:04")
}

// marked is a reader that takes tokens out of a reference one meaning after the other.
type marked struct {
	text string
	toks []token
	used []bool
}

func newMarked(text string, toks []token) *marked {
	return &marked{text: text, toks: toks, used: make([]bool, len(toks))}
}

func (m *marked) take(from, to int) {
	for i := from; i < to && i < len(m.toks); i++ {
		m.used[i] = true
	}
}

// left gives the tokens that nothing took.
func (m *marked) left() []token {
	var out []token
	for i, t := range m.toks {
		if !m.used[i] {
			out = append(out, t)
		}
	}
	return out
}

// takeAll takes every match of the patterns and reports whether there was one.
func (m *marked) takeAll(ps patterns) (found bool) {
	for i := 0; i < len(m.toks); i++ {
		if end := ps.at(m.toks, i); end > 0 && !m.used[i] {
			m.take(i, end)
			found = true
			i = end - 1
		}
	}
	return found
}

// readFilter takes what narrows the tasks out of m.
func (p *planning) readFilter(m *marked) filter {
	var f filter
	f.overdue, f.undated = m.takeAll(english.overdue), m.takeAll(english.undated)
	switch {
	case m.takeAll(english.pending):
		f.status = "pending"
	case m.takeAll(english.finished):
		f.status = "completed"
	case m.takeAll(english.trashed):
		f.status = "deleted"
	}
	f.readTags(m)
	f.readPriority(m)
	p.readStretch(m, &f)
	return f
}

func (f *filter) readTags(m *marked) {
	for i := 0; i < len(m.toks); i++ {
		if m.toks[i].kind == tagToken && !m.used[i] {
			f.tags = append(f.tags, m.toks[i].word)
			m.take(i, i+1)
			continue
		}
		end := english.tagged.at(m.toks, i)
		if end == 0 || end >= len(m.toks) {
			continue
		}
		m.take(i, end)
		for end < len(m.toks) && tagLike(m.toks[end]) {
			f.tags = append(f.tags, tagText(m.text, m.toks[end]))
			m.take(end, end+1)
			if end+2 < len(m.toks) && m.toks[end+1].is("and", ",") && tagLike(m.toks[end+2]) {
				m.take(end+1, end+2)
				end += 2
				continue
			}
			break
		}
	}
}

func tagLike(t token) bool { return t.kind == wordToken || t.kind == tagToken || t.kind == quoteToken }

// tagText gives a tag as it was written.
func tagText(text string, t token) string {
	if t.kind == wordToken {
		return text[t.from:t.to]
	}
	return t.word
}

func (f *filter) readPriority(m *marked) {
	for i := range m.toks {
		for _, ps := range []patterns{english.priority, english.urgent} {
			end := ps.at(m.toks, i)
			if end == 0 || m.used[i] {
				continue
			}
			for _, t := range m.toks[i:end] {
				if level, ok := levelNames[t.word]; ok {
					f.priority = level
				}
			}
			m.take(i, end)
		}
	}
}

// readStretch takes the words about time.
func (p *planning) readStretch(m *marked, f *filter) {
	for i := 0; i < len(m.toks); i++ {
		if end := english.period.at(m.toks, i); end > 0 && !m.used[i] {
			p.readPeriod(m.toks[i:end], f)
			m.take(i, end)
			m.takeLead(i)
			return
		}
	}
	for i, t := range m.toks {
		if !m.used[i] && t.in(english.parts) {
			f.part = partStretches[t.word]
			m.take(i, i+1)
			if i > 0 && m.toks[i-1].is("this") || t.is("tonight") {
				m.take(max(0, i-1), i)
				f.from, f.to = p.date(0), p.date(0)
			}
			m.takeLead(i)
		}
	}
	p.readDate(m, f)
}

// takeLead takes the little words before token i that belong to a time.
func (m *marked) takeLead(i int) {
	for i > 0 && m.toks[i-1].is("in", "for", "on", "at", "due", "during", "by", "the", "of", "from", "scheduled", "planned") {
		i--
		m.take(i, i+1)
	}
}

func (p *planning) readPeriod(words []token, f *filter) {
	unit, word := words[len(words)-1].word, words[0].word
	n := 0
	for _, t := range words {
		if t.kind == numberToken {
			n = int(t.n)
		} else if v, ok := english.numbers[t.word]; ok {
			n = v
		}
	}
	coming := word == "next" || word == "following" || word == "coming"
	start := p.weekStart()
	switch {
	case n > 0:
		days := map[string]int{"days": 1, "weeks": 7, "months": 30}[unit]
		f.from, f.to = p.date(0), p.date(min(n, maxAhead)*days)
	case unit == "weekend":
		monday := -((int(p.now.Weekday()) + 6) % 7)
		if word == "next" && p.now.Weekday() != time.Sunday && p.now.Weekday() != time.Saturday || word == "following" {
			monday += 7
		}
		f.from, f.to = p.date(monday+5), p.date(monday+6)
	case unit == "week" && coming:
		f.from, f.to = p.date(start+7), p.date(start+13)
	case unit == "week":
		f.named, f.from, f.to = "this_week", p.date(start), p.date(start+6)
	case unit == "month" && coming:
		f.from, f.to = p.month(1)
	case unit == "month":
		f.from, f.to = p.month(0)
		f.named = "this_month"
	}
}

// maxAhead bounds a number of days, weeks or months.
const maxAhead = 999

// readDate takes a day or a time of day.
func (p *planning) readDate(m *marked, f *filter) {
	if p.readEdge(m, f) || p.readOwner(m, f) {
		return
	}
	first := slices.Index(m.used, false)
	if first < 0 {
		return
	}
	base, end := m.toks[first].from, m.toks[first].to
	for i, t := range m.toks {
		if !m.used[i] { // a verb that was moved stands behind the others
			base, end = min(base, t.from), max(end, t.to)
		}
	}
	text := m.text[base:end]
	r := phrase.Parse(text, p.now, p.zone, p.with(offSpans(text, base, m)))
	if r.Due == nil || r.Recurrence != nil {
		return
	}
	f.clock = r.Due.Time
	if f.part != (stretch{}) {
		f.clock = ""
	}
	if !p.clockAlone(spanText(r), *r.Due) {
		f.from, f.to = r.Due.Date, r.Due.Date
	}
	takeSpans(m, base, text, r)
	f.name(p)
}

// maxEdge bounds the words of a date that opens or closes a range.
const maxEdge = 5

// readEdge takes "before friday", "after tomorrow", "until the 9th". Before and after leave the day itself out.
func (p *planning) readEdge(m *marked, f *filter) bool {
	for i, t := range m.toks {
		if m.used[i] || !t.in(english.edges) {
			continue
		}
		for end := min(len(m.toks), i+1+maxEdge); end > i+1; end-- {
			w, _, ok := phrase.ParseDue(source(m.text, m.toks[i+1:end]), p.now, p.zone, p.options)
			if !ok || w.Instant {
				continue
			}
			f.edge(t.word, w.Date)
			m.take(i, end)
			m.takeLead(i)
			return true
		}
	}
	return false
}

func (f *filter) edge(word, date string) {
	day, err := time.Parse(time.DateOnly, date)
	if err != nil {
		return
	}
	switch word {
	case "before":
		f.to = day.AddDate(0, 0, -1).Format(time.DateOnly)
	case "after":
		f.from = day.AddDate(0, 0, 1).Format(time.DateOnly)
	case "since", "from":
		f.from = date
	default:
		f.to = date
	}
}

// readOwner takes "tomorrow's" and "friday's".
func (p *planning) readOwner(m *marked, f *filter) bool {
	for i, t := range m.toks {
		word := m.text[t.from:t.to]
		stem := strings.TrimSuffix(strings.TrimSuffix(word, "'s"), "’s")
		if m.used[i] || t.kind != wordToken || stem == word {
			continue
		}
		if w, _, ok := phrase.ParseDue(stem, p.now, p.zone, p.options); ok && w.Time == "" {
			f.from, f.to = w.Date, w.Date
			m.take(i, i+1)
			f.name(p)
			return true
		}
	}
	return false
}

// name gives a single day the name that list_tasks knows.
func (f *filter) name(p *planning) {
	if f.from != f.to {
		return
	}
	switch f.from {
	case p.date(0):
		f.named = "today"
	case p.date(1):
		f.named = "tomorrow"
	}
}

func spanText(r phrase.Result) string {
	for _, s := range r.Spans {
		if s.Kind == phrase.KindDue {
			return s.Text
		}
	}
	return ""
}

// with gives the grammar's options with stretches switched off.
func (p *planning) with(off [][2]int) phrase.Options {
	o := p.options
	o.Off = off
	return o
}

// offSpans gives the tokens that are taken already as UTF-16 spans of text, which starts at byte base.
func offSpans(text string, base int, m *marked) [][2]int {
	var out [][2]int
	for i, t := range m.toks {
		if m.used[i] && t.from >= base && t.to <= base+len(text) {
			out = append(out, [2]int{units(text[:t.from-base]), units(text[:t.to-base])})
		}
	}
	return out
}

// units counts UTF-16 code units.
func units(s string) int {
	n := 0
	for _, r := range s {
		n += max(1, utf16.RuneLen(r))
	}
	return n
}

// takeSpans takes the tokens of a date.
func takeSpans(m *marked, base int, text string, r phrase.Result) {
	for _, s := range r.Spans {
		if s.Kind != phrase.KindDue {
			continue
		}
		from, to := byteAt(text, s.Start)+base, byteAt(text, s.End)+base
		first := slices.IndexFunc(m.toks, func(t token) bool { return t.to > from })
		for i, t := range m.toks {
			if t.from < to && t.to > from {
				m.take(i, i+1)
			}
		}
		m.takeLead(first)
	}
}

// byteAt gives the byte offset of a UTF-16 offset.
func byteAt(text string, unit int) int {
	n := 0
	for i, r := range text {
		if n >= unit {
			return i
		}
		n += max(1, utf16.RuneLen(r))
	}
	return len(text)
}

// numberOf reads a number in digits or words.
func numberOf(t token) (int64, bool) {
	if t.kind == numberToken || t.kind == mentionToken {
		return t.n, true
	}
	n, ok := cardinals[t.word]
	return n, ok && t.kind == wordToken
}

var cardinals = map[string]int64{
	"one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8, "nine": 9, "ten": 10, "eleven": 11, "twelve": 12,
}
