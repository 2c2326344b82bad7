package phrase

import "time"

// date is a day that words name.
type date struct {
	day      day
	others   []day // readings worth offering
	bare     bool  // a weekday alone: another word of the phrase may name the day
	yearless bool
	month    bool // only a month was named
	monthly  bool // only a day of the month was named
	picked   bool // "next Friday": a day of the month behind it decides
	soft     bool // before a noun ("the Monday meeting"): it counts only beside a time
	sticky   bool // "today", "this": a time of day does not move it
	moment   *moment
	conf     float64 // 0 means sure
}

// moment is a point in time that the words name as such.
type moment struct {
	at      time.Time
	seconds bool
	instant bool
}

// noDate is what the grammar functions return beside a next of 0.
var noDate date

// Contexts of a date beside the roles of the words before it.
const (
	nearDate = isWeekday // another part of a date or time stands next to it
	asBound  = isUntil   // the end or start of a repetition: a month alone is enough
)

// anyDate reads a day in any form. in holds the roles of the words before it.
func (p *parser) anyDate(i int, in class) (date, int) {
	if p.at(i).kind == numberToken {
		return p.numberDate(i, in)
	}
	forms := [...]func(*parser, int, class) (date, int){
		(*parser).relative, (*parser).dayMonth, (*parser).monthDay, (*parser).nthOf, (*parser).namedDay, (*parser).weekday,
		(*parser).edge, (*parser).period, (*parser).dayOfMonth, (*parser).monthAlone,
	}
	for _, form := range forms {
		if d, next := form(p, i, in); next > 0 {
			return p.shifted(d, next)
		}
		if p.refusedTo > i {
			break
		}
	}
	return noDate, 0
}

// numberDate reads a day that begins with digits.
func (p *parser) numberDate(i int, in class) (date, int) {
	d, next := p.relative(i, in)
	if next == 0 && p.refusedTo <= i {
		d, next = p.numericDate(i, in)
	}
	if next == 0 && p.refusedTo <= i {
		d, next = p.dayMonth(i, in)
	}
	if next == 0 && p.refusedTo <= i {
		d, next = p.dayOfMonth(i, in)
	}
	if next == 0 {
		return noDate, 0
	}
	return p.shifted(d, next)
}

// shifted reads a "+10 days" behind a date.
func (p *parser) shifted(d date, i int) (date, int) {
	if p.mark(i, "+") || p.lang.leads && p.is(i, isIn) && p.at(i-1).any(isRef|isWeekday) { // "heute in einer Woche"
		if l, next := p.length(i + 1); next > 0 && !l.timed {
			return date{day: d.day.addMonths(l.months) + day(l.days)}, next
		}
	}
	return d, i
}

// upcoming gives the next day with this month and day of the month, today included; 29 February may be years ahead.
func (p *parser) upcoming(m time.Month, d int) (day, bool) {
	y, _, _ := p.today.date()
	for n := range 9 {
		if realDate(y+n, m, d) && dayOf(y+n, m, d) >= p.today {
			return dayOf(y+n, m, d), true
		}
	}
	return 0, false
}

// onDate makes a date of its parts; a year of 0 means the next such day.
func (p *parser) onDate(y int, m time.Month, d int) (date, bool) {
	if y > 0 {
		if !realDate(y, m, d) {
			return noDate, false
		}
		return date{day: dayOf(y, m, d)}, true
	}
	on, ok := p.upcoming(m, d)
	return date{day: on, yearless: true}, ok
}

// namedDay reads "today", "the day after tomorrow", "this day" and holidays with a fixed date.
func (p *parser) namedDay(i int, in class) (date, int) {
	t := p.at(i)
	switch {
	case t.any(isRef):
		return date{day: p.today + day(t.val), sticky: t.val <= 0, conf: t.conf(), soft: t.possessive}, i + 1
	case t.any(isThis) && p.at(i+1).unit == dayUnit && p.at(i+1).kind == wordToken && p.closed(i+2):
		return date{day: p.today, sticky: true}, i + 2
	case t.any(isFixed) && p.holiday(i, in):
		y, next := p.yearNumber(p.comma(i + 1))
		if next == 0 {
			next = i + 1
		}
		d, ok := p.onDate(y, time.Month(t.val/100), t.val%100)
		if ok {
			return d, next
		}
	}
	return noDate, 0
}

// holiday reports whether the holiday at i is a date and not part of a name ("Christmas presents").
func (p *parser) holiday(i int, in class) bool {
	const naming = isOn | isBy | isBefore | isAt | isUntil | isDue | nearDate | isThis | isNext
	open := !p.over(i + 1)
	return in&naming != 0 && !open || p.whole || i == 0 && !open || !p.at(i).weak && !open && in&isFor == 0
}

// conf of a word with a typo is lower.
func (t *token) conf() float64 {
	if t.typo {
		return 0.8
	}
	return 0
}

func (p *parser) comma(i int) int {
	if p.mark(i, ",") {
		return i + 1
	}
	return i
}

// separator steps over the points, commas, slashes and hyphens inside "16. Nov. 2016", "10-August-2012".
func (p *parser) separator(i int) int {
	for range 2 {
		t := p.at(i)
		if t.kind != markToken || t.text != "." && t.text != "," && t.text != "-" && t.text != "/" {
			break
		}
		if t.text == "-" && t.spaced {
			break
		}
		i++
	}
	return i
}

// dayMonth reads "10 August 2012", "1st Jan", "the second of Aug.", "31/Oct/1974".
func (p *parser) dayMonth(i int, _ class) (date, int) {
	d, j := p.ordinal(i)
	plain := j == 0
	if plain && p.at(i).kind == numberToken && p.at(i).digits() <= 2 {
		d, j = p.at(i).n, i+1
	}
	if j == 0 || d < 1 || d > 31 {
		return noDate, 0
	}
	if p.is(j, isThrough) && p.rangeInMonth(j+1) {
		return noDate, 0
	}
	k := p.skip(p.separator(j), isOf)
	m := p.at(k)
	if !m.any(isMonth) || m.kind != wordToken {
		return noDate, 0
	}
	hyphens := k > j && p.glued(k)
	y, next := p.yearAfter(k+1, hyphens)
	if next == 0 {
		next = k + 1
		if plain && m.weak && !p.is(k-1, isOf) && !p.closed(next) {
			return noDate, 0
		}
		if p.mark(next, ".") && !p.glued(next+1) && len(m.text) <= 4 && next+1 < len(p.toks) {
			next++
		}
	}
	return p.whenReal(y, m, d, next)
}

// rangeInMonth refuses the rest of "10 - 22 August".
func (p *parser) rangeInMonth(i int) bool {
	_, j := p.dayNumber(p.skip(i, isThe))
	if j == 0 {
		return false
	}
	k := p.skip(p.separator(j), isOf)
	if !p.is(k, isMonth) {
		return false
	}
	next := k + 1
	if _, end := p.yearAfter(next, false); end > 0 {
		next = end
	}
	p.refuse(next, rangeOfDates)
	return true
}

// Why dates that were seen are not applied.
const (
	rangeOfDates = "a range of dates is no due date"
	severalDates = "there are several dates"
)

// more refuses another day behind one: the "and 5th" of "the 3rd and 5th".
func (p *parser) more(i int) bool {
	if !p.is(i, isAnd|isChoice) {
		return false
	}
	d, next := p.dayNumber(p.skip(i+1, isThe))
	if next == 0 || d == 0 || !p.closed(next) {
		return false
	}
	p.refuse(next, severalDates)
	return true
}

// monthDay reads "Jan 22", "January 12, 2016", "May twenty-first", "Feb13".
func (p *parser) monthDay(i int, in class) (date, int) {
	i = p.skip(i, isThis|isNext|isComing) // "this June 5th"
	m := p.at(i)
	if !m.any(isMonth) || m.kind != wordToken || in&isLast != 0 {
		return noDate, 0
	}
	d, j := p.dayNumber(p.skip(p.separator(i+1), isThe))
	if j == 0 {
		return noDate, 0
	}
	y, next := p.yearAfter(j, false)
	if next == 0 {
		next = j
		if m.weak && !p.is(j-1, isOrd) && !p.closed(j) && in&isOn == 0 {
			return noDate, 0
		}
	}
	if end := p.rangeEnd(j); end > 0 && (in&asBound == 0 || p.is(j, isTo)) {
		p.refuse(end, rangeOfDates)
		return noDate, 0
	}
	if p.more(j) {
		return noDate, 0
	}
	return p.whenReal(y, m, d, next)
}

// whenReal refuses 31 February.
func (p *parser) whenReal(y int, m *token, d, next int) (date, int) {
	on, ok := p.onDate(y, m.month, d)
	if !ok {
		p.refuse(next, "there is no such day")
		return noDate, 0
	}
	on.conf = m.conf()
	return on, next
}

// dayNumber reads the day of a month: an ordinal or a number that is no clock time.
func (p *parser) dayNumber(i int) (d, next int) {
	d, next = p.ordinal(i)
	if next == 0 {
		d, next = p.number(i)
		if next == 0 || p.at(i).kind == numberToken && p.at(i).digits() > 2 || p.clockFollows(next) {
			return 0, 0
		}
	}
	if d < 1 || d > 31 {
		return 0, 0
	}
	return d, next
}

// clockFollows reports whether the number before token i belongs to a clock time or a decimal.
func (p *parser) clockFollows(i int) bool {
	t := p.at(i)
	if (t.text == ":" || t.text == ".") && p.glued(i) && p.glued(i+1) && p.at(i+1).kind == numberToken {
		return true
	}
	_, next := p.meridiem(i)
	return next > 0 || p.is(i, isOclock) || t.kind != markToken && p.glued(i)
}

// yearAfter reads a year behind a month and day; one of two digits needs a hyphen before it, a value above 31, or to be near.
func (p *parser) yearAfter(i int, hyphens bool) (y, next int) {
	j := p.separator(i)
	if y, next := p.yearNumber(j); next > 0 && !p.clockAfterYear(next) {
		return y, next
	}
	if y, next := p.relativeYear(i); next > 0 {
		return y, next
	}
	t := p.at(j)
	if t.kind != numberToken || t.digits() != 2 || p.clockFollows(j+1) {
		return 0, 0
	}
	thisYear, _, _ := p.today.date()
	y = pivot(t.n)
	soon := thisYear <= y && y <= thisYear+10 && p.closed(j+1) // "5 June 27"
	if !soon && (t.n <= 31 || !p.closed(j+1)) && (!hyphens || !p.glued(j)) {
		return 0, 0
	}
	return y, j + 1
}

// relativeYear reads "next year", "of this year".
func (p *parser) relativeYear(i int) (y, next int) {
	j := p.skip(p.comma(i), isOf)
	if p.at(j+1).unit != year || p.at(j+1).length != 1 {
		return 0, 0
	}
	y, _, _ = p.today.date()
	switch {
	case p.is(j, isNext):
		return y + 1, j + 2
	case p.is(j, isThis):
		return y, j + 2
	case p.is(j, isLast):
		return y - 1, j + 2
	}
	return 0, 0
}

func (p *parser) clockAfterYear(i int) bool {
	_, next := p.meridiem(i)
	return next > 0 && p.glued(i)
}

// rangeEnd reads the "- 29, 2022" of a range of days of one month.
func (p *parser) rangeEnd(i int) int {
	if !p.is(i, isThrough) {
		return 0
	}
	d, next := p.dayNumber(p.skip(i+1, isThe))
	if next == 0 || d == 0 {
		return 0
	}
	if _, end := p.yearAfter(next, false); end > 0 {
		return end
	}
	return next
}

// weekday reads the names of weekdays with "this", "next", "last" or a week beside them.
func (p *parser) weekday(i int, in class) (date, int) {
	if w, j := p.weekWord(i); j > 0 { // "next week (on) Friday"
		j = p.skip(j, isOn)
		if t := p.at(j); t.any(isWeekday) && !t.any(isWeekdays) {
			return date{day: p.inWeek(w, t.day), sticky: w == 0}, j + 1
		}
		return noDate, 0
	}
	if t := p.at(i + 1); p.is(i, isThis|isNext|isLast|isComing) && t.any(isWeekday) && t.kind == wordToken {
		if d, next := p.pickedWeekday(i, t.day); next > 0 && !t.any(isWeekdays) {
			d.conf, d.soft, d.picked = t.conf(), t.possessive, !p.is(i, isLast)
			return d, next
		}
		return noDate, 0
	}
	t := p.at(i)
	if !t.any(isWeekday) || t.any(isWeekdays) || t.kind != wordToken {
		return noDate, 0
	}
	return p.weekdayAlone(i, in)
}

func (p *parser) pickedWeekday(i int, w time.Weekday) (date, int) {
	coming := p.today.after(w)
	switch {
	case p.is(i, isThis):
		on := p.inWeek(0, w)
		if on < p.today {
			return date{day: coming, others: []day{on}}, i + 2
		}
		return date{day: on, sticky: true}, i + 2
	case p.is(i, isNext):
		d := date{day: p.inWeek(1, w)}
		if coming != d.day {
			d.others = []day{coming}
		}
		return d, i + 2
	case p.is(i, isLast):
		return date{day: p.today.before(w), sticky: true}, i + 2
	}
	return date{day: coming}, i + 2
}

// weekdayAlone reads "Friday", "Friday after next" and "Friday of next week".
func (p *parser) weekdayAlone(i int, in class) (date, int) {
	t := p.at(i)
	if p.is(i+1, isAfter) && p.is(i+2, isNext) && p.closed(i+3) {
		return date{day: p.today.after(t.day) + 7}, i + 3
	}
	j := p.skip(i+1, isOf|isIn|isFrom)
	if w, next := p.weekWord(p.skip(j, isThe)); next > 0 {
		return date{day: p.inWeek(w, t.day), sticky: w == 0}, next
	}
	next := i + 1
	if p.mark(next, ".") && len(t.text) <= 5 && (p.glued(next+1) || next+1 < len(p.toks)) && !p.mark(next+1, ".") {
		next++
	}
	if end := p.weekdayRange(next); end > 0 {
		p.refuse(end, "a range of days is no due date")
		return noDate, 0
	}
	if days, end := p.weekdayList(i); len(days) > 1 {
		p.refuse(end, severalDates)
		return noDate, 0
	}
	if t.weak && !p.weekdayMeant(i, in) {
		return noDate, 0
	}
	d := date{day: p.today.after(t.day), bare: true, conf: t.conf()}
	d.soft = t.possessive || in&(isThe|isDeterminer) != 0 && in&nearDate == 0 && !p.closed(next) && p.at(next).kind == wordToken
	if t.day == p.today.weekday() {
		d.others = []day{p.today}
	}
	return d, next
}

// weekdayMeant tells the weekday from "the sun" and "the cat sat".
func (p *parser) weekdayMeant(i int, in class) bool {
	if p.whole || in&(isOn|isBy|isUntil|isDue|isFor|isBefore|nearDate|isRepeat) != 0 && in&isThe == 0 || len(p.toks) <= 2 && i == 0 {
		return true
	}
	if in&(isThe|isIn) != 0 || p.is(i-1, isDeterminer|isPreposition|isOf|isIn|isTo) {
		return false
	}
	j := i + 1
	if p.mark(j, ".") || p.mark(j, ",") {
		j++
	}
	return j >= len(p.toks) || p.is(j, temporal&^isThis|isAt) || p.at(j).kind == numberToken
}

func (p *parser) weekdayRange(i int) int {
	if p.is(i, isThrough) {
		if t := p.at(i + 1); t.any(isWeekday) && t.kind == wordToken {
			return i + 2
		}
	}
	return 0
}

// weekWord reads "this week", "next week", "last week's"; w counts weeks from this one.
func (p *parser) weekWord(i int) (w, next int) {
	u := p.at(i + 1)
	if u.unit != week || u.length != 1 || u.kind != wordToken {
		return 0, 0
	}
	switch {
	case p.is(i, isThis):
		return 0, i + 2
	case p.is(i, isNext):
		return 1, i + 2
	case p.is(i, isLast):
		return -1, i + 2
	}
	return 0, 0
}

// inWeek gives a weekday of the calendar week that is w weeks from this one.
func (p *parser) inWeek(w int, d time.Weekday) day {
	start := p.opt.WeekStart.weekday()
	return p.today.weekOf(start) + day(7*w) + day((d-start+7)%7)
}

// dayOfMonth reads "the 5th", "on 15", "for the thirty": a day of this month, or of the next that has it.
func (p *parser) dayOfMonth(i int, in class) (date, int) {
	const before = isOn | isBy | isDue | isFor | isBefore | isAt | isUntil | isFrom
	d, next := p.ordinal(i)
	named := next > 0
	if !named {
		d, next = p.dayNumber(i)
		if in&(isOn|isThe) == 0 || in&nearDate == 0 && in&before == 0 {
			return noDate, 0
		}
	}
	if next == 0 || d < 1 || d > 31 || p.is(i-1, isEvery) || !p.over(next) && !p.clockAt(next) && !p.besideWeekday(i, next) {
		return noDate, 0
	}
	if named && in&(before|nearDate) == 0 && (in&isThe == 0 || i > 1 && !p.is(next, isEvery|isFreq)) && !p.whole {
		return noDate, 0
	}
	if !named && !p.articled(i, in) && !p.clockNear(i, next) {
		return noDate, 0
	}
	if named && p.at(i).kind == wordToken && p.at(i).text != "" && in&(isThe|isOn|nearDate) == 0 && !p.whole {
		return noDate, 0 // "at first"
	}
	if end := p.rangeEnd(next); end > 0 {
		p.refuse(end, rangeOfDates)
		return noDate, 0
	}
	if p.is(next, isOf|isUnit) || p.more(next) {
		return noDate, 0
	}
	return date{day: p.nextDayOfMonth(d), monthly: true}, next
}

// besideWeekday reports an ordinal in digits that says which weekday is meant, with the title behind it: "Fri 16th dentist", but
// not "Fri 16th birthday".
func (p *parser) besideWeekday(i, next int) bool {
	j := i - 1
	if p.mark(j, ",") {
		j--
	}
	t := p.at(next)
	return p.at(i).text == "" && p.is(j, isWeekday) && !p.is(j, isWeekdays) && !p.is(j-1, isEvery|isOther) &&
		t.kind == wordToken && t.spaced && !t.any(isUnit|isMonth) && !p.has(next, countedNoun)
}

func (p *parser) nextDayOfMonth(d int) day {
	for n := range 13 {
		month := p.today.firstOfMonth().addMonths(n)
		if on, ok := month.nthDay(d); ok && on >= p.today {
			return on
		}
	}
	return p.today
}

// monthAlone reads "in May": the first day of a month that has not begun.
func (p *parser) monthAlone(i int, in class) (date, int) {
	j := i
	w := p.at(i)
	if w.any(isThis | isNext | isComing) {
		j++
	}
	t := p.at(j)
	if !t.any(isMonth) || t.kind != wordToken || w.any(isNext) && t.unit == month {
		return noDate, 0
	}
	y, next := p.yearNumber(p.skip(p.comma(j+1), isOf))
	if next == 0 {
		next = j + 1
	}
	allowed := j > i || in&(isIn|asBound) != 0 || p.whole || y > 0 && in&(isBy|isFor|isBefore) != 0
	if p.is(next, isChoice) && p.is(next+1, isMonth) {
		p.refuse(next+2, severalDates)
	}
	if !allowed || p.refusedTo > i || y == 0 && !p.over(next) && in&asBound == 0 {
		return noDate, 0
	}
	first := p.nextMonth(t.month, y)
	switch {
	case first > p.today:
	case in&asBound == 0:
		return noDate, 0
	case y == 0:
		first = first.addMonths(12)
	}
	return date{day: first, yearless: y == 0, month: true, conf: t.conf()}, next
}

// nextMonth gives the first day of the next month of that name; of a month that is running, its first day.
func (p *parser) nextMonth(m time.Month, y int) day {
	thisYear, thisMonth, _ := p.today.date()
	switch {
	case y > 0:
		return dayOf(y, m, 1)
	case m < thisMonth:
		return dayOf(thisYear+1, m, 1)
	}
	return dayOf(thisYear, m, 1)
}
