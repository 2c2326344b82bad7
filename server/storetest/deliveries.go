package storetest

import (
	"encoding/json"
	"strings"
	"time"

	"tandem"
)

// reachable gives a person an address of each medium.
var reachable = tandem.SetEdit{
	Decide: func(set tandem.Settings) (tandem.Settings, error) {
		set.Channels.Email = &tandem.Channel{Address: "someone@example.com", On: true}
		set.Channels.Webhook = &tandem.Channel{URL: "https://example.com/hook", On: true}
		return set, nil
	},
	AddPush: &tandem.PushSubscription{PushDevice: tandem.PushDevice{ID: "p1", Device: "phone"}, Subscription: json.RawMessage(`{"endpoint":"x"}`)},
}

func inQuiet(from, to string) tandem.SetEdit {
	return tandem.SetEdit{Decide: func(set tandem.Settings) (tandem.Settings, error) {
		set.Quiet = &tandem.QuietHours{From: from, To: to}
		return set, nil
	}}
}

// due gives the deliveries that may be tried within the time.
func (s *stage) due(in time.Duration) []tandem.DeliveryRef {
	s.Helper()
	refs, err := s.DueDeliveries(s.ctx(), s.clock.Now().Add(in), 100)
	s.must(err)
	return sorted(refs, func(a, b tandem.DeliveryRef) int {
		return strings.Compare(string(a.Medium)+a.EventID, string(b.Medium)+b.EventID)
	})
}

func (s *stage) claim(ref tandem.DeliveryRef) (tandem.Delivery, bool) {
	s.Helper()
	d, ok, err := s.ClaimDelivery(s.ctx(), ref, time.Minute)
	s.must(err)
	return d, ok
}

func (s *stage) settle(d tandem.Delivery, state tandem.DeliveryState, in time.Duration) {
	s.Helper()
	s.must(s.SettleDelivery(s.ctx(), d, state, s.clock.Now().Add(in)))
}

func refOf(event string, m tandem.Medium, target string) tandem.DeliveryRef {
	return tandem.DeliveryRef{User: ann, EventID: event, Medium: m, Target: target}
}

var (
	byEmail   = refOf("n1", tandem.MediumEmail, "")
	byPush    = refOf("n1", tandem.MediumPush, "p1")
	byWebhook = refOf("n1", tandem.MediumWebhook, "")
)

var deliveries = map[string]func(*stage){
	"a notice is planned once for each address": func(s *stage) {
		p := s.reminded(ann, time.Hour)
		s.notice(noticeOf(s, p, "n0"), "e0")
		equal(s, "of a person without addresses", len(s.due(time.Hour)), 0)
		s.set(ann, reachable)
		p.Generation = 2
		s.notice(noticeOf(s, p, "n1"), "e1")
		s.notice(noticeOf(s, p, "n1"), "e1")
		s.notice(noticeOf(s, p, "n2"), "e2")
		equal(s, "due", s.due(0), []tandem.DeliveryRef{byEmail, byPush, byWebhook})
		refs, err := s.DueDeliveries(s.ctx(), s.clock.Now(), 2)
		s.must(err)
		equal(s, "at most two", len(refs), 2)
	},
	"a claim gives the notice and the present address, and holds for its lease": func(s *stage) {
		p := s.reminded(ann, time.Hour)
		s.set(ann, reachable)
		n := noticeOf(s, p, "n1")
		s.notice(n, "e1")
		s.set(ann, tandem.SetEdit{Decide: func(set tandem.Settings) (tandem.Settings, error) {
			set.Channels.Email = &tandem.Channel{Address: "other@example.com", On: true}
			return set, nil
		}})
		d, ok := s.claim(byEmail)
		equal(s, "claimed", ok, true)
		equal(s, "delivery", d, tandem.Delivery{
			DeliveryRef: byEmail, Notice: n, Attempt: 1, To: tandem.Target{Medium: tandem.MediumEmail, Address: "other@example.com"},
		})
		d, _ = s.claim(byWebhook)
		equal(s, "webhook", d.To, tandem.Target{Medium: tandem.MediumWebhook, URL: "https://example.com/hook"})
		d, _ = s.claim(byPush)
		equal(s, "subscription", string(d.To.Subscription), `{"endpoint":"x"}`)
		_, ok = s.claim(byEmail)
		equal(s, "claimed within the lease", ok, false)
		equal(s, "due within the lease", len(s.due(time.Minute-time.Second)), 0)
		s.clock.pass(time.Minute)
		d, ok = s.claim(byEmail)
		equal(s, "claimed after the lease", ok, true)
		equal(s, "attempt", d.Attempt, 2)
	},
	"a delivery is claimed by one of eight": func(s *stage) {
		s.set(ann, reachable)
		s.notice(noticeOf(s, s.reminded(ann, time.Hour), "n1"), "e1")
		won := 0
		for _, ok := range together(8, func(int) bool {
			_, ok, err := s.ClaimDelivery(s.ctx(), byEmail, time.Minute)
			if err != nil {
				s.Error(err)
			}
			return ok
		}) {
			if ok {
				won++
			}
		}
		equal(s, "claims", won, 1)
	},
	"what was sent or failed is over, what waits comes again": func(s *stage) {
		s.set(ann, reachable)
		s.notice(noticeOf(s, s.reminded(ann, time.Hour), "n1"), "e1")
		for ref, state := range map[tandem.DeliveryRef]tandem.DeliveryState{
			byEmail: tandem.DeliverySent, byPush: tandem.DeliveryFailed, byWebhook: tandem.DeliveryWaiting,
		} {
			d, _ := s.claim(ref)
			s.settle(d, state, 10*time.Minute)
		}
		equal(s, "due before", len(s.due(9*time.Minute)), 0)
		equal(s, "due", s.due(24*time.Hour), []tandem.DeliveryRef{byWebhook})
		_, ok := s.claim(byWebhook)
		equal(s, "claimed before its time", ok, false)
		s.clock.pass(10 * time.Minute)
		d, ok := s.claim(byWebhook)
		equal(s, "claimed", ok, true)
		equal(s, "attempt", d.Attempt, 2)
	},
	"an attempt that was overtaken settles nothing": func(s *stage) {
		s.set(ann, reachable)
		s.notice(noticeOf(s, s.reminded(ann, time.Hour), "n1"), "e1")
		slow, _ := s.claim(byEmail)
		s.clock.pass(time.Minute)
		d, _ := s.claim(byEmail)
		s.settle(slow, tandem.DeliveryFailed, 0)
		equal(s, "waits still", len(s.due(time.Hour)), 3)
		s.settle(d, tandem.DeliverySent, 0)
		s.settle(d, tandem.DeliveryWaiting, 0)
		equal(s, "over", len(s.due(time.Hour)), 2)
	},
	"nobody is written to who does not want it any more": func(s *stage) {
		p := s.reminded(ann, time.Hour)
		s.set(ann, reachable)
		s.notice(noticeOf(s, p, "n1"), "e1")
		s.set(ann, tandem.SetEdit{RemovePush: "p1", Decide: func(set tandem.Settings) (tandem.Settings, error) {
			set.Channels.Webhook = &tandem.Channel{URL: "https://example.com/hook"}
			return set, nil
		}})
		for _, ref := range []tandem.DeliveryRef{byPush, byWebhook} {
			_, ok := s.claim(ref)
			equal(s, "claimed by "+string(ref.Medium), ok, false)
		}
		equal(s, "left", s.due(time.Hour), []tandem.DeliveryRef{byEmail})
		s.set(ann, tandem.SetEdit{Dismiss: []string{"n1"}})
		_, ok := s.claim(byEmail)
		equal(s, "claimed after it was dismissed", ok, false)
		equal(s, "left", len(s.due(time.Hour)), 0)
		_, ok = s.claim(refOf("unknown", tandem.MediumEmail, ""))
		equal(s, "claimed out of nowhere", ok, false)
		foreign := byEmail
		foreign.User = bob
		_, ok = s.claim(foreign)
		equal(s, "claimed by another", ok, false)
	},
	"quiet hours hold back, and make the notice silent": func(s *stage) {
		p := s.reminded(ann, time.Hour)
		s.set(ann, reachable)
		s.set(ann, inQuiet("09:00", "11:00")) // it is ten
		s.notice(noticeOf(s, p, "n1"), "e1")
		if row := s.snapshot().rows["notice/n1"]; !jsonHas(s, row, "silent") {
			s.Errorf("the notice is loud: %s", row)
		}
		equal(s, "due in quiet hours", len(s.due(time.Hour-time.Second)), 0)
		equal(s, "due after them", len(s.due(time.Hour)), 3)
		s.set(ann, inQuiet("09:00", "12:00"))
		s.clock.pass(time.Hour)
		_, ok := s.claim(byEmail)
		equal(s, "claimed in longer quiet hours", ok, false)
		equal(s, "left now", len(s.due(0)), 2)
		s.clock.pass(time.Hour)
		d, ok := s.claim(byEmail)
		equal(s, "claimed after them", ok, true)
		equal(s, "attempt", d.Attempt, 1)
		p.Generation = 2
		s.notice(noticeOf(s, p, "n2"), "e2")
		if row := s.snapshot().rows["notice/n2"]; jsonHas(s, row, "silent") {
			s.Errorf("the notice is silent: %s", row)
		}
	},
	"an old event brings no message": func(s *stage) {
		p := s.reminded(ann, 30*24*time.Hour)
		s.set(ann, reachable)
		n := noticeOf(s, p, "n1")
		s.clock.pass(8 * 24 * time.Hour)
		s.notice(n, "e1")
		equal(s, "due", len(s.due(time.Hour)), 0)
	},
	"deliveries go with their notice": func(s *stage) {
		s.set(ann, reachable)
		s.notice(noticeOf(s, s.reminded(ann, time.Hour), "n1"), "e1")
		s.clock.pass(tandem.KeepNotices)
		s.purge()
		equal(s, "left", len(s.due(time.Hour)), 0)
	},
}

func jsonHas(s *stage, row, key string) bool {
	s.Helper()
	var keys map[string]json.RawMessage
	s.must(json.Unmarshal([]byte(row), &keys))
	_, ok := keys[key]
	return ok
}
