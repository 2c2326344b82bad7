package wire

import (
	"bytes"
	"errors"
	"fmt"
	"unicode/utf8"

	"tandem"
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
	if len(data) > MaxFrame {
		return &FrameError{Code: CodeTooBig, Msg: fmt.Sprintf("a frame has at most %d bytes", MaxFrame)}
	}
	err := tandem.WellFormed(data, MaxDepth)
	repeated, twice := errors.AsType[tandem.RepeatedKeyError](err)
	switch {
	case twice:
		return badFrame("the key %.64q stands there twice", repeated.Key)
	case errors.Is(err, tandem.ErrTooDeep):
		return badFrame("a frame is nested at most %d deep", MaxDepth)
	case err != nil && !utf8.Valid(data):
		return badFrame("a frame is UTF-8")
	case err != nil, !bytes.HasPrefix(bytes.TrimLeft(data, " \t\r\n"), []byte("{")):
		return badFrame("a frame is one JSON object")
	}
	return nil
}
