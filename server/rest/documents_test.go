package rest_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"tandem"
	"tandem/server/rest"
	"tandem/sync/wire"
)

// readDocument gives a document as it is served.
func readDocument(t *testing.T, name string) map[string]any {
	t.Helper()
	s := start(t, nil)
	r := s.call(http.MethodGet, "/"+name, nil, "")
	wantStatus(t, r, http.StatusOK)
	file, err := os.ReadFile(name)
	if err != nil || r.body != string(file) {
		t.Fatalf("%s is served otherwise than it is written (%v)", name, err)
	}
	return parse(t, r.body)
}

func parse(t *testing.T, text string) map[string]any {
	t.Helper()
	v, err := jsonschema.UnmarshalJSON(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	return v.(map[string]any)
}

func at(v any, path ...string) any {
	for _, key := range path {
		m, _ := v.(map[string]any)
		v = m[key]
	}
	return v
}

// checkReferences finds references to what is not there.
func checkReferences(t *testing.T, doc, v any) {
	t.Helper()
	switch v := v.(type) {
	case map[string]any:
		if ref, ok := v["$ref"].(string); ok && at(doc, strings.Split(strings.TrimPrefix(ref, "#/"), "/")...) == nil {
			t.Errorf("nothing stands at %s", ref)
		}
		for _, member := range v {
			checkReferences(t, doc, member)
		}
	case []any:
		for _, member := range v {
			checkReferences(t, doc, member)
		}
	}
}

func TestOpenAPI_DescribesExactlyTheRoutes(t *testing.T) {
	doc := readDocument(t, "openapi.json")
	if v, _ := doc["openapi"].(string); !strings.HasPrefix(v, "3.1") {
		t.Errorf("version %q", v)
	}
	checkReferences(t, doc, doc)
	described := map[string][]string{}
	for path, item := range doc["paths"].(map[string]any) {
		for member := range item.(map[string]any) {
			if method := strings.ToUpper(member); slices.Contains([]string{"GET", "HEAD", "POST", "DELETE", "PUT", "PATCH"}, method) {
				described[path] = append(described[path], method)
			}
		}
		slices.Sort(described[path])
	}
	s := start(t, func(o *rest.Options) { o.Calendar, o.Tokens = calendar{}, noTokens{} })
	served := s.Routes()
	maps.DeleteFunc(served, func(path string, _ []string) bool { return !strings.HasPrefix(path, "/") })
	for path := range served {
		slices.Sort(served[path])
	}
	if diff := cmp.Diff(served, described); diff != "" {
		t.Errorf("routes (-served +described):\n%s", diff)
	}
}

func TestOpenAPI_DescribesTheAnswers(t *testing.T) {
	doc := readDocument(t, "openapi.json")
	s := start(t, nil)
	for name, tc := range map[string]struct{ schema, text string }{
		"a problem":    {"Problem", s.chat("ann", `{"message":""}`).body},
		"401":          {"Problem", s.call(http.MethodPost, "/api/ann/chat", nil, "").body},
		"an answer":    {"ChatResponse", s.chat("ann", `{"message":"hi"}`).body},
		"a request":    {"ChatRequest", `{"message":"hi","conversation_id":"1","turn_id":"` + turnA + `","time_zone":"Europe/Berlin","stream":true}`},
		"a ChatKit":    {"ChatKitRequest", kitBody("threads.create", kitHello)},
		"an approval":  {"Approval", string(encoded(t, tandem.Approval{ID: "a", Kind: "confirm", Tool: "delete_task", Args: json.RawMessage("{}")}))},
		"a tool call":  {"ToolCall", string(encoded(t, tandem.Message{ToolCalls: []tandem.ToolCall{{ID: "1", Tool: "add_task", Arguments: json.RawMessage("{}"), Status: "ok"}}}.Row().ToolCalls[0]))},
		"every status": {"Problem", `{"type":"about:blank","title":"x","status":500,"instance":"urn:uuid:x","code":"internal"}`},
	} {
		t.Run(name, func(t *testing.T) { conforms(t, doc, tc.schema, tc.text) })
	}
	codes := at(doc, "components", "schemas", "Problem", "properties", "code", "enum").([]any)
	if len(codes) != 8 {
		t.Errorf("%d codes, want the contract's 8", len(codes))
	}
	chat := at(doc, "paths", "/api/{user_id}/chat", "post", "responses").(map[string]any)
	for _, code := range []string{"200", "401", "403", "404", "409", "413", "415", "422", "429"} {
		if chat[code] == nil {
			t.Errorf("the chat operation does not describe %s", code)
		}
	}
}

func encoded(t *testing.T, v any) []byte {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// conforms holds a text against a schema of the document.
func conforms(t *testing.T, doc map[string]any, schema, text string) {
	t.Helper()
	if err := validate(t, doc, schema, []byte(text)); err != nil {
		t.Errorf("%s is no %s: %v", text, schema, err)
	}
}

func validate(t *testing.T, doc map[string]any, schema string, data []byte) error {
	t.Helper()
	c := jsonschema.NewCompiler()
	if err := c.AddResource("urn:doc", doc); err != nil {
		t.Fatal(err)
	}
	compiled, err := c.Compile("urn:doc#/components/schemas/" + schema)
	if err != nil {
		t.Fatal(err)
	}
	v, err := jsonschema.UnmarshalJSON(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	return compiled.Validate(v)
}

func TestAsyncAPI_DescribesTheFrames(t *testing.T) {
	doc := readDocument(t, "asyncapi.json")
	if v, _ := doc["asyncapi"].(string); !strings.HasPrefix(v, "3.0") {
		t.Errorf("version %q", v)
	}
	checkReferences(t, doc, doc)
	frames := map[string]any{
		"hello": wire.Hello{}, "mutate": wire.Mutate{}, "set": wire.Set{}, "chat": wire.Chat{}, "cancel": wire.Cancel{}, "approve": wire.Approve{},
		"parse": wire.Parse{}, "history": wire.History{}, "sync": wire.Sync{}, "auth": wire.Auth{},
		"ready": wire.Ready{}, "snap": wire.Snap{}, "delta": wire.Delta{}, "ack": wire.Ack{}, "nack": wire.Nack{}, "turn": tandem.TurnEvent{},
		"parsed": wire.Parsed{}, "history_rows": wire.HistoryRows{}, "presence": wire.Presence{}, "hb": wire.Heartbeat{}, "auth_state": wire.AuthNotice{},
		"bye": wire.Bye{}, "err": wire.Err{},
	}
	for name, frame := range frames {
		t.Run(name, func(t *testing.T) { sameMembers(t, at(doc, "components", "schemas", "frame_"+name), frame, "t") })
	}
	for name := range at(doc, "channels", "socket", "messages").(map[string]any) {
		if _, ok := frames[strings.TrimPrefix(name, "frame_")]; !ok {
			t.Errorf("%s is no frame", name)
		}
	}
	sameMembers(t, at(doc, "components", "schemas", "Change"), wire.Change{}, "")
	sameMembers(t, at(doc, "components", "schemas", "TurnTool"), tandem.TurnTool{}, "")
	sameMembers(t, at(doc, "components", "schemas", "frame_turn", "properties", "end"), tandem.TurnEnd{}, "")
	sameMembers(t, at(doc, "components", "schemas", "frame_ready", "properties", "limits"), wire.Limits{}, "")
	sameSet(t, "error codes", at(doc, "components", "schemas", "ErrorCode", "enum"), wire.Codes)
	sameSet(t, "reasons of a snapshot", at(doc, "components", "schemas", "frame_ready", "properties", "why", "enum"), wire.Whys)
	sameSet(t, "kinds of rows", at(doc, "components", "schemas", "Change", "properties", "k", "enum"), tandem.Kinds)
}

// sameMembers holds the members of a schema against those of a Go type: the same names, and required are those that are
// always written and, from a client, always needed.
func sameMembers(t *testing.T, schema, v any, tag string) {
	t.Helper()
	properties, _ := at(schema, "properties").(map[string]any)
	var want []string
	if tag != "" {
		want = append(want, tag)
	}
	required, _ := at(schema, "required").([]any)
	for _, f := range reflect.VisibleFields(reflect.TypeOf(v)) {
		name, options, _ := strings.Cut(f.Tag.Get("json"), ",")
		want = append(want, name)
		if slices.Contains(required, any(name)) && strings.Contains(options, "omitempty") {
			t.Errorf("%s is required and may be left out", name)
		}
	}
	slices.Sort(want)
	if got := slices.Sorted(maps.Keys(properties)); !slices.Equal(got, want) {
		t.Errorf("members (-type +schema):\n%s", cmp.Diff(want, got))
	}
}

func sameSet[T ~string](t *testing.T, what string, got any, want []T) {
	t.Helper()
	var names []string
	list, _ := got.([]any)
	for _, v := range list {
		names = append(names, fmt.Sprint(v))
	}
	var wanted []string
	for _, v := range want {
		wanted = append(wanted, string(v))
	}
	slices.Sort(names)
	slices.Sort(wanted)
	if diff := cmp.Diff(wanted, names); diff != "" {
		t.Errorf("%s (-product +document):\n%s", what, diff)
	}
}

func TestAsyncAPI_DescribesTheEvents(t *testing.T) {
	doc := readDocument(t, "asyncapi.json")
	schemas := map[tandem.Topic]string{tandem.TopicTaskEvents: "TaskEvent", tandem.TopicReminders: "ReminderEvent", tandem.TopicTaskUpdates: "TaskUpdateEvent"}
	for topic, schema := range schemas {
		if at(doc, "channels", string(topic), "address") != string(topic) {
			t.Errorf("topic %s has no channel", topic)
		}
		sameSet(t, "events of "+string(topic), at(doc, "components", "schemas", schema, "properties", "event_type", "enum"), tandem.EventTypes[topic])
	}
	seen := map[tandem.EventType]bool{}
	for _, ev := range events(t) {
		seen[ev.EventType] = true
		data := encoded(t, ev)
		conforms(t, doc, schemas[ev.Topic()], string(data))
		if validate(t, doc, schemas[ev.Topic()], bytes.Replace(data, []byte(`{`), []byte(`{"extra":1,`), 1)) == nil {
			t.Errorf("an extra top-level key passes in %s", ev.EventType)
		}
		if validate(t, doc, schemas[ev.Topic()], regexp.MustCompile(`"event_id":"[^"]*",`).ReplaceAll(data, nil)) == nil {
			t.Errorf("a %s without event_id passes", ev.EventType)
		}
	}
	for _, types := range tandem.EventTypes {
		for _, what := range types {
			if !seen[what] {
				t.Errorf("no %s was made", what)
			}
		}
	}
}

// events makes one event of each type as the product makes them.
func events(t *testing.T) []tandem.Event {
	t.Helper()
	now := time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC)
	due, later := &tandem.Due{Date: "2026-12-01", Time: "09:00", TimeZone: "Asia/Karachi"}, now.Add(time.Hour)
	open := tandem.Task{
		UID: tandem.NewID(), UserID: "ann", Number: 5, Title: "Pay rent", Priority: tandem.PriorityHigh, Tags: []string{"home"}, Due: due, DueAt: &later,
		Series:    &tandem.Series{ID: tandem.NewID(), Rule: "FREQ=MONTHLY", From: tandem.FromSchedule, Anchor: *due, Key: "2026-12-01T09:00"},
		Reminders: []tandem.Reminder{{ID: tandem.NewID(), State: tandem.ReminderScheduled, At: later, Generation: 1}}, CreatedAt: now, UpdatedAt: now, Version: 1,
	}
	change := func(edit func(*tandem.Task)) *tandem.Task {
		next := open.Clone()
		edit(&next)
		return &next
	}
	done := change(func(t *tandem.Task) { t.CompletedAt = &later })
	gone := change(func(t *tandem.Task) { t.DeletedAt, t.Reminders = &later, nil })
	fired := change(func(t *tandem.Task) { t.Reminders[0].State = tandem.ReminderFired })
	var out []tandem.Event
	renamed := change(func(t *tandem.Task) { t.Title = "Pay the rent" })
	for _, pair := range [][2]*tandem.Task{{nil, &open}, {&open, renamed}, {&open, done}, {done, &open}, {&open, gone}, {gone, &open}, {&open, fired}} {
		c := tandem.TaskChange{Before: pair[0], After: pair[1]}
		out = append(out, tandem.Events(tandem.Cause{Actor: tandem.ActorUser, OpID: "op", TurnID: "turn"}, c, 7, now, tandem.NewID)...)
	}
	return out
}
