package dapr

import (
	"context"
	"sync"
	"time"
)

// versionFresh is how long the sidecar's version is believed: it changes when the sidecar is replaced beside a running process.
const versionFresh = time.Minute

// versionCache remembers what the sidecar said about itself.
type versionCache struct {
	mu   sync.Mutex
	last string
	at   time.Time
}

// ShowsNoToken tells whether the sidecar is too old to show the app's token on its callbacks. It asks the sidecar; one that does not answer
// is taken for a new one.
func (c *Client) ShowsNoToken(ctx context.Context) bool {
	v := &c.version
	v.mu.Lock()
	defer v.mu.Unlock()
	now := c.o.Now()
	if v.last == "" || now.Sub(v.at) > versionFresh {
		version, err := c.Runtime(ctx)
		if err != nil {
			return false
		}
		v.last, v.at = version, now
	}
	return tokenless(v.last)
}
