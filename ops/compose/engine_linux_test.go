package main

import (
	"context"
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

// engine is a Docker of its own: nothing of the machine's one is seen or touched.
type engine struct {
	t       *testing.T
	dir     string
	compose string // the program
	env     []string
}

// startEngine starts Docker in a folder of its own. It ends with t, and so do its containers and its folder.
func startEngine(t *testing.T, compose string) *engine {
	t.Helper()
	dir := t.TempDir()
	e := &engine{t: t, dir: dir, compose: compose}
	t.Cleanup(e.unmount)
	e.env = append(os.Environ(), "DOCKER_HOST=unix://"+dir+"/socket", "DOCKER_CONFIG="+dir, "COMPOSE_PARALLEL_LIMIT=4")
	log, err := os.Create(dir + "/dockerd.log")
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	// The context of a test ends before its cleanups, which need the engine to remove its containers.
	cmd := exec.CommandContext(context.WithoutCancel(t.Context()), "dockerd", "--data-root", dir+"/data", "--exec-root", dir+"/run", "--pidfile", dir+"/pid",
		"--host", "unix://"+dir+"/socket", "--bridge", "none", "--iptables=false", "--ip6tables=false", "--ip-forward=false",
		"--default-address-pool", "base=10.213.0.0/16,size=24", "--log-level", "warn")
	cmd.Stdout, cmd.Stderr = log, log
	// Ctrl-C is for the test, which then ends the engine; without the test it ends by itself, and its containers with it.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGTERM}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		cmd.Wait() //nolint:errcheck // how it ended is in its log
	}()
	t.Cleanup(func() { e.stop(cmd, ended) })
	e.await("Docker", func() error {
		select {
		case <-ended:
			e.t.Fatalf("Docker does not start:\n%s", e.tail())
		default:
		}
		return e.docker("version").Run()
	})
	return e
}

func (e *engine) tail() string {
	text, err := os.ReadFile(e.dir + "/dockerd.log")
	if err != nil {
		return err.Error()
	}
	return string(text[max(0, len(text)-3000):])
}

func (e *engine) stop(cmd *exec.Cmd, ended <-chan struct{}) {
	cmd.Process.Signal(syscall.SIGTERM) //nolint:errcheck // it may have ended
	select {
	case <-ended:
	case <-time.After(time.Minute):
		e.t.Errorf("Docker did not end:\n%s", e.tail())
		cmd.Process.Kill() //nolint:errcheck // it may have ended
		<-ended
	}
}

// unmount lets go of what an engine that was killed leaves mounted, so that the folder can be removed.
func (e *engine) unmount() {
	mounts, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		e.t.Error(err)
	}
	for line := range strings.Lines(string(mounts)) {
		if at := strings.Fields(line)[4]; strings.HasPrefix(at, e.dir+"/") {
			e.t.Logf("still mounted: %s", at)
			syscall.Unmount(at, syscall.MNT_DETACH) //nolint:errcheck // the removal tells
		}
	}
}

func (e *engine) docker(args ...string) *exec.Cmd { return e.command("/usr/bin/docker", args...) }

func (e *engine) command(name string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(context.WithoutCancel(e.t.Context()), name, args...)
	cmd.Env = e.env
	return cmd
}

// project runs Compose on the file of the repository.
func (e *engine) project(args ...string) *exec.Cmd {
	cmd := e.command(e.compose, append([]string{"--ansi", "never", "--progress", "plain"}, args...)...)
	cmd.Dir = filepath.Join("..", "..")
	return cmd
}

// say gives what the command says on its standard output.
func (e *engine) say(cmd *exec.Cmd) string {
	e.t.Helper()
	out, err := cmd.Output()
	if err != nil {
		if exit, ok := errors.AsType[*exec.ExitError](err); ok {
			err = fmt.Errorf("%w\n%s", err, exit.Stderr[max(0, len(exit.Stderr)-3000):])
		}
		e.t.Fatalf("%s: %v", cmd, err)
	}
	return string(out)
}

// await asks until there is no error, for two minutes at most.
func (e *engine) await(what string, ask func() error) {
	e.t.Helper()
	tick, late := time.NewTicker(500*time.Millisecond), time.After(2*time.Minute)
	defer tick.Stop()
	for {
		err := ask()
		if err == nil {
			return
		}
		select {
		case <-late:
			e.t.Fatalf("%s: %v", what, err)
		case <-tick.C:
		}
	}
}
