package planner

import (
	"context"
	"encoding/json"
	"iter"
	"slices"

	"tandem"
	"tandem/agent"
	"tandem/agent/phrase"
)

// Planner is the model that needs no key. It may be used by any number of turns at once.
type Planner struct{}

// New makes a Planner.
func New() *Planner { return &Planner{} }

// Engine names the kind of model.
func (*Planner) Engine() string { return "planner" }

// Stream plans one round: it ends with the next list to read, with all writes, with a question, or with the reply. It gives no
// error but that of ctx.
func (*Planner) Stream(ctx context.Context, r agent.Request) iter.Seq2[agent.Event, error] {
	return func(yield func(agent.Event, error) bool) {
		if err := ctx.Err(); err != nil {
			yield(agent.Event{}, err)
			return
		}
		for _, e := range round(r).events() {
			if !yield(e, nil) {
				return
			}
		}
	}
}

// outcome is what a round comes to: calls, or a question, or text.
type outcome struct {
	calls    []call
	question *question
	text     string
}

func (o outcome) events() []agent.Event {
	var out []agent.Event
	switch {
	case len(o.calls) > 0:
		for _, c := range o.calls {
			out = append(out, agent.Event{Call: &agent.Call{Tool: c.tool, Arguments: encode(c.args)}})
		}
	case o.question != nil && o.question.tool != "":
		q := o.question
		out = append(out, agent.Event{Question: &agent.Question{Tool: q.tool, Args: encode(q.args), Candidates: q.candidates, Text: q.text}})
	case o.question != nil:
		out = append(out, agent.Event{Text: o.question.text})
	default:
		out = append(out, agent.Event{Text: o.text})
	}
	return out
}

// call is one tool call with typed arguments.
type call struct {
	tool string
	args any
}

// The tools.
const (
	addTask      = "add_task"
	listTasks    = "list_tasks"
	completeTask = "complete_task"
	deleteTask   = "delete_task"
	updateTask   = "update_task"
)

// encode writes arguments of ours, which cannot fail.
func encode(v any) json.RawMessage {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return b
}

// round plans one round of a turn.
func round(r agent.Request) outcome {
	t := turnOf(r.Messages)
	options := phrase.OptionsFor(r.Settings)
	options.Locale = phrase.LanguageOf(t.text, phrase.LanguageOf(t.last.text, r.Settings.Locale))
	options.Settled = true
	p := &planning{
		now: r.Now.In(r.Zone), zone: r.Zone, options: options, tongue: tongues[options.Locale], settings: r.Settings,
		focus: r.Focus, shown: r.Shown, recorded: t.recorded, group: t.last.named,
	}
	return p.run(p.follow(t.text, t.last))
}

// turn is what the transcript holds of this turn.
type turn struct {
	text     string
	recorded []record
	last     exchange
}

// record is a call of this turn with its result.
type record struct {
	tool   string
	result result
}

// turnOf reads the person's newest words, and the calls that came after them.
func turnOf(messages []agent.Message) turn {
	at := -1
	for i, m := range messages {
		if m.Role == agent.RoleUser {
			at = i
		}
	}
	if at < 0 {
		return turn{}
	}
	t := turn{text: messages[at].Text, last: exchangeOf(messages[:at])}
	for _, m := range messages[at+1:] {
		for _, c := range m.Calls {
			t.recorded = append(t.recorded, record{c.Tool, resultFor(messages[at+1:], c.ID)})
		}
	}
	return t
}

func resultFor(messages []agent.Message, id string) result {
	i := slices.IndexFunc(messages, func(m agent.Message) bool { return m.Role == agent.RoleTool && m.CallID == id })
	if i < 0 {
		return result{}
	}
	return readResult(messages[i].Result)
}

func readResult(raw json.RawMessage) (r result) {
	// A result of another shape names no task and is no success.
	_ = json.Unmarshal(raw, &r)
	return r
}

// result is what the planner looks at in a tool's answer.
type result struct {
	Success  bool             `json:"success"`
	Status   string           `json:"status"`
	Message  string           `json:"message"`
	Error    string           `json:"error"`
	Total    int              `json:"total_count"`
	Fuzzy    bool             `json:"fuzzy"`
	Task     *tandem.TaskRow  `json:"task"`
	Tasks    []tandem.TaskRow `json:"tasks"`
	Warnings []string         `json:"warnings"`
	Details  tandem.Details   `json:"details"`
}

// rows gives the tasks that a result names.
func (r result) rows() []tandem.TaskRow {
	if len(r.Tasks) == 0 && r.Task != nil {
		return []tandem.TaskRow{*r.Task}
	}
	return r.Tasks
}
