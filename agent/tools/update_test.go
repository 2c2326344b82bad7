package tools

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"tandem"
)

func TestUpdate_LeavesAbsentFieldsAlone(t *testing.T) {
	u := newBench(t).person("ann")
	u.do(AddTask, m{
		"title": "One", "description": "notes", "priority": "high", "tags": []string{"a", "b"}, "due": "2031-05-06T09:00", "recurrence": "FREQ=WEEKLY",
		"reminders": []string{"1h"},
	})
	before := u.task(1)
	got := u.do(UpdateTask, m{"task_id": 1, "title": "Renamed"})
	same(t, "status", got["status"], any("updated"))
	same(t, "before", got["before"], any(m{"title": "One"}))
	same(t, "after", got["after"], any(m{"title": "Renamed"}))
	after := u.task(1)
	for _, k := range []string{"title", "updated_at", "version", "provenance"} {
		delete(before, k)
		delete(after, k)
	}
	same(t, "other fields", after, before)
}

func TestUpdate_Fields(t *testing.T) {
	for _, tt := range []struct {
		name string
		args m
		want m
	}{
		{"description", m{"description": "new"}, m{"description": "new"}},
		{"priority", m{"priority": "low"}, m{"priority": "low"}},
		{"tags replace", m{"tags": []string{"x"}}, m{"tags": []any{"x"}}},
		{"tags are added", m{"tags_add": []string{"c", "A"}}, m{"tags": []any{"a", "b", "c"}}},
		{"tags are removed", m{"tags_remove": []string{"A", "zzz"}}, m{"tags": []any{"b"}}},
		{"tags are added and removed", m{"tags_add": []string{"c"}, "tags_remove": []string{"a"}}, m{"tags": []any{"b", "c"}}},
		{"due", m{"due": "2031-06-01"}, m{"due": m{"date": "2031-06-01"}, "recurrence": "FREQ=WEEKLY"}},
		{"due with a zone", m{"due": "2031-06-01T08:00", "time_zone": "Europe/Berlin"}, m{"due": m{"date": "2031-06-01", "time": "08:00", "time_zone": "Europe/Berlin"}}},
		{"recurrence", m{"recurrence": "every day"}, m{"recurrence": "FREQ=DAILY", "due": m{"date": "2031-05-06", "time": "09:00"}}},
		{"recurrence on another day", m{"recurrence": "every monday"}, m{"recurrence": "FREQ=WEEKLY;BYDAY=MO", "due": m{"date": "2026-11-30", "time": "09:00"}}},
		{"recurrence at another time", m{"recurrence": "every tuesday at 8am"}, m{"due": m{"date": "2026-12-01", "time": "08:00"}}},
		{"recurrence as a rule", m{"recurrence": "FREQ=WEEKLY;BYDAY=MO"}, m{"due": m{"date": "2031-05-06", "time": "09:00"}}},
		{"pattern", m{"recurrence_pattern": "monthly"}, m{"recurrence": "FREQ=MONTHLY", "recurrence_pattern": "monthly"}},
		{"pattern none", m{"recurrence_pattern": "none"}, m{"recurrence": nil, "due": m{"date": "2031-05-06", "time": "09:00"}}},
		{"repeat_from", m{"repeat_from": "completion"}, m{"repeat_from": "completion", "recurrence": "FREQ=WEEKLY"}},
		{
			"clear",
			m{"clear": []string{"description", "tags", "recurrence", "priority"}},
			m{"description": "", "tags": []any{}, "recurrence": nil, "priority": "medium", "due": m{"date": "2031-05-06", "time": "09:00"}},
		},
		{"clear due", m{"clear": []string{"due"}}, m{"due": nil, "due_date": nil, "recurrence": nil, "reminders": []any{}}},
		{"clear reminders", m{"clear": []string{"reminders"}}, m{"reminders": []any{}}},
		{"set and clear different fields", m{"title": "New", "clear": []string{"tags"}}, m{"title": "New", "tags": []any{}}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			u := newBench(t).person("ann")
			u.do(AddTask, m{
				"title": "One", "description": "notes", "priority": "high", "tags": []string{"a", "b"}, "due": "2031-05-06T09:00", "recurrence": "FREQ=WEEKLY",
				"reminders": []string{"1h"},
			})
			tt.args["task_id"] = 1
			row := u.do(UpdateTask, tt.args)["task"].(m)
			for k, want := range tt.want {
				same(t, k, row[k], want)
			}
		})
	}
}

func TestUpdate_Refuses(t *testing.T) {
	for _, tt := range []struct {
		name  string
		args  m
		field string
	}{
		{"no task", m{"title": "x"}, "task_id"},
		{"no ids", m{"ids": []any{}, "title": "x"}, "ids"},
		{"a task and ids", m{"task_id": 1, "ids": []any{1}, "title": "x"}, "ids"},
		{"no change", m{"task_id": 1}, "arguments"},
		{"a zone alone", m{"task_id": 1, "time_zone": "Europe/Berlin"}, "arguments"},
		{"an empty title", m{"task_id": 1, "title": ""}, "title"},
		{"a long title", m{"task_id": 1, "title": strings.Repeat("a", 201)}, "title"},
		{"an emptied description", m{"task_id": 1, "description": ""}, "description"},
		{"emptied tags", m{"task_id": 1, "tags": []any{}}, "tags"},
		{"emptied reminders", m{"task_id": 1, "reminders": []any{}}, "reminders"},
		{"clear of a title", m{"task_id": 1, "clear": []string{"title"}}, "clear"},
		{"clear of nonsense", m{"task_id": 1, "clear": []string{"nonsense"}}, "clear"},
		{"set and cleared", m{"task_id": 1, "tags": []string{"x"}, "clear": []string{"tags"}}, "clear"},
		{"moved and cleared", m{"task_id": 1, "move_due": "+1d", "clear": []string{"due"}}, "clear"},
		{"due and a move", m{"task_id": 1, "due": "2031-06-01", "move_due": "+1d"}, "move_due"},
		{"a move to nowhere", m{"task_id": 1, "move_due": "purple"}, "move_due"},
		{"a move to a day that does not exist", m{"task_id": 1, "move_due": "2031-02-30"}, "move_due"},
		{"a snooze into the past", m{"task_id": 1, "snooze": "2020-01-01T00:00:00Z"}, "snooze"},
		{"a snooze of nothing", m{"task_id": 1, "snooze": "purple"}, "snooze"},
		{"a snooze of years", m{"task_id": 1, "snooze": "900 days"}, "snooze"},
		{"an undo beside a task", m{"task_id": 1, "undo": "last"}, "task_id"},
		{"an undo beside a change", m{"undo": "last", "title": "x"}, "title"},
		{"an undo that is a flag", m{"undo": true}, "undo"},
		{"a restore beside a change", m{"task_id": 1, "restore": true, "title": "x"}, "title"},
		{"a version that is text", m{"task_id": 1, "title": "x", "if_version": "1"}, "if_version"},
		{"a version of nothing", m{"task_id": 1, "title": "x", "if_version": 0}, "if_version"},
		{"a null", m{"task_id": 1, "due": nil}, "due"},
		{"a uid", m{"task_id": 1, "uid": "0190aaaa-bbbb-7ccc-8ddd-eeeeeeeeeeee"}, "uid"},
		{"a status", m{"task_id": 1, "completed": true}, "completed"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			u := newBench(t).person("ann")
			u.do(AddTask, m{"title": "One", "description": "notes", "tags": []string{"a"}, "due": "2031-05-06T09:00"})
			before := u.task(1)
			same(t, "field", u.refused(tandem.CodeInvalid, UpdateTask, tt.args).Details.Field, tt.field)
			same(t, "the task", u.task(1), before)
		})
	}
}

func TestUpdate_MoveDue(t *testing.T) {
	for _, tt := range []struct {
		words, zone string
		want        m
	}{
		{"+1d", "", m{"date": "2031-05-06", "time": "09:00", "time_zone": "Europe/Berlin"}},
		{"1 week later", "", m{"date": "2031-05-12", "time": "09:00", "time_zone": "Europe/Berlin"}},
		{"by 2 days", "", m{"date": "2031-05-07", "time": "09:00", "time_zone": "Europe/Berlin"}},
		{"-1d", "", m{"date": "2031-05-04", "time": "09:00", "time_zone": "Europe/Berlin"}},
		{"2 hours earlier", "", m{"date": "2031-05-05", "time": "07:00", "time_zone": "Europe/Berlin"}},
		{"+1d 12h", "", m{"date": "2031-05-06", "time": "21:00", "time_zone": "Europe/Berlin"}},
		{"2 PM", "", m{"date": "2031-05-05", "time": "14:00", "time_zone": "Europe/Berlin"}},
		{"at 14:30", "", m{"date": "2031-05-05", "time": "14:30", "time_zone": "Europe/Berlin"}},
		{"2031-05-07", "", m{"date": "2031-05-07", "time": "09:00", "time_zone": "Europe/Berlin"}},
		{"2031-05-07T11:00", "", m{"date": "2031-05-07", "time": "11:00", "time_zone": "Europe/Berlin"}},
		{"2031-05-07T11:00", "Asia/Karachi", m{"date": "2031-05-07", "time": "11:00", "time_zone": "Asia/Karachi"}},
		{"tomorrow at 5pm", "", m{"date": "2026-11-26", "time": "17:00", "time_zone": "Europe/Berlin"}},
		{"in 2 hours", "", m{"date": "2026-11-25", "time": "15:00", "time_zone": "Europe/Berlin"}},
	} {
		t.Run(tt.words+tt.zone, func(t *testing.T) {
			u := newBench(t).person("ann")
			u.do(AddTask, m{"title": "Weekly", "due": "2031-05-05T09:00", "time_zone": "Europe/Berlin", "recurrence": "FREQ=WEEKLY;BYDAY=MO"})
			args := m{"task_id": 1, "move_due": tt.words}
			if tt.zone != "" {
				args["time_zone"] = tt.zone
			}
			row := u.do(UpdateTask, args)["task"].(m)
			same(t, "due", row["due"], any(tt.want))
			if read, told := u.do(UpdateTask, args)["interpreted"]; told && !strings.ContainsAny(tt.words, "+-") {
				same(t, "interpreted", read.(m)["due"], any(tt.want))
			}
			same(t, "the rule", row["recurrence"], any("FREQ=WEEKLY;BYDAY=MO"))
		})
	}
}

func TestUpdate_MoveOfAnUndatedTask(t *testing.T) {
	u := newBench(t).person("ann")
	u.add("One")
	same(t, "due", u.do(UpdateTask, m{"task_id": 1, "move_due": "tomorrow at 3pm"})["task"].(m)["due"], any(m{"date": "2026-11-26", "time": "15:00"}))
}

func TestUpdate_Snooze(t *testing.T) {
	u := newBench(t).person("ann")
	u.do(AddTask, m{"title": "One", "due": "2026-11-25T13:00", "reminders": []string{"30m"}})
	got := u.do(UpdateTask, m{"task_id": 1, "snooze": "1h"})
	same(t, "status", got["status"], any("snoozed"))
	same(t, "message", got["message"], any(`Snoozed "One" (1) until Wednesday, 25 November 2026 at 13:00.`))
	got = u.do(UpdateTask, m{"task_id": 1, "snooze": "tomorrow 8am"})
	same(t, "interpreted", got["interpreted"], any(m{"snooze": "2026-11-26T08:00:00Z"}))
	same(t, "reminders", len(got["task"].(m)["reminders"].([]any)), 3)
}

func TestWrites_DismissNotices(t *testing.T) {
	for _, tt := range []struct {
		tool string
		args m
		left int
	}{
		{UpdateTask, m{"snooze": "1h"}, 0},
		{CompleteTask, m{}, 0},
		{DeleteTask, m{}, 0},
		{UpdateTask, m{"title": "New"}, 1},
	} {
		u := newBench(t).person("ann")
		u.add("One")
		added, err := u.db.AddNotice(t.Context(), tandem.Inbox{Consumer: "notify", EventID: tandem.NewID()}, tandem.Notice{
			ID: tandem.NewID(), UserID: "ann", ReminderID: tandem.NewID(), Generation: 1, TaskUID: u.task(1)["uid"].(string), Number: 1, Title: "One", FiredAt: noon,
		})
		if err != nil || !added {
			t.Fatal(added, err)
		}
		tt.args["task_id"] = 1
		u.do(tt.tool, tt.args)
		snap, err := u.db.Snapshot(t.Context(), "ann")
		if err != nil {
			t.Fatal(err)
		}
		same(t, fmt.Sprint(tt.tool, tt.args), len(snap.Rows[tandem.KindNotice]), tt.left)
	}
}

func TestUpdate_IfVersion(t *testing.T) {
	u := newBench(t).person("ann")
	u.add("One")
	same(t, "version", u.do(UpdateTask, m{"task_id": 1, "title": "Two", "if_version": 1})["version"], any(2.0))
	e := u.refused(tandem.CodeConflict, UpdateTask, m{"task_id": 1, "title": "Three", "if_version": 1})
	same(t, "details", []any{e.Details.Field, e.Details.Value}, []any{"if_version", int64(2)})
	u.caller.IfVersion = 1
	u.refused(tandem.CodeConflict, CompleteTask, m{"task_id": 1})
	same(t, "title", u.task(1)["title"], any("Two"))
}

func TestUpdate_NothingNewTakesNoNumber(t *testing.T) {
	u := newBench(t).person("ann")
	u.add("One")
	got := u.do(UpdateTask, m{"task_id": 1, "title": "One"})
	same(t, "status", got["status"], any("unchanged"))
	same(t, "message", got["message"], any(`Nothing changed in "One" (1).`))
	u.add("Two")
	same(t, "seq", u.do(AddTask, m{"title": "Three"})["seq"], any(3.0))
}

func TestUpdate_SeveralAtOnce(t *testing.T) {
	u := newBench(t).person("ann")
	u.add("One", "Two", "Three")
	uid := u.task(2)["uid"]
	got := u.do(UpdateTask, m{"ids": []any{1, "1", uid, 2}, "priority": "high"})
	same(t, "rows", len(got["tasks"].([]any)), 2)
	same(t, "high", u.titles(m{"priority": "high"}), []string{"One", "Two"})
	for _, ids := range [][]any{{1, 99}, {1, tandem.NewID()}} {
		e := u.refused(tandem.CodeNotFound, UpdateTask, m{"ids": ids, "priority": "low"})
		same(t, "field", e.Details.Field, "ids")
	}
	same(t, "still high", u.titles(m{"priority": "high"}), []string{"One", "Two"})
}

func TestUpdate_Restore(t *testing.T) {
	u := newBench(t).person("ann")
	u.do(AddTask, m{"title": "One", "tags": []string{"a"}, "due": "2031-05-06"})
	u.do(DeleteTask, m{"task_id": 1})
	u.refused(tandem.CodeNotFound, UpdateTask, m{"task_id": 1, "title": "Ghost"})
	u.refused(tandem.CodeNotFound, CompleteTask, m{"task_id": 1})
	same(t, "status", u.do(UpdateTask, m{"task_id": 1, "restore": true})["status"], any("restored"))
	same(t, "listed", u.titles(m{"tags": []string{"a"}}), []string{"One"})
}

func TestUndo_OfEachKindOfWrite(t *testing.T) {
	u := newBench(t).person("ann")
	u.do(AddTask, m{"title": "Keep", "priority": "low"})
	for _, tt := range []struct {
		tool string
		args m
	}{
		{UpdateTask, m{"task_id": 1, "priority": "urgent", "title": "Lost"}},
		{CompleteTask, m{"task_id": 1}},
		{DeleteTask, m{"task_id": 1}},
		{AddTask, m{"title": "Extra"}},
		{AddTask, m{"items": []any{m{"title": "a"}, m{"title": "b"}}}},
	} {
		op := tandem.NewID()
		tt.args["op_id"] = op
		u.do(tt.tool, tt.args)
		same(t, "status", u.do(UpdateTask, m{"undo": op})["status"], any("undone"))
		rows := u.rows(nil)
		if len(rows) != 1 || rows[0]["title"] != "Keep" || rows[0]["priority"] != "low" || rows[0]["completed"] != false {
			t.Errorf("after undoing %s: %v", tt.tool, rows)
		}
	}
}

func TestUndo_LastIsOfThisCaller(t *testing.T) {
	b := newBench(t)
	device, program := b.person("ann"), b.program("ann")
	device.add("One")
	device.do(UpdateTask, m{"task_id": 1, "title": "Two"})
	program.do(UpdateTask, m{"task_id": 1, "priority": "high"})
	device.do(UpdateTask, m{"undo": "last"})
	row := device.task(1)
	same(t, "task", []any{row["title"], row["priority"]}, []any{"One", "high"})
}

func TestUndo_CanBeUndone(t *testing.T) {
	u := newBench(t).person("ann")
	u.add("One")
	u.do(UpdateTask, m{"task_id": 1, "title": "Two", "op_id": "forth"})
	u.do(UpdateTask, m{"undo": "forth", "op_id": "back"})
	same(t, "title", u.task(1)["title"], any("One"))
	u.do(UpdateTask, m{"undo": "back"})
	same(t, "title", u.task(1)["title"], any("Two"))
}

func TestUndo_SparesLaterWork(t *testing.T) {
	u := newBench(t).person("ann")
	u.do(AddTask, m{"title": "One", "priority": "low"})
	u.do(UpdateTask, m{"task_id": 1, "title": "Two", "priority": "high", "op_id": "op"})
	u.do(UpdateTask, m{"task_id": 1, "title": "Three"})
	got := u.do(UpdateTask, m{"undo": "op"})
	if !strings.Contains(fmt.Sprint(got["warnings"]), "title") {
		t.Errorf("warnings %v", got["warnings"])
	}
	row := u.task(1)
	same(t, "task", []any{row["title"], row["priority"]}, []any{"Three", "low"})
}

func TestUndo_OfATurn(t *testing.T) {
	b := newBench(t)
	u, agent := b.person("ann"), b.person("ann")
	u.add("Old")
	agent.caller.Kind, agent.caller.Policy = Agent, func(Effect) *tandem.Error { return nil }
	agent.caller.Cause = tandem.Cause{Actor: tandem.ActorAgent, TurnID: "turn", Conversation: 1}
	agent.do(CompleteTask, m{"task_id": 1})
	agent.do(AddTask, m{"items": []any{m{"title": "milk"}, m{"title": "eggs"}, m{"title": "bread"}}})
	u.do(UpdateTask, m{"undo": "turn"})
	rows := u.rows(nil)
	if len(rows) != 1 || rows[0]["completed"] != false {
		t.Errorf("after the undo: %v", rows)
	}
}

func TestUndo_OfNothing(t *testing.T) {
	b := newBench(t)
	ann, bob := b.person("ann"), b.person("bob")
	bob.do(AddTask, m{"title": "His", "op_id": "op"})
	for _, what := range []string{"op", tandem.NewID(), "last"} {
		ann.refused(tandem.CodeNotFound, UpdateTask, m{"undo": what})
	}
	same(t, "tasks of the other", bob.titles(nil), []string{"His"})
}

func TestUndo_NeedsNoYes(t *testing.T) {
	u := newBench(t).program("ann")
	u.do(AddTask, m{"items": []any{m{"title": "a"}, m{"title": "b"}, m{"title": "c"}, m{"title": "d"}, m{"title": "e"}}, "op_id": "op"})
	u.do(UpdateTask, m{"undo": "op"})
	same(t, "tasks", u.titles(nil), []string{})
}

func TestComplete(t *testing.T) {
	b := newBench(t)
	u := b.person("ann")
	u.add("One", "Two")
	got := u.do(CompleteTask, m{"task_id": 1})
	same(t, "status", []any{got["status"], got["title"], got["message"]}, []any{"completed", "One", `Completed "One" (1).`})
	at := u.task(1)["completed_at"]
	b.pass(time.Hour)
	same(t, "repeated", u.do(CompleteTask, m{"task_id": "1"})["task"].(m)["completed_at"], at)
	same(t, "reopened", u.do(CompleteTask, m{"task_id": 1, "undo": true})["status"], any("reopened"))
	same(t, "completed_at", u.task(1)["completed_at"], any(nil))
	same(t, "then", u.do(CompleteTask, m{"task_id": 1, "completed_at": "2026-11-24T10:00:00+05:00"})["task"].(m)["completed_at"], any("2026-11-24T05:00:00Z"))
	same(t, "today", u.do(CompleteTask, m{"task_id": 2, "completed_at": "today"})["task"].(m)["completed_at"], any("2026-11-25T13:00:00Z"))
}

func TestComplete_Series(t *testing.T) {
	u := newBench(t).person("ann")
	u.do(AddTask, m{"title": "Daily", "due": "2031-05-05", "recurrence": "FREQ=DAILY"})
	got := u.do(CompleteTask, m{"task_id": 1, "skip_occurrence": true})
	same(t, "status", got["status"], any("skipped"))
	same(t, "message", got["message"], any(`Skipped "Daily" (1). Next: Tuesday, 6 May 2031.`))
	same(t, "open", u.titles(m{"status": "pending"}), []string{"Daily"})
	u.do(CompleteTask, m{"task_id": 2, "stop_series": true})
	same(t, "after the end", u.titles(m{"status": "pending"}), []string{})
	same(t, "rule", u.task(2)["recurrence"], any(nil))
}

func TestSeries_StaysAliveThroughUndo(t *testing.T) {
	for _, tt := range []struct {
		name  string
		close m
		tool  string
		back  m
	}{
		{"skip and reopen", m{"task_id": 1, "skip_occurrence": true}, CompleteTask, m{"task_id": 1, "undo": true}},
		{"skip and undo", m{"task_id": 1, "skip_occurrence": true}, UpdateTask, m{"undo": "last"}},
		{"delete and undo", m{"task_id": 1}, UpdateTask, m{"undo": "last"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			u := newBench(t).person("ann")
			u.do(AddTask, m{"title": "Daily", "due": "2031-05-05", "recurrence": "FREQ=DAILY"})
			for range 3 {
				if strings.HasPrefix(tt.name, "delete") {
					u.do(DeleteTask, tt.close)
				} else {
					u.do(CompleteTask, tt.close)
				}
				same(t, "closed", numbersOf(u.rows(m{"status": "pending"})), []any{2.0})
				u.do(tt.tool, tt.back)
				same(t, "taken back", numbersOf(u.rows(m{"status": "pending"})), []any{1.0})
			}
			u.do(CompleteTask, m{"task_id": 1, "skip_occurrence": true})
			u.do(UpdateTask, m{"task_id": 2, "title": "Mine"})
			u.do(CompleteTask, m{"task_id": 1, "undo": true})
			same(t, "touched", numbersOf(u.rows(m{"status": "pending"})), []any{1.0, 2.0})
		})
	}
}

func numbersOf(rows []m) (out []any) {
	for _, r := range rows {
		out = append(out, r["task_id"])
	}
	return out
}

func TestComplete_Refuses(t *testing.T) {
	for _, tt := range []struct {
		name  string
		args  m
		field string
	}{
		{"no task", m{}, "task_id"},
		{"two ways", m{"task_id": 1, "undo": true, "skip_occurrence": true}, "skip_occurrence"},
		{"a flag that is text", m{"task_id": 1, "undo": "yes"}, "undo"},
		{"the future", m{"task_id": 1, "completed_at": "2026-11-25T12:02:00Z"}, "completed_at"},
		{"tomorrow", m{"task_id": 1, "completed_at": "tomorrow"}, "completed_at"},
		{"a time that is none", m{"task_id": 1, "completed_at": "purple"}, "completed_at"},
		{"a time of a reopening", m{"task_id": 1, "completed_at": "2026-11-24", "undo": true}, "completed_at"},
		{"a skip of a plain task", m{"task_id": 1, "skip_occurrence": true}, "skip_occurrence"},
		{"an end of a plain task", m{"task_id": 1, "stop_series": true}, "stop_series"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			u := newBench(t).person("ann")
			u.add("One")
			same(t, "field", u.refused(tandem.CodeInvalid, CompleteTask, tt.args).Details.Field, tt.field)
			same(t, "status", u.task(1)["status"], any("pending"))
		})
	}
}

func TestDelete(t *testing.T) {
	u := newBench(t).person("ann")
	u.add("One", "Two")
	got := u.do(DeleteTask, m{"task_id": 1})
	same(t, "status", []any{got["status"], got["title"], got["message"]}, []any{"deleted", "One", `Deleted "One" (1).`})
	same(t, "repeated", u.do(DeleteTask, m{"task_id": 1})["status"], any("deleted"))
	same(t, "left", u.titles(nil), []string{"Two"})
	same(t, "trash", u.titles(m{"status": "deleted"}), []string{"One"})
	same(t, "the next number", u.do(AddTask, m{"title": "Three"})["task_id"], any(3.0))
}

func TestDelete_Series(t *testing.T) {
	u := newBench(t).person("ann")
	u.do(AddTask, m{"title": "Daily", "due": "2031-05-05", "recurrence": "FREQ=DAILY"})
	u.do(DeleteTask, m{"task_id": 1})
	same(t, "goes on", u.rows(m{"status": "pending"})[0]["due"], any(m{"date": "2031-05-06"}))
	same(t, "restored as a plain task", u.do(UpdateTask, m{"task_id": 1, "restore": true})["task"].(m)["recurrence"], any(nil))
	u.do(DeleteTask, m{"task_id": 2, "scope": "series"})
	same(t, "left", u.titles(m{"status": "pending"}), []string{"Daily"})
}

func TestWrites_NameTasksInThreeForms(t *testing.T) {
	u := newBench(t).person("ann")
	u.add("One", "Two")
	uid := u.task(1)["uid"].(string)
	for _, id := range []any{1, 1.0, "1", uid, strings.ToUpper(uid)} {
		for _, tt := range []struct {
			tool string
			args m
		}{{UpdateTask, m{"title": "Name"}}, {CompleteTask, m{}}, {CompleteTask, m{"undo": true}}, {DeleteTask, m{}}, {UpdateTask, m{"restore": true}}} {
			tt.args["task_id"] = id
			same(t, fmt.Sprint(tt.tool, id), u.do(tt.tool, tt.args)["task_id"], any(1.0))
		}
	}
}

func TestWrites_UnknownAndMalformedNames(t *testing.T) {
	b := newBench(t)
	u, other := b.person("ann"), b.person("bob")
	u.add("One")
	other.add("Not hers", "Not hers either")
	foreign := other.task(2)["uid"]
	for _, tool := range []string{UpdateTask, CompleteTask, DeleteTask} {
		args := m{}
		if tool == UpdateTask {
			args["title"] = "x"
		}
		for _, id := range []any{2, 99, "99", tandem.NewID(), foreign, int64(1) << 40} {
			args["task_id"] = id
			e := u.refused(tandem.CodeNotFound, tool, args)
			same(t, "details", []any{e.Details.Field, fmt.Sprint(e.Details.Value)}, []any{"task_id", fmt.Sprint(id)})
		}
		for _, id := range []any{0, -1, 1.5, true, nil, "", "one", "1 OR 1=1", []any{}, m{}, 1e30, "1\x00", " 1", "0x1", "01", "99999999999999999999"} {
			args["task_id"] = id
			u.refused(tandem.CodeInvalid, tool, args)
		}
	}
	same(t, "task", u.task(1)["version"], any(1.0))
	same(t, "tasks of the other", len(other.rows(nil)), 2)
}
