package session_test

import (
	"context"
	"encoding/json"
	"sync"

	"tandem"
	"tandem/sync/session"
)

// assistant runs turns as the test says, word by word.
type assistant struct {
	world *world

	mu       sync.Mutex
	turns    map[string]tandem.Turn
	tools    map[string][]tandem.TurnTool // by turn
	answered []string
	replies  func(user tandem.UserID, r session.ChatRequest) error // refuses a turn
}

func (a *assistant) Chat(_ context.Context, user tandem.UserID, r session.ChatRequest) (bool, error) {
	a.mu.Lock()
	replies := a.replies
	_, replayed := a.turns[r.Turn]
	a.mu.Unlock()
	if replies != nil {
		if err := replies(user, r); err != nil {
			return false, err
		}
	}
	if !replayed {
		a.tell(user, r.Turn, tandem.TurnEvent{Ev: tandem.TurnEvStart, Engine: "planner"})
	}
	return replayed, nil
}

func (a *assistant) Cancel(_ context.Context, user tandem.UserID, turn string) error {
	a.mu.Lock()
	_, known := a.turns[turn]
	a.mu.Unlock()
	if !known {
		return tandem.NotFound("turn", turn, "turn")
	}
	a.end(user, turn, tandem.TurnCancelled)
	return nil
}

func (a *assistant) Approve(_ context.Context, _ tandem.UserID, approval string, ok bool, _ json.RawMessage, by string) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if approval == "unknown" {
		return tandem.NotFound("approval", approval, "approval")
	}
	a.answered = append(a.answered, approval)
	return nil
}

func (a *assistant) Running(_ context.Context, user tandem.UserID) (out []tandem.TurnEvent, err error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, t := range a.turns {
		if t.UserID == user && t.Status == tandem.TurnRunning {
			out = append(out, tandem.TurnEvent{
				Turn: t.ID, Conv: t.Conversation, N: t.N, Ev: tandem.TurnEvState, Engine: t.Engine, Text: t.Reply, Status: t.Status,
				Tools: a.tools[t.ID],
			})
		}
	}
	return out, nil
}

func (a *assistant) Turn(_ context.Context, user tandem.UserID, id string) (tandem.Turn, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	t, ok := a.turns[id]
	if !ok || t.UserID != user {
		return tandem.Turn{}, tandem.NotFound("turn_id", id, "turn")
	}
	return t, nil
}

// tell makes one event of a turn happen.
func (a *assistant) tell(user tandem.UserID, turn string, e tandem.TurnEvent) {
	a.mu.Lock()
	t, known := a.turns[turn]
	if !known {
		t = tandem.Turn{ID: turn, UserID: user, Conversation: 1, Status: tandem.TurnRunning, Engine: "planner"}
	}
	t.N++
	t.Reply += e.D
	if e.Tool != nil {
		a.tools[turn] = append(a.tools[turn], *e.Tool)
	}
	if e.End != nil {
		t.Status = e.End.Status
	}
	stored := t
	if e.End != nil {
		stored.N-- // as the store has it: the number of the last event before the end
	}
	a.turns[turn] = stored
	e.Turn, e.Conv, e.N = turn, t.Conversation, t.N
	a.mu.Unlock()
	if err := a.world.hub.Publish(context.Background(), tandem.Signal{User: user, Turn: &e}); err != nil {
		a.world.t.Error(err)
	}
}

func (a *assistant) says(user tandem.UserID, turn, text string) {
	a.tell(user, turn, tandem.TurnEvent{Ev: tandem.TurnEvText, D: text})
}

func (a *assistant) end(user tandem.UserID, turn string, status tandem.TurnStatus) {
	a.tell(user, turn, tandem.TurnEvent{Ev: tandem.TurnEvDone, End: &tandem.TurnEnd{Status: status}})
}
