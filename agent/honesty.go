package agent

import (
	"regexp"
	"strings"
)

// deeds are the participles in which a change is claimed.
const deeds = `added|created|deleted|removed|completed|marked|finished|updated|changed|moved|rescheduled|postponed|renamed|set|scheduled|snoozed|restored|reopened|undone|reverted|cleared|tagged|saved|put|cancelled|canceled|prioriti[sz]ed|pushed|shifted`

// claimForms are the sentences in which a text says that it changed something. A text that wrongly counts as a claim only gets
// a true line more.
var claimForms = []*regexp.Regexp{
	regexp.MustCompile(`\b(i|i've|i have|i just|we|we've)\b[^.!?\n]{0,40}?\b(` + deeds + `)\b`),
	regexp.MustCompile(`\b(has|have) (now |just |already )?been (successfully )?(` + deeds + `)\b`),
	regexp.MustCompile(`\b(is|are|was|were) (now|just|successfully) (` + deeds + `)\b`),
	regexp.MustCompile(`\bsuccessfully (` + deeds + `)\b`),
	regexp.MustCompile(`(^|[.!\n] *)(ok(ay)?,? |alright,? |sure,? |great,? |got it[,.!:]? |done[,.!:]? )?(just )?(` + deeds + `) (?:the|a|an|your|it|that|task|all|both|them|[“"'„\d])`),
	regexp.MustCompile(`(^|[.!\n] *)(all )?(done|set)[.!,]`),
	regexp.MustCompile(`\bit'?s (done|gone|on your list)\b`),
	regexp.MustCompile(`\bich habe\b[^.!?\n]{0,80}\b(hinzugefügt|gelöscht|entfernt|erledigt|geändert|verschoben|angelegt|erstellt|umbenannt|eingetragen|abgehakt|aktualisiert)\b`),
	regexp.MustCompile(`\b(wurde|wurden|ist jetzt|sind jetzt)\b[^.!?\n]{0,60}\b(hinzugefügt|gelöscht|entfernt|erledigt|geändert|verschoben|angelegt|erstellt|umbenannt|aktualisiert)\b`),
}

// denial marks a sentence that says what was not done, or asks.
var denial = regexp.MustCompile(`\b(not|nothing|no|never|unable|cannot|couldn't|could not|can't|haven't|hasn't|wasn't|didn't|don't|won't|would|could|should|shall|if|unless|nicht|nichts|kein|keine)\b|\?$`)

var sentence = regexp.MustCompile(`[^.!?\n]*[.!?\n]*`)

// claims reports that a text says something was changed.
func claims(text string) bool {
	text = strings.ToLower(strings.ReplaceAll(text, "’", "'"))
	for _, s := range sentence.FindAllString(text, -1) {
		s = strings.TrimSpace(s)
		if s == "" || denial.MatchString(s) {
			continue
		}
		for _, form := range claimForms {
			if form.MatchString(s) {
				return true
			}
		}
	}
	return false
}
