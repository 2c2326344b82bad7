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
		// The surface in front has set its own already.
		ModifyResponse: func(res *http.Response) error {
			for _, name := range pageHeaders {
				res.Header.Del(name)
			}
			return nil
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
