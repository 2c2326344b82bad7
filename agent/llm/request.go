package llm

import (
	"encoding/json"
	"slices"
	"time"

	"github.com/openai/openai-go/v3"
	"github.com/openai/openai-go/v3/packages/param"

	"tandem"
	"tandem/agent"
)

// params writes a round in the form of Chat Completions.
func (c *Chat) params(r agent.Request, use taken) openai.ChatCompletionNewParams {
	p := openai.ChatCompletionNewParams{Model: c.model, Messages: []openai.ChatCompletionMessageParamUnion{openai.SystemMessage(r.System)}}
	newest := newestWords(r.Messages)
	for i, m := range r.Messages {
		if i == newest {
			p.Messages = append(p.Messages, openai.UserMessage(surroundings(r)))
		}
		p.Messages = append(p.Messages, message(m))
	}
	for _, t := range r.Tools {
		p.Tools = append(p.Tools, tool(t))
	}
	if len(p.Tools) > 0 && use[c.parallel] {
		p.ParallelToolCalls = openai.Bool(true)
	}
	if use[c.extra] {
		p.StreamOptions.IncludeUsage = openai.Bool(true)
	}
	return p
}

// newestWords is the place of the person's newest words.
func newestWords(ms []agent.Message) int {
	for i, m := range slices.Backward(ms) {
		if m.Role == agent.RoleUser {
			return i
		}
	}
	return -1
}

func message(m agent.Message) openai.ChatCompletionMessageParamUnion {
	switch m.Role {
	case agent.RoleUser:
		return openai.UserMessage(m.Text)
	case agent.RoleTool:
		return openai.ToolMessage(string(m.Result), m.CallID)
	default:
		said := param.Override[openai.ChatCompletionAssistantMessageParam](assistant(m))
		return openai.ChatCompletionMessageParamUnion{OfAssistant: &said}
	}
}

// assistant writes what the model said before. Its calls go back as the provider wrote them.
func assistant(m agent.Message) json.RawMessage {
	out := map[string]json.RawMessage{"role": json.RawMessage(`"assistant"`)}
	if m.Text != "" || len(m.Calls) == 0 {
		out["content"] = quote(m.Text)
	}
	if len(m.Calls) == 0 {
		return object(out)
	}
	calls := make([]json.RawMessage, len(m.Calls))
	for i, c := range m.Calls {
		calls[i] = sentBack(c)
	}
	out["tool_calls"], _ = json.Marshal(calls) // elements that were made here
	return object(out)
}

func sentBack(c agent.Call) json.RawMessage {
	var raw map[string]json.RawMessage
	if json.Unmarshal(c.Raw, &raw) == nil && raw != nil {
		raw["id"] = quote(c.ID)
		return object(raw)
	}
	function := map[string]json.RawMessage{"name": quote(c.Tool), "arguments": quote(string(c.Arguments))}
	return object(map[string]json.RawMessage{"id": quote(c.ID), "type": json.RawMessage(`"function"`), "function": object(function)})
}

func tool(t agent.Tool) openai.ChatCompletionToolUnionParam {
	var schema map[string]any
	if err := json.Unmarshal(t.InputSchema, &schema); err != nil {
		schema = map[string]any{"type": "object"}
	}
	return openai.ChatCompletionFunctionTool(openai.FunctionDefinitionParam{
		Name: t.Name, Description: openai.String(t.Description), Parameters: schema,
	})
}

// surroundings tells what the person takes for granted: when and where it is, and which tasks were just spoken of. It is a
// message of its own, so that the system prompt never holds anything of a person.
func surroundings(r agent.Request) string {
	type mention struct {
		TaskID int64       `json:"task_id"`
		Title  string      `json:"title"`
		Due    *tandem.Due `json:"due,omitempty"`
	}
	mentions := func(cs []tandem.Candidate) []mention {
		out := []mention{}
		for _, c := range cs {
			out = append(out, mention{c.Number, agent.Neutral(c.Title), c.Due})
		}
		return out
	}
	now := r.Now.In(r.Zone)
	b, err := json.Marshal(map[string]any{
		"context": map[string]any{
			"earlier": r.Earlier,
			"now":     now.Format(time.RFC3339), "weekday": now.Weekday().String(), "time_zone": r.Zone.String(),
			"week_starts": r.Settings.WeekStart, "locale": agent.Neutral(r.Settings.Locale), "last_mentioned": mentions(r.Focus), "last_list": mentions(r.Shown),
		},
		"untrusted": true,
	})
	if err != nil {
		panic(err) // text and numbers
	}
	return string(b)
}
