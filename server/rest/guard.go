package rest

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"regexp"
	"runtime/debug"
	"slices"
	"strings"
	"time"

	"github.com/go-chi/chi/v5"

	"tandem"
)

// Names that stand for routes without a pattern of their own, in metrics and logs.
const (
	routePage  = "page"
	routeOther = "other"
)

// Routes lists what a metric may call a route.
func (s *Server) Routes() map[string][]string {
	out := map[string][]string{routePage: {http.MethodGet}, routeOther: {routeOther}}
	_ = chi.Walk(s.mux, func(method, pattern string, _ http.Handler, _ ...func(http.Handler) http.Handler) error {
		out[pattern] = append(out[pattern], method)
		return nil
	})
	return out
}

// route names the pattern that answered r.
func route(r *http.Request) string {
	pattern := ""
	if c := chi.RouteContext(r.Context()); c != nil {
		pattern = c.RoutePattern()
	}
	if pattern == "" {
		return routePage
	}
	return pattern
}

// answer remembers what was sent through it.
type answer struct {
	http.ResponseWriter
	status   int
	bytes    int64
	onHijack func()
}

func (a *answer) WriteHeader(status int) {
	if a.status == 0 {
		a.status = status
	}
	a.ResponseWriter.WriteHeader(status)
}

func (a *answer) Write(b []byte) (int, error) {
	if a.status == 0 {
		a.status = http.StatusOK
	}
	n, err := a.ResponseWriter.Write(b)
	a.bytes += int64(n)
	return n, err
}

// Unwrap lets http.ResponseController reach the connection.
func (a *answer) Unwrap() http.ResponseWriter { return a.ResponseWriter }

// Flush sends what was written so far.
func (a *answer) Flush() { _ = http.NewResponseController(a.ResponseWriter).Flush() }

// Hijack hands the connection over, with the bytes that were read ahead.
func (a *answer) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	conn, rw, err := http.NewResponseController(a.ResponseWriter).Hijack()
	if err == nil {
		a.status = http.StatusSwitchingProtocols
		if a.onHijack != nil {
			a.onHijack()
		}
	}
	return conn, rw, err
}

// account counts and logs every answer. The log names the route's pattern: paths hold ids and secrets.
func (s *Server) account(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		a := &answer{ResponseWriter: w}
		began, method := s.Now(), r.Method
		if !slices.Contains(knownMethods, method) {
			method = routeOther
		}
		_, keep := tandem.ParseTraceparent(r.Header.Get("Traceparent")) // its id is not believed: ids are ours
		ctx, end := tandem.Begin(s.Trace.In(r.Context()), tandem.Step{
			Name: "request", Kind: tandem.StepServe, Keep: keep, Attrs: []slog.Attr{slog.String("method", method)},
		})
		r = r.WithContext(ctx)
		defer func() {
			took := s.Now().Sub(began)
			name := route(r)
			if a.status == http.StatusMethodNotAllowed || method == routeOther {
				name, method = routeOther, routeOther
			}
			s.Metrics.Request(name, method, a.status, took)
			s.Log.DebugContext(ctx, "request", "route", name, "method", method, "code", a.status, "bytes", a.bytes, "took", took)
			end(failed(a.status))
		}()
		next.ServeHTTP(a, r)
	})
}

// failed tells a trace of an answer that is the server's fault.
func failed(status int) error {
	if status < http.StatusInternalServerError {
		return nil
	}
	return fmt.Errorf("answered with %d", status)
}

var knownMethods = []string{http.MethodGet, http.MethodHead, http.MethodPost, http.MethodDelete}

// recovered turns a panic into a problem. One request must not end the program.
func (s *Server) recovered(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer func() {
			p := recover()
			if p == nil {
				return
			}
			if err, ok := p.(error); ok && errors.Is(err, http.ErrAbortHandler) {
				panic(p)
			}
			err := fmt.Errorf("panic: %v\n%s", p, debug.Stack())
			if a, ok := w.(*answer); ok && a.status != 0 {
				s.Log.ErrorContext(r.Context(), "request failed after its answer began", "route", route(r), "err", err)
				panic(http.ErrAbortHandler)
			}
			s.fail(w, r, err)
		}()
		next.ServeHTTP(w, r)
	})
}

// host refuses a Host that is not ours: with DNS rebinding a foreign page could otherwise speak to a server on this machine
// as to its own. Probes come from the machine's address, and tell nothing.
func (s *Server) host(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if probe := r.URL.Path == "/livez" || r.URL.Path == "/readyz"; !probe && !s.ownHost(r) {
			refusal(http.StatusMisdirectedRequest, "This server does not answer under that name.").write(w, r)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// ownHost accepts loopback names, the address on which the connection came in, and the configured host.
func (s *Server) ownHost(r *http.Request) bool {
	if s.AnyHost || s.public.host != "" && strings.EqualFold(r.Host, s.public.host) {
		return true
	}
	name := r.Host
	if h, _, err := net.SplitHostPort(r.Host); err == nil {
		name = h
	}
	if loopbackName(name) {
		return true
	}
	addr, err := netip.ParseAddr(strings.Trim(name, "[]"))
	local, ok := r.Context().Value(http.LocalAddrContextKey).(net.Addr)
	if err != nil || !ok {
		return false
	}
	here, err := netip.ParseAddrPort(local.String())
	return err == nil && here.Addr().Unmap() == addr.Unmap()
}

func loopbackName(name string) bool {
	if strings.EqualFold(name, "localhost") {
		return true
	}
	addr, err := netip.ParseAddr(strings.Trim(name, "[]"))
	return err == nil && addr.Unmap().IsLoopback()
}

// address spends a token of the client's address.
func (s *Server) address(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !s.perIP.take(s.client(r)) {
			s.limited(w, r, limitRequests, 0)
			return
		}
		next.ServeHTTP(w, r)
	})
}

func (s *Server) limited(w http.ResponseWriter, r *http.Request, limit string, wait time.Duration) {
	s.Metrics.Limited(limit)
	retryAfter(w, wait)
	p := refusal(http.StatusTooManyRequests, "Too many requests. Try again a little later.")
	p.Code = tandem.CodeLimited
	p.write(w, r)
}

// client is the address that the request comes from: the peer, or behind known proxies the last address that none of them
// has.
func (s *Server) client(r *http.Request) netip.Addr {
	peer, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return netip.Addr{}
	}
	addr := peer.Addr().Unmap()
	hops := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
	for _, hop := range slices.Backward(hops) {
		if !slices.ContainsFunc(s.Proxies, func(p netip.Prefix) bool { return p.Contains(addr) }) {
			break
		}
		next, err := netip.ParseAddr(strings.TrimSpace(hop))
		if err != nil {
			break
		}
		addr = next.Unmap()
	}
	return addr
}

// bodyTime is how long a client may take to send a body.
const bodyTime = 15 * time.Second

// timedBody bounds the reading of a body, and only that: the deadline is lifted once it has been read.
func timedBody(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.ContentLength != 0 {
			rc := http.NewResponseController(w)
			if rc.SetReadDeadline(time.Now().Add(bodyTime)) == nil {
				r.Body = &timed{r.Body, rc}
			}
		}
		next.ServeHTTP(w, r)
	})
}

type timed struct {
	io.ReadCloser
	rc *http.ResponseController
}

func (t *timed) Read(b []byte) (int, error) {
	n, err := t.ReadCloser.Read(b)
	if errors.Is(err, io.EOF) {
		_ = t.rc.SetReadDeadline(time.Time{})
	}
	return n, err
}

// hostForm is what may be copied from a Host into a header.
var hostForm = regexp.MustCompile(`^[A-Za-z0-9.\-]+(:[0-9]+)?$|^\[[0-9A-Fa-f:.]+\](:[0-9]+)?$`)

// headers sets what every answer carries.
// pageHeaders are the headers that every answer carries.
var pageHeaders = []string{
	"Content-Security-Policy", "X-Content-Type-Options", "Referrer-Policy", "Cross-Origin-Opener-Policy", "Cross-Origin-Resource-Policy",
	"Permissions-Policy", "Strict-Transport-Security",
}

func (s *Server) headers(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", s.contentPolicy(r))
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		h.Set("Permissions-Policy", "accelerometer=(), camera=(), geolocation=(), gyroscope=(), magnetometer=(), payment=(), usb=(), microphone=(self)")
		if s.public.scheme == "https" {
			h.Set("Strict-Transport-Security", "max-age=31536000; includeSubDomains")
		}
		next.ServeHTTP(w, r)
	})
}

func (s *Server) contentPolicy(r *http.Request) string {
	connect := "'self'"
	scheme, host := "ws", r.Host
	if s.public.scheme == "https" {
		scheme, host = "wss", s.public.host
	}
	if hostForm.MatchString(host) {
		connect += " " + scheme + "://" + host // older browsers do not count the socket as 'self'
	}
	if o, err := parseOrigin(s.AuthURL); err == nil && o.host != "" {
		connect += " " + o.String()
	}
	return "default-src 'none'; script-src 'self'; style-src 'self'; connect-src " + connect + "; img-src 'self' data:; font-src 'self'; " +
		"manifest-src 'self'; worker-src 'self'; form-action 'none'; frame-ancestors 'none'; base-uri 'none'; require-trusted-types-for 'script'"
}

// wrongMethod answers 405 and names what is allowed.
func (s *Server) wrongMethod(w http.ResponseWriter, r *http.Request) {
	path := r.URL.RawPath
	if path == "" {
		path = r.URL.Path
	}
	var allowed []string
	for _, m := range knownMethods {
		if s.mux.Match(chi.NewRouteContext(), m, path) {
			allowed = append(allowed, m)
		}
	}
	w.Header().Set("Allow", strings.Join(allowed, ", "))
	refusal(http.StatusMethodNotAllowed, "This address does not take that method.").write(w, r)
}
