package postgres

import (
	"context"
	"time"

	"tandem"
)

// PlanDeliveries keeps on which roads a notice is to go.
func (w *write) PlanDeliveries(_ context.Context, planned []tandem.PlannedDelivery) error {
	for _, p := range planned {
		w.later(nil, `insert into deliveries (user_id, event_id, channel, target, next_at) values ($1, $2, $3, $4, $5)`,
			w.User, p.EventID, string(p.Medium), p.Target, p.At)
	}
	return nil
}

// DueDeliveries gives deliveries of all users that may be tried at until, those that wait longest first.
func (db *DB) DueDeliveries(ctx context.Context, until time.Time, limit int) ([]tandem.DeliveryRef, error) {
	return view(ctx, db, everyone, func(ctx context.Context, c *conn) ([]tandem.DeliveryRef, error) {
		return list(ctx, c, scanDeliveryRef, `select user_id, event_id, channel, target from due_deliveries($1, $2)`, until, limit)
	})
}

func scanDeliveryRef(r row) (d tandem.DeliveryRef, err error) {
	err = r.Scan(&d.User, &d.EventID, &d.Medium, &d.Target)
	return d, err
}

// ClaimDelivery takes a delivery for one attempt, which no other claim repeats before the lease ends. False: its time has not come,
// or nobody wants it any more, or it is held back by quiet hours.
func (db *DB) ClaimDelivery(ctx context.Context, ref tandem.DeliveryRef, lease time.Duration) (d tandem.Delivery, ok bool, err error) {
	err = db.write(ctx, ref.User, func(ctx context.Context, c *conn) error {
		d, ok = tandem.Delivery{DeliveryRef: ref}, false
		now := db.clock()
		found, err := c.one(ctx, into(&d.Attempt), `
			select attempts + 1 from deliveries
			where user_id = $1 and event_id = $2 and channel = $3 and target = $4 and state = 'waiting' and next_at <= $5 for update`,
			ref.User, ref.EventID, string(ref.Medium), ref.Target, now)
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
		c.later(nil, `
			update deliveries set state = $5, attempts = $6, next_at = $7 where user_id = $1 and event_id = $2 and channel = $3 and target = $4`,
			ref.User, ref.EventID, string(ref.Medium), ref.Target, string(state), d.Attempt, next)
		return nil
	})
	return d, ok && err == nil, err
}

// destination fills in the notice and where it goes. False: the notice was dismissed, or there is no such address any more.
func (c *conn) destination(ctx context.Context, s tandem.Settings, d *tandem.Delivery) (wanted bool, err error) {
	notices, err := list(ctx, c, scanNotice, selectNotices+`and id = $2 and shown`, d.User, d.EventID)
	if err != nil || len(notices) == 0 {
		return false, err
	}
	d.Notice = notices[0]
	if d.To, wanted = s.Target(d.DeliveryRef); !wanted || d.Medium != tandem.MediumPush {
		return wanted, nil
	}
	var doc []byte
	found, err := c.one(ctx, into(&doc), `select subscription from pushes where user_id = $1 and id = $2`, d.User, d.Target)
	d.To.Subscription = doc
	return found, err
}

// SettleDelivery says how an attempt ended; waiting: it is to be tried again from next on. An attempt whose lease ended and that
// another one followed settles nothing.
func (db *DB) SettleDelivery(ctx context.Context, d tandem.Delivery, state tandem.DeliveryState, next time.Time) error {
	return db.write(ctx, d.User, func(_ context.Context, c *conn) error {
		c.later(nil, `
			update deliveries set state = $6, next_at = $7
			where user_id = $1 and event_id = $2 and channel = $3 and target = $4 and attempts = $5 and state = 'waiting'`,
			d.User, d.EventID, string(d.Medium), d.Target, d.Attempt, string(state), next)
		return nil
	})
}
