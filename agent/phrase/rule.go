package phrase

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// freq is how often a rule repeats.
type freq uint8

const (
	never freq = iota
	daily
	weekly
	monthly
	yearly
	unsupported // hours, week numbers, "twice a week": no rule says it
)

var freqNames = [...]string{daily: "DAILY", weekly: "WEEKLY", monthly: "MONTHLY", yearly: "YEARLY"}

// nthDay is a weekday, with an ordinal where n is not 0.
type nthDay struct {
	n   int
	day time.Weekday
}

// rule is a repetition in the terms of RFC 5545.
type rule struct {
	freq       freq
	interval   int
	months     []time.Month
	monthDays  []int
	days       []nthDay
	position   int // BYSETPOS
	count      int
	until      day
	bounded    bool // until is set
	completion bool
}

var dayNames = [...]string{"SU", "MO", "TU", "WE", "TH", "FR", "SA"}

// String gives the RRULE value in canonical order.
func (r rule) String() string {
	var b strings.Builder
	b.WriteString("FREQ=" + freqNames[r.freq])
	if r.interval > 1 {
		b.WriteString(";INTERVAL=" + strconv.Itoa(r.interval))
	}
	writeList(&b, ";BYMONTH=", r.months, func(m time.Month) string { return strconv.Itoa(int(m)) })
	writeList(&b, ";BYMONTHDAY=", r.monthDays, strconv.Itoa)
	writeList(&b, ";BYDAY=", r.days, nthDay.String)
	if r.position != 0 {
		b.WriteString(";BYSETPOS=" + strconv.Itoa(r.position))
	}
	if r.count > 0 {
		b.WriteString(";COUNT=" + strconv.Itoa(r.count))
	}
	if r.bounded {
		b.WriteString(";UNTIL=" + r.until.utc().Format("20060102"))
	}
	return b.String()
}

func (d nthDay) String() string {
	if d.n == 0 {
		return dayNames[d.day]
	}
	return strconv.Itoa(d.n) + dayNames[d.day]
}

func writeList[T any](b *strings.Builder, name string, values []T, text func(T) string) {
	for i, v := range values {
		if i == 0 {
			b.WriteString(name)
		} else {
			b.WriteByte(',')
		}
		b.WriteString(text(v))
	}
}

// canonical sorts the parts and drops repeated ones.
func (r rule) canonical() rule {
	r.months = sorted(r.months, cmp.Compare[time.Month])
	r.monthDays = sorted(r.monthDays, fromEnds)
	r.days = sorted(r.days, func(a, b nthDay) int {
		return cmp.Or(fromEnds(a.n, b.n), cmp.Compare((a.day+6)%7, (b.day+6)%7))
	})
	if r.freq == weekly && r.interval == 1 && len(r.days) == 7 {
		r.freq, r.days = daily, nil
	}
	return r
}

func sorted[T comparable](values []T, compare func(a, b T) int) []T {
	values = slices.Clone(values)
	slices.SortFunc(values, compare)
	return slices.Compact(values)
}

// fromEnds orders 1, 2, … before …, -2, -1.
func fromEnds(a, b int) int {
	if (a < 0) != (b < 0) {
		return cmp.Compare(b, a)
	}
	return cmp.Compare(a, b)
}

// clamp makes "monthly on the 31st" mean the last day of a shorter month.
func (r *rule) clamp() {
	if r.freq != monthly || len(r.monthDays) != 1 || r.monthDays[0] < 29 {
		return
	}
	last := r.monthDays[0]
	r.monthDays = nil
	for d := 28; d <= last; d++ {
		r.monthDays = append(r.monthDays, d)
	}
	r.position = -1
}

// free reports whether the rule names no day, so that its first occurrence decides.
func (r rule) free() bool { return len(r.months)+len(r.monthDays)+len(r.days) == 0 }

// matches reports whether d meets the BY parts.
func (r rule) matches(d day) bool {
	_, m, _ := d.date()
	if len(r.months) > 0 && !slices.Contains(r.months, m) {
		return false
	}
	if len(r.monthDays) > 0 && !r.matchesMonthDay(d) {
		return false
	}
	if !r.matchesWeekday(d) {
		return false
	}
	return r.position == 0 || len(r.days) == 0 || r.ordinal(d)
}

func (r rule) matchesWeekday(d day) bool {
	return len(r.days) == 0 || slices.ContainsFunc(r.days, func(n nthDay) bool {
		if n.n == 0 || n.day != d.weekday() {
			return n.day == d.weekday()
		}
		on, ok := d.nthWeekday(n.n, n.day)
		return ok && on == d
	})
}

// ordinal reports whether d is the one of its month's weekdays that the position chooses.
func (r rule) ordinal(d day) bool {
	from, to, step := d.firstOfMonth(), d, day(1)
	if r.position < 0 {
		from, step = d.lastOfMonth(), -1
	}
	n := 0
	for x := from; x != to+step; x += step {
		if r.matchesWeekday(x) {
			n++
		}
	}
	return n == max(r.position, -r.position)
}

func (r rule) matchesMonthDay(d day) bool {
	var on []day
	for _, n := range r.monthDays {
		if found, ok := d.nthDay(n); ok {
			on = append(on, found)
		}
	}
	if r.position == -1 {
		return len(on) > 0 && slices.Max(on) == d
	}
	return slices.Contains(on, d)
}

// horizon is how far ahead the first occurrence is looked for: 29 February may be eight years away.
const horizon = 366*8 + 8

// first gives the first day from the given one on that meets the BY parts.
func (r rule) first(from day) (day, bool) {
	if r.free() {
		return from, true
	}
	for d := from; d < from+horizon; {
		if r.matches(d) {
			return d, true
		}
		if _, m, _ := d.date(); len(r.months) > 0 && !slices.Contains(r.months, m) {
			d = d.lastOfMonth()
		}
		d++
	}
	return 0, false
}

// step gives the day one interval after d, for a rule that names no day.
func (r rule) step(d day) day {
	switch r.freq {
	case weekly:
		return d + day(7*r.interval)
	case monthly:
		return d.addMonths(r.interval)
	case yearly:
		return d.addMonths(12 * r.interval)
	case never, daily, unsupported:
	}
	return d + 1
}
