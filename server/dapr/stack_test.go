package dapr_test

import (
	"context"
	"encoding/json"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"tandem"
	"tandem/ops/dev/stack"
	"tandem/server/dapr"
)

func TestMain(m *testing.M) { os.Exit(stack.Tests{M: m}.Run()) }

const (
	apiToken = "the-token-of-the-sidecar"
	appToken = "the-token-of-the-app"
	patience = 30 * time.Second
	files    = "../../ops/dapr"
)

// world is the stack of one test: the files of ops/dapr on real services.
type world struct {
	t         *testing.T
	kafka     *stack.Bus       // nil: no topics
	scheduler *stack.Scheduler // nil: no timers
	sentry    *stack.Sentry    // nil: no mTLS
	stores    bool             // keys and cache
	secrets   map[string]map[string]string
	names     string
}

func newWorld(t *testing.T) *world {
	t.Helper()
	stack.Require(t, "dapr")
	return &world{t: t, names: filepath.Join(t.TempDir(), "names.db"), secrets: map[string]map[string]string{
		"tandem-redis": {"host": "127.0.0.1:1", "username": "", "password": "", "tls": "false"},
		"tandem-cache": {"dsn": "host=127.0.0.1 port=1 user=x dbname=x sslmode=disable"},
		"tandem-smtp":  {"url": "smtp://127.0.0.1"},
		"tandem-model": {"api_key": "sk-1"},
	}}
}

// on gives the world a broker.
func (w *world) on(kafka *stack.Bus) *world {
	w.kafka = kafka
	w.secrets["tandem-kafka"] = map[string]string{"brokers": w.kafka.Addr()}
	return w
}

// withKafka gives the world the shared broker, with topics and groups as new. Its test runs alone.
func (w *world) withKafka() *world {
	w.t.Helper()
	w.on(stack.SharedKafka(w.t))
	admin := kadm.NewClient(w.producer())
	var groups, topics []string
	for _, a := range dapr.Apps {
		groups = append(groups, a.ID)
	}
	for _, topic := range dapr.BrokerTopics() {
		topics = append(topics, topic.Name)
	}
	eventually(w.t, "the groups of earlier tests are gone", func() bool {
		listed, err := admin.ListGroups(w.t.Context())
		if err != nil {
			return false
		}
		old := slices.DeleteFunc(listed.Groups(), func(g string) bool { return !slices.Contains(groups, g) })
		if len(old) == 0 {
			return true
		}
		_, err = admin.DeleteGroups(w.t.Context(), old...)
		return err == nil
	})
	ends, err := admin.ListEndOffsets(w.t.Context(), topics...)
	if err != nil {
		w.t.Fatal(err)
	}
	if _, err := admin.DeleteRecords(w.t.Context(), ends.Offsets()); err != nil {
		w.t.Fatal(err)
	}
	return w
}

// producer is a client that bypasses Dapr.
func (w *world) producer() *kgo.Client {
	w.t.Helper()
	c, err := kgo.NewClient(kgo.SeedBrokers(w.kafka.Seeds()...), kgo.ProducerBatchMaxBytes(1<<20))
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(c.Close)
	return c
}

func listen(t *testing.T) net.Listener {
	t.Helper()
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// eventually waits for a state, asking often.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	timeout := time.After(patience)
	for !ok() {
		select {
		case <-tick.C:
		case <-timeout:
			t.Fatalf("%s: not within %s", what, patience)
		}
	}
}

// side is an app of the product, played by a test, with its sidecar.
type side struct {
	*stack.Daprd
	t        *testing.T
	client   *dapr.Client
	health   *dapr.Health
	options  dapr.CallbackOptions
	callback string // address
	end      func() // of the callback server; nil: it does not run
}

// app starts an app of the product: its callback server, then its sidecar with the product's own files.
func (w *world) app(id string, o dapr.CallbackOptions) *side {
	w.t.Helper()
	l := listen(w.t)
	s := &side{t: w.t, callback: l.Addr().String(), health: &dapr.Health{}}
	s.Daprd = stack.PrepareDaprd(w.t, w.sidecar(id, l.Addr().(*net.TCPAddr).Port))
	log := slog.New(slog.NewTextHandler(w.t.Output(), &slog.HandlerOptions{Level: slog.LevelError + 1}))
	var err error
	if s.client, err = dapr.Dial(dapr.Options{GRPC: s.GRPC, HTTP: s.HTTP, Token: apiToken, Log: log, Metrics: o.Metrics}); err != nil {
		w.t.Fatal(err)
	}
	o.Token, o.ShowsNoToken, o.Health, o.Log = appToken, s.client.ShowsNoToken, s.health, log
	if o.SetAside == nil {
		o.SetAside = s.client.SetAside
	}
	s.options = o
	s.health.Ready()
	s.serve(l)
	w.t.Cleanup(func() {
		s.Stop()
		s.crash()
		if err := s.client.Close(); err != nil {
			w.t.Error(err)
		}
	})
	s.Start()
	if err := s.client.WaitReady(w.t.Context()); err != nil {
		w.t.Fatal(err)
	}
	return s
}

// serve runs the callback server, as a process does.
func (s *side) serve(l net.Listener) {
	ctx, cancel := context.WithCancel(context.WithoutCancel(s.t.Context()))
	done := make(chan error, 1)
	c := &cut{Listener: l}
	go func() { done <- dapr.NewCallback(s.options).Serve(ctx, c) }()
	s.end = func() {
		cancel()
		c.sever()
		if err := <-done; err != nil {
			s.t.Errorf("callback: %v", err)
		}
	}
}

// crash ends the app as a killed process does: its connections break.
func (s *side) crash() {
	if s.end != nil {
		s.end()
		s.end = nil
	}
}

// run starts the app again on its port.
func (s *side) run() {
	l, err := new(net.ListenConfig).Listen(s.t.Context(), "tcp", s.callback)
	if err != nil {
		s.t.Errorf("listen again: %v", err)
		return
	}
	s.serve(l)
}

// cut is a listener whose connections can be broken.
type cut struct {
	net.Listener
	mu    sync.Mutex
	conns []net.Conn
}

func (c *cut) Accept() (net.Conn, error) {
	conn, err := c.Listener.Accept()
	if err == nil {
		c.mu.Lock()
		c.conns = append(c.conns, conn)
		c.mu.Unlock()
	}
	return conn, err
}

func (c *cut) sever() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.Close()
	for _, conn := range c.conns {
		conn.Close()
	}
}

// sidecar is that of an app, as it runs in production but for the addresses.
func (w *world) sidecar(id string, appPort int) stack.Sidecar {
	w.t.Helper()
	data, err := json.Marshal(w.secrets)
	if err != nil {
		w.t.Fatal(err)
	}
	secrets := filepath.Join(w.t.TempDir(), "secrets.json")
	if err := os.WriteFile(secrets, data, 0o600); err != nil {
		w.t.Fatal(err)
	}
	dir, err := filepath.Abs(files)
	if err != nil {
		w.t.Fatal(err)
	}
	resources := []string{dir, dir + "/components/file"}
	if w.kafka != nil {
		resources = append(resources, dir+"/components/plain", dir+"/subscriptions")
	}
	if w.stores {
		resources = append(resources, dir+"/components")
	}
	return stack.Sidecar{
		AppID: id, AppPort: appPort, Resources: resources, APIToken: apiToken, AppToken: appToken, Scheduler: w.scheduler, Sentry: w.sentry,
		Configs: []string{dir + "/config/" + id + ".yaml", dir + "/config/standalone/names.yaml"},
		Env:     []string{"TANDEM_SECRETS_FILE=" + secrets, "TANDEM_NAMES_FILE=" + w.names},
	}
}

// never counts nothing and so sets nothing aside for failing.
func never(context.Context, string, string) (int, error) { return 1, nil }

func ignore(context.Context, tandem.Event) error { return nil }
