package rest

import (
	"errors"
	"fmt"
	"net/http"

	"tandem"
	"tandem/server/auth"
)

const (
	mcpPath      = "/mcp"
	metadataPath = "/.well-known/oauth-protected-resource"
)

// mcp hands a request on to the tools. Each one is verified by itself: no session stands for a person.
func (s *Server) mcp(w http.ResponseWriter, r *http.Request) {
	if from, one := originOf(r); !one || from != "" && !s.ownOrigin(r, from) {
		s.fail(w, r, tandem.Forbidden("origin", "Pages of another origin may not call the tools."))
		return
	}
	p, err := s.Verifier.RequestAt(r, s.resource())
	if _, ok := errors.AsType[*auth.Rejection](err); ok {
		w.Header().Set("WWW-Authenticate", fmt.Sprintf("Bearer resource_metadata=%q", s.base(r)+metadataPath+mcpPath))
		unauthorized.write(w, r)
		return
	}
	if err != nil {
		s.fail(w, r, err)
		return
	}
	tandem.FaultPoint("http.after_auth")
	if r.ContentLength > maxMCPBody {
		s.tooLarge(w, r)
		return
	}
	r.Body = http.MaxBytesReader(w, r.Body, maxMCPBody)
	s.MCP(w, r, p)
}

// resource is the name of the tools as an audience. Without a configured address there is none: the Host of a request is the word of
// whoever sends it.
func (s *Server) resource() string {
	if s.public.host == "" {
		return ""
	}
	return s.public.String() + mcpPath
}

// resourceMetadata answers with the protected-resource document of RFC 9728.
func (s *Server) resourceMetadata(w http.ResponseWriter, r *http.Request) {
	doc := struct {
		Resource string   `json:"resource"`
		Name     string   `json:"resource_name"`
		Servers  []string `json:"authorization_servers,omitempty"`
		Methods  []string `json:"bearer_methods_supported"`
		Scopes   []string `json:"scopes_supported"`
	}{s.base(r) + mcpPath, "Tandem", nil, []string{"header"}, tandem.Scopes}
	if s.AuthURL != "" {
		doc.Servers = []string{s.AuthURL}
	}
	w.Header().Set("Cache-Control", "no-cache")
	writeJSON(w, http.StatusOK, doc)
}
