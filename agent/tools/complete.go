package tools

import (
	"context"
	"time"

	"tandem"
)

// The ways to complete a task, as arguments name them; at most one of them is given.
var completions = []string{"undo", "skip_occurrence", "stop_series"}

// complete runs complete_task: done, reopened, skipped, or done with the repetition at its end.
func (tb *Toolbox) complete(ctx context.Context, c call) (Result, error) {
	op, err := c.operation()
	if err != nil {
		return Result{}, err
	}
	way, err := c.completion()
	if err != nil {
		return Result{}, err
	}
	at, err := c.completedAt(way)
	if err != nil {
		return Result{}, err
	}
	if err := op.needTasks(); err != nil {
		return Result{}, err
	}
	op.decide = func(sc tandem.Scene, found []tandem.Task) (decision, error) {
		if err := op.live(found); err != nil {
			return decision{}, err
		}
		return completeAll(sc, found, way, at)
	}
	return tb.run(ctx, op)
}

// completion gives the way that the call asks for; empty: it is simply done.
func (c call) completion() (string, error) {
	way := ""
	for _, name := range completions {
		if !c.args.flag(name) {
			continue
		}
		if way != "" {
			c.args.fail(tandem.Invalid(name, true, "%s and %s exclude each other.", way, name))
		}
		way = name
	}
	return way, c.args.err
}

func (c call) completedAt(way string) (*time.Time, error) {
	text := c.args.phrase("completed_at")
	clk, err := c.clock()
	if err != nil || text == "" {
		return nil, err
	}
	if way == "undo" || way == "skip_occurrence" {
		return nil, tandem.Invalid("completed_at", text, "completed_at and %s exclude each other.", way)
	}
	at, err := clk.instant("completed_at", text, true)
	if err != nil {
		return nil, err
	}
	if first, err := clk.instant("completed_at", text, false); err == nil && first.Before(c.now) && at.After(c.now) {
		at = c.now // today, without a time
	}
	if !within(at, c.now) {
		return nil, tandem.Invalid("completed_at", text, "A task cannot be completed in the future.")
	}
	return &at, nil
}

func completeAll(sc tandem.Scene, found []tandem.Task, way string, at *time.Time) (decision, error) {
	d := decision{status: statusCompleted}
	when := sc.Now
	if at != nil {
		when = *at
	}
	for _, t := range found {
		d.subjects = append(d.subjects, t.UID)
		var next []tandem.Task
		var err error
		switch way {
		case "undo":
			d.status, next = statusReopened, tandem.Reopen(sc, t)
		case "skip_occurrence":
			d.status = statusSkipped
			next, err = tandem.Skip(sc, t)
		case "stop_series":
			var stopped tandem.Task
			stopped, err = tandem.StopSeries(sc, t, when)
			next = []tandem.Task{stopped}
		default:
			next = []tandem.Task{tandem.Complete(sc, t, when)}
		}
		if err != nil {
			return d, err
		}
		d.Tasks = append(d.Tasks, next...)
		if way != "undo" {
			d.Dismiss = append(d.Dismiss, t.UID)
		}
	}
	d.asks = asksToComplete(d.Plan, found, way)
	return d, nil
}

func asksToComplete(plan tandem.Plan, found []tandem.Task, way string) string {
	n := changed(plan, found)
	switch {
	case way == "stop_series" && n > 0:
		return summaryOf("End the repetition of", found)
	case n <= maxUnasked:
		return ""
	case way == "undo":
		return summaryOf("Reopen", found)
	case way == "skip_occurrence":
		return summaryOf("Skip this occurrence of", found)
	default:
		return summaryOf("Complete", found)
	}
}
