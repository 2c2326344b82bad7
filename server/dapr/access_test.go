package dapr_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	pb "github.com/dapr/dapr/pkg/proto/runtime/v1"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/emptypb"

	"tandem"
	"tandem/ops/dev/stack"
	"tandem/server/dapr"
)

func (w *world) dialTCP(addr string) net.Conn {
	w.t.Helper()
	c, err := new(net.Dialer).DialContext(w.t.Context(), "tcp", addr)
	if err != nil {
		w.t.Fatal(err)
	}
	return c
}

// serveCallback serves a callback without a sidecar, and gives a connection to it.
func serveCallback(t *testing.T, o dapr.CallbackOptions) *grpc.ClientConn {
	t.Helper()
	l := listen(t)
	o.Log, o.Health = slog.New(slog.DiscardHandler), &dapr.Health{}
	o.Health.Ready()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- dapr.NewCallback(o).Serve(ctx, l) }()
	conn, err := grpc.NewClient("passthrough:///"+l.Addr().String(), grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		conn.Close()
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	return conn
}

// methods calls every method of a callback, and one that is none.
func methods(conn *grpc.ClientConn) map[string]func(context.Context) error {
	call := func(method string, in any) func(context.Context) error {
		return func(ctx context.Context) error {
			return conn.Invoke(ctx, "/dapr.proto.runtime.v1."+method, in, &emptypb.Empty{})
		}
	}
	return map[string]func(context.Context) error{
		"topic":         call("AppCallback/OnTopicEvent", &pb.TopicEventRequest{Topic: "task-events"}),
		"subscriptions": call("AppCallback/ListTopicSubscriptions", &emptypb.Empty{}),
		"bindings":      call("AppCallback/ListInputBindings", &emptypb.Empty{}),
		"binding":       call("AppCallback/OnBindingEvent", &pb.BindingEventRequest{}),
		"invoke":        call("AppCallback/OnInvoke", &emptypb.Empty{}),
		"bulk":          call("AppCallbackAlpha/OnBulkTopicEventAlpha1", &pb.TopicEventBulkRequest{}),
		"job":           call("AppCallbackAlpha/OnJobEventAlpha1", &pb.JobEventRequest{}),
		"health":        call("AppCallbackHealthCheck/HealthCheck", &emptypb.Empty{}),
		"no method":     call("AppCallback/OnSomethingNew", &emptypb.Empty{}),
		"no service":    call("SomethingNew/On", &emptypb.Empty{}),
	}
}

func TestCallback_RefusesEveryCallWithoutItsToken(t *testing.T) {
	t.Parallel()
	var calls atomic.Int32
	var old atomic.Bool
	conn := serveCallback(t, dapr.CallbackOptions{
		Token: appToken, ShowsNoToken: func(context.Context) bool { return old.Load() },
		SetAside: func(context.Context, string, tandem.Topic, string, []byte, string) error { return nil },
		Subscriptions: []dapr.Subscription{{Topic: tandem.TopicTaskEvents, Consumer: "a", Handle: func(context.Context, tandem.Event) error {
			calls.Add(1)
			return nil
		}}},
		OnTimer: func(context.Context, string, json.RawMessage) error { calls.Add(1); return nil },
	})
	shown := func(tokens ...string) context.Context {
		return metadata.NewOutgoingContext(t.Context(), metadata.MD{"dapr-api-token": tokens})
	}
	for name, call := range methods(conn) {
		for what, ctx := range map[string]context.Context{
			"no token": shown(), "another": shown("wrong"), "an empty one": shown(""), "half of it": shown(appToken[:8]), "two": shown(appToken, appToken),
			"one too long": shown(appToken + "x"),
		} {
			if err := call(ctx); status.Code(err) != codes.Unauthenticated {
				t.Errorf("%s with %s: %v", name, what, err)
			}
		}
		err := call(shown(appToken))
		if code := status.Code(err); code == codes.Unauthenticated || code == codes.Unimplemented || code == codes.NotFound {
			t.Errorf("%s with the token: %v", name, err)
		}
	}
	if calls.Load() != 1 { // the timer's, with the token
		t.Errorf("%d calls came through", calls.Load())
	}
	old.Store(true) // a sidecar that shows none
	if err := methods(conn)["health"](shown()); err != nil {
		t.Errorf("an old sidecar: %v", err)
	}
	if err := methods(conn)["health"](shown("wrong")); status.Code(err) != codes.Unauthenticated {
		t.Errorf("a wrong token beside an old sidecar: %v", err)
	}
}

func TestSidecar_RefusesAWrongToken(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := w.app(dapr.AppNotifications, dapr.CallbackOptions{})
	for _, token := range []string{"", "wrong"} {
		stranger, err := dapr.Dial(dapr.Options{GRPC: s.GRPC, HTTP: s.HTTP, Token: token, Log: slog.New(slog.DiscardHandler)})
		if err != nil {
			t.Fatal(err)
		}
		defer stranger.Close()
		if _, err := stranger.Secret(t.Context(), dapr.SecretSMTP); err == nil {
			t.Errorf("token %q opened the sidecar", token)
		}
	}
	if version, err := s.client.Runtime(t.Context()); err != nil || version != stack.DaprVersion {
		t.Errorf("runtime %q, %v", version, err)
	}
}

// chat is the callee of calls: it remembers keys and answers as told.
type chat struct {
	mailbox[int]
	answer func(w http.ResponseWriter, r *http.Request)
}

func (c *chat) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c.put(r.Header.Get("Idempotency-Key"), 1)
	c.answer(w, r)
}

// say posts to the caller's handler.
func say(t *testing.T, h http.Handler, path, body string, header ...string) *http.Response {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, path, strings.NewReader(body))
	r.RemoteAddr = "192.0.2.7:4711"
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	rec := httptest.NewRecorder()
	h.ServeHTTP(rec, r)
	return rec.Result()
}

func text(t *testing.T, res *http.Response) string {
	t.Helper()
	defer res.Body.Close()
	data, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// calls makes the two apps of a call, under mTLS.
func calls(t *testing.T, c *chat) (*world, *side, http.Handler) {
	t.Helper()
	w := newWorld(t)
	w.sentry = stack.StartSentry(t)
	serve := w.app(dapr.AppServe, dapr.CallbackOptions{Chat: c})
	web := w.app(dapr.AppWeb, dapr.CallbackOptions{})
	h := web.client.Caller(dapr.AppServe)
	eventually(t, "the callee is found", func() bool {
		return say(t, h, "/api/ann/chat", `{}`).StatusCode != http.StatusServiceUnavailable
	})
	return w, serve, h
}

func TestCall_PassesTheRequestAndItsAnswerOn(t *testing.T) {
	t.Parallel()
	c := &chat{answer: func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		w.Header().Set("Content-Type", "application/problem+json")
		w.Header().Set("WWW-Authenticate", "Bearer")
		w.WriteHeader(http.StatusUnprocessableEntity)
		fmt.Fprint(w, strings.Join([]string{
			r.Method, r.URL.Path, r.URL.RawQuery, string(body), r.Header.Get("Authorization"), r.Header.Get("Content-Type"), r.Header.Get("Cookie"),
			r.Header.Get("dapr-api-token"), r.RemoteAddr, r.Header.Get("Idempotency-Key"),
		}, "|"))
	}}
	w, serve, h := calls(t, c)
	res := say(t, h, "/api/a%7Cb/chat?x=1", `{"message":"hi"}`,
		"Authorization", "Bearer t", "Content-Type", "application/json", "Cookie", "secret", "Idempotency-Key", "k", "Dapr-App-Id", "another")
	want := `POST|/api/a|b/chat|x=1|{"message":"hi"}|Bearer t|application/json|||192.0.2.7:0|k`
	if got := text(t, res); res.StatusCode != http.StatusUnprocessableEntity || got != want {
		t.Errorf("%d %s\nwant %s", res.StatusCode, got, want)
	}
	if res.Header.Get("Content-Type") != "application/problem+json" || res.Header.Get("Www-Authenticate") != "Bearer" || res.Header.Get("Tandem-Status") != "" {
		t.Errorf("headers %v", res.Header)
	}
	if got := say(t, h, "/api/ann/chat", strings.Repeat("x", 5<<20)).StatusCode; got != http.StatusRequestEntityTooLarge {
		t.Errorf("a body of 5 MiB: %d", got)
	}
	t.Run("an app without permission is refused", func(t *testing.T) {
		w.t = t
		relay := w.app(dapr.AppRelay, dapr.CallbackOptions{}) // may not call at all
		before := c.n
		for _, via := range []*side{relay, serve} {
			req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+via.HTTP+"/v1.0/invoke/tandem-serve/method/api/ann/chat", nil)
			if err != nil {
				t.Fatal(err)
			}
			req.Header.Set("dapr-api-token", apiToken)
			res, err := http.DefaultClient.Do(req)
			if err != nil {
				t.Fatal(err)
			}
			if body := text(t, res); res.StatusCode < 400 || c.n != before {
				t.Errorf("%d %s", res.StatusCode, body)
			}
		}
	})
}

func TestCall_RetriedWhileTheCalleeRestartsAndAnsweredOnce(t *testing.T) {
	t.Parallel()
	restarts := map[string]func(*side) (back func()){
		"the app":     func(s *side) func() { s.crash(); return s.run },
		"its sidecar": func(s *side) func() { s.Kill(); return s.Start },
	}
	for name, restart := range restarts {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var effects mailbox[int]
			begun := make(chan struct{})
			var first sync.Once
			ready := false
			c := &chat{answer: func(w http.ResponseWriter, r *http.Request) {
				if ready {
					effects.put(r.Header.Get("Idempotency-Key"), 1)
					first.Do(func() { // it dies before it can answer
						close(begun)
						<-r.Context().Done()
					})
				}
				fmt.Fprint(w, "done")
			}}
			_, serve, h := calls(t, c)
			ready = true
			back := make(chan struct{})
			go func() {
				defer close(back)
				<-begun
				start := restart(serve)
				<-time.After(time.Second)
				start()
			}()
			res := say(t, h, "/api/ann/chat", `{"message":"hi"}`)
			<-back
			if got := text(t, res); res.StatusCode != http.StatusOK || got != "done" {
				t.Fatalf("%d %s", res.StatusCode, got)
			}
			if _, keyless := effects.all()[""]; keyless || len(effects.all()) != 1 || effects.n < 2 {
				t.Errorf("%d attempts under %d keys, want several under one", effects.n, len(effects.all()))
			}
		})
	}
}

func TestCall_NeedsPermissionUnderTLS(t *testing.T) {
	t.Parallel()
	c := &chat{answer: func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "served") }}
	w := newWorld(t)
	w.sentry = stack.StartSentry(t)
	w.app(dapr.AppServe, dapr.CallbackOptions{Chat: c})
	// An app that may use the API, and is not in the callee's list.
	o := w.sidecar(dapr.AppWeb, 0)
	o.AppID = "tandem-stranger"
	stranger := stack.StartDaprd(t, o)
	var code int
	var body []byte
	eventually(t, "an answer of the callee's sidecar", func() bool {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+stranger.HTTP+"/v1.0/invoke/tandem-serve/method/api/ann/chat", nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("dapr-api-token", apiToken)
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			return false
		}
		defer res.Body.Close()
		code = res.StatusCode
		body, err = io.ReadAll(res.Body)
		return err == nil && !bytes.Contains(body, []byte("couldn't find")) && !bytes.Contains(body, []byte("no host"))
	})
	if code != http.StatusForbidden || c.n != 0 {
		t.Errorf("%d %s, served %d times", code, body, c.n)
	}
}
