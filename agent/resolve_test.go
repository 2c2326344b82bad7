package agent

import (
	"testing"
	"time"

	"tandem"
)

func targets(titles ...string) []Target {
	var out []Target
	for i, title := range titles {
		out = append(out, Target{Candidate: tandem.Candidate{Number: int64(i + 1), UID: title, Title: title}})
	}
	return out
}

func TestResolve_NamesOneTaskOrAsks(t *testing.T) {
	list := []string{
		"Meeting", "Meeting with Ann", "Buy groceries", "Pay electricity bill", "Pay water bill", "Book dentist appointment",
		"Call mom", "Water plants", "Café crème",
	}
	tests := []struct {
		words      string
		best, sure string
	}{
		{"the meeting task", "Meeting", "Meeting"},
		{"meeting with ann", "Meeting with Ann", "Meeting with Ann"},
		{"groceries", "Buy groceries", "Buy groceries"},
		{"grocery", "Buy groceries", "Buy groceries"},
		{"buy grocreies", "Buy groceries", "Buy groceries"},
		{"the bill", "", ""},
		{"electricity", "Pay electricity bill", "Pay electricity bill"},
		{"dentist appointment", "Book dentist appointment", "Book dentist appointment"},
		{"cafe creme", "Café crème", "Café crème"},
		{"mom and the garden and the house", "", ""},
		{"unrelated thing", "", ""},
		{"", "", ""},
		{"the task", "", ""},
	}
	for _, tt := range tests {
		r := Resolve(tt.words, targets(list...), Hints{})
		if best, _ := r.Best(); best.Title != tt.best {
			t.Errorf("Resolve(%q).Best() = %q (%.3f), want %q; all: %v", tt.words, best.Title, best.Score, tt.best, r)
		}
		if sure, ok := r.Sure(); ok != (tt.sure != "") || ok && sure.Title != tt.sure {
			t.Errorf("Resolve(%q).Sure() = %q, %v, want %q", tt.words, sure.Title, ok, tt.sure)
		}
	}
}

func TestResolve_HintsSettleATieButNotForDeleting(t *testing.T) {
	list := targets("Meeting with Ann", "Meeting with Bob")
	r := Resolve("the meeting", list, Hints{})
	if _, ok := r.Best(); ok {
		t.Fatal("a tie was resolved without a hint")
	}
	if got := len(r.Candidates()); got != 2 {
		t.Fatalf("candidates = %d, want both", got)
	}
	r = Resolve("the meeting", list, Hints{Focus: []tandem.Candidate{list[1].Candidate}})
	if best, ok := r.Best(); !ok || best.Title != "Meeting with Bob" {
		t.Errorf("the task just mentioned is not taken: %v", r)
	}
	if sure, ok := r.Sure(); ok {
		t.Errorf("a hint made %q sure", sure.Title)
	}
}

func TestResolve_HintsNeverOutweighWords(t *testing.T) {
	list := targets("Call mom", "Call a plumber about the kitchen")
	soon := time.Now()
	list[1].DueAt, list[1].UpdatedAt = &soon, soon
	h := Hints{Now: soon, Focus: []tandem.Candidate{list[1].Candidate}, Shown: []tandem.Candidate{list[1].Candidate}}
	if r := Resolve("call mom", list, h); r[0].Title != "Call mom" {
		t.Errorf("the hinted task beat the named one: %v", r)
	}
}

func FuzzResolve(f *testing.F) {
	f.Add("the meeting", "Meeting with Ann")
	f.Add("\xff\u202e", "…")
	f.Fuzz(func(t *testing.T, words, title string) {
		for _, m := range Resolve(words, targets(title, title+" x"), Hints{}) {
			if m.Likeness < 0 || m.Likeness > 1 {
				t.Fatalf("likeness of %q and %q is %f", words, m.Title, m.Likeness)
			}
		}
	})
}
