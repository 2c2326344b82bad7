package storetest

import (
	"encoding/json"
	"strings"
	"time"

	"tandem"
)

// canary stands in everything of bob's.
const canary = "cnrybob"

// fill gives a person one row of every kind.
func fill(s *stage, user tandem.UserID, mark string) {
	s.Helper()
	at := s.clock.Now().Add(time.Hour)
	e := adding("op-"+mark, tandem.Draft{Title: "Task " + mark, Description: mark, Tags: []string{mark}, Reminders: []tandem.ReminderSpec{{At: &at}}})
	e.Cause.Client, e.Cause.Mid = "client", 1
	t := *s.run(user, e).Changes[0].After
	turn, _, err := s.StartTurn(s.ctx(), user, tandem.TurnStart{ID: "turn-" + mark, Title: mark, Text: mark, Owner: "o"})
	s.must(err)
	turn.Status = tandem.TurnDone
	_, _, err = s.EndTurn(s.ctx(), turn, tandem.Message{Text: mark}, nil)
	s.must(err)
	s.must(s.AddApproval(s.ctx(), user, by(""), tandem.Approval{ID: "q-" + mark, Tool: "delete_task", Hash: "h", Summary: mark, Args: json.RawMessage(`{}`)}))
	s.set(user, reachable)
	s.notice(tandem.Notice{ID: "n-" + mark, UserID: user, ReminderID: t.Reminders[0].ID, Generation: 1, TaskUID: t.UID, Title: mark, FiredAt: s.clock.Now()}, "e-"+mark)
	s.set(user, tandem.SetEdit{AddToken: token(s, mark), Feed: &tandem.FeedEdit{Hash: "feed-" + mark}, Decide: func(set tandem.Settings) (tandem.Settings, error) {
		set.Views = []tandem.View{{Name: mark, Query: mark}}
		return set, nil
	}})
	s.must(s.AddDevice(s.ctx(), user, "device-"+mark, mark))
	s.spend(user, 7)
	_, err = s.AppendAudit(s.ctx(), tandem.TopicTaskEvents, event(s, user, "event-"+mark))
	s.must(err)
	s.must(s.AddDeadLetter(s.ctx(), tandem.TopicTaskEvents, "audit", json.RawMessage(`{"user_id":"`+string(user)+`","x":"`+mark+`"}`), mark))
}

// seen gives everything that a person's calls can read, as text.
func seen(s *stage, user tandem.UserID) string {
	s.Helper()
	var b strings.Builder
	write := func(v any, err error) {
		if err != nil && tandem.AsError(err).Code == tandem.CodeInternal {
			s.Fatal(err)
		}
		data, encodeErr := json.Marshal(v)
		s.must(encodeErr)
		b.Write(data)
	}
	past := s.clock.Now()
	for _, q := range []tandem.Query{
		{},
		{Status: tandem.StatusOnlyDeleted},
		{Search: tandem.ParseSearch("task")},
		{Search: tandem.ParseSearch(canary[:4]), Fuzzy: true},
		{Tags: []string{canary}},
		{AsOf: &past},
		{Search: tandem.ParseSearch("-nothing")},
	} {
		write(s.List(s.ctx(), user, q))
	}
	write(s.Snapshot(s.ctx(), user))
	write(s.Settings(s.ctx(), user))
	d, _, err := s.Log(s.ctx(), user, 0)
	write(d, err)
	conversations, _, err := s.Conversations(s.ctx(), user, 0, 100, false)
	write(conversations, err)
	for n := range int64(3) {
		messages, _, err := s.Transcript(s.ctx(), user, n, "", 100)
		write(messages, err)
	}
	write(s.RunningTurns(s.ctx(), user))
	write(s.PendingApprovals(s.ctx(), user, 0))
	write(s.Spent(s.ctx(), user, past))
	write(s.Pushes(s.ctx(), user))
	write(s.Audit(s.ctx(), tandem.AuditFilter{User: user, Limit: 100}))
	return b.String()
}

var isolation = map[string]func(*stage){
	"no call of one reads a byte of another": func(s *stage) {
		fill(s, ann, "cnryann")
		fill(s, bob, canary)
		for user, foreign := range map[tandem.UserID]string{ann: canary, bob: "cnryann", "carol": "cnry"} {
			if text := seen(s, user); strings.Contains(text, foreign) {
				s.Errorf("%s can read %q in %s", user, foreign, text)
			}
		}
	},
	"no name of another's thing means anything": func(s *stage) {
		fill(s, ann, "cnryann")
		fill(s, bob, canary)
		theirs := s.task(bob, 1)
		before := seen(s, bob)
		unknown := func(what string, err error) {
			s.Helper()
			if err == nil || tandem.AsError(err).Code != tandem.CodeNotFound {
				s.Errorf("%s: %v, want not_found", what, err)
			}
		}
		_, err := s.Edit(s.ctx(), ann, retitling("", tandem.TaskRef{UID: theirs.UID}, "x"))
		unknown("task by uid", err)
		_, err = s.Edit(s.ctx(), ann, undoing(by(""), "op-"+canary))
		unknown("op to undo", err)
		_, err = s.Turn(s.ctx(), ann, "turn-"+canary)
		unknown("turn", err)
		unknown("turn to cancel", s.RequestCancel(s.ctx(), ann, "turn-"+canary))
		_, err = s.Approval(s.ctx(), ann, "q-"+canary)
		unknown("approval", err)
		_, err = s.DecideApproval(s.ctx(), ann, by(""), "q-"+canary, true, "ann")
		unknown("decision", err)
		_, err = s.Set(s.ctx(), ann, tandem.SetEdit{RevokeToken: canary})
		unknown("token", err)
		s.set(ann, tandem.SetEdit{Dismiss: []string{"n-" + canary}})
		_, found, err := s.MidOutcome(s.ctx(), ann, "client-of-bob", 1)
		s.must(err)
		equal(s, "mid of another", found, false)
		equal(s, "the same op_id", s.run(ann, adding("op-"+canary, tandem.Draft{Title: "Mine"})).Replayed, false)
		_, _, err = s.StartTurn(s.ctx(), ann, tandem.TurnStart{ID: "x", Conversation: 99, Text: "x"})
		unknown("conversation", err)
		equal(s, "what bob sees", seen(s, bob), before)
	},
	"a foreign task reads like an unknown one": func(s *stage) {
		theirs := s.add(bob, tandem.Draft{Title: "His"})
		_, foreign := s.Edit(s.ctx(), ann, retitling("", tandem.TaskRef{UID: theirs.UID}, "x"))
		s.run(bob, deleting(number(1)))
		unknown := tandem.NewID()
		_, none := s.Edit(s.ctx(), ann, retitling("", tandem.TaskRef{UID: unknown}, "x"))
		equal(s, "error", strings.ReplaceAll(foreign.Error(), theirs.UID, "UID"), strings.ReplaceAll(none.Error(), unknown, "UID"))
	},
	"names that begin alike are two people": func(s *stage) {
		for _, user := range []tandem.UserID{"a", "aa", "a|b", "A", "a.b"} {
			s.add(user, tandem.Draft{Title: "Task of " + string(user)})
		}
		for _, user := range []tandem.UserID{"a", "aa", "a|b", "A", "a.b"} {
			equal(s, "found", s.titles(user, tandem.Query{Search: tandem.ParseSearch("t")}), []string{"Task of " + string(user)})
		}
	},
	"a name that is none is refused": func(s *stage) {
		for _, user := range []tandem.UserID{"", ".", "..", "a b", "ä"} {
			_, err := s.Edit(s.ctx(), user, adding("", tandem.Draft{Title: "x"}))
			s.refused(err, tandem.CodeInvalid)
		}
	},
	"an erased person is gone, the other stays": func(s *stage) {
		fill(s, ann, "cnryann")
		fill(s, bob, canary)
		before := seen(s, ann)
		s.must(s.DeleteUser(s.ctx(), bob))
		s.must(s.DeleteUser(s.ctx(), bob))
		users, err := s.Users(s.ctx())
		s.must(err)
		equal(s, "users", users, []tandem.UserID{ann})
		if text := seen(s, bob); strings.Contains(text, canary) {
			s.Fatalf("still there: %s", text)
		}
		for _, o := range s.outbox() {
			equal(s, "owner of an event that waits", o.User, ann)
		}
		for _, l := range must(s.DeadLetters(s.ctx(), 0, 100)) {
			equal(s, "text of a dead letter", strings.Contains(string(l.Event), canary), false)
		}
		_, _, err = s.Device(s.ctx(), "device-"+canary)
		s.refused(err, tandem.CodeNotFound)
		for _, d := range s.due(time.Hour) {
			equal(s, "owner of a delivery that waits", d.User, ann)
		}
		late, err := s.AppendAudit(s.ctx(), tandem.TopicTaskEvents, event(s, bob, "late"))
		s.must(err)
		equal(s, "an event that was under way is kept", late, false)
		s.must(s.AddDeadLetter(s.ctx(), tandem.TopicTaskEvents, "audit", json.RawMessage(`{"user_id":"bob","x":"late"}`), "late"))
		for _, l := range must(s.DeadLetters(s.ctx(), 0, 100)) {
			equal(s, "a late letter is kept", strings.Contains(string(l.Event), "late"), false)
		}
		equal(s, "what ann sees", seen(s, ann), before)
		equal(s, "a new beginning", s.add(bob, tandem.Draft{Title: "Again"}).Number, 1)
	},
}

// must gives the value of a call that has to succeed.
func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}
