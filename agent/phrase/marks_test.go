package phrase

import (
	"testing"
	"time"
)

func TestParse_Marks(t *testing.T) {
	testReadings(t, wednesday, Options{}, []reading{
		{"Pay rent p1 #home #money", "Pay rent | !urgent | #home | #money"},
		{"p2: pay rent", "pay rent | !high"},
		{"Pay rent !p3", "Pay rent | !medium"},
		{"Pay rent !1", "Pay rent | !urgent"},
		{"!high Pay rent", "Pay rent | !high"},
		{"Pay rent, high priority", "Pay rent | !high"},
		{"Pay rent with low priority", "Pay rent | !low"},
		{"Pay rent priority: critical", "Pay rent | !urgent"},
		{"Urgent: pay rent", "pay rent | !urgent"},
		{"Pay rent, urgent", "Pay rent | !urgent"},
		{"Pay rent p1 p2", "Pay rent p2 | !urgent"},
		{"Review the critical path", "Review the critical path"},
		{"An urgent matter", "An urgent matter"},
		{"Buy a P100 card", "Buy a P100 card"},
		{"Fix p5", "Fix p5"},
		{"Turn to p1.5", "Turn to p1.5"},
		{"Do it!!! now", "Do it!!! now"},
		{"Tag it #grün/büro", "Tag it | #grün/büro"},
		{"Tag it #home, then #Home", "Tag it, then | #home"},
		{"Fix issue #42", "Fix issue #42"},
		{"Learn C# well", "Learn C# well"},
		{"Ship it tagged work and home tomorrow", "Ship it | 2026-03-05 | #work | #home"},
		{"Ship it tagged work and call Ann", "Ship it and call Ann | #work"},
		{"Ask @ann tomorrow", "Ask @ann | 2026-03-05"},
		{"See @12 and @14", "See @12 and @14"},
		{"Lunch @12:30", "Lunch | 2026-03-04 12:30"},
	})
}

func TestParse_Reminders(t *testing.T) {
	testReadings(t, wednesday, Options{}, []reading{
		{"Remind me at 5pm to call Ann", "call Ann | 2026-03-04 17:00 | remind 0s before"},
		{"Please remind me to call Ann tomorrow", "call Ann | 2026-03-05 | remind 0s before"},
		{"Remind me about the trip on Friday", "the trip | 2026-03-06 | remind 0s before"},
		{"Set a reminder to call Ann at noon", "call Ann | 2026-03-04 12:00 | remind 0s before"},
		{"Remind me to call Ann", "call Ann"},
		{"Remind me to clean every day at 11", "clean | 2026-03-04 11:00 | FREQ=DAILY | remind 0s before"},
		{"Pay rent tomorrow at 10, remind me 1h before", "Pay rent | 2026-03-05 10:00 | remind 1h0m0s before"},
		{"Pay rent tomorrow at 10 with a reminder 30 min before", "Pay rent | 2026-03-05 10:00 | remind 30m0s before"},
		{"Pay rent tomorrow at 10 remind me 1 day before and 1 hour before", "Pay rent | 2026-03-05 10:00 | remind 24h0m0s before | remind 1h0m0s before"},
		{"Pay rent tomorrow at 10, 15 minutes in advance", "Pay rent | 2026-03-05 10:00 | remind 15m0s before"},
		{"Pay rent tomorrow, remind me at 9am", "Pay rent | 2026-03-05 | remind at 2026-03-05 09:00"},
		{"Pay rent on Friday, remind me tomorrow at 9am", "Pay rent | 2026-03-06 | remind at 2026-03-05 09:00"},
		{"Leave 1 hour before", "Leave 1 hour before"},
		{"Pay 2 days before Friday", "Pay | 2026-03-04"},
		{"Write the reminder letter", "Write the reminder letter"},
		{"Remind Ann to call on Friday", "Remind Ann to call | 2026-03-06"},
	})
}

// TestParse_OrdinaryText holds words that look like dates and are none.
func TestParse_OrdinaryText(t *testing.T) {
	for _, text := range []string{
		"Call April", "Meet June and May", "March 5 miles", "May the force be with you", "The mountain may not move", "Jan called",
		"Look at the sun", "The cat sat on the mat", "Sat nav update", "We wed", "Sun Tzu book", "Buy Christmas presents",
		"Buy 2 eggs", "Size 10 shoes", "2000 pieces", "1990s music", "Presidents in 1990 s.", "Sales in 2017", "2017-q1 report",
		"2019 to 2020", "Version 1.10.30", "Install Python 3.4.", "3/4 cup of sugar", "10/10 performance", "24/7 support", "50/50 chance",
		"12.53%", "Call 555-12-34", "The first chapter", "Second opinion", "At last", "On second thought", "1st grade", "The third time",
		"Good Friday service", "Black Friday deals", "Sunday school", "Talk about Friday", "Plan next year budget", "Review last month",
		"The Friday movie", "today's news", "Monday's report", "Emails of the last 15 minutes", "A day off", "Once upon a time",
		"See https://example.com/2026-03-05/tomorrow", "Mail tomorrow@example.com", "Write 'see you tomorrow' on it", "6358fe2310> *1.5* / 5",
		"Pre-Friday party", "for the year", "in am", "seconds anyone?", "palm", "noway", "2012-14", "1-2", "11", "5 days", "15 hours 29 min",
		"Travel from March 2 until March 4", "Between April 1st and 5th", "Sundae and sundry", "Remember the apron", "The day we met",
	} {
		if r := Parse(text, wednesday, time.UTC, Options{}); r.Due != nil || r.Recurrence != nil || r.Title != text {
			t.Errorf("Parse(%q) = %s, want ordinary text", text, show(r))
		}
	}
}
