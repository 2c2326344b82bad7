package sqlite

import (
	"context"
	"database/sql"
	"encoding/json"
	"time"

	"tandem"
	"tandem/server/store"
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
	return store.DecodeSettings(doc)
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
	if s, err = store.DecodeSettings(doc); err != nil {
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
	s.Tokens, s.Devices, s.Channels.Push = store.Some(s.Tokens), store.Some(s.Devices), store.Some(push)
	return s, err
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
func (db *DB) Set(ctx context.Context, user tandem.UserID, e tandem.SetEdit) (tandem.Outcome, error) {
	return store.Set(ctx, user, e, db.update)
}

// Settings gives the user's settings with what belongs to them.
func (w *write) Settings(ctx context.Context) (tandem.Settings, error) {
	return fullSettings(ctx, w.conn, w.User)
}

// SaveSettings keeps plain settings.
func (w *write) SaveSettings(ctx context.Context, doc string) error {
	_, err := w.exec(ctx, `update users set settings = ? where user_id = ?`, doc, w.User)
	return err
}

// DeleteToken revokes an access token.
func (w *write) DeleteToken(ctx context.Context, id string) (bool, error) {
	n, err := w.exec(ctx, `delete from tokens where user_id = ? and id = ?`, w.User, id)
	return n > 0, err
}

// DeleteDevice signs a browser out.
func (w *write) DeleteDevice(ctx context.Context, id string) (bool, error) {
	n, err := w.exec(ctx, `delete from devices where user_id = ? and id = ?`, w.User, id)
	return n > 0, err
}

// CountTokens counts the access tokens.
func (w *write) CountTokens(ctx context.Context) (n int, err error) {
	_, err = w.one(ctx, into(&n), `select count(*) from tokens where user_id = ?`, w.User)
	return n, err
}

// AddToken keeps an access token by its hash.
func (w *write) AddToken(ctx context.Context, t tandem.NewToken, scopes string) error {
	_, err := w.exec(ctx, `
		insert into tokens (user_id, id, hash, name, scopes, created_at, expires_at) values (?, ?, ?, ?, ?, ?, ?)`,
		w.User, t.Info.ID, t.Hash, t.Info.Name, scopes, stampMilli(&t.Info.CreatedAt), stampMilli(t.Info.ExpiresAt))
	return uniqueAs(err, "tokens", "There is such a token already.")
}

func stampMilli(s *tandem.Stamp) any {
	if s == nil {
		return nil
	}
	return milli(time.Time(*s))
}

// SetFeed replaces the calendar feed.
func (w *write) SetFeed(ctx context.Context, hash string) error {
	if _, err := w.exec(ctx, `delete from feeds where user_id = ?`, w.User); err != nil || hash == "" {
		return err
	}
	_, err := w.exec(ctx, `insert into feeds (user_id, hash, created_at) values (?, ?, ?)`, w.User, hash, milli(w.Now))
	return err
}

// DeletePush forgets a browser with notifications.
func (w *write) DeletePush(ctx context.Context, id string) (bool, error) {
	n, err := w.exec(ctx, `delete from pushes where user_id = ? and id = ?`, w.User, id)
	return n > 0, err
}

// CountPushes counts the browsers with notifications besides one.
func (w *write) CountPushes(ctx context.Context, replaced string) (n int, err error) {
	_, err = w.one(ctx, into(&n), `select count(*) from pushes where user_id = ? and id <> ?`, w.User, replaced)
	return n, err
}

// AddPush keeps a browser with notifications.
func (w *write) AddPush(ctx context.Context, p tandem.PushSubscription) error {
	_, err := w.exec(ctx, `
		insert into pushes (user_id, id, device, subscription) values (?, ?, ?, ?)
		on conflict (user_id, id) do update set device = excluded.device, subscription = excluded.subscription`,
		w.User, p.ID, p.Device, string(p.Subscription))
	return err
}

// RevokeAll signs the user out everywhere.
func (w *write) RevokeAll(ctx context.Context) error {
	for _, query := range []string{`delete from tokens where user_id = ?`, `delete from devices where user_id = ?`} {
		if _, err := w.exec(ctx, query, w.User); err != nil {
			return err
		}
	}
	_, err := w.exec(ctx, `update users set revoked_before = ? where user_id = ?`, milli(w.Now), w.User)
	return err
}
