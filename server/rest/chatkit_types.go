package rest

import (
	"encoding/json"

	"tandem"
)

// The shapes of the ChatKit protocol. Nulls are left out.

// kitList is a page of a list.
type kitList[T any] struct {
	Data    []T    `json:"data"`
	HasMore bool   `json:"has_more"`
	After   string `json:"after,omitempty"`
}

// kitThread is a conversation.
type kitThread struct {
	ID        string           `json:"id"`
	Title     string           `json:"title,omitempty"`
	CreatedAt tandem.Stamp     `json:"created_at"`
	Status    kitStatus        `json:"status"`
	Metadata  struct{}         `json:"metadata"`
	Items     kitList[kitItem] `json:"items"`
}

type kitStatus struct {
	Type string `json:"type"`
}

func threadOf(c tandem.Conversation) kitThread {
	return kitThread{
		ID: threadID(c.Number), Title: c.Title, CreatedAt: tandem.Stamp(c.CreatedAt), Status: kitStatus{"active"},
		Items: kitList[kitItem]{Data: []kitItem{}},
	}
}

// kitItem is an item of a thread. Which members it has depends on its type.
type kitItem struct {
	Type      string       `json:"type"`
	ID        string       `json:"id"`
	ThreadID  string       `json:"thread_id"`
	CreatedAt tandem.Stamp `json:"created_at"`

	Content          []kitContent  `json:"content,omitzero"`     // user_message, assistant_message
	Attachments      []string      `json:"attachments,omitzero"` // user_message
	QuotedText       string        `json:"quoted_text,omitempty"`
	InferenceOptions *struct{}     `json:"inference_options,omitempty"`
	Workflow         *kitWorkflow  `json:"workflow,omitempty"`
	Widget           *kitWidget    `json:"widget,omitempty"`
	Status           string        `json:"status,omitempty"` // structured_input
	Inputs           []kitQuestion `json:"inputs,omitempty"`
}

// kitContent is a part of a message.
type kitContent struct {
	Type        string          `json:"type"` // output_text, input_text, input_tag
	Text        string          `json:"text"`
	Annotations []struct{}      `json:"annotations,omitzero"` // output_text
	ID          string          `json:"id,omitempty"`         // input_tag
	Data        json.RawMessage `json:"data,omitempty"`
	Group       string          `json:"group,omitempty"`
	Interactive *bool           `json:"interactive,omitempty"`
}

func outputText(text string) kitContent {
	return kitContent{Type: "output_text", Text: text, Annotations: []struct{}{}}
}

// kitWorkflow shows the tool calls of a turn.
type kitWorkflow struct {
	Type     string    `json:"type"`
	Tasks    []kitStep `json:"tasks"`
	Expanded bool      `json:"expanded"`
}

// kitStep is one tool call.
type kitStep struct {
	Type    string `json:"type"`
	Title   string `json:"title"`
	Icon    string `json:"icon,omitempty"`
	Content string `json:"content,omitempty"`
	Status  string `json:"status_indicator"`
}

// kitQuestion asks which of several tasks was meant.
type kitQuestion struct {
	Type     string      `json:"type"`
	ID       string      `json:"id"`
	Question string      `json:"question"`
	Answer   *kitAnswer  `json:"answer,omitempty"`
	Options  []kitOption `json:"options"`
	Multiple bool        `json:"multiple"`
}

type kitOption struct {
	Value string `json:"value"`
}

type kitAnswer struct {
	Values  []string `json:"values"`
	Skipped bool     `json:"skipped"`
}

// kitWidget is a component, or a root of components.
type kitWidget struct {
	Type        string      `json:"type"`
	Key         string      `json:"key,omitempty"`
	Value       string      `json:"value,omitempty"`
	Weight      string      `json:"weight,omitempty"`
	LineThrough bool        `json:"lineThrough,omitempty"`
	MaxLines    int         `json:"maxLines,omitempty"`
	Size        string      `json:"size,omitempty"`
	Limit       int         `json:"limit,omitempty"`
	Status      *kitNote    `json:"status,omitempty"`
	Children    []kitWidget `json:"children,omitempty"`
	OnClick     *kitAction  `json:"onClickAction,omitempty"`
	Confirm     *kitButton  `json:"confirm,omitempty"`
	Cancel      *kitButton  `json:"cancel,omitempty"`
}

type kitNote struct {
	Text string `json:"text"`
}

type kitButton struct {
	Label  string    `json:"label"`
	Action kitAction `json:"action"`
}

// kitAction comes back in a custom action when the person clicks.
type kitAction struct {
	Type    string     `json:"type"`
	Payload kitPayload `json:"payload"`
}

type kitPayload struct {
	Approval string `json:"approval,omitempty"`
	TaskID   int64  `json:"task_id,omitempty"`
}

// kitEvent is an event of a stream. Which members it has depends on its type.
type kitEvent struct {
	Type       string         `json:"type"`
	Thread     *kitThread     `json:"thread,omitempty"`
	Item       *kitItem       `json:"item,omitempty"`
	ItemID     string         `json:"item_id,omitempty"`
	Update     *kitUpdate     `json:"update,omitempty"`
	Options    *kitOptions    `json:"stream_options,omitempty"`
	Icon       string         `json:"icon,omitempty"`
	Text       string         `json:"text,omitempty"`
	Name       string         `json:"name,omitempty"` // client_effect
	Data       *kitEffectData `json:"data,omitempty"`
	Level      string         `json:"level,omitempty"` // notice
	Code       string         `json:"code,omitempty"`  // error
	Message    string         `json:"message,omitempty"`
	AllowRetry *bool          `json:"allow_retry,omitempty"`
}

type kitOptions struct {
	AllowCancel bool `json:"allow_cancel"`
}

type kitEffectData struct {
	IDs []string `json:"ids"`
}

// kitUpdate changes an item that is still being made.
type kitUpdate struct {
	Type         string      `json:"type"`
	ContentIndex *int        `json:"content_index,omitempty"`
	Content      *kitContent `json:"content,omitempty"`
	Delta        string      `json:"delta,omitempty"`
	TaskIndex    *int        `json:"task_index,omitempty"`
	Task         *kitStep    `json:"task,omitempty"`
}

// kitError is the protocol's own error, with words for the person.
func kitError(message string) kitEvent {
	no := false
	return kitEvent{Type: "error", Code: "custom", Message: message, AllowRetry: &no}
}
