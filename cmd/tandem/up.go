package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"sync"

	"golang.org/x/sync/errgroup"

	"tandem"
	"tandem/server/auth"
	"tandem/server/sqlite"
)

// localUser is whose list a laptop's `tandem up` keeps when nobody else issues tokens.
const localUser tandem.UserID = "me"

func runUp(ctx context.Context, std stdio, args []string) error {
	c, words, err := dataCommand(std, "up", args, nil)
	if err != nil {
		return err
	}
	if len(words) > 0 {
		return usage(std, "up")
	}
	if !c.loopback() && c.AuthSecret == "" && c.AuthIssuers == "" {
		return fmt.Errorf("TANDEM_ADDR %s can be reached from other machines, so tokens need an issuer: set TANDEM_AUTH_SECRET or TANDEM_AUTH_ISSUERS", c.Addr)
	}
	if r, ok := findRunning(ctx, c.DataDir); ok {
		return fmt.Errorf("a server is running on %s already, at %s; `tandem link` prints a sign-in link for it", c.DataDir, r.URL)
	}
	return serveEmbedded(ctx, c, std.err, func(e *embedded) {
		link := e.link()
		if link == "" {
			fmt.Fprintf(std.out, "Tandem is ready at %s\n", e.cfg.PublicURL)
			return
		}
		fmt.Fprintf(std.out, "Tandem is ready. Open\n\n    %s\n\nThe link is good once, for 10 minutes; `tandem link` prints another. Ctrl-C stops.\n", link)
	})
}

// secretOf gives the HS256 secret that signs our own tokens: the configured one, or that of the data folder.
func secretOf(c config) ([]byte, error) {
	if c.AuthSecret != "" {
		secret := []byte(c.AuthSecret)
		if err := auth.CheckSecret(secret); err != nil {
			return nil, fmt.Errorf("TANDEM_AUTH_SECRET: %w", err)
		}
		return secret, nil
	}
	if c.AuthIssuers != "" {
		return nil, errors.New("tokens come from the issuers of TANDEM_AUTH_ISSUERS; this program signs none")
	}
	if err := os.MkdirAll(c.DataDir, 0o700); err != nil {
		return nil, fmt.Errorf("make the data folder: %w", err)
	}
	return auth.OwnSecret(c.DataDir)
}

// databaseFile is the one file of the embedded mode.
func databaseFile(dataDir string) string { return filepath.Join(dataDir, "tandem.db") }

// program is the process of the embedded mode: one embedded after the other on the same address, a new one for each
// restored database.
type program struct {
	cfg      config
	logTo    io.Writer
	ready    func(*embedded)
	restores chan restore

	mu  sync.Mutex
	now *embedded
}

// restore asks for another database in the place of the present one.
type restore struct {
	from string
	done chan error
}

// serveEmbedded runs the whole product in this process until ctx ends. ready is called once everything answers.
func serveEmbedded(ctx context.Context, c config, logTo io.Writer, ready func(*embedded)) error {
	if err := os.MkdirAll(c.DataDir, 0o700); err != nil {
		return fmt.Errorf("make the data folder: %w", err)
	}
	ln, err := (&net.ListenConfig{}).Listen(ctx, "tcp", c.Addr)
	if err != nil {
		return fmt.Errorf("listen on TANDEM_ADDR: %w", err)
	}
	c.Addr = ln.Addr().String()
	if c.PublicURL == "" {
		c.PublicURL = "http://" + c.Addr
	}
	p := &program{cfg: c, logTo: logTo, ready: ready, restores: make(chan restore)}
	return p.run(ctx, ln)
}

// run serves until ctx ends. The verbs of other commands are answered all the while.
func (p *program) run(ctx context.Context, ln net.Listener) error {
	if err := p.open(ctx); err != nil {
		return errors.Join(err, ln.Close())
	}
	g, ctx := errgroup.WithContext(ctx)
	reachable := make(chan struct{})
	g.Go(func() error {
		return serveControl(ctx, p.cfg.DataDir, p.cfg.PublicURL, p.verbs(), func() { close(reachable) })
	})
	g.Go(func() error {
		// Whoever sees the server ready finds its file as well. The listener takes connections meanwhile.
		select {
		case <-reachable:
			p.ready(p.current())
		case <-ctx.Done():
			return errors.Join(ln.Close(), p.current().db.Close())
		}
		return p.serveAll(ctx, ln)
	})
	return g.Wait()
}

// serveAll serves one embedded after the other.
func (p *program) serveAll(ctx context.Context, ln net.Listener) error {
	for {
		again, err := p.serve(ctx, ln)
		if err != nil || again == nil {
			return err
		}
		if ln, err = p.swap(ctx, again); err != nil {
			return err
		}
	}
}

func (p *program) current() *embedded {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.now
}

func (p *program) open(ctx context.Context) error {
	e, err := newEmbedded(ctx, p.cfg, p.logTo)
	if err != nil {
		return err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.now = e
	return nil
}

// serve runs the present embedded until ctx ends, or until a restore is asked for, which it gives back.
func (p *program) serve(ctx context.Context, ln net.Listener) (again *restore, err error) {
	e := p.current()
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	ended := make(chan error, 1)
	go func() { ended <- e.run(ctx, ln) }()
	select {
	case err = <-ended:
	case r := <-p.restores:
		again = &r
		e.hub.Restart()
		stop()
		err = <-ended
	}
	return again, errors.Join(err, e.db.Close())
}

// swap puts the asked-for database in place and opens it, or the old one again where that cannot be.
func (p *program) swap(ctx context.Context, r *restore) (net.Listener, error) {
	failed := sqlite.Restore(ctx, databaseFile(p.cfg.DataDir), r.from)
	if err := p.open(ctx); err != nil {
		r.done <- errors.Join(failed, err)
		return nil, err
	}
	ln, err := (&net.ListenConfig{}).Listen(ctx, "tcp", p.cfg.Addr)
	r.done <- errors.Join(failed, err)
	return ln, err
}

// run serves on ln and works in the background until ctx ends, then drains.
func (e *embedded) run(ctx context.Context, ln net.Listener) error {
	return e.while(ctx, func(ctx context.Context) error {
		return runAll(ctx, append(e.tasks(), task{"http", func(ctx context.Context) error { return e.http.Serve(ctx, ln) }}))
	})
}
