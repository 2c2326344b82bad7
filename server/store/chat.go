package store

import (
	"context"
	"encoding/json"
	"fmt"

	"tandem"
)

// Conversations writes conversations.
type Conversations interface {
	Base() *Write
	// Conversation gives one; not_found for an unknown one.
	Conversation(ctx context.Context, number int64) (tandem.Conversation, error)
	// PutConversation makes one or changes it.
	PutConversation(ctx context.Context, c tandem.Conversation) error
	// DeleteConversation removes one with its messages, turns and questions, and logs that they went.
	DeleteConversation(ctx context.Context, number int64) error
}

// Messages writes messages.
type Messages interface {
	Conversations
	// InsertMessage adds a message; conflict where its id is taken.
	InsertMessage(ctx context.Context, m tandem.Message, calls string) error
}

// AddMessage adds to a conversation. A hidden message is for the model alone: it takes no number and reaches no device.
func AddMessage[W Messages](
	ctx context.Context, user tandem.UserID, cause tandem.Cause, m tandem.Message, update Update[W],
) (added tandem.Message, err error) {
	err = update(ctx, user, cause, func(ctx context.Context, w W) error {
		if _, err := w.Conversation(ctx, m.Conversation); err != nil {
			return err
		}
		added, err = addMessage(ctx, w, m)
		return err
	})
	return added, err
}

func addMessage(ctx context.Context, w Messages, m tandem.Message) (tandem.Message, error) {
	b := w.Base()
	m.UserID = b.User
	if m.ID == "" {
		m.ID = b.NewID()
	}
	if m.CreatedAt.IsZero() {
		m.CreatedAt = b.Now
	}
	calls, err := encodeCalls(m.ToolCalls)
	if err != nil {
		return m, err
	}
	if err := w.InsertMessage(ctx, m, calls); err != nil || m.Role == tandem.RoleHidden {
		return m, err
	}
	if err := b.Put(tandem.KindMsg, m.ID, int64(b.Seq()), m.Row()); err != nil {
		return m, err
	}
	return m, touch(ctx, w, m.Conversation)
}

func encodeCalls[T any](calls []T) (string, error) {
	doc, err := json.Marshal(Some(calls))
	if err != nil {
		return "", fmt.Errorf("encode tool calls: %w", err)
	}
	return string(doc), nil
}

// touch marks a conversation as just used, unless this write has saved it already.
func touch(ctx context.Context, w Conversations, number int64) error {
	if w.Base().Again(tandem.KindConv, tandem.ConversationKey(number)) {
		return nil
	}
	conv, err := w.Conversation(ctx, number)
	if err != nil {
		return err
	}
	return saveConversation(ctx, w, conv)
}

// saveConversation writes a conversation as changed now, and logs it once a write.
func saveConversation(ctx context.Context, w Conversations, conv tandem.Conversation) error {
	b := w.Base()
	conv.UserID, conv.UpdatedAt = b.User, b.Now
	if err := w.PutConversation(ctx, conv); err != nil {
		return err
	}
	return b.PutOnce(tandem.KindConv, tandem.ConversationKey(conv.Number), conv.Row())
}

// newConversation begins one, with the user's next number.
func newConversation(ctx context.Context, w Conversations, conv tandem.Conversation) (int64, error) {
	b := w.Base()
	b.Account.Conversations++
	conv.Number = b.Account.Conversations
	return conv.Number, saveConversation(ctx, w, conv)
}

// UpTo cuts what was read one too many for a page, and tells whether there was.
func UpTo[T any](limit int, found []T) (page []T, more bool) {
	if len(found) > limit {
		return found[:limit], true
	}
	return found, false
}
