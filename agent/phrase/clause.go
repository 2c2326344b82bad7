package phrase

import (
	"slices"
	"time"
)

// kindStart marks the piece of a start until the spans are made.
const kindStart = "start"

// clause reads a part of a rule that begins with a word of its own: "until March", "starting Monday", "for 5 times",
// "except Sunday", "at the end of the month".
func (p *parser) clause(e *expr, j int) int {
	k := j
	if e.empty() && !p.is(j, isStart) {
		return p.limitFirst(e, j)
	}
	if !e.empty() {
		k = p.skip(p.comma(j), isAnd)
	}
	next, kind := p.startClause(e, k)
	if next == 0 && e.repeats() && p.refusedTo <= k {
		next, kind = p.endClause(e, k)
	}
	if next == 0 && p.refusedTo <= k {
		next, kind = p.untilClause(e, k)
	}
	if next > 0 {
		e.pieces = append(e.pieces, piece{lead: j, from: k, to: next, kind: kind})
	}
	return next
}

// limitFirst reads "10 Tage lang" before a rule.
func (p *parser) limitFirst(e *expr, j int) int {
	if !p.lang.leads {
		return 0
	}
	l, next := p.length(j)
	if next == 0 || l.timed || !p.has(next, endsLimit) || !p.is(next+1, isFreq|isEvery) {
		return 0
	}
	e.limit = &l
	e.pieces = append(e.pieces, piece{lead: j, from: j, to: next + 1, kind: KindRecurrence})
	return next + 1
}

// endClause reads a bound of a rule that is no date, and what else may follow a rule.
func (p *parser) endClause(e *expr, k int) (next int, kind string) {
	if next, kind := p.countClause(e, k); next > 0 {
		return next, kind
	}
	if next, kind := p.limitClause(e, k); next > 0 {
		return next, kind
	}
	if next, kind := p.exceptClause(e, k); next > 0 {
		return next, kind
	}
	if next, kind := p.weekClause(e, k); next > 0 {
		return next, kind
	}
	return p.edgeClause(e, k)
}

// prepositions steps over the "on the" between a clause word and its date.
func (p *parser) prepositions(i int) (k int, in class) {
	in = asBound | isOn
	for k = i; k < i+3 && p.is(k, isOn|isIn|isAt|isThe|isBy|isFrom) || p.mark(k, ":"); k++ {
		in |= p.at(k).is & (isIn | isThe)
	}
	return k, in
}

func (p *parser) startClause(e *expr, k int) (int, string) {
	t := p.at(k)
	if !t.any(isStart) || e.start != nil || e.named || t.weak && !e.repeats() {
		return 0, ""
	}
	if p.is(k+1, isNow) {
		return found(e.repeats(), k+2), kindStart
	}
	i, in := p.prepositions(k + 1)
	d, next := p.anyDate(i, in)
	if next == 0 || d.moment != nil && d.moment.instant {
		return 0, ""
	}
	if end := p.weekdayAndDay(&d, next); end > 0 {
		next = end
	}
	if m := d.moment; m != nil {
		e.clock = clock{minutes: m.at.Hour()*60 + m.at.Minute(), set: true}
		e.timedStart = true
	}
	e.start = &d
	return next, kindStart
}

// weekdayAndDay reads the "March 3rd" of "Tuesday, March 3rd" behind a weekday.
func (p *parser) weekdayAndDay(d *date, i int) int {
	if !d.bare {
		return 0
	}
	j := p.skip(p.comma(i), isThe)
	on, next := p.monthDay(j, isOn)
	if next == 0 {
		on, next = p.dayMonth(j, isOn)
	}
	if next == 0 || on.day.weekday() != d.day.weekday() {
		return 0
	}
	*d = on
	return next
}

func (p *parser) untilClause(e *expr, k int) (int, string) {
	if !p.is(k, isUntil) || e.until != nil || !e.repeats() && e.start == nil {
		return 0, ""
	}
	i, in := p.prepositions(k + 1)
	d, next := p.anyDate(i, in)
	if next == 0 {
		y, end := p.yearNumber(i)
		if end == 0 || !p.closed(end) {
			return 0, ""
		}
		d, next = date{day: dayOf(y, time.January, 1)}, end
	}
	if end := p.weekdayAndDay(&d, next); end > 0 {
		next = end
	}
	if d.month && p.at(k).val == 1 {
		d.day = d.day.lastOfMonth() // "through December"
	}
	e.until = &d
	return next, KindRecurrence
}

// countClause reads "for 5 times", "10x", "up to 7x", "for 3 occurrences".
func (p *parser) countClause(e *expr, k int) (int, string) {
	if !e.repeats() || e.rule.count > 0 {
		return 0, ""
	}
	i := p.skip(p.skip(k, isFor), isAbout)
	n, next := p.number(i)
	if next == 0 || n < 1 || n > 9999 || !p.is(next, isTimes) || p.has(next, endsLength) && n > 1 || p.is(next+1, isPer) {
		return 0, ""
	}
	e.rule.count = n
	return next + 1, KindRecurrence
}

// limitClause reads "for 6 weeks", "for up to 2 months", "for the next year".
func (p *parser) limitClause(e *expr, k int) (int, string) {
	if e.repeats() && e.limit == nil && p.lang.leads {
		if l, next := p.length(k); next > 0 && p.has(next, endsLimit) && !l.timed { // "6 Wochen lang"
			e.limit = &l
			return next + 1, KindRecurrence
		}
	}
	if !e.repeats() || e.limit != nil || !p.is(k, isFor) {
		return 0, ""
	}
	i := p.skip(p.skip(p.skip(k+1, isAbout), isThe), isNext|isComing)
	l, next := p.length(i)
	if u := p.at(i); next == 0 && i > k+1 && u.any(isUnit) && u.kind == wordToken {
		l, _ = lengthOf(1, u.unit, u.length)
		next = i + 1
	}
	if next == 0 || l.timed || l == (length{}) {
		return 0, ""
	}
	e.limit = &l
	return next, KindRecurrence
}

// exceptClause reads "except Sundays", "except on weekends" behind a daily rule or one of several weekdays.
func (p *parser) exceptClause(e *expr, k int) (int, string) {
	if !p.is(k, isExcept) || !e.repeats() || e.rule.interval != 1 {
		return 0, ""
	}
	i := p.skip(p.skip(k+1, isFor|isOn), isOn)
	i = p.skip(i, isThe)
	days, next := p.weekdayList(i)
	if p.is(i, isWeekend) {
		days, next = []nthDay{{day: time.Saturday}, {day: time.Sunday}}, i+1
	}
	if next == 0 || e.rule.freq != daily && (e.rule.freq != weekly || len(e.rule.days) == 0) {
		return 0, ""
	}
	from := e.rule.days
	if e.rule.freq == daily {
		from = append(workdays(), nthDay{day: time.Saturday}, nthDay{day: time.Sunday})
	}
	left := slices.DeleteFunc(slices.Clone(from), func(d nthDay) bool { return slices.Contains(days, d) })
	if len(left) == 0 {
		return 0, ""
	}
	e.rule.freq, e.rule.days = weekly, left
	return next, KindRecurrence
}

// weekClause reads "in week 12", which no rule of a task can say.
func (p *parser) weekClause(e *expr, k int) (int, string) {
	u := p.at(k + 1)
	if !e.repeats() || !p.is(k, isIn) || u.unit != week || u.kind != wordToken || p.at(k+2).kind != numberToken {
		return 0, ""
	}
	p.badRule(e)
	return k + 3, KindRecurrence
}

// edgeClause reads "at the start", "at the end of the month" behind a monthly or yearly rule.
func (p *parser) edgeClause(e *expr, k int) (int, string) {
	r := &e.rule
	if !r.free() || r.freq != monthly && r.freq != yearly {
		return 0, ""
	}
	i := p.skip(p.skip(k, isAt|isOn|isBy), isThe)
	t := p.at(i)
	if i == k || !t.any(isBegin|isEnd) {
		return 0, ""
	}
	first := t.any(isBegin) && !t.any(isEnd)
	r.monthDays = []int{-1}
	if first {
		r.monthDays = []int{1}
	}
	if r.freq == yearly {
		r.months, r.monthDays = []time.Month{time.December}, []int{31}
		if first {
			r.months, r.monthDays = []time.Month{time.January}, []int{1}
		}
	}
	if p.is(i+1, isOf) {
		if j := p.skip(i+2, isThe|isEvery); p.at(j).unit == month || p.at(j).unit == year {
			return j + 1, KindRecurrence
		}
	}
	return i + 1, KindRecurrence
}

// takeRuleDay reads the days of a rule that has none: "on Mondays", "on the 3rd Tuesday", "on the 4th", "on December 25th", "in
// June and July".
func (p *parser) takeRuleDay(e *expr, k int, in class) (int, string) {
	r := &e.rule
	if r.freq == never || r.freq == unsupported {
		return 0, ""
	}
	next := 0
	switch {
	case in&isIn != 0 && len(r.months) == 0 && p.is(k, isMonth) && (r.freq == daily || r.freq == weekly):
		r.months, next = p.monthList(k)
	case len(r.days)+len(r.monthDays) > 0:
	case r.freq == weekly || r.freq == daily && r.interval == 1:
		next = p.ruleWeekdays(r, k)
	case r.freq == monthly:
		next = p.ruleMonthDays(r, k, in)
	case r.freq == yearly:
		next = p.ruleYearDays(r, k)
	}
	return next, KindRecurrence
}

func (p *parser) ruleWeekdays(r *repetition, k int) int {
	t := p.at(k)
	if t.kind != wordToken || t.any(isWeekday) && p.is(k+1, isAfter) {
		return 0
	}
	days, next := p.weekdayList(k)
	switch {
	case t.any(isWeekend):
		days, next = []nthDay{{day: time.Saturday}}, k+1
	case t.any(isWorkdays):
		days, next = workdays(), k+1
	}
	if next > 0 {
		r.freq, r.days = weekly, days
	}
	return next
}

func (p *parser) ruleMonthDays(r *repetition, k int, in class) int {
	ns, j := p.positions(k)
	if j == 0 {
		if d, next := p.dayNumber(k); next > 0 && in&isOn != 0 && p.over(next) {
			r.monthDays = []int{d}
			return next
		}
		return 0
	}
	if in&isFrom != 0 {
		return 0 // "monthly from the 31st" names a start
	}
	t := p.at(j)
	if t.any(isWeekday) && t.kind == wordToken {
		days, next := p.nthWeekdays(ns, j)
		r.days = days
		return found(next > 0, p.ofTheMonth(next))
	}
	if t.unit == dayUnit {
		j++
	} else if p.is(j, isLast) {
		ns, j = negated(ns), j+1
	} else if in&isOn == 0 && !p.closed(j) && p.at(j).kind != numberToken {
		return 0
	}
	if beyond(ns, 31) {
		return 0
	}
	r.monthDays = ns
	return p.ofTheMonth(j)
}

func negated(ns []int) []int {
	for i := range ns {
		ns[i] = -ns[i]
	}
	return ns
}

func (p *parser) ofTheMonth(i int) int {
	if p.is(i, isOf) || p.is(i, isIn) && p.at(i+1).unit == month {
		if j := p.skip(i+1, isThe|isEvery); p.at(j).unit == month && p.at(j).length == 1 {
			return j + 1
		}
	}
	return i
}

func (p *parser) ruleYearDays(r *repetition, k int) int {
	if t := p.at(k); t.any(isMonth) && t.kind == wordToken {
		days, next := p.monthDays(p.skip(p.separator(k+1), isThe))
		if next == 0 {
			days, next = []int{1}, k+1
		}
		if len(r.months) > 0 {
			return 0
		}
		r.months, r.monthDays = []time.Month{t.month}, days
		return next
	}
	if t := p.at(k); t.any(isFixed) {
		r.months, r.monthDays = []time.Month{time.Month(t.val / 100)}, []int{t.val % 100}
		return k + 1
	}
	ns, j := p.positions(k)
	if j == 0 && p.at(k).kind == numberToken && p.is(k+1, isMonth) {
		ns, j = []int{p.at(k).n}, k+1
	}
	if j == 0 {
		return 0
	}
	var base repetition
	if t := p.at(j); t.any(isWeekday) && t.kind == wordToken {
		base, j = p.everyNthWeekday(ns, j)
	} else {
		base, j = p.monthDaysOf(ns, p.skipDay(j), true)
	}
	if j == 0 || len(base.months) == 0 {
		return 0
	}
	r.months, r.monthDays, r.days = base.months, base.monthDays, base.days
	return j
}

func (p *parser) skipDay(i int) int {
	if p.at(i).unit == dayUnit {
		return i + 1
	}
	return i
}
