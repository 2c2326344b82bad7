package agent

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"tandem"
)

// The tools of the product. The names are locked.
const (
	addTask      = "add_task"
	listTasks    = "list_tasks"
	completeTask = "complete_task"
	deleteTask   = "delete_task"
	updateTask   = "update_task"
)

func known(tool string) bool {
	return slices.Contains([]string{addTask, listTasks, completeTask, deleteTask, updateTask}, tool)
}

func writes(tool string) bool { return tool != listTasks }

// result is what the loop looks at in a tool's structured answer.
type result struct {
	Success bool             `json:"success"`
	Status  string           `json:"status"`
	Message string           `json:"message"`
	DryRun  bool             `json:"dry_run"`
	Seq     tandem.Seq       `json:"seq"`
	Total   int              `json:"total_count"`
	Task    *tandem.TaskRow  `json:"task"`
	Tasks   []tandem.TaskRow `json:"tasks"`
}

func resultOf(raw json.RawMessage) (r result) {
	_ = json.Unmarshal(raw, &r) // a result of another shape names no task
	return r
}

// rows gives the tasks that a result names.
func (r result) rows() []tandem.TaskRow {
	if len(r.Tasks) == 0 && r.Task != nil {
		return []tandem.TaskRow{*r.Task}
	}
	return r.Tasks
}

// wrote reports that a call really changed something or made sure that it is so.
func wrote(c tandem.ToolCall) bool {
	if c.Status != phaseOK || !writes(c.Tool) {
		return false
	}
	r := resultOf(c.Result)
	return r.Success && !r.DryRun
}

// keep cuts a result to what a message may hold: whole tasks go, from the end, and the cut is marked.
func keep(raw json.RawMessage) json.RawMessage {
	if len(raw) <= tandem.MaxKeptResult {
		return raw
	}
	return shrink(raw, tandem.MaxKeptResult, "truncated")
}

// shrink drops elements of tasks and what else is long until the object fits.
func shrink(raw json.RawMessage, size int, mark string) json.RawMessage {
	var o map[string]json.RawMessage
	if json.Unmarshal(raw, &o) != nil {
		return encode(map[string]bool{mark: true})
	}
	o[mark] = json.RawMessage("true")
	for _, name := range []string{"before", "after", "changes", "interpreted"} {
		if len(encode(o)) <= size {
			return encode(o)
		}
		delete(o, name)
	}
	var tasks []json.RawMessage
	if json.Unmarshal(o["tasks"], &tasks) == nil {
		for len(tasks) > 0 && len(encode(o)) > size {
			over := len(encode(o)) - size
			for len(tasks) > 0 && over > 0 {
				over -= len(tasks[len(tasks)-1]) + 1
				tasks = tasks[:len(tasks)-1]
			}
			o["tasks"] = encode(tasks)
		}
	}
	if len(encode(o)) > size {
		short := map[string]json.RawMessage{mark: o[mark]}
		for _, name := range []string{"success", "status", "task_id", "title", "error", "seq"} {
			if v, ok := o[name]; ok && len(v) < 1000 {
				short[name] = v
			}
		}
		o = short
	}
	return encode(o)
}

// maxModelResult bounds a result in the model's context, in bytes.
const maxModelResult = 16 << 10

// noise is what a model does not need to know of a task, and would pay for.
var noise = []string{
	"id", "uid", "user_id", "series_id", "provenance", "created_at", "updated_at", "deleted_at", "version", "op_id", "before", "after",
	"reminder_id", "recurrence_pattern", "seq",
}

// forModel gives a result as a model reads it: marked as untrusted data, neutralised, and without what only programs need.
func forModel(raw json.RawMessage) json.RawMessage {
	v, err := decode(raw)
	o, ok := v.(map[string]any)
	if err != nil || !ok {
		return json.RawMessage(`{"success":false,"error":"internal"}`)
	}
	if _, bulk := o["tasks"]; bulk {
		delete(o, "task")
	}
	clean := strip(o).(map[string]any)
	clean["untrusted"] = true
	out := encode(clean)
	if len(out) > maxModelResult {
		out = shrink(out, maxModelResult, "more_not_shown")
	}
	return out
}

// strip neutralises every text and leaves out noise and what is empty.
func strip(v any) any {
	switch v := v.(type) {
	case string:
		return Neutral(v)
	case []any:
		for i := range v {
			v[i] = strip(v[i])
		}
		return v
	case map[string]any:
		out := make(map[string]any, len(v))
		for k, e := range v {
			if slices.Contains(noise, k) || empty(e) {
				continue
			}
			out[Neutral(k)] = strip(e)
		}
		return out
	default:
		return v
	}
}

func empty(v any) bool {
	switch v := v.(type) {
	case nil:
		return true
	case string:
		return v == ""
	default:
		return false
	}
}

// Neutral leaves out of a text what could hide or reorder it in a model's copy: control, bidirectional and zero-width
// characters, and the tag characters that spell invisible ASCII. Line breaks and tabs stay.
func Neutral(s string) string {
	if utf8.ValidString(s) && !strings.ContainsFunc(s, hidden) {
		return s
	}
	return strings.Map(func(r rune) rune {
		if hidden(r) {
			return -1
		}
		return r
	}, strings.ToValidUTF8(s, "\uFFFD"))
}

func hidden(r rune) bool {
	switch {
	case r == '\n' || r == '\t':
		return false
	case unicode.IsControl(r) || unicode.Is(unicode.Cf, r) || r == '\u2028' || r == '\u2029':
		return true
	default: // fillers that show nothing, and variation selectors
		return r == '\u034F' || r == '\u115F' || r == '\u1160' || r == '\u3164' || r == '\uFFA0' ||
			r >= 0xFE00 && r <= 0xFE0F || r >= 0xE0100 && r <= 0xE01EF
	}
}

// maxRecalled is how many tasks of an earlier list a model is told again.
const maxRecalled = 20

// recall gives a result of an earlier turn in short.
func recall(raw json.RawMessage) json.RawMessage {
	type short struct {
		TaskID int64       `json:"task_id"`
		Title  string      `json:"title"`
		Due    *tandem.Due `json:"due,omitempty"`
		Done   bool        `json:"completed,omitempty"`
	}
	r, f := resultOf(raw), failureOf(raw)
	o := map[string]any{"success": r.Success, "untrusted": true}
	if f.Error != "" {
		o["error"], o["message"] = f.Error, Neutral(f.Message)
	}
	if r.Status != "" {
		o["status"] = r.Status
	}
	rows := r.rows()
	tasks := []short{}
	for _, t := range rows[:min(len(rows), maxRecalled)] {
		tasks = append(tasks, short{t.TaskID, Neutral(t.Title), t.Due, t.Completed})
	}
	if len(tasks) > 0 {
		o["tasks"] = tasks
	}
	if r.Total > len(tasks) {
		o["total_count"] = r.Total
	}
	return encode(o)
}

// decode reads JSON with its numbers as they are written.
func decode(raw json.RawMessage) (any, error) {
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	var v any
	err := d.Decode(&v)
	return v, err
}

// encode writes a value of ours, or one that was decoded; neither can fail.
func encode(v any) json.RawMessage {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		panic(err)
	}
	return bytes.TrimRight(b.Bytes(), "\n")
}

func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }

// clip shortens text to n characters.
func clip(s string, n int) string {
	if utf8.RuneCountInString(s) <= n {
		return s
	}
	return strings.TrimSpace(string([]rune(s)[:n-1])) + "…"
}
