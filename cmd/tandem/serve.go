package main

import (
	"context"
	"errors"
	"fmt"
	"net"

	"tandem"
	"tandem/server/dapr"
	"tandem/server/redis"
)

// hubConsumer takes task-updates in every replica group of `tandem serve`.
const hubConsumer = "hub"

// server is `tandem serve`: what people and programs talk to, in the distributed mode.
type server struct {
	*station
	core core
}

func runServe(ctx context.Context, std stdio, args []string) error {
	c, words, err := dataCommand(std, "serve", args, nil)
	if err != nil {
		return err
	}
	if len(words) > 0 {
		return usage(std, "serve")
	}
	if c.AuthSecret == "" && c.AuthIssuers == "" {
		return errors.New("nobody issues tokens: set TANDEM_AUTH_SECRET or TANDEM_AUTH_ISSUERS")
	}
	if c.PublicURL == "" && !c.loopback() {
		return errors.New("TANDEM_PUBLIC_URL is not set: it names the address under which people reach this server")
	}
	ln, err := (&net.ListenConfig{}).Listen(ctx, "tcp", c.Addr)
	if err != nil {
		return fmt.Errorf("listen on TANDEM_ADDR: %w", err)
	}
	c.Addr = ln.Addr().String()
	s, err := newServer(ctx, c, std)
	if err != nil {
		return errors.Join(err, ln.Close())
	}
	s.log.InfoContext(ctx, "serving", "addr", c.Addr, "app", s.app.ID)
	return s.run(ctx, s.callback(s.duties(), s.invoked), append(s.core.tasks(),
		task{"http", func(ctx context.Context) error { return s.core.http.Serve(ctx, ln) }}))
}

func newServer(ctx context.Context, c config, std stdio) (*server, error) {
	st, err := openStation(ctx, c, dapr.AppServe, std.err)
	if err != nil {
		return nil, err
	}
	replicas := redis.NewReplicas(st.redis, c.place())
	s := &server{station: st, core: core{base: st.base, together: together{replicas, replicas, redis.NewLimits(st.redis)}}}
	if err := s.core.build(ctx); err != nil {
		return nil, errors.Join(err, st.close())
	}
	st.channels.State = s.core.hub.ChannelState
	s.beside = append(append(s.beside, task{"replicas", replicas.Run}), s.secretTasks(s.lead)...)
	s.probes = s.core.http.Probes
	s.probes.Ready = func(ctx context.Context) error { return errors.Join(s.core.ready(ctx), s.sidecar.Ready(ctx)) }
	return s, nil
}

// duties of the hub: what Redis did not carry, the log and this road bring.
func (s *server) duties() []duty {
	return []duty{{"serve", tandem.TopicTaskUpdates, hubConsumer, nil, consumed(hubConsumer, nil, func(ctx context.Context, e tandem.Event) error {
		s.metrics.EventTaken(hubConsumer, ageOf(e))
		return s.channels.Publish(ctx, tandem.Signal{User: e.UserID, Head: e.Payload.Seq})
	})}}
}

// invoked takes the chat turns that `tandem web` passes on.
func (s *server) invoked(o *dapr.CallbackOptions) { o.Chat = s.core.http }
