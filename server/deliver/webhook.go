package deliver

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"tandem"
)

// The headers of a webhook call. A receiver computes HMAC-SHA256 over the timestamp, a dot and the body with its key, compares it
// with the signature in constant time, and refuses timestamps that are not of the last minutes.
const (
	headerID        = "Tandem-Id"
	headerTimestamp = "Tandem-Timestamp"
	headerSignature = "Tandem-Signature" // v1= and the hexadecimal code
)

// minKey is the length of a signing key from which it is one.
const minKey = 16

// WebhookOptions of a Webhook.
type WebhookOptions struct {
	// Key is the secret from which each person's signing key is made; at least 16 bytes.
	Key string
	// Loopback are the authorities of servers on this machine, which may then be called as well. It is for tests.
	Loopback *x509.CertPool
}

// Webhook posts notices to an address of the person.
type Webhook struct {
	caller caller
	key    string
	now    func() time.Time
}

// NewWebhook makes a channel.
func NewWebhook(o WebhookOptions) (*Webhook, error) {
	if len(o.Key) < minKey {
		return nil, fmt.Errorf("the key that signs webhooks has fewer than %d bytes", minKey)
	}
	return &Webhook{caller: newCaller(o.Loopback), key: o.Key, now: time.Now}, nil
}

// Close lets go of idle connections.
func (w *Webhook) Close() { w.caller.close() }

// WebhookKey is the key with which the calls to a person's address are signed. Each person has another one, so that nobody can sign
// for others.
func WebhookKey(key string, user tandem.UserID) string {
	mac := hmac.New(sha256.New, []byte(key))
	mac.Write([]byte("tandem webhook key\n" + string(user)))
	return "whk_" + base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}

// call is the body of a webhook. It is the same on every attempt.
type call struct {
	ID         string       `json:"id"`
	Type       string       `json:"type"`
	FiredAt    tandem.Stamp `json:"fired_at"`
	ReminderID string       `json:"reminder_id"`
	TaskID     string       `json:"task_id"` // the task's UUID
	Number     int64        `json:"number"`
	Title      string       `json:"title"`
	Due        *tandem.Due  `json:"due"`
}

// Send makes one attempt.
func (w *Webhook) Send(ctx context.Context, n tandem.Notice, to tandem.Target) error {
	body, err := json.Marshal(call{
		ID: n.ID, Type: string(tandem.EventReminderDue), FiredAt: tandem.Stamp(n.FiredAt), ReminderID: n.ReminderID, TaskID: n.TaskUID,
		Number: n.Number, Title: n.Title, Due: n.Due,
	})
	if err != nil {
		return fmt.Errorf("encode notice: %w", err)
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, to.URL, bytes.NewReader(body))
	if err != nil {
		return &tandem.DeliveryError{Final: true, Cause: errors.New("not an address")}
	}
	stamp := strconv.FormatInt(w.now().Unix(), 10)
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set(headerID, n.ID)
	r.Header.Set(headerTimestamp, stamp)
	r.Header.Set(headerSignature, "v1="+sign(WebhookKey(w.key, n.UserID), stamp, body))
	res, err := w.caller.Do(r) //nolint:bodyclose // Do closes it
	if err != nil {
		return err
	}
	return verdict(res, []int{http.StatusGone}, nil)
}

func sign(key, stamp string, body []byte) string {
	mac := hmac.New(sha256.New, []byte(key))
	mac.Write([]byte(stamp + "."))
	mac.Write(body)
	return hex.EncodeToString(mac.Sum(nil))
}
