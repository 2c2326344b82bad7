package rest

import (
	"encoding/json"
	"slices"
	"strconv"
	"strings"

	"tandem"
)

// Item ids say what they stand for: msg_ and the id of a person's message, msg_ and the id of the turn for the answer to it
// (which has an id before it has a message), wf_ and the turn for its tool calls, tsk_ with turn and place for a list that it
// showed, tc_ and the approval for a question.
const (
	messagePrefix  = "msg_"
	workflowPrefix = "wf_"
	listPrefix     = "tsk_"
	questionPrefix = "tc_"
)

// maxWalk bounds the messages that are read for one page of items.
const maxWalk = 5000

// messageID gives the item id of a message.
func messageID(m tandem.Message) string {
	if m.Role == tandem.RoleAssistant && m.TurnID != "" {
		return messagePrefix + m.TurnID
	}
	return messagePrefix + m.ID
}

// itemsOf gives what a message shows, in the order in which it came to be.
func itemsOf(m tandem.Message) []kitItem {
	base := kitItem{ThreadID: threadID(m.Conversation), CreatedAt: tandem.Stamp(m.CreatedAt)}
	if m.Role == tandem.RoleUser {
		return []kitItem{userItem(base, messageID(m), []kitContent{{Type: "input_text", Text: m.Text}})}
	}
	var out []kitItem
	if len(m.ToolCalls) > 0 {
		steps := make([]kitStep, len(m.ToolCalls))
		for i, c := range m.ToolCalls {
			steps[i] = stepOf(c.Tool, c.Status, failureText(c.Result))
		}
		out = append(out, workflowItem(base, m.TurnID, steps))
	}
	for i, c := range m.ToolCalls {
		if item, ok := listItem(base, m.TurnID, i, c.Tool, c.Result); ok {
			out = append(out, item)
		}
	}
	return append(out, answerItem(base, m.TurnID, m.Text))
}

func userItem(base kitItem, id string, content []kitContent) kitItem {
	base.Type, base.ID, base.Content, base.Attachments, base.InferenceOptions = "user_message", id, content, []string{}, &struct{}{}
	return base
}

// answerItem is the assistant's message of a turn; without text it has no content yet.
func answerItem(base kitItem, turn, text string) kitItem {
	base.Type, base.ID, base.Content = "assistant_message", messagePrefix+turn, []kitContent{}
	if text != "" {
		base.Content = append(base.Content, outputText(text))
	}
	return base
}

func workflowItem(base kitItem, turn string, steps []kitStep) kitItem {
	base.Type, base.ID = "workflow", workflowPrefix+turn
	base.Workflow = &kitWorkflow{Type: "custom", Tasks: steps}
	return base
}

// page gives a part of a thread's items. Questions that wait stand at the end.
func (k *kit) page(conv int64, q pageRequest) (kitList[kitItem], error) {
	items, err := k.items(conv)
	if err != nil {
		return kitList[kitItem]{}, err
	}
	if q.desc {
		slices.Reverse(items)
	}
	if q.after != "" {
		at := slices.IndexFunc(items, func(it kitItem) bool { return it.ID == q.after })
		if at < 0 {
			return kitList[kitItem]{}, tandem.NotFound("after", q.after, "item")
		}
		items = items[at+1:]
	}
	page := kitList[kitItem]{Data: items}
	if len(items) > q.limit {
		page = kitList[kitItem]{Data: items[:q.limit], HasMore: true, After: items[q.limit-1].ID}
	}
	return page, nil
}

// items gives the items of the newest maxWalk messages, oldest first.
func (k *kit) items(conv int64) ([]kitItem, error) {
	messages, err := k.messages(conv, maxWalk)
	if err != nil {
		return nil, err
	}
	items := []kitItem{}
	for _, m := range messages {
		items = append(items, itemsOf(m)...)
	}
	asked, err := k.ChatKit.PendingApprovals(k.ctx(), k.p.User, conv)
	if err != nil {
		return nil, err
	}
	for _, a := range slices.Backward(asked) { // newest first
		items = append(items, questionItem(a))
	}
	return items, nil
}

// messages gives the newest n messages, oldest first.
func (k *kit) messages(conv int64, n int) ([]tandem.Message, error) {
	const step = 100
	var pages [][]tandem.Message
	before := ""
	for read := 0; read < n; {
		page, more, err := k.ChatKit.History(k.ctx(), k.p.User, conv, before, min(step, n-read))
		if err != nil {
			return nil, err
		}
		pages = append(pages, page)
		if read += len(page); !more || len(page) == 0 {
			break
		}
		before = page[0].ID
	}
	slices.Reverse(pages)
	return slices.Concat(pages...), nil
}

// step titles and icons, by tool.
var stepLooks = map[string]struct{ doing, icon string }{
	"add_task":      {"Adding a task", "plus"},
	"list_tasks":    {"Looking at the list", "search"},
	"complete_task": {"Completing", "check"},
	"delete_task":   {"Deleting", "empty-circle"},
	"update_task":   {"Changing", "write"},
}

// stepOf shows a tool call in its phase.
func stepOf(tool, phase, failure string) kitStep {
	look := stepLooks[tool]
	s := kitStep{Type: "custom", Title: look.doing, Icon: look.icon, Content: failure, Status: "loading"}
	if s.Title == "" {
		s.Title = tool
	}
	if phase == "ok" || phase == "error" || phase == "undone" {
		s.Status = "complete"
	}
	return s
}

// failureText gives the words of a failed result; empty for a success.
func failureText(result json.RawMessage) string {
	var r struct {
		Success *bool  `json:"success"`
		Message string `json:"message"`
	}
	if json.Unmarshal(result, &r) != nil || r.Success == nil || *r.Success {
		return ""
	}
	return r.Message
}

// touchedIDs gives the UUIDs of the tasks that a write changed.
func touchedIDs(tool string, result json.RawMessage) []string {
	var r struct {
		Success bool   `json:"success"`
		UID     string `json:"uid"`
		Tasks   []struct {
			UID string `json:"uid"`
		} `json:"tasks"`
	}
	if tool == "list_tasks" || json.Unmarshal(result, &r) != nil || !r.Success {
		return nil
	}
	var ids []string
	for _, t := range r.Tasks {
		ids = append(ids, t.UID)
	}
	if r.UID != "" && !slices.Contains(ids, r.UID) {
		ids = append(ids, r.UID)
	}
	return ids
}

// listID names the list that the nth tool call of a turn showed.
func listID(turn string, n int) string { return listPrefix + turn + "_" + strconv.Itoa(n) }

// turnOfList reads a list's id back.
func turnOfList(id string) (turn string, ok bool) {
	rest, ok := strings.CutPrefix(id, listPrefix)
	turn, _, cut := strings.Cut(rest, "_")
	return turn, ok && cut
}
