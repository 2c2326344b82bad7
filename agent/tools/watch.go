package tools

import (
	"context"
	"encoding/json"
	"net/http"
	"slices"
	"sync"

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
// user's channel. Where some may have been lost, all of them may have changed: the listener reads a resource when it hears of it, and
// whenever it wants. stop is called when the user is signed out everywhere or the token revoked.
func (tb *Toolbox) subscriptions(c Caller, stop context.CancelFunc) []server.ServerOption {
	hooks := &server.Hooks{}
	hooks.AddBeforeSubscriptionsListen(func(ctx context.Context, _ any, r *mcp.SubscriptionsListenRequest) {
		srv := server.ServerFromContext(ctx)
		wanted := &r.Params.Notifications
		wanted.ResourceSubscriptions = wanted.ResourceSubscriptions[:min(len(wanted.ResourceSubscriptions), maxSubscriptions)]
		var l listening
		leave, err := tb.Watch(ctx, c.User, func(s tandem.Signal) {
			if c.ended(s) {
				stop()
			}
			for _, uri := range l.changed(s, wanted.ResourceSubscriptions) {
				// A full queue loses the hint; the next one says the same.
				_ = srv.SendNotificationToClient(ctx, mcp.MethodNotificationResourceUpdated, map[string]any{"uri": uri})
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

// ended tells that a signal ends the caller's credential.
func (c Caller) ended(s tandem.Signal) bool {
	if s.Control == tandem.ControlRevoke {
		return true
	}
	if c.Token == "" || s.Delta == nil {
		return false
	}
	i := slices.IndexFunc(s.Delta.Changes, func(ch tandem.Change) bool { return ch.Kind == tandem.KindSettings && ch.Row != nil })
	if i < 0 {
		return false
	}
	var row struct {
		Tokens []tokenID `json:"tokens"`
	}
	err := json.Unmarshal(s.Delta.Changes[i].Row, &row)
	return err == nil && !slices.Contains(row.Tokens, tokenID{c.Token})
}

type tokenID struct {
	ID string `json:"id"`
}

// listening remembers what a subscription has heard of.
type listening struct {
	mu    sync.Mutex
	known tandem.Seq
}

// changed lists those of the wanted resources that a signal may concern: all of them where another one was lost.
func (l *listening) changed(s tandem.Signal, wanted []string) []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	missed := s.Lost || s.Head > l.known
	l.known = max(l.known, s.Head)
	if s.Delta != nil {
		l.known = max(l.known, s.Delta.To)
	}
	if missed {
		return wanted
	}
	return slices.DeleteFunc(touched(s), func(uri string) bool { return !slices.Contains(wanted, uri) })
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
