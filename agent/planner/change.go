package planner

import (
	"errors"
	"slices"
	"strings"

	"tandem/agent/phrase"
)

// change amends tasks: their name, date, priority, tags, notes or repetition.
func (p *planning) change(c clause) (*step, error) {
	if c.question && !c.polite || english.newTask.start(c.toks) > 1 && c.toks[1].is("a", "an", "another", "new") {
		return nil, nil
	}
	for _, read := range []func(*planning, clause) (*step, error){
		(*planning).stopRepeat, (*planning).clear, (*planning).tag, (*planning).annotate, (*planning).rename, (*planning).prioritise,
		(*planning).dueOf, (*planning).repeat, (*planning).reschedule, (*planning).edit, (*planning).become,
	} {
		if s, err := read(p, c); s != nil || err != nil {
			return s, err
		}
	}
	return nil, nil
}

// stopRepeat ends a repetition and keeps the task: "stop repeating the report".
func (p *planning) stopRepeat(c clause) (*step, error) {
	n := english.stopRepeat.start(c.toks)
	if n == 0 || n >= len(c.toks) {
		return nil, nil
	}
	return p.apply(c, c.toks[n:], changing(changeArgs{Clear: []string{"recurrence"}}, "stop repeating"))
}

// clearable maps words to the fields that can be emptied.
var clearable = map[string]string{
	"due": "due", "deadline": "due", "date": "due", "time": "due", "description": "description", "note": "description", "notes": "description",
	"reminder": "reminders", "reminders": "reminders", "priority": "priority", "tags": "tags", "labels": "tags",
}

// clear empties a field: "remove the due date from task 3".
func (p *planning) clear(c clause) (*step, error) {
	n := english.clearField.start(c.toks)
	if n == 0 || n >= len(c.toks) {
		return nil, nil
	}
	field := ""
	for _, t := range c.toks[1:n] {
		if f, ok := clearable[t.word]; ok && field == "" {
			field = f
		}
	}
	if field == "" {
		return nil, nil
	}
	return p.apply(c, c.toks[n:], changing(changeArgs{Clear: []string{field}}, "change"))
}

// tag puts tags on tasks or takes them off: "tag task 3 as work", "add #work to the report", "remove the tag work from it".
func (p *planning) tag(c clause) (*step, error) {
	toks := c.toks
	if n := english.tagOff.start(toks); n > 0 && n < len(toks) {
		return p.tagged(c, toks[n:], []string{"from", "off", "on"}, func(tags []string) changeArgs { return changeArgs{TagsRemove: tags} })
	}
	adding := func(tags []string) changeArgs { return changeArgs{TagsAdd: tags} }
	if n := english.tagOn.start(toks); n > 0 && n < len(toks) {
		return p.tagged(c, toks[n:], []string{"to", "on"}, adding)
	}
	if n := english.tagAs.start(toks); n > 0 && n < len(toks) {
		return p.taggedAs(c, toks[n:], adding)
	}
	if toks[0].is("add", "put") && len(toks) > 1 && toks[1].kind == tagToken {
		return p.tagged(c, toks[1:], []string{"to", "on"}, adding)
	}
	if toks[0].is("remove", "delete", "drop") && len(toks) > 1 && toks[1].kind == tagToken {
		return p.tagged(c, toks[1:], []string{"from", "off"}, func(tags []string) changeArgs { return changeArgs{TagsRemove: tags} })
	}
	return nil, nil
}

// tagged reads tags, then a preposition, then tasks.
func (p *planning) tagged(c clause, toks []token, preps []string, with func([]string) changeArgs) (*step, error) {
	at := slices.IndexFunc(toks, func(t token) bool { return t.is(preps...) })
	if at < 1 || at+1 >= len(toks) {
		return nil, nil
	}
	tags := tagList(c.text, toks[:at])
	if len(tags) == 0 {
		return nil, nil
	}
	return p.apply(c, toks[at+1:], changing(with(tags), "tag"))
}

// taggedAs reads tasks, then "as" or "with", then tags.
func (p *planning) taggedAs(c clause, toks []token, with func([]string) changeArgs) (*step, error) {
	at := slices.IndexFunc(toks, func(t token) bool { return t.is("as", "with") || t.kind == tagToken })
	if at < 1 {
		return nil, nil
	}
	tags := tagList(c.text, toks[at:])
	if len(tags) == 0 {
		return nil, nil
	}
	return p.apply(c, toks[:at], changing(with(tags), "tag"))
}

func tagList(text string, toks []token) []string {
	var out []string
	for _, t := range toks {
		if tagLike(t) && !t.is("as", "with", "and", "the", "a", "tag", "tags", "label", "labels") {
			out = append(out, tagText(text, t))
		}
	}
	return out
}

// annotate writes notes: "add a note to task 3: ask for the invoice".
func (p *planning) annotate(c clause) (*step, error) {
	toks := c.toks
	v := func(notes string) verb { return changing(changeArgs{Description: notes}, "add the note to") }
	if n := english.noteOn.start(toks); n > 0 && n < len(toks) && noteNoun(toks[:n]) {
		head, notes := splitContent(c.text, toks[n:])
		if notes == "" {
			return nil, nil
		}
		return p.apply(c, head, v(notes))
	}
	if toks[0].is("add", "put", "write") && len(toks) > 2 {
		return p.noteLast(c, toks[1:], v)
	}
	if n := english.describe.start(toks); n > 0 && n < len(toks) {
		head, notes := splitContent(c.text, toks[n:])
		if notes == "" {
			return nil, nil
		}
		return p.apply(c, head, changing(changeArgs{Description: notes}, "describe"))
	}
	return nil, nil
}

// noteLast reads "add the note 'ask Ann' to task 3".
func (p *planning) noteLast(c clause, toks []token, v func(string) verb) (*step, error) {
	n := 0
	for n < len(toks) && (toks[n].in(english.determiners) || toks[n].is("note", "notes", "comment", "description")) {
		n++
	}
	if n == 0 || !noteNoun(toks[:n]) {
		return nil, nil
	}
	for i := len(toks) - 2; i > n; i-- {
		if !toks[i].is("to", "on") {
			continue
		}
		return p.apply(c, toks[i+1:], v(contentText(c.text, toks[n:i])))
	}
	return nil, nil
}

func noteNoun(toks []token) bool {
	return slices.ContainsFunc(toks, func(t token) bool { return t.is("note", "notes", "comment", "description", "details") })
}

// splitContent cuts a reference from the new text behind it: at a colon, a quotation, or "to", "saying", "that".
func splitContent(text string, toks []token) (head []token, content string) {
	for i := 1; i < len(toks); i++ {
		t := toks[i]
		if t.kind == quoteToken && i+1 == len(toks) {
			return trimJoin(toks[:i]), t.word
		}
		if (t.is(":", "to", "saying", "as", "into") || t.is("that") && i > 1) && i+1 < len(toks) {
			return trimJoin(toks[:i]), contentText(text, toks[i+1:])
		}
	}
	return toks, ""
}

func trimJoin(toks []token) []token {
	for len(toks) > 1 && toks[len(toks)-1].is("to", ":", "as", "saying", "into", ",", "with", "that", "says") {
		toks = toks[:len(toks)-1]
	}
	return toks
}

// contentText gives words that are taken as they are: a quotation without its marks.
func contentText(text string, toks []token) string {
	toks = trimMarks(toks)
	if len(toks) == 1 && toks[0].kind == quoteToken {
		return toks[0].word
	}
	return strings.TrimSpace(source(text, toks))
}

// rename gives a new name: "rename the report to 'Final report'", "change the title of task 3 to X".
func (p *planning) rename(c clause) (*step, error) {
	n := english.rename.start(c.toks)
	if n == 0 {
		n = english.retitle.start(c.toks)
	}
	if n == 0 || n >= len(c.toks) {
		return nil, nil
	}
	head, title := splitContent(c.text, c.toks[n:])
	if title == "" {
		return nil, ask("What shall the new title be?")
	}
	return p.apply(c, head, changing(changeArgs{Title: named(c.toks, title)}, "rename"))
}

// prioritise sets a priority: "make task 3 urgent", "set the priority of the report to high", "prioritize the report".
func (p *planning) prioritise(c clause) (*step, error) {
	toks := c.toks
	for level, ps := range map[string]patterns{"high": english.raise, "low": english.lower} {
		if n := ps.start(toks); n > 0 && n < len(toks) {
			return p.apply(c, toks[n:], changing(changeArgs{Priority: level}, "change"))
		}
	}
	if n := english.levelOf.start(toks); n > 0 && n < len(toks) {
		head, level := splitLevel(toks[n:])
		switch {
		case level == "" && toks[0].is("raise", "increase", "bump"):
			level = "high"
		case level == "" && toks[0].is("lower", "decrease"):
			level = "low"
		case level == "":
			return nil, ask("Which priority: low, medium, high or urgent?")
		}
		return p.apply(c, head, changing(changeArgs{Priority: level}, "change"))
	}
	n := english.setAs.start(toks)
	if n == 0 || n >= len(toks) {
		return nil, nil
	}
	head, level := splitLevel(toks[n:])
	if level == "" || len(head) == 0 {
		return nil, nil
	}
	return p.apply(c, head, changing(changeArgs{Priority: level}, "change"))
}

// splitLevel cuts a priority off the end.
func splitLevel(toks []token) (head []token, level string) {
	for i := 1; i < len(toks); i++ {
		end := english.levelEnd.at(toks, i)
		if end == 0 || !onlyMarks(toks[end:]) {
			continue
		}
		for _, t := range toks[i:end] {
			if l, ok := levelNames[t.word]; ok {
				level = l
			}
		}
		return toks[:i], level
	}
	return toks, ""
}

// dueOf sets a due date by its name: "change the due date of task 3 to friday", "make the report due tomorrow".
func (p *planning) dueOf(c clause) (*step, error) {
	toks := c.toks
	n := english.dueDate.start(toks)
	if n == 0 {
		n = english.setAs.start(toks)
		if n == 0 || !slices.ContainsFunc(toks[n:], func(t token) bool { return t.is("due") }) {
			return nil, nil
		}
	}
	if n >= len(toks) {
		return nil, nil
	}
	head, when, ok := p.splitWhen(c.text, toks[n-1:])
	if !ok {
		return nil, ask("When shall it be due?")
	}
	return p.moved(c, trimDue(head[1:]), when, false)
}

func trimDue(toks []token) []token {
	for len(toks) > 0 && toks[len(toks)-1].is("due", "to", "be", "as", "by", "for", "on", "is") {
		toks = toks[:len(toks)-1]
	}
	return toks
}

// moved moves due dates; without a task the newest one is meant.
func (p *planning) moved(c clause, toks []token, when string, back bool) (*step, error) {
	to, ok := p.move(when, back)
	if !ok {
		return nil, ask("When shall it be due?")
	}
	v := changing(changeArgs{MoveDue: to}, "move")
	if len(toks) == 0 {
		return p.applyTo(reference{it: true}, v)
	}
	return p.apply(c, toks, v)
}

// repeat makes tasks repeat: "repeat the report every monday", "make task 3 weekly".
func (p *planning) repeat(c clause) (*step, error) {
	toks := c.toks
	n := english.repeatVerb.start(toks)
	if n == 0 || n >= len(toks) || medial(toks[n:]) {
		return nil, nil
	}
	for i := n + 1; i < len(toks); i++ {
		words := source(c.text, toks[i:])
		if !repeats(toks[i]) && (!toks[i].is("all") || toks[i].own == "") && !toks[i-1].is("repeat", "recur") {
			continue // a weekday alone is a date
		}
		r, _, ok := phrase.ParseRecurrence(words, p.now, p.zone, p.options)
		if !ok {
			continue
		}
		args := changeArgs{Recurrence: r.Rule}
		if r.From == phrase.FromCompletion {
			args.RepeatFrom = r.From
		}
		head := toks[n:i]
		for len(head) > 1 && head[len(head)-1].is("repeat", "recur", "happen", "to", "be", "a", "as", "recurring", "repeating") {
			head = head[:len(head)-1]
		}
		return p.apply(c, head, changing(args, "change"))
	}
	if slices.ContainsFunc(toks, func(t token) bool { return t.is("repeat", "recur", "repeating", "recurring") }) {
		return nil, ask("How often shall it repeat?")
	}
	return nil, nil
}

// repeats reports a word that begins a repetition.
func repeats(t token) bool {
	return t.in(english.frequencies) || t.is("every", "each", "everyday", "annually", "fortnightly", "once", "twice")
}

// reschedule moves due dates: "postpone the report to friday", "push it back a week", "bring the dentist forward by a day".
func (p *planning) reschedule(c clause) (*step, error) {
	toks := c.toks
	n := english.move.start(toks)
	if n == 0 || n >= len(toks) || medial(toks[n:]) || english.generic[toks[n].word] && toks[n].is("on") {
		return nil, nil
	}
	back := english.earlier.start(toks) > 0
	head, when, ok := p.splitWhen(c.text, toks[n-1:])
	if !ok {
		return p.unmoved(c, toks, n)
	}
	head, sooner, torn := direction(head[1:])
	if torn && !toks[0].is("bring", "pull") {
		return nil, ask("Shall it be earlier or later?")
	}
	sooner = sooner || torn
	return p.moved(c, head, when, back || sooner)
}

// direction takes "forward" and "back" off the end. Forward alone is torn: it means earlier to some and later to others.
func direction(toks []token) (head []token, sooner, torn bool) {
	for len(toks) > 0 {
		switch last := toks[len(toks)-1]; {
		case last.is("earlier", "sooner", "up"):
			sooner = true
		case last.is("forward"):
			torn = true
		case last.is("back", "out", "off", "later", "to", "by", "until", "for"):
		default:
			return toks, sooner, torn
		}
		toks = toks[:len(toks)-1]
	}
	return toks, sooner, torn
}

// unmoved asks where to; a verb that has other meanings is left to the rules behind.
func (p *planning) unmoved(c clause, toks []token, n int) (*step, error) {
	if !toks[0].is("reschedule", "postpone", "delay", "defer") {
		return nil, nil
	}
	if _, ok := p.refer(c.text, toks[n:]); !ok {
		return nil, ask("Which task shall I move, and to when?")
	}
	return nil, ask("When shall it be due?")
}

// edit is the verb that may mean any field: "change task 1 to 'Call mom tonight'". What is quoted is a title; what is a date
// moves the task; a priority is one; the rest is a title.
func (p *planning) edit(c clause) (*step, error) {
	toks := c.toks
	n := english.edit.start(toks)
	if n == 0 || n >= len(toks) {
		return nil, nil
	}
	rest := toks[n:]
	known := taskNamed(rest)
	if s, err := p.setTo(c, toks, n); s != nil || err != nil {
		return s, err
	}
	if last := rest[len(rest)-1]; last.kind != quoteToken {
		if head, when, ok := p.splitWhen(c.text, toks[n-1:]); ok && len(head) > 1 {
			if r, ok := p.refer(c.text, head[1:]); ok && (known || toks[0].is("change", "update")) && p.ours(r) {
				return p.moved(c, trimDue(head[1:]), when, false)
			}
		}
	}
	if !known && rest[len(rest)-1].kind != quoteToken || toks[0].is("schedule", "plan") {
		return nil, nil
	}
	head, title := splitContent(c.text, rest)
	if title == "" {
		if !known {
			return nil, nil
		}
		return nil, ask("What shall I change about it?")
	}
	return p.apply(c, head, changing(changeArgs{Title: named(c.toks, title)}, "change"))
}

// setTo reads "set call mom to tomorrow", "schedule task 1 for friday". What is no task that is there is left to the rules for
// new ones; an article says that it is new.
func (p *planning) setTo(c clause, toks []token, n int) (*step, error) {
	if !toks[0].is("set", "schedule", "plan") || toks[n].is("a", "an", "another", "new", "up", "me") || foreign(toks, false) {
		return nil, nil
	}
	head, when, ok := p.splitWhen(c.text, toks[n-1:])
	if !ok || len(head) < 2 {
		return nil, nil
	}
	to, _ := p.move(when, false)
	v := changing(changeArgs{MoveDue: to}, "move")
	v.sure, v.second = true, ""
	s, err := p.apply(c, trimDue(head[1:]), v)
	if err == nil || errors.Is(err, errUnread) {
		return s, err
	}
	return nil, nil
}

// named gives a new title; a quoted one stays as it is.
func named(toks []token, title string) string {
	if toks[len(toks)-1].kind == quoteToken {
		return title
	}
	return titleOf(title)
}

// ours reports a reference that can only mean a task: by number, pronoun or place, or with the word task.
func (p *planning) ours(r reference) bool {
	return len(r.numbers) > 0 || r.it || r.them || r.ordinal != 0 || len(r.words) > 0 && !slices.ContainsFunc(r.words, func(t token) bool { return t.in(english.foreign) })
}

// taskNamed reports words that say that a task is meant: "task 3", "the dentist task", "it".
func taskNamed(toks []token) bool {
	if len(taskNumbers(toks)) > 0 {
		return true
	}
	for i, t := range toks {
		if t.kind == mentionToken || t.is("task", "todo", "reminder", "item") {
			return true
		}
		if i == 0 && t.is("it", "that", "this") && len(toks) > 1 && toks[1].is("to", "into", "say", "says") {
			return true
		}
		if t.is("to", ":") {
			return false
		}
	}
	return false
}

// become reads a statement about a task: "the report is due friday", "task 3 is urgent".
func (p *planning) become(c clause) (*step, error) {
	toks := c.toks
	if english.question.start(toks) > 0 || english.wants.start(toks) > 0 {
		return nil, nil
	}
	at := slices.IndexFunc(toks, func(t token) bool { return t.is("is", "are", "should", "isnt", "arent") })
	if at < 1 || at+1 >= len(toks) || !taskNamed(toks[:at]) {
		return nil, nil
	}
	if at+2 < len(toks) && toks[at+1].is("not") || toks[at].is("isnt", "arent") {
		if _, level := splitLevel(toks[at+1:]); level != "" || levelNames[toks[len(toks)-1].word] != "" {
			return nil, ask("Which priority: low, medium, high or urgent?")
		}
		return nil, nil
	}
	if _, level := splitLevel(toks[at:]); level != "" {
		return p.apply(c, toks[:at], changing(changeArgs{Priority: level}, "change"))
	}
	if _, when, ok := p.splitWhen(c.text, toks[at:]); ok {
		return p.moved(c, toks[:at], when, false)
	}
	return nil, nil
}

// correct changes the task that was just made or changed: "no, Friday", "I meant 5 pm", "make it high priority".
func (p *planning) correct(c clause) (*step, error) {
	n := english.correction.start(c.toks)
	if n == 0 || n >= len(c.toks) {
		return nil, nil
	}
	rest := trimMarks(c.toks[n:])
	args, ok := p.amendment(c, rest)
	switch r, pointed := p.refer(c.text, rest); {
	case ok:
	case meant(c.toks) && pointed && (len(r.numbers) > 0 || r.ordinal != 0):
		return nil, ask("What shall I do with it?")
	default:
		return nil, nil
	}
	if _, known := p.newest(); !known && len(p.mentioned) == 0 {
		return &step{say: "There is no task yet that this could change.", weak: true}, nil
	}
	return p.applyTo(reference{it: true}, changing(args, "change"))
}

// amendment reads words that are nothing but a date, a priority, tags or a repetition, or, behind "I meant", a new title.
func (p *planning) amendment(c clause, toks []token) (changeArgs, bool) {
	if len(toks) == 0 {
		return changeArgs{}, false
	}
	text := source(c.text, toks)
	for _, lead := range append([]string{"", "on ", "at ", "for ", "to ", "due "}, p.tongue.leads()...) {
		if to, ok := p.move(strings.TrimPrefix(strings.ToLower(text), lead), false); ok && strings.HasPrefix(strings.ToLower(text), lead) {
			return changeArgs{MoveDue: to}, true
		}
	}
	if r, _, ok := phrase.ParseRecurrence(text, p.now, p.zone, p.options); ok {
		return changeArgs{Recurrence: r.Rule}, true
	}
	r := phrase.Parse(text, p.now, p.zone, p.options)
	if r.Title == "" && (r.Priority != "" || len(r.Tags) > 0 || r.Due != nil) {
		args := changeArgs{Priority: r.Priority, TagsAdd: r.Tags}
		if r.Due != nil {
			args.MoveDue = dueText(*r.Due)
		}
		return args, true
	}
	if len(toks) <= 2 && levelNames[toks[0].word] != "" {
		return changeArgs{Priority: levelNames[toks[0].word]}, true
	}
	if len(taskNumbers(toks)) > 0 || new(reference).readPronoun(toks) {
		return changeArgs{}, false
	}
	if meant(c.toks) && len(toks) <= maxCorrection || len(toks) == 1 && toks[0].kind == quoteToken {
		return changeArgs{Title: titleOf(contentText(c.text, toks))}, true
	}
	return changeArgs{}, false
}

// maxCorrection bounds the words of a corrected title.
const maxCorrection = 8

func meant(toks []token) bool {
	return slices.ContainsFunc(toks[:min(len(toks), 4)], func(t token) bool { return t.is("meant", "mean") })
}
