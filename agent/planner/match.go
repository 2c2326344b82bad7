package planner

import (
	"fmt"
	"strings"
)

// pattern is a row of words as the rules write it: "remind|notify me|us {det}? to". Words of one place are separated by |, a
// name in braces stands for a class of words, _ for any word, and ? makes a place optional. Commas of the text are stepped over.
type pattern []place

type place struct {
	words    map[string]bool
	kinds    map[kind]bool
	any      bool // any word
	optional bool
}

// kindNames are the classes that are no lists of words.
var kindNames = map[string]kind{"{number}": numberToken, "{quote}": quoteToken, "{tag}": tagToken, "{mention}": mentionToken}

// compile reads a pattern; a bad one is a mistake in a table and stops the start.
func compile(source string) pattern {
	var p pattern
	for field := range strings.FieldsSeq(source) {
		one := place{words: map[string]bool{}, kinds: map[kind]bool{}}
		field, one.optional = strings.CutSuffix(field, "?")
		for alternative := range strings.SplitSeq(field, "|") {
			one.add(alternative)
		}
		p = append(p, one)
	}
	return p
}

func (p *place) add(alternative string) {
	if k, ok := kindNames[alternative]; ok {
		p.kinds[k] = true
		return
	}
	if alternative == "_" {
		p.any = true
		return
	}
	if !strings.HasPrefix(alternative, "{") {
		p.words[alternative] = true
		return
	}
	class, ok := classes[alternative]
	if !ok {
		panic(fmt.Sprintf("planner: there is no class %s", alternative))
	}
	for w := range strings.FieldsSeq(class) {
		p.words[w] = true
	}
}

func (p place) fits(t token) bool {
	if t.kind == wordToken || t.kind == markToken {
		return p.words[t.word] || p.any && t.kind == wordToken
	}
	return p.kinds[t.kind]
}

// at matches the pattern from token i on and gives the index behind it.
func (p pattern) at(toks []token, i int) (end int, ok bool) { return p.rest(toks, i, i) }

func (p pattern) rest(toks []token, start, i int) (end int, ok bool) {
	if len(p) == 0 {
		return i, true
	}
	j := i
	for j > start && j < len(toks) && toks[j].is(",") && !p[0].words[","] {
		j++
	}
	if j < len(toks) && p[0].fits(toks[j]) {
		if end, ok := p[1:].rest(toks, start, j+1); ok {
			return end, true
		}
	}
	if p[0].optional {
		return p[1:].rest(toks, start, i)
	}
	return 0, false
}

// patterns are alternatives, the first that fits counts. They are found by the word that a match begins with.
type patterns struct {
	all    []pattern
	byWord map[string][]int
	byKind map[kind][]int
}

// compileAll reads one pattern a line.
func compileAll(lines string) patterns {
	ps := patterns{byWord: map[string][]int{}, byKind: map[kind][]int{}}
	for line := range strings.SplitSeq(lines, "\n") {
		if line = strings.TrimSpace(line); line != "" {
			ps.index(compile(line))
		}
	}
	return ps
}

func (ps *patterns) index(p pattern) {
	n := len(ps.all)
	ps.all = append(ps.all, p)
	for _, one := range p {
		for w := range one.words {
			ps.byWord[w] = append(ps.byWord[w], n)
		}
		for k := range one.kinds {
			ps.byKind[k] = append(ps.byKind[k], n)
		}
		if !one.optional {
			return
		}
	}
}

// at gives the index behind the first pattern that matches from token i on; 0 is none.
func (ps patterns) at(toks []token, i int) int {
	if i >= len(toks) {
		return 0
	}
	some := ps.byKind[toks[i].kind]
	if toks[i].kind == wordToken || toks[i].kind == markToken {
		some = ps.byWord[toks[i].word]
	}
	for _, n := range some {
		if end, ok := ps.all[n].at(toks, i); ok && end > i {
			return end
		}
	}
	return 0
}

// start matches at the beginning and gives the index behind the match; 0 is none.
func (ps patterns) start(toks []token) int { return ps.at(toks, 0) }

// whole reports whether one of them is all there is, but for closing punctuation.
func (ps patterns) whole(toks []token) bool {
	if len(toks) == 0 {
		return false
	}
	for _, n := range ps.byWord[toks[0].word] {
		if end, ok := ps.all[n].at(toks, 0); ok && onlyMarks(toks[end:]) {
			return true
		}
	}
	return false
}

// find reports whether one of them matches anywhere.
func (ps patterns) find(toks []token) bool {
	for i := range toks {
		if ps.at(toks, i) > 0 {
			return true
		}
	}
	return false
}

func onlyMarks(toks []token) bool {
	for _, t := range toks {
		if t.kind != markToken {
			return false
		}
	}
	return true
}

func wordSet(list string) map[string]bool {
	out := map[string]bool{}
	for w := range strings.FieldsSeq(list) {
		out[w] = true
	}
	return out
}
