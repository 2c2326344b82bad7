package crash

import (
	"context"
	"encoding/json"
	"time"

	"tandem"
)

// Audit reads the trail of the product.
type Audit func(context.Context, tandem.AuditFilter) ([]tandem.AuditEntry, error)

// CheckTrail waits until the events of everything that was acknowledged are in the trail, and demands that each is there once.
func (c *Crowd) CheckTrail(audit Audit) {
	c.tb.Helper()
	ctx, cancel := context.WithTimeout(c.tb.Context(), settled)
	defer cancel()
	for _, p := range c.people {
		tick := time.NewTicker(200 * time.Millisecond)
		told, err := tell(c.tb.Context(), audit, p.user)
		for err == nil && !p.told(told) && ctx.Err() == nil {
			select {
			case <-tick.C:
			case <-ctx.Done():
			}
			told, err = tell(c.tb.Context(), audit, p.user)
		}
		tick.Stop()
		if err != nil {
			c.tb.Errorf("%s: read the trail: %v", p.user, err)
			continue
		}
		for title, made := range p.tasks {
			for kind, want := range made.events() {
				if got := told[made.uid][kind]; got != want {
					c.tb.Errorf("%s: the trail tells %d times %s of %q, want %d", p.user, got, kind, title, want)
				}
			}
		}
	}
}

// events counts those that a promise has in the trail, by type.
func (made *promise) events() map[tandem.EventType]int {
	out := map[tandem.EventType]int{tandem.EventTaskCreated: 1, tandem.EventTaskCompleted: 0, tandem.EventReminderDue: 0}
	if made.recurring || made.cancelled {
		out[tandem.EventTaskCompleted] = 1
	}
	if !made.remind.IsZero() && !made.cancelled {
		out[tandem.EventReminderDue] = 1
	}
	return out
}

// told reports that nothing is missing in what the trail tells.
func (p *person) told(told map[string]map[tandem.EventType]int) bool {
	for _, made := range p.tasks {
		for kind, want := range made.events() {
			if told[made.uid][kind] < want {
				return false
			}
		}
	}
	return true
}

// tell counts a person's events by task and type.
func tell(ctx context.Context, audit Audit, user tandem.UserID) (map[string]map[tandem.EventType]int, error) {
	out := map[string]map[tandem.EventType]int{}
	f := tandem.AuditFilter{User: user, Limit: 500}
	for {
		page, err := audit(ctx, f)
		if err != nil {
			return nil, err
		}
		for _, entry := range page {
			var e tandem.Event
			if err := json.Unmarshal(entry.Event, &e); err != nil {
				return nil, err
			}
			if out[e.TaskID] == nil {
				out[e.TaskID] = map[tandem.EventType]int{}
			}
			out[e.TaskID][e.EventType]++
			f.After = entry.ID
		}
		if len(page) < f.Limit {
			return out, nil
		}
	}
}
