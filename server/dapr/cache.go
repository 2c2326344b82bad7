package dapr

import (
	"context"
	"time"
)

// Bounds of a cache that fails.
const (
	cacheFailures = 3
	cachePause    = 10 * time.Second
)

// Cache keeps what may vanish, in the state store. Whatever it holds is in the database too: a miss costs a query, never an answer.
type Cache struct {
	client *Client
	gate   *breaker
}

// Cache gives the cache of this client's sidecar.
func (c *Client) Cache() *Cache {
	return &Cache{client: c, gate: &breaker{limit: cacheFailures, pause: cachePause, now: c.o.Now}}
}

// Get gives the value of a key. A store that fails reads as a miss.
func (c *Cache) Get(ctx context.Context, key string) (value []byte, ok bool) {
	if !c.gate.allow() {
		c.missed(true)
		return nil, false
	}
	asked, cancel := context.WithTimeout(ctx, stateTimeout)
	defer cancel()
	item, err := c.client.sdk.GetState(asked, CacheStore, key, nil)
	if ctx.Err() == nil {
		c.gate.report(err == nil)
	}
	if err != nil || len(item.Value) == 0 {
		c.missed(err != nil)
		return nil, false
	}
	return item.Value, true
}

// Set keeps a value for ttl, if the store takes it.
func (c *Cache) Set(ctx context.Context, key string, value []byte, ttl time.Duration) {
	if !c.gate.allow() {
		return
	}
	asked, cancel := context.WithTimeout(ctx, stateTimeout)
	defer cancel()
	err := c.client.sdk.SaveState(asked, CacheStore, key, value, ttlOf(ttl))
	if ctx.Err() == nil {
		c.gate.report(err == nil)
	}
}

// Drop forgets a key, if the store takes it.
func (c *Cache) Drop(ctx context.Context, key string) {
	if !c.gate.allow() {
		return
	}
	asked, cancel := context.WithTimeout(ctx, stateTimeout)
	defer cancel()
	err := c.client.sdk.DeleteState(asked, CacheStore, key, nil)
	if ctx.Err() == nil {
		c.gate.report(err == nil)
	}
}

func (c *Cache) missed(failed bool) {
	if c.client.o.Metrics.CacheMiss != nil {
		c.client.o.Metrics.CacheMiss(failed)
	}
}
