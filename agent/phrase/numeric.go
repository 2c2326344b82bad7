package phrase

import (
	"strings"
	"time"
)

// cluster is a run of two or three numbers with one separator: 3/4, 2026-03-04, 3.4.26.
type cluster struct {
	n      [3]*token
	parts  int
	sep    string
	next   int
	opened bool // a separator follows the last number: "3.4."
}

// cluster reads numbers that are glued by the same separator.
func (p *parser) cluster(i int) (c cluster) {
	t := p.at(i)
	sep := p.at(i + 1)
	if t.kind != numberToken || sep.kind != markToken || sep.text != "/" && sep.text != "-" && sep.text != "." {
		return c
	}
	c.n[0], c.parts, c.sep, c.next = t, 1, sep.text, i+1
	for c.parts < 3 && p.mark(c.next, c.sep) && p.glued(c.next) && p.glued(c.next+1) && p.at(c.next+1).kind == numberToken {
		c.n[c.parts] = p.at(c.next + 1)
		c.parts++
		c.next += 2
	}
	c.opened = p.mark(c.next, c.sep) && p.glued(c.next)
	return c
}

// numericDate reads dates that are all digits, with the time of an ISO date-time.
func (p *parser) numericDate(i int, in class) (date, int) {
	c := p.cluster(i)
	if c.parts < 2 {
		return p.yearMonthDay(i)
	}
	d, ok := p.clusterDate(c, i, in)
	next := c.next
	if c.opened && c.parts == 2 && c.sep == "." && ok {
		next++
	}
	if !ok || !p.ends(next, c) {
		p.refuseCluster(c, ok)
		return noDate, 0
	}
	if c.n[0].digits() == 4 && p.at(next).text == "t" && p.glued(next) {
		return p.isoTime(d, next+1)
	}
	return d, next
}

// yearMonthDay reads "2027-Dec-25".
func (p *parser) yearMonthDay(i int) (date, int) {
	y, m, d := p.at(i), p.at(i+2), p.at(i+4)
	if y.kind != numberToken || y.digits() != 4 || !m.any(isMonth) || d.kind != numberToken || d.digits() > 2 {
		return noDate, 0
	}
	if p.separator(i+1) != i+2 || p.separator(i+3) != i+4 || !p.glued(i+2) || !p.glued(i+4) {
		return noDate, 0
	}
	return p.whenReal(y.n, m, d.n, i+5)
}

// refuseCluster steps over digits that are no date, unless they may be a time ("8.30 pm").
func (p *parser) refuseCluster(c cluster, ok bool) {
	if c.sep == "." && c.parts == 2 {
		return
	}
	reason := ""
	if c.parts == 3 && c.sep != "." && !ok {
		reason = "there is no such day"
	}
	next := c.next
	for p.glued(next) && !p.endsPhrase(next) {
		next++
	}
	if c.parts == 3 || c.sep != "-" {
		p.refuse(next, reason)
	}
}

// ends reports whether a run of digits is over at i.
func (p *parser) ends(i int, c cluster) bool {
	t := p.at(i)
	if !p.glued(i) {
		return true
	}
	if t.kind != markToken {
		return t.text == "t" && c.n[0].digits() == 4
	}
	return t.text == ":" || p.endsPhrase(i)
}

func (p *parser) clusterDate(c cluster, i int, in class) (date, bool) {
	a, b := c.n[0], c.n[1]
	if c.parts == 3 {
		return p.threeNumbers(c)
	}
	if a.digits() > 2 || b.digits() > 2 || c.sep == "-" || !p.twoNumbersMeant(c, i, in) {
		return noDate, false
	}
	return p.monthAndDay(a.n, b.n, c.sep == "." && (c.opened || p.lang.dotted) || p.opt.DayFirst, 0)
}

// threeNumbers reads a year first or last; a year of two digits is last, and needs slashes or hyphens.
func (p *parser) threeNumbers(c cluster) (date, bool) {
	a, b, y := c.n[0], c.n[1], c.n[2]
	switch {
	case a.digits() == 4 && b.digits() <= 2 && y.digits() <= 2:
		if !realDate(a.n, time.Month(b.n), y.n) {
			return noDate, false
		}
		return date{day: dayOf(a.n, time.Month(b.n), y.n)}, true
	case a.digits() > 2 || b.digits() > 2:
		return noDate, false
	case y.digits() == 4:
		return p.monthAndDay(a.n, b.n, c.sep == "." || p.opt.DayFirst, y.n)
	case y.digits() == 2 && (c.sep != "." || p.lang.dotted):
		return p.monthAndDay(a.n, b.n, p.opt.DayFirst || c.sep == ".", pivot(y.n))
	}
	return noDate, false
}

// monthAndDay orders two numbers; when both orders are dates, the other one is offered. A year of 0 means the next such day.
func (p *parser) monthAndDay(a, b int, dayFirst bool, y int) (date, bool) {
	if dayFirst {
		a, b = b, a
	}
	d, ok := p.onDate(y, time.Month(a), b)
	other, also := p.onDate(y, time.Month(b), a)
	switch {
	case ok && also && a != b:
		d.others = []day{other.day}
	case !ok && also && b <= 12 && a > 12:
		return other, true
	}
	return d, ok
}

// twoNumbersMeant tells 3/4 the date from 3/4 of a cup, and 3.4. from version 3.4.
func (p *parser) twoNumbersMeant(c cluster, i int, in class) bool {
	const naming = isOn | isBy | isDue | isUntil | isBefore | isStart | isFrom | nearDate
	if c.sep == "." {
		settled := c.opened || p.lang.dotted && p.has(i-1, namesDay) || c.n[1].n > 12 && c.n[1].digits() == 2 && in&isOn != 0
		return settled && (in&naming != 0 || c.opened && p.over(c.next+1) && !p.named(i-1))
	}
	next := c.next
	if c.n[0].n == 24 && c.n[1].n == 7 {
		return false // around the clock
	}
	if in&naming != 0 || p.whole || p.closed(next) || p.mark(next, ":") {
		return !p.is(next, isUnit|isOf) || p.is(next, isOrd)
	}
	_, after := p.clockTime(next, isAt)
	return after > 0 || i == 0 && p.at(next).kind == wordToken && c.n[0].n > c.n[1].n
}

// named reports whether the word at i is likely a name or word that has a number: "Python 3.4.", "version 3.4."
func (p *parser) named(i int) bool {
	t := p.at(i)
	if i < 0 || t.kind == markToken {
		return false
	}
	capital := p.text[t.from] >= 'A' && p.text[t.from] <= 'Z'
	return t.kind != wordToken || capital && i > 0 || t.any(connecting|isDeterminer|isThe) || strings.HasPrefix(t.text, "v")
}

// isoTime reads the time of "2026-03-01T10:00:00+01:00" behind the T. With an offset it is an instant, shown in the reader's
// zone.
func (p *parser) isoTime(d date, i int) (date, int) {
	c, f, next := p.hourMinute(i)
	if f != colonForm && f != packedForm {
		return noDate, 0
	}
	if f == colonForm && p.mark(next, ".") && p.glued(next+1) && p.at(next+1).kind == numberToken {
		next += 2 // fractions of a second
	}
	y, m, dd := d.day.date()
	at := time.Date(y, m, dd, c.minutes/60, c.minutes%60, c.second, 0, time.UTC)
	if east, end := p.utcOffset(next); end > 0 {
		at = at.Add(-time.Duration(east) * time.Minute).In(p.now.Location())
		d.day = dayOf(at.Date())
		d.moment = &moment{at: at, seconds: true, instant: true}
		d.sticky = true
		return d, end
	}
	d.moment = &moment{at: at, seconds: true}
	return d, next
}

// utcOffset reads "Z" and "+01:00" as minutes east of Greenwich.
func (p *parser) utcOffset(i int) (east, next int) {
	if p.at(i).text == "z" && p.glued(i) {
		return 0, i + 1
	}
	sign := 1
	switch {
	case !p.glued(i):
		return 0, 0
	case p.mark(i, "-"), p.mark(i, "−"):
		sign = -1
	case !p.mark(i, "+"):
		return 0, 0
	}
	h, m := p.at(i+1), p.at(i+3)
	if h.kind == numberToken && h.digits() == 4 && h.n%100 < 60 && h.n/100 <= 14 {
		return sign * (h.n/100*60 + h.n%100), i + 2
	}
	if h.kind != numberToken || h.digits() != 2 || h.n > 14 {
		return 0, 0
	}
	if p.mark(i+2, ":") && p.twoDigits(i+3) && m.n < 60 {
		return sign * (h.n*60 + m.n), i + 4
	}
	return sign * h.n * 60, i + 2
}
