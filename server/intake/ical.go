package intake

import (
	"iter"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"tandem"
)

// property is a content line of iCalendar (RFC 5545).
type property struct {
	line   int
	name   string
	params map[string]string
	value  string
}

// calendar reads the VTODO components of an iCalendar stream. Changed single occurrences of a repetition are reported and left out.
func calendar(data []byte) (iter.Seq2[row, error], error) {
	lines := unfolded(string(data))
	if len(lines) == 0 || lines[0].name != "BEGIN" || !strings.EqualFold(lines[0].value, "VCALENDAR") {
		return nil, errUnreadable("iCalendar file", nil)
	}
	return func(yield func(row, error) bool) {
		var open *todo
		depth := 0 // of alarms in it
		for _, p := range lines {
			begin, end := p.name == "BEGIN", p.name == "END"
			switch {
			case open == nil && begin && strings.EqualFold(p.value, "VTODO"):
				open, depth = &todo{row: row{line: p.line}}, 0
			case open == nil:
			case end && depth == 0:
				if r, err := open.finish(); !yield(r, err) {
					return
				}
				open = nil
			case begin:
				depth++
			case end:
				depth--
			case depth > 0:
				open.alarm(p)
			default:
				open.read(p)
			}
		}
		if open != nil {
			yield(open.row, tandem.Invalid("row", nil, "The file ends inside of this task."))
		}
	}, nil
}

// unfolded gives the content lines; one that is none is left out, as section 3.1 would have readers do.
func unfolded(text string) []property {
	var out []property
	n := 0
	var pieces []string // of the last of out
	whole := func() {
		if len(out) > 0 {
			out[len(out)-1].value = strings.Join(pieces, "")
			out[len(out)-1].split()
		}
		pieces = pieces[:0]
	}
	for line := range strings.SplitSeq(strings.ReplaceAll(text, "\r\n", "\n"), "\n") {
		n++
		if line != "" && (line[0] == ' ' || line[0] == '\t') && len(out) > 0 {
			pieces = append(pieces, line[1:])
			continue
		}
		if strings.TrimSpace(line) != "" {
			whole()
			out, pieces = append(out, property{line: n}), append(pieces, strings.TrimRight(line, "\r"))
		}
	}
	whole()
	return slices.DeleteFunc(out, func(p property) bool { return p.name == "" })
}

// split takes a whole line, which stands in value, apart. A colon or semicolon in quotes separates nothing.
func (p *property) split() {
	head, value, ok := cutUnquoted(p.value, ':')
	if !ok {
		return
	}
	p.value, p.params = value, map[string]string{}
	name, rest, more := cutUnquoted(head, ';')
	p.name = strings.ToUpper(strings.TrimSpace(name))
	for more {
		var param string
		param, rest, more = cutUnquoted(rest, ';')
		name, value, _ := strings.Cut(param, "=")
		p.params[strings.ToUpper(name)] = strings.Trim(value, `"`)
	}
}

// cutUnquoted cuts s around the first sep that is not in quotes.
func cutUnquoted(s string, sep byte) (before, after string, found bool) {
	quoted := false
	for i := range len(s) {
		switch {
		case s[i] == '"':
			quoted = !quoted
		case s[i] == sep && !quoted:
			return s[:i], s[i+1:], true
		}
	}
	return s, "", false
}

// todo is a VTODO on its way.
type todo struct {
	row
	start      *tandem.Due
	startAt    *time.Time
	exceptions []string
	override   bool
	cancelled  bool
	fault      error
}

var icalText = strings.NewReplacer(`\n`, "\n", `\N`, "\n", `\,`, ",", `\;`, ";", `\\`, `\`)

func (t *todo) read(p property) {
	switch p.name {
	case "UID":
		t.key = p.value
	case "SUMMARY":
		t.title = icalText.Replace(p.value)
	case "DESCRIPTION":
		t.description = icalText.Replace(p.value)
	case "LOCATION", "URL":
		t.notes = append(t.notes, p.name[:1]+strings.ToLower(p.name[1:])+": "+icalText.Replace(p.value))
	case "COMMENT":
		t.notes = append(t.notes, icalText.Replace(p.value))
	case "CATEGORIES":
		t.tags = append(t.tags, categories(p.value)...)
	case "PRIORITY":
		t.priority = icalPriority(p.value)
	case "STATUS":
		t.done = t.done || strings.EqualFold(p.value, "COMPLETED")
		t.cancelled = strings.EqualFold(p.value, "CANCELLED")
	case "RECURRENCE-ID":
		t.override = true
	default:
		t.readTime(p)
	}
}

func (t *todo) readTime(p property) {
	var err error
	switch p.name {
	case "DUE":
		t.due, t.at, err = icalTime(p)
	case "DTSTART":
		t.start, t.startAt, err = icalTime(p)
	case "COMPLETED":
		_, t.completed, err = icalTime(p)
		t.done = true
	case "CREATED":
		_, t.created, err = icalTime(p)
	case "RRULE":
		t.rule = p.value
	case "EXDATE":
		for one := range strings.SplitSeq(p.value, ",") {
			t.exceptions = append(t.exceptions, strings.TrimSuffix(strings.TrimSpace(one), "Z"))
		}
	}
	if err != nil {
		t.fault = err
	}
}

// alarm reads the trigger of an alarm: before the due date, or at an instant. One after the due date is negative, and told as lost.
func (t *todo) alarm(p property) {
	if p.name != "TRIGGER" {
		return
	}
	if _, at, err := icalTime(p); err == nil && at != nil {
		t.remindAt = append(t.remindAt, tandem.DueAt(*at, "UTC"))
	} else if d, ok := icalDuration(p.value); ok {
		t.before = append(t.before, -d)
	}
}

func (t *todo) finish() (row, error) {
	switch {
	case t.fault != nil:
		return t.row, t.fault
	case t.override:
		return t.row, tandem.Invalid("RECURRENCE-ID", nil, "This is a changed occurrence of a repeating task, which cannot be taken over by itself.")
	case t.due == nil && t.at == nil:
		t.due, t.at = t.start, t.startAt
	}
	if t.cancelled {
		t.done = true
		t.notes = append(t.notes, "Cancelled.")
	}
	if t.rule != "" && len(t.exceptions) > 0 {
		t.rule += "\nEXDATE:" + strings.Join(t.exceptions, ",")
	}
	return t.row, nil
}

// icalTime reads a date, a wall clock in a zone or in none, or an instant.
func icalTime(p property) (*tandem.Due, *time.Time, error) {
	if at, err := time.Parse("20060102T150405Z", p.value); err == nil {
		return nil, &at, nil
	}
	wall, err := time.Parse("20060102T150405", p.value)
	day, err2 := time.Parse("20060102", p.value)
	zone := p.params["TZID"]
	switch {
	case err == nil:
		due := &tandem.Due{Date: wall.Format(time.DateOnly), Time: trimZero(wall.Format(time.TimeOnly)), TimeZone: zone}
		if due.Validate() != nil {
			due.TimeZone = "" // a zone that only its own VTIMEZONE explains: the wall clock stays
		}
		return due, nil, nil
	case err2 == nil:
		return &tandem.Due{Date: day.Format(time.DateOnly)}, nil, nil
	}
	return nil, nil, tandem.Invalid(p.name, p.value, "%s is no date of iCalendar: %q.", p.name, cut(p.value, 100))
}

// icalPriority maps 1 to 9, of which 1 is the most pressing.
func icalPriority(s string) tandem.Priority {
	switch n, _ := strconv.Atoi(s); {
	case n == 1:
		return tandem.PriorityUrgent
	case n >= 2 && n <= 4:
		return tandem.PriorityHigh
	case n >= 6 && n <= 9:
		return tandem.PriorityLow
	}
	return tandem.PriorityMedium
}

// categories splits a list at the commas that are not escaped.
func categories(s string) []string {
	const mark = "\x00"
	var out []string
	for one := range strings.SplitSeq(strings.ReplaceAll(s, `\,`, mark), ",") {
		out = append(out, icalText.Replace(strings.ReplaceAll(one, mark, ",")))
	}
	return out
}

var durationForm = regexp.MustCompile(`^([+-]?)P(?:(\d{1,4})W)?(?:(\d{1,5})D)?(?:T(?:(\d{1,6})H)?(?:(\d{1,7})M)?(?:(\d{1,8})S)?)?$`)

// icalDuration reads a DURATION value (section 3.3.6).
func icalDuration(s string) (time.Duration, bool) {
	m := durationForm.FindStringSubmatch(s)
	if m == nil {
		return 0, false
	}
	var d time.Duration
	for i, unit := range []time.Duration{7 * 24 * time.Hour, 24 * time.Hour, time.Hour, time.Minute, time.Second} {
		n, _ := strconv.Atoi(m[i+2])
		d += time.Duration(n) * unit
	}
	if m[1] == "-" {
		d = -d
	}
	return d, true
}
