package storetest

import (
	"context"
	"encoding/json"
	"math/rand/v2"
	"time"

	"tandem"
)

// replica folds deltas as a client does.
type replica struct {
	seq  tandem.Seq
	rows map[string]string
}

func (r *replica) apply(s *stage, d tandem.Delta) {
	s.Helper()
	if d.From > r.seq+1 || d.To < r.seq {
		s.Fatalf("delta %d..%d does not follow %d", d.From, d.To, r.seq)
	}
	for _, ch := range d.Changes {
		key := string(ch.Kind) + "/" + ch.ID
		if ch.Row == nil {
			delete(r.rows, key)
			continue
		}
		if got := rowKey(s, ch.Kind, ch.Row); got != key {
			s.Fatalf("the row of %s calls itself %s", key, got)
		}
		r.rows[key] = string(ch.Row)
	}
	r.seq = d.To
}

// catchUp reads the log from where the replica stands.
func (s *stage) catchUp(r *replica) {
	s.Helper()
	d, ok, err := s.Log(s.ctx(), ann, r.seq)
	s.must(err)
	if !ok {
		s.Fatalf("no log behind %d", r.seq)
	}
	r.apply(s, d)
}

func (s *stage) snapshot() *replica {
	s.Helper()
	snap, err := s.Snapshot(s.ctx(), ann)
	s.must(err)
	return &replica{snap.Seq, picture(s, snap.Rows)}
}

// step is one random write of any kind.
func step(s *stage, r *rand.Rand) {
	n := 1 + r.Int64N(12)
	edit := func(e tandem.Edit) {
		if _, err := s.Edit(s.ctx(), ann, e); err != nil && tandem.AsError(err).Code == tandem.CodeInternal {
			s.Fatal(err)
		}
	}
	switch r.IntN(10) {
	case 0, 1:
		edit(adding("", draft(s, r)))
	case 2:
		edit(completing("", number(n)))
	case 3:
		edit(reopening(number(n)))
	case 4:
		edit(deleting(number(n)))
	case 5:
		edit(undoing(by(""), "last"))
	case 6:
		edit(retitling("", number(n), phrase(r, 2)))
	case 7:
		randomTurn(s, r)
	case 8:
		randomSet(s, r)
	case 9:
		randomQuestion(s, r)
	}
	s.clock.pass(time.Duration(r.IntN(5)) * time.Second)
}

func randomTurn(s *stage, r *rand.Rand) {
	conv := r.Int64N(3)
	t, _, err := s.StartTurn(s.ctx(), ann, tandem.TurnStart{ID: tandem.NewID(), Conversation: conv, Title: "Talk", Text: phrase(r, 2), Owner: "o"})
	if err != nil {
		return // no such conversation
	}
	t.Status = tandem.TurnDone
	_, _, err = s.EndTurn(s.ctx(), t, tandem.Message{Text: phrase(r, 3)}, nil)
	s.must(err)
}

func randomSet(s *stage, r *rand.Rand) {
	e := tandem.SetEdit{Cause: by("")}
	switch r.IntN(4) {
	case 0:
		e.Decide = func(set tandem.Settings) (tandem.Settings, error) {
			set.TimeZone = []string{"UTC", "Asia/Tokyo", "America/New_York"}[r.IntN(3)]
			return set, nil
		}
	case 1:
		title := phrase(r, 1)
		e.Conversations = map[int64]*string{1 + r.Int64N(3): &title}
	case 2:
		e.Conversations = map[int64]*string{1 + r.Int64N(3): nil}
	case 3:
		id := tandem.NewID()
		e.AddToken = &tandem.NewToken{Info: tandem.TokenInfo{ID: id, Name: "script", CreatedAt: tandem.Stamp(s.clock.Now())}, Hash: id}
	}
	if _, err := s.Set(s.ctx(), ann, e); err != nil && tandem.AsError(err).Code == tandem.CodeInternal {
		s.Fatal(err)
	}
}

func randomQuestion(s *stage, r *rand.Rand) {
	id := tandem.NewID()
	s.must(s.AddApproval(s.ctx(), ann, by(""), tandem.Approval{ID: id, Kind: tandem.ApprovalConfirm, Tool: "delete_task", Hash: id, Args: json.RawMessage(`{}`)}))
	if r.IntN(2) == 0 {
		_, err := s.DecideApproval(s.ctx(), ann, by(""), id, r.IntN(2) == 0, "ann")
		s.must(err)
	}
}

var logs = map[string]func(*stage){
	"an old picture with the log equals a new one": func(s *stage) {
		for seed := range uint64(8) {
			r := rand.New(rand.NewPCG(seed, 9))
			old, frequent := s.snapshot(), s.snapshot()
			for i := range 40 {
				step(s, r)
				if i%3 == 0 {
					s.catchUp(frequent)
				}
			}
			s.catchUp(old)
			s.catchUp(frequent)
			fresh := s.snapshot()
			equal(s, "number of the one that slept", old.seq, fresh.seq)
			equal(s, "rows of the one that slept", old.rows, fresh.rows)
			equal(s, "rows of the one that was there", frequent.rows, fresh.rows)
		}
	},
	"numbers have no holes": func(s *stage) {
		r := rand.New(rand.NewPCG(1, 1))
		for range 60 {
			step(s, r)
		}
		for from := range s.head() {
			d, ok, err := s.Log(s.ctx(), ann, from)
			s.must(err)
			if !ok || d.From != from+1 || d.To != s.head() || len(d.Changes) == 0 {
				s.Fatalf("the log behind %d is %d..%d with %d changes", from, d.From, d.To, len(d.Changes))
			}
		}
	},
	"a delta holds the last change of each row": func(s *stage) {
		s.add(ann, tandem.Draft{Title: "One"})
		s.run(ann, retitling("", number(1), "Two"))
		e := retitling("", number(1), "Three")
		e.Cause.Client, e.Cause.Mid, e.Cause.TurnID = "phone", 1, "turn"
		s.run(ann, e)
		d, _, err := s.Log(s.ctx(), ann, 0)
		s.must(err)
		if len(d.Changes) != 1 {
			s.Fatalf("%d changes, want the last alone", len(d.Changes))
		}
		ch := d.Changes[0]
		equal(s, "attribution", []any{ch.Version, ch.Actor, ch.Client, ch.Mid, ch.TurnID}, []any{int64(3), tandem.ActorUser, "phone", int64(1), "turn"})
	},
	"a deleted task leaves, a restored one returns": func(s *stage) {
		t := s.add(ann, tandem.Draft{Title: "One"})
		s.run(ann, deleting(number(1)))
		d, _, err := s.Log(s.ctx(), ann, 1)
		s.must(err)
		if ch := d.Changes[0]; ch.ID != t.UID || ch.Row != nil {
			s.Fatalf("deletion is told as %+v", ch)
		}
		s.run(ann, undoing(by(""), "last"))
		d, _, err = s.Log(s.ctx(), ann, 2)
		s.must(err)
		if ch := d.Changes[0]; ch.ID != t.UID || ch.Row == nil {
			s.Fatalf("restoring is told as %+v", ch)
		}
	},
	"at the head there is nothing, ahead there is no log": func(s *stage) {
		s.add(ann, tandem.Draft{Title: "One"})
		d, ok, err := s.Log(s.ctx(), ann, 1)
		s.must(err)
		if !ok || len(d.Changes) != 0 || d.To != 1 {
			s.Fatalf("at the head: %+v %v", d, ok)
		}
		for _, from := range []tandem.Seq{2, 1 << 40, -1} {
			if _, ok, err := s.Log(s.ctx(), ann, from); ok || err != nil {
				s.Fatalf("from %d: ok %v, err %v", from, ok, err)
			}
		}
	},
	"heads of many in one read": func(s *stage) {
		s.add(ann, tandem.Draft{Title: "One"})
		s.add(bob, tandem.Draft{Title: "One"})
		s.add(bob, tandem.Draft{Title: "Two"})
		heads, err := s.Heads(s.ctx(), []tandem.UserID{bob, ann, "carol"})
		s.must(err)
		if heads[ann] != 1 || heads[bob] != 2 || heads["carol"] != 0 {
			s.Fatalf("heads %v", heads)
		}
	},
	"cost counts rows, not writes": func(s *stage) {
		s.add(ann, tandem.Draft{Title: "One"})
		s.add(ann, tandem.Draft{Title: "Two"})
		for range 5 {
			s.run(ann, retitling("", number(1), tandem.NewID()))
		}
		changes, live, err := s.Cost(s.ctx(), ann, 2)
		s.must(err)
		if changes != 1 || live != 3 { // two tasks and the settings
			s.Fatalf("cost %d of %d rows, want 1 of 3", changes, live)
		}
	},
	"a snapshot holds the contract's set": func(s *stage) {
		s.add(ann, tandem.Draft{Title: "Done long ago"})
		s.run(ann, completing("", number(1)))
		s.clock.pass(31 * 24 * time.Hour)
		s.add(ann, tandem.Draft{Title: "Open"})
		s.add(ann, tandem.Draft{Title: "Done"})
		s.run(ann, completing("", number(3)))
		s.add(ann, tandem.Draft{Title: "Deleted"})
		s.run(ann, deleting(number(4)))
		for range 22 {
			s.talk(ann, 0, "hello", "hi")
		}
		for range 30 {
			s.talk(ann, 22, "more", "and more")
		}
		snap, err := s.Snapshot(s.ctx(), ann)
		s.must(err)
		counts := map[tandem.Kind]int{}
		for kind, rows := range snap.Rows {
			counts[kind] = len(rows)
		}
		equal(s, "rows", counts, map[tandem.Kind]int{
			tandem.KindTask: 2, tandem.KindConv: 20, tandem.KindMsg: 19*2 + 50, tandem.KindNotice: 0, tandem.KindApproval: 0, tandem.KindSettings: 1,
		})
	},
	"a snapshot is of one moment": func(s *stage) {
		s.add(ann, tandem.Draft{Title: "One"})
		ctx, stop := context.WithCancel(s.ctx())
		done := make(chan struct{})
		go func() {
			defer close(done)
			for ctx.Err() == nil {
				if _, err := s.Edit(s.ctx(), ann, retitling("", number(1), tandem.NewID())); err != nil {
					s.Error(err)
				}
			}
		}()
		for range 400 { // every write is one more version, so a snapshot that mixes two moments shows it
			snap, err := s.Snapshot(s.ctx(), ann)
			if err != nil {
				s.Error(err)
				break
			}
			var row tandem.TaskRow
			if err := json.Unmarshal(snap.Rows[tandem.KindTask][0], &row); err != nil || row.Version != int64(snap.Seq) {
				s.Errorf("a snapshot at %d holds version %d, err %v", snap.Seq, row.Version, err)
			}
		}
		stop()
		<-done
	},
}
