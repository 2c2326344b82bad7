package hub

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"sync"
	"testing"

	"go.uber.org/goleak"

	"tandem"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// memory is a log and nothing else: what a store would tell rooms, kept in a slice for each user.
type memory struct {
	mu     sync.Mutex
	epoch  string
	logs   map[tandem.UserID][][]tandem.Change // the changes of seq i+1
	floor  tandem.Seq
	reads  map[string]int
	broken error
	turns  map[string]tandem.Turn
}

func newMemory() *memory {
	return &memory{epoch: "e1", logs: map[tandem.UserID][][]tandem.Change{}, reads: map[string]int{}, turns: map[string]tandem.Turn{}}
}

// put writes a row and gives the delta that a commit would tell.
func (m *memory) put(user tandem.UserID, id string, value int) tandem.Delta {
	row := fmt.Sprintf(`{"uid":%q,"value":%d,"user_id":%q}`, id, value, user)
	return m.write(user, tandem.Change{Kind: tandem.KindTask, ID: id, Version: int64(value), Row: json.RawMessage(row)})
}

func (m *memory) write(user tandem.UserID, changes ...tandem.Change) tandem.Delta {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.logs[user] = append(m.logs[user], changes)
	seq := tandem.Seq(len(m.logs[user]))
	return tandem.Delta{User: user, From: seq, To: seq, Changes: changes}
}

func (m *memory) read(what string) error {
	m.reads[what]++
	return m.broken
}

func (m *memory) count(what string) int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.reads[what]
}

func (m *memory) Epoch(context.Context) string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.epoch
}

func (m *memory) Head(_ context.Context, user tandem.UserID) (tandem.Head, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return tandem.Head{Seq: tandem.Seq(len(m.logs[user])), Floor: m.floor}, m.read("head")
}

func (m *memory) Heads(_ context.Context, users []tandem.UserID) (map[tandem.UserID]tandem.Seq, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	out := map[tandem.UserID]tandem.Seq{}
	for _, u := range users {
		out[u] = tandem.Seq(len(m.logs[u]))
	}
	return out, m.read("heads")
}

func (m *memory) Log(_ context.Context, user tandem.UserID, from tandem.Seq) (tandem.Delta, bool, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := m.read("log"); err != nil {
		return tandem.Delta{}, false, err
	}
	log := m.logs[user]
	if from < m.floor || int(from) > len(log) {
		return tandem.Delta{}, false, nil
	}
	d := tandem.Delta{User: user, From: from + 1, To: tandem.Seq(len(log))}
	d.Changes = last(log[from:])
	return d, true, nil
}

// last gives the last change of each row.
func last(log [][]tandem.Change) (out []tandem.Change) {
	for _, changes := range log {
		for _, c := range changes {
			out = slices.DeleteFunc(out, func(o tandem.Change) bool { return o.Kind == c.Kind && o.ID == c.ID })
			out = append(out, c)
		}
	}
	return out
}

func (m *memory) Cost(_ context.Context, user tandem.UserID, from tandem.Seq) (changes, live int, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return len(last(m.logs[user][from:])), len(last(m.logs[user])), m.read("cost")
}

func (m *memory) Snapshot(_ context.Context, user tandem.UserID) (tandem.Snapshot, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	s := tandem.Snapshot{Seq: tandem.Seq(len(m.logs[user])), Rows: map[tandem.Kind][]json.RawMessage{}}
	for _, c := range last(m.logs[user]) {
		if c.Row != nil {
			s.Rows[c.Kind] = append(s.Rows[c.Kind], c.Row)
		}
	}
	return s, m.read("snapshot")
}

func (m *memory) Running(_ context.Context, user tandem.UserID) (out []tandem.TurnEvent, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, t := range m.turns {
		if t.UserID == user && t.Status == tandem.TurnRunning {
			out = append(out, tandem.TurnEvent{Turn: t.ID, Conv: 1, N: t.N, Ev: tandem.TurnEvState, Text: t.Reply, Status: t.Status})
		}
	}
	return out, m.read("running")
}

func (m *memory) Turn(_ context.Context, user tandem.UserID, id string) (tandem.Turn, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	t, ok := m.turns[id]
	if !ok || t.UserID != user {
		return t, tandem.NotFound("turn_id", id, "turn")
	}
	return t, m.read("turn")
}

// line is a channel without faults of its own: the test decides what it carries.
type line struct {
	mu     sync.Mutex
	joined map[tandem.UserID][]func(tandem.Signal)
	events []string
	down   error
}

func newLine() *line { return &line{joined: map[tandem.UserID][]func(tandem.Signal){}} }

func (l *line) Join(_ context.Context, user tandem.UserID, deliver func(tandem.Signal)) (func(), error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.events = append(l.events, "join")
	if l.down != nil {
		return nil, l.down
	}
	l.joined[user] = append(l.joined[user], deliver)
	at := len(l.joined[user]) - 1
	return func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.events = append(l.events, "leave")
		l.joined[user][at] = func(tandem.Signal) {}
	}, nil
}

func (l *line) Publish(_ context.Context, s tandem.Signal) error {
	l.mu.Lock()
	deliver, down := slices.Clone(l.joined[s.User]), l.down
	l.mu.Unlock()
	if down != nil {
		return down
	}
	for _, f := range deliver {
		f(s)
	}
	return nil
}

var errDown = errors.New("down")

func uid(i int) string { return "task-" + strconv.Itoa(i) }
