package postgres

import (
	"encoding/binary"
	"math/bits"
)

// bitset is a set of small numbers.
type bitset struct{ words []uint64 }

func (b *bitset) add(n int64) {
	i := int(n >> 6)
	b.grow(i + 1)
	b.words[i] |= 1 << (n & 63)
}

// grow makes room for n words.
func (b *bitset) grow(n int) {
	if have := len(b.words); n > have {
		b.words = append(b.words, make([]uint64, max(n-have, have, 16))...)
	}
}

// put adds or removes a number.
func (b *bitset) put(n int64, present bool) {
	b.add(n)
	if !present {
		b.words[n>>6] &^= 1 << (n & 63)
	}
}

func (b *bitset) has(n int64) bool {
	i := int(n >> 6)
	return i < len(b.words) && b.words[i]&(1<<(n&63)) != 0
}

// each calls f for every number, in order.
func (b *bitset) each(f func(n int64)) {
	for i, w := range b.words {
		for ; w != 0; w &= w - 1 {
			f(int64(i)<<6 + int64(bits.TrailingZeros64(w)))
		}
	}
}

// and keeps what is in both.
func (b *bitset) and(other *bitset) {
	for i := range b.words {
		if i < len(other.words) {
			b.words[i] &= other.words[i]
		} else {
			b.words[i] = 0
		}
	}
}

// or adds what is in the other.
func (b *bitset) or(other *bitset) {
	b.grow(len(other.words))
	for i, w := range other.words {
		b.words[i] |= w
	}
}

// forget removes the numbers below n.
func (b *bitset) forget(n int64) {
	for i := range b.words {
		switch first := int64(i) << 6; {
		case first+64 <= n:
			b.words[i] = 0
		case first < n:
			b.words[i] &^= 1<<(n-first) - 1
		}
	}
}

// The places of a word in a chunk are a set: twice the task's place, plus one for its description. A few are kept as a list, many
// as a bitmap; only the bitmap is placesBytes long.
const (
	placesBits  = chunkBits + 1
	placesBytes = 1 << placesBits / 8
)

// addPlaces adds a set of places that begin at base, which is a multiple of 64.
func (b *bitset) addPlaces(base int64, places []byte) {
	if len(places) < placesBytes {
		for ; len(places) >= 2; places = places[2:] {
			b.add(base + int64(binary.BigEndian.Uint16(places)))
		}
		return
	}
	first := int(base >> 6)
	b.grow(first + placesBytes/8)
	for i := range placesBytes / 8 {
		b.words[first+i] |= binary.LittleEndian.Uint64(places[8*i:])
	}
}

// places writes a set of places as it is kept; nil for the empty one.
func (b *bitset) places() []byte {
	count := 0
	for _, w := range b.words {
		count += bits.OnesCount64(w)
	}
	if 2*count < placesBytes {
		var out []byte
		b.each(func(n int64) { out = binary.BigEndian.AppendUint16(out, uint16(n)) })
		return out
	}
	out := make([]byte, placesBytes)
	for i, w := range b.words[:min(len(b.words), placesBytes/8)] {
		binary.LittleEndian.PutUint64(out[8*i:], w)
	}
	return out
}

// marks weighs the tasks of a user by number: 0 is out of the list, more is a better match.
type marks struct {
	weight []uint8
	count  [256]int // tasks of each weight above 0
	total  int
}

func newMarks(numbers int64) *marks { return &marks{weight: make([]uint8, numbers+1)} }

// of gives the weight of a number; 0 for one that is not marked.
func (m *marks) of(number int64) int {
	if number >= int64(len(m.weight)) {
		return 0
	}
	return int(m.weight[number])
}

// keep unmarks what is not in the set.
func (m *marks) keep(set *bitset) {
	for n, w := range m.weight {
		if w > 0 && !set.has(int64(n)) {
			m.weight[n] = 0
		}
	}
}

// tally counts the weights once the marks are complete.
func (m *marks) tally() {
	for _, w := range m.weight {
		m.count[w]++
	}
	m.total = len(m.weight) - m.count[0]
	m.count[0] = 0
}

// levels lists the weights that occur, the highest first.
func (m *marks) levels() []int {
	var out []int
	for w := len(m.count) - 1; w > 0; w-- {
		if m.count[w] > 0 {
			out = append(out, w)
		}
	}
	return out
}
