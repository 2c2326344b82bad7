package storetest

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"github.com/google/go-cmp/cmp"

	"tandem"
)

var lists = map[string]func(*stage){
	"random lists equal the rule in memory":           randomLists,
	"random searches equal the rule in memory":        randomSearches,
	"a long list is walked as a short one is sorted":  longLists,
	"as of equals the list of that moment":            asOf,
	"near misses only where there is nothing, marked": nearMisses,
	"at the moment of a write the past is what it wrote": func(s *stage) {
		s.add(ann, tandem.Draft{Title: "One"})
		s.clock.pass(time.Hour)
		at := s.clock.Now()
		s.run(ann, retitling("", number(1), "Two"))
		s.clock.pass(time.Hour)
		s.run(ann, retitling("", number(1), "Three"))
		before := at.Add(-time.Millisecond)
		equal(s, "at the moment", s.titles(ann, tandem.Query{AsOf: &at}), []string{"Two"})
		equal(s, "just before", s.titles(ann, tandem.Query{AsOf: &before}), []string{"One"})
	},
	"an unknown person has an empty list": func(s *stage) {
		page, err := s.List(s.ctx(), ann, tandem.Query{})
		s.must(err)
		equal(s, "page", page, tandem.Page{Tasks: []tandem.Task{}})
	},
	"the past goes back thirty days": func(s *stage) {
		s.add(ann, tandem.Draft{Title: "One"})
		at := s.clock.Now().Add(-31 * 24 * time.Hour)
		_, err := s.List(s.ctx(), ann, tandem.Query{AsOf: &at})
		s.refused(err, tandem.CodeInvalid)
	},
	"cursors lose and repeat nothing while others write": func(s *stage) {
		for i := range 40 {
			s.add(ann, tandem.Draft{Title: fmt.Sprintf("Task %02d", i)})
			s.clock.pass(time.Second)
		}
		q := tandem.Query{Limit: 7, Status: tandem.StatusOnlyPending}
		var got []string
		for {
			page, err := s.List(s.ctx(), ann, q)
			s.must(err)
			for _, t := range page.Tasks {
				got = append(got, t.Title)
			}
			if page.Next == nil {
				break
			}
			q.After = page.Next
			last := page.Tasks[len(page.Tasks)-1]
			s.run(ann, completing("", number(last.Number))) // even the row that the cursor names
			s.add(ann, tandem.Draft{Title: "new"})
			s.clock.pass(time.Second)
			if len(got) > 100 {
				s.Fatal("the list does not end")
			}
		}
		for i := range 40 {
			if n := len(slices.DeleteFunc(slices.Clone(got), func(t string) bool { return t != fmt.Sprintf("Task %02d", i) })); n != 1 {
				s.Fatalf("Task %02d was listed %d times in %v", i, n, got)
			}
		}
	},
	"hostile words are only words": func(s *stage) {
		s.add(ann, tandem.Draft{Title: `Robert'); drop table tasks;--`})
		for _, text := range []string{
			`' OR 1=1 --`, `" OR ""="`, `*`, `NEAR(a b)`, `title:drop`, `^drop`, `{text}: drop`, `AND OR NOT`, `(((`, `drop*`, `%`, `_`, `"un`, "\x00", `-`, `- drop`,
			`\`, `🙂`, strings.Repeat("a", 5000), strings.Repeat("drop ", 500),
		} {
			for _, q := range []tandem.Query{
				{Search: tandem.ParseSearch(text), Fuzzy: true},
				{Tags: []string{text}},
				{TagsAny: [][]string{{text}}},
				{Refs: []tandem.TaskRef{{UID: text}}},
				{After: &tandem.Position{Key: text, UID: text}},
				{Sort: tandem.SortTitle, After: &tandem.Position{Key: text, UID: text}},
				{Sort: tandem.Sort(text)},
				{Status: tandem.StatusFilter(text)},
			} {
				if _, err := s.List(s.ctx(), ann, q); err != nil {
					s.Fatalf("%+v: %v", q, err)
				}
			}
		}
		equal(s, "found", s.titles(ann, tandem.Query{Search: tandem.ParseSearch("drop -robert")}), []string{})
		equal(s, "found", len(s.titles(ann, tandem.Query{Search: tandem.ParseSearch(`"drop tab"`)})), 1)
	},
}

// words of random tasks: some begin alike, some only fold alike, some are not ASCII.
var vocabulary = strings.Fields(`a an ant anthem report reports Repört re buy Buy milk MILK mil straße strasse STRASSE café cafe CAFÉ naïve 家 家事 ١٢٣ 42 4 x² ﬁsh fish
	tasks task tax the there Ünïcode z`)

var tagPool = []string{"home", "Home", "wörk", "a b", "x"}

func phrase(r *rand.Rand, n int) string {
	var out []string
	for range n {
		out = append(out, vocabulary[r.IntN(len(vocabulary))])
	}
	return strings.Join(out, []string{" ", "-", ", ", "/"}[r.IntN(4)])
}

// draft makes a random task.
func draft(s *stage, r *rand.Rand) tandem.Draft {
	d := tandem.Draft{Title: phrase(r, 1+r.IntN(4)), Priority: tandem.Priorities[r.IntN(4)]}
	if r.IntN(2) == 0 {
		d.Description = phrase(r, r.IntN(8))
	}
	for range r.IntN(3) {
		d.Tags = append(d.Tags, tagPool[r.IntN(len(tagPool))])
	}
	if r.IntN(3) > 0 {
		d.Due = &tandem.Due{Date: s.clock.Now().AddDate(0, 0, r.IntN(10)-5).Format(time.DateOnly)}
		if r.IntN(2) == 0 {
			d.Due.Time = fmt.Sprintf("%02d:00", r.IntN(24))
		}
	}
	if r.IntN(4) == 0 {
		d.UID = fmt.Sprintf("%08x-0000-4000-8000-%012x", r.Uint32(), r.Int64N(1<<40)) // ids of devices are in no order
	}
	return d
}

// populate makes random tasks in random states and gives them all.
func populate(s *stage, r *rand.Rand, n int) []tandem.Task {
	for left := n; left > 0; {
		drafts := make([]tandem.Draft, min(left, 1+r.IntN(6)))
		for i := range drafts {
			drafts[i] = draft(s, r)
		}
		s.run(ann, adding("", drafts...))
		left -= len(drafts)
		s.clock.pass(time.Duration(r.IntN(3)) * time.Second)
	}
	for i := int64(1); i <= int64(n); i++ {
		switch r.IntN(5) {
		case 0:
			s.run(ann, completing("", number(i)))
		case 1:
			s.run(ann, deleting(number(i)))
		case 2:
			s.run(ann, retitling("", number(i), phrase(r, 1+r.IntN(3))))
		}
	}
	return s.everything(ann)
}

// everything reads all tasks by their numbers, without any list.
func (s *stage) everything(user tandem.UserID) []tandem.Task {
	s.Helper()
	var all []tandem.Task
	for from := int64(1); ; from += 100 {
		var refs []tandem.TaskRef
		for i := range int64(100) {
			refs = append(refs, number(from+i))
		}
		found := 0
		s.run(user, tandem.Edit{Refs: refs, Decide: func(sc tandem.Scene) (tandem.Plan, error) {
			for _, t := range sc.Tasks {
				if t != nil {
					all = append(all, *t)
					found++
				}
			}
			return tandem.Plan{}, nil
		}})
		if found == 0 {
			return all
		}
	}
}

// inMemory is the list as the pure rules give it.
func inMemory(all []tandem.Task, q tandem.Query) []string {
	q = q.Normal()
	var matching []tandem.Task
	for _, t := range all {
		if q.Match(t) {
			matching = append(matching, t)
		}
	}
	slices.SortFunc(matching, q.Order)
	out := []string{}
	for _, t := range matching {
		out = append(out, label(t))
	}
	return out
}

func label(t tandem.Task) string { return fmt.Sprintf("%d %s", t.Number, t.Title) }

// pages reads a list to its end by cursors.
func (s *stage) pages(user tandem.UserID, q tandem.Query) (out []string, total int) {
	s.Helper()
	out = []string{}
	for {
		page, err := s.List(s.ctx(), user, q)
		s.must(err)
		for _, t := range page.Tasks {
			out = append(out, label(t))
		}
		if page.Next == nil {
			return out, page.Total
		}
		if len(out) > 100_000 {
			s.Fatalf("the list does not end: %+v", q)
		}
		q.After = page.Next
	}
}

// query makes random conditions.
func query(s *stage, r *rand.Rand) tandem.Query {
	q := tandem.Query{
		Status: []tandem.StatusFilter{"", tandem.StatusAny, tandem.StatusOnlyPending, tandem.StatusOnlyCompleted, tandem.StatusOnlyDeleted}[r.IntN(5)],
		Sort:   append([]tandem.Sort{""}, tandem.Sorts...)[r.IntN(6)], Desc: r.IntN(2) == 0, Limit: 1 + r.IntN(30), Now: s.clock.Now(),
	}
	if r.IntN(4) == 0 {
		q.Priority = []tandem.Priority{tandem.Priorities[r.IntN(4)], tandem.Priorities[r.IntN(4)]}
	}
	if r.IntN(4) == 0 {
		q.Tags = []string{tagPool[r.IntN(len(tagPool))]}
	}
	if r.IntN(5) == 0 {
		q.TagsAny = [][]string{{tagPool[r.IntN(len(tagPool))], tagPool[r.IntN(len(tagPool))]}}
	}
	day := s.clock.Now().AddDate(0, 0, r.IntN(8)-4)
	switch r.IntN(8) {
	case 0:
		q.NoDue = true
	case 1:
		q.Overdue = true
	case 2:
		from, to := tandem.DayRange(day, 1+r.IntN(3))
		q.DueFrom, q.DueTo = &from, &to
	case 3:
		to := day.Add(1500 * time.Microsecond)
		q.DueTo = &to
	case 4:
		q.Refs = []tandem.TaskRef{}
		for range r.IntN(5) {
			q.Refs = append(q.Refs, number(1+r.Int64N(120)))
		}
	}
	return q
}

// compare holds a list against the rule.
func compare(s *stage, all []tandem.Task, q tandem.Query) {
	s.Helper()
	got, total := s.pages(ann, q)
	want := inMemory(all, q)
	if d := cmp.Diff(want, got); d != "" || total != len(want) {
		s.Fatalf("list of %+v, total %d, want %d (-want +got):\n%s", q, total, len(want), d)
	}
	if len(want) > 3 {
		q.Offset, q.Limit = 2, 1
		page, err := s.List(s.ctx(), ann, q)
		s.must(err)
		equal(s, "third of the list by offset", label(page.Tasks[0]), want[2])
	}
}

func randomLists(s *stage) {
	r := rand.New(rand.NewPCG(1, 2))
	all := populate(s, r, 100)
	for range 300 {
		compare(s, all, query(s, r))
	}
}

func randomSearches(s *stage) {
	r := rand.New(rand.NewPCG(3, 4))
	all := populate(s, r, 100)
	for range 400 {
		q := query(s, r)
		if r.IntN(2) == 0 {
			q = tandem.Query{Status: q.Status, Limit: q.Limit, Desc: q.Desc, Sort: q.Sort, Now: q.Now}
		}
		if r.IntN(3) > 0 {
			q.Sort = ""
		}
		q.Search = tandem.ParseSearch(searchText(r))
		compare(s, all, q)
	}
}

// searchText writes words, beginnings of words, phrases and exclusions.
func searchText(r *rand.Rand) string {
	var terms []string
	for range 1 + r.IntN(3) {
		term := phrase(r, 1)
		if r.IntN(3) == 0 {
			term = `"` + phrase(r, 1+r.IntN(2)) + `"`
		} else if runes := []rune(term); len(runes) > 1 {
			term = string(runes[:1+r.IntN(len(runes))])
		}
		if r.IntN(4) == 0 {
			term = "-" + term
		}
		terms = append(terms, term)
	}
	return strings.Join(terms, " ")
}

// longLists has more tasks than are read at a time.
func longLists(s *stage) {
	r := rand.New(rand.NewPCG(5, 6))
	for range 5 {
		var drafts []tandem.Draft
		for range 100 {
			drafts = append(drafts, draft(s, r))
		}
		s.run(ann, adding("", drafts...))
		s.clock.pass(time.Second)
	}
	for i := int64(1); i <= 500; i += 3 {
		s.run(ann, completing("", number(i)))
	}
	all := s.everything(ann)
	for _, sort := range append([]tandem.Sort{""}, tandem.Sorts...) {
		for _, desc := range []bool{false, true} {
			for _, text := range []string{"", "a", "-zz"} {
				compareParts(s, all, tandem.Query{Sort: sort, Desc: desc, Search: tandem.ParseSearch(text), Limit: 20, Now: s.clock.Now()})
			}
		}
	}
	compare(s, all, tandem.Query{Tags: []string{"home"}, Sort: tandem.SortDue, Limit: 100})
}

// compareParts holds the beginning, the middle and the end of a long list against the rule.
func compareParts(s *stage, all []tandem.Task, q tandem.Query) {
	s.Helper()
	want := inMemory(all, q)
	for _, offset := range []int{0, len(want) / 2, max(0, len(want)-q.Limit-5)} {
		q.Offset, q.After = offset, nil
		first := must(s.List(s.ctx(), ann, q))
		q.Offset, q.After = 0, first.Next
		second := must(s.List(s.ctx(), ann, q))
		var got []string
		for _, t := range append(first.Tasks, second.Tasks...) {
			got = append(got, label(t))
		}
		equal(s, fmt.Sprintf("two pages from %d of %+v", offset, q), got, want[offset:min(len(want), offset+2*q.Limit)])
		equal(s, "total", first.Total, len(want))
	}
}

// asOf writes down what the list is after each of a series of edits, and asks for it later.
func asOf(s *stage) {
	r := rand.New(rand.NewPCG(7, 8))
	type moment struct {
		at    time.Time
		all   []tandem.Task
		query tandem.Query
	}
	var moments []moment
	for range 15 {
		s.run(ann, adding("", draft(s, r), draft(s, r)))
		n := 1 + r.Int64N(int64(len(s.everything(ann))))
		s.run(ann, []tandem.Edit{completing("", number(n)), deleting(number(n)), retitling("", number(n), phrase(r, 2)), reopening(number(n))}[r.IntN(4)])
		q := query(s, r)
		q.Refs, q.Limit = nil, 5
		moments = append(moments, moment{s.clock.Now(), s.everything(ann), q})
		s.clock.pass(time.Hour)
	}
	for _, m := range moments {
		at := m.at.Add(time.Minute)
		m.query.AsOf = &at
		compare(s, m.all, m.query)
	}
}

func nearMisses(s *stage) {
	s.add(ann, tandem.Draft{Title: "Buy groceries"})
	s.add(ann, tandem.Draft{Title: "Call the dentist"})
	s.add(bob, tandem.Draft{Title: "Grocer"})
	find := func(text string, fuzzy bool) tandem.Page {
		page, err := s.List(s.ctx(), ann, tandem.Query{Search: tandem.ParseSearch(text), Fuzzy: fuzzy})
		s.must(err)
		return page
	}
	if page := find("grocries", true); !page.Fuzzy || page.Total != 1 || page.Tasks[0].Title != "Buy groceries" {
		s.Fatalf("near misses of grocries: %+v", page)
	}
	if page := find("grocries", false); page.Fuzzy || page.Total != 0 {
		s.Fatalf("near misses that nobody asked for: %+v", page)
	}
	if page := find("groc", true); page.Fuzzy || page.Total != 1 {
		s.Fatalf("a plain match is marked as near: %+v", page)
	}
	if page := find("zebra", true); page.Total != 0 {
		s.Fatalf("zebra is near to %+v", page.Tasks)
	}
}
