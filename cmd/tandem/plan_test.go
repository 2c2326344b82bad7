package main

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// planned asks the planner about one sentence, on Wednesday, 4 March 2026, at 10:00 in Berlin.
func planned(t *testing.T, text string) plannedLine {
	t.Helper()
	line, err := json.Marshal(map[string]string{"id": "x", "text": text, "now": "2026-03-04T10:00:00+01:00", "tz": "Europe/Berlin"})
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	if err := runPlan([]string{"--jsonl"}, strings.NewReader(string(line)+"\n"), &b); err != nil {
		t.Fatal(err)
	}
	var out plannedLine
	if err := json.Unmarshal([]byte(b.String()), &out); err != nil {
		t.Fatalf("%s: %v", b.String(), err)
	}
	return out
}

func TestPlan_CallsInOrder(t *testing.T) {
	for _, c := range []struct {
		text, calls string
		ask         bool
	}{
		{"Add a task to buy stamps", `[{"tool":"add_task","arguments":{"title":"Buy stamps","on_duplicate":"ask"}}]`, false},
		{"Delete the meeting task", `[{"tool":"list_tasks","arguments":{"status":"pending","search":"meeting"}},{"tool":"delete_task","arguments":{"task_id":3}}]`, false},
		{"Mark task 3 as complete", `[{"tool":"complete_task","arguments":{"task_id":3}}]`, false},
		{"Reschedule my morning meetings to 2 PM", `[{"tool":"list_tasks","arguments":{"status":"pending","search":"meeting"}},{"tool":"update_task","arguments":{"task_id":3,"move_due":"14:00"}}]`, false},
		{"What's pending?", `[{"tool":"list_tasks","arguments":{"status":"pending"}}]`, false},
		// an approval: the call that waits is shown
		{"Delete all my tasks", `[{"tool":"list_tasks","arguments":{"status":"pending","limit":100}},{"tool":"delete_task","arguments":{"ids":[1,2,3,4]}}]`, true},
		{"Delete task 4", `[{"tool":"delete_task","arguments":{"task_id":4}}]`, true}, // it repeats
		{"complete 1 and then delete everything tagged bills", `[{"tool":"list_tasks","arguments":{"status":"pending","tags":["bills"],"limit":100}},{"tool":"complete_task","arguments":{"task_id":1}},{"tool":"delete_task","arguments":{"task_id":4}}]`, true},
		{"Add a task to buy groceries", `[{"tool":"add_task","arguments":{"title":"Buy groceries","on_duplicate":"ask"}}]`, true}, // there is one
		// a question about what or which was meant: no call
		{"Delete the spaceship", `[]`, true},
		{"Mark task 99 as complete", `[]`, true},
		{"dentist on friday", `[]`, true},
		// none of our business
		{"What is the capital of France?", `[]`, false},
		{"Book me a flight to Rome on Friday", `[]`, false},
	} {
		got := planned(t, c.text)
		calls, err := json.Marshal(got.Calls)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(c.calls, string(calls)); diff != "" {
			t.Errorf("%q (-want +got):\n%s", c.text, diff)
		}
		if got.Ask != c.ask || got.Reply == "" || got.Error != "" {
			t.Errorf("%q: ask %t, reply %q, error %q; want ask %t and a reply", c.text, got.Ask, got.Reply, got.Error, c.ask)
		}
	}
}

func TestPlan_RepliesTellWhatTheToolsDid(t *testing.T) {
	for text, want := range map[string]string{
		"remind me to call Bob tomorrow at 9am, high priority #health": `Added "Call Bob" (6) for Thu 5 Mar 2026, 09:00, high priority, #health, reminder Thu 5 Mar 2026, 09:00.`,
		"move task 3 to friday":            `Changed "Team meeting" (3) for Fri 6 Mar 2026, 09:30, high priority, #work.`,
		"complete 1 and show my tasks":     "Completed \"Call mom\" (1).\nYou have 3 pending tasks:\n2: Buy groceries, Wed 4 Mar 2026, #shopping\n",
		"what's overdue?":                  "You have 1 overdue task:\n4: Pay electricity bill, Tue 3 Mar 2026, urgent priority, #bills, repeats every month",
		"postpone the bill to next friday": `Changed "Pay electricity bill" (4) for Fri 13 Mar 2026`,
	} {
		if got := planned(t, text).Reply; !strings.HasPrefix(got, want) {
			t.Errorf("%q is answered %q, want %q", text, got, want)
		}
	}
}

// Every line meets the same tasks, whatever the lines before it said.
func TestPlan_LinesAreStrangers(t *testing.T) {
	line := func(id int, text string) string {
		return fmt.Sprintf(`{"id":%d,"text":%q,"now":"2026-12-31T23:59:00+14:00","tz":"Pacific/Kiritimati"}`, id, text) + "\n"
	}
	in := line(1, "delete task 1") + line(2, "complete task 1") + "no JSON\n" + `{"id":[4],"text":"x","now":"yesterday","tz":"UTC"}` + "\n" + line(5, "what's due tomorrow")
	var b strings.Builder
	if err := runPlan([]string{"--jsonl"}, strings.NewReader(in), &b); err != nil {
		t.Fatal(err)
	}
	var got []string
	for raw := range strings.Lines(b.String()) {
		var out plannedLine
		if err := json.Unmarshal([]byte(raw), &out); err != nil {
			t.Fatalf("%s: %v", raw, err)
		}
		got = append(got, fmt.Sprintf("%s calls=%d error=%t", out.ID, len(out.Calls), out.Error != ""))
	}
	want := []string{"1 calls=1 error=false", "2 calls=1 error=false", "null calls=0 error=true", "[4] calls=0 error=true", "5 calls=1 error=false"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("answers (-want +got):\n%s", diff)
	}
}

func TestPlan_RefusesOtherArguments(t *testing.T) {
	for _, args := range [][]string{{}, {"--jsonl", "file"}} {
		if err := runPlan(args, strings.NewReader(""), &strings.Builder{}); err == nil {
			t.Errorf("%v: want an error that tells the usage", args)
		}
	}
}
