package postgres

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"tandem"
	"tandem/ops/dev/stack"
	"tandem/server/store"
)

// BenchmarkWritePath writes tasks of 1,000 users with 32 writers, and then the same rows without the order of each user: no lock on
// the user's row, no number. The ratio of the two is the price of the order. Both wait for the disk.
func BenchmarkWritePath(b *testing.B) {
	pg := stack.Postgres(b, "fsync=on", "full_page_writes=on", "shared_buffers=256MB", "max_wal_size=4GB")
	if _, err := Migrate(b.Context(), pg.DSN("", "")); err != nil {
		b.Fatal(err)
	}
	db := openAt(b, pg.DSN("tandem_app", "")+"&pool_max_conns=32", Options{})
	var last sync.Map // of each user, far from the ordered ones
	ordered := func(user tandem.UserID) error {
		_, err := db.Edit(b.Context(), user, tandem.Edit{Decide: decideOne})
		return err
	}
	unordered := func(user tandem.UserID) error {
		n, _ := last.LoadOrStore(user, new(atomic.Int64))
		return writeUnordered(b.Context(), db, user, 1<<20+n.(*atomic.Int64).Add(1)) //nolint:forcetypeassert // stored above
	}
	warm := func(write func(tandem.UserID) error) {
		for u := range 1000 {
			if err := write(benchUser(u)); err != nil {
				b.Fatal(err)
			}
		}
	}
	warm(ordered)
	warm(unordered)
	b.ResetTimer()
	var rates [2]float64
	for range b.N { // one after the other, so that a busy machine is as busy for both
		for i, write := range []func(tandem.UserID) error{ordered, unordered, unordered, ordered} {
			rates[[]int{0, 1, 1, 0}[i]] += rate(b, write)
		}
	}
	b.ReportMetric(rates[0]/float64(2*b.N), "ordered/s")
	b.ReportMetric(rates[1]/float64(2*b.N), "unordered/s")
	b.ReportMetric(rates[0]/rates[1], "ratio")
}

func benchUser(n int) tandem.UserID { return tandem.UserID(fmt.Sprintf("user-%d", n)) }

func decideOne(sc tandem.Scene) (tandem.Plan, error) {
	t, _, err := tandem.NewTask(sc, tandem.Draft{Title: "Buy milk and bread", Tags: []string{"home"}})
	return tandem.Plan{Tasks: []tandem.Task{t}}, err
}

// rate gives the writes a second of 32 writers.
func rate(b *testing.B, write func(tandem.UserID) error) float64 {
	b.Helper()
	const length = 2 * time.Second
	var done atomic.Int64
	start := time.Now()
	var wg sync.WaitGroup
	for i := range 32 {
		wg.Go(func() {
			r := rand.New(rand.NewPCG(uint64(i), uint64(start.UnixNano())))
			for time.Since(start) < length {
				if err := write(benchUser(r.IntN(1000))); err != nil {
					b.Error(err)
					return
				}
				done.Add(1)
			}
		})
	}
	wg.Wait()
	return float64(done.Load()) / time.Since(start).Seconds()
}

// writeUnordered writes the rows of an edit under a number that nobody else has.
func writeUnordered(ctx context.Context, db *DB, user tandem.UserID, number int64) error {
	unordered := func(ctx context.Context, user tandem.UserID, cause tandem.Cause, change func(context.Context, *write) error) error {
		return db.write(ctx, user, func(ctx context.Context, c *conn) error {
			w := &write{
				conn: c, Write: store.Write{User: user, Cause: cause, Now: db.clock(), NewID: db.newID},
				known: map[string]*tandem.Task{}, plain: tandem.DefaultSettings(),
			}
			var settings *string
			unlocked := strings.TrimSuffix(lockAccount, "for no key update")
			if _, err := w.one(ctx, append(w.Account.Fields(), &settings), unlocked, user); err != nil {
				return err
			}
			w.Account.Seq, w.Account.Numbers = tandem.Seq(number), number
			if err := change(ctx, w); err != nil {
				return err
			}
			if err := w.finish(ctx); err != nil {
				return err
			}
			last := &w.queue[len(w.queue)-1]
			from, to := strings.Index(last.query, "update users set"), strings.Index(last.query, "where user_id = $1")
			last.query = last.query[:from] + "select $3::bigint, $4::bigint, $5::bigint, $6::bigint, $7::bigint " + last.query[to+len("where user_id = $1"):]
			return nil
		})
	}
	_, err := store.Edit(ctx, user, tandem.Edit{Decide: decideOne}, db.newID, db.log, unordered)
	return err
}

func BenchmarkEdit(b *testing.B) {
	db := open(b, nil)
	for b.Loop() {
		mustAdd(b, db, "Buy milk and bread")
	}
}
