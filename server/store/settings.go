package store

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	"tandem"
)

// Plain reads and writes the settings of a user.
type Plain interface {
	Base() *Write
	// Settings gives them with what has tables of its own: tokens, devices, feed and push.
	Settings(ctx context.Context) (tandem.Settings, error)
	// SaveSettings keeps the encoded settings without those.
	SaveSettings(ctx context.Context, doc string) error
}

// SetTx is the transaction of a change of what is a person's own. What deletes tells whether it met a row.
type SetTx interface {
	Mids
	Plain
	Tasks
	Own
	Conversations
	// FloatingTasks gives the open tasks whose due date has no zone of its own.
	FloatingTasks(ctx context.Context) ([]tandem.Task, error)
	// Dismiss takes notices off every device; unknown and dismissed ones are left alone.
	Dismiss(ctx context.Context, ids []string) error
}

// Own writes what belongs to the settings and has tables of its own.
type Own interface {
	DeleteToken(ctx context.Context, id string) (bool, error)
	DeleteDevice(ctx context.Context, id string) (bool, error)
	CountTokens(ctx context.Context) (int, error)
	AddToken(ctx context.Context, t tandem.NewToken, scopes string) error
	// SetFeed replaces the calendar feed; an empty hash removes it.
	SetFeed(ctx context.Context, hash string) error
	DeletePush(ctx context.Context, id string) (bool, error)
	// CountPushes leaves out the one that is to be replaced.
	CountPushes(ctx context.Context, replaced string) (int, error)
	AddPush(ctx context.Context, p tandem.PushSubscription) error
	// RevokeAll signs the user out everywhere: JWTs from before, device sessions, personal tokens.
	RevokeAll(ctx context.Context) error
}

// DecodeSettings reads plain settings; none are the defaults.
func DecodeSettings(doc []byte) (tandem.Settings, error) {
	s := tandem.DefaultSettings()
	if doc == nil {
		return s, nil
	}
	if err := json.Unmarshal(doc, &s); err != nil {
		return s, fmt.Errorf("decode settings: %w", err)
	}
	return s, nil
}

// Set changes what is a person's own, all or nothing. A change of zone moves the floating tasks with it. A mid that was used gives
// its first result.
func Set[W SetTx](ctx context.Context, user tandem.UserID, e tandem.SetEdit, update Update[W]) (tandem.Outcome, error) {
	var out tandem.Outcome
	err := update(ctx, user, e.Cause, func(ctx context.Context, w W) error {
		out = tandem.Outcome{OpID: e.Cause.OpID}
		if done, err := replayMid(ctx, w, &out); done || err != nil {
			return err
		}
		if err := set(ctx, w, e, &out); err != nil {
			return err
		}
		out.Seq, out.Result = w.Base().Head(), e.Result
		return saveMid(ctx, w, out.Seq, e.Result)
	})
	if err != nil {
		return tandem.Outcome{}, err
	}
	return out, nil
}

func set(ctx context.Context, w SetTx, e tandem.SetEdit, out *tandem.Outcome) error {
	return LogSettings(ctx, w, func(before tandem.Settings) error {
		if e.Decide != nil {
			if err := setPlain(ctx, w, e.Decide, before, out); err != nil {
				return err
			}
		}
		for _, step := range []func(context.Context, SetTx, tandem.SetEdit) error{setTokens, setFeed, setPush, setConversations, setRevoked} {
			if err := step(ctx, w, e); err != nil {
				return err
			}
		}
		return w.Dismiss(ctx, e.Dismiss)
	})
}

// LogSettings runs a change of what the settings row shows, and logs that row where it is another one than before.
func LogSettings(ctx context.Context, w Plain, change func(before tandem.Settings) error) error {
	before, err := w.Settings(ctx)
	if err != nil {
		return err
	}
	was, err := json.Marshal(before)
	if err != nil {
		return err
	}
	if err := change(before); err != nil {
		return err
	}
	after, err := w.Settings(ctx)
	if err != nil {
		return err
	}
	is, err := json.Marshal(after)
	if err != nil || bytes.Equal(was, is) {
		return err
	}
	b := w.Base()
	return b.Put(tandem.KindSettings, tandem.SettingsRowID, int64(b.Seq()), json.RawMessage(is))
}

func setPlain(ctx context.Context, w SetTx, rule func(tandem.Settings) (tandem.Settings, error), before tandem.Settings, out *tandem.Outcome) error {
	after, err := rule(before)
	if err != nil {
		return err
	}
	if err := savePlain(ctx, w, after); err != nil {
		return err
	}
	if after.TimeZone == before.TimeZone && after.Words.AllDay == before.Words.AllDay {
		return nil
	}
	return follow(ctx, w, after, out)
}

// savePlain keeps the settings without what has tables of its own.
func savePlain(ctx context.Context, w Plain, s tandem.Settings) error {
	if err := s.Validate(); err != nil {
		return err
	}
	s.Tokens, s.Devices, s.Feed, s.Channels.Push = nil, nil, nil, nil
	doc, err := json.Marshal(s)
	if err != nil {
		return fmt.Errorf("encode settings: %w", err)
	}
	return w.SaveSettings(ctx, string(doc))
}

// saveSettings is savePlain for a plan, with its place in the log.
func saveSettings(ctx context.Context, w Plain, s tandem.Settings) error {
	return LogSettings(ctx, w, func(tandem.Settings) error { return savePlain(ctx, w, s) })
}

// follow moves the floating tasks into the zone of the new settings.
func follow(ctx context.Context, w SetTx, s tandem.Settings, out *tandem.Outcome) error {
	tasks, err := w.FloatingTasks(ctx)
	if err != nil {
		return err
	}
	b := w.Base()
	if b.Cause.OpID == "" {
		b.Cause.OpID = b.NewID()
	}
	sc := tandem.Scene{Now: b.Now, User: b.User, Settings: s, NewID: b.NewID}
	for _, t := range tasks {
		change, err := applyTask(ctx, w, sc, tandem.Follow(sc, t))
		if err != nil {
			return err
		}
		if change != nil {
			out.Changes = append(out.Changes, *change)
		}
	}
	return nil
}

// Bounds of what a person may keep, so that the settings row stays small.
const (
	maxTokens = 50
	maxPushes = 20
)

func setTokens(ctx context.Context, w SetTx, e tandem.SetEdit) error {
	if err := mustDelete(ctx, w.DeleteToken, "tokens", e.RevokeToken, "token"); err != nil {
		return err
	}
	if err := mustDelete(ctx, w.DeleteDevice, "devices", e.RevokeDevice, "device"); err != nil {
		return err
	}
	if e.AddToken == nil {
		return nil
	}
	scopes, err := json.Marshal(Some(e.AddToken.Info.Scopes))
	if err != nil {
		return err
	}
	count, err := w.CountTokens(ctx)
	if err != nil {
		return err
	}
	if count >= maxTokens {
		return tandem.Invalid("tokens", count, "There can be at most %d access tokens; revoke one first.", maxTokens)
	}
	return w.AddToken(ctx, *e.AddToken, string(scopes))
}

// mustDelete deletes what is named, which has to be there.
func mustDelete(ctx context.Context, drop func(context.Context, string) (bool, error), field, id, what string) error {
	if id == "" {
		return nil
	}
	found, err := drop(ctx, id)
	if err == nil && !found {
		return tandem.NotFound(field, id, what)
	}
	return err
}

func setFeed(ctx context.Context, w SetTx, e tandem.SetEdit) error {
	if e.Feed == nil {
		return nil
	}
	return w.SetFeed(ctx, e.Feed.Hash)
}

func setPush(ctx context.Context, w SetTx, e tandem.SetEdit) error {
	if err := mustDelete(ctx, w.DeletePush, "push", e.RemovePush, "push subscription"); err != nil {
		return err
	}
	if e.AddPush == nil {
		return nil
	}
	count, err := w.CountPushes(ctx, e.AddPush.ID)
	if err != nil {
		return err
	}
	if count >= maxPushes {
		return tandem.Invalid("push", count, "There can be at most %d browsers with notifications; remove one first.", maxPushes)
	}
	return w.AddPush(ctx, *e.AddPush)
}

// setConversations renames and deletes, in the order of numbers.
func setConversations(ctx context.Context, w SetTx, e tandem.SetEdit) error {
	for _, number := range slices.Sorted(maps.Keys(e.Conversations)) {
		conv, err := w.Conversation(ctx, number)
		if err != nil {
			return err
		}
		title := e.Conversations[number]
		switch {
		case title == nil:
			err = w.DeleteConversation(ctx, number)
		case *title != conv.Title:
			conv.Title = *title
			err = saveConversation(ctx, w, conv)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func setRevoked(ctx context.Context, w SetTx, e tandem.SetEdit) error {
	if !e.RevokeAll {
		return nil
	}
	return w.RevokeAll(ctx)
}
