package deliver_test

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/ecdh"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"io"
	"math/big"
	"net/http"
	"strings"
	"testing"
	"time"

	"tandem"
	"tandem/server/deliver"
)

// browser is one that subscribed to push.
type browser struct {
	t    *testing.T
	key  *ecdh.PrivateKey
	auth []byte
}

func newBrowser(t *testing.T) *browser {
	t.Helper()
	key, err := ecdh.P256().GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return &browser{t: t, key: key, auth: []byte("sixteen bytes ok")}
}

func (b *browser) subscription(endpoint string) tandem.Target {
	b.t.Helper()
	doc, err := json.Marshal(map[string]any{"endpoint": endpoint, "expirationTime": nil, "keys": map[string]string{
		"p256dh": base64.RawURLEncoding.EncodeToString(b.key.PublicKey().Bytes()), "auth": base64.RawURLEncoding.EncodeToString(b.auth),
	}})
	if err != nil {
		b.t.Fatal(err)
	}
	return tandem.Target{Medium: tandem.MediumPush, Subscription: doc}
}

func (b *browser) derive(secret, salt []byte, info string, n int) []byte {
	b.t.Helper()
	key, err := hkdf.Key(sha256.New, secret, salt, info, n)
	if err != nil {
		b.t.Fatal(err)
	}
	return key
}

// decrypt reads a message as RFC 8291 and RFC 8188 say.
func (b *browser) decrypt(body []byte) []byte {
	b.t.Helper()
	salt, size, idLen := body[:16], binary.BigEndian.Uint32(body[16:20]), int(body[20])
	sender, record := body[21:21+idLen], body[21+idLen:]
	if int(size) < len(record) {
		b.t.Errorf("a record of %d bytes, more than %d", len(record), size)
	}
	public, err := ecdh.P256().NewPublicKey(sender)
	if err != nil {
		b.t.Fatal(err)
	}
	shared, err := b.key.ECDH(public)
	if err != nil {
		b.t.Fatal(err)
	}
	ikm := b.derive(shared, b.auth, "WebPush: info\x00"+string(b.key.PublicKey().Bytes())+string(sender), 32)
	block, err := aes.NewCipher(b.derive(ikm, salt, "Content-Encoding: aes128gcm\x00", 16))
	if err != nil {
		b.t.Fatal(err)
	}
	gcm, err := cipher.NewGCM(block)
	if err != nil {
		b.t.Fatal(err)
	}
	text, err := gcm.Open(nil, b.derive(ikm, salt, "Content-Encoding: nonce\x00", 12), record, nil)
	if err != nil {
		b.t.Fatalf("the message cannot be read: %v", err)
	}
	text = []byte(strings.TrimRight(string(text), "\x00"))
	if text[len(text)-1] != 2 {
		b.t.Error("the last record does not say so")
	}
	return text[:len(text)-1]
}

// believe checks the credential of RFC 8292.
func believe(t *testing.T, r *http.Request, public string) {
	t.Helper()
	var token, key string
	for part := range strings.SplitSeq(strings.TrimPrefix(r.Header.Get("Authorization"), "vapid "), ",") {
		name, value, _ := strings.Cut(strings.TrimSpace(part), "=")
		switch name {
		case "t":
			token = value
		case "k":
			key = value
		}
	}
	parts := strings.Split(token, ".")
	if key != public || len(parts) != 3 {
		t.Fatalf("credential %q with key %s, want key %s", token, key, public)
	}
	signer, err := ecdsa.ParseUncompressedPublicKey(elliptic.P256(), unbase64(t, key))
	if err != nil {
		t.Fatal(err)
	}
	sum, signature := sha256.Sum256([]byte(parts[0]+"."+parts[1])), unbase64(t, parts[2])
	if !ecdsa.Verify(signer, sum[:], new(big.Int).SetBytes(signature[:32]), new(big.Int).SetBytes(signature[32:])) {
		t.Error("the credential is not signed with its key")
	}
	var claims struct {
		Aud, Sub string
		Exp      int64
	}
	if err := json.Unmarshal(unbase64(t, parts[1]), &claims); err != nil {
		t.Fatal(err)
	}
	if claims.Aud != "https://"+r.Host || claims.Sub != "mailto:ops@example.com" || time.Until(time.Unix(claims.Exp, 0)) > 24*time.Hour {
		t.Errorf("claims %+v", claims)
	}
}

// vapidKey makes a private key.
func vapidKey(t *testing.T) string {
	t.Helper()
	key, err := ecdh.P256().GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return base64.RawURLEncoding.EncodeToString(key.Bytes())
}

func newPush(t *testing.T, key string, pool *x509.CertPool) *deliver.Push {
	t.Helper()
	p, err := deliver.NewPush(deliver.PushOptions{Key: key, Contact: "mailto:ops@example.com", Loopback: pool})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Close)
	return p
}

func TestPush_TheBrowserAloneReadsIt(t *testing.T) {
	b, key := newBrowser(t), vapidKey(t)
	public, err := deliver.PublicKey(key)
	if err != nil {
		t.Fatal(err)
	}
	var got string
	s, pool := outside(t, func(w http.ResponseWriter, r *http.Request) {
		believe(t, r, public)
		for key, want := range map[string]string{"Ttl": "86400", "Urgency": "high", "Topic": "0190f3c2111170008000000000000002", "Content-Encoding": "aes128gcm"} {
			if got := r.Header.Get(key); got != want {
				t.Errorf("%s is %q, want %q", key, got, want)
			}
		}
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		got = string(b.decrypt(body))
		w.WriteHeader(http.StatusCreated)
	})
	if err := newPush(t, key, pool).Send(t.Context(), notice, b.subscription(s.URL+"/push/1")); err != nil {
		t.Fatal(err)
	}
	want := `{"id":"` + notice.ID + `","type":"reminder.due","reminder_id":"` + notice.ReminderID + `","task_id":"` + notice.TaskUID + `","number":5}`
	if got != want {
		t.Errorf("the browser reads %s, want %s", got, want)
	}
}

func TestPush_KnowsWhatAnotherAttemptIsWorth(t *testing.T) {
	b := newBrowser(t)
	for code, want := range map[int]tandem.DeliveryError{
		http.StatusGone: {Gone: true}, http.StatusNotFound: {Gone: true}, http.StatusForbidden: {Final: true}, http.StatusRequestEntityTooLarge: {Final: true},
		http.StatusTooManyRequests: {}, http.StatusBadGateway: {},
	} {
		s, pool := outside(t, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(code) })
		if e := judged(t, newPush(t, vapidKey(t), pool).Send(t.Context(), notice, b.subscription(s.URL))); e.Gone != want.Gone || e.Final != want.Final {
			t.Errorf("status %d: %+v", code, e)
		}
	}
	p := newPush(t, vapidKey(t), nil)
	for name, sub := range map[string]string{
		"nothing": ``, "no JSON": `{`, "no keys": `{"endpoint":"https://push.example.com/x"}`,
		"a bad point": `{"endpoint":"https://push.example.com/x","keys":{"p256dh":"BBBB","auth":"AAAA"}}`,
	} {
		if e := judged(t, p.Send(t.Context(), notice, tandem.Target{Subscription: []byte(sub)})); !e.Gone {
			t.Errorf("%s: %+v", name, e)
		}
	}
	if e := judged(t, p.Send(t.Context(), notice, b.subscription("https://127.0.0.1/"))); !e.Final {
		t.Errorf("a push service on this machine: %+v", e)
	}
}

func TestNewPush_RefusesWhatIsNoKey(t *testing.T) {
	for _, key := range []string{"", "?", "AAAA", base64.RawURLEncoding.EncodeToString(make([]byte, 32))} {
		if _, err := deliver.NewPush(deliver.PushOptions{Key: key}); err == nil || key != "" && strings.Contains(err.Error(), key) {
			t.Errorf("%q: %v", key, err)
		}
	}
}
