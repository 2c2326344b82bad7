package llm_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"tandem"
	"tandem/agent"
	"tandem/agent/llm"
	"tandem/agent/planner"
	"tandem/agent/tools"
	"tandem/server/sqlite"
)

// bound joins a tool client to the agent's port, as the program does.
type bound struct{ *tools.Client }

func (b bound) List() (out []agent.Tool) {
	for _, d := range b.Tools() {
		out = append(out, agent.Tool{Name: d.Name, Description: d.Description, InputSchema: d.InputSchema})
	}
	return out
}

func (b bound) Call(ctx context.Context, tool string, args json.RawMessage) (json.RawMessage, bool, error) {
	return b.CallTool(ctx, tool, args)
}

// house is a program whose model stands at the other end of a connection.
type house struct {
	db  *sqlite.DB
	svc *agent.Service
	log *guarded
}

// guarded is a log that many write.
type guarded struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (g *guarded) Write(p []byte) (int, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.buf.Write(p)
}

func (g *guarded) String() string {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.buf.String()
}

const key = "sk-canary-of-a-key"

func build(t *testing.T, api, address string, limits agent.Limits) *house {
	t.Helper()
	db, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "tandem.db"), sqlite.Options{})
	if err != nil {
		t.Fatal(err)
	}
	h := &house{db: db, log: &guarded{}}
	log := slog.New(slog.NewJSONHandler(h.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	o := llm.Options{BaseURL: address + "/v1", Key: key, Model: "scripted", Log: log}
	box := tools.New(tools.Options{Store: db})
	var model agent.Model = llm.New(o)
	if api == "responses" {
		model = llm.NewResponses(o)
	}
	h.svc = agent.New(agent.Options{
		Store: db, Primary: model, Fallback: planner.New(), Owner: "one", Log: log, Limits: limits, Publish: func(tandem.Signal) {},
		Tools: func(ctx context.Context, b agent.Binding) (agent.Tools, error) {
			c, err := box.Client(ctx, tools.Caller{
				User: b.User, Kind: tools.Agent, Zone: b.Zone, Now: b.Now, Words: &tools.Words{Text: b.Words},
				Cause: tandem.Cause{Actor: tandem.ActorAgent, TurnID: b.Turn, Conversation: b.Conversation, MessageID: b.MessageID},
				Policy: func(e tools.Effect) *tandem.Error {
					return b.Guard(agent.Effect{Tool: e.Tool, Changes: e.Changes, Unsaid: e.Unsaid})
				},
			})
			return bound{c}, err
		},
	})
	ctx, stop := context.WithCancel(context.WithoutCancel(t.Context()))
	var running sync.WaitGroup
	running.Go(func() {
		if err := h.svc.Run(ctx); err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(func() {
		stop()
		running.Wait()
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	return h
}

func (h *house) say(t *testing.T, words string) agent.Answer {
	t.Helper()
	ticket, err := h.svc.Start(t.Context(), "ann", agent.Ask{Text: words})
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithTimeout(t.Context(), 30*time.Second)
	defer stop()
	a, err := h.svc.Wait(ctx, ticket)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func (h *house) tasks(t *testing.T) (titles []string) {
	t.Helper()
	page, err := h.db.List(t.Context(), "ann", tandem.Query{Limit: 100}.Normal())
	if err != nil {
		t.Fatal(err)
	}
	for _, task := range page.Tasks {
		titles = append(titles, task.Title)
	}
	return titles
}

// mouth is the server's side of one request.
type mouth struct {
	http.ResponseWriter
	api string
	r   *http.Request
}

func (m mouth) send(v any) {
	data, _ := json.Marshal(v)
	m.line("data: " + string(data))
}

func (m mouth) line(text string) {
	if m.Header().Get("Content-Type") == "" {
		m.Header().Set("Content-Type", "text/event-stream")
	}
	_, _ = io.WriteString(m, text+"\n\n") // whoever has hung up hears nothing
	m.ResponseWriter.(http.Flusher).Flush()
}

type object = map[string]any

func (m mouth) text(s string) {
	if m.api == "responses" {
		m.send(object{"type": "response.output_text.delta", "output_index": 0, "delta": s})
		return
	}
	m.send(object{"choices": []any{object{"index": 0, "delta": object{"content": s}}}})
}

func (m mouth) call(n int, tool, args string) {
	id := fmt.Sprint("call_", n)
	if m.api == "responses" {
		m.send(object{"type": "response.output_item.done", "output_index": n, "item": object{
			"type": "function_call", "id": "fc_" + id, "call_id": id, "name": tool, "arguments": args,
		}})
		return
	}
	m.send(object{"choices": []any{object{"index": 0, "delta": object{"tool_calls": []any{
		object{"index": n, "id": id, "type": "function", "function": object{"name": tool, "arguments": args}},
	}}}}})
}

func (m mouth) end() {
	if m.api == "responses" {
		m.send(object{"type": "response.completed", "response": object{"output": []any{}, "error": nil}})
		return
	}
	m.send(object{"choices": []any{object{"index": 0, "delta": object{}, "finish_reason": "stop"}}})
	m.line("data: [DONE]")
}

func (m mouth) refuse(status int, header ...string) {
	m.Header().Set("Retry-After-Ms", "1")
	m.Header().Set("Content-Type", "application/json")
	for i := 0; i+1 < len(header); i += 2 {
		m.Header().Set(header[i], header[i+1])
	}
	m.WriteHeader(status)
	_, _ = io.WriteString(m, `{"error":{"message":"no","type":"x"}}`)
}

func (m mouth) silence() {
	m.ResponseWriter.(http.Flusher).Flush()
	<-m.r.Context().Done()
}

// hangUp breaks the connection off.
func (m mouth) hangUp() { panic(http.ErrAbortHandler) }

// listen serves a model that speaks as the script says; n counts the requests.
func listen(t *testing.T, api string, script func(m mouth, n int)) (address string, requests func() int) {
	t.Helper()
	var mu sync.Mutex
	n := 0
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body) // or the end of the request is not noticed
		mu.Lock()
		n++
		now := n
		mu.Unlock()
		script(mouth{w, api, r}, now)
	}))
	t.Cleanup(srv.Close)
	return srv.URL, func() int { mu.Lock(); defer mu.Unlock(); return n }
}

// How an answer begins that the planner gives in place of the model.
const (
	down = "The language model cannot be reached right now, so the built-in planner answers."
	slow = "The language model takes too long right now, so the built-in planner answers."
)

const errand = "Add a task to buy oat milk"

func each(t *testing.T, test func(t *testing.T, api string)) {
	t.Helper()
	for _, api := range []string{"chat", "responses"} {
		t.Run(api, func(t *testing.T) {
			t.Parallel()
			test(t, api)
		})
	}
}

// brief are limits under which silence is soon noticed. What depends on a status or a break is given all the time it needs.
var brief = agent.Limits{FirstToken: 150 * time.Millisecond, Stall: 150 * time.Millisecond}

func TestMisbehaving_BeforeACallThePlannerAnswersAndSaysSo(t *testing.T) {
	ways := map[string]struct {
		limits   agent.Limits
		excuse   string
		requests int // 0: does not matter
		script   func(m mouth, n int)
	}{
		"silence before the headers":      {brief, slow, 0, func(m mouth, _ int) { <-m.r.Context().Done() }},
		"silence behind the headers":      {brief, slow, 1, func(m mouth, _ int) { m.silence() }},
		"a stall behind the first word":   {brief, slow, 1, func(m mouth, _ int) { m.text("I have just "); m.silence() }},
		"a stall in the middle of a call": {brief, slow, 1, func(m mouth, _ int) { m.call(0, "delete_task", `{"task_id":`); m.silence() }},
		"comments instead of events":      {brief, slow, 1, func(m mouth, _ int) { m.line(": ping"); m.silence() }},
		"400":                             {agent.Limits{}, down, 1, func(m mouth, _ int) { m.refuse(http.StatusBadRequest) }},
		"401":                             {agent.Limits{}, down, 1, func(m mouth, _ int) { m.refuse(http.StatusUnauthorized) }},
		"404, no such model":              {agent.Limits{}, down, 1, func(m mouth, _ int) { m.refuse(http.StatusNotFound) }},
		"408":                             {agent.Limits{}, down, 3, func(m mouth, _ int) { m.refuse(http.StatusRequestTimeout) }},
		"429":                             {agent.Limits{}, down, 3, func(m mouth, _ int) { m.refuse(http.StatusTooManyRequests) }},
		"500":                             {agent.Limits{}, down, 3, func(m mouth, _ int) { m.refuse(http.StatusInternalServerError) }},
		"503 as a page":                   {agent.Limits{}, down, 3, func(m mouth, _ int) { m.refuse(http.StatusServiceUnavailable, "Content-Type", "text/html") }},
		"a page in place of a stream":     {agent.Limits{}, down, 1, func(m mouth, _ int) { m.Header().Set("Content-Type", "text/html"); m.line("<html>Sign in</html>") }},
		"an object in place of a stream":  {agent.Limits{}, down, 1, func(m mouth, _ int) { m.Header().Set("Content-Type", "application/json"); m.line(`{"choices":[]}`) }},
		"nothing at all":                  {agent.Limits{}, down, 1, func(mouth, int) {}},
		"an end without an answer":        {agent.Limits{}, down, 1, func(m mouth, _ int) { m.line("data: [DONE]") }},
		"garbage":                         {agent.Limits{}, down, 1, func(m mouth, _ int) { m.line("data: {not json"); m.end() }},
		"another type":                    {agent.Limits{}, down, 1, func(m mouth, _ int) { m.line("data: [1,2]"); m.end() }},
		"an error in mid-stream": {agent.Limits{}, down, 1, func(m mouth, _ int) {
			m.text("I have ")
			m.line(`data: {"type":"error","error":{"message":"overloaded"}}`)
		}},
		"broken off before the first word":  {agent.Limits{}, down, 3, func(m mouth, _ int) { m.hangUp() }},
		"broken off behind the first word":  {agent.Limits{}, down, 1, func(m mouth, _ int) { m.text("I have just deleted "); m.hangUp() }},
		"broken off in the middle of calls": {agent.Limits{}, down, 1, func(m mouth, _ int) { m.call(0, "add_task", `{"title":"Other"}`); m.hangUp() }},
		"ended without its end":             {agent.Limits{}, down, 1, func(m mouth, _ int) { m.call(0, "add_task", `{"title":"Other"}`) }},
		"a stream that is not unpacked":     {agent.Limits{}, down, 0, func(m mouth, _ int) { m.Header().Set("Content-Encoding", "br"); m.line("\x8b\x02\x80") }},
	}
	for name, way := range ways {
		t.Run(name, func(t *testing.T) {
			each(t, func(t *testing.T, api string) {
				t.Helper()
				address, requests := listen(t, api, way.script)
				h := build(t, api, address, way.limits)
				h.wantPlanner(t, way.excuse)
				if n := requests(); way.requests > 0 && n != way.requests {
					t.Errorf("%d requests, want %d", n, way.requests)
				}
			})
		})
	}
	t.Run("no connection", func(t *testing.T) {
		each(t, func(t *testing.T, api string) {
			t.Helper()
			srv := httptest.NewServer(http.NotFoundHandler())
			srv.Close()
			build(t, api, srv.URL, agent.Limits{}).wantPlanner(t, down)
		})
	})
	t.Run("led elsewhere", func(t *testing.T) {
		each(t, func(t *testing.T, api string) {
			t.Helper()
			elsewhere, _ := listen(t, api, func(m mouth, _ int) {
				if m.r.Header.Get("Authorization") != "" {
					t.Error("the key went elsewhere")
				}
				m.refuse(http.StatusForbidden)
			})
			elsewhere = strings.Replace(elsewhere, "127.0.0.1", "localhost", 1)
			address, _ := listen(t, api, func(m mouth, _ int) { http.Redirect(m, m.r, elsewhere, http.StatusTemporaryRedirect) })
			build(t, api, address, agent.Limits{}).wantPlanner(t, down)
		})
	})
}

// wantPlanner holds that the planner did what was asked, and said why it is the one who answers.
func (h *house) wantPlanner(t *testing.T, excuse string) {
	t.Helper()
	a := h.say(t, errand)
	if a.Engine != "planner" || !strings.HasPrefix(a.Response, excuse+"\n\n") || !strings.Contains(a.Response, "Buy oat milk") {
		t.Errorf("by %s: %q", a.Engine, a.Response)
	}
	h.wantTasks(t, "Buy oat milk")
}

func (h *house) wantTasks(t *testing.T, titles ...string) {
	t.Helper()
	if got := h.tasks(t); strings.Join(got, "|") != strings.Join(titles, "|") {
		t.Errorf("tasks %q, want %q", got, titles)
	}
	if strings.Contains(h.log.String(), key) || strings.Contains(h.log.String(), "oat milk") {
		t.Errorf("the log tells too much: %s", h.log)
	}
}

func TestMisbehaving_BehindACallNothingIsDoneTwice(t *testing.T) {
	add := func(m mouth) { m.call(0, "add_task", `{"title":"Buy oat milk"}`); m.end() }
	fails := map[string]struct {
		limits agent.Limits
		script func(m mouth)
	}{
		"silence":                {brief, func(m mouth) { m.silence() }},
		"a stall":                {brief, func(m mouth) { m.text("And now "); m.silence() }},
		"500":                    {agent.Limits{}, func(m mouth) { m.refuse(http.StatusInternalServerError) }},
		"401":                    {agent.Limits{}, func(m mouth) { m.refuse(http.StatusUnauthorized) }},
		"broken off":             {agent.Limits{}, func(m mouth) { m.text("And now "); m.hangUp() }},
		"an error in mid-stream": {agent.Limits{}, func(m mouth) { m.line(`data: {"type":"error","error":{"message":"overloaded"}}`) }},
		"another call cut off":   {agent.Limits{}, func(m mouth) { m.call(1, "add_task", `{"title":"Other"}`); m.hangUp() }},
	}
	for name, way := range fails {
		t.Run(name, func(t *testing.T) {
			each(t, func(t *testing.T, api string) {
				t.Helper()
				address, _ := listen(t, api, func(m mouth, n int) {
					if n == 1 {
						add(m)
						return
					}
					way.script(m)
				})
				h := build(t, api, address, way.limits)
				a := h.say(t, errand)
				if a.Engine != "llm" || !strings.Contains(a.Response, "I could not finish this") || !strings.Contains(a.Response, "Buy oat milk") {
					t.Errorf("by %s: %q", a.Engine, a.Response)
				}
				h.wantTasks(t, "Buy oat milk")
			})
		})
	}
	t.Run("the round is asked again once", func(t *testing.T) {
		each(t, func(t *testing.T, api string) {
			t.Helper()
			address, requests := listen(t, api, func(m mouth, n int) {
				switch n {
				case 1:
					add(m)
				case 2:
					m.text("I have ")
					m.hangUp()
				default:
					m.text("I have added it.")
					m.end()
				}
			})
			h := build(t, api, address, agent.Limits{})
			if a := h.say(t, errand); a.Engine != "llm" || a.Response != "I have added it." || requests() != 3 {
				t.Errorf("by %s after %d requests: %q", a.Engine, requests(), a.Response)
			}
			h.wantTasks(t, "Buy oat milk")
		})
	})
}

func TestMisbehaving_WhatItSaysIsBounded(t *testing.T) {
	ways := map[string]struct {
		want   string // in the reply
		tasks  []string
		script func(m mouth, n int)
	}{
		"text without end": {"did not come to an end", nil, func(m mouth, _ int) {
			for m.r.Context().Err() == nil {
				m.text(strings.Repeat("word ", 500))
			}
		}},
		"calls without end": {"did not come to an end", nil, func(m mouth, _ int) {
			for i := range 100 {
				m.call(i, "list_tasks", "{}")
			}
			m.end()
		}},
		"arguments without end": {"did not come to an end", nil, func(m mouth, _ int) {
			m.call(0, "add_task", `{"title":"`+strings.Repeat("x", 70_000)+`"}`)
			m.end()
		}},
		"the same round again and again": {"more than 8 rounds", nil, func(m mouth, n int) { m.call(n, "list_tasks", "{}"); m.end() }},
		"tools that are none":            {"could not work out", nil, func(m mouth, n int) { m.call(n, "run_shell", `{"cmd":"id"}`); m.end() }},
		"arguments that are none":        {"could not work out", nil, func(m mouth, n int) { m.call(n, "add_task", `{"title": oops`); m.end() }},
		"a silent end":                   {"Nothing was changed.", nil, func(m mouth, _ int) { m.end() }},
		"a claim without a call":         {"Nothing was changed.", nil, func(m mouth, _ int) { m.text("I have added it."); m.end() }},
		"the same call twice": {"Buy oat milk", []string{"Buy oat milk"}, func(m mouth, n int) {
			if n == 1 {
				m.call(0, "add_task", `{"title":"Buy oat milk"}`)
				m.call(1, "add_task", `{"title":"Buy oat milk"}`)
			} else {
				m.text("Buy oat milk is on the list.")
			}
			m.end()
		}},
	}
	for name, way := range ways {
		t.Run(name, func(t *testing.T) {
			each(t, func(t *testing.T, api string) {
				t.Helper()
				address, _ := listen(t, api, way.script)
				h := build(t, api, address, agent.Limits{})
				if a := h.say(t, errand); a.Engine != "llm" || !strings.Contains(a.Response, way.want) || len(a.Response) > 40<<10 {
					t.Errorf("by %s: %.300q", a.Engine, a.Response)
				}
				h.wantTasks(t, way.tasks...)
			})
		})
	}
}

func TestMisbehaving_OneThatComesBackIsHeard(t *testing.T) {
	each(t, func(t *testing.T, api string) {
		t.Helper()
		address, requests := listen(t, api, func(m mouth, n int) {
			if n < 3 {
				m.refuse(http.StatusServiceUnavailable)
				return
			}
			m.text("Hello.")
			m.end()
		})
		h := build(t, api, address, agent.Limits{})
		if a := h.say(t, "hello"); a.Engine != "llm" || a.Response != "Hello." || requests() != 3 {
			t.Errorf("by %s after %d requests: %q", a.Engine, requests(), a.Response)
		}
	})
}
