package rest_test

import (
	"bufio"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"tandem"
	"tandem/server/auth"
	"tandem/server/rest"
)

var html = header{"Accept": "text/html,application/xhtml+xml"}

func TestPage_FilesAndTheIndexInTheirPlace(t *testing.T) {
	s := start(t, nil)
	for _, tc := range []struct {
		path string
		h    header
		want int
		kind string
	}{
		{"/", nil, 200, "text/html; charset=utf-8"},
		{"/", html, 200, "text/html; charset=utf-8"},
		{"/today", html, 200, "text/html; charset=utf-8"},
		{"/tag/home", html, 200, "text/html; charset=utf-8"},
		{"/today", header{"Accept": "*/*"}, 404, "application/problem+json"},
		{"/assets/app.js", nil, 200, "text/javascript; charset=utf-8"},
		{"/favicon.svg", nil, 200, "image/svg+xml"},
		{"/assets/absent.js", html, 404, "application/problem+json"},
		{"/assets", html, 404, "application/problem+json"},
		{"/api/nothing", html, 404, "application/problem+json"},
		{"/api/ann/tasks", html, 404, "application/problem+json"},
		{"/mcp/nothing", html, 404, "application/problem+json"},
		{"/auth/nothing", html, 404, "application/problem+json"},
		{"/feeds/nothing.ics", html, 404, "application/problem+json"},
		{"/.well-known/nothing", html, 404, "application/problem+json"},
		{"/../../etc/passwd", nil, 404, "application/problem+json"},
		{"/%2e%2e/%2e%2e/etc/passwd", nil, 404, "application/problem+json"},
		{"/..%2f..%2fetc%2fpasswd", nil, 404, "application/problem+json"},
	} {
		r := s.call(http.MethodGet, tc.path, tc.h, "")
		if r.StatusCode != tc.want || r.Header.Get("Content-Type") != tc.kind {
			t.Errorf("%s %v: %d %s, want %d %s", tc.path, tc.h, r.StatusCode, r.Header.Get("Content-Type"), tc.want, tc.kind)
		}
		if r.Header.Get("X-Content-Type-Options") != "nosniff" {
			t.Errorf("%s: no nosniff", tc.path)
		}
	}
}

func TestPage_RevalidatesAndCompresses(t *testing.T) {
	s := start(t, nil)
	plain := s.call(http.MethodGet, "/", html, "")
	tag := plain.Header.Get("ETag")
	if strings.HasPrefix(tag, "W/") || len(tag) < 10 || plain.Header.Get("Cache-Control") != "no-cache" {
		t.Errorf("ETag %q, Cache-Control %q", tag, plain.Header.Get("Cache-Control"))
	}
	zipped := s.call(http.MethodGet, "/", html.with("Accept-Encoding", "br, gzip;q=0.8"), "")
	if zipped.Header.Get("Content-Encoding") != "gzip" || zipped.Header.Get("ETag") == tag || zipped.Header.Get("Vary") != "Accept-Encoding" {
		t.Errorf("gzip: %v", zipped.Header)
	}
	z, err := gzip.NewReader(strings.NewReader(zipped.body))
	if err != nil {
		t.Fatal(err)
	}
	if b, err := io.ReadAll(z); err != nil || string(b) != plain.body {
		t.Errorf("the gzipped page is another one (%v)", err)
	}
	if r := s.call(http.MethodGet, "/", html.with("Accept-Encoding", "gzip;q=0"), ""); r.Header.Get("Content-Encoding") != "" {
		t.Error("gzip was sent to a client that refuses it")
	}
	for _, condition := range []string{tag, `"x", ` + tag, "W/" + tag, "*"} {
		r := s.call(http.MethodGet, "/", html.with("If-None-Match", condition), "")
		if r.StatusCode != http.StatusNotModified || r.body != "" || r.Header.Get("ETag") != tag {
			t.Errorf("If-None-Match %s: %d, ETag %s", condition, r.StatusCode, r.Header.Get("ETag"))
		}
	}
	if r := s.call(http.MethodGet, "/", html.with("If-None-Match", `"other"`), ""); r.StatusCode != http.StatusOK {
		t.Errorf("another tag: %d", r.StatusCode)
	}
	if r := s.call(http.MethodHead, "/", html, ""); r.StatusCode != http.StatusOK || r.body != "" || r.Header.Get("ETag") != tag {
		t.Errorf("HEAD: %d, %d bytes", r.StatusCode, len(r.body))
	}
}

func TestPage_LiveFilesAreReadAnew(t *testing.T) {
	files := fstest.MapFS{"index.html": {Data: []byte("one")}}
	s := start(t, func(o *rest.Options) { o.Web, o.WebLive = files, true })
	build := s.call(http.MethodGet, "/version.json", nil, "").body
	files["index.html"] = &fstest.MapFile{Data: []byte("two")}
	if r := s.call(http.MethodGet, "/", html, ""); r.body != "two" {
		t.Errorf("got %q, want the new file", r.body)
	}
	if again := s.call(http.MethodGet, "/version.json", nil, "").body; again == build {
		t.Error("version.json did not change with the files")
	}
	wantStatus(t, s.call(http.MethodGet, "/assets", nil, ""), http.StatusNotFound)
}

func TestVersion_NamesAllFiles(t *testing.T) {
	s := start(t, nil)
	var v struct {
		Build string
		Files []string
	}
	if err := json.Unmarshal([]byte(s.call(http.MethodGet, "/version.json", nil, "").body), &v); err != nil {
		t.Fatal(err)
	}
	if v.Build == "" || !slices.Equal(v.Files, []string{"assets/app.js", "favicon.svg", "index.html"}) {
		t.Errorf("got %+v", v)
	}
}

func TestHeaders_OnEveryAnswer(t *testing.T) {
	s := start(t, nil)
	for _, path := range []string{"/", "/livez", "/api/ann/chat", "/nothing", "/openapi.json"} {
		h := s.call(http.MethodGet, path, html, "").Header
		csp := h.Get("Content-Security-Policy")
		for _, want := range []string{
			"default-src 'none'", "script-src 'self'", "style-src 'self'", "connect-src 'self' ws://" + s.host, "img-src 'self' data:", "font-src 'self'",
			"form-action 'none'", "frame-ancestors 'none'", "base-uri 'none'", "require-trusted-types-for 'script'", "manifest-src 'self'", "worker-src 'self'",
		} {
			if !slices.Contains(strings.Split(csp, "; "), want) {
				t.Errorf("%s: the policy lacks %q: %s", path, want, csp)
			}
		}
		if strings.Contains(csp, "unsafe") || strings.Contains(csp, "*") {
			t.Errorf("%s: a loose policy: %s", path, csp)
		}
		for name, want := range map[string]string{
			"X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer", "Cross-Origin-Opener-Policy": "same-origin",
			"Cross-Origin-Resource-Policy": "same-origin", "Strict-Transport-Security": "",
		} {
			if h.Get(name) != want {
				t.Errorf("%s: %s is %q, want %q", path, name, h.Get(name), want)
			}
		}
		if h.Get("Permissions-Policy") == "" || h.Get("Access-Control-Allow-Origin") != "" {
			t.Errorf("%s: Permissions-Policy %q, Access-Control-Allow-Origin %q", path, h.Get("Permissions-Policy"), h.Get("Access-Control-Allow-Origin"))
		}
	}
	public := start(t, func(o *rest.Options) { o.PublicURL, o.AuthURL = "https://tandem.example", "https://auth.example/base" })
	h := public.call(http.MethodGet, "/", html.with("Host", "tandem.example"), "").Header
	if !strings.Contains(h.Get("Content-Security-Policy"), "connect-src 'self' wss://tandem.example https://auth.example;") || h.Get("Strict-Transport-Security") == "" {
		t.Errorf("with a public address: %v", h)
	}
}

func TestProbes(t *testing.T) {
	ready := errors.New("the disk is full")
	s := start(t, func(o *rest.Options) { o.Probes.Ready = func(context.Context) error { return ready } })
	wantStatus(t, s.call(http.MethodGet, "/livez", nil, ""), http.StatusOK)
	r := s.call(http.MethodGet, "/readyz", nil, "")
	wantStatus(t, r, http.StatusServiceUnavailable)
	if strings.Contains(r.body, "disk") {
		t.Errorf("the cause reached the client: %s", r.body)
	}
	ready = nil
	wantStatus(t, s.call(http.MethodGet, "/readyz", nil, ""), http.StatusOK)
	wantStatus(t, s.call(http.MethodGet, "/readyz", header{"Host": "10.0.0.7:8080"}, ""), http.StatusOK)
	if r := s.call(http.MethodGet, "/metrics", nil, ""); r.body != "up 1\n" {
		t.Errorf("/metrics: %q", r.body)
	}
}

func TestHost_ForeignNamesAreMisdirected(t *testing.T) {
	s := start(t, nil)
	port := s.host[strings.LastIndex(s.host, ":"):]
	for host, want := range map[string]int{
		s.host: 200, "localhost" + port: 200, "LOCALHOST": 200, "127.0.0.1": 200, "[::1]" + port: 200, "127.0.0.2" + port: 200,
		"evil.example": 421, "localhost.evil.example": 421, "127.0.0.1.evil.example": 421, "192.168.0.7" + port: 421, "0.0.0.0": 421, "[::ffff:10.0.0.1]": 421, "tandem.example": 421,
	} {
		for _, path := range []string{"/", "/openapi.json", "/metrics"} {
			if r := s.call(http.MethodGet, path, html.with("Host", host), ""); r.StatusCode != want {
				t.Errorf("%s at %s: %d, want %d", path, host, r.StatusCode, want)
			}
		}
	}
	public := start(t, func(o *rest.Options) { o.PublicURL = "https://tandem.example" })
	for host, want := range map[string]int{"tandem.example": 200, "Tandem.Example": 200, "tandem.example:444": 421, "evil.example": 421, s.host: 200} {
		if r := public.call(http.MethodGet, "/", html.with("Host", host), ""); r.StatusCode != want {
			t.Errorf("%s: %d, want %d", host, r.StatusCode, want)
		}
	}
	anyHost := start(t, func(o *rest.Options) { o.AnyHost = true })
	wantStatus(t, anyHost.call(http.MethodGet, "/", html.with("Host", "gateway.internal"), ""), http.StatusOK)
}

func TestSocket_OriginAndCredential(t *testing.T) {
	s := start(t, nil)
	ann := token(t, "ann")
	bearer, offered := "Bearer "+ann, "tandem.sync.v1, bearer."+ann
	own, port := s.url, s.host[strings.LastIndex(s.host, ":"):]
	for name, tc := range map[string]struct {
		path string
		h    header
		want int
	}{
		"header":                    {"/api/ann/ws", header{"Authorization": bearer}, 200},
		"header, own origin":        {"/api/ann/ws", header{"Authorization": bearer, "Origin": own}, 200},
		"subprotocol, own origin":   {"/api/ann/ws", header{"Sec-WebSocket-Protocol": offered, "Origin": own}, 200},
		"own name":                  {"/api/ann/ws", header{"Sec-WebSocket-Protocol": offered, "Origin": "http://localhost" + port, "Host": "localhost" + port}, 200},
		"W origin absent":           {"/api/ann/ws", header{"Sec-WebSocket-Protocol": offered}, 403},
		"W origin null":             {"/api/ann/ws", header{"Sec-WebSocket-Protocol": offered, "Origin": "null"}, 403},
		"W wrong scheme":            {"/api/ann/ws", header{"Sec-WebSocket-Protocol": offered, "Origin": "https://" + s.host}, 403},
		"W wrong port":              {"/api/ann/ws", header{"Sec-WebSocket-Protocol": offered, "Origin": "http://127.0.0.1:1"}, 403},
		"W no port":                 {"/api/ann/ws", header{"Sec-WebSocket-Protocol": offered, "Origin": "http://127.0.0.1"}, 403},
		"W suffix":                  {"/api/ann/ws", header{"Sec-WebSocket-Protocol": offered, "Origin": own + ".evil"}, 403},
		"W path":                    {"/api/ann/ws", header{"Sec-WebSocket-Protocol": offered, "Origin": own + "/"}, 403},
		"W foreign beside header":   {"/api/ann/ws", header{"Authorization": bearer, "Origin": "https://evil.example"}, 403},
		"W other name of ours":      {"/api/ann/ws", header{"Sec-WebSocket-Protocol": offered, "Origin": "http://localhost" + port}, 403},
		"W no token":                {"/api/ann/ws", header{"Origin": own}, 401},
		"W no token, foreign":       {"/api/ann/ws", header{"Origin": "https://evil.example"}, 401},
		"W bad token":               {"/api/ann/ws", header{"Sec-WebSocket-Protocol": "tandem.sync.v1, bearer.x", "Origin": own}, 401},
		"W both":                    {"/api/ann/ws", header{"Authorization": bearer, "Sec-WebSocket-Protocol": offered, "Origin": own}, 401},
		"W token in the query":      {"/api/ann/ws?token=" + ann, header{"Origin": own}, 401},
		"W cookie":                  {"/api/ann/ws", header{"Cookie": "tandem_session=" + ann + "; jwt=" + ann, "Origin": own}, 401},
		"U another user":            {"/api/bob/ws", header{"Authorization": bearer}, 403},
		"U another user, encoded":   {"/api/%62ob/ws", header{"Authorization": bearer}, 403},
		"U own path, encoded":       {"/api/%61nn/ws", header{"Authorization": bearer}, 200},
		"U another user's X-header": {"/api/bob/ws", header{"Authorization": bearer, "X-User-Id": "bob"}, 403},
	} {
		t.Run(name, func(t *testing.T) {
			r := s.call(http.MethodGet, tc.path, tc.h, "")
			wantStatus(t, r, tc.want)
			if tc.want == 200 && r.body != "socket of ann" {
				t.Errorf("handed over as %q", r.body)
			}
		})
	}
	// A public address does not shut out who comes by the loopback.
	unnamed := start(t, func(o *rest.Options) { o.PublicURL = "http://0.0.0.0:80" })
	wantStatus(t, unnamed.call(http.MethodGet, "/api/ann/ws", header{"Sec-WebSocket-Protocol": offered, "Origin": unnamed.url}, ""), http.StatusOK)
	public := start(t, func(o *rest.Options) { o.PublicURL = "https://app.example.com" })
	for origin, want := range map[string]int{
		"https://app.example.com": 200, "http://app.example.com": 403, "https://app.example.com.evil": 403, "https://app.example.com:444": 403, "https://evil.example": 403,
	} {
		r := public.call(http.MethodGet, "/api/ann/ws", header{"Sec-WebSocket-Protocol": offered, "Origin": origin, "Host": "app.example.com"}, "")
		if r.StatusCode != want {
			t.Errorf("%s: %d, want %d", origin, r.StatusCode, want)
		}
	}
}

func TestSocket_UpgradesAreBounded(t *testing.T) {
	entered, leave := make(chan struct{}), make(chan struct{})
	s := start(t, func(o *rest.Options) {
		o.Limits.Opening = 1
		o.Socket = func(w http.ResponseWriter, r *http.Request, _ auth.Principal) {
			if r.Header.Get("X-Hijack") != "" {
				conn, rw, err := http.NewResponseController(w).Hijack()
				if err != nil {
					t.Error(err)
					return
				}
				defer conn.Close()
				// What the client sent behind its request must not be lost.
				if b, err := rw.ReadByte(); err != nil || b != 'x' {
					t.Errorf("read ahead %q, %v; want the byte behind the request", b, err)
				}
				_, _ = io.WriteString(conn, "HTTP/1.1 101 Switching Protocols\r\n\r\n")
			}
			entered <- struct{}{}
			<-leave
		}
	})
	held := func(extra, behind string) net.Conn {
		conn := s.dial()
		fmt.Fprintf(conn, "GET /api/ann/ws HTTP/1.1\r\nHost: %s\r\nAuthorization: Bearer %s\r\n%s\r\n%s", s.host, token(t, "ann"), extra, behind)
		<-entered
		return conn
	}
	open := held("X-Hijack: 1\r\n", "x") // through: it counts no more
	held("", "")
	r := s.call(http.MethodGet, "/api/ann/ws", s.as("ann"), "")
	wantStatus(t, r, http.StatusServiceUnavailable)
	if r.Header.Get("Retry-After") == "" {
		t.Error("no Retry-After")
	}
	resp, err := http.ReadResponse(bufio.NewReader(open), nil)
	if err != nil || resp.StatusCode != http.StatusSwitchingProtocols {
		t.Errorf("the first upgrade: %v, %v", resp, err)
	}
	close(leave)
}

func TestTools_BearerHostOriginAndSize(t *testing.T) {
	s := start(t, nil)
	good := s.call(http.MethodPost, "/mcp", s.as("ann"), `{"jsonrpc":"2.0"}`)
	if good.body != "tools of ann, 17 bytes" {
		t.Errorf("handed over as %q", good.body)
	}
	r := s.call(http.MethodPost, "/mcp", header{"Content-Type": "application/json"}, `{}`)
	wantStatus(t, r, http.StatusUnauthorized)
	want := `Bearer resource_metadata="` + s.url + `/.well-known/oauth-protected-resource/mcp"`
	if got := r.Header.Get("WWW-Authenticate"); got != want {
		t.Errorf("WWW-Authenticate %s, want %s", got, want)
	}
	for _, path := range []string{"/.well-known/oauth-protected-resource", "/.well-known/oauth-protected-resource/mcp"} {
		var doc struct{ Resource string }
		if err := json.Unmarshal([]byte(s.call(http.MethodGet, path, nil, "").body), &doc); err != nil || doc.Resource != s.url+"/mcp" {
			t.Errorf("%s names %q, %v", path, doc.Resource, err)
		}
	}
	wantStatus(t, s.call(http.MethodPost, "/mcp", s.as("ann").with("Host", "evil.example"), `{}`), http.StatusMisdirectedRequest)
	wantStatus(t, s.call(http.MethodPost, "/mcp", s.as("ann").with("Origin", "https://evil.example"), `{}`), http.StatusForbidden)
	wantStatus(t, s.call(http.MethodPost, "/mcp", s.as("ann").with("Origin", s.url), `{}`), http.StatusOK)
	wantStatus(t, s.call(http.MethodPost, "/mcp", s.as("ann"), strings.Repeat("x", 1<<20)), http.StatusOK)
	// Refused before it is read: a client that sends it all the same may see the connection reset instead of the answer.
	patient := s.as("ann").with("Expect", "100-continue")
	wantStatus(t, s.call(http.MethodPost, "/mcp", patient, strings.Repeat("x", 1<<20+1)), http.StatusRequestEntityTooLarge)
	public := start(t, func(o *rest.Options) { o.PublicURL, o.AuthURL = "https://tandem.example", "https://auth.example" })
	doc := public.call(http.MethodGet, "/.well-known/oauth-protected-resource", nil, "").body
	if !strings.Contains(doc, `"https://tandem.example/mcp"`) || !strings.Contains(doc, `"authorization_servers":["https://auth.example"]`) {
		t.Errorf("with a public address: %s", doc)
	}
}

func TestMethods_OthersAreNamed(t *testing.T) {
	s := start(t, nil)
	for _, tc := range []struct{ method, path, allow string }{
		{"GET", "/api/ann/chat", "POST"},
		{"PUT", "/api/ann/chat", "POST"},
		{"DELETE", "/api/ann/chat", "POST"},
		{"OPTIONS", "/api/ann/chat", "POST"},
		{"POST", "/livez", "GET, HEAD"},
		{"PUT", "/auth/session", "POST, DELETE"},
		{"OPTIONS", "/mcp", "GET, POST, DELETE"},
		{"TRACE", "/", "GET, HEAD"},
	} {
		r := s.call(tc.method, tc.path, s.as("ann"), "")
		if r.StatusCode != http.StatusMethodNotAllowed || r.Header.Get("Allow") != tc.allow {
			t.Errorf("%s %s: %d, Allow %q; want 405, %q", tc.method, tc.path, r.StatusCode, r.Header.Get("Allow"), tc.allow)
		}
	}
}

func TestSignIn_OverHTTP(t *testing.T) {
	s := start(t, nil)
	own := header{"Origin": s.url, "Content-Type": "application/json", "User-Agent": "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"}
	code := s.signIn.Code()
	for name, h := range map[string]header{"no origin": {"Content-Type": "application/json"}, "foreign origin": own.with("Origin", "http://evil.example"), "origin null": own.with("Origin", "null")} {
		if r := s.call(http.MethodPost, "/auth/session", h, `{"code":"`+code+`"}`); r.StatusCode != http.StatusForbidden {
			t.Errorf("%s: %d, want 403", name, r.StatusCode)
		}
	}
	r := s.call(http.MethodPost, "/auth/session", own, `{"code":"`+code+`"}`)
	wantStatus(t, r, http.StatusOK)
	cookie := sessionCookie(t, r)
	for _, attribute := range []string{"HttpOnly", "SameSite=Strict", "Path=/auth", "Max-Age=7776000"} {
		if !strings.Contains(r.Header.Get("Set-Cookie"), attribute) {
			t.Errorf("the cookie lacks %s: %s", attribute, r.Header.Get("Set-Cookie"))
		}
	}
	wantStatus(t, s.call(http.MethodPost, "/auth/session", own, `{"code":"`+code+`"}`), http.StatusUnauthorized)
	wantStatus(t, s.call(http.MethodPost, "/auth/session", own, `{}`), http.StatusUnauthorized)
	wantStatus(t, s.call(http.MethodPost, "/auth/session", own, `{"code":5}`), http.StatusUnprocessableEntity)

	for name, h := range map[string]header{"no origin": {"Cookie": cookie}, "foreign origin": own.with("Cookie", cookie).with("Origin", "http://127.0.0.1:1")} {
		if r := s.call(http.MethodPost, "/auth/token", h, ""); r.StatusCode != http.StatusForbidden {
			t.Errorf("%s: %d, want 403", name, r.StatusCode)
		}
	}
	wantStatus(t, s.call(http.MethodPost, "/auth/token", own, ""), http.StatusUnauthorized)
	r = s.call(http.MethodPost, "/auth/token", own.with("Cookie", cookie), "")
	wantStatus(t, r, http.StatusOK)
	var got struct {
		Token   string    `json:"token"`
		UserID  string    `json:"user_id"`
		Expires time.Time `json:"expires_at"`
	}
	if err := json.Unmarshal([]byte(r.body), &got); err != nil || got.UserID != "local" || time.Until(got.Expires) > 15*time.Minute || time.Until(got.Expires) < 14*time.Minute {
		t.Errorf("token answer %s, %v", r.body, err)
	}
	if r.Header.Get("Cache-Control") != "no-store" {
		t.Error("a token may be cached")
	}
	wantStatus(t, s.call(http.MethodPost, "/api/local/chat", header{"Authorization": "Bearer " + got.Token, "Content-Type": "application/json"}, `{"message":"hi"}`), http.StatusOK)
	wantStatus(t, s.call(http.MethodPost, "/auth/token", own.with("Cookie", cookie), ""), http.StatusUnauthorized)

	next := sessionCookie(t, r)
	if next == cookie {
		t.Error("the cookie was not replaced")
	}
	for _, path := range []string{"/api/local/chat", "/mcp"} {
		wantStatus(t, s.call(http.MethodPost, path, own.with("Cookie", next), `{"message":"hi"}`), http.StatusUnauthorized)
	}
	r = s.call(http.MethodDelete, "/auth/session", own.with("Cookie", next), "")
	wantStatus(t, r, http.StatusNoContent)
	if !strings.Contains(r.Header.Get("Set-Cookie"), "Max-Age=0") {
		t.Errorf("signing out leaves the cookie: %s", r.Header.Get("Set-Cookie"))
	}
	wantStatus(t, s.call(http.MethodPost, "/auth/token", own.with("Cookie", next), ""), http.StatusUnauthorized)
}

func sessionCookie(t *testing.T, r reply) string {
	t.Helper()
	for _, c := range r.Cookies() {
		if c.Name == "tandem_session" && c.Value != "" {
			return c.Name + "=" + c.Value
		}
	}
	t.Fatalf("no session cookie in %v", r.Header)
	return ""
}

func TestAddressLimit_ComesBeforeTheToken(t *testing.T) {
	s := start(t, func(o *rest.Options) {
		o.Limits.Requests = rest.Bucket{PerSecond: 0.001, Burst: 2}
		o.Proxies = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("10.0.0.0/8")}
	})
	from := func(forwarded string) int {
		h := header{}
		if forwarded != "" {
			h = header{"X-Forwarded-For": forwarded}
		}
		return s.call(http.MethodPost, "/api/ann/chat", h, `{}`).StatusCode
	}
	for _, tc := range []struct {
		forwarded string
		want      int
	}{
		{"203.0.113.1", 401},
		{"203.0.113.1", 401},
		{"203.0.113.1", 429},                         // its bucket is empty
		{"203.0.113.1, 203.0.113.2", 401},            // what a client writes itself counts for nothing
		{"198.51.100.9, 203.0.113.2, 10.1.1.1", 401}, // known proxies are passed over
		{"203.0.113.2", 429},
		{"2001:db8::1", 401},
		{"2001:db8::2", 401},
		{"2001:db8::3", 429},
		{"2001:db8:0:1::1", 401}, // a client holds a /64
		{"", 401},
		{"junk", 401},
		{"junk", 429},
	} {
		if got := from(tc.forwarded); got != tc.want {
			t.Errorf("X-Forwarded-For %q: %d, want %d", tc.forwarded, got, tc.want)
		}
	}
	direct := start(t, func(o *rest.Options) { o.Limits.Requests = rest.Bucket{PerSecond: 0.001, Burst: 1} })
	direct.call(http.MethodGet, "/livez", header{"X-Forwarded-For": "203.0.113.1"}, "")
	r := direct.call(http.MethodGet, "/livez", header{"X-Forwarded-For": "203.0.113.2"}, "")
	wantStatus(t, r, http.StatusTooManyRequests)
	if r.Header.Get("Retry-After") != "1" {
		t.Errorf("Retry-After %q", r.Header.Get("Retry-After"))
	}
}

func TestServer_HostileConnections(t *testing.T) {
	s := start(t, nil)
	ann := token(t, "ann")
	body, inner := `{"message":"hello"}`, "GET /livez HTTP/1.1\r\nHost: "+s.host+"\r\n\r\n"
	for name, text := range map[string]string{
		"TLS hello":       "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + strings.Repeat("\x00", 200),
		"no target":       "GET\r\n\r\n",
		"HTTP/9.9":        "GET / HTTP/9.9\r\nHost: x\r\n\r\n",
		"no host":         "GET /livez HTTP/1.1\r\n\r\n",
		"two hosts":       "GET /livez HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
		"negative length": "POST /mcp HTTP/1.1\r\nHost: x\r\nContent-Length: -5\r\n\r\n",
		"bad chunk":       "POST /mcp HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nZZ\r\n",
		"HTTP/2 preface":  "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
		"two lengths": fmt.Sprintf("POST /api/ann/chat HTTP/1.1\r\nHost: %s\r\nAuthorization: Bearer %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\nContent-Length: %d\r\n\r\n%s%s",
			s.host, ann, len(body), len(body+inner), body, inner),
		"length and chunks": fmt.Sprintf("POST /api/ann/chat HTTP/1.1\r\nHost: %s\r\nAuthorization: Bearer %s\r\nContent-Type: application/json\r\nContent-Length: 5\r\nTransfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n",
			s.host, ann),
		"16 KiB of header and more": "GET /livez HTTP/1.1\r\nHost: " + s.host + "\r\nX-Big: " + strings.Repeat("a", 16<<10) + "\r\n\r\n",
		"1 MiB token":               "GET /api/ann/ws HTTP/1.1\r\nHost: " + s.host + "\r\nAuthorization: Bearer " + strings.Repeat("a", 1<<20) + "\r\n\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			if got := s.raw(text); got != 0 && (got < 400 || got >= 500) && got != 501 && got != 505 {
				t.Errorf("answered %d", got)
			}
		})
	}
	if got := s.raw("GET /livez HTTP/1.1\r\nHost: " + s.host + "\r\nX-Big: " + strings.Repeat("a", 15<<10) + "\r\n\r\n"); got != 200 {
		t.Errorf("15 KiB of header: %d, want 200", got)
	}
	if got := s.raw("GET /livez HTTP/1.1\r\nHost: " + s.host + "\r\nX-Big: " + strings.Repeat("a", 17<<10) + "\r\n\r\n"); got != http.StatusRequestHeaderFieldsTooLarge {
		t.Errorf("17 KiB of header: %d, want 431", got)
	}
	if n := len(s.parrot.asks()); n != 0 {
		t.Errorf("%d turns were begun by garbage", n)
	}
}

func TestServer_HalfOpenRequestsStarveNobodyAndAreCut(t *testing.T) {
	s := start(t, nil)
	var held []net.Conn
	for range 100 {
		conn := s.dial()
		fmt.Fprint(conn, "POST /api/ann/chat HTTP/1.1\r\nHost: x\r\nX-Slow: ")
		held = append(held, conn)
	}
	began := time.Now()
	wantStatus(t, s.chat("ann", `{"message":"hi"}`), http.StatusOK)
	if took := time.Since(began); took > 2*time.Second {
		t.Errorf("others waited %v", took)
	}
	if _, err := io.Copy(io.Discard, held[0]); err != nil {
		t.Errorf("a request without end was not cut within 10 s: %v", err)
	}
	if took := time.Since(began); took > 8*time.Second {
		t.Errorf("cut after %v, want 5 s", took)
	}
}

func TestServe_DrainsOpenRequests(t *testing.T) {
	s := start(t, nil)
	_, lines, end := s.stream(`{"message":"wait","turn_id":"`+turnA+`"}`, s.as("ann").with("Accept", "text/event-stream"))
	defer end()
	for lines.Scan() && !strings.Contains(lines.Text(), "start") {
	}
	idle := s.dial()
	fmt.Fprintf(idle, "GET /livez HTTP/1.1\r\nHost: %s\r\n\r\n", s.host)
	if resp, err := http.ReadResponse(bufio.NewReader(idle), nil); err != nil || resp.StatusCode != http.StatusOK {
		t.Fatalf("%v, %v", resp, err)
	}
	s.stop()
	close(s.parrot.release)
	text := ""
	for lines.Scan() {
		text += lines.Text()
	}
	if !strings.Contains(text, "event: done") {
		t.Errorf("the stream was cut off: %q", text)
	}
	if err := <-s.done; err != nil {
		t.Errorf("Serve: %v", err)
	}
	s.done <- nil
	if _, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", s.host); err == nil {
		t.Error("a new connection was taken after the end")
	}
}

func TestLog_HoldsNoSecret(t *testing.T) {
	s := start(t, nil)
	const canary = "canary0123456789canary0123456789canary012345"
	s.call(http.MethodPost, "/api/ann/chat?token="+canary, s.as("ann").with("Authorization", "Bearer "+canary), `{"message":"`+canary+`"}`)
	s.chat("ann", `{"message":"`+canary+`"}`)
	s.call(http.MethodGet, "/feeds/"+canary+".ics", nil, "")
	s.call(http.MethodGet, "/"+canary+"%0aINJECTED", header{"Accept": "text/html", "Cookie": "tandem_session=" + canary}, "")
	s.call(http.MethodGet, "/api/"+canary+"/ws", header{"Sec-WebSocket-Protocol": "tandem.sync.v1, bearer." + canary}, "")
	s.call(http.MethodPost, "/auth/session", header{"Origin": s.url, "Content-Type": "application/json"}, `{"code":"`+canary+`"}`)
	s.call("CANARY", "/", nil, "")
	log := s.log.String()
	if strings.Contains(strings.ToLower(log), "canary") || strings.Contains(log, "INJECTED") || strings.Contains(log, "ann") {
		t.Errorf("the log holds what it must not:\n%s", log)
	}
	if !strings.Contains(log, "route=/api/{user_id}/chat") {
		t.Errorf("the log does not name the route:\n%s", log)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, series := range s.routes {
		if strings.Contains(strings.ToLower(series), "canary") {
			t.Errorf("a metric is labelled %q", series)
		}
	}
	if !slices.Contains(s.routes, "other other 405") || !slices.Contains(s.routes, "GET page 200") {
		t.Errorf("series: %v", s.routes)
	}
}

func TestPanic_IsAProblemWithAnID(t *testing.T) {
	s := start(t, func(o *rest.Options) {
		o.MCP = func(http.ResponseWriter, *http.Request, auth.Principal) { panic("canary") }
	})
	r := s.call(http.MethodPost, "/mcp", s.as("ann"), `{}`)
	wantStatus(t, r, http.StatusInternalServerError)
	if strings.Contains(r.body, "canary") || !strings.Contains(s.log.String(), "canary") {
		t.Errorf("answer %s, log %s", r.body, s.log)
	}
	wantStatus(t, s.call(http.MethodGet, "/livez", nil, ""), http.StatusOK)
}

// calendar holds two people's tasks.
type calendar map[string][]tandem.Task

func (c calendar) FeedByHash(_ context.Context, hash string) (tandem.UserID, error) {
	if _, ok := c[hash]; ok {
		return tandem.UserID(hash), nil
	}
	return "", tandem.NotFound("feed", "", "feed")
}

func (calendar) Settings(context.Context, tandem.UserID) (tandem.Settings, error) {
	s := tandem.DefaultSettings()
	s.TimeZone = "Asia/Karachi"
	return s, nil
}

func (c calendar) List(_ context.Context, user tandem.UserID, q tandem.Query) (tandem.Page, error) {
	var page tandem.Page
	for _, t := range c[string(user)] {
		if q.Match(t) {
			page.Tasks = append(page.Tasks, t)
		}
	}
	return page, nil
}
