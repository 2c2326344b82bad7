package wire

import (
	"encoding/json"
	"fmt"

	"tandem"
)

// ServerFrame is a frame from the server to a client.
type ServerFrame interface {
	serverKind() string
}

// Ready answers hello; what follows depends on Mode.
type Ready struct {
	Epoch   string        `json:"epoch"`
	Seq     tandem.Seq    `json:"seq"` // the head
	Mode    Mode          `json:"mode"`
	Why     Why           `json:"why,omitempty"`
	LastMid int64         `json:"last_mid"`
	Exp     *tandem.Stamp `json:"exp"` // of the token; null: it does not expire
	HB      int64         `json:"hb"`  // milliseconds between heartbeats
	Limits  Limits        `json:"limits"`
	Turns   []Running     `json:"turns"`
	Now     tandem.Stamp  `json:"now"`
	PushKey string        `json:"push_key,omitempty"` // with which a browser subscribes to web push; empty: there is none
}

// Limits are what a client must keep to.
type Limits struct {
	Frame   int `json:"frame"`    // bytes
	Rate    int `json:"rate"`     // frames a second
	Burst   int `json:"burst"`    // frames at once
	Message int `json:"message"`  // characters of a chat message
	Bulk    int `json:"bulk"`     // tasks of one call
	InOrder int `json:"inflight"` // mutations without an answer
}

// Running is a turn that was running at ready; unless the client is at its n, a state event follows.
type Running struct {
	Turn string `json:"turn"`
	Conv int64  `json:"conv"`
	N    int64  `json:"n"`
}

// Snap is a part of a snapshot; the parts are applied together at Last.
type Snap struct {
	Seq  tandem.Seq                        `json:"seq"`
	I    int                               `json:"i"` // from 0
	Rows map[tandem.Kind][]json.RawMessage `json:"rows"`
	Last bool                              `json:"last,omitempty"`
}

// Delta is a stretch of the log. It applies to a client at seq when From ≤ seq+1 and To > seq.
type Delta struct {
	From    tandem.Seq `json:"from"`
	To      tandem.Seq `json:"to"`
	Changes []Change   `json:"c"`
}

// Change is one row put or deleted.
type Change struct {
	Kind   tandem.Kind     `json:"k"`
	ID     string          `json:"id"`
	Op     string          `json:"op"`
	Ver    int64           `json:"ver"`
	Row    json.RawMessage `json:"row,omitempty"`
	Client string          `json:"client,omitempty"`
	Mid    int64           `json:"mid,omitempty"`
	Actor  tandem.Actor    `json:"actor,omitempty"`
	Turn   string          `json:"turn,omitempty"`
}

// Ack answers a mutation that was carried out.
type Ack struct {
	Mid    int64           `json:"mid"`
	Seq    tandem.Seq      `json:"seq"`
	Result json.RawMessage `json:"result"`
}

// Nack refuses a mutation or a turn.
type Nack struct {
	Mid        int64              `json:"mid,omitempty"`
	Turn       string             `json:"turn,omitempty"`
	Code       Code               `json:"code"`
	Msg        string             `json:"msg"`
	Row        json.RawMessage    `json:"row,omitempty"`
	Candidates []tandem.Candidate `json:"candidates,omitempty"`
	Approval   json.RawMessage    `json:"approval,omitempty"` // a tandem.ApprovalRow
	RetryMS    int64              `json:"retry_ms,omitempty"`
}

// Turn is an event of a turn.
type Turn struct {
	tandem.TurnEvent
}

// Parsed tells what the words of a composer mean. Offsets are UTF-16 code units.
type Parsed struct {
	ID         ID                `json:"id"`
	Spans      []Span            `json:"spans"`
	Due        *ParsedDue        `json:"due,omitempty"`
	Recurrence *ParsedRecurrence `json:"recurrence,omitempty"`
	Title      string            `json:"title"`
	Ambiguous  string            `json:"ambiguous,omitempty"` // why words that look like a date were not taken
}

// Span is a stretch of words with a meaning; K is due, recurrence, priority, tag or reminder.
type Span struct {
	S    int     `json:"s"`
	E    int     `json:"e"`
	K    string  `json:"k"`
	V    string  `json:"v"`
	Conf float64 `json:"conf"`
}

// ParsedDue is a wall clock in the zone that was asked for.
type ParsedDue struct {
	Date string `json:"date"`
	Time string `json:"time,omitempty"`
	TZ   string `json:"tz,omitempty"`
}

// ParsedRecurrence is a rule.
type ParsedRecurrence struct {
	RRule string `json:"rrule"`
	Start string `json:"start,omitempty"`
	From  string `json:"from"`
}

// HistoryRows answers History, oldest first.
type HistoryRows struct {
	ID   ID                  `json:"id"`
	Rows []tandem.MessageRow `json:"rows"`
	More bool                `json:"more"`
}

// Presence lists who is there: the connected devices of this person, and the assistant while it works.
type Presence struct {
	Devices []Device `json:"devices"`
	Agent   Agent    `json:"agent"`
}

// Device is a connected install.
type Device struct {
	Client string       `json:"client"`
	Since  tandem.Stamp `json:"since"`
}

// Agent is the assistant as an actor of its own.
type Agent struct {
	Turns []string `json:"turns"` // running
}

// Heartbeat tells the head, so that a client notices what it missed.
type Heartbeat struct {
	Seq tandem.Seq `json:"seq"`
}

// AuthNotice tells that the token runs out in In seconds, or that a new one is good until Exp.
type AuthNotice struct {
	Exp *tandem.Stamp `json:"exp,omitempty"`
	In  int64         `json:"in,omitempty"`
}

// MarshalJSON gives the one member that the notice is about; exp is null where the new token does not expire.
func (a AuthNotice) MarshalJSON() ([]byte, error) {
	if a.In > 0 {
		return json.Marshal(map[string]int64{"in": a.In})
	}
	return json.Marshal(map[string]*tandem.Stamp{"exp": a.Exp})
}

// Bye announces the end of the connection.
type Bye struct {
	Code    ByeCode `json:"code"`
	RetryMS int64   `json:"retry_ms"`
}

// Err refuses a frame that has neither mid nor turn. Ref is the mid, turn, approval or id that it named.
type Err struct {
	Code    Code   `json:"code"`
	Msg     string `json:"msg"`
	Ref     string `json:"ref,omitempty"`
	RetryMS int64  `json:"retry_ms,omitempty"`
}

func (Ready) serverKind() string       { return "ready" }
func (Snap) serverKind() string        { return "snap" }
func (Delta) serverKind() string       { return "delta" }
func (Ack) serverKind() string         { return "ack" }
func (Nack) serverKind() string        { return "nack" }
func (Turn) serverKind() string        { return "turn" }
func (Parsed) serverKind() string      { return "parsed" }
func (HistoryRows) serverKind() string { return "history" }
func (Presence) serverKind() string    { return "presence" }
func (Heartbeat) serverKind() string   { return "hb" }
func (AuthNotice) serverKind() string  { return "auth" }
func (Bye) serverKind() string         { return "bye" }
func (Err) serverKind() string         { return "err" }

// Encode gives the bytes of a server's frame.
func Encode(f ServerFrame) []byte {
	if t, ok := f.(Turn); ok {
		return EncodeTurn(t.TurnEvent)
	}
	return tagged(f.serverKind(), f)
}

// tagged encodes a frame of our own types, which cannot fail, with its kind in front.
func tagged(kind string, f any) []byte {
	body, err := json.Marshal(f)
	if err != nil {
		panic(fmt.Sprintf("encode %s frame: %v", kind, err))
	}
	out := make([]byte, 0, len(body)+len(kind)+8)
	out = append(out, `{"t":"`...)
	out = append(out, kind...)
	if len(body) == 2 {
		return append(out, `"}`...)
	}
	out = append(out, `",`...)
	return append(out, body[1:]...)
}

// DecodeServer reads a frame of the server. It gives nil, nil for a kind it does not know.
func DecodeServer(data []byte) (ServerFrame, error) {
	var head struct {
		T string `json:"t"`
	}
	if err := json.Unmarshal(data, &head); err != nil {
		return nil, fmt.Errorf("decode frame: %w", err)
	}
	read, known := serverFrames[head.T]
	if !known {
		return nil, nil
	}
	f, err := read(data)
	if err != nil {
		return nil, fmt.Errorf("decode %s frame: %w", head.T, err)
	}
	return f, nil
}

var serverFrames = map[string]func([]byte) (ServerFrame, error){
	"ready": serverFrame[Ready], "snap": serverFrame[Snap], "delta": serverFrame[Delta], "ack": serverFrame[Ack],
	"nack": serverFrame[Nack], "turn": serverFrame[Turn], "parsed": serverFrame[Parsed], "history": serverFrame[HistoryRows],
	"presence": serverFrame[Presence], "hb": serverFrame[Heartbeat], "auth": serverFrame[AuthNotice], "bye": serverFrame[Bye],
	"err": serverFrame[Err],
}

func serverFrame[F ServerFrame](data []byte) (ServerFrame, error) {
	var f F
	err := json.Unmarshal(data, &f)
	return f, err
}
