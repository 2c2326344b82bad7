package telemetry

import (
	"context"
	"io"
	"log/slog"
	"regexp"
)

// secretForms are what must never reach a log, wherever it hides: tokens, personal tokens, sign-in codes in a link, keys of
// models, feed addresses.
var secretForms = regexp.MustCompile(`eyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]*|tdm_[A-Za-z0-9_-]+|#code=[A-Za-z0-9_-]+|sk-[A-Za-z0-9_-]{8,}|/feeds/[A-Za-z0-9_-]+`)

const redacted = "[redacted]"

// NewLogger writes text or JSON lines to w, from level on, with secrets masked.
func NewLogger(w io.Writer, level slog.Leveler, format string) *slog.Logger {
	o := &slog.HandlerOptions{Level: level}
	var h slog.Handler = slog.NewTextHandler(w, o)
	if format == "json" {
		h = slog.NewJSONHandler(w, o)
	}
	return slog.New(masked{h})
}

// masked is a handler that masks secrets in messages and attributes.
type masked struct {
	slog.Handler
}

// Handle masks one record and hands it on.
func (m masked) Handle(ctx context.Context, r slog.Record) error {
	clean := slog.NewRecord(r.Time, r.Level, mask(r.Message), r.PC)
	r.Attrs(func(a slog.Attr) bool {
		clean.AddAttrs(maskAttr(a))
		return true
	})
	return m.Handler.Handle(ctx, clean)
}

// WithAttrs masks the attributes once.
func (m masked) WithAttrs(attrs []slog.Attr) slog.Handler {
	clean := make([]slog.Attr, len(attrs))
	for i, a := range attrs {
		clean[i] = maskAttr(a)
	}
	return masked{m.Handler.WithAttrs(clean)}
}

// WithGroup keeps the mask.
func (m masked) WithGroup(name string) slog.Handler { return masked{m.Handler.WithGroup(name)} }

func maskAttr(a slog.Attr) slog.Attr {
	v := a.Value.Resolve()
	switch v.Kind() {
	case slog.KindString:
		a.Value = slog.StringValue(mask(v.String()))
	case slog.KindAny:
		if err, ok := v.Any().(error); ok {
			a.Value = slog.StringValue(mask(err.Error()))
		}
	case slog.KindGroup:
		group := v.Group()
		clean := make([]slog.Attr, len(group))
		for i, g := range group {
			clean[i] = maskAttr(g)
		}
		a.Value = slog.GroupValue(clean...)
	default:
		a.Value = v
	}
	return a
}

func mask(s string) string { return secretForms.ReplaceAllString(s, redacted) }
