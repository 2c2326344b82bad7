package tandem

import (
	"encoding/json"
	"fmt"
	"slices"
	"time"
)

// Medium is a way by which a notice leaves the product.
type Medium string

// The media.
const (
	MediumEmail   Medium = "email"
	MediumWebhook Medium = "webhook"
	MediumPush    Medium = "push"
)

// Media lists all media.
var Media = []Medium{MediumEmail, MediumWebhook, MediumPush}

// DeliveryRef names a delivery: one notice on its way to one address. The event's id is what a receiver knows it by, however often
// it arrives.
type DeliveryRef struct {
	User    UserID
	EventID string // of the notice
	Medium  Medium
	Target  string // of web push: the id of the subscription; else empty, as there is one address
}

// PlannedDelivery is one that may be tried from At on.
type PlannedDelivery struct {
	DeliveryRef
	At time.Time
}

// Delivery is one that was claimed for an attempt.
type Delivery struct {
	DeliveryRef
	Notice  Notice
	To      Target
	Attempt int // counts from 1, and fences: only the last attempt settles
}

// Target is an address outside of the product, as its person set it.
type Target struct {
	Medium       Medium
	Address      string          // e-mail
	URL          string          // webhook
	Subscription json.RawMessage // web push, as the browser gave it
}

// DeliveryState is where a delivery is in its life.
type DeliveryState string

// The states. A dropped delivery has nobody any more who wants it: the address was removed, or the notice dismissed.
const (
	DeliveryWaiting DeliveryState = "waiting"
	DeliverySent    DeliveryState = "sent"
	DeliveryFailed  DeliveryState = "failed"
	DeliveryDropped DeliveryState = "dropped"
)

// DeliveryError is why an attempt failed, as far as it matters for what comes next.
type DeliveryError struct {
	Gone  bool          // the address is no more: it is to be given up
	Final bool          // another attempt would fail as well
	After time.Duration // the receiver wants to be left alone for so long
	Cause error
}

func (e *DeliveryError) Error() string {
	switch {
	case e.Gone:
		return fmt.Sprintf("the address is gone: %v", e.Cause)
	case e.Final:
		return fmt.Sprintf("refused: %v", e.Cause)
	default:
		return fmt.Sprintf("not delivered: %v", e.Cause)
	}
}

// Unwrap gives the cause.
func (e *DeliveryError) Unwrap() error { return e.Cause }

// PlanDeliveries tells where a new notice goes, and from when on: after the quiet hours. A notice of long ago, which an old event
// brought again, goes nowhere.
func PlanDeliveries(s Settings, n Notice, now time.Time) []PlannedDelivery {
	if now.Sub(n.FiredAt) > KeepInbox {
		return nil
	}
	at := now
	if end, quiet := s.QuietUntil(now); quiet {
		at = end
	}
	var out []PlannedDelivery
	add := func(m Medium, target string) {
		ref := DeliveryRef{User: n.UserID, EventID: n.ID, Medium: m, Target: target}
		if _, ok := s.Target(ref); ok {
			out = append(out, PlannedDelivery{DeliveryRef: ref, At: at})
		}
	}
	add(MediumEmail, "")
	add(MediumWebhook, "")
	for _, p := range s.Channels.Push {
		add(MediumPush, p.ID)
	}
	return out
}

// Target gives the present address of a delivery. False: there is none, or it is switched off. The subscription of web push is for
// the store to add.
func (s Settings) Target(ref DeliveryRef) (Target, bool) {
	to := Target{Medium: ref.Medium}
	switch ref.Medium {
	case MediumEmail:
		if c := s.Channels.Email; c != nil && c.On {
			to.Address = c.Address
		}
		return to, to.Address != ""
	case MediumWebhook:
		if c := s.Channels.Webhook; c != nil && c.On {
			to.URL = c.URL
		}
		return to, to.URL != ""
	case MediumPush:
		return to, slices.ContainsFunc(s.Channels.Push, func(p PushDevice) bool { return p.ID == ref.Target })
	}
	return to, false
}

// Attempt decides about the next attempt of a delivery, which d.Attempt counts already. Where there is none now, because nobody
// wants it or in quiet hours, it is taken back. Next: when it may be tried again.
func (s Settings) Attempt(d *Delivery, wanted bool, now time.Time, lease time.Duration) (state DeliveryState, next time.Time, ok bool) {
	state, next = DeliveryWaiting, now.Add(lease)
	end, quiet := s.QuietUntil(now)
	switch {
	case !wanted:
		state = DeliveryDropped
	case quiet:
		next = end
	default:
		return state, next, true
	}
	d.Attempt--
	return state, next, false
}

// QuietUntil tells whether now is within the person's quiet hours, and when those end. Hours that begin when they end are none.
func (s Settings) QuietUntil(now time.Time) (end time.Time, quiet bool) {
	if s.Quiet == nil || s.Quiet.From == s.Quiet.To {
		return time.Time{}, false
	}
	local := now.In(s.Zone())
	clock := local.Format("15:04")
	from, to := s.Quiet.From, s.Quiet.To
	tomorrow := 0
	switch {
	case from < to:
		quiet = from <= clock && clock < to
	case clock >= from: // they end in the morning
		quiet, tomorrow = true, 1
	default:
		quiet = clock < to
	}
	if !quiet {
		return time.Time{}, false
	}
	at, err := time.Parse("15:04", to)
	if err != nil {
		return time.Time{}, false
	}
	end = time.Date(local.Year(), local.Month(), local.Day()+tomorrow, at.Hour(), at.Minute(), 0, 0, local.Location())
	if !end.After(now) || end.Format("15:04") < to { // clocks were set back over the end, so that the second time counts; or forward
		end = end.Add(time.Hour)
	}
	return end.UTC(), true
}
