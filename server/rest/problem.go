package rest

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"reflect"
	"strconv"
	"time"

	"tandem"
	"tandem/server/auth"
)

// problem is an error as RFC 9457 writes it, with the contract's code beside.
type problem struct {
	Type     string          `json:"type"`
	Title    string          `json:"title"`
	Status   int             `json:"status"`
	Detail   string          `json:"detail,omitempty"`
	Instance string          `json:"instance,omitempty"` // names an unexpected error for the log
	Code     tandem.Code     `json:"code,omitempty"`
	Details  *tandem.Details `json:"details,omitempty"`
}

// statuses maps the contract's codes; it is the only place that does.
var statuses = map[tandem.Code]int{
	tandem.CodeInvalid:       http.StatusUnprocessableEntity,
	tandem.CodeNotFound:      http.StatusNotFound,
	tandem.CodeAmbiguous:     http.StatusConflict,
	tandem.CodeForbidden:     http.StatusForbidden,
	tandem.CodeConflict:      http.StatusConflict,
	tandem.CodeNeedsApproval: http.StatusConflict,
	tandem.CodeLimited:       http.StatusTooManyRequests,
	tandem.CodeInternal:      http.StatusInternalServerError,
}

// The constant answers.
var (
	unauthorized = problem{Title: "Unauthorized", Status: http.StatusUnauthorized, Detail: "A valid token is needed."}
	notFound     = problem{Title: "Not Found", Status: http.StatusNotFound, Detail: "There is nothing here.", Code: tandem.CodeNotFound}
)

func refusal(status int, detail string) problem {
	return problem{Title: http.StatusText(status), Status: status, Detail: detail}
}

// write answers with the problem. The connection ends with it where a body may still be on its way: net/http would read
// that before it answers.
func (p problem) write(w http.ResponseWriter, r *http.Request) {
	p.Type = "about:blank"
	h := w.Header()
	h.Set("Content-Type", "application/problem+json")
	h.Set("Cache-Control", "no-store")
	h.Del("ETag")
	if r.ContentLength != 0 {
		h.Set("Connection", "close")
	}
	writeJSON(w, p.Status, p)
}

// statusGone is what the log and the metrics call a request whose client left before the answer; nobody reads it.
const statusGone = 499

// fail answers with err: a rejected credential is 401, the contract's errors have their status, and anything else shows
// nothing but an id.
func (s *Server) fail(w http.ResponseWriter, r *http.Request, err error) {
	if r.Context().Err() != nil && errors.Is(err, context.Canceled) {
		w.WriteHeader(statusGone)
		return
	}
	if _, ok := errors.AsType[*auth.Rejection](err); ok {
		w.Header().Set("WWW-Authenticate", "Bearer")
		unauthorized.write(w, r)
		return
	}
	s.problemOf(r, err).writeLimited(w, r)
}

// problemOf gives the problem document of an error that is not about credentials. An unexpected one is logged here.
func (s *Server) problemOf(r *http.Request, err error) problem {
	e := tandem.AsError(err)
	p := problem{Title: http.StatusText(statuses[e.Code]), Status: statuses[e.Code], Detail: e.Message, Code: e.Code}
	if e.Code == tandem.CodeInternal {
		id := s.NewID()
		p.Instance = "urn:uuid:" + id
		if r.Context().Err() == nil {
			s.Log.ErrorContext(r.Context(), "request failed", "error_id", id, "route", route(r), "err", err)
		}
		if e.Details.RetryMS == 0 {
			return p
		}
		// The store did not answer: the same call later gives the first result.
		p.Title, p.Status = http.StatusText(http.StatusServiceUnavailable), http.StatusServiceUnavailable
	}
	if e.Code == tandem.CodeLimited && e.Details.Field == "drain" { // of this process, not of the person
		p.Title, p.Status = http.StatusText(http.StatusServiceUnavailable), http.StatusServiceUnavailable
	}
	if !reflect.ValueOf(e.Details).IsZero() {
		p.Details = &e.Details
	}
	return p
}

// writeLimited adds the time to wait, which limits and a store that does not answer carry.
func (p problem) writeLimited(w http.ResponseWriter, r *http.Request) {
	if p.Status == http.StatusTooManyRequests || p.Status == http.StatusServiceUnavailable {
		var wait time.Duration
		if p.Details != nil {
			wait = time.Duration(p.Details.RetryMS) * time.Millisecond
		}
		retryAfter(w, wait)
	}
	p.write(w, r)
}

// retryAfter names whole seconds, at least one.
func retryAfter(w http.ResponseWriter, wait time.Duration) {
	seconds := max(1, int64((wait+time.Second-1)/time.Second))
	w.Header().Set("Retry-After", strconv.FormatInt(seconds, 10))
}

// writeJSON answers with v, which must be of our own types.
func writeJSON(w http.ResponseWriter, status int, v any) {
	body, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	writeBody(w, status, body)
}

func writeBody(w http.ResponseWriter, status int, body []byte) {
	h := w.Header()
	if h.Get("Content-Type") == "" {
		h.Set("Content-Type", "application/json")
	}
	if h.Get("Cache-Control") == "" {
		h.Set("Cache-Control", "no-store")
	}
	h.Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(status)
	_, _ = w.Write(body) // the client may be gone; there is nobody to tell
}
