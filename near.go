package tandem

import (
	"cmp"
	"slices"
)

// Near misses: where a search finds nothing, words of the user's own tasks that share enough trigrams with a searched word.
const (
	nearEnough = 0.3 // of the trigrams of both, as Postgres' pg_trgm has it
	nearWords  = 8   // for each searched word
	// MaxNearTerms bounds them for all searched words.
	MaxNearTerms = 32
	// NearAmongAll is how many tasks a user may have for all of their words to be looked at; beyond it only those with the searched
	// word's first letter are, which is where the right one is when a word was mistyped.
	NearAmongAll = 20_000
)

// NearWords gives those of words that are most like the given one, the nearest first.
func NearWords(word string, words []string) []string {
	type scored struct {
		word  string
		score float64
	}
	var best []scored
	grams := trigrams(word)
	for _, w := range words {
		if score := likeness(grams, w); score >= nearEnough {
			best = append(best, scored{w, score})
		}
	}
	slices.SortFunc(best, func(a, b scored) int {
		return cmp.Or(cmp.Compare(b.score, a.score), cmp.Compare(a.word, b.word))
	})
	out := make([]string, 0, nearWords)
	for _, b := range best[:min(len(best), nearWords)] {
		out = append(out, b.word)
	}
	return out
}

// trigrams of a word as pg_trgm counts them: two spaces before it, one behind.
func trigrams(word string) map[string]bool {
	runes := []rune("  " + word + " ")
	grams := make(map[string]bool, len(runes))
	for i := 0; i+3 <= len(runes); i++ {
		grams[string(runes[i:i+3])] = true
	}
	return grams
}

// likeness is the share of trigrams that two words have in common.
func likeness(grams map[string]bool, word string) float64 {
	n, m := len(grams), len(word)+1 // m is right for ASCII and otherwise too high, which only the exact count below decides
	if float64(min(n, m))/float64(max(n, m)) < nearEnough && m < n {
		return 0
	}
	others := trigrams(word)
	common := 0
	for g := range others {
		if grams[g] {
			common++
		}
	}
	return float64(common) / float64(n+len(others)-common)
}
