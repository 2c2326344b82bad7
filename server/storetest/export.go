package storetest

import (
	"encoding/json"
	"io"
	"strings"
	"time"

	"tandem"
)

// line is a row of an export.
type line struct {
	kind string
	row  json.RawMessage
}

func (s *stage) export() (lines []line) {
	s.Helper()
	s.must(s.Export(s.ctx(), ann, func(kind string, row json.RawMessage) error {
		lines = append(lines, line{kind, row})
		return nil
	}))
	return lines
}

// source gives lines one after the other.
func source(lines []line) func() (string, json.RawMessage, error) {
	return func() (string, json.RawMessage, error) {
		if len(lines) == 0 {
			return "", nil, io.EOF
		}
		next := lines[0]
		lines = lines[1:]
		return next.kind, next.row, nil
	}
}

func (s *stage) load(user tandem.UserID, lines []line) int {
	s.Helper()
	n, err := s.Import(s.ctx(), user, source(lines))
	s.must(err)
	return n
}

// life gives ann a history: tasks in every state, a talk, settings.
func life(s *stage) {
	s.Helper()
	s.daily()
	s.add(ann, tandem.Draft{Title: "Two", Tags: []string{"x"}})
	s.clock.pass(time.Hour)
	s.run(ann, completing("", number(1)))
	s.run(ann, succeeding("e1", number(1)))
	s.run(ann, deleting(number(2)))
	s.talk(ann, 0, "hello", "hi")
	_, err := s.AddMessage(s.ctx(), ann, by(""), tandem.Message{Conversation: 1, Role: tandem.RoleHidden, Text: "secret"})
	s.must(err)
	s.set(ann, inZone("Asia/Tokyo"))
	_, err = s.AppendAudit(s.ctx(), tandem.TopicTaskEvents, event(s, ann, "e"))
	s.must(err)
	s.clock.pass(time.Hour)
}

var exports = map[string]func(*stage){
	"what was exported comes back": func(s *stage) {
		life(s)
		want, past := s.everything(ann), s.clock.Now().Add(-90*time.Minute)
		before := s.titles(ann, tandem.Query{AsOf: &past})
		lines := s.export()
		s.must(s.DeleteUser(s.ctx(), ann))
		s.load(ann, lines)
		equal(s, "tasks", s.everything(ann), want)
		equal(s, "the list of an hour before", s.titles(ann, tandem.Query{AsOf: &past}), before)
		page, _ := s.history("", 10)
		equal(s, "talk", texts(page), []string{"hello", "hi"})
		equal(s, "zone", must(s.Settings(s.ctx(), ann)).TimeZone, "Asia/Tokyo")
		equal(s, "trail", len(must(s.Audit(s.ctx(), tandem.AuditFilter{User: ann, Limit: 10}))), 1)
		s.run(ann, completing("", number(3)))
		s.run(ann, succeeding("e2", number(3)))
		equal(s, "the series goes on", s.open(), 1)
	},
	"reading it twice adds nothing": func(s *stage) {
		life(s)
		lines := s.export()
		equal(s, "new rows", s.load(ann, lines), 0)
		equal(s, "new rows of another", s.load(bob, lines) > 0, true)
		equal(s, "new rows of another, again", s.load(bob, lines), 0)
		if text := seen(s, bob); strings.Contains(text, `"ann"`) {
			s.Fatalf("bob's rows name ann: %s", text)
		}
	},
	"a finished task of a file promises nothing": func(s *stage) {
		row := `{"uid":"0190f3c2-0000-7000-8000-000000000000","title":"x","priority":"low","created_at":"2031-01-01T00:00:00Z","completed_at":"2031-01-02T00:00:00Z",
			"reminders":[{"id":"r","at":"2031-05-01T11:00:00Z","state":"scheduled","generation":1}]}`
		s.load(ann, []line{{"task", json.RawMessage(row)}})
		equal(s, "promises", len(s.promises(2*time.Hour)), 0)
	},
	"numbers that are taken are given anew": func(s *stage) {
		life(s)
		s.add(bob, tandem.Draft{Title: "His"})
		s.load(bob, s.export())
		equal(s, "his own", s.task(bob, 1).Title, "His")
		equal(s, "tasks", len(s.everything(bob)), 4)
	},
	"an export holds no secret and nothing hidden": func(s *stage) {
		fill(s, ann, "cnryann")
		_, err := s.AddMessage(s.ctx(), ann, by(""), tandem.Message{Conversation: 1, Role: tandem.RoleHidden, Text: "secret"})
		s.must(err)
		for _, l := range s.export() {
			for _, word := range []string{"secret", "hash-cnryann", "feed-cnryann", "device-cnryann"} {
				if strings.Contains(string(l.row), word) {
					s.Errorf("%s holds %q: %s", l.kind, word, l.row)
				}
			}
		}
	},
	"a row that does not fit is refused": func(s *stage) {
		task := `{"uid":"0190f3c2-0000-7000-8000-000000000000","title":"x","priority":"low","created_at":"2031-01-01T00:00:00Z"}`
		equal(s, "a good one", s.load(ann, []line{{"task", json.RawMessage(task)}}), 1)
		for name, l := range map[string]line{
			"kind": {"secrets", json.RawMessage(`{}`)}, "not JSON": {"task", json.RawMessage(`{`)}, "no object": {"task", json.RawMessage(`7`)},
			"uid": {"task", json.RawMessage(strings.Replace(task, "0190f3c2", "../../", 1))}, "title": {"task", json.RawMessage(strings.Replace(task, `"x"`, `" "`, 1))},
			"priority": {"task", json.RawMessage(strings.Replace(task, "low", "URGENT", 1))},
			"due":      {"task", json.RawMessage(strings.Replace(task, `"low"`, `"low","due":{"date":"2031-02-30"}`, 1))},
			"rule":     {"task", json.RawMessage(strings.Replace(task, `"low"`, `"low","series":{"id":"s","rule":"FREQ=SECONDLY"}`, 1))},
			"message":  {"message", json.RawMessage(`{"id":"m","conversation":7,"role":"user"}`)},
			"event":    {"event", json.RawMessage(`{"topic":"task-events","event":{}}`)},
			"settings": {"settings", json.RawMessage(`{"time_zone":"Mars"}`)},
		} {
			if _, err := s.Import(s.ctx(), ann, source([]line{l})); tandem.AsError(err).Code != tandem.CodeInvalid {
				s.Errorf("%s: %v, want invalid", name, err)
			}
		}
		equal(s, "tasks", len(s.everything(ann)), 1)
	},
}
