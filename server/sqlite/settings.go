package sqlite

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"tandem"
)

// Settings gives a user's settings with what belongs to them: tokens, devices, feed and push. An unknown user has the defaults.
func (db *DB) Settings(ctx context.Context, user tandem.UserID) (tandem.Settings, error) {
	return view(ctx, db, func(ctx context.Context, c *conn) (tandem.Settings, error) { return fullSettings(ctx, c, user) })
}

// readSettings gives the plain settings: what decisions on tasks look at.
func readSettings(ctx context.Context, c *conn, user tandem.UserID) (tandem.Settings, error) {
	var doc []byte
	if _, err := c.one(ctx, into(&doc), `select settings from users where user_id = ?`, user); err != nil {
		return tandem.Settings{}, err
	}
	return decodeSettings(doc)
}

// decodeSettings reads plain settings; none are the defaults.
func decodeSettings(doc []byte) (tandem.Settings, error) {
	s := tandem.DefaultSettings()
	if doc == nil {
		return s, nil
	}
	if err := json.Unmarshal(doc, &s); err != nil {
		return s, fmt.Errorf("decode settings: %w", err)
	}
	return s, nil
}

// fullSettings looks for what belongs to the settings where there is any: most people have neither token nor feed.
func fullSettings(ctx context.Context, c *conn, user tandem.UserID) (s tandem.Settings, err error) {
	var doc []byte
	var fed sql.NullInt64
	var tokens, devices, pushes bool
	if _, err = c.one(ctx, into(&doc, &fed, &tokens, &devices, &pushes), `
		select settings, (select created_at from feeds where user_id = ?1), exists (select 1 from tokens where user_id = ?1),
			exists (select 1 from devices where user_id = ?1), exists (select 1 from pushes where user_id = ?1)
		from users where user_id = ?1`, user); err != nil {
		return s, err
	}
	if s, err = decodeSettings(doc); err != nil {
		return s, err
	}
	if fed.Valid {
		s.Feed = &tandem.Feed{CreatedAt: tandem.Stamp(instant(fed.Int64))}
	}
	var push []tandem.PushDevice
	if tokens {
		s.Tokens, err = tokensOfUser(ctx, c, user)
	}
	if devices && err == nil {
		s.Devices, err = list(ctx, c, scanDevice, `select id, name, last_seen_at from devices where user_id = ? order by created_at, id`, user)
	}
	if pushes && err == nil {
		push, err = list(ctx, c, scanPush, `select id, device from pushes where user_id = ? order by id`, user)
	}
	s.Tokens, s.Devices, s.Channels.Push = some(s.Tokens), some(s.Devices), some(push)
	return s, err
}

// some makes an empty list of none.
func some[T any](v []T) []T {
	if v == nil {
		return []T{}
	}
	return v
}

func tokensOfUser(ctx context.Context, c *conn, user tandem.UserID) ([]tandem.TokenInfo, error) {
	return list(ctx, c, scanToken, `
		select id, name, scopes, created_at, last_used_at, expires_at from tokens where user_id = ? order by created_at, id`, user)
}

func scanToken(r row) (t tandem.TokenInfo, err error) {
	var scopes []byte
	var made int64
	var used, expires sql.NullInt64
	if err := r.Scan(&t.ID, &t.Name, &scopes, &made, &used, &expires); err != nil {
		return t, err
	}
	t.CreatedAt, t.LastUsedAt, t.ExpiresAt = tandem.Stamp(instant(made)), stampPtr(used), stampPtr(expires)
	err = json.Unmarshal(scopes, &t.Scopes)
	return t, err
}

func scanDevice(r row) (d tandem.DeviceInfo, err error) {
	var seen int64
	err = r.Scan(&d.ID, &d.Name, &seen)
	d.LastSeenAt = tandem.Stamp(instant(seen))
	return d, err
}

func scanPush(r row) (p tandem.PushDevice, err error) {
	err = r.Scan(&p.ID, &p.Device)
	return p, err
}

// Set changes what is a person's own, all or nothing. A change of zone moves the floating tasks with it. A mid that was used gives
// its first result.
func (db *DB) Set(ctx context.Context, user tandem.UserID, e tandem.SetEdit) (out tandem.Outcome, err error) {
	out.OpID = e.Cause.OpID
	err = db.update(ctx, user, e.Cause, func(ctx context.Context, w *write) error {
		if done, err := w.replayMid(ctx, &out); done || err != nil {
			return err
		}
		if err := w.set(ctx, e, &out); err != nil {
			return err
		}
		out.Seq, out.Result = w.account.Seq, e.Result
		if len(w.changes) > 0 {
			out.Seq = w.seq()
		}
		return w.saveMid(ctx, out.Seq, e.Result)
	})
	if err != nil {
		return tandem.Outcome{}, err
	}
	return out, nil
}

func (w *write) set(ctx context.Context, e tandem.SetEdit, out *tandem.Outcome) error {
	before, err := fullSettings(ctx, w.conn, w.user)
	if err != nil {
		return err
	}
	if e.Decide != nil {
		if err := w.setPlain(ctx, e.Decide, before, out); err != nil {
			return err
		}
	}
	for _, step := range []func(context.Context, tandem.SetEdit) error{w.setTokens, w.setFeed, w.setPush, w.setConversations, w.setRevoked} {
		if err := step(ctx, e); err != nil {
			return err
		}
	}
	if err := w.dismiss(ctx, e.Dismiss); err != nil {
		return err
	}
	return w.logSettings(ctx, before)
}

// logSettings logs the settings row where it is another one than before.
func (w *write) logSettings(ctx context.Context, before tandem.Settings) error {
	after, err := fullSettings(ctx, w.conn, w.user)
	if err != nil {
		return err
	}
	was, err := json.Marshal(before)
	if err != nil {
		return err
	}
	is, err := json.Marshal(after)
	if err != nil || string(was) == string(is) {
		return err
	}
	return w.put(tandem.KindSettings, tandem.SettingsRowID, int64(w.seq()), json.RawMessage(is))
}

func (w *write) setPlain(ctx context.Context, rule func(tandem.Settings) (tandem.Settings, error), before tandem.Settings, out *tandem.Outcome) error {
	after, err := rule(before)
	if err != nil {
		return err
	}
	if err := after.Validate(); err != nil {
		return err
	}
	if err := w.savePlain(ctx, after); err != nil {
		return err
	}
	if after.TimeZone == before.TimeZone && after.Words.AllDay == before.Words.AllDay {
		return nil
	}
	return w.follow(ctx, after, out)
}

// savePlain keeps the settings without what has tables of its own.
func (w *write) savePlain(ctx context.Context, s tandem.Settings) error {
	s.Tokens, s.Devices, s.Feed, s.Channels.Push = nil, nil, nil, nil
	doc, err := json.Marshal(s)
	if err != nil {
		return fmt.Errorf("encode settings: %w", err)
	}
	_, err = w.exec(ctx, `update users set settings = ? where user_id = ?`, string(doc), w.user)
	return err
}

// saveSettings is savePlain for a plan, with its place in the log.
func (w *write) saveSettings(ctx context.Context, s tandem.Settings) error {
	before, err := fullSettings(ctx, w.conn, w.user)
	if err != nil {
		return err
	}
	if err := s.Validate(); err != nil {
		return err
	}
	if err := w.savePlain(ctx, s); err != nil {
		return err
	}
	return w.logSettings(ctx, before)
}

// follow moves the floating tasks into the zone of the new settings.
func (w *write) follow(ctx context.Context, s tandem.Settings, out *tandem.Outcome) error {
	tasks, err := w.floatingTasks(ctx)
	if err != nil {
		return err
	}
	if w.cause.OpID == "" {
		w.cause.OpID = w.db.newID()
	}
	sc := tandem.Scene{Now: w.now, User: w.user, Settings: s, NewID: w.db.newID}
	for _, t := range tasks {
		change, err := w.applyTask(ctx, sc, tandem.Follow(sc, t))
		if err != nil {
			return err
		}
		if change != nil {
			out.Changes = append(out.Changes, *change)
		}
	}
	return nil
}

func (w *write) setTokens(ctx context.Context, e tandem.SetEdit) error {
	if e.RevokeToken != "" {
		if err := w.mustChange(ctx, "tokens", e.RevokeToken, "token", `delete from tokens where user_id = ? and id = ?`, w.user, e.RevokeToken); err != nil {
			return err
		}
	}
	if e.RevokeDevice != "" {
		if err := w.mustChange(ctx, "devices", e.RevokeDevice, "device", `delete from devices where user_id = ? and id = ?`, w.user, e.RevokeDevice); err != nil {
			return err
		}
	}
	if e.AddToken == nil {
		return nil
	}
	t := e.AddToken.Info
	scopes, err := json.Marshal(some(t.Scopes))
	if err != nil {
		return err
	}
	count := 0
	if _, err := w.one(ctx, into(&count), `select count(*) from tokens where user_id = ?`, w.user); err != nil {
		return err
	}
	if count >= maxTokens {
		return tandem.Invalid("tokens", count, "There can be at most %d access tokens; revoke one first.", maxTokens)
	}
	_, err = w.exec(ctx, `
		insert into tokens (user_id, id, hash, name, scopes, created_at, expires_at) values (?, ?, ?, ?, ?, ?, ?)`,
		w.user, t.ID, e.AddToken.Hash, t.Name, string(scopes), stampMilli(&t.CreatedAt), stampMilli(t.ExpiresAt))
	if unique(err) {
		return tandem.Conflict("tokens", "There is such a token already.").Because(err)
	}
	return err
}

// Bounds of what a person may keep, so that the settings row stays small.
const (
	maxTokens = 50
	maxPushes = 20
)

func stampMilli(s *tandem.Stamp) any {
	if s == nil {
		return nil
	}
	return milli(time.Time(*s))
}

// mustChange runs a statement that has to meet a row.
func (w *write) mustChange(ctx context.Context, field, value, what, query string, args ...any) error {
	n, err := w.exec(ctx, query, args...)
	if err == nil && n == 0 {
		return tandem.NotFound(field, value, what)
	}
	return err
}

func (w *write) setFeed(ctx context.Context, e tandem.SetEdit) error {
	if e.Feed == nil {
		return nil
	}
	if _, err := w.exec(ctx, `delete from feeds where user_id = ?`, w.user); err != nil || e.Feed.Hash == "" {
		return err
	}
	_, err := w.exec(ctx, `insert into feeds (user_id, hash, created_at) values (?, ?, ?)`, w.user, e.Feed.Hash, milli(w.now))
	return err
}

func (w *write) setPush(ctx context.Context, e tandem.SetEdit) error {
	if e.RemovePush != "" {
		if err := w.mustChange(ctx, "push", e.RemovePush, "push subscription", `delete from pushes where user_id = ? and id = ?`, w.user, e.RemovePush); err != nil {
			return err
		}
	}
	if e.AddPush == nil {
		return nil
	}
	count := 0
	if _, err := w.one(ctx, into(&count), `select count(*) from pushes where user_id = ? and id <> ?`, w.user, e.AddPush.ID); err != nil {
		return err
	}
	if count >= maxPushes {
		return tandem.Invalid("push", count, "There can be at most %d browsers with notifications; remove one first.", maxPushes)
	}
	_, err := w.exec(ctx, `
		insert into pushes (user_id, id, device, subscription) values (?, ?, ?, ?)
		on conflict (user_id, id) do update set device = excluded.device, subscription = excluded.subscription`,
		w.user, e.AddPush.ID, e.AddPush.Device, string(e.AddPush.Subscription))
	return err
}

// setConversations renames and deletes, in the order of numbers.
func (w *write) setConversations(ctx context.Context, e tandem.SetEdit) error {
	numbers := make([]int64, 0, len(e.Conversations))
	for number := range e.Conversations {
		numbers = append(numbers, number)
	}
	slices.Sort(numbers)
	for _, number := range numbers {
		conv, err := conversation(ctx, w.conn, w.user, number)
		if err != nil {
			return err
		}
		title := e.Conversations[number]
		switch {
		case title == nil:
			err = w.deleteConversation(ctx, number)
		case *title != conv.Title:
			conv.Title = *title
			err = w.saveConversation(ctx, conv)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// setRevoked signs the user out everywhere: JWTs from before, device sessions, personal tokens.
func (w *write) setRevoked(ctx context.Context, e tandem.SetEdit) error {
	if !e.RevokeAll {
		return nil
	}
	for _, query := range []string{`delete from tokens where user_id = ?`, `delete from devices where user_id = ?`} {
		if _, err := w.exec(ctx, query, w.user); err != nil {
			return err
		}
	}
	_, err := w.exec(ctx, `update users set revoked_before = ? where user_id = ?`, milli(w.now), w.user)
	return err
}
