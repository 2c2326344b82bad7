package tandem

import (
	"regexp"
	"strings"
	"sync"
	"time"
)

// The years a due date may lie in.
const (
	minYear = 1970
	maxYear = 9999
)

const (
	dateLayout   = time.DateOnly
	clockLayout  = "15:04"
	secondLayout = time.TimeOnly
	fullDay      = 24 * time.Hour
)

// Due is what a wall calendar and a wall clock show: a date, optionally a time and a zone. The instant follows from it, see
// At; a due date without a zone is floating, so it follows its user from zone to zone.
//
// Methods other than Validate expect a valid Due. They never panic on another one, but what they answer means nothing.
type Due struct {
	Date     string `json:"date"`                // 2006-01-02
	Time     string `json:"time,omitempty"`      // 15:04, or 15:04:05 off the full minute; empty: the whole day
	TimeZone string `json:"time_zone,omitempty"` // IANA name; empty: floating
}

// DueAt gives the wall clock at the instant t in the named zone, to the second. Without a zone, or with one that LoadZone
// does not know, it is the wall clock of t's own location, floating.
func DueAt(t time.Time, zone string) Due {
	loc, err := LoadZone(zone)
	if err != nil {
		return Due{Date: t.Format(dateLayout), Time: clockText(t)}
	}
	t = t.In(loc)
	return Due{Date: t.Format(dateLayout), Time: clockText(t), TimeZone: zone}
}

// clockText writes what a clock shows; a full minute has no seconds, so that each time has one form.
func clockText(t time.Time) string {
	if t.Second() == 0 {
		return t.Format(clockLayout)
	}
	return t.Format(secondLayout)
}

func parseClock(s string) (time.Time, error) {
	layout := clockLayout
	if len(s) > len(clockLayout) {
		layout = secondLayout
	}
	return time.Parse(layout, s)
}

// Validate reports, as invalid, a date that does not exist or lies outside 1970 to 9999, a time that is neither HH:MM
// nor HH:MM:SS with seconds other than 00, and a zone that LoadZone does not know.
func (d Due) Validate() error {
	date, err := time.Parse(dateLayout, d.Date)
	switch {
	case err != nil:
		return Invalid("due", d.Date, "A due date is a real day, written like 2026-12-01.").Because(err)
	case date.Year() < minYear || date.Year() > maxYear:
		return Invalid("due", d.Date, "A due date lies in the years %d to %d.", minYear, maxYear)
	case d.Time != "" && !validClock(d.Time):
		return Invalid("due", d.Time, "A due time is written like 09:30, from 00:00 to 23:59.")
	}
	if d.TimeZone == "" {
		return nil
	}
	if _, err := LoadZone(d.TimeZone); err != nil {
		return Invalid("due", d.TimeZone, "A time zone has a name like Europe/Berlin.").Because(err)
	}
	return nil
}

func validClock(s string) bool {
	t, err := parseClock(s)
	return err == nil && clockText(t) == s // the layouts also take 9:30 and fractions
}

// WholeDay reports whether d names no time.
func (d Due) WholeDay() bool { return d.Time == "" }

// Location is the zone that decides about d: its own or else the user's; UTC for a user without one.
func (d Due) Location(user *time.Location) *time.Location {
	if d.TimeZone != "" {
		if loc, err := LoadZone(d.TimeZone); err == nil {
			return loc
		}
	}
	if user == nil {
		return time.UTC
	}
	return user
}

// At is the instant of d, in UTC. A whole day counts to its end, the last 23:59:59 on its clocks. A time that the clocks
// skip moves forward by the gap (RFC 5545, section 3.3.5), one that they show twice is the first. Where a zone leaves out
// a whole day, as Apia did on 2011-12-30, that is a gap like any other: the task is due a day later at the same time.
func (d Due) At(user *time.Location) time.Time {
	loc := d.Location(user)
	if d.WholeDay() {
		_, last := instants(d.wall().Add(fullDay-time.Second), loc)
		return last
	}
	first, _ := instants(d.wall(), loc)
	return first
}

// StartOfDay is the first instant of d's date, in UTC.
func (d Due) StartOfDay(user *time.Location) time.Time {
	first, _ := instants(Due{Date: d.Date}.wall(), d.Location(user))
	return first
}

// RemindAt is the instant of a reminder that precedes d. A whole day counts from the time of day given as wholeDay (HH:MM).
// The whole days in before move the calendar date, so "1 day before" shows the same time on the clock also where the clocks
// change in between; the rest is an exact duration.
func (d Due) RemindAt(user *time.Location, before time.Duration, wholeDay string) time.Time {
	if d.WholeDay() {
		d.Time = wholeDay
	}
	return d.ShiftDays(int(-before / fullDay)).At(user).Add(-before % fullDay)
}

// Shift moves the wall clock. Of a whole day only the whole days in by count.
func (d Due) Shift(by time.Duration) Due {
	if d.WholeDay() {
		return d.ShiftDays(int(by / fullDay))
	}
	if wall := d.wall(); !wall.IsZero() {
		wall = wall.Add(by)
		d.Date, d.Time = wall.Format(dateLayout), clockText(wall)
	}
	return d
}

// ShiftDays moves the date.
func (d Due) ShiftDays(days int) Due {
	if date := (Due{Date: d.Date}).wall(); !date.IsZero() {
		d.Date = date.AddDate(0, 0, days).Format(dateLayout)
	}
	return d
}

// wall is the wall clock as if it were in UTC: the floating time in which dates are compared and moved. It is zero for
// an invalid Due.
func (d Due) wall() time.Time {
	date, err := time.Parse(dateLayout, d.Date)
	if err != nil || d.WholeDay() {
		return date
	}
	clock, err := parseClock(d.Time)
	if err != nil {
		return time.Time{}
	}
	return date.Add(time.Duration(clock.Hour())*time.Hour + time.Duration(clock.Minute())*time.Minute + time.Duration(clock.Second())*time.Second)
}

// after reports whether d stands after o on the wall. Where one of them has no time, the dates decide.
func (d Due) after(o Due) bool {
	if d.Date != o.Date || d.WholeDay() || o.WholeDay() {
		return d.Date > o.Date
	}
	return d.Time > o.Time
}

// instants gives the first and the last instant at which the clocks of loc show wall. For a time that they skip, both are
// the instant which the offset before the gap gives.
//
// time.Date does not say which of two possible offsets it takes, so both changes of the clocks around it are looked at.
func instants(wall time.Time, loc *time.Location) (first, last time.Time) {
	y, m, d := wall.Date()
	near := time.Date(y, m, d, wall.Hour(), wall.Minute(), wall.Second(), 0, loc)
	start, end := near.ZoneBounds()
	for _, change := range []time.Time{start, end} {
		if change.IsZero() {
			continue
		}
		before, after := offset(change.Add(-time.Second)), offset(change)
		old, fresh := change.UTC().Add(before), change.UTC().Add(after) // what the clocks show before and after
		switch {
		case !wall.Before(old) && wall.Before(fresh):
			return wall.Add(-before), wall.Add(-before)
		case !wall.Before(fresh) && wall.Before(old):
			return wall.Add(-before), wall.Add(-after)
		}
	}
	return near.UTC(), near.UTC()
}

func offset(t time.Time) time.Duration {
	_, seconds := t.Zone()
	return time.Duration(seconds) * time.Second
}

// maxZones bounds the cache of zones; the IANA database has about 600 names.
const maxZones = 1024

var (
	zones    = map[string]*time.Location{}
	zonesMu  sync.RWMutex
	zoneForm = regexp.MustCompile(`^[A-Z][A-Za-z0-9_+-]*(/[A-Za-z0-9_+-]+){0,2}$`)
)

// LoadZone gives the zone of an IANA name. Other names are invalid, among them the empty one and Local, which mean another
// thing on every machine. Zones are cached; it may be called from anywhere at any rate.
func LoadZone(name string) (*time.Location, error) {
	zonesMu.RLock()
	loc := zones[name]
	zonesMu.RUnlock()
	if loc != nil {
		return loc, nil
	}
	if name == "Local" || len(name) > 64 || !zoneForm.MatchString(name) {
		return nil, unknownZone(name)
	}
	loc, err := time.LoadLocation(name)
	if err != nil {
		return nil, unknownZone(name).Because(err)
	}
	zonesMu.Lock()
	defer zonesMu.Unlock()
	if len(zones) < maxZones {
		zones[strings.Clone(name)] = loc
	}
	return loc, nil
}

func unknownZone(name string) *Error {
	return Invalid("time_zone", name, "A time zone has a name like Europe/Berlin; this one is not known.")
}
