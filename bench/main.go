package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"time"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, os.Args[1:]); err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) error {
	p := plan{}
	fs := flag.NewFlagSet("bench", flag.ContinueOnError)
	child := fs.String("serve", "", "serve this subject (for the command itself)")
	subjects := fs.String("subjects", strings.Join([]string{nameTandem, nameAlone, nameCentrifuge, nameLoop}, ","), "what to compare")
	rates := fs.String("rates", "6000,30000", "frames a second to measure the processor time at")
	fs.StringVar(&p.redis, "redis", "", "host:port of a Redis server; empty: one is started")
	fs.IntVar(&p.users, "users", 250, "users")
	fs.IntVar(&p.devices, "devices", 4, "devices of each user")
	fs.IntVar(&p.rounds, "rounds", 5, "runs of each subject, one after the other in turn")
	fs.DurationVar(&p.span, "span", 4*time.Second, "how long to publish at each rate")
	fs.IntVar(&p.idle, "idle", 10_000, "idle sockets to measure the memory with; 0: none")
	fs.BoolVar(&p.saturate, "saturate", true, "raise the rate until p99 is above 50 ms")
	if err := fs.Parse(args); err != nil {
		return err
	}
	if *child != "" {
		return serve(ctx, *child, p.redis, p.users, os.Stdin, os.Stdout)
	}
	p.subjects = strings.Split(*subjects, ",")
	for r := range strings.SplitSeq(*rates, ",") {
		var rate float64
		if _, err := fmt.Sscan(r, &rate); err != nil || rate <= 0 {
			return fmt.Errorf("%q is no rate", r)
		}
		p.rates = append(p.rates, rate)
	}
	if p.users < 1 || p.devices < 1 || p.users*p.devices > maxSockets || p.idle > maxSockets || p.rounds < 1 || p.span <= 0 || p.span > time.Minute {
		return fmt.Errorf("a comparison takes up to %d sockets, and a minute at each rate", maxSockets)
	}
	return compare(ctx, p, os.Stdout)
}
