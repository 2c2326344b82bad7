package redis

import (
	"context"
	"sync"

	"tandem"
)

// Bounds of what waits in one lane.
const (
	lanes        = 8
	maxLane      = 1024
	maxLaneBytes = 4 << 20
)

// lane is a queue between the connection and the members of some users.
type lane struct {
	missed func()
	wake   chan struct{}

	mu    sync.Mutex
	queue []arrival
	bytes int
	lost  map[tandem.UserID]struct{} // for whom something did not fit, or did not come
}

type arrival struct {
	user    tandem.UserID
	payload string
}

func newLane(missed func()) *lane {
	return &lane{missed: missed, wake: make(chan struct{}, 1), lost: map[tandem.UserID]struct{}{}}
}

// push queues a message. It never waits.
func (l *lane) push(user tandem.UserID, payload string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.queue) >= maxLane || l.bytes+len(payload) > maxLaneBytes {
		l.missed()
		l.lost[user] = struct{}{}
	} else {
		l.queue = append(l.queue, arrival{user, payload})
		l.bytes += len(payload)
	}
	l.poke()
}

// lose notes that the user's members have to be told of a loss.
func (l *lane) lose(user tandem.UserID) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.lost[user] = struct{}{}
	l.poke()
}

func (l *lane) poke() {
	select {
	case l.wake <- struct{}{}:
	default:
	}
}

// take empties the lane.
func (l *lane) take() ([]arrival, map[tandem.UserID]struct{}) {
	l.mu.Lock()
	defer l.mu.Unlock()
	queue, lost := l.queue, l.lost
	l.queue, l.bytes = nil, 0
	if len(lost) == 0 {
		return queue, nil
	}
	l.lost = map[tandem.UserID]struct{}{}
	return queue, lost
}

// run delivers until ctx ends. A loss is told behind what came before it.
func (l *lane) run(ctx context.Context, deliver func(tandem.Signal)) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-l.wake:
		}
		queue, lost := l.take()
		for _, a := range queue {
			deliver(decode(a.user, a.payload))
		}
		for user := range lost {
			deliver(tandem.Signal{User: user, Lost: true})
		}
	}
}
