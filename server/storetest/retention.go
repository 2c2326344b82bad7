package storetest

import (
	"fmt"
	"time"

	"tandem"
)

func (s *stage) purge() map[string]int64 {
	s.Helper()
	gone, err := s.Purge(s.ctx(), s.clock.Now())
	s.must(err)
	return gone
}

var retention = map[string]func(*stage){
	"nothing fresh goes": func(s *stage) {
		fill(s, ann, "cnryann")
		s.add(ann, tandem.Draft{Title: "Two"})
		s.run(ann, deleting(number(2)))
		before := seen(s, ann)
		equal(s, "purged", s.purge(), map[string]int64{})
		equal(s, "what ann sees", seen(s, ann), before)
	},
	"the trash is emptied after thirty days": func(s *stage) {
		s.add(ann, tandem.Draft{Title: "Kept"})
		gone := s.add(ann, tandem.Draft{Title: "Gone", Tags: []string{"tag"}})
		s.run(ann, deleting(number(2)))
		s.clock.pass(tandem.KeepTrash)
		equal(s, "tasks", s.purge()["tasks"], 1)
		equal(s, "trash", s.titles(ann, tandem.Query{Status: tandem.StatusOnlyDeleted}), []string{})
		equal(s, "found by word", s.titles(ann, tandem.Query{Status: tandem.StatusOnlyDeleted, Search: tandem.ParseSearch("gone")}), []string{})
		trash := must(s.List(s.ctx(), ann, tandem.Query{Status: tandem.StatusOnlyDeleted, Search: tandem.ParseSearch("-zebra")}))
		equal(s, "counted in the trash", trash.Total, 0)
		equal(s, "left without words", s.titles(ann, tandem.Query{Search: tandem.ParseSearch("-zebra")}), []string{"Kept"})
		equal(s, "its uid is free", s.add(ann, tandem.Draft{Title: "New", UID: gone.UID}).Number, 3)
	},
	"undo and as of reach back thirty days, the present stays": func(s *stage) {
		s.run(ann, adding("a", tandem.Draft{Title: "One"}))
		s.run(ann, retitling("b", number(1), "Two"))
		s.clock.pass(10 * 24 * time.Hour)
		s.purge()
		at := s.clock.Now()
		s.clock.pass(time.Minute)
		s.run(ann, retitling("c", number(1), "Three"))
		s.clock.pass(25 * 24 * time.Hour)
		s.purge()
		equal(s, "title", s.task(ann, 1).Title, "Three")
		equal(s, "title 25 days ago", s.titles(ann, tandem.Query{AsOf: &at}), []string{"Two"})
		s.run(ann, undoing(by("u"), "c"))
		equal(s, "title after undo", s.task(ann, 1).Title, "Two")
		_, err := s.Edit(s.ctx(), ann, undoing(by("v"), "a"))
		s.refused(err, tandem.CodeNotFound)
	},
	"results are forgotten after thirty days, an old id is new": func(s *stage) {
		s.run(ann, adding("op", tandem.Draft{Title: "Once"}))
		s.clock.pass(tandem.KeepResults)
		s.purge()
		equal(s, "replayed", s.run(ann, adding("op", tandem.Draft{Title: "Once"})).Replayed, false)
	},
	"a client that comes back late goes on with its numbers": func(s *stage) {
		e := adding("", tandem.Draft{Title: "One"})
		e.Cause.Client, e.Cause.Mid = "phone", 1
		s.run(ann, e)
		s.clock.pass(100 * 24 * time.Hour)
		s.purge()
		last, err := s.LastMid(s.ctx(), ann, "phone")
		s.must(err)
		equal(s, "last mid", last, 1)
		_, found, err := s.MidOutcome(s.ctx(), ann, "phone", 1)
		s.must(err)
		equal(s, "outcome", found, false)
		e.Cause.Mid = 2
		equal(s, "wrote", s.run(ann, e).Wrote(), true)
	},
	"the log keeps a week and a thousand numbers": func(s *stage) {
		write := func(n int) {
			s.add(ann, tandem.Draft{Title: "Task"})
			for i := range n - 1 {
				s.run(ann, retitling("", number(1), fmt.Sprint(s.head(), i)))
			}
		}
		write(1005)
		s.purge()
		head, err := s.Head(s.ctx(), ann)
		s.must(err)
		equal(s, "floor within the week", head.Floor, 0)
		s.clock.pass(tandem.KeepLog + time.Hour)
		s.purge()
		head, err = s.Head(s.ctx(), ann)
		s.must(err)
		equal(s, "head", head, tandem.Head{Seq: 1005, Floor: 5})
		_, ok, err := s.Log(s.ctx(), ann, 4)
		s.must(err)
		equal(s, "log below the floor", ok, false)
		_, ok, err = s.Log(s.ctx(), ann, 5)
		s.must(err)
		equal(s, "log at the floor", ok, true)
	},
	"a notice that nobody dismissed leaves every device": func(s *stage) {
		p := s.reminded(ann, time.Hour)
		s.notice(noticeOf(s, p, "n1"), "e1")
		device := s.snapshot()
		s.clock.pass(tandem.KeepNotices)
		equal(s, "notices", s.purge()["notices"], 1)
		s.catchUp(device)
		equal(s, "device", device.rows, s.snapshot().rows)
	},
	"inbox, keys, letters, trail, turns and approvals have their time": func(s *stage) {
		fill(s, ann, "cnryann")
		_, err := s.Claim(s.ctx(), "key", "a", time.Minute)
		s.must(err)
		_, err = s.CountFailure(s.ctx(), "audit", "e1")
		s.must(err)
		s.clock.pass(tandem.KeepInbox)
		gone := s.purge()
		equal(s, "after a week", []int64{gone["inbox"], gone["keys"], gone["failures"]}, []int64{1, 1, 1})
		_, err = s.ExpireApprovals(s.ctx(), s.clock.Now(), 10)
		s.must(err)
		s.clock.pass(tandem.KeepResults)
		gone = s.purge()
		equal(s, "after a month", []int64{gone["turns"], gone["approvals"], gone["dead_letters"], gone["audit"]}, []int64{1, 1, 1, 0})
		s.clock.pass(tandem.KeepAudit)
		equal(s, "after a year", s.purge()["audit"], 1)
		page, _ := s.history("", 10)
		equal(s, "conversations stay", len(page), 2)
	},
}
