package tools

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"tandem"
)

// serve mounts the tools of a user at an address.
func serve(t *testing.T, u user) *httptest.Server {
	t.Helper()
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		u.tb.Serve(w, r, u.caller)
	}))
	t.Cleanup(srv.Close)
	return srv
}

// connect opens a session of an independent implementation of the protocol.
func connect(t *testing.T, via mcp.Transport, o *mcp.ClientOptions) *mcp.ClientSession {
	t.Helper()
	session, err := mcp.NewClient(&mcp.Implementation{Name: "independent", Version: "1"}, o).Connect(t.Context(), via, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = session.Close() })
	return session
}

func TestInterop(t *testing.T) {
	u := newBench(t).program("ann")
	interop(t, u, connect(t, &mcp.StreamableClientTransport{Endpoint: serve(t, u).URL}, nil))
}

func interop(t *testing.T, u user, session *mcp.ClientSession) {
	t.Helper()
	listed, err := session.ListTools(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, tool := range listed.Tools {
		names = append(names, tool.Name)
		a := tool.Annotations
		same(t, tool.Name, []bool{a.ReadOnlyHint, *a.DestructiveHint, a.IdempotentHint, *a.OpenWorldHint}, []bool{
			tool.Name == ListTasks, tool.Name == DeleteTask || tool.Name == UpdateTask,
			tool.Name == ListTasks || tool.Name == DeleteTask || tool.Name == CompleteTask, false,
		})
	}
	same(t, "tools", names, slices.Sorted(slices.Values(Names)))

	res := callOver(t, session, AddTask, m{"title": "Water plants", "due": "tomorrow at 9am"})
	data := res.StructuredContent.(m)
	same(t, "added", []any{data["status"], data["task_id"], res.IsError}, []any{"created", 1.0, false})
	res = callOver(t, session, AddTask, m{"title": "x", "priority": "purple"})
	same(t, "refused", []any{res.StructuredContent.(m)["error"], res.IsError}, []any{"invalid", true})
	res = callOver(t, session, ListTasks, nil)
	if text := res.Content[0].(*mcp.TextContent).Text; !strings.HasPrefix(text, `[{"id":1,"title":"Water plants","completed":false`) {
		t.Errorf("the first text block is %s", text)
	}
	if _, err := session.CallTool(t.Context(), &mcp.CallToolParams{Name: "drop_tables"}); err == nil {
		t.Error("a sixth tool was called")
	}
	resources(t, u, session)
}

func callOver(t *testing.T, session *mcp.ClientSession, tool string, args m) *mcp.CallToolResult {
	t.Helper()
	res, err := session.CallTool(t.Context(), &mcp.CallToolParams{Name: tool, Arguments: args})
	if err != nil {
		t.Fatalf("%s(%v): %v", tool, args, err)
	}
	return res
}

func resources(t *testing.T, u user, session *mcp.ClientSession) {
	t.Helper()
	uid := u.task(1)["uid"].(string)
	u.do(AddTask, m{"title": "Late", "due": "2026-11-24"})
	for uri, want := range map[string][]bool{
		"tandem://tasks": {true, true}, "tandem://today": {false, true}, "tandem://tasks/" + uid: {true, false}, "tandem://tasks/1": {true, false},
	} {
		res, err := session.ReadResource(t.Context(), &mcp.ReadResourceParams{URI: uri})
		if err != nil {
			t.Fatal(err)
		}
		text := res.Contents[0].Text
		same(t, uri, []bool{strings.Contains(text, "Water plants"), strings.Contains(text, "Late")}, want)
	}
	for _, uri := range []string{"tandem://tasks/" + tandem.NewID(), "tandem://tasks/99", "tandem://tasks/x", "tandem://nothing"} {
		if res, err := session.ReadResource(t.Context(), &mcp.ReadResourceParams{URI: uri}); err == nil {
			t.Errorf("%s is %v", uri, res.Contents[0])
		}
	}
	templates, err := session.ListResourceTemplates(t.Context(), nil)
	if err != nil || len(templates.ResourceTemplates) != 1 {
		t.Errorf("templates %v, %v", templates, err)
	}
	for _, name := range []string{"plan_my_day", "weekly_review"} {
		p, err := session.GetPrompt(t.Context(), &mcp.GetPromptParams{Name: name})
		if err != nil || len(p.Messages) != 2 {
			t.Errorf("%s: %v, %v", name, p, err)
		}
	}
}

func TestServe_ScopesHideTools(t *testing.T) {
	u := newBench(t).program("ann")
	u.add("One")
	u.caller.Scopes = []string{tandem.ScopeRead}
	session := connect(t, &mcp.StreamableClientTransport{Endpoint: serve(t, u).URL}, nil)
	listed, err := session.ListTools(t.Context(), nil)
	if err != nil || len(listed.Tools) != 1 || listed.Tools[0].Name != ListTasks {
		t.Errorf("tools %v, %v", listed, err)
	}
	if _, err := session.CallTool(t.Context(), &mcp.CallToolParams{Name: DeleteTask, Arguments: m{"task_id": 1}}); err == nil {
		t.Error("a hidden tool was called")
	}
	u.caller.Scopes = []string{tandem.ScopeWrite}
	session = connect(t, &mcp.StreamableClientTransport{Endpoint: serve(t, u).URL}, nil)
	if _, err := session.ReadResource(t.Context(), &mcp.ReadResourceParams{URI: "tandem://tasks"}); err == nil {
		t.Error("a resource was read without the scope")
	}
}

func TestServe_RefusesForeignPages(t *testing.T) {
	u := newBench(t, func(o *Options) {
		o.PublicURL, o.Origins = "https://todo.example.com/app", []string{"https://page.example.com"}
	}).program("ann")
	srv := serve(t, u)
	for _, tt := range []struct {
		host, origin string
		status       int
	}{
		{"", "", http.StatusOK},
		{"", srv.URL, http.StatusOK},
		{"", "https://todo.example.com", http.StatusOK},
		{"", "https://page.example.com", http.StatusOK},
		{"todo.example.com", "", http.StatusOK},
		{"localhost:1", "http://localhost:1", http.StatusOK},
		{"", "https://evil.example", http.StatusForbidden},
		{"", "null", http.StatusForbidden},
		{"", "https://todo.example.com.evil.example", http.StatusForbidden},
		{"", "http://todo.example.com", http.StatusForbidden},
		{"evil.example", "", http.StatusForbidden},
		{"evil.example", "http://evil.example", http.StatusForbidden},
		{"127.0.0.1.evil.example", "", http.StatusForbidden},
	} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, srv.URL, strings.NewReader(`{"jsonrpc":"2.0","id":1,"method":"tools/list"}`))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Content-Type", "application/json")
		if tt.origin != "" {
			r.Header.Set("Origin", tt.origin)
		}
		r.Host = tt.host
		res, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		_ = res.Body.Close()
		same(t, tt.host+" "+tt.origin, res.StatusCode, tt.status)
	}
}

func TestServe_NoStreamWithoutASession(t *testing.T) {
	u := newBench(t).program("ann")
	srv := serve(t, u)
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, srv.URL, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Accept", "text/event-stream")
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	_ = res.Body.Close()
	same(t, "status", res.StatusCode, http.StatusMethodNotAllowed)
}

// channel is a user's channel of this process.
type channel struct {
	joined chan func(tandem.Signal)
	left   chan struct{}
}

func (c channel) watch(_ context.Context, _ tandem.UserID, f func(tandem.Signal)) (func(), error) {
	c.joined <- f
	return func() { close(c.left) }, nil
}

func TestTouched(t *testing.T) {
	same(t, "tasks", touched(tandem.Signal{Delta: &tandem.Delta{Changes: []tandem.Change{
		{Kind: tandem.KindMsg, ID: "a"}, {Kind: tandem.KindTask, ID: "b"}, {Kind: tandem.KindNotice, ID: "c"}, {Kind: tandem.KindTask, ID: "d"},
	}}}), []string{"tandem://tasks", "tandem://today", "tandem://tasks/b", "tandem://tasks/d"})
	same(t, "no tasks", touched(tandem.Signal{Delta: &tandem.Delta{Changes: []tandem.Change{{Kind: tandem.KindMsg, ID: "a"}}}}), []string(nil))
	same(t, "a head", touched(tandem.Signal{Head: 5}), []string(nil))
}

func TestServe_SubscriptionTellsWhatChanged(t *testing.T) {
	c := channel{make(chan func(tandem.Signal), 1), make(chan struct{})}
	u := newBench(t, func(o *Options) { o.Watch = c.watch }).program("ann")
	u.add("One")
	uid := u.task(1)["uid"].(string)
	heard := make(chan string, 10)
	session := connect(t, &mcp.StreamableClientTransport{Endpoint: serve(t, u).URL}, &mcp.ClientOptions{
		ResourceUpdatedHandler: func(_ context.Context, r *mcp.ResourceUpdatedNotificationRequest) { heard <- r.Params.URI },
	})
	if err := session.Subscribe(t.Context(), &mcp.SubscribeParams{URI: "tandem://tasks/" + uid}); err != nil {
		t.Fatal(err)
	}
	tell := <-c.joined
	tell(tandem.Signal{Delta: &tandem.Delta{Changes: []tandem.Change{{Kind: tandem.KindTask, ID: tandem.NewID()}, {Kind: tandem.KindMsg, ID: uid}}}})
	tell(tandem.Signal{Delta: &tandem.Delta{Changes: []tandem.Change{{Kind: tandem.KindTask, ID: uid}}}})
	same(t, "changed", <-heard, "tandem://tasks/"+uid)
	tell(tandem.Signal{Delta: &tandem.Delta{To: 7}})
	tell(tandem.Signal{Head: 7})
	same(t, "heard of what is known", len(heard), 0)
	tell(tandem.Signal{Head: 8})
	same(t, "changed unseen", <-heard, "tandem://tasks/"+uid)
	tell(tandem.Signal{Lost: true})
	same(t, "perhaps changed", <-heard, "tandem://tasks/"+uid)
	tell(tandem.Signal{Control: tandem.ControlRevoke})
	<-c.left
}

func TestServe_SubscriptionEndsWithTheToken(t *testing.T) {
	c := channel{make(chan func(tandem.Signal), 1), make(chan struct{})}
	u := newBench(t, func(o *Options) { o.Watch = c.watch }).program("ann")
	u.caller.Expires = u.clock().Add(50 * time.Millisecond)
	session := connect(t, &mcp.StreamableClientTransport{Endpoint: serve(t, u).URL}, nil)
	if err := session.Subscribe(t.Context(), &mcp.SubscribeParams{URI: "tandem://tasks"}); err != nil {
		t.Fatal(err)
	}
	<-c.left
}

func TestClient_IsTheSameDoor(t *testing.T) {
	b := newBench(t)
	u := b.person("ann")
	u.caller.Kind, u.caller.Policy = Agent, func(Effect) *tandem.Error { return nil }
	k, err := b.tb.Client(t.Context(), u.caller)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := k.Close(); err != nil {
			t.Error(err)
		}
	}()
	same(t, "tools", len(k.Tools()), 5)
	for _, tt := range []struct {
		tool, args string
		code       any
	}{
		{AddTask, `{"title":"One"}`, nil},
		{ListTasks, ``, nil},
		{AddTask, `{"title":"x","priority":"purple"}`, "invalid"},
		{AddTask, `{"title":"x","title":"y"}`, "invalid"},
		{AddTask, `{"title":`, "invalid"},
		{CompleteTask, `{"task_id":99}`, "not_found"},
		{"drop_tables", `{}`, "invalid"},
		{DeleteTask, `{"task_id":1,"user_id":"bob"}`, "forbidden"},
	} {
		raw, isError, err := k.CallTool(t.Context(), tt.tool, json.RawMessage(tt.args))
		if err != nil {
			t.Fatal(err)
		}
		got := decoded(t, raw)
		same(t, tt.tool+tt.args, []any{got["error"], isError, got["success"]}, []any{tt.code, tt.code != nil, tt.code == nil})
	}
}

func TestClient_SaysWhichScopeIsMissing(t *testing.T) {
	b := newBench(t)
	u := b.person("ann")
	u.caller.Scopes = []string{tandem.ScopeRead}
	k, err := b.tb.Client(t.Context(), u.caller)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := k.Close(); err != nil {
			t.Error(err)
		}
	}()
	raw, isError, err := k.CallTool(t.Context(), AddTask, json.RawMessage(`{"title":"One"}`))
	if err != nil {
		t.Fatal(err)
	}
	got := decoded(t, raw)
	same(t, "answer", []any{isError, got["error"], strings.Contains(fmt.Sprint(got["message"]), tandem.ScopeWrite)}, []any{true, "forbidden", true})
}
