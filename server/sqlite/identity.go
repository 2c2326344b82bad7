package sqlite

import (
	"context"
	"time"

	"tandem"
	"tandem/server/store"
)

// touchEvery is how exactly the last use of a token or device is known: each note of it is a write that every device hears of.
const touchEvery = time.Hour

// AddDevice remembers a signed-in browser by the hash of its secret.
func (db *DB) AddDevice(ctx context.Context, user tandem.UserID, hash, name string) error {
	return db.updateSettings(ctx, user, func(ctx context.Context, w *write) error {
		_, err := w.exec(ctx, `insert into devices (user_id, id, hash, name, created_at, last_seen_at) values (?, ?, ?, ?, ?5, ?5)`,
			user, db.newID(), hash, name, milli(w.Now))
		return uniqueAs(err, "device", "There is such a device already.")
	})
}

// updateSettings runs a change of what the settings row shows, and logs that row where it changed.
func (db *DB) updateSettings(ctx context.Context, user tandem.UserID, change func(context.Context, *write) error) error {
	return db.update(ctx, user, tandem.Cause{Actor: tandem.ActorUser}, func(ctx context.Context, w *write) error {
		return store.LogSettings(ctx, w, func(tandem.Settings) error { return change(ctx, w) })
	})
}

// Device gives the user and the id of a device; not_found for an unknown or revoked one.
func (db *DB) Device(ctx context.Context, hash string) (user tandem.UserID, id string, err error) {
	err = db.read(ctx, func(ctx context.Context, c *conn) error {
		user, id, _, err = deviceByHash(ctx, c, hash)
		return err
	})
	return user, id, err
}

func deviceByHash(ctx context.Context, c *conn, hash string) (user tandem.UserID, id string, seen time.Time, err error) {
	var at int64
	found, err := c.one(ctx, into(&user, &id, &at), `select user_id, id, last_seen_at from devices where hash = ?`, hash)
	if err == nil && !found {
		err = tandem.NotFound("device", nil, "such device")
	}
	return user, id, instant(at), err
}

// RotateDevice replaces the secret of a device; not_found when oldHash is none any more.
func (db *DB) RotateDevice(ctx context.Context, oldHash, newHash string) error {
	user, _, err := db.Device(ctx, oldHash)
	if err != nil {
		return err
	}
	return db.updateSettings(ctx, user, func(ctx context.Context, w *write) error {
		_, id, seen, err := deviceByHash(ctx, w.conn, oldHash)
		if err != nil {
			return err
		}
		if w.Now.Sub(seen) >= touchEvery {
			seen = w.Now
		}
		_, err = w.exec(ctx, `update devices set hash = ?, last_seen_at = ? where user_id = ? and id = ?`, newHash, milli(seen), user, id)
		return err
	})
}

// RemoveDevice signs a device out; an unknown one is out already.
func (db *DB) RemoveDevice(ctx context.Context, hash string) error {
	user, id, err := db.Device(ctx, hash)
	if err != nil {
		if tandem.AsError(err).Code == tandem.CodeNotFound {
			return nil
		}
		return err
	}
	return db.updateSettings(ctx, user, func(ctx context.Context, w *write) error {
		_, err := w.exec(ctx, `delete from devices where user_id = ? and id = ?`, user, id)
		return err
	})
}

// TokenByHash gives a personal access token; not_found for an unknown or revoked one. Its last use is noted at most once an hour.
// Expiry is the caller's to judge.
func (db *DB) TokenByHash(ctx context.Context, hash string) (user tandem.UserID, t tandem.TokenInfo, err error) {
	err = db.read(ctx, func(ctx context.Context, c *conn) error {
		found, err := c.one(ctx, into(&user, &t.ID), `select user_id, id from tokens where hash = ?`, hash)
		if err == nil && !found {
			return tandem.NotFound("token", nil, "such token")
		}
		if err != nil {
			return err
		}
		tokens, err := list(ctx, c, scanToken, `
			select id, name, scopes, created_at, last_used_at, expires_at from tokens where user_id = ? and id = ?`, user, t.ID)
		if err == nil && len(tokens) > 0 {
			t = tokens[0]
		}
		return err
	})
	if err != nil {
		return user, t, err
	}
	now := db.clock()
	if t.ExpiresAt != nil && !time.Time(*t.ExpiresAt).After(now) || t.LastUsedAt != nil && now.Sub(time.Time(*t.LastUsedAt)) < touchEvery {
		return user, t, nil
	}
	return user, t, db.updateSettings(ctx, user, func(ctx context.Context, w *write) error {
		_, err := w.exec(ctx, `update tokens set last_used_at = ? where user_id = ? and id = ?`, milli(now), user, t.ID)
		return err
	})
}

// RevokedBefore gives the instant before which a user's JWTs are void; zero: none is.
func (db *DB) RevokedBefore(ctx context.Context, user tandem.UserID) (at time.Time, err error) {
	ms, err := view(ctx, db, func(ctx context.Context, c *conn) (ms int64, err error) {
		_, err = c.one(ctx, into(&ms), `select revoked_before from users where user_id = ?`, user)
		return ms, err
	})
	if ms > 0 {
		at = instant(ms)
	}
	return at, err
}

// FeedByHash gives the user of a calendar feed; not_found for an unknown or revoked one.
func (db *DB) FeedByHash(ctx context.Context, hash string) (user tandem.UserID, err error) {
	err = db.read(ctx, func(ctx context.Context, c *conn) error {
		found, err := c.one(ctx, into(&user), `select user_id from feeds where hash = ?`, hash)
		if err == nil && !found {
			return tandem.NotFound("feed", nil, "such feed")
		}
		return err
	})
	return user, err
}

// Pushes gives a user's web-push subscriptions with their keys.
func (db *DB) Pushes(ctx context.Context, user tandem.UserID) ([]tandem.PushSubscription, error) {
	return view(ctx, db, func(ctx context.Context, c *conn) ([]tandem.PushSubscription, error) {
		return list(ctx, c, scanSubscription, `select id, device, subscription from pushes where user_id = ? order by id`, user)
	})
}

func scanSubscription(r row) (p tandem.PushSubscription, err error) {
	var doc []byte
	err = r.Scan(&p.ID, &p.Device, &doc)
	p.Subscription = doc
	return p, err
}
