package rest_test

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"iter"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/tools/txtar"

	"tandem"
	"tandem/server/auth"
	"tandem/server/rest"
)

var update = flag.Bool("update", false, "write the golden transcripts anew")

// stage is an assistant that plays scenes, with the conversations it plays in. Its ids and its clock are fixed.
type stage struct {
	*parrot
	convs     map[int64]*tandem.Conversation
	messages  map[int64][]tandem.Message
	approvals map[string]tandem.Approval
	decided   []string
	hidden    chan tandem.Message
	count     int
}

var stageTime = time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC)

func newStage() *stage {
	return &stage{
		parrot: newParrot(), convs: map[int64]*tandem.Conversation{}, messages: map[int64][]tandem.Message{}, approvals: map[string]tandem.Approval{},
		hidden: make(chan tandem.Message, 1),
	}
}

func (s *stage) id() string {
	s.count++
	return fmt.Sprintf("00000000-0000-7000-8000-%012d", s.count)
}

func (s *stage) Start(ctx context.Context, user tandem.UserID, ask rest.Ask) (rest.Ticket, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	conv := ask.Conversation
	if conv == 0 {
		conv = int64(len(s.convs) + 1)
		s.convs[conv] = &tandem.Conversation{Number: conv, UserID: user, Title: ask.Text, CreatedAt: stageTime}
	}
	if ask.Retry != "" {
		i := slices.IndexFunc(s.messages[conv], func(m tandem.Message) bool { return m.ID == ask.Retry })
		s.messages[conv] = s.messages[conv][:i]
	}
	m := tandem.Message{ID: s.id(), UserID: user, Conversation: conv, TurnID: ask.TurnID, Role: tandem.RoleUser, Text: ask.Text, CreatedAt: stageTime}
	s.messages[conv] = append(s.messages[conv], m)
	t := rest.Ticket{TurnID: ask.TurnID, Conversation: conv, MessageID: m.ID}
	s.turns[string(user)+" "+ask.TurnID] = &told{ask, t, user}
	return t, nil
}

// scene gives the events of a turn by its words, and what stays of it.
func (s *stage) scene(text string) (events []tandem.TurnEvent, reply string, calls []tandem.ToolCall, end tandem.TurnStatus) {
	tool := func(id, name, phase, result string) tandem.TurnEvent {
		return tandem.TurnEvent{Ev: tandem.TurnEvTool, Tool: &tandem.TurnTool{ID: id, Name: name, Phase: phase, Result: json.RawMessage(result)}}
	}
	say := func(d string) tandem.TurnEvent { return tandem.TurnEvent{Ev: tandem.TurnEvText, D: d} }
	call := func(name, result string) tandem.ToolCall {
		return tandem.ToolCall{ID: "c1", Tool: name, Arguments: json.RawMessage("{}"), Result: json.RawMessage(result), Status: "ok"}
	}
	end = tandem.TurnDone
	switch {
	case strings.HasPrefix(text, "Add"):
		result := `{"success":true,"task_id":5,"uid":"0190f3c2-0000-7000-8000-000000000005","status":"created"}`
		return []tandem.TurnEvent{tool("c1", "add_task", "running", ""), tool("c1", "add_task", "ok", result), say("Added "), say("“Buy milk”.")},
			"Added “Buy milk”.", []tandem.ToolCall{call("add_task", result)}, end
	case strings.HasPrefix(text, "Show"):
		result := encodeTasks(
			tandem.TaskRow{TaskID: 5, UID: "u5", Title: "Buy milk", Status: "pending", Due: &tandem.Due{Date: "2026-11-26", Time: "09:00"}},
			tandem.TaskRow{TaskID: 6, UID: "u6", Title: "Zähne", Status: "completed", Completed: true},
		)
		return []tandem.TurnEvent{tool("c1", "list_tasks", "running", ""), tool("c1", "list_tasks", "ok", result), say("Two tasks.")}, "Two tasks.", []tandem.ToolCall{call("list_tasks", result)}, end
	case strings.HasPrefix(text, "Fail"):
		result := `{"success":false,"error":"not_found","message":"There is no task 99."}`
		return []tandem.TurnEvent{tool("c1", "complete_task", "error", result), say("There is no task 99.")}, "There is no task 99.", []tandem.ToolCall{call("complete_task", result)}, end
	case strings.HasPrefix(text, "Delete"):
		return []tandem.TurnEvent{{Ev: tandem.TurnEvApproval, Approval: s.ask(tandem.ApprovalConfirm)}, say("Delete both?")}, "Delete both?", nil, end
	case strings.HasPrefix(text, "Which"):
		return []tandem.TurnEvent{{Ev: tandem.TurnEvApproval, Approval: s.ask(tandem.ApprovalChoice)}, say("Which one?")}, "Which one?", nil, end
	case strings.HasPrefix(text, "Lie"):
		return []tandem.TurnEvent{say("I have added it."), {Ev: tandem.TurnEvState, Text: "Nothing was changed."}}, "Nothing was changed.", nil, end
	case strings.HasPrefix(text, "Limit"):
		return []tandem.TurnEvent{say("So far.")}, "So far.", nil, tandem.TurnLimit
	case strings.HasPrefix(text, "Break"):
		return nil, "", nil, tandem.TurnFailed
	default:
		return []tandem.TurnEvent{say(text)}, text, nil, end
	}
}

func encodeTasks(rows ...tandem.TaskRow) string {
	b, err := json.Marshal(map[string]any{"success": true, "tasks": rows, "total_count": len(rows)})
	if err != nil {
		panic(err)
	}
	return string(b)
}

func (s *stage) ask(kind tandem.ApprovalKind) *tandem.Approval {
	a := tandem.Approval{
		ID: string(kind) + "-1", Kind: kind, Tool: "delete_task", Summary: "Delete 2 tasks?", Args: json.RawMessage("{}"), Conversation: 1, CreatedAt: stageTime, ExpiresAt: stageTime,
		Items: []tandem.ApprovalItem{{TaskID: 5, Title: "Meeting with Ann"}, {TaskID: 6, Title: "Meeting with Bob", Due: &tandem.Due{Date: "2026-12-01"}}},
	}
	s.approvals[a.ID] = a
	return &a
}

func (s *stage) Watch(ctx context.Context, user tandem.UserID, id string) iter.Seq[tandem.TurnEvent] {
	return func(yield func(tandem.TurnEvent) bool) {
		if !yield(tandem.TurnEvent{Turn: id, Ev: tandem.TurnEvStart}) {
			return
		}
		t, err := s.turn(ctx, user, id)
		if err != nil {
			return
		}
		s.mu.Lock()
		events, reply, calls, end := s.scene(t.Text)
		conv := t.Ticket.Conversation
		s.messages[conv] = append(s.messages[conv], tandem.Message{
			ID: s.id(), UserID: user, Conversation: conv, TurnID: id, Role: tandem.RoleAssistant, Text: reply, ToolCalls: calls, CreatedAt: stageTime,
		})
		s.mu.Unlock()
		for _, ev := range append(events, tandem.TurnEvent{Ev: tandem.TurnEvDone, End: &tandem.TurnEnd{Status: end}}) {
			if !yield(ev) {
				return
			}
		}
	}
}

func (s *stage) Approve(_ context.Context, user tandem.UserID, id string, ok bool, args json.RawMessage, by string) error {
	s.mu.Lock()
	a, known := s.approvals[id]
	s.decided = append(s.decided, fmt.Sprintf("%s %v %s by %s", id, ok, args, by))
	delete(s.approvals, id)
	turn := s.id()
	s.mu.Unlock()
	if !known {
		return tandem.Conflict("approval", "This question has been answered.")
	}
	words := "no"
	if ok {
		words = "yes"
	}
	_, err := s.Start(context.Background(), user, rest.Ask{TurnID: turn, Conversation: a.Conversation, Text: words})
	return err
}

func (s *stage) Conversation(_ context.Context, user tandem.UserID, number int64) (tandem.Conversation, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if c := s.convs[number]; c != nil && c.UserID == user {
		return *c, nil
	}
	return tandem.Conversation{}, tandem.NotFound("conversation_id", number, "conversation")
}

func (s *stage) Conversations(_ context.Context, user tandem.UserID, after int64, limit int, desc bool) (out []tandem.Conversation, more bool, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for n := range int64(len(s.convs)) {
		number := n + 1
		if desc {
			number = int64(len(s.convs)) - n
		}
		c := s.convs[number]
		if c == nil || c.UserID != user || after != 0 && (desc && number >= after || !desc && number <= after) {
			continue
		}
		if len(out) == limit {
			return out, true, nil
		}
		out = append(out, *c)
	}
	return out, false, nil
}

func (s *stage) History(_ context.Context, _ tandem.UserID, conv int64, before string, limit int) ([]tandem.Message, bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	list := s.messages[conv]
	if before != "" {
		list = list[:slices.IndexFunc(list, func(m tandem.Message) bool { return m.ID == before })]
	}
	from := max(0, len(list)-limit)
	return slices.Clone(list[from:]), from > 0, nil
}

func (s *stage) Approval(_ context.Context, _ tandem.UserID, id string) (tandem.Approval, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if a, ok := s.approvals[id]; ok {
		return a, nil
	}
	return tandem.Approval{}, tandem.NotFound("approval", id, "approval")
}

func (s *stage) PendingApprovals(_ context.Context, _ tandem.UserID, conv int64) (out []tandem.Approval, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, a := range s.approvals {
		if a.Conversation == conv {
			out = append(out, a)
		}
	}
	return out, nil
}

func (s *stage) AddMessage(_ context.Context, _ tandem.UserID, _ tandem.Cause, m tandem.Message) (tandem.Message, error) {
	s.hidden <- m
	return m, nil
}

func (s *stage) Set(_ context.Context, _ tandem.UserID, e tandem.SetEdit) (tandem.Outcome, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for number, title := range e.Conversations {
		if title == nil {
			delete(s.convs, number)
		} else {
			s.convs[number].Title = *title
		}
	}
	return tandem.Outcome{}, nil
}

// newKit starts a server whose assistant plays scenes.
func newKit(t *testing.T) (*running, *stage) {
	t.Helper()
	st := newStage()
	s := start(t, func(o *rest.Options) {
		o.Assistant, o.ChatKit, o.NewID = st, st, st.id
		o.Limits.Turns = 1000
		o.Actions = func(_ context.Context, p auth.Principal, tool string, args json.RawMessage) (json.RawMessage, error) {
			if strings.Contains(string(args), "99") {
				return nil, tandem.NotFound("task_id", 99, "task")
			}
			return json.RawMessage(fmt.Sprintf(`{"success":true,"uid":"u5","tool":%q,"user":%q}`, tool, p.User)), nil
		}
	})
	t.Cleanup(func() { // before the server stops
		select {
		case <-st.release:
		default:
			close(st.release)
		}
	})
	return s, st
}

// TestChatKit_Transcripts plays the requests of each story in order, and holds the answers against the story. Lines that
// begin with > are requests.
func TestChatKit_Transcripts(t *testing.T) {
	files, err := filepath.Glob("testdata/chatkit/*.txtar")
	if err != nil || len(files) < 10 {
		t.Fatalf("%d stories, %v", len(files), err)
	}
	for _, name := range files {
		t.Run(strings.TrimSuffix(filepath.Base(name), ".txtar"), func(t *testing.T) {
			s, _ := newKit(t)
			story, err := txtar.ParseFile(name)
			if err != nil {
				t.Fatal(err)
			}
			for i, f := range story.Files {
				request, _, _ := strings.Cut(string(f.Data), "\n")
				got := request + "\n" + s.play(strings.TrimPrefix(request, "> "))
				if *update {
					story.Files[i].Data = []byte(got)
				} else if diff := cmp.Diff(string(f.Data), got); diff != "" {
					t.Errorf("%s (-want +got):\n%s", f.Name, diff)
				}
			}
			if *update {
				if err := os.WriteFile(name, txtar.Format(story), 0o644); err != nil {
					t.Fatal(err)
				}
			}
		})
	}
}

// play posts a request and gives status, media type and what came, a stream without its comments.
func (s *running) play(body string) string {
	s.t.Helper()
	r := s.call(http.MethodPost, "/api/ann/chat", s.as("ann").with("Accept", "text/event-stream"), body)
	var lines []string
	for line := range strings.SplitSeq(r.body, "\n") {
		if data, ok := strings.CutPrefix(line, "data: "); ok {
			lines = append(lines, data)
		} else if strings.HasPrefix(line, "event:") {
			s.t.Errorf("a named event: %s", line)
		} else if line != "" && !strings.HasPrefix(line, ":") {
			lines = append(lines, line)
		}
	}
	return fmt.Sprintf("%d %s\n%s\n", r.StatusCode, r.Header.Get("Content-Type"), strings.Join(lines, "\n"))
}

func kitBody(kind, params string) string {
	return fmt.Sprintf(`{"type":%q,"metadata":{},"params":%s}`, kind, params)
}

const kitHello = `{"input":{"content":[{"type":"input_text","text":"hello"}],"attachments":[],"quoted_text":null,"inference_options":{"tool_choice":null,"model":null}}}`

func TestChatKit_RefusesBeforeItStreams(t *testing.T) {
	s, _ := newKit(t)
	s.play(kitBody("threads.create", kitHello))
	thread := `{"thread_id":"thr_1"}`
	for name, tc := range map[string]struct {
		path string
		h    header
		body string
		want int
	}{
		"no token":          {"/api/ann/chat", header{"Content-Type": "application/json"}, kitBody("threads.get_by_id", thread), 401},
		"another path":      {"/api/ann/chat", s.as("bob"), kitBody("threads.get_by_id", thread), 403},
		"another's thread":  {"/api/bob/chat", s.as("bob"), kitBody("threads.get_by_id", thread), 404},
		"unknown thread":    {"/api/bob/chat", s.as("bob"), kitBody("threads.get_by_id", `{"thread_id":"thr_99"}`), 404},
		"malformed thread":  {"/api/ann/chat", s.as("ann"), kitBody("threads.get_by_id", `{"thread_id":"thr_01"}`), 404},
		"no thread":         {"/api/ann/chat", s.as("ann"), kitBody("threads.get_by_id", `{}`), 404},
		"thread a number":   {"/api/ann/chat", s.as("ann"), kitBody("threads.get_by_id", `{"thread_id":1}`), 422},
		"stream elsewhere":  {"/api/bob/chat", s.as("bob"), kitBody("threads.add_user_message", `{"thread_id":"thr_1",`+kitHello[1:]), 404},
		"unknown type":      {"/api/ann/chat", s.as("ann"), kitBody("threads.explode", `{}`), 422},
		"params a list":     {"/api/ann/chat", s.as("ann"), kitBody("threads.list", `[]`), 422},
		"empty message":     {"/api/ann/chat", s.as("ann"), kitBody("threads.create", `{"input":{"content":[]}}`), 422},
		"unknown part":      {"/api/ann/chat", s.as("ann"), kitBody("threads.create", `{"input":{"content":[{"type":"input_audio","text":"x"}]}}`), 422},
		"an attachment":     {"/api/ann/chat", s.as("ann"), kitBody("threads.create", `{"input":{"content":[{"type":"input_text","text":"x"}],"attachments":["atc_1"]}}`), 422},
		"too long":          {"/api/ann/chat", s.as("ann"), kitBody("threads.create", `{"input":{"content":[{"type":"input_text","text":"`+strings.Repeat("a", 4001)+`"}]}}`), 422},
		"bad order":         {"/api/ann/chat", s.as("ann"), kitBody("items.list", `{"thread_id":"thr_1","order":"up"}`), 422},
		"unknown after":     {"/api/ann/chat", s.as("ann"), kitBody("items.list", `{"thread_id":"thr_1","after":"msg_x"}`), 404},
		"empty title":       {"/api/ann/chat", s.as("ann"), kitBody("threads.update", `{"thread_id":"thr_1","title":"  "}`), 422},
		"retry of nothing":  {"/api/ann/chat", s.as("ann"), kitBody("threads.retry_after_item", `{"thread_id":"thr_1","item_id":"msg_x"}`), 404},
		"unknown question":  {"/api/ann/chat", s.as("ann"), kitBody("threads.add_structured_input", `{"thread_id":"thr_1","item_id":"tc_x","input":{}}`), 404},
		"another user_id":   {"/api/ann/chat", s.as("ann"), strings.Replace(kitBody("threads.list", `{}`), "{", `{"user_id":"bob",`, 1), 403},
		"question as msg":   {"/api/ann/chat", s.as("ann"), kitBody("threads.custom_action", `{"thread_id":"thr_1","item_id":"msg_x","action":{"type":"approval.confirm","payload":{"approval":"x"}}}`), 404},
		"no action of ours": {"/api/ann/chat", s.as("ann"), kitBody("threads.custom_action", `{"thread_id":"thr_9","action":{"type":"x"}}`), 404},
	} {
		t.Run(name, func(t *testing.T) {
			r := s.call(http.MethodPost, tc.path, tc.h, tc.body)
			wantStatus(t, r, tc.want)
			r.problem(t)
		})
	}
	foreign := s.call(http.MethodPost, "/api/bob/chat", s.as("bob"), kitBody("threads.get_by_id", `{"thread_id":"thr_1"}`)).body
	unknown := s.call(http.MethodPost, "/api/bob/chat", s.as("bob"), kitBody("threads.get_by_id", `{"thread_id":"thr_2"}`)).body
	if strings.ReplaceAll(foreign, "1", "2") != unknown {
		t.Errorf("a foreign thread reads %s, an unknown one %s", foreign, unknown)
	}
}

func TestChatKit_IdempotencyKeyNamesTheTurn(t *testing.T) {
	s, st := newKit(t)
	s.call(http.MethodPost, "/api/ann/chat", s.as("ann").with("Idempotency-Key", turnA), kitBody("threads.create", kitHello))
	if st.turns["ann "+turnA] == nil {
		t.Error("the turn has another id than the key")
	}
}

func TestChatKit_ClosingTheStreamCancelsTheTurn(t *testing.T) {
	s, st := newKit(t)
	resp, lines, end := s.stream(kitBody("threads.create", strings.Replace(kitHello, "hello", "wait", 1)), s.as("ann").with("Idempotency-Key", turnA))
	if resp.StatusCode != http.StatusOK {
		t.Fatal(resp.Status)
	}
	for lines.Scan() && !strings.Contains(lines.Text(), "progress_update") {
	}
	end()
	note := <-st.hidden
	if note.Role != tandem.RoleHidden || note.Conversation != 1 || note.TurnID != turnA || !strings.Contains(note.Text, "cancelled") {
		t.Errorf("the conversation holds %+v", note)
	}
	st.mu.Lock()
	defer st.mu.Unlock()
	if diff := cmp.Diff([]string{turnA}, st.cancelled); diff != "" {
		t.Errorf("cancelled turns (-want +got):\n%s", diff)
	}
}

func TestChatKit_PagesOfItems(t *testing.T) {
	s, _ := newKit(t)
	for i := range 13 {
		kind, params := "threads.create", kitHello
		if i > 0 {
			kind, params = "threads.add_user_message", `{"thread_id":"thr_1",`+kitHello[1:]
		}
		s.play(kitBody(kind, params))
	}
	for _, order := range []string{"asc", "desc"} {
		var seen []string
		after := ""
		for range 10 {
			var page struct {
				Data []struct {
					ID   string `json:"id"`
					Type string `json:"type"`
				} `json:"data"`
				HasMore bool   `json:"has_more"`
				After   string `json:"after"`
			}
			_, body, _ := strings.Cut(s.play(kitBody("items.list", fmt.Sprintf(`{"thread_id":"thr_1","limit":7,"order":%q,"after":%q}`, order, after))), "\n")
			if err := json.Unmarshal([]byte(body), &page); err != nil {
				t.Fatal(err)
			}
			for _, it := range page.Data {
				seen = append(seen, it.ID)
			}
			if after = page.After; !page.HasMore {
				break
			}
		}
		if len(seen) != 26 || len(slices.Compact(slices.Sorted(slices.Values(seen)))) != 26 {
			t.Errorf("%s: %d items by pages, want 26 different ones", order, len(seen))
		}
	}
}

// components lists the members that the protocol gives to each component that we use.
var components = map[string][]string{
	"Card": {"type", "size", "children", "status", "confirm", "cancel"}, "ListView": {"type", "limit", "children"},
	"ListViewItem": {"type", "key", "children", "onClickAction"}, "Text": {"type", "value", "weight", "lineThrough", "maxLines"}, "Caption": {"type", "value"},
}

func TestChatKit_WidgetsHaveOnlyMembersOfTheirType(t *testing.T) {
	s, _ := newKit(t)
	seen := map[string]bool{}
	for _, text := range []string{"Show me", "Delete both"} {
		s.play(kitBody("threads.create", strings.Replace(kitHello, "hello", text, 1)))
	}
	for _, thread := range []string{"thr_1", "thr_2"} {
		_, body, _ := strings.Cut(s.play(kitBody("items.list", fmt.Sprintf(`{"thread_id":%q}`, thread))), "\n")
		var page struct {
			Data []struct {
				Widget map[string]any `json:"widget"`
			} `json:"data"`
		}
		if err := json.Unmarshal([]byte(body), &page); err != nil {
			t.Fatal(err)
		}
		for _, it := range page.Data {
			checkWidget(t, it.Widget, seen)
		}
	}
	for name := range components {
		if !seen[name] {
			t.Errorf("no %s was seen", name)
		}
	}
}

func checkWidget(t *testing.T, w map[string]any, seen map[string]bool) {
	t.Helper()
	if w == nil {
		return
	}
	kind, _ := w["type"].(string)
	seen[kind] = true
	for member := range w {
		if !slices.Contains(components[kind], member) {
			t.Errorf("a %s has a member %q", kind, member)
		}
	}
	children, _ := w["children"].([]any)
	for _, child := range children {
		if child, ok := child.(map[string]any); ok {
			checkWidget(t, child, seen)
		}
	}
}

func TestChatKitPage_IsOffUnlessAKeyIsConfigured(t *testing.T) {
	off, _ := newKit(t)
	for _, path := range []string{"/chatkit/page.js", "/chatkit/settings.json"} {
		wantStatus(t, off.call(http.MethodGet, path, nil, ""), http.StatusNotFound)
	}
	front := start(t, func(o *rest.Options) { o.Upstream, o.ChatKitDomainKey = http.NotFoundHandler(), "domain_pk_x" })
	wantStatus(t, front.call(http.MethodGet, "/chatkit/page.js", nil, ""), http.StatusOK)
	on := start(t, func(o *rest.Options) { o.ChatKit, o.ChatKitDomainKey = newStage(), "domain_pk_x" })
	page := on.call(http.MethodGet, "/chatkit", html, "")
	wantStatus(t, page, http.StatusOK)
	policy := page.Header.Get("Content-Security-Policy")
	for _, want := range []string{"script-src 'self' https://cdn.platform.openai.com;", "frame-src https://cdn.platform.openai.com;", "frame-ancestors 'none'"} {
		if !strings.Contains(policy, want) {
			t.Errorf("the policy lacks %q: %s", want, policy)
		}
	}
	for _, m := range regexp.MustCompile(`(?:src|href)="(/[^"]+)"`).FindAllStringSubmatch(page.body, -1) {
		wantStatus(t, on.call(http.MethodGet, m[1], nil, ""), http.StatusOK)
	}
	if r := on.call(http.MethodGet, "/chatkit/settings.json", nil, ""); r.body != `{"domain_key":"domain_pk_x"}` {
		t.Errorf("settings: %s", r.body)
	}
	if other := on.call(http.MethodGet, "/", html, "").Header.Get("Content-Security-Policy"); strings.Contains(other, "openai") {
		t.Errorf("the policy of the client lets ChatKit in: %s", other)
	}
}

func FuzzChatKit_Decoder(f *testing.F) {
	f.Add(`{"type":"threads.create","params":` + kitHello + `}`)
	f.Add(`{"type":"items.list","params":{"thread_id":"thr_1","limit":-1}}`)
	f.Add(`{"type":"threads.custom_action","params":{"thread_id":"thr_1","item_id":"tsk_x_0","action":{"type":"task.complete","payload":{"task_id":5}}}}`)
	f.Add(`{"type":"threads.add_structured_input","params":{"thread_id":"thr_1","item_id":"tc_choice-1","input":{"answers":{"choice-1":{"values":["5: Meeting with Ann"]}}}}}`)
	st := newStage()
	server, err := rest.New(rest.Options{Assistant: st, ChatKit: st, NewID: st.id, AnyHost: true, Verifier: verifier(f), Limits: rest.Limits{Turns: 1 << 30, Requests: rest.Bucket{PerSecond: 1e9, Burst: 1 << 30}}})
	if err != nil {
		f.Fatal(err)
	}
	bearer := "Bearer " + signed(f, "ann")
	f.Fuzz(func(t *testing.T, body string) {
		if strings.Contains(body, "wait") {
			return
		}
		w := newRecorder()
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "/api/ann/chat", strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		r.RemoteAddr = "127.0.0.1:1"
		r.Header.Set("Authorization", bearer)
		r.Header.Set("Content-Type", "application/json")
		server.ServeHTTP(w, r)
		if w.Code >= 500 {
			t.Fatalf("%q is answered %d", body, w.Code)
		}
	})
}
