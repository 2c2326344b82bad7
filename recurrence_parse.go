package tandem

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

const (
	maxRuleText = 16 << 10
	maxInterval = 999
	maxCount    = 1_000_000_000
)

// ParseRule reads the value of an RRULE, with or without "RRULE:" and in any case, and the EXDATE lines beside it. What is
// not supported, malformed, repeated, against RFC 5545 or met by no day at all is invalid; the error names the part.
func ParseRule(text string) (Rule, error) {
	if len(text) > maxRuleText {
		return Rule{}, Invalid("recurrence", text, "A recurrence rule has at most %d characters.", maxRuleText)
	}
	r := Rule{interval: 1, weekStart: time.Monday}
	for line := range strings.SplitSeq(strings.ToUpper(text), "\n") {
		if err := r.parseLine(strings.TrimSpace(line)); err != nil {
			return Rule{}, err
		}
	}
	if err := r.check(); err != nil {
		return Rule{}, err
	}
	r.sort()
	return r, nil
}

func (r *Rule) parseLine(line string) error {
	name, value := "RRULE", line
	if end := strings.IndexAny(line, ":;="); end >= 0 && line[end] != '=' {
		name, value = line[:end], line[end+1:]
	}
	switch {
	case line == "":
		return nil
	case name == "EXDATE":
		return r.parseExceptions(strings.TrimPrefix(value, "VALUE=DATE:"))
	case name != "RRULE":
		return badPart(name, line, "%q is not supported beside a recurrence rule.", clip(name))
	case r.freq != "":
		return badPart("RRULE", line, "There is more than one recurrence rule.")
	}
	return r.parseParts(value)
}

func (r *Rule) parseParts(text string) error {
	seen := map[string]bool{}
	for part := range strings.SplitSeq(strings.TrimSuffix(text, ";"), ";") {
		name, value, _ := strings.Cut(part, "=")
		name, value = strings.TrimSpace(name), strings.TrimSpace(value)
		parse, ok := ruleParts[name]
		switch {
		case !ok:
			return badPart(name, part, "A recurrence rule cannot have %q; it has %s.", clip(name), supportedParts)
		case seen[name]:
			return badPart(name, part, "The recurrence rule has %s twice.", name)
		}
		seen[name] = true
		if err := parse(r, value); err != nil {
			return badPart(name, part, "%s: %s.", name, err)
		}
	}
	return nil
}

const supportedParts = "FREQ, INTERVAL, COUNT, UNTIL, BYMONTH, BYMONTHDAY, BYDAY, BYSETPOS and WKST"

// badPart is the refusal of one part of a rule.
func badPart(name, part, format string, args ...any) error {
	e := Invalid("recurrence", part, format, args...)
	if name == "FREQ" {
		e.Details.Allowed = []string{string(daily), string(weekly), string(monthly), string(yearly)}
	}
	return e
}

var ruleParts = map[string]func(*Rule, string) error{
	"FREQ": func(r *Rule, v string) error {
		if _, ok := frequencies[frequency(v)]; !ok {
			return fmt.Errorf("%q is not supported; a task repeats DAILY, WEEKLY, MONTHLY or YEARLY", clip(v))
		}
		r.freq = frequency(v)
		return nil
	},
	"INTERVAL": func(r *Rule, v string) (err error) {
		r.interval, err = parseNumber(v, 1, maxInterval)
		return err
	},
	"COUNT": func(r *Rule, v string) (err error) {
		r.count, err = parseNumber(v, 1, maxCount)
		return err
	},
	"UNTIL": func(r *Rule, v string) (err error) {
		r.until, err = parseDateTime(v)
		return err
	},
	"BYMONTH": func(r *Rule, v string) (err error) {
		r.months, err = parseList(v, func(s string) (time.Month, error) {
			n, err := parseNumber(s, 1, 12)
			return time.Month(n), err
		})
		return err
	},
	"BYMONTHDAY": func(r *Rule, v string) (err error) {
		r.monthDays, err = parseList(v, func(s string) (int, error) { return parseSigned(s, 31) })
		return err
	},
	"BYDAY": func(r *Rule, v string) (err error) {
		r.days, err = parseList(v, parseWeekday)
		return err
	},
	"BYSETPOS": func(r *Rule, v string) (err error) {
		r.positions, err = parseList(v, func(s string) (int, error) { return parseSigned(s, 366) })
		return err
	},
	"WKST": func(r *Rule, v string) error {
		d, err := parseWeekday(v)
		if err == nil && d.n != 0 {
			err = fmt.Errorf("%q is no weekday", clip(v))
		}
		r.weekStart = d.day
		return err
	},
}

// parseExceptions adds the dates of an EXDATE line; one that is there already changes nothing.
func (r *Rule) parseExceptions(text string) error {
	for value := range strings.SplitSeq(text, ",") {
		t, err := parseDateTime(strings.TrimSpace(value))
		switch {
		case err != nil:
			return badPart("EXDATE", value, "EXDATE: %s.", err)
		case t.utc:
			return badPart("EXDATE", value, "EXDATE: %q must be in the task's own time, without a Z.", clip(value))
		case r.excepted(t.date()):
			continue
		case len(r.except) == maxExceptions:
			return badPart("EXDATE", value, "EXDATE: there are more than %d exceptions.", maxExceptions)
		}
		r.except = append(r.except, t)
	}
	return nil
}

// check holds the parts against each other, by RFC 5545, section 3.3.10.
func (r *Rule) check() error {
	ordinal := slices.IndexFunc(r.days, func(d weekday) bool { return max(d.n, -d.n) > r.maxOrdinal() })
	switch {
	case r.freq == "":
		return badPart("FREQ", "", "A recurrence rule needs a FREQ, as in FREQ=WEEKLY.")
	case r.count > 0 && !r.endless():
		return badPart("UNTIL", "UNTIL", "A recurrence rule has COUNT or UNTIL, not both.")
	case ordinal >= 0:
		return badPart("BYDAY", r.days[ordinal].String(), "BYDAY: there is no %s with FREQ=%s.", r.days[ordinal], r.freq)
	case len(r.monthDays) > 0 && r.freq == weekly:
		return badPart("BYMONTHDAY", "BYMONTHDAY", "BYMONTHDAY does not go with FREQ=WEEKLY.")
	case len(r.positions) > 0 && len(r.months)+len(r.monthDays)+len(r.days) == 0:
		return badPart("BYSETPOS", "BYSETPOS", "BYSETPOS chooses among the days of BYDAY, BYMONTHDAY or BYMONTH; there is none.")
	case !r.sure() && !r.possible():
		return badPart("FREQ", r.String(), "No day ever meets %s: the rule never occurs.", r)
	}
	return nil
}

// sure recognises the common rules that some day meets, without a search.
func (r *Rule) sure() bool {
	early := func(n int) bool { return -28 <= n && n <= 28 }
	return len(r.positions) == 0 && (len(r.monthDays) == 0 || len(r.days) == 0 && slices.ContainsFunc(r.monthDays, early))
}

// sort brings equal rules to equal form.
func (r *Rule) sort() {
	slices.Sort(r.months)
	slices.SortFunc(r.monthDays, fromEnds)
	slices.SortFunc(r.positions, fromEnds)
	slices.SortFunc(r.days, func(a, b weekday) int {
		return cmp.Or(fromEnds(a.n, b.n), cmp.Compare((a.day+6)%7, (b.day+6)%7)) // Monday first
	})
	slices.SortFunc(r.except, dateTime.compare)
}

// fromEnds orders 1, 2, … before …, -2, -1.
func fromEnds(a, b int) int {
	if (a < 0) != (b < 0) {
		return cmp.Compare(b, a)
	}
	return cmp.Compare(a, b)
}

// parseList reads values that are separated by commas and all different.
func parseList[T comparable](text string, parse func(string) (T, error)) ([]T, error) {
	var out []T
	for s := range strings.SplitSeq(text, ",") {
		s = strings.TrimSpace(s)
		v, err := parse(s)
		if err != nil {
			return nil, err
		}
		if slices.Contains(out, v) {
			return nil, fmt.Errorf("%q is there twice", clip(s))
		}
		out = append(out, v)
	}
	return out, nil
}

func parseNumber(s string, low, high int) (int, error) {
	n, err := strconv.Atoi(s)
	if err != nil || n < low || n > high {
		return 0, fmt.Errorf("%q is no number from %d to %d", clip(s), low, high)
	}
	return n, nil
}

// parseSigned reads a number other than 0, from -limit to limit.
func parseSigned(s string, limit int) (int, error) {
	n, err := strconv.Atoi(s)
	if err != nil || n == 0 || n < -limit || n > limit {
		return 0, fmt.Errorf("%q is no number from 1 to %d or from -%d to -1", clip(s), limit, limit)
	}
	return n, nil
}

var weekdayNames = [...]string{"SU", "MO", "TU", "WE", "TH", "FR", "SA"}

func parseWeekday(s string) (weekday, error) {
	split := max(0, len(s)-2)
	day := slices.Index(weekdayNames[:], s[split:])
	if day < 0 {
		return weekday{}, fmt.Errorf("%q is no weekday like MO", clip(s))
	}
	if split == 0 {
		return weekday{day: time.Weekday(day)}, nil
	}
	n, err := parseSigned(s[:split], 53)
	return weekday{n: n, day: time.Weekday(day)}, err
}

// dateTimeForms are the forms of iCalendar: whole day, local, UTC.
var dateTimeForms = [...]string{"20060102", "20060102T150405", "20060102T150405Z"}

func parseDateTime(s string) (dateTime, error) {
	for i, form := range dateTimeForms {
		t, err := time.Parse(form, s)
		if err == nil && len(s) == len(form) && t.Year() >= minYear {
			return dateTime{wall: t, timed: i > 0, utc: i == 2}, nil
		}
	}
	return dateTime{}, fmt.Errorf("%q is no date like 20261201 or 20261201T090000, of the years %d to %d", clip(s), minYear, maxYear)
}

// clip bounds an echoed value.
func clip(s string) string {
	const most = 40
	if len(s) <= most {
		return s
	}
	return strings.ToValidUTF8(s[:most], "") + "…"
}

// String gives the canonical text, which ParseRule reads back: the RRULE value, and the exceptions on a second line. It is
// empty for the zero Rule.
func (r Rule) String() string {
	if r.IsZero() {
		return ""
	}
	var b strings.Builder
	b.WriteString("FREQ=" + string(r.freq))
	if r.interval > 1 {
		fmt.Fprintf(&b, ";INTERVAL=%d", r.interval)
	}
	writeList(&b, ";BYMONTH=", r.months, func(m time.Month) string { return strconv.Itoa(int(m)) })
	writeList(&b, ";BYMONTHDAY=", r.monthDays, strconv.Itoa)
	writeList(&b, ";BYDAY=", r.days, weekday.String)
	writeList(&b, ";BYSETPOS=", r.positions, strconv.Itoa)
	if r.count > 0 {
		fmt.Fprintf(&b, ";COUNT=%d", r.count)
	}
	if !r.endless() {
		b.WriteString(";UNTIL=" + r.until.String())
	}
	if r.weekStart != time.Monday {
		b.WriteString(";WKST=" + weekdayNames[r.weekStart])
	}
	writeList(&b, "\nEXDATE:", r.except, dateTime.String)
	return b.String()
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

func (d weekday) String() string {
	if d.n == 0 {
		return weekdayNames[d.day]
	}
	return strconv.Itoa(d.n) + weekdayNames[d.day]
}

func (t dateTime) String() string {
	switch {
	case t.utc:
		return t.wall.Format(dateTimeForms[2])
	case t.timed:
		return t.wall.Format(dateTimeForms[1])
	}
	return t.wall.Format(dateTimeForms[0])
}
