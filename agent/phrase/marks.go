package phrase

import (
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// marks are the priority, tags and reminders of a text, as runs of tokens.
type marks struct {
	pieces   []piece
	priority string
	tags     []string
	remind   bool
	remindAt int // the token behind a "remind me" that is not at the start
	before   []time.Duration
	lead     []piece // relative reminders: they count only beside a due date
}

// levels are the priorities by their short names.
var levels = [...]string{1: "urgent", 2: "high", 3: "medium", 4: "low"}

// marks finds priorities, tags and reminders, and masks their tokens for the grammar of dates.
func (p *parser) marks() marks {
	var m marks
	p.opening(&m)
	for i := 0; i < len(p.toks); {
		next := p.oneMark(&m, i)
		if next == 0 {
			i++
			continue
		}
		i = next
	}
	return m
}

func (p *parser) oneMark(m *marks, i int) int {
	if !p.marked(i) {
		return 0
	}
	for _, read := range [...]func(*parser, *marks, int) int{
		(*parser).mention, (*parser).hashTag, (*parser).tagged, (*parser).priorityMark, (*parser).priorityWords,
		(*parser).relativeReminder, (*parser).lateOpening,
	} {
		if next := read(p, m, i); next > 0 {
			return next
		}
	}
	return 0
}

// marked is a quick look whether a mark may begin at token i at all.
func (p *parser) marked(i int) bool {
	t := p.at(i)
	switch t.kind {
	case markToken:
		return (t.text == "@" || t.text == "#" || t.text == "!") && p.glued(i+1)
	case numberToken:
		return true
	case opaqueToken:
		return false
	case wordToken:
	}
	return t.as != 0 || t.level > 0 || t.any(isA|isCard|isHalf|isCouple|isVague) || t.text == "p"
}

// claim masks the tokens from i to next and gives them a span.
func (p *parser) claim(m *marks, i, next int, kind string) int {
	m.pieces = append(m.pieces, piece{lead: i, from: i, to: next, kind: kind})
	p.hide(i, next)
	return next
}

func (p *parser) hide(i, next int) {
	for j := i; j < next; j++ {
		p.toks[j].kind, p.toks[j].word = opaqueToken, opaque
	}
}

func (p *parser) has(i int, m mark) bool { return p.at(i).as&m != 0 && p.at(i).kind == wordToken }

// mention masks "@5": a reference to a task, unless it is a time ("@5pm").
func (p *parser) mention(_ *marks, i int) int {
	if !p.mark(i, "@") || !p.glued(i+1) {
		return 0
	}
	t := p.at(i + 1)
	if t.kind == wordToken {
		p.hide(i, i+2)
		return i + 2
	}
	if t.kind != numberToken || p.clockFollows(i+2) || p.glued(i+2) && !p.endsPhrase(i+2) {
		return 0
	}
	p.hide(i, i+2)
	return i + 2
}

// hashTag reads "#tag".
func (p *parser) hashTag(m *marks, i int) int {
	t := p.at(i)
	if t.text != "#" || !t.spaced && p.at(i-1).kind != markToken {
		return 0
	}
	name := tagName(p.text[t.to:])
	if !strings.ContainsFunc(name, unicode.IsLetter) {
		return 0
	}
	end := t.to + len(name)
	next := i + 1
	for next < len(p.toks) && p.toks[next].from < end {
		if p.toks[next].kind == opaqueToken {
			return 0
		}
		p.toks[next].to = min(p.toks[next].to, end)
		next++
	}
	p.toks[next-1].to = end
	m.addTag(name)
	return p.claim(m, i, next, KindTag)
}

func tagName(s string) string {
	end := 0
	for end < len(s) {
		r, size := utf8.DecodeRuneInString(s[end:])
		if !unicode.IsLetter(r) && !unicode.IsDigit(r) && !unicode.IsMark(r) && r != '_' && r != '-' && r != '/' {
			break
		}
		end += size
	}
	return strings.TrimRight(s[:end], "-/_")
}

func (m *marks) addTag(name string) {
	for _, t := range m.tags {
		if strings.EqualFold(t, name) {
			return
		}
	}
	m.tags = append(m.tags, name)
}

// tagged reads "tagged home", "tagged work and urgent".
func (p *parser) tagged(m *marks, i int) int {
	if !p.has(i, beforeTags) {
		return 0
	}
	j := i + 1
	next := 0
	for range maxList {
		k := j
		if next > 0 {
			if k = p.listJoint(j); k == j {
				break
			}
		}
		if p.mark(k, "#") {
			k++
		}
		end := p.tagWord(k)
		if end == 0 || next > 0 && !p.closed(end) {
			break
		}
		m.addTag(p.text[p.at(k).from:p.at(end-1).to])
		next, j = end, end
	}
	if next == 0 {
		return 0
	}
	return p.claim(m, i, next, KindTag)
}

// tagWord reads one word with its hyphens.
func (p *parser) tagWord(i int) int {
	if t := p.at(i); t.kind != wordToken || t.any(connecting&^isOrd) {
		return 0
	}
	i++
	for p.glued(i) && (p.at(i).kind != markToken || p.mark(i, "-") || p.mark(i, "_")) && (p.at(i).kind != markToken || p.glued(i+1)) {
		i++
	}
	return i
}

// priorityMark reads "p1", "!high", "!p2" and "!1".
func (p *parser) priorityMark(m *marks, i int) int {
	j := i
	bang := p.mark(i, "!") && p.glued(i+1) && p.at(i).spaced
	if bang {
		j++
	}
	if !bang && !p.starts(i) {
		return 0
	}
	if level := p.at(j).level; level > 0 && bang {
		return p.setPriority(m, i, j+1, level)
	}
	if p.at(j).text == "p" && p.glued(j+1) {
		j++
	} else if !bang {
		return 0
	}
	t := p.at(j)
	if t.kind != numberToken || t.digits() != 1 || t.n < 1 || t.n > 4 || p.glued(j+1) && !p.endsPhrase(j+1) {
		return 0
	}
	return p.setPriority(m, i, j+1, uint8(t.n))
}

func (p *parser) setPriority(m *marks, i, next int, level uint8) int {
	if m.priority != "" {
		return 0
	}
	m.priority = levels[level]
	return p.claim(m, i, next, KindPriority)
}

// priorityWords reads "high priority", "priority: high", and a lone "urgent" that punctuation sets apart.
func (p *parser) priorityWords(m *marks, i int) int {
	if p.has(i, namesPriority) {
		j := i + 1
		if p.mark(j, ":") || p.mark(j, "=") || p.has(j, equates) {
			j++
		}
		if level := p.at(j).level; level > 0 {
			return p.setPriority(m, i, j+1, level)
		}
		return 0
	}
	level := p.at(i).level
	if level == 0 {
		return 0
	}
	if j := p.hyphen(i + 1); p.has(j, namesPriority) && (i == 0 || p.closed(j+1)) {
		return p.setPriority(m, p.introduced(i), j+1, level)
	}
	before, after := p.at(i-1), p.at(i+1)
	apart := i > 0 && before.kind == markToken && (before.text == "," || before.text == "-" || before.text == "(" || before.text == "!")
	opens := i == 0 && after.kind == markToken && (after.text == ":" || after.text == "!" || after.text == ",")
	if (level == 1 || level == 4) && (apart && p.closed(i+1) && p.at(i+1).kind != wordToken || opens) {
		return p.setPriority(m, i, i+1, level)
	}
	return 0
}

// introduced steps back over "with" and "a" before "high priority".
func (p *parser) introduced(i int) int {
	for i > 0 && (p.has(i-1, accompanies) || p.is(i-1, isA)) {
		i--
	}
	return i
}

// opening reads "remind me to", "please set a reminder to" at the start of the text.
func (p *parser) opening(m *marks) {
	i := 0
	for p.has(i, polite) || p.mark(i, ",") {
		i++
	}
	if next := p.remindWords(i); next > 0 {
		m.remind = true
		next = p.joined(next)
		p.claim(m, 0, next, KindReminder)
	}
}

// remindWords reads one of the openings.
func (p *parser) remindWords(i int) int {
	if !p.has(i, opensReminder) {
		return 0
	}
	for _, opening := range p.lang.openings {
		if n := follows(p.toks[i:], opening.words); n > 0 {
			return i + n
		}
	}
	return 0
}

// joined steps over the "to" or "about" of an opening.
func (p *parser) joined(i int) int {
	if p.has(i, joinsReminder) {
		return i + 1
	}
	return i
}

// lateOpening reads ", remind me at 9am": what follows is the time of the reminder.
func (p *parser) lateOpening(m *marks, i int) int {
	next := p.remindWords(i)
	if next < i+2 || m.remindAt > 0 { // a lone "reminder" is a noun
		return 0
	}
	m.remind, m.remindAt = true, next
	j := i
	for j > 0 && (p.is(j-1, isAnd) || p.mark(j-1, ",")) {
		j--
	}
	p.claim(m, j, next, KindReminder)
	m.pieces[len(m.pieces)-1].from = i
	return next
}

// relativeReminder reads "remind me 1h before", "with a reminder 10 min before", "30 minutes before".
func (p *parser) relativeReminder(m *marks, i int) int {
	j := i
	for j < i+5 && p.has(j, announces) {
		j++
	}
	if p.at(j).kind != numberToken && !p.is(j, isA|isCard|isHalf|isCouple|isVague) {
		return 0
	}
	l, k := p.length(j)
	d, fixed := l.duration()
	if k == 0 || !fixed || d < 0 || !p.has(k, endsReminder) {
		return 0
	}
	end := k + 1
	if p.has(end, reminderSubject) {
		end++
	}
	if _, dated := p.anyDate(p.skip(end, isThe), isOn|nearDate); dated > 0 || !p.closed(end) {
		return 0
	}
	lead := i
	if i > 0 && (p.mark(i-1, ",") || p.is(i-1, isAnd)) {
		lead--
	}
	m.before = append(m.before, d)
	m.lead = append(m.lead, piece{lead: lead, from: i, to: end, kind: KindReminder})
	p.hide(i, end)
	return end
}
