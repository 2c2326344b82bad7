package planner

import (
	"errors"
	"slices"
	"time"

	"tandem"
	"tandem/agent/phrase"
)

// planning is one round's work on a message.
type planning struct {
	now      time.Time // in zone
	zone     *time.Location
	settings tandem.Settings
	options  phrase.Options
	tongue   *tongue // of the message
	focus    []tandem.Candidate
	shown    []tandem.Candidate
	group    []tandem.Candidate // the several tasks that the turn before was about

	recorded []record // of earlier rounds
	used     int
	want     listArgs // the list to read, with errUnread

	mentioned []target // by the clause before
	object    string   // what the clause before spoke of, as text
	asked     *listing // by the clause before

	instead *reference // answers which task was meant
}

// errUnread ends a round: a list must be read before the plan can go on.
var errUnread = errors.New("a list is not read yet")

// question ends a turn without any write: something was left open. With a tool it can be answered with a yes, or with one of
// the candidates.
type question struct {
	tool       string
	args       any // without task_id where there are candidates
	candidates []tandem.Candidate
	text       string // of the catalogue, until it is worded
	fill       []any
	weak       bool // only put when the message holds nothing else
}

func (q *question) Error() string { return q.text }

// ask makes a question of a sentence of the catalogue and what it is filled with.
func ask(text string, fill ...any) *question { return &question{text: text, fill: fill} }

// step is what one clause asks for.
type step struct {
	drafts []addArgs // new tasks
	writes []call
	show   *listing
	say    string
	weak   bool     // small talk, or a refusal
	refuse bool     // out of scope
	errand bool     // an errand without a word that speaks of the list
	about  []target // what later clauses mean by "it"
	object string
}

// run plans the message and gives what this round has to do.
func (p *planning) run(text string) outcome {
	o := p.plan(text)
	if o.question != nil {
		o.question.text, o.question.fill = p.say(o.question.text, o.question.fill...), nil
	}
	return o
}

func (p *planning) plan(text string) outcome {
	clauses := p.cut(text)
	if len(clauses) == 0 {
		return outcome{text: p.say(replyHelp)}
	}
	m, err := p.read(clauses)
	var q *question
	switch {
	case errors.Is(err, errUnread):
		return outcome{calls: []call{{listTasks, p.want}}}
	case errors.As(err, &q):
		return outcome{question: q}
	}
	switch err := p.known(m.writes); {
	case errors.As(err, &q):
		return outcome{question: q}
	case err != nil:
		return outcome{calls: []call{{listTasks, p.want}}}
	}
	return p.carryOut(m)
}

// known looks up the numbers of a message in which several calls name tasks by number: one that names nothing must not leave
// half a plan behind.
func (p *planning) known(writes []call) error {
	var ids []int64
	calls := 0
	for _, c := range writes {
		if n, ok := c.args.(naming); ok && len(n.unseen()) > 0 {
			ids = append(ids, n.unseen()...)
			calls++
		}
	}
	if calls < 2 {
		return nil
	}
	found, err := p.lookup(listArgs{IDs: ids, Limit: tandem.MaxLimit}, tandem.MaxBulk)
	if err != nil {
		return err
	}
	for _, id := range ids {
		if !slices.ContainsFunc(found.rows(), func(r tandem.TaskRow) bool { return r.TaskID == id }) {
			return ask("There is no task %d. Which one do you mean?", id)
		}
	}
	return nil
}

// message is what all clauses of a message come to.
type message struct {
	drafts []addArgs
	writes []call
	shows  []*listing
	says   []string

	offers  []*question // weak ones
	idle    []string    // answers to small talk and refusals
	refused bool
	errands int
}

// read plans every clause. The first thing that is left open is the error: nothing is written then.
func (p *planning) read(clauses []clause) (message, error) {
	var m message
	for _, c := range clauses {
		s, err := p.clause(c)
		if q, ok := errors.AsType[*question](err); ok && q.weak {
			m.offers = append(m.offers, q)
			p.mentioned, p.object, p.asked = nil, c.object(), nil
			continue
		}
		if err != nil {
			return m, err
		}
		if c.ifNot && len(m.shows) > 0 && p.asked == m.shows[len(m.shows)-1] {
			m.shows = m.shows[:len(m.shows)-1] // its answer is that of the condition
		}
		m.add(s)
		p.mentioned, p.object, p.asked = s.about, s.object, s.show
		if s.weak {
			p.object = c.object()
		}
	}
	return m, m.settle()
}

// settle weighs what asked for nothing against the rest: alone it is answered, beside requests it is left out. Errands among
// talk may be part of a story, so they are offered.
func (m *message) settle() error {
	stray := len(m.offers)+len(m.idle) > 0
	switch {
	case m.errands > 0 && stray && m.errands == len(m.drafts) && len(m.writes)+len(m.shows) == 0:
		return confirmAdd(m.drafts[0], true)
	case m.empty() && len(m.offers) > 0:
		return m.offers[0]
	case m.empty() && len(m.idle) > 0:
		m.says = m.idle[:1]
	case m.refused:
		m.says = append(m.says, replyRest)
	}
	return nil
}

func (m *message) add(s *step) {
	m.refused = m.refused || s.refuse
	if s.weak {
		m.idle = append(m.idle, s.say)
		return
	}
	if s.errand {
		m.errands++
	}
	m.drafts = append(m.drafts, s.drafts...)
	m.writes = append(m.writes, s.writes...)
	if s.show != nil {
		m.shows = append(m.shows, s.show)
	}
	if s.say != "" {
		m.says = append(m.says, s.say)
	}
}

func (m *message) empty() bool {
	return len(m.drafts)+len(m.writes)+len(m.shows)+len(m.says) == 0
}

// rules take a clause, the first that knows it. Their order is part of their meaning: "add a tag to task 3" is a
// change before it is a new task, "remove the due date" a change before it is a deletion.
var rules = []func(*planning, clause) (*step, error){
	(*planning).talk, (*planning).takeBack, (*planning).correct, (*planning).snooze, (*planning).reopen, (*planning).complete,
	(*planning).remind, (*planning).change, (*planning).restore, (*planning).remove, (*planning).query, (*planning).addNew, (*planning).errand,
}

// clause plans one clause.
func (p *planning) clause(c clause) (*step, error) {
	whole := c
	c = p.datedLast(c.bare())
	for i, rule := range rules {
		with := c
		if i == 0 {
			with = whole
		}
		if s, err := rule(p, with); s != nil || err != nil {
			return s, err
		}
	}
	return p.decline(c)
}

// carryOut emits the writes of a settled plan, then what is to be shown, then the reply.
func (p *planning) carryOut(m message) outcome {
	stages := m.stages()
	var done []receipt
	for _, stage := range stages {
		if p.used >= len(p.recorded) {
			return outcome{calls: stage}
		}
		failed := false
		for _, c := range stage {
			if p.used < len(p.recorded) {
				d := receipt{c, p.recorded[p.used].result}
				done = append(done, d)
				failed = failed || !d.result.Success
				p.used++
			}
		}
		if failed {
			break
		}
	}
	if q := twinQuestion(done); q != nil {
		return outcome{question: q}
	}
	var lists []shownList
	for _, l := range m.shows {
		r, err := p.lookup(l.args, maxShown)
		if err != nil {
			return outcome{calls: []call{{listTasks, p.want}}}
		}
		lists = append(lists, shownList{l, r})
	}
	return outcome{text: p.reply(done, lists, m.says)}
}

// stages orders the writes: new tasks become one call. Where one of several calls names tasks by a number that was not looked
// up, it goes first, and the others wait for it.
func (m message) stages() [][]call {
	all := m.writes
	if len(m.drafts) > 0 {
		all = append(slices.Clip(all), addCall(m.drafts))
	}
	var unseen []int
	for i, c := range all {
		if n, ok := c.args.(naming); ok && len(n.unseen()) > 0 {
			unseen = append(unseen, i)
		}
	}
	switch {
	case len(all) == 0:
		return nil
	case len(unseen) == 1 && len(all) > 1:
		i := unseen[0]
		return [][]call{{all[i]}, slices.Concat(all[:i], all[i+1:])}
	}
	return [][]call{all}
}

// naming are arguments that name tasks; unseen are the numbers that were not looked up.
type naming interface{ unseen() []int64 }

// addCall makes one call of all new tasks.
func addCall(drafts []addArgs) call {
	if len(drafts) == 1 {
		d := drafts[0]
		d.OnDuplicate = "ask"
		return call{addTask, d}
	}
	return call{addTask, addManyArgs{Items: drafts, OnDuplicate: "ask"}}
}

// lookup gives a list: from the transcript, or errUnread. Where fewer than need tasks came although there are more, the next
// pages follow.
func (p *planning) lookup(args listArgs, need int) (result, error) {
	var all result
	if args.Limit > 0 {
		need = min(need, args.Limit)
	}
	for page := 0; ; page++ {
		if p.used >= len(p.recorded) || p.recorded[p.used].tool != listTasks {
			p.want = args
			return result{}, errUnread
		}
		r := p.recorded[p.used].result
		p.used++
		if page == 0 {
			all = r
		} else {
			all.Tasks = append(all.Tasks, r.Tasks...)
		}
		if len(r.Tasks) == 0 || len(all.Tasks) >= min(all.Total, need) || page == maxPages {
			return all, nil
		}
		args.Offset = len(all.Tasks)
	}
}

// maxPages bounds how often a list that does not fit is read on.
const maxPages = 3
