package sqlite

import (
	"sync"

	"tandem/server/store"
)

// maxFindings bounds what is remembered: of 100,000 tasks each takes 25 KB.
const maxFindings = 64

// findings remembers what the newest look-ups of words found, for the next page, the next letter, another order of the same list.
// They hold until the next write of their user. The oldest goes first.
type findings struct {
	mu    sync.Mutex
	of    map[finding]*store.Bitset
	order []finding
}

// finding names a look-up. The account tells of which state it was.
type finding struct {
	account account
	match   string
}

// get gives what a look-up found, which nobody may change; nil when it is not known.
func (k *findings) get(a account, match string) *store.Bitset {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.of[finding{a, match}]
}

func (k *findings) put(a account, match string, set *store.Bitset) {
	k.mu.Lock()
	defer k.mu.Unlock()
	f := finding{a, match}
	if k.of == nil {
		k.of = make(map[finding]*store.Bitset, maxFindings)
	}
	if k.of[f] == nil {
		k.order = append(k.order, f)
	}
	k.of[f] = set
	if len(k.order) > maxFindings {
		delete(k.of, k.order[0])
		k.order = k.order[1:]
	}
}

// forget drops all: a word of an erased user must not stay.
func (k *findings) forget() {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.of, k.order = nil, nil
}
