package planner

import (
	"slices"
	"strings"
	"unicode/utf8"

	"tandem/agent"
)

// spelled are the words that are recognised with one typo, and mistaken the ordinary words that are one edit away from them.
var (
	spelled  = strings.Fields("complete completed delete remove remind reminder reschedule postpone rename restore snooze update finish priority overdue pending")
	mistaken = wordSet("reminded snoozed snoozes overdub completes deleted deletes removed remover removes remains reminds reminders remained renamed rescheduled postponed restored updated updates " +
		"finished rewind relive spending sending bending mending vending lending tending ending remake remote remedy beloved finnish")
	swapped = map[string]string{"taks": "task", "tsak": "task", "atsk": "task", "lsit": "list", "shwo": "show", "hsow": "show", "mrak": "mark", "makr": "mark", "amrk": "mark", "tasl": "task"}
)

// respell mends one typo in the words that say what is to be done. Words that a rule knows are left alone.
func respell(toks []token) {
	for i, t := range toks {
		if t.kind != wordToken {
			continue
		}
		if w, ok := swapped[t.word]; ok {
			toks[i].word = w
			continue
		}
		if n := utf8.RuneCountInString(t.word); n < 5 || n > 12 || mistaken[t.word] {
			continue
		}
		if slices.Contains(spelled, t.word) {
			continue
		}
		for _, w := range spelled {
			if t.word[0] == w[0] && agent.OneEdit(t.word, w) {
				toks[i].word = w
				break
			}
		}
	}
}
