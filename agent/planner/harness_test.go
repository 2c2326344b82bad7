package planner

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
	_ "time/tzdata"

	"tandem"
	"tandem/agent"
)

// scene is a conversation about a list. The moment is Wednesday, 4 March 2026, 10:00 in Berlin.
type scene struct {
	tasks        []tandem.Task
	focus, shown []tandem.Candidate
	refuse       map[string]string // tool → the result that it answers instead
	cut          int               // lists are cut to that many tasks, as long results are
	before       []agent.Message   // earlier turns
}

var berlin = mustZone("Europe/Berlin")

func mustZone(name string) *time.Location {
	loc, err := time.LoadLocation(name)
	if err != nil {
		panic(err)
	}
	return loc
}

var now = time.Date(2026, 3, 4, 10, 0, 0, 0, berlin)

// task makes a task; due is a date, or a date and a clock time.
func task(n int64, title, due string, with ...func(*tandem.Task)) tandem.Task {
	t := tandem.Task{
		Number: n, UID: fmt.Sprintf("0190f3c2-0000-7000-8000-%012d", n), Title: title, Priority: tandem.PriorityMedium,
		CreatedAt: now.Add(time.Duration(n) * time.Minute).Add(-time.Hour * 24 * 30), UpdatedAt: now.Add(-time.Hour * 24),
	}
	if due != "" {
		date, clock, _ := strings.Cut(due, "T")
		t.Due = &tandem.Due{Date: date, Time: clock}
		at := t.Due.At(berlin)
		t.DueAt = &at
	}
	for _, f := range with {
		f(&t)
	}
	return t
}

func done(t *tandem.Task) {
	at := now.Add(-time.Hour)
	t.CompletedAt = &at
}

func deleted(t *tandem.Task) {
	at := now.Add(-time.Hour)
	t.DeletedAt = &at
}

func level(p tandem.Priority) func(*tandem.Task) { return func(t *tandem.Task) { t.Priority = p } }

func tags(list ...string) func(*tandem.Task) { return func(t *tandem.Task) { t.Tags = list } }

// household is the list that most tests speak about.
func household() []tandem.Task {
	return []tandem.Task{
		task(1, "Call mom", ""),
		task(2, "Buy groceries", "2026-03-04", tags("shopping")),
		task(3, "Team meeting", "2026-03-05T09:30", level(tandem.PriorityHigh), tags("work")),
		task(4, "Pay electricity bill", "2026-03-03", level(tandem.PriorityUrgent), tags("bills")),
		task(5, "Book dentist appointment", "", done),
		task(6, "Design meeting", "2026-03-05T16:00", tags("work")),
		task(7, "Old report", "", deleted),
	}
}

// heard is what the planner said in one turn.
type heard struct {
	calls    []string // tool and arguments
	question *agent.Question
	text     string
}

// ask leads one turn to its end.
func (s scene) ask(tb testing.TB, text string) heard {
	tb.Helper()
	r := agent.Request{
		User: "ann", Now: now, Zone: berlin, Settings: settings(), Focus: s.focus, Shown: s.shown,
		Messages: append(slices.Clone(s.before), agent.Message{Role: agent.RoleUser, Text: text}),
	}
	var h heard
	for range 8 {
		if s.round(tb, &r, &h) {
			return h
		}
	}
	tb.Fatalf("%q: the turn does not end: %v", text, h.calls)
	return h
}

func settings() tandem.Settings {
	s := tandem.DefaultSettings()
	s.TimeZone = "Europe/Berlin"
	return s
}

func (s scene) round(tb testing.TB, r *agent.Request, h *heard) (ended bool) {
	tb.Helper()
	said := agent.Message{Role: agent.RoleAssistant}
	var results []agent.Message
	for ev, err := range New().Stream(tb.Context(), *r) {
		switch {
		case err != nil:
			tb.Fatal(err)
		case ev.Question != nil:
			h.question = ev.Question
			return true
		case ev.Call == nil:
			h.text = ev.Text
			return true
		}
		c := *ev.Call
		c.ID = fmt.Sprint("c", len(r.Messages), len(said.Calls))
		h.calls = append(h.calls, c.Tool+" "+string(c.Arguments))
		said.Calls = append(said.Calls, c)
		results = append(results, agent.Message{Role: agent.RoleTool, CallID: c.ID, Name: c.Tool, Result: s.answer(tb, c)})
	}
	r.Messages = append(append(r.Messages, said), results...)
	return false
}

// answer gives what a tool would answer.
func (s scene) answer(tb testing.TB, c agent.Call) json.RawMessage {
	tb.Helper()
	if raw, ok := s.refuse[c.Tool]; ok {
		return json.RawMessage(raw)
	}
	if c.Tool == listTasks {
		return s.list(tb, c.Arguments)
	}
	var args struct {
		which
		Undo  any       `json:"undo"`
		Items []addArgs `json:"items"`
		addArgs
	}
	if err := json.Unmarshal(c.Arguments, &args); err != nil {
		tb.Fatalf("%s: %v", c.Arguments, err)
	}
	var rows []tandem.TaskRow
	for _, task := range s.tasks {
		if task.Number == args.TaskID || slices.Contains(args.IDs, task.Number) {
			rows = append(rows, task.Row())
		}
	}
	for _, d := range append(args.Items, args.addArgs) {
		if c.Tool == addTask && d.Title != "" {
			rows = append(rows, task(int64(100+len(rows)), d.Title, d.Due).Row())
		}
	}
	status := map[string]string{addTask: "created", completeTask: "completed", deleteTask: "deleted", updateTask: "updated"}[c.Tool]
	return encode(map[string]any{"success": true, "status": status, "message": strings.ToUpper(status[:1]) + status[1:] + " it.", "tasks": rows})
}

func (s scene) list(tb testing.TB, raw json.RawMessage) json.RawMessage {
	tb.Helper()
	var a listArgs
	if err := json.Unmarshal(raw, &a); err != nil {
		tb.Fatal(err)
	}
	q := tandem.Query{
		Status: tandem.StatusFilter(a.Status), Tags: a.Tags, Search: tandem.ParseSearch(a.Search), Now: now, Sort: tandem.Sort(a.SortBy),
		Desc: a.SortOrder == "desc", Limit: a.Limit, Offset: a.Offset,
	}
	if a.Priority != "" {
		q.Priority = []tandem.Priority{tandem.Priority(a.Priority)}
	}
	for _, n := range a.IDs {
		q.Refs = append(q.Refs, tandem.TaskRef{Number: n})
	}
	for _, due := range []string{a.Due, strings.Trim(a.DueFrom+".."+a.DueTo, ".")} {
		if due != "" {
			if due != a.Due {
				due = a.DueFrom + ".." + a.DueTo
			}
			if err := q.ApplyDue("due", due, now, berlin, time.Monday); err != nil {
				tb.Fatal(err)
			}
		}
	}
	return s.page(q.Normal())
}

func (s scene) page(q tandem.Query) json.RawMessage {
	var found []tandem.Task
	for _, t := range s.tasks {
		if q.Match(t) {
			found = append(found, t)
		}
	}
	slices.SortStableFunc(found, q.Order)
	rows := []tandem.TaskRow{}
	for _, t := range found[min(q.Offset, len(found)):min(q.Offset+q.Limit, len(found))] {
		if s.cut == 0 || len(rows) < s.cut {
			rows = append(rows, t.Row())
		}
	}
	return encode(map[string]any{"success": true, "tasks": rows, "total_count": len(found)})
}

// writes gives the calls that change something.
func (h heard) writes() []string {
	return slices.DeleteFunc(slices.Clone(h.calls), func(c string) bool { return strings.HasPrefix(c, listTasks) })
}

func mentions(tasks []tandem.Task, numbers ...int64) []tandem.Candidate {
	var out []tandem.Candidate
	for _, n := range numbers {
		i := slices.IndexFunc(tasks, func(t tandem.Task) bool { return t.Number == n })
		out = append(out, tasks[i].Candidate())
	}
	return out
}

// earlier is an earlier turn: what the person said, what came of the last call, and the reply.
func earlier(text, result, reply string) []agent.Message {
	out := []agent.Message{{Role: agent.RoleUser, Text: text}}
	if result != "" {
		out = append(out, agent.Message{Role: agent.RoleAssistant, Calls: []agent.Call{{ID: "e", Tool: addTask}}},
			agent.Message{Role: agent.RoleTool, CallID: "e", Name: addTask, Result: json.RawMessage(result)})
	}
	return append(out, agent.Message{Role: agent.RoleAssistant, Text: reply})
}
