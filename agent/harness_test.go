package agent_test

import (
	"context"
	"encoding/json"
	"iter"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"tandem"
	"tandem/agent"
	"tandem/agent/tools"
	"tandem/server/inproc"
	"tandem/server/sqlite"
)

// bound joins a tool client to the agent's port, as the program does.
type bound struct{ *tools.Client }

func (b bound) List() []agent.Tool {
	var out []agent.Tool
	for _, d := range b.Tools() {
		out = append(out, agent.Tool{Name: d.Name, Description: d.Description, InputSchema: d.InputSchema})
	}
	return out
}

func (b bound) Call(ctx context.Context, tool string, args json.RawMessage) (json.RawMessage, bool, error) {
	return b.CallTool(ctx, tool, args)
}

func bind(tb *tools.Toolbox) func(context.Context, agent.Binding) (agent.Tools, error) {
	return func(ctx context.Context, b agent.Binding) (agent.Tools, error) {
		c, err := tb.Client(ctx, tools.Caller{
			User: b.User, Kind: tools.Agent, Scopes: b.Scopes, Zone: b.Zone, Now: b.Now, Words: &tools.Words{Text: b.Words},
			Cause: tandem.Cause{Actor: tandem.ActorAgent, TurnID: b.Turn, Conversation: b.Conversation, MessageID: b.MessageID},
			Policy: func(e tools.Effect) *tandem.Error {
				return b.Guard(agent.Effect{Tool: e.Tool, Changes: e.Changes, Unsaid: e.Unsaid})
			},
		})
		return bound{c}, err
	}
}

// said is one event of a scripted round; an error ends the round.
type said struct {
	agent.Event
	err   error
	wait  <-chan struct{} // until it is closed, or the round ends
	pause time.Duration
}

// ended gives a channel that closes after a while.
func ended(d time.Duration) <-chan struct{} {
	done := make(chan struct{})
	time.AfterFunc(d, func() { close(done) })
	return done
}

func text(s string) said { return said{Event: agent.Event{Text: s}} }

func call(tool string, args any) said {
	raw, err := json.Marshal(args)
	if err != nil {
		panic(err)
	}
	return said{Event: agent.Event{Call: &agent.Call{Tool: tool, Arguments: raw}}}
}

type args = map[string]any

// actor is a model that plays a script: the events of each round, decided by what it is asked.
type actor struct {
	engine string
	play   func(r agent.Request, round int) []said

	mu    sync.Mutex
	asked []agent.Request
}

func (a *actor) Engine() string { return a.engine }

func (a *actor) Stream(ctx context.Context, r agent.Request) iter.Seq2[agent.Event, error] {
	a.mu.Lock()
	a.asked = append(a.asked, r)
	round := len(a.asked)
	a.mu.Unlock()
	return func(yield func(agent.Event, error) bool) {
		for _, s := range a.play(r, round) {
			if s.pause > 0 {
				s.wait = ended(s.pause)
			}
			if s.wait != nil {
				select {
				case <-s.wait:
				case <-ctx.Done():
					return
				}
				continue
			}
			if !yield(s.Event, s.err) {
				return
			}
		}
	}
}

func (a *actor) requests() []agent.Request {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.asked
}

// llm makes a model of rounds; the last one repeats.
func llm(rounds ...[]said) *actor {
	return &actor{engine: "llm", play: func(r agent.Request, _ int) []said {
		n := 0
		for _, m := range r.Messages {
			switch {
			case m.Role == agent.RoleUser:
				n = 0
			case m.Role == agent.RoleAssistant && len(m.Calls) > 0:
				n++
			}
		}
		return rounds[min(n, len(rounds)-1)]
	}}
}

// planner is a fallback that knows one sentence.
var planner = &actor{engine: "planner", play: func(agent.Request, int) []said { return []said{text("The planner is here.")} }}

const ann = tandem.UserID("ann")

// world is a store with tools and a running service.
type world struct {
	t     *testing.T
	db    *sqlite.DB
	box   *tools.Toolbox
	svc   *agent.Service
	clock *clock

	channels inproc.Channels
}

// clock is the time of a world, moved by hand.
type clock struct {
	mu  sync.Mutex
	off time.Duration
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return time.Now().Add(c.off)
}

func (c *clock) forward(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.off += d
}

type option func(*agent.Options)

func newWorld(t *testing.T, primary agent.Model, opts ...option) *world {
	t.Helper()
	w := &world{t: t, clock: &clock{}}
	db, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "tandem.db"), sqlite.Options{Now: w.clock.now})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	w.db, w.box = db, tools.New(tools.Options{Store: db, Now: w.clock.now})
	w.svc, _ = w.serve("one", primary, opts...)
	return w
}

// serve starts a process on the world's store; kill ends it without a farewell.
func (w *world) serve(owner string, primary agent.Model, opts ...option) (svc *agent.Service, kill func()) {
	w.t.Helper()
	o := agent.Options{
		Store: w.db, Tools: bind(w.box), Primary: primary, Fallback: planner, Owner: owner, Now: w.clock.now,
		Publish: func(s tandem.Signal) {
			if err := w.channels.Publish(context.Background(), s); err != nil {
				w.t.Error(err)
			}
		},
		Join:   w.channels.Join,
		Limits: agent.Limits{Sweep: 20 * time.Millisecond, Drain: time.Millisecond},
	}
	for _, opt := range opts {
		opt(&o)
	}
	if o.Primary == (*actor)(nil) {
		o.Primary = nil
	}
	svc = agent.New(o)
	ctx, stop := context.WithCancel(context.WithoutCancel(w.t.Context()))
	done := make(chan struct{})
	go func() {
		defer close(done)
		if err := svc.Run(ctx); err != nil {
			w.t.Error(err)
		}
	}()
	kill = sync.OnceFunc(func() { stop(); <-done })
	w.t.Cleanup(kill)
	return svc, kill
}

// add makes tasks by the person's own hand.
func (w *world) add(titles ...string) {
	w.t.Helper()
	for _, title := range titles {
		w.do("add_task", args{"title": title})
	}
}

func (w *world) do(tool string, a args) {
	w.t.Helper()
	raw, _ := json.Marshal(a)
	if _, err := w.box.Call(w.t.Context(), tools.Caller{User: ann, Kind: tools.Person}, tool, raw); err != nil {
		w.t.Fatalf("%s %s: %v", tool, raw, err)
	}
}

// titles lists the tasks of a status, oldest first.
func (w *world) titles(status tandem.StatusFilter) []string {
	w.t.Helper()
	page, err := w.db.List(w.t.Context(), ann, tandem.Query{Status: status, Limit: 100}.Normal())
	if err != nil {
		w.t.Fatal(err)
	}
	out := []string{}
	for _, task := range page.Tasks {
		out = append(out, task.Title)
	}
	return out
}

// say starts a turn and waits for its answer.
func (w *world) say(words string, conv int64) agent.Answer {
	w.t.Helper()
	return w.ask(agent.Ask{Text: words, Conversation: conv})
}

func (w *world) ask(a agent.Ask) agent.Answer {
	w.t.Helper()
	ticket, err := w.svc.Start(w.t.Context(), ann, a)
	if err != nil {
		w.t.Fatalf("start %q: %v", a.Text, err)
	}
	return w.wait(w.svc, ticket.TurnID)
}

func (w *world) wait(svc *agent.Service, turn string) agent.Answer {
	w.t.Helper()
	ctx, stop := context.WithTimeout(w.t.Context(), 20*time.Second)
	defer stop()
	answer, err := svc.Wait(ctx, agent.Ticket{User: ann, TurnID: turn})
	if err != nil {
		w.t.Fatalf("wait for %s: %v", turn, err)
	}
	return answer
}

// until reads the events of a turn up to the first that fits.
func until(t *testing.T, events iter.Seq[tandem.TurnEvent], fits func(tandem.TurnEvent) bool) tandem.TurnEvent {
	t.Helper()
	for ev := range events {
		if fits(ev) {
			return ev
		}
	}
	t.Fatal("the turn ended without the awaited event")
	return tandem.TurnEvent{}
}

func done(a agent.Answer, tool string) int {
	n := 0
	for _, c := range a.ToolCalls {
		if c.Tool == tool && c.Status == "ok" {
			n++
		}
	}
	return n
}
