package intake

import (
	"encoding/csv"
	"errors"
	"io"
	"iter"
	"regexp"
	"slices"
	"strings"
	"time"

	"tandem"
)

// table is a CSV file with a head.
type table struct {
	reader *csv.Reader
	column map[string]int // by name, upper case
}

// record is a line of a table.
type record struct {
	line   int
	fields []string
	column map[string]int
}

// get gives the first of the named columns that is there and not empty.
func (r record) get(names ...string) string {
	for _, name := range names {
		if i, ok := r.column[name]; ok && i < len(r.fields) {
			if s := strings.TrimSpace(r.fields[i]); s != "" {
				return s
			}
		}
	}
	return ""
}

var errNoHead = errors.New("the first line names no such columns")

// tableOf reads the head, which has to name one of the columns; all of them where they are several.
func tableOf(data []byte, needed ...string) (*table, error) {
	text := strings.TrimLeft(strings.ReplaceAll(string(data), "\r\n", "\n"), "\n")
	reader := newReader(text, comma(text))
	head, err := reader.Read()
	if err != nil {
		return nil, err
	}
	t := &table{reader: reader, column: map[string]int{}}
	for i, name := range head {
		name = strings.ToUpper(strings.Join(strings.FieldsFunc(name, func(r rune) bool { return r == '_' || r == ' ' || r == '-' }), "_"))
		if _, twice := t.column[name]; !twice {
			t.column[name] = i
		}
	}
	for _, name := range needed {
		if _, ok := t.column[name]; !ok {
			return nil, errNoHead
		}
	}
	return t, nil
}

// comma tells what separates the columns of the head.
func comma(text string) rune {
	head, _, _ := strings.Cut(text, "\n")
	best, most := ',', strings.Count(head, ",")
	for _, c := range ";\t" {
		if n := strings.Count(head, string(c)); n > most {
			best, most = c, n
		}
	}
	return best
}

// records gives the lines that hold anything. One that is no CSV is an error, and the next ones go on.
func (t *table) records() iter.Seq2[record, error] {
	return func(yield func(record, error) bool) {
		for {
			fields, err := t.reader.Read()
			if errors.Is(err, io.EOF) {
				return
			}
			r := record{column: t.column, fields: fields}
			if bad, ok := errors.AsType[*csv.ParseError](err); ok {
				r.line = bad.StartLine
				err = tandem.Invalid("row", nil, "This line is no CSV: %v.", bad.Err)
			} else if err == nil {
				r.line, _ = t.reader.FieldPos(0)
			}
			if err == nil && !slices.ContainsFunc(fields, func(s string) bool { return strings.TrimSpace(s) != "" }) {
				continue
			}
			if !yield(r, err) {
				return
			}
		}
	}
}

// The names by which columns are known.
var (
	titleColumns     = []string{"TITLE", "TASK", "NAME", "TASK_NAME", "SUBJECT", "SUMMARY", "CONTENT", "TODO", "TEXT"}
	notesColumns     = []string{"DESCRIPTION", "NOTES", "NOTE", "DETAILS", "BODY", "COMMENT", "COMMENTS"}
	dueColumns       = []string{"DUE", "DUE_DATE", "DATE", "DEADLINE", "DUE_AT"}
	timeColumns      = []string{"TIME", "DUE_TIME"}
	zoneColumns      = []string{"TIME_ZONE", "TIMEZONE", "TZ"}
	priorityColumns  = []string{"PRIORITY", "IMPORTANCE"}
	tagColumns       = []string{"TAGS", "TAG", "LABELS", "LABEL", "CATEGORIES", "CATEGORY"}
	listColumns      = []string{"LIST", "PROJECT", "FOLDER", "LIST_NAME", "SECTION"}
	statusColumns    = []string{"STATUS", "DONE", "COMPLETED", "COMPLETE", "IS_COMPLETED", "CHECKED", "STATE"}
	repeatColumns    = []string{"RECURRENCE", "REPEAT", "REPEATS", "RRULE", "RECURRING"}
	createdColumns   = []string{"CREATED", "CREATED_AT", "CREATED_TIME", "CREATED_DATE"}
	completedColumns = []string{"COMPLETED_AT", "COMPLETED_TIME", "COMPLETED_DATE", "COMPLETION_DATE", "DONE_AT"}
	keyColumns       = []string{"UID", "ID", "TASK_ID", "UUID", "KEY"}
)

// plainCSV reads a table with a head that names at least the title.
func plainCSV(data []byte) (iter.Seq2[row, error], error) {
	t, err := tableOf(data)
	if err == nil && !slices.ContainsFunc(titleColumns, func(name string) bool { _, ok := t.column[name]; return ok }) {
		err = errNoHead
	}
	if err != nil {
		return nil, tandem.Invalid("line", 1, "line 1 is not a line of an export: the first line of a CSV file names its columns, one of them title.").Because(err)
	}
	return func(yield func(row, error) bool) {
		for rec, err := range t.records() {
			r := row{line: rec.line}
			if err == nil {
				err = rec.fill(&r)
			}
			if !yield(r, err) {
				return
			}
		}
	}, nil
}

// ruleForm tells a rule from words.
var ruleForm = regexp.MustCompile(`(?i)^(RRULE:)?FREQ=`)

func (rec record) fill(r *row) (err error) {
	r.key, r.title, r.description, r.zone = rec.get(keyColumns...), rec.get(titleColumns...), rec.get(notesColumns...), rec.get(zoneColumns...)
	if r.priority, err = priorityOf(rec.get(priorityColumns...)); err != nil {
		return err
	}
	r.tags = strings.FieldsFunc(rec.get(tagColumns...), func(c rune) bool { return c == ',' || c == ';' || c == '|' })
	if list := rec.get(listColumns...); list != "" {
		r.tags = append(r.tags, list)
	}
	if r.done, err = doneOf(rec.get(statusColumns...)); err != nil {
		return err
	}
	r.created, r.completed = moment(rec.get(createdColumns...)), moment(rec.get(completedColumns...))
	r.done = r.done || r.completed != nil
	rec.schedule(r)
	return nil
}

// schedule reads due date and repetition.
func (rec record) schedule(r *row) {
	due, clock := rec.get(dueColumns...), rec.get(timeColumns...)
	if at := instant(due); at != nil {
		r.at = at
	} else if m := isoDue.FindStringSubmatch(due); m != nil {
		r.due = &tandem.Due{Date: m[1], Time: clockOf(m[2]), TimeZone: r.zone}
		if m[2] == "" {
			r.due.Time = clockOf(clock)
		}
	} else {
		r.words = strings.TrimSpace(due + " " + clock)
	}
	repeat := rec.get(repeatColumns...)
	switch {
	case repeat == "", slices.Contains([]string{"none", "no", "never", "false", "0"}, strings.ToLower(repeat)):
	case ruleForm.MatchString(repeat):
		r.rule = repeat
	case r.words == "":
		r.words = repeat
	default:
		r.words = repeat + " starting " + r.words
	}
}

var isoDue = regexp.MustCompile(`^(\d{4}-\d{2}-\d{2})(?:[T ](\d{2}:\d{2}(?::\d{2})?))?$`)

// moment reads a time that has passed.
func moment(s string) *time.Time {
	for _, layout := range []string{time.RFC3339, "2006-01-02 15:04:05", "2006-01-02T15:04:05", "2006-01-02 15:04", time.DateOnly} {
		if t, err := time.Parse(layout, s); err == nil {
			return &t
		}
	}
	return nil
}

// priorityOf reads the words and numbers that products use.
func priorityOf(s string) (tandem.Priority, error) {
	switch strings.ToLower(s) {
	case "", "none", "normal", "medium", "med", "p3", "3":
		return tandem.PriorityMedium, nil
	case "low", "lowest", "p4", "4":
		return tandem.PriorityLow, nil
	case "high", "p2", "2":
		return tandem.PriorityHigh, nil
	case "urgent", "highest", "critical", "p1", "1":
		return tandem.PriorityUrgent, nil
	}
	return "", tandem.NotOneOf("priority", s, tandem.Priorities)
}

// doneOf reads a state.
func doneOf(s string) (bool, error) {
	switch strings.ToLower(s) {
	case "", "no", "n", "false", "0", "open", "pending", "todo", "to do", "incomplete", "not started", "in progress", "needs-action", "active", "new":
		return false, nil
	case "yes", "y", "true", "1", "x", "done", "complete", "completed", "closed", "finished":
		return true, nil
	}
	return false, tandem.Invalid("status", s, "%q is no state of a task; write pending or completed.", s)
}
