package stack

import (
	"context"
	"fmt"
	"os"
	"sync"
)

// T is the owner of components: a test, or an Owner. What it started ends before its Cleanup is over.
type T interface {
	Helper()
	Name() string
	Context() context.Context
	Cleanup(f func())
	Logf(format string, args ...any)
	Errorf(format string, args ...any)
	Fatalf(format string, args ...any)
	Skipf(format string, args ...any)
	Failed() bool
}

// Owner owns components outside of a test. The zero value works. Fatalf and Skipf end the process after Close.
type Owner struct {
	mu       sync.Mutex
	cleanups []func()
	failed   bool
}

// Helper does nothing.
func (o *Owner) Helper() {}

// Name names the owner in messages.
func (o *Owner) Name() string { return "stack" }

// Context never ends: the owner's life is that of the process.
func (o *Owner) Context() context.Context { return context.Background() }

// Cleanup has Close call f; the last one first.
func (o *Owner) Cleanup(f func()) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.cleanups = append(o.cleanups, f)
}

// Close ends all that was started, the newest first.
func (o *Owner) Close() {
	for f := o.pop(); f != nil; f = o.pop() {
		f()
	}
}

func (o *Owner) pop() func() {
	o.mu.Lock()
	defer o.mu.Unlock()
	n := len(o.cleanups)
	if n == 0 {
		return nil
	}
	f := o.cleanups[n-1]
	o.cleanups = o.cleanups[:n-1]
	return f
}

// Logf writes to standard error.
func (o *Owner) Logf(format string, args ...any) { fmt.Fprintf(os.Stderr, format+"\n", args...) }

// Errorf writes to standard error and lets the logs be kept.
func (o *Owner) Errorf(format string, args ...any) {
	o.mu.Lock()
	o.failed = true
	o.mu.Unlock()
	o.Logf("error: "+format, args...)
}

// Fatalf ends the process with status 1.
func (o *Owner) Fatalf(format string, args ...any) {
	o.Errorf(format, args...)
	o.Close()
	os.Exit(1)
}

// Skipf is Fatalf: a program cannot go on without what it needs.
func (o *Owner) Skipf(format string, args ...any) { o.Fatalf(format, args...) }

// Failed tells whether there was an error.
func (o *Owner) Failed() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.failed
}

// binary owns what all tests of a test binary share.
var binary Owner

// shared is one component for all tests of a test binary.
type shared[C any] struct {
	once      sync.Once
	component C
	err       error
}

func (s *shared[C]) get(t T, start func(T) (C, error)) C {
	t.Helper()
	s.once.Do(func() { s.component, s.err = start(&binary) })
	if s.err != nil {
		t.Fatalf("%v", s.err)
	}
	return s.component
}

// Tests runs the tests of a package and then ends what they shared.
type Tests struct {
	M interface{ Run() int }
}

// Run is for TestMain: os.Exit(stack.Tests{m}.Run()), or goleak.VerifyTestMain(stack.Tests{m}). Without it, shared components end with the
// process all the same, and the next one removes their folders.
func (s Tests) Run() int {
	code := s.M.Run()
	binary.Close()
	if code == 0 && binary.Failed() {
		return 1
	}
	return code
}
