package auth

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"regexp"
	"slices"
	"strings"
	"time"

	"tandem"
)

// Bounds of a token.
const (
	maxToken = 8 << 10
	maxDepth = 16
)

var (
	partForm = regexp.MustCompile(`^[A-Za-z0-9_-]+$`)
	kidForm  = regexp.MustCompile(`^[A-Za-z0-9_-]{1,128}$`)
)

// compact is a token of the right form. Nothing in it is verified.
type compact struct {
	raw    []byte
	alg    string
	kid    string
	claims claims
}

// claims are the members of the payload that mean something here. Absent times are zero.
type claims struct {
	issuer    string
	subject   tandem.UserID
	audience  []string
	id        string
	scopes    []string // nil: no scope claim
	expires   time.Time
	notBefore time.Time
	issuedAt  time.Time
}

// parse reads a token in compact form. It accepts less than RFC 7515 does: no header but alg, kid and typ, so nothing that
// could name another key, another encoding, or an extension.
func parse(raw string) (compact, error) {
	if len(raw) > maxToken {
		return compact{}, errors.New("longer than 8 KiB")
	}
	parts := strings.Split(raw, ".")
	if len(parts) != 3 {
		return compact{}, errors.New("not three parts")
	}
	var decoded [3][]byte
	for i, part := range parts {
		// The decoder would skip line breaks, so the alphabet is checked first.
		if !partForm.MatchString(part) {
			return compact{}, fmt.Errorf("part %d is not base64url", i+1)
		}
		b, err := base64.RawURLEncoding.Strict().DecodeString(part)
		if err != nil {
			return compact{}, fmt.Errorf("part %d: %w", i+1, err)
		}
		decoded[i] = b
	}
	c := compact{raw: []byte(raw)}
	if err := c.readHeader(decoded[0]); err != nil {
		return compact{}, fmt.Errorf("header: %w", err)
	}
	if err := c.claims.read(decoded[1]); err != nil {
		return compact{}, fmt.Errorf("payload: %w", err)
	}
	return c, nil
}

// members decodes one strict JSON object. A map, not a struct: struct fields would also match keys in another case.
func members(data []byte) (map[string]json.RawMessage, error) {
	if err := tandem.WellFormed(data, maxDepth); err != nil {
		return nil, err
	}
	var m map[string]json.RawMessage
	if err := json.Unmarshal(data, &m); err != nil {
		return nil, err
	}
	if m == nil {
		return nil, errors.New("not an object")
	}
	return m, nil
}

func (c *compact) readHeader(data []byte) error {
	m, err := members(data)
	if err != nil {
		return err
	}
	var typ string
	fields := map[string]*string{"alg": &c.alg, "kid": &c.kid, "typ": &typ}
	for name, value := range m {
		field, ok := fields[name]
		if !ok {
			return fmt.Errorf("member %.20q", name)
		}
		if *field, err = text(value); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	if _, given := m["kid"]; given && !kidForm.MatchString(c.kid) {
		return errors.New("kid has a bad form")
	}
	if _, given := m["typ"]; given && typ != "JWT" && typ != "at+jwt" {
		return errors.New("typ is neither JWT nor at+jwt")
	}
	return nil
}

func (c *claims) read(data []byte) error {
	m, err := members(data)
	if err != nil {
		return err
	}
	var sub, scope string
	for name, field := range map[string]*string{"iss": &c.issuer, "sub": &sub, "jti": &c.id, "scope": &scope} {
		if value, ok := m[name]; ok {
			if *field, err = text(value); err != nil {
				return fmt.Errorf("%s: %w", name, err)
			}
		}
	}
	for name, field := range map[string]*time.Time{"exp": &c.expires, "nbf": &c.notBefore, "iat": &c.issuedAt} {
		if value, ok := m[name]; ok {
			if *field, err = numericDate(value); err != nil {
				return fmt.Errorf("%s: %w", name, err)
			}
		}
	}
	if value, ok := m["aud"]; ok {
		if c.audience, err = audience(value); err != nil {
			return fmt.Errorf("aud: %w", err)
		}
	}
	if _, ok := m["scope"]; ok {
		c.scopes = append([]string{}, strings.Fields(scope)...)
	}
	if c.subject = tandem.UserID(sub); !c.subject.Valid() {
		return errors.New("sub is missing or has a bad form")
	}
	if c.expires.IsZero() {
		return errors.New("exp is missing")
	}
	return nil
}

var errWrongType = errors.New("wrong type")

// text decodes a JSON string; null is none.
func text(value json.RawMessage) (string, error) {
	var s string
	if len(value) == 0 || value[0] != '"' {
		return "", errWrongType
	}
	if err := json.Unmarshal(value, &s); err != nil {
		return "", err
	}
	return s, nil
}

// lastSecond is the end of the year 9999, the last instant that RFC 3339 can write.
const lastSecond = 253402300799

// numericDate decodes seconds since 1970, whole or not (RFC 7519, section 2).
func numericDate(value json.RawMessage) (time.Time, error) {
	var n float64
	if len(value) == 0 || value[0] == 'n' || json.Unmarshal(value, &n) != nil {
		return time.Time{}, errWrongType
	}
	if n < 1 || n > lastSecond {
		return time.Time{}, errors.New("out of range")
	}
	whole, part := math.Modf(n)
	return time.Unix(int64(whole), int64(part*1e9)).UTC(), nil
}

// audience decodes one string or an array of strings.
func audience(value json.RawMessage) ([]string, error) {
	if s, err := text(value); err == nil {
		return []string{s}, nil
	}
	var list []json.RawMessage
	if len(value) == 0 || value[0] != '[' || json.Unmarshal(value, &list) != nil {
		return nil, errWrongType
	}
	out := make([]string, len(list))
	for i, member := range list {
		s, err := text(member)
		if err != nil {
			return nil, err
		}
		out[i] = s
	}
	return out, nil
}

// meant reports whether the token is for one of the audiences; none configured: for anybody.
func (c claims) meant(audiences []string) bool {
	return len(audiences) == 0 || slices.ContainsFunc(c.audience, func(a string) bool { return slices.Contains(audiences, a) })
}
