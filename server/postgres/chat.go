package postgres

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"tandem"
)

// Conversation gives one conversation; not_found for an unknown one.
func (db *DB) Conversation(ctx context.Context, user tandem.UserID, number int64) (tandem.Conversation, error) {
	return view(ctx, db, user, func(ctx context.Context, c *conn) (tandem.Conversation, error) {
		return conversation(ctx, c, user, number)
	})
}

func conversation(ctx context.Context, c *conn, user tandem.UserID, number int64) (conv tandem.Conversation, err error) {
	found, err := list(ctx, c, scanConversation, `
		select user_id, number, title, created_at, updated_at from conversations where user_id = $1 and number = $2`, user, number)
	switch {
	case err != nil:
		return conv, err
	case len(found) == 0:
		return conv, tandem.NotFound("conversation_id", number, "conversation")
	}
	return found[0], nil
}

func scanConversation(r row) (c tandem.Conversation, err error) {
	err = r.Scan(&c.UserID, &c.Number, &c.Title, &c.CreatedAt, &c.UpdatedAt)
	return c, err
}

// Conversations gives those behind the number after (0: from the beginning), in the order of numbers or against it, and whether
// there are more.
func (db *DB) Conversations(ctx context.Context, user tandem.UserID, after int64, limit int, desc bool) (out []tandem.Conversation, more bool, err error) {
	query := `
		select user_id, number, title, created_at, updated_at from conversations
		where user_id = $1 and number > $2 order by number limit $3`
	if desc {
		query = `
		select user_id, number, title, created_at, updated_at from conversations
		where user_id = $1 and ($2::bigint = 0 or number < $2) order by number desc limit $3`
	}
	err = db.read(ctx, user, func(ctx context.Context, c *conn) error {
		out, err = list(ctx, c, scanConversation, query, user, after, limit+1)
		return err
	})
	if len(out) > limit {
		return out[:limit], true, err
	}
	return out, false, err
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
	err = db.read(ctx, user, func(ctx context.Context, c *conn) error {
		if _, err := conversation(ctx, c, user, conv); err != nil {
			return err
		}
		end := int64(1<<62 - 1)
		if before != "" {
			if end, err = position(ctx, c, user, conv, before); err != nil {
				return err
			}
		}
		out, err = list(ctx, c, scanMessage, `
			select user_id, id, conversation, turn_id, role, text, tool_calls, engine, status, created_at from messages
			where user_id = $1 and conversation = $2 and position < $3 and ($4 or role <> 'hidden') order by position desc limit $5`,
			user, conv, end, hidden, limit+1)
		return err
	})
	if len(out) > limit {
		out, more = out[:limit], true
	}
	slices.Reverse(out)
	return out, more, err
}

// position gives the place of a message in its conversation.
func position(ctx context.Context, c *conn, user tandem.UserID, conv int64, id string) (at int64, err error) {
	found, err := c.one(ctx, into(&at), `select position from messages where user_id = $1 and id = $2 and conversation = $3`, user, id, conv)
	if err == nil && !found {
		return 0, tandem.NotFound("before", id, "message")
	}
	return at, err
}

func scanMessage(r row) (m tandem.Message, err error) {
	var calls []byte
	if err := r.Scan(&m.UserID, &m.ID, &m.Conversation, &m.TurnID, &m.Role, &m.Text, &calls, &m.Engine, &m.Status, &m.CreatedAt); err != nil {
		return m, err
	}
	err = json.Unmarshal(calls, &m.ToolCalls)
	return m, err
}

// AddMessage adds to a conversation. A hidden message is for the model alone: it takes no number and reaches no device.
func (db *DB) AddMessage(ctx context.Context, user tandem.UserID, cause tandem.Cause, m tandem.Message) (tandem.Message, error) {
	err := db.update(ctx, user, cause, func(ctx context.Context, w *write) (err error) {
		if _, err = conversation(ctx, w.conn, user, m.Conversation); err != nil {
			return err
		}
		m, err = w.addMessage(ctx, m)
		return err
	})
	return m, err
}

func (w *write) addMessage(ctx context.Context, m tandem.Message) (tandem.Message, error) {
	m.UserID = w.user
	if m.ID == "" {
		m.ID = w.db.newID()
	}
	if m.CreatedAt.IsZero() {
		m.CreatedAt = w.now
	}
	calls, err := json.Marshal(some(m.ToolCalls))
	if err != nil {
		return m, fmt.Errorf("encode tool calls: %w", err)
	}
	w.later(uniqueAs("message_id", "There is already a message with this id."), `
		insert into messages (user_id, id, conversation, turn_id, role, text, tool_calls, engine, status, created_at)
		values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)`,
		w.user, m.ID, m.Conversation, m.TurnID, m.Role, m.Text, string(calls), m.Engine, m.Status, m.CreatedAt)
	if m.Role == tandem.RoleHidden {
		return m, nil
	}
	if err := w.put(tandem.KindMsg, m.ID, int64(w.seq()), m.Row()); err != nil {
		return m, err
	}
	return m, w.touch(ctx, m.Conversation)
}

// touch marks a conversation as just used, unless this write has saved it already.
func (w *write) touch(ctx context.Context, number int64) error {
	id := tandem.ConversationKey(number)
	if i := slices.IndexFunc(w.changes, func(ch tandem.Change) bool { return ch.Kind == tandem.KindConv && ch.ID == id }); i >= 0 {
		saved := w.changes[i]
		w.changes = append(slices.Delete(w.changes, i, i+1), saved)
		return nil
	}
	conv, err := conversation(ctx, w.conn, w.user, number)
	if err != nil {
		return err
	}
	return w.saveConversation(conv)
}

// saveConversation writes a conversation as changed now, and logs it once a write.
func (w *write) saveConversation(conv tandem.Conversation) error {
	conv.UserID, conv.UpdatedAt = w.user, w.now
	w.later(nil, `
		insert into conversations (user_id, number, title, created_at, updated_at) values ($1, $2, $3, $4, $5)
		on conflict (user_id, number) do update set title = excluded.title, updated_at = excluded.updated_at`,
		w.user, conv.Number, conv.Title, conv.CreatedAt, conv.UpdatedAt)
	id := tandem.ConversationKey(conv.Number)
	w.changes = slices.DeleteFunc(w.changes, func(ch tandem.Change) bool { return ch.Kind == tandem.KindConv && ch.ID == id })
	return w.put(tandem.KindConv, id, int64(w.seq()), conv.Row())
}

// newConversation begins one, with the user's next number.
func (w *write) newConversation(title string) (int64, error) {
	w.account.Conversations++
	number := w.account.Conversations
	return number, w.saveConversation(tandem.Conversation{Number: number, Title: title, CreatedAt: w.now})
}

// deleteConversation removes a conversation with its messages, turns and questions.
func (w *write) deleteConversation(ctx context.Context, number int64) error {
	ids, err := list(ctx, w.conn, single[string], `
		select id from messages where user_id = $1 and conversation = $2 and role <> 'hidden'`, w.user, number)
	if err != nil {
		return err
	}
	for _, id := range ids {
		w.gone(tandem.KindMsg, id, int64(w.seq()))
	}
	open, err := list(ctx, w.conn, single[string], `
		select id from approvals where user_id = $1 and open and conversation = $2`, w.user, number)
	if err != nil {
		return err
	}
	for _, id := range open {
		w.gone(tandem.KindApproval, id, int64(w.seq()))
	}
	w.gone(tandem.KindConv, tandem.ConversationKey(number), int64(w.seq()))
	for _, query := range []string{
		`delete from approvals where user_id = $1 and conversation = $2`,
		`delete from messages where user_id = $1 and conversation = $2`,
		`delete from turns where user_id = $1 and conversation = $2`,
		`delete from conversations where user_id = $1 and number = $2`,
	} {
		w.later(nil, query, w.user, number)
	}
	return nil
}

// forgetAfter removes every message of the conversation that came after the named one, which is the person's.
func (w *write) forgetAfter(ctx context.Context, conv int64, message string) error {
	var at int64
	found, err := w.one(ctx, into(&at), `
		select position from messages where user_id = $1 and id = $2 and conversation = $3 and role = 'user'`, w.user, message, conv)
	if err != nil {
		return err
	}
	if !found {
		return tandem.NotFound("message", message, "message")
	}
	ids, err := list(ctx, w.conn, single[string], `
		select id from messages where user_id = $1 and conversation = $2 and position > $3 and role <> 'hidden'`, w.user, conv, at)
	if err != nil {
		return err
	}
	for _, id := range ids {
		w.gone(tandem.KindMsg, id, int64(w.seq()))
	}
	w.later(nil, `delete from messages where user_id = $1 and conversation = $2 and position > $3`, w.user, conv, at)
	return nil
}
