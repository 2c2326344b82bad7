package tools

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/mark3labs/mcp-go/client"
	"github.com/mark3labs/mcp-go/mcp"

	"tandem"
)

// Client reaches the tools as any client of the protocol does, in process: it is how the assistant works. It may be used by
// many goroutines.
type Client struct {
	rpc   *client.Client
	names []string
	words *Words
}

// Client opens a client for one caller. It must be closed. Its server offers names alone: nobody asks it for a list, and to have the
// schemas checked anew for every turn costs more than a call.
func (tb *Toolbox) Client(ctx context.Context, c Caller) (*Client, error) {
	k := &Client{words: c.Words}
	srv := tb.bare(c)
	for _, name := range Names {
		if c.may(specs[name].scope) {
			k.names = append(k.names, name)
			tb.offer(srv, c, mcp.Tool{Name: name})
		}
	}
	rpc, err := client.NewInProcessClient(srv)
	if err != nil {
		return nil, fmt.Errorf("bind the tools: %w", err)
	}
	if err := rpc.Start(ctx); err != nil {
		return nil, fmt.Errorf("start the tool client: %w", err)
	}
	hello := mcp.InitializeRequest{}
	// One greeting costs less than what later versions say with every call.
	hello.Params.ProtocolVersion = mcp.LATEST_LEGACY_PROTOCOL_VERSION
	hello.Params.ClientInfo = mcp.Implementation{Name: serverName + "-agent", Version: tb.Version}
	if _, err := rpc.Initialize(ctx, hello); err != nil {
		return nil, fmt.Errorf("greet the tools: %w", err)
	}
	k.rpc = rpc
	return k, nil
}

// Tools describes the tools that the caller may use.
func (k *Client) Tools() []Definition {
	return slices.DeleteFunc(Definitions(), func(d Definition) bool { return !slices.Contains(k.names, d.Name) })
}

// CallTool runs a tool. A refusal is a result of the contract's form with isError set; err is a failed transport.
func (k *Client) CallTool(ctx context.Context, name string, args json.RawMessage) (structured json.RawMessage, isError bool, err error) {
	spec, known := specs[name]
	switch {
	case !known:
		return errorResult(tandem.NotOneOf("tool", name, k.names)), true, nil
	case !slices.Contains(k.names, name):
		return errorResult(lacks(name, spec.scope)), true, nil
	case len(args) > 0 && !json.Valid(args):
		return errorResult(tandem.Invalid("arguments", clip(string(args)), "The arguments are not well-formed JSON.")), true, nil
	}
	r := mcp.CallToolRequest{}
	r.Params.Name = name
	if len(args) > 0 {
		r.Params.RawArguments = readable(args)
	}
	res, err := k.rpc.CallTool(ctx, r)
	if err != nil {
		return nil, false, fmt.Errorf("call %s: %w", name, err)
	}
	k.words.see(res.RawStructuredContent)
	return res.RawStructuredContent, res.IsError, nil
}

// Close ends the client.
func (k *Client) Close() error { return k.rpc.Close() }
