package tools

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"math/big"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"tandem"
)

// maxDepth bounds how deep arguments may nest.
const maxDepth = 16

// arguments reads the members of one JSON object. Each getter checks the type of its member; the first bad one is kept and
// all later answers are empty, so that a tool reads everything and then looks at err once.
type arguments struct {
	prefix string // of field names in errors: "items[2]."
	raw    map[string]json.RawMessage
	err    error
}

// parseArguments reads one JSON object with the known members and no others. Absent arguments, also written as null, are an
// empty object.
func parseArguments(tool string, raw json.RawMessage, known []string) (*arguments, error) {
	if trimmed := bytes.TrimSpace(raw); len(trimmed) == 0 || string(trimmed) == "null" {
		raw = json.RawMessage("{}")
	}
	if err := checkJSON(raw); err != nil {
		return nil, err
	}
	a := &arguments{}
	if err := json.Unmarshal(raw, &a.raw); err != nil || a.raw == nil {
		return nil, tandem.Invalid("arguments", shownJSON(raw), "The arguments of %s must be one JSON object.", tool)
	}
	a.closed(tool, known)
	return a, a.err
}

// closed refuses members that are not known and members that are null.
func (a *arguments) closed(what string, known []string) {
	for _, name := range slices.Sorted(maps.Keys(a.raw)) {
		switch raw := a.raw[name]; {
		case !slices.Contains(known, name):
			e := tandem.Invalid(a.field(name), shownJSON(raw), "%s takes no argument %q.", what, clip(name))
			e.Details.Allowed = known
			a.fail(e)
		case string(raw) == "null":
			a.fail(tandem.Invalid(a.field(name), nil, "%s cannot be null; leave it out to keep what is there.", name))
		}
	}
}

// itemArguments reads one element of items.
func itemArguments(place string, raw json.RawMessage) (*arguments, error) {
	a := &arguments{prefix: place + "."}
	if err := json.Unmarshal(raw, &a.raw); err != nil || a.raw == nil {
		return nil, tandem.Invalid(place, shownJSON(raw), "Each of items must be an object.")
	}
	a.closed("An item", specs[AddTask].items)
	if !a.has("title") {
		a.fail(tandem.Invalid(a.field("title"), nil, "A task needs a title."))
	}
	return a, a.err
}

// checkJSON holds raw to one value of well-formed UTF-8 JSON, maxDepth deep, without repeated keys.
func checkJSON(raw json.RawMessage) error {
	if !utf8.Valid(raw) {
		return tandem.Invalid("arguments", nil, "The arguments must be UTF-8.")
	}
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	if err := checkValue(d, 0); err != nil {
		return err
	}
	if _, err := d.Token(); err != io.EOF {
		return tandem.Invalid("arguments", nil, "The arguments must be one JSON object.")
	}
	return nil
}

func checkValue(d *json.Decoder, depth int) error {
	t, err := d.Token()
	if err != nil {
		return tandem.Invalid("arguments", nil, "The arguments are not well-formed JSON.").Because(err)
	}
	delim, nested := t.(json.Delim)
	if !nested {
		return nil
	}
	if depth++; depth > maxDepth {
		return tandem.Invalid("arguments", nil, "The arguments nest more than %d levels deep.", maxDepth)
	}
	seen := map[string]bool{}
	for d.More() {
		if delim == '{' {
			key, err := d.Token()
			name, ok := key.(string)
			if err != nil || !ok {
				return tandem.Invalid("arguments", nil, "The arguments are not well-formed JSON.")
			}
			if seen[name] {
				return tandem.Invalid(clip(name), nil, "%q is given twice.", clip(name))
			}
			seen[name] = true
		}
		if err := checkValue(d, depth); err != nil {
			return err
		}
	}
	if _, err := d.Token(); err != nil {
		return tandem.Invalid("arguments", nil, "The arguments are not well-formed JSON.").Because(err)
	}
	return nil
}

func (a *arguments) field(name string) string { return a.prefix + clip(name) }

func (a *arguments) fail(err error) {
	if a.err == nil {
		a.err = err
	}
}

// has reports whether a member is there.
func (a *arguments) has(name string) bool {
	_, ok := a.raw[name]
	return ok
}

// hasAny gives the first of the names that is there.
func (a *arguments) hasAny(names ...string) (string, bool) {
	for _, name := range names {
		if a.has(name) {
			return name, true
		}
	}
	return "", false
}

// text reads a string; nil where it is absent.
func (a *arguments) text(name string) *string {
	raw, ok := a.raw[name]
	if !ok || a.err != nil {
		return nil
	}
	var s string
	if json.Unmarshal(raw, &s) != nil {
		a.fail(tandem.Invalid(a.field(name), shownJSON(raw), "%s must be text.", name))
		return nil
	}
	return &s
}

// phrase reads a string that must say something; empty where it is absent.
func (a *arguments) phrase(name string) string {
	s := a.words(name, maxPhrase)
	if s == "" && a.err == nil && a.has(name) {
		a.fail(tandem.Invalid(a.field(name), "", "%s cannot be empty.", name))
	}
	return s
}

// words reads a string of at most so many characters that may be empty.
func (a *arguments) words(name string, most int) string {
	s := a.text(name)
	if s == nil {
		return ""
	}
	trimmed := strings.TrimSpace(*s)
	if utf8.RuneCountInString(trimmed) > most {
		a.fail(tandem.Invalid(a.field(name), trimmed, "%s has at most %d characters.", name, most))
	}
	return trimmed
}

// alias reads a phrase that may stand under two names; two different values contradict each other.
func (a *arguments) alias(name, other string) (value, field string) {
	first, second := a.phrase(name), a.phrase(other)
	switch {
	case second == "":
		return first, name
	case first != "" && first != second:
		a.fail(tandem.Invalid(a.field(other), second, "%s and %s name the same thing; give one of them.", name, other))
	}
	return second, other
}

// flag reads a boolean.
func (a *arguments) flag(name string) bool {
	raw, ok := a.raw[name]
	if !ok || a.err != nil {
		return false
	}
	var b bool
	if json.Unmarshal(raw, &b) != nil {
		a.fail(tandem.Invalid(a.field(name), shownJSON(raw), "%s must be true or false.", name))
	}
	return b
}

// number reads an integer between low and high; fallback where it is absent.
func (a *arguments) number(name string, low, high, fallback int64) int64 {
	raw, ok := a.raw[name]
	if !ok || a.err != nil {
		return fallback
	}
	n, ok := integer(raw)
	if !ok || n < low || n > high {
		a.fail(tandem.Invalid(a.field(name), shownJSON(raw), "%s must be a whole number from %d to %d.", name, low, high))
	}
	return n
}

// integer reads a JSON number without a fraction, as JSON Schema counts integers: 5.0 is one.
func integer(raw json.RawMessage) (int64, bool) {
	text := string(raw)
	if n, err := strconv.ParseInt(text, 10, 64); err == nil {
		return n, true
	}
	if len(text) > 32 || text == "" || text[0] != '-' && (text[0] < '0' || text[0] > '9') {
		return 0, false
	}
	f, _, err := big.ParseFloat(text, 10, 128, big.ToNearestEven)
	if err != nil || !f.IsInt() {
		return 0, false
	}
	n, accuracy := f.Int64()
	return n, accuracy == big.Exact
}

// texts reads a list of strings; nil where it is absent.
func (a *arguments) texts(name string, most int) []string {
	items := a.list(name, most)
	if items == nil {
		return nil
	}
	out := make([]string, len(items))
	for i, raw := range items {
		if string(raw) == "null" || json.Unmarshal(raw, &out[i]) != nil {
			a.fail(tandem.Invalid(a.field(name), shownJSON(raw), "%s must be a list of texts.", name))
			return nil
		}
	}
	return out
}

// list reads a JSON array of at most so many elements.
func (a *arguments) list(name string, most int) []json.RawMessage {
	raw, ok := a.raw[name]
	if !ok || a.err != nil {
		return nil
	}
	var items []json.RawMessage
	if json.Unmarshal(raw, &items) != nil {
		a.fail(tandem.Invalid(a.field(name), shownJSON(raw), "%s must be a list.", name))
		return nil
	}
	if len(items) > most {
		a.fail(tandem.Invalid(a.field(name), len(items), "%s holds at most %d; this one has %d.", name, most, len(items)))
		return nil
	}
	return items
}

// choice reads a word of a closed set; empty where it is absent.
func choice[T ~string](a *arguments, name string, allowed []T) T {
	s := a.text(name)
	if s == nil {
		return ""
	}
	if !slices.Contains(allowed, T(*s)) {
		a.fail(tandem.NotOneOf(a.field(name), *s, allowed))
		return ""
	}
	return T(*s)
}

var (
	uuidForm   = regexp.MustCompile(`^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$`)
	numberForm = regexp.MustCompile(`^[1-9][0-9]{0,17}$`)
)

// refs reads which tasks are meant: task_id, or ids. It gives the name of the argument that named them.
func (a *arguments) refs() (refs []tandem.TaskRef, field string) {
	switch {
	case a.has("task_id") && a.has("ids"):
		a.fail(tandem.Invalid(a.field("ids"), nil, "Give task_id or ids, not both."))
	case a.has("task_id"):
		ref, err := parseRef(a.field("task_id"), a.raw["task_id"])
		if err != nil {
			a.fail(err)
		}
		return []tandem.TaskRef{ref}, "task_id"
	case a.has("ids"):
		return a.refList("ids"), "ids"
	}
	return nil, "task_id"
}

func (a *arguments) refList(name string) []tandem.TaskRef {
	items := a.list(name, tandem.MaxBulk)
	refs := make([]tandem.TaskRef, 0, len(items))
	for _, raw := range items {
		ref, err := parseRef(a.field(name), raw)
		if err != nil {
			a.fail(err)
			return nil
		}
		refs = append(refs, ref)
	}
	return refs
}

// parseRef reads a task's number, its digits, or its UUID.
func parseRef(field string, raw json.RawMessage) (tandem.TaskRef, error) {
	var s string
	if json.Unmarshal(raw, &s) != nil || string(raw) == "null" {
		if n, ok := integer(raw); ok && n > 0 {
			return tandem.TaskRef{Number: n}, nil
		}
	}
	switch {
	case uuidForm.MatchString(s):
		return tandem.TaskRef{UID: strings.ToLower(s)}, nil
	case numberForm.MatchString(s):
		n, err := strconv.ParseInt(s, 10, 64)
		return tandem.TaskRef{Number: n}, err
	}
	return tandem.TaskRef{}, tandem.Invalid(field, shownJSON(raw), "A task is named by its number, such as 5, or by its uid.")
}

// maxEcho bounds how much of a bad value an error repeats.
const maxEcho = 120

// shownJSON gives a bad value for the error about it: a plain value as it is, anything larger as text cut short.
func shownJSON(raw json.RawMessage) any {
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	var v any
	if d.Decode(&v) != nil {
		return nil
	}
	switch v := v.(type) {
	case string, bool:
		return v
	case json.Number:
		if len(v) <= maxEcho {
			return v
		}
	case nil:
		return nil
	}
	return clip(string(raw))
}

func clip(s string) string {
	if r := []rune(s); len(r) > maxEcho {
		return string(r[:maxEcho]) + "…"
	}
	return s
}

// canonical writes the arguments in one form, without those that do not belong to the effect of the call.
func (a *arguments) canonical(without ...string) json.RawMessage {
	kept := map[string]any{}
	for name, raw := range a.raw {
		if slices.Contains(without, name) {
			continue
		}
		d := json.NewDecoder(bytes.NewReader(raw))
		d.UseNumber()
		var v any
		if err := d.Decode(&v); err != nil {
			panic(fmt.Errorf("checked JSON does not decode: %w", err))
		}
		kept[name] = v
	}
	b, err := json.Marshal(kept)
	if err != nil {
		panic(err)
	}
	return b
}
