package store

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	"tandem"
)

// Entry is a task as far as ordering needs it.
type Entry struct {
	Number int64
	Key    Key
	UID    string
}

// Key is what a list is ordered by: a number or a text. Undated tasks have none.
type Key struct {
	None bool
	Num  int64
	Text string
}

// keyOf gives what a task is ordered by.
func (l *Listing) keyOf(t tandem.Task) Key {
	switch l.Query.Sort {
	case tandem.SortDue:
		if t.DueAt == nil {
			return Key{None: true}
		}
		return Key{Num: l.Instant(*t.DueAt)}
	case tandem.SortPriority:
		return Key{Num: int64(t.Priority.Rank())}
	case tandem.SortStatus:
		return Key{Num: int64(StatusOf(t))}
	case tandem.SortTitle:
		return Key{Text: l.Title(t.Title)}
	case tandem.SortRank:
		return Key{Num: int64(l.Query.Search.Rank(t.Title, t.Description))}
	default:
		return Key{Num: l.Instant(t.CreatedAt)}
	}
}

// position writes the key into a cursor.
func (k Key) position(s tandem.Sort) string {
	switch {
	case s == tandem.SortTitle:
		return k.Text
	case k.None:
		return ""
	default:
		return strconv.FormatInt(k.Num, 10)
	}
}

// cursor gives the entry that the page goes on behind; nil for the first page, and for a cursor that no page ever ended with.
func (l *Listing) cursor() *Entry {
	p := l.Query.After
	if p == nil {
		return nil
	}
	e := &Entry{UID: p.UID}
	switch {
	case l.Query.Sort == tandem.SortTitle:
		e.Key.Text = p.Key
	case p.Key == "":
		e.Key.None = true
	default:
		n, err := strconv.ParseInt(p.Key, 10, 64)
		if err != nil {
			return nil
		}
		e.Key.Num = n
	}
	return e
}

// order compares two entries as Query.Order compares their tasks. Rank counts down: a better match comes first.
func (l *Listing) order(a, b Entry) int {
	if a.Key.None != b.Key.None {
		if a.Key.None {
			return 1
		}
		return -1
	}
	c := cmp.Compare(a.Key.Num, b.Key.Num)
	if l.Query.Sort == tandem.SortRank {
		c = -c
	}
	if c == 0 {
		c = strings.Compare(a.Key.Text, b.Key.Text)
	}
	if c == 0 {
		c = strings.Compare(a.UID, b.UID)
	}
	if l.Query.Desc {
		return -c
	}
	return c
}

// behind gives those of the entries, which are in order, that stand behind the cursor.
func (l *Listing) behind(entries []Entry) []Entry {
	after := l.cursor()
	if after == nil {
		return entries
	}
	i, _ := slices.BinarySearchFunc(entries, *after, func(e, at Entry) int {
		if l.order(e, at) <= 0 {
			return -1
		}
		return 1
	})
	return entries[i:]
}

// Columns gives an order as both schemas name it: the column of the key, and what stands behind user_id and status in the index of
// that order. Without a column of its own the key is constant.
func Columns(sort tandem.Sort) (key, index string) {
	switch sort {
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
