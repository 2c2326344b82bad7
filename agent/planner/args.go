package planner

import (
	"fmt"

	"tandem"
	"tandem/agent/phrase"
)

// addArgs are the arguments of add_task for one task, or one of items.
type addArgs struct {
	Title       string   `json:"title"`
	Description string   `json:"description,omitempty"`
	Priority    string   `json:"priority,omitempty"`
	Tags        []string `json:"tags,omitempty"`
	Due         string   `json:"due,omitempty"`
	Recurrence  string   `json:"recurrence,omitempty"`
	RepeatFrom  string   `json:"repeat_from,omitempty"`
	Reminders   []string `json:"reminders,omitempty"`
	OnDuplicate string   `json:"on_duplicate,omitempty"`

	past      bool   // the words name a day that has passed
	unsettled string // why words that look like a date settle none
}

// addManyArgs are the arguments of add_task for several tasks.
type addManyArgs struct {
	Items       []addArgs `json:"items"`
	OnDuplicate string    `json:"on_duplicate,omitempty"`
}

// listArgs are the arguments of list_tasks.
type listArgs struct {
	Status    string   `json:"status,omitempty"`
	Search    string   `json:"search,omitempty"`
	Due       string   `json:"due_date_filter,omitempty"`
	DueFrom   string   `json:"due_from,omitempty"`
	DueTo     string   `json:"due_to,omitempty"`
	Priority  string   `json:"priority,omitempty"`
	Tags      []string `json:"tags,omitempty"`
	IDs       []int64  `json:"ids,omitempty"`
	SortBy    string   `json:"sort_by,omitempty"`
	SortOrder string   `json:"sort_order,omitempty"`
	Limit     int      `json:"limit,omitempty"`
	Offset    int      `json:"offset,omitempty"`
}

// which names the tasks of a call: one, or several.
type which struct {
	TaskID int64   `json:"task_id,omitempty"`
	IDs    []int64 `json:"ids,omitempty"`

	number bool // named by the person's number, not looked up
}

func (w which) unseen() []int64 {
	switch {
	case !w.number:
		return nil
	case w.TaskID != 0:
		return []int64{w.TaskID}
	}
	return w.IDs
}

// completeArgs are the arguments of complete_task.
type completeArgs struct {
	which
	Undo bool `json:"undo,omitempty"`
	Skip bool `json:"skip_occurrence,omitempty"`
}

// deleteArgs are the arguments of delete_task.
type deleteArgs struct {
	which
	Scope string `json:"scope,omitempty"`
}

// changeArgs are the arguments of update_task.
type changeArgs struct {
	which
	Title       string   `json:"title,omitempty"`
	Description string   `json:"description,omitempty"`
	Priority    string   `json:"priority,omitempty"`
	TagsAdd     []string `json:"tags_add,omitempty"`
	TagsRemove  []string `json:"tags_remove,omitempty"`
	MoveDue     string   `json:"move_due,omitempty"`
	Recurrence  string   `json:"recurrence,omitempty"`
	RepeatFrom  string   `json:"repeat_from,omitempty"`
	Reminders   []string `json:"reminders,omitempty"`
	Clear       []string `json:"clear,omitempty"`
	Snooze      string   `json:"snooze,omitempty"`
	Restore     bool     `json:"restore,omitempty"`
	Undo        string   `json:"undo,omitempty"`
}

// verb is a call that waits for the tasks it is about.
type verb struct {
	tool string
	// with gives the arguments for the named tasks.
	with func(which) any
	// status is where its tasks are looked for first, and then second.
	status, second string
	sure           bool   // only a high match of the words alone will do
	doing          string // "delete", for questions
}

func (v verb) step(t targets) *step {
	return &step{writes: []call{{v.tool, v.with(t.which())}}, about: t.list}
}

// targets are the tasks that a reference came to.
type targets struct {
	list   []target
	number bool // by number, not looked up
}

// target is one task of a reference; a number has nothing else.
type target struct {
	tandem.Candidate
	row *tandem.TaskRow
}

func (t targets) which() which {
	w := which{number: t.number}
	if len(t.list) == 1 {
		w.TaskID = t.list[0].Number
		return w
	}
	for _, one := range t.list[:min(len(t.list), tandem.MaxBulk)] {
		w.IDs = append(w.IDs, one.Number)
	}
	return w
}

// dueText writes a date as the tools take it.
func dueText(w phrase.When) string {
	switch {
	case w.Time == "":
		return w.Date
	case w.Second != 0:
		return fmt.Sprintf("%sT%s:%02d", w.Date, w.Time, w.Second)
	}
	return w.Date + "T" + w.Time
}
