package redis

import (
	"context"
	"fmt"
	"time"

	goredis "github.com/redis/go-redis/v9"
)

// Limits counts uses in all processes together. An error means that Redis did not answer in time: the caller counts for itself.
type Limits struct {
	client *Client
}

// NewLimits makes limits. Names are shared with every process on the same Redis.
func NewLimits(c *Client) *Limits { return &Limits{c} }

// Bucket takes one token of a bucket that gains perSecond and holds burst of them, or tells how long it takes until there is one.
func (l *Limits) Bucket(ctx context.Context, name string, perSecond float64, burst int) (wait time.Duration, err error) {
	return l.take(ctx, bucketScript, "bucket:"+name, 1e6/perSecond, burst)
}

// Window takes one of so many uses in any stretch of the length, or tells how long it takes until there is one. A use whose id was taken in
// that stretch is free.
func (l *Limits) Window(ctx context.Context, name, id string, uses int, length time.Duration) (wait time.Duration, err error) {
	return l.take(ctx, windowScript, "window:"+name, length.Microseconds(), uses, id)
}

func (l *Limits) take(ctx context.Context, script *goredis.Script, name string, args ...any) (time.Duration, error) {
	wait, err := l.client.number(ctx, script, call{prefix + name, args})
	if err != nil {
		return 0, fmt.Errorf("share a limit: %w", err)
	}
	return time.Duration(wait) * time.Microsecond, nil
}
