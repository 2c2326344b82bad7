package phrase

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	_ "time/tzdata"

	"github.com/google/go-cmp/cmp"
)

// wednesday is when the tests take place, unless they say otherwise: Wednesday, 4 March 2026, 10:00 UTC.
var wednesday = time.Date(2026, time.March, 4, 10, 0, 0, 0, time.UTC)

func zone(tb testing.TB, name string) *time.Location {
	tb.Helper()
	loc, err := time.LoadLocation(name)
	if err != nil {
		tb.Fatal(err)
	}
	return loc
}

// show writes a result as "title | due | rule | rest", leaving out what is empty.
func show(r Result) string {
	var parts []string
	if r.Due != nil {
		parts = append(parts, showWhen(*r.Due))
	}
	if c := r.Recurrence; c != nil {
		s := c.Rule
		if c.Start != "" {
			s += " start " + c.Start
		}
		if c.From == FromCompletion {
			s += " from completion"
		}
		parts = append(parts, s)
	}
	if r.Priority != "" {
		parts = append(parts, "!"+r.Priority)
	}
	for _, tag := range r.Tags {
		parts = append(parts, "#"+tag)
	}
	for _, m := range r.Reminders {
		if m.At != nil {
			parts = append(parts, "remind at "+showWhen(*m.At))
		} else {
			parts = append(parts, fmt.Sprintf("remind %s before", m.Before))
		}
	}
	return strings.TrimSpace(strings.TrimSuffix(r.Title+" | "+strings.Join(parts, " | "), " | "))
}

func showWhen(w When) string {
	s := w.Date
	if w.Time != "" {
		s += " " + w.Time
	}
	if w.Second != 0 {
		s += fmt.Sprintf(":%02d", w.Second)
	}
	return s
}

// reading is a text and what show makes of it.
type reading struct{ text, want string }

func testReadings(t *testing.T, now time.Time, o Options, rows []reading) {
	t.Helper()
	for _, row := range rows {
		t.Run(row.text, func(t *testing.T) {
			if got := show(Parse(row.text, now, now.Location(), o)); got != row.want {
				t.Errorf("Parse(%q)\n got %s\nwant %s", row.text, got, row.want)
			}
		})
	}
}

// TestParse_Readings reads the tables of testdata: a text, an arrow, and what show makes of it.
func TestParse_Readings(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txt")
	others, _ := filepath.Glob("testdata/??/*.txt")
	files = append(files, others...)
	if err != nil || len(files) == 0 {
		t.Fatalf("tables: %v, %v", files, err)
	}
	for _, file := range files {
		locale := strings.TrimSuffix(filepath.Base(filepath.Dir(file)), "testdata")
		testReadings(t, wednesday, Options{Locale: locale}, readTable(t, file))
	}
}

func readTable(tb testing.TB, file string) []reading {
	tb.Helper()
	table, err := os.ReadFile(file)
	if err != nil {
		tb.Fatal(err)
	}
	var rows []reading
	for line := range strings.Lines(string(table)) {
		text, want, ok := strings.Cut(strings.TrimSpace(line), " =>")
		if !ok {
			tb.Fatalf("%s: %q has no arrow", file, line)
		}
		rows = append(rows, reading{text, strings.TrimSpace(want)})
	}
	return rows
}

// TestParse_Conventions holds every row of the table in specs/phrase.md.
func TestParse_Conventions(t *testing.T) {
	testReadings(t, wednesday, Options{}, []reading{
		{"Run tomorrow morning", "Run | 2026-03-05 09:00"},
		{"Run tomorrow afternoon", "Run | 2026-03-05 12:00"},
		{"Run tomorrow evening", "Run | 2026-03-05 19:00"},
		{"Run tomorrow night", "Run | 2026-03-05 22:00"},
		{"Run tonight", "Run | 2026-03-04 21:00"},
		{"Lunch tomorrow at noon", "Lunch | 2026-03-05 12:00"},
		{"Call Ann at 7", "Call Ann | 2026-03-05 07:00"},
		{"Call Ann at 11", "Call Ann | 2026-03-04 11:00"},
		{"Call Ann at 12", "Call Ann | 2026-03-04 12:00"},
		{"Call Ann at 1", "Call Ann | 2026-03-04 13:00"},
		{"Call Ann at 6", "Call Ann | 2026-03-04 18:00"},
		{"Call Ann Friday", "Call Ann | 2026-03-06"},
		{"Call Ann on Wednesday", "Call Ann | 2026-03-11"},
		{"Call Ann this Friday", "Call Ann | 2026-03-06"},
		{"Call Ann this Wednesday", "Call Ann | 2026-03-04"},
		{"Call Ann next Friday", "Call Ann | 2026-03-13"},
		{"Call Ann on 3 March", "Call Ann | 2027-03-03"},
		{"Call Ann at 9am", "Call Ann | 2026-03-05 09:00"},
		{"Call Ann today at 9am", "Call Ann | 2026-03-04 09:00"},
		{"Call Ann this morning", "Call Ann | 2026-03-04"},
		{"Call Ann this evening", "Call Ann | 2026-03-04 19:00"},
		{"Call Ann in 2 hours", "Call Ann | 2026-03-04 12:00"},
		{"Call Ann in 3 days", "Call Ann | 2026-03-07"},
		{"Call Ann by end of day", "Call Ann | 2026-03-04"},
		{"Call Ann next week", "Call Ann | 2026-03-09"},
		{"Call Ann next month", "Call Ann | 2026-04-01"},
		{"Call Ann in May", "Call Ann | 2026-05-01"},
		{"Call Ann in March", "Call Ann in March"},
		{"Call Ann this week", "Call Ann this week"},
		{"Pay rent 3/4", "Pay rent | 2026-03-04"},
		{"Pay rent on 25/4", "Pay rent | 2026-04-25"},
		{"Pay rent 3.4.", "Pay rent | 2026-04-03"},
		{"Pay rent 2026-04-03", "Pay rent | 2026-04-03"},
		{"Lunch Fri 16th", "Lunch Fri 16th"},
		{"Lunch Fri 6th", "Lunch | 2026-03-06"},
		{"Fri 6th dentist", "dentist | 2026-03-06"},
		{"Fri 16th birthday of Ann", "16th birthday of Ann | 2026-03-06"},
		{"Call Ann yesterday", "Call Ann | 2026-03-03"},
		{"Water plants every Monday", "Water plants | 2026-03-09 | FREQ=WEEKLY;BYDAY=MO"},
		{"Water plants every! Monday", "Water plants | 2026-03-09 | FREQ=WEEKLY;BYDAY=MO from completion"},
		{"Water plants 3 days after I finish", "Water plants | 2026-03-04 | FREQ=DAILY;INTERVAL=3 from completion"},
		{"Stand up every weekday", "Stand up | 2026-03-04 | FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR"},
		{"Pub every 3rd Friday", "Pub | 2026-03-20 | FREQ=MONTHLY;BYDAY=3FR"},
		{"Pay rent last day of every month", "Pay rent | 2026-03-31 | FREQ=MONTHLY;BYMONTHDAY=-1"},
		{"Clean every other week", "Clean | 2026-03-04 | FREQ=WEEKLY;INTERVAL=2"},
		{"Clean every day until 10 April", "Clean | 2026-03-04 | FREQ=DAILY;UNTIL=20260410"},
		{"Clean every day for 5 times", "Clean | 2026-03-04 | FREQ=DAILY;COUNT=5"},
		{"Clean every day starting Monday", "Clean | 2026-03-09 | FREQ=DAILY start 2026-03-09"},
		{"Clean every weekend", "Clean | 2026-03-07 | FREQ=WEEKLY;BYDAY=SA"},
		{"Pay rent monthly from the 31st", "Pay rent | 2026-03-31 | FREQ=MONTHLY;BYMONTHDAY=28,29,30,31;BYSETPOS=-1 start 2026-03-31"},
		{"Gym twice a week", "Gym twice a week"},
		{"Write weekly report", "Write weekly report"},
		{"Write weekly report on Friday", "Write report | 2026-03-06 | FREQ=WEEKLY;BYDAY=FR"},
		{"Daily standup at 11am", "standup | 2026-03-04 11:00 | FREQ=DAILY"},
		{"Fix it p1", "Fix it | !urgent"},
		{"Fix it p2", "Fix it | !high"},
		{"Fix it p3", "Fix it | !medium"},
		{"Fix it p4", "Fix it | !low"},
		{"Fix it !critical", "Fix it | !urgent"},
		{"Fix it, normal priority", "Fix it | !medium"},
		{"Buy milk #home", "Buy milk | #home"},
		{"Buy milk tagged home", "Buy milk | #home"},
		{`@5 "Dentist" tomorrow`, `@5 "Dentist" | 2026-03-05`},
		{"Remind me to call Ann at 5 pm", "call Ann | 2026-03-04 17:00 | remind 0s before"},
		{"Call Ann tomorrow at 5pm, 1 h before", "Call Ann | 2026-03-05 17:00 | remind 1h0m0s before"},
		{`Rename it to "Call mom tonight"`, `Rename it to "Call mom tonight"`},
	})
}

func TestParse_OffersTheOtherReading(t *testing.T) {
	rows := []struct {
		text string
		want []When
	}{
		{"Call Ann tomorrow at 5", []When{{Date: "2026-03-05", Time: "05:00"}}},
		{"Call Ann at 5", []When{{Date: "2026-03-05", Time: "05:00"}}},
		{"Call Ann next Friday", []When{{Date: "2026-03-06"}}},
		{"Call Ann Wednesday", []When{{Date: "2026-03-04"}}},
		{"Pay rent 3/4", []When{{Date: "2026-04-03"}}},
		{"Pay rent by end of the week", []When{{Date: "2026-03-08"}}},
		{"Call Ann tomorrow at 5pm", nil},
		{"Call Ann at 17:00", nil},
	}
	for _, row := range rows {
		r := Parse(row.text, wednesday, time.UTC, Options{})
		if diff := cmp.Diff(row.want, r.Alternatives); diff != "" {
			t.Errorf("alternatives of %q (-want +got):\n%s", row.text, diff)
		}
	}
}

func TestParse_SaysWhyNothingWasApplied(t *testing.T) {
	rows := []reading{
		{"Lunch Fri 16th", "the weekday and the date disagree"},
		{"Fri 16th dentist", "the weekday and the date disagree"},
		{"Fri, 16th dentist at 5pm", "the weekday and the date disagree"},
		{"Trip Jan 5-7", "a range of dates is no due date"},
		{"Work Mon-Fri at 9", "a range of days is no due date"},
		{"Pay on February 30", "there is no such day"},
		{"Pay on 31/31/2026", "there is no such day"},
		{"Gym twice a week", "this repetition is not supported"},
		{"Take pills every 8 hours", "this repetition is not supported"},
		{"Call Ann on Friday or on Saturday", "there are several dates"},
		{"Call Ann on the 3rd and 5th", "there are several dates"},
		{"Gym mon/wed/fri at 6am", "there are several dates"},
		{"Decide in May or June", "there are several dates"},
		{"Away 10 - 22 August", "a range of dates is no due date"},
		{"Away between 10 and 22 August", "a range is no due date"},
		{"Call at 5pm EST tomorrow", "a time of another zone is not understood"},
		{"Call Ann twice weekly", "this repetition is not supported"},
		{"Clean every day until yesterday", "this repetition never occurs"},
		{"Call Ann", ""},
	}
	for _, row := range rows {
		r := Parse(row.text, wednesday, time.UTC, Options{})
		if r.Ambiguous != row.want {
			t.Errorf("Parse(%q).Ambiguous = %q, want %q", row.text, r.Ambiguous, row.want)
		}
		if r.Title != row.text || r.Due != nil || len(r.Spans) > 0 {
			t.Errorf("Parse(%q) = %s, want nothing taken", row.text, show(r))
		}
	}
}

func TestParse_TellsWhatHasPassed(t *testing.T) {
	rows := map[string]bool{
		"Call Ann yesterday":    true,
		"Call Ann today at 9am": true,
		"Call Ann 2 days ago":   true,
		"Call Ann 2020-01-01":   true,
		"Call Ann today":        false,
		"Call Ann today at 5pm": false,
		"Call Ann tomorrow":     false,
		"Call Ann at 9am":       false,
	}
	for text, want := range rows {
		if r := Parse(text, wednesday, time.UTC, Options{}); r.Past != want {
			t.Errorf("Parse(%q).Past = %v, want %v", text, r.Past, want)
		}
	}
}

func TestParse_ShortLengthsKeepTheSecondsOfNow(t *testing.T) {
	at := wednesday.Add(45 * time.Second)
	for text, want := range map[string]When{
		"Tea in 1 minute":   {Date: "2026-03-04", Time: "10:01", Second: 45, Instant: true},
		"Tea in 90 seconds": {Date: "2026-03-04", Time: "10:02", Second: 15, Instant: true},
		"Tea in 2 hours":    {Date: "2026-03-04", Time: "12:00", Instant: true},
	} {
		r := Parse(text, at, time.UTC, Options{})
		if diff := cmp.Diff(&want, r.Due); diff != "" {
			t.Errorf("due of %q (-want +got):\n%s", text, diff)
		}
	}
}

func TestParse_HonoursOptions(t *testing.T) {
	words := Options{Morning: "06:30", Afternoon: "14:00", Evening: "20:15", Night: "23:00"}
	testReadings(t, wednesday, words, []reading{
		{"Run tomorrow morning", "Run | 2026-03-05 06:30"},
		{"Run tomorrow afternoon", "Run | 2026-03-05 14:00"},
		{"Run tomorrow evening", "Run | 2026-03-05 20:15"},
		{"Run tomorrow night", "Run | 2026-03-05 23:00"},
		{"Run every morning", "Run | 2026-03-05 06:30 | FREQ=DAILY"},
	})
	testReadings(t, wednesday, Options{DayFirst: true}, []reading{
		{"Pay 3/4", "Pay | 2026-04-03"},
		{"Pay 4/25", "Pay | 2026-04-25"},
		{"Pay 2026/03/04", "Pay | 2026-03-04"},
	})
	testReadings(t, wednesday, Options{WeekStart: WeekSunday}, []reading{
		{"Call Ann next week", "Call Ann | 2026-03-08"},
		{"Call Ann next Sunday", "Call Ann | 2026-03-08"},
	})
	testReadings(t, wednesday, Options{Morning: "noonish", Locale: "xx-YY"}, []reading{
		{"Run tomorrow morning", "Run | 2026-03-05 09:00"},
	})
}

func TestParse_LeavesSwitchedOffSpansInTheTitle(t *testing.T) {
	const text = "🎉 Read Monday news on Friday p1"
	r := Parse(text, wednesday, time.UTC, Options{Off: [][2]int{{8, 14}, {30, 32}}})
	if got, want := show(r), "🎉 Read Monday news p1 | 2026-03-06"; got != want {
		t.Errorf("with Monday and p1 off: got %s, want %s", got, want)
	}
	r = Parse("Call Ann tomorrow", wednesday, time.UTC, Options{Off: [][2]int{{-5, 400}}})
	if got, want := show(r), "Call Ann tomorrow"; got != want {
		t.Errorf("with everything off: got %s, want %s", got, want)
	}
}

func TestParse_SpansAreUTF16Slices(t *testing.T) {
	const text = "🎉 Größe for Ann tomorrow at 5pm #home p2"
	r := Parse(text, wednesday, time.UTC, Options{})
	want := []Span{
		{Start: 17, End: 32, Kind: KindDue, Text: "tomorrow at 5pm", Conf: 0.95},
		{Start: 33, End: 38, Kind: KindTag, Text: "#home", Conf: 0.95},
		{Start: 39, End: 41, Kind: KindPriority, Text: "p2", Conf: 0.95},
	}
	if diff := cmp.Diff(want, r.Spans); diff != "" {
		t.Errorf("spans of %q (-want +got):\n%s", text, diff)
	}
}

func TestParse_ATypoLowersTheConfidence(t *testing.T) {
	r := Parse("Call Ann on Wednezday", wednesday, time.UTC, Options{})
	if len(r.Spans) != 1 || r.Spans[0].Conf >= 0.95 || r.Spans[0].Conf < appliedConf {
		t.Errorf("spans = %v, want one that is less sure and still applied", r.Spans)
	}
}

func TestParseDue(t *testing.T) {
	rows := []reading{
		{"tomorrow", "2026-03-05"},
		{"by friday, 3pm", "2026-03-06 15:00"},
		{"due next friday at 15:30.", "2026-03-13 15:30"},
		{"2026-04-01", "2026-04-01"},
		{"2026-04-01T08:30", "2026-04-01 08:30"},
		{"2026-04-01 08:30:15", "2026-04-01 08:30:15"},
		{"2026-04-01T08:30:00Z", "2026-04-01 08:30"},
		{"2026-04-01T08:30:00.250+02:00", "2026-04-01 06:30"},
		{"20 minutes from now", "2026-03-04 10:20"},
		{"may", "2026-05-01"},
		{"sun", "2026-03-08"},
		{"end of month", "2026-03-31"},
		{"morning", "2026-03-05 09:00"},
		{"+3 days", "2026-03-07"},
		{"next day", "2026-03-05"},
	}
	for _, row := range rows {
		w, _, ok := ParseDue(row.text, wednesday, time.UTC, Options{})
		if got := showWhen(w); !ok || got != row.want {
			t.Errorf("ParseDue(%q) = %q, %v, want %q", row.text, got, ok, row.want)
		}
	}
	for _, text := range []string{"", "soon", "call Ann tomorrow", "tomorrow call Ann", "every day", "Feb 30", "Fri 16th", "5", "12345678", "next"} {
		if w, _, ok := ParseDue(text, wednesday, time.UTC, Options{}); ok {
			t.Errorf("ParseDue(%q) = %q, want nothing", text, showWhen(w))
		}
	}
}

func TestParseDue_TellsMomentsFromWallClocks(t *testing.T) {
	for text, want := range map[string]bool{
		"in 2 hours": true, "2026-04-01T08:30:00Z": true, "2026-04-01T08:30": false, "tomorrow at 9": false, "in 2 days": false,
	} {
		w, _, ok := ParseDue(text, wednesday, time.UTC, Options{})
		if !ok || w.Instant != want {
			t.Errorf("ParseDue(%q).Instant = %v, %v, want %v", text, w.Instant, ok, want)
		}
	}
}

func TestParseRecurrence(t *testing.T) {
	rows := []struct{ text, rule, first string }{
		{"daily", "FREQ=DAILY", "2026-03-04"},
		{"every monday at 9", "FREQ=WEEKLY;BYDAY=MO", "2026-03-09 09:00"},
		{"mon, wed and fri", "FREQ=WEEKLY;BYDAY=MO,WE,FR", "2026-03-04"},
		{"weekdays", "FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR", "2026-03-04"},
		{"monthly on the 15th", "FREQ=MONTHLY;BYMONTHDAY=15", "2026-03-15"},
		{"repeat every 2 weeks.", "FREQ=WEEKLY;INTERVAL=2", "2026-03-04"},
		{"3 days after completion", "FREQ=DAILY;INTERVAL=3", "2026-03-04"},
	}
	for _, row := range rows {
		r, first, ok := ParseRecurrence(row.text, wednesday, time.UTC, Options{})
		if !ok || r.Rule != row.rule || showWhen(*first) != row.first {
			t.Errorf("ParseRecurrence(%q) = %v, %v, %v, want %s from %s", row.text, r, first, ok, row.rule, row.first)
		}
	}
	for _, text := range []string{"", "tomorrow", "every", "twice a week", "hourly", "every day and call Ann", "never", "every few days"} {
		if r, _, ok := ParseRecurrence(text, wednesday, time.UTC, Options{}); ok {
			t.Errorf("ParseRecurrence(%q) = %v, want nothing", text, r)
		}
	}
}

func TestParseDuration(t *testing.T) {
	rows := map[string]time.Duration{
		"1h": time.Hour, "30m": 30 * time.Minute, "2 days": 48 * time.Hour, "an hour and a half": 90 * time.Minute,
		"1w": 7 * 24 * time.Hour, "1h30m": 90 * time.Minute, "half an hour": 30 * time.Minute, "1.5 hours": 90 * time.Minute,
		"for 20 minutes": 20 * time.Minute, "a day": 24 * time.Hour, "2 hours and 5 minutes": 125 * time.Minute,
		"three-quarters of an hour": 45 * time.Minute, "1/2 hour": 30 * time.Minute, "a couple of hours": 2 * time.Hour,
		"90 sec": 90 * time.Second, "fortnight": 0, "1 month": 0, "2 years": 0, "0 minutes": 0, "soon": 0, "": 0, "1h tomorrow": 0,
	}
	for text, want := range rows {
		got, ok := ParseDuration(text)
		if ok != (want > 0) || ok && got != want {
			t.Errorf("ParseDuration(%q) = %v, %v, want %v", text, got, ok, want)
		}
	}
}

func TestQuoted(t *testing.T) {
	rows := map[string][]Quote{
		`Rename it to "Call mom"`:         {{13, 23, "Call mom"}},
		`Change 1 to 'don't panic' now`:   {{12, 25, "don't panic"}},
		`Say “hi” and «salut» 🎉 'x'`:      {{4, 8, "hi"}, {13, 20, "salut"}, {24, 27, "x"}},
		`Bob's and Ann's, isn't it`:       nil,
		`a 5" pipe and a 3" one`:          nil,
		`an open "quote`:                  nil,
		`the dogs' bowl`:                  nil,
		`Use ` + "`go test`" + ` and "" `: {{4, 13, "go test"}, {18, 20, ""}},
	}
	for text, want := range rows {
		if diff := cmp.Diff(want, Quoted(text)); diff != "" {
			t.Errorf("Quoted(%q) (-want +got):\n%s", text, diff)
		}
	}
}

// TestParse_OfflineSubset holds the part of the grammar that the browser reads without a server; its tests read the same file.
func TestParse_OfflineSubset(t *testing.T) {
	file, err := os.ReadFile("testdata/offline.json")
	if err != nil {
		t.Fatal(err)
	}
	type row struct {
		Text     string   `json:"text"`
		Title    string   `json:"title"`
		Date     string   `json:"date"`
		Time     string   `json:"time"`
		Priority string   `json:"priority"`
		Tags     []string `json:"tags"`
	}
	var rows []row
	if err := json.Unmarshal(file, &rows); err != nil {
		t.Fatal(err)
	}
	for _, want := range rows {
		r := Parse(want.Text, wednesday, time.UTC, Options{})
		got := row{Text: want.Text, Title: r.Title, Priority: r.Priority, Tags: append([]string{}, r.Tags...)}
		if r.Due != nil {
			got.Date, got.Time = r.Due.Date, r.Due.Time
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("Parse(%q) (-want +got):\n%s", want.Text, diff)
		}
	}
}
