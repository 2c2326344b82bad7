package phrase

import (
	"testing"
	"time"
)

func TestParse_Dates(t *testing.T) {
	testReadings(t, wednesday, Options{}, []reading{
		{"Pay today", "Pay | 2026-03-04"},
		{"Pay tmrw", "Pay | 2026-03-05"},
		{"Pay the day after tomorrow", "Pay | 2026-03-06"},
		{"Pay 2 days after tomorrow", "Pay | 2026-03-07"},
		{"The day before yesterday", "| 2026-03-02"},
		{"Pay 3 days before yesterday", "Pay | 2026-02-28"},
		{"Pay this day", "Pay | 2026-03-04"},
		{"Pay Apr 22", "Pay | 2026-04-22"},
		{"Pay on April 22nd, 2027", "Pay | 2027-04-22"},
		{"Pay Apr. 22", "Pay | 2026-04-22"},
		{"Pay 22 April '27", "Pay | 2027-04-22"},
		{"Pay April the twenty-second", "Pay | 2026-04-22"},
		{"Pay on the twenty second of April", "Pay | 2026-04-22"},
		{"Pay April twenty two", "Pay | 2026-04-22"},
		{"Pay 22-Apr-27", "Pay | 2027-04-22"},
		{"Pay 22/Apr/2027", "Pay | 2027-04-22"},
		{"Pay Apr22", "Pay | 2026-04-22"},
		{"Born on April the third nineteen eighty one", "Born | 1981-04-03"},
		{"Pay 1 May", "Pay | 2026-05-01"},
		{"Pay may 1st", "Pay | 2026-05-01"},
		{"Pay 4/22/2027", "Pay | 2027-04-22"},
		{"Pay 22/4/2027", "Pay | 2027-04-22"},
		{"Pay 4-22-27", "Pay | 2027-04-22"},
		{"Pay 22.4.2027", "Pay | 2027-04-22"},
		{"Pay 2027.4.22", "Pay | 2027-04-22"},
		{"Pay 2027/04/22", "Pay | 2027-04-22"},
		{"4/22 dentist", "4/22 dentist"},
		{"12/5 dentist", "dentist | 2026-12-05"},
		{"Pay Friday, March 6", "Pay | 2026-03-06"},
		{"Pay Mon 4/5", "Pay | 2026-05-04"},
		{"Pay on the 15th", "Pay | 2026-03-15"},
		{"Pay by the 2nd", "Pay | 2026-04-02"},
		{"Pay on 15 at 8am", "Pay | 2026-03-15 08:00"},
		{"Pay at 8am on 15", "Pay | 2026-03-15 08:00"},
		{"Pay for the thirtieth", "Pay | 2026-03-30"},
		{"Pay the 20th of next month", "Pay | 2026-04-20"},
		{"Pay first Friday of next month", "Pay | 2026-04-03"},
		{"Pay first Monday of the month", "Pay | 2026-04-06"},
		{"Pay on the last Friday in June", "Pay | 2026-06-26"},
		{"Pay 2nd to last Friday in June", "Pay | 2026-06-19"},
		{"Pay the last day of February", "Pay | 2027-02-28"},
		{"Pay the 3rd last day of May", "Pay | 2026-05-29"},
		{"Pay on the 100th day of 2027", "Pay | 2027-04-10"},
		{"Pay last workday of the month", "Pay | 2026-03-31"},
		{"Pay first business day of next month", "Pay | 2026-04-01"},
		{"Pay second Sunday", "Pay | 2026-03-08"},
		{"Pay first Sunday", "Pay | 2026-04-05"},
		{"Pay end of month", "Pay | 2026-03-31"},
		{"Pay at the end of next year", "Pay | 2027-12-31"},
		{"Pay by the end of this week", "Pay | 2026-03-06"},
		{"Pay at the start of next month", "Pay | 2026-04-01"},
		{"Pay next quarter", "Pay | 2026-04-01"},
		{"Pay next year", "Pay | 2027-01-01"},
		{"Pay the week after next", "Pay | 2026-03-16"},
		{"Pay in June 2027", "Pay | 2027-06-01"},
		{"Pay next June", "Pay | 2026-06-01"},
		{"Pay next weekday", "Pay | 2026-03-05"},
		{"Pay this weekend", "Pay | 2026-03-07"},
		{"Pay next weekend", "Pay | 2026-03-14"},
		{"Pay on the weekend", "Pay | 2026-03-07"},
		{"Pay Friday next week", "Pay | 2026-03-13"},
		{"Pay this week Friday", "Pay | 2026-03-06"},
		{"Pay on Tuesday of next week", "Pay | 2026-03-10"},
		{"Pay Friday after next", "Pay | 2026-03-13"},
		{"Pay this coming Friday", "Pay | 2026-03-06"},
		{"Pay last Friday", "Pay | 2026-02-27"},
		{"Pay on Christmas", "Pay | 2026-12-25"},
		{"Pay by Christmas Eve", "Pay | 2026-12-24"},
		{"Party on New Year's Eve at 8pm", "Party | 2026-12-31 20:00"},
		{"Pay 3 days from tomorrow", "Pay | 2026-03-08"},
		{"Pay a week from Friday", "Pay | 2026-03-13"},
		{"Pay a week on Friday", "Pay | 2026-03-13"},
		{"Pay 2 weeks before April 22", "Pay | 2026-04-08"},
		{"Pay Friday +10 days", "Pay | 2026-03-16"},
		{"Pay 3 Fridays from now", "Pay | 2026-03-20"},
		{"Pay two Mondays later", "Pay | 2026-03-16"},
		{"Seen 2 Mondays ago", "Seen | 2026-02-23"},
		{"Pay in a fortnight", "Pay | 2026-03-18"},
		{"Pay in two weeks' time", "Pay | 2026-03-18"},
		{"Pay within 10 days", "Pay | 2026-03-14"},
		{"Pay after 3 days", "Pay | 2026-03-07"},
		{"Pay in the next 2 weeks", "Pay | 2026-03-18"},
		{"Pay in 1 year and 2 months", "Pay | 2027-05-04"},
		{"Pay in half a year", "Pay | 2026-09-04"},
		{"Pay 3mo later", "Pay | 2026-06-04"},
		{"In 1d, 2hr and 5min", "| 2026-03-05 12:05"},
		{"Ring in an hour and a half", "Ring | 2026-03-04 11:30"},
		{"Ring in 2.5 hours", "Ring | 2026-03-04 12:30"},
		{"Ring in about half an hour", "Ring | 2026-03-04 10:30"},
		{"Ring in a quarter of an hour", "Ring | 2026-03-04 10:15"},
		{"Ring in 90 seconds", "Ring | 2026-03-04 10:01:30"},
		{"Ring a couple of hours from now", "Ring | 2026-03-04 12:00"},
		{"Read in the morning of the 20th", "Read | 2026-03-20 09:00"},
		{"Submit (by Friday) please", "Submit please | 2026-03-06"},
		{"Due: Friday", "| 2026-03-06"},
		{"Report no later than Friday", "Report | 2026-03-06"},
		{"Slides by Friday for the Monday meeting", "Slides for the Monday meeting | 2026-03-06"},
		{"Room for a Friday meeting at 5pm", "Room for a meeting | 2026-03-06 17:00"},
		{"Notes for tomorrow's call at ten am", "Notes for call | 2026-03-05 10:00"},
		{"What we said yesterday, by Friday", "What we said yesterday | 2026-03-06"},
		{"Call Wendesday", "Call | 2026-03-11"},
		{"Call on Febuary 3", "Call | 2027-02-03"},
		{"Call tomorow", "Call | 2026-03-05"},
	})
}

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
