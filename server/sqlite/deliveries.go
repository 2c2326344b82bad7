package sqlite

import (
	"context"
	"time"

	"tandem"
)

// PlanDeliveries keeps on which roads a notice is to go.
func (w *write) PlanDeliveries(ctx context.Context, planned []tandem.PlannedDelivery) error {
	for _, p := range planned {
		if _, err := w.exec(ctx, `insert into deliveries (user_id, event_id, channel, target, next_at) values (?, ?, ?, ?, ?)`,
			w.User, p.EventID, p.Medium, p.Target, milli(p.At)); err != nil {
			return err
		}
	}
	return nil
}

// DueDeliveries gives deliveries of all users that may be tried at until, those that wait longest first.
func (db *DB) DueDeliveries(ctx context.Context, until time.Time, limit int) ([]tandem.DeliveryRef, error) {
	return view(ctx, db, func(ctx context.Context, c *conn) ([]tandem.DeliveryRef, error) {
		return list(ctx, c, scanDeliveryRef, `
			select user_id, event_id, channel, target from deliveries where state = 'waiting' and next_at <= ? order by next_at limit ?`,
			milli(until), limit)
	})
}

func scanDeliveryRef(r row) (d tandem.DeliveryRef, err error) {
	err = r.Scan(&d.User, &d.EventID, &d.Medium, &d.Target)
	return d, err
}

// ClaimDelivery takes a delivery for one attempt, which no other claim repeats before the lease ends. False: its time has not come,
// or nobody wants it any more, or it is held back by quiet hours.
func (db *DB) ClaimDelivery(ctx context.Context, ref tandem.DeliveryRef, lease time.Duration) (d tandem.Delivery, ok bool, err error) {
	d.DeliveryRef = ref
	err = db.write(ctx, func(ctx context.Context, c *conn) error {
		now := db.clock()
		found, err := c.one(ctx, into(&d.Attempt), `
			select attempts + 1 from deliveries
			where user_id = ? and event_id = ? and channel = ? and target = ? and state = 'waiting' and next_at <= ?`,
			ref.User, ref.EventID, ref.Medium, ref.Target, milli(now))
		if err != nil || !found {
			return err
		}
		settings, err := fullSettings(ctx, c, ref.User)
		if err != nil {
			return err
		}
		wanted, err := c.destination(ctx, settings, &d)
		if err != nil {
			return err
		}
		var state tandem.DeliveryState
		var next time.Time
		state, next, ok = settings.Attempt(&d, wanted, now, lease)
		_, err = c.exec(ctx, `
			update deliveries set state = ?, attempts = ?, next_at = ? where user_id = ? and event_id = ? and channel = ? and target = ?`,
			state, d.Attempt, milli(next), ref.User, ref.EventID, ref.Medium, ref.Target)
		return err
	})
	return d, ok && err == nil, err
}

// destination fills in the notice and where it goes. False: the notice was dismissed, or there is no such address any more.
func (c *conn) destination(ctx context.Context, s tandem.Settings, d *tandem.Delivery) (wanted bool, err error) {
	notices, err := list(ctx, c, scanNotice, `
		select id, user_id, reminder_id, generation, task, number, title, due, fired_at, silent from notices
		where user_id = ? and id = ? and shown = 1`, d.User, d.EventID)
	if err != nil || len(notices) == 0 {
		return false, err
	}
	d.Notice = notices[0]
	if d.To, wanted = s.Target(d.DeliveryRef); !wanted || d.Medium != tandem.MediumPush {
		return wanted, nil
	}
	var doc []byte
	found, err := c.one(ctx, into(&doc), `select subscription from pushes where user_id = ? and id = ?`, d.User, d.Target)
	d.To.Subscription = doc
	return found, err
}

// SettleDelivery says how an attempt ended; waiting: it is to be tried again from next on. An attempt whose lease ended and that
// another one followed settles nothing.
func (db *DB) SettleDelivery(ctx context.Context, d tandem.Delivery, state tandem.DeliveryState, next time.Time) error {
	return db.write(ctx, func(ctx context.Context, c *conn) error {
		_, err := c.exec(ctx, `
			update deliveries set state = ?, next_at = ?
			where user_id = ? and event_id = ? and channel = ? and target = ? and attempts = ? and state = 'waiting'`,
			state, milli(next), d.User, d.EventID, d.Medium, d.Target, d.Attempt)
		return err
	})
}
