package postgres

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/multitracer"
	"github.com/jackc/pgx/v5/pgxpool"
)

// Metrics counts; nil fields are not called.
type Metrics struct {
	Query    func(op string, took time.Duration) // one round trip; op is one of Ops
	Acquired func(waited time.Duration)          // for a connection of the pool
}

// Ops are the kinds of round trips that Metrics tells apart: a statement by its first word, or several statements that travel as one.
var Ops = []string{"select", "insert", "update", "delete", opBatch, opOther}

const (
	opBatch = "batch"
	opOther = "other"
)

// opOf gives the kind of a statement.
func opOf(query string) string {
	word, _, _ := strings.Cut(strings.TrimSpace(query), " ")
	if op := strings.ToLower(word); slices.Contains(Ops, op) {
		return op
	}
	return opOther
}

// Pool tells how many connections rest, work, and may be.
func (db *DB) Pool() (idle, used, limit int32) {
	s := db.pool.Stat()
	return s.IdleConns(), s.AcquiredConns(), s.MaxConns()
}

// traced gives a tracer that tells both.
func traced(o Options) pgx.QueryTracer {
	switch {
	case o.Metrics.Query == nil && o.Metrics.Acquired == nil:
		return o.Trace
	case o.Trace == nil:
		return watch{o.Metrics}
	}
	return multitracer.New(o.Trace, watch{o.Metrics})
}

// watch measures the ways to the database. Its values in a context belong to one round trip.
type watch struct{ Metrics }

type (
	queryBegan   struct{}
	batchBegan   struct{}
	acquireBegan struct{}
)

// trip is a round trip that has begun.
type trip struct {
	op string
	at time.Time
}

func (w watch) ended(ctx context.Context, key any) {
	if t, ok := ctx.Value(key).(trip); ok && w.Query != nil {
		w.Query(t.op, time.Since(t.at))
	}
}

func (w watch) TraceQueryStart(ctx context.Context, _ *pgx.Conn, q pgx.TraceQueryStartData) context.Context {
	return context.WithValue(ctx, queryBegan{}, trip{opOf(q.SQL), time.Now()})
}

func (w watch) TraceQueryEnd(ctx context.Context, _ *pgx.Conn, _ pgx.TraceQueryEndData) {
	w.ended(ctx, queryBegan{})
}

func (w watch) TraceBatchStart(ctx context.Context, _ *pgx.Conn, _ pgx.TraceBatchStartData) context.Context {
	return context.WithValue(ctx, batchBegan{}, trip{opBatch, time.Now()})
}

func (watch) TraceBatchQuery(context.Context, *pgx.Conn, pgx.TraceBatchQueryData) {}

func (w watch) TraceBatchEnd(ctx context.Context, _ *pgx.Conn, _ pgx.TraceBatchEndData) {
	w.ended(ctx, batchBegan{})
}

func (w watch) TraceAcquireStart(ctx context.Context, _ *pgxpool.Pool, _ pgxpool.TraceAcquireStartData) context.Context {
	return context.WithValue(ctx, acquireBegan{}, time.Now())
}

func (w watch) TraceAcquireEnd(ctx context.Context, _ *pgxpool.Pool, _ pgxpool.TraceAcquireEndData) {
	if at, ok := ctx.Value(acquireBegan{}).(time.Time); ok && w.Acquired != nil {
		w.Acquired(time.Since(at))
	}
}
