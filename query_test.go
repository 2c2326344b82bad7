package tandem

import (
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestFold_IgnoresCaseAndAccents(t *testing.T) {
	for in, want := range map[string]string{"Café": "cafe", "CAFE\u0301": "cafe", "Naïve": "naive", "Straße": "straße", "ＡＢＣ": "abc", "İ": "i"} {
		if got := Fold(in); got != want {
			t.Errorf("Fold(%q) = %q, want %q", in, got, want)
		}
	}
}

func TestSearch_MatchRule(t *testing.T) {
	for _, tc := range []struct {
		search, title, description string
		want                       bool
	}{
		{"plan", "Plan the trip", "", true},
		{"plan", "Water plants", "", true},
		{"lants", "Water plants", "", false},
		{"planting", "Water plants", "", false},
		{"CAFÉ", "Cafe opening", "", true},
		{"rent mom", "Call mom", "", true},
		{`"the plants"`, "Call mom", "ask about the plants", true},
		{`"plants the"`, "Call mom", "ask about the plants", false},
		{`"about the pl"`, "Call mom", "ask about the plants", true},
		{"plants -mom", "Call mom", "ask about the plants", false},
		{"plants -mom", "Water plants", "", true},
		{"-mom", "Water plants", "", true},
		{"", "anything", "", true},
		{`"unclosed quote`, "an unclosed quote", "", true},
		{`"a b"`, "end a", "b start", false},
		{"& | ! <-> :* ' ( \\", "anything", "", true},
	} {
		if got := ParseSearch(tc.search).Match(tc.title, tc.description); got != tc.want {
			t.Errorf("search %q on %q/%q: %v, want %v", tc.search, tc.title, tc.description, got, tc.want)
		}
	}
}

func TestParseFilter_Grammar(t *testing.T) {
	got, err := ParseFilter(`tag:garden tag:shop,family priority:high,urgent due:this_week sort:-due_date water "the plants" -mom colour:red tag:"two words"`)
	if err != nil {
		t.Fatal(err)
	}
	want := Filter{
		Priority: []Priority{PriorityHigh, PriorityUrgent}, Tags: []string{"garden", "two words"}, TagsAny: [][]string{{"shop", "family"}},
		Due: "this_week", Sort: SortDue, Desc: true,
		Search: Search{Any: []Term{{"water"}, {"the", "plants"}, {"colour", "red"}}, Not: []Term{{"mom"}}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Fatalf("filter differs (-want +got):\n%s", diff)
	}
}

func TestParseFilter_NamesWhatIsWrong(t *testing.T) {
	for _, text := range []string{"status:open", "priority:purple", "due:someday", "due:2026-02-30", "due:..", "sort:colour"} {
		_, err := ParseFilter(text)
		if e, ok := errors.AsType[*Error](err); !ok || e.Code != CodeInvalid || len(e.Details.Allowed) == 0 {
			t.Errorf("ParseFilter(%q): %v, want invalid with the allowed values", text, err)
		}
	}
}

func TestApplyDue_StretchesAreLocalDays(t *testing.T) {
	zone, err := LoadZone("America/New_York")
	if err != nil {
		t.Fatal(err)
	}
	now := time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC) // Sunday, the day the clocks go back: 25 hours long
	for word, want := range map[string][2]string{
		"today":                  {"2026-11-01T04:00:00Z", "2026-11-02T04:59:59Z"},
		"tomorrow":               {"2026-11-02T05:00:00Z", "2026-11-03T04:59:59Z"},
		"this_week":              {"2026-10-26T04:00:00Z", "2026-11-02T04:59:59Z"},
		"this_month":             {"2026-11-01T04:00:00Z", "2026-12-01T04:59:59Z"},
		"2026-12-24":             {"2026-12-24T05:00:00Z", "2026-12-25T04:59:59Z"},
		"2026-12-24..2026-12-26": {"2026-12-24T05:00:00Z", "2026-12-27T04:59:59Z"},
	} {
		var q Query
		if err := q.ApplyDue("query", word, now, zone, time.Monday); err != nil {
			t.Fatalf("%s: %v", word, err)
		}
		got := [2]string{q.DueFrom.Format(time.RFC3339), q.DueTo.Format(time.RFC3339)}
		if got != want {
			t.Errorf("%s: %v, want %v", word, got, want)
		}
	}
}

func TestEvents_TellEachChangeOnce(t *testing.T) {
	sc := stage("2026-11-20T10:00:00Z")
	task := made(t, sc, Draft{Title: "Call", Due: &Due{Date: "2026-11-20", Time: "12:00"}, Reminders: []ReminderSpec{ahead(time.Hour)}})
	done := sealed(sc, task, Complete(sc, task, sc.Now))
	fired := task.Clone()
	fired.Reminders[0].State = ReminderFired
	for name, tc := range map[string]struct {
		change TaskChange
		want   []EventType
	}{
		"created":   {TaskChange{After: &task}, []EventType{EventTaskCreated, EventReminderScheduled, EventTaskUpdate}},
		"completed": {TaskChange{Before: &task, After: &done}, []EventType{EventTaskCompleted, EventReminderCancelled, EventTaskUpdate}},
		"fired":     {TaskChange{Before: &task, After: &fired}, []EventType{EventTaskUpdated, EventReminderDue, EventTaskUpdate}},
	} {
		t.Run(name, func(t *testing.T) {
			var got []EventType
			for _, e := range Events(Cause{Actor: ActorUser}, tc.change, 3, sc.Now, sc.NewID) {
				got = append(got, e.EventType)
				data := mustJSON(e)
				back, err := DecodeEvent(e.Topic(), data)
				if err != nil {
					t.Fatalf("own event is refused: %v\n%s", err, data)
				}
				if back.EventID != e.EventID {
					t.Fatalf("decoded %s, want %s", back.EventID, e.EventID)
				}
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Fatalf("events differ (-want +got):\n%s", diff)
			}
		})
	}
}

func TestDecodeEvent_RefusesPoison(t *testing.T) {
	sc := stage("2026-11-20T10:00:00Z")
	task := made(t, sc, Draft{Title: "Call"})
	good := string(mustJSON(Events(Cause{Actor: ActorUser}, TaskChange{After: &task}, 1, sc.Now, sc.NewID)[0]))
	for name, data := range map[string]string{
		"not json":     "{",
		"a list":       "[]",
		"not utf-8":    "{\"event_id\":\"\xff\"}",
		"extra key":    `{"colour":"red",` + good[1:],
		"missing type": `{"event_id":"1","user_id":"ann","timestamp":"2026-11-20T10:00:00Z","payload":{},"task_id":"x"}`,
		"bad user":     `{"event_id":"1","event_type":"task.created","user_id":"..","timestamp":"2026-11-20T10:00:00Z","payload":{},"task_id":"x"}`,
		"wrong topic":  `{"event_id":"1","event_type":"reminder.due","user_id":"ann","timestamp":"2026-11-20T10:00:00Z","payload":{},"task_id":"x"}`,
	} {
		if _, err := DecodeEvent(TopicTaskEvents, []byte(data)); !errors.Is(err, ErrInvalid) {
			t.Errorf("%s: %v, want invalid", name, err)
		}
	}
	if _, err := DecodeEvent(TopicTaskEvents, []byte(good)); err != nil {
		t.Errorf("the good one is refused: %v", err)
	}
}
