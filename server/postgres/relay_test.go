package postgres

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tandem"
)

// drain forwards everything of all lists and gives it in the order of each list.
func drain(t *testing.T, db *DB) (out []tandem.Outgoing) {
	t.Helper()
	for p := range db.Partitions() {
		for n := 1; n > 0; {
			var err error
			n, err = db.Forward(t.Context(), p, 3, func(_ context.Context, entries []tandem.Outgoing) (done []int64, err error) {
				for _, e := range entries {
					out, done = append(out, e), append(done, e.ID)
				}
				return done, nil
			})
			if err != nil {
				t.Fatal(err)
			}
		}
	}
	return out
}

// TestForward_OfConcurrentReplicasIsInTheOrderOfNumbers has three processes write for the same people.
func TestForward_OfConcurrentReplicasIsInTheOrderOfNumbers(t *testing.T) {
	pg, name := database(t)
	var replicas []*DB
	for range 3 {
		replicas = append(replicas, openAt(t, pg.DSN("tandem_worker", name)+"&pool_max_conns=6", Options{}))
	}
	db := replicas[0]
	users := []tandem.UserID{"ann", "bob", "carol", "dave"}
	var wg sync.WaitGroup
	for i := range 12 {
		wg.Go(func() {
			for range 5 {
				_, err := replicas[i%3].Edit(t.Context(), users[i%len(users)], tandem.Edit{Decide: func(sc tandem.Scene) (tandem.Plan, error) {
					task, _, err := tandem.NewTask(sc, tandem.Draft{Title: "One"})
					return tandem.Plan{Tasks: []tandem.Task{task}}, err
				}})
				if err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	if err := db.AddDevice(t.Context(), "ann", "h", "phone"); err != nil { // a write that tells no event
		t.Fatal(err)
	}
	seqs := map[tandem.UserID][]tandem.Seq{}
	for _, o := range drain(t, db) {
		seqs[o.User] = append(seqs[o.User], o.Seq)
		if (o.Topic == "") != (o.User == "ann" && o.Seq == 16) {
			t.Errorf("entry %d of %s has the topic %q", o.Seq, o.User, o.Topic)
		}
	}
	for _, user := range users {
		if got := slices.Compact(slices.Clone(seqs[user])); !slices.IsSorted(seqs[user]) || len(got) != int(seqs[user][len(seqs[user])-1]) {
			t.Errorf("%s: %v", user, seqs[user])
		}
	}
	if b, err := db.Backlog(t.Context()); err != nil || b.Pending != 0 || !b.Oldest.IsZero() {
		t.Errorf("backlog %+v, %v", b, err)
	}
}

func TestForward_TakesOffWhatIsDoneBesideAnError(t *testing.T) {
	db := open(t, nil)
	mustAdd(t, db, "One")
	mustAdd(t, db, "Two")
	lost := errors.New("the bus is gone")
	list := int(listOf("ann"))
	n, err := db.Forward(t.Context(), list, 10, func(_ context.Context, entries []tandem.Outgoing) ([]int64, error) {
		return []int64{entries[0].ID, entries[2].ID}, lost
	})
	if n != 4 || !errors.Is(err, lost) {
		t.Fatalf("forwarded %d, %v", n, err)
	}
	if b, err := db.Backlog(t.Context()); err != nil || b.Pending != 2 || b.Oldest.IsZero() {
		t.Fatalf("backlog %+v, %v", b, err)
	}
	var types []tandem.Seq
	for _, o := range drain(t, db) {
		types = append(types, o.Seq)
	}
	if d := cmp.Diff([]tandem.Seq{1, 2}, types); d != "" {
		t.Fatal(d)
	}
}

func TestForward_OfOneListIsDoneByOneAtATime(t *testing.T) {
	db := open(t, nil)
	mustAdd(t, db, "One")
	list := int(listOf("ann"))
	_, err := db.Forward(t.Context(), list, 10, func(ctx context.Context, _ []tandem.Outgoing) ([]int64, error) {
		n, err := db.Forward(ctx, list, 10, func(context.Context, []tandem.Outgoing) ([]int64, error) {
			t.Error("two forward one list")
			return nil, nil
		})
		if n != 0 || err != nil {
			t.Errorf("the second one: %d, %v", n, err)
		}
		for other := range db.Partitions() {
			if other != list {
				if _, err := db.Forward(ctx, other, 10, nil); err != nil {
					t.Errorf("another list: %v", err)
				}
			}
		}
		return nil, nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestResend_KeepsTheEvent(t *testing.T) {
	db := open(t, nil)
	mustAdd(t, db, "One")
	first := drain(t, db)
	if err := db.Resend(t.Context(), first[0]); err != nil {
		t.Fatal(err)
	}
	again := drain(t, db)
	if len(again) != 1 || string(again[0].Event) != string(first[0].Event) || again[0].Topic != first[0].Topic || again[0].User != "ann" {
		t.Fatalf("resent %+v", again)
	}
	stranger := first[0]
	stranger.User = "nobody"
	if err := db.Resend(t.Context(), stranger); err != nil || len(drain(t, db)) != 0 {
		t.Fatalf("an event of a stranger: %v", err)
	}
}

// A list that cannot be read is no list without entries: the relay has to hear of it.
func TestForward_TellsThatItFailed(t *testing.T) {
	pg, name := database(t)
	db := openAt(t, pg.DSN("tandem_worker", name), Options{})
	superuser(t, pg, name, `revoke select on outbox from tandem_worker`)
	t.Cleanup(func() { superuserAfter(t, pg, name, `grant select on outbox to tandem_worker`) })
	n, err := db.Forward(t.Context(), 0, 3, func(context.Context, []tandem.Outgoing) ([]int64, error) { return nil, nil })
	if n != 0 || err == nil {
		t.Errorf("forwarded %d, %v; want an error", n, err)
	}
}
