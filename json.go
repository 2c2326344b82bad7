package tandem

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"unicode/utf8"
)

// Reasons for which WellFormed refuses a text, besides RepeatedKeyError.
var (
	ErrNotJSON = errors.New("not one JSON value in UTF-8")
	ErrTooDeep = errors.New("nested too deeply")
)

// RepeatedKeyError names a key that an object has twice.
type RepeatedKeyError struct{ Key string }

func (e RepeatedKeyError) Error() string {
	return fmt.Sprintf("an object repeats the key %.64q", e.Key)
}

// WellFormed checks what encoding/json leaves open: the text is UTF-8, one value, nested at most depth levels, and no object
// repeats a key, however the key is escaped. A parser that takes the last of two keys and one that takes the first would
// otherwise read two different documents.
func WellFormed(data []byte, depth int) error {
	if !utf8.Valid(data) || !json.Valid(data) {
		return ErrNotJSON
	}
	s := scanner{data: data, depth: depth}
	s.space()
	return s.value(0)
}

// scanner walks JSON that is known to be valid.
type scanner struct {
	data  []byte
	at    int
	depth int
}

func (s *scanner) space() {
	for s.at < len(s.data) && bytes.IndexByte([]byte(" \t\r\n"), s.data[s.at]) >= 0 {
		s.at++
	}
}

// value steps over one value; around counts the objects and lists that it stands in.
func (s *scanner) value(around int) error {
	switch s.data[s.at] {
	case '{':
		return s.object(around + 1)
	case '[':
		return s.list(around + 1)
	case '"':
		s.text()
	default:
		for s.at < len(s.data) && bytes.IndexByte([]byte(",]} \t\r\n"), s.data[s.at]) < 0 {
			s.at++
		}
	}
	return nil
}

func (s *scanner) object(level int) error {
	if level > s.depth {
		return ErrTooDeep
	}
	seen := map[string]struct{}{}
	for s.open('}') {
		key := s.text()
		if _, twice := seen[key]; twice {
			return RepeatedKeyError{key}
		}
		seen[key] = struct{}{}
		s.space()
		s.at++ // the colon
		s.space()
		if err := s.value(level); err != nil {
			return err
		}
	}
	return nil
}

func (s *scanner) list(level int) error {
	if level > s.depth {
		return ErrTooDeep
	}
	for s.open(']') {
		if err := s.value(level); err != nil {
			return err
		}
	}
	return nil
}

// open steps to the next member of an object or list, over its opening bracket or a comma, and reports false behind its end.
func (s *scanner) open(end byte) bool {
	s.space()
	if s.data[s.at] == end {
		s.at++
		return false
	}
	s.at++ // the bracket, or the comma
	s.space()
	if s.data[s.at] == end { // only right behind the bracket
		s.at++
		return false
	}
	return true
}

// text steps over a string and gives what it says.
func (s *scanner) text() string {
	start, escaped := s.at, false
	for s.at++; s.data[s.at] != '"'; s.at++ {
		if s.data[s.at] == '\\' {
			escaped = true
			s.at++
		}
	}
	s.at++
	raw := s.data[start:s.at]
	if !escaped {
		return string(raw[1 : len(raw)-1])
	}
	var out string
	_ = json.Unmarshal(raw, &out) // valid, see above
	return out
}
