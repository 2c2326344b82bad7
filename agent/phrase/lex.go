package phrase

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

type tokenKind uint8

const (
	wordToken tokenKind = iota
	numberToken
	markToken   // one character of punctuation
	opaqueToken // quoted text, an address, a switched-off span: it means nothing
)

// token is a word, a run of digits, a character of punctuation, or a masked stretch of text.
type token struct {
	*word
	text     string // lower case
	from, to int    // bytes
	n        int    // of a number
	kind     tokenKind
	spaced   bool // white space, or the start of the text, is before it
	typo     bool
	// possessive is "tomorrow's", which has the meaning of "tomorrow".
	possessive bool
}

func (t *token) digits() int { return t.to - t.from }

// stretch is a range of bytes.
type stretch struct{ from, to int }

// lex cuts text into tokens, leaving the masked stretches (by position) whole.
func lex(text string, l *locale, masked []stretch) []token {
	toks := make([]token, 0, len(text)/2+2)
	spaced := true
	for i := 0; i < len(text); {
		for len(masked) > 0 && masked[0].to <= i {
			masked = masked[1:]
		}
		if len(masked) > 0 && masked[0].from <= i {
			toks = append(toks, token{kind: opaqueToken, word: opaque, from: i, to: masked[0].to, spaced: spaced})
			i, spaced = masked[0].to, false
			continue
		}
		r, size := utf8.DecodeRuneInString(text[i:])
		if unicode.IsSpace(r) {
			i, spaced = i+size, true
			continue
		}
		t := nextToken(text, i, r, size, l)
		t.spaced = spaced
		if len(masked) > 0 {
			t.to = min(t.to, masked[0].from)
		}
		toks = append(toks, t)
		i, spaced = t.to, false
	}
	return joinIdioms(inContext(joinOrdinals(toks), l), l)
}

func nextToken(text string, i int, r rune, size int, l *locale) token {
	t := token{from: i, word: unknown}
	switch {
	case '0' <= r && r <= '9':
		t.kind, t.to = numberToken, i
		for t.to < len(text) && '0' <= text[t.to] && text[t.to] <= '9' {
			t.n = min(t.n*10+int(text[t.to]-'0'), 99_999)
			t.to++
		}
		t.text = text[t.from:t.to]
		return t
	case unicode.IsLetter(r):
		t.to = wordEnd(text, i)
		t.text = fold(text[t.from:t.to])
	default:
		t.kind, t.to = markToken, i+size
		t.text = text[t.from:t.to]
		if w, ok := l.words[t.text]; ok {
			t.word = w
		}
		return t
	}
	t.word, t.typo = l.lookup(t.text)
	if stem, ok := strings.CutSuffix(t.text, l.possessive); ok && t.is == 0 && l.possessive != "" {
		if w, ok := l.words[stem]; ok && w.any(isRef|isWeekday) {
			t.word, t.possessive = w, true
		}
	}
	return t
}

// wordEnd finds the end of the word at i: letters, and apostrophes between letters.
func wordEnd(text string, i int) int {
	for i < len(text) {
		r, size := utf8.DecodeRuneInString(text[i:])
		if isApostrophe(r) {
			if next, _ := utf8.DecodeRuneInString(text[i+size:]); !unicode.IsLetter(next) {
				return i
			}
		} else if !unicode.IsLetter(r) && !unicode.IsMark(r) {
			return i
		}
		i += size
	}
	return i
}

func isApostrophe(r rune) bool { return r == '\'' || r == '’' }

// fold gives the form in which words are looked up.
func fold(s string) string {
	return strings.ReplaceAll(strings.ToLower(s), "’", "'")
}

var ordinalEndings = map[string]bool{"st": true, "nd": true, "rd": true, "th": true}

// joinOrdinals turns "1" "st" into one ordinal.
func joinOrdinals(toks []token) []token {
	n := 0
	for i := range toks {
		t := &toks[i]
		if n > 0 && !t.spaced && t.kind == wordToken && toks[n-1].kind == numberToken && toks[n-1].n < 400 && ordinalEndings[t.text] {
			toks[n-1].word = &word{is: isOrd, ord: toks[n-1].n}
			toks[n-1].kind, toks[n-1].to, toks[n-1].text = wordToken, t.to, ""
			continue
		}
		if n != i { // most texts have none, and copying tokens costs more than reading them
			toks[n] = *t
		}
		n++
	}
	return toks[:n]
}

// inContext reads what depends on the words around it: "Montagabend", "heute morgen", and the point of "am 3. Mai".
func inContext(toks []token, l *locale) []token {
	if !l.compound && !l.dotted && len(l.behind) == 0 {
		return toks
	}
	out := make([]token, 0, len(toks)+2)
	for i, t := range toks {
		if n := len(out); n > 0 && t.kind == wordToken {
			if b, ok := l.behind[t.text]; ok && out[n-1].any(b.after) && out[n-1].kind == wordToken {
				t.word = &b.as
			}
		}
		if n := len(out); l.dotted && n > 0 && t.text == "." && dotOrdinal(out, toks[i+1:], t) {
			out[n-1].word = &word{is: isOrd, ord: out[n-1].n}
			out[n-1].kind, out[n-1].to, out[n-1].text = wordToken, t.to, ""
			continue
		}
		if day, part, ok := l.split(t); ok {
			out = append(out, day, part)
			continue
		}
		out = append(out, t)
	}
	return out
}

// dotOrdinal reports whether the point t makes an ordinal of the number before it: what follows is counted, or what stands
// before the number asks for a day.
func dotOrdinal(before, rest []token, t token) bool {
	n := before[len(before)-1]
	if t.spaced || n.kind != numberToken || n.n < 1 || n.n > 31 || n.digits() > 2 || len(rest) > 0 && !rest[0].spaced {
		return false
	}
	if len(rest) > 0 && rest[0].any(isMonth|isWeekday|isUnit|isWorkdays|isWeekend) {
		return true
	}
	if len(before) < 2 {
		return false
	}
	lead := before[len(before)-2]
	return lead.kind == wordToken && lead.any(isOn|isThe|isBy|isEvery|isStart|isUntil|isWeekday) || lead.text == "," || lead.any(isAnd) && len(before) > 2 && before[len(before)-3].any(isOrd)
}

// split cuts a compound of a weekday and a part of the day.
func (l *locale) split(t token) (day, part token, ok bool) {
	if !l.compound || t.kind != wordToken || t.is != 0 {
		return day, part, false
	}
	for n := len(t.text) - 1; n >= minCompound; n-- {
		w, known := l.words[t.text[:n]]
		if !known || !w.any(isWeekday) {
			continue
		}
		tail := t.text[n:]
		of := l.words[tail]
		if b, ok := l.behind[tail]; ok {
			of = &b.as
		}
		if of == nil || !of.any(isPart|isNoon) || len(t.text) != t.to-t.from {
			return day, part, false
		}
		day, part = t, t
		day.word, day.text, day.to, day.typo = w, t.text[:n], t.from+n, false
		part.word, part.text, part.from, part.typo, part.spaced = of, tail, t.from+n, false, true
		return day, part, true
	}
	return day, part, false
}

// minCompound is the least length of a weekday in a compound.
const minCompound = 6

// joinIdioms makes one token of each longest run of words that is an idiom.
func joinIdioms(toks []token, l *locale) []token {
	n := 0
	for i := 0; i < len(toks); n++ {
		t := &toks[i]
		end := i + 1
		var found *word
		if t.kind == wordToken {
			for _, d := range l.idioms[t.text] {
				if n := follows(toks[i:], d.words); i+n > end {
					end, found = i+n, d.word
				}
			}
		}
		if found != nil {
			t.word, t.to, t.text, t.typo = found, toks[end-1].to, "", false
		}
		if n != i {
			toks[n] = *t
		}
		i = end
	}
	return toks[:n]
}

// follows gives the number of tokens that say the words, with or without hyphens between them; 0 when they do not.
func follows(toks []token, words []string) int {
	i := 0
	for n, w := range words {
		if n > 0 && i+1 < len(toks) && toks[i].text == "-" && !toks[i].spaced && !toks[i+1].spaced {
			i++
		}
		if i >= len(toks) || toks[i].kind != wordToken || toks[i].text != w {
			return 0
		}
		i++
	}
	return i
}

// offsets translates between bytes and UTF-16 code units.
type offsets struct {
	text  string
	ascii bool
	units []int32 // by byte, for text that is not ASCII
}

func newOffsets(text string) offsets {
	o := offsets{text: text, ascii: true}
	for i := range len(text) {
		if text[i] >= utf8.RuneSelf {
			o.ascii = false
			break
		}
	}
	if o.ascii {
		return o
	}
	o.units = make([]int32, len(text)+1)
	unit := int32(0)
	for i, r := range text {
		size := utf8.RuneLen(r)
		if r == utf8.RuneError {
			_, size = utf8.DecodeRuneInString(text[i:])
		}
		for j := i; j < i+size; j++ {
			o.units[j] = unit
		}
		unit++
		if r > 0xFFFF {
			unit++
		}
	}
	o.units[len(text)] = unit
	return o
}

// utf16 gives the code unit at a byte.
func (o offsets) utf16(b int) int {
	if o.ascii {
		return b
	}
	return int(o.units[b])
}

// bytes gives the stretch of bytes between two code units; ends inside a character or outside the text are widened or cut.
func (o offsets) bytes(from, to int) stretch {
	from, to = max(from, 0), max(to, 0)
	if o.ascii {
		return stretch{min(from, len(o.text)), min(to, len(o.text))}
	}
	s := stretch{len(o.text), len(o.text)}
	for i := len(o.text); i >= 0; i-- {
		if int(o.units[i]) >= to {
			s.to = i
		}
		if int(o.units[i]) >= from {
			s.from = i
		}
	}
	return s
}
