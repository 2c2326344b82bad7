package tools

import (
	"bytes"
	"encoding/json"
	"fmt"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"tandem"
)

// compileSchema holds a schema to JSON Schema 2020-12.
func compileSchema(t *testing.T, raw json.RawMessage) *jsonschema.Schema {
	t.Helper()
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("tool.json", doc); err != nil {
		t.Fatal(err)
	}
	s, err := c.Compile("tool.json")
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func checkFits(t *testing.T, s *jsonschema.Schema, raw []byte) error {
	t.Helper()
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	return s.Validate(doc)
}

func TestDefinitions_AllTenSchemasCompile(t *testing.T) {
	for _, d := range Definitions() {
		compileSchema(t, d.InputSchema)
		compileSchema(t, d.OutputSchema)
		var input map[string]any
		if err := json.Unmarshal(d.InputSchema, &input); err != nil || input["type"] != "object" || input["additionalProperties"] != false {
			t.Errorf("%s: the input is not a closed object", d.Name)
		}
	}
}

func TestDefinitions_AreSmall(t *testing.T) {
	var all []map[string]any
	for _, d := range Definitions() {
		all = append(all, map[string]any{"name": d.Name, "description": d.Description, "inputSchema": d.InputSchema})
	}
	b, err := json.Marshal(all)
	if err != nil {
		t.Fatal(err)
	}
	if len(b) > 12_500 {
		t.Errorf("the definitions have %d characters", len(b))
	}
}

// TestDefinitions_AgreeWithTheDecoder calls each tool with each argument alone, in a form that its schema takes: none is
// unknown to the decoder, and closed sets are the same in both.
func TestDefinitions_AgreeWithTheDecoder(t *testing.T) {
	u := newBench(t).person("ann")
	for _, d := range Definitions() {
		var input struct {
			Properties map[string]struct {
				Enum []string `json:"enum"`
			} `json:"properties"`
		}
		if err := json.Unmarshal(d.InputSchema, &input); err != nil {
			t.Fatal(err)
		}
		s := compileSchema(t, d.InputSchema)
		for name, p := range input.Properties {
			if _, e := u.call(d.Name, m{name: "x"}); e != nil && e.Message == fmt.Sprintf("%s takes no argument %q.", d.Name, name) {
				t.Errorf("%s.%s is unknown", d.Name, name)
			}
			if p.Enum == nil {
				continue
			}
			args := m{name: "purple"}
			switch d.Name {
			case AddTask:
				args["title"] = "x"
			case CompleteTask, DeleteTask, UpdateTask:
				args["task_id"] = 1
			}
			e := u.refused(tandem.CodeInvalid, d.Name, args)
			same(t, d.Name+"."+name, e.Details.Allowed, p.Enum)
			raw, _ := json.Marshal(args)
			if checkFits(t, s, raw) == nil {
				t.Errorf("%s.%s takes purple", d.Name, name)
			}
		}
	}
}

func TestResults_FitTheirSchemas(t *testing.T) {
	u := newBench(t).program("ann")
	outputs := map[string]*jsonschema.Schema{}
	for _, d := range Definitions() {
		outputs[d.Name] = compileSchema(t, d.OutputSchema)
	}
	for _, tt := range []struct{ tool, args string }{
		{AddTask, `{"title":"One","description":"d","priority":"high","tags":["a"],"due":"every monday at 9am","reminders":["1h"],"time_zone":"Asia/Karachi"}`},
		{AddTask, `{"title":"One","due":"3/4"}`},
		{AddTask, `{"title":"One","on_duplicate":"reuse"}`},
		{AddTask, `{"items":[{"title":"a"},{"title":"b"}]}`},
		{AddTask, `{"title":"dry","dry_run":true}`},
		{AddTask, `{"title":""}`},
		{AddTask, `{"title":"One","on_duplicate":"ask"}`},
		{ListTasks, `{}`},
		{ListTasks, `{"ids":[1],"expand":3}`},
		{ListTasks, `{"limit":1}`},
		{ListTasks, `{"search":"onne"}`},
		{ListTasks, `{"status":"purple"}`},
		{UpdateTask, `{"task_id":1,"title":"Renamed","move_due":"+1d"}`},
		{UpdateTask, `{"task_id":1,"title":"Renamed"}`},
		{UpdateTask, `{"ids":[1,2],"priority":"low"}`},
		{UpdateTask, `{"task_id":2,"snooze":"1h"}`},
		{UpdateTask, `{"undo":"last"}`},
		{UpdateTask, `{"task_id":99,"title":"x"}`},
		{CompleteTask, `{"task_id":1,"skip_occurrence":true}`},
		{CompleteTask, `{"task_id":3}`},
		{CompleteTask, `{"task_id":3,"undo":true,"dry_run":true}`},
		{DeleteTask, `{"task_id":3}`},
		{DeleteTask, `{"ids":[1,2]}`},
		{UpdateTask, `{"task_id":3,"restore":true}`},
		{ListTasks, `{"status":"deleted"}`},
	} {
		res, err := u.tb.Call(t.Context(), u.caller, tt.tool, json.RawMessage(tt.args))
		answer := res.Structured
		if err != nil {
			answer = errorResult(err)
		}
		if err := checkFits(t, outputs[tt.tool], answer); err != nil {
			t.Errorf("%s %s: %s: %v", tt.tool, tt.args, answer, err)
		}
	}
	if checkFits(t, outputs[AddTask], []byte(`{"success":true,"message":"x"}`)) == nil {
		t.Error("a result without a status fits")
	}
}
