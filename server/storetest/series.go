package storetest

import (
	"time"

	"tandem"
)

// daily makes a task of ann's that repeats every day, with number 1.
func (s *stage) daily() tandem.Task {
	s.Helper()
	rule, err := tandem.ParseRule("FREQ=DAILY")
	s.must(err)
	return s.add(ann, tandem.Draft{Title: "Daily", Due: &tandem.Due{Date: "2031-05-01"}, Rule: rule, Tags: []string{"habit"}})
}

// open counts the open occurrences.
func (s *stage) open() int {
	s.Helper()
	return len(s.titles(ann, tandem.Query{Status: tandem.StatusOnlyPending}))
}

var seriesCases = map[string]func(*stage){
	"one successor, whatever races": func(s *stage) {
		s.daily()
		s.run(ann, completing("", number(1)))
		together(8, func(i int) error {
			_, err := s.Edit(s.ctx(), ann, succeeding(tandem.NewID(), number(1)))
			if err != nil && tandem.AsError(err).Code != tandem.CodeConflict {
				s.Error(err)
			}
			return nil
		})
		equal(s, "open occurrences", s.open(), 1)
		next := s.task(ann, 2)
		equal(s, "due", next.Due.Date, "2031-05-02")
		equal(s, "predecessor", next.Series.Predecessor, s.task(ann, 1).UID)
	},
	"an occurrence cannot be made twice": func(s *stage) {
		first := s.daily()
		s.run(ann, completing("", number(1)))
		twice := func() error {
			e := changing("", number(1), func(sc tandem.Scene, t tandem.Task) ([]tandem.Task, error) {
				next := tandem.Task{
					UID: sc.NewID(), Title: "Next", Priority: tandem.PriorityMedium, CreatedAt: sc.Now, Due: &tandem.Due{Date: "2031-05-02"},
					Series: &tandem.Series{ID: first.Series.ID, Rule: "FREQ=DAILY", From: tandem.FromSchedule, Anchor: *first.Due, Key: "2031-05-02", Predecessor: t.UID},
				}
				return []tandem.Task{next}, nil
			})
			_, err := s.Edit(s.ctx(), ann, e)
			return err
		}
		s.must(twice())
		s.refused(twice(), tandem.CodeConflict)
		equal(s, "open occurrences", s.open(), 1)
	},
	"reopening withdraws the successor, completing brings it back": func(s *stage) {
		s.daily()
		s.run(ann, completing("", number(1)))
		s.run(ann, succeeding("e1", number(1)))
		s.run(ann, reopening(number(1)))
		equal(s, "open after reopening", s.titles(ann, tandem.Query{Status: tandem.StatusOnlyPending}), []string{"Daily"})
		if s.task(ann, 2).DeletedAt == nil {
			s.Fatal("the untouched successor stayed")
		}
		s.run(ann, completing("", number(1)))
		s.run(ann, succeeding("e2", number(1)))
		if got := s.task(ann, 2); !got.Open() || got.Series.Withdrawn {
			s.Fatalf("the successor did not come back: %+v", got)
		}
		equal(s, "open occurrences", s.open(), 1)
	},
	"an occurrence whose making was undone can be made again": func(s *stage) {
		for _, end := range []func(tandem.Scene, tandem.Task) ([]tandem.Task, error){
			func(sc tandem.Scene, t tandem.Task) ([]tandem.Task, error) { return tandem.Skip(sc, t) },
			func(sc tandem.Scene, t tandem.Task) ([]tandem.Task, error) { return tandem.Delete(sc, t, false), nil },
		} {
			t := s.daily()
			ref := tandem.TaskRef{UID: t.UID}
			s.run(ann, changing("op"+t.UID, ref, end))
			s.run(ann, undoing(by(""), "op"+t.UID))
			equal(s, "open after the undo", s.open(), 1)
			s.run(ann, completing("", ref))
			s.run(ann, succeeding(tandem.NewID(), ref))
			equal(s, "open after completing", s.open(), 1)
			for _, left := range s.everything(ann) {
				s.run(ann, changing("", tandem.TaskRef{UID: left.UID}, func(sc tandem.Scene, t tandem.Task) ([]tandem.Task, error) {
					return tandem.Delete(sc, t, true), nil
				}))
			}
		}
	},
	"a scene holds open and following occurrences": func(s *stage) {
		first := s.daily()
		s.run(ann, completing("", number(1)))
		s.run(ann, succeeding("e1", number(1)))
		s.run(ann, completing("", number(2)))
		s.run(ann, succeeding("e2", number(2)))
		s.run(ann, tandem.Edit{Refs: []tandem.TaskRef{number(1)}, Decide: func(sc tandem.Scene) (tandem.Plan, error) {
			var got []int64
			for _, t := range sorted(sc.Series[first.Series.ID], func(a, b tandem.Task) int { return int(a.Number - b.Number) }) {
				got = append(got, t.Number)
			}
			equal(s, "of the series", got, []int64{2, 3})
			return tandem.Plan{}, nil
		}})
	},
}

// undoing takes back what name means to the cause.
func undoing(cause tandem.Cause, name string) tandem.Edit {
	return tandem.Edit{Cause: cause, Tool: "update_task", Undo: name, Decide: func(sc tandem.Scene) (tandem.Plan, error) {
		tasks, warnings := tandem.Revert(sc)
		return tandem.Plan{Tasks: tasks, Warnings: warnings}, nil
	}}
}

func inTurn(turn string, conversation int64, e tandem.Edit) tandem.Edit {
	e.Cause = tandem.Cause{Actor: tandem.ActorAgent, TurnID: turn, Conversation: conversation, Caller: "chat"}
	return e
}

var undos = map[string]func(*stage){
	"an operation is undone, and its undo too": func(s *stage) {
		s.run(ann, adding("a", tandem.Draft{Title: "One"}))
		s.run(ann, retitling("b", number(1), "Two"))
		s.run(ann, undoing(by("u"), "b"))
		equal(s, "title", s.task(ann, 1).Title, "One")
		s.run(ann, undoing(by("v"), "u"))
		equal(s, "title after undoing the undo", s.task(ann, 1).Title, "Two")
		s.run(ann, undoing(by("w"), "a"))
		if s.task(ann, 1).DeletedAt == nil {
			s.Fatal("undoing an add left the task")
		}
	},
	"last is the caller's newest operation": func(s *stage) {
		s.run(ann, adding("a", tandem.Draft{Title: "Mine"}))
		other := by("b")
		other.Caller = "another device"
		e := retitling("b", number(1), "Other")
		e.Cause = other
		s.run(ann, e)
		s.run(ann, undoing(by("u"), "last"))
		if got := s.task(ann, 1); got.DeletedAt == nil || got.Title != "Other" {
			s.Fatalf("undid the wrong operation: %+v", got)
		}
	},
	"last in a conversation is the whole newest turn that wrote": func(s *stage) {
		s.run(ann, inTurn("t1", 1, adding("", tandem.Draft{Title: "One"})))
		s.run(ann, inTurn("t2", 1, adding("", tandem.Draft{Title: "Two"})))
		s.run(ann, inTurn("t2", 1, retitling("", number(1), "First")))
		s.run(ann, inTurn("t9", 2, adding("", tandem.Draft{Title: "Elsewhere"})))
		s.run(ann, undoing(tandem.Cause{Actor: tandem.ActorAgent, TurnID: "t3", Conversation: 1}, "last"))
		equal(s, "titles", s.titles(ann, tandem.Query{}), []string{"One", "Elsewhere"})
	},
	"what a worker did is nobody's last operation": func(s *stage) {
		s.daily()
		s.run(ann, completing("", number(1)))
		s.run(ann, succeeding("e1", number(1)))
		_, err := s.Edit(s.ctx(), ann, undoing(tandem.Cause{Actor: tandem.ActorUser}, "last"))
		s.refused(err, tandem.CodeNotFound)
		s.run(ann, undoing(by(""), "last"))
		equal(s, "reopened", s.task(ann, 1).Open(), true)
	},
	"a turn is undone by its id": func(s *stage) {
		s.run(ann, inTurn("t1", 1, adding("", tandem.Draft{Title: "One"}, tandem.Draft{Title: "Two"})))
		s.run(ann, inTurn("t1", 1, completing("", number(1))))
		s.run(ann, undoing(by("u"), "t1"))
		equal(s, "titles", s.titles(ann, tandem.Query{}), []string{})
	},
	"what is not there cannot be undone": func(s *stage) {
		s.add(bob, tandem.Draft{Title: "His"})
		s.run(bob, adding("op", tandem.Draft{Title: "His too"}))
		for _, name := range []string{"last", "op", tandem.NewID()} {
			_, err := s.Edit(s.ctx(), ann, undoing(by("u"+name), name))
			s.refused(err, tandem.CodeNotFound)
		}
	},
	"undoing a completion reopens and withdraws the successor": func(s *stage) {
		s.daily()
		s.run(ann, completing("done", number(1)))
		s.run(ann, succeeding("e1", number(1)))
		s.run(ann, undoing(by("u"), "done"))
		if got := s.task(ann, 1); !got.Open() {
			s.Fatalf("still %s", got.Status())
		}
		equal(s, "open occurrences", s.open(), 1)
	},
	"an undo lets alone what was changed since": func(s *stage) {
		s.run(ann, adding("a", tandem.Draft{Title: "One"}))
		high := tandem.PriorityHigh
		two := "Two"
		s.run(ann, amending("b", number(1), tandem.Patch{Title: &two, Priority: &high}))
		s.clock.pass(time.Minute)
		s.run(ann, retitling("c", number(1), "Three"))
		out := s.run(ann, undoing(by("u"), "b"))
		got := s.task(ann, 1)
		if got.Title != "Three" || got.Priority != tandem.PriorityMedium || len(out.Warnings) != 1 {
			s.Fatalf("title %q, priority %s, warnings %v", got.Title, got.Priority, out.Warnings)
		}
	},
}
