package telemetry

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"log/slog"
	"math"
	"sync"
	"sync/atomic"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/sdk/resource"
	sdk "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"

	"tandem"
)

// Bounds of the way to the collector.
const (
	spanQueue   = 2048 // spans that wait; those behind are dropped
	spanBatch   = 256
	spanEvery   = 2 * time.Second
	spanTimeout = 3 * time.Second
	spanLinks   = 4
	spanAttrs   = 16
)

// spanNames are the names of attributes as OpenTelemetry has them, by the keys of logs; others get the product's prefix. The names
// of messaging are in development still and may change here alone.
var spanNames = map[string]attribute.Key{
	"topic":    "messaging.destination.name",
	"consumer": "messaging.consumer.group.name",
	"event_id": "messaging.message.id",
	"method":   "http.request.method",
	keyUser:    "tandem.user_hash",
	keyTrace:   "tandem.trace_id",
}

// TracingOptions make a Tracing.
type TracingOptions struct {
	Build Build
	Env   string
	// Endpoint is the address of a collector that speaks OTLP over HTTP; empty: spans go nowhere, and only ids are made.
	Endpoint string
	// Exporter takes spans in the place of Endpoint.
	Exporter sdk.SpanExporter
	// Ratio of the traces that are kept, from 0 to 1.
	Ratio float64
	Key   []byte // hashes the ids of people, as in logs
	Log   *slog.Logger
}

// Tracing makes the spans of a process.
type Tracing struct {
	tracer   trace.Tracer
	provider *sdk.TracerProvider
	key      []byte
	log      *slog.Logger
	kept     atomic.Int64 // when a trace was last kept because somebody asked, in seconds
}

// keepKey marks a context whose next trace gets an id that every sampler keeps.
type keepKey struct{}

// mayKeep lets one trace a second be kept because its caller asks: whoever reaches the product may ask.
func (t *Tracing) mayKeep(now time.Time) bool {
	last := t.kept.Load()
	return now.Unix() != last && t.kept.CompareAndSwap(last, now.Unix())
}

// NewTracing makes a Tracing. Spans are sent by goroutines of its own, until Shutdown.
func NewTracing(ctx context.Context, o TracingOptions) (*Tracing, error) {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	limits := sdk.NewSpanLimits()
	limits.LinkCountLimit, limits.AttributeCountLimit = spanLinks, spanAttrs
	options := []sdk.TracerProviderOption{
		sdk.WithIDGenerator(generator{}), sdk.WithRawSpanLimits(limits),
		sdk.WithResource(resource.NewSchemaless(
			attribute.String("service.namespace", "tandem"), attribute.String("service.name", o.Build.Mode), attribute.String("service.version", o.Build.Version),
			attribute.String("deployment.environment.name", o.Env))),
	}
	exporter := o.Exporter
	if exporter == nil && o.Endpoint != "" {
		var err error
		exporter, err = otlptracehttp.New(ctx, otlptracehttp.WithEndpointURL(o.Endpoint), otlptracehttp.WithTimeout(spanTimeout),
			otlptracehttp.WithRetry(otlptracehttp.RetryConfig{Enabled: false}))
		if err != nil {
			return nil, err
		}
	}
	if exporter == nil {
		options = append(options, sdk.WithSampler(sdk.NeverSample()))
	} else {
		options = append(options, sdk.WithSampler(newSampler(o.Ratio)), sdk.WithBatcher(&reported{SpanExporter: exporter, log: o.Log},
			sdk.WithMaxQueueSize(spanQueue), sdk.WithMaxExportBatchSize(spanBatch), sdk.WithBatchTimeout(spanEvery), sdk.WithExportTimeout(spanTimeout)))
	}
	provider := sdk.NewTracerProvider(options...)
	return &Tracing{tracer: provider.Tracer("tandem"), provider: provider, key: o.Key, log: o.Log}, nil
}

// Shutdown sends what waits, for at most 3 seconds.
func (t *Tracing) Shutdown(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, spanTimeout)
	defer cancel()
	return t.provider.Shutdown(ctx)
}

// Begin is a tandem.Tracer: each step is a span, and a line at level debug when it has ended.
func (t *Tracing) Begin(ctx context.Context, s tandem.Step) (tandem.Trace, func(error)) {
	began := time.Now()
	now := tandem.TraceOf(ctx)
	options := []trace.SpanStartOption{trace.WithTimestamp(began), trace.WithSpanKind(kinds[s.Kind])}
	id := now.ID
	switch cause, follows := whole(s.Follows); {
	case follows:
		id = s.Follows
		options = append(options, trace.WithNewRoot(), trace.WithLinks(trace.Link{SpanContext: cause}))
	case s.New || id == "":
		id = ""
		options = append(options, trace.WithNewRoot())
	default:
		ctx = under(ctx, now)
	}
	if s.Keep && t.mayKeep(began) {
		ctx = context.WithValue(ctx, keepKey{}, true)
	}
	_, span := t.tracer.Start(ctx, s.Name, options...)
	if id == "" {
		id = span.SpanContext().TraceID().String()
	}
	if span.IsRecording() {
		span.SetAttributes(append(t.attributes(s.Attrs), spanNames[keyTrace].String(id))...)
	}
	inside := tandem.Trace{ID: id, Span: span.SpanContext()}
	return inside, func(err error) {
		code := codeOf(err)
		if err != nil {
			span.SetStatus(codes.Error, code)
		}
		span.End()
		if t.log.Enabled(ctx, slog.LevelDebug) {
			attrs := append([]slog.Attr{slog.String("step", s.Name), slog.Duration("took", time.Since(began))}, s.Attrs...)
			if code != "" {
				attrs = append(attrs, slog.String("code", code))
			}
			t.log.LogAttrs(inside.In(ctx), slog.LevelDebug, "step", attrs...)
		}
	}
}

var kinds = map[tandem.StepKind]trace.SpanKind{
	tandem.StepInside: trace.SpanKindInternal, tandem.StepServe: trace.SpanKindServer,
	tandem.StepPublish: trace.SpanKindProducer, tandem.StepConsume: trace.SpanKindConsumer,
}

// codeOf tells an error to traces: its text may hold what a person wrote.
func codeOf(err error) string {
	if err == nil {
		return ""
	}
	return string(tandem.AsError(err).Code)
}

func (t *Tracing) attributes(attrs []slog.Attr) []attribute.KeyValue {
	out := make([]attribute.KeyValue, 0, len(attrs)+1)
	for _, a := range attrs {
		key, known := spanNames[a.Key]
		if !known {
			key = attribute.Key("tandem." + a.Key)
		}
		if a.Key == keyUser {
			out = append(out, key.String(UserHash(t.key, a.Value.String())))
		} else {
			out = append(out, key.String(a.Value.String()))
		}
	}
	return out
}

// whole gives the first span of a trace of ours: its id is the second half of the trace's. False: that is no id.
func whole(id string) (trace.SpanContext, bool) {
	tid, err := trace.TraceIDFromHex(id)
	if err != nil {
		return trace.SpanContext{}, false
	}
	return trace.NewSpanContext(trace.SpanContextConfig{TraceID: tid, SpanID: trace.SpanID(tid[8:]), Remote: true}), true
}

// under puts the next span under that of the trace.
func under(ctx context.Context, t tandem.Trace) context.Context {
	parent, ok := t.Span.(trace.SpanContext)
	if !ok {
		parent, _ = whole(t.ID)
	}
	return trace.ContextWithSpanContext(ctx, parent)
}

// generator makes ids.
type generator struct{}

// NewIDs gives those of a trace and its first span.
func (generator) NewIDs(ctx context.Context) (tid trace.TraceID, sid trace.SpanID) {
	_, _ = rand.Read(tid[:])
	if ctx.Value(keepKey{}) != nil {
		tid[8], tid[9] = 0, 0 // below the bound of any ratio from 1 in 65,536 on
	}
	return tid, trace.SpanID(tid[8:])
}

// NewSpanID gives that of a later span.
func (generator) NewSpanID(context.Context, trace.TraceID) (sid trace.SpanID) {
	_, _ = rand.Read(sid[:])
	return sid
}

// sampler keeps traces by their ids, so that every process keeps the same ones. What follows a trace is kept with it.
type sampler struct{ below uint64 }

func newSampler(ratio float64) sampler {
	if ratio >= 1 {
		return sampler{math.MaxUint64}
	}
	return sampler{uint64(ratio * math.MaxUint64)}
}

// ShouldSample decides for a span that begins.
func (s sampler) ShouldSample(p sdk.SamplingParameters) sdk.SamplingResult {
	id := p.TraceID
	parent := trace.SpanContextFromContext(p.ParentContext)
	if parent.IsValid() {
		id = parent.TraceID()
	} else if len(p.Links) > 0 {
		id = p.Links[0].SpanContext.TraceID()
	}
	r := sdk.SamplingResult{Decision: sdk.Drop}
	if parent.IsValid() && !parent.IsRemote() && parent.IsSampled() || s.keeps(id) {
		r.Decision = sdk.RecordAndSample
	}
	return r
}

func (s sampler) keeps(id trace.TraceID) bool {
	return binary.BigEndian.Uint64(id[8:]) < s.below || s.below == math.MaxUint64
}

// Description names the sampler.
func (sampler) Description() string { return "by the id of the trace that began it" }

// reported tells of a collector that takes no spans, once a minute.
type reported struct {
	sdk.SpanExporter
	log *slog.Logger

	mu   sync.Mutex
	last time.Time
}

// ExportSpans sends spans. What cannot be sent is dropped.
func (r *reported) ExportSpans(ctx context.Context, spans []sdk.ReadOnlySpan) error {
	err := r.SpanExporter.ExportSpans(ctx, spans)
	r.mu.Lock()
	defer r.mu.Unlock()
	if err != nil && !errors.Is(err, context.Canceled) && time.Since(r.last) > time.Minute {
		r.last = time.Now()
		r.log.WarnContext(ctx, "spans not sent", "rows", len(spans), "err", err)
	}
	return nil
}
