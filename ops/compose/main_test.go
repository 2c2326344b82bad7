package main

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

func TestProbe_AllMustAnswer(t *testing.T) {
	status := http.StatusOK
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(status) }))
	defer server.Close()
	gone := httptest.NewServer(http.NotFoundHandler())
	gone.Close()
	if err := probe(t.Context(), []string{server.URL, server.URL}); err != nil {
		t.Error(err)
	}
	if err := probe(t.Context(), []string{server.URL, gone.URL}); err == nil {
		t.Error("one that is gone counts as ready")
	}
	status = http.StatusServiceUnavailable
	if err := probe(t.Context(), []string{server.URL}); err == nil {
		t.Error("one that is not ready counts as ready")
	}
}

func TestRun_SaysHowItIsUsed(t *testing.T) {
	for _, line := range []string{"", "secret", "secrets make", "secrets set", "probe", "hold on", "topics all"} {
		if err := run(t.Context(), strings.Fields(line), strings.NewReader(""), io.Discard); err == nil || err.Error() != usage {
			t.Errorf("%q: %v", line, err)
		}
	}
}
