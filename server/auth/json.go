package auth

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"unicode/utf8"
)

// Reasons for which WellFormed refuses a text.
var (
	ErrNotJSON  = errors.New("not one JSON value in UTF-8")
	ErrTooDeep  = errors.New("nested too deeply")
	ErrRepeated = errors.New("an object repeats a key")
)

// WellFormed checks what encoding/json leaves open: the text is UTF-8, one value, nested at most depth levels, and no object
// repeats a key, however the key is escaped. A parser that takes the last of two keys and one that takes the first would
// otherwise read two different documents.
func WellFormed(data []byte, depth int) error {
	if !utf8.Valid(data) || !json.Valid(data) {
		return ErrNotJSON
	}
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.UseNumber()
	var open []object
	for {
		tok, err := dec.Token()
		if err != nil {
			return fmt.Errorf("%w: %w", ErrNotJSON, err)
		}
		if open, err = step(open, tok, depth); err != nil {
			return err
		}
		if len(open) == 0 {
			return nil
		}
	}
}

// object is an open object with the keys seen so far, or an open array, which has no keys.
type object struct {
	keys  map[string]bool
	value bool // the next token is a value
}

// step follows one token of a text whose grammar is known to be right.
func step(open []object, tok json.Token, depth int) ([]object, error) {
	delim, isDelim := tok.(json.Delim)
	if isDelim && (delim == '}' || delim == ']') {
		return open[:len(open)-1], nil
	}
	if n := len(open); n > 0 && open[n-1].keys != nil {
		top := &open[n-1]
		if key, ok := tok.(string); ok && !top.value {
			if top.keys[key] {
				return nil, ErrRepeated
			}
			top.keys[key], top.value = true, true
			return open, nil
		}
		top.value = false
	}
	if !isDelim {
		return open, nil
	}
	if len(open) == depth {
		return nil, ErrTooDeep
	}
	next := object{}
	if delim == '{' {
		next.keys = map[string]bool{}
	}
	return append(open, next), nil
}
