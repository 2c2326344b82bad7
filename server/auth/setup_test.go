package auth_test

import (
	"context"
	"crypto"
	"crypto/ed25519"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"tandem"
	"tandem/server/auth"
)

const secret = "a secret of the tests, longer than 32 bytes"

// clock is a time that tests move.
type clock struct {
	mu sync.Mutex
	t  time.Time
}

func newClock() *clock { return &clock{t: time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC)} }

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.t
}

func (c *clock) move(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.t = c.t.Add(d)
}

// memory keeps personal tokens and revocations of one test.
type memory struct {
	asked   atomic.Int64
	tokens  map[string]tandem.TokenInfo // by hash
	owner   tandem.UserID
	revoked map[tandem.UserID]time.Time
	down    bool
}

func (m *memory) TokenByHash(_ context.Context, hash string) (tandem.UserID, tandem.TokenInfo, error) {
	m.asked.Add(1)
	if m.down {
		return "", tandem.TokenInfo{}, errors.New("disk on fire")
	}
	info, ok := m.tokens[hash]
	if !ok {
		return "", info, tandem.NotFound("token", "", "token")
	}
	return m.owner, info, nil
}

func (m *memory) RevokedBefore(_ context.Context, user tandem.UserID) (time.Time, error) {
	m.asked.Add(1)
	if m.down {
		return time.Time{}, errors.New("disk on fire")
	}
	return m.revoked[user], nil
}

// bench is a verifier with all that it depends on.
type bench struct {
	*auth.Verifier
	clock *clock
	store *memory

	mu      sync.Mutex
	reasons []auth.Reason
}

func (b *bench) rejected(r auth.Reason) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.reasons = append(b.reasons, r)
}

func newBench(t *testing.T, issuers ...auth.Issuer) *bench {
	t.Helper()
	b := &bench{clock: newClock(), store: &memory{tokens: map[string]tandem.TokenInfo{}, owner: "ann", revoked: map[tandem.UserID]time.Time{}}}
	v, err := auth.New(auth.Options{
		Issuers: issuers, Store: b.store, Now: b.clock.now, Log: slog.New(slog.DiscardHandler), FetchTime: 500 * time.Millisecond,
		Metrics: auth.Metrics{Rejected: b.rejected},
	})
	if err != nil {
		t.Fatal(err)
	}
	b.Verifier = v
	return b
}

// sharedSecret is the row of TANDEM_AUTH_SECRET.
func sharedSecret(t *testing.T) auth.Issuer {
	t.Helper()
	is, err := auth.SharedSecret([]byte(secret))
	if err != nil {
		t.Fatal(err)
	}
	return is
}

// refused checks that the token is rejected for the reason, and that the metric says so once.
func (b *bench) refused(t *testing.T, token string, want auth.Reason) {
	t.Helper()
	b.reasons = nil
	p, err := b.Token(t.Context(), token)
	r, ok := errors.AsType[*auth.Rejection](err)
	if !ok {
		t.Fatalf("Token gave %+v, %v; want a rejection", p, err)
	}
	if r.Reason != want {
		t.Errorf("rejected as %s (%v), want %s", r.Reason, err, want)
	}
	if len(b.reasons) != 1 || b.reasons[0] != want {
		t.Errorf("the metric counted %v, want one %s", b.reasons, want)
	}
	if p.User != "" {
		t.Errorf("a rejected token gave the user %q", p.User)
	}
}

func (b *bench) accepted(t *testing.T, token string) auth.Principal {
	t.Helper()
	p, err := b.Token(t.Context(), token)
	if err != nil {
		t.Fatalf("Token: %v; want it accepted", err)
	}
	return p
}

type fields map[string]any

// with gives a copy with changes; nil removes a member.
func (f fields) with(changes fields) fields {
	out := maps.Clone(f)
	for k, v := range changes {
		if v == nil {
			delete(out, k)
		} else {
			out[k] = v
		}
	}
	return out
}

func (b *bench) claims() fields {
	now := b.clock.now().Unix()
	return fields{"sub": "ann", "iat": now, "exp": now + 900}
}

// signer makes the signature over a signing input.
type signer func(input []byte) []byte

func hmacSigner(key string) signer {
	return func(input []byte) []byte {
		m := hmac.New(sha256.New, []byte(key))
		m.Write(input)
		return m.Sum(nil)
	}
}

func edSigner(key ed25519.PrivateKey) signer {
	return func(input []byte) []byte {
		sig, err := key.Sign(nil, input, crypto.Hash(0))
		if err != nil {
			panic(err)
		}
		return sig
	}
}

func b64(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

func encode(v any) []byte {
	if raw, ok := v.([]byte); ok {
		return raw
	}
	b, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return b
}

// mint seals header and claims, each an object or raw bytes.
func mint(sign signer, header, claims any) string {
	input := b64(encode(header)) + "." + b64(encode(claims))
	return input + "." + b64(sign([]byte(input)))
}

var hsHeader = fields{"alg": "HS256", "typ": "JWT"}

func (b *bench) hs(changes fields) string {
	return mint(hmacSigner(secret), hsHeader, b.claims().with(changes))
}

// keyServer publishes a JWK set.
type keyServer struct {
	*httptest.Server
	hits atomic.Int64

	mu     sync.Mutex
	answer http.HandlerFunc
}

func newKeyServer(t *testing.T) *keyServer {
	t.Helper()
	s := &keyServer{}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.hits.Add(1)
		s.mu.Lock()
		answer := s.answer
		s.mu.Unlock()
		answer(w, r)
	}))
	t.Cleanup(s.Close)
	return s
}

func (s *keyServer) do(h http.HandlerFunc) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.answer = h
}

func (s *keyServer) publish(keys ...fields) {
	s.do(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write(encode(fields{"keys": keys}))
	})
}

// edKey is a key of an issuer that signs with Ed25519.
type edKey struct {
	kid     string
	private ed25519.PrivateKey
}

func newEdKey(t *testing.T, kid string) edKey {
	t.Helper()
	_, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return edKey{kid, private}
}

func (k edKey) public() ed25519.PublicKey { return k.private.Public().(ed25519.PublicKey) }

func (k edKey) jwk() fields {
	return fields{"kty": "OKP", "crv": "Ed25519", "alg": "EdDSA", "kid": k.kid, "x": b64(k.public())}
}

func (k edKey) header() fields { return fields{"alg": "EdDSA", "kid": k.kid} }

const issuerName = "https://auth.example.com"

// jwksBench is a bench of one issuer with a key server.
func jwksBench(t *testing.T, keys ...edKey) (*bench, *keyServer) {
	t.Helper()
	server := newKeyServer(t)
	var jwks []fields
	for _, k := range keys {
		jwks = append(jwks, k.jwk())
	}
	server.publish(jwks...)
	return newBench(t, auth.Issuer{Name: issuerName, Audience: []string{issuerName}, Algorithm: "EdDSA", JWKS: server.URL}), server
}

func (b *bench) ed(k edKey, changes fields) string {
	return mint(edSigner(k.private), k.header(), b.claims().with(fields{"iss": issuerName, "aud": issuerName}).with(changes))
}
