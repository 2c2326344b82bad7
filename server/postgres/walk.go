package postgres

import (
	"context"
	"strconv"
	"time"

	"tandem"
)

// columns of the query's order as SQL: the key and what stands behind user_id and status in the index of that order. The texts
// are constants: nothing a person wrote becomes SQL.
func (f *finder) columns() (key, index string) {
	switch f.query.Sort {
	case tandem.SortDue:
		return "due_at", "due_at, uid"
	case tandem.SortPriority:
		return "priority", "priority, uid"
	case tandem.SortStatus:
		return "status", "uid"
	case tandem.SortTitle:
		return "title", "title, uid"
	case tandem.SortRank:
		return "0", "uid"
	default:
		return "created_at", "created_at, uid"
	}
}

// walk reads tasks along the index of the order, behind a position, until it has as many as wanted that are kept. The tasks of
// each status lie in order; what comes next is the first of their heads.
func (f *finder) walk(ctx context.Context, after *entry, want int, keep func(*entry) bool) ([]entry, error) {
	var lanes []*lane
	for _, status := range statuses(f.query) {
		if !f.query.Overdue || status == pending {
			lanes = append(lanes, f.lanes(status, after)...)
		}
	}
	var out []entry
	for len(out) < want {
		first, err := f.first(ctx, lanes)
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
func (f *finder) first(ctx context.Context, lanes []*lane) (*lane, error) {
	var best *lane
	for _, l := range lanes {
		if len(l.buffer) == 0 && !l.done {
			if err := l.read(ctx, f); err != nil {
				return nil, err
			}
		}
		if len(l.buffer) > 0 && (best == nil || f.order(l.buffer[0], best.buffer[0]) < 0) {
			best = l
		}
	}
	return best, nil
}

// lane is a stretch of an index whose rows are in the list's order.
type lane struct {
	status  int
	undated bool   // of an order by due date: the tasks without one, by uid
	after   *entry // where to go on; nil: at the start
	buffer  []entry
	chunk   int
	done    bool
}

// The number of index rows that a lane reads at a time grows from the first to the last.
const (
	firstChunk = 128
	lastChunk  = 4096
)

// lanes of one status. Undated tasks come last in both directions, so they are a lane of their own.
func (f *finder) lanes(status int, after *entry) []*lane {
	l := &lane{status: status, after: after, chunk: firstChunk}
	if f.query.Sort == tandem.SortStatus {
		f.placeByStatus(l)
	}
	if _, _, dated := dueRange(f.query); dated || f.query.Sort != tandem.SortDue {
		return []*lane{l}
	}
	undated := &lane{status: status, undated: true, chunk: firstChunk}
	if after != nil && after.key.none {
		l.done, undated.after = true, after
	}
	return []*lane{l, undated}
}

// placeByStatus places a lane in an order by status, where all of it stands before or behind the position, or around it.
func (f *finder) placeByStatus(l *lane) {
	if l.after == nil || int64(l.status) == l.after.key.num {
		return
	}
	if before := int64(l.status) < l.after.key.num; before != f.query.Desc {
		l.done = true
	}
	l.after = nil
}

func (l *lane) take() entry {
	head := l.buffer[0]
	l.buffer = l.buffer[1:]
	return head
}

// read gets the next chunk of the lane.
func (l *lane) read(ctx context.Context, f *finder) error {
	query, args := l.statement(f)
	rows, err := list(ctx, f.conn, f.scanEntry, query, args...)
	if err != nil {
		return err
	}
	l.buffer, l.done = rows, len(rows) < l.chunk
	if len(rows) > 0 {
		l.after = &rows[len(rows)-1]
	}
	l.chunk = min(l.chunk*4, lastChunk)
	return nil
}

// statement writes the lane as SQL: one of a few dozen texts, put together from constants.
func (l *lane) statement(f *finder) (query string, args []any) {
	arg := func(v any) string {
		args = append(args, v)
		return "$" + strconv.Itoa(len(args))
	}
	key, index := f.columns()
	query = `select number, ` + key + `, uid from tasks where user_id = ` + arg(f.user) + ` and status = ` + arg(l.status)
	switch {
	case l.undated:
		query, index = query+` and due_at is null`, "uid"
	case f.query.Sort == tandem.SortDue:
		from, to, _ := dueRange(f.query)
		query += ` and due_at between ` + arg(from) + ` and ` + arg(to)
	}
	sign, order := `>`, index
	if f.query.Desc {
		sign, order = `<`, "uid desc"
		if index != "uid" {
			order = key + " desc, uid desc"
		}
	}
	switch {
	case l.after == nil:
	case index == "uid":
		query += ` and uid ` + sign + ` ` + arg(l.after.uid)
	default:
		query += ` and (` + index + `) ` + sign + ` (` + arg(l.after.key.value(f.query.Sort)) + `, ` + arg(l.after.uid) + `)`
	}
	return query + ` order by ` + order + ` limit ` + arg(l.chunk), args
}

// value is the key as an argument.
func (k key) value(s tandem.Sort) any {
	switch s {
	case tandem.SortTitle:
		return k.text
	case tandem.SortPriority:
		return k.num
	default:
		at := time.UnixMicro(k.num).UTC()
		if at.Before(firstDue) {
			return firstDue
		}
		if at.After(lastDue) {
			return lastDue
		}
		return at
	}
}
