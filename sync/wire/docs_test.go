package wire

import (
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// TestDocs_ShowWhatIsSaid: every example of the document is a line of a transcript, and its lists are complete.
func TestDocs_ShowWhatIsSaid(t *testing.T) {
	page, err := os.ReadFile("../../docs/protocol.md")
	if err != nil {
		t.Fatal(err)
	}
	doc := string(page)
	examples := 0
	for i, block := range strings.Split(doc, "```") {
		example, ok := strings.CutPrefix(block, "transcript\n")
		if i%2 == 0 || !ok {
			continue
		}
		for line := range strings.Lines(example) {
			mark, rest, _ := strings.Cut(strings.TrimSpace(line), " ")
			if examples++; !shown(transcript(t, mark), rest) {
				t.Errorf("no transcript says %s", line)
			}
		}
	}
	if examples < 20 {
		t.Errorf("the document has %d examples", examples)
	}
	for _, c := range Codes {
		if !strings.Contains(doc, "`"+string(c)+"`") {
			t.Errorf("the document does not name %s", c)
		}
	}
	for _, c := range Closes {
		if !strings.Contains(doc, strconv.Itoa(int(c))) {
			t.Errorf("the document does not name %d", c)
		}
	}
	for _, w := range Whys {
		if !strings.Contains(doc, "`"+string(w)+"`") {
			t.Errorf("the document does not name %s", w)
		}
	}
}

// shown reports whether a line reads like the example, in which … stands for anything.
func shown(lines []string, example string) bool {
	parts := strings.Split(example, "…")
	first, last := parts[0], parts[len(parts)-1]
	if len(parts) == 1 {
		return slices.Contains(lines, example)
	}
	return slices.ContainsFunc(lines, func(line string) bool {
		rest, ok := strings.CutPrefix(line, first)
		for _, part := range parts[1 : len(parts)-1] {
			if ok {
				_, rest, ok = strings.Cut(rest, part)
			}
		}
		return ok && strings.HasSuffix(rest, last)
	})
}
