package rest_test

import (
	"bytes"
	"log/slog"
	"net/http"
	"net/http/httputil"
	"net/url"
	"strings"
	"testing"

	"tandem/server/rest"
)

// side is another way to a server, which counts what takes it.
type side struct {
	to    http.Handler
	taken int
}

func (s *side) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.taken++
	s.to.ServeHTTP(w, r)
}

// front is a server that passes the API on to s.
func front(t *testing.T, s *running, whole http.Handler) *running {
	t.Helper()
	target, err := url.Parse(s.url)
	if err != nil {
		t.Fatal(err)
	}
	return start(t, func(o *rest.Options) { o.Upstream = rest.NewUpstream(target, whole, slog.New(slog.DiscardHandler)) })
}

func TestUpstream_OnlyWholeAnswersTakeTheOtherWay(t *testing.T) {
	s := start(t, nil)
	way := &side{to: s.Server}
	f := front(t, s, way)
	stream := f.call(http.MethodPost, "/api/ann/chat", f.as("ann").with("Accept", "text/event-stream"), `{"message":"hello"}`)
	wantStatus(t, stream, http.StatusOK)
	if !strings.HasPrefix(stream.Header.Get("Content-Type"), "text/event-stream") {
		t.Errorf("a stream came as %q", stream.Header.Get("Content-Type"))
	}
	wantStatus(t, f.call(http.MethodPost, "/api/ann/chat", f.as("ann"), `{"message":"hello","stream":true}`), http.StatusOK)
	wantStatus(t, f.call(http.MethodPost, "/mcp", f.as("ann"), `{}`), http.StatusOK)
	if way.taken != 0 {
		t.Errorf("%d requests took the way of whole answers", way.taken)
	}
	wantStatus(t, f.call(http.MethodPost, "/api/ann/chat", f.as("ann"), `{"message":"hello"}`), http.StatusOK)
	if way.taken != 1 {
		t.Error("a whole answer went straight")
	}
}

func TestUpstream_AnswersAreThoseOfTheServer(t *testing.T) {
	s := start(t, nil)
	target, err := url.Parse(s.url)
	if err != nil {
		t.Fatal(err)
	}
	f := front(t, s, httputil.NewSingleHostReverseProxy(target))
	wantStatus(t, f.call(http.MethodPost, "/api/ann/chat", nil, `{"message":"hello"}`), http.StatusUnauthorized)
	wantStatus(t, f.call(http.MethodPost, "/api/bob/chat", f.as("ann"), `{"message":"hello"}`), http.StatusForbidden)
	large := f.call(http.MethodPost, "/api/ann/chat", f.as("ann"), string(bytes.Repeat([]byte("a"), 70<<10)))
	wantStatus(t, large, http.StatusRequestEntityTooLarge)
	for _, accept := range []string{"application/json", "text/event-stream"} {
		r := f.call(http.MethodPost, "/api/ann/chat", f.as("ann").with("Accept", accept), `{"message":"hello"}`)
		for _, name := range []string{"Content-Security-Policy", "X-Content-Type-Options"} {
			if got := r.Header.Values(name); len(got) != 1 {
				t.Errorf("%s stands %d times in an answer of %s", name, len(got), accept)
			}
		}
	}
	wantStatus(t, f.call(http.MethodGet, "/", html, ""), http.StatusOK)
}

func TestUpstream_OutOfReachIsSaid(t *testing.T) {
	gone := &url.URL{Scheme: "http", Host: "127.0.0.1:1"}
	f := start(t, func(o *rest.Options) { o.Upstream = rest.NewUpstream(gone, nil, slog.New(slog.DiscardHandler)) })
	r := f.call(http.MethodPost, "/api/ann/chat", f.as("ann"), `{"message":"hello"}`)
	wantStatus(t, r, http.StatusServiceUnavailable)
	if r.Header.Get("Retry-After") == "" {
		t.Error("nothing says when to try again")
	}
	r.problem(t)
}

func TestProbes_OnAnAddressOfTheirOwn(t *testing.T) {
	s := start(t, func(o *rest.Options) { o.ProbesApart = true })
	wantStatus(t, s.call(http.MethodGet, "/metrics", nil, ""), http.StatusNotFound)
	for path, want := range map[string]int{"/livez": 200, "/readyz": 200, "/metrics": 200, "/api/ann/chat": 404} {
		w := newRecorder()
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, path, nil)
		if err != nil {
			t.Fatal(err)
		}
		s.Probes.ServeHTTP(w, req)
		if w.Code != want {
			t.Errorf("%s answers %d, want %d", path, w.Code, want)
		}
	}
	s.Probes.Drain()
	w := newRecorder()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "/readyz", nil)
	if err != nil {
		t.Fatal(err)
	}
	if s.Probes.ServeHTTP(w, req); w.Code != http.StatusServiceUnavailable {
		t.Errorf("/readyz answers %d while draining", w.Code)
	}
}
