package tools

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"tandem"
)

// broken is a store that fails or panics.
type broken struct {
	Store
	err error
}

func (s broken) Settings(context.Context, tandem.UserID) (tandem.Settings, error) {
	if s.err == nil {
		panic("store panic")
	}
	return tandem.Settings{}, s.err
}

func TestCall_InternalErrorsAreLoggedUnderAnID(t *testing.T) {
	for _, cause := range []error{errors.New("disk secret"), nil} {
		var log bytes.Buffer
		b := newBench(t, func(o *Options) { o.Log = slog.New(slog.NewJSONHandler(&log, nil)) })
		b.tb.Store = broken{b.db, cause}
		_, err := b.tb.Call(t.Context(), b.person("ann").caller, ListTasks, nil)
		e := tandem.AsError(err)
		same(t, "code", e.Code, tandem.CodeInternal)
		var line m
		if err := json.Unmarshal(log.Bytes(), &line); err != nil {
			t.Fatal(err)
		}
		if id := line["error_id"].(string); !strings.Contains(e.Message, id) || strings.Contains(e.Message, "secret") || strings.Contains(e.Message, "panic") {
			t.Errorf("the person reads %q, the log says %s", e.Message, log.String())
		}
		if got := string(errorResult(err)); strings.Contains(got, "secret") || strings.Contains(got, "panic") {
			t.Errorf("the client reads %s", got)
		}
	}
}

func TestCall_AStoreThatDoesNotAnswerIsWorthAnotherCall(t *testing.T) {
	b := newBench(t)
	b.tb.Store = broken{b.db, fmt.Errorf("read: %w", tandem.Unavailable(errors.New("disk secret")))}
	_, err := b.tb.Call(t.Context(), b.person("ann").caller, ListTasks, nil)
	e := tandem.AsError(err)
	if e.Code != tandem.CodeInternal || e.Details.RetryMS == 0 || strings.Contains(e.Message, "secret") {
		t.Errorf("%q, again after %d ms", e.Message, e.Details.RetryMS)
	}
	if got := string(errorResult(err)); strings.Contains(got, "secret") {
		t.Errorf("the client reads %s", got)
	}
}

func TestCall_IsMeasured(t *testing.T) {
	var seen []string
	b := newBench(t, func(o *Options) {
		o.Metrics.Called = func(tool, outcome string, _ time.Duration) { seen = append(seen, tool+" "+outcome) }
	})
	u := b.person("ann")
	u.do(AddTask, m{"title": "x", "op_id": "op"})
	u.do(AddTask, m{"title": "x", "op_id": "op"})
	u.refused(tandem.CodeNotFound, DeleteTask, m{"task_id": 9})
	u.refused(tandem.CodeInvalid, "drop_tables", nil)
	same(t, "calls", seen, []string{"add_task ok", "add_task replayed", "delete_task not_found", "unknown invalid"})
}

func TestConventions_FollowTheSettings(t *testing.T) {
	for locale, want := range map[string]string{"en": "2027-03-04", "en-US": "2027-03-04", "en_GB": "2027-04-03", "de": "2027-04-03"} {
		u := newBench(t).person("ann")
		u.settings(func(s *tandem.Settings) { s.Locale = locale })
		same(t, locale, u.do(AddTask, m{"title": "x", "due": "3/4"})["task"].(m)["due"], any(m{"date": want}))
	}
	for start, want := range map[string][]string{"monday": {}, "sunday": {}, "saturday": {"saturday"}} {
		u := newBench(t).person("ann")
		u.settings(func(s *tandem.Settings) { s.WeekStart, s.Words.Morning = start, "06:30" })
		u.do(AddTask, m{"title": "saturday", "due": "2026-11-21"})
		same(t, start, u.titles(m{"due_date_filter": "this_week"}), want)
		same(t, "morning", u.do(AddTask, m{"title": "x", "due": "tomorrow morning"})["task"].(m)["due"], any(m{"date": "2026-11-26", "time": "06:30"}))
	}
}

func TestDefaults(t *testing.T) {
	tb := New(Options{Store: newBench(t).db})
	if _, err := tb.Call(t.Context(), Caller{User: "ann", Kind: Person}, AddTask, json.RawMessage(`{"title":"One","due":"tomorrow"}`)); err != nil {
		t.Fatal(err)
	}
}
