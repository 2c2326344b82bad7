package postgres

import (
	"context"
	"time"

	"tandem"
	"tandem/server/store"
)

// Spent gives the tokens that a user used on the day of at, in UTC.
func (db *DB) Spent(ctx context.Context, user tandem.UserID, at time.Time) (int64, error) {
	return view(ctx, db, user, func(ctx context.Context, c *conn) (tokens int64, err error) {
		_, err = c.one(ctx, into(&tokens), `select tokens from spending where user_id = $1 and day = $2`, user, store.Day(at))
		return tokens, err
	})
}

// Spend adds tokens to those of the day of at, or of the day after, if somebody's clock has come so far. Of a user who is unknown, or
// was erased meanwhile, nothing is kept.
func (db *DB) Spend(ctx context.Context, user tandem.UserID, at time.Time, tokens int64) error {
	return db.write(ctx, user, func(_ context.Context, c *conn) error {
		c.later(nil, `
			insert into spending as s (user_id, day, tokens) select user_id, $2::bigint, $3::bigint from users where user_id = $1
			on conflict (user_id) do update set
				tokens = case when excluded.day > s.day then excluded.tokens else s.tokens + excluded.tokens end,
				day = greatest(s.day, excluded.day)`, user, store.Day(at), tokens)
		return nil
	})
}
