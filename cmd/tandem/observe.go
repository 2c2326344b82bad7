package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"log/slog"

	"tandem"
	"tandem/server/telemetry"
	"tandem/sync/hub"
	"tandem/workers/once"
)

// observer is where the lines and the spans of a process go.
type observer struct {
	log     *slog.Logger
	hidden  *telemetry.Secrets
	loki    *telemetry.Loki // nil: lines go to standard error alone
	tracing *telemetry.Tracing
}

func newObserver(ctx context.Context, c config, mode string, m *telemetry.Metrics, logTo io.Writer) (observer, error) {
	key := []byte(c.LogKey)
	if len(key) == 0 { // hashes of this process are then its own
		key = make([]byte, 32)
		_, _ = rand.Read(key)
	}
	o := observer{hidden: telemetry.NewSecrets(c.secrets...)}
	var err error
	if c.LokiURL != "" {
		o.loki, err = telemetry.NewLoki(telemetry.LokiOptions{
			URL: c.LokiURL, Env: c.Env, Component: mode, Dropped: func(n int) { m.LogDropped("loki", n) },
		})
		if err != nil {
			return o, fmt.Errorf("TANDEM_LOKI_URL: %w", err)
		}
	}
	o.log = telemetry.NewLogger(logTo, telemetry.LogOptions{
		Level: c.LogLevel, Format: c.LogFormat, Key: key, Sink: o.loki,
		Secrets: o.hidden,
	})
	tag, commit := version()
	o.tracing, err = telemetry.NewTracing(ctx, telemetry.TracingOptions{
		Build: telemetry.Build{Version: tag, Commit: commit, Mode: mode}, Env: c.Env, Endpoint: c.OTLPURL, Ratio: c.TraceRatio, Key: key, Log: o.log,
	})
	if err != nil {
		return o, fmt.Errorf("OTEL_EXPORTER_OTLP_ENDPOINT: %w", err)
	}
	return o, nil
}

// tracer notes the steps of this process.
func (o observer) tracer() tandem.Tracer { return o.tracing.Begin }

// while runs f, whose steps are noted, and lets lines and spans leave until it has ended and some seconds longer.
func (o observer) while(ctx context.Context, f func(context.Context) error) error {
	outer, stop := context.WithCancel(context.WithoutCancel(ctx))
	left := make(chan error, 1)
	go func() {
		if o.loki == nil {
			left <- nil
			return
		}
		left <- o.loki.Run(outer)
	}()
	err := f(o.tracer().In(ctx))
	if late := o.tracing.Shutdown(outer); late != nil {
		o.log.DebugContext(ctx, "spans left behind", "err", late)
	}
	stop()
	return errors.Join(err, <-left)
}

// consumed notes each event that a consumer does something about, for the trace that wrote it.
func consumed(consumer string, wants func(tandem.Event) bool, h once.Handler) once.Handler {
	return func(ctx context.Context, e tandem.Event) (err error) {
		if wants != nil && !wants(e) {
			return h(ctx, e)
		}
		ctx, end := tandem.Begin(ctx, tandem.Step{
			Name: "consume", Kind: tandem.StepConsume, New: true, Follows: e.Payload.TraceID,
			Attrs: []slog.Attr{
				slog.String("consumer", consumer), slog.String("topic", string(e.Topic())), slog.String("event_id", e.EventID),
				slog.String("user_id", string(e.UserID)),
			},
		})
		defer func() { end(err) }()
		return h(ctx, e)
	}
}

// fanOut notes each change that a hub hears of, for the trace that wrote it.
type fanOut struct {
	hub.Channel
	tracer tandem.Tracer
}

// Join is the channel's.
func (f fanOut) Join(ctx context.Context, user tandem.UserID, deliver func(tandem.Signal)) (leave func(), err error) {
	noted := f.tracer.In(context.WithoutCancel(ctx))
	return f.Channel.Join(ctx, user, func(s tandem.Signal) {
		if d := s.Delta; d != nil && d.TraceID != "" {
			_, end := tandem.Begin(noted, tandem.Step{
				Name: "fan-out", Kind: tandem.StepConsume, New: true, Follows: d.TraceID,
				Attrs: []slog.Attr{slog.String("user_id", string(user)), slog.Int64("seq", int64(d.To))},
			})
			defer end(nil)
		}
		deliver(s)
	})
}
