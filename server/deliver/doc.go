// Package deliver takes notices out of the product: by e-mail, to a webhook, and to browsers by web push.
//
// # Ordering and delivery
//
// A channel makes one attempt for each Send, and says by a *tandem.DeliveryError what another attempt is worth. It keeps nothing:
// when and how often to try is for the caller. The same notice has the same id on every attempt, so that a receiver that was
// reached twice can tell: Message-ID of a mail, Tandem-Id of a webhook, id and Topic of a push.
//
// # Addresses
//
// Webhooks and push services are addresses that people type in. They are https, are dialled only at public IP addresses, looked at
// after the name was resolved and at every dial, follow no redirect, and get three seconds and 64 KiB.
package deliver
