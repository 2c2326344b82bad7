package agent

import (
	"strings"
	"unicode"
)

// prose makes what a language model says text and nothing else, wherever its pieces are cut. A reader of Markdown would load
// an image unasked, and so carry out what its address holds: only its words stay. A link shows where it leads. Control
// characters vanish.
type prose struct {
	held string // may be the beginning of a link
}

// maxHeld bounds what waits for the end of a link, in bytes; nothing longer is taken for one.
const maxHeld = 2 << 10

// pass gives what of the piece can be told already.
func (p *prose) pass(text string) string {
	var out strings.Builder
	p.held = unlink(&out, p.held+strings.Map(visible, text), false)
	return out.String()
}

// rest gives what was held back, once nothing follows.
func (p *prose) rest() string {
	held := p.held
	p.held = ""
	return unlinked(held)
}

func visible(r rune) rune {
	if unicode.IsControl(r) && r != '\n' && r != '\t' {
		return -1
	}
	return r
}

func unlinked(s string) string {
	var out strings.Builder
	unlink(&out, s, true)
	return out.String()
}

// unlink writes s without links. It gives back the end of s about which more must be known; none where s is whole.
func unlink(out *strings.Builder, s string, whole bool) (held string) {
	for {
		at := strings.IndexAny(s, `\![`)
		if at < 0 {
			out.WriteString(s)
			return ""
		}
		out.WriteString(s[:at])
		s = s[at:]
		n, text := mark(s, whole)
		if n == 0 {
			return s
		}
		out.WriteString(text)
		s = s[n:]
	}
}

// mark reads what s begins with, an escape, a link or an image: how long it is, and the text in its place. It is 0 long where
// its end may still come.
func mark(s string, whole bool) (n int, text string) {
	image := s[0] == '!'
	switch {
	case len(s) == 1 && !whole:
		return 0, ""
	case len(s) == 1:
		return 1, s
	case s[0] == '\\' && strings.ContainsRune(`\![`, rune(s[1])):
		return 2, s[:2]
	case s[0] == '\\', image && s[1] != '[':
		return 1, s[:1]
	case image:
		n = 1
	}
	return link(s, n, image, !whole && len(s) < maxHeld && !strings.Contains(s, "\n\n"))
}

// link reads the link or image whose label begins at n. more: what is missing may still come.
func link(s string, n int, image, more bool) (int, string) {
	length, closed := enclosed(s[n:], '[', ']')
	if !closed && more || closed && n+length == len(s) && more {
		return 0, ""
	}
	if !closed {
		return n + 1, "["
	}
	label, rest := s[n+1:n+length-1], s[n+length:]
	n += length
	switch {
	case strings.HasPrefix(rest, "("):
		length, closed = enclosed(rest, '(', ')')
		switch {
		case !closed && more:
			return 0, ""
		case !closed:
			return n, "[" + unlinked(label) + "] "
		case image:
			return n + length, unlinked(label)
		}
		return n + length, unlinked(label) + " (" + unlinked(rest[1:length-1]) + ")" // an address may hold an image too
	case strings.HasPrefix(rest, ":"):
		return n, "[" + unlinked(label) + "] " // or it would say where a link of this name leads
	}
	return n, "[" + unlinked(label) + "]"
}

// enclosed gives the length of the brackets that s begins with, up to maxHeld.
func enclosed(s string, opening, closing byte) (length int, closed bool) {
	depth := 0
	for i := 0; i < min(len(s), maxHeld); i++ {
		switch s[i] {
		case '\\':
			i++
		case opening:
			depth++
		case closing:
			if depth--; depth == 0 {
				return i + 1, true
			}
		}
	}
	return 0, false
}
