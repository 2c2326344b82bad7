package agent

import (
	"encoding/json"
	"strings"
	"testing"

	"tandem"
)

func TestNeutral_LeavesNothingThatHidesOrReorders(t *testing.T) {
	tests := map[string]string{
		"plain text":                     "plain text",
		"Café ☕ 日本":                      "Café ☕ 日本",
		"two\nlines\tand tab":            "two\nlines\tand tab",
		"a\u200bb\u200dc\ufeffd":         "abcd",
		"\u202eevil\u202c \u2066x\u2069": "evil x",
		"nul\x00bel\x07esc\x1b[0m":       "nulbelesc[0m",
		"tag\U000E0041\U000E0042":        "tag",
		"soft\u00adhyphen":               "softhyphen",
		"line\u2028sep":                  "linesep",
		"bad\xffutf":                     "bad\uFFFDutf",
	}
	for in, want := range tests {
		if got := Neutral(in); got != want {
			t.Errorf("Neutral(%q) = %q, want %q", in, got, want)
		}
	}
}

func listOf(n int, title string) json.RawMessage {
	rows := make([]tandem.TaskRow, n)
	for i := range rows {
		rows[i] = tandem.TaskRow{TaskID: int64(i + 1), UID: tandem.NewID(), Title: title, Tags: []string{}}
	}
	return encode(map[string]any{"success": true, "tasks": rows, "total_count": n, "message": "ok"})
}

func TestKeep_CutsWholeTasksAndMarksIt(t *testing.T) {
	small := listOf(2, "x")
	if got := keep(small); string(got) != string(small) {
		t.Errorf("a small result was changed: %s", got)
	}
	for _, raw := range []json.RawMessage{
		listOf(100, "Water the plants"), listOf(100, strings.Repeat("é", 200)), listOf(1, strings.Repeat("x", 20_000)),
		encode(map[string]any{"success": true, "message": strings.Repeat("x", 20_000)}), encode(strings.Repeat("x", 20_000)),
	} {
		got := keep(raw)
		var o map[string]any
		if err := json.Unmarshal(got, &o); err != nil || len(got) > tandem.MaxKeptResult || o["truncated"] != true {
			t.Errorf("kept %d bytes, %v, truncated %v", len(got), err, o["truncated"])
		}
	}
	if got := resultOf(keep(listOf(100, "Water the plants"))); len(got.Tasks) < 10 || got.Total != 100 || !got.Success {
		t.Errorf("%d tasks of %d are left", len(got.Tasks), got.Total)
	}
}

func TestForModel_IsMarkedAndShort(t *testing.T) {
	raw := encode(map[string]any{
		"success": true, "tasks": []tandem.TaskRow{{TaskID: 5, UID: "0190", UserID: "ann", Title: "a\u200bb", Tags: []string{"x\u202ey"}}},
		"before": map[string]any{"title": "z"}, "next_cursor": nil,
	})
	got := string(forModel(raw))
	for _, want := range []string{`"untrusted":true`, `"title":"ab"`, `"tags":["xy"]`, `"task_id":5`, `"success":true`} {
		if !strings.Contains(got, want) {
			t.Errorf("%s is not in %s", want, got)
		}
	}
	for _, not := range []string{"0190", "ann", "before", "next_cursor", "null"} {
		if strings.Contains(got, not) {
			t.Errorf("%s is in %s", not, got)
		}
	}
	if got := forModel(listOf(100, strings.Repeat("é", 200))); len(got) > maxModelResult || !strings.Contains(string(got), "more_not_shown") {
		t.Errorf("%d bytes for the model", len(got))
	}
	if got := forModel(json.RawMessage(`[1]`)); !strings.Contains(string(got), "internal") {
		t.Errorf("what is no object becomes %s", got)
	}
}

func TestCompleted_ClosesWhatIsStillWritten(t *testing.T) {
	whole := `{"title":"Buy \"milk\"","tags":["a","b"],"n":{"x":[1,2]},"t":true}`
	for i := 1; i <= len(whole); i++ {
		got, ok := completed(json.RawMessage(whole[:i]))
		if ok && !json.Valid(got) {
			t.Errorf("%s became %s", whole[:i], got)
		}
		if !ok && strings.HasSuffix(whole[:i], `,`) {
			t.Errorf("%s is not told", whole[:i])
		}
	}
	for in, want := range map[string]string{
		`{"title":"Bu`: `{"title":"Bu"}`, `{"title":"Bu\`: `{"title":"Bu"}`, `{"tags":["a","b`: `{"tags":["a","b"]}`, `{"title"`: `{"title":null}`, `{`: `{}`,
	} {
		if got, ok := completed(json.RawMessage(in)); !ok || string(got) != want {
			t.Errorf("completed(%s) = %s, %v, want %s", in, got, ok, want)
		}
	}
}

func FuzzResults(f *testing.F) {
	f.Add([]byte(`{"tasks":[{"title":"x"}],"task":{}}`))
	f.Add([]byte(`{"title":"Bu`))
	f.Add([]byte(`null`))
	f.Add([]byte(`{"tasks":{"a":1}}`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		if got, ok := completed(raw); ok && !json.Valid(got) {
			t.Fatalf("completed(%q) = %q", raw, got)
		}
		if !json.Valid(raw) {
			return
		}
		for _, got := range []json.RawMessage{forModel(raw), recall(raw), keep(raw)} {
			if !json.Valid(got) {
				t.Fatalf("%q became %q", raw, got)
			}
		}
		if args, err := readArguments(raw); err == nil && !json.Valid(args.raw()) {
			t.Fatalf("arguments of %q", raw)
		}
	})
}

func TestClaims_OnlyWhatSaysThatSomethingWasChanged(t *testing.T) {
	tests := map[string]bool{
		`I have added "Buy milk" to your list.`:               true,
		"I've just marked it as done.":                        true,
		"I’ve moved it to Friday":                             true,
		"Added “Buy milk”.":                                   true,
		"Sure, deleted the meeting.":                          true,
		"Done!":                                               true,
		"All set.":                                            true,
		"The task has been successfully deleted.":             true,
		"Your list is now cleared.":                           true,
		"Ich habe die Aufgabe gelöscht.":                      true,
		"Die Aufgabe wurde verschoben.":                       true,
		"You have completed 2 tasks: Call mom, Water plants.": false,
		"Call mom was completed on Friday.":                   false,
		"I have not added anything.":                          false,
		"I couldn't find it, so nothing was deleted.":         false,
		"Shall I mark it as done?":                            false,
		"If you like I can add it; then it has been added.":   false,
		"Completed: Call mom":                                 false,
		"You added three tasks this week.":                    false,
		"Here is your list.":                                  false,
		"":                                                    false,
	}
	for text, want := range tests {
		if got := claims(text); got != want {
			t.Errorf("claims(%q) = %v, want %v", text, got, want)
		}
	}
}
