package llm

import (
	"encoding/json"
	"io/fs"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"tandem"
	"tandem/agent"
)

func (p *provider) responses() *Responses {
	p.path = "/v1/responses"
	return NewResponses(Options{BaseURL: p.URL + "/v1", Key: "sk-test", Model: "scripted"})
}

func TestResponses_AbsorbsDialects(t *testing.T) {
	both := []string{`add_task {"title":"one"}`, `add_task {"title":"two"}`}
	named := []string{"call_a", "call_b"}
	used := &tandem.Usage{Input: 11, Output: 7}
	words := "You have two tasks, a < b."
	tests := map[string]struct {
		text  string
		calls []string
		ids   []string
		usage *tandem.Usage
	}{
		"openai":              {"", both, named, used},
		"reasoning":           {"", both[:1], named[:1], used},
		"text":                {words, nil, nil, used},
		"think":               {words, nil, nil, used},
		"text_done_only":      {words, nil, nil, used},
		"done_only":           {"", both, named, used},
		"completed_only":      {"", both, named, used},
		"index_zero":          {"", both, named, used},
		"no_item_id":          {"", both, named, used},
		"no_item_id_no_index": {"", both, named, used},
		"no_call_id":          {"", both, []string{"call_0", "call_1"}, used},
		"interleaved":         {"", both, named, used},
		"arguments_early":     {"", both[:1], named[:1], used},
		"arguments_object":    {"", []string{`add_task {"title": "one"}`, `add_task {"title": "two"}`}, named, used},
		"arguments_empty":     {"", []string{"list_tasks {}"}, named[:1], nil},
		"untyped":             {"", both, named, used},
		"incomplete":          {"You have two ", nil, nil, used},
		"refusal":             {"I cannot help with that.", nil, nil, used},
		"unknown_events":      {"", both, named, used},
	}
	for recording, tt := range tests {
		t.Run(recording, func(t *testing.T) {
			got := ask(t, replay(t, "responses/"+recording).responses(), agent.Request{})
			if got.Err != nil {
				t.Fatal(got.Err)
			}
			want := round{Text: tt.text, Calls: tt.calls, IDs: tt.ids, Usage: tt.usage}
			if diff := cmp.Diff(want, round{Text: got.Text, Calls: got.Calls, IDs: got.IDs, Usage: got.Usage}, cmpopts.IgnoreUnexported(round{})); diff != "" {
				t.Errorf("round (-want +got):\n%s", diff)
			}
			if len(tt.calls) > 0 && got.Formed == 0 {
				t.Error("no call was told while it formed")
			}
		})
	}
	all, err := fs.Glob(os.DirFS("testdata/responses"), "*.sse")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range all {
		if name = strings.TrimSuffix(name, ".sse"); tests[name].usage == nil && !slices.Contains(append(broken, "arguments_empty"), name) {
			t.Errorf("nothing holds the recording %s", name)
		}
	}
}

var broken = []string{"cut", "failed", "error_inside"}

func TestResponses_ABrokenStreamIsAnErrorAndNoCall(t *testing.T) {
	for _, recording := range broken {
		t.Run(recording, func(t *testing.T) {
			got := ask(t, replay(t, "responses/"+recording).responses(), agent.Request{})
			if got.Err == nil || len(got.Calls) != 0 {
				t.Errorf("error %v, calls %q", got.Err, got.Calls)
			}
		})
	}
}

func TestResponses_SendsTheWholeConversationAndKeepsNothingThere(t *testing.T) {
	p := replay(t, "responses/reasoning")
	m := p.responses()
	first := ask(t, m, agent.Request{System: "constant", Tools: []agent.Tool{{Name: "add_task", InputSchema: json.RawMessage(`{"type":"object"}`)}}})
	ask(t, m, agent.Request{System: "constant", Messages: []agent.Message{
		{Role: agent.RoleUser, Text: "earlier"},
		{Role: agent.RoleAssistant, Calls: []agent.Call{{ID: "old", Tool: "list_tasks", Arguments: json.RawMessage(`{}`)}}},
		{Role: agent.RoleTool, CallID: "old", Name: "list_tasks", Result: json.RawMessage(`{"tasks":[]}`)},
		{Role: agent.RoleAssistant, Text: "Nothing there."},
		{Role: agent.RoleUser, Text: "add one"},
		{Role: agent.RoleAssistant, Calls: []agent.Call{{ID: "call_a", Tool: "add_task", Arguments: json.RawMessage(`{"title":"one"}`), Raw: json.RawMessage(first.Raw[0])}}},
		{Role: agent.RoleTool, CallID: "call_a", Name: "add_task", Result: json.RawMessage(`{"success":true}`)},
	}})
	sent := p.requests()
	tool := sent[0]["tools"].([]any)[0].(map[string]any)
	if sent[0]["store"] != false || sent[0]["instructions"] != "constant" || sent[0]["stream"] != true || sent[0]["previous_response_id"] != nil {
		t.Errorf("request %v", sent[0])
	}
	if tool["name"] != "add_task" || tool["type"] != "function" || tool["strict"] != false {
		t.Errorf("tool %v", tool)
	}
	input := sent[1]["input"].([]any)
	if got := input[4].(map[string]any)["content"].(string); !strings.HasPrefix(got, `{"context":`) {
		t.Errorf("the surroundings do not stand before the newest words: %q", got)
	}
	want := []any{
		map[string]any{"role": "user", "content": "earlier"},
		map[string]any{"type": "function_call", "call_id": "old", "name": "list_tasks", "arguments": "{}"},
		map[string]any{"type": "function_call_output", "call_id": "old", "output": `{"tasks":[]}`},
		map[string]any{"role": "assistant", "content": "Nothing there."},
		map[string]any{"role": "user", "content": "add one"},
		map[string]any{"type": "reasoning", "id": "rs_1", "summary": []any{}, "encrypted_content": "b3BhcXVl"},
		map[string]any{"type": "function_call", "id": "fc_a", "call_id": "call_a", "name": "add_task", "arguments": `{"title":"one"}`},
		map[string]any{"type": "function_call_output", "call_id": "call_a", "output": `{"success":true}`},
	}
	if diff := cmp.Diff(want, slices.Delete(slices.Clone(input), 4, 5)); diff != "" {
		t.Errorf("input (-want +got):\n%s", diff)
	}
}

func TestResponses_LearnsWhichParametersAreNotTaken(t *testing.T) {
	data, err := os.ReadFile("testdata/responses/text.sse")
	if err != nil {
		t.Fatal(err)
	}
	for refused, message := range map[string]string{
		"parallel_tool_calls": "Unknown parameter: 'parallel_tool_calls'.",
		"include":             "Encrypted content is not supported with this model.",
	} {
		t.Run(refused, func(t *testing.T) {
			p := serve(t, func(w http.ResponseWriter, _ int, body map[string]any) {
				if _, sent := body[refused]; sent {
					w.Header().Set("Content-Type", "application/json")
					w.WriteHeader(http.StatusBadRequest)
					write(t, w, `{"error":{"message":"`+message+`","type":"invalid_request_error"}}`)
					return
				}
				w.Header().Set("Content-Type", "text/event-stream")
				write(t, w, string(data))
			})
			m := p.responses()
			r := agent.Request{Zone: time.UTC, Tools: []agent.Tool{{Name: "add_task", InputSchema: json.RawMessage(`{"type":"object"}`)}}}
			for range 2 {
				if got := ask(t, m, r); got.Err != nil || got.Text == "" {
					t.Fatalf("%+v", got)
				}
			}
			if got := len(p.requests()); got != 3 {
				t.Errorf("%d requests, want one refused and two answered", got)
			}
		})
	}
}

// FuzzItems holds that events of any shape never panic, and that calls come out whole.
func FuzzItems(f *testing.F) {
	f.Add([]byte(`{"type":"response.output_item.done","item":{"type":"function_call","name":"x","arguments":{"a":1}}}`),
		[]byte(`{"type":"response.function_call_arguments.delta","output_index":3,"delta":"{"}`))
	f.Add([]byte(`{"type":"response.completed","response":{"output":[null,{"type":"function_call"}]}}`), []byte(`{"type":"response.output_item.added"}`))
	f.Fuzz(func(t *testing.T, a, b []byte) {
		out := output{answer: &answer{yield: func(agent.Event, error) bool { return true }}}
		for _, raw := range [][]byte{a, b, a} {
			var ev event
			if json.Unmarshal(raw, &ev) == nil {
				_, _ = out.take(ev)
			}
		}
		for _, c := range out.items.calls() {
			if !json.Valid(c.Raw) || c.ID == "" || c.Tool == "" || len(itemsOf(c)) == 0 {
				t.Fatalf("call %+v", c)
			}
		}
	})
}
