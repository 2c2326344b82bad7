package tools

import (
	"encoding/base64"
	"encoding/json"

	"tandem"
)

// maxCursor bounds a cursor, in characters: a sort key may be a title.
const maxCursor = 4000

// mark is a cursor: where the page ended, and the list it belongs to. It holds sort keys only and is applied under the
// caller's own filter, so it opens nothing to whoever else holds it.
type mark struct {
	tandem.Position
	Sort tandem.Sort `json:"s"`
	Desc bool        `json:"d,omitempty"`
	List string      `json:"h"`
}

// boundLen is how much of a list's digest a cursor repeats: enough to tell lists apart.
const boundLen = 12

func writeCursor(p tandem.Position, bound string, q tandem.Query) string {
	q = q.Normal()
	b, err := json.Marshal(mark{Position: p, Sort: q.Sort, Desc: q.Desc, List: bound[:boundLen]})
	if err != nil {
		panic(err)
	}
	return base64.RawURLEncoding.EncodeToString(b)
}

// readCursor gives the position in the list that q describes; invalid for a cursor of another list.
func readCursor(text, bound string, q tandem.Query) (*tandem.Position, error) {
	q = q.Normal()
	var m mark
	raw, err := base64.RawURLEncoding.DecodeString(text)
	if err == nil {
		err = json.Unmarshal(raw, &m)
	}
	if err != nil || m.List != bound[:boundLen] || m.Sort != q.Sort || m.Desc != q.Desc || m.UID == "" {
		return nil, tandem.Invalid("cursor", text, "This cursor belongs to another list; repeat the call that gave it, with its next_cursor.")
	}
	return &m.Position, nil
}
