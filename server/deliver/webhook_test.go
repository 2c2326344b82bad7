package deliver_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"tandem"
	"tandem/server/deliver"
)

const masterKey = "0123456789abcdef-canary-secret"

func newWebhook(t *testing.T, pool *x509.CertPool) *deliver.Webhook {
	t.Helper()
	w, err := deliver.NewWebhook(deliver.WebhookOptions{Key: masterKey, Loopback: pool})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(w.Close)
	return w
}

func toURL(url string) tandem.Target { return tandem.Target{Medium: tandem.MediumWebhook, URL: url} }

func TestWebhook_IsSignedAndKnownByItsID(t *testing.T) {
	var bodies []string
	s, pool := outside(t, func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		mac := hmac.New(sha256.New, []byte(deliver.WebhookKey(masterKey, "ann")))
		mac.Write([]byte(r.Header.Get("Tandem-Timestamp") + "." + string(body)))
		if got, want := r.Header.Get("Tandem-Signature"), "v1="+hex.EncodeToString(mac.Sum(nil)); got != want {
			t.Errorf("signature %s, want %s", got, want)
		}
		if got := r.Header.Get("Tandem-Id"); got != notice.ID || r.Method != http.MethodPost || r.Header.Get("Content-Type") != "application/json" {
			t.Errorf("%s of %q as %s", r.Method, got, r.Header.Get("Content-Type"))
		}
		bodies = append(bodies, string(body))
		if len(bodies) == 1 {
			w.Header().Set("Retry-After", "120")
			w.WriteHeader(http.StatusServiceUnavailable)
		}
	})
	w := newWebhook(t, pool)
	if e := judged(t, w.Send(t.Context(), notice, toURL(s.URL+"/hook"))); e.Final || e.Gone || e.After != 2*time.Minute {
		t.Errorf("verdict %+v", e)
	}
	if err := w.Send(t.Context(), notice, toURL(s.URL+"/hook")); err != nil {
		t.Fatal(err)
	}
	if bodies[0] != bodies[1] {
		t.Errorf("two attempts differ:\n%s\n%s", bodies[0], bodies[1])
	}
	var body map[string]any
	if err := json.Unmarshal([]byte(bodies[1]), &body); err != nil || body["id"] != notice.ID || body["title"] != notice.Title || body["number"] != 5.0 {
		t.Errorf("body %s, err %v", bodies[1], err)
	}
	if strings.Contains(bodies[1], "ann") {
		t.Error("the body names the user, whose address it is anyway")
	}
	if deliver.WebhookKey(masterKey, "ann") == deliver.WebhookKey(masterKey, "bob") {
		t.Error("two people have one key")
	}
}

func TestWebhook_KnowsWhatAnotherAttemptIsWorth(t *testing.T) {
	for code, want := range map[int]tandem.DeliveryError{
		http.StatusGone: {Gone: true}, http.StatusNotFound: {}, http.StatusTooManyRequests: {}, http.StatusInternalServerError: {}, http.StatusFound: {},
	} {
		s, pool := outside(t, func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path != "/hook" {
				t.Error("a redirect was followed")
			}
			w.Header().Set("Location", "/elsewhere")
			w.WriteHeader(code)
		})
		e := judged(t, newWebhook(t, pool).Send(t.Context(), notice, toURL(s.URL+"/hook")))
		if e.Gone != want.Gone || e.Final != want.Final {
			t.Errorf("status %d: %+v", code, e)
		}
	}
}

func TestWebhook_OnlyPublicAddresses(t *testing.T) {
	called := false
	s, _ := outside(t, func(http.ResponseWriter, *http.Request) { called = true })
	_, port, _ := strings.Cut(strings.TrimPrefix(s.URL, "https://"), ":")
	w := newWebhook(t, nil)
	for _, url := range []string{
		s.URL,                       // loopback
		"https://localhost:" + port, // a name that leads there
		"https://[::1]:" + port, "https://[::ffff:127.0.0.1]:" + port, "https://0.0.0.0:" + port, "https://[::]:" + port,
		"https://2130706433:" + port, "https://127.1:" + port, // the same in other words
		"https://10.0.0.1/", "https://172.16.0.1/", "https://192.168.1.1/", "https://169.254.169.254/latest/meta-data/", "https://100.64.0.1/",
		"https://[fd00::1]/", "https://[fe80::1]/", "https://[64:ff9b::7f00:1]/", "https://[64:ff9b::a00:1]/", "https://[2002:7f00:1::]/", "https://224.0.0.1/", "https://255.255.255.255/",
		"http://example.com/", "https://user:pass@example.com/", "https:///hook", "ftp://example.com", "", ":", "https://exa mple.com",
	} {
		err := w.Send(t.Context(), notice, toURL(url))
		if err == nil {
			t.Errorf("%s was called", url)
			continue
		}
		if e := judged(t, err); !e.Final && !strings.Contains(url, "2130706433") && !strings.Contains(url, "127.1") {
			t.Errorf("%s: %v; another attempt is worth nothing", url, err)
		}
	}
	if called {
		t.Error("this machine was called")
	}
}

func TestWebhook_AnErrorKeepsTheAddressToItself(t *testing.T) {
	s, pool := outside(t, nil)
	s.Close()
	err := newWebhook(t, pool).Send(t.Context(), notice, toURL(s.URL+"/hook?token=canary-secret"))
	if e := judged(t, err); e.Final || e.Gone || strings.Contains(err.Error(), "canary") {
		t.Errorf("verdict %+v: %v", e, err)
	}
}

func TestWebhook_ASlowOrEndlessAnswerIsLeft(t *testing.T) {
	release := make(chan struct{})
	s, pool := outside(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/slow" {
			<-release
			return
		}
		for range 1 << 10 { // 64 MiB
			if _, err := w.Write(make([]byte, 64<<10)); err != nil {
				return
			}
		}
		t.Error("all of an endless answer was read")
	})
	defer close(release)
	w := newWebhook(t, pool)
	if err := w.Send(t.Context(), notice, toURL(s.URL+"/endless")); err != nil {
		t.Errorf("an endless answer: %v", err)
	}
	start := time.Now()
	if e := judged(t, w.Send(t.Context(), notice, toURL(s.URL+"/slow"))); e.Final || time.Since(start) > 5*time.Second {
		t.Errorf("after %s: %+v", time.Since(start), e)
	}
}

func TestNewWebhook_RefusesAShortKey(t *testing.T) {
	if _, err := deliver.NewWebhook(deliver.WebhookOptions{Key: "short"}); err == nil {
		t.Error("a short key signs")
	}
}
