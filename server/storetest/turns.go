package storetest

import (
	"encoding/json"
	"time"

	"tandem"
)

// begin starts a turn that must start.
func (s *stage) begin(user tandem.UserID, id string, conv int64) tandem.Turn {
	s.Helper()
	t, replayed, err := s.StartTurn(s.ctx(), user, starting(id, conv))
	s.must(err)
	if replayed {
		s.Fatalf("turn %s had run before", id)
	}
	return t
}

func starting(id string, conv int64) tandem.TurnStart {
	return tandem.TurnStart{ID: id, Conversation: conv, Title: "Talk", Text: "hello", Zone: "Asia/Tokyo", Hash: "h", Owner: "replica", Cause: tandem.Cause{Actor: tandem.ActorUser}}
}

// busy checks the refusal of one turn too many.
func (s *stage) busy(err error) {
	s.Helper()
	s.refused(err, tandem.CodeLimited)
	equal(s, "limit", tandem.AsError(err).Details.Field, "busy")
}

var turns = map[string]func(*stage){
	"a turn is stored with its words in one write": func(s *stage) {
		t := s.begin(ann, "t", 0)
		equal(s, "head", s.head(), 1)
		want := tandem.Turn{
			ID: "t", UserID: ann, Conversation: 1, MessageID: t.MessageID, Text: "hello", Zone: "Asia/Tokyo", Hash: "h", Status: tandem.TurnRunning,
			LeaseOwner: "replica", LeaseUntil: s.clock.Now().Add(tandem.TurnLease), Attempt: 1, StartedAt: s.clock.Now(),
		}
		equal(s, "started", t, want)
		read, err := s.Turn(s.ctx(), ann, "t")
		s.must(err)
		want.Calls = []tandem.ToolCall{}
		equal(s, "read back", read, want)
		page, _ := s.history("", 10)
		equal(s, "message", page[0].ID, t.MessageID)
		d, _, err := s.Log(s.ctx(), ann, 0)
		s.must(err)
		equal(s, "changes", []tandem.Kind{d.Changes[0].Kind, d.Changes[1].Kind}, []tandem.Kind{tandem.KindMsg, tandem.KindConv})
	},
	"the same id is the same turn": func(s *stage) {
		first := s.begin(ann, "t", 0)
		again, replayed, err := s.StartTurn(s.ctx(), ann, starting("t", 0))
		s.must(err)
		if !replayed || again.MessageID != first.MessageID {
			s.Fatalf("repeated: %+v", again)
		}
		other := starting("t", 0)
		other.Hash = "another"
		_, _, err = s.StartTurn(s.ctx(), ann, other)
		s.refused(err, tandem.CodeConflict)
		s.begin(bob, "t", 0)
	},
	"eight starts of one id: one turn": func(s *stage) {
		fresh := 0
		for _, replayed := range together(8, func(int) bool {
			_, replayed, err := s.StartTurn(s.ctx(), ann, starting("t", 0))
			if err != nil {
				s.Error(err)
			}
			return replayed
		}) {
			if !replayed {
				fresh++
			}
		}
		equal(s, "fresh starts", fresh, 1)
		equal(s, "head", s.head(), 1)
	},
	"one turn a conversation, three a person": func(s *stage) {
		t := s.begin(ann, "t1", 0)
		_, _, err := s.StartTurn(s.ctx(), ann, starting("t2", 1))
		s.busy(err)
		s.begin(ann, "t3", 0)
		s.begin(ann, "t4", 0)
		_, _, err = s.StartTurn(s.ctx(), ann, starting("t5", 0))
		s.busy(err)
		s.begin(bob, "t1", 0)
		t.Status = tandem.TurnDone
		_, _, err = s.EndTurn(s.ctx(), t, tandem.Message{Text: "done"}, nil)
		s.must(err)
		s.begin(ann, "t5", 1)
		running, err := s.RunningTurns(s.ctx(), ann)
		s.must(err)
		equal(s, "running", len(running), 3)
	},
	"an unknown conversation is not found": func(s *stage) {
		s.begin(bob, "t", 0)
		_, _, err := s.StartTurn(s.ctx(), ann, starting("t", 1))
		s.refused(err, tandem.CodeNotFound)
		_, err = s.Turn(s.ctx(), ann, "t")
		s.refused(err, tandem.CodeNotFound)
	},
	"what is saved is read back, and keeps the lease": func(s *stage) {
		t := s.begin(ann, "t", 0)
		s.clock.pass(10 * time.Second)
		t.Reply, t.N, t.Engine = "so far", 7, "llm"
		t.Calls = []tandem.ToolCall{{ID: "c", Tool: "add_task", Arguments: json.RawMessage(`{"title":"x"}`), Result: json.RawMessage(`null`), Status: "running", OpID: "op", Raw: json.RawMessage(`{"raw":1}`)}}
		head := s.head()
		cancel, err := s.SaveTurn(s.ctx(), t)
		s.must(err)
		equal(s, "cancel", cancel, false)
		equal(s, "head", s.head(), head)
		read, err := s.Turn(s.ctx(), ann, "t")
		s.must(err)
		t.LeaseUntil = s.clock.Now().Add(tandem.TurnLease)
		equal(s, "read back", read, t)
	},
	"a stop is heard at the next save": func(s *stage) {
		t := s.begin(ann, "t", 0)
		s.refused(s.RequestCancel(s.ctx(), bob, "t"), tandem.CodeNotFound)
		s.must(s.RequestCancel(s.ctx(), ann, "t"))
		cancel, err := s.SaveTurn(s.ctx(), t)
		s.must(err)
		equal(s, "cancel", cancel, true)
	},
	"the end is stored with the reply and the answer": func(s *stage) {
		t := s.begin(ann, "t", 0)
		t.Status, t.Engine = tandem.TurnDone, "planner"
		ended, reply, err := s.EndTurn(s.ctx(), t, tandem.Message{Text: "Added."}, func(seq tandem.Seq, m tandem.Message) (json.RawMessage, error) {
			return json.Marshal(map[string]any{"seq": seq, "message_id": m.ID})
		})
		s.must(err)
		equal(s, "head", s.head(), ended.Seq)
		read, err := s.Turn(s.ctx(), ann, "t")
		s.must(err)
		want, err := json.Marshal(map[string]any{"seq": ended.Seq, "message_id": reply.ID})
		s.must(err)
		equal(s, "answer", string(read.Response), string(want))
		if read.Status != tandem.TurnDone || read.EndedAt == nil || !read.EndedAt.Equal(s.clock.Now()) {
			s.Fatalf("ended as %+v", read)
		}
		page, _ := s.history("", 1)
		equal(s, "reply", page[0].Text, "Added.")
		_, err = s.SaveTurn(s.ctx(), t)
		s.refused(err, tandem.CodeConflict)
		_, _, err = s.EndTurn(s.ctx(), t, tandem.Message{Text: "again"}, nil)
		s.refused(err, tandem.CodeConflict)
	},
	"a lease that was lost and taken again by the same owner fences what came before": func(s *stage) {
		t := s.begin(ann, "t", 0)
		s.clock.pass(tandem.TurnLease + time.Second)
		taken, err := s.TakeTurns(s.ctx(), t.LeaseOwner, s.clock.Now(), 10)
		s.must(err)
		_, err = s.SaveTurn(s.ctx(), t)
		s.refused(err, tandem.CodeConflict)
		_, _, err = s.EndTurn(s.ctx(), t, tandem.Message{Text: "late"}, nil)
		s.refused(err, tandem.CodeConflict)
		_, err = s.SaveTurn(s.ctx(), taken[0])
		s.must(err)
	},
	"an expired lease is taken once, and the loser cannot write": func(s *stage) {
		t := s.begin(ann, "t", 0)
		taken, err := s.TakeTurns(s.ctx(), "other", s.clock.Now(), 10)
		s.must(err)
		equal(s, "turns taken under a live lease", len(taken), 0)
		s.clock.pass(tandem.TurnLease + time.Second)
		count := 0
		for _, got := range together(8, func(int) []tandem.Turn {
			got, err := s.TakeTurns(s.ctx(), "other", s.clock.Now(), 10)
			if err != nil {
				s.Error(err)
			}
			return got
		}) {
			count += len(got)
		}
		equal(s, "takings", count, 1)
		_, err = s.SaveTurn(s.ctx(), t)
		s.refused(err, tandem.CodeConflict)
		_, _, err = s.EndTurn(s.ctx(), t, tandem.Message{Text: "late"}, nil)
		s.refused(err, tandem.CodeConflict)
		running, err := s.RunningTurns(s.ctx(), ann)
		s.must(err)
		if got := running[0]; got.LeaseOwner != "other" || got.Attempt != 2 {
			s.Fatalf("taken as %+v", got)
		}
		_, err = s.SaveTurn(s.ctx(), running[0])
		s.must(err)
	},
}
