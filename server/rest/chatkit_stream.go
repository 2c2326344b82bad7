package rest

import (
	"context"
	"slices"
	"strings"

	"tandem"
)

// opening says how a stream begins.
type opening struct {
	created bool
	content []kitContent // the person's message as it was sent; nil: as it is stored
	before  []kitEvent
	retried string // id of the message that gave way to this turn's
}

// kitStream encodes the events of one turn in the ChatKit protocol.
type kitStream struct {
	*eventStream
	base kitItem // thread and time of the items
	turn string

	text  string    // of the answer so far
	open  bool      // the answer's item has been added
	steps []string  // ids of the tool calls, in order
	shown []kitStep // how each is shown
	done  bool
}

// stream answers with the events of a turn. Closing the stream is this protocol's only way to stop, so it stops the turn.
func (k *kit) stream(t Ticket, o opening) error {
	conv, err := k.ChatKit.Conversation(k.ctx(), k.p.User, t.Conversation)
	if err != nil {
		return err
	}
	said, err := k.said(t)
	if err != nil {
		return err
	}
	s := &kitStream{eventStream: newEventStream(k.w), turn: t.TurnID}
	defer s.keepAlive(k.ctx())()
	s.base = kitItem{ThreadID: threadID(t.Conversation), CreatedAt: said.CreatedAt}
	s.begin(conv, said, o)
	for ev := range k.Assistant.Watch(k.ctx(), k.p.User, t.TurnID) {
		if !s.encode(ev) {
			break
		}
	}
	if !s.done {
		k.interrupted(s, t)
		return nil
	}
	if conv, err = k.ChatKit.Conversation(k.ctx(), k.p.User, t.Conversation); err == nil {
		thread := threadOf(conv)
		s.send(kitEvent{Type: "thread.updated", Thread: &thread})
	}
	return nil
}

// said gives the person's message of a turn as an item.
func (k *kit) said(t Ticket) (kitItem, error) {
	messages, err := k.messages(t.Conversation, 4)
	if err != nil {
		return kitItem{}, err
	}
	i := slices.IndexFunc(messages, func(m tandem.Message) bool { return m.ID == t.MessageID })
	if i < 0 {
		// A repeated turn of long ago: its message is further back, and the client has it.
		return kitItem{ThreadID: threadID(t.Conversation), CreatedAt: tandem.Stamp(k.Now())}, nil
	}
	return itemsOf(messages[i])[0], nil
}

// interrupted ends a stream whose turn is not known to have ended: the client left, or the turn cannot be watched.
func (k *kit) interrupted(s *kitStream, t Ticket) {
	if k.ctx().Err() == nil && s.err == nil {
		retry := true
		s.send(kitEvent{Type: "error", Code: "stream.error", AllowRetry: &retry})
		return
	}
	ctx := context.WithoutCancel(k.ctx())
	if err := k.Assistant.Cancel(ctx, k.p.User, t.TurnID); err != nil {
		k.Log.WarnContext(ctx, "turn not cancelled", "user_id", k.p.User, "turn_id", t.TurnID, "err", err)
	}
	note := tandem.Message{
		UserID: k.p.User, Conversation: t.Conversation, TurnID: t.TurnID, Role: tandem.RoleHidden, Text: "The user cancelled the answer.",
		CreatedAt: k.Now(),
	}
	if _, err := k.ChatKit.AddMessage(ctx, k.p.User, k.cause(), note); err != nil {
		k.Log.WarnContext(ctx, "cancellation not noted", "user_id", k.p.User, "turn_id", t.TurnID, "err", err)
	}
}

func (s *kitStream) send(ev kitEvent) bool { return s.event("", ev) }

// begin sends what stands in front of the turn's own events.
func (s *kitStream) begin(conv tandem.Conversation, said kitItem, o opening) {
	if o.created {
		thread := threadOf(conv)
		s.send(kitEvent{Type: "thread.created", Thread: &thread})
	}
	for _, ev := range o.before {
		s.send(ev)
	}
	if o.retried != "" && messagePrefix+o.retried != said.ID {
		s.send(kitEvent{Type: "thread.item.removed", ItemID: messagePrefix + o.retried})
	}
	if said.ID != "" {
		if o.content != nil {
			said.Content = o.content
		}
		s.send(kitEvent{Type: "thread.item.done", Item: &said})
	}
	s.send(kitEvent{Type: "stream_options", Options: &kitOptions{AllowCancel: true}})
}

// encode sends one event of the turn. False ends the stream: the client is gone, or the turn has ended.
func (s *kitStream) encode(ev tandem.TurnEvent) bool {
	switch ev.Ev {
	case tandem.TurnEvStart:
		return s.send(kitEvent{Type: "progress_update", Icon: "sparkle", Text: "Looking at your tasks…"})
	case tandem.TurnEvState:
		for _, t := range ev.Tools {
			if !s.tool(t) {
				return false
			}
		}
		return s.restate(ev.Text)
	case tandem.TurnEvText:
		return s.say(ev.D)
	case tandem.TurnEvTool:
		return ev.Tool == nil || s.tool(*ev.Tool)
	case tandem.TurnEvApproval:
		if ev.Approval == nil {
			return true
		}
		item := questionItem(*ev.Approval)
		item.ThreadID = s.base.ThreadID
		return s.send(kitEvent{Type: "thread.item.done", Item: &item})
	case tandem.TurnEvDone:
		s.finish(ev.End)
		return false
	default:
		return true
	}
}

// say adds to the answer.
func (s *kitStream) say(delta string) bool {
	if delta == "" {
		return true
	}
	first := 0
	if !s.open {
		s.open = true
		item, part := answerItem(s.base, s.turn, ""), outputText("")
		s.send(kitEvent{Type: "thread.item.added", Item: &item})
		s.update(item.ID, kitUpdate{Type: "assistant_message.content_part.added", ContentIndex: &first, Content: &part})
	}
	s.text += delta
	return s.update(messagePrefix+s.turn, kitUpdate{Type: "assistant_message.content_part.text_delta", ContentIndex: &first, Delta: delta})
}

// restate makes the answer read like text: by what is new of it, or by replacing it where words were taken back.
func (s *kitStream) restate(text string) bool {
	if rest, ok := strings.CutPrefix(text, s.text); ok {
		return s.say(rest)
	}
	s.text = text
	item := answerItem(s.base, s.turn, text)
	return s.send(kitEvent{Type: "thread.item.replaced", Item: &item})
}

func (s *kitStream) update(item string, u kitUpdate) bool {
	return s.send(kitEvent{Type: "thread.item.updated", ItemID: item, Update: &u})
}

// tool shows a tool call in its phase: as a step of the workflow, and once it is done by what it brought.
func (s *kitStream) tool(t tandem.TurnTool) bool {
	failure := t.Err
	if failure == "" {
		failure = failureText(t.Result)
	}
	step, id := stepOf(t.Name, t.Phase, failure), workflowPrefix+s.turn
	at := slices.Index(s.steps, t.ID)
	if at >= 0 && s.shown[at] == step {
		return true
	}
	kind := "workflow.task.updated"
	if at < 0 {
		kind, at = "workflow.task.added", len(s.steps)
		if at == 0 {
			item := workflowItem(s.base, s.turn, []kitStep{})
			s.send(kitEvent{Type: "thread.item.added", Item: &item})
		}
		s.steps, s.shown = append(s.steps, t.ID), append(s.shown, step)
		s.send(kitEvent{Type: "progress_update", Icon: step.Icon, Text: step.Title})
	}
	s.shown[at] = step
	ok := s.update(id, kitUpdate{Type: kind, TaskIndex: &at, Task: &step})
	if t.Phase != "ok" {
		return ok
	}
	if item, list := listItem(s.base, s.turn, at, t.Name, t.Result); list {
		ok = s.send(kitEvent{Type: "thread.item.done", Item: &item})
	}
	if ids := touchedIDs(t.Name, t.Result); len(ids) > 0 {
		ok = s.send(kitEvent{Type: "client_effect", Name: "tasks.changed", Data: &kitEffectData{ids}})
	}
	return ok
}

// finish closes what is open and tells how the turn ended.
func (s *kitStream) finish(end *tandem.TurnEnd) {
	s.done = true
	if len(s.steps) > 0 {
		item := workflowItem(s.base, s.turn, s.shown)
		s.send(kitEvent{Type: "thread.item.done", Item: &item})
	}
	if s.open {
		first, part := 0, outputText(s.text)
		s.update(messagePrefix+s.turn, kitUpdate{Type: "assistant_message.content_part.done", ContentIndex: &first, Content: &part})
		item := answerItem(s.base, s.turn, s.text)
		s.send(kitEvent{Type: "thread.item.done", Item: &item})
	}
	if end == nil {
		return
	}
	switch end.Status {
	case tandem.TurnLimit:
		s.send(kitEvent{Type: "notice", Level: "warning", Message: "The answer ended at a limit; it tells what was done so far."})
	case tandem.TurnFailed, tandem.TurnLost:
		ev := kitError("The answer could not be finished.")
		retry := true
		ev.AllowRetry = &retry
		s.send(ev)
	default:
	}
}
