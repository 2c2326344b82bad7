package main

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"tandem"
	"tandem/server/auth"
	"tandem/sync/client"
)

const observedSecret = "the canary of the secret, long enough"

// observed runs `tandem up` in this process with every line in JSON, and gives it and its lines. It ends with the test.
func observed(t *testing.T, args ...string) (*embedded, *writer) {
	t.Helper()
	fs := flag.NewFlagSet("up", flag.ContinueOnError)
	load := bind(fs)
	if err := fs.Parse(append([]string{
		"--data-dir", t.TempDir(), "--addr", "127.0.0.1:0", "--auth-secret", observedSecret, "--log-format", "json",
	}, args...)); err != nil {
		t.Fatal(err)
	}
	c, err := load()
	if err != nil {
		t.Fatal(err)
	}
	lines, ready, ended := &writer{}, make(chan *embedded, 1), make(chan error, 1)
	ctx, stop := context.WithCancel(t.Context())
	go func() { ended <- serveEmbedded(ctx, c, lines, func(e *embedded) { ready <- e }) }()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	select {
	case e := <-ready:
		return e, lines
	case err := <-ended:
		t.Fatalf("it ended: %v\n%s", err, lines.text())
		return nil, nil
	}
}

func tokenFor(t *testing.T, user tandem.UserID) string {
	t.Helper()
	token, err := auth.Sign([]byte(observedSecret), auth.Grant{User: user, Issued: time.Now(), Expires: time.Now().Add(time.Hour)})
	if err != nil {
		t.Fatal(err)
	}
	return token
}

// say has one turn of the assistant, and tells how long it took.
func say(t *testing.T, e *embedded, user tandem.UserID, token, words string) time.Duration {
	t.Helper()
	body, err := json.Marshal(map[string]string{"message": words})
	if err != nil {
		t.Fatal(err)
	}
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, e.cfg.PublicURL+"/api/"+string(user)+"/chat", bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+token)
	r.Header.Set("Content-Type", "application/json")
	began := time.Now()
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	answer, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode != http.StatusOK {
		t.Fatalf("%d, %v: %s", res.StatusCode, err, answer)
	}
	return time.Since(began)
}

// line is one line of a log.
type line struct {
	Message  string `json:"msg"`
	Step     string `json:"step"`
	Trace    string `json:"trace_id"`
	Consumer string `json:"consumer"`
	Route    string `json:"route"`
	Hash     string `json:"user_hash"`
}

func linesOf(text string) (out []line) {
	for raw := range strings.Lines(text) {
		var l line
		if json.Unmarshal([]byte(raw), &l) == nil {
			out = append(out, l)
		}
	}
	return out
}

// stepsOf are what was done in the trace: steps, and consumers by name.
func stepsOf(lines []line, trace string) []string {
	seen := map[string]bool{}
	for _, l := range lines {
		if l.Trace == trace && l.Step != "" {
			seen[strings.TrimSuffix(l.Step+" "+l.Consumer, " ")] = true
		}
	}
	return slices.Sorted(maps.Keys(seen))
}

// awaitTrace waits for a trace that has all the steps, and gives it.
func awaitTrace(t *testing.T, lines *writer, want ...string) string {
	t.Helper()
	ctx, stop := context.WithTimeout(t.Context(), 30*time.Second)
	defer stop()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		all := linesOf(lines.text())
		best := []string{}
		for _, l := range all {
			got := stepsOf(all, l.Trace)
			if l.Trace == "" || len(got) < len(best) {
				continue
			}
			if best = got; !slices.ContainsFunc(want, func(w string) bool { return !slices.Contains(got, w) }) {
				return l.Trace
			}
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			t.Fatalf("no trace has %v; the best has %v", want, best)
		}
	}
}

// TestObserve_OneIdThroughAllOfTheProduct follows a chat turn and a frame to what they bring about later, and finds nobody's words or name.
func TestObserve_OneIdThroughAllOfTheProduct(t *testing.T) {
	e, lines := observed(t, "--log-level", "debug")
	const user = tandem.UserID("canary-user")
	token := tokenFor(t, user)
	device := client.New(client.Options{
		Server: e.cfg.PublicURL, User: user, Token: func(context.Context, bool) (string, error) { return token, nil },
	})
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- device.Run(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	if err := device.AwaitSeq(t.Context(), 0); err != nil {
		t.Fatal(err)
	}

	say(t, e, user, token, `add "canaryword of the chat" every day`)
	turn := awaitTrace(t, lines, "turn", "tool", "transaction", "publish", "consume audit", "fan-out")
	say(t, e, user, token, "complete canaryword of the chat")
	next := awaitTrace(t, lines, "turn", "tool", "transaction", "publish", "consume audit", "consume recurrence", "fan-out")
	if turn == next {
		t.Error("two turns have one id")
	}
	routes := 0
	for _, l := range linesOf(lines.text()) {
		if (l.Trace == turn || l.Trace == next) && strings.Contains(l.Route, "/chat") {
			routes++
		}
	}
	if routes != 2 {
		t.Errorf("%d requests have the ids of their turns", routes)
	}
	if _, err := device.Mutate(t.Context(), "add_task", map[string]any{
		"title": "canaryword of the frame", "due": time.Now().Add(time.Hour).UTC().Format(time.RFC3339), "reminders": []string{time.Now().Add(1500 * time.Millisecond).UTC().Format(time.RFC3339Nano)},
	}); err != nil {
		t.Fatal(err)
	}
	awaitTrace(t, lines, "frame", "tool", "transaction", "publish", "consume reminders", "consume audit", "reminder", "consume notifications", "fan-out")
	if _, err := device.Mutate(t.Context(), "update_task", map[string]any{"task_id": 4711, "title": "canaryword of an error"}); err == nil {
		t.Error("an unknown task was changed")
	}
	text := lines.text()
	for _, canary := range []string{"canary", token, "me@"} {
		if i := strings.Index(text, canary); i >= 0 {
			t.Errorf("a line tells %q: …%s…", canary, text[max(0, i-200):min(len(text), i+100)])
		}
	}
	hashes := map[string]bool{}
	for _, l := range linesOf(text) {
		if l.Hash != "" {
			hashes[l.Hash] = true
		}
	}
	if len(hashes) != 1 {
		t.Errorf("one person has the hashes %v", hashes)
	}
}

// TestObserve_ADeadLokiCostsNoTurn has turns while Loki answers and while it does not, by turns in one run.
func TestObserve_ADeadLokiCostsNoTurn(t *testing.T) {
	var dead atomic.Bool
	var taken atomic.Int64
	hang, first := make(chan struct{}), make(chan struct{})
	loki := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if dead.Load() {
			<-hang
		}
		_, _ = io.Copy(io.Discard, r.Body)
		if taken.Add(1) == 1 {
			close(first)
		}
		w.WriteHeader(http.StatusNoContent)
	}))
	t.Cleanup(func() { close(hang); loki.CloseClientConnections(); loki.Close() })
	e, lines := observed(t, "--log-level", "debug", "--loki-url", loki.URL)
	const blocks, turns = 24, 40
	took := map[bool][]time.Duration{}
	goroutines := 0
	for block := range blocks {
		dead.Store(block%2 == 1)
		for n := range turns {
			user := tandem.UserID(fmt.Sprintf("user-%d-%d", block, n/5))
			took[dead.Load()] = append(took[dead.Load()], say(t, e, user, tokenFor(t, user), fmt.Sprintf("add thing %d", n)))
		}
		goroutines = max(goroutines, runtime.NumGoroutine())
		if block == 0 { // it was well before it was silent
			select {
			case <-first:
			case <-time.After(10 * time.Second):
				t.Fatal("Loki was given nothing")
			}
		}
	}
	p := func(of []time.Duration, share float64) time.Duration {
		slices.Sort(of)
		return of[int(share*float64(len(of)-1))]
	}
	t.Logf("figure: a chat turn with Loki: p50 %v, p99 %v; with a silent one: p50 %v, p99 %v; up to %d goroutines, %d batches taken",
		p(took[false], 0.5), p(took[false], 0.99), p(took[true], 0.5), p(took[true], 0.99), goroutines, taken.Load())
	if well, ill := p(took[false], 0.5), p(took[true], 0.5); ill > 2*well+20*time.Millisecond {
		t.Errorf("a turn takes %v with a silent Loki, %v with one that answers", ill, well)
	}
	if taken.Load() == 0 || goroutines > 300 {
		t.Errorf("%d batches taken, %d goroutines", taken.Load(), goroutines)
	}
	if n := strings.Count(lines.text(), `"step":"turn"`); n != blocks*turns {
		t.Errorf("%d of %d turns are on standard output", n, blocks*turns)
	}
}
