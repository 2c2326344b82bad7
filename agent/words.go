package agent

import (
	"slices"
	"strconv"
	"strings"
	"unicode"

	"tandem"
)

// token is one word of a person, folded. Quoted words name things; they never command.
type token struct {
	word   string
	quoted bool
	sign   bool // written with # or @: a task's number
}

// closing pairs the quotation marks.
var closing = map[rune]rune{'"': '"', '“': '”', '„': '“', '«': '»', '»': '«', '‘': '’', '\'': '\'', '`': '`'}

// clauses splits text into tokens at the ends of clauses outside of quotes.
func clauses(text string) [][]token {
	var out [][]token
	var clause []token
	runes := []rune(text)
	start := 0
	add := func(end int, quoted bool) {
		clause = append(clause, tokens(string(runes[start:end]), quoted)...)
		start = end + 1
	}
	for i := 0; i < len(runes); i++ {
		r := runes[i]
		if end := quoteEnd(runes, i); end > 0 {
			add(i, false)
			start = i + 1
			add(end, true)
			i = end
			continue
		}
		if strings.ContainsRune(";!?\n", r) || strings.ContainsRune(".,:", r) && (i+1 == len(runes) || unicode.IsSpace(runes[i+1])) {
			add(i, false)
			out, clause = append(out, clause), nil
		}
	}
	add(len(runes), false)
	return append(out, clause)
}

// quoteEnd gives the index of the mark that closes the quote which opens at i; 0 when none does. An apostrophe opens only at
// the start of a word and closes only at its end.
func quoteEnd(runes []rune, i int) int {
	mark, ok := closing[runes[i]]
	if !ok || mark == '\'' && i > 0 && !unicode.IsSpace(runes[i-1]) {
		return 0
	}
	for j := i + 1; j < len(runes); j++ {
		if runes[j] == mark && (mark != '\'' || j+1 == len(runes) || !unicode.IsLetter(runes[j+1])) {
			return j
		}
	}
	return 0
}

func tokens(text string, quoted bool) []token {
	var out []token
	for field := range strings.FieldsSeq(text) {
		sign := strings.HasPrefix(field, "#") || strings.HasPrefix(field, "@")
		for _, w := range tandem.Words(field) {
			out = append(out, token{word: w, quoted: quoted, sign: sign && !quoted})
		}
	}
	return out
}

// asking are words with which a clause asks for an answer and not for a deed.
var asking = wordSet(`what whats which when how who where why show list do did does have has is are am was were
	wie was welche wann wo wer warum zeig zeige gibt habe hat ist sind`)

// said are the words that a person did not quote, apart from questions.
func said(text string) map[string]bool {
	out := map[string]bool{}
	for _, clause := range clauses(text) {
		if len(clause) > 0 && !clause[0].quoted && asking[clause[0].word] {
			continue
		}
		for _, t := range clause {
			if !t.quoted {
				out[t.word] = true
			}
		}
	}
	return out
}

// Verbs by what they ask for. They are compared with folded words, in English and German.
var (
	deleteVerbs = wordSet(`delete deletes deleting remove removing erase trash scrap discard drop bin nuke dump kill cancel purge
		losche loschen losch entferne entfernen streiche streichen verwirf`)
	completeVerbs = wordSet(`complete completes completed completing done finish finished check checked tick ticked mark marked close closed
		did reopen uncheck accomplished skip stop end undo revert
		erledigt erledige erledigen fertig abhaken hake abgehakt geschafft beende gemacht schliesse`)
	updateVerbs = wordSet(`change changes rename move reschedule rescheduled postpone postponed push set make update edit tag untag label prioritize
		prioritise snooze delay defer shift bring remove clear remind restore recover raise lower mark
		undo revert repeat stop skip modify adjust switch extend turn assign
		andere andern verschiebe verschieben verschieb benenne umbenennen setze aktualisiere markiere wiederherstellen ruckgangig
		erinnere stelle`)
	addVerbs = wordSet(`add create new remind need remember buy put plan schedule make import note jot write track want should must have
		fuge hinzu erstelle neu neue erinnere brauche muss kaufe notiere plane anlegen`)
	undoWords = wordSet(`undo revert ruckgangig`)
	allWords  = wordSet(`all every everything entire whole alle alles jede samtliche`)
	onceWords = wordSet(`occurrence occurrences skip only just once today tomorrow tonight vorkommen nur einmal heute morgen`)
)

// preface may stand before a command without changing it.
var preface = wordSet(`please can could would will you i we want to need like d ll just now also then and so hey hi ok okay yes well go
	ahead let s us lets actually kindly finally simply quickly
	bitte kannst konntest du ich mochte und dann auch jetzt mal`)

// asksToDelete gives what each command to delete in text refers to. A command stands at the start of its clause, behind
// nothing but politeness: "don't delete", "a task to delete old photos" and quoted words command nothing.
func asksToDelete(text string) [][]token {
	var out [][]token
	for _, clause := range clauses(text) {
		for _, part := range commands(clause) {
			if ref, ok := deletion(part); ok {
				out = append(out, ref)
			}
		}
	}
	return out
}

// commands splits a clause where "and" or "then" is followed by a verb.
func commands(clause []token) [][]token {
	joins := wordSet("and then und dann")
	var out [][]token
	start := 0
	for i := 1; i+1 < len(clause); i++ {
		next := clause[i+1]
		if joins[clause[i].word] && !clause[i].quoted && !next.quoted && (deleteVerbs[next.word] || completeVerbs[next.word] || updateVerbs[next.word]) {
			out = append(out, clause[start:i])
			start = i + 1
		}
	}
	return append(out, clause[start:])
}

func deletion(part []token) (ref []token, ok bool) {
	for len(part) > 0 && preface[part[0].word] && !part[0].quoted {
		part = part[1:]
	}
	if len(part) < 2 {
		return nil, false
	}
	first, last := part[0], part[len(part)-1]
	second := part[1]
	switch {
	case first.quoted:
		return nil, false
	case deleteVerbs[first.word]:
		return part[1:], true
	case first.word == "get" && second.word == "rid":
		return part[2:], true
	case first.word == "throw" && (second.word == "away" || second.word == "out"):
		return part[2:], true
	case first.word == "take" && slices.ContainsFunc(part, func(t token) bool { return t.word == "off" && !t.quoted }):
		return part[1:], true
	case !last.quoted && (last.word == "loschen" || last.word == "entfernen" || last.word == "streichen") && !denied(part):
		return part[:len(part)-1], true
	}
	return nil, false
}

func denied(part []token) bool {
	no := wordSet("nicht kein keine nie not never")
	return slices.ContainsFunc(part, func(t token) bool { return no[t.word] })
}

// Words around a number that make it a task's.
var numberWords = wordSet("task number no nr todo item tasks aufgabe nummer")

// names reports whether a reference names the task: by number, by a pronoun for the task just mentioned, by its place in
// the newest list, or by words that fit it and no other.
func names(ref []token, task tandem.Candidate, among []Target, h Hints) bool {
	words := make([]string, len(ref))
	for i, t := range ref {
		words[i] = t.word
	}
	if n := numbersIn(ref); len(n) > 0 {
		return len(n) == 1 && n[0] == task.Number
	}
	rest := content(words)
	pronouns := wordSet("it that this one es das dies die den ihn sie the")
	if !slices.ContainsFunc(rest, func(w string) bool { return !pronouns[w] }) {
		return len(h.Focus) > 0 && same(h.Focus[0], task)
	}
	if at, ok := Ordinal(words); ok {
		c, ok := pick(h.Shown, at)
		return ok && same(c, task)
	}
	sure, ok := Resolve(strings.Join(words, " "), among, Hints{}).Sure()
	return ok && same(sure.Candidate, task)
}

// numbersIn gives the task numbers of a reference. A number among other words is one only behind a sign or "task".
func numbersIn(ref []token) []int64 {
	var out []int64
	alone := !slices.ContainsFunc(ref, func(t token) bool {
		return !filler[t.word] && !numberWords[t.word] && !digits(t.word) && t.word != "and"
	})
	for i, t := range ref {
		if t.quoted || !digits(t.word) {
			continue
		}
		if alone || t.sign || i > 0 && (numberWords[ref[i-1].word] || len(out) > 0 && ref[i-1].word == "and") {
			n, err := strconv.ParseInt(t.word, 10, 64)
			if err == nil {
				out = append(out, n)
			}
		}
	}
	return out
}

func digits(w string) bool {
	return w != "" && !strings.ContainsFunc(w, func(r rune) bool { return r < '0' || r > '9' })
}

var ordinals = map[string]int{
	"first": 1, "1st": 1, "second": 2, "2nd": 2, "third": 3, "3rd": 3, "fourth": 4, "4th": 4, "fifth": 5, "5th": 5, "sixth": 6, "6th": 6,
	"seventh": 7, "7th": 7, "eighth": 8, "8th": 8, "last": -1,
	"erste": 1, "ersten": 1, "zweite": 2, "zweiten": 2, "dritte": 3, "dritten": 3, "vierte": 4, "vierten": 4, "letzte": -1, "letzten": -1,
}

// Ordinal reads words that are nothing but a place in a list, such as "the second one"; -1 is the last.
func Ordinal(words []string) (int, bool) {
	rest := content(words)
	if len(rest) != 1 {
		return 0, false
	}
	n, ok := ordinals[rest[0]]
	return n, ok
}

func pick[T any](list []T, ordinal int) (v T, ok bool) {
	if ordinal < 0 {
		ordinal += len(list) + 1
	}
	if ordinal < 1 || ordinal > len(list) {
		return v, false
	}
	return list[ordinal-1], true
}

// Words that answer a question with yes or no, and what may follow them.
var (
	yesWords = []string{
		"yes", "y", "yeah", "yep", "yup", "sure", "ok", "okay", "confirm", "confirmed", "approve", "approved", "absolutely", "do it", "go ahead",
		"go for it", "please do", "yes please", "ja", "jawohl", "klar", "gerne", "mach das", "mach es",
	}
	noWords = []string{
		"no", "n", "nope", "nah", "cancel", "cancel it", "cancel that", "stop", "don t", "do not", "dont", "never mind", "nevermind", "forget it", "leave it",
		"decline", "declined", "reject", "abort", "nein", "nicht", "abbrechen", "lass es", "lass das", "no thanks", "no thank you", "none", "none of them", "neither",
	}
	yesTail = wordSet(`please thanks thank you do it that them go ahead sure yes delete complete remove move change add all of these those both i
		confirm now bitte danke mach das es ja`)
	noTail = wordSet(`please thanks thank you do it that them delete complete remove move change add any of these those no t don not leave as is keep
		bitte danke das es nein nicht`)
)

// yesOrNo reads text that is an answer and nothing else.
func yesOrNo(text string) (yes, ok bool) {
	words := strings.Join(tandem.Words(text), " ")
	switch {
	case strings.Contains(text, "?"):
		return false, false
	case answers(words, noWords, noTail):
		return false, true
	default:
		yes = answers(words, yesWords, yesTail)
		return yes, yes
	}
}

func answers(words string, heads []string, tail map[string]bool) bool {
	for _, head := range heads {
		rest, found := strings.CutPrefix(words+" ", head+" ")
		if found && !slices.ContainsFunc(strings.Fields(rest), func(w string) bool { return !tail[w] }) {
			return true
		}
	}
	return false
}

// allOfThem reads text that answers a choice with every task.
func allOfThem(text string) bool {
	return slices.Contains([]string{"both", "all", "all of them", "both of them", "all of those", "every one", "beide", "alle"}, strings.Join(tandem.Words(text), " "))
}

// choose reads text that answers which of the items was meant: by number, by place, or by words that fit only one.
func choose(text string, items []tandem.ApprovalItem) (tandem.ApprovalItem, bool) {
	words := tandem.Words(text)
	rest := content(words)
	if len(rest) == 1 && digits(rest[0]) {
		n, err := strconv.ParseInt(rest[0], 10, 32)
		if err != nil {
			return tandem.ApprovalItem{}, false
		}
		if i := slices.IndexFunc(items, func(it tandem.ApprovalItem) bool { return it.TaskID == n }); i >= 0 {
			return items[i], true
		}
		return pick(items, int(n))
	}
	if at, ok := Ordinal(words); ok {
		return pick(items, at)
	}
	var among []Target
	for _, it := range items {
		among = append(among, Target{Candidate: tandem.Candidate{Number: it.TaskID, UID: it.UID, Title: it.Title}})
	}
	sure, ok := Resolve(text, among, Hints{}).Sure()
	if !ok {
		return tandem.ApprovalItem{}, false
	}
	i := slices.IndexFunc(items, func(it tandem.ApprovalItem) bool { return it.TaskID == sure.Number })
	return items[i], true
}
