package agent_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tandem"
	"tandem/agent"
)

// chores makes a world with three tasks and a model that wants to delete the first two; it is asked for a yes.
func chores(t *testing.T, more ...said) (*world, agent.Answer) {
	t.Helper()
	w := newWorld(t, llm(append([]said{call("delete_task", args{"ids": []int{1, 2}})}, more...), []said{text("I have deleted them.")}))
	w.add("Water plants", "Sweep floor", "Call mom")
	a := w.say("Delete everything tagged chores", 0)
	if a.PendingApproval == nil {
		t.Fatalf("no approval: %+v", a)
	}
	return w, a
}

func (w *world) wantOpen(titles ...string) {
	w.t.Helper()
	if diff := cmp.Diff(append([]string{}, titles...), w.titles("pending")); diff != "" {
		w.t.Errorf("open tasks (-want +got):\n%s", diff)
	}
}

func TestApproval_IsShownWhole(t *testing.T) {
	w, a := chores(t)
	w.wantOpen("Water plants", "Sweep floor", "Call mom")
	p := a.PendingApproval
	titles := []string{}
	for _, it := range p.Items {
		titles = append(titles, it.Title)
	}
	if diff := cmp.Diff([]string{"Water plants", "Sweep floor"}, titles); diff != "" {
		t.Errorf("items (-want +got):\n%s", diff)
	}
	if p.Tool != "delete_task" || p.Kind != tandem.ApprovalConfirm || p.More != 0 || p.ConversationID != a.ConversationID || p.Summary != "Delete 2 tasks?" {
		t.Errorf("approval %+v", p)
	}
	if left := time.Until(time.Time(p.ExpiresAt)); left < 9*time.Minute || left > 10*time.Minute {
		t.Errorf("it is open for %s", left)
	}
	if a.ToolCalls[0].Status != "waiting" || !strings.Contains(a.Response, "Water plants") || !strings.Contains(a.Response, "yes") {
		t.Errorf("call %s, reply %q", a.ToolCalls[0].Status, a.Response)
	}
	pending, err := w.db.PendingApprovals(t.Context(), ann, 0)
	if err != nil || len(pending) != 1 || pending[0].ID != p.ID {
		t.Errorf("stored: %v, %v", pending, err)
	}
}

func TestApproval_AnsweredInWords(t *testing.T) {
	tests := []struct {
		words string
		yes   bool
		none  bool // it is no answer
	}{
		{words: "yes", yes: true},
		{words: "Yes, please!", yes: true},
		{words: "go ahead", yes: true},
		{words: "ok do it", yes: true},
		{words: "ja bitte", yes: true},
		{words: "no"},
		{words: "No, thanks."},
		{words: "don't do that"},
		{words: "never mind"},
		{words: "nein"},
		{words: "yes?", none: true},
		{words: "yes but keep the plants", none: true},
		{words: "no, call mom instead", none: true},
		{words: "yesterday", none: true},
		{words: "okra", none: true},
		{words: "yes no", none: true},
		{words: "what would that delete", none: true},
	}
	for _, tt := range tests {
		t.Run(tt.words, func(t *testing.T) {
			w, a := chores(t)
			b := w.say(tt.words, a.ConversationID)
			got, err := w.db.Approval(t.Context(), ann, a.PendingApproval.ID)
			if err != nil {
				t.Fatal(err)
			}
			want := tandem.DecisionNo
			if tt.none {
				want = ""
			}
			if tt.yes {
				want = tandem.DecisionYes
				w.wantOpen("Call mom")
			} else {
				w.wantOpen("Water plants", "Sweep floor", "Call mom")
			}
			if got.Decision != want {
				t.Errorf("decision %q, want %q", got.Decision, want)
			}
			wantReply(t, b, want)
		})
	}
}

// wantReply holds the answer to a yes or no against what was decided.
func wantReply(t *testing.T, a agent.Answer, d tandem.Decision) {
	t.Helper()
	switch {
	case d == tandem.DecisionYes && (done(a, "delete_task") != 1 || a.Response != "I have deleted them."):
		t.Errorf("after a yes: %+v", a)
	case d == tandem.DecisionNo && !strings.Contains(a.Response, "Nothing was changed."):
		t.Errorf("after a no: %q", a.Response)
	case d == tandem.DecisionNo && (a.ToolCalls[0].Status != "error" || !strings.Contains(string(a.ToolCalls[0].Result), "do not retry")):
		t.Errorf("the model learns %s", a.ToolCalls[0].Result)
	}
}

func TestApproval_AProgramsYesIsNone(t *testing.T) {
	w, a := chores(t)
	w.ask(agent.Ask{Text: "yes", Conversation: a.ConversationID, Program: true})
	w.wantOpen("Water plants", "Sweep floor", "Call mom")
	w.say("yes", a.ConversationID)
	w.wantOpen("Call mom")
}

func TestTurn_HoldsNoMoreThanTheTokenThatAskedForIt(t *testing.T) {
	for name, scopes := range map[string][]string{"a reader": {tandem.ScopeRead}, "nothing": {}} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, llm([]said{call("add_task", args{"title": "Planted"})}, []said{text("Done.")}))
			w.ask(agent.Ask{Text: "add a task: Planted", Scopes: scopes, Program: true})
			w.wantOpen()
		})
	}
}

func TestApproval_AYesElsewhereOrLaterIsNone(t *testing.T) {
	w, a := chores(t)
	w.say("yes", 0)
	w.wantOpen("Water plants", "Sweep floor", "Call mom")

	w.say("no", a.ConversationID)
	late := w.say("yes", a.ConversationID)
	if late.PendingApproval == nil {
		t.Errorf("the model asks anew, and so does the program: %+v", late)
	}
	w.wantOpen("Water plants", "Sweep floor", "Call mom")

	w, a = chores(t)
	w.clock.forward(tandem.ApprovalTTL + time.Second)
	w.say("yes", a.ConversationID)
	w.wantOpen("Water plants", "Sweep floor", "Call mom")
}

func TestApproval_AYesToAnotherQuestionIsNone(t *testing.T) {
	model := &actor{engine: "llm"}
	model.play = func(r agent.Request, _ int) []said {
		switch words := lastWords(r); {
		case strings.HasPrefix(words, "Delete"):
			return []said{call("delete_task", args{"ids": []int{1, 2}})}
		default:
			return []said{text("Do you like tea?")}
		}
	}
	w := newWorld(t, model)
	w.add("Water plants", "Sweep floor")
	a := w.say("Delete everything", 0)
	w.say("hello", a.ConversationID)
	w.say("yes", a.ConversationID)
	w.wantOpen("Water plants", "Sweep floor")
}

func lastWords(r agent.Request) string {
	for i := len(r.Messages) - 1; ; i-- {
		if r.Messages[i].Role == agent.RoleUser {
			return r.Messages[i].Text
		}
	}
}

func (w *world) approve(id string, ok bool, edit string) error {
	return w.svc.Approve(w.t.Context(), ann, id, ok, json.RawMessage(edit), "device:1")
}

// settle waits until no turn runs any more.
func (w *world) settle() {
	w.t.Helper()
	running, err := w.db.RunningTurns(w.t.Context(), ann)
	if err != nil {
		w.t.Fatal(err)
	}
	for _, turn := range running {
		w.wait(w.svc, turn.ID)
	}
}

func TestApproval_AProgramAnswersNone(t *testing.T) {
	w, a := chores(t)
	for _, words := range []string{"yes", "no"} {
		b := w.ask(agent.Ask{Text: words, Conversation: a.ConversationID, Program: true})
		if !strings.Contains(b.Response, "own devices") {
			t.Errorf("%q is answered %q", words, b.Response)
		}
	}
	w.wantOpen("Water plants", "Sweep floor", "Call mom")
	w.say("yes", a.ConversationID)
	w.wantOpen("Call mom")
}

func TestScopes_OfTheTokenBindTheTurn(t *testing.T) {
	w := newWorld(t, llm([]said{call("list_tasks", args{}), call("add_task", args{"title": "Buy milk"}), call("delete_task", args{"task_id": 1})}, []said{text("Tried.")}))
	w.add("One")
	for _, tt := range []struct {
		scopes []string
		status string
	}{
		{[]string{"tasks:read"}, "ok error error"}, {[]string{"tasks:read", "tasks:write"}, "ok ok error"}, {[]string{}, "error error error"}, {nil, "ok ok ok"},
	} {
		a := w.ask(agent.Ask{Text: "delete task 1 and add milk", Scopes: tt.scopes})
		got := []string{}
		for _, c := range a.ToolCalls {
			got = append(got, c.Status)
		}
		if strings.Join(got, " ") != tt.status {
			t.Errorf("with %q: %q, want %q", tt.scopes, got, tt.status)
		}
	}
}

func TestScopes_ARepeatWithAnotherTokenIsARepeat(t *testing.T) {
	w := newWorld(t, llm([]said{text("Hello.")}))
	id := tandem.NewID()
	first := w.ask(agent.Ask{TurnID: id, Text: "hello"})
	again := w.ask(agent.Ask{TurnID: id, Text: "hello", Program: true, Scopes: []string{"tasks:read"}})
	if diff := cmp.Diff(first, again); diff != "" {
		t.Errorf("(-first +again):\n%s", diff)
	}
}

func TestApproval_AnsweredByAButton(t *testing.T) {
	w, a := chores(t)
	if err := w.approve(a.PendingApproval.ID, true, ""); err != nil {
		t.Fatal(err)
	}
	w.settle()
	w.wantOpen("Call mom")
	for _, ok := range []bool{true, false} {
		if err := w.approve(a.PendingApproval.ID, ok, ""); !errors.Is(err, tandem.ErrConflict) {
			t.Errorf("a second answer: %v, want conflict", err)
		}
	}
	past, _, err := w.db.History(t.Context(), ann, a.ConversationID, "", 10)
	if err != nil || len(past) != 4 || past[2].Text != "Yes" || past[3].Text != "I have deleted them." {
		t.Errorf("the conversation: %+v, %v", past, err)
	}
	if err := w.approve(tandem.NewID(), true, ""); !errors.Is(err, tandem.ErrNotFound) {
		t.Errorf("an unknown approval: %v", err)
	}
	if err := w.svc.Approve(t.Context(), "bob", a.PendingApproval.ID, true, nil, "device:2"); !errors.Is(err, tandem.ErrNotFound) {
		t.Errorf("a foreign approval: %v", err)
	}
}

func TestApproval_RacedIsDecidedOnce(t *testing.T) {
	w, a := chores(t)
	results := make(chan error, 6)
	for i := range 6 {
		go func() { results <- w.approve(a.PendingApproval.ID, i%2 == 0, "") }()
	}
	good := 0
	for range 6 {
		switch err := <-results; {
		case err == nil:
			good++
		case !errors.Is(err, tandem.ErrConflict) && !errors.Is(err, tandem.ErrLimited):
			t.Errorf("%v", err)
		}
	}
	w.settle()
	got, err := w.db.Approval(t.Context(), ann, a.PendingApproval.ID)
	if err != nil || good != 1 || got.Decision == "" {
		t.Errorf("%d answers were taken; decision %q, %v", good, got.Decision, err)
	}
	if open := len(w.titles("pending")); (got.Decision == tandem.DecisionYes) != (open == 1) {
		t.Errorf("decision %q leaves %d tasks", got.Decision, open)
	}
}

func TestApproval_NarrowedIsFineAndWiderIsAsked(t *testing.T) {
	w, a := chores(t)
	if err := w.approve(a.PendingApproval.ID, true, `{"ids":[2]}`); err != nil {
		t.Fatal(err)
	}
	w.settle()
	w.wantOpen("Water plants", "Call mom")

	w, a = chores(t)
	if err := w.approve(a.PendingApproval.ID, true, `{"task_id":"1"}`); err != nil {
		t.Fatal(err)
	}
	w.settle()
	w.wantOpen("Sweep floor", "Call mom")

	w, a = chores(t)
	if err := w.approve(a.PendingApproval.ID, true, `{"ids":[1,2,3]}`); err != nil {
		t.Fatal(err)
	}
	w.settle()
	w.wantOpen("Water plants", "Sweep floor", "Call mom")
	pending, err := w.db.PendingApprovals(t.Context(), ann, a.ConversationID)
	if err != nil || len(pending) != 1 || len(pending[0].Items) != 3 {
		t.Fatalf("the wider question: %+v, %v", pending, err)
	}
	w.say("yes", a.ConversationID)
	w.wantOpen()
	if err := w.approve(pending[0].ID, true, `[]`); !errors.Is(err, tandem.ErrConflict) {
		t.Errorf("answered again: %v", err)
	}
}

func TestApproval_ATaskThatChangedIsAskedAgain(t *testing.T) {
	w, a := chores(t)
	w.do("update_task", args{"task_id": 2, "title": "Sweep the palace"})
	b := w.say("yes", a.ConversationID)
	w.wantOpen("Water plants", "Sweep the palace", "Call mom")
	if b.PendingApproval == nil || b.PendingApproval.ID == a.PendingApproval.ID || !strings.Contains(fmt.Sprint(b.PendingApproval.Items), "palace") {
		t.Fatalf("no new question: %+v", b)
	}
	w.say("yes", a.ConversationID)
	w.wantOpen("Call mom")
}

func TestApproval_TheRestWaitsBehindIt(t *testing.T) {
	w, a := chores(t, call("add_task", args{"title": "Buy gin"}), call("delete_task", args{"task_id": 3}))
	if got := len(a.ToolCalls); got != 3 {
		t.Fatalf("%d calls", got)
	}
	w.wantOpen("Water plants", "Sweep floor", "Call mom", "Buy gin")
	b := w.say("yes", a.ConversationID)
	if b.PendingApproval == nil || b.PendingApproval.Summary != `Delete "Call mom"?` {
		t.Fatalf("the second question: %+v", b.PendingApproval)
	}
	w.wantOpen("Call mom", "Buy gin")
	w.say("yes", a.ConversationID)
	w.wantOpen("Buy gin")
}

func TestApproval_SurvivesACrashOnBothSides(t *testing.T) {
	w, a := chores(t)
	next, _ := w.serve("next", llm([]said{text("They are gone.")}))
	w.svc = next
	if b := w.say("yes", a.ConversationID); b.Response != "They are gone." {
		t.Errorf("reply %q", b.Response)
	}
	w.wantOpen("Call mom")
}

// asker is a planner that asks which task was meant.
func asker(tool string, a args, titles ...string) *actor {
	q := agent.Question{Tool: tool, Text: "Which one?"}
	q.Args, _ = json.Marshal(a)
	for i, title := range titles {
		q.Candidates = append(q.Candidates, tandem.Candidate{Number: int64(i + 1), Title: title})
	}
	return &actor{engine: "planner", play: func(r agent.Request, _ int) []said {
		if strings.Contains(lastWords(r), "meeting task") {
			return []said{{Event: agent.Event{Question: &q}}}
		}
		return []said{text("I do not understand.")}
	}}
}

func TestChoice_AnsweredByNumberPlaceOrTitle(t *testing.T) {
	tests := map[string]string{
		"2": "Meeting with Bob", "task 2": "Meeting with Bob", "the first one": "Meeting with Ann", "second": "Meeting with Bob", "the last": "Meeting with Bob",
		"with Ann": "Meeting with Ann", "meeting with bob please": "Meeting with Bob", "3": "", "Meeting": "", "no": "", "what is due": "", "yes": "",
	}
	for words, want := range tests {
		t.Run(words, func(t *testing.T) {
			w := newWorld(t, nil, func(o *agent.Options) {
				o.Fallback = asker("delete_task", args{}, "Meeting with Ann", "Meeting with Bob")
			})
			w.add("Meeting with Ann", "Meeting with Bob", "Buy milk")
			a := w.say("Delete the meeting task", 0)
			if a.PendingApproval == nil || a.PendingApproval.Kind != tandem.ApprovalChoice || !strings.Contains(a.Response, "Meeting with Bob") {
				t.Fatalf("no choice: %+v", a)
			}
			b := w.say(words, a.ConversationID)
			gone := []string{"Meeting with Ann", "Meeting with Bob", "Buy milk"}
			left := []string{}
			for _, title := range gone {
				if title != want {
					left = append(left, title)
				}
			}
			w.wantOpen(left...)
			if want != "" && !strings.HasPrefix(b.Response, `Deleted "`+want+`"`) {
				t.Errorf("reply %q", b.Response)
			}
		})
	}
}

func TestChoice_AllOfThemIsAQuestionOfItsOwn(t *testing.T) {
	w := newWorld(t, nil, func(o *agent.Options) {
		o.Fallback = asker("delete_task", args{}, "Meeting with Ann", "Meeting with Bob")
	})
	w.add("Meeting with Ann", "Meeting with Bob", "Buy milk")
	a := w.say("Delete the meeting task", 0)
	b := w.say("both", a.ConversationID)
	w.wantOpen("Meeting with Ann", "Meeting with Bob", "Buy milk")
	if b.PendingApproval == nil || b.PendingApproval.Kind != tandem.ApprovalConfirm || len(b.PendingApproval.Items) != 2 {
		t.Fatalf("no question: %+v", b)
	}
	w.say("yes", a.ConversationID)
	w.wantOpen("Buy milk")
}

func TestChoice_ByButtonTakesOnlyWhatWasOffered(t *testing.T) {
	w := newWorld(t, nil, func(o *agent.Options) {
		o.Fallback = asker("complete_task", args{}, "Meeting with Ann", "Meeting with Bob")
	})
	w.add("Meeting with Ann", "Meeting with Bob", "Buy milk")
	a := w.say("Complete the meeting task", 0)
	for _, edit := range []string{``, `{}`, `{"task_id":3}`, `[]`, `{"task_id":{}}`} {
		if err := w.approve(a.PendingApproval.ID, true, edit); !errors.Is(err, tandem.ErrInvalid) {
			t.Errorf("%q: %v, want invalid", edit, err)
		}
	}
	if err := w.approve(a.PendingApproval.ID, true, `{"task_id":2}`); err != nil {
		t.Fatal(err)
	}
	w.settle()
	w.wantOpen("Meeting with Ann", "Buy milk")
}

func TestChoice_AQuestionWithoutCandidatesIsAYesOrNo(t *testing.T) {
	w := newWorld(t, nil, func(o *agent.Options) { o.Fallback = asker("add_task", args{"title": "Meeting"}) })
	a := w.say("meeting task", 0)
	w.wantOpen()
	b := w.say("yes please", a.ConversationID)
	w.wantOpen("Meeting")
	if !strings.HasPrefix(b.Response, `Added "Meeting"`) || b.Engine != "planner" {
		t.Errorf("reply %q by %s", b.Response, b.Engine)
	}
}

func TestApproval_ACallThatWaitsIsNotToldAsAnError(t *testing.T) {
	w := newWorld(t, llm([]said{call("delete_task", args{"ids": []int{1, 2}})}, []said{text("Done.")}))
	w.add("Water plants", "Sweep floor", "Call mom")
	ticket := w.begin(agent.Ask{Text: "Delete everything tagged chores"})
	phases := []string{}
	for _, e := range w.watch(ticket.TurnID) {
		if e.Tool != nil {
			phases = append(phases, e.Tool.Phase)
		}
	}
	if len(phases) == 0 || slices.Contains(phases, "error") || phases[len(phases)-1] != "waiting" {
		t.Fatalf("phases %v, want them to end in waiting without an error", phases)
	}
}
