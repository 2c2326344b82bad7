package wire

import (
	"encoding/json"
	"iter"
	"strconv"

	"tandem"
)

// EncodeDelta gives the bytes of a delta, to be shared by all connections.
func EncodeDelta(d tandem.Delta) []byte {
	size := 64
	for _, c := range d.Changes {
		size += len(c.Row) + 256
	}
	b := make([]byte, 0, size)
	b = append(b, `{"t":"delta","from":`...)
	b = strconv.AppendInt(b, int64(d.From), 10)
	b = append(b, `,"to":`...)
	b = strconv.AppendInt(b, int64(d.To), 10)
	b = append(b, `,"c":[`...)
	for i, c := range d.Changes {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendChange(b, c)
	}
	return append(b, "]}"...)
}

func appendChange(b []byte, c tandem.Change) []byte {
	b = append(b, `{"k":`...)
	b = appendText(b, string(c.Kind))
	b = append(b, `,"id":`...)
	b = appendText(b, c.ID)
	if c.Row == nil {
		b = append(b, `,"op":"del"`...)
	} else {
		b = append(b, `,"op":"put"`...)
	}
	b = append(b, `,"ver":`...)
	b = strconv.AppendInt(b, c.Version, 10)
	if c.Row != nil {
		b = append(b, `,"row":`...)
		b = append(b, c.Row...)
	}
	b = appendField(b, "client", c.Client)
	if c.Mid != 0 {
		b = append(b, `,"mid":`...)
		b = strconv.AppendInt(b, c.Mid, 10)
	}
	b = appendField(b, "actor", string(c.Actor))
	b = appendField(b, "turn", c.TurnID)
	return append(b, '}')
}

// appendField writes a text field, unless it is empty.
func appendField(b []byte, name, value string) []byte {
	if value == "" {
		return b
	}
	b = append(b, `,"`+name+`":`...)
	return appendText(b, value)
}

// appendText writes a JSON string; ids, kinds and actors need no escapes.
func appendText(b []byte, s string) []byte {
	for i := range len(s) {
		if c := s[i]; c < ' ' || c > '~' || c == '"' || c == '\\' {
			quoted, err := json.Marshal(s)
			if err != nil {
				panic(err) // a string always encodes
			}
			return append(b, quoted...)
		}
	}
	b = append(b, '"')
	b = append(b, s...)
	return append(b, '"')
}

// EncodeSnapshot gives the frames of a snapshot, each at most MaxSnap bytes unless one row alone is larger. A frame is made
// when it is asked for. There is always at least one.
func EncodeSnapshot(s tandem.Snapshot) iter.Seq[[]byte] {
	return func(yield func([]byte) bool) {
		p := snapPart{seq: s.Seq}
		p.start()
		for _, kind := range tandem.Kinds {
			for _, row := range s.Rows[kind] {
				if p.rows > 0 && p.sizeWith(kind, row) > MaxSnap {
					if !yield(p.end(false)) {
						return
					}
					tandem.FaultPoint("session.between_snapshot_parts") // the next part is asked for when this one was sent
					p.start()
				}
				p.add(kind, row)
			}
		}
		yield(p.end(true))
	}
}

// snapPart is the frame being built.
type snapPart struct {
	seq  tandem.Seq
	i    int
	b    []byte
	kind tandem.Kind // of the list that is open
	rows int
}

const snapTail = `]},"last":true}`

func (p *snapPart) start() {
	p.b, p.kind, p.rows = make([]byte, 0, 4096), "", 0
	p.b = append(p.b, `{"t":"snap","seq":`...)
	p.b = strconv.AppendInt(p.b, int64(p.seq), 10)
	p.b = append(p.b, `,"i":`...)
	p.b = strconv.AppendInt(p.b, int64(p.i), 10)
	p.b = append(p.b, `,"rows":{`...)
	p.i++
}

func (p *snapPart) sizeWith(kind tandem.Kind, row json.RawMessage) int {
	size := len(p.b) + 1 + len(row) + len(snapTail)
	if kind != p.kind {
		size += len(kind) + len(`],"":[`)
	}
	return size
}

func (p *snapPart) add(kind tandem.Kind, row json.RawMessage) {
	if kind == p.kind {
		p.b = append(p.b, ',')
	} else {
		if p.kind != "" {
			p.b = append(p.b, "],"...)
		}
		p.kind = kind
		p.b = append(p.b, `"`+string(kind)+`":[`...)
	}
	p.b = append(p.b, row...)
	p.rows++
}

func (p *snapPart) end(last bool) []byte {
	if p.kind != "" {
		p.b = append(p.b, ']')
	}
	if last {
		return append(p.b, `},"last":true}`...)
	}
	return append(p.b, "}}"...)
}

// EncodeTurn gives the bytes of a turn event, to be shared by all connections. A state always says its text and tools, for
// it replaces what a device has.
func EncodeTurn(e tandem.TurnEvent) []byte {
	if e.Ev != tandem.TurnEvState {
		return tagged("turn", e)
	}
	if e.Tools == nil {
		e.Tools = []tandem.TurnTool{}
	}
	return tagged("turn", struct {
		tandem.TurnEvent
		Text  string            `json:"text"`
		Tools []tandem.TurnTool `json:"tools"`
	}{e, e.Text, e.Tools})
}
