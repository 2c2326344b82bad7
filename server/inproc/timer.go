package inproc

import (
	"container/heap"
	"context"
	"encoding/json"
	"sync"
	"time"
)

// Timer calls fire at the time that was set for a name. Setting a name again moves it.
type Timer struct {
	fire func(ctx context.Context, name string, payload json.RawMessage) error

	mu    sync.Mutex
	queue timerQueue
	names map[string]*alarm
	wake  chan struct{}
}

type alarm struct {
	name    string
	at      time.Time
	payload json.RawMessage
	index   int
}

// Again is how long an alarm waits whose call failed.
const Again = 10 * time.Second

// NewTimer makes a timer; fire is called from Run's goroutine, one alarm after the other. An alarm whose call fails rings again,
// unless it was set anew meanwhile.
func NewTimer(fire func(ctx context.Context, name string, payload json.RawMessage) error) *Timer {
	return &Timer{fire: fire, names: map[string]*alarm{}, wake: make(chan struct{}, 1)}
}

// At sets the alarm of a name. A time that has passed fires at once.
func (t *Timer) At(_ context.Context, name string, at time.Time, payload json.RawMessage) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if a := t.names[name]; a != nil {
		a.at, a.payload = at, payload
		heap.Fix(&t.queue, a.index)
	} else {
		a = &alarm{name: name, at: at, payload: payload}
		t.names[name] = a
		heap.Push(&t.queue, a)
	}
	t.nudge()
	return nil
}

// Cancel drops the alarm of a name, if there is one.
func (t *Timer) Cancel(_ context.Context, name string) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if a := t.names[name]; a != nil {
		heap.Remove(&t.queue, a.index)
		delete(t.names, name)
	}
	return nil
}

// Run fires alarms until ctx ends.
func (t *Timer) Run(ctx context.Context) error {
	clock := time.NewTimer(time.Hour)
	defer clock.Stop()
	for {
		for a := t.due(); a != nil; a = t.due() {
			if err := t.fire(ctx, a.name, a.payload); err != nil && ctx.Err() == nil {
				t.again(a)
			}
		}
		clock.Reset(t.untilNext())
		select {
		case <-ctx.Done():
			return nil
		case <-clock.C:
		case <-t.wake:
		}
	}
}

// due takes the first alarm whose time has come.
func (t *Timer) due() *alarm {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.queue) == 0 || t.queue[0].at.After(time.Now()) {
		return nil
	}
	a := heap.Pop(&t.queue).(*alarm)
	delete(t.names, a.name)
	return a
}

// again puts an alarm back whose call failed.
func (t *Timer) again(a *alarm) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.names[a.name] == nil {
		a.at = time.Now().Add(Again)
		t.names[a.name] = a
		heap.Push(&t.queue, a)
	}
}

func (t *Timer) untilNext() time.Duration {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.queue) == 0 {
		return time.Hour
	}
	return time.Until(t.queue[0].at)
}

func (t *Timer) nudge() {
	select {
	case t.wake <- struct{}{}:
	default: // a wake-up is pending already; the queue is the truth
	}
}

type timerQueue []*alarm

func (q timerQueue) Len() int           { return len(q) }
func (q timerQueue) Less(i, j int) bool { return q[i].at.Before(q[j].at) }
func (q timerQueue) Swap(i, j int) {
	q[i], q[j] = q[j], q[i]
	q[i].index, q[j].index = i, j
}

func (q *timerQueue) Push(x any) {
	a := x.(*alarm)
	a.index = len(*q)
	*q = append(*q, a)
}

func (q *timerQueue) Pop() any {
	old := *q
	a := old[len(old)-1]
	*q = old[:len(old)-1]
	return a
}
