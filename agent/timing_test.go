package agent_test

import (
	"context"
	"encoding/json"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"tandem"
	"tandem/agent"
)

// ledger is a store of turns in memory, for bubbles in which time is fake. It remembers when turns were saved.
type ledger struct {
	mu     sync.Mutex
	turns  map[string]tandem.Turn
	saved  []time.Time
	states []string
}

func newLedger() *ledger { return &ledger{turns: map[string]tandem.Turn{}} }

func (l *ledger) StartTurn(_ context.Context, user tandem.UserID, s tandem.TurnStart) (tandem.Turn, bool, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	t := tandem.Turn{
		ID: s.ID, UserID: user, Conversation: 1, MessageID: "m", Text: s.Text, Hash: s.Hash, Status: tandem.TurnRunning, LeaseOwner: s.Owner,
		LeaseUntil: time.Now().Add(tandem.TurnLease), Attempt: 1, StartedAt: time.Now(),
	}
	l.turns[t.ID] = t
	return t, false, nil
}

func (l *ledger) SaveTurn(_ context.Context, t tandem.Turn) (bool, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if old := l.turns[t.ID]; old.Attempt != t.Attempt || old.LeaseOwner != t.LeaseOwner || old.Status != tandem.TurnRunning {
		return false, tandem.Conflict("turn_id", "lost")
	}
	t.LeaseUntil = time.Now().Add(tandem.TurnLease)
	l.turns[t.ID] = t
	l.saved, l.states = append(l.saved, time.Now()), append(l.states, t.Reply)
	return false, nil
}

func (l *ledger) EndTurn(_ context.Context, t tandem.Turn, m tandem.Message, respond func(tandem.Seq, tandem.Message) (json.RawMessage, error),
) (tandem.Turn, tandem.Message, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	var err error
	t.Response, err = respond(1, m)
	l.turns[t.ID] = t
	return t, m, err
}

func (l *ledger) Turn(_ context.Context, _ tandem.UserID, id string) (tandem.Turn, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.turns[id], nil
}

func (l *ledger) TakeTurns(_ context.Context, owner string, now time.Time, _ int) ([]tandem.Turn, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	var out []tandem.Turn
	for id, t := range l.turns {
		if t.Status == tandem.TurnRunning && t.LeaseUntil.Before(now) {
			t.LeaseOwner, t.LeaseUntil, t.Attempt = owner, now.Add(tandem.TurnLease), t.Attempt+1
			l.turns[id] = t
			out = append(out, t)
		}
	}
	return out, nil
}

func (l *ledger) RunningTurns(context.Context, tandem.UserID) ([]tandem.Turn, error) { return nil, nil }
func (l *ledger) RequestCancel(context.Context, tandem.UserID, string) error         { return nil }
func (l *ledger) ExpireApprovals(context.Context, time.Time, int) (int, error)       { return 0, nil }

func (l *ledger) Settings(context.Context, tandem.UserID) (tandem.Settings, error) {
	return tandem.DefaultSettings(), nil
}

func (l *ledger) Approval(context.Context, tandem.UserID, string) (tandem.Approval, error) {
	return tandem.Approval{}, tandem.ErrNotFound
}

func (l *ledger) AddApproval(context.Context, tandem.UserID, tandem.Cause, tandem.Approval) error {
	return nil
}

func (l *ledger) PendingApprovals(context.Context, tandem.UserID, int64) ([]tandem.Approval, error) {
	return nil, nil
}

func (l *ledger) DecideApproval(context.Context, tandem.UserID, tandem.Cause, string, bool, string) (tandem.Approval, error) {
	return tandem.Approval{}, tandem.ErrNotFound
}

func (l *ledger) Spent(context.Context, tandem.UserID, time.Time) (int64, error) { return 0, nil }
func (l *ledger) Spend(context.Context, tandem.UserID, time.Time, int64) error   { return nil }

func (l *ledger) Transcript(context.Context, tandem.UserID, int64, string, int) ([]tandem.Message, bool, error) {
	return nil, false, nil
}

// idle are tools that nobody calls.
type idle struct{}

func (idle) List() []agent.Tool { return nil }
func (idle) Close() error       { return nil }
func (idle) Call(context.Context, string, json.RawMessage) (json.RawMessage, bool, error) {
	return json.RawMessage(`{}`), false, nil
}

// after waits before the next piece of a script.
func after(d time.Duration) said { return said{pause: d} }

// bubble runs one turn of a model in fake time and gives what a watcher saw, with the time since the start.
func bubble(t *testing.T, store *ledger, model agent.Model, check func(events []tandem.TurnEvent, at []time.Duration)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		svc := agent.New(agent.Options{
			Store: store, Primary: model, Fallback: planner, Owner: "one", Publish: func(tandem.Signal) {},
			Tools: func(context.Context, agent.Binding) (agent.Tools, error) { return idle{}, nil },
		})
		ctx, stop := context.WithCancel(t.Context())
		var running sync.WaitGroup
		running.Go(func() {
			if err := svc.Run(ctx); err != nil {
				t.Error(err)
			}
		})
		began := time.Now()
		ticket, err := svc.Start(t.Context(), ann, agent.Ask{Text: "hello"})
		if err != nil {
			t.Fatal(err)
		}
		var events []tandem.TurnEvent
		var at []time.Duration
		for ev := range svc.Watch(t.Context(), ann, ticket.TurnID) {
			events, at = append(events, ev), append(at, time.Since(began))
		}
		stop()
		running.Wait()
		check(events, at)
	})
}

func TestTiming_TextIsGathered(t *testing.T) {
	var script []said
	for range 60 {
		script = append(script, text("word "), after(5*time.Millisecond))
	}
	bubble(t, newLedger(), llm(script), func(events []tandem.TurnEvent, at []time.Duration) {
		var last time.Duration
		n := 0
		for i, ev := range events {
			if ev.Ev != tandem.TurnEvText {
				continue
			}
			if gap := at[i] - last; gap < 25*time.Millisecond && i < len(events)-2 || gap > 40*time.Millisecond {
				t.Errorf("text %d comes %s after the one before", n, gap)
			}
			last = at[i]
			n++
		}
		if n < 8 || n > 12 {
			t.Errorf("300 ms of text in %d events", n)
		}
	})
}

func TestTiming_SilenceAndLengthEndARound(t *testing.T) {
	trickle := []said{text("a")}
	for range 20 {
		trickle = append(trickle, after(10*time.Second), text("b"))
	}
	tests := map[string]struct {
		script []said
		want   time.Duration
	}{
		"no first word":    {[]said{after(time.Hour)}, 30 * time.Second},
		"a stall":          {[]said{after(29 * time.Second), text("a"), after(time.Hour)}, 49 * time.Second},
		"the whole turn":   {trickle, 120 * time.Second},
		"just fast enough": {[]said{after(29 * time.Second), text("a"), after(19 * time.Second), text("b")}, 48 * time.Second},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			bubble(t, newLedger(), llm(tt.script), func(events []tandem.TurnEvent, at []time.Duration) {
				d := fold(t, events)
				want := slow + "\n\nThe planner is here."
				if name == "just fast enough" {
					want = "ab"
				}
				if end := at[len(at)-1]; end != tt.want || d.text != want {
					t.Errorf("ended after %s with %q, want %s and %q", end, d.text, tt.want, want)
				}
				if at[0] != 0 {
					t.Errorf("the first sign of life came after %s", at[0])
				}
			})
		})
	}
}

func TestTiming_PartialTextIsSavedEachSecondAndTheLeaseIsKept(t *testing.T) {
	var script []said
	for range 25 {
		script = append(script, text("x"), after(200*time.Millisecond))
	}
	script = append(script, after(19*time.Second), text("y"))
	store := newLedger()
	bubble(t, store, llm(script), func([]tandem.TurnEvent, []time.Duration) {
		for i := 1; i < len(store.saved); i++ {
			if gap := store.saved[i].Sub(store.saved[i-1]); gap >= tandem.TurnLease/2 {
				t.Errorf("no save for %s", gap)
			}
		}
		for i, saved := range store.states[:4] {
			if n := len(saved) - 5*(i+1); n < -1 || n > 1 {
				t.Errorf("after %d s %q is saved", i+1, saved)
			}
		}
	})
}

func TestRun_DrainsAndLeavesTheRestToOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := newLedger()
		serve := func(owner string, script ...said) (*agent.Service, func() time.Duration) {
			svc := agent.New(agent.Options{
				Store: store, Primary: llm(script), Fallback: planner, Owner: owner, Publish: func(tandem.Signal) {},
				Tools: func(context.Context, agent.Binding) (agent.Tools, error) { return idle{}, nil },
			})
			ctx, stop := context.WithCancel(t.Context())
			done := make(chan struct{})
			go func() { defer close(done); _ = svc.Run(ctx) }()
			return svc, func() time.Duration { began := time.Now(); stop(); <-done; return time.Since(began) }
		}
		old, end := serve("old", text("a"), after(15*time.Second), text("b"), after(15*time.Second), text("c"))
		quick, err := old.Start(t.Context(), ann, agent.Ask{Text: "hello"})
		if err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if took := end(); took != 20*time.Second {
			t.Errorf("the drain took %s, want 20 s", took)
		}
		if _, err := old.Start(t.Context(), ann, agent.Ask{Text: "more"}); tandem.AsError(err).Code != tandem.CodeLimited {
			t.Errorf("a turn behind the end: %v", err)
		}
		fresh, end := serve("fresh", text("anew"))
		a, err := fresh.Wait(t.Context(), agent.Ticket{User: ann, TurnID: quick.TurnID})
		if err != nil || a.Response != "anew" {
			t.Errorf("the other process answers %q, %v", a.Response, err)
		}
		if took := end(); took != 0 {
			t.Errorf("an idle process took %s to end", took)
		}
	})
}
