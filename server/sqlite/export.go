package sqlite

import (
	"context"
	"encoding/json"

	"tandem"
	"tandem/server/store"
)

// Export gives everything of a user, row by row, of one moment. An error of emit ends it.
func (db *DB) Export(ctx context.Context, user tandem.UserID, emit func(kind string, row json.RawMessage) error) error {
	to := store.Emit(emit)
	return db.read(ctx, func(ctx context.Context, c *conn) error {
		settings, err := readSettings(ctx, c, user)
		if err == nil {
			err = to.Row(store.ExportSettings, settings)
		}
		if err == nil {
			err = each(ctx, c, single[[]byte], func(doc []byte) error { return emit(store.ExportTask, doc) }, `
				select v.doc from tasks t join versions v on v.id = t.current where t.user_id = ? order by t.id`, user)
		}
		if err == nil {
			err = each(ctx, c, scanVersion, func(v store.ExportedVersion) error { return to.Row(store.ExportVersion, v) }, `
				select saved_at, until, doc from versions where user_id = ? and until is not null order by id`, user)
		}
		if err == nil {
			err = each(ctx, c, scanConversation, func(c tandem.Conversation) error { return to.Row(store.ExportConversation, c) }, `
				select user_id, number, title, created_at, updated_at from conversations where user_id = ? order by number`, user)
		}
		if err == nil {
			err = each(ctx, c, scanMessage, to.Message, `
				select user_id, id, conversation, turn_id, role, text, tool_calls, engine, status, created_at from messages
				where user_id = ? and role <> 'hidden' order by position`, user)
		}
		if err == nil {
			err = each(ctx, c, scanEvent, func(e store.ExportedEvent) error { return to.Row(store.ExportEvent, e) }, `
				select topic, event from audit where user_id = ? order by id`, user)
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

func scanVersion(r row) (store.ExportedVersion, error) {
	var saved, until int64
	var doc []byte
	err := r.Scan(&saved, &until, &doc)
	return store.ExportedVersion{SavedAt: instant(saved), Until: instant(until), Task: doc}, err
}

func scanEvent(r row) (e store.ExportedEvent, err error) {
	var doc []byte
	err = r.Scan(&e.Topic, &doc)
	e.Event = doc
	return e, err
}
