package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// built tells what ops/dev/compose-test.sh made for these tests.
type built struct {
	compose, programs, jars string
}

func builtOrSkip(t *testing.T) built {
	t.Helper()
	get := func(name string) string {
		v, _ := os.LookupEnv(name)
		return v
	}
	b := built{get("COMPOSE_PROGRAM"), get("COMPOSE_BUILT"), get("COMPOSE_JARS")}
	if b.compose == "" || b.programs == "" || b.jars == "" {
		t.Skip("left to make compose-test: needs a Docker of its own")
	}
	return b
}

func TestUp_SignUpSpeakAndSee(t *testing.T) {
	b := builtOrSkip(t)
	began := time.Now()
	e := startEngine(t, b.compose)
	for _, i := range append(ours(t, b.programs), theirs(t, b.jars)...) {
		e.install(i)
	}
	t.Logf("figure: images %v", time.Since(began).Round(time.Second))
	web, signIn := freePort(t), freePort(t)
	e.env = append(e.env, fmt.Sprintf("WEB_PORT=%d", web), fmt.Sprintf("AUTH_PORT=%d", signIn))
	began = time.Now()
	e.up()
	t.Logf("figure: up %v", time.Since(began).Round(time.Second))
	page, keys := fmt.Sprintf("http://localhost:%d", web), fmt.Sprintf("http://localhost:%d", signIn)

	e.browse("new", page, keys)
	t.Logf("figure: memory of all containers %d MiB", e.memory())
	e.set("smtp-url", "smtp://somebody:a-password-of-a-person@mail.example.com")
	e.secretsStaySecret()
	t.Run("a killed app comes back beside its sidecar", func(*testing.T) {
		e.kill("serve")
		e.browse("again", page, keys)
	})
	t.Run("up again changes nothing", func(t *testing.T) {
		containers, vault := e.running(), e.vault()
		e.up()
		if now := e.running(); !slices.Equal(containers, now) {
			t.Errorf("containers changed:\n%v\n%v", containers, now)
		}
		if fmt.Sprint(vault) != fmt.Sprint(e.vault()) {
			t.Error("secrets changed")
		}
	})
	t.Run("down and up keeps people and tasks", func(*testing.T) {
		e.say(e.project("down", "--timeout", "15"))
		e.up()
		e.browse("again", page, keys)
	})
	e.say(e.project("down", "--volumes", "--timeout", "15"))
	if left := e.say(e.docker("ps", "--all", "--quiet")) + e.say(e.docker("volume", "ls", "--quiet")); left != "" {
		t.Errorf("left behind: %s", left)
	}
}

func freePort(t *testing.T) int {
	t.Helper()
	var config net.ListenConfig
	ln, err := config.Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	return ln.Addr().(*net.TCPAddr).Port //nolint:forcetypeassert // it listens on TCP
}

// up starts everything and returns when all pods are ready.
func (e *engine) up() {
	e.t.Helper()
	e.t.Cleanup(func() {
		if e.t.Failed() {
			e.keepLogs()
		}
		e.project("down", "--volumes", "--timeout", "2").Run() //nolint:errcheck // it may be down
	})
	if out, err := e.project("up", "--detach", "--no-build", "--pull", "never").CombinedOutput(); err != nil {
		e.t.Fatalf("up: %v\n%s", err, out[max(0, len(out)-4000):])
	}
	e.await("pods", func() error {
		var errs []error
		for line := range strings.Lines(e.say(e.docker("ps", "--all", "--format", "{{.Names}}\t{{.Status}}"))) {
			if name, status, _ := strings.Cut(line, "\t"); strings.Contains(name, "-pod-") && !strings.Contains(status, "(healthy)") {
				errs = append(errs, fmt.Errorf("%s: %s", name, status))
			}
		}
		return errors.Join(errs...)
	})
}

func (e *engine) keepLogs() {
	dir, err := os.MkdirTemp("", "tandem-failed-compose-")
	if err != nil {
		e.t.Log(err)
		return
	}
	out, _ := e.project("logs", "--no-color").CombinedOutput()
	state, _ := e.docker("ps", "--all").CombinedOutput()
	if err := os.WriteFile(filepath.Join(dir, "logs"), append(out, state...), 0o600); err != nil {
		e.t.Log(err)
	}
	e.t.Logf("%s\nlogs: %s", state, dir)
}

// browse drives two browsers.
func (e *engine) browse(story, page, signIn string) {
	e.t.Helper()
	out, err := e.command("node", "testdata/browser.mjs", story, page, signIn).CombinedOutput()
	if err != nil {
		e.t.Fatalf("browser: %v\n%s", err, out)
	}
	e.t.Logf("%s", out)
}

// kill ends the process of a service as a crash would: Docker was not asked, so it starts it again.
func (e *engine) kill(service string) {
	e.t.Helper()
	id := strings.TrimSpace(e.say(e.project("ps", "--quiet", service)))
	pid := func() int {
		n, err := strconv.Atoi(strings.TrimSpace(e.say(e.docker("inspect", "--format", "{{.State.Pid}}", id))))
		if err != nil {
			e.t.Fatal(err)
		}
		return n
	}
	old := pid()
	if err := syscall.Kill(old, syscall.SIGKILL); err != nil {
		e.t.Fatal(err)
	}
	e.await(service+" again", func() error {
		if now := pid(); now == 0 || now == old {
			return errors.New("it did not start")
		}
		return nil
	})
}

// set gives a secret by standard input, as a person does.
func (e *engine) set(name, value string) {
	e.t.Helper()
	cmd := e.project("run", "--rm", "-T", "secrets", "set", name)
	cmd.Stdin = strings.NewReader(value + "\n")
	e.say(cmd)
	if got := e.vault()[name]; got != value {
		e.t.Errorf("the secret %s has %d characters, not %d", name, len(got), len(value))
	}
}

// memory adds up what the containers use.
func (e *engine) memory() int {
	e.t.Helper()
	units := map[string]float64{"MiB": 1, "KiB": 1.0 / 1024, "GiB": 1024}
	total := 0.0
	for line := range strings.Lines(e.say(e.docker("stats", "--no-stream", "--format", "{{.MemUsage}}"))) {
		used := strings.Fields(line)[0]
		n, err := strconv.ParseFloat(strings.TrimRight(used, "KMGiB"), 64)
		if err != nil {
			e.t.Fatal(err)
		}
		total += n * units[used[max(0, len(used)-3):]]
	}
	return int(total)
}

// running lists the containers that run, by id.
func (e *engine) running() []string {
	ids := strings.Fields(e.say(e.docker("ps", "--quiet", "--no-trunc")))
	slices.Sort(ids)
	return ids
}

// vault reads the secrets where Docker keeps them.
func (e *engine) vault() map[string]string {
	e.t.Helper()
	dir := strings.TrimSpace(e.say(e.docker("volume", "inspect", "--format", "{{.Mountpoint}}", "tandem_vault")))
	out := map[string]string{}
	files, err := os.ReadDir(dir)
	if err != nil {
		e.t.Fatal(err)
	}
	for _, f := range files {
		text, err := os.ReadFile(filepath.Join(dir, f.Name()))
		if err != nil {
			e.t.Fatal(err)
		}
		out[f.Name()] = string(text)
	}
	return out
}

// secretsStaySecret looks for every secret in what Docker shows.
func (e *engine) secretsStaySecret() {
	e.t.Helper()
	shown := map[string]string{
		"config": e.say(e.project("config")), "logs": e.say(e.project("logs", "--no-color")),
		"containers": e.say(e.docker(append([]string{"inspect"}, strings.Fields(e.say(e.docker("ps", "--all", "--quiet")))...)...)),
		"images":     e.say(e.docker(append([]string{"inspect"}, strings.Fields(e.say(e.docker("images", "--quiet")))...)...)),
	}
	looked := 0
	for name, secret := range e.vault() {
		if strings.HasSuffix(name, ".crt") || secret == "" {
			continue
		}
		if name == issuerKey {
			secret = strings.Split(secret, "\n")[1]
		}
		looked++
		for place, text := range shown {
			if quoted, err := json.Marshal(secret); err != nil || strings.Contains(text, secret) || strings.Contains(text, string(quoted)) {
				e.t.Errorf("the secret %s is in %s", name, place)
			}
		}
	}
	if looked < 10 || len(shown["logs"]) < 1000 {
		e.t.Errorf("looked for %d secrets in %d bytes of logs", looked, len(shown["logs"]))
	}
}
