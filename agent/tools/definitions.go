package tools

import (
	"bytes"
	"context"
	"embed"
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	"tandem"
)

// Names lists the five tools in the order in which they are told.
var Names = []string{AddTask, ListTasks, CompleteTask, DeleteTask, UpdateTask}

// The names of the tools are locked.
const (
	AddTask      = "add_task"
	ListTasks    = "list_tasks"
	CompleteTask = "complete_task"
	DeleteTask   = "delete_task"
	UpdateTask   = "update_task"
)

// Definition is what a client or a model is told about a tool.
type Definition struct {
	Name         string
	Title        string
	Description  string
	InputSchema  json.RawMessage
	OutputSchema json.RawMessage
	Scope        string
	ReadOnly     bool
	Destructive  bool
	Idempotent   bool
}

// Definitions describes the five tools. Names, descriptions and input schemas together take at most 12,500 characters.
func Definitions() []Definition {
	out := make([]Definition, len(Names))
	for i, name := range Names {
		out[i] = specs[name].Definition
	}
	return out
}

// spec is a tool as the Toolbox runs it.
type spec struct {
	Definition
	scope      string
	properties []string // of the input
	items      []string // of an element of items[]
	run        func(tb *Toolbox, ctx context.Context, c call) (Result, error)
}

// specs is filled at start-up, because the runners lead back to it.
var specs map[string]spec

func init() {
	specs = map[string]spec{}
	for _, s := range []spec{
		{run: (*Toolbox).add, scope: tandem.ScopeWrite, Definition: Definition{
			Name: AddTask, Title: "Add tasks",
			Description: "Adds a task, or several with items. Give dates, repetitions and reminders in the person's own words; the server resolves them. Set nothing that nobody asked for.",
		}},
		{run: (*Toolbox).list, scope: tandem.ScopeRead, Definition: Definition{
			Name: ListTasks, Title: "List tasks", ReadOnly: true, Idempotent: true,
			Description: "Finds tasks. Filters are AND-ed; without any, all tasks that are not deleted. Use it to find the number of a task that is named by words.",
		}},
		{run: (*Toolbox).complete, scope: tandem.ScopeWrite, Definition: Definition{
			Name: CompleteTask, Title: "Complete tasks", Idempotent: true,
			Description: "Marks tasks as done, reopens them (undo), skips an occurrence, or ends a repetition. Completing a repeating task makes the next one.",
		}},
		{run: (*Toolbox).remove, scope: tandem.ScopeDelete, Definition: Definition{
			Name: DeleteTask, Title: "Delete tasks", Destructive: true, Idempotent: true,
			Description: "Moves tasks to the trash, from where update_task with restore brings them back for 30 days. Several tasks or a series may need the person's approval first.",
		}},
		{run: (*Toolbox).update, scope: tandem.ScopeWrite, Definition: Definition{
			Name: UpdateTask, Title: "Change tasks", Destructive: true,
			Description: "Changes the given fields and leaves all others as they are. Also reschedules (move_due), snoozes, restores from the trash, and takes back earlier changes (undo).",
		}},
	} {
		s.InputSchema = compact(s.Name + ".json")
		s.OutputSchema = outputSchema(s.Name)
		s.Scope = s.scope
		s.properties, s.items = propertiesOf(s.InputSchema)
		specs[s.Name] = s
	}
}

//go:embed schemas/*.json
var schemas embed.FS

// compact reads a schema without its white space.
func compact(file string) json.RawMessage {
	raw, err := schemas.ReadFile("schemas/" + file)
	if err != nil {
		panic(err)
	}
	var b bytes.Buffer
	if err := json.Compact(&b, raw); err != nil {
		panic(fmt.Errorf("%s: %w", file, err))
	}
	return b.Bytes()
}

// outputSchema gives the schema of a tool's results together with the definitions that it refers to. Errors fit it too:
// clients hold every structured answer against it.
func outputSchema(name string) json.RawMessage {
	file := "written.json"
	if name == ListTasks {
		file = "listed.json"
	}
	body := compact(file)
	defs := fmt.Sprintf(`,"$defs":{"task":%s,"due":%s}}`, compact("task.json"), compact("due.json"))
	return append(body[:len(body)-1:len(body)-1], defs...)
}

// propertiesOf names what a schema knows, at the top and in items[].
func propertiesOf(schema json.RawMessage) (top, items []string) {
	var s struct {
		Properties map[string]struct {
			Items struct {
				Properties map[string]json.RawMessage `json:"properties"`
			} `json:"items"`
		} `json:"properties"`
	}
	if err := json.Unmarshal(schema, &s); err != nil {
		panic(err)
	}
	return slices.Sorted(maps.Keys(s.Properties)), slices.Sorted(maps.Keys(s.Properties["items"].Items.Properties))
}
