package planner

import (
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"tandem"
	"tandem/agent/phrase"
)

// kind tells tokens apart.
type kind uint8

const (
	wordToken    kind = iota + 1
	numberToken       // digits alone
	quoteToken        // a quotation, whose word is what stands in it
	tagToken          // #tag
	mentionToken      // @5 or #5
	markToken         // punctuation and line breaks
)

// token is one word of a message. Its word is folded and has neither apostrophes nor hyphens, so that "to-do" and "Don't" are
// "todo" and "dont".
type token struct {
	kind     kind
	word     string
	n        int64  // of a number or a mention
	from, to int    // bytes in the text
	at       int    // place among the tokens of the text
	own      string // the word as it was said, where word is that of the rules
}

// said gives the word of the person.
func (t token) said() string {
	if t.own != "" {
		return t.own
	}
	return t.word
}

func (t token) is(words ...string) bool {
	if t.kind != wordToken && t.kind != markToken {
		return false
	}
	return slices.Contains(words, t.word)
}

func (t token) in(set map[string]bool) bool { return t.kind == wordToken && set[t.word] }

// lex cuts a text into tokens. White space but line breaks is left out.
func lex(text string) []token {
	l := lexer{text: text, quotes: quotations(text)}
	for l.at < len(text) {
		l.next()
	}
	return joinWords(l.toks)
}

type lexer struct {
	text   string
	at     int
	quotes []quotation
	toks   []token
}

// quotation is a quoted literal with its place in bytes.
type quotation struct {
	from, to int
	text     string
}

// quotations gives the quoted literals of phrase with byte offsets.
func quotations(text string) []quotation {
	found := phrase.Quoted(text)
	out := make([]quotation, 0, len(found))
	at, units := 0, 0
	seek := func(u int) int {
		for units < u && at < len(text) {
			r, size := utf8.DecodeRuneInString(text[at:])
			at += size
			if units++; r > 0xFFFF {
				units++
			}
		}
		return at
	}
	for _, q := range found {
		from := seek(q.Start)
		out = append(out, quotation{from, seek(q.End), q.Text})
	}
	return out
}

func (l *lexer) emit(k kind, word string, n int64, to int) {
	l.toks = append(l.toks, token{kind: k, word: word, n: n, from: l.at, to: to})
	l.at = to
}

func (l *lexer) next() {
	if len(l.quotes) > 0 && l.at >= l.quotes[0].from {
		q := l.quotes[0]
		l.quotes = l.quotes[1:]
		l.quotation(q)
		return
	}
	r, size := utf8.DecodeRuneInString(l.text[l.at:])
	switch {
	case r == '\n':
		l.emit(markToken, "\n", 0, l.at+size)
	case unicode.IsSpace(r):
		l.at += size
	case wordRune(r):
		l.word()
	case (r == '#' || r == '@') && l.named(size):
	default:
		l.emit(markToken, string(r), 0, l.at+size)
	}
}

// quotation takes a quoted literal; one behind a mention is only its label.
func (l *lexer) quotation(q quotation) {
	if n := len(l.toks); n > 0 && l.toks[n-1].kind == mentionToken && l.toks[n-1].to+1 == q.from {
		l.toks[n-1].to, l.at = q.to, q.to
		return
	}
	l.at = q.from
	l.emit(quoteToken, q.text, 0, q.to)
}

// named takes "#tag", "#5" and "@5".
func (l *lexer) named(size int) bool {
	end := l.at + size
	for end < len(l.text) {
		r, n := utf8.DecodeRuneInString(l.text[end:])
		if !wordRune(r) && r != '-' && r != '_' && r != '/' {
			break
		}
		end += n
	}
	name := strings.TrimRight(l.text[l.at+size:end], "-_/")
	end = l.at + size + len(name)
	if n, err := strconv.ParseInt(name, 10, 64); err == nil {
		l.emit(mentionToken, name, n, end)
		return true
	}
	if l.text[l.at] == '@' || !strings.ContainsFunc(name, unicode.IsLetter) {
		return false
	}
	l.emit(tagToken, name, 0, end)
	return true
}

func wordRune(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) || unicode.IsMark(r) }

// word takes a run of letters and digits with the apostrophes, hyphens, colons and points inside it.
func (l *lexer) word() {
	end := l.at
	for end < len(l.text) && (len(l.quotes) == 0 || end < l.quotes[0].from) {
		r, size := utf8.DecodeRuneInString(l.text[end:])
		if !wordRune(r) && !l.inside(r, end, size) {
			break
		}
		end += size
	}
	source := l.text[l.at:end]
	if source[0] <= '9' && source[len(source)-1] <= '9' {
		if n, err := strconv.ParseInt(source, 10, 64); err == nil {
			l.emit(numberToken, source, n, end)
			return
		}
	}
	l.emit(wordToken, foldWord(source), 0, end)
}

// inside reports whether a mark at end belongs to the word around it: it's, to-do, 9:30, 3.5.
func (l *lexer) inside(r rune, end, size int) bool {
	after, _ := utf8.DecodeRuneInString(l.text[end+size:])
	before, _ := utf8.DecodeLastRuneInString(l.text[:end])
	switch r {
	case '-':
		return wordRune(after) && (!unicode.IsDigit(before) || !unicode.IsDigit(after))
	case '\'', '’', '‐', '_':
		return wordRune(after)
	case ':', '.', '/':
		return unicode.IsDigit(before) && unicode.IsDigit(after)
	}
	return false
}

// joiners are the marks that are dropped inside a word.
const joiners = "'’-‐_"

func foldWord(s string) string {
	if !strings.ContainsAny(s, joiners) {
		return tandem.Fold(s)
	}
	return tandem.Fold(strings.Map(func(r rune) rune {
		if strings.ContainsRune(joiners, r) {
			return -1
		}
		return r
	}, s))
}

// joinWords makes one word of "to do" where it is a noun, and of "play list" and "check list".
func joinWords(toks []token) []token {
	out := toks[:0]
	for i := 0; i < len(toks); i++ {
		t := toks[i]
		if i+1 < len(toks) && t.kind == wordToken && oneWord(toks, i) {
			t.word, t.to = t.word+toks[i+1].word, toks[i+1].to
			i++
		}
		t.at = len(out)
		out = append(out, t)
	}
	return out
}

func oneWord(toks []token, i int) bool {
	next := toks[i+1]
	switch {
	case toks[i].is("play", "check") && next.is("list", "lists"):
		return true
	case !toks[i].is("to") || !next.is("do", "dos"):
		return false
	case next.is("dos"):
		return true
	}
	noun := i+2 < len(toks) && toks[i+2].is("list", "lists", "item", "items", "task", "tasks", "app")
	return noun || i > 0 && toks[i-1].is("my", "a", "new") && (i+2 == len(toks) || toks[i+2].kind == markToken)
}
