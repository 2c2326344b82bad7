package tools

import (
	"encoding/json"
	"maps"
	"strings"
	"testing"
	"unicode/utf8"

	"tandem"
)

func TestArguments_RefuseBrokenJSON(t *testing.T) {
	u := newBench(t).person("ann")
	for _, tt := range []struct {
		name, raw, field string
	}{
		{"text", `"x"`, "arguments"},
		{"a number", `5`, "arguments"},
		{"a list", `[]`, "arguments"},
		{"cut short", `{"title":"x"`, "arguments"},
		{"two values", `{"title":"x"} {}`, "arguments"},
		{"a key twice", `{"title":"x","title":"y"}`, "title"},
		{"a key twice inside", `{"items":[{"title":"x","title":"y"}]}`, "title"},
		{"a key twice by escape", `{"title":"x","\u0074itle":"y"}`, "title"},
		{"invalid UTF-8", "{\"title\":\"\xff\"}", "arguments"},
		{"too deep", `{"items":` + strings.Repeat("[", 40) + strings.Repeat("]", 40) + `}`, "arguments"},
		{"endlessly deep", strings.Repeat("[", 1<<20), "arguments"},
		{"a comment", `{/**/}`, "arguments"},
		{"the prototype", `{"__proto__":{}}`, "__proto__"},
	} {
		_, err := u.tb.Call(t.Context(), u.caller, AddTask, json.RawMessage(tt.raw))
		e := tandem.AsError(err)
		same(t, tt.name, []any{e.Code, e.Details.Field}, []any{tandem.CodeInvalid, tt.field})
	}
	for _, raw := range []string{"", " ", "null", "{}"} {
		if _, err := u.tb.Call(t.Context(), u.caller, ListTasks, json.RawMessage(raw)); err != nil {
			t.Errorf("%q: %v", raw, err)
		}
	}
}

func TestArguments_EchoIsShort(t *testing.T) {
	u := newBench(t).person("ann")
	for _, args := range []m{
		{"title": "x", "priority": strings.Repeat("p", 10_000)},
		{"title": "x", "priority": make([]int, 10_000)},
		{"title": "x", strings.Repeat("p", 10_000): 1},
		{"title": strings.Repeat("p", 10_000)},
	} {
		if got := errorResult(new(u.refused(tandem.CodeInvalid, AddTask, args))); len(got) > 1500 {
			t.Errorf("the error has %d bytes", len(got))
		}
	}
}

func TestInteger(t *testing.T) {
	for raw, want := range map[string]int64{"5": 5, "-5": -5, "5.0": 5, "5e2": 500, "9007199254740993": 9007199254740993} {
		if got, ok := integer(json.RawMessage(raw)); !ok || got != want {
			t.Errorf("%s is %d, %v", raw, got, ok)
		}
	}
	for _, raw := range []string{"1.5", "1e30", "1e400", "1e999999999", `"5"`, "true", "null", "[]", "", "99999999999999999999"} {
		if got, ok := integer(json.RawMessage(raw)); ok {
			t.Errorf("%s is %d", raw, got)
		}
	}
}

// TestArguments_NeverBreak feeds every argument of every tool values of every kind.
func TestArguments_NeverBreak(t *testing.T) {
	u := newBench(t).program("ann")
	u.add("One")
	values := []any{
		nil, true, 0, -1, 1.5, json.Number("1e20"), json.Number("1" + strings.Repeat("0", 400)), "", "x", "\x00", "\u202e", "2031-05-06", "9999-12-31T23:59:59Z",
		"0000-00-00", "FREQ=DAILY;COUNT=1000000000", "every day",
		[]any{},
		[]any{nil},
		[]any{[]any{}},
		m{},
		m{"a": 1},
		make([]string, 200), strings.Repeat("é", 5000),
	}
	for _, tool := range Names {
		base := m{"task_id": 1, "dry_run": true}
		switch tool {
		case AddTask:
			base = m{"title": "x", "dry_run": true}
		case ListTasks:
			base = m{}
		}
		for _, field := range specs[tool].properties {
			for _, value := range values {
				args := maps.Clone(base)
				if args[field] = value; args["dry_run"] == true || tool == ListTasks {
					_, _ = u.call(tool, args) // fails the test where it is internal
				}
			}
		}
	}
	same(t, "tasks", u.titles(m{"status": "pending"}), []string{"One"})
}

func FuzzCall(f *testing.F) {
	for _, seed := range []string{
		`{"title":"x","due":"tomorrow"}`, `{"items":[{"title":"x","recurrence":"every monday","reminders":["1h"]}]}`, `{"task_id":"5","clear":["due"]}`,
		`{"ids":[1,"2",3.0],"move_due":"+1d"}`, `{"search":"\"a b\" -c","cursor":"eyJrIjoiIn0"}`, `{"undo":"last"}`, `{"query":"tag:a,b due:2026-01-01.."}`,
		`{"snooze":"in 2 hours","task_id":1}`, `{"a":{"b":[[[]]]}}`, `{"completed_at":"2026-11-25T10:00:00+05:30","task_id":1}`,
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		if err := checkJSON(json.RawMessage(raw)); err == nil && !utf8.ValidString(raw) {
			t.Error("invalid UTF-8 passed")
		}
		for _, tool := range Names {
			a, err := parseArguments(tool, json.RawMessage(raw), specs[tool].properties)
			if err != nil {
				known(t, err)
				continue
			}
			c := call{Caller: Caller{User: "ann"}, tool: tool, args: a, settings: tandem.DefaultSettings(), now: noon}
			switch tool {
			case AddTask:
				op, err := c.operation()
				if err == nil {
					_, err = c.drafts(op)
				}
				known(t, err)
			case ListTasks:
				_, err := c.query()
				known(t, err)
			case UpdateTask:
				op, err := c.operation()
				if err == nil {
					err = c.amend(op)
				}
				known(t, err)
			}
		}
	})
}

// known holds an error to the contract's codes.
func known(t *testing.T, err error) {
	t.Helper()
	if err != nil && tandem.AsError(err).Code == tandem.CodeInternal {
		t.Errorf("broke: %v", err)
	}
}
