package tandem

import (
	"slices"
	"strings"
	"time"
)

// Sort is a property that lists are ordered by.
type Sort string

// Sorts lists all sorts.
var Sorts = []Sort{SortCreated, SortDue, SortPriority, SortStatus, SortTitle}

// The sorts. SortRank, best match first, is the default of a search and cannot be asked for by name.
const (
	SortCreated  Sort = "created_at"
	SortDue      Sort = "due_date"
	SortPriority Sort = "priority"
	SortStatus   Sort = "status"
	SortTitle    Sort = "title"
	SortRank     Sort = "rank"
)

// StatusFilter narrows a list; StatusAny is all but the trash.
type StatusFilter string

// The status filters.
const (
	StatusAny           StatusFilter = "all"
	StatusOnlyPending   StatusFilter = "pending"
	StatusOnlyCompleted StatusFilter = "completed"
	StatusOnlyDeleted   StatusFilter = "deleted"
)

// Query selects and orders tasks. Zero fields do not narrow. Store implementations and the browser give the same set as
// Match.
type Query struct {
	Status   StatusFilter // zero: StatusAny
	Priority []Priority   // any of
	Tags     []string     // all of
	TagsAny  [][]string   // for each group, any of
	Refs     []TaskRef    // nil: no narrowing; empty: nothing
	NoDue    bool
	DueFrom  *time.Time // inclusive
	DueTo    *time.Time // inclusive
	Overdue  bool       // pending and due before Now
	Search   Search
	Now      time.Time

	Sort   Sort // zero: SortCreated, or SortRank with a Search
	Desc   bool
	Limit  int // 1..100
	Offset int
	After  *Position // keyset cursor
	AsOf   *time.Time
	Fuzzy  bool // where a search finds nothing, near misses are given
}

// Position is where a page ended: the sort key and UID of its last row.
type Position struct {
	Key string `json:"k"`
	UID string `json:"u"`
}

// Page is one page of a list.
type Page struct {
	Tasks []Task
	Total int       // of the whole list
	Next  *Position // nil on the last page
	Fuzzy bool      // the rows are near misses
}

// Search is a parsed search text.
type Search struct {
	Any []Term // any of them
	Not []Term // none of them
}

// Term is one word, matched at the start of a word, or a phrase: words in a row, the last one matched at its start.
type Term []string

// IsZero reports a search for nothing, which finds all.
func (s Search) IsZero() bool { return len(s.Any) == 0 && len(s.Not) == 0 }

// Bounds of a search text: more terms than maxTerms are ignored.
const maxTerms = 32

// ParseSearch reads the search syntax: words are OR-ed, "quoted words" are a phrase, -word excludes.
func ParseSearch(text string) Search {
	var s Search
	for _, tok := range lexemes(text) {
		words := Term(Words(tok.text))
		if len(words) == 0 || len(s.Any)+len(s.Not) >= maxTerms {
			continue
		}
		if tok.not {
			s.Not = append(s.Not, words)
		} else {
			s.Any = append(s.Any, words)
		}
	}
	return s
}

type lexeme struct {
	text   string
	not    bool
	quoted bool
}

// lexemes splits at spaces outside of quotes; an unclosed quote runs to the end.
func lexemes(text string) []lexeme {
	var out []lexeme
	rest := strings.TrimSpace(text)
	for rest != "" {
		var t lexeme
		if strings.HasPrefix(rest, "-") && len(rest) > 1 && rest[1] != ' ' {
			t.not, rest = true, rest[1:]
		}
		if strings.HasPrefix(rest, `"`) {
			t.quoted = true
			t.text, rest, _ = strings.Cut(rest[1:], `"`)
		} else {
			t.text, rest = untilSpace(rest)
		}
		out = append(out, t)
		rest = strings.TrimSpace(rest)
	}
	return out
}

// untilSpace cuts at the first space that is not inside quotes (tag:"two words").
func untilSpace(s string) (head, rest string) {
	quoted := false
	for i, r := range s {
		if r == '"' {
			quoted = !quoted
		}
		if r == ' ' && !quoted {
			return s[:i], s[i:]
		}
	}
	return s, ""
}

// In reports whether the term occurs in folded words.
func (t Term) In(words []string) bool {
	for i := 0; i+len(t) <= len(words); i++ {
		last := len(t) - 1
		if slices.Equal(words[i:i+last], t[:last]) && strings.HasPrefix(words[i+last], t[last]) {
			return true
		}
	}
	return false
}

// Match reports whether a title and description fit the search. A term does not span the two.
func (s Search) Match(title, description string) bool {
	tw, dw := Words(title), Words(description)
	in := func(t Term) bool { return t.In(tw) || t.In(dw) }
	if slices.ContainsFunc(s.Not, in) {
		return false
	}
	return len(s.Any) == 0 || slices.ContainsFunc(s.Any, in)
}

// Rank orders matches: each term found counts 2 in the title and 1 in the description. More is better.
func (s Search) Rank(title, description string) int {
	tw, dw := Words(title), Words(description)
	rank := 0
	for _, t := range s.Any {
		if t.In(tw) {
			rank += 2
		}
		if t.In(dw) {
			rank++
		}
	}
	return rank
}

// Match reports whether a task belongs to the list, leaving the page aside.
func (q Query) Match(t Task) bool {
	return q.matchStatus(t) && q.matchDue(t) && q.matchTags(t) &&
		(len(q.Priority) == 0 || slices.Contains(q.Priority, t.Priority)) &&
		(q.Refs == nil || slices.ContainsFunc(q.Refs, func(r TaskRef) bool { return r.UID == t.UID || r.UID == "" && r.Number == t.Number })) &&
		q.Search.Match(t.Title, t.Description)
}

func (q Query) matchStatus(t Task) bool {
	switch q.Status {
	case StatusOnlyPending:
		return t.Open()
	case StatusOnlyCompleted:
		return t.Status() == StatusCompleted
	case StatusOnlyDeleted:
		return t.DeletedAt != nil
	default:
		return t.DeletedAt == nil
	}
}

func (q Query) matchDue(t Task) bool {
	switch {
	case q.NoDue && t.DueAt != nil:
		return false
	case (q.Overdue || q.DueFrom != nil || q.DueTo != nil) && t.DueAt == nil:
		return false
	case q.Overdue && (!t.Open() || !t.DueAt.Before(q.Now)):
		return false
	case q.DueFrom != nil && t.DueAt.Before(*q.DueFrom):
		return false
	default:
		return q.DueTo == nil || !t.DueAt.After(*q.DueTo)
	}
}

func (q Query) matchTags(t Task) bool {
	has := func(tag string) bool {
		return slices.ContainsFunc(t.Tags, func(have string) bool { return Fold(have) == Fold(tag) })
	}
	for _, tag := range q.Tags {
		if !has(tag) {
			return false
		}
	}
	for _, group := range q.TagsAny {
		if !slices.ContainsFunc(group, has) {
			return false
		}
	}
	return true
}

// Order compares two tasks in the query's order; ties fall to the UID. Without a due date a task stands last in both
// directions.
func (q Query) Order(a, b Task) int {
	c := 0
	switch q.sorting() {
	case SortDue:
		switch {
		case a.DueAt == nil && b.DueAt != nil:
			return 1
		case a.DueAt != nil && b.DueAt == nil:
			return -1
		case a.DueAt != nil:
			c = a.DueAt.Compare(*b.DueAt)
		}
	case SortPriority:
		c = a.Priority.Rank() - b.Priority.Rank()
	case SortStatus:
		c = a.Status().Rank() - b.Status().Rank()
	case SortTitle:
		c = strings.Compare(Fold(a.Title), Fold(b.Title))
	case SortRank:
		c = q.Search.Rank(b.Title, b.Description) - q.Search.Rank(a.Title, a.Description)
	default:
		c = a.CreatedAt.Compare(b.CreatedAt)
	}
	if c == 0 {
		c = strings.Compare(a.UID, b.UID)
	}
	if q.Desc {
		return -c
	}
	return c
}

// Sorting gives the sort in force.
func (q Query) sorting() Sort {
	switch {
	case q.Sort != "":
		return q.Sort
	case len(q.Search.Any) > 0:
		return SortRank
	default:
		return SortCreated
	}
}

// Normal fills the defaults in: status, sort and limit.
func (q Query) Normal() Query {
	q.Sort = q.sorting()
	if q.Status == "" {
		q.Status = StatusAny
	}
	if q.Limit == 0 {
		q.Limit = DefaultLimit
	}
	return q
}

// Page sizes.
const (
	DefaultLimit = 50
	MaxLimit     = 100
)

// DayRange gives the first and last instant of a stretch of local days, days long.
func DayRange(day time.Time, days int) (from, to time.Time) {
	y, m, d := day.Date()
	from = time.Date(y, m, d, 0, 0, 0, 0, day.Location())
	return from.UTC(), time.Date(y, m, d+days, 0, 0, 0, 0, day.Location()).Add(-time.Millisecond).UTC()
}

// Filter is a parsed query text: the grammar of the search box. It is resolved into a Query by Apply.
type Filter struct {
	Status   StatusFilter
	Priority []Priority
	Tags     []string
	TagsAny  [][]string
	Due      string // overdue, today, tomorrow, this_week, this_month, none, a date, or a range FROM..TO
	Sort     Sort
	Desc     bool
	Search   Search
}

// ParseFilter reads the query grammar: key:value terms are AND-ed, what is no known key is a search word.
func ParseFilter(text string) (Filter, error) {
	var f Filter
	var words []string
	for _, tok := range lexemes(text) {
		key, value, found := strings.Cut(tok.text, ":")
		if tok.quoted || tok.not || !found || !f.known(strings.ToLower(key)) {
			words = append(words, tok.source())
			continue
		}
		if err := f.term(strings.ToLower(key), strings.ReplaceAll(value, `"`, "")); err != nil {
			return f, err
		}
	}
	f.Search = ParseSearch(strings.Join(words, " "))
	return f, nil
}

// source writes the lexeme as it was, for the search syntax.
func (t lexeme) source() string {
	s := t.text
	if t.quoted {
		s = `"` + s + `"`
	}
	if t.not {
		s = "-" + s
	}
	return s
}

func (Filter) known(key string) bool {
	return slices.Contains([]string{"status", "priority", "tag", "due", "sort"}, key)
}

func (f *Filter) term(key, value string) error {
	switch key {
	case "status":
		statuses := []StatusFilter{StatusOnlyPending, StatusOnlyCompleted, StatusAny, StatusOnlyDeleted}
		if f.Status = StatusFilter(value); !slices.Contains(statuses, f.Status) {
			return NotOneOf("query", value, statuses)
		}
	case "priority":
		for p := range strings.SplitSeq(value, ",") {
			if Priority(p).Rank() < 0 {
				return NotOneOf("query", p, Priorities)
			}
			f.Priority = append(f.Priority, Priority(p))
		}
	case "tag":
		if group := strings.Split(value, ","); len(group) == 1 {
			f.Tags = append(f.Tags, value)
		} else {
			f.TagsAny = append(f.TagsAny, group)
		}
	case "due":
		f.Due = value
		return checkDue("query", value)
	case "sort":
		f.Sort, f.Desc = Sort(strings.TrimPrefix(value, "-")), strings.HasPrefix(value, "-")
		if !slices.Contains(Sorts, f.Sort) {
			return NotOneOf("query", value, Sorts)
		}
	}
	return nil
}

// DueWords lists the named stretches of due dates.
var DueWords = []string{"overdue", "today", "tomorrow", "this_week", "this_month", "none"}

func checkDue(field, value string) error {
	if slices.Contains(DueWords, value) {
		return nil
	}
	from, to, ranged := strings.Cut(value, "..")
	if !ranged {
		to = from
	}
	for _, d := range []string{from, to} {
		if d == "" && from+to != "" {
			continue
		}
		if _, err := time.Parse(time.DateOnly, d); err != nil {
			e := Invalid(field, value, "due: takes %s, a date such as 2026-12-01, or a range such as 2026-12-01..2026-12-31.", join(DueWords))
			e.Details.Allowed = DueWords
			return e
		}
	}
	return nil
}

// ApplyDue narrows q to a stretch of due dates, named as in DueWords or written as a date or range, in local days of zone.
func (q *Query) ApplyDue(field, value string, now time.Time, zone *time.Location, weekStart time.Weekday) error {
	if err := checkDue(field, value); err != nil {
		return err
	}
	today := now.In(zone)
	stretch := func(day time.Time, days int) {
		from, to := DayRange(day, days)
		q.DueFrom, q.DueTo = &from, &to
	}
	switch value {
	case "overdue":
		q.Overdue = true
	case "none":
		q.NoDue = true
	case "today":
		stretch(today, 1)
	case "tomorrow":
		stretch(today.AddDate(0, 0, 1), 1)
	case "this_week":
		back := (int(today.Weekday()) - int(weekStart) + 7) % 7
		stretch(today.AddDate(0, 0, -back), 7)
	case "this_month":
		first := time.Date(today.Year(), today.Month(), 1, 0, 0, 0, 0, zone)
		stretch(first, first.AddDate(0, 1, -1).Day())
	default:
		q.applyRange(value, zone)
	}
	return nil
}

func (q *Query) applyRange(value string, zone *time.Location) {
	from, to, ranged := strings.Cut(value, "..")
	if !ranged {
		to = from
	}
	if d, err := time.ParseInLocation(time.DateOnly, from, zone); err == nil {
		start, _ := DayRange(d, 1)
		q.DueFrom = &start
	}
	if d, err := time.ParseInLocation(time.DateOnly, to, zone); err == nil {
		_, end := DayRange(d, 1)
		q.DueTo = &end
	}
}
