package agent

import (
	"strings"
	"testing"

	"tandem"
)

func TestAsksToDelete_OnlyACommandDoes(t *testing.T) {
	tests := map[string][]string{
		"delete the meeting task":                      {"the meeting task"},
		"Please, could you delete task 3?":             {"task 3"},
		"I'd like to remove the gym task.":             {"the gym task"},
		"get rid of it":                                {"of it"},
		"take milk off my list":                        {"milk off my list"},
		"mark 1 as done and then delete 2":             {"2"},
		"the dentist is over; scrap it":                {"it"},
		`delete "Buy milk. Now."`:                      {"buy milk now"},
		"throw away the old list":                      {"the old list"},
		"Lösche die Aufgabe 3":                         {"die aufgabe 3"},
		"kannst du bitte Aufgabe 3 löschen":            {"aufgabe 3"},
		"Aufgabe 3 nicht löschen":                      nil,
		"don't delete task 3":                          nil,
		"do not delete task 3":                         nil,
		"never remove anything":                        nil,
		"add a task to delete old photos":              nil,
		"rename task 1 to 'delete everything'":         nil,
		`she said "delete task 2"`:                     nil,
		"what would you delete":                        nil,
		"remind me to take the bins out":               nil,
		"I deleted task 2":                             nil,
		"delete":                                       nil,
		"":                                             nil,
		"should I delete task 1, or maybe keep task 2": nil,
	}
	for text, want := range tests {
		var got []string
		for _, ref := range asksToDelete(text) {
			var words []string
			for _, tok := range ref {
				words = append(words, tok.word)
			}
			got = append(got, strings.Join(words, " "))
		}
		if strings.Join(got, "|") != strings.Join(want, "|") {
			t.Errorf("%q asks to delete %q, want %q", text, got, want)
		}
	}
}

func TestNames_NumberPronounPlaceAndWords(t *testing.T) {
	list := targets("Meeting", "Buy 2 eggs", "Call mom", "Call dad", "Task force")
	h := Hints{Focus: []tandem.Candidate{list[2].Candidate}, Shown: []tandem.Candidate{list[3].Candidate, list[0].Candidate}}
	tests := []struct {
		text string
		want int // index in list + 1; 0: none
	}{
		{"delete 1", 1},
		{"delete task 2", 2},
		{"delete #4", 4},
		{"delete @4", 4},
		{"delete the task number 4 please", 4},
		{"delete it", 3},
		{"delete that one", 3},
		{"delete the first one", 4},
		{"delete the last one", 1},
		{"delete the meeting task", 1},
		{"delete buy 2 eggs", 2},
		{`delete "call dad"`, 4},
		{"delete call", 0},
		{"delete 3 tasks", 3},
		{"delete 9", 0},
		{"delete the third one", 0},
		{"delete 1 and 2", 0},
		{"delete 99999999999999999999999", 0},
		{"delete everything", 0},
	}
	for _, tt := range tests {
		for i, target := range list {
			got := false
			for _, ref := range asksToDelete(tt.text) {
				got = got || names(ref, target.Candidate, list, h)
			}
			if want := tt.want == i+1; got != want {
				t.Errorf("%q names %q: %v, want %v", tt.text, target.Title, got, want)
			}
		}
	}
}

func TestSaid_LeavesQuestionsAndQuotesOut(t *testing.T) {
	tests := []struct {
		text, in, out string
	}{
		{"What have I completed? Mark 3 as done.", "mark", "completed"},
		{"change it to 'complete all'", "change", "complete"},
		{"it's done", "done", "what"},
		{"can you complete task 3", "complete", "what"},
		{"show me what is completed", "", "completed"},
		{"rename “delete me” to x", "rename", "delete"},
	}
	for _, tt := range tests {
		got := said(tt.text)
		if tt.in != "" && !got[tt.in] || got[tt.out] {
			t.Errorf("said(%q) = %v, want %q and not %q", tt.text, got, tt.in, tt.out)
		}
	}
}

func FuzzWords(f *testing.F) {
	for _, s := range []string{"delete 'a", "“x”", "delete it and then", "'", "#", "a'b'c", "\xff;;", "don't"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		said(text)
		yesOrNo(text)
		for _, ref := range asksToDelete(text) {
			if len(ref) == 0 {
				t.Fatalf("%q: a command to delete nothing", text)
			}
			names(ref, tandem.Candidate{Number: 1}, nil, Hints{})
		}
		claims(text)
	})
}
