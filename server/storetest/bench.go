package storetest

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"tandem"
)

// language makes words whose letters are about as frequent as a language's.
func language(r *rand.Rand, n int) []string {
	out := make([]string, n)
	for i := range out {
		var b strings.Builder
		for range 2 + r.IntN(8) {
			b.WriteByte("etaoinshrdlucmfwypvbgk"[min(r.IntN(22), r.IntN(22))])
		}
		out[i] = b.String()
	}
	return out
}

// RunSearch measures searches, filters and sorts over 100,000 tasks of one user. It reports the 99th percentile, which is what a
// person feels, beside the mean.
func RunSearch(b *testing.B, db Store) {
	b.Helper()
	words := manyTasks(b, db, 100_000)
	day := time.Date(2031, 6, 1, 0, 0, 0, 0, time.UTC)
	for _, bench := range []struct {
		name  string
		query func(i int) tandem.Query
	}{
		{"every", searching(func(int) string { return "task" })},
		{"letter", searching(func(i int) string { return "taoinsh"[i%7 : i%7+1] })},
		{"two-letters", searching(func(i int) string { return words[i%300][:2] })},
		{"word", searching(func(i int) string { return words[i%len(words)] })},
		{"two-words", searching(func(i int) string { return words[i%20] + " " + words[i*7%len(words)] })},
		{"two-common", searching(func(i int) string { return "task " + words[i%3] })},
		{"phrase", searching(func(i int) string { return `"` + words[i%10] + " " + words[i*3%10] + `"` })},
		{"excluded", searching(func(i int) string { return words[i%30] + " -" + words[i%7] })},
		{"pending", func(i int) tandem.Query {
			return tandem.Query{Status: tandem.StatusOnlyPending, Search: tandem.ParseSearch("t")}
		}},
		{"misspelt", func(i int) tandem.Query {
			return tandem.Query{Search: tandem.ParseSearch(words[i%len(words)] + "xq"), Fuzzy: true}
		}},
		{"all", func(int) tandem.Query { return tandem.Query{} }},
		{"tag", func(i int) tandem.Query {
			return tandem.Query{Tags: []string{fmt.Sprintf("tag%d", i%10)}, Sort: tandem.SortDue}
		}},
		{"urgent", func(int) tandem.Query {
			return tandem.Query{Priority: []tandem.Priority{tandem.PriorityUrgent}, Sort: tandem.SortTitle}
		}},
		{"overdue", func(int) tandem.Query {
			return tandem.Query{Overdue: true, Now: day.AddDate(0, 0, 30), Sort: tandem.SortPriority, Desc: true}
		}},
		{"week", func(i int) tandem.Query {
			from, to := tandem.DayRange(day.AddDate(0, 0, i%50), 7)
			return tandem.Query{DueFrom: &from, DueTo: &to, Sort: tandem.SortDue}
		}},
		{"deep", func(int) tandem.Query { return tandem.Query{Sort: tandem.SortTitle, Offset: 5000} }},
	} {
		b.Run(bench.name, func(b *testing.B) { measure(b, db, bench.query) })
	}
}

func searching(text func(i int) string) func(int) tandem.Query {
	return func(i int) tandem.Query { return tandem.Query{Search: tandem.ParseSearch(text(i))} }
}

func measure(b *testing.B, db Store, query func(i int) tandem.Query) {
	b.Helper()
	var times []time.Duration
	found := 0
	for i := 0; b.Loop(); i++ {
		start := time.Now()
		page, err := db.List(b.Context(), "ann", query(i))
		if err != nil {
			b.Fatal(err)
		}
		times, found = append(times, time.Since(start)), found+page.Total
	}
	slices.Sort(times)
	b.ReportMetric(float64(times[len(times)*99/100].Microseconds())/1000, "p99-ms")
	b.ReportMetric(float64(found)/float64(len(times)), "found")
}

// RunSnapshot measures snapshots of a user with 10,000 tasks.
func RunSnapshot(b *testing.B, db Store) {
	b.Helper()
	manyTasks(b, db, 10_000)
	b.ResetTimer()
	for b.Loop() {
		if _, err := db.Snapshot(b.Context(), "ann"); err != nil {
			b.Fatal(err)
		}
	}
}

// manyTasks adds n tasks in writes of 100, and gives the words they are made of, the most frequent first.
func manyTasks(b *testing.B, db Store, n int) []string {
	b.Helper()
	r := rand.New(rand.NewPCG(11, 12))
	words := language(r, 5000)
	zipf := rand.NewZipf(r, 1.15, 3, uint64(len(words)-1))
	pick := func(n int) string {
		out := make([]string, n)
		for i := range out {
			out[i] = words[zipf.Uint64()]
		}
		return strings.Join(out, " ")
	}
	for made := 0; made < n; made += 100 {
		_, err := db.Edit(b.Context(), "ann", tandem.Edit{Decide: func(sc tandem.Scene) (tandem.Plan, error) {
			var p tandem.Plan
			for range 100 {
				d := tandem.Draft{Title: "Task " + pick(4), Description: pick(r.IntN(25)), Priority: tandem.Priorities[r.IntN(4)], Tags: []string{fmt.Sprintf("tag%d", r.IntN(100))}}
				if r.IntN(2) == 0 {
					d.Due = &tandem.Due{Date: fmt.Sprintf("2031-%02d-%02d", 5+r.IntN(6), 1+r.IntN(28))}
				}
				t, _, err := tandem.NewTask(sc, d)
				if err != nil {
					return p, err
				}
				if r.IntN(2) == 0 {
					t = tandem.Complete(sc, t, sc.Now)
				}
				p.Tasks = append(p.Tasks, t)
			}
			return p, nil
		}})
		if err != nil {
			b.Fatal(err)
		}
	}
	return words
}
