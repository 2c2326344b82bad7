package store

import (
	"encoding/json"
	"slices"

	"tandem"
)

// How each kind of row is shown to clients, with its id.

// TaskRow shows a task.
func TaskRow(t tandem.Task) (string, any) { return t.UID, t.RowJSON() }

// ConversationRow shows a conversation.
func ConversationRow(c tandem.Conversation) (string, any) {
	return tandem.ConversationKey(c.Number), c.Row()
}

// MessageRow shows a message.
func MessageRow(m tandem.Message) (string, any) { return m.ID, m.Row() }

// NoticeRow shows a notice.
func NoticeRow(n tandem.Notice) (string, any) { return n.ID, n.Row() }

// ApprovalRow shows a question.
func ApprovalRow(a tandem.Approval) (string, any) { return a.ID, a.Row() }

// SettingsRow shows the settings.
func SettingsRow(s tandem.Settings) (string, any) { return tandem.SettingsRowID, s }

// Shown gives what was read as clients hold it.
func Shown[T any](found []T, show func(T) (string, any), err error) ([]json.RawMessage, error) {
	if err != nil {
		return nil, err
	}
	out := make([]json.RawMessage, len(found))
	for i, v := range found {
		_, row := show(v)
		if out[i], err = encode(row); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// ByID gives what was read as clients hold it, by its id.
func ByID[T any](found []T, show func(T) (string, any), err error) (map[string]json.RawMessage, error) {
	if err != nil {
		return nil, err
	}
	rows := make(map[string]json.RawMessage, len(found))
	for _, v := range found {
		id, shown := show(v)
		if rows[id], err = encode(shown); err != nil {
			return nil, err
		}
	}
	return rows, nil
}

// Squash keeps the last change of each row, in the order of those. It is given the changes from the last one back.
func Squash(changes []tandem.Change) []tandem.Change {
	type key struct {
		kind tandem.Kind
		id   string
	}
	seen := make(map[key]bool, len(changes))
	last := changes[:0]
	for _, ch := range changes {
		if k := (key{ch.Kind, ch.ID}); !seen[k] {
			seen[k] = true
			last = append(last, ch)
		}
	}
	slices.Reverse(last)
	return last
}

// FillRows gives changes the present rows, which read looks up by their ids. What is gone stays without one.
func FillRows(changes []tandem.Change, read func(kind tandem.Kind, ids []string) (map[string]json.RawMessage, error)) error {
	ids := map[tandem.Kind][]string{}
	for _, ch := range changes {
		ids[ch.Kind] = append(ids[ch.Kind], ch.ID)
	}
	rows := map[tandem.Kind]map[string]json.RawMessage{}
	for kind, wanted := range ids {
		var err error
		if rows[kind], err = read(kind, wanted); err != nil {
			return err
		}
	}
	for i, ch := range changes {
		changes[i].Row = rows[ch.Kind][ch.ID]
	}
	return nil
}
