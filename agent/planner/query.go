package planner

import (
	"slices"
	"strings"

	"tandem"
	"tandem/agent/phrase"
)

// listing is a list that the person asked to see.
type listing struct {
	args  listArgs
	f     filter
	about string // words that were looked for
	count bool   // how many, not which
	next  bool   // only what comes first
}

// query reads a question about the list, or a command to show it. It never changes anything.
func (p *planning) query(c clause) (*step, error) {
	if len(c.toks) > maxQuery {
		return nil, nil
	}
	if english.recall.start(c.toks) > 0 && len(c.toks) > 2 && english.question.start(c.toks[2:]) > 0 {
		c = c.with(c.toks[2:])
	}
	if n := english.whether.start(c.toks); n > 0 && n < len(c.toks) {
		c = c.with(inquire(c.toks[n:]))
	}
	for _, read := range []func(*planning, clause) *listing{
		(*planning).askNext, (*planning).askLeft, (*planning).askWhether, (*planning).askPlans, (*planning).askFor,
		(*planning).askFind,
	} {
		if l := read(p, c); l != nil {
			return &step{show: l, object: c.object()}, nil
		}
	}
	return nil, nil
}

// inquire makes a question of what stands behind "check if".
func inquire(toks []token) []token {
	first := toks[0]
	return slices.Insert(slices.Clone(toks), 0, token{kind: wordToken, word: "do", from: first.from, to: first.from, at: first.at - 1})
}

// maxQuery bounds the words of a question.
const maxQuery = 30

// askNext reads "what's next".
func (p *planning) askNext(c clause) *listing {
	n := english.next.start(c.toks)
	if n == 0 || !onlyLittle(c.toks[n:]) {
		return nil
	}
	return &listing{args: listArgs{Status: "pending", SortBy: "due_date", Limit: 3}, f: filter{status: "pending"}, next: true}
}

func onlyLittle(toks []token) bool {
	return !slices.ContainsFunc(toks, func(t token) bool {
		return t.kind != markToken && !t.is("on", "my", "list", "todo", "for", "me", "up", "today", "to", "do", "the", "now", "agenda", "task", "in", "line", "first", "please")
	})
}

// askLeft reads "what's pending", "what have I completed", "anything overdue".
func (p *planning) askLeft(c clause) *listing {
	n := english.left.start(c.toks)
	if n == 0 {
		return nil
	}
	m := newMarked(c.text, c.toks)
	f := p.readFilter(m)
	m.take(0, n)
	if slices.ContainsFunc(c.toks[:n], func(t token) bool {
		return t.is("completed", "complete", "done", "finished", "finish", "accomplished", "accomplish", "achieved")
	}) && f.status != "pending" {
		f.status = "completed"
	}
	rest := contentOf(m.left())
	rest = slices.DeleteFunc(rest, func(t token) bool { return english.plain[t.word] || t.in(english.taskNouns) })
	if len(rest) > 0 {
		return nil
	}
	return p.listing(f, nil, c)
}

// askWhether reads questions about one entry: "is milk on my list", "do I have to buy milk", "when is the dentist".
func (p *planning) askWhether(c clause) *listing {
	toks := c.toks
	if n := english.mustI.start(toks); n > 0 && english.errand.start(toks[n:]) > 0 {
		return p.lookFor(toks[n:], c)
	}
	if n := english.whenIs.start(toks); n > 0 && !foreign(toks, false) {
		if n == len(toks) { // "when is the bill due"
			return p.lookFor(toks[2:], c)
		}
		return p.lookFor(toks[n:], c)
	}
	if n := english.holds.start(toks); n > 0 && n < len(toks) {
		if at, ok := destination(toks); ok && at.from > 0 && at.prep != "of" && at.prep != "for" {
			return p.lookFor(slices.Concat(toks[n:at.from], toks[at.to:]), c)
		}
	}
	return nil
}

// lookFor lists tasks by words and filters.
func (p *planning) lookFor(toks []token, c clause) *listing {
	m := newMarked(c.text, toks)
	f := p.readFilter(m)
	rest := slices.DeleteFunc(contentOf(m.left()), func(t token) bool { return english.plain[t.word] })
	return p.listing(f, rest, c)
}

// askPlans reads "what do I have today", "am I free at four", "how does my week look".
func (p *planning) askPlans(c clause) *listing {
	n := english.planned.start(c.toks)
	free := english.free.start(c.toks)
	if n == 0 && free == 0 && !c.question {
		return nil
	}
	m := newMarked(c.text, c.toks)
	m.take(0, n)
	f := p.readFilter(m)
	new(reference).readPlace(m)
	rest := slices.DeleteFunc(contentOf(m.left()), func(t token) bool {
		return english.plain[t.word] || t.in(english.taskNouns) || english.wideNouns[t.word]
	})
	about := slices.ContainsFunc(c.toks, func(t token) bool { return t.is("about", "with", "called", "regarding") })
	further := n == 0 || c.toks[0].is("what", "how") && c.toks[1].is("about") // "and tomorrow?"
	if (free > 0 || further) && !f.timed() || len(rest) > 0 && (!about || further) {
		return nil
	}
	return p.listing(f, rest, c)
}

// askFor reads commands and questions that name tasks, reminders or appointments.
func (p *planning) askFor(c clause) *listing {
	toks := c.toks
	n := english.show.start(toks)
	if n == 0 && english.ask.start(toks) == 0 && english.count.start(toks) == 0 && !headline(toks) {
		return nil
	}
	if howTo(toks) {
		return nil
	}
	if n == len(toks) && toks[0].is("list") {
		return p.listing(filter{}, nil, c)
	}
	if l := byNumber(toks, n); l != nil {
		return l
	}
	scoped, wide := p.scope(toks, n)
	if !scoped {
		return nil
	}
	m := newMarked(c.text, toks)
	m.take(0, n)
	new(reference).readPlace(m)
	for i := n; i < len(toks); i++ {
		if at, ok := listAt(toks, i); ok && at.from == i && !english.taskNouns[at.noun] {
			m.take(at.from, at.to)
			break
		}
	}
	f := p.readFilter(m)
	drop := func(t token) bool {
		return english.plain[t.word] && t.kind == wordToken || t.in(english.taskNouns) || wide && english.wideNouns[t.word] || t.in(english.wideNouns)
	}
	return p.listing(f, slices.DeleteFunc(contentOf(m.left()), drop), c)
}

// askFind reads a bare search for one thing: "search for milk", "find the milk". What belongs to other services is theirs.
func (p *planning) askFind(c clause) *listing {
	n := english.find.start(c.toks)
	rest := c.toks[n:]
	if n == 0 || len(rest) == 0 || len(rest) > maxSought || foreign(rest, false) || english.question.start(rest) > 0 || pronoun(rest) {
		return nil
	}
	if slices.ContainsFunc(rest, func(t token) bool {
		return t.kind == markToken || t.is("out", "up", "me", "a", "an", "and", "near", "in", "on", "to", "from", "how")
	}) {
		return nil
	}
	return p.lookFor(rest, c)
}

// maxSought bounds the words of a bare search.
const maxSought = 4

// byNumber reads a question about tasks by their numbers: "show me task 3".
func byNumber(toks []token, n int) *listing {
	for n < len(toks) && n < 2 && toks[n].is("what", "whats", "is", "are", "which") {
		n++
	}
	if n == 0 || n >= len(toks) || !slices.ContainsFunc(toks[n:], func(t token) bool { return t.kind == mentionToken || t.in(english.taskNouns) }) {
		return nil
	}
	if ids := taskNumbers(toks[n:]); len(ids) > 0 {
		return &listing{args: listArgs{IDs: ids[:min(len(ids), tandem.MaxBulk)]}, f: filter{status: "all"}}
	}
	return nil
}

// maxHeadline bounds a question without a verb.
const maxHeadline = 8

// headline reports a question without a verb: "overdue tasks", "reminders for today".
func headline(toks []token) bool {
	if len(toks) > maxHeadline || english.errand.start(toks) > 0 || english.service.start(toks) > 0 || english.need.start(toks) > 0 ||
		english.newTask.start(toks) > 0 || english.keep.start(toks) > 0 {
		return false
	}
	return toks[0].is("everything", "all") || slices.ContainsFunc(toks, func(t token) bool {
		return t.is("tasks", "todos", "reminders", "chores", "errands", "deadlines", "meetings", "appointments")
	})
}

// howTo reports a question about how, why or what a thing is, which no list answers.
func howTo(toks []token) bool {
	if len(toks) > 2 && toks[0].is("whats") && toks[1].is("a", "an") || len(toks) > 3 && toks[0].is("what") && toks[1].is("is") && toks[2].is("a", "an") {
		return true // what a thing is
	}
	if toks[0].is("how", "hows") {
		return len(toks) < 2 || !toks[1].is("many", "much", "does", "is", "long")
	}
	return toks[0].is("why", "whys")
}

// scope reports whether the words are about the list, and whether about all of it.
func (p *planning) scope(toks []token, n int) (scoped, wide bool) {
	if foreign(toks[n:], false) || ofAssistant.find(toks) {
		return false, false
	}
	if _, ok := destination(toks[:]); ok && !thirdList(toks) {
		return true, true
	}
	for i, t := range toks {
		switch {
		case t.in(english.taskNouns) || (n > 0 || toks[0].is("everything", "all")) && (t.kind == tagToken || t.is("everything", "overdue")):
			return true, true
		case t.in(english.listNouns) || t.in(english.calendarNouns):
			if i > 0 && ownList(toks, i) {
				return true, true
			}
		case t.in(english.eventNouns):
			return true, false
		}
	}
	return false, false
}

// ofAssistant are words about the assistant itself: "what tasks can you do", "what happens if I delete one".
var ofAssistant = compileAll("can|could|do|are|will you\nhappens|happen if|when\nif i|you|we")

// ownList reports "my list", "the shopping list": not "a list of songs".
func ownList(toks []token, i int) bool {
	if i+1 < len(toks) && toks[i+1].is("of") && listOf(toks[i+1:]) == 0 {
		return false
	}
	for j := i - 1; j >= 0 && j >= i-4; j-- {
		if toks[j].is("my", "our", "todo", "shopping", "grocery", "the", "todays", "your", "tomorrows", "any", "all", "available", "what", "which") {
			return true
		}
	}
	return false
}

func thirdList(toks []token) bool {
	for i, t := range toks {
		if t.is("list", "lists") && i+1 < len(toks) && toks[i+1].is("of") && listOf(toks[i+1:]) == 0 {
			return true
		}
	}
	return false
}

// listing makes the call of a question.
func (p *planning) listing(f filter, words []token, c clause) *listing {
	if f.status == "" {
		f.status = "pending"
		if slices.ContainsFunc(c.toks, func(t token) bool { return t.is("all", "every", "everything", "whole", "entire") }) && !f.timed() && !f.overdue {
			f.status = "all"
		}
	}
	l := &listing{args: f.args(), f: f, count: english.count.start(c.toks) > 0}
	if f.status == "completed" && f.timed() {
		l.args = listArgs{Status: "completed", Limit: tandem.MaxLimit}
	}
	if len(words) > 0 {
		l.args.Search, l.about = searchFor(words), spokenWords(words)
	}
	if l.args.Search == "" && f.timed() && f.status != "completed" {
		l.args.SortBy = "due_date"
	}
	p.sorting(c, l)
	return l
}

// sorting reads "by priority", "sorted by due date".
func (p *planning) sorting(c clause, l *listing) {
	for i, t := range c.toks {
		if !t.is("by") || i+1 >= len(c.toks) {
			continue
		}
		by := map[string]string{"priority": "priority", "importance": "priority", "due": "due_date", "date": "due_date", "deadline": "due_date", "title": "title", "name": "title", "created": "created_at"}[c.toks[i+1].word]
		if by == "" {
			continue
		}
		l.args.SortBy, l.args.Search, l.about = by, "", ""
		if by == "priority" {
			l.args.SortOrder = "desc"
		}
	}
}

func spokenWords(words []token) string {
	out := make([]string, len(words))
	for i, t := range words {
		out[i] = t.said()
	}
	return strings.Join(out, " ")
}

// shownList is a listing with what it found.
type shownList struct {
	*listing
	found result
}

// decline is for what is no request of the list: another imperative or a name is offered as a task, the rest is refused.
func (p *planning) decline(c clause) (*step, error) {
	if p.declarative(c) {
		return nil, p.offer(c)
	}
	return &step{say: replyRefuse, weak: true, refuse: true}, nil
}

// declarative reports words that may be meant as a task: no question, and no request to an assistant.
func (p *planning) declarative(c clause) bool {
	toks := c.toks
	if c.question || c.polite || len(toks) > maxOffer || english.question.start(toks) > 0 || english.errandNot.start(toks) > 0 {
		return false
	}
	if english.service.start(toks) > 0 {
		return p.ownErrand(c)
	}
	if n := english.need.start(toks); n > 0 && n < len(toks) {
		return english.service.start(toks[n:]) == 0
	}
	if slices.ContainsFunc(toks[1:], func(t token) bool {
		return t.is("was", "were", "is", "are", "has", "had", "will", "cant", "doesnt", "didnt", "wont", "isnt", "keeps", "got")
	}) {
		return false
	}
	return !toks[0].is("i", "im", "ive", "id", "ill", "you", "your", "youre", "we", "it", "its", "that", "thats", "this", "there", "theres", "if", "because", "they", "he", "she") &&
		english.wants.start(toks) == 0 && len(tandem.Words(c.source())) > 0
}

// ownErrand tells what a person means to do, because it has a date, from what is asked of an assistant: "order a cake for
// saturday", "let the plumber in tomorrow".
func (p *planning) ownErrand(c clause) bool {
	if english.own.start(c.toks) == 0 || foreign(c.toks[1:], false) || slices.ContainsFunc(c.toks, func(t token) bool {
		return t.is("me", "us", "you", "your", "what", "whats", "how", "if", "when", "that", "there") || t.in(english.hired)
	}) {
		return false
	}
	return phrase.Parse(c.source(), p.now, p.zone, p.options).Due != nil
}

// maxOffer bounds the words that are offered as a task.
const maxOffer = 20
