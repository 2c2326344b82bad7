package planner

import (
	"slices"
	"strings"
)

// clause is one request of a message, without the words that only address the assistant.
type clause struct {
	text     string // the whole message
	toks     []token
	polite   bool // "can you …": said to an assistant
	question bool // ends in a question mark
}

// maxClauses bounds how many requests of one message are read.
const maxClauses = 30

// cut splits a message into clauses: at ends of sentences, semicolons and line breaks, and where a joining word is followed by
// a verb of the list. Lines below one that ends in a colon belong to it.
func cut(text string) []clause {
	toks := lex(text)
	var out []clause
	start := 0
	take := func(end int) {
		if c := newClause(text, toks[start:end]); len(c.toks) > 0 && len(out) < maxClauses {
			out = append(out, c)
		}
	}
	for i := 1; i < len(toks); i++ {
		if next := boundary(text, toks, start, i); next > i {
			take(i)
			start = next
			i = next
		}
	}
	take(len(toks))
	return out
}

// boundary gives where the next clause begins when one ends before token i; else 0.
func boundary(text string, toks []token, start, i int) int {
	t := toks[i]
	last := i+1 == len(toks)
	switch {
	case t.is("\n"):
		if lists(toks[start:i]) {
			return 0
		}
		return i + 1
	case t.is(";"):
		return i + 1
	case t.is(".", "!", "?") && (last || spaced(text, t.to)):
		return i + 1
	case t.is(",") || t.kind == wordToken:
		return joint(toks, start, i)
	}
	return 0
}

// lists reports a head that announces lines: it holds a colon at the end of its first line.
func lists(head []token) bool {
	end := slices.IndexFunc(head, func(t token) bool { return t.is("\n") })
	if end < 0 {
		end = len(head)
	}
	return end > 0 && head[end-1].is(":")
}

func spaced(text string, at int) bool {
	return at >= len(text) || text[at] == ' ' || text[at] == '\n' || text[at] == '\t' || text[at] == '\r'
}

// joint gives the index behind a joining word at i, when a request of its own follows.
func joint(toks []token, start, i int) int {
	j := i
	if toks[i].is(",") {
		j++
	}
	end := english.joints.at(toks, j)
	if end == 0 || end >= len(toks) {
		return 0
	}
	for end < len(toks)-1 && toks[end].is("please", "just", "kindly") {
		end++
	}
	tail := toks[end:]
	strong := toks[end-1].is("then", "also") || end-j > 1
	if strong && english.verbs(tail) {
		return end
	}
	if english.management.start(tail) == 0 {
		return 0
	}
	if english.openEnded.start(withoutAddress(toks[start:i])) > 0 && !explicit(tail) {
		return 0
	}
	return end
}

// verbs reports whether a request may begin here.
func (l *lexicon) verbs(toks []token) bool {
	return l.management.start(toks) > 0 || l.errand.start(toks) > 0 || l.service.start(toks) > 0 || l.need.start(toks) > 0 ||
		l.question.start(toks) > 0
}

// explicit reports words that are about the list itself, and so no part of a title.
func explicit(toks []token) bool {
	if english.remind.start(toks) > 0 || english.newTask.start(toks) > 0 {
		return true
	}
	if _, ok := destination(toks); ok {
		return true
	}
	for i, t := range toks {
		if t.kind == mentionToken || t.is("task") && i+1 < len(toks) && toks[i+1].kind == numberToken {
			return true
		}
	}
	return len(toks) > 1 && (toks[1].in(english.it) || toks[1].in(english.them))
}

func newClause(text string, toks []token) clause {
	c := clause{text: text, toks: toks}
	for len(c.toks) > 0 {
		last := c.toks[len(c.toks)-1]
		if last.kind != markToken || last.is(":") {
			break
		}
		c.question = c.question || last.is("?")
		c.toks = c.toks[:len(c.toks)-1]
	}
	return c
}

// withoutAddress drops words of address at the start.
func withoutAddress(toks []token) []token {
	for len(toks) > 1 {
		n := english.address.start(toks)
		if toks[0].kind == markToken && !toks[0].is("\n") {
			n = 1
		}
		if n == 0 || n >= len(toks) {
			break
		}
		toks = toks[n:]
	}
	return toks
}

// bare gives the clause without address and politeness at either end.
func (c clause) bare() clause {
	for range 4 {
		before := len(c.toks)
		c.toks = withoutAddress(c.toks)
		if n := english.polite.start(c.toks); n > 0 && n < len(c.toks) && !english.asksForList(c.toks) {
			c.toks, c.polite = c.toks[n:], true
		}
		c.toks = withoutTrailing(c.toks)
		if len(c.toks) == before {
			break
		}
	}
	return c
}

// asksForList tells "i want to see", which is a request to show, from "i want you to".
func (l *lexicon) asksForList(toks []token) bool {
	return l.show.start(toks) > 0 && !toks[0].is("help")
}

func withoutTrailing(toks []token) []token {
	for len(toks) > 1 {
		cut := 0
		for n := 1; n <= 3 && n < len(toks); n++ {
			if end := english.trailing.at(toks, len(toks)-n); end == len(toks) {
				cut = n
			}
		}
		if last := toks[len(toks)-1]; cut == 0 && last.is(",", ".", "!", "-", "–") {
			cut = 1
		}
		if cut == 0 {
			break
		}
		toks = toks[:len(toks)-cut]
	}
	return toks
}

// with gives the clause with other tokens.
func (c clause) with(toks []token) clause {
	c.toks = toks
	return c
}

// source gives the text that tokens stand for.
func source(text string, toks []token) string {
	if len(toks) == 0 {
		return ""
	}
	return text[toks[0].from:toks[len(toks)-1].to]
}

func (c clause) source() string { return source(c.text, c.toks) }

// without gives the text of the tokens with some of them left out.
func without(text string, toks []token, skip func(int) bool) string {
	var b strings.Builder
	at := -1
	for i, t := range toks {
		if skip(i) {
			at = -1
			continue
		}
		if at >= 0 {
			b.WriteString(text[at:t.from])
		} else if b.Len() > 0 {
			b.WriteByte(' ')
		}
		b.WriteString(text[t.from:t.to])
		at = t.to
	}
	return b.String()
}

// place is where words name a list: "on my shopping list".
type listPlace struct {
	from, to int
	prep     string
	noun     string
	name     string // "shopping"
}

// destination finds a preposition with a list behind it.
func destination(toks []token) (listPlace, bool) {
	for i, t := range toks {
		if !t.is("on", "to", "in", "into", "onto", "off", "from", "of", "for", "at", "inside") {
			continue
		}
		if p, ok := listAt(toks, i+1); ok {
			p.from, p.prep = i, t.word
			if t.is("off") && i+1 < len(toks) && toks[i+1].is("of") {
				continue
			}
			if i > 0 && t.is("of") && toks[i-1].is("off", "out") {
				p.from--
			}
			return p, true
		}
	}
	return listPlace{}, false
}

// listAt reads "my shopping list" or "the list of things to buy" from token i on.
func listAt(toks []token, i int) (listPlace, bool) {
	p := listPlace{from: i}
	if i < len(toks) && toks[i].in(english.determiners) {
		i++
	}
	for n := 0; n < 4 && i+n < len(toks); n++ {
		t := toks[i+n]
		if t.kind != wordToken || t.is("to", "on", "in", "from", "and", "for", "off", "that", "i") {
			break
		}
		if !t.in(english.listNouns) && !t.in(english.calendarNouns) {
			continue
		}
		p.noun, p.to = t.word, i+n+1
		for p.to < len(toks) && toks[p.to].in(english.listNouns) { // "todo list"
			p.noun, p.to = toks[p.to].word, p.to+1
		}
		p.name = nameOf(toks[i : i+n])
		p.to += listOf(toks[p.to:])
		return p, true
	}
	return p, false
}

// listOf steps over "of things to do", "of things i need to buy".
func listOf(toks []token) int {
	if len(toks) < 2 || !toks[0].is("of") || !toks[1].is("things", "stuff", "items", "tasks", "todos", "reminders", "my") {
		return 0
	}
	n := 2
	for n < len(toks) && n < 8 && toks[n].is("things", "i", "to", "do", "buy", "need", "have", "want", "get", "remember", "we", "must", "should") {
		n++
	}
	return n
}

func nameOf(toks []token) string {
	words := make([]string, len(toks))
	for i, t := range toks {
		words[i] = t.word
	}
	return strings.Join(words, " ")
}
