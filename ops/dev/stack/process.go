package stack

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"time"
)

const (
	readyWithin = 60 * time.Second // a loaded machine; a healthy one needs two
	askEvery    = 15 * time.Millisecond
	tailBytes   = 2000
)

// Process is a program of the stack. Its methods may be called from any goroutine, one at a time; what goes wrong fails the owner.
type Process struct {
	spec
	owner T

	mu   sync.Mutex
	cmd  *exec.Cmd
	done chan struct{} // closed when the process has ended
}

// spec says how a program is started, asked and stopped.
type spec struct {
	name   string
	path   string
	args   []string
	env    []string // added to this process's environment
	dir    string   // the component's folder: working folder and log
	user   *syscall.Credential
	ready  func(context.Context) error
	stop   syscall.Signal // asks for a graceful end
	grace  time.Duration  // until that counts as hung
	orphan syscall.Signal // from the kernel when this process dies, and from us when the owner ends
}

// launch starts the program and ends it with t.
func launch(t T, s spec) (*Process, error) {
	p := prepare(t, s)
	return p, p.start(t.Context())
}

// prepare gives the program that its first start will run.
func prepare(t T, s spec) *Process {
	if s.grace == 0 {
		s.grace = 20 * time.Second
	}
	if s.orphan == 0 {
		s.orphan = syscall.SIGKILL
	}
	if s.stop == 0 {
		s.stop = syscall.SIGTERM
	}
	p := &Process{spec: s, owner: t}
	t.Cleanup(p.close)
	return p
}

// Start starts the program again on its ports and data, and returns when it answers. A running one is left alone.
func (p *Process) Start() {
	if err := p.start(p.owner.Context()); err != nil {
		p.owner.Errorf("%v", err)
	}
}

func (p *Process) start(ctx context.Context) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.running() {
		return nil
	}
	if err := p.fork(); err != nil {
		return fmt.Errorf("start %s: %w", p.name, err)
	}
	return p.await(ctx)
}

// Launch starts the program with more in its environment and does not wait until it answers: it may be made to die before. A
// running one is left alone.
func (p *Process) Launch(env ...string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.running() {
		return
	}
	if err := p.fork(env...); err != nil {
		p.owner.Errorf("start %s: %v", p.name, err)
	}
}

// Ended waits until the program has ended and says how, as in "signal: killed". Empty: it had not within limit.
func (p *Process) Ended(limit time.Duration) (how string) {
	p.mu.Lock()
	cmd, done := p.cmd, p.done
	p.mu.Unlock()
	if cmd == nil {
		return "never started"
	}
	select {
	case <-done:
		return cmd.ProcessState.String()
	case <-time.After(limit):
		return ""
	}
}

func (p *Process) fork(more ...string) error {
	log, err := os.OpenFile(p.LogFile(), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	defer log.Close()
	p.cmd = &exec.Cmd{
		Path: p.path, Args: append([]string{p.path}, p.args...), Env: append(append(os.Environ(), p.env...), more...), Dir: p.dir,
		Stdout: log, Stderr: log, SysProcAttr: attributes(p.user, p.orphan),
	}
	if err := p.cmd.Start(); err != nil {
		p.cmd = nil
		return err
	}
	cmd, done := p.cmd, make(chan struct{})
	p.done = done
	go func() {
		defer close(done)
		cmd.Wait() //nolint:errcheck // how it ended is in ProcessState
	}()
	return nil
}

// await asks until the program answers. It gives up early when the program ends.
func (p *Process) await(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	done := p.done // of this start
	go func() {
		select {
		case <-done:
			cancel()
		case <-ctx.Done():
		}
	}()
	err := poll(ctx, p.ready)
	switch {
	case err == nil:
		return nil
	case !p.running():
		return fmt.Errorf("%s ended at its start: %v\n%s", p.name, p.cmd.ProcessState, p.logTail())
	default:
		return fmt.Errorf("%s does not answer: %w\n%s", p.name, err, p.logTail())
	}
}

// poll asks until the answer is no error, for a minute at most, and then gives the last one.
func poll(ctx context.Context, ask func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, readyWithin)
	defer cancel()
	tick := time.NewTicker(askEvery)
	defer tick.Stop()
	for {
		err := ask(ctx)
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return err
		case <-tick.C:
		}
	}
}

// Stop asks the program to end and waits for it.
func (p *Process) Stop() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.running() {
		return
	}
	if err := p.end(); err != nil {
		p.owner.Errorf("%v", err)
	}
}

func (p *Process) end() error {
	if err := p.cmd.Process.Signal(p.stop); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("stop %s: %w", p.name, err)
	}
	p.cmd.Process.Signal(syscall.SIGCONT) //nolint:errcheck // it may have ended
	select {
	case <-p.done:
		return nil
	case <-time.After(p.grace):
		p.kill()
		return fmt.Errorf("%s did not end within %v of being asked\n%s", p.name, p.grace, p.logTail())
	}
}

// Kill ends the program and its children by SIGKILL, as a crash of the machine would.
func (p *Process) Kill() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.running() {
		p.kill()
	}
}

// kill stops the parent first, so that no child is born between the look and the kill.
func (p *Process) kill() {
	p.cmd.Process.Signal(syscall.SIGSTOP) //nolint:errcheck // it may have ended
	born := children(p.cmd.Process.Pid)
	p.cmd.Process.Kill() //nolint:errcheck // it may have ended
	for _, pid := range born {
		syscall.Kill(pid, syscall.SIGKILL) //nolint:errcheck // it may have ended
	}
	<-p.done
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for _, pid := range born {
		for !ended(pid) {
			<-tick.C
		}
	}
}

// Signal sends a signal: SIGSTOP and SIGCONT are a process that the machine forgot for a while.
func (p *Process) Signal(s syscall.Signal) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.running() {
		p.owner.Errorf("signal %s: it does not run", p.name)
		return
	}
	if err := p.cmd.Process.Signal(s); err != nil {
		p.owner.Errorf("signal %s: %v", p.name, err)
	}
}

// PID is the process id of the latest start; 0 before the first.
func (p *Process) PID() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.cmd == nil {
		return 0
	}
	return p.cmd.Process.Pid
}

// Running tells whether the program has not ended.
func (p *Process) Running() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.running()
}

func (p *Process) running() bool {
	if p.cmd == nil {
		return false
	}
	select {
	case <-p.done:
		return false
	default:
		return true
	}
}

// LogFile is where the program's output goes, of all its starts.
func (p *Process) LogFile() string { return filepath.Join(p.dir, p.name+".log") }

func (p *Process) logTail() string {
	data, err := os.ReadFile(p.LogFile())
	if err != nil {
		return err.Error()
	}
	return tail(data)
}

func tail(log []byte) string {
	if len(log) > tailBytes {
		log = log[len(log)-tailBytes:]
		if _, rest, ok := bytes.Cut(log, []byte("\n")); ok {
			log = rest
		}
	}
	return string(bytes.TrimSpace(log))
}

// close ends the program with its owner, at once: its data goes as well.
func (p *Process) close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.running() {
		return
	}
	if p.orphan != syscall.SIGKILL && p.cmd.Process.Signal(p.orphan) == nil {
		select {
		case <-p.done:
			return
		case <-time.After(p.grace):
		}
	}
	p.kill()
}
