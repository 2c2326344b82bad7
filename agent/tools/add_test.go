package tools

import (
	"fmt"
	"maps"
	"strings"
	"testing"
	"time"

	"tandem"
)

func TestAdd_CarriesTheKeysOfBothReadings(t *testing.T) {
	u := newBench(t).person("ann")
	got := u.do(AddTask, m{"title": "Buy groceries"})
	want := m{"task_id": 1.0, "status": "created", "title": "Buy groceries", "success": true, "seq": 1.0, "version": 1.0}
	for key, want := range want {
		same(t, key, got[key], want)
	}
	if !uuidForm.MatchString(got["uid"].(string)) || got["op_id"] == "" {
		t.Errorf("uid %v, op_id %v", got["uid"], got["op_id"])
	}
	same(t, "message", got["message"], `Added "Buy groceries" (1).`)
	same(t, "task", got["task"].(m)["task_id"], 1.0)
}

func TestAdd_Fields(t *testing.T) {
	for _, tt := range []struct {
		name string
		args m
		want m // of the row
	}{
		{"defaults", m{}, m{
			"description": "", "priority": "medium", "tags": []any{}, "due": nil, "due_date": nil, "recurrence": nil,
			"recurrence_pattern": "none", "reminders": []any{},
		}},
		{
			"texts",
			m{"description": "two litres", "priority": "urgent", "tags": []any{"home", "#shop", "HOME"}},
			m{"description": "two litres", "priority": "urgent", "tags": []any{"home", "shop"}},
		},
		{"a date", m{"due": "2031-05-06"}, m{"due": m{"date": "2031-05-06"}, "due_date": "2031-05-06T23:59:59Z"}},
		{"a date-time", m{"due": "2031-05-06T10:00"}, m{"due": m{"date": "2031-05-06", "time": "10:00"}, "due_date": "2031-05-06T10:00:00Z"}},
		{
			"a date-time with a space and seconds",
			m{"due": "2031-05-06 10:00:59"},
			m{"due": m{"date": "2031-05-06", "time": "10:00:59"}, "due_date": "2031-05-06T10:00:59Z"},
		},
		{"a full minute", m{"due": "2031-05-06T10:00:00"}, m{"due": m{"date": "2031-05-06", "time": "10:00"}}},
		{"seconds in words", m{"due": "2031-05-06 at 3:15:20 pm"}, m{"due": m{"date": "2031-05-06", "time": "15:15:20"}}},
		{"the alias", m{"due_date": "2031-05-06"}, m{"due": m{"date": "2031-05-06"}}},
		{"both names with one value", m{"due": "2031-05-06", "due_date": "2031-05-06"}, m{"due": m{"date": "2031-05-06"}}},
		{
			"a named zone is stored",
			m{"due": "2031-05-06T10:00", "time_zone": "Asia/Karachi"},
			m{"due": m{"date": "2031-05-06", "time": "10:00", "time_zone": "Asia/Karachi"}, "due_date": "2031-05-06T05:00:00Z"},
		},
		{
			"an offset is converted into the person's zone",
			m{"due": "2031-05-06T10:00:00+05:00"},
			m{"due": m{"date": "2031-05-06", "time": "05:00", "time_zone": "UTC"}, "due_date": "2031-05-06T05:00:00Z"},
		},
		{
			"an offset is converted into the named zone",
			m{"due": "2031-05-06T10:00:00Z", "time_zone": "Asia/Karachi"},
			m{"due": m{"date": "2031-05-06", "time": "15:00", "time_zone": "Asia/Karachi"}, "due_date": "2031-05-06T10:00:00Z"},
		},
		{"words", m{"due": "tomorrow at 9am"}, m{"due": m{"date": "2026-11-26", "time": "09:00"}}},
		{
			"words of a repetition as due",
			m{"due": "every monday at 9am"},
			m{"due": m{"date": "2026-11-30", "time": "09:00"}, "recurrence": "FREQ=WEEKLY;BYDAY=MO", "recurrence_pattern": "weekly"},
		},
		{"a rule", m{"due": "2031-05-06", "recurrence": "freq=monthly"}, m{"recurrence": "FREQ=MONTHLY", "recurrence_pattern": "monthly"}},
		{"a pattern", m{"due": "2031-05-06", "recurrence_pattern": "daily"}, m{"recurrence": "FREQ=DAILY", "recurrence_pattern": "daily"}},
		{
			"a pattern under the main name",
			m{"due": "2031-01-31", "recurrence": "monthly"},
			m{"recurrence": "FREQ=MONTHLY;BYMONTHDAY=28,29,30,31;BYSETPOS=-1", "recurrence_pattern": "monthly"},
		},
		{"the pattern none", m{"recurrence_pattern": "none"}, m{"recurrence": nil}},
		{"a repetition gives the due date", m{"recurrence": "every monday at 9am"}, m{"due": m{"date": "2026-11-30", "time": "09:00"}}},
		{"from completion by words", m{"due": "2026-11-30", "recurrence": "every! monday"}, m{"repeat_from": "completion"}},
		{"from completion by argument", m{"due": "2026-11-30", "recurrence": "FREQ=WEEKLY", "repeat_from": "completion"}, m{"repeat_from": "completion"}},
		{"a proposed uid", m{"uid": "0190AAAA-bbbb-7ccc-8ddd-eeeeeeeeeeee"}, m{"uid": "0190aaaa-bbbb-7ccc-8ddd-eeeeeeeeeeee"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			u := newBench(t).person("ann")
			args := m{"title": "A task"}
			maps.Copy(args, tt.args)
			row := u.do(AddTask, args)["task"].(m)
			for k, want := range tt.want {
				same(t, k, row[k], want)
			}
		})
	}
}

func TestAdd_Reminders(t *testing.T) {
	for _, tt := range []struct {
		name, due string
		args      m
		at        []string
		warns     bool
	}{
		{"a lead", "2026-11-26T10:00", m{"reminders": []string{"1h"}}, []string{"2026-11-26T09:00:00Z"}, false},
		{"a lead before a second", "2026-11-26T10:00:07Z", m{"reminders": []string{"1h"}}, []string{"2026-11-26T09:00:07Z"}, false},
		{"a lead in words", "2026-11-26T10:00", m{"reminders": []string{"15 minutes before"}}, []string{"2026-11-26T09:45:00Z"}, false},
		{"at the due time", "2026-11-26T10:00", m{"reminders": []string{"0m"}}, []string{"2026-11-26T10:00:00Z"}, false},
		{"before a whole day", "2026-11-27", m{"reminders": []string{"1h"}}, []string{"2026-11-27T08:00:00Z"}, false},
		{"the alias", "2026-11-26T10:00", m{"reminder_time": "1h"}, []string{"2026-11-26T09:00:00Z"}, false},
		{"a moment", "", m{"reminders": []string{"2026-11-26T08:00:00Z"}}, []string{"2026-11-26T08:00:00Z"}, false},
		{"a moment in words", "", m{"reminders": []string{"tomorrow at 8am"}}, []string{"2026-11-26T08:00:00Z"}, false},
		{"a day stands for its morning", "", m{"reminders": []string{"2026-11-27"}}, []string{"2026-11-27T09:00:00Z"}, false},
		{"several", "2026-11-26T10:00", m{"reminders": []string{"1h", "1d", "60m"}}, []string{"2026-11-26T09:00:00Z"}, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			u := newBench(t).person("ann")
			args := m{"title": "A task"}
			if tt.due != "" {
				args["due"] = tt.due
			}
			maps.Copy(args, tt.args)
			got := u.do(AddTask, args)
			var at []string
			for _, r := range got["task"].(m)["reminders"].([]any) {
				at = append(at, r.(m)["at"].(string))
			}
			same(t, "times", at, tt.at)
			if _, warned := got["warnings"]; warned != tt.warns {
				t.Errorf("warnings %v, want some: %v", got["warnings"], tt.warns)
			}
		})
	}
}

func TestAdd_Refuses(t *testing.T) {
	for _, tt := range []struct {
		name  string
		args  m
		field string
	}{
		{"nothing", m{}, "title"},
		{"an empty title", m{"title": " "}, "title"},
		{"a long title", m{"title": strings.Repeat("é", 201)}, "title"},
		{"a title of nothing visible", m{"title": "\u200b\u200d"}, "title"},
		{"a title that is no text", m{"title": 5}, "title"},
		{"a null", m{"title": "x", "description": nil}, "description"},
		{"a long description", m{"title": "x", "description": strings.Repeat("a", 2001)}, "description"},
		{"an unknown priority", m{"title": "x", "priority": "extreme"}, "priority"},
		{"too many tags", m{"title": "x", "tags": numbers(21)}, "tags"},
		{"far too many tags", m{"title": "x", "tags": numbers(2000)}, "tags"},
		{"a long tag", m{"title": "x", "tags": []string{strings.Repeat("a", 51)}}, "tags"},
		{"tags that are text", m{"title": "x", "tags": "home"}, "tags"},
		{"tags with a null", m{"title": "x", "tags": []any{nil}}, "tags"},
		{"a day that does not exist", m{"title": "x", "due": "2031-02-30"}, "due"},
		{"an hour that does not exist", m{"title": "x", "due": "2031-05-06T24:00"}, "due"},
		{"a second that does not exist", m{"title": "x", "due": "2031-05-06T10:00:60"}, "due"},
		{"a year out of range", m{"title": "x", "due": "0000-01-01"}, "due"},
		{"a year that leaves the range by its zone", m{"title": "x", "due": "9999-12-31T23:59:59-05:00"}, "due"},
		{"an offset that does not exist", m{"title": "x", "due": "2031-05-06T10:00:00+99:00"}, "due"},
		{"words that are no date", m{"title": "x", "due": "soonish"}, "due"},
		{"an empty date", m{"title": "x", "due": ""}, "due"},
		{"two dates", m{"title": "x", "due": "2031-05-06", "due_date": "2031-05-07"}, "due_date"},
		{"an unknown zone", m{"title": "x", "due": "2031-05-06", "time_zone": "Mars/Olympus"}, "time_zone"},
		{"the machine's zone", m{"title": "x", "time_zone": "Local"}, "time_zone"},
		{"a bad rule", m{"title": "x", "recurrence": "FREQ=DAILY;BYHOUR=9"}, "recurrence"},
		{"a repetition that is none", m{"title": "x", "recurrence": "twice a week"}, "recurrence"},
		{"an unknown pattern", m{"title": "x", "recurrence_pattern": "purple"}, "recurrence_pattern"},
		{"two repetitions", m{"title": "x", "recurrence": "FREQ=DAILY", "recurrence_pattern": "weekly"}, "recurrence_pattern"},
		{"an unknown way to count", m{"title": "x", "repeat_from": "purple"}, "repeat_from"},
		{"a way to count without a rule", m{"title": "x", "repeat_from": "completion"}, "repeat_from"},
		{"a reminder in the past", m{"title": "x", "reminders": []string{"2020-01-01T00:00:00Z"}}, "reminders"},
		{"a lead without a due date", m{"title": "x", "reminders": []string{"1h"}}, "reminders"},
		{"a lead of years", m{"title": "x", "due": "2031-05-06", "reminders": []string{"900 days"}}, "reminders"},
		{"a reminder that is none", m{"title": "x", "due": "2031-05-06", "reminders": []string{"purple"}}, "reminders"},
		{"two reminders under two names", m{"title": "x", "due": "2031-05-06", "reminders": []string{"1h"}, "reminder_time": "2h"}, "reminder_time"},
		{"too many reminders", m{"title": "x", "reminders": numbers(21)}, "reminders"},
		{"a uid that is none", m{"title": "x", "uid": "not-a-uuid"}, "uid"},
		{"an unknown duplicate rule", m{"title": "x", "on_duplicate": "purple"}, "on_duplicate"},
		{"an unknown property", m{"title": "x", "colour": "red"}, "colour"},
		{"a property of the server", m{"title": "x", "seq": 9}, "seq"},
		{"an empty op_id", m{"title": "x", "op_id": ""}, "op_id"},
		{"a long op_id", m{"title": "x", "op_id": strings.Repeat("a", 129)}, "op_id"},
		{"a dry run that is text", m{"title": "x", "dry_run": "yes"}, "dry_run"},
		{"no items", m{"items": []any{}}, "items"},
		{"too many items", m{"items": make([]m, 101)}, "items"},
		{"items that are text", m{"items": "x"}, "items"},
		{"an item that is text", m{"items": []any{"x"}}, "items[0]"},
		{"an item without a title", m{"items": []any{m{"title": "x"}, m{}}}, "items[1].title"},
		{"an item with an empty title", m{"items": []any{m{"title": "x"}, m{"title": ""}}}, "items[1].title"},
		{"an item with a bad priority", m{"items": []any{m{"title": "x", "priority": "purple"}}}, "items[0].priority"},
		{"an item with an unknown property", m{"items": []any{m{"title": "x", "nonsense": 1}}}, "items[0].nonsense"},
		{"an item with a bad date", m{"items": []any{m{"title": "x", "due": "2031-02-30"}}}, "items[0].due"},
		{"an item with a bad zone", m{"items": []any{m{"title": "x", "time_zone": "Mars/Olympus"}}}, "items[0].time_zone"},
		{"an item with a past reminder", m{"items": []any{m{"title": "y"}, m{"title": "x", "reminders": []string{"2020-01-01T00:00:00Z"}}}}, "items[1].reminders"},
		{"items and a title", m{"title": "x", "items": []any{m{"title": "x"}}}, "title"},
		{"items and a field", m{"priority": "low", "items": []any{m{"title": "x"}}}, "priority"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			u := newBench(t).person("ann")
			e := u.refused(tandem.CodeInvalid, AddTask, tt.args)
			same(t, "field", e.Details.Field, tt.field)
			if e.Message == "" {
				t.Error("the error says nothing")
			}
			same(t, "tasks", u.titles(nil), []string{})
		})
	}
}

func numbers(n int) []string {
	out := make([]string, n)
	for i := range out {
		out[i] = fmt.Sprint(i)
	}
	return out
}

func TestAdd_LimitsCountCharacters(t *testing.T) {
	u := newBench(t).person("ann")
	tags := numbers(20)
	for i := range tags {
		tags[i] = fmt.Sprintf("%02d", i) + strings.Repeat("é", 48)
	}
	u.do(AddTask, m{"title": strings.Repeat("é", 200), "description": strings.Repeat("é", 2000), "tags": tags})
}

func TestAdd_TellsHowWordsWereUnderstood(t *testing.T) {
	u := newBench(t).person("ann")
	got := u.do(AddTask, m{"title": "Pay rent", "due": "every month on the 1st at 9am"})
	same(t, "interpreted", got["interpreted"], any(m{"due": m{"date": "2026-12-01", "time": "09:00"}, "recurrence": "FREQ=MONTHLY;BYMONTHDAY=1"}))
	same(t, "message", got["message"], `Added "Pay rent" (1), due Tuesday, 1 December 2026 at 09:00, repeats every month on the 1st.`)
	got = u.do(AddTask, m{"title": "Call", "due": "3/4"})
	if alternatives, _ := got["interpreted"].(m)["alternatives"].([]any); len(alternatives) == 0 {
		t.Errorf("3/4 has no alternative: %v", got["interpreted"])
	}
}

func TestAdd_OverdueIsToldAndKept(t *testing.T) {
	u := newBench(t).person("ann")
	got := u.do(AddTask, m{"title": "Late", "due": "today at 9am"})
	same(t, "due", got["task"].(m)["due"], any(m{"date": "2026-11-25", "time": "09:00"}))
	if !strings.Contains(fmt.Sprint(got["warnings"]), "overdue") || !strings.Contains(got["message"].(string), "overdue") {
		t.Errorf("warnings %v, message %v", got["warnings"], got["message"])
	}
}

func TestAdd_ConversationInAnotherZone(t *testing.T) {
	u := newBench(t).person("ann")
	u.caller.Zone = "Asia/Karachi"
	row := u.do(AddTask, m{"title": "Call", "due": "tomorrow at 9am"})["task"].(m)
	same(t, "due", row["due"], any(m{"date": "2026-11-26", "time": "09:00", "time_zone": "Asia/Karachi"}))
	u.settings(func(s *tandem.Settings) { s.TimeZone = "Asia/Karachi" })
	row = u.do(AddTask, m{"title": "Call again", "due": "tomorrow at 9am"})["task"].(m)
	same(t, "due at home", row["due"], any(m{"date": "2026-11-26", "time": "09:00"}))
	same(t, "instant", row["due_date"], any("2026-11-26T04:00:00Z"))
}

func TestAdd_FixedMoment(t *testing.T) {
	u := newBench(t).person("ann")
	u.caller.Now = noon.AddDate(0, 0, -1)
	row := u.do(AddTask, m{"title": "Call", "due": "tomorrow"})["task"].(m)
	same(t, "due", row["due"], any(m{"date": "2026-11-25"}))
}

func TestAdd_Items(t *testing.T) {
	u := newBench(t).person("ann")
	items := make([]any, 100)
	for i := range items {
		items[i] = m{"title": fmt.Sprintf("Item %03d", i), "tags": []string{"bulk"}}
	}
	got := u.do(AddTask, m{"items": items, "time_zone": "Asia/Karachi"})
	same(t, "rows", len(got["tasks"].([]any)), 100)
	same(t, "seq", got["seq"], any(1.0))
	same(t, "message", got["message"], any(`Added 100 tasks: "Item 000" (1); "Item 001" (2); "Item 002" (3); "Item 003" (4); "Item 004" (5); and 95 more.`))
	same(t, "listed", len(u.rows(m{"limit": 100})), 100)
}

func TestAdd_Duplicates(t *testing.T) {
	b := newBench(t)
	u := b.person("ann")
	u.add("Buy milk")
	second := u.do(AddTask, m{"title": "buy MILK"})
	same(t, "number", second["task_id"], any(2.0))
	if len(second["warnings"].([]any)) != 1 {
		t.Errorf("the twin is not named: %v", second)
	}
	reused := u.do(AddTask, m{"title": "Buy milk", "on_duplicate": "reuse"})
	same(t, "status", reused["status"], any("reused"))
	same(t, "asked soon after", u.do(AddTask, m{"title": "Buy milk", "on_duplicate": "ask"})["status"], any("reused"))
	b.pass(3 * time.Minute)
	e := u.refused(tandem.CodeAmbiguous, AddTask, m{"title": "Buy milk", "on_duplicate": "ask"})
	same(t, "candidates", len(e.Details.Candidates), 1)
	same(t, "allowed", e.Details.Allowed, []string{"create", "reuse"})
	same(t, "tasks", len(u.rows(nil)), 2)

	agent := u
	agent.caller.Kind = Agent
	agent.refused(tandem.CodeAmbiguous, AddTask, m{"title": "Buy milk"})
}

func TestAdd_UIDNamesOneTask(t *testing.T) {
	b := newBench(t)
	ann, bob, uid := b.person("ann"), b.person("bob"), tandem.NewID()
	ann.do(AddTask, m{"title": "Mine", "uid": uid})
	ann.refused(tandem.CodeConflict, AddTask, m{"title": "Another", "uid": uid})
	same(t, "another user's", bob.do(AddTask, m{"title": "His", "uid": uid})["uid"], any(uid))
}
