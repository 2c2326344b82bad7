package postgres

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tandem"
	"tandem/server/sqlite"
)

// searchWords are what random texts and searches are made of: some begin alike, some only fold alike, some mean something to a
// database.
var searchWords = strings.Fields(`a an ant anthem report reports Repört re buy Buy milk MILK mil straße strasse café CAFÉ naïve 家 家事 ١٢٣ 42 x² ﬁsh fish
	ﷺ صلى z & | ! <-> <2> :* ' ( ) \ " % _ * ^ NEAR AND OR NOT ''; a:b a'b a\b -x milk:*A <-> ti:AB
	baab abba abbey ` + strings.Repeat("ab", 48) + ` ` + strings.Repeat("ab", 50) + ` ` + strings.Repeat("ab", 50) + `c ` + strings.Repeat("ab", 60) + ` ` + strings.Repeat("家", 33))

func someWords(r *rand.Rand, n int) string {
	out := make([]string, n)
	for i := range out {
		out[i] = searchWords[r.IntN(len(searchWords))]
	}
	return strings.Join(out, []string{" ", " ", "-", "\u00a0"}[r.IntN(4)])
}

// richDescription is more than a tsvector holds, or is long, or is none.
func richDescription(r *rand.Rand) string {
	switch r.IntN(30) {
	case 0:
		return strings.Repeat("ant ", 270) + "buy milk"
	case 1:
		return strings.Repeat("ﷺ", 300) + " buy milk"
	case 2:
		return strings.Repeat("家", 1500)
	default:
		return someWords(r, r.IntN(12))
	}
}

// searchText writes words, beginnings of words, phrases and exclusions.
func searchText(r *rand.Rand) string {
	var terms []string
	for range 1 + r.IntN(3) {
		term := someWords(r, 1)
		if r.IntN(2) == 0 {
			term = `"` + someWords(r, 1+r.IntN(3)) + `"`
		} else if runes := []rune(term); len(runes) > 1 && r.IntN(3) > 0 {
			term = string(runes[:1+r.IntN(len(runes))])
		}
		if r.IntN(4) == 0 {
			term = "-" + term
		}
		terms = append(terms, term)
	}
	return strings.Join(terms, " ")
}

// spread gives exported tasks whose numbers lie in several chunks.
func spread(t *testing.T, r *rand.Rand, n int) []tandem.Task {
	t.Helper()
	var all []tandem.Task
	for i := range n {
		title, err := tandem.CleanTitle(someWords(r, 1+r.IntN(5)))
		if err != nil {
			continue
		}
		description, err := tandem.CleanDescription(richDescription(r))
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, tandem.Task{
			UserID: "ann", UID: fmt.Sprintf("0190f3c2-0000-7000-8000-%012x", i), Number: int64(i)*(4*firstChunkEnd)/int64(n) + 1, Version: 1,
			Title: title, Description: description, Priority: tandem.Priorities[r.IntN(4)], CreatedAt: time.Date(2031, 1, 1, 0, 0, i, 0, time.UTC),
		})
	}
	return all
}

// TestSearch_TheSameSetAsInSQLiteAndByTheRule holds the index against the rule and against the other store: whatever tasks and
// searches are made of.
func TestSearch_TheSameSetAsInSQLiteAndByTheRule(t *testing.T) {
	r := rand.New(rand.NewPCG(21, 22))
	all := spread(t, r, 250)
	ours, theirs := open(t, nil), openSQLite(t)
	importTasks(t, all, ours, theirs)
	for i := range 300 {
		q := tandem.Query{Search: tandem.ParseSearch(searchText(r)), Limit: 1 + r.IntN(100), Desc: i%2 == 0}
		if i%3 == 0 {
			q.Sort = tandem.Sorts[r.IntN(len(tandem.Sorts))]
		}
		got, want := pageOf(t, ours, q), pageOf(t, theirs, q)
		if d := cmp.Diff(want, got); d != "" {
			t.Fatalf("%q (%+v): -SQLite +Postgres:\n%s", q.Search, q, d)
		}
		if matching := countMatches(all, q); !got.Fuzzy && got.Total != matching {
			t.Fatalf("%q finds %d, by the rule %d", q.Search, got.Total, matching)
		}
	}
}

// TestSearch_TheSameNearMissesAsInSQLite leaves out words that are longer than what is indexed.
func TestSearch_TheSameNearMissesAsInSQLite(t *testing.T) {
	r := rand.New(rand.NewPCG(27, 28))
	all := slices.DeleteFunc(spread(t, r, 300), func(t tandem.Task) bool { return slices.ContainsFunc(tandem.Words(t.Title+" "+t.Description), long) })
	ours, theirs := open(t, nil), openSQLite(t)
	importTasks(t, all, ours, theirs)
	near := 0
	for range 150 {
		text := []rune(someWords(r, 1))
		text[r.IntN(len(text))] = 'q'
		q := tandem.Query{Search: tandem.ParseSearch(string(text)), Fuzzy: true}
		got := pageOf(t, ours, q)
		if d := cmp.Diff(pageOf(t, theirs, q), got); d != "" {
			t.Fatalf("%q: -SQLite +Postgres:\n%s", string(text), d)
		}
		if got.Fuzzy {
			near++
		}
	}
	if near < 20 {
		t.Errorf("only %d searches found near misses", near)
	}
}

// TestSearch_FollowsChangesOfWords edits, deletes and restores tasks of several chunks, and looks after each whether the index still
// says what the rule says.
func TestSearch_FollowsChangesOfWords(t *testing.T) {
	r := rand.New(rand.NewPCG(23, 24))
	all := spread(t, r, 40)
	db := open(t, nil)
	importTasks(t, all, db)
	for range 60 {
		i := r.IntN(len(all))
		title, description := someWords(r, 1+r.IntN(4)), richDescription(r)
		out, err := db.Edit(t.Context(), "ann", tandem.Edit{Refs: []tandem.TaskRef{{UID: all[i].UID}}, Decide: func(sc tandem.Scene) (tandem.Plan, error) {
			after, _, err := tandem.Amend(sc, *sc.Tasks[0], tandem.Patch{Title: &title, Description: &description})
			return tandem.Plan{Tasks: []tandem.Task{after}}, err
		}})
		if err != nil {
			continue // no title can be made of this
		}
		if len(out.Changes) > 0 {
			all[i] = *out.Changes[0].After
		}
		for range 5 {
			q := tandem.Query{Search: tandem.ParseSearch(searchText(r))}
			if got, want := pageOf(t, db, q).Total, countMatches(all, q); got != want {
				t.Fatalf("%q finds %d, by the rule %d", q.Search, got, want)
			}
		}
	}
}

// TestSearch_WordsThatAreGoneLeaveNoRow keeps near misses from naming words that no task holds.
func TestSearch_WordsThatAreGoneLeaveNoRow(t *testing.T) {
	db := open(t, nil)
	all := spread(t, rand.New(rand.NewPCG(25, 26)), 20)
	importTasks(t, all, db)
	for _, task := range all {
		title, description := "zebra", ""
		if _, err := db.Edit(t.Context(), "ann", tandem.Edit{Refs: []tandem.TaskRef{{UID: task.UID}}, Decide: func(sc tandem.Scene) (tandem.Plan, error) {
			after, _, err := tandem.Amend(sc, *sc.Tasks[0], tandem.Patch{Title: &title, Description: &description})
			return tandem.Plan{Tasks: []tandem.Task{after}}, err
		}}); err != nil {
			t.Fatal(err)
		}
	}
	words, err := view(t.Context(), db, "ann", func(ctx context.Context, c *conn) ([]string, error) {
		return list(ctx, c, single[string], `select distinct word from words where user_id = $1 order by word`, "ann")
	})
	if d := cmp.Diff([]string{"#z", "zebra"}, words); d != "" || err != nil {
		t.Errorf("words left (-want +got), %v:\n%s", err, d)
	}
}

func openSQLite(t *testing.T) *sqlite.DB {
	t.Helper()
	db, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "tandem.db"), sqlite.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	return db
}

// taskStore is what both stores are here.
type taskStore interface {
	Import(ctx context.Context, user tandem.UserID, next func() (kind string, row json.RawMessage, err error)) (int, error)
	List(ctx context.Context, user tandem.UserID, q tandem.Query) (tandem.Page, error)
}

func importTasks(t *testing.T, all []tandem.Task, into ...taskStore) {
	t.Helper()
	for _, db := range into {
		next := 0
		n, err := db.Import(t.Context(), "ann", func() (string, json.RawMessage, error) {
			if next == len(all) {
				return "", nil, io.EOF
			}
			doc, err := json.Marshal(all[next])
			next++
			return "task", doc, err
		})
		if err != nil || n != len(all) {
			t.Fatalf("imported %d of %d tasks: %v", n, len(all), err)
		}
	}
}

// foundPage is a page as far as the stores must agree on it.
type foundPage struct {
	Numbers []int64
	Total   int
	Fuzzy   bool
	More    bool
}

func pageOf(t *testing.T, db taskStore, q tandem.Query) foundPage {
	t.Helper()
	page, err := db.List(t.Context(), "ann", q)
	if err != nil {
		t.Fatalf("%q: %v", q.Search, err)
	}
	found := foundPage{Total: page.Total, Fuzzy: page.Fuzzy, More: page.Next != nil}
	for _, task := range page.Tasks {
		found.Numbers = append(found.Numbers, task.Number)
	}
	return found
}

func countMatches(all []tandem.Task, q tandem.Query) int {
	return len(slices.DeleteFunc(slices.Clone(all), func(t tandem.Task) bool { return !q.Match(t) }))
}
