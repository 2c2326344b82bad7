package sqlite

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"

	"tandem"
)

// finder turns a query into marks: which tasks belong to the list, and how well they match. Status and priority come from the
// facets, due dates and tags from their indexes, words from theirs; each gives a set of numbers, and the sets are joined here.
// So the work is that of reading each set once, whatever the order of the list.
type finder struct {
	*conn
	db      *DB
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

// dueRange gives the stretch of due dates that the query asks for, both ends included; false when it asks for none.
func dueRange(q tandem.Query) (from, to int64, ok bool) {
	from, to = 0, 1<<62
	if q.DueFrom != nil {
		from = (q.DueFrom.UnixNano() + 999_999) / 1_000_000
	}
	if q.DueTo != nil {
		to = milli(*q.DueTo)
	}
	if q.Overdue {
		to = min(to, (q.Now.UnixNano()-1)/1_000_000)
	}
	return from, to, q.DueFrom != nil || q.DueTo != nil || q.Overdue
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
		if err := set.readInto(ctx, f.conn, `
			select bitset(id - ?) from tasks where user_id = ? and status = ? and due_at between ? and ?`,
			taskID(f.account.ordinal, 0), f.user, status, from, to); err != nil {
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
			if err := set.readInto(ctx, f.conn, `select bitset(id - ?) from task_tags where user_id = ? and tag = ?`,
				taskID(f.account.ordinal, 0), f.user, tandem.Fold(tag)); err != nil {
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
	for _, ref := range f.query.Refs {
		number := ref.Number
		if ref.UID != "" {
			number = 0
			if _, err := f.one(ctx, into(&number), `select number from tasks where user_id = ? and uid = ?`, f.user, ref.UID); err != nil {
				return err
			}
		}
		if number > 0 && number <= f.account.numbers {
			set.add(number)
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
	hits, err := f.hitsOf(ctx, slices.Concat(s.Not, s.Any))
	if err != nil {
		return err
	}
	for _, set := range hits[:len(s.Not)] {
		set.each(func(n int64) { m.weight[n>>1] = 0 })
	}
	if len(s.Any) == 0 {
		return nil
	}
	rank := make([]uint8, len(m.weight))
	for _, set := range hits[len(s.Not):] {
		set.each(func(n int64) { rank[n>>1] += min(2-uint8(n&1), maxRank-rank[n>>1]) })
	}
	for i := range m.weight {
		m.weight[i] *= rank[i]
	}
	return nil
}

// manyTasks is from how many tasks on the terms of a search are looked up side by side. One that nearly every task holds takes a
// tenth of a microsecond for each of them.
const manyTasks = 20_000

// hitsOf looks terms up. Where there are many tasks, readers that are free help, as far as they see the user as f does.
func (f *finder) hitsOf(ctx context.Context, terms []tandem.Term) ([]*bitset, error) {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	sets := make([]*bitset, len(terms))
	errs := make([]error, len(terms))
	var next atomic.Int64
	work := func(f *finder) {
		for i := next.Add(1) - 1; i < int64(len(terms)); i = next.Add(1) - 1 {
			if sets[i], errs[i] = f.hits(ctx, terms[i]); errs[i] != nil {
				stop()
			}
		}
	}
	var helping sync.WaitGroup
	if f.account.numbers >= f.db.manyTasks {
		for range min(len(terms), readConns) - 1 {
			helping.Go(func() { f.assist(ctx, work) })
		}
	}
	work(f)
	helping.Wait()
	return sets, errors.Join(errs...)
}

// assist lets a free reader do some of the work of f. One that has none, or another state of the user, does nothing: f does it all.
func (f *finder) assist(ctx context.Context, work func(*finder)) {
	select {
	case c := <-f.db.readers:
		defer func() { f.db.readers <- c }()
		err := c.transact(ctx, "begin", func(ctx context.Context, c *conn) error {
			a, _, err := readAccount(ctx, c, f.user)
			if err == nil && a == f.account {
				work(&finder{conn: c, db: f.db, user: f.user, account: a, query: f.query})
			}
			return err
		})
		if err != nil && ctx.Err() == nil {
			f.db.log.WarnContext(ctx, "search not assisted", "user_id", f.user, "err", err)
		}
	default:
	}
}

// hits looks a term up: twice the number of each task that holds it in the title, and that plus one for the description.
func (f *finder) hits(ctx context.Context, term tandem.Term) (*bitset, error) {
	match := `"` + tokensOf(f.account.ordinal, term) + `" *`
	many := f.account.numbers >= f.db.manyTasks
	if set := f.db.found.get(f.account, match); many && set != nil {
		return set, nil
	}
	set := &bitset{}
	err := set.readInto(ctx, f.conn, `select bitset(rowid - ?) from words where words match ?`, taskID(f.account.ordinal, 0)<<1, match)
	if err != nil {
		return nil, fmt.Errorf("look up words: %w", err)
	}
	if many {
		f.db.found.put(f.account, match, set)
	}
	return set, nil
}

// jsonList writes an argument for json_each. Lists of numbers always encode.
func jsonList(values []int64) string {
	data, err := json.Marshal(some(values))
	if err != nil {
		panic(err)
	}
	return string(data)
}
