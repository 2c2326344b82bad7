package tandem

import (
	"encoding/json"
	"slices"
	"time"
	"unicode/utf8"
)

// Topic is a stream of events that other programs consume. The names are locked.
type Topic string

// The topics.
const (
	TopicTaskEvents  Topic = "task-events"
	TopicReminders   Topic = "reminders"
	TopicTaskUpdates Topic = "task-updates"
)

// Topics lists all topics.
var Topics = []Topic{TopicTaskEvents, TopicReminders, TopicTaskUpdates}

// EventType names what happened.
type EventType string

// The event types of the three topics.
const (
	EventTaskCreated       EventType = "task.created"
	EventTaskUpdated       EventType = "task.updated"
	EventTaskCompleted     EventType = "task.completed"
	EventTaskReopened      EventType = "task.reopened"
	EventTaskDeleted       EventType = "task.deleted"
	EventTaskRestored      EventType = "task.restored"
	EventReminderScheduled EventType = "reminder.scheduled"
	EventReminderCancelled EventType = "reminder.cancelled"
	EventReminderDue       EventType = "reminder.due"
	EventTaskUpdate        EventType = "task.update"
)

// EventTypes lists what each topic carries.
var EventTypes = map[Topic][]EventType{
	TopicTaskEvents: {
		EventTaskCreated, EventTaskUpdated, EventTaskCompleted, EventTaskReopened, EventTaskDeleted, EventTaskRestored,
		EventReminderScheduled, EventReminderCancelled,
	},
	TopicReminders:   {EventReminderDue},
	TopicTaskUpdates: {EventTaskUpdate},
}

// Event is the locked envelope with the keys that its topic mirrors at top level.
type Event struct {
	EventID   string    `json:"event_id"` // UUIDv7
	EventType EventType `json:"event_type"`
	UserID    UserID    `json:"user_id"`
	Timestamp Stamp     `json:"timestamp"`
	Payload   Payload   `json:"payload"`

	TaskID     string          `json:"task_id,omitempty"`     // the task's UID
	ReminderID string          `json:"reminder_id,omitempty"` // topic reminders
	DueDate    *Stamp          `json:"due_date,omitempty"`    // topic reminders
	UpdateType string          `json:"update_type,omitempty"` // topic task-updates
	Changes    json.RawMessage `json:"changes,omitempty"`     // topic task-updates
}

// Payload is the body of every event.
type Payload struct {
	Seq      Seq           `json:"seq"`
	Version  int64         `json:"version"`
	OpID     string        `json:"op_id,omitempty"`
	TurnID   string        `json:"turn_id,omitempty"`
	Actor    Actor         `json:"actor"`
	TraceID  string        `json:"trace_id,omitempty"`
	Task     *TaskRow      `json:"task,omitempty"`
	Reminder *DueReminder  `json:"reminder,omitempty"`
	Fields   []FieldChange `json:"fields,omitempty"`
}

// DueReminder is the reminder an event is about.
type DueReminder struct {
	ReminderID string `json:"reminder_id"`
	Generation int64  `json:"generation"`
	At         Stamp  `json:"at"`
	Before     string `json:"before,omitempty"`
}

// Topic tells where the event belongs.
func (e Event) Topic() Topic {
	for topic, types := range EventTypes {
		if slices.Contains(types, e.EventType) {
			return topic
		}
	}
	return ""
}

// Validate checks the envelope, the closed set of types, and the keys that the topic mirrors.
func (e Event) Validate() error {
	switch topic := e.Topic(); {
	case e.EventID == "":
		return Invalid("event_id", e.EventID, "an event needs an event_id")
	case topic == "":
		return Invalid("event_type", e.EventType, "unknown event type %q", e.EventType)
	case !e.UserID.Valid():
		return Invalid("user_id", e.UserID, "an event needs a valid user_id")
	case time.Time(e.Timestamp).IsZero():
		return Invalid("timestamp", "", "an event needs a timestamp")
	case e.TaskID == "":
		return Invalid("task_id", "", "an event of %s needs a task_id", topic)
	case topic == TopicReminders && (e.ReminderID == "" || e.Payload.Reminder == nil):
		return Invalid("reminder_id", "", "an event of %s needs a reminder_id", topic)
	case topic == TopicTaskUpdates && (e.UpdateType == "" || len(e.Changes) == 0):
		return Invalid("update_type", "", "an event of %s needs update_type and changes", topic)
	}
	return nil
}

// Events derives what a change tells the world, in the order in which it is to be published. newID makes event ids.
func Events(cause Cause, c TaskChange, seq Seq, at time.Time, newID func() string) []Event {
	row := c.After.Row()
	base := Event{UserID: c.After.UserID, Timestamp: Stamp(at), TaskID: c.After.UID, Payload: Payload{
		Seq: seq, Version: c.After.Version, OpID: cause.OpID, TurnID: cause.TurnID, Actor: cause.Actor, TraceID: cause.TraceID, Task: &row,
	}}
	var out []Event
	add := func(t EventType, edit func(*Event)) {
		e := base
		e.EventID, e.EventType = newID(), t
		if edit != nil {
			edit(&e)
		}
		out = append(out, e)
	}
	what := happened(c)
	add(what, func(e *Event) { e.Payload.Fields = c.FieldChanges() })
	for _, r := range reminderEvents(c) {
		add(r.what, func(e *Event) {
			e.Payload.Reminder = &DueReminder{ReminderID: r.ID, Generation: r.Generation, At: Stamp(r.At), Before: r.Row().Before}
			if r.what == EventReminderDue {
				e.ReminderID, e.DueDate = r.ID, row.DueDate
			}
		})
	}
	add(EventTaskUpdate, func(e *Event) {
		e.UpdateType = string(what[len("task."):])
		e.Changes = mustJSON(c.FieldChanges())
		if e.Changes[0] != '[' {
			e.Changes = json.RawMessage("[]")
		}
	})
	return out
}

// happened names a change as a whole.
func happened(c TaskChange) EventType {
	was, is := c.Before, c.After
	switch {
	case was == nil:
		return EventTaskCreated
	case was.DeletedAt == nil && is.DeletedAt != nil:
		return EventTaskDeleted
	case was.DeletedAt != nil && is.DeletedAt == nil:
		return EventTaskRestored
	case was.CompletedAt == nil && is.CompletedAt != nil && !is.Skipped:
		return EventTaskCompleted
	case was.CompletedAt != nil && is.CompletedAt == nil:
		return EventTaskReopened
	default:
		return EventTaskUpdated
	}
}

type reminderEvent struct {
	Reminder
	what EventType
}

// reminderEvents compares the promises before and after: one that is new or moved is scheduled, one that is gone or
// silenced is cancelled, one that fired is due.
func reminderEvents(c TaskChange) []reminderEvent {
	was := map[string]Reminder{}
	if c.Before != nil {
		for _, r := range c.Before.Reminders {
			was[r.ID] = r
		}
	}
	var out []reminderEvent
	for _, r := range c.After.Reminders {
		old, had := was[r.ID]
		delete(was, r.ID)
		switch {
		case had && old.State == r.State && old.Generation == r.Generation:
		case r.State == ReminderScheduled:
			out = append(out, reminderEvent{r, EventReminderScheduled})
		case r.State == ReminderFired && had && old.State == ReminderScheduled:
			out = append(out, reminderEvent{r, EventReminderDue})
		case r.State == ReminderCancelled && had && old.State == ReminderScheduled:
			out = append(out, reminderEvent{r, EventReminderCancelled})
		}
	}
	if c.Before != nil {
		for _, r := range c.Before.Reminders {
			if _, gone := was[r.ID]; gone && r.State == ReminderScheduled {
				out = append(out, reminderEvent{r, EventReminderCancelled})
			}
		}
	}
	return out
}

// Foreign judges an event whose user has no such task: it is invalid, unless it is so old that the task may have been purged.
func (e Event) Foreign(now time.Time) error {
	if now.Sub(time.Time(e.Timestamp)) > KeepTrash {
		return nil
	}
	return Invalid("task_id", e.TaskID, "the user of the event has no such task")
}

// eventKeys lists the top-level keys of each topic's envelope.
var eventKeys = map[Topic][]string{
	TopicTaskEvents:  {"event_id", "event_type", "user_id", "timestamp", "payload", "task_id"},
	TopicReminders:   {"event_id", "event_type", "user_id", "timestamp", "payload", "task_id", "reminder_id", "due_date"},
	TopicTaskUpdates: {"event_id", "event_type", "user_id", "timestamp", "payload", "task_id", "update_type", "changes"},
}

// DecodeEvent reads and validates an event of the topic. The envelope is strict: a missing or extra top-level key is
// invalid. The payload may hold keys of a newer version.
func DecodeEvent(topic Topic, data []byte) (Event, error) {
	if !utf8.Valid(data) {
		return Event{}, Invalid("event", nil, "an event must be UTF-8")
	}
	var keys map[string]json.RawMessage
	if err := json.Unmarshal(data, &keys); err != nil {
		return Event{}, Invalid("event", nil, "an event must be one JSON object").Because(err)
	}
	for key := range keys {
		if !slices.Contains(eventKeys[topic], key) {
			return Event{}, Invalid(key, nil, "an event of %s has no %q", topic, key)
		}
	}
	var e Event
	if err := json.Unmarshal(data, &e); err != nil {
		return Event{}, Invalid("event", nil, "an event's keys have the wrong types").Because(err)
	}
	if err := e.Validate(); err != nil {
		return Event{}, err
	}
	if e.Topic() != topic {
		return Event{}, Invalid("event_type", e.EventType, "%s does not belong to %s", e.EventType, topic)
	}
	return e, nil
}
