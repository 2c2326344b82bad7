package intake_test

import (
	"archive/zip"
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tandem"
	"tandem/server/intake"
)

var update = flag.Bool("update", false, "write the expected entries anew")

// scene is a Wednesday noon in Karachi.
func scene() tandem.Scene {
	n := 0
	s := tandem.DefaultSettings()
	s.TimeZone = "Asia/Karachi"
	return tandem.Scene{
		Now: time.Date(2026, 11, 25, 7, 0, 0, 0, time.UTC), User: "ann", Settings: s,
		NewID: func() string { n++; return fmt.Sprintf("id-%d", n) },
	}
}

// words knows the phrases of the samples.
func words(text, language, zone string) (intake.Words, bool) {
	rule := func(s string) tandem.Rule {
		r, err := tandem.ParseRule(s)
		if err != nil {
			panic(err)
		}
		return r
	}
	w, ok := map[string]intake.Words{
		"tomorrow at 9am":        {Due: &tandem.Due{Date: "2026-11-26", Time: "09:00", TimeZone: zone}},
		"tomorrow at 7pm":        {Due: &tandem.Due{Date: "2026-11-26", Time: "19:00", TimeZone: zone}},
		"every 2nd monday":       {Due: &tandem.Due{Date: "2026-12-14"}, Rule: rule("FREQ=MONTHLY;BYDAY=2MO"), From: tandem.FromSchedule},
		"every month on the 1st": {Due: &tandem.Due{Date: "2026-12-01"}, Rule: rule("FREQ=MONTHLY;BYMONTHDAY=1"), From: tandem.FromSchedule},
		"jeden Montag":           {Due: &tandem.Due{Date: "2026-11-30"}, Rule: rule("FREQ=WEEKLY;BYDAY=MO"), From: tandem.FromSchedule},
		"every friday":           {Due: &tandem.Due{Date: "2026-11-27"}, Rule: rule("FREQ=WEEKLY;BYDAY=FR"), From: tandem.FromSchedule},
	}[text]
	return w, ok && (language == "de") == (text == "jeden Montag")
}

// shown is an entry as the expectations hold it.
type shown struct {
	Line  int      `json:"line"`
	Error string   `json:"error,omitempty"`
	Lost  []string `json:"lost,omitempty"`
	Task  any      `json:"task,omitempty"`
}

func read(tb testing.TB, data []byte, format string) (out []shown, uids []string) {
	tb.Helper()
	entries, err := intake.Read(bytes.NewReader(data), intake.Options{Format: format, Scene: scene(), Words: words})
	if err != nil {
		tb.Fatal(err)
	}
	for e := range entries {
		s := shown{Line: e.Line, Lost: e.Lost}
		if e.Err != nil {
			s.Error = tandem.AsError(e.Err).Message
		} else {
			if err := tandem.CheckImported(&e.Task); err != nil {
				tb.Errorf("line %d: a task that the store refuses: %v", e.Line, err)
			}
			uids = append(uids, e.Task.UID)
			e.Task.Origins = nil
			s.Task = e.Task
		}
		out = append(out, s)
	}
	return out, uids
}

// TestRead_Samples holds what each sample becomes, whole, against the expectation beside it.
func TestRead_Samples(t *testing.T) {
	for file, format := range map[string]string{
		"todoist.csv": intake.Todoist, "todoist.json": intake.Todoist, "vikunja.json": intake.Vikunja, "plain.csv": intake.CSV, "tasks.ics": intake.ICal,
	} {
		t.Run(file, func(t *testing.T) {
			data, err := os.ReadFile(filepath.Join("testdata", file))
			if err != nil {
				t.Fatal(err)
			}
			if got := intake.Sniff(data); got != format && file != "vikunja.json" || file == "vikunja.json" && got != intake.Vikunja {
				t.Errorf("taken for %s", got)
			}
			entries, uids := read(t, data, "")
			got, err := json.MarshalIndent(entries, "", " ")
			if err != nil {
				t.Fatal(err)
			}
			golden := filepath.Join("testdata", file+".want")
			if *update {
				if err := os.WriteFile(golden, append(got, '\n'), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), string(got)+"\n"); diff != "" {
				t.Errorf("entries (-want +got):\n%s", diff)
			}
			seen := map[string]bool{}
			for _, uid := range uids {
				if seen[uid] {
					t.Errorf("two tasks are %s", uid)
				}
				seen[uid] = true
			}
			_, again := read(t, data, format)
			if diff := cmp.Diff(uids, again); diff != "" {
				t.Errorf("read again, the tasks have other names:\n%s", diff)
			}
		})
	}
}

// TestRead_NamesSurviveOtherRows adds, drops and reorders rows: the others keep their names.
func TestRead_NamesSurviveOtherRows(t *testing.T) {
	const head = "title,due\n"
	_, first := read(t, []byte(head+"One,2026-12-01\nTwo,\nOne,2026-12-01\n"), "")
	_, later := read(t, []byte(head+"Zero,\nTwo,\nOne,2026-12-01\nOne,2026-12-01\nOne,2026-12-01\n"), "")
	known := map[string]bool{}
	for _, uid := range first {
		known[uid] = true
	}
	fresh := 0
	for _, uid := range later {
		if !known[uid] {
			fresh++
		}
	}
	if len(known) != 3 || fresh != 2 {
		t.Errorf("%d names at first, %d new ones later, want 3 and 2", len(known), fresh)
	}
}

func TestRead_SameTextWithOtherLineEndsAndMark(t *testing.T) {
	plain := "title,notes\nOne,\"a\nb\"\n"
	_, want := read(t, []byte(plain), "")
	_, got := read(t, []byte("\xef\xbb\xbf"+strings.ReplaceAll(plain, "\n", "\r\n")), "")
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestRead_VikunjaArchive(t *testing.T) {
	data, err := os.ReadFile("testdata/vikunja.json")
	if err != nil {
		t.Fatal(err)
	}
	var packed bytes.Buffer
	z := zip.NewWriter(&packed)
	w, err := z.Create("data.json")
	if err == nil {
		_, err = w.Write(data)
	}
	if err == nil {
		err = z.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	_, want := read(t, data, "")
	_, got := read(t, packed.Bytes(), "")
	if diff := cmp.Diff(want, got); diff != "" || len(got) == 0 {
		t.Errorf("%d tasks (-plain +packed):\n%s", len(got), diff)
	}
}

func TestRead_RefusesFilesOfNoForm(t *testing.T) {
	for name, tc := range map[string]struct{ format, data string }{
		"nothing":               {"", ""},
		"no columns":            {"", "hello\nworld\n"},
		"unknown form":          {"excel", "x"},
		"no calendar":           {intake.ICal, "BEGIN:VCARD\n"},
		"no archive":            {"", "PK\x03\x04nonsense"},
		"JSON cut off":          {"", `{"items":[{"id":"1"`},
		"a number of Todoist":   {intake.Todoist, `[1`},
		"items are no list":     {"", `{"items":{}}`},
		"Vikunja is no list":    {intake.Vikunja, `{}`},
		"backup without a type": {intake.Todoist, "CONTENT\nx\n"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := intake.Read(strings.NewReader(tc.data), intake.Options{Format: tc.format, Scene: scene(), Words: words})
			if tandem.AsError(err) == nil || tandem.AsError(err).Code != tandem.CodeInvalid {
				t.Errorf("got %v, want invalid", err)
			}
		})
	}
}

// TestRead_LongTextsAreKept shortens what is too long and says so.
func TestRead_LongTextsAreKept(t *testing.T) {
	long := strings.Repeat("wörd ", 60)
	got, _ := read(t, []byte("title,notes,tags\n"+long+",n,"+strings.Repeat("x", 70)+"\nShort,"+strings.Repeat("n", 3000)+",\n"), "")
	if len(got) != 2 || len(got[0].Lost) != 1 || len(got[1].Lost) != 1 {
		t.Fatalf("%+v", got)
	}
	first := got[0].Task.(tandem.Task)
	if !strings.HasSuffix(first.Title, "…") || !strings.Contains(first.Description, strings.TrimSpace(long)) || len([]rune(first.Tags[0])) != tandem.MaxTag {
		t.Errorf("%+v", first)
	}
}

func FuzzRead(f *testing.F) {
	files, err := filepath.Glob("testdata/*.*")
	if err != nil {
		f.Fatal(err)
	}
	for _, name := range files {
		data, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data, "")
	}
	f.Add([]byte("BEGIN:VCALENDAR\nBEGIN:VTODO\nDUE;TZID=\":20260101\nEND:VTODO"), intake.ICal)
	f.Fuzz(func(t *testing.T, data []byte, format string) {
		entries, err := intake.Read(bytes.NewReader(data), intake.Options{Format: format, Scene: scene(), Words: words})
		if err != nil {
			return
		}
		for e := range entries {
			if e.Err == nil {
				if err := tandem.CheckImported(&e.Task); err != nil {
					t.Fatalf("line %d: a task that the store refuses: %v", e.Line, err)
				}
			} else if tandem.AsError(e.Err).Code != tandem.CodeInvalid {
				t.Fatalf("line %d: %v", e.Line, e.Err)
			}
		}
	})
}
