package tools

import (
	"fmt"
	"testing"
	"time"

	"tandem"
)

func TestLimits_ArePerUserAndKind(t *testing.T) {
	var counted []string
	b := newBench(t, func(o *Options) {
		o.Limits = Limits{Reads: 3, Writes: 2, WriteBurst: 4}
		o.Metrics.Limited = func(limit string) { counted = append(counted, limit) }
	})
	u := b.person("ann")
	u.add("One", "Two", "Three", "Four")
	e := u.refused(tandem.CodeLimited, AddTask, m{"title": "Five"})
	same(t, "retry", e.Details.RetryMS, int64(30_000))
	same(t, "another user", b.person("bob").do(AddTask, m{"title": "One"})["task_id"], any(1.0))
	same(t, "reads go on", len(u.rows(nil)), 4)
	b.pass(29 * time.Second)
	u.refused(tandem.CodeLimited, AddTask, m{"title": "Five"})
	b.pass(time.Second)
	u.add("Five")
	for range 3 {
		u.rows(nil)
	}
	u.refused(tandem.CodeLimited, ListTasks, nil)
	same(t, "counted", counted, []string{"writes", "writes", "reads"})
}

func TestLimiter_RemembersABoundedNumberOfUsers(t *testing.T) {
	now := noon
	l := newLimiter(Limits{Users: 100, Writes: 60, WriteBurst: 1}, nil, func() time.Time { return now })
	for i := range 1000 {
		if err := l.take(t.Context(), tandem.UserID(fmt.Sprint(i)), false); err != nil {
			t.Fatal(err)
		}
	}
	if len(l.users) > 100 {
		t.Errorf("%d users are remembered", len(l.users))
	}
	if err := l.take(t.Context(), "999", false); err == nil {
		t.Error("the newest user was forgotten")
	}
	now = now.Add(time.Hour)
	if err := l.take(t.Context(), "999", false); err != nil {
		t.Error(err)
	}
}
