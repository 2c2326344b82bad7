package rest

import (
	"bytes"
	"strings"
	"time"
	"unicode/utf8"

	"tandem"
)

// calendar writes an iCalendar stream (RFC 5545).
type calendar struct {
	zone *time.Location // of floating times
	buf  bytes.Buffer
}

func newCalendar(zone *time.Location) *calendar {
	c := &calendar{zone: zone}
	for _, line := range []string{
		"BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//Tandem//Tasks//EN", "CALSCALE:GREGORIAN", "METHOD:PUBLISH",
		"NAME:Tandem", "X-WR-CALNAME:Tandem", "REFRESH-INTERVAL;VALUE=DURATION:PT15M",
	} {
		c.line(line)
	}
	return c
}

func (c *calendar) end() []byte {
	c.line("END:VCALENDAR")
	return c.buf.Bytes()
}

// add writes a dated task, and the next occurrences where its schedule already settles them.
func (c *calendar) add(t tandem.Task) {
	if t.Due == nil {
		return
	}
	c.event(t, *t.Due, t.UID)
	if !t.Recurring() || t.Series.From != tandem.FromSchedule {
		return
	}
	for _, due := range t.Rule().Upcoming(t.Series.Anchor, *t.Due, feedAhead) {
		c.event(t, due, t.UID+"-"+due.Date+due.Time)
	}
}

func (c *calendar) event(t tandem.Task, due tandem.Due, uid string) {
	c.line("BEGIN:VEVENT")
	c.line("UID:" + strings.ReplaceAll(uid, ":", "") + "@tandem")
	c.line("DTSTAMP:" + utcStamp(t.UpdatedAt))
	if due.WholeDay() {
		c.line("DTSTART;VALUE=DATE:" + strings.ReplaceAll(due.Date, "-", ""))
	} else {
		// An instant needs no VTIMEZONE, and moves with the person's zone at the next refresh.
		c.line("DTSTART:" + utcStamp(due.At(c.zone)))
	}
	c.line("SUMMARY:" + escaped(t.Title))
	if t.Description != "" {
		c.line("DESCRIPTION:" + escaped(t.Description))
	}
	if len(t.Tags) > 0 {
		tags := make([]string, len(t.Tags))
		for i, tag := range t.Tags {
			tags[i] = escaped(tag)
		}
		c.line("CATEGORIES:" + strings.Join(tags, ","))
	}
	c.line("TRANSP:TRANSPARENT")
	c.line("END:VEVENT")
}

func utcStamp(t time.Time) string { return t.UTC().Format("20060102T150405Z") }

var textEscapes = strings.NewReplacer(`\`, `\\`, ";", `\;`, ",", `\,`, "\r\n", `\n`, "\n", `\n`, "\r", `\n`)

// escaped writes a TEXT value. Control characters have no form in it.
func escaped(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return -1
		}
		return r
	}, textEscapes.Replace(s))
}

// maxLine is the length of a content line in bytes (RFC 5545, section 3.1).
const maxLine = 75

// line writes a content line, folded between characters.
func (c *calendar) line(s string) {
	room := maxLine
	for len(s) > room {
		cut := room
		for !utf8.RuneStart(s[cut]) {
			cut--
		}
		c.buf.WriteString(s[:cut] + "\r\n ")
		s, room = s[cut:], maxLine-1
	}
	c.buf.WriteString(s + "\r\n")
}
