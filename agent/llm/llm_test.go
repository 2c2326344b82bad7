package llm

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tandem"
	"tandem/agent"
)

// provider is a server that answers each request as the script says, and remembers what it was asked.
type provider struct {
	*httptest.Server
	path   string // that is asked
	mu     sync.Mutex
	bodies []map[string]any
	raw    []string
}

func serve(t *testing.T, answer func(w http.ResponseWriter, n int, body map[string]any)) *provider {
	t.Helper()
	p := &provider{path: "/v1/chat/completions"}
	p.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		data, _ := io.ReadAll(r.Body)
		var body map[string]any
		if err := json.Unmarshal(data, &body); err != nil {
			t.Errorf("the request is no JSON: %v", err)
		}
		if r.URL.Path != p.path || r.Header.Get("Authorization") != "Bearer sk-test" {
			t.Errorf("asked %s with %q", r.URL.Path, r.Header.Get("Authorization"))
		}
		p.mu.Lock()
		p.bodies, p.raw = append(p.bodies, body), append(p.raw, string(data))
		n := len(p.bodies)
		p.mu.Unlock()
		answer(w, n, body)
	}))
	t.Cleanup(p.Close)
	return p
}

func write(t *testing.T, w io.Writer, text string) {
	t.Helper()
	if _, err := io.WriteString(w, text); err != nil {
		t.Errorf("answer: %v", err)
	}
}

func (p *provider) chat() *Chat {
	return New(Options{BaseURL: p.URL + "/v1", Key: "sk-test", Model: "scripted"})
}

func (p *provider) requests() []map[string]any {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.bodies
}

// replay serves a recorded stream.
func replay(t *testing.T, name string) *provider {
	t.Helper()
	data, err := os.ReadFile("testdata/" + name + ".sse")
	if err != nil {
		t.Fatal(err)
	}
	return serve(t, func(w http.ResponseWriter, _ int, _ map[string]any) {
		w.Header().Set("Content-Type", "text/event-stream")
		write(t, w, string(data))
	})
}

// round is what a request came to.
type round struct {
	Text    string
	Calls   []string // name and arguments
	IDs     []string
	Raw     []string
	Formed  int
	Usage   *tandem.Usage
	Err     error
	asEvent []agent.Event
}

func ask(t *testing.T, c agent.Model, r agent.Request) (out round) {
	t.Helper()
	if r.Zone == nil {
		r.Zone = time.UTC
	}
	for ev, err := range c.Stream(t.Context(), r) {
		if err != nil {
			out.Err = err
			continue
		}
		out.asEvent = append(out.asEvent, ev)
		out.Text += ev.Text
		switch {
		case ev.Call != nil:
			out.Calls = append(out.Calls, ev.Call.Tool+" "+string(ev.Call.Arguments))
			out.IDs = append(out.IDs, ev.Call.ID)
			out.Raw = append(out.Raw, string(ev.Call.Raw))
		case ev.Forming != nil:
			out.Formed++
		case ev.Usage != nil:
			out.Usage = ev.Usage
		}
	}
	return out
}

func TestStream_AbsorbsDialects(t *testing.T) {
	both := []string{`add_task {"title":"one"}`, `add_task {"title":"two"}`}
	used := &tandem.Usage{Input: 11, Output: 7}
	tests := []struct {
		recording string
		text      string
		calls     []string
		ids       []string
		usage     *tandem.Usage
	}{
		{"openai", "", both, []string{"call_a", "call_b"}, used},
		{"ollama_index_zero", "", both, []string{"call_1", "call_2"}, nil},
		{"stop_with_calls", "", both, []string{"call_a", "call_b"}, nil},
		{"gemini_no_index", "", both, []string{"function-call-1", "function-call-2"}, nil},
		{"ollama_no_index_no_id", "", both, []string{"call_0", "call_1"}, nil},
		{"index_zero_no_id", "", both, []string{"call_0", "call_1"}, nil},
		{"arguments_object", "", []string{`add_task {"title": "one"}`, `add_task {"title": "two"}`}, []string{"call_a", "call_b"}, nil},
		{"arguments_empty", "", []string{`list_tasks {}`}, []string{"call_a"}, nil},
		{"id_late", "", both, []string{"call_a", "call_b"}, nil},
		{"id_repeated", "", both, []string{"call_a", "call_b"}, nil},
		{"interleaved", "", both, []string{"call_a", "call_b"}, nil},
		{"content_after_calls", "Adding both.", both, []string{"call_a", "call_b"}, nil},
		{"think", "You have two tasks, a < b.", nil, nil, used},
		{"think_open", "Hello. ", nil, nil, nil},
		{"reasoning", "Hello.", nil, nil, nil},
		{"empty_choices", "Hello.", nil, nil, nil},
	}
	for _, tt := range tests {
		t.Run(tt.recording, func(t *testing.T) {
			got := ask(t, replay(t, tt.recording).chat(), agent.Request{})
			if got.Err != nil {
				t.Fatal(got.Err)
			}
			if got.Text != tt.text {
				t.Errorf("text %q, want %q", got.Text, tt.text)
			}
			if diff := cmp.Diff(tt.calls, got.Calls); diff != "" {
				t.Errorf("calls (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(tt.ids, got.IDs); diff != "" {
				t.Errorf("ids (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(tt.usage, got.Usage); diff != "" {
				t.Errorf("usage (-want +got):\n%s", diff)
			}
			if len(tt.calls) > 0 && got.Formed == 0 {
				t.Error("no call was told while it formed")
			}
		})
	}
}

func TestStream_ABrokenStreamIsAnErrorAndNoCall(t *testing.T) {
	for _, recording := range []string{"cut", "error_inside"} {
		got := ask(t, replay(t, recording).chat(), agent.Request{})
		if got.Err == nil || len(got.Calls) != 0 {
			t.Errorf("%s: error %v, calls %q", recording, got.Err, got.Calls)
		}
	}
}

func TestStream_SendsBackWhatOnlyTheProviderUnderstands(t *testing.T) {
	p := replay(t, "gemini_no_index")
	first := ask(t, p.chat(), agent.Request{})
	again := agent.Request{Messages: []agent.Message{
		{Role: agent.RoleUser, Text: "add one and two"},
		{Role: agent.RoleAssistant, Calls: []agent.Call{{ID: first.IDs[0], Tool: "add_task", Arguments: json.RawMessage(`{"title":"one"}`), Raw: json.RawMessage(first.Raw[0])}}},
		{Role: agent.RoleTool, CallID: first.IDs[0], Name: "add_task", Result: json.RawMessage(`{"success":true}`)},
	}}
	ask(t, p.chat(), again)
	var sent struct {
		Messages []struct {
			Role       string           `json:"role"`
			Content    any              `json:"content"`
			ToolCalls  []map[string]any `json:"tool_calls"`
			ToolCallID string           `json:"tool_call_id"`
		} `json:"messages"`
	}
	if err := json.Unmarshal([]byte(p.raw[1]), &sent); err != nil {
		t.Fatal(err)
	}
	roles := []string{}
	for _, m := range sent.Messages {
		roles = append(roles, m.Role)
	}
	if diff := cmp.Diff([]string{"system", "user", "user", "assistant", "tool"}, roles); diff != "" {
		t.Fatalf("roles (-want +got):\n%s", diff)
	}
	want := map[string]any{
		"id": "function-call-1", "type": "function", "function": map[string]any{"name": "add_task", "arguments": `{"title":"one"}`},
		"extra_content": map[string]any{"google": map[string]any{"thought_signature": "c2lnbmF0dXJl"}},
	}
	if diff := cmp.Diff(want, sent.Messages[3].ToolCalls[0]); diff != "" {
		t.Errorf("the call that goes back (-want +got):\n%s", diff)
	}
	if sent.Messages[4].ToolCallID != "function-call-1" {
		t.Errorf("result for %q", sent.Messages[4].ToolCallID)
	}
}

func TestStream_DropsARefusedParameterOnce(t *testing.T) {
	for _, name := range []string{"parallel_tool_calls", "stream_options"} {
		p := serve(t, func(w http.ResponseWriter, _ int, body map[string]any) {
			if _, sent := body[name]; sent {
				w.Header().Set("Content-Type", "application/json")
				w.WriteHeader(http.StatusBadRequest)
				write(t, w, `{"error":{"message":"Unsupported parameter: '`+name+`'","type":"invalid_request_error"}}`)
				return
			}
			write(t, w, "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"Hi.\"},\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\n")
		})
		c := p.chat()
		r := agent.Request{Tools: []agent.Tool{{Name: "add_task", InputSchema: json.RawMessage(`{"type":"object"}`)}}}
		for range 2 {
			if got := ask(t, c, r); got.Text != "Hi." || got.Err != nil {
				t.Fatalf("%s: %+v", name, got)
			}
		}
		if got := len(p.requests()); got != 3 {
			t.Errorf("%s: %d requests, want one refused and two answered", name, got)
		}
	}
}

func TestStream_RetriesWhatMayPassAndNothingElse(t *testing.T) {
	for status, want := range map[int]int{http.StatusInternalServerError: 3, http.StatusTooManyRequests: 3, http.StatusUnauthorized: 1, http.StatusBadRequest: 1} {
		p := serve(t, func(w http.ResponseWriter, _ int, _ map[string]any) {
			w.Header().Set("Content-Type", "application/json")
			w.Header().Set("Retry-After-Ms", "1")
			w.WriteHeader(status)
			write(t, w, `{"error":{"message":"no","type":"x"}}`)
		})
		got := ask(t, p.chat(), agent.Request{})
		if got.Err == nil || strings.Contains(got.Err.Error(), "sk-test") {
			t.Errorf("%d: error %v", status, got.Err)
		}
		if n := len(p.requests()); n != want {
			t.Errorf("%d: %d requests, want %d", status, n, want)
		}
	}
}

func TestStream_EndsWithItsContext(t *testing.T) {
	begun := make(chan struct{})
	gone := make(chan struct{})
	p := serve(t, func(w http.ResponseWriter, _ int, _ map[string]any) {
		write(t, w, "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"Hi\"}}]}\n\n")
		w.(http.Flusher).Flush()
		close(begun)
		<-gone
	})
	defer close(gone)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var last error
	for ev, err := range p.chat().Stream(ctx, agent.Request{Zone: time.UTC}) {
		if ev.Text != "" {
			<-begun
			cancel()
		}
		last = err
	}
	if !errors.Is(last, context.Canceled) {
		t.Errorf("the stream ended with %v", last)
	}
}

func TestStream_TheSystemPromptHoldsNothingOfAPerson(t *testing.T) {
	p := replay(t, "reasoning")
	ask(t, p.chat(), agent.Request{
		System: "constant", Now: time.Date(2026, 12, 1, 8, 0, 0, 0, time.UTC), Settings: tandem.DefaultSettings(),
		Focus:    []tandem.Candidate{{Number: 5, Title: "canary\u202e\u200b title"}},
		Messages: []agent.Message{{Role: agent.RoleUser, Text: "hello"}},
	})
	messages := p.requests()[0]["messages"].([]any)
	if got := messages[0].(map[string]any)["content"]; got != "constant" {
		t.Errorf("system prompt %q", got)
	}
	around := messages[1].(map[string]any)["content"].(string)
	for _, want := range []string{`"canary title"`, `"weekday":"Tuesday"`, `"now":"2026-12-01T08:00:00Z"`, `"untrusted":true`} {
		if !strings.Contains(around, want) {
			t.Errorf("the surroundings lack %s: %s", want, around)
		}
	}
	if got := messages[2].(map[string]any)["content"]; got != "hello" {
		t.Errorf("newest words %q", got)
	}
}

// FuzzSlots holds that pieces of any shape never panic and never lose a byte of whole arguments into another call.
func FuzzSlots(f *testing.F) {
	f.Add([]byte(`{"index":0,"id":"a","function":{"name":"x","arguments":"{}"}}`), []byte(`{"index":0,"id":"b","function":{"name":"x","arguments":"{}"}}`))
	f.Add([]byte(`{"function":{"arguments":{"a":1}}}`), []byte(`null`))
	f.Add([]byte(`{"index":-1,"function":null}`), []byte(`[]`))
	f.Fuzz(func(t *testing.T, a, b []byte) {
		var s slots
		for _, raw := range [][]byte{a, b, a} {
			s.add(raw)
		}
		for _, c := range s.calls() {
			if !json.Valid(c.Raw) || c.ID == "" || c.Tool == "" {
				t.Fatalf("call %+v", c)
			}
		}
	})
}

func FuzzFilter(f *testing.F) {
	f.Add("a<think>b</think>c", 3)
	f.Add("<thi", 1)
	f.Add("a < b <thinking>x</thinking>", 4)
	f.Fuzz(func(t *testing.T, text string, size int) {
		size = max(1, size%7)
		var whole, cut filter
		want := whole.pass(text) + whole.rest()
		got := ""
		for i := 0; i < len(text); i += size {
			got += cut.pass(text[i:min(len(text), i+size)])
		}
		if got += cut.rest(); got != want {
			t.Fatalf("cut in pieces of %d: %q, whole: %q", size, got, want)
		}
	})
}
