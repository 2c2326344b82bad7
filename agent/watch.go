package agent

import (
	"context"
	"encoding/json"
	"errors"
	"iter"
	"time"

	"tandem"
)

// maxWatched is how many events wait for a slow watcher; then they are dropped and it gets the state instead.
const maxWatched = 256

// watcher is one reader of a turn's events. It is guarded by the mutex of its live turn.
type watcher struct {
	events []tandem.TurnEvent
	behind bool
	wake   chan struct{}
}

func newWatcher() *watcher { return &watcher{wake: make(chan struct{}, 1)} }

func (w *watcher) push(ev tandem.TurnEvent) {
	if len(w.events) >= maxWatched {
		w.events, w.behind = nil, true
	}
	w.events = append(w.events, ev)
	select {
	case w.wake <- struct{}{}:
	default:
	}
}

// join adds a watcher. The first one gets all events from the first on; later ones begin with the state.
func (l *live) join() *watcher {
	l.mu.Lock()
	defer l.mu.Unlock()
	if w := l.opening; w != nil {
		l.opening = nil
		return w
	}
	w := newWatcher()
	w.behind = true
	w.wake <- struct{}{}
	l.watchers[w] = struct{}{}
	return w
}

func (l *live) leave(w *watcher) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.watchers, w)
}

// take gives what waits for w.
func (l *live) take(w *watcher) []tandem.TurnEvent {
	l.mu.Lock()
	defer l.mu.Unlock()
	events := w.events
	w.events = nil
	if !w.behind {
		return events
	}
	w.behind = false
	l.tell()
	w.events = nil // the text just told is part of the state
	state := l.state()
	if l.end == nil {
		return []tandem.TurnEvent{state}
	}
	state.N-- // the done event is told again behind it
	return []tandem.TurnEvent{state, {
		Turn: l.turn.ID, Conv: l.turn.Conversation, N: l.turn.N, Ev: tandem.TurnEvDone, Engine: l.turn.Engine, End: l.end,
	}}
}

// Watch gives the events of a turn until it has ended, ctx ends, or the caller stops. The first watcher after Start gets
// them from the first one on; who joins later, or falls behind, gets the state and what follows. A turn that runs in another
// process is given as states. An unknown turn gives nothing.
func (s *Service) Watch(ctx context.Context, user tandem.UserID, id string) iter.Seq[tandem.TurnEvent] {
	return func(yield func(tandem.TurnEvent) bool) {
		for ctx.Err() == nil {
			if l := s.find(user, id); l != nil && l.watch(ctx, yield) {
				return
			}
			if s.watchRow(ctx, user, id, yield) {
				return
			}
		}
	}
}

// watch reports whether watching is over; false: the turn moved to another process.
func (l *live) watch(ctx context.Context, yield func(tandem.TurnEvent) bool) bool {
	w := l.join()
	defer l.leave(w)
	for {
		for _, ev := range l.take(w) {
			if !yield(ev) || ev.Ev == tandem.TurnEvDone {
				return true
			}
		}
		select {
		case <-w.wake:
		case <-ctx.Done():
			return true
		case <-l.done:
			l.mu.Lock()
			moved := l.err != nil
			waiting := len(w.events) > 0 || w.behind
			l.mu.Unlock()
			if moved && !waiting {
				return false
			}
		}
	}
}

// Between two looks at a turn that runs elsewhere.
const (
	lookSoon = 50 * time.Millisecond
	lookLate = time.Second
)

// watchRow follows the stored turn. It reports false when the turn has come to this process meanwhile.
func (s *Service) watchRow(ctx context.Context, user tandem.UserID, id string, yield func(tandem.TurnEvent) bool) bool {
	var last tandem.TurnEvent
	for pause := lookSoon; ; pause = min(2*pause, lookLate) {
		t, err := s.Store.Turn(ctx, user, id)
		if err != nil {
			return true
		}
		ev := stateOf(t, shownTools(t.Calls), nil)
		if last.Ev == "" || ev.N != last.N || ev.Text != last.Text || t.Status != tandem.TurnRunning {
			if last = ev; !yield(ev) {
				return true
			}
			pause = lookSoon
		}
		if t.Status != tandem.TurnRunning {
			yield(tandem.TurnEvent{Turn: t.ID, Conv: t.Conversation, N: t.N + 1, Ev: tandem.TurnEvDone, Engine: t.Engine, End: endOf(t)})
			return true
		}
		if !pauseFor(ctx, pause) {
			return true
		}
		if l := s.find(user, id); l != nil {
			if _, ended := l.ended(); !ended {
				return false
			}
		}
	}
}

// endOf reads the end of a stored turn.
func endOf(t tandem.Turn) *tandem.TurnEnd {
	end := &tandem.TurnEnd{Status: t.Status, Seq: t.Seq, Engine: t.Engine}
	var a Answer
	if json.Unmarshal(t.Response, &a) == nil {
		end.MsgID = a.MessageID
	}
	return end
}

func pauseFor(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// Answer is the body of the chat endpoint.
type Answer struct {
	ConversationID  int64               `json:"conversation_id"`
	Response        string              `json:"response"`
	ToolCalls       []tandem.ToolCall   `json:"tool_calls"`
	TurnID          string              `json:"turn_id"`
	MessageID       string              `json:"message_id"`
	Seq             tandem.Seq          `json:"seq"`
	Engine          string              `json:"engine"`
	PendingApproval *tandem.ApprovalRow `json:"pending_approval,omitempty"`
}

// Wait gives the answer of a started turn once it has ended, in whatever process it runs. It is the same for every repeat.
func (s *Service) Wait(ctx context.Context, t Ticket) (Answer, error) {
	for pause := lookSoon; ; pause = min(2*pause, lookLate) {
		if l := s.find(t.User, t.TurnID); l != nil {
			a, err := l.wait(ctx)
			if !errors.Is(err, errAbandoned) {
				return a, err
			}
		}
		turn, err := s.Store.Turn(ctx, t.User, t.TurnID)
		if err != nil {
			return Answer{}, err
		}
		if turn.Status != tandem.TurnRunning {
			var a Answer
			err := json.Unmarshal(turn.Response, &a)
			return a, err
		}
		if !pauseFor(ctx, pause) {
			return Answer{}, ctx.Err()
		}
	}
}

func (l *live) wait(ctx context.Context) (Answer, error) {
	select {
	case <-l.done:
		l.mu.Lock()
		defer l.mu.Unlock()
		return l.answer, l.err
	case <-ctx.Done():
		return Answer{}, ctx.Err()
	}
}

// Running gives the state of each turn of the user that runs, here or elsewhere.
func (s *Service) Running(ctx context.Context, user tandem.UserID) ([]tandem.TurnEvent, error) {
	turns, err := s.Store.RunningTurns(ctx, user)
	if err != nil {
		return nil, err
	}
	out := []tandem.TurnEvent{}
	for _, t := range turns {
		if l := s.find(user, t.ID); l != nil {
			out = append(out, l.snapshot())
			continue
		}
		out = append(out, stateOf(t, shownTools(t.Calls), nil))
	}
	return out, nil
}
