package dapr

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"strings"
	"unicode/utf8"

	"tandem"
)

// Bounds of what travels on a topic.
const (
	// MaxEvent bounds an event with its envelope; a larger one is no event of ours.
	MaxEvent = 256 << 10
	// maxKept bounds what a dead letter keeps of a larger one: the broker takes 1 MiB, and base64 needs a third more.
	maxKept   = 512 << 10
	maxReason = 500
)

// ContentType is that of every message on the topics.
const ContentType = "application/cloudevents+json"

// dlqSuffix names the topic of what could not be taken from another.
const dlqSuffix = "-dlq"

// DeadLetters is the topic of what could not be taken from topic.
func DeadLetters(topic tandem.Topic) string { return string(topic) + dlqSuffix }

// envelope is an event as it travels: a CloudEvent (version 1.0 of its specification) in JSON. Attributes of CloudEvents are lower-case words
// without separators.
type envelope struct {
	SpecVersion string          `json:"specversion"`
	ID          string          `json:"id"`
	Source      string          `json:"source"`
	Type        string          `json:"type"`
	Subject     string          `json:"subject,omitempty"`
	Time        string          `json:"time,omitempty"`
	ContentType string          `json:"datacontenttype"`
	User        tandem.UserID   `json:"userid,omitempty"`
	Schema      string          `json:"schemaversion,omitempty"`
	Trace       string          `json:"tandemtraceparent,omitempty"`
	Data        json.RawMessage `json:"data,omitempty"`
	Bytes       []byte          `json:"data_base64,omitempty"`
	Size        string          `json:"tandemsize,omitempty"`
	Reason      string          `json:"dlqreason,omitempty"`
	Consumer    string          `json:"dlqconsumer,omitempty"`
}

const (
	specVersion   = "1.0"
	source        = "tandem"
	schemaVersion = "1"
	jsonType      = "application/json"
	bytesType     = "application/octet-stream"
	// typeUndecodable is the type of a dead letter whose content is no CloudEvent.
	typeUndecodable = "tandem.undecodable"
	// reasonSidecar is the reason of a dead letter that no handler of ours wrote.
	reasonSidecar = "set aside by the sidecar"
	// reasonUndecodable is the reason of content that is no CloudEvent and was set aside by the sidecar.
	reasonUndecodable = "undecodable"
)

// encode wraps an event of the topic, which it validates.
func encode(topic tandem.Topic, data json.RawMessage) ([]byte, error) {
	e, err := tandem.DecodeEvent(topic, data)
	if err != nil {
		return nil, err
	}
	stamp, err := json.Marshal(e.Timestamp)
	if err != nil {
		return nil, fmt.Errorf("encode timestamp of %s: %w", e.EventID, err)
	}
	ce, err := json.Marshal(envelope{
		SpecVersion: specVersion, ID: e.EventID, Source: source, Type: string(e.EventType), Subject: "task/" + e.TaskID,
		Time: strings.Trim(string(stamp), `"`), ContentType: jsonType, User: e.UserID, Schema: schemaVersion,
		Trace: traceparent(e.Payload.TraceID, e.EventID), Data: data,
	})
	if err != nil {
		return nil, tandem.Invalid("event", nil, "the event cannot be encoded").Because(err)
	}
	if len(ce) > MaxEvent {
		return nil, tandem.Invalid("event", nil, "an event of %d bytes exceeds %d", len(ce), MaxEvent)
	}
	return ce, nil
}

// decode reads a message of the topic. Whatever is wrong with it is *tandem.Error invalid, and its message is the reason.
func decode(topic tandem.Topic, raw []byte) (tandem.Event, error) {
	switch {
	case len(raw) > MaxEvent:
		return tandem.Event{}, tandem.Invalid("event", nil, "an event of %d bytes exceeds %d", len(raw), MaxEvent)
	case !utf8.Valid(raw):
		return tandem.Event{}, tandem.Invalid("event", nil, "an event must be UTF-8")
	}
	var ce envelope
	if err := json.Unmarshal(raw, &ce); err != nil {
		return tandem.Event{}, tandem.Invalid("event", nil, "not one CloudEvent in JSON").Because(err)
	}
	if ce.SpecVersion != specVersion {
		return tandem.Event{}, tandem.Invalid("specversion", ce.SpecVersion, "not a CloudEvent of version %s", specVersion)
	}
	data := ce.Data
	if data == nil {
		data = ce.Bytes
	}
	e, err := tandem.DecodeEvent(topic, data)
	switch {
	case err != nil:
		return tandem.Event{}, err
	case ce.ID != e.EventID:
		return tandem.Event{}, tandem.Invalid("id", ce.ID, "the CloudEvent's id is not its event_id")
	case ce.Type != string(e.EventType):
		return tandem.Event{}, tandem.Invalid("type", ce.Type, "the CloudEvent's type is not its event_type")
	}
	return e, nil
}

// traceparent gives the W3C form of a trace, with a span made of the event's id; empty when the event names no trace.
func traceparent(trace, event string) string {
	id := strings.ReplaceAll(event, "-", "")
	if len(trace) != 32 || len(id) != 32 {
		return ""
	}
	if _, err := hex.DecodeString(trace + id); err != nil {
		return ""
	}
	return "00-" + trace + "-" + id[16:] + "-01"
}

// deadLetter gives the body of a dead letter: the CloudEvent as it came, with the reason and the consumer added. What is no
// CloudEvent, or too large to travel again, is wrapped in one. The same input gives the same bytes.
func deadLetter(raw []byte, consumer, reason string) ([]byte, error) {
	if len(reason) > maxReason {
		reason = strings.ToValidUTF8(reason[:maxReason], "")
	}
	var known envelope
	var ce map[string]json.RawMessage
	if len(raw) > MaxEvent || !utf8.Valid(raw) || json.Unmarshal(raw, &known) != nil || known.SpecVersion == "" || json.Unmarshal(raw, &ce) != nil {
		return json.Marshal(wrapped(raw, consumer, reason))
	}
	for key, value := range map[string]string{keyReason: reason, keyConsumer: consumer} {
		text, err := json.Marshal(value)
		if err != nil {
			return nil, fmt.Errorf("encode %s: %w", key, err)
		}
		maps.DeleteFunc(ce, func(k string, _ json.RawMessage) bool { return strings.EqualFold(k, key) })
		ce[key] = text
	}
	return json.Marshal(ce)
}

func wrapped(raw []byte, consumer, reason string) envelope {
	e := envelope{
		SpecVersion: specVersion, ID: digest(raw), Source: source, Type: typeUndecodable, ContentType: bytesType,
		Bytes: raw, Reason: reason, Consumer: consumer,
	}
	if len(raw) > maxKept {
		e.Bytes, e.Size = raw[:maxKept], fmt.Sprint(len(raw))
	}
	return e
}

func digest(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}

// Attributes that a dead letter has besides those of the event.
const (
	keyReason   = "dlqreason"
	keyConsumer = "dlqconsumer"
)

// Letter is a message of a topic's dead letters.
type Letter struct {
	Topic    tandem.Topic // from which it could not be taken
	Consumer string       // that could not take it; empty: the sidecar set it aside
	EventID  string       // empty: it is no event
	Reason   string
	// Key names the content: letters of one key are one letter that came twice.
	Key string
	// Event is what can be published again (the data of the CloudEvent), or the bytes as they came where there is no event.
	Event []byte
}

// readLetter reads a message of the dead letters of topic. Every message is a letter.
func readLetter(topic tandem.Topic, raw []byte) Letter {
	l := Letter{Topic: topic, Reason: reasonUndecodable, Event: raw, Key: digest(raw)}
	var ce envelope
	if err := json.Unmarshal(raw, &ce); err != nil || ce.SpecVersion == "" {
		return l
	}
	l.Consumer, l.Reason = ce.Consumer, ce.Reason
	if l.Reason == "" {
		l.Reason = reasonSidecar
	}
	l.Key = letterKey(raw, ce.Consumer)
	if ce.Type == typeUndecodable {
		l.Event = ce.Bytes
		return l
	}
	l.EventID = ce.ID
	switch {
	case len(ce.Data) > 0:
		l.Event = ce.Data
	case len(ce.Bytes) > 0:
		l.Event = ce.Bytes
	}
	return l
}

// letterKey is a digest of a letter without its reason, which may differ between two deliveries of one event.
func letterKey(raw []byte, consumer string) string {
	var ce map[string]json.RawMessage
	if json.Unmarshal(raw, &ce) != nil {
		return digest(raw)
	}
	delete(ce, keyReason)
	canonical, err := json.Marshal(ce)
	if err != nil {
		return digest(raw)
	}
	return digest(bytes.Join([][]byte{[]byte(consumer), canonical}, []byte{'\n'}))
}
