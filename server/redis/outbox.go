package redis

import (
	"context"
	"sync"

	goredis "github.com/redis/go-redis/v9"

	"tandem"
)

// Bounds of what waits for Redis, and of what is remembered while it is out of reach.
const (
	maxWaiting      = 4096
	maxWaitingBytes = 8 << 20
	maxBatch        = 256
	maxHeads        = 1 << 16 // users; those beyond are found by the comparison of heads
	maxKept         = 1024
)

// outbox holds messages for other processes. While it is closed, and when it is full, it keeps the number of each message instead.
type outbox struct {
	missed func()
	wake   chan struct{}

	mu    sync.Mutex
	open  bool // Redis is within reach
	queue []message
	bytes int
	heads map[tandem.UserID]tandem.Seq
	kept  []message
	told  []message // were kept, and are told again

	repeated bool            // on this line
	empty    []chan struct{} // of those who wait for that
}

func newOutbox(missed func()) *outbox {
	return &outbox{missed: missed, wake: make(chan struct{}, 1), heads: map[tandem.UserID]tandem.Seq{}}
}

func (o *outbox) add(m message) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if !o.open || len(o.queue) >= maxWaiting || o.bytes+len(m.payload) > maxWaitingBytes {
		o.miss(m)
		return
	}
	o.queue = append(o.queue, m)
	o.bytes += len(m.payload)
	o.poke()
}

// miss remembers what is worth telling late.
func (o *outbox) miss(m message) {
	o.missed()
	switch _, known := o.heads[m.user]; {
	case m.head > 0 && (known || len(o.heads) < maxHeads):
		o.heads[m.user] = max(o.heads[m.user], m.head)
	case m.keep && len(o.kept) < maxKept:
		o.kept = append(o.kept, m)
	}
}

func (o *outbox) poke() {
	select {
	case o.wake <- struct{}{}:
	default:
	}
}

// reopen lets messages through again, those first that are told late.
func (o *outbox) reopen() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.open, o.repeated, o.told = true, false, nil
	o.poke()
}

// repeat tells again what was kept: when it was told first, other processes may not have been back yet.
func (o *outbox) repeat() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.kept, o.told, o.repeated = append(o.kept, o.told...), nil, true
	o.poke()
}

// shut keeps the numbers of all that waits, and of a batch that was perhaps not carried.
func (o *outbox) shut(batch []message) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.open = false
	o.kept, o.told = append(o.told, o.kept...), nil
	for _, m := range batch {
		o.miss(m)
	}
	for _, m := range o.queue {
		o.miss(m)
	}
	o.queue, o.bytes = nil, 0
}

// next takes what is to be sent together; what was missed comes when nothing else waits.
func (o *outbox) next(head func(tandem.UserID, tandem.Seq) message) []message {
	o.mu.Lock()
	defer o.mu.Unlock()
	if !o.open {
		return nil
	}
	if n := min(len(o.queue), maxBatch); n > 0 {
		batch := o.queue[:n]
		o.queue = o.queue[n:]
		if len(o.queue) == 0 {
			o.queue = nil
		}
		for _, m := range batch {
			o.bytes -= len(m.payload)
		}
		return batch
	}
	n := min(len(o.kept), maxBatch)
	batch := o.kept[:n:n]
	o.kept = o.kept[n:]
	if !o.repeated {
		o.told = append(o.told, batch...)
	}
	for user, seq := range o.heads {
		if len(batch) >= maxBatch {
			break
		}
		batch = append(batch, head(user, seq))
		delete(o.heads, user)
	}
	if len(batch) == 0 { // and what was taken before has been carried
		for _, done := range o.empty {
			close(done)
		}
		o.empty = nil
	}
	return batch
}

// emptied gives a channel that is closed when all that is in the outbox now has been carried.
func (o *outbox) emptied() <-chan struct{} {
	o.mu.Lock()
	defer o.mu.Unlock()
	done := make(chan struct{})
	o.empty = append(o.empty, done)
	o.poke()
	return done
}

// send sends what is in the outbox until ctx ends. A failure ends the line: whatever it was, a new one is to prove itself.
func (c *Channels) send(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-c.out.wake:
		}
		for batch := c.out.next(c.client.headOf); len(batch) > 0; batch = c.out.next(c.client.headOf) {
			if err := c.carry(ctx, batch); err != nil {
				c.out.shut(batch)
				c.cut(err)
			}
		}
	}
}

// carry publishes a batch in one exchange.
func (c *Channels) carry(ctx context.Context, batch []message) error {
	ctx, cancel := context.WithTimeout(ctx, slowTimeout)
	defer cancel()
	_, err := c.client.rdb.Pipelined(ctx, func(p goredis.Pipeliner) error {
		for _, m := range batch {
			p.Publish(ctx, channelPrefix+string(m.user), m.payload)
		}
		return nil
	})
	return err
}
