package tandem

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// The recurrence patterns of the contract.
const (
	PatternNone    = "none"
	PatternDaily   = "daily"
	PatternWeekly  = "weekly"
	PatternMonthly = "monthly"
	PatternCustom  = "custom"
)

// PatternRule gives the rule of a pattern: none (the zero Rule), daily, weekly or monthly. Monthly for a due date on the 29th,
// 30th or 31st is the last such day of every month.
func PatternRule(pattern string, due *Due) (Rule, error) {
	r := Rule{interval: 1, weekStart: time.Monday}
	switch pattern {
	case PatternNone:
		return Rule{}, nil
	case PatternDaily:
		r.freq = daily
	case PatternWeekly:
		r.freq = weekly
	case PatternMonthly:
		r.freq = monthly
		if due != nil {
			r.monthDays, r.positions = clamped(due.wall().Day())
		}
	default:
		return Rule{}, NotOneOf("recurrence_pattern", pattern, []string{PatternNone, PatternDaily, PatternWeekly, PatternMonthly})
	}
	return r, nil
}

// clamped gives the BYMONTHDAY and BYSETPOS that mean a day, or the month's last where it is too short; none for a day that
// every month has.
func clamped(day int) (monthDays, positions []int) {
	if day <= 28 {
		return nil, nil
	}
	for d := 28; d <= day; d++ {
		monthDays = append(monthDays, d)
	}
	return monthDays, []int{-1}
}

// Pattern tells how the rule shows for a task that first occurs at the given time: daily, weekly or monthly when it means
// just that, without an end, else custom; none for the zero Rule. Exceptions do not count.
func (r Rule) Pattern(first Due) string {
	date := Due{Date: first.Date}.wall()
	switch {
	case r.IsZero():
		return PatternNone
	case r.interval > 1 || r.count > 0 || !r.endless() || len(r.months) > 0:
		return PatternCustom
	case r.everyDay():
		return PatternDaily
	case r.freq == weekly && r.onlyOn(date.Weekday()):
		return PatternWeekly
	case r.freq == monthly && len(r.days) == 0 && r.onlyOnDay(date.Day()):
		return PatternMonthly
	}
	return PatternCustom
}

func (r Rule) everyDay() bool {
	return r.freq == daily && len(r.days)+len(r.monthDays) == 0 || r.freq == weekly && len(r.days) == 7 && len(r.positions) == 0
}

func (r Rule) onlyOn(day time.Weekday) bool {
	return len(r.days) == 0 || len(r.days) == 1 && r.days[0].day == day
}

// onlyOnDay reports whether a monthly rule means the given day of the month, clamped or not.
func (r Rule) onlyOnDay(day int) bool {
	if len(r.positions) > 0 {
		monthDays, positions := clamped(day)
		return slices.Equal(r.monthDays, monthDays) && slices.Equal(r.positions, positions)
	}
	switch len(r.monthDays) {
	case 0:
		return true
	case 1:
		return r.monthDays[0] == day || r.monthDays[0] == -1 && day == 31
	}
	return false
}

// Describe says the rule in a few English words, like "every 2 weeks on Mon". It is empty for the zero Rule.
func (r Rule) Describe() string {
	if r.IsZero() {
		return ""
	}
	text := r.describeEvery() + r.describeDays()
	switch {
	case r.count == 1:
		text += ", once"
	case r.count > 1:
		text += fmt.Sprintf(", %d times", r.count)
	case !r.endless():
		text += ", until " + r.until.wall.Format("2 Jan 2006")
	}
	switch len(r.except) {
	case 0:
	case 1:
		text += ", except " + r.except[0].wall.Format("2 Jan 2006")
	default:
		text += fmt.Sprintf(", except %d days", len(r.except))
	}
	return text
}

var periods = map[frequency]string{daily: "day", weekly: "week", monthly: "month", yearly: "year"}

func (r Rule) describeEvery() string {
	switch {
	case r.interval > 1:
		return fmt.Sprintf("every %d %ss", r.interval, periods[r.freq])
	case r.freq == weekly && r.weekdayGroup() == "weekday" && len(r.positions)+len(r.months) == 0:
		return "every weekday"
	}
	return "every " + periods[r.freq]
}

// describeDays says which days of its period a rule takes.
func (r Rule) describeDays() string {
	if len(r.days)+len(r.positions) == 0 && len(r.months) == 1 && len(r.monthDays) == 1 && r.monthDays[0] > 0 {
		return fmt.Sprintf(" on %d %s", r.monthDays[0], shortMonth(r.months[0]))
	}
	text := ""
	if on := r.describeSet(); on != "" {
		text = " on " + on
	}
	if len(r.months) > 0 {
		text += " in " + enumerate(r.months, shortMonth)
	}
	return text
}

func shortMonth(m time.Month) string { return m.String()[:3] }

// describeSet names the days that BYDAY, BYMONTHDAY and BYSETPOS leave of a period.
func (r Rule) describeSet() string {
	if r.interval == 1 && strings.HasSuffix(r.describeEvery(), "weekday") {
		return ""
	}
	var sets []string
	if len(r.days) > 0 {
		sets = append(sets, r.describeWeekdays())
	}
	if len(r.monthDays) > 0 {
		sets = append(sets, r.describeMonthDays())
	}
	set := strings.Join(sets, " if that is ")
	if len(r.positions) == 0 || r.isClamped() {
		return set
	}
	which := "the " + enumerate(r.positions, nth)
	switch group := r.weekdayGroup(); {
	case set == "":
		return which + " of the days"
	case group != "" && len(r.monthDays) == 0:
		return which + " " + group
	}
	return which + " of " + set
}

// weekdayGroup gives the word for the days from Monday to Friday, and for the two others; empty for any other set.
func (r Rule) weekdayGroup() string {
	switch enumerate(r.days, weekday.String) {
	case "MO, TU, WE, TH and FR":
		return "weekday"
	case "SA and SU":
		return "weekend day"
	}
	return ""
}

func (r Rule) describeWeekdays() string {
	if group := r.weekdayGroup(); group != "" {
		return group + "s"
	}
	return enumerate(r.days, func(d weekday) string {
		if d.n == 0 {
			return d.day.String()[:3]
		}
		return "the " + nth(d.n) + " " + d.day.String()[:3]
	})
}

func (r Rule) describeMonthDays() string {
	if r.isClamped() {
		if last := r.monthDays[len(r.monthDays)-1]; last < 31 {
			return "the " + nth(last) + " or the last day"
		}
		return "the last day"
	}
	return enumerate(r.monthDays, func(n int) string {
		if n == -1 {
			return "the last day"
		}
		if n < 0 {
			return "the " + nth(n) + " day"
		}
		return "the " + nth(n)
	})
}

// isClamped reports whether the rule has the form that clamped gives.
func (r Rule) isClamped() bool {
	if len(r.monthDays) == 0 || len(r.days) > 0 {
		return false
	}
	monthDays, positions := clamped(r.monthDays[len(r.monthDays)-1])
	return len(positions) > 0 && slices.Equal(r.monthDays, monthDays) && slices.Equal(r.positions, positions)
}

// enumerate writes "a", "a and b", "a, b and c".
func enumerate[T any](values []T, text func(T) string) string {
	words := make([]string, len(values))
	for i, v := range values {
		words[i] = text(v)
	}
	last := len(words) - 1
	if last < 1 {
		return strings.Join(words, "")
	}
	return strings.Join(words[:last], ", ") + " and " + words[last]
}

// nth writes 1st, 2nd, 3rd, … and last, 2nd last, ….
func nth(n int) string {
	if n == -1 {
		return "last"
	}
	if n < 0 {
		return nth(-n) + " last"
	}
	suffix := "th"
	if n%100 < 11 || n%100 > 13 {
		switch n % 10 {
		case 1:
			suffix = "st"
		case 2:
			suffix = "nd"
		case 3:
			suffix = "rd"
		}
	}
	return strconv.Itoa(n) + suffix
}
