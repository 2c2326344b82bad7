package planner

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"tandem"
	"tandem/agent/phrase"
)

// remind adds a task with a reminder: "remind me to call mom tomorrow".
func (p *planning) remind(c clause) (*step, error) {
	toks := c.toks
	switch {
	case english.recall.start(toks) > 0:
		return nil, nil
	case english.alarmOff.start(toks) > 0:
		return nil, ask("I have no alarms. Which task shall I change?")
	case english.alarm.start(toks) > 0 && !english.remindNoun(toks):
		return p.wake(c, toks)
	case english.asksForNewList(toks) && !english.remindNoun(toks):
		return nil, ask("There is one list, and tags to group it. What shall I add?")
	}
	n := english.remind.start(toks)
	if n == 0 {
		return p.inform(c)
	}
	content := withoutTrailing(toks[n:])
	for _, read := range []func(*planning, clause, []token) (*step, error){(*planning).remindBefore, (*planning).remindOf} {
		if s, err := read(p, c, content); s != nil || err != nil {
			return s, err
		}
	}
	before, behind := modifiers(toks[:n])
	if len(content) == 0 && len(before) == 0 {
		return nil, ask("What shall I remind you of?")
	}
	if len(before)+len(behind) == 0 {
		return p.newTasks(c, content, true, false)
	}
	text := strings.TrimSpace(source(c.text, before) + " " + source(c.text, content) + " " + source(c.text, behind))
	return p.newTasks(clause{text: text}, lex(text), true, false)
}

// modifiers gives the words before "reminder" that belong to the task: what it is about, and how often.
func modifiers(toks []token) (before, behind []token) {
	end := slices.IndexFunc(toks, func(t token) bool { return t.is("reminder", "reminders", "notification", "notifications") })
	start := slices.IndexFunc(toks, func(t token) bool { return t.in(english.determiners) }) + 1
	if end < 0 || toks[0].is("remind", "i", "id") {
		return nil, nil
	}
	for i := max(start, 1); i < end; i++ {
		switch {
		case toks[i].in(english.frequencies):
			behind = append(behind, toks[i])
		case !toks[i].is("new", "quick", "another", "me", "us", "up", "simple", "calendar", "friendly", "repeating", "recurring"):
			before = append(before, toks[i])
		}
	}
	return before, behind
}

// inform takes "let me know when": with a date it is a reminder; what happens elsewhere is out of sight.
func (p *planning) inform(c clause) (*step, error) {
	n := english.inform.start(c.toks)
	if n == 0 || n >= len(c.toks) {
		return p.lateRemind(c)
	}
	d := p.draft(source(c.text, c.toks[n-1:]), true)
	if d.Due == "" || unclear(d) != nil || c.toks[0].is("tell", "inform", "warn") && !slices.ContainsFunc(c.toks, func(t token) bool { return t.is("to") }) {
		return nil, nil
	}
	return p.newTasks(c, c.toks[n:], true, false)
}

// remindNoun tells a reminder from an alarm.
func (l *lexicon) remindNoun(toks []token) bool {
	return slices.ContainsFunc(toks, func(t token) bool { return t.is("reminder", "reminders", "remind", "task", "todo") })
}

// lateRemind reads a reminder that stands at the end: "I want to do laundry at 8 pm, create a reminder".
func (p *planning) lateRemind(c clause) (*step, error) {
	for i := 1; i < len(c.toks); i++ {
		end := english.lateRemind.at(c.toks, i)
		if end == 0 || !onlyMarks(c.toks[end:]) || english.question.start(c.toks) > 0 {
			continue
		}
		head := c.toks[:i]
		for _, ps := range []patterns{english.need, english.wants} {
			if n := ps.start(head); n > 0 && n < len(head) {
				head = head[n:]
			}
		}
		return p.newTasks(c, dropTo(head), true, false)
	}
	return nil, nil
}

// remindBefore gives an existing task a reminder: "remind me 30 minutes before the team meeting".
func (p *planning) remindBefore(c clause, toks []token) (*step, error) {
	for i, t := range toks {
		if !t.is("before") || i == 0 || i+1 >= len(toks) {
			continue
		}
		lead, ok := phrase.ParseDuration(source(c.text, toks[:i]))
		if !ok {
			return nil, nil
		}
		r, ok := p.refer(c.text, toks[i+1:])
		if !ok {
			return nil, nil
		}
		s, err := p.applyTo(r, changing(changeArgs{Reminders: []string{tandem.FormatDuration(lead)}}, "remind you of"))
		if q, asked := err.(*question); asked && len(q.candidates) == 0 {
			return nil, nil
		}
		return s, err
	}
	return nil, nil
}

// remindOf gives a numbered task a reminder: "remind me of task 3 at 5 pm", "set a reminder for task 3, 1 hour before".
func (p *planning) remindOf(c clause, toks []token) (*step, error) {
	toks = dropTo(toks)
	end := 0
	for end < len(toks) && toks[end].is("for", "on", "task", "number", "#", "about", "the") {
		end++
	}
	if end >= len(toks) || toks[end].kind != mentionToken && (toks[end].kind != numberToken || end == 0 || !toks[end-1].is("task", "number")) {
		return nil, nil
	}
	rest := trimMarks(toks[end+1:])
	v := func(at string) verb { return changing(changeArgs{Reminders: []string{at}}, "remind you of") }
	if n := len(rest); n > 1 && rest[n-1].is("before", "ahead", "earlier") {
		if lead, ok := phrase.ParseDuration(source(c.text, rest[:n-1])); ok {
			return p.apply(c, toks[:end+1], v(tandem.FormatDuration(lead)))
		}
	}
	w, _, ok := phrase.ParseDue(source(c.text, rest), p.now, p.zone, p.options)
	if !ok {
		return nil, ask("When shall I remind you?")
	}
	return p.apply(c, toks[:end+1], v(dueText(w)))
}

// wake turns an alarm, which there is none of, into a question about a task with a reminder.
func (p *planning) wake(c clause, toks []token) (*step, error) {
	title := "Alarm"
	if toks[0].is("wake", "get") || slices.ContainsFunc(toks, func(t token) bool { return t.is("wake") }) {
		title = "Wake up"
	}
	d := p.draft(source(c.text, toks), true)
	if d.Due == "" {
		return nil, ask("I have no alarms, but I can remind you of a task. When shall I?")
	}
	d.Title = title
	return nil, confirmAdd(d, false)
}

// addNew adds tasks by words that speak of the list: "add milk to my list", "new task: call mom", "put flour on the list".
func (p *planning) addNew(c clause) (*step, error) {
	toks := c.toks
	if c.question && !c.polite && english.question.start(toks) > 0 {
		return nil, nil
	}
	place, listed := destination(toks)
	if n := english.newTask.start(toks); n > 0 {
		return p.newTasks(c, listless(toks[n:]), false, true)
	}
	if n := english.note.start(toks); n > 0 && n < len(toks) {
		return p.newTasks(c, listless(toks[n:]), false, false)
	}
	if n := english.keep.start(toks); n > 0 {
		if s, err := p.keepOn(c, toks, n, listed && place.onto()); s != nil || err != nil {
			return s, err
		}
	}
	if n := english.listShould.start(toks); n > 0 && n < len(toks) {
		return p.newTasks(c, toks[n:], false, true)
	}
	if listed && place.from == 0 && place.to < len(toks) {
		if rest := trimMarks(toks[place.to:]); english.keep.start(rest) > 0 {
			return p.newTasks(c, rest[english.keep.start(rest):], false, true)
		}
	}
	if listed && place.onto() {
		if s, err := p.wanted(c, toks, place); s != nil || err != nil {
			return s, err
		}
	}
	return p.scheduled(c)
}

// keepOn reads "add X", with a list or without one.
func (p *planning) keepOn(c clause, toks []token, n int, listed bool) (*step, error) {
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
	object := lex(p.object)
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
func (p *planning) wanted(c clause, toks []token, place listPlace) (*step, error) {
	if english.question.start(toks) > 0 {
		return nil, nil
	}
	rest := listless(toks)
	if n := english.wants.start(rest); n > 0 && n < len(rest) {
		if rest, _ = cutTail(rest[n:], compileAdded); !plainThing(rest) {
			return nil, nil
		}
		return p.newTasks(c, rest, false, true)
	}
	if head, ok := cutTail(rest, compileBelongs); ok && plainThing(head) {
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

var (
	compileAdded   = compileAll("added|put\nto be added|put|on\nto go|be")
	compileBelongs = compileAll("needs|should|must|has|have|ought to? go|be|come added|put?\ngoes|belongs")
)

// scheduled reads an appointment to be made: "schedule a lunch with Brent on wednesday at noon". Rooms, tables and tickets are
// somebody else's.
func (p *planning) scheduled(c clause) (*step, error) {
	n := english.schedule.start(c.toks)
	if n == 0 || n >= len(c.toks) {
		return nil, nil
	}
	rest := listless(c.toks[n:])
	event := slices.IndexFunc(rest, func(t token) bool { return t.in(english.meetings) })
	if event < 0 || event > 5 || foreign(rest, false) {
		return nil, nil
	}
	if english.wants.start(c.toks) > 0 && !slices.ContainsFunc(rest, func(t token) bool { return t.is("meeting", "appointment", "event") }) {
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
	if len(words) == 0 || !named {
		return ask("What shall the task be called?")
	}
	if d.unsettled != "" {
		return ask("I cannot tell the date of " + quote(d.Title) + ": " + d.unsettled + ". When is it due?")
	}
	return nil
}

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
	toks := lex(d.Title)
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

// draft reads one new task.
func (p *planning) draft(text string, remind bool) addArgs {
	text, notes := splitNotes(text)
	source := text
	if remind && english.remind.start(lex(text)) == 0 {
		source = "remind me to " + text
	}
	r := phrase.Parse(source, p.now, p.zone, p.options)
	d := addArgs{
		Title: titleOf(r.Title), Description: notes, Priority: r.Priority, Tags: r.Tags, Reminders: reminders(r),
		past: r.Past, unsettled: r.Ambiguous,
	}
	if r.Due != nil {
		d.Due = dueText(*r.Due)
	}
	if r.Recurrence != nil {
		d.Recurrence = r.Recurrence.Rule
		if r.Recurrence.From == phrase.FromCompletion {
			d.RepeatFrom = r.Recurrence.From
		}
	}
	return d.fit()
}

// reminders writes the reminders that the words ask for.
func reminders(r phrase.Result) []string {
	var out []string
	for _, one := range r.Reminders {
		if one.At != nil {
			out = append(out, dueText(*one.At))
			continue
		}
		out = append(out, tandem.FormatDuration(one.Before))
	}
	return out
}

// splitNotes cuts off "with the note …".
func splitNotes(text string) (rest, notes string) {
	toks := lex(text)
	for i := 1; i < len(toks); i++ {
		end := english.notes.at(toks, i)
		if end == 0 || end >= len(toks) {
			continue
		}
		tail := toks[end:]
		if len(tail) == 1 && tail[0].kind == quoteToken {
			return source(text, toks[:i]), tail[0].word
		}
		return source(text, toks[:i]), source(text, tail)
	}
	return text, ""
}

// fit moves what a title cannot hold into the notes.
func (d addArgs) fit() addArgs {
	if utf8.RuneCountInString(d.Title) <= tandem.MaxTitle {
		return d
	}
	whole := []rune(d.Title)
	d.Description = strings.TrimSpace(string(whole[:min(len(whole), tandem.MaxDescription)]))
	cut := string(whole[:tandem.MaxTitle-1])
	if at := strings.LastIndexByte(cut, ' '); at > 0 {
		cut = cut[:at]
	}
	d.Title = cut + "…"
	return d
}

// titleOf makes a title of what is left of the words: without what joined it to the rest, and with a capital letter. What was
// quoted is left as it is.
func titleOf(text string) string {
	text = strings.TrimSpace(text)
	if q := phrase.Quoted(text); len(q) == 1 && q[0].Start == 0 && q[0].End == units(text) {
		return strings.TrimSpace(q[0].Text)
	}
	text = strings.TrimRight(strings.TrimLeft(text, " ,;:.-–—"), " ,;:.-–—")
	for {
		rest := trimFrame(text)
		if rest == text || rest == "" {
			break
		}
		text = rest
	}
	r, size := utf8.DecodeRuneInString(text)
	return string(unicode.ToUpper(r)) + text[min(size, len(text)):]
}

// trimFrame drops a leading "to", and a copula that lost its date.
func trimFrame(text string) string {
	lower := strings.ToLower(text)
	for _, lead := range []string{"to ", "that ", "about ", "of ", "a ", "an "} {
		if strings.HasPrefix(lower, lead) {
			return strings.TrimSpace(text[len(lead):])
		}
	}
	for _, end := range []string{" is", " are", " is due", " please", " for me", " to", " also"} {
		if strings.HasSuffix(lower, end) {
			return strings.TrimSpace(text[:len(text)-len(end)])
		}
	}
	return text
}

// offer asks whether something is meant as a task.
func (p *planning) offer(c clause) *question {
	d := p.draft(c.source(), false)
	if unclear(d) != nil || d.Title == "" {
		q := ask("What shall I add?")
		q.weak = true
		return q
	}
	return confirmAdd(d, true)
}

// confirmAdd asks before a task is added.
func confirmAdd(d addArgs, weak bool) *question {
	text := "Add " + quote(d.Title) + sayDraftDue(d) + " as a task?"
	if d.past {
		text = "That day has passed. " + text
	}
	d.OnDuplicate = "ask"
	return &question{tool: addTask, args: d, text: text, weak: weak}
}
