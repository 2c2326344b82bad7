package wire

import (
	"encoding/json"

	"tandem"
)

// ClientFrame is a frame from a client to the server.
type ClientFrame interface {
	kind() string
}

// Kind names the kind of a frame, as its t does.
func Kind(f ClientFrame) string { return f.kind() }

// Hello opens a connection.
type Hello struct {
	Client string           `json:"client"` // UUID of the install
	Epoch  string           `json:"epoch,omitempty"`
	Seq    *tandem.Seq      `json:"seq,omitempty"`   // nil: the client holds nothing
	Turns  map[string]int64 `json:"turns,omitempty"` // running turns that the client knows, with their last n
	Ver    int64            `json:"ver"`
	Caps   []string         `json:"caps"`
}

// Mutate calls one of the five tools.
type Mutate struct {
	Mid   int64           `json:"mid"`
	Tool  string          `json:"tool"`
	Args  json.RawMessage `json:"args"` // an object
	IfVer int64           `json:"if_ver,omitempty"`
}

// Set changes what is a person's own.
type Set struct {
	Mid   int64           `json:"mid"`
	Patch json.RawMessage `json:"patch"` // an object
}

// Chat starts a turn of the assistant.
type Chat struct {
	Turn string `json:"turn"`           // UUID made by the client
	Conv int64  `json:"conv,omitempty"` // 0: a new conversation
	Text string `json:"text"`
	TZ   string `json:"tz,omitempty"`
}

// Cancel stops a turn.
type Cancel struct {
	Turn string `json:"turn"`
}

// Approve answers a question.
type Approve struct {
	Approval string          `json:"approval"`
	OK       bool            `json:"ok"`
	Args     json.RawMessage `json:"args,omitempty"` // an object
}

// Parse asks what the words in a composer mean.
type Parse struct {
	ID   ID     `json:"id"`
	Text string `json:"text"`
	TZ   string `json:"tz"`
}

// History asks for messages before one that the client has.
type History struct {
	ID     ID     `json:"id"`
	Conv   int64  `json:"conv"`
	Before string `json:"before,omitempty"` // empty: the newest
}

// Sync tells up to where the client is, and asks for what is behind that.
type Sync struct {
	Seq tandem.Seq `json:"seq"`
}

// Auth renews the token of the connection.
type Auth struct {
	Token string `json:"token"`
}

// ID names a question of a client: a number or a text of its own, given back as it was.
type ID json.RawMessage

// MarshalJSON gives the id as it was.
func (id ID) MarshalJSON() ([]byte, error) { return json.RawMessage(id).MarshalJSON() }

// UnmarshalJSON keeps the id as it is.
func (id *ID) UnmarshalJSON(b []byte) error { return (*json.RawMessage)(id).UnmarshalJSON(b) }

func (id ID) String() string {
	var s string
	if json.Unmarshal(id, &s) == nil {
		return s
	}
	return string(id)
}

func (Hello) kind() string   { return "hello" }
func (Mutate) kind() string  { return "mutate" }
func (Set) kind() string     { return "set" }
func (Chat) kind() string    { return "chat" }
func (Cancel) kind() string  { return "cancel" }
func (Approve) kind() string { return "approve" }
func (Parse) kind() string   { return "parse" }
func (History) kind() string { return "history" }
func (Sync) kind() string    { return "sync" }
func (Auth) kind() string    { return "auth" }

// EncodeClient gives the bytes of a client's frame.
func EncodeClient(f ClientFrame) []byte { return tagged(f.kind(), f) }
