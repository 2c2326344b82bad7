package planner

import (
	"strings"
	"time"

	"tandem"
	"tandem/agent/phrase"
)

// maxWhen bounds the words of one date, in tokens.
const maxWhen = 12

// move reads where a due date goes: "14:00" for a time alone, a date, a date and time, or a length such as "2d". Back gives the
// length a minus.
func (p *planning) move(text string, back bool) (string, bool) {
	if text = strings.TrimSpace(text); text == "" || !phrase.MayOpen(text, p.options) {
		return "", false
	}
	lower := strings.ToLower(text)
	if d, ok := phrase.ParseDurationWith(strings.TrimPrefix(lower, "by "), p.options); ok && !strings.HasPrefix(lower, "in ") {
		if back {
			return "-" + tandem.FormatDuration(d), true
		}
		return tandem.FormatDuration(d), true
	}
	w, _, ok := phrase.ParseDue(text, p.now, p.zone, p.options)
	if !ok {
		return "", false
	}
	if p.clockAlone(text, w) {
		return w.Time, true
	}
	return dueText(w), true
}

// clockAlone reports words that name a time and no day: just before midnight they mean another day than just after it.
func (p *planning) clockAlone(text string, w phrase.When) bool {
	if w.Time == "" || w.Instant {
		return false
	}
	y, m, d := p.now.Date()
	early, _, ok := phrase.ParseDue(text, time.Date(y, m, d, 0, 0, 1, 0, p.zone), p.zone, p.options)
	late, _, ok2 := phrase.ParseDue(text, time.Date(y, m, d, 23, 59, 59, 0, p.zone), p.zone, p.options)
	return ok && ok2 && early.Time == late.Time && early.Date != late.Date
}

// splitWhen finds the date at the end of a clause: "the dentist to friday at 3". It gives the tokens before it and the date's
// own words.
func (p *planning) splitWhen(text string, toks []token) (head []token, when string, ok bool) {
	for i := max(1, len(toks)-maxWhen); i < len(toks); i++ {
		if toks[i].kind == quoteToken || toks[i].kind == tagToken {
			continue
		}
		j := i
		for j < len(toks)-1 && toks[j].is("to", "until", "till", "for", "on", "by", "at", "from", "due", "as", "back", "it") {
			j++
		}
		if j == len(toks)-1 && toks[j].kind == numberToken && toks[j].n <= 24 && toks[j-1].is("to", "at", "until", "till") {
			if words := p.say("at %s", toks[j].word); p.isWhen(words) {
				return toks[:i], words, true
			}
		}
		for _, from := range []int{j, i} {
			if words := source(text, toks[from:]); p.isWhen(words) {
				return toks[:i], words, true
			}
		}
	}
	return nil, "", false
}

// datedLast moves a date that stands before a request behind it: "tomorrow at 9, remind me to call Bob".
func (p *planning) datedLast(c clause) clause {
	for i := 1; i < min(len(c.toks)-1, maxWhen); i++ {
		rest := c.toks[i:]
		if english.remind.start(rest) == 0 && english.newTask.start(rest) == 0 && (english.keep.start(rest) == 0 || !destinationIn(rest)) {
			continue
		}
		head := source(c.text, trimMarks(c.toks[:i]))
		_, _, repeats := phrase.ParseRecurrence(head, p.now, p.zone, p.options)
		if !repeats && !p.isWhen(head) {
			return c
		}
		c.text = source(c.text, rest) + " " + head
		c.toks = p.lex(c.text)
		return c
	}
	return c
}

func (p *planning) isWhen(words string) bool {
	_, ok := p.move(words, false)
	return ok
}

// date gives a day of the calendar by its distance from today.
func (p *planning) date(days int) string {
	y, m, d := p.now.Date()
	return time.Date(y, m, d+days, 12, 0, 0, 0, time.UTC).Format(time.DateOnly)
}

// weekStart gives the distance from today to the first day of this week.
func (p *planning) weekStart() int {
	return -((int(p.now.Weekday()) - int(p.settings.FirstWeekday()) + 7) % 7)
}

// month gives the first and last day of a month by its distance from this one.
func (p *planning) month(n int) (from, to string) {
	y, m, _ := p.now.Date()
	first := time.Date(y, m+time.Month(n), 1, 12, 0, 0, 0, time.UTC)
	return first.Format(time.DateOnly), first.AddDate(0, 1, -1).Format(time.DateOnly)
}
