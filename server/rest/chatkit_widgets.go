package rest

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"tandem"
)

// The actions of our widgets.
const (
	actionConfirm  = "approval.confirm"
	actionCancel   = "approval.cancel"
	actionComplete = "task.complete"
)

// maxShownTasks bounds the rows of a list before "show more".
const maxShownTasks = 10

// listItem shows a list of tasks as a widget whose rows can be ticked. A result that was cut off, or an empty list, shows
// nothing.
func listItem(base kitItem, turn string, n int, tool string, result json.RawMessage) (kitItem, bool) {
	var r struct {
		Success bool             `json:"success"`
		Tasks   []tandem.TaskRow `json:"tasks"`
	}
	if tool != "list_tasks" || json.Unmarshal(result, &r) != nil || !r.Success || len(r.Tasks) == 0 {
		return kitItem{}, false
	}
	w := &kitWidget{Type: "ListView", Limit: maxShownTasks}
	for _, t := range r.Tasks {
		w.Children = append(w.Children, taskRow(t))
	}
	base.Type, base.ID, base.Widget = "widget", listID(turn, n), w
	return base, true
}

func taskRow(t tandem.TaskRow) kitWidget {
	row := kitWidget{
		Type: "ListViewItem", Key: t.UID,
		Children: []kitWidget{{Type: "Text", Value: isolated(t.Title), LineThrough: t.Completed, MaxLines: 2}},
	}
	if text := dueText(t.Due); text != "" {
		row.Children = append(row.Children, kitWidget{Type: "Caption", Value: text})
	}
	if t.Status == tandem.StatusPending {
		row.OnClick = &kitAction{Type: actionComplete, Payload: kitPayload{TaskID: t.TaskID}}
	}
	return row
}

// questionItem shows an approval: a card for a yes or no, a choice as structured input.
func questionItem(a tandem.Approval) kitItem {
	item := kitItem{ID: questionPrefix + a.ID, ThreadID: threadID(a.Conversation), CreatedAt: tandem.Stamp(a.CreatedAt)}
	if a.Kind == tandem.ApprovalChoice {
		item.Type, item.Status, item.Inputs = "structured_input", "pending", []kitQuestion{choice(a)}
		return item
	}
	item.Type, item.Widget = "widget", card(a)
	return item
}

func choice(a tandem.Approval) kitQuestion {
	q := kitQuestion{Type: "multiple_choice", ID: a.ID, Question: a.Summary, Options: make([]kitOption, len(a.Items))}
	for i, it := range a.Items {
		q.Options[i] = kitOption{optionText(it)}
	}
	return q
}

// optionText writes a candidate with its number in front, so that no two are the same.
func optionText(it tandem.ApprovalItem) string {
	text := strconv.FormatInt(it.TaskID, 10) + ": " + it.Title
	if due := dueText(it.Due); due != "" {
		text += " (" + due + ")"
	}
	return text
}

// chosen gives the candidate that an answer means; false for words of the person's own.
func chosen(a tandem.Approval, answer string) (tandem.ApprovalItem, bool) {
	i := slices.IndexFunc(a.Items, func(it tandem.ApprovalItem) bool { return optionText(it) == answer })
	if i < 0 {
		return tandem.ApprovalItem{}, false
	}
	return a.Items[i], true
}

func card(a tandem.Approval) *kitWidget {
	w := &kitWidget{Type: "Card", Size: "md", Children: []kitWidget{{Type: "Text", Value: isolated(a.Summary), Weight: "semibold"}}}
	for _, it := range a.Items {
		text := "• " + isolated(it.Title)
		if due := dueText(it.Due); due != "" {
			text += " (" + due + ")"
		}
		w.Children = append(w.Children, kitWidget{Type: "Text", Value: text, MaxLines: 2})
	}
	if a.More > 0 {
		w.Children = append(w.Children, kitWidget{Type: "Caption", Value: fmt.Sprintf("and %d more", a.More)})
	}
	payload := kitPayload{Approval: a.ID}
	w.Confirm = &kitButton{confirmLabel(a), kitAction{actionConfirm, payload}}
	w.Cancel = &kitButton{"Cancel", kitAction{actionCancel, payload}}
	return w
}

// confirmLabel repeats the verb and the number, so that the button says what it does.
func confirmLabel(a tandem.Approval) string {
	verb := map[string]string{"add_task": "Add", "complete_task": "Complete", "delete_task": "Delete", "update_task": "Change"}[a.Tool]
	if verb == "" {
		verb = "Go on"
	}
	switch n := len(a.Items) + a.More; n {
	case 0:
		return verb
	case 1:
		return verb + " 1 task"
	default:
		return fmt.Sprintf("%s %d tasks", verb, n)
	}
}

// decided is the card after the answer: without its buttons, with a line that tells which it was.
func decided(a tandem.Approval, yes bool) kitItem {
	item := questionItem(a)
	item.Widget.Confirm, item.Widget.Cancel = nil, nil
	item.Widget.Status = &kitNote{"Declined"}
	if yes {
		item.Widget.Status = &kitNote{"Confirmed"}
	}
	return item
}

// dueText writes a due date as a person reads it, in the words of its own wall clock.
func dueText(d *tandem.Due) string {
	if d == nil {
		return ""
	}
	day, err := time.Parse(time.DateOnly, d.Date)
	if err != nil {
		return ""
	}
	return strings.TrimSpace(day.Format("Mon 2 Jan 2006") + " " + d.Time)
}

// isolated keeps text of the other writing direction from turning its surroundings around (Unicode UAX #9, FSI and PDI).
func isolated(s string) string {
	for _, r := range s {
		if r > 0x7f {
			return "\u2068" + s + "\u2069"
		}
	}
	return s
}
