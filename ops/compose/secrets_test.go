package main

import (
	"bytes"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tandem/server/auth"
	"tandem/server/deliver"
)

const signInURL = "http://localhost:8090"

// volumes makes a folder for every reader, as docker-compose.yml mounts them.
func volumes(t *testing.T) string {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("NOT RUN: only root can give files to others")
	}
	dir := t.TempDir()
	for _, m := range load(t).Services["secrets"].Volumes {
		_, at, _ := strings.Cut(m, ":")
		if err := os.MkdirAll(filepath.Join(dir, strings.TrimPrefix(at, secretsFolder)), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// contents reads every file below dir.
func contents(t *testing.T, dir string) map[string]string {
	t.Helper()
	names, err := filepath.Glob(dir + "/*/*")
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]string{}
	for _, name := range names {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		out[strings.TrimPrefix(name, dir+"/")] = string(text)
	}
	return out
}

func TestHandOut_TwiceIsOnce(t *testing.T) {
	dir := volumes(t)
	var said bytes.Buffer
	if err := handOut(dir, signInURL, &said); err != nil {
		t.Fatal(err)
	}
	first := contents(t, dir)
	before, err := os.Stat(filepath.Join(dir, "sentry", issuerKey))
	if err != nil {
		t.Fatal(err)
	}
	if err := handOut(dir, signInURL, &said); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(first, contents(t, dir)); diff != "" {
		t.Error("a second run changed files") // not which way: they are secrets
	}
	after, err := os.Stat(filepath.Join(dir, "sentry", issuerKey))
	if err != nil || !before.ModTime().Equal(after.ModTime()) || !os.SameFile(before, after) {
		t.Error("a second run wrote a file that was right; the sentry watches it")
	}
	for name, text := range first {
		if strings.HasPrefix(name, vault+"/") && len(text) > 20 && strings.Contains(said.String(), text) {
			t.Errorf("it said the secret %s", name)
		}
	}
}

func TestHandOut_FillsWhatIsMissing(t *testing.T) {
	dir := volumes(t)
	if err := handOut(dir, signInURL, io.Discard); err != nil {
		t.Fatal(err)
	}
	before := contents(t, dir)
	for _, name := range []string{"vault/webhook", "serve/database"} {
		if err := os.Remove(filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	if err := handOut(dir, signInURL, io.Discard); err != nil {
		t.Fatal(err)
	}
	after := contents(t, dir)
	if after["serve/database"] != before["serve/database"] {
		t.Error("a file that was lost came back with another secret")
	}
	if after["vault/webhook"] == before["vault/webhook"] || after["serve/webhook"] != after["vault/webhook"] {
		t.Error("a secret that was lost is not made anew and handed out")
	}
}

func TestHandOut_GivesEachReaderItsOwn(t *testing.T) {
	dir := volumes(t)
	if err := handOut(dir, signInURL, io.Discard); err != nil {
		t.Fatal(err)
	}
	all := contents(t, dir)
	for name := range all {
		info, err := os.Stat(filepath.Join(dir, name))
		if err != nil || info.Mode().Perm() != 0o400 {
			t.Errorf("%s has the mode %v", name, info.Mode())
		}
	}
	values := map[string][]string{}
	for name, text := range all {
		if strings.HasPrefix(name, vault+"/") && text != "" {
			values[text] = append(values[text], name)
		}
	}
	for _, names := range values {
		if len(names) > 1 {
			t.Errorf("one value for %v", names)
		}
	}
	for name, text := range all {
		if strings.HasPrefix(name, "worker/") && strings.Contains(text, all["vault/tandem_app"]) {
			t.Errorf("%s knows the password of the API", name)
		}
	}
	if _, err := deliver.PublicKey(all["serve/vapid"]); err != nil {
		t.Error(err)
	}
	var store map[string]map[string]string
	if err := json.Unmarshal([]byte(all["sidecar/store.json"]), &store); err != nil || len(store) != 7 {
		t.Errorf("%d secrets in the store: %v", len(store), err)
	}
	if public, err := deliver.PublicKey(all["serve/vapid"]); err != nil || store["tandem-vapid"]["public_key"] != public {
		t.Error("the store has another key of web push")
	}
}

func TestHandOut_WithoutAVolumeFails(t *testing.T) {
	dir := volumes(t)
	if err := os.Remove(filepath.Join(dir, "serve")); err != nil {
		t.Fatal(err)
	}
	if err := handOut(dir, signInURL, io.Discard); err == nil {
		t.Error("no error")
	}
}

func TestTake_OnlyWhatAPersonKnows(t *testing.T) {
	dir := volumes(t)
	if err := take(dir, signInURL, modelKey, strings.NewReader("sk-of-a-model\n"), io.Discard); err != nil {
		t.Fatal(err)
	}
	all := contents(t, dir)
	if all["serve/model-key"] != "sk-of-a-model" || !strings.Contains(all["sidecar/store.json"], "sk-of-a-model") {
		t.Error("the key is not handed out")
	}
	for _, name := range []string{"tandem_app", "../serve/database", ""} {
		if err := take(dir, signInURL, name, strings.NewReader("x"), io.Discard); err == nil {
			t.Errorf("%q is taken", name)
		}
	}
	if err := take(dir, signInURL, smtpURL, strings.NewReader(strings.Repeat("x", 5000)), io.Discard); err == nil {
		t.Error("a text without end is taken")
	}
}

// TestIssuers_AreTaken reads the file as the API does.
func TestIssuers_AreTaken(t *testing.T) {
	text, err := issuers(signInURL)
	if err != nil {
		t.Fatal(err)
	}
	name := filepath.Join(t.TempDir(), "issuers.json")
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	got, err := auth.LoadIssuers(name)
	if err != nil || len(got) != 1 || got[0].Name != signInURL {
		t.Errorf("%v %v", got, err)
	}
}

func TestAuthority_SignsForTheSidecars(t *testing.T) {
	s := secrets{}
	now := time.Now()
	if err := s.authority(now); err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM([]byte(s[rootCert]))
	block, _ := pem.Decode([]byte(s[issuerCert]))
	issuer, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := issuer.Verify(x509.VerifyOptions{Roots: roots, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageAny}}); err != nil {
		t.Error(err)
	}
	if !lasts(s[issuerCert]) {
		t.Error("it would be made anew at once")
	}
	if err := s.authority(now.AddDate(-authorityYears, 2, 0)); err != nil || lasts(s[issuerCert]) {
		t.Errorf("it is kept although it ends in two months: %v", err)
	}
	if got := slices.Sorted(maps.Keys(s)); !slices.Equal(got, []string{rootCert, issuerCert, issuerKey}) {
		t.Errorf("it made %v", got)
	}
}
