package tandem

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// Limits of the contract, in characters (Unicode code points).
const (
	MaxTitle       = 200
	MaxDescription = 2000
	MaxTags        = 20
	MaxTag         = 50
	MaxBulk        = 100 // ids[] and items[]
	MaxMessage     = 4000
	MaxReminders   = 20
)

// CleanTitle trims a title and makes inner line breaks and tabs spaces; what remains is kept as it was written, accents in
// whichever form. A title needs 1 to MaxTitle characters, at least one of them visible, and no control characters.
func CleanTitle(s string) (string, error) {
	s = strings.TrimSpace(strings.NewReplacer("\r\n", " ", "\n", " ", "\r", " ", "\t", " ").Replace(s))
	switch n := utf8.RuneCountInString(s); {
	case !visible(s):
		return "", Invalid("title", s, "A task needs a title of 1 to %d characters.", MaxTitle)
	case n > MaxTitle:
		return "", Invalid("title", s, "A title has at most %d characters; this one has %d.", MaxTitle, n)
	case hasControl(s, false):
		return "", Invalid("title", s, "A title cannot hold control characters.")
	}
	return s, nil
}

// CleanDescription trims the end of notes; line breaks and tabs are kept.
func CleanDescription(s string) (string, error) {
	s = strings.TrimRightFunc(strings.ReplaceAll(s, "\r\n", "\n"), unicode.IsSpace)
	switch n := utf8.RuneCountInString(s); {
	case n > MaxDescription:
		return "", Invalid("description", s, "A description has at most %d characters; this one has %d.", MaxDescription, n)
	case hasControl(s, true):
		return "", Invalid("description", s, "A description cannot hold control characters.")
	}
	return s, nil
}

// CleanTags trims tags, drops a leading # and repeats (case folded), and keeps the order.
func CleanTags(field string, tags []string) ([]string, error) {
	var out []string
	seen := map[string]bool{}
	for _, tag := range tags {
		tag = TagName(tag)
		switch n := utf8.RuneCountInString(tag); {
		case !visible(tag) || n > MaxTag:
			return nil, Invalid(field, tag, "A tag has 1 to %d characters.", MaxTag)
		case hasControl(tag, false):
			return nil, Invalid(field, tag, "A tag cannot hold control characters.")
		}
		if key := Fold(tag); !seen[key] {
			seen[key] = true
			out = append(out, tag)
		}
	}
	if len(out) > MaxTags {
		return nil, Invalid(field, len(out), "A task has at most %d tags.", MaxTags)
	}
	return out, nil
}

// TagName is the form in which a tag is kept: without a leading #, with single spaces.
func TagName(s string) string { return strings.TrimPrefix(strings.Join(strings.Fields(s), " "), "#") }

func visible(s string) bool {
	return strings.ContainsFunc(s, func(r rune) bool {
		return unicode.IsGraphic(r) && !unicode.IsSpace(r) && !unicode.In(r, unicode.Cf, unicode.Other_Default_Ignorable_Code_Point) && !unicode.IsMark(r)
	})
}

func hasControl(s string, lines bool) bool {
	return strings.ContainsFunc(s, func(r rune) bool {
		return unicode.IsControl(r) && (!lines || r != '\n' && r != '\t')
	})
}

// Fold maps text to the form in which words are compared everywhere (database, browser): compatibility-decomposed, without
// combining marks, lower case. "Café" and "CAFE" fold to "cafe".
func Fold(s string) string {
	if ascii(s) {
		return strings.ToLower(s)
	}
	var b strings.Builder
	b.Grow(len(s))
	for _, r := range norm.NFKD.String(s) {
		if !unicode.Is(unicode.Mn, r) {
			b.WriteRune(unicode.ToLower(r))
		}
	}
	return b.String()
}

func ascii(s string) bool {
	for i := range len(s) {
		if s[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

// Words splits text into folded words: runs of letters and digits.
func Words(s string) []string {
	return strings.FieldsFunc(Fold(s), func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsNumber(r) })
}
