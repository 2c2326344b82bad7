package planner

import (
	"cmp"
	"slices"
	"strings"
	"unicode"

	"tandem"
)

// addNew adds tasks by words that speak of the list: "add milk to my list", "new task: call mom", "put flour on the list".
func (p *planning) addNew(c clause) (*step, error) {
	toks := c.toks
	if c.question && !c.polite && english.question.start(toks) > 0 {
		return nil, nil
	}
	for _, frame := range []struct {
		words   patterns
		several bool
	}{{english.newTask, true}, {english.note, false}, {english.listShould, true}} {
		if n := frame.words.start(toks); n > 0 && (n < len(toks) || frame.several) {
			s, err := p.newTasks(c, listless(toks[n:]), false, frame.several)
			return s.prioritised(toks[:n]), err
		}
	}
	place, listed := destination(toks)
	listed = listed && place.onto()
	if listed && place.from == 0 && place.to < len(toks) { // "on my list, add eggs"
		toks = trimMarks(toks[place.to:])
	}
	for _, read := range []func(*planning, clause, []token, bool) (*step, error){(*planning).keepOn, (*planning).wanted, (*planning).scheduled} {
		if s, err := read(p, c, toks, listed); s != nil || err != nil {
			return s, err
		}
	}
	return nil, nil
}

// prioritised gives new tasks the priority of the words that announced them: "add an urgent task to …".
func (s *step) prioritised(frame []token) *step {
	if s == nil {
		return nil
	}
	for _, t := range frame {
		if level, ok := levelNames[t.word]; ok {
			for i := range s.drafts {
				s.drafts[i].Priority = cmp.Or(s.drafts[i].Priority, level)
			}
		}
	}
	return s
}

// keepOn reads "add X", with a list or without one.
func (p *planning) keepOn(c clause, toks []token, listed bool) (*step, error) {
	n := english.keep.start(toks)
	if n == 0 {
		return nil, nil
	}
	rest := toks[n:]
	if head, ok := cutTail(rest, english.asTask); ok {
		return p.newTasks(c, head, false, true)
	}
	if pronoun(rest) && p.object != "" {
		return p.addObject(c)
	}
	switch {
	case listed:
		return p.newTasks(c, listless(rest), false, true)
	case !toks[0].is("add", "include") || len(rest) == 0:
		return nil, nil
	case elsewhere(rest) || foreign(rest, false) || english.generic[rest[0].word] && len(rest) == 1:
		return nil, p.offer(c)
	}
	return p.newTasks(c, rest, false, true)
}

// addObject adds what the clause before spoke of. Behind "if not" it is only added where the question found nothing.
func (p *planning) addObject(c clause) (*step, error) {
	if c.ifNot && p.asked != nil {
		found, err := p.lookup(p.asked.args, maxShown)
		if err != nil {
			return nil, err
		}
		if len(found.rows()) > 0 && !found.Fuzzy {
			return &step{say: "It is on your list already."}, nil
		}
	}
	object := p.lex(p.object)
	return p.newTasks(clause{text: p.object, toks: object}, object, false, true)
}

// elsewhere reports words that say to which thing something is added, and that this is no list.
func elsewhere(toks []token) bool {
	for i, t := range toks {
		if i > 0 && t.is("to", "into", "onto", "in") && i+1 < len(toks) && toks[i+1].in(english.determiners) {
			return true
		}
	}
	return slices.ContainsFunc(toks[:min(1, len(toks))], func(t token) bool { return t.in(english.it) || t.in(english.them) })
}

// wanted reads what is said to belong on a list: "I need bananas on the list", "the list should also have bread".
func (p *planning) wanted(c clause, toks []token, listed bool) (*step, error) {
	if !listed || english.question.start(toks) > 0 {
		return nil, nil
	}
	rest := listless(toks)
	if n := english.wants.start(rest); n > 0 && n < len(rest) {
		if rest, _ = cutTail(rest[n:], english.addedTail); !plainThing(rest) {
			return nil, nil
		}
		return p.newTasks(c, rest, false, true)
	}
	if head, ok := cutTail(rest, english.belongsTail); ok && plainThing(head) {
		return p.newTasks(c, head, false, true)
	}
	return nil, nil
}

// plainThing reports words without a clause of their own: "two loaves of bread", not "everything that is on sale".
func plainThing(toks []token) bool {
	return len(toks) > 0 && len(toks) <= 6 && !slices.ContainsFunc(toks, func(t token) bool {
		return t.is("that", "thats", "which", "who", "is", "are", "from", "you", "everything", "if", "because", "and", "to", "some")
	})
}

// onto reports a place where something is put, not taken from or spoken of.
func (l listPlace) onto() bool {
	return slices.Contains([]string{"on", "to", "in", "into", "onto", "inside"}, l.prep)
}

// scheduled reads an appointment to be made: "schedule a lunch with Brent on wednesday at noon". Rooms, tables and tickets are
// somebody else's.
func (p *planning) scheduled(c clause, toks []token, _ bool) (*step, error) {
	if n := english.attends.start(toks); n > 0 && n < len(toks) {
		if d := p.draft(source(c.text, toks[n:]), false); d.Due != "" && settled(d) && slices.ContainsFunc(toks[n:], func(t token) bool { return t.in(english.meetings) }) {
			return nil, confirmAdd(d, true)
		}
	}
	n := english.schedule.start(toks)
	if n == 0 || n >= len(toks) {
		return nil, nil
	}
	rest := listless(toks[n:])
	event := slices.IndexFunc(rest, func(t token) bool { return t.in(english.meetings) })
	if event < 0 || event > 5 || foreign(rest, false) || toks[0].is("make") && !rest[event].is("appointment", "meeting", "event") {
		return nil, nil
	}
	if english.wants.start(toks) > 0 && !slices.ContainsFunc(rest, func(t token) bool { return t.is("meeting", "appointment", "event") }) {
		return nil, nil
	}
	return p.newTasks(c, rest, false, false)
}

// listless leaves out the words that name the list.
func listless(toks []token) []token {
	at, ok := destination(toks)
	if !ok {
		return toks
	}
	rest := slices.Concat(toks[:at.from], toks[at.to:])
	if at.from == 0 {
		rest = trimMarks(rest)
	}
	return rest
}

// errand takes a bare imperative of a closed list as a new task: "buy milk tomorrow", "I need to call mom".
func (p *planning) errand(c clause) (*step, error) {
	toks := c.toks
	if c.question || english.question.start(toks) > 0 && english.need.start(toks) == 0 {
		return nil, nil
	}
	own := false
	if n := english.need.start(toks); n > 0 && n < len(toks) {
		toks, own = toks[n:], true
	}
	if english.errand.start(toks) == 0 || english.errandNot.start(toks) > 0 {
		return nil, nil
	}
	if c.polite && !own || errandOfOthers(toks) || slices.ContainsFunc(toks, func(t token) bool { return t.in(english.hired) }) {
		return nil, p.offer(c.with(toks))
	}
	s, err := p.newTasks(c, toks, false, false)
	if s != nil {
		s.errand = true
	}
	return s, err
}

// errandOfOthers reports an errand that the assistant is to run: it tells what to say, or does it "for me".
func errandOfOthers(toks []token) bool {
	for i, t := range toks {
		if i == 0 {
			continue
		}
		if t.is("tell", "saying", "asking", "telling", "whether", "please") || t.is("me") && toks[i-1].is("for") ||
			t.is("ask", "say", "get", "see", "find", "let", "tell") && toks[i-1].is("and", "to", ",") || t.is("using") {
			return true
		}
	}
	return false
}

// newTasks makes new tasks of the tokens; several where they are a list.
func (p *planning) newTasks(c clause, toks []token, remind, several bool) (*step, error) {
	toks = withoutTrailing(dropTo(toks))
	if len(toks) == 0 {
		return nil, ask("What shall the task be?")
	}
	texts := p.items(c.text, toks, several)
	s := &step{}
	for _, text := range texts {
		d := p.draft(text, remind)
		if bad := unclear(d); bad != nil {
			return nil, bad
		}
		s.drafts = append(s.drafts, d)
	}
	if len(texts) == 1 {
		s.drafts = p.spread(s.drafts[0], several)
		s.object = s.drafts[0].Title
	}
	for _, d := range s.drafts {
		if d.past {
			return nil, confirmAdd(d, false)
		}
	}
	return s, nil
}

// unclear asks about a task without a name, and about words that look like a date and settle none.
func unclear(d addArgs) *question {
	words := contentOf(lex(d.Title))
	named := slices.ContainsFunc(words, func(t token) bool { return t.kind != wordToken || !english.generic[t.word] })
	if len(words) == 0 || !named || !strings.ContainsFunc(d.Title, unicode.IsLetter) {
		return ask("What shall the task be called?")
	}
	if d.unsettled != "" {
		return ask("I cannot tell the date of %s: %s. When is it due?", quote(d.Title), term(d.unsettled))
	}
	return nil
}

func settled(d addArgs) bool { return unclear(d) == nil }

// items cuts "milk, eggs and bread" and lines below a colon into their parts. Verbs keep their objects: "buy milk and eggs" is
// one task.
func (p *planning) items(text string, toks []token, several bool) []string {
	if slices.ContainsFunc(toks, func(t token) bool { return t.is("\n") }) {
		return lines(text, toks)
	}
	parts := commaParts(toks)
	if several && len(parts) > 1 && all(parts, func(part []token) bool { return english.errand.start(dropTo(part)) > 0 }) ||
		len(parts) > 2 && all(parts, func(part []token) bool { return english.errand.start(dropTo(part)) > 0 }) {
		out := make([]string, len(parts))
		for i, part := range parts {
			out[i] = source(text, dropTo(part))
		}
		return out
	}
	return []string{source(text, toks)}
}

func lines(text string, toks []token) []string {
	var out []string
	start := 0
	for i := 0; i <= len(toks); i++ {
		if i < len(toks) && !toks[i].is("\n") {
			continue
		}
		line := trimBullet(toks[start:i])
		if len(line) > 0 {
			out = append(out, source(text, line))
		}
		start = i + 1
	}
	return out
}

func trimBullet(toks []token) []token {
	toks = trimMarks(toks)
	if len(toks) > 2 && toks[0].kind == numberToken && toks[1].is(".", ")") {
		toks = toks[2:]
	}
	if len(toks) > 1 && toks[0].is("and", "&", "plus") {
		toks = toks[1:]
	}
	return toks
}

func all[T any](list []T, ok func(T) bool) bool {
	return !slices.ContainsFunc(list, func(v T) bool { return !ok(v) })
}

// commaParts cuts at commas and at the last "and".
func commaParts(toks []token) [][]token {
	var out [][]token
	start := 0
	for i, t := range toks {
		if t.is(",", "and", "&", "plus") {
			if i > start {
				out = append(out, toks[start:i])
			}
			start = i + 1
		}
	}
	if start < len(toks) {
		out = append(out, toks[start:])
	}
	return out
}

// spread makes one task of each thing in a list of things; all share date and marks.
func (p *planning) spread(d addArgs, several bool) []addArgs {
	toks := p.lex(d.Title)
	parts := commaParts(toks)
	commas := slices.ContainsFunc(toks, func(t token) bool { return t.is(",") })
	if !several || len(parts) < 2 || !commas && len(parts) > 2 || !all(parts, thing) || english.pairs[tandem.Fold(d.Title)] {
		return []addArgs{d}
	}
	out := make([]addArgs, len(parts))
	for i, part := range parts {
		out[i] = d
		out[i].Title = titleOf(source(d.Title, part))
	}
	return out
}

// thing reports a short name of something to get or do, without a verb of its own.
func thing(toks []token) bool {
	if len(toks) == 0 || len(toks) > 4 {
		return false
	}
	return !slices.ContainsFunc(toks, func(t token) bool {
		return t.is("to", "with", "for", "about", "at", "because", "that", "who", "if", "when", "from") || t.kind == markToken
	}) && english.errand.start(toks) == 0 && english.service.start(toks) == 0
}

// dropTo drops what joins a frame to its content.
func dropTo(toks []token) []token {
	for len(toks) > 1 && (toks[0].kind == markToken && !toks[0].is("\n") || toks[0].is("to", "that", "of", "about") && toks[0].kind == wordToken) {
		toks = toks[1:]
	}
	return toks
}
