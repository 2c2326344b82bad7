package tools

import (
	"encoding/json"
	"slices"
	"testing"

	"tandem"
)

func TestWords_HoldADateOfTheAssistantAgainstThePerson(t *testing.T) {
	for _, tt := range []struct {
		words, due string
		dates      []string
		refused    bool
		unsaid     bool
	}{
		{words: "call mom tomorrow", due: "2026-11-26"},
		{words: "call mom tomorrow at 9am", due: "2026-11-26T09:00"},
		{words: "call mom tomorrow at 9am", due: "2026-11-26T09:00:00Z"},
		{words: "call mom tomorrow at 9am", due: "2026-11-26T09:00:30"},
		{words: "call mom tomorrow", due: "2026-11-27", refused: true},
		{words: "call mom tomorrow at 9am", due: "2026-11-26T21:00", refused: true},
		{words: "call mom tomorrow at 9am", due: "2026-11-26", refused: true},
		{words: "call mom tomorrow", due: "tomorrow"},
		{words: "call mom tomorrow and pay rent on friday", due: "2026-11-27"},
		{words: "call mom", due: "2026-11-27", unsaid: true},
		{words: "same day as task 3", due: "2026-11-27", dates: []string{"2026-11-27"}},
		{words: "move it to the day of the dentist", due: "2026-11-28", dates: []string{"2026-11-27"}, unsaid: true},
	} {
		u := newBench(t).person("ann")
		var unsaid []string
		u.caller.Kind, u.caller.Words = Agent, &Words{Text: tt.words}
		for _, date := range tt.dates {
			u.caller.Words.see(json.RawMessage(`{"tasks":[{"due":{"date":"` + date + `"}}]}`))
		}
		u.caller.Policy = func(e Effect) *tandem.Error {
			unsaid = e.Unsaid
			return nil
		}
		_, e := u.call(AddTask, m{"title": "x", "due": tt.due})
		if refused := e != nil; refused != tt.refused {
			t.Errorf("%q, %s: refused %v, %v", tt.words, tt.due, refused, e)
			continue
		}
		if tt.refused {
			if e.Code != tandem.CodeInvalid || e.Details.Field != "due" || len(e.Details.Allowed) == 0 {
				t.Errorf("%q, %s: %+v", tt.words, tt.due, e)
			}
			continue
		}
		if got := slices.Contains(unsaid, tt.due); got != tt.unsaid {
			t.Errorf("%q, %s: unsaid %v", tt.words, tt.due, unsaid)
		}
	}
}

func TestWords_CheckMovesAndItems(t *testing.T) {
	u := newBench(t).person("ann")
	u.do(AddTask, m{"title": "One", "due": "2031-05-06T10:00"})
	u.caller.Kind, u.caller.Words = Agent, &Words{Text: "move it to friday"}
	u.caller.Policy = func(Effect) *tandem.Error { return nil }
	u.refused(tandem.CodeInvalid, UpdateTask, m{"task_id": 1, "move_due": "2026-11-26"})
	u.do(UpdateTask, m{"task_id": 1, "move_due": "2026-11-27"})
	e := u.refused(tandem.CodeInvalid, AddTask, m{"items": []any{m{"title": "x", "due": "2026-11-27"}, m{"title": "y", "due": "2026-11-26"}}})
	same(t, "field", e.Details.Field, "items[1].due")
}

func TestClient_RemembersTheDatesItShowed(t *testing.T) {
	b := newBench(t)
	u := b.person("ann")
	u.do(AddTask, m{"title": "Dentist", "due": "2026-12-03"})
	u.caller.Kind, u.caller.Words = Agent, &Words{Text: "call mom on the day of the dentist"}
	var unsaid []string
	u.caller.Policy = func(e Effect) *tandem.Error {
		unsaid = e.Unsaid
		return nil
	}
	k, err := b.tb.Client(t.Context(), u.caller)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = k.Close() })
	for _, tt := range []struct {
		tool, args string
		want       []string
	}{
		{AddTask, `{"title":"Call mom","due":"2026-12-03"}`, []string{"2026-12-03"}},
		{ListTasks, `{"search":"dentist"}`, []string{"2026-12-03"}},
		{AddTask, `{"title":"Call dad","due":"2026-12-03"}`, nil},
	} {
		if raw, isError, err := k.CallTool(t.Context(), tt.tool, json.RawMessage(tt.args)); isError || err != nil {
			t.Fatalf("%s: %s, %v", tt.tool, raw, err)
		}
		same(t, tt.tool+tt.args, unsaid, tt.want)
	}
}
