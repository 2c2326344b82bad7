package main

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tandem"
	"tandem/sync/session"
)

func TestSocketAssistant_SpendsATurn(t *testing.T) {
	spent := ""
	a := socketAssistant{spend: func(_ context.Context, user tandem.UserID, turn string) error {
		spent = string(user) + " " + turn
		return tandem.Limited("turns", 1000, "Too many.")
	}}
	if _, err := a.Chat(t.Context(), "ann", session.ChatRequest{Turn: "t1", Text: "hi"}); !errors.Is(err, tandem.ErrLimited) || spent != "ann t1" {
		t.Errorf("a turn that cannot be paid for: %v, spent by %q; want limited, ann t1", err, spent)
	}
}

func TestParseWords_GivesValuesThatToolsTake(t *testing.T) {
	now := time.Date(2026, 11, 20, 10, 0, 0, 0, time.UTC)
	p := parseWords(tandem.DefaultSettings(), "Call Ann tomorrow at 9 p1 #home #work remind me 1h before", time.UTC, now)
	got := map[string][]string{}
	for _, s := range p.Spans {
		got[s.K] = append(got[s.K], s.V)
	}
	want := map[string][]string{"due": {"2026-11-21T09:00"}, "priority": {"urgent"}, "tag": {"home", "work"}, "reminder": {"1h"}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Fatalf("values differ (-want +got):\n%s", diff)
	}
	if due := parseWords(tandem.DefaultSettings(), "tea in 90 seconds", time.UTC, now).Due; due == nil || due.Time != "10:01:30" {
		t.Fatalf("due %+v, want 10:01:30", due)
	}
}
