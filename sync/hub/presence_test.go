package hub

import (
	"context"
	"maps"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"tandem"
	"tandem/sync/wire"
)

// lobby is what several hubs note of their devices.
type lobby struct {
	mu    sync.Mutex
	noted map[*desk]map[tandem.UserID]map[string]time.Time
	down  error
}

// desk is the lobby of one hub; told is called with a user of whom another desk noted something new.
type desk struct {
	*lobby
	told func(tandem.Signal)
}

func (l *lobby) desk(told func(tandem.Signal)) *desk {
	if l.noted == nil {
		l.noted = map[*desk]map[tandem.UserID]map[string]time.Time{}
	}
	d := &desk{l, told}
	l.noted[d] = map[tandem.UserID]map[string]time.Time{}
	return d
}

func (d *desk) Exchange(
	_ context.Context, here map[tandem.UserID]map[string]time.Time,
) (map[tandem.UserID]map[string]time.Time, error) {
	changed, elsewhere, err := d.note(here)
	for _, user := range changed {
		d.told(tandem.Signal{User: user, Control: tandem.ControlPeople})
	}
	return elsewhere, err
}

func (d *desk) note(here map[tandem.UserID]map[string]time.Time) (changed []tandem.UserID, _ map[tandem.UserID]map[string]time.Time, _ error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.down != nil {
		return nil, nil, d.down
	}
	elsewhere := map[tandem.UserID]map[string]time.Time{}
	for user, devices := range here {
		if !maps.Equal(d.noted[d][user], devices) {
			changed = append(changed, user)
		}
		d.noted[d][user] = devices
		elsewhere[user] = map[string]time.Time{}
		for other, noted := range d.noted {
			if other != d {
				maps.Copy(elsewhere[user], noted[user])
			}
		}
	}
	return changed, elsewhere, nil
}

func clients(p wire.Presence) (out []string) {
	for _, d := range p.Devices {
		out = append(out, d.Client)
	}
	return out
}

func TestPresence_OfAllProcesses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, l, lob := newMemory(), newLine(), &lobby{}
		var hubs [2]*Hub
		for i := range hubs {
			hubs[i] = start(t, m, l, func(o *Options) {
				o.Presence = lob.desk(func(s tandem.Signal) {
					if h := hubs[1-i]; h != nil {
						if r := h.find(s.User); r != nil {
							r.signal(s)
						}
					}
				})
			})
		}
		ctx, cancel := context.WithCancel(t.Context())
		var group sync.WaitGroup
		for _, h := range hubs {
			group.Go(func() {
				if err := h.Run(ctx); err != nil {
					t.Error(err)
				}
			})
		}
		expect := func(what string, d *device, want ...string) {
			t.Helper()
			synctest.Wait()
			if got := clients(presence(t, d)); !slices.Equal(got, want) {
				t.Errorf("%s: a device is told of %v, want %v", what, got, want)
			}
		}
		a, b := join(t, hubs[0], Resume{Client: "a"}), join(t, hubs[1], Resume{Client: "b"})
		expect("two came", a, "a", "b")
		expect("two came", b, "a", "b")
		twice := join(t, hubs[1], Resume{Client: "a"})
		expect("one is on both", b, "a", "b")
		twice.m.Leave()
		b.m.Leave()
		expect("one left", a, "a")
		lob.mu.Lock()
		lob.down = errDown
		lob.mu.Unlock()
		c := join(t, hubs[1], Resume{Client: "c"})
		expect("nobody can be asked", c, "c")
		lob.mu.Lock()
		lob.down = nil
		lob.mu.Unlock()
		<-time.After(2 * time.Second) // of the bubble
		expect("they can be asked again", a, "a", "c")
		expect("they can be asked again", c, "a", "c")
		a.m.Leave()
		c.m.Leave()
		cancel()
		group.Wait()
	})
}

func TestRoom_LooksAtTheLogAfterALoss(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, l := newMemory(), newLine()
		h := start(t, m, l)
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error)
		go func() { done <- h.Run(ctx) }()
		d := join(t, h, Resume{})
		m.put(ann, uid(1), 1) // its signal is lost
		publish(t, h, tandem.Signal{Lost: true})
		synctest.Wait()
		if err := d.drain(); err != nil {
			t.Fatal(err)
		}
		d.agrees(m)
		if n := m.count("heads"); n != 1 {
			t.Errorf("heads were read %d times for one loss", n)
		}
		d.m.Leave()
		cancel()
		if err := <-done; err != nil {
			t.Fatal(err)
		}
	})
}

func TestTurn_AfterALossTheEndIsFoundAndNothingGoesBack(t *testing.T) {
	m, l := newMemory(), newLine()
	h := start(t, m, l)
	d := join(t, h, Resume{})
	publish(t, h, tandem.Signal{Turn: &tandem.TurnEvent{Turn: "t1", N: 1, Ev: tandem.TurnEvStart}})
	publish(t, h, tandem.Signal{Turn: &tandem.TurnEvent{Turn: "t1", N: 2, Ev: tandem.TurnEvText, D: "ab"}})
	lose := func(row tandem.Turn) {
		t.Helper()
		row.ID, row.UserID = "t1", ann
		m.mu.Lock()
		m.turns["t1"] = row
		m.mu.Unlock()
		publish(t, h, tandem.Signal{Lost: true})
		h.find(ann).turns["t1"].asked = time.Time{}
		if err := d.drain(); err != nil {
			t.Fatal(err)
		}
	}
	lose(tandem.Turn{Status: tandem.TurnRunning, N: 1, Reply: "a"}) // saved a moment ago
	if d.texts["t1"] != "ab" || d.turns["t1"] != 2 {
		t.Errorf("the device went back to %q at %d", d.texts["t1"], d.turns["t1"])
	}
	publish(t, h, tandem.Signal{Turn: &tandem.TurnEvent{Turn: "t1", N: 3, Ev: tandem.TurnEvText, D: "c"}})
	lose(tandem.Turn{Status: tandem.TurnDone, N: 4, Reply: "abcd"})
	if d.texts["t1"] != "abcd" || !d.done["t1"] {
		t.Errorf("the device reads %q, done: %v; want abcd and its end", d.texts["t1"], d.done["t1"])
	}
}
