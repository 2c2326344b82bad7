package main

import (
	"bufio"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"iter"
	"os"
	"time"

	"tandem"
	"tandem/agent/phrase"
	"tandem/server/intake"
)

// maxReported bounds the rows of a report.
const maxReported = 200

// importArgs ask for an import.
type importArgs struct {
	User   string `json:"user"`
	Format string `json:"format"` // empty: told from the content
}

// report collects what an import has to say about rows.
type report struct {
	rows, bad int
	first     string // what is wrong with the first bad row
	lines     []string
}

func (r *report) note(line int, text string) {
	if len(r.lines) < maxReported {
		r.lines = append(r.lines, fmt.Sprintf("line %d: %s", line, text))
	}
}

func (r *report) reject(line int, err error) {
	r.bad++
	r.note(line, sentence(err))
	if r.first == "" {
		r.first = fmt.Sprintf("line %d: %s", line, sentence(err))
	}
}

// importRows reads a file of any form. The report is written at the end: what comes in is read to its end first.
func (b *base) importRows(ctx context.Context, args json.RawMessage, body io.Reader, out io.Writer) error {
	in, err := argsOf[importArgs](args)
	if err != nil {
		return err
	}
	user, err := b.userOr(in.User)
	if err != nil {
		return err
	}
	buffered := bufio.NewReaderSize(body, 64<<10)
	if in.Format == "" {
		head, err := buffered.Peek(64 << 10)
		if err != nil && !errors.Is(err, io.EOF) {
			return fmt.Errorf("read the file: %w", err)
		}
		in.Format = intake.Sniff(head)
	}
	var rep report
	next, stop, err := b.rows(ctx, user, in.Format, buffered, &rep)
	if err != nil {
		return err
	}
	defer stop()
	added, err := b.store.Import(ctx, user, next)
	for _, line := range rep.lines {
		fmt.Fprintln(out, line)
	}
	if err != nil {
		return fmt.Errorf("up to row %d: %w", rep.rows, err)
	}
	fmt.Fprintf(out, "%d rows read, %d new\n", rep.rows, added)
	if rep.bad > 0 {
		return tandem.Invalid("file", rep.bad, "%d of %d rows could not be read; %s", rep.bad, rep.rows, rep.first)
	}
	return nil
}

// source gives rows one after the other, until io.EOF.
type source func() (kind string, row json.RawMessage, err error)

func (b *base) rows(ctx context.Context, user tandem.UserID, format string, in io.Reader, rep *report) (next source, stop func(), err error) {
	if format == intake.Tandem {
		return ownRows(in, rep), func() {}, nil
	}
	settings, err := b.store.Settings(ctx, user)
	if err != nil {
		return nil, nil, err
	}
	sc := tandem.Scene{Now: time.Now().UTC().Truncate(time.Millisecond), User: user, Settings: settings, NewID: tandem.NewID}
	entries, err := intake.Read(in, intake.Options{Format: format, Scene: sc, Words: importWords(sc)})
	if err != nil {
		return nil, nil, err
	}
	pull, stop := iter.Pull(entries)
	return foreignRows(pull, rep), stop, nil
}

// foreignRows gives the tasks of another product, without the rows that are none.
func foreignRows(pull func() (intake.Entry, bool), rep *report) source {
	return func() (string, json.RawMessage, error) {
		for {
			e, ok := pull()
			if !ok {
				return "", nil, io.EOF
			}
			rep.rows++
			if e.Err != nil {
				rep.reject(e.Line, e.Err)
				continue
			}
			for _, lost := range e.Lost {
				rep.note(e.Line, lost)
			}
			doc, err := json.Marshal(e.Task)
			return exportedTask, doc, err
		}
	}
}

// exportedTask is the kind of a row that is a task.
const exportedTask = "task"

// maxOwnLine bounds a line of an export of ours.
const maxOwnLine = 4 << 20

// ownRows gives the rows of an export of ours, without those that are none.
func ownRows(in io.Reader, rep *report) source {
	lines := bufio.NewScanner(in)
	lines.Buffer(make([]byte, 64<<10), maxOwnLine)
	line := 0
	return func() (string, json.RawMessage, error) {
		for lines.Scan() {
			line++
			if len(lines.Bytes()) == 0 {
				continue
			}
			rep.rows++
			var x exported
			err := json.Unmarshal(lines.Bytes(), &x)
			if err != nil || x.Kind == "" {
				rep.reject(line, tandem.Invalid("line", line, "this is not a line of an export"))
				continue
			}
			if err := checkTask(x); err != nil {
				rep.reject(line, err)
				continue
			}
			return x.Kind, x.Row, nil
		}
		return "", nil, cmp.Or(lines.Err(), io.EOF)
	}
}

// checkTask holds a task to the rules before it gets into a batch, which one bad row would end.
func checkTask(x exported) error {
	if x.Kind != exportedTask {
		return nil
	}
	var t tandem.Task
	if err := json.Unmarshal(x.Row, &t); err != nil {
		return tandem.Invalid("row", nil, "this is no exported task")
	}
	return tandem.CheckImported(&t)
}

// importWords reads words about time with the grammar of the chat.
func importWords(sc tandem.Scene) func(text, language, zone string) (intake.Words, bool) {
	return func(text, language, zone string) (intake.Words, bool) {
		options := phrase.OptionsFor(sc.Settings)
		if language != "" {
			options.Locale = language
		}
		loc := sc.Settings.Zone()
		if named, err := tandem.LoadZone(zone); err == nil && zone != "" {
			loc = named
		}
		if when, _, ok := phrase.ParseDue(text, sc.Now, loc, options); ok {
			return intake.Words{Due: dueOf(when, zone)}, true
		}
		rec, first, ok := phrase.ParseRecurrence(text, sc.Now, loc, options)
		if !ok {
			return intake.Words{}, false
		}
		rule, err := tandem.ParseRule(rec.Rule)
		if err != nil {
			return intake.Words{}, false
		}
		return intake.Words{Due: dueOf(*first, zone), Rule: rule, From: tandem.RepeatFrom(rec.From)}, true
	}
}

func dueOf(w phrase.When, zone string) *tandem.Due {
	return &tandem.Due{Date: w.Date, Time: clockOf(w), TimeZone: zone}
}

func runImport(ctx context.Context, std stdio, args []string) error {
	var in importArgs
	var shown bool
	c, words, err := dataCommand(std, "import", args, func(fs *flag.FlagSet) {
		fs.StringVar(&in.User, "user", "", "id of the user (default: the local one)")
		fs.StringVar(&in.Format, "format", "", "tandem, todoist, vikunja, csv or ical (default: told from the content)")
		fs.BoolVar(&shown, "progress", isTerminal(std.err), "show how far it is")
	})
	if err != nil {
		return err
	}
	if len(words) > 1 {
		return usage(std, "import [--user ID] [--format NAME] [FILE]")
	}
	from, size := std.in, int64(0)
	if len(words) == 1 && words[0] != "-" {
		f, err := os.Open(words[0])
		if err != nil {
			return fmt.Errorf("read the export: %w", err)
		}
		defer f.Close()
		if st, err := f.Stat(); err == nil {
			size = st.Size()
		}
		from = f
	}
	p := progress{out: std.err, verb: "read", size: size, shown: shown}
	defer p.end()
	return withOperator(ctx, c, std, func(ctx context.Context, r doer) error {
		return r.do(ctx, "import", in, p.reader(from), std.out)
	})
}

func runExport(ctx context.Context, std stdio, args []string) error {
	var user string
	var shown bool
	c, words, err := dataCommand(std, "export", args, func(fs *flag.FlagSet) {
		fs.StringVar(&user, "user", "", "id of the user (default: the local one)")
		fs.BoolVar(&shown, "progress", isTerminal(std.err) && !isTerminal(std.out), "show how far it is")
	})
	if err != nil {
		return err
	}
	if len(words) > 0 {
		return usage(std, "export [--user ID]")
	}
	p := progress{out: std.err, verb: "written", shown: shown}
	defer p.end()
	return withOperator(ctx, c, std, func(ctx context.Context, r doer) error {
		return r.do(ctx, "export", user, nil, p.writer(std.out))
	})
}
