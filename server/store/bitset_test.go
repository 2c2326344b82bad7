package store

import (
	"maps"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestBitset_IsASet compares random operations with those of a map.
func TestBitset_IsASet(t *testing.T) {
	for seed := range uint64(5000) {
		r := rand.New(rand.NewPCG(seed, 1))
		a, inA := randomSet(r)
		b, inB := randomSet(r)
		n := r.Int64N(600)
		switch r.IntN(4) {
		case 0:
			a.And(b)
			maps.DeleteFunc(inA, func(n int64, _ bool) bool { return !inB[n] })
		case 1:
			a.Or(b)
			maps.Copy(inA, inB)
		case 2:
			a.Forget(n)
			maps.DeleteFunc(inA, func(m int64, _ bool) bool { return m < n })
		case 3:
			base := 64 * r.Int64N(8)
			a.AddBytes(base, b.Bytes())
			for m := range inB {
				inA[base+m] = true
			}
		}
		var got []int64
		a.Each(func(n int64) { got = append(got, n) })
		want := slices.Sorted(maps.Keys(inA))
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatalf("seed %d: the set differs (-want +got)\n%s", seed, diff)
		}
		if a.Len() != len(want) {
			t.Errorf("seed %d: counted %d, want %d", seed, a.Len(), len(want))
		}
		if a.Has(n) != inA[n] {
			t.Errorf("seed %d: has %d: %v, want %v", seed, n, a.Has(n), inA[n])
		}
	}
}

func randomSet(r *rand.Rand) (*Bitset, map[int64]bool) {
	var set Bitset
	in := map[int64]bool{}
	for range r.IntN(100) {
		n, present := r.Int64N(1+r.Int64N(1500)), r.IntN(4) > 0
		set.Put(n, present)
		if present {
			in[n] = true
		} else {
			delete(in, n)
		}
	}
	return &set, in
}
