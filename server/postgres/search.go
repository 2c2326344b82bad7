package postgres

import (
	"context"
	"encoding/binary"
	"math"
	"slices"
	"time"
	"unicode/utf8"

	"tandem"
)

// finder turns a query into marks: which tasks belong to the list, and how well they match. Status and priority come from the
// facets, due dates and tags from their indexes, words from theirs; each gives a set of numbers, and the sets are joined here.
// So the work is that of reading each set once, whatever the order of the list.
type finder struct {
	*conn
	user    tandem.UserID
	account account
	query   tandem.Query
}

// find gives the marks of the query; nil: every task of the statuses that it asks for.
func (f *finder) find(ctx context.Context) (*marks, error) {
	q := f.query
	_, _, dated := dueRange(q)
	if q.Search.IsZero() && len(q.Priority)+len(q.Tags)+len(q.TagsAny) == 0 && q.Refs == nil && !q.NoDue && !dated {
		return nil, nil
	}
	m, err := f.byFacets(ctx)
	if err != nil {
		return nil, err
	}
	for _, narrow := range []func(context.Context, *marks) error{f.byDue, f.byTags, f.byRefs, f.byWords} {
		if err := narrow(ctx, m); err != nil {
			return nil, err
		}
	}
	m.tally()
	return m, nil
}

// statuses lists what the query's status means.
func statuses(q tandem.Query) []int {
	switch q.Status {
	case tandem.StatusOnlyPending:
		return []int{pending}
	case tandem.StatusOnlyCompleted:
		return []int{completed}
	case tandem.StatusOnlyDeleted:
		return []int{deleted}
	default:
		return []int{pending, completed}
	}
}

// Before the first and behind the last due date that can be.
var (
	firstDue = time.Date(-4000, 1, 1, 0, 0, 0, 0, time.UTC)
	lastDue  = time.Date(200_000, 1, 1, 0, 0, 0, 0, time.UTC)
)

// dueRange gives the stretch of due dates that the query asks for, both ends included; false when it asks for none.
func dueRange(q tandem.Query) (from, to time.Time, ok bool) {
	from, to = firstDue, lastDue
	if q.DueFrom != nil && q.DueFrom.After(from) {
		from = q.DueFrom.Add(time.Microsecond - time.Nanosecond).Truncate(time.Microsecond)
	}
	if q.DueTo != nil && q.DueTo.Before(to) {
		to = q.DueTo.Truncate(time.Microsecond)
	}
	if before := q.Now.Add(-time.Nanosecond).Truncate(time.Microsecond); q.Overdue && before.Before(to) {
		to = before
	}
	return from, to, q.DueFrom != nil || q.DueTo != nil || q.Overdue
}

// numbers adds the numbers of a query that packs them into one value to the set. A row for each would take three times as long.
func (f *finder) numbers(ctx context.Context, set *bitset, query string, args ...any) error {
	var packed []byte
	if _, err := f.one(ctx, into(&packed), query, args...); err != nil {
		return err
	}
	for ; len(packed) >= 8; packed = packed[8:] {
		set.add(int64(binary.BigEndian.Uint64(packed)))
	}
	return nil
}

func (f *finder) byDue(ctx context.Context, m *marks) error {
	from, to, ok := dueRange(f.query)
	if !ok {
		return nil
	}
	var set bitset
	for _, status := range statuses(f.query) {
		if f.query.Overdue && status != pending {
			continue
		}
		if err := f.numbers(ctx, &set, `
			select string_agg(int8send(number), '') from tasks where user_id = $1 and status = $2 and due_at between $3 and $4`,
			f.user, status, from, to); err != nil {
			return err
		}
	}
	m.keep(&set)
	return nil
}

func (f *finder) byTags(ctx context.Context, m *marks) error {
	groups := make([][]string, 0, len(f.query.Tags)+len(f.query.TagsAny))
	for _, tag := range f.query.Tags {
		groups = append(groups, []string{tag})
	}
	for _, group := range append(groups, f.query.TagsAny...) {
		var set bitset
		for _, tag := range group {
			if err := f.numbers(ctx, &set, `select string_agg(int8send(task), '') from task_tags where user_id = $1 and tag = $2`,
				f.user, tandem.Fold(tag)); err != nil {
				return err
			}
		}
		m.keep(&set)
	}
	return nil
}

func (f *finder) byRefs(ctx context.Context, m *marks) error {
	if f.query.Refs == nil {
		return nil
	}
	var set bitset
	uids := []string{}
	for _, ref := range f.query.Refs {
		switch {
		case ref.UID != "":
			uids = append(uids, ref.UID)
		case ref.Number > 0 && ref.Number <= f.account.numbers:
			set.add(ref.Number)
		}
	}
	if len(uids) > 0 {
		if err := f.numbers(ctx, &set, `
			select string_agg(int8send(number), '') from tasks where user_id = $1 and uid = any ($2)`, f.user, uids); err != nil {
			return err
		}
	}
	m.keep(&set)
	return nil
}

// maxRank bounds a weight. No search comes near it: it has at most 32 terms, of at most 3 each.
const maxRank = 250

// byWords weighs the marked tasks by the search and unmarks those that it does not find.
func (f *finder) byWords(ctx context.Context, m *marks) error {
	s := f.query.Search
	for _, term := range s.Not {
		hits, err := f.hits(ctx, term, m)
		if err != nil {
			return err
		}
		hits.each(func(n int64) { m.weight[n>>1] = 0 })
	}
	if len(s.Any) == 0 {
		return nil
	}
	rank := make([]uint8, len(m.weight))
	for _, term := range s.Any {
		hits, err := f.hits(ctx, term, m)
		if err != nil {
			return err
		}
		hits.each(func(n int64) { rank[n>>1] += min(2-uint8(n&1), maxRank-rank[n>>1]) })
	}
	for i := range m.weight {
		m.weight[i] *= rank[i]
	}
	return nil
}

// hits looks a term up: twice the number of each task that holds it in the title, and that plus one for the description. Tasks
// that are not marked may be left out.
func (f *finder) hits(ctx context.Context, term tandem.Term, m *marks) (*bitset, error) {
	set, err := f.candidates(ctx, term)
	if err != nil {
		return nil, err
	}
	sure := int64(0) // the first number that the index alone decides on
	switch {
	case len(term) > 2 || slices.ContainsFunc(term, long):
		sure = f.account.numbers + 1
	case len(term) == 2:
		sure = firstChunkEnd
	}
	return f.verified(ctx, term, set, m, sure)
}

// long reports a word that the index may have cut, by less than a character.
func long(word string) bool { return len(word) > maxWord-utf8.UTFMax }

// candidates gives the hits of all words of a term; behind the first chunk, of its pairs.
func (f *finder) candidates(ctx context.Context, term tandem.Term) (*bitset, error) {
	last := len(term) - 1
	end := indexed(term[last])
	if last == 0 && utf8.RuneCountInString(end) > 1 {
		return f.within(ctx, end, end+afterWords, everyChunk)
	}
	set, err := f.within(ctx, end, end+afterWords, 0)
	if err != nil {
		return nil, err
	}
	var rest *bitset
	if last == 0 {
		rest, err = f.within(ctx, letterOf(end), letterOf(end)+" ", everyChunk)
	} else {
		pair := pairOf(term[last-1], end)
		rest, err = f.within(ctx, pair, pair+afterWords, everyChunk)
	}
	for i := 0; i < last && err == nil; i++ {
		if err = f.narrow(ctx, set, indexed(term[i]), 0); err == nil && i+1 < last {
			err = f.narrow(ctx, rest, pairOf(term[i], term[i+1]), everyChunk)
		}
	}
	if err != nil {
		return nil, err
	}
	set.or(rest)
	return set, nil
}

// narrow keeps the hits of a row of the index.
func (f *finder) narrow(ctx context.Context, set *bitset, word string, chunks int32) error {
	hits, err := f.within(ctx, word, word+" ", chunks) // no word goes on with a space
	if err == nil {
		set.and(hits)
	}
	return err
}

// everyChunk is behind the last chunk that can be.
const everyChunk = math.MaxInt32

// within joins the hits of a stretch of the index, up to a chunk.
func (f *finder) within(ctx context.Context, from, to string, chunks int32) (*bitset, error) {
	var set bitset
	_, err := list(ctx, f.conn, func(r row) (struct{}, error) {
		var chunk int64
		var hits []byte
		err := r.Scan(&chunk, &hits)
		set.addPlaces(chunk<<placesBits, hits)
		return struct{}{}, err
	}, `select chunk, hits from words where user_id = $1 and word >= $2 and word < $3 and chunk <= $4`, f.user, from, to, chunks)
	return &set, err
}

// verified keeps the hits whose task holds the whole term, looking at the tasks up to a number: their words stand there, but maybe
// not in a row, or they are longer than what is indexed.
func (f *finder) verified(ctx context.Context, term tandem.Term, set *bitset, m *marks, sure int64) (*bitset, error) {
	var numbers []int64
	set.each(func(n int64) {
		if n >>= 1; n < sure && m.of(n) > 0 && (len(numbers) == 0 || numbers[len(numbers)-1] != n) {
			numbers = append(numbers, n)
		}
	})
	set.forget(2 * sure)
	if !slices.ContainsFunc(term, long) && len(numbers) > 0 {
		var err error
		if numbers, err = f.byVector(ctx, term, numbers, set); err != nil {
			return nil, err
		}
	}
	return set, f.byText(ctx, term, numbers, set)
}

// byVector adds the hits of a term among the tasks, and gives the tasks that have no vector.
func (f *finder) byVector(ctx context.Context, term tandem.Term, numbers []int64, out *bitset) (unknown []int64, err error) {
	_, err = list(ctx, f.conn, func(r row) (struct{}, error) {
		var number int64
		var title, description *bool
		if err := r.Scan(&number, &title, &description); err != nil {
			return struct{}{}, err
		}
		if title == nil || description == nil {
			unknown = append(unknown, number)
			return struct{}{}, nil
		}
		out.put(2*number, *title)
		out.put(2*number+1, *description)
		return struct{}{}, nil
	}, `
		select number, words @@ $3::text::tsquery, words @@ $4::text::tsquery from tasks where user_id = $1 and number = any ($2)`,
		f.user, numbers, phraseQuery(term, 0), phraseQuery(term, 1))
	return unknown, err
}

// byText adds the hits of a term among the tasks by their own text.
func (f *finder) byText(ctx context.Context, term tandem.Term, numbers []int64, out *bitset) error {
	if len(numbers) == 0 {
		return nil
	}
	tasks, err := tasksByNumber(ctx, f.conn, f.user, numbers)
	for _, t := range tasks {
		for part, text := range texts(&t) {
			out.put(2*t.Number+int64(part), term.In(tandem.Words(text)))
		}
	}
	return err
}
