package postgres

import (
	"context"
	"maps"
	"slices"

	"tandem"
	"tandem/server/store"
)

// facetBits is the room of a task in its row: several rows fit on a page, so that an update stays on it. A filter over
// 100,000 tasks reads a hundred rows.
const facetBits = 10

// setFacet notes what a task is now; nil: none.
func (w *write) setFacet(number int64, t *tandem.Task) {
	if w.index.facets == nil {
		w.index.facets = map[int64]store.Facet{}
	}
	if w.index.facets[number] = 0; t != nil {
		w.index.facets[number] = store.FacetOf(*t)
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
			w.User, first>>facetBits, fresh, run, place+1)
		numbers = numbers[n:]
	}
}

// Facets reads the rows of the user.
func (f *finder) Facets(ctx context.Context, fits *store.Fits, m *store.Marks) error {
	_, err := list(ctx, f.conn, func(r row) (struct{}, error) {
		var chunk int64
		var data []byte
		err := r.Scan(&chunk, &data)
		m.Fit(chunk<<facetBits, data, fits)
		return struct{}{}, err
	}, `select chunk, data from facets where user_id = $1`, f.user)
	return err
}
