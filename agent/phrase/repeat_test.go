package phrase

import (
	"testing"
	"time"
)

func TestParse_Repetitions(t *testing.T) {
	testReadings(t, wednesday, Options{}, []reading{
		{"Clean daily", "Clean | 2026-03-04 | FREQ=DAILY"},
		{"Clean every day at 9am", "Clean | 2026-03-05 09:00 | FREQ=DAILY"},
		{"Clean 3pm each day", "Clean | 2026-03-04 15:00 | FREQ=DAILY"},
		{"Clean each and every day", "Clean | 2026-03-04 | FREQ=DAILY"},
		{"Clean every 4th day", "Clean | 2026-03-04 | FREQ=DAILY;INTERVAL=4"},
		{"Clean every alternate day", "Clean | 2026-03-04 | FREQ=DAILY;INTERVAL=2"},
		{"Clean every couple of days", "Clean | 2026-03-04 | FREQ=DAILY;INTERVAL=2"},
		{"Clean every three weeks", "Clean | 2026-03-04 | FREQ=WEEKLY;INTERVAL=3"},
		{"Clean every fortnight", "Clean | 2026-03-04 | FREQ=WEEKLY;INTERVAL=2"},
		{"Clean bi-weekly on Monday", "Clean | 2026-03-09 | FREQ=WEEKLY;INTERVAL=2;BYDAY=MO"},
		{"Clean once a week", "Clean | 2026-03-04 | FREQ=WEEKLY"},
		{"Clean once every two weeks", "Clean | 2026-03-04 | FREQ=WEEKLY;INTERVAL=2"},
		{"Clean quarterly", "Clean | 2026-03-04 | FREQ=MONTHLY;INTERVAL=3"},
		{"Clean every six months", "Clean | 2026-03-04 | FREQ=MONTHLY;INTERVAL=6"},
		{"Clean annually on 3 March", "Clean | 2027-03-03 | FREQ=YEARLY;BYMONTH=3;BYMONTHDAY=3"},
		{"Clean Tuesdays and Thursdays at 3:15", "Clean | 2026-03-05 15:15 | FREQ=WEEKLY;BYDAY=TU,TH"},
		{"Clean on Mondays", "Clean | 2026-03-09 | FREQ=WEEKLY;BYDAY=MO"},
		{"Clean Mondays Wednesdays and Fridays", "Clean | 2026-03-04 | FREQ=WEEKLY;BYDAY=MO,WE,FR"},
		{"Clean every Mon, Wed and Fri", "Clean | 2026-03-04 | FREQ=WEEKLY;BYDAY=MO,WE,FR"},
		{"Clean every Saturday through Tuesday", "Clean | 2026-03-07 | FREQ=WEEKLY;BYDAY=MO,TU,SA,SU"},
		{"Clean every Monday to Friday at 11", "Clean | 2026-03-04 11:00 | FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR"},
		{"Clean weekly on Wednesdays and Fridays", "Clean | 2026-03-04 | FREQ=WEEKLY;BYDAY=WE,FR"},
		{"Clean every 2 weeks on Friday", "Clean | 2026-03-06 | FREQ=WEEKLY;INTERVAL=2;BYDAY=FR"},
		{"Clean every other Friday", "Clean | 2026-03-06 | FREQ=WEEKLY;INTERVAL=2;BYDAY=FR"},
		{"Clean every weekday morning", "Clean | 2026-03-05 09:00 | FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR"},
		{"Clean Sunday mornings", "Clean | 2026-03-08 09:00 | FREQ=WEEKLY;BYDAY=SU"},
		{"Clean every night at 9", "Clean | 2026-03-04 21:00 | FREQ=DAILY"},
		{"Clean every evening", "Clean | 2026-03-04 19:00 | FREQ=DAILY"},
		{"Clean every day except Sunday", "Clean | 2026-03-04 | FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR,SA"},
		{"Clean every weekday except Wednesday", "Clean | 2026-03-05 | FREQ=WEEKLY;BYDAY=MO,TU,TH,FR"},
		{"Clean every month on the 4th", "Clean | 2026-03-04 | FREQ=MONTHLY;BYMONTHDAY=4"},
		{"Clean monthly on the first and third Friday", "Clean | 2026-03-06 | FREQ=MONTHLY;BYDAY=1FR,3FR"},
		{"Clean every month on the 4th last", "Clean | 2026-03-28 | FREQ=MONTHLY;BYMONTHDAY=-4"},
		{"Clean each month at the end", "Clean | 2026-03-31 | FREQ=MONTHLY;BYMONTHDAY=-1"},
		{"Clean at 10 am on the 15th of every month", "Clean | 2026-03-15 10:00 | FREQ=MONTHLY;BYMONTHDAY=15"},
		{"Clean the 4th of every 3rd month", "Clean | 2026-03-04 | FREQ=MONTHLY;INTERVAL=3;BYMONTHDAY=4"},
		{"Clean every 1st and 15th", "Clean | 2026-03-15 | FREQ=MONTHLY;BYMONTHDAY=1,15"},
		{"Clean first, second and third Friday of each month", "Clean | 2026-03-06 | FREQ=MONTHLY;BYDAY=1FR,2FR,3FR"},
		{"Clean 2nd to the last Friday of each month", "Clean | 2026-03-20 | FREQ=MONTHLY;BYDAY=-2FR"},
		{"Clean every last Friday of the month", "Clean | 2026-03-27 | FREQ=MONTHLY;BYDAY=-1FR"},
		{"Clean first workday of every month", "Clean | 2026-04-01 | FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=1"},
		{"Clean monthly on the 31st", "Clean | 2026-03-31 | FREQ=MONTHLY;BYMONTHDAY=28,29,30,31;BYSETPOS=-1"},
		{"Clean the 5th every month", "Clean | 2026-03-05 | FREQ=MONTHLY;BYMONTHDAY=5"},
		{"Clean every July 4th", "Clean | 2026-07-04 | FREQ=YEARLY;BYMONTH=7;BYMONTHDAY=4"},
		{"Clean every 20th and 30th of August", "Clean | 2026-08-20 | FREQ=YEARLY;BYMONTH=8;BYMONTHDAY=20,30"},
		{"Clean every year on December 21st and 31st", "Clean | 2026-12-21 | FREQ=YEARLY;BYMONTH=12;BYMONTHDAY=21,31"},
		{"Clean every fourth Thursday in November", "Clean | 2026-11-26 | FREQ=YEARLY;BYMONTH=11;BYDAY=4TH"},
		{"Clean on March 5th every year", "Clean | 2026-03-05 | FREQ=YEARLY;BYMONTH=3;BYMONTHDAY=5"},
		{"Clean every January and July", "Clean | 2026-07-01 | FREQ=YEARLY;BYMONTH=1,7;BYMONTHDAY=1"},
		{"Clean every Christmas", "Clean | 2026-12-25 | FREQ=YEARLY;BYMONTH=12;BYMONTHDAY=25"},
		{"Clean every Monday in June", "Clean | 2026-06-01 | FREQ=WEEKLY;BYMONTH=6;BYDAY=MO"},
		{"Clean daily at 3am 10x", "Clean | 2026-03-05 03:00 | FREQ=DAILY;COUNT=10"},
		{"Clean every Friday up to 7 times", "Clean | 2026-03-06 | FREQ=WEEKLY;BYDAY=FR;COUNT=7"},
		{"Clean every Friday for the next six weeks", "Clean | 2026-03-06 | FREQ=WEEKLY;BYDAY=FR;UNTIL=20260415"},
		{"Clean every Friday until next month", "Clean | 2026-03-06 | FREQ=WEEKLY;BYDAY=FR;UNTIL=20260401"},
		{"Clean daily through December", "Clean | 2026-03-04 | FREQ=DAILY;UNTIL=20261231"},
		{"Clean daily until 2027", "Clean | 2026-03-04 | FREQ=DAILY;UNTIL=20270101"},
		{"Starting in April, clean daily until March", "clean | 2026-04-01 | FREQ=DAILY;UNTIL=20270301 start 2026-04-01"},
		{"Clean every day from Monday", "Clean | 2026-03-09 | FREQ=DAILY start 2026-03-09"},
		{"Clean daily starting Monday at 8", "Clean | 2026-03-09 08:00 | FREQ=DAILY start 2026-03-09T08:00"},
		{"Clean every 4th of the month starting next Tuesday", "Clean | 2026-04-04 | FREQ=MONTHLY;BYMONTHDAY=4 start 2026-03-10"},
		{"Tomorrow: clean every 3 days", "clean | 2026-03-05 | FREQ=DAILY;INTERVAL=3 start 2026-03-05"},
		{"Clean every 3 days after completion", "Clean | 2026-03-04 | FREQ=DAILY;INTERVAL=3 from completion"},
		{"Clean a month after I'm done", "Clean | 2026-03-04 | FREQ=MONTHLY from completion"},
		{"Weekly report every Friday", "Weekly report | 2026-03-06 | FREQ=WEEKLY;BYDAY=FR"},
		{"Weekly at 9am", "| 2026-03-11 09:00 | FREQ=WEEKLY"},
	})
}

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
