package sqlite

import (
	"context"
	"encoding/json"
	"fmt"

	"tandem"
)

// Head gives the state of a user's log; an unknown user has an empty one.
func (db *DB) Head(ctx context.Context, user tandem.UserID) (head tandem.Head, err error) {
	err = db.read(ctx, func(ctx context.Context, c *conn) error {
		a, _, err := readAccount(ctx, c, user)
		head = tandem.Head{Seq: a.Seq, Floor: a.Floor}
		return err
	})
	return head, err
}

// Heads gives the last numbers of many users in one read. Unknown users are left out.
func (db *DB) Heads(ctx context.Context, users []tandem.UserID) (map[tandem.UserID]tandem.Seq, error) {
	names, err := json.Marshal(users)
	if err != nil {
		return nil, fmt.Errorf("encode users: %w", err)
	}
	heads := make(map[tandem.UserID]tandem.Seq, len(users))
	err = db.read(ctx, func(ctx context.Context, c *conn) error {
		_, err := list(ctx, c, func(r row) (struct{}, error) {
			var user tandem.UserID
			var seq tandem.Seq
			err := r.Scan(&user, &seq)
			heads[user] = seq
			return struct{}{}, err
		}, `select user_id, seq from users where user_id in (select value from json_each(?))`, string(names))
		return err
	})
	return heads, err
}

// Log gives what changed behind from as one delta, squashed to the last change of each row. False: the log does not reach back
// to from, or does not reach from yet.
func (db *DB) Log(ctx context.Context, user tandem.UserID, from tandem.Seq) (delta tandem.Delta, ok bool, err error) {
	err = db.read(ctx, func(ctx context.Context, c *conn) error {
		a, _, err := readAccount(ctx, c, user)
		if ok = from >= a.Floor && from <= a.Seq; !ok || err != nil {
			return err
		}
		delta = tandem.Delta{User: user, From: from + 1, To: a.Seq}
		if delta.Changes, err = changedSince(ctx, c, user, from); err != nil {
			return err
		}
		return fillRows(ctx, c, user, delta.Changes)
	})
	return delta, ok && err == nil, err
}

// changedSince lists the rows that changed behind from, each with its last change, in the order of those.
func changedSince(ctx context.Context, c *conn, user tandem.UserID, from tandem.Seq) ([]tandem.Change, error) {
	lines, err := list(ctx, c, scanChange, `
		select kind, id, version, actor, turn_id, client, mid from changes where user_id = ? and seq > ? order by seq desc, n desc`, user, from)
	if err != nil {
		return nil, err
	}
	type key struct {
		kind tandem.Kind
		id   string
	}
	seen := make(map[key]bool, len(lines))
	last := lines[:0]
	for _, l := range lines {
		if k := (key{l.Kind, l.ID}); !seen[k] {
			seen[k] = true
			last = append(last, l)
		}
	}
	for i, j := 0, len(last)-1; i < j; i, j = i+1, j-1 {
		last[i], last[j] = last[j], last[i]
	}
	return last, nil
}

func scanChange(r row) (ch tandem.Change, err error) {
	err = r.Scan(&ch.Kind, &ch.ID, &ch.Version, &ch.Actor, &ch.TurnID, &ch.Client, &ch.Mid)
	return ch, err
}

// fillRows reads the present rows of changes. What is gone stays without one.
func fillRows(ctx context.Context, c *conn, user tandem.UserID, changes []tandem.Change) error {
	ids := map[tandem.Kind][]string{}
	for _, ch := range changes {
		ids[ch.Kind] = append(ids[ch.Kind], ch.ID)
	}
	rows := map[tandem.Kind]map[string]json.RawMessage{}
	for kind, wanted := range ids {
		data, err := json.Marshal(wanted)
		if err != nil {
			return fmt.Errorf("encode ids: %w", err)
		}
		if rows[kind], err = rowsOf(ctx, c, user, kind, string(data)); err != nil {
			return err
		}
	}
	for i, ch := range changes {
		changes[i].Row = rows[ch.Kind][ch.ID]
	}
	return nil
}

// rowsOf gives the rows of a kind that clients hold now, among those with the given ids (a JSON list).
func rowsOf(ctx context.Context, c *conn, user tandem.UserID, kind tandem.Kind, ids string) (map[string]json.RawMessage, error) {
	switch kind {
	case tandem.KindTask:
		return keyed(ctx, c, decodeTask, taskRow, `
			select v.doc from tasks t join versions v on v.id = t.current
			where t.user_id = ? and t.uid in (select value from json_each(?)) and t.status < 2`, user, ids)
	case tandem.KindConv:
		return keyed(ctx, c, scanConversation, conversationRow, `
			select user_id, number, title, created_at, updated_at from conversations
			where user_id = ? and number in (select cast(value as integer) from json_each(?))`, user, ids)
	case tandem.KindMsg:
		return keyed(ctx, c, scanMessage, messageRow, `
			select user_id, id, conversation, turn_id, role, text, tool_calls, engine, status, created_at from messages
			where user_id = ? and id in (select value from json_each(?)) and role <> 'hidden'`, user, ids)
	case tandem.KindNotice:
		return keyed(ctx, c, scanNotice, noticeRow, `
			select id, user_id, reminder_id, generation, task, number, title, due, fired_at, silent from notices
			where user_id = ? and id in (select value from json_each(?)) and shown = 1`, user, ids)
	case tandem.KindApproval:
		found, err := approvals(ctx, c, `user_id = ? and id in (select value from json_each(?)) and open = 1`, user, ids)
		return byID(found, approvalRow, err)
	case tandem.KindSettings:
		s, err := fullSettings(ctx, c, user)
		return byID([]tandem.Settings{s}, settingsRow, err)
	}
	return nil, fmt.Errorf("the log holds a row of unknown kind %q", kind)
}

// keyed reads rows and gives each as clients hold it, by its id.
func keyed[T any](
	ctx context.Context, c *conn, scan func(row) (T, error), show func(T) (string, any), query string, args ...any,
) (map[string]json.RawMessage, error) {
	found, err := list(ctx, c, scan, query, args...)
	return byID(found, show, err)
}

func byID[T any](found []T, show func(T) (string, any), err error) (map[string]json.RawMessage, error) {
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

// How each kind is shown, with its id.
func taskRow(t tandem.Task) (string, any) { return t.UID, t.RowJSON() }

func conversationRow(c tandem.Conversation) (string, any) {
	return tandem.ConversationKey(c.Number), c.Row()
}
func messageRow(m tandem.Message) (string, any)   { return m.ID, m.Row() }
func noticeRow(n tandem.Notice) (string, any)     { return n.ID, n.Row() }
func approvalRow(a tandem.Approval) (string, any) { return a.ID, a.Row() }
func settingsRow(s tandem.Settings) (string, any) { return tandem.SettingsRowID, s }

// Cost tells how many rows changed behind from, and about how many a snapshot would hold.
func (db *DB) Cost(ctx context.Context, user tandem.UserID, from tandem.Seq) (changes, liveRows int, err error) {
	err = db.read(ctx, func(ctx context.Context, c *conn) error {
		if _, err := c.one(ctx, into(&changes), `
			select count(*) from (select distinct kind, id from changes where user_id = ? and seq > ?)`, user, from); err != nil {
			return err
		}
		_, err := c.one(ctx, into(&liveRows), `
			select 1 + pending
				+ (select count(*) from tasks where user_id = ?1 and status = 1 and ended_at > ?2)
				+ (select min(?3, count(*)) from conversations where user_id = ?1)
				+ (select min(?4, count(*)) from messages where user_id = ?1)
				+ (select count(*) from notices where user_id = ?1 and shown = 1)
				+ (select count(*) from approvals where user_id = ?1 and open = 1)
			from users where user_id = ?1`,
			user, milli(db.clock().Add(-tandem.SnapshotCompleted)), tandem.SnapshotConversations, tandem.SnapshotConversations*tandem.SnapshotMessages)
		return err
	})
	return changes, liveRows, err
}

// Snapshot gives all that a client of the user holds, of one moment.
func (db *DB) Snapshot(ctx context.Context, user tandem.UserID) (s tandem.Snapshot, err error) {
	err = db.read(ctx, func(ctx context.Context, c *conn) error {
		a, _, err := readAccount(ctx, c, user)
		if err != nil {
			return err
		}
		s = tandem.Snapshot{Seq: a.Seq, Rows: map[tandem.Kind][]json.RawMessage{}}
		return db.fill(ctx, c, user, s.Rows)
	})
	return s, err
}

func (db *DB) fill(ctx context.Context, c *conn, user tandem.UserID, rows map[tandem.Kind][]json.RawMessage) error {
	settings, err := fullSettings(ctx, c, user)
	if rows[tandem.KindSettings], err = shown([]tandem.Settings{settings}, settingsRow, err); err != nil {
		return err
	}
	tasks, err := list(ctx, c, decodeTask, `
		select v.doc from tasks t join versions v on v.id = t.current
		where t.user_id = ?1 and (t.status = 0 or t.status = 1 and t.ended_at > ?2)`, user, milli(db.clock().Add(-tandem.SnapshotCompleted)))
	if rows[tandem.KindTask], err = shown(tasks, taskRow, err); err != nil {
		return err
	}
	notices, err := list(ctx, c, scanNotice, `
		select id, user_id, reminder_id, generation, task, number, title, due, fired_at, silent from notices where user_id = ? and shown = 1`, user)
	if rows[tandem.KindNotice], err = shown(notices, noticeRow, err); err != nil {
		return err
	}
	open, err := approvals(ctx, c, `user_id = ? and open = 1`, user)
	if rows[tandem.KindApproval], err = shown(open, approvalRow, err); err != nil {
		return err
	}
	conversations, err := list(ctx, c, scanConversation, `
		select user_id, number, title, created_at, updated_at from conversations where user_id = ? order by number desc limit ?`,
		user, tandem.SnapshotConversations)
	if rows[tandem.KindConv], err = shown(conversations, conversationRow, err); err != nil {
		return err
	}
	for _, conv := range conversations {
		messages, err := list(ctx, c, scanMessage, `
			select user_id, id, conversation, turn_id, role, text, tool_calls, engine, status, created_at from messages
			where user_id = ? and conversation = ? and role <> 'hidden' order by position desc limit ?`, user, conv.Number, tandem.SnapshotMessages)
		data, err := shown(messages, messageRow, err)
		if err != nil {
			return err
		}
		rows[tandem.KindMsg] = append(rows[tandem.KindMsg], data...)
	}
	return nil
}

func shown[T any](found []T, show func(T) (string, any), err error) ([]json.RawMessage, error) {
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
