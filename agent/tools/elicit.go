package tools

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/mark3labs/mcp-go/mcp"
	"github.com/mark3labs/mcp-go/server"

	"tandem"
)

// A client that supports elicitation is asked to lead its person to the page where they answer. What the client reports back is no
// answer to the question: it runs in the hands of the program that asks, which could say anything. Only the recorded approval
// counts, and only a person's own device decides that. So the state that the client carries needs no signature: it is the id of the record,
// which is bound to user, tool, arguments and expiry, and a client that changes it reaches nothing.

// askID names the one question of a result.
const askID = "approval"

// waitForPerson is how long a call that came back waits for the person, who may be looking at the page just now.
const waitForPerson = 45 * time.Second

// lead gives the result that asks the client to lead its person to the page; false where it cannot.
func (tb *Toolbox) lead(r mcp.CallToolRequest, a tandem.Approval) (*mcp.CallToolResult, bool) {
	caps := r.Params.Meta.ClientCapabilities()
	if caps == nil || caps.Elicitation == nil {
		return nil, false
	}
	page := strings.TrimSuffix(tb.PublicURL, "/") + "/today"
	build := server.NewInputRequestBuilder(a.ID)
	if caps.Elicitation.URL != nil && tb.PublicURL != "" {
		return build.Elicit(askID, mcp.ElicitationParams{
			Mode: mcp.ElicitationModeURL, ElicitationID: a.ID, URL: page, Message: a.Summary + " Answer this in Tandem.",
		}).ToolResult(), true
	}
	if caps.Elicitation.URL != nil && caps.Elicitation.Form == nil {
		return nil, false
	}
	return build.Elicit(askID, mcp.ElicitationParams{
		Mode: mcp.ElicitationModeForm, RequestedSchema: map[string]any{"type": "object", "properties": map[string]any{}},
		Message: a.Summary + " Answer this on one of your devices in Tandem, then go on here.",
	}).ToolResult(), true
}

// cameBack judges a call that was sent again after its client was asked to lead its person to the page. Nil lets it run: it then finds
// the yes, or is refused like any other.
func (tb *Toolbox) cameBack(ctx context.Context, c Caller, tool string, r mcp.CallToolRequest) error {
	if err := tb.limits.take(ctx, c.User, true); err != nil {
		tb.limited(err)
		return err
	}
	a, err := tb.asked(ctx, c, tool, r)
	if err != nil || a.Decision == tandem.DecisionYes {
		return err
	}
	answer := server.ElicitationResponse(r.Params.InputResponses, askID)
	switch {
	case a.Decision == tandem.DecisionNo:
		return declined()
	case answer == nil || answer.Action == mcp.ElicitationResponseActionCancel:
		return needsApproval(a)
	case answer.Action == mcp.ElicitationResponseActionDecline:
		return tb.takeBack(ctx, c, a)
	}
	decision, err := tb.await(ctx, c, a)
	switch {
	case err != nil:
		return err
	case decision == tandem.DecisionNo:
		return declined()
	case decision == "":
		return needsApproval(a)
	}
	return nil
}

func declined() error {
	return tandem.Forbidden("approval_id", "That was declined; do not try it again.")
}

// asked gives the question that the state names. That it is about this very call is not asked here: a yes to another one is of no
// use to it.
func (tb *Toolbox) asked(ctx context.Context, c Caller, tool string, r mcp.CallToolRequest) (tandem.Approval, error) {
	a, err := tb.Store.Approval(ctx, c.User, r.Params.RequestState)
	if errors.Is(err, tandem.ErrNotFound) || err == nil && a.Tool != tool {
		return a, tandem.Forbidden("requestState", "That is not the state of this call.")
	}
	return a, err
}

// takeBack ends a question that nobody is to answer any more. A program may take back what it asked: a no changes nothing.
func (tb *Toolbox) takeBack(ctx context.Context, c Caller, a tandem.Approval) error {
	if a.Caller != c.Cause.Caller {
		return needsApproval(a) // another program asked the same
	}
	if _, err := tb.Store.DecideApproval(ctx, c.User, c.Cause, a.ID, false, c.Cause.Caller); err != nil {
		return err
	}
	return declined()
}

// await waits until the person has decided, for a while.
func (tb *Toolbox) await(ctx context.Context, c Caller, a tandem.Approval) (tandem.Decision, error) {
	if tb.Watch == nil {
		return a.Decision, nil
	}
	ctx, stop := context.WithTimeout(ctx, tb.patience(c))
	defer stop()
	heard, gone := make(chan bool, 1), make(chan bool, 1) // something changed; the credential of the call ended
	leave, err := tb.Watch(ctx, c.User, func(s tandem.Signal) {
		tell := heard
		if c.ended(s) {
			tell = gone
		}
		select {
		case tell <- true:
		default: // one is enough, as the record is read
		}
	})
	if err != nil {
		return "", err
	}
	defer leave()
	for {
		now, err := tb.Store.Approval(ctx, c.User, a.ID)
		if err != nil || now.Decision != "" {
			return now.Decision, err
		}
		select {
		case <-heard:
		case <-gone:
			return "", tandem.Forbidden("token", "This token was revoked.")
		case <-ctx.Done():
			return "", nil
		}
	}
}

// patience is how long a call waits: not longer than its caller's token is good for.
func (tb *Toolbox) patience(c Caller) time.Duration {
	if c.Expires.IsZero() {
		return waitForPerson
	}
	return min(waitForPerson, c.Expires.Sub(tb.Now()))
}
