package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"

	"tandem/server/dapr"
	"tandem/server/rest"
)

// runWeb serves the page, and passes on to `tandem serve` what belongs to the API.
func runWeb(ctx context.Context, std stdio, args []string) error {
	c, words, err := dataCommand(std, "web", args, nil)
	if err != nil {
		return err
	}
	if len(words) > 0 {
		return usage(std, "web")
	}
	if c.ServeURL == "" {
		return errors.New("TANDEM_SERVE_URL is not set: it names the `tandem serve` behind this page")
	}
	ln, err := (&net.ListenConfig{}).Listen(ctx, "tcp", c.Addr)
	if err != nil {
		return fmt.Errorf("listen on TANDEM_ADDR: %w", err)
	}
	c.Addr = ln.Addr().String()
	b, err := newBase(ctx, c, dapr.AppWeb, std.err)
	if err != nil {
		return errors.Join(err, ln.Close())
	}
	sidecar, err := dial(c, b)
	if err != nil {
		return errors.Join(err, ln.Close())
	}
	front, err := newFront(b, sidecar) //nolint:contextcheck // each request carries its own
	if err != nil {
		return errors.Join(err, ln.Close(), sidecar.Close())
	}
	b.log.InfoContext(ctx, "serving", "addr", c.Addr, "app", dapr.AppWeb)
	tasks := []task{{"http", func(ctx context.Context) error { return front.Serve(ctx, ln) }}}
	if c.OpsAddr != "" {
		tasks = append(tasks, probesTask(b, front.Probes))
	}
	return errors.Join(b.while(ctx, func(ctx context.Context) error { return runAll(ctx, tasks) }), sidecar.Close())
}

// newFront makes the surface that passes on.
func newFront(b base, sidecar *dapr.Client) (*rest.Server, error) {
	target, err := url.Parse(b.cfg.ServeURL)
	if err != nil {
		return nil, fmt.Errorf("TANDEM_SERVE_URL: %w", err)
	}
	front, err := rest.New(rest.Options{
		Web: b.cfg.page(), WebLive: b.cfg.WebDir != "", Upstream: rest.NewUpstream(target, sidecar.Caller(dapr.AppServe), b.log),
		Probes: &rest.Probes{Ready: sidecar.Ready, Scrape: b.metrics.Handler(), Log: b.log}, ProbesApart: b.cfg.OpsAddr != "",
		PublicURL: b.cfg.PublicURL, AuthURL: b.cfg.AuthURL, Proxies: b.cfg.Proxies, Log: b.log, Metrics: restMetrics(b.metrics), Trace: b.tracer(), ChatKitDomainKey: b.cfg.ChatKitKey,
	})
	if err != nil {
		return nil, err
	}
	b.metrics.Routes(front.Routes())
	return front, nil
}
