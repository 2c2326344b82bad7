package tools

import (
	"context"
	"net/http"
	"slices"

	"github.com/mark3labs/mcp-go/mcp"
	"github.com/mark3labs/mcp-go/server"

	"tandem"
)

// maxSubscriptions bounds the addresses of one subscription.
const maxSubscriptions = 100

// listener gives the context of a request. One that opens a stream of notifications ends with the caller's token.
func (tb *Toolbox) listener(r *http.Request, c Caller) (context.Context, context.CancelFunc) {
	if c.Expires.IsZero() || r.Header.Get(mcp.HeaderMethod) != string(mcp.MethodSubscriptionsListen) {
		return context.WithCancel(r.Context())
	}
	return context.WithTimeout(r.Context(), c.Expires.Sub(tb.Now()))
}

// subscriptions makes a server tell the listener of one request which of its resources have changed, from the signals on the
// user's channel. A signal is a hint and may be lost: the listener reads the resource when it hears of it, and whenever it
// wants. stop is called when the user is signed out everywhere.
func (tb *Toolbox) subscriptions(c Caller, stop context.CancelFunc) []server.ServerOption {
	hooks := &server.Hooks{}
	hooks.AddBeforeSubscriptionsListen(func(ctx context.Context, _ any, r *mcp.SubscriptionsListenRequest) {
		srv := server.ServerFromContext(ctx)
		wanted := &r.Params.Notifications
		wanted.ResourceSubscriptions = wanted.ResourceSubscriptions[:min(len(wanted.ResourceSubscriptions), maxSubscriptions)]
		leave, err := tb.Watch(ctx, c.User, func(s tandem.Signal) {
			if s.Control == tandem.ControlRevoke {
				stop()
			}
			for _, uri := range touched(s) {
				if slices.Contains(wanted.ResourceSubscriptions, uri) {
					// A full queue loses the hint; the next one says the same.
					_ = srv.SendNotificationToClient(ctx, mcp.MethodNotificationResourceUpdated, map[string]any{"uri": uri})
				}
			}
		})
		if err != nil {
			tb.Log.WarnContext(ctx, "no signals for a subscription", "user_id", c.User, "err", err)
			stop()
			return
		}
		context.AfterFunc(ctx, leave)
	})
	return []server.ServerOption{server.WithResourceCapabilities(true, false), server.WithHooks(hooks)}
}

// touched lists the resources that a signal concerns.
func touched(s tandem.Signal) []string {
	if s.Delta == nil {
		return nil
	}
	var out []string
	for _, c := range s.Delta.Changes {
		if c.Kind != tandem.KindTask {
			continue
		}
		if out == nil {
			out = []string{tasksURI, todayURI}
		}
		out = append(out, tasksURI+"/"+c.ID)
	}
	return out
}
