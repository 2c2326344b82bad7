package phrase

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Quote is a quoted literal: offsets are UTF-16 code units and include the marks, Text is what stands between them.
type Quote struct {
	Start, End int
	Text       string
}

// Quoted finds the quoted literals of a text, by position. An apostrophe inside a word is no quotation mark.
func Quoted(text string) []Quote {
	o := newOffsets(text)
	var out []Quote
	for _, s := range quotes(text) {
		_, open := utf8.DecodeRuneInString(text[s.from:])
		_, end := utf8.DecodeLastRuneInString(text[:s.to])
		out = append(out, Quote{o.utf16(s.from), o.utf16(s.to), text[s.from+open : s.to-end]})
	}
	return out
}

// closing gives the mark that ends a quotation.
var closing = map[rune]string{'"': "\"", '“': "”", '„': "“”", '«': "»", '‹': "›", '`': "`", '\'': "'", '‘': "’"}

func quotes(text string) []stretch {
	var out []stretch
	none := map[rune]bool{} // marks that are known not to occur again
	prev := ' '
	for i := 0; i < len(text); {
		r, size := utf8.DecodeRuneInString(text[i:])
		if ends, ok := closing[r]; ok && !none[r] && opens(r, prev, text[i+size:]) {
			if n := quoteLength(text[i+size:], r, ends); n >= 0 {
				out = append(out, stretch{i, i + size + n})
				i, prev = i+size+n, r
				continue
			}
			none[r] = true
		}
		i, prev = i+size, r
	}
	return out
}

// opens reports whether a quotation mark starts a quotation: a single one must follow a space and precede a word.
func opens(mark, prev rune, rest string) bool {
	next, _ := utf8.DecodeRuneInString(rest)
	if mark == '\'' || mark == '‘' {
		return !unicode.IsLetter(prev) && !unicode.IsDigit(prev) && !unicode.IsSpace(next) && rest != ""
	}
	return mark != '"' || !unicode.IsDigit(prev) || !unicode.IsSpace(next)
}

// quoteLength gives the bytes up to and including the closing mark, or -1.
func quoteLength(rest string, mark rune, ends string) int {
	prev := mark
	for i, r := range rest {
		if strings.ContainsRune(ends, r) && (mark != '\'' && mark != '‘' || closesSingle(prev, rest[i+utf8.RuneLen(r):])) {
			return i + utf8.RuneLen(r)
		}
		prev = r
	}
	return -1
}

// closesSingle tells the end of a quotation from the apostrophe in "don't".
func closesSingle(prev rune, rest string) bool {
	next, _ := utf8.DecodeRuneInString(rest)
	return !unicode.IsSpace(prev) && !unicode.IsLetter(next) && !unicode.IsDigit(next)
}

// addresses finds the web and mail addresses of a text.
func addresses(text string) []stretch {
	var out []stretch
	for i := 0; i < len(text); {
		end := len(text)
		if n := strings.IndexFunc(text[i:], unicode.IsSpace); n >= 0 {
			end = i + n
		}
		if f := text[i:end]; isAddress(f) {
			out = append(out, stretch{i, i + len(strings.TrimRight(f, ".,;:!?)"))})
		}
		i = end
		for i < len(text) {
			r, size := utf8.DecodeRuneInString(text[i:])
			if !unicode.IsSpace(r) {
				break
			}
			i += size
		}
	}
	return out
}

func isAddress(s string) bool {
	if strings.Contains(s, "://") || strings.HasPrefix(s, "www.") {
		return true
	}
	name, host, ok := strings.Cut(s, "@")
	return ok && name != "" && strings.Contains(host, ".") && !strings.ContainsAny(s, "\"'")
}

// merge sorts stretches and joins those that overlap.
func merge(s []stretch) []stretch {
	slices.SortFunc(s, func(a, b stretch) int { return a.from - b.from })
	out := s[:0]
	for _, x := range s {
		if n := len(out); n > 0 && x.from < out[n-1].to {
			out[n-1].to = max(out[n-1].to, x.to)
		} else if x.from < x.to {
			out = append(out, x)
		}
	}
	return out
}
