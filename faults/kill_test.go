package faults

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tandem"
	"tandem/ops/dev/crash"
	"tandem/sync/client"
)

// ledger is what the server has acknowledged to one user.
type ledger struct {
	mu        sync.Mutex
	titles    map[string]bool // tasks that were added
	completed map[string]bool // recurring tasks that were completed, by title
}

func (l *ledger) added(title string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.titles[title] = true
}

func (l *ledger) done(title string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.completed[title] = true
}

// TestKill_AtAnyMomentUnderLoad kills the server again and again while devices write. No acknowledged write may be lost, no
// effect doubled, every recurring completion has one successor, and the devices, which were never restarted, end equal to
// the database.
func TestKill_AtAnyMomentUnderLoad(t *testing.T) {
	if testing.Short() {
		t.Skip("kills the server", *kills, "times")
	}
	t.Logf("seed %d", *seed)
	s := newServer(t)
	s.start()
	users := []tandem.UserID{"ann", "bob", "cid"}
	books := map[tandem.UserID]*ledger{}
	devices := map[tandem.UserID][]*client.Client{}
	ctx, stop := context.WithCancel(t.Context())
	var writers sync.WaitGroup
	for i, user := range users {
		books[user] = &ledger{titles: map[string]bool{}, completed: map[string]bool{}}
		for j := range 2 {
			d := s.device(user)
			devices[user] = append(devices[user], d)
			w := writer{device: d, book: books[user], name: fmt.Sprintf("%s-%d", user, j)}
			writers.Go(func() { w.run(ctx, t, uint64(10*i+j)) })
		}
	}
	for _, user := range users {
		writers.Go(func() { talk(ctx, t, s, user, books[user]) })
	}
	luck := dice(1)
	for range *kills {
		pause(t.Context(), time.Duration(luck.IntN(120))*time.Millisecond)
		s.kill()
		s.start()
	}
	stop()
	writers.Wait()
	for _, user := range users {
		examine(t, s, user, books[user], devices[user])
	}
}

// talk says sentences over HTTP, each under one turn id until it is answered: the server may die before, during and after the
// turn, and each sentence is to make one task.
func talk(ctx context.Context, t *testing.T, s *server, user tandem.UserID, book *ledger) {
	t.Helper()
	for n := 0; ctx.Err() == nil; n++ {
		title, turn := fmt.Sprintf("Said %d", n), tandem.NewID()
		for {
			code, body, err := post(t.Context(), s, user, turn, "Add a task: "+title)
			if err == nil && code == http.StatusOK {
				if claims(t, body) {
					book.added(title)
				}
				break
			}
			if err == nil && code != http.StatusTooManyRequests && code != http.StatusServiceUnavailable {
				t.Errorf("chat answered %d %s", code, body)
				return
			}
			pause(t.Context(), 100*time.Millisecond)
			if ctx.Err() != nil && code == http.StatusTooManyRequests {
				return
			}
		}
	}
}

// claims reports whether an answer says that it added its task. A turn whose process died again and again ends as lost, and
// says what it did.
func claims(t *testing.T, body []byte) bool {
	t.Helper()
	var answer struct {
		ToolCalls []tandem.ToolCall `json:"tool_calls"`
	}
	if err := json.Unmarshal(body, &answer); err != nil {
		t.Errorf("chat answered %s", body)
	}
	return slices.ContainsFunc(answer.ToolCalls, func(c tandem.ToolCall) bool { return c.Tool == "add_task" && c.Status == "ok" })
}

// pause waits, or ends with the test.
func pause(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	}
}

// writer is a device that adds, changes and completes.
type writer struct {
	device *client.Client
	book   *ledger
	name   string
}

func (w writer) run(ctx context.Context, t *testing.T, actor uint64) {
	t.Helper()
	luck := dice(100 + actor)
	for n := 0; ctx.Err() == nil; n++ {
		title := fmt.Sprintf("%s %d", w.name, n)
		args := map[string]any{"title": title}
		recurring := luck.IntN(4) == 0
		if recurring {
			args["due"], args["recurrence"] = "2031-05-05", "FREQ=DAILY"
		}
		// A call is not given up when the test ends: what came of it would be unknown.
		uid, ok := w.call(t.Context(), t, "add_task", args)
		if !ok {
			continue
		}
		w.book.added(title)
		if recurring {
			if _, ok := w.call(t.Context(), t, "complete_task", map[string]any{"task_id": uid}); ok {
				w.book.done(title)
			}
		} else if luck.IntN(2) == 0 {
			w.call(t.Context(), t, "update_task", map[string]any{"task_id": uid, "priority": "high"})
		}
	}
}

// call gives the task's uid once the server has acknowledged; false when the test is over or a budget is used up.
func (w writer) call(ctx context.Context, t *testing.T, tool string, args map[string]any) (uid string, ok bool) {
	t.Helper()
	answer, err := w.device.Mutate(ctx, tool, args)
	if err != nil {
		if refused, is := errors.AsType[*client.Error](err); is {
			t.Errorf("%s %v: %v", tool, args, refused)
		}
		return "", false
	}
	var result struct {
		UID string `json:"uid"`
	}
	if err := json.Unmarshal(answer.Result, &result); err != nil {
		t.Errorf("%s answered %s", tool, answer.Result)
	}
	return result.UID, true
}

// examine compares a user's ledger, devices and database.
func examine(t *testing.T, s *server, user tandem.UserID, book *ledger, devices []*client.Client) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	fresh := s.device(user)
	settled := func(r *client.Replica) bool { return r.CaughtUp() && allSucceeded(t, rowsOf(t, r), book) }
	if err := fresh.Await(ctx, settled); err != nil {
		t.Errorf("%s: not every completed occurrence has its one successor: %v", user, err)
	}
	want := fresh.Replica()
	checkTitles(t, user, rowsOf(t, want), book)
	for _, d := range devices {
		if err := d.AwaitSeq(ctx, want.Seq); err != nil {
			t.Errorf("%s: a device does not reach %d: %v", user, want.Seq, err)
			continue
		}
		if diff := cmp.Diff(want.Rows, crash.Among(want.Rows, d.Replica().Rows)); diff != "" {
			t.Errorf("%s: a device differs from the database (-database +device):\n%.2000s", user, diff)
		}
	}
}

func rowsOf(t *testing.T, r *client.Replica) []tandem.TaskRow {
	t.Helper()
	var rows []tandem.TaskRow
	for _, raw := range r.Rows[tandem.KindTask] {
		var row tandem.TaskRow
		if err := json.Unmarshal(raw, &row); err != nil {
			t.Fatalf("row %s: %v", raw, err)
		}
		rows = append(rows, row)
	}
	return rows
}

// allSucceeded reports whether each completed recurring task has exactly one open occurrence.
func allSucceeded(t *testing.T, rows []tandem.TaskRow, book *ledger) bool {
	t.Helper()
	open := map[string]int{}
	for _, row := range rows {
		if row.Status == tandem.StatusPending {
			open[row.Title]++
		}
	}
	book.mu.Lock()
	defer book.mu.Unlock()
	for title := range book.completed {
		if open[title] > 1 {
			t.Fatalf("%q has %d open occurrences", title, open[title])
		}
		if open[title] == 0 {
			return false
		}
	}
	return true
}

// checkTitles looks for lost and doubled tasks.
func checkTitles(t *testing.T, user tandem.UserID, rows []tandem.TaskRow, book *ledger) {
	t.Helper()
	count := map[string]int{}
	for _, row := range rows {
		count[row.Title]++
	}
	book.mu.Lock()
	defer book.mu.Unlock()
	for title := range book.titles {
		limit := 1
		if book.completed[title] {
			limit = 2 // itself and its successor
		}
		if n := count[title]; n == 0 || n > limit {
			t.Errorf("%s: %q is there %d times, want 1 to %d", user, title, n, limit)
		}
	}
	for title, n := range count {
		if strings.HasPrefix(title, "Said ") && n > 1 {
			t.Errorf("%s: %q was said once and is there %d times", user, title, n)
		}
	}
	t.Logf("%s: %d acknowledged adds, %d recurring completions", user, len(book.titles), len(book.completed))
}
