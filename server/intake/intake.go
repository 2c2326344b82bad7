package intake

import (
	"bytes"
	"fmt"
	"io"
	"iter"
	"strings"

	"tandem"
)

// The forms of files.
const (
	Tandem  = "tandem" // our own JSON Lines, which this package does not read
	Todoist = "todoist"
	Vikunja = "vikunja"
	CSV     = "csv"
	ICal    = "ical"
)

// Formats lists the forms of files.
var Formats = []string{Tandem, Todoist, Vikunja, CSV, ICal}

// maxFile bounds a file of another product, packed or not.
const maxFile = 64 << 20

// Words is what words about time mean. Without a rule, Due is a date; with one, its first occurrence.
type Words struct {
	Due  *tandem.Due
	Rule tandem.Rule
	From tandem.RepeatFrom
}

// Options of a reading.
type Options struct {
	Format string // of Formats; empty: told from the content
	// Scene holds the moment, the user, their settings, and where ids come from.
	Scene tandem.Scene
	// Words reads words about time in a language (empty: the person's) and a zone (empty: the person's); false where they are not understood.
	Words func(text, language, zone string) (Words, bool)
}

// Entry is one task of a file.
type Entry struct {
	Line int // where it begins
	Task tandem.Task
	Err  error    // why there is no task, a *tandem.Error
	Lost []string // what of the row could not be kept as it was
}

// Read gives the entries of a file in its order. The error is for a file that cannot be read at all.
func Read(r io.Reader, o Options) (iter.Seq[Entry], error) {
	data, err := io.ReadAll(io.LimitReader(r, maxFile+1))
	if err != nil {
		return nil, fmt.Errorf("read the file: %w", err)
	}
	if len(data) > maxFile {
		return nil, tandem.Invalid("file", len(data), "A file to import has at most %d MiB.", maxFile>>20)
	}
	data = bytes.TrimPrefix(data, []byte("\xef\xbb\xbf"))
	if o.Format == "" {
		o.Format = Sniff(data)
	}
	rows, err := rowsOf(o.Format, data)
	if err != nil {
		return nil, err
	}
	return func(yield func(Entry) bool) {
		m := maker{Options: o, seen: map[string]int{}}
		for row, err := range rows {
			e := Entry{Line: row.line, Err: err}
			if err == nil {
				e.Task, e.Lost, e.Err = m.task(row)
			}
			if !yield(e) {
				return
			}
		}
	}, nil
}

func rowsOf(format string, data []byte) (iter.Seq2[row, error], error) {
	switch format {
	case Todoist:
		if leadsJSON(data) {
			return todoistJSON(data)
		}
		return todoistCSV(data)
	case Vikunja:
		return vikunja(data)
	case CSV:
		return plainCSV(data)
	case ICal:
		return calendar(data)
	}
	return nil, tandem.NotOneOf("format", format, Formats)
}

// Sniff tells the form of a file from how it begins. What is nothing else is CSV.
func Sniff(data []byte) string {
	head := bytes.TrimSpace(bytes.TrimPrefix(data[:min(len(data), 64<<10)], []byte("\xef\xbb\xbf")))
	first, _, _ := bytes.Cut(head, []byte("\n"))
	switch {
	case bytes.HasPrefix(head, []byte("PK\x03\x04")):
		return Vikunja
	case len(head) >= 15 && strings.EqualFold(string(head[:15]), "BEGIN:VCALENDAR"):
		return ICal
	case bytes.HasPrefix(head, []byte(`{"kind":`)):
		return Tandem
	case bytes.HasPrefix(head, []byte("[")) && bytes.Contains(head, []byte(`"content"`)), bytes.HasPrefix(head, []byte("{")):
		return Todoist
	case bytes.HasPrefix(head, []byte("[")):
		return Vikunja
	case bytes.HasPrefix(bytes.ToUpper(first), []byte("TYPE,CONTENT")):
		return Todoist
	}
	return CSV
}

func leadsJSON(data []byte) bool {
	data = bytes.TrimSpace(data)
	return len(data) > 0 && (data[0] == '{' || data[0] == '[')
}

// errUnreadable says that a file is not of the form that it was taken for.
func errUnreadable(form string, cause error) error {
	return tandem.Invalid("file", nil, "This is no %s.", form).Because(cause)
}

// liner counts lines as a reading goes on: places are asked for in their order.
type liner struct {
	data     []byte
	at, line int
}

// lineOf gives the line of a place.
func (l *liner) lineOf(at int) int {
	at = max(l.at, min(at, len(l.data)))
	l.line += bytes.Count(l.data[l.at:at], []byte("\n"))
	l.at = at
	return 1 + l.line
}
