package phrase

import (
	"time"
)

// WeekStart is the weekday on which a calendar week starts; the zero value is Monday.
type WeekStart uint8

// The days on which a week may start.
const (
	WeekMonday WeekStart = iota
	WeekSunday
	WeekSaturday
)

func (w WeekStart) weekday() time.Weekday {
	return [...]time.Weekday{WeekMonday: time.Monday, WeekSunday: time.Sunday, WeekSaturday: time.Saturday}[min(w, WeekSaturday)]
}

// Options are a person's conventions. The zero value means English, weeks from Monday, month before day.
type Options struct {
	Locale    string // "en" by default; an unknown locale is read as English
	Settled   bool   // the text is in the language of Locale, whatever its words
	WeekStart WeekStart
	DayFirst  bool // 3/4 is 3 April
	// The clock times, HH:MM, of the parts of the day; by default 09:00, 12:00, 19:00 and 22:00.
	Morning, Afternoon, Evening, Night string
	// Off holds UTF-16 spans that the person switched off: they stay in the title and mean nothing.
	Off [][2]int
}

// The kinds of a Span.
const (
	KindDue        = "due"
	KindRecurrence = "recurrence"
	KindPriority   = "priority"
	KindTag        = "tag"
	KindReminder   = "reminder"
)

// Span is a stretch of the text that means something. Offsets are UTF-16 code units, End is exclusive, and Text is the
// exact slice.
type Span struct {
	Start, End int
	Kind       string
	Text       string
	Conf       float64 // from 0 to 1; readings below 0.7 are not applied and have no span
}

// When is a wall-clock date, with or without a time, in the zone that was given to the parser.
type When struct {
	Date    string // YYYY-MM-DD
	Time    string // HH:MM; empty for the whole day
	Second  int    // of a time that names seconds, and of a moment less than an hour away
	Instant bool   // the words gave a moment ("in 2 hours", RFC 3339), not a clock time
}

// Recurrence is a rule of repetition.
type Recurrence struct {
	Rule  string // the RRULE value, INTERVAL=1 omitted, parts in canonical order
	Start string // YYYY-MM-DD or YYYY-MM-DDTHH:MM; empty unless the words name a start
	From  string // FromSchedule or FromCompletion
}

// From where a rule counts the next occurrence.
const (
	FromSchedule   = "schedule"
	FromCompletion = "completion"
)

// Reminder is a time before the due time, or a moment of its own.
type Reminder struct {
	Before time.Duration
	At     *When
}

// Result is what a text means.
type Result struct {
	Title      string
	Due        *When // of a recurring task: the first occurrence
	Recurrence *Recurrence
	Priority   string // urgent, high, medium, low or empty
	Tags       []string
	Reminders  []Reminder
	// Remind reports that the words ask to be reminded ("remind me to …").
	Remind bool
	Spans  []Span // by position, without overlap
	// Alternatives are other readings of the due date, the likeliest first.
	Alternatives []When
	// Ambiguous says why words that look like a date or a rule were not applied.
	Ambiguous string
	// Past reports that the words name a day or moment that has passed.
	Past bool
}

// Parse reads a whole sentence or quick-add line.
func Parse(text string, now time.Time, loc *time.Location, o Options) Result {
	p := newParser(text, now, loc, o)
	m := p.marks()
	return p.result(m, p.scan())
}

// ParseDue reads a text that is nothing but a date or time: the argument of a tool, an ISO date, an RFC 3339 moment. The
// second result holds other readings. It reports false when any word is left over or no date is settled.
func ParseDue(text string, now time.Time, loc *time.Location, o Options) (When, []When, bool) {
	p := newParser(text, now, loc, o)
	p.whole = true
	e, ok := p.only()
	if !ok || e.rule.freq != never {
		return When{}, nil, false
	}
	d, ok := p.due(&e)
	return d.when, d.alternatives, ok
}

// ParseRecurrence reads a text that is nothing but a repetition. The second result is its first occurrence, from today on or
// from the start that the text names; it is nil only with false.
func ParseRecurrence(text string, now time.Time, loc *time.Location, o Options) (Recurrence, *When, bool) {
	p := newParser(text, now, loc, o)
	p.whole, p.repeating = true, true
	e, ok := p.only()
	if !ok || e.rule.freq == never {
		return Recurrence{}, nil, false
	}
	r, first, ok := p.recurrence(&e)
	if !ok {
		return Recurrence{}, nil, false
	}
	return r, &first, true
}
