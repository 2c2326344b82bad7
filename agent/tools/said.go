package tools

import (
	"encoding/json"
	"regexp"
	"slices"
	"sync"

	"tandem"
	"tandem/agent/phrase"
)

// Words are what a person said, and what the tools answered in the same turn. A date that an assistant works out itself is
// held against them: a silently wrong date is worse than none. They may be shared by many goroutines.
type Words struct {
	Text string

	mu   sync.Mutex
	seen map[string]bool // the dates in results of this turn, YYYY-MM-DD
}

// maxSeen bounds the dates that are remembered.
const maxSeen = 1000

// shownDate finds the due dates in a result.
var shownDate = regexp.MustCompile(`"date":"(\d{4}-\d{2}-\d{2})"`)

// see remembers the due dates of a result.
func (w *Words) see(result json.RawMessage) {
	if w == nil {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.seen == nil {
		w.seen = map[string]bool{}
	}
	for _, found := range shownDate.FindAllSubmatch(result, maxSeen-len(w.seen)) {
		w.seen[string(found[1])] = true
	}
}

func (w *Words) saw(date string) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.seen[date]
}

// unsaid holds the calendar dates among the named arguments against the person's words. A date that contradicts them is an
// error of a; one that is neither there nor in a result of this turn is listed, for the policy. Words that mean a date which
// the grammar cannot settle leave the date to the assistant.
func (w *Words) unsaid(clk clock, a *arguments, names ...string) []string {
	if w == nil || a.err != nil {
		return nil
	}
	var out []string
	for _, name := range names {
		text := a.phrase(name)
		r, iso, err := clk.iso(name, text)
		if err != nil || !iso || w.saw(r.due.Date) {
			continue
		}
		said, unsettled := clk.said(w.Text)
		switch {
		case matches(said, r.due, name == "move_due"):
		case len(said) > 0:
			e := tandem.Invalid(a.field(name), text, "The person's words mean another time: %s. Pass the words themselves.", sayDue(said[0]))
			for _, d := range said {
				e.Details.Allowed = append(e.Details.Allowed, isoOf(d))
			}
			a.fail(e)
		case !unsettled:
			out = append(out, r.due.Date)
		}
	}
	return out
}

// matches reports whether one of the readings is the given time, to the minute. A time of day counts where any of the words
// name one.
func matches(said []tandem.Due, due tandem.Due, dateAlone bool) bool {
	timed := slices.ContainsFunc(said, func(d tandem.Due) bool { return d.Time != "" })
	return slices.ContainsFunc(said, func(d tandem.Due) bool {
		return d.Date == due.Date && (minuteOf(d) == minuteOf(due) || !timed || dateAlone && due.Time == "")
	})
}

func minuteOf(d tandem.Due) string { return d.Time[:min(len(d.Time), len("15:04"))] }

// clauses splits what a person says where one task ends and another begins.
var clauses = regexp.MustCompile(`[;,\n]| and | then `)

// said gives every time that the words may mean, read whole and clause by clause. unsettled: they mean one that the grammar
// does not commit to.
func (c clock) said(text string) (readings []tandem.Due, unsettled bool) {
	for _, part := range append([]string{text}, clauses.Split(text, maxClauses)...) {
		r := phrase.Parse(part, c.now, c.zone, c.options)
		unsettled = unsettled || r.Ambiguous != ""
		whens := slices.Clone(r.Alternatives)
		if r.Due != nil {
			whens = slices.Insert(whens, 0, *r.Due)
		}
		for _, m := range r.Reminders {
			if m.At != nil {
				whens = append(whens, *m.At)
			}
		}
		for _, w := range whens {
			if due := c.wall(w); !slices.Contains(readings, due) {
				readings = append(readings, due)
			}
		}
	}
	return readings, unsettled
}

// maxClauses bounds how many clauses of a message are read.
const maxClauses = 20

func isoOf(d tandem.Due) string {
	if d.Time == "" {
		return d.Date
	}
	return d.Date + "T" + d.Time
}
