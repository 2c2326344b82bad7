package dapr_test

import (
	"context"
	"strconv"
	"sync"
	"testing"
	"time"

	"tandem"
	"tandem/ops/dev/stack"
	"tandem/server/dapr"
)

// keyWorld is an app with keys on a Redis of its own.
func keyWorld(t *testing.T) (*world, *stack.Cache, *side) {
	t.Helper()
	w, redis := newWorld(t), stack.Redis(t)
	w.stores, w.secrets["tandem-redis"]["host"] = true, redis.Addr
	return w, redis, w.app(dapr.AppAudit, dapr.CallbackOptions{})
}

func claim(t *testing.T, k *dapr.Keys, key, owner string) tandem.KeyState {
	t.Helper()
	state, err := k.Claim(t.Context(), key, owner, 10*time.Second)
	if err != nil {
		t.Fatalf("claim %s for %s: %v", key, owner, err)
	}
	return state
}

func TestKeys_OneOfEightWins(t *testing.T) {
	t.Parallel()
	_, _, s := keyWorld(t)
	keys := s.client.Keys()
	key := tandem.ProcessedKey("audit", tandem.NewID())
	states := make([]tandem.KeyState, 8)
	var wg sync.WaitGroup
	for i := range states {
		wg.Go(func() { states[i], _ = keys.Claim(t.Context(), key, strconv.Itoa(i), 10*time.Second) })
	}
	wg.Wait()
	won := -1
	for i, state := range states {
		switch {
		case state == tandem.KeyClaimed && won < 0:
			won = i
		case state != tandem.KeyHeld:
			t.Errorf("racer %d: %q, where one wins and the others find it held: %v", i, state, states)
		}
	}
	if won < 0 {
		t.Fatalf("nobody won: %v", states)
	}
	if got := claim(t, keys, key, strconv.Itoa(won)); got != tandem.KeyClaimed {
		t.Errorf("the winner asks again: %q", got)
	}
	if err := keys.Done(t.Context(), key, strconv.Itoa(won), time.Hour); err != nil {
		t.Fatal(err)
	}
	for _, owner := range []string{strconv.Itoa(won), "another"} {
		if got := claim(t, keys, key, owner); got != tandem.KeyDone {
			t.Errorf("after the work %s finds %q", owner, got)
		}
	}
}

func TestKeys_SurviveRedisWithoutHarm(t *testing.T) {
	t.Parallel()
	_, redis, s := keyWorld(t)
	keys := s.client.Keys()
	key := tandem.ProcessedKey("audit", tandem.NewID())
	if got := claim(t, keys, key, "a"); got != tandem.KeyClaimed {
		t.Fatalf("first claim: %q", got)
	}
	redis.Kill()
	began := time.Now()
	if state, err := keys.Claim(t.Context(), key, "b", time.Second); err == nil {
		t.Errorf("with Redis down: %q, want an error, so that the work goes on without a key", state)
	}
	if err := keys.Done(t.Context(), key, "a", time.Hour); err != nil {
		t.Errorf("with Redis down: %v, want nothing: the work is done", err)
	}
	for range 6 {
		_, _ = keys.Claim(t.Context(), key, "b", time.Second)
	}
	if took := time.Since(began); took > 8*time.Second {
		t.Errorf("eight calls without Redis took %s", took)
	}
	began = time.Now()
	for range 1000 {
		_, _ = keys.Claim(t.Context(), key, "b", time.Second)
	}
	if took := time.Since(began); took > time.Second {
		t.Errorf("once it is known to be down, a thousand calls took %s", took)
	}
	redis.Start()
	fresh := s.client.Keys()
	eventually(t, "keys again", func() bool {
		state, err := fresh.Claim(t.Context(), key+"-new", "a", time.Second)
		return err == nil && state == tandem.KeyClaimed
	})
}

func TestKeys_AClaimEndsWithItsLeaseAndWithAFlush(t *testing.T) {
	t.Parallel()
	w, redis, s := keyWorld(t)
	keys := s.client.Keys()
	key := tandem.ProcessedKey("audit", tandem.NewID())
	if _, err := keys.Claim(t.Context(), key, "dead", 300*time.Millisecond); err != nil {
		t.Fatal(err)
	}
	if got := claim(t, keys, key, "b"); got != tandem.KeyHeld {
		t.Errorf("while the lease lasts: %q", got)
	}
	eventually(t, "the lease of a dead owner ends", func() bool { return claim(t, keys, key, "b") == tandem.KeyClaimed })
	w.flush(redis)
	if got := claim(t, keys, key, "c"); got != tandem.KeyClaimed {
		t.Errorf("after FLUSHALL: %q", got)
	}
	if err := keys.Done(t.Context(), key, "b", time.Hour); err != nil {
		t.Fatal(err)
	}
	if got := claim(t, keys, key, "c"); got != tandem.KeyClaimed {
		t.Errorf("who lost its claim said done, and the new owner finds %q", got)
	}
}

// flush empties Redis.
func (w *world) flush(redis *stack.Cache) {
	w.t.Helper()
	c := w.dialTCP(redis.Addr)
	defer c.Close()
	if _, err := c.Write([]byte("FLUSHALL\r\n")); err != nil {
		w.t.Fatal(err)
	}
	answer := make([]byte, 5)
	if _, err := c.Read(answer); err != nil || string(answer[:3]) != "+OK" {
		w.t.Fatalf("FLUSHALL: %q, %v", answer, err)
	}
}

func TestKeys_AreLiterallyNamed(t *testing.T) {
	t.Parallel()
	w, redis, s := keyWorld(t)
	if got := claim(t, s.client.Keys(), "processed:audit:1", "a"); got != tandem.KeyClaimed {
		t.Fatal(got)
	}
	c := w.dialTCP(redis.Addr)
	defer c.Close()
	if _, err := c.Write([]byte("TTL processed:audit:1\r\n")); err != nil {
		t.Fatal(err)
	}
	answer := make([]byte, 16)
	n, err := c.Read(answer)
	if err != nil {
		t.Fatal(err)
	}
	if ttl, err := strconv.Atoi(string(answer[1 : n-2])); err != nil || ttl < 604790 || ttl > 604800 {
		t.Errorf("TTL %q, want seven days: every key ends by itself", answer[:n])
	}
}

func TestCache_KeepsForgetsAndFails(t *testing.T) {
	t.Parallel()
	w, pg := newWorld(t), stack.Postgres(t)
	w.stores = true
	w.secrets["tandem-cache"]["dsn"] = pg.DSN("", "")
	w.kafka = nil
	var failed, missed int
	s := w.app(dapr.AppServe, dapr.CallbackOptions{Metrics: dapr.Metrics{CacheMiss: func(f bool) {
		if missed++; f {
			failed++
		}
	}}})
	cache := s.client.Cache()
	ctx := t.Context()
	cache.Set(ctx, "turn:1", []byte("half a rep"), time.Hour)
	if got, ok := cache.Get(ctx, "turn:1"); !ok || string(got) != "half a rep" {
		t.Fatalf("got %q, %v", got, ok)
	}
	cache.Drop(ctx, "turn:1")
	if got, ok := cache.Get(ctx, "turn:1"); ok {
		t.Errorf("dropped, and still there: %q", got)
	}
	cache.Set(ctx, "turn:2", []byte("x"), time.Second)
	eventually(t, "the end of a lifetime", func() bool { _, ok := cache.Get(ctx, "turn:2"); return !ok })
	pg.Kill()
	began := time.Now()
	for range 50 {
		cache.Set(ctx, "turn:3", []byte("x"), time.Hour)
		if _, ok := cache.Get(ctx, "turn:3"); ok {
			t.Error("a value out of nowhere")
		}
	}
	if took := time.Since(began); took > 3*time.Second || failed == 0 || missed == failed {
		t.Errorf("a hundred calls without a store took %s, %d of %d misses failed", took, failed, missed)
	}
}

func TestSecrets_AreThoseOfTheAppAlone(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := w.app(dapr.AppNotifications, dapr.CallbackOptions{})
	ctx, cancel := context.WithCancel(t.Context())
	got := make(chan map[string]string, 1)
	done := make(chan error, 1)
	go func() {
		done <- s.client.WatchSecret(ctx, dapr.SecretSMTP, func(fields map[string]string) { got <- fields })
	}()
	if fields := <-got; fields["url"] != "smtp://127.0.0.1" {
		t.Errorf("got %v", fields)
	}
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
	for _, other := range []string{dapr.SecretModel, "tandem-redis"} {
		if fields, err := s.client.Secret(t.Context(), other); err == nil {
			t.Errorf("read %s: %v", other, fields)
		}
	}
}
