package auth_test

import (
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tandem/server/auth"
)

func writeFile(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestLoadIssuers_ReadsRows(t *testing.T) {
	current, previous := writeFile(t, "current", secret+"\n"), writeFile(t, "previous", secret+" old\r\n")
	got, err := auth.LoadIssuers(writeFile(t, "issuers.json", `{"issuers": [
	  {"iss": "https://a.example", "aud": ["https://a.example"], "alg": "EdDSA", "jwks_url": "https://a.example/api/auth/jwks", "shared_subjects": true},
	  {"iss": "batch", "aud": [], "alg": "HS256", "secret_file": "`+current+`", "previous_secret_file": "`+previous+`", "max_age": "1h", "shared_subjects": true}]}`))
	if err != nil {
		t.Fatal(err)
	}
	want := []auth.Issuer{
		{Name: "https://a.example", Audience: []string{"https://a.example"}, Algorithm: "EdDSA", JWKS: "https://a.example/api/auth/jwks", SharedSubjects: true},
		{Name: "batch", Audience: []string{}, Algorithm: "HS256", Secrets: [][]byte{[]byte(secret), []byte(secret + " old")}, MaxAge: time.Hour, SharedSubjects: true},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("rows differ (-want +got):\n%s", diff)
	}
}

func TestLoadIssuers_RefusesWhatWouldNotProtect(t *testing.T) {
	good := writeFile(t, "secret", secret)
	short, empty, known := writeFile(t, "short", "short"), writeFile(t, "empty", ""), writeFile(t, "known", "better-auth-secret-12345678901234567890")
	row := func(members string) string { return `{"issuers":[{` + members + `}]}` }
	for name, tc := range map[string]struct{ text, says string }{
		"no JSON":             {`{`, "JSON"},
		"no rows":             {`{"issuers":[]}`, "no issuers"},
		"unknown top key":     {`{"issuers":[],"isuers":[]}`, "isuers"},
		"unknown row key":     {row(`"iss":"a","alg":"HS256","secret_file":"` + good + `","audience":["x"]`), "audience"},
		"repeated key":        {row(`"iss":"a","iss":"b","alg":"HS256","secret_file":"` + good + `"`), "repeats"},
		"no iss":              {row(`"alg":"HS256","secret_file":"` + good + `"`), "iss"},
		"no alg":              {row(`"iss":"a","jwks_url":"https://a.example/k"`), "alg"},
		"alg none":            {row(`"iss":"a","alg":"none","jwks_url":"https://a.example/k"`), "none"},
		"alg HS512":           {row(`"iss":"a","alg":"HS512","secret_file":"` + good + `"`), "HS512"},
		"HS256 with keys":     {row(`"iss":"a","alg":"HS256","secret_file":"` + good + `","jwks_url":"https://a.example/k"`), "jwks_url"},
		"HS256 without":       {row(`"iss":"a","alg":"HS256"`), "secret_file"},
		"keys with a secret":  {row(`"iss":"a","alg":"EdDSA","jwks_url":"https://a.example/k","secret_file":"` + good + `"`), "secret_file"},
		"keys without":        {row(`"iss":"a","alg":"EdDSA"`), "jwks_url"},
		"keys over http":      {row(`"iss":"a","alg":"EdDSA","jwks_url":"http://a.example/k"`), "https"},
		"keys from a file":    {row(`"iss":"a","alg":"EdDSA","jwks_url":"file:///etc/passwd"`), "jwks_url"},
		"keys with password":  {row(`"iss":"a","alg":"EdDSA","jwks_url":"https://u:p@a.example/k"`), "jwks_url"},
		"loopback lookalike":  {row(`"iss":"a","alg":"EdDSA","jwks_url":"http://localhost.evil.example/k"`), "https"},
		"short secret":        {row(`"iss":"a","alg":"HS256","secret_file":"` + short + `"`), "32 bytes"},
		"empty secret":        {row(`"iss":"a","alg":"HS256","secret_file":"` + empty + `"`), "32 bytes"},
		"well-known secret":   {row(`"iss":"a","alg":"HS256","secret_file":"` + known + `"`), "well-known"},
		"short previous":      {row(`"iss":"a","alg":"HS256","secret_file":"` + good + `","previous_secret_file":"` + short + `"`), "32 bytes"},
		"secret file missing": {row(`"iss":"a","alg":"HS256","secret_file":"/nowhere/secret"`), "/nowhere/secret"},
		"max_age":             {row(`"iss":"a","alg":"HS256","secret_file":"` + good + `","max_age":"soon"`), "max_age"},
		"max_age negative":    {row(`"iss":"a","alg":"HS256","secret_file":"` + good + `","max_age":"-1h"`), "max_age"},
		"aud a string":        {row(`"iss":"a","alg":"HS256","secret_file":"` + good + `","aud":"x"`), "aud"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := auth.LoadIssuers(writeFile(t, "issuers.json", tc.text))
			if err == nil || !strings.Contains(err.Error(), tc.says) {
				t.Errorf("got %v, want an error that says %q", err, tc.says)
			}
			if err != nil && strings.Contains(err.Error(), secret) {
				t.Error("the error shows the secret")
			}
		})
	}
	if _, err := auth.LoadIssuers(writeFile(t, "issuers.json", row(`"iss":"a","alg":"ES256","jwks_url":"http://127.0.0.1:3000/k"`))); err != nil {
		t.Errorf("http on the loopback: %v, want it accepted", err)
	}
}

func TestNew_RowsBesideEachOther(t *testing.T) {
	named := func(name string, shared bool) auth.Issuer {
		return auth.Issuer{Name: name, Algorithm: "HS256", Secrets: [][]byte{[]byte(secret + name)}, SharedSubjects: shared}
	}
	for name, tc := range map[string]struct {
		rows []auth.Issuer
		says string // empty: accepted
	}{
		"none":                       {nil, "no token issuer"},
		"alone":                      {[]auth.Issuer{named("a", false)}, ""},
		"two that share":             {[]auth.Issuer{named("a", true), named("b", true)}, ""},
		"two, one does not say so":   {[]auth.Issuer{named("a", true), named("b", false)}, "shared_subjects"},
		"beside the shared secret":   {[]auth.Issuer{sharedSecret(t), named("a", false)}, "shared_subjects"},
		"which shares":               {[]auth.Issuer{sharedSecret(t), named("a", true)}, ""},
		"twice the same":             {[]auth.Issuer{named("a", true), named("a", true)}, "twice"},
		"a row that cannot stand":    {[]auth.Issuer{{Name: "a", Algorithm: "HS256"}}, "secret"},
		"a secret for public keys":   {[]auth.Issuer{{Name: "a", Algorithm: "EdDSA", JWKS: "https://a.example", Secrets: [][]byte{[]byte(secret)}}}, "HS256 only"},
		"an unknown algorithm":       {[]auth.Issuer{{Name: "a", Algorithm: "XX1", JWKS: "https://a.example"}}, "XX1"},
		"a secret that is too short": {[]auth.Issuer{{Name: "a", Algorithm: "HS256", Secrets: [][]byte{[]byte("x")}}}, "32 bytes"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := auth.New(auth.Options{Issuers: tc.rows, Log: slog.New(slog.DiscardHandler)})
			if tc.says == "" && err != nil {
				t.Errorf("refused: %v", err)
			}
			if tc.says != "" && (err == nil || !strings.Contains(err.Error(), tc.says)) {
				t.Errorf("got %v, want an error that says %q", err, tc.says)
			}
		})
	}
	if _, err := auth.SharedSecret([]byte("short-secret")); err == nil {
		t.Error("a short shared secret was accepted")
	}
}
