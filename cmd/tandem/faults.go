//go:build faults

package main

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync"

	"tandem"
)

// The settings of a build that may be killed at its fault points.
const (
	envFault    = "TANDEM_FAULT"     // name@n: the process dies at the n-th pass of that point
	envFaultLog = "TANDEM_FAULT_LOG" // a file that gets a line for each point at its first pass, and name@n before a death
)

func init() {
	plan, err := readFaultPlan()
	if err != nil {
		fmt.Fprintln(os.Stderr, "tandem:", err)
		os.Exit(1)
	}
	tandem.OnFaultPoint = plan.pass
}

// faultPlan says where the process dies, and counts how often it came where.
type faultPlan struct {
	name string
	at   int
	log  string

	mu     sync.Mutex
	passes map[string]int
}

func readFaultPlan() (*faultPlan, error) {
	p := &faultPlan{passes: map[string]int{}}
	p.log, _ = os.LookupEnv(envFaultLog)
	wish, _ := os.LookupEnv(envFault)
	if wish == "" {
		return p, nil
	}
	name, n, _ := strings.Cut(wish, "@")
	at, err := strconv.Atoi(n)
	if err != nil || at < 1 {
		return nil, fmt.Errorf("%s is %q, want name@n", envFault, wish)
	}
	p.name, p.at = name, at
	return p, nil
}

// pass counts, and ends the process without a word where that was asked for. It does not return then, and no other pass does.
func (p *faultPlan) pass(name string) {
	p.mu.Lock()
	p.passes[name]++
	n := p.passes[name]
	if n == 1 {
		p.note(name)
	}
	if name != p.name || n != p.at {
		p.mu.Unlock()
		return
	}
	p.note(fmt.Sprintf("%s@%d", name, n))
	if self, err := os.FindProcess(os.Getpid()); err == nil {
		_ = self.Kill()
	}
	select {}
}

// note adds a line to the log. What was written is in the hands of the system, so the death does not take it away.
func (p *faultPlan) note(line string) {
	if p.log == "" {
		return
	}
	f, err := os.OpenFile(p.log, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err == nil {
		_, err = fmt.Fprintln(f, line)
		err = errors.Join(err, f.Close())
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "tandem: fault log:", err)
	}
}
