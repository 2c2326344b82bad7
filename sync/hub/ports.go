package hub

import (
	"context"
	"time"

	"tandem"
)

// Channel carries signals between the processes that serve a user.
type Channel interface {
	// Join calls deliver for each signal on the user's channel, from its own goroutines. The membership holds when Join
	// returns and ends when leave returns. deliver does not block. Where signals may have been lost, or the membership did not
	// hold yet, a signal with Lost set follows once it holds.
	Join(ctx context.Context, user tandem.UserID, deliver func(tandem.Signal)) (leave func(), err error)
	Publish(ctx context.Context, s tandem.Signal) error
}

// Store is the truth that rooms are filled from.
type Store interface {
	// Epoch names the history that numbers belong to. Another epoch makes all of them meaningless.
	Epoch(ctx context.Context) string
	Head(ctx context.Context, user tandem.UserID) (tandem.Head, error)
	// Heads gives the heads of many users in one read; users without a log may be absent.
	Heads(ctx context.Context, users []tandem.UserID) (map[tandem.UserID]tandem.Seq, error)
	// Log gives all changes behind from as one squashed delta; false when the log does not reach back to from, or from is
	// ahead of the head.
	Log(ctx context.Context, user tandem.UserID, from tandem.Seq) (tandem.Delta, bool, error)
	// Cost tells how many rows changed behind from, and how many rows a snapshot would hold.
	Cost(ctx context.Context, user tandem.UserID, from tandem.Seq) (changes, liveRows int, err error)
	// Snapshot gives all rows of a client in one consistent read.
	Snapshot(ctx context.Context, user tandem.UserID) (tandem.Snapshot, error)
}

// Presence tells which devices are connected to other processes.
type Presence interface {
	// Exchange notes which devices of each user are connected here, and since when; none: nobody is. It gives those that other
	// processes noted lately. Where the devices here have changed, the other processes that have the user get ControlPeople. What
	// is noted lasts three times as long as the longest pause between two comparisons.
	Exchange(ctx context.Context, here map[tandem.UserID]map[string]time.Time) (elsewhere map[tandem.UserID]map[string]time.Time, err error)
}

// Turns tells about turns what signals did not bring.
type Turns interface {
	// Running gives a state event for each running turn of the user.
	Running(ctx context.Context, user tandem.UserID) ([]tandem.TurnEvent, error)
	// Turn gives the turn as it is stored; not_found for one that the user does not have.
	Turn(ctx context.Context, user tandem.UserID, id string) (tandem.Turn, error)
}

// Metrics are told what happens; nil fields are not called. They are called under locks and must be quick.
type Metrics struct {
	// Delivered: a delta left a member's queue, d after its signal arrived here.
	Delivered func(d time.Duration)
	// Gap: numbers were missing; src is signal, head, check or ack.
	Gap func(src string)
	// Filled: a read of the log brought so many rows.
	Filled func(rows int)
	// Conflated: a member's queue was thrown away.
	Conflated func()
	// Queued: the bytes waiting in all queues changed by n.
	Queued func(n int)
	// Resumed: a member joined in this mode; why is empty unless it gets a snapshot.
	Resumed func(mode, why string)
}

// filled gives m with something to call in every field.
func (m Metrics) filled() Metrics {
	if m.Delivered == nil {
		m.Delivered = func(time.Duration) {}
	}
	if m.Gap == nil {
		m.Gap = func(string) {}
	}
	if m.Filled == nil {
		m.Filled = func(int) {}
	}
	if m.Conflated == nil {
		m.Conflated = func() {}
	}
	if m.Queued == nil {
		m.Queued = func(int) {}
	}
	if m.Resumed == nil {
		m.Resumed = func(string, string) {}
	}
	return m
}
