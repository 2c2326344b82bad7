package storetest

import (
	"sync"
	"time"

	"tandem"
)

// spent asks what a person used on the day of the clock.
func (s *stage) spent(user tandem.UserID) int64 {
	s.Helper()
	return must(s.Spent(s.ctx(), user, s.clock.Now()))
}

func (s *stage) spend(user tandem.UserID, tokens int64) {
	s.Helper()
	s.must(s.Spend(s.ctx(), user, s.clock.Now(), tokens))
}

var spending = map[string]func(*stage){
	"tokens add up for one person and one day": func(s *stage) {
		s.add(ann, tandem.Draft{Title: "Task"})
		s.add(bob, tandem.Draft{Title: "Task"})
		equal(s, "before", s.spent(ann), 0)
		s.spend(ann, 900)
		s.spend(ann, 150)
		s.spend(bob, 7)
		equal(s, "ann", s.spent(ann), 1050)
		equal(s, "bob", s.spent(bob), 7)
		s.clock.pass(14*time.Hour - time.Second)
		equal(s, "in the last second of the day", s.spent(ann), 1050)
		s.clock.pass(time.Second)
		equal(s, "the day after", s.spent(ann), 0)
		s.spend(ann, 5)
		equal(s, "on the day after", s.spent(ann), 5)
	},
	"a clock that is behind gives no new day": func(s *stage) {
		s.add(ann, tandem.Draft{Title: "Task"})
		s.spend(ann, 10)
		s.must(s.Spend(s.ctx(), ann, s.clock.Now().Add(-24*time.Hour), 5))
		equal(s, "today", s.spent(ann), 15)
	},
	"many that spend at once lose nothing": func(s *stage) {
		s.add(ann, tandem.Draft{Title: "Task"})
		var g sync.WaitGroup
		for range 8 {
			g.Go(func() {
				for range 5 {
					if err := s.Spend(s.ctx(), ann, s.clock.Now(), 1); err != nil {
						s.Error(err)
					}
				}
			})
		}
		g.Wait()
		equal(s, "spent", s.spent(ann), 40)
	},
	"nothing is kept of somebody who is not there": func(s *stage) {
		s.spend(bob, 10)
		equal(s, "a stranger", s.spent(bob), 0)
		s.add(ann, tandem.Draft{Title: "Task"})
		s.spend(ann, 10)
		s.must(s.DeleteUser(s.ctx(), ann))
		s.spend(ann, 10) // a turn that was under way
		s.add(ann, tandem.Draft{Title: "Again"})
		equal(s, "who was erased", s.spent(ann), 0)
	},
}
