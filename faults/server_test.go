// Package faults attacks the real program: it is killed, restarted and checked from outside.
package faults

import (
	"context"
	"flag"
	"io"
	"io/fs"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"tandem"
	"tandem/ops/dev/build"
	"tandem/server/auth"
	"tandem/sync/client"
)

var (
	kills = flag.Int("kills", 200, "how often the server is killed under load")
	seed  = flag.Uint64("seed", uint64(time.Now().UnixNano()), "of the dice")
)

// program is the built binary.
var program string

func TestMain(m *testing.M) {
	flag.Parse()
	os.Exit(build.Tests{M: m, Root: "..", Program: &program}.Run())
}

// sources are read once, by a test: the test cache knows what a test opens, not what a compiler that TestMain starts does, and
// without this a result of yesterday's program would stand for today's.
var sources = sync.OnceValue(func() error { return readSources("..") })

func readSources(root string) error {
	return filepath.WalkDir(root, func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && (d.Name() == "node_modules" || d.Name() == ".git"):
			return fs.SkipDir
		case d.IsDir() || !strings.HasSuffix(name, ".go") && !strings.Contains(name, "dist") && filepath.Ext(name) != ".sql":
			return nil
		}
		_, err = os.ReadFile(name)
		return err
	})
}

const secret = "a secret of the fault tests, long enough"

// server is `tandem up` on a data folder and port of its own, which survive its death.
type server struct {
	t       *testing.T
	program string
	data    string
	addr    string
	env     []string // settings beside the usual ones
	cmd     *exec.Cmd
	log     strings.Builder
}

func newServer(t *testing.T) *server {
	t.Helper()
	if err := sources(); err != nil {
		t.Fatalf("read the sources: %v", err)
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	s := &server{t: t, program: program, data: t.TempDir(), addr: ln.Addr().String()}
	t.Cleanup(func() {
		s.kill()
		if t.Failed() {
			t.Logf("the server said:\n%s", s.log.String())
		}
	})
	return s
}

func (s *server) url() string { return "http://" + s.addr }

// start runs the program and waits until it is ready.
func (s *server) start() {
	s.t.Helper()
	s.spawn()
	ctx, cancel := context.WithTimeout(s.t.Context(), 20*time.Second)
	defer cancel()
	s.await(ctx)
}

// spawn starts the program and does not wait for it.
func (s *server) spawn(env ...string) {
	s.t.Helper()
	s.cmd = exec.Command(s.program, "up")
	s.cmd.Env = append(os.Environ(), "TANDEM_ADDR="+s.addr, "TANDEM_DATA_DIR="+s.data, "TANDEM_AUTH_SECRET="+secret, "TANDEM_LOG_LEVEL=warn")
	s.cmd.Env = append(append(s.cmd.Env, s.env...), env...)
	s.cmd.Stdout, s.cmd.Stderr = io.Discard, &s.log
	if err := s.cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
}

// await waits until the program answers.
func (s *server) await(ctx context.Context) {
	s.t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for !s.ready(ctx) {
		select {
		case <-ctx.Done():
			s.t.Fatalf("not ready in time: %s", s.log.String())
		case <-tick.C:
		}
	}
}

func (s *server) ready(ctx context.Context) bool {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, s.url()+"/readyz", nil)
	if err != nil {
		return false
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return false
	}
	return res.Body.Close() == nil && res.StatusCode == http.StatusOK
}

// kill ends the process as a power cut would.
func (s *server) kill() {
	if s.cmd != nil && s.cmd.Process != nil {
		_ = s.cmd.Process.Kill()
		_ = s.cmd.Wait() // "signal: killed" is what was asked for
		s.cmd = nil
	}
}

// device connects a client of the user that comes back after each death; it ends with the test.
func (s *server) device(user tandem.UserID) *client.Client {
	s.t.Helper()
	c := client.New(client.Options{
		Server: s.url(), User: user, Backoff: 10 * time.Millisecond, MaxBackoff: 100 * time.Millisecond,
		Token: func(context.Context, bool) (string, error) {
			now := time.Now()
			return auth.Sign([]byte(secret), auth.Grant{User: user, Issued: now, Expires: now.Add(time.Hour)})
		},
	})
	ctx, stop := context.WithCancel(s.t.Context())
	ended := make(chan error, 1)
	go func() { ended <- c.Run(ctx) }()
	s.t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			s.t.Errorf("device of %s: %v", user, err)
		}
	})
	return c
}

// dice gives a generator for one actor, so that actors do not disturb each other's luck.
func dice(actor uint64) *rand.Rand { return rand.New(rand.NewPCG(*seed, actor)) }
