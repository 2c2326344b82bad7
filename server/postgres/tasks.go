package postgres

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"tandem"
	"tandem/server/store"
)

// decodeTask reads a stored version.
func decodeTask(r row) (t tandem.Task, err error) {
	var doc []byte
	if err := r.Scan(&doc); err != nil {
		return t, err
	}
	err = json.Unmarshal(doc, &t)
	return t, err
}

// selectTasks begins every statement that reads current tasks.
const selectTasks = `
	select v.doc from tasks t join versions v on v.user_id = t.user_id and v.task = t.number and v.version = t.version
	where t.user_id = $1 `

// TaskByUID gives the current state of a task; nil for none.
func (w *write) TaskByUID(ctx context.Context, uid string) (*tandem.Task, error) {
	if t, known := w.known[uid]; known {
		return t, nil
	}
	if err := w.load(ctx, selectTasks+`and t.uid = $2`, uid); err != nil {
		return nil, err
	}
	if _, known := w.known[uid]; !known {
		w.known[uid] = nil
	}
	return w.known[uid], nil
}

// load reads tasks into what is known. A task that is known already is as it was left.
func (w *write) load(ctx context.Context, query string, arg any) error {
	tasks, err := list(ctx, w.conn, decodeTask, query, w.User, arg)
	for _, t := range tasks {
		if w.known[t.UID] == nil {
			w.known[t.UID] = &t
		}
	}
	return err
}

// TaskBefore gives the current state of a task of a plan; nil for none. Whether the uid of a new one is free is for the
// constraint to say.
func (w *write) TaskBefore(ctx context.Context, t tandem.Task) (*tandem.Task, error) {
	if t.Number == 0 {
		return w.known[t.UID], nil
	}
	return w.TaskByUID(ctx, t.UID)
}

// SaveTask writes the new state of a task and everything that follows from it, and logs the change.
func (w *write) SaveTask(_ context.Context, before *tandem.Task, after tandem.Task) error {
	if err := w.saveVersion(before, after); err != nil {
		return err
	}
	w.saveState(before, after)
	w.indexTask(after.Number, before, &after)
	w.saveTags(before, after)
	w.saveReminders(before, after)
	w.events = append(w.events, tandem.Events(w.Cause, tandem.TaskChange{Before: before, After: &after}, w.Seq(), w.Now, w.NewID)...)
	w.known[after.UID] = &after
	return w.LogTask(before, after)
}

// saveVersion keeps the state. The one before it is outdated from now on.
func (w *write) saveVersion(before *tandem.Task, after tandem.Task) error {
	doc, err := json.Marshal(after)
	if err != nil {
		return fmt.Errorf("encode task: %w", err)
	}
	if before != nil {
		w.later(nil, `update versions set until = $4 where user_id = $1 and task = $2 and version = $3`, w.User, after.Number, before.Version, w.Now)
	}
	w.later(nil, `
		insert into versions (user_id, task, version, seq, op_id, turn_id, saved_at, doc) values ($1, $2, $3, $4, $5, $6, $7, $8)`,
		w.User, after.Number, after.Version, w.Seq(), w.Cause.OpID, w.Cause.TurnID, after.UpdatedAt, string(doc))
	return nil
}

func (w *write) saveState(before *tandem.Task, t tandem.Task) {
	var series, key, predecessor any
	if t.Series != nil {
		series, key, predecessor = orNull(t.Series.ID), orNull(t.Series.Key), orNull(t.Series.Predecessor)
	}
	ended := t.DeletedAt
	if ended == nil {
		ended = t.CompletedAt
	}
	state := []any{
		w.User, t.Number, t.Version, store.StatusOf(t), t.Priority.Rank(), t.DueAt, store.Floating(t), t.CreatedAt, ended, sortKey(t.Title), series, key, predecessor,
		vectorOf(t),
	}
	taken := func(err error) error {
		switch {
		case breaks(err, "tasks_uid"):
			return tandem.Conflict("uid", "There is already a task with this uid.").Because(err)
		case breaks(err, "tasks_occurrence") || breaks(err, "tasks_predecessor"):
			return tandem.Conflict("recurrence", "That occurrence of %q exists already.", t.Title).Because(err)
		}
		return nil
	}
	if before == nil {
		w.later(taken, `
			insert into tasks (user_id, number, version, status, priority, due_at, floating, created_at, ended_at, title, series_id,
				occurrence_key, predecessor, words, uid)
			values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)`, append(state, t.UID)...)
		return
	}
	w.later(taken, `
		update tasks set version = $3, status = $4, priority = $5, due_at = $6, floating = $7, created_at = $8, ended_at = $9, title = $10,
			series_id = $11, occurrence_key = $12, predecessor = $13, words = $14
		where user_id = $1 and number = $2`, state...)
}

const deleteTags = `delete from task_tags where user_id = $1 and task = any ($2::bigint[])`

func (w *write) saveTags(before *tandem.Task, after tandem.Task) {
	if before != nil {
		if slices.Equal(before.Tags, after.Tags) {
			return
		}
		w.later(nil, deleteTags, w.User, []int64{after.Number})
	}
	if len(after.Tags) == 0 {
		return
	}
	folded := make([]string, len(after.Tags))
	for i, tag := range after.Tags {
		folded[i] = tandem.Fold(tag)
	}
	w.later(nil, `
		insert into task_tags (user_id, tag, task) select $1, tag, $2 from unnest($3::text[]) as tag on conflict do nothing`,
		w.User, after.Number, folded)
}

// saveReminders keeps the promises of an open task. One that stays as it is keeps its timer.
func (w *write) saveReminders(before *tandem.Task, after tandem.Task) {
	promised := []string{}
	if after.Open() {
		for _, r := range after.Reminders {
			if r.State == tandem.ReminderScheduled {
				promised = append(promised, r.ID)
			}
		}
	}
	if before != nil && len(before.Reminders) > 0 {
		w.later(nil, `delete from reminders where user_id = $1 and task = $2 and reminder_id <> all ($3::text[])`, w.User, after.Number, promised)
	}
	for _, r := range after.Reminders {
		if !slices.Contains(promised, r.ID) {
			continue
		}
		w.later(nil, `
			insert into reminders as r (user_id, reminder_id, task, task_uid, generation, due_at, trace_id) values ($1, $2, $3, $4, $5, $6, $7)
			on conflict (user_id, reminder_id) do update set task = excluded.task, task_uid = excluded.task_uid,
				generation = excluded.generation, due_at = excluded.due_at, timed = false,
				trace_id = excluded.trace_id
			where (r.task, r.generation, r.due_at) <> (excluded.task, excluded.generation, excluded.due_at)`,
			w.User, r.ID, after.Number, after.UID, r.Generation, r.At, w.Cause.TraceID)
	}
}
