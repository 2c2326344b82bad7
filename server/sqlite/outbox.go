package sqlite

import (
	"context"
	"errors"

	"tandem"
)

// Partitions tells how many lists the outbox has.
func (db *DB) Partitions() int { return 1 }

// Forward hands the oldest entries of the outbox, at most limit in the order of writing, to publish, and takes off those that it
// reports as done, even beside an error. While another call forwards it does nothing. n is how many entries publish was given.
func (db *DB) Forward(
	ctx context.Context, _, limit int, publish func(context.Context, []tandem.Outgoing) (done []int64, err error),
) (n int, err error) {
	if !db.forwarding.TryLock() {
		return 0, nil
	}
	defer db.forwarding.Unlock()
	entries, err := view(ctx, db, func(ctx context.Context, c *conn) ([]tandem.Outgoing, error) {
		return list(ctx, c, scanOutgoing, `select id, seq, topic, user_id, event from outbox order by id limit ?`, limit)
	})
	if err != nil || len(entries) == 0 {
		return 0, err
	}
	done, err := publish(ctx, entries) // outside of a transaction: consumers in this process write
	if len(done) > 0 {
		err = errors.Join(err, db.takeOff(context.WithoutCancel(ctx), done))
	}
	return len(entries), err
}

func scanOutgoing(r row) (o tandem.Outgoing, err error) {
	var event []byte
	err = r.Scan(&o.ID, &o.Seq, &o.Topic, &o.User, &event)
	o.Event = event
	return o, err
}

func (db *DB) takeOff(ctx context.Context, ids []int64) error {
	data, err := jsonList(ids)
	if err != nil {
		return err
	}
	return db.note(ctx, func(ctx context.Context, c *conn) error {
		_, err := c.exec(ctx, `delete from outbox where id in (select value from json_each(?))`, data)
		return err
	})
}

// Backlog tells what waits in the outbox.
func (db *DB) Backlog(ctx context.Context) (b tandem.Backlog, err error) {
	err = db.read(ctx, func(ctx context.Context, c *conn) error {
		if _, err := c.one(ctx, into(&b.Pending), `select count(*) from (select 1 from outbox limit ?)`, tandem.MaxBacklog); err != nil {
			return err
		}
		var at int64
		found, err := c.one(ctx, into(&at), `select at from outbox order by id limit 1`)
		if found {
			b.Oldest = instant(at)
		}
		return err
	})
	return b, err
}
