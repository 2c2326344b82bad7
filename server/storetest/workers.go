package storetest

import (
	"encoding/json"
	"time"

	"tandem"
)

// reminded makes a task with one reminder and gives its promise.
func (s *stage) reminded(user tandem.UserID, in time.Duration) tandem.DuePromise {
	s.Helper()
	at := s.clock.Now().Add(in)
	t := s.add(user, tandem.Draft{Title: "Remember", Reminders: []tandem.ReminderSpec{{At: &at}}})
	return tandem.DuePromise{User: user, TaskUID: t.UID, ReminderID: t.Reminders[0].ID, Generation: 1, At: at}
}

func (s *stage) promises(until time.Duration) []tandem.DuePromise {
	s.Helper()
	out, err := s.DueReminders(s.ctx(), s.clock.Now().Add(until), 100)
	s.must(err)
	return out
}

// firing claims a promise as the reminder worker does.
func firing(p tandem.DuePromise) tandem.Edit {
	return tandem.Edit{Cause: tandem.Cause{Actor: tandem.ActorReminder}, Refs: []tandem.TaskRef{{UID: p.TaskUID}}, Decide: func(sc tandem.Scene) (tandem.Plan, error) {
		if t, ok := tandem.Fire(sc, *sc.Tasks[0], p.ReminderID, p.Generation); ok {
			return tandem.Plan{Tasks: []tandem.Task{t}}, nil
		}
		return tandem.Plan{}, nil
	}}
}

func noticeOf(s *stage, p tandem.DuePromise, id string) tandem.Notice {
	return tandem.Notice{
		ID: id, UserID: p.User, ReminderID: p.ReminderID, Generation: p.Generation, TaskUID: p.TaskUID, Number: 1, Title: "Remember",
		Due: &tandem.Due{Date: "2031-05-02"}, FiredAt: s.clock.Now(),
	}
}

func (s *stage) notice(n tandem.Notice, event string) bool {
	s.Helper()
	added, err := s.AddNotice(s.ctx(), tandem.Inbox{Consumer: "notifications", EventID: event}, n)
	s.must(err)
	return added
}

// event makes one of the trail.
func event(s *stage, user tandem.UserID, id string) tandem.Event {
	return tandem.Event{
		EventID: id, EventType: tandem.EventTaskUpdated, UserID: user, Timestamp: tandem.Stamp(s.clock.Now()), TaskID: tandem.NewID(),
		Payload: tandem.Payload{Seq: 1, Actor: tandem.ActorUser},
	}
}

var workers = map[string]func(*stage){
	"the outbox gives events in order until they are published": func(s *stage) {
		s.add(ann, tandem.Draft{Title: "One"})
		s.add(bob, tandem.Draft{Title: "Two"})
		all, err := s.Outbox(s.ctx(), 100)
		s.must(err)
		equal(s, "events", len(all), 4)
		first, err := s.Outbox(s.ctx(), 1)
		s.must(err)
		equal(s, "oldest", first[0].ID, all[0].ID)
		s.must(s.MarkPublished(s.ctx(), []int64{all[0].ID, all[2].ID, 1 << 40}))
		rest, err := s.Outbox(s.ctx(), 100)
		s.must(err)
		equal(s, "left", []int64{rest[0].ID, rest[1].ID}, []int64{all[1].ID, all[3].ID})
		s.must(s.MarkPublished(s.ctx(), nil))
	},
	"promises are due in order, of everyone": func(s *stage) {
		late, soon := s.reminded(ann, 2*time.Hour), s.reminded(bob, time.Hour)
		equal(s, "promises", s.promises(3*time.Hour), []tandem.DuePromise{soon, late})
		equal(s, "within the hour", s.promises(time.Hour), []tandem.DuePromise{soon})
		limited, err := s.DueReminders(s.ctx(), late.At, 1)
		s.must(err)
		equal(s, "the first", limited, []tandem.DuePromise{soon})
	},
	"a finished task promises nothing, a reopened one again": func(s *stage) {
		p := s.reminded(ann, time.Hour)
		s.run(ann, completing("", number(1)))
		equal(s, "promises", len(s.promises(2*time.Hour)), 0)
		s.run(ann, reopening(number(1)))
		p.Generation = 3
		equal(s, "promises", s.promises(2*time.Hour), []tandem.DuePromise{p})
		s.run(ann, deleting(number(1)))
		equal(s, "promises", len(s.promises(2*time.Hour)), 0)
	},
	"a promise is kept once": func(s *stage) {
		p := s.reminded(ann, time.Hour)
		equal(s, "early", s.run(ann, firing(p)).Wrote(), false)
		s.clock.pass(time.Hour)
		fired := 0
		for _, wrote := range together(8, func(int) bool {
			out, err := s.Edit(s.ctx(), ann, firing(p))
			if err != nil {
				s.Error(err)
			}
			return out.Wrote()
		}) {
			if wrote {
				fired++
			}
		}
		equal(s, "firings", fired, 1)
		due := 0
		for _, e := range s.events(ann) {
			if e.EventType == tandem.EventReminderDue {
				due++
			}
		}
		equal(s, "reminder.due events", due, 1)
	},
	"one notice a generation and event, while the task is open": func(s *stage) {
		p := s.reminded(ann, time.Hour)
		equal(s, "added", s.notice(noticeOf(s, p, "n1"), "e1"), true)
		equal(s, "the same event", s.notice(noticeOf(s, p, "n1"), "e1"), false)
		equal(s, "another event of the generation", s.notice(noticeOf(s, p, "n2"), "e2"), false)
		if _, shown := s.snapshot().rows["notice/n1"]; !shown {
			s.Fatal("the notice is not in the snapshot")
		}
		p.Generation = 2
		equal(s, "the next generation", s.notice(noticeOf(s, p, "n3"), "e3"), true)
		s.run(ann, completing("", number(1)))
		p.Generation = 3
		equal(s, "of a finished task", s.notice(noticeOf(s, p, "n4"), "e4"), false)
	},
	"a notice is dismissed for good": func(s *stage) {
		p := s.reminded(ann, time.Hour)
		s.notice(noticeOf(s, p, "n1"), "e1")
		device := s.snapshot()
		s.set(ann, tandem.SetEdit{Dismiss: []string{"n1", "never there"}})
		s.catchUp(device)
		equal(s, "device", device.rows, s.snapshot().rows)
		equal(s, "again", s.notice(noticeOf(s, p, "n2"), "e2"), false)
		equal(s, "dismissing twice takes no number", s.set(ann, tandem.SetEdit{Dismiss: []string{"n1"}}).Seq, device.seq)
	},
	"a plan dismisses the notices of its tasks": func(s *stage) {
		p := s.reminded(ann, time.Hour)
		s.notice(noticeOf(s, p, "n1"), "e1")
		device := s.snapshot()
		s.run(ann, tandem.Edit{Decide: func(tandem.Scene) (tandem.Plan, error) { return tandem.Plan{Dismiss: []string{p.TaskUID}}, nil }})
		s.catchUp(device)
		if _, shown := device.rows["notice/n1"]; shown {
			s.Fatal("the notice is still there")
		}
	},
	"the trail holds an event once, and is read in parts": func(s *stage) {
		for i, id := range []string{"e1", "e2", "e1", "e3"} {
			added, err := s.AppendAudit(s.ctx(), tandem.TopicTaskEvents, event(s, ann, id))
			s.must(err)
			equal(s, "added "+id, added, i != 2)
			s.clock.pass(time.Minute)
		}
		_, err := s.AppendAudit(s.ctx(), tandem.TopicReminders, event(s, bob, "e1"))
		s.must(err)
		read := func(f tandem.AuditFilter) (out []string) {
			f.Limit = max(f.Limit, 1)
			entries, err := s.Audit(s.ctx(), f)
			s.must(err)
			for _, a := range entries {
				var e tandem.Event
				s.must(json.Unmarshal(a.Event, &e))
				out = append(out, string(a.User)+" "+e.EventID)
			}
			return out
		}
		start := s.clock.Now().Add(-4 * time.Minute)
		equal(s, "all", read(tandem.AuditFilter{Limit: 10}), []string{"ann e1", "ann e2", "ann e3", "bob e1"})
		equal(s, "of bob", read(tandem.AuditFilter{User: bob, Limit: 10}), []string{"bob e1"})
		equal(s, "of a topic", read(tandem.AuditFilter{Topic: tandem.TopicReminders, Limit: 10}), []string{"bob e1"})
		equal(s, "of a time", read(tandem.AuditFilter{From: start.Add(time.Minute), To: start.Add(3 * time.Minute), Limit: 10}), []string{"ann e2", "ann e3"})
		first, err := s.Audit(s.ctx(), tandem.AuditFilter{Limit: 1})
		s.must(err)
		equal(s, "behind the first", read(tandem.AuditFilter{After: first[0].ID, Limit: 1}), []string{"ann e2"})
	},
	"dead letters are kept as they came": func(s *stage) {
		poison := []string{"{", `{"user_id":"ann"}`, "\xff\x00"}
		for _, p := range poison {
			s.must(s.AddDeadLetter(s.ctx(), tandem.TopicTaskEvents, "audit", json.RawMessage(p), "because"))
		}
		letters, err := s.DeadLetters(s.ctx(), 0, 2)
		s.must(err)
		rest, err := s.DeadLetters(s.ctx(), letters[1].ID, 2)
		s.must(err)
		for i, l := range append(letters, rest...) {
			equal(s, "letter", []string{string(l.Event), l.Reason, l.Consumer, string(l.Topic)}, []string{poison[i], "because", "audit", "task-events"})
		}
	},
	"a key is claimed, held, done, and free again": func(s *stage) {
		claim := func(owner string) tandem.KeyState {
			state, err := s.Claim(s.ctx(), "key", owner, time.Minute)
			s.must(err)
			return state
		}
		equal(s, "first", claim("a"), tandem.KeyClaimed)
		equal(s, "another owner", claim("b"), tandem.KeyHeld)
		equal(s, "the same owner", claim("a"), tandem.KeyClaimed)
		s.clock.pass(time.Minute)
		equal(s, "after the lease", claim("b"), tandem.KeyClaimed)
		s.must(s.Done(s.ctx(), "key", "b", time.Hour))
		equal(s, "done", claim("a"), tandem.KeyDone)
		equal(s, "done for its owner", claim("b"), tandem.KeyDone)
		s.clock.pass(time.Hour)
		equal(s, "forgotten", claim("a"), tandem.KeyClaimed)
	},
	"a key is claimed by one of eight": func(s *stage) {
		won := 0
		for _, state := range together(8, func(i int) tandem.KeyState {
			state, err := s.Claim(s.ctx(), "key", string(rune('a'+i)), time.Minute)
			if err != nil {
				s.Error(err)
			}
			return state
		}) {
			if state == tandem.KeyClaimed {
				won++
			}
		}
		equal(s, "claims", won, 1)
	},
}
