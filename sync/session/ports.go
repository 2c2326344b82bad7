package session

import (
	"context"
	"encoding/json"
	"slices"
	"time"

	"tandem"
	"tandem/sync/wire"
)

// Principal is whom the verified credential of a connection speaks for.
type Principal struct {
	User    tandem.UserID
	Expires time.Time // zero: never
	Issuer  string
	Program bool // a personal access token: not the person's own hands
	TokenID string
	Scopes  []string // nil: all
}

func (p Principal) may(scope string) bool { return p.Scopes == nil || slices.Contains(p.Scopes, scope) }

// accessToken is the id of the personal access token; empty for a JWT, whose ids nobody revokes.
func (p Principal) accessToken() string {
	if !p.Program {
		return ""
	}
	return p.TokenID
}

func (p Principal) mayAll() bool {
	return !slices.ContainsFunc(tandem.Scopes, func(s string) bool { return !p.may(s) })
}

// Caller is in whose name a tool is called.
type Caller struct {
	User    tandem.UserID
	Client  string
	Mid     int64 // 0: not a mutation of its own
	Program bool
	TokenID string
	Scopes  []string
	// IfVersion refuses the call with conflict unless its task has this version; 0: any.
	IfVersion int64
}

// Tools runs the five tools.
type Tools interface {
	// Call gives the structured result. Where it writes, the write settles the caller's Mid in its own transaction. What a
	// tool refuses is a *tandem.Error.
	Call(ctx context.Context, c Caller, tool string, args json.RawMessage) (json.RawMessage, error)
}

// Mids keeps what came of each client's mutations.
type Mids interface {
	LastMid(ctx context.Context, user tandem.UserID, client string) (int64, error)
	// MidOutcome gives what was stored for a settled mid; false for one that is not settled or forgotten.
	MidOutcome(ctx context.Context, user tandem.UserID, client string, mid int64) (tandem.Outcome, bool, error)
	// UseMid settles the mid with an outcome, unless it is settled. One that leaps ahead is a conflict over "mid".
	UseMid(ctx context.Context, user tandem.UserID, client string, mid int64, outcome json.RawMessage) error
}

// Settings keeps what is a person's own.
type Settings interface {
	Settings(ctx context.Context, user tandem.UserID) (tandem.Settings, error)
	// Set carries out an edit and settles its mid in one transaction.
	Set(ctx context.Context, user tandem.UserID, e tandem.SetEdit) (tandem.Outcome, error)
}

// Seats counts the connections of a user in all processes.
type Seats interface {
	// Take takes a seat for one more connection, unless the user has limit of them; free gives it back. Where other processes cannot
	// be asked, the connections of this one alone are counted.
	Take(ctx context.Context, user tandem.UserID, limit int) (free func(), ok bool)
}

// History gives older messages.
type History interface {
	// History gives up to limit messages before the named one (empty: the newest), oldest first, and whether there are more.
	History(ctx context.Context, user tandem.UserID, conv int64, before string, limit int) ([]tandem.Message, bool, error)
}

// ChatRequest starts a turn.
type ChatRequest struct {
	Turn         string
	Conversation int64 // 0: a new one
	Text         string
	Zone         string // IANA name; empty: the person's
	Client       string
	Program      bool
	TokenID      string
	Scopes       []string
}

// Assistant runs turns.
type Assistant interface {
	// Chat starts a turn that outlives the connection; its events come as signals. True: the turn was there already.
	Chat(ctx context.Context, user tandem.UserID, r ChatRequest) (replayed bool, err error)
	Cancel(ctx context.Context, user tandem.UserID, turn string) error
	// Approve answers a question; by names the device.
	Approve(ctx context.Context, user tandem.UserID, approval string, ok bool, args json.RawMessage, by string) error
}

// Parser reads the words in a composer, in the person's conventions and the given zone. It does no I/O.
type Parser func(s tandem.Settings, text string, zone *time.Location, now time.Time) wire.Parsed

// Verifier verifies the token of a renewal.
type Verifier func(ctx context.Context, token string) (Principal, error)

// Metrics are told what happens; nil fields are not called.
type Metrics struct {
	Connections func(delta int)
	Closed      func(code int) // 1006: lost
	Limited     func(limit string)
	// Answered: a mutation was answered d after it was read; code is ok or the code of its refusal.
	Answered func(tool, code string, d time.Duration)
}

func (m Metrics) filled() Metrics {
	if m.Connections == nil {
		m.Connections = func(int) {}
	}
	if m.Closed == nil {
		m.Closed = func(int) {}
	}
	if m.Limited == nil {
		m.Limited = func(string) {}
	}
	if m.Answered == nil {
		m.Answered = func(string, string, time.Duration) {}
	}
	return m
}

// The limits that Metrics.Limited is told of.
const (
	LimitAdmission = "admission"
	LimitSockets   = "sockets"
	LimitMessages  = "messages"
	LimitLine      = "line"
)
