package dapr

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	commonpb "github.com/dapr/dapr/pkg/proto/common/v1"
	pb "github.com/dapr/dapr/pkg/proto/runtime/v1"
	gocmp "github.com/google/go-cmp/cmp"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"tandem"
)

func someEvent(tb testing.TB) tandem.Event {
	tb.Helper()
	return tandem.Event{
		EventID: tandem.NewID(), EventType: tandem.EventTaskUpdated, UserID: "ann", Timestamp: tandem.Stamp(time.Now()),
		TaskID: tandem.NewID(), Payload: tandem.Payload{Seq: 7, Actor: tandem.ActorUser, TraceID: strings.Repeat("a1", 16)},
	}
}

func marshal(tb testing.TB, v any) []byte {
	tb.Helper()
	data, err := json.Marshal(v)
	if err != nil {
		tb.Fatal(err)
	}
	return data
}

func TestHealth_StopsDeliveriesAndWaitsAfterARecovery(t *testing.T) {
	now := time.Unix(0, 0)
	h := &Health{Now: func() time.Time { return now }}
	down := errors.New("down")
	steps := []struct {
		name string
		wait time.Duration
		do   func()
		want error
	}{
		{"before it is ready", 0, func() {}, errStarting},
		{"ready", 0, h.Ready, nil},
		{"the store fails", 0, func() { h.Store(down) }, nil},
		{"and still does a little later", 4 * time.Second, func() { h.Store(down) }, nil},
		{"a short outage needs no pause", 0, func() { h.Store(nil) }, nil},
		{"it fails again", time.Second, func() { h.Store(down) }, nil},
		{"for five seconds", 5 * time.Second, func() { h.Store(down) }, errStoreDown},
		{"it is back", time.Second, func() { h.Store(nil) }, errRecovering},
		{"almost eight seconds", 7900 * time.Millisecond, func() { h.Store(nil) }, errRecovering},
		{"a relapse within the pause", 0, func() { h.Store(down) }, errStoreDown},
		{"goes on", 3 * time.Second, func() {}, errStoreDown},
		{"it is back for good", 0, func() { h.Store(nil) }, errRecovering},
		{"after eight seconds", 8 * time.Second, func() {}, nil},
		{"draining", 0, h.Drain, errDraining},
	}
	for _, step := range steps {
		now = now.Add(step.wait)
		step.do()
		if got := h.Check(); !errors.Is(got, step.want) {
			t.Fatalf("%s: %v, want %v", step.name, got, step.want)
		}
	}
}

func TestHealth_ASuccessorLetsDeliveriesToTheDeadEnd(t *testing.T) {
	now := time.Unix(0, 0)
	h := &Health{Now: func() time.Time { return now }}
	h.Succeed()
	h.Ready()
	if got := h.Check(); !errors.Is(got, errRecovering) {
		t.Fatalf("at the start: %v, want %v", got, errRecovering)
	}
	if now = now.Add(recoveryPause); h.Check() != nil {
		t.Fatalf("after the pause: %v", h.Check())
	}
}

func TestHealth_WatchAsksEverySecond(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		h := &Health{}
		h.Ready()
		var down atomic.Bool
		done := make(chan error)
		go func() {
			done <- h.Watch(ctx, func(ctx context.Context) error {
				if down.Load() {
					<-ctx.Done() // a store that hangs is one that fails
				}
				return ctx.Err()
			})
		}()
		down.Store(true)
		<-time.After(9 * time.Second)
		if err := h.Check(); !errors.Is(err, errStoreDown) {
			t.Errorf("after nine seconds of a hanging store: %v", err)
		}
		down.Store(false)
		<-time.After(storePatience + recoveryPause)
		if err := h.Check(); err != nil {
			t.Errorf("long after it is back: %v", err)
		}
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

func TestBreaker_OpensAndLetsOneTry(t *testing.T) {
	now := time.Unix(0, 0)
	b := &breaker{limit: 2, pause: 10 * time.Second, now: func() time.Time { return now }}
	b.report(false)
	b.report(true)
	b.report(false)
	if !b.allow() {
		t.Fatal("open after one failure in a row")
	}
	b.report(false)
	if b.allow() {
		t.Fatal("closed after two failures in a row")
	}
	now = now.Add(10 * time.Second)
	if !b.allow() || b.allow() {
		t.Fatal("after the pause one caller tries, no more")
	}
	b.report(true)
	if !b.allow() {
		t.Fatal("open after a success")
	}
}

func TestTokenless_OnlyBeforeTheFixedVersion(t *testing.T) {
	for version, want := range map[string]bool{
		"1.16.0": true, "v1.16.1": true, "1.15.9": true, "0.9.99": true, "1.16.2": false, "1.16.14": false, "1.17.0": false, "2.0.0": false,
		"1.16.2-rc.1": false, "edge": false, "": false, "1.16": false, "1.x.0": false,
	} {
		if got := tokenless(version); got != want {
			t.Errorf("tokenless(%q) = %v", version, got)
		}
	}
}

func TestEnvelope_IsACloudEvent(t *testing.T) {
	e := someEvent(t)
	raw, err := encode(tandem.TopicTaskEvents, marshal(t, e))
	if err != nil {
		t.Fatal(err)
	}
	var got map[string]any
	if err := json.Unmarshal(raw, &got); err != nil {
		t.Fatal(err)
	}
	delete(got, "data")
	want := map[string]any{
		"specversion": "1.0", "id": e.EventID, "source": "tandem", "type": "task.updated", "subject": "task/" + e.TaskID,
		"time": strings.Trim(string(marshal(t, e.Timestamp)), `"`), "datacontenttype": "application/json", "userid": "ann", "schemaversion": "1",
		"tandemtraceparent": "00-" + strings.Repeat("a1", 16) + "-" + strings.ReplaceAll(e.EventID, "-", "")[16:] + "-01",
	}
	if diff := gocmp.Diff(want, got); diff != "" {
		t.Errorf("attributes (-want +got):\n%s", diff)
	}
	back, err := decode(tandem.TopicTaskEvents, raw)
	if err != nil || back.EventID != e.EventID || back.Payload.Seq != 7 {
		t.Errorf("read back %+v, %v", back, err)
	}
}

// garbage is what must not reach a handler, by name.
func garbage(tb testing.TB) map[string][]byte {
	tb.Helper()
	e := someEvent(tb)
	good, err := encode(tandem.TopicTaskEvents, marshal(tb, e))
	if err != nil {
		tb.Fatal(err)
	}
	edit := func(f func(ce, data map[string]any)) []byte {
		var ce map[string]any
		if err := json.Unmarshal(good, &ce); err != nil {
			tb.Fatal(err)
		}
		f(ce, ce["data"].(map[string]any))
		return marshal(tb, ce)
	}
	return map[string][]byte{
		"empty":               {},
		"not JSON":            []byte(`{"specversion":`),
		"null":                []byte(`null`),
		"a batch":             []byte("[" + string(good) + "]"),
		"a string":            []byte(`"hello"`),
		"no CloudEvent":       marshal(tb, e),
		"invalid UTF-8":       append(slices.Clone(good[:len(good)-1]), []byte(",\"x\":\"\xff\"}")...),
		"1 MiB":               edit(func(ce, _ map[string]any) { ce["pad"] = strings.Repeat("x", 1<<20-2048) }),
		"another id":          edit(func(ce, _ map[string]any) { ce["id"] = "x" }),
		"another type":        edit(func(ce, _ map[string]any) { ce["type"] = "task.created" }),
		"unknown type":        edit(func(ce, data map[string]any) { ce["type"], data["event_type"] = "task.exploded", "task.exploded" }),
		"of another topic":    edit(func(ce, data map[string]any) { ce["type"], data["event_type"] = "reminder.due", "reminder.due" }),
		"missing field":       edit(func(_, data map[string]any) { delete(data, "user_id") }),
		"extra field":         edit(func(_, data map[string]any) { data["admin"] = true }),
		"bad base64":          []byte(`{"specversion":"1.0","id":"x","source":"s","type":"t","data_base64":"!!"}`),
		"text where no text":  []byte(`{"specversion":"1.0","id":"x","source":"s","type":"t","datacontenttype":"text/plain","data":{"a":1}}`),
		"a number for an id":  edit(func(ce, _ map[string]any) { ce["id"] = 5 }),
		"a user of no name":   edit(func(_, data map[string]any) { data["user_id"] = "../root" }),
		"no data":             edit(func(ce, _ map[string]any) { delete(ce, "data") }),
		"nothing but a brace": []byte(`{}`),
	}
}

func TestDecode_RefusesGarbageAsInvalid(t *testing.T) {
	for name, raw := range garbage(t) {
		if _, err := decode(tandem.TopicTaskEvents, raw); !errors.Is(err, tandem.ErrInvalid) {
			t.Errorf("%s: %v, want invalid: anything else would be tried again", name, err)
		}
	}
}

func TestDeadLetter_KeepsContentReasonAndConsumer(t *testing.T) {
	for name, raw := range garbage(t) {
		body, err := deadLetter(raw, "audit", "why\nnot")
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if len(body) > 1<<20 {
			t.Errorf("%s: a letter of %d bytes does not fit the broker", name, len(body))
		}
		again, err := deadLetter(raw, "audit", "another reason")
		if err != nil {
			t.Fatal(err)
		}
		l, twice := readLetter(tandem.TopicTaskEvents, body), readLetter(tandem.TopicTaskEvents, again)
		if l.Reason != "why\nnot" || l.Consumer != "audit" || l.Topic != tandem.TopicTaskEvents {
			t.Errorf("%s: letter %+v", name, l)
		}
		if l.Key != twice.Key {
			t.Errorf("%s: the same event set aside twice makes two letters", name)
		}
		if other, err := deadLetter(raw, "recurrence", "why\nnot"); err != nil || readLetter(tandem.TopicTaskEvents, other).Key == l.Key {
			t.Errorf("%s: two consumers share a letter (%v)", name, err)
		}
	}
}

func TestReadLetter_GivesWhatCanBePublishedAgain(t *testing.T) {
	e := someEvent(t)
	data := marshal(t, e)
	good, err := encode(tandem.TopicTaskEvents, data)
	if err != nil {
		t.Fatal(err)
	}
	body, err := deadLetter(good, "audit", "no")
	if err != nil {
		t.Fatal(err)
	}
	l := readLetter(tandem.TopicTaskEvents, body)
	if l.EventID != e.EventID || string(l.Event) != string(data) {
		t.Errorf("letter %+v, want the event as it was written", l)
	}
	if l := readLetter(tandem.TopicTaskEvents, good); l.Reason != reasonSidecar || l.Consumer != "" {
		t.Errorf("set aside by the sidecar: %+v", l)
	}
	if l := readLetter(tandem.TopicTaskEvents, []byte("\xff{")); l.Reason != reasonUndecodable || string(l.Event) != "\xff{" || l.Key == "" {
		t.Errorf("garbage set aside by the sidecar: %+v", l)
	}
}

func FuzzDeadLetter(f *testing.F) {
	for _, raw := range garbage(f) {
		f.Add(raw, "why")
	}
	f.Fuzz(func(t *testing.T, raw []byte, reason string) {
		if e, err := decode(tandem.TopicTaskEvents, raw); err == nil && e.Validate() != nil {
			t.Fatalf("decoded an invalid event %+v", e)
		}
		body, err := deadLetter(raw, "audit", reason)
		if err != nil {
			t.Fatal(err)
		}
		if l := readLetter(tandem.TopicTaskEvents, body); l.Consumer != "audit" || l.Key == "" || !json.Valid(body) {
			t.Fatalf("letter %+v of %q", l, raw)
		}
	})
}

func TestSafeOf_NothingBehindAFailureOfTheSameUser(t *testing.T) {
	sent := []tandem.Outgoing{{ID: 1, User: "ann"}, {ID: 2, User: "bob"}, {ID: 3, User: "ann"}, {ID: 4, User: "ann"}, {ID: 5, User: "bob"}}
	if diff := gocmp.Diff([]int64{1, 2, 5}, safeOf(sent, map[string]bool{"3": true})); diff != "" {
		t.Errorf("done (-want +got):\n%s", diff)
	}
}

// desk is a callback whose surroundings a test decides.
type desk struct {
	*Callback
	aside   []Letter
	failing error // of SetAside
	counts  map[string]int
	uncount error // of CountFailure
}

func newDesk(o CallbackOptions) *desk {
	d := &desk{counts: map[string]int{}}
	o.Log = slog.New(slog.DiscardHandler)
	o.Health = &Health{}
	o.SetAside = func(_ context.Context, _ string, topic tandem.Topic, consumer string, raw []byte, reason string) error {
		if d.failing != nil {
			return d.failing
		}
		body, err := deadLetter(raw, consumer, reason)
		d.aside = append(d.aside, readLetter(topic, body))
		return err
	}
	o.CountFailure = func(_ context.Context, consumer, event string) (int, error) {
		d.counts[consumer+event]++
		return d.counts[consumer+event], d.uncount
	}
	d.Callback = NewCallback(o)
	return d
}

// deliver gives the event once, and tells the answer and how long it took.
func (d *desk) deliver(t *testing.T, raw []byte) (pb.TopicEventResponse_TopicEventResponseStatus, time.Duration) {
	t.Helper()
	began := time.Now()
	res, err := d.OnTopicEvent(t.Context(), &pb.TopicEventRequest{Topic: "task-events", PubsubName: PubSub, Data: raw})
	if err != nil {
		t.Fatalf("an answer of gRPC may drop the event: %v", err)
	}
	return res.GetStatus(), time.Since(began)
}

func consumers(err *error) []Subscription {
	return []Subscription{{Topic: tandem.TopicTaskEvents, Consumer: "audit", Handle: func(context.Context, tandem.Event) error { return *err }}}
}

const (
	success = pb.TopicEventResponse_SUCCESS
	retry   = pb.TopicEventResponse_RETRY
)

func TestCallback_WhatFollowsFromAnError(t *testing.T) {
	raw, err := encode(tandem.TopicTaskEvents, marshal(t, someEvent(t)))
	if err != nil {
		t.Fatal(err)
	}
	busy := errors.New("busy")
	cases := []struct {
		name  string
		err   error
		want  pb.TopicEventResponse_TopicEventResponseStatus
		aside int
		waits bool // until the deadline, so that the health comes first
	}{
		{"taken", nil, success, 0, false},
		{"invalid", tandem.Invalid("x", 1, "no"), success, 1, false},
		{"another's row", fmt.Errorf("foreign: %w", tandem.Forbidden("user_id", "no")), success, 1, false},
		{"deadline", context.DeadlineExceeded, retry, 0, true},
		{"the sidecar is gone", status.Error(codes.Unavailable, "gone"), retry, 0, true},
		{"what the program calls transient", busy, retry, 0, true},
		{"the key is held", tandem.Limited("event", 3000, "held"), retry, 0, true},
		{"the database does not answer", fmt.Errorf("write: %w", tandem.Unavailable(errors.New("eof"))), retry, 0, true},
		{"a limit that no waiting helps", tandem.Limited("tags", 0, "too many"), retry, 0, false},
		{"anything else", errors.New("bug"), retry, 0, false},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				d := newDesk(CallbackOptions{Subscriptions: consumers(&c.err), Transient: func(err error) bool { return errors.Is(err, busy) }})
				got, took := d.deliver(t, raw)
				if got != c.want || len(d.aside) != c.aside {
					t.Errorf("%v, %d set aside; want %v, %d", got, len(d.aside), c.want, c.aside)
				}
				if waited := took >= topicDeadline; waited != c.waits {
					t.Errorf("answered after %s", took)
				}
			})
		})
	}
}

func TestCallback_SetsAsideAfterSixFailuresThatWereCounted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		raw, err := encode(tandem.TopicTaskEvents, marshal(t, someEvent(t)))
		if err != nil {
			t.Fatal(err)
		}
		bug := errors.New("bug")
		d := newDesk(CallbackOptions{Subscriptions: consumers(&bug)})
		d.uncount = errors.New("the database is down")
		for range 20 {
			if got, took := d.deliver(t, raw); got != retry || took < topicDeadline || len(d.aside) != 0 {
				t.Fatalf("%v after %s, %d set aside; without a store nothing is poison", got, took, len(d.aside))
			}
		}
		d.uncount = nil
		clear(d.counts)
		for n := 1; n < MaxAttempts; n++ {
			if got, _ := d.deliver(t, raw); got != retry {
				t.Fatalf("attempt %d: %v", n, got)
			}
		}
		d.failing = errors.New("the broker is down")
		if got, _ := d.deliver(t, raw); got != retry {
			t.Fatalf("%v, though the event rests nowhere", got)
		}
		d.failing = nil
		if got, _ := d.deliver(t, raw); got != success || len(d.aside) != 1 || d.aside[0].Reason != "bug" {
			t.Fatalf("%v, set aside %+v", got, d.aside)
		}
	})
}

func TestCallback_OneConsumerDoesNotHoldTheOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		raw, err := encode(tandem.TopicTaskEvents, marshal(t, someEvent(t)))
		if err != nil {
			t.Fatal(err)
		}
		var took atomic.Int32
		d := newDesk(CallbackOptions{Subscriptions: []Subscription{
			{tandem.TopicTaskEvents, "recurrence", func(context.Context, tandem.Event) error { return context.DeadlineExceeded }},
			{tandem.TopicTaskEvents, "reminders", func(context.Context, tandem.Event) error { panic("boom") }},
			{tandem.TopicTaskEvents, "audit", func(context.Context, tandem.Event) error { took.Add(1); return nil }},
		}})
		if got, _ := d.deliver(t, raw); got != retry || took.Load() != 1 {
			t.Fatalf("%v, the good consumer took %d", got, took.Load())
		}
	})
}

func TestCallback_KeepsWhatNobodyTakes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(CallbackOptions{})
		if got, _ := d.deliver(t, nil); got != retry {
			t.Errorf("%v for a topic without a consumer", got)
		}
		res, err := d.OnTopicEvent(t.Context(), &pb.TopicEventRequest{Topic: "task-events-dlq"})
		if err != nil || res.GetStatus() != retry {
			t.Errorf("%v, %v for dead letters without a consumer", res, err)
		}
		if _, err := d.OnJobEventAlpha1(t.Context(), &pb.JobEventRequest{Name: "x"}); status.Code(err) != codes.FailedPrecondition {
			t.Errorf("%v for a timer of another app; NotFound and Unimplemented would delete it", err)
		}
	})
}

func TestCallback_TimerWaitsBeforeItFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(CallbackOptions{OnTimer: func(_ context.Context, name string, payload json.RawMessage) error {
			if name == "bad" {
				return tandem.NotFound("reminder", name, "reminder")
			}
			return nil
		}})
		began := time.Now()
		_, err := d.OnJobEventAlpha1(t.Context(), &pb.JobEventRequest{Name: "bad"})
		if took := time.Since(began); status.Code(err) != codes.Unavailable || took < jobWait || took > jobDeadline {
			t.Errorf("%v after %s", err, took)
		}
		if _, err := d.OnJobEventAlpha1(t.Context(), &pb.JobEventRequest{Name: "good"}); err != nil {
			t.Error(err)
		}
	})
}

func TestSealed_NoStatusMeansDone(t *testing.T) {
	for code := codes.Canceled; code <= codes.Unauthenticated; code++ {
		got := status.Code(sealed(status.Error(code, "x")))
		if got == codes.OK || got == codes.NotFound || got == codes.Unimplemented {
			t.Errorf("%v becomes %v, which the sidecar takes for success", code, got)
		}
	}
}

func TestOnInvoke_TakesOnlyTheChat(t *testing.T) {
	d := newDesk(CallbackOptions{Chat: http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("served") })})
	post := &commonpb.HTTPExtension{Verb: commonpb.HTTPExtension_POST}
	for _, r := range []*commonpb.InvokeRequest{
		{Method: "api/ann/chat", HttpExtension: &commonpb.HTTPExtension{Verb: commonpb.HTTPExtension_GET}},
		{Method: "api/ann/chat"},
		{Method: "API/ann/CHAT", HttpExtension: post},
		{Method: "api//chat", HttpExtension: post},
		{Method: "api/ann/ws", HttpExtension: post},
		{Method: "api/ann/chat/", HttpExtension: post},
		{Method: "/api/ann/bob/chat", HttpExtension: post},
		{Method: "mcp", HttpExtension: post},
		{Method: "api/%zz/chat", HttpExtension: post},
		{HttpExtension: post},
	} {
		if _, err := d.OnInvoke(t.Context(), r); err == nil {
			t.Errorf("%v was served", r)
		}
	}
}

func TestNamesTurn(t *testing.T) {
	for body, want := range map[string]bool{
		`{"turn_id":"0190"}`: true, `{"message":"x"}`: false, `{"turn_id":null}`: false, `not json`: false, `[]`: false,
	} {
		if namesTurn([]byte(body)) != want {
			t.Errorf("%s: %v, want %v", body, !want, want)
		}
	}
}
