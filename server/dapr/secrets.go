package dapr

import (
	"context"
	"fmt"
	"maps"
	"time"
)

// SecretsEvery is how often secrets are asked for again, so that a rotation needs no restart.
const SecretsEvery = 5 * time.Minute

// Secret gives the fields of a secret.
func (c *Client) Secret(ctx context.Context, name string) (map[string]string, error) {
	ctx, cancel := context.WithTimeout(ctx, secretTimeout)
	defer cancel()
	fields, err := c.sdk.GetSecret(ctx, SecretStore, name, nil)
	if err != nil {
		return nil, fmt.Errorf("ask for secret %s: %w", name, err)
	}
	return fields, nil
}

// WatchSecret hands the fields of a secret to changed: at once, and again whenever they are others, until ctx ends. A store that fails changes
// nothing.
func (c *Client) WatchSecret(ctx context.Context, name string, changed func(map[string]string)) error {
	tick := time.NewTicker(SecretsEvery)
	defer tick.Stop()
	var last map[string]string
	for {
		fields, err := c.Secret(ctx, name)
		switch {
		case err != nil && ctx.Err() == nil:
			c.o.Log.WarnContext(ctx, "secret not read", "name", name, "err", err)
		case err == nil && !maps.Equal(fields, last):
			last = fields
			changed(maps.Clone(fields))
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}
