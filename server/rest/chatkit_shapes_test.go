package rest_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/tools/txtar"

	"tandem"
	"tandem/server/auth"
)

// shape lists the members that the protocol gives to a kind of object: those that it must have, and those that it may have besides.
type shape struct{ must, may string }

// eventShapes are the events that a stream may hold. TestChatKit_Transcripts holds the stories to what the server answers.
var eventShapes = map[string]shape{
	"thread.created":       {"thread", ""},
	"thread.updated":       {"thread", ""},
	"thread.item.added":    {"item", ""},
	"thread.item.done":     {"item", ""},
	"thread.item.replaced": {"item", ""},
	"thread.item.removed":  {"item_id", ""},
	"thread.item.updated":  {"item_id update", ""},
	"stream_options":       {"stream_options", ""},
	"progress_update":      {"text", "icon"},
	"client_effect":        {"name data", ""},
	"notice":               {"level message", "title"},
	"error":                {"code allow_retry", "message"},
}

// updateShapes are the updates of items.
var updateShapes = map[string]shape{
	"assistant_message.content_part.added":      {"content_index content", ""},
	"assistant_message.content_part.text_delta": {"content_index delta", ""},
	"assistant_message.content_part.done":       {"content_index content", ""},
	"workflow.task.added":                       {"task_index task", ""},
	"workflow.task.updated":                     {"task_index task", ""},
}

const everyItem = "id thread_id created_at "

// itemShapes are the items of a thread.
var itemShapes = map[string]shape{
	"user_message":      {everyItem + "content attachments inference_options", "quoted_text"},
	"assistant_message": {everyItem + "content", ""},
	"widget":            {everyItem + "widget", "copy_text"},
	"workflow":          {everyItem + "workflow", ""},
	"structured_input":  {everyItem + "status inputs", ""},
}

func (s shape) check(t *testing.T, of map[string]any) {
	t.Helper()
	must, may := strings.Fields(s.must), strings.Fields(s.may)
	for _, name := range must {
		if _, ok := of[name]; !ok {
			t.Errorf("%v lacks %s", of, name)
		}
	}
	for name, value := range of {
		if name != "type" && !slices.Contains(must, name) && !slices.Contains(may, name) {
			t.Errorf("%v has a member %s", of, name)
		}
		if value == nil {
			t.Errorf("%v: %s is null, which the protocol leaves out", of, name)
		}
	}
}

// seen collects the objects of all stories by their type.
type seen struct{ events, updates, items map[string][]map[string]any }

func (s seen) event(e map[string]any) {
	add := func(to map[string][]map[string]any, v any) {
		if o, ok := v.(map[string]any); ok {
			kind, _ := o["type"].(string)
			to[kind] = append(to[kind], o)
		}
	}
	add(s.events, e)
	add(s.updates, e["update"])
	add(s.items, e["item"])
}

func TestChatKit_EachShapeOfEvent(t *testing.T) {
	files, err := filepath.Glob("testdata/chatkit/*.txtar")
	if err != nil {
		t.Fatal(err)
	}
	found := seen{map[string][]map[string]any{}, map[string][]map[string]any{}, map[string][]map[string]any{}}
	for _, name := range files {
		story, err := txtar.ParseFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range story.Files {
			if !strings.Contains(string(f.Data), "\n200 text/event-stream") {
				continue
			}
			for line := range strings.Lines(string(f.Data)) {
				var e map[string]any
				if strings.HasPrefix(line, "{") && json.Unmarshal([]byte(line), &e) == nil {
					found.event(e)
				}
			}
		}
	}
	for what, tc := range map[string]struct {
		shapes map[string]shape
		found  map[string][]map[string]any
	}{"event": {eventShapes, found.events}, "update": {updateShapes, found.updates}, "item": {itemShapes, found.items}} {
		for _, kind := range slices.Sorted(maps.Keys(tc.shapes)) {
			t.Run(what+" "+kind, func(t *testing.T) {
				if len(tc.found[kind]) == 0 {
					t.Fatal("no story shows it")
				}
				for _, of := range tc.found[kind] {
					tc.shapes[kind].check(t, of)
				}
			})
		}
		for kind := range tc.found {
			if _, known := tc.shapes[kind]; !known {
				t.Errorf("%s %q has no shape here", what, kind)
			}
		}
	}
}

// TestChatKit_EachRequestHasAStory replays no request twice by accident and leaves none out: the names of the verbs are those of the stories.
func TestChatKit_EachRequestHasAStory(t *testing.T) {
	files, err := filepath.Glob("testdata/chatkit/*.txtar")
	if err != nil {
		t.Fatal(err)
	}
	told := ""
	for _, name := range files {
		story, err := txtar.ParseFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range story.Files {
			told += string(f.Data)
		}
	}
	for _, kind := range []string{
		"threads.create", "threads.add_user_message", "threads.add_client_tool_output", "threads.add_structured_input", "threads.retry_after_item",
		"threads.custom_action", "threads.get_by_id", "threads.list", "items.list", "items.feedback", "threads.update", "threads.delete",
		"attachments.create", "attachments.delete", "input.transcribe", "threads.sync_custom_action",
	} {
		t.Run(kind, func(t *testing.T) {
			if !strings.Contains(told, `> {"type":"`+kind+`"`) {
				t.Error("no story tells it")
			}
		})
	}
}

// TestChatKit_AProgramAnswersNoQuestion lets a personal access token press the buttons that are for the person.
func TestChatKit_AProgramAnswersNoQuestion(t *testing.T) {
	s, st := newKit(t)
	s.play(kitBody("threads.create", strings.Replace(kitHello, "hello", "Delete both", 1)))
	st.mu.Lock()
	var asked tandem.Approval
	for _, a := range st.approvals {
		asked = a
	}
	st.mu.Unlock()
	if asked.ID == "" {
		t.Fatal("nothing was asked")
	}
	secret := auth.NewPersonalToken()
	s.store.mu.Lock()
	s.store.tokens[auth.Hash(secret)], s.store.owners[auth.Hash(secret)] = tandem.TokenInfo{ID: "p", Scopes: tandem.Scopes}, "ann"
	s.store.mu.Unlock()
	for _, verb := range []string{"approval.confirm", "approval.cancel"} {
		body := kitBody("threads.custom_action", fmt.Sprintf(`{"thread_id":"thr_1","item_id":"tc_%s","action":{"type":%q,"payload":{"approval":%q}}}`, asked.ID, verb, asked.ID))
		wantStatus(t, s.call(http.MethodPost, "/api/ann/chat", bearerOf(secret), body), http.StatusForbidden)
	}
	st.mu.Lock()
	defer st.mu.Unlock()
	if len(st.decided) > 0 {
		t.Errorf("decided: %v", st.decided)
	}
}
