package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"io"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestParse_AnswersEachLine(t *testing.T) {
	long := strings.Repeat("a", maxText+1)
	rows := []struct{ in, want string }{
		{
			`{"id":7,"text":"🎉 Pay rent tomorrow at 5pm #home p1","now":"2026-03-04T10:00:00+01:00","tz":"Europe/Berlin"}`,
			`{"id":7,"title":"🎉 Pay rent","due":{"date":"2026-03-05","time":"17:00","tz":"Europe/Berlin"},"recurrence":null,` +
				`"priority":"urgent","tags":["home"],"spans":[{"start":12,"end":27,"kind":"due","text":"tomorrow at 5pm"},` +
				`{"start":28,"end":33,"kind":"tag","text":"#home"},{"start":34,"end":36,"kind":"priority","text":"p1"}]}`,
		},
		{
			`{"id":"r","text":"Run every Monday starting 9 March","now":"2026-03-04T10:00:00Z","tz":"UTC","more":1}`,
			`{"id":"r","title":"Run","due":{"date":"2026-03-09","time":null,"tz":"UTC"},` +
				`"recurrence":{"rrule":"FREQ=WEEKLY;BYDAY=MO","start":"2026-03-09","from":"schedule"},"priority":null,"tags":[],` +
				`"spans":[{"start":4,"end":33,"kind":"recurrence","text":"every Monday starting 9 March"}]}`,
		},
		{
			`{"id":{"a":[1.50]},"text":"3:15:20 pm <b>","now":"2026-03-04T10:00:00Z","tz":"UTC"}`,
			`{"id":{"a":[1.50]},"title":"<b>","due":{"date":"2026-03-04","time":"15:15:20","tz":"UTC"},"recurrence":null,` +
				`"priority":null,"tags":[],"spans":[{"start":0,"end":10,"kind":"due","text":"3:15:20 pm"}]}`,
		},
		{`nonsense`, bad(`null`, errBadLine.Error())},
		{`{"id":1,"text":5}`, bad(`1`, errBadLine.Error())},
		{`{"id":2,"text":"x","now":"today","tz":"UTC"}`, bad(`2`, `now is no RFC 3339 time: \"today\"`)},
		{`{"id":3,"text":"x","now":"2026-03-04T10:00:00Z","tz":"Local"}`, bad(`3`, `tz is no IANA time zone: \"Local\"`)},
		{`{"id":4,"text":"x","now":"2026-03-04T10:00:00Z"}`, bad(`4`, `tz is no IANA time zone: \"\"`)},
		{`{"id":5,"text":"` + long + `","now":"2026-03-04T10:00:00Z","tz":"UTC"}`, bad(`5`, `text is longer than 4000 characters`)},
		{`{"id":10,"text":"x tomorrow","now":"9999-12-31T10:00:00Z","tz":"UTC"}`, bad(`10`, `now lies outside the years 1971 to 9998: \"9999-12-31T10:00:00Z\"`)},
		{`{"id":8,"now":"2026-03-04T10:00:00Z","tz":"UTC"}`, bad(`8`, errNoText.Error())},
		{`{"id":9,"text":null,"now":"2026-03-04T10:00:00Z","tz":"UTC"}`, bad(`9`, errNoText.Error())},
		{`{"id":6,"text":"` + strings.Repeat("a", maxLine) + `"}`, bad(`null`, errLongLine.Error())},
		{``, bad(`null`, errBadLine.Error())},
	}
	var in, want strings.Builder
	for _, row := range rows {
		in.WriteString(row.in + "\n")
		want.WriteString(row.want + "\n")
	}
	var out bytes.Buffer
	if err := runParse([]string{"--jsonl"}, strings.NewReader(in.String()), &out); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(strings.Split(want.String(), "\n"), strings.Split(out.String(), "\n")); diff != "" {
		t.Errorf("answers (-want +got):\n%s", diff)
	}
}

func bad(id, reason string) string {
	return `{"id":` + id + `,"title":"","due":null,"recurrence":null,"priority":null,"tags":[],"spans":[],"error":"` + reason + `"}`
}

func TestParse_AnswersALineBeforeTheNextIsWritten(t *testing.T) {
	in, toIn := io.Pipe()
	fromOut, out := io.Pipe()
	done := make(chan error, 1)
	go func() { done <- runParse([]string{"--jsonl"}, in, out) }()
	answers := bufio.NewScanner(fromOut)
	for _, id := range []string{"1", "2"} {
		// The beginning of the next line is no reason to hold the answer back.
		if _, err := io.WriteString(toIn, `{"id":`+id+`,"text":"x","now":"2026-03-04T10:00:00Z","tz":"UTC"}`+"\n "); err != nil {
			t.Fatal(err)
		}
		var answer struct{ ID json.Number }
		if !answers.Scan() || json.Unmarshal(answers.Bytes(), &answer) != nil || answer.ID.String() != id {
			t.Fatalf("answer %q, want that of line %s", answers.Text(), id)
		}
	}
	if err := toIn.Close(); err != nil {
		t.Fatal(err)
	}
	// The space behind the last line is a bad line of its own.
	if !answers.Scan() || !strings.Contains(answers.Text(), `"error"`) {
		t.Errorf("answer %q to a line without an end, want an error", answers.Text())
	}
	if err := <-done; err != nil {
		t.Fatal(err)
	}
}

func TestParse_EndsWithTheOutput(t *testing.T) {
	fromOut, out := io.Pipe()
	fromOut.Close()
	err := runParse([]string{"--jsonl"}, strings.NewReader("{}\n"), out)
	if err == nil {
		t.Error("a closed output is no error")
	}
	if err := runParse(nil, strings.NewReader(""), io.Discard); err == nil {
		t.Error("parse without --jsonl is no error")
	}
}
