package deliver

import (
	"context"
	"crypto/ecdh"
	"crypto/hkdf"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/SherClockHolmes/webpush-go"

	"tandem"
)

// pushTTL is how long a push service keeps a message for a browser that is away.
const pushTTL = 24 * time.Hour

// PushOptions of a Push.
type PushOptions struct {
	// Key is the private key of VAPID (RFC 8292): 32 bytes on the curve P-256, as base64url.
	Key string
	// Contact is a mail or https address at which push services reach the operator.
	Contact string
	// Loopback are the authorities of servers on this machine, which may then be called as well. It is for tests.
	Loopback *x509.CertPool
}

// Push sends notices to browsers by web push (RFC 8030, 8291). The message holds ids alone: push services forward it, and the
// browser looks up the rest.
type Push struct {
	caller          caller
	private, public string
	contact         string
}

// NewPush makes a channel.
func NewPush(o PushOptions) (*Push, error) {
	public, err := PublicKey(o.Key)
	if err != nil {
		return nil, err
	}
	return &Push{
		caller: newCaller(o.Loopback), contact: strings.TrimPrefix(o.Contact, "mailto:"), private: strings.TrimRight(o.Key, "="), public: public,
	}, nil
}

// PublicKey is what browsers need to subscribe to the pushes of a private key, as base64url.
func PublicKey(key string) (string, error) {
	d, err := base64.RawURLEncoding.DecodeString(strings.TrimRight(key, "="))
	if err != nil {
		return "", errors.New("the key of web push is not base64url")
	}
	private, err := ecdh.P256().NewPrivateKey(d)
	if err != nil {
		return "", errors.New("the key of web push is not a private key of P-256")
	}
	return base64.RawURLEncoding.EncodeToString(private.PublicKey().Bytes()), nil
}

// Close lets go of idle connections.
func (p *Push) Close() { p.caller.close() }

// message is what a browser gets. The reminder's id is the tag of its notification: a repeated one replaces the first.
type message struct {
	ID         string `json:"id"`
	Type       string `json:"type"`
	ReminderID string `json:"reminder_id"`
	TaskID     string `json:"task_id"` // the task's UUID
	Number     int64  `json:"number"`
}

// Send makes one attempt.
func (p *Push) Send(ctx context.Context, n tandem.Notice, to tandem.Target) error {
	body, err := json.Marshal(message{
		ID: n.ID, Type: string(tandem.EventReminderDue), ReminderID: n.ReminderID, TaskID: n.TaskUID, Number: n.Number,
	})
	if err != nil {
		return fmt.Errorf("encode notice: %w", err)
	}
	var sub webpush.Subscription
	if err := json.Unmarshal(to.Subscription, &sub); err != nil {
		return &tandem.DeliveryError{Gone: true, Cause: errors.New("not a subscription")}
	}
	res, err := webpush.SendNotificationWithContext(ctx, body, &sub, &webpush.Options{ //nolint:bodyclose // Do closes it
		HTTPClient: p.caller, TTL: int(pushTTL / time.Second), Urgency: webpush.UrgencyHigh, Topic: topic(n.ReminderID),
		Subscriber: p.contact, VAPIDPublicKey: p.public, VAPIDPrivateKey: p.private, RecordSize: 1024,
	})
	if _, tried := errors.AsType[*tandem.DeliveryError](err); err != nil && !tried {
		return &tandem.DeliveryError{Gone: true, Cause: fmt.Errorf("encrypt for the subscription: %w", err)}
	}
	if err != nil {
		return err
	}
	return verdict(res, []int{http.StatusNotFound, http.StatusGone},
		[]int{http.StatusBadRequest, http.StatusUnauthorized, http.StatusForbidden, http.StatusRequestEntityTooLarge})
}

// topic names what a later message of the same reminder replaces at the push service: at most 32 characters of base64url.
func topic(reminder string) string {
	t := strings.ReplaceAll(reminder, "-", "")
	return t[:min(len(t), 32)]
}

// KeysFrom makes the private key of web push and the key of webhooks out of one secret: the same ones each time (HKDF, RFC 5869).
func KeysFrom(secret []byte) (push, webhook string) {
	stream := func(info string) string {
		key, err := hkdf.Key(sha256.New, secret, nil, info, 32)
		if err != nil {
			panic("HKDF refuses 32 bytes: " + err.Error())
		}
		return base64.RawURLEncoding.EncodeToString(key)
	}
	// Nearly every 256-bit number is a key of P-256; the next one is, where one is not.
	for n := 0; ; n++ {
		if push = stream(fmt.Sprintf("tandem web push %d", n)); validPush(push) {
			return push, stream("tandem webhooks")
		}
	}
}

func validPush(key string) bool {
	_, err := PublicKey(key)
	return err == nil
}
