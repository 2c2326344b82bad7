package tools

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"tandem"
)

// maxExpand bounds how many occurrences a list shows of each task.
const maxExpand = 50

// maxOffset bounds how far a page may lie without a cursor.
const maxOffset = 1_000_000

// statusWords maps the words of both readings to what they mean.
var statusWords = map[string]tandem.StatusFilter{
	"all": tandem.StatusAny, "pending": tandem.StatusOnlyPending, "completed": tandem.StatusOnlyCompleted,
	"deleted": tandem.StatusOnlyDeleted, "complete": tandem.StatusOnlyCompleted, "incomplete": tandem.StatusOnlyPending,
}

var statusNames = []string{"all", "pending", "completed", "deleted", "complete", "incomplete"}

// list runs list_tasks.
func (tb *Toolbox) list(ctx context.Context, c call) (Result, error) {
	c.args.text("op_id")
	c.args.flag("dry_run")
	q, err := c.query()
	if err != nil {
		return Result{}, err
	}
	expand := int(c.args.number("expand", 1, maxExpand, 0))
	cursor := c.args.words("cursor", maxCursor)
	if c.args.err != nil {
		return Result{}, c.args.err
	}
	bound := digest(c.args.canonical("cursor", "offset", "limit", "expand", "user_id", "op_id", "dry_run"))
	if cursor != "" {
		if q.After, err = readCursor(cursor, bound, q); err != nil {
			return Result{}, err
		}
	}
	page, err := tb.Store.List(ctx, c.User, q)
	if err != nil {
		return Result{}, err
	}
	l := listed{Success: true, Tasks: make([]tandem.TaskRow, len(page.Tasks)), TotalCount: page.Total, Fuzzy: page.Fuzzy}
	for i, t := range page.Tasks {
		l.Tasks[i] = c.row(t, expand, page.Fuzzy)
	}
	if page.Next != nil {
		l.NextCursor = writeCursor(*page.Next, bound, q)
	}
	l.Message = sayList(l)
	return l.result()
}

// listed is the result of list_tasks in the later reading.
type listed struct {
	Success    bool             `json:"success"`
	Tasks      []tandem.TaskRow `json:"tasks"`
	TotalCount int              `json:"total_count"`
	NextCursor string           `json:"next_cursor,omitempty"`
	Fuzzy      bool             `json:"fuzzy,omitempty"`
	Message    string           `json:"message"`
}

// earlier is a task in the earlier reading, without what is empty.
type earlier struct {
	ID          int64           `json:"id"`
	Title       string          `json:"title"`
	Completed   bool            `json:"completed"`
	Description string          `json:"description,omitempty"`
	Priority    tandem.Priority `json:"priority"`
	Tags        []string        `json:"tags,omitempty"`
	DueDate     *tandem.Stamp   `json:"due_date,omitempty"`
	Recurrence  *string         `json:"recurrence,omitempty"`
	CreatedAt   tandem.Stamp    `json:"created_at"`
}

func (l listed) result() (Result, error) {
	text := make([]earlier, len(l.Tasks))
	for i, t := range l.Tasks {
		text[i] = earlier{
			ID: t.ID, Title: t.Title, Completed: t.Completed, Description: t.Description, Priority: t.Priority, Tags: t.Tags,
			DueDate: t.DueDate, Recurrence: t.Recurrence, CreatedAt: t.CreatedAt,
		}
	}
	structured, err := json.Marshal(l)
	if err != nil {
		return Result{}, fmt.Errorf("encode a list: %w", err)
	}
	array, err := json.Marshal(text)
	return Result{Structured: structured, Text: string(array)}, err
}

// row shows one task: who set its fields where it was asked for by id, and its next occurrences where wanted.
func (c call) row(t tandem.Task, expand int, fuzzy bool) tandem.TaskRow {
	row := t.Row()
	row.Fuzzy = fuzzy
	if c.args.has("ids") {
		row.Provenance = t.Origins
	}
	if expand > 0 {
		for _, due := range t.Upcoming(c.settings.Zone(), expand) {
			row.Occurrences = append(row.Occurrences, tandem.Stamp(due.At(c.settings.Zone())))
		}
	}
	return row
}

// query reads the filters. A term of the query argument narrows like the argument of its name, also beside it; words stand in
// search or in query, and the argument decides about the order.
func (c call) query() (tandem.Query, error) {
	a := c.args
	clk, err := c.clock()
	if err != nil {
		return tandem.Query{}, err
	}
	filter, err := tandem.ParseFilter(a.words("query", maxPhrase))
	if err != nil {
		return tandem.Query{}, err
	}
	q := tandem.Query{
		Now: c.now, Status: filter.Status, Priority: filter.Priority, TagsAny: filter.TagsAny,
		Tags: append(filter.Tags, a.tags("tags")...), Search: filter.Search, Sort: filter.Sort, Desc: filter.Desc,
		Limit: int(a.number("limit", 1, tandem.MaxLimit, tandem.DefaultLimit)), Offset: int(a.number("offset", 0, maxOffset, 0)),
	}
	c.narrow(&q)
	if a.has("tags_any") {
		q.TagsAny = append(q.TagsAny, a.tags("tags_any"))
	}
	if a.has("ids") && q.Refs == nil {
		q.Refs = a.refList("ids")
	}
	c.order(&q)
	c.search(&q)
	if err := c.dueRange(&q, clk, filter.Due); err != nil {
		return q, err
	}
	return q, a.err
}

// tags reads tags to look for, in the form in which they are kept.
func (a *arguments) tags(name string) []string {
	tags := a.texts(name, maxTagList)
	for i, tag := range tags {
		tags[i] = tandem.TagName(tag)
	}
	return tags
}

// narrow reads the arguments of closed sets. Where query asks for another value already, no task is left.
func (c call) narrow(q *tandem.Query) {
	status, priority := choice(c.args, "status", statusNames), choice(c.args, "priority", tandem.Priorities)
	if want := statusWords[status]; want != "" && want != tandem.StatusAny {
		if q.Status != "" && q.Status != tandem.StatusAny && q.Status != want {
			q.Refs = []tandem.TaskRef{}
		}
		q.Status = want
	}
	if priority != "" {
		if len(q.Priority) > 0 && !slices.Contains(q.Priority, priority) {
			q.Refs = []tandem.TaskRef{}
		}
		q.Priority = []tandem.Priority{priority}
	}
}

func (c call) order(q *tandem.Query) {
	type direction string
	if by := choice(c.args, "sort_by", tandem.Sorts); by != "" {
		q.Sort, q.Desc = by, false
	}
	if order := choice(c.args, "sort_order", []direction{"asc", "desc"}); order != "" {
		q.Desc = order == "desc"
	}
}

func (c call) search(q *tandem.Query) {
	if s := tandem.ParseSearch(c.args.words("search", maxPhrase)); !s.IsZero() {
		if !q.Search.IsZero() {
			c.args.fail(tandem.Invalid("search", nil, "Give words in search or in query, not in both."))
		}
		q.Search = s
	}
	q.Fuzzy = len(q.Search.Any) > 0
}

// dueRange narrows by due date: all that is given must hold.
func (c call) dueRange(q *tandem.Query, clk clock, fromQuery string) error {
	for _, f := range []struct{ field, value string }{{"query", fromQuery}, {"due_date_filter", choice(c.args, "due_date_filter", tandem.DueWords)}} {
		if f.value == "" || c.args.err != nil {
			continue
		}
		part := tandem.Query{}
		if err := part.ApplyDue(f.field, f.value, c.now, clk.zone, c.settings.FirstWeekday()); err != nil {
			return err
		}
		q.Overdue, q.NoDue = q.Overdue || part.Overdue, q.NoDue || part.NoDue
		q.DueFrom, q.DueTo = later(q.DueFrom, part.DueFrom), earliest(q.DueTo, part.DueTo)
	}
	from, err := c.edge(clk, "due_from", false)
	if err != nil {
		return err
	}
	to, err := c.edge(clk, "due_to", true)
	if err != nil {
		return err
	}
	q.DueFrom, q.DueTo = later(q.DueFrom, from), earliest(q.DueTo, to)
	q.AsOf, err = c.edge(clk, "as_of", true)
	return err
}

// edge reads one end of a stretch of time; nil where it is absent.
func (c call) edge(clk clock, field string, end bool) (*time.Time, error) {
	text := c.args.phrase(field)
	if text == "" || c.args.err != nil {
		return nil, c.args.err
	}
	at, err := clk.instant(field, text, end)
	return &at, err
}

func later(a, b *time.Time) *time.Time {
	if a == nil || b != nil && b.After(*a) {
		return b
	}
	return a
}

func earliest(a, b *time.Time) *time.Time {
	if a == nil || b != nil && b.Before(*a) {
		return b
	}
	return a
}

func sayList(l listed) string {
	switch n := len(l.Tasks); {
	case l.Fuzzy:
		return fmt.Sprintf("Nothing matches; %s similar.", count(l.TotalCount, "task is", "tasks are"))
	case l.TotalCount == 0:
		return "No tasks."
	case n < l.TotalCount:
		return fmt.Sprintf("%d of %d tasks.", n, l.TotalCount)
	default:
		return count(n, "task", "tasks") + "."
	}
}

func count(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}
