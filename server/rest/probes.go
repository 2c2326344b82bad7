package rest

import (
	"context"
	_ "embed"
	"log/slog"
	"net/http"
	"sync/atomic"
	"time"
)

//go:embed openapi.json
var openAPI []byte

//go:embed asyncapi.json
var asyncAPI []byte

// readyTime bounds the questions behind /readyz.
const readyTime = 2 * time.Second

// Probes answers what operators ask of a process: /livez, /readyz and /metrics.
type Probes struct {
	// Ready fails while the process cannot do its work; nil: it always can.
	Ready  func(context.Context) error
	Scrape http.Handler // /metrics; nil: not found
	Log    *slog.Logger

	draining atomic.Bool
}

// ServeHTTP answers one request.
func (p *Probes) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch {
	case r.Method != http.MethodGet && r.Method != http.MethodHead:
		w.Header().Set("Allow", "GET, HEAD")
		refusal(http.StatusMethodNotAllowed, "This path takes GET and HEAD.").write(w, r)
	case r.URL.Path == "/livez":
		p.livez(w, r)
	case r.URL.Path == "/readyz":
		p.readyz(w, r)
	case r.URL.Path == "/metrics" && p.Scrape != nil:
		p.Scrape.ServeHTTP(w, r)
	default:
		refusal(http.StatusNotFound, "There is nothing here.").write(w, r)
	}
}

// Drain makes /readyz false for good.
func (p *Probes) Drain() { p.draining.Store(true) }

// livez tells that the process answers. It asks nothing else: a restart would cure no dependency.
func (p *Probes) livez(w http.ResponseWriter, _ *http.Request) {
	writeJSON(w, http.StatusOK, map[string]string{"status": "ok"})
}

// readyz tells whether requests should come here.
func (p *Probes) readyz(w http.ResponseWriter, r *http.Request) {
	if p.draining.Load() {
		refusal(http.StatusServiceUnavailable, "The server is shutting down.").write(w, r)
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), readyTime)
	defer cancel()
	if p.Ready != nil {
		if err := p.Ready(ctx); err != nil {
			p.Log.WarnContext(ctx, "not ready", "err", err)
			refusal(http.StatusServiceUnavailable, "The server is not ready.").write(w, r)
			return
		}
	}
	writeJSON(w, http.StatusOK, map[string]string{"status": "ok"})
}

// document serves a description of the surface.
func document(body []byte) http.HandlerFunc {
	f := newFile("document.json", body)
	return f.serve
}
