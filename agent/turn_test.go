package agent_test

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tandem"
	"tandem/agent"
)

func TestTurn_RunsACallAndTellsIt(t *testing.T) {
	w := newWorld(t, llm([]said{call("add_task", args{"title": "Buy oat milk"})}, []said{text("I have added it.")}))
	a := w.say("please put oat milk on the list", 0)
	if diff := cmp.Diff([]string{"Buy oat milk"}, w.titles("pending")); diff != "" {
		t.Errorf("tasks (-want +got):\n%s", diff)
	}
	if a.Response != "I have added it." || a.Engine != "llm" || done(a, "add_task") != 1 {
		t.Errorf("answer %+v", a)
	}
	if a.ToolCalls[0].Seq == 0 || a.MessageID == "" || a.Seq <= a.ToolCalls[0].Seq {
		t.Errorf("numbers: call %d, turn %d, message %q", a.ToolCalls[0].Seq, a.Seq, a.MessageID)
	}
}

func TestTurn_ImagesAndLinksOfAModelBecomeText(t *testing.T) {
	w := newWorld(t, llm([]said{text("Here! [a"), text("](https://evil.example/?q=1) ![i](https://evil.exa"), text("mple/p?d=2) ends [here")}))
	want := "Here! a (https://evil.example/?q=1) i ends [here"
	if a := w.say("hello", 0); a.Response != want {
		t.Errorf("response %q, want %q", a.Response, want)
	}
}

func TestTurn_OneIdIsOneTurn(t *testing.T) {
	w := newWorld(t, llm([]said{call("add_task", args{"title": "Buy milk"})}, []said{text("Added.")}))
	id := tandem.NewID()
	answers := make([]agent.Answer, 8)
	var g sync.WaitGroup
	for i := range answers {
		g.Go(func() { answers[i] = w.ask(agent.Ask{TurnID: id, Text: "add milk"}) })
	}
	g.Wait()
	for _, a := range answers[1:] {
		if diff := cmp.Diff(answers[0], a); diff != "" {
			t.Errorf("two answers to one turn (-first +other):\n%s", diff)
		}
	}
	if got := w.titles("pending"); len(got) != 1 {
		t.Errorf("tasks %q, want one", got)
	}
	other, _ := w.serve("other", nil)
	w.svc = other
	if diff := cmp.Diff(answers[0], w.ask(agent.Ask{TurnID: id, Text: "add milk"})); diff != "" {
		t.Errorf("another process answers otherwise (-first +other):\n%s", diff)
	}
	_, err := w.svc.Start(t.Context(), ann, agent.Ask{TurnID: id, Text: "add gin"})
	if !errors.Is(err, tandem.ErrConflict) {
		t.Errorf("the id with other words: %v, want conflict", err)
	}
}

func TestTurn_LiesAreFollowedByTheTruth(t *testing.T) {
	for _, lie := range []string{
		`I have added "Buy zebra stripes" to your list.`, "Done! The task was successfully deleted.", "Added it.", "All set.",
		"I've moved both meetings to Friday.", "Ich habe die Aufgabe gelöscht.",
	} {
		w := newWorld(t, llm([]said{text(lie[:4]), text(lie[4:])}))
		if a := w.say("put zebra stripes on my list", 0); !strings.HasSuffix(a.Response, "\n\nNothing was changed.") {
			t.Errorf("the lie %q stands: %q", lie, a.Response)
		}
	}
	for _, truth := range []string{"You have 2 tasks: Call mom and Water plants.", "I could not find that task.", "Shall I mark it as done?"} {
		w := newWorld(t, llm([]said{text(truth)}))
		if a := w.say("what is on my list?", 0); a.Response != truth {
			t.Errorf("%q became %q", truth, a.Response)
		}
	}
}

func TestTurn_ALieBesideAQuestionIsCorrectedToo(t *testing.T) {
	w := newWorld(t, llm([]said{text("I have deleted all of them."), call("delete_task", args{"ids": []int{1, 2}})}))
	w.add("One", "Two")
	if a := w.say("delete both", 0); a.PendingApproval == nil || !strings.HasSuffix(a.Response, "Nothing was changed.") {
		t.Errorf("reply %q", a.Response)
	}
}

func TestTurn_AModelThatPanicsHasFailed(t *testing.T) {
	w := newWorld(t, &actor{engine: "llm", play: func(agent.Request, int) []said { panic("out of cheese") }})
	if a := w.say("hello", 0); a.Engine != "planner" {
		t.Errorf("answered by %s", a.Engine)
	}
	w = newWorld(t, nil, func(o *agent.Options) {
		o.Fallback = &actor{engine: "planner", play: func(agent.Request, int) []said { panic("out of cheese") }}
	})
	if a := w.say("hello", 0); !strings.HasPrefix(a.Response, "Something went wrong on our side (") || strings.Contains(a.Response, "cheese") {
		t.Errorf("reply %q", a.Response)
	}
}

func TestTurn_BudgetsEndIt(t *testing.T) {
	loop := func(s ...said) *actor {
		return &actor{engine: "llm", play: func(agent.Request, int) []said { return s }}
	}
	tests := []struct {
		name   string
		model  *actor
		status string
		rounds int
		calls  int
		tasks  int
	}{
		{"rounds", loop(call("list_tasks", args{})), "limit", 8, 8, 0},
		{"calls", loop(call("list_tasks", args{}), call("list_tasks", args{}), call("list_tasks", args{}), call("list_tasks", args{})), "limit", 7, 25, 0},
		{"writes", &actor{engine: "llm", play: func(_ agent.Request, n int) []said {
			return []said{call("add_task", args{"title": fmt.Sprint("a", n)}), call("add_task", args{"title": fmt.Sprint("b", n)}), call("add_task", args{"title": fmt.Sprint("c", n)})}
		}}, "limit", 4, 10, 10},
		{"unknown tools", loop(call("run_shell", args{"cmd": "id"})), "error", 3, 0, 0},
		{"unreadable arguments", loop(said{Event: agent.Event{Call: &agent.Call{Tool: "add_task", Arguments: []byte(`{"title":`)}}}), "error", 3, 3, 0},
		{"an argument twice", loop(said{Event: agent.Event{Call: &agent.Call{Tool: "add_task", Arguments: []byte(`{"title":"a","title":"b"}`)}}}), "error", 3, 3, 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t, tt.model)
			ticket, err := w.svc.Start(t.Context(), ann, agent.Ask{Text: "add many things"})
			if err != nil {
				t.Fatal(err)
			}
			end := until(t, w.svc.Watch(t.Context(), ann, ticket.TurnID), func(ev tandem.TurnEvent) bool { return ev.Ev == tandem.TurnEvDone })
			a := w.wait(w.svc, ticket.TurnID)
			if got := string(end.End.Status); got != tt.status {
				t.Errorf("status %s, want %s; reply %q", got, tt.status, a.Response)
			}
			if got := len(tt.model.requests()); got != tt.rounds {
				t.Errorf("%d rounds, want %d", got, tt.rounds)
			}
			if got := len(a.ToolCalls); got != tt.calls {
				t.Errorf("%d calls are shown, want %d", got, tt.calls)
			}
			if got := len(w.titles("pending")); got != tt.tasks {
				t.Errorf("%d tasks, want %d", got, tt.tasks)
			}
			if strings.TrimSpace(a.Response) == "" {
				t.Error("no word about it")
			}
		})
	}
}
