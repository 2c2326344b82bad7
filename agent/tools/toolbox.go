package tools

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"slices"
	"time"

	"tandem"
)

// Store is what the tools need of a store. Edit commits a decision or nothing; see tandem.Edit.
type Store interface {
	Edit(ctx context.Context, user tandem.UserID, e tandem.Edit) (tandem.Outcome, error)
	List(ctx context.Context, user tandem.UserID, q tandem.Query) (tandem.Page, error)
	Settings(ctx context.Context, user tandem.UserID) (tandem.Settings, error)

	AddApproval(ctx context.Context, user tandem.UserID, cause tandem.Cause, a tandem.Approval) error
	// Approval gives an approval in any state; not_found for an unknown one.
	Approval(ctx context.Context, user tandem.UserID, id string) (tandem.Approval, error)
	// PendingApprovals gives those that wait for an answer and have not expired, newest first; of all conversations where
	// conversation is 0.
	PendingApprovals(ctx context.Context, user tandem.UserID, conversation int64) ([]tandem.Approval, error)
	// GrantedApproval gives the approval of a call that was answered with yes and not used yet.
	GrantedApproval(ctx context.Context, user tandem.UserID, tool, hash string) (tandem.Approval, bool, error)
	// DecideApproval answers a question, once; conflict when it is decided or has expired.
	DecideApproval(ctx context.Context, user tandem.UserID, cause tandem.Cause, id string, yes bool, by string) (tandem.Approval, error)
}

// Kind says what kind of hand makes a call. It decides which calls wait for a yes.
type Kind string

// The kinds of callers.
const (
	Person  Kind = "person"  // a person's own device: never asked
	Program Kind = "program" // /mcp, stdio, a socket with a personal access token
	Agent   Kind = "agent"   // the assistant, in a conversation
)

// Caller is the verified principal of a call and what surrounds it.
type Caller struct {
	User tandem.UserID
	Kind Kind
	// Scopes of the token; nil holds all of them, empty holds none.
	Scopes []string
	// Token is the id of the personal access token; empty for another credential. What was opened with it ends when it is revoked.
	Token string
	// Expires is when the caller's token does; zero: never. A stream of notifications ends then.
	Expires time.Time
	// Zone is the IANA name of the zone in which the conversation is held; empty: the person's own.
	Zone string
	// Now fixes the moment at which words are read, for all calls of one turn; zero: the moment of the call.
	Now time.Time
	// Settings are the person's, where the caller has read them; nil: each call reads them.
	Settings *tandem.Settings
	// Cause is stamped on what the call writes. Its OpID is the op_id of a call that names none itself, its Caller the scope
	// of undo "last".
	Cause tandem.Cause
	// IfVersion refuses the call with conflict unless its one task has this version; 0: any.
	IfVersion int64
	// Words are what the person said, against which the dates of the assistant are held; nil: no check.
	Words *Words
	// Policy is asked inside the transaction of each write of the assistant, dry runs and repeated calls aside, with what it is
	// about to commit. An error refuses the write and is the call's error. It is quick and does no I/O.
	Policy func(Effect) *tandem.Error
}

// Effect is what a write is about to commit.
type Effect struct {
	Tool string
	// Changes hold each task before and after; a new task has no Before, and neither number nor version are given out yet.
	Changes []tandem.TaskChange
	// Unsaid lists dates that neither the person's words nor a result of this turn name; see Words.
	Unsaid []string
}

func (c Caller) may(scope string) bool {
	return c.Scopes == nil || slices.Contains(c.Scopes, scope)
}

// lacks refuses a tool whose scope the caller's token does not hold.
func lacks(tool, scope string) *tandem.Error {
	return tandem.Forbidden("scope", "This token may not call %s; it lacks the scope %s.", tool, scope)
}

// Metrics are called at each call; nil funcs are left out.
type Metrics struct {
	Called  func(tool, outcome string, took time.Duration) // outcome: ok, replayed, or the error's code
	Limited func(limit string)                             // reads or writes
}

// Options make a Toolbox. Store is required.
type Options struct {
	Store     Store
	Now       func() time.Time // default time.Now
	NewID     func() string    // UUIDv7; default tandem.NewID
	Log       *slog.Logger     // default: discards
	Metrics   Metrics
	Limits    Limits
	Shared    Shared   // counts calls; nil: this process counts for itself
	PublicURL string   // the address under which /mcp is reached; its Host and Origin are accepted
	Origins   []string // further origins whose pages may call /mcp
	Version   string   // of the program, told to clients
	// Watch calls f for each signal of the user's channel until the returned func is called. It feeds resource subscriptions;
	// nil: none are offered.
	Watch func(ctx context.Context, user tandem.UserID, f func(tandem.Signal)) (leave func(), err error)
}

// Toolbox runs the five tools for any caller. It is safe for use by many goroutines.
type Toolbox struct {
	Options
	wireLog *slog.Logger
	limits  *limiter
}

// New makes a Toolbox.
func New(o Options) *Toolbox {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.NewID == nil {
		o.NewID = tandem.NewID
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	return &Toolbox{Options: o, wireLog: slog.New(quiet{o.Log.Handler()}), limits: newLimiter(o.Limits, o.Shared, o.Now)}
}

// Result is the answer to a call.
type Result struct {
	// Structured is the JSON object of the contract.
	Structured json.RawMessage
	// Text is the first text block of an MCP result: the earlier reading's JSON.
	Text string
	// Seq is the number of the write; 0 for a read and a dry run.
	Seq tandem.Seq
	// OpID names the operation, for undo.
	OpID string
	// Wrote reports that this very call changed something; a repeated call is Replayed instead.
	Wrote    bool
	Replayed bool
}

// Call runs one tool. Every error is a *tandem.Error; one that says needs_approval carries the question in its details. What
// a call changes, it changes at once or not at all, also when ctx ends on the way.
func (tb *Toolbox) Call(ctx context.Context, c Caller, tool string, args json.RawMessage) (res Result, err error) {
	start := tb.Now()
	named := tool
	if specs[tool].run == nil {
		named = "unknown"
	}
	ctx, end := tandem.Begin(ctx, tandem.Step{Name: "tool", Attrs: []slog.Attr{slog.String("tool", named), slog.String("user_id", string(c.User))}})
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic in %s: %v\n%s", tool, p, debug.Stack())
		}
		err = tb.settle(ctx, c, tool, err)
		tb.measure(named, res, err, tb.Now().Sub(start))
		end(err)
	}()
	spec, ok := specs[tool]
	if !ok {
		return Result{}, tandem.NotOneOf("tool", tool, Names)
	}
	if !c.may(spec.scope) {
		return Result{}, lacks(tool, spec.scope)
	}
	if err := tb.limits.take(ctx, c.User, spec.scope == tandem.ScopeRead); err != nil {
		tb.limited(err)
		return Result{}, err
	}
	a, err := parseArguments(tool, args, spec.properties)
	if err != nil {
		return Result{}, err
	}
	if owner := a.text("user_id"); owner != nil && *owner != string(c.User) {
		return Result{}, tandem.Forbidden("user_id", "These are somebody else's tasks.")
	}
	if a.err != nil {
		return Result{}, a.err
	}
	settings, err := tb.settings(ctx, c)
	if err != nil {
		return Result{}, err
	}
	return spec.run(tb, ctx, call{Caller: c, tool: tool, args: a, settings: settings, now: tb.moment(c)})
}

// call is one call on its way.
type call struct {
	Caller
	tool     string
	args     *arguments
	settings tandem.Settings
	now      time.Time
}

func (tb *Toolbox) settings(ctx context.Context, c Caller) (tandem.Settings, error) {
	if c.Settings != nil {
		return *c.Settings, nil
	}
	return tb.Store.Settings(ctx, c.User)
}

// moment is when the words of a call are read.
func (tb *Toolbox) moment(c Caller) time.Time {
	now := c.Now
	if now.IsZero() {
		now = tb.Now()
	}
	return now.UTC().Truncate(time.Millisecond)
}

// clock reads the words of a call, in its time_zone or else in the caller's zone.
func (c call) clock() (clock, error) {
	zone := c.args.phrase("time_zone")
	if c.args.err != nil {
		return clock{}, c.args.err
	}
	return newClock(c.now, c.settings, zone, c.Zone)
}

// settle makes a *tandem.Error of any error. What is not for the person goes to the log, under an id that the person sees.
func (tb *Toolbox) settle(ctx context.Context, c Caller, tool string, err error) error {
	if err == nil {
		return nil
	}
	e := tandem.AsError(err)
	if e.Code != tandem.CodeInternal || e.Details.RetryMS > 0 { // a store that does not answer is worth another call, and says so
		return e
	}
	id := tb.NewID()
	if ctx.Err() == nil || !errors.Is(err, ctx.Err()) {
		tb.Log.ErrorContext(ctx, "tool call failed", "tool", tool, "user_id", c.User, "turn_id", c.Cause.TurnID, "error_id", id, "err", err)
	}
	shown := &tandem.Error{Code: tandem.CodeInternal, Message: "Something went wrong on our side (" + id + ")."}
	return shown.Because(err)
}

func (tb *Toolbox) measure(tool string, res Result, err error, took time.Duration) {
	if tb.Metrics.Called == nil {
		return
	}
	outcome := "ok"
	if err != nil {
		outcome = string(tandem.AsError(err).Code)
	} else if res.Replayed {
		outcome = "replayed"
	}
	tb.Metrics.Called(tool, outcome, took)
}

func (tb *Toolbox) limited(err error) {
	if tb.Metrics.Limited != nil {
		tb.Metrics.Limited(tandem.AsError(err).Details.Field)
	}
}
