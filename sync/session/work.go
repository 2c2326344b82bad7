package session

import (
	"context"
	"encoding/json"
	"log/slog"
	"time"
	"unicode/utf8"

	"tandem"
	"tandem/sync/wire"
)

// work carries out what waits in the line, in order, until ctx ends.
func (c *session) work(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case j := <-c.line:
			c.carryOut(ctx, j)
		}
	}
}

// carryOut finishes what it begins, also when the connection ends meanwhile.
func (c *session) carryOut(ctx context.Context, j job) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), c.o.Timing.Call)
	defer cancel()
	ctx, end := tandem.Begin(ctx, tandem.Step{
		Name: "frame", Kind: tandem.StepServe, New: true,
		Attrs: []slog.Attr{slog.String("name", wire.Kind(j.frame)), slog.String("user_id", string(c.principal().User))},
	})
	defer func() { end(nil) }()
	switch f := j.frame.(type) {
	case wire.Mutate:
		code := c.mutate(ctx, f)
		c.o.Metrics.Answered(f.Tool, code, c.o.Now().Sub(j.read))
	case wire.Set:
		code := c.set(ctx, f)
		c.o.Metrics.Answered("set", code, c.o.Now().Sub(j.read))
	case wire.Chat:
		c.chat(ctx, f)
	case wire.Approve:
		c.approve(ctx, f)
	case wire.Parse:
		c.parse(ctx, f)
	case wire.History:
		c.history(ctx, f)
	}
}

// chat starts a turn. The assistant may do anything to the person's tasks, so a token needs all scopes to set it to work.
func (c *session) chat(ctx context.Context, f wire.Chat) {
	p := c.principal()
	if !p.mayAll() {
		n := c.nack(ctx, tandem.Forbidden("scope", "This token does not hold all scopes, so it cannot use the assistant."))
		n.Turn = f.Turn
		c.member.Nack(n)
		return
	}
	replayed, err := c.o.Assistant.Chat(ctx, p.User, ChatRequest{
		Turn: f.Turn, Conversation: f.Conv, Text: f.Text, Zone: f.TZ, Client: c.client,
		Program: p.Program, TokenID: p.TokenID, Scopes: p.Scopes,
	})
	if err == nil && replayed {
		err = c.member.TellTurn(ctx, f.Turn)
	}
	if err != nil {
		n := c.nack(ctx, err)
		n.Turn = f.Turn
		c.member.Nack(n)
	}
}

// approve passes a person's answer on. A program does not answer what programs are asked.
func (c *session) approve(ctx context.Context, f wire.Approve) {
	p := c.principal()
	err := error(tandem.Forbidden("approval", "Only the person can answer this."))
	if !p.Program {
		err = c.o.Assistant.Approve(ctx, p.User, f.Approval, f.OK, f.Args, c.client)
	}
	if err != nil {
		c.fail(ctx, f, err)
	}
}

func (c *session) parse(ctx context.Context, f wire.Parse) {
	parsed, err := c.parsed(ctx, f)
	if err != nil {
		c.fail(ctx, f, err)
		return
	}
	parsed.ID = f.ID
	if parsed.Spans == nil {
		parsed.Spans = []wire.Span{}
	}
	c.member.Control(parsed)
}

func (c *session) parsed(ctx context.Context, f wire.Parse) (wire.Parsed, error) {
	if n := utf8.RuneCountInString(f.Text); n > tandem.MaxMessage {
		return wire.Parsed{}, tandem.Invalid("text", n, "A text to be read has at most %d characters.", tandem.MaxMessage)
	}
	s, err := c.o.Settings.Settings(ctx, c.principal().User)
	if err != nil {
		return wire.Parsed{}, err
	}
	zone := s.Zone()
	if f.TZ != "" {
		if zone, err = tandem.LoadZone(f.TZ); err != nil {
			return wire.Parsed{}, err
		}
	}
	return c.o.Parse(s, f.Text, zone, c.o.Now()), nil
}

func (c *session) history(ctx context.Context, f wire.History) {
	messages, more, err := c.o.History.History(ctx, c.principal().User, f.Conv, f.Before, wire.HistoryPage)
	if err != nil {
		c.fail(ctx, f, err)
		return
	}
	out := wire.HistoryRows{ID: f.ID, Rows: []tandem.MessageRow{}, More: more}
	for _, m := range messages {
		if m.Role != tandem.RoleHidden {
			out.Rows = append(out.Rows, m.Row())
		}
	}
	c.member.Control(out)
}

// fail answers a frame that has neither mid nor turn of a refusal to bear.
func (c *session) fail(ctx context.Context, frame wire.ClientFrame, err error) {
	n := c.nack(ctx, err)
	c.member.Control(wire.Err{Code: n.Code, Msg: n.Msg, Ref: refOf(frame), RetryMS: n.RetryMS})
}

// retryInternal is when to try again what failed on our side.
const retryInternal = time.Second

// nack turns an error into a refusal. What is not meant for the person goes to the log under an id that the person sees.
func (c *session) nack(ctx context.Context, err error) wire.Nack {
	e := tandem.AsError(err)
	n := wire.Nack{Code: codeOf(e), Msg: e.Message, Candidates: e.Details.Candidates, RetryMS: e.Details.RetryMS}
	if n.Code == wire.CodeInternal {
		id := c.o.NewID()
		c.o.Log.ErrorContext(ctx, "request on a connection", "user_id", c.principal().User, "error_id", id, "err", err)
		n.Msg, n.RetryMS = e.Message+" ("+id+")", retryInternal.Milliseconds()
		if e.Details.RetryMS > 0 { // no fault of the call: a client does not give it up
			n.Code = wire.CodeOverload
		}
	}
	if n.Code == wire.CodeRate || n.Code == wire.CodeBusy {
		n.RetryMS = max(n.RetryMS, retryInternal.Milliseconds())
	}
	if a := e.Details.Approval; a != nil {
		n.Approval, err = json.Marshal(a.Row())
		if err != nil {
			c.o.Log.ErrorContext(ctx, "encode approval", "err", err)
		}
	}
	return n
}

// codeOf gives the socket's code of an error.
func codeOf(e *tandem.Error) wire.Code {
	switch e.Code {
	case tandem.CodeLimited:
		if e.Details.Field == "busy" {
			return wire.CodeBusy
		}
		return wire.CodeRate
	case tandem.CodeConflict:
		if e.Details.Field == "mid" {
			return wire.CodeMidGap
		}
		return wire.CodeConflict
	case tandem.CodeInvalid, tandem.CodeNotFound, tandem.CodeAmbiguous, tandem.CodeForbidden, tandem.CodeNeedsApproval:
		return wire.Code(e.Code)
	case tandem.CodeInternal:
		return wire.CodeInternal
	}
	return wire.CodeInternal
}
