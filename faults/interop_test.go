package faults

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestMCP_TypeScript lets the official TypeScript clients use the tools of a running server, in both eras of the protocol, over HTTP and
// over stdio. Their packages are installed by `npm ci` in faults/interop; without them the test is skipped.
func TestMCP_TypeScript(t *testing.T) {
	node, err := exec.LookPath("node")
	if err != nil {
		t.Skip("no node")
	}
	if _, err := os.Stat(filepath.Join("interop", "node_modules", "@modelcontextprotocol", "client")); err != nil {
		t.Skip("the clients are not installed: run npm ci in faults/interop")
	}
	if _, err := os.ReadFile(filepath.Join("interop", "mcp.test.mjs")); err != nil { // for the test cache
		t.Fatal(err)
	}
	s := newServer(t)
	s.start()
	tokens := map[string]string{"all": s.personal("tasks:read,tasks:write,tasks:delete"), "read": s.personal("tasks:read")}
	encoded, err := json.Marshal(tokens)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), node, "--test", "--test-reporter=tap", "mcp.test.mjs")
	cmd.Dir = "interop"
	cmd.Env = append(os.Environ(), "INTEROP_URL="+s.url(), "INTEROP_PROGRAM="+program, "INTEROP_TOKENS="+string(encoded),
		"TANDEM_DATA_DIR="+s.data, "TANDEM_AUTH_SECRET="+secret)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Errorf("%v\n%s", err, out)
	}
	if n := strings.Count(string(out), "\nok "); n < 14 {
		t.Errorf("%d stories were told, want at least 14:\n%s", n, out)
	}
}

// personal makes a personal access token of ann's.
func (s *server) personal(scopes string) string {
	s.t.Helper()
	cmd := exec.CommandContext(s.t.Context(), program, "token", "--user", "ann", "--personal", "interop", "--scope", scopes)
	cmd.Env = append(os.Environ(), "TANDEM_DATA_DIR="+s.data, "TANDEM_AUTH_SECRET="+secret)
	out, err := cmd.Output()
	if err != nil {
		s.t.Fatalf("make a token: %v", err)
	}
	return strings.TrimSpace(string(out))
}
