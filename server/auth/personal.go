package auth

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"regexp"
	"time"

	"tandem"
)

const personalPrefix = "tdm_"

var personalForm = regexp.MustCompile(`^tdm_[A-Za-z0-9_-]{43}$`)

// NewPersonalToken makes the secret of a personal access token. Only its hash is to be kept.
func NewPersonalToken() string { return personalPrefix + newSecret() }

// newSecret gives 256 random bits in base64url.
func newSecret() string {
	b := make([]byte, 32)
	rand.Read(b) // never fails: crypto/rand ends the program instead
	return base64.RawURLEncoding.EncodeToString(b)
}

// Hash is the form in which secrets of 256 random bits are kept and looked up: hex SHA-256. Such secrets need no salt.
func Hash(secret string) string {
	sum := sha256.Sum256([]byte(secret))
	return hex.EncodeToString(sum[:])
}

func (v *Verifier) personal(ctx context.Context, raw string) (Principal, error) {
	if !personalForm.MatchString(raw) {
		return Principal{}, reject(ReasonMalformed, nil)
	}
	user, info, err := v.store.TokenByHash(ctx, Hash(raw))
	if errors.Is(err, tandem.ErrNotFound) {
		return Principal{}, reject(ReasonPersonal, nil)
	}
	if err != nil {
		return Principal{}, fmt.Errorf("look up personal token: %w", err)
	}
	p := Principal{User: user, Program: true, TokenID: info.ID, Scopes: append([]string{}, info.Scopes...)}
	if info.ExpiresAt != nil {
		p.Expires = time.Time(*info.ExpiresAt)
		if !v.now().Before(p.Expires) {
			return Principal{}, reject(ReasonExpired, nil)
		}
	}
	return p, nil
}
