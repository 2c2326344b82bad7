package sqlite

import (
	"context"

	"tandem"
)

// columns name what a list is ordered by: the key, and how it stands in the index of that order.
type columns struct {
	key   string
	index string // the columns behind user_id and status
}

// columns of the query's order. The texts are constants: nothing a person wrote becomes SQL.
func (f *finder) columns() columns {
	switch f.query.Sort {
	case tandem.SortDue:
		return columns{"due_at", "due_at, uid"}
	case tandem.SortPriority:
		return columns{"priority", "priority, uid"}
	case tandem.SortStatus:
		return columns{"status", "uid"}
	case tandem.SortTitle:
		return columns{"title", "title, uid"}
	case tandem.SortRank:
		return columns{"0", "uid"}
	default:
		return columns{"created_at", "created_at, uid"}
	}
}

// walk reads tasks along the index of the order, behind a position, until it has as many as wanted that are kept. The tasks of
// each status lie in order; what comes next is the smallest of their heads.
func (f *finder) walk(ctx context.Context, by columns, after *entry, want int, keep func(*entry) bool) ([]entry, error) {
	var lanes []*lane
	for _, status := range statuses(f.query) {
		lanes = append(lanes, f.lanes(by, status, after)...)
	}
	var out []entry
	for len(out) < want {
		best, err := f.smallest(ctx, lanes, keep)
		if best == nil || err != nil {
			return out, err
		}
		out = append(out, best.take())
	}
	return out, nil
}

// smallest gives the lane whose head comes first; nil when all are at their end.
func (f *finder) smallest(ctx context.Context, lanes []*lane, keep func(*entry) bool) (*lane, error) {
	var best *lane
	for _, l := range lanes {
		if err := l.advance(ctx, f, keep); err != nil {
			return nil, err
		}
		if len(l.buffer) > 0 && (best == nil || f.order(l.buffer[0], best.buffer[0]) < 0) {
			best = l
		}
	}
	return best, nil
}

// lane is a stretch of an index whose rows are in the list's order.
type lane struct {
	by     columns
	status int
	null   bool   // the tasks without a key
	keyed  bool   // the key may be absent, and is not here
	after  *entry // where to go on; nil: at the start
	buffer []entry
	chunk  int
	done   bool
}

// The number of index rows that a lane reads at a time grows from the first to the last.
const (
	firstChunk = 64
	lastChunk  = 4096
)

// lanes of one status. Undated tasks come last in both directions, so they are a lane of their own.
func (f *finder) lanes(by columns, status int, after *entry) []*lane {
	if by.key != "due_at" {
		l := &lane{by: by, status: status, after: after, chunk: firstChunk}
		if after != nil && f.query.Sort == tandem.SortStatus {
			f.startStatus(l, after)
		}
		return []*lane{l}
	}
	dated := &lane{by: by, status: status, keyed: true, after: after, chunk: firstChunk}
	undated := &lane{by: columns{"due_at", "uid"}, status: status, null: true, chunk: firstChunk}
	if after != nil && after.key.none {
		dated.done, undated.after = true, after
	}
	return []*lane{dated, undated}
}

// startStatus places a lane in an order by status, where all of a lane stands before or behind the position, or around it.
func (f *finder) startStatus(l *lane, after *entry) {
	here := int64(l.status)
	switch before := here < after.key.num; {
	case here == after.key.num:
	case before != f.query.Desc:
		l.done = true
	default:
		l.after = nil
	}
}

// advance makes sure that the lane's head is one to keep, or that it is at its end.
func (l *lane) advance(ctx context.Context, f *finder, keep func(*entry) bool) error {
	for len(l.buffer) == 0 && !l.done {
		rows, err := l.read(ctx, f)
		if err != nil {
			return err
		}
		l.done = len(rows) < l.chunk
		if len(rows) > 0 {
			last := rows[len(rows)-1]
			l.after = &last
		}
		l.chunk = min(l.chunk*2, lastChunk)
		for i := range rows {
			if keep(&rows[i]) {
				l.buffer = append(l.buffer, rows[i])
			}
		}
	}
	return nil
}

func (l *lane) take() entry {
	head := l.buffer[0]
	l.buffer = l.buffer[1:]
	return head
}

// read gives the next chunk of the lane.
func (l *lane) read(ctx context.Context, f *finder) ([]entry, error) {
	query := `select id, ` + l.by.key + `, uid from tasks where user_id = ? and status = ?`
	args := []any{f.user, l.status}
	switch {
	case l.null:
		query += ` and due_at is null`
	case l.keyed && l.after == nil:
		query += ` and due_at is not null`
	}
	sign, direction := " > ", ""
	if f.query.Desc {
		sign, direction = " < ", " desc"
	}
	if l.after != nil {
		if l.by.index == "uid" {
			query += ` and uid` + sign + `?`
			args = append(args, l.after.uid)
		} else {
			query += ` and (` + l.by.index + `)` + sign + `(?, ?)`
			args = append(args, l.after.key.value(f.query.Sort), l.after.uid)
		}
	}
	query += ` order by ` + l.by.order(direction) + ` limit ?`
	return list(ctx, f.conn, f.scanEntry, query, append(args, l.chunk)...)
}

// order writes the index columns with a direction.
func (c columns) order(direction string) string {
	if c.index == "uid" {
		return "uid" + direction
	}
	return c.key + direction + ", uid" + direction
}

// value is the key as an argument.
func (k key) value(s tandem.Sort) any {
	if s == tandem.SortTitle {
		return k.text
	}
	return k.num
}
