package phrase

import (
	"testing"
	"time"
)

func TestParse_RepetitionsThatAreNone(t *testing.T) {
	for _, text := range []string{
		"Weekly report", "Read the daily news", "Our annual review", "Thank every customer", "Each of them", "Take pills 3 times a day",
		"Backup hourly", "Every few days clean", "Every Friday in week 12", "Every day at 9 and 17", "Every Sunday at 10, 12 and 17",
		"Every half hour stretch", "An everyday routine",
	} {
		if r := Parse(text, wednesday, time.UTC, Options{}); r.Recurrence != nil || r.Due != nil || r.Title != text {
			t.Errorf("Parse(%q) = %s, want no repetition", text, show(r))
		}
	}
}

// TestRule_FirstMeetsTheRule holds the first occurrence of many rules against a search of every day.
func TestRule_FirstMeetsTheRule(t *testing.T) {
	for _, text := range []string{
		"every monday", "every weekday", "every 31st", "every 3rd friday", "every last friday of the month", "last workday of every month",
		"every feb 29", "every july and august", "every fourth thursday in november", "each month at the end", "3rd workday of every month",
	} {
		p := newParser(text, wednesday, time.UTC, Options{})
		e, ok := p.only()
		if !ok {
			t.Fatalf("%q is no rule", text)
		}
		r, _, _ := p.ruleOf(&e)
		for from := p.today; from < p.today+800; from += 13 {
			want := from
			for !r.matches(want) {
				want++
			}
			if got, ok := r.first(from); !ok || got != want {
				t.Fatalf("%s: first from %s is %s, %v, want %s", r, from, got, ok, want)
			}
		}
	}
}
