package tandem

import (
	"iter"
	"time"

	"github.com/teambition/rrule-go"
)

// expand yields the days on or after begin that meet the rule, at least up to the horizon and never past the year 9999.
//
// The expander works in floating time, UTC to it, and on whole days. It is started on the first day of a period rather than
// on the anchor, for two reasons: it need not walk from an anchor long ago, and its BYSETPOS would count from the anchor in
// the first period, where RFC 5545 counts from the period's beginning.
func (r Rule) expand(anchor, begin time.Time) iter.Seq[time.Time] {
	return func(yield func(time.Time) bool) {
		cycles := r.shift(begin.Year())
		options := r.options(anchor)
		options.Dtstart = r.period(anchor, begin).AddDate(0, 0, cycles*cycleDays)
		options.Until = time.Date(maxYear, 12, 31, 0, 0, 0, 0, time.UTC) // the expander's own default is 292 years
		expander, err := rrule.NewRRule(options)
		if err != nil {
			return // cannot be: ParseRule holds tighter bounds
		}
		next := expander.Iterator()
		for date, ok := next(); ok; date, ok = next() {
			date = time.Unix(date.Unix()-int64(cycles)*cycleDays*secondsOfDay, 0).UTC()
			if !date.Before(begin) && !yield(date) {
				return
			}
		}
	}
}

// The calendar repeats itself, weekdays included.
const (
	cycleYears = 400
	cycleDays  = 146_097
)

// horizon is the number of years that a search looks ahead.
func (r Rule) horizon() int {
	if r.freq == monthly || r.freq == yearly {
		return cycleYears * r.interval
	}
	return cycleYears
}

// shift is the number of cycles by which a search that begins in the given year is moved. Where no day meets the rule, the
// expander gives up only after the year 9999; moved by whole cycles, which changes nothing in the calendar, it gets there
// soon after the horizon.
func (r Rule) shift(year int) int {
	return max(0, maxYear-year-r.horizon()) / cycleYears
}

// period is the first day of the latest period of the rule that begins on or before begin, never before the anchor's.
func (r Rule) period(anchor, begin time.Time) time.Time {
	switch r.freq {
	case daily:
		return anchor.AddDate(0, 0, multiple(daysBetween(anchor, begin), r.interval))
	case weekly:
		from := r.weekOf(anchor)
		return from.AddDate(0, 0, 7*multiple(daysBetween(from, begin)/7, r.interval))
	case monthly:
		months := 12*(begin.Year()-anchor.Year()) + int(begin.Month()-anchor.Month())
		return time.Date(anchor.Year(), anchor.Month()+time.Month(multiple(months, r.interval)), 1, 0, 0, 0, 0, time.UTC)
	default:
		return time.Date(anchor.Year()+multiple(begin.Year()-anchor.Year(), r.interval), 1, 1, 0, 0, 0, 0, time.UTC)
	}
}

// weekOf is the first day of the week of date.
func (r Rule) weekOf(date time.Time) time.Time {
	return date.AddDate(0, 0, -int(date.Weekday()-r.weekStart+7)%7)
}

const secondsOfDay = 24 * 60 * 60

func daysBetween(a, b time.Time) int { return int((b.Unix() - a.Unix()) / secondsOfDay) }

// multiple is the largest multiple of step that n reaches.
func multiple(n, step int) int { return n / step * step }

// options puts the rule in the expander's words, with the parts that RFC 5545 takes from DTSTART spelled out.
func (r Rule) options(anchor time.Time) rrule.ROption {
	o := rrule.ROption{
		Freq: frequencies[r.freq], Interval: r.interval, Wkst: weekdays[r.weekStart],
		Bymonthday: r.monthDays, Bysetpos: r.positions,
	}
	for _, m := range r.months {
		o.Bymonth = append(o.Bymonth, int(m))
	}
	for _, d := range r.unmixed() {
		w := weekdays[d.day]
		o.Byweekday = append(o.Byweekday, w.Nth(d.n))
	}
	if len(r.days)+len(r.monthDays) > 0 {
		return o
	}
	switch r.freq {
	case weekly:
		o.Byweekday = []rrule.Weekday{weekdays[anchor.Weekday()]}
	case daily:
	case yearly, monthly:
		o.Bymonthday = []int{anchor.Day()}
		if r.freq == yearly && len(r.months) == 0 {
			o.Bymonth = []int{int(anchor.Month())}
		}
	}
	return o
}

// unmixed gives the weekdays, all plain or all with an ordinal: of a mixture the expander takes the intersection, where RFC
// 5545 means the union.
func (r Rule) unmixed() []weekday {
	plain, ordinal := 0, 0
	for _, d := range r.days {
		if d.n == 0 {
			plain++
		} else {
			ordinal++
		}
	}
	if plain == 0 || ordinal == 0 {
		return r.days
	}
	var out []weekday
	for _, d := range r.days {
		if d.n != 0 {
			out = append(out, d)
			continue
		}
		for n := 1; n <= r.maxOrdinal(); n++ {
			out = append(out, weekday{n, d.day})
		}
	}
	return out
}

// maxOrdinal is the number of times that a weekday can occur in what BYDAY counts in; 0 where it cannot count.
func (r Rule) maxOrdinal() int {
	switch {
	case r.freq == monthly, r.freq == yearly && len(r.months) > 0:
		return 5
	case r.freq == yearly:
		return 53
	}
	return 0
}

// possible reports whether some year has a day that meets the rule, if begun rightly.
func (r Rule) possible() bool {
	r.interval, r.count, r.until, r.except = 1, 0, dateTime{}, nil
	// The last 40 years before the expander gives up show every kind of year, on every day of the week.
	start := time.Date(maxYear-40, 1, 1, 0, 0, 0, 0, time.UTC)
	for range r.expand(start, start) {
		return true
	}
	return false
}

var frequencies = map[frequency]rrule.Frequency{
	daily: rrule.DAILY, weekly: rrule.WEEKLY, monthly: rrule.MONTHLY, yearly: rrule.YEARLY,
}

var weekdays = [...]rrule.Weekday{rrule.SU, rrule.MO, rrule.TU, rrule.WE, rrule.TH, rrule.FR, rrule.SA}
