package auth

import (
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"tandem"
)

// DefaultScopes are those of a personal access token that names none.
var DefaultScopes = []string{ScopeRead, ScopeWrite}

// longestLife bounds the life of a personal access token that ends at all.
const longestLife = 10 * 366 * 24 * time.Hour

// Wish describes a personal access token to be made.
type Wish struct {
	Name   string
	Scopes []string // none: DefaultScopes
	Life   string   // such as 30s, 12h or 90d; empty: until it is revoked
}

// Mint makes a personal access token: the secret, which is shown once, and what is kept of it.
func Mint(w Wish, now time.Time, newID func() string) (secret string, t *tandem.NewToken, err error) {
	info := tandem.TokenInfo{ID: newID(), CreatedAt: tandem.Stamp(now)}
	if info.Name, err = tandem.CleanTitle(w.Name); err != nil || utf8.RuneCountInString(info.Name) > tandem.MaxTag {
		return "", nil, tandem.Invalid("name", w.Name, "The name of a token has 1 to %d characters.", tandem.MaxTag)
	}
	for _, s := range w.Scopes {
		if !slices.Contains(Scopes, s) {
			return "", nil, tandem.NotOneOf("scope", s, Scopes)
		}
		if !slices.Contains(info.Scopes, s) {
			info.Scopes = append(info.Scopes, s)
		}
	}
	if len(info.Scopes) == 0 {
		info.Scopes = slices.Clone(DefaultScopes)
	}
	if w.Life != "" {
		life, err := lifetime(w.Life)
		if err != nil {
			return "", nil, err
		}
		ends := tandem.Stamp(now.Add(life))
		info.ExpiresAt = &ends
	}
	secret = NewPersonalToken()
	return secret, &tandem.NewToken{Info: info, Hash: Hash(secret)}, nil
}

// lifetime reads a duration that may count days: 30s, 12h, 90d.
func lifetime(text string) (time.Duration, error) {
	plain := text
	if days, ok := strings.CutSuffix(text, "d"); ok {
		if n, err := strconv.ParseUint(days, 10, 16); err == nil {
			plain = strconv.FormatUint(n*24, 10) + "h"
		}
	}
	if d, err := time.ParseDuration(plain); err == nil && d >= time.Second && d <= longestLife {
		return d, nil
	}
	return 0, tandem.Invalid("expires", text, "%q is not a duration such as 30s, 12h or 90d, of at most ten years", text)
}
