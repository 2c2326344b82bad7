package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"
)

// Bounds of the way between standard input and the running server.
const (
	maxMCPLine     = 1 << 20
	maxMCPInFlight = 16
	tokenReuse     = 10 * time.Minute // of the 15 that a token lasts
)

func runMCP(ctx context.Context, std stdio, args []string) error {
	var in signArgs
	var scopes listFlag
	var address, tokenFile string
	c, words, err := dataCommand(std, "mcp", args, func(fs *flag.FlagSet) {
		fs.StringVar(&in.User, "user", "", "id of the user (default: the local one)")
		fs.Var(&scopes, "scope", "what the program may do: tasks:read, tasks:write, tasks:delete (default: all)")
		fs.StringVar(&address, "url", "", "use the Tandem at this address instead of the data folder's")
		fs.StringVar(&tokenFile, "token-file", "", "file with a personal access token, for --url")
	})
	if err != nil {
		return err
	}
	if len(words) > 0 || (address == "") != (tokenFile == "") || address != "" && (in.User != "" || scopes != nil) {
		return usage(std, "mcp [--user ID] [--scope LIST] | mcp --url ADDRESS --token-file FILE")
	}
	if address != "" {
		return elsewhere(ctx, std, address, tokenFile)
	}
	in.Scopes = scopes
	return withServer(ctx, c, std, func(ctx context.Context, r remote) error {
		sign := func(ctx context.Context) (string, error) { return ask[string](ctx, r, "sign", in) }
		if _, err := sign(ctx); err != nil {
			return err
		}
		p := mcpPipe{address: r.URL, sign: sign, out: std.out}
		return p.run(ctx, std.in)
	})
}

// elsewhere serves the tools of a Tandem that runs somewhere else. What the token may do is settled there.
func elsewhere(ctx context.Context, std stdio, address, tokenFile string) error {
	var c config
	if err := setURL(func(c *config) *string { return &c.PublicURL })(&c, address); err != nil {
		return fmt.Errorf("--url: %w", err)
	}
	if u, err := url.Parse(address); err == nil && u.Scheme == "http" && !onLoopback(net.JoinHostPort(u.Hostname(), "0")) {
		return fmt.Errorf("--url: %q would send the token without encryption", address)
	}
	token, err := os.ReadFile(tokenFile)
	if err != nil {
		return fmt.Errorf("--token-file: there is no readable file %q", tokenFile)
	}
	p := mcpPipe{
		address: c.PublicURL, out: std.out,
		sign: func(context.Context) (string, error) { return strings.TrimSpace(string(token)), nil },
	}
	return p.run(ctx, std.in)
}

// mcpPipe carries JSON-RPC lines to the server's /mcp and its answers back.
type mcpPipe struct {
	address string
	sign    func(context.Context) (string, error)

	mu      sync.Mutex
	out     io.Writer
	version string // negotiated by initialize
	token   string
	renewAt time.Time
}

func (p *mcpPipe) run(ctx context.Context, in io.Reader) error {
	lines := bufio.NewScanner(in)
	lines.Buffer(make([]byte, 64<<10), maxMCPLine)
	var g errgroup.Group
	g.SetLimit(maxMCPInFlight)
	for lines.Scan() {
		line := bytes.Clone(bytes.TrimSpace(lines.Bytes()))
		if len(line) == 0 {
			continue
		}
		var head rpcHead
		if err := json.Unmarshal(line, &head); err != nil {
			p.write(rpcError(nil, -32700, "parse error"))
			continue
		}
		if head.Method == "initialize" {
			p.exchange(ctx, line, head) // the version it settles is needed by what follows
			continue
		}
		g.Go(func() error {
			p.exchange(ctx, line, head)
			return nil
		})
	}
	_ = g.Wait() // exchanges answer their own errors
	if err := lines.Err(); err != nil {
		return fmt.Errorf("read standard input: %w", err)
	}
	return nil
}

// rpcHead is what the pipe looks at.
type rpcHead struct {
	ID     json.RawMessage `json:"id"`
	Method string          `json:"method"`
	Params struct {
		Name string                     `json:"name"`
		URI  string                     `json:"uri"`
		Meta map[string]json.RawMessage `json:"_meta"` //nolint:tagliatelle // a name of MCP
	} `json:"params"`
}

func rpcError(id json.RawMessage, code int, message string) []byte {
	if id == nil {
		id = json.RawMessage("null")
	}
	b, _ := json.Marshal(map[string]any{"jsonrpc": "2.0", "id": id, "error": map[string]any{"code": code, "message": message}})
	return b
}

// exchange posts one line and writes what comes back.
func (p *mcpPipe) exchange(ctx context.Context, line []byte, head rpcHead) {
	res, err := p.post(ctx, line, head)
	if err != nil {
		if head.ID != nil {
			p.write(rpcError(head.ID, -32603, "the running server does not answer"))
		}
		return
	}
	defer res.Body.Close()
	if strings.HasPrefix(res.Header.Get("Content-Type"), "text/event-stream") {
		events := bufio.NewScanner(res.Body)
		events.Buffer(make([]byte, 64<<10), 8*maxMCPLine)
		for events.Scan() {
			if data, ok := bytes.CutPrefix(events.Bytes(), []byte("data:")); ok {
				p.write(bytes.Clone(bytes.TrimSpace(data)))
			}
		}
		return
	}
	body, err := io.ReadAll(res.Body)
	switch {
	case head.ID == nil || err == nil && len(body) == 0:
	case err != nil || !json.Valid(body):
		p.write(rpcError(head.ID, -32603, "the running server answered "+res.Status))
	default:
		p.settle(head, body)
		p.write(bytes.TrimSpace(body))
	}
}

func (p *mcpPipe) post(ctx context.Context, line []byte, head rpcHead) (*http.Response, error) {
	token, version, err := p.credentials(ctx)
	if err != nil {
		return nil, err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, p.address+"/mcp", bytes.NewReader(line))
	if err != nil {
		return nil, fmt.Errorf("ask the running server: %w", err)
	}
	req.Header.Set("Authorization", "Bearer "+token)
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Accept", "application/json, text/event-stream")
	var own string
	if raw, ok := head.Params.Meta["io.modelcontextprotocol/protocolVersion"]; ok && json.Unmarshal(raw, &own) == nil {
		version = own // of the era without a handshake: each request names its version, method and object
		req.Header.Set("Mcp-Method", head.Method)
		if name := head.Params.Name + head.Params.URI; name != "" {
			req.Header.Set("Mcp-Name", name)
		}
	}
	if version != "" {
		req.Header.Set("MCP-Protocol-Version", version)
	}
	return http.DefaultClient.Do(req)
}

// credentials gives a token that is good for a while yet, and the settled protocol version.
func (p *mcpPipe) credentials(ctx context.Context) (token, version string, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if now := time.Now(); now.After(p.renewAt) {
		if p.token, err = p.sign(ctx); err != nil {
			return "", "", err
		}
		p.renewAt = now.Add(tokenReuse)
	}
	return p.token, p.version, nil
}

func (p *mcpPipe) settle(head rpcHead, body []byte) {
	if head.Method != "initialize" {
		return
	}
	var answer struct {
		Result struct {
			ProtocolVersion string `json:"protocolVersion"` //nolint:tagliatelle // a name of MCP
		} `json:"result"`
	}
	if json.Unmarshal(body, &answer) == nil {
		p.mu.Lock()
		p.version = answer.Result.ProtocolVersion
		p.mu.Unlock()
	}
}

// write puts one message on a line of its own.
func (p *mcpPipe) write(message []byte) {
	p.mu.Lock()
	defer p.mu.Unlock()
	_, _ = p.out.Write(append(message, '\n')) // a reader that is gone ends the input too
}
