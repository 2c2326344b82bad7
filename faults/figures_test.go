package faults

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"tandem"
	"tandem/server/auth"
)

// figure is a number of the running program: what it means, the bar that it is held against by a reader of `make bench`, and
// the loose bound that this test holds on any machine.
type figure struct {
	name, unit string
	value      float64
	bar, bound float64
}

// TestFigures prints what a person waits for, and holds it to loose bounds.
func TestFigures(t *testing.T) {
	s := newServer(t)
	figures := []figure{
		{"ready after the start (median of 5)", "ms", ready(t, s), 200, 2000},
		{"resident memory, idle", "MB", resident(t, s.cmd.Process.Pid), 64, 128},
		{"chat turn by HTTP without a model (median of 15)", "ms", chatTurn(t, s), 3, 100},
	}
	figures = append(figures, fanOut(t, s)...)
	for _, f := range figures {
		t.Logf("figure: %-60s %9.2f %-4s bar %g", f.name, f.value, f.unit, f.bar)
		if f.value > f.bound {
			t.Errorf("%s: %.2f %s is beyond %g", f.name, f.value, f.unit, f.bound)
		}
	}
}

// ready gives the median time from the start of the process to its first answer, on a folder with a database.
func ready(t *testing.T, s *server) float64 {
	t.Helper()
	s.start()
	var took []float64
	for range 5 {
		s.kill()
		began := time.Now()
		s.start()
		took = append(took, ms(time.Since(began)))
	}
	return median(took)
}

// resident reads the resident set of a process in megabytes.
func resident(t *testing.T, pid int) float64 {
	t.Helper()
	status, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "status"))
	if err != nil {
		t.Skipf("no process table to read the memory from: %v", err)
	}
	for line := range strings.Lines(string(status)) {
		if kb, ok := strings.CutPrefix(line, "VmRSS:"); ok {
			n, err := strconv.ParseFloat(strings.TrimSuffix(strings.TrimSpace(kb), " kB"), 64)
			if err != nil {
				t.Fatal(err)
			}
			return n / 1024
		}
	}
	t.Fatal("the process table names no VmRSS")
	return 0
}

// chatTurn gives the median time of a turn, from the request to the whole answer.
func chatTurn(t *testing.T, s *server) float64 {
	t.Helper()
	for i := range 15 { // statements and caches of a process that has just begun
		say(t, s, "early", "", fmt.Sprintf("Add a task to buy thing %d", i))
	}
	var took []float64
	for i := range 15 {
		began := time.Now()
		say(t, s, "talker", "", fmt.Sprintf("Add a task to buy thing %d", i))
		took = append(took, ms(time.Since(began)))
	}
	return median(took)
}

// say posts one turn that must be answered.
func say(t *testing.T, s *server, user tandem.UserID, turn, text string) {
	t.Helper()
	if code, body, err := post(t.Context(), s, user, turn, text); err != nil || code != http.StatusOK {
		t.Fatalf("chat: %d %s %v", code, body, err)
	}
}

func post(ctx context.Context, s *server, user tandem.UserID, turn, text string) (code int, body []byte, err error) {
	now := time.Now()
	token, err := auth.Sign([]byte(secret), auth.Grant{User: user, Issued: now, Expires: now.Add(time.Hour)})
	if err != nil {
		return 0, nil, err
	}
	message := map[string]string{"message": text}
	if turn != "" {
		message["turn_id"] = turn
	}
	data, err := json.Marshal(message)
	if err != nil {
		return 0, nil, err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, s.url()+"/api/"+string(user)+"/chat", bytes.NewReader(data))
	if err != nil {
		return 0, nil, err
	}
	req.Header.Set("Authorization", "Bearer "+token)
	req.Header.Set("Content-Type", "application/json")
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, nil, err
	}
	defer res.Body.Close()
	body, err = io.ReadAll(res.Body)
	return res.StatusCode, body, err
}

// fanOut lets the load generator drive a thousand sockets.
func fanOut(t *testing.T, s *server) []figure {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), program, "load", "--users", "63", "--devices", "16", "--rate", "60", "--duration", "5s")
	cmd.Env = append(os.Environ(), "TANDEM_DATA_DIR="+s.data, "TANDEM_AUTH_SECRET="+secret, "TANDEM_LOG_LEVEL=error")
	var errs strings.Builder
	cmd.Stderr = &errs
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("load: %v %s", err, errs.String())
	}
	var r struct {
		Edits, Failed, Delivered int64
		ReachMS                  struct{ P50, P99 float64 } `json:"reach_ms"`
		AckMS                    struct{ P99 float64 }      `json:"ack_ms"`
	}
	if err := json.Unmarshal(out, &r); err != nil {
		t.Fatalf("load printed %s: %v", out, err)
	}
	if r.Failed > 0 || r.Edits == 0 || r.Delivered < 16*r.Edits {
		t.Errorf("load: %d edits, %d failed, %d deliveries; each edit reaches 16 devices", r.Edits, r.Failed, r.Delivered)
	}
	return []figure{
		{"1,008 sockets: from an edit to another device, median", "ms", r.ReachMS.P50, 20, 1000},
		{"1,008 sockets: from an edit to another device, p99", "ms", r.ReachMS.P99, 100, 5000},
		{"1,008 sockets: from an edit to its answer, p99", "ms", r.AckMS.P99, 100, 5000},
	}
}

func ms(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

func median(v []float64) float64 {
	slices.Sort(v)
	return v[len(v)/2]
}
