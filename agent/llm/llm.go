package llm

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"iter"
	"log/slog"
	"net/http"
	"time"

	"github.com/openai/openai-go/v3"
	"github.com/openai/openai-go/v3/option"

	"tandem"
	"tandem/agent"
)

// DefaultBaseURL is where models are asked unless told otherwise.
const DefaultBaseURL = "https://api.openai.com/v1"

// Retries of a request that did not get through: connection errors, 408, 409, 429 and 5xx.
const (
	maxRetries    = 2
	maxRetryDelay = 2 * time.Second // a server that wants more patience is treated as down
)

// Options name a model.
type Options struct {
	BaseURL string // default DefaultBaseURL
	Key     string
	Model   string
	Client  *http.Client // default: one of its own
	Log     *slog.Logger // default: discards
}

// Chat is a model behind Chat Completions. It may be asked by many goroutines.
type Chat struct {
	asking
	api openai.ChatCompletionService
}

// New makes a Chat. It reads nothing from the environment.
func New(o Options) *Chat {
	q := o.asking(&optional{name: "stream_options", marks: []string{"stream_options", "include_usage"}})
	return &Chat{asking: q, api: openai.NewChatCompletionService(o.request()...)}
}

func (o Options) withDefaults() Options {
	if o.BaseURL == "" {
		o.BaseURL = DefaultBaseURL
	}
	if o.Client == nil {
		o.Client = &http.Client{}
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	return o
}

// request is how every request is made.
func (o Options) request() []option.RequestOption {
	o = o.withDefaults()
	return []option.RequestOption{
		option.WithBaseURL(o.BaseURL), option.WithAPIKey(o.Key), option.WithHTTPClient(o.Client),
		option.WithMaxRetries(maxRetries), option.WithMaxRetryDelay(maxRetryDelay),
	}
}

const engine = "llm"

// Engine is "llm".
func (c *Chat) Engine() string { return engine }

// errCut is the end of a stream that did not come to its end.
var errCut = fmt.Errorf("the model's answer was cut off: %w", io.ErrUnexpectedEOF)

// Stream asks for one round. Text is yielded as it comes, without what the model thinks; a call is yielded whole, when the
// stream has ended, and told as it forms before. The round ends with an error when the server refuses or the stream is cut.
func (c *Chat) Stream(ctx context.Context, r agent.Request) iter.Seq2[agent.Event, error] {
	return c.stream(ctx, r, c.listen)
}

// listen makes one request and passes its answer on.
func (c *Chat) listen(ctx context.Context, r agent.Request, use taken, a *answer) error {
	stream := c.api.NewStreaming(ctx, c.params(r, use))
	defer func() { _ = stream.Close() }() // what was read counts
	for stream.Next() {
		var part chunk
		if err := json.Unmarshal([]byte(stream.Current().RawJSON()), &part); err != nil {
			return fmt.Errorf("read a chunk: %w", err)
		}
		if !a.take(part) {
			return nil
		}
	}
	if err := stream.Err(); err != nil {
		return err
	}
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return a.end(a.slots.calls())
}

// chunk is a piece of an answer, as loosely as servers write it.
type chunk struct {
	Choices []struct {
		Delta struct {
			Content   string            `json:"content"`
			ToolCalls []json.RawMessage `json:"tool_calls"`
		} `json:"delta"`
		FinishReason string `json:"finish_reason"`
	} `json:"choices"`
	Usage *struct {
		PromptTokens     int64 `json:"prompt_tokens"`
		CompletionTokens int64 `json:"completion_tokens"`
	} `json:"usage"`
}

// answer gathers the pieces of one round.
type answer struct {
	yield    func(agent.Event, error) bool
	begun    bool // something was passed on
	stopped  bool // nobody listens any more
	finished bool // the server said that this is the end
	thoughts filter
	slots    slots
	usage    *tandem.Usage
}

func (a *answer) pass(ev agent.Event) bool {
	if a.stopped {
		return false
	}
	a.begun = true
	a.stopped = !a.yield(ev, nil)
	return !a.stopped
}

// take reports whether to go on.
func (a *answer) take(c chunk) bool {
	if c.Usage != nil {
		a.usage = &tandem.Usage{Input: c.Usage.PromptTokens, Output: c.Usage.CompletionTokens}
	}
	if len(c.Choices) == 0 {
		return true
	}
	choice := c.Choices[0]
	a.finished = a.finished || choice.FinishReason != ""
	if text := a.thoughts.pass(choice.Delta.Content); text != "" && !a.pass(agent.Event{Text: text}) {
		return false
	}
	for _, raw := range choice.Delta.ToolCalls {
		forming, ok := a.slots.add(raw)
		if ok && !a.pass(agent.Event{Forming: &forming}) {
			return false
		}
	}
	return true
}

// end yields the calls. Whether there are any decides, not the reason that the server gives for finishing.
func (a *answer) end(calls []agent.Call) error {
	if !a.finished && a.usage == nil {
		return errCut
	}
	if text := a.thoughts.rest(); text != "" && !a.pass(agent.Event{Text: text}) {
		return nil
	}
	for _, call := range calls {
		if !a.pass(agent.Event{Call: &call}) {
			return nil
		}
	}
	if a.usage != nil {
		a.pass(agent.Event{Usage: a.usage})
	}
	return nil
}
