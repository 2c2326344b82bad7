package auth_test

import (
	"bytes"
	"context"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
	"unicode/utf16"

	"tandem"
	"tandem/server/auth"
)

func TestToken_GoodTokenNamesItsUser(t *testing.T) {
	b := newBench(t, sharedSecret(t))
	p := b.accepted(t, b.hs(fields{"jti": "t1", "name": "Ann", "email": "ann@example.com", "nested": fields{"a": []int{1}}}))
	if p.User != "ann" || p.Program || p.TokenID != "t1" || p.Scopes != nil {
		t.Errorf("principal %+v; want ann, a person, with all scopes", p)
	}
	if want := b.clock.now().Add(15 * time.Minute); !p.Expires.Equal(want) {
		t.Errorf("expires %v, want %v", p.Expires, want)
	}
	for _, scope := range tandem.Scopes {
		if !p.Allows(scope) {
			t.Errorf("a token without a scope claim does not hold %s", scope)
		}
	}
}

func TestToken_ScopeClaimNarrows(t *testing.T) {
	b := newBench(t, sharedSecret(t))
	p := b.accepted(t, b.hs(fields{"scope": "openid tasks:read"}))
	if !p.Allows(tandem.ScopeRead) || p.Allows(tandem.ScopeWrite) || p.Allows(tandem.ScopeDelete) {
		t.Errorf("scopes %v; want to read only", p.Scopes)
	}
	if p := b.accepted(t, b.hs(fields{"scope": ""})); p.Allows(tandem.ScopeRead) {
		t.Error("an empty scope claim holds a scope")
	}
}

func TestJ1_AlgorithmNone(t *testing.T) {
	b := newBench(t, sharedSecret(t))
	for _, alg := range []string{"none", "None", "nOnE", "NONE", ""} {
		for _, sig := range []string{"", "x"} {
			token := mint(func([]byte) []byte { return []byte(sig) }, fields{"alg": alg}, b.claims())
			want := auth.ReasonAlgorithm
			if sig == "" {
				want = auth.ReasonMalformed // an empty part
			}
			b.refused(t, token, want)
		}
	}
}

func TestJ2_PublicKeyAsSecret(t *testing.T) {
	k := newEdKey(t, "k1")
	b, _ := jwksBench(t, k)
	der, err := x509.MarshalPKIXPublicKey(k.public())
	if err != nil {
		t.Fatal(err)
	}
	for name, key := range map[string][]byte{
		"raw": k.public(), "der": der, "pem": pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}), "jwk": encode(k.jwk()),
	} {
		t.Run(name, func(t *testing.T) {
			claims := b.claims().with(fields{"iss": issuerName, "aud": issuerName})
			b.refused(t, mint(hmacSigner(string(key)), fields{"alg": "HS256", "kid": "k1"}, claims), auth.ReasonAlgorithm)
			b.refused(t, mint(hmacSigner(string(key)), k.header(), claims), auth.ReasonSignature)
		})
	}
}

func TestJ3_WrongKey(t *testing.T) {
	b := newBench(t, sharedSecret(t))
	b.refused(t, mint(hmacSigner(secret+"x"), hsHeader, b.claims()), auth.ReasonSignature)
	k := newEdKey(t, "k1")
	jb, _ := jwksBench(t, k)
	jb.refused(t, jb.ed(edKey{"k1", newEdKey(t, "k1").private}, nil), auth.ReasonSignature)
}

func TestJ4_SignatureTamperedWith(t *testing.T) {
	b := newBench(t, sharedSecret(t))
	token := b.hs(nil)
	input, sig, _ := cutLast(token, ".")
	for name, tc := range map[string]struct {
		token string
		want  auth.Reason
	}{
		"stripped":      {input + ".", auth.ReasonMalformed},
		"no third part": {input, auth.ReasonMalformed},
		"truncated":     {token[:len(token)-3], auth.ReasonSignature},
		"appended":      {token + "AAAA", auth.ReasonSignature},
		"fourth part":   {token + ".x", auth.ReasonMalformed},
		"loose bits":    {input + "." + looseBits(sig), auth.ReasonMalformed},
		"payload":       {strings.Replace(token, ".", ".A", 1), auth.ReasonMalformed},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := b.Token(t.Context(), tc.token)
			r, ok := errors.AsType[*auth.Rejection](err)
			if !ok || r.Reason != tc.want && r.Reason != auth.ReasonMalformed {
				t.Errorf("got %v, want a rejection as %s", err, tc.want)
			}
		})
	}
}

func cutLast(s, sep string) (before, after string, found bool) {
	i := strings.LastIndex(s, sep)
	return s[:i], s[i+1:], i >= 0
}

// looseBits sets bits of the last character that no byte uses: another text of the same signature.
func looseBits(sig string) string {
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	last := strings.IndexByte(alphabet, sig[len(sig)-1])
	return sig[:len(sig)-1] + string(alphabet[last^1])
}

func TestJ5_Times(t *testing.T) {
	b := newBench(t, sharedSecret(t))
	now := b.clock.now().Unix()
	for name, tc := range map[string]struct {
		change fields
		want   auth.Reason // empty: accepted
	}{
		"expired 29 s ago": {fields{"exp": now - 29}, ""},
		"expired 30 s ago": {fields{"exp": now - 30}, auth.ReasonExpired},
		"expired 31 s ago": {fields{"exp": now - 31}, auth.ReasonExpired},
		"nbf in 30 s":      {fields{"nbf": now + 30}, ""},
		"nbf in 31 s":      {fields{"nbf": now + 31}, auth.ReasonEarly},
		"iat in 30 s":      {fields{"iat": now + 30}, ""},
		"iat in 31 s":      {fields{"iat": now + 31}, auth.ReasonEarly},
		"iat in a day":     {fields{"iat": now + 86400}, auth.ReasonEarly},
		"exp a fraction":   {fields{"exp": float64(now) + 1.5}, ""},
		"exp text":         {fields{"exp": "9999999999"}, auth.ReasonMalformed},
		"exp null":         {fields{"exp": json.RawMessage("null")}, auth.ReasonMalformed},
		"exp huge":         {fields{"exp": json.RawMessage("1e300")}, auth.ReasonMalformed},
		"exp beyond float": {fields{"exp": json.RawMessage("1e999")}, auth.ReasonMalformed},
		"exp negative":     {fields{"exp": -1}, auth.ReasonMalformed},
		"nbf text":         {fields{"nbf": "0"}, auth.ReasonMalformed},
		"iat a list":       {fields{"iat": []int{1}}, auth.ReasonMalformed},
	} {
		t.Run(name, func(t *testing.T) {
			if token := b.hs(tc.change); tc.want == "" {
				b.accepted(t, token)
			} else {
				b.refused(t, token, tc.want)
			}
		})
	}
}

func TestToken_MaxAgeNeedsIssuedAt(t *testing.T) {
	b := newBench(t, auth.Issuer{Name: "batch", Algorithm: "HS256", Secrets: [][]byte{[]byte(secret)}, MaxAge: time.Hour})
	now := b.clock.now().Unix()
	b.accepted(t, b.hs(fields{"iss": "batch", "iat": now - 3600, "exp": now + 900}))
	b.refused(t, b.hs(fields{"iss": "batch", "iat": now - 3631, "exp": now + 900}), auth.ReasonAge)
	b.refused(t, b.hs(fields{"iss": "batch", "iat": nil}), auth.ReasonAge)
}

func TestJ6_MissingClaims(t *testing.T) {
	b := newBench(t, sharedSecret(t))
	b.refused(t, b.hs(fields{"exp": nil}), auth.ReasonMalformed)
	b.refused(t, b.hs(fields{"sub": nil}), auth.ReasonMalformed)
	k := newEdKey(t, "k1")
	jb, _ := jwksBench(t, k)
	jb.refused(t, jb.ed(k, fields{"iss": nil}), auth.ReasonIssuer)
	jb.refused(t, jb.ed(k, fields{"aud": nil}), auth.ReasonAudience)
	jb.refused(t, jb.ed(k, fields{"exp": nil}), auth.ReasonMalformed)
}

func TestJ7_Audience(t *testing.T) {
	k := newEdKey(t, "k1")
	b, _ := jwksBench(t, k)
	b.accepted(t, b.ed(k, fields{"aud": []string{"other", issuerName}}))
	for name, aud := range map[string]any{
		"array without ours": []string{"a", "b"}, "empty array": []string{}, "prefix": issuerName[:10], "longer": issuerName + "/", "other case": strings.ToUpper(issuerName),
	} {
		t.Run(name, func(t *testing.T) { b.refused(t, b.ed(k, fields{"aud": aud}), auth.ReasonAudience) })
	}
	for name, aud := range map[string]any{"number": 5, "nested": []any{[]string{issuerName}}, "null member": []any{nil, issuerName}, "object": fields{issuerName: true}} {
		t.Run(name, func(t *testing.T) { b.refused(t, b.ed(k, fields{"aud": aud}), auth.ReasonMalformed) })
	}
}

func TestJ8_IssuerByteForByte(t *testing.T) {
	k := newEdKey(t, "k1")
	b, _ := jwksBench(t, k)
	for _, iss := range []string{issuerName + "/", issuerName[:len(issuerName)-1], strings.ToUpper(issuerName), " " + issuerName, ""} {
		b.refused(t, b.ed(k, fields{"iss": iss}), auth.ReasonIssuer)
	}
	b.refused(t, b.ed(k, fields{"iss": 5}), auth.ReasonMalformed)
}

func TestJ9_RepeatedKeys(t *testing.T) {
	b := newBench(t, sharedSecret(t))
	exp := "9999999999"
	for name, payload := range map[string]string{
		"sub twice":         `{"sub":"ann","exp":` + exp + `,"sub":"bob"}`,
		"sub twice, equal":  `{"sub":"ann","exp":` + exp + `,"sub":"ann"}`,
		"sub escaped":       `{"sub":"ann","exp":` + exp + `,"\u0073ub":"bob"}`,
		"exp twice":         `{"sub":"ann","exp":1,"exp":` + exp + `}`,
		"deeper":            `{"sub":"ann","exp":` + exp + `,"user":{"id":1,"id":2}}`,
		"deeper in a list":  `{"sub":"ann","exp":` + exp + `,"l":[{"id":1,"id":2}]}`,
		"unknown key twice": `{"sub":"ann","x":1,"exp":` + exp + `,"x":1}`,
	} {
		t.Run(name, func(t *testing.T) {
			b.refused(t, mint(hmacSigner(secret), hsHeader, []byte(payload)), auth.ReasonMalformed)
		})
	}
	b.refused(t, mint(hmacSigner(secret), []byte(`{"alg":"none","alg":"HS256"}`), b.claims()), auth.ReasonMalformed)
	// Another case is another key, and means nothing.
	b.refused(t, mint(hmacSigner(secret), hsHeader, []byte(`{"SUB":"ann","exp":`+exp+`}`)), auth.ReasonMalformed)
	if p := b.accepted(t, mint(hmacSigner(secret), hsHeader, []byte(`{"Sub":"bob","sub":"ann","exp":`+exp+`}`))); p.User != "ann" {
		t.Errorf("user %q, want ann", p.User)
	}
}

func TestJ10_Subject(t *testing.T) {
	b := newBench(t, sharedSecret(t))
	for _, sub := range []any{
		5, true, []string{"ann"}, fields{"id": "ann"}, "", ".", "..", "../ann", "a/b", "ann\x00", "ann\n", "a b", "änn", "ann\u200b", "аnn", strings.Repeat("a", 129), json.RawMessage("null"),
	} {
		b.refused(t, b.hs(fields{"sub": sub}), auth.ReasonMalformed)
	}
	for _, sub := range []string{"a", strings.Repeat("a", 128), "ann@example.com", "auth0|5f", "urn:x:1", "...", "~ann", "A-b_c.d"} {
		if p := b.accepted(t, b.hs(fields{"sub": sub})); string(p.User) != sub {
			t.Errorf("user %q, want %q", p.User, sub)
		}
	}
}

func TestJ11_J12_J13_HeaderMembers(t *testing.T) {
	canary := newKeyServer(t)
	canary.publish()
	for name, member := range map[string]fields{
		"J11 crit":         {"crit": []string{"exp"}},
		"J11 unknown crit": {"crit": []string{"x"}, "x": 1},
		"J12 b64":          {"b64": false},
		"J12 b64 and crit": {"b64": false, "crit": []string{"b64"}},
		"J13 jku":          {"jku": canary.URL},
		"J13 x5u":          {"x5u": canary.URL},
		"J13 jwk":          {"jwk": newEdKey(t, "k1").jwk()},
		"J13 x5c":          {"x5c": []string{"MIIB"}},
		"zip":              {"zip": "DEF"},
		"cty":              {"cty": "JWT"},
		"ALG":              {"ALG": "HS256"},
		"typ other":        {"typ": "JWE"},
		"typ lower":        {"typ": "jwt"},
		"typ number":       {"typ": 1},
		"alg list":         {"alg": []string{"HS256"}},
		"kid number":       {"kid": 1},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t, sharedSecret(t))
			b.refused(t, mint(hmacSigner(secret), hsHeader.with(member), b.claims()), auth.ReasonMalformed)
		})
	}
	if n := canary.hits.Load(); n != 0 {
		t.Errorf("the address in a header was fetched %d times", n)
	}
	b := newBench(t, sharedSecret(t))
	b.accepted(t, mint(hmacSigner(secret), fields{"alg": "HS256", "typ": "at+jwt", "kid": "any"}, b.claims()))
	b.accepted(t, mint(hmacSigner(secret), fields{"alg": "HS256"}, b.claims()))
}

func TestJ14_KeyID(t *testing.T) {
	k := newEdKey(t, "k1")
	b, server := jwksBench(t, k)
	for _, kid := range []string{"../../etc/passwd", "' OR 1=1", strings.Repeat("k", 10<<10), "", "k1\x00", "k 1", "ключ"} {
		b.refused(t, mint(edSigner(k.private), fields{"alg": "EdDSA", "kid": kid}, b.claims().with(fields{"iss": issuerName, "aud": issuerName})), auth.ReasonMalformed)
	}
	b.refused(t, mint(edSigner(k.private), fields{"alg": "EdDSA"}, b.claims().with(fields{"iss": issuerName, "aud": issuerName})), auth.ReasonKey)
	if n := server.hits.Load(); n != 0 {
		t.Errorf("a malformed key id caused %d fetches", n)
	}
}

func TestJ16_OtherSerialisations(t *testing.T) {
	b := newBench(t, sharedSecret(t))
	parts := strings.Split(b.hs(nil), ".")
	flat := encode(fields{"protected": parts[0], "payload": parts[1], "signature": parts[2]})
	general := encode(fields{"payload": parts[1], "signatures": []fields{{"protected": parts[0], "signature": parts[2]}}})
	for name, token := range map[string]string{
		"flattened": string(flat), "general": string(general), "JWE": b.hs(nil) + ".AAAA.AAAA", "empty": "", "dots": "..", "one word": "token",
	} {
		t.Run(name, func(t *testing.T) { b.refused(t, token, auth.ReasonMalformed) })
	}
}

func TestJ17_Encodings(t *testing.T) {
	b := newBench(t, sharedSecret(t))
	claims := encode(b.claims())
	sign := func(h, p string) string {
		return h + "." + p + "." + b64(hmacSigner(secret)([]byte(h+"."+p)))
	}
	header := b64(encode(hsHeader))
	var wide []byte
	for _, u := range utf16.Encode([]rune(string(claims))) {
		wide = append(wide, byte(u), byte(u>>8))
	}
	padded := base64.URLEncoding.EncodeToString(append(bytes.TrimSuffix(claims, []byte("}")), []byte(`,"x":1}`)...))
	for len(padded)%4 != 0 || !strings.HasSuffix(padded, "=") {
		padded += "="
	}
	for name, token := range map[string]string{
		"padded":            sign(header, padded),
		"standard alphabet": sign(header, base64.RawStdEncoding.EncodeToString(append([]byte(`{"x":"???>>>",`), claims[1:]...))),
		"line break":        sign(header, b64(claims)[:10]+"\n"+b64(claims)[10:]),
		"UTF-16":            sign(header, b64(wide)),
		"BOM":               sign(header, b64(append([]byte("\ufeff"), claims...))),
		"bad UTF-8":         sign(header, b64([]byte("{\"sub\":\"ann\",\"exp\":9999999999,\"n\":\"\xff\"}"))),
		"array":             sign(header, b64([]byte(`["ann"]`))),
		"null":              sign(header, b64([]byte(`null`))),
		"two objects":       sign(header, b64(append(claims, claims...))),
		"deep":              sign(header, b64([]byte(`{"sub":"ann","exp":9999999999,"d":`+strings.Repeat("[", 20)+strings.Repeat("]", 20)+`}`))),
	} {
		t.Run(name, func(t *testing.T) { b.refused(t, token, auth.ReasonMalformed) })
	}
}

func TestJ18_LongToken(t *testing.T) {
	b := newBench(t, sharedSecret(t))
	b.refused(t, b.hs(fields{"pad": strings.Repeat("x", 1<<20)}), auth.ReasonMalformed)
	b.refused(t, strings.Repeat("a.", 1<<20), auth.ReasonMalformed)
}

func TestJ19_OtherKindOfIssuer(t *testing.T) {
	k := newEdKey(t, "k1")
	jwks, _ := jwksBench(t, k)
	jwks.refused(t, jwks.hs(fields{"iss": issuerName, "aud": issuerName}), auth.ReasonAlgorithm)
	jwks.refused(t, jwks.hs(nil), auth.ReasonIssuer)
	hs := newBench(t, sharedSecret(t))
	hs.refused(t, hs.ed(k, nil), auth.ReasonAlgorithm)
}

func TestToken_SharedSecretBesideARow(t *testing.T) {
	k := newEdKey(t, "k1")
	server := newKeyServer(t)
	server.publish(k.jwk())
	b := newBench(t, sharedSecret(t), auth.Issuer{Name: issuerName, Algorithm: "EdDSA", JWKS: server.URL, SharedSubjects: true})
	b.accepted(t, b.ed(k, nil))
	b.accepted(t, b.hs(nil))
	b.accepted(t, b.hs(fields{"iss": "somebody else"}))
	b.refused(t, b.hs(fields{"iss": issuerName}), auth.ReasonAlgorithm)
}

func TestJ20_SessionTokenOfBetterAuth(t *testing.T) {
	b := newBench(t, sharedSecret(t))
	for _, token := range []string{"Jx2o3Yc8mZb4Vq0KtUeR5wHsGnDfLp7A", "Jx2o3Yc8mZb4Vq0KtUeR5wHsGnDfLp7A.c2lnbmF0dXJlc2lnbmF0dXJlc2ln%3D"} {
		b.refused(t, token, auth.ReasonMalformed)
	}
}

func request(headers http.Header) *http.Request {
	r := httptest.NewRequest(http.MethodPost, "/api/ann/chat?jwt=x&access_token=x", nil)
	r.Header = headers
	return r
}

func TestJ23_J24_WhereTheCredentialStands(t *testing.T) {
	b := newBench(t, sharedSecret(t))
	good := b.hs(nil)
	for name, tc := range map[string]struct {
		header http.Header
		want   auth.Reason // empty: accepted
	}{
		"header":               {http.Header{"Authorization": {"Bearer " + good}}, ""},
		"scheme in other case": {http.Header{"Authorization": {"bearer " + good}}, ""},
		"J23 two headers":      {http.Header{"Authorization": {"Bearer " + good, "Bearer " + good}}, auth.ReasonMalformed},
		"two in one header":    {http.Header{"Authorization": {"Bearer " + good + ", Bearer " + good}}, auth.ReasonMalformed},
		"J24 cookie":           {http.Header{"Cookie": {"jwt=" + good + "; tandem_session=" + good}}, auth.ReasonMissing},
		"J24 query":            {http.Header{}, auth.ReasonMissing},
		"basic":                {http.Header{"Authorization": {"Basic " + good}}, auth.ReasonMissing},
		"bare":                 {http.Header{"Authorization": {good}}, auth.ReasonMissing},
		"empty":                {http.Header{"Authorization": {""}}, auth.ReasonMissing},
		"only the scheme":      {http.Header{"Authorization": {"Bearer "}}, auth.ReasonMissing},
		"subprotocol":          {http.Header{"Sec-Websocket-Protocol": {"tandem.sync.v1, bearer." + good}}, auth.ReasonMissing},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := b.Request(request(tc.header))
			r, rejected := errors.AsType[*auth.Rejection](err)
			switch {
			case tc.want == "" && err != nil:
				t.Errorf("refused: %v", err)
			case tc.want != "" && (!rejected || r.Reason != tc.want):
				t.Errorf("got %v, want a rejection as %s", err, tc.want)
			}
		})
	}
}

func TestSocketFor_HeaderOrSubprotocol(t *testing.T) {
	b := newBench(t, sharedSecret(t))
	good := b.hs(nil)
	for name, tc := range map[string]struct {
		header   http.Header
		inHeader bool
		want     auth.Reason
	}{
		"header":             {http.Header{"Authorization": {"Bearer " + good}, "Sec-Websocket-Protocol": {"tandem.sync.v1"}}, true, ""},
		"subprotocol":        {http.Header{"Sec-Websocket-Protocol": {"tandem.sync.v1, bearer." + good}}, false, ""},
		"on two lines":       {http.Header{"Sec-Websocket-Protocol": {"tandem.sync.v1", "bearer." + good}}, false, ""},
		"both":               {http.Header{"Authorization": {"Bearer " + good}, "Sec-Websocket-Protocol": {"tandem.sync.v1, bearer." + good}}, true, auth.ReasonMalformed},
		"two subprotocols":   {http.Header{"Sec-Websocket-Protocol": {"bearer." + good + ", bearer." + good}}, false, auth.ReasonMalformed},
		"neither":            {http.Header{"Sec-Websocket-Protocol": {"tandem.sync.v1"}}, false, auth.ReasonMissing},
		"an empty bearer":    {http.Header{"Sec-Websocket-Protocol": {"tandem.sync.v1, bearer."}}, false, auth.ReasonMalformed},
		"cookie":             {http.Header{"Cookie": {"jwt=" + good}}, false, auth.ReasonMissing},
		"header, bad bearer": {http.Header{"Authorization": {"Bearer " + good}, "Sec-Websocket-Protocol": {"bearer.x"}}, true, auth.ReasonMalformed},
	} {
		t.Run(name, func(t *testing.T) {
			p, inHeader, err := b.SocketFor(request(tc.header), "ann")
			r, rejected := errors.AsType[*auth.Rejection](err)
			switch {
			case tc.want == "" && (err != nil || p.User != "ann" || inHeader != tc.inHeader):
				t.Errorf("got %v, %v, %v; want ann, in the header: %v", p.User, inHeader, err, tc.inHeader)
			case tc.want != "" && (!rejected || r.Reason != tc.want):
				t.Errorf("got %v, want a rejection as %s", err, tc.want)
			}
		})
	}
}

func TestRequestFor_AnotherUserIsForbiddenBeforeTheStoreIsAsked(t *testing.T) {
	b := newBench(t, sharedSecret(t))
	b.store.down = true
	r := request(http.Header{"Authorization": {"Bearer " + b.hs(nil)}})
	for _, user := range []string{"bob", "", "Ann", "ann ", "ann/", "%61nn"} {
		if _, err := b.RequestFor(r, user); !errors.Is(err, tandem.ErrForbidden) {
			t.Errorf("user %q: %v, want forbidden", user, err)
		}
	}
	if n := b.store.asked.Load(); n != 0 {
		t.Errorf("the store was asked %d times", n)
	}
	expired := request(http.Header{"Authorization": {"Bearer " + b.hs(fields{"exp": b.clock.now().Unix() - 60})}})
	if _, err := b.RequestFor(expired, "bob"); errors.Is(err, tandem.ErrForbidden) {
		t.Error("an expired token learned that the path is another user's")
	}
}

func TestToken_StoreDownIsNoRejection(t *testing.T) {
	b := newBench(t, sharedSecret(t))
	b.store.down = true
	for _, token := range []string{b.hs(nil), auth.NewPersonalToken()} {
		_, err := b.Token(t.Context(), token)
		if _, rejected := errors.AsType[*auth.Rejection](err); err == nil || rejected {
			t.Errorf("got %v; want an error that is no rejection", err)
		}
	}
}

func TestToken_RevokedBefore(t *testing.T) {
	b := newBench(t, sharedSecret(t))
	b.store.revoked["ann"] = b.clock.now().Add(500 * time.Millisecond)
	b.refused(t, b.hs(nil), auth.ReasonRevoked)
	b.refused(t, b.hs(fields{"iat": nil}), auth.ReasonRevoked)
	b.accepted(t, b.hs(fields{"iat": b.clock.now().Unix() + 1}))
	b.accepted(t, b.hs(fields{"sub": "bob"}))
}

func TestToken_Personal(t *testing.T) {
	b := newBench(t, sharedSecret(t))
	token := auth.NewPersonalToken()
	expires := tandem.Stamp(b.clock.now().Add(time.Hour))
	b.store.tokens[auth.Hash(token)] = tandem.TokenInfo{ID: "p1", Scopes: []string{tandem.ScopeRead}, ExpiresAt: &expires}
	p := b.accepted(t, token)
	if !p.Program || p.User != "ann" || p.TokenID != "p1" || !p.Allows(tandem.ScopeRead) || p.Allows(tandem.ScopeWrite) {
		t.Errorf("principal %+v; want ann's program that may read", p)
	}
	b.refused(t, auth.NewPersonalToken(), auth.ReasonPersonal)
	b.refused(t, token+"x", auth.ReasonMalformed)
	b.refused(t, "tdm_", auth.ReasonMalformed)
	if _, err := b.RequestFor(request(http.Header{"Authorization": {"Bearer " + token}}), "bob"); !errors.Is(err, tandem.ErrForbidden) {
		t.Errorf("ann's personal token on bob's path: %v, want forbidden", err)
	}
	b.clock.move(time.Hour)
	b.refused(t, token, auth.ReasonExpired)
}

func TestRejection_SaysNothingOfTheToken(t *testing.T) {
	b := newBench(t, sharedSecret(t))
	canary := "canary-" + strings.Repeat("s3cr3t", 4)
	for _, token := range []string{canary, b.hs(fields{"sub": canary + "/"}), mint(hmacSigner("x"), hsHeader, b.claims().with(fields{"email": canary}))} {
		_, err := b.Token(context.Background(), token)
		if err == nil || strings.Contains(err.Error(), canary) {
			t.Errorf("the error is %v", err)
		}
	}
}
