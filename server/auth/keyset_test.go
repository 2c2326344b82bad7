package auth_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"fmt"
	"math/big"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"tandem/server/auth"
)

func TestKeys_FirstUseLoadsThem(t *testing.T) {
	k := newEdKey(t, "k1")
	b, server := jwksBench(t, k)
	if b.Ready() == nil {
		t.Error("ready before any key was loaded")
	}
	for range 3 {
		b.accepted(t, b.ed(k, nil))
	}
	if n := server.hits.Load(); n != 1 {
		t.Errorf("%d fetches, want 1", n)
	}
	if err := b.Ready(); err != nil {
		t.Errorf("not ready: %v", err)
	}
}

func TestJ15_UnknownKeyIDs(t *testing.T) {
	k := newEdKey(t, "k1")
	b, server := jwksBench(t, k)
	b.accepted(t, b.ed(k, nil))
	b.clock.move(time.Minute)
	server.hits.Store(0)
	var wg sync.WaitGroup
	var n atomic.Int64
	for range 20 {
		wg.Go(func() {
			for range 500 {
				_, err := b.Token(t.Context(), b.ed(edKey{fmt.Sprintf("x%d", n.Add(1)), k.private}, nil))
				if err == nil {
					t.Error("a token with an unknown key id was accepted")
				}
			}
		})
	}
	wg.Wait()
	if hits := server.hits.Load(); hits != 1 {
		t.Errorf("10,000 unknown key ids caused %d fetches, want 1", hits)
	}
	b.clock.move(31 * time.Second)
	b.reasons = nil
	b.refused(t, b.ed(edKey{"later", k.private}, nil), auth.ReasonKey)
	if hits := server.hits.Load(); hits != 2 {
		t.Errorf("%d fetches after 31 s, want 2", hits)
	}
	b.accepted(t, b.ed(k, nil))
}

func TestKeys_AMissIsRemembered(t *testing.T) {
	k := newEdKey(t, "k1")
	b, server := jwksBench(t, k)
	b.accepted(t, b.ed(k, nil))
	b.clock.move(time.Minute)
	gone := b.ed(edKey{"gone", k.private}, fields{"exp": b.clock.now().Unix() + 3600})
	b.refused(t, gone, auth.ReasonKey)
	server.hits.Store(0)
	b.clock.move(31 * time.Second)
	b.refused(t, gone, auth.ReasonKey)
	if n := server.hits.Load(); n != 0 {
		t.Errorf("the same unknown key id caused %d more fetches within a minute", n)
	}
	b.clock.move(30 * time.Second)
	b.refused(t, gone, auth.ReasonKey)
	if n := server.hits.Load(); n != 1 {
		t.Errorf("%d fetches after a minute, want 1", n)
	}
}

func TestJ21_RotatedKeys(t *testing.T) {
	old, next := newEdKey(t, "old"), newEdKey(t, "next")
	b, server := jwksBench(t, old)
	b.accepted(t, b.ed(old, nil))
	server.publish(next.jwk(), old.jwk())
	b.accepted(t, b.ed(next, nil)) // at once: an unknown key id fetches
	b.accepted(t, b.ed(old, nil))  // still published
	server.publish(next.jwk())
	b.clock.move(31 * time.Second)
	b.refused(t, b.ed(edKey{"nudge", next.private}, nil), auth.ReasonKey)
	b.clock.move(31 * time.Second)
	b.refused(t, b.ed(old, nil), auth.ReasonKey)
	b.accepted(t, b.ed(next, nil))
}

func TestJ21_PreviousSecret(t *testing.T) {
	previous := secret + " of yesterday"
	b := newBench(t, auth.Issuer{Name: "batch", Algorithm: "HS256", Secrets: [][]byte{[]byte(secret), []byte(previous)}})
	claims := b.claims().with(fields{"iss": "batch"})
	b.accepted(t, mint(hmacSigner(secret), hsHeader, claims))
	b.accepted(t, mint(hmacSigner(previous), hsHeader, claims))
	b.refused(t, mint(hmacSigner(previous+"!"), hsHeader, claims), auth.ReasonSignature)
	after := newBench(t, auth.Issuer{Name: "batch", Algorithm: "HS256", Secrets: [][]byte{[]byte(secret)}})
	after.refused(t, mint(hmacSigner(previous), hsHeader, claims), auth.ReasonSignature)
}

func TestJ22_BadKeyServer(t *testing.T) {
	k := newEdKey(t, "k1")
	elsewhere := newKeyServer(t)
	elsewhere.publish(k.jwk())
	stop := make(chan struct{})
	for name, answer := range map[string]http.HandlerFunc{
		"down":         func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusBadGateway) },
		"hangs up":     func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) },
		"slow":         func(_ http.ResponseWriter, r *http.Request) { hang(r, stop) },
		"slow body":    func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(http.StatusOK); hang(r, stop) },
		"garbage":      func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "<html>no keys</html>") },
		"empty object": func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "{}") },
		"no keys":      func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, `{"keys":[]}`) },
		"odd keys":     func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, `{"keys":[1,null,{"kty":"X"}]}`) },
		"redirect":     func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, elsewhere.URL, http.StatusFound) },
		"too long by its blanks": func(w http.ResponseWriter, _ *http.Request) {
			_, _ = w.Write(append(encode(fields{"keys": []fields{k.jwk()}}), strings.Repeat(" ", 64<<10)...))
		},
		"5 MiB": func(w http.ResponseWriter, _ *http.Request) {
			_, _ = w.Write(encode(fields{"keys": []fields{k.jwk()}, "pad": strings.Repeat("x", 5<<20)}))
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b, server := jwksBench(t, k)
			server.do(answer)
			b.refused(t, b.ed(k, nil), auth.ReasonKey)
			if b.Ready() == nil {
				t.Error("ready although no keys were ever loaded")
			}
			server.publish(k.jwk())
			b.clock.move(31 * time.Second)
			b.accepted(t, b.ed(k, nil))

			// The last good set serves on, for 24 hours and no longer.
			server.do(answer)
			b.clock.move(23 * time.Hour)
			b.refused(t, b.ed(edKey{"new", k.private}, nil), auth.ReasonKey)
			b.accepted(t, b.ed(k, nil))
			b.clock.move(time.Hour + time.Second)
			b.refused(t, b.ed(k, nil), auth.ReasonKey)
		})
	}
	t.Cleanup(func() {
		if n := elsewhere.hits.Load(); n != 0 {
			t.Errorf("a redirect was followed %d times", n)
		}
	})
	t.Cleanup(func() { close(stop) })
}

func hang(r *http.Request, stop chan struct{}) {
	select {
	case <-r.Context().Done():
	case <-stop:
	}
}

func TestKeys_WaitersShareAFetchAndNoneFailsAnother(t *testing.T) {
	k := newEdKey(t, "k1")
	b, server := jwksBench(t, k)
	arrived, release := make(chan struct{}), make(chan struct{})
	server.do(func(w http.ResponseWriter, _ *http.Request) {
		close(arrived)
		<-release
		_, _ = w.Write(encode(fields{"keys": []fields{k.jwk()}}))
	})
	token := b.ed(k, nil)
	ctx, cancel := context.WithCancel(t.Context())
	gone, stayed := make(chan error, 1), make(chan error, 1)
	go func() {
		_, err := b.Token(ctx, token)
		gone <- err
	}()
	<-arrived
	go func() {
		_, err := b.Token(t.Context(), token)
		stayed <- err
	}()
	cancel()
	if err := <-gone; err == nil {
		t.Error("the caller that went away was answered")
	}
	close(release)
	if err := <-stayed; err != nil {
		t.Errorf("the caller that stayed: %v", err)
	}
	if n := server.hits.Load(); n != 1 {
		t.Errorf("%d fetches, want 1", n)
	}
}

func TestRun_LoadsKeysAtOnceAndEndsWithItsContext(t *testing.T) {
	k := newEdKey(t, "k1")
	b, server := jwksBench(t, k)
	loaded := make(chan struct{})
	server.do(func(w http.ResponseWriter, _ *http.Request) {
		defer close(loaded)
		_, _ = w.Write(encode(fields{"keys": []fields{k.jwk()}}))
	})
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() { done <- b.Run(ctx) }()
	<-loaded
	b.accepted(t, b.ed(k, nil))
	if n := server.hits.Load(); n != 1 {
		t.Errorf("%d fetches, want 1", n)
	}
	cancel()
	if err := <-done; err != nil {
		t.Errorf("Run: %v", err)
	}
}

func TestKeys_Algorithms(t *testing.T) {
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	ecKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	rsaJWK := fields{"kty": "RSA", "kid": "r", "n": b64(rsaKey.N.Bytes()), "e": b64(big.NewInt(int64(rsaKey.E)).Bytes())}
	ecJWK := fields{"kty": "EC", "crv": "P-256", "kid": "e", "use": "sig", "x": b64(ecKey.X.FillBytes(make([]byte, 32))), "y": b64(ecKey.Y.FillBytes(make([]byte, 32)))}
	signES := func(input []byte) []byte {
		sum := sha256.Sum256(input)
		r, s, err := ecdsa.Sign(rand.Reader, ecKey, sum[:])
		if err != nil {
			t.Fatal(err)
		}
		return append(r.FillBytes(make([]byte, 32)), s.FillBytes(make([]byte, 32))...)
	}
	signRS := func(input []byte) []byte {
		sum := sha256.Sum256(input)
		sig, err := rsa.SignPKCS1v15(nil, rsaKey, 5 /* crypto.SHA256 */, sum[:])
		if err != nil {
			t.Fatal(err)
		}
		return sig
	}
	for name, tc := range map[string]struct {
		alg, kid string
		jwk      fields
		sign     signer
		good     bool
	}{
		"ES256":                {"ES256", "e", ecJWK, signES, true},
		"RS256":                {"RS256", "r", rsaJWK, signRS, true},
		"key of another curve": {"ES384", "e", ecJWK, signES, false},
		"key for another alg":  {"RS256", "r", rsaJWK.with(fields{"alg": "PS256"}), signRS, false},
		"key for encryption":   {"ES256", "e", ecJWK.with(fields{"use": "enc"}), signES, false},
		"key of another kind":  {"RS256", "e", ecJWK, signES, false},
		"key without an id":    {"ES256", "e", ecJWK.with(fields{"kid": nil}), signES, false},
		"private key":          {"ES256", "e", ecJWK.with(fields{"d": b64([]byte("a private part"))}), signES, false},
		"symmetric key":        {"ES256", "e", fields{"kty": "oct", "kid": "e", "k": b64([]byte(secret))}, hmacSigner(secret), false},
	} {
		t.Run(name, func(t *testing.T) {
			server := newKeyServer(t)
			server.publish(tc.jwk)
			b := newBench(t, auth.Issuer{Name: issuerName, Algorithm: tc.alg, JWKS: server.URL})
			token := mint(tc.sign, fields{"alg": tc.alg, "kid": tc.kid}, b.claims().with(fields{"iss": issuerName}))
			if tc.good {
				b.accepted(t, token)
			} else {
				b.refused(t, token, auth.ReasonKey)
			}
		})
	}
}
