package auth

import (
	"errors"
	"net/http"
	"strings"

	"github.com/go-chi/jwtauth/v5"
)

// The entries of the subprotocol list that a browser offers.
const (
	// Subprotocol is the one that the server answers with.
	Subprotocol  = "tandem.sync.v1"
	bearerPrefix = "bearer."
)

// bearer takes the credential from the one Authorization header. Cookies and the query are never looked at.
func bearer(r *http.Request) (string, error) {
	switch headers := r.Header.Values("Authorization"); len(headers) {
	case 0:
		return "", reject(ReasonMissing, nil)
	case 1:
	default:
		return "", reject(ReasonMalformed, errors.New("several Authorization headers"))
	}
	raw := jwtauth.TokenFromHeader(r)
	if raw == "" {
		return "", reject(ReasonMissing, errors.New("no bearer token"))
	}
	return raw, nil
}

// socketBearer takes the credential from the header or from the subprotocol list [tandem.sync.v1, bearer.TOKEN]. Both at
// once are refused: which of two identities was meant must not be a matter of order.
func socketBearer(r *http.Request) (raw string, inHeader bool, err error) {
	var offered []string
	for _, line := range r.Header.Values("Sec-WebSocket-Protocol") {
		for entry := range strings.SplitSeq(line, ",") {
			if token, ok := strings.CutPrefix(strings.TrimSpace(entry), bearerPrefix); ok {
				offered = append(offered, token)
			}
		}
	}
	inHeader = len(r.Header.Values("Authorization")) > 0
	switch {
	case inHeader && len(offered) > 0, len(offered) > 1:
		return "", inHeader, reject(ReasonMalformed, errors.New("several credentials"))
	case len(offered) == 1:
		return offered[0], false, nil
	}
	raw, err = bearer(r)
	return raw, inHeader, err
}
