package replicas

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"tandem"
	"tandem/ops/dev/product"
	"tandem/sync/client"
	"tandem/sync/wire"
)

// watcher is a device that remembers who is there and how its connection ended.
type watcher struct {
	*client.Client
	mu    sync.Mutex
	there []string
	news  chan struct{}
	ended chan error
}

func watch(t *testing.T, p *product.Product, a *product.App, user tandem.UserID) *watcher {
	t.Helper()
	w := &watcher{news: make(chan struct{}, 1), ended: make(chan error, 1)}
	w.Client = client.New(client.Options{
		Server: a.URL, User: user, Backoff: 10 * time.Millisecond, MaxBackoff: 100 * time.Millisecond, OnFrame: w.frame,
		Token: func(context.Context, bool) (string, error) { return token(t, p, user), nil },
	})
	ctx, stop := context.WithCancel(t.Context())
	t.Cleanup(stop)
	go func() { w.ended <- w.Run(ctx) }()
	return w
}

func (w *watcher) frame(f wire.ServerFrame) {
	p, ok := f.(wire.Presence)
	if !ok {
		return
	}
	w.mu.Lock()
	w.there = nil
	for _, d := range p.Devices {
		w.there = append(w.there, d.Client)
	}
	w.mu.Unlock()
	select {
	case w.news <- struct{}{}:
	default:
	}
}

func (w *watcher) sees(clients ...string) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	slices.Sort(clients)
	slices.Sort(w.there)
	return slices.Equal(clients, w.there)
}

// awaitPeople waits until the device is told of just these devices.
func (w *watcher) awaitPeople(t *testing.T, limit time.Duration, clients ...string) {
	t.Helper()
	timeout := time.After(limit)
	for !w.sees(clients...) {
		select {
		case <-w.news:
		case <-timeout:
			w.mu.Lock()
			there := slices.Clone(w.there)
			w.mu.Unlock()
			t.Fatalf("within %s the device was told of %v, want %v", limit, there, clients)
		}
	}
}

// TestTogether holds what several processes do as one.
func TestTogether(t *testing.T) {
	p := deploy(t, product.Options{Serve: 2, Web: true})
	one, two := watch(t, p, p.Serve[0], "ann"), watch(t, p, p.Serve[1], "ann")

	t.Run("presence", func(t *testing.T) {
		for _, w := range []*watcher{one, two} {
			w.awaitPeople(t, 10*time.Second, one.ID(), two.ID())
		}
	})
	t.Run("without Redis", func(t *testing.T) {
		p.Redis.Stop()
		mutate(t, one.Client, "add_task", map[string]any{"title": "alone"})
		within(t, time.Second, "the own device without Redis", one.Client, titled(t, "alone"))
		within(t, 3*time.Second, "the other replica without Redis", two.Client, titled(t, "alone"))
		p.Redis.Start()
		mutate(t, two.Client, "add_task", map[string]any{"title": "again"})
		within(t, 3*time.Second, "the other replica with Redis back", one.Client, titled(t, "again"))
	})
	t.Run("chat through the page's server", func(t *testing.T) { throughWeb(t, p) })
	t.Run("a database that was put back", func(t *testing.T) {
		before := two.Replica().Epoch
		if out, err := operator(t, p, "migrate", "--restored"); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		p.Serve[1].Stop()
		p.Serve[1].Start()
		within(t, 10*time.Second, "another epoch", two.Client, func(r *client.Replica) bool { return r.Epoch != before })
		within(t, 10*time.Second, "what was there before", two.Client, titled(t, "again"))
	})
	t.Run("an operator signs out", func(t *testing.T) {
		for _, w := range []*watcher{one, two} {
			mutate(t, w.Client, "list_tasks", map[string]any{}) // connected, also after the restart
		}
		out, err := operator(t, p, "user", "revoke", "--user", "ann")
		if err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		for i, w := range []*watcher{one, two} {
			select {
			case err := <-w.ended:
				if closed, ok := errors.AsType[*client.Closed](err); !ok || closed.Code != wire.CloseRevoked {
					t.Errorf("the connection to replica %d ended with %v, want 4403", i+1, err)
				}
			case <-time.After(5 * time.Second):
				t.Errorf("replica %d keeps the connection of someone who was signed out", i+1)
			}
		}
	})
}

// throughWeb says something while `tandem serve` restarts: it is answered, and done once.
func throughWeb(t *testing.T, p *product.Product) {
	t.Helper()
	var restarts sync.WaitGroup
	restarts.Go(func() { p.Serve[0].Stop(); p.Serve[0].Start() })
	answered := 0
	people := []tandem.UserID{"bob", "cyd"} // nobody may say that much in a minute
	for i := range 20 {
		title := fmt.Sprintf("web %d", i)
		code, body, head := say(t, p, p.Web.URL, people[i%2], "Add a task to buy "+title)
		if code == http.StatusOK {
			answered++
		} else if code != http.StatusServiceUnavailable {
			t.Errorf("%q was answered with %d: %s", title, code, body)
		}
		if got := head.Values("Content-Security-Policy"); len(got) != 1 {
			t.Errorf("the answer has %d policies", len(got))
		}
	}
	restarts.Wait()
	count := map[string]int{}
	for _, user := range people {
		d := device(t, p, p.Serve[1], user)
		mutate(t, d, "list_tasks", map[string]any{})
		for _, row := range tasks(t, d.Replica()) {
			if count[row.Title]++; count[row.Title] > 1 {
				t.Errorf("%q was added %d times", row.Title, count[row.Title])
			}
		}
	}
	if len(count) < answered || answered < 15 {
		t.Errorf("%d of 20 were answered, %d tasks are there", answered, len(count))
	}
}

// say is one chat turn over REST.
func say(t *testing.T, p *product.Product, server string, user tandem.UserID, text string) (code int, body []byte, head http.Header) {
	t.Helper()
	question, err := json.Marshal(map[string]string{"message": text})
	if err != nil {
		t.Fatal(err)
	}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, server+"/api/"+string(user)+"/chat", strings.NewReader(string(question)))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+token(t, p, user))
	req.Header.Set("Content-Type", "application/json")
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if body, err = io.ReadAll(res.Body); err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, body, res.Header
}

// operator runs a command on the database of the deployment.
func operator(t *testing.T, p *product.Product, args ...string) (string, error) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), program, args...)
	cmd.Env = append(os.Environ(), "TANDEM_MIGRATE_URL="+p.PG.DSN("postgres", p.Database), "TANDEM_DATABASE_URL="+p.PG.DSN("tandem_worker", p.Database), "TANDEM_REDIS_URL=redis://"+p.Redis.Addr)
	out, err := cmd.CombinedOutput()
	return string(out), err
}
