package rest

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
)

// origin is a scheme and a host with its port.
type origin struct {
	scheme, host string
}

func (o origin) String() string { return o.scheme + "://" + o.host }

// parseOrigin reads the origin of an address; the empty one gives the zero origin.
func parseOrigin(address string) (origin, error) {
	if address == "" {
		return origin{}, nil
	}
	u, err := url.Parse(address)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return origin{}, fmt.Errorf("%q is not an http or https address", address)
	}
	return origin{u.Scheme, strings.ToLower(u.Host)}, nil
}

// base is the address under which the client reached the server: the configured one, or as the request has it.
func (s *Server) base(r *http.Request) string {
	if s.public.host != "" {
		return s.public.String()
	}
	return origin{scheme(r), r.Host}.String()
}

func scheme(r *http.Request) string {
	if r.TLS != nil {
		return "https"
	}
	return "http"
}

// ownOrigin reports whether a page of this origin is ours: of the configured address, or of the very host that was asked where
// that is not the configured one but ours too. Everything is compared whole.
func (s *Server) ownOrigin(r *http.Request, from string) bool {
	if s.public.host != "" && strings.EqualFold(from, s.public.String()) {
		return true
	}
	if s.public.host != "" && (s.AnyHost || strings.EqualFold(r.Host, s.public.host)) {
		return false // the scheme differs, or something in front of the server serves another name
	}
	return s.ownHost(r) && strings.EqualFold(from, origin{scheme(r), r.Host}.String())
}

// originOf gives the one Origin header; ok is false for several.
func originOf(r *http.Request) (from string, ok bool) {
	values := r.Header.Values("Origin")
	if len(values) == 0 {
		return "", true
	}
	return values[0], len(values) == 1
}
