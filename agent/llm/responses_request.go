package llm

import (
	"encoding/json"

	"tandem/agent"
)

// body writes a round in the form of the Responses API.
func (m *Responses) body(r agent.Request, use taken) json.RawMessage {
	out := map[string]json.RawMessage{
		"model": quote(m.model), "instructions": quote(r.System), "store": json.RawMessage("false"), "input": array(inputOf(r)),
	}
	tools := make([]json.RawMessage, 0, len(r.Tools))
	for _, t := range r.Tools {
		tools = append(tools, object(map[string]json.RawMessage{
			"type": quote("function"), "name": quote(t.Name), "description": quote(t.Description), "parameters": schemaOf(t), "strict": json.RawMessage("false"),
		}))
	}
	if len(tools) > 0 {
		out["tools"] = array(tools)
		if use[m.parallel] {
			out["parallel_tool_calls"] = json.RawMessage("true")
		}
	}
	if use[m.extra] {
		out["include"] = json.RawMessage(`["reasoning.encrypted_content"]`) // or a stateless model forgets why it called
	}
	return object(out)
}

// schemaOf gives the schema of a tool's arguments; one that is no object takes all.
func schemaOf(t agent.Tool) json.RawMessage {
	var schema map[string]json.RawMessage
	if json.Unmarshal(t.InputSchema, &schema) != nil || schema == nil {
		return json.RawMessage(`{"type":"object"}`)
	}
	return t.InputSchema
}

// inputOf writes the conversation.
func inputOf(r agent.Request) []json.RawMessage {
	var out []json.RawMessage
	newest := newestWords(r.Messages)
	for i, m := range r.Messages {
		if i == newest {
			out = append(out, spoken("user", surroundings(r)))
		}
		switch m.Role {
		case agent.RoleUser:
			out = append(out, spoken("user", m.Text))
		case agent.RoleTool:
			out = append(out, object(map[string]json.RawMessage{
				"type": quote("function_call_output"), "call_id": quote(m.CallID), "output": quote(string(m.Result)),
			}))
		default:
			if m.Text != "" {
				out = append(out, spoken("assistant", m.Text))
			}
			for _, c := range m.Calls {
				out = append(out, itemsOf(c)...)
			}
		}
	}
	return out
}

func spoken(role, text string) json.RawMessage {
	return object(map[string]json.RawMessage{"role": quote(role), "content": quote(text)})
}

// itemsOf gives a call as the provider wrote it, with the reasoning before it; a call of another kind of model is written anew.
func itemsOf(c agent.Call) []json.RawMessage {
	var whole []json.RawMessage
	if json.Unmarshal(c.Raw, &whole) != nil || len(whole) == 0 {
		return []json.RawMessage{functionCall(c)}
	}
	for i, raw := range whole {
		var item map[string]json.RawMessage
		if json.Unmarshal(raw, &item) != nil || item == nil {
			return []json.RawMessage{functionCall(c)}
		}
		delete(item, "status") // servers write values here that they do not take
		if i == len(whole)-1 {
			item["call_id"] = quote(c.ID)
			if empty(item["arguments"]) || item["arguments"][0] != '"' {
				item["arguments"] = quote(string(c.Arguments))
			}
		}
		whole[i] = object(item)
	}
	return whole
}
