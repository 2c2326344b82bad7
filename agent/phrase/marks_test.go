package phrase

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

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
		"Travel from March 2 until March 4", "Between April 1st and 5th", "Sundae and sundry", "Remember the apron", "The day we met", "Call after Friday", "Turn it up to 4", "Emails since Monday",
	} {
		if r := Parse(text, wednesday, time.UTC, Options{}); r.Due != nil || r.Recurrence != nil || r.Title != text {
			t.Errorf("Parse(%q) = %s, want ordinary text", text, show(r))
		}
	}
}

func TestParse_ALateReminderIsOneSpan(t *testing.T) {
	const text = "Pay rent tomorrow and remind me at 9am"
	var got []string
	for _, s := range Parse(text, wednesday, time.UTC, Options{}).Spans {
		got = append(got, s.Kind+" "+s.Text)
	}
	want := []string{"due tomorrow", "reminder remind me at 9am"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("spans of %q (-want +got):\n%s", text, diff)
	}
}
