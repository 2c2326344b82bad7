package stack

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"time"
)

// Control planes know each other by this trust domain; apps live in "public".
const trustDomain = "localhost"

func daprProgram(name string) (string, error) {
	dir, err := cache("dapr-" + DaprVersion)
	if err != nil {
		return "", err
	}
	path := filepath.Join(dir, name)
	_, err = os.Stat(path)
	return path, err
}

func findDapr() error {
	var errs []error
	for _, name := range []string{"daprd", "scheduler", "sentry"} {
		_, err := daprProgram(name)
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

// component is what every program of Dapr has: a path, a folder, ports.
type component struct {
	path, dir string
	ports     []int
}

func newComponent(t T, name string, n int) (component, error) {
	path, err := daprProgram(name)
	if err != nil {
		return component{}, err
	}
	dir, err := folder(t, name, nil)
	if err != nil {
		return component{}, err
	}
	numbers, err := ports(t, n)
	return component{path, dir, numbers}, err
}

func flag(name string, value any) string { return fmt.Sprintf("--%s=%v", name, value) }

// Sentry is the certificate authority of the sidecars. It makes its root at its first start.
type Sentry struct {
	*Process
	Addr    string
	Metrics string // URL
}

// StartSentry starts a certificate authority.
func StartSentry(t T) *Sentry {
	t.Helper()
	Require(t, "dapr")
	s, err := newSentry(t)
	if err != nil {
		t.Fatalf("%v", err)
	}
	return s
}

func newSentry(t T) (*Sentry, error) {
	c, err := newComponent(t, "sentry", 3)
	if err != nil {
		return nil, err
	}
	const config = "apiVersion: dapr.io/v1alpha1\nkind: Configuration\nmetadata: {name: sentry}\nspec: {mtls: {enabled: true}}\n"
	file, issuer := filepath.Join(c.dir, "config.yaml"), filepath.Join(c.dir, "issuer")
	if err := errors.Join(os.WriteFile(file, []byte(config), 0o600), os.Mkdir(issuer, 0o700)); err != nil {
		return nil, err
	}
	s := &Sentry{Addr: loopback(c.ports[0]), Metrics: "http://" + loopback(c.ports[2]) + "/metrics"}
	s.Process = prepare(t, spec{
		name: "sentry", path: c.path, dir: c.dir, ready: answers("http://" + loopback(c.ports[1]) + "/healthz"),
		args: []string{
			flag("issuer-credentials", issuer), flag("trust-domain", trustDomain), flag("config", file),
			flag("port", c.ports[0]), flag("listen-address", "127.0.0.1"),
			flag("healthz-port", c.ports[1]), flag("healthz-listen-address", "127.0.0.1"),
			flag("metrics-port", c.ports[2]), flag("metrics-listen-address", "127.0.0.1"),
		},
	})
	if err := s.start(t.Context()); err != nil {
		return nil, err
	}
	s.Stop() // what made the root reloads it three times in the next six seconds, and serves nobody meanwhile
	return s, s.start(t.Context())
}

// AnchorsFile holds the root certificate.
func (s *Sentry) AnchorsFile() string { return filepath.Join(s.dir, "issuer", "ca.crt") }

// Scheduler keeps the jobs of the sidecars and triggers them.
type Scheduler struct {
	*Process
	Addr    string
	Metrics string // URL
	data    string
}

// StartScheduler starts a scheduler, under mTLS when sentry is not nil. After Kill and Start it is silent for up to 23 s: its own lease must end.
func StartScheduler(t T, sentry *Sentry) *Scheduler {
	t.Helper()
	Require(t, "dapr")
	s, err := newScheduler(t, sentry)
	if err != nil {
		t.Fatalf("%v", err)
	}
	return s
}

func newScheduler(t T, sentry *Sentry) (*Scheduler, error) {
	c, err := newComponent(t, "scheduler", 5)
	if err != nil {
		return nil, err
	}
	s := &Scheduler{
		Addr: loopback(c.ports[0]), Metrics: "http://" + loopback(c.ports[2]) + "/metrics", data: filepath.Join(c.dir, "data"),
	}
	if err := os.Mkdir(s.data, 0o700); err != nil {
		return nil, err
	}
	const id = "dapr-scheduler-server-0" // under mTLS no other is believed
	peer := "http://"
	args := []string{}
	if sentry != nil {
		peer = "https://"
		args = append(args, flag("tls-enabled", true), flag("trust-anchors-file", sentry.AnchorsFile()), flag("sentry-address", sentry.Addr))
	}
	args = append(
		args, flag("trust-domain", trustDomain), flag("id", id), flag("port", c.ports[0]), flag("listen-address", "127.0.0.1"),
		flag("healthz-port", c.ports[1]), flag("healthz-listen-address", "127.0.0.1"),
		flag("metrics-port", c.ports[2]), flag("metrics-listen-address", "127.0.0.1"),
		flag("etcd-data-dir", s.data), flag("etcd-client-port", c.ports[3]), flag("etcd-initial-cluster", id+"="+peer+loopback(c.ports[4])),
		flag("override-broadcast-host-port", s.Addr), flag("identity-directory-write", filepath.Join(c.dir, "tls")),
	)
	s.Process, err = launch(t, spec{
		name: "scheduler", path: c.path, dir: c.dir, args: args, env: []string{"NAMESPACE=default"},
		ready: answers("http://" + loopback(c.ports[1]) + "/healthz"),
	})
	return s, err
}

// Wipe starts the scheduler anew without its jobs.
func (s *Scheduler) Wipe() {
	s.Kill()
	if err := errors.Join(os.RemoveAll(s.data), os.Mkdir(s.data, 0o700)); err != nil {
		s.owner.Errorf("wipe the scheduler: %v", err)
		return
	}
	s.Start()
}

// Sidecar says how daprd serves an app.
type Sidecar struct {
	AppID     string
	AppPort   int        // 0: no app, only the API
	Protocol  string     // of the app; empty: grpc
	Resources []string   // folders
	Configs   []string   // files; later ones fill what the earlier ones leave out
	Scheduler *Scheduler // nil: no jobs
	Sentry    *Sentry    // nil: no mTLS
	APIToken  string     // the app shows it to the sidecar; empty: none asked
	AppToken  string     // the sidecar shows it to the app; empty: none
	Env       []string   // more of the environment
	Args      []string   // more of the command line; these win
}

// Daprd is a sidecar.
type Daprd struct {
	*Process
	GRPC, HTTP string // addresses of its API
	Metrics    string // URL
	public     string // of health and metadata
}

// StartDaprd starts a sidecar and returns when its API serves; the app may come later, but the sidecar asks it for its subscriptions only once.
func StartDaprd(t T, s Sidecar) *Daprd {
	t.Helper()
	d := PrepareDaprd(t, s)
	if err := d.start(t.Context()); err != nil {
		t.Fatalf("%v", err)
	}
	return d
}

// PrepareDaprd reserves the addresses of a sidecar that waits for its first Start.
func PrepareDaprd(t T, s Sidecar) *Daprd {
	t.Helper()
	Require(t, "dapr")
	d, err := newDaprd(t, s)
	if err != nil {
		t.Fatalf("%v", err)
	}
	return d
}

func newDaprd(t T, s Sidecar) (*Daprd, error) {
	c, err := newComponent(t, "daprd", 5)
	if err != nil {
		return nil, err
	}
	d := &Daprd{
		GRPC: loopback(c.ports[0]), HTTP: loopback(c.ports[1]), public: "http://" + loopback(c.ports[3]),
		Metrics: "http://" + loopback(c.ports[4]) + "/metrics",
	}
	env, err := s.environment()
	if err != nil {
		return nil, err
	}
	d.Process = prepare(t, spec{
		name: "daprd", path: c.path, dir: c.dir, env: env, args: s.flags(c.ports),
		ready: answers(d.public + "/v1.0/healthz/outbound"),
	})
	return d, nil
}

func (s Sidecar) flags(ports []int) []string {
	out := []string{
		flag("mode", "standalone"), flag("app-id", s.AppID), flag("max-body-size", "8Mi"),
		flag("dapr-grpc-port", ports[0]), flag("dapr-http-port", ports[1]), flag("dapr-listen-addresses", "127.0.0.1"),
		flag("dapr-internal-grpc-port", ports[2]), flag("dapr-internal-grpc-listen-address", "127.0.0.1"),
		flag("dapr-public-port", ports[3]), flag("dapr-public-listen-address", "127.0.0.1"),
		flag("metrics-port", ports[4]), flag("metrics-listen-address", "127.0.0.1"),
	}
	for _, dir := range s.Resources {
		out = append(out, flag("resources-path", dir))
	}
	for _, file := range s.Configs {
		out = append(out, flag("config", file))
	}
	if s.AppPort != 0 {
		out = append(
			out, flag("app-port", s.AppPort), flag("app-protocol", s.protocol()),
			"--enable-app-health-check", flag("app-health-probe-interval", 1), flag("app-health-threshold", 1),
		)
	}
	if s.Scheduler != nil {
		out = append(out, flag("scheduler-host-address", s.Scheduler.Addr))
	}
	if s.Sentry != nil {
		out = append(out, "--enable-mtls", flag("sentry-address", s.Sentry.Addr), flag("control-plane-trust-domain", trustDomain))
	}
	return append(out, s.Args...)
}

func (s Sidecar) protocol() string {
	if s.Protocol == "" {
		return "grpc"
	}
	return s.Protocol
}

func (s Sidecar) environment() ([]string, error) {
	env := []string{"NAMESPACE=default", "DAPR_HOST_IP=127.0.0.1", "POD_NAME=" + s.AppID}
	if s.APIToken != "" {
		env = append(env, "DAPR_API_TOKEN="+s.APIToken)
	}
	if s.AppToken != "" {
		env = append(env, "APP_API_TOKEN="+s.AppToken)
	}
	if s.Sentry != nil {
		anchors, err := os.ReadFile(s.Sentry.AnchorsFile())
		if err != nil {
			return nil, err
		}
		env = append(env, "DAPR_TRUST_ANCHORS="+string(anchors))
	}
	return append(env, s.Env...), nil
}

// AwaitApp returns when the sidecar has all it was given, the app and the scheduler included, and n subscriptions.
func (d *Daprd) AwaitApp(t T, n int) {
	t.Helper()
	err := poll(t.Context(), func(ctx context.Context) error {
		if err := answers(d.public + "/v1.0/healthz")(ctx); err != nil {
			return err
		}
		return d.subscribed(ctx, n)
	})
	if err != nil {
		t.Fatalf("daprd: %v\n%s", err, d.logTail())
	}
}

func (d *Daprd) subscribed(ctx context.Context, n int) error {
	body, err := fetch(ctx, d.public+"/v1.0/metadata")
	if err != nil {
		return err
	}
	var meta struct {
		Subscriptions []struct {
			Topic string `json:"topic"`
		} `json:"subscriptions"`
	}
	if err := json.Unmarshal(body, &meta); err != nil {
		return err
	}
	if len(meta.Subscriptions) != n {
		return fmt.Errorf("%d subscriptions of %d: %s", len(meta.Subscriptions), n, body)
	}
	return nil
}

// answers asks a URL whether its server is ready.
func answers(url string) func(context.Context) error {
	return func(ctx context.Context) error {
		_, err := fetch(ctx, url)
		return err
	}
}

func fetch(ctx context.Context, url string) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, err
	}
	req.Close = true // a kept connection would outlive a restart, and look like a leak
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	body, err := io.ReadAll(io.LimitReader(res.Body, 1<<20))
	if err == nil && res.StatusCode >= http.StatusBadRequest {
		err = errors.New(url + " answers " + strconv.Itoa(res.StatusCode) + ": " + string(body))
	}
	return body, err
}
