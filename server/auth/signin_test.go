package auth_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"tandem"
	"tandem/server/auth"
)

// sessions keeps device sessions by hash.
type sessions struct {
	mu     sync.Mutex
	byHash map[string]string // name
	gate   chan struct{}     // where set, Device waits for it
	down   bool
	// revoked is when everything was signed out.
	revoked time.Time
}

func newSessions() *sessions { return &sessions{byHash: map[string]string{}} }

func (s *sessions) AddDevice(_ context.Context, _ tandem.UserID, hash, name string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.down {
		return errors.New("disk on fire")
	}
	s.byHash[hash] = name
	return nil
}

func (s *sessions) Device(_ context.Context, hash string) (tandem.UserID, string, error) {
	if s.gate != nil {
		<-s.gate
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, ok := s.byHash[hash]; !ok {
		return "", "", tandem.NotFound("device", "", "device")
	}
	return "local", "d1", nil
}

func (s *sessions) RotateDevice(_ context.Context, oldHash, newHash string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	name, ok := s.byHash[oldHash]
	if !ok {
		return tandem.NotFound("device", "", "device")
	}
	delete(s.byHash, oldHash)
	s.byHash[newHash] = name
	return nil
}

func (s *sessions) RemoveDevice(_ context.Context, hash string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.byHash, hash)
	return nil
}

func (s *sessions) RevokedBefore(context.Context, tandem.UserID) (time.Time, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.revoked, nil
}

func newSignIn(c *clock, d auth.Devices) *auth.SignIn {
	return auth.NewSignIn(auth.SignInOptions{User: "local", Secret: []byte(secret), Devices: d, Now: c.now})
}

func wantRejected(t *testing.T, err error, what string) {
	t.Helper()
	if _, ok := errors.AsType[*auth.Rejection](err); !ok {
		t.Errorf("%s: %v, want a rejection", what, err)
	}
}

func TestSignIn_CodeBecomesSessionBecomesToken(t *testing.T) {
	c, store := newClock(), newSessions()
	s := newSignIn(c, store)
	user, cookie, err := s.Open(t.Context(), s.Code(), "Firefox on Linux")
	if err != nil || user != "local" {
		t.Fatalf("Open: %q, %v", user, err)
	}
	if store.byHash[auth.Hash(cookie)] != "Firefox on Linux" {
		t.Errorf("the store holds %v, want the hash of the cookie", store.byHash)
	}
	got, err := s.Use(t.Context(), cookie)
	if err != nil {
		t.Fatal(err)
	}
	if got.User != "local" || got.Secret == cookie || !got.Expires.Equal(c.now().Add(15*time.Minute)) {
		t.Errorf("session %+v; want local, a new secret, 15 minutes", got)
	}
	b := newBench(t, sharedSecret(t))
	if p := b.accepted(t, got.Token); p.User != "local" || !p.Expires.Equal(got.Expires) {
		t.Errorf("the token speaks for %+v", p)
	}
	if _, err := s.Use(t.Context(), got.Secret); err != nil {
		t.Errorf("the next secret: %v", err)
	}
	_, err = s.Use(t.Context(), cookie)
	wantRejected(t, err, "the replaced secret")
}

func TestSignIn_InTheSecondOfASignOut(t *testing.T) {
	b := newBench(t, sharedSecret(t))
	b.clock.move(700 * time.Millisecond)
	d := newSessions()
	d.revoked = b.clock.now().Add(-300 * time.Millisecond)
	b.store.revoked["local"] = d.revoked
	s := newSignIn(b.clock, d)
	_, session, err := s.Open(t.Context(), s.Code(), "Firefox")
	if err != nil {
		t.Fatal(err)
	}
	got, err := s.Use(t.Context(), session)
	if err != nil {
		t.Fatal(err)
	}
	b.accepted(t, got.Token)
}

func TestSignIn_CodeWorksOnceUnderARace(t *testing.T) {
	s := newSignIn(newClock(), newSessions())
	code := s.Code()
	var opened atomic.Int64
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			if _, _, err := s.Open(t.Context(), code, ""); err == nil {
				opened.Add(1)
			}
		})
	}
	wg.Wait()
	if n := opened.Load(); n != 1 {
		t.Errorf("one code opened %d sessions", n)
	}
}

func TestSignIn_CodesExpireAndAreBounded(t *testing.T) {
	c := newClock()
	s := newSignIn(c, newSessions())
	old := s.Code()
	c.move(auth.CodeTTL)
	_, _, err := s.Open(t.Context(), old, "")
	wantRejected(t, err, "a code after 10 minutes")
	_, _, err = s.Open(t.Context(), "", "")
	wantRejected(t, err, "an empty code")
	first := s.Code()
	for range 64 {
		s.Code()
	}
	_, _, err = s.Open(t.Context(), first, "")
	wantRejected(t, err, "a code that 64 newer ones pushed out")
	if len(first) != 43 {
		t.Errorf("a code of %d characters, want 43 (256 bits)", len(first))
	}
}

func TestSignIn_TwoTabsAtOnceShareTheExchange(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := newSessions()
		s := newSignIn(newClock(), store)
		_, cookie, err := s.Open(t.Context(), s.Code(), "")
		if err != nil {
			t.Fatal(err)
		}
		store.gate = make(chan struct{})
		got := make([]auth.Session, 2)
		var wg sync.WaitGroup
		for i := range got {
			wg.Go(func() {
				var err error
				if got[i], err = s.Use(t.Context(), cookie); err != nil {
					t.Errorf("tab %d: %v", i, err)
				}
			})
		}
		synctest.Wait()
		close(store.gate)
		wg.Wait()
		if got[0].Secret != got[1].Secret {
			t.Error("two tabs were given two different sessions: one of them is signed out")
		}
	})
}

func TestSignIn_SessionEnds(t *testing.T) {
	c, store := newClock(), newSessions()
	s := newSignIn(c, store)
	open := func() string {
		_, cookie, err := s.Open(t.Context(), s.Code(), "")
		if err != nil {
			t.Fatal(err)
		}
		return cookie
	}
	closed := open()
	for range 2 {
		if err := s.Close(t.Context(), closed); err != nil {
			t.Errorf("Close: %v", err)
		}
	}
	_, err := s.Use(t.Context(), closed)
	wantRejected(t, err, "a closed session")

	old := open()
	c.move(auth.SessionTTL + time.Second)
	_, err = s.Use(t.Context(), old)
	wantRejected(t, err, "a session unused for 90 days")

	for _, forged := range []string{"", "x", old[:43] + ".zzzzzz", "." + old} {
		_, err = s.Use(t.Context(), forged)
		wantRejected(t, err, "a forged secret")
	}
	store.down = true
	_, _, err = s.Open(t.Context(), s.Code(), "")
	if _, rejected := errors.AsType[*auth.Rejection](err); err == nil || rejected {
		t.Errorf("with the store down: %v, want an error that is no rejection", err)
	}
}

func TestOwnSecret_IsMadeOnceAndPrivate(t *testing.T) {
	dir := t.TempDir()
	var wg sync.WaitGroup
	got := make([]string, 8)
	for i := range got {
		wg.Go(func() {
			b, err := auth.OwnSecret(dir)
			if err != nil {
				t.Error(err)
			}
			got[i] = string(b)
		})
	}
	wg.Wait()
	for _, s := range got {
		if s != got[0] || len(s) < 32 {
			t.Fatalf("secrets %q; want the same one of at least 32 bytes for all", got)
		}
	}
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != 1 {
		t.Fatalf("the folder holds %v, %v; want one file", entries, err)
	}
	path := filepath.Join(dir, entries[0].Name())
	if err := os.Chmod(path, 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := auth.OwnSecret(dir); err != nil {
		t.Fatal(err)
	}
	if st, err := os.Stat(path); err != nil || st.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v; want 0600", st.Mode(), err)
	}
	if err := os.WriteFile(path, []byte("short"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := auth.OwnSecret(dir); err == nil {
		t.Error("a short secret file was accepted")
	}
}

func TestSign_VerifiesAndRefusesBadInput(t *testing.T) {
	b := newBench(t, auth.Issuer{Name: "me", Audience: []string{"you"}, Algorithm: "HS256", Secrets: [][]byte{[]byte(secret)}})
	token, err := auth.Sign([]byte(secret), auth.Grant{User: "ann", Issuer: "me", Audience: "you", Issued: b.clock.now(), Expires: b.clock.now().Add(time.Minute)})
	if err != nil {
		t.Fatal(err)
	}
	if p := b.accepted(t, token); p.User != "ann" || p.Issuer != "me" {
		t.Errorf("the token speaks for %+v", p)
	}
	if _, err := auth.Sign([]byte(secret), auth.Grant{User: "a b"}); err == nil {
		t.Error("a token was signed for a malformed user id")
	}
	if _, err := auth.Sign([]byte("short"), auth.Grant{User: "ann"}); err == nil {
		t.Error("a token was signed with a short secret")
	}
}
