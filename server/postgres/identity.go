package postgres

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
	return db.updateSettings(ctx, user, func(_ context.Context, w *write) error {
		w.later(uniqueAs("device", "There is such a device already."), `
			insert into devices (user_id, id, hash, name, created_at, last_seen_at) values ($1, $2, $3, $4, $5, $5)`,
			user, db.newID(), hash, name, w.Now)
		return nil
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
	o, err := db.owner(ctx, `select user_id, id from device_by_hash($1)`, hash, "device")
	return o.User, o.ID, err
}

// owner tells whose a secret is, and which thing of theirs; not_found for an unknown one.
func (db *DB) owner(ctx context.Context, query, hash, what string) (o store.Owned, err error) {
	err = db.read(ctx, everyone, func(ctx context.Context, c *conn) error {
		found, err := c.one(ctx, into(&o.User, &o.ID), query, hash)
		if err == nil && !found {
			err = tandem.NotFound(what, nil, "such "+what)
		}
		return err
	})
	return o, err
}

// RotateDevice replaces the secret of a device; not_found when oldHash is none any more.
func (db *DB) RotateDevice(ctx context.Context, oldHash, newHash string) error {
	user, id, err := db.Device(ctx, oldHash)
	if err != nil {
		return err
	}
	return db.updateSettings(ctx, user, func(ctx context.Context, w *write) error {
		var seen time.Time
		found, err := w.one(ctx, into(&seen), `select last_seen_at from devices where user_id = $1 and id = $2 and hash = $3`, user, id, oldHash)
		if err == nil && !found {
			err = tandem.NotFound("device", nil, "such device")
		}
		if err != nil {
			return err
		}
		if w.Now.Sub(seen) >= touchEvery {
			seen = w.Now
		}
		w.later(nil, `update devices set hash = $3, last_seen_at = $4 where user_id = $1 and id = $2`, user, id, newHash, seen)
		return nil
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
	return db.updateSettings(ctx, user, func(_ context.Context, w *write) error {
		w.later(nil, `delete from devices where user_id = $1 and id = $2`, user, id)
		return nil
	})
}

// TokenByHash gives a personal access token; not_found for an unknown or revoked one. Its last use is noted at most once an hour.
// Expiry is the caller's to judge.
func (db *DB) TokenByHash(ctx context.Context, hash string) (user tandem.UserID, t tandem.TokenInfo, err error) {
	o, err := db.owner(ctx, `select user_id, id from token_by_hash($1)`, hash, "token")
	if err != nil {
		return o.User, t, err
	}
	found, err := view(ctx, db, o.User, func(ctx context.Context, c *conn) ([]tandem.TokenInfo, error) {
		return list(ctx, c, scanToken, `
			select id, name, scopes, created_at, last_used_at, expires_at from tokens where user_id = $1 and id = $2 and hash = $3`, o.User, o.ID, hash)
	})
	if err == nil && len(found) == 0 {
		err = tandem.NotFound("token", nil, "such token")
	}
	if err != nil {
		return o.User, t, err
	}
	t = found[0]
	now := db.clock()
	if t.ExpiresAt != nil && !time.Time(*t.ExpiresAt).After(now) || t.LastUsedAt != nil && now.Sub(time.Time(*t.LastUsedAt)) < touchEvery {
		return o.User, t, nil
	}
	return o.User, t, db.updateSettings(ctx, o.User, func(_ context.Context, w *write) error {
		w.later(nil, `update tokens set last_used_at = $3 where user_id = $1 and id = $2`, o.User, o.ID, now)
		return nil
	})
}

// RevokedBefore gives the instant before which a user's JWTs are void; zero: none is.
func (db *DB) RevokedBefore(ctx context.Context, user tandem.UserID) (at time.Time, err error) {
	var revoked *time.Time
	err = db.read(ctx, user, func(ctx context.Context, c *conn) error {
		_, err := c.one(ctx, into(&revoked), `select revoked_before from users where user_id = $1`, user)
		return err
	})
	if revoked != nil {
		at = *revoked
	}
	return at, err
}

// FeedByHash gives the user of a calendar feed; not_found for an unknown or revoked one.
func (db *DB) FeedByHash(ctx context.Context, hash string) (tandem.UserID, error) {
	o, err := db.owner(ctx, `select user_id, '' from feed_by_hash($1)`, hash, "feed")
	return o.User, err
}

// Pushes gives a user's web-push subscriptions with their keys.
func (db *DB) Pushes(ctx context.Context, user tandem.UserID) ([]tandem.PushSubscription, error) {
	return view(ctx, db, user, func(ctx context.Context, c *conn) ([]tandem.PushSubscription, error) {
		return list(ctx, c, scanSubscription, `select id, device, subscription from pushes where user_id = $1 order by id`, user)
	})
}

func scanSubscription(r row) (p tandem.PushSubscription, err error) {
	var doc []byte
	err = r.Scan(&p.ID, &p.Device, &doc)
	p.Subscription = doc
	return p, err
}
