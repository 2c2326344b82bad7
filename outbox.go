package tandem

import (
	"encoding/json"
	"fmt"
	"time"
)

// Outgoing is a committed event that waits for its topic.
type Outgoing struct {
	ID    int64 // grows with the order of writing
	Topic Topic
	User  UserID
	Event json.RawMessage
}

// DuePromise is a scheduled reminder as timers know it.
type DuePromise struct {
	User       UserID    `json:"user_id"`
	TaskUID    string    `json:"task_id"`
	ReminderID string    `json:"reminder_id"`
	Generation int64     `json:"generation"`
	At         time.Time `json:"at"`
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
