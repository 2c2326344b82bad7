package faults

import (
	"context"
	"encoding/json"
	"slices"
	"testing"
	"time"

	"tandem"
	"tandem/sync/client"
)

// Loose bounds of promises that are kept within 50 ms and 250 ms on a quiet machine; the figures are logged.
const (
	lateReminder  = 2 * time.Second
	lateSuccessor = 2 * time.Second
)

// mutate is a call of a device that must succeed.
func mutate(t *testing.T, d *client.Client, tool string, args map[string]any) tandem.TaskRow {
	t.Helper()
	answer, err := d.Mutate(t.Context(), tool, args)
	if err != nil {
		t.Fatalf("%s %v: %v", tool, args, err)
	}
	var result struct {
		Task tandem.TaskRow `json:"task"`
	}
	if err := json.Unmarshal(answer.Result, &result); err != nil {
		t.Fatalf("%s answered %s", tool, answer.Result)
	}
	return result.Task
}

// within waits for a state of the device's replica.
func within(t *testing.T, limit time.Duration, what string, d *client.Client, ok func(*client.Replica) bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	defer cancel()
	if err := d.Await(ctx, ok); err != nil {
		t.Fatalf("%s did not happen within %s: %v", what, limit, err)
	}
}

func noticesOf(t *testing.T, r *client.Replica) []tandem.NoticeRow {
	t.Helper()
	var out []tandem.NoticeRow
	for _, raw := range r.Rows[tandem.KindNotice] {
		var n tandem.NoticeRow
		if err := json.Unmarshal(raw, &n); err != nil {
			t.Fatal(err)
		}
		out = append(out, n)
	}
	return out
}

func TestRecurrence_OneSuccessorSoon(t *testing.T) {
	s := newServer(t)
	s.start()
	d := s.device("ann")
	var took []time.Duration
	for range 10 {
		task := mutate(t, d, "add_task", map[string]any{"title": "Daily", "due": "2031-05-05", "recurrence": "FREQ=DAILY"})
		mutate(t, d, "complete_task", map[string]any{"task_id": task.UID})
		began := time.Now()
		open := func(r *client.Replica) int {
			n := 0
			for _, row := range rowsOf(t, r) {
				if row.SeriesID != nil && *row.SeriesID == *task.SeriesID && row.Status == tandem.StatusPending {
					n++
				}
			}
			return n
		}
		within(t, lateSuccessor, "the next occurrence", d, func(r *client.Replica) bool { return open(r) > 0 })
		took = append(took, time.Since(began))
		if n := open(d.Replica()); n != 1 {
			t.Fatalf("%d open occurrences, want one", n)
		}
	}
	slices.Sort(took)
	t.Logf("figure: from a completion to its successor: median %s, worst %s; bar 250 ms", took[len(took)/2], took[len(took)-1])
}

func TestReminder_FiresOnTimeOnce(t *testing.T) {
	s := newServer(t)
	s.start()
	d := s.device("ann")
	at := time.Now().Add(1200 * time.Millisecond).UTC().Truncate(time.Millisecond)
	task := mutate(t, d, "add_task", map[string]any{"title": "Now", "reminders": []string{at.Format("2006-01-02T15:04:05.000Z")}})
	within(t, lateReminder+2*time.Second, "the notice", d, func(r *client.Replica) bool { return len(noticesOf(t, r)) > 0 })
	late := time.Since(at)
	notices := noticesOf(t, d.Replica())
	if late < 0 || len(notices) != 1 || notices[0].TaskID != task.UID {
		t.Fatalf("%d notices, the first %s after its time: %+v", len(notices), late, notices)
	}
	t.Logf("figure: a reminder came %s after its time; bar 50 ms", late)
}

func TestReminder_SurvivesARestart(t *testing.T) {
	s := newServer(t)
	s.start()
	d := s.device("ann")
	at := time.Now().Add(900 * time.Millisecond).UTC().Truncate(time.Millisecond)
	mutate(t, d, "add_task", map[string]any{"title": "After the restart", "reminders": []string{at.Format("2006-01-02T15:04:05.000Z")}})
	s.kill()
	pause(t.Context(), time.Until(at)) // due while nobody is there
	s.start()
	within(t, 10*time.Second, "the notice after a restart", d, func(r *client.Replica) bool { return len(noticesOf(t, r)) == 1 })
}

func TestReminder_NeverAfterCompletionOrDeletion(t *testing.T) {
	s := newServer(t)
	s.start()
	d := s.device("ann")
	at := time.Now().Add(700 * time.Millisecond).UTC().Truncate(time.Millisecond)
	when := []string{at.Format("2006-01-02T15:04:05.000Z")}
	done := mutate(t, d, "add_task", map[string]any{"title": "Done", "reminders": when})
	gone := mutate(t, d, "add_task", map[string]any{"title": "Gone", "reminders": when})
	mutate(t, d, "add_task", map[string]any{"title": "Stays", "reminders": when})
	mutate(t, d, "complete_task", map[string]any{"task_id": done.UID})
	mutate(t, d, "delete_task", map[string]any{"task_id": gone.UID})
	within(t, lateReminder+2*time.Second, "the one notice", d, func(r *client.Replica) bool { return len(noticesOf(t, r)) > 0 })
	pause(t.Context(), 300*time.Millisecond) // room for a wrong one
	for _, n := range noticesOf(t, d.Replica()) {
		if n.Title != "Stays" {
			t.Errorf("a reminder of %q fired", n.Title)
		}
	}
}
