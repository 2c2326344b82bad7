package session_test

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"
	"golang.org/x/tools/txtar"

	"tandem"
	"tandem/sync/session"
)

var update = flag.Bool("update", false, "write what the server says into the transcripts")

// TestTranscripts plays the transcripts that show each frame: ">" is sent by the client, "<" by the server, "*" happens
// elsewhere. Times, ids and secrets are compared by their form. With -update what the server says is written down.
func TestTranscripts(t *testing.T) {
	files, err := filepath.Glob("../wire/testdata/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatalf("%d transcripts, %v", len(files), err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			archive, err := txtar.ParseFile(file)
			if err != nil {
				t.Fatal(err)
			}
			was := txtar.Format(archive)
			newPlay(t, archive).run()
			if is := txtar.Format(archive); *update && !bytes.Equal(was, is) {
				if err := os.WriteFile(file, is, 0o644); err != nil {
					t.Fatal(err)
				}
			}
		})
	}
}

// play is one transcript on its way.
type play struct {
	t       *testing.T
	w       *world
	p       session.Principal
	r       *raw
	ids     map[string]string // ids of the server by their stand-ins
	lines   []string
	save    func([]string)
	epoch   string
	renewed string
}

func newPlay(t *testing.T, a *txtar.Archive) *play {
	t.Helper()
	var o struct {
		Rate      int   `json:"rate"`
		Burst     int   `json:"burst"`
		Program   bool  `json:"program"`
		ExpiresMS int64 `json:"expires_ms"`
	}
	pl := &play{t: t, ids: map[string]string{}, p: session.Principal{User: "ann"}}
	sections := map[string]*txtar.File{}
	for i := range a.Files {
		sections[a.Files[i].Name] = &a.Files[i]
	}
	if f := sections["options"]; f != nil {
		if err := json.Unmarshal(f.Data, &o); err != nil {
			t.Fatal(err)
		}
	}
	pl.w = newWorld(t, limits(session.Limits{Rate: o.Rate, Burst: o.Burst}), timing(session.Timing{Heartbeat: time.Hour}))
	if f := sections["setup"]; f != nil {
		for line := range strings.Lines(string(f.Data)) {
			tool, args, _ := strings.Cut(strings.TrimSpace(line), " ")
			pl.w.edit("ann", tool, json.RawMessage(args))
		}
	}
	if o.Program {
		pl.p = pl.w.program("ann", "01900000-0000-7000-8000-000000000007", nil)
	}
	if o.ExpiresMS > 0 {
		pl.p.Expires = time.Now().Add(time.Duration(o.ExpiresMS) * time.Millisecond)
	}
	pl.renewed = pl.w.token(session.Principal{User: "ann", Expires: time.Now().Add(time.Hour)})
	pl.epoch = pl.w.db.Epoch(t.Context())
	f := sections["transcript"]
	pl.lines = strings.Split(strings.TrimRight(string(f.Data), "\n"), "\n")
	pl.save = func(lines []string) { f.Data = []byte(strings.Join(lines, "\n") + "\n") }
	return pl
}

func (p *play) run() {
	for i, line := range p.lines {
		mark, rest, _ := strings.Cut(line, " ")
		switch mark {
		case ">":
			p.connected().text(p.real(rest))
		case "<":
			p.lines[i] = "< " + p.hears(rest)
		case "*":
			p.happens(rest)
		default:
			p.t.Fatalf("line %q", line)
		}
	}
	p.save(p.lines)
}

func (p *play) connected() *raw {
	if p.r == nil {
		p.r = p.w.dial(p.p)
	}
	return p.r
}

// hears reads the next frame of the wanted kind; presence and heartbeats come when nothing else is to be said, so they are
// passed over where they are not asked for.
func (p *play) hears(want string) string {
	p.t.Helper()
	kind := kindOf(want)
	for {
		ctx, cancel := context.WithTimeout(p.t.Context(), patience)
		_, data, err := p.connected().ws.Read(ctx)
		cancel()
		if err != nil {
			p.t.Fatalf("waiting for %s: %v", kind, err)
		}
		got := p.standIn(string(data))
		if k := kindOf(got); k != kind && (k == "presence" || k == "hb") {
			continue
		}
		if !*update && got != want {
			p.t.Errorf("the server says\n%s, want\n%s", got, want)
		}
		return got
	}
}

func kindOf(frame string) string {
	var f struct {
		T string `json:"t"`
	}
	if json.Unmarshal([]byte(frame), &f) != nil {
		return frame // a bare kind, to be filled in
	}
	return f.T
}

var (
	uuids    = regexp.MustCompile(`[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}`)
	times    = regexp.MustCompile(`20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)`)
	days     = regexp.MustCompile(`"date":"20[0-8]\d-\d\d-\d\d"`)
	secrets  = regexp.MustCompile(`(tdm_|/feeds/)[A-Za-z0-9_-]{43}`)
	digests  = regexp.MustCompile(`"hash":"[0-9a-f]{64}"`)
	waits    = regexp.MustCompile(`"retry_ms":\d+`)
	lefts    = regexp.MustCompile(`"t":"auth","in":\d+`)
	given    = "01900000-" // how ids begin that the transcripts themselves give
	standIns = 0x1000
)

// standIn puts fixed words in the place of what differs from run to run.
func (p *play) standIn(s string) string {
	s = strings.ReplaceAll(s, p.epoch, "EPOCH")
	s = uuids.ReplaceAllStringFunc(s, func(id string) string {
		if strings.HasPrefix(id, given) {
			return id
		}
		for stand, real := range p.ids {
			if real == id {
				return stand
			}
		}
		stand := fmt.Sprintf("01900000-0000-7000-8000-%012x", standIns+len(p.ids))
		p.ids[stand] = id
		return stand
	})
	s = times.ReplaceAllString(s, "2026-12-01T09:00:00Z")
	s = days.ReplaceAllString(s, `"date":"2026-12-01"`)
	s = waits.ReplaceAllString(s, `"retry_ms":1000`)
	s = lefts.ReplaceAllString(s, `"t":"auth","in":60`)
	s = digests.ReplaceAllString(s, `"hash":""`)
	return secrets.ReplaceAllString(s, "${1}SECRET")
}

// real is standIn backwards.
func (p *play) real(s string) string {
	for stand, id := range p.ids {
		s = strings.ReplaceAll(s, stand, id)
	}
	return strings.NewReplacer("EPOCH", p.epoch, "RENEWED", p.renewed).Replace(s)
}

// happens carries out a line that is not of this connection.
func (p *play) happens(what string) {
	p.t.Helper()
	words := strings.SplitN(what, " ", 3)
	switch words[0] {
	case "reconnect":
		_ = p.r.ws.Close(websocket.StatusNormalClosure, "")
		p.r = nil
	case "ann":
		p.w.edit("ann", words[1], json.RawMessage(words[2]))
	case "turn":
		p.turn(words[1], words[2:])
	case "refuse":
		p.w.assistant.mu.Lock()
		defer p.w.assistant.mu.Unlock()
		p.w.assistant.replies = func(tandem.UserID, session.ChatRequest) error {
			return tandem.Limited(words[1], 1000, "Another turn is running in this conversation.")
		}
	case "message":
		var text string
		p.decode(strings.Join(words[1:], " "), &text)
		start := tandem.TurnStart{ID: tandem.NewID(), Text: text, Owner: "golden", Hash: "h"}
		if _, _, err := p.w.db.StartTurn(p.t.Context(), "ann", start); err != nil {
			p.t.Fatal(err)
		}
	case "drain":
		ctx, cancel := context.WithTimeout(context.WithoutCancel(p.t.Context()), patience)
		done := make(chan error, 1)
		go func() { done <- p.w.sessions.Drain(ctx) }()
		p.t.Cleanup(func() {
			defer cancel()
			if err := <-done; err != nil {
				p.t.Error(err)
			}
		})
	default:
		p.t.Fatalf("nobody knows how to %q", what)
	}
}

func (p *play) turn(ev string, body []string) {
	const id = "01900000-0000-7000-8000-0000000000f1"
	e := tandem.TurnEvent{Ev: tandem.TurnEv(ev)}
	switch e.Ev {
	case tandem.TurnEvStart:
		e.Engine = "planner"
	case tandem.TurnEvText:
		p.decode(body[0], &e.D)
	case tandem.TurnEvTool:
		p.decode(body[0], &e.Tool)
	case tandem.TurnEvApproval:
		p.decode(body[0], &e.Approval)
	case tandem.TurnEvDone:
		p.decode(body[0], &e.End)
	case tandem.TurnEvState:
	}
	p.w.assistant.tell("ann", id, e)
}

func (p *play) decode(text string, into any) {
	p.t.Helper()
	if err := json.Unmarshal([]byte(text), into); err != nil {
		p.t.Fatalf("%s: %v", text, err)
	}
}
