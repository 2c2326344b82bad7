package store

import (
	"context"

	"tandem"
)

// Stretch is a part of an index whose rows are in the order of a list.
type Stretch struct {
	Query   tandem.Query
	Status  int
	Undated bool   // of an order by due date: the tasks without one, by uid
	After   *Entry // where to go on; nil: at the start
	Limit   int    // of rows
}

// walk reads tasks along the index of the order, behind a position, until it has as many as wanted that are kept. The tasks of
// each status lie in order; what comes next is the first of their heads.
func (l *Listing) walk(ctx context.Context, after *Entry, want int, keep func(*Entry) bool) ([]Entry, error) {
	var lanes []*lane
	for _, status := range statuses(l.Query) {
		if !l.Query.Overdue || status == Pending {
			lanes = append(lanes, l.lanes(status, after)...)
		}
	}
	var out []Entry
	for len(out) < want {
		first, err := l.first(ctx, lanes)
		if first == nil || err != nil {
			return out, err
		}
		if e := first.take(); keep(&e) {
			out = append(out, e)
		}
	}
	return out, nil
}

// first gives the lane whose head comes first; nil when all are at their end.
func (l *Listing) first(ctx context.Context, lanes []*lane) (*lane, error) {
	var best *lane
	for _, n := range lanes {
		if len(n.buffer) == 0 && !n.done {
			if err := n.read(ctx, l.Rows); err != nil {
				return nil, err
			}
		}
		if len(n.buffer) > 0 && (best == nil || l.order(n.buffer[0], best.buffer[0]) < 0) {
			best = n
		}
	}
	return best, nil
}

// lane walks along a stretch.
type lane struct {
	Stretch // what is left
	buffer  []Entry
	done    bool
}

// lanes of one status. Undated tasks come last in both directions, so they are a lane of their own.
func (l *Listing) lanes(status int, after *Entry) []*lane {
	all := &lane{Stretch: Stretch{Query: l.Query, Status: status, After: after}}
	if l.Query.Sort == tandem.SortStatus {
		l.placeByStatus(all)
	}
	if dated(l.Query) || l.Query.Sort != tandem.SortDue {
		return []*lane{all}
	}
	undated := &lane{Stretch: Stretch{Query: l.Query, Status: status, Undated: true}}
	if after != nil && after.Key.None {
		all.done, undated.After = true, after
	}
	return []*lane{all, undated}
}

// placeByStatus places a lane in an order by status, where all of it stands before or behind the position, or around it.
func (l *Listing) placeByStatus(n *lane) {
	if n.After == nil || int64(n.Status) == n.After.Key.Num {
		return
	}
	if before := int64(n.Status) < n.After.Key.Num; before != l.Query.Desc {
		n.done = true
	}
	n.After = nil
}

func (n *lane) take() Entry {
	head := n.buffer[0]
	n.buffer = n.buffer[1:]
	return head
}

// read gets the next chunk.
func (n *lane) read(ctx context.Context, from Rows) error {
	n.Limit = from.Chunk(n.Limit)
	rows, err := from.Stretch(ctx, &n.Stretch)
	if err != nil {
		return err
	}
	n.buffer, n.done = rows, len(rows) < n.Limit
	if len(rows) > 0 {
		n.After = &rows[len(rows)-1]
	}
	return nil
}
