package telemetry

import (
	"fmt"
	"io"
	"log/slog"
	"regexp"
	"slices"
	"strings"
)

// Keys are the names that attributes of log records have. A test holds the whole module to them.
var Keys = []string{
	"addr", "app", "attempt", "bytes", "code", "consumer", "engine", "err", "error_id", "event_id", "issuer", "job", "method", "model", "name",
	"panic", "partition", "reason", "retry_ms", "route", "rows", "seq", "stack", "task_id", "took", "tool", "topic", "trace_id", "turn_id", "user_id",
}

// secretForms are what must never reach a log, wherever it hides: tokens, personal tokens, keys of webhooks, bearer credentials, sign-in codes
// in a link, keys of models, addresses of feeds, session cookies, and passwords in addresses.
var secretForms = regexp.MustCompile(strings.Join([]string{
	`eyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]*`,
	`(?:tdm|whk)_[A-Za-z0-9_-]+`,
	`(?i:bearer)[ .][A-Za-z0-9._~+/=-]+`,
	`#code=[A-Za-z0-9_-]+`,
	`sk-[A-Za-z0-9_-]{8,}`,
	`/feeds/[A-Za-z0-9_%.-]+`,
	`tandem_session=[^;\s]+`,
	`://[^/\s:@]+:[^/\s@]+@`,
}, "|"))

const redacted = "[redacted]"

// minMasked is the length from which a configured secret is masked as it is: a shorter one would mask ordinary words.
const minMasked = 8

// NewLogger writes text or JSON lines to w, from level on. Secrets are masked: those of a known form, and the given ones as
// they are.
func NewLogger(w io.Writer, level slog.Leveler, format string, secrets ...string) *slog.Logger {
	m := masker{secrets: slices.DeleteFunc(slices.Clone(secrets), func(s string) bool { return len(s) < minMasked })}
	o := &slog.HandlerOptions{Level: level, ReplaceAttr: m.attr}
	if format == "json" {
		return slog.New(slog.NewJSONHandler(w, o))
	}
	return slog.New(slog.NewTextHandler(w, o))
}

// masker takes secrets out of records.
type masker struct {
	secrets []string
}

// attr masks one attribute; the handler calls it for each, the message and members of groups included.
func (m masker) attr(_ []string, a slog.Attr) slog.Attr {
	switch a.Value.Kind() {
	case slog.KindString:
		a.Value = slog.StringValue(m.text(a.Value.String()))
	case slog.KindAny:
		v := a.Value.Any()
		if err, ok := v.(error); ok {
			a.Value = slog.StringValue(m.text(err.Error()))
		} else if text := fmt.Sprintf("%+v", v); m.text(text) != text {
			a.Value = slog.StringValue(m.text(text))
		}
	default: // numbers, times and groups, whose members come by themselves
	}
	return a
}

func (m masker) text(s string) string {
	for _, secret := range m.secrets {
		s = strings.ReplaceAll(s, secret, redacted)
	}
	return secretForms.ReplaceAllString(s, redacted)
}
