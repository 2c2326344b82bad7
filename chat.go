package tandem

import (
	"encoding/json"
	"strconv"
	"time"
)

// Conversation is a thread of messages; its number counts per user.
type Conversation struct {
	Number    int64     `json:"number"`
	UserID    UserID    `json:"user_id"`
	Title     string    `json:"title"`
	CreatedAt time.Time `json:"created_at"`
	UpdatedAt time.Time `json:"updated_at"`
}

// ConversationRow is a conversation as clients hold it.
type ConversationRow struct {
	ID        int64  `json:"id"`
	UserID    UserID `json:"user_id"`
	Title     string `json:"title"`
	CreatedAt Stamp  `json:"created_at"`
	UpdatedAt Stamp  `json:"updated_at"`
}

// Row gives the client's view of c.
func (c Conversation) Row() ConversationRow {
	return ConversationRow{ID: c.Number, UserID: c.UserID, Title: c.Title, CreatedAt: Stamp(c.CreatedAt), UpdatedAt: Stamp(c.UpdatedAt)}
}

// ConversationKey writes a conversation's number as the id of its row.
func ConversationKey(number int64) string { return strconv.FormatInt(number, 10) }

// Role says who speaks.
type Role string

// The roles. A hidden message is for the model alone and never leaves.
const (
	RoleUser      Role = "user"
	RoleAssistant Role = "assistant"
	RoleHidden    Role = "hidden"
)

// Message is one utterance of a conversation.
type Message struct {
	ID           string     `json:"id"` // UUIDv7
	UserID       UserID     `json:"user_id"`
	Conversation int64      `json:"conversation"`
	TurnID       string     `json:"turn_id"`
	Role         Role       `json:"role"`
	Text         string     `json:"text"`
	ToolCalls    []ToolCall `json:"tool_calls,omitempty"`
	Engine       string     `json:"engine,omitempty"`
	Status       string     `json:"status,omitempty"` // of the turn, on the assistant's message
	CreatedAt    time.Time  `json:"created_at"`
}

// MessageRow is a message as clients hold it.
type MessageRow struct {
	ID             string     `json:"id"`
	UserID         UserID     `json:"user_id"`
	ConversationID int64      `json:"conversation_id"`
	TurnID         string     `json:"turn_id"`
	Role           Role       `json:"role"`
	Text           string     `json:"text"`
	ToolCalls      []ToolCall `json:"tool_calls"`
	Engine         string     `json:"engine,omitempty"`
	Status         string     `json:"status,omitempty"`
	CreatedAt      Stamp      `json:"created_at"`
}

// Row gives the client's view of m.
func (m Message) Row() MessageRow {
	row := MessageRow{
		ID: m.ID, UserID: m.UserID, ConversationID: m.Conversation, TurnID: m.TurnID, Role: m.Role, Text: m.Text,
		ToolCalls: make([]ToolCall, len(m.ToolCalls)), Engine: m.Engine, Status: m.Status, CreatedAt: Stamp(m.CreatedAt),
	}
	for i, c := range m.ToolCalls {
		c.Raw = nil
		row.ToolCalls[i] = c
	}
	return row
}

// ToolCall is one call of a turn with what came of it. Its final arguments and OpID are saved before it runs.
type ToolCall struct {
	ID        string          `json:"id"`
	Tool      string          `json:"tool"`
	Arguments json.RawMessage `json:"arguments"`
	Result    json.RawMessage `json:"result"` // null until it ran; cut at MaxKeptResult
	Status    string          `json:"status"` // queued, waiting, running, ok, error
	OpID      string          `json:"op_id,omitempty"`
	Seq       Seq             `json:"seq,omitempty"`
	// Raw is the call as the model wrote it, to be sent back to it unchanged; it is kept in the turn and never leaves.
	Raw json.RawMessage `json:"raw,omitempty"`
}

// MaxKeptResult bounds a tool result that is kept in a message, in bytes.
const MaxKeptResult = 8 << 10

// TurnStatus is where a turn is in its life.
type TurnStatus string

// The statuses: TurnRunning, then one of the others for good.
const (
	TurnRunning   TurnStatus = "running"
	TurnDone      TurnStatus = "ok"
	TurnLimit     TurnStatus = "limit"     // ended at a budget, with what was done
	TurnCancelled TurnStatus = "cancelled" // by the person
	TurnFailed    TurnStatus = "error"
	TurnLost      TurnStatus = "lost" // its replica died and it could not go on
)

// Turn is one question to the assistant and the work on it. It belongs to the server, not to a connection: the row with
// its lease is what lets another process go on.
type Turn struct {
	ID           string // the client's; unique per user
	UserID       UserID
	Conversation int64
	MessageID    string // of the user's words
	Text         string // of the user
	Zone         string // IANA name in which the words are read; empty: the user's zone
	Hash         string // of the request; the same id with another hash is a conflict
	Status       TurnStatus
	Engine       string
	Reply        string     // so far
	Calls        []ToolCall // write-ahead, with results
	N            int64      // the number of its last event
	LeaseOwner   string
	LeaseUntil   time.Time
	Attempt      int64 // grows with each taking; fences writes of an owner that lost its lease
	StartedAt    time.Time
	EndedAt      *time.Time
	Response     json.RawMessage // the whole answer of the chat endpoint, once ended
	Seq          Seq             // of the write that ended it
	TraceID      string          // of the request that began it
}

// Limits of turns.
const (
	MaxRunningTurns = 3                // per user; 1 per conversation
	TurnLease       = 15 * time.Second // renewed while the turn runs
)

// busyFor is when a person whose turns are all running may ask again.
const busyFor = time.Second

// MayRun says why no turn can begin in a conversation where so many run, of so many of the user's; nil: one can.
func MayRun(here, running int) error {
	switch {
	case here > 0:
		return Limited("busy", busyFor.Milliseconds(), "The assistant is still at work in this conversation.")
	case running >= MaxRunningTurns:
		return Limited("busy", busyFor.Milliseconds(), "The assistant is at work in %d conversations already.", running)
	}
	return nil
}

// ApprovalKind says how a question is answered.
type ApprovalKind string

// The kinds: a yes or no to a prepared call, or one of several candidates.
const (
	ApprovalConfirm ApprovalKind = "confirm"
	ApprovalChoice  ApprovalKind = "choice"
)

// Decision is the answer to an approval.
type Decision string

// The decisions; empty while it is pending. Used: granted, and the approved call ran.
const (
	DecisionYes  Decision = "yes"
	DecisionNo   Decision = "no"
	DecisionUsed Decision = "used"
)

// Approval is a prepared call that waits for a person. It is bound to its arguments by Hash (over resolved ids and
// versions), to its user, and, from chat, to its conversation.
type Approval struct {
	ID           string          `json:"id"`
	UserID       UserID          `json:"user_id"`
	Kind         ApprovalKind    `json:"kind"`
	Tool         string          `json:"tool"`
	Summary      string          `json:"summary"`
	Items        []ApprovalItem  `json:"items"` // at most 8
	More         int             `json:"more"`
	Args         json.RawMessage `json:"args"`
	Hash         string          `json:"hash"`
	Conversation int64           `json:"conversation,omitempty"`
	TurnID       string          `json:"turn_id,omitempty"`
	Caller       string          `json:"caller,omitempty"`
	RunState     json.RawMessage `json:"run_state,omitempty"` // what the agent needs to go on
	CreatedAt    time.Time       `json:"created_at"`
	ExpiresAt    time.Time       `json:"expires_at"`
	DecidedAt    *time.Time      `json:"decided_at,omitempty"`
	DecidedBy    string          `json:"decided_by,omitempty"`
	Decision     Decision        `json:"decision,omitempty"`
}

// ApprovalTTL is how long a question stays open.
const ApprovalTTL = 10 * time.Minute

// MaxApprovalItems is how many tasks an approval shows; the rest is counted in More.
const MaxApprovalItems = 8

// ApprovalItem is one task that an approval would touch.
type ApprovalItem struct {
	TaskID int64  `json:"task_id"`
	UID    string `json:"uid,omitempty"`
	Title  string `json:"title"`
	Due    *Due   `json:"due"`
}

// ApprovalRow is an approval as every surface shows it.
type ApprovalRow struct {
	ID             string          `json:"id"`
	UserID         UserID          `json:"user_id"`
	Kind           ApprovalKind    `json:"kind"`
	Tool           string          `json:"tool"`
	Summary        string          `json:"summary"`
	Items          []ApprovalItem  `json:"items"`
	More           int             `json:"more"`
	Args           json.RawMessage `json:"args"`
	ExpiresAt      Stamp           `json:"expires_at"`
	ConversationID int64           `json:"conversation_id,omitempty"`
	TurnID         string          `json:"turn_id,omitempty"`
}

// Row gives the client's view of a.
func (a Approval) Row() ApprovalRow {
	row := ApprovalRow{
		ID: a.ID, UserID: a.UserID, Kind: a.Kind, Tool: a.Tool, Summary: a.Summary, Items: a.Items, More: a.More, Args: a.Args,
		ExpiresAt: Stamp(a.ExpiresAt), ConversationID: a.Conversation, TurnID: a.TurnID,
	}
	if row.Items == nil {
		row.Items = []ApprovalItem{}
	}
	return row
}

// Decide gives the approval with its answer; conflict when it is decided or has expired.
func (a Approval) Decide(yes bool, by string, now time.Time) (Approval, error) {
	switch {
	case a.Decision != "":
		return a, Conflict("approval", "This was answered already.")
	case !a.ExpiresAt.After(now):
		return a, Conflict("approval", "This question has expired.")
	}
	a.Decision, a.DecidedAt, a.DecidedBy = DecisionNo, &now, by
	if yes {
		a.Decision = DecisionYes
	}
	return a, nil
}

// MayUse says why the approval cannot be used now for a call of this tool and hash; nil: it can.
func (a Approval) MayUse(tool, hash string, now time.Time) error {
	switch {
	case a.Tool != tool || a.Hash != hash:
		return Conflict("approval_id", "This approval was given for another call.")
	case a.Decision == "" && a.ExpiresAt.After(now):
		e := &Error{Code: CodeNeedsApproval, Message: "This still waits for a yes."}
		e.Details.Field, e.Details.Approval = "approval_id", &a
		return e
	case a.Decision == DecisionUsed:
		return Conflict("approval_id", "This approval was used already.")
	case a.Decision == DecisionNo:
		return Conflict("approval_id", "The person declined this.")
	case !a.ExpiresAt.After(now):
		return Conflict("approval_id", "This approval has expired.")
	}
	return nil
}

// MarshalJSON shows an approval as its row, wherever one is shown.
func (a Approval) MarshalJSON() ([]byte, error) { return json.Marshal(a.Row()) }

// Notice is a reminder that fired and was not dismissed yet.
type Notice struct {
	ID         string    `json:"id"` // the event that caused it
	UserID     UserID    `json:"user_id"`
	ReminderID string    `json:"reminder_id"`
	Generation int64     `json:"generation"`
	TaskUID    string    `json:"task_uid"`
	Number     int64     `json:"number"`
	Title      string    `json:"title"`
	Due        *Due      `json:"due,omitempty"`
	FiredAt    time.Time `json:"fired_at"`
	Silent     bool      `json:"silent,omitempty"` // it came in the person's quiet hours
}

// NoticeRow is a notice as clients hold it.
type NoticeRow struct {
	ID         string `json:"id"`
	UserID     UserID `json:"user_id"`
	ReminderID string `json:"reminder_id"`
	TaskID     string `json:"task_id"` // the task's UID
	Number     int64  `json:"number"`
	Title      string `json:"title"`
	Due        *Due   `json:"due"`
	FiredAt    Stamp  `json:"fired_at"`
	Silent     bool   `json:"silent,omitempty"` // shown without a sound
}

// Row gives the client's view of n.
func (n Notice) Row() NoticeRow {
	return NoticeRow{
		ID: n.ID, UserID: n.UserID, ReminderID: n.ReminderID, TaskID: n.TaskUID, Number: n.Number, Title: n.Title, Due: n.Due,
		FiredAt: Stamp(n.FiredAt), Silent: n.Silent,
	}
}

// TurnStart asks for a turn to begin.
type TurnStart struct {
	ID           string
	Conversation int64  // 0: a new one
	Title        string // of a new conversation
	Text         string
	Zone         string
	Hash         string
	Owner        string // of the lease
	// Again is the id of the person's message that is answered anew: it is the turn's message, and what came after it goes.
	Again string
	Cause Cause
}
