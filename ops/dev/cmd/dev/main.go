// Command dev runs the product in its distributed mode on the real stack, prints where everything is, and ends it all on Ctrl-C. Its data goes with
// it.
package main

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"sync"
	"syscall"

	"tandem/ops/dev/product"
	"tandem/ops/dev/stack"
)

func main() {
	program := flag.String("program", "", "the built product")
	signIn := flag.String("sign-in", "", "folder of the built sign-in service; empty: a token is printed instead")
	replicas := flag.Int("serve", 2, "replicas of the API")
	flag.Parse()
	asked, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()

	owner := &stack.Owner{}
	started := make(chan *deployment, 1)
	go func() { started <- deploy(owner, *program, *signIn, *replicas) }()
	select {
	case <-asked.Done():
		os.Exit(130) // the kernel ends what was started so far
	case d := <-started:
		d.print()
		<-asked.Done()
		stop() // a second Ctrl-C does not wait
		fmt.Println("\nstopping; once more to do so at once")
		d.drain()
		owner.Close()
	}
}

// deployment is the product with its sign-in.
type deployment struct {
	*product.Product
	program string
	signIn  *stack.Process // nil: none
	url     string         // of the sign-in
}

func deploy(owner *stack.Owner, program, signIn string, replicas int) *deployment {
	d := &deployment{program: program}
	o := product.Options{Program: program, Root: ".", Serve: replicas, Web: true}
	if signIn != "" {
		d.url = fmt.Sprintf("http://127.0.0.1:%d", stack.Ports(owner, 1)[0])
		o.Env = []string{"TANDEM_AUTH_URL=" + d.url, "TANDEM_AUTH_ISSUERS=" + issuers(owner, d.url), "TANDEM_AUTH_SECRET="}
	}
	fmt.Println("starting Postgres, Redis, Kafka, Dapr …")
	d.Product = product.Prepare(owner, o)
	if signIn != "" {
		d.startSignIn(owner, signIn)
	}
	fmt.Println("starting the services and their sidecars …")
	d.StartApps()
	if owner.Failed() {
		owner.Fatalf("not all of it started")
	}
	return d
}

// issuers writes the file that tells the product whose tokens to believe.
func issuers(owner *stack.Owner, url string) string {
	data, err := json.Marshal(map[string]any{"issuers": []any{
		map[string]any{"iss": url, "aud": []string{url}, "alg": "EdDSA", "jwks_url": url + "/api/auth/jwks"},
	}})
	if err != nil {
		owner.Fatalf("%v", err)
	}
	file, err := os.CreateTemp("", "tandem-issuers-*.json")
	if err != nil {
		owner.Fatalf("%v", err)
	}
	owner.Cleanup(func() { os.Remove(file.Name()) })
	if _, err := file.Write(data); err != nil {
		owner.Fatalf("%v", err)
	}
	if err := file.Close(); err != nil {
		owner.Fatalf("%v", err)
	}
	return file.Name()
}

func (d *deployment) startSignIn(owner *stack.Owner, folder string) {
	main, err := filepath.Abs(filepath.Join(folder, "dist", "main.js"))
	if err != nil {
		owner.Fatalf("%v", err)
	}
	env := []string{
		"TANDEM_AUTH_URL=" + d.url, "TANDEM_AUTH_ORIGINS=" + d.Web.URL, "TANDEM_AUTH_ADDR=" + strings.TrimPrefix(d.url, "http://"),
		"TANDEM_AUTH_DATABASE_URL=" + d.PG.DSN("tandem_auth", d.Database), "TANDEM_AUTH_MIGRATE_URL=" + d.PG.DSN("", d.Database),
		"BETTER_AUTH_SECRET=" + rand.Text() + rand.Text(),
	}
	node, err := exec.LookPath("node")
	if err != nil {
		owner.Fatalf("the sign-in service: %v", err)
	}
	migrate := exec.CommandContext(owner.Context(), node, main, "migrate")
	migrate.Env = append(os.Environ(), env...)
	if out, err := migrate.CombinedOutput(); err != nil {
		owner.Fatalf("migrate the sign-in service: %v\n%s", err, out)
	}
	d.signIn = stack.Prepare(owner, stack.Program{Name: "sign-in", Path: node, Args: []string{main, "serve"}, Env: env, Ready: d.url + "/readyz"})
	d.signIn.Start()
}

// print tells where everything is.
func (d *deployment) print() {
	fmt.Printf("\nThe page      %s\n", d.Web.URL)
	if d.signIn != nil {
		fmt.Printf("Sign up       %s/sign-up\n", d.url)
	} else {
		fmt.Printf("Token of me   %s\n", d.token())
	}
	for _, a := range d.Serve {
		fmt.Printf("API           %s\n", a.URL)
	}
	fmt.Printf("Postgres      %s\nRedis         redis://%s\nKafka         %s\n\n", d.PG.DSN("", d.Database), d.Redis.Addr, d.Kafka.Addr())
	for _, a := range d.All() {
		fmt.Printf("%-22s %s/metrics  %s\n", a.ID, a.Ops, a.LogFile())
	}
	fmt.Println("\nCtrl-C ends it and its data.")
}

func (d *deployment) token() string {
	cmd := exec.Command(d.program, "token", "--user", "me", "--ttl", "12h") //nolint:noctx // at once
	cmd.Env = append(os.Environ(), "TANDEM_AUTH_SECRET="+d.Secret)
	out, err := cmd.Output()
	if err != nil {
		return err.Error()
	}
	return strings.TrimSpace(string(out))
}

// drain asks the services to end before what they stand on goes.
func (d *deployment) drain() {
	var wg sync.WaitGroup
	for _, a := range d.All() {
		wg.Go(a.Stop)
	}
	wg.Wait()
}
