package postgres

import (
	"context"

	"tandem"
)

// Resend puts an event, with the id that it has, on its user's list of the outbox again. An event of a person who has no data here
// is dropped.
func (db *DB) Resend(ctx context.Context, o tandem.Outgoing) error {
	return db.write(ctx, o.User, func(_ context.Context, c *conn) error {
		c.later(nil, `
			insert into outbox (partition, user_id, seq, topic, event, at)
			select $2::smallint, user_id, seq, $3::text, $4::text, $5::timestamptz from users where user_id = $1`,
			o.User, listOf(o.User), string(o.Topic), string(o.Event), db.clock())
		return nil
	})
}
