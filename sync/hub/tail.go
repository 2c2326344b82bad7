package hub

import (
	"time"

	"tandem"
)

// maxTail bounds the rows that a room remembers, in bytes: enough for the edits of a minute, so that devices which come back
// together are served without asking the log again.
const maxTail = 64 << 10

// tail is the newest stretch of a log: contiguous pieces, the last one ending where the room is.
type tail struct {
	pieces []piece
	bytes  int
}

type piece struct {
	tandem.Delta
	bytes int
	at    time.Time
}

// push adds the next piece, and forgets the oldest ones beyond maxTail.
func (t *tail) push(d tandem.Delta, at time.Time) {
	p := piece{Delta: d, bytes: sizeOf(d), at: at}
	t.pieces = append(t.pieces, p)
	t.bytes += p.bytes
	for len(t.pieces) > 0 && t.bytes > maxTail {
		t.drop()
	}
}

// replace makes d, which ends where the room is, all that is remembered. Its size is bounded by half of a user's rows.
func (t *tail) replace(d tandem.Delta, at time.Time) {
	p := piece{Delta: d, bytes: sizeOf(d), at: at}
	t.pieces, t.bytes = []piece{p}, p.bytes
}

// forget drops what is older than before.
func (t *tail) forget(before time.Time) {
	for len(t.pieces) > 0 && t.pieces[0].at.Before(before) {
		t.drop()
	}
}

func (t *tail) drop() {
	t.bytes -= t.pieces[0].bytes
	t.pieces = t.pieces[1:]
	if len(t.pieces) == 0 {
		t.pieces = nil
	}
}

// since gives the changes behind from as one squashed delta; false when they are not all remembered.
func (t *tail) since(from tandem.Seq) (tandem.Delta, bool) {
	for i, p := range t.pieces {
		if p.To > from {
			return squash(t.pieces[i:], from), p.From <= from+1
		}
	}
	return tandem.Delta{}, false
}

// squash joins pieces, keeping the last change of each row. A row of a piece that begins before from may be one that the
// reader has: repeating it changes nothing.
func squash(pieces []piece, from tandem.Seq) tandem.Delta {
	last := pieces[len(pieces)-1]
	out := tandem.Delta{User: last.User, From: from + 1, To: last.To}
	if len(pieces) == 1 {
		out.Changes = last.Changes
		return out
	}
	type key struct {
		kind tandem.Kind
		id   string
	}
	newest := map[key]int{}
	for i, p := range pieces {
		for _, c := range p.Changes {
			newest[key{c.Kind, c.ID}] = i
		}
	}
	for i, p := range pieces {
		for _, c := range p.Changes {
			if newest[key{c.Kind, c.ID}] == i {
				out.Changes = append(out.Changes, c)
			}
		}
	}
	return out
}

func sizeOf(d tandem.Delta) int {
	n := 64
	for _, c := range d.Changes {
		n += len(c.Row) + len(c.ID) + 128
	}
	return n
}
