package postgres

import (
	"context"
	"maps"
	"slices"

	"tandem"
)

// facet is what lists ask of every task, in a byte: bits 0 and 1 its status plus one, 2 and 3 its priority, 4 whether it has a due
// date. 0: there is no such task.
//
// The facets of a user lie in rows of 1<<facetBits, by number. A filter over 100,000 tasks reads a hundred rows.
type facet = byte

const facetDated facet = 1 << 4

func facetOf(t tandem.Task) facet {
	f := facet(statusOf(t)+1) | facet(t.Priority.Rank())<<2
	if t.DueAt != nil {
		f |= facetDated
	}
	return f
}

// facetBits is the room of a task in its row: several rows fit on a page, so that an update stays on it.
const facetBits = 10

// setFacet notes what a task is now; nil: none.
func (w *write) setFacet(number int64, t *tandem.Task) {
	if w.index.facets == nil {
		w.index.facets = map[int64]facet{}
	}
	if w.index.facets[number] = 0; t != nil {
		w.index.facets[number] = facetOf(*t)
	}
}

// saveFacets writes each run of numbers at once.
func (w *write) saveFacets() {
	numbers := slices.Sorted(maps.Keys(w.index.facets))
	for len(numbers) > 0 {
		first, n := numbers[0], int64(1)
		run := []byte{w.index.facets[first]}
		for n < int64(len(numbers)) && numbers[n] == first+n && (first+n)>>facetBits == first>>facetBits {
			run = append(run, w.index.facets[first+n])
			n++
		}
		place := first & (1<<facetBits - 1)
		fresh := make([]byte, 1<<facetBits)
		copy(fresh[place:], run)
		w.later(nil, `
			insert into facets (user_id, chunk, data) values ($1, $2, $3)
			on conflict (user_id, chunk) do update set data = overlay(facets.data placing $4 from $5)`,
			w.user, first>>facetBits, fresh, run, place+1)
		numbers = numbers[n:]
	}
}

// byFacets marks the tasks that fit by status, priority and the absence of a due date.
func (f *finder) byFacets(ctx context.Context) (*marks, error) {
	m := newMarks(f.account.numbers)
	fits := f.facetFits()
	_, err := list(ctx, f.conn, func(r row) (struct{}, error) {
		var chunk int64
		var data []byte
		err := r.Scan(&chunk, &data)
		start := chunk << facetBits
		for i, b := range data {
			if n := start + int64(i); fits[b] && n < int64(len(m.weight)) {
				m.weight[n] = 1
			}
		}
		return struct{}{}, err
	}, `select chunk, data from facets where user_id = $1`, f.user)
	return m, err
}

// facetFits tells of each facet whether the query takes it.
func (f *finder) facetFits() (fits [256]bool) {
	q := f.query
	of := statuses(q)
	for b := range fits {
		status, rank := b&3-1, b>>2&3
		fits[b] = slices.Contains(of, status) && (!q.NoDue || facet(b)&facetDated == 0) &&
			(len(q.Priority) == 0 || slices.Contains(q.Priority, tandem.Priorities[rank]))
	}
	return fits
}
