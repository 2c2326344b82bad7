package agent_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tandem"
	"tandem/agent"
)

// told folds events as a device does, and holds them to the rules of the protocol.
type told struct {
	text  string
	n     int64
	tools map[string]string
	kinds []tandem.TurnEv
	end   *tandem.TurnEnd
}

func fold(t *testing.T, events []tandem.TurnEvent) told {
	t.Helper()
	d := told{tools: map[string]string{}}
	for _, ev := range events {
		if ev.Ev != tandem.TurnEvState && d.n > 0 && ev.N != d.n+1 {
			t.Errorf("event %s has number %d behind %d", ev.Ev, ev.N, d.n)
		}
		d.n = ev.N
		d.kinds = append(d.kinds, ev.Ev)
		switch ev.Ev {
		case tandem.TurnEvState:
			d.text, d.tools = ev.Text, map[string]string{}
			for _, tool := range ev.Tools {
				d.tools[tool.ID] = tool.Phase
			}
		case tandem.TurnEvText:
			d.text += ev.D
		case tandem.TurnEvTool:
			d.tools[ev.Tool.ID] = ev.Tool.Phase
		case tandem.TurnEvDone:
			d.end = ev.End
		default:
		}
	}
	return d
}

func (w *world) begin(a agent.Ask) agent.Ticket {
	w.t.Helper()
	ticket, err := w.svc.Start(w.t.Context(), ann, a)
	if err != nil {
		w.t.Fatal(err)
	}
	return ticket
}

func (w *world) watch(turn string) []tandem.TurnEvent {
	var out []tandem.TurnEvent
	for ev := range w.svc.Watch(w.t.Context(), ann, turn) {
		out = append(out, ev)
	}
	return out
}

func TestWatch_TheFirstOneMissesNothing(t *testing.T) {
	w := newWorld(t, llm([]said{text("One moment. "), call("add_task", args{"title": "Buy milk"})}, []said{text("I have added it.")}))
	ticket := w.begin(agent.Ask{Text: "add milk"})
	a := w.wait(w.svc, ticket.TurnID) // long over when the watcher comes
	d := fold(t, w.watch(ticket.TurnID))
	if d.kinds[0] != tandem.TurnEvStart || d.end == nil || d.end.Status != tandem.TurnDone {
		t.Errorf("events %v", d.kinds)
	}
	if d.text != a.Response {
		t.Errorf("told %q, answered %q", d.text, a.Response)
	}
	if diff := cmp.Diff(map[string]string{a.ToolCalls[0].ID: "ok"}, d.tools); diff != "" {
		t.Errorf("calls (-want +got):\n%s", diff)
	}
	if d.end.MsgID != a.MessageID || d.end.Seq != a.Seq {
		t.Errorf("end %+v, answer %+v", d.end, a)
	}
	if late := fold(t, w.watch(ticket.TurnID)); late.kinds[0] != tandem.TurnEvState || late.text != a.Response || late.end == nil {
		t.Errorf("the second watcher gets %v, text %q", late.kinds, late.text)
	}
}

func TestWatch_ALateOneGetsTheStateAndWhatFollows(t *testing.T) {
	gate := make(chan struct{})
	w := newWorld(t, llm([]said{call("add_task", args{"title": "Buy milk"})}, []said{text("Good morning. "), {wait: gate}, text("That is all.")}))
	ticket := w.begin(agent.Ask{Text: "add milk"})
	until(t, w.svc.Watch(t.Context(), ann, ticket.TurnID), func(ev tandem.TurnEvent) bool { return strings.Contains(ev.D, "morning") })
	var events []tandem.TurnEvent
	for ev := range w.svc.Watch(t.Context(), ann, ticket.TurnID) {
		if len(events) == 0 {
			running, err := w.svc.Running(t.Context(), ann)
			if err != nil || len(running) != 1 || running[0].Text != "Good morning. " {
				t.Errorf("running: %+v, %v", running, err)
			}
			close(gate)
		}
		events = append(events, ev)
	}
	d := fold(t, events)
	if d.kinds[0] != tandem.TurnEvState || events[0].Text != "Good morning. " || len(events[0].Tools) != 1 || events[0].Tools[0].Phase != "ok" {
		t.Errorf("joined with %+v", events[0])
	}
	if d.text != "Good morning. That is all." {
		t.Errorf("text %q", d.text)
	}
}

func TestCancel_KeepsWhatWasDoneAndSaysSo(t *testing.T) {
	w := newWorld(t, llm([]said{call("add_task", args{"title": "Buy milk"})}, []said{text("Now I will "), {wait: make(chan struct{})}}),
		func(o *agent.Options) { o.Join = nil })
	ticket := w.begin(agent.Ask{Text: "add milk and tell me a story"})
	until(t, w.svc.Watch(t.Context(), ann, ticket.TurnID), func(ev tandem.TurnEvent) bool { return strings.Contains(ev.D, "Now") })
	if err := w.svc.Cancel(t.Context(), ann, ticket.TurnID); err != nil {
		t.Fatal(err)
	}
	a := w.wait(w.svc, ticket.TurnID)
	if !strings.HasPrefix(a.Response, "Now I will") || !strings.Contains(a.Response, "Stopped. Done: Added “Buy milk”") && !strings.Contains(a.Response, "Stopped. Done: Added \"Buy milk\"") {
		t.Errorf("reply %q", a.Response)
	}
	if got := w.titles("pending"); len(got) != 1 {
		t.Errorf("tasks %q", got)
	}
	if turn, err := w.db.Turn(t.Context(), ann, ticket.TurnID); err != nil || turn.Status != tandem.TurnCancelled {
		t.Errorf("turn %v, %v", turn.Status, err)
	}
	if err := w.svc.Cancel(t.Context(), ann, tandem.NewID()); !errors.Is(err, tandem.ErrNotFound) {
		t.Errorf("an unknown turn: %v", err)
	}
	if err := w.svc.Cancel(t.Context(), "bob", ticket.TurnID); !errors.Is(err, tandem.ErrNotFound) {
		t.Errorf("a foreign turn: %v", err)
	}
}

func TestCancel_TakesFormingCallsBack(t *testing.T) {
	forming := said{Event: agent.Event{Forming: &agent.Call{ID: "x", Tool: "add_task", Arguments: []byte(`{"title":"Buy mi`)}}}
	w := newWorld(t, llm([]said{forming, {wait: make(chan struct{})}}))
	ticket := w.begin(agent.Ask{Text: "add milk"})
	ghost := until(t, w.svc.Watch(t.Context(), ann, ticket.TurnID), func(ev tandem.TurnEvent) bool { return ev.Ev == tandem.TurnEvTool })
	if ghost.Tool.Phase != "forming" || string(ghost.Tool.Args) != `{"title":"Buy mi"}` {
		t.Errorf("ghost %+v", ghost.Tool)
	}
	if err := w.svc.Cancel(t.Context(), ann, ticket.TurnID); err != nil {
		t.Fatal(err)
	}
	a := w.wait(w.svc, ticket.TurnID)
	if d := fold(t, w.watch(ticket.TurnID)); len(d.tools) != 0 || len(a.ToolCalls) != 0 || d.end.Status != tandem.TurnCancelled {
		t.Errorf("left over: %v, %v, %s", d.tools, a.ToolCalls, d.end.Status)
	}
}

func TestCancel_ReachesAnotherProcess(t *testing.T) {
	w := newWorld(t, llm([]said{text("Once upon a time"), {wait: make(chan struct{})}}), func(o *agent.Options) { o.Limits.Save = 5 * time.Millisecond })
	other, _ := w.serve("two", nil)
	ticket := w.begin(agent.Ask{Text: "tell me a story"})
	until(t, w.svc.Watch(t.Context(), ann, ticket.TurnID), func(ev tandem.TurnEvent) bool { return ev.D != "" })
	state := until(t, other.Watch(t.Context(), ann, ticket.TurnID), func(ev tandem.TurnEvent) bool { return ev.Text != "" })
	if state.Ev != tandem.TurnEvState || state.Text != "Once upon a time" {
		t.Errorf("the other process shows %+v", state)
	}
	if err := other.Cancel(t.Context(), ann, ticket.TurnID); err != nil {
		t.Fatal(err)
	}
	if a := w.wait(other, ticket.TurnID); !strings.HasSuffix(a.Response, "Stopped. Nothing was changed.") {
		t.Errorf("reply %q", a.Response)
	}
}

func TestStart_OneTurnAConversationAndThreeAPerson(t *testing.T) {
	gate := make(chan struct{})
	w := newWorld(t, llm([]said{{wait: gate}, text("Hello.")}))
	first := w.begin(agent.Ask{Text: "hello"})
	_, err := w.svc.Start(t.Context(), ann, agent.Ask{Text: "hello again", Conversation: first.Conversation})
	if !errors.Is(err, tandem.ErrLimited) {
		t.Errorf("a second turn in one conversation: %v", err)
	}
	w.begin(agent.Ask{Text: "hello"})
	last := w.begin(agent.Ask{Text: "hello"})
	if _, err := w.svc.Start(t.Context(), ann, agent.Ask{Text: "hello"}); !errors.Is(err, tandem.ErrLimited) {
		t.Errorf("a fourth turn: %v", err)
	}
	close(gate)
	w.wait(w.svc, last.TurnID)
}

func TestStart_RefusesWhatIsNoQuestion(t *testing.T) {
	w := newWorld(t, nil)
	tests := map[string]struct {
		ask  agent.Ask
		want error
	}{
		"empty":                  {agent.Ask{}, tandem.ErrInvalid},
		"too long":               {agent.Ask{Text: strings.Repeat("é", 4001)}, tandem.ErrInvalid},
		"no zone":                {agent.Ask{Text: "hi", Zone: "Mars/Olympus"}, tandem.ErrInvalid},
		"no id":                  {agent.Ask{Text: "hi", TurnID: "5"}, tandem.ErrInvalid},
		"unknown conversation":   {agent.Ask{Text: "hi", Conversation: 77}, tandem.ErrNotFound},
		"as long as it may be":   {agent.Ask{Text: strings.Repeat("é", 4000)}, nil},
		"a zone and an upper id": {agent.Ask{Text: "hi", Zone: "Asia/Karachi", TurnID: strings.ToUpper(tandem.NewID())}, nil},
	}
	for name, tt := range tests {
		ticket, err := w.svc.Start(t.Context(), ann, tt.ask)
		if !errors.Is(err, tt.want) {
			t.Errorf("%s: %v, want %v", name, err, tt.want)
		}
		if err == nil {
			w.wait(w.svc, ticket.TurnID)
		}
	}
}

// How the planner excuses that it answers in place of the model.
const (
	down  = "The language model cannot be reached right now, so the built-in planner answers."
	slow  = "The language model takes too long right now, so the built-in planner answers."
	spent = "Today's budget for the language model is used up, so the built-in planner answers."
)

func TestFallback_AnswersWhenTheModelFailsBeforeItsFirstCall(t *testing.T) {
	broken := errors.New("503")
	tests := map[string]*actor{
		"at once":       llm([]said{{err: broken}}),
		"in mid-speech": llm([]said{text("I have just "), {err: broken}}),
		"by silence":    llm([]said{{wait: make(chan struct{})}}),
		"by a stall":    llm([]said{text("I have "), {wait: make(chan struct{})}}),
	}
	for name, model := range tests {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, model, func(o *agent.Options) {
				o.Limits.FirstToken, o.Limits.Stall = 20*time.Millisecond, 20*time.Millisecond
			})
			ticket := w.begin(agent.Ask{Text: "hello"})
			d := fold(t, w.watch(ticket.TurnID))
			a := w.wait(w.svc, ticket.TurnID)
			want := down
			if strings.HasPrefix(name, "by ") {
				want = slow
			}
			if a.Engine != "planner" || a.Response != want+"\n\nThe planner is here." || d.text != a.Response {
				t.Errorf("answer %+v, told %q", a, d.text)
			}
		})
	}
}

func TestFallback_AfterACallTheAnswerTellsWhatWasDone(t *testing.T) {
	broken := errors.New("503")
	w := newWorld(t, llm([]said{call("add_task", args{"title": "Buy milk"})}, []said{text("And now"), {err: broken}}))
	ticket := w.begin(agent.Ask{Text: "add milk"})
	d := fold(t, w.watch(ticket.TurnID))
	a := w.wait(w.svc, ticket.TurnID)
	if a.Engine != "llm" || !strings.Contains(a.Response, "I could not finish this") || !strings.Contains(a.Response, "Added") {
		t.Errorf("answer %q by %s", a.Response, a.Engine)
	}
	if d.end.Status != tandem.TurnFailed || d.text != a.Response {
		t.Errorf("end %+v, told %q", d.end, d.text)
	}
	if got := w.titles("pending"); len(got) != 1 {
		t.Errorf("tasks %q, want one", got)
	}
}

func TestFallback_AnOpenCircuitIsNotAsked(t *testing.T) {
	model := llm([]said{{err: errors.New("503")}})
	w := newWorld(t, model)
	for range 6 {
		w.say("hello", 0)
	}
	if got := len(model.requests()); got != 3 {
		t.Errorf("the model was asked %d times, want 3", got)
	}
	w.clock.forward(31 * time.Second)
	w.say("hello", 0)
	w.say("hello", 0)
	if got := len(model.requests()); got != 4 {
		t.Errorf("after a pause it was asked %d times in all, want one probe more", got)
	}
}

func TestBudget_ADayOfTokensEnds(t *testing.T) {
	w := newWorld(t, llm([]said{text("Hello."), {Event: agent.Event{Usage: &tandem.Usage{Input: 900, Output: 200}}}}),
		func(o *agent.Options) { o.Limits.DayTokens = 1000 })
	ticket := w.begin(agent.Ask{Text: "hello"})
	end := fold(t, w.watch(ticket.TurnID)).end
	if diff := cmp.Diff(&tandem.Usage{Input: 900, Output: 200}, end.Usage); diff != "" {
		t.Errorf("usage (-want +got):\n%s", diff)
	}
	by := func(user tandem.UserID) string {
		t.Helper()
		ticket, err := w.svc.Start(t.Context(), user, agent.Ask{Text: "hello"})
		if err != nil {
			t.Fatal(err)
		}
		a, err := w.svc.Wait(t.Context(), ticket)
		if err != nil {
			t.Fatal(err)
		}
		return a.Engine + ": " + a.Response
	}
	if got := by(ann); got != "planner: "+spent+"\n\nThe planner is here." {
		t.Errorf("beyond the budget: %q", got)
	}
	if got := by("bob"); got != "llm: Hello." {
		t.Errorf("another person: %q", got)
	}
	w.clock.forward(24 * time.Hour)
	if got := by(ann); got != "llm: Hello." {
		t.Errorf("the day after: %q", got)
	}
}

func TestBudget_IsOneForAllProcessesAndOutlivesThem(t *testing.T) {
	model := llm([]said{text("Hello."), {Event: agent.Event{Usage: &tandem.Usage{Input: 600}}}})
	few := func(o *agent.Options) { o.Limits.DayTokens = 1000 }
	w := newWorld(t, model, few)
	other, kill := w.serve("two", model, few)
	w.say("hello", 0)
	w.svc = other
	w.say("hello", 0)
	kill()
	w.svc, _ = w.serve("three", model, few)
	if a := w.say("hello", 0); a.Engine != "planner" || len(model.requests()) != 2 {
		t.Errorf("by %s: %q, after %d requests", a.Engine, a.Response, len(model.requests()))
	}
}

func TestBudget_ARoundThatBreaksOffIsChargedToo(t *testing.T) {
	w := newWorld(t, llm([]said{text(strings.Repeat("word ", 1000)), {err: errors.New("cut off")}}), func(o *agent.Options) { o.Limits.DayTokens = 1000 })
	w.say("hello", 0)
	if spent, err := w.db.Spent(t.Context(), ann, w.clock.now()); err != nil || spent < 1250 {
		t.Errorf("%d tokens are counted, %v", spent, err)
	}
}

func TestWatch_EndsWithItsContextAndKnowsNoForeignTurn(t *testing.T) {
	w := newWorld(t, llm([]said{text("Once"), {wait: make(chan struct{})}}))
	ticket := w.begin(agent.Ask{Text: "tell me a story"})
	for range w.svc.Watch(t.Context(), "bob", ticket.TurnID) {
		t.Error("a foreign turn is shown")
	}
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	for range w.svc.Watch(ctx, ann, ticket.TurnID) {
		stop()
	}
}
