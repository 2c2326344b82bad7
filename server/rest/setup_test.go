package rest_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"iter"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"tandem"
	"tandem/server/auth"
	"tandem/server/rest"
)

const secret = "a secret of the tests, longer than 32 bytes"

// store is what identity asks about people: personal tokens, revocations, device sessions.
type store struct {
	mu      sync.Mutex
	asked   int
	tokens  map[string]tandem.TokenInfo
	owners  map[string]tandem.UserID
	devices map[string]tandem.UserID
}

func newStore() *store {
	return &store{tokens: map[string]tandem.TokenInfo{}, owners: map[string]tandem.UserID{}, devices: map[string]tandem.UserID{}}
}

func (s *store) TokenByHash(_ context.Context, hash string) (tandem.UserID, tandem.TokenInfo, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.asked++
	info, ok := s.tokens[hash]
	if !ok {
		return "", info, tandem.NotFound("token", "", "token")
	}
	return s.owners[hash], info, nil
}

func (s *store) RevokedBefore(context.Context, tandem.UserID) (time.Time, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.asked++
	return time.Time{}, nil
}

func (s *store) AddDevice(_ context.Context, user tandem.UserID, hash, _ string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.devices[hash] = user
	return nil
}

func (s *store) Device(_ context.Context, hash string) (tandem.UserID, string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	user, ok := s.devices[hash]
	if !ok {
		return "", "", tandem.NotFound("device", "", "device")
	}
	return user, "d", nil
}

func (s *store) RotateDevice(_ context.Context, oldHash, newHash string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.devices[newHash] = s.devices[oldHash]
	delete(s.devices, oldHash)
	return nil
}

func (s *store) RemoveDevice(_ context.Context, hash string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.devices, hash)
	return nil
}

// parrot is an assistant that repeats what it hears. A turn whose text begins with "wait" ends when release is closed.
type parrot struct {
	release chan struct{}

	mu        sync.Mutex
	turns     map[string]*told
	order     []rest.Ask
	cancelled []string
	fail      error
	last      int64
}

type told struct {
	rest.Ask
	rest.Ticket
	user tandem.UserID
}

func newParrot() *parrot { return &parrot{release: make(chan struct{}), turns: map[string]*told{}} }

func (p *parrot) Start(_ context.Context, user tandem.UserID, ask rest.Ask) (rest.Ticket, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.fail != nil {
		return rest.Ticket{}, p.fail
	}
	key := string(user) + " " + ask.TurnID
	if t := p.turns[key]; t != nil {
		if t.Text != ask.Text {
			return rest.Ticket{}, tandem.Conflict("turn_id", "This turn has another message.")
		}
		return t.Ticket, nil
	}
	conv := ask.Conversation
	switch {
	case conv == 0:
		p.last++
		conv = p.last
	case conv > p.last:
		return rest.Ticket{}, tandem.NotFound("conversation_id", conv, "conversation")
	}
	t := &told{ask, rest.Ticket{TurnID: ask.TurnID, Conversation: conv, MessageID: fmt.Sprintf("00000000-0000-7000-8000-%012d", len(p.order)+1)}, user}
	p.turns[key], p.order = t, append(p.order, ask)
	return t.Ticket, nil
}

func (p *parrot) turn(ctx context.Context, user tandem.UserID, id string) (*told, error) {
	p.mu.Lock()
	t := p.turns[string(user)+" "+id]
	p.mu.Unlock()
	if t == nil {
		return nil, tandem.NotFound("turn", id, "turn")
	}
	if strings.HasPrefix(t.Text, "wait") {
		select {
		case <-p.release:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	return t, nil
}

func (p *parrot) Wait(ctx context.Context, user tandem.UserID, id string) (json.RawMessage, error) {
	t, err := p.turn(ctx, user, id)
	if err != nil {
		return nil, err
	}
	return json.Marshal(map[string]any{"conversation_id": t.Ticket.Conversation, "response": t.Text, "tool_calls": []any{}, "turn_id": id})
}

func (p *parrot) Watch(ctx context.Context, user tandem.UserID, id string) iter.Seq[tandem.TurnEvent] {
	return func(yield func(tandem.TurnEvent) bool) {
		if !yield(tandem.TurnEvent{Turn: id, Conv: 1, N: 1, Ev: tandem.TurnEvStart, Engine: "planner"}) {
			return
		}
		t, err := p.turn(ctx, user, id)
		if err != nil {
			return
		}
		_ = yield(tandem.TurnEvent{Turn: id, Conv: 1, N: 2, Ev: tandem.TurnEvText, D: t.Text}) &&
			yield(tandem.TurnEvent{Turn: id, Conv: 1, N: 3, Ev: tandem.TurnEvDone, End: &tandem.TurnEnd{Status: tandem.TurnDone}})
	}
}

func (p *parrot) Cancel(_ context.Context, _ tandem.UserID, id string) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.cancelled = append(p.cancelled, id)
	return nil
}

func (p *parrot) Approve(context.Context, tandem.UserID, string, bool, json.RawMessage, string) error {
	return tandem.NotFound("approval", "", "approval")
}

func (p *parrot) asks() []rest.Ask {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]rest.Ask(nil), p.order...)
}

// running is a server on a loopback port with all that it depends on.
type running struct {
	*rest.Server
	t       *testing.T
	url     string
	host    string
	store   *store
	parrot  *parrot
	signIn  *auth.SignIn
	log     *lockedBuffer
	mu      sync.Mutex
	limited []string
	routes  []string
	stop    context.CancelFunc
	done    chan error
}

type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

func start(t *testing.T, edit func(*rest.Options)) *running {
	t.Helper()
	row, err := auth.SharedSecret([]byte(secret))
	if err != nil {
		t.Fatal(err)
	}
	s := &running{t: t, store: newStore(), parrot: newParrot(), log: &lockedBuffer{}, done: make(chan error, 1)}
	v, err := auth.New(auth.Options{Issuers: []auth.Issuer{row}, Store: s.store, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	s.signIn = auth.NewSignIn(auth.SignInOptions{User: "local", Secret: []byte(secret), Devices: s.store})
	o := rest.Options{
		Verifier: v, SignIn: s.signIn, Assistant: s.parrot, Log: slog.New(slog.NewTextHandler(s.log, &slog.HandlerOptions{Level: slog.LevelDebug})),
		Web: fstest.MapFS{
			"index.html": {Data: []byte("<!doctype html><html><title>Tandem</title>" + strings.Repeat(" ", 500) + "</html>")}, "assets/app.js": {Data: []byte("let a = 1;\n")}, "favicon.svg": {Data: []byte("<svg/>")},
		},
		Metrics: rest.Metrics{
			Limited: func(name string) { s.mu.Lock(); s.limited = append(s.limited, name); s.mu.Unlock() },
			Request: func(route, method string, code int, _ time.Duration) {
				s.mu.Lock()
				s.routes = append(s.routes, fmt.Sprintf("%s %s %d", method, route, code))
				s.mu.Unlock()
			},
		},
		Probes: &rest.Probes{Scrape: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "up 1") })},
		Socket: func(w http.ResponseWriter, _ *http.Request, p auth.Principal) { fmt.Fprintf(w, "socket of %s", p.User) },
		MCP: func(w http.ResponseWriter, r *http.Request, p auth.Principal) {
			body, err := io.ReadAll(r.Body)
			if err != nil {
				http.Error(w, "too large", http.StatusRequestEntityTooLarge)
				return
			}
			fmt.Fprintf(w, "tools of %s, %d bytes", p.User, len(body))
		},
	}
	if edit != nil {
		edit(&o)
	}
	if s.Server, err = rest.New(o); err != nil {
		t.Fatal(err)
	}
	ln, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s.host = ln.Addr().String()
	s.url = "http://" + s.host
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	s.stop = cancel
	go func() { s.done <- s.Serve(ctx, ln) }()
	t.Cleanup(func() {
		select {
		case <-s.parrot.release:
		default:
			close(s.parrot.release)
		}
		cancel()
		if err := <-s.done; err != nil {
			t.Errorf("Serve: %v", err)
		}
	})
	return s
}

func token(t *testing.T, user string) string {
	t.Helper()
	return signed(t, user)
}

func signed(tb testing.TB, user string) string {
	tb.Helper()
	now := time.Now()
	tok, err := auth.Sign([]byte(secret), auth.Grant{User: tandem.UserID(user), Issued: now, Expires: now.Add(time.Hour)})
	if err != nil {
		tb.Fatal(err)
	}
	return tok
}

// verifier believes tokens of the tests' secret.
func verifier(tb testing.TB) *auth.Verifier {
	tb.Helper()
	row, err := auth.SharedSecret([]byte(secret))
	if err != nil {
		tb.Fatal(err)
	}
	v, err := auth.New(auth.Options{Issuers: []auth.Issuer{row}, Store: newStore(), Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		tb.Fatal(err)
	}
	return v
}

func newRecorder() *httptest.ResponseRecorder { return httptest.NewRecorder() }

// reply is an answer that has been read.
type reply struct {
	*http.Response
	body string
}

func (r reply) problem(t *testing.T) map[string]any {
	t.Helper()
	if got := r.Header.Get("Content-Type"); got != "application/problem+json" {
		t.Errorf("media type %q of a %d, want application/problem+json", got, r.StatusCode)
	}
	var p map[string]any
	if err := json.Unmarshal([]byte(r.body), &p); err != nil {
		t.Fatalf("a %d that is no problem document: %q", r.StatusCode, r.body)
	}
	if int(p["status"].(float64)) != r.StatusCode {
		t.Errorf("status member %v in a %d", p["status"], r.StatusCode)
	}
	return p
}

type header map[string]string

// call makes one request on its own connection. The path goes out as it is; "Host" in the header sets the Host.
func (s *running) call(method, path string, h header, body string) reply {
	s.t.Helper()
	var r io.Reader
	if body != "" {
		r = strings.NewReader(body)
	}
	req, err := http.NewRequestWithContext(s.t.Context(), method, s.url, r)
	if err != nil {
		s.t.Fatal(err)
	}
	req.URL.Opaque = path
	req.Close = true
	for k, v := range h {
		if k == "Host" {
			req.Host = v
		} else {
			req.Header.Set(k, v)
		}
	}
	client := http.Client{
		Transport:     &http.Transport{DisableCompression: true, DisableKeepAlives: true, ExpectContinueTimeout: 10 * time.Second},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	resp, err := client.Do(req)
	if err != nil {
		s.t.Fatalf("%s %s: %v", method, path, err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		s.t.Fatalf("%s %s: %v", method, path, err)
	}
	return reply{resp, string(b)}
}

// as gives the headers of a user's JSON request.
func (s *running) as(user string) header {
	return header{"Authorization": "Bearer " + token(s.t, user), "Content-Type": "application/json"}
}

func (h header) with(k, v string) header {
	out := header{k: v}
	for name, value := range h {
		if name != k {
			out[name] = value
		}
	}
	return out
}

// chat posts a body as the user to their own path.
func (s *running) chat(user, body string) reply {
	s.t.Helper()
	return s.call(http.MethodPost, "/api/"+user+"/chat", s.as(user), body)
}

func wantStatus(t *testing.T, r reply, want int) {
	t.Helper()
	if r.StatusCode != want {
		t.Errorf("status %d (%.200s), want %d", r.StatusCode, r.body, want)
	}
}
