package agent

import (
	"encoding/json"

	"tandem"
)

// Review holds the calls of one planned turn to the policy that a Service applies, for whoever runs such calls by themselves,
// as a dry run does.
type Review struct {
	policy policy
}

// NewReview begins a turn: words are the person's own, open is how many open tasks there are.
func NewReview(words string, open int) *Review {
	return &Review{policy{words: words, planned: true, pending: open}}
}

// Waits gives the reason why a write has to wait for the person's yes, or "". It is asked once for each write, in order; one
// that need not wait counts against those behind it.
func (r *Review) Waits(e Effect, args json.RawMessage) (why string, err error) {
	a, err := readArguments(args)
	if err != nil {
		return "", tandem.Invalid("arguments", nil, "The arguments must be one JSON object.").Because(err)
	}
	if why = r.policy.judge(e, a); why == "" {
		r.policy.note(e)
	}
	return why, nil
}
