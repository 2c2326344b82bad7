package postgres

import (
	"encoding/binary"

	"tandem/server/store"
)

// The places of a word in a chunk are a set: twice the task's place, plus one for its description. A few are kept as a list, many
// as a bitmap; only the bitmap is placesBytes long.
const (
	placesBits  = chunkBits + 1
	placesBytes = 1 << placesBits / 8
)

// addPlaces adds places that begin at base, which is a multiple of 64, to a set.
func addPlaces(set *store.Bitset, base int64, places []byte) {
	if len(places) == placesBytes {
		set.AddBytes(base, places)
		return
	}
	for ; len(places) >= 2; places = places[2:] {
		set.Add(base + int64(binary.BigEndian.Uint16(places)))
	}
}

// placesOf writes a set of places as it is kept; nil for the empty one.
func placesOf(set *store.Bitset) []byte {
	if 2*set.Len() < placesBytes {
		var out []byte
		set.Each(func(n int64) { out = binary.BigEndian.AppendUint16(out, uint16(n)) })
		return out
	}
	out := make([]byte, placesBytes)
	copy(out, set.Bytes())
	return out
}
