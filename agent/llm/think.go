package llm

import "strings"

// What stands between these marks is the model talking to itself. It is neither shown nor stored.
var thinkMarks = [][2]string{{"<think>", "</think>"}, {"<thinking>", "</thinking>"}}

// filter leaves thoughts out of a text that comes in pieces, wherever the marks are cut.
type filter struct {
	held    string // may be the beginning of a mark
	closer  string // of the thought that is open
	spoken  bool   // text was passed on
	trimmed bool   // white space behind a thought goes, too
}

// pass gives what of the piece is for the person.
func (f *filter) pass(text string) string {
	if text == "" {
		return ""
	}
	rest := f.held + text
	f.held = ""
	var out strings.Builder
	for rest != "" {
		if f.closer != "" {
			_, after, found := strings.Cut(rest, f.closer)
			if !found {
				f.held = tail(rest, f.closer)
				break
			}
			rest, f.closer, f.trimmed = after, "", true
			continue
		}
		at, opener, closer := firstMark(rest)
		if at < 0 {
			f.held = heldBack(rest)
			out.WriteString(rest[:len(rest)-len(f.held)])
			break
		}
		out.WriteString(rest[:at])
		rest, f.closer = rest[at+len(opener):], closer
	}
	return f.trim(out.String())
}

// rest gives what was held back and turned out to be no mark.
func (f *filter) rest() string {
	if f.closer != "" {
		return ""
	}
	held := f.held
	f.held = ""
	return f.trim(held)
}

func (f *filter) trim(s string) string {
	if !f.spoken || f.trimmed {
		s = strings.TrimLeft(s, " \n\r\t")
	}
	if s != "" {
		f.spoken, f.trimmed = true, false
	}
	return s
}

func firstMark(s string) (at int, opener, closer string) {
	at = -1
	for _, m := range thinkMarks {
		if i := strings.Index(s, m[0]); i >= 0 && (at < 0 || i < at) {
			at, opener, closer = i, m[0], m[1]
		}
	}
	return at, opener, closer
}

// heldBack gives the end of s that may be the beginning of a mark.
func heldBack(s string) string {
	held := ""
	for _, m := range thinkMarks {
		if t := tail(s, m[0]); len(t) > len(held) {
			held = t
		}
	}
	return held
}

// tail gives the longest end of s that mark begins with.
func tail(s, mark string) string {
	for n := min(len(s), len(mark)-1); n > 0; n-- {
		if strings.HasSuffix(s, mark[:n]) {
			return s[len(s)-n:]
		}
	}
	return ""
}
