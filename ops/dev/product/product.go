// Package product runs the distributed mode on the real stack: tests, benchmarks and `make dev` deploy it with this package.
package product

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"

	"tandem"
	"tandem/ops/dev/stack"
	"tandem/server/dapr"
)

// Options say what to deploy.
type Options struct {
	Program string   // the built binary
	Root    string   // of the repository
	Serve   int      // replicas of `tandem serve`; 0: one
	Workers []string // names of `tandem worker`; nil: each worker but all. A name may stand twice: two replicas
	Web     bool
	Env     []string // of every process of the product
	Durable bool     // Postgres waits for the disk
}

// Product is a deployment.
type Product struct {
	PG        *stack.PG
	Redis     *stack.Cache
	Kafka     *stack.Bus
	Scheduler *stack.Scheduler
	Sentry    *stack.Sentry
	Serve     []*App
	Workers   []*App
	Web       *App // nil: none
	Database  string
	Secret    string // HS256, of the tokens

	t       stack.T
	o       Options
	dir     string
	secrets string
}

// App is one process of the product with its sidecar.
type App struct {
	*stack.Process
	ID      string
	Sidecar *stack.Daprd
	URL     string // of what people reach; empty for a worker
	Ops     string // URL of the probes
	topics  int
}

// Tokens between the apps and their sidecars.
const (
	apiToken = "the-token-of-every-sidecar"
	appToken = "the-token-of-every-app"
)

// apps are the apps behind the names of workers.
var apps = map[string]string{
	"relay": dapr.AppRelay, "recurrence": dapr.AppRecurrence, "reminders": dapr.AppReminders, "notifications": dapr.AppNotifications,
	"audit": dapr.AppAudit, "all": dapr.AppWorker,
}

// Start deploys and returns when every process is ready. All of it ends with t.
func Start(t stack.T, o Options) *Product {
	t.Helper()
	p := Prepare(t, o)
	p.StartApps()
	return p
}

// Prepare starts the services and the schema; the apps wait for StartApps.
func Prepare(t stack.T, o Options) *Product {
	t.Helper()
	stack.Require(t, "postgres", "redis", "kafka", "dapr")
	if o.Serve == 0 {
		o.Serve = 1
	}
	if o.Workers == nil {
		o.Workers = []string{"relay", "recurrence", "reminders", "notifications", "audit"}
	}
	p := &Product{t: t, o: o, Secret: "a secret of the deployment, long enough", Kafka: stack.Kafka(t), Redis: stack.Redis(t)}
	if o.Durable {
		p.PG = stack.Postgres(t, "fsync=on", "synchronous_commit=on")
	} else {
		p.PG = stack.Postgres(t)
	}
	p.Database = p.PG.Database(t)
	p.Sentry = stack.StartSentry(t) // without certificates no app may call another
	p.Scheduler = stack.StartScheduler(t, p.Sentry)
	p.files()
	p.migrate()
	for range o.Serve {
		p.Serve = append(p.Serve, p.app("serve", dapr.AppServe))
	}
	for _, name := range o.Workers {
		p.Workers = append(p.Workers, p.app("worker", apps[name], name))
	}
	if o.Web {
		p.Web = p.app("web", dapr.AppWeb)
	}
	return p
}

// files writes what the sidecars read.
func (p *Product) files() {
	dir, err := os.MkdirTemp("", "tandem-product-")
	if err != nil {
		p.t.Fatalf("%v", err)
	}
	p.t.Cleanup(func() { os.RemoveAll(dir) })
	p.dir, p.secrets = dir, filepath.Join(dir, "secrets.json")
	data, err := json.Marshal(map[string]map[string]string{
		"tandem-kafka": {"brokers": p.Kafka.Addr()},
		"tandem-redis": {"host": p.Redis.Addr, "username": "", "password": "", "tls": "false"},
		"tandem-cache": {"dsn": fmt.Sprintf("host=127.0.0.1 port=%d user=postgres dbname=%s sslmode=disable pool_max_conns=4", p.PG.Port, p.Database)},
		"tandem-model": {"api_key": ""}, "tandem-smtp": {"url": ""}, "tandem-vapid": {"public_key": "", "private_key": ""},
		"tandem-webhook": {"signing_key": ""},
	})
	if err != nil {
		p.t.Fatalf("%v", err)
	}
	if err := os.WriteFile(p.secrets, data, 0o600); err != nil {
		p.t.Fatalf("%v", err)
	}
}

func (p *Product) migrate() {
	cmd := exec.CommandContext(p.t.Context(), p.o.Program, "migrate")
	cmd.Env = append(os.Environ(), "TANDEM_MIGRATE_URL="+p.PG.DSN("postgres", p.Database))
	if out, err := cmd.CombinedOutput(); err != nil {
		p.t.Fatalf("migrate: %v\n%s", err, out)
	}
}

// app prepares one process and its sidecar.
func (p *Product) app(command, id string, args ...string) *App {
	row, ok := dapr.AppByID(id)
	if !ok {
		p.t.Fatalf("there is no app %q", id)
	}
	ports := stack.Ports(p.t, 3)
	at := func(i int) string { return "127.0.0.1:" + strconv.Itoa(ports[i]) }
	a := &App{ID: id, Ops: "http://" + at(2), topics: len(row.Topics)}
	if row.Dead {
		a.topics += len(tandem.Topics)
	}
	appPort := 0
	if a.topics > 0 {
		appPort = ports[1]
	}
	a.Sidecar = stack.PrepareDaprd(p.t, p.sidecar(id, appPort))
	env := append([]string{
		"TANDEM_OPS_ADDR=" + at(2), "TANDEM_APP_ADDR=" + at(1), "TANDEM_LOG_FORMAT=json", "TANDEM_REDIS_URL=redis://" + p.Redis.Addr,
		"TANDEM_DATABASE_URL=" + p.PG.DSN(role(command), p.Database), "TANDEM_AUTH_SECRET=" + p.Secret,
		"DAPR_GRPC_PORT=" + port(a.Sidecar.GRPC), "DAPR_HTTP_PORT=" + port(a.Sidecar.HTTP), "DAPR_API_TOKEN=" + apiToken, "APP_API_TOKEN=" + appToken,
	}, p.o.Env...)
	if command != "worker" {
		a.URL = "http://" + at(0)
		env = append(env, "TANDEM_ADDR="+at(0))
	}
	if command == "web" {
		env = append(env, "TANDEM_SERVE_URL="+p.Serve[0].URL)
	}
	a.Process = stack.Prepare(p.t, stack.Program{
		Name: id, Path: p.o.Program, Args: append([]string{command}, args...), Env: env, Ready: a.Ops + "/livez",
	})
	return a
}

func port(addr string) string { return addr[len("127.0.0.1:"):] }

// role is as whom a process works in the database.
func role(command string) string {
	if command == "worker" {
		return "tandem_worker"
	}
	return "tandem_app"
}

func (p *Product) sidecar(id string, appPort int) stack.Sidecar {
	root, err := filepath.Abs(p.o.Root)
	if err != nil {
		p.t.Fatalf("%v", err)
	}
	dir := filepath.Join(root, "ops/dapr")
	s := stack.Sidecar{
		AppID: id, AppPort: appPort, APIToken: apiToken, AppToken: appToken, Sentry: p.Sentry,
		Resources: []string{dir, dir + "/components", dir + "/components/file", dir + "/components/plain", dir + "/subscriptions"},
		Configs:   []string{dir + "/config/" + id + ".yaml", dir + "/config/standalone/names.yaml"},
		Env:       []string{"TANDEM_SECRETS_FILE=" + p.secrets, "TANDEM_NAMES_FILE=" + filepath.Join(p.dir, "names.db")},
	}
	if id == dapr.AppReminders || id == dapr.AppWorker {
		s.Scheduler = p.Scheduler
	}
	return s
}

// StartApps starts what is not running, workers first, and returns when all of it is ready.
func (p *Product) StartApps() {
	for _, a := range p.All() {
		a.Start()
		a.Sidecar.Start()
	}
	for _, a := range p.All() {
		a.Sidecar.AwaitApp(p.t, a.topics)
		stack.Answers(p.t, a.Ops+"/readyz")
	}
}

// All lists every app.
func (p *Product) All() []*App {
	all := append([]*App{}, p.Workers...)
	all = append(all, p.Serve...)
	if p.Web != nil {
		all = append(all, p.Web)
	}
	return all
}

// Worker gives the first process of a worker.
func (p *Product) Worker(name string) *App {
	for _, a := range p.Workers {
		if a.ID == apps[name] {
			return a
		}
	}
	p.t.Fatalf("no worker %q is deployed", name)
	return nil
}
