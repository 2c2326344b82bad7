package tools

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"golang.org/x/tools/txtar"
)

var update = flag.Bool("update", false, "write the transcripts anew")

// TestTranscripts replays conversations of clients with /mcp. In testdata each request is followed by its answer; a header of
// the request stands before its body as "Name: value".
func TestTranscripts(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatal("no transcripts", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) { transcript(t, file) })
	}
}

func transcript(t *testing.T, file string) {
	t.Helper()
	a, err := txtar.ParseFile(file)
	if err != nil {
		t.Fatal(err)
	}
	srv := serve(t, numbered(t).program("ann"))
	var got txtar.Archive
	got.Comment = a.Comment
	for _, f := range a.Files {
		if !strings.HasPrefix(f.Name, "->") {
			continue
		}
		got.Files = append(got.Files, f, txtar.File{Name: strings.Replace(f.Name, "->", "<-", 1), Data: exchange(t, srv.URL, f.Data)})
	}
	if *update {
		if err := os.WriteFile(file, txtar.Format(&got), 0o600); err != nil {
			t.Fatal(err)
		}
		return
	}
	same(t, file, string(txtar.Format(&got)), string(txtar.Format(a)))
}

// numbered is a bench whose ids count up.
func numbered(t *testing.T) *bench {
	t.Helper()
	var n atomic.Int64
	id := func() string { return fmt.Sprintf("00000000-0000-7000-8000-%012d", n.Add(1)) }
	return newBench(t, func(o *Options) { o.NewID = id })
}

// exchange posts a request and writes the answer down: its status, and its body with sorted keys.
func exchange(t *testing.T, url string, request []byte) []byte {
	t.Helper()
	head, body, _ := bytes.Cut(request, []byte("{"))
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, io.MultiReader(strings.NewReader("{"), bytes.NewReader(body)))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Accept", "application/json, text/event-stream")
	for line := range strings.Lines(string(head)) {
		if name, value, ok := strings.Cut(strings.TrimSpace(line), ": "); ok {
			r.Header.Set(name, value)
		}
	}
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := io.ReadAll(res.Body)
	_ = res.Body.Close()
	if err != nil {
		t.Fatal(err)
	}
	var answer any
	if len(raw) == 0 {
		return fmt.Appendf(nil, "%d\n", res.StatusCode)
	}
	if err := json.Unmarshal(raw, &answer); err != nil {
		return fmt.Appendf(nil, "%d\n%s\n", res.StatusCode, raw)
	}
	var out bytes.Buffer
	fmt.Fprintf(&out, "%d\n", res.StatusCode)
	e := json.NewEncoder(&out)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(answer); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}
