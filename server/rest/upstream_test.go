package rest_test

import (
	"bytes"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"tandem/server/rest"
)

// invoked records what goes by way of the sidecar, and answers the first tries with a fault.
type invoked struct {
	keys   []string
	faults int
	to     string
}

func (i *invoked) RoundTrip(r *http.Request) (*http.Response, error) {
	i.keys = append(i.keys, r.Header.Get("Idempotency-Key"))
	for range i.faults {
		again := r.Clone(r.Context())
		body, err := r.GetBody()
		if err != nil {
			return nil, err
		}
		again.Body = body
		res, err := http.DefaultTransport.RoundTrip(again) // the answer is lost: the turn has begun all the same
		if err != nil {
			return nil, err
		}
		if _, err := io.Copy(io.Discard, res.Body); err != nil {
			return nil, err
		}
	}
	return http.DefaultTransport.RoundTrip(r)
}

// front is a server that passes the API on to s.
func front(t *testing.T, s *running, by http.RoundTripper) *running {
	t.Helper()
	target, err := url.Parse(s.url)
	if err != nil {
		t.Fatal(err)
	}
	return start(t, func(o *rest.Options) { o.Upstream = rest.NewUpstream(target, by, slog.New(slog.DiscardHandler)) })
}

func TestUpstream_ARetriedTurnIsAnsweredOnce(t *testing.T) {
	s := start(t, nil)
	way := &invoked{faults: 2}
	f := front(t, s, way)
	r := f.call(http.MethodPost, "/api/ann/chat", f.as("ann"), `{"message":"hello"}`)
	wantStatus(t, r, http.StatusOK)
	if len(way.keys) != 1 || way.keys[0] == "" {
		t.Fatalf("the turn went with the keys %q", way.keys)
	}
	asks := s.parrot.asks()
	for _, a := range asks[1:] {
		if a.TurnID != asks[0].TurnID {
			t.Errorf("a retry began another turn: %+v", asks)
		}
	}
	if len(asks) == 0 {
		t.Error("nobody was asked")
	}
}

func TestUpstream_WhatGoesStraight(t *testing.T) {
	s := start(t, nil)
	way := &invoked{}
	f := front(t, s, way)
	stream := f.call(http.MethodPost, "/api/ann/chat", f.as("ann").with("Accept", "text/event-stream"), `{"message":"hello"}`)
	wantStatus(t, stream, http.StatusOK)
	if !strings.HasPrefix(stream.Header.Get("Content-Type"), "text/event-stream") {
		t.Errorf("a stream came as %q", stream.Header.Get("Content-Type"))
	}
	wantStatus(t, f.call(http.MethodPost, "/api/ann/chat", f.as("ann"), `{"message":"hello","stream":true}`), http.StatusOK)
	wantStatus(t, f.call(http.MethodPost, "/mcp", f.as("ann"), `{}`), http.StatusOK)
	if len(way.keys) != 0 {
		t.Errorf("%d requests went by way of the sidecar", len(way.keys))
	}
	named := f.call(http.MethodPost, "/api/ann/chat", f.as("ann"), `{"message":"hello","turn_id":"`+turnA+`"}`)
	wantStatus(t, named, http.StatusOK)
	if len(way.keys) != 1 || way.keys[0] != "" {
		t.Errorf("a turn with an id of its own got the keys %q", way.keys)
	}
}

func TestUpstream_AnswersAreThoseOfTheServer(t *testing.T) {
	s := start(t, nil)
	f := front(t, s, http.DefaultTransport)
	wantStatus(t, f.call(http.MethodPost, "/api/ann/chat", nil, `{"message":"hello"}`), http.StatusUnauthorized)
	wantStatus(t, f.call(http.MethodPost, "/api/bob/chat", f.as("ann"), `{"message":"hello"}`), http.StatusForbidden)
	large := f.call(http.MethodPost, "/api/ann/chat", f.as("ann"), string(bytes.Repeat([]byte("a"), 70<<10)))
	wantStatus(t, large, http.StatusRequestEntityTooLarge)
	r := f.call(http.MethodPost, "/api/ann/chat", f.as("ann"), `{"message":"hello"}`)
	for _, name := range []string{"Content-Security-Policy", "X-Content-Type-Options"} {
		if got := r.Header.Values(name); len(got) != 1 {
			t.Errorf("%s stands %d times in the answer", name, len(got))
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
