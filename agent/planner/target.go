package planner

import (
	"errors"
	"slices"
	"strings"

	"tandem"
	"tandem/agent"
)

// resolve finds the tasks that a reference means for a verb. What is left open becomes a question.
func (p *planning) resolve(r reference, v verb) (targets, error) {
	if p.instead != nil {
		r, p.instead = *p.instead, nil
	}
	switch {
	case len(r.numbers) > 0:
		return numbered(r.numbers), nil
	case r.it || r.them || r.ordinal != 0:
		return p.pointed(r, v)
	case r.far && v.sure:
		return targets{}, ask("I keep a list of tasks, not a calendar. Which task shall I %s?", term(v.doing))
	case len(r.words) == 0:
		return p.every(r, v)
	}
	return p.byWords(r, v)
}

func numbered(numbers []int64) targets {
	t := targets{number: true}
	for _, n := range numbers {
		if !slices.ContainsFunc(t.list, func(o target) bool { return o.Number == n }) {
			t.list = append(t.list, target{Candidate: tandem.Candidate{Number: n}})
		}
	}
	return t
}

// pointed follows a pronoun or a place in the newest list.
func (p *planning) pointed(r reference, v verb) (targets, error) {
	switch {
	case r.ordinal != 0:
		for _, list := range [][]tandem.Candidate{p.group, p.shown} {
			if c, ok := nth(list, r.ordinal); ok {
				return among(c), nil
			}
		}
		return targets{}, ask("There is no list to count in. Which task shall I %s?", term(v.doing))
	case len(p.mentioned) > 0:
		return targets{list: p.mentioned, number: p.mentioned[0].row == nil && p.mentioned[0].UID == ""}, nil
	case r.them && len(p.group) > 0:
		return among(p.group...), nil
	case r.them && len(p.shown) > 0:
		return among(p.shown...), nil
	case r.them && len(p.focus) > 1:
		return among(p.focus[:2]...), nil
	case len(p.focus) > 0:
		return among(p.focus[0]), nil
	case len(p.shown) == 1:
		return among(p.shown[0]), nil
	case len(p.shown) > 1:
		return targets{}, p.which(v, p.shown, "it")
	}
	return targets{}, ask("Which task shall I %s?", term(v.doing))
}

func nth[T any](list []T, n int) (v T, ok bool) {
	if n < 0 {
		n += len(list) + 1
	}
	if n < 1 || n > len(list) {
		return v, false
	}
	return list[n-1], true
}

func among(list ...tandem.Candidate) targets {
	var t targets
	for _, c := range list {
		t.list = append(t.list, target{Candidate: c})
	}
	return t
}

// every gives all tasks that fit the filters alone.
func (p *planning) every(r reference, v verb) (targets, error) {
	if r.filter.status == "" && v.status != "" {
		r.filter.status = v.status
	}
	args := r.filter.args()
	args.Limit = tandem.MaxLimit
	rows, err := p.lookup(args, tandem.MaxBulk)
	if err != nil {
		return targets{}, err
	}
	t := targets{}
	for _, row := range rows.rows() {
		if p.fits(r.filter, row) {
			t.list = append(t.list, targetOf(row))
		}
	}
	if len(t.list) == 0 {
		return t, ask("I found no such tasks%s. Which ones shall I %s?", p.sayFilter(r.filter), term(v.doing))
	}
	return t, nil
}

func targetOf(row tandem.TaskRow) target {
	return target{Candidate: agent.TargetOf(row).Candidate, row: &row}
}

// byWords looks for titles that hold the words: first among the tasks that the verb is for, then among the others.
func (p *planning) byWords(r reference, v verb) (targets, error) {
	first := v.status
	if r.filter.status != "" {
		first = r.filter.status
	}
	rows, err := p.search(r, first)
	if err != nil {
		return targets{}, err
	}
	t, q := p.choose(r, v, rows)
	if len(t.list) > 0 || q != nil && !q.weak {
		return t, orNil(q)
	}
	if v.second != "" && r.filter.status == "" && !r.all {
		more, err := p.search(r, v.second)
		if err != nil {
			return targets{}, err
		}
		if t, again := p.choose(r, v, more); len(t.list) > 0 || again != nil && !again.weak {
			return t, orNil(again)
		}
	}
	if r.all {
		return p.byTag(r, v, q)
	}
	q.weak = false
	return targets{}, q
}

// byTag takes the words before "tasks" as a tag: "all work tasks".
func (p *planning) byTag(r reference, v verb, otherwise *question) (targets, error) {
	f := r.filter
	f.tags = append(slices.Clone(f.tags), foldedTokens(r.words))
	t, err := p.every(reference{filter: f}, v)
	if errors.Is(err, errUnread) || err == nil {
		return t, err
	}
	otherwise.weak = false
	return targets{}, otherwise
}

func orNil(q *question) error {
	if q == nil {
		return nil
	}
	return q
}

func (p *planning) search(r reference, status string) (result, error) {
	return p.lookup(listArgs{Status: status, Search: searchFor(r.words)}, 0)
}

// searchFor writes a search that finds titles with the words in either number.
func searchFor(words []token) string {
	var out []string
	for _, t := range words {
		for _, w := range tandem.Words(t.said()) {
			out = append(out, common(agent.Singular(w)))
		}
	}
	return strings.Join(out, " ")
}

// common gives what a word and its plural begin with: "part" for party and parties.
func common(w string) string {
	if n := len(w); n > 4 && w[n-1] == 'y' && !strings.ContainsRune("aeiou", rune(w[n-2])) {
		return w[:n-1]
	}
	return w
}

// choose picks the tasks among rows. A question that is weak says that nothing fits.
func (p *planning) choose(r reference, v verb, found result) (targets, *question) {
	var all, narrow []agent.Target
	rows := map[int64]tandem.TaskRow{}
	for _, row := range found.rows() {
		rows[row.TaskID] = row
		all = append(all, agent.TargetOf(row))
		if p.fits(r.filter, row) {
			narrow = append(narrow, agent.TargetOf(row))
		}
	}
	hints := agent.Hints{Now: p.now, Focus: p.focus, Shown: p.shown}
	if r.filter.timed() {
		if m, ok := agent.Resolve(r.whole, all, hints).Sure(); ok {
			return targets{list: []target{targetOf(rows[m.Number])}}, nil
		}
	}
	words := foldedTokens(r.words)
	ranked := agent.Resolve(words, narrow, hints)
	if r.all || severalNamed(r.words, narrow) {
		if t := high(ranked, rows); len(t.list) > 0 {
			return t, nil
		}
	}
	best, ok := ranked.Best()
	if v.sure {
		best, ok = ranked.Sure()
	}
	switch {
	case ok:
		return targets{list: []target{targetOf(rows[best.Number])}}, nil
	case len(ranked) == 0:
		q := ask("I found no task like %s. Which one shall I %s?", quote(r.full), term(v.doing))
		q.weak = true
		return targets{}, q
	}
	q := p.which(v, ranked.Candidates(), r.full)
	q.weak = ranked[0].Likeness < highLikeness
	return targets{}, q
}

func foldedTokens(toks []token) string {
	var out []string
	for _, t := range toks {
		out = append(out, tandem.Words(t.said())...)
	}
	return strings.Join(out, " ")
}

// highLikeness is the least likeness of a title that holds all the words.
const highLikeness = 0.74

// high gives every match whose title holds all the words.
func high(ranked agent.Resolution, rows map[int64]tandem.TaskRow) targets {
	var t targets
	for _, m := range ranked {
		if m.Likeness >= highLikeness {
			t.list = append(t.list, targetOf(rows[m.Number]))
		}
	}
	return t
}

// severalNamed reports a plural that titles have in the singular: "meetings" means every meeting.
func severalNamed(words []token, among []agent.Target) bool {
	if len(words) == 0 {
		return false
	}
	last := words[len(words)-1]
	one := agent.Singular(last.word)
	if last.kind != wordToken || one == last.word {
		return false
	}
	for _, t := range among {
		if slices.ContainsFunc(tandem.Words(t.Title), func(w string) bool { return w != last.word && agent.Singular(w) == one }) {
			return true
		}
	}
	return false
}

// which asks which of the candidates was meant.
func (p *planning) which(v verb, candidates []tandem.Candidate, words string) *question {
	candidates = candidates[:min(len(candidates), tandem.MaxApprovalItems)]
	names := make([]string, len(candidates))
	for i, c := range candidates {
		names[i] = p.sayCandidate(c)
	}
	text := p.say("Which one do you mean: %s?", p.enumerate(names, "or"))
	if len(names) == 1 {
		text = p.say("I am not sure about %s. Do you mean %s?", quote(words), names[0])
	}
	return &question{tool: v.tool, args: v.with(which{}), candidates: candidates, text: text}
}
