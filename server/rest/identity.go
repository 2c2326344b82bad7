package rest

import (
	"net/http"
	"net/url"
	"strings"

	"tandem/server/auth"
)

// owner verifies the bearer of a request under /api/{user_id}/ and that the path is theirs. Otherwise it has answered.
func (s *Server) owner(w http.ResponseWriter, r *http.Request) (auth.Principal, bool) {
	p, err := s.Verifier.RequestFor(r, pathUser(r))
	if err != nil {
		s.fail(w, r, err)
	}
	return p, err == nil
}

// pathUser gives the user id in the path after exactly one unescape. What is no id equals nobody's.
func pathUser(r *http.Request) string {
	parts := strings.Split(r.URL.EscapedPath(), "/")
	if len(parts) < 3 {
		return ""
	}
	id, err := url.PathUnescape(parts[2])
	if err != nil {
		return ""
	}
	return id
}
