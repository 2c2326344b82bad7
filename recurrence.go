package tandem

import (
	"iter"
	"slices"
	"time"
)

// Rule is a parsed recurrence rule: the subset of RFC 5545 that repeats by days. The zero Rule means no repetition. Rules
// are values: no method changes its receiver, and two rules that mean the same text have the same String.
//
// The methods that look for occurrences take an anchor, the rule's DTSTART: COUNT and INTERVAL count from it, and each
// occurrence has its time and zone. The anchor itself is an occurrence only where it meets the rule. Wall clocks are
// compared as they stand; zones matter where the comparison is with an instant. None of these methods keeps state, and
// none works for longer than a few milliseconds.
type Rule struct {
	freq      frequency
	interval  int
	count     int
	until     dateTime
	months    []time.Month
	monthDays []int
	days      []weekday
	positions []int
	weekStart time.Weekday
	except    []dateTime
}

type frequency string

const (
	daily   frequency = "DAILY"
	weekly  frequency = "WEEKLY"
	monthly frequency = "MONTHLY"
	yearly  frequency = "YEARLY"
)

// weekday is a day of the week, the nth of its month or year where n is not 0, from the end where n is negative.
type weekday struct {
	n   int
	day time.Weekday
}

// dateTime is a date, or a date and time, as iCalendar writes them. The wall clock is kept as if it were in UTC, which it
// really is where utc says so.
type dateTime struct {
	wall  time.Time
	timed bool
	utc   bool
}

const (
	// maxCounted is the number of occurrences for which a COUNT is followed, up to its horizon: 54 years of every day.
	maxCounted = 20_000
	// maxExceptions bounds the EXDATEs of a rule; a year of days.
	maxExceptions = 366
)

// IsZero reports whether r means no repetition.
func (r Rule) IsZero() bool { return r.freq == "" }

// First gives the first occurrence on or after the anchor; false when there is none.
func (r Rule) First(anchor Due) (Due, bool) {
	return firstOf(r.occurrences(anchor, anchor))
}

// Next gives the first occurrence that stands strictly after the given wall clock; false when the rule has ended. Where the
// anchor or after is a whole day, dates are compared, so that the same day is never answered twice.
func (r Rule) Next(anchor, after Due) (Due, bool) {
	return firstOf(r.following(anchor, after))
}

// NextOpen gives the first occurrence strictly after the given wall clock whose instant is after now: what was missed in
// between is skipped, however long ago it was. The user's zone decides for a floating anchor.
func (r Rule) NextOpen(anchor, after Due, now time.Time, user *time.Location) (Due, bool) {
	now = now.In(anchor.Location(user))
	if now.Year() > maxYear {
		return Due{}, false
	}
	// Two days of slack: an occurrence never happens later than its wall clock by more than a left-out day.
	if recent := DueAt(now, "").ShiftDays(-2); recent.after(after) {
		after = recent
	}
	for d := range r.following(anchor, after) {
		if d.At(user).After(now) {
			return d, true
		}
	}
	return Due{}, false
}

// Upcoming gives up to n occurrences strictly after the given wall clock, in order.
func (r Rule) Upcoming(anchor, after Due, n int) []Due {
	var out []Due
	if n <= 0 {
		return out
	}
	for d := range r.following(anchor, after) {
		if out = append(out, d); len(out) == n {
			break
		}
	}
	return out
}

// AfterCompletion gives the occurrence that follows a completion, with the rule counted from its local date: the anchor
// lends only its time and zone. A rule that says just "every month" or "every year" keeps the day of the completion, or
// takes the last day of a month that is too short for it. False when the rule has ended; see CountDown about COUNT.
func (r Rule) AfterCompletion(anchor Due, completed time.Time, user *time.Location) (Due, bool) {
	if r.count == 1 {
		return Due{}, false
	}
	r.count = 0
	from := anchor
	from.Date = completed.In(anchor.Location(user)).Format(dateLayout)
	if months := r.plainMonths(); months > 0 {
		return r.monthsAfter(from, months)
	}
	return r.Next(from, Due{Date: from.Date})
}

// plainMonths is the length of a rule that says only how many months or years lie between occurrences; 0 for others.
func (r Rule) plainMonths() int {
	switch {
	case len(r.months)+len(r.monthDays)+len(r.days) > 0:
		return 0
	case r.freq == monthly:
		return r.interval
	case r.freq == yearly:
		return 12 * r.interval
	}
	return 0
}

func (r Rule) monthsAfter(from Due, months int) (Due, bool) {
	next, start := from, Due{Date: from.Date}.wall()
	for n := 1; !start.IsZero(); n++ {
		date := addMonths(start, n*months)
		next.Date = date.Format(dateLayout)
		if date.Year() > maxYear || r.over(next, date) {
			return Due{}, false
		}
		if !r.excepted(date) {
			return next, true
		}
	}
	return Due{}, false
}

// addMonths moves a date by months and keeps to the last day of a month that is too short.
func addMonths(date time.Time, months int) time.Time {
	y, m, d := date.Date()
	last := time.Date(y, m+time.Month(months)+1, 0, 0, 0, 0, 0, time.UTC)
	return last.AddDate(0, 0, min(d, last.Day())-last.Day())
}

// Without gives the rule with an exception on d's day. A rule keeps its latest 366 exceptions.
func (r Rule) Without(d Due) Rule {
	t := dateTime{wall: d.wall(), timed: !d.WholeDay()}
	if r.IsZero() || t.wall.IsZero() || r.excepted(t.date()) {
		return r
	}
	r.except = append(slices.Clone(r.except), t)
	slices.SortFunc(r.except, dateTime.compare)
	r.except = r.except[max(0, len(r.except)-maxExceptions):]
	return r
}

// CountDown gives the rule that is left for the successor of an occurrence where each completion uses one up, as in a series
// that repeats from completion; false when that was the last. A rule without COUNT stays as it is.
func (r Rule) CountDown() (Rule, bool) {
	switch r.count {
	case 0:
		return r, true
	case 1:
		return Rule{}, false
	}
	r.count--
	return r, true
}

func firstOf(seq iter.Seq[Due]) (Due, bool) {
	for d := range seq {
		return d, true
	}
	return Due{}, false
}

// following yields the occurrences strictly after the given wall clock.
func (r Rule) following(anchor, after Due) iter.Seq[Due] {
	return func(yield func(Due) bool) {
		for d := range r.occurrences(anchor, after) {
			if d.after(after) && !yield(d) {
				return
			}
		}
	}
}

// occurrences yields the occurrences on or after from's date, in order.
func (r Rule) occurrences(anchor, from Due) iter.Seq[Due] {
	start, begin := Due{Date: anchor.Date}.wall(), Due{Date: from.Date}.wall()
	return func(yield func(Due) bool) {
		counted, d := 0, anchor
		for date := range r.dates(anchor, from) {
			if counted++; r.spent(counted, date.Year()-start.Year()) {
				return
			}
			if date.Before(begin) || r.excepted(date) {
				continue
			}
			if d.Date = date.Format(dateLayout); r.over(d, date) || !yield(d) {
				return
			}
		}
	}
}

// spent reports whether COUNT is used up by so many occurrences over so many years.
func (r Rule) spent(counted, years int) bool {
	return r.count > 0 && (counted > min(r.count, maxCounted) || years > r.horizon())
}

// dates yields the days that meet the rule, exceptions and end aside: from the anchor on where they must be counted, else
// from the given day on. It ends where the horizon shows no further day.
func (r Rule) dates(anchor, from Due) iter.Seq[time.Time] {
	start := Due{Date: anchor.Date}.wall()
	begin := Due{Date: from.Date}.wall()
	if r.IsZero() || start.IsZero() || begin.IsZero() {
		return func(func(time.Time) bool) {}
	}
	if r.count > 0 || begin.Before(start) {
		begin = start
	}
	return func(yield func(time.Time) bool) {
		// The expander gives up at some time after the horizon; once it has found a day, the horizon has moved.
		for found := true; found; begin = begin.AddDate(0, 0, 1) {
			found = false
			for date := range r.expand(start, begin) {
				if date.Year()-begin.Year() > r.horizon() || !yield(date) {
					return
				}
				begin, found = date, true
			}
		}
	}
}

// over reports whether occurrence d, on the given date, lies beyond UNTIL. An UNTIL in UTC is compared by the instant; a
// floating occurrence has none, so that it is compared as it stands there.
func (r Rule) over(d Due, date time.Time) bool {
	switch {
	case r.endless():
		return false
	case r.until.utc && d.TimeZone != "" && !d.WholeDay():
		return d.At(nil).After(r.until.wall)
	case !r.until.timed || d.WholeDay():
		return date.After(r.until.date())
	}
	return d.wall().After(r.until.wall)
}

// endless reports that there is no UNTIL.
func (r Rule) endless() bool { return r.until.wall.IsZero() }

func (r Rule) excepted(date time.Time) bool {
	return slices.ContainsFunc(r.except, func(t dateTime) bool { return t.date().Equal(date) })
}

func (t dateTime) date() time.Time { return t.wall.Truncate(fullDay) }

func (t dateTime) compare(o dateTime) int { return t.wall.Compare(o.wall) }
