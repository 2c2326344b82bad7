package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"tandem"
	"tandem/agent"
	"tandem/agent/planner"
	"tandem/agent/tools"
)

// runPlan answers each sentence on in with what the planner would do about it, in the order of the input. Every line meets the
// same sample tasks; nothing is stored.
func runPlan(args []string, in io.Reader, out io.Writer) error {
	if err := jsonLinesFlag("plan", args); err != nil {
		return err
	}
	return answerLines(in, out, planLine)
}

// plannedLine is a line of output.
type plannedLine struct {
	ID    json.RawMessage `json:"id"`
	Calls []plannedCall   `json:"calls"`
	Reply string          `json:"reply"`
	Ask   bool            `json:"ask"`
	Error string          `json:"error,omitempty"`
}

type plannedCall struct {
	Tool      string          `json:"tool"`
	Arguments json.RawMessage `json:"arguments"`
}

func planLine(line []byte, bad error) any {
	var in phraseLine
	out := plannedLine{Calls: []plannedCall{}}
	now, loc, err := in.read(line)
	out.ID = in.ID
	if err = firstError(bad, err); err == nil {
		err = out.plan(*in.Text, now, loc)
	}
	if err != nil {
		out.Calls, out.Reply, out.Ask, out.Error = []plannedCall{}, "", false, err.Error()
	}
	return out
}

// maxPlanRounds bounds a turn, as the assistant's own budget does.
const maxPlanRounds = 8

// plan leads one turn to its end.
func (out *plannedLine) plan(text string, now time.Time, loc *time.Location) error {
	t, err := newTrial(text, now, loc)
	if err != nil {
		return err
	}
	for range maxPlanRounds {
		done, err := t.round(out)
		if done || err != nil {
			return err
		}
	}
	return errors.New("the plan does not come to an end")
}

// trial is one turn of the planner over the sample tasks.
type trial struct {
	request agent.Request
	box     *tools.Toolbox
	caller  tools.Caller
	review  *agent.Review
	waits   []string // what a person would be asked
	twin    bool     // a new task waits for a yes, because there is one like it
	tried   json.RawMessage
}

func newTrial(text string, now time.Time, loc *time.Location) (*trial, error) {
	settings := tandem.DefaultSettings()
	settings.TimeZone = loc.String()
	store, err := newSamples(now, settings)
	if err != nil {
		return nil, err
	}
	t := &trial{review: agent.NewReview(text, store.open())}
	t.request = agent.Request{
		User: sampleUser, Now: now, Zone: loc, Settings: settings, Messages: []agent.Message{{Role: agent.RoleUser, Text: text}},
	}
	t.box = tools.New(tools.Options{Store: store, Now: func() time.Time { return now }})
	t.caller = tools.Caller{User: sampleUser, Kind: tools.Agent, Now: now, Policy: t.judge}
	return t, nil
}

// judge holds a write to the policy of the assistant.
func (t *trial) judge(e tools.Effect) *tandem.Error {
	why, err := t.review.Waits(agent.Effect{Tool: e.Tool, Changes: e.Changes}, t.tried)
	if err != nil {
		return tandem.AsError(err)
	}
	if why == "" {
		return nil
	}
	return &tandem.Error{Code: tandem.CodeNeedsApproval, Message: approvalText(e)}
}

// approvalText asks for the yes to a write.
func approvalText(e tools.Effect) string {
	verb := map[string]string{tools.AddTask: "Add", tools.CompleteTask: "Complete", tools.DeleteTask: "Delete", tools.UpdateTask: "Change"}[e.Tool]
	var titles []string
	for _, c := range e.Changes {
		if c.Before != nil || e.Tool == tools.AddTask {
			titles = append(titles, fmt.Sprintf("%q", c.After.Title))
		}
	}
	return fmt.Sprintf("%s %s?", verb, strings.Join(titles, ", "))
}

// round asks the planner once and makes its calls; it reports whether the turn has ended.
func (t *trial) round(out *plannedLine) (done bool, err error) {
	var calls []agent.Call
	for ev, err := range planner.New().Stream(context.Background(), t.request) {
		switch {
		case err != nil:
			return true, err
		case ev.Question != nil:
			out.Reply, out.Ask = ev.Question.Text, true
			if !t.twin {
				out.Calls = []plannedCall{}
			}
			return true, nil
		case ev.Call != nil:
			calls = append(calls, *ev.Call)
		default:
			out.say(ev.Text)
			return true, nil
		}
	}
	return t.carryOut(calls, out), nil
}

// say ends the turn with text. One that ends in a question leaves no reads behind which only led to it.
func (out *plannedLine) say(text string) {
	out.Reply, out.Ask = text, strings.HasSuffix(text, "?")
	for _, c := range out.Calls {
		if c.Tool != tools.ListTasks {
			return
		}
	}
	if out.Ask {
		out.Calls = []plannedCall{}
	}
}

// carryOut makes the calls of a round. A write that must wait for a yes ends the turn; one that the tools refuse is none.
func (t *trial) carryOut(calls []agent.Call, out *plannedLine) (done bool) {
	said := agent.Message{Role: agent.RoleAssistant}
	var results []agent.Message
	for _, c := range calls {
		c.ID = fmt.Sprintf("call_%d", len(t.request.Messages)+len(said.Calls))
		said.Calls = append(said.Calls, c)
		t.tried = c.Arguments
		res, err := t.box.Call(context.Background(), t.caller, c.Tool, c.Arguments)
		raw := res.Structured
		if err != nil {
			raw = refusal(err)
		}
		t.twin = t.twin || c.Tool == tools.AddTask && errors.Is(err, tandem.ErrAmbiguous)
		if err == nil || t.twin || errors.Is(err, tandem.ErrNeedsApproval) {
			out.Calls = append(out.Calls, plannedCall{c.Tool, c.Arguments})
		}
		if errors.Is(err, tandem.ErrNeedsApproval) {
			t.waits = append(t.waits, tandem.AsError(err).Message)
		}
		results = append(results, agent.Message{Role: agent.RoleTool, CallID: c.ID, Name: c.Tool, Result: raw})
	}
	t.request.Messages = append(append(t.request.Messages, said), results...)
	if len(t.waits) == 0 {
		return false
	}
	out.Reply, out.Ask = strings.Join(t.waits, " "), true
	return true
}

// refusal writes an error as a tool answers it.
func refusal(err error) json.RawMessage {
	e := tandem.AsError(err)
	raw, err := json.Marshal(map[string]any{"success": false, "error": e.Code, "message": e.Message, "details": e.Details})
	if err != nil {
		panic(err)
	}
	return raw
}
