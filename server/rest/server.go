package rest

import (
	"context"
	"encoding/json"
	"io/fs"
	"iter"
	"log/slog"
	"net/http"
	"net/netip"
	"sync/atomic"
	"time"

	"github.com/go-chi/chi/v5"

	"tandem"
	"tandem/server/auth"
)

// Ask is one message to the assistant.
type Ask struct {
	TurnID       string // a UUID; the idempotency key
	Conversation int64  // 0: a new one
	Text         string
	Zone         string // IANA name; empty: the user's
	// Retry is the id of the user's message that is answered again, whose words Text repeats. What came after it gives way to
	// this turn, and the calls keep their op ids.
	Retry   string
	Program bool     // asked with a personal access token
	Scopes  []string // nil: all
}

// Ticket names a turn that has begun.
type Ticket struct {
	TurnID       string
	Conversation int64
	MessageID    string // of the user's words
}

// Assistant is what the chat endpoint drives. A turn belongs to it, not to the request that began it.
type Assistant interface {
	// Start makes the turn durable and begins it. A repeated turn id gives the ticket of the first; with another text it is
	// a conflict.
	Start(ctx context.Context, user tandem.UserID, ask Ask) (Ticket, error)
	// Wait gives the whole answer, in the form of the chat endpoint, once the turn has ended.
	Wait(ctx context.Context, user tandem.UserID, turn string) (json.RawMessage, error)
	// Watch gives what has happened so far and what happens until the turn has ended.
	Watch(ctx context.Context, user tandem.UserID, turn string) iter.Seq[tandem.TurnEvent]
	// Cancel stops a running turn.
	Cancel(ctx context.Context, user tandem.UserID, turn string) error
	// Approve answers a question of the assistant; what follows from it is a turn of its own in the same conversation, begun
	// when Approve returns. args may choose or narrow; by names the device.
	Approve(ctx context.Context, user tandem.UserID, approval string, ok bool, args json.RawMessage, by string) error
}

// Calendar is what the calendar feed reads.
type Calendar interface {
	// FeedByHash gives whose feed has a secret with this hash; not_found for an unknown or revoked one.
	FeedByHash(ctx context.Context, hash string) (tandem.UserID, error)
	Settings(ctx context.Context, user tandem.UserID) (tandem.Settings, error)
	List(ctx context.Context, user tandem.UserID, q tandem.Query) (tandem.Page, error)
}

// Metrics counts; nil fields are not called.
type Metrics struct {
	// Request counts an answered request. A socket is counted when it ends.
	Request func(route, method string, code int, took time.Duration)
	// Limited counts a request over one of LimitNames.
	Limited func(limit string)
}

// Options of a Server. Nil ports are answered with 404.
type Options struct {
	Verifier  *auth.Verifier
	SignIn    *auth.SignIn
	Assistant Assistant
	ChatKit   Threads // with Assistant: the ChatKit protocol
	Actions   Actions // with ChatKit: ticking tasks in its lists
	// ChatKitDomainKey switches the page /chatkit on, which loads ChatKit's front end from its maker.
	ChatKitDomainKey string
	Calendar         Calendar
	Tokens           Tokens
	// Socket takes an upgrade over whose credential, path and origin are in order. It returns when the connection has ended.
	Socket func(http.ResponseWriter, *http.Request, auth.Principal)
	MCP    func(http.ResponseWriter, *http.Request, auth.Principal)
	// Upstream answers what belongs to the API, in the place of the ports above; nil: they do.
	Upstream http.Handler
	Probes   *Probes // nil: always ready, no /metrics
	// ProbesApart keeps the probes off this surface: they are served on an address of their own.
	ProbesApart bool
	Web         fs.FS // the page and its files
	// WebLive reads Web anew for each request, for work on the page.
	WebLive bool

	PublicURL string         // scheme and host under which people reach the server
	AuthURL   string         // of an outside sign-in
	AnyHost   bool           // take every Host: something in front of the server checks it
	Proxies   []netip.Prefix // whose X-Forwarded-For is believed

	Limits  Limits
	Shared  Shared // counts turns and upgrades; nil: this process counts for itself
	Now     func() time.Time
	NewID   func() string
	Log     *slog.Logger
	Metrics Metrics
	Trace   tandem.Tracer // nil: requests begin no trace
}

// Server is the HTTP surface as a handler.
type Server struct {
	Options
	mux      *chi.Mux
	site     *site
	public   origin
	perIP    *addresses
	upgrades *addresses
	opening  atomic.Int64 // upgrades that are not through yet
	turns    *budget
}

// New makes the surface over its ports.
func New(o Options) (*Server, error) {
	o.fillIn()
	public, err := parseOrigin(o.PublicURL)
	if err != nil {
		return nil, err
	}
	s := &Server{
		Options: o, public: public,
		perIP:    newAddresses(o.Limits.Requests, o.Now),
		upgrades: newAddresses(o.Limits.Upgrades, o.Now),
		turns:    newBudget(o.Limits.Turns, turnWindow, o.Now),
	}
	if s.site, err = newSite(o.Web, o.WebLive); err != nil {
		return nil, err
	}
	s.routes()
	return s, nil
}

func (o *Options) fillIn() {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.NewID == nil {
		o.NewID = tandem.NewID
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Probes == nil {
		o.Probes = &Probes{}
	}
	if o.Probes.Log == nil {
		o.Probes.Log = o.Log
	}
	if o.Metrics.Request == nil {
		o.Metrics.Request = func(string, string, int, time.Duration) {}
	}
	if o.Metrics.Limited == nil {
		o.Metrics.Limited = func(string) {}
	}
	o.Limits.fillIn()
}

func (s *Server) routes() {
	m := chi.NewMux()
	s.mux = m
	m.Use(s.account, s.headers, s.recovered, s.host, s.address, timedBody)
	m.NotFound(s.page)
	m.MethodNotAllowed(s.wrongMethod)

	get := func(pattern string, h http.HandlerFunc) {
		m.Get(pattern, h)
		m.Head(pattern, h)
	}
	get("/", s.page)
	if !s.ProbesApart {
		get("/livez", s.Probes.livez)
		get("/readyz", s.Probes.readyz)
		if s.Probes.Scrape != nil {
			get("/metrics", s.Probes.Scrape.ServeHTTP)
		}
	}
	get("/openapi.json", document(openAPI))
	get("/asyncapi.json", document(asyncAPI))
	get("/version.json", s.version)
	if s.ChatKitDomainKey != "" && (s.ChatKit != nil || s.Upstream != nil) {
		s.chatKitRoutes(get)
	}
	if s.Upstream != nil {
		for _, pattern := range []string{"/api/*", mcpPath, "/auth/*", "/feeds/*", metadataPath, metadataPath + mcpPath} {
			m.Handle(pattern, s.Upstream)
		}
		return
	}
	get(metadataPath, s.resourceMetadata)
	get(metadataPath+mcpPath, s.resourceMetadata)
	if s.Assistant != nil {
		m.Post("/api/{user_id}/chat", s.chat)
	}
	if s.Socket != nil {
		m.Get("/api/{user_id}/ws", s.socket)
	}
	if s.Tokens != nil {
		get(tokensPath, s.listTokens)
		m.Post(tokensPath, s.makeToken)
		m.Delete(tokensPath+"/{token_id}", s.revokeToken)
	}
	if s.MCP != nil {
		for _, method := range []string{http.MethodGet, http.MethodPost, http.MethodDelete} {
			m.MethodFunc(method, mcpPath, s.mcp)
		}
	}
	if s.SignIn != nil {
		m.Post("/auth/session", s.openSession)
		m.Delete("/auth/session", s.closeSession)
		m.Post("/auth/token", s.fetchToken)
	}
	if s.Calendar != nil {
		get("/feeds/{secret}.ics", s.feed)
	}
}

// ServeHTTP answers one request.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.mux.ServeHTTP(w, r) }
