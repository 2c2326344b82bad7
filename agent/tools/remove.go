package tools

import (
	"context"
	"slices"

	"tandem"
)

// reach says how much of a repeating task is deleted.
type reach string

const (
	thisOne     reach = "this"
	wholeSeries reach = "series"
)

// remove runs delete_task. Deleting what is in the trash already changes nothing.
func (tb *Toolbox) remove(ctx context.Context, c call) (Result, error) {
	op, err := c.operation()
	if err != nil {
		return Result{}, err
	}
	scope := choice(c.args, "scope", []reach{thisOne, wholeSeries})
	if c.args.err != nil {
		return Result{}, c.args.err
	}
	if err := op.needTasks(); err != nil {
		return Result{}, err
	}
	op.decide = func(sc tandem.Scene, found []tandem.Task) (decision, error) {
		return removeAll(sc, found, scope == wholeSeries), nil
	}
	return tb.run(ctx, op)
}

func removeAll(sc tandem.Scene, found []tandem.Task, whole bool) decision {
	d := decision{status: statusDeleted}
	series := false
	for _, t := range found {
		d.subjects = append(d.subjects, t.UID)
		for _, gone := range tandem.Delete(sc, t, whole) {
			if !slices.ContainsFunc(d.Tasks, func(o tandem.Task) bool { return o.UID == gone.UID }) {
				d.Tasks = append(d.Tasks, gone)
			}
		}
		d.Dismiss = append(d.Dismiss, t.UID)
		series = series || whole && t.Recurring() && t.DeletedAt == nil
	}
	switch n := changed(d.Plan, found); {
	case series:
		d.asks = summaryOf("Delete the whole series of", found)
	case n > 1:
		d.asks = summaryOf("Delete", found)
	}
	return d
}
