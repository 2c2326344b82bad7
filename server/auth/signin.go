package auth

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/singleflight"

	"tandem"
)

// How long things of a sign-in live.
const (
	CodeTTL    = 10 * time.Minute
	SessionTTL = 90 * 24 * time.Hour // from its last use
)

// maxCodes bounds the codes that wait to be used; a newer one pushes out the oldest.
const maxCodes = 64

// Devices keeps device sessions, each by the hash of its secret.
type Devices interface {
	AddDevice(ctx context.Context, user tandem.UserID, hash, name string) error
	// Device gives the user and the id of the session; not_found for an unknown or revoked one.
	Device(ctx context.Context, hash string) (tandem.UserID, string, error)
	// RotateDevice replaces the hash; not_found when oldHash is none any more.
	RotateDevice(ctx context.Context, oldHash, newHash string) error
	RemoveDevice(ctx context.Context, hash string) error
	// RevokedBefore gives the instant before which a user's JWTs are void; zero: none is.
	RevokedBefore(ctx context.Context, user tandem.UserID) (time.Time, error)
}

// SignIn is the sign-in of a program that is its own issuer: one-time codes become device sessions, and those fetch tokens.
// Codes live in memory only, so a restart voids them.
type SignIn struct {
	user    tandem.UserID
	secret  []byte
	devices Devices
	now     func() time.Time
	metrics Metrics

	uses singleflight.Group

	mu    sync.Mutex
	codes []code // oldest first
}

type code struct {
	hash    string
	expires time.Time
}

// SignInOptions configure a SignIn.
type SignInOptions struct {
	User    tandem.UserID // the local person
	Secret  []byte        // signs the tokens
	Devices Devices
	Now     func() time.Time // nil: time.Now
	Metrics Metrics
}

// NewSignIn makes the sign-in of one local person.
func NewSignIn(o SignInOptions) *SignIn {
	s := &SignIn{user: o.User, secret: o.Secret, devices: o.Devices, now: o.Now, metrics: o.Metrics}
	if s.now == nil {
		s.now = time.Now
	}
	if s.metrics.Rejected == nil {
		s.metrics.Rejected = func(Reason) {}
	}
	return s
}

// Code makes a sign-in code. It is good for one use within CodeTTL.
func (s *SignIn) Code() string {
	text := newSecret()
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.now()
	for len(s.codes) > 0 && (len(s.codes) >= maxCodes || !now.Before(s.codes[0].expires)) {
		s.codes = s.codes[1:]
	}
	s.codes = append(s.codes, code{Hash(text), now.Add(CodeTTL)})
	return text
}

// spend uses a code up; of several callers with the same code one is told true.
func (s *SignIn) spend(text string) bool {
	hash := Hash(text)
	s.mu.Lock()
	defer s.mu.Unlock()
	for i, c := range s.codes {
		if c.hash == hash {
			s.codes = append(s.codes[:i:i], s.codes[i+1:]...)
			return s.now().Before(c.expires)
		}
	}
	return false
}

// Open exchanges a code for a device session with the given name. The secret goes into the cookie and nowhere else. A code
// that is unknown, used or too old is a *Rejection.
func (s *SignIn) Open(ctx context.Context, code, name string) (user tandem.UserID, secret string, err error) {
	if !s.spend(code) {
		s.metrics.Rejected(ReasonCode)
		return "", "", reject(ReasonCode, nil)
	}
	secret = s.newSession()
	if err := s.devices.AddDevice(ctx, s.user, Hash(secret), name); err != nil {
		return "", "", fmt.Errorf("open device session: %w", err)
	}
	return s.user, secret, nil
}

// Session is what one use of a device session gives.
type Session struct {
	Secret  string // takes the place of the one that was used
	User    tandem.UserID
	Token   string
	Expires time.Time // of the token
}

// Use exchanges a device session's secret for a token and the next secret. Uses of one secret at the same moment, as by two
// tabs, share one exchange; a later use of the old secret is a *Rejection.
func (s *SignIn) Use(ctx context.Context, secret string) (Session, error) {
	got, err, _ := s.uses.Do(Hash(secret), func() (any, error) {
		// One tab's going away must not leave the other with a secret that was replaced.
		return s.use(context.WithoutCancel(ctx), secret)
	})
	if err != nil {
		if r, ok := errors.AsType[*Rejection](err); ok {
			s.metrics.Rejected(r.Reason)
		}
		return Session{}, err
	}
	return got.(Session), nil
}

func (s *SignIn) use(ctx context.Context, secret string) (Session, error) {
	now := s.now()
	if made, ok := sessionTime(secret); !ok || now.Sub(made) > SessionTTL {
		return Session{}, reject(ReasonSession, nil)
	}
	user, _, err := s.devices.Device(ctx, Hash(secret))
	issued, next := now, s.newSession()
	if err == nil {
		issued, err = s.issueTime(ctx, user, now)
	}
	if err == nil {
		err = s.devices.RotateDevice(ctx, Hash(secret), Hash(next))
	}
	if errors.Is(err, tandem.ErrNotFound) {
		return Session{}, reject(ReasonSession, nil)
	}
	if err != nil {
		return Session{}, fmt.Errorf("use device session: %w", err)
	}
	expires := now.Add(TokenTTL).Truncate(time.Second)
	token, err := Sign(s.secret, Grant{User: user, Issued: issued, Expires: expires})
	return Session{Secret: next, User: user, Token: token, Expires: expires}, err
}

// issueTime is the iat of a token that is made now. A session that lives is newer than the last sign-out everywhere, but in
// the second of that one a token would count as older, so it is of the next second.
func (s *SignIn) issueTime(ctx context.Context, user tandem.UserID, now time.Time) (time.Time, error) {
	revoked, err := s.devices.RevokedBefore(ctx, user)
	if err != nil {
		return time.Time{}, fmt.Errorf("look up revocation: %w", err)
	}
	if now.Truncate(time.Second).Before(revoked) {
		return revoked.Truncate(time.Second).Add(time.Second), nil
	}
	return now, nil
}

// Close ends a device session. One that is none ends without an error.
func (s *SignIn) Close(ctx context.Context, secret string) error {
	if err := s.devices.RemoveDevice(ctx, Hash(secret)); err != nil && !errors.Is(err, tandem.ErrNotFound) {
		return fmt.Errorf("close device session: %w", err)
	}
	return nil
}

// newSession gives a session secret: random bits and the time of making. The hash covers both, so the time cannot be changed.
func (s *SignIn) newSession() string {
	return newSecret() + "." + strconv.FormatInt(s.now().Unix(), 36)
}

func sessionTime(secret string) (time.Time, bool) {
	_, stamp, ok := strings.Cut(secret, ".")
	sec, err := strconv.ParseInt(stamp, 36, 64)
	return time.Unix(sec, 0), ok && err == nil
}
