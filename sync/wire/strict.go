package wire

import (
	"bytes"
	"encoding/json"
	"fmt"
	"unicode/utf8"
)

// FrameError refuses a frame. Ref names what the frame was about, as far as that could be read.
type FrameError struct {
	Code Code
	Msg  string
	Ref  string
}

func (e *FrameError) Error() string { return string(e.Code) + ": " + e.Msg }

func badFrame(format string, args ...any) *FrameError {
	return &FrameError{Code: CodeBadFrame, Msg: fmt.Sprintf(format, args...)}
}

// checkSyntax accepts exactly one JSON object in UTF-8, nested at most MaxDepth deep, in which no object repeats a key.
func checkSyntax(data []byte) *FrameError {
	switch {
	case len(data) > MaxFrame:
		return &FrameError{Code: CodeTooBig, Msg: fmt.Sprintf("a frame has at most %d bytes", MaxFrame)}
	case !utf8.Valid(data):
		return badFrame("a frame is UTF-8")
	case !json.Valid(data):
		return badFrame("a frame is one JSON object")
	}
	s := scanner{data: data}
	s.space()
	if s.data[s.at] != '{' {
		return badFrame("a frame is one JSON object")
	}
	return s.value(0)
}

// scanner walks JSON that is known to be valid.
type scanner struct {
	data []byte
	at   int
}

func (s *scanner) space() {
	for s.at < len(s.data) && bytes.IndexByte([]byte(" \t\r\n"), s.data[s.at]) >= 0 {
		s.at++
	}
}

// value steps over one value; depth counts the containers around it.
func (s *scanner) value(depth int) *FrameError {
	switch s.data[s.at] {
	case '{':
		return s.object(depth + 1)
	case '[':
		return s.list(depth + 1)
	case '"':
		s.text()
	default:
		for s.at < len(s.data) && bytes.IndexByte([]byte(",]} \t\r\n"), s.data[s.at]) < 0 {
			s.at++
		}
	}
	return nil
}

func (s *scanner) object(depth int) *FrameError {
	if depth > MaxDepth {
		return badFrame("a frame is nested at most %d deep", MaxDepth)
	}
	seen := map[string]struct{}{}
	for s.open('}') {
		key := s.text()
		if _, twice := seen[key]; twice {
			return badFrame("the key %.64q stands there twice", key)
		}
		seen[key] = struct{}{}
		s.space()
		s.at++ // the colon
		s.space()
		if err := s.value(depth); err != nil {
			return err
		}
	}
	return nil
}

func (s *scanner) list(depth int) *FrameError {
	if depth > MaxDepth {
		return badFrame("a frame is nested at most %d deep", MaxDepth)
	}
	for s.open(']') {
		if err := s.value(depth); err != nil {
			return err
		}
	}
	return nil
}

// open steps to the next member of a container, over its opening bracket or a comma, and reports false behind its end.
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
