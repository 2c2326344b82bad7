package postgres

import (
	"cmp"
	"context"
	"slices"
	"strconv"
	"time"

	"tandem"
	"tandem/server/store"
)

// List gives one page of the tasks that q selects, in q's order. AsOf answers from the versions of the last 30 days. Where a
// search finds nothing and Fuzzy is set, tasks with similar words are given and marked.
func (db *DB) List(ctx context.Context, user tandem.UserID, q tandem.Query) (tandem.Page, error) {
	page := tandem.Page{Tasks: []tandem.Task{}}
	err := db.read(ctx, user, func(ctx context.Context, c *conn) error {
		a, found, err := readAccount(ctx, c, user)
		if !found || err != nil {
			return err
		}
		f := &finder{conn: c, user: user, account: a}
		page, err = store.Listing{
			Query: q, Account: a, Now: db.clock(), Index: f, Rows: f, Instant: time.Time.UnixMicro, Title: sortKey,
		}.Page(ctx)
		return err
	})
	return page, err
}

// Tasks reads the tasks of a page.
func (f *finder) Tasks(ctx context.Context, entries []store.Entry) ([]tandem.Task, error) {
	numbers := make([]int64, len(entries))
	place := make(map[int64]int, len(entries))
	for i, e := range entries {
		numbers[i], place[e.Number] = e.Number, i
	}
	tasks, err := tasksByNumber(ctx, f.conn, f.user, numbers)
	slices.SortFunc(tasks, func(a, b tandem.Task) int { return cmp.Compare(place[a.Number], place[b.Number]) })
	return tasks, err
}

// tasksByNumber reads tasks, in no particular order.
func tasksByNumber(ctx context.Context, c *conn, user tandem.UserID, numbers []int64) ([]tandem.Task, error) {
	return list(ctx, c, decodeTask, selectTasks+`and t.number = any ($2)`, user, numbers)
}

// TasksAt reads the versions that were current at an instant.
func (f *finder) TasksAt(ctx context.Context, at time.Time) ([]tandem.Task, error) {
	return list(ctx, f.conn, decodeTask, `
		select doc from versions where user_id = $1 and saved_at <= $2 and (until is null or until > $2)`, f.user, at)
}

// Entries reads the named tasks.
func (f *finder) Entries(ctx context.Context, sort tandem.Sort, numbers []int64) ([]store.Entry, error) {
	key, _ := store.Columns(sort)
	return list(ctx, f.conn, entryOf(sort), `
		select number, `+key+`, uid from tasks where user_id = $1 and number = any ($2)`, f.user, numbers)
}

// The number of index rows that are read at a time grows from the first to the last.
const (
	firstChunk = 128
	lastChunk  = 4096
)

// Chunk grows fast: each is a round trip.
func (f *finder) Chunk(last int) int { return min(max(4*last, firstChunk), lastChunk) }

// Stretch reads along an index. Its statement is one of a few dozen texts, put together from constants: nothing a person wrote
// becomes SQL.
func (f *finder) Stretch(ctx context.Context, s *store.Stretch) ([]store.Entry, error) {
	var args []any
	arg := func(v any) string {
		args = append(args, v)
		return "$" + strconv.Itoa(len(args))
	}
	sort := s.Query.Sort
	key, index := store.Columns(sort)
	query := `select number, ` + key + `, uid from tasks where user_id = ` + arg(f.user) + ` and status = ` + arg(s.Status)
	switch {
	case s.Undated:
		query, index = query+` and due_at is null`, "uid"
	case sort == tandem.SortDue:
		from, to := dueRange(s.Query)
		query += ` and due_at between ` + arg(from) + ` and ` + arg(to)
	}
	sign, order := `>`, index
	if s.Query.Desc {
		sign, order = `<`, "uid desc"
		if index != "uid" {
			order = key + " desc, uid desc"
		}
	}
	switch {
	case s.After == nil:
	case index == "uid":
		query += ` and uid ` + sign + ` ` + arg(s.After.UID)
	default:
		query += ` and (` + index + `) ` + sign + ` (` + arg(valueOf(sort, s.After.Key)) + `, ` + arg(s.After.UID) + `)`
	}
	query += ` order by ` + order + ` limit ` + arg(s.Limit)
	return list(ctx, f.conn, entryOf(sort), query, args...)
}

// valueOf gives a key as an argument.
func valueOf(sort tandem.Sort, k store.Key) any {
	switch sort {
	case tandem.SortTitle:
		return k.Text
	case tandem.SortPriority:
		return k.Num
	default:
		at := time.UnixMicro(k.Num).UTC()
		if at.Before(firstDue) {
			return firstDue
		}
		if at.After(lastDue) {
			return lastDue
		}
		return at
	}
}

// entryOf scans the number, the key and the uid of a task.
func entryOf(sort tandem.Sort) func(row) (store.Entry, error) {
	return func(r row) (e store.Entry, err error) {
		switch sort {
		case tandem.SortTitle:
			err = r.Scan(&e.Number, &e.Key.Text, &e.UID)
		case tandem.SortPriority, tandem.SortStatus, tandem.SortRank:
			err = r.Scan(&e.Number, &e.Key.Num, &e.UID)
		default: // by an instant, whatever it is called
			var at *time.Time
			if err = r.Scan(&e.Number, &at, &e.UID); at != nil {
				e.Key.Num = at.UnixMicro()
			}
			e.Key.None = at == nil
		}
		return e, err
	}
}
