package session_test

import (
	"testing"

	"tandem"
)

func TestDevices_SeeEachOthersChanges(t *testing.T) {
	w := newWorld(t)
	phone, laptop := w.device("ann"), w.device("ann")
	w.mutate(phone, "add_task", map[string]any{"title": "Buy milk"})
	w.agrees("ann", laptop)
	w.agrees("ann", phone)
	if n := len(laptop.Replica().Rows[tandem.KindTask]); n != 1 {
		t.Fatalf("the laptop has %d tasks, want 1", n)
	}
}
