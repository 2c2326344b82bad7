package stack

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// witness is an owner that notes how it was ended instead of ending anything.
type witness struct {
	Owner
	skipped, fatal string
}

var errEnded = errors.New("the test has ended")

func (w *witness) Skipf(format string, args ...any) {
	w.skipped = fmt.Sprintf(format, args...)
	panic(errEnded)
}

func (w *witness) Fatalf(format string, args ...any) {
	w.fatal = fmt.Sprintf(format, args...)
	panic(errEnded)
}

// watch runs f as the test of a witness.
func watch(t *testing.T, f func(T)) *witness {
	t.Helper()
	w := &witness{}
	t.Cleanup(w.Close)
	func() {
		defer func() {
			if r := recover(); r != nil && r != any(errEnded) {
				panic(r)
			}
		}()
		f(w)
	}()
	return w
}

func TestRequire_SkipsLoudlyAndFailsWhereItIsNamed(t *testing.T) {
	t.Setenv("XDG_CACHE_HOME", t.TempDir()) // there is no Dapr in it
	t.Setenv("TANDEM_STACK", "")
	for name, tc := range map[string]struct {
		ci, require, stack string
		skipped, fatal     string
	}{
		"a person's machine":      {skipped: "NOT RUN: dapr is missing"},
		"another one is required": {require: "redis", skipped: "NOT RUN: dapr is missing"},
		"it is required":          {require: "redis,dapr", fatal: "dapr is required and missing"},
		"all are required":        {require: "all", fatal: "make stack"},
		"CI":                      {ci: "true", fatal: "dapr is required and missing"},
		"left to another run":     {ci: "true", stack: "off", skipped: "left to make test-stack"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Setenv("CI", tc.ci)
			t.Setenv("TANDEM_REQUIRE", tc.require)
			t.Setenv("TANDEM_STACK", tc.stack)
			w := watch(t, func(t T) { Require(t, "dapr") })
			if !strings.Contains(w.skipped, tc.skipped) || (w.skipped == "") != (tc.skipped == "") {
				t.Errorf("skipped for %q, want %q", w.skipped, tc.skipped)
			}
			if !strings.Contains(w.fatal, tc.fatal) || (w.fatal == "") != (tc.fatal == "") {
				t.Errorf("failed for %q, want %q", w.fatal, tc.fatal)
			}
		})
	}
	if w := watch(t, func(t T) { Require(t, "postgers") }); !strings.Contains(w.fatal, "postgers") {
		t.Errorf("an unknown component: %q", w.fatal)
	}
}

func TestLaunch_TellsWhyAServerDidNotStart(t *testing.T) {
	Require(t, "redis")
	started := time.Now()
	w := watch(t, func(t T) { Redis(t, "--maxmemory", "plenty") })
	if !strings.Contains(w.fatal, "plenty") {
		t.Errorf("the message does not say what the server's log does: %s", w.fatal)
	}
	if took := time.Since(started); took > readyWithin/2 {
		t.Errorf("it took %v to see that the server is gone", took)
	}
}

func TestOwner_EndsTheNewestFirst(t *testing.T) {
	var order []int
	o := &Owner{}
	for i := range 3 {
		o.Cleanup(func() { order = append(order, i) })
	}
	o.Close()
	o.Close()
	if fmt.Sprint(order) != "[2 1 0]" {
		t.Errorf("ended in the order %v", order)
	}
}

// orphan tells the child process of the test below to start its services and wait to be killed.
const orphan = "TANDEM_TEST_ORPHAN"

func TestMainOfAnOrphan(t *testing.T) {
	if _, ok := os.LookupEnv(orphan); !ok {
		t.Skip("only as the child of TestProcesses_EndWithAKilledParent")
	}
	pg, r := Postgres(t), Redis(t)
	b := PgBouncer(t, pg)
	fmt.Println(mustJSON(t, []int{pg.PID(), r.PID(), b.PID()}), mustJSON(t, []string{pg.dir, r.dir, b.dir}))
	<-context.Background().Done()
}

func mustJSON(t *testing.T, v any) string {
	t.Helper()
	data, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func TestProcesses_EndWithAKilledParent(t *testing.T) {
	Require(t, "postgres", "pgbouncer", "redis")
	child := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestMainOfAnOrphan$")
	child.Env = append(os.Environ(), orphan+"=1")
	child.Stderr = os.Stderr
	out, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatalf("the child said %q: %v", line, err)
	}
	pidList, dirList, _ := strings.Cut(line, " ")
	var pids []int
	var dirs []string
	if err := errors.Join(json.Unmarshal([]byte(pidList), &pids), json.Unmarshal([]byte(dirList), &dirs)); err != nil {
		t.Fatalf("the child said %q: %v", line, err)
	}
	if err := child.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	child.Wait() //nolint:errcheck // it was killed
	err = poll(t.Context(), func(context.Context) error {
		for _, pid := range pids {
			if !ended(pid) {
				return fmt.Errorf("process %d outlives its parent", pid)
			}
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
	sweptLater(t, dirs)
}

// sweptLater holds the folders of the killed parent to the promise of the package comment.
func sweptLater(t *testing.T, dirs []string) {
	t.Helper()
	sweep()
	for _, dir := range dirs {
		file := filepath.Join(dir, "lock")
		if _, err := os.Stat(file); err != nil {
			t.Fatalf("a young folder was swept: %v", err)
		}
		old := time.Now().Add(-time.Hour)
		if err := os.Chtimes(file, old, old); err != nil {
			t.Fatal(err)
		}
	}
	sweep()
	for _, dir := range dirs {
		if _, err := os.Stat(dir); !os.IsNotExist(err) {
			t.Errorf("%s is still there: %v", dir, err)
		}
	}
}

func TestSweep_LeavesWhatLives(t *testing.T) {
	dir, err := folder(t, "test", nil)
	if err != nil {
		t.Fatal(err)
	}
	old := time.Now().Add(-time.Hour)
	if err := os.Chtimes(filepath.Join(dir, "lock"), old, old); err != nil {
		t.Fatal(err)
	}
	sweep()
	if _, err := os.Stat(dir); err != nil {
		t.Errorf("an old folder of a living process was swept: %v", err)
	}
}

func TestPorts_AreGivenOnce(t *testing.T) {
	seen := map[int]bool{}
	for range 20 {
		got, err := ports(t, 10)
		if err != nil {
			t.Fatal(err)
		}
		for _, port := range got {
			if seen[port] {
				t.Fatalf("port %d was given twice", port)
			}
			seen[port] = true
		}
	}
}

func TestProcess_StoppedByTheMachineComesBack(t *testing.T) {
	r := Redis(t)
	r.Signal(syscall.SIGSTOP)
	if err := r.ping(t.Context()); err == nil {
		t.Error("a stopped server answered")
	}
	r.Signal(syscall.SIGCONT)
	if err := poll(t.Context(), r.ping); err != nil {
		t.Error(err)
	}
	r.Signal(syscall.SIGSTOP)
	r.Stop()
	if r.Running() {
		t.Error("it runs after Stop")
	}
}
