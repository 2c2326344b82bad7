package postgres

import (
	"cmp"
	"context"
	"slices"
	"strconv"
	"strings"
	"time"

	"tandem"
)

// List gives one page of the tasks that q selects, in q's order. AsOf answers from the versions of the last 30 days. Where a
// search finds nothing and Fuzzy is set, tasks with similar words are given and marked.
func (db *DB) List(ctx context.Context, user tandem.UserID, q tandem.Query) (page tandem.Page, err error) {
	q = q.Normal()
	q.Limit = min(max(q.Limit, 1), tandem.MaxLimit)
	err = db.read(ctx, user, func(ctx context.Context, c *conn) error {
		a, found, err := readAccount(ctx, c, user)
		if !found || err != nil {
			return err
		}
		f := &finder{conn: c, user: user, account: a, query: q}
		if q.AsOf != nil {
			page, err = db.listAsOf(ctx, f)
			return err
		}
		page, err = f.list(ctx)
		if err != nil || page.Total > 0 || !q.Fuzzy || len(q.Search.Any) == 0 {
			return err
		}
		return f.listNear(ctx, &page)
	})
	if page.Tasks == nil {
		page.Tasks = []tandem.Task{}
	}
	return page, err
}

func (f *finder) list(ctx context.Context) (page tandem.Page, err error) {
	m, err := f.find(ctx)
	if err != nil {
		return page, err
	}
	page.Total = f.total(m)
	if page.Total == 0 {
		return page, nil
	}
	entries, err := f.entries(ctx, m)
	if err != nil {
		return page, err
	}
	if len(entries) > f.query.Limit {
		entries = entries[:f.query.Limit]
		last := entries[len(entries)-1]
		page.Next = &tandem.Position{Key: last.key.position(f.query.Sort), UID: last.uid}
	}
	page.Tasks, err = f.tasks(ctx, entries)
	return page, err
}

func (f *finder) total(m *marks) int {
	if m != nil {
		return m.total
	}
	n := int64(0)
	for _, s := range statuses(f.query) {
		n += f.account.tasks[s]
	}
	return int(n)
}

// tasks reads the tasks of a page.
func (f *finder) tasks(ctx context.Context, entries []entry) ([]tandem.Task, error) {
	numbers := make([]int64, len(entries))
	place := make(map[int64]int, len(entries))
	for i, e := range entries {
		numbers[i], place[e.number] = e.number, i
	}
	tasks, err := tasksByNumber(ctx, f.conn, f.user, numbers)
	slices.SortFunc(tasks, func(a, b tandem.Task) int { return cmp.Compare(place[a.Number], place[b.Number]) })
	return tasks, err
}

// tasksByNumber reads tasks, in no particular order.
func tasksByNumber(ctx context.Context, c *conn, user tandem.UserID, numbers []int64) ([]tandem.Task, error) {
	return list(ctx, c, decodeTask, selectTasks+`and t.number = any ($2)`, user, numbers)
}

// entry is a task as far as ordering needs it.
type entry struct {
	number int64
	key    key
	uid    string
}

// key is what a list is ordered by: a number or a text. Undated tasks have none.
type key struct {
	none bool
	num  int64
	text string
}

// position writes the key into a cursor.
func (k key) position(s tandem.Sort) string {
	switch {
	case s == tandem.SortTitle:
		return k.text
	case k.none:
		return ""
	default:
		return strconv.FormatInt(k.num, 10)
	}
}

// order compares two entries as Query.Order compares their tasks. Rank counts down: a better match comes first.
func (f *finder) order(a, b entry) int {
	if a.key.none != b.key.none {
		if a.key.none {
			return 1
		}
		return -1
	}
	c := cmp.Compare(a.key.num, b.key.num)
	if f.query.Sort == tandem.SortRank {
		c = -c
	}
	if c == 0 {
		c = strings.Compare(a.key.text, b.key.text)
	}
	if c == 0 {
		c = strings.Compare(a.uid, b.uid)
	}
	if f.query.Desc {
		return -c
	}
	return c
}

// cursor gives the entry that the page goes on behind; nil for the first page, and for a cursor that no page ever ended with.
func (f *finder) cursor() *entry {
	p := f.query.After
	if p == nil {
		return nil
	}
	e := &entry{uid: p.UID}
	switch {
	case f.query.Sort == tandem.SortTitle:
		e.key.text = p.Key
	case p.Key == "":
		e.key.none = true
	default:
		n, err := strconv.ParseInt(p.Key, 10, 64)
		if err != nil {
			return nil
		}
		e.key.num = n
	}
	return e
}

// entries gives the page and one more, in order.
func (f *finder) entries(ctx context.Context, m *marks) ([]entry, error) {
	want := f.query.Limit + 1 + f.query.Offset
	var out []entry
	var err error
	switch {
	case m != nil && f.few(m.total, want):
		out, err = f.sorted(ctx, m, func(int) bool { return true })
	case f.query.Sort == tandem.SortRank:
		out, err = f.byRank(ctx, m, want)
	default:
		out, err = f.walk(ctx, f.cursor(), want, func(e *entry) bool { return m == nil || m.of(e.number) > 0 })
	}
	if err != nil {
		return nil, err
	}
	out = out[min(f.query.Offset, len(out)):]
	return out[:min(len(out), f.query.Limit+1)], nil
}

// few reports that n tasks are read and sorted faster than they are met on a walk along the index of the order, where one row in
// numbers/n is one of them. Reading one by its id costs about four times as much as the next row of an index.
func (f *finder) few(n, want int) bool {
	return 4*n*n <= want*int(f.account.numbers)
}

// byRank goes through the weights, the best first.
func (f *finder) byRank(ctx context.Context, m *marks, want int) ([]entry, error) {
	var out []entry
	after := f.cursor()
	levels := m.levels()
	if f.query.Desc {
		slices.Reverse(levels)
	}
	for _, level := range levels {
		if after != nil && f.order(entry{key: key{num: int64(level)}, uid: lastUID(f.query.Desc)}, *after) <= 0 {
			continue
		}
		from := after
		if after != nil && after.key.num != int64(level) {
			from = nil
		}
		more, err := f.level(ctx, m, level, from, want-len(out))
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
func (f *finder) level(ctx context.Context, m *marks, level int, after *entry, want int) ([]entry, error) {
	if f.few(m.count[level], want) {
		out, err := f.sorted(ctx, m, func(weight int) bool { return weight == level })
		return out[:min(want, len(out))], err
	}
	return f.walk(ctx, after, want, func(e *entry) bool {
		e.key.num = int64(m.of(e.number))
		return e.key.num == int64(level)
	})
}

// sorted reads the entries of the marked tasks whose weight is wanted, and gives those behind the cursor.
func (f *finder) sorted(ctx context.Context, m *marks, wanted func(weight int) bool) ([]entry, error) {
	numbers := []int64{}
	for number, w := range m.weight {
		if w > 0 && wanted(int(w)) {
			numbers = append(numbers, int64(number))
		}
	}
	key, _ := f.columns()
	out, err := list(ctx, f.conn, f.scanEntry, `
		select number, `+key+`, uid from tasks where user_id = $1 and number = any ($2)`, f.user, numbers)
	if err != nil {
		return nil, err
	}
	if f.query.Sort == tandem.SortRank {
		for i := range out {
			out[i].key.num = int64(m.of(out[i].number))
		}
	}
	slices.SortFunc(out, f.order)
	if after := f.cursor(); after != nil {
		i, _ := slices.BinarySearchFunc(out, *after, func(e, at entry) int {
			if f.order(e, at) <= 0 {
				return -1
			}
			return 1
		})
		out = out[i:]
	}
	return out, nil
}

func (f *finder) scanEntry(r row) (e entry, err error) {
	switch f.query.Sort {
	case tandem.SortTitle:
		err = r.Scan(&e.number, &e.key.text, &e.uid)
	case tandem.SortPriority, tandem.SortStatus, tandem.SortRank:
		err = r.Scan(&e.number, &e.key.num, &e.uid)
	default: // by an instant, whatever it is called
		var at *time.Time
		if err = r.Scan(&e.number, &at, &e.uid); at != nil {
			e.key.num = at.UnixMicro()
		}
		e.key.none = at == nil
	}
	return e, err
}
