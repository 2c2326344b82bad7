package redis

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tandem"
	"tandem/ops/dev/stack"
)

func newReplicas(t *testing.T, r *stack.Cache) *Replicas {
	t.Helper()
	p := NewReplicas(open(t, r, Metrics{}), "")
	running(t, p.Run)
	return p
}

// someone is a user whom nobody else on the shared server has.
func someone() tandem.UserID { return tandem.UserID(tandem.NewID()) }

func since(ms int64, clients ...string) map[string]time.Time {
	out := map[string]time.Time{}
	for _, c := range clients {
		out[c] = time.UnixMilli(ms)
	}
	return out
}

func exchange(t *testing.T, r *Replicas, user tandem.UserID, here map[string]time.Time) map[string]time.Time {
	t.Helper()
	got, err := r.Exchange(t.Context(), map[tandem.UserID]map[string]time.Time{user: here})
	if err != nil {
		t.Fatal(err)
	}
	return got[user]
}

func TestReplicas_ExchangeDevices(t *testing.T) {
	r := stack.SharedRedis(t)
	a, b, c := newReplicas(t, r), newReplicas(t, r), newReplicas(t, r)
	user := someone()
	steps := []struct {
		name string
		by   *Replicas
		here map[string]time.Time
		want map[string]time.Time
	}{
		{"nobody else is there", a, since(5, "phone", "desk"), nil},
		{"those of one other", b, since(7, "phone", "car"), since(5, "phone", "desk")},
		{"those of two others, each since it came", c, nil, map[string]time.Time{
			"phone": time.UnixMilli(5), "desk": time.UnixMilli(5), "car": time.UnixMilli(7),
		}},
		{"who left", a, nil, since(7, "phone", "car")},
		{"is gone", c, nil, since(7, "phone", "car")},
	}
	for _, s := range steps {
		if diff := cmp.Diff(s.want, exchange(t, s.by, user, s.here)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", s.name, diff)
		}
	}
	if got := exchange(t, a, someone(), nil); got != nil {
		t.Errorf("another user sees %v", got)
	}
}

func TestReplicas_ExchangeOfManyIsOneRead(t *testing.T) {
	r := stack.SharedRedis(t)
	a, b := newReplicas(t, r), newReplicas(t, r)
	here := map[tandem.UserID]map[string]time.Time{}
	for n := range 1000 {
		here[someone()] = since(int64(n+1), fmt.Sprint("device ", n))
	}
	if err := a.client.rdb.ScriptFlush(t.Context()).Err(); err != nil { // as a restart does
		t.Fatal(err)
	}
	if _, err := a.Exchange(t.Context(), here); err != nil {
		t.Fatal(err)
	}
	none := map[tandem.UserID]map[string]time.Time{}
	for u := range here {
		none[u] = nil
	}
	got, err := b.Exchange(t.Context(), none)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(here, got); diff != "" {
		t.Error(diff)
	}
}

func take(t *testing.T, r *Replicas, user tandem.UserID) (free func(), ok bool) {
	t.Helper()
	return r.Take(t.Context(), user, 4)
}

func TestReplicas_SeatsCountInAllProcesses(t *testing.T) {
	r := stack.SharedRedis(t)
	a, b, user := newReplicas(t, r), newReplicas(t, r), someone()
	var frees []func()
	for _, by := range []*Replicas{a, a, b, b} {
		free, ok := take(t, by, user)
		if !ok {
			t.Fatal("a connection within the limit was refused")
		}
		frees = append(frees, free)
	}
	for _, by := range []*Replicas{a, b} {
		if _, ok := take(t, by, user); ok {
			t.Error("a fifth connection was taken")
		}
	}
	if free, ok := take(t, a, someone()); !ok {
		t.Error("another user was refused")
	} else {
		free()
	}
	frees[0]()
	frees[0]()
	eventually(t, "a seat that was given back can be taken", func() bool { _, ok := take(t, b, user); return ok })
	if _, ok := take(t, a, user); ok {
		t.Error("a seat that was given back once was taken twice")
	}
}

func TestReplicas_SeatsAreNeverOverbooked(t *testing.T) {
	r := stack.SharedRedis(t)
	sides, user := []*Replicas{newReplicas(t, r), newReplicas(t, r), newReplicas(t, r)}, someone()
	var mu sync.Mutex
	taken := 0
	var group sync.WaitGroup
	for n := range 30 {
		group.Go(func() {
			if _, ok := sides[n%3].Take(t.Context(), user, 8); ok {
				mu.Lock()
				defer mu.Unlock()
				taken++
			}
		})
	}
	group.Wait()
	if taken == 0 || taken > 8 {
		t.Errorf("%d of 8 seats were taken", taken)
	}
}

func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	timeout := time.After(patience)
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for !ok() {
		select {
		case <-tick.C:
		case <-timeout:
			t.Fatalf("not within %v: %s", patience, what)
		}
	}
}

// A process that crashed takes its seats with it: its devices come to the others within moments, and a device that is told that
// there are too many does not come again.
func TestReplicas_SeatsOfACrashedProcessDoNotCount(t *testing.T) {
	r := stack.SharedRedis(t)
	a, crashed, user := newReplicas(t, r), NewReplicas(open(t, r, Metrics{}), ""), someone()
	crashed.beat(t.Context())
	for range 4 {
		if _, ok := take(t, crashed, user); !ok {
			t.Fatal("a connection within the limit was refused")
		}
	}
	if _, ok := take(t, a, user); ok {
		t.Fatal("a fifth connection was taken while the first four lived")
	}
	eventually(t, "the seats of the crashed process are free", func() bool { _, ok := take(t, a, user); return ok })
}

// A process that crashes again and again comes back to its place before anybody notices its silence.
func TestReplicas_SeatsOfThoseAtThePlaceBeforeDoNotCount(t *testing.T) {
	r := stack.SharedRedis(t)
	place, user := tandem.NewID(), someone()
	for range 5 {
		again := NewReplicas(open(t, r, Metrics{}), place)
		again.beat(t.Context())
		for n := range 5 {
			if _, ok := take(t, again, user); ok != (n < 4) {
				t.Fatalf("connection %d: taken %v", n+1, ok)
			}
		}
	}
	if _, ok := take(t, newReplicas(t, r), user); ok {
		t.Error("a fifth connection was taken elsewhere")
	}
}

func TestReplicas_SeatsOutliveAFlush(t *testing.T) {
	r := stack.Redis(t)
	a, b := newReplicas(t, r), newReplicas(t, r)
	for range 4 {
		if _, ok := take(t, a, "ann"); !ok {
			t.Fatal("a connection within the limit was refused")
		}
	}
	if err := a.client.rdb.FlushAll(t.Context()).Err(); err != nil {
		t.Fatal(err)
	}
	a.noteAll()
	a.note(t.Context())
	if _, ok := take(t, b, "ann"); ok {
		t.Error("after a flush a fifth connection was taken")
	}
}

func TestReplicas_WithoutRedisTheOwnSeatsCount(t *testing.T) {
	r := stack.Redis(t)
	a := newReplicas(t, r)
	r.Kill()
	for n := range 5 {
		if _, ok := take(t, a, "ann"); ok != (n < 4) {
			t.Errorf("connection %d: taken %v", n+1, ok)
		}
	}
	if _, err := a.Exchange(t.Context(), map[tandem.UserID]map[string]time.Time{"ann": nil}); err == nil {
		t.Error("devices were exchanged without Redis")
	}
	r.Start()
	b := newReplicas(t, r)
	eventually(t, "the number is noted when Redis is back", func() bool {
		free, ok := take(t, b, "ann")
		free()
		return !ok
	})
}

func TestClient_DoesNotAskAgainAtOnce(t *testing.T) {
	r := stack.Redis(t)
	c := open(t, r, Metrics{})
	r.Kill()
	asked := 0
	ask := func() error {
		return c.ask(t.Context(), func(ctx context.Context) error {
			asked++
			return c.Ping(ctx)
		})
	}
	for range 10 {
		if ask() == nil {
			t.Fatal("Redis answered without being there")
		}
	}
	if asked != 1 {
		t.Errorf("Redis was asked %d times during an outage", asked)
	}
	r.Start()
	eventually(t, "Redis is asked again", func() bool { return ask() == nil })
}

// Requests overtake each other; in the end what is noted is what is so.
func TestReplicas_WhatIsNotedAgreesAfterAStorm(t *testing.T) {
	r := stack.SharedRedis(t)
	p := newReplicas(t, r)
	user := someone()
	var group sync.WaitGroup
	for range 32 {
		group.Go(func() {
			for range 20 {
				free, _ := p.Take(t.Context(), user, 64)
				free()
			}
		})
	}
	group.Wait()
	free, ok := p.Take(t.Context(), user, 64)
	if !ok {
		t.Fatal("the last connection was refused")
	}
	defer free()
	eventually(t, "one connection is noted", func() bool {
		v, err := p.client.rdb.HGet(t.Context(), prefix+"seats:"+string(user), p.client.origin).Result()
		return err == nil && strings.HasSuffix(v, " 1")
	})
}

func TestReplicas_ANumberThatWasOvertakenIsNotedAgain(t *testing.T) {
	r := stack.SharedRedis(t)
	p := NewReplicas(open(t, r, Metrics{}), "")
	user := someone()
	for range 2 {
		if _, ok := take(t, p, user); !ok {
			t.Fatal("a connection within the limit was refused")
		}
	}
	p.settle(user, 2)
	if len(p.loose) != 0 {
		t.Error("a number that is right is noted again")
	}
	p.settle(user, 1)
	if _, again := p.loose[user]; !again {
		t.Error("a number that is wrong stays")
	}
}
