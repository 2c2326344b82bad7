package planner

import (
	"slices"
	"strings"

	"tandem"
	"tandem/agent"
	"tandem/agent/phrase"
)

// exchange is the turn before this one.
type exchange struct {
	text, reply string
	named       []tandem.Candidate // the tasks of its last result, where that names several
}

// exchangeOf reads the turn that messages end with.
func exchangeOf(messages []agent.Message) exchange {
	var e exchange
	for _, m := range messages {
		switch m.Role {
		case agent.RoleUser:
			e = exchange{text: m.Text}
		case agent.RoleAssistant:
			if m.Text != "" {
				e.reply = m.Text
			}
		case agent.RoleTool:
			e.named = candidatesOf(readResult(m.Result).rows())
		}
	}
	if len(e.named) < 2 {
		e.named = nil
	}
	return e
}

func candidatesOf(rows []tandem.TaskRow) []tandem.Candidate {
	var out []tandem.Candidate
	for _, row := range rows {
		out = append(out, agent.TargetOf(row).Candidate)
	}
	return out
}

// The questions that a later message may answer. What they ask for decides how the answer completes the words before.
var (
	askedWhich   = []string{"Which task shall I", "Which one shall I", "Which ones shall I", "Which task do you mean", "Which one do you mean"}
	askedWhen    = []string{"When shall it be due?"}
	askedMoment  = []string{"When shall I remind you?"}
	askedContent = []string{"What shall I remind you of?", "What shall the task be?", "What shall the task be called?"}
	askedTasks   = []string{"What shall I add?"}
	askedValue   = []string{"What shall the new title be?", "What shall I change about it?", "Which priority: low, medium, high or urgent?"}
	askedRule    = []string{"How often shall it repeat?"}
)

// maxAnswer bounds an answer that names a task.
const maxAnswer = 8

// follow completes words that answer the question with which the turn before ended: "delete it" – "Which task shall I delete?" –
// "the dentist". It gives the words as they are where they are no such answer.
func (p *planning) follow(text string, last exchange) string {
	asked := func(questions []string) bool {
		return slices.ContainsFunc(questions, func(q string) bool { return p.tongue.saysIn(last.reply, q) })
	}
	if !strings.HasSuffix(last.reply, "?") {
		return text
	}
	answers := p.cut(text)
	if len(answers) != 1 || len(p.cut(last.text)) != 1 {
		return text
	}
	answer := answers[0].bare()
	words := answer.source()
	_, due := p.move(words, false)
	_, _, repeats := phrase.ParseRecurrence(words, p.now, p.zone, p.options)
	switch {
	case asked(askedWhich) && p.names(answer):
		return last.text
	case asked(askedWhen) && due:
		return p.say("%s to %s", last.text, words)
	case asked(askedMoment) && due, asked(askedRule) && repeats:
		return last.text + " " + words
	case request(answer) || answers[0].question:
	case asked(askedContent):
		return last.text + " " + words
	case asked(askedTasks):
		return p.say("add %s to my list", words)
	case asked(askedValue):
		return p.say("%s to %s", last.text, words)
	}
	return text
}

// names takes an answer as the task that was asked for.
func (p *planning) names(c clause) bool {
	toks := c.toks
	if n := english.correction.start(toks); n > 0 {
		toks = trimMarks(toks[n:])
	}
	if len(toks) > maxAnswer || another(c.with(toks)) || c.question {
		return false
	}
	r, ok := p.refer(c.text, toks)
	if ok {
		p.instead = &r
	}
	return ok
}

// request reports words that ask for something of their own, be it of another service, or for nothing.
func request(c clause) bool { return another(c) || english.service.start(c.toks) > 0 }

func another(c clause) bool {
	if len(c.toks) == 0 || english.management.start(c.toks) > 0 || english.question.start(c.toks) > 0 {
		return true
	}
	return slices.ContainsFunc(smallTalk, func(u utterance) bool { return u.in(c.toks) })
}
