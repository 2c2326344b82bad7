// Package hubtest examines implementations of hub.Channel. Each runs the same suite.
package hubtest

import (
	"encoding/json"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tandem"
	"tandem/sync/hub"
)

// patience bounds every wait of the suite.
const patience = 30 * time.Second

// Inbox records what a member was told.
type Inbox struct {
	mu   sync.Mutex
	got  []tandem.Signal
	news chan struct{}
}

// NewInbox makes an empty inbox.
func NewInbox() *Inbox { return &Inbox{news: make(chan struct{}, 1)} }

// Deliver takes a signal.
func (in *Inbox) Deliver(s tandem.Signal) {
	in.mu.Lock()
	in.got = append(in.got, s)
	in.mu.Unlock()
	select {
	case in.news <- struct{}{}:
	default:
	}
}

// Signals gives what came so far.
func (in *Inbox) Signals() []tandem.Signal {
	in.mu.Lock()
	defer in.mu.Unlock()
	return append([]tandem.Signal(nil), in.got...)
}

// Until waits for a signal that ok accepts.
func (in *Inbox) Until(tb testing.TB, what string, ok func(tandem.Signal) bool) {
	tb.Helper()
	timeout := time.After(patience)
	for seen := 0; ; {
		got := in.Signals()
		if slices.ContainsFunc(got[seen:], ok) {
			return
		}
		seen = len(got)
		select {
		case <-in.news:
		case <-timeout:
			tb.Fatalf("%s did not come within %v; %d other signals did", what, patience, len(got))
		}
	}
}

// UntilHead waits for the signal with this head.
func (in *Inbox) UntilHead(tb testing.TB, head tandem.Seq) {
	tb.Helper()
	in.Until(tb, fmt.Sprintf("head %d", head), func(s tandem.Signal) bool { return s.Head == head })
}

// Join joins the user's channel until the test ends or leave is called.
func Join(tb testing.TB, c hub.Channel, user tandem.UserID) (in *Inbox, leave func()) {
	tb.Helper()
	in = NewInbox()
	leave, err := c.Join(tb.Context(), user, in.Deliver)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(leave)
	return in, leave
}

// Publish publishes a signal that is to be taken.
func Publish(tb testing.TB, c hub.Channel, s tandem.Signal) {
	tb.Helper()
	if err := c.Publish(tb.Context(), s); err != nil {
		tb.Fatal(err)
	}
}

// RunChannel examines a channel; start gives the channels of so many processes, ready to carry signals between each other, for users
// that no other call has.
func RunChannel(t *testing.T, processes int, start func(t *testing.T, n int) []hub.Channel) {
	t.Helper()
	for name, examine := range map[string]func(*testing.T, []hub.Channel){
		"every member of the user gets every signal":  everyMember,
		"nobody gets signals of another user":         onlyTheUser,
		"signals of one process keep their order":     ordered,
		"a signal arrives as it was sent":             unchanged,
		"nothing is told after leave has returned":    leaving,
		"a membership holds when Join returns":        joining,
		"members come and go while signals are told":  churn,
		"large deltas arrive, or their number does":   large,
		"a signal to a user without members is taken": nobody,
	} {
		t.Run(name, func(t *testing.T) { examine(t, start(t, processes)) })
	}
}

func everyMember(t *testing.T, channels []hub.Channel) {
	t.Helper()
	var inboxes []*Inbox
	for _, c := range channels {
		for range 2 {
			in, _ := Join(t, c, "ann")
			inboxes = append(inboxes, in)
		}
	}
	for i, c := range channels {
		Publish(t, c, tandem.Signal{User: "ann", Head: tandem.Seq(i + 1)})
	}
	for _, in := range inboxes {
		for i := range channels {
			in.UntilHead(t, tandem.Seq(i+1))
		}
	}
	for _, in := range inboxes {
		if n := len(in.Signals()); n != len(channels) {
			t.Errorf("a member got %d signals, want each of the %d once", n, len(channels))
		}
	}
}

func onlyTheUser(t *testing.T, channels []hub.Channel) {
	t.Helper()
	users := []tandem.UserID{"ann", "ann@example.com", "*", "u:ann", "a b\n", "ün[i]c?de"}
	inboxes := map[tandem.UserID]*Inbox{}
	last := channels[len(channels)-1]
	for _, u := range users {
		inboxes[u], _ = Join(t, last, u)
	}
	for i, u := range users {
		Publish(t, channels[0], tandem.Signal{User: u, Head: tandem.Seq(i + 1)})
	}
	for i, u := range users {
		inboxes[u].UntilHead(t, tandem.Seq(i+1))
	}
	for u, in := range inboxes {
		for _, s := range in.Signals() {
			if s.User != u {
				t.Errorf("%q got a signal of %q", u, s.User)
			}
		}
	}
}

func ordered(t *testing.T, channels []hub.Channel) {
	t.Helper()
	const signals = 500
	var inboxes []*Inbox
	for _, c := range channels {
		in, _ := Join(t, c, "ann")
		inboxes = append(inboxes, in)
	}
	for n := range signals {
		Publish(t, channels[0], tandem.Signal{User: "ann", Head: tandem.Seq(n + 1)})
	}
	for _, in := range inboxes {
		in.UntilHead(t, signals)
		for i, s := range in.Signals() {
			if s.Head != tandem.Seq(i+1) {
				t.Fatalf("signal %d has head %d", i+1, s.Head)
			}
		}
	}
}

func unchanged(t *testing.T, channels []hub.Channel) {
	t.Helper()
	in, _ := Join(t, channels[len(channels)-1], "ann")
	want := samples()
	for _, s := range want {
		Publish(t, channels[0], s)
	}
	Publish(t, channels[0], tandem.Signal{User: "ann", Head: 99})
	in.UntilHead(t, 99)
	got := in.Signals()
	if diff := cmp.Diff(want, got[:len(got)-1]); diff != "" {
		t.Errorf("signals changed on their way (-sent +got):\n%s", diff)
	}
}

// samples holds each kind of signal with every field that it can have.
func samples() []tandem.Signal {
	return []tandem.Signal{
		{User: "ann", Delta: &tandem.Delta{User: "ann", From: 3, To: 4, Changes: []tandem.Change{
			{
				Kind: tandem.KindTask, ID: "t-1", Version: 7, Row: json.RawMessage(`{"title":"é <b> \u2028","n":9007199254740993}`),
				Actor: tandem.ActorAgent, TurnID: "turn", Client: "phone", Mid: 12,
			},
			{Kind: tandem.KindNotice, ID: "n-1", Version: 2, Actor: tandem.ActorReminder},
		}}},
		{User: "ann", Turn: &tandem.TurnEvent{
			Turn: "turn", Conv: 4, N: 9, Ev: tandem.TurnEvTool, Engine: "llm",
			Tool: &tandem.TurnTool{ID: "c", Name: "add_task", Phase: "ok", Args: json.RawMessage(`{"title":"x"}`), Seq: 4, OpID: "op"},
		}},
		{User: "ann", Turn: &tandem.TurnEvent{
			Turn: "turn", Conv: 4, N: 10, Ev: tandem.TurnEvDone,
			End: &tandem.TurnEnd{Status: tandem.TurnDone, MsgID: "m", Seq: 5, Usage: &tandem.Usage{Input: 1, Output: 2}},
		}},
		{User: "ann", Control: tandem.ControlRevoke},
		{User: "ann", Control: tandem.ControlCancel, TurnID: "turn"},
		{User: "ann", Head: 1 << 60},
	}
}

func leaving(t *testing.T, channels []hub.Channel) {
	t.Helper()
	var left sync.Map
	last := channels[len(channels)-1]
	var group sync.WaitGroup
	stop := make(chan struct{})
	group.Go(func() {
		for n := tandem.Seq(1); ; n++ {
			select {
			case <-stop:
				return
			default:
				Publish(t, channels[0], tandem.Signal{User: "ann", Head: n})
			}
		}
	})
	for i := range 50 {
		leave, err := last.Join(t.Context(), "ann", func(tandem.Signal) {
			if _, gone := left.Load(i); gone {
				t.Errorf("member %d was told something after it had left", i)
			}
		})
		if err != nil {
			t.Fatal(err)
		}
		leave()
		left.Store(i, true)
		leave()
	}
	close(stop)
	group.Wait()
}

func joining(t *testing.T, channels []hub.Channel) {
	t.Helper()
	last := channels[len(channels)-1]
	for n := range 100 {
		in, leave := Join(t, last, "ann")
		Publish(t, channels[0], tandem.Signal{User: "ann", Head: tandem.Seq(n + 1)})
		in.UntilHead(t, tandem.Seq(n+1))
		leave()
	}
}

func churn(t *testing.T, channels []hub.Channel) {
	t.Helper()
	var group sync.WaitGroup
	for _, c := range channels {
		for w := range 4 {
			group.Go(func() {
				user := tandem.UserID(fmt.Sprint("user ", w%2))
				for n := range 50 {
					in := NewInbox()
					leave, err := c.Join(t.Context(), user, in.Deliver)
					if err != nil {
						t.Error(err)
						return
					}
					s := tandem.Signal{User: user, Control: tandem.ControlCancel, TurnID: fmt.Sprintf("%p %d %d", c, w, n)}
					Publish(t, c, s)
					in.Until(t, "a member's own signal", func(got tandem.Signal) bool { return cmp.Equal(s, got) })
					leave()
				}
			})
		}
	}
	group.Wait()
}

func large(t *testing.T, channels []hub.Channel) {
	t.Helper()
	in, _ := Join(t, channels[len(channels)-1], "ann")
	row := make([]byte, 1<<20)
	for i := range row {
		row[i] = 'x'
	}
	row[0], row[len(row)-1] = '"', '"'
	Publish(t, channels[0], tandem.Signal{User: "ann", Delta: &tandem.Delta{
		User: "ann", From: 1, To: 1, Changes: []tandem.Change{{Kind: tandem.KindTask, ID: "t", Version: 1, Row: row}},
	}})
	in.Until(t, "the delta or its number", func(s tandem.Signal) bool { return s.Head == 1 || s.Delta != nil && s.Delta.To == 1 })
}

func nobody(t *testing.T, channels []hub.Channel) {
	t.Helper()
	Publish(t, channels[0], tandem.Signal{User: "ann", Head: 1})
	in, _ := Join(t, channels[0], "ann")
	Publish(t, channels[0], tandem.Signal{User: "ann", Head: 2})
	in.UntilHead(t, 2)
	if got := in.Signals(); len(got) != 1 {
		t.Errorf("a member got %v, want nothing from before it joined", got)
	}
}
