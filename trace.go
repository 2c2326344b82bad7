package tandem

import (
	"cmp"
	"context"
	"encoding/hex"
	"log/slog"
	"strings"
)

// Trace ties together all that one request brings about, in whatever process it happens. A context carries it; causes, events, promises,
// turns and signals carry its ID.
type Trace struct {
	ID string // 32 hexadecimal digits; empty: none
	// Span is what the tracer puts the next step under; nil: the trace as a whole.
	Span any
}

// Step is one thing that happens in a trace.
type Step struct {
	Name string // constant
	Kind StepKind
	// New begins a trace, though the context has one.
	New bool
	// Follows is the id of a trace that brought the step about by way of a row or a message. The step goes on with its id, linked to it
	// and not under it: the trace may have ended long ago.
	Follows string
	// Keep asks that the trace, which begins, is kept.
	Keep bool
	// Attrs have keys of the list that logs keep to.
	Attrs []slog.Attr
}

// StepKind says which side of a boundary a step is on.
type StepKind int

// The kinds of steps.
const (
	StepInside StepKind = iota
	StepServe           // answers somebody
	StepPublish
	StepConsume
)

// Tracer notes steps. It gives the trace as those within the step see it, and a func that is called once when the step has ended,
// with its error.
type Tracer func(ctx context.Context, s Step) (Trace, func(error))

type (
	traceKey  struct{}
	tracerKey struct{}
)

// In gives a context whose steps t notes.
func (t Tracer) In(ctx context.Context) context.Context {
	if t == nil {
		return ctx
	}
	return context.WithValue(ctx, tracerKey{}, t)
}

// In gives a context whose steps belong to the trace.
func (t Trace) In(ctx context.Context) context.Context { return context.WithValue(ctx, traceKey{}, t) }

// TraceOf gives the trace that a context belongs to.
func TraceOf(ctx context.Context) Trace {
	t, _ := ctx.Value(traceKey{}).(Trace)
	return t
}

// Begin notes that a step begins. end must be called once. Without a tracer only the id of the trace is passed on.
func Begin(ctx context.Context, s Step) (_ context.Context, end func(error)) {
	tracer, _ := ctx.Value(tracerKey{}).(Tracer)
	if tracer == nil {
		if s.Follows != "" {
			ctx = Trace{ID: s.Follows}.In(ctx)
		}
		return ctx, func(error) {}
	}
	t, end := tracer(ctx, s)
	return t.In(ctx), end
}

// Traced gives the cause with the trace of ctx, unless it has one.
func (c Cause) Traced(ctx context.Context) Cause {
	c.TraceID = cmp.Or(c.TraceID, TraceOf(ctx).ID)
	return c
}

// ParseTraceparent reads the header of the W3C's Trace Context, version 00: the id, and whether its sender keeps the trace. Empty for
// what is none.
func ParseTraceparent(header string) (id string, keeps bool) {
	if len(header) != 55 || header[:3] != "00-" || header[35] != '-' || header[52] != '-' {
		return "", false
	}
	flags, err := hex.DecodeString(header[53:])
	if _, bad := hex.DecodeString(header[3:35] + header[36:52]); err != nil || bad != nil {
		return "", false
	}
	return header[3:35], flags[0]&1 == 1
}

// ValidTrace tells whether a text is the id of a trace.
func ValidTrace(id string) bool {
	raw, err := hex.DecodeString(id)
	return err == nil && len(raw) == 16 && strings.ToLower(id) == id
}
