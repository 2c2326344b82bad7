package auth

import (
	"context"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/lestrrat-go/jwx/v3/jwa"
	"github.com/lestrrat-go/jwx/v3/jwk"
)

// How keys of an issuer are kept.
const (
	refreshKeys  = 15 * time.Minute
	refetchKeys  = 30 * time.Second // between fetches caused by unknown key ids, and after a failed refresh
	rememberMiss = time.Minute      // how long a key id that a fetch did not bring causes no other
	maxMisses    = 1024
	keepKeys     = 24 * time.Hour // how long the last good set serves when no newer one can be had
	fetchTime    = 3 * time.Second
	maxKeyset    = 64 << 10
	minRSABits   = 2048
)

// keyset holds the public keys of one issuer. It is safe for concurrent use.
type keyset struct {
	issuer string
	url    string
	alg    jwa.SignatureAlgorithm
	client *http.Client
	now    func() time.Time
	log    *slog.Logger
	loaded func(issuer string, at time.Time)

	mu        sync.Mutex
	current   *fetch // under way; nil: none
	keys      map[string]any
	loadedAt  time.Time
	refetchAt time.Time
	misses    map[string]time.Time
}

// newClient gives the client for keys: it follows no redirects, since the host is fixed by configuration.
func newClient(timeout time.Duration) *http.Client {
	return &http.Client{
		Timeout:       timeout,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// fetch is one loading of the set, shared by all who wait for it.
type fetch struct {
	done chan struct{}
	err  error // once done is closed
}

// wait gives the outcome, or ends with the waiter's own context.
func (f *fetch) wait(ctx context.Context) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-f.done:
		return f.err
	}
}

// key gives the public key with the id. An unknown id joins the fetch that is under way, or causes one unless one was caused
// within refetchKeys.
func (k *keyset) key(ctx context.Context, kid string) (any, error) {
	key, f := k.find(ctx, kid)
	if key != nil {
		return key, nil
	}
	if f == nil {
		return nil, errors.New("unknown key id")
	}
	if err := f.wait(ctx); err != nil {
		return nil, err
	}
	if key = k.afterFetch(kid); key == nil {
		return nil, errors.New("unknown key id")
	}
	return key, nil
}

// find looks the id up; for an unknown one it gives the fetch to wait for, or nil where none may be made.
func (k *keyset) find(ctx context.Context, kid string) (key any, f *fetch) {
	k.mu.Lock()
	defer k.mu.Unlock()
	now := k.now()
	if key := k.good(kid, now); key != nil {
		return key, nil
	}
	if now.Sub(k.misses[kid]) < rememberMiss {
		return nil, nil
	}
	if k.current == nil {
		if now.Sub(k.refetchAt) < refetchKeys {
			return nil, nil
		}
		k.refetchAt = now
	}
	return nil, k.start(ctx)
}

func (k *keyset) good(kid string, now time.Time) any {
	if now.Sub(k.loadedAt) > keepKeys {
		return nil
	}
	return k.keys[kid]
}

// afterFetch looks the id up again and remembers that a fetch did not bring it.
func (k *keyset) afterFetch(kid string) any {
	k.mu.Lock()
	defer k.mu.Unlock()
	now := k.now()
	key := k.good(kid, now)
	if key == nil {
		if len(k.misses) >= maxMisses {
			clear(k.misses)
		}
		k.misses[kid] = now
	}
	return key
}

// start gives the fetch under way, or begins one. Called with mu held.
func (k *keyset) start(ctx context.Context) *fetch {
	if k.current != nil {
		return k.current
	}
	f := &fetch{done: make(chan struct{})}
	k.current = f
	// One waiter's going away must not fail the others. The client's timeout ends the goroutine.
	ctx = context.WithoutCancel(ctx)
	go func() {
		f.err = k.load(ctx)
		k.mu.Lock()
		k.current = nil
		k.mu.Unlock()
		close(f.done)
	}()
	return f
}

// refresh loads the set anew.
func (k *keyset) refresh(ctx context.Context) error {
	k.mu.Lock()
	f := k.start(ctx)
	k.mu.Unlock()
	return f.wait(ctx)
}

func (k *keyset) load(ctx context.Context) error {
	body, err := k.get(ctx)
	if err != nil {
		return fmt.Errorf("keys of %s: %w", k.issuer, err)
	}
	keys, err := parseKeys(body, k.alg)
	if err != nil {
		return fmt.Errorf("keys of %s: %w", k.issuer, err)
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.loadedAt.IsZero() {
		k.refetchAt = time.Time{} // whoever came before the first keys has not used up the turn of an unknown id
	}
	k.keys, k.loadedAt = keys, k.now()
	for kid := range keys {
		delete(k.misses, kid)
	}
	k.loaded(k.issuer, k.loadedAt)
	return nil
}

func (k *keyset) get(ctx context.Context) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, k.url, nil)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Accept", "application/jwk-set+json, application/json")
	resp, err := k.client.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("status %d", resp.StatusCode)
	}
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxKeyset+1))
	if err != nil {
		return nil, err
	}
	if len(body) > maxKeyset {
		return nil, errors.New("longer than 64 KiB")
	}
	return body, nil
}

// run keeps the set fresh until ctx ends.
func (k *keyset) run(ctx context.Context) {
	for {
		wait := refreshKeys
		if err := k.refresh(ctx); err != nil {
			if ctx.Err() != nil {
				return
			}
			k.log.WarnContext(ctx, "token keys could not be loaded", "issuer", k.issuer, "err", err)
			wait = refetchKeys
		}
		t := time.NewTimer(wait)
		select {
		case <-ctx.Done():
			t.Stop()
			return
		case <-t.C:
		}
	}
}

// everLoaded reports whether there was ever a good set.
func (k *keyset) everLoaded() bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	return !k.loadedAt.IsZero()
}

// parseKeys reads a JWK set and keeps the keys that can verify alg. One key that cannot be read spoils no other; a set
// without any useful key is an error, so that it does not replace a good one.
func parseKeys(body []byte, alg jwa.SignatureAlgorithm) (map[string]any, error) {
	var doc struct {
		Keys []json.RawMessage `json:"keys"`
	}
	if err := json.Unmarshal(body, &doc); err != nil {
		return nil, err
	}
	out := map[string]any{}
	for _, raw := range doc.Keys {
		key, err := jwk.ParseKey(raw)
		if err != nil {
			continue
		}
		if kid, public, ok := usable(key, alg); ok {
			out[kid] = public
		}
	}
	if len(out) == 0 {
		return nil, fmt.Errorf("no key for %s", alg)
	}
	return out, nil
}

// usable gives the public key in a form that fits alg. A private or symmetric key never does.
func usable(key jwk.Key, alg jwa.SignatureAlgorithm) (kid string, public any, ok bool) {
	kid, _ = key.KeyID()
	if !kidForm.MatchString(kid) {
		return "", nil, false
	}
	if named, given := key.Algorithm(); given && named.String() != alg.String() {
		return "", nil, false
	}
	if use, given := key.KeyUsage(); given && use != "sig" {
		return "", nil, false
	}
	var raw any
	if jwk.Export(key, &raw) != nil {
		return "", nil, false
	}
	return kid, raw, fits(raw, alg.String())
}

func fits(key any, alg string) bool {
	switch key := key.(type) {
	case ed25519.PublicKey:
		return alg == "EdDSA"
	case *ecdsa.PublicKey:
		curves := map[string]elliptic.Curve{"ES256": elliptic.P256(), "ES384": elliptic.P384(), "ES512": elliptic.P521()}
		return curves[alg] == key.Curve
	case *rsa.PublicKey:
		return (strings.HasPrefix(alg, "RS") || strings.HasPrefix(alg, "PS")) && key.N.BitLen() >= minRSABits
	default:
		return false
	}
}
