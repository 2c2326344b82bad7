package storetest

import (
	"encoding/json"
	"errors"
	"strings"
	"time"

	"tandem"
)

var edits = map[string]func(*stage){
	"a write takes the next number, nothing takes none": func(s *stage) {
		out := s.run(ann, adding("a", tandem.Draft{Title: "One"}, tandem.Draft{Title: "Two"}))
		equal(s, "number of the first write", out.Seq, 1)
		equal(s, "task numbers", []int64{out.Changes[0].After.Number, out.Changes[1].After.Number}, []int64{1, 2})
		same := s.run(ann, retitling("b", number(1), "One"))
		if same.Wrote() || same.Seq != 1 {
			s.Fatalf("an edit that changes nothing wrote %d changes at %d", len(same.Changes), same.Seq)
		}
		equal(s, "number behind it", s.run(ann, retitling("c", number(1), "First")).Seq, 2)
		equal(s, "version", s.task(ann, 1).Version, 2)
	},
	"what is read back is what was written": func(s *stage) {
		hour := time.Hour
		rule, err := tandem.ParseRule("FREQ=MONTHLY;BYMONTHDAY=1")
		s.must(err)
		out := s.run(ann, adding("a", tandem.Draft{
			Title: "Pay rent ünïcode 家", Description: "two\nlines", Priority: tandem.PriorityUrgent, Tags: []string{"Home", "money"},
			Due: &tandem.Due{Date: "2031-06-01", Time: "09:00", TimeZone: "Asia/Karachi"}, Rule: rule,
			Reminders: []tandem.ReminderSpec{{Before: &hour}},
		}))
		equal(s, "the task", s.task(ann, 1), *out.Changes[0].After)
	},
	"a refusing rule leaves nothing": func(s *stage) {
		s.add(ann, tandem.Draft{Title: "One"})
		before, events := s.head(), len(s.events(ann))
		_, err := s.Edit(s.ctx(), ann, adding("a", tandem.Draft{Title: "Fine"}, tandem.Draft{Title: ""}))
		s.refused(err, tandem.CodeInvalid)
		equal(s, "titles", s.titles(ann, tandem.Query{}), []string{"One"})
		equal(s, "head", s.head(), before)
		equal(s, "events", len(s.events(ann)), events)
		equal(s, "the next number", s.add(ann, tandem.Draft{Title: "Two"}).Number, 2)
	},
	"a panicking rule is internal and leaves nothing": func(s *stage) {
		s.add(ann, tandem.Draft{Title: "One"})
		e := adding("a", tandem.Draft{Title: "Two"})
		e.Decide = func(tandem.Scene) (tandem.Plan, error) { panic("boom") }
		_, err := s.Edit(s.ctx(), ann, e)
		s.refused(err, tandem.CodeInternal)
		if text := tandem.AsError(err).Message; strings.Contains(text, "boom") {
			s.Fatalf("the person reads %q", text)
		}
		equal(s, "the same id, now for real", s.run(ann, adding("a", tandem.Draft{Title: "Two"})).Seq, 2)
	},
	"a result that cannot be rendered takes the write back": func(s *stage) {
		e := adding("a", tandem.Draft{Title: "One"})
		e.Result = func(tandem.Outcome) (json.RawMessage, error) { return nil, errors.New("no") }
		if _, err := s.Edit(s.ctx(), ann, e); err == nil {
			s.Fatal("the edit succeeded")
		}
		equal(s, "titles", s.titles(ann, tandem.Query{}), []string{})
	},
	"a dry run tells all and changes nothing": func(s *stage) {
		e := adding("a", tandem.Draft{Title: "One"})
		e.DryRun = true
		out := s.run(ann, e)
		if !out.DryRun || out.Wrote() || len(out.Changes) != 1 || out.Changes[0].After.Number != 1 {
			s.Fatalf("dry run gave %+v", out)
		}
		equal(s, "head", s.head(), 0)
		equal(s, "events", len(s.events(ann)), 0)
		e.DryRun = false
		equal(s, "the same id, now for real", s.run(ann, e).Replayed, false)
	},
	"a proposed uid is taken once": func(s *stage) {
		uid := tandem.NewID()
		equal(s, "uid", s.add(ann, tandem.Draft{Title: "One", UID: uid}).UID, uid)
		_, err := s.Edit(s.ctx(), ann, adding("a", tandem.Draft{Title: "Two", UID: uid}))
		s.refused(err, tandem.CodeConflict)
		dry := adding("", tandem.Draft{Title: "Two", UID: uid})
		dry.DryRun = true
		_, err = s.Edit(s.ctx(), ann, dry)
		s.refused(err, tandem.CodeConflict)
		equal(s, "another person's", s.add(bob, tandem.Draft{Title: "His", UID: uid}).UID, uid)
	},
	"refs find by number and uid, in order, with the trash": func(s *stage) {
		one, two := s.add(ann, tandem.Draft{Title: "One"}), s.add(ann, tandem.Draft{Title: "Two"})
		s.run(ann, deleting(number(1)))
		refs := []tandem.TaskRef{{UID: two.UID}, number(99), number(1), {UID: tandem.NewID()}}
		s.run(ann, tandem.Edit{Refs: refs, Decide: func(sc tandem.Scene) (tandem.Plan, error) {
			if sc.Tasks[0].UID != two.UID || sc.Tasks[1] != nil || sc.Tasks[2].UID != one.UID || sc.Tasks[2].DeletedAt == nil || sc.Tasks[3] != nil {
				s.Fatalf("loaded %+v", sc.Tasks)
			}
			_, err := sc.Find(1)
			s.refused(err, tandem.CodeNotFound)
			return tandem.Plan{}, nil
		}})
	},
	"twins are open tasks with the folded title": func(s *stage) {
		s.add(ann, tandem.Draft{Title: "Büy MILK"})
		s.add(ann, tandem.Draft{Title: "Buy milk"})
		s.run(ann, completing("", number(2)))
		s.add(bob, tandem.Draft{Title: "Buy milk"})
		s.run(ann, tandem.Edit{Twins: []string{tandem.Fold("buy milk"), "none"}, Decide: func(sc tandem.Scene) (tandem.Plan, error) {
			equal(s, "twins", len(sc.Twins["buy milk"]), 1)
			equal(s, "no twins", len(sc.Twins["none"]), 0)
			return tandem.Plan{}, nil
		}})
	},
	"floating loads open tasks without a zone": func(s *stage) {
		s.add(ann, tandem.Draft{Title: "Floats", Due: &tandem.Due{Date: "2031-06-01"}})
		s.add(ann, tandem.Draft{Title: "Zoned", Due: &tandem.Due{Date: "2031-06-01", Time: "09:00", TimeZone: "Europe/Berlin"}})
		s.add(ann, tandem.Draft{Title: "Undated"})
		s.add(ann, tandem.Draft{Title: "Done", Due: &tandem.Due{Date: "2031-06-01"}})
		s.run(ann, completing("", number(4)))
		s.run(ann, tandem.Edit{Floating: true, Decide: func(sc tandem.Scene) (tandem.Plan, error) {
			if len(sc.Float) != 1 || sc.Float[0].Title != "Floats" {
				s.Fatalf("loaded %+v", sc.Float)
			}
			return tandem.Plan{}, nil
		}})
	},
	"events are committed with the write, in order": func(s *stage) {
		s.add(ann, tandem.Draft{Title: "One"})
		s.run(ann, completing("", number(1)))
		s.run(ann, deleting(number(1)))
		equal(s, "events", s.eventTypes(ann), []tandem.EventType{
			tandem.EventTaskCreated, tandem.EventTaskUpdate, tandem.EventTaskCompleted, tandem.EventTaskUpdate, tandem.EventTaskDeleted, tandem.EventTaskUpdate,
		})
		for i, e := range s.events(ann) {
			equal(s, "seq in the payload", e.Payload.Seq, tandem.Seq(i/2+1))
		}
	},
	"a plan may change settings": func(s *stage) {
		s.run(ann, tandem.Edit{Cause: by("a"), Decide: func(sc tandem.Scene) (tandem.Plan, error) {
			sc.Settings.TimeZone = "Asia/Tokyo"
			return tandem.Plan{Settings: &sc.Settings}, nil
		}})
		got, err := s.Settings(s.ctx(), ann)
		s.must(err)
		equal(s, "zone", got.TimeZone, "Asia/Tokyo")
		equal(s, "head", s.head(), 1)
	},
	"eight writers, no number lost": func(s *stage) {
		together(8, func(int) error {
			for range 5 {
				if _, err := s.Edit(s.ctx(), ann, adding("", tandem.Draft{Title: "One of many"})); err != nil {
					s.Error(err)
				}
			}
			return nil
		})
		equal(s, "head", s.head(), 40)
		page, err := s.List(s.ctx(), ann, tandem.Query{Limit: 100})
		s.must(err)
		seen := map[int64]bool{}
		for _, t := range page.Tasks {
			seen[t.Number] = true
		}
		equal(s, "distinct task numbers", len(seen), 40)
	},
}

var replays = map[string]func(*stage){
	"the same op_id gives the first result": func(s *stage) {
		first := s.run(ann, adding("op", tandem.Draft{Title: "Once"}))
		again := s.run(ann, adding("op", tandem.Draft{Title: "Once"}))
		if !again.Replayed || again.Wrote() {
			s.Fatalf("the repetition ran: %+v", again)
		}
		equal(s, "result", string(again.Result), string(first.Result))
		equal(s, "seq", again.Seq, first.Seq)
		equal(s, "titles", s.titles(ann, tandem.Query{}), []string{"Once"})
	},
	"the same op_id with other arguments is a conflict": func(s *stage) {
		s.run(ann, adding("op", tandem.Draft{Title: "Once"}))
		e := adding("op", tandem.Draft{Title: "Twice"})
		e.Hash = "another"
		_, err := s.Edit(s.ctx(), ann, e)
		s.refused(err, tandem.CodeConflict)
	},
	"an op_id that changed nothing is remembered too": func(s *stage) {
		s.add(ann, tandem.Draft{Title: "One"})
		s.run(ann, retitling("op", number(1), "One"))
		s.run(ann, retitling("", number(1), "Two"))
		equal(s, "replayed", s.run(ann, retitling("op", number(1), "One")).Replayed, true)
		equal(s, "title", s.task(ann, 1).Title, "Two")
	},
	"a final refusal is remembered, others are not": func(s *stage) {
		refuse := func(code tandem.Code) tandem.Edit {
			e := adding("op-"+string(code), tandem.Draft{Title: "Later"})
			e.Decide = func(tandem.Scene) (tandem.Plan, error) {
				return tandem.Plan{}, &tandem.Error{Code: code, Message: "First answer."}
			}
			return e
		}
		for _, code := range []tandem.Code{tandem.CodeInvalid, tandem.CodeNotFound, tandem.CodeAmbiguous, tandem.CodeForbidden} {
			_, err := s.Edit(s.ctx(), ann, refuse(code))
			s.refused(err, code)
			_, err = s.Edit(s.ctx(), ann, adding("op-"+string(code), tandem.Draft{Title: "Later"}))
			s.refused(err, code)
			equal(s, "message", tandem.AsError(err).Message, "First answer.")
		}
		for _, code := range []tandem.Code{tandem.CodeConflict, tandem.CodeNeedsApproval, tandem.CodeLimited, tandem.CodeInternal} {
			_, err := s.Edit(s.ctx(), ann, refuse(code))
			s.refused(err, code)
			equal(s, "the same id after "+string(code), s.run(ann, adding("op-"+string(code), tandem.Draft{Title: "Later"})).Wrote(), true)
		}
	},
	"eight callers of one op_id: one effect, one result": func(s *stage) {
		results := together(8, func(int) string {
			out, err := s.Edit(s.ctx(), ann, adding("op", tandem.Draft{Title: "Once"}))
			if err != nil {
				s.Error(err)
			}
			return string(out.Result)
		})
		for _, r := range results {
			equal(s, "result", r, results[0])
		}
		equal(s, "titles", s.titles(ann, tandem.Query{}), []string{"Once"})
		equal(s, "head", s.head(), 1)
	},
	"an event has its effect once": func(s *stage) {
		e := adding("", tandem.Draft{Title: "Once"})
		e.Inbox = &tandem.Inbox{Consumer: "c", EventID: "e"}
		outs := together(8, func(int) tandem.Outcome {
			out, err := s.Edit(s.ctx(), ann, e)
			if err != nil {
				s.Error(err)
			}
			return out
		})
		wrote := 0
		for _, out := range outs {
			if out.Wrote() {
				wrote++
			}
		}
		equal(s, "writes", wrote, 1)
		e.Inbox = &tandem.Inbox{Consumer: "another", EventID: "e"}
		equal(s, "another consumer writes", s.run(ann, e).Wrote(), true)
	},
	"mids: in order, repeated, ahead": func(s *stage) {
		mid := func(n int64, title string) tandem.Edit {
			e := adding("", tandem.Draft{Title: title})
			e.Cause.Client, e.Cause.Mid = "phone", n
			return e
		}
		first := s.run(ann, mid(1, "One"))
		_, err := s.Edit(s.ctx(), ann, mid(3, "Three"))
		s.refused(err, tandem.CodeConflict)
		equal(s, "field", tandem.AsError(err).Details.Field, "mid")
		again := s.run(ann, mid(1, "Other"))
		if !again.Replayed || string(again.Result) != string(first.Result) || again.Seq != first.Seq {
			s.Fatalf("a repeated mid gave %+v, want the first result", again)
		}
		_, err = s.Edit(s.ctx(), ann, mid(2, ""))
		s.refused(err, tandem.CodeInvalid)
		last, err := s.LastMid(s.ctx(), ann, "phone")
		s.must(err)
		equal(s, "last mid after a refusal that nobody settled", last, 1)
		s.must(s.UseMid(s.ctx(), ann, "phone", 2, json.RawMessage(`{"nack":1}`)))
		got, found, err := s.MidOutcome(s.ctx(), ann, "phone", 2)
		s.must(err)
		if !found || string(got.Result) != `{"nack":1}` {
			s.Fatalf("outcome %+v %v", got, found)
		}
		s.refused(s.UseMid(s.ctx(), ann, "phone", 9, nil), tandem.CodeConflict)
		s.run(ann, mid(3, "Three"))
		last, err = s.LastMid(s.ctx(), ann, "phone")
		s.must(err)
		equal(s, "last mid", last, 3)
		equal(s, "titles", s.titles(ann, tandem.Query{}), []string{"One", "Three"})
	},
	"a mid may repeat an op_id": func(s *stage) {
		first := s.run(ann, adding("op", tandem.Draft{Title: "Once"}))
		e := adding("op", tandem.Draft{Title: "Once"})
		e.Cause.Client, e.Cause.Mid = "phone", 1
		equal(s, "replayed", s.run(ann, e).Replayed, true)
		got, found, err := s.MidOutcome(s.ctx(), ann, "phone", 1)
		s.must(err)
		if !found || string(got.Result) != string(first.Result) || got.Seq != first.Seq {
			s.Fatalf("outcome of the mid: %+v %v, want the first result", got, found)
		}
	},
	"a dry run uses up its mid": func(s *stage) {
		e := adding("op", tandem.Draft{Title: "Not yet"})
		e.Cause.Client, e.Cause.Mid, e.DryRun = "phone", 1, true
		s.run(ann, e)
		e.Cause.Mid, e.DryRun = 2, false
		equal(s, "wrote", s.run(ann, e).Wrote(), true)
	},
	"eight senders of one mid: one effect": func(s *stage) {
		together(8, func(int) error {
			e := adding("", tandem.Draft{Title: "Once"})
			e.Cause.Client, e.Cause.Mid = "phone", 1
			if _, err := s.Edit(s.ctx(), ann, e); err != nil {
				s.Error(err)
			}
			return nil
		})
		equal(s, "titles", s.titles(ann, tandem.Query{}), []string{"Once"})
	},
}
