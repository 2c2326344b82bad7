package agent

import (
	"context"
	"encoding/json"
	"time"

	"tandem"
)

// Store is the truth behind turns: what must outlive this process.
type Store interface {
	Turns
	Approvals
	Memory
	Spending
}

// Turns keeps turns with their leases. Writes are fenced by LeaseOwner and Attempt: an owner that lost its lease gets conflict.
type Turns interface {
	// StartTurn stores the person's message and the turn in one write. The same id with the same hash gives the turn that is
	// there, and true; with another hash conflict. limited: a turn runs in this conversation, or too many of this user.
	StartTurn(ctx context.Context, user tandem.UserID, s tandem.TurnStart) (tandem.Turn, bool, error)
	// SaveTurn stores Reply, Calls, N and Engine, and extends the lease. It reports whether the person asked to stop.
	SaveTurn(ctx context.Context, t tandem.Turn) (cancel bool, err error)
	// EndTurn stores the reply and the turn's end in one write; respond renders the answer that is kept for repeats.
	EndTurn(ctx context.Context, t tandem.Turn, reply tandem.Message,
		respond func(tandem.Seq, tandem.Message) (json.RawMessage, error)) (tandem.Turn, tandem.Message, error)
	Turn(ctx context.Context, user tandem.UserID, id string) (tandem.Turn, error)
	RunningTurns(ctx context.Context, user tandem.UserID) ([]tandem.Turn, error)
	RequestCancel(ctx context.Context, user tandem.UserID, id string) error
	// TakeTurns gives owner the running turns whose lease has ended, with the next Attempt.
	TakeTurns(ctx context.Context, owner string, now time.Time, limit int) ([]tandem.Turn, error)
}

// Approvals keeps the questions that wait for a person.
type Approvals interface {
	AddApproval(ctx context.Context, user tandem.UserID, cause tandem.Cause, a tandem.Approval) error
	Approval(ctx context.Context, user tandem.UserID, id string) (tandem.Approval, error)
	// PendingApprovals lists the undecided ones of a conversation (0: of all), newest first.
	PendingApprovals(ctx context.Context, user tandem.UserID, conversation int64) ([]tandem.Approval, error)
	// DecideApproval settles it once; conflict when it is decided or expired.
	DecideApproval(ctx context.Context, user tandem.UserID, cause tandem.Cause, id string, yes bool, by string) (tandem.Approval, error)
	ExpireApprovals(ctx context.Context, now time.Time, limit int) (int, error)
}

// Memory gives what was said, and the person's settings.
type Memory interface {
	// Transcript gives the messages before the named one (empty: the newest), oldest first, hidden ones included.
	Transcript(ctx context.Context, user tandem.UserID, conversation int64, before string, limit int) ([]tandem.Message, bool, error)
	Settings(ctx context.Context, user tandem.UserID) (tandem.Settings, error)
}

// Spending counts the tokens that models used for each user and day, in UTC. All processes count together.
type Spending interface {
	Spent(ctx context.Context, user tandem.UserID, at time.Time) (tokens int64, err error)
	Spend(ctx context.Context, user tandem.UserID, at time.Time, tokens int64) error
}

// Tools are the product's tools bound to one turn and its user. They are called from several goroutines.
type Tools interface {
	// List describes the tools to a model.
	List() []Tool
	// Call runs one. What the tool refuses is a result with isError and a structured error of the contract; err is a
	// transport that failed.
	Call(ctx context.Context, tool string, arguments json.RawMessage) (result json.RawMessage, isError bool, err error)
	Close() error
}

// Binding ties the tools to a turn.
type Binding struct {
	User         tandem.UserID
	Turn         string
	Conversation int64
	MessageID    string    // of the person's words
	Words        string    // the person's own words, against which a date of the model is checked; empty: of the planner
	Now          time.Time // in which relative dates are read
	Zone         string    // IANA name; empty: the user's
	Settings     tandem.Settings
	Scopes       []string // of the token with which the turn was asked for; nil: all
	// Guard is asked inside the transaction of each write that is neither a replay nor a dry run, with what it is about to
	// commit. An error refuses the write and is the call's error. It is quick and does no I/O.
	Guard func(Effect) *tandem.Error
}

// Effect is what a write is about to commit. The changes hold the state of each task before and after; a new task has no
// Before, and neither number nor version are given out yet.
type Effect struct {
	Tool    string
	Changes []tandem.TaskChange
	Unsaid  []string // dates that neither the words nor a result of this turn name
}
