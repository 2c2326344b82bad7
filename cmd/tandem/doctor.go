package main

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"runtime/debug"
	"time"
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
	c, _, err := dataCommand(std, "doctor", args, nil)
	if err != nil {
		return err
	}
	for _, s := range settings {
		fmt.Fprintf(std.out, "    %-24s %s\n", s.env, s.shown())
	}
	bad := 0
	err = withServer(ctx, c, std, func(ctx context.Context, r remote) error {
		sent := time.Now()
		findings, err := ask[[]finding](ctx, r, "check", nil)
		if err != nil {
			return err
		}
		findings = append(findings, finding{"server", true, fmt.Sprintf("%s answers in %s", r.URL, time.Since(sent).Round(time.Millisecond))})
		for _, f := range findings {
			fmt.Fprintln(std.out, f)
			if !f.OK {
				bad++
			}
		}
		return nil
	})
	if err == nil && bad > 0 {
		err = errors.New("something needs attention")
	}
	return err
}

// version is what the build knows of itself.
func version() (tag, commit string) {
	tag, commit = "devel", "unknown"
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return tag, commit
	}
	if info.Main.Version != "" && info.Main.Version != "(devel)" {
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
