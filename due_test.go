package tandem

import (
	"errors"
	"strings"
	"testing"
	"time"
	_ "time/tzdata"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func zone(tb testing.TB, name string) *time.Location {
	tb.Helper()
	loc, err := LoadZone(name)
	if err != nil {
		tb.Fatalf("zone %s: %v", name, err)
	}
	return loc
}

func TestDue_AtFollowsTheClocksOfItsZone(t *testing.T) {
	tests := []struct{ name, date, clock, zone, want string }{
		{"New York, a time the clocks skip", "2027-03-14", "02:30", "America/New_York", "2027-03-14T03:30:00-04:00"},
		{"New York, the last minute before the gap", "2027-03-14", "01:59", "America/New_York", "2027-03-14T01:59:00-05:00"},
		{"New York, the first minute after the gap", "2027-03-14", "03:00", "America/New_York", "2027-03-14T03:00:00-04:00"},
		{"New York, a time shown twice", "2026-11-01", "01:30", "America/New_York", "2026-11-01T01:30:00-04:00"},
		{"New York, after the repeated hour", "2026-11-01", "02:00", "America/New_York", "2026-11-01T02:00:00-05:00"},
		{"London, a skipped time", "2027-03-28", "01:30", "Europe/London", "2027-03-28T02:30:00+01:00"},
		{"London, a repeated time", "2026-10-25", "01:30", "Europe/London", "2026-10-25T01:30:00+01:00"},
		{"Lord Howe skips half an hour", "2026-10-04", "02:10", "Australia/Lord_Howe", "2026-10-04T02:40:00+11:00"},
		{"Lord Howe repeats half an hour", "2026-04-05", "01:45", "Australia/Lord_Howe", "2026-04-05T01:45:00+11:00"},
		{"Apia, the day that was left out", "2011-12-30", "09:00", "Pacific/Apia", "2011-12-31T09:00:00+14:00"},
		{"Apia, the day that was left out, in the evening", "2011-12-30", "23:30", "Pacific/Apia", "2011-12-31T23:30:00+14:00"},
		{"Apia, the whole day that was left out", "2011-12-30", "", "Pacific/Apia", "2011-12-31T23:59:59+14:00"},
		{"Apia, the day before", "2011-12-29", "", "Pacific/Apia", "2011-12-29T23:59:59-10:00"},
		{"Casablanca before Ramadan", "2026-02-14", "09:00", "Africa/Casablanca", "2026-02-14T09:00:00+01:00"},
		{"Casablanca in Ramadan", "2026-02-16", "09:00", "Africa/Casablanca", "2026-02-16T09:00:00+00:00"},
		{"Casablanca, the time skipped after Ramadan", "2026-03-22", "02:30", "Africa/Casablanca", "2026-03-22T03:30:00+01:00"},
		{"Kathmandu", "2026-05-01", "09:00", "Asia/Kathmandu", "2026-05-01T09:00:00+05:45"},
		{"Kiritimati", "2026-12-31", "23:59", "Pacific/Kiritimati", "2026-12-31T23:59:00+14:00"},
		{"Santiago, midnight is skipped", "2026-09-06", "00:30", "America/Santiago", "2026-09-06T01:30:00-03:00"},
		{"Santiago, the end of a day that ends twice", "2026-04-04", "", "America/Santiago", "2026-04-04T23:59:59-04:00"},
		{"a whole leap day", "2028-02-29", "", "Europe/Berlin", "2028-02-29T23:59:59+01:00"},
		{"the end of time", "9999-12-31", "", "UTC", "9999-12-31T23:59:59Z"},
		{"the user's zone decides about a floating time", "2026-07-01", "12:00", "", "2026-07-01T12:00:00+05:30"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			d := Due{Date: tt.date, Time: tt.clock, TimeZone: tt.zone}
			if err := d.Validate(); err != nil {
				t.Fatal(err)
			}
			want, err := time.Parse(time.RFC3339, tt.want)
			if err != nil {
				t.Fatal(err)
			}
			got := d.At(zone(t, "Asia/Kolkata"))
			if !got.Equal(want) || got.Location() != time.UTC {
				t.Errorf("got %v, want %v", got.In(d.Location(zone(t, "Asia/Kolkata"))), want)
			}
		})
	}
}

func TestDue_AtWithoutAnyZoneIsUTC(t *testing.T) {
	got := Due{Date: "2026-07-01", Time: "12:00"}.At(nil)
	if want := time.Date(2026, 7, 1, 12, 0, 0, 0, time.UTC); !got.Equal(want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestDue_StartOfDayIsTheFirstInstant(t *testing.T) {
	tests := []struct{ date, zone, want string }{
		{"2026-09-06", "America/Santiago", "2026-09-06T01:00:00-03:00"}, // midnight is skipped
		{"2026-11-01", "America/Havana", "2026-11-01T00:00:00-04:00"},   // midnight comes twice
		{"2026-11-01", "America/New_York", "2026-11-01T00:00:00-04:00"},
		{"2011-12-31", "Pacific/Apia", "2011-12-31T00:00:00+14:00"},
	}
	for _, tt := range tests {
		want, _ := time.Parse(time.RFC3339, tt.want)
		if got := (Due{Date: tt.date, Time: "17:00", TimeZone: tt.zone}).StartOfDay(nil); !got.Equal(want) {
			t.Errorf("%s in %s: got %v, want %v", tt.date, tt.zone, got, want.UTC())
		}
	}
}

func TestDue_ValidateNamesWhatIsWrong(t *testing.T) {
	good := []Due{
		{Date: "1970-01-01"},
		{Date: "9999-12-31", Time: "23:59"},
		{Date: "2028-02-29", Time: "00:00", TimeZone: "America/Port-au-Prince"},
		{Date: "2026-12-01", TimeZone: "Etc/GMT+5"},
		{Date: "2026-12-01", TimeZone: "UTC"},
		{Date: "2026-12-01", TimeZone: "America/Argentina/Buenos_Aires"},
	}
	for _, d := range good {
		if err := d.Validate(); err != nil {
			t.Errorf("%+v: %v", d, err)
		}
	}
	bad := []struct {
		due  Due
		want string
	}{
		{Due{}, "real day"},
		{Due{Date: "2027-02-29"}, "real day"},
		{Due{Date: "2026-04-31"}, "real day"},
		{Due{Date: "2026-1-1"}, "real day"},
		{Due{Date: "12026-01-01"}, "real day"},
		{Due{Date: "2026-01-01T00:00"}, "real day"},
		{Due{Date: "tomorrow"}, "real day"},
		{Due{Date: "1969-12-31"}, "1970"},
		{Due{Date: "0000-01-01"}, "1970"},
		{Due{Date: "2026-01-01", Time: "24:00"}, "09:30"},
		{Due{Date: "2026-01-01", Time: "9:30"}, "09:30"},
		{Due{Date: "2026-01-01", Time: "09:30:00"}, "09:30"},
		{Due{Date: "2026-01-01", Time: "09:60"}, "09:30"},
		{Due{Date: "2026-01-01", TimeZone: "Mars/Base"}, "time zone"},
		{Due{Date: "2026-01-01", TimeZone: "Local"}, "time zone"},
		{Due{Date: "2026-01-01", TimeZone: "../etc/passwd"}, "time zone"},
		{Due{Date: "2026-01-01", TimeZone: "right/UTC"}, "time zone"},
		{Due{Date: "2026-01-01", TimeZone: "localtime"}, "time zone"},
	}
	for _, tt := range bad {
		err := tt.due.Validate()
		e, ok := errors.AsType[*Error](err)
		if !ok || e.Code != CodeInvalid || e.Details.Field != "due" || !strings.Contains(e.Message, tt.want) {
			t.Errorf("%+v: got %v, want invalid due with %q", tt.due, err, tt.want)
		}
	}
}

func TestDue_RemindAt(t *testing.T) {
	tests := []struct {
		name   string
		due    Due
		before time.Duration
		want   string
	}{
		{"an hour before a time", Due{"2026-12-01", "09:00", "Asia/Karachi"}, time.Hour, "2026-12-01T08:00:00+05:00"},
		{"an hour before a whole day counts from the user's morning", Due{Date: "2026-12-01", TimeZone: "Asia/Karachi"}, time.Hour, "2026-12-01T08:00:00+05:00"},
		{"at the time", Due{"2026-12-01", "09:00", "Asia/Karachi"}, 0, "2026-12-01T09:00:00+05:00"},
		{"a day before shows the same time, over a change of the clocks", Due{"2027-03-14", "12:00", "America/New_York"}, 24 * time.Hour, "2027-03-13T12:00:00-05:00"},
		{"hours are exact over a change of the clocks", Due{"2027-03-14", "04:00", "America/New_York"}, 2 * time.Hour, "2027-03-14T01:00:00-05:00"},
		{"a day and an hour", Due{"2027-03-15", "03:30", "America/New_York"}, 25 * time.Hour, "2027-03-14T01:30:00-05:00"},
		{"a week before a skipped time", Due{"2027-03-14", "02:30", "America/New_York"}, 7 * 24 * time.Hour, "2027-03-07T02:30:00-05:00"},
		{"over the year's end", Due{Date: "2027-01-01", TimeZone: "UTC"}, 24 * time.Hour, "2026-12-31T09:00:00Z"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			want, _ := time.Parse(time.RFC3339, tt.want)
			if got := tt.due.RemindAt(nil, tt.before, "09:00"); !got.Equal(want) {
				t.Errorf("got %v, want %v", got, want.UTC())
			}
		})
	}
}

func TestDue_ShiftMovesTheWallClock(t *testing.T) {
	timed := Due{"2027-03-13", "02:30", "America/New_York"}
	tests := []struct {
		got, want Due
	}{
		{timed.Shift(24 * time.Hour), Due{"2027-03-14", "02:30", "America/New_York"}},
		{timed.Shift(-3 * time.Hour), Due{"2027-03-12", "23:30", "America/New_York"}},
		{timed.Shift(90 * time.Minute), Due{"2027-03-13", "04:00", "America/New_York"}},
		{Due{Date: "2028-02-28"}.Shift(47 * time.Hour), Due{Date: "2028-02-29"}},
		{Due{Date: "2028-02-28"}.Shift(2 * time.Hour), Due{Date: "2028-02-28"}},
		{timed.ShiftDays(365), Due{"2028-03-12", "02:30", "America/New_York"}},
		{Due{Date: "2026-12-31"}.ShiftDays(1), Due{Date: "2027-01-01"}},
		{Due{Date: "nonsense"}.ShiftDays(1), Due{Date: "nonsense"}},
		{Due{Date: "nonsense", Time: "x"}.Shift(time.Hour), Due{Date: "nonsense", Time: "x"}},
	}
	for _, tt := range tests {
		if diff := cmp.Diff(tt.want, tt.got); diff != "" {
			t.Errorf("-want +got:\n%s", diff)
		}
	}
}

func TestDueAt(t *testing.T) {
	at := time.Date(2026, 12, 31, 10, 30, 59, 0, time.UTC)
	for _, tt := range []struct {
		zone string
		want Due
	}{
		{"Pacific/Kiritimati", Due{"2027-01-01", "00:30:59", "Pacific/Kiritimati"}},
		{"Pacific/Niue", Due{"2026-12-30", "23:30:59", "Pacific/Niue"}},
		{"", Due{"2026-12-31", "10:30:59", ""}},
		{"Mars/Base", Due{"2026-12-31", "10:30:59", ""}},
	} {
		if got := DueAt(at, tt.zone); got != tt.want {
			t.Errorf("zone %q: got %+v, want %+v", tt.zone, got, tt.want)
		}
		if again := tt.want.At(nil); !again.Equal(at) {
			t.Errorf("zone %q: it happens at %v, want %v", tt.zone, again, at)
		}
	}
	if got := DueAt(at.Add(time.Second), ""); got.Time != "10:31" {
		t.Errorf("a full minute shows as %q", got.Time)
	}
}

func TestLoadZone_CacheHoldsOnlyRealZones(t *testing.T) {
	for _, name := range []string{"", "Local", "Nowhere/Land", "Europe/", "/etc/localtime", strings.Repeat("A", 100)} {
		if loc, err := LoadZone(name); !errors.Is(err, ErrInvalid) {
			t.Errorf("%q: got %v, %v; want invalid", name, loc, err)
		}
		zonesMu.RLock()
		if _, cached := zones[name]; cached {
			t.Errorf("%q is cached", name)
		}
		zonesMu.RUnlock()
	}
	a, b := zone(t, "Europe/Berlin"), zone(t, "Europe/Berlin")
	if a != b {
		t.Error("a zone was loaded twice")
	}
}

// hardZones change their clocks in every way there is.
var hardZones = []string{
	"America/New_York", "Europe/London", "Australia/Lord_Howe", "Pacific/Apia", "Africa/Casablanca", "Asia/Kathmandu",
	"Pacific/Kiritimati", "America/Santiago", "America/Havana", "Asia/Gaza", "Africa/Cairo", "Antarctica/Troll", "UTC",
}

func genDue(t *rapid.T, label string) Due {
	date := time.Date(2005, 1, 1, 0, 0, 0, 0, time.UTC).AddDate(0, 0, rapid.IntRange(0, 40*366).Draw(t, label+" day"))
	d := Due{Date: date.Format(dateLayout), TimeZone: rapid.SampledFrom(hardZones).Draw(t, label+" zone")}
	if rapid.Bool().Draw(t, label+" timed") {
		d.Time = clockText(date.Add(time.Duration(rapid.IntRange(0, 24*60*60-1).Draw(t, label+" second")) * time.Second))
	}
	return d
}

// TestDue_InstantShowsTheClock: either the zone's clocks show d at d.At, with nothing earlier that shows it too, or they
// never show it and the answer lies after the gap by as much as d lies in it.
func TestDue_InstantShowsTheClock(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d := genDue(t, "due")
		if d.WholeDay() {
			d.Time = "12:00"
		}
		at, loc := d.At(nil), d.Location(nil)
		shown := DueAt(at, d.TimeZone)
		var earlier, any bool
		for m := -26 * 60; m <= 26*60; m += 15 { // offsets since 2005 are multiples of 15 minutes
			if o := at.Add(time.Duration(m) * time.Minute); DueAt(o, d.TimeZone) == d {
				any = true
				earlier = earlier || o.Before(at)
			}
		}
		switch {
		case any && (shown != d || earlier):
			t.Fatalf("%+v happens at %v, but not for the first time", d, at.In(loc))
		case !any && !shown.after(d):
			t.Fatalf("%+v is in a gap, but happens earlier: %v", d, at.In(loc))
		}
	})
}

func TestDue_LaterOnTheWallIsNeverEarlierInTime(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b := genDue(t, "a"), genDue(t, "b")
		b.TimeZone = a.TimeZone
		if a.Date < b.Date && a.At(nil).After(b.At(nil)) && a.Date != "2011-12-30" {
			t.Fatalf("%+v stands before %+v but happens after it", a, b)
		}
	})
}

func FuzzDue(f *testing.F) {
	for _, s := range []string{"2026-12-01|09:00|Asia/Karachi", "2026-12-01|09:00:30|UTC", "2011-12-30||Pacific/Apia", "9999-12-31|23:59|", "x|y|z", "2027-02-29|24:00|Local"} {
		date, rest, _ := strings.Cut(s, "|")
		clock, zone, _ := strings.Cut(rest, "|")
		f.Add(date, clock, zone, int64(3600), 1)
	}
	f.Fuzz(func(t *testing.T, date, clock, zone string, by int64, days int) {
		d := Due{date, clock, zone}
		valid := d.Validate() == nil
		at := d.At(nil)
		d.Shift(time.Duration(by)).ShiftDays(days).RemindAt(nil, time.Duration(by), clock)
		d.StartOfDay(nil)
		if !valid {
			return
		}
		if back := DueAt(at, zone); zone != "" && clock != "" && back != d && !back.after(d) {
			t.Errorf("%+v happens at %v, which is earlier", d, at)
		}
		if next := d.ShiftDays(1); next.Validate() == nil && next.ShiftDays(-1) != d {
			t.Errorf("%+v moved a day and back is %+v", d, next.ShiftDays(-1))
		}
	})
}
