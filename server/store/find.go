package store

import (
	"context"
	"unicode/utf8"

	"tandem"
)

// Index tells which tasks of one user fit a query. Status and priority come from the facets, due dates and tags from their indexes,
// words from theirs; each gives a set of numbers, and the sets are joined here. So the work is that of reading each set once,
// whatever the order of the list.
type Index interface {
	// Facets marks the tasks that fit, with Marks.Fit.
	Facets(ctx context.Context, fits *Fits, m *Marks) error
	// Due adds the tasks of a status in the stretch of due dates that the query asks for.
	Due(ctx context.Context, q tandem.Query, status int, set *Bitset) error
	// Tag adds the tasks that carry a folded tag.
	Tag(ctx context.Context, tag string, set *Bitset) error
	// UIDs adds the named tasks.
	UIDs(ctx context.Context, uids []string, set *Bitset) error
	// Words weighs the marked tasks by the search, with Marks.Weigh, and drops those that it excludes.
	Words(ctx context.Context, s tandem.Search, m *Marks) error
	// Between lists the words of all tasks from one up to another.
	Between(ctx context.Context, from, to string) ([]string, error)
}

// dated reports that the query asks for a stretch of due dates.
func dated(q tandem.Query) bool { return q.DueFrom != nil || q.DueTo != nil || q.Overdue }

// find gives the marks of the query; nil: every task of the statuses that it asks for.
func (l *Listing) find(ctx context.Context) (*Marks, error) {
	q := l.Query
	if q.Search.IsZero() && len(q.Priority)+len(q.Tags)+len(q.TagsAny) == 0 && q.Refs == nil && !q.NoDue && !dated(q) {
		return nil, nil
	}
	m := NewMarks(l.Account.Numbers)
	if err := l.Index.Facets(ctx, fitting(q), m); err != nil {
		return nil, err
	}
	for _, narrow := range []func(context.Context, *Marks) error{l.byDue, l.byTags, l.byRefs} {
		if err := narrow(ctx, m); err != nil {
			return nil, err
		}
	}
	if !q.Search.IsZero() {
		if err := l.Index.Words(ctx, q.Search, m); err != nil {
			return nil, err
		}
	}
	m.tally()
	return m, nil
}

func (l *Listing) byDue(ctx context.Context, m *Marks) error {
	if !dated(l.Query) {
		return nil
	}
	var set Bitset
	for _, status := range statuses(l.Query) {
		if l.Query.Overdue && status != Pending {
			continue
		}
		if err := l.Index.Due(ctx, l.Query, status, &set); err != nil {
			return err
		}
	}
	m.keep(&set)
	return nil
}

func (l *Listing) byTags(ctx context.Context, m *Marks) error {
	groups := make([][]string, 0, len(l.Query.Tags)+len(l.Query.TagsAny))
	for _, tag := range l.Query.Tags {
		groups = append(groups, []string{tag})
	}
	for _, group := range append(groups, l.Query.TagsAny...) {
		var set Bitset
		for _, tag := range group {
			if err := l.Index.Tag(ctx, tandem.Fold(tag), &set); err != nil {
				return err
			}
		}
		m.keep(&set)
	}
	return nil
}

func (l *Listing) byRefs(ctx context.Context, m *Marks) error {
	if l.Query.Refs == nil {
		return nil
	}
	var set Bitset
	var uids []string
	for _, ref := range l.Query.Refs {
		switch {
		case ref.UID != "":
			uids = append(uids, ref.UID)
		case ref.Number > 0 && ref.Number <= l.Account.Numbers:
			set.Add(ref.Number)
		}
	}
	if len(uids) > 0 {
		if err := l.Index.UIDs(ctx, uids, &set); err != nil {
			return err
		}
	}
	m.keep(&set)
	return nil
}

// near fills the page with tasks that hold words near to the searched ones.
func (l *Listing) near(ctx context.Context, page *tandem.Page) error {
	terms, err := l.nearTerms(ctx)
	if err != nil || len(terms) == 0 {
		return err
	}
	near := *l
	near.Query.Search.Any = terms
	found, err := near.page(ctx)
	if err == nil && found.Total > 0 {
		found.Fuzzy = true
		*page = found
	}
	return err
}

// nearTerms gives words of the user's that are near to the searched ones.
func (l *Listing) nearTerms(ctx context.Context) ([]tandem.Term, error) {
	var out []tandem.Term
	for _, term := range l.Query.Search.Any {
		for _, word := range term {
			near, err := l.nearWords(ctx, word)
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

// A word begins with a letter or a digit. AfterWords is behind every word, and behind all words with the same beginning when it is
// added to that.
const (
	firstWord  = "0"
	AfterWords = "\U0010ffff"
)

// nearWords looks among the user's words with the same first letter, which is where the right one is when a word was mistyped;
// where there are few tasks, among all.
func (l *Listing) nearWords(ctx context.Context, word string) ([]string, error) {
	_, first := utf8.DecodeRuneInString(word)
	near, err := l.nearBetween(ctx, word, word[:first], word[:first]+AfterWords)
	if len(near) > 0 || err != nil || l.Account.Numbers > tandem.NearAmongAll {
		return near, err
	}
	return l.nearBetween(ctx, word, firstWord, AfterWords)
}

func (l *Listing) nearBetween(ctx context.Context, word, from, to string) ([]string, error) {
	words, err := l.Index.Between(ctx, from, to)
	return tandem.NearWords(word, words), err
}
