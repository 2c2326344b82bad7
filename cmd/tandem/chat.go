package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"time"

	"tandem"
	"tandem/sync/client"
	"tandem/sync/wire"
)

func runChat(ctx context.Context, std stdio, args []string) error {
	var user, zone string
	c, words, err := dataCommand(std, "chat", args, func(fs *flag.FlagSet) {
		fs.StringVar(&user, "user", "", "id of the user (default: the local one)")
		fs.StringVar(&zone, "time-zone", "", "IANA zone in which dates are read (default: the user's)")
	})
	if err != nil {
		return err
	}
	if user == "" {
		user = string(localUser)
	}
	return withServer(ctx, c, std, func(ctx context.Context, r remote) error {
		t := newTerminal(r, tandem.UserID(user), zone, std.out)
		return t.run(ctx, std.in, strings.Join(words, " "))
	})
}

// terminal is the chat and the live list on a terminal.
type terminal struct {
	client *client.Client
	zone   string
	conv   int64 // of the turns of this terminal

	mu    sync.Mutex // guards what follows; the client's callbacks run beside the input
	out   io.Writer
	turn  string // the one that is waited for
	shown int    // characters of its text that are printed
	ended chan tandem.TurnEvent
}

func newTerminal(r remote, user tandem.UserID, zone string, out io.Writer) *terminal {
	t := &terminal{zone: zone, out: out, ended: make(chan tandem.TurnEvent, 1)}
	t.client = client.New(client.Options{
		Server: r.URL, User: user, OnFrame: t.frame,
		Token: func(ctx context.Context, _ bool) (string, error) {
			return ask[string](ctx, r, "sign", signArgs{User: string(user)})
		},
	})
	return t
}

// run talks until the input ends; with words it says only these.
func (t *terminal) run(ctx context.Context, in io.Reader, words string) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	lost := make(chan error, 1)
	go func() { lost <- t.client.Run(ctx); stop() }()
	err := t.talk(ctx, in, words)
	stop()
	if lerr := <-lost; lerr != nil {
		return lerr
	}
	if errors.Is(err, context.Canceled) {
		return nil
	}
	return err
}

func (t *terminal) talk(ctx context.Context, in io.Reader, words string) error {
	if err := t.client.Await(ctx, (*client.Replica).CaughtUp); err != nil {
		return err
	}
	if words != "" {
		return t.say(ctx, words)
	}
	t.list()
	lines := make(chan string)
	go func() {
		defer close(lines)
		for s := bufio.NewScanner(in); s.Scan(); {
			select {
			case lines <- s.Text():
			case <-ctx.Done():
				return
			}
		}
	}()
	for {
		t.print("> ")
		select {
		case <-ctx.Done():
			return nil
		case line, more := <-lines:
			if !more {
				return nil
			}
			if err := t.command(ctx, strings.TrimSpace(line)); err != nil {
				return err
			}
		}
	}
}

func (t *terminal) command(ctx context.Context, line string) error {
	switch line {
	case "":
		return nil
	case "/list":
		t.list()
		return nil
	default:
		return t.say(ctx, line)
	}
}

// say sends one turn and waits for its end. A refusal is printed.
func (t *terminal) say(ctx context.Context, text string) error {
	t.mu.Lock()
	t.turn, t.shown = tandem.NewID(), 0
	frame := wire.Chat{Turn: t.turn, Conv: t.conv, Text: text, TZ: t.zone}
	t.mu.Unlock()
	if err := t.client.Send(ctx, frame); err != nil {
		return err
	}
	select {
	case <-ctx.Done():
		return ctx.Err()
	case end := <-t.ended:
		t.conv = max(t.conv, end.Conv)
		return nil
	}
}

// frame takes what the server sends.
func (t *terminal) frame(f wire.ServerFrame) {
	t.mu.Lock()
	defer t.mu.Unlock()
	switch f := f.(type) {
	case wire.Delta:
		for _, c := range f.Changes {
			t.changed(c)
		}
	case wire.Turn:
		if f.Turn == t.turn {
			t.turnEvent(f.TurnEvent)
		}
	case wire.Nack:
		if f.Turn == t.turn {
			fmt.Fprintln(t.out, f.Msg)
			t.end(tandem.TurnEvent{})
		}
	}
}

// changed prints a change that another hand made; the one that is talked about here is told by the assistant.
func (t *terminal) changed(c wire.Change) {
	switch c.Kind {
	case tandem.KindTask:
		var row tandem.TaskRow
		if c.Row != nil && json.Unmarshal(c.Row, &row) == nil && (c.Turn == "" || c.Turn != t.turn) {
			fmt.Fprintf(t.out, "\r· %s (%s)\n", oneLine(row), c.Actor)
		}
	case tandem.KindNotice:
		var n tandem.NoticeRow
		if c.Row != nil && json.Unmarshal(c.Row, &n) == nil {
			fmt.Fprintf(t.out, "\r! %s\n", printable(n.Title))
		}
	default: // the rest is not shown here
	}
}

func (t *terminal) turnEvent(e tandem.TurnEvent) {
	switch e.Ev {
	case tandem.TurnEvText:
		fmt.Fprint(t.out, printable(e.D))
		t.shown += len(e.D)
	case tandem.TurnEvState:
		if len(e.Text) > t.shown {
			fmt.Fprint(t.out, printable(e.Text[t.shown:]))
			t.shown = len(e.Text)
		}
	case tandem.TurnEvTool:
		if e.Tool != nil && (e.Tool.Phase == "ok" || e.Tool.Phase == "error") {
			fmt.Fprintf(t.out, "[%s: %s]\n", e.Tool.Name, e.Tool.Phase)
		}
	case tandem.TurnEvDone:
		fmt.Fprintln(t.out)
		t.end(e)
	case tandem.TurnEvStart, tandem.TurnEvApproval:
	}
}

func (t *terminal) end(e tandem.TurnEvent) {
	t.turn = ""
	select {
	case t.ended <- e:
	default:
	}
}

func (t *terminal) print(text string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	fmt.Fprint(t.out, text)
}

// list prints the open tasks, what is due first.
func (t *terminal) list() {
	var open []tandem.TaskRow
	for _, raw := range t.client.Replica().Rows[tandem.KindTask] {
		var row tandem.TaskRow
		if json.Unmarshal(raw, &row) == nil && row.Status == tandem.StatusPending {
			open = append(open, row)
		}
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	slices.SortFunc(open, func(a, b tandem.TaskRow) int {
		if c := dueOrder(a).Compare(dueOrder(b)); c != 0 {
			return c
		}
		return int(a.TaskID - b.TaskID)
	})
	if len(open) == 0 {
		fmt.Fprintln(t.out, "Nothing to do.")
	}
	for _, row := range open {
		fmt.Fprintln(t.out, oneLine(row))
	}
}

// dueOrder puts undated tasks last.
func dueOrder(row tandem.TaskRow) time.Time {
	if row.DueDate == nil {
		return time.Unix(1<<40, 0)
	}
	return time.Time(*row.DueDate)
}

// oneLine is a task on a terminal.
func oneLine(row tandem.TaskRow) string {
	mark := map[tandem.Status]string{tandem.StatusPending: "[ ]", tandem.StatusCompleted: "[x]", tandem.StatusDeleted: "[-]"}[row.Status]
	parts := []string{fmt.Sprintf("%s %d %s", mark, row.TaskID, printable(row.Title))}
	if row.Due != nil {
		parts = append(parts, strings.TrimSpace(row.Due.Date+" "+row.Due.Time))
	}
	if row.Priority == tandem.PriorityHigh || row.Priority == tandem.PriorityUrgent {
		parts = append(parts, string(row.Priority))
	}
	for _, tag := range row.Tags {
		parts = append(parts, "#"+printable(tag))
	}
	return strings.Join(parts, "  ")
}

// printable keeps a hostile title from steering the terminal.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' && r != '\n' || r == 0x7f || r >= 0x80 && r < 0xa0 || r >= 0x202a && r <= 0x202e || r >= 0x2066 && r <= 0x2069 {
			return '\ufffd'
		}
		return r
	}, s)
}
