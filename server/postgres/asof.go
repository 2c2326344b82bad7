package postgres

import (
	"context"
	"slices"

	"tandem"
)

// listAsOf gives the list as it was at an instant, out of the versions that were current then.
func (db *DB) listAsOf(ctx context.Context, f *finder) (page tandem.Page, err error) {
	at := *f.query.AsOf
	if oldest := db.clock().Add(-tandem.KeepVersions); at.Before(oldest) {
		return page, tandem.Invalid("as_of", tandem.Stamp(at).String(), "The past is kept for 30 days, so as_of goes back to %s.", tandem.Stamp(oldest))
	}
	all, err := list(ctx, f.conn, decodeTask, `
		select doc from versions where user_id = $1 and saved_at <= $2 and (until is null or until > $2)`, f.user, at)
	if err != nil {
		return page, err
	}
	return pick(all, f.query), nil
}

// pick is List on tasks in memory.
func pick(tasks []tandem.Task, q tandem.Query) (page tandem.Page) {
	tasks = slices.DeleteFunc(tasks, func(t tandem.Task) bool { return !q.Match(t) })
	page.Total = len(tasks)
	slices.SortFunc(tasks, q.Order)
	f := finder{query: q}
	entries := make([]entry, len(tasks))
	for i, t := range tasks {
		entries[i] = entry{number: int64(i), key: keyOf(t, q), uid: t.UID}
	}
	if after := f.cursor(); after != nil {
		entries = slices.DeleteFunc(entries, func(e entry) bool { return f.order(e, *after) <= 0 })
	}
	entries = entries[min(q.Offset, len(entries)):]
	if len(entries) > q.Limit {
		entries = entries[:q.Limit]
		last := entries[len(entries)-1]
		page.Next = &tandem.Position{Key: last.key.position(q.Sort), UID: last.uid}
	}
	for _, e := range entries {
		page.Tasks = append(page.Tasks, tasks[e.number])
	}
	return page
}

// keyOf gives what a task is ordered by.
func keyOf(t tandem.Task, q tandem.Query) key {
	switch q.Sort {
	case tandem.SortDue:
		if t.DueAt == nil {
			return key{none: true}
		}
		return key{num: t.DueAt.UnixMicro()}
	case tandem.SortPriority:
		return key{num: int64(t.Priority.Rank())}
	case tandem.SortStatus:
		return key{num: int64(statusOf(t))}
	case tandem.SortTitle:
		return key{text: sortKey(t.Title)}
	case tandem.SortRank:
		return key{num: int64(q.Search.Rank(t.Title, t.Description))}
	default:
		return key{num: t.CreatedAt.UnixMicro()}
	}
}
