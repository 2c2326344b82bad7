package tandem

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
)

func TestWellFormed(t *testing.T) {
	nested := func(n int) string { return strings.Repeat(`{"a":`, n) + "1" + strings.Repeat("}", n) }
	for text, good := range map[string]bool{
		`{}`: true, `[]`: true, `1`: true, `"a"`: true, `null`: true, ` {"a":[1,{"a":2}],"b":{"a":3}} `: true,
		`{"a":"a","b":"a"}`: true, `{"a":{"a":{"a":1}}}`: true, `[{"a":1},{"a":2}]`: true, `{"":1}`: true, `{"a":[],"b":[]}`: true,
		nested(16): true, nested(17): false, strings.Repeat("[", 16) + strings.Repeat("]", 16): true, strings.Repeat("[", 100000): false,
		strings.Repeat("[", 17) + strings.Repeat("]", 17): false,
		``: false, `{`: false, `{"a":1,}`: false, `{} {}`: false, `{"a":1}x`: false, `{'a':1}`: false, "\ufeff{}": false, "{\"a\":\"\xff\"}": false,
		`{"a":1,"a":1}`: false, `{"a":1,"b":{"c":1,"c":2}}`: false, `[{"a":1,"b":[],"a":2}]`: false, `{"a":1,"\u0061":2}`: false,
		`{"b":{"x":1},"b":2}`: false, `{"":1,"":2}`: false,
	} {
		if err := WellFormed([]byte(text), 16); (err == nil) != good {
			t.Errorf("WellFormed(%.60q) = %v, want good: %v", text, err, good)
		}
	}
}

// FuzzWellFormed holds the check against a decoder that keeps every key: what it accepts is one JSON value, and encoding it
// from a map loses no member.
func FuzzWellFormed(f *testing.F) {
	for _, s := range []string{`{"a":1,"b":[{"a":1}]}`, `{"a":1,"a":2}`, `[[[]]]`, `"x"`, `{"\u0061":{}}`, `1E1000`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if WellFormed(data, 16) != nil {
			return
		}
		var v any
		dec := json.NewDecoder(bytes.NewReader(data))
		dec.UseNumber() // one that no float holds is JSON too
		if err := dec.Decode(&v); err != nil {
			t.Fatalf("accepted %q, which does not decode: %v", data, err)
		}
		if got, want := members(v), strings.Count(stripStrings(data), ":"); got != want {
			t.Fatalf("accepted %q: %d members survive of %d", data, got, want)
		}
	})
}

func members(v any) int {
	n := 0
	switch v := v.(type) {
	case map[string]any:
		for _, m := range v {
			n += 1 + members(m)
		}
	case []any:
		for _, m := range v {
			n += members(m)
		}
	}
	return n
}

// stripStrings drops the contents of strings, so that each colon left belongs to a member.
func stripStrings(data []byte) string {
	var b strings.Builder
	in := false
	for i := 0; i < len(data); i++ {
		switch {
		case in && data[i] == '\\':
			i++
		case data[i] == '"':
			in = !in
		case !in:
			b.WriteByte(data[i])
		}
	}
	return b.String()
}
