package llm

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"

	"github.com/openai/openai-go/v3"

	"tandem/agent"
)

// optional is a parameter that not every server takes. It is sent until it is refused once.
type optional struct {
	name    string
	marks   []string // in small letters: how a refusal names it
	refused atomic.Bool
}

// taken holds the parameters that a request sends.
type taken map[*optional]bool

// asking is how a round is asked for.
type asking struct {
	log   *slog.Logger
	model string

	parallel, extra *optional
}

func (o Options) asking(extra *optional) asking {
	o = o.withDefaults()
	return asking{log: o.Log, model: o.Model, parallel: &optional{name: "parallel_tool_calls", marks: []string{"parallel_tool_calls"}}, extra: extra}
}

// listening makes one request and passes its answer on.
type listening func(context.Context, agent.Request, taken, *answer) error

// stream has a round asked for and passes it on. It is asked again where nothing was passed on yet and the server refused a
// parameter that it can do without.
func (q asking) stream(ctx context.Context, r agent.Request, listen listening) iter.Seq2[agent.Event, error] {
	return func(yield func(agent.Event, error) bool) {
		ctx, hangUp := context.WithCancel(ctx)
		defer hangUp()
		for {
			a, use := answer{yield: yield}, q.taken()
			err := listen(ctx, r, use, &a)
			if err != nil && !a.begun && q.adapt(ctx, use, err) {
				continue
			}
			if err != nil && !a.stopped {
				yield(agent.Event{}, fmt.Errorf("ask the model: %w", err))
			}
			return
		}
	}
}

func (q asking) taken() taken {
	return taken{q.parallel: !q.parallel.refused.Load(), q.extra: !q.extra.refused.Load()}
}

// adapt learns from a refusal which of the parameters that were sent the server does not take, and reports whether there is one.
func (q asking) adapt(ctx context.Context, sent taken, err error) bool {
	refused, ok := errors.AsType[*openai.Error](err)
	if !ok || refused.StatusCode != http.StatusBadRequest {
		return false
	}
	text := strings.ToLower(refused.Param + " " + refused.Message + " " + refused.RawJSON())
	for p := range sent {
		if sent[p] && slices.ContainsFunc(p.marks, func(mark string) bool { return strings.Contains(text, mark) }) {
			p.refused.Store(true)
			q.log.InfoContext(ctx, "model refuses a parameter", "model", q.model, "name", p.name)
			return true
		}
	}
	return false
}
