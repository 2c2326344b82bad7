package auth

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/lestrrat-go/jwx/v3/jwa"
	"github.com/lestrrat-go/jwx/v3/jws"

	"tandem"
)

// skew is how far two clocks may differ.
const skew = 30 * time.Second

// Store is what the verifier asks about a person once the credential itself is good.
type Store interface {
	// TokenByHash gives the personal access token whose secret has this hash; not_found for an unknown or revoked one.
	TokenByHash(ctx context.Context, hash string) (tandem.UserID, tandem.TokenInfo, error)
	// RevokedBefore gives the instant before which a user's JWTs are void; zero: none is.
	RevokedBefore(ctx context.Context, user tandem.UserID) (time.Time, error)
}

// Metrics counts; nil fields are not called.
type Metrics struct {
	Rejected   func(Reason)
	KeysLoaded func(issuer string, at time.Time)
}

// Options of a Verifier.
type Options struct {
	Issuers []Issuer // at least one; checked together
	Store   Store
	Now     func() time.Time // nil: time.Now
	Log     *slog.Logger
	Metrics Metrics
	// FetchTime bounds the loading of keys; 0: 3 seconds.
	FetchTime time.Duration
}

// Verifier turns credentials into principals. It is safe for concurrent use. Run must run for keys to stay fresh.
type Verifier struct {
	rows    map[string]row
	store   Store
	now     func() time.Time
	metrics Metrics
}

// row is an issuer with its key source.
type row struct {
	Issuer
	keys keys
}

// keys verifies signatures with the keys of one issuer. HMAC secrets and public keys are two implementations, so that
// neither can stand in for the other.
type keys interface {
	verify(ctx context.Context, c compact) error
}

// New makes a verifier, or says which row cannot stand.
func New(o Options) (*Verifier, error) {
	if len(o.Issuers) == 0 {
		return nil, errors.New("no token issuer is configured")
	}
	if err := checkTogether(o.Issuers); err != nil {
		return nil, err
	}
	v := &Verifier{rows: map[string]row{}, store: o.Store, now: o.Now, metrics: o.Metrics}
	if v.now == nil {
		v.now = time.Now
	}
	if v.metrics.Rejected == nil {
		v.metrics.Rejected = func(Reason) {}
	}
	if v.metrics.KeysLoaded == nil {
		v.metrics.KeysLoaded = func(string, time.Time) {}
	}
	client := newClient(cmp.Or(o.FetchTime, fetchTime))
	for _, is := range o.Issuers {
		v.rows[is.Name] = row{is, v.keysOf(is, client, o.Log)}
	}
	return v, nil
}

func (v *Verifier) keysOf(is Issuer, client *http.Client, log *slog.Logger) keys {
	if is.Algorithm == hs256 {
		return secrets(is.Secrets)
	}
	return &keyset{
		issuer: is.Name, url: is.JWKS, alg: signatures[is.Algorithm], client: client, now: v.now, log: log,
		loaded: v.metrics.KeysLoaded, misses: map[string]time.Time{},
	}
}

// Run keeps the keys of all issuers fresh until ctx ends.
func (v *Verifier) Run(ctx context.Context) error {
	var wg sync.WaitGroup
	for _, r := range v.rows {
		if k, ok := r.keys.(*keyset); ok {
			wg.Go(func() { k.run(ctx) })
		}
	}
	wg.Wait()
	<-ctx.Done()
	return nil
}

// Ready fails while the keys of an issuer were never loaded.
func (v *Verifier) Ready() error {
	for _, r := range v.rows {
		if k, ok := r.keys.(*keyset); ok && !k.everLoaded() {
			return fmt.Errorf("the keys of %s were never loaded", k.issuer)
		}
	}
	return nil
}

// Token verifies a credential: a JWT or a personal access token. The error is a *Rejection for one that is not believed;
// any other error means that it could not be decided.
func (v *Verifier) Token(ctx context.Context, raw string) (Principal, error) {
	return v.counted(v.decide(ctx, raw, nil, ""))
}

// Request verifies the credential in the Authorization header.
func (v *Verifier) Request(r *http.Request) (Principal, error) {
	raw, err := bearer(r)
	if err != nil {
		return v.counted(Principal{}, err)
	}
	return v.counted(v.decide(r.Context(), raw, nil, ""))
}

// RequestAt verifies like Request, and also believes a token that was issued for the named resource alone (RFC 8707): its issuer's row
// need not list the resource as an audience.
func (v *Verifier) RequestAt(r *http.Request, resource string) (Principal, error) {
	raw, err := bearer(r)
	if err != nil {
		return v.counted(Principal{}, err)
	}
	return v.counted(v.decide(r.Context(), raw, nil, resource))
}

// RequestFor verifies like Request. A good token of another person than user is tandem.ErrForbidden, and in that case a JWT
// was judged without asking the store.
func (v *Verifier) RequestFor(r *http.Request, user string) (Principal, error) {
	raw, err := bearer(r)
	if err != nil {
		return v.counted(Principal{}, err)
	}
	return v.counted(v.decide(r.Context(), raw, &user, ""))
}

// SocketFor verifies like RequestFor, also taking the credential from the subprotocol list, where a browser must put it.
// inHeader tells where it was found.
func (v *Verifier) SocketFor(r *http.Request, user string) (p Principal, inHeader bool, err error) {
	raw, inHeader, err := socketBearer(r)
	if err == nil {
		p, err = v.decide(r.Context(), raw, &user, "")
	}
	p, err = v.counted(p, err)
	return p, inHeader, err
}

func (v *Verifier) counted(p Principal, err error) (Principal, error) {
	if r, ok := errors.AsType[*Rejection](err); ok {
		v.metrics.Rejected(r.Reason)
	}
	if err != nil {
		return Principal{}, err
	}
	return p, nil
}

// decide verifies raw. Where want is given, a token of anybody else is forbidden before the store is asked. A resource is one more
// audience.
func (v *Verifier) decide(ctx context.Context, raw string, want *string, resource string) (Principal, error) {
	if strings.HasPrefix(raw, personalPrefix) {
		p, err := v.personal(ctx, raw)
		if err == nil {
			err = only(p, want)
		}
		return p, err
	}
	c, err := parse(raw)
	if err != nil {
		return Principal{}, reject(ReasonMalformed, err)
	}
	is, err := v.verify(ctx, c)
	if err != nil {
		return Principal{}, err
	}
	p := Principal{
		User: c.claims.subject, Expires: c.claims.expires, Issuer: c.claims.issuer, TokenID: c.claims.id, Scopes: c.claims.scopes,
	}
	if err := is.check(c.claims, v.now(), resource); err != nil {
		return Principal{}, err
	}
	if err := only(p, want); err != nil {
		return Principal{}, err
	}
	return p, v.checkRevoked(ctx, c.claims)
}

func only(p Principal, want *string) error {
	if want != nil && string(p.User) != *want {
		return tandem.Forbidden("user_id", "This address belongs to another user.")
	}
	return nil
}

// verify finds the row that iss names and checks the signature as the row says.
func (v *Verifier) verify(ctx context.Context, c compact) (row, error) {
	is, ok := v.rows[c.claims.issuer]
	if !ok {
		is, ok = v.rows[""]
	}
	switch {
	case !ok:
		return row{}, reject(ReasonIssuer, nil)
	case c.alg != is.Algorithm:
		return row{}, reject(ReasonAlgorithm, nil)
	}
	return is, is.keys.verify(ctx, c)
}

// check holds the claims against the row and the clock.
func (r row) check(c claims, now time.Time, resource string) error {
	switch {
	case !now.Before(c.expires.Add(skew)):
		return reject(ReasonExpired, nil)
	case now.Add(skew).Before(c.notBefore), now.Add(skew).Before(c.issuedAt):
		return reject(ReasonEarly, nil)
	case r.MaxAge > 0 && (c.issuedAt.IsZero() || now.Sub(c.issuedAt) > r.MaxAge+skew):
		return reject(ReasonAge, nil)
	case !c.meant(r.Audience) && (resource == "" || !slices.Contains(c.audience, resource)):
		return reject(ReasonAudience, nil)
	}
	return nil
}

// checkRevoked compares the token's age with the person's sign-out. iat has whole seconds, so a token of the very second of
// the sign-out counts as older.
func (v *Verifier) checkRevoked(ctx context.Context, c claims) error {
	revoked, err := v.store.RevokedBefore(ctx, c.subject)
	if err != nil {
		return fmt.Errorf("look up revocation: %w", err)
	}
	if !revoked.IsZero() && c.issuedAt.Before(revoked) {
		return reject(ReasonRevoked, nil)
	}
	return nil
}

// secrets are HMAC keys: the current one, then the previous.
type secrets [][]byte

func (s secrets) verify(_ context.Context, c compact) error {
	var err error
	for _, secret := range s {
		if err = checkSignature(c, jwa.HS256(), secret); err == nil {
			return nil
		}
	}
	return reject(ReasonSignature, err)
}

func (k *keyset) verify(ctx context.Context, c compact) error {
	if c.kid == "" {
		return reject(ReasonKey, errors.New("no key id"))
	}
	key, err := k.key(ctx, c.kid)
	if err != nil {
		return reject(ReasonKey, err)
	}
	if err := checkSignature(c, k.alg, key); err != nil {
		return reject(ReasonSignature, err)
	}
	return nil
}

func checkSignature(c compact, alg jwa.SignatureAlgorithm, key any) error {
	_, err := jws.Verify(c.raw, jws.WithKey(alg, key), jws.WithCompact(), jws.WithAlgorithmMatch(true), jws.WithCritValidation(true))
	return err
}
