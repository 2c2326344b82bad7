package auth

import (
	"slices"
	"time"

	"tandem"
)

// Principal is who a verified credential speaks for.
type Principal struct {
	User    tandem.UserID
	Expires time.Time // zero: never
	Issuer  string    // as the token names it; empty for a plain token of the shared secret
	Program bool      // a personal access token: a program, not the person's own hands
	TokenID string    // of a personal access token, or the jti of a JWT
	Scopes  []string  // nil: all
}

// Allows reports whether the credential holds the scope. One that names no scopes holds all.
func (p Principal) Allows(scope string) bool {
	return p.Scopes == nil || slices.Contains(p.Scopes, scope)
}
