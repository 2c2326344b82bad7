package rest

import (
	"context"
	_ "embed"
	"net/http"
	"time"
)

//go:embed openapi.json
var openAPI []byte

//go:embed asyncapi.json
var asyncAPI []byte

// readyTime bounds the questions behind /readyz.
const readyTime = 2 * time.Second

// livez tells that the process answers. It asks nothing else: a restart would cure no dependency.
func (s *Server) livez(w http.ResponseWriter, _ *http.Request) {
	writeJSON(w, http.StatusOK, map[string]string{"status": "ok"})
}

// readyz tells whether requests should come here.
func (s *Server) readyz(w http.ResponseWriter, r *http.Request) {
	if s.draining.Load() {
		refusal(http.StatusServiceUnavailable, "The server is shutting down.").write(w, r)
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), readyTime)
	defer cancel()
	if err := s.Ready(ctx); err != nil {
		s.Log.WarnContext(ctx, "not ready", "err", err)
		refusal(http.StatusServiceUnavailable, "The server is not ready.").write(w, r)
		return
	}
	writeJSON(w, http.StatusOK, map[string]string{"status": "ok"})
}

// document serves a description of the surface.
func document(body []byte) http.HandlerFunc {
	f := newFile("document.json", body)
	return f.serve
}
