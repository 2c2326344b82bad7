package llm

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"

	"github.com/openai/openai-go/v3/packages/param"
	"github.com/openai/openai-go/v3/responses"

	"tandem"
	"tandem/agent"
)

// Responses is a model behind the Responses API. The server is told to keep nothing: each round sends the whole conversation. It
// may be asked by many goroutines.
type Responses struct {
	asking
	api responses.ResponseService
}

// NewResponses makes a Responses. It reads nothing from the environment.
func NewResponses(o Options) *Responses {
	return &Responses{o.asking(&optional{name: "include", marks: []string{"include", "encrypted"}}), responses.NewResponseService(o.request()...)}
}

// Engine is "llm".
func (m *Responses) Engine() string { return engine }

// Stream asks for one round, with the promises of Chat.Stream.
func (m *Responses) Stream(ctx context.Context, r agent.Request) iter.Seq2[agent.Event, error] {
	return m.stream(ctx, r, m.listen)
}

// listen makes one request and passes its answer on.
func (m *Responses) listen(ctx context.Context, r agent.Request, use taken, a *answer) error {
	body := param.Override[responses.ResponseNewParams](m.body(r, use))
	stream := m.api.NewStreaming(ctx, body)
	defer func() { _ = stream.Close() }() // what was read counts
	out := output{answer: a}
	for stream.Next() {
		var ev event
		if err := json.Unmarshal([]byte(stream.Current().RawJSON()), &ev); err != nil {
			return fmt.Errorf("read an event: %w", err)
		}
		if more, err := out.take(ev); err != nil || !more {
			return err
		}
	}
	if err := stream.Err(); err != nil {
		return err
	}
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return a.end(out.items.calls())
}

// event is a piece of a streamed response, as loosely as servers write it.
type event struct {
	Type      string          `json:"type"`
	ItemID    string          `json:"item_id"`
	Index     *int            `json:"output_index"`
	Delta     json.RawMessage `json:"delta"`
	Arguments json.RawMessage `json:"arguments"`
	Item      json.RawMessage `json:"item"`
	Message   string          `json:"message"` // of an error
	Response  struct {
		Output []json.RawMessage `json:"output"`
		Usage  *struct {
			InputTokens  int64 `json:"input_tokens"`
			OutputTokens int64 `json:"output_tokens"`
		} `json:"usage"`
		Error *struct {
			Code    string `json:"code"`
			Message string `json:"message"`
		} `json:"error"`
	} `json:"response"`
}

var errFailed = errors.New("the model said that it failed")

// output gathers the items of one response.
type output struct {
	*answer
	items items
	heard bool // text of the message that is being written came in pieces
	spoke bool // any text came
}

// take reports whether to go on.
func (o *output) take(ev event) (more bool, err error) {
	switch ev.Type {
	case "response.output_text.delta", "response.refusal.delta":
		o.heard = true
		return o.say(unquote(ev.Delta)), nil
	case "response.output_item.added":
		return o.form(o.items.begin(ev.Item, ev.Index)), nil
	case "response.function_call_arguments.delta":
		return o.form(o.items.write(ev.ItemID, ev.Index, ev.Delta, true)), nil
	case "response.function_call_arguments.done":
		return o.form(o.items.write(ev.ItemID, ev.Index, ev.Arguments, false)), nil
	case "response.output_item.done":
		return o.finishItem(ev.Item, ev.Index), nil
	case "response.completed", "response.incomplete":
		return o.finish(ev), nil
	case "response.failed":
		if e := ev.Response.Error; e != nil {
			return false, fmt.Errorf("%w: %s: %s", errFailed, e.Code, e.Message)
		}
		return false, errFailed
	case "error":
		return false, fmt.Errorf("%w: %s", errFailed, ev.Message)
	}
	return true, nil
}

func (o *output) say(text string) bool {
	o.spoke = o.spoke || text != ""
	if text = o.thoughts.pass(text); text == "" {
		return true
	}
	return o.pass(agent.Event{Text: text})
}

// form tells a call as far as it is known.
func (o *output) form(t *slot) bool {
	if t == nil {
		return true
	}
	return o.pass(agent.Event{Forming: &agent.Call{ID: o.items.idOf(t), Tool: t.name, Arguments: append(json.RawMessage{}, t.arguments...)}})
}

// finishItem takes an item that is whole. The text of a message is said where its pieces were not.
func (o *output) finishItem(raw json.RawMessage, index *int) bool {
	if text, ok := messageText(raw); ok {
		heard := o.heard
		o.heard = false
		o.items.passMessage()
		return heard || o.say(text)
	}
	return o.form(o.items.end(raw, index))
}

// finish takes the end. Some servers tell only here what the items were.
func (o *output) finish(ev event) bool {
	o.finished = true
	if u := ev.Response.Usage; u != nil {
		o.usage = &tandem.Usage{Input: u.InputTokens, Output: u.OutputTokens}
	}
	silent := !o.spoke
	for _, raw := range ev.Response.Output {
		if text, ok := messageText(raw); ok {
			if silent && !o.say(text) {
				return false
			}
			continue
		}
		if t := o.items.add(raw); !o.form(t) {
			return false
		}
	}
	return true
}

// messageText gives the text of an item that is a message.
func messageText(raw json.RawMessage) (text string, ok bool) {
	var m struct {
		Type    string `json:"type"`
		Content []struct {
			Text    string `json:"text"`
			Refusal string `json:"refusal"`
		} `json:"content"`
	}
	if json.Unmarshal(raw, &m) != nil || m.Type != "message" {
		return "", false
	}
	for _, part := range m.Content {
		text += part.Text + part.Refusal
	}
	return text, true
}

// unquote reads a JSON text; what is none is empty.
func unquote(raw json.RawMessage) (s string) {
	_ = json.Unmarshal(raw, &s)
	return s
}
