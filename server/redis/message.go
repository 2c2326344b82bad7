package redis

import (
	"encoding/json"
	"fmt"
	"strings"

	"tandem"
)

// A message on a user's channel is a version byte, the name of the process that sent it, and a signal as JSON.
const (
	messageVersion = '1'
	originLength   = 16
	headerLength   = 1 + originLength
	channelPrefix  = "u:"
	// maxPayload bounds a message: Redis cuts off subscribers that let 8 MB pile up. Of a larger delta the number is told alone.
	maxPayload = 256 << 10
)

// message is a signal on its way to other processes.
type message struct {
	user    tandem.UserID
	payload string
	head    tandem.Seq // what the message tells of the log; 0: nothing
	keep    bool       // worth telling late
}

// body is the JSON of a signal.
type body struct {
	From    tandem.Seq        `json:"from,omitempty"`
	To      tandem.Seq        `json:"to,omitempty"`
	Changes []change          `json:"c,omitempty"`
	Turn    *tandem.TurnEvent `json:"turn,omitempty"`
	Head    tandem.Seq        `json:"head,omitempty"`
	Control tandem.Control    `json:"control,omitempty"`
	TurnID  string            `json:"turn_id,omitempty"`
	TraceID string            `json:"trace_id,omitempty"` // of the delta
}

type change struct {
	Kind    tandem.Kind     `json:"k"`
	ID      string          `json:"id"`
	Version int64           `json:"ver,omitempty"`
	Row     json.RawMessage `json:"row,omitempty"`
	Actor   tandem.Actor    `json:"actor,omitempty"`
	TurnID  string          `json:"turn,omitempty"`
	Client  string          `json:"client,omitempty"`
	Mid     int64           `json:"mid,omitempty"`
}

// encode makes the message of a signal. Of one that is no JSON, what it says of the log is told alone.
func (c *Client) encode(s tandem.Signal) message {
	b := body{Turn: s.Turn, Head: s.Head, Control: s.Control, TurnID: s.TurnID}
	m := message{user: s.User, head: s.Head, keep: s.Control != "" || s.Turn != nil && s.Turn.Ev == tandem.TurnEvDone}
	if d := s.Delta; d != nil {
		m.head = d.To
		if sizeOf(*d) > maxPayload {
			b.Head = d.To
		} else {
			b.From, b.To, b.TraceID, b.Changes = d.From, d.To, d.TraceID, make([]change, len(d.Changes))
			for i, ch := range d.Changes {
				b.Changes[i] = change(ch)
			}
		}
	}
	var text strings.Builder
	text.WriteByte(messageVersion)
	text.WriteString(c.origin)
	e := json.NewEncoder(&text)
	e.SetEscapeHTML(false) // rows arrive as they are stored
	if err := e.Encode(b); err != nil {
		c.log.Error("encode a signal", "user_id", s.User, "err", err)
		return c.headOf(s.User, m.head)
	}
	m.payload = text.String()
	return m
}

// headOf makes the message that tells a number alone.
func (c *Client) headOf(user tandem.UserID, head tandem.Seq) message {
	return message{user: user, head: head, payload: fmt.Sprintf(`%c%s{"head":%d}`, messageVersion, c.origin, head)}
}

// sizeOf is about what a delta takes as JSON.
func sizeOf(d tandem.Delta) (n int) {
	for _, c := range d.Changes {
		n += len(c.Row) + len(c.ID) + 128
	}
	return n
}

// decode reads a message that another process sent to the user's channel. What cannot be read, as that of a later version, is a
// signal that was lost.
func decode(user tandem.UserID, payload string) tandem.Signal {
	var b body
	if len(payload) < headerLength || payload[0] != messageVersion || json.Unmarshal([]byte(payload[headerLength:]), &b) != nil {
		return tandem.Signal{User: user, Lost: true}
	}
	s := tandem.Signal{User: user, Turn: b.Turn, Head: b.Head, Control: b.Control, TurnID: b.TurnID}
	if b.To > 0 {
		s.Delta = &tandem.Delta{User: user, From: b.From, To: b.To, TraceID: b.TraceID, Changes: make([]tandem.Change, len(b.Changes))}
		for i, ch := range b.Changes {
			s.Delta.Changes[i] = tandem.Change(ch)
		}
	}
	return s
}

// sentBy tells whether the process of that name sent the message.
func sentBy(origin, payload string) bool {
	return len(payload) >= headerLength && payload[1:headerLength] == origin
}
