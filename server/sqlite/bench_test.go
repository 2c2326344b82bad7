package sqlite

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"tandem"
	"tandem/server/storetest"
)

func BenchmarkEdit(b *testing.B) {
	db := open(b, nil)
	for b.Loop() {
		mustAdd(b, db, "Buy milk and bread")
	}
}

// Benchmark10kUsers writes and reads for many people in turn.
func Benchmark10kUsers(b *testing.B) {
	db := open(b, nil)
	b.RunParallel(func(pb *testing.PB) {
		r := rand.New(rand.NewPCG(1, rand.Uint64()))
		for pb.Next() {
			user := tandem.UserID(fmt.Sprintf("user-%d", r.IntN(10_000)))
			_, err := db.Edit(b.Context(), user, tandem.Edit{Decide: func(sc tandem.Scene) (tandem.Plan, error) {
				t, _, err := tandem.NewTask(sc, tandem.Draft{Title: "Buy milk"})
				return tandem.Plan{Tasks: []tandem.Task{t}}, err
			}})
			if err == nil {
				_, err = db.List(b.Context(), user, tandem.Query{Search: tandem.ParseSearch("milk"), Limit: 50})
			}
			if err != nil {
				b.Error(err)
			}
		}
	})
}

func BenchmarkSearch100k(b *testing.B) { storetest.RunSearch(b, open(b, nil)) }

func BenchmarkSnapshot10k(b *testing.B) { storetest.RunSnapshot(b, open(b, nil)) }
