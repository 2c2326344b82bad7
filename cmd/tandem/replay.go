package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"time"

	"tandem"
)

// replayArgs choose events of the audit trail, or of the dead letters.
type replayArgs struct {
	User   string `json:"user"`
	Topic  string `json:"topic"`
	From   string `json:"from"`
	To     string `json:"to"`
	Dead   bool   `json:"dead"`
	DryRun bool   `json:"dry_run"`
}

func (in replayArgs) filter() (f tandem.AuditFilter, err error) {
	f = tandem.AuditFilter{User: tandem.UserID(in.User), Topic: tandem.Topic(in.Topic), Limit: replayBatch}
	if in.User != "" && !f.User.Valid() {
		return f, tandem.Invalid("user", in.User, "%q is not a user id", in.User)
	}
	if in.Topic != "" && !slices.Contains(tandem.Topics, f.Topic) {
		return f, tandem.NotOneOf("topic", in.Topic, tandem.Topics)
	}
	for _, bound := range []struct {
		name, text string
		at         *time.Time
	}{{"from", in.From, &f.From}, {"to", in.To, &f.To}} {
		if bound.text == "" {
			continue
		}
		if *bound.at, err = time.Parse(time.RFC3339, bound.text); err != nil {
			return f, tandem.Invalid(bound.name, bound.text, "%q is not an instant such as 2026-11-20T09:00:00Z", bound.text)
		}
	}
	return f, nil
}

const replayBatch = 500

// replay publishes events of the audit trail again. Consumers are idempotent, so those that were handled change nothing.
func (b *base) replay(ctx context.Context, args json.RawMessage, _ io.Reader, out io.Writer) error {
	in, err := argsOf[replayArgs](args)
	if err != nil {
		return err
	}
	f, err := in.filter()
	if err != nil {
		return err
	}
	if in.Dead {
		return b.replayDead(ctx, f, in.DryRun, out)
	}
	count := 0
	for {
		entries, err := b.store.Audit(ctx, f)
		if err != nil {
			return err
		}
		for _, x := range entries {
			count++
			f.After = x.ID
			if in.DryRun {
				fmt.Fprintf(out, "%s %s %s\n", x.At.UTC().Format(time.RFC3339), x.Topic, x.Event)
			} else if err := b.resend(ctx, x); err != nil {
				return fmt.Errorf("publish again: %w", err)
			}
		}
		if len(entries) < replayBatch {
			break
		}
	}
	if !in.DryRun {
		fmt.Fprintf(out, "%d events published again\n", count)
	}
	return nil
}

// replayDead publishes what was set aside again, and takes it off the list; an event that fails again is set aside again. What is no event
// stays. Letters are chosen by when they were set aside.
func (b *base) replayDead(ctx context.Context, f tandem.AuditFilter, dryRun bool, out io.Writer) error {
	if f.To.IsZero() {
		f.To = time.Now() // not what this run has set aside again
	}
	sent, stay, after := 0, 0, int64(0)
	for {
		letters, err := b.store.DeadLetters(ctx, after, replayBatch)
		if err != nil {
			return err
		}
		for _, l := range letters {
			after = l.ID
			e, bad := tandem.DecodeEvent(l.Topic, l.Event)
			switch {
			case !chosen(f, l, e):
			case dryRun:
				fmt.Fprintln(out, shownLetter(l, bad))
			case bad != nil:
				stay++
			default:
				sent++
				if err := b.resendLetter(ctx, l, e); err != nil {
					return err
				}
			}
		}
		if len(letters) < replayBatch {
			break
		}
	}
	if !dryRun {
		fmt.Fprintf(out, "%d events published again, %d that are none stay\n", sent, stay)
	}
	return nil
}

// resendLetter publishes first: a letter whose event was published twice is better than one that is lost.
func (b *base) resendLetter(ctx context.Context, l tandem.DeadLetter, e tandem.Event) error {
	if err := b.resend(ctx, tandem.AuditEntry{Topic: l.Topic, User: e.UserID, At: l.At, Event: l.Event}); err != nil {
		return fmt.Errorf("publish again: %w", err)
	}
	if err := b.store.DropDeadLetter(ctx, l.ID); err != nil {
		return fmt.Errorf("take dead letter %d off the list: %w", l.ID, err)
	}
	return nil
}

// chosen tells whether the filter takes a letter. e is zero where it holds no event.
func chosen(f tandem.AuditFilter, l tandem.DeadLetter, e tandem.Event) bool {
	return (f.User == "" || f.User == e.UserID) && (f.Topic == "" || f.Topic == l.Topic) &&
		(f.From.IsZero() || !l.At.Before(f.From)) && (f.To.IsZero() || !l.At.After(f.To))
}

// shownLetter is a line about a letter; what is no event may be anything, and large.
func shownLetter(l tandem.DeadLetter, bad error) string {
	event := string(l.Event)
	if bad != nil {
		event = fmt.Sprintf("%d bytes that are no event", len(l.Event))
	}
	return fmt.Sprintf("%s %s %s %q %s", l.At.UTC().Format(time.RFC3339), l.Topic, l.Consumer, l.Reason, event)
}
