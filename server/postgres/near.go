package postgres

import (
	"context"
	"unicode/utf8"

	"tandem"
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
			for _, w := range near[:min(len(near), tandem.MaxNearTerms-len(out))] {
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
	if len(near) > 0 || err != nil || f.account.numbers > tandem.NearAmongAll {
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
	return tandem.NearWords(word, words), nil
}
