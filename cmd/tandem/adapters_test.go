package main

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tandem"
)

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
