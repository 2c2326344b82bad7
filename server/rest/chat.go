package rest

import (
	"context"
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"unicode/utf8"

	"tandem"
	"tandem/server/auth"
)

// chat answers POST /api/{user_id}/chat: natively, or in the ChatKit protocol where the body says so.
func (s *Server) chat(w http.ResponseWriter, r *http.Request) {
	p, ok := s.owner(w, r)
	if !ok {
		return
	}
	body, ok := s.object(w, r)
	if !ok {
		return
	}
	if s.ChatKit != nil && isChatKit(body) {
		s.chatKit(w, r, p, body)
		return
	}
	q, err := readQuestion(r, p.User, body)
	if err != nil {
		if tandem.AsError(err).Details.Field == "message" {
			s.Metrics.Limited(limitMessage)
		}
		s.fail(w, r, err)
		return
	}
	ticket, ok := s.start(w, r, p, q.Ask)
	if !ok {
		return
	}
	if q.stream {
		s.streamTurn(w, r, p.User, ticket)
		return
	}
	answer, err := s.Assistant.Wait(r.Context(), p.User, ticket.TurnID)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	writeBody(w, http.StatusOK, answer)
}

// SpendTurn spends one of the turns that a user may begin in a minute, or refuses. Asking again within the minute for the same turn spends nothing,
// so that retries are free; a turn whose conversation was deleted meanwhile runs anew. Surfaces beside this one share the count.
func (s *Server) SpendTurn(ctx context.Context, user tandem.UserID, turn string) error {
	wait, ok := s.takeTurn(ctx, user, turn)
	if ok {
		return nil
	}
	s.Metrics.Limited(limitTurns)
	return tandem.Limited("turns", wait.Milliseconds(), "Too many messages in a minute. Try again a little later.")
}

// start spends one of the user's turns and begins it. Otherwise it has answered.
func (s *Server) start(w http.ResponseWriter, r *http.Request, p auth.Principal, ask Ask) (Ticket, bool) {
	if ask.TurnID == "" {
		ask.TurnID = s.NewID()
	}
	if err := s.SpendTurn(r.Context(), p.User, ask.TurnID); err != nil {
		s.fail(w, r, err)
		return Ticket{}, false
	}
	ask.Program, ask.Scopes = p.Program, p.Scopes
	// A client that goes away between sending and hearing must find its turn begun when it asks again.
	ticket, err := s.Assistant.Start(context.WithoutCancel(r.Context()), p.User, ask)
	if err != nil {
		s.fail(w, r, err)
	}
	return ticket, err == nil
}

// question is a native request.
type question struct {
	Ask
	stream bool
}

func readQuestion(r *http.Request, user tandem.UserID, body map[string]json.RawMessage) (question, error) {
	q := question{stream: acceptsStream(r)}
	if err := checkUser(user, body); err != nil {
		return q, err
	}
	if err := decode(body, "message", &q.Text); err != nil {
		return q, err
	}
	if err := checkMessage("message", q.Text); err != nil {
		return q, err
	}
	if err := decode(body, "stream", &q.stream); err != nil {
		return q, err
	}
	if err := decode(body, "time_zone", &q.Zone); err != nil {
		return q, err
	}
	if q.Zone != "" {
		if _, err := tandem.LoadZone(q.Zone); err != nil {
			return q, tandem.Invalid("time_zone", q.Zone, "A time zone has a name such as Europe/Berlin.").Because(err)
		}
	}
	var err error
	if q.Conversation, err = conversation(body["conversation_id"]); err != nil {
		return q, err
	}
	q.TurnID, err = turnID(r, body)
	return q, err
}

// checkUser refuses a body that names another user than the token does.
func checkUser(user tandem.UserID, body map[string]json.RawMessage) error {
	raw, given := body["user_id"]
	if !given || string(raw) == "null" {
		return nil
	}
	var named string
	if json.Unmarshal(raw, &named) != nil || named != string(user) {
		return tandem.Forbidden("user_id", "The body names another user.")
	}
	return nil
}

func checkMessage(field, text string) error {
	switch n := utf8.RuneCountInString(text); {
	case n == 0 || n > tandem.MaxMessage:
		return tandem.Invalid(field, n, "A message has 1 to %d characters.", tandem.MaxMessage)
	case strings.ContainsRune(text, 0):
		return tandem.Invalid(field, nil, "A message cannot hold a NUL character.")
	}
	return nil
}

// conversation reads a conversation's number, given as an integer or as text. A text that is no number names none.
func conversation(raw json.RawMessage) (int64, error) {
	const field = "conversation_id"
	if len(raw) == 0 || string(raw) == "null" {
		return 0, nil
	}
	var digits string
	if raw[0] == '"' {
		if err := json.Unmarshal(raw, &digits); err != nil {
			return 0, tandem.Invalid(field, nil, "conversation_id is a number.").Because(err)
		}
	} else {
		digits = string(raw)
		if strings.Trim(digits, "-0123456789") != "" {
			return 0, tandem.Invalid(field, nil, "conversation_id is a whole number.")
		}
	}
	n, err := strconv.ParseInt(digits, 10, 64)
	if err != nil || n <= 0 {
		return 0, tandem.NotFound(field, digits, "conversation")
	}
	return n, nil
}

// turnID reads the idempotency key from the body or from the header that means the same; empty: none was given.
func turnID(r *http.Request, body map[string]json.RawMessage) (string, error) {
	const field = "turn_id"
	var given string
	if err := decode(body, field, &given); err != nil {
		return "", err
	}
	// The header field's value is a quoted string in its draft, and bare with most clients.
	if key := strings.Trim(r.Header.Get("Idempotency-Key"), `"`); key != "" {
		if given != "" && given != key {
			return "", tandem.Invalid(field, given, "turn_id and Idempotency-Key differ.")
		}
		given = key
	}
	if given == "" {
		return "", nil
	}
	id, ok := tandem.ParseUID(given)
	if !ok {
		return "", tandem.Invalid(field, given, "turn_id is a UUID.")
	}
	return id, nil
}

func acceptsStream(r *http.Request) bool {
	for _, line := range r.Header.Values("Accept") {
		for kind := range strings.SplitSeq(line, ",") {
			kind, _, _ = strings.Cut(kind, ";")
			if strings.EqualFold(strings.TrimSpace(kind), "text/event-stream") {
				return true
			}
		}
	}
	return false
}
