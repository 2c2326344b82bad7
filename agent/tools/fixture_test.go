package tools

import (
	"context"
	"encoding/json"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tandem"
	"tandem/server/sqlite"
)

// noon is a Wednesday.
var noon = time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC)

// bench is a Toolbox on a real store with a clock that stands still until it is moved.
type bench struct {
	t   *testing.T
	tb  *Toolbox
	db  *sqlite.DB
	mu  sync.Mutex
	now time.Time
}

func newBench(t *testing.T, change ...func(*Options)) *bench {
	t.Helper()
	b := &bench{t: t, now: noon}
	o := Options{Now: b.clock, NewID: tandem.NewID, Limits: Limits{Reads: 1e6, Writes: 1e6, WriteBurst: 1e6}, Version: "test"}
	for _, f := range change {
		f(&o)
	}
	db, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "tandem.db"), sqlite.Options{Now: b.clock, NewID: o.NewID})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	o.Store = db
	b.db, b.tb = db, New(o)
	return b
}

func (b *bench) clock() time.Time {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.now
}

// pass moves the clock.
func (b *bench) pass(d time.Duration) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.now = b.now.Add(d)
}

// user is a caller with a bench.
type user struct {
	*bench
	caller Caller
}

func (b *bench) person(id string) user {
	return user{b, Caller{User: tandem.UserID(id), Kind: Person, Cause: tandem.Cause{Actor: tandem.ActorUser, Caller: "device"}}}
}

func (b *bench) program(id string) user {
	return user{b, Caller{User: tandem.UserID(id), Kind: Program, Cause: tandem.Cause{Actor: tandem.ActorUser, Caller: "mcp"}}}
}

type m = map[string]any

// call runs a tool and gives its structured answer, or the error.
func (u user) call(tool string, args m) (m, *tandem.Error) {
	u.t.Helper()
	raw, err := json.Marshal(args)
	if err != nil {
		u.t.Fatal(err)
	}
	res, err := u.tb.Call(u.t.Context(), u.caller, tool, raw)
	if err != nil {
		e := tandem.AsError(err)
		if e.Code == tandem.CodeInternal {
			u.t.Fatalf("%s(%s) broke: %v", tool, raw, err)
		}
		return nil, e
	}
	return decoded(u.t, res.Structured), nil
}

func decoded(t *testing.T, raw json.RawMessage) m {
	t.Helper()
	var out m
	if err := json.Unmarshal(raw, &out); err != nil {
		t.Fatalf("%s: %v", raw, err)
	}
	return out
}

// do runs a tool that must succeed.
func (u user) do(tool string, args m) m {
	u.t.Helper()
	out, e := u.call(tool, args)
	if e != nil {
		u.t.Fatalf("%s(%v): %v %+v", tool, args, e, e.Details)
	}
	return out
}

// refused runs a tool that must fail with the code.
func (u user) refused(code tandem.Code, tool string, args m) tandem.Error {
	u.t.Helper()
	out, e := u.call(tool, args)
	if e == nil {
		u.t.Fatalf("%s(%v) succeeded, want %s: %v", tool, args, code, out)
	}
	if e.Code != code {
		u.t.Fatalf("%s(%v): got %s %q, want %s", tool, args, e.Code, e.Message, code)
	}
	return *e
}

// add makes tasks with these titles.
func (u user) add(titles ...string) {
	u.t.Helper()
	for _, title := range titles {
		u.do(AddTask, m{"title": title})
	}
}

// task shows one task of any status.
func (u user) task(id any) m {
	u.t.Helper()
	for _, status := range []string{"all", "deleted"} {
		if rows := u.rows(m{"ids": []any{id}, "status": status}); len(rows) == 1 {
			return rows[0]
		}
	}
	u.t.Fatalf("there is no task %v", id)
	return nil
}

func (u user) rows(args m) []m {
	u.t.Helper()
	out := u.do(ListTasks, args)
	var rows []m
	for _, r := range out["tasks"].([]any) {
		rows = append(rows, r.(m))
	}
	return rows
}

func (u user) titles(args m) []string {
	u.t.Helper()
	titles := []string{}
	for _, r := range u.rows(args) {
		titles = append(titles, r["title"].(string))
	}
	return titles
}

// settings changes the settings of the user.
func (u user) settings(change func(*tandem.Settings)) {
	u.t.Helper()
	_, err := u.db.Set(u.t.Context(), u.caller.User, tandem.SetEdit{Decide: func(s tandem.Settings) (tandem.Settings, error) {
		change(&s)
		return s, nil
	}})
	if err != nil {
		u.t.Fatal(err)
	}
}

// decide answers a question as its person.
func (u user) decide(id string, yes bool) {
	u.t.Helper()
	if _, err := u.db.DecideApproval(context.WithoutCancel(u.t.Context()), u.caller.User, tandem.Cause{Actor: tandem.ActorUser}, id, yes, "device"); err != nil {
		u.t.Fatal(err)
	}
}

// same compares what a test got with what it wants.
func same(t *testing.T, what string, got, want any) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", what, diff)
	}
}
