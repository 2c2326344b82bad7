package storetest

import (
	"encoding/json"
	"fmt"

	"tandem"
)

// talk runs a whole turn and gives it as it ended.
func (s *stage) talk(user tandem.UserID, conv int64, text, reply string) tandem.Turn {
	s.Helper()
	t, _, err := s.StartTurn(s.ctx(), user, tandem.TurnStart{ID: tandem.NewID(), Conversation: conv, Title: text, Text: text, Owner: "o"})
	s.must(err)
	t.Status = tandem.TurnDone
	t, _, err = s.EndTurn(s.ctx(), t, tandem.Message{Text: reply}, nil)
	s.must(err)
	return t
}

func texts(messages []tandem.Message) []string {
	out := []string{}
	for _, m := range messages {
		out = append(out, m.Text)
	}
	return out
}

// history reads ann's first conversation.
func (s *stage) history(before string, limit int) ([]tandem.Message, bool) {
	s.Helper()
	messages, more, err := s.History(s.ctx(), ann, 1, before, limit)
	s.must(err)
	return messages, more
}

var talk = map[string]func(*stage){
	"numbers count per person": func(s *stage) {
		equal(s, "first of ann", s.talk(ann, 0, "a", "b").Conversation, 1)
		equal(s, "first of bob", s.talk(bob, 0, "a", "b").Conversation, 1)
		equal(s, "second of ann", s.talk(ann, 0, "a", "b").Conversation, 2)
		s.set(ann, tandem.SetEdit{Conversations: map[int64]*string{2: nil}})
		equal(s, "a number is never given twice", s.talk(ann, 0, "a", "b").Conversation, 3)
	},
	"history goes back page by page": func(s *stage) {
		s.talk(ann, 0, "m1", "m2")
		s.talk(ann, 1, "m3", "m4")
		s.talk(ann, 1, "m5", "m6")
		s.talk(ann, 0, "other", "other")
		page, more := s.history("", 4)
		equal(s, "newest page", texts(page), []string{"m3", "m4", "m5", "m6"})
		equal(s, "more", more, true)
		page, more = s.history(page[0].ID, 4)
		equal(s, "older page", texts(page), []string{"m1", "m2"})
		equal(s, "more", more, false)
		equal(s, "roles", []tandem.Role{page[0].Role, page[1].Role}, []tandem.Role{tandem.RoleUser, tandem.RoleAssistant})
	},
	"an unknown conversation or message is not found": func(s *stage) {
		s.talk(ann, 0, "a", "b")
		theirs := s.talk(bob, 0, "a", "b")
		s.talk(bob, 0, "a", "b")
		_, _, err := s.History(s.ctx(), ann, 2, "", 10)
		s.refused(err, tandem.CodeNotFound)
		_, _, err = s.History(s.ctx(), ann, 1, theirs.MessageID, 10)
		s.refused(err, tandem.CodeNotFound)
		_, err = s.Conversation(s.ctx(), ann, 2)
		s.refused(err, tandem.CodeNotFound)
		_, err = s.AddMessage(s.ctx(), ann, by(""), tandem.Message{Conversation: 2, Role: tandem.RoleHidden})
		s.refused(err, tandem.CodeNotFound)
	},
	"hidden messages reach the model alone": func(s *stage) {
		s.talk(ann, 0, "m1", "m2")
		head := s.head()
		_, err := s.AddMessage(s.ctx(), ann, by(""), tandem.Message{Conversation: 1, Role: tandem.RoleHidden, Text: "secret"})
		s.must(err)
		equal(s, "head", s.head(), head)
		page, _ := s.history("", 10)
		equal(s, "history", texts(page), []string{"m1", "m2"})
		full, _, err := s.Transcript(s.ctx(), ann, 1, "", 10)
		s.must(err)
		equal(s, "transcript", texts(full), []string{"m1", "m2", "secret"})
		for key := range s.snapshot().rows {
			if key == "msg/"+full[2].ID {
				s.Fatal("the hidden message is in the snapshot")
			}
		}
	},
	"a message that is answered anew stays, and what came after it goes, on devices too": func(s *stage) {
		first := s.talk(ann, 0, "m1", "m2")
		s.talk(ann, 1, "m3", "m4")
		device := s.snapshot()
		again := tandem.TurnStart{ID: tandem.NewID(), Conversation: 1, Text: "m1", Owner: "o", Again: first.MessageID}
		turn, _, err := s.StartTurn(s.ctx(), ann, again)
		s.must(err)
		equal(s, "the turn's message", turn.MessageID, first.MessageID)
		page, _ := s.history("", 10)
		equal(s, "history", texts(page), []string{"m1"})
		s.catchUp(device)
		equal(s, "device", device.rows, s.snapshot().rows)

		for what, message := range map[string]string{"an unknown message": tandem.NewID(), "the assistant's": "reply"} {
			again.ID, again.Again, again.Conversation = tandem.NewID(), message, 1
			if what == "the assistant's" {
				other := s.talk(ann, 0, "q", "a")
				page, _, err := s.History(s.ctx(), ann, other.Conversation, "", 10)
				s.must(err)
				again.Conversation, again.Again = other.Conversation, page[1].ID
			} else {
				s.talk(ann, 0, "q", "a")
				again.Conversation = 2
			}
			_, _, err := s.StartTurn(s.ctx(), ann, again)
			s.refused(err, tandem.CodeNotFound)
		}
	},
	"conversations are listed both ways": func(s *stage) {
		for i := range 5 {
			s.talk(ann, 0, fmt.Sprintf("c%d", i+1), "x")
		}
		s.talk(bob, 0, "his", "x")
		for _, c := range []struct {
			after int64
			desc  bool
			want  []int64
			more  bool
		}{
			{0, false, []int64{1, 2, 3}, true}, {3, false, []int64{4, 5}, false}, {0, true, []int64{5, 4, 3}, true}, {3, true, []int64{2, 1}, false},
		} {
			page, more, err := s.Conversations(s.ctx(), ann, c.after, 3, c.desc)
			s.must(err)
			var got []int64
			for _, conv := range page {
				got = append(got, conv.Number)
			}
			equal(s, fmt.Sprintf("behind %d, desc %v", c.after, c.desc), got, c.want)
			equal(s, "more", more, c.more)
		}
	},
	"a conversation is renamed and deleted, on devices too": func(s *stage) {
		turn := s.talk(ann, 0, "m1", "m2")
		s.must(s.AddApproval(s.ctx(), ann, by(""), tandem.Approval{ID: "q", Conversation: 1, Args: json.RawMessage(`{}`)}))
		device, title := s.snapshot(), "Renamed"
		s.set(ann, tandem.SetEdit{Conversations: map[int64]*string{1: &title}})
		conv, err := s.Conversation(s.ctx(), ann, 1)
		s.must(err)
		equal(s, "title", conv.Title, title)
		s.set(ann, tandem.SetEdit{Conversations: map[int64]*string{1: nil}})
		_, err = s.Conversation(s.ctx(), ann, 1)
		s.refused(err, tandem.CodeNotFound)
		_, err = s.Turn(s.ctx(), ann, turn.ID)
		s.refused(err, tandem.CodeNotFound)
		s.catchUp(device)
		equal(s, "device", device.rows, s.snapshot().rows)
	},
}
