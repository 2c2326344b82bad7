package session_test

import (
	"context"
	"fmt"
	"testing"

	"tandem"
	"tandem/sync/client"
	"tandem/sync/session"
	"tandem/sync/wire"
)

// seed gives ann some tasks.
func (w *world) seed(n int) {
	w.t.Helper()
	for i := range n {
		w.edit("ann", "add_task", map[string]any{"title": fmt.Sprintf("Task %d", i)})
	}
}

func TestHello_Modes(t *testing.T) {
	w := newWorld(t)
	w.seed(10)
	epoch, head := w.db.Epoch(t.Context()), w.snapshot("ann").Seq
	for name, tc := range map[string]struct {
		epoch string
		seq   *tandem.Seq
		mode  wire.Mode
		why   wire.Why
	}{
		"nothing held":          {"", nil, wire.ModeSnapshot, wire.WhyNew},
		"no epoch":              {"", new(head), wire.ModeSnapshot, wire.WhyNew},
		"another history":       {"other", new(head), wire.ModeSnapshot, wire.WhyEpoch},
		"ahead":                 {epoch, new(head + 1), wire.ModeSnapshot, wire.WhyAhead},
		"up to date":            {epoch, new(head), wire.ModeLive, ""},
		"a little behind":       {epoch, new(head - 2), wire.ModeDelta, ""},
		"half of it is missing": {epoch, new(head - 6), wire.ModeSnapshot, wire.WhyCheaper},
	} {
		t.Run(name, func(t *testing.T) {
			h := hello()
			h.Epoch, h.Seq = tc.epoch, tc.seq
			r := w.dial(session.Principal{User: "ann"})
			r.send(h)
			ready := expect[wire.Ready](r)
			if ready.Mode != tc.mode || ready.Why != tc.why || ready.Seq != head || ready.Epoch != epoch {
				t.Fatalf("ready is %+v, want mode %s, why %q, at %d", ready, tc.mode, tc.why, head)
			}
			if tc.mode == wire.ModeDelta {
				if d := expect[wire.Delta](r); d.From != *tc.seq+1 || d.To != head || len(d.Changes) != 2 {
					t.Errorf("the delta is %d..%d with %d changes, want %d..%d with 2", d.From, d.To, len(d.Changes), *tc.seq+1, head)
				}
			}
			if tc.mode == wire.ModeSnapshot {
				if s := expect[wire.Snap](r); s.I != 0 || !s.Last || s.Seq != head || len(s.Rows[tandem.KindTask]) != 10 {
					t.Errorf("the snapshot is part %d (last: %t) at %d with %d tasks", s.I, s.Last, s.Seq, len(s.Rows[tandem.KindTask]))
				}
			}
		})
	}
}

func TestHello_SquashesWhatWasMissed(t *testing.T) {
	w := newWorld(t)
	w.seed(10)
	c, stop := w.connect(t.Context(), "ann")
	w.agrees("ann", c)
	held := c.Replica()
	stop()
	for i := range 20 {
		w.edit("ann", "update_task", map[string]any{"task_id": 1, "title": fmt.Sprintf("Title %d", i)})
	}
	h := hello()
	h.Epoch, h.Seq = held.Epoch, new(held.Seq)
	r, _ := w.greet(session.Principal{User: "ann"}, h)
	if d := expect[wire.Delta](r); len(d.Changes) != 1 || d.To != held.Seq+20 {
		t.Errorf("20 edits of one task are %d changes up to %d, want 1 up to %d", len(d.Changes), d.To, held.Seq+20)
	}
}

func TestHello_ReadsTheLogOnceForDevicesThatComeBackTogether(t *testing.T) {
	w := newWorld(t)
	w.seed(10)
	var devices []*client.Client
	var stops []func()
	for range 8 {
		c, stop := w.connect(t.Context(), "ann")
		devices, stops = append(devices, c), append(stops, stop)
		w.agrees("ann", c)
	}
	held := devices[0].Replica()
	for _, stop := range stops {
		stop()
	}
	w.edit("ann", "add_task", map[string]any{"title": "Meanwhile"})
	w.counts.mu.Lock()
	w.counts.fills = 0
	w.counts.mu.Unlock()
	first, _ := w.greet(session.Principal{User: "ann"}, wire.Hello{Client: tandem.NewID(), Ver: 1, Epoch: held.Epoch, Seq: &held.Seq})
	expect[wire.Delta](first)
	for range 7 {
		r, ready := w.greet(session.Principal{User: "ann"}, wire.Hello{Client: tandem.NewID(), Ver: 1, Epoch: held.Epoch, Seq: &held.Seq})
		if ready.Mode != wire.ModeDelta {
			t.Fatalf("mode is %s, want delta", ready.Mode)
		}
		expect[wire.Delta](r)
	}
	w.counts.mu.Lock()
	defer w.counts.mu.Unlock()
	if w.counts.fills != 1 {
		t.Errorf("8 devices caused %d reads of the log, want 1", w.counts.fills)
	}
}

func TestHello_SnapshotIsSplit(t *testing.T) {
	w := newWorld(t)
	long := make([]byte, 1900)
	for i := range long {
		long[i] = 'x'
	}
	for i := range 3 {
		items := make([]map[string]any, 50)
		for j := range items {
			items[j] = map[string]any{"title": fmt.Sprintf("Task %d.%d", i, j), "description": string(long)}
		}
		w.edit("ann", "add_task", map[string]any{"items": items})
	}
	r := w.dial(session.Principal{User: "ann"})
	r.send(hello())
	expect[wire.Ready](r)
	tasks, parts := 0, 0
	for {
		_, data, err := r.ws.Read(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if len(data) > wire.MaxSnap {
			t.Errorf("part %d has %d bytes, more than %d", parts, len(data), wire.MaxSnap)
		}
		f, err := wire.DecodeServer(data)
		if err != nil {
			t.Fatal(err)
		}
		s, ok := f.(wire.Snap)
		if !ok || s.I != parts {
			t.Fatalf("got %T %+v, want part %d of the snapshot", f, f, parts)
		}
		tasks, parts = tasks+len(s.Rows[tandem.KindTask]), parts+1
		if s.Last {
			break
		}
	}
	if tasks != 150 || parts < 5 {
		t.Errorf("%d tasks came in %d parts, want 150 in at least 5", tasks, parts)
	}
}

func TestRoom_OutlivesRestore(t *testing.T) {
	w := newWorld(t)
	w.seed(3)
	c := w.device("ann")
	w.agrees("ann", c)
	w.hub.Restart()
	ctx, cancel := w.within()
	defer cancel()
	if _, err := c.Mutate(ctx, "add_task", map[string]any{"title": "After"}); err != nil {
		t.Fatal(err)
	}
	w.agrees("ann", c)
}

func TestDevice_SurvivesCutConnections(t *testing.T) {
	w := newWorld(t)
	c := w.device("ann")
	for i := range 20 {
		done := make(chan error, 1)
		go func() {
			ctx, cancel := context.WithTimeout(t.Context(), patience)
			defer cancel()
			_, err := c.Mutate(ctx, "add_task", map[string]any{"title": fmt.Sprintf("Task %d", i)})
			done <- err
		}()
		w.net.cut()
		if err := <-done; err != nil {
			t.Fatal(err)
		}
	}
	w.agrees("ann", c)
	if n := len(c.Replica().Rows[tandem.KindTask]); n != 20 {
		t.Errorf("20 additions over cut connections made %d tasks", n)
	}
}
