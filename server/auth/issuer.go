package auth

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/lestrrat-go/jwx/v3/jwa"

	"tandem"
)

// Issuer is a row of configuration: the one way in which tokens of an issuer are believed.
type Issuer struct {
	Name      string        // iss, compared byte for byte; empty: the shared secret's row
	Audience  []string      // empty: any
	Algorithm string        // HS256, or an algorithm of signatures
	JWKS      string        // address of the public keys; not with HS256
	Secrets   [][]byte      // current, then previous; with HS256 only
	MaxAge    time.Duration // 0: no limit; otherwise iat is required
	// SharedSubjects says that whoever chooses a sub here may be any user of another issuer too.
	SharedSubjects bool
}

const hs256 = "HS256"

// signatures are the algorithms a row with public keys may name.
var signatures = map[string]jwa.SignatureAlgorithm{
	"EdDSA": jwa.EdDSA(), "ES256": jwa.ES256(), "ES384": jwa.ES384(), "ES512": jwa.ES512(),
	"PS256": jwa.PS256(), "PS384": jwa.PS384(), "PS512": jwa.PS512(),
	"RS256": jwa.RS256(), "RS384": jwa.RS384(), "RS512": jwa.RS512(),
}

// minSecret is the length of an HS256 secret in bytes (RFC 7518, section 3.2).
const minSecret = 32

// wellKnown are secrets that stand in documentation and default configurations and are long enough to pass otherwise.
var wellKnown = []string{
	"better-auth-secret-12345678901234567890", "a-string-secret-at-least-256-bits-long", "your-256-bit-secret-your-256-bit-secret",
	"your-super-secret-jwt-token-with-at-least-32-characters-long", "your-secret-key-change-in-production",
	"0123456789abcdef0123456789abcdef", "00000000000000000000000000000000", "thisisasecretkeythatisatleast32characterslong",
	"supersecretkeythatisatleast32characters", "change-me-change-me-change-me-change-me",
}

// CheckSecret says what is wrong with an HS256 secret.
func CheckSecret(secret []byte) error {
	if len(secret) < minSecret {
		return fmt.Errorf("an HS256 secret needs at least %d bytes; this one has %d", minSecret, len(secret))
	}
	if slices.Contains(wellKnown, string(secret)) {
		return errors.New("this secret is a well-known example; make one of your own")
	}
	return nil
}

// SharedSecret is the row of a secret without issuer or audience: it takes tokens whose iss is absent or names no other row.
func SharedSecret(secret []byte) (Issuer, error) {
	if err := CheckSecret(secret); err != nil {
		return Issuer{}, err
	}
	return Issuer{Algorithm: hs256, Secrets: [][]byte{secret}}, nil
}

// issuerRow is a row as the file has it.
type issuerRow struct {
	Iss                string   `json:"iss"`
	Aud                []string `json:"aud"`
	Alg                string   `json:"alg"`
	JWKSURL            string   `json:"jwks_url"`
	SecretFile         string   `json:"secret_file"`
	PreviousSecretFile string   `json:"previous_secret_file"`
	MaxAge             string   `json:"max_age"`
	SharedSubjects     bool     `json:"shared_subjects"`
}

// LoadIssuers reads a file of issuer rows. Unknown keys are refused: a misspelt one would silently drop a check.
func LoadIssuers(path string) ([]Issuer, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	if err := tandem.WellFormed(data, maxDepth); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	var doc struct {
		Issuers []issuerRow `json:"issuers"`
	}
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&doc); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	if len(doc.Issuers) == 0 {
		return nil, fmt.Errorf("%s names no issuers", path)
	}
	out := make([]Issuer, len(doc.Issuers))
	for i, row := range doc.Issuers {
		if out[i], err = row.issuer(); err != nil {
			return nil, fmt.Errorf("%s: issuer %d: %w", path, i+1, err)
		}
	}
	return out, nil
}

func (row issuerRow) issuer() (Issuer, error) {
	is := Issuer{Name: row.Iss, Audience: row.Aud, Algorithm: row.Alg, JWKS: row.JWKSURL, SharedSubjects: row.SharedSubjects}
	if row.Iss == "" {
		return is, errors.New("iss is missing")
	}
	if row.MaxAge != "" {
		age, err := time.ParseDuration(row.MaxAge)
		if err != nil || age <= 0 {
			return is, fmt.Errorf("max_age %q is not a duration such as 1h", row.MaxAge)
		}
		is.MaxAge = age
	}
	if row.Alg != hs256 && row.SecretFile+row.PreviousSecretFile != "" {
		return is, fmt.Errorf("secret_file goes with HS256 only, not with %q", row.Alg)
	}
	for _, file := range []string{row.SecretFile, row.PreviousSecretFile} {
		if file == "" {
			continue
		}
		secret, err := os.ReadFile(file)
		if err != nil {
			return is, err
		}
		is.Secrets = append(is.Secrets, bytes.TrimRight(secret, "\r\n"))
	}
	if row.Alg == hs256 && row.SecretFile == "" {
		return is, errors.New("HS256 needs a secret_file")
	}
	return is, is.check()
}

// check finds what would make a row unsafe or useless.
func (is Issuer) check() error {
	if is.Algorithm == hs256 {
		if is.JWKS != "" || len(is.Secrets) == 0 {
			return errors.New("HS256 takes a secret and no jwks_url")
		}
		for _, s := range is.Secrets {
			if err := CheckSecret(s); err != nil {
				return err
			}
		}
		return nil
	}
	if _, ok := signatures[is.Algorithm]; !ok {
		return fmt.Errorf("alg %q is not HS256, EdDSA, or one of the ES, PS and RS algorithms", is.Algorithm)
	}
	if len(is.Secrets) > 0 {
		return fmt.Errorf("a secret goes with HS256 only, not with %s", is.Algorithm)
	}
	return checkKeyAddress(is.JWKS)
}

func checkKeyAddress(address string) error {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" || u.User != nil {
		return fmt.Errorf("jwks_url %q is not an address", address)
	}
	if u.Scheme != "https" && (u.Scheme != "http" || !loopback(u.Hostname())) {
		return fmt.Errorf("jwks_url %q must be https", address)
	}
	return nil
}

func loopback(host string) bool {
	return strings.EqualFold(host, "localhost") || net.ParseIP(host).IsLoopback()
}

// checkTogether finds what is wrong with rows beside each other.
func checkTogether(rows []Issuer) error {
	names := map[string]bool{}
	for _, is := range rows {
		if err := is.check(); err != nil {
			return fmt.Errorf("issuer %q: %w", is.Name, err)
		}
		if names[is.Name] {
			return fmt.Errorf("issuer %q stands twice", is.Name)
		}
		names[is.Name] = true
		if len(rows) > 1 && is.Name != "" && !is.SharedSubjects {
			return fmt.Errorf(`issuer %q stands beside another: whoever can choose a "sub" at one is that user at both, `+
				`so each row must say "shared_subjects": true`, is.Name)
		}
	}
	return nil
}
