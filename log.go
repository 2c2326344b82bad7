package tandem

import (
	"encoding/json"
	"time"
)

// Kind is a kind of row that clients hold.
type Kind string

// The kinds of rows.
const (
	KindTask     Kind = "task"
	KindConv     Kind = "conv"
	KindMsg      Kind = "msg"
	KindNotice   Kind = "notice"
	KindApproval Kind = "approval"
	KindSettings Kind = "settings"
)

// Kinds lists all kinds, in the order in which a snapshot sends them.
var Kinds = []Kind{KindSettings, KindTask, KindNotice, KindApproval, KindConv, KindMsg}

// Change is one line of the change log: the row as clients hold it, or its end (nil Row).
type Change struct {
	Kind    Kind
	ID      string // task: UID; conv: number; msg, notice, approval: UUID; settings: "settings"
	Version int64
	Row     json.RawMessage // nil: deleted
	Actor   Actor
	TurnID  string
	Client  string // the socket client and its mid that caused it
	Mid     int64
}

// Delta is a contiguous stretch of a user's log: all changes of From..To, squashed to the last one of each row where
// several writes are joined.
type Delta struct {
	User    UserID
	From    Seq
	To      Seq
	Changes []Change
	TraceID string // of the request that wrote it; empty where several are joined
}

// Head is the state of a user's log.
type Head struct {
	Seq   Seq // the last number; 0: nothing written yet
	Floor Seq // the log holds Floor+1..Seq
}

// What a snapshot holds beside all that is open: the tasks completed lately, the newest conversations, and the newest messages of
// each.
const (
	SnapshotCompleted     = 30 * 24 * time.Hour
	SnapshotConversations = 20
	SnapshotMessages      = 50
)

// SettingsRowID is the id of the one row of KindSettings.
const SettingsRowID = "settings"

// Snapshot is all that a client holds, as of Seq. Rows are in no particular order within their kind.
type Snapshot struct {
	Seq  Seq
	Rows map[Kind][]json.RawMessage
}
