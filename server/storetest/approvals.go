package storetest

import (
	"encoding/json"
	"time"

	"tandem"
)

// ask stores a question of ann's for a call of delete_task with the hash "h".
func (s *stage) ask(id string, conv int64) {
	s.Helper()
	s.must(s.AddApproval(s.ctx(), ann, by(""), tandem.Approval{
		ID: id, Kind: tandem.ApprovalConfirm, Tool: "delete_task", Hash: "h", Summary: "Delete 2 tasks?", Args: json.RawMessage(`{"ids":[1,2]}`),
		Items: []tandem.ApprovalItem{{TaskID: 1, Title: "One"}}, Conversation: conv, TurnID: "t", Caller: "chat", RunState: json.RawMessage(`{"v":1}`),
	}))
}

func (s *stage) decide(id string, yes bool) {
	s.Helper()
	_, err := s.DecideApproval(s.ctx(), ann, by(""), id, yes, "phone")
	s.must(err)
}

// deletingWith is a deletion that spends an approval.
func deletingWith(approval string) tandem.Edit {
	e := deleting(number(1))
	e.Tool, e.ApprovalID, e.ApprovalHash = "delete_task", approval, "h"
	return e
}

func ids(list []tandem.Approval) []string {
	out := []string{}
	for _, a := range list {
		out = append(out, a.ID)
	}
	return out
}

var approvals = map[string]func(*stage){
	"a question is read back and waits": func(s *stage) {
		s.ask("q1", 1)
		s.clock.pass(time.Second)
		s.ask("q2", 2)
		got, err := s.Approval(s.ctx(), ann, "q1")
		s.must(err)
		equal(s, "question", []string{got.Summary, string(got.Args), string(got.RunState), got.Items[0].Title, got.Caller}, []string{"Delete 2 tasks?", `{"ids":[1,2]}`, `{"v":1}`, "One", "chat"})
		equal(s, "expiry", got.ExpiresAt.Sub(got.CreatedAt), tandem.ApprovalTTL)
		all, err := s.PendingApprovals(s.ctx(), ann, 0)
		s.must(err)
		equal(s, "pending", ids(all), []string{"q2", "q1"})
		here, err := s.PendingApprovals(s.ctx(), ann, 1)
		s.must(err)
		equal(s, "pending in the conversation", ids(here), []string{"q1"})
	},
	"it is decided once, by whoever comes first": func(s *stage) {
		s.ask("q", 0)
		device := s.snapshot()
		won := 0
		for _, err := range together(8, func(i int) error {
			_, err := s.DecideApproval(s.ctx(), ann, by(""), "q", i%2 == 0, "device")
			return err
		}) {
			if err == nil {
				won++
			} else {
				s.refused(err, tandem.CodeConflict)
			}
		}
		equal(s, "decisions", won, 1)
		s.catchUp(device)
		equal(s, "device", device.rows, s.snapshot().rows)
	},
	"a yes is spent by its call alone, once": func(s *stage) {
		s.add(ann, tandem.Draft{Title: "One"})
		s.ask("q", 0)
		_, err := s.Edit(s.ctx(), ann, deletingWith("q"))
		s.refused(err, tandem.CodeNeedsApproval)
		s.decide("q", true)
		granted, found, err := s.GrantedApproval(s.ctx(), ann, "delete_task", "h")
		s.must(err)
		if !found || granted.ID != "q" || granted.DecidedBy != "phone" {
			s.Fatalf("granted %+v %v", granted, found)
		}
		for name, change := range map[string]func(*tandem.Edit){
			"hash": func(e *tandem.Edit) { e.ApprovalHash = "another" }, "tool": func(e *tandem.Edit) { e.Tool = "update_task" },
		} {
			e := deletingWith("q")
			change(&e)
			if _, err := s.Edit(s.ctx(), ann, e); tandem.AsError(err).Code != tandem.CodeConflict {
				s.Errorf("another %s: %v, want conflict", name, err)
			}
		}
		dry := deletingWith("q")
		dry.DryRun = true
		s.run(ann, dry)
		equal(s, "deleted", s.run(ann, deletingWith("q")).Wrote(), true)
		_, err = s.Edit(s.ctx(), ann, deletingWith("q"))
		s.refused(err, tandem.CodeConflict)
		_, found, err = s.GrantedApproval(s.ctx(), ann, "delete_task", "h")
		s.must(err)
		equal(s, "still granted", found, false)
	},
	"a no and an expired yes are no yes": func(s *stage) {
		s.add(ann, tandem.Draft{Title: "One"})
		s.ask("no", 0)
		s.decide("no", false)
		_, err := s.Edit(s.ctx(), ann, deletingWith("no"))
		s.refused(err, tandem.CodeConflict)
		s.ask("late", 0)
		s.decide("late", true)
		s.clock.pass(tandem.ApprovalTTL)
		_, err = s.Edit(s.ctx(), ann, deletingWith("late"))
		s.refused(err, tandem.CodeConflict)
		_, err = s.Edit(s.ctx(), ann, deletingWith("never asked"))
		s.refused(err, tandem.CodeNotFound)
		equal(s, "titles", s.titles(ann, tandem.Query{}), []string{"One"})
	},
	"a refused call keeps its yes": func(s *stage) {
		s.add(ann, tandem.Draft{Title: "One"})
		s.ask("q", 0)
		s.decide("q", true)
		e := deletingWith("q")
		e.Refs = []tandem.TaskRef{number(9)}
		_, err := s.Edit(s.ctx(), ann, e)
		s.refused(err, tandem.CodeNotFound)
		equal(s, "deleted", s.run(ann, deletingWith("q")).Wrote(), true)
	},
	"what nobody answers expires, on devices too": func(s *stage) {
		s.ask("q", 0)
		device := s.snapshot()
		n, err := s.ExpireApprovals(s.ctx(), s.clock.Now(), 10)
		s.must(err)
		equal(s, "expired early", n, 0)
		s.clock.pass(tandem.ApprovalTTL)
		n, err = s.ExpireApprovals(s.ctx(), s.clock.Now(), 10)
		s.must(err)
		equal(s, "expired", n, 1)
		s.catchUp(device)
		equal(s, "device", device.rows, s.snapshot().rows)
		equal(s, "left on the device", len(device.rows), 1)
		_, err = s.DecideApproval(s.ctx(), ann, by(""), "q", true, "phone")
		s.refused(err, tandem.CodeConflict)
	},
}
