package postgres

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
	exportSettings     = "settings"     // tandem.Settings, without what is a secret or a device
	exportTask         = "task"         // tandem.Task, the trash included
	exportVersion      = "version"      // an outdated state of a task
	exportConversation = "conversation" // tandem.Conversation
	exportMessage      = "message"      // tandem.Message
	exportEvent        = "event"        // of the audit trail, as it was published
)

// exportedVersion is an outdated state with the time for which it was current.
type exportedVersion struct {
	SavedAt time.Time       `json:"saved_at"`
	Until   time.Time       `json:"until"`
	Task    json.RawMessage `json:"task"`
}

// exportedEvent is a line of the trail with its topic.
type exportedEvent struct {
	Topic tandem.Topic    `json:"topic"`
	Event json.RawMessage `json:"event"`
}

// exportTime bounds an export in milliseconds, as slow as its reader may be: it holds back the clearing of dead rows.
const exportTime = "600000"

// Export gives everything of a user, row by row, of one moment. An error of emit ends it.
func (db *DB) Export(ctx context.Context, user tandem.UserID, emit func(kind string, row json.RawMessage) error) error {
	return db.read(ctx, user, func(ctx context.Context, c *conn) error {
		c.later(nil, `select set_config('statement_timeout', $1, true), set_config('idle_in_transaction_session_timeout', $1, true)`, exportTime)
		settings, err := readSettings(ctx, c, user)
		if err != nil {
			return err
		}
		doc, err := json.Marshal(settings)
		if err != nil {
			return fmt.Errorf("encode settings: %w", err)
		}
		if err := emit(exportSettings, doc); err != nil {
			return err
		}
		for _, part := range []struct {
			kind  string
			query string
			scan  func(row) (any, error)
		}{
			{exportTask, selectTasks + `order by t.number`, anyOf(single[string], asIs)},
			{exportVersion, `select saved_at, until, doc from versions where user_id = $1 and until is not null order by task, version`, scanExportedVersion},
			{exportConversation, `
				select user_id, number, title, created_at, updated_at from conversations where user_id = $1 order by number`, anyOf(scanConversation, same)},
			{exportMessage, `
				select user_id, id, conversation, turn_id, role, text, tool_calls, engine, status, created_at from messages
				where user_id = $1 and role <> 'hidden' order by position`, anyOf(scanMessage, withoutRaw)},
			{exportEvent, `select topic, event from audit where user_id = $1 order by id`, scanExportedEvent},
		} {
			if err := c.emit(ctx, user, part.kind, part.query, part.scan, emit); err != nil {
				return err
			}
		}
		return nil
	})
}

// emit streams the rows of one query.
func (c *conn) emit(
	ctx context.Context, user tandem.UserID, kind, query string, scan func(row) (any, error), to func(string, json.RawMessage) error,
) error {
	_, err := list(ctx, c, func(r row) (struct{}, error) {
		v, err := scan(r)
		if err != nil {
			return struct{}{}, err
		}
		doc, err := json.Marshal(v)
		if err != nil {
			return struct{}{}, err
		}
		return struct{}{}, to(kind, doc)
	}, query, user)
	return err
}

func anyOf[T any](scan func(row) (T, error), show func(T) any) func(row) (any, error) {
	return func(r row) (any, error) {
		v, err := scan(r)
		return show(v), err
	}
}

func same[T any](v T) any { return v }

// withoutRaw leaves out what the model wrote for itself.
func withoutRaw(m tandem.Message) any {
	for i := range m.ToolCalls {
		m.ToolCalls[i].Raw = nil
	}
	return m
}

func asIs(doc string) any { return json.RawMessage(doc) }

func scanExportedVersion(r row) (any, error) {
	var v exportedVersion
	var doc []byte
	err := r.Scan(&v.SavedAt, &v.Until, &doc)
	v.Task = doc
	return v, err
}

func scanExportedEvent(r row) (any, error) {
	var e exportedEvent
	var doc []byte
	err := r.Scan(&e.Topic, &doc)
	e.Event = doc
	return e, err
}

// importBatch bounds what one write of an import holds.
const importBatch = 200

// Import reads rows as Export gave them until next gives io.EOF, and adds what the user does not have yet: an import that was cut
// off may be repeated. Tasks keep their uid, and their number where it is free; conversations get numbers of their own. It tells
// how many rows were new. A row that does not fit is invalid and ends it; the batches before it stay.
func (db *DB) Import(ctx context.Context, user tandem.UserID, next func() (kind string, row json.RawMessage, err error)) (int, error) {
	im := importer{conversations: map[int64]int64{}, fresh: map[string]bool{}}
	for {
		batch, more, err := readBatch(next)
		if err != nil {
			return im.added, err
		}
		if len(batch) > 0 {
			added := 0
			err = db.update(ctx, user, tandem.Cause{Actor: tandem.ActorImport, OpID: db.newID()}, func(ctx context.Context, w *write) (err error) {
				added, err = im.batch(ctx, w, batch)
				return err
			})
			if err != nil {
				return im.added, err
			}
			im.added += added
		}
		if !more {
			return im.added, nil
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
