package rest_test

import (
	"net/http"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"tandem"
	"tandem/server/auth"
	"tandem/server/rest"
)

// dated gives an open task due on a date, at a time or for the whole day.
func dated(uid, title, date, clock string) tandem.Task {
	due := tandem.Due{Date: date, Time: clock}
	zone, err := tandem.LoadZone("Asia/Karachi")
	if err != nil {
		panic(err)
	}
	at := due.At(zone)
	return tandem.Task{UID: uid, Title: title, Due: &due, DueAt: &at, UpdatedAt: time.Date(2026, 11, 1, 8, 0, 0, 0, time.UTC)}
}

func TestFeed_DatedTasksAsACalendar(t *testing.T) {
	secret := strings.Repeat("s", 43)
	rent := dated("0190f3c2-0000-7000-8000-000000000001", "Pay rent; 50 %, \"today\"\\\r\nBEGIN:VEVENT", "2026-12-01", "09:00")
	rent.Description, rent.Tags = "line one\nline two", []string{"home", "a,b"}
	trip := dated("0190f3c2-0000-7000-8000-000000000002", strings.Repeat("Überlänge ", 15), "2026-12-24", "")
	water := dated("0190f3c2-0000-7000-8000-000000000003", "Water plants", "2026-12-02", "")
	water.Series = &tandem.Series{ID: "s", Rule: "FREQ=WEEKLY;COUNT=3", From: tandem.FromSchedule, Anchor: *water.Due, Key: "2026-12-02"}
	done := dated("0190f3c2-0000-7000-8000-000000000004", "Done already", "2026-12-01", "")
	done.CompletedAt = &done.UpdatedAt
	undated := tandem.Task{UID: "0190f3c2-0000-7000-8000-000000000005", Title: "Someday"}
	s := start(t, func(o *rest.Options) {
		o.Calendar = calendar{auth.Hash(secret): {rent, trip, water, done, undated}}
	})
	r := s.call(http.MethodGet, "/feeds/"+secret+".ics", nil, "")
	wantStatus(t, r, http.StatusOK)
	if got := r.Header.Get("Content-Type"); got != "text/calendar; charset=utf-8" {
		t.Errorf("media type %s", got)
	}
	for _, want := range []string{
		"BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:", "DTSTART:20261201T040000Z\r\n", "DTSTART;VALUE=DATE:20261224\r\n", "DTSTAMP:20261101T080000Z\r\n",
		`SUMMARY:Pay rent\; 50 %\, "today"\\\nBEGIN:VEVENT` + "\r\n", `DESCRIPTION:line one\nline two`, `CATEGORIES:home,a\,b`,
		"DTSTART;VALUE=DATE:20261202\r\n", "DTSTART;VALUE=DATE:20261209\r\n", "DTSTART;VALUE=DATE:20261216\r\n",
	} {
		if !strings.Contains(r.body, want) {
			t.Errorf("the calendar lacks %q:\n%s", want, r.body)
		}
	}
	if strings.Contains(r.body, "Done already") || strings.Contains(r.body, "Someday") || strings.Contains(r.body, "20261223") {
		t.Errorf("the calendar shows too much:\n%s", r.body)
	}
	if n := strings.Count(r.body, "\r\nBEGIN:VEVENT\r\n"); n != 5 {
		t.Errorf("%d events, want 5", n)
	}
	for line := range strings.SplitSeq(strings.TrimSuffix(r.body, "\r\n"), "\r\n") {
		if len(line) > 75 || !utf8.ValidString(line) || strings.ContainsAny(line, "\r\n") {
			t.Errorf("a bad content line: %q", line)
		}
	}
	if unfolded := strings.ReplaceAll(r.body, "\r\n ", ""); !strings.Contains(unfolded, "SUMMARY:"+strings.Repeat("Überlänge ", 15)) {
		t.Error("folding changed a title")
	}
	wantStatus(t, s.call(http.MethodGet, "/feeds/"+secret+".ics", header{"If-None-Match": r.Header.Get("ETag")}, ""), http.StatusNotModified)
}

func TestFeed_UnknownSecretsShowNothing(t *testing.T) {
	s := start(t, func(o *rest.Options) { o.Calendar = calendar{} })
	first := s.call(http.MethodGet, "/feeds/"+strings.Repeat("A", 43)+".ics", nil, "")
	for _, secret := range []string{"x", "..%2f..%2fetc%2fpasswd", strings.Repeat("A", 5000), "%00", "a b"} {
		r := s.call(http.MethodGet, "/feeds/"+strings.ReplaceAll(secret, " ", "%20")+".ics", nil, "")
		if r.StatusCode != http.StatusNotFound || r.body != first.body {
			t.Errorf("%.20s: %d %s, want the same 404 for all", secret, r.StatusCode, r.body)
		}
	}
}
