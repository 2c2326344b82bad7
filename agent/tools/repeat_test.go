package tools

import (
	"encoding/json"
	"sync"
	"testing"

	"tandem"
)

func TestOpID_GivesTheFirstAnswerAgain(t *testing.T) {
	u := newBench(t).person("ann")
	for _, tt := range []struct {
		tool string
		args string
	}{
		{AddTask, `{"title":"One","due":"tomorrow","tags":["a"]}`},
		{UpdateTask, `{"task_id":1,"tags_add":["b"]}`},
		{CompleteTask, `{"task_id":1}`},
		{DeleteTask, `{"task_id":1}`},
		{UpdateTask, `{"undo":"last"}`},
	} {
		op := tandem.NewID()
		args := json.RawMessage(`{"op_id":"` + op + `",` + tt.args[1:])
		first, err := u.tb.Call(t.Context(), u.caller, tt.tool, args)
		if err != nil {
			t.Fatal(err)
		}
		u.pass(1)
		again, err := u.tb.Call(t.Context(), u.caller, tt.tool, args)
		if err != nil {
			t.Fatal(err)
		}
		same(t, "answer", string(again.Structured), string(first.Structured))
		same(t, "text", again.Text, first.Text)
		same(t, "what happened", []bool{first.Wrote, first.Replayed, again.Wrote, again.Replayed}, []bool{true, false, false, true})
		same(t, "names", []any{again.Seq, again.OpID}, []any{first.Seq, op})
	}
	same(t, "the next number", u.do(AddTask, m{"title": "Two"})["task_id"], any(2.0))
}

func TestOpID_BindsTheArguments(t *testing.T) {
	b := newBench(t)
	u := b.person("ann")
	u.do(AddTask, m{"title": "One", "op_id": "op"})
	u.refused(tandem.CodeConflict, AddTask, m{"title": "Two", "op_id": "op"})
	u.refused(tandem.CodeConflict, CompleteTask, m{"task_id": 1, "op_id": "op"})
	u.do(AddTask, m{"op_id": "op", "user_id": "ann", "title": "One"})
	same(t, "tasks", u.titles(nil), []string{"One"})
	same(t, "another user's", b.person("bob").do(AddTask, m{"title": "His", "op_id": "op"})["title"], any("His"))
}

func TestOpID_RacedRunsOnce(t *testing.T) {
	u := newBench(t).person("ann")
	var wg sync.WaitGroup
	answers := make([]string, 8)
	for i := range answers {
		wg.Go(func() {
			res, err := u.tb.Call(t.Context(), u.caller, AddTask, json.RawMessage(`{"title":"Once","op_id":"op"}`))
			if err != nil {
				t.Error(err)
			}
			answers[i] = string(res.Structured)
		})
	}
	wg.Wait()
	for _, a := range answers {
		same(t, "answer", a, answers[0])
	}
	same(t, "tasks", u.titles(nil), []string{"Once"})
}

func TestOpID_OfTheCallerIsTheDefault(t *testing.T) {
	u := newBench(t).person("ann")
	u.caller.Cause.OpID = "given"
	same(t, "op_id", u.do(AddTask, m{"title": "One"})["op_id"], any("given"))
	same(t, "repeated", u.do(AddTask, m{"title": "One"})["task_id"], any(1.0))
	same(t, "tasks", u.titles(nil), []string{"One"})
}

func TestDryRun_ChangesNothing(t *testing.T) {
	u := newBench(t).person("ann")
	u.do(AddTask, m{"title": "One", "priority": "low"})
	before := u.rows(nil)
	for _, tt := range []struct {
		tool string
		args m
	}{
		{AddTask, m{"title": "Two"}},
		{UpdateTask, m{"task_id": 1, "priority": "high"}},
		{CompleteTask, m{"task_id": 1}},
		{DeleteTask, m{"task_id": 1}},
		{UpdateTask, m{"undo": "last"}},
	} {
		tt.args["dry_run"], tt.args["op_id"] = true, "op"
		got := u.do(tt.tool, tt.args)
		if got["dry_run"] != true || len(got["changes"].([]any)) == 0 || got["seq"] != nil || got["op_id"] != nil {
			t.Errorf("%s: %v", tt.tool, got)
		}
	}
	got := u.do(UpdateTask, m{"task_id": 1, "priority": "high", "dry_run": true})
	same(t, "changes", got["changes"], any([]any{m{"task_id": 1.0, "field": "priority", "before": "low", "after": "high"}}))
	same(t, "message", got["message"], any(`This would happen: Changed "One" (1).`))
	same(t, "tasks", u.rows(nil), before)
	same(t, "for real", u.do(UpdateTask, m{"task_id": 1, "priority": "high", "op_id": "op"})["seq"], any(2.0))
	u.refused(tandem.CodeInvalid, AddTask, m{"title": "", "dry_run": true})
	u.refused(tandem.CodeNotFound, CompleteTask, m{"task_id": 5, "dry_run": true})
}

func TestUserID_NeverSelectsData(t *testing.T) {
	b := newBench(t)
	ann, bob := b.person("ann"), b.person("bob")
	ann.add("Mine")
	bob.add("His")
	for _, tool := range Names {
		for _, id := range []any{"bob", "nobody", ""} {
			args := m{"user_id": id}
			switch tool {
			case AddTask:
				args["title"] = "Planted"
			case UpdateTask, CompleteTask, DeleteTask:
				args["task_id"] = 1
			}
			ann.refused(tandem.CodeForbidden, tool, args)
		}
		ann.refused(tandem.CodeInvalid, tool, m{"user_id": 5})
	}
	ann.do(AddTask, m{"title": "Second", "user_id": "ann"})
	same(t, "tasks", [][]string{ann.titles(nil), bob.titles(nil)}, [][]string{{"Mine", "Second"}, {"His"}})
}

func TestScopes(t *testing.T) {
	b := newBench(t)
	owner := b.program("ann")
	owner.add("One")
	for _, tt := range []struct {
		scopes []string
		may    []string
	}{
		{nil, Names},
		{[]string{}, nil},
		{[]string{tandem.ScopeRead}, []string{ListTasks}},
		{[]string{tandem.ScopeRead, tandem.ScopeWrite}, []string{AddTask, ListTasks, CompleteTask, UpdateTask}},
		{[]string{tandem.ScopeDelete}, []string{DeleteTask}},
		{[]string{"tasks:everything"}, nil},
	} {
		u := owner
		u.caller.Scopes = tt.scopes
		var may []string
		for _, tool := range Names {
			_, e := u.call(tool, m{"nonsense": true})
			if e.Code == tandem.CodeInvalid {
				may = append(may, tool)
			} else if e.Code != tandem.CodeForbidden {
				t.Errorf("%s with %v: %v", tool, tt.scopes, e)
			}
		}
		same(t, "tools", may, tt.may)
	}
}

func TestUnknownTool(t *testing.T) {
	u := newBench(t).person("ann")
	e := u.refused(tandem.CodeInvalid, "drop_tables", nil)
	same(t, "allowed", e.Details.Allowed, Names)
}
