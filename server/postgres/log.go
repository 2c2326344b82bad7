package postgres

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"

	"tandem"
	"tandem/server/store"
)

// Head gives the state of a user's log; an unknown user has an empty one.
func (db *DB) Head(ctx context.Context, user tandem.UserID) (head tandem.Head, err error) {
	err = db.read(ctx, user, func(ctx context.Context, c *conn) error {
		a, _, err := readAccount(ctx, c, user)
		head = tandem.Head{Seq: a.Seq, Floor: a.Floor}
		return err
	})
	return head, err
}

// Heads gives the last numbers of many users in one read. Unknown users are left out.
func (db *DB) Heads(ctx context.Context, users []tandem.UserID) (map[tandem.UserID]tandem.Seq, error) {
	names := make([]string, len(users))
	for i, user := range users {
		names[i] = string(user)
	}
	heads := make(map[tandem.UserID]tandem.Seq, len(users))
	err := db.read(ctx, everyone, func(ctx context.Context, c *conn) error {
		_, err := list(ctx, c, func(r row) (struct{}, error) {
			var user tandem.UserID
			var seq tandem.Seq
			err := r.Scan(&user, &seq)
			heads[user] = seq
			return struct{}{}, err
		}, `select user_id, seq from heads($1::text[])`, names)
		return err
	})
	return heads, err
}

// Log gives what changed behind from as one delta, squashed to the last change of each row. False: the log does not reach back
// to from, or does not reach from yet.
func (db *DB) Log(ctx context.Context, user tandem.UserID, from tandem.Seq) (delta tandem.Delta, ok bool, err error) {
	err = db.read(ctx, user, func(ctx context.Context, c *conn) error {
		a, _, err := readAccount(ctx, c, user)
		if ok = from >= a.Floor && from <= a.Seq; !ok || err != nil {
			return err
		}
		delta = tandem.Delta{User: user, From: from + 1, To: a.Seq}
		if delta.Changes, err = changedSince(ctx, c, user, from); err != nil {
			return err
		}
		return store.FillRows(delta.Changes, func(kind tandem.Kind, ids []string) (map[string]json.RawMessage, error) {
			return rowsOf(ctx, c, user, kind, ids)
		})
	})
	return delta, ok && err == nil, err
}

// changedSince lists the rows that changed behind from, each with its last change, in the order of those.
func changedSince(ctx context.Context, c *conn, user tandem.UserID, from tandem.Seq) ([]tandem.Change, error) {
	lines, err := list(ctx, c, scanChange, `
		select kind, id, version, actor, turn_id, client, mid from changes where user_id = $1 and seq > $2 order by seq desc, n desc`, user, from)
	if err != nil {
		return nil, err
	}
	return store.Squash(lines), nil
}

func scanChange(r row) (ch tandem.Change, err error) {
	err = r.Scan(&ch.Kind, &ch.ID, &ch.Version, &ch.Actor, &ch.TurnID, &ch.Client, &ch.Mid)
	return ch, err
}

// rowsOf gives the rows of a kind that clients hold now, among those with the given ids.
func rowsOf(ctx context.Context, c *conn, user tandem.UserID, kind tandem.Kind, ids []string) (map[string]json.RawMessage, error) {
	switch kind {
	case tandem.KindTask:
		return keyed(ctx, c, decodeTask, store.TaskRow, selectTasks+`and t.uid = any ($2::text[]) and t.status < 2`, user, ids)
	case tandem.KindConv:
		numbers, err := conversationNumbers(ids)
		if err != nil {
			return nil, err
		}
		return keyed(ctx, c, scanConversation, store.ConversationRow, `
			select user_id, number, title, created_at, updated_at from conversations where user_id = $1 and number = any ($2::bigint[])`, user, numbers)
	case tandem.KindMsg:
		return keyed(ctx, c, scanMessage, store.MessageRow, selectMessages+`and id = any ($2::text[]) and role <> 'hidden'`, user, ids)
	case tandem.KindNotice:
		return keyed(ctx, c, scanNotice, store.NoticeRow, selectNotices+`and id = any ($2::text[]) and shown`, user, ids)
	case tandem.KindApproval:
		found, err := approvals(ctx, c, `user_id = $1 and id = any ($2::text[]) and open`, user, ids)
		return store.ByID(found, store.ApprovalRow, err)
	case tandem.KindSettings:
		s, err := fullSettings(ctx, c, user)
		return store.ByID([]tandem.Settings{s}, store.SettingsRow, err)
	}
	return nil, fmt.Errorf("the log holds a row of unknown kind %q", kind)
}

// What begins the statements that read messages and notices.
const (
	selectMessages = `
		select user_id, id, conversation, turn_id, role, text, tool_calls, engine, status, created_at from messages where user_id = $1 `
	selectNotices = `
		select id, user_id, reminder_id, generation, task, number, title, due, fired_at, silent from notices where user_id = $1 `
)

func conversationNumbers(ids []string) ([]int64, error) {
	numbers := make([]int64, len(ids))
	for i, id := range ids {
		n, err := strconv.ParseInt(id, 10, 64)
		if err != nil {
			return nil, fmt.Errorf("the log names conversation %q", id)
		}
		numbers[i] = n
	}
	return numbers, nil
}

// keyed reads rows and gives each as clients hold it, by its id.
func keyed[T any](
	ctx context.Context, c *conn, scan func(row) (T, error), show func(T) (string, any), query string, args ...any,
) (map[string]json.RawMessage, error) {
	found, err := list(ctx, c, scan, query, args...)
	return store.ByID(found, show, err)
}

// Cost tells how many rows changed behind from, and about how many a snapshot would hold.
func (db *DB) Cost(ctx context.Context, user tandem.UserID, from tandem.Seq) (changes, liveRows int, err error) {
	err = db.read(ctx, user, func(ctx context.Context, c *conn) error {
		if _, err := c.one(ctx, into(&changes), `
			select count(*) from (select distinct kind, id from changes where user_id = $1 and seq > $2) as rows`, user, from); err != nil {
			return err
		}
		_, err := c.one(ctx, into(&liveRows), `
			select 1 + pending
				+ (select count(*) from tasks where user_id = $1 and status = 1 and ended_at > $2)
				+ (select least($3::bigint, count(*)) from conversations where user_id = $1)
				+ (select count(*) from (select from messages where user_id = $1 limit $4) as m)
				+ (select count(*) from notices where user_id = $1 and shown)
				+ (select count(*) from approvals where user_id = $1 and open)
			from users where user_id = $1`,
			user, db.clock().Add(-tandem.SnapshotCompleted), tandem.SnapshotConversations, tandem.SnapshotConversations*tandem.SnapshotMessages)
		return err
	})
	return changes, liveRows, err
}

// Snapshot gives all that a client of the user holds, of one moment.
func (db *DB) Snapshot(ctx context.Context, user tandem.UserID) (s tandem.Snapshot, err error) {
	err = db.read(ctx, user, func(ctx context.Context, c *conn) error {
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
	if rows[tandem.KindSettings], err = store.Shown([]tandem.Settings{settings}, store.SettingsRow, err); err != nil {
		return err
	}
	tasks, err := list(ctx, c, decodeTask, selectTasks+`and (t.status = 0 or t.status = 1 and t.ended_at > $2)`,
		user, db.clock().Add(-tandem.SnapshotCompleted))
	if rows[tandem.KindTask], err = store.Shown(tasks, store.TaskRow, err); err != nil {
		return err
	}
	notices, err := list(ctx, c, scanNotice, selectNotices+`and shown`, user)
	if rows[tandem.KindNotice], err = store.Shown(notices, store.NoticeRow, err); err != nil {
		return err
	}
	open, err := approvals(ctx, c, `user_id = $1 and open`, user)
	if rows[tandem.KindApproval], err = store.Shown(open, store.ApprovalRow, err); err != nil {
		return err
	}
	conversations, err := list(ctx, c, scanConversation, `
		select user_id, number, title, created_at, updated_at from conversations where user_id = $1 order by number desc limit $2`,
		user, tandem.SnapshotConversations)
	if rows[tandem.KindConv], err = store.Shown(conversations, store.ConversationRow, err); err != nil {
		return err
	}
	messages, err := list(ctx, c, scanMessage, `
		select m.user_id, m.id, m.conversation, m.turn_id, m.role, m.text, m.tool_calls, m.engine, m.status, m.created_at
		from (select user_id, number from conversations where user_id = $1 order by number desc limit $2) as c
		cross join lateral (
			select * from messages where user_id = $1 and conversation = c.number and role <> 'hidden' order by position desc limit $3) as m`,
		user, tandem.SnapshotConversations, tandem.SnapshotMessages)
	rows[tandem.KindMsg], err = store.Shown(messages, store.MessageRow, err)
	return err
}
