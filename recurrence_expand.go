package tandem

import (
	"time"

	"github.com/teambition/rrule-go"
)

// expand finds the days that meet the rule, from the period in which begin lies; the ones before begin come along and are
// the caller's to drop. It ends in the year 9999, and when nothing was found for 400 years (400 intervals for MONTHLY and
// YEARLY): by then the calendar has repeated.
//
// The expander works in floating time, UTC to it, and on whole days. It is started on the first day of a period rather than
// on the anchor, for two reasons: it need not walk from an anchor long ago, and its BYSETPOS would count from the anchor in
// the first period, where RFC 5545 counts from the period's beginning.
func (r Rule) expand(anchor, begin time.Time) rrule.Next {
	start := r.period(anchor, begin)
	if start.Year() > maxYear {
		return func() (time.Time, bool) { return time.Time{}, false }
	}
	years := lateness(start.Year(), r.horizon())
	options := r.options(anchor)
	options.Dtstart = start.AddDate(years, 0, 0)
	options.Until = time.Date(maxYear, 12, 31, 0, 0, 0, 0, time.UTC) // the expander's own default is 292 years
	expander, err := rrule.NewRRule(options)
	if err != nil {
		return func() (time.Time, bool) { return time.Time{}, false } // ParseRule holds the same bounds
	}
	next := expander.Iterator()
	return func() (time.Time, bool) {
		date, ok := next()
		return date.AddDate(-years, 0, 0), ok
	}
}

// horizon is the number of years after which a search may end.
func (r Rule) horizon() int {
	if r.freq == monthly || r.freq == yearly {
		return 400 * r.interval
	}
	return 400
}

// lateness is the number of years by which a search is moved, so that the expander, which gives up only after the year 9999,
// gives up soon after the horizon. A multiple of 400 years changes nothing in the calendar.
func lateness(year, horizon int) int {
	return max(0, maxYear-year-horizon) / 400 * 400
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

func daysBetween(a, b time.Time) int { return int((b.Unix() - a.Unix()) / int64(fullDay/time.Second)) }

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
	_, ok := r.expand(start, start)()
	return ok
}

var frequencies = map[frequency]rrule.Frequency{
	daily: rrule.DAILY, weekly: rrule.WEEKLY, monthly: rrule.MONTHLY, yearly: rrule.YEARLY,
}

var weekdays = [...]rrule.Weekday{rrule.SU, rrule.MO, rrule.TU, rrule.WE, rrule.TH, rrule.FR, rrule.SA}
