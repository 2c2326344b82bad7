package faults

import (
	"context"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"tandem"
	"tandem/ops/dev/build"
	"tandem/ops/dev/crash"
	"tandem/server/auth"
	"tandem/server/sqlite"
)

// lifetime bounds how long a server may live that is to die at a fault point; busy machines are slow.
const lifetime = 30 * time.Second

// TestCrash_AtEveryFaultPoint lets the server die at each of its fault points under load, at the first pass and at a later one.
func TestCrash_AtEveryFaultPoint(t *testing.T) {
	if testing.Short() {
		t.Skip("builds the program anew, and kills it at every fault point")
	}
	office, passes := crash.NewPostOffice(t), crash.NewLog(t)
	s := newServer(t)
	s.program = build.WithFaults(t, "..")
	s.env = append(office.Env(), passes.Env())
	// Each is left in the middle of the next migration: the first of an empty folder, and those behind it.
	s.dieAt("migrate.mid", 1)
	s.dieAt("migrate.mid", 2)

	crowd := crash.Gather(t, crash.Options{Doors: []string{s.url()}, Token: tokenOf, Seed: *seed, Mail: office})
	names := crash.Names(crash.Points(t, ".."), "up")
	luck := dice(2)
	for _, n := range []func() int{func() int { return 1 }, func() int { return 2 + luck.IntN(4) }} {
		luck.Shuffle(len(names), func(i, j int) { names[i], names[j] = names[j], names[i] })
		for _, name := range names {
			if name != "migrate.mid" {
				s.dieAt(name, n())
			}
		}
	}
	s.start()
	crowd.Disperse()
	s.kill()
	db, err := sqlite.Open(t.Context(), filepath.Join(s.data, "tandem.db"), sqlite.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	crowd.CheckTrail(db.Audit)
	passes.Check(t, "tandem up", names)
}

func tokenOf(user tandem.UserID) (string, error) {
	now := time.Now()
	return auth.Sign([]byte(secret), auth.Grant{User: user, Issued: now, Expires: now.Add(time.Hour)})
}

// dieAt runs the server until it dies at the n-th pass of a fault point. One that does not get there is killed, and that is an error.
func (s *server) dieAt(point string, n int) {
	s.t.Helper()
	began := time.Now()
	defer func() { s.t.Logf("%s after %v", crash.At(point, n), time.Since(began).Round(time.Millisecond)) }()
	s.spawn(crash.At(point, n))
	cmd, ended := s.cmd, make(chan struct{})
	s.cmd = nil
	go func() {
		defer close(ended)
		_ = cmd.Wait() // how it ended is in ProcessState
	}()
	if point == "drain.mid" {
		s.drain(cmd, n)
	}
	select {
	case <-ended:
		if status, ok := cmd.ProcessState.Sys().(syscall.WaitStatus); !ok || status.Signal() != syscall.SIGKILL {
			s.t.Errorf("%s: the server ended with %v before it could die there", crash.At(point, n), cmd.ProcessState)
		}
	case <-time.After(lifetime):
		s.t.Errorf("%s: the server lives on", crash.At(point, n))
		_ = cmd.Process.Kill()
		<-ended
	}
}

// drain asks the server to end when n devices are connected.
func (s *server) drain(cmd *exec.Cmd, n int) {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(s.t.Context(), lifetime)
	defer cancel()
	s.await(ctx)
	for range n {
		if _, err := s.device("guest").Mutate(ctx, "list_tasks", map[string]any{}); err != nil {
			s.t.Errorf("no device before the end: %v", err)
		}
	}
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		s.t.Errorf("ask the server to end: %v", err)
	}
}
