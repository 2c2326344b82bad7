package phrase

import "time"

// relative reads distances: "in 3 days", "2 weeks ago", "an hour later", "a week from Friday", "3 Fridays from now".
func (p *parser) relative(i int, in class) (date, int) {
	if p.mark(i, "+") {
		if l, next := p.length(i + 1); next > 0 && (i == 0 || p.whole) {
			return p.distance(l, next)
		}
		return noDate, 0
	}
	if d, next := p.weekdaysAway(i); next > 0 {
		return d, next
	}
	if d, next := p.nextUnits(i, in); next > 0 {
		return d, next
	}
	if d, next := p.unitAway(i); next > 0 {
		return d, next
	}
	l, next := p.length(i)
	if next == 0 {
		return p.bareMinutes(i, in)
	}
	if d, end := p.awayFrom(l, next); end > 0 {
		return d, end
	}
	if p.has(i-1, agoAhead) && in&isBefore != 0 {
		return p.distance(l.negative(), next)
	}
	if in&(isIn|isWithin) != 0 && in&isThe == 0 || in&isAfter != 0 && p.is(i-1, isAfter) {
		return p.ahead(i, l, next)
	}
	return noDate, 0
}

// ahead reads the end of "in 3 days".
func (p *parser) ahead(i int, l length, next int) (date, int) {
	if p.is(i-2, isTimesPer|isTimes) {
		return noDate, 0 // "twice in a week"
	}
	if p.mark(next, "'") && p.glued(next) {
		next++
	}
	if p.has(next, endsLength) || p.is(next, isLater) && !p.is(next, isAgo) {
		next++
	}
	if p.is(next, isFrom) && (p.is(next+1, isNow) || p.is(next+1, isRef) && p.at(next+1).val == 0) {
		next += 2
	}
	return p.distance(l, next)
}

// bareMinutes reads "in 15" when that is the whole text.
func (p *parser) bareMinutes(i int, in class) (date, int) {
	t := p.at(i)
	if i != 1 || len(p.toks) != 2 || in&isIn == 0 || t.kind != numberToken || t.n == 0 || t.n > 90 {
		return noDate, 0
	}
	return p.distance(length{seconds: int64(t.n) * 60, timed: true}, i+1)
}

// unitAway reads "day after April 3" and "week before Christmas".
func (p *parser) unitAway(i int) (date, int) {
	u := p.at(i)
	if u.kind != wordToken || u.unit < dayUnit || u.plural || len(u.text) == 1 || !p.is(i+1, isAfter|isBefore) {
		return noDate, 0
	}
	l, ok := lengthOf(1, u.unit, u.length)
	if !ok {
		return noDate, 0
	}
	return p.awayFromDate(l, i+1)
}

// awayFrom reads what follows a length: "ago", "later", "from now", "before Friday", "after tomorrow".
func (p *parser) awayFrom(l length, i int) (date, int) {
	t := p.at(i)
	switch {
	case t.any(isFrom|isAfter) && p.is(i+1, isNow):
		return p.distance(l, i+2)
	case t.any(isAgo) && p.closed(i+1):
		return p.distance(l.negative(), i+1)
	case t.any(isLater) && (p.closed(i+1) || !t.weak && t.spaced):
		return p.distance(l, i+1)
	case t.any(isFrom|isAfter|isBefore) && !l.timed, t.any(isOn) && !l.timed && l.days%7 == 0 && p.is(i+1, isWeekday):
		return p.awayFromDate(l, i)
	}
	return noDate, 0
}

func (p *parser) awayFromDate(l length, i int) (date, int) {
	if p.is(i, isBefore) {
		l = l.negative()
	}
	j := p.skip(p.skip(i+1, isOn), isThe)
	if p.is(j, isUnit|isThis) {
		return noDate, 0
	}
	d, next := p.anyDate(j, isOn|nearDate)
	if next == 0 || d.moment != nil {
		return noDate, 0
	}
	return date{day: d.day.addMonths(l.months) + day(l.days)}, next
}

// distance gives the day or moment that lies a length from now.
func (p *parser) distance(l length, next int) (date, int) {
	on := p.today.addMonths(l.months) + day(l.days)
	if !on.supported() {
		return noDate, 0
	}
	if !l.timed {
		return date{day: on, sticky: true}, next
	}
	y, m, d := on.date()
	n := p.now
	at := n
	if l.months != 0 || l.days != 0 {
		at = time.Date(y, m, d, n.Hour(), n.Minute(), n.Second(), 0, n.Location())
	}
	at = at.Add(time.Duration(l.seconds) * time.Second)
	on = dayOf(at.Date())
	return date{day: on, sticky: true, moment: &moment{at: at, seconds: l.subMinute || l.short(), instant: true}}, next
}

// weekdaysAway reads "3 Fridays from now" and "2 Thursdays ago".
func (p *parser) weekdaysAway(i int) (date, int) {
	n, j := p.number(i)
	t := p.at(j)
	if j == 0 || n < 1 || n > 99 || t.kind != wordToken {
		return noDate, 0
	}
	if t.any(isRef) && t.val*t.val == 4 && t.text == "" { // "2 days before yesterday", where the end is an idiom
		return date{day: p.today + day(t.val/2*(n+1)), sticky: true}, j + 1
	}
	if !t.any(isWeekday) {
		return noDate, 0
	}
	switch {
	case p.is(j+1, isFrom) && p.is(j+2, isNow):
		return date{day: p.today.after(t.day) + day(7*(n-1))}, j + 3
	case p.is(j+1, isLater):
		return date{day: p.today.after(t.day) + day(7*(n-1))}, j + 2
	case p.is(j+1, isAgo):
		return date{day: p.today.before(t.day) - day(7*(n-1))}, j + 2
	}
	return noDate, 0
}

// nextUnits reads "next 2 weeks", "the upcoming two days" and "two upcoming days".
func (p *parser) nextUnits(i int, in class) (date, int) {
	if n, j := p.number(i); j > 0 && p.is(j, isComing) && n > 0 {
		if l, next := p.length(i); next > 0 && !l.timed {
			return p.distance(l, next)
		}
		return noDate, 0
	}
	if !p.is(i, isNext|isComing) {
		return noDate, 0
	}
	if p.is(i+1, isUnit) && in&(isIn|isWithin) != 0 && in&isThe != 0 { // "within the next week"
		l, ok := lengthOf(1, p.at(i+1).unit, p.at(i+1).length)
		if !ok {
			return noDate, 0
		}
		return p.distance(l, i+2)
	}
	if _, j := p.number(i + 1); j == 0 && !p.is(i+1, isVague|isCouple) {
		return noDate, 0
	}
	l, next := p.length(i + 1)
	if next == 0 || l.timed && in&(isIn|isWithin) == 0 || in&isFor != 0 {
		return noDate, 0
	}
	return p.distance(l, next)
}

// period reads "next week", "next month", "this weekend", "next weekday": the first day of a period that has not begun.
func (p *parser) period(i int, in class) (date, int) {
	t, u := p.at(i), p.at(i+1)
	if t.any(isWeekend) && p.articled(i, in) && in&(isOn|isAt|isBy|isFor|isBefore) != 0 && !t.plural && p.over(i+1) {
		return date{day: p.weekend(0)}, i + 1
	}
	if t.any(isUnit) && p.is(i+1, isAfter) && p.is(i+2, isNext) && len(t.text) > 1 && p.closed(i+3) { // "the week after next"
		if on, ok := p.periodAfter(t, 2); ok {
			return date{day: on}, i + 3
		}
	}
	if u.kind != wordToken || !t.any(isNext|isThis|isLast|isComing) {
		return noDate, 0
	}
	switch {
	case u.any(isWeekend):
		return p.pickedWeekend(i)
	case u.any(isWorkdays) && t.any(isNext|isComing):
		return date{day: p.nextWorkday()}, i + 2
	case u.any(isUnit) && t.any(isNext|isComing) && u.unit >= dayUnit && len(u.text) > 1 && !u.plural:
		if d, next := p.dayOfNext(i); next > 0 {
			return d, next
		}
		if on, ok := p.periodAfter(u, 1); ok && !p.is(i+2, isWeekday) && p.periodMeant(i, in) {
			return date{day: on}, i + 2
		}
	}
	return noDate, 0
}

// dayOfNext reads "next month on the 5th".
func (p *parser) dayOfNext(i int) (date, int) {
	if p.at(i+1).unit != month || p.at(i+1).length != 1 {
		return noDate, 0
	}
	n, next := p.ordinal(p.skip(p.skip(p.comma(i+2), isOn), isThe))
	if next == 0 || !p.closed(next) {
		return noDate, 0
	}
	d, ok := p.today.firstOfMonth().addMonths(1).nthDay(n)
	return date{day: d}, found(ok, next)
}

// periodMeant tells "next week" from "next week schedule"; at the start of a text a verb may follow.
func (p *parser) periodMeant(i int, in class) bool {
	return p.whole || i == 0 || in&nearDate != 0 || p.over(i+2) || p.at(i+2).kind == numberToken
}

func (p *parser) pickedWeekend(i int) (date, int) {
	switch {
	case p.is(i, isLast):
		return date{day: p.today.before(time.Saturday), sticky: true}, i + 2
	case p.is(i, isNext):
		return date{day: p.weekend(1), others: []day{p.weekend(0)}}, i + 2
	}
	return date{day: p.weekend(0)}, i + 2
}

// weekend gives the Saturday of the weekend w weeks from the coming one; on a Sunday the running one is today.
func (p *parser) weekend(w int) day {
	saturday := (p.today - 1).after(time.Saturday)
	if p.today.weekday() == time.Sunday {
		if w == 0 {
			return p.today
		}
		saturday -= 7
	}
	return saturday + day(7*w)
}

func (p *parser) nextWorkday() day {
	d := p.today + 1
	for d.weekday() == time.Saturday || d.weekday() == time.Sunday {
		d++
	}
	return d
}

// periodAfter gives the first day of the week, month, quarter or year that is n after the running one.
func (p *parser) periodAfter(u *token, n int) (day, bool) {
	switch {
	case u.unit == dayUnit && p.whole:
		return p.today + day(n), true
	case u.unit == week && u.length == 1:
		return p.today.weekOf(p.opt.WeekStart.weekday()) + day(7*n), true
	case u.unit == month && u.length == 1:
		return p.today.firstOfMonth().addMonths(n), true
	case u.unit == month:
		return p.today.firstOfQuarter().addMonths(3 * n), true
	case u.unit == year && u.length == 1:
		return p.today.firstOfYear().addMonths(12 * n), true
	}
	return 0, false
}

// scope is the period that "of next month" or "in March" names.
type scope struct {
	first, last day
	rolls       int // months to the next such period, when a day in this one has passed
	unit        unit
}

// scope reads a period behind "of" or "in".
func (p *parser) scope(i int) (scope, int) {
	j := p.skip(i, isThe)
	if y, next := p.yearNumber(j); next > 0 {
		return yearScope(y), next
	}
	if t := p.at(j); t.any(isMonth) && t.kind == wordToken && t.unit == 0 {
		next := j + 1
		if p.mark(next, ".") && len(t.text) <= 4 {
			next++
		}
		y, end := p.yearNumber(p.skip(p.comma(next), isOf))
		if end == 0 {
			y, end = p.relativeYear(next)
		}
		if end > 0 {
			return monthScope(dayOf(y, t.month, 1), 0), end
		}
		return monthScope(p.nextMonth(t.month, 0), 12), next
	}
	return p.runningScope(j)
}

// runningScope reads "the month", "this week", "next year".
func (p *parser) runningScope(i int) (scope, int) {
	shift, j := 0, i
	switch {
	case p.is(i, isThis):
		j++
	case p.is(i, isNext|isComing):
		shift, j = 1, i+1
	case p.is(i, isLast):
		shift, j = -1, i+1
	}
	u := p.at(j)
	if !u.any(isUnit) || u.kind != wordToken || len(u.text) == 1 {
		return scope{}, 0
	}
	rolls := 0
	if j == i {
		rolls = u.length
	}
	switch {
	case u.unit == week && u.length == 1:
		first := p.today.weekOf(p.opt.WeekStart.weekday()) + day(7*shift)
		return scope{first: first, last: first + 6, unit: week}, j + 1
	case u.unit == month && u.length == 1:
		return monthScope(p.today.firstOfMonth().addMonths(shift), rolls), j + 1
	case u.unit == month:
		first := p.today.firstOfQuarter().addMonths(3 * shift)
		return scope{first: first, last: first.addMonths(3) - 1, unit: month}, j + 1
	case u.unit == year && u.length == 1:
		y, _, _ := p.today.date()
		s := yearScope(y + shift)
		s.rolls = 12 * rolls
		return s, j + 1
	}
	return scope{}, 0
}

func yearScope(y int) scope {
	return scope{first: dayOf(y, time.January, 1), last: dayOf(y, time.December, 31), unit: year}
}

func monthScope(first day, rolls int) scope {
	return scope{first: first, last: first.lastOfMonth(), rolls: rolls, unit: month}
}

// pick gives the day that find chooses in the scope, or in the next one when it has passed and the scope rolls.
func (p *parser) pick(s scope, find func(scope) (day, bool)) (day, bool) {
	d, ok := find(s)
	if ok && d >= p.today || s.rolls == 0 {
		return d, ok
	}
	first := s.first.addMonths(s.rolls)
	return find(scope{first: first, last: first + (s.last - s.first), unit: s.unit}.whole())
}

// whole fits the last day of a month or year to its first.
func (s scope) whole() scope {
	if s.unit == month {
		s.last = s.first.lastOfMonth()
	}
	if s.unit == year {
		s.last = s.first.addMonths(12) - 1
	}
	return s
}

// nthOf reads "first Friday of next month", "2nd to last Fri in Feb", "the 20th of next month", "last day of May", "40th day
// of 2020", and "second Sunday".
func (p *parser) nthOf(i int, in class) (date, int) {
	n, j := p.position(i)
	if j == 0 {
		return noDate, 0
	}
	t := p.at(j)
	switch {
	case t.any(isWeekday) && t.kind == wordToken && !t.any(isWeekdays):
		return p.nthWeekdayOf(n, t.day, j+1)
	case p.workday(j) > 0:
		return p.nthWorkdayOf(n, p.workday(j))
	case t.unit == dayUnit && t.kind == wordToken:
		return p.nthDayOf(n, j+1)
	case t.any(isOf|isIn) && n > 0 && n <= 31:
		return p.nthDayOf(n, j)
	case t.any(isNext|isThis|isLast) && n > 0 && p.at(j+1).unit == month && p.at(j+1).length == 1: // "15th next month"
		return p.dayIn(n, j)
	}
	return noDate, 0
}

// position reads "first", "3rd", "last", "2nd to the last" and "5th last"; from the end it is negative.
func (p *parser) position(i int) (n, next int) {
	if t := p.at(i); p.has(i, countsFromEnd) && t.kind == wordToken {
		return -1, i + 1
	}
	n, j := p.ordinal(i)
	if j == 0 {
		return 0, 0
	}
	k := p.skip(p.skip(p.hyphen(j), isTo), isThe)
	if t := p.at(k); p.has(k, countsFromEnd) && !p.is(k+1, isUnit&^isWeekday) || t.any(isLast) && p.at(k+1).unit == dayUnit {
		return -n, k + 1
	}
	return n, j
}

func (p *parser) nthWeekdayOf(n int, w time.Weekday, i int) (date, int) {
	find := func(s scope) (day, bool) { return s.first.nthWeekday(n, w) }
	if p.is(i, isOf|isIn|isFrom) {
		s, next := p.scope(i + 1)
		if next == 0 || s.unit != month {
			return noDate, 0
		}
		d, ok := p.pick(s, find)
		return date{day: d, sticky: true}, found(ok, next)
	}
	if n < 0 || !p.over(i) {
		return noDate, 0
	}
	s := monthScope(p.today.firstOfMonth(), 1)
	d, ok := p.pick(s, find)
	return date{day: d}, found(ok, i)
}

func (p *parser) nthWorkdayOf(n, i int) (date, int) {
	if !p.is(i, isOf|isIn) {
		return noDate, 0
	}
	s, next := p.scope(i + 1)
	if next == 0 || s.unit != month {
		return noDate, 0
	}
	r := nthWorkday(n)
	d, ok := p.pick(s, func(s scope) (day, bool) {
		on, ok := r.first(s.first)
		return on, ok && on <= s.last
	})
	return date{day: d, sticky: true}, found(ok, next)
}

func (p *parser) nthDayOf(n, i int) (date, int) {
	if !p.is(i, isOf|isIn) {
		return noDate, 0
	}
	return p.dayIn(n, i+1)
}

// dayIn gives the n-th day of the period that is named at i.
func (p *parser) dayIn(n, i int) (date, int) {
	s, next := p.scope(i)
	if next == 0 || s.unit == week && n < 0 {
		return noDate, 0
	}
	d, ok := p.pick(s, func(s scope) (day, bool) {
		on := s.first + day(n-1)
		if n < 0 {
			on = s.last + day(n+1)
		}
		return on, s.first <= on && on <= s.last
	})
	return date{day: d, sticky: true}, found(ok, next)
}

// found gives next, or 0 when nothing was found.
func found(ok bool, next int) int {
	if !ok {
		return 0
	}
	return next
}

// edge reads "end of the month", "beginning of next year", "end of May"; the end of a week is its Friday.
func (p *parser) edge(i int, in class) (date, int) {
	t := p.at(i)
	if !t.any(isEnd|isBegin) || t.kind != wordToken {
		return noDate, 0
	}
	if t.any(isUnit) { // "eom"
		if s, next := p.runningScope(i); next > 0 {
			return date{day: s.last}, next
		}
	}
	j := p.skip(i+1, isOf)
	if t.any(isEnd) && j > i+1 && p.is(j, isRef|isWeekday) {
		return p.anyDate(j, in|isOn) // "the end of tomorrow"
	}
	s, next := p.scope(j)
	if next == 0 || j == i+1 && !p.is(i+1, isNext|isThis|isMonth|isUnit) {
		return noDate, 0
	}
	if t.any(isBegin) && !t.any(isEnd) {
		d, ok := p.pick(s, func(s scope) (day, bool) { return s.first, true })
		return date{day: d}, found(ok && d > p.today, next)
	}
	last := s.last
	if s.unit != week {
		return date{day: last}, found(last >= p.today, next)
	}
	friday := s.first + day((time.Friday-s.first.weekday()+7)%7)
	if friday < p.today {
		return date{day: max(last, p.today)}, next
	}
	return date{day: friday, others: []day{last}}, next
}
