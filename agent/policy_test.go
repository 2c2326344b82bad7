package agent_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"tandem"
	"tandem/agent"
)

func TestPolicy_WhatWaitsForAYes(t *testing.T) {
	items := func(n int) []args {
		var out []args
		for i := range n {
			out = append(out, args{"title": fmt.Sprint("Item ", i)})
		}
		return out
	}
	read := []said{call("list_tasks", args{"limit": 100})}
	tests := []struct {
		name  string
		words string
		calls []said
		asks  bool
	}{
		{"a named task goes", "delete task 1", []said{call("delete_task", args{"task_id": 1})}, false},
		{"named by words", "delete the dentist task", []said{call("delete_task", args{"task_id": 2})}, false},
		{"another than the named one", "delete task 1", []said{call("delete_task", args{"task_id": 2})}, true},
		{"an ambiguous name", "delete the meeting", []said{call("delete_task", args{"task_id": 3})}, true},
		{"several", "delete tasks 1 and 2", []said{call("delete_task", args{"ids": []int{1, 2}})}, true},
		{"several, one by one", "delete task 1 and then delete task 2", []said{call("delete_task", args{"task_id": 1}), call("delete_task", args{"task_id": 2})}, true},
		{"one that repeats", "delete the gym task", []said{call("delete_task", args{"task_id": 5})}, true},
		{"one occurrence of it", "delete today's gym task, just this once", []said{call("delete_task", args{"task_id": 5})}, true},
		{"the series", "delete task 5", []said{call("delete_task", args{"task_id": 5, "scope": "series"})}, true},
		{"stop a series", "stop task 5", []said{call("complete_task", args{"task_id": 5, "stop_series": true})}, true},
		{"edit a series", "make task 5 weekly", []said{call("update_task", args{"task_id": 5, "recurrence": "weekly"})}, true},
		{"start a series anew", "move task 5 to tomorrow", []said{call("update_task", args{"task_id": 5, "due": "tomorrow"})}, true},
		{"move one occurrence", "move task 5 to tomorrow", []said{call("update_task", args{"task_id": 5, "move_due": "tomorrow"})}, false},
		{"rename a repeating task", "rename task 5 to Sport", []said{call("update_task", args{"task_id": 5, "title": "Sport"})}, false},
		{"a rule for a plain task", "repeat task 1 weekly", []said{call("update_task", args{"task_id": 1, "recurrence": "weekly"})}, false},
		{"three completed", "complete 1, 2 and 3", []said{call("complete_task", args{"ids": []int{1, 2, 3}})}, false},
		{"four completed", "complete 1 to 4", []said{call("complete_task", args{"ids": []int{1, 2, 3, 4}})}, true},
		{"four, in two calls", "complete 1 to 4", []said{call("complete_task", args{"ids": []int{1, 2}}), call("complete_task", args{"ids": []int{3, 4}})}, true},
		{"one task twice", "complete 1 to 3 and tag task 1", []said{
			call("complete_task", args{"ids": []int{1, 2, 3}}), call("update_task", args{"task_id": 1, "tags_add": []string{"x"}}),
		}, false},
		{"ten added", "add ten things", []said{call("add_task", args{"items": items(10)})}, false},
		{"eleven added", "add eleven things", []said{call("add_task", args{"items": items(11)})}, true},
		{"eleven in two calls", "add eleven things", []said{call("add_task", args{"items": items(10)}), call("add_task", args{"title": "One more"})}, true},
		{"an update that was asked for", "rename the dentist task", append(read, call("update_task", args{"task_id": 2, "title": "Doctor"})), false},
		{"told by what was done", "I went to the dentist", append(read, call("complete_task", args{"task_id": 2})), false},
		{"a date out of nowhere", "plan the dentist task", []said{call("update_task", args{"task_id": 2, "due": "2031-05-06"})}, true},
		{"a date that was said", "change the dentist task to 6 May 2031", []said{call("update_task", args{"task_id": 2, "due": "2031-05-06"})}, false},
		{"undo", "undo that", []said{call("update_task", args{"undo": "last"})}, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			rounds := [][]said{}
			for _, c := range tt.calls {
				rounds = append(rounds, []said{c})
			}
			w := newWorld(t, llm(append(rounds, []said{text("That is it.")})...))
			w.add("Buy milk", "Call the dentist", "Meeting with Ann", "Meeting with Bob")
			w.do("add_task", args{"title": "Gym", "due": "today", "recurrence": "daily"})
			a := w.say(tt.words, 0)
			if asked := a.PendingApproval != nil; asked != tt.asks {
				calls, _ := json.Marshal(a.ToolCalls)
				t.Errorf("asked: %v, want %v; reply %q, calls %s", asked, tt.asks, a.Response, calls)
			}
		})
	}
}

func TestPolicy_AskAlwaysAsksAlways(t *testing.T) {
	w := newWorld(t, llm([]said{call("add_task", args{"title": "Buy milk"})}, []said{text("I have added it.")}))
	_, err := w.db.Set(t.Context(), ann, tandem.SetEdit{
		Cause:  tandem.Cause{Actor: tandem.ActorUser},
		Decide: func(s tandem.Settings) (tandem.Settings, error) { s.Autonomy = "always"; return s, nil },
	})
	if err != nil {
		t.Fatal(err)
	}
	a := w.say("add milk", 0)
	if a.PendingApproval == nil || a.PendingApproval.Summary != `Add "Buy milk"?` {
		t.Fatalf("not asked: %+v", a)
	}
	w.wantOpen()
	w.say("yes", a.ConversationID)
	w.wantOpen("Buy milk")
}

func TestTranscript_AModelHearsTheConversation(t *testing.T) {
	model := llm([]said{call("add_task", args{"title": "Buy milk"})}, []said{text("I have added it.")})
	w := newWorld(t, model)
	a := w.say("add milk", 0)
	for i := range 15 {
		w.say(fmt.Sprint("and then number ", i), a.ConversationID)
	}
	last := model.requests()[len(model.requests())-1]
	var users, results int
	for i, m := range last.Messages {
		switch m.Role {
		case agent.RoleUser:
			users++
		case agent.RoleAssistant:
		case agent.RoleTool:
			results++
			before := last.Messages[i-1]
			if before.Role != agent.RoleAssistant || before.Calls[0].ID != m.CallID {
				t.Errorf("result %d belongs to no call: %+v", i, before)
			}
		}
	}
	if last.Messages[0].Role != agent.RoleUser || users != 11 || results != 11 {
		t.Errorf("%d words and %d results of 20 messages; the first is from %s", users, results, last.Messages[0].Role)
	}
	if len(last.Focus) == 0 || last.Focus[0].Title != "Buy milk" {
		t.Errorf("in focus: %+v", last.Focus)
	}
	if strings.Contains(last.System, "milk") {
		t.Error("the system prompt holds a task")
	}
}

func TestTranscript_HistoryGoesFirstWhenThereIsTooMuch(t *testing.T) {
	model := llm([]said{text(strings.Repeat("long ", 400))})
	w := newWorld(t, model, func(o *agent.Options) { o.Limits.TurnTokens = 8000 })
	a := w.say("hello", 0)
	for range 6 {
		w.say("hello", a.ConversationID)
	}
	last := model.requests()[6]
	if n := len(last.Messages); n < 3 || n > 9 || last.Messages[0].Role != agent.RoleUser || last.Messages[n-1].Text != "hello" {
		t.Errorf("%d messages are left", n)
	}
}
