package sqlite

import (
	"context"
	"time"

	"tandem"
	"tandem/server/store"
)

// Spent gives the tokens that a user used on the day of at, in UTC.
func (db *DB) Spent(ctx context.Context, user tandem.UserID, at time.Time) (int64, error) {
	return view(ctx, db, func(ctx context.Context, c *conn) (tokens int64, err error) {
		_, err = c.one(ctx, into(&tokens), `select tokens from spending where user_id = ? and day = ?`, user, store.Day(at))
		return tokens, err
	})
}

// Spend adds tokens to those of the day of at, or of the day after, if somebody's clock has come so far. Of a user who is unknown, or
// was erased meanwhile, nothing is kept.
func (db *DB) Spend(ctx context.Context, user tandem.UserID, at time.Time, tokens int64) error {
	return db.note(ctx, func(ctx context.Context, c *conn) error {
		_, err := c.exec(ctx, `
			insert into spending (user_id, day, tokens) select ?1, ?2, ?3 where exists (select 1 from users where user_id = ?1)
			on conflict (user_id) do update set
				tokens = case when excluded.day > day then excluded.tokens else tokens + excluded.tokens end, day = max(day, excluded.day)`,
			user, store.Day(at), tokens)
		return err
	})
}
