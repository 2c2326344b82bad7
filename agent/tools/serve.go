package tools

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"

	"github.com/mark3labs/mcp-go/mcp"
	"github.com/mark3labs/mcp-go/server"

	"tandem"
)

// serverName is how the server presents itself to clients.
const serverName = "tandem"

// instructions tell a model once what the schemas leave open.
const instructions = "Tandem is the user's todo list. Refer to tasks by their number. Pass dates and repetitions in the user's own words. " +
	"A result with error needs_approval waits for the user's yes on one of their devices; then repeat the same call."

// Bind makes a server whose tools, resources and prompts act for the caller and nobody else. It keeps no state between calls.
func (tb *Toolbox) Bind(c Caller) *server.MCPServer { return tb.bind(c) }

func (tb *Toolbox) bind(c Caller, more ...server.ServerOption) *server.MCPServer {
	srv := tb.bare(c, more...)
	for _, name := range Names {
		tb.offer(srv, c, specs[name].tool())
	}
	if c.may(tandem.ScopeRead) {
		tb.addResources(srv, c)
		tb.addPrompts(srv, c)
	}
	return srv
}

// bare makes a server for the caller that offers nothing yet.
func (tb *Toolbox) bare(c Caller, more ...server.ServerOption) *server.MCPServer {
	options := []server.ServerOption{
		server.WithToolCapabilities(false), server.WithInstructions(instructions), server.WithRecovery(), server.WithLogger(tb.wireLog),
		server.WithToolFilter(func(_ context.Context, all []mcp.Tool) []mcp.Tool {
			return slices.DeleteFunc(slices.Clone(all), func(t mcp.Tool) bool { return !c.may(specs[t.Name].scope) })
		}),
	}
	return server.NewMCPServer(serverName, tb.Version, append(options, more...)...)
}

// offer adds a tool to a server of the caller's.
func (tb *Toolbox) offer(srv *server.MCPServer, c Caller, tool mcp.Tool) {
	srv.AddTool(tool, func(ctx context.Context, r mcp.CallToolRequest) (*mcp.CallToolResult, error) {
		return tb.answer(ctx, c, tool.Name, r), nil
	})
}

// tool describes a spec to the protocol. All annotations are explicit: absent ones would mean the most dangerous.
func (s spec) tool() mcp.Tool {
	closed := false
	return mcp.Tool{
		Name: s.Name, Title: s.Title, Description: s.Description, RawInputSchema: s.InputSchema, RawOutputSchema: s.OutputSchema,
		Annotations: mcp.ToolAnnotation{
			Title: s.Title, ReadOnlyHint: &s.ReadOnly, DestructiveHint: &s.Destructive, IdempotentHint: &s.Idempotent, OpenWorldHint: &closed,
		},
	}
}

// answer runs one call and renders what came of it. Refusals are results, so that a model can read them. A question goes to the
// client where it can lead its person to the answer.
func (tb *Toolbox) answer(ctx context.Context, c Caller, name string, r mcp.CallToolRequest) *mcp.CallToolResult {
	var res Result
	var err error
	if r.Params.RequestState != "" {
		err = tb.settle(ctx, c, name, tb.cameBack(ctx, c, name, r))
	}
	if err == nil {
		res, err = tb.Call(ctx, c, name, r.Params.RawArguments)
	}
	if err != nil {
		if a := tandem.AsError(err).Details.Approval; a != nil && r.Params.RequestState == "" {
			if led, ok := tb.lead(r, *a); ok {
				return led
			}
		}
		refusal := errorResult(err)
		return &mcp.CallToolResult{Content: []mcp.Content{mcp.NewTextContent(string(refusal))}, StructuredContent: refusal, IsError: true}
	}
	return &mcp.CallToolResult{Content: []mcp.Content{mcp.NewTextContent(res.Text)}, StructuredContent: res.Structured}
}

// Serve answers one request of a verified caller over streamable HTTP, without sessions, in both eras of the protocol. Whoever
// calls it has verified the bearer of this very request.
func (tb *Toolbox) Serve(w http.ResponseWriter, r *http.Request, c Caller) {
	if err := tb.guard(r); err != nil {
		http.Error(w, err.Error(), http.StatusForbidden)
		return
	}
	if c.Cause.Caller == "" {
		c.Cause.Caller = "mcp"
	}
	modern := mcp.IsModernProtocol(r.Header.Get(mcp.HeaderProtocolVersion))
	prepare(r, modern)
	var more []server.ServerOption
	if modern && tb.Watch != nil && c.may(tandem.ScopeRead) {
		ctx, stop := tb.listener(r, c)
		defer stop()
		r = r.WithContext(ctx)
		more = tb.subscriptions(c, stop)
	}
	// The guard above knows the public name, which the library's own protection of loopback does not.
	server.NewStreamableHTTPServer(tb.bind(c, more...), server.WithStateLess(true), server.WithDisableStreaming(true),
		server.WithDisableLocalhostProtection(true), server.WithStreamableHTTPLogger(tb.wireLog)).ServeHTTP(w, r)
}

// guard refuses what a page of somebody else's could send: a foreign Origin, and on a loopback connection a foreign Host,
// which is how a rebound DNS name arrives.
func (tb *Toolbox) guard(r *http.Request) error {
	if local, ok := r.Context().Value(http.LocalAddrContextKey).(net.Addr); ok && loopback(local.String()) && !loopback(r.Host) && !tb.ownHost(r.Host) {
		return errors.New("this server does not answer under that host name")
	}
	origins := r.Header.Values("Origin")
	if len(origins) == 0 {
		return nil
	}
	if len(origins) == 1 && (slices.Contains(tb.Origins, origins[0]) || sameOrigin(origins[0], r.Host) || tb.PublicURL != "" && origins[0] == originOf(tb.PublicURL)) {
		return nil
	}
	return errors.New("pages of another origin may not call the tools")
}

func (tb *Toolbox) ownHost(host string) bool {
	u, err := url.Parse(tb.PublicURL)
	return err == nil && u.Host != "" && strings.EqualFold(u.Host, host)
}

func originOf(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return ""
	}
	return u.Scheme + "://" + u.Host
}

func sameOrigin(origin, host string) bool {
	u, err := url.Parse(origin)
	return err == nil && (u.Scheme == "http" || u.Scheme == "https") && strings.EqualFold(u.Host, host)
}

// loopback tells whether a host, with or without a port, is this machine itself.
func loopback(host string) bool {
	name, _, err := net.SplitHostPort(host)
	if err != nil {
		name = strings.Trim(host, "[]")
	}
	if strings.EqualFold(name, "localhost") {
		return true
	}
	ip, err := netip.ParseAddr(name)
	return err == nil && ip.IsLoopback()
}
