package phrase

import (
	"testing"
	"time"
)

func TestParse_TheEdgesOfTheCalendar(t *testing.T) {
	at := func(s string) time.Time {
		now, err := time.Parse("2006-01-02 15:04", s)
		if err != nil {
			t.Fatal(err)
		}
		return now
	}
	rows := []struct{ now, text, want string }{
		{"2026-12-31 23:59", "Pay tomorrow", "Pay | 2027-01-01"},
		{"2026-12-31 23:59", "Pay today", "Pay | 2026-12-31"},
		{"2026-12-31 23:59", "Ring in 2 minutes", "Ring | 2027-01-01 00:01"},
		{"2026-12-31 23:59", "Pay next month", "Pay | 2027-01-01"},
		{"2026-12-31 23:59", "Pay 12/31", "Pay | 2026-12-31"},
		{"2026-12-31 23:59", "Pay at 9am", "Pay | 2027-01-01 09:00"},
		{"2026-12-31 23:59", "Pay next week", "Pay | 2027-01-04"},
		{"2026-12-31 23:59", "Pay end of year", "Pay | 2026-12-31"},
		{"2024-02-29 12:00", "Pay in a year", "Pay | 2025-02-28"},
		{"2024-02-29 12:00", "Pay on February 29", "Pay | 2024-02-29"},
		{"2024-03-01 12:00", "Pay on February 29", "Pay | 2028-02-29"},
		{"2097-03-01 12:00", "Pay on February 29", "Pay | 2104-02-29"},
		{"2026-02-28 12:00", "Pay tomorrow", "Pay | 2026-03-01"},
		{"2026-01-31 12:00", "Pay in a month", "Pay | 2026-02-28"},
		{"2026-02-10 12:00", "Pay on the 31st", "Pay | 2026-03-31"},
		{"2026-01-31 12:00", "Pay every month", "Pay | 2026-01-31 | FREQ=MONTHLY;BYMONTHDAY=28,29,30,31;BYSETPOS=-1"},
		{"2026-03-08 12:00", "Pay this Sunday", "Pay | 2026-03-08"},
		{"2026-03-08 12:00", "Pay this Saturday", "Pay | 2026-03-14"},
		{"2026-03-08 12:00", "Pay next Sunday", "Pay | 2026-03-15"},
		{"2026-03-08 12:00", "Pay this weekend", "Pay | 2026-03-08"},
		{"2026-03-08 12:00", "Pay next weekend", "Pay | 2026-03-14"},
		{"2026-03-07 12:00", "Pay this weekend", "Pay | 2026-03-07"},
		{"2026-03-07 12:00", "Pay by end of week", "Pay | 2026-03-08"},
		{"2026-03-06 12:00", "Pay next weekday", "Pay | 2026-03-09"},
		{"2026-12-31 12:00", "Clean every feb 29", "Clean | 2028-02-29 | FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=29"},
	}
	for _, row := range rows {
		if got := show(Parse(row.text, at(row.now), time.UTC, Options{})); got != row.want {
			t.Errorf("Parse(%q) at %s\n got %s\nwant %s", row.text, row.now, got, row.want)
		}
	}
}

func TestParse_Zones(t *testing.T) {
	rows := []struct{ zone, now, text, want string }{
		// The same instant is three days on the calendars of the world.
		{"Pacific/Kiritimati", "2026-03-04T11:00:00Z", "Pay today", "Pay | 2026-03-05"},
		{"Pacific/Niue", "2026-03-04T10:30:00Z", "Pay today", "Pay | 2026-03-03"},
		{"Pacific/Kiritimati", "2026-03-04T11:00:00Z", "Ring in 2 hours", "Ring | 2026-03-05 03:00"},
		{"Asia/Kathmandu", "2026-03-04T18:20:00Z", "Pay tomorrow", "Pay | 2026-03-06"},
		// New York skips 02:00 to 03:00 on 8 March 2026 and repeats 01:00 to 02:00 on 1 November.
		{"America/New_York", "2026-03-07T17:00:00Z", "Ring tomorrow at 2:30am", "Ring | 2026-03-08 03:30"},
		{"America/New_York", "2026-03-08T06:30:00Z", "Ring in an hour", "Ring | 2026-03-08 03:30"},
		{"America/New_York", "2026-11-01T05:30:00Z", "Ring in an hour", "Ring | 2026-11-01 01:30"},
		{"America/New_York", "2026-03-07T17:00:00Z", "Ring in 1 day and 2 hours", "Ring | 2026-03-08 14:00"},
		{"America/New_York", "2026-03-07T17:00:00Z", "Ring every day at 2:30am", "Ring | 2026-03-08 02:30 | FREQ=DAILY"},
		{"Australia/Lord_Howe", "2026-10-03T00:00:00Z", "Ring tomorrow at 2:15am", "Ring | 2026-10-04 02:45"},
		{"Europe/London", "2026-03-28T12:00:00Z", "Ring tomorrow at 1:30am", "Ring | 2026-03-29 02:30"},
		{"America/Sao_Paulo", "2018-11-03T15:00:00Z", "Ring tomorrow at 0:30", "Ring | 2018-11-04 01:30"},
	}
	for _, row := range rows {
		now, err := time.Parse(time.RFC3339, row.now)
		if err != nil {
			t.Fatal(err)
		}
		if got := show(Parse(row.text, now, zone(t, row.zone), Options{})); got != row.want {
			t.Errorf("Parse(%q) in %s at %s\n got %s\nwant %s", row.text, row.zone, row.now, got, row.want)
		}
	}
}

func TestDay(t *testing.T) {
	for d := dayOf(1968, time.January, 1); d < dayOf(2040, time.January, 1); d += 17 {
		y, m, dd := d.date()
		if dayOf(y, m, dd) != d || d.weekday() != d.utc().Weekday() {
			t.Fatalf("day %d is %s, %s", d, d, d.weekday())
		}
		for w := time.Sunday; w <= time.Saturday; w++ {
			if a, b := d.after(w), d.before(w); a.weekday() != w || b.weekday() != w || a <= d || a > d+7 || b >= d || b < d-7 {
				t.Fatalf("from %s the next %s is %s, the last %s", d, w, a, b)
			}
		}
	}
}
