package store

import (
	"context"
	"slices"
	"time"

	"tandem"
)

// Listing is one page of a user's tasks on its way. A store reads for it, on one state.
type Listing struct {
	Query   tandem.Query
	Account Account
	Now     time.Time
	Index   Index
	Rows    Rows

	// What the store orders by instead of an instant and a title.
	Instant func(time.Time) int64
	Title   func(string) string
}

// Rows reads the tasks of one user in the order of a list.
type Rows interface {
	// Entries reads those with the given numbers, in no particular order. By rank, their keys stay empty.
	Entries(ctx context.Context, sort tandem.Sort, numbers []int64) ([]Entry, error)
	// Stretch reads entries along the index of the order. By rank, their keys stay empty.
	Stretch(ctx context.Context, s *Stretch) ([]Entry, error)
	// Tasks reads the tasks of entries, in their order.
	Tasks(ctx context.Context, entries []Entry) ([]tandem.Task, error)
	// TasksAt reads all tasks as they were at an instant, in no particular order.
	TasksAt(ctx context.Context, at time.Time) ([]tandem.Task, error)
	// Chunk tells how many rows of an index to read after so many; 0: at first.
	Chunk(last int) int
}

// Page gives the page that the query selects. AsOf answers from the versions of the last 30 days. Where a search finds nothing and
// Fuzzy is set, tasks with similar words are given and marked.
func (l Listing) Page(ctx context.Context) (page tandem.Page, err error) {
	l.Query = l.Query.Normal()
	l.Query.Limit = min(max(l.Query.Limit, 1), tandem.MaxLimit)
	switch {
	case l.Query.AsOf != nil:
		page, err = l.asOf(ctx, *l.Query.AsOf)
	default:
		page, err = l.page(ctx)
		if err == nil && page.Total == 0 && l.Query.Fuzzy {
			err = l.near(ctx, &page)
		}
	}
	if page.Tasks == nil {
		page.Tasks = []tandem.Task{}
	}
	return page, err
}

func (l *Listing) page(ctx context.Context) (page tandem.Page, err error) {
	m, err := l.find(ctx)
	if err != nil {
		return page, err
	}
	page.Total = l.total(m)
	if page.Total == 0 {
		return page, nil
	}
	entries, err := l.entries(ctx, m)
	if err != nil {
		return page, err
	}
	entries, page.Next = l.cut(entries)
	page.Tasks, err = l.Rows.Tasks(ctx, entries)
	return page, err
}

func (l *Listing) total(m *Marks) int {
	if m != nil {
		return m.total
	}
	n := int64(0)
	for _, s := range statuses(l.Query) {
		n += l.Account.Tasks[s]
	}
	return int(n)
}

// cut ends the page after its last entry, and gives the position of that one where there are more.
func (l *Listing) cut(entries []Entry) ([]Entry, *tandem.Position) {
	if len(entries) <= l.Query.Limit {
		return entries, nil
	}
	entries = entries[:l.Query.Limit]
	last := entries[len(entries)-1]
	return entries, &tandem.Position{Key: last.Key.position(l.Query.Sort), UID: last.UID}
}

// entries gives the page and one more, in order.
func (l *Listing) entries(ctx context.Context, m *Marks) ([]Entry, error) {
	want := l.Query.Limit + 1 + l.Query.Offset
	var out []Entry
	var err error
	switch {
	case m != nil && l.few(m.total, want):
		out, err = l.sorted(ctx, m, func(int) bool { return true })
	case l.Query.Sort == tandem.SortRank:
		out, err = l.byRank(ctx, m, want)
	default:
		out, err = l.walk(ctx, l.cursor(), want, func(e *Entry) bool { return m == nil || m.Of(e.Number) > 0 })
	}
	if err != nil {
		return nil, err
	}
	out = out[min(l.Query.Offset, len(out)):]
	return out[:min(len(out), l.Query.Limit+1)], nil
}

// few reports that n tasks are read and sorted faster than they are met on a walk along the index of the order, where one row in
// numbers/n is one of them. Reading one by its id costs about four times as much as the next row of an index.
func (l *Listing) few(n, want int) bool {
	return 4*n*n <= want*int(l.Account.Numbers)
}

// byRank goes through the weights, the best first.
func (l *Listing) byRank(ctx context.Context, m *Marks, want int) ([]Entry, error) {
	var out []Entry
	after := l.cursor()
	levels := m.levels()
	if l.Query.Desc {
		slices.Reverse(levels)
	}
	for _, level := range levels {
		if after != nil && l.order(Entry{Key: Key{Num: int64(level)}, UID: lastUID(l.Query.Desc)}, *after) <= 0 {
			continue
		}
		from := after
		if after != nil && after.Key.Num != int64(level) {
			from = nil
		}
		more, err := l.level(ctx, m, level, from, want-len(out))
		if err != nil {
			return nil, err
		}
		if out = append(out, more...); len(out) >= want {
			break
		}
	}
	return out, nil
}

// lastUID stands behind every uid of its level.
func lastUID(desc bool) string {
	if desc {
		return ""
	}
	return "\U0010ffff"
}

// level gives the tasks of one weight behind a cursor of that weight.
func (l *Listing) level(ctx context.Context, m *Marks, level int, after *Entry, want int) ([]Entry, error) {
	if l.few(m.count[level], want) {
		out, err := l.sorted(ctx, m, func(weight int) bool { return weight == level })
		return out[:min(want, len(out))], err
	}
	return l.walk(ctx, after, want, func(e *Entry) bool {
		e.Key.Num = int64(m.Of(e.Number))
		return e.Key.Num == int64(level)
	})
}

// sorted reads the entries of the marked tasks whose weight is wanted, and gives those behind the cursor.
func (l *Listing) sorted(ctx context.Context, m *Marks, wanted func(weight int) bool) ([]Entry, error) {
	out, err := l.Rows.Entries(ctx, l.Query.Sort, m.numbers(wanted))
	if err != nil {
		return nil, err
	}
	if l.Query.Sort == tandem.SortRank {
		for i := range out {
			out[i].Key.Num = int64(m.Of(out[i].Number))
		}
	}
	slices.SortFunc(out, l.order)
	return l.behind(out), nil
}

// asOf gives the list as it was at an instant, out of the versions that were current then.
func (l *Listing) asOf(ctx context.Context, at time.Time) (page tandem.Page, err error) {
	if oldest := l.Now.Add(-tandem.KeepVersions); at.Before(oldest) {
		return page, tandem.Invalid("as_of", tandem.Stamp(at).String(), "The past is kept for 30 days, so as_of goes back to %s.", tandem.Stamp(oldest))
	}
	all, err := l.Rows.TasksAt(ctx, at)
	if err != nil {
		return page, err
	}
	return l.pick(all), nil
}

// pick is page on tasks in memory.
func (l *Listing) pick(tasks []tandem.Task) (page tandem.Page) {
	q := l.Query
	tasks = slices.DeleteFunc(tasks, func(t tandem.Task) bool { return !q.Match(t) })
	page.Total = len(tasks)
	entries := make([]Entry, len(tasks))
	for i, t := range tasks {
		entries[i] = Entry{Number: int64(i), Key: l.keyOf(t), UID: t.UID}
	}
	slices.SortFunc(entries, l.order)
	entries = l.behind(entries)
	entries, page.Next = l.cut(entries[min(q.Offset, len(entries)):])
	for _, e := range entries {
		page.Tasks = append(page.Tasks, tasks[e.Number])
	}
	return page
}
