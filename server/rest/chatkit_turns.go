package rest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"tandem"
)

// userInput is what a person wrote.
type userInput struct {
	Content     []kitContent      `json:"content"`
	Attachments []json.RawMessage `json:"attachments"`
	QuotedText  string            `json:"quoted_text"`
}

// maxParts bounds the parts of one message.
const maxParts = 100

// input reads the message of a request: as parts for the answer, and as text for the assistant.
func (k *kit) input() (in userInput, text string, err error) {
	if err := decode(k.params, "input", &in); err != nil {
		return in, "", err
	}
	if len(in.Attachments) > 0 {
		return in, "", tandem.Invalid("input.attachments", len(in.Attachments), "Attachments are not supported.")
	}
	if len(in.Content) > maxParts {
		return in, "", tandem.Invalid("input.content", len(in.Content), "A message has at most %d parts.", maxParts)
	}
	var words []string
	for i, part := range in.Content {
		switch part.Type {
		case "input_text":
			words = append(words, part.Text)
			in.Content[i] = kitContent{Type: part.Type, Text: part.Text}
		case "input_tag":
			words = append(words, mention(part))
		default:
			return in, "", tandem.NotOneOf("input.content", part.Type, []string{"input_text", "input_tag"})
		}
	}
	if in.QuotedText != "" {
		words = append(words, `("`+strings.ReplaceAll(in.QuotedText, `"`, `'`)+`")`)
	}
	text = strings.Join(words, " ")
	return in, text, checkMessage("input.content", text)
}

var taskTag = regexp.MustCompile(`^tsk_([0-9]{1,15})$`)

// mention writes a tag as the assistant reads it: a task as @5 "Dentist".
func mention(tag kitContent) string {
	if m := taskTag.FindStringSubmatch(tag.ID); m != nil {
		return fmt.Sprintf(`@%s "%s"`, m[1], strings.ReplaceAll(tag.Text, `"`, `'`))
	}
	return tag.Text
}

func (k *kit) createThread() error {
	in, text, err := k.input()
	if err != nil {
		return err
	}
	return k.ask(Ask{Text: text}, in.Content, nil)
}

func (k *kit) addUserMessage() error {
	conv, err := k.thread()
	if err != nil {
		return err
	}
	in, text, err := k.input()
	if err != nil {
		return err
	}
	return k.ask(Ask{Conversation: conv.Number, Text: text}, in.Content, nil)
}

// ask begins a turn and streams it. before is sent in front.
func (k *kit) ask(ask Ask, content []kitContent, before []kitEvent) error {
	var err error
	if ask.TurnID, err = turnID(k.r, nil); err != nil {
		return err
	}
	ticket, ok := k.start(k.w, k.r, k.p, ask)
	if !ok {
		return nil
	}
	return k.stream(ticket, opening{created: ask.Conversation == 0, content: content, before: before, retried: ask.Retry})
}

// retryAfterItem answers a message of the person anew. What came after it gives way.
func (k *kit) retryAfterItem() error {
	conv, err := k.thread()
	if err != nil {
		return err
	}
	var id string
	if err := decode(k.params, "item_id", &id); err != nil {
		return err
	}
	messages, err := k.messages(conv.Number, maxWalk)
	if err != nil {
		return err
	}
	i := slices.IndexFunc(messages, func(m tandem.Message) bool { return messageID(m) == id })
	if i < 0 {
		return tandem.NotFound("item_id", id, "item")
	}
	if messages[i].Role != tandem.RoleUser {
		return k.refuse("Only a message of the person can be answered again.")
	}
	return k.ask(Ask{Conversation: conv.Number, Text: messages[i].Text, Retry: messages[i].ID}, nil, nil)
}

// refuse answers a streaming request with nothing but the protocol's error.
func (k *kit) refuse(message string) error {
	newEventStream(k.w).event("", kitError(message))
	return nil
}

// question gives the pending question of this thread that an item shows; not_found for any other.
func (k *kit) question(conv int64, id string) (tandem.Approval, error) {
	none := tandem.NotFound("item_id", id, "question")
	approval, ok := strings.CutPrefix(id, questionPrefix)
	if !ok {
		return tandem.Approval{}, none
	}
	a, err := k.ChatKit.Approval(k.ctx(), k.p.User, approval)
	if err == nil && a.Conversation != conv {
		err = none
	}
	return a, err
}

// addStructuredInput answers a choice: with one of its options, or with words of the person's own.
func (k *kit) addStructuredInput() error {
	conv, err := k.thread()
	if err != nil {
		return err
	}
	var id string
	var in struct {
		Status  string               `json:"status"`
		Answers map[string]kitAnswer `json:"answers"`
	}
	if err := errors.Join(decode(k.params, "item_id", &id), decode(k.params, "input", &in)); err != nil {
		return err
	}
	a, err := k.question(conv.Number, id)
	if err != nil {
		return err
	}
	if a.Kind != tandem.ApprovalChoice {
		return k.refuse("This item does not wait for a choice.")
	}
	item := questionItem(a)
	answer := in.Answers[a.ID]
	skipped := in.Status == "skipped" || answer.Skipped || len(answer.Values) == 0
	if skipped {
		item.Status, item.Inputs[0].Answer = "skipped", &kitAnswer{Values: []string{}, Skipped: true}
		return k.decide(a, false, nil, item)
	}
	words := answer.Values[0]
	item.Status, item.Inputs[0].Answer = "answered", &kitAnswer{Values: []string{words}}
	it, ok := chosen(a, words)
	if !ok {
		if err := checkMessage("input.answers", words); err != nil {
			return err
		}
		return k.ask(Ask{Conversation: conv.Number, Text: words}, nil, []kitEvent{{Type: "thread.item.replaced", Item: &item}})
	}
	return k.decide(a, true, json.RawMessage(fmt.Sprintf(`{"task_id":%d}`, it.TaskID)), item)
}

// decide answers a question and streams the turn that follows from it. item is how the question looks from now on. A program answers no
// question that waits for the person, its own least of all.
func (k *kit) decide(a tandem.Approval, yes bool, args json.RawMessage, item kitItem) error {
	if k.p.Program {
		return tandem.Forbidden("approval", "Only the person answers this, on a device of theirs.")
	}
	if err := k.SpendTurn(k.ctx(), k.p.User, a.ID); err != nil {
		return err
	}
	if err := k.Assistant.Approve(context.WithoutCancel(k.ctx()), k.p.User, a.ID, yes, args, "chatkit"); err != nil {
		return err
	}
	replaced := []kitEvent{{Type: "thread.item.replaced", Item: &item}}
	ticket, err := k.newest(a.Conversation)
	if err != nil {
		return err
	}
	return k.stream(ticket, opening{before: replaced})
}

// newest gives the ticket of the conversation's last turn.
func (k *kit) newest(conv int64) (Ticket, error) {
	messages, err := k.messages(conv, 2)
	for _, m := range slices.Backward(messages) {
		if m.Role == tandem.RoleUser {
			return Ticket{TurnID: m.TurnID, Conversation: conv, MessageID: m.ID}, nil
		}
	}
	if err == nil {
		err = fmt.Errorf("conversation %d has no turn", conv)
	}
	return Ticket{}, err
}

// action is a click on a widget.
type action struct {
	Type    string     `json:"type"`
	Payload kitPayload `json:"payload"`
}

func (k *kit) readAction() (conv tandem.Conversation, id string, act action, err error) {
	if conv, err = k.thread(); err == nil {
		err = errors.Join(decode(k.params, "item_id", &id), decode(k.params, "action", &act))
	}
	return conv, id, act, err
}

// customAction does what a click on one of our widgets asks for.
func (k *kit) customAction() error {
	conv, id, act, err := k.readAction()
	if err != nil {
		return err
	}
	switch act.Type {
	case actionConfirm, actionCancel:
		if id == "" {
			id = questionPrefix + act.Payload.Approval
		}
		a, err := k.question(conv.Number, id)
		if err != nil {
			return err
		}
		if a.Kind != tandem.ApprovalConfirm || act.Payload.Approval != a.ID {
			return k.refuse("This item cannot be confirmed.")
		}
		yes := act.Type == actionConfirm
		return k.decide(a, yes, nil, decided(a, yes))
	case actionComplete:
		item, events, err := k.complete(conv, id, act)
		if err != nil {
			return k.refuse(tandem.AsError(err).Message)
		}
		s := newEventStream(k.w)
		if item != nil {
			s.event("", kitEvent{Type: "thread.item.replaced", Item: item})
		}
		for _, ev := range events {
			s.event("", ev)
		}
		return nil
	default:
		return k.refuse("There is no such action.")
	}
}

// syncCustomAction is customAction with one item as its answer. A question cannot be answered by it: that begins a turn.
func (k *kit) syncCustomAction() error {
	conv, id, act, err := k.readAction()
	if err != nil {
		return err
	}
	if act.Type != actionComplete {
		return k.empty()
	}
	item, _, err := k.complete(conv, id, act)
	if err != nil {
		return err
	}
	return k.answer(struct {
		Item *kitItem `json:"updated_item,omitempty"`
	}{item})
}

// complete ticks a task of a list: it gives the list as it looks now, and what the page should hear of.
func (k *kit) complete(conv tandem.Conversation, id string, act action) (*kitItem, []kitEvent, error) {
	item, err := k.list(conv.Number, id)
	if err != nil {
		return nil, nil, err
	}
	if k.Actions == nil {
		return nil, nil, tandem.Forbidden("action", "Tasks cannot be completed here.")
	}
	args := json.RawMessage(fmt.Sprintf(`{"task_id":%d}`, act.Payload.TaskID))
	result, err := k.Actions(k.ctx(), k.p, "complete_task", args)
	if err != nil {
		return nil, nil, err
	}
	if item != nil {
		tick(item.Widget, act.Payload.TaskID)
	}
	return item, []kitEvent{{Type: "client_effect", Name: "tasks.changed", Data: &kitEffectData{touchedIDs("complete_task", result)}}}, nil
}

// list gives the list widget that an item id names; nil without an id, and not_found for what is no list of this thread.
func (k *kit) list(conv int64, id string) (*kitItem, error) {
	if id == "" {
		return nil, nil
	}
	none := tandem.NotFound("item_id", id, "list")
	if _, ok := turnOfList(id); !ok {
		return nil, none
	}
	items, err := k.items(conv)
	if err != nil {
		return nil, err
	}
	i := slices.IndexFunc(items, func(it kitItem) bool { return it.ID == id })
	if i < 0 {
		return nil, none
	}
	return &items[i], nil
}

// tick strikes a task's row through.
func tick(w *kitWidget, task int64) {
	for i, row := range w.Children {
		if row.OnClick != nil && row.OnClick.Payload.TaskID == task {
			w.Children[i].OnClick = nil
			w.Children[i].Children[0].LineThrough = true
		}
	}
}
