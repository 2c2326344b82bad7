package notify_test

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"sort"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"tandem"
	"tandem/server/deliver"
	"tandem/server/sqlite"
	"tandem/workers/notify"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var silent = slog.New(slog.DiscardHandler)

// world is a store in a file, at a time that is moved by hand.
type world struct {
	*testing.T
	path string
	now  time.Time
	db   *sqlite.DB
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{T: t, path: filepath.Join(t.TempDir(), "tandem.db"), now: time.Date(2031, 5, 1, 10, 0, 0, 0, time.UTC)}
	w.open()
	t.Cleanup(func() { w.must(w.db.Close()) })
	return w
}

func (w *world) open() {
	w.Helper()
	var err error
	w.db, err = sqlite.Open(w.Context(), w.path, sqlite.Options{Now: func() time.Time { return w.now }})
	w.must(err)
}

// restart ends the process, as far as the store and its couriers can tell.
func (w *world) restart() {
	w.Helper()
	w.must(w.db.Close())
	w.open()
}

func (w *world) must(err error) {
	w.Helper()
	if err != nil {
		w.Fatal(err)
	}
}

func (w *world) set(e tandem.SetEdit) {
	w.Helper()
	_, err := w.db.Set(w.Context(), "ann", e)
	w.must(err)
}

func (w *world) settings() tandem.Settings {
	w.Helper()
	s, err := w.db.Settings(w.Context(), "ann")
	w.must(err)
	return s
}

func channels(c tandem.Channels) tandem.SetEdit {
	return tandem.SetEdit{Decide: func(s tandem.Settings) (tandem.Settings, error) {
		s.Channels.Email, s.Channels.Webhook = c.Email, c.Webhook
		return s, nil
	}}
}

// due is the event of a reminder that fired just now, of a task that is there.
func (w *world) due() tandem.Event {
	w.Helper()
	at := w.now.Add(time.Millisecond)
	out, err := w.db.Edit(w.Context(), "ann", tandem.Edit{Decide: func(sc tandem.Scene) (tandem.Plan, error) {
		t, _, err := tandem.NewTask(sc, tandem.Draft{Title: "Pay rent", Reminders: []tandem.ReminderSpec{{At: &at}}})
		return tandem.Plan{Tasks: []tandem.Task{t}}, err
	}})
	w.must(err)
	task := out.Changes[0].After
	row := task.Row()
	return tandem.Event{
		EventID: tandem.NewID(), EventType: tandem.EventReminderDue, UserID: "ann", Timestamp: tandem.Stamp(w.now), TaskID: task.UID,
		ReminderID: task.Reminders[0].ID, Payload: tandem.Payload{Task: &row, Reminder: &tandem.DueReminder{ReminderID: task.Reminders[0].ID, Generation: 1}},
	}
}

func (w *world) consume(e tandem.Event) {
	w.Helper()
	worker := notify.Worker{Store: w.db}
	w.must(worker.Handle(w.Context(), e))
}

func (w *world) courier(channels map[tandem.Medium]notify.Channel) *notify.Courier {
	c := notify.NewCourier(w.db, silent)
	c.Now = func() time.Time { return w.now }
	c.Use(channels)
	return c
}

// waiting tells how many seconds it takes until something is due; negative: nothing is.
func (w *world) waiting() time.Duration {
	w.Helper()
	const most = 48 * 60 * 60
	seconds := sort.Search(most, func(n int) bool {
		refs, err := w.db.DueDeliveries(w.Context(), w.now.Add(time.Duration(n)*time.Second), 1)
		w.must(err)
		return len(refs) > 0
	})
	if seconds == most {
		return -1
	}
	return time.Duration(seconds) * time.Second
}

// script is a channel that answers as it is told, and remembers.
type script struct {
	mu      sync.Mutex
	answers []error
	got     []string
}

func (s *script) Send(_ context.Context, n tandem.Notice, to tandem.Target) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.got = append(s.got, n.ID+" "+to.Address+to.URL+string(to.Subscription))
	if len(s.answers) == 0 {
		return nil
	}
	err := s.answers[0]
	s.answers = s.answers[1:]
	return err
}

// TestCourier_AWebhookThatFailsTwiceOverARestart runs against a real server: its third call gets through, with the id of the first.
func TestCourier_AWebhookThatFailsTwiceOverARestart(t *testing.T) {
	w := newWorld(t)
	var ids []string
	server := httptest.NewTLSServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if ids = append(ids, r.Header.Get("Tandem-Id")); len(ids) <= 2 {
			rw.WriteHeader(http.StatusInternalServerError)
		}
	}))
	defer server.Close()
	pool := x509.NewCertPool()
	pool.AddCert(server.Certificate())
	hook, err := deliver.NewWebhook(deliver.WebhookOptions{Key: "a key of enough bytes", Loopback: pool})
	w.must(err)
	defer hook.Close()
	out := map[tandem.Medium]notify.Channel{tandem.MediumWebhook: hook}

	w.set(channels(tandem.Channels{Webhook: &tandem.Channel{URL: server.URL, On: true}}))
	e := w.due()
	w.consume(e)
	for attempt := 1; ; attempt++ {
		w.must(w.courier(out).Round(t.Context()))
		if len(ids) != attempt {
			t.Fatalf("%d calls after attempt %d", len(ids), attempt)
		}
		wait := w.waiting()
		if wait < 0 {
			break
		}
		w.restart()
		w.consume(e) // the event comes once more
		w.must(w.courier(out).Round(t.Context()))
		w.now = w.now.Add(wait)
	}
	if !slices.Equal(ids, []string{e.EventID, e.EventID, e.EventID}) {
		t.Fatalf("calls %v", ids)
	}
}

func TestCourier_OneThatDiesIsFollowedByAnother(t *testing.T) {
	w := newWorld(t)
	w.set(channels(tandem.Channels{Email: &tandem.Channel{Address: "ann@example.com", On: true}}))
	w.consume(w.due())
	refs, err := w.db.DueDeliveries(t.Context(), w.now, 10)
	w.must(err)
	if _, ok, err := w.db.ClaimDelivery(t.Context(), refs[0], time.Minute); !ok || err != nil { // and no more was heard of it
		t.Fatal(ok, err)
	}
	w.restart()
	mail := &script{}
	out := map[tandem.Medium]notify.Channel{tandem.MediumEmail: mail}
	w.must(w.courier(out).Round(t.Context()))
	if len(mail.got) != 0 {
		t.Fatal("a delivery was sent that another courier may be at")
	}
	w.now = w.now.Add(time.Minute)
	w.must(w.courier(out).Round(t.Context()))
	w.must(w.courier(out).Round(t.Context()))
	if len(mail.got) != 1 {
		t.Fatalf("sent %v", mail.got)
	}
}

func TestCourier_AttemptsEnd(t *testing.T) {
	w := newWorld(t)
	w.set(channels(tandem.Channels{Email: &tandem.Channel{Address: "ann@example.com", On: true}}))
	w.consume(w.due())
	mail := &script{answers: slices.Repeat([]error{errors.New("away")}, 100)}
	c := w.courier(map[tandem.Medium]notify.Channel{tandem.MediumEmail: mail})
	outcomes := map[string]int{}
	c.Attempted = func(m tandem.Medium, outcome string) { outcomes[string(m)+" "+outcome]++ }
	var total time.Duration
	var pauses []time.Duration
	for wait := time.Duration(0); wait >= 0; wait = w.waiting() {
		total += wait
		pauses = append(pauses, wait)
		w.now = w.now.Add(wait)
		w.must(c.Round(t.Context()))
	}
	if len(mail.got) != notify.MaxAttempts || outcomes["email later"] != notify.MaxAttempts-1 || outcomes["email failed"] != 1 {
		t.Errorf("%d attempts: %v", len(mail.got), outcomes)
	}
	if total < 30*time.Minute || total > 3*time.Hour {
		t.Errorf("the attempts took %s: %v", total, pauses)
	}
}

func TestCourier_HeedsTheReceiver(t *testing.T) {
	for name, c := range map[string]struct {
		answer error
		min    time.Duration // until the next attempt; negative: there is none
	}{
		"leave me alone":           {&tandem.DeliveryError{After: 10 * time.Minute, Cause: errors.New("busy")}, 10 * time.Minute},
		"leave me alone for a day": {&tandem.DeliveryError{After: 24 * time.Hour, Cause: errors.New("busy")}, time.Hour},
		"no":                       {&tandem.DeliveryError{Final: true, Cause: errors.New("no")}, -1},
		"yes":                      {nil, -1},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.set(channels(tandem.Channels{Email: &tandem.Channel{Address: "ann@example.com", On: true}}))
			w.consume(w.due())
			w.must(w.courier(map[tandem.Medium]notify.Channel{tandem.MediumEmail: &script{answers: []error{c.answer}}}).Round(t.Context()))
			if wait := w.waiting(); wait < c.min || wait > max(c.min, 0)+time.Second {
				t.Errorf("the next attempt is in %s, want %s", wait, c.min)
			}
		})
	}
}

func TestCourier_GivesUpAddressesThatAreNoMore(t *testing.T) {
	w := newWorld(t)
	w.set(channels(tandem.Channels{Webhook: &tandem.Channel{URL: "https://example.com", On: true}, Email: &tandem.Channel{Address: "ann@example.com", On: true}}))
	for _, id := range []string{"p1", "p2"} {
		w.set(tandem.SetEdit{AddPush: &tandem.PushSubscription{PushDevice: tandem.PushDevice{ID: id}, Subscription: fmt.Appendf(nil, `{"endpoint":%q}`, id)}})
	}
	w.consume(w.due())
	gone := &tandem.DeliveryError{Gone: true, Cause: errors.New("410")}
	c := w.courier(map[tandem.Medium]notify.Channel{
		tandem.MediumWebhook: &script{answers: []error{gone}}, tandem.MediumEmail: &script{answers: []error{gone}},
		tandem.MediumPush: only{`{"endpoint":"p2"}`, gone},
	})
	w.must(c.Round(t.Context()))
	s := w.settings().Channels
	if len(s.Push) != 1 || s.Push[0].ID != "p1" {
		t.Errorf("subscriptions left: %v", s.Push)
	}
	if s.Webhook == nil || s.Webhook.On || s.Webhook.URL != "https://example.com" {
		t.Errorf("webhook: %+v", s.Webhook)
	}
	if s.Email == nil || !s.Email.On {
		t.Errorf("e-mail: %+v", s.Email)
	}
	if wait := w.waiting(); wait >= 0 {
		t.Errorf("another attempt in %s", wait)
	}
}

// only is a channel that fails for one subscription.
type only struct {
	subscription string
	err          error
}

func (o only) Send(_ context.Context, _ tandem.Notice, to tandem.Target) error {
	if string(to.Subscription) == o.subscription {
		return o.err
	}
	return nil
}

func TestCourier_QuietHoursHoldBack(t *testing.T) {
	w := newWorld(t)
	w.set(channels(tandem.Channels{Email: &tandem.Channel{Address: "ann@example.com", On: true}}))
	w.set(tandem.SetEdit{Decide: func(s tandem.Settings) (tandem.Settings, error) {
		s.Quiet = &tandem.QuietHours{From: "09:00", To: "11:30"}
		return s, nil
	}})
	w.consume(w.due())
	mail := &script{}
	c := w.courier(map[tandem.Medium]notify.Channel{tandem.MediumEmail: mail})
	w.now = w.now.Add(90*time.Minute - time.Second)
	w.must(c.Round(t.Context()))
	if len(mail.got) != 0 {
		t.Fatal("a mail went out in quiet hours")
	}
	w.now = w.now.Add(time.Second)
	w.must(c.Round(t.Context()))
	if len(mail.got) != 1 {
		t.Fatalf("%d mails after quiet hours", len(mail.got))
	}
}

// TestCourier_ManyOverOneStore lets four couriers race: each delivery goes out once.
func TestCourier_ManyOverOneStore(t *testing.T) {
	w := newWorld(t)
	w.set(channels(tandem.Channels{Email: &tandem.Channel{Address: "ann@example.com", On: true}, Webhook: &tandem.Channel{URL: "https://example.com", On: true}}))
	for range 30 {
		w.consume(w.due())
	}
	out := &script{}
	var all sync.WaitGroup
	for range 4 {
		c := w.courier(map[tandem.Medium]notify.Channel{tandem.MediumEmail: out, tandem.MediumWebhook: out})
		all.Go(func() {
			if err := c.Round(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	slices.Sort(out.got)
	if n := len(slices.Compact(slices.Clone(out.got))); n != 60 || len(out.got) != 60 {
		t.Errorf("%d sent, %d different, want 60", len(out.got), n)
	}
}

func TestCourier_WithoutAChannelNothingWaits(t *testing.T) {
	w := newWorld(t)
	w.set(channels(tandem.Channels{Email: &tandem.Channel{Address: "ann@example.com", On: true}}))
	w.consume(w.due())
	w.must(w.courier(nil).Round(t.Context()))
	if wait := w.waiting(); wait >= 0 {
		t.Errorf("due in %s", wait)
	}
}

// shelf is a store of one delivery that takes its time.
type shelf struct {
	notify.Deliveries
	mu      sync.Mutex
	due     int
	settled []tandem.DeliveryState
}

func (s *shelf) put(n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.due = n
}

func (s *shelf) DueDeliveries(context.Context, time.Time, int) ([]tandem.DeliveryRef, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return make([]tandem.DeliveryRef, s.due), nil
}

func (s *shelf) ClaimDelivery(_ context.Context, ref tandem.DeliveryRef, _ time.Duration) (tandem.Delivery, bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.due--
	return tandem.Delivery{DeliveryRef: ref, Attempt: 1}, true, nil
}

func (s *shelf) SettleDelivery(_ context.Context, _ tandem.Delivery, state tandem.DeliveryState, _ time.Time) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.settled = append(s.settled, state)
	return nil
}

// slow is a channel that needs two seconds and ends early only when it is told to.
type slow struct{ begun chan time.Time }

func (s slow) Send(ctx context.Context, _ tandem.Notice, _ tandem.Target) error {
	s.begun <- time.Now()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(2 * time.Second):
		return nil
	}
}

func TestRun_LooksByItselfAndEndsWhatItBegan(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &shelf{}
		c := notify.NewCourier(s, silent)
		channel := slow{make(chan time.Time, 1)}
		c.Use(map[tandem.Medium]notify.Channel{"": channel})
		ctx, cancel := context.WithCancel(t.Context())
		var run sync.WaitGroup
		run.Go(func() { _ = c.Run(ctx) })
		synctest.Wait()
		put := time.Now()
		s.put(1)
		if waited := (<-channel.begun).Sub(put); waited > time.Second {
			t.Errorf("nobody looked for %s", waited)
		}
		cancel()
		run.Wait()
		if !slices.Equal(s.settled, []tandem.DeliveryState{tandem.DeliverySent}) {
			t.Errorf("settled %v: what had begun was cut short", s.settled)
		}
	})
}
