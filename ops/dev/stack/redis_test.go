package stack_test

import (
	"testing"

	"github.com/redis/go-redis/v9"

	"tandem/ops/dev/stack"
)

func TestRedis_KeepsItsDataAndPortOverAStopAndACrash(t *testing.T) {
	t.Parallel()
	r := stack.Redis(t)
	client := redis.NewClient(&redis.Options{Addr: r.Addr})
	defer client.Close()
	if err := client.Set(t.Context(), "kept", "yes", 0).Err(); err != nil {
		t.Fatal(err)
	}
	for name, end := range map[string]func(){"Stop": r.Stop, "Kill": r.Kill} {
		end()
		r.Start()
		if got, err := client.Get(t.Context(), "kept").Result(); err != nil || got != "yes" {
			t.Errorf("after %s: got %q, %v, want yes", name, got, err)
		}
	}
}

func TestRedis_TakesOptions(t *testing.T) {
	t.Parallel()
	r := stack.Redis(t, "--requirepass", "secret")
	client := redis.NewClient(&redis.Options{Addr: r.Addr, Password: "secret"})
	defer client.Close()
	if err := client.Ping(t.Context()).Err(); err != nil {
		t.Error(err)
	}
}
