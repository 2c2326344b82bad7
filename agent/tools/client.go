package tools

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"sync"

	"github.com/mark3labs/mcp-go/client"
	"github.com/mark3labs/mcp-go/mcp"
	"github.com/mark3labs/mcp-go/server"

	"tandem"
)

// Client reaches the tools as any client of the protocol does, in process: it is how the assistant works. It may be used by
// many goroutines.
type Client struct {
	box    *Toolbox
	caller Caller
	server *server.MCPServer
	rpc    *client.Client
	names  []string

	mu      sync.Mutex
	offered map[string]bool
}

// Client opens a client for one caller. It must be closed.
func (tb *Toolbox) Client(ctx context.Context, c Caller) (*Client, error) {
	srv := tb.bare(c)
	rpc, err := client.NewInProcessClient(srv)
	if err != nil {
		return nil, fmt.Errorf("bind the tools: %w", err)
	}
	if err := rpc.Start(ctx); err != nil {
		return nil, fmt.Errorf("start the tool client: %w", err)
	}
	hello := mcp.InitializeRequest{}
	hello.Params.ProtocolVersion = mcp.LATEST_LEGACY_PROTOCOL_VERSION
	hello.Params.ClientInfo = mcp.Implementation{Name: serverName + "-agent", Version: tb.Version}
	if _, err := rpc.Initialize(ctx, hello); err != nil {
		return nil, fmt.Errorf("greet the tools: %w", err)
	}
	k := &Client{box: tb, caller: c, server: srv, rpc: rpc, offered: map[string]bool{}}
	for _, name := range Names {
		if c.may(specs[name].scope) {
			k.names = append(k.names, name)
		}
	}
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
	k.offer(name)
	res, err := k.rpc.CallTool(ctx, r)
	if err != nil {
		return nil, false, fmt.Errorf("call %s: %w", name, err)
	}
	k.caller.Words.see(res.RawStructuredContent)
	return res.RawStructuredContent, res.IsError, nil
}

// offer puts a tool on the server before its first call: to have the schemas of all five checked costs more than a call.
func (k *Client) offer(name string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if !k.offered[name] {
		k.box.offer(k.server, k.caller, name)
		k.offered[name] = true
	}
}

// Close ends the client.
func (k *Client) Close() error { return k.rpc.Close() }
