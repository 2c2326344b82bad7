package store

import (
	"context"
	"encoding/json"
	"fmt"

	"tandem"
)

// Turns writes the turns of the assistant.
type Turns interface {
	Messages
	// Turn gives a turn; false for an unknown one.
	Turn(ctx context.Context, id string) (t tandem.Turn, found bool, err error)
	// Running counts the turns that run in a conversation, and all that do.
	Running(ctx context.Context, conv int64) (here, all int, err error)
	// ForgetAfter removes every message of the conversation behind the named one, which is the person's, and logs that they went.
	ForgetAfter(ctx context.Context, conv int64, message string) error
	InsertTurn(ctx context.Context, t tandem.Turn) error
	// HoldsTurn reports that the turn runs, and its lease is that of this attempt.
	HoldsTurn(ctx context.Context, t tandem.Turn) (bool, error)
	// FinishTurn keeps the end of a turn.
	FinishTurn(ctx context.Context, t tandem.Turn, calls string) error
}

// StartTurn stores the person's words and a running turn, in one write; its lease belongs to s.Owner. The same id with the same
// hash gives the turn that is there, and true; with another hash conflict. not_found for an unknown conversation, limited (busy)
// while a turn runs there or as many as may run for the user.
func StartTurn[W Turns](
	ctx context.Context, user tandem.UserID, s tandem.TurnStart, update Update[W],
) (t tandem.Turn, replayed bool, err error) {
	cause := s.Cause
	cause.TurnID = s.ID
	err = update(ctx, user, cause, func(ctx context.Context, w W) (err error) {
		t, replayed, err = w.Turn(ctx, s.ID)
		switch {
		case err != nil:
			return err
		case !replayed:
			t, err = startTurn(ctx, w, s)
			return err
		case t.Hash != s.Hash:
			return tandem.Conflict("turn_id", "This turn_id was used for another message.")
		}
		return nil
	})
	return t, replayed, err
}

func startTurn(ctx context.Context, w Turns, s tandem.TurnStart) (t tandem.Turn, err error) {
	b := w.Base()
	t = tandem.Turn{
		ID: s.ID, UserID: b.User, Conversation: s.Conversation, Text: s.Text, Zone: s.Zone, Hash: s.Hash, Status: tandem.TurnRunning,
		LeaseOwner: s.Owner, LeaseUntil: b.Now.Add(tandem.TurnLease), Attempt: 1, StartedAt: b.Now,
		TraceID: b.Cause.TraceID,
	}
	if s.Conversation != 0 {
		if _, err := w.Conversation(ctx, s.Conversation); err != nil {
			return t, err
		}
	}
	here, running, err := w.Running(ctx, s.Conversation)
	if err == nil {
		err = tandem.MayRun(here, running)
	}
	if err != nil {
		return t, err
	}
	if s.Conversation == 0 {
		if t.Conversation, err = newConversation(ctx, w, tandem.Conversation{Title: s.Title, CreatedAt: b.Now}); err != nil {
			return t, err
		}
	}
	if t.MessageID, err = question(ctx, w, t, s.Again); err != nil {
		return t, err
	}
	return t, w.InsertTurn(ctx, t)
}

// question gives the id of the message that the turn answers: a new one, or the named one, behind which all goes.
func question(ctx context.Context, w Turns, t tandem.Turn, again string) (string, error) {
	if again != "" {
		return again, w.ForgetAfter(ctx, t.Conversation, again)
	}
	m, err := addMessage(ctx, w, tandem.Message{Conversation: t.Conversation, TurnID: t.ID, Role: tandem.RoleUser, Text: t.Text})
	return m.ID, err
}

// LostIf is the error of a write to a turn that its holder has lost.
func LostIf(lost bool, err error) error {
	if err == nil && lost {
		return tandem.Conflict("turn_id", "This turn has ended, or goes on elsewhere.")
	}
	return err
}

// EncodeCalls writes the tool calls of a turn as they are kept.
func EncodeCalls(t tandem.Turn) (string, error) { return encodeCalls(t.Calls) }

// EndTurn stores the assistant's message and the end of the turn in one write. respond, given the number of the write and the
// stored message, renders the answer that repeats get. conflict: the turn has ended, or its lease went to another owner.
func EndTurn[W Turns](
	ctx context.Context, t tandem.Turn, reply tandem.Message, respond func(tandem.Seq, tandem.Message) (json.RawMessage, error), update Update[W],
) (tandem.Turn, tandem.Message, error) {
	cause := tandem.Cause{Actor: tandem.ActorAgent, TurnID: t.ID, Conversation: t.Conversation, TraceID: t.TraceID}
	err := update(ctx, t.UserID, cause, func(ctx context.Context, w W) error {
		held, err := w.HoldsTurn(ctx, t)
		if err := LostIf(!held, err); err != nil {
			return err
		}
		reply.Conversation, reply.TurnID, reply.Role, reply.Status = t.Conversation, t.ID, tandem.RoleAssistant, string(t.Status)
		if reply, err = addMessage(ctx, w, reply); err != nil {
			return err
		}
		b := w.Base()
		t.Seq, t.EndedAt = b.Seq(), &b.Now
		if respond != nil {
			if t.Response, err = respond(t.Seq, reply); err != nil {
				return fmt.Errorf("render response: %w", err)
			}
		}
		calls, err := EncodeCalls(t)
		if err != nil {
			return err
		}
		return w.FinishTurn(ctx, t, calls)
	})
	return t, reply, err
}
