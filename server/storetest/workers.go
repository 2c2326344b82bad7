package storetest

import (
	"context"
	"encoding/json"
	"errors"
	"sync"
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
	"the outbox gives a person's events in order until they are published": func(s *stage) {
		s.add(ann, tandem.Draft{Title: "One"})
		s.add(bob, tandem.Draft{Title: "Two"})
		s.add(ann, tandem.Draft{Title: "Three"})
		equal(s, "events", len(s.outbox()), 6)
		for partition := range s.Partitions() {
			var all []tandem.Outgoing
			for _, o := range s.forward(partition, 100, func(o tandem.Outgoing) bool { return o.Topic == "" }) {
				if o.Topic != "" {
					all = append(all, o)
				}
			}
			seqs := map[tandem.UserID][]tandem.Seq{}
			for i, o := range all {
				seqs[o.User] = append(seqs[o.User], o.Seq)
				if i > 0 && all[i-1].ID >= o.ID {
					s.Fatalf("entry %d comes before entry %d", all[i-1].ID, o.ID)
				}
			}
			for user, want := range map[tandem.UserID][]tandem.Seq{ann: {1, 1, 2, 2}, bob: {1, 1}} {
				if got := seqs[user]; got != nil {
					equal(s, "numbers of "+string(user), got, want)
				}
			}
			if len(all) == 0 {
				continue
			}
			equal(s, "the oldest", s.forward(partition, 1, func(tandem.Outgoing) bool { return false })[0], all[0])
			s.forward(partition, 100, func(o tandem.Outgoing) bool { return o.ID == all[0].ID })
			equal(s, "left", s.forward(partition, 100, func(tandem.Outgoing) bool { return true }), all[1:])
			equal(s, "left in the end", len(s.forward(partition, 100, nil)), 0)
		}
		equal(s, "events", len(s.outbox()), 0)
	},
	"what is safe leaves the outbox also beside an error": func(s *stage) {
		s.add(ann, tandem.Draft{Title: "One"})
		broken := errors.New("the bus broke down")
		for partition := range s.Partitions() {
			n, err := s.Forward(s.ctx(), partition, 100, func(_ context.Context, entries []tandem.Outgoing) ([]int64, error) {
				return []int64{entries[0].ID, 1 << 40}, broken
			})
			if n > 0 && !errors.Is(err, broken) {
				s.Errorf("forwarding %d entries: %v, want what publish said", n, err)
			}
		}
		equal(s, "events", len(s.outbox()), 1)
	},
	"one at a time forwards a list": func(s *stage) {
		s.add(ann, tandem.Draft{Title: "One"})
		met := false
		for partition := range s.Partitions() {
			s.forward(partition, 100, func(tandem.Outgoing) bool {
				met = true
				n, err := s.Forward(s.ctx(), partition, 100, func(context.Context, []tandem.Outgoing) ([]int64, error) {
					s.Error("two forward one list")
					return nil, nil
				})
				s.must(err)
				equal(s, "entries of the second", n, 0)
				return true
			})
		}
		equal(s, "forwarded", met, true)
	},
	"eight who forward publish every event once, in the order of each person": func(s *stage) {
		users := []tandem.UserID{"u0", "u1", "u2", "u3", "u4"}
		for n := range 20 {
			s.add(users[n%len(users)], tandem.Draft{Title: "Task"})
		}
		var mu sync.Mutex
		last := map[tandem.UserID]int64{}
		published := 0
		together(8, func(i int) error {
			for round := range 20 * s.Partitions() {
				_, err := s.Forward(s.ctx(), (i+round)%s.Partitions(), 7, func(_ context.Context, entries []tandem.Outgoing) (done []int64, err error) {
					mu.Lock()
					defer mu.Unlock()
					for _, o := range entries {
						if done = append(done, o.ID); o.Topic == "" {
							continue
						}
						if published++; o.ID <= last[o.User] {
							s.Errorf("entry %d of %s comes behind entry %d", o.ID, o.User, last[o.User])
						}
						last[o.User] = o.ID
					}
					return done, nil
				})
				if err != nil {
					s.Error(err)
				}
			}
			return nil
		})
		equal(s, "published and left", []int{published, len(s.outbox())}, []int{40, 0})
	},
	"the backlog tells how much waits since when": func(s *stage) {
		b, err := s.Backlog(s.ctx())
		s.must(err)
		equal(s, "of nothing", b, tandem.Backlog{})
		start := s.clock.Now()
		s.add(ann, tandem.Draft{Title: "One"})
		s.clock.pass(time.Minute)
		s.add(ann, tandem.Draft{Title: "Two"})
		b, err = s.Backlog(s.ctx())
		s.must(err)
		equal(s, "backlog", b, tandem.Backlog{Pending: 4, Oldest: start})
	},
	"a timer is noted for its generation alone": func(s *stage) {
		untimed := func(until time.Duration, limit int) []tandem.DuePromise {
			s.Helper()
			out, err := s.UntimedReminders(s.ctx(), s.clock.Now().Add(until), limit)
			s.must(err)
			return out
		}
		p, late := s.reminded(ann, time.Hour), s.reminded(bob, 2*time.Hour)
		equal(s, "without timer", untimed(3*time.Hour, 10), []tandem.DuePromise{p, late})
		equal(s, "the first", untimed(3*time.Hour, 1), []tandem.DuePromise{p})
		older := p
		older.Generation = 0
		s.must(s.TimersSet(s.ctx(), []tandem.DuePromise{older}))
		equal(s, "within the hour", untimed(time.Hour, 10), []tandem.DuePromise{p})
		s.must(s.TimersSet(s.ctx(), []tandem.DuePromise{p}))
		s.must(s.TimersSet(s.ctx(), nil))
		equal(s, "without timer", untimed(3*time.Hour, 10), []tandem.DuePromise{late})
		timed := p
		timed.Timed = true
		equal(s, "due", s.promises(time.Hour), []tandem.DuePromise{timed})
		s.run(ann, retitling("", number(1), "Another name"))
		equal(s, "after an edit that moves nothing", s.promises(time.Hour), []tandem.DuePromise{timed})
		s.run(ann, completing("", number(1)))
		s.run(ann, reopening(number(1)))
		p.Generation = 3
		equal(s, "of a new generation", untimed(time.Hour, 10), []tandem.DuePromise{p})
		s.must(s.TimersSet(s.ctx(), []tandem.DuePromise{p, late}))
		equal(s, "without timer", len(untimed(3*time.Hour, 10)), 0)
		s.must(s.ForgetTimers(s.ctx()))
		equal(s, "all lost", untimed(3*time.Hour, 10), []tandem.DuePromise{p, late})
	},
	"overdue reminders are counted": func(s *stage) {
		p := s.reminded(ann, time.Hour)
		s.reminded(bob, 2*time.Hour)
		for until, want := range map[time.Duration]int{0: 0, time.Hour: 1, 3 * time.Hour: 2} {
			n, err := s.OverdueReminders(s.ctx(), s.clock.Now().Add(until))
			s.must(err)
			equal(s, "overdue", n, want)
		}
		s.clock.pass(time.Hour)
		s.run(ann, firing(p))
		n, err := s.OverdueReminders(s.ctx(), s.clock.Now())
		s.must(err)
		equal(s, "overdue after it fired", n, 0)
	},
	"failures are counted for each consumer and event": func(s *stage) {
		for _, c := range []struct {
			consumer, event string
			want            int
		}{{"audit", "e1", 1}, {"audit", "e1", 2}, {"audit", "e2", 1}, {"recurrence", "e1", 1}, {"audit", "e1", 3}} {
			n, err := s.CountFailure(s.ctx(), c.consumer, c.event)
			s.must(err)
			equal(s, c.consumer+" "+c.event, n, c.want)
		}
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
	"a notice of a foreign task is refused and leaves no trace": func(s *stage) {
		p := s.reminded(ann, time.Hour)
		p.User = bob
		_, err := s.AddNotice(s.ctx(), tandem.Inbox{Consumer: "notifications", EventID: "e1"}, noticeOf(s, p, "n1"))
		s.refused(err, tandem.CodeNotFound)
		users, err := s.Users(s.ctx())
		s.must(err)
		equal(s, "users", users, []tandem.UserID{ann})
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
		s.add(ann, tandem.Draft{Title: "One"})
		s.add(bob, tandem.Draft{Title: "One"})
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
		s.add(ann, tandem.Draft{Title: "One"})
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
		s.must(s.DropDeadLetter(s.ctx(), letters[1].ID))
		s.must(s.DropDeadLetter(s.ctx(), letters[1].ID))
		left, err := s.DeadLetters(s.ctx(), 0, 9)
		s.must(err)
		equal(s, "left", len(left), len(poison)-1)
		s.must(s.AddDeadLetter(s.ctx(), tandem.TopicTaskEvents, "audit", json.RawMessage(poison[1]), "again"))
		left, err = s.DeadLetters(s.ctx(), 0, 9)
		s.must(err)
		equal(s, "set aside again", left[len(left)-1].Reason, "again")
	},
	"a task is its owner's, in the trash as well": func(s *stage) {
		p := s.reminded(ann, time.Hour)
		has := func(user tandem.UserID) bool {
			ok, err := s.HasTask(s.ctx(), user, p.TaskUID)
			s.must(err)
			return ok
		}
		equal(s, "of ann, bob", []bool{has(ann), has(bob)}, []bool{true, false})
		s.run(ann, tandem.Edit{Refs: []tandem.TaskRef{{UID: p.TaskUID}}, Decide: func(sc tandem.Scene) (tandem.Plan, error) {
			return tandem.Plan{Tasks: tandem.Delete(sc, *sc.Tasks[0], false)}, nil
		}})
		equal(s, "in the trash", has(ann), true)
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
