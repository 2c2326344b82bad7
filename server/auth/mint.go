package auth

import (
	"slices"
	"time"
	"unicode/utf8"

	"tandem"
)

// Wish describes a personal access token to be made.
type Wish struct {
	Name   string
	Scopes []string      // clean; none: tandem.DefaultScopes
	Life   time.Duration // 0: until it is revoked
}

// Mint makes a personal access token: the secret, which is shown once, and what is kept of it.
func Mint(w Wish, now time.Time, newID func() string) (secret string, t *tandem.NewToken, err error) {
	info := tandem.TokenInfo{ID: newID(), CreatedAt: tandem.Stamp(now)}
	if info.Name, err = tandem.CleanTitle(w.Name); err != nil || utf8.RuneCountInString(info.Name) > tandem.MaxTag {
		return "", nil, tandem.Invalid("name", w.Name, "The name of a token has 1 to %d characters.", tandem.MaxTag)
	}
	if info.Scopes = w.Scopes; len(w.Scopes) == 0 {
		info.Scopes = slices.Clone(tandem.DefaultScopes)
	}
	if w.Life != 0 {
		ends := tandem.Stamp(now.Add(w.Life))
		info.ExpiresAt = &ends
	}
	secret = NewPersonalToken()
	return secret, &tandem.NewToken{Info: info, Hash: Hash(secret)}, nil
}
