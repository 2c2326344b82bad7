package tandem

import "encoding/json"

// Signal is a message on a user's channel. It is a hint: it may be lost, repeated or late, and the log remains the truth.
// Exactly one of Delta, Turn, Head, Control and Lost is set.
type Signal struct {
	User    UserID
	Delta   *Delta
	Turn    *TurnEvent
	Head    Seq // the head that the sender knows: a way to notice a lost Delta
	Control Control
	TurnID  string // of ControlCancel
	Lost    bool   // signals may not have come: look at the log. A channel makes it; nobody sends it
}

// Control asks every process that serves the user to do something.
type Control string

// The controls.
const (
	ControlRevoke Control = "revoke" // end the user's connections: signed out everywhere
	ControlCancel Control = "cancel" // stop the running turn TurnID
	ControlPeople Control = "people" // devices came or went in another process: ask who is there
)

// TurnEv is a kind of turn event.
type TurnEv string

// The kinds of turn events.
const (
	TurnEvStart    TurnEv = "start"
	TurnEvState    TurnEv = "state" // all there is so far; replaces what a device has
	TurnEvText     TurnEv = "text"
	TurnEvTool     TurnEv = "tool"
	TurnEvApproval TurnEv = "approval"
	TurnEvDone     TurnEv = "done"
)

// TurnEvent tells one step of a turn. N is contiguous within a turn except after state. Its JSON is that of the socket's
// turn frame and of the chat endpoint's event stream.
type TurnEvent struct {
	Turn     string     `json:"turn"`
	Conv     int64      `json:"conv"`
	N        int64      `json:"n"`
	Ev       TurnEv     `json:"ev"`
	Engine   string     `json:"engine,omitempty"`
	Text     string     `json:"text,omitempty"` // state
	D        string     `json:"d,omitempty"`    // text
	Tool     *TurnTool  `json:"tool,omitempty"`
	Tools    []TurnTool `json:"tools,omitempty"`  // state
	Status   TurnStatus `json:"status,omitempty"` // state
	Approval *Approval  `json:"approval,omitempty"`
	End      *TurnEnd   `json:"end,omitempty"`
}

// TurnTool is a tool call as devices see it.
type TurnTool struct {
	ID     string          `json:"id"`
	Name   string          `json:"name"`
	Phase  string          `json:"phase"` // forming, queued, waiting, running, ok, error, undone
	Args   json.RawMessage `json:"args,omitempty"`
	Seq    Seq             `json:"seq,omitempty"` // of the change it made
	Err    string          `json:"err,omitempty"`
	OpID   string          `json:"op_id,omitempty"`
	Result json.RawMessage `json:"result,omitempty"`
}

// TurnEnd closes a turn.
type TurnEnd struct {
	Status TurnStatus `json:"status"`
	MsgID  string     `json:"msg_id,omitempty"` // of the assistant's message
	Seq    Seq        `json:"seq,omitempty"`    // of the write that stored it
	Usage  *Usage     `json:"usage,omitempty"`
	Engine string     `json:"engine,omitempty"`
}

// Usage counts the tokens of a turn.
type Usage struct {
	Input  int64 `json:"input"`
	Output int64 `json:"output"`
}
