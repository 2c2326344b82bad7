package rest

import (
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"

	"tandem"
)

// Bounds of a body.
const (
	maxBody    = 64 << 10
	maxMCPBody = 1 << 20
	maxDepth   = 16
)

// object reads the body as one strict JSON object. Otherwise it has answered.
func (s *Server) object(w http.ResponseWriter, r *http.Request) (map[string]json.RawMessage, bool) {
	if kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || kind != "application/json" {
		refusal(http.StatusUnsupportedMediaType, "The body must be application/json.").write(w, r)
		return nil, false
	}
	data, ok := s.body(w, r)
	if !ok {
		return nil, false
	}
	if err := tandem.WellFormed(data, maxDepth); err != nil {
		if errors.Is(err, tandem.ErrTooDeep) {
			s.Metrics.Limited(limitDepth)
		}
		s.fail(w, r, tandem.Invalid("body", nil, "The body must be one JSON object in UTF-8 without repeated keys, nested at most %d deep.", maxDepth).Because(err))
		return nil, false
	}
	// A map, not a struct: fields of a struct would also match keys in another case.
	var m map[string]json.RawMessage
	if err := json.Unmarshal(data, &m); err != nil || m == nil {
		s.fail(w, r, tandem.Invalid("body", nil, "The body must be a JSON object."))
		return nil, false
	}
	return m, true
}

func (s *Server) body(w http.ResponseWriter, r *http.Request) ([]byte, bool) {
	if r.ContentLength > maxBody {
		s.tooLarge(w, r)
		return nil, false
	}
	data, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err == nil {
		return data, true
	}
	if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
		s.tooLarge(w, r)
		return nil, false
	}
	refusal(http.StatusBadRequest, "The body ended early or took too long.").write(w, r)
	return nil, false
}

func (s *Server) tooLarge(w http.ResponseWriter, r *http.Request) {
	s.Metrics.Limited(limitBody)
	refusal(http.StatusRequestEntityTooLarge, "The body is too large.").write(w, r)
}

// decode reads a member of a body into v. An absent or null member leaves v alone.
func decode[T any](m map[string]json.RawMessage, name string, v *T) error {
	raw := m[name]
	if len(raw) == 0 || string(raw) == "null" {
		return nil
	}
	if err := json.Unmarshal(raw, v); err != nil {
		return tandem.Invalid(name, nil, "%s has the wrong type.", name).Because(err)
	}
	return nil
}
