package planner

import (
	"cmp"
	"slices"
	"strings"
)

// clause is one request of a message, without the words that only address the assistant.
type clause struct {
	text     string // the whole message
	toks     []token
	polite   bool // "can you …": said to an assistant
	question bool // ends in a question mark
	ifNot    bool // "if not, …": only when the question before found nothing
}

// maxClauses bounds how many requests of one message are read.
const maxClauses = 30

// cut splits a message into clauses: at ends of sentences, semicolons and line breaks, and where a joining word is followed by
// a verb of the list. Lines below one that ends in a colon belong to it.
func (p *planning) cut(text string) []clause {
	toks := lex(text)
	if p.tongue == nil {
		respell(toks)
	}
	toks = p.tongue.read(toks)
	var out []clause
	start := 0
	take := func(end int) {
		if end < len(toks) && toks[end].is("?") {
			end++
		}
		if c := newClause(text, toks[start:end]); len(c.toks) > 0 && len(out) < maxClauses {
			out = append(out, c)
		}
	}
	for i := 1; i < len(toks); i++ {
		if toks[i].is("\n") && toks[i-1].is(":") {
			i = lastLine(toks, i)
			continue
		}
		if next := boundary(text, toks, start, i); next > i {
			take(i)
			start = next
			i = next
		}
	}
	take(len(toks))
	for i := range out {
		out[i].ifNot = i > 0 && conditional(toks, out[i].toks[0].from)
	}
	return out
}

// boundary gives where the next clause begins when one ends before token i; else 0.
func boundary(text string, toks []token, start, i int) int {
	t := toks[i]
	last := i+1 == len(toks)
	switch {
	case t.is("\n") && continued(toks[start:i], toks[i+1:]):
		return 0
	case t.is("\n"):
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

// continued reports a line that goes on with what is added: "add milk", and below it "and eggs".
func continued(head, next []token) bool {
	head = withoutAddress(head)
	if len(head) < 2 || !head[0].is("add", "put", "include", "append") || english.tagOn.start(head) > 0 || english.noteOn.start(head) > 1 {
		return false
	}
	if len(next) < 2 || !next[0].is("and", "&", "plus") {
		return false
	}
	line := next[1:]
	if end := slices.IndexFunc(line, func(t token) bool { return t.is("\n") }); end >= 0 {
		line = line[:end]
	}
	switch len(line) {
	case 0:
		return false
	case 1:
		return line[0].kind == wordToken && !pointsAt(line[0])
	}
	return !pointsAt(line[0]) && !line[0].is("then", "also", "if") && !english.verbs(line)
}

// lastLine gives where the lines below a colon end: before an empty one, or with the text.
func lastLine(toks []token, i int) int {
	for i+1 < len(toks) && (!toks[i].is("\n") || !toks[i+1].is("\n")) {
		i++
	}
	return i
}

// conditional reports that "if not" stands before the byte at.
func conditional(toks []token, at int) bool {
	i := slices.IndexFunc(toks, func(t token) bool { return t.from >= at })
	for i > 0 && toks[i-1].is(",", "then", "please") {
		i--
	}
	return i > 1 && toks[i-1].is("not") && toks[i-2].is("if") || i >= 0 && i+1 < len(toks) && toks[i].is("if") && toks[i+1].is("not")
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
	if end == 0 && j > i && command(withoutAddress(toks[start:i])) && command(toks[j:]) {
		return j
	}
	if end == 0 && j > i && pointed(toks[j:]) && english.address.start(toks[start:i]) < i-start {
		return j
	}
	if end == 0 || end >= len(toks) {
		return 0
	}
	for end < len(toks)-1 && toks[end].is("please", "just", "kindly", ",") {
		end++
	}
	tail := toks[end:]
	strong := end-j > 1 || j > i
	if strong && english.verbs(tail) {
		return end
	}
	if english.management.start(tail) == 0 && (english.service.start(tail) == 0 || !complete(toks[start:i])) {
		return 0
	}
	if when := english.remind.start(tail); when > 0 && !joined(tail[when-1:]) {
		return 0 // "… and remind me an hour before" is part of the same request
	}
	if english.openEnded.start(withoutAddress(toks[start:i])) > 0 && !explicit(tail) {
		return 0
	}
	return end
}

// command reports a request about tasks that are there. What is added, renamed or noted may hold such words itself.
func command(toks []token) bool {
	for _, ps := range []patterns{english.openEnded, english.newTask, english.note, english.rename, english.retitle, english.noteOn, english.describe} {
		if ps.start(toks) > 0 {
			return false
		}
	}
	for _, ps := range []patterns{english.mark, english.complete, english.reopen, english.remove, english.move, english.snooze, english.skip, english.restore, english.tagAs} {
		if n := ps.start(toks); n > 0 && n < len(toks) {
			return true
		}
	}
	return false
}

// joined reports words that say of what to be reminded.
func joined(toks []token) bool {
	return slices.ContainsFunc(toks, func(t token) bool { return t.is("to", "about", "of", "that") })
}

// pointed reports a request about what was just spoken of: "remove it", "add them".
func pointed(toks []token) bool {
	return len(toks) > 1 && english.management.start(toks) > 0 && pointsAt(toks[1])
}

// complete reports a request that needs no more words: it ends with what says which task or list is meant.
func complete(toks []token) bool {
	if len(toks) < 2 || english.management.start(withoutAddress(toks)) == 0 {
		return false
	}
	last := toks[len(toks)-1]
	return last.kind == numberToken || last.kind == mentionToken || last.kind == quoteToken || last.in(english.taskNouns) || last.in(english.listNouns)
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
	return pointed(toks)
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
	c.polite = c.polite || slices.ContainsFunc(c.toks[:min(2, len(c.toks))], func(t token) bool { return t.in(english.assistants) }) ||
		c.toks[len(c.toks)-1].in(english.assistants)
	for range 4 {
		before := len(c.toks)
		c.toks = withoutAddress(c.toks)
		for _, ps := range []patterns{english.need, english.wish} {
			if n := ps.start(c.toks); n > 0 && n < len(c.toks) && english.manages(c.toks[n:]) {
				c.toks = c.toks[n:]
			}
		}
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

// manages reports words that do something to the list, whoever is said to do it: "I need to add flour to my list".
func (l *lexicon) manages(toks []token) bool {
	return l.remind.start(toks) > 0 || l.newTask.start(toks) > 0 || l.asksForNewList(toks) || l.remove.start(toks) > 0 ||
		l.keep.start(toks) > 0 && destinationIn(toks)
}

// asksForNewList reads "create a shopping list"; what is put on a list is another thing.
func (l *lexicon) asksForNewList(toks []token) bool {
	n := l.newList.start(toks)
	return n > 0 && !slices.ContainsFunc(toks[:n], func(t token) bool { return t.is("to", "on", "in", "from", "for", "the", "check") })
}

// asksForList tells "i want to see", which is a request to show, from "i want you to".
func (l *lexicon) asksForList(toks []token) bool {
	return l.show.start(toks) > 0 && !toks[0].is("help")
}

// maxTail is how many words of politeness may end a clause.
const maxTail = 5

func withoutTrailing(toks []token) []token {
	for len(toks) > 1 {
		cut := 0
		for n := 1; n <= maxTail && n < len(toks); n++ {
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

// source gives the text that tokens stand for. Where tokens between them were left out, a space stands.
func source(text string, toks []token) string {
	if len(toks) == 0 {
		return ""
	}
	if !slices.IsSortedFunc(toks, byPlace) {
		toks = slices.SortedStableFunc(slices.Values(toks), byPlace) // a verb was moved
	}
	last := len(toks) - 1
	if toks[last].at-toks[0].at == last {
		return text[toks[0].from:toks[last].to]
	}
	var b strings.Builder
	for i, t := range toks {
		switch {
		case i == 0:
		case toks[i-1].at+1 == t.at:
			b.WriteString(text[toks[i-1].to:t.from])
		default:
			b.WriteByte(' ')
		}
		b.WriteString(text[t.from:t.to])
	}
	return b.String()
}

func byPlace(a, b token) int { return cmp.Or(a.from-b.from, a.to-b.to) }

func (c clause) source() string { return source(c.text, c.toks) }

// listPlace is where words name a list: "on my shopping list".
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
		if n > 0 && t.in(english.taskNouns) {
			break // "my high priority tasks" are tasks, no list
		}
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
	if len(toks) > 1 && toks[0].is("for", "of") && toks[1].is("shopping", "groceries", "work", "home") {
		return 2
	}
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
