package intake

import (
	"archive/zip"
	"bytes"
	"encoding/json"
	"fmt"
	"html"
	"io"
	"iter"
	"regexp"
	"strings"
	"time"

	"tandem"
)

// vikunjaTask is a task of the export and of the API.
type vikunjaTask struct {
	ID          id     `json:"id"`
	Title       string `json:"title"`
	Description string `json:"description"` // HTML
	Done        bool   `json:"done"`
	DoneAt      string `json:"done_at"`
	DueDate     string `json:"due_date"`
	Created     string `json:"created"`
	Priority    int    `json:"priority"`     // 0 unset, 1 low … 4 urgent, 5 do now
	RepeatAfter int64  `json:"repeat_after"` // seconds
	RepeatMode  int    `json:"repeat_mode"`  // 0 after the due date, 1 monthly, 2 after completion
	Labels      []struct {
		Title string `json:"title"`
	} `json:"labels"`
	Reminders []struct {
		Reminder       string `json:"reminder"`
		RelativeTo     string `json:"relative_to"`
		RelativePeriod int64  `json:"relative_period"` // seconds, negative: before
	} `json:"reminders"`
	Comments []struct {
		Comment string `json:"comment"`
	} `json:"comments"`
	Related map[string][]struct {
		Title string `json:"title"`
	} `json:"related_tasks"`
}

// vikunja reads a user's export, a zip file or the data.json in it, or a list of tasks as the API answers it.
func vikunja(data []byte) (iter.Seq2[row, error], error) {
	if bytes.HasPrefix(data, []byte("PK")) {
		var err error
		if data, err = packed(data, "data.json"); err != nil {
			return nil, errUnreadable("export of Vikunja", err)
		}
	}
	list, err := part{raw: data}.elements()
	if err != nil {
		return nil, errUnreadable("export of Vikunja", err)
	}
	return func(yield func(row, error) bool) {
		lines := liner{data: data}
		for _, p := range list {
			for _, task := range tasksOf(p) {
				if !yield(vikunjaRow(lines.lineOf(task.at), task.part, task.project)) {
					return
				}
			}
		}
	}, nil
}

// placed is a task with the title of its project.
type placed struct {
	part
	project string
}

// tasksOf gives the tasks of a project; what is no project is taken for a task.
func tasksOf(p part) []placed {
	members, err := p.members()
	tasks, isProject := members["tasks"]
	if err != nil || !isProject {
		return []placed{{part: p}}
	}
	var project string
	_ = json.Unmarshal(members["title"].raw, &project)
	list, _ := tasks.elements() // null for a project without tasks
	out := make([]placed, len(list))
	for i, task := range list {
		out[i] = placed{task, project}
	}
	return out
}

// packed gives a file of an archive.
func packed(archive []byte, name string) ([]byte, error) {
	z, err := zip.NewReader(bytes.NewReader(archive), int64(len(archive)))
	if err != nil {
		return nil, err
	}
	f, err := z.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err == nil && len(data) > maxFile {
		err = fmt.Errorf("%s has more than %d MiB", name, maxFile>>20)
	}
	return data, err
}

func vikunjaRow(line int, p part, project string) (row, error) {
	r := row{line: line}
	var t vikunjaTask
	if err := json.Unmarshal(p.raw, &t); err != nil {
		return r, tandem.Invalid("row", nil, "This is no task of Vikunja.").Because(err)
	}
	r.key, r.title, r.description = string(t.ID), t.Title, plainText(t.Description)
	r.priority = vikunjaRanks[max(0, min(t.Priority, len(vikunjaRanks)-1))]
	for _, l := range t.Labels {
		r.tags = append(r.tags, l.Title)
	}
	if project != "" && project != "Inbox" {
		r.tags = append(r.tags, project)
	}
	for _, parent := range t.Related["parenttask"] {
		r.notes = append(r.notes, "Part of: "+parent.Title)
	}
	for _, c := range t.Comments {
		r.notes = append(r.notes, plainText(c.Comment))
	}
	r.created, r.completed, r.at = instant(t.Created), instant(t.DoneAt), instant(t.DueDate)
	r.done = t.Done
	t.repeat(&r)
	for _, m := range t.Reminders {
		if at := instant(m.Reminder); m.RelativeTo == "due_date" && m.RelativePeriod <= 0 {
			r.before = append(r.before, time.Duration(-m.RelativePeriod)*time.Second)
		} else if at != nil {
			r.remindAt = append(r.remindAt, tandem.DueAt(*at, "UTC"))
		}
	}
	return r, nil
}

var vikunjaRanks = []tandem.Priority{
	tandem.PriorityMedium, tandem.PriorityLow, tandem.PriorityMedium, tandem.PriorityHigh, tandem.PriorityUrgent, tandem.PriorityUrgent,
}

// repeat reads a repetition in seconds. Without a due date there is nothing that it could repeat.
func (t vikunjaTask) repeat(r *row) {
	const day = 24 * 60 * 60
	switch {
	case r.at == nil, t.RepeatAfter <= 0 && t.RepeatMode != 1:
		return
	case t.RepeatMode == 1:
		r.rule = "FREQ=MONTHLY"
		return
	case t.RepeatAfter%(7*day) == 0:
		r.rule = fmt.Sprintf("FREQ=WEEKLY;INTERVAL=%d", t.RepeatAfter/(7*day))
	case t.RepeatAfter%day == 0:
		r.rule = fmt.Sprintf("FREQ=DAILY;INTERVAL=%d", t.RepeatAfter/day)
	default:
		r.rule = fmt.Sprintf("every %s", time.Duration(t.RepeatAfter)*time.Second)
	}
	if t.RepeatMode == 2 {
		r.from = tandem.FromCompletion
	}
}

var (
	htmlBreak = regexp.MustCompile(`(?i)<br\s*/?>|</(p|div|li|h[1-6]|tr|blockquote|pre)>`)
	htmlItem  = regexp.MustCompile(`(?i)<li[^>]*>`)
	htmlTag   = regexp.MustCompile(`(?i)</?[a-z][^>]*>`)
	manyLines = regexp.MustCompile(`\n{3,}`)
)

// plainText takes the markup off a text. One without markup stays as it is.
func plainText(s string) string {
	if !htmlTag.MatchString(s) {
		return s
	}
	s = htmlItem.ReplaceAllString(htmlBreak.ReplaceAllString(s, "\n"), "- ")
	return strings.TrimSpace(manyLines.ReplaceAllString(html.UnescapeString(htmlTag.ReplaceAllString(s, "")), "\n\n"))
}
