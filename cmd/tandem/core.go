package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"time"

	"golang.org/x/sync/errgroup"

	"tandem"
	"tandem/agent"
	"tandem/agent/planner"
	"tandem/agent/tools"
	"tandem/server/auth"
	"tandem/server/rest"
	"tandem/sync/hub"
	"tandem/sync/session"
	"tandem/web"
)

// core is what people and programs talk to: identity, the agent with its tools, the socket and the HTTP surface, over
// whichever database and channel.
type core struct {
	base
	alone    bool     // no other process works on this database
	together together // with the other processes; zero: there are none
	verifier *auth.Verifier
	signIn   *auth.SignIn // nil: people sign in elsewhere
	secret   []byte       // nil: others sign
	box      *tools.Toolbox
	agent    *agent.Service
	hub      *hub.Hub
	sessions *session.Server
	http     *rest.Server
}

// together is what the processes that serve people do as one.
type together struct {
	presence hub.Presence
	seats    session.Seats
	limits   rest.Shared
}

// build completes a core whose base is set.
func (e *core) build(ctx context.Context) error {
	for _, part := range []func(context.Context) error{e.buildIdentity, e.buildAgent, e.buildSync, e.buildHTTP} {
		if err := part(ctx); err != nil {
			return err
		}
	}
	return nil
}

// buildIdentity decides who issues tokens: the configured issuers, the configured secret, or this program itself.
func (e *core) buildIdentity(context.Context) error {
	var issuers []auth.Issuer
	if e.cfg.AuthIssuers != "" {
		rows, err := auth.LoadIssuers(e.cfg.AuthIssuers)
		if err != nil {
			return fmt.Errorf("TANDEM_AUTH_ISSUERS: %w", err)
		}
		issuers = rows
	}
	if e.cfg.AuthSecret != "" || e.cfg.AuthIssuers == "" {
		secret, err := secretOf(config{AuthSecret: e.cfg.AuthSecret, DataDir: e.cfg.DataDir})
		if err != nil {
			return err
		}
		own, err := auth.SharedSecret(secret)
		if err != nil {
			return fmt.Errorf("TANDEM_AUTH_SECRET: %w", err)
		}
		e.secret, issuers = secret, append(issuers, own)
	}
	var err error
	e.verifier, err = auth.New(auth.Options{Issuers: issuers, Store: e.store, Log: e.log, Metrics: authMetrics(e.metrics)})
	if err != nil {
		return fmt.Errorf("TANDEM_AUTH_ISSUERS: %w", err)
	}
	if e.alone && e.secret != nil && e.cfg.AuthURL == "" && e.cfg.loopback() {
		e.signIn = auth.NewSignIn(auth.SignInOptions{User: localUser, Secret: e.secret, Devices: e.store, Metrics: authMetrics(e.metrics)})
	}
	return nil
}

// shortToken signs a token of fifteen minutes, with all scopes where none are named.
func (e *core) shortToken(user tandem.UserID, scopes []string) (string, error) {
	if e.secret == nil {
		return "", errors.New("tokens come from the issuers of TANDEM_AUTH_ISSUERS; this program signs none")
	}
	now := time.Now()
	return auth.Sign(e.secret, auth.Grant{User: user, Scopes: scopes, Issued: now, Expires: now.Add(15 * time.Minute)})
}

// link is a new one-time sign-in link; empty where people sign in elsewhere.
func (e *core) link() string {
	if e.signIn == nil {
		return ""
	}
	return e.cfg.PublicURL + "/#code=" + e.signIn.Code()
}

func (e *core) buildAgent(ctx context.Context) error {
	tag, _ := version()
	e.box = tools.New(tools.Options{
		Store: e.store, Log: e.log, Metrics: toolMetrics(e.metrics), Shared: e.together.limits, PublicURL: e.cfg.PublicURL, Version: tag,
		Watch: func(ctx context.Context, user tandem.UserID, f func(tandem.Signal)) (func(), error) {
			return e.channels.Join(ctx, user, f)
		},
	})
	o := agent.Options{
		Store: e.store, Tools: bindTools(e.box), Fallback: planner.New(), Owner: e.owner, Alone: e.alone, Log: e.log, Metrics: agentMetrics(e.metrics),
		Limits: agent.Limits{DayTokens: cmp.Or(e.cfg.TokenBudget, -1)}, Primary: e.modelOf(e.cfg),
		Publish: func(s tandem.Signal) { _ = e.channels.Publish(ctx, s) },
	}
	if !e.alone {
		o.Join = e.channels.Join // a cancel may reach another process
	}
	e.agent = agent.New(o)
	return nil
}

func (e *core) buildSync(context.Context) error {
	e.hub = hub.New(hub.Options{
		Channel: fanOut{e.channels, e.tracer()}, Store: e.store, Turns: turnsOf{e.agent, e.store}, Presence: e.together.presence, Metrics: hubMetrics(e.metrics), Log: e.log,
	})
	e.sessions = session.New(session.Options{
		Hub: e.hub, Seats: e.together.seats, Tools: socketTools{e.box}, Mids: e.store, Settings: e.store, History: e.store,
		Assistant: socketAssistant{e.agent, func(ctx context.Context, user tandem.UserID, turn string) error {
			return e.http.SpendTurn(ctx, user, turn)
		}},
		WebhookKey: webhookKey(e.cfg), PushKey: pushKey(e.cfg),
		Parse: parseWords, PublicURL: e.cfg.PublicURL, Metrics: sessionMetrics(e.metrics), Log: e.log,
		Verify: func(ctx context.Context, token string) (session.Principal, error) {
			p, err := e.verifier.Token(ctx, token)
			return principal(p), err
		},
	})
	return nil
}

func (e *core) buildHTTP(context.Context) error {
	var err error
	e.http, err = rest.New(rest.Options{
		Verifier: e.verifier, SignIn: e.signIn, Assistant: restAssistant{e.agent}, ChatKit: e.store, Actions: chatKitAction(e.box), Calendar: e.store, Tokens: e.store, ChatKitDomainKey: e.cfg.ChatKitKey,
		Socket: func(w http.ResponseWriter, r *http.Request, p auth.Principal) { e.sessions.Serve(w, r, principal(p)) },
		MCP:    func(w http.ResponseWriter, r *http.Request, p auth.Principal) { e.box.Serve(w, r, mcpCaller(p)) }, //nolint:contextcheck // r carries it
		Probes: &rest.Probes{Ready: e.ready, Scrape: e.metrics.Handler(), Log: e.log}, ProbesApart: e.cfg.OpsAddr != "",
		Web: e.cfg.page(), WebLive: e.cfg.WebDir != "",
		PublicURL: e.cfg.PublicURL, AuthURL: e.cfg.AuthURL, Proxies: e.cfg.Proxies, Shared: e.together.limits, Log: e.log, Metrics: restMetrics(e.metrics),
		Trace: e.tracer(),
	})
	if err != nil {
		return err
	}
	e.metrics.Routes(e.http.Routes())
	return nil
}

// page is the browser client: that of the binary, or of the folder that somebody works on.
func (c config) page() fs.FS {
	if c.WebDir != "" {
		return os.DirFS(c.WebDir)
	}
	return web.Dist()
}

// ready fails while the process cannot serve people.
func (e *core) ready(ctx context.Context) error {
	return errors.Join(e.verifier.Ready(), e.store.Ping(ctx))
}

// connections keeps the hub going until the open connections have ended: they are told to go while the process stops.
func (e *core) connections(ctx context.Context) error {
	drained, end := context.WithCancel(context.WithoutCancel(ctx))
	defer end()
	g, following := errgroup.WithContext(drained)
	g.Go(func() error { return e.hub.Run(following) })
	g.Go(func() error {
		defer end()
		select {
		case <-ctx.Done():
		case <-following.Done():
		}
		draining, cancel := context.WithTimeout(context.WithoutCancel(ctx), 30*time.Second)
		defer cancel()
		return e.sessions.Drain(draining)
	})
	return g.Wait()
}

// tasks are the loops of the core.
func (e *core) tasks() []task {
	return []task{
		{"token keys", e.verifier.Run},
		{"agent", e.agent.Run},
		{"connections", e.connections},
	}
}
