package telemetry_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	sdk "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"

	"tandem"
	"tandem/server/telemetry"
)

func newTracing(t *testing.T, ratio float64, log *slog.Logger) (*telemetry.Tracing, func() tracetest.SpanStubs) {
	t.Helper()
	// The SDK throws the spans of its own exporter away at the end.
	kept := &keeper{InMemoryExporter: tracetest.NewInMemoryExporter()}
	tracing, err := telemetry.NewTracing(t.Context(), telemetry.TracingOptions{
		Build: telemetry.Build{Version: "1.2.3", Mode: "test"}, Env: "test", Exporter: kept, Ratio: ratio, Key: []byte("0123456789abcdef"), Log: log,
	})
	if err != nil {
		t.Fatal(err)
	}
	return tracing, func() tracetest.SpanStubs {
		if err := tracing.Shutdown(context.WithoutCancel(t.Context())); err != nil {
			t.Error(err)
		}
		return kept.GetSpans()
	}
}

type keeper struct{ *tracetest.InMemoryExporter }

func (keeper) Shutdown(context.Context) error { return nil }

var _ sdk.SpanExporter = keeper{}

// begin takes a step of a tracing and gives the context inside, and its trace.
func begin(ctx context.Context, tr *telemetry.Tracing, s tandem.Step) (context.Context, string, func(error)) {
	ctx, end := tandem.Begin(tandem.Tracer(tr.Begin).In(ctx), s)
	return ctx, tandem.TraceOf(ctx).ID, end
}

func TestTracing_WhatFollowsIsLinkedAndNotUnderIt(t *testing.T) {
	var lines bytes.Buffer
	log := telemetry.NewLogger(&lines, telemetry.LogOptions{Level: slog.LevelDebug, Format: "json", Key: []byte("0123456789abcdef")})
	tr, spans := newTracing(t, 1, log)
	ctx, id, endFrame := begin(t.Context(), tr, tandem.Step{Name: "frame", Kind: tandem.StepServe, New: true, Attrs: []slog.Attr{slog.String("user_id", "ann")}})
	inner, same, endTool := begin(ctx, tr, tandem.Step{Name: "tool", Attrs: []slog.Attr{slog.String("tool", "add_task")}})
	endTool(tandem.Invalid("title", "canary words", "the title is canary words"))
	endFrame(nil)
	_, followed, endConsume := begin(t.Context(), tr, tandem.Step{
		Name: "consume", Kind: tandem.StepConsume, New: true, Follows: id, Attrs: []slog.Attr{slog.String("topic", "task-events"), slog.String("event_id", "e1")},
	})
	endConsume(errors.New("canary words"))
	_, other, endOther := begin(inner, tr, tandem.Step{Name: "frame", New: true, Follows: "no id"})
	endOther(nil)
	if !tandem.ValidTrace(id) || same != id || followed != id || other == id || !tandem.ValidTrace(other) {
		t.Fatalf("ids %q, %q, %q, %q", id, same, followed, other)
	}
	byName := map[string]tracetest.SpanStub{}
	for _, s := range spans() {
		if _, twice := byName[s.Name]; !twice {
			byName[s.Name] = s
		}
	}
	frame, tool, consume := byName["frame"], byName["tool"], byName["consume"]
	if frame.SpanContext.TraceID().String() != id || tool.Parent.SpanID() != frame.SpanContext.SpanID() {
		t.Errorf("the tool is not under the frame: %v, %v", tool.Parent, frame.SpanContext)
	}
	if consume.Parent.IsValid() || len(consume.Links) != 1 || consume.SpanContext.TraceID() == frame.SpanContext.TraceID() {
		t.Fatalf("consume: parent %v, links %v", consume.Parent, consume.Links)
	}
	if link := consume.Links[0].SpanContext; link.TraceID() != frame.SpanContext.TraceID() || link.SpanID() != frame.SpanContext.SpanID() {
		t.Errorf("the link leads to %v, not to %v", link, frame.SpanContext)
	}
	if consume.SpanKind != trace.SpanKindConsumer || tool.Status.Description != "invalid" || consume.Status.Description != "internal" {
		t.Errorf("kind %v, statuses %v, %v", consume.SpanKind, tool.Status, consume.Status)
	}
	attrs := map[string]string{}
	for _, s := range byName {
		for _, a := range s.Attributes {
			attrs[string(a.Key)] = a.Value.AsString()
		}
	}
	for key, want := range map[string]string{
		"messaging.destination.name": "task-events", "messaging.message.id": "e1", "tandem.tool": "add_task",
		"tandem.user_hash": telemetry.UserHash([]byte("0123456789abcdef"), "ann"),
	} {
		if attrs[key] != want {
			t.Errorf("%s is %q, want %q", key, attrs[key], want)
		}
	}
	text, _ := json.Marshal(byName)
	if all := string(text) + lines.String(); strings.Contains(all, "canary") || strings.Contains(all, `"ann"`) {
		t.Errorf("it tells too much: %s", all)
	}
	if n := strings.Count(lines.String(), id); n != 3 {
		t.Errorf("%d lines have the id, want 3: %s", n, lines.String())
	}
}

// TestTracing_EveryProcessKeepsTheSameTraces asks a second process about the traces of a first.
func TestTracing_EveryProcessKeepsTheSameTraces(t *testing.T) {
	const many = 4000
	one, spansOne := newTracing(t, 0.05, nil)
	two, spansTwo := newTracing(t, 0.05, nil)
	for range many {
		_, id, end := begin(t.Context(), one, tandem.Step{Name: "frame", New: true})
		end(nil)
		_, _, end = begin(t.Context(), two, tandem.Step{Name: "consume", Follows: id})
		end(nil)
	}
	kept, followed := map[trace.TraceID]bool{}, 0
	for _, s := range spansOne() {
		kept[s.SpanContext.TraceID()] = true
	}
	for _, s := range spansTwo() {
		followed++
		if !kept[s.Links[0].SpanContext.TraceID()] {
			t.Fatal("a step was kept, and the trace that it follows was not")
		}
	}
	t.Logf("kept %d of %d", len(kept), many)
	if followed != len(kept) || len(kept) < many/40 || len(kept) > many/10 {
		t.Errorf("kept %d traces and %d that follow, of %d", len(kept), followed, many)
	}
}

func TestTracing_KeepsOneTraceASecondOnDemand(t *testing.T) {
	tr, spans := newTracing(t, 0.0001, nil)
	for range 50 {
		_, _, end := begin(t.Context(), tr, tandem.Step{Name: "request", Keep: true})
		end(nil)
	}
	if n := len(spans()); n < 1 || n > 3 {
		t.Errorf("%d traces were kept, want one a second", n)
	}
}

// TestTracing_ACollectorInTroubleCostsNothing sends spans to one that does not answer, and to none.
func TestTracing_ACollectorInTroubleCostsNothing(t *testing.T) {
	hang := make(chan struct{})
	var asked atomic.Int64
	silent := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { asked.Add(1); <-hang }))
	t.Cleanup(func() { close(hang); silent.CloseClientConnections(); silent.Close() })
	for _, endpoint := range []string{silent.URL, "http://127.0.0.1:1"} {
		tr, err := telemetry.NewTracing(t.Context(), telemetry.TracingOptions{Endpoint: endpoint, Ratio: 1})
		if err != nil {
			t.Fatal(err)
		}
		began := time.Now()
		for range 20000 {
			_, _, end := begin(t.Context(), tr, tandem.Step{Name: "frame", New: true})
			end(nil)
		}
		took := time.Since(began)
		_ = tr.Shutdown(t.Context())
		t.Logf("%s: %v a span, ended after %v", endpoint, took/20000, time.Since(began)-took)
		if took > 5*time.Second || time.Since(began)-took > 6*time.Second {
			t.Errorf("20,000 spans took %v, the end %v", took, time.Since(began)-took)
		}
	}
	if asked.Load() == 0 {
		t.Error("no span was sent")
	}
}

func BenchmarkTracing_AStepThatIsNotKept(b *testing.B) {
	tr, err := telemetry.NewTracing(b.Context(), telemetry.TracingOptions{})
	if err != nil {
		b.Fatal(err)
	}
	ctx := tandem.Tracer(tr.Begin).In(b.Context())
	for b.Loop() {
		_, end := tandem.Begin(ctx, tandem.Step{Name: "frame", New: true})
		end(nil)
	}
}
