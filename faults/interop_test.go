package faults

import (
	"encoding/json"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestMCP_TypeScript lets the official TypeScript clients use the tools of a running server, in both eras of the protocol, over HTTP and
// over stdio.
func TestMCP_TypeScript(t *testing.T) {
	s := newServer(t)
	stories := s.interop("mcp.test.mjs")
	s.start()
	stories(44, "INTEROP_PROGRAM="+program, "INTEROP_TOKENS="+encoded(t, map[string]string{
		"all": s.personal("tasks:read,tasks:write,tasks:delete"), "read": s.personal("tasks:read"),
	}))
}

// TestFeed_ReadByAnotherParser reads the calendar of a person's tasks with an independent implementation of iCalendar, until its
// address is revoked.
func TestFeed_ReadByAnotherParser(t *testing.T) {
	s := newServer(t)
	stories := s.interop("feed.test.mjs")
	s.start()
	c := s.device("ann")
	title, description, tags := `Pay; rent, "all" of it \n `+strings.Repeat("für Übermut ", 12)+"!", "one\ntwo; three, \\four", []string{"a,b", "home; office"}
	for _, task := range []map[string]any{
		{"title": title, "description": description, "tags": tags, "due": "2099-12-01T09:00", "time_zone": "Europe/Berlin"},
		{"title": "Whole day", "due": "2099-12-24"},
		{"title": "Weekly", "due": "2099-12-02", "recurrence": "FREQ=WEEKLY;COUNT=3"},
		{"title": "Undated"},
		{"title": "Done", "due": "2099-12-03"},
		{"title": "Deleted", "due": "2099-12-04"},
	} {
		if _, err := c.Mutate(t.Context(), "add_task", task); err != nil {
			t.Fatal(err)
		}
	}
	for tool, number := range map[string]int{"complete_task": 5, "delete_task": 6} {
		if _, err := c.Mutate(t.Context(), tool, map[string]any{"task_id": number}); err != nil {
			t.Fatal(err)
		}
	}
	answer, err := c.Set(t.Context(), map[string]any{"feed": map[string]any{"new": true}})
	if err != nil {
		t.Fatal(err)
	}
	var made struct {
		Feed string `json:"feed"`
	}
	if err := json.Unmarshal(answer.Result, &made); err != nil || made.Feed == "" {
		t.Fatalf("no address: %s, %v", answer.Result, err)
	}
	stories(6, "INTEROP_FEED="+encoded(t, map[string]any{"url": made.Feed, "title": title, "description": description, "tags": tags}))
	if _, err := c.Set(t.Context(), map[string]any{"feed": nil}); err != nil {
		t.Fatal(err)
	}
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, made.Feed, nil)
	if err != nil {
		t.Fatal(err)
	}
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	_ = res.Body.Close()
	if res.StatusCode != http.StatusNotFound {
		t.Errorf("a revoked address answers %s", res.Status)
	}
}

// interop gives the way to run a file of faults/interop against the server. Its packages are installed by `npm ci` there; without
// them the test is skipped, which CI does not allow.
func (s *server) interop(file string) func(want int, env ...string) {
	s.t.Helper()
	missing := s.t.Skip
	if _, ok := os.LookupEnv("CI"); ok {
		missing = s.t.Fatal
	}
	node, err := exec.LookPath("node")
	if err != nil {
		missing("no node")
	}
	if _, err := os.Stat(filepath.Join("interop", "node_modules", "ical.js")); err != nil {
		missing("the clients are not installed: run npm ci in faults/interop")
	}
	if _, err := os.ReadFile(filepath.Join("interop", file)); err != nil { // for the test cache
		s.t.Fatal(err)
	}
	return func(want int, env ...string) {
		s.t.Helper()
		cmd := exec.CommandContext(s.t.Context(), node, "--test", "--test-reporter=tap", file)
		cmd.Dir = "interop"
		cmd.Env = append(append(os.Environ(), "INTEROP_URL="+s.url(), "TANDEM_DATA_DIR="+s.data, "TANDEM_AUTH_SECRET="+secret), env...)
		out, err := cmd.CombinedOutput()
		if n := len(told.FindAll(out, -1)); err != nil || n != want {
			s.t.Errorf("%d stories were told, want %d: %v\n%s", n, want, err, out)
		}
	}
}

// told is a story that was told well, and not skipped, at any depth.
var told = regexp.MustCompile(`(?m)^ *ok \d+ - [^#\n]*$`)

func encoded(t *testing.T, v any) string {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
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
