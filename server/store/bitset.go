package store

import (
	"encoding/binary"
	"math/bits"
)

// Bitset is a set of small numbers. The zero value is the empty one.
type Bitset struct{ words []uint64 }

// Add adds a number.
func (b *Bitset) Add(n int64) {
	i := int(n >> 6)
	b.grow(i + 1)
	b.words[i] |= 1 << (n & 63)
}

// grow makes room for n words.
func (b *Bitset) grow(n int) {
	if have := len(b.words); n > have {
		b.words = append(b.words, make([]uint64, max(n-have, have, 16))...)
	}
}

// Put adds or removes a number.
func (b *Bitset) Put(n int64, present bool) {
	b.Add(n)
	if !present {
		b.words[n>>6] &^= 1 << (n & 63)
	}
}

// Has reports whether a number is in the set.
func (b *Bitset) Has(n int64) bool {
	i := int(n >> 6)
	return i < len(b.words) && b.words[i]&(1<<(n&63)) != 0
}

// Len counts the numbers.
func (b *Bitset) Len() int {
	count := 0
	for _, w := range b.words {
		count += bits.OnesCount64(w)
	}
	return count
}

// Each calls f for every number, in order.
func (b *Bitset) Each(f func(n int64)) {
	for i, w := range b.words {
		for ; w != 0; w &= w - 1 {
			f(int64(i)<<6 + int64(bits.TrailingZeros64(w)))
		}
	}
}

// And keeps what is in both.
func (b *Bitset) And(other *Bitset) {
	for i := range b.words {
		if i < len(other.words) {
			b.words[i] &= other.words[i]
		} else {
			b.words[i] = 0
		}
	}
}

// Or adds what is in the other.
func (b *Bitset) Or(other *Bitset) {
	b.grow(len(other.words))
	for i, w := range other.words {
		b.words[i] |= w
	}
}

// Forget removes the numbers below n.
func (b *Bitset) Forget(n int64) {
	for i := range b.words {
		switch first := int64(i) << 6; {
		case first+64 <= n:
			b.words[i] = 0
		case first < n:
			b.words[i] &^= 1<<(n-first) - 1
		}
	}
}

// Bytes gives the set as a bitmap, a multiple of eight bytes long.
func (b *Bitset) Bytes() []byte {
	out := make([]byte, 8*len(b.words))
	for i, w := range b.words {
		binary.LittleEndian.PutUint64(out[8*i:], w)
	}
	return out
}

// AddBytes adds the numbers of a bitmap whose first one is base, a multiple of 64.
func (b *Bitset) AddBytes(base int64, bitmap []byte) {
	first, n := int(base>>6), len(bitmap)/8
	b.grow(first + n)
	for i := range n {
		b.words[first+i] |= binary.LittleEndian.Uint64(bitmap[8*i:])
	}
}
