package agent_test

import (
	"context"
	"encoding/json"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tandem"
	"tandem/agent"
	"tandem/server/sqlite"
)

// mortal is a store whose process is dead once the flag is set: nothing it writes arrives any more.
type mortal struct {
	*sqlite.DB
	dead *atomic.Bool
}

func (m mortal) SaveTurn(ctx context.Context, t tandem.Turn) (bool, error) {
	if m.dead.Load() {
		return false, tandem.Conflict("turn_id", "dead")
	}
	return m.DB.SaveTurn(ctx, t)
}

func (m mortal) EndTurn(ctx context.Context, t tandem.Turn, reply tandem.Message,
	respond func(tandem.Seq, tandem.Message) (json.RawMessage, error),
) (tandem.Turn, tandem.Message, error) {
	if m.dead.Load() {
		return t, reply, tandem.Conflict("turn_id", "dead")
	}
	return m.DB.EndTurn(ctx, t, reply, respond)
}

// spied runs hooks around each call of a tool.
type spied struct {
	agent.Tools
	before, after func(tool string)
}

func (s spied) Call(ctx context.Context, tool string, args json.RawMessage) (json.RawMessage, bool, error) {
	s.before(tool)
	raw, failed, err := s.Tools.Call(ctx, tool, args)
	s.after(tool)
	return raw, failed, err
}

func spying(bind func(context.Context, agent.Binding) (agent.Tools, error), before, after func(string)) func(context.Context, agent.Binding) (agent.Tools, error) {
	return func(ctx context.Context, b agent.Binding) (agent.Tools, error) {
		t, err := bind(ctx, b)
		return spied{t, before, after}, err
	}
}

func nothing(string) {}

func TestCrash_AnotherProcessGoesOnAndNothingRunsTwice(t *testing.T) {
	for calls := range 4 {
		for _, when := range []string{"before", "after"} {
			t.Run(fmt.Sprintf("%s call %d", when, calls), func(t *testing.T) { dieAt(t, calls, when) })
		}
	}
}

// threeTasks is a model that reads and then adds three tasks in two rounds.
func threeTasks() *actor {
	return llm(
		[]said{text("Let me see."), call("list_tasks", args{}), call("add_task", args{"title": "One"}), call("add_task", args{"title": "Two"})},
		[]said{call("add_task", args{"title": "Three"})},
		[]said{text("I have added three tasks.")},
	)
}

// dieAt kills the process of a turn around its n-th call and looks at what another one makes of it.
func dieAt(t *testing.T, n int, when string) {
	t.Helper()
	w := newWorld(t, threeTasks())
	var dead atomic.Bool
	var seen atomic.Int64
	died := make(chan struct{})
	die := func(string) {
		if seen.Add(1) == int64(n)+1 {
			dead.Store(true)
			close(died)
		}
	}
	before, after := die, nothing
	if when == "after" {
		before, after = nothing, die
	}
	first, kill := w.serve("mortal", threeTasks(), func(o *agent.Options) {
		o.Store, o.Tools = mortal{w.db, &dead}, spying(bind(w.box), before, after)
	})
	ticket, err := first.Start(t.Context(), ann, agent.Ask{Text: "add one, two and three"})
	if err != nil {
		t.Fatal(err)
	}
	<-died
	kill()
	w.clock.forward(tandem.TurnLease + time.Second)
	a := w.wait(w.svc, ticket.TurnID)
	if a.Response != "Let me see.\n\nI have added three tasks." || len(a.ToolCalls) != 4 || done(a, "add_task") != 3 {
		t.Errorf("answer %q with calls %+v", a.Response, a.ToolCalls)
	}
	if diff := cmp.Diff([]string{"One", "Two", "Three"}, w.titles("pending")); diff != "" {
		t.Errorf("tasks (-want +got):\n%s", diff)
	}
	events := fold(t, w.watch(ticket.TurnID))
	if events.kinds[0] != tandem.TurnEvState || events.text != a.Response {
		t.Errorf("the process that went on told %v, %q", events.kinds, events.text)
	}
}

func TestCrash_ThePartialTextIsSaidAnew(t *testing.T) {
	gate := make(chan struct{})
	w := newWorld(t, llm([]said{text("Whole.")}))
	var dead atomic.Bool
	first, kill := w.serve("mortal", llm([]said{text("Half"), {wait: gate}}), func(o *agent.Options) {
		o.Store = mortal{w.db, &dead} // the text is told and not saved
	})
	var last, back atomic.Int64
	_, err := w.channels.Join(t.Context(), ann, func(s tandem.Signal) {
		if s.Turn != nil && last.Swap(s.Turn.N) >= s.Turn.N {
			back.Add(1)
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	ticket, err := first.Start(t.Context(), ann, agent.Ask{Text: "hello"})
	if err != nil {
		t.Fatal(err)
	}
	until(t, first.Watch(t.Context(), ann, ticket.TurnID), func(ev tandem.TurnEvent) bool { return ev.D == "Half" })
	dead.Store(true)
	kill()
	w.clock.forward(tandem.TurnLease + time.Second)
	if a := w.wait(w.svc, ticket.TurnID); a.Response != "Whole." {
		t.Errorf("reply %q", a.Response)
	}
	if back.Load() > 0 {
		t.Errorf("the numbers of the events went back %d times", back.Load())
	}
}

func TestCrash_TooLateOrTooOftenIsLost(t *testing.T) {
	w := newWorld(t, llm([]said{text("Whole.")}))
	var dead atomic.Bool
	first, kill := w.serve("mortal", llm([]said{call("add_task", args{"title": "One"})}, []said{text("Half"), {wait: make(chan struct{})}}),
		func(o *agent.Options) { o.Store = mortal{w.db, &dead} })
	ticket, err := first.Start(t.Context(), ann, agent.Ask{Text: "add one"})
	if err != nil {
		t.Fatal(err)
	}
	until(t, first.Watch(t.Context(), ann, ticket.TurnID), func(ev tandem.TurnEvent) bool { return ev.D == "Half" })
	dead.Store(true)
	kill()
	w.clock.forward(3 * time.Minute)
	a := w.wait(w.svc, ticket.TurnID)
	if turn, err := w.db.Turn(t.Context(), ann, ticket.TurnID); err != nil || turn.Status != tandem.TurnLost {
		t.Errorf("status %s, %v", turn.Status, err)
	}
	want := `I was interrupted and could not finish this. Done: Added "One" (1).`
	if a.Response != want {
		t.Errorf("reply %q, want %q", a.Response, want)
	}
}

func TestCrash_ALostTurnDoesNotDenyWhatItMayHaveDone(t *testing.T) {
	w := newWorld(t, llm([]said{text("Whole.")}))
	var dead atomic.Bool
	died := make(chan struct{})
	die := func(string) { dead.Store(true); close(died) }
	first, kill := w.serve("mortal", llm([]said{call("add_task", args{"title": "One"})}), func(o *agent.Options) {
		o.Store, o.Tools = mortal{w.db, &dead}, spying(bind(w.box), nothing, die)
	})
	ticket, err := first.Start(t.Context(), ann, agent.Ask{Text: "add one"})
	if err != nil {
		t.Fatal(err)
	}
	<-died
	kill()
	w.clock.forward(3 * time.Minute)
	want := "I was interrupted and could not finish this. A change had begun and may have been made; please look."
	if a := w.wait(w.svc, ticket.TurnID); a.Response != want {
		t.Errorf("reply %q, want %q: the task is there", a.Response, want)
	}
}

func TestCrash_AnOwnerThatLostItsLeaseWritesNothing(t *testing.T) {
	gate := make(chan struct{})
	w := newWorld(t, llm([]said{text("From the new one.")}), func(o *agent.Options) { o.Limits.Sweep = time.Hour })
	var held atomic.Bool
	stalled, _ := w.serve("stalled", llm([]said{{wait: gate}, text("From the old one.")}), func(o *agent.Options) {
		o.Limits.Save, o.Limits.Sweep = time.Hour, time.Hour // as if the process were stopped
	})
	ticket, err := stalled.Start(t.Context(), ann, agent.Ask{Text: "hello"})
	if err != nil {
		t.Fatal(err)
	}
	w.clock.forward(tandem.TurnLease + time.Second)
	fresh, _ := w.serve("fresh", llm([]said{text("From the new one.")}))
	a := w.wait(fresh, ticket.TurnID)
	held.Store(true)
	close(gate)
	if again := w.wait(stalled, ticket.TurnID); again.Response != "From the new one." || again.Response != a.Response {
		t.Errorf("the old owner answers %q, the new one %q", again.Response, a.Response)
	}
	past, _, err := w.db.History(t.Context(), ann, a.ConversationID, "", 10)
	if err != nil || len(past) != 2 {
		t.Errorf("%d messages, %v; want the words and one reply", len(past), err)
	}
}

func TestCalls_ReadsTogetherWritesInOrder(t *testing.T) {
	gate := make(chan struct{})
	full := sync.OnceFunc(func() { close(gate) })
	var reading, most atomic.Int64
	var order []string
	before := func(tool string) {
		if tool != "list_tasks" {
			order = append(order, tool)
			return
		}
		if n := reading.Add(1); n > most.Load() {
			most.Store(n)
		}
		if reading.Load() == 4 {
			full()
		}
		<-gate
	}
	after := func(tool string) {
		if tool == "list_tasks" {
			reading.Add(-1)
		}
	}
	read := func(s string) said { return call("list_tasks", args{"search": s}) }
	w := newWorld(t, llm([]said{
		read("a"), read("b"), read("c"), read("d"), read("e"), read("f"),
		call("add_task", args{"title": "One"}), call("complete_task", args{"task_id": 1}), call("add_task", args{"title": "Two"}),
	}, []said{text("Here you are.")}), func(o *agent.Options) { o.Tools = spying(o.Tools, before, after) })
	w.say("add one, complete it, add two", 0)
	if most.Load() != 4 {
		t.Errorf("%d reads at once, want 4", most.Load())
	}
	if diff := cmp.Diff([]string{"add_task", "complete_task", "add_task"}, order); diff != "" {
		t.Errorf("writes (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"One"}, w.titles("completed")); diff != "" {
		t.Errorf("completed (-want +got):\n%s", diff)
	}
}

func TestCalls_IdenticalOnesAreTwoAndARetryIsNone(t *testing.T) {
	egg := call("add_task", args{"title": "Egg", "on_duplicate": "create"})
	twice := []said{egg, egg}
	w := newWorld(t, llm(twice, []said{text("I have added both.")}))
	a := w.ask(agent.Ask{Text: "add egg twice"})
	if got := w.titles("pending"); len(got) != 2 {
		t.Fatalf("tasks %q, want two", got)
	}
	w.ask(agent.Ask{Text: "add egg twice", Conversation: a.ConversationID, Again: firstWords(t, w, a.ConversationID)})
	if got := w.titles("pending"); len(got) != 2 {
		t.Errorf("after the same answer again: %q", got)
	}
}

func firstWords(t *testing.T, w *world, conv int64) string {
	t.Helper()
	past, _, err := w.db.History(t.Context(), ann, conv, "", 10)
	if err != nil {
		t.Fatal(err)
	}
	return past[0].ID
}

func TestCalls_AForeignOwnerIsForbidden(t *testing.T) {
	w := newWorld(t, llm([]said{call("add_task", args{"title": "Planted", "user_id": "bob"}), call("list_tasks", args{"user_id": "bob"})}, []said{text("Tried.")}))
	a := w.say("do it", 0)
	for _, c := range a.ToolCalls {
		var r struct {
			Error string `json:"error"`
		}
		if err := json.Unmarshal(c.Result, &r); err != nil || r.Error != "forbidden" || c.Status != "error" {
			t.Errorf("%s: %s %s", c.Tool, c.Status, c.Result)
		}
	}
	for _, user := range []tandem.UserID{ann, "bob"} {
		if page, err := w.db.List(t.Context(), user, tandem.Query{Limit: 10}.Normal()); err != nil || len(page.Tasks) != 0 {
			t.Errorf("%s has %d tasks, %v", user, len(page.Tasks), err)
		}
	}
}

func TestCalls_AreWrittenDownBeforeTheyRun(t *testing.T) {
	w := newWorld(t, nil)
	var turn atomic.Value
	checked := 0
	before := func(string) {
		row, err := w.db.Turn(t.Context(), ann, turn.Load().(string))
		if err != nil || len(row.Calls) != 2 || row.Calls[1].OpID == "" || string(row.Calls[1].Arguments) != `{"title":"Two"}` {
			t.Errorf("a call runs while the store has %+v, %v", row.Calls, err)
		}
		checked++
	}
	svc, _ := w.serve("spied", llm([]said{call("add_task", args{"title": "One"}), call("add_task", args{"title": "Two"})}, []said{text("Added both.")}),
		func(o *agent.Options) { o.Tools = spying(o.Tools, before, nothing) })
	id := tandem.NewID()
	turn.Store(id)
	if _, err := svc.Start(t.Context(), ann, agent.Ask{TurnID: id, Text: "add one and two"}); err != nil {
		t.Fatal(err)
	}
	w.wait(svc, id)
	if checked != 2 {
		t.Errorf("%d calls were looked at", checked)
	}
}
