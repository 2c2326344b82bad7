package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"runtime/debug"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/sync/errgroup"
)

// lanes is how many goroutines publish; each user's edits are published by one.
const lanes = 16

// usage is what the process used so far.
type usage struct {
	CPU time.Duration `json:"cpu"`
	RSS int64         `json:"rss"`
}

// stretch is what publishing for a while came to.
type stretch struct {
	Published int64         `json:"published"`
	Took      time.Duration `json:"took"`
}

// process is a subject behind HTTP: sockets, and what the parent asks for.
type process struct {
	subject subject
	users   int
	edits   []int64 // of each user so far
}

// serve runs one subject until in ends, which is when the parent does.
func serve(ctx context.Context, name, redis string, users int, in io.Reader, out io.Writer) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	s, err := open(ctx, name, redis)
	if err != nil {
		return err
	}
	p := &process{subject: s, users: users, edits: make([]int64, users)}
	ln, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /ws/{user}", func(w http.ResponseWriter, r *http.Request) { s.serve(w, r, r.PathValue("user")) })
	mux.HandleFunc("GET /usage", func(w http.ResponseWriter, r *http.Request) {
		if r.FormValue("tidy") != "" {
			debug.FreeOSMemory()
		}
		answer(w, used(), nil)
	})
	mux.HandleFunc("GET /publish", p.publish)
	srv := &http.Server{Handler: mux, ReadHeaderTimeout: 10 * time.Second}
	go func() {
		_, _ = io.Copy(io.Discard, in)
		_ = srv.Close()
	}()
	fmt.Fprintln(out, ln.Addr())
	if err := srv.Serve(ln); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serve: %w", err)
	}
	return nil
}

func answer(w http.ResponseWriter, v any, err error) {
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	_ = json.NewEncoder(w).Encode(v) // the parent is gone if it fails
}

// publish publishes edits at a rate for a while, to one user after the other.
func (p *process) publish(w http.ResponseWriter, r *http.Request) {
	rate, err := strconv.ParseFloat(r.FormValue("rate"), 64)
	if err != nil {
		answer(w, nil, err)
		return
	}
	span, err := time.ParseDuration(r.FormValue("for"))
	if err != nil {
		answer(w, nil, err)
		return
	}
	var n atomic.Int64
	began := time.Now()
	var g errgroup.Group
	for lane := range min(lanes, p.users) {
		g.Go(func() error {
			of := (p.users - lane + lanes - 1) / lanes
			sent, err := p.lane(lane, rate*float64(of)/float64(p.users), span)
			n.Add(sent)
			return err
		})
	}
	err = g.Wait()
	answer(w, stretch{n.Load(), time.Since(began)}, err)
}

// lane publishes the edits of every lanes-th user. What is late is published at once.
func (p *process) lane(lane int, rate float64, span time.Duration) (sent int64, err error) {
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	began := time.Now()
	for user := lane; ; <-tick.C {
		took := time.Since(began)
		if took >= span {
			return sent, nil
		}
		for due := int64(rate * took.Seconds()); sent < due && time.Since(began) < span; sent++ {
			p.edits[user]++
			n := p.edits[user]
			if err := p.subject.publish(userName(user), n, row(n, time.Now().UnixNano())); err != nil {
				return sent, fmt.Errorf("publish: %w", err)
			}
			if user += lanes; user >= p.users {
				user = lane
			}
		}
	}
}

func userName(user int) string { return "user-" + strconv.Itoa(user) }

// used gives the processor time and the resident memory of this process.
func used() usage {
	var r syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &r) // it cannot fail for this process
	u := usage{CPU: time.Duration(r.Utime.Nano() + r.Stime.Nano())}
	status, _ := os.ReadFile("/proc/self/status") // elsewhere the memory stays 0
	for line := range strings.Lines(string(status)) {
		if value, ok := strings.CutPrefix(line, "VmRSS:"); ok {
			kb, _ := strconv.ParseInt(strings.Fields(value)[0], 10, 64)
			u.RSS = kb << 10
		}
	}
	return u
}
