package crash

import (
	"context"
	"encoding/json"
	"maps"
	"slices"
	"time"

	"github.com/google/go-cmp/cmp"

	"tandem"
	"tandem/sync/client"
)

// settled bounds how long after the last death everything that follows from it may take.
const settled = 60 * time.Second

// Disperse ends the crowd and compares what it was told with what is there. Everything must be up again.
func (c *Crowd) Disperse() {
	c.tb.Helper()
	began := time.Now()
	c.end()
	answered := make(chan struct{})
	go func() {
		c.actors.Wait()
		close(answered)
	}()
	select {
	case <-answered:
	case <-time.After(settled):
		c.tb.Fatalf("not every call is answered %v after the last death", settled)
	}
	for _, p := range c.people {
		c.examine(p)
	}
	c.recall()
	c.tb.Logf("settled and compared %v after the last death", time.Since(began).Round(time.Millisecond))
}

// examine compares a person's promises, devices and database.
func (c *Crowd) examine(p *person) {
	c.tb.Helper()
	ctx, cancel := context.WithTimeout(c.tb.Context(), settled)
	defer cancel()
	began := time.Now()
	fresh := c.open(ctx, c.o.Doors[0], p.user)
	late := ""
	err := fresh.Await(ctx, func(r *client.Replica) bool {
		late = "the list"
		if r.CaughtUp() {
			late = p.missing(rowsOf(r), noticesOf(r))
		}
		return late == ""
	})
	if err != nil {
		c.tb.Errorf("%s: %s is not there %s after the last death", p.user, late, settled)
	}
	if !loaded(fresh.Replica()) {
		return // nothing can be said of rows that did not come
	}
	c.tb.Logf("%s: every successor and notice is there after %v", p.user, time.Since(began).Round(time.Millisecond))
	c.awaitMails(ctx, p)
	c.tb.Logf("%s: every mail is there after %v", p.user, time.Since(began).Round(time.Millisecond))
	want := fresh.Replica()
	c.checkTasks(p, rowsOf(want))
	c.checkReminders(p, noticesOf(want))
	for _, d := range p.devices {
		if err := d.AwaitSeq(ctx, want.Seq); err != nil {
			c.tb.Errorf("%s: a device does not reach %d: %v", p.user, want.Seq, err)
			continue
		}
		if diff := cmp.Diff(want.Rows, Among(want.Rows, d.Replica().Rows)); diff != "" {
			c.tb.Errorf("%s: a device differs from the database (-database +device):\n%.2000s", p.user, diff)
		}
	}
}

// RowsByKind are the rows of a replica.
type RowsByKind = map[tandem.Kind]map[string]json.RawMessage

// Among leaves conversations and messages out that a snapshot does not hold: a device may keep older ones.
func Among(snapshot, device RowsByKind) RowsByKind {
	out := RowsByKind{}
	for kind, rows := range device {
		out[kind] = maps.Clone(rows)
		if kind == tandem.KindConv || kind == tandem.KindMsg {
			maps.DeleteFunc(out[kind], func(id string, _ json.RawMessage) bool { return snapshot[kind][id] == nil })
		}
	}
	return out
}

// unreadable is the key of rows that are none.
const unreadable = "unreadable"

// grouped reads rows.
func grouped[T any](rows map[string]json.RawMessage, key func(T) string) map[string][]T {
	out := map[string][]T{}
	for _, raw := range rows {
		var row T
		name := unreadable
		if json.Unmarshal(raw, &row) == nil {
			name = key(row)
		}
		out[name] = append(out[name], row)
	}
	return out
}

func rowsOf(r *client.Replica) map[string][]tandem.TaskRow {
	return grouped(r.Rows[tandem.KindTask], func(t tandem.TaskRow) string { return t.Title })
}

func noticesOf(r *client.Replica) map[string][]tandem.NoticeRow {
	return grouped(r.Rows[tandem.KindNotice], func(n tandem.NoticeRow) string { return n.TaskID })
}

// missing names a successor or notice that is still to come; empty: none is.
func (p *person) missing(tasks map[string][]tandem.TaskRow, notices map[string][]tandem.NoticeRow) string {
	p.mu.Lock()
	defer p.mu.Unlock()
	for title, made := range p.tasks {
		if made.recurring && len(tasks[title]) < 2 {
			return "the successor of " + title
		}
		if !made.remind.IsZero() && !made.cancelled && len(notices[made.uid]) == 0 {
			return "the notice of " + title
		}
	}
	return ""
}

// checkTasks looks for lost, doubled and wrong tasks.
func (c *Crowd) checkTasks(p *person, rows map[string][]tandem.TaskRow) {
	c.tb.Helper()
	count := [kinds]int{}
	for title, made := range p.tasks {
		if made.recurring {
			count[repeated]++
			c.checkSuccessor(p, title, rows[title])
			continue
		}
		if n := len(rows[title]); n != 1 {
			c.tb.Errorf("%s: %q was acknowledged and is there %d times", p.user, title, n)
			continue
		}
		t := rows[title][0]
		if made.urgent != (t.Priority == tandem.PriorityUrgent) || made.cancelled != t.Completed || t.UID != made.uid {
			c.tb.Errorf("%s: %q is %+v, which was not acknowledged", p.user, title, t)
		}
		count[plain]++
	}
	for title, rows := range rows {
		if p.tasks[title] == nil && len(rows) > 1 || title == unreadable {
			c.tb.Errorf("%s: %q was asked for once and is there %d times", p.user, title, len(rows))
		}
	}
	c.tb.Logf("%s: %d acknowledged tasks and %d recurring completions", p.user, count[plain], count[repeated])
}

// checkSuccessor knows by itself which day follows.
func (c *Crowd) checkSuccessor(p *person, title string, rows []tandem.TaskRow) {
	c.tb.Helper()
	var days []string
	for _, t := range rows {
		day := "none"
		if t.Due != nil {
			day = t.Due.Date
		}
		days = append(days, day+" "+string(t.Status))
	}
	slices.Sort(days)
	if want := []string{"2031-05-05 completed", "2031-05-06 pending"}; !slices.Equal(days, want) {
		c.tb.Errorf("%s: the occurrences of %q are %v, want %v", p.user, title, days, want)
	}
}

// early is how far clocks may differ.
const early = 50 * time.Millisecond

// checkReminders holds notices and mails to what was promised.
func (c *Crowd) checkReminders(p *person, notices map[string][]tandem.NoticeRow) {
	c.tb.Helper()
	shown, kept := 0, 0
	for title, made := range p.tasks {
		switch n := notices[made.uid]; {
		case made.remind.IsZero():
			continue
		case made.cancelled && len(n) > 0:
			c.tb.Errorf("%s: %q was completed before its reminder, which was shown", p.user, title)
		case !made.cancelled && len(n) != 1:
			c.tb.Errorf("%s: the reminder of %q is there %d times", p.user, title, len(n))
		case !made.cancelled && time.Time(n[0].FiredAt).Before(made.remind.Add(-early)):
			c.tb.Errorf("%s: the reminder of %q came at %v, before %v", p.user, title, n[0].FiredAt, made.remind)
		}
		want := 1
		if made.cancelled {
			want = 0
			kept++
		} else {
			shown++
		}
		for _, d := range p.devices {
			if n := d.showed(made.uid); n != want {
				c.tb.Errorf("%s: a device showed the reminder of %q %d times, want %d", p.user, title, n, want)
			}
		}
	}
	c.tb.Logf("%s: %d reminders shown, %d cancelled", p.user, shown, kept)
}

// awaitMails waits until each reminder of the mailed person has left, and looks at the ids of its mails.
func (c *Crowd) awaitMails(ctx context.Context, p *person) {
	c.tb.Helper()
	if !p.mailed {
		return
	}
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	twice := 0
	for title, made := range p.tasks {
		mails := c.o.Mail.of(title)
		for len(mails) == 0 && !made.remind.IsZero() && !made.cancelled && ctx.Err() == nil {
			select {
			case <-tick.C:
			case <-ctx.Done():
			}
			mails = c.o.Mail.of(title)
		}
		switch want := !made.remind.IsZero() && !made.cancelled; {
		case want && len(mails) != 1:
			c.tb.Errorf("%s: the reminder of %q was mailed under %d ids: %v", p.user, title, len(mails), mails)
		case !want && len(mails) > 0:
			c.tb.Errorf("%s: a mail about %q, which nobody is to be reminded of", p.user, title)
		}
		for _, n := range mails {
			twice += n - 1
		}
	}
	c.tb.Logf("%s: %d mails came again, under their ids", p.user, twice)
}

// recall looks at what the sentences did.
func (c *Crowd) recall() {
	c.tb.Helper()
	ctx, cancel := context.WithTimeout(c.tb.Context(), settled)
	defer cancel()
	lists := map[tandem.UserID]map[string][]tandem.TaskRow{}
	spoken, lost := 0, 0
	for _, t := range c.talkers {
		for title, s := range t.said {
			if lists[s.user] == nil {
				lists[s.user] = c.list(ctx, s.user)
			}
			spoken++
			if lists[s.user] == nil {
				continue // it did not come, which was told
			}
			n := len(lists[s.user][title])
			if s.done && n != 1 || n > 1 {
				c.tb.Errorf("%s: %q says that it was added (%t), and is there %d times", s.user, title, s.done, n)
			}
			if !s.done {
				lost++
			}
		}
	}
	c.tb.Logf("%d sentences were answered, %d of them as lost", spoken, lost)
}

// list loads a person's tasks; nil: they do not come.
func (c *Crowd) list(ctx context.Context, user tandem.UserID) map[string][]tandem.TaskRow {
	c.tb.Helper()
	d, end := c.connect(ctx, c.o.Doors[0], user)
	defer end()
	if err := d.Await(ctx, loaded); err != nil {
		c.tb.Errorf("%s: the list does not come: %v", user, err)
		return nil
	}
	return rowsOf(d.Replica())
}
