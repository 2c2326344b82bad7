package agent

import (
	"context"
	"crypto/sha256"
	"encoding/base32"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"tandem"
)

// maxHistory is how many messages of the conversation a model is told.
const maxHistory = 20

// maxMentioned bounds the tasks that "it" and "the second one" may mean.
const maxMentioned = 20

// recollection is what a turn knows of the conversation before it.
type recollection struct {
	messages []Message
	focus    []tandem.Candidate // last mentioned first
	shown    []tandem.Candidate // of the newest list
	asked    string             // the turn of the newest answer, when that ends with a question
	last     string             // the turn of the newest answer
	earlier  Earlier            // than messages
}

// recollect reads the messages before the turn's own, and in short those before them. The planner reads neither those nor notes of the
// program.
func (s *Service) recollect(ctx context.Context, t tandem.Turn, planned bool) (recollection, error) {
	past, more, err := s.Store.Transcript(ctx, t.UserID, t.Conversation, t.MessageID, maxHistory)
	if err != nil {
		return recollection{}, fmt.Errorf("read conversation %d: %w", t.Conversation, err)
	}
	if i := slices.IndexFunc(past, func(m tandem.Message) bool { return m.Role == tandem.RoleUser }); i > 0 {
		past = past[i:]
	}
	var r recollection
	if more && !planned && len(past) > 0 {
		older, _, err := s.Store.Transcript(ctx, t.UserID, t.Conversation, past[0].ID, maxEarlier)
		if err != nil {
			return recollection{}, fmt.Errorf("read the beginning of conversation %d: %w", t.Conversation, err)
		}
		r.earlier = inShort(older)
	}
	for _, m := range past {
		if planned && m.Role == tandem.RoleHidden {
			continue
		}
		r.messages = append(r.messages, retell(m)...)
		if m.Role == tandem.RoleAssistant {
			r.last, r.asked = m.TurnID, ""
			if strings.HasSuffix(strings.TrimSpace(m.Text), "?") {
				r.asked = m.TurnID
			}
		}
	}
	for _, m := range slices.Backward(past) {
		r.mention(m.ToolCalls)
	}
	return r, nil
}

// What is told of messages that are too old to be told word by word.
const (
	maxEarlier = 100 // messages that are looked at
	maxShort   = 20  // things said, and things done, the newest
	shortWords = 120 // characters of each
)

// inShort tells what a person said and what was done.
func inShort(messages []tandem.Message) (e Earlier) {
	for _, m := range messages {
		if m.Role == tandem.RoleUser {
			e.Said = append(e.Said, clip(oneLine(Neutral(m.Text)), shortWords))
		}
		for _, c := range m.ToolCalls {
			if wrote(c) {
				e.Done = append(e.Done, clip(oneLine(Neutral(resultOf(c.Result).Message)), shortWords))
			}
		}
	}
	e.Said, e.Done = e.Said[max(len(e.Said)-maxShort, 0):], e.Done[max(len(e.Done)-maxShort, 0):]
	return e
}

// retell gives a stored message with its calls in short.
func retell(m tandem.Message) []Message {
	switch m.Role {
	case tandem.RoleAssistant:
	case tandem.RoleHidden: // as the system prompt says that the program speaks
		return []Message{{Role: RoleUser, Text: string(encode(map[string]any{"context": map[string]any{"note": m.Text}}))}}
	default:
		return []Message{{Role: RoleUser, Text: m.Text}}
	}
	var out []Message
	if len(m.ToolCalls) > 0 {
		calls := Message{Role: RoleAssistant}
		for _, c := range m.ToolCalls {
			calls.Calls = append(calls.Calls, Call{ID: c.ID, Tool: c.Tool, Arguments: c.Arguments})
		}
		out = append(out, calls)
		for _, c := range m.ToolCalls {
			out = append(out, Message{Role: RoleTool, CallID: c.ID, Name: c.Tool, Result: recall(c.Result)})
		}
	}
	if m.Text != "" {
		out = append(out, Message{Role: RoleAssistant, Text: Neutral(m.Text)}) // it may quote titles
	}
	return out
}

// mention takes what the calls of an older message name.
func (r *recollection) mention(calls []tandem.ToolCall) {
	for _, c := range slices.Backward(calls) {
		if c.Status != phaseOK && c.Status != phaseWaiting {
			continue
		}
		rows := resultOf(c.Result).rows()
		var named []tandem.Candidate
		for _, row := range rows[:min(len(rows), maxMentioned)] {
			named = append(named, TargetOf(row).Candidate)
		}
		if c.Tool == listTasks && r.shown == nil {
			r.shown = named
		}
		if c.Tool == listTasks && len(named) != 1 {
			continue
		}
		for _, n := range named {
			if len(r.focus) < maxMentioned && !slices.ContainsFunc(r.focus, func(f tandem.Candidate) bool { return same(f, n) }) {
				r.focus = append(r.focus, n)
			}
		}
	}
}

// record is what the loop keeps of a call besides what everybody sees; it lies in the call's Raw.
type record struct {
	Round    int             `json:"round"`
	At       int             `json:"at"`                 // length of the reply when the call was written
	ID       string          `json:"id,omitempty"`       // as the model named it
	Raw      json.RawMessage `json:"raw,omitempty"`      // as the provider wrote it
	Approval string          `json:"approval,omitempty"` // that it answers
}

func recordOf(c tandem.ToolCall) (r record) {
	_ = json.Unmarshal(c.Raw, &r) // written by newCall
	return r
}

// retrace gives the rounds of this turn so far: what the model said and called, and what came of it.
func (r *run) retrace() []Message {
	t := r.live.row()
	var out []Message
	at := 0
	for i := 0; i < len(t.Calls); {
		rec := recordOf(t.Calls[i])
		said := Message{Role: RoleAssistant, Text: t.Reply[min(at, len(t.Reply)):min(rec.At, len(t.Reply))]}
		at = rec.At
		var results []Message
		for ; i < len(t.Calls) && recordOf(t.Calls[i]).Round == rec.Round; i++ {
			c := t.Calls[i]
			call := Call{ID: c.ID, Tool: c.Tool, Arguments: c.Arguments, Raw: recordOf(c).Raw}
			if id := recordOf(c).ID; id != "" {
				call.ID = id
			}
			said.Calls = append(said.Calls, call)
			results = append(results, Message{Role: RoleTool, CallID: call.ID, Name: c.Tool, Result: r.told(c)})
		}
		out = append(append(out, said), results...)
	}
	return out
}

// told gives a result as the model reads it. The planner is a program, and reads all of it.
func (r *run) told(c tandem.ToolCall) json.RawMessage {
	if r.policy.planned {
		return r.full(c)
	}
	return forModel(r.full(c))
}

// full gives a result as the tool gave it, where this process has it.
func (r *run) full(c tandem.ToolCall) json.RawMessage {
	if raw, ok := r.results[c.ID]; ok {
		return raw
	}
	return c.Result
}

// callID names a call in its turn: nine letters and digits, which every provider takes as an id.
func callID(turn string, round, index int) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%s/%d/%d", turn, round, index))
	return strings.ToLower(base32.StdEncoding.EncodeToString(sum[:])[:9])
}

// opID names the operation of a call. Calls of one message, tool and arguments differ by their ordinal, so that a retry that
// makes the same calls in another order makes none twice.
func opID(message, tool string, arguments json.RawMessage, ordinal int) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%s\n%s\n%s\n%d", message, tool, canonical(arguments), ordinal))
	return "op_" + hex.EncodeToString(sum[:16])
}

// canonical writes arguments with sorted keys and without white space.
func canonical(arguments json.RawMessage) json.RawMessage {
	v, err := decode(arguments)
	if err != nil {
		return arguments
	}
	return encode(v)
}
