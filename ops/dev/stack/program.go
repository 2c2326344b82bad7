package stack

import (
	"context"
	"time"
)

// Program is any other program that runs on the stack.
type Program struct {
	Name  string // of its log
	Path  string
	Args  []string
	Env   []string                    // added to this process's environment
	Ready string                      // a URL that answers once the program works
	Asks  func(context.Context) error // asks whether it works, in place of Ready
	Grace time.Duration               // within which it ends when it is asked; 0: 20 s
}

// Prepare gives a program that waits for its first Start and ends with t.
func Prepare(t T, p Program) *Process {
	t.Helper()
	dir, err := folder(t, p.Name, nil)
	if err != nil {
		t.Fatalf("%v", err)
	}
	if p.Asks == nil {
		p.Asks = answers(p.Ready)
	}
	return prepare(t, spec{name: p.Name, path: p.Path, args: p.Args, env: p.Env, dir: dir, ready: p.Asks, grace: p.Grace})
}

// Answers waits until the URL answers with a status below 400.
func Answers(t T, url string) {
	t.Helper()
	if err := poll(t.Context(), func(ctx context.Context) error { return answers(url)(ctx) }); err != nil {
		t.Fatalf("%s: %v", url, err)
	}
}

// Ports reserves n free ports for t.
func Ports(t T, n int) []int {
	t.Helper()
	out, err := ports(t, n)
	if err != nil {
		t.Fatalf("%v", err)
	}
	return out
}
