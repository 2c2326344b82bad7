package main

import (
	"bytes"
	"crypto/ecdh"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"path/filepath"
)

// secretsFolder holds a volume for each reader, and the vault, which nobody else mounts.
const secretsFolder = "/secrets"

// vault is the folder of what was made once; everything else is written anew from it.
const vault = "vault"

// What only a person knows; empty until they tell.
const (
	modelKey = "model-key"
	smtpURL  = "smtp-url"
)

// Who reads: the users of the images.
const (
	userTandem   = 65532 // also Dapr's programs
	userPostgres = 999
	userRedis    = 999
	userNode     = 1000
)

// database is the one that Postgres makes at its first start.
const database = "tandem"

// roles of the database that sign in, each with a password of its own.
var roles = []string{"tandem_migrator", "tandem_app", "tandem_worker", "tandem_auth", "tandem_cache"}

const superuser = "postgres"

// secrets are the names and values of the vault.
type secrets map[string]string

// file is what one reader finds in its volume.
type file struct {
	path  string // volume/name
	owner int
	text  string
}

// handOut makes what is missing and writes every reader's files.
func handOut(dir, signIn string, out io.Writer) error {
	s, made, err := open(filepath.Join(dir, vault))
	if err != nil {
		return err
	}
	files, err := s.files(signIn)
	if err != nil {
		return err
	}
	for _, f := range files {
		if err := save(filepath.Join(dir, f.path), f.owner, []byte(f.text)); err != nil {
			return err
		}
	}
	fmt.Fprintf(out, "%d secrets made, %d kept, %d files handed out\n", made, len(s)-made, len(files))
	return nil
}

// take puts what a person knows into the vault.
func take(dir, signIn, name string, in io.Reader, out io.Writer) error {
	if name != modelKey && name != smtpURL {
		return fmt.Errorf("a person sets %s or %s; everything else is made", modelKey, smtpURL)
	}
	const most = 4 << 10
	value, err := io.ReadAll(io.LimitReader(in, most+1))
	if err != nil {
		return err
	}
	if len(value) > most {
		return fmt.Errorf("%s is longer than %d bytes", name, most)
	}
	if err := save(filepath.Join(dir, vault, name), 0, bytes.TrimSpace(value)); err != nil {
		return err
	}
	return handOut(dir, signIn, out)
}

// open reads the vault and fills what it lacks.
func open(dir string) (s secrets, made int, err error) {
	s = secrets{}
	fresh := map[string]func() (string, error){
		modelKey: func() (string, error) { return "", nil }, smtpURL: func() (string, error) { return "", nil },
		superuser: password, "redis": password, "sign-in": password, "webhook": password, "logs": password, "dapr-api": password, "dapr-app": password,
		"vapid": pushKey,
	}
	for _, role := range roles {
		fresh[role] = password
	}
	for name, make := range fresh {
		text, err := os.ReadFile(filepath.Join(dir, name))
		if errors.Is(err, os.ErrNotExist) {
			var value string
			if value, err = make(); err != nil {
				return nil, 0, err
			}
			text, err = []byte(value), save(filepath.Join(dir, name), 0, []byte(value))
			made++
		}
		if err != nil {
			return nil, 0, err
		}
		s[name] = string(text)
	}
	more, err := s.certify(dir)
	return s, made + more, err
}

func password() (string, error) { return rand.Text() + rand.Text(), nil }

// pushKey makes the private key of web push (RFC 8292).
func pushKey() (string, error) {
	key, err := ecdh.P256().GenerateKey(rand.Reader)
	if err != nil {
		return "", err
	}
	return base64.RawURLEncoding.EncodeToString(key.Bytes()), nil
}

// files are what each reader needs, and no more.
func (s secrets) files(signIn string) ([]file, error) {
	store, err := s.store()
	if err != nil {
		return nil, err
	}
	issuers, err := issuers(signIn)
	if err != nil {
		return nil, err
	}
	redis := (&url.URL{Scheme: "redis", User: url.UserPassword("", s["redis"]), Host: "redis:6379"}).String()
	out := []file{
		{"postgres/superuser", userPostgres, s[superuser]},
		{"redis/redis.conf", userRedis, "requirepass " + s["redis"] + "\n"},
		{"redis/password", userRedis, s["redis"]},
		{"migrate/database", userTandem, s.dsn("tandem_migrator")},
		{"sign-in-migrate/database", userNode, s.dsn("tandem_migrator")},
		{"sign-in/database", userNode, s.dsn("tandem_auth")},
		{"sign-in/secret", userNode, s["sign-in"]},
		{"roles/superuser", userTandem, (&url.URL{Scheme: "postgres", User: url.UserPassword(superuser, s[superuser]), Host: "postgres:5432", Path: database}).String()},
		{"serve/issuers.json", userTandem, issuers},
		{"serve/database", userTandem, s.dsn("tandem_app")},
		{"serve/redis", userTandem, redis},
		{"serve/model-key", userTandem, s[modelKey]},
		{"serve/vapid", userTandem, s["vapid"]},
		{"serve/webhook", userTandem, s["webhook"]},
		{"worker/database", userTandem, s.dsn("tandem_worker")},
		{"worker/redis", userTandem, redis},
		{"notifications/smtp-url", userTandem, s[smtpURL]},
		{"notifications/vapid", userTandem, s["vapid"]},
		{"notifications/webhook", userTandem, s["webhook"]},
		{"sidecar/store.json", userTandem, store},
		{"sentry/ca.crt", userTandem, s[rootCert]},
		{"sentry/issuer.crt", userTandem, s[issuerCert]},
		{"sentry/issuer.key", userTandem, s[issuerKey]},
		{"anchors/ca.crt", userTandem, s[rootCert]},
		{"tokens/api", userTandem, s["dapr-api"]},
		{"tokens/app", userTandem, s["dapr-app"]},
		{"logs/key", userTandem, s["logs"]},
	}
	for _, role := range roles {
		out = append(out, file{"roles/" + role, userTandem, s[role]})
	}
	return out, nil
}

// issuers tells the API whose tokens to believe. It reads the keys in its own pod.
func issuers(signIn string) (string, error) {
	text, err := json.Marshal(map[string]any{"issuers": []any{
		map[string]any{"iss": signIn, "aud": []string{signIn}, "alg": "EdDSA", "jwks_url": "http://127.0.0.1:8090/api/auth/jwks"},
	}})
	return string(text), err
}

// dsn is the address of the database for a role.
func (s secrets) dsn(role string) string {
	u := url.URL{Scheme: "postgres", User: url.UserPassword(role, s[role]), Host: "postgres:5432", Path: database, RawQuery: "sslmode=disable"}
	return u.String()
}

// store is the file behind Dapr's secret store, in the form of ops/dapr.
func (s secrets) store() (string, error) {
	key, err := base64.RawURLEncoding.DecodeString(s["vapid"])
	if err != nil {
		return "", fmt.Errorf("the key of web push: %w", err)
	}
	private, err := ecdh.P256().NewPrivateKey(key)
	if err != nil {
		return "", fmt.Errorf("the key of web push: %w", err)
	}
	text, err := json.Marshal(map[string]map[string]string{
		"tandem-kafka":   {"brokers": "kafka:9092"},
		"tandem-redis":   {"host": "redis:6379", "username": "", "password": s["redis"], "tls": "false"},
		"tandem-cache":   {"dsn": "host=postgres user=tandem_cache password=" + s["tandem_cache"] + " dbname=" + database + " sslmode=disable pool_max_conns=4"},
		"tandem-model":   {"api_key": s[modelKey]},
		"tandem-smtp":    {"url": s[smtpURL]},
		"tandem-vapid":   {"public_key": base64.RawURLEncoding.EncodeToString(private.PublicKey().Bytes()), "private_key": s["vapid"]},
		"tandem-webhook": {"signing_key": s["webhook"]},
	})
	return string(text), err
}

// save replaces a file as a whole: a reader sees the old text or the new one. One that holds the text already is left alone, because some
// readers watch it. A folder that is missing is a volume that was not mounted.
func save(path string, owner int, text []byte) error {
	if old, err := os.ReadFile(path); err == nil && bytes.Equal(old, text) {
		return nil
	}
	part := path + ".part"
	if err := os.Remove(part); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	if err := os.WriteFile(part, text, 0o400); err != nil {
		return err
	}
	if err := os.Lchown(part, owner, owner); err != nil {
		return err
	}
	return os.Rename(part, path)
}
