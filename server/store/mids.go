package store

import (
	"context"
	"encoding/json"

	"tandem"
)

// Mids keeps how the mutations of socket clients ended.
type Mids interface {
	Base() *Write
	// LastMid gives the number of the last mutation that is settled; 0 for an unknown client.
	LastMid(ctx context.Context, client string) (int64, error)
	// MidOutcome gives what a mutation came to; false when it is forgotten.
	MidOutcome(ctx context.Context, client string, mid int64) (seq tandem.Seq, result json.RawMessage, found bool, err error)
	// SaveMid settles a mutation.
	SaveMid(ctx context.Context, client string, mid int64, seq tandem.Seq, result json.RawMessage) error
}

// UseMid settles a mutation that the store had no part in, such as a final refusal. One that is settled stays as it is; one that
// leaps ahead is a conflict.
func UseMid[W Mids](ctx context.Context, user tandem.UserID, client string, mid int64, outcome json.RawMessage, update Update[W]) error {
	return update(ctx, user, tandem.Cause{Client: client, Mid: mid}, func(ctx context.Context, w W) error {
		var out tandem.Outcome
		done, err := replayMid(ctx, w, &out)
		if done || err != nil {
			return err
		}
		return saveMid(ctx, w, w.Base().Account.Seq, outcome)
	})
}

// replayMid checks the mid of the write. True: it was settled before, and out is its outcome.
func replayMid(ctx context.Context, w Mids, out *tandem.Outcome) (bool, error) {
	client, mid := w.Base().Cause.Client, w.Base().Cause.Mid
	if client == "" || mid == 0 {
		return false, nil
	}
	last, err := w.LastMid(ctx, client)
	switch {
	case err != nil:
		return false, err
	case mid > last+1 || mid < 0:
		return false, tandem.Conflict("mid", "The next mid of this client is %d.", last+1)
	case mid > last:
		return false, nil
	}
	seq, result, _, err := w.MidOutcome(ctx, client, mid)
	out.Replayed, out.Seq, out.Result = true, max(seq, 0), result
	return true, err
}

// saveMid settles the mid of the write.
func saveMid(ctx context.Context, w Mids, seq tandem.Seq, result json.RawMessage) error {
	client, mid := w.Base().Cause.Client, w.Base().Cause.Mid
	if client == "" || mid == 0 {
		return nil
	}
	return w.SaveMid(ctx, client, mid, seq, result)
}
