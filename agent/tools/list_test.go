package tools

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"tandem"
)

// garden is a small, varied list.
func garden(u user) {
	u.do(AddTask, m{"title": "Water plants", "priority": "low", "tags": []string{"home", "garden"}, "description": "every fern"})
	u.do(AddTask, m{"title": "Buy ferns", "priority": "urgent", "tags": []string{"shop", "garden"}})
	u.do(AddTask, m{"title": "Call mom", "priority": "high", "tags": []string{"family"}, "description": "ask about the plants"})
	u.do(AddTask, m{"title": "Pay rent", "tags": []string{"home"}})
	u.do(CompleteTask, m{"task_id": u.do(AddTask, m{"title": "Old one"})["task_id"]})
	u.do(DeleteTask, m{"task_id": u.do(AddTask, m{"title": "Gone"})["task_id"]})
}

func TestList_Filters(t *testing.T) {
	u := newBench(t).person("ann")
	garden(u)
	for _, tt := range []struct {
		args m
		want []string
	}{
		{nil, []string{"Water plants", "Buy ferns", "Call mom", "Pay rent", "Old one"}},
		{m{"status": "all"}, []string{"Water plants", "Buy ferns", "Call mom", "Pay rent", "Old one"}},
		{m{"status": "pending"}, []string{"Water plants", "Buy ferns", "Call mom", "Pay rent"}},
		{m{"status": "incomplete", "tags": []string{"home"}}, []string{"Water plants", "Pay rent"}},
		{m{"status": "completed"}, []string{"Old one"}},
		{m{"status": "complete"}, []string{"Old one"}},
		{m{"status": "deleted"}, []string{"Gone"}},
		{m{"priority": "urgent"}, []string{"Buy ferns"}},
		{m{"tags": []string{" #Garden "}}, []string{"Water plants", "Buy ferns"}},
		{m{"tags_any": []string{"#shop"}}, []string{"Buy ferns"}},
		{m{"tags": []string{"GARDEN"}}, []string{"Water plants", "Buy ferns"}},
		{m{"tags": []string{"garden", "home"}}, []string{"Water plants"}},
		{m{"tags_any": []string{"shop", "family"}}, []string{"Buy ferns", "Call mom"}},
		{m{"tags": []string{"absent"}}, []string{}},
		{m{"tags_any": []string{"absent"}}, []string{}},
		{m{"tags_any": []string{}}, []string{}},
		{m{"tags": []string{}}, []string{"Water plants", "Buy ferns", "Call mom", "Pay rent", "Old one"}},
		{m{"ids": []any{1, "3", 99}}, []string{"Water plants", "Call mom"}},
		{m{"ids": []any{}}, []string{}},
		{m{"search": "mom"}, []string{"Call mom"}},
		{m{"search": `"the plants"`}, []string{"Call mom"}},
		{m{"search": "plants -mom"}, []string{"Water plants"}},
		{m{"search": ""}, []string{"Water plants", "Buy ferns", "Call mom", "Pay rent", "Old one"}},
		{m{"search": "plants", "priority": "high"}, []string{"Call mom"}},
		{m{"query": "tag:garden priority:urgent"}, []string{"Buy ferns"}},
		{m{"query": "tag:shop,family"}, []string{"Buy ferns", "Call mom"}},
		{m{"query": "due:none tag:home"}, []string{"Water plants", "Pay rent"}},
		{m{"query": "tag:home rent"}, []string{"Pay rent"}},
		{m{"query": "status:completed"}, []string{"Old one"}},
		{m{"query": "status:completed", "status": "all"}, []string{"Old one"}},
		{m{"query": "status:completed", "status": "pending"}, []string{}},
		{m{"query": "status:deleted", "ids": []any{6}}, []string{"Gone"}},
		{m{"query": "priority:high,urgent", "priority": "high"}, []string{"Call mom"}},
		{m{"query": "priority:high,urgent", "priority": "low", "ids": []any{1}}, []string{}},
		{m{"query": "sort:-title status:pending"}, []string{"Water plants", "Pay rent", "Call mom", "Buy ferns"}},
		{m{"query": "sort:-title status:pending", "sort_by": "title"}, []string{"Buy ferns", "Call mom", "Pay rent", "Water plants"}},
		{m{"sort_by": "priority", "sort_order": "desc", "limit": 2}, []string{"Buy ferns", "Call mom"}},
		{m{"offset": 3}, []string{"Pay rent", "Old one"}},
		{m{"op_id": "ignored", "dry_run": true, "user_id": "ann", "status": "completed"}, []string{"Old one"}},
	} {
		same(t, fmt.Sprint(tt.args), u.titles(tt.args), tt.want)
	}
}

func TestList_BothReadings(t *testing.T) {
	u := newBench(t).person("ann")
	garden(u)
	res, err := u.tb.Call(t.Context(), u.caller, ListTasks, nil)
	if err != nil {
		t.Fatal(err)
	}
	later := decoded(t, res.Structured)
	same(t, "success and count", []any{later["success"], later["total_count"], later["message"]}, []any{true, 5.0, "5 tasks."})
	var earlierRows []m
	if err := json.Unmarshal([]byte(res.Text), &earlierRows); err != nil {
		t.Fatal(err)
	}
	for i, row := range later["tasks"].([]any) {
		for _, key := range []string{"id", "title", "completed"} {
			same(t, key, earlierRows[i][key], row.(m)[key])
		}
	}
	res, err = u.tb.Call(t.Context(), u.caller, ListTasks, json.RawMessage(`{"tags":["absent"]}`))
	if err != nil || res.Text != "[]" {
		t.Errorf("an empty list is %s, %v", res.Text, err)
	}
}

func TestList_DueDates(t *testing.T) {
	u := newBench(t).person("ann")
	for title, due := range map[string]any{
		"late": "2026-11-24", "earlier": "2026-11-25T09:00", "today": "2026-11-25", "tomorrow": "2026-11-26", "sunday": "2026-11-29", "monday": "2026-11-30",
		"next month": "2026-12-01", "far": "2031-05-05T12:00:00Z",
	} {
		u.do(AddTask, m{"title": title, "due": due})
	}
	u.add("undated")
	for _, tt := range []struct {
		args m
		want []string
	}{
		{m{"due_date_filter": "overdue"}, []string{"late", "earlier"}},
		{m{"due_date_filter": "today"}, []string{"earlier", "today"}},
		{m{"due_date_filter": "tomorrow"}, []string{"tomorrow"}},
		{m{"due_date_filter": "this_week"}, []string{"late", "earlier", "today", "tomorrow", "sunday"}},
		{m{"due_date_filter": "this_month", "due_from": "today"}, []string{"earlier", "today", "tomorrow", "sunday", "monday"}},
		{m{"due_date_filter": "none"}, []string{"undated"}},
		{m{"due_from": "2031-05-04T00:00:00Z", "due_to": "2031-05-06T00:00:00Z"}, []string{"far"}},
		{m{"due_from": "2026-12-01"}, []string{"next month", "far"}},
		{m{"due_to": "2026-11-25"}, []string{"late", "earlier", "today"}},
		{m{"due_to": "tomorrow", "due_from": "tomorrow"}, []string{"tomorrow"}},
		{m{"query": "due:this_week", "due_from": "2026-11-26"}, []string{"tomorrow", "sunday"}},
		{m{"query": "due:2026-11-29..2026-11-30"}, []string{"sunday", "monday"}},
		{m{"due_date_filter": "today", "query": "due:tomorrow"}, []string{}},
		{m{"due_date_filter": "tomorrow", "time_zone": "Pacific/Kiritimati"}, []string{"tomorrow"}},
	} {
		args := m{"sort_by": "due_date"}
		maps.Copy(args, tt.args)
		same(t, fmt.Sprint(tt.args), u.titles(args), tt.want)
	}
}

func TestList_Refuses(t *testing.T) {
	u := newBench(t).person("ann")
	u.add("One")
	for _, tt := range []struct {
		field string
		value any
	}{
		{"status", "purple"},
		{"status", 5},
		{"priority", "purple"},
		{"sort_by", "purple"},
		{"sort_by", "rank"},
		{"sort_order", "purple"},
		{"due_date_filter", "purple"},
		{"due_date_filter", "2026-11-25"},
		{"due_from", "2031-02-30"},
		{"due_to", "purple"},
		{"as_of", "purple"},
		{"time_zone", "Mars/Olympus"},
		{"query", "priority:purple"},
		{"query", "due:purple"},
		{"query", strings.Repeat("a", 501)},
		{"search", strings.Repeat("a", 501)},
		{"search", 5},
		{"tags", "home"},
		{"tags_any", []any{5}},
		{"limit", 0},
		{"limit", 101},
		{"limit", 1.5},
		{"limit", "ten"},
		{"offset", -1},
		{"expand", 0},
		{"expand", 51},
		{"ids", make([]int, 101)},
		{"ids", []any{"x"}},
		{"ids", 5},
		{"cursor", "nonsense"},
		{"cursor", "eyJhIjoxfQ"},
		{"cursor", strings.Repeat("x", 5000)},
		{"cursor", "../../etc/passwd"},
		{"colour", "red"},
		{"search", nil},
	} {
		e := u.refused(tandem.CodeInvalid, ListTasks, m{tt.field: tt.value})
		same(t, fmt.Sprint(tt.value), e.Details.Field, tt.field)
	}
	for field, allowed := range map[string]string{"status": "pending", "sort_by": "due_date", "sort_order": "asc", "due_date_filter": "overdue", "priority": "urgent"} {
		if e := u.refused(tandem.CodeInvalid, ListTasks, m{field: "purple"}); !slices.Contains(e.Details.Allowed, allowed) {
			t.Errorf("%s: allowed is %v", field, e.Details.Allowed)
		}
	}
	u.refused(tandem.CodeInvalid, ListTasks, m{"search": "one", "query": "two"})
}

func TestList_Pages(t *testing.T) {
	u := newBench(t).person("ann")
	items := make([]any, 60)
	want := make([]string, len(items))
	for i := range items {
		want[i] = fmt.Sprintf("Task %02d", i)
		items[i] = m{"title": want[i]}
	}
	u.do(AddTask, m{"items": items})
	for _, order := range []string{"asc", "desc"} {
		args := m{"sort_by": "title", "sort_order": order, "limit": 7}
		var got []string
		for {
			page := u.do(ListTasks, args)
			same(t, "total", page["total_count"], any(60.0))
			for _, row := range page["tasks"].([]any) {
				got = append(got, row.(m)["title"].(string))
			}
			cursor, more := page["next_cursor"]
			if !more {
				break
			}
			args["cursor"] = cursor
		}
		same(t, order, got, want)
		slices.Reverse(want)
	}
	same(t, "default page", len(u.rows(nil)), 50)
	same(t, "message", u.do(ListTasks, nil)["message"], any("50 of 60 tasks."))
}

func TestList_CursorBelongsToItsList(t *testing.T) {
	b := newBench(t)
	u := b.person("ann")
	u.do(AddTask, m{"items": []any{m{"title": "a"}, m{"title": "b"}, m{"title": "c", "priority": "high"}}})
	first := u.do(ListTasks, m{"sort_by": "title", "limit": 1})
	cursor := first["next_cursor"]
	u.do(ListTasks, m{"sort_by": "title", "limit": 2, "cursor": cursor})
	for _, other := range []m{{}, {"sort_by": "priority"}, {"sort_by": "title", "sort_order": "desc"}, {"sort_by": "title", "priority": "high"}} {
		other["cursor"] = cursor
		u.refused(tandem.CodeInvalid, ListTasks, other)
	}
	stranger := b.person("bob")
	stranger.add("b of bob")
	same(t, "another user's list", stranger.titles(m{"sort_by": "title", "limit": 1, "cursor": cursor}), []string{"b of bob"})
	var place mark
	raw, err := base64.RawURLEncoding.DecodeString(cursor.(string))
	if err != nil || json.Unmarshal(raw, &place) != nil {
		t.Fatal(cursor, err)
	}
	place.UID = ""
	nowhere, _ := json.Marshal(place)
	u.refused(tandem.CodeInvalid, ListTasks, m{"sort_by": "title", "cursor": base64.RawURLEncoding.EncodeToString(nowhere)})
	forged, _ := json.Marshal(mark{Position: tandem.Position{Key: "a", UID: "' or 1=1 --"}, Sort: tandem.SortTitle, List: "000000000000"})
	u.refused(tandem.CodeInvalid, ListTasks, m{"sort_by": "title", "cursor": base64.RawURLEncoding.EncodeToString(forged)})
}

func TestList_CursorIsStableUnderChange(t *testing.T) {
	u := newBench(t).person("ann")
	for i := range 10 {
		u.add(fmt.Sprintf("Task %d", i))
	}
	first := u.do(ListTasks, m{"sort_by": "title", "limit": 5})
	u.add("Task  new at the front")
	u.do(DeleteTask, m{"task_id": 1})
	same(t, "the second page", u.titles(m{"sort_by": "title", "limit": 5, "cursor": first["next_cursor"]}),
		[]string{"Task 5", "Task 6", "Task 7", "Task 8", "Task 9"})
}

func TestList_Expand(t *testing.T) {
	u := newBench(t).person("ann")
	u.do(AddTask, m{"title": "Weekly", "due": "2031-05-05T09:00", "recurrence": "FREQ=WEEKLY;BYDAY=MO;COUNT=4"})
	u.do(AddTask, m{"title": "After", "due": "2031-05-05T09:00", "recurrence": "FREQ=DAILY;INTERVAL=3", "repeat_from": "completion"})
	u.add("Plain")
	for i, want := range [][]any{
		{"2031-05-12T09:00:00Z", "2031-05-19T09:00:00Z", "2031-05-26T09:00:00Z"},
		{"2031-05-08T09:00:00Z", "2031-05-11T09:00:00Z", "2031-05-14T09:00:00Z", "2031-05-17T09:00:00Z", "2031-05-20T09:00:00Z"},
	} {
		same(t, "occurrences", u.rows(m{"expand": 5})[i]["occurrences"], any(want))
	}
	if _, some := u.rows(m{"expand": 5})[2]["occurrences"]; some {
		t.Error("a plain task has occurrences")
	}
}

func TestList_AsOf(t *testing.T) {
	b := newBench(t)
	u := b.person("ann")
	u.add("One")
	b.pass(50 * time.Millisecond)
	then := b.clock().Format("2006-01-02T15:04:05.000-07:00")
	b.pass(50 * time.Millisecond)
	u.do(UpdateTask, m{"task_id": 1, "title": "Renamed"})
	u.add("Two")
	u.do(DeleteTask, m{"task_id": 1})
	same(t, "then", u.titles(m{"as_of": then}), []string{"One"})
	same(t, "now", u.titles(nil), []string{"Two"})
	same(t, "before everything", u.titles(m{"as_of": "2026-11-20"}), []string{})
	same(t, "before the memory", u.refused(tandem.CodeInvalid, ListTasks, m{"as_of": "2020-01-01T00:00:00Z"}).Details.Field, "as_of")
	same(t, "in the future", u.titles(m{"as_of": "2031-01-01T00:00:00Z"}), []string{"Two"})
}

func TestList_NearMissesAreMarked(t *testing.T) {
	u := newBench(t).person("ann")
	u.add("Water plants")
	got := u.do(ListTasks, m{"search": "plamts"})
	if got["fuzzy"] != true || got["total_count"] != 1.0 || got["tasks"].([]any)[0].(m)["fuzzy"] != true {
		t.Errorf("near misses are not marked: %v", got)
	}
	same(t, "message", got["message"], any("Nothing matches; 1 task is similar."))
	got = u.do(ListTasks, m{"search": "plants"})
	if _, marked := got["fuzzy"]; marked {
		t.Errorf("a match is marked: %v", got)
	}
}

func TestList_ProvenanceIsShownByID(t *testing.T) {
	u := newBench(t).person("ann")
	u.add("One")
	u.do(UpdateTask, m{"task_id": 1, "priority": "high", "op_id": "op"})
	origin := u.task(1)["provenance"].(m)["priority"].(m)
	same(t, "origin", []any{origin["op_id"], origin["actor"]}, []any{"op", "user"})
	if _, shown := u.rows(nil)[0]["provenance"]; shown {
		t.Error("a plain list shows provenance")
	}
}
