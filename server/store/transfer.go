package store

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"tandem"
)

// The kinds of exported rows, in the order in which they are written and must be read.
const (
	ExportSettings     = "settings"     // tandem.Settings, without what is a secret or a device
	ExportTask         = "task"         // tandem.Task, the trash included
	ExportVersion      = "version"      // an outdated state of a task
	ExportConversation = "conversation" // tandem.Conversation
	ExportMessage      = "message"      // tandem.Message
	ExportEvent        = "event"        // of the audit trail, as it was published
)

// ExportedVersion is an outdated state with the time for which it was current.
type ExportedVersion struct {
	SavedAt time.Time       `json:"saved_at"`
	Until   time.Time       `json:"until"`
	Task    json.RawMessage `json:"task"`
}

// ExportedEvent is a line of the trail with its topic.
type ExportedEvent struct {
	Topic tandem.Topic    `json:"topic"`
	Event json.RawMessage `json:"event"`
}

// Emit takes a row of an export.
type Emit func(kind string, row json.RawMessage) error

// Row writes a value as a row.
func (e Emit) Row(kind string, v any) error {
	doc, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("encode %s: %w", kind, err)
	}
	return e(kind, doc)
}

// Message writes a message without what the model wrote for itself.
func (e Emit) Message(m tandem.Message) error {
	for i := range m.ToolCalls {
		m.ToolCalls[i].Raw = nil
	}
	return e.Row(ExportMessage, m)
}

// ImportTx is the transaction of an import.
type ImportTx interface {
	Plain
	Tasks
	Messages
	// TaskByUID gives the present state of a task; nil for none.
	TaskByUID(ctx context.Context, uid string) (*tandem.Task, error)
	// Taken reports that there is a task with a number.
	Taken(ctx context.Context, number int64) (bool, error)
	// ImportVersion adds an outdated state of a task unless it is there.
	ImportVersion(ctx context.Context, t tandem.Task, saved, until time.Time) (added bool, err error)
	// SameConversation gives the number of a conversation that began at the same moment under the same title.
	SameConversation(ctx context.Context, c tandem.Conversation) (number int64, found bool, err error)
	HasMessage(ctx context.Context, id string) (bool, error)
	// ImportEvent adds an event to the trail unless it is there.
	ImportEvent(ctx context.Context, topic tandem.Topic, e tandem.Event, doc json.RawMessage) (added bool, err error)
}

// importBatch bounds what one write of an import holds.
const importBatch = 200

// Import reads rows as an export gave them until next gives io.EOF, and adds what the user does not have yet: an import that was cut
// off may be repeated. Tasks keep their uid, and their number where it is free; conversations get numbers of their own. It tells
// how many rows were new. A row that does not fit is invalid and ends it; the batches before it stay.
func Import[W ImportTx](
	ctx context.Context, user tandem.UserID, next func() (kind string, row json.RawMessage, err error), newID func() string, update Update[W],
) (int, error) {
	im := importer{conversations: map[int64]int64{}, fresh: map[string]bool{}}
	total := 0
	for {
		batch, more, err := readBatch(next)
		if err != nil {
			return total, err
		}
		if len(batch) > 0 {
			added := 0
			err = update(ctx, user, tandem.Cause{Actor: tandem.ActorImport, OpID: newID()}, func(ctx context.Context, w W) (err error) {
				added, err = im.batch(ctx, w, batch)
				return err
			})
			if err != nil {
				return total, err
			}
			total += added
		}
		if !more {
			return total, nil
		}
	}
}

type importRow struct {
	kind string
	doc  json.RawMessage
}

func readBatch(next func() (string, json.RawMessage, error)) (batch []importRow, more bool, err error) {
	for len(batch) < importBatch {
		kind, doc, err := next()
		if errors.Is(err, io.EOF) {
			return batch, false, nil
		}
		if err != nil {
			return nil, false, err
		}
		batch = append(batch, importRow{kind, doc})
	}
	return batch, true, nil
}

// importer remembers across batches what the rows before have become.
type importer struct {
	conversations map[int64]int64 // exported number → the one here; absent: not imported
	fresh         map[string]bool // uids of tasks that this import added
}

// batch adds the rows that are new and gives their number.
func (im *importer) batch(ctx context.Context, w ImportTx, rows []importRow) (added int, err error) {
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

func (im *importer) row(ctx context.Context, w ImportTx, r importRow) (bool, error) {
	switch r.kind {
	case ExportSettings:
		return importOf(r, func(s tandem.Settings) (bool, error) { return false, saveSettings(ctx, w, s) })
	case ExportTask:
		return importOf(r, func(t tandem.Task) (bool, error) { return im.task(ctx, w, t) })
	case ExportVersion:
		return importOf(r, func(v ExportedVersion) (bool, error) { return im.version(ctx, w, v) })
	case ExportConversation:
		return importOf(r, func(c tandem.Conversation) (bool, error) { return im.conversation(ctx, w, c) })
	case ExportMessage:
		return importOf(r, func(m tandem.Message) (bool, error) { return im.message(ctx, w, m) })
	case ExportEvent:
		return importOf(r, func(e ExportedEvent) (bool, error) { return importEvent(ctx, w, e) })
	}
	return false, tandem.NotOneOf("kind", r.kind, []string{ExportSettings, ExportTask, ExportVersion, ExportConversation, ExportMessage, ExportEvent})
}

func importOf[T any](r importRow, add func(T) (bool, error)) (bool, error) {
	var v T
	if err := json.Unmarshal(r.doc, &v); err != nil {
		return false, tandem.Invalid("row", r.kind, "This is no exported %s.", r.kind).Because(err)
	}
	return add(v)
}

// task adds a task with its history as it was told; what derives from the user's zone was derived when it was exported.
func (im *importer) task(ctx context.Context, w ImportTx, t tandem.Task) (bool, error) {
	if err := tandem.CheckImported(&t); err != nil {
		return false, err
	}
	there, err := w.TaskByUID(ctx, t.UID)
	if there != nil || err != nil {
		return false, err
	}
	b := w.Base()
	t.UserID = b.User
	taken := t.Number < 1 || t.Number > tandem.MaxImportedNumber
	if !taken {
		if taken, err = w.Taken(ctx, t.Number); err != nil {
			return false, err
		}
	}
	if taken {
		t.Number = b.Account.Numbers + 1
	}
	b.Account.Numbers = max(b.Account.Numbers, t.Number)
	im.fresh[t.UID] = true
	return true, w.SaveTask(ctx, nil, t)
}

// version adds an outdated state of a task that this import added.
func (im *importer) version(ctx context.Context, w ImportTx, v ExportedVersion) (bool, error) {
	var t tandem.Task
	if err := json.Unmarshal(v.Task, &t); err != nil {
		return false, tandem.Invalid("row", ExportVersion, "This is no exported version.").Because(err)
	}
	if !im.fresh[t.UID] {
		return false, nil
	}
	current, err := w.TaskByUID(ctx, t.UID)
	if current == nil || err != nil { // gone since it was taken over
		return false, err
	}
	t.UserID, t.Number = w.Base().User, current.Number
	return w.ImportVersion(ctx, t, v.SavedAt, v.Until)
}

// conversation adds one under the user's next number, unless one that began at the same moment under the same title is there.
func (im *importer) conversation(ctx context.Context, w ImportTx, c tandem.Conversation) (bool, error) {
	there, found, err := w.SameConversation(ctx, c)
	if err != nil {
		return false, err
	}
	exported := c.Number
	if !found {
		if there, err = newConversation(ctx, w, c); err != nil {
			return false, err
		}
	}
	im.conversations[exported] = there
	return !found, nil
}

func (im *importer) message(ctx context.Context, w ImportTx, m tandem.Message) (bool, error) {
	there, err := w.HasMessage(ctx, m.ID)
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
	_, err = addMessage(ctx, w, m)
	return err == nil, err
}

// importEvent adds to the trail what was the same user's.
func importEvent(ctx context.Context, w ImportTx, e ExportedEvent) (bool, error) {
	event, err := tandem.DecodeEvent(e.Topic, e.Event)
	if err != nil || event.UserID != w.Base().User {
		return false, err
	}
	return w.ImportEvent(ctx, e.Topic, event, e.Event)
}
