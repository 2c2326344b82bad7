package telemetry

import (
	"cmp"
	"context"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"log/slog"
	"regexp"
	"slices"
	"strings"
	"sync/atomic"

	"tandem"
)

// Keys are the names that attributes of log records have. A test holds the whole module to them, and a line shows no others.
var Keys = []string{
	"addr", "app", "attempt", "bytes", "code", "consumer", "engine", "err", "error_id", "event_id", "issuer", "job", "method", "model", "name",
	"panic", "partition", "reason", "retry_ms", "route", "rows", "seq", "stack", "step", "task_id", "took", "tool", "topic", "trace_id", "turn_id", "user_id",
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

// LogOptions make a logger.
type LogOptions struct {
	Level  slog.Leveler
	Format string // text or json
	// Key hashes the ids of people. Loggers with one key give one person one hash.
	Key []byte
	// Secrets are masked as they are, besides those of a known form; nil: there are none.
	Secrets *Secrets
	// Sink takes every line too; nil: none does.
	Sink *Loki
}

// NewLogger writes a line for each record to w. A line tells the trace of the record's context, has attributes of Keys alone, names people by
// a hash, and shows no secret.
func NewLogger(w io.Writer, o LogOptions) *slog.Logger {
	r := &rules{key: o.Key, secrets: cmp.Or(o.Secrets, &Secrets{})}
	ho := &slog.HandlerOptions{Level: o.Level, ReplaceAttr: r.attr}
	var h slog.Handler
	switch {
	case o.Format != "json" && o.Sink != nil:
		h = slog.NewMultiHandler(slog.NewTextHandler(w, ho), slog.NewJSONHandler(o.Sink, ho))
	case o.Format != "json":
		h = slog.NewTextHandler(w, ho)
	case o.Sink != nil:
		h = slog.NewJSONHandler(both{w, o.Sink}, ho)
	default:
		h = slog.NewJSONHandler(w, ho)
	}
	return slog.New(traced{h})
}

// both writes to standard output, which decides what is told of it, and to the sink.
type both struct {
	out  io.Writer
	sink *Loki
}

func (b both) Write(line []byte) (int, error) {
	_, _ = b.sink.Write(line)
	return b.out.Write(line)
}

// traced adds the trace of the context to each record.
type traced struct{ slog.Handler }

// Handle adds the trace.
func (h traced) Handle(ctx context.Context, r slog.Record) error {
	if t := tandem.TraceOf(ctx); t.ID != "" {
		r = r.Clone()
		r.AddAttrs(slog.String(keyTrace, t.ID))
	}
	return h.Handler.Handle(ctx, r)
}

// WithAttrs keeps the trace for records of the logger that has the attributes.
func (h traced) WithAttrs(attrs []slog.Attr) slog.Handler { return traced{h.Handler.WithAttrs(attrs)} }

// WithGroup keeps the trace for records of the logger that has the group.
func (h traced) WithGroup(name string) slog.Handler { return traced{h.Handler.WithGroup(name)} }

// Keys that mean more than their text.
const (
	keyTrace = "trace_id"
	keyUser  = "user_id"
	keyHash  = "user_hash"
)

// UserHash names a person in logs and traces. Who does not have the key cannot tell who it is; without a key nobody is named.
func UserHash(key []byte, user string) string {
	if len(key) == 0 || user == "" {
		return ""
	}
	mac := hmac.New(sha256.New, key)
	_, _ = io.WriteString(mac, user)
	return hex.EncodeToString(mac.Sum(nil)[:8])
}

// KeyFrom makes the key of hashes out of a secret: the same one each time (HKDF, RFC 5869).
func KeyFrom(secret []byte) string {
	key, err := hkdf.Key(sha256.New, secret, nil, "tandem logs", 32)
	if err != nil {
		panic("HKDF refuses 32 bytes: " + err.Error())
	}
	return string(key)
}

// Secrets are words that no line shows. More may come while lines are written.
type Secrets struct {
	words atomic.Pointer[[]string]
}

// NewSecrets holds words. Those that are so short that they stand in other words are left out.
func NewSecrets(words ...string) *Secrets {
	s := &Secrets{}
	s.Add(words...)
	return s
}

// Add has words masked from now on.
func (s *Secrets) Add(words ...string) {
	words = slices.DeleteFunc(slices.Clone(words), func(w string) bool { return len(w) < minMasked })
	for {
		before := s.words.Load()
		all := words
		if before != nil {
			all = slices.Concat(*before, words)
		}
		if s.words.CompareAndSwap(before, &all) {
			return
		}
	}
}

func (s *Secrets) mask(text string) string {
	if words := s.words.Load(); words != nil {
		for _, w := range *words {
			text = strings.ReplaceAll(text, w, redacted)
		}
	}
	return text
}

// rules are what an attribute has to follow.
type rules struct {
	key     []byte
	secrets *Secrets
}

// attr applies them to one attribute; the handler calls it for each, the message and members of groups included.
func (r *rules) attr(_ []string, a slog.Attr) slog.Attr {
	switch a.Key {
	case slog.TimeKey, slog.LevelKey:
		return a
	case slog.MessageKey:
		return slog.String(a.Key, r.text(a.Value.String()))
	case keyUser:
		return slog.String(keyHash, UserHash(r.key, a.Value.String()))
	}
	if !slices.Contains(Keys, a.Key) {
		return slog.Attr{}
	}
	switch a.Value.Kind() {
	case slog.KindString:
		a.Value = slog.StringValue(r.text(a.Value.String()))
	case slog.KindAny:
		v := a.Value.Any()
		if err, ok := v.(error); ok {
			a.Value = slog.StringValue(r.text(private(err)))
		} else if text := fmt.Sprintf("%+v", v); r.text(text) != text {
			a.Value = slog.StringValue(r.text(text))
		}
	default: // numbers, times and groups, whose members come by themselves
	}
	return a
}

func (r *rules) text(s string) string {
	return secretForms.ReplaceAllString(r.secrets.mask(s), redacted)
}

// private gives the text of an error without what a person wrote. Messages for the person may repeat that.
func private(err error) string {
	text := err.Error()
	told(err, func(e *tandem.Error) {
		if e.Message != "" && repeats(e) {
			text = strings.ReplaceAll(text, e.Message, "["+e.Details.Field+"]")
		}
	})
	return text
}

// repeats reports that the message of an error may hold words of a person.
func repeats(e *tandem.Error) bool {
	switch e.Code {
	case tandem.CodeNotFound, tandem.CodeAmbiguous, tandem.CodeConflict, tandem.CodeNeedsApproval:
		return true
	case tandem.CodeInvalid, tandem.CodeForbidden, tandem.CodeLimited, tandem.CodeInternal:
	}
	return e.Details.Value != nil || e.Details.Candidates != nil
}

// told calls f for each error of the product in the tree of err.
func told(err error, f func(*tandem.Error)) {
	if e, ok := err.(*tandem.Error); ok { //nolint:errorlint // each node by itself
		f(e)
	}
	switch x := err.(type) { //nolint:errorlint // each node by itself
	case interface{ Unwrap() error }:
		if in := x.Unwrap(); in != nil {
			told(in, f)
		}
	case interface{ Unwrap() []error }:
		for _, in := range x.Unwrap() {
			told(in, f)
		}
	}
}
