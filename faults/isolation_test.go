package faults

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"tandem"
	"tandem/server/auth"
	"tandem/sync/client"
)

// canary is in everything that belongs to ann; no byte of it may reach bob.
const canary = "cnry7f3a"

// TestIsolation_NoSurfaceShowsOrTouchesAnothersTasks lets bob try what he could guess or find of ann's.
func TestIsolation_NoSurfaceShowsOrTouchesAnothersTasks(t *testing.T) {
	s := newServer(t)
	s.start()
	ann, bob := s.device("ann"), s.device("bob")
	task := mutate(t, ann, "add_task", map[string]any{"title": "Private " + canary, "tags": []string{canary}, "op_id": "op-" + canary})
	turn := tandem.NewID()
	if code, body, err := post(t.Context(), s, "ann", turn, "Add a task to buy "+canary); err != nil || code != http.StatusOK {
		t.Fatalf("chat of ann: %d %s %v", code, body, err)
	}
	// The answer over HTTP may be ahead of the device: what ann's own turn wrote is not to be taken for bob's work.
	within(t, 5*time.Second, "the reply of ann's turn", ann, func(r *client.Replica) bool { return replied(t, r, turn) })
	before := ann.Replica()

	overSocket(t, bob, task, turn)
	overMCP(t, s, task)
	overHTTP(t, s)

	if got := ann.Replica(); got.Seq != before.Seq {
		t.Errorf("ann's list went from %d to %d", before.Seq, got.Seq)
	}
	rows, err := json.Marshal(bob.Replica().Rows)
	if err != nil || strings.Contains(string(rows), canary) {
		t.Errorf("bob's device holds something of ann's: %v", err)
	}
}

// replied tells whether a device holds the assistant's reply of a turn, which is the turn's last write.
func replied(t *testing.T, r *client.Replica, turn string) bool {
	t.Helper()
	for _, raw := range r.Rows[tandem.KindMsg] {
		var m tandem.MessageRow
		if err := json.Unmarshal(raw, &m); err != nil {
			t.Fatal(err)
		}
		if m.TurnID == turn && m.Role == tandem.RoleAssistant {
			return true
		}
	}
	return false
}

// overSocket tries every id of ann's as bob: each is unknown, and says nothing more.
func overSocket(t *testing.T, bob *client.Client, task tandem.TaskRow, turn string) {
	t.Helper()
	for _, try := range []struct {
		tool string
		args map[string]any
	}{
		{"complete_task", map[string]any{"task_id": task.UID}},
		{"complete_task", map[string]any{"task_id": task.TaskID}},
		{"delete_task", map[string]any{"task_id": task.UID}},
		{"update_task", map[string]any{"task_id": task.UID, "title": "Changed"}},
		{"update_task", map[string]any{"undo": "op-" + canary}},
		{"update_task", map[string]any{"undo": turn}},
		{"update_task", map[string]any{"task_id": task.UID, "restore": true}},
	} {
		_, err := bob.Mutate(t.Context(), try.tool, try.args)
		refused, ok := errors.AsType[*client.Error](err)
		if !ok || string(refused.Code) != "not_found" || strings.Contains(refused.Msg, "Private") {
			t.Errorf("%s %v: %v, want not_found", try.tool, try.args, err)
		}
	}
}

// overMCP reads and searches as bob, and names ann as the owner.
func overMCP(t *testing.T, s *server, task tandem.TaskRow) {
	t.Helper()
	now := time.Now()
	token, err := auth.Sign([]byte(secret), auth.Grant{User: "bob", Issued: now, Expires: now.Add(time.Hour)})
	if err != nil {
		t.Fatal(err)
	}
	via := &mcp.StreamableClientTransport{Endpoint: s.url() + "/mcp", HTTPClient: &http.Client{Transport: bearer(token)}}
	session, err := mcp.NewClient(&mcp.Implementation{Name: "bob", Version: "1"}, nil).Connect(t.Context(), via, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = session.Close() }()
	for _, args := range []map[string]any{
		{}, {"search": canary}, {"tags": []string{canary}}, {"ids": []any{task.UID, task.TaskID}}, {"status": "deleted"}, {"as_of": now.Format(time.RFC3339)}, {"user_id": "ann"},
	} {
		res, err := session.CallTool(t.Context(), &mcp.CallToolParams{Name: "list_tasks", Arguments: args})
		if err != nil {
			t.Fatalf("list_tasks %v: %v", args, err)
		}
		shown, err := json.Marshal(res)
		if err != nil || strings.Contains(string(shown), "Private") || args["user_id"] != nil && !res.IsError {
			t.Errorf("list_tasks %v shows %s", args, shown)
		}
	}
}

// bearer puts a token into each request.
type bearer string

func (b bearer) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.Header.Set("Authorization", "Bearer "+string(b))
	return http.DefaultTransport.RoundTrip(r)
}

// overHTTP goes to ann's paths with bob's token, and into her conversation by his own.
func overHTTP(t *testing.T, s *server) {
	t.Helper()
	now := time.Now()
	token, err := auth.Sign([]byte(secret), auth.Grant{User: "bob", Issued: now, Expires: now.Add(time.Hour)})
	if err != nil {
		t.Fatal(err)
	}
	for _, try := range []struct {
		method, path, body string
		want               int
	}{
		{http.MethodPost, "/api/ann/chat", `{"message":"What's pending?"}`, http.StatusForbidden},
		{http.MethodPost, "/api/nobody/chat", `{"message":"What's pending?"}`, http.StatusForbidden},
		{http.MethodGet, "/api/ann/ws", "", http.StatusForbidden},
		{http.MethodPost, "/api/bob/chat", `{"message":"What's pending?","conversation_id":1}`, http.StatusNotFound},
		{http.MethodPost, "/api/bob/chat", `{"message":"What's pending?","user_id":"ann"}`, http.StatusForbidden},
	} {
		code, body := ask(t.Context(), t, s, token, try.method, try.path, try.body)
		if code != try.want || strings.Contains(body, canary) {
			t.Errorf("%s %s %s: %d %s, want %d", try.method, try.path, try.body, code, body, try.want)
		}
	}
}

func ask(ctx context.Context, t *testing.T, s *server, token, method, path, body string) (int, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(ctx, method, s.url()+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+token)
	req.Header.Set("Content-Type", "application/json")
	if strings.HasSuffix(path, "/ws") {
		req.Header.Set("Connection", "Upgrade")
		req.Header.Set("Upgrade", "websocket")
		req.Header.Set("Sec-WebSocket-Version", "13")
		req.Header.Set("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ==")
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	var text strings.Builder
	if _, err := fmt.Fprint(&text, res.Status); err != nil {
		t.Fatal(err)
	}
	var doc json.RawMessage
	if json.NewDecoder(res.Body).Decode(&doc) == nil {
		text.Write(doc)
	}
	return res.StatusCode, text.String()
}
