package postgres

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"sync"
	"time"
)

// epoch remembers the name of the history for a moment: the server behind a connection may change without a word.
type epoch struct {
	mu    sync.Mutex
	value string
	at    time.Time
}

// epochAge bounds how old an answer of Epoch may be.
const epochAge = 5 * time.Second

// Epoch names this history of the data. It changes when the cluster was restored or its timeline ended (a promotion, a recovery
// to a point in time), when the tables were made anew from a dump, and by RenewEpoch. While the store does not answer it is the
// last known one.
func (db *DB) Epoch(ctx context.Context) string {
	db.epoch.mu.Lock()
	value, fresh := db.epoch.value, time.Since(db.epoch.at) < epochAge
	db.epoch.mu.Unlock()
	if fresh {
		return value
	}
	if err := db.epoch.read(ctx, db); err != nil {
		db.log.WarnContext(ctx, "epoch not read", "err", err)
		return value
	}
	db.epoch.mu.Lock()
	defer db.epoch.mu.Unlock()
	return db.epoch.value
}

// What the epoch is made of. A managed Postgres may hide the cluster's part.
const (
	selectSalt = `select value || '.' || 'public.meta'::regclass::oid || '.' || (select oid from pg_database where datname = current_database())
		from meta where key = 'salt'`
	selectCluster = `select system_identifier || '.' || left(pg_walfile_name(pg_current_wal_lsn()), 8) from pg_control_system()`
)

// read asks the database.
func (e *epoch) read(ctx context.Context, db *DB) error {
	var salt, cluster string
	if err := db.pool.QueryRow(ctx, selectSalt).Scan(&salt); err != nil {
		return fmt.Errorf("read salt: %w", verdict(err))
	}
	if err := db.pool.QueryRow(ctx, selectCluster).Scan(&cluster); err != nil && sqlState(err) == "" {
		return fmt.Errorf("read cluster identity: %w", verdict(err))
	}
	sum := sha256.Sum256([]byte(cluster + "." + salt))
	e.mu.Lock()
	defer e.mu.Unlock()
	e.value, e.at = hex.EncodeToString(sum[:16]), time.Now()
	return nil
}
