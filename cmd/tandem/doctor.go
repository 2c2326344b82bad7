package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"runtime"
	"runtime/debug"
	"time"

	"tandem/agent/llm"
)

// finding is one line of `tandem doctor`.
type finding struct {
	What string `json:"what"`
	OK   bool   `json:"ok"`
	Note string `json:"note"`
}

func (f finding) String() string {
	mark := "ok "
	if !f.OK {
		mark = "BAD"
	}
	return fmt.Sprintf("%s  %-12s %s", mark, f.What, f.Note)
}

func runDoctor(ctx context.Context, std stdio, args []string) error {
	c, words, err := dataCommand(std, "doctor", args, nil)
	if err != nil {
		return err
	}
	if len(words) > 0 {
		return usage(std, "doctor")
	}
	for _, s := range settings {
		fmt.Fprintf(std.out, "    %-24s %s\n", s.env, s.shown())
	}
	findings := examine(ctx, c)
	err = withServer(ctx, c, std, func(ctx context.Context, r remote) error {
		sent := time.Now()
		inside, err := ask[[]finding](ctx, r, "check", nil)
		findings = append(findings, inside...)
		if err == nil {
			findings = append(findings, found("server", nil, fmt.Sprintf("%s answers in %s", r.URL, time.Since(sent).Round(time.Millisecond))))
		}
		return err
	})
	if err != nil {
		findings = append(findings, found("server", err, ""))
	}
	bad := 0
	for _, f := range findings {
		fmt.Fprintln(std.out, f)
		if !f.OK {
			bad++
		}
	}
	if bad > 0 {
		return errors.New("something needs attention")
	}
	return nil
}

func found(what string, err error, note string) finding {
	if err != nil {
		note = err.Error()
	}
	return finding{what, err == nil, note}
}

// examine looks at what surrounds the server: it can be told also where the server does not start.
func examine(ctx context.Context, c config) []finding {
	now := time.Now()
	out := []finding{
		found("disk", diskError(c.DataDir), "the data folder takes files"),
		found("clock", clockError(now), now.UTC().Format(time.RFC3339)),
	}
	if c.ModelKey != "" {
		host := hostOf(cmp.Or(c.ModelURL, llm.DefaultBaseURL))
		out = append(out, found("model", reach(ctx, host), host+" can be reached"))
	}
	return out
}

// check looks at what only the server sees.
func (e *embedded) check(ctx context.Context, _ any) ([]finding, error) {
	version, err := e.db.Schema(ctx)
	return []finding{
		found("schema", err, fmt.Sprintf("version %d is the current one", version)),
		found("database", e.db.Check(ctx), databaseFile(e.cfg.DataDir)),
		found("issuers", e.verifier.Ready(), "keys are loaded"),
	}, nil
}

func diskError(dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	probe, err := os.CreateTemp(dir, ".doctor-*")
	if err != nil {
		return err
	}
	return errors.Join(probe.Close(), os.Remove(probe.Name()))
}

// clockError tells of a clock that was never set.
func clockError(now time.Time) error {
	if now.Year() < 2026 {
		return fmt.Errorf("the clock says %s", now.Format(time.DateOnly))
	}
	return nil
}

// hostOf gives the host and port behind an http or https address.
func hostOf(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return address
	}
	port := cmp.Or(u.Port(), map[string]string{"http": "80", "https": "443"}[u.Scheme])
	return net.JoinHostPort(u.Hostname(), port)
}

// reach opens a connection and closes it.
func reach(ctx context.Context, host string) error {
	conn, err := (&net.Dialer{Timeout: 3 * time.Second}).DialContext(ctx, "tcp", host)
	if err != nil {
		return err
	}
	return conn.Close()
}

// The build of an image, which has no version control, writes these.
var release, revision string

// version is what the build knows of itself.
func version() (tag, commit string) {
	tag, commit = cmp.Or(release, "devel"), cmp.Or(revision, "unknown")
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return tag, commit
	}
	if release == "" && info.Main.Version != "" && info.Main.Version != "(devel)" {
		tag = info.Main.Version
	}
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" {
			commit = s.Value[:min(12, len(s.Value))]
		}
	}
	return tag, commit
}

func runVersion(_ context.Context, std stdio, _ []string) error {
	tag, commit := version()
	fmt.Fprintf(std.out, "tandem %s (%s, %s, %s/%s)\n", tag, commit, runtime.Version(), runtime.GOOS, runtime.GOARCH)
	return nil
}
