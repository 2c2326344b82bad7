package agent

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"tandem"
)

// Target is a task that words may mean.
type Target struct {
	tandem.Candidate
	DueAt     *time.Time
	UpdatedAt time.Time
}

// TargetOf gives a listed task as a target.
func TargetOf(row tandem.TaskRow) Target {
	t := Target{
		Candidate: tandem.Candidate{Number: row.TaskID, UID: row.UID, Title: row.Title, Due: row.Due},
		UpdatedAt: time.Time(row.UpdatedAt),
	}
	if row.DueDate != nil {
		due := time.Time(*row.DueDate)
		t.DueAt = &due
	}
	return t
}

// Hints say what makes one task likelier than another.
type Hints struct {
	Now   time.Time
	Focus []tandem.Candidate // last mentioned in the conversation, newest first
	Shown []tandem.Candidate // of the newest list
}

// Match is a target with its score.
type Match struct {
	Target
	Likeness float64 // of words and title alone, 0 to 1
	Score    float64 // with the boosts of the hints
}

// Resolution ranks the targets that words may mean, the best first.
type Resolution []Match

// Scores of the ways in which words name a title. An exact name stands a margin above every other one.
const (
	likeExact  = 1.0
	likePrefix = 0.79 // the title starts with the words
	likeAll    = 0.77 // the title holds all the words
	likeSubset = 0.70 // the words hold the whole title, and more
	likeSome   = 0.55 // a share of the words
	likeShape  = 0.15 // letters in common
)

// What it takes to act on a match without a question.
const (
	actScore  = 0.75
	actMargin = 0.2
	worthIt   = 0.3 // below that a target is not even offered
	offered   = 8
)

// Resolve ranks targets by how well words name their titles: exact before prefix before a set of words, letters in common
// last. Just mentioned, shown, due soon and lately changed tasks come first among equals. It is pure, and linear in the
// text of the targets.
func Resolve(words string, targets []Target, h Hints) Resolution {
	query := content(tandem.Words(words))
	if len(query) == 0 {
		return nil
	}
	var out Resolution
	for _, t := range targets {
		if like := likeness(query, content(tandem.Words(t.Title))); like >= worthIt {
			out = append(out, Match{Target: t, Likeness: like, Score: min(like+h.boost(t), 1.2)})
		}
	}
	slices.SortStableFunc(out, func(a, b Match) int {
		return cmp.Or(cmp.Compare(b.Score, a.Score), cmp.Compare(a.Number, b.Number))
	})
	return out
}

// Best gives the match to act on: a high score, and clearly above the next.
func (r Resolution) Best() (Match, bool) {
	if len(r) == 0 || r[0].Score < actScore || len(r) > 1 && !apart(r[0].Score, r[1].Score) {
		return Match{}, false
	}
	return r[0], true
}

// Sure gives the match that even a destructive act may take: the only high one by the words alone.
func (r Resolution) Sure() (Match, bool) {
	if len(r) == 0 {
		return Match{}, false
	}
	best := slices.MaxFunc(r, func(a, b Match) int { return cmp.Compare(a.Likeness, b.Likeness) })
	for _, m := range r {
		if !same(m.Candidate, best.Candidate) && !apart(best.Likeness, m.Likeness) {
			return Match{}, false
		}
	}
	return best, best.Likeness >= actScore
}

// Candidates lists what to offer in a question.
func (r Resolution) Candidates() []tandem.Candidate {
	var out []tandem.Candidate
	for _, m := range r {
		if len(out) == offered || m.Score < r[0].Score-0.35 {
			break
		}
		out = append(out, m.Candidate)
	}
	return out
}

// same reports that two candidates are one task; not every source knows both of its names.
func same(a, b tandem.Candidate) bool {
	return a.UID == b.UID && a.UID != "" || a.Number == b.Number && a.Number != 0
}

// apart reports that a is a margin above b; sums of boosts are not exact.
func apart(a, b float64) bool { return a-b > actMargin-1e-9 }

// boost is at most actMargin together: hints settle what words leave open, and never outweigh better words.
func (h Hints) boost(t Target) float64 {
	is := func(c tandem.Candidate) bool { return same(c, t.Candidate) }
	b := 0.0
	switch at := slices.IndexFunc(h.Focus, is); {
	case at == 0:
		b = actMargin
	case at > 0:
		b = 0.1
	}
	if slices.ContainsFunc(h.Shown, is) {
		b += 0.05
	}
	if t.DueAt != nil && t.DueAt.Sub(h.Now) < 48*time.Hour {
		b += 0.03
	}
	if !t.UpdatedAt.IsZero() && h.Now.Sub(t.UpdatedAt) < time.Hour {
		b += 0.02
	}
	return min(b, actMargin)
}

// likeness compares the words of a reference with those of a title.
func likeness(query, title []string) float64 {
	if len(title) == 0 {
		return 0
	}
	if slices.Equal(query, title) {
		return likeExact
	}
	quality, found, held := cover(query, title)
	switch {
	case found == len(query) && held == len(title) && len(query) == len(title) && quality > 0.97:
		return likeExact * quality // the same words, another order or number
	case found == len(query) && startsWith(title, query):
		return likePrefix * quality
	case found == len(query):
		return likeAll * quality
	case held == len(title):
		return likeSubset * quality
	}
	share := float64(found) / float64(len(query)) * quality
	return likeSome*share + likeShape*trigrams(strings.Join(query, " "), strings.Join(title, " "))
}

// cover tells how many words of the query the title has, how well on average, and how many words of the title that takes.
func cover(query, title []string) (quality float64, found, held int) {
	used := make([]bool, len(title))
	for _, q := range query {
		best, at := 0.0, -1
		for i, w := range title {
			if s := sameWord(q, w); s > best && !used[i] {
				best, at = s, i
			}
		}
		if at < 0 {
			continue
		}
		used[at] = true
		quality += best
		found++
		held++
	}
	if found > 0 {
		quality /= float64(found)
	}
	return quality, found, held
}

func startsWith(title, query []string) bool {
	if len(query) > len(title) {
		return false
	}
	for i, q := range query {
		if sameWord(q, title[i]) == 0 {
			return false
		}
	}
	return true
}

// sameWord compares two folded words: equal, of another number, begun, mistyped by one letter, or alike in shape.
func sameWord(q, w string) float64 {
	switch {
	case q == w:
		return 1
	case Singular(q) == Singular(w):
		return 0.98
	case len(q) >= 3 && strings.HasPrefix(w, q):
		return 0.98
	case len(q) >= 5 && len(w) >= 5 && OneEdit(q, w):
		return 0.95
	case len(q) >= 5 && len(w) >= 5 && trigrams(q, w) >= 0.5:
		return 0.7
	default:
		return 0
	}
}

// Singular drops the marks of the plural.
func Singular(w string) string {
	switch {
	case len(w) > 4 && strings.HasSuffix(w, "ies"):
		return w[:len(w)-3] + "y"
	case len(w) > 4 && (strings.HasSuffix(w, "ches") || strings.HasSuffix(w, "shes") || strings.HasSuffix(w, "xes")):
		return w[:len(w)-2]
	case len(w) > 3 && strings.HasSuffix(w, "s") && !strings.HasSuffix(w, "ss"):
		return w[:len(w)-1]
	default:
		return w
	}
}

// OneEdit reports whether one letter was left out, added, replaced, or swapped with the next.
func OneEdit(a, b string) bool {
	x, y := []rune(a), []rune(b)
	if len(x) > len(y) {
		x, y = y, x
	}
	i := 0
	for i < len(x) && x[i] == y[i] {
		i++
	}
	switch len(y) - len(x) {
	case 0:
		return slices.Equal(x[min(i+1, len(x)):], y[min(i+1, len(y)):]) ||
			i+1 < len(x) && x[i] == y[i+1] && x[i+1] == y[i] && slices.Equal(x[i+2:], y[i+2:])
	case 1:
		return slices.Equal(x[i:], y[i+1:])
	default:
		return false
	}
}

// trigrams is the Dice coefficient of the three-letter pieces of two texts.
func trigrams(a, b string) float64 {
	x, y := pieces(a), pieces(b)
	if len(x) == 0 || len(y) == 0 {
		return 0
	}
	both := 0
	for p := range x {
		if y[p] {
			both++
		}
	}
	return 2 * float64(both) / float64(len(x)+len(y))
}

func pieces(s string) map[string]bool {
	r := []rune("  " + s + " ")
	out := make(map[string]bool, len(r))
	for i := 0; i+3 <= len(r); i++ {
		out[string(r[i:i+3])] = true
	}
	return out
}

// filler are words that say nothing about which task is meant.
var filler = wordSet(`the a an my our your this that these those task tasks todo todos item items one ones entry entries please now
	to of for with from on in at off out list reminder reminders about called named titled thing
	die der das den dem ein eine einen meine meinen mein diese dieser aufgabe aufgaben bitte jetzt von aus auf mit im am zu zum zur liste`)

// content leaves out filler, unless nothing else is there.
func content(words []string) []string {
	out := slices.DeleteFunc(slices.Clone(words), func(w string) bool { return filler[w] })
	if len(out) == 0 {
		return words
	}
	return out
}

func wordSet(list string) map[string]bool {
	out := map[string]bool{}
	for w := range strings.FieldsSeq(list) {
		out[w] = true
	}
	return out
}
