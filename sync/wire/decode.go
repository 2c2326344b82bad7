package wire

import (
	"encoding/json"
	"math"
	"strconv"

	"tandem"
)

// Bounds of small fields, so that nothing a client chose is kept or echoed at length.
const (
	maxID    = 64
	maxEpoch = 128
	maxTurns = 64
	maxCaps  = 32
	maxToken = 16 << 10
)

// DecodeClient reads a frame of a client. It gives nil, nil for a kind it does not know, and a *FrameError for anything that
// is no frame or lacks a field of a known kind.
func DecodeClient(data []byte) (ClientFrame, error) {
	if err := checkSyntax(data); err != nil {
		return nil, err
	}
	f := fields{}
	if err := json.Unmarshal(data, &f.raw); err != nil {
		return nil, badFrame("a frame is one JSON object")
	}
	f.kind = f.text("t", 1, maxID)
	if f.err != nil {
		return nil, f.err
	}
	read, known := clientFrames[f.kind]
	if !known {
		return nil, nil
	}
	frame := read(&f)
	if f.err != nil {
		f.err.Ref = f.ref()
		return nil, f.err
	}
	return frame, nil
}

var clientFrames = map[string]func(*fields) ClientFrame{
	"hello": func(f *fields) ClientFrame {
		return Hello{
			Client: f.uuid("client"), Epoch: f.optionalText("epoch", maxEpoch), Seq: f.seqOrNone("seq"), Turns: f.turns("turns"),
			Ver: f.number("ver", 0), Caps: f.texts("caps"),
		}
	},
	"mutate": func(f *fields) ClientFrame {
		m := Mutate{Mid: f.number("mid", 1), Tool: f.text("tool", 1, maxID), Args: f.object("args")}
		if f.has("if_ver") {
			m.IfVer = f.number("if_ver", 1)
		}
		return m
	},
	"set": func(f *fields) ClientFrame {
		return Set{Mid: f.number("mid", 1), Patch: f.object("patch")}
	},
	"chat": func(f *fields) ClientFrame {
		c := Chat{Turn: f.uuid("turn"), Text: f.text("text", 0, MaxFrame), TZ: f.optionalText("tz", maxID)}
		if f.has("conv") {
			c.Conv = f.number("conv", 1)
		}
		return c
	},
	"cancel": func(f *fields) ClientFrame { return Cancel{Turn: f.text("turn", 1, maxID)} },
	"approve": func(f *fields) ClientFrame {
		a := Approve{Approval: f.text("approval", 1, maxID), OK: f.flag("ok")}
		if f.has("args") {
			a.Args = f.object("args")
		}
		return a
	},
	"parse": func(f *fields) ClientFrame {
		return Parse{ID: f.id("id"), Text: f.text("text", 0, MaxFrame), TZ: f.optionalText("tz", maxID)}
	},
	"history": func(f *fields) ClientFrame {
		return History{ID: f.id("id"), Conv: f.number("conv", 0), Before: f.optionalText("before", maxID)}
	},
	"sync": func(f *fields) ClientFrame { return Sync{Seq: tandem.Seq(f.number("seq", 0))} },
	"auth": func(f *fields) ClientFrame { return Auth{Token: f.text("token", 1, maxToken)} },
}

// fields reads the members of one frame by their exact names and keeps the first complaint. A null counts as absent.
type fields struct {
	kind string
	raw  map[string]json.RawMessage
	err  *FrameError
}

func (f *fields) has(name string) bool {
	raw, ok := f.raw[name]
	return ok && string(raw) != "null"
}

func (f *fields) complain(format string, args ...any) {
	if f.err == nil {
		f.err = badFrame(format, args...)
	}
}

// value reads a required member into dst; a JSON value of another kind is a complaint.
func (f *fields) value(name, what string, dst any) bool {
	if !f.has(name) || json.Unmarshal(f.raw[name], dst) != nil {
		f.complain("%s.%s must be %s", f.kind, name, what)
		return false
	}
	return true
}

func (f *fields) text(name string, least, most int) string {
	var s string
	if f.value(name, "a text", &s) && (len(s) < least || len(s) > most) {
		f.complain("%s.%s must have %d to %d bytes", f.kind, name, least, most)
	}
	return s
}

func (f *fields) optionalText(name string, most int) string {
	if !f.has(name) {
		return ""
	}
	return f.text(name, 0, most)
}

func (f *fields) uuid(name string) string {
	s, ok := tandem.ParseUID(f.text(name, 1, maxID))
	if !ok {
		f.complain("%s.%s must be a UUID", f.kind, name)
	}
	return s
}

func (f *fields) flag(name string) (b bool) {
	f.value(name, "true or false", &b)
	return b
}

// maxNumber is the largest integer that every JSON reader holds exactly.
const maxNumber = 1<<53 - 1

func (f *fields) number(name string, least int64) int64 {
	n, err := strconv.ParseInt(string(f.raw[name]), 10, 64)
	if err != nil || n < least || n > maxNumber {
		f.complain("%s.%s must be a whole number from %d", f.kind, name, least)
		return 0
	}
	return n
}

func (f *fields) seqOrNone(name string) *tandem.Seq {
	if !f.has(name) {
		return nil
	}
	seq := tandem.Seq(f.number(name, 0))
	return &seq
}

func (f *fields) object(name string) json.RawMessage {
	raw := f.raw[name]
	if len(raw) == 0 || raw[0] != '{' {
		f.complain("%s.%s must be an object", f.kind, name)
	}
	return raw
}

// id takes a short text or a whole number.
func (f *fields) id(name string) ID {
	raw := f.raw[name]
	_, err := strconv.ParseInt(string(raw), 10, 64)
	if len(raw) == 0 || len(raw) > maxID || raw[0] != '"' && err != nil {
		f.complain("%s.%s must be a short text or a whole number", f.kind, name)
	}
	return ID(raw)
}

func (f *fields) texts(name string) []string {
	out := []string{}
	if f.has(name) && f.value(name, "a list of texts", &out) && len(out) > maxCaps {
		f.complain("%s.%s has at most %d entries", f.kind, name, maxCaps)
	}
	return out
}

func (f *fields) turns(name string) map[string]int64 {
	if !f.has(name) {
		return nil
	}
	var out map[string]int64
	if !f.value(name, "an object of whole numbers", &out) {
		return nil
	}
	for _, n := range out {
		if n < 0 || n > math.MaxInt32 || len(out) > maxTurns {
			f.complain("%s.%s has at most %d turns with their numbers", f.kind, name, maxTurns)
		}
	}
	return out
}

// ref names what a refused frame was about, as far as it says so in a short value.
func (f *fields) ref() string {
	for _, name := range []string{"mid", "turn", "approval", "id"} {
		if raw, ok := f.raw[name]; ok && len(raw) <= maxID {
			return ID(raw).String()
		}
	}
	return ""
}
