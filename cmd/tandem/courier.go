package main

import (
	"cmp"
	"fmt"
	"net/mail"
	"slices"
	"strings"

	"tandem"
	"tandem/server/deliver"
	"tandem/server/telemetry"
	"tandem/workers/notify"
)

// channels are the ways by which notices leave the product, as far as they are configured.
func channels(c config) (map[tandem.Medium]notify.Channel, error) {
	out := map[tandem.Medium]notify.Channel{}
	if c.SMTPURL != "" {
		if c.MailFrom == "" {
			return nil, fmt.Errorf("TANDEM_MAIL_FROM: mail needs a sender, such as reminders@example.com")
		}
		email, err := deliver.NewEmail(deliver.EmailOptions{URL: c.SMTPURL, From: c.MailFrom, PublicURL: c.PublicURL})
		if err != nil {
			return nil, fmt.Errorf("TANDEM_SMTP_URL, TANDEM_MAIL_FROM: %w", err)
		}
		out[tandem.MediumEmail] = email
	}
	if c.WebhookKey != "" {
		webhook, err := deliver.NewWebhook(deliver.WebhookOptions{Key: c.WebhookKey})
		if err != nil {
			return nil, fmt.Errorf("TANDEM_WEBHOOK_KEY: %w", err)
		}
		out[tandem.MediumWebhook] = webhook
	}
	if c.VAPIDKey != "" {
		push, err := deliver.NewPush(deliver.PushOptions{Key: c.VAPIDKey, Contact: c.contact()})
		if err != nil {
			return nil, fmt.Errorf("TANDEM_VAPID_KEY: %w", err)
		}
		out[tandem.MediumPush] = push
	}
	return out, nil
}

// withOwnKeys fills in the keys of web push, webhooks and logs that nobody set, from the secret of this program: a product on one machine has
// them without being told. One whose tokens come from elsewhere has no secret.
func (c config) withOwnKeys() (config, error) {
	if c.AuthSecret == "" && c.AuthIssuers != "" {
		return c, nil
	}
	secret, err := secretOf(config{AuthSecret: c.AuthSecret, DataDir: c.DataDir})
	if err != nil {
		return c, err
	}
	push, webhook := deliver.KeysFrom(secret)
	c.VAPIDKey, c.WebhookKey = cmp.Or(c.VAPIDKey, push), cmp.Or(c.WebhookKey, webhook)
	c.LogKey = cmp.Or(c.LogKey, telemetry.KeyFrom(secret))
	c.secrets = slices.Concat(c.secrets, []string{push, webhook, c.LogKey})
	return c, nil
}

// contact is where push services reach the operator.
func (c config) contact() string {
	if strings.HasPrefix(c.PublicURL, "https://") {
		return c.PublicURL
	}
	if from, err := mail.ParseAddress(c.MailFrom); err == nil {
		return from.Address
	}
	return "nobody@localhost"
}

// webhookKey tells people the key with which calls to their address are signed; nil: none are made.
func webhookKey(c config) func(tandem.UserID) string {
	if c.WebhookKey == "" {
		return nil
	}
	return func(user tandem.UserID) string { return deliver.WebhookKey(c.WebhookKey, user) }
}

// pushKey is what browsers subscribe to web push with; empty: there is none. A key that is none stops the start elsewhere.
func pushKey(c config) string {
	public, _ := deliver.PublicKey(c.VAPIDKey)
	return public
}
