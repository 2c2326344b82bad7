package telemetry_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/golang/snappy"
	"github.com/grafana/loki/pkg/push"
	"github.com/prometheus/prometheus/promql/parser"

	"tandem"
	"tandem/server/telemetry"
)

// strictLoki speaks Loki's push protocol, and refuses what Loki refuses with its default limits.
type strictLoki struct {
	*httptest.Server
	mu      sync.Mutex
	entries []entry
	refused []string
	newest  map[string]time.Time
}

type entry struct {
	labels map[string]string
	at     time.Time
	line   string
	meta   map[string]string
}

// What Loki refuses by default (limits_config): labels of a stream, their lengths, the age of entries, and the size of lines.
const (
	maxLabels     = 15
	maxLabelName  = 1024
	maxLabelValue = 2048
	maxAge        = 7 * 24 * time.Hour
	maxAhead      = 10 * time.Minute
	maxOutOfOrder = time.Hour
	maxLine       = 256 << 10
	maxMeta       = 64 << 10
)

func newStrictLoki(t *testing.T) *strictLoki {
	t.Helper()
	l := &strictLoki{newest: map[string]time.Time{}}
	l.Server = httptest.NewServer(http.HandlerFunc(l.push))
	t.Cleanup(l.Close)
	return l
}

func (l *strictLoki) push(w http.ResponseWriter, r *http.Request) {
	if err := l.take(r); err != nil {
		l.mu.Lock()
		l.refused = append(l.refused, err.Error())
		l.mu.Unlock()
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

func (l *strictLoki) take(r *http.Request) error {
	if r.Method != http.MethodPost || r.URL.Path != "/loki/api/v1/push" || r.Header.Get("Content-Type") != "application/x-protobuf" {
		return fmt.Errorf("%s %s of %s", r.Method, r.URL.Path, r.Header.Get("Content-Type"))
	}
	packed, err := io.ReadAll(r.Body)
	if err != nil {
		return err
	}
	raw, err := snappy.Decode(nil, packed)
	if err != nil {
		return err
	}
	var p push.PushRequest
	if err := p.Unmarshal(raw); err != nil {
		return err
	}
	for _, s := range p.Streams {
		if err := l.stream(s); err != nil {
			return err
		}
	}
	return nil
}

func (l *strictLoki) stream(s push.Stream) error {
	parsed, err := parser.ParseMetric(s.Labels)
	if err != nil {
		return fmt.Errorf("labels %s: %w", s.Labels, err)
	}
	labels := parsed.Map()
	if len(labels) == 0 || len(labels) > maxLabels {
		return fmt.Errorf("%d labels", len(labels))
	}
	for name, value := range labels {
		if len(name) > maxLabelName || len(value) > maxLabelValue {
			return fmt.Errorf("label %s is too long", name)
		}
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, e := range s.Entries {
		size, meta := 0, map[string]string{}
		for _, m := range e.StructuredMetadata {
			size += len(m.Name) + len(m.Value)
			meta[m.Name] = m.Value
		}
		now := time.Now()
		switch {
		case now.Sub(e.Timestamp) > maxAge:
			return fmt.Errorf("entry for stream '%s' has timestamp too old: %v", s.Labels, e.Timestamp)
		case e.Timestamp.Sub(now) > maxAhead:
			return fmt.Errorf("entry for stream '%s' has timestamp too new: %v", s.Labels, e.Timestamp)
		case l.newest[s.Labels].Sub(e.Timestamp) > maxOutOfOrder:
			return fmt.Errorf("entry too far behind")
		case len(e.Line) > maxLine:
			return fmt.Errorf("max entry size exceeded: %d", len(e.Line))
		case size > maxMeta:
			return fmt.Errorf("structured metadata too large: %d", size)
		}
		if e.Timestamp.After(l.newest[s.Labels]) {
			l.newest[s.Labels] = e.Timestamp
		}
		l.entries = append(l.entries, entry{labels, e.Timestamp, e.Line, meta})
	}
	return nil
}

func (l *strictLoki) all() []entry {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.entries)
}

// shipped runs f with a logger whose lines go to Loki at url as well, and gives standard output and how many lines were dropped.
func shipped(t *testing.T, o telemetry.LokiOptions, f func(*slog.Logger)) (out string, dropped int) {
	t.Helper()
	var lost atomic.Int64
	o.Env, o.Component, o.Dropped = "test", "tandem-serve", func(n int) { lost.Add(int64(n)) }
	sink, err := telemetry.NewLoki(o)
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- sink.Run(ctx) }()
	var text bytes.Buffer
	f(telemetry.NewLogger(&text, telemetry.LogOptions{Level: slog.LevelDebug, Format: "json", Key: []byte("0123456789abcdef"), Sink: sink}))
	began := time.Now()
	stop()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	if took := time.Since(began); took > 6*time.Second { // the promise is 3; machines are slow
		t.Errorf("ended after %v", took)
	}
	return text.String(), int(lost.Load())
}

func TestLoki_TakesEveryLineUnderFourLabels(t *testing.T) {
	loki := newStrictLoki(t)
	trace := strings.Repeat("ab", 16)
	out, dropped := shipped(t, telemetry.LokiOptions{URL: loki.URL}, func(log *slog.Logger) {
		ctx := tandem.Trace{ID: trace}.In(t.Context())
		log.InfoContext(ctx, "turn taken over", "user_id", "ann", "turn_id", "0190", "attempt", 2)
		log.DebugContext(ctx, "step", "event_id", "e1", "took", time.Second)
		log.Error("event set aside", "err", strings.Repeat("x", 300<<10))
		for i := range 500 {
			log.Info("line", "seq", i)
		}
	})
	entries := loki.all()
	if len(loki.refused) > 0 || dropped != 0 || len(entries) != 503 {
		t.Fatalf("%d entries, %d dropped, refused: %v", len(entries), dropped, loki.refused)
	}
	if lines := strings.Count(out, "\n"); lines != 503 {
		t.Errorf("%d lines on standard output", lines)
	}
	first, second := entries[0], entries[1]
	for _, e := range entries {
		names := slices.Sorted(func(yield func(string) bool) {
			for k := range e.labels {
				if !yield(k) {
					return
				}
			}
		})
		if !slices.Equal(names, []string{"app", "component", "env", "level"}) {
			t.Fatalf("labels %v", names)
		}
		if e.meta["turn_id"] != "" {
			first = e
		}
		if e.meta["event_id"] != "" {
			second = e
		}
	}
	hash := telemetry.UserHash([]byte("0123456789abcdef"), "ann")
	if first.labels["level"] != "info" || first.labels["component"] != "tandem-serve" || first.meta["trace_id"] != trace || first.meta["user_hash"] != hash || first.meta["turn_id"] != "0190" {
		t.Errorf("entry %+v", first)
	}
	if second.labels["level"] != "debug" || second.meta["event_id"] != "e1" {
		t.Errorf("entry %+v", second)
	}
	if !strings.Contains(out, first.line+"\n") || !json.Valid([]byte(first.line)) {
		t.Errorf("the line is not that of standard output: %s", first.line)
	}
}

// TestLoki_NeverHoldsUpWhoLogs writes far more than the ring holds while Loki is out of order in each way.
func TestLoki_NeverHoldsUpWhoLogs(t *testing.T) {
	hang := make(chan struct{})
	status := func(code int) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.Copy(io.Discard, r.Body)
			w.WriteHeader(code)
		}
	}
	ways := map[string]http.HandlerFunc{
		"400": status(http.StatusBadRequest), "429": status(http.StatusTooManyRequests), "500": status(http.StatusInternalServerError),
		"slow": func(w http.ResponseWriter, r *http.Request) {
			select {
			case <-time.After(300 * time.Millisecond):
			case <-r.Context().Done():
			}
			w.WriteHeader(http.StatusNoContent)
		},
		"silent":  func(_ http.ResponseWriter, r *http.Request) { <-hang },
		"garbage": func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, strings.Repeat("{", 1<<16)) },
		"down":    nil,
	}
	var servers []*httptest.Server
	t.Cleanup(func() {
		close(hang)
		for _, s := range servers {
			s.CloseClientConnections()
			s.Close()
		}
	})
	for name, way := range ways {
		server := httptest.NewServer(way)
		if way == nil {
			server.Close()
		} else {
			servers = append(servers, server)
		}
		t.Run(name, func(t *testing.T) {
			const lines = 20000
			before := runtime.NumGoroutine()
			var took, worst time.Duration
			most := 0
			out, dropped := shipped(t, telemetry.LokiOptions{URL: server.URL, Wedged: 200 * time.Millisecond}, func(log *slog.Logger) {
				began := time.Now()
				for i := range lines {
					at := time.Now()
					log.Info("line", "seq", i)
					worst = max(worst, time.Since(at))
					if i%1000 == 0 {
						most = max(most, runtime.NumGoroutine())
					}
				}
				took = time.Since(began)
			})
			t.Logf("%s: %v a line, the worst %v, %d dropped, goroutines %d → %d", name, took/lines, worst, dropped, before, most)
			if n := strings.Count(out, "\n"); n != lines {
				t.Errorf("%d of %d lines are on standard output", n, lines)
			}
			if took > 5*time.Second {
				t.Errorf("%d lines took %v", lines, took)
			}
			if most > before+40 {
				t.Errorf("goroutines grew from %d to %d", before, most)
			}
			if dropped > lines || name != "slow" && name != "garbage" && dropped == 0 {
				t.Errorf("%d of %d lines were counted as dropped", dropped, lines)
			}
		})
	}
}

func TestLoki_RefusesWhatIsNoAddress(t *testing.T) {
	for _, bad := range []string{"", "loki:3100", "ftp://loki", "http://"} {
		if _, err := telemetry.NewLoki(telemetry.LokiOptions{URL: bad}); err == nil {
			t.Errorf("%q was taken", bad)
		}
	}
}
