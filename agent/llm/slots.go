package llm

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	"tandem/agent"
)

// slots put the calls of an answer together from their pieces. Servers disagree on how the pieces say which call they
// belong to: some give every call the index 0, some give none, some repeat the id in each piece or give it late. So a piece
// begins a new call when its id differs from that of the call it would belong to, or when it has no index and names itself.
type slots struct {
	list []*slot
}

type slot struct {
	index     int // as the server counts; -1: not said
	id, name  string
	arguments []byte
	extra     map[string]json.RawMessage // members that belong to the provider and must come back
	function  map[string]json.RawMessage // the same inside of function

	// Of an item of a response.
	item  string            // its id, which is not the call's
	early bool              // the arguments came with its beginning, and may come again
	whole []json.RawMessage // as the provider wrote it, behind the reasoning that led to it
}

// piece is a part of a call.
type piece struct {
	Index    *int   `json:"index"`
	ID       string `json:"id"`
	Function struct {
		Name      string          `json:"name"`
		Arguments json.RawMessage `json:"arguments"`
	} `json:"function"`
}

// add takes one piece and gives the call as far as it is known. A piece that cannot be read is left out.
func (s *slots) add(raw json.RawMessage) (forming agent.Call, ok bool) {
	var p piece
	var all map[string]json.RawMessage
	if json.Unmarshal(raw, &p) != nil || json.Unmarshal(raw, &all) != nil {
		return agent.Call{}, false
	}
	t := s.slotFor(p)
	if p.ID != "" {
		t.id = p.ID
	}
	if p.Function.Name != "" && t.name == "" {
		t.name = p.Function.Name
	}
	t.write(p.Function.Arguments)
	t.keep(all)
	return agent.Call{ID: s.idOf(t), Tool: t.name, Arguments: slices.Clip(t.arguments)}, true
}

// slotFor finds the call that a piece belongs to, or begins a new one.
func (s *slots) slotFor(p piece) *slot {
	var last *slot
	for _, t := range s.list {
		if p.Index != nil && t.index != *p.Index {
			continue
		}
		if p.ID != "" && t.id == p.ID {
			return t
		}
		last = t
	}
	if last != nil && !begins(p, last) {
		return last
	}
	t := &slot{index: -1, extra: map[string]json.RawMessage{}, function: map[string]json.RawMessage{}}
	if p.Index != nil {
		t.index = *p.Index
	}
	s.list = append(s.list, t)
	return t
}

// begins reports that a piece is the first of a new call and not the next of t.
func begins(p piece, t *slot) bool {
	switch {
	case p.Index == nil:
		return p.ID != "" || p.Function.Name != ""
	case p.ID != "" && t.id != "":
		return true // another id; the same one was found before
	default:
		return p.Function.Name != "" && t.name != "" && json.Valid(t.arguments)
	}
}

// write adds arguments: the next part of a JSON text, or, from some servers, the object itself.
func (t *slot) write(raw json.RawMessage) {
	raw = bytes.TrimSpace(raw)
	if len(raw) == 0 || string(raw) == "null" {
		return
	}
	if raw[0] != '"' {
		t.arguments = append(t.arguments[:0:0], raw...)
		return
	}
	var part string
	if json.Unmarshal(raw, &part) == nil {
		t.arguments = append(t.arguments, part...)
	}
}

// keep remembers the members that only the provider understands.
func (t *slot) keep(all map[string]json.RawMessage) {
	var function map[string]json.RawMessage
	_ = json.Unmarshal(all["function"], &function) // absent or null: nothing to keep
	for _, known := range []string{"index", "id", "function"} {
		delete(all, known)
	}
	delete(function, "name")
	delete(function, "arguments")
	maps.Copy(t.extra, all)
	maps.Copy(t.function, function)
}

// idOf names a call; one that never got an id is named after its place.
func (s *slots) idOf(t *slot) string {
	if t.id != "" {
		return t.id
	}
	for i, have := range s.list {
		if have == t {
			return fmt.Sprintf("call_%d", i)
		}
	}
	return ""
}

// calls gives the calls in the order in which they began, each with its JSON as it is to be sent back.
func (s *slots) calls() []agent.Call {
	var out []agent.Call
	for _, t := range s.list {
		if t.name == "" {
			continue // a piece of nothing
		}
		args := t.arguments
		if len(bytes.TrimSpace(args)) == 0 {
			args = []byte("{}")
		}
		c := agent.Call{ID: s.idOf(t), Tool: t.name, Arguments: args}
		c.Raw = t.raw(c.ID, args)
		out = append(out, c)
	}
	return out
}

func (t *slot) raw(id string, args []byte) json.RawMessage {
	function := maps.Clone(t.function)
	function["name"], function["arguments"] = quote(t.name), quote(string(args))
	all := maps.Clone(t.extra)
	all["id"], all["type"], all["function"] = quote(id), json.RawMessage(`"function"`), object(function)
	return object(all)
}

func quote(s string) json.RawMessage {
	b, err := json.Marshal(s)
	if err != nil {
		panic(err) // a string always has a JSON form
	}
	return b
}

func object(m map[string]json.RawMessage) json.RawMessage {
	b, err := json.Marshal(m)
	if err != nil {
		panic(err) // its members were decoded from JSON
	}
	return b
}
