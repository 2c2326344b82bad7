package main

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"time"
)

// progressEvery is how often the line of a progress is drawn anew.
const progressEvery = 100 * time.Millisecond

// progress shows on one line how much has passed through a reader or writer. It is used by one goroutine at a time.
type progress struct {
	out   io.Writer
	verb  string
	size  int64 // 0: not known
	shown bool

	done, lines int64
	drawn       time.Time
}

func (p *progress) reader(r io.Reader) io.Reader {
	if !p.shown {
		return r
	}
	return io.TeeReader(r, p)
}

func (p *progress) writer(w io.Writer) io.Writer {
	if !p.shown {
		return w
	}
	return io.MultiWriter(w, p)
}

// Write counts.
func (p *progress) Write(b []byte) (int, error) {
	p.done += int64(len(b))
	p.lines += int64(bytes.Count(b, []byte("\n")))
	if now := time.Now(); now.Sub(p.drawn) >= progressEvery {
		p.drawn = now
		p.draw()
	}
	return len(b), nil
}

func (p *progress) draw() {
	line := fmt.Sprintf("%d lines, %.1f MB %s", p.lines, float64(p.done)/1e6, p.verb)
	if p.size > 0 {
		line += fmt.Sprintf(", %d %%", min(100, p.done*100/p.size))
	}
	fmt.Fprintf(p.out, "\r%-60s", line)
}

// end draws the last state and leaves the line.
func (p *progress) end() {
	if p.shown && p.done > 0 {
		p.draw()
		fmt.Fprintln(p.out)
	}
}

// isTerminal tells that somebody is looking.
func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	if !ok {
		return false
	}
	st, err := f.Stat()
	return err == nil && st.Mode()&os.ModeCharDevice != 0
}
