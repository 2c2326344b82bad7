package rest

import (
	"net/http"
	"net/url"
	"strings"

	"tandem"
	"tandem/server/auth"
)

// owner verifies the bearer of a request under /api/{user_id}/ and that the path is theirs. Otherwise it has answered.
func (s *Server) owner(w http.ResponseWriter, r *http.Request) (auth.Principal, bool) {
	p, err := s.Verifier.RequestFor(r, pathUser(r))
	if err != nil {
		s.fail(w, r, err)
		return p, false
	}
	tandem.FaultPoint("http.after_auth")
	return p, true
}

// pathUser gives the user id in the path after exactly one unescape. What is no id equals nobody's.
func pathUser(r *http.Request) string {
	// EscapedPath would not do: where the raw path holds a byte that should have been escaped, it is made anew from the
	// decoded one, and an encoded slash comes out as a real one.
	if r.URL.RawPath == "" {
		return segment(r.URL.Path)
	}
	id, err := url.PathUnescape(segment(r.URL.RawPath))
	if err != nil {
		return ""
	}
	return id
}

// segment gives what stands behind /api/.
func segment(path string) string {
	parts := strings.SplitN(path, "/", 4)
	if len(parts) < 3 {
		return ""
	}
	return parts[2]
}
