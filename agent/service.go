package agent

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"
	"unicode/utf8"

	"tandem"
)

// Options make a Service. Store, Tools, Fallback, Publish and Owner are required.
type Options struct {
	Store Store
	// Tools binds the tools to a turn; the turn closes them.
	Tools func(ctx context.Context, b Binding) (Tools, error)
	// Primary is asked first; nil: only Fallback. Fallback answers, and says so, when Primary's circuit is open, the user's
	// budget is spent, or it fails before the turn's first call.
	Primary  Model
	Fallback Model
	// Publish sends a signal on its user's channel. It must not block.
	Publish func(tandem.Signal)
	// Join listens on a user's channel while a turn runs, for a cancel that another process was asked for; nil, or when it
	// fails: that is noticed when the turn is saved.
	Join  func(ctx context.Context, user tandem.UserID, deliver func(tandem.Signal)) (leave func(), err error)
	Owner string // names this process in leases
	// Alone says that no other process can hold a lease: what was left running is taken over when Run begins, not when its
	// lease ends.
	Alone   bool
	Now     func() time.Time // default time.Now
	NewID   func() string    // default tandem.NewID
	Limits  Limits
	Metrics Metrics
	Log     *slog.Logger // default: discards
}

// Limits bound a turn. Zero fields take the default in brackets.
type Limits struct {
	Rounds     int           // of the model [8]
	Calls      int           // of tools [25]
	Writes     int           // calls that may change something [10]
	Unreadable int           // calls of unknown tools or with arguments that are no object, answered with an error [2]
	FirstToken time.Duration // [30 s]
	Stall      time.Duration // between two pieces of a stream [20 s]
	Turn       time.Duration // [120 s]
	Flush      time.Duration // text is gathered for that long [30 ms]
	Save       time.Duration // partial text is saved that often [1 s]
	Sweep      time.Duration // between looks for abandoned turns [5 s]
	Drain      time.Duration // how long running turns may go on when Run is to end [20 s]
	Live       int           // turns of this process at once [512]
	TurnTokens int64         // of one turn, input and output [200,000]
	DayTokens  int64         // of one user and day, in UTC; beyond them Fallback answers; negative: none [2,000,000]
}

func (l Limits) withDefaults() Limits {
	set := func(p *int, v int) {
		if *p == 0 {
			*p = v
		}
	}
	span := func(p *time.Duration, v time.Duration) {
		if *p == 0 {
			*p = v
		}
	}
	set(&l.Rounds, 8)
	set(&l.Calls, 25)
	set(&l.Writes, 10)
	set(&l.Unreadable, 2)
	set(&l.Live, 512)
	span(&l.FirstToken, 30*time.Second)
	span(&l.Stall, 20*time.Second)
	span(&l.Turn, 120*time.Second)
	span(&l.Flush, 30*time.Millisecond)
	span(&l.Save, time.Second)
	span(&l.Sweep, 5*time.Second)
	span(&l.Drain, 20*time.Second)
	if l.TurnTokens == 0 {
		l.TurnTokens = 200_000
	}
	if l.DayTokens == 0 {
		l.DayTokens = 2_000_000
	}
	return l
}

// Metrics are called as things happen; nil funcs are left out. Labels are of closed sets.
type Metrics struct {
	Running    func(delta int)
	Ended      func(status tandem.TurnStatus, engine string, took time.Duration)
	FirstToken func(engine string, after time.Duration)
	Tokens     func(kind string, n int64) // input, output
	ModelError func(reason string)        // http, timeout, stall, endless, open, budget
	Approval   func(outcome string)       // asked, yes, no
}

// Service runs turns. Its methods may be called from any goroutine; turns make progress while Run runs.
type Service struct {
	Options
	circuit breaker
	lead    atomic.Pointer[Model] // what Lead set; nil: nothing yet

	mu     sync.Mutex
	turns  map[turnKey]*live // running here, and for a while after their end
	launch func(*live)       // begins to work on a turn; nil: Run does not run
	work   chan *live
	closed chan struct{} // Run has begun to end
	once   sync.Once
}

type turnKey struct {
	user tandem.UserID
	id   string
}

// New makes a Service; Run starts it.
func New(o Options) *Service {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.NewID == nil {
		o.NewID = tandem.NewID
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	o.Limits = o.Limits.withDefaults()
	o.Metrics = o.Metrics.withDefaults()
	return &Service{
		Options: o, turns: map[turnKey]*live{}, work: make(chan *live), closed: make(chan struct{}),
	}
}

// Lead makes m the model that is asked first, in place of Primary, from the next turn on; nil: only Fallback answers.
func (s *Service) Lead(m Model) { s.lead.Store(&m) }

func (s *Service) primary() Model {
	if m := s.lead.Load(); m != nil {
		return *m
	}
	return s.Primary
}

func (m Metrics) withDefaults() Metrics {
	if m.Running == nil {
		m.Running = func(int) {}
	}
	if m.Ended == nil {
		m.Ended = func(tandem.TurnStatus, string, time.Duration) {}
	}
	if m.FirstToken == nil {
		m.FirstToken = func(string, time.Duration) {}
	}
	if m.Tokens == nil {
		m.Tokens = func(string, int64) {}
	}
	if m.ModelError == nil {
		m.ModelError = func(string) {}
	}
	if m.Approval == nil {
		m.Approval = func(string) {}
	}
	return m
}

// Ask is what a person writes to the assistant.
type Ask struct {
	TurnID       string // the client's UUID; empty: made here
	Conversation int64  // 0: a new one
	Title        string // of a new conversation; empty: from the text
	Text         string
	Zone         string // IANA name in which the words are read; empty: the person's
	Cause        tandem.Cause
	// Scopes of the token with which it is asked; nil holds all of them. The turn's calls hold no more.
	Scopes []string
	// Program: asked with a personal access token. A program's words answer no question that waits for the person.
	Program bool
	// Again is the id of the person's message that this turn answers once more, whose words Text repeats. What came after it
	// in the conversation goes; calls that were made keep their op ids, and so are not made twice.
	Again string
}

// Ticket names a turn that was started.
type Ticket struct {
	User         tandem.UserID
	TurnID       string
	Conversation int64
	MessageID    string // of the person's words
	Replayed     bool   // the turn had been started before
}

// Start stores the person's words with their turn and has it worked on. The same turn id with the same words gives the turn
// that is there; with other words conflict. limited: another turn runs in the conversation, too many of this user, or of
// this process; not_found: there is no such conversation. The turn does not end with ctx.
func (s *Service) Start(ctx context.Context, user tandem.UserID, ask Ask) (Ticket, error) {
	if err := ask.check(); err != nil {
		return Ticket{}, err
	}
	return s.start(ctx, user, ask, request{Words: digest(ask.Text), Again: ask.Again, Scopes: ask.Scopes, Program: ask.Program})
}

func (a *Ask) check() error {
	if n := utf8.RuneCountInString(a.Text); n == 0 || n > tandem.MaxMessage {
		return tandem.Invalid("message", n, "A message has 1 to %d characters.", tandem.MaxMessage)
	}
	if a.Zone != "" {
		if _, err := tandem.LoadZone(a.Zone); err != nil {
			return err
		}
	}
	if a.TurnID == "" {
		return nil
	}
	id, ok := tandem.ParseUID(a.TurnID)
	if !ok {
		return tandem.Invalid("turn_id", a.TurnID, "A turn id is a UUID.")
	}
	a.TurnID = id
	return nil
}

// request is what a turn was started for. It is kept as the turn's hash, so that whoever takes the turn over knows it too.
type request struct {
	Words    string          `json:"words,omitempty"` // digest of the text
	Again    string          `json:"again,omitempty"`
	Scopes   []string        `json:"scopes"` // nil: all; empty: none
	Program  bool            `json:"program,omitempty"`
	Approval string          `json:"approval,omitempty"`
	OK       bool            `json:"ok,omitempty"`
	Args     json.RawMessage `json:"args,omitempty"`
	By       string          `json:"by,omitempty"`
}

func requestOf(t tandem.Turn) (r request) {
	// A hash that is no request says nothing more than that the turn has a text.
	_ = json.Unmarshal([]byte(t.Hash), &r)
	return r
}

func digest(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:16])
}

func (s *Service) start(ctx context.Context, user tandem.UserID, ask Ask, why request) (Ticket, error) {
	if err := s.admit(); err != nil {
		return Ticket{}, err
	}
	hash, err := json.Marshal(why)
	if err != nil {
		return Ticket{}, err
	}
	if ask.TurnID == "" {
		ask.TurnID = s.NewID()
	}
	if ask.Title == "" {
		ask.Title = clip(oneLine(ask.Text), 60)
	}
	ask.Cause.Actor, ask.Cause.TurnID = tandem.ActorUser, ask.TurnID
	turn, replayed, err := s.Store.StartTurn(ctx, user, tandem.TurnStart{
		ID: ask.TurnID, Conversation: ask.Conversation, Title: ask.Title, Text: ask.Text, Zone: ask.Zone, Hash: string(hash),
		Owner: s.Owner, Again: ask.Again, Cause: ask.Cause,
	})
	if errors.Is(err, tandem.ErrConflict) {
		turn, replayed, err = s.repeated(ctx, user, ask.TurnID, why, err)
	}
	if err != nil {
		return Ticket{}, err
	}
	if !replayed {
		l := s.register(turn)
		l.fresh, l.trace = ask.Conversation == 0, tandem.TraceOf(ctx)
		s.accept(ctx, l)
	}
	return Ticket{User: user, TurnID: turn.ID, Conversation: turn.Conversation, MessageID: turn.MessageID, Replayed: replayed}, nil
}

// repeated finds the turn that has the id already, when it has the same words: a repeat may come with another token.
func (s *Service) repeated(ctx context.Context, user tandem.UserID, id string, why request, conflict error) (tandem.Turn, bool, error) {
	t, err := s.Store.Turn(ctx, user, id)
	if err != nil || why.Words == "" || requestOf(t).Words != why.Words {
		return t, false, conflict
	}
	return t, true, nil
}

// admit refuses a turn that this process has no room for.
func (s *Service) admit() error {
	select {
	case <-s.closed:
		return tandem.Limited("drain", 1000, "The server is about to restart; please try again in a moment.")
	default:
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	running := 0
	for _, l := range s.turns {
		if _, ended := l.ended(); !ended {
			running++
		}
	}
	if running >= s.Limits.Live {
		return tandem.Limited("turns", 1000, "The assistant is busy; please try again in a moment.")
	}
	return nil
}

// accept has the turn worked on. When Run does not begin in time, the turn's lease ends and another process takes it.
func (s *Service) accept(ctx context.Context, l *live) {
	if s.begin(l) {
		return
	}
	select {
	case s.work <- l:
	case <-ctx.Done():
		s.forget(l)
	case <-s.closed:
		s.forget(l)
	}
}

// begin works on a turn if Run runs. The turn begins where it was asked for, without another goroutine being woken for it.
func (s *Service) begin(l *live) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.launch == nil {
		return false
	}
	s.launch(l)
	return true
}

// remembered is how long a turn stays at hand after its end, for watchers that come just behind it.
const remembered = 30 * time.Second

func (s *Service) register(t tandem.Turn) *live {
	l := newLive(t, s.Now, s.Publish)
	s.mu.Lock()
	defer s.mu.Unlock()
	if old := s.turns[l.key]; old != nil {
		old.abandon()
	}
	for key, old := range s.turns {
		if ended, ok := old.ended(); ok && s.Now().Sub(ended) > remembered {
			delete(s.turns, key)
		}
	}
	s.turns[l.key] = l
	return l
}

func (s *Service) forget(l *live) {
	l.abandon()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.turns[l.key] == l {
		delete(s.turns, l.key)
	}
}

func (s *Service) find(user tandem.UserID, id string) *live {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.turns[turnKey{user, id}]
}

// Run works on turns until ctx ends, and takes over those whose process died. It then refuses new turns, gives running ones
// Limits.Drain to end, and leaves the rest to another process.
func (s *Service) Run(ctx context.Context) error {
	turns, stop := context.WithCancelCause(context.WithoutCancel(ctx))
	defer stop(errAbandoned)
	var running, sweeping sync.WaitGroup
	s.open(func(l *live) { running.Go(func() { s.perform(turns, l) }) })
	sweeping.Go(func() { s.sweepEach(ctx) })
	for {
		select {
		case l := <-s.work: // it came before Run
			s.begin(l)
		case <-ctx.Done():
			s.close()
			sweeping.Wait()
			s.drain(&running, stop)
			return nil
		}
	}
}

func (s *Service) open(launch func(*live)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.launch = launch
}

// close lets no more turns begin.
func (s *Service) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.launch = nil
	s.once.Do(func() { close(s.closed) })
}

func (s *Service) drain(running *sync.WaitGroup, stop context.CancelCauseFunc) {
	done := make(chan struct{})
	go func() { running.Wait(); close(done) }()
	select {
	case <-done:
	case <-time.After(s.Limits.Drain):
		stop(errAbandoned)
		<-done
	}
}

// maxTaken is how many abandoned turns one look takes over.
const maxTaken = 8

// sweepEach looks for abandoned turns, at once and then every Limits.Sweep.
func (s *Service) sweepEach(ctx context.Context) {
	for {
		for _, t := range s.sweep(ctx) {
			s.Log.InfoContext(ctx, "turn taken over", "user_id", t.UserID, "turn_id", t.ID, "attempt", t.Attempt)
			if l := s.register(t); !s.begin(l) {
				s.forget(l)
			}
		}
		if !pauseFor(ctx, s.Limits.Sweep) {
			return
		}
	}
}

func (s *Service) sweep(ctx context.Context) []tandem.Turn {
	now := s.Now()
	if _, err := s.Store.ExpireApprovals(ctx, now, 100); err != nil && ctx.Err() == nil {
		s.Log.WarnContext(ctx, "approvals were not expired", "err", err)
	}
	taken, err := s.Store.TakeTurns(ctx, s.Owner, now, maxTaken)
	if err != nil && ctx.Err() == nil {
		s.Log.WarnContext(ctx, "abandoned turns were not taken over", "err", err)
	}
	return taken
}

// Why a turn's work ends early.
var (
	errCancelled = errors.New("cancelled by the person")
	errDeadline  = errors.New("the turn took too long")
	errAbandoned = errors.New("another process goes on with the turn")
)

// Cancel stops a running turn, wherever it runs; not_found when there is none with that id. What it did stays done. A turn
// that has ended is left as it is.
func (s *Service) Cancel(ctx context.Context, user tandem.UserID, id string) error {
	if err := s.Store.RequestCancel(ctx, user, id); err != nil {
		return err
	}
	s.Publish(tandem.Signal{User: user, Control: tandem.ControlCancel, TurnID: id})
	if l := s.find(user, id); l != nil {
		l.stop(errCancelled)
	}
	return nil
}
