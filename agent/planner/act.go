package planner

import (
	"iter"
	"slices"

	"tandem"
)

// talk answers greetings, thanks and answers to questions that nobody asked.
func (p *planning) talk(c clause) (*step, error) {
	if len(c.toks) > maxTalk || destinationIn(c.toks) {
		return nil, nil
	}
	for _, toks := range [][]token{c.toks, withoutAddress(c.toks), c.bare().toks} {
		for _, kind := range smallTalk {
			if kind.in(toks) {
				return &step{say: kind.reply, weak: true}, nil
			}
		}
	}
	return nil, nil
}

// in reports that the utterance is all there is, or, where it need not be, how it begins. "no, that is wrong" is two of a kind.
func (u utterance) in(toks []token) bool {
	if !u.exact && u.words.start(toks) > 0 {
		return true
	}
	return len(toks) > 0 && all(slices.Collect(phrases(toks)), u.words.whole)
}

// phrases gives what stands between commas.
func phrases(toks []token) iter.Seq[[]token] {
	return func(yield func([]token) bool) {
		start := 0
		for i := 0; i <= len(toks); i++ {
			if i < len(toks) && !toks[i].is(",") {
				continue
			}
			if i > start && !yield(toks[start:i]) {
				return
			}
			start = i + 1
		}
	}
}

// maxTalk bounds the words of small talk.
const maxTalk = 14

func destinationIn(toks []token) bool {
	_, ok := destination(toks)
	return ok
}

// utterance is something to say that asks for nothing, with its answer. An exact one must be all that was said.
type utterance struct {
	words patterns
	exact bool
	reply string
}

var smallTalk = []utterance{
	{english.help, true, replyHelp},
	{english.greeting, true, replyHello},
	{english.thanks, false, replyWelcome},
	{english.farewell, false, replyBye},
	{english.wellbeing, false, replyFine},
	{english.again, true, replyAgain},
	{english.doubt, true, replyDoubt},
	{english.calm, true, replyNothingPending},
	{english.refusal, true, replyNothingPending},
	{english.approval, true, replyNothingPending},
	{english.regret, true, replyUndoHint},
}

// takeBack undoes the last turn.
func (p *planning) takeBack(c clause) (*step, error) {
	n := english.undo.start(c.toks)
	if n == 0 || len(c.toks) > maxTalk {
		return nil, nil
	}
	rest := c.toks[n:]
	for _, t := range rest {
		if !t.is("it", "that", "this", "the", "last", "my", "change", "changes", "action", "thing", "what", "you", "did", "just", "one", "again", "please", "turn", "everything", "all", "of", "operation", "edit", "deletion", "delete", "add", "i") {
			return nil, nil
		}
	}
	return &step{writes: []call{{updateTask, changeArgs{Undo: "last"}}}}, nil
}

// simple makes a verb of complete_task or delete_task.
func completing(args completeArgs, status, second, doing string) verb {
	return verb{completeTask, func(w which) any { args.which = w; return args }, status, second, false, doing}
}

func deleting(args deleteArgs) verb {
	return verb{deleteTask, func(w which) any { args.which = w; return args }, "pending", "completed", true, "delete"}
}

func changing(args changeArgs, doing string) verb {
	return verb{updateTask, func(w which) any { args.which = w; return args }, "pending", "completed", false, doing}
}

// apply resolves the words that name tasks and makes the call. Words that name nothing are a question.
func (p *planning) apply(c clause, toks []token, v verb) (*step, error) {
	r, ok := p.refer(c.text, toks)
	if !ok && p.instead == nil {
		return nil, ask("Which task shall I %s?", term(v.doing))
	}
	return p.applyTo(r, v)
}

func (p *planning) applyTo(r reference, v verb) (*step, error) {
	t, err := p.resolve(r, v)
	if err != nil {
		return nil, err
	}
	return v.step(t), nil
}

// complete marks tasks as done: "complete 3", "mark the report as done", "I'm done with the report", "the report is done".
func (p *planning) complete(c clause) (*step, error) {
	toks := c.toks
	v := completing(completeArgs{}, "pending", "", "complete")
	if n := english.doneWith.start(toks); n > 0 && n < len(toks) && !c.question {
		return p.claimed(c, toks[n:], v)
	}
	if n := english.mark.start(toks); n > 0 {
		if head, ok := cutTail(toks[n:], english.completeTail); ok {
			return p.apply(c, head, v)
		}
	}
	if n := english.complete.start(toks); n > 0 {
		head, _ := cutTail(toks[n:], english.completeTail)
		if at, ok := destination(head); ok && at.prep == "off" {
			head = slices.Concat(head[:at.from], head[at.to:])
		}
		if n < len(toks) && toks[n-1].is("off") || len(head) > 0 && head[len(head)-1].is("off") {
			head = dropLast(head, "off")
		}
		return p.finish(c, head, v)
	}
	if head, ok := cutTail(toks, english.done); ok && !c.question && english.question.start(toks) == 0 {
		return p.claimed(c, head, v)
	}
	return nil, nil
}

func dropLast(toks []token, word string) []token {
	if n := len(toks); n > 0 && toks[n-1].is(word) {
		return toks[:n-1]
	}
	return toks
}

// finish is for a verb that may also begin a new task: "finish the report by friday". What names no task is asked for.
func (p *planning) finish(c clause, toks []token, v verb) (*step, error) {
	if foreign(toks, false) {
		return nil, nil
	}
	s, err := p.apply(c, toks, v)
	if english.errand.start(c.toks) > 0 {
		return unlessUnknown(s, err)
	}
	return s, err
}

// claimed is for a statement that something is done: it counts when it names a task, and is small talk otherwise.
func (p *planning) claimed(c clause, toks []token, v verb) (*step, error) {
	r, ok := p.refer(c.text, toks)
	if !ok {
		return nil, nil
	}
	return p.applyTo(r, v)
}

// cutTail gives the tokens before a match that ends the clause.
func cutTail(toks []token, tail patterns) ([]token, bool) {
	for i := 1; i < len(toks); i++ {
		if end := tail.at(toks, i); end > 0 && onlyMarks(toks[end:]) {
			return toks[:i], true
		}
	}
	return toks, false
}

// reopen opens done tasks again.
func (p *planning) reopen(c clause) (*step, error) {
	v := completing(completeArgs{Undo: true}, "completed", "", "reopen")
	if n := english.reopen.start(c.toks); n > 0 {
		return p.apply(c, c.toks[n:], v)
	}
	if c.question || english.question.start(c.toks) > 0 {
		return nil, nil
	}
	head, ok := cutTail(c.toks, english.reopenTail)
	if !ok {
		return nil, nil
	}
	if n := english.mark.start(head); n > 0 {
		head = head[n:]
	}
	if len(head) == 0 {
		return nil, nil
	}
	return p.apply(c, head, v)
}

// restore takes tasks out of the trash.
func (p *planning) restore(c clause) (*step, error) {
	n := english.restore.start(c.toks)
	if n == 0 || foreign(c.toks, false) {
		return nil, nil
	}
	v := changing(changeArgs{Restore: true}, "restore")
	v.status, v.second = "deleted", ""
	return p.apply(c, c.toks[n:], v)
}

// snooze puts a task to sleep for a while; an hour when nothing is said.
func (p *planning) snooze(c clause) (*step, error) {
	toks := c.toks
	if n := english.skip.start(toks); n > 0 && n < len(toks) && !c.polite && !medial(toks[n:]) {
		head, _ := cutTail(toks[n:], english.thisTime)
		return p.apply(c, head, completing(completeArgs{Skip: true}, "pending", "", "skip"))
	}
	n := english.snooze.start(toks)
	if n == 0 {
		return nil, nil
	}
	head, until := toks[n:], "1h"
	if n == len(toks) {
		head = []token{{kind: wordToken, word: "it"}}
	}
	if h, when, ok := p.splitWhen(c.text, toks[n-1:]); ok {
		head = h[1:]
		until, _ = p.move(when, false)
		if len(head) == 0 {
			head = []token{{kind: wordToken, word: "it"}}
		}
	}
	return p.apply(c, head, changing(changeArgs{Snooze: until}, "snooze"))
}

// medial reports words of music and video, for which "skip" means another thing.
func medial(toks []token) bool {
	return slices.ContainsFunc(toks, func(t token) bool {
		return t.is("song", "songs", "track", "tracks", "episode", "video", "chapter", "ad", "ads", "music", "section")
	})
}

// remove deletes tasks: "delete the meeting task", "take milk off my list", "I don't need the eggs any more".
func (p *planning) remove(c clause) (*step, error) {
	toks := c.toks
	if c.question && !c.polite {
		return nil, nil
	}
	if n := english.unremind.start(toks); n > 0 && n < len(toks) {
		return p.apply(c, toks[n:], changing(changeArgs{Clear: []string{"reminders"}}, "leave alone"))
	}
	if english.never.start(toks) > 0 && english.noLonger.start(toks) == 0 {
		return &step{say: replyLeft, weak: true}, nil
	}
	place, listed := destination(toks)
	if listed && place.from == 0 && place.to < len(toks) { // "on my list, remove eggs"
		toks = trimMarks(toks[place.to:])
	}
	object, ok := removed(toks, listed && !place.onto())
	switch {
	case !ok:
		return p.unneeded(c, toks)
	case foreign(object, listed):
		return &step{say: replyRefuse, weak: true, refuse: true}, nil
	}
	s, err := p.removeNamed(c, object)
	if _, _, dated := p.splitWhen(c.text, toks); dated && unknown(err) && toks[0].is("drop", "trash", "bin", "dump", "clean", "wipe", "clear", "throw", "empty") && !listed {
		return nil, nil // "drop the car off on friday" is an errand
	}
	return s, err
}

// removed gives what a command to delete is about; off says that the words take something from a list.
func removed(toks []token, off bool) (object []token, ok bool) {
	if n := english.wants.start(toks); n > 0 && n < len(toks) {
		if head, ok := cutTail(toks[n:], english.removedTail); ok && (destinationIn(toks) || english.remindNoun(head) || listNamed(head)) {
			return head, true
		}
	}
	n := english.remove.start(toks)
	if n > 0 {
		for n < len(toks) && toks[n].is("out", "off", "down") {
			n++
		}
		return toks[n:], true
	}
	if english.takeOff.start(toks) == 0 || len(toks) < 2 || toks[0].is("get") && !off {
		return nil, false
	}
	switch last := toks[len(toks)-1]; {
	case off:
		return toks[1:], true
	case last.is("off"):
		return toks[1 : len(toks)-1], true
	case pointsAt(toks[1]) && len(toks) > 2 && toks[2].is("off"):
		return toks[1:2], true
	}
	return nil, false
}

func pointsAt(t token) bool { return t.in(english.it) || t.in(english.them) }

// listNamed reports words that are nothing but the list.
func listNamed(toks []token) bool {
	at, ok := listAt(toks, 0)
	return ok && at.to == len(toks)
}

// foreign reports an object that is none of the list's: "cancel whisper mode". A list or a task in the words says otherwise.
func foreign(toks []token, listed bool) bool {
	if listed || slices.ContainsFunc(toks, func(t token) bool { return t.in(english.taskNouns) }) {
		return false
	}
	return slices.ContainsFunc(toks, func(t token) bool { return t.in(english.foreign) })
}

func (p *planning) removeNamed(c clause, toks []token) (*step, error) {
	scope := ""
	if head, ok := cutTail(toks, english.wholeSeries); ok {
		toks, scope = head, "series"
	}
	if n := english.wholeSeries.start(toks); n > 0 {
		toks, scope = toks[n:], "series"
	}
	v := deleting(deleteArgs{Scope: scope})
	if p.object != "" && len(p.mentioned) == 0 && pronoun(toks) {
		return p.apply(clause{text: p.object, toks: p.lex(p.object)}, p.lex(p.object), v)
	}
	return p.apply(c, toks, v)
}

// pronoun reports words that only point at what was spoken of.
func pronoun(toks []token) bool {
	for _, t := range withoutPlace(toks) {
		if !t.in(english.it) && !t.in(english.them) && !t.is("to", ",") {
			return false
		}
	}
	return len(toks) > 0
}

func withoutPlace(toks []token) []token {
	if at, ok := destination(toks); ok {
		return slices.Concat(toks[:at.from], toks[at.to:])
	}
	return toks
}

// unneeded reads "I don't need milk any more"; the next clause may say what to do about it.
func (p *planning) unneeded(c clause, toks []token) (*step, error) {
	n := english.noLonger.start(toks)
	if n == 0 || n >= len(toks) {
		return nil, nil
	}
	head, gone := cutTail(toks[n:], english.anymore)
	if _, listed := destination(toks); !gone && !listed {
		return nil, nil
	}
	if _, listed := destination(toks); listed {
		return p.apply(c, trimTo(head), deleting(deleteArgs{}))
	}
	q := ask("Which task shall I delete, if any?")
	q.weak = true
	return nil, q
}

func trimTo(toks []token) []token {
	for len(toks) > 1 && toks[0].is("to", "the") {
		toks = toks[1:]
	}
	return toks
}

// object gives what a clause that asked for nothing spoke of: "I need eggs", "is milk on my list".
func (c clause) object() string {
	toks := c.bare().toks
	for _, ps := range []patterns{english.noLonger, english.need, english.wants, english.holds} {
		if n := ps.start(toks); n > 0 && n < len(toks) {
			head, _ := cutTail(toks[n:], english.anymore)
			return source(c.text, withoutPlace(head))
		}
	}
	return ""
}

// candidateOf gives the newest task of the conversation.
func (p *planning) newest() (tandem.Candidate, bool) {
	if len(p.focus) == 0 {
		return tandem.Candidate{}, false
	}
	return p.focus[0], true
}
