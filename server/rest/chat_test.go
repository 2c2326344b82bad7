package rest_test

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tandem"
	"tandem/server/auth"
	"tandem/server/rest"
)

const turnA = "0190f3c2-0000-7000-8000-00000000000a"

func TestChat_AnswersWithTheAssistantsBody(t *testing.T) {
	s := start(t, nil)
	r := s.chat("ann", `{"message":"hello","turn_id":"`+turnA+`","time_zone":"Europe/Berlin"}`)
	wantStatus(t, r, http.StatusOK)
	want := `{"conversation_id":1,"response":"hello","tool_calls":[],"turn_id":"` + turnA + `"}`
	if r.body != want || r.Header.Get("Content-Type") != "application/json" {
		t.Errorf("got %s as %s, want %s", r.body, r.Header.Get("Content-Type"), want)
	}
	if diff := cmp.Diff([]rest.Ask{{TurnID: turnA, Text: "hello", Zone: "Europe/Berlin"}}, s.parrot.asks()); diff != "" {
		t.Errorf("the assistant was asked (-want +got):\n%s", diff)
	}
}

func TestChat_RepeatedTurnGivesTheFirstAnswer(t *testing.T) {
	s := start(t, nil)
	first := s.chat("ann", `{"message":"hello","turn_id":"`+turnA+`"}`)
	for name, h := range map[string]header{
		"header": s.as("ann").with("Idempotency-Key", turnA), "quoted": s.as("ann").with("Idempotency-Key", `"`+strings.ToUpper(turnA)+`"`),
	} {
		t.Run(name, func(t *testing.T) {
			again := s.call(http.MethodPost, "/api/ann/chat", h, `{"message":"hello"}`)
			if again.body != first.body {
				t.Errorf("got %s, want %s", again.body, first.body)
			}
		})
	}
	other := s.chat("ann", `{"message":"goodbye","turn_id":"`+turnA+`"}`)
	wantStatus(t, other, http.StatusConflict)
	other.problem(t)
	wantStatus(t, s.chat("bob", `{"message":"goodbye","turn_id":"`+turnA+`"}`), http.StatusOK)
	if n := len(s.parrot.asks()); n != 2 {
		t.Errorf("%d turns were begun, want 2", n)
	}
}

func TestChat_ConversationForms(t *testing.T) {
	s := start(t, nil)
	s.chat("ann", `{"message":"hello"}`)
	for body, want := range map[string]int{
		`1`: 200, `"1"`: 200, `null`: 200, `99`: 404, `"99"`: 404, `0`: 404, `-1`: 404, `"0190f3c2-0000-7000-8000-00000000000a"`: 404, `""`: 404,
		`99999999999999999999999`: 404, `1.5`: 422, `1e3`: 422, `{}`: 422, `[1]`: 422, `true`: 422,
	} {
		r := s.chat("ann", `{"message":"hello","conversation_id":`+body+`}`)
		if r.StatusCode != want {
			t.Errorf("conversation_id %s: %d, want %d", body, r.StatusCode, want)
		}
	}
}

func TestChat_RefusesBadBodies(t *testing.T) {
	s := start(t, nil)
	for name, tc := range map[string]struct {
		body string
		want int
	}{
		"no message":          {`{}`, 422},
		"message null":        {`{"message":null}`, 422},
		"message empty":       {`{"message":""}`, 422},
		"message a number":    {`{"message":5}`, 422},
		"message in caps":     {`{"MESSAGE":"hi"}`, 422},
		"4,001 characters":    {`{"message":"` + strings.Repeat("é", 4001) + `"}`, 422},
		"NUL":                 {`{"message":"a\u0000b"}`, 422},
		"stream a word":       {`{"message":"hi","stream":"perhaps"}`, 422},
		"unknown zone":        {`{"message":"hi","time_zone":"Mars/Olympus"}`, 422},
		"zone a path":         {`{"message":"hi","time_zone":"../../etc/passwd"}`, 422},
		"turn id no UUID":     {`{"message":"hi","turn_id":"1"}`, 422},
		"turn id a number":    {`{"message":"hi","turn_id":1}`, 422},
		"empty":               {` `, 422},
		"cut":                 {`{`, 422},
		"array":               {`[]`, 422},
		"text":                {`"hi"`, 422},
		"null":                {`null`, 422},
		"two objects":         {`{"message":"hi"} {}`, 422},
		"not UTF-8":           {"\xff\xfe{}", 422},
		"repeated key":        {`{"message":"hi","message":"ho"}`, 422},
		"repeated, escaped":   {`{"message":"hi","mess\u0061ge":"ho"}`, 422},
		"too deep":            {`{"message":"hi","x":` + strings.Repeat("[", 16) + strings.Repeat("]", 16) + `}`, 422},
		"too large":           {`{"message":"` + strings.Repeat("a", 70_000) + `"}`, 413},
		"names another user":  {`{"message":"hi","user_id":"bob"}`, 403},
		"names nobody":        {`{"message":"hi","user_id":5}`, 403},
		"another and invalid": {`{"message":"","user_id":"bob"}`, 403},
	} {
		t.Run(name, func(t *testing.T) {
			r := s.chat("ann", tc.body)
			wantStatus(t, r, tc.want)
			r.problem(t)
		})
	}
	if n := len(s.parrot.asks()); n != 0 {
		t.Errorf("%d turns were begun for bad bodies", n)
	}
	if !strings.Contains(strings.Join(s.limited, " "), "depth") || !strings.Contains(strings.Join(s.limited, " "), "body") {
		t.Errorf("limits counted: %v; want depth and body among them", s.limited)
	}
	for _, good := range []string{`{"message":"` + strings.Repeat("é", 4000) + `"}`, `{"message":"hi","user_id":"ann","x":{"y":[1]}}`, `{"message":"\ud800"}`} {
		wantStatus(t, s.chat("ann", good), http.StatusOK)
	}
}

func TestChat_MediaType(t *testing.T) {
	s := start(t, nil)
	for kind, want := range map[string]int{
		"text/plain": 415, "application/x-www-form-urlencoded": 415, "multipart/form-data; boundary=x": 415, "application/xml": 415, "": 415, "application/jsonp": 415, "junk/": 415,
		"application/json": 200, "application/json; charset=utf-8": 200, "Application/JSON": 200,
	} {
		r := s.call(http.MethodPost, "/api/ann/chat", s.as("ann").with("Content-Type", kind), `{"message":"hi"}`)
		if r.StatusCode != want {
			t.Errorf("%q: %d, want %d", kind, r.StatusCode, want)
		}
	}
}

func TestChat_TwentyTurnsAMinute(t *testing.T) {
	now := time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC)
	s := start(t, func(o *rest.Options) { o.Now = func() time.Time { return now } })
	for i := range 20 {
		if r := s.chat("ann", `{"message":"hi"}`); r.StatusCode != http.StatusOK {
			t.Fatalf("turn %d: %d", i+1, r.StatusCode)
		}
	}
	r := s.chat("ann", `{"message":"hi"}`)
	wantStatus(t, r, http.StatusTooManyRequests)
	r.problem(t)
	if got := r.Header.Get("Retry-After"); got != "60" {
		t.Errorf("Retry-After %q, want 60", got)
	}
	wantStatus(t, s.chat("bob", `{"message":"hi"}`), http.StatusOK)
	wantStatus(t, s.chat("ann", `{"message":""}`), http.StatusUnprocessableEntity)
	now = now.Add(time.Minute - time.Second)
	if r := s.chat("ann", `{"message":"hi"}`); r.Header.Get("Retry-After") != "1" {
		t.Errorf("after 59 s: %d, Retry-After %q; want to wait 1 s more", r.StatusCode, r.Header.Get("Retry-After"))
	}
	now = now.Add(time.Second)
	wantStatus(t, s.chat("ann", `{"message":"hi"}`), http.StatusOK)
	if got := strings.Join(s.limited, " "); got != "turns message turns" {
		t.Errorf("limits counted: %s", got)
	}
}

func TestChat_TurnsOfOtherSurfacesCount(t *testing.T) {
	s := start(t, nil)
	for i := range 20 {
		if err := s.SpendTurn(t.Context(), "ann", fmt.Sprint(i)); err != nil {
			t.Fatalf("turn %d: %v", i+1, err)
		}
	}
	if err := s.SpendTurn(t.Context(), "ann", "7"); err != nil {
		t.Errorf("the 8th turn again: %v", err)
	}
	if e := tandem.AsError(s.SpendTurn(t.Context(), "ann", "20")); e.Code != tandem.CodeLimited || e.Details.RetryMS <= 0 {
		t.Errorf("the 21st turn elsewhere: %v, want limited with a time to wait", e)
	}
	wantStatus(t, s.chat("ann", `{"message":"hi"}`), http.StatusTooManyRequests)
	wantStatus(t, s.chat("bob", `{"message":"hi"}`), http.StatusOK)
}

func TestChat_ErrorsOfTheAssistant(t *testing.T) {
	for name, tc := range map[string]struct {
		err  error
		want int
	}{
		"busy":      {tandem.Limited("busy", 1500, "A turn is running."), 429},
		"conflict":  {tandem.Conflict("turn_id", "Another message."), 409},
		"not found": {tandem.NotFound("conversation_id", 7, "conversation"), 404},
		"drain":     {tandem.Limited("drain", 1000, "The server is about to restart."), 503},
		"store":     {fmt.Errorf("start turn: %w", tandem.Unavailable(errors.New("canary-cause"))), 503},
		"unknown":   {fmt.Errorf("open /secret/path: %w", errors.New("canary-cause")), 500},
	} {
		t.Run(name, func(t *testing.T) {
			s := start(t, nil)
			s.parrot.fail = tc.err
			r := s.chat("ann", `{"message":"hi"}`)
			wantStatus(t, r, tc.want)
			p := r.problem(t)
			if tc.want == 429 && r.Header.Get("Retry-After") != "2" {
				t.Errorf("Retry-After %q, want 2", r.Header.Get("Retry-After"))
			}
			if tc.want == 503 && r.Header.Get("Retry-After") != "1" {
				t.Errorf("Retry-After %q, want 1", r.Header.Get("Retry-After"))
			}
			if _, unexpected := p["instance"]; !unexpected {
				if tc.want == 500 {
					t.Error("an unexpected error has no id")
				}
				return
			}
			id, _ := strings.CutPrefix(p["instance"].(string), "urn:uuid:")
			if strings.Contains(r.body, "canary") || strings.Contains(r.body, "/secret") {
				t.Errorf("the cause reached the client: %s", r.body)
			}
			if log := s.log.String(); !strings.Contains(log, id) || !strings.Contains(log, "canary-cause") {
				t.Errorf("the log does not tie %s to its cause:\n%s", id, log)
			}
		})
	}
}

// stream reads server-sent events of a raw answer.
func (s *running) stream(body string, h header) (*http.Response, *bufio.Scanner, func()) {
	s.t.Helper()
	req, err := http.NewRequestWithContext(s.t.Context(), http.MethodPost, s.url+"/api/ann/chat", strings.NewReader(body))
	if err != nil {
		s.t.Fatal(err)
	}
	for k, v := range h {
		req.Header.Set(k, v)
	}
	client := http.Client{Transport: &http.Transport{}}
	resp, err := client.Do(req)
	if err != nil {
		s.t.Fatal(err)
	}
	return resp, bufio.NewScanner(resp.Body), func() { resp.Body.Close(); client.CloseIdleConnections() }
}

func TestChat_StreamEndsWithTheWholeBody(t *testing.T) {
	s := start(t, nil)
	for name, tc := range map[string]struct {
		body string
		h    header
	}{
		"by accept": {`{"message":"hello"}`, s.as("ann").with("Accept", "text/html, text/event-stream;q=0.9")},
		"by field":  {`{"message":"hello","stream":true}`, s.as("ann")},
	} {
		t.Run(name, func(t *testing.T) {
			resp, lines, end := s.stream(tc.body, tc.h)
			defer end()
			if resp.StatusCode != http.StatusOK || resp.Header.Get("Content-Type") != "text/event-stream" {
				t.Fatalf("%d %s", resp.StatusCode, resp.Header.Get("Content-Type"))
			}
			var names, data []string
			for lines.Scan() {
				if n, ok := strings.CutPrefix(lines.Text(), "event: "); ok {
					names = append(names, n)
				}
				if d, ok := strings.CutPrefix(lines.Text(), "data: "); ok {
					data = append(data, d)
				}
			}
			if diff := cmp.Diff([]string{"turn", "turn", "turn", "done"}, names); diff != "" {
				t.Fatalf("events (-want +got):\n%s", diff)
			}
			var frame struct{ T, Ev, Turn string }
			if err := json.Unmarshal([]byte(data[0]), &frame); err != nil || frame.T != "turn" || frame.Ev != "start" || frame.Turn == "" {
				t.Errorf("first event %s", data[0])
			}
			if !strings.Contains(data[3], `"response":"hello"`) {
				t.Errorf("last event %s", data[3])
			}
		})
	}
	for _, h := range []header{s.as("ann").with("Accept", "text/event-stream")} {
		r := s.call(http.MethodPost, "/api/ann/chat", h, `{"message":""}`)
		wantStatus(t, r, http.StatusUnprocessableEntity)
		r.problem(t)
	}
}

func TestChat_StreamIsLiveAndItsLossStopsNothing(t *testing.T) {
	s := start(t, nil)
	resp, lines, end := s.stream(`{"message":"wait for it","turn_id":"`+turnA+`"}`, s.as("ann").with("Accept", "text/event-stream"))
	if resp.StatusCode != http.StatusOK {
		t.Fatal(resp.Status)
	}
	for lines.Scan() && !strings.Contains(lines.Text(), `"ev":"start"`) {
	}
	end() // the turn is still waiting
	close(s.parrot.release)
	again := s.chat("ann", `{"message":"wait for it","turn_id":"`+turnA+`"}`)
	if !strings.Contains(again.body, `"response":"wait for it"`) {
		t.Errorf("the turn did not go on: %s", again.body)
	}
	if len(s.parrot.cancelled) > 0 {
		t.Error("losing the stream cancelled the turn")
	}
}

func TestChat_ProgramIsToldApart(t *testing.T) {
	s := start(t, nil)
	personal := auth.NewPersonalToken()
	s.store.tokens[auth.Hash(personal)] = tandem.TokenInfo{ID: "p", Scopes: []string{tandem.ScopeRead}}
	s.store.owners[auth.Hash(personal)] = "ann"
	r := s.call(http.MethodPost, "/api/ann/chat", s.as("ann").with("Authorization", "Bearer "+personal), `{"message":"hi"}`)
	wantStatus(t, r, http.StatusOK)
	if ask := s.parrot.asks()[0]; !ask.Program || len(ask.Scopes) != 1 || ask.Scopes[0] != tandem.ScopeRead {
		t.Errorf("asked %+v; want a program that may read", ask)
	}
}

// dial opens a raw connection with a deadline.
func (s *running) dial() net.Conn {
	s.t.Helper()
	conn, err := (&net.Dialer{}).DialContext(s.t.Context(), "tcp", s.host)
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { conn.Close() })
	if err := conn.SetDeadline(time.Now().Add(10 * time.Second)); err != nil {
		s.t.Fatal(err)
	}
	return conn
}

// raw sends bytes and gives the status of the answer; 0 when the connection ends without one.
func (s *running) raw(text string) int {
	s.t.Helper()
	conn := s.dial()
	if _, err := conn.Write([]byte(text)); err != nil {
		return 0
	}
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		return 0
	}
	resp.Body.Close()
	return resp.StatusCode
}

func TestChat_RefusalsComeBeforeTheBody(t *testing.T) {
	s := start(t, nil)
	post := func(path, tok string, length int) string {
		return fmt.Sprintf("POST %s HTTP/1.1\r\nHost: %s\r\nAuthorization: Bearer %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n", path, s.host, tok, length)
	}
	ann := token(t, "ann")
	for name, tc := range map[string]struct {
		text string
		want int
	}{
		"401":             {post("/api/ann/chat", "x", 60_000), 401},
		"403":             {post("/api/bob/chat", ann, 60_000), 403},
		"413":             {post("/api/ann/chat", ann, 70_000), 413},
		"413 of tools":    {post("/mcp", ann, 2<<20), 413},
		"401 chunked":     {strings.Replace(post("/api/ann/chat", "x", 0), "Content-Length: 0", "Transfer-Encoding: chunked", 1), 401},
		"415":             {strings.Replace(post("/api/ann/chat", ann, 60_000), "application/json", "text/plain", 1), 415},
		"foreign host":    {strings.Replace(post("/api/ann/chat", ann, 60_000), s.host, "evil.example", 1), 421},
		"unknown address": {post("/api/ann/nothing", ann, 60_000), 404},
	} {
		t.Run(name, func(t *testing.T) {
			began := time.Now()
			if got := s.raw(tc.text); got != tc.want {
				t.Errorf("status %d, want %d", got, tc.want)
			}
			if took := time.Since(began); took > 3*time.Second {
				t.Errorf("answered after %v: the body was waited for", took)
			}
		})
	}
	if s.store.asked > 3 { // 415 and the two 413 come after the token
		t.Errorf("the store was asked %d times", s.store.asked)
	}
}

func TestChat_403IsTheSameForEverybodyAndAsksNothing(t *testing.T) {
	s := start(t, nil)
	bob := s.call(http.MethodPost, "/api/bob/chat", s.as("ann"), `{"message":"hi"}`)
	for _, path := range []string{"/api/nobody/chat", "/api/Ann/chat", "/api/ann%20/chat", "/api/an%256e/chat", "/api/%2e%2e/chat", "/api/аnn/chat", "/api/ann%00/chat", "/api/bob%2Fann/chat", `/api/ann%2F"/chat`, "/api//chat"} {
		r := s.call(http.MethodPost, path, s.as("ann"), `{"message":"hi"}`)
		if r.StatusCode != http.StatusForbidden || r.body != bob.body {
			t.Errorf("%s: %d %s, want the same 403 as for bob", path, r.StatusCode, r.body)
		}
	}
	if s.store.asked != 0 || len(s.parrot.asks()) != 0 {
		t.Errorf("the store was asked %d times, the assistant %d", s.store.asked, len(s.parrot.asks()))
	}
	for _, path := range []string{"/api/%61nn/chat", "/api/ann/chat"} {
		wantStatus(t, s.call(http.MethodPost, path, s.as("ann"), `{"message":"hi"}`), http.StatusOK)
	}
	for _, path := range []string{"/api/ann/chat/", "/api/./ann/chat", "/api/x/../ann/chat"} {
		wantStatus(t, s.call(http.MethodPost, path, s.as("ann"), `{"message":"hi"}`), http.StatusNotFound)
	}
	at := s.call(http.MethodPost, "/api/ann%40example.com/chat", s.as("ann@example.com"), `{"message":"hi"}`)
	wantStatus(t, at, http.StatusOK)
}

func TestChat_401IsTheSameForEveryReason(t *testing.T) {
	s := start(t, nil)
	old, err := auth.Sign([]byte(secret), auth.Grant{User: "ann", Issued: time.Now().Add(-time.Hour), Expires: time.Now().Add(-time.Minute)})
	if err != nil {
		t.Fatal(err)
	}
	none := s.call(http.MethodPost, "/api/ann/chat", header{"Content-Type": "application/json"}, `{"message":"hi"}`)
	for name, credential := range map[string]string{
		"expired": "Bearer " + old, "garbage": "Bearer x", "basic": "Basic YTpi", "personal": "Bearer " + auth.NewPersonalToken(), "tampered": "Bearer " + token(t, "ann") + "A",
	} {
		r := s.call(http.MethodPost, "/api/ann/chat", header{"Authorization": credential}, `{"message":"hi"}`)
		if r.StatusCode != http.StatusUnauthorized || r.body != none.body || r.Header.Get("WWW-Authenticate") != "Bearer" {
			t.Errorf("%s: %d %s (%s), want the same as without a token: %s", name, r.StatusCode, r.body, r.Header.Get("WWW-Authenticate"), none.body)
		}
	}
}
