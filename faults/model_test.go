package faults

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"tandem"
	"tandem/sync/client"
)

// newModel is a server that speaks Chat Completions as any model's does: it calls add_task once, then says so.
func newModel(t *testing.T) *httptest.Server {
	t.Helper()
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var ask struct {
			Messages []struct {
				Role string `json:"role"`
			} `json:"messages"`
			Tools []struct {
				Function struct {
					Name string `json:"name"`
				} `json:"function"`
			} `json:"tools"`
		}
		if err := json.NewDecoder(r.Body).Decode(&ask); err != nil || len(ask.Tools) != 5 {
			t.Errorf("the model was asked with %d tools, %v", len(ask.Tools), err)
		}
		delta := `{"tool_calls":[{"index":0,"id":"call_1","type":"function","function":{"name":"add_task","arguments":"{\"title\":\"Buy oat milk\"}"}}]}`
		if ask.Messages[len(ask.Messages)-1].Role == "tool" {
			delta = `{"content":"I have added it to your list."}`
		}
		w.Header().Set("Content-Type", "text/event-stream")
		fmt.Fprintf(w, "data: {\"id\":\"1\",\"object\":\"chat.completion.chunk\",\"choices\":[{\"index\":0,\"delta\":%s}]}\n\n", delta)
		fmt.Fprint(w, "data: {\"id\":\"1\",\"object\":\"chat.completion.chunk\",\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\n")
	}))
	t.Cleanup(srv.Close)
	return srv
}

// TestModel_DrivesTheSameTools runs the whole program on a model behind an OpenAI-compatible address.
func TestModel_DrivesTheSameTools(t *testing.T) {
	s := newServer(t)
	s.env = []string{"OPENAI_API_KEY=sk-scripted", "OPENAI_BASE_URL=" + newModel(t).URL + "/v1", "OPENAI_MODEL=scripted"}
	s.start()
	code, body, err := post(t.Context(), s, "ann", "", "please put oat milk on the list")
	if err != nil || code != http.StatusOK {
		t.Fatalf("chat: %d %s %v", code, body, err)
	}
	var answer struct {
		Response  string            `json:"response"`
		Engine    string            `json:"engine"`
		ToolCalls []tandem.ToolCall `json:"tool_calls"`
	}
	if err := json.Unmarshal(body, &answer); err != nil {
		t.Fatalf("%s: %v", body, err)
	}
	if answer.Engine != "llm" || len(answer.ToolCalls) != 1 || answer.ToolCalls[0].Status != "ok" || !strings.Contains(answer.Response, "added") {
		t.Fatalf("answer %s", body)
	}
}

// TestMandated_SentencesOverTheLockedEndpoint says the nine sentences of the contract to the running program.
func TestMandated_SentencesOverTheLockedEndpoint(t *testing.T) {
	s := newServer(t)
	s.start()
	d := s.device("ann")
	for _, title := range []string{"Call", "Team meeting", "Water plants"} {
		mutate(t, d, "add_task", map[string]any{"title": title})
	}
	tools := map[string][]string{
		"Add a task to buy groceries":         {"add_task"},
		"Show me all my tasks":                {"list_tasks"},
		"What's pending?":                     {"list_tasks"},
		"Mark task 3 as complete":             {"complete_task"},
		"Delete the meeting task":             {"list_tasks", "delete_task"},
		"Change task 1 to 'Call mom tonight'": {"update_task"},
		"I need to remember to pay bills":     {"add_task"},
		"What have I completed?":              {"list_tasks"},
	}
	for sentence, want := range tools {
		code, body, err := post(t.Context(), s, "ann", "", sentence)
		if err != nil || code != http.StatusOK {
			t.Fatalf("%q: %d %s %v", sentence, code, body, err)
		}
		var answer struct {
			ToolCalls []tandem.ToolCall `json:"tool_calls"`
		}
		if err := json.Unmarshal(body, &answer); err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, c := range answer.ToolCalls {
			got = append(got, c.Tool)
			if c.Status != "ok" {
				t.Errorf("%q: %s ended as %s", sentence, c.Tool, c.Status)
			}
		}
		if strings.Join(got, " ") != strings.Join(want, " ") {
			t.Errorf("%q called %v, want %v", sentence, got, want)
		}
	}
	want := map[string]tandem.Status{"Call mom tonight": "pending", "Water plants": "completed", "Buy groceries": "pending", "Pay bills": "pending"}
	within(t, lateSuccessor, "the list after all of them", d, func(r *client.Replica) bool {
		got := map[string]tandem.Status{}
		for _, row := range rowsOf(t, r) {
			got[row.Title] = row.Status
		}
		return maps.Equal(got, want)
	})
}
