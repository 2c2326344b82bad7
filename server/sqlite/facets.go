package sqlite

import (
	"context"
	"slices"

	"tandem"
)

// facet is what lists ask of every task, in a byte: bits 0 and 1 its status plus one, 2 and 3 its priority, 4 whether it has a due
// date. 0: there is no such task.
//
// The facets of a user lie in blobs of facetChunk, by number. A filter over 100,000 tasks reads fifty rows.
type facet = byte

const facetDated facet = 1 << 4

func facetOf(t tandem.Task) facet {
	f := facet(statusOf(t)+1) | facet(t.Priority.Rank())<<2
	if t.DueAt != nil {
		f |= facetDated
	}
	return f
}

// facetBits is the room of a task in its chunk. A chunk fits on a page.
const facetBits = 11

// chunk gives the row of a task's facet and its place there.
func chunk(task int64) (id int64, place int) {
	return task >> facetBits, int(task & (1<<facetBits - 1))
}

// setFacet keeps a facet for the end of the write, when each chunk is written once.
func (w *write) setFacet(ctx context.Context, task int64, f facet) error {
	id, place := chunk(task)
	data, loaded := w.facets[id]
	if !loaded {
		if _, err := w.one(ctx, into(&data), `select data from facets where user_id = ? and id = ?`, w.user, id); err != nil {
			return err
		}
	}
	if place >= len(data) {
		data = append(data, make([]byte, place+1-len(data))...)
	}
	data[place] = f
	if w.facets == nil {
		w.facets = map[int64][]byte{}
	}
	w.facets[id] = data
	return nil
}

func (w *write) saveFacets(ctx context.Context) error {
	for id, data := range w.facets {
		if _, err := w.exec(ctx, `
			insert into facets (id, user_id, data) values (?, ?, ?) on conflict (id) do update set data = excluded.data`, id, w.user, data); err != nil {
			return err
		}
	}
	return nil
}

// byFacets marks the tasks that fit by status, priority and the absence of a due date.
func (f *finder) byFacets(ctx context.Context) (*marks, error) {
	m := newMarks(f.account.numbers)
	fits := f.facetFits()
	base := taskID(f.account.ordinal, 0)
	_, err := list(ctx, f.conn, func(r row) (struct{}, error) {
		var id int64
		var data []byte
		err := r.Scan(&id, &data)
		start := id<<facetBits - base
		for i, b := range data {
			if n := start + int64(i); fits[b] && n < int64(len(m.weight)) {
				m.weight[n] = 1
			}
		}
		return struct{}{}, err
	}, `select id, data from facets where user_id = ? and id between ? and ?`,
		f.user, base>>facetBits, taskID(f.account.ordinal, f.account.numbers)>>facetBits)
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
