package llm

import (
	"bytes"
	"encoding/json"

	"tandem/agent"
)

// items put the calls of a response together. A piece belongs to the item of its id, else to that of its index, else to the one that
// was begun last.
type items struct {
	slots
	reasons []json.RawMessage // reasoning since the last message or call
}

// head is what the program needs to know of an item.
type head struct {
	Type      string          `json:"type"`
	ID        string          `json:"id"`
	CallID    string          `json:"call_id"`
	Name      string          `json:"name"`
	Arguments json.RawMessage `json:"arguments"`
}

func readHead(raw json.RawMessage) (h head, call bool) {
	_ = json.Unmarshal(raw, &h) // what is no item has no type
	return h, h.Type == "function_call"
}

// begin takes an item that begins; nil: it is no call. Arguments that it has already may be written once more in pieces.
func (s *items) begin(raw json.RawMessage, index *int) *slot {
	h, call := readHead(raw)
	if !call {
		return nil
	}
	t := s.open(h, index)
	t.write(h.Arguments)
	t.early = len(t.arguments) > 0
	return t
}

// write takes arguments: the next piece, or all of them.
func (s *items) write(id string, index *int, raw json.RawMessage, piece bool) *slot {
	t := s.find(id, index)
	if t == nil {
		return nil
	}
	if t.early || !piece && !empty(raw) {
		t.arguments, t.early = nil, false
	}
	if piece || len(t.arguments) == 0 {
		t.write(raw)
	}
	return t
}

// empty reports arguments that say nothing.
func empty(raw json.RawMessage) bool {
	raw = bytes.TrimSpace(raw)
	return len(raw) == 0 || string(raw) == "null" || string(raw) == `""`
}

// end takes an item that is whole; nil: it is no call.
func (s *items) end(raw json.RawMessage, index *int) *slot {
	h, call := readHead(raw)
	if h.Type == "reasoning" {
		s.reasons = append(s.reasons, raw)
	}
	if !call {
		return nil
	}
	t := s.find(h.ID, index)
	if t == nil || t.whole != nil || t.id != "" && h.CallID != "" && t.id != h.CallID {
		t = s.open(h, index)
	}
	s.close(t, h, raw)
	return t
}

// close keeps an item as the provider wrote it, with the reasoning that led to it.
func (s *items) close(t *slot, h head, raw json.RawMessage) {
	if h.CallID != "" {
		t.id = h.CallID
	}
	if h.Name != "" {
		t.name = h.Name
	}
	if !empty(h.Arguments) {
		t.arguments = nil
		t.write(h.Arguments)
	}
	t.whole = append(append([]json.RawMessage{}, s.reasons...), raw)
	s.reasons = nil
}

// add takes an item of the finished response, where nothing told of it before; nil: it is no call, or known.
func (s *items) add(raw json.RawMessage) *slot {
	h, call := readHead(raw)
	if !call {
		return nil
	}
	for _, t := range s.list {
		if h.CallID != "" && t.id == h.CallID || h.ID != "" && t.item == h.ID || h.CallID == "" && h.ID == "" {
			return nil
		}
	}
	t := s.open(h, nil)
	s.close(t, h, raw)
	return t
}

// passMessage forgets reasoning that led to a message: it may only be sent back right before what it led to.
func (s *items) passMessage() { s.reasons = nil }

func (s *items) open(h head, index *int) *slot {
	t := &slot{index: -1, item: h.ID, id: h.CallID, name: h.Name}
	if index != nil {
		t.index = *index
	}
	s.list = append(s.list, t)
	return t
}

func (s *items) find(id string, index *int) *slot {
	var byIndex, last *slot
	for _, t := range s.list {
		switch {
		case id != "" && t.item == id:
			return t
		case id != "" && t.item != "":
			continue // another one's
		case index != nil && t.index == *index:
			byIndex = t
		}
		last = t
	}
	if byIndex != nil {
		return byIndex
	}
	if index != nil && (last == nil || last.index >= 0) {
		return nil
	}
	return last
}

// calls gives the calls in order, each with its items as they are to be sent back.
func (s *items) calls() []agent.Call {
	var out []agent.Call
	for _, t := range s.list {
		if t.name == "" {
			continue
		}
		args := t.arguments
		if len(bytes.TrimSpace(args)) == 0 {
			args = []byte("{}")
		}
		c := agent.Call{ID: s.idOf(t), Tool: t.name, Arguments: args}
		if t.whole == nil {
			t.whole = []json.RawMessage{functionCall(c)}
		}
		c.Raw = array(t.whole)
		out = append(out, c)
	}
	return out
}

// functionCall writes a call anew.
func functionCall(c agent.Call) json.RawMessage {
	return object(map[string]json.RawMessage{
		"type": quote("function_call"), "call_id": quote(c.ID), "name": quote(c.Tool), "arguments": quote(string(c.Arguments)),
	})
}

func array(list []json.RawMessage) json.RawMessage {
	b, err := json.Marshal(list)
	if err != nil {
		panic(err) // its elements were decoded from JSON
	}
	return b
}
