package planner

import (
	"strings"

	"tandem"
	"tandem/agent"
)

// reference is how words name tasks.
type reference struct {
	numbers []int64
	it      bool
	them    bool
	ordinal int
	all     bool // "all", "every", "everything"
	words   []token
	full    string // all that was said, as it was written
	filter  filter
	whole   string // with the words about time, for titles that hold them
	far     bool   // of a calendar, which is none of ours
	list    bool   // the list itself: "my to-do list"
}

// maxReference bounds the words that may name a task.
const maxReference = 40

// refer reads a reference. It says nothing when the tokens name no task at all.
func (p *planning) refer(text string, toks []token) (r reference, ok bool) {
	toks = withoutTrailing(trimMarks(toks))
	if len(toks) == 0 || len(toks) > maxReference {
		return r, false
	}
	if r.numbers = taskNumbers(toks); len(r.numbers) > 0 {
		return r, true
	}
	r.full = source(text, toks)
	m := newMarked(text, toks)
	r.readPlace(m)
	if r.readPronoun(m.left()) {
		return r, true
	}
	r.all = m.takeAll(english.all)
	r.whole = foldedWords(text, m.left())
	r.filter = p.readFilter(m)
	m.takeAll(english.relative)
	left := m.left()
	r.words = contentOf(left)
	r.all = r.all || len(r.words) == 0 && !r.filter.empty() || len(r.words) == 0 && plural(left)
	return r, len(r.words) > 0 || r.all || r.list
}

// readPlace takes "from my list".
func (r *reference) readPlace(m *marked) {
	if at, ok := destination(m.toks); ok {
		m.take(at.from, at.to)
		r.far = m.toks[at.to-1].in(english.calendarNouns) || english.calendarNouns[at.noun]
		return
	}
	if at, ok := listAt(m.toks, 0); ok && at.to == len(m.toks) && !english.taskNouns[at.noun] {
		m.take(0, at.to)
		r.list, r.far = true, english.calendarNouns[at.noun]
	}
}

// readPronoun reads "it", "both", "the second one".
func (r *reference) readPronoun(toks []token) bool {
	var rest []string
	one, many := false, false
	for _, t := range toks {
		switch {
		case t.kind != wordToken && t.kind != markToken:
			return false
		case t.in(english.it):
			one = true
		case t.in(english.them):
			many = true
		case t.is("all", "of", "two", "three", "the", "task", "tasks", "item", "items", "ones", "my", "reminder", "reminders", ","):
		default:
			rest = append(rest, t.word)
		}
	}
	words := make([]string, len(toks))
	for i, t := range toks {
		words[i] = t.word
	}
	if n, ok := agent.Ordinal(words); ok {
		r.ordinal = n
		return true
	}
	switch {
	case len(rest) > 0:
		return false
	case many:
		r.them = true
	case one:
		r.it = true
	default:
		r.it = len(words) > 0 && words[0] == "the" && words[len(words)-1] == "task"
	}
	return r.it || r.them
}

// taskNumbers reads "3", "task 3", "tasks 1, 2 and 4", "1-3", "#5", "@5".
func taskNumbers(toks []token) []int64 {
	i, named := numberLead(toks)
	var out []int64
	for i < len(toks) {
		n, ok := numberOf(toks[i])
		if !ok || toks[i].kind == wordToken && !named {
			break
		}
		out = append(out, n)
		i++
		if up, next := rangeEnd(toks, i, n); next > 0 {
			for v := n + 1; v <= up; v++ {
				out = append(out, v)
			}
			i = next
		}
		j := i
		for j < len(toks) && toks[j].is(",", "and", "&", "task", "plus", "number", "#") {
			j++
		}
		if j == i {
			break
		}
		i = j
	}
	if len(out) == 0 || !named && i < len(toks) && !numberEnds(toks[i:]) {
		return nil
	}
	return out
}

// numberLead steps over the words before a number; named says that they speak of tasks.
func numberLead(toks []token) (i int, named bool) {
	for ; i < len(toks); i++ {
		if toks[i].in(english.determiners) {
			continue
		}
		if !toks[i].is("task", "tasks", "number", "numbers", "no", "nr", "todo", "todos", "item", "items", "reminder", "reminders", "#", "id", "all") {
			break
		}
		named = true
	}
	return i, named
}

// numberEnds reports that what follows a bare number is no part of a name: "3 eggs" is none.
func numberEnds(toks []token) bool {
	return onlyMarks(toks) || toks[0].is("from", "on", "off", "in", "please", "again", "too")
}

// rangeEnd reads the end of "1-3" and "2 to 5".
func rangeEnd(toks []token, i int, from int64) (to int64, next int) {
	if i+1 >= len(toks) || !toks[i].is("-", "–", "to", "through", "thru", "until") {
		return 0, 0
	}
	n, ok := numberOf(toks[i+1])
	if !ok || n <= from || n-from > tandem.MaxBulk {
		return 0, 0
	}
	return n, i + 2
}

func trimMarks(toks []token) []token {
	for len(toks) > 0 && toks[0].kind == markToken {
		toks = toks[1:]
	}
	for len(toks) > 0 && toks[len(toks)-1].kind == markToken {
		toks = toks[:len(toks)-1]
	}
	return toks
}

// little are words that say nothing about which task is meant.
var little = wordSet(`the a an my our your this that these those task tasks todo todos item items one ones entry entries to of for with from on in at off out
	list reminder reminders about called named titled thing things please also just so i me called is are be have has there then not any some called and
	something anything scheduled set plan planned need do it else stuff`)

// contentOf leaves out marks and words that say nothing.
func contentOf(toks []token) []token {
	var out []token
	for _, t := range toks {
		if t.kind == markToken || t.kind == wordToken && little[t.word] {
			continue
		}
		out = append(out, t)
	}
	return out
}

func plural(toks []token) bool {
	for _, t := range toks {
		if t.is("tasks", "todos", "items", "reminders", "things", "everything", "entries", "ones", "stuff") {
			return true
		}
	}
	return false
}

func foldedWords(text string, toks []token) string {
	return strings.Join(tandem.Words(spoken(text, toks)), " ")
}

// spoken gives the words of tokens without quotation marks.
func spoken(text string, toks []token) string {
	words := make([]string, len(toks))
	for i, t := range toks {
		words[i] = t.word
		if t.kind == wordToken {
			words[i] = text[t.from:t.to]
		}
	}
	return strings.Join(words, " ")
}
