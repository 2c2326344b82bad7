package tandem

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// naive decides day by day, straight from the words of RFC 5545, whether a day is an occurrence. It reads the text of the rule
// by itself and shares nothing with the product, so that the two cannot be wrong together.
type naive struct {
	part   map[string]string
	start  time.Time
	except map[string]bool
	step   int
	wkst   int
}

var naiveWeekdays = []string{"SU", "MO", "TU", "WE", "TH", "FR", "SA"}

func newNaive(text string, start time.Time) naive {
	n := naive{part: map[string]string{}, start: start, except: map[string]bool{}, step: 1, wkst: 1}
	rule, exdates, _ := strings.Cut(text, "\nEXDATE:")
	for p := range strings.SplitSeq(rule, ";") {
		k, v, _ := strings.Cut(p, "=")
		n.part[k] = v
	}
	for d := range strings.SplitSeq(exdates, ",") {
		n.except[d] = true
	}
	if v := n.part["INTERVAL"]; v != "" {
		n.step = number(v)
	}
	if v := n.part["WKST"]; v != "" {
		n.wkst = slices.Index(naiveWeekdays, v)
	}
	return n
}

// list gives the occurrences after a date, at most n, looking at no day behind the last one.
func (n naive) list(after, last time.Time, most int) []string {
	var out []string
	count := 0
	for d := n.start; !d.After(last) && len(out) < most; d = d.AddDate(0, 0, 1) {
		if !n.occurs(d) {
			continue
		}
		count++
		if v := n.part["COUNT"]; v != "" {
			if count > number(v) {
				break
			}
		}
		if v := n.part["UNTIL"]; v != "" && d.Format("20060102") > v {
			break
		}
		if d.After(after) && !n.except[d.Format("20060102")] {
			out = append(out, d.Format("2006-01-02"))
		}
	}
	return out
}

func (n naive) occurs(d time.Time) bool {
	if n.distance(d)%n.step != 0 || !n.inSet(d) {
		return false
	}
	positions := n.part["BYSETPOS"]
	if positions == "" {
		return true
	}
	var set []time.Time
	for e := n.period(d); n.distance(e) == n.distance(d) && n.period(e).Equal(n.period(d)); e = e.AddDate(0, 0, 1) {
		if n.inSet(e) {
			set = append(set, e)
		}
	}
	at := slices.IndexFunc(set, d.Equal)
	return n.has("BYSETPOS", at+1) || n.has("BYSETPOS", at-len(set))
}

// period is the first day of the period in which d lies.
func (n naive) period(d time.Time) time.Time {
	switch n.part["FREQ"] {
	case "YEARLY":
		return time.Date(d.Year(), 1, 1, 0, 0, 0, 0, time.UTC)
	case "MONTHLY":
		return time.Date(d.Year(), d.Month(), 1, 0, 0, 0, 0, time.UTC)
	case "WEEKLY":
		for int(d.Weekday()) != n.wkst {
			d = d.AddDate(0, 0, -1)
		}
	}
	return d
}

// distance counts the periods from the start's to d's.
func (n naive) distance(d time.Time) int {
	days := int(n.period(d).Sub(n.period(n.start)).Hours()) / 24
	switch n.part["FREQ"] {
	case "YEARLY":
		return d.Year() - n.start.Year()
	case "MONTHLY":
		return 12*(d.Year()-n.start.Year()) + int(d.Month()) - int(n.start.Month())
	case "WEEKLY":
		return days / 7
	}
	return days
}

// inSet applies the BYxxx parts except BYSETPOS, and what DTSTART stands in for where they are missing.
func (n naive) inSet(d time.Time) bool {
	last := time.Date(d.Year(), d.Month()+1, 0, 0, 0, 0, 0, time.UTC).Day()
	month, monthDay, weekday := n.part["BYMONTH"], n.part["BYMONTHDAY"], n.part["BYDAY"]
	freq := n.part["FREQ"]
	if month != "" && !n.has("BYMONTH", int(d.Month())) {
		return false
	}
	if monthDay != "" && !n.has("BYMONTHDAY", d.Day()) && !n.has("BYMONTHDAY", d.Day()-last-1) {
		return false
	}
	if weekday != "" {
		return n.weekdayMatches(d)
	}
	switch {
	case monthDay != "" || freq == "DAILY":
		return true
	case freq == "WEEKLY":
		return d.Weekday() == n.start.Weekday()
	case freq == "YEARLY" && month == "" && d.Month() != n.start.Month():
		return false
	}
	return d.Day() == n.start.Day()
}

func (n naive) weekdayMatches(d time.Time) bool {
	first := time.Date(d.Year(), d.Month(), 1, 0, 0, 0, 0, time.UTC)
	end := first.AddDate(0, 1, 0)
	if n.part["FREQ"] == "YEARLY" && n.part["BYMONTH"] == "" {
		first = time.Date(d.Year(), 1, 1, 0, 0, 0, 0, time.UTC)
		end = first.AddDate(1, 0, 0)
	}
	nth := int(d.Sub(first).Hours())/24/7 + 1
	fromEnd := -(int(end.Sub(d).Hours())/24-1)/7 - 1
	name := naiveWeekdays[d.Weekday()]
	for v := range strings.SplitSeq(n.part["BYDAY"], ",") {
		if v == name || v == fmt.Sprintf("%d%s", nth, name) || v == fmt.Sprintf("%d%s", fromEnd, name) {
			return true
		}
	}
	return false
}

func (n naive) has(part string, value int) bool {
	return slices.Contains(strings.Split(n.part[part], ","), fmt.Sprint(value))
}

// genRule draws any rule that ParseRule accepts, the odd ones more often than people write them.
func genRule(t *rapid.T) Rule {
	return rapid.Custom(func(t *rapid.T) Rule {
		r, err := ParseRule(genRuleText(t))
		if err != nil {
			t.Skip("RFC 5545 forbids it, or no day meets it")
		}
		return r
	}).Draw(t, "rule")
}

func genRuleText(t *rapid.T) string {
	freq := rapid.SampledFrom([]string{"DAILY", "WEEKLY", "MONTHLY", "YEARLY"}).Draw(t, "freq")
	text := "FREQ=" + freq
	add := func(name string, one *rapid.Generator[string], most int) {
		if rapid.IntRange(0, 2).Draw(t, name+"?") == 0 {
			text += ";" + name + "=" + strings.Join(rapid.SliceOfNDistinct(one, 1, most, rapid.ID).Draw(t, name), ",")
		}
	}
	ints := func(low, high int) *rapid.Generator[string] {
		return rapid.Map(rapid.IntRange(low, high).Filter(func(n int) bool { return n != 0 }), func(n int) string { return fmt.Sprint(n) })
	}
	weekday := rapid.SampledFrom(naiveWeekdays)
	ordinal := weekday
	if freq == "MONTHLY" || freq == "YEARLY" {
		ordinal = rapid.OneOf(weekday, rapid.Map(rapid.IntRange(-5, 5).Filter(func(n int) bool { return n != 0 }), func(n int) string {
			return fmt.Sprint(n) + weekday.Example(n+5)
		}))
	}
	add("INTERVAL", rapid.OneOf(ints(1, 4), ints(1, 60)), 1)
	add("BYMONTH", ints(1, 12), 4)
	if freq != "WEEKLY" {
		add("BYMONTHDAY", rapid.OneOf(ints(-31, 31), ints(27, 31)), 5)
	}
	add("BYDAY", ordinal, 5)
	if strings.Contains(text, ";BY") {
		add("BYSETPOS", rapid.OneOf(ints(-2, 2), ints(-40, 40)), 3)
	}
	add("WKST", weekday, 1)
	switch rapid.IntRange(0, 5).Draw(t, "end") {
	case 0:
		text += fmt.Sprintf(";COUNT=%d", rapid.IntRange(1, 40).Draw(t, "count"))
	case 1:
		text += ";UNTIL=" + genDate(t, "until").Format("20060102")
	}
	if rapid.IntRange(0, 3).Draw(t, "exdate?") == 0 {
		text += "\nEXDATE:" + genDate(t, "exdate").Format("20060102")
	}
	return text
}

func genDate(t *rapid.T, label string) time.Time {
	return time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC).AddDate(0, 0, rapid.IntRange(0, 3*366).Draw(t, label))
}

// TestRule_EqualsTheOracle compares the first occurrences after some day with a search day by day, which is given twelve years.
func TestRule_EqualsTheOracle(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r, start := genRule(t), genDate(t, "anchor")
		after := start.AddDate(0, 0, rapid.IntRange(-1, 800).Draw(t, "after"))
		last := after.AddDate(12, 0, 0)
		want := newNaive(r.String(), start).list(after, last, 8)
		var got []string
		for _, d := range r.Upcoming(Due{Date: start.Format(dateLayout)}, Due{Date: after.Format(dateLayout)}, 8) {
			if d.Date <= last.Format(dateLayout) {
				got = append(got, d.Date)
			}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatalf("%q from %s after %s, -oracle +got:\n%s", r, start.Format(dateLayout), after.Format(dateLayout), diff)
		}
	})
}

// TestRule_EqualsTheOracleForPlainRules does the same for all combinations that people use, from every kind of day.
func TestRule_EqualsTheOracleForPlainRules(t *testing.T) {
	rules := []string{
		"FREQ=DAILY", "FREQ=DAILY;INTERVAL=2", "FREQ=WEEKLY", "FREQ=WEEKLY;INTERVAL=2;BYDAY=MO,SU", "FREQ=WEEKLY;INTERVAL=2;BYDAY=MO,SU;WKST=SU",
		"FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR", "FREQ=MONTHLY", "FREQ=MONTHLY;INTERVAL=3", "FREQ=MONTHLY;BYMONTHDAY=-1",
		"FREQ=MONTHLY;BYMONTHDAY=28,29,30,31;BYSETPOS=-1", "FREQ=MONTHLY;BYDAY=1MO,-1FR", "FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-1",
		"FREQ=YEARLY", "FREQ=YEARLY;INTERVAL=2", "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=29", "FREQ=YEARLY;BYDAY=1SU", "FREQ=DAILY;COUNT=7",
	}
	start := time.Date(2027, 12, 20, 0, 0, 0, 0, time.UTC)
	for _, text := range rules {
		r := rule(t, text)
		for day := range 80 { // from before the year's end to after the leap day
			from := start.AddDate(0, 0, day)
			anchor := Due{Date: from.Format(dateLayout)}
			want := newNaive(text, from).list(from, from.AddDate(9, 0, 0), 5)
			got := dates(r.Upcoming(anchor, anchor, 5))
			if diff := cmp.Diff(want, got[:min(len(got), len(want))]); diff != "" {
				t.Fatalf("%s from %s, -oracle +got:\n%s", text, anchor.Date, diff)
			}
		}
	}
}

// number reads the digits of a rule part.
func number(digits string) int {
	n, err := strconv.Atoi(digits)
	if err != nil {
		panic(err)
	}
	return n
}
