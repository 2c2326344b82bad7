package rest_test

import (
	"context"
	"log/slog"
	"net/http"
	"slices"
	"testing"

	"tandem"
	"tandem/server/rest"
)

// A span tells the method, and that the server was at fault.
func TestTrace_TellsMethodAndFault(t *testing.T) {
	var told []string
	s := start(t, func(o *rest.Options) {
		o.Probes = &rest.Probes{Ready: func(context.Context) error { return context.DeadlineExceeded }}
		o.Trace = func(_ context.Context, step tandem.Step) (tandem.Trace, func(error)) {
			return tandem.Trace{}, func(err error) {
				text := step.Name
				for _, a := range step.Attrs {
					text += " " + a.String()
				}
				if err != nil {
					text += " failed"
				}
				told = append(told, text)
			}
		}
	})
	s.call(http.MethodGet, "/none", nil, "")
	s.call("BREW", "/none", nil, "")
	s.call(http.MethodGet, "/readyz", nil, "")
	want := []string{"request " + slog.String("method", "GET").String(), "request " + slog.String("method", "other").String(), "request " + slog.String("method", "GET").String() + " failed"}
	if !slices.Equal(told, want) {
		t.Errorf("told %q, want %q", told, want)
	}
}
