package agent

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"tandem"
)

// What a turn may do without a yes.
const (
	maxChanges = 3  // tasks completed or changed in a turn
	maxAdds    = 10 // tasks added in a turn
)

// policy decides which writes of a turn wait for the person. It is code, so that it holds when the model obeys an attacker.
// Its memory is that of one turn; Effects come one at a time.
type policy struct {
	words   string // the person's own
	always  bool   // the person wants to be asked about everything
	planned bool   // the calls come from the planner, which reads nothing but the words
	tainted bool   // the model has read task text
	hints   Hints
	among   []Target // open tasks that the words may name
	pending int      // how many open tasks there are; -1: not known

	changed map[string]bool // tasks changed in this turn, by UID
	deleted int
	added   int
}

// judge gives the reason why the call has to wait, or "".
func (p *policy) judge(e Effect, args arguments) string {
	touched := touchedBy(e)
	switch {
	case p.always:
		return "every change waits for a yes"
	case len(e.Unsaid) > 0 && !p.planned:
		return "a date that nobody named"
	case e.Tool == addTask:
		return p.judgeAdd(e)
	case e.Tool == deleteTask:
		return p.judgeDelete(touched, args)
	case args.has("undo") && e.Tool == updateTask && (p.planned || p.says(undoWords)):
		return ""
	}
	return p.judgeChange(e, touched, args)
}

func (p *policy) judgeAdd(e Effect) string {
	n := 0
	for _, c := range e.Changes {
		if c.Before == nil {
			n++
		}
	}
	switch {
	case p.added+n > maxAdds:
		return "more than ten new tasks"
	case n > 1 && p.suspect() && !p.says(addVerbs):
		return "several new tasks that were not asked for"
	}
	return ""
}

func (p *policy) judgeDelete(touched []tandem.Task, args arguments) string {
	switch {
	case p.deleted+len(touched) > 1:
		return "several tasks"
	case args.text("scope") == "series":
		return "a series"
	case len(touched) == 1 && touched[0].Recurring() && touched[0].Open() && !p.says(onceWords):
		return "a task that repeats"
	case len(touched) == 1 && !p.planned && !p.namedForDeletion(touched[0]):
		return "the words do not name it"
	}
	return ""
}

func (p *policy) namedForDeletion(t tandem.Task) bool {
	return slices.ContainsFunc(asksToDelete(p.words), func(ref []token) bool { return names(ref, t.Candidate(), p.among, p.hints) })
}

func (p *policy) judgeChange(e Effect, touched []tandem.Task, args arguments) string {
	switch {
	case args.flag("stop_series"):
		return "a series"
	case e.Tool == updateTask && editsSeries(args) && slices.ContainsFunc(touched, tandem.Task.Recurring):
		return "a series"
	case p.sumWith(touched) > maxChanges:
		return "more than three tasks"
	case len(touched) > 1 && (p.says(allWords) || said(p.words)["overdue"]) && p.sweeps(e, touched):
		return "all of them"
	case p.suspect() && !p.entails(e.Tool, touched):
		return "the words do not ask for it"
	}
	return ""
}

// sweeps reports that a call completes all open tasks, or moves nothing but overdue ones.
func (p *policy) sweeps(e Effect, touched []tandem.Task) bool {
	if e.Tool == completeTask {
		return p.pending < 0 || len(touched) >= p.pending
	}
	return !slices.ContainsFunc(touched, func(t tandem.Task) bool { return t.DueAt == nil || !t.DueAt.Before(p.hints.Now) })
}

// suspect reports that somebody else's words may speak through the model.
func (p *policy) suspect() bool { return p.tainted && !p.planned }

// entails reports that the person's own words ask for such a change: by a verb, or, for one task, by its number. What is to
// be completed may also be told by what was done: "I bought the milk".
func (p *policy) entails(tool string, touched []tandem.Task) bool {
	verbs := updateVerbs
	if tool == completeTask {
		verbs = completeVerbs
	}
	if p.says(verbs) {
		return true
	}
	if len(touched) != 1 {
		return false
	}
	own := said(p.words)
	return own[strconv.FormatInt(touched[0].Number, 10)] ||
		tool == completeTask && slices.ContainsFunc(tandem.Words(touched[0].Title), func(w string) bool { return own[w] && telling(w) })
}

// telling reports a word that says which task is meant.
func telling(w string) bool {
	return len(w) > 2 && !filler[w] && !preface[w] && !deleteVerbs[w] && !completeVerbs[w] && !updateVerbs[w] && !addVerbs[w] && !allWords[w]
}

func (p *policy) says(set map[string]bool) bool {
	for w := range said(p.words) {
		if set[w] {
			return true
		}
	}
	return false
}

func (p *policy) sumWith(touched []tandem.Task) int {
	n := len(p.changed)
	for _, t := range touched {
		if !p.changed[t.UID] {
			n++
		}
	}
	return n
}

// note remembers a write that was let through.
func (p *policy) note(e Effect) {
	if p.changed == nil {
		p.changed = map[string]bool{}
	}
	switch e.Tool {
	case addTask:
		p.added += len(e.Changes)
	case deleteTask:
		p.deleted += len(touchedBy(e))
	default:
		for _, t := range touchedBy(e) {
			p.changed[t.UID] = true
		}
	}
}

// touchedBy gives the tasks that a call changes, as they were; of a series the one, however many rows follow it.
func touchedBy(e Effect) []tandem.Task {
	var out []tandem.Task
	series := map[string]bool{}
	for _, c := range e.Changes {
		if c.Before == nil {
			continue
		}
		if s := c.Before.Series; s != nil {
			if series[s.ID] {
				continue
			}
			series[s.ID] = true
		}
		out = append(out, *c.Before)
	}
	return out
}

// editsSeries reports arguments that change a rule or start it anew.
func editsSeries(args arguments) bool {
	if slices.ContainsFunc([]string{"recurrence", "recurrence_pattern", "repeat_from", "due", "due_date"}, args.has) {
		return true
	}
	var clear []string
	_ = json.Unmarshal(args["clear"], &clear) // the tool refuses what is no list
	return slices.Contains(clear, "recurrence") || slices.Contains(clear, "due")
}

// arguments are those of a call, by name.
type arguments map[string]json.RawMessage

// readArguments reads one JSON object, in which no name stands twice. Members that are null are taken as absent: models write them for what they leave out.
func readArguments(raw json.RawMessage) (arguments, error) {
	if len(strings.TrimSpace(string(raw))) == 0 {
		return arguments{}, nil
	}
	var a arguments
	if err := json.Unmarshal(raw, &a); err != nil {
		return nil, fmt.Errorf("arguments are no JSON object: %w", err)
	}
	if a == nil {
		return arguments{}, nil
	}
	if n := members(raw); n != len(a) {
		return nil, errors.New("an argument is given twice")
	}
	maps.DeleteFunc(a, func(_ string, v json.RawMessage) bool { return string(v) == "null" })
	return a, nil
}

// members counts the members of a JSON object, repeated ones too.
func members(object json.RawMessage) (n int) {
	d := json.NewDecoder(bytes.NewReader(object))
	_, _ = d.Token() // the bracket; the object was read before
	for ; d.More(); n++ {
		var value json.RawMessage
		_, _ = d.Token()
		_ = d.Decode(&value)
	}
	return n
}

func (a arguments) has(name string) bool { return len(a[name]) > 0 }

func (a arguments) flag(name string) bool { return string(a[name]) == "true" }

func (a arguments) text(name string) (s string) {
	_ = json.Unmarshal(a[name], &s) // the tool refuses another type
	return s
}

func (a arguments) raw() json.RawMessage { return encode(map[string]json.RawMessage(a)) }

// with gives a copy with one more member.
func (a arguments) with(name string, v any) arguments {
	out := maps.Clone(a)
	if out == nil {
		out = arguments{}
	}
	out[name] = encode(v)
	return out
}

// versionsOf tells what an approval is bound to: each task that the call would change, as it is now.
func versionsOf(e Effect) map[string]int64 {
	out := map[string]int64{}
	for _, c := range e.Changes {
		if c.Before != nil {
			out[c.Before.UID] = c.Before.Version
		}
	}
	return out
}

// bindingHash is the fingerprint of a call with all it resolved to.
func bindingHash(tool string, args json.RawMessage, versions map[string]int64) string {
	text := fmt.Appendf(nil, "%s\n%s\n", tool, canonical(args))
	for _, uid := range slices.Sorted(maps.Keys(versions)) {
		text = fmt.Appendf(text, "%s:%d\n", uid, versions[uid])
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:])
}

// scout finds what the policy has to know before a write: the open tasks that the words may name, and how many there are.
func (r *run) scout(ctx context.Context, tool string, args arguments) {
	if tool == deleteTask && r.policy.among == nil {
		r.policy.among = []Target{}
		for _, ref := range asksToDelete(r.policy.words) {
			found := r.look(ctx, map[string]any{"status": "pending", "search": searchFor(ref), "limit": tandem.MaxLimit})
			for _, row := range found.rows() {
				r.policy.among = append(r.policy.among, TargetOf(row))
			}
		}
	}
	if tool == completeTask && args.has("ids") && r.policy.pending < 0 {
		r.policy.pending = r.look(ctx, map[string]any{"status": "pending", "limit": 1}).Total
	}
}

// searchFor writes a search that finds every title which Resolve may find likely: the words without their ends.
func searchFor(ref []token) string {
	var terms []string
	for _, t := range ref {
		w := []rune(t.word)
		if filler[t.word] {
			continue
		}
		terms = append(terms, string(w[:max(min(len(w), 3), len(w)-3)]))
	}
	return strings.Join(terms, " ")
}

// look reads the list for the program's own use; what cannot be read is empty, and so nothing is found sure.
func (r *run) look(ctx context.Context, args map[string]any) result {
	raw, failed, err := r.tools.Call(ctx, listTasks, encode(args))
	if err != nil || failed {
		return result{}
	}
	return resultOf(raw)
}
