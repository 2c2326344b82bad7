package rest

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"time"
)

// Bounds of a connection.
const (
	headerTime = 5 * time.Second
	idleTime   = 2 * time.Minute
	// net/http reads 4 KiB more than it is told, so this makes 16 KiB.
	maxHeader = 16<<10 - 4<<10
	drainTime = 45 * time.Second
)

// Serve answers on ln until ctx ends, then drains: /readyz turns false, no new connection is taken, and open requests have
// drainTime to end by themselves. Hijacked sockets are not waited for; whoever took them drains them.
func (s *Server) Serve(ctx context.Context, ln net.Listener) error {
	return Serve(ctx, ln, s, s.Log, s.Probes.Drain)
}

// Serve answers on ln with h until ctx ends. It then calls draining, takes no new connection, and gives open requests
// drainTime to end by themselves.
func Serve(ctx context.Context, ln net.Listener, h http.Handler, log *slog.Logger, draining func()) error {
	srv := &http.Server{
		Handler: h, ReadHeaderTimeout: headerTime, IdleTimeout: idleTime, MaxHeaderBytes: maxHeader,
		ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelDebug),
	}
	failed := make(chan error, 1)
	go func() { failed <- srv.Serve(ln) }()
	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
	}
	draining()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), drainTime)
	defer cancel()
	err := srv.Shutdown(ctx)
	if errors.Is(err, context.DeadlineExceeded) {
		err = srv.Close()
	}
	if ended := <-failed; !errors.Is(ended, http.ErrServerClosed) {
		err = errors.Join(err, ended)
	}
	return err
}
