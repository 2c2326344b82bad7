package planner

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tandem"
	"tandem/agent/phrase"
)

func TestLex(t *testing.T) {
	for text, want := range map[string]string{
		"Don't re-schedule Mom's to-do at 9:30!":   "dont reschedule moms todo at 9:30 !",
		"to do list, to dos, I have to do it":      "todo list , todos , i have to do it",
		`say "to do" and 'x y' #work @5 "Dentist"`: "say {to do} and {x y} #work @5",
		"tasks 1-3 and #7":                         "tasks 1 - 3 and @7",
		"Café ＡＢＣ\nnext":                           "cafe abc \n next",
		"don’t \"unclosed":                         "dont \" unclosed",
	} {
		var got []string
		for _, tok := range lex(text) {
			word := tok.word
			switch tok.kind {
			case quoteToken:
				word = "{" + word + "}"
			case tagToken:
				word = "#" + word
			case mentionToken:
				word = "@" + word
			case wordToken, numberToken, markToken:
			}
			got = append(got, word)
		}
		if diff := cmp.Diff(want, strings.Join(got, " ")); diff != "" {
			t.Errorf("%q (-want +got):\n%s", text, diff)
		}
	}
}

// The offsets of tokens are those of the text, behind quotations of any width too.
func TestLex_Offsets(t *testing.T) {
	text := `🎉 "quoted 🎉" then „two“ and more`
	for _, tok := range lex(text) {
		if tok.kind == wordToken && text[tok.from:tok.to] != tok.word {
			t.Errorf("token %q stands for %q", tok.word, text[tok.from:tok.to])
		}
	}
}

func TestPattern(t *testing.T) {
	for _, c := range []struct {
		pattern, text string
		want          int
	}{
		{"remind me|us to?", "remind us to go", 3},
		{"remind me|us to?", "remind us go", 2},
		{"remind me|us to", "remind them to go", 0},
		{"make {det}? _? list", "make a shopping list", 4},
		{"make {det}? _? list", "make list", 2},
		{"no it is", "no, it is", 4},
		{"task {number}", "task 5", 2},
		{"a? b? c", "c", 1},
		{"a? b? c", "a c", 2},
	} {
		if got := compileAll(c.pattern).start(lex(c.text)); got != c.want {
			t.Errorf("%q matches %d tokens of %q, want %d", c.pattern, got, c.text, c.want)
		}
	}
}

func TestCut(t *testing.T) {
	for text, want := range map[string][]string{
		"complete 1 and then delete 2; undo":               {"complete 1", "delete 2", "undo"},
		"complete 1, then show my tasks. Thanks!":          {"complete 1", "show my tasks", "Thanks"},
		"remind me to update docs and change the password": {"remind me to update docs and change the password"},
		"remind me to go and then delete task 3":           {"remind me to go", "delete task 3"},
		"add milk and eggs and mark task 3 as done":        {"add milk and eggs", "mark task 3 as done"},
		"I don't need eggs, remove them":                   {"I don't need eggs", "remove them"},
		"is milk there? if not, add it":                    {"is milk there", "if not, add it"},
		"call mr. Smith at 9.30 p.m. tomorrow":             {"call mr", "Smith at 9.30 p.m", "tomorrow"},
		"add:\n- a. b\n- c and then delete d\n\nundo":      {"add:\n- a. b\n- c and then delete d", "undo"},
		"\n\n;;  . ": nil,
	} {
		var got []string
		for _, c := range new(planning).cut(text) {
			got = append(got, strings.TrimSpace(c.source()))
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%q (-want +got):\n%s", text, diff)
		}
	}
}

func TestRefer(t *testing.T) {
	p := &planning{now: now, zone: berlin, settings: settings(), options: phrase.OptionsFor(settings())}
	for text, want := range map[string]reference{
		"task 3":             {numbers: []int64{3}},
		"3, 4 and 5":         {numbers: []int64{3, 4, 5}},
		"tasks 2 to 4":       {numbers: []int64{2, 3, 4}},
		"task three":         {numbers: []int64{3}},
		"#7 from my list":    {numbers: []int64{7}},
		"it":                 {it: true},
		"this one":           {it: true},
		"both of them":       {them: true},
		"the second one":     {ordinal: 2},
		"the last":           {ordinal: -1},
		"overdue tasks":      {all: true, filter: filter{overdue: true}},
		"everything due now": {all: true},
		"all #work tasks":    {all: true, filter: filter{tags: []string{"work"}}},
		"my morning things tomorrow": {
			all: true, filter: filter{named: "tomorrow", from: "2026-03-05", to: "2026-03-05", part: stretch{"00:00", "12:00"}},
		},
		"tasks due before friday": {all: true, filter: filter{to: "2026-03-05"}},
		"urgent tasks next week":  {all: true, filter: filter{priority: "urgent", from: "2026-03-09", to: "2026-03-15"}},
		"completed tasks":         {all: true, filter: filter{status: "completed"}},
	} {
		got, ok := p.refer(text, lex(text))
		if !ok {
			t.Errorf("%q names nothing", text)
		}
		got.words, got.full, got.whole = nil, "", ""
		if diff := cmp.Diff(want, got, cmp.AllowUnexported(reference{}, filter{}, stretch{})); diff != "" {
			t.Errorf("%q (-want +got):\n%s", text, diff)
		}
	}
}

// A number among other words is none of a task: "3 eggs".
func TestTaskNumbers_NotOfThings(t *testing.T) {
	for _, text := range []string{"3 eggs", "the 9am meeting", "five loaves", "one", "2026 report", ""} {
		if got := taskNumbers(lex(text)); got != nil {
			t.Errorf("%q names the tasks %v", text, got)
		}
	}
}

// A due time of another place counts by the reader's clock.
func TestFits_TheReadersClock(t *testing.T) {
	p := &planning{now: now, zone: berlin}
	due := tandem.Due{Date: "2026-03-05", Time: "03:30", TimeZone: "America/New_York"}
	at := tandem.Stamp(due.At(time.UTC))
	row := tandem.TaskRow{Due: &due, DueDate: &at}
	if !p.fits(filter{part: partStretches["morning"], from: "2026-03-05", to: "2026-03-05"}, row) {
		t.Error("03:30 in New York is 09:30 in Berlin, a morning")
	}
	if p.fits(filter{clock: "03:30"}, row) {
		t.Error("03:30 in New York is not 03:30 in Berlin")
	}
}

func TestMove(t *testing.T) {
	p := &planning{now: now, zone: berlin, options: phrase.OptionsFor(settings())}
	for text, want := range map[string]string{
		"2 PM": "14:00", "noon": "12:00", "friday": "2026-03-06", "tomorrow at 10": "2026-03-05T10:00", "today at 11": "2026-03-04T11:00",
		"in 2 hours": "2026-03-04T12:00", "2 days": "2d", "by a week": "1w", "in 3 days": "2026-03-07", "next month": "2026-04-01",
	} {
		if got, ok := p.move(text, false); !ok || got != want {
			t.Errorf("%q moves to %q (%t), want %q", text, got, ok, want)
		}
	}
	if got, _ := p.move("two days", true); got != "-2d" {
		t.Errorf("two days back is %q", got)
	}
	for _, text := range []string{"", "the dentist", "5 eggs", "every monday"} {
		if got, ok := p.move(text, false); ok {
			t.Errorf("%q moves to %q", text, got)
		}
	}
}

func TestRespell(t *testing.T) {
	for text, want := range map[string]string{
		"delte taks 3": "delete task 3", "complte 1": "complete 1", "remnid me": "remind me", "reschedul it": "reschedule it",
		"deleted removed reminded updated finished completed": "deleted removed reminded updated finished completed",
		"sending lending mending remains":                     "sending lending mending remains",
	} {
		toks := lex(text)
		respell(toks)
		if got := spokenWords(toks); got != want {
			t.Errorf("%q is read as %q, want %q", text, got, want)
		}
	}
}

func TestTitleOf(t *testing.T) {
	for text, want := range map[string]string{
		"  to call mom ": "Call mom", "\"call mom\"": "call mom", "a lunch with Ann.": "Lunch with Ann", "the rent is": "The rent",
		"éclair": "Éclair", "": "", "to": "To", "iPhone": "IPhone",
	} {
		if got := titleOf(text); got != want {
			t.Errorf("title of %q is %q, want %q", text, got, want)
		}
	}
}

// A long text is kept: its beginning as the title, all of it as the notes.
func TestDraft_LongTextsBecomeNotes(t *testing.T) {
	p := &planning{now: now, zone: berlin, options: phrase.OptionsFor(settings())}
	text := strings.Repeat("paint the fence ", 20)
	d := p.draft(text, false)
	if n := len([]rune(d.Title)); n > tandem.MaxTitle || !strings.HasSuffix(d.Title, "…") || !strings.HasPrefix(d.Description, "Paint the fence paint") {
		t.Errorf("title of %d characters %q, notes %q", n, d.Title, d.Description)
	}
}
