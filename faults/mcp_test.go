package faults

import (
	"os"
	"os/exec"
	"slices"
	"testing"

	"github.com/modelcontextprotocol/go-sdk/mcp"
)

// TestMCP_OverStdio lets an independent client use `tandem mcp` beside a running server.
func TestMCP_OverStdio(t *testing.T) {
	s := newServer(t)
	s.start()
	cmd := exec.Command(program, "mcp", "--user", "ann")
	cmd.Env = append(os.Environ(), "TANDEM_DATA_DIR="+s.data, "TANDEM_AUTH_SECRET="+secret)
	session, err := mcp.NewClient(&mcp.Implementation{Name: "independent", Version: "1"}, nil).Connect(t.Context(), &mcp.CommandTransport{Command: cmd}, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := session.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	}()
	listed, err := session.ListTools(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, tool := range listed.Tools {
		names = append(names, tool.Name)
	}
	slices.Sort(names)
	if want := []string{"add_task", "complete_task", "delete_task", "list_tasks", "update_task"}; !slices.Equal(names, want) {
		t.Fatalf("tools %v, want %v", names, want)
	}
	added, err := session.CallTool(t.Context(), &mcp.CallToolParams{Name: "add_task", Arguments: map[string]any{"title": "Water plants"}})
	if err != nil || added.IsError {
		t.Fatalf("add_task: %+v, %v", added, err)
	}
	refused, err := session.CallTool(t.Context(), &mcp.CallToolParams{Name: "complete_task", Arguments: map[string]any{"task_id": 99}})
	if err != nil || !refused.IsError {
		t.Fatalf("a task that is not there was completed: %+v, %v", refused, err)
	}
}
