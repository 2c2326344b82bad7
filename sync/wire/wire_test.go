package wire

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/tools/txtar"

	"tandem"
)

// transcript gives the lines of all transcripts that bear the mark.
func transcript(tb testing.TB, mark string) (lines []string) {
	tb.Helper()
	files, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(files) == 0 {
		tb.Fatalf("%d transcripts, %v", len(files), err)
	}
	for _, file := range files {
		archive, err := txtar.ParseFile(file)
		if err != nil {
			tb.Fatal(err)
		}
		for _, f := range archive.Files {
			for line := range strings.Lines(string(f.Data)) {
				if rest, ok := strings.CutPrefix(strings.TrimSpace(line), mark+" "); ok && f.Name == "transcript" {
					lines = append(lines, rest)
				}
			}
		}
	}
	return lines
}

func TestServerFrames_EncodeToWhatTheyWereDecodedFrom(t *testing.T) {
	seen := map[string]bool{}
	for _, line := range transcript(t, "<") {
		f, err := DecodeServer([]byte(line))
		if err != nil || f == nil {
			t.Errorf("%s: %v, %v", line, f, err)
			continue
		}
		seen[f.serverKind()] = true
		if got := string(Encode(f)); got != line {
			t.Errorf("%s\nencodes to\n%s", line, got)
		}
	}
	for kind := range serverFrames {
		if !seen[kind] {
			t.Errorf("no transcript shows a %s frame", kind)
		}
	}
}

func TestClientFrames_OfTheTranscriptsAreUnderstood(t *testing.T) {
	seen := map[string]bool{}
	for _, line := range transcript(t, ">") {
		f, err := DecodeClient([]byte(line))
		if _, bad := errors.AsType[*FrameError](err); err != nil && !bad {
			t.Errorf("%s: %v", line, err)
		}
		if f != nil {
			seen[f.kind()] = true
			roundTrip(t, f)
		}
	}
	for kind := range clientFrames {
		if !seen[kind] {
			t.Errorf("no transcript shows a %s frame", kind)
		}
	}
}

func roundTrip(t *testing.T, f ClientFrame) {
	t.Helper()
	again, err := DecodeClient(EncodeClient(f))
	if err != nil {
		t.Fatalf("%+v encodes to %s: %v", f, EncodeClient(f), err)
	}
	if diff := cmp.Diff(f, again); diff != "" {
		t.Errorf("a %s frame changes on the way: %s", f.kind(), diff)
	}
}

func TestDecodeClient_Refuses(t *testing.T) {
	const client = `"client":"01900000-0000-7000-8000-0000000000c1"`
	deep := strings.Repeat("[", MaxDepth) + strings.Repeat("]", MaxDepth)
	for name, tc := range map[string]struct {
		frame string
		code  Code
		ref   string
	}{
		"nothing":              {``, CodeBadFrame, ""},
		"no object":            {`[{"t":"sync","seq":1}]`, CodeBadFrame, ""},
		"two objects":          {`{"t":"sync","seq":1}{}`, CodeBadFrame, ""},
		"half an object":       {`{"t":"sync","seq":1`, CodeBadFrame, ""},
		"not UTF-8":            {"{\"t\":\"sync\",\"seq\":1,\"x\":\"\xff\"}", CodeBadFrame, ""},
		"too large":            {`{"t":"x","x":"` + strings.Repeat("x", MaxFrame) + `"}`, CodeTooBig, ""},
		"too deep":             {`{"t":"sync","seq":1,"x":` + deep + `}`, CodeBadFrame, ""},
		"a key twice":          {`{"t":"sync","seq":1,"seq":2}`, CodeBadFrame, ""},
		"a key twice, escaped": {`{"t":"sync","seq":1,"s\u0065q":2}`, CodeBadFrame, ""},
		"a key twice, deeper":  {`{"t":"mutate","mid":1,"tool":"add_task","args":{"a":{"b":1,"b":2}}}`, CodeBadFrame, ""},
		"no kind":              {`{"seq":1}`, CodeBadFrame, ""},
		"kind is no text":      {`{"t":1}`, CodeBadFrame, ""},
		"field in other case":  {`{"t":"sync","SEQ":1}`, CodeBadFrame, ""},
		"field missing":        {`{"t":"mutate","mid":7,"tool":"add_task"}`, CodeBadFrame, "7"},
		"field null":           {`{"t":"mutate","mid":7,"tool":"add_task","args":null}`, CodeBadFrame, "7"},
		"args no object":       {`{"t":"mutate","mid":7,"tool":"add_task","args":[]}`, CodeBadFrame, "7"},
		"mid is a text":        {`{"t":"mutate","mid":"1","tool":"x","args":{}}`, CodeBadFrame, "1"},
		"mid is zero":          {`{"t":"mutate","mid":0,"tool":"x","args":{}}`, CodeBadFrame, "0"},
		"mid is a fraction":    {`{"t":"mutate","mid":1.0,"tool":"x","args":{}}`, CodeBadFrame, "1.0"},
		"mid is huge":          {`{"t":"mutate","mid":9007199254740992,"tool":"x","args":{}}`, CodeBadFrame, "9007199254740992"},
		"client is no UUID":    {`{"t":"hello","client":"me","ver":1,"caps":[]}`, CodeBadFrame, ""},
		"ver is a text":        {`{"t":"hello",` + client + `,"ver":"1","caps":[]}`, CodeBadFrame, ""},
		"seq is negative":      {`{"t":"hello",` + client + `,"ver":1,"seq":-1}`, CodeBadFrame, ""},
		"turns are a list":     {`{"t":"hello",` + client + `,"ver":1,"turns":[]}`, CodeBadFrame, ""},
		"turn is no UUID":      {`{"t":"chat","turn":"x","text":"hi"}`, CodeBadFrame, "x"},
		"conv is a text":       {`{"t":"chat","turn":"01900000-0000-7000-8000-0000000000f1","conv":"1","text":"hi"}`, CodeBadFrame, "01900000-0000-7000-8000-0000000000f1"},
		"ok is a number":       {`{"t":"approve","approval":"a","ok":1}`, CodeBadFrame, "a"},
		"id is an object":      {`{"t":"parse","id":{},"text":"x","tz":"UTC"}`, CodeBadFrame, "{}"},
		"token is too long":    {`{"t":"auth","token":"` + strings.Repeat("x", maxToken+1) + `"}`, CodeBadFrame, ""},
	} {
		t.Run(name, func(t *testing.T) {
			f, err := DecodeClient([]byte(tc.frame))
			bad, ok := errors.AsType[*FrameError](err)
			if !ok || f != nil || bad.Code != tc.code || bad.Ref != tc.ref {
				t.Errorf("got %+v, %+v, want %s with ref %q", f, err, tc.code, tc.ref)
			}
		})
	}
}

func TestDecodeClient_IgnoresWhatItDoesNotKnow(t *testing.T) {
	for _, frame := range []string{`{"t":"future"}`, `{"t":"future","mid":"x"}`, ` {"t":"Sync"} `} {
		if f, err := DecodeClient([]byte(frame)); f != nil || err != nil {
			t.Errorf("%s gives %v, %v", frame, f, err)
		}
	}
	deep := strings.Repeat("[", MaxDepth-1) + strings.Repeat("]", MaxDepth-1)
	f, err := DecodeClient([]byte(`{"t":"sync","seq":1,"future":` + deep + `,"user_id":"bob"}`))
	if err != nil || f != (Sync{Seq: 1}) {
		t.Errorf("a frame with fields of the future is %v, %v", f, err)
	}
}

// FuzzDecodeClient holds the decoder to a naive reading of the same rules, and every frame it takes to its round trip.
func FuzzDecodeClient(f *testing.F) {
	for _, line := range transcript(f, ">") {
		f.Add([]byte(line))
	}
	for _, s := range []string{`{"t":"sync","seq":1,"a":[1,{"b":null}],"\u0061":2}`, `{"t":"x","":{"":{}}}`, `{"a":"\\","b":"\""}`, `[[[]]]`, ` { } `} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		frame, err := DecodeClient(data)
		if syntax := checkSyntax(data) == nil; syntax != naive(data) {
			t.Fatalf("%q is taken: %t, a naive reader says the opposite", data, syntax)
		}
		if _, bad := errors.AsType[*FrameError](err); err != nil && !bad {
			t.Fatalf("%q gives another error: %v", data, err)
		}
		if frame != nil {
			roundTrip(t, frame)
		}
	})
}

// naive checks syntax with the standard library's tokens.
func naive(data []byte) bool {
	if len(data) > MaxFrame || !json.Valid(data) || !bytes.Equal(bytes.ToValidUTF8(data, nil), data) {
		return false
	}
	d := json.NewDecoder(bytes.NewReader(data))
	d.UseNumber()
	type level struct {
		object bool
		keys   map[string]bool
		key    bool // a key comes next
	}
	var stack []*level
	for first := true; ; first = false {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			return true
		}
		if first && token != json.Delim('{') {
			return false
		}
		top := &level{}
		if len(stack) > 0 {
			top = stack[len(stack)-1]
		}
		if key, ok := token.(string); ok && top.object && top.key {
			if top.keys[key] {
				return false
			}
			top.keys[key], top.key = true, false
			continue
		}
		top.key = true // whatever it is, a value has begun
		switch token {
		case json.Delim('{'), json.Delim('['):
			stack = append(stack, &level{object: token == json.Delim('{'), keys: map[string]bool{}, key: true})
		case json.Delim('}'), json.Delim(']'):
			stack = stack[:len(stack)-1]
		}
		if len(stack) > MaxDepth {
			return false
		}
	}
}

func TestEncodeDelta_IsWhatItsTypeEncodesTo(t *testing.T) {
	d := tandem.Delta{From: 3, To: 5, Changes: []tandem.Change{
		{Kind: tandem.KindTask, ID: "a", Version: 2, Row: json.RawMessage(`{"x":1}`), Actor: tandem.ActorAgent, TurnID: "t", Client: "c", Mid: 9},
		{Kind: tandem.KindNotice, ID: "quoted \" \\ \n é", Version: 1},
	}}
	want := Delta{From: 3, To: 5, Changes: []Change{
		{Kind: "task", ID: "a", Op: OpPut, Ver: 2, Row: json.RawMessage(`{"x":1}`), Actor: "agent", Turn: "t", Client: "c", Mid: 9},
		{Kind: "notice", ID: "quoted \" \\ \n é", Op: OpDel, Ver: 1},
	}}
	if got := string(EncodeDelta(d)); got != string(Encode(want)) {
		t.Errorf("got\n%s, want\n%s", got, Encode(want))
	}
	if got := string(EncodeDelta(tandem.Delta{From: 1, To: 1})); got != `{"t":"delta","from":1,"to":1,"c":[]}` {
		t.Errorf("an empty delta is %s", got)
	}
}

func TestEncodeSnapshot_SplitsAndLosesNothing(t *testing.T) {
	row := func(kind tandem.Kind, i, size int) json.RawMessage {
		return json.RawMessage(fmt.Sprintf(`{"uid":"%s-%d","pad":"%s"}`, kind, i, strings.Repeat("x", size)))
	}
	for name, sizes := range map[string][]int{
		"empty": {}, "small": {10, 20, 30}, "large rows": {40_000, 40_000, 40_000}, "oversized row": {10, 100_000, 10, 65_536, 5},
		"exactly full": {MaxSnap - len(`{"t":"snap","seq":7,"i":0,"rows":{"settings":[`) - len(`{"uid":"settings-0","pad":""}`) - len(snapTail)},
		"many":         slices.Repeat([]int{900}, 500),
	} {
		t.Run(name, func(t *testing.T) {
			s := tandem.Snapshot{Seq: 7, Rows: map[tandem.Kind][]json.RawMessage{}}
			for i, size := range sizes {
				kind := tandem.Kinds[i*len(tandem.Kinds)/max(len(sizes), 1)]
				s.Rows[kind] = append(s.Rows[kind], row(kind, i, size))
			}
			got := map[tandem.Kind][]json.RawMessage{}
			n, last := 0, false
			for data := range EncodeSnapshot(s) {
				f, err := DecodeServer(data)
				if err != nil {
					t.Fatal(err)
				}
				part := f.(Snap)
				rows := 0
				for kind, list := range part.Rows {
					got[kind] = append(got[kind], list...)
					rows += len(list)
				}
				if part.I != n || part.Seq != 7 || last || len(data) > MaxSnap && rows != 1 {
					t.Errorf("part %d: i %d, seq %d, after the last: %t, %d rows in %d bytes", n, part.I, part.Seq, last, rows, len(data))
				}
				n, last = n+1, part.Last
			}
			if diff := cmp.Diff(s.Rows, got); diff != "" || !last {
				t.Errorf("the parts (last: %t) differ from the snapshot: %s", last, diff)
			}
			if name == "exactly full" && n != 1 {
				t.Errorf("what fits one frame came in %d", n)
			}
		})
	}
}

// TestEncodeSnapshot_FillsFramesToTheByte tries sizes around the one where the last of three rows just fits.
func TestEncodeSnapshot_FillsFramesToTheByte(t *testing.T) {
	sizes := map[int]int{} // of the largest frame, by how many there were
	for pad := MaxSnap - 400; pad < MaxSnap; pad++ {
		s := tandem.Snapshot{Seq: 1, Rows: map[tandem.Kind][]json.RawMessage{
			tandem.KindTask: {json.RawMessage(`{"uid":"a"}`), json.RawMessage(`{"uid":"` + strings.Repeat("b", pad) + `"}`)},
			tandem.KindConv: {json.RawMessage(`{"id":1}`)},
		}}
		n, largest := 0, 0
		for data := range EncodeSnapshot(s) {
			n, largest = n+1, max(largest, len(data))
		}
		sizes[n] = max(sizes[n], largest)
	}
	for n, size := range sizes {
		if size > MaxSnap && n < 3 {
			t.Errorf("a frame of %d parts has %d bytes", n, size)
		}
	}
	if sizes[1] < MaxSnap-8 {
		t.Errorf("one frame is filled up to %d of %d bytes", sizes[1], MaxSnap)
	}
}

func TestEncodeTurn_StateAlwaysSaysItsText(t *testing.T) {
	got := string(EncodeTurn(tandem.TurnEvent{Turn: "t", Conv: 1, N: 2, Ev: tandem.TurnEvState}))
	for _, want := range []string{`"text":""`, `"tools":[]`} {
		if !strings.Contains(got, want) {
			t.Errorf("an empty state is %s, without %s", got, want)
		}
	}
	if got := string(EncodeTurn(tandem.TurnEvent{Ev: tandem.TurnEvText, D: "x"})); strings.Contains(got, `"text":""`) {
		t.Errorf("a text event is %s", got)
	}
}

func TestCodes_FinalOnesUseUpAMid(t *testing.T) {
	for _, c := range Codes {
		passing := slices.Contains([]Code{CodeRate, CodeBusy, CodeOverload, CodeMidGap, CodeInternal}, c)
		if c.Final() == passing {
			t.Errorf("%s is final: %t", c, c.Final())
		}
	}
	for _, c := range Closes {
		if terminal := c == 4400 || c == 4403 || c == 4426 || c == 4429; c.Terminal() != terminal {
			t.Errorf("%d is terminal: %t", c, c.Terminal())
		}
	}
}

func BenchmarkDecodeClient(b *testing.B) {
	frame := []byte(`{"t":"mutate","mid":17,"tool":"add_task","args":{"title":"Buy milk tomorrow","tags":["home","shop"],"op_id":"01900000-0000-7000-8000-0000000000c1"}}`)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := DecodeClient(frame); err != nil {
			b.Fatal(err)
		}
	}
}
