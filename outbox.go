package tandem

import (
	"bytes"
	"encoding/json"
	"fmt"
	"time"
)

// Outgoing is a committed event that waits for its topic.
type Outgoing struct {
	ID    int64 // grows with the order of writing
	Seq   Seq   // of the write that it belongs to
	Topic Topic // empty: no event, only a reason to tell the user's channel of Seq
	User  UserID
	Event json.RawMessage
}

// traceMark stands before the id of a trace in an event. Quotes within a text are escaped, so that nothing a person writes looks like it.
const traceMark = `"trace_id":"`

// TraceID gives the id of the trace that wrote the event; empty for none.
func (o Outgoing) TraceID() string {
	_, rest, found := bytes.Cut(o.Event, []byte(traceMark))
	if !found {
		_, rest, found = bytes.Cut(o.Event, []byte(`"trace_id": "`)) // as Postgres writes it
	}
	if id, _, ended := bytes.Cut(rest, []byte{'"'}); found && ended && len(id) == 32 {
		return string(id)
	}
	return ""
}

// Backlog is what waits in an outbox.
type Backlog struct {
	Pending int       // entries; a store may stop counting at MaxBacklog
	Oldest  time.Time // when the first of them was written; zero: none
}

// MaxBacklog is where a store may stop counting what waits.
const MaxBacklog = 10_000

// DuePromise is a scheduled reminder as timers know it.
type DuePromise struct {
	User       UserID    `json:"user_id"`
	TaskUID    string    `json:"task_id"`
	ReminderID string    `json:"reminder_id"`
	Generation int64     `json:"generation"`
	At         time.Time `json:"at"`
	TraceID    string    `json:"trace_id,omitempty"` // of the request that made the promise
	Timed      bool      `json:"-"`                  // a timer was set for this generation, as far as the store knows
}

// JobName names the timer of the promise. A changed promise has another generation and so another name.
func (p DuePromise) JobName() string {
	return fmt.Sprintf("reminder-%s-%d", p.ReminderID, p.Generation)
}

// KeyState is what a claim on an idempotency key found.
type KeyState string

// The states of a key.
const (
	KeyClaimed KeyState = "claimed" // by this call
	KeyHeld    KeyState = "held"    // by another owner, whose lease is alive
	KeyDone    KeyState = "done"
)

// ProcessedKey is the idempotency key of an event at a consumer.
func ProcessedKey(consumer, eventID string) string {
	return "processed:" + consumer + ":" + eventID
}

// AuditEntry is one line of the audit trail.
type AuditEntry struct {
	ID    int64
	Topic Topic
	User  UserID
	At    time.Time // of the event
	Event json.RawMessage
}

// AuditFilter chooses entries; zero fields do not narrow.
type AuditFilter struct {
	User  UserID
	Topic Topic
	From  time.Time // of the event, inclusive
	To    time.Time // inclusive
	After int64     // the id behind which to go on
	Limit int
}

// DeadLetter is an event that a consumer could not take, as it came.
type DeadLetter struct {
	ID       int64
	Topic    Topic
	Consumer string
	Reason   string
	At       time.Time
	Event    []byte
}
