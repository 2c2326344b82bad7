package phrase

import "time"

// day counts calendar days since 1 January 1970. It has no zone.
type day int

const (
	minYear = 1970
	maxYear = 9999
)

func dayOf(y int, m time.Month, d int) day {
	return day(time.Date(y, m, d, 0, 0, 0, 0, time.UTC).Unix() / 86400)
}

func (d day) utc() time.Time { return time.Unix(int64(d)*86400, 0).UTC() }

func (d day) date() (int, time.Month, int) { return d.utc().Date() }

// String gives the day as YYYY-MM-DD.
func (d day) String() string { return d.utc().Format(time.DateOnly) }

// supported reports whether a task may have the day as its due date.
func (d day) supported() bool {
	y, _, _ := d.date()
	return minYear <= y && y <= maxYear
}

// weekday relies on day 0 being a Thursday.
func (d day) weekday() time.Weekday { return time.Weekday(((int(d)+4)%7 + 7) % 7) }

// addMonths keeps the day of the month, or takes the last one of a month that is too short.
func (d day) addMonths(n int) day {
	y, m, dd := d.date()
	first := dayOf(y, m+time.Month(n), 1)
	y, m, _ = first.date()
	return first + day(min(dd, monthLength(y, m))-1)
}

func (d day) firstOfMonth() day {
	y, m, _ := d.date()
	return dayOf(y, m, 1)
}

func (d day) lastOfMonth() day { return d.firstOfMonth().addMonths(1) - 1 }

func (d day) firstOfQuarter() day {
	y, m, _ := d.date()
	return dayOf(y, (m-1)/3*3+1, 1)
}

func (d day) firstOfYear() day {
	y, _, _ := d.date()
	return dayOf(y, time.January, 1)
}

// weekOf gives the first day of the week that holds d.
func (d day) weekOf(start time.Weekday) day { return d - day((d.weekday()-start+7)%7) }

// after gives the first w strictly after d.
func (d day) after(w time.Weekday) day { return d + day((w-d.weekday()+6)%7) + 1 }

// before gives the last w strictly before d.
func (d day) before(w time.Weekday) day { return d - day((d.weekday()-w+6)%7) - 1 }

func monthLength(y int, m time.Month) int { return dayOf(y, m+1, 0).utc().Day() }

func realDate(y int, m time.Month, d int) bool {
	return minYear <= y && y <= maxYear && time.January <= m && m <= time.December && 1 <= d && d <= monthLength(y, m)
}

// nthWeekday gives the n-th w of the month that holds d, counted from the end for a negative n.
func (d day) nthWeekday(n int, w time.Weekday) (day, bool) {
	first, last := d.firstOfMonth(), d.lastOfMonth()
	var found day
	if n > 0 {
		found = (first - 1).after(w) + day(7*(n-1))
	} else {
		found = (last + 1).before(w) + day(7*(n+1))
	}
	return found, n != 0 && first <= found && found <= last
}

// nthDay gives the n-th day of the month that holds d, counted from the end for a negative n.
func (d day) nthDay(n int) (day, bool) {
	first, last := d.firstOfMonth(), d.lastOfMonth()
	found := first + day(n-1)
	if n < 0 {
		found = last + day(n+1)
	}
	return found, n != 0 && first <= found && found <= last
}
