package main

import (
	"context"
	"fmt"
	"net/http"

	"github.com/centrifugal/centrifuge"
)

// openCentrifuge starts a Centrifuge node. Each socket is subscribed to its user's channel by the server. Channels keep no
// history, which is the cheapest way to run it: Tandem's log is not compared with anything.
func openCentrifuge(ctx context.Context, redis string) (subject, error) {
	node, err := centrifuge.New(centrifuge.Config{})
	if err != nil {
		return subject{}, fmt.Errorf("make the node: %w", err)
	}
	shard, err := centrifuge.NewRedisShard(node, centrifuge.RedisShardConfig{Address: redis})
	if err != nil {
		return subject{}, fmt.Errorf("reach Redis: %w", err)
	}
	broker, err := centrifuge.NewRedisBroker(node, centrifuge.RedisBrokerConfig{Shards: []*centrifuge.RedisShard{shard}})
	if err != nil {
		return subject{}, fmt.Errorf("make the broker: %w", err)
	}
	node.SetBroker(broker)
	node.OnConnecting(func(ctx context.Context, _ centrifuge.ConnectEvent) (centrifuge.ConnectReply, error) {
		c, ok := centrifuge.GetCredentials(ctx)
		if !ok {
			return centrifuge.ConnectReply{}, centrifuge.DisconnectInvalidToken
		}
		return centrifuge.ConnectReply{
			Credentials:   c,
			Subscriptions: map[string]centrifuge.SubscribeOptions{c.UserID: {}},
		}, nil
	})
	if err := node.Run(); err != nil {
		return subject{}, fmt.Errorf("run the node: %w", err)
	}
	context.AfterFunc(ctx, func() { _ = node.Shutdown(context.WithoutCancel(ctx)) })
	handler := centrifuge.NewWebsocketHandler(node, centrifuge.WebsocketConfig{
		UseWriteBufferPool: true,
		CheckOrigin:        func(*http.Request) bool { return true },
	})
	return subject{
		serve: func(w http.ResponseWriter, r *http.Request, user string) {
			ctx := centrifuge.SetCredentials(r.Context(), &centrifuge.Credentials{UserID: user})
			handler.ServeHTTP(w, r.WithContext(ctx))
		},
		publish: func(user string, _ int64, row []byte) error {
			_, err := node.Publish(user, row)
			return err
		},
	}, nil
}
