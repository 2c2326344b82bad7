package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"time"

	"tandem"
	"tandem/agent"
	"tandem/agent/llm"
	"tandem/agent/planner"
	"tandem/agent/tools"
	"tandem/server/auth"
	"tandem/server/inproc"
	"tandem/server/rest"
	"tandem/server/sqlite"
	"tandem/server/telemetry"
	"tandem/sync/hub"
	"tandem/sync/session"
	"tandem/web"
	"tandem/workers/audit"
	"tandem/workers/notify"
	"tandem/workers/once"
	"tandem/workers/recur"
	"tandem/workers/relay"
	"tandem/workers/remind"
)

// embedded is the whole product in one process.
type embedded struct {
	cfg      config
	owner    string // names this process in leases and claims
	log      *slog.Logger
	metrics  *telemetry.Metrics
	db       *sqlite.DB
	channels *inproc.Channels
	bus      *inproc.Bus
	timer    *inproc.Timer
	relay    *relay.Relay
	reminder *remind.Worker
	verifier *auth.Verifier
	signIn   *auth.SignIn // nil: people sign in elsewhere
	secret   []byte       // nil: others sign
	box      *tools.Toolbox
	agent    *agent.Service
	hub      *hub.Hub
	sessions *session.Server
	http     *rest.Server
}

func newEmbedded(ctx context.Context, c config, logTo io.Writer) (*embedded, error) {
	e := &embedded{cfg: c, owner: tandem.NewID(), channels: &inproc.Channels{}}
	e.metrics = newMetrics("embedded")
	e.log = telemetry.NewLogger(logTo, c.LogLevel, c.LogFormat, c.AuthSecret, c.ModelKey)
	var err error
	if e.db, err = sqlite.Open(ctx, databaseFile(c.DataDir), sqlite.Options{Log: e.log}); err != nil {
		return nil, err
	}
	for _, build := range []func(context.Context) error{e.buildIdentity, e.buildWorkers, e.buildAgent, e.buildSync, e.buildHTTP} {
		if err := build(ctx); err != nil {
			return nil, errors.Join(err, e.db.Close())
		}
	}
	return e, nil
}

// buildIdentity decides who issues tokens: the configured issuers, the configured secret, or this program itself.
func (e *embedded) buildIdentity(context.Context) error {
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
	e.verifier, err = auth.New(auth.Options{Issuers: issuers, Store: e.db, Log: e.log, Metrics: authMetrics(e.metrics)})
	if err != nil {
		return fmt.Errorf("TANDEM_AUTH_ISSUERS: %w", err)
	}
	if e.secret != nil && e.cfg.AuthURL == "" && e.cfg.loopback() {
		e.signIn = auth.NewSignIn(auth.SignInOptions{User: localUser, Secret: e.secret, Devices: e.db, Metrics: authMetrics(e.metrics)})
	}
	return nil
}

// shortToken signs a token of fifteen minutes.
func (e *embedded) shortToken(user tandem.UserID) (string, error) {
	if e.secret == nil {
		return "", errors.New("tokens come from the issuers of TANDEM_AUTH_ISSUERS; this program signs none")
	}
	now := time.Now()
	return auth.Sign(e.secret, auth.Grant{User: user, Issued: now, Expires: now.Add(15 * time.Minute)})
}

// link is a new one-time sign-in link; empty where people sign in elsewhere.
func (e *embedded) link() string {
	if e.signIn == nil {
		return ""
	}
	return e.cfg.PublicURL + "/#code=" + e.signIn.Code()
}

// subscription is one row of the table that says who consumes what.
type subscription struct {
	topic   tandem.Topic
	group   string
	handler inproc.Handler
}

func (e *embedded) subscriptions() []subscription {
	r := &recur.Worker{Store: e.db, Made: e.metrics.Recurred}
	n := &notify.Worker{Store: e.db}
	a := &audit.Worker{Trail: e.db}
	return []subscription{
		{tandem.TopicTaskEvents, recur.Consumer, r.Handle},
		{tandem.TopicTaskEvents, remind.Consumer, e.reminder.Handle},
		{tandem.TopicTaskEvents, audit.Consumer, a.Handle},
		{tandem.TopicReminders, notify.Consumer, inproc.Handler(once.Guard(e.db, notify.Consumer, e.owner, n.Handle))},
		{tandem.TopicReminders, audit.Consumer, a.Handle},
	}
}

func (e *embedded) buildWorkers(context.Context) error {
	e.reminder = &remind.Worker{Store: e.db, Now: time.Now, Log: e.log, Metrics: remindMetrics(e.metrics)}
	e.timer = inproc.NewTimer(e.reminder.OnTimer)
	e.reminder.Timer = e.timer
	e.bus = inproc.NewBus(e.setAside)
	for _, s := range e.subscriptions() {
		e.bus.Subscribe(s.topic, s.group, s.handler)
	}
	e.relay = relay.New(e.db, e.bus, e.log)
	e.relay.Metrics = relayMetrics(e.metrics)
	e.db.OnCommit = func(d tandem.Delta) { //nolint:contextcheck // a commit's news belongs to no request
		// News of a commit belongs to no request. The channel takes it without failing; whoever misses it reads the log.
		_ = e.channels.Publish(context.Background(), tandem.Signal{User: d.User, Delta: &d})
		e.relay.Kick()
	}
	return nil
}

// setAside keeps an event that no one could take.
func (e *embedded) setAside(ctx context.Context, topic tandem.Topic, group string, event json.RawMessage, reason string) error {
	e.metrics.DeadLetter(string(topic), group)
	e.log.ErrorContext(ctx, "event set aside", "topic", topic, "consumer", group, "reason", reason)
	return e.db.AddDeadLetter(ctx, topic, group, event, reason)
}

func (e *embedded) buildAgent(ctx context.Context) error {
	tag, _ := version()
	e.box = tools.New(tools.Options{
		Store: e.db, Log: e.log, Metrics: toolMetrics(e.metrics), PublicURL: e.cfg.PublicURL, Version: tag,
		Watch: func(ctx context.Context, user tandem.UserID, f func(tandem.Signal)) (func(), error) {
			return e.channels.Join(ctx, user, f)
		},
	})
	o := agent.Options{
		Store: e.db, Tools: bindTools(e.box), Fallback: planner.New(), Owner: e.owner, Log: e.log, Metrics: agentMetrics(e.metrics),
		Limits:  agent.Limits{DayTokens: e.cfg.TokenBudget},
		Publish: func(s tandem.Signal) { _ = e.channels.Publish(ctx, s) },
	}
	if e.cfg.ModelKey != "" {
		o.Primary = llm.New(llm.Options{Key: e.cfg.ModelKey, BaseURL: e.cfg.ModelURL, Model: e.cfg.ModelName, Log: e.log})
	}
	e.agent = agent.New(o)
	return nil
}

func (e *embedded) buildSync(context.Context) error {
	e.hub = hub.New(hub.Options{Channel: e.channels, Store: e.db, Turns: turnsOf{e.agent, e.db}, Metrics: hubMetrics(e.metrics), Log: e.log})
	e.sessions = session.New(session.Options{
		Hub: e.hub, Tools: socketTools{e.box}, Mids: e.db, Settings: e.db, History: e.db,
		Assistant: socketAssistant{e.agent, func(user tandem.UserID) error { return e.http.SpendTurn(user) }},
		Parse:     parseWords, PublicURL: e.cfg.PublicURL, Metrics: sessionMetrics(e.metrics), Log: e.log,
		Verify: func(ctx context.Context, token string) (session.Principal, error) {
			p, err := e.verifier.Token(ctx, token)
			return principal(p), err
		},
	})
	return nil
}

func (e *embedded) buildHTTP(context.Context) error {
	page := web.Dist()
	if e.cfg.WebDir != "" {
		page = os.DirFS(e.cfg.WebDir)
	}
	var err error
	e.http, err = rest.New(rest.Options{
		Verifier: e.verifier, SignIn: e.signIn, Assistant: restAssistant{e.agent}, ChatKit: e.db, Actions: chatKitAction(e.box), Calendar: e.db,
		Socket: func(w http.ResponseWriter, r *http.Request, p auth.Principal) { e.sessions.Serve(w, r, principal(p)) },
		MCP:    func(w http.ResponseWriter, r *http.Request, p auth.Principal) { e.box.Serve(w, r, mcpCaller(p)) }, //nolint:contextcheck // r carries it
		Scrape: e.metrics.Handler(), Web: page, WebLive: e.cfg.WebDir != "",
		Ready:     func(ctx context.Context) error { return errors.Join(e.verifier.Ready(), e.db.Ping(ctx)) },
		PublicURL: e.cfg.PublicURL, AuthURL: e.cfg.AuthURL, Proxies: e.cfg.Proxies, Log: e.log, Metrics: restMetrics(e.metrics),
	})
	if err != nil {
		return err
	}
	e.metrics.Routes(e.http.Routes())
	return nil
}

// tasks are the loops of the process.
func (e *embedded) tasks() []task {
	return []task{
		{"token keys", e.verifier.Run},
		{"relay", e.relay.Run},
		{"timer", e.timer.Run},
		{"reminders", e.reminder.Run},
		{"agent", e.agent.Run},
		{"hub", e.hub.Run},
		{"sessions", e.drainSessions},
		{"purge", e.purge},
	}
}

// drainSessions ends the open connections when the process is to stop.
func (e *embedded) drainSessions(ctx context.Context) error {
	<-ctx.Done()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 30*time.Second)
	defer cancel()
	return e.sessions.Drain(ctx)
}
