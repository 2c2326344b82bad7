package postgres

import (
	"context"
	"encoding/json"
	"time"

	"tandem"
)

// importer remembers across batches what the rows before have become.
type importer struct {
	conversations map[int64]int64 // exported number → the one here; absent: not imported
	fresh         map[string]bool // uids of tasks that this import added
	added         int
}

// batch adds the rows that are new and gives their number.
func (im *importer) batch(ctx context.Context, w *write, rows []importRow) (added int, err error) {
	for _, r := range rows {
		isNew, err := im.row(ctx, w, r)
		if err != nil {
			return 0, err
		}
		if isNew {
			added++
		}
	}
	return added, nil
}

func (im *importer) row(ctx context.Context, w *write, r importRow) (bool, error) {
	switch r.kind {
	case exportSettings:
		return importOf(r, func(s tandem.Settings) (bool, error) { return false, w.saveSettings(ctx, s) })
	case exportTask:
		return importOf(r, func(t tandem.Task) (bool, error) { return im.task(ctx, w, t) })
	case exportVersion:
		return importOf(r, func(v exportedVersion) (bool, error) { return im.version(ctx, w, v) })
	case exportConversation:
		return importOf(r, func(c tandem.Conversation) (bool, error) { return im.conversation(ctx, w, c) })
	case exportMessage:
		return importOf(r, func(m tandem.Message) (bool, error) { return im.message(ctx, w, m) })
	case exportEvent:
		return importOf(r, func(e exportedEvent) (bool, error) { return w.importEvent(ctx, e) })
	}
	return false, tandem.NotOneOf("kind", r.kind, []string{exportSettings, exportTask, exportVersion, exportConversation, exportMessage, exportEvent})
}

func importOf[T any](r importRow, add func(T) (bool, error)) (bool, error) {
	var v T
	if err := json.Unmarshal(r.doc, &v); err != nil {
		return false, tandem.Invalid("row", r.kind, "This is no exported %s.", r.kind).Because(err)
	}
	return add(v)
}

// task adds a task with its history as it was told; what derives from the user's zone was derived when it was exported.
func (im *importer) task(ctx context.Context, w *write, t tandem.Task) (bool, error) {
	if err := tandem.CheckImported(&t); err != nil {
		return false, err
	}
	there, err := w.taskByUID(ctx, t.UID)
	if there != nil || err != nil {
		return false, err
	}
	t.UserID = w.user
	if t.Number < 1 || t.Number > tandem.MaxImportedNumber {
		t.Number = w.account.Numbers + 1
	} else if taken, err := tasksByNumber(ctx, w.conn, w.user, []int64{t.Number}); err != nil {
		return false, err
	} else if len(taken) > 0 {
		t.Number = w.account.Numbers + 1
	}
	w.account.Numbers = max(w.account.Numbers, t.Number)
	im.fresh[t.UID] = true
	return true, w.saveTask(nil, t)
}

// version adds an outdated state of a task that this import added.
func (im *importer) version(ctx context.Context, w *write, v exportedVersion) (bool, error) {
	var t tandem.Task
	if err := json.Unmarshal(v.Task, &t); err != nil {
		return false, tandem.Invalid("row", exportVersion, "This is no exported version.").Because(err)
	}
	if !im.fresh[t.UID] {
		return false, nil
	}
	current, err := w.taskByUID(ctx, t.UID)
	if err != nil {
		return false, err
	}
	t.UserID, t.Number = w.user, current.Number
	doc, err := json.Marshal(t)
	if err != nil {
		return false, err
	}
	n, err := w.exec(ctx, `
		insert into versions (user_id, task, version, seq, op_id, turn_id, saved_at, until, doc) values ($1, $2, $3, $4, $5, '', $6, $7, $8)
		on conflict do nothing`, w.user, current.Number, t.Version, w.seq(), w.cause.OpID, v.SavedAt, v.Until, string(doc))
	return n > 0, err
}

// conversation adds one under the user's next number, unless one that began at the same moment under the same title is there.
func (im *importer) conversation(ctx context.Context, w *write, c tandem.Conversation) (bool, error) {
	var there int64
	found, err := w.one(ctx, into(&there), `select number from conversations where user_id = $1 and created_at = $2 and title = $3`,
		w.user, c.CreatedAt, c.Title)
	if found || err != nil {
		im.conversations[c.Number] = there
		return false, err
	}
	w.account.Conversations++
	im.conversations[c.Number] = w.account.Conversations
	c.Number = w.account.Conversations
	return true, w.saveConversation(c)
}

func (im *importer) message(ctx context.Context, w *write, m tandem.Message) (bool, error) {
	var one int
	there, err := w.one(ctx, into(&one), `select 1 from messages where user_id = $1 and id = $2`, w.user, m.ID)
	if there || err != nil {
		return false, err
	}
	number, ok := im.conversations[m.Conversation]
	if !ok {
		return false, tandem.Invalid("conversation", m.Conversation, "The conversation of this message is not in the file.")
	}
	if m.Role != tandem.RoleUser && m.Role != tandem.RoleAssistant {
		return false, tandem.NotOneOf("role", string(m.Role), []tandem.Role{tandem.RoleUser, tandem.RoleAssistant})
	}
	m.Conversation = number
	_, err = w.addMessage(ctx, m)
	return err == nil, err
}

// importEvent adds to the trail what was the same user's.
func (w *write) importEvent(ctx context.Context, e exportedEvent) (bool, error) {
	event, err := tandem.DecodeEvent(e.Topic, e.Event)
	if err != nil || event.UserID != w.user {
		return false, err
	}
	n, err := w.exec(ctx, `insert into audit (user_id, event_id, topic, at, event) values ($1, $2, $3, $4, $5)
		on conflict do nothing`, w.user, event.EventID, e.Topic, time.Time(event.Timestamp), string(e.Event))
	return n > 0, err
}
