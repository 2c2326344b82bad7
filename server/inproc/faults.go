package inproc

import (
	"math/rand/v2"
	"sync"

	"tandem"
)

// Faults is the fault switch of tests: each signal or event is lost, repeated or held back past the next one with the given
// probability, decided by a seed. A nil *Faults does nothing.
type Faults struct {
	Drop, Repeat, Reorder float64

	mu   sync.Mutex
	rand *rand.Rand
	held []tandem.Signal
}

// NewFaults gives a switch that decides by seed.
func NewFaults(seed uint64, drop, repeat, reorder float64) *Faults {
	return &Faults{Drop: drop, Repeat: repeat, Reorder: reorder, rand: rand.New(rand.NewPCG(seed, seed))}
}

// pass sends s on, as the dice say; what was held back follows the next one.
func (f *Faults) pass(s tandem.Signal, deliver func(tandem.Signal)) {
	if f == nil {
		deliver(s)
		return
	}
	for _, out := range f.draw(s) {
		deliver(out)
	}
}

func (f *Faults) draw(s tandem.Signal) []tandem.Signal {
	f.mu.Lock()
	defer f.mu.Unlock()
	var out []tandem.Signal
	switch {
	case f.rand.Float64() < f.Drop:
	case f.rand.Float64() < f.Reorder:
		f.held = append(f.held, s)
		return nil
	case f.rand.Float64() < f.Repeat:
		out = append(out, s, s)
	default:
		out = append(out, s)
	}
	out = append(out, f.held...)
	f.held = nil
	return out
}

// repeats tells how often the bus delivers an event: once, or twice as the dice say.
func (f *Faults) repeats() int {
	if f == nil {
		return 1
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.rand.Float64() < f.Repeat {
		return 2
	}
	return 1
}
