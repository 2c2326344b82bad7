package intake

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"
	"time"
)

// part is a JSON value with its place in the file.
type part struct {
	raw json.RawMessage
	at  int
}

var errNotThat = errors.New("another kind of JSON value")

// elements gives the elements of an array.
func (p part) elements() ([]part, error) { return p.children('[') }

// members gives the members of an object; of two of a name, the later.
func (p part) members() (map[string]part, error) {
	list, err := p.children('{')
	if err != nil {
		return nil, err
	}
	out := map[string]part{}
	for i := 0; i+1 < len(list); i += 2 {
		out[string(list[i].raw)] = list[i+1]
	}
	return out, nil
}

// children gives what stands in an array or, name and value in turn, in an object.
func (p part) children(open json.Delim) ([]part, error) {
	dec := json.NewDecoder(bytes.NewReader(p.raw))
	first, err := dec.Token()
	if err != nil {
		return nil, err
	}
	if first != open {
		return nil, errNotThat
	}
	var out []part
	for dec.More() {
		if open == '{' {
			name, err := dec.Token()
			if err != nil {
				return nil, err
			}
			text, _ := name.(string)
			out = append(out, part{raw: json.RawMessage(text)})
		}
		var raw json.RawMessage
		if err := dec.Decode(&raw); err != nil {
			return nil, err
		}
		out = append(out, part{raw, p.at + int(dec.InputOffset()) - len(raw)})
	}
	_, err = dec.Token()
	return out, err
}

// flag is a truth value that some versions write as 0 and 1.
type flag bool

// UnmarshalJSON takes true, false, null and numbers.
func (f *flag) UnmarshalJSON(b []byte) error {
	*f = flag(string(b) != "false" && string(b) != "0" && string(b) != "null")
	return nil
}

// id is a name that some versions write as a number.
type id string

// UnmarshalJSON takes strings, numbers and null.
func (i *id) UnmarshalJSON(b []byte) error {
	*i = id(strings.Trim(string(b), `"`))
	if *i == "null" {
		*i = ""
	}
	return nil
}

// instant reads an RFC 3339 time; none, a zero one and the year 1, by which some stand for none, are nil.
func instant(s string) *time.Time {
	t, err := time.Parse(time.RFC3339, s)
	if err != nil || t.Year() <= 1 {
		return nil
	}
	return &t
}
