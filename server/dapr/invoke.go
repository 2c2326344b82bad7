package dapr

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httputil"
	"strconv"
	"time"

	"tandem"
)

// Bounds of calls from app to app.
const (
	callBody     = 4 << 20 // what the callee takes at most
	callFailures = 5       // in a row, after which the callee is not called
	callPause    = 5 * time.Second
	callPatience = 10 * time.Second // for a callee that restarts
	callRetryLo  = 200 * time.Millisecond
	callRetryHi  = 2 * time.Second
)

const (
	// idempotencyKey makes a repeated call one call.
	idempotencyKey = "Idempotency-Key"
	// statusHeader is the callee's HTTP status. The sidecar knows only gRPC's codes, and puts texts of its own in place of a refused call's
	// body; so a callee always succeeds in its eyes, and this header tells the caller how the call really ended.
	statusHeader = "Tandem-Status"
	// clientHeader is the address of who called the caller, for the callee's limits.
	clientHeader = "Tandem-Client"
	// traceHeader is the id of the caller's trace. The sidecar's own traceparent is its own.
	traceHeader = "Tandem-Trace"
)

// Caller is a handler that passes a request on to an app through the sidecars: same method, path, query and headers but cookies. A call that
// finds no app or ends halfway is repeated for some seconds; a request that carries neither turn_id nor Idempotency-Key gets the latter,
// so it is answered once however often it arrives. Answers are passed on whole: streams must take another road.
func (c *Client) Caller(app string) http.Handler {
	// The sidecar's own breaker would count refusals too: one caller with a bad token would shut everybody out.
	gate := &breaker{limit: callFailures, pause: callPause, now: c.o.Now}
	return &caller{gate: gate, proxy: &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			prefix := "/v1.0/invoke/" + app + "/method"
			r.Out.URL.Scheme, r.Out.URL.Host, r.Out.Host = "http", c.o.HTTP, ""
			r.Out.URL.RawPath, r.Out.URL.Path = prefix+r.In.URL.EscapedPath(), prefix+r.In.URL.Path
			r.Out.Header.Del("Dapr-App-Id") // would choose another callee
			r.Out.Header.Del("Cookie")
			r.Out.Header.Del(tokenHeader)
			r.Out.Header.Set(clientHeader, clientOf(r.In))
			r.Out.Header.Set(traceHeader, tandem.TraceOf(r.In.Context()).ID)
			if c.o.Token != "" {
				r.Out.Header.Set(tokenHeader, c.o.Token)
			}
		},
		Transport: &patient{base: c.http.Transport, gate: gate},
		ErrorHandler: func(w http.ResponseWriter, r *http.Request, err error) {
			if r.Context().Err() == nil {
				c.o.Log.WarnContext(r.Context(), "call failed", "app", app, "err", err)
			}
			w.Header().Set("Retry-After", "5")
			problem(w, http.StatusServiceUnavailable, "the service does not answer; try again in a few seconds")
		},
	}}
}

type caller struct {
	gate  *breaker
	proxy *httputil.ReverseProxy
}

func (c *caller) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, callBody))
	if err != nil {
		code := http.StatusBadRequest
		if _, large := errors.AsType[*http.MaxBytesError](err); large {
			code = http.StatusRequestEntityTooLarge
		}
		problem(w, code, "the request's body cannot be read")
		return
	}
	if !c.gate.allow() {
		c.proxy.ErrorHandler(w, r, errOpen)
		return
	}
	r = r.Clone(r.Context())
	r.ContentLength = int64(len(body))
	r.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(body)), nil }
	r.Body = io.NopCloser(bytes.NewReader(body))
	if r.Header.Get(idempotencyKey) == "" && !namesTurn(body) {
		r.Header.Set(idempotencyKey, tandem.NewID())
	}
	c.proxy.ServeHTTP(w, r)
}

// clientOf is the address without its port.
func clientOf(r *http.Request) string {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return r.RemoteAddr
	}
	return host
}

// namesTurn tells whether a body has a turn_id of its own.
func namesTurn(body []byte) bool {
	var chat struct {
		TurnID json.RawMessage `json:"turn_id"`
	}
	return json.Unmarshal(body, &chat) == nil && len(chat.TurnID) > 0 && string(chat.TurnID) != "null"
}

// patient repeats a call that the callee did not answer. It is for requests with a body that can be read again and a key that makes
// repetitions one.
type patient struct {
	base http.RoundTripper
	gate *breaker
}

func (p *patient) RoundTrip(r *http.Request) (*http.Response, error) {
	began := time.Now()
	for wait := callRetryLo; ; wait = min(2*wait, callRetryHi) {
		res, err := p.attempt(r)
		if err == nil {
			p.gate.report(res.StatusCode < http.StatusInternalServerError)
			return res, nil
		}
		if r.Context().Err() == nil && time.Since(began)+wait < callPatience {
			if err = pause(r, wait); err == nil {
				continue
			}
		}
		if r.Context().Err() == nil {
			p.gate.report(false)
		}
		return nil, err
	}
}

var errNotNow = errors.New("the app cannot answer now")

func pause(r *http.Request, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-r.Context().Done():
		return r.Context().Err()
	case <-t.C:
		return nil
	}
}

// attempt calls once. An answer without the callee's status is one of the sidecars: the callee did not answer.
func (p *patient) attempt(r *http.Request) (*http.Response, error) {
	again := r.Clone(r.Context())
	var err error
	if again.Body, err = r.GetBody(); err != nil {
		return nil, fmt.Errorf("read the request again: %w", err)
	}
	res, err := p.base.RoundTrip(again)
	if err != nil {
		return nil, err
	}
	code, err := strconv.Atoi(res.Header.Get(statusHeader))
	if err != nil || code < 200 || code > 599 {
		text, _ := io.ReadAll(io.LimitReader(res.Body, maxReason))
		return nil, errors.Join(fmt.Errorf("the sidecar answers %d: %s", res.StatusCode, text), res.Body.Close()) //nolint:err113 // its text
	}
	if code == http.StatusServiceUnavailable { // it is about to stop, or its store does not answer: another one may
		return nil, errors.Join(errNotNow, res.Body.Close())
	}
	res.Header.Del(statusHeader)
	res.StatusCode, res.Status = code, strconv.Itoa(code)+" "+http.StatusText(code)
	return res, nil
}

// problem answers with a problem document (RFC 9457).
func problem(w http.ResponseWriter, code int, detail string) {
	body, err := json.Marshal(map[string]any{"type": "about:blank", "title": http.StatusText(code), "status": code, "detail": detail})
	if err != nil {
		code = http.StatusInternalServerError
	}
	w.Header().Set("Content-Type", "application/problem+json")
	w.WriteHeader(code)
	_, _ = w.Write(body)
}
