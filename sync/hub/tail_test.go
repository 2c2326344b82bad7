package hub

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"tandem"
)

// stretch makes a delta that writes the named rows, with values that tell its last number.
func stretch(from, to tandem.Seq, ids ...string) tandem.Delta {
	d := tandem.Delta{User: ann, From: from, To: to}
	for _, id := range ids {
		d.Changes = append(d.Changes, tandem.Change{Kind: tandem.KindTask, ID: id, Version: int64(to)})
	}
	return d
}

// told writes a delta as its rows with their versions.
func told(d tandem.Delta) (out []string) {
	for _, c := range d.Changes {
		out = append(out, c.ID+string(rune('0'+c.Version)))
	}
	return out
}

func TestTail_GivesTheLastChangeOfEachRow(t *testing.T) {
	var tl tail
	now := time.Now()
	for _, d := range []tandem.Delta{stretch(4, 4, "a"), stretch(5, 6, "b", "c"), stretch(7, 7, "a", "b")} {
		tl.push(d, now)
	}
	for _, tc := range []struct {
		from tandem.Seq
		ok   bool
		want []string
	}{
		{2, false, nil},
		{3, true, []string{"c6", "a7", "b7"}},
		{4, true, []string{"c6", "a7", "b7"}},
		{5, true, []string{"c6", "a7", "b7"}}, // in the middle of a piece: what is known is only repeated
		{6, true, []string{"a7", "b7"}},
		{7, false, nil},
	} {
		d, ok := tl.since(tc.from)
		if ok != tc.ok || ok && (!slices.Equal(told(d), tc.want) || d.From != tc.from+1 || d.To != 7) {
			t.Errorf("since %d: %v %d..%d, %t, want %v, %t", tc.from, told(d), d.From, d.To, ok, tc.want, tc.ok)
		}
	}
}

func TestTail_IsBoundedAndForgets(t *testing.T) {
	var tl tail
	now := time.Now()
	big := json.RawMessage(`"` + strings.Repeat("x", maxTail/3) + `"`)
	for i := range tandem.Seq(10) {
		tl.push(tandem.Delta{From: i + 1, To: i + 1, Changes: []tandem.Change{{ID: "a", Row: big}}}, now.Add(time.Duration(i)*time.Second))
	}
	if tl.bytes > maxTail || len(tl.pieces) == 0 || tl.pieces[0].From != 9 {
		t.Errorf("it remembers %d bytes in %d pieces", tl.bytes, len(tl.pieces))
	}
	if _, ok := tl.since(7); ok {
		t.Error("it claims to remember what it forgot")
	}
	if _, ok := tl.since(8); !ok {
		t.Error("it does not remember the newest changes")
	}
	tl.forget(now.Add(9 * time.Second))
	if len(tl.pieces) != 1 {
		t.Errorf("after a while it remembers %d pieces", len(tl.pieces))
	}
	tl.forget(now.Add(time.Minute))
	if len(tl.pieces) != 0 || tl.bytes != 0 {
		t.Errorf("after a minute it remembers %d pieces of %d bytes", len(tl.pieces), tl.bytes)
	}
}
