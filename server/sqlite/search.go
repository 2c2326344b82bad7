package sqlite

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"

	"tandem"
	"tandem/server/store"
)

// finder reads for the lists of a user, on one state.
type finder struct {
	*conn
	db      *DB
	user    tandem.UserID
	account account
}

// first is the id of the user's task number 0.
func (f *finder) first() int64 { return taskID(f.account.ordinal, 0) }

// dueRange gives the stretch of due dates that the query asks for, both ends included.
func dueRange(q tandem.Query) (from, to int64) {
	from, to = 0, 1<<62
	if q.DueFrom != nil {
		from = (q.DueFrom.UnixNano() + 999_999) / 1_000_000
	}
	if q.DueTo != nil {
		to = milli(*q.DueTo)
	}
	if q.Overdue {
		to = min(to, (q.Now.UnixNano()-1)/1_000_000)
	}
	return from, to
}

// Due reads the index of due dates.
func (f *finder) Due(ctx context.Context, q tandem.Query, status int, set *store.Bitset) error {
	from, to := dueRange(q)
	return readInto(ctx, f.conn, set, `select bitset(id - ?) from tasks where user_id = ? and status = ? and due_at between ? and ?`,
		f.first(), f.user, status, from, to)
}

// Tag reads the index of tags.
func (f *finder) Tag(ctx context.Context, tag string, set *store.Bitset) error {
	return readInto(ctx, f.conn, set, `select bitset(id - ?) from task_tags where user_id = ? and tag = ?`, f.first(), f.user, tag)
}

// UIDs reads the numbers of the named tasks.
func (f *finder) UIDs(ctx context.Context, uids []string, set *store.Bitset) error {
	for _, uid := range uids {
		if err := readInto(ctx, f.conn, set, `select bitset(number) from tasks where user_id = ? and uid = ?`, f.user, uid); err != nil {
			return err
		}
	}
	return nil
}

// Words looks the terms of a search up.
func (f *finder) Words(ctx context.Context, s tandem.Search, m *store.Marks) error {
	hits, err := f.hitsOf(ctx, slices.Concat(s.Not, s.Any))
	if err != nil {
		return err
	}
	for _, not := range hits[:len(s.Not)] {
		m.Drop(not)
	}
	if len(s.Any) > 0 {
		m.Weigh(hits[len(s.Not):])
	}
	return nil
}

// Between reads the vocabulary of the index.
func (f *finder) Between(ctx context.Context, from, to string) ([]string, error) {
	token := userToken(f.account.ordinal)
	words, err := list(ctx, f.conn, single[string], `select term from terms where term >= ? and term < ?`, token+from, token+to)
	for i, w := range words {
		words[i] = w[len(token):]
	}
	return words, err
}

// manyTasks is from how many tasks on the terms of a search are looked up side by side. One that nearly every task holds takes a
// tenth of a microsecond for each of them.
const manyTasks = 20_000

// hitsOf looks terms up. Where there are many tasks, readers that are free help, as far as they see the user as f does.
func (f *finder) hitsOf(ctx context.Context, terms []tandem.Term) ([]*store.Bitset, error) {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	sets := make([]*store.Bitset, len(terms))
	errs := make([]error, len(terms))
	var next atomic.Int64
	work := func(f *finder) {
		for i := next.Add(1) - 1; i < int64(len(terms)); i = next.Add(1) - 1 {
			if sets[i], errs[i] = f.hits(ctx, terms[i]); errs[i] != nil {
				stop()
			}
		}
	}
	var helping sync.WaitGroup
	if f.account.Numbers >= f.db.manyTasks {
		for range min(len(terms), readConns) - 1 {
			helping.Go(func() { f.assist(ctx, work) })
		}
	}
	work(f)
	helping.Wait()
	return sets, errors.Join(errs...)
}

// assist lets a free reader do some of the work of f. One that has none, or another state of the user, does nothing: f does it all.
func (f *finder) assist(ctx context.Context, work func(*finder)) {
	select {
	case c := <-f.db.readers:
		defer func() { f.db.readers <- c }()
		err := c.transact(ctx, "begin", func(ctx context.Context, c *conn) error {
			a, _, err := readAccount(ctx, c, f.user)
			if err == nil && a == f.account {
				work(&finder{conn: c, db: f.db, user: f.user, account: a})
			}
			return err
		})
		if err != nil && ctx.Err() == nil {
			f.db.log.WarnContext(ctx, "search not assisted", "user_id", f.user, "err", err)
		}
	default:
	}
}

// hits looks a term up: twice the number of each task that holds it in the title, and that plus one for the description.
func (f *finder) hits(ctx context.Context, term tandem.Term) (*store.Bitset, error) {
	match := `"` + tokensOf(f.account.ordinal, term) + `" *`
	many := f.account.Numbers >= f.db.manyTasks
	if set := f.db.found.get(f.account, match); many && set != nil {
		return set, nil
	}
	set := &store.Bitset{}
	err := readInto(ctx, f.conn, set, `select bitset(rowid - ?) from words where words match ?`, f.first()<<1, match)
	if err != nil {
		return nil, fmt.Errorf("look up words: %w", err)
	}
	if many {
		f.db.found.put(f.account, match, set)
	}
	return set, nil
}
