package phrase

import (
	"fmt"
	"time"
)

// due is a settled date with the other readings of its words.
type due struct {
	when         When
	alternatives []When
	past         bool
}

func clockText(minutes int) string { return fmt.Sprintf("%02d:%02d", minutes/60, minutes%60) }

// due settles the date and time of an expression without a rule.
func (p *parser) due(e *expr) (due, bool) {
	if e.until != nil {
		p.setReason(rangeOfDates)
	}
	if e.badRule || e.clash || e.until != nil || e.empty() {
		return due{}, false
	}
	d, dated := e.day()
	if m := d.moment; m != nil && m.instant {
		return p.dueAt(m), true
	}
	if !dated {
		return p.dueToday(e)
	}
	if !d.day.supported() {
		return due{}, false
	}
	minutes, shift, other, timed := p.timeOf(e, true)
	if timed && !e.clock.set && d.day == p.today && minutes <= p.clock {
		timed = false
	}
	out := p.dueOn(e, d.day+shift, minutes, timed)
	if timed && other >= 0 {
		out.alternatives = append(out.alternatives, p.wall(d.day, other, 0))
	}
	for _, o := range d.others {
		out.alternatives = append(out.alternatives, p.dueOn(e, o+shift, minutes, timed).when)
	}
	return out, true
}

// day gives the day that the expression names.
func (e *expr) day() (date, bool) {
	switch {
	case e.named:
		return e.date, true
	case e.weekday != nil:
		return *e.weekday, true
	case e.start != nil:
		return *e.start, true
	}
	return noDate, false
}

// timeOf gives the time of day that the expression names. Midnight of a named day is its end.
func (p *parser) timeOf(e *expr, dated bool) (minutes int, shift day, other int, ok bool) {
	if !e.clock.set && !e.part.set {
		return 0, 0, -1, false
	}
	if e.clock.midnight && dated {
		return lastMinute, 0, -1, true
	}
	minutes, shift, other = e.clock.time(e.part)
	if other >= 0 {
		minutes, other = p.atMeal(minutes, other)
	}
	return minutes, shift, other, true
}

func (p *parser) dueAt(m *moment) due {
	at := m.at
	w := When{Date: at.Format(time.DateOnly), Time: at.Format("15:04"), Instant: true}
	if m.seconds {
		w.Second = at.Second()
	}
	return due{when: w, past: at.Before(p.now)}
}

// dueToday settles a time without a day: its next occurrence, unless the words bind it to today.
func (p *parser) dueToday(e *expr) (due, bool) {
	minutes, shift, other, timed := p.timeOf(e, false)
	bound := e.part.sticky || e.dayEnd
	switch {
	case e.part.last:
		return p.dueOn(e, p.today-1+shift, minutes, true), true
	case !timed:
		return due{when: When{Date: p.today.String()}}, e.dayEnd
	case bound && !e.clock.set && minutes <= p.clock:
		return p.dueOn(e, p.today, 0, false), true
	case bound && e.clock.midnight:
		return p.dueOn(e, p.today, lastMinute, true), true
	case bound:
		return p.dueOn(e, p.today+shift, minutes, true), true
	}
	out := p.dueOn(e, p.nextTime(minutes), minutes, true)
	if other >= 0 {
		out.alternatives = append(out.alternatives, p.wall(p.nextTime(other), other, 0))
	}
	return out, true
}

// nextTime gives the day of the next time of day that has not passed.
func (p *parser) nextTime(minutes int) day {
	if minutes <= p.clock {
		return p.today + 1
	}
	return p.today
}

func (p *parser) dueOn(e *expr, d day, minutes int, timed bool) due {
	if !timed {
		return due{when: When{Date: d.String()}, past: d < p.today}
	}
	return due{when: p.wall(d, minutes, e.clock.second), past: d < p.today || d == p.today && minutes < p.clock}
}

// wall gives a wall clock; one that the zone skips moves by the gap, as RFC 5545, section 3.3.5, has it.
func (p *parser) wall(d day, minutes, seconds int) When {
	y, m, dd := d.date()
	t := time.Date(y, m, dd, minutes/60, minutes%60, seconds, 0, p.now.Location())
	if t.Hour()*60+t.Minute() != minutes {
		_, before := t.Add(-24 * time.Hour).Zone()
		t = d.utc().Add(time.Duration(minutes*60-before) * time.Second).In(p.now.Location())
	}
	return When{Date: t.Format(time.DateOnly), Time: t.Format("15:04"), Second: seconds}
}

// recurrence settles the rule of an expression and its first occurrence.
func (p *parser) recurrence(e *expr) (Recurrence, When, bool) {
	r, start, ok := p.ruleOf(e)
	if !ok {
		return Recurrence{}, When{}, false
	}
	minutes, _, _, timed := p.timeOf(e, false)
	first, ok := p.firstOf(r, start, minutes, timed)
	if !ok || r.bounded && r.until < first {
		p.setReason("this repetition never occurs")
		return Recurrence{}, When{}, false
	}
	out := Recurrence{Rule: r.String(), From: FromSchedule}
	if r.completion {
		out.From = FromCompletion
	}
	if start != nil {
		out.Start = start.day.String()
		if e.timedStart && timed {
			out.Start += "T" + clockText(minutes)
		}
	}
	w := When{Date: first.String()}
	if timed {
		w.Time, w.Second = clockText(minutes), e.clock.second
	}
	return out, w, true
}

func (p *parser) setReason(s string) {
	if p.reason == "" {
		p.reason = s
	}
}

// ruleOf completes the rule of an expression with its weekday, start and end.
func (p *parser) ruleOf(e *expr) (r rule, start *date, ok bool) {
	r, start = e.rule.rule, e.start
	if e.badRule || e.clash || r.freq == unsupported {
		return r, nil, false
	}
	supported := e.clock.set || e.part.set || e.weekday != nil || !r.free()
	if e.rule.weak && !supported {
		return r, nil, false
	}
	switch weekday := e.weekday; {
	case e.named && start == nil && e.date.repeats(&r):
	case e.named && start == nil:
		start = &e.date
	case weekday == nil || start != nil:
	case r.free() && (r.freq == weekly || r.freq == daily && r.interval == 1):
		r.freq, r.days = weekly, []nthDay{{day: weekday.day.weekday()}}
	default:
		start = weekday
	}
	if r.freq == monthly && r.free() {
		r.monthDays = p.longMonthDay(start)
	}
	r = r.canonical()
	r.clamp()
	return p.bound(r, e, start), start, !r.bounded || r.count == 0
}

// repeats makes a day without a year, or without a month, the day of a rule that has none: "March 5th every year".
func (d *date) repeats(r *rule) bool {
	_, m, dd := d.day.date()
	switch {
	case !r.free():
		return false
	case r.freq == yearly && d.yearless && !d.month:
		r.months, r.monthDays = []time.Month{m}, []int{dd}
	case r.freq == monthly && d.monthly:
		r.monthDays = []int{dd}
	default:
		return false
	}
	return true
}

// longMonthDay gives the day of the month of a monthly rule that starts on one that some months do not have.
func (p *parser) longMonthDay(start *date) []int {
	from := p.today
	if start != nil {
		from = start.day
	}
	if _, _, d := from.date(); d > 28 {
		return []int{d}
	}
	return nil
}

// bound gives a rule its end.
func (p *parser) bound(r rule, e *expr, start *date) rule {
	from := p.today
	if start != nil {
		from = start.day
	}
	switch {
	case e.until != nil:
		r.until, r.bounded = e.until.day, true
		for n := 1; r.until < from && e.until.yearless && n < 3; n++ {
			r.until = e.until.day.addMonths(12 * n)
		}
	case e.limit != nil:
		r.until, r.bounded = from.addMonths(e.limit.months)+day(e.limit.days), true
	}
	return r
}

// firstOf gives the first occurrence: from the start, or from today on when its time has not passed.
func (p *parser) firstOf(r rule, start *date, minutes int, timed bool) (day, bool) {
	if start != nil {
		return r.first(start.day)
	}
	d, ok := r.first(p.today)
	if !ok || d > p.today || !timed || minutes > p.clock {
		return d, ok
	}
	if r.free() {
		return r.step(d), true
	}
	return r.first(p.today + 1)
}
