package sqlite

import (
	"context"
	"encoding/json"
	"slices"

	"tandem"
	"tandem/server/store"
)

// Conversation gives one conversation; not_found for an unknown one.
func (db *DB) Conversation(ctx context.Context, user tandem.UserID, number int64) (tandem.Conversation, error) {
	return view(ctx, db, func(ctx context.Context, c *conn) (tandem.Conversation, error) {
		return conversation(ctx, c, user, number)
	})
}

func conversation(ctx context.Context, c *conn, user tandem.UserID, number int64) (conv tandem.Conversation, err error) {
	found, err := list(ctx, c, scanConversation, `
		select user_id, number, title, created_at, updated_at from conversations where user_id = ? and number = ?`, user, number)
	switch {
	case err != nil:
		return conv, err
	case len(found) == 0:
		return conv, tandem.NotFound("conversation_id", number, "conversation")
	}
	return found[0], nil
}

func scanConversation(r row) (c tandem.Conversation, err error) {
	var made, touched int64
	err = r.Scan(&c.UserID, &c.Number, &c.Title, &made, &touched)
	c.CreatedAt, c.UpdatedAt = instant(made), instant(touched)
	return c, err
}

// Conversations gives those behind the number after (0: from the beginning), in the order of numbers or against it, and whether
// there are more.
func (db *DB) Conversations(ctx context.Context, user tandem.UserID, after int64, limit int, desc bool) (out []tandem.Conversation, more bool, err error) {
	query := `
		select user_id, number, title, created_at, updated_at from conversations
		where user_id = ?1 and number > ?2 order by number limit ?3`
	if desc {
		query = `
		select user_id, number, title, created_at, updated_at from conversations
		where user_id = ?1 and (?2 = 0 or number < ?2) order by number desc limit ?3`
	}
	err = db.read(ctx, func(ctx context.Context, c *conn) error {
		out, err = list(ctx, c, scanConversation, query, user, after, limit+1)
		return err
	})
	out, more = store.UpTo(limit, out)
	return out, more, err
}

// History gives the messages of a conversation before the named one (empty: the newest), oldest first, and whether there are
// older ones. Hidden messages are left out. not_found for an unknown conversation or message.
func (db *DB) History(ctx context.Context, user tandem.UserID, conv int64, before string, limit int) ([]tandem.Message, bool, error) {
	return db.messages(ctx, user, conv, before, limit, false)
}

// Transcript is History with the hidden messages: for the model alone.
func (db *DB) Transcript(ctx context.Context, user tandem.UserID, conv int64, before string, limit int) ([]tandem.Message, bool, error) {
	return db.messages(ctx, user, conv, before, limit, true)
}

func (db *DB) messages(
	ctx context.Context, user tandem.UserID, conv int64, before string, limit int, hidden bool,
) (out []tandem.Message, more bool, err error) {
	out, err = view(ctx, db, func(ctx context.Context, c *conn) ([]tandem.Message, error) {
		if _, err := conversation(ctx, c, user, conv); err != nil {
			return nil, err
		}
		end := int64(1<<62 - 1)
		if before != "" {
			if end, err = position(ctx, c, user, conv, before); err != nil {
				return nil, err
			}
		}
		return list(ctx, c, scanMessage, `
			select user_id, id, conversation, turn_id, role, text, tool_calls, engine, status, created_at from messages
			where user_id = ? and conversation = ? and position < ? and (? or role <> 'hidden') order by position desc limit ?`,
			user, conv, end, hidden, limit+1)
	})
	out, more = store.UpTo(limit, out)
	slices.Reverse(out)
	return out, more, err
}

// position gives the place of a message in its conversation.
func position(ctx context.Context, c *conn, user tandem.UserID, conv int64, id string) (at int64, err error) {
	found, err := c.one(ctx, into(&at), `select position from messages where user_id = ? and id = ? and conversation = ?`, user, id, conv)
	if err == nil && !found {
		return 0, tandem.NotFound("before", id, "message")
	}
	return at, err
}

func scanMessage(r row) (m tandem.Message, err error) {
	var calls []byte
	var made int64
	if err := r.Scan(&m.UserID, &m.ID, &m.Conversation, &m.TurnID, &m.Role, &m.Text, &calls, &m.Engine, &m.Status, &made); err != nil {
		return m, err
	}
	m.CreatedAt = instant(made)
	err = json.Unmarshal(calls, &m.ToolCalls)
	return m, err
}

// AddMessage adds to a conversation. A hidden message is for the model alone: it takes no number and reaches no device.
func (db *DB) AddMessage(ctx context.Context, user tandem.UserID, cause tandem.Cause, m tandem.Message) (tandem.Message, error) {
	return store.AddMessage(ctx, user, cause, m, db.update)
}

// InsertMessage adds a message.
func (w *write) InsertMessage(ctx context.Context, m tandem.Message, calls string) error {
	_, err := w.exec(ctx, `
		insert into messages (user_id, id, conversation, turn_id, role, text, tool_calls, engine, status, created_at)
		values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
		w.User, m.ID, m.Conversation, m.TurnID, m.Role, m.Text, calls, m.Engine, m.Status, milli(m.CreatedAt))
	return uniqueAs(err, "message_id", "There is already a message with this id.")
}

// Conversation gives a conversation; not_found for an unknown one.
func (w *write) Conversation(ctx context.Context, number int64) (tandem.Conversation, error) {
	return conversation(ctx, w.conn, w.User, number)
}

// PutConversation makes a conversation or changes it.
func (w *write) PutConversation(ctx context.Context, c tandem.Conversation) error {
	_, err := w.exec(ctx, `
		insert into conversations (user_id, number, title, created_at, updated_at) values (?, ?, ?, ?, ?)
		on conflict (user_id, number) do update set title = excluded.title, updated_at = excluded.updated_at`,
		w.User, c.Number, c.Title, milli(c.CreatedAt), milli(c.UpdatedAt))
	return err
}

// DeleteConversation removes a conversation with its messages, turns and questions.
func (w *write) DeleteConversation(ctx context.Context, number int64) error {
	ids, err := list(ctx, w.conn, single[string], `
		select id from messages where user_id = ? and conversation = ? and role <> 'hidden'`, w.User, number)
	if err != nil {
		return err
	}
	w.Gone(tandem.KindMsg, ids...)
	open, err := list(ctx, w.conn, single[string], `
		select id from approvals where user_id = ? and open = 1 and conversation = ?`, w.User, number)
	if err != nil {
		return err
	}
	w.Gone(tandem.KindApproval, open...)
	w.Gone(tandem.KindConv, tandem.ConversationKey(number))
	for _, query := range []string{
		`delete from approvals where user_id = ? and conversation = ?`,
		`delete from messages where user_id = ? and conversation = ?`,
		`delete from turns where user_id = ? and conversation = ?`,
		`delete from conversations where user_id = ? and number = ?`,
	} {
		if _, err := w.exec(ctx, query, w.User, number); err != nil {
			return err
		}
	}
	return nil
}

// ForgetAfter removes every message of the conversation that came after the named one, which is the person's.
func (w *write) ForgetAfter(ctx context.Context, conv int64, message string) error {
	var at int64
	found, err := w.one(ctx, into(&at), `
		select position from messages where user_id = ? and id = ? and conversation = ? and role = 'user'`, w.User, message, conv)
	if err != nil {
		return err
	}
	if !found {
		return tandem.NotFound("message", message, "message")
	}
	ids, err := list(ctx, w.conn, single[string], `
		select id from messages where user_id = ? and conversation = ? and position > ? and role <> 'hidden'`, w.User, conv, at)
	if err != nil {
		return err
	}
	w.Gone(tandem.KindMsg, ids...)
	_, err = w.exec(ctx, `delete from messages where user_id = ? and conversation = ? and position > ?`, w.User, conv, at)
	return err
}
