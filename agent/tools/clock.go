package tools

import (
	"cmp"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"

	"tandem"
	"tandem/agent/phrase"
)

// maxPhrase bounds the words of one date, shift or repetition, in characters.
const maxPhrase = 500

// maxLead bounds how long before the due date a reminder may come.
const maxLead = 366 * 24 * time.Hour

// clock reads words as a person at one place and moment means them.
type clock struct {
	now      time.Time
	zone     *time.Location
	named    string // the zone to store with a wall clock; empty: floating
	settings tandem.Settings
	options  phrase.Options
}

// newClock reads in the named zone, else in the zone of the conversation, else in the person's own. The zone is stored with
// what is read where it was named, or where the conversation is held in another zone than the person's.
func newClock(now time.Time, s tandem.Settings, named, conversation string) (clock, error) {
	c := clock{now: now, zone: s.Zone(), settings: s, options: phrase.OptionsFor(s)}
	if named == "" && conversation != s.TimeZone {
		named = conversation
	}
	if named == "" {
		return c, nil
	}
	zone, err := tandem.LoadZone(named)
	if err != nil {
		return c, tandem.Invalid("time_zone", named, "A time zone has a name like Europe/Berlin; this one is not known.").Because(err)
	}
	c.zone, c.named = zone, named
	return c, nil
}

// reading is what words about a time mean.
type reading struct {
	due          tandem.Due
	at           *time.Time // where the words gave a moment, not a clock time
	clockOnly    bool       // the words named a time and no day
	alternatives []tandem.Due
	repeat       *repetition
}

// moment gives the instant of the reading; a whole day stands for the given time of it.
func (r reading) moment(c clock, wholeDay string) time.Time {
	if r.at != nil {
		return *r.at
	}
	due := r.due
	if due.WholeDay() {
		due.Time = wholeDay
	}
	return due.At(c.zone)
}

// due reads a date, a date-time, an instant or a phrase. Where repeats is set, the phrase may hold a repetition too.
func (c clock) due(field, text string, repeats bool) (reading, error) {
	r, ok, err := c.iso(field, text)
	if err == nil && !ok {
		r, ok = c.words(text)
	}
	if err == nil && !ok && repeats {
		r, ok = c.repeated(text)
	}
	switch {
	case err != nil:
		return reading{}, err
	case !ok:
		return reading{}, tandem.Invalid(field, text,
			`%s is not understood; write a date such as 2026-12-01 or 2026-12-01T09:00, or words such as "tomorrow at 9am".`, quoted(text))
	}
	if err := r.due.Validate(); err != nil {
		return reading{}, named(err, field, text)
	}
	r.clockOnly = clockForm.MatchString(text)
	return r, nil
}

// clockForm matches words that name a time of day and leave the day open.
var clockForm = regexp.MustCompile(`(?i)^(at |to )?(\d{1,2}([:.]\d{2})?( ?[ap]\.?m\.?)?( ?o'?clock)?|noon|midday|midnight|` +
	`(in the )?(morning|afternoon|evening)|night)$`)

// isoForm matches a calendar date, with or without a clock time and an offset from UTC.
var isoForm = regexp.MustCompile(`^(\d{4}-\d{2}-\d{2})(?:[Tt ](\d{2}):(\d{2})(?::(\d{2})(?:[.,](\d{1,9}))?)? ?([Zz]|[+-]\d{2}:?\d{2})?)?$`)

// iso reads the forms of ISO 8601 that programs write. A date that does not exist is an error, never a guess.
func (c clock) iso(field, text string) (reading, bool, error) {
	m := isoForm.FindStringSubmatch(text)
	if m == nil {
		return reading{}, false, nil
	}
	due := tandem.Due{Date: m[1], TimeZone: c.named}
	if m[2] != "" {
		due.Time = m[2] + ":" + m[3]
	}
	if m[4] != "" && m[4] != "00" {
		due.Time += ":" + m[4]
	}
	if m[4] > "59" {
		return reading{}, false, tandem.Invalid(field, text, "A minute has the seconds 00 to 59.")
	}
	if err := due.Validate(); err != nil {
		return reading{}, false, named(err, field, text)
	}
	if m[6] == "" {
		return reading{due: due}, true, nil
	}
	at, ok := offsetInstant(m)
	if !ok {
		return reading{}, false, tandem.Invalid(field, text, "An offset from UTC is written like +05:00.")
	}
	return reading{due: tandem.DueAt(at, c.home()), at: &at}, true, nil
}

// offsetInstant computes the instant of a match of isoForm that has an offset.
func offsetInstant(m []string) (time.Time, bool) {
	wall, err := time.Parse("2006-01-02 15:04:05", m[1]+" "+m[2]+":"+m[3]+":"+cmp.Or(m[4], "00")+"."+cmp.Or(m[5], "0"))
	offset := strings.ReplaceAll(m[6], ":", "")
	if err != nil || strings.EqualFold(offset, "Z") {
		return wall, err == nil
	}
	hours, err := strconv.Atoi(offset[1:3])
	minutes, err2 := strconv.Atoi(offset[3:])
	if err != nil || err2 != nil || hours > 23 || minutes > 59 {
		return time.Time{}, false
	}
	shift := time.Duration(hours)*time.Hour + time.Duration(minutes)*time.Minute
	if offset[0] == '-' {
		shift = -shift
	}
	return wall.Add(-shift), true
}

// home is the zone that a converted instant is stored with.
func (c clock) home() string { return cmp.Or(c.named, c.settings.TimeZone, "UTC") }

func (c clock) words(text string) (reading, bool) {
	w, others, ok := phrase.ParseDue(text, c.now, c.zone, c.options)
	if !ok {
		return reading{}, false
	}
	r := reading{due: c.wall(w)}
	if w.Instant {
		at := r.due.At(c.zone)
		r.at = &at
	}
	for _, o := range others {
		r.alternatives = append(r.alternatives, c.wall(o))
	}
	return r, true
}

func (c clock) wall(w phrase.When) tandem.Due {
	due := tandem.Due{Date: w.Date, Time: w.Time, TimeZone: c.named}
	if w.Second != 0 {
		due.Time += fmt.Sprintf(":%02d", w.Second)
	}
	return due
}

// repeated reads a repetition whose first occurrence is the due date.
func (c clock) repeated(text string) (reading, bool) {
	rep, err := c.repetition("due", text)
	if err != nil || rep.first == nil {
		return reading{}, false
	}
	return reading{due: *rep.first, repeat: &rep}, true
}

// repetition is what words about repeating mean: a pattern, which needs the due date to become a rule, or a rule.
type repetition struct {
	pattern string
	rule    tandem.Rule
	from    tandem.RepeatFrom // empty where the words leave it open
	first   *tandem.Due
}

// ruleFor gives the rule for a task with the given due date.
func (r repetition) ruleFor(due *tandem.Due) (tandem.Rule, error) {
	if r.pattern != "" {
		return tandem.PatternRule(r.pattern, due)
	}
	return r.rule, nil
}

// patterns are the words that the contract's recurrence_pattern knows.
var patterns = []string{tandem.PatternNone, tandem.PatternDaily, tandem.PatternWeekly, tandem.PatternMonthly}

// repetition reads a rule of RFC 5545, a pattern, or a phrase.
func (c clock) repetition(field, text string) (repetition, error) {
	lower := strings.ToLower(text)
	for _, p := range patterns {
		if lower == p {
			return repetition{pattern: p}, nil
		}
	}
	if ruleForm.MatchString(text) {
		rule, err := tandem.ParseRule(text)
		return repetition{rule: rule}, named(err, field, text)
	}
	rec, first, ok := phrase.ParseRecurrence(text, c.now, c.zone, c.options)
	if !ok {
		e := tandem.Invalid(field, text, `%s is not understood; write words such as "every monday", or a rule such as FREQ=WEEKLY;BYDAY=MO.`, quoted(text))
		e.Details.Allowed = patterns
		return repetition{}, e
	}
	rule, err := tandem.ParseRule(rec.Rule)
	rep := repetition{rule: rule}
	if rec.From == phrase.FromCompletion {
		rep.from = tandem.FromCompletion
	}
	if first != nil {
		due := c.wall(*first)
		rep.first = &due
	}
	return rep, named(err, field, text)
}

// ruleForm matches what is meant as a rule, so that its faults are told by name.
var ruleForm = regexp.MustCompile(`(?i)^(rrule:|freq=|[a-z]+=[^;]*;?.*freq=|dtstart|exdate)`)

// reminder reads a lead ("1h", "30 minutes before", "0m") or a moment.
func (c clock) reminder(field, text string) (tandem.ReminderSpec, error) {
	if lead, ok := leadOf(text); ok {
		if lead > maxLead {
			return tandem.ReminderSpec{}, tandem.Invalid(field, text, "A reminder comes at most a year before the due date.")
		}
		return tandem.ReminderSpec{Before: &lead}, nil
	}
	r, err := c.due(field, text, false)
	if err != nil {
		return tandem.ReminderSpec{}, tandem.Invalid(field, text,
			`%s is not understood; write a lead such as "1h" or "30m", or a moment such as "tomorrow at 8am".`, quoted(text)).Because(err)
	}
	at := r.moment(c, c.settings.Words.AllDay)
	return tandem.ReminderSpec{At: &at}, nil
}

var (
	leadEnd  = regexp.MustCompile(`(?i) *(before|ahead|early|earlier|in advance|prior)( +(it|the due date|then))?$`)
	zeroLead = regexp.MustCompile(`(?i)^0 ?(m|min|minutes|h|hours|s|seconds)$|^(at|on) (the )?(time|due time|due)$`)
	leadWord = regexp.MustCompile(`(?i)^(in|after) `)
)

// leadOf reads a length of time before the due date.
func leadOf(text string) (time.Duration, bool) {
	bare := leadEnd.ReplaceAllString(text, "")
	if zeroLead.MatchString(bare) {
		return 0, true
	}
	if leadWord.MatchString(bare) {
		return 0, false // "in 2 hours" is a moment
	}
	return phrase.ParseDuration(bare)
}

// snooze reads how long to be quiet, or until when.
func (c clock) snooze(text string) (time.Time, error) {
	if d, ok := phrase.ParseDuration(text); ok {
		if d > maxLead {
			return time.Time{}, tandem.Invalid("snooze", text, "A snooze lasts at most a year.")
		}
		return c.now.Add(d), nil
	}
	r, err := c.due("snooze", text, false)
	if err != nil {
		return time.Time{}, err
	}
	return r.moment(c, c.settings.Words.AllDay), nil
}

// shift is a move of a due date: by a length of time, or to a new place.
type shift struct {
	days int
	by   time.Duration
	to   *reading
}

var (
	shiftStart = regexp.MustCompile(`(?i)^(by |forward (by )?|back (by )?|[+−-])+`)
	shiftEnd   = regexp.MustCompile(`(?i) (later|earlier|sooner|forward|back|ahead)$`)
	backwards  = regexp.MustCompile(`(?i)^(by )?[−-]|^back | (earlier|sooner|back)$`)
)

// move reads the words of move_due.
func (c clock) move(text string) (shift, error) {
	bare := shiftEnd.ReplaceAllString(shiftStart.ReplaceAllString(text, ""), "")
	if !leadWord.MatchString(bare) {
		if d, ok := phrase.ParseDuration(bare); ok {
			if backwards.MatchString(text) {
				d = -d
			}
			return shift{days: int(d / day), by: d % day}, nil
		}
	}
	r, err := c.due("move_due", text, false)
	return shift{to: &r}, err
}

const day = 24 * time.Hour

// moved gives the root's form of the shift for one task.
func (s shift) moved(t tandem.Task) tandem.Move {
	if s.to == nil {
		return tandem.Move{Days: s.days, By: s.by}
	}
	to := s.to.due
	if s.to.at != nil && t.Due != nil && t.Due.TimeZone != "" && to.TimeZone == "" {
		to = tandem.DueAt(*s.to.at, t.Due.TimeZone)
	}
	m := tandem.Move{Date: to.Date, Time: to.Time, TimeZone: to.TimeZone}
	if s.to.clockOnly && t.Due != nil {
		m.Date = ""
	}
	return m
}

// instant reads a point in time; a whole day stands for its first or last moment.
func (c clock) instant(field, text string, end bool) (time.Time, error) {
	r, err := c.due(field, text, false)
	switch {
	case err != nil:
		return time.Time{}, err
	case r.at != nil:
		return *r.at, nil
	case !r.due.WholeDay():
		return r.due.At(c.zone), nil
	}
	from, err := time.ParseInLocation(time.DateOnly, r.due.Date, c.zone)
	if err != nil {
		return time.Time{}, named(err, field, text)
	}
	first, last := tandem.DayRange(from, 1)
	if end {
		return last, nil
	}
	return first, nil
}

// named puts the name and value of an argument on an error of the rules.
func named(err error, field string, value any) error {
	if err == nil {
		return nil
	}
	e := *tandem.AsError(err)
	e.Details.Field, e.Details.Value = field, value
	return &e
}

// quoted gives a person's words for a message.
func quoted(text string) string { return strconv.Quote(clip(text)) }
