package main

import (
	"context"
	"encoding/json"
	"fmt"
	"iter"
	"time"

	"tandem"
	"tandem/agent"
	"tandem/agent/phrase"
	"tandem/agent/tools"
	"tandem/server/auth"
	"tandem/server/rest"
	"tandem/sync/session"
	"tandem/sync/wire"
)

// The adapters let packages that do not know each other meet.

// boundTools are the tools as the agent calls them: over an in-process MCP client bound to one turn.
type boundTools struct {
	*tools.Client
}

// List describes the tools to a model.
func (b boundTools) List() []agent.Tool {
	defs := b.Tools()
	out := make([]agent.Tool, len(defs))
	for i, d := range defs {
		out[i] = agent.Tool{Name: d.Name, Description: d.Description, InputSchema: d.InputSchema}
	}
	return out
}

// Call runs one tool.
func (b boundTools) Call(ctx context.Context, tool string, args json.RawMessage) (json.RawMessage, bool, error) {
	return b.CallTool(ctx, tool, args)
}

// bindTools gives the agent the tools of one turn.
func bindTools(box *tools.Toolbox) func(context.Context, agent.Binding) (agent.Tools, error) {
	return func(ctx context.Context, b agent.Binding) (agent.Tools, error) {
		client, err := box.Client(ctx, tools.Caller{
			User: b.User, Kind: tools.Agent, Scopes: b.Scopes, Zone: b.Zone, Now: b.Now, Settings: &b.Settings,
			Cause: tandem.Cause{
				Actor: tandem.ActorAgent, TurnID: b.Turn, Conversation: b.Conversation, MessageID: b.MessageID,
				Caller: fmt.Sprintf("conversation:%d", b.Conversation),
			},
			Words: &tools.Words{Text: b.Words},
			Policy: func(e tools.Effect) *tandem.Error {
				return b.Guard(agent.Effect{Tool: e.Tool, Changes: e.Changes, Unsaid: e.Unsaid})
			},
		})
		if err != nil {
			return nil, err
		}
		return boundTools{client}, nil
	}
}

// restAssistant is the agent as the HTTP surface drives it.
type restAssistant struct {
	*agent.Service
}

// Start begins a turn.
func (a restAssistant) Start(ctx context.Context, user tandem.UserID, ask rest.Ask) (rest.Ticket, error) {
	t, err := a.Service.Start(ctx, user, agent.Ask{
		TurnID: ask.TurnID, Conversation: ask.Conversation, Text: ask.Text, Zone: ask.Zone, Scopes: ask.Scopes, Program: ask.Program, Again: ask.Retry,
	})
	return rest.Ticket{TurnID: t.TurnID, Conversation: t.Conversation, MessageID: t.MessageID}, err
}

// Wait gives the whole answer of a turn.
func (a restAssistant) Wait(ctx context.Context, user tandem.UserID, turn string) (json.RawMessage, error) {
	answer, err := a.Service.Wait(ctx, agent.Ticket{User: user, TurnID: turn})
	if err != nil {
		return nil, err
	}
	return json.Marshal(answer)
}

// Watch gives the events of a turn.
func (a restAssistant) Watch(ctx context.Context, user tandem.UserID, turn string) iter.Seq[tandem.TurnEvent] {
	return a.Service.Watch(ctx, user, turn)
}

// socketTools are the tools as a connection calls them.
type socketTools struct {
	box *tools.Toolbox
}

// Call runs one tool in the name of a device or program.
func (s socketTools) Call(ctx context.Context, c session.Caller, tool string, args json.RawMessage) (json.RawMessage, error) {
	caller := hand(c.User, c.Program, c.TokenID, c.Scopes, "device:"+c.Client)
	caller.IfVersion, caller.Cause.Client, caller.Cause.Mid = c.IfVersion, c.Client, c.Mid
	res, err := s.box.Call(ctx, caller, tool, args)
	return res.Structured, err
}

// chatKitAction runs a tool that a person presses in a ChatKit page.
func chatKitAction(box *tools.Toolbox) rest.Actions {
	return func(ctx context.Context, p auth.Principal, tool string, args json.RawMessage) (json.RawMessage, error) {
		res, err := box.Call(ctx, hand(p.User, p.Program, p.TokenID, p.Scopes, "chatkit"), tool, args)
		return res.Structured, err
	}
}

// hand is a person's own hand at where, or a program with its token.
func hand(user tandem.UserID, program bool, tokenID string, scopes []string, where string) tools.Caller {
	kind := tools.Person
	if program {
		kind, where = tools.Program, "token:"+tokenID
	}
	return tools.Caller{User: user, Kind: kind, Scopes: scopes, Cause: tandem.Cause{Actor: tandem.ActorUser, Caller: where}}
}

// socketAssistant is the agent as a connection drives it.
type socketAssistant struct {
	*agent.Service
	spend func(ctx context.Context, user tandem.UserID, turn string) error // one of the turns of a minute
}

// Chat starts a turn.
func (a socketAssistant) Chat(ctx context.Context, user tandem.UserID, r session.ChatRequest) (bool, error) {
	if err := a.spend(ctx, user, r.Turn); err != nil {
		return false, err
	}
	t, err := a.Start(ctx, user, agent.Ask{
		TurnID: r.Turn, Conversation: r.Conversation, Text: r.Text, Zone: r.Zone, Scopes: r.Scopes, Program: r.Program, Cause: tandem.Cause{Client: r.Client},
	})
	return t.Replayed, err
}

// principal gives a verified principal to the sessions.
func principal(p auth.Principal) session.Principal {
	return session.Principal{User: p.User, Expires: p.Expires, Issuer: p.Issuer, Program: p.Program, TokenID: p.TokenID, Scopes: p.Scopes}
}

// mcpCaller gives a verified principal to the tools: whoever comes by MCP is a program.
func mcpCaller(p auth.Principal) tools.Caller {
	who := "mcp"
	if p.TokenID != "" {
		who = "token:" + p.TokenID
	}
	c := tools.Caller{
		User: p.User, Kind: tools.Program, Scopes: p.Scopes, Expires: p.Expires, Cause: tandem.Cause{Actor: tandem.ActorUser, Caller: who},
	}
	if p.Program {
		c.Token = p.TokenID
	}
	return c
}

// turnsOf tells the hub about turns.
type turnsOf struct {
	*agent.Service
	store agent.Store
}

// Turn gives the turn as it is stored.
func (t turnsOf) Turn(ctx context.Context, user tandem.UserID, id string) (tandem.Turn, error) {
	return t.store.Turn(ctx, user, id)
}

// parseWords reads a composer's text for live highlighting.
func parseWords(s tandem.Settings, text string, zone *time.Location, now time.Time) wire.Parsed {
	r := phrase.Parse(text, now, zone, phrase.OptionsFor(s))
	out := wire.Parsed{Title: r.Title, Ambiguous: r.Ambiguous, Spans: make([]wire.Span, len(r.Spans))}
	seen := map[string]int{}
	for i, sp := range r.Spans {
		out.Spans[i] = wire.Span{S: sp.Start, E: sp.End, K: sp.Kind, V: valueOf(r, sp, seen[sp.Kind]), Conf: sp.Conf}
		seen[sp.Kind]++
	}
	if r.Due != nil {
		out.Due = &wire.ParsedDue{Date: r.Due.Date, Time: clockOf(*r.Due), TZ: zone.String()}
	}
	if r.Recurrence != nil {
		out.Recurrence = &wire.ParsedRecurrence{RRule: r.Recurrence.Rule, Start: r.Recurrence.Start, From: r.Recurrence.From}
	}
	return out
}

// valueOf gives what the n-th span of its kind means, as a tool takes it.
func valueOf(r phrase.Result, sp phrase.Span, n int) string {
	switch {
	case sp.Kind == phrase.KindPriority:
		return r.Priority
	case sp.Kind == phrase.KindTag && n < len(r.Tags):
		return r.Tags[n]
	case sp.Kind == phrase.KindReminder && n < len(r.Reminders):
		if at := r.Reminders[n].At; at != nil {
			return written(*at)
		}
		return tandem.FormatDuration(r.Reminders[n].Before)
	case sp.Kind == phrase.KindDue && r.Due != nil:
		return written(*r.Due)
	case sp.Kind == phrase.KindRecurrence && r.Recurrence != nil:
		return r.Recurrence.Rule
	default:
		return sp.Text
	}
}

// written is a wall clock as a tool takes it.
func written(w phrase.When) string {
	if w.Time == "" {
		return w.Date
	}
	return w.Date + "T" + clockOf(w)
}
