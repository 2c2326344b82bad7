package intake

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"iter"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"tandem"
)

// todoistTask is a task of the Sync API, the REST API and the unified API in one: a member is set in the ones that have it.
type todoistTask struct {
	ID          id          `json:"id"`
	Project     id          `json:"project_id"`
	Section     id          `json:"section_id"`
	Parent      id          `json:"parent_id"`
	Content     string      `json:"content"`
	Description string      `json:"description"`
	Priority    int         `json:"priority"` // 4 is the most pressing
	Labels      []string    `json:"labels"`
	Due         *todoistDue `json:"due"`
	Deadline    *todoistDue `json:"deadline"`
	Checked     flag        `json:"checked"`
	IsCompleted flag        `json:"is_completed"`
	IsDeleted   flag        `json:"is_deleted"`
	AddedAt     string      `json:"added_at"`
	CreatedAt   string      `json:"created_at"`
	CompletedAt string      `json:"completed_at"`
}

type todoistDue struct {
	Date      string `json:"date"` // a day, a clock time, or an instant
	DateTime  string `json:"datetime"`
	TimeZone  string `json:"timezone"`
	Words     string `json:"string"`
	Language  string `json:"lang"`
	Recurring flag   `json:"is_recurring"`
}

// todoistNames are what tasks refer to.
type todoistNames struct {
	projects  map[id]string
	sections  map[id]string
	tasks     map[id]string
	notes     map[id][]string
	reminders map[id][]todoistReminder
}

type todoistReminder struct {
	Task   id          `json:"item_id"`
	Offset *int        `json:"minute_offset"`
	Due    *todoistDue `json:"due"`
}

// todoistJSON reads what the APIs answer: an object with items and what they refer to, a page of results, or a list of tasks.
func todoistJSON(data []byte) (iter.Seq2[row, error], error) {
	names := todoistNames{
		projects: map[id]string{}, sections: map[id]string{}, tasks: map[id]string{}, notes: map[id][]string{}, reminders: map[id][]todoistReminder{},
	}
	list, err := names.items(part{raw: data})
	if err != nil {
		return nil, errUnreadable("export of Todoist", err)
	}
	tasks := make([]todoistTask, len(list))
	faults := make([]error, len(list))
	for i, p := range list {
		faults[i] = json.Unmarshal(p.raw, &tasks[i])
		names.tasks[tasks[i].ID] = tasks[i].Content
	}
	return func(yield func(row, error) bool) {
		lines := liner{data: data}
		for i, t := range tasks {
			r := row{line: lines.lineOf(list[i].at)}
			err := faults[i]
			if err != nil {
				err = tandem.Invalid("row", nil, "This is no task of Todoist.").Because(err)
			} else {
				t.fill(&r, names)
			}
			if !bool(t.IsDeleted) && !yield(r, err) {
				return
			}
		}
	}, nil
}

// items gives the tasks of an answer, and learns what else stands in it.
func (n *todoistNames) items(top part) ([]part, error) {
	if list, err := top.elements(); err == nil {
		return list, nil
	}
	members, err := top.members()
	if err != nil {
		return nil, err
	}
	n.learn(members)
	var list []part
	for _, name := range []string{"items", "tasks", "results", "completed_items"} {
		if p, ok := members[name]; ok {
			more, err := p.elements()
			if err != nil {
				return nil, err
			}
			list = append(list, more...)
		}
	}
	slices.SortFunc(list, func(a, b part) int { return a.at - b.at }) // as they stand in the file: lines are counted once
	return list, nil
}

// learn reads what tasks refer to. What does not fit is left out: the tasks are worth more than it.
func (n *todoistNames) learn(members map[string]part) {
	var named []struct {
		ID   id     `json:"id"`
		Name string `json:"name"`
	}
	for name, into := range map[string]map[id]string{"projects": n.projects, "sections": n.sections} {
		named = nil
		_ = json.Unmarshal(members[name].raw, &named)
		for _, x := range named {
			into[x.ID] = x.Name
		}
	}
	var notes []struct {
		Task    id     `json:"item_id"`
		Content string `json:"content"`
	}
	_ = json.Unmarshal(members["notes"].raw, &notes)
	for _, x := range notes {
		n.notes[x.Task] = append(n.notes[x.Task], x.Content)
	}
	var reminders []todoistReminder
	_ = json.Unmarshal(members["reminders"].raw, &reminders)
	for _, x := range reminders {
		n.reminders[x.Task] = append(n.reminders[x.Task], x)
	}
}

// todoistRanks are the priorities of the API, from 1 on.
var todoistRanks = []tandem.Priority{tandem.PriorityLow, tandem.PriorityMedium, tandem.PriorityHigh, tandem.PriorityUrgent}

func (t todoistTask) fill(r *row, names todoistNames) {
	r.key, r.title, r.description, r.tags = string(t.ID), t.Content, t.Description, slices.Clone(t.Labels)
	if t.Priority >= 1 && t.Priority <= len(todoistRanks) {
		r.priority = todoistRanks[t.Priority-1]
	}
	for _, name := range []string{names.projects[t.Project], names.sections[t.Section]} {
		if name != "" && name != "Inbox" {
			r.tags = append(r.tags, name)
		}
	}
	if parent := names.tasks[t.Parent]; parent != "" && t.Parent != "" {
		r.notes = append(r.notes, "Part of: "+parent)
	}
	r.notes = append(r.notes, names.notes[t.ID]...)
	r.created, r.completed = instant(t.AddedAt), instant(t.CompletedAt)
	if r.created == nil {
		r.created = instant(t.CreatedAt)
	}
	r.done = bool(t.Checked || t.IsCompleted) || r.completed != nil
	t.Due.fill(r)
	if t.Deadline != nil && t.Deadline.Date != "" {
		r.notes = append(r.notes, "Deadline: "+t.Deadline.Date)
	}
	for _, x := range names.reminders[t.ID] {
		var own row
		x.Due.fill(&own)
		switch {
		case x.Offset != nil:
			r.before = append(r.before, time.Duration(*x.Offset)*time.Minute)
		case own.at != nil:
			r.remindAt = append(r.remindAt, tandem.DueAt(*own.at, "UTC"))
		case own.due != nil && own.due.Time != "":
			r.remindAt = append(r.remindAt, *own.due)
		}
	}
}

// fill reads a due date; of a repetition, the words say which.
func (d *todoistDue) fill(r *row) {
	if d == nil {
		return
	}
	r.zone = d.TimeZone
	text := d.DateTime
	if text == "" {
		text = d.Date
	}
	if at := instant(text); at != nil {
		r.at = at
	} else if day, clock, _ := strings.Cut(text, "T"); day != "" {
		r.due = &tandem.Due{Date: day, Time: clockOf(clock), TimeZone: d.TimeZone}
	}
	if d.Recurring {
		r.words, r.language = d.Words, d.Language
	}
}

// clockOf writes a clock time without seconds that are none, and without a fraction.
func clockOf(s string) string {
	s, _, _ = strings.Cut(s, ".")
	return strings.TrimSuffix(trimZero(s), ":")
}

// trimZero drops :00 from the end of hh:mm:00.
func trimZero(s string) string {
	if len(s) == len("15:04:05") {
		return strings.TrimSuffix(s, ":00")
	}
	return s
}

// todoistLabel matches a label in the text of a task.
var todoistLabel = regexp.MustCompile(`(^|\s)@([^\s@]+)`)

// todoistCSV reads a backup or template: tasks, the sections above them, and comments below.
func todoistCSV(data []byte) (iter.Seq2[row, error], error) {
	t, err := tableOf(data, "TYPE", "CONTENT")
	if err != nil {
		return nil, errUnreadable("backup of Todoist", err)
	}
	return func(yield func(row, error) bool) {
		var b backup
		for record, err := range t.records() {
			var complete *row
			if err == nil {
				complete, err = b.read(record)
			}
			if complete != nil && !yield(*complete, nil) || err != nil && !yield(row{line: record.line}, err) {
				return
			}
		}
		if b.waiting != nil {
			yield(*b.waiting, nil)
		}
	}, nil
}

// backup turns the lines of a backup into tasks. A task waits for the comments that follow it.
type backup struct {
	section string
	above   []string // titles by depth
	waiting *row
}

// read takes a line, and gives the task that is complete with it.
func (b *backup) read(rec record) (complete *row, err error) {
	switch kind := strings.ToLower(rec.get("TYPE")); kind {
	case "task":
		complete, b.waiting = b.waiting, nil
		r, err := b.task(rec)
		if err == nil {
			b.waiting = &r
		}
		return complete, err
	case "section":
		b.section, b.above = rec.get("CONTENT"), nil
	case "note":
		if b.waiting != nil {
			b.waiting.notes = append(b.waiting.notes, rec.get("CONTENT"))
		}
	case "", "meta":
	default:
		return nil, tandem.Invalid("TYPE", kind, "%q is none of task, section and note.", kind)
	}
	return nil, nil
}

func (b *backup) task(rec record) (row, error) {
	r := row{line: rec.line, description: rec.get("DESCRIPTION"), zone: rec.get("TIMEZONE"), words: rec.get("DATE"), language: rec.get("DATE_LANG")}
	r.title = strings.TrimSpace(todoistLabel.ReplaceAllString(rec.get("CONTENT"), "$1"))
	for _, m := range todoistLabel.FindAllStringSubmatch(rec.get("CONTENT"), -1) {
		r.tags = append(r.tags, m[2])
	}
	if b.section != "" {
		r.tags = append(r.tags, b.section)
	}
	if text := rec.get("PRIORITY"); text != "" { // 1 is the most pressing, other than in the API
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 || n > len(todoistRanks) {
			return r, tandem.Invalid("PRIORITY", text, "A priority is a number from 1 to 4, not %q.", text)
		}
		r.priority = todoistRanks[len(todoistRanks)-n]
	}
	depth := 1
	if text := rec.get("INDENT"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 || n > 10 {
			return r, tandem.Invalid("INDENT", text, "A depth is a number from 1 on, not %q.", text)
		}
		depth = min(n, len(b.above)+1)
	}
	b.above = append(b.above[:depth-1], r.title)
	if depth > 1 {
		r.notes = append(r.notes, "Part of: "+b.above[depth-2])
	}
	if text := rec.get("DURATION"); text != "" && text != "None" {
		r.notes = append(r.notes, fmt.Sprintf("Duration: %s %s", text, rec.get("DURATION_UNIT")))
	}
	if text := rec.get("DEADLINE"); text != "" {
		r.notes = append(r.notes, "Deadline: "+text)
	}
	return r, nil
}

// newReader reads CSV as spreadsheets write it.
func newReader(data string, comma rune) *csv.Reader {
	r := csv.NewReader(strings.NewReader(data))
	r.Comma, r.FieldsPerRecord, r.LazyQuotes, r.TrimLeadingSpace = comma, -1, false, true
	return r
}
