package phrase

import (
	"slices"
	"time"
)

// maxList bounds lists such as "Monday, Tuesday and Friday".
const maxList = 12

// repetition is a rule as it was read, and how sure its words are.
type repetition struct {
	rule
	timed dayPart // "every morning"
	weak  bool    // a frequency before a noun: "weekly report"
}

var noRepetition repetition

// repetitionAt reads the base of a rule.
func (p *parser) repetitionAt(i int, in class) (repetition, int) {
	forms := [...]func(*parser, int, class) (repetition, int){
		(*parser).every, (*parser).ofEvery, (*parser).frequency, (*parser).timesPer, (*parser).afterCompletion,
		(*parser).plurals,
	}
	for _, form := range forms {
		if r, next := form(p, i, in); next > 0 {
			return r, next
		}
	}
	return noRepetition, 0
}

func each(f freq, interval int) repetition {
	return repetition{rule: rule{freq: f, interval: interval}}
}

// every reads "every Monday", "every 3 days", "every other week", "every 3rd Friday", "every July 4th", "every morning".
func (p *parser) every(i int, _ class) (repetition, int) {
	if !p.is(i, isEvery) {
		return noRepetition, 0
	}
	j := i + 1
	bang := p.mark(j, "!") && p.glued(j)
	if bang {
		j++
	}
	r, next := p.everyWhat(j)
	if next == 0 {
		return noRepetition, 0
	}
	r.completion = bang
	return r, next
}

func (p *parser) everyWhat(i int) (repetition, int) {
	if r, next := p.everyNth(i); next > 0 {
		return r, next
	}
	interval, j := 1, i
	if p.is(i, isOther) {
		interval, j = 2, i+1
	} else if n, next := p.number(i); next > 0 {
		interval, j = n, next
	} else if p.is(i, isVague|isCouple) || p.is(i+1, isVague|isCouple) {
		return p.vagueInterval(i)
	}
	if interval < 1 || interval > maxQuantity {
		return noRepetition, 0
	}
	if r, next := p.everyUnit(j, interval); next > 0 {
		return r, next
	}
	if j == i {
		return p.everyNamed(i)
	}
	return noRepetition, 0
}

// vagueInterval refuses "every few days", and reads "every couple of weeks" as every two.
func (p *parser) vagueInterval(i int) (repetition, int) {
	j := p.skip(i, isA)
	if p.is(j, isCouple) {
		return p.everyUnit(p.skip(j+1, isOf), 2)
	}
	if p.is(j+1, isUnit) {
		return each(unsupported, 1), j + 2
	}
	return noRepetition, 0
}

// everyUnit reads "week", "days", "weekend", "weekday", "Friday and Saturday" behind "every" and an interval.
func (p *parser) everyUnit(i, interval int) (repetition, int) {
	t := p.at(i)
	if t.kind != wordToken {
		return noRepetition, 0
	}
	switch {
	case t.any(isWeekend):
		r := each(weekly, interval)
		r.days = []nthDay{{day: time.Saturday}}
		return r, i + 1
	case p.workday(i) > 0:
		return p.everyWorkday(p.workday(i), interval)
	case t.any(isWeekday):
		r := each(weekly, interval)
		var next int
		r.days, next = p.weekdayList(i)
		return r, next
	case t.any(isUnit) && !t.any(isMonth) && len(t.text) > 1 && p.unitMeant(i):
		return p.everyUnitOnly(t, interval, i+1)
	}
	return noRepetition, 0
}

// unitMeant tells "every second" from "every second Friday".
func (p *parser) unitMeant(i int) bool { return !p.is(i, isOrd) || p.closed(i+1) }

var freqOf = [...]freq{
	second: unsupported, minute: unsupported, hour: unsupported, dayUnit: daily, week: weekly, month: monthly, year: yearly,
}

func (p *parser) everyUnitOnly(u *token, interval, next int) (repetition, int) {
	n := interval * u.length
	if f := freqOf[u.unit]; f != unsupported {
		return each(f, n), next
	}
	return each(unsupported, 1), next
}

func (p *parser) everyWorkday(next, interval int) (repetition, int) {
	if interval > 2 {
		return each(unsupported, 1), next
	}
	r := each(weekly, interval)
	r.days = workdays()
	if t := p.at(next); t.any(isPart) {
		r.timed = p.part(t)
		next++
	}
	return r, next
}

// workday reads "weekday", "workday", "business day".
func (p *parser) workday(i int) int {
	switch t := p.at(i); {
	case t.any(isWorkdays):
		return i + 1
	case p.has(i, beforeDay) && p.at(i+1).unit == dayUnit:
		return i + 2
	}
	return 0
}

// nthWorkday is the n-th day from Monday to Friday of a month.
func nthWorkday(n int) repetition {
	r := each(monthly, 1)
	r.days, r.position = workdays(), n
	return r
}

func workdays() []nthDay {
	var days []nthDay
	for d := time.Monday; d <= time.Friday; d++ {
		days = append(days, nthDay{day: d})
	}
	return days
}

// everyNth reads the ordinals behind "every": "3rd Friday", "4th and 10th of the month", "20th of Aug", "2nd week", "last day
// of the month".
func (p *parser) everyNth(i int) (repetition, int) {
	ns, j := p.positions(i)
	if j == 0 {
		return noRepetition, 0
	}
	t := p.at(j)
	switch {
	case t.any(isWeekday) && t.kind == wordToken:
		return p.everyNthWeekday(ns, j)
	case p.workday(j) > 0 && len(ns) == 1 && (ns[0] < 0 || p.is(p.workday(j), isOf)):
		return p.inMonths(nthWorkday(ns[0]), p.workday(j))
	case t.unit == dayUnit && (p.is(j+1, isOf|isIn) || ns[0] < 0):
		return p.monthDaysOf(ns, j+1, true)
	case t.any(isUnit) && len(ns) == 1 && ns[0] > 0 && len(t.text) > 1:
		return p.everyUnit(j, ns[0])
	case t.any(isWeekend|isWorkdays) && len(ns) == 1 && ns[0] > 0:
		return p.everyUnit(j, ns[0])
	}
	return p.monthDaysOf(ns, j, false)
}

// positions reads "first, second and third", "4th and 10th", "2nd to the last", "last".
func (p *parser) positions(i int) (ns []int, next int) {
	for range maxList {
		j := i
		if next > 0 {
			j = p.skip(p.listJoint(i), isThe)
			if j == i {
				break
			}
		}
		n, k := p.position(j)
		if k == 0 || n == 0 {
			break
		}
		ns, next, i = append(ns, n), k, k
	}
	return ns, next
}

// listJoint steps over the comma and "and" between members of a list.
func (p *parser) listJoint(i int) int {
	if p.mark(i, ",") || p.mark(i, "/") {
		i++
	}
	return p.skip(i, isAnd)
}

func (p *parser) everyNthWeekday(ns []int, i int) (repetition, int) {
	r := each(monthly, 1)
	days, next := p.nthWeekdays(ns, i)
	if next == 0 {
		return each(unsupported, 1), i + 1
	}
	r.days = days
	months, end := p.inMonths(r, next)
	if p.lang.ordinalInterval && end == next && len(ns) == 1 && ns[0] > 1 {
		return p.everyUnit(i, ns[0])
	}
	return months, end
}

// nthWeekdays reads the weekdays behind ordinals: "(first and third) Friday".
func (p *parser) nthWeekdays(ns []int, i int) (days []nthDay, next int) {
	list, next := p.weekdayList(i)
	if beyond(ns, 5) {
		return nil, 0
	}
	for _, n := range ns {
		for _, d := range list {
			days = append(days, nthDay{n, d.day})
		}
	}
	return days, next
}

// beyond reports whether an ordinal is larger than the most there can be.
func beyond(ns []int, most int) bool {
	return slices.ContainsFunc(ns, func(n int) bool { return n > most || n < -most })
}

// monthDaysOf reads what follows days of the month: "of the month", "of August", or nothing.
func (p *parser) monthDaysOf(ns []int, i int, worded bool) (repetition, int) {
	if beyond(ns, 31) {
		return noRepetition, 0
	}
	r := each(monthly, 1)
	r.monthDays = ns
	if p.is(i, isOf|isIn) || p.is(i, isMonth) && !p.is(i, isUnit) {
		return p.inMonths(r, i)
	}
	if worded || !p.over(i) {
		return noRepetition, 0
	}
	return r, i
}

// inMonths reads "of the month", "in November", "of August and September", "of the year" behind days; with named months the
// rule is yearly.
func (p *parser) inMonths(r repetition, i int) (repetition, int) {
	j := p.skip(i, isOf|isIn)
	if u := p.at(j); j > i && u.unit == month && u.length == 1 && u.kind == wordToken && !u.any(isMonth) { // "im Monat"
		return r, j + 1
	}
	if p.is(j, isThe|isEvery) && j > i {
		interval, k := p.stride(j + 1)
		if u := p.at(k); u.unit == month && u.kind == wordToken {
			r.interval = interval * u.length
			if u.length > 1 && k == j+1 {
				return each(unsupported, 1), k + 1
			}
			return r, k + 1
		}
		if u := p.at(k); u.unit == year && interval == 1 && slices.Equal(r.monthDays, []int{1}) {
			r.freq, r.months = yearly, []time.Month{time.January}
			return r, k + 1
		}
	}
	months, next := p.monthList(j)
	if next == 0 {
		return r, i
	}
	r.freq, r.months = yearly, months
	return r, next
}

// stride reads the interval behind "of every": "3rd", "3", "other", or none.
func (p *parser) stride(i int) (n, next int) {
	if p.is(i, isOther) {
		return 2, i + 1
	}
	if n, next := p.ordinal(i); next > 0 {
		return n, next
	}
	if n, next := p.number(i); next > 0 && n > 0 {
		return n, next
	}
	return 1, i
}

func (p *parser) monthList(i int) (months []time.Month, next int) {
	for range maxList {
		j := i
		if next > 0 {
			if j = p.listJoint(i); j == i {
				break
			}
		}
		t := p.at(j)
		if !t.any(isMonth) || t.kind != wordToken {
			break
		}
		months, next, i = append(months, t.month), j+1, j+1
	}
	return months, next
}

// everyNamed reads "July 4th", "Aug 20 and 30", "January", "Christmas", "morning" behind "every".
func (p *parser) everyNamed(i int) (repetition, int) {
	t := p.at(i)
	switch {
	case t.any(isMonth) && t.kind == wordToken:
		return p.everyMonth(i)
	case t.any(isFixed):
		r := each(yearly, 1)
		r.months, r.monthDays = []time.Month{time.Month(t.val / 100)}, []int{t.val % 100}
		return r, i + 1
	}
	d, next := p.partOfDay(i, isIn|nearDate)
	if next == 0 || d.sticky {
		return noRepetition, 0
	}
	r := each(daily, 1)
	r.timed = d
	return r, next
}

func (p *parser) everyMonth(i int) (repetition, int) {
	r := each(yearly, 1)
	if days, next := p.monthDays(p.separator(i + 1)); next > 0 {
		r.months, r.monthDays = []time.Month{p.at(i).month}, days
		return r, next
	}
	months, next := p.monthList(i)
	r.months, r.monthDays = months, []int{1}
	return r, next
}

// monthDays reads "4th", "20 and 30", "the 1st, 10th and 20th".
func (p *parser) monthDays(i int) (days []int, next int) {
	for range maxList {
		j := i
		if next > 0 {
			if j = p.listJoint(i); j == i {
				break
			}
		}
		n, k := p.dayNumber(p.skip(j, isThe))
		if k == 0 || p.is(k, isUnit|isTimes) && !p.is(k, isOrd) {
			break
		}
		days, next, i = append(days, n), k, k
	}
	return days, next
}

// weekdayList reads "Monday", "Mon, Wed and Fri", "Saturday through Tuesday", "tuesdays-tue".
func (p *parser) weekdayList(i int) (days []nthDay, next int) {
	for range maxList {
		j := i
		if next > 0 {
			if j = p.listJoint(i); j == i && !p.is(i-1, isWeekdays) {
				break
			}
		}
		t := p.at(j)
		if !t.any(isWeekday) || j == i && next > 0 && !t.any(isWeekdays) || t.kind != wordToken {
			break
		}
		days, next = append(days, nthDay{day: t.day}), p.abbreviated(j+1)
		if end := p.at(next + 1); p.is(next, isThrough) && end.any(isWeekday) {
			for d := t.day; d != end.day; {
				d = (d + 1) % 7
				days = append(days, nthDay{day: d})
			}
			next = p.abbreviated(next + 2)
		}
		i = next
	}
	return days, next
}

// abbreviated steps over the point of "Mon." inside a phrase.
func (p *parser) abbreviated(i int) int {
	if p.mark(i, ".") && p.glued(i) && len(p.at(i-1).text) <= 4 && i+1 < len(p.toks) && p.at(i+1).any(isWeekday|isAnd|isAt) {
		return i + 1
	}
	return i
}

// ofEvery reads "the 4th of every 3rd month", "first Friday of each month", "last day of the month every month".
func (p *parser) ofEvery(i int, _ class) (repetition, int) {
	ns, j := p.positions(i)
	if j == 0 {
		return noRepetition, 0
	}
	r := each(monthly, 1)
	if t := p.at(j); t.any(isWeekday) && t.kind == wordToken {
		r.days, j = p.nthWeekdays(ns, j)
	} else if end := p.workday(j); end > 0 && len(ns) == 1 {
		r, j = nthWorkday(ns[0]), end
	} else {
		if t.unit == dayUnit {
			j++
		}
		r.monthDays = ns
	}
	j = p.skip(j, isOf|isIn|isOn)
	if !p.is(j, isEvery) {
		return noRepetition, 0
	}
	interval, k := p.stride(j + 1)
	u := p.at(k)
	if u.any(isMonth) && u.kind == wordToken && interval == 1 && !u.any(isUnit) {
		r.freq, r.months = yearly, []time.Month{u.month}
		return r, k + 1
	}
	if u.unit != month || u.kind != wordToken {
		return noRepetition, 0
	}
	if u.length > 1 {
		return each(unsupported, 1), k + 1
	}
	r.interval = interval
	return r, k + 1
}

// frequency reads "daily", "weekly", "quarterly". Before a noun it is weak.
func (p *parser) frequency(i int, in class) (repetition, int) {
	t := p.at(i)
	if !t.any(isFreq) || t.kind != wordToken {
		return noRepetition, 0
	}
	r := each(t.freq, t.val)
	if t.part != noPart {
		r.timed = p.part(t)
	}
	r.weak = !p.over(i+1) && p.at(i+1).kind == wordToken || in&(isThe|isDeterminer) != 0
	return r, i + 1
}

// timesPer reads "once a week"; "twice a week" is refused.
func (p *parser) timesPer(i int, _ class) (repetition, int) {
	var n, j int
	if t := p.at(i); t.any(isTimesPer) {
		n, j = t.val, i+1
	} else if m, next := p.number(i); next > 0 && p.is(next, isTimes) && !p.has(next, endsLength) {
		n, j = m, next+1
	} else {
		return noRepetition, 0
	}
	if f := p.at(j); f.any(isFreq) && n > 1 { // "twice weekly"
		return each(unsupported, 1), j + 1
	}
	if !p.is(j, isPer) {
		return noRepetition, 0
	}
	k := j + 1
	interval := 1
	if p.is(j, isEvery) {
		interval, k = p.stride(k)
	}
	if p.is(j, isIn) {
		k = p.skip(k, isThe) // "einmal in der Woche"
	}
	u := p.at(k)
	if !u.any(isUnit) || u.kind != wordToken || len(u.text) == 1 {
		return noRepetition, 0
	}
	if n != 1 {
		return each(unsupported, 1), k + 1
	}
	return p.everyUnitOnly(u, interval, k+1)
}

// afterCompletion reads "3 days after I finish".
func (p *parser) afterCompletion(i int, _ class) (repetition, int) {
	l, j := p.length(i)
	if j == 0 || !p.is(j, isAfter) {
		return noRepetition, 0
	}
	next := p.finished(j)
	if next == 0 {
		return noRepetition, 0
	}
	r, ok := everyLength(l)
	r.completion = true
	return r, found(ok, next)
}

// finished reads "after I finish", "after completion", "when done".
func (p *parser) finished(i int) int {
	if !p.has(i, leadsFinish) {
		return 0
	}
	for j := i + 1; j < i+5; j++ {
		if p.is(j, isFinish) {
			if p.has(j+1, finishObject) {
				return j + 2
			}
			return j + 1
		}
		if p.at(j).kind != wordToken || p.is(j, temporal&^isThis) {
			return 0
		}
	}
	return 0
}

func everyLength(l length) (repetition, bool) {
	switch {
	case l.timed:
		return noRepetition, false
	case l.months > 0 && l.days == 0 && l.months%12 == 0:
		return each(yearly, l.months/12), true
	case l.months > 0 && l.days == 0:
		return each(monthly, l.months), true
	case l.days > 0 && l.months == 0 && l.days%7 == 0:
		return each(weekly, l.days/7), true
	case l.days > 0 && l.months == 0:
		return each(daily, l.days), true
	}
	return noRepetition, false
}

// plurals reads "Tuesdays and Thursdays", "weekdays", "on weekends"; where the text is a repetition, "Mon, Wed" too.
func (p *parser) plurals(i int, in class) (repetition, int) {
	t := p.at(i)
	switch {
	case t.kind != wordToken:
		return noRepetition, 0
	case t.any(isWorkdays|isWeekend) && (t.plural || p.pluralPartAt(i+1)):
		return p.pluralPart(p.everyUnit(i, 1))
	case t.any(isPart) && t.plural && in&isIn != 0:
		r := each(daily, 1)
		r.timed = p.part(t)
		return r, i + 1
	case !t.any(isWeekday):
		return noRepetition, 0
	}
	days, next := p.weekdayList(i)
	plural := p.repeating || p.pluralPartAt(next)
	for j := i; j < next; j++ {
		plural = plural || p.is(j, isWeekdays)
	}
	r := each(weekly, 1)
	r.days = days
	return p.pluralPart(r, found(plural, next))
}

// pluralPart reads the "mornings" of "Sunday mornings".
func (p *parser) pluralPart(r repetition, next int) (repetition, int) {
	if next > 0 && p.pluralPartAt(next) {
		r.timed = p.part(p.at(next))
		next++
	}
	return r, next
}

func (p *parser) pluralPartAt(i int) bool { return p.is(i, isPart) && p.at(i).plural }

// part is the time of a word for a part of the day.
func (p *parser) part(t *token) dayPart {
	return dayPart{part: t.part, minutes: p.hours[t.part], set: true}
}
