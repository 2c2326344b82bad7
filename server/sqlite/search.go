package sqlite

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"tandem"
)

// finder turns a query into marks: which tasks belong to the list, and how well they match. Words are looked up in the index,
// everything else in the covering index of tasks; both give sets, which are joined here.
type finder struct {
	*conn
	user    tandem.UserID
	account account
	query   tandem.Query
}

// find gives the marks of the query; nil marks: every task of the statuses that it asks for.
func (f *finder) find(ctx context.Context) (*marks, error) {
	if f.query.Search.IsZero() && !f.narrowed() {
		return nil, nil
	}
	m := newMarks(f.account.numbers)
	if err := f.filter(ctx, m); err != nil {
		return nil, err
	}
	if err := f.search(ctx, m); err != nil {
		return nil, err
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

// narrowed reports a condition besides status and search.
func (f *finder) narrowed() bool {
	q := f.query
	return len(q.Priority) > 0 || len(q.Tags) > 0 || len(q.TagsAny) > 0 || q.Refs != nil || q.NoDue || q.Overdue || q.DueFrom != nil || q.DueTo != nil
}

// filter marks what fits everything but the search. Where only the status narrows, the tasks of the other statuses are taken
// away instead if they are fewer.
func (f *finder) filter(ctx context.Context, m *marks) error {
	wanted := statuses(f.query)
	if !f.narrowed() && len(f.query.Search.Any) > 0 {
		var others []int
		in, out := int64(0), int64(0)
		for s, n := range f.account.tasks {
			if slices.Contains(wanted, s) {
				in += n
			} else {
				others, out = append(others, s), out+n
			}
		}
		if out < in {
			return f.allBut(ctx, m, others)
		}
	}
	set, err := f.matching(ctx, wanted)
	if err == nil {
		set.each(func(n int64) { m.weight[n] = 1 })
	}
	return err
}

// allBut marks every number but those of some statuses. Numbers of purged tasks are marked too; no word leads to them.
func (f *finder) allBut(ctx context.Context, m *marks, others []int) error {
	for i := range m.weight {
		m.weight[i] = 1
	}
	set, err := f.matching(ctx, others)
	if err == nil {
		set.each(func(n int64) { m.weight[n] = 0 })
	}
	return err
}

// matching gives the tasks of some statuses that fit the conditions.
func (f *finder) matching(ctx context.Context, of []int) (*bitset, error) {
	where, args, err := f.conditions(ctx, of)
	if err != nil {
		return nil, err
	}
	base := taskID(f.account.ordinal, 0)
	return readSet(ctx, f.conn, `select bitset(id - ?) from tasks where `+where, append([]any{base}, args...)...)
}

// conditions writes the query as SQL. The text is put together from constants; every value is an argument.
func (f *finder) conditions(ctx context.Context, of []int) (string, []any, error) {
	q := f.query
	where := []string{"user_id = ?", "status in (select value from json_each(?))"}
	args := []any{f.user, jsonList(of)}
	add := func(condition string, values ...any) {
		where, args = append(where, condition), append(args, values...)
	}
	if len(q.Priority) > 0 {
		ranks := make([]int, len(q.Priority))
		for i, p := range q.Priority {
			ranks[i] = p.Rank()
		}
		add("priority in (select value from json_each(?))", jsonList(ranks))
	}
	if q.NoDue {
		add("due_at is null")
	}
	if q.Overdue {
		add("status = 0 and due_at < ?", milli(q.Now))
	}
	if q.DueFrom != nil {
		add("due_at >= ?", (q.DueFrom.UnixNano()+999_999)/1_000_000)
	}
	if q.DueTo != nil {
		add("due_at <= ?", milli(*q.DueTo))
	}
	for _, group := range tagGroups(q) {
		add("id in (select id from task_tags where user_id = ? and tag in (select value from json_each(?)))", f.user, jsonList(group))
	}
	if q.Refs != nil {
		ids, err := f.named(ctx, q.Refs)
		if err != nil {
			return "", nil, err
		}
		add("id in (select value from json_each(?))", jsonList(ids))
	}
	return strings.Join(where, " and "), args, nil
}

// tagGroups gives groups of folded tags: of each, a task must have one.
func tagGroups(q tandem.Query) [][]string {
	var groups [][]string
	for _, tag := range q.Tags {
		groups = append(groups, []string{tandem.Fold(tag)})
	}
	for _, group := range q.TagsAny {
		folded := make([]string, len(group))
		for i, tag := range group {
			folded[i] = tandem.Fold(tag)
		}
		groups = append(groups, folded)
	}
	return groups
}

// named gives the row ids of tasks.
func (f *finder) named(ctx context.Context, refs []tandem.TaskRef) ([]int64, error) {
	ids := []int64{}
	for _, ref := range refs {
		if ref.UID == "" {
			if ref.Number > 0 && ref.Number <= f.account.numbers {
				ids = append(ids, taskID(f.account.ordinal, ref.Number))
			}
			continue
		}
		var id int64
		found, err := f.one(ctx, into(&id), `select id from tasks where user_id = ? and uid = ?`, f.user, ref.UID)
		if err != nil {
			return nil, err
		}
		if found {
			ids = append(ids, id)
		}
	}
	return ids, nil
}

// jsonList writes an argument for json_each. Lists of numbers and texts always encode.
func jsonList[T int | int64 | string](values []T) string {
	data, err := json.Marshal(some(values))
	if err != nil {
		panic(err)
	}
	return string(data)
}

// maxWeight is the highest rank: every term in the title and in the description.
const maxWeight = 250

// search weighs the marked tasks by the search and unmarks those that it does not find.
func (f *finder) search(ctx context.Context, m *marks) error {
	s := f.query.Search
	if len(s.Any) > 0 {
		rank := make([]uint8, len(m.weight))
		for _, term := range s.Any {
			hits, err := f.hits(ctx, term)
			if err != nil {
				return err
			}
			hits.each(func(n int64) { // twice the number, plus one for the description
				if i := n >> 1; i < int64(len(rank)) && rank[i] < maxWeight {
					rank[i] += 2 - uint8(n&1)
				}
			})
		}
		for i := range m.weight {
			m.weight[i] *= rank[i]
		}
	}
	for _, term := range s.Not {
		hits, err := f.hits(ctx, term)
		if err != nil {
			return err
		}
		hits.each(func(n int64) {
			if i := n >> 1; i < int64(len(m.weight)) {
				m.weight[i] = 0
			}
		})
	}
	return nil
}

// hits looks a term up: the titles and descriptions that hold it.
func (f *finder) hits(ctx context.Context, term tandem.Term) (*bitset, error) {
	match := `"` + tokensOf(f.account.ordinal, term) + `" *`
	set, err := readSet(ctx, f.conn, `select bitset(rowid - ?) from words where words match ?`, taskID(f.account.ordinal, 0)<<1, match)
	if err != nil {
		return nil, fmt.Errorf("look up words: %w", err)
	}
	return set, nil
}
