package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"time"

	"golang.org/x/sync/errgroup"

	"tandem"
	"tandem/agent"
	"tandem/agent/tools"
	"tandem/server/auth"
	"tandem/server/rest"
	"tandem/server/telemetry"
	"tandem/sync/hub"
	"tandem/sync/session"
)

// store is what the product needs of a database; both databases have it.
type store interface {
	agent.Store
	tools.Store
	hub.Store
	session.Mids
	session.Settings
	session.History
	auth.Store
	auth.Devices
	rest.Threads
	rest.Calendar
	ledger
	Ping(ctx context.Context) error
	Close() error
}

// ledger is what operators ask of a database.
type ledger interface {
	Users(ctx context.Context) ([]tandem.UserID, error)
	DeleteUser(ctx context.Context, user tandem.UserID) error
	Export(ctx context.Context, user tandem.UserID, emit func(kind string, row json.RawMessage) error) error
	Import(ctx context.Context, user tandem.UserID, next func() (kind string, row json.RawMessage, err error)) (int, error)
	Audit(ctx context.Context, f tandem.AuditFilter) ([]tandem.AuditEntry, error)
	DeadLetters(ctx context.Context, after int64, limit int) ([]tandem.DeadLetter, error)
	DropDeadLetter(ctx context.Context, id int64) error
	Purge(ctx context.Context, now time.Time) (map[string]int64, error)
}

// base is what every process of the product has.
type base struct {
	observer
	cfg      config
	owner    string // names this process in leases and claims
	metrics  *telemetry.Metrics
	store    store
	channels hub.Channel
	resend   func(context.Context, tandem.AuditEntry) error // publishes an event again
}

func newBase(ctx context.Context, c config, mode string, logTo io.Writer) (base, error) {
	b := base{cfg: c, owner: tandem.NewID(), metrics: newMetrics(mode)}
	var err error
	b.observer, err = newObserver(ctx, c, mode, b.metrics, logTo)
	return b, err
}

// task is one loop of the process; it blocks until its context ends.
type task struct {
	name string
	run  func(context.Context) error
}

// runAll runs the tasks until ctx ends or one fails.
func runAll(ctx context.Context, tasks []task) error {
	g, ctx := errgroup.WithContext(ctx)
	for _, task := range tasks {
		g.Go(func() error {
			if err := task.run(ctx); err != nil && ctx.Err() == nil {
				return fmt.Errorf("%s: %w", task.name, err)
			}
			return nil
		})
	}
	return g.Wait()
}

// purge removes what the retention table no longer keeps, at start and once an hour.
func (b *base) purge(ctx context.Context) error {
	tick := time.NewTicker(time.Hour)
	defer tick.Stop()
	for {
		if gone, err := b.store.Purge(ctx, time.Now()); err != nil && ctx.Err() == nil {
			b.log.WarnContext(ctx, "purge failed", "err", err)
		} else if len(gone) > 0 {
			b.log.DebugContext(ctx, "purged", slog.Any("rows", gone))
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}
