package auth

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/lestrrat-go/jwx/v3/jwa"
	"github.com/lestrrat-go/jwx/v3/jws"

	"tandem"
)

// TokenTTL is how long a token for a person's page lives.
const TokenTTL = 15 * time.Minute

// Grant is what Sign puts into a token.
type Grant struct {
	User     tandem.UserID
	Issuer   string   // may be empty
	Audience string   // may be empty
	Scopes   []string // nil: all, without a claim
	Issued   time.Time
	Expires  time.Time
}

// Sign makes an HS256 token. Its times have whole seconds.
func Sign(secret []byte, g Grant) (string, error) {
	if !g.User.Valid() {
		return "", fmt.Errorf("%q is not a user id", g.User)
	}
	if err := CheckSecret(secret); err != nil {
		return "", err
	}
	payload, err := json.Marshal(struct {
		Issuer   string        `json:"iss,omitempty"`
		Audience string        `json:"aud,omitempty"`
		Subject  tandem.UserID `json:"sub"`
		IssuedAt int64         `json:"iat"`
		Expires  int64         `json:"exp"`
		Scope    *string       `json:"scope,omitempty"`
	}{g.Issuer, g.Audience, g.User, g.Issued.Unix(), g.Expires.Unix(), scopeClaim(g.Scopes)})
	if err != nil {
		return "", err
	}
	headers := jws.NewHeaders()
	if err := headers.Set(jws.TypeKey, "JWT"); err != nil {
		return "", err
	}
	token, err := jws.Sign(payload, jws.WithKey(jwa.HS256(), secret, jws.WithProtectedHeaders(headers)))
	return string(token), err
}

// scopeClaim writes scopes as RFC 8693 has them.
func scopeClaim(scopes []string) *string {
	if scopes == nil {
		return nil
	}
	claim := strings.Join(scopes, " ")
	return &claim
}

// ownSecretFile is where a program that is its own issuer keeps its secret.
const ownSecretFile = "auth.secret"

// OwnSecret gives the secret of a program that is its own issuer, made at the first call: a file in dir that only its owner
// can read.
func OwnSecret(dir string) ([]byte, error) {
	path := filepath.Join(dir, ownSecretFile)
	secret, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		if err = createSecret(dir, path); err == nil {
			secret, err = os.ReadFile(path)
		}
	}
	if err != nil {
		return nil, fmt.Errorf("signing secret: %w", err)
	}
	if err := os.Chmod(path, 0o600); err != nil {
		return nil, fmt.Errorf("signing secret: %w", err)
	}
	secret = []byte(strings.TrimSpace(string(secret)))
	if err := CheckSecret(secret); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return secret, nil
}

// createSecret writes a new secret so that it appears whole or not at all. Another process may have been first: its secret
// stays.
func createSecret(dir, path string) error {
	tmp, err := os.CreateTemp(dir, ownSecretFile+".*") // mode 0600
	if err != nil {
		return err
	}
	defer os.Remove(tmp.Name())
	_, err = tmp.WriteString(newSecret() + "\n")
	if err = errors.Join(err, tmp.Sync(), tmp.Close()); err != nil {
		return err
	}
	if err := os.Link(tmp.Name(), path); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	return nil
}
