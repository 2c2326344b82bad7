package postgres

import (
	"context"
	"encoding/json"

	"tandem"
	"tandem/server/store"
)

// exportTime bounds an export in milliseconds, as slow as its reader may be: it holds back the clearing of dead rows.
const exportTime = "600000"

// Export gives everything of a user, row by row, of one moment. An error of emit ends it.
func (db *DB) Export(ctx context.Context, user tandem.UserID, emit func(kind string, row json.RawMessage) error) error {
	to := store.Emit(emit)
	return db.read(ctx, user, func(ctx context.Context, c *conn) error {
		c.later(nil, `select set_config('statement_timeout', $1, true), set_config('idle_in_transaction_session_timeout', $1, true)`, exportTime)
		settings, err := readSettings(ctx, c, user)
		if err == nil {
			err = to.Row(store.ExportSettings, settings)
		}
		if err == nil {
			err = each(ctx, c, single[[]byte], func(doc []byte) error { return emit(store.ExportTask, doc) }, selectTasks+`order by t.number`, user)
		}
		if err == nil {
			err = each(ctx, c, scanVersion, func(v store.ExportedVersion) error { return to.Row(store.ExportVersion, v) }, `
				select saved_at, until, doc from versions where user_id = $1 and until is not null order by task, version`, user)
		}
		if err == nil {
			err = each(ctx, c, scanConversation, func(c tandem.Conversation) error { return to.Row(store.ExportConversation, c) }, `
				select user_id, number, title, created_at, updated_at from conversations where user_id = $1 order by number`, user)
		}
		if err == nil {
			err = each(ctx, c, scanMessage, to.Message, selectMessages+`and role <> 'hidden' order by position`, user)
		}
		if err == nil {
			err = each(ctx, c, scanEvent, func(e store.ExportedEvent) error { return to.Row(store.ExportEvent, e) }, `
				select topic, event from audit where user_id = $1 order by id`, user)
		}
		return err
	})
}

// each hands the rows of a query on, one after the other.
func each[T any](ctx context.Context, c *conn, scan func(row) (T, error), to func(T) error, query string, args ...any) error {
	_, err := list(ctx, c, func(r row) (struct{}, error) {
		v, err := scan(r)
		if err == nil {
			err = to(v)
		}
		return struct{}{}, err
	}, query, args...)
	return err
}

func scanVersion(r row) (v store.ExportedVersion, err error) {
	var doc []byte
	err = r.Scan(&v.SavedAt, &v.Until, &doc)
	v.Task = doc
	return v, err
}

func scanEvent(r row) (e store.ExportedEvent, err error) {
	var doc []byte
	err = r.Scan(&e.Topic, &doc)
	e.Event = doc
	return e, err
}
