package sqlite

import (
	"strings"
	"testing"
	"time"

	"tandem"
)

// FuzzSearch holds the index against the rule: whatever a task and a search text are made of, both find the same.
func FuzzSearch(f *testing.F) {
	for _, seed := range [][3]string{
		{"Buy milk", "at the corner", "mil"},
		{"Café ﬁnally 家事", "x²", `"cafe fin"`},
		{"a-b/c", "", "-b"},
		{"ǅ ß ﬀ", "\u0301", "dz SS"},
		{"١٢٣ Ⅷ ½", "e\u0301", "viii 1"},
		{`"quoted" NEAR(a b)`, "* ^ :", `near* "a b`},
		{"\u1e9b\u0323", "ſ", "s"},
		{"🙂 emoji", "x\u200dy", "🙂 x"},
	} {
		f.Add(seed[0], seed[1], seed[2])
	}
	now := time.Date(2031, 1, 1, 0, 0, 0, 0, time.UTC)
	db := open(f, func() time.Time { return now })
	db.manyTasks = 0 // several readers work on each search
	f.Fuzz(func(t *testing.T, title, description, text string) {
		uid := tandem.NewID()
		out, err := db.Edit(t.Context(), "ann", tandem.Edit{Decide: func(sc tandem.Scene) (tandem.Plan, error) {
			made, _, err := tandem.NewTask(sc, tandem.Draft{UID: uid, Title: title, Description: description})
			return tandem.Plan{Tasks: []tandem.Task{made}}, err
		}})
		if err != nil {
			t.Skip("no task can be made of this")
		}
		made := *out.Changes[0].After
		search := tandem.ParseSearch(text)
		for _, word := range append(tandem.Words(made.Title), strings.Fields(text)...) {
			compareSearch(t, db, made, tandem.ParseSearch(word))
		}
		compareSearch(t, db, made, search)
	})
}

func compareSearch(t *testing.T, db *DB, made tandem.Task, search tandem.Search) {
	t.Helper()
	q := tandem.Query{Search: search, Refs: []tandem.TaskRef{{UID: made.UID}}}
	page, err := db.List(t.Context(), "ann", q)
	if err != nil {
		t.Fatal(err)
	}
	if want := q.Match(made); (page.Total == 1) != want {
		t.Fatalf("%q / %q, search %q: the store says %v, the rule %v", made.Title, made.Description, search, page.Total == 1, want)
	}
}
