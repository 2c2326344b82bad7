// Package storetest examines a store: every promise that the rest of the program relies on, against any implementation.
package storetest

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tandem"
)

// Store is what the suite examines. The interfaces of consumers are parts of it.
type Store interface {
	Edit(ctx context.Context, user tandem.UserID, e tandem.Edit) (tandem.Outcome, error)
	Set(ctx context.Context, user tandem.UserID, e tandem.SetEdit) (tandem.Outcome, error)
	List(ctx context.Context, user tandem.UserID, q tandem.Query) (tandem.Page, error)
	Settings(ctx context.Context, user tandem.UserID) (tandem.Settings, error)

	Head(ctx context.Context, user tandem.UserID) (tandem.Head, error)
	Heads(ctx context.Context, users []tandem.UserID) (map[tandem.UserID]tandem.Seq, error)
	Log(ctx context.Context, user tandem.UserID, from tandem.Seq) (tandem.Delta, bool, error)
	Cost(ctx context.Context, user tandem.UserID, from tandem.Seq) (changes, liveRows int, err error)
	Snapshot(ctx context.Context, user tandem.UserID) (tandem.Snapshot, error)
	LastMid(ctx context.Context, user tandem.UserID, client string) (int64, error)
	MidOutcome(ctx context.Context, user tandem.UserID, client string, mid int64) (tandem.Outcome, bool, error)
	UseMid(ctx context.Context, user tandem.UserID, client string, mid int64, outcome json.RawMessage) error

	Talk
	Workers
	Identity

	Users(ctx context.Context) ([]tandem.UserID, error)
	DeleteUser(ctx context.Context, user tandem.UserID) error
	Purge(ctx context.Context, now time.Time) (map[string]int64, error)
	Export(ctx context.Context, user tandem.UserID, emit func(kind string, row json.RawMessage) error) error
	Import(ctx context.Context, user tandem.UserID, next func() (kind string, row json.RawMessage, err error)) (int, error)
}

// Talk keeps conversations, turns and approvals.
type Talk interface {
	Conversation(ctx context.Context, user tandem.UserID, number int64) (tandem.Conversation, error)
	Conversations(ctx context.Context, user tandem.UserID, after int64, limit int, desc bool) ([]tandem.Conversation, bool, error)
	History(ctx context.Context, user tandem.UserID, conv int64, before string, limit int) ([]tandem.Message, bool, error)
	Transcript(ctx context.Context, user tandem.UserID, conv int64, before string, limit int) ([]tandem.Message, bool, error)
	AddMessage(ctx context.Context, user tandem.UserID, cause tandem.Cause, m tandem.Message) (tandem.Message, error)

	StartTurn(ctx context.Context, user tandem.UserID, s tandem.TurnStart) (tandem.Turn, bool, error)
	SaveTurn(ctx context.Context, t tandem.Turn) (cancel bool, err error)
	EndTurn(ctx context.Context, t tandem.Turn, reply tandem.Message,
		respond func(tandem.Seq, tandem.Message) (json.RawMessage, error)) (tandem.Turn, tandem.Message, error)
	Turn(ctx context.Context, user tandem.UserID, id string) (tandem.Turn, error)
	RunningTurns(ctx context.Context, user tandem.UserID) ([]tandem.Turn, error)
	RequestCancel(ctx context.Context, user tandem.UserID, id string) error
	TakeTurns(ctx context.Context, owner string, now time.Time, limit int) ([]tandem.Turn, error)

	AddApproval(ctx context.Context, user tandem.UserID, cause tandem.Cause, a tandem.Approval) error
	Approval(ctx context.Context, user tandem.UserID, id string) (tandem.Approval, error)
	PendingApprovals(ctx context.Context, user tandem.UserID, conv int64) ([]tandem.Approval, error)
	GrantedApproval(ctx context.Context, user tandem.UserID, tool, hash string) (tandem.Approval, bool, error)
	DecideApproval(ctx context.Context, user tandem.UserID, cause tandem.Cause, id string, yes bool, by string) (tandem.Approval, error)
	ExpireApprovals(ctx context.Context, now time.Time, limit int) (int, error)

	Spent(ctx context.Context, user tandem.UserID, at time.Time) (int64, error)
	Spend(ctx context.Context, user tandem.UserID, at time.Time, tokens int64) error
}

// Workers is what the consumers of events stand on.
type Workers interface {
	Partitions() int
	Forward(ctx context.Context, partition, limit int, publish func(context.Context, []tandem.Outgoing) (done []int64, err error)) (n int, err error)
	Backlog(ctx context.Context) (tandem.Backlog, error)
	DueReminders(ctx context.Context, until time.Time, limit int) ([]tandem.DuePromise, error)
	UntimedReminders(ctx context.Context, until time.Time, limit int) ([]tandem.DuePromise, error)
	TimersSet(ctx context.Context, promises []tandem.DuePromise) error
	ForgetTimers(ctx context.Context) error
	OverdueReminders(ctx context.Context, before time.Time) (int, error)
	CountFailure(ctx context.Context, consumer, eventID string) (failures int, err error)
	AddNotice(ctx context.Context, in tandem.Inbox, n tandem.Notice) (bool, error)
	DueDeliveries(ctx context.Context, until time.Time, limit int) ([]tandem.DeliveryRef, error)
	ClaimDelivery(ctx context.Context, ref tandem.DeliveryRef, lease time.Duration) (tandem.Delivery, bool, error)
	SettleDelivery(ctx context.Context, d tandem.Delivery, state tandem.DeliveryState, next time.Time) error
	AppendAudit(ctx context.Context, topic tandem.Topic, e tandem.Event) (bool, error)
	Audit(ctx context.Context, f tandem.AuditFilter) ([]tandem.AuditEntry, error)
	AddDeadLetter(ctx context.Context, topic tandem.Topic, consumer string, event json.RawMessage, reason string) error
	DeadLetters(ctx context.Context, after int64, limit int) ([]tandem.DeadLetter, error)
	DropDeadLetter(ctx context.Context, id int64) error
	HasTask(ctx context.Context, user tandem.UserID, uid string) (bool, error)
	Claim(ctx context.Context, key, owner string, lease time.Duration) (tandem.KeyState, error)
	Done(ctx context.Context, key, owner string, ttl time.Duration) error
}

// Identity keeps what proves who someone is.
type Identity interface {
	AddDevice(ctx context.Context, user tandem.UserID, hash, name string) error
	Device(ctx context.Context, hash string) (tandem.UserID, string, error)
	RotateDevice(ctx context.Context, oldHash, newHash string) error
	RemoveDevice(ctx context.Context, hash string) error
	TokenByHash(ctx context.Context, hash string) (tandem.UserID, tandem.TokenInfo, error)
	RevokedBefore(ctx context.Context, user tandem.UserID) (time.Time, error)
	FeedByHash(ctx context.Context, hash string) (tandem.UserID, error)
	Pushes(ctx context.Context, user tandem.UserID) ([]tandem.PushSubscription, error)
}

// Run examines a store. open makes an empty one whose clock is now; it closes with the test.
func Run(t *testing.T, open func(t *testing.T, now func() time.Time) Store) {
	t.Helper()
	for _, part := range []struct {
		name  string
		cases map[string]func(*stage)
	}{
		{"edits", edits},
		{"replays", replays},
		{"series", seriesCases},
		{"undo", undos},
		{"lists", lists},
		{"log", logs},
		{"settings", settings},
		{"talk", talk},
		{"turns", turns},
		{"approvals", approvals},
		{"spending", spending},
		{"workers", workers},
		{"deliveries", deliveries},
		{"identity", identities},
		{"isolation", isolation},
		{"retention", retention},
		{"export", exports},
	} {
		t.Run(part.name, func(t *testing.T) {
			for name, examine := range part.cases {
				t.Run(name, func(t *testing.T) {
					at := &clock{now: time.Date(2031, 5, 1, 10, 0, 0, 0, time.UTC)}
					examine(&stage{T: t, Store: open(t, at.Now), clock: at})
				})
			}
		})
	}
}

// clock is a time that stands still until it is moved.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

// Now gives the time.
func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) pass(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// The people of the suite.
const (
	ann tandem.UserID = "ann"
	bob tandem.UserID = "bob"
)

// stage is one case: a fresh store and what is done to it. Methods that cannot go on end the test.
type stage struct {
	*testing.T
	Store
	clock *clock
}

func (s *stage) ctx() context.Context { return s.Context() }

// must ends the test on an error.
func (s *stage) must(err error) {
	s.Helper()
	if err != nil {
		s.Fatal(err)
	}
}

// refused checks the code of an error.
func (s *stage) refused(err error, code tandem.Code) {
	s.Helper()
	if err == nil {
		s.Fatalf("succeeded, want %s", code)
	}
	if e := tandem.AsError(err); e.Code != code {
		s.Fatalf("got %v, want %s", err, code)
	}
}

// equal compares what should be the same.
func equal[T any](s *stage, what string, got, want T) {
	s.Helper()
	if d := cmp.Diff(want, got); d != "" {
		s.Fatalf("%s (-want +got):\n%s", what, d)
	}
}

// by is the cause of an operation of the person.
func by(op string) tandem.Cause {
	return tandem.Cause{Actor: tandem.ActorUser, OpID: op, Caller: "device"}
}

// run edits and must succeed.
func (s *stage) run(user tandem.UserID, e tandem.Edit) tandem.Outcome {
	s.Helper()
	out, err := s.Edit(s.ctx(), user, e)
	s.must(err)
	return out
}

// adding is an edit that makes tasks of drafts.
func adding(op string, drafts ...tandem.Draft) tandem.Edit {
	return tandem.Edit{Cause: by(op), Tool: "add_task", Decide: func(sc tandem.Scene) (tandem.Plan, error) {
		var p tandem.Plan
		for _, d := range drafts {
			t, _, err := tandem.NewTask(sc, d)
			if err != nil {
				return p, err
			}
			p.Tasks = append(p.Tasks, t)
		}
		return p, nil
	}, Result: seqAndTitles}
}

// seqAndTitles is a result that says what happened.
func seqAndTitles(out tandem.Outcome) (json.RawMessage, error) {
	r := map[string]any{"seq": out.Seq}
	for _, c := range out.Changes {
		r[c.After.UID] = c.After.Title
	}
	return json.Marshal(r)
}

// add makes one task.
func (s *stage) add(user tandem.UserID, d tandem.Draft) tandem.Task {
	s.Helper()
	return *s.run(user, adding("", d)).Changes[0].After
}

// changing is an edit of one task by a pure rule.
func changing(op string, ref tandem.TaskRef, rule func(tandem.Scene, tandem.Task) ([]tandem.Task, error)) tandem.Edit {
	return tandem.Edit{Cause: by(op), Tool: "update_task", Refs: []tandem.TaskRef{ref}, Decide: func(sc tandem.Scene) (tandem.Plan, error) {
		t, err := sc.Find(0)
		if err != nil {
			return tandem.Plan{}, err
		}
		tasks, err := rule(sc, t)
		return tandem.Plan{Tasks: tasks}, err
	}, Result: seqAndTitles}
}

func amending(op string, ref tandem.TaskRef, p tandem.Patch) tandem.Edit {
	return changing(op, ref, func(sc tandem.Scene, t tandem.Task) ([]tandem.Task, error) {
		after, _, err := tandem.Amend(sc, t, p)
		return []tandem.Task{after}, err
	})
}

func retitling(op string, ref tandem.TaskRef, title string) tandem.Edit {
	return amending(op, ref, tandem.Patch{Title: &title})
}

func completing(op string, ref tandem.TaskRef) tandem.Edit {
	return changing(op, ref, func(sc tandem.Scene, t tandem.Task) ([]tandem.Task, error) {
		return []tandem.Task{tandem.Complete(sc, t, sc.Now)}, nil
	})
}

func reopening(ref tandem.TaskRef) tandem.Edit {
	return changing("", ref, func(sc tandem.Scene, t tandem.Task) ([]tandem.Task, error) { return tandem.Reopen(sc, t), nil })
}

func deleting(ref tandem.TaskRef) tandem.Edit {
	return changing("", ref, func(sc tandem.Scene, t tandem.Task) ([]tandem.Task, error) { return tandem.Delete(sc, t, false), nil })
}

// succeeding makes the next occurrence as the recurrence worker does.
func succeeding(event string, ref tandem.TaskRef) tandem.Edit {
	e := changing("", ref, func(sc tandem.Scene, t tandem.Task) ([]tandem.Task, error) {
		if next, ok := tandem.Succeed(sc, t); ok {
			return []tandem.Task{next}, nil
		}
		return nil, nil
	})
	e.Cause, e.Inbox = tandem.Cause{Actor: tandem.ActorRecurrence}, &tandem.Inbox{Consumer: "recurrence", EventID: event}
	return e
}

func number(n int64) tandem.TaskRef { return tandem.TaskRef{Number: n} }

// titles lists what a query gives.
func (s *stage) titles(user tandem.UserID, q tandem.Query) []string {
	s.Helper()
	page, err := s.List(s.ctx(), user, q)
	s.must(err)
	out := []string{}
	for _, t := range page.Tasks {
		out = append(out, t.Title)
	}
	return out
}

// task gives the present state of a task.
func (s *stage) task(user tandem.UserID, n int64) tandem.Task {
	s.Helper()
	for _, status := range []tandem.StatusFilter{tandem.StatusAny, tandem.StatusOnlyDeleted} {
		page, err := s.List(s.ctx(), user, tandem.Query{Status: status, Refs: []tandem.TaskRef{number(n)}})
		s.must(err)
		if len(page.Tasks) > 0 {
			return page.Tasks[0]
		}
	}
	s.Fatalf("%s has no task %d", user, n)
	return tandem.Task{}
}

func (s *stage) head() tandem.Seq {
	s.Helper()
	h, err := s.Head(s.ctx(), ann)
	s.must(err)
	return h.Seq
}

// outbox gives the events that wait to be published, list by list, without taking any off.
func (s *stage) outbox() []tandem.Outgoing {
	s.Helper()
	var all []tandem.Outgoing
	for partition := range s.Partitions() {
		all = append(all, s.forward(partition, 10_000, func(tandem.Outgoing) bool { return false })...)
	}
	return slices.DeleteFunc(all, func(o tandem.Outgoing) bool { return o.Topic == "" })
}

// forward gives the oldest entries of a list and takes off those that publish takes.
func (s *stage) forward(partition, limit int, publish func(tandem.Outgoing) bool) (given []tandem.Outgoing) {
	s.Helper()
	n, err := s.Forward(s.ctx(), partition, limit, func(_ context.Context, entries []tandem.Outgoing) (done []int64, err error) {
		given = entries
		for _, o := range entries {
			if publish(o) {
				done = append(done, o.ID)
			}
		}
		return done, nil
	})
	s.must(err)
	equal(s, "entries given", n, len(given))
	return given
}

// events gives what waits in the outbox, as type and task.
func (s *stage) events(user tandem.UserID) []tandem.Event {
	s.Helper()
	var events []tandem.Event
	for _, o := range s.outbox() {
		if o.User != user {
			continue
		}
		e, err := tandem.DecodeEvent(o.Topic, o.Event)
		if err != nil {
			s.Fatalf("the outbox holds an event that consumers refuse: %v\n%s", err, o.Event)
		}
		events = append(events, e)
	}
	return events
}

func (s *stage) eventTypes(user tandem.UserID) []tandem.EventType {
	s.Helper()
	var out []tandem.EventType
	for _, e := range s.events(user) {
		out = append(out, e.EventType)
	}
	return out
}

// picture is all rows of a snapshot, by kind and id.
func picture(s *stage, rows map[tandem.Kind][]json.RawMessage) map[string]string {
	s.Helper()
	out := map[string]string{}
	for kind, list := range rows {
		for _, row := range list {
			out[rowKey(s, kind, row)] = string(row)
		}
	}
	return out
}

func rowKey(s *stage, kind tandem.Kind, row json.RawMessage) string {
	s.Helper()
	var ids struct {
		UID string `json:"uid"`
		ID  any    `json:"id"`
	}
	if err := json.Unmarshal(row, &ids); err != nil {
		s.Fatalf("a %s row is no JSON: %v", kind, err)
	}
	switch {
	case kind == tandem.KindSettings:
		return "settings/settings"
	case ids.UID != "":
		return string(kind) + "/" + ids.UID
	default:
		return fmt.Sprintf("%s/%v", kind, ids.ID)
	}
}

// together runs f in n goroutines that start at once, and gives their results in no particular order.
func together[T any](n int, f func(i int) T) []T {
	out := make([]T, n)
	start := make(chan struct{})
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() {
			<-start
			out[i] = f(i)
		})
	}
	close(start)
	wg.Wait()
	return out
}

func sorted[T any](list []T, compare func(a, b T) int) []T {
	list = slices.Clone(list)
	slices.SortFunc(list, compare)
	return list
}
