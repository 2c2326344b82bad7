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

	"tandem"
)

// Upstream passes requests on to the server that answers them. It verifies nothing: credentials go along, and that server
// judges them.
type Upstream struct {
	direct *httputil.ReverseProxy
	// whole carries chat turns that are answered at once. It may try again, so each has an idempotency key.
	whole *httputil.ReverseProxy
}

// NewUpstream makes the way to the server at target. Chat turns that are not streamed go by way of invoke, which may retry; nil:
// everything goes straight.
func NewUpstream(target *url.URL, invoke http.RoundTripper, log *slog.Logger) *Upstream {
	proxy := func(t http.RoundTripper) *httputil.ReverseProxy {
		return &httputil.ReverseProxy{
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
			FlushInterval: -1, Transport: t, ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelDebug),
			ErrorHandler: func(w http.ResponseWriter, r *http.Request, err error) {
				log.WarnContext(r.Context(), "upstream out of reach", "err", err)
				unreachable(w, r)
			},
		}
	}
	u := &Upstream{direct: proxy(http.DefaultTransport)}
	if invoke != nil {
		u.whole = proxy(invoke)
	}
	return u
}

func unreachable(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Retry-After", "1")
	refusal(http.StatusServiceUnavailable, "The server is not reachable. Try again in a moment.").write(w, r)
}

// ServeHTTP passes one request on.
func (u *Upstream) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if u.whole == nil || r.Method != http.MethodPost || !strings.HasSuffix(r.URL.Path, "/chat") || acceptsStream(r) {
		u.direct.ServeHTTP(w, r)
		return
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if tooLarge, ok := errors.AsType[*http.MaxBytesError](err); ok && tooLarge != nil {
		refusal(http.StatusRequestEntityTooLarge, "The body is too large.").write(w, r)
		return
	}
	if err != nil {
		return // the client went away
	}
	r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
	r.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(body)), nil }
	streamed, named := peek(body)
	if streamed {
		u.direct.ServeHTTP(w, r)
		return
	}
	if !named && r.Header.Get("Idempotency-Key") == "" {
		r.Header.Set("Idempotency-Key", tandem.NewID())
	}
	u.whole.ServeHTTP(w, r)
}

// peek tells of a chat body whether its answer is a stream and whether it names its turn. What cannot be read is passed on
// whole: the server says what is wrong with it.
func peek(body []byte) (streamed, named bool) {
	var fields map[string]json.RawMessage
	if json.Unmarshal(body, &fields) != nil {
		return false, false
	}
	turn := string(fields["turn_id"])
	return string(fields["stream"]) == "true" || isChatKit(fields), turn != "" && turn != "null"
}
