package planner

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"tandem"
)

// tongue is a language besides English, as a table. The rules of the planner know English words; a tongue gives the words of a
// message the ones that the rules know, in the order in which they know them, and says the replies. The words of tasks, dates and
// notes are always those of the message.
type tongue struct {
	// words are one or several words, and what the rules call them; empty words are left out.
	words map[string]string
	// finals are verbs that end a request, and what begins it for the rules: "Aufgabe 3 löschen".
	finals map[string]string
	// errands are such verbs of new tasks. They stay in the title.
	errands map[string]bool
	// split are verbs with a prefix that stands behind: "hake", "ab".
	split map[[2]string]string
	// orders are sentences whose words stand in another order. A * stands for any words.
	orders []order
	// leading are words before a date that a correction may begin with.
	leading []string

	// pronouns are articles that point at a task where no noun follows.
	pronouns map[string]string
	// dayLeads are words behind which a number with a point is a day: "am 3."
	dayLeads map[string]bool

	says             map[string]string // sentences and terms of the replies, by the English ones
	days             [7]string
	months           [12]string
	longest          int // words of an entry of words
	dayForm          func(weekday string, day int, month string, year int) string
	units, everyUnit map[string]string // of repetitions, by FREQ: several, and one
}

// order is a row of words with one gap, and how the rules say it.
type order struct {
	before, behind patterns
	into           [2]string
}

// tongues are the languages by tag; English needs none.
var tongues = map[string]*tongue{"de": german()}

// orderOf compiles "kannst du * sagen" and "can you say *".
func orderOf(from, to string) order {
	head, tail, _ := strings.Cut(from, "*")
	first, last, _ := strings.Cut(to, "*")
	t := order{into: [2]string{strings.TrimSpace(first), strings.TrimSpace(last)}}
	for ps, words := range map[*patterns]string{&t.before: head, &t.behind: tail} {
		*ps = compileAll(tandem.Fold(words))
	}
	return t
}

// lex cuts a text into tokens in the words of the rules.
func (p *planning) lex(text string) []token { return p.tongue.read(lex(text)) }

// read gives the tokens of a message the words of the rules, sentence by sentence.
func (g *tongue) read(toks []token) []token {
	if g == nil {
		return toks
	}
	toks = g.pointed(toks)
	out := make([]token, 0, len(toks)+4)
	start := 0
	for i := 0; i <= len(toks); i++ {
		if i < len(toks) && !toks[i].is(".", "!", "?", ";", "\n", ":") {
			continue
		}
		out = append(out, g.sentence(toks[start:i])...)
		if i < len(toks) {
			out = append(out, toks[i])
		}
		start = i + 1
	}
	return out
}

// pointed makes "3." before a month, or behind words that ask for a day, one token: its point ends no sentence.
func (g *tongue) pointed(toks []token) []token {
	out := make([]token, 0, len(toks))
	for i, t := range toks {
		n := len(out)
		if t.is(".") && n > 0 && i+1 < len(toks) && out[n-1].kind == numberToken && out[n-1].n <= 31 && out[n-1].to == t.from {
			month := slices.ContainsFunc(g.months[:], func(m string) bool { return tandem.Fold(m) == toks[i+1].word })
			if month || n > 1 && out[n-2].in(g.dayLeads) {
				out[n-1].to = t.to
				continue
			}
		}
		out = append(out, t)
	}
	return out
}

// sentence reads a stretch without a mark that ends one.
func (g *tongue) sentence(toks []token) []token {
	if len(toks) == 0 {
		return nil
	}
	toks = g.rejoined(toks)
	for _, t := range g.orders {
		if turned, ok := t.apply(toks); ok {
			toks = turned
			break
		}
	}
	return resulting(g.ordered(g.worded(toks)))
}

// resulting makes the last "in" of a change what it becomes: "Aufgabe 1 in X ändern".
func resulting(toks []token) []token {
	if len(toks) == 0 || !toks[0].is("rename", "change") {
		return toks
	}
	for i := len(toks) - 2; i > 0; i-- {
		if toks[i].is("in") {
			toks[i].word = "into"
			break
		}
	}
	return toks
}

// apply gives the sentence in the order of the rules.
func (t order) apply(toks []token) ([]token, bool) {
	n := 0
	if len(t.before.all) > 0 {
		if n = t.before.start(toks); n == 0 {
			return nil, false
		}
	}
	for end := len(toks); end >= n; end-- {
		if len(t.behind.all) > 0 && (end == len(toks) || t.behind.at(toks, end) != len(toks)) {
			continue
		}
		if len(t.behind.all) == 0 && end < len(toks) {
			break
		}
		head, tail := toks[0].from, toks[len(toks)-1].to
		return slices.Concat(added(t.into[0], head), toks[n:end], added(t.into[1], tail)), true
	}
	return nil, false
}

// added makes tokens that stand for no text.
func added(words string, at int) []token {
	var out []token
	for w := range strings.FieldsSeq(words) {
		out = append(out, token{kind: wordToken, word: w, from: at, to: at, own: w})
	}
	return out
}

// rejoined puts the prefixes of verbs back: "hake 3 ab und füge Milch hinzu".
func (g *tongue) rejoined(toks []token) []token {
	for i := 0; i < len(toks); i++ {
		if toks[i].kind != wordToken {
			continue
		}
		for j := len(toks) - 1; j > i; j-- {
			whole, ok := g.split[[2]string{toks[i].word, toks[j].word}]
			head, tail, inner := strings.Cut(whole, "*")
			if !ok || toks[j].kind != wordToken || !inner && !ends(toks, j+1) {
				continue
			}
			next := j + 1
			if inner && next < len(toks) && toks[next].is("in", "zu", "auf") {
				next++
			}
			toks = slices.Concat(toks[:i], said(toks[i], head), toks[i+1:j], added(tail, toks[j].from), toks[next:])
			break
		}
	}
	return toks
}

// ends reports that a request may end before token i.
func ends(toks []token, i int) bool {
	return i >= len(toks) || toks[i].kind == markToken || toks[i].is("und", "dann", "bitte", "danke", "sowie")
}

// said gives a token the words of the rules.
func said(t token, words string) []token {
	out := []token{}
	for w := range strings.FieldsSeq(words) {
		one := token{kind: wordToken, word: w, from: t.from, to: t.to, at: t.at, own: cmp.Or(t.own, t.word)}
		if len(out) > 0 {
			one.from, one.own = t.to, w
		}
		out = append(out, one)
	}
	return out
}

// worded gives each word the one that the rules know; the longest entry counts.
func (g *tongue) worded(toks []token) []token {
	out := make([]token, 0, len(toks))
	for i := 0; i < len(toks); {
		n, words := g.entry(toks[i:])
		if own, ok := g.pronouns[toks[i].word]; ok && n == 1 && ends(toks, i+1) {
			words = own
		}
		if n == 0 {
			out = append(out, toks[i])
			i++
			continue
		}
		whole := toks[i]
		whole.to, whole.own = toks[i+n-1].to, ownOf(toks[i:i+n])
		out = append(out, said(whole, words)...)
		i += n
	}
	return out
}

func ownOf(toks []token) string {
	words := make([]string, len(toks))
	for i, t := range toks {
		words[i] = t.said()
	}
	return strings.Join(words, " ")
}

func (g *tongue) entry(toks []token) (n int, words string) {
	key := ""
	for i, t := range toks[:min(len(toks), g.longest)] {
		if t.kind != wordToken || t.from == t.to {
			break
		}
		key = strings.TrimSpace(key + " " + t.word)
		if w, ok := g.words[key]; ok {
			n, words = i+1, w
		}
	}
	return n, words
}

// ordered moves verbs that end a request to its beginning.
func (g *tongue) ordered(toks []token) []token {
	start := g.opening(toks, 0)
	for i := start; i < len(toks); i++ {
		if toks[i].kind == wordToken && toks[i].is("and", "then", ",") && i+1 < len(toks) && english.management.start(toks[i+1:]) > 0 {
			start = g.opening(toks, i+1)
			continue
		}
		word := toks[i].said()
		into, manages := g.finals[word]
		if !manages && (!g.errands[word] || i < len(toks)-1) || i <= start || !closes(toks, i+1) || g.begun(toks[start:i]) {
			continue
		}
		moved := toks[i]
		if manages {
			moved.from, moved.to, moved.own = toks[start].from, toks[start].from, ""
			toks = slices.Concat(toks[:start], said(moved, into), toks[start:i], toks[i+1:])
		} else {
			moved.own, moved.word = word, errandWord
			toks = slices.Concat(toks[:start], []token{moved}, toks[start:i], toks[i+1:])
		}
		if i+2 < len(toks) {
			start = g.opening(toks, i+2)
		}
	}
	return toks
}

// errandWord is the verb of any errand to the rules.
const errandWord = "errand"

func closes(toks []token, i int) bool {
	return i >= len(toks) || toks[i].kind == markToken || toks[i].is("and", "then", "please", "thanks")
}

// begun reports a request that has its verb already.
func (g *tongue) begun(toks []token) bool {
	return english.management.start(toks) > 0 || english.remind.start(toks) > 0 || english.newTask.start(toks) > 0 || english.note.start(toks) > 0 ||
		english.question.start(toks) > 0 || english.keep.start(toks) > 0 || english.remove.start(toks) > 0
}

// opening steps over words of address, politeness and need from token i on.
func (g *tongue) opening(toks []token, i int) int {
	for i < len(toks) {
		n := 0
		for _, ps := range []patterns{english.address, english.joints, english.polite, english.wish, english.need, english.correction} {
			n = max(n, ps.at(toks, i)-i)
		}
		if n <= 0 || i+n >= len(toks) {
			break
		}
		i += n
	}
	return i
}

// leads gives the words before a date that a correction may begin with.
func (g *tongue) leads() []string {
	if g == nil {
		return nil
	}
	return g.leading
}

// term is a word of a reply that is said in the language of the message.
type term string

// say gives a sentence of the replies in the language of the message. Terms and functions among the arguments are said too.
func (p *planning) say(sentence string, args ...any) string {
	if p.tongue != nil {
		sentence = cmp.Or(p.tongue.says[sentence], sentence)
	}
	if len(args) == 0 {
		return sentence
	}
	args = slices.Clone(args)
	for i, a := range args {
		switch a := a.(type) {
		case term:
			args[i] = p.say(string(a))
		case func(*planning) string:
			args[i] = a(p)
		}
	}
	return fmt.Sprintf(sentence, args...)
}

// saysIn reports whether a reply holds a sentence of the catalogue, in either language, by its beginning.
func (g *tongue) saysIn(reply, beginning string) bool {
	if strings.Contains(reply, beginning) {
		return true
	}
	if g == nil {
		return false
	}
	for english, own := range g.says {
		if fixed, _, _ := strings.Cut(own, "%"); strings.HasPrefix(english, beginning) && strings.Contains(reply, strings.TrimSpace(fixed)) {
			return true
		}
	}
	return false
}

// sayDate writes a day with its weekday: "Sat 21 Nov 2026".
func (p *planning) sayDate(t time.Time) string {
	if g := p.tongue; g != nil {
		return g.dayForm(g.days[t.Weekday()], t.Day(), g.months[t.Month()-1], t.Year())
	}
	return t.Format("Mon 2 Jan 2006")
}

// sayRule tells a repetition.
func (p *planning) sayRule(rule tandem.Rule, text string) string {
	if p.tongue == nil {
		return "repeats " + rule.Describe()
	}
	parts := map[string]string{}
	value, _, _ := strings.Cut(text, "\n")
	for field := range strings.SplitSeq(value, ";") {
		name, v, _ := strings.Cut(field, "=")
		parts[name] = v
	}
	every := p.tongue.everyUnit[parts["FREQ"]]
	if n := parts["INTERVAL"]; n != "" && n != "1" {
		every = p.say("every %s %s", n, p.tongue.units[parts["FREQ"]])
	}
	if days := parts["BYDAY"]; days != "" && !strings.ContainsAny(days, "0123456789") {
		var names []string
		for i, day := range []string{"SU", "MO", "TU", "WE", "TH", "FR", "SA"} {
			if strings.Contains(days, day) {
				names = append(names, p.tongue.days[i])
			}
		}
		every += " (" + strings.Join(names, ", ") + ")"
	}
	return p.say("repeats %s", every)
}

// sayOutcome tells what became of tasks that were completed or deleted. Tools say it in English.
func (p *planning) sayOutcome(d receipt, rows []tandem.TaskRow) string {
	if p.tongue == nil {
		return d.result.Message
	}
	switch a := d.args.(type) {
	case completeArgs:
		if a.Skip {
			return p.say("Skipped %s.", p.sayTasks(rows))
		}
	case changeArgs:
		if a.Snooze != "" {
			return p.say("Snoozed %s.", p.sayTasks(rows))
		}
	}
	sentence := map[string]string{"completed": "Completed %s.", "reopened": "Reopened %s.", "deleted": "Deleted %s.", "updated": "Changed %s."}[d.result.Status]
	if sentence == "" {
		return p.say(d.result.Message)
	}
	return p.say(sentence, p.sayTasks(rows))
}
