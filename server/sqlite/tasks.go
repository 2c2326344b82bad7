package sqlite

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"tandem"
	"tandem/server/store"
)

// numberBits is the room of a task's number in its row id; the user's ordinal stands above.
const numberBits = 31

// taskID is the row id of a task: its rows and its words lie beside those of its user's other tasks.
func taskID(ordinal, number int64) int64 { return ordinal<<numberBits | number }

// decodeTask reads a stored version.
func decodeTask(r row) (t tandem.Task, err error) {
	var doc []byte
	if err := r.Scan(&doc); err != nil {
		return t, err
	}
	err = json.Unmarshal(doc, &t)
	return t, err
}

// taskByUID gives the current state of a task; nil for none.
func taskByUID(ctx context.Context, c *conn, user tandem.UserID, uid string) (*tandem.Task, error) {
	return firstTask(ctx, c, `
		select v.doc from tasks t join versions v on v.id = t.current where t.user_id = ? and t.uid = ?`, user, uid)
}

// TaskByUID gives the current state of a task; nil for none.
func (w *write) TaskByUID(ctx context.Context, uid string) (*tandem.Task, error) {
	return taskByUID(ctx, w.conn, w.User, uid)
}

// TaskBefore gives the current state of a task of a plan; nil for none.
func (w *write) TaskBefore(ctx context.Context, t tandem.Task) (*tandem.Task, error) {
	return w.TaskByUID(ctx, t.UID)
}

// taskByNumber gives the current state of a task; nil for none.
func taskByNumber(ctx context.Context, c *conn, user tandem.UserID, a account, number int64) (*tandem.Task, error) {
	if number < 1 || number > a.Numbers {
		return nil, nil
	}
	return firstTask(ctx, c, `
		select v.doc from tasks t join versions v on v.id = t.current where t.user_id = ? and t.id = ?`, user, taskID(a.ordinal, number))
}

func firstTask(ctx context.Context, c *conn, query string, args ...any) (*tandem.Task, error) {
	tasks, err := list(ctx, c, decodeTask, query, args...)
	if err != nil || len(tasks) == 0 {
		return nil, err
	}
	return &tasks[0], nil
}

// SaveTask writes the new state of a task and everything that follows from it, and logs the change.
func (w *write) SaveTask(ctx context.Context, before *tandem.Task, after tandem.Task) error {
	id := taskID(w.ordinal, after.Number)
	version, err := w.saveVersion(ctx, id, before, after)
	if err != nil {
		return err
	}
	if err := w.saveState(ctx, id, version, before, after); err != nil {
		return err
	}
	if err := w.setFacet(ctx, id, store.FacetOf(after)); err != nil {
		return err
	}
	if err := w.saveTags(ctx, id, before, after); err != nil {
		return err
	}
	if err := w.saveReminders(ctx, id, before, after); err != nil {
		return err
	}
	if err := w.saveWords(ctx, id, before, after); err != nil {
		return err
	}
	if err := w.saveEvents(ctx, tandem.TaskChange{Before: before, After: &after}); err != nil {
		return err
	}
	return w.LogTask(before, after)
}

// saveVersion keeps the state and gives the id of its version.
func (w *write) saveVersion(ctx context.Context, task int64, before *tandem.Task, after tandem.Task) (id int64, err error) {
	doc, err := json.Marshal(after)
	if err != nil {
		return 0, fmt.Errorf("encode task: %w", err)
	}
	if before != nil {
		if _, err := w.exec(ctx, `update versions set until = ? where user_id = ? and task = ? and version = ?`,
			milli(w.Now), w.User, task, before.Version); err != nil {
			return 0, err
		}
	}
	_, err = w.one(ctx, into(&id), `
		insert into versions (user_id, task, version, seq, op_id, turn_id, saved_at, doc) values (?, ?, ?, ?, ?, ?, ?, ?) returning id`,
		w.User, task, after.Version, w.Seq(), w.Cause.OpID, w.Cause.TurnID, milli(after.UpdatedAt), string(doc))
	return id, err
}

func (w *write) saveState(ctx context.Context, id, version int64, before *tandem.Task, t tandem.Task) error {
	var series, key, predecessor any
	if t.Series != nil {
		series, key, predecessor = orNull(t.Series.ID), orNull(t.Series.Key), orNull(t.Series.Predecessor)
	}
	ended := t.DeletedAt
	if ended == nil {
		ended = t.CompletedAt
	}
	state := []any{
		t.Version, version, store.StatusOf(t), t.Priority.Rank(), milliPtr(t.DueAt), store.Floating(t), milli(t.CreatedAt), milliPtr(ended),
		tandem.Fold(t.Title), series, key, predecessor,
	}
	var err error
	if before == nil {
		_, err = w.exec(ctx, `
			insert into tasks (version, current, status, priority, due_at, floating, created_at, ended_at, title, series_id, occurrence_key,
				predecessor, id, user_id, number, uid)
			values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`, append(state, id, w.User, t.Number, t.UID)...)
	} else {
		_, err = w.exec(ctx, `
			update tasks set version = ?, current = ?, status = ?, priority = ?, due_at = ?, floating = ?, created_at = ?, ended_at = ?,
				title = ?, series_id = ?, occurrence_key = ?, predecessor = ?
			where id = ? and user_id = ?`, append(state, id, w.User)...)
	}
	if unique(err) {
		return tandem.Conflict("recurrence", "That occurrence of %q exists already.", t.Title).Because(err)
	}
	return err
}

func (w *write) saveTags(ctx context.Context, id int64, before *tandem.Task, after tandem.Task) error {
	if before != nil {
		if slices.Equal(before.Tags, after.Tags) {
			return nil
		}
		if _, err := w.exec(ctx, `delete from task_tags where user_id = ? and id = ?`, w.User, id); err != nil {
			return err
		}
	}
	for _, tag := range after.Tags {
		if _, err := w.exec(ctx, `insert or ignore into task_tags (user_id, tag, id) values (?, ?, ?)`, w.User, tandem.Fold(tag), id); err != nil {
			return err
		}
	}
	return nil
}

// saveReminders keeps the promises of an open task. One that did not change keeps its timer.
func (w *write) saveReminders(ctx context.Context, id int64, before *tandem.Task, after tandem.Task) error {
	kept := []string{}
	for _, r := range after.Reminders {
		if r.State == tandem.ReminderScheduled && after.Open() {
			kept = append(kept, r.ID)
		}
	}
	if before != nil && len(before.Reminders) > 0 {
		ids, err := jsonList(kept)
		if err != nil {
			return err
		}
		if _, err := w.exec(ctx, `
			delete from reminders where user_id = ? and task = ? and reminder_id not in (select value from json_each(?))`,
			w.User, id, ids); err != nil {
			return err
		}
	}
	for _, r := range after.Reminders {
		if !slices.Contains(kept, r.ID) {
			continue
		}
		if _, err := w.exec(ctx, `
			insert into reminders (user_id, reminder_id, task, generation, due_at, trace_id) values (?, ?, ?, ?, ?, ?)
			on conflict (user_id, reminder_id) do update set task = excluded.task, generation = excluded.generation, due_at = excluded.due_at,
				timed = case when generation = excluded.generation then timed else 0 end,
				trace_id = case when generation = excluded.generation then trace_id else excluded.trace_id end`,
			w.User, r.ID, id, r.Generation, milli(r.At), w.Cause.TraceID); err != nil {
			return err
		}
	}
	return nil
}

// saveWords indexes the words of title and description.
func (w *write) saveWords(ctx context.Context, id int64, before *tandem.Task, after tandem.Task) error {
	texts := [2]string{after.Title, after.Description}
	var old [2]string
	if before != nil {
		old = [2]string{before.Title, before.Description}
	}
	for part, text := range texts {
		if text == old[part] {
			continue
		}
		rowid := id<<1 | int64(part)
		if old[part] != "" {
			if _, err := w.exec(ctx, `delete from words where rowid = ?`, rowid); err != nil {
				return err
			}
		}
		if tokens := tokensOf(w.ordinal, tandem.Words(text)); tokens != "" {
			if _, err := w.exec(ctx, `insert into words (rowid, text) values (?, ?)`, rowid, tokens); err != nil {
				return err
			}
		}
	}
	return nil
}

// userToken is what stands before each word of a user in the index: as long for everyone, so none is the beginning of another.
func userToken(ordinal int64) string {
	var b [6]byte
	for i := len(b) - 1; i >= 0; i-- {
		b[i] = 'a' + byte(ordinal%26)
		ordinal /= 26
	}
	return string(b[:])
}

// tokensOf writes words as the index keeps them.
func tokensOf(ordinal int64, words []string) string {
	prefix := userToken(ordinal)
	var b strings.Builder
	for i, word := range words {
		if i > 0 {
			b.WriteByte(' ')
		}
		b.WriteString(prefix)
		b.WriteString(word)
	}
	return b.String()
}

// saveEvents puts what the world is told into the outbox.
func (w *write) saveEvents(ctx context.Context, c tandem.TaskChange) error {
	for _, e := range tandem.Events(w.Cause, c, w.Seq(), w.Now, w.NewID) {
		data, err := json.Marshal(e)
		if err != nil {
			return fmt.Errorf("encode event: %w", err)
		}
		if _, err := w.exec(ctx, `insert into outbox (user_id, topic, event, seq, at) values (?, ?, ?, ?, ?)`,
			w.User, e.Topic(), string(data), w.Seq(), milli(w.Now)); err != nil {
			return err
		}
	}
	return nil
}
