package rest

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httputil"
	"net/url"
	"strings"
)

// Upstream passes requests on to the server that answers them. It verifies nothing: credentials go along, and that server
// judges them.
type Upstream struct {
	direct http.Handler
	whole  http.Handler
}

// NewUpstream makes the way to the server at target. Chat turns whose answer is no stream are given to whole, which may try more than
// once; nil: they go straight, as everything else does.
func NewUpstream(target *url.URL, whole http.Handler, log *slog.Logger) *Upstream {
	direct := &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(target)
			r.SetXForwarded()
			r.Out.Host = r.In.Host
		},
		FlushInterval: -1, ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelDebug),
		ErrorHandler: func(w http.ResponseWriter, r *http.Request, err error) {
			log.WarnContext(r.Context(), "upstream out of reach", "err", err)
			w.Header().Set("Retry-After", "1")
			refusal(http.StatusServiceUnavailable, "The server is not reachable. Try again in a moment.").write(w, r)
		},
	}
	if whole == nil {
		return &Upstream{direct, direct}
	}
	return &Upstream{direct, whole}
}

// ServeHTTP passes one request on.
func (u *Upstream) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w = &ownHeaders{ResponseWriter: w}
	if r.Method != http.MethodPost || !strings.HasSuffix(r.URL.Path, "/chat") || acceptsStream(r) {
		u.direct.ServeHTTP(w, r)
		return
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if _, large := errors.AsType[*http.MaxBytesError](err); large {
		refusal(http.StatusRequestEntityTooLarge, "The body is too large.").write(w, r)
		return
	}
	if err != nil {
		return // the client went away
	}
	r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
	if streams(body) {
		u.direct.ServeHTTP(w, r)
		return
	}
	u.whole.ServeHTTP(w, r)
}

// streams tells of a chat body whether its answer is a stream. What cannot be read is passed on: the server says what is wrong
// with it.
func streams(body []byte) bool {
	var fields map[string]json.RawMessage
	return json.Unmarshal(body, &fields) == nil && (string(fields["stream"]) == "true" || isChatKit(fields))
}

// ownHeaders keeps the headers that every answer of this surface carries: what is passed on adds its own to them.
type ownHeaders struct {
	http.ResponseWriter
	written bool
}

// WriteHeader drops what was added.
func (o *ownHeaders) WriteHeader(code int) {
	if !o.written {
		o.written = code >= http.StatusOK || code == http.StatusSwitchingProtocols
		for _, name := range pageHeaders {
			if values := o.Header()[name]; len(values) > 1 {
				o.Header()[name] = values[:1]
			}
		}
	}
	o.ResponseWriter.WriteHeader(code)
}

// Write sends the headers first.
func (o *ownHeaders) Write(b []byte) (int, error) {
	if !o.written {
		o.WriteHeader(http.StatusOK)
	}
	return o.ResponseWriter.Write(b)
}

// Unwrap lets a stream be flushed and a socket be taken over.
func (o *ownHeaders) Unwrap() http.ResponseWriter { return o.ResponseWriter }
