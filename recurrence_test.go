package tandem

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func rule(tb testing.TB, text string) Rule {
	tb.Helper()
	r, err := ParseRule(text)
	if err != nil {
		tb.Fatalf("ParseRule(%q): %v", text, err)
	}
	return r
}

func dates(dues []Due) []string {
	var out []string
	for _, d := range dues {
		out = append(out, d.Date)
	}
	return out
}

func TestParseRule_Canonical(t *testing.T) {
	tests := []struct{ text, want string }{
		{"FREQ=DAILY", "FREQ=DAILY"},
		{"RRULE:FREQ=DAILY;INTERVAL=1", "FREQ=DAILY"},
		{"rrule:freq=weekly;byday=th,mo;interval=2", "FREQ=WEEKLY;INTERVAL=2;BYDAY=MO,TH"},
		{" FREQ=WEEKLY; BYDAY=SU, MO ;WKST=MO; ", "FREQ=WEEKLY;BYDAY=MO,SU"},
		{"FREQ=WEEKLY;WKST=SU", "FREQ=WEEKLY;WKST=SU"},
		{"COUNT=005;BYDAY=-1FR,+1MO,3WE,MO;FREQ=MONTHLY", "FREQ=MONTHLY;BYDAY=MO,1MO,3WE,-1FR;COUNT=5"},
		{"FREQ=MONTHLY;BYMONTHDAY=-1,31,1,-2", "FREQ=MONTHLY;BYMONTHDAY=1,31,-2,-1"},
		{"FREQ=YEARLY;BYMONTHDAY=6;BYMONTH=5,1", "FREQ=YEARLY;BYMONTH=1,5;BYMONTHDAY=6"},
		{"FREQ=MONTHLY;BYSETPOS=1;BYDAY=MO,TU", "FREQ=MONTHLY;BYDAY=MO,TU;BYSETPOS=1"},
		{"FREQ=WEEKLY;UNTIL=20320101", "FREQ=WEEKLY;UNTIL=20320101"},
		{"FREQ=WEEKLY;UNTIL=20320101t235959z", "FREQ=WEEKLY;UNTIL=20320101T235959Z"},
		{"FREQ=DAILY\r\nEXDATE:20261202T090000,20261201T090000\r\n", "FREQ=DAILY\nEXDATE:20261201T090000,20261202T090000"},
		{"RRULE:FREQ=DAILY\nexdate;value=date:20261201\nEXDATE:20261201", "FREQ=DAILY\nEXDATE:20261201"},
		{"EXDATE:20261201\nRRULE:FREQ=DAILY", "FREQ=DAILY\nEXDATE:20261201"},
		{"FREQ=YEARLY;BYDAY=53MO", "FREQ=YEARLY;BYDAY=53MO"},
		{"FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=29;BYDAY=MO", "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=29;BYDAY=MO"},
		{"FREQ=DAILY;COUNT=1000000000;INTERVAL=999", "FREQ=DAILY;INTERVAL=999;COUNT=1000000000"},
	}
	for _, tt := range tests {
		if got := rule(t, tt.text).String(); got != tt.want {
			t.Errorf("%q: got %q, want %q", tt.text, got, tt.want)
		}
	}
}

func TestParseRule_RefusesByName(t *testing.T) {
	tests := []struct{ text, name string }{
		{"", "FREQ"},
		{"RRULE:", "FREQ"},
		{"INTERVAL=2", "FREQ"},
		{"EXDATE:20261201", "FREQ"},
		{"daily", "DAILY"},
		{"every monday", "EVERY MONDAY"},
		{"FREQ=", "FREQ"},
		{"FREQ=HOURLY", "HOURLY"},
		{"FREQ=SECONDLY", "SECONDLY"},
		{"FREQ=DAILY;BYHOUR=9", "BYHOUR"},
		{"FREQ=DAILY;BYMINUTE=9", "BYMINUTE"},
		{"FREQ=YEARLY;BYWEEKNO=9", "BYWEEKNO"},
		{"FREQ=YEARLY;BYYEARDAY=9", "BYYEARDAY"},
		{"FREQ=YEARLY;BYEASTER=1", "BYEASTER"},
		{"FREQ=DAILY;COLOUR=RED", "COLOUR"},
		{"FREQ=DAILY;DTSTART=20260101", "DTSTART"},
		{"DTSTART:20260101\nRRULE:FREQ=DAILY", "DTSTART"},
		{"RRULE:FREQ=DAILY\nRDATE:20260101", "RDATE"},
		{"FREQ=DAILY\nFREQ=WEEKLY", "more than one"},
		{"FREQ=DAILY;INTERVAL=1000", "INTERVAL"},
		{"FREQ=DAILY;INTERVAL=0", "INTERVAL"},
		{"FREQ=DAILY;INTERVAL=-1", "INTERVAL"},
		{"FREQ=DAILY;INTERVAL=1.5", "INTERVAL"},
		{"FREQ=DAILY;INTERVAL", "INTERVAL"},
		{"FREQ=DAILY;INTERVAL=99999999999999999999", "INTERVAL"},
		{"FREQ=DAILY;COUNT=0", "COUNT"},
		{"FREQ=DAILY;COUNT=1000000001", "COUNT"},
		{"FREQ=DAILY;COUNT=5;UNTIL=20261201", "UNTIL"},
		{"FREQ=DAILY;UNTIL=2026-12-01", "UNTIL"},
		{"FREQ=DAILY;UNTIL=20260230", "UNTIL"},
		{"FREQ=DAILY;UNTIL=20261201T2500", "UNTIL"},
		{"FREQ=DAILY;UNTIL=19691231", "UNTIL"},
		{"FREQ=DAILY;UNTIL=20261201T090000.5", "UNTIL"},
		{"FREQ=DAILY;BYMONTH=13", "BYMONTH"},
		{"FREQ=DAILY;BYMONTH=", "BYMONTH"},
		{"FREQ=DAILY;BYMONTH=1,1", "BYMONTH"},
		{"FREQ=MONTHLY;BYMONTHDAY=32", "BYMONTHDAY"},
		{"FREQ=MONTHLY;BYMONTHDAY=0", "BYMONTHDAY"},
		{"FREQ=WEEKLY;BYMONTHDAY=1", "BYMONTHDAY"},
		{"FREQ=WEEKLY;BYDAY=XX", "BYDAY"},
		{"FREQ=WEEKLY;BYDAY=M", "BYDAY"},
		{"FREQ=WEEKLY;BYDAY=1MO", "BYDAY"},
		{"FREQ=DAILY;BYDAY=-1MO", "BYDAY"},
		{"FREQ=MONTHLY;BYDAY=0MO", "BYDAY"},
		{"FREQ=MONTHLY;BYDAY=6MO", "BYDAY"},
		{"FREQ=MONTHLY;BYDAY=1MO,+1MO", "BYDAY"},
		{"FREQ=YEARLY;BYDAY=54MO", "BYDAY"},
		{"FREQ=YEARLY;BYMONTH=12;BYDAY=53MO", "BYDAY"},
		{"FREQ=YEARLY;BYMONTH=12;BYDAY=-53MO", "BYDAY"},
		{"FREQ=MONTHLY;BYSETPOS=1", "BYSETPOS"},
		{"FREQ=MONTHLY;BYDAY=MO;BYSETPOS=367", "BYSETPOS"},
		{"FREQ=WEEKLY;WKST=1MO", "WKST"},
		{"FREQ=WEEKLY;FREQ=DAILY", "FREQ"},
		{"FREQ=DAILY;INTERVAL=2;interval=3", "INTERVAL"},
		{"FREQ=DAILY\nEXDATE:20261201Z", "EXDATE"},
		{"FREQ=DAILY\nEXDATE:20261201T090000Z", "EXDATE"},
		{"FREQ=DAILY\nEXDATE;TZID=Europe/Berlin:20261201T090000", "EXDATE"},
		{"FREQ=DAILY\nEXDATE:", "EXDATE"},
		{"FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30", "never occurs"},
		{"FREQ=MONTHLY;BYMONTH=4,6,9,11;BYMONTHDAY=31", "never occurs"},
		{"FREQ=DAILY;BYMONTH=2;BYMONTHDAY=-30", "never occurs"},
		{"FREQ=MONTHLY;BYDAY=1MO;BYMONTHDAY=20", "never occurs"},
		{"FREQ=WEEKLY;BYDAY=MO,TU;BYSETPOS=3", "never occurs"},
		{"FREQ=DAILY;BYDAY=MO;BYSETPOS=2", "never occurs"},
		{strings.Repeat(" ", maxRuleText) + "FREQ=DAILY", "at most"},
	}
	for _, tt := range tests {
		t.Run(tt.text[:min(len(tt.text), 60)], func(t *testing.T) {
			r, err := ParseRule(tt.text)
			e, ok := errors.AsType[*Error](err)
			if !ok || e.Code != CodeInvalid || e.Details.Field != "recurrence" || !strings.Contains(e.Message, tt.name) {
				t.Fatalf("got %v, %v; want invalid recurrence that names %s", r, err, tt.name)
			}
			if len(e.Message) > 300 {
				t.Errorf("the message echoes too much: %d bytes", len(e.Message))
			}
		})
	}
}

func TestParseRule_ExceptionsAreBounded(t *testing.T) {
	days := func(n int) string {
		var out []string
		for d := range n {
			out = append(out, time.Date(2026, 1, 1+d, 0, 0, 0, 0, time.UTC).Format("20060102"))
		}
		return "FREQ=DAILY\nEXDATE:" + strings.Join(out, ",")
	}
	full := rule(t, days(maxExceptions))
	if _, err := ParseRule(days(maxExceptions + 1)); !errors.Is(err, ErrInvalid) {
		t.Errorf("one exception too many: got %v, want invalid", err)
	}
	more := full.Without(Due{Date: "2027-06-01", Time: "09:00"})
	if n := len(more.except); n != maxExceptions {
		t.Errorf("got %d exceptions, want %d", n, maxExceptions)
	}
	if got := more.String(); !strings.HasSuffix(got, ",20270601T090000") || strings.Contains(got, "20260101") {
		t.Errorf("the oldest exception must go for the new one: %s", got)
	}
	if full.String() != days(maxExceptions) {
		t.Error("Without changed its receiver")
	}
}

func TestUpcoming(t *testing.T) {
	tests := []struct {
		name, rule, anchor string
		want               []string
	}{
		{"daily", "FREQ=DAILY", "2026-12-30", []string{"2026-12-30", "2026-12-31", "2027-01-01"}},
		{"daily over the leap day", "FREQ=DAILY", "2028-02-28", []string{"2028-02-28", "2028-02-29", "2028-03-01"}},
		{"weekly over the year's end", "FREQ=WEEKLY", "2026-12-24", []string{"2026-12-24", "2026-12-31", "2027-01-07"}},
		{"every other week over the year's end", "FREQ=WEEKLY;INTERVAL=2;BYDAY=MO,SU", "2026-12-21", []string{"2026-12-21", "2026-12-27", "2027-01-04", "2027-01-10"}},
		{"the week's start matters", "FREQ=WEEKLY;INTERVAL=2;BYDAY=TU,SU;WKST=SU", "1997-08-05", []string{"1997-08-05", "1997-08-17", "1997-08-19", "1997-08-31"}},
		{"the same with Monday", "FREQ=WEEKLY;INTERVAL=2;BYDAY=TU,SU", "1997-08-05", []string{"1997-08-05", "1997-08-10", "1997-08-19", "1997-08-24"}},
		{"monthly on the 31st keeps to months that have it", "FREQ=MONTHLY", "2027-01-31", []string{"2027-01-31", "2027-03-31", "2027-05-31"}},
		{"the last day, by the pattern's form", "FREQ=MONTHLY;BYMONTHDAY=28,29,30,31;BYSETPOS=-1", "2027-01-31", []string{"2027-01-31", "2027-02-28", "2027-03-31", "2027-04-30"}},
		{"the 30th, by the pattern's form", "FREQ=MONTHLY;BYMONTHDAY=28,29,30;BYSETPOS=-1", "2027-01-30", []string{"2027-01-30", "2027-02-28", "2027-03-30"}},
		{"the 29th, by the pattern's form", "FREQ=MONTHLY;BYMONTHDAY=28,29;BYSETPOS=-1", "2028-01-29", []string{"2028-01-29", "2028-02-29", "2028-03-29"}},
		{"yearly on 29 February", "FREQ=YEARLY", "2096-02-29", []string{"2096-02-29", "2104-02-29", "2108-02-29"}},
		{"yearly on 29 February, every three years", "FREQ=YEARLY;INTERVAL=3", "2024-02-29", []string{"2024-02-29", "2036-02-29", "2048-02-29"}},
		{"third Friday", "FREQ=MONTHLY;BYDAY=3FR", "2026-10-01", []string{"2026-10-16", "2026-11-20", "2026-12-18"}},
		{"fifth Monday", "FREQ=MONTHLY;BYDAY=5MO", "2026-01-01", []string{"2026-03-30", "2026-06-29", "2026-08-31"}},
		{"last workday", "FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-1", "2026-10-01", []string{"2026-10-30", "2026-11-30", "2026-12-31"}},
		{"plain and ordinal weekdays are a union", "FREQ=MONTHLY;BYDAY=MO,-1FR", "2026-10-20", []string{"2026-10-26", "2026-10-30", "2026-11-02"}},
		{"Friday the 13th", "FREQ=MONTHLY;BYDAY=FR;BYMONTHDAY=13", "2026-01-01", []string{"2026-02-13", "2026-03-13", "2026-11-13"}},
		{"yearly in two months, on the anchor's day", "FREQ=YEARLY;BYMONTH=3,9", "2026-01-15", []string{"2026-03-15", "2026-09-15", "2027-03-15"}},
		{"yearly on a day of every month", "FREQ=YEARLY;BYMONTHDAY=15", "2026-01-01", []string{"2026-01-15", "2026-02-15"}},
		{"yearly on the 53rd Thursday", "FREQ=YEARLY;BYDAY=53TH", "2026-01-01", []string{"2026-12-31", "2032-12-30"}},
		{"daily in one month", "FREQ=DAILY;BYMONTH=2;BYDAY=SA,SU", "2026-02-21", []string{"2026-02-21", "2026-02-22", "2026-02-28", "2027-02-06"}},
		{"COUNT from the anchor", "FREQ=DAILY;COUNT=2", "2026-12-31", []string{"2026-12-31", "2027-01-01"}},
		{"COUNT includes exceptions", "FREQ=DAILY;COUNT=3\nEXDATE:20270101", "2026-12-31", []string{"2026-12-31", "2027-01-02"}},
		{"an anchor that does not meet the rule is no occurrence", "FREQ=WEEKLY;BYDAY=MO;COUNT=2", "2026-12-01", []string{"2026-12-07", "2026-12-14"}},
		{"UNTIL is inclusive", "FREQ=DAILY;UNTIL=20270101", "2026-12-31", []string{"2026-12-31", "2027-01-01"}},
		{"UNTIL before the anchor", "FREQ=DAILY;UNTIL=20261230", "2026-12-31", nil},
		{"BYSETPOS counts from the beginning of the first week", "FREQ=WEEKLY;BYDAY=MO,WE,FR;BYSETPOS=1", "2026-12-02", []string{"2026-12-07", "2026-12-14"}},
		{"a rule that its anchor makes impossible", "FREQ=MONTHLY;BYMONTH=2", "2026-01-30", nil},
		{"an interval that never meets the weekday", "FREQ=DAILY;INTERVAL=7;BYDAY=MO", "2026-12-01", nil},
		{"centuries between occurrences", "FREQ=DAILY;INTERVAL=19;BYMONTH=1;BYMONTHDAY=1;BYDAY=SU", "2005-01-01", []string{"2023-01-01", "2090-01-01", "2350-01-01", "2417-01-01", "2547-01-01", "2941-01-01", "3004-01-01"}},
		{"beyond the horizon: the first one is in 2620", "FREQ=DAILY;INTERVAL=997;BYMONTH=2;BYMONTHDAY=29", "2025-02-01", nil},
		{"the end of the calendar", "FREQ=MONTHLY", "9999-11-15", []string{"9999-11-15", "9999-12-15"}},
		{"the end of the calendar, in weeks", "FREQ=WEEKLY;BYDAY=FR,SA", "9999-12-20", []string{"9999-12-24", "9999-12-25", "9999-12-31"}},
		{"the longest interval", "FREQ=YEARLY;INTERVAL=999", "2026-12-01", []string{"2026-12-01", "3025-12-01", "4024-12-01"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			before := Due{Date: tt.anchor}.ShiftDays(-1)
			n := len(tt.want)
			if n == 0 || strings.Contains(tt.rule, "COUNT") || strings.Contains(tt.rule, "UNTIL") {
				n++ // and no more than these
			}
			got := rule(t, tt.rule).Upcoming(Due{Date: tt.anchor}, before, n)
			if diff := cmp.Diff(tt.want, dates(got)); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

func TestNext_KeepsTheAnchorsTimeAndZone(t *testing.T) {
	anchor := Due{"2026-12-01", "09:00", "Asia/Karachi"}
	r := rule(t, "FREQ=MONTHLY")
	got, ok := r.Next(anchor, anchor)
	if want := (Due{"2027-01-01", "09:00", "Asia/Karachi"}); !ok || got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
	if first, ok := r.First(anchor); !ok || first != anchor {
		t.Errorf("first: got %+v, want the anchor", first)
	}
}

func TestNext_ComparesWallClocks(t *testing.T) {
	timed := Due{Date: "2026-12-01", Time: "09:00"}
	tests := []struct {
		name          string
		anchor, after Due
		want          string
	}{
		{"moved to later on the same day", timed, Due{Date: "2026-12-02", Time: "17:00"}, "2026-12-03"},
		{"moved to earlier on the same day", timed, Due{Date: "2026-12-02", Time: "08:00"}, "2026-12-02"},
		{"moved to the whole day", timed, Due{Date: "2026-12-02"}, "2026-12-03"},
		{"a whole day that got a time", Due{Date: "2026-12-01"}, Due{Date: "2026-12-02", Time: "08:00"}, "2026-12-03"},
		{"long before the anchor", timed, Due{Date: "1970-01-01"}, "2026-12-01"},
	}
	for _, tt := range tests {
		if got, ok := rule(t, "FREQ=DAILY").Next(tt.anchor, tt.after); !ok || got.Date != tt.want {
			t.Errorf("%s: got %+v, want %s", tt.name, got, tt.want)
		}
	}
}

func TestNext_UntilWithATime(t *testing.T) {
	anchor := Due{"2026-12-01", "09:00", "America/New_York"}
	tests := []struct {
		until  string
		anchor Due
		ends   bool
	}{
		{"20261202", anchor, false},
		{"20261201", anchor, true},
		{"20261202T090000", anchor, false},
		{"20261202T085959", anchor, true},
		{"20261202T140000Z", anchor, false},
		{"20261202T135959Z", anchor, true},
		{"20261202T090000Z", Due{Date: "2026-12-01", Time: "09:00"}, false},
		{"20261202T000000", Due{Date: "2026-12-01"}, false},
	}
	for _, tt := range tests {
		got, ok := rule(t, "FREQ=DAILY;UNTIL="+tt.until).Next(tt.anchor, tt.anchor)
		if ok == tt.ends {
			t.Errorf("UNTIL=%s from %+v: got %+v, %v", tt.until, tt.anchor, got, ok)
		}
	}
}

func TestNextOpen(t *testing.T) {
	const zoneNY = "America/New_York"
	weekdayNine := Due{"2026-12-07", "09:00", zoneNY}
	tests := []struct {
		name, rule    string
		anchor, after Due
		now           string
		want          string // empty: ended
	}{
		{"completed early keeps the schedule", "FREQ=WEEKLY", weekdayNine, weekdayNine, "2026-12-01T12:00:00Z", "2026-12-14"},
		{"completed in time", "FREQ=WEEKLY", weekdayNine, weekdayNine, "2026-12-07T15:00:00Z", "2026-12-14"},
		{"three periods late", "FREQ=WEEKLY", weekdayNine, weekdayNine, "2026-12-30T12:00:00Z", "2027-01-04"},
		{"at the very instant of an occurrence it has begun", "FREQ=WEEKLY", weekdayNine, weekdayNine, "2026-12-14T14:00:00Z", "2026-12-21"},
		{"a second before it", "FREQ=WEEKLY", weekdayNine, weekdayNine, "2026-12-14T13:59:59Z", "2026-12-14"},
		{"anchored 50 years ago", "FREQ=DAILY", Due{"1976-01-01", "09:00", zoneNY}, Due{"1976-01-01", "09:00", zoneNY}, "2026-12-01T12:00:00Z", "2026-12-01"},
		{"missed occurrences count", "FREQ=WEEKLY;COUNT=3", weekdayNine, weekdayNine, "2026-12-15T12:00:00Z", "2026-12-21"},
		{"missed to the end", "FREQ=WEEKLY;COUNT=3", weekdayNine, weekdayNine, "2026-12-30T12:00:00Z", ""},
		{"over a skipped time", "FREQ=DAILY", Due{"2027-03-13", "02:30", zoneNY}, Due{"2027-03-13", "02:30", zoneNY}, "2027-03-14T07:00:00Z", "2027-03-14"},
		{"after a skipped time", "FREQ=DAILY", Due{"2027-03-13", "02:30", zoneNY}, Due{"2027-03-13", "02:30", zoneNY}, "2027-03-14T07:30:00Z", "2027-03-15"},
		{"the repeated time does not come twice", "FREQ=DAILY", Due{"2026-10-31", "01:30", zoneNY}, Due{"2026-10-31", "01:30", zoneNY}, "2026-11-01T05:30:00Z", "2026-11-02"},
		{"a whole day is open until its end", "FREQ=DAILY", Due{Date: "2026-12-01"}, Due{Date: "2026-12-01"}, "2026-12-05T18:29:58Z", "2026-12-05"},
		{"and not longer", "FREQ=DAILY", Due{Date: "2026-12-01"}, Due{Date: "2026-12-01"}, "2026-12-05T18:29:59Z", "2026-12-06"},
		{"the day that Apia left out", "FREQ=DAILY", Due{"2011-12-28", "09:00", "Pacific/Apia"}, Due{"2011-12-29", "09:00", "Pacific/Apia"}, "2011-12-30T18:59:59Z", "2011-12-30"},
		{"the whole day that Apia left out", "FREQ=DAILY", Due{Date: "2011-12-28", TimeZone: "Pacific/Apia"}, Due{Date: "2011-12-29"}, "2011-12-30T22:00:00Z", "2011-12-30"},
		{"both days in one", "FREQ=DAILY", Due{"2011-12-28", "09:00", "Pacific/Apia"}, Due{"2011-12-29", "09:00", "Pacific/Apia"}, "2011-12-30T19:00:00Z", "2012-01-01"},
		{"a clock set to the far future", "FREQ=DAILY", weekdayNine, weekdayNine, "9999-12-31T23:00:00Z", ""},
	}
	kolkata := zone(t, "Asia/Kolkata")
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			now, err := time.Parse(time.RFC3339, tt.now)
			if err != nil {
				t.Fatal(err)
			}
			got, ok := rule(t, tt.rule).NextOpen(tt.anchor, tt.after, now, kolkata)
			if ok != (tt.want != "") || got.Date != tt.want {
				t.Errorf("got %+v, %v; want %q", got, ok, tt.want)
			}
		})
	}
	if got, ok := rule(t, "FREQ=DAILY").NextOpen(weekdayNine, weekdayNine, time.Date(123456, 1, 1, 0, 0, 0, 0, time.UTC), nil); ok {
		t.Errorf("beyond the calendar: got %+v", got)
	}
}

func TestNextOpen_InstantsFollowTheZone(t *testing.T) {
	tests := []struct {
		anchor Due
		rule   string
		want   []string
	}{
		{Due{"2026-10-30", "09:00", "America/New_York"}, "FREQ=DAILY", []string{"2026-10-31T13:00:00Z", "2026-11-01T14:00:00Z", "2026-11-02T14:00:00Z"}},
		{Due{"2027-03-27", "01:30", "Europe/London"}, "FREQ=DAILY", []string{"2027-03-28T01:30:00Z", "2027-03-29T00:30:00Z"}},
		{Due{"2026-10-03", "02:10", "Australia/Lord_Howe"}, "FREQ=DAILY", []string{"2026-10-03T15:40:00Z", "2026-10-04T15:10:00Z"}},
		{Due{"2026-02-14", "09:00", "Africa/Casablanca"}, "FREQ=DAILY", []string{"2026-02-15T09:00:00Z", "2026-02-16T09:00:00Z"}},
		{Due{"2026-03-20", "09:00", "Africa/Casablanca"}, "FREQ=DAILY", []string{"2026-03-21T09:00:00Z", "2026-03-22T08:00:00Z"}},
		{Due{"2026-12-30", "09:00", "Asia/Kathmandu"}, "FREQ=WEEKLY", []string{"2027-01-06T03:15:00Z"}},
		{Due{"2026-12-31", "09:00", "Pacific/Kiritimati"}, "FREQ=DAILY", []string{"2026-12-31T19:00:00Z"}},
	}
	for _, tt := range tests {
		var got []string
		for _, d := range rule(t, tt.rule).Upcoming(tt.anchor, tt.anchor, len(tt.want)) {
			got = append(got, d.At(nil).Format(time.RFC3339))
		}
		if diff := cmp.Diff(tt.want, got); diff != "" {
			t.Errorf("%+v, -want +got:\n%s", tt.anchor, diff)
		}
	}
}

func TestAfterCompletion(t *testing.T) {
	anchor := Due{"2026-01-31", "09:00", "Asia/Tokyo"}
	tests := []struct{ name, rule, completed, want string }{
		{"days after", "FREQ=DAILY;INTERVAL=3", "2026-12-01T05:00:00Z", "2026-12-04"},
		{"the local date counts", "FREQ=DAILY;INTERVAL=3", "2026-12-01T20:00:00Z", "2026-12-05"},
		{"a week after, on the same weekday", "FREQ=WEEKLY", "2026-12-02T05:00:00Z", "2026-12-09"},
		{"the next Monday", "FREQ=WEEKLY;BYDAY=MO", "2026-12-02T05:00:00Z", "2026-12-07"},
		{"Monday of the week after next", "FREQ=WEEKLY;INTERVAL=2;BYDAY=MO", "2026-12-02T05:00:00Z", "2026-12-14"},
		{"completed on an occurrence", "FREQ=WEEKLY;BYDAY=MO", "2026-12-07T05:00:00Z", "2026-12-14"},
		{"a month after", "FREQ=MONTHLY", "2026-12-15T05:00:00Z", "2027-01-15"},
		{"a month after the 31st", "FREQ=MONTHLY", "2027-01-31T05:00:00Z", "2027-02-28"},
		{"two months after the 31st", "FREQ=MONTHLY;INTERVAL=2", "2027-01-31T05:00:00Z", "2027-03-31"},
		{"a year after the leap day", "FREQ=YEARLY", "2028-02-29T05:00:00Z", "2029-02-28"},
		{"an exception is passed over", "FREQ=MONTHLY\nEXDATE:20270228", "2027-01-31T05:00:00Z", "2027-03-31"},
		{"UNTIL holds", "FREQ=MONTHLY;UNTIL=20270227", "2027-01-31T05:00:00Z", ""},
		{"UNTIL holds for days", "FREQ=DAILY;UNTIL=20270227", "2027-02-27T05:00:00Z", ""},
		{"COUNT is not the schedule's", "FREQ=DAILY;COUNT=2", "2027-01-31T05:00:00Z", "2027-02-01"},
		{"nor are exceptions", "FREQ=DAILY;COUNT=2\nEXDATE:20270201", "2027-01-31T05:00:00Z", "2027-02-02"},
		{"the last of COUNT", "FREQ=DAILY;COUNT=1", "2027-01-31T05:00:00Z", ""},
		{"the end of the calendar", "FREQ=MONTHLY", "9999-12-31T05:00:00Z", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			completed, err := time.Parse(time.RFC3339, tt.completed)
			if err != nil {
				t.Fatal(err)
			}
			got, ok := rule(t, tt.rule).AfterCompletion(anchor, completed, nil)
			want := Due{tt.want, "09:00", "Asia/Tokyo"}
			if ok != (tt.want != "") || ok && got != want {
				t.Errorf("got %+v, %v; want %q", got, ok, tt.want)
			}
		})
	}
}

func TestCountDown(t *testing.T) {
	r, left := rule(t, "FREQ=DAILY;COUNT=3"), 0
	for ok := true; ok; r, ok = r.CountDown() {
		left++
	}
	if left != 3 {
		t.Errorf("COUNT=3 lasted for %d occurrences", left)
	}
	if r, ok := rule(t, "FREQ=DAILY").CountDown(); !ok || r.String() != "FREQ=DAILY" {
		t.Errorf("a rule without COUNT: got %v, %v", r, ok)
	}
}

func TestWithout(t *testing.T) {
	r := rule(t, "FREQ=DAILY").Without(Due{Date: "2026-12-03", Time: "09:00"}).Without(Due{Date: "2026-12-02"}).Without(Due{Date: "2026-12-03"})
	if want := "FREQ=DAILY\nEXDATE:20261202,20261203T090000"; r.String() != want {
		t.Errorf("got %q, want %q", r, want)
	}
	got := r.Upcoming(Due{Date: "2026-12-01", Time: "10:00"}, Due{Date: "2026-11-01"}, 3)
	if diff := cmp.Diff([]string{"2026-12-01", "2026-12-04", "2026-12-05"}, dates(got)); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	three := rule(t, "FREQ=DAILY\nEXDATE:20261201,20261202,20261203")
	a, b := three.Without(Due{Date: "2026-12-08"}), three.Without(Due{Date: "2026-12-09"})
	if a, b := a.String(), b.String(); !strings.HasSuffix(a, ",20261208") || !strings.HasSuffix(b, ",20261209") {
		t.Errorf("two rules made from one share exceptions: %q, %q", a, b)
	}
	if r := (Rule{}).Without(Due{Date: "2026-12-03"}); !r.IsZero() || r.String() != "" {
		t.Errorf("the zero rule became %q", r)
	}
}

func TestPattern(t *testing.T) {
	const tuesday, last = "2026-12-01", "2027-01-31"
	tests := []struct{ rule, first, want string }{
		{"FREQ=DAILY", tuesday, "daily"},
		{"FREQ=DAILY\nEXDATE:20261202", tuesday, "daily"},
		{"FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR,SA,SU", tuesday, "daily"},
		{"FREQ=DAILY;INTERVAL=3", tuesday, "custom"},
		{"FREQ=DAILY;COUNT=3", tuesday, "custom"},
		{"FREQ=DAILY;UNTIL=20270101", tuesday, "custom"},
		{"FREQ=DAILY;BYDAY=MO", tuesday, "custom"},
		{"FREQ=WEEKLY", tuesday, "weekly"},
		{"FREQ=WEEKLY;BYDAY=TU", tuesday, "weekly"},
		{"FREQ=WEEKLY;BYDAY=MO", tuesday, "custom"},
		{"FREQ=WEEKLY;BYDAY=MO,TU", tuesday, "custom"},
		{"FREQ=WEEKLY;INTERVAL=2", tuesday, "custom"},
		{"FREQ=WEEKLY;BYMONTH=12", tuesday, "custom"},
		{"FREQ=MONTHLY", tuesday, "monthly"},
		{"FREQ=MONTHLY;BYMONTHDAY=1", tuesday, "monthly"},
		{"FREQ=MONTHLY;BYMONTHDAY=2", tuesday, "custom"},
		{"FREQ=MONTHLY;BYMONTHDAY=1,2", tuesday, "custom"},
		{"FREQ=MONTHLY;BYDAY=1TU", tuesday, "custom"},
		{"FREQ=MONTHLY;BYMONTHDAY=28,29,30,31;BYSETPOS=-1", last, "monthly"},
		{"FREQ=MONTHLY;BYMONTHDAY=28,29,30;BYSETPOS=-1", last, "custom"},
		{"FREQ=MONTHLY;BYMONTHDAY=28,29,30;BYSETPOS=-1", "2027-01-30", "monthly"},
		{"FREQ=MONTHLY;BYMONTHDAY=-1", last, "monthly"},
		{"FREQ=MONTHLY;BYMONTHDAY=-1", "2027-02-28", "custom"},
		{"FREQ=YEARLY", tuesday, "custom"},
	}
	for _, tt := range tests {
		if got := rule(t, tt.rule).Pattern(Due{Date: tt.first}); got != tt.want {
			t.Errorf("%s from %s: got %s, want %s", tt.rule, tt.first, got, tt.want)
		}
	}
	if got := (Rule{}).Pattern(Due{Date: tuesday}); got != "none" {
		t.Errorf("the zero rule: got %s", got)
	}
}

func TestPatternRule(t *testing.T) {
	tests := []struct {
		pattern string
		due     *Due
		want    string
	}{
		{"none", nil, ""},
		{"daily", nil, "FREQ=DAILY"},
		{"weekly", &Due{Date: "2026-12-01"}, "FREQ=WEEKLY"},
		{"monthly", nil, "FREQ=MONTHLY"},
		{"monthly", &Due{Date: "2027-02-28"}, "FREQ=MONTHLY"},
		{"monthly", &Due{Date: "2026-12-29", Time: "23:00"}, "FREQ=MONTHLY;BYMONTHDAY=28,29;BYSETPOS=-1"},
		{"monthly", &Due{Date: "2026-12-30"}, "FREQ=MONTHLY;BYMONTHDAY=28,29,30;BYSETPOS=-1"},
		{"monthly", &Due{Date: "2026-12-31"}, "FREQ=MONTHLY;BYMONTHDAY=28,29,30,31;BYSETPOS=-1"},
	}
	for _, tt := range tests {
		r, err := PatternRule(tt.pattern, tt.due)
		if err != nil || r.String() != tt.want {
			t.Errorf("%s for %v: got %q, %v; want %q", tt.pattern, tt.due, r, err, tt.want)
		}
		if tt.due != nil && r.Pattern(*tt.due) != tt.pattern {
			t.Errorf("%s for %v shows as %s", tt.pattern, tt.due, r.Pattern(*tt.due))
		}
	}
	_, err := PatternRule("hourly", nil)
	e, ok := errors.AsType[*Error](err)
	if !ok || !slices.Contains(e.Details.Allowed, "monthly") {
		t.Errorf("hourly: got %v, want invalid with the allowed patterns", err)
	}
}

func TestDescribe(t *testing.T) {
	tests := []struct{ rule, want string }{
		{"FREQ=DAILY", "every day"},
		{"FREQ=DAILY;INTERVAL=3;COUNT=5", "every 3 days, 5 times"},
		{"FREQ=DAILY;COUNT=1", "every day, once"},
		{"FREQ=WEEKLY", "every week"},
		{"FREQ=WEEKLY;BYDAY=MO", "every week on Mon"},
		{"FREQ=WEEKLY;INTERVAL=2;BYDAY=MO", "every 2 weeks on Mon"},
		{"FREQ=WEEKLY;BYDAY=MO,WE,FR", "every week on Mon, Wed and Fri"},
		{"FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR", "every weekday"},
		{"FREQ=WEEKLY;INTERVAL=2;BYDAY=MO,TU,WE,TH,FR", "every 2 weeks on weekdays"},
		{"FREQ=WEEKLY;BYDAY=SA,SU", "every week on weekend days"},
		{"FREQ=MONTHLY", "every month"},
		{"FREQ=MONTHLY;BYMONTHDAY=1,15,-1", "every month on the 1st, the 15th and the last day"},
		{"FREQ=MONTHLY;BYMONTHDAY=22", "every month on the 22nd"},
		{"FREQ=MONTHLY;BYMONTHDAY=-2", "every month on the 2nd last day"},
		{"FREQ=MONTHLY;BYMONTHDAY=28,29,30,31;BYSETPOS=-1", "every month on the last day"},
		{"FREQ=MONTHLY;BYMONTHDAY=28,29,30;BYSETPOS=-1", "every month on the 30th or the last day"},
		{"FREQ=MONTHLY;BYDAY=3FR", "every month on the 3rd Fri"},
		{"FREQ=MONTHLY;BYDAY=-1FR", "every month on the last Fri"},
		{"FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-1", "every month on the last weekday"},
		{"FREQ=MONTHLY;BYDAY=MO,TU;BYSETPOS=1", "every month on the 1st of Mon and Tue"},
		{"FREQ=MONTHLY;BYDAY=FR;BYMONTHDAY=13", "every month on Fri if that is the 13th"},
		{"FREQ=YEARLY;BYMONTH=5;BYMONTHDAY=6", "every year on 6 May"},
		{"FREQ=YEARLY;BYMONTH=11;BYDAY=4TH", "every year on the 4th Thu in Nov"},
		{"FREQ=YEARLY;BYMONTH=3,9", "every year in Mar and Sep"},
		{"FREQ=YEARLY;BYMONTH=3,9;BYSETPOS=-1", "every year on the last of the days in Mar and Sep"},
		{"FREQ=YEARLY;UNTIL=20320101", "every year, until 1 Jan 2032"},
		{"FREQ=DAILY\nEXDATE:20261201T090000", "every day, except 1 Dec 2026"},
		{"FREQ=DAILY\nEXDATE:20261201,20261202", "every day, except 2 days"},
	}
	for _, tt := range tests {
		if got := rule(t, tt.rule).Describe(); got != tt.want {
			t.Errorf("%s: got %q, want %q", tt.rule, got, tt.want)
		}
	}
	if got := (Rule{}).Describe(); got != "" {
		t.Errorf("the zero rule: got %q", got)
	}
}

func TestZeroRule_NeverOccurs(t *testing.T) {
	anchor := Due{Date: "2026-12-01"}
	if d, ok := (Rule{}).Next(anchor, anchor); ok {
		t.Errorf("got %+v", d)
	}
	if got := rule(t, "FREQ=DAILY").Upcoming(anchor, anchor, 0); got != nil {
		t.Errorf("none asked, got %v", got)
	}
}

// TestRule_Laws: occurrences rise, keep the anchor's clock, and Next walks through exactly what Upcoming lists.
func TestRule_Laws(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r, anchor := genRule(t), genDue(t, "anchor")
		after := anchor.ShiftDays(rapid.IntRange(-400, 4000).Draw(t, "offset"))
		list := r.Upcoming(anchor, after, 6)
		last := after
		for i, want := range list {
			got, ok := r.Next(anchor, last)
			if !ok || got != want || !got.after(last) || got.Time != anchor.Time || got.TimeZone != anchor.TimeZone || got.Date < anchor.Date {
				t.Fatalf("%q from %+v: occurrence %d after %+v is %+v, Upcoming has %+v", r, anchor, i, last, got, want)
			}
			last = got
		}
		if got, ok := r.Next(anchor, last); ok && len(list) < 6 {
			t.Fatalf("%q from %+v: Upcoming ended, Next goes on with %+v", r, anchor, got)
		}
	})
}

// TestNextOpen_IsTheFirstFutureOne: walking on with Next until the future is reached gives the same, however late it is.
func TestNextOpen_IsTheFirstFutureOne(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r, anchor := genRule(t), genDue(t, "anchor")
		after := anchor.ShiftDays(rapid.IntRange(-40, 400).Draw(t, "after"))
		now := anchor.At(nil).Add(time.Duration(rapid.IntRange(-90*24*60, 400*24*60).Draw(t, "minutes late")) * time.Minute)
		want, ok := r.Next(anchor, after)
		for ok && !want.At(nil).After(now) {
			want, ok = r.Next(anchor, want)
		}
		got, gotOK := r.NextOpen(anchor, after, now, nil)
		if got != want || gotOK != ok {
			t.Fatalf("%q from %+v after %+v at %v: got %+v, %v; want %+v, %v", r, anchor, after, now, got, gotOK, want, ok)
		}
	})
}

func TestParseRule_ReadsBackWhatStringWrites(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := genRule(t)
		back, err := ParseRule(r.String())
		if err != nil {
			t.Fatalf("%q: %v", r, err)
		}
		if diff := cmp.Diff(r, back, cmp.AllowUnexported(Rule{}, weekday{}, dateTime{})); diff != "" {
			t.Fatalf("%q, -written +read:\n%s", r, diff)
		}
	})
}
