package session

import (
	"encoding/json"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"tandem"
)

// translation turns the patch of a set frame into an edit.
type translation struct {
	newID      func() string
	now        time.Time
	publicURL  string
	client     string
	webhookKey string // of the person; empty: none

	edit    tandem.SetEdit
	plain   []func(*tandem.Settings)
	checks  []func(tandem.Settings) error
	result  map[string]any    // stored, and acked
	secrets map[string]string // acked once
}

// translate reads a patch strictly: the error names the first field, in the order of the alphabet, that is not known or has
// a value it cannot have.
func (t *translation) translate(patch json.RawMessage) (tandem.SetEdit, error) {
	t.result = map[string]any{}
	fields, err := object("patch", patch)
	if err != nil {
		return t.edit, err
	}
	if len(fields) == 0 {
		return t.edit, tandem.Invalid("patch", nil, "patch names nothing to change.")
	}
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		read, known := patchFields[name]
		if !known {
			return t.edit, unknown(name, slices.Sorted(maps.Keys(patchFields)))
		}
		if err := read(t, name, fields[name]); err != nil {
			return t.edit, err
		}
	}
	if len(t.plain)+len(t.checks) > 0 {
		t.edit.Decide = t.decide
	}
	t.edit.Result = resultOf(t.result)
	return t.edit, nil
}

func (t *translation) decide(s tandem.Settings) (tandem.Settings, error) {
	for _, check := range t.checks {
		if err := check(s); err != nil {
			return s, err
		}
	}
	for _, change := range t.plain {
		change(&s)
	}
	return s, s.Validate()
}

// patchFields reads each field of a patch. It is filled at start because the map and the functions name each other.
var patchFields map[string]func(t *translation, name string, raw json.RawMessage) error

func init() {
	patchFields = map[string]func(*translation, string, json.RawMessage) error{
		"time_zone":  plainText(func(s *tandem.Settings, v string) { s.TimeZone = v }, tandem.DefaultSettings().TimeZone),
		"locale":     plainText(func(s *tandem.Settings, v string) { s.Locale = v }, tandem.DefaultSettings().Locale),
		"week_start": plainText(func(s *tandem.Settings, v string) { s.WeekStart = v }, tandem.DefaultSettings().WeekStart),
		"autonomy":   plainText(func(s *tandem.Settings, v string) { s.Autonomy = v }, tandem.DefaultSettings().Autonomy),
		"words":      (*translation).words,
		"quiet":      (*translation).quiet,
		"views":      (*translation).views,
		"channels":   (*translation).channels,

		"conversations": (*translation).conversations,
		"notices":       (*translation).notices,
		"tokens":        (*translation).tokens,
		"devices":       (*translation).devices,
		"feed":          (*translation).feed,
		"push":          (*translation).push,
		"revoke":        (*translation).revoke,
	}
}

func plainText(set func(*tandem.Settings, string), empty string) func(*translation, string, json.RawMessage) error {
	return func(t *translation, name string, raw json.RawMessage) error {
		value := empty
		if !isNull(raw) {
			var err error
			if value, err = text(name, raw); err != nil {
				return err
			}
		}
		t.plain = append(t.plain, func(s *tandem.Settings) { set(s, value) })
		return nil
	}
}

// words takes the clock times that are named; null gives all their defaults back.
func (t *translation) words(name string, raw json.RawMessage) error {
	defaults := tandem.DefaultSettings().Words
	if isNull(raw) {
		t.plain = append(t.plain, func(s *tandem.Settings) { s.Words = defaults })
		return nil
	}
	members, err := object(name, raw, "morning", "afternoon", "evening", "night", "all_day")
	if err != nil {
		return err
	}
	clock := func(w *tandem.DayWords, word string) *string {
		return map[string]*string{
			"morning": &w.Morning, "afternoon": &w.Afternoon, "evening": &w.Evening, "night": &w.Night, "all_day": &w.AllDay,
		}[word]
	}
	for word, raw := range members {
		value := *clock(&defaults, word)
		if !isNull(raw) {
			if value, err = text(name+"."+word, raw); err != nil {
				return err
			}
		}
		t.plain = append(t.plain, func(s *tandem.Settings) { *clock(&s.Words, word) = value })
	}
	return nil
}

func (t *translation) quiet(name string, raw json.RawMessage) error {
	if isNull(raw) {
		t.plain = append(t.plain, func(s *tandem.Settings) { s.Quiet = nil })
		return nil
	}
	members, err := object(name, raw, "from", "to")
	if err != nil {
		return err
	}
	var q tandem.QuietHours
	if q.From, err = text(name+".from", members["from"]); err != nil {
		return err
	}
	if q.To, err = text(name+".to", members["to"]); err != nil {
		return err
	}
	t.plain = append(t.plain, func(s *tandem.Settings) { s.Quiet = &q })
	return nil
}

func (t *translation) views(name string, raw json.RawMessage) error {
	views := []tandem.View{}
	if !isNull(raw) {
		entries, err := list(name, raw)
		if err != nil {
			return err
		}
		for _, entry := range entries {
			members, err := object(name, entry, "name", "query")
			if err != nil {
				return err
			}
			var v tandem.View
			if v.Name, err = text(name+".name", members["name"]); err != nil {
				return err
			}
			if v.Query, err = text(name+".query", members["query"]); err != nil {
				return err
			}
			views = append(views, v)
		}
	}
	t.plain = append(t.plain, func(s *tandem.Settings) { s.Views = views })
	return nil
}

// conversations renames those with a title and deletes those with null.
func (t *translation) conversations(name string, raw json.RawMessage) error {
	members, err := object(name, raw)
	if err != nil {
		return err
	}
	t.edit.Conversations = map[int64]*string{}
	for key, raw := range members {
		number, err := strconv.ParseInt(key, 10, 64)
		if err != nil || number < 1 || strconv.FormatInt(number, 10) != key {
			return tandem.Invalid(name, key, "%s is keyed by the numbers of conversations.", name)
		}
		if isNull(raw) {
			t.edit.Conversations[number] = nil
			continue
		}
		field := name + "." + key
		fields, err := object(field, raw, "title")
		if err != nil {
			return err
		}
		title, err := text(field+".title", fields["title"])
		if err != nil {
			return err
		}
		if title, err = tandem.CleanTitle(title); err != nil {
			return tandem.Invalid(field+".title", title, "The title of a conversation has 1 to %d characters.", tandem.MaxTitle)
		}
		t.edit.Conversations[number] = &title
	}
	return tooMany(name, len(members))
}

// notices dismisses those with null, which is all that can be done to them.
func (t *translation) notices(name string, raw json.RawMessage) error {
	members, err := object(name, raw)
	if err != nil {
		return err
	}
	for _, key := range slices.Sorted(maps.Keys(members)) {
		id, ok := tandem.ParseUID(key)
		if !ok || !isNull(members[key]) {
			return tandem.Invalid(name, key, "%s takes the ids of notices, each with null.", name)
		}
		t.edit.Dismiss = append(t.edit.Dismiss, id)
	}
	return tooMany(name, len(members))
}

func (t *translation) revoke(name string, raw json.RawMessage) error {
	if string(raw) != "true" {
		return tandem.Invalid(name, string(raw), "%s takes true.", name)
	}
	t.edit.RevokeAll = true
	t.result["message"] = "Signed out everywhere."
	return nil
}

func (t *translation) devices(name string, raw json.RawMessage) error {
	_, raw, err := oneOf(name, raw, "revoke")
	if err != nil {
		return err
	}
	t.edit.RevokeDevice, err = id(name+".revoke", raw)
	return err
}

func tooMany(name string, n int) error {
	if n == 0 || n > tandem.MaxBulk {
		return tandem.Invalid(name, n, "%s takes 1 to %d entries.", name, tandem.MaxBulk)
	}
	return nil
}

func isNull(raw json.RawMessage) bool { return string(raw) == "null" }

func unknown(field string, allowed []string) error {
	e := tandem.Invalid(field, nil, "%s is not known; there is %s.", field, strings.Join(allowed, ", "))
	e.Details.Allowed = allowed
	return e
}

// object reads an object; with names, it holds no other members.
func object(field string, raw json.RawMessage, names ...string) (map[string]json.RawMessage, error) {
	var members map[string]json.RawMessage
	if json.Unmarshal(raw, &members) != nil || members == nil {
		return nil, tandem.Invalid(field, nil, "%s must be an object.", field)
	}
	if len(names) > 0 {
		for _, name := range slices.Sorted(maps.Keys(members)) {
			if !slices.Contains(names, name) {
				return nil, unknown(field+"."+name, names)
			}
		}
	}
	return members, nil
}

// oneOf reads an object that holds exactly one of the members.
func oneOf(field string, raw json.RawMessage, names ...string) (name string, value json.RawMessage, err error) {
	members, err := object(field, raw, names...)
	if err != nil {
		return "", nil, err
	}
	for name, value := range members {
		if len(members) == 1 {
			return name, value, nil
		}
	}
	return "", nil, tandem.Invalid(field, nil, "%s takes one of %s.", field, strings.Join(names, ", "))
}

func list(field string, raw json.RawMessage) ([]json.RawMessage, error) {
	var entries []json.RawMessage
	if json.Unmarshal(raw, &entries) != nil || entries == nil {
		return nil, tandem.Invalid(field, nil, "%s must be a list.", field)
	}
	return entries, nil
}

func text(field string, raw json.RawMessage) (string, error) {
	var s *string
	if json.Unmarshal(raw, &s) != nil || s == nil {
		return "", tandem.Invalid(field, nil, "%s must be a text.", field)
	}
	return *s, nil
}

// id reads the id of something that exists; whether it does is for the store to say.
func id(field string, raw json.RawMessage) (string, error) {
	s, err := text(field, raw)
	if err == nil && (s == "" || len(s) > 64) {
		return "", tandem.Invalid(field, s, "%s must be an id.", field)
	}
	return s, err
}

// label reads a short visible text.
func label(field string, raw json.RawMessage) (string, error) {
	s, err := text(field, raw)
	if err != nil {
		return "", err
	}
	clean, err := tandem.CleanTitle(s)
	if err != nil || utf8.RuneCountInString(clean) > tandem.MaxTag {
		return "", tandem.Invalid(field, s, "%s has 1 to %d characters.", field, tandem.MaxTag)
	}
	return clean, nil
}
