package postgres

import (
	"context"
	"encoding/binary"
	"math"
	"slices"
	"time"
	"unicode/utf8"

	"tandem"
	"tandem/server/store"
)

// finder reads for the lists of a user, on one state.
type finder struct {
	*conn
	user    tandem.UserID
	account store.Account
}

// Before the first and behind the last due date that can be.
var (
	firstDue = time.Date(-4000, 1, 1, 0, 0, 0, 0, time.UTC)
	lastDue  = time.Date(200_000, 1, 1, 0, 0, 0, 0, time.UTC)
)

// dueRange gives the stretch of due dates that the query asks for, both ends included.
func dueRange(q tandem.Query) (from, to time.Time) {
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
	return from, to
}

// numbers adds the numbers of a query that packs them into one value to the set. A row for each would take three times as long.
func (f *finder) numbers(ctx context.Context, set *store.Bitset, query string, args ...any) error {
	var packed []byte
	if _, err := f.one(ctx, into(&packed), query, args...); err != nil {
		return err
	}
	for ; len(packed) >= 8; packed = packed[8:] {
		set.Add(int64(binary.BigEndian.Uint64(packed)))
	}
	return nil
}

// Due reads the index of due dates.
func (f *finder) Due(ctx context.Context, q tandem.Query, status int, set *store.Bitset) error {
	from, to := dueRange(q)
	return f.numbers(ctx, set, `
		select string_agg(int8send(number), '') from tasks where user_id = $1 and status = $2 and due_at between $3 and $4`, f.user, status, from, to)
}

// Tag reads the index of tags.
func (f *finder) Tag(ctx context.Context, tag string, set *store.Bitset) error {
	return f.numbers(ctx, set, `select string_agg(int8send(task), '') from task_tags where user_id = $1 and tag = $2`, f.user, tag)
}

// UIDs reads the numbers of the named tasks.
func (f *finder) UIDs(ctx context.Context, uids []string, set *store.Bitset) error {
	return f.numbers(ctx, set, `select string_agg(int8send(number), '') from tasks where user_id = $1 and uid = any ($2)`, f.user, uids)
}

// Words looks the terms of a search up. What one excludes need not be looked at for the next.
func (f *finder) Words(ctx context.Context, s tandem.Search, m *store.Marks) error {
	for _, term := range s.Not {
		hits, err := f.hits(ctx, term, m)
		if err != nil {
			return err
		}
		m.Drop(hits)
	}
	if len(s.Any) == 0 {
		return nil
	}
	all := make([]*store.Bitset, len(s.Any))
	for i, term := range s.Any {
		var err error
		if all[i], err = f.hits(ctx, term, m); err != nil {
			return err
		}
	}
	m.Weigh(all)
	return nil
}

// Between reads the vocabulary of the index.
func (f *finder) Between(ctx context.Context, from, to string) ([]string, error) {
	return list(ctx, f.conn, single[string], `
		select distinct word from words where user_id = $1 and word >= $2 and word < $3`, f.user, from, to)
}

// hits looks a term up: twice the number of each task that holds it in the title, and that plus one for the description. Tasks
// that are not marked may be left out.
func (f *finder) hits(ctx context.Context, term tandem.Term, m *store.Marks) (*store.Bitset, error) {
	set, err := f.candidates(ctx, term)
	if err != nil {
		return nil, err
	}
	sure := int64(0) // the first number that the index alone decides on
	switch {
	case len(term) > 2 || slices.ContainsFunc(term, long):
		sure = f.account.Numbers + 1
	case len(term) == 2:
		sure = firstChunkEnd
	}
	return f.verified(ctx, term, set, m, sure)
}

// long reports a word that the index may have cut, by less than a character.
func long(word string) bool { return len(word) > maxWord-utf8.UTFMax }

// candidates gives the hits of all words of a term; behind the first chunk, of its pairs.
func (f *finder) candidates(ctx context.Context, term tandem.Term) (*store.Bitset, error) {
	last := len(term) - 1
	end := indexed(term[last])
	if last == 0 && utf8.RuneCountInString(end) > 1 {
		return f.within(ctx, end, end+store.AfterWords, everyChunk)
	}
	set, err := f.within(ctx, end, end+store.AfterWords, 0)
	if err != nil {
		return nil, err
	}
	var rest *store.Bitset
	if last == 0 {
		rest, err = f.within(ctx, letterOf(end), letterOf(end)+" ", everyChunk)
	} else {
		pair := pairOf(term[last-1], end)
		rest, err = f.within(ctx, pair, pair+store.AfterWords, everyChunk)
	}
	for i := 0; i < last && err == nil; i++ {
		if err = f.narrow(ctx, set, indexed(term[i]), 0); err == nil && i+1 < last {
			err = f.narrow(ctx, rest, pairOf(term[i], term[i+1]), everyChunk)
		}
	}
	if err != nil {
		return nil, err
	}
	set.Or(rest)
	return set, nil
}

// narrow keeps the hits of a row of the index.
func (f *finder) narrow(ctx context.Context, set *store.Bitset, word string, chunks int32) error {
	hits, err := f.within(ctx, word, word+" ", chunks) // no word goes on with a space
	if err == nil {
		set.And(hits)
	}
	return err
}

// everyChunk is behind the last chunk that can be.
const everyChunk = math.MaxInt32

// within joins the hits of a stretch of the index, up to a chunk.
func (f *finder) within(ctx context.Context, from, to string, chunks int32) (*store.Bitset, error) {
	var set store.Bitset
	_, err := list(ctx, f.conn, func(r row) (struct{}, error) {
		var chunk int64
		var hits []byte
		err := r.Scan(&chunk, &hits)
		addPlaces(&set, chunk<<placesBits, hits)
		return struct{}{}, err
	}, `select chunk, hits from words where user_id = $1 and word >= $2 and word < $3 and chunk <= $4`, f.user, from, to, chunks)
	return &set, err
}

// verified keeps the hits whose task holds the whole term, looking at the tasks up to a number: their words stand there, but maybe
// not in a row, or they are longer than what is indexed.
func (f *finder) verified(ctx context.Context, term tandem.Term, set *store.Bitset, m *store.Marks, sure int64) (*store.Bitset, error) {
	var numbers []int64
	set.Each(func(n int64) {
		if n >>= 1; n < sure && m.Of(n) > 0 && (len(numbers) == 0 || numbers[len(numbers)-1] != n) {
			numbers = append(numbers, n)
		}
	})
	set.Forget(2 * sure)
	if !slices.ContainsFunc(term, long) && len(numbers) > 0 {
		var err error
		if numbers, err = f.byVector(ctx, term, numbers, set); err != nil {
			return nil, err
		}
	}
	return set, f.byText(ctx, term, numbers, set)
}

// byVector adds the hits of a term among the tasks, and gives the tasks that have no vector.
func (f *finder) byVector(ctx context.Context, term tandem.Term, numbers []int64, out *store.Bitset) (unknown []int64, err error) {
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
		out.Put(2*number, *title)
		out.Put(2*number+1, *description)
		return struct{}{}, nil
	}, `
		select number, words @@ $3::text::tsquery, words @@ $4::text::tsquery from tasks where user_id = $1 and number = any ($2)`,
		f.user, numbers, phraseQuery(term, 0), phraseQuery(term, 1))
	return unknown, err
}

// byText adds the hits of a term among the tasks by their own text.
func (f *finder) byText(ctx context.Context, term tandem.Term, numbers []int64, out *store.Bitset) error {
	if len(numbers) == 0 {
		return nil
	}
	tasks, err := tasksByNumber(ctx, f.conn, f.user, numbers)
	for _, t := range tasks {
		for part, text := range texts(&t) {
			out.Put(2*t.Number+int64(part), term.In(tandem.Words(text)))
		}
	}
	return err
}
