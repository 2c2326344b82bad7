package intake

import (
	"crypto/sha256"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"

	"tandem"
)

// row is a task as another product keeps it.
type row struct {
	line        int
	key         string // names it at its source; empty: its content does
	title       string
	description string
	notes       []string // further paragraphs of the description
	priority    tandem.Priority
	tags        []string
	due         *tandem.Due
	at          *time.Time // due at an instant, instead of due
	zone        string     // of at; empty: the person's
	words       string     // about time, to be read; the rule of a repetition where due is set
	language    string     // of words
	rule        string     // RRULE
	from        tandem.RepeatFrom
	before      []time.Duration
	remindAt    []tandem.Due
	created     *time.Time
	done        bool
	completed   *time.Time
	lost        []string
}

// maker makes tasks of rows.
type maker struct {
	Options
	seen map[string]int // rows without a key, by content
}

func (m *maker) task(r row) (tandem.Task, []string, error) {
	uid := m.uid(r)
	d := tandem.Draft{UID: uid, Priority: r.priority, Due: r.due, RepeatFrom: r.from}
	if r.at != nil {
		due := tandem.DueAt(*r.at, m.zone(r.zone))
		d.Due = &due
	}
	m.schedule(&r, &d)
	d.Title, d.Description = m.text(&r)
	d.Tags = tagsOf(&r)
	if !r.done {
		d.Reminders = m.reminders(&r, d.Due)
	}
	t, _, err := tandem.NewTask(m.Scene, d)
	if err != nil {
		return t, nil, err
	}
	t.CreatedAt = m.past(r.created)
	if r.done {
		done := m.past(r.completed)
		t.CompletedAt = &done
	}
	tandem.Seal(m.Scene, tandem.Cause{Actor: tandem.ActorImport}, nil, &t, 0)
	return t, r.lost, nil
}

func (m *maker) zone(name string) string {
	if name == "" {
		name = m.Scene.Settings.TimeZone
	}
	if _, err := tandem.LoadZone(name); err != nil {
		return "UTC"
	}
	return name
}

// past gives a time that has passed; any other one is now.
func (m *maker) past(t *time.Time) time.Time {
	if t == nil || t.IsZero() || t.After(m.Scene.Now) || t.Year() < 1970 {
		return m.Scene.Now
	}
	return t.UTC().Truncate(time.Millisecond)
}

// schedule reads rule and words into the draft. What is not understood goes to the notes.
func (m *maker) schedule(r *row, d *tandem.Draft) {
	if r.rule != "" {
		rule, err := tandem.ParseRule(r.rule)
		if err != nil {
			r.keep("Repeats", r.rule)
		} else {
			d.Rule = rule
		}
	}
	if r.words != "" {
		m.words(r, d)
	}
	if r.done || d.Rule.IsZero() {
		d.Rule, d.RepeatFrom = tandem.Rule{}, ""
	}
	if d.Due != nil && d.Due.Validate() != nil {
		r.keep("Due", strings.TrimSpace(d.Due.Date+" "+d.Due.Time+" "+d.Due.TimeZone))
		d.Due, d.Rule, d.RepeatFrom = nil, tandem.Rule{}, ""
	}
	if !d.Rule.IsZero() && !begins(d) {
		r.keep("Repeats", d.Rule.String())
		d.Rule, d.RepeatFrom = tandem.Rule{}, ""
	}
}

// words fills in what the words for the date say.
func (m *maker) words(r *row, d *tandem.Draft) {
	switch w, ok := m.Words(r.words, r.language, r.zone); {
	case d.Due != nil && (!ok || w.Rule.IsZero()):
		r.keep("Repeats", r.words)
	case !ok:
		r.keep("Due", r.words)
	default:
		if !w.Rule.IsZero() {
			d.Rule, d.RepeatFrom = w.Rule, w.From
		}
		if d.Due == nil {
			d.Due = w.Due
		}
	}
}

// begins tells that the rule has an occurrence from the due date on.
func begins(d *tandem.Draft) bool {
	if d.Due == nil {
		return true
	}
	_, ok := d.Rule.First(*d.Due)
	return ok
}

// keep moves what Tandem cannot hold into the notes.
func (r *row) keep(name, text string) {
	r.notes = append(r.notes, name+": "+text)
	r.lost = append(r.lost, fmt.Sprintf("%s %q is not understood; it stands in the notes", strings.ToLower(name), cut(text, 100)))
}

// text gives title and description, each cut to what a task may hold.
func (m *maker) text(r *row) (title, description string) {
	title = strings.TrimSpace(printable(r.title))
	if short := cut(title, tandem.MaxTitle); short != title {
		r.notes = append([]string{title}, r.notes...)
		r.lost = append(r.lost, "the title was shortened; the whole of it stands in the notes")
		title = short
	}
	parts := append([]string{r.description}, r.notes...)
	parts = slices.DeleteFunc(parts, func(s string) bool { return strings.TrimSpace(s) == "" })
	description = strings.TrimSpace(printable(strings.Join(parts, "\n\n")))
	if short := cut(description, tandem.MaxDescription); short != description {
		r.lost = append(r.lost, fmt.Sprintf("the notes were cut to %d characters", tandem.MaxDescription))
		description = short
	}
	return title, description
}

// cut shortens a text to n characters, the last of which then is an ellipsis.
func cut(s string, n int) string {
	if rs := []rune(s); len(rs) > n {
		return strings.TrimSpace(string(rs[:n-1])) + "…"
	}
	return s
}

// printable drops control characters other than line breaks and tabs, and what is no UTF-8.
func printable(s string) string {
	s = strings.ToValidUTF8(strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(s), "")
	return strings.Map(func(c rune) rune {
		if unicode.IsControl(c) && c != '\n' && c != '\t' {
			return -1
		}
		return c
	}, s)
}

func tagsOf(r *row) []string {
	var out []string
	for _, tag := range r.tags {
		tag = cut(tandem.TagName(strings.ReplaceAll(printable(tag), "\t", " ")), tandem.MaxTag)
		if _, err := tandem.CleanTags("tags", []string{tag}); err == nil {
			out = append(out, tag)
		}
	}
	if out, err := tandem.CleanTags("tags", out); err == nil {
		return out
	}
	r.lost = append(r.lost, fmt.Sprintf("only the first %d of %d tags were kept", tandem.MaxTags, len(out)))
	return out[:tandem.MaxTags]
}

// reminders gives those that lie ahead.
func (m *maker) reminders(r *row, due *tandem.Due) []tandem.ReminderSpec {
	var out []tandem.ReminderSpec
	lost := 0
	for _, before := range r.before {
		if due == nil || before < 0 {
			lost++
			continue
		}
		out = append(out, tandem.ReminderSpec{Before: &before})
	}
	for _, when := range r.remindAt {
		if at := when.At(m.Scene.Settings.Zone()); at.After(m.Scene.Now) {
			out = append(out, tandem.ReminderSpec{At: &at})
		}
	}
	if extra := len(out) - tandem.MaxReminders; extra > 0 {
		lost, out = lost+extra, out[:tandem.MaxReminders]
	}
	if lost > 0 {
		r.lost = append(r.lost, fmt.Sprintf("%d reminders could not be kept", lost))
	}
	return out
}

// uid gives the same name to the same row whenever it is read.
func (m *maker) uid(r row) string {
	key := r.key
	if key == "" {
		body := fmt.Sprintf("%q %q %q %q %v %v %q %q", r.title, r.description, r.priority, r.tags, r.due, r.at, r.words, r.rule)
		m.seen[body]++
		key = fmt.Sprintf("%d %s", m.seen[body], body)
	}
	sum := sha256.Sum256([]byte(m.Format + "\x00" + key))
	b := sum[:16]
	b[6], b[8] = b[6]&0x0f|0x80, b[8]&0x3f|0x80 // version 8, RFC 9562: made by a rule of our own
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}
