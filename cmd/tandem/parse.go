package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"time"
	"unicode/utf8"

	"tandem/agent/phrase"
)

// runParse answers each line of phrases on in with a line on out, in the order of the input. It ends at the end of in, or
// with the first error of in or out; a bad line is answered and does not end it.
func runParse(args []string, in io.Reader, out io.Writer) error {
	if err := jsonLinesFlag("parse", args); err != nil {
		return err
	}
	return answerLines(in, out, parseLine)
}

// jsonLinesFlag checks the arguments of a batch command.
func jsonLinesFlag(command string, args []string) error {
	flags := flag.NewFlagSet("tandem "+command, flag.ContinueOnError)
	jsonl := flags.Bool("jsonl", false, "read JSON objects from standard input, one a line, and answer each with one")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if !*jsonl || flags.NArg() > 0 {
		return fmt.Errorf("usage: tandem %s --jsonl", command)
	}
	return nil
}

const (
	maxLine = 1 << 20 // bytes of a line of a batch command
	maxText = 4000    // characters of a text, as of a chat message

	// The years of now around which dates have four digits, and the sample tasks are due when a task can be.
	firstYear, lastYear = 1971, 9998
)

var (
	errLongLine = fmt.Errorf("the line is longer than %d bytes", maxLine)
	errBadLine  = errors.New("the line is no JSON object with the strings text, now and tz")
	errNoText   = errors.New("text is missing")
)

// answerLines writes one JSON object a line for each line that it reads, and flushes whenever no whole line is waiting.
func answerLines(in io.Reader, out io.Writer, answer func(line []byte, bad error) any) error {
	r, w := bufio.NewReaderSize(in, 64<<10), bufio.NewWriter(out)
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	for {
		line, bad, err := readLine(r)
		if len(line) > 0 || err == nil {
			if err := enc.Encode(answer(line, bad)); err != nil {
				return fmt.Errorf("write an answer: %w", err)
			}
		}
		if err == nil && waiting(r) {
			continue
		}
		if err := w.Flush(); err != nil {
			return fmt.Errorf("write an answer: %w", err)
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("read a line: %w", err)
		}
	}
}

// waiting reports whether a whole line is in the buffer.
func waiting(r *bufio.Reader) bool {
	buffered, _ := r.Peek(r.Buffered())
	return bytes.IndexByte(buffered, '\n') >= 0
}

// readLine reads a line; of one that is too long it keeps the beginning and says so.
func readLine(r *bufio.Reader) (line []byte, bad, err error) {
	for {
		part, err := r.ReadSlice('\n')
		if room := maxLine - len(line); len(part) > room {
			part, bad = part[:room], errLongLine
		}
		line = append(line, part...)
		if !errors.Is(err, bufio.ErrBufferFull) {
			return line, bad, err
		}
	}
}

// phraseLine is a line of input of the batch commands.
type phraseLine struct {
	ID   json.RawMessage `json:"id"`
	Text *string         `json:"text"`
	Now  string          `json:"now"`
	TZ   string          `json:"tz"`
}

// read fills the line and gives its moment and zone. The ID is set even when something else is wrong.
func (l *phraseLine) read(line []byte) (now time.Time, loc *time.Location, err error) {
	if err := json.Unmarshal(line, l); err != nil {
		var id struct {
			ID json.RawMessage `json:"id"`
		}
		if json.Unmarshal(line, &id) == nil {
			l.ID = id.ID
		}
		return now, nil, errBadLine
	}
	if l.Text == nil {
		return now, nil, errNoText
	}
	if utf8.RuneCountInString(*l.Text) > maxText {
		return now, nil, fmt.Errorf("text is longer than %d characters", maxText)
	}
	if now, err = time.Parse(time.RFC3339, l.Now); err != nil {
		return now, nil, fmt.Errorf("now is no RFC 3339 time: %q", l.Now)
	}
	if y := now.UTC().Year(); y < firstYear || y > lastYear {
		return now, nil, fmt.Errorf("now lies outside the years %d to %d: %q", firstYear, lastYear, l.Now)
	}
	if loc, err = time.LoadLocation(l.TZ); err != nil || l.TZ == "" || l.TZ == "Local" {
		return now, nil, fmt.Errorf("tz is no IANA time zone: %q", l.TZ)
	}
	return now, loc, nil
}

type parsedLine struct {
	ID         json.RawMessage   `json:"id"`
	Title      string            `json:"title"`
	Due        *parsedDue        `json:"due"`
	Recurrence *parsedRecurrence `json:"recurrence"`
	Priority   *string           `json:"priority"`
	Tags       []string          `json:"tags"`
	Spans      []parsedSpan      `json:"spans"`
	Error      string            `json:"error,omitempty"`
}

type parsedDue struct {
	Date string  `json:"date"`
	Time *string `json:"time"`
	TZ   string  `json:"tz"`
}

type parsedRecurrence struct {
	Rule  string  `json:"rrule"`
	Start *string `json:"start"`
	From  string  `json:"from"`
}

type parsedSpan struct {
	Start int    `json:"start"`
	End   int    `json:"end"`
	Kind  string `json:"kind"`
	Text  string `json:"text"`
}

func parseLine(line []byte, bad error) any {
	var in phraseLine
	out := parsedLine{Tags: []string{}, Spans: []parsedSpan{}}
	now, loc, err := in.read(line)
	out.ID = in.ID
	if bad != nil || err != nil {
		out.Error = firstError(bad, err).Error()
		return out
	}
	r := phrase.Parse(*in.Text, now, loc, phrase.Options{})
	out.Title = r.Title
	if r.Due != nil {
		out.Due = &parsedDue{Date: r.Due.Date, Time: orNull(clockOf(*r.Due)), TZ: in.TZ}
	}
	if c := r.Recurrence; c != nil {
		out.Recurrence = &parsedRecurrence{Rule: c.Rule, Start: orNull(c.Start), From: c.From}
	}
	out.Priority = orNull(r.Priority)
	out.Tags = append(out.Tags, r.Tags...)
	for _, s := range r.Spans {
		out.Spans = append(out.Spans, parsedSpan{s.Start, s.End, s.Kind, s.Text})
	}
	return out
}

func firstError(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// clockOf gives HH:MM, and the seconds where the words named them.
func clockOf(w phrase.When) string {
	if w.Second == 0 {
		return w.Time
	}
	return fmt.Sprintf("%s:%02d", w.Time, w.Second)
}

func orNull(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}
