package tandem

import (
	"errors"
	"fmt"
	"strings"
)

// Code classifies an error for programs. The set is closed: it is the contract's.
type Code string

// The error codes of the contract. Every surface (HTTP, socket, tools) maps exactly these.
const (
	CodeInvalid       Code = "invalid"
	CodeNotFound      Code = "not_found"
	CodeAmbiguous     Code = "ambiguous"
	CodeForbidden     Code = "forbidden"
	CodeConflict      Code = "conflict"
	CodeNeedsApproval Code = "needs_approval"
	CodeLimited       Code = "limited"
	CodeInternal      Code = "internal"
)

// Error is the one error type that may reach a person. Message is written for that person; a wrapped cause is for the
// log only and is never part of Message.
type Error struct {
	Code    Code
	Message string
	Details Details

	cause error
}

// Details name what an error is about, as far as it is known.
type Details struct {
	Field      string      `json:"field,omitempty"`
	Value      any         `json:"value,omitempty"`
	Allowed    []string    `json:"allowed,omitempty"`
	Candidates []Candidate `json:"candidates,omitempty"`
	Approval   *Approval   `json:"approval,omitempty"`
	RetryMS    int64       `json:"retry_ms,omitempty"`
}

// Candidate is a task that a reference may have meant.
type Candidate struct {
	Number int64  `json:"task_id"`
	UID    string `json:"uid"`
	Title  string `json:"title"`
	Due    *Due   `json:"due,omitempty"`
}

func (e *Error) Error() string {
	text := string(e.Code) + ": " + e.Message
	if e.cause != nil {
		text += ": " + e.cause.Error()
	}
	return text
}

// Unwrap gives the cause, which is for the log.
func (e *Error) Unwrap() error { return e.cause }

// Is matches on the code alone, so that errors.Is(err, tandem.ErrNotFound) holds for every not_found.
func (e *Error) Is(target error) bool {
	t, ok := errors.AsType[*Error](target)
	return ok && t.Code == e.Code
}

// Targets for errors.Is; never returned as they are.
var (
	ErrInvalid       = &Error{Code: CodeInvalid}
	ErrNotFound      = &Error{Code: CodeNotFound}
	ErrAmbiguous     = &Error{Code: CodeAmbiguous}
	ErrForbidden     = &Error{Code: CodeForbidden}
	ErrConflict      = &Error{Code: CodeConflict}
	ErrNeedsApproval = &Error{Code: CodeNeedsApproval}
	ErrLimited       = &Error{Code: CodeLimited}
)

// Invalid reports a bad value of a field; the message should name what is allowed.
func Invalid(field string, value any, format string, args ...any) *Error {
	return &Error{Code: CodeInvalid, Message: fmt.Sprintf(format, args...), Details: Details{Field: field, Value: shown(value)}}
}

// NotOneOf reports a value outside a closed set, and names the set.
func NotOneOf[T ~string](field string, value any, allowed []T) *Error {
	names := make([]string, len(allowed))
	for i, a := range allowed {
		names[i] = string(a)
	}
	e := Invalid(field, value, "%s must be one of %s", field, join(names))
	e.Details.Allowed = names
	return e
}

// NotFound reports that value names nothing of this user. It reads the same whether the thing is absent or another's.
func NotFound(field string, value any, what string) *Error {
	return &Error{Code: CodeNotFound, Message: fmt.Sprintf("There is no %s %v.", what, shown(value)), Details: Details{Field: field, Value: shown(value)}}
}

// Conflict reports that the call contradicts what is already there.
func Conflict(field string, format string, args ...any) *Error {
	return &Error{Code: CodeConflict, Message: fmt.Sprintf(format, args...), Details: Details{Field: field}}
}

// Forbidden reports that the caller may not do this.
func Forbidden(field string, format string, args ...any) *Error {
	return &Error{Code: CodeForbidden, Message: fmt.Sprintf(format, args...), Details: Details{Field: field}}
}

// Limited reports a budget that is used up for the given number of milliseconds.
func Limited(limit string, retryMS int64, format string, args ...any) *Error {
	return &Error{Code: CodeLimited, Message: fmt.Sprintf(format, args...), Details: Details{Field: limit, RetryMS: retryMS}}
}

// unavailableFor is when to ask again a store that did not answer.
const unavailableFor = 1000

// Unavailable reports that the store did not answer: nobody knows whether the call took effect. The same call under the same
// id (op_id, mid, turn_id) gives the first result. It is internal with Details.RetryMS, which no other internal error has.
func Unavailable(cause error) *Error {
	e := &Error{Code: CodeInternal, Message: "The database does not answer. Try again in a moment.", Details: Details{RetryMS: unavailableFor}}
	return e.Because(cause)
}

// Because attaches the cause for the log and returns e.
func (e *Error) Because(cause error) *Error {
	e.cause = cause
	return e
}

// AsError gives the *Error in err's chain; anything else becomes internal, with err as its cause and no detail for the
// person.
func AsError(err error) *Error {
	if e, ok := errors.AsType[*Error](err); ok {
		return e
	}
	return (&Error{Code: CodeInternal, Message: "Something went wrong on our side."}).Because(err)
}

// maxShown bounds an echoed value, so that a hostile one does not come back whole.
const maxShown = 120

func shown(value any) any {
	s, ok := value.(string)
	if !ok {
		return value
	}
	if r := []rune(s); len(r) > maxShown {
		return string(r[:maxShown]) + "…"
	}
	return s
}

// join lists names in prose: "a, b or c".
func join(names []string) string {
	if len(names) < 2 {
		return strings.Join(names, "")
	}
	last := len(names) - 1
	return strings.Join(names[:last], ", ") + " or " + names[last]
}
