package session_test

import (
	"sync"
	"testing"

	"tandem"
	"tandem/sync/session"
	"tandem/sync/wire"
)

func TestR7_DevicesEqualTheDatabase(t *testing.T) {
	w := newWorld(t)
	phone, laptop := w.device("ann"), w.device("ann")
	w.mutate(phone, "add_task", map[string]any{"title": "Buy milk"})
	w.agrees("ann", laptop)
	w.agrees("ann", phone)
	if n := len(laptop.Replica().Rows[tandem.KindTask]); n != 1 {
		t.Fatalf("the laptop has %d tasks, want 1", n)
	}
}

func TestR2_NothingComesBeforeReady(t *testing.T) {
	w := newWorld(t)
	stop := make(chan struct{})
	var group sync.WaitGroup
	group.Go(func() {
		for {
			select {
			case <-stop:
				return
			default:
				w.edit("ann", "add_task", map[string]any{"title": "Busy"})
			}
		}
	})
	defer group.Wait()
	defer close(stop)
	for range 10 {
		r := w.dial(session.Principal{User: "ann"})
		r.send(hello())
		f, err := r.next()
		if _, ok := f.(wire.Ready); !ok {
			t.Fatalf("the first frame is %T %+v, %v", f, f, err)
		}
		_ = r.ws.CloseNow()
	}
}
