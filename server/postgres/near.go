package postgres

import (
	"cmp"
	"context"
	"slices"
	"unicode/utf8"

	"tandem"
)

// Near misses: words of the user's own tasks that share enough trigrams with a searched word.
const (
	nearEnough   = 0.3    // of the trigrams of both, as pg_trgm has it, which a managed database may lack
	nearWords    = 8      // for each searched word
	maxNearTerms = 32     // for all of them
	nearAmongAll = 20_000 // tasks whose words are all looked at within a few milliseconds
)

// listNear fills the page with tasks that hold words near to the searched ones.
func (f *finder) listNear(ctx context.Context, page *tandem.Page) error {
	terms, err := f.nearTerms(ctx)
	if err != nil || len(terms) == 0 {
		return err
	}
	near := *f
	near.query.Search.Any = terms
	found, err := near.list(ctx)
	if err == nil && found.Total > 0 {
		found.Fuzzy = true
		*page = found
	}
	return err
}

// nearTerms gives words of the user's that are near to the searched ones.
func (f *finder) nearTerms(ctx context.Context) ([]tandem.Term, error) {
	var out []tandem.Term
	for _, term := range f.query.Search.Any {
		for _, word := range term {
			near, err := f.near(ctx, word)
			if err != nil {
				return nil, err
			}
			for _, w := range near[:min(len(near), maxNearTerms-len(out))] {
				out = append(out, tandem.Term{w})
			}
		}
	}
	return out, nil
}

// near looks among the user's words with the same first letter, which is where the right one is when a word was mistyped; where
// there are few tasks, among all.
func (f *finder) near(ctx context.Context, word string) ([]string, error) {
	_, first := utf8.DecodeRuneInString(word)
	near, err := f.nearWithin(ctx, word, word[:first], word[:first]+afterWords)
	if len(near) > 0 || err != nil || f.account.numbers > nearAmongAll {
		return near, err
	}
	return f.nearWithin(ctx, word, firstWord, afterWords)
}

func (f *finder) nearWithin(ctx context.Context, word, from, to string) ([]string, error) {
	words, err := list(ctx, f.conn, single[string], `
		select distinct word from words where user_id = $1 and word >= $2 and word < $3`, f.user, from, to)
	if err != nil {
		return nil, err
	}
	return nearest(word, words), nil
}

// nearest gives the words most like the given one, the nearest first.
func nearest(word string, words []string) []string {
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
