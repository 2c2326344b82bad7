package auth

import (
	"strings"
	"testing"

	"github.com/lestrrat-go/jwx/v3/jws"
)

// FuzzParse looks for a token that the parser takes although it breaks what the verifier relies on.
func FuzzParse(f *testing.F) {
	for _, s := range []string{
		"eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhbm4iLCJleHAiOjk5OTk5OTk5OTl9.AA",
		"eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCIsImtpZCI6ImEifQ.eyJzdWIiOiJhbm4iLCJleHAiOjEuNSwiYXVkIjpbImEiXX0.AA",
		"e30.e30.AA", "..", "a.b.c",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		c, err := parse(raw)
		if err != nil {
			return
		}
		if !c.claims.subject.Valid() || c.claims.expires.IsZero() {
			t.Fatalf("accepted %q without a subject or an expiry", raw)
		}
		if strings.Count(raw, ".") != 2 || strings.ContainsAny(raw, "=\r\n +/") || len(raw) > maxToken {
			t.Fatalf("accepted %q, which is not in compact form", raw)
		}
		msg, err := jws.Parse([]byte(raw), jws.WithCompact())
		if err != nil {
			t.Fatalf("accepted %q, which a JWS parser refuses: %v", raw, err)
		}
		headers := msg.Signatures()[0].ProtectedHeaders()
		if alg, _ := headers.Algorithm(); alg.String() != c.alg {
			t.Fatalf("read alg %q of %q, a JWS parser %q", c.alg, raw, alg)
		}
	})
}
