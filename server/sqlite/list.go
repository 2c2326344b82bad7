package sqlite

import (
	"context"
	"database/sql"
	"time"

	"tandem"
	"tandem/server/store"
)

// List gives one page of the tasks that q selects, in q's order. AsOf answers from the versions of the last 30 days. Where a
// search finds nothing and Fuzzy is set, tasks with similar words are given and marked.
func (db *DB) List(ctx context.Context, user tandem.UserID, q tandem.Query) (tandem.Page, error) {
	page := tandem.Page{Tasks: []tandem.Task{}}
	err := db.read(ctx, func(ctx context.Context, c *conn) error {
		a, found, err := readAccount(ctx, c, user)
		if !found || err != nil {
			return err
		}
		f := &finder{conn: c, db: db, user: user, account: a}
		page, err = store.Listing{
			Query: q, Account: a.Account, Now: db.clock(), Index: f, Rows: f, Instant: milli, Title: tandem.Fold,
		}.Page(ctx)
		return err
	})
	return page, err
}

// Tasks reads the tasks of a page.
func (f *finder) Tasks(ctx context.Context, entries []store.Entry) ([]tandem.Task, error) {
	out := make([]tandem.Task, 0, len(entries))
	for _, e := range entries {
		t, err := taskByNumber(ctx, f.conn, f.user, f.account, e.Number)
		if err != nil {
			return nil, err
		}
		if t != nil {
			out = append(out, *t)
		}
	}
	return out, nil
}

// TasksAt reads the versions that were current at an instant.
func (f *finder) TasksAt(ctx context.Context, at time.Time) ([]tandem.Task, error) {
	return list(ctx, f.conn, decodeTask, `
		select doc from versions where user_id = ?1 and saved_at <= ?2 and (until is null or until > ?2)`, f.user, milli(at))
}

// Entries reads the named tasks by their ids.
func (f *finder) Entries(ctx context.Context, sort tandem.Sort, numbers []int64) ([]store.Entry, error) {
	for i, number := range numbers {
		numbers[i] = taskID(f.account.ordinal, number)
	}
	ids, err := jsonList(numbers)
	if err != nil {
		return nil, err
	}
	key, _ := store.Columns(sort)
	return list(ctx, f.conn, entryOf(sort), `
		select t.id, `+key+`, t.uid from json_each(?) j cross join tasks t on t.id = j.value where t.user_id = ?`, ids, f.user)
}

// The number of index rows that are read at a time grows from the first to the last.
const (
	firstChunk = 64
	lastChunk  = 2048
)

// Chunk doubles.
func (f *finder) Chunk(last int) int { return min(max(2*last, firstChunk), lastChunk) }

// Stretch reads along an index. Its statement is one of a few dozen texts, put together from constants: nothing a person wrote
// becomes SQL.
func (f *finder) Stretch(ctx context.Context, s *store.Stretch) ([]store.Entry, error) {
	sort := s.Query.Sort
	key, index := store.Columns(sort)
	query, args := `select id, `+key+`, uid from tasks where user_id = ? and status = ?`, []any{f.user, s.Status}
	switch {
	case s.Undated:
		query, index = query+` and due_at is null`, "uid"
	case sort == tandem.SortDue:
		from, to := dueRange(s.Query)
		query, args = query+` and due_at between ? and ?`, append(args, from, to)
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
		query, args = query+` and uid `+sign+` ?`, append(args, s.After.UID)
	case sort == tandem.SortTitle:
		query, args = query+` and (`+index+`) `+sign+` (?, ?)`, append(args, s.After.Key.Text, s.After.UID)
	default:
		query, args = query+` and (`+index+`) `+sign+` (?, ?)`, append(args, s.After.Key.Num, s.After.UID)
	}
	return list(ctx, f.conn, entryOf(sort), query+` order by `+order+` limit ?`, append(args, s.Limit)...)
}

// entryOf scans the id, the key and the uid of a task.
func entryOf(sort tandem.Sort) func(row) (store.Entry, error) {
	return func(r row) (e store.Entry, err error) {
		var id int64
		if sort == tandem.SortTitle {
			err = r.Scan(&id, &e.Key.Text, &e.UID)
		} else {
			var num sql.NullInt64
			err = r.Scan(&id, &num, &e.UID)
			e.Key.None, e.Key.Num = !num.Valid, num.Int64
		}
		e.Number = id & (1<<numberBits - 1)
		return e, err
	}
}
