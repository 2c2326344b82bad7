package main

import (
	"encoding/json"
	"os"
	"regexp"
	"strings"
	"testing"
)

var (
	docJSON  = regexp.MustCompile("(?s)```json\n(.*?)```")
	docShell = regexp.MustCompile("(?s)```sh\n(.*?)```")
	docCall  = regexp.MustCompile(`(?:^|-- |\()tandem ([^)\n]+)`)
)

// TestDocs_SetUpsOfOtherProgramsWork holds each command that docs/mcp.md has people copy to the flags that there are.
func TestDocs_SetUpsOfOtherProgramsWork(t *testing.T) {
	text, err := os.ReadFile("../../docs/mcp.md")
	if err != nil {
		t.Fatal(err)
	}
	var calls [][]string
	for _, m := range docJSON.FindAllStringSubmatch(string(text), -1) {
		calls = append(calls, callsOf(t, m[1])...)
	}
	for _, m := range docShell.FindAllStringSubmatch(string(text), -1) {
		for line := range strings.Lines(m[1]) {
			for _, call := range docCall.FindAllStringSubmatch(strings.TrimSpace(line), -1) {
				calls = append(calls, strings.Fields(call[1]))
			}
		}
	}
	if len(calls) < 8 {
		t.Errorf("only %d commands were found: %q", len(calls), calls)
	}
	for _, args := range calls {
		t.Run(strings.Join(args, " "), func(t *testing.T) {
			var out, errs writer
			// Asked for help at the end, a command reads the flags before it and does nothing.
			if err := run(t.Context(), stdio{strings.NewReader(""), &out, &errs}, append(args, "-h")); err != nil {
				t.Errorf("%v\n%s", err, errs.text())
			}
		})
	}
	var out, errs writer
	if err := run(t.Context(), stdio{strings.NewReader(""), &out, &errs}, []string{"mcp", "--no-such-flag", "x", "-h"}); err == nil {
		t.Error("a flag that is not there was not noticed")
	}
}

// callsOf reads the servers of a program's configuration.
func callsOf(t *testing.T, text string) (calls [][]string) {
	t.Helper()
	var doc struct {
		Servers map[string]struct {
			Command string            `json:"command"`
			Args    []string          `json:"args"`
			URL     string            `json:"url"`
			Headers map[string]string `json:"headers"`
		} `json:"mcpServers"` //nolint:tagliatelle // a name of other programs
	}
	if err := json.Unmarshal([]byte(text), &doc); err != nil || len(doc.Servers) == 0 {
		t.Fatalf("no configuration: %s: %v", text, err)
	}
	for _, s := range doc.Servers {
		switch {
		case s.Command == "tandem":
			calls = append(calls, s.Args)
		case !strings.HasSuffix(s.URL, "/mcp") || !strings.HasPrefix(s.Headers["Authorization"], "Bearer "):
			t.Errorf("neither a command of ours nor an address with a token: %+v", s)
		}
	}
	return calls
}
