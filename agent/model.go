package agent

import (
	"context"
	"encoding/json"
	"iter"
	"time"

	"tandem"
)

// Model turns a conversation into text and tool calls. One Stream is one round: it ends with text alone, or with calls whose
// results are part of the next Request. Implementations keep nothing between rounds.
type Model interface {
	// Stream yields events until the round is over or ctx ends. An error ends the round; whether it may be asked again is
	// the loop's decision.
	Stream(ctx context.Context, r Request) iter.Seq2[Event, error]
	// Engine names the kind of model: "llm" or "planner".
	Engine() string
}

// Request is one round of a turn.
type Request struct {
	User     tandem.UserID
	Now      time.Time // fixed for the turn
	Zone     *time.Location
	Settings tandem.Settings
	System   string // constant; never built from a person's data
	// Messages end with the person's newest words, followed by the calls and results of this turn's rounds so far.
	Messages []Message
	Tools    []Tool
	// Earlier tells in short what came before Messages.
	Earlier Earlier
	// Focus lists the tasks last mentioned in this conversation, newest first: what "it" and "the second one" may mean.
	Focus []tandem.Candidate
	// Shown lists the tasks of the newest list in this conversation, in the order shown.
	Shown []tandem.Candidate
}

// Earlier is the part of a conversation that is too old to be told word by word. Its texts are data.
type Earlier struct {
	Said []string `json:"said,omitempty"` // by the person, oldest first
	Done []string `json:"done,omitempty"` // in the words of the tools, oldest first
}

// Message is one entry of the transcript.
type Message struct {
	Role   Role
	Text   string
	Calls  []Call          // of the assistant
	CallID string          // of a tool result
	Name   string          // of the tool whose result it is
	Result json.RawMessage // structured result of a tool
}

// Role says who a message is from.
type Role string

// The roles of a transcript.
const (
	RoleUser      Role = "user"
	RoleAssistant Role = "assistant"
	RoleTool      Role = "tool"
)

// Call is a tool call as the model wants it.
type Call struct {
	ID        string
	Tool      string
	Arguments json.RawMessage
	Raw       json.RawMessage // as the provider wrote it, to be sent back unchanged
}

// Tool describes one tool to the model.
type Tool struct {
	Name        string
	Description string
	InputSchema json.RawMessage
}

// Event is one piece of a round. Exactly one field is set.
type Event struct {
	Text     string
	Forming  *Call // a call whose arguments are still being written
	Call     *Call // complete
	Question *Question
	Usage    *tandem.Usage
}

// Question asks the person instead of writing. With candidates it is about which task was meant, and Args with the chosen
// task_id is what will run; without, it is a yes or no to Args as they are.
type Question struct {
	Tool       string
	Args       json.RawMessage // without task_id
	Candidates []tandem.Candidate
	Text       string // the question in words
}
