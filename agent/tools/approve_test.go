package tools

import (
	"context"
	"encoding/json"
	"testing"
	"time"

	"tandem"
)

// asked runs a call that must wait for a yes, and gives its question.
func (u user) asked(tool string, args m) tandem.Approval {
	u.t.Helper()
	e := u.refused(tandem.CodeNeedsApproval, tool, args)
	if e.Details.Approval == nil || e.Details.Approval.ID == "" {
		u.t.Fatalf("no question: %+v", e)
	}
	return *e.Details.Approval
}

func TestApproval_OfPrograms(t *testing.T) {
	for _, tt := range []struct {
		name, tool string
		args       m
		asks       bool
	}{
		{"one task is deleted", DeleteTask, m{"task_id": 1}, false},
		{"one task in a list is deleted", DeleteTask, m{"ids": []any{1, "1"}}, false},
		{"several are deleted", DeleteTask, m{"ids": []any{1, 2}}, true},
		{"this occurrence is deleted", DeleteTask, m{"task_id": 6}, false},
		{"a series is deleted", DeleteTask, m{"task_id": 6, "scope": "series"}, true},
		{"a plain task is deleted as a series", DeleteTask, m{"task_id": 1, "scope": "series"}, false},
		{"three are changed", UpdateTask, m{"ids": []any{1, 2, 3}, "priority": "high"}, false},
		{"four are changed", UpdateTask, m{"ids": []any{1, 2, 3, 4}, "priority": "high"}, true},
		{"four are left as they are", UpdateTask, m{"ids": []any{1, 2, 3, 4}, "priority": "medium"}, false},
		{"three are completed", CompleteTask, m{"ids": []any{1, 2, 3}}, false},
		{"four are completed", CompleteTask, m{"ids": []any{1, 2, 3, 4}}, true},
		{"an occurrence is skipped", CompleteTask, m{"task_id": 6, "skip_occurrence": true}, false},
		{"a series is stopped", CompleteTask, m{"task_id": 6, "stop_series": true}, true},
		{"many are added", AddTask, m{"items": []any{m{"title": "a"}, m{"title": "b"}, m{"title": "c"}, m{"title": "d"}}}, false},
		{"nothing happens really", DeleteTask, m{"ids": []any{1, 2}, "dry_run": true}, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			b := newBench(t)
			u := b.program("ann")
			u.add("One", "Two", "Three", "Four", "Five")
			u.do(AddTask, m{"title": "Daily", "due": "2031-05-05", "recurrence": "FREQ=DAILY"})
			before := u.rows(nil)
			if !tt.asks {
				u.do(tt.tool, tt.args)
				return
			}
			q := u.asked(tt.tool, tt.args)
			same(t, "tasks before the yes", u.rows(nil), before)
			same(t, "the same question", u.asked(tt.tool, tt.args).ID, q.ID)
			same(t, "kind and time", []any{q.Kind, q.ExpiresAt}, []any{tandem.ApprovalConfirm, noon.Add(10 * time.Minute)})
			if len(q.Items) == 0 || q.Summary == "" || !json.Valid(q.Args) {
				t.Errorf("the question says little: %+v", q)
			}
			u.decide(q.ID, true)
			if tt.tool == DeleteTask {
				tt.args["approval_id"] = q.ID
			}
			u.do(tt.tool, tt.args)
			if _, e := u.call(tt.tool, tt.args); e != nil && e.Code == tandem.CodeInternal {
				t.Errorf("repeated: %v", e)
			}
			b.person("bob").refused(tandem.CodeNotFound, DeleteTask, m{"task_id": 1})
		})
	}
}

func TestApproval_PersonsAreNotAsked(t *testing.T) {
	u := newBench(t).person("ann")
	u.add("One", "Two", "Three", "Four", "Five")
	u.do(CompleteTask, m{"ids": []any{1, 2, 3, 4, 5}})
	u.do(DeleteTask, m{"ids": []any{1, 2, 3, 4, 5}})
	same(t, "left", u.titles(nil), []string{})
}

func TestApproval_IsBoundToItsCall(t *testing.T) {
	u := newBench(t).program("ann")
	u.add("One", "Two", "Three", "Four")
	q := u.asked(DeleteTask, m{"ids": []any{1, 2}})
	u.decide(q.ID, true)
	for _, ids := range [][]any{{1, 2, 3}, {3, 4}} {
		other := u.asked(DeleteTask, m{"ids": ids, "approval_id": q.ID})
		if other.ID == q.ID {
			t.Errorf("%v got the old question", ids)
		}
	}
	u.asked(CompleteTask, m{"ids": []any{1, 2, 3, 4}})
	same(t, "left", len(u.rows(nil)), 4)
	u.do(DeleteTask, m{"ids": []any{2, "1"}, "approval_id": q.ID})
	same(t, "left", u.titles(nil), []string{"Three", "Four"})
}

func TestApproval_OfChangedTasksIsAskedAgain(t *testing.T) {
	b := newBench(t)
	u := b.program("ann")
	u.add("One", "Two")
	q := u.asked(DeleteTask, m{"ids": []any{1, 2}})
	u.decide(q.ID, true)
	b.person("ann").do(UpdateTask, m{"task_id": 1, "title": "Important"})
	again := u.asked(DeleteTask, m{"ids": []any{1, 2}, "approval_id": q.ID})
	if again.ID == q.ID {
		t.Error("the yes was for another state of the tasks")
	}
}

func TestApproval_DeclinedUsedExpiredForeign(t *testing.T) {
	b := newBench(t)
	u := b.program("ann")
	u.add("One", "Two")
	call := m{"ids": []any{1, 2}}
	declined := u.asked(DeleteTask, call)
	u.decide(declined.ID, false)
	u.refused(tandem.CodeForbidden, DeleteTask, m{"ids": []any{1, 2}, "approval_id": declined.ID})

	expired := u.asked(DeleteTask, call)
	b.pass(11 * time.Minute)
	if fresh := u.asked(DeleteTask, call); fresh.ID == expired.ID {
		t.Error("an expired question was shown again")
	}
	stranger := b.program("bob")
	stranger.add("His", "Hers")
	stranger.refused(tandem.CodeNotFound, DeleteTask, m{"ids": []any{1, 2}, "approval_id": expired.ID})
	same(t, "tasks", []int{len(u.rows(nil)), len(stranger.rows(nil))}, []int{2, 2})
}

func TestApproval_IsUsedOnce(t *testing.T) {
	u := newBench(t).program("ann")
	u.add("One", "Two")
	q := u.asked(DeleteTask, m{"ids": []any{1, 2}})
	u.decide(q.ID, true)
	u.do(DeleteTask, m{"ids": []any{1, 2}, "approval_id": q.ID})
	u.do(UpdateTask, m{"ids": []any{1, 2}, "restore": true})
	u.asked(DeleteTask, m{"ids": []any{1, 2}, "approval_id": q.ID})
}

func TestApproval_UnknownTasksComeFirst(t *testing.T) {
	u := newBench(t).program("ann")
	u.add("One", "Two")
	u.refused(tandem.CodeNotFound, DeleteTask, m{"ids": []any{1, 99}})
	pending, err := u.db.PendingApprovals(t.Context(), "ann", 0)
	if err != nil || len(pending) != 0 {
		t.Errorf("questions %v, %v", pending, err)
	}
}

func TestApproval_RefusalIsNotRemembered(t *testing.T) {
	u := newBench(t).program("ann")
	u.add("One", "Two")
	call := m{"ids": []any{1, 2}, "op_id": "op"}
	q := u.asked(DeleteTask, call)
	u.decide(q.ID, true)
	u.do(DeleteTask, m{"ids": []any{1, 2}, "op_id": "op", "approval_id": q.ID})
	same(t, "repeated without the approval", u.do(DeleteTask, call)["status"], any("deleted"))
}

func TestApproval_OfRestoringMany(t *testing.T) {
	b := newBench(t)
	u := b.program("ann")
	u.add("One", "Two", "Three", "Four")
	b.person("ann").do(DeleteTask, m{"ids": []any{1, 2, 3, 4}})
	u.asked(UpdateTask, m{"ids": []any{1, 2, 3, 4}, "restore": true})
	u.do(UpdateTask, m{"ids": []any{1, 2, 3}, "restore": true})
	same(t, "restored", u.titles(nil), []string{"One", "Two", "Three"})
}

func TestApproval_QuestionsAreBounded(t *testing.T) {
	b := newBench(t)
	u := b.program("ann")
	u.do(AddTask, m{"items": []any{m{"title": "a"}, m{"title": "b"}, m{"title": "c"}, m{"title": "d"}, m{"title": "e"}, m{"title": "f"}, m{"title": "g"}}})
	asked := 0
	for i := 1; i <= 7; i++ {
		for j := i + 1; j <= 7 && asked < 20; j++ {
			u.asked(DeleteTask, m{"ids": []any{i, j}})
			b.pass(time.Second)
			asked++
		}
	}
	e := u.refused(tandem.CodeLimited, DeleteTask, m{"ids": []any{6, 7}})
	same(t, "retry", e.Details.RetryMS, int64(580_000))
	u.asked(DeleteTask, m{"ids": []any{1, 2}})
	b.pass(580 * time.Second)
	u.asked(DeleteTask, m{"ids": []any{6, 7}})
}

func TestApproval_ShowsEightTasks(t *testing.T) {
	u := newBench(t).program("ann")
	ids := make([]any, 10)
	for i := range ids {
		u.add(numbers(10)[i])
		ids[i] = i + 1
	}
	q := u.asked(DeleteTask, m{"ids": ids})
	same(t, "shown and more", []int{len(q.Items), q.More}, []int{8, 2})
	same(t, "summary", q.Summary, `Delete 10 tasks: "0", "1", "2", …?`)
}

func TestPolicy_OfTheAssistantDecidesAlone(t *testing.T) {
	b := newBench(t)
	u, agent := b.person("ann"), b.person("ann")
	u.add("One", "Two")
	var seen []Effect
	agent.caller.Kind = Agent
	agent.caller.Policy = func(e Effect) *tandem.Error {
		seen = append(seen, e)
		if e.Tool == DeleteTask {
			return &tandem.Error{Code: tandem.CodeNeedsApproval, Message: "wait"}
		}
		return nil
	}
	agent.refused(tandem.CodeNeedsApproval, DeleteTask, m{"task_id": 1})
	agent.do(CompleteTask, m{"ids": []any{1, 2}})
	agent.do(DeleteTask, m{"task_id": 1, "dry_run": true})
	if len(seen) != 2 || len(seen[0].Changes) != 1 || len(seen[1].Changes) != 2 {
		t.Fatalf("the policy saw %+v", seen)
	}
	c := seen[0].Changes[0]
	if c.Before.DeletedAt != nil || c.After.DeletedAt == nil {
		t.Errorf("the policy saw %+v", c)
	}
	same(t, "tasks", len(u.rows(nil)), 2)
}

// hasty is a store in which somebody changes a task while the yes for it is looked up.
type hasty struct {
	Store
	meanwhile func()
}

func (s hasty) GrantedApproval(ctx context.Context, user tandem.UserID, tool, hash string) (tandem.Approval, bool, error) {
	a, ok, err := s.Store.GrantedApproval(ctx, user, tool, hash)
	if ok {
		s.meanwhile()
	}
	return a, ok, err
}

func TestApproval_TasksChangeWhileItIsLookedUp(t *testing.T) {
	b := newBench(t)
	u, device := b.program("ann"), b.person("ann")
	u.add("One", "Two")
	q := u.asked(DeleteTask, m{"ids": []any{1, 2}})
	u.decide(q.ID, true)
	b.tb.Store = hasty{b.db, func() { device.do(UpdateTask, m{"task_id": 1, "title": "Important"}) }}
	if again := u.asked(DeleteTask, m{"ids": []any{1, 2}}); again.ID == q.ID {
		t.Error("the yes was for another state of the tasks")
	}
	same(t, "left", u.titles(nil), []string{"Important", "Two"})
}
