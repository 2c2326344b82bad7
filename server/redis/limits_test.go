package redis

import (
	"encoding/json"
	"errors"
	"path/filepath"
	"testing"
	"time"

	"tandem"
	"tandem/agent/tools"
	"tandem/ops/dev/stack"
	"tandem/server/rest"
	"tandem/server/sqlite"
)

func TestLimits_BucketIsSharedAndRefills(t *testing.T) {
	r := stack.SharedRedis(t)
	sides := []*Limits{NewLimits(open(t, r, Metrics{})), NewLimits(open(t, r, Metrics{}))}
	ann, bob := tandem.NewID(), tandem.NewID()
	spend := func(n int, name string) time.Duration {
		wait, err := sides[n%2].Bucket(t.Context(), name, 20, 5)
		if err != nil {
			t.Fatal(err)
		}
		return wait
	}
	began := time.Now()
	for n := range 5 {
		if wait := spend(n, ann); wait != 0 {
			t.Fatalf("use %d of 5 has to wait %v", n+1, wait)
		}
	}
	wait := spend(0, ann)
	if wait <= 0 && time.Since(began) < 50*time.Millisecond || wait > 50*time.Millisecond {
		t.Errorf("use 6 has to wait %v, want up to a 20th of a second", wait)
	}
	if wait := spend(0, bob); wait != 0 {
		t.Errorf("another name has to wait %v", wait)
	}
	eventually(t, "the bucket refills", func() bool { return spend(1, ann) == 0 })
}

func TestLimits_WindowAllowsSoManyInAnyStretch(t *testing.T) {
	r := stack.SharedRedis(t)
	sides := []*Limits{NewLimits(open(t, r, Metrics{})), NewLimits(open(t, r, Metrics{}))}
	const uses, length = 3, 300 * time.Millisecond
	name := tandem.NewID()
	var taken []time.Time
	deadline := time.Now().Add(4 * length)
	for n := 0; time.Now().Before(deadline); n++ {
		before := time.Now()
		wait, err := sides[n%2].Window(t.Context(), name, tandem.NewID(), uses, length)
		switch {
		case err != nil:
			t.Fatal(err)
		case wait < 0 || wait > length:
			t.Fatalf("a use has to wait %v", wait)
		case wait == 0:
			taken = append(taken, before)
		}
	}
	if len(taken) < 2*uses {
		t.Errorf("%d uses in four windows of %d", len(taken), uses)
	}
	for i := range len(taken) - uses {
		// The instants are of before the call, and the one after the last can be noted late.
		if apart := taken[i+uses].Sub(taken[i]); apart < length-50*time.Millisecond {
			t.Errorf("%d uses within %v", uses+1, apart)
		}
	}
}

func TestLimits_AUseThatIsRepeatedIsFree(t *testing.T) {
	r := stack.SharedRedis(t)
	sides := []*Limits{NewLimits(open(t, r, Metrics{})), NewLimits(open(t, r, Metrics{}))}
	name := tandem.NewID()
	for n, step := range []struct {
		id   string
		free bool
	}{{"one", true}, {"one", true}, {"two words", true}, {"three", false}, {"one", true}, {"two words", true}, {"two", false}} {
		wait, err := sides[n%2].Window(t.Context(), name, step.id, 2, time.Minute)
		if err != nil {
			t.Fatal(err)
		}
		if (wait == 0) != step.free || wait > time.Minute {
			t.Errorf("step %d, use %s: has to wait %v", n+1, step.id, wait)
		}
	}
}

func TestLimits_OfToolsCountInAllProcesses(t *testing.T) {
	r := stack.Redis(t)
	db, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "tandem.db"), sqlite.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	var boxes []*tools.Toolbox
	for range 2 {
		boxes = append(boxes, tools.New(tools.Options{
			Store: db, Shared: NewLimits(open(t, r, Metrics{})), Limits: tools.Limits{Writes: 1, WriteBurst: 2, Reads: 2},
		}))
	}
	call := func(n int, tool, args string) error {
		_, err := boxes[n].Call(t.Context(), tools.Caller{User: "ann", Kind: tools.Person, Cause: tandem.Cause{Actor: tandem.ActorUser}}, tool, json.RawMessage(args))
		return err
	}
	for n := range 2 {
		if err := errors.Join(call(n, tools.AddTask, `{"title":"One"}`), call(n, tools.ListTasks, `{}`)); err != nil {
			t.Fatal(err)
		}
	}
	for n := range 2 {
		e := tandem.AsError(call(n, tools.AddTask, `{"title":"Three"}`))
		if e.Code != tandem.CodeLimited || e.Details.RetryMS < 50_000 || e.Details.RetryMS > 60_000 {
			t.Errorf("the third write of two processes: %+v", e)
		}
		if err := call(n, tools.ListTasks, `{}`); !errors.Is(err, tandem.ErrLimited) {
			t.Errorf("the third read of two processes: %v", err)
		}
	}
	r.Kill()
	for n := range 2 { // each counts for itself
		if err := call(n, tools.AddTask, `{"title":"Three"}`); err != nil {
			t.Errorf("without Redis: %v", err)
		}
	}
}

func TestLimits_OfTurnsCountInAllProcesses(t *testing.T) {
	r := stack.Redis(t)
	var sides []*rest.Server
	for range 2 {
		s, err := rest.New(rest.Options{Shared: NewLimits(open(t, r, Metrics{})), Limits: rest.Limits{Turns: 4}})
		if err != nil {
			t.Fatal(err)
		}
		sides = append(sides, s)
	}
	for n := range 4 {
		if err := sides[n%2].SpendTurn(t.Context(), "ann", tandem.NewID()); err != nil {
			t.Fatal(err)
		}
	}
	for _, s := range sides {
		if e := tandem.AsError(s.SpendTurn(t.Context(), "ann", tandem.NewID())); e.Code != tandem.CodeLimited || e.Details.RetryMS < 30_000 || e.Details.RetryMS > 60_000 {
			t.Errorf("the fifth turn of two processes: %+v", e)
		}
		if err := s.SpendTurn(t.Context(), "bob", tandem.NewID()); err != nil {
			t.Error(err)
		}
	}
	r.Kill()
	if err := sides[0].SpendTurn(t.Context(), "ann", tandem.NewID()); err != nil {
		t.Errorf("without Redis: %v", err)
	}
}
