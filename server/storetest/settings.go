package storetest

import (
	"encoding/json"
	"time"

	"tandem"
)

func (s *stage) set(user tandem.UserID, e tandem.SetEdit) tandem.Outcome {
	s.Helper()
	out, err := s.Set(s.ctx(), user, e)
	s.must(err)
	return out
}

// inZone moves a person.
func inZone(zone string) tandem.SetEdit {
	return tandem.SetEdit{Cause: by(""), Decide: func(set tandem.Settings) (tandem.Settings, error) {
		set.TimeZone = zone
		return set, nil
	}}
}

func token(s *stage, id string) *tandem.NewToken {
	return &tandem.NewToken{Info: tandem.TokenInfo{ID: id, Name: "script", Scopes: []string{"tasks:read"}, CreatedAt: tandem.Stamp(s.clock.Now())}, Hash: "hash-" + id}
}

var settings = map[string]func(*stage){
	"an unknown person has the defaults and leaves no trace": func(s *stage) {
		got, err := s.Settings(s.ctx(), ann)
		s.must(err)
		equal(s, "settings", got, tandem.DefaultSettings())
		users, err := s.Users(s.ctx())
		s.must(err)
		equal(s, "users", len(users), 0)
	},
	"settings are kept and told": func(s *stage) {
		out := s.set(ann, tandem.SetEdit{Cause: by(""), Decide: func(set tandem.Settings) (tandem.Settings, error) {
			set.Views = []tandem.View{{Name: "Today", Query: "due:today"}}
			set.Quiet = &tandem.QuietHours{From: "22:00", To: "07:00"}
			set.Channels.Email = &tandem.Channel{Address: "ann@example.com", On: true}
			return set, nil
		}})
		equal(s, "number", out.Seq, 1)
		got, err := s.Settings(s.ctx(), ann)
		s.must(err)
		if len(got.Views) != 1 || got.Quiet == nil || got.Channels.Email == nil || got.Channels.Push == nil {
			s.Fatalf("read back %+v", got)
		}
		equal(s, "the same again takes no number", s.set(ann, tandem.SetEdit{Decide: func(set tandem.Settings) (tandem.Settings, error) { return set, nil }}).Seq, 1)
	},
	"a refused patch changes nothing": func(s *stage) {
		e := inZone("Mars/Base")
		e.AddToken = token(s, "t")
		_, err := s.Set(s.ctx(), ann, e)
		s.refused(err, tandem.CodeInvalid)
		_, _, err = s.TokenByHash(s.ctx(), "hash-t")
		s.refused(err, tandem.CodeNotFound)
		equal(s, "head", s.head(), 0)
	},
	"floating tasks follow a change of zone in the same write": func(s *stage) {
		hour := time.Hour
		s.add(ann, tandem.Draft{Title: "Floats", Due: &tandem.Due{Date: "2031-06-01", Time: "09:00"}, Reminders: []tandem.ReminderSpec{{Before: &hour}}})
		s.add(ann, tandem.Draft{Title: "Zoned", Due: &tandem.Due{Date: "2031-06-01", Time: "09:00", TimeZone: "Europe/Berlin"}})
		out := s.set(ann, inZone("Asia/Tokyo"))
		equal(s, "number", out.Seq, 3)
		moved := s.task(ann, 1)
		equal(s, "due", *moved.DueAt, time.Date(2031, 6, 1, 0, 0, 0, 0, time.UTC))
		equal(s, "reminder", moved.Reminders[0].At, time.Date(2031, 5, 31, 23, 0, 0, 0, time.UTC))
		equal(s, "version of the other", s.task(ann, 2).Version, 1)
		due, err := s.DueReminders(s.ctx(), moved.Reminders[0].At, 10)
		s.must(err)
		if len(due) != 1 || due[0].Generation != 2 {
			s.Fatalf("promises %+v", due)
		}
		d, _, err := s.Log(s.ctx(), ann, 2)
		s.must(err)
		equal(s, "changes of the write", len(d.Changes), 2)
	},
	"tokens, feed and push are kept with the settings": func(s *stage) {
		s.set(ann, tandem.SetEdit{
			AddToken: token(s, "t"), Feed: &tandem.FeedEdit{Hash: "feed"},
			AddPush: &tandem.PushSubscription{PushDevice: tandem.PushDevice{ID: "p", Device: "Firefox"}, Subscription: json.RawMessage(`{"endpoint":"x"}`)},
		})
		got, err := s.Settings(s.ctx(), ann)
		s.must(err)
		if len(got.Tokens) != 1 || got.Tokens[0].ID != "t" || got.Feed == nil || len(got.Channels.Push) != 1 {
			s.Fatalf("settings %+v", got)
		}
		user, err := s.FeedByHash(s.ctx(), "feed")
		s.must(err)
		equal(s, "owner of the feed", user, ann)
		pushes, err := s.Pushes(s.ctx(), ann)
		s.must(err)
		equal(s, "subscription", string(pushes[0].Subscription), `{"endpoint":"x"}`)
		s.set(ann, tandem.SetEdit{RevokeToken: "t", Feed: &tandem.FeedEdit{}, RemovePush: "p"})
		got, err = s.Settings(s.ctx(), ann)
		s.must(err)
		equal(s, "settings", got, tandem.DefaultSettings())
		_, err = s.FeedByHash(s.ctx(), "feed")
		s.refused(err, tandem.CodeNotFound)
	},
	"what is not there cannot be revoked": func(s *stage) {
		s.set(bob, tandem.SetEdit{AddToken: token(s, "t")})
		title := "x"
		for name, e := range map[string]tandem.SetEdit{
			"token": {RevokeToken: "t"}, "device": {RevokeDevice: "d"}, "push": {RemovePush: "p"},
			"conversation": {Conversations: map[int64]*string{1: nil}}, "title": {Conversations: map[int64]*string{1: &title}},
		} {
			if _, err := s.Set(s.ctx(), ann, e); tandem.AsError(err).Code != tandem.CodeNotFound {
				s.Errorf("%s: %v, want not_found", name, err)
			}
		}
	},
	"a mid is settled by a set as by an edit": func(s *stage) {
		e := inZone("Asia/Tokyo")
		e.Cause.Client, e.Cause.Mid, e.Result = "phone", 1, json.RawMessage(`{"ok":1}`)
		s.set(ann, e)
		again := s.set(ann, e)
		if !again.Replayed || string(again.Result) != `{"ok":1}` || again.Seq != 1 {
			s.Fatalf("repeated: %+v", again)
		}
		e.Cause.Mid = 3
		_, err := s.Set(s.ctx(), ann, e)
		s.refused(err, tandem.CodeConflict)
	},
	"signing out everywhere ends devices and tokens": func(s *stage) {
		s.must(s.AddDevice(s.ctx(), ann, "device", "Firefox"))
		s.must(s.AddDevice(s.ctx(), bob, "his device", "Firefox"))
		s.set(ann, tandem.SetEdit{AddToken: token(s, "t")})
		s.set(ann, tandem.SetEdit{RevokeAll: true})
		_, _, err := s.Device(s.ctx(), "device")
		s.refused(err, tandem.CodeNotFound)
		_, _, err = s.TokenByHash(s.ctx(), "hash-t")
		s.refused(err, tandem.CodeNotFound)
		at, err := s.RevokedBefore(s.ctx(), ann)
		s.must(err)
		equal(s, "tokens are void before", at, s.clock.Now())
		_, _, err = s.Device(s.ctx(), "his device")
		s.must(err)
	},
}
