package sqlite

import (
	"context"

	"tandem/server/store"
)

// facetBits is the room of a task in its chunk, a blob that fits on a page. A filter over 100,000 tasks reads fifty of them.
const facetBits = 11

// chunk gives the row of a task's facet and its place there.
func chunk(task int64) (id int64, place int) {
	return task >> facetBits, int(task & (1<<facetBits - 1))
}

// setFacet keeps a facet for the end of the write, when each chunk is written once.
func (w *write) setFacet(ctx context.Context, task int64, f store.Facet) error {
	id, place := chunk(task)
	data, loaded := w.facets[id]
	if !loaded {
		if _, err := w.one(ctx, into(&data), `select data from facets where user_id = ? and id = ?`, w.User, id); err != nil {
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
			insert into facets (id, user_id, data) values (?, ?, ?) on conflict (id) do update set data = excluded.data`, id, w.User, data); err != nil {
			return err
		}
	}
	return nil
}

// Facets reads the chunks of the user.
func (f *finder) Facets(ctx context.Context, fits *store.Fits, m *store.Marks) error {
	_, err := list(ctx, f.conn, func(r row) (struct{}, error) {
		var id int64
		var data []byte
		err := r.Scan(&id, &data)
		m.Fit(id<<facetBits-f.first(), data, fits)
		return struct{}{}, err
	}, `select id, data from facets where user_id = ? and id between ? and ?`,
		f.user, f.first()>>facetBits, taskID(f.account.ordinal, f.account.Numbers)>>facetBits)
	return err
}
